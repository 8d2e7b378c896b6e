/*
 * tls/digest.c - digests, their text forms, random bytes, and the two things
 * secrets need: comparison in constant time and a wipe that stays.
 *
 * No TLS connection is needed for any of this; BearSSL only lends the hashes.
 */
#include <sys/random.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bearssl_hash.h>
#include <bearssl_hmac.h>

#include "tls.h"

_Static_assert(sizeof(struct tls_md5) >= sizeof(br_md5_context),
    "struct tls_md5 holds a br_md5_context");
_Static_assert(_Alignof(struct tls_md5) >= _Alignof(br_md5_context),
    "struct tls_md5 is aligned as a br_md5_context");

void
tls_sha1(const void *data, size_t n, unsigned char out[TLS_SHA1_LEN])
{
	br_sha1_context ctx;

	br_sha1_init(&ctx);
	br_sha1_update(&ctx, data, n);
	br_sha1_out(&ctx, out);
	tls_wipe(&ctx, sizeof(ctx));
}

void
tls_hmac_sha1(const void *key, size_t keylen, const void *data, size_t n,
    unsigned char out[TLS_SHA1_LEN])
{
	br_hmac_key_context kc;
	br_hmac_context ctx;

	br_hmac_key_init(&kc, &br_sha1_vtable, key, keylen);
	br_hmac_init(&ctx, &kc, 0);
	br_hmac_update(&ctx, data, n);
	br_hmac_out(&ctx, out);
	tls_wipe(&kc, sizeof(kc));
	tls_wipe(&ctx, sizeof(ctx));
}

void
tls_sha256(const void *data, size_t n, unsigned char out[TLS_SHA256_LEN])
{
	br_sha256_context ctx;

	br_sha256_init(&ctx);
	br_sha256_update(&ctx, data, n);
	br_sha256_out(&ctx, out);
	tls_wipe(&ctx, sizeof(ctx));
}

void
tls_pbkdf2(const void *key, size_t keylen, const void *salt, size_t n,
    uint32_t iterations, unsigned char out[TLS_SHA256_LEN])
{
	static const unsigned char first[4] = { 0, 0, 0, 1 };
	unsigned char u[TLS_SHA256_LEN];
	br_hmac_key_context kc;
	br_hmac_context ctx;
	size_t i;

	br_hmac_key_init(&kc, &br_sha256_vtable, key, keylen);
	br_hmac_init(&ctx, &kc, 0);
	br_hmac_update(&ctx, salt, n);
	br_hmac_update(&ctx, first, sizeof(first));
	br_hmac_out(&ctx, u);
	memcpy(out, u, sizeof(u));
	while (iterations-- > 1) {
		br_hmac_init(&ctx, &kc, 0);
		br_hmac_update(&ctx, u, sizeof(u));
		br_hmac_out(&ctx, u);
		for (i = 0; i < sizeof(u); i++)
			out[i] ^= u[i];
	}
	tls_wipe(&kc, sizeof(kc));
	tls_wipe(&ctx, sizeof(ctx));
	tls_wipe(u, sizeof(u));
}

/*
 * The public struct is plain words: the context is copied in and out of it,
 * which costs nothing next to the hashing and keeps to the aliasing rules.
 */
void
tls_md5_init(struct tls_md5 *m)
{
	br_md5_context ctx;

	br_md5_init(&ctx);
	memset(m, 0, sizeof(*m));
	memcpy(m, &ctx, sizeof(ctx));
}

void
tls_md5_update(struct tls_md5 *m, const void *data, size_t n)
{
	br_md5_context ctx;

	memcpy(&ctx, m, sizeof(ctx));
	br_md5_update(&ctx, data, n);
	memcpy(m, &ctx, sizeof(ctx));
}

void
tls_md5_final(const struct tls_md5 *m, unsigned char out[TLS_MD5_LEN])
{
	br_md5_context ctx;

	memcpy(&ctx, m, sizeof(ctx));
	br_md5_out(&ctx, out);
}

void
tls_hex(char *out, const void *data, size_t n)
{
	static const char digit[] = "0123456789abcdef";
	const unsigned char *p = data;
	size_t i;

	for (i = 0; i < n; i++) {
		*out++ = digit[p[i] >> 4];
		*out++ = digit[p[i] & 15];
	}
	*out = '\0';
}

/* RFC 4648 4 */
void
tls_base64(char *out, const void *data, size_t n)
{
	static const char digit[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = data;
	uint32_t v;

	for (; n > 0; p += 3, n -= 3) {
		v = (uint32_t)p[0] << 16;
		if (n > 1)
			v |= (uint32_t)p[1] << 8;
		if (n > 2)
			v |= p[2];
		*out++ = digit[v >> 18];
		*out++ = digit[v >> 12 & 63];
		*out++ = n > 1 ? digit[v >> 6 & 63] : '=';
		*out++ = n > 2 ? digit[v & 63] : '=';
		if (n <= 3)
			break;
	}
	*out = '\0';
}

/* There is nothing sensible to do without random bytes, and a caller that
 * overlooks the failure would hand out predictable keys and ports. */
void
tls_random(void *out, size_t n)
{
	unsigned char *p = out;
	ssize_t got;

	while (n > 0) {
		got = getrandom(p, n, 0);
		if (got < 0) {
			if (errno == EINTR)
				continue;
			abort();
		}
		p += got;
		n -= (size_t)got;
	}
}

bool
tls_equal(const void *a, const void *b, size_t n)
{
	const volatile unsigned char *x = a, *y = b;
	unsigned diff = 0;
	size_t i;

	for (i = 0; i < n; i++)
		diff |= (unsigned)(x[i] ^ y[i]);
	return diff == 0;
}

void
tls_wipe(void *p, size_t n)
{
	if (n > 0)
		explicit_bzero(p, n);
}
