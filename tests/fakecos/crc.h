/*
 * crc.h - CRC-64/XZ (ECMA-182, reflected), as in x-cos-hash-crc64ecma.
 * Values are finished ones: crc_update continues from them, 0 is "nothing".
 */
#ifndef FAKECOS_CRC_H
#define FAKECOS_CRC_H

#include <stddef.h>
#include <stdint.h>

struct crc {
	uint64_t t[16][256];	/* t[k][b]: byte b followed by k zero bytes */
	uint64_t fold[4];	/* x^n mod P for the carry-less multiply */
	int clmul;		/* the processor has it */
};

void crc_init(struct crc *);
uint64_t crc_update(const struct crc *, uint64_t, const void *, size_t);
/* the CRC of A followed by B, from theirs and the length of B */
uint64_t crc_combine(uint64_t a, uint64_t b, uint64_t len_b);

#endif
