/*
 * tls/der.c - a walk through DER: what is in a certificate, and whether a
 * private key is small enough for BearSSL's decoder.
 *
 * A certificate is taken apart here because BearSSL's decoder, interpreted as
 * it is, needs 8 ms for a system's bundle of CAs.  This one checks the form
 * and gives out names, key and CA flag; signatures, dates and what else is
 * asked of a chain stay with BearSSL's validation (but that the dates of our
 * own certificate are looked at).
 */
#include <stdio.h>
#include <string.h>

#include "tls_int.h"

enum {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_BITS = 0x03,
	DER_OCTETS = 0x04,
	DER_OID = 0x06,
	DER_UTC_TIME = 0x17,
	DER_TIME = 0x18,		/* GeneralizedTime */
	DER_SEQUENCE = 0x30,
	/* of a certificate, RFC 5280 4.1 */
	DER_VERSION = 0xa0,		/* [0], explicit */
	DER_ISSUER_ID = 0x81,
	DER_SUBJECT_ID = 0x82,
	DER_EXTENSIONS = 0xa3		/* [3], explicit */
};

/* RFC 8017 A.1.2: numbers of an RSA-4096 key, with a leading zero each. */
enum {
	MODULUS_MAX = 512 + 1,
	FACTOR_MAX = 256 + 1,
	EC_PRIVATE_MAX = 66		/* P-521 */
};

/* Takes one element off the front; false at the end or on bad lengths. */
static bool
take(struct tls_slice *in, unsigned *tag, struct tls_slice *body)
{
	size_t len, i, head = 2;

	if (in->n < 2)
		return false;
	*tag = in->p[0];
	len = in->p[1];
	if (len >= 0x80) {
		head = 2 + (len - 0x80);
		if (len == 0x80 || head > 2 + 3 || in->n < head)
			return false;
		for (len = 0, i = 2; i < head; i++)
			len = len << 8 | in->p[i];
	}
	if (len > in->n - head)
		return false;
	body->p = in->p + head;
	body->n = len;
	in->p += head + len;
	in->n -= head + len;
	return true;
}

static bool
take_tag(struct tls_slice *in, unsigned want, struct tls_slice *body)
{
	unsigned tag;

	return take(in, &tag, body) && tag == want;
}

/* One element that is all there is. */
static bool
take_only(struct tls_slice in, unsigned want, struct tls_slice *body)
{
	return take_tag(&in, want, body) && in.n == 0;
}

/* ---- certificates ---- */

struct oid {
	size_t n;
	const char *bytes;
};

static const struct oid rsa_oid = { 9, "\x2a\x86\x48\x86\xf7\x0d\1\1\1" };
static const struct oid ec_oid = { 7, "\x2a\x86\x48\xce\x3d\2\1" };
static const struct oid basic_oid = { 3, "\x55\x1d\x13" };

static const struct {
	struct oid oid;
	int curve;
	size_t point;			/* bytes, uncompressed */
} curves[] = {
	{ { 8, "\x2a\x86\x48\xce\x3d\3\1\7" }, BR_EC_secp256r1, 65 },
	{ { 5, "\x2b\x81\4\0\x22" }, BR_EC_secp384r1, 97 },
	{ { 5, "\x2b\x81\4\0\x23" }, BR_EC_secp521r1, 133 },
};

static bool
is_oid(const struct tls_slice *x, const struct oid *oid)
{
	return x->n == oid->n && memcmp(x->p, oid->bytes, x->n) == 0;
}

/* A positive number, without leading zeros; BearSSL's structs are not const. */
static bool
take_number(struct tls_slice *in, unsigned char **p, size_t *n)
{
	struct tls_slice x;

	if (!take_tag(in, DER_INTEGER, &x) || x.n == 0 || x.p[0] >= 0x80)
		return false;
	while (x.n > 0 && x.p[0] == 0) {
		x.p++;
		x.n--;
	}
	*p = (unsigned char *)(uintptr_t)x.p;
	*n = x.n;
	return x.n > 0;
}

/* RFC 3279 2.3.1 */
static int
rsa_key(const struct tls_slice *bits, br_x509_pkey *key)
{
	br_rsa_public_key *k = &key->key.rsa;
	struct tls_slice x;

	if (!take_only(*bits, DER_SEQUENCE, &x) ||
	    !take_number(&x, &k->n, &k->nlen) ||
	    !take_number(&x, &k->e, &k->elen) || x.n > 0)
		return BR_ERR_X509_INVALID_VALUE;
	key->key_type = BR_KEYTYPE_RSA;
	return k->nlen + k->elen <= BR_X509_BUFSIZE_KEY ? 0 :
	    BR_ERR_X509_LIMIT_EXCEEDED;
}

/* RFC 5480 2 */
static int
ec_key(struct tls_slice *algorithm, const struct tls_slice *bits,
    br_x509_pkey *key)
{
	struct tls_slice x;
	size_t i;

	if (!take_only(*algorithm, DER_OID, &x))
		return BR_ERR_X509_UNSUPPORTED;
	for (i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
		if (!is_oid(&x, &curves[i].oid))
			continue;
		if (bits->n != curves[i].point || bits->p[0] != 4)
			return BR_ERR_X509_INVALID_VALUE;
		key->key_type = BR_KEYTYPE_EC;
		key->key.ec.curve = curves[i].curve;
		key->key.ec.q = (unsigned char *)(uintptr_t)bits->p;
		key->key.ec.qlen = bits->n;
		return 0;
	}
	return BR_ERR_X509_UNSUPPORTED;
}

static bool
take_bits(struct tls_slice *in, struct tls_slice *bits)
{
	if (!take_tag(in, DER_BITS, bits) || bits->n == 0 || bits->p[0] != 0)
		return false;		/* whole bytes only */
	bits->p++;
	bits->n--;
	return true;
}

/* info: a SubjectPublicKeyInfo */
static int
public_key(struct tls_slice info, br_x509_pkey *key)
{
	struct tls_slice algorithm, oid, bits;

	if (!take_tag(&info, DER_SEQUENCE, &algorithm) ||
	    !take_bits(&info, &bits) || info.n > 0 ||
	    !take_tag(&algorithm, DER_OID, &oid))
		return BR_ERR_X509_INVALID_VALUE;
	if (is_oid(&oid, &rsa_oid))
		return rsa_key(&bits, key);
	if (is_oid(&oid, &ec_oid))
		return ec_key(&algorithm, &bits, key);
	return BR_ERR_X509_UNSUPPORTED;
}

/* RFC 5280 4.2.1.9 */
static bool
basic_constraints(const struct tls_slice *value, bool *ca)
{
	struct tls_slice in, x;
	unsigned tag;

	if (!take_only(*value, DER_SEQUENCE, &in))
		return false;
	if (in.n == 0)
		return true;
	if (!take(&in, &tag, &x))
		return false;
	if (tag == DER_BOOLEAN)
		*ca = x.n == 1 && x.p[0] != 0;
	return tag != DER_BOOLEAN || x.n == 1;
}

static bool
extensions(struct tls_slice list, bool *ca)
{
	struct tls_slice one, oid, x;
	unsigned tag;

	while (list.n > 0) {
		if (!take_tag(&list, DER_SEQUENCE, &one) ||
		    !take_tag(&one, DER_OID, &oid) || !take(&one, &tag, &x))
			return false;
		if (tag == DER_BOOLEAN &&	/* critical */
		    (x.n != 1 || !take(&one, &tag, &x)))
			return false;
		if (tag != DER_OCTETS || one.n > 0 ||
		    (is_oid(&oid, &basic_oid) && !basic_constraints(&x, ca)))
			return false;
	}
	return true;
}

/* in: what follows the public key */
static bool
take_extensions(struct tls_slice *in, bool *ca)
{
	struct tls_slice x, list;
	unsigned tag;

	while (in->n > 0) {
		if (!take(in, &tag, &x))
			return false;
		if (tag == DER_EXTENSIONS)
			return in->n == 0 &&
			    take_only(x, DER_SEQUENCE, &list) &&
			    extensions(list, ca);
		if (tag != DER_ISSUER_ID && tag != DER_SUBJECT_ID)
			return false;
	}
	return true;
}

/* A name with its tag and length: so BearSSL compares them. */
static bool
take_name(struct tls_slice *in, struct tls_slice *name)
{
	struct tls_slice all = *in, x;

	if (!take_tag(in, DER_SEQUENCE, &x))
		return false;
	all.n -= in->n;
	*name = all;
	return true;
}

/* RFC 5280 4.1 */
int
tls_der_cert(const void *der, size_t n, struct tls_der_cert *c)
{
	struct tls_slice in = { der, n }, cert, tbs, x, info;
	unsigned tag;

	memset(c, 0, sizeof(*c));
	if (!take_tag(&in, DER_SEQUENCE, &cert))
		return n > 0 && in.p == der && in.p[0] == DER_SEQUENCE ?
		    BR_ERR_X509_TRUNCATED : BR_ERR_X509_INVALID_VALUE;
	if (in.n > 0 ||
	    !take_tag(&cert, DER_SEQUENCE, &tbs) || !take(&tbs, &tag, &x))
		return BR_ERR_X509_INVALID_VALUE;
	if (tag == DER_VERSION && !take(&tbs, &tag, &x))
		return BR_ERR_X509_INVALID_VALUE;
	if (tag != DER_INTEGER ||			/* serial number */
	    !take_tag(&tbs, DER_SEQUENCE, &x) ||	/* algorithm */
	    !take_name(&tbs, &c->issuer) ||
	    !take_tag(&tbs, DER_SEQUENCE, &c->validity) ||
	    !take_name(&tbs, &c->subject) ||
	    !take_tag(&tbs, DER_SEQUENCE, &info) ||
	    !take_extensions(&tbs, &c->ca) ||
	    !take_tag(&cert, DER_SEQUENCE, &x) ||	/* algorithm */
	    !take_bits(&cert, &x) || cert.n > 0)	/* signature */
		return BR_ERR_X509_INVALID_VALUE;
	return public_key(info, &c->key);
}

/* With all digits of the year, so times compare as texts; RFC 5280 4.1.2.5 */
static bool
take_time(struct tls_slice *in, char text[16])
{
	struct tls_slice x;
	unsigned tag;

	if (!take(in, &tag, &x) ||
	    !((tag == DER_UTC_TIME && x.n == 13) ||
	    (tag == DER_TIME && x.n == 15)))
		return false;
	snprintf(text, 16, "%s%.*s", tag == DER_TIME ? "" : x.p[0] < '5' ?
	    "20" : "19", (int)x.n, (const char *)x.p);
	return true;
}

const char *
tls_der_dated(struct tls_slice validity, time_t now)
{
	char from[16], until[16], text[16];
	struct tm tm;

	if (!take_time(&validity, from) || !take_time(&validity, until) ||
	    gmtime_r(&now, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &tm) == 0)
		return "has no valid dates";
	return strcmp(text, from) < 0 ? "is not valid yet" :
	    strcmp(text, until) > 0 ? "has expired" : NULL;
}

/* ---- private keys ---- */

/* in: what follows the version of an RSAPrivateKey, RFC 8017 A.1.2 */
static bool
rsa_fits(struct tls_slice in)
{
	struct tls_slice x;
	int i;

	for (i = 0; i < 8; i++) {	/* n e d, p q dp dq iq */
		if (!take_tag(&in, DER_INTEGER, &x) ||
		    x.n > (i < 3 ? MODULUS_MAX : FACTOR_MAX))
			return false;
	}
	return true;
}

/* in: what follows the version of either form */
static bool
plain_fits(struct tls_slice in)
{
	struct tls_slice rest = in, x;
	unsigned tag;

	if (!take(&rest, &tag, &x))
		return false;
	if (tag == DER_INTEGER)
		return rsa_fits(in);
	return tag == DER_OCTETS && x.n <= EC_PRIVATE_MAX;	/* RFC 5915 3 */
}

/*
 * BearSSL 0.6 copies the numbers of a private key into 1,536 bytes but checks
 * against 1,560: numbers made for that would write past its context.  Keys up
 * to RSA-4096 need 1,280 at most.
 */
bool
tls_der_key_fits(const struct tls_pem *b)
{
	struct tls_slice in = { b->der, b->len }, key, x, rest;
	unsigned tag;

	if (!take_tag(&in, DER_SEQUENCE, &key) ||
	    !take_tag(&key, DER_INTEGER, &x))
		return false;
	rest = key;
	if (!take(&rest, &tag, &x))
		return false;
	if (tag != DER_SEQUENCE)
		return plain_fits(key);
	/* RFC 5208 5: algorithm, then either form in an octet string */
	if (!take_tag(&rest, DER_OCTETS, &x) ||
	    !take_tag(&x, DER_SEQUENCE, &key) ||
	    !take_tag(&key, DER_INTEGER, &x))
		return false;
	return plain_fits(key);
}
