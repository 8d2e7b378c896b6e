/*
 * cos/date.c - the three ways COS writes a time, all UTC, to Unix seconds.
 *
 * Each is a pattern: a letter of `digits` stands for a digit of that field,
 * '_' for one of the day or a blank, 'a' and 'b' for the name of a weekday
 * and of a month, anything else for itself.  The calendar is computed here,
 * as timegm() would accept the 31st of February.
 */
#include <string.h>

#include "cos_int.h"

enum field { YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, NFIELDS };

static const struct {
	const char *pattern;
	bool fraction;			/* ".123Z" may follow, else "Z" */
} forms[] = {
	{ "YYYY-nn-DDThh:mm:ss", true },		/* in XML */
	{ "a, DD b YYYY hh:mm:ss GMT", false },		/* RFC 9110 5.6.7 */
	{ "a b _D hh:mm:ss YYYY", false },		/* lists of uploads */
};

static const char digits[] = "YnDhms";	/* in the order of enum field */
static const char weekdays[] = "MonTueWedThuFriSatSun";
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* Which of the three-letter names s begins with, from 1; 0: none. */
static int
name_index(const char *names, const char *s)
{
	int i;

	/* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): as below */
	if (strlen(s) < 3)
		return 0;
	for (i = 0; names[3 * i] != '\0'; i++)
		if (memcmp(names + 3 * i, s, 3) == 0)
			return i + 1;
	return 0;
}

/* What follows the pattern in s; NULL when it does not match. */
static const char *
match(const char *pattern, const char *s, int field[NFIELDS])
{
	const char *f;

	/* NOLINTBEGIN(clang-analyzer-core.*): s never is NULL here */
	for (; *pattern != '\0'; pattern++) {
		if (*pattern == 'a') {
			if (name_index(weekdays, s) == 0)
				return NULL;
			s += 3;
		} else if (*pattern == 'b') {
			field[MONTH] = name_index(months, s);
			if (field[MONTH] == 0)
				return NULL;
			s += 3;
		} else if (*pattern == '_' && *s == ' ') {
			s++;
		} else if ((f = strchr(digits, *pattern == '_' ? 'D' :
		    *pattern)) != NULL) {
			if (*s < '0' || *s > '9')
				return NULL;
			field[f - digits] = field[f - digits] * 10 +
			    (*s++ - '0');
		} else if (*s++ != *pattern) {
			return NULL;
		}
	}
	/* NOLINTEND(clang-analyzer-core.*) */
	return s;
}

static bool
match_end(const char *s, bool fraction)
{
	size_t n;

	if (!fraction)
		return *s == '\0';
	if (*s == '.') {
		n = strspn(s + 1, "0123456789");
		if (n == 0 || n > 9)
			return false;
		s += 1 + n;
	}
	return strcmp(s, "Z") == 0;
}

static int64_t
seconds(const int f[NFIELDS])
{
	static const int month_days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30,
	    31, 30, 31 };
	bool leap = (f[YEAR] % 4 == 0 && f[YEAR] % 100 != 0) ||
	    f[YEAR] % 400 == 0;
	int64_t days;
	int i, past = f[YEAR] - 1;

	if (f[YEAR] < 1970 || f[MONTH] < 1 || f[MONTH] > 12 || f[DAY] < 1 ||
	    f[DAY] > month_days[f[MONTH] - 1] + (leap && f[MONTH] == 2) ||
	    f[HOUR] > 23 || f[MINUTE] > 59 || f[SECOND] > 60)
		return -1;
	days = past * 365 + past / 4 - past / 100 + past / 400 - 719162;
	for (i = 0; i < f[MONTH] - 1; i++)
		days += month_days[i] + (leap && i == 1);
	days += f[DAY] - 1;
	return ((days * 24 + f[HOUR]) * 60 + f[MINUTE]) * 60 + f[SECOND];
}

int64_t
cos_date(const char *s)
{
	const char *end;
	size_t i;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		int field[NFIELDS] = { 0 };

		end = match(forms[i].pattern, s, field);
		if (end != NULL && match_end(end, forms[i].fraction))
			return seconds(field);
	}
	return -1;
}
