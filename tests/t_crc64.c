/*
 * tests/t_crc64.c - cos/crc64.c: known values, any split, combining, and
 * folding against the tables.
 */
#include <inttypes.h>

#include "../cos/cos_int.h"
#include "guard.h"
#include "test.h"

static const struct {
	const char *text;
	uint64_t crc;
} known[] = {
	{ "", 0 },
	{ "a", UINT64_C(3675645893302102789) },
	{ "123456789", UINT64_C(11051210869376104954) },
	{ "[Object Content]", UINT64_C(16749565679157681890) },	/* the official sample */
	{ "ObjectContent", UINT64_C(2900061071848923409) },
	{ "Hello World!", UINT64_C(8431954862038216674) },
};

static const struct {
	uint64_t a, b;
	int64_t len_b;
	uint64_t combined;
} pairs[] = {
	{ UINT64_C(6748440630437108969), UINT64_C(10278880121275185425), 4, UINT64_C(11051210869376104954) },
	{ UINT64_C(6947770692288575170), UINT64_C(11051210869376104954), 9, UINT64_C(8288154206843147833) },
	{ UINT64_C(11051210869376104954), 0, 0, UINT64_C(11051210869376104954) },
	{ 0, UINT64_C(11051210869376104954), 9, UINT64_C(11051210869376104954) },
	{ 0, 0, 0, 0 },
};

/* One bit at a time, as in the definition. */
static uint64_t
slow(const unsigned char *p, size_t n)
{
	uint64_t crc = ~UINT64_C(0);
	int k;

	for (; n > 0; p++, n--) {
		crc ^= *p;
		for (k = 0; k < 8; k++)
			crc = crc & 1 ? crc >> 1 ^ UINT64_C(0xC96C5795D7870F42)
			    : crc >> 1;
	}
	return ~crc;
}

static void
test_known(void)
{
	static char zeros[1 << 20];
	unsigned char all[256];
	size_t i;
	uint64_t crc;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		crc = cos_crc64(0, known[i].text, strlen(known[i].text));
		CHECK(crc == known[i].crc, "\"%s\": %" PRIu64, known[i].text,
		    crc);
	}
	crc = cos_crc64(0, zeros, sizeof(zeros));
	CHECK(crc == UINT64_C(6947770692288575170), "zeros: %" PRIu64, crc);
	for (i = 0; i < sizeof(all); i++)
		all[i] = (unsigned char)i;
	crc = cos_crc64(0, all, sizeof(all));
	CHECK(crc == UINT64_C(8232944260754389680), "0-255: %" PRIu64, crc);
	CHECK(cos_crc64(5, NULL, 0) == 5, "nothing changes nothing");
}

/* Every length and alignment up to some steps, split anywhere. */
static void
test_split(void)
{
	unsigned char data[100];
	const char *p;
	size_t i, n, k;
	uint64_t whole, a, b;

	for (i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(i * 167 + 13);
	for (n = 0; n <= sizeof(data); n++) {
		p = guard(data, n);
		whole = cos_crc64(0, p, n);
		CHECK(whole == slow(data, n), "%zu bytes", n);
		for (k = 0; k <= n; k++) {
			a = cos_crc64(0, p, k);
			b = cos_crc64(0, p + k, n - k);
			CHECK(cos_crc64(a, p + k, n - k) == whole,
			    "%zu bytes, %zu first", n, k);
			CHECK(cos_crc64_combine(a, b, (int64_t)(n - k)) ==
			    whole, "%zu and %zu combined", k, n - k);
		}
	}
}

static void
test_combine(void)
{
	uint64_t one, all = 0, got;
	int64_t len = 1;
	size_t i;
	int k;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		got = cos_crc64_combine(pairs[i].a, pairs[i].b,
		    pairs[i].len_b);
		CHECK(got == pairs[i].combined, "pair %zu: %" PRIu64, i, got);
	}
	/* lengths of 2^0 .. 2^61, checked as far as can be counted */
	one = cos_crc64(0, "", 1);
	for (k = 0; k < 62; k++, len *= 2) {
		if (k <= 12) {
			for (all = 0, i = 0; i < (size_t)len; i++)
				all = cos_crc64(all, "", 1);
			CHECK(all == one, "2^%d zero bytes", k);
		}
		one = cos_crc64_combine(one, one, len);
	}
	/* associative: the order of combining parts does not matter */
	got = cos_crc64_combine(123, cos_crc64_combine(77, 99, 5000000000),
	    4000000000 + 5000000000);
	CHECK(cos_crc64_combine(cos_crc64_combine(123, 77, 4000000000), 99,
	    5000000000) == got, "associative beyond 4 GiB");
}

/* The two ways against each other, all lengths and alignments about the
 * sizes where they change, and a begun CRC. */
static void
test_fold(void)
{
	static unsigned char data[70000];
	size_t i, n;

	for (i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(i * 2654435761u >> 13);
	for (n = 8100; n < 8400; n++)
		for (i = 0; i < 3; i++)
			CHECK(cos_crc64(n, data + i, n) ==
			    cos_crc64_tables(n, data + i, n),
			    "%zu bytes at %zu", n, i);
	for (n = 60000; n < 60200; n++)
		CHECK(cos_crc64(0, data, n) == cos_crc64_tables(0, data, n),
		    "%zu bytes", n);
}

/* What is folded, for itself and however short, up to the published value:
 * the check string behind zeros that a CRC begun with 0 does not see. */
static void
test_fold_alone(void)
{
	static const char check[] = "123456789";
	unsigned char data[256] = { 0 }, rest[16];
	size_t n, i, at;

	if (!cos_crc64_can_fold()) {
		puts("# t_crc64: this processor has the tables only");
		return;
	}
	puts("# t_crc64: folding");
	for (n = 64; n <= sizeof(data); n += 64) {
		memset(data, 0, n);
		at = n - strlen(check);
		for (i = at; i < n; i++)
			data[i] = (unsigned char)check[i - at];
		for (i = 0; i < 8; i++)		/* as the CRC begins */
			data[at + i] ^= 0xff;
		cos_crc64_fold(0, data, n, rest);
		/* without complements: tables do them at both ends */
		CHECK(cos_crc64_tables(~UINT64_C(0), rest, sizeof(rest)) ==
		    UINT64_C(11051210869376104954), "%zu bytes", n);
	}
}

int
main(void)
{
	test_known();
	test_split();
	test_combine();
	test_fold();
	test_fold_alone();
	return test_end("t_crc64");
}
