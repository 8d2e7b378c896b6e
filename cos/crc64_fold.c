/*
 * cos/crc64_fold.c - CRC-64 by carry-less multiplication, five times the speed
 * of tables, where the processor has it: PCLMULQDQ on x86-64, PMULL on 64-bit
 * ARM.  No other processor has a way but the tables.
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

#define FOLDING __attribute__((target("pclmul,sse2")))
typedef __m128i block;

bool
cos_crc64_can_fold(void)
{
	unsigned a, b, c, d;

	/* not __builtin_cpu_supports: it knows all models, in 4 KB */
	return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_PCLMUL) &&
	    (d & bit_SSE2);
}

FOLDING static inline block
pair(uint64_t low, uint64_t high)
{
	return _mm_set_epi64x((long long)high, (long long)low);
}

FOLDING static inline block
add(block a, block b)
{
	return _mm_xor_si128(a, b);
}

FOLDING static inline block
multiply_low(block a, block b)
{
	return _mm_clmulepi64_si128(a, b, 0x00);
}

FOLDING static inline block
multiply_high(block a, block b)
{
	return _mm_clmulepi64_si128(a, b, 0x11);
}

FOLDING static inline block
load(const unsigned char *p)
{
	return _mm_loadu_si128((const __m128i *)(const void *)p);
}

FOLDING static inline void
store(unsigned char *p, block v)
{
	_mm_storeu_si128((__m128i *)(void *)p, v);
}

#elif defined(__aarch64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#include <arm_neon.h>
#include <sys/auxv.h>

#ifdef __clang__
#define FOLDING __attribute__((target("aes")))
#else
#define FOLDING __attribute__((target("+crypto")))
#endif
typedef uint64x2_t block;

bool
cos_crc64_can_fold(void)
{
	return (getauxval(AT_HWCAP) & HWCAP_PMULL) != 0;
}

FOLDING static inline block
pair(uint64_t low, uint64_t high)
{
	return vcombine_u64(vcreate_u64(low), vcreate_u64(high));
}

FOLDING static inline block
add(block a, block b)
{
	return veorq_u64(a, b);
}

FOLDING static inline block
multiply_low(block a, block b)
{
	return vreinterpretq_u64_p128(vmull_p64(
	    (poly64_t)vgetq_lane_u64(a, 0), (poly64_t)vgetq_lane_u64(b, 0)));
}

FOLDING static inline block
multiply_high(block a, block b)
{
	return vreinterpretq_u64_p128(vmull_high_p64(
	    vreinterpretq_p64_u64(a), vreinterpretq_p64_u64(b)));
}

FOLDING static inline block
load(const unsigned char *p)
{
	return vreinterpretq_u64_u8(vld1q_u8(p));
}

FOLDING static inline void
store(unsigned char *p, block v)
{
	vst1q_u8(p, vreinterpretq_u8_u64(v));
}
#endif

#ifdef FOLDING
/* The two halves of a block, moved on by `bits`. */
FOLDING static block
constants(int bits)
{
	return pair(cos_crc64_power(bits + 64 - 1), cos_crc64_power(bits - 1));
}

FOLDING static inline block
fold(block v, block by, block next)
{
	return add(add(multiply_low(v, by), multiply_high(v, by)), next);
}

FOLDING void
cos_crc64_fold(uint64_t crc, const unsigned char *p, size_t n,
    unsigned char rest[16])
{
	block by512 = constants(512), by128 = constants(128);
	block a = load(p), b = load(p + 16), c = load(p + 32),
	    d = load(p + 48);

	a = add(a, pair(crc, 0));
	for (p += 64, n -= 64; n >= 64; p += 64, n -= 64) {
		a = fold(a, by512, load(p));
		b = fold(b, by512, load(p + 16));
		c = fold(c, by512, load(p + 32));
		d = fold(d, by512, load(p + 48));
	}
	b = fold(a, by128, b);
	c = fold(b, by128, c);
	d = fold(c, by128, d);
	store(rest, d);
}

#else

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
