/*
 * tests/t_breaker.c - cos/breaker.c: when a store counts as dead, and when it
 * is asked again.
 */
#include "../cos/cos_int.h"
#include "test.h"

/* f: a request gives up; a: an answer; +: let in; -: refused; digits: that
 * many seconds pass first */
static const struct {
	const char *events, *what;
} rows[] = {
	{ "+", "at first" },
	{ "f+f+", "two failures" },
	{ "fff-", "three" },
	{ "fffff-", "more" },
	{ "ffaf+f+f+5f-", "an answer in between" },
	{ "afff+4f+1f-", "an answer to another just now" },
	{ "fff4-", "too early" },
	{ "fff5+-", "one probe" },
	{ "fff5+f4-1+", "it fails, too" },
	{ "fff5+-5+-", "a probe that nobody waits for" },
	{ "fff5+a++f+f+f+4f+1f-", "back again" },
	{ "fff4f4-1+", "a late failure puts the probe off" },
};

static void
check(size_t row)
{
	struct cos_breaker b = { 0 };
	const char *p;
	int64_t now = 100000;
	bool lets;

	for (p = rows[row].events; *p != '\0'; p++) {
		if (*p >= '0' && *p <= '9') {
			now += (*p - '0') * 1000;
		} else if (*p == 'f') {
			cos_breaker_failed(&b, now);
		} else if (*p == 'a') {
			cos_breaker_answered(&b, now);
		} else {
			lets = cos_breaker_lets(&b, now);
			CHECK(lets == (*p == '+'), "%s: event %d",
			    rows[row].what, (int)(p - rows[row].events));
		}
	}
}

int
main(void)
{
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(i);
	return test_end("t_breaker");
}
