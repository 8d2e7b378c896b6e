/*
 * tests/t_date.c - cos/date.c.
 */
#include <inttypes.h>
#include <time.h>

#include "../cos/cos_int.h"
#include "test.h"

static const struct {
	const char *text;
	int64_t want;
} dates[] = {
	{ "2020-12-10T03:37:30.000Z", 1607571450 },
	{ "2020-12-10T03:37:30Z", 1607571450 },
	{ "2020-12-10T03:37:30.123456789Z", 1607571450 },
	{ "1970-01-01T00:00:00Z", 0 },
	{ "2000-02-29T23:59:59.9Z", 951868799 },
	{ "2038-01-19T03:14:08.000Z", INT64_C(2147483648) },
	{ "2100-03-01T00:00:00Z", INT64_C(4107542400) },
	{ "9999-12-31T23:59:59Z", INT64_C(253402300799) },
	{ "2016-12-31T23:59:60Z", 1483228800 },		/* a leap second */
	{ "Thu, 16 May 2019 06:45:51 GMT", 1557989151 },
	{ "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
	{ "Tue, 19 Jan 2038 03:14:08 GMT", INT64_C(2147483648) },
	{ "Wed Jan 18 16:04:17 2017", 1484755457 },
	{ "Sun Jan  1 00:00:00 2017", 1483228800 },

	{ "", -1 },
	{ "2020", -1 },
	{ "2020-12-10", -1 },
	{ "2020-12-10T03:37:30", -1 },
	{ "2020-12-10T03:37:30.Z", -1 },
	{ "2020-12-10T03:37:30.0000000000Z", -1 },
	{ "2020-12-10T03:37:30.000", -1 },
	{ "2020-12-10T03:37:30.000ZZ", -1 },
	{ "2020-12-10T03:37:30Z ", -1 },
	{ " 2020-12-10T03:37:30Z", -1 },
	{ "2020-12-10t03:37:30z", -1 },
	{ "2020-12-10 03:37:30Z", -1 },
	{ "2020-12-10T03:37:30+08:00", -1 },
	{ "2020-1-10T03:37:30Z", -1 },
	{ "2020-12- 1T03:37:30Z", -1 },
	{ "2020-00-10T03:37:30Z", -1 },
	{ "2020-13-10T03:37:30Z", -1 },
	{ "2020-12-00T03:37:30Z", -1 },
	{ "2020-12-32T03:37:30Z", -1 },
	{ "2020-02-30T03:37:30Z", -1 },
	{ "2021-02-29T03:37:30Z", -1 },
	{ "2100-02-29T03:37:30Z", -1 },
	{ "2020-11-31T03:37:30Z", -1 },
	{ "2020-12-10T24:00:00Z", -1 },
	{ "2020-12-10T03:60:30Z", -1 },
	{ "2020-12-10T03:37:61Z", -1 },
	{ "1969-12-31T23:59:59Z", -1 },
	{ "-020-12-10T03:37:30Z", -1 },
	{ "20200-12-10T03:37:30Z", -1 },
	{ "Thu, 16 May 2019 06:45:51", -1 },
	{ "Thu, 16 May 2019 06:45:51 UTC", -1 },
	{ "Thu, 16 May 2019 06:45:51 GMT ", -1 },
	{ "Thu, 16 May 2019 06:45:51.000 GMT", -1 },
	{ "Thu,16 May 2019 06:45:51 GMT", -1 },
	{ "Thu, 16 may 2019 06:45:51 GMT", -1 },
	{ "Thu, 16 Mai 2019 06:45:51 GMT", -1 },
	{ "Xxx, 16 May 2019 06:45:51 GMT", -1 },
	{ "Thu, 6 May 2019 06:45:51 GMT", -1 },
	{ "Thu,  6 May 2019 06:45:51 GMT", -1 },
	{ "Thu, 31 Apr 2019 06:45:51 GMT", -1 },
	{ "Thursday, 16-May-19 06:45:51 GMT", -1 },
	{ "Wed Jan 18 16:04:17 2017 GMT", -1 },
	{ "Wed Jan   1 16:04:17 2017", -1 },
	{ "Wed Jan  0 16:04:17 2017", -1 },
	{ "1607571450", -1 },
};

/* Days from 1970 to 2400 against the library's calendar. */
static void
test_calendar(void)
{
	char text[64];
	struct tm tm;
	time_t t;
	int64_t day;

	for (day = 0; day < 157100; day++) {
		t = (time_t)(day * 86400 + day % 86400);
		gmtime_r(&t, &tm);
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
		if (cos_date(text) != (int64_t)t)
			break;
		strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
		if (cos_date(text) != (int64_t)t)
			break;
		strftime(text, sizeof(text), "%a %b %e %H:%M:%S %Y", &tm);
		if (cos_date(text) != (int64_t)t)
			break;
	}
	CHECK(day == 157100, "calendar wrong at %s", text);
}

int
main(void)
{
	char prefix[64];
	size_t i, n;
	int64_t got;

	for (i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
		got = cos_date(dates[i].text);
		CHECK(got == dates[i].want, "\"%s\": %" PRId64, dates[i].text,
		    got);
		for (n = 0; n < strlen(dates[i].text); n++) {
			snprintf(prefix, n + 1, "%s", dates[i].text);
			if (dates[i].want >= 0)
				CHECK(cos_date(prefix) == -1, "prefix \"%s\"",
				    prefix);
		}
	}
	test_calendar();
	return test_end("t_date");
}
