/*
 * f_pem.c - certificate and key files: PEM, and the DER within.  A first byte
 * of 'D' makes the rest a certificate, 'K' a key; else it is a file's text.
 * What our walk through a certificate takes, BearSSL's decoder takes alike.
 */
#include "../../tls/tls_int.h"
#include "fuzz.h"

static struct story text;

static void
put_pem(const char *name, const uint8_t *p, size_t n)
{
	size_t size = 4 * ((n + 2) / 3) + 1, at, len;
	char *code = malloc(size);

	MUST(code != NULL);
	tls_base64(code, p, n);
	tellf(&text, "-----BEGIN %s-----\n", name);
	for (at = 0; at < size - 1; at += len) {
		len = size - 1 - at < 64 ? size - 1 - at : 64;
		tell(&text, code + at, len);
		tell(&text, "\n", 1);
	}
	tellf(&text, "-----END %s-----\n", name);
	free(code);
}

/* Written again, a block is read as the same. */
static void
check_block(const struct tls_pem *b)
{
	struct tls_pem *again;
	struct err e;

	MUST(strlen(b->name) < sizeof(b->name));
	text.n = 0;
	put_pem(b->name, b->der, b->len);
	again = tls_pem_load(file_of(text.text, text.n), &e);
	MUST(again != NULL && again->next == NULL && again->len == b->len);
	MUST(memcmp(again->der, b->der, b->len) == 0);
	MUST(strlen(b->name) == sizeof(b->name) - 1 ||	/* cut off */
	    strcmp(again->name, b->name) == 0);
	tls_pem_free(again);
}

static void
inside(const struct tls_slice *s, const struct tls_pem *b)
{
	MUST(s->n == 0 || (s->p >= b->der && s->p + s->n <= b->der + b->len));
}

static bool
same(const void *a, const void *b, size_t n)
{
	return n == 0 || memcmp(a, b, n) == 0;
}

static void
same_key(const br_x509_pkey *a, const br_x509_pkey *b)
{
	MUST(a->key_type == b->key_type);
	if (a->key_type == BR_KEYTYPE_EC) {
		MUST(a->key.ec.curve == b->key.ec.curve);
		MUST(a->key.ec.qlen == b->key.ec.qlen);
		MUST(same(a->key.ec.q, b->key.ec.q, b->key.ec.qlen));
		return;
	}
	MUST(a->key.rsa.nlen == b->key.rsa.nlen);
	MUST(same(a->key.rsa.n, b->key.rsa.n, b->key.rsa.nlen));
	MUST(a->key.rsa.elen == b->key.rsa.elen);
	MUST(same(a->key.rsa.e, b->key.rsa.e, b->key.rsa.elen));
}

static void
check_cert(const struct tls_pem *b)
{
	br_x509_decoder_context d;
	const br_x509_pkey *key;
	struct tls_der_cert c;
	int error = tls_der_cert(b->der, b->len, &c);

	inside(&c.issuer, b);
	inside(&c.subject, b);
	inside(&c.validity, b);
	tls_der_dated(c.validity, 0);
	br_x509_decoder_init(&d, NULL, NULL);
	br_x509_decoder_push(&d, b->der, b->len);
	key = br_x509_decoder_get_pkey(&d);
	if (error != 0 || key == NULL)
		return;
	same_key(&c.key, key);
	MUST(c.ca == (br_x509_decoder_isCA(&d) != 0));
}

static void
read_file(const char *file)
{
	struct err e = { .text = "" };
	struct tls_identity *id;
	struct tls_trust *trust;
	struct tls_pem *list, *b;

	trust = tls_trust_load(file, &e);
	MUST(trust != NULL ? trust->n > 0 : e.text[0] != '\0');
	tls_trust_free(trust);
	e.text[0] = '\0';
	id = tls_identity_load(file, NULL, &e);
	MUST(id != NULL ? id->chain_len > 0 : e.text[0] != '\0');
	tls_identity_free(id);
	e.text[0] = '\0';
	list = tls_pem_load(file, &e);
	MUST(list != NULL || e.text[0] != '\0');
	for (b = list; b != NULL; b = b->next) {
		check_block(b);
		if (tls_pem_is_cert(b))
			check_cert(b);
		else
			tls_der_key_fits(b);
	}
	tls_pem_free(list);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	text.n = 0;
	if (n > 0 && data[0] == 'D')
		put_pem("CERTIFICATE", data + 1, n - 1);
	else if (n > 0 && data[0] == 'K')
		put_pem(n % 2 ? "EC PRIVATE KEY" : "RSA PRIVATE KEY", data + 1,
		    n - 1);
	else
		tell(&text, data, n);
	read_file(file_of(text.n > 0 ? text.text : "", text.n));
	return 0;
}
