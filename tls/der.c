/*
 * tls/der.c - a walk through DER, for the two questions BearSSL 0.6 leaves
 * open: who issued a certificate, and is a private key small enough for its
 * decoder.  Nothing is interpreted beyond tags and lengths.
 */
#include <string.h>

#include "tls_int.h"

enum {
	DER_INTEGER = 0x02,
	DER_OCTETS = 0x04,
	DER_SEQUENCE = 0x30,
	DER_VERSION = 0xa0		/* [0], explicit */
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

/* RFC 5280 4.1 */
bool
tls_der_names(const struct tls_pem *b, struct tls_slice *issuer,
    struct tls_slice *subject)
{
	struct tls_slice in = { b->der, b->len }, cert, tbs, x;
	unsigned tag;

	if (!take_tag(&in, DER_SEQUENCE, &cert) ||
	    !take_tag(&cert, DER_SEQUENCE, &tbs) ||
	    !take(&tbs, &tag, &x))
		return false;
	if (tag == DER_VERSION && !take(&tbs, &tag, &x))
		return false;
	return tag == DER_INTEGER &&			/* serial number */
	    take_tag(&tbs, DER_SEQUENCE, &x) &&		/* algorithm */
	    take_tag(&tbs, DER_SEQUENCE, issuer) &&
	    take_tag(&tbs, DER_SEQUENCE, &x) &&		/* validity */
	    take_tag(&tbs, DER_SEQUENCE, subject);
}

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
