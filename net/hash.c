/*
 * net/hash.c - a password's hash as a job of the helper's.
 */
#include <string.h>

#include "net_int.h"

/* As HMAC takes it (RFC 2104 2): a longer key than a block is its digest. */
void
net_hash_key(struct net_hash *h, const char *password)
{
	size_t n = strlen(password);

	if (n > sizeof(h->key)) {
		tls_sha256(password, n, h->key);
		n = TLS_SHA256_LEN;
	} else {
		memcpy(h->key, password, n);
	}
	h->key_len = (uint8_t)n;
}

size_t
net_hash_work(const void *in, void *out)
{
	struct net_hash h;

	memcpy(&h, in, sizeof(h));
	tls_pbkdf2(h.key, h.key_len, h.salt, h.salt_len, h.iterations, out);
	tls_wipe(&h, sizeof(h));
	return TLS_SHA256_LEN;
}
