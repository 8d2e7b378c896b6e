/*
 * tls/identity.c - our own certificate chain and private key.
 *
 * Whatever would only show as failing handshakes is looked for here: a key of
 * another certificate, a chain in the wrong order, an encrypted key.
 */
#include <stdlib.h>
#include <string.h>

#include "tls_int.h"

static int
chain_build(struct tls_identity *id, const char *file, struct err *e)
{
	struct tls_pem *b;
	size_t n = 0;

	for (b = id->certs; b != NULL; b = b->next)
		n += tls_pem_is_cert(b);
	if (n == 0)
		return err_set(e, "%s: no certificate found", file);
	id->chain = calloc(n, sizeof(*id->chain));
	if (id->chain == NULL)
		return err_set(e, "%s: out of memory", file);
	for (b = id->certs; b != NULL; b = b->next) {
		if (!tls_pem_is_cert(b))
			continue;
		id->chain[id->chain_len].data = b->der;
		id->chain[id->chain_len++].data_len = b->len;
	}
	return 0;
}

/* Each certificate must be followed by the one of its issuer. */
static int
chain_check(const struct tls_identity *id, const char *file, struct err *e)
{
	struct tls_slice issuer = { NULL, 0 };
	const struct tls_pem *b;
	struct tls_der_cert c;
	unsigned n = 0;

	for (b = id->certs; b != NULL; b = b->next) {
		if (!tls_pem_is_cert(b))
			continue;
		n++;
		if (tls_der_cert(b->der, b->len, &c) != 0 && c.subject.n == 0)
			return err_set(e, "%s: certificate %u is damaged",
			    file, n);
		if (n > 1 && (c.subject.n != issuer.n ||
		    memcmp(c.subject.p, issuer.p, issuer.n) != 0))
			return err_set(e, "%s: wrong order: certificate %u "
			    "is not the issuer of certificate %u", file, n,
			    n - 1);
		issuer = c.issuer;
	}
	return 0;
}

static bool
is_key(const struct tls_pem *b)
{
	return strcmp(b->name, "PRIVATE KEY") == 0 ||
	    strcmp(b->name, "RSA PRIVATE KEY") == 0 ||
	    strcmp(b->name, "EC PRIVATE KEY") == 0;
}

/* "EC PARAMETERS" and certificates in the same file are stepped over. */
static int
key_find(const struct tls_pem *list, const struct tls_pem **key,
    const char *file, struct err *e)
{
	const struct tls_pem *b;

	for (b = list; b != NULL; b = b->next) {
		if (is_key(b)) {
			*key = b;
			return 0;
		}
		if (strcmp(b->name, "ENCRYPTED PRIVATE KEY") == 0)
			return err_set(e, "%s: the private key is encrypted "
			    "with a pass phrase; store it without one", file);
		if (strstr(b->name, "PRIVATE KEY") != NULL)
			return err_set(e, "%s: \"%s\" is not supported: RSA "
			    "or EC (P-256) is needed", file, b->name);
	}
	return err_set(e, "%s: no private key found", file);
}

static int
key_decode(struct tls_identity *id, const struct tls_pem *key,
    const char *file, struct err *e)
{
	int error;

	if (!tls_der_key_fits(key))
		return err_set(e, "%s: the private key is damaged, or not one "
		    "of RSA up to 4096 bits or EC", file);
	br_skey_decoder_init(&id->key);
	/* NOLINTNEXTLINE(clang-analyzer-core.*): key_load has one */
	br_skey_decoder_push(&id->key, key->der, key->len);
	error = br_skey_decoder_last_error(&id->key);
	if (error == BR_ERR_X509_UNSUPPORTED)
		return err_set(e, "%s: this kind of private key is not "
		    "supported: RSA up to 4096 bits, or EC on P-256, P-384 "
		    "or P-521, is needed", file);
	if (error != 0)
		return err_set(e, "%s: the private key is damaged", file);
	return 0;
}

static int
key_load(struct tls_identity *id, const char *file, struct err *e)
{
	const struct tls_pem *key = NULL;
	struct tls_pem *list = tls_pem_load(file, e);
	int rc;

	if (list == NULL)
		return -1;
	rc = key_find(list, &key, file, e);
	if (rc == 0)
		rc = key_decode(id, key, file, e);
	tls_pem_free(list);
	return rc;
}

/* BearSSL's default (31-bit) code has no room for a modulus of 4096 bits. */
static bool
rsa_matches(const br_rsa_private_key *sk, const br_rsa_public_key *pk)
{
	unsigned char n[512];
	const unsigned char *p = pk->n;
	size_t len, plen = pk->nlen;

	for (; plen > 0 && *p == 0; plen--)
		p++;
	if (sk->n_bitlen > 8 * sizeof(n))
		return false;
	len = br_rsa_i15_compute_modulus(n, sk);
	return len == plen && memcmp(n, p, len) == 0;
}

static bool
ec_matches(const br_ec_private_key *sk, const br_ec_public_key *pk)
{
	unsigned char q[BR_EC_KBUF_PUB_MAX_SIZE];
	size_t len;

	if (sk->curve != pk->curve)
		return false;
	len = br_ec_compute_pub(br_ec_get_default(), NULL, q, sk);
	return len > 0 && len == pk->qlen && memcmp(q, pk->q, len) == 0;
}

/* 1: the key is this certificate's; 0: it is not; else -BearSSL's error */
static int
key_matches(const struct tls_identity *id, const br_x509_certificate *cert)
{
	const br_rsa_private_key *rsa = br_skey_decoder_get_rsa(&id->key);
	const br_ec_private_key *ec = br_skey_decoder_get_ec(&id->key);
	struct tls_der_cert c;
	/* NOLINTNEXTLINE(clang-analyzer-core.*): chain_build has one */
	int error = tls_der_cert(cert->data, cert->data_len, &c);

	if (error != 0)
		return -error;
	if (c.key.key_type == BR_KEYTYPE_RSA)
		return rsa != NULL && rsa_matches(rsa, &c.key.key.rsa);
	return ec != NULL && ec_matches(ec, &c.key.key.ec);
}

static int
key_check(const struct tls_identity *id, const char *cert_file,
    const char *key_file, struct err *e)
{
	size_t i;
	int match;

	match = key_matches(id, &id->chain[0]);
	if (match > 0)
		return 0;
	if (match < 0)
		return err_set(e, "%s: certificate 1 cannot be used: %s",
		    cert_file, tls_words(-match));
	for (i = 1; i < id->chain_len; i++) {
		if (key_matches(id, &id->chain[i]) > 0)
			return err_set(e, "%s: wrong order: the server's own "
			    "certificate (number %zu) must come first",
			    cert_file, i + 1);
	}
	return err_set(e, "%s: the private key does not belong to the "
	    "certificate in %s", key_file, cert_file);
}

struct tls_identity *
tls_identity_load(const char *cert_file, const char *key_file, struct err *e)
{
	struct tls_identity *id = calloc(1, sizeof(*id));

	if (id == NULL) {
		err_set(e, "%s: out of memory", cert_file);
		return NULL;
	}
	if (key_file == NULL)
		key_file = cert_file;	/* both in one file */
	id->certs = tls_pem_load(cert_file, e);
	if (id->certs == NULL ||
	    chain_build(id, cert_file, e) < 0 ||
	    key_load(id, key_file, e) < 0 ||
	    key_check(id, cert_file, key_file, e) < 0 ||
	    chain_check(id, cert_file, e) < 0) {
		tls_identity_free(id);
		return NULL;
	}
	return id;
}

unsigned
tls_identity_rsa_bits(const struct tls_identity *id)
{
	const br_rsa_private_key *rsa = br_skey_decoder_get_rsa(&id->key);

	return rsa != NULL ? rsa->n_bitlen : 0;
}

const char *
tls_identity_fault(const struct tls_identity *id)
{
	struct tls_der_cert c;

	return tls_der_cert(id->chain[0].data, id->chain[0].data_len,
	    &c) != 0 ? NULL : tls_der_dated(c.validity, time(NULL));
}

void
tls_identity_free(struct tls_identity *id)
{
	if (id == NULL)
		return;
	tls_pem_free(id->certs);
	free(id->chain);
	tls_wipe(id, sizeof(*id));
	free(id);
}
