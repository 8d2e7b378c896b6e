/*
 * tests/t_glob.c - ftp/glob.c: what matches, what is a pattern, and that no
 * pattern takes long.
 */
#include <time.h>

#include "../ftp/ftp_int.h"
#include "guard.h"
#include "test.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))

static void
test_match(void)
{
	static const struct {
		const char *pattern, *name;
		bool match;
	} rows[] = {
		{ "", "", true },
		{ "", "a", false },
		{ "a", "", false },
		{ "abc", "abc", true },
		{ "abc", "abcd", false },
		{ "abc", "ab", false },
		{ "ABC", "abc", false },
		{ "*", "", true },
		{ "*", "a", true },
		{ "*", ".hidden", true },
		{ "**", "a", true },
		{ "*.txt", "a.txt", true },
		{ "*.txt", ".txt", true },
		{ "*.txt", "a.txt.txt", true },
		{ "*.txt", "a.txtx", false },
		{ "a*", "a", true },
		{ "a*", "ba", false },
		{ "a*b*c", "abc", true },
		{ "a*b*c", "a1b2c", true },
		{ "a*b*c", "a1b2cb", false },
		{ "*a*b*", "xxaxxbxx", true },
		{ "*a*b*", "xxbxxaxx", false },
		{ "*ab", "aab", true },
		{ "*aab", "aaab", true },
		{ "*abab", "ababab", true },
		{ "*abc*", "ababc", true },
		{ "a**b", "ab", true },
		{ "*?", "", false },
		{ "*?", "a", true },
		{ "*??", "a", false },
		{ "?*?", "ab", true },
		{ "?", "a", true },
		{ "?", "", false },
		{ "?", "ab", false },
		{ "a?c", "abc", true },
		/* one character is one character */
		{ "?", "\xe4\xb8\xad", true },
		{ "??", "\xe4\xb8\xad\xe6\x96\x87", true },
		{ "???", "\xe4\xb8\xad", false },
		{ "*\xe6\x96\x87*", "\xe4\xb8\xad\xe6\x96\x87\xe5\xad\x97", true },
		{ "[\xe4\xb8\xad]", "\xe4\xb8\xad", true },
		{ "[!\xe4\xb8\xad]", "\xe6\x96\x87", true },
		{ "[\xe4\xb8\x80-\xe9\xbf\xbf]", "\xe6\x96\x87", true },
		{ "[\xe4\xb8\x80-\xe9\xbf\xbf]", "a", false },
		{ "?", "\xf0\x9f\x98\x80", true },
		{ "?", "\xff", true },
		{ "\xff", "\xff", true },
		{ "\xff", "\xfe", false },
		{ "\xc3\xa9", "\xc3\xa9", true },
		/* classes */
		{ "[abc]", "b", true },
		{ "[abc]", "d", false },
		{ "[abc]", "", false },
		{ "[a-c]x", "bx", true },
		{ "[a-c]", "-", false },
		{ "[a-cx-z]", "y", true },
		{ "[c-a]", "b", false },
		{ "[a-]", "-", true },
		{ "[a-]", "a", true },
		{ "[-a]", "-", true },
		{ "[!a-c]", "d", true },
		{ "[!a-c]", "b", false },
		{ "[^a-c]", "d", true },
		{ "[^a-c]", "b", false },
		{ "[]a]", "]", true },
		{ "[]a]", "a", true },
		{ "[!]a]", "]", false },
		{ "[!]a]", "b", true },
		{ "[a\\]b]", "]", true },
		{ "[a\\]b]", "b", true },
		{ "[\\!a]", "!", true },
		{ "[a\\-c]", "b", false },
		{ "[a\\-c]", "-", true },
		{ "[*?]", "*", true },
		{ "[*?]", "a", false },
		{ "*[0-9]", "file7", true },
		{ "*[0-9].log", "a1b2.log", true },
		{ "[[]", "[", true },
		{ "a[b", "a[b", true },
		{ "a[", "a[", true },
		{ "[]", "[]", true },
		{ "[!]", "[!]", true },
		{ "[", "[", true },
		{ "[a", "a", false },
		/* backslash */
		{ "\\*", "*", true },
		{ "\\*", "a", false },
		{ "\\?", "a", false },
		{ "\\[a]", "[a]", true },
		{ "\\[a]", "a", false },
		{ "\\\\", "\\", true },
		{ "a\\", "a\\", true },
		{ "\\a", "a", true },
		{ "*\\*", "ab*", true },
		{ "*\\*", "ab", false },
	};
	const char *p;
	size_t i;

	for (i = 0; i < N(rows); i++) {
		p = guard(rows[i].pattern, strlen(rows[i].pattern) + 1);
		CHECK(ftp_glob_match(p, rows[i].name) == rows[i].match,
		    "\"%s\" and \"%s\"", p, rows[i].name);
		p = guard(rows[i].name, strlen(rows[i].name) + 1);
		CHECK(ftp_glob_match(rows[i].pattern, p) == rows[i].match,
		    "\"%s\" and \"%s\"", rows[i].pattern, p);
	}
}

static void
test_has(void)
{
	static const struct {
		const char *pattern;
		bool has;
		size_t literal;
	} rows[] = {
		{ "", false, 0 },
		{ "abc", false, 3 },
		{ "*", true, 0 },
		{ "a*", true, 1 },
		{ "abc?d", true, 3 },
		{ "ab[cd]", true, 2 },
		{ "ab[cd", false, 2 },
		{ "ab]c[", false, 4 },
		{ "[]", false, 0 },
		{ "[[a]", true, 0 },
		{ "a\\b", false, 1 },
		{ "a\\*b", true, 1 },
		{ "\xe4\xb8\xad*", true, 3 },
	};
	const char *p;
	size_t i;

	for (i = 0; i < N(rows); i++) {
		p = guard(rows[i].pattern, strlen(rows[i].pattern) + 1);
		CHECK(ftp_glob_has(p) == rows[i].has, "has %s", p);
		CHECK(ftp_glob_literal(p) == rows[i].literal, "literal %s", p);
	}
}

/* A plain recursive definition; short words over a small alphabet meet every
 * combination of items. */
static bool
reference(const char *p, const char *s)
{
	if (*p == '\0')
		return *s == '\0';
	if (*p == '*')
		return reference(p + 1, s) || (*s != '\0' && reference(p, s + 1));
	if (*s == '\0')
		return false;
	return (*p == '?' || *p == *s) && reference(p + 1, s + 1);
}

static void
word(char *out, int n, const char *letters)
{
	int base = (int)strlen(letters) + 1;

	for (; n > 0; n /= base)
		if (n % base != 0)
			*out++ = letters[n % base - 1];
	*out = '\0';
}

static void
test_reference(void)
{
	char p[16], s[16];
	int i, k, wrong = 0;

	for (i = 0; i < 5 * 5 * 5 * 5 * 5; i++)
		for (k = 0; k < 3 * 3 * 3 * 3 * 3 * 3; k++) {
			word(p, i, "ab*?");
			word(s, k, "ab");
			if (ftp_glob_match(p, s) == reference(p, s))
				continue;
			if (wrong++ == 0)
				printf("not ok - \"%s\" and \"%s\"\n", p, s);
		}
	CHECK(wrong == 0, "%d pairs differ", wrong);
}

/* The worst a client can ask for: 850 bytes against 850 bytes. */
static void
test_time(void)
{
	static const char *const unit[] = {
		"*a", "*?", "[", "*[", "*[a", "[a]", "*[!b]", "\\", "*\\a", "a",
	};
	char p[852], s[852];
	clock_t begin = clock();
	size_t i, n, len;

	memset(s, 'a', 850);
	s[850] = '\0';
	for (i = 0; i < N(unit); i++) {
		len = strlen(unit[i]);
		p[0] = '*';
		for (n = 1; n + len < 849; n += len)
			memcpy(p + n, unit[i], len);
		strcpy(p + n, "b");
		CHECK(!ftp_glob_match(p, s), "%s... must not match", unit[i]);
	}
	CHECK(clock() - begin < 2 * CLOCKS_PER_SEC, "too slow");
}

int
main(void)
{
	test_match();
	test_has();
	test_reference();
	test_time();
	return test_end("t_glob");
}
