/*
 * tests/t_patience.c - cos/patience.c: how many retries a transfer has.
 */
#include "../cos/cos_int.h"
#include "test.h"

/* answers come first, then tries: the first one refused */
static const struct {
	int answers, tries;
	const char *what;
} rows[] = {
	{ 0, 50, "nothing succeeds" },
	{ 1, 51, "one success" },
	{ 1000, 1050, "a long transfer" },
};

/* first, how often doubled, at most */
static const struct {
	int first, doubled, most, want;
} pauses[] = {
	{ 300, 0, 5000, 300 }, { 300, 4, 5000, 4800 }, { 300, 5, 5000, 5000 },
	{ 300, 100, 5000, 5000 }, { 1000, 6, 64000, 64000 },
	{ 1000, 20, 64000, 64000 }, { 100, 3, 3200, 800 },
};

int
main(void)
{
	struct cos_patience p;
	size_t i;
	int n;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&p, 0, sizeof(p));
		for (n = 0; n < rows[i].answers; n++)
			cos_patience_answered(&p);
		for (n = 0; n < 5000 && cos_patience_again(&p, false); n++)
			;
		CHECK(n == rows[i].tries, "%s: %d", rows[i].what, n);
		cos_patience_answered(&p);
		CHECK(cos_patience_again(&p, false), "%s: hope", rows[i].what);
		CHECK(!cos_patience_again(&p, false), "%s: no hope",
		    rows[i].what);
		CHECK(cos_patience_again(&p, true), "%s: more patience",
		    rows[i].what);
	}
	for (i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++)
		CHECK(cos_pause_ms(pauses[i].first, pauses[i].doubled,
		    pauses[i].most) == pauses[i].want, "pause %zu", i);
	for (n = 0; n < 5000 && cos_patience_again(NULL, false); n++)
		;
	cos_patience_answered(NULL);
	CHECK(n == 5000, "no transfer, no end");
	return test_end("t_patience");
}
