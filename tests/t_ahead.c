/*
 * tests/t_ahead.c - cos/ahead.c: how far a download reads ahead.
 */
#include <inttypes.h>

#include "../cos/download_int.h"
#include "test.h"

static const struct {
	int depth;
	int64_t waited, took;
	int next;
} depths[] = {
	{ 2, 0, 0, 2 },			/* too short to tell */
	{ 2, 3, 3, 2 },
	{ 2, 0, 100, 2 },		/* one connection is enough */
	{ 2, 30, 100, 2 },
	{ 2, 34, 100, 8 },		/* the client waits */
	{ 2, 100, 100, 8 },
	{ 8, 50, 100, 16 },
	{ 16, 100, 100, 16 },
	{ 16, 6, 100, 16 },		/* just right */
	{ 16, 4, 100, 15 },		/* the client is slow */
	{ 3, 0, 100, 2 },
	{ 2, 0, 1000000, 2 },
};

static const struct {
	int64_t latency, bytes, body, size;
} sizes[] = {
	{ 0, 1 << 20, 0, 1 << 20 },	/* loopback: the least */
	{ 1, 1 << 20, 1, 2 << 20 },
	{ 20, 20 << 16, 20, 10 << 18 },	/* far: twice its latency's worth */
	{ 20, 1 << 20, 21, 7 << 18 },	/* whole steps of 256 KiB */
	{ 5, 1 << 20, 100, 1 << 20 },	/* slow link: the least */
	{ 200, 1 << 20, 20, 4 << 20 },	/* at most 4 MiB */
	{ INT64_MAX, INT64_C(5) << 30, 0, 4 << 20 },
};

int
main(void)
{
	size_t i;
	int64_t got;

	for (i = 0; i < sizeof(depths) / sizeof(depths[0]); i++) {
		got = cos_ahead_depth(depths[i].depth, depths[i].waited,
		    depths[i].took);
		CHECK(got == depths[i].next, "depth row %zu: %" PRId64, i,
		    got);
	}
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		got = cos_ahead_piece(sizes[i].latency, sizes[i].bytes,
		    sizes[i].body);
		CHECK(got == sizes[i].size, "size row %zu: %" PRId64, i, got);
	}
	return test_end("t_ahead");
}
