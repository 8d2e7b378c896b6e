/*
 * cos/crc64_clmul.c - CRC-64 by carry-less multiplication (PCLMULQDQ), five
 * times the speed of tables, where the processor has it.  For ARM it is in
 * crc64_pmull.c; no other processor has a way but the tables.
 *
 * 64 bytes are kept as four 128-bit remainders.  One step multiplies each by
 * x^512 modulo the polynomial and adds the next 64 bytes; at the end they are
 * added up the same way, x^128 apart.  What is left are 16 bytes that have
 * the same CRC as all that was read; the tables finish it.
 *
 * All values are bit-reflected, so a product of two comes out one bit low:
 * the constants are x^(n-1) where x^n is meant.
 */
#include "cos_int.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

#define CLMUL __attribute__((target("pclmul,sse2")))

bool
cos_crc64_can_fold(void)
{
	unsigned a, b, c, d;

	/* not __builtin_cpu_supports: it knows all models, in 4 KB */
	return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_PCLMUL) &&
	    (d & bit_SSE2);
}

/* The two halves of a block, moved on by `bits`. */
CLMUL static __m128i
constants(int bits)
{
	return _mm_set_epi64x((long long)cos_crc64_power(bits - 1),
	    (long long)cos_crc64_power(bits + 64 - 1));
}

CLMUL static inline __m128i
fold(__m128i v, __m128i by, __m128i next)
{
	__m128i low = _mm_clmulepi64_si128(v, by, 0x00);
	__m128i high = _mm_clmulepi64_si128(v, by, 0x11);

	return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

CLMUL static inline __m128i
load(const unsigned char *p)
{
	return _mm_loadu_si128((const __m128i *)(const void *)p);
}

CLMUL void
cos_crc64_fold(uint64_t crc, const unsigned char *p, size_t n,
    unsigned char rest[16])
{
	__m128i by512 = constants(512), by128 = constants(128);
	__m128i a = load(p), b = load(p + 16), c = load(p + 32),
	    d = load(p + 48);

	a = _mm_xor_si128(a, _mm_set_epi64x(0, (long long)crc));
	for (p += 64, n -= 64; n >= 64; p += 64, n -= 64) {
		a = fold(a, by512, load(p));
		b = fold(b, by512, load(p + 16));
		c = fold(c, by512, load(p + 32));
		d = fold(d, by512, load(p + 48));
	}
	b = fold(a, by128, b);
	c = fold(b, by128, c);
	d = fold(c, by128, d);
	_mm_storeu_si128((__m128i *)(void *)rest, d);
}

#elif !COS_CRC64_PMULL

bool
cos_crc64_can_fold(void)
{
	return false;
}

void
cos_crc64_fold(uint64_t crc, const unsigned char *p, size_t n,
    unsigned char rest[16])
{
	(void)crc;
	(void)p;
	(void)n;
	(void)rest;
}

#endif
