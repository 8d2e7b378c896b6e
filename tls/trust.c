/*
 * tls/trust.c - trust anchors: the certificates a server's chain must end in.
 *
 * A bundle is parsed once, at start, before any chroot.  Roots with keys that
 * BearSSL cannot use are left out; a bundle of which nothing is left, or one
 * that is damaged, is an error.
 */
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

/* The name and the key, one after the other in one allocation. */
static void
anchor_fill(br_x509_trust_anchor *a, const struct tls_der_cert *c,
    unsigned char *p)
{
	br_rsa_public_key *rsa = &a->pkey.key.rsa;
	br_ec_public_key *ec = &a->pkey.key.ec;

	/* A server's own certificate may be trusted too, as itself only. */
	a->flags = c->ca ? BR_X509_TA_CA : 0;
	a->dn.data = p;
	a->dn.len = c->subject.n;
	a->pkey = c->key;
	p = mempcpy(p, c->subject.p, c->subject.n);
	if (c->key.key_type == BR_KEYTYPE_RSA) {
		rsa->n = p;
		rsa->e = mempcpy(p, c->key.key.rsa.n, rsa->nlen);
		memcpy(rsa->e, c->key.key.rsa.e, rsa->elen);
	} else {
		ec->q = p;
		memcpy(p, c->key.key.ec.q, ec->qlen);
	}
}

/* 0 or a BearSSL error; -1: out of memory */
static int
anchor_init(br_x509_trust_anchor *a, const struct tls_pem *b)
{
	struct tls_der_cert c;
	unsigned char *p;
	int error = tls_der_cert(b->der, b->len, &c);

	if (error != 0)
		return error;
	p = malloc(c.subject.n + (c.key.key_type == BR_KEYTYPE_RSA ?
	    c.key.key.rsa.nlen + c.key.key.rsa.elen : c.key.key.ec.qlen));
	if (p == NULL)
		return -1;
	anchor_fill(a, &c, p);
	return 0;
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
		free(t->anchor[i].dn.data);
	free(t->anchor);
	free(t);
}
