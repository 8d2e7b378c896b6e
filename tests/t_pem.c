/*
 * t_pem.c - certificate and key files as administrators have them: other line
 * ends, remarks between blocks, damage, wrong order, the wrong key.
 *
 * The certificates are made anew by tests/mkcert.sh.
 */
#include <unistd.h>

#include "../tls/tls.h"
#include "test.h"

static char dir[] = "/tmp/t_pem.XXXXXX";

/* A file is written down as pieces: "+name" is the file made by mkcert.sh,
 * anything else is itself. */
enum { PIECES = 6 };

enum change {
	AS_IS,
	CRLF,			/* every line end */
	NO_LAST_NEWLINE,
	CUT			/* 60 bytes short */
};

static size_t
put_file(const char *name, char *out, size_t room)
{
	char path[128];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "r");
	if (f == NULL) {
		perror(path);
		exit(1);
	}
	n = fread(out, 1, room, f);
	fclose(f);
	return n;
}

static void
make(const char *name, const char *const piece[PIECES], enum change change)
{
	static char text[65536];
	char path[128];
	size_t n = 0, i;
	FILE *f;

	for (i = 0; i < PIECES && piece[i] != NULL; i++) {
		if (piece[i][0] == '+') {
			n += put_file(piece[i] + 1, text + n,
			    sizeof(text) - n);
		} else {
			memcpy(text + n, piece[i], strlen(piece[i]));
			n += strlen(piece[i]);
		}
	}
	if (change == NO_LAST_NEWLINE)
		n--;
	else if (change == CUT)
		n -= 60;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	if (f == NULL) {
		perror(path);
		exit(1);
	}
	for (i = 0; i < n; i++) {
		if (change == CRLF && text[i] == '\n')
			fputc('\r', f);
		fputc(text[i], f);
	}
	fclose(f);
}

/* want: NULL for success, or words of the reason */
static void
check(bool ok, const struct err *e, const char *want, const char *what)
{
	CHECK(ok == (want == NULL), "%s: %s", what, ok ? "accepted" : e->text);
	if (!ok && want != NULL)
		CHECK(strstr(e->text, want) != NULL,
		    "%s: \"%s\" lacks \"%s\"", what, e->text, want);
}

#define EC_PARAMETERS "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n" \
	"-----END EC PARAMETERS-----\n"

static const struct {
	const char *what;
	const char *piece[PIECES];
	enum change change;
	const char *want;
} trust_rows[] = {
	{ "as made", { "+ca.pem" }, AS_IS, NULL },
	{ "two", { "+ca.pem", "+other-ca.pem" }, AS_IS, NULL },
	{ "CRLF", { "+ca.pem", "+other-ca.pem" }, CRLF, NULL },
	{ "no last newline", { "+ca.pem" }, NO_LAST_NEWLINE, NULL },
	{ "text around", { "# our CA\nCN = x\n", "+ca.pem",
	  "\n\nand -----another\n", "+other-ca.pem", "the end" }, AS_IS, NULL },
	{ "small letters and blanks", { "-----begin certificate----- \n",
	  "-----end certificate\n", "+ca.pem" }, AS_IS, NULL },
	{ "byte order mark", { "\xef\xbb\xbf", "+ca.pem" }, AS_IS, NULL },
	{ "a key too", { "+ca.key", "+ca.pem" }, AS_IS, NULL },
	{ "self-signed, no CA", { "+self.pem" }, AS_IS, NULL },
	{ "cut in a line", { "+ca.pem" }, CUT,
	  "block 1 (CERTIFICATE) is damaged or cut short" },
	{ "second cut", { "+ca.pem", "+other-ca.pem" }, CUT,
	  "block 2 (CERTIFICATE) is damaged or cut short" },
	{ "cut after a line", { "-----BEGIN CERTIFICATE-----\nAAAA\n" }, AS_IS,
	  "block 1 (CERTIFICATE) is damaged or cut short" },
	{ "only a first line", { "-----BEGIN CERTIFICATE-----" }, AS_IS,
	  "block 1 (CERTIFICATE) is damaged or cut short" },
	{ "empty", { "" }, AS_IS, "nothing in PEM form" },
	{ "text", { "not a certificate\n" }, AS_IS, "nothing in PEM form" },
	{ "DER", { "\x30\x82\x01\x02\x03" }, AS_IS, "nothing in PEM form" },
	{ "key only", { "+ca.key" }, AS_IS, "no certificate found" },
	{ "damaged base64", { "-----BEGIN CERTIFICATE-----\nMII*\n"
	  "-----END CERTIFICATE-----\n" }, AS_IS, "block 1 (CERTIFICATE) is "
	  "damaged or cut short" },
	{ "base64 of odd length", { "-----BEGIN CERTIFICATE-----\nMII\n"
	  "-----END CERTIFICATE-----\n" }, AS_IS, "is damaged" },
	{ "padding where nothing is missing", { "-----BEGIN CERTIFICATE-----"
	  "\nAAAA=\n-----END CERTIFICATE-----\n" }, AS_IS, "is damaged" },
	{ "half the padding", { "-----BEGIN CERTIFICATE-----\nAA=\n"
	  "-----END CERTIFICATE-----\n" }, AS_IS, "is damaged" },
	{ "too much padding", { "-----BEGIN CERTIFICATE-----\nAA====\n"
	  "-----END CERTIFICATE-----\n" }, AS_IS, "is damaged" },
	{ "padding inside", { "-----BEGIN CERTIFICATE-----\nAA==AAAA\n"
	  "-----END CERTIFICATE-----\n" }, AS_IS, "is damaged" },
	{ "spare bits, one byte", { "-----BEGIN CERTIFICATE-----\nAB==\n"
	  "-----END CERTIFICATE-----\n" }, AS_IS, "is damaged" },
	{ "spare bits, two bytes", { "-----BEGIN CERTIFICATE-----\nAAB=\n"
	  "-----END CERTIFICATE-----\n" }, AS_IS, "is damaged" },
	{ "a byte above ASCII", { "-----BEGIN CERTIFICATE-----\nAA\xff=\n"
	  "-----END CERTIFICATE-----\n" }, AS_IS, "is damaged" },
	{ "another end", { "-----BEGIN CERTIFICATE-----\nAAAA\n"
	  "-----end\n-----END CERTIFICATE-----\n" }, AS_IS, "is damaged" },
	{ "a block in a block", { "-----BEGIN CERTIFICATE-----\n",
	  "+ca.pem" }, AS_IS, "block 1 (CERTIFICATE) is damaged" },
	{ "old Macintosh line ends", { "-----BEGIN CERTIFICATE-----\rMII\r" },
	  AS_IS, "block 1 (CERTIFICATE) is damaged or cut short" },
	{ "a long name", { "-----BEGIN 012345678901234567890123456789012345678"
	  "901234567890123456789-----\nA" }, AS_IS,
	  "block 1 (01234567890123456789012345678901234567890123456) is" },
	{ "no certificate inside", { "-----BEGIN CERTIFICATE-----\nAAAA\n"
	  "-----END CERTIFICATE-----\n" }, AS_IS, "no usable certificate" },
};

static void
test_trust(void)
{
	char path[128];
	struct tls_trust *t;
	struct err e;
	size_t i;

	snprintf(path, sizeof(path), "%s/trust.pem", dir);
	for (i = 0; i < sizeof(trust_rows) / sizeof(trust_rows[0]); i++) {
		make("trust.pem", trust_rows[i].piece, trust_rows[i].change);
		e.text[0] = '\0';
		t = tls_trust_load(path, &e);
		check(t != NULL, &e, trust_rows[i].want, trust_rows[i].what);
		tls_trust_free(t);
	}
	t = tls_trust_load("/nonexistent/ca.pem", &e);
	check(t != NULL, &e, "/nonexistent/ca.pem", "missing file");
	t = tls_trust_load(dir, &e);
	check(t != NULL, &e, "not a regular file", "a directory");
	CHECK(tls_trust_load("/nonexistent/ca.pem", NULL) == NULL,
	    "no error wanted");
}

static const struct {
	const char *what;
	const char *cert[PIECES];
	const char *key[PIECES];
	enum change change;		/* of both */
	const char *want;
} identity_rows[] = {
	{ "EC", { "+ec.pem" }, { "+ec.key" }, AS_IS, NULL },
	{ "RSA", { "+rsa.pem" }, { "+rsa.key" }, AS_IS, NULL },
	{ "EC, SEC 1", { "+ec.pem" }, { "+ec-sec1.key" }, AS_IS, NULL },
	{ "EC, parameters first", { "+ec.pem" }, { EC_PARAMETERS,
	  "+ec-sec1.key" }, AS_IS, NULL },
	{ "RSA, PKCS 1", { "+rsa.pem" }, { "+rsa-pkcs1.key" }, AS_IS, NULL },
	{ "RSA-4096", { "+big.pem" }, { "+big.key" }, AS_IS, NULL },
	{ "CRLF", { "+chain.pem" }, { EC_PARAMETERS, "+chain.key" }, CRLF,
	  NULL },
	{ "no last newline", { "+chain.pem" }, { "+chain.key" },
	  NO_LAST_NEWLINE, NULL },
	{ "key and certificate in each", { "+ec.key", "+ec.pem" },
	  { "+ec.pem", "+ec.key" }, AS_IS, NULL },
	{ "chain", { "+chain.pem" }, { "+chain.key" }, AS_IS, NULL },
	{ "chain with the root", { "+chain.pem", "+ca.pem" },
	  { "+chain.key" }, AS_IS, NULL },
	{ "issuer first", { "+inter.pem", "+leaf.pem" }, { "+chain.key" },
	  AS_IS, "wrong order: the server's own certificate (number 2)" },
	{ "root before intermediate", { "+leaf.pem", "+ca.pem",
	  "+inter.pem" }, { "+chain.key" }, AS_IS, "wrong order: certificate "
	  "2 is not the issuer of certificate 1" },
	{ "foreign last one, no newline", { "+chain.pem", "+other-ca.pem" },
	  { "+chain.key" }, NO_LAST_NEWLINE, "wrong order: certificate 3" },
	{ "other EC key", { "+ec.pem" }, { "+self.key" }, AS_IS,
	  "does not belong to the certificate" },
	{ "other kind of key", { "+ec.pem" }, { "+rsa.key" }, AS_IS,
	  "does not belong to the certificate" },
	{ "other RSA key", { "+rsa.pem" }, { "+big.key" }, AS_IS,
	  "does not belong to the certificate" },
	{ "encrypted, PKCS 8", { "+ec.pem" }, { "+ec-encrypted.key" }, AS_IS,
	  "pass phrase" },
	{ "encrypted, old style", { "+ec.pem" }, { "+ec-old.key" }, AS_IS,
	  "pass phrase" },
	{ "no key", { "+ec.pem" }, { "+ec.pem" }, AS_IS,
	  "no private key found" },
	{ "no certificate", { "+ec.key" }, { "+ec.key" }, AS_IS,
	  "no certificate found" },
	{ "empty certificate file", { "" }, { "+ec.key" }, AS_IS,
	  "nothing in PEM form" },
	{ "cut", { "+ec.pem" }, { "+ec.key" }, CUT, "damaged or cut short" },
	{ "Ed25519 key", { "+ec.pem" }, { "+ed25519.key" }, AS_IS,
	  "RSA up to 4096 bits" },
	{ "Ed25519 certificate", { "+ed25519.pem" }, { "+ec.key" }, AS_IS,
	  "unsupported kind of key" },
	{ "rubbish in a key block", { "+ec.pem" },
	  { "-----BEGIN PRIVATE KEY-----\nMAAA\n-----END PRIVATE KEY-----\n" },
	  AS_IS, "the private key is damaged" },
	{ "rubbish in a certificate block",
	  { "-----BEGIN CERTIFICATE-----\nMAAA\n-----END CERTIFICATE-----\n" },
	  { "+ec.key" }, AS_IS, "certificate 1 cannot be used" },
	{ "certificate of TRUSTED form", { "-----BEGIN TRUSTED CERTIFICATE---"
	  "--\nAAAA\n-----END TRUSTED CERTIFICATE-----\n" }, { "+ec.key" },
	  AS_IS, "no certificate found" },
};

/* The odd ones, only for here. */
static const char more[] =
	"cd '%s' && exec 2>more.log && "
	"openssl ec -in ec.key -out ec-sec1.key && "
	"openssl rsa -in rsa.key -traditional -out rsa-pkcs1.key && "
	"openssl pkcs8 -topk8 -in ec.key -passout pass:x "
	"    -out ec-encrypted.key && "
	"openssl ec -in ec.key -aes128 -passout pass:x -out ec-old.key && "
	"openssl genpkey -algorithm ED25519 -out ed25519.key && "
	"openssl req -x509 -new -key ed25519.key -subj /CN=x "
	"    -out ed25519.pem && "
	"openssl req -x509 -newkey rsa:4096 -nodes -keyout big.key "
	"    -subj /CN=x -out big.pem";

static void
test_identity(void)
{
	char cert[128], key[128];
	struct tls_identity *id;
	struct err e;
	size_t i;

	snprintf(cert, sizeof(cert), "%s/cert.pem", dir);
	snprintf(key, sizeof(key), "%s/key.pem", dir);
	for (i = 0; i < sizeof(identity_rows) / sizeof(identity_rows[0]);
	    i++) {
		make("cert.pem", identity_rows[i].cert,
		    identity_rows[i].change);
		make("key.pem", identity_rows[i].key, identity_rows[i].change);
		e.text[0] = '\0';
		id = tls_identity_load(cert, key, &e);
		check(id != NULL, &e, identity_rows[i].want,
		    identity_rows[i].what);
		tls_identity_free(id);
	}
	make("cert.pem", (const char *const[PIECES]){ "+ec.key", "+ec.pem" },
	    AS_IS);
	id = tls_identity_load(cert, NULL, &e);
	check(id != NULL, &e, NULL, "both in one file");
	tls_identity_free(id);
	id = tls_identity_load(cert, "/nonexistent/key.pem", &e);
	check(id != NULL, &e, "/nonexistent/key.pem", "missing key file");
}

/* ---- keys whose numbers are too long for BearSSL's buffer ---- */

/* version, n, e, d, p, q, dp, dq, iq: the lengths of an RSAPrivateKey */
static const struct {
	const char *what;
	size_t len[9];
} huge_rows[] = {
	{ "5120 bits", { 1, 641, 3, 640, 321, 321, 320, 320, 320 } },
	{ "long modulus", { 1, 1560, 1, 1, 1, 1, 1, 1, 1 } },
	{ "long exponent", { 1, 256, 1, 1550, 1, 1, 1, 1, 1 } },
	{ "long prime", { 1, 256, 1, 256, 1559, 1, 1, 1, 1 } },
	{ "long factors together", { 1, 512, 3, 512, 312, 312, 312, 312,
	  312 } },
	{ "RSA with 3 numbers", { 1, 256, 3, 0, 0, 0, 0, 0, 0 } },
};

static size_t
put_head(unsigned char *p, int tag, size_t len)
{
	p[0] = (unsigned char)tag;
	p[1] = 0x82;
	p[2] = (unsigned char)(len >> 8);
	p[3] = (unsigned char)len;
	return 4;
}

static size_t
huge_der(unsigned char *out, const size_t len[9])
{
	size_t n = 4, i;

	for (i = 0; i < 9 && len[i] > 0; i++) {
		n += put_head(out + n, 0x02, len[i]);
		memset(out + n, i == 0 ? 0 : 0x55, len[i]);
		n += len[i];
	}
	put_head(out, 0x30, n - 4);
	return n;
}

static void
test_huge(void)
{
	static char text[8192];
	unsigned char der[4096];
	char cert[128], key[128];
	struct tls_identity *id;
	struct err e;
	size_t i;

	snprintf(cert, sizeof(cert), "%s/ec.pem", dir);
	snprintf(key, sizeof(key), "%s/key.pem", dir);
	for (i = 0; i < sizeof(huge_rows) / sizeof(huge_rows[0]); i++) {
		tls_base64(text, der, huge_der(der, huge_rows[i].len));
		make("key.pem", (const char *const[PIECES]){
		    "-----BEGIN RSA PRIVATE KEY-----\n", text,
		    "\n-----END RSA PRIVATE KEY-----\n" }, AS_IS);
		id = tls_identity_load(cert, key, &e);
		check(id != NULL, &e, "RSA up to 4096 bits",
		    huge_rows[i].what);
		tls_identity_free(id);
	}
}

static void
test_system(void)
{
	char path[128];
	struct tls_trust *t;
	struct err e;

	if (access("/etc/ssl/certs/ca-certificates.crt", R_OK) == 0 ||
	    access("/etc/ssl/cert.pem", R_OK) == 0) {
		unsetenv("SSL_CERT_FILE");
		t = tls_trust_load(NULL, &e);
		check(t != NULL, &e, NULL, "the system's bundle");
		tls_trust_free(t);
	} else {
		printf("t_pem: no system bundle here: skipped\n");
	}
	setenv("SSL_CERT_FILE", "/nonexistent/env.pem", 1);
	t = tls_trust_load(NULL, &e);
	check(t != NULL, &e, "/nonexistent/env.pem", "SSL_CERT_FILE, missing");
	snprintf(path, sizeof(path), "%s/ca.pem", dir);
	setenv("SSL_CERT_FILE", path, 1);
	t = tls_trust_load(NULL, &e);
	check(t != NULL, &e, NULL, "SSL_CERT_FILE");
	tls_trust_free(t);
}

int
main(void)
{
	char command[2048];

	if (mkdtemp(dir) == NULL) {
		perror(dir);
		return 1;
	}
	snprintf(command, sizeof(command), "tests/mkcert.sh '%s'", dir);
	if (system(command) == 0) {
		snprintf(command, sizeof(command), more, dir);
		CHECK(system(command) == 0, "openssl makes the odd keys");
		test_trust();
		test_identity();
		test_huge();
		test_system();
	} else {
		CHECK(0, "tests/mkcert.sh fails");
	}
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	CHECK(system(command) == 0, "clean up");
	return test_end("t_pem");
}
