/*
 * tests/t_parts.c - cos/parts.c: sizes grow, stay within what COS takes, and
 * together hold the largest file but not much more.
 */
#include <inttypes.h>

#include "../cos/cos_int.h"
#include "test.h"

#define KIB	((int64_t)1 << 10)
#define MIB	((int64_t)1 << 20)
#define GIB	((int64_t)1 << 30)
#define TIB	((int64_t)1 << 40)

enum { PARTS = 10000 };

static const struct {
	int64_t min, max;
	int64_t first, last;		/* last: at most */
} rows[] = {
	{ MIB, 200 * GIB, MIB, 41 * MIB },
	{ 0, 200 * GIB, MIB, 41 * MIB },
	{ -5, 200 * GIB, MIB, 41 * MIB },
	{ 1, 200 * GIB, MIB, 41 * MIB },
	{ 2 * MIB, 200 * GIB, 2 * MIB, 40 * MIB },
	{ 8 * MIB, 200 * GIB, 8 * MIB, 33 * MIB + 512 * KIB },
	{ 20 * MIB, 200 * GIB, 20 * MIB, 21 * MIB },
	{ 100 * MIB, 200 * GIB, 100 * MIB, 100 * MIB },
	{ MIB + 1, 200 * GIB, MIB + 64 * KIB, 41 * MIB },
	{ MIB, 1, MIB, MIB },
	{ MIB, 0, MIB, MIB },
	{ MIB, -1, MIB, MIB },
	{ MIB, MIB, MIB, MIB },
	{ MIB, PARTS * MIB, MIB, MIB },
	{ MIB, PARTS * MIB + 1, MIB, MIB + 64 * KIB },
	{ MIB, 50 * GIB, MIB, 10 * MIB },
	{ MIB, TIB, MIB, 209 * MIB },
	{ MIB, 24 * TIB, MIB, 5 * GIB },
	{ MIB, 26 * TIB, 332 * MIB + 640 * KIB, 5 * GIB },
	{ MIB, INT64_C(48800000000000), 4187 * MIB + 896 * KIB, 5 * GIB },
	{ MIB, 50000 * GIB, 5 * GIB, 5 * GIB },	/* the largest object */
	{ MIB, INT64_MAX, 5 * GIB, 5 * GIB },
	{ 5 * GIB, 200 * GIB, 5 * GIB, 5 * GIB },
	{ 6 * GIB, 200 * GIB, 5 * GIB, 5 * GIB },
	{ INT64_MAX, INT64_MAX, 5 * GIB, 5 * GIB },
	{ INT64_MIN, INT64_MIN, MIB, MIB },
};

static void
check_row(size_t i)
{
	int64_t min = rows[i].min, max = rows[i].max, size, before = 0;
	int64_t sum = 0, floor;
	int n;

	for (n = 1; n <= PARTS; n++) {
		size = cos_part_size(n, min, max);
		if (size < before || size < MIB || size > 5 * GIB ||
		    size % (64 * KIB) != 0 || size < (min < 5 * GIB ? min : 0))
			break;
		before = size;
		sum += size;
	}
	CHECK(n > PARTS, "row %zu: part %d: %" PRId64, i, n, size);
	size = cos_part_size(1, min, max);
	CHECK(size >= rows[i].first && size <= rows[i].first + 64 * KIB,
	    "row %zu: first %" PRId64, i, size);
	CHECK(before <= rows[i].last, "row %zu: last %" PRId64, i, before);
	if (max > 50000 * GIB)
		max = 50000 * GIB;
	CHECK(sum >= max, "row %zu: sum %" PRId64, i, sum);
	/* more only where the first size asks for it, and by rounding */
	floor = PARTS * rows[i].first;
	if (floor < max)
		floor = max;
	CHECK(sum <= floor + PARTS * 64 * KIB, "row %zu: sum %" PRId64, i, sum);
}

static void
test_one_gib(void)
{
	int64_t sum = 0, size = 0;
	int n;

	for (n = 1; sum < GIB; n++) {
		size = cos_part_size(n, MIB, 200 * GIB);
		sum += size;
	}
	CHECK(size <= 4 * MIB, "1 GiB ends with a part of %" PRId64, size);
	CHECK(cos_part_size(2, MIB, 200 * GIB) <= MIB + 64 * KIB,
	    "starts small");
}

/* Any limit is covered, whatever the rounding does. */
static void
test_cover(void)
{
	int64_t min, max, sum;
	int n, k;

	for (k = 0; k < 400; k++) {
		min = MIB + (int64_t)k * k * 7919;
		max = (int64_t)k * (50000 * GIB / 399) - k;
		if (max > 50000 * GIB)
			max = 50000 * GIB;
		for (sum = 0, n = 1; n <= PARTS; n++)
			sum += cos_part_size(n, min, max);
		CHECK(sum >= max, "min %" PRId64 ", max %" PRId64 ", sum %"
		    PRId64, min, max, sum);
	}
}

static const struct {
	int64_t part_ms;
	int depth;
} depths[] = {
	{ 0, 2 }, { 1, 2 }, { 5, 2 }, { 8, 3 }, { 10, 4 }, { 20, 8 },
	{ 39, 15 }, { 40, 16 }, { 41, 16 }, { INT64_MAX, 16 },
};

static void
test_depth(void)
{
	size_t i;

	for (i = 0; i < sizeof(depths) / sizeof(depths[0]); i++)
		CHECK(cos_part_depth(depths[i].part_ms) == depths[i].depth,
		    "depth row %zu: %d", i,
		    cos_part_depth(depths[i].part_ms));
}

/* What https needs for a connection leaves so much less for each part. */
static void
test_https(void)
{
	struct cos_client_settings plain = { .memory_limit = 4 * MIB,
	    .max_file = 200 * GIB, .min_part = MIB }, tls = plain;
	int64_t extra = (int64_t)tls_bytes_max();

	tls.https = true;
	CHECK(cos_memory_needed(&plain) == cos_part_size(PARTS, MIB,
	    200 * GIB), "%" PRId64, cos_memory_needed(&plain));
	CHECK(cos_memory_needed(&tls) == cos_memory_needed(&plain) + extra,
	    "%" PRId64, cos_memory_needed(&tls));
	CHECK(cos_largest_file(&tls) < cos_largest_file(&plain),
	    "%" PRId64, cos_largest_file(&tls));
	plain.memory_limit = cos_memory_needed(&plain);
	tls.memory_limit = cos_memory_needed(&tls);
	CHECK(cos_largest_file(&plain) == 200 * GIB, "enough");
	CHECK(cos_largest_file(&tls) == 200 * GIB, "enough with https");
	tls.memory_limit -= 4 * MIB;
	CHECK(cos_largest_file(&tls) < 200 * GIB, "not enough with https");
}

static const struct {
	int64_t size;
	int n;
	int64_t memory, want;
} announced[] = {
	{ -1, 1, 64 * MIB, 0 },			/* were not */
	{ INT64_MIN, 3, 64 * MIB, 0 },
	{ 0, 1, 64 * MIB, 64 * KIB },
	{ 64 * KIB - 1, 1, 64 * MIB, 64 * KIB },
	{ 64 * KIB, 1, 64 * MIB, 128 * KIB },
	{ MIB, 1, 64 * MIB, MIB + 64 * KIB },	/* one PUT */
	{ MIB, 2, 64 * MIB, 0 },		/* more came */
	{ 2 * MIB, 1, 64 * MIB, 2 * MIB + 64 * KIB },
	{ 2 * MIB + 1, 1, 64 * MIB, 64 * KIB },	/* so by parts */
	{ 256 * MIB, 1, 64 * MIB, MIB },
	{ 256 * MIB, 2, 64 * MIB, MIB },
	{ 256 * MIB, 3, 64 * MIB, 2 * MIB },
	{ 256 * MIB, 4, 64 * MIB, 4 * MIB },
	{ 256 * MIB, 5, 64 * MIB, 4 * MIB },
	{ 256 * MIB, PARTS, 64 * MIB, 4 * MIB },
	{ 256 * MIB, 5, 16 * MIB, MIB },	/* a sixteenth of the memory */
	{ 200 * GIB, 1, 64 * MIB, MIB },
	{ 200 * GIB, 5, 64 * MIB, 4 * MIB },
	{ 200 * GIB, 5, GIB, 8 * MIB },
	{ INT64_MAX, 1, INT64_MAX, MIB },
	{ INT64_MAX, PARTS, INT64_MAX, 8 * MIB },
};

static void
test_announced(void)
{
	int64_t got;
	size_t i;

	for (i = 0; i < sizeof(announced) / sizeof(announced[0]); i++) {
		got = cos_part_announced(announced[i].n, announced[i].size,
		    announced[i].memory);
		CHECK(got == announced[i].want, "announced row %zu: %" PRId64,
		    i, got);
	}
}

int
main(void)
{
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(i);
	test_one_gib();
	test_cover();
	CHECK(cos_part_size(0, MIB, 200 * GIB) == MIB, "part 0 as part 1");
	CHECK(cos_part_size(PARTS + 1, MIB, 200 * GIB) ==
	    cos_part_size(PARTS, MIB, 200 * GIB), "no part after the last");
	test_depth();
	test_https();
	test_announced();
	return test_end("t_parts");
}
