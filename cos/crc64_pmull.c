/*
 * cos/crc64_pmull.c - crc64_clmul.c for 64-bit ARM: the same folding with its
 * carry-less multiplication (PMULL), where the processor has it.
 */
#include "cos_int.h"

#if COS_CRC64_PMULL
#include <arm_neon.h>
#include <sys/auxv.h>

#ifdef __clang__
#define PMULL __attribute__((target("aes")))
#else
#define PMULL __attribute__((target("+crypto")))
#endif

bool
cos_crc64_can_fold(void)
{
	return (getauxval(AT_HWCAP) & HWCAP_PMULL) != 0;
}

static uint64x2_t
pair(uint64_t low, uint64_t high)
{
	return vcombine_u64(vcreate_u64(low), vcreate_u64(high));
}

/* The two halves of a block, moved on by `bits`. */
static uint64x2_t
constants(int bits)
{
	return pair(cos_crc64_power(bits + 64 - 1), cos_crc64_power(bits - 1));
}

PMULL static inline uint64x2_t
fold(uint64x2_t v, uint64x2_t by, uint64x2_t next)
{
	poly128_t low = vmull_p64((poly64_t)vgetq_lane_u64(v, 0),
	    (poly64_t)vgetq_lane_u64(by, 0));
	poly128_t high = vmull_high_p64(vreinterpretq_p64_u64(v),
	    vreinterpretq_p64_u64(by));

	return veorq_u64(veorq_u64(vreinterpretq_u64_p128(low),
	    vreinterpretq_u64_p128(high)), next);
}

static inline uint64x2_t
load(const unsigned char *p)
{
	return vreinterpretq_u64_u8(vld1q_u8(p));
}

PMULL void
cos_crc64_fold(uint64_t crc, const unsigned char *p, size_t n,
    unsigned char rest[16])
{
	uint64x2_t by512 = constants(512), by128 = constants(128);
	uint64x2_t a = load(p), b = load(p + 16), c = load(p + 32),
	    d = load(p + 48);

	a = veorq_u64(a, pair(crc, 0));
	for (p += 64, n -= 64; n >= 64; p += 64, n -= 64) {
		a = fold(a, by512, load(p));
		b = fold(b, by512, load(p + 16));
		c = fold(c, by512, load(p + 32));
		d = fold(d, by512, load(p + 48));
	}
	b = fold(a, by128, b);
	c = fold(b, by128, c);
	d = fold(c, by128, d);
	vst1q_u8(rest, vreinterpretq_u8_u64(d));
}

#endif
