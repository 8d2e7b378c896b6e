/*
 * cos/crc64.c - CRC-64/XZ (x-cos-hash-crc64ecma), 16 bytes a step by tables
 * or folded (crc64_fold.c), and the CRC of A followed by B from the two.
 *
 * The tables (32 KB) are the only changing global of this layer: they are
 * computed at the first call and constant ever after.  A process has one
 * thread, so no lock is needed.
 */
#include <assert.h>

#include "cos_int.h"

enum {
	SLICES = 16,
	FOLD_MIN = 8192		/* less is not worth computing its constants */
};

/* slice[k][b]: what byte b does to the CRC, followed by k zero bytes */
static struct {
	bool ready, can_fold;
	uint64_t slice[SLICES][256];
} table;

static void
table_make(void)
{
	uint64_t crc;
	int byte, k;

	for (byte = 0; byte < 256; byte++) {
		crc = (uint64_t)byte;
		for (k = 0; k < 8; k++)
			crc = crc & 1 ? crc >> 1 ^ COS_CRC64_POLY : crc >> 1;
		table.slice[0][byte] = crc;
	}
	for (byte = 0; byte < 256; byte++) {
		crc = table.slice[0][byte];
		for (k = 1; k < SLICES; k++) {
			crc = table.slice[0][crc & 0xff] ^ crc >> 8;
			table.slice[k][byte] = crc;
		}
	}
	table.can_fold = cos_crc64_can_fold();
	table.ready = true;
}

static uint64_t
load_le64(const unsigned char *p)
{
	return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 |
	    (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 |
	    (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
	    (uint64_t)p[7] << 56;
}

/* Eight bytes, followed by `after` more of the same step. */
static inline uint64_t
eight(uint64_t v, int after)
{
	return table.slice[after + 7][v & 0xff] ^
	    table.slice[after + 6][v >> 8 & 0xff] ^
	    table.slice[after + 5][v >> 16 & 0xff] ^
	    table.slice[after + 4][v >> 24 & 0xff] ^
	    table.slice[after + 3][v >> 32 & 0xff] ^
	    table.slice[after + 2][v >> 40 & 0xff] ^
	    table.slice[after + 1][v >> 48 & 0xff] ^
	    table.slice[after][v >> 56];
}

/* Without the complements. */
static uint64_t
by_tables(uint64_t crc, const unsigned char *p, size_t len)
{
	for (; len >= SLICES; p += SLICES, len -= SLICES)
		crc = eight(crc ^ load_le64(p), 8) ^ eight(load_le64(p + 8), 0);
	for (; len > 0; p++, len--)
		crc = table.slice[0][(crc ^ *p) & 0xff] ^ crc >> 8;
	return crc;
}

uint64_t
cos_crc64_tables(uint64_t crc, const void *data, size_t len)
{
	if (!table.ready)
		table_make();
	return ~by_tables(~crc, data, len);
}

uint64_t
cos_crc64(uint64_t crc, const void *data, size_t len)
{
	const unsigned char *p = data;
	unsigned char rest[16];
	size_t folded = len - len % 64;

	if (!table.ready)
		table_make();
	crc = ~crc;
	if (table.can_fold && len >= FOLD_MIN) {
		cos_crc64_fold(crc, p, folded, rest);
		crc = by_tables(0, rest, sizeof(rest));
		p += folded;
		len -= folded;
	}
	return ~by_tables(crc, p, len);
}

uint64_t
cos_crc64_power(int n)
{
	uint64_t v = UINT64_C(1) << 63;

	while (n-- > 0)
		v = v & 1 ? v >> 1 ^ COS_CRC64_POLY : v >> 1;
	return v;
}

/* a * b modulo the polynomial; the top bit is x^0, the next one x^1 ... */
static uint64_t
multiply(uint64_t a, uint64_t b)
{
	uint64_t product = 0;

	for (; a != 0; a <<= 1) {
		if (a >> 63)
			product ^= b;
		b = b & 1 ? b >> 1 ^ COS_CRC64_POLY : b >> 1;
	}
	return product;
}

/*
 * A's CRC is moved on by len_b bytes of zeros: multiplied by x^(8 * len_b).
 * The initial and final complements of the three CRCs cancel out.
 */
uint64_t
cos_crc64_combine(uint64_t a, uint64_t b, int64_t len_b)
{
	uint64_t power = UINT64_C(1) << (63 - 8);	/* x^8 */

	assert(len_b >= 0);
	for (; len_b > 0; len_b >>= 1) {
		if (len_b & 1)
			a = multiply(power, a);
		power = multiply(power, power);
	}
	return a ^ b;
}
