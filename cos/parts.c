/*
 * cos/parts.c - how large part n of an upload is.
 *
 * The size of a file is not known when its upload starts, a part is held in
 * memory until it is stored, and there are 10,000 parts at most.  So parts
 * grow with their number: small files are sent in small pieces at once, and
 * all parts together still just hold the largest file that is allowed.  A size
 * that was announced (ALLO) is a promise of the client's and no more: it makes
 * parts larger than that, so that there are fewer, and never smaller.
 */
#include "cos_int.h"

#define MIB	((int64_t)1 << 20)
#define SMALLEST MIB			/* of COS; the last part may be less */
#define SINGLE	(2 * MIB)
#define LARGE	(8 * MIB)
#define LARGEST	(5 * 1024 * MIB)	/* of COS */

enum {
	PARTS = 10000,
	STEPS = PARTS * (PARTS - 1) / 2,	/* 0 + 1 + ... + 9999 */
	GRAIN = 64 * 1024,
	ANNOUNCED = 64				/* parts of a known size */
};

static int64_t
limit(int64_t v, int64_t low, int64_t high)
{
	return v < low ? low : v > high ? high : v;
}

static int64_t
round_up(int64_t size)
{
	return (size + GRAIN - 1) / GRAIN * GRAIN;
}

int64_t
cos_part_size(int n, int64_t min_part, int64_t max_file)
{
	int64_t first, step, mean, left;

	max_file = limit(max_file, 0, PARTS * LARGEST);
	mean = (max_file + PARTS - 1) / PARTS;
	first = round_up(limit(min_part, SMALLEST, LARGEST));
	/* From first to twice the mean: where that is more than a part may
	 * have, a larger first one makes the slope flatter. */
	if (first < 2 * mean - LARGEST)
		first = round_up(2 * mean - LARGEST);
	left = max_file - PARTS * first;
	step = left > 0 ? (left + STEPS - 1) / STEPS : 0;
	n = (int)limit(n, 1, PARTS);
	return limit(round_up(first + (n - 1) * step), SMALLEST, LARGEST);
}

/*
 * One PUT of up to SINGLE has been stored sooner than a last part and Complete
 * would be; there is room for a byte more, so that the part is not full before
 * its end is seen.  The parts of a larger file are no larger than what came
 * before them: who announces much and sends little holds little.
 */
int64_t
cos_part_announced(int n, int64_t size, int64_t memory)
{
	int64_t part = limit(size / ANNOUNCED, 0, LARGE);

	if (size < 0)
		return 0;
	if (size <= SINGLE)
		return n == 1 ? round_up(size + 1) : 0;
	part = limit(part, 0, memory / COS_PARTS_MAX);
	return round_up(n < 5 ? limit(part, 0, MIB << (n > 2 ? n - 2 : 0)) :
	    part);
}

/*
 * Near the store a part is through at once, and more of them under way only
 * wear out the caches; far from it the time of a part is mostly waiting.
 */
int
cos_part_depth(int64_t part_ms)
{
	if (part_ms >= 40)
		return COS_PARTS_MAX;
	return part_ms * 2 / 5 > 2 ? (int)(part_ms * 2 / 5) : 2;
}
