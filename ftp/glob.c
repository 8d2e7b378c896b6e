/*
 * ftp/glob.c - shell patterns on one path segment: * ? [a-z] [!x] \x.
 *
 * A character is a UTF-8 character: "?" is one Chinese letter, not a third of
 * it.  A leading dot is nothing special: a bucket has no hidden files.  The
 * matcher remembers the last star only, which is enough (whatever an earlier
 * star could still take, the last one can take too); its work is at most
 * length of the name times length of the pattern.
 */
#include <string.h>

#include "ftp_int.h"

/* Bytes of a [class]; a longer one is not read as a class.  Without a bound a
 * row of '[' would be searched to its end at every step. */
enum { CLASS_MAX = 128 };

/* A byte that is not UTF-8 counts as a character above all of Unicode. */
static uint32_t
next_char(const char **s)
{
	const unsigned char *p = (const unsigned char *)*s;
	uint32_t c = p[0];
	int len = c < 0xc2 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 1;
	int i;

	if (len > 1)
		c &= 0x7fu >> len;
	for (i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			break;
		c = c << 6 | (p[i] & 0x3fu);
	}
	if (p[0] >= 0x80 && (len == 1 || i < len)) {
		c = 0x110000u + p[0];
		len = 1;
	}
	*s += len;
	return c;
}

/* One character of a class or of the pattern, its backslash taken off. */
static uint32_t
next_literal(const char **p)
{
	if ((*p)[0] == '\\' && (*p)[1] != '\0')
		(*p)++;
	return next_char(p);
}

/* p stands behind '['; the closing bracket, NULL when it is no class. */
static const char *
class_end(const char *p)
{
	const char *limit = p + CLASS_MAX;

	if (*p == '!' || *p == '^')
		p++;
	if (*p == ']')		/* the first one is a letter */
		p++;
	for (; *p != '\0' && p < limit; p++) {
		if (*p == ']')
			return p;
		if (p[0] == '\\' && p[1] != '\0')
			p++;
	}
	return NULL;
}

static bool
class_match(const char *p, const char *end, uint32_t c)
{
	bool not = *p == '!' || *p == '^', found = false;
	uint32_t from, to;

	if (not)
		p++;
	while (p < end) {
		from = to = next_literal(&p);
		if (p[0] == '-' && p + 1 < end) {
			p++;
			to = next_literal(&p);
		}
		if (c >= from && c <= to)
			found = true;
	}
	return found != not;
}

/* Does the pattern's next item, not a star, take c?  Steps over it. */
static bool
item_match(const char **p, uint32_t c)
{
	const char *begin, *end;

	if (**p == '?') {
		(*p)++;
		return true;
	}
	if (**p == '[' && (end = class_end(*p + 1)) != NULL) {
		begin = *p + 1;
		*p = end + 1;
		return class_match(begin, end, c);
	}
	return next_literal(p) == c;
}

bool
ftp_glob_match(const char *pattern, const char *name)
{
	const char *p = pattern, *s = name;
	const char *star_p = NULL, *star_s = NULL;

	for (;;) {
		if (*p == '*') {
			star_p = ++p;
			star_s = s;
			continue;
		}
		/* each item takes a character, so going back to the star,
		 * which starts it later, cannot help here */
		if (*s == '\0')
			return *p == '\0';
		if (*p != '\0' && item_match(&p, next_char(&s)))
			continue;
		if (star_p == NULL)
			return false;
		if (*star_p == '\0')
			return true;
		next_char(&star_s);
		s = star_s;
		p = star_p;
	}
}

/*
 * An escaped wildcard counts: only the matcher takes the backslash off.  A
 * backslash alone does not, and neither does a bracket that closes nothing:
 * those are names.
 */
bool
ftp_glob_has(const char *s)
{
	if (strpbrk(s, "*?") != NULL)
		return true;
	for (s = strchr(s, '['); s != NULL; s = strchr(s + 1, '['))
		if (class_end(s + 1) != NULL)
			return true;
	return false;
}

size_t
ftp_glob_literal(const char *pattern)
{
	return strcspn(pattern, "*?[\\");
}
