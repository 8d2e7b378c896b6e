/*
 * tls/make_cert.c - a key and a self-signed certificate, for who has none of a
 * certificate authority.
 *
 * DER is written from the end of a buffer to its beginning: when an element's
 * contents are there its length is known, and is put before them.  So what
 * reads top down here stands bottom up in the certificate.
 */
#include <arpa/inet.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "tls_int.h"

enum {
	DER_ROOM = 16 * 1024,		/* more than all names can fill */
	NAMES_MAX = 32,
	YEARS_S = 3652 * 86400,		/* ten of them */
	DAY_S = 86400,
	POINT = 65, SCALAR = 32, SERIAL = 16
};

struct der {
	size_t at;			/* of its first byte in buf */
	unsigned char buf[DER_ROOM];
};

struct cert {
	const char *name[NAMES_MAX];
	size_t n;
	char host[256];			/* one of them */
	br_hmac_drbg_context rng;
	br_ec_private_key sk;
	unsigned char scalar[BR_EC_KBUF_PRIV_MAX_SIZE];
	unsigned char point[BR_EC_KBUF_PUB_MAX_SIZE];
	struct der tbs, cert, key;
};

/* ---- DER, backwards ---- */

static void
put(struct der *d, const void *p, size_t n)
{
	if (n > d->at)
		abort();		/* our own mistake */
	d->at -= n;
	memcpy(d->buf + d->at, p, n);
}

#define PUT(d, bytes) put((d), (bytes), sizeof(bytes) - 1)

/* What is there from d->at to end becomes the contents of one element. */
static void
wrap(struct der *d, int tag, size_t end)
{
	size_t n = end - d->at;
	unsigned char h[4] = { (unsigned char)tag, 0x82,
	    (unsigned char)(n >> 8), (unsigned char)n };

	if (n < 0x80) {
		h[1] = (unsigned char)n;
		put(d, h, 2);
	} else if (n < 0x100) {
		h[1] = 0x81;
		h[2] = (unsigned char)n;
		put(d, h, 3);
	} else {
		put(d, h, 4);
	}
}

static void
put_element(struct der *d, int tag, const void *p, size_t n)
{
	size_t end = d->at;

	put(d, p, n);
	wrap(d, tag, end);
}

/* ---- the parts of a certificate (RFC 5280 4.1) ---- */

#define ECDSA_SHA256 "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\4\3\2"
#define EC_P256 "\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\2\1" \
	"\x06\x08\x2a\x86\x48\xce\x3d\3\1\7"

/* one common name: the first name that is not too long for it */
static void
put_name(struct der *d, const struct cert *c)
{
	const char *name = "cosftpd";
	size_t end = d->at, i;

	for (i = c->n; i-- > 0; )
		if (strlen(c->name[i]) <= 64)
			name = c->name[i];
	put_element(d, 0x0c, name, strlen(name));	/* UTF8String */
	PUT(d, "\x06\x03\x55\x04\x03");
	wrap(d, 0x30, end);
	wrap(d, 0x31, end);
	wrap(d, 0x30, end);
}

/* UTCTime, from 2050 on GeneralizedTime */
static void
put_time(struct der *d, time_t t)
{
	char text[32] = "";
	struct tm tm;
	size_t skip;

	if (gmtime_r(&t, &tm) != NULL)
		strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &tm);
	skip = strcmp(text, "2050") < 0 ? 2 : 0;
	put_element(d, skip > 0 ? 0x17 : 0x18, text + skip,
	    strlen(text + skip));
}

static void
put_point(struct der *d, const struct cert *c)
{
	size_t end = d->at;

	put(d, c->point, POINT);
	PUT(d, "\0");			/* no bits left over */
	wrap(d, 0x03, end);
}

static void
put_extensions(struct der *d, const struct cert *c)
{
	size_t end = d->at, list = end, i;
	unsigned char ip[16];

	for (i = c->n; i-- > 0; ) {	/* RFC 5280 4.2.1.6 */
		if (inet_pton(AF_INET, c->name[i], ip) == 1)
			put_element(d, 0x87, ip, 4);
		else if (inet_pton(AF_INET6, c->name[i], ip) == 1)
			put_element(d, 0x87, ip, 16);
		else
			put_element(d, 0x82, c->name[i], strlen(c->name[i]));
	}
	wrap(d, 0x30, list);
	wrap(d, 0x04, list);
	PUT(d, "\x06\x03\x55\x1d\x11");
	wrap(d, 0x30, list);
	/* for servers, for signatures only, no CA; the last two critical */
	PUT(d, "\x30\x13\x06\x03\x55\x1d\x25\x04\x0c\x30\x0a"
	    "\x06\x08\x2b\6\1\5\5\7\3\1");
	PUT(d, "\x30\x0e\x06\x03\x55\x1d\x0f\1\1\xff\x04\4\3\2\7\x80");
	PUT(d, "\x30\x0c\x06\x03\x55\x1d\x13\1\1\xff\x04\2\x30\0");
	wrap(d, 0x30, end);
	wrap(d, 0xa3, end);
}

static void
put_tbs(struct der *d, const struct cert *c)
{
	unsigned char serial[SERIAL];
	size_t end = d->at, part;

	put_extensions(d, c);
	part = d->at;
	put_point(d, c);
	PUT(d, EC_P256);
	wrap(d, 0x30, part);
	put_name(d, c);			/* subject */
	part = d->at;
	put_time(d, time(NULL) + YEARS_S);
	put_time(d, time(NULL) - DAY_S);	/* other clocks are slow */
	wrap(d, 0x30, part);
	put_name(d, c);			/* issuer */
	PUT(d, ECDSA_SHA256);
	tls_random(serial, sizeof(serial));
	serial[0] = (serial[0] & 0x3f) | 0x40;	/* positive, not short */
	put_element(d, 0x02, serial, sizeof(serial));
	PUT(d, "\xa0\3\2\1\2");		/* version 3 */
	wrap(d, 0x30, end);
}

/* ---- the two documents ---- */

static int
make_key(struct cert *c, struct err *e)
{
	unsigned char seed[32];
	br_ec_public_key pub;

	tls_random(seed, sizeof(seed));
	br_hmac_drbg_init(&c->rng, &br_sha256_vtable, seed, sizeof(seed));
	tls_wipe(seed, sizeof(seed));
	if (br_ec_keygen(&c->rng.vtable, br_ec_get_default(), &c->sk,
	    c->scalar, BR_EC_secp256r1) != SCALAR ||
	    br_ec_compute_pub(br_ec_get_default(), &pub, c->point,
	    &c->sk) != POINT)
		return err_set(e, "no key could be made");
	return 0;
}

/* RFC 5208 5, in it RFC 5915 3 */
static void
write_key(struct cert *c)
{
	struct der *d = &c->key;
	size_t end = d->at = DER_ROOM;

	put_point(d, c);
	wrap(d, 0xa1, end);
	put_element(d, 0x04, c->scalar, SCALAR);
	PUT(d, "\2\1\1");
	wrap(d, 0x30, end);
	wrap(d, 0x04, end);
	PUT(d, EC_P256);
	PUT(d, "\2\1\0");
	wrap(d, 0x30, end);
}

static int
write_cert(struct cert *c, struct err *e)
{
	unsigned char hash[TLS_SHA256_LEN], sig[80];
	struct der *d = &c->cert, *tbs = &c->tbs;
	size_t n, end = d->at = tbs->at = DER_ROOM;

	put_tbs(tbs, c);
	tls_sha256(tbs->buf + tbs->at, DER_ROOM - tbs->at, hash);
	n = br_ecdsa_sign_asn1_get_default()(br_ec_get_default(),
	    &br_sha256_vtable, hash, &c->sk, sig);
	if (n == 0)
		return err_set(e, "the certificate could not be signed");
	put(d, sig, n);
	PUT(d, "\0");
	wrap(d, 0x03, end);
	PUT(d, ECDSA_SHA256);
	put(d, tbs->buf + tbs->at, DER_ROOM - tbs->at);
	wrap(d, 0x30, end);
	return 0;
}

/* ---- names ---- */

static bool
name_fits(const char *name)
{
	unsigned char ip[16];
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_*");

	return (n > 0 && n <= 253 && name[n] == '\0') ||
	    inet_pton(AF_INET6, name, ip) == 1;
}

static void
name_add(struct cert *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (strcasecmp(c->name[i], name) == 0)
			return;
	c->name[c->n++] = name;
}

/* Those asked for come first, as the first one is the common name. */
static int
names_collect(struct cert *c, char *const *names, size_t n, struct err *e)
{
	size_t i;

	if (n > NAMES_MAX - 2)
		return err_set(e, "more than %d names", NAMES_MAX - 2);
	for (i = 0; i < n; i++) {
		if (!name_fits(names[i]))
			return err_set(e, "\"%.60s\" is neither a host name "
			    "nor an address", names[i]);
		name_add(c, names[i]);
	}
	if (gethostname(c->host, sizeof(c->host) - 1) == 0 &&
	    name_fits(c->host))
		name_add(c, c->host);
	name_add(c, "localhost");
	return 0;
}

/* ---- files ---- */

static int
pem_write(int fd, const char *path, const char *what, const struct der *d,
    struct err *e)
{
	const unsigned char *p = d->buf + d->at, *stop = d->buf + DER_ROOM;
	char line[65];
	size_t n;
	bool ok = dprintf(fd, "-----BEGIN %s-----\n", what) > 0;

	for (; ok && p < stop; p += n) {
		n = stop - p < 48 ? (size_t)(stop - p) : 48;
		tls_base64(line, p, n);
		ok = dprintf(fd, "%s\n", line) > 0;
	}
	tls_wipe(line, sizeof(line));
	if (ok && dprintf(fd, "-----END %s-----\n", what) > 0 &&
	    fsync(fd) == 0)
		return 0;
	return err_sys(e, "write %s", path);
}

/* A new file with exactly this mode. */
static int
file_make(const char *path, mode_t mode, const char *what,
    const struct der *d, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	int rc;

	if (fd < 0 && errno == EEXIST)
		return err_set(e, "%s is there already and is not replaced",
		    path);
	if (fd < 0)
		return err_sys(e, "create %s", path);
	rc = fchmod(fd, mode) < 0 ? err_sys(e, "chmod %s", path) :
	    pem_write(fd, path, what, d, e);
	if (close(fd) < 0 && rc == 0)
		rc = err_sys(e, "write %s", path);
	if (rc < 0)
		unlink(path);		/* e says already what is wrong */
	return rc;
}

static void
report(const struct cert *c, const char *cert_file, const char *key_file,
    FILE *out)
{
	unsigned char hash[TLS_SHA256_LEN];
	size_t i;

	fprintf(out, "certificate: %s\nprivate key: %s\nfor:",
	    cert_file, key_file);
	for (i = 0; i < c->n; i++)
		fprintf(out, " %s", c->name[i]);
	tls_sha256(c->cert.buf + c->cert.at, DER_ROOM - c->cert.at, hash);
	fprintf(out, "\nSHA-256 fingerprint: ");
	for (i = 0; i < sizeof(hash); i++)
		fprintf(out, "%s%02X", i > 0 ? ":" : "", hash[i]);
	fprintf(out, "\n\nIn the configuration:\n\n[TLS]\n"
	    "cert_file = %s\nkey_file = %s\n", cert_file, key_file);
}

int
tls_make_cert(const char *dir, char *const *names, size_t n, FILE *out,
    struct err *e)
{
	char *whole = realpath(dir, NULL), key[4096], cert[4096];
	struct cert *c = calloc(1, sizeof(*c));
	int rc = -1;

	if (whole == NULL) {
		err_sys(e, "%s", dir);
		goto out;
	}
	if (c == NULL) {
		err_set(e, "out of memory");
		goto out;
	}
	snprintf(key, sizeof(key), "%.4000s/key.pem", whole);
	snprintf(cert, sizeof(cert), "%.4000s/cert.pem", whole);
	if (names_collect(c, names, n, e) < 0 || make_key(c, e) < 0)
		goto out;
	write_key(c);
	if (write_cert(c, e) < 0 ||
	    file_make(key, 0600, "PRIVATE KEY", &c->key, e) < 0)
		goto out;
	rc = file_make(cert, 0644, "CERTIFICATE", &c->cert, e);
	if (rc < 0)
		unlink(key);		/* of no use alone */
	else
		report(c, cert, key, out);
out:
	if (c != NULL)
		tls_wipe(c, sizeof(*c));
	free(c);
	free(whole);
	return rc;
}
