/*
 * tls/trust.c - trust anchors: the certificates a server's chain must end in.
 *
 * A bundle is parsed once, at start, before any chroot.  Roots with keys that
 * BearSSL cannot use are left out; a bundle of which nothing is left, or one
 * that is damaged, is an error.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tls_int.h"

static const char *const places[] = {
	"/etc/ssl/certs/ca-certificates.crt",	/* Debian, Arch */
	"/etc/pki/tls/certs/ca-bundle.crt",	/* RHEL, Fedora */
	"/etc/ssl/cert.pem",			/* Alpine */
	"/etc/ssl/ca-bundle.pem",		/* SUSE */
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
	"/var/lib/ca-certificates/ca-bundle.pem",
};

struct dn {
	unsigned char *p;	/* as large as the certificate */
	size_t n;
};

static void
dn_append(void *ctx, const void *data, size_t n)
{
	struct dn *dn = ctx;

	memcpy(dn->p + dn->n, data, n);
	dn->n += n;
}

static void *
copy(const void *p, size_t n)
{
	void *c = malloc(n > 0 ? n : 1);

	if (c != NULL)
		memcpy(c, p, n);
	return c;
}

static void
anchor_free(br_x509_trust_anchor *a)
{
	free(a->dn.data);
	if (a->pkey.key_type == BR_KEYTYPE_RSA) {
		free(a->pkey.key.rsa.n);
		free(a->pkey.key.rsa.e);
	} else {
		free(a->pkey.key.ec.q);
	}
}

static int
anchor_key(br_x509_trust_anchor *a, const br_x509_pkey *pk)
{
	a->pkey = *pk;
	if (pk->key_type == BR_KEYTYPE_RSA) {
		a->pkey.key.rsa.n = copy(pk->key.rsa.n, pk->key.rsa.nlen);
		a->pkey.key.rsa.e = copy(pk->key.rsa.e, pk->key.rsa.elen);
		return a->pkey.key.rsa.n != NULL &&
		    a->pkey.key.rsa.e != NULL ? 0 : -1;
	}
	a->pkey.key.ec.q = copy(pk->key.ec.q, pk->key.ec.qlen);
	return a->pkey.key.ec.q != NULL ? 0 : -1;
}

/* 0 or a BearSSL error; -1: out of memory */
static int
anchor_init(br_x509_trust_anchor *a, const struct tls_pem *b)
{
	br_x509_decoder_context dec;
	struct dn dn = { malloc(b->len + 1), 0 };
	int error;

	memset(a, 0, sizeof(*a));
	if (dn.p == NULL)
		return -1;
	br_x509_decoder_init(&dec, dn_append, &dn);
	br_x509_decoder_push(&dec, b->der, b->len);
	error = br_x509_decoder_last_error(&dec);
	if (error != 0)
		goto fail;
	a->dn.data = copy(dn.p, dn.n);
	a->dn.len = dn.n;
	/* A server's own certificate may be trusted too, as itself only. */
	a->flags = br_x509_decoder_isCA(&dec) ? BR_X509_TA_CA : 0;
	if (anchor_key(a, br_x509_decoder_get_pkey(&dec)) < 0 ||
	    a->dn.data == NULL) {
		anchor_free(a);
		error = -1;
	}
fail:
	free(dn.p);
	return error;
}

static struct tls_trust *
trust_new(const struct tls_pem *list, const char *file, struct err *e)
{
	const struct tls_pem *b;
	struct tls_trust *t = calloc(1, sizeof(*t));
	size_t certs = 0;
	int error, first = 0;

	for (b = list; b != NULL; b = b->next)
		certs += tls_pem_is_cert(b);
	if (t != NULL)
		t->anchor = calloc(certs + 1, sizeof(*t->anchor));
	if (t == NULL || t->anchor == NULL) {
		err_set(e, "%s: out of memory", file);
		goto fail;
	}
	for (b = list; b != NULL; b = b->next) {
		if (!tls_pem_is_cert(b))
			continue;
		error = anchor_init(&t->anchor[t->n], b);
		if (error < 0) {
			err_set(e, "%s: out of memory", file);
			goto fail;
		}
		if (error == 0)
			t->n++;
		else if (first == 0)
			first = error;
	}
	if (t->n > 0)
		return t;
	if (first != 0)
		err_set(e, "%s: no usable certificate: %s", file,
		    tls_words(first));
	else
		err_set(e, "%s: no certificate found", file);
fail:
	tls_trust_free(t);
	return NULL;
}

static const char *
find_bundle(struct err *e)
{
	const char *file = getenv("SSL_CERT_FILE");
	size_t i;

	if (file != NULL && *file != '\0')
		return file;
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (access(places[i], R_OK) == 0)
			return places[i];
	}
	err_set(e, "no bundle of CA certificates in the usual places (%s and "
	    "others): install the package ca-certificates or name a file",
	    places[0]);
	return NULL;
}

struct tls_trust *
tls_trust_load(const char *file, struct err *e)
{
	struct tls_pem *list;
	struct tls_trust *t;

	if (file == NULL && (file = find_bundle(e)) == NULL)
		return NULL;
	list = tls_pem_load(file, e);
	if (list == NULL)
		return NULL;
	t = trust_new(list, file, e);
	tls_pem_free(list);
	return t;
}

void
tls_trust_free(struct tls_trust *t)
{
	size_t i;

	if (t == NULL)
		return;
	for (i = 0; i < t->n; i++)
		anchor_free(&t->anchor[i]);
	free(t->anchor);
	free(t);
}
