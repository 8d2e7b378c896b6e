/*
 * t_der.c - what tls/der.c finds in certificates made by openssl, in those of
 * the system's bundle and in damaged ones: always what BearSSL's own decoder
 * finds, and never a byte beyond the end.
 */
#include <unistd.h>

#include "../tls/tls_int.h"
#include "guard.h"
#include "test.h"

static char dir[] = "/tmp/t_der.XXXXXX";

struct found {
	int error;
	unsigned char dn[4096];
	size_t dn_len;
	bool ca;
	int type, curve;
	unsigned char key[BR_X509_BUFSIZE_KEY];	/* n e, or a point */
	size_t key_len;
};

static void
key_put(struct found *f, const br_x509_pkey *k)
{
	f->type = k->key_type;
	if (f->type == BR_KEYTYPE_RSA) {
		memcpy(f->key, k->key.rsa.n, k->key.rsa.nlen);
		memcpy(f->key + k->key.rsa.nlen, k->key.rsa.e,
		    k->key.rsa.elen);
		f->key_len = k->key.rsa.nlen + k->key.rsa.elen;
	} else {
		f->curve = k->key.ec.curve;
		memcpy(f->key, k->key.ec.q, k->key.ec.qlen);
		f->key_len = k->key.ec.qlen;
	}
}

static void
ours(struct found *f, const void *der, size_t n)
{
	struct tls_der_cert c;

	memset(f, 0, sizeof(*f));
	f->error = tls_der_cert(guard(der, n), n, &c);
	if (f->error != 0)
		return;
	if (c.subject.n <= sizeof(f->dn))
		memcpy(f->dn, c.subject.p, c.subject.n);
	f->dn_len = c.subject.n;
	f->ca = c.ca;
	key_put(f, &c.key);
}

static void
dn_put(void *ctx, const void *p, size_t n)
{
	struct found *f = ctx;

	if (n <= sizeof(f->dn) - f->dn_len)
		memcpy(f->dn + f->dn_len, p, n);
	f->dn_len += n;
}

static void
bearssl(struct found *f, const void *der, size_t n)
{
	br_x509_decoder_context dec;

	memset(f, 0, sizeof(*f));
	br_x509_decoder_init(&dec, dn_put, f);
	br_x509_decoder_push(&dec, der, n);
	f->error = br_x509_decoder_last_error(&dec);
	if (f->error != 0)
		return;
	f->ca = br_x509_decoder_isCA(&dec) != 0;
	key_put(f, br_x509_decoder_get_pkey(&dec));
}

static bool
same(const struct found *a, const struct found *b)
{
	return a->dn_len == b->dn_len && a->dn_len <= sizeof(a->dn) &&
	    memcmp(a->dn, b->dn, a->dn_len) == 0 && a->ca == b->ca &&
	    a->type == b->type && a->curve == b->curve &&
	    a->key_len == b->key_len &&
	    memcmp(a->key, b->key, a->key_len) == 0;
}

static struct tls_pem *
load(const char *name)
{
	char path[128];
	struct tls_pem *b;
	struct err e = { "" };

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	b = tls_pem_load(path, &e);
	CHECK(b != NULL, "%s", e.text);
	return b;
}

/* ---- certificates as they are made ---- */

static const char make[] =
	"cd '%s' && exec 2>make.log && "
	"one() { name=$1; shift; openssl req -x509 -new -nodes -days 9 "
	"    -subj /C=XX/CN=$name -keyout $name.key -out $name.pem \"$@\"; }; "
	"ec='-newkey ec -pkeyopt ec_paramgen_curve' && "
	"one p256 $ec:P-256 && one p384 $ec:P-384 && one p521 $ec:P-521 && "
	"one k256 $ec:secp256k1 && one rsa1024 -newkey rsa:1024 && "
	"one rsa4096 -newkey rsa:4096 && one rsa5120 -newkey rsa:5120 && "
	"one ed25519 -newkey ed25519 && one pss -newkey rsa-pss && "
	"one leaf $ec:P-256 -addext basicConstraints=CA:FALSE && "
	"one path $ec:P-256 -addext "
	"    basicConstraints=critical,CA:TRUE,pathlen:3 && "
	"one empty $ec:P-256 -subj / && "
	"openssl ec -in p256.key -conv_form compressed -out packed.key && "
	"openssl req -x509 -new -key packed.key -subj /CN=x -out packed.pem && "
	"openssl req -new -key p256.key -subj /CN=v1 -out v1.csr && "
	"openssl x509 -req -in v1.csr -signkey p256.key -out v1.pem";

static const struct {
	const char *name;
	int error, type, curve;
	size_t key_len;
	bool ca;
} made_rows[] = {
	{ "p256", 0, BR_KEYTYPE_EC, BR_EC_secp256r1, 65, true },
	{ "p384", 0, BR_KEYTYPE_EC, BR_EC_secp384r1, 97, true },
	{ "p521", 0, BR_KEYTYPE_EC, BR_EC_secp521r1, 133, true },
	{ "k256", BR_ERR_X509_UNSUPPORTED, 0, 0, 0, true },
	{ "rsa1024", 0, BR_KEYTYPE_RSA, 0, 128 + 3, true },
	{ "rsa4096", 0, BR_KEYTYPE_RSA, 0, 512 + 3, true },
	{ "rsa5120", BR_ERR_X509_LIMIT_EXCEEDED, 0, 0, 0, true },
	{ "ed25519", BR_ERR_X509_UNSUPPORTED, 0, 0, 0, true },
	{ "pss", BR_ERR_X509_UNSUPPORTED, 0, 0, 0, true },
	{ "leaf", 0, BR_KEYTYPE_EC, BR_EC_secp256r1, 65, false },
	{ "path", 0, BR_KEYTYPE_EC, BR_EC_secp256r1, 65, true },
	{ "empty", 0, BR_KEYTYPE_EC, BR_EC_secp256r1, 65, true },
	{ "v1", 0, BR_KEYTYPE_EC, BR_EC_secp256r1, 65, false },
	/* BearSSL takes it here and fails when it is used */
	{ "packed", BR_ERR_X509_INVALID_VALUE, 0, 0, 0, true },
};

static void
test_made(void)
{
	struct found f, want;
	struct tls_der_cert c;
	struct tls_pem *b;
	char file[64];
	size_t i;

	for (i = 0; i < sizeof(made_rows) / sizeof(made_rows[0]); i++) {
		snprintf(file, sizeof(file), "%s.pem", made_rows[i].name);
		b = load(file);
		if (b == NULL)
			continue;
		ours(&f, b->der, b->len);
		bearssl(&want, b->der, b->len);
		CHECK(f.error == made_rows[i].error, "%s: error %d", file,
		    f.error);
		CHECK(f.error != 0 || (f.type == made_rows[i].type &&
		    f.curve == made_rows[i].curve && f.ca == made_rows[i].ca &&
		    f.key_len == made_rows[i].key_len && same(&f, &want)),
		    "%s: type %d curve %d length %zu", file, f.type, f.curve,
		    f.key_len);
		tls_der_cert(b->der, b->len, &c);
		CHECK(c.issuer.n > 1 && c.issuer.n == c.subject.n &&
		    memcmp(c.issuer.p, c.subject.p, c.issuer.n) == 0,
		    "%s: names, whatever the key is", file);
		tls_pem_free(b);
	}
}

/* Every anchor BearSSL takes is taken, and is the same. */
static void
test_system(void)
{
	static const char *const places[] = {
		"/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem" };
	struct tls_pem *list = NULL, *b;
	struct found f, want;
	struct err e;
	size_t i;

	for (i = 0; i < 2 && list == NULL; i++)
		list = tls_pem_load(places[i], &e);
	if (list == NULL)
		printf("t_der: no system bundle here: skipped\n");
	for (i = 1, b = list; b != NULL; i++, b = b->next) {
		ours(&f, b->der, b->len);
		bearssl(&want, b->der, b->len);
		CHECK(f.error == want.error && (f.error != 0 ||
		    same(&f, &want)), "certificate %zu of the bundle: error "
		    "%d, BearSSL's %d", i, f.error, want.error);
	}
	tls_pem_free(list);
}

/* ---- damaged ones ---- */

static void
test_cut(const char *file)
{
	struct tls_pem *b = load(file);
	struct found f;
	unsigned char *longer;
	size_t n;

	if (b == NULL)
		return;
	for (n = 0; n < b->len; n++) {
		ours(&f, b->der, n);
		CHECK(f.error != 0, "%s: %zu of %zu bytes", file, n, b->len);
	}
	longer = calloc(1, b->len + 1);
	memcpy(longer, b->der, b->len);
	ours(&f, longer, b->len + 1);
	CHECK(f.error == BR_ERR_X509_INVALID_VALUE, "%s: a byte more", file);
	free(longer);
	tls_pem_free(b);
}

/* Each byte changed in turn: what both take must be the same, and what only
 * one takes is what the other does not look at. */
static void
test_changed(const char *file)
{
	static const unsigned char change[] = { 0x01, 0x02, 0x10, 0x80, 0xff };
	size_t i, j, both = 0, differ = 0;
	struct tls_pem *b = load(file);
	struct found f, want;

	for (i = 0; b != NULL && i < b->len; i++) {
		for (j = 0; j < sizeof(change); j++) {
			b->der[i] ^= change[j];
			ours(&f, b->der, b->len);
			bearssl(&want, b->der, b->len);
			b->der[i] ^= change[j];
			if (f.error == 0 && want.error == 0) {
				both++;
				differ += !same(&f, &want);
			}
		}
	}
	CHECK(both > 100, "%s: only %zu are taken", file, both);
	CHECK(differ == 0, "%s: %zu of %zu differ", file, differ, both);
	tls_pem_free(b);
}

/* One place of a certificate replaced by as many bytes. */
static const struct {
	const char *what, *file;
	size_t n;
	const char *from, *to;
	int error;
} damage_rows[] = {
	{ "no sequence", "p256.pem", 2, "\x30\x82", "\x31\x82",
	  BR_ERR_X509_INVALID_VALUE },
	{ "indefinite length", "p256.pem", 2, "\x30\x82", "\x30\x80",
	  BR_ERR_X509_TRUNCATED },
	{ "bits left over in the key", "p256.pem", 4, "\x03\x42\x00\x04",
	  "\x03\x42\x01\x04", BR_ERR_X509_INVALID_VALUE },
	{ "another form of point", "p256.pem", 4, "\x03\x42\x00\x04",
	  "\x03\x42\x00\x06", BR_ERR_X509_INVALID_VALUE },
	{ "another curve of that size", "p256.pem", 8,
	  "\x2a\x86\x48\xce\x3d\x03\x01\x07",
	  "\x2a\x86\x48\xce\x3d\x03\x01\x06", BR_ERR_X509_UNSUPPORTED },
	{ "another kind of key", "p256.pem", 7, "\x2a\x86\x48\xce\x3d\x02\x01",
	  "\x2a\x86\x48\xce\x3d\x02\x02", BR_ERR_X509_UNSUPPORTED },
	{ "a point of another curve", "p384.pem", 5, "\x2b\x81\x04\x00\x22",
	  "\x2b\x81\x04\x00\x23", BR_ERR_X509_INVALID_VALUE },
	{ "a negative modulus", "rsa1024.pem", 4, "\x02\x81\x81\x00",
	  "\x02\x81\x81\x80", BR_ERR_X509_INVALID_VALUE },
	{ "exponent 0", "rsa1024.pem", 5, "\x02\x03\x01\x00\x01",
	  "\x02\x03\x00\x00\x00", BR_ERR_X509_INVALID_VALUE },
	{ "bytes after the exponent", "rsa1024.pem", 5, "\x02\x03\x01\x00\x01",
	  "\x02\x02\x01\x00\x01", BR_ERR_X509_INVALID_VALUE },
	{ "CA of two bytes", "p256.pem", 7, "\x30\x03\x01\x01\xff\x30\x0a",
	  "\x30\x03\x01\x02\xff\x30\x0a", BR_ERR_X509_INVALID_VALUE },
	{ "extensions as [4]", "p256.pem", 4, "\xa3\x53\x30\x51",
	  "\xa4\x53\x30\x51", BR_ERR_X509_INVALID_VALUE },
};

static unsigned char *
find(struct tls_pem *b, const char *bytes, size_t n)
{
	return memmem(b->der, b->len, bytes, n);
}

static void
test_damage(void)
{
	struct tls_pem *b;
	struct found f;
	unsigned char *at;
	size_t i;

	for (i = 0; i < sizeof(damage_rows) / sizeof(damage_rows[0]); i++) {
		b = load(damage_rows[i].file);
		if (b == NULL)
			continue;
		at = find(b, damage_rows[i].from, damage_rows[i].n);
		CHECK(at != NULL, "%s: nothing to damage",
		    damage_rows[i].what);
		if (at != NULL) {
			memcpy(at, damage_rows[i].to, damage_rows[i].n);
			ours(&f, b->der, b->len);
			CHECK(f.error == damage_rows[i].error, "%s: error %d",
			    damage_rows[i].what, f.error);
		}
		tls_pem_free(b);
	}
}

/* 2026-11-25 12:00:00 between all sorts of dates */
static void
test_dates(void)
{
#define UTC(s) "\x17\x0d" s "Z"
#define TIME(s) "\x18\x0f" s "Z"
	static const struct {
		const char *dates, *want;
	} rows[] = {
		{ UTC("261125115959") UTC("261125120001"), "" },
		{ UTC("261125120000") UTC("261125120000"), "" },
		{ UTC("500101000000") UTC("491231235959"), "" },
		{ TIME("20261125120000") TIME("99991231235959"), "" },
		{ UTC("261125120001") UTC("361125120000"), "is not valid yet" },
		{ TIME("20500101000000") TIME("20600101000000"),
		  "is not valid yet" },
		{ UTC("251125120000") UTC("261125115959"), "has expired" },
		{ UTC("501125120000") UTC("991231235959"), "has expired" },
		{ UTC("261125115959"), "has no valid dates" },
		{ "\x17\x0f" "20261125120000Z" UTC("361125120000"),
		  "has no valid dates" },
		{ UTC("261125115959") "\x18\x0d" "361125120000Z",
		  "has no valid dates" },
		{ "", "has no valid dates" },
	};
	const time_t now = 1795608000;
	struct tls_slice s;
	const char *got;
	size_t i, n;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		s.n = strlen(rows[i].dates);
		s.p = (unsigned char *)guard(rows[i].dates, s.n);
		got = tls_der_dated(s, now);
		CHECK(strcmp(got != NULL ? got : "", rows[i].want) == 0,
		    "row %zu: %s", i, got != NULL ? got : "no fault");
	}
	for (n = 0; n < 30; n++) {
		s.p = (unsigned char *)guard(rows[0].dates, n);
		s.n = n;
		CHECK(tls_der_dated(s, now) != NULL, "cut after %zu", n);
	}
}

int
main(void)
{
	char command[4096];

	if (mkdtemp(dir) == NULL) {
		perror(dir);
		return 1;
	}
	snprintf(command, sizeof(command), make, dir);
	if (system(command) == 0) {
		test_made();
		test_system();
		test_cut("p256.pem");
		test_cut("v1.pem");
		test_changed("p256.pem");
		test_changed("path.pem");
		test_changed("rsa1024.pem");
		test_damage();
		test_dates();
	} else {
		CHECK(0, "openssl makes the certificates");
	}
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	CHECK(system(command) == 0, "clean up");
	return test_end("t_der");
}
