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
	for (n = 0; n < 5000 && cos_patience_again(NULL, false); n++)
		;
	cos_patience_answered(NULL);
	CHECK(n == 5000, "no transfer, no end");
	return test_end("t_patience");
}
