/*
 * crc.c - CRC-64/XZ: tables by sixteen, or carry-less multiply where the
 * processor has it, so that a benchmark does not measure this server.
 *
 * A polynomial of degree 63 is held reflected: bit 63 is x^0.
 */
#include "crc.h"

#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#define POLY 0xC96C5795D7870F42u
#define ONE ((uint64_t)1 << 63)

/* a * b mod P */
static uint64_t
mulmod(uint64_t a, uint64_t b)
{
	uint64_t m, p = 0;

	for (m = ONE; m; m >>= 1) {
		if (a & m)
			p ^= b;
		b = b & 1 ? (b >> 1) ^ POLY : b >> 1;
	}
	return p;
}

/* x^n mod P */
static uint64_t
power(uint64_t n)
{
	uint64_t result = ONE, base = ONE >> 1;

	for (; n; n >>= 1) {
		if (n & 1)
			result = mulmod(result, base);
		base = mulmod(base, base);
	}
	return result;
}

uint64_t
crc_combine(uint64_t a, uint64_t b, uint64_t len_b)
{
	return mulmod(a, power(8 * len_b)) ^ b;
}

static uint64_t
tables(const struct crc *c, uint64_t s, const unsigned char *p, size_t n)
{
	uint64_t a, b;
	int i;

	for (; n >= 16; p += 16, n -= 16) {
		memcpy(&a, p, 8);
		memcpy(&b, p + 8, 8);
		a ^= s;
		s = 0;
		for (i = 0; i < 8; i++) {
			s ^= c->t[15 - i][a >> (8 * i) & 255];
			s ^= c->t[7 - i][b >> (8 * i) & 255];
		}
	}
	for (; n > 0; p++, n--)
		s = c->t[0][(s ^ *p) & 255] ^ (s >> 8);
	return s;
}

#ifdef __x86_64__

/* x advanced over the 16 or 64 bytes that k stands for, plus next */
__attribute__((target("pclmul,sse2"))) static __m128i
step(__m128i x, __m128i k, __m128i next)
{
	return _mm_xor_si128(next, _mm_xor_si128(
	    _mm_clmulepi64_si128(x, k, 0x00),
	    _mm_clmulepi64_si128(x, k, 0x11)));
}

static __m128i
load(const unsigned char *p)
{
	return _mm_loadu_si128((const __m128i *)(const void *)p);
}

/* n is at least 128.  The product of two reflected values is one power of x
 * too high, hence the "- 1" in the constants. */
__attribute__((target("pclmul,sse2"))) static uint64_t
fold(const struct crc *c, uint64_t s, const unsigned char *p, size_t n)
{
	__m128i k4 = _mm_set_epi64x((int64_t)c->fold[1], (int64_t)c->fold[0]);
	__m128i k1 = _mm_set_epi64x((int64_t)c->fold[3], (int64_t)c->fold[2]);
	__m128i x0, x1, x2, x3;
	unsigned char last[16];

	x0 = _mm_xor_si128(load(p), _mm_set_epi64x(0, (int64_t)s));
	x1 = load(p + 16);
	x2 = load(p + 32);
	x3 = load(p + 48);
	for (p += 64, n -= 64; n >= 64; p += 64, n -= 64) {
		x0 = step(x0, k4, load(p));
		x1 = step(x1, k4, load(p + 16));
		x2 = step(x2, k4, load(p + 32));
		x3 = step(x3, k4, load(p + 48));
	}
	x1 = step(x0, k1, x1);
	x2 = step(x1, k1, x2);
	x3 = step(x2, k1, x3);
	_mm_storeu_si128((__m128i *)(void *)last, x3);
	return tables(c, tables(c, 0, last, 16), p, n);
}

static int
fold_works(void)
{
	return __builtin_cpu_supports("pclmul");
}

#else

static uint64_t
fold(const struct crc *c, uint64_t s, const unsigned char *p, size_t n)
{
	return tables(c, s, p, n);
}

static int
fold_works(void)
{
	return 0;
}

#endif

void
crc_init(struct crc *c)
{
	uint64_t s;
	int b, k;

	for (b = 0; b < 256; b++) {
		s = (uint64_t)b;
		for (k = 0; k < 8; k++)
			s = s & 1 ? (s >> 1) ^ POLY : s >> 1;
		c->t[0][b] = s;
	}
	for (k = 1; k < 16; k++)
		for (b = 0; b < 256; b++) {
			s = c->t[k - 1][b];
			c->t[k][b] = c->t[0][s & 255] ^ (s >> 8);
		}
	c->fold[0] = power(512 + 64 - 1);
	c->fold[1] = power(512 - 1);
	c->fold[2] = power(128 + 64 - 1);
	c->fold[3] = power(128 - 1);
	c->clmul = fold_works();
}

uint64_t
crc_update(const struct crc *c, uint64_t value, const void *p, size_t n)
{
	if (c->clmul && n >= 128)
		return ~fold(c, ~value, p, n);
	return ~tables(c, ~value, p, n);
}
