/*
 * tests/t_path.c - ftp/path.c: paths, keys, UTF-8.
 */
#include "../ftp/ftp_int.h"
#include "guard.h"
#include "test.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))
#define S(text) text, sizeof(text) - 1

static void
test_join(void)
{
	static const struct {
		const char *cwd, *arg;
		enum ftp_path_status status;
		const char *path;
		bool dir;
	} rows[] = {
		{ "/", "", FTP_PATH_OK, "/", true },
		{ "/", "/", FTP_PATH_OK, "/", true },
		{ "/", "///", FTP_PATH_OK, "/", true },
		{ "/", ".", FTP_PATH_OK, "/", true },
		{ "/", "a", FTP_PATH_OK, "/a", false },
		{ "/", "a/", FTP_PATH_OK, "/a", true },
		{ "/", "a/b", FTP_PATH_OK, "/a/b", false },
		{ "/a/b", "", FTP_PATH_OK, "/a/b", true },
		{ "/a/b", "c", FTP_PATH_OK, "/a/b/c", false },
		{ "/a/b", "/c", FTP_PATH_OK, "/c", false },
		{ "/a/b", "//c//d//", FTP_PATH_OK, "/c/d", true },
		{ "/a/b", "./c/./d/.", FTP_PATH_OK, "/a/b/c/d", true },
		{ "/a/b", "..", FTP_PATH_OK, "/a", true },
		{ "/a/b", "../", FTP_PATH_OK, "/a", true },
		{ "/a/b", "../..", FTP_PATH_OK, "/", true },
		{ "/a/b", "../../c", FTP_PATH_OK, "/c", false },
		{ "/a/b", "../../..", FTP_PATH_ABOVE, "", false },
		{ "/a/b", "/..", FTP_PATH_ABOVE, "", false },
		{ "/a/b", "/../a", FTP_PATH_ABOVE, "", false },
		{ "/", "..", FTP_PATH_ABOVE, "", false },
		{ "/", "a/../b", FTP_PATH_OK, "/b", false },
		{ "/", "a/../../b", FTP_PATH_ABOVE, "", false },
		{ "/", "...", FTP_PATH_OK, "/...", false },
		{ "/", "..a/.b/a..", FTP_PATH_OK, "/..a/.b/a..", false },
		{ "/", " a /  ", FTP_PATH_OK, "/ a /  ", false },
		{ "/", "-la", FTP_PATH_OK, "/-la", false },
		{ "/", "~", FTP_PATH_OK, "/~", false },
		{ "/", "a?#&%41+<>\"'|*", FTP_PATH_OK, "/a?#&%41+<>\"'|*", false },
		{ "/", "\xe4\xb8\xad/\xf0\x9f\x98\x80", FTP_PATH_OK,
		    "/\xe4\xb8\xad/\xf0\x9f\x98\x80", false },
		{ "/", "a\tb", FTP_PATH_OK, "/a\tb", false },
		{ "/", "\xc2\x85\xc2\x9b", FTP_PATH_OK, "/\xc2\x85\xc2\x9b", false },
		{ "/", "a\\b", FTP_PATH_OK, "/a\\b", false },
		{ "/a", "\\b", FTP_PATH_OK, "/a/\\b", false },
		/* refused */
		{ "/", "\\b", FTP_PATH_BAD, "", false },
		{ "/a", "/\\b/c", FTP_PATH_BAD, "", false },
		{ "/a", "../\\b", FTP_PATH_BAD, "", false },
		{ "/", "a\rb", FTP_PATH_BAD, "", false },
		{ "/", "a\nb", FTP_PATH_BAD, "", false },
		{ "/", "a\x01", FTP_PATH_BAD, "", false },
		{ "/", "\x18", FTP_PATH_BAD, "", false },
		{ "/", "\x1b[2J", FTP_PATH_BAD, "", false },
		{ "/", "a\x1f", FTP_PATH_BAD, "", false },
		{ "/", "a\x7f", FTP_PATH_BAD, "", false },
		{ "/", "\xef\xbf\xbe", FTP_PATH_BAD, "", false },
		{ "/", "\xef\xbf\xbf", FTP_PATH_BAD, "", false },
		{ "/", "\xef\xbf\xbd", FTP_PATH_OK, "/\xef\xbf\xbd", false },
		{ "/", "x\x01/../a", FTP_PATH_BAD, "", false },
		{ "/", "\xd6\xd0\xce\xc4", FTP_PATH_UTF8, "", false },
		{ "/", "\x01\xff", FTP_PATH_UTF8, "", false },
	};
	char out[FTP_PATH_MAX];
	enum ftp_path_status status;
	bool dir;
	size_t i;

	for (i = 0; i < N(rows); i++) {
		const char *arg = guard(rows[i].arg, strlen(rows[i].arg) + 1);

		strcpy(out, "unchanged");
		status = ftp_path_join(out, rows[i].cwd, arg, &dir);
		CHECK(status == rows[i].status, "%s + %s: status %d", rows[i].cwd,
		    rows[i].arg, (int)status);
		CHECK_STR(out, status == FTP_PATH_OK ? rows[i].path :
		    "unchanged", rows[i].arg);
		if (status == FTP_PATH_OK)
			CHECK(dir == rows[i].dir, "%s + %s: dir %d",
			    rows[i].cwd, rows[i].arg, dir);
		CHECK(strlen(ftp_path_text(status)) > 3, "text of %d",
		    (int)status);
	}
	strcpy(out, "/a/b/c");
	CHECK(ftp_path_join(out, out, "../d", &dir) == FTP_PATH_OK, "in place");
	CHECK_STR(out, "/a/b/d", "in place");
}

/* 850 bytes of key, a directory's last slash among them, and never cut */
static void
test_long(void)
{
	static const struct {
		size_t cwd, arg;	/* lengths of the segments, cwd 0: "/" */
		const char *tail;
		enum ftp_path_status status;
	} rows[] = {
		{ 0, 850, "", FTP_PATH_OK },
		{ 0, 851, "", FTP_PATH_LONG },
		{ 0, 849, "/", FTP_PATH_OK },
		{ 0, 850, "/", FTP_PATH_LONG },
		{ 0, 849, "/.", FTP_PATH_OK },
		{ 0, 850, "/.", FTP_PATH_LONG },
		{ 0, 850, "/..", FTP_PATH_OK },
		{ 0, 848, "/b", FTP_PATH_OK },
		{ 0, 849, "/b", FTP_PATH_LONG },
		{ 0, 4000, "", FTP_PATH_LONG },
		{ 400, 449, "", FTP_PATH_OK },
		{ 400, 450, "", FTP_PATH_LONG },
		{ 400, 448, "/", FTP_PATH_OK },
		{ 400, 449, "/", FTP_PATH_LONG },
		{ 850, 0, "..", FTP_PATH_OK },
		{ 850, 0, "", FTP_PATH_LONG },
		{ 850, 0, "b", FTP_PATH_LONG },
		{ 850, 0, "../b", FTP_PATH_OK },
	};
	char cwd[FTP_PATH_MAX], arg[4096], out[FTP_PATH_MAX + 1];
	enum ftp_path_status status;
	bool dir;
	size_t i;

	for (i = 0; i < N(rows); i++) {
		memset(cwd, 'c', sizeof(cwd));
		cwd[0] = '/';
		cwd[rows[i].cwd + 1] = '\0';
		memset(arg, 'a', sizeof(arg));
		strcpy(arg + rows[i].arg, rows[i].tail);
		out[FTP_PATH_MAX] = 'z';
		status = ftp_path_join(out, cwd, arg, &dir);
		CHECK(status == rows[i].status, "row %zu: %d", i, (int)status);
		CHECK(out[FTP_PATH_MAX] == 'z', "row %zu: written beyond", i);
		if (status == FTP_PATH_OK)
			CHECK(strlen(out) + dir <= 851, "row %zu: length", i);
	}
}

static void
test_parts(void)
{
	static const struct {
		const char *path, *key, *prefix, *base, *quoted;
	} rows[] = {
		{ "/", "", "", "", "/" },
		{ "/a", "a", "a/", "a", "/a" },
		{ "/a/b", "a/b", "a/b/", "b", "/a/b" },
		{ "/a/\"b\"", "a/\"b\"", "a/\"b\"/", "\"b\"", "/a/\"\"b\"\"" },
		{ "/\"", "\"", "\"/", "\"", "/\"\"" },
	};
	char out[FTP_PATH_MAX], longest[FTP_PATH_MAX];
	char quoted[2 * FTP_PATH_MAX + 1];
	size_t i;

	for (i = 0; i < N(rows); i++) {
		CHECK_STR(ftp_path_key(rows[i].path), rows[i].key, "key");
		ftp_path_prefix(out, rows[i].path);
		CHECK_STR(out, rows[i].prefix, "prefix");
		CHECK_STR(ftp_path_base(rows[i].path), rows[i].base, "base");
		ftp_path_quote(quoted, sizeof(quoted), rows[i].path);
		CHECK_STR(quoted, rows[i].quoted, "quote");
	}
	memset(longest, '"', sizeof(longest));
	longest[0] = '/';
	longest[851] = '\0';
	ftp_path_prefix(out, longest);
	CHECK(strlen(out) == 851 && out[850] == '/', "longest prefix");
	ftp_path_quote(quoted, 2 * strlen(longest) + 1, longest);
	CHECK(strlen(quoted) == 1701, "longest quoted");
	ftp_path_quote(quoted, 4, "/a\"b");	/* no half of a pair */
	CHECK_STR(quoted, "/a", "quoted, no room");
	ftp_path_quote(quoted, 1, "/a");
	CHECK_STR(quoted, "", "quoted, room for nothing");
}

static void
test_utf8(void)
{
	static const struct {
		const char *s;
		size_t n;
		bool valid;
	} rows[] = {
		{ S(""), true },
		{ S("abc"), true },
		{ S("\x7f"), true },
		{ S("\x80"), false },
		{ S("\xbf"), false },
		{ S("\xc0\x80"), false },		/* overlong */
		{ S("\xc1\xbf"), false },
		{ S("\xc2\x80"), true },
		{ S("\xdf\xbf"), true },
		{ S("\xc2"), false },
		{ S("\xc2""a"), false },
		{ S("\xc2\xc2"), false },
		{ S("\xe0\x9f\xbf"), false },
		{ S("\xe0\xa0\x80"), true },
		{ S("\xed\x9f\xbf"), true },
		{ S("\xed\xa0\x80"), false },		/* surrogates */
		{ S("\xed\xbf\xbf"), false },
		{ S("\xee\x80\x80"), true },
		{ S("\xef\xbf\xbf"), true },
		{ S("\xe4\xb8"), false },
		{ S("\xe4\xb8\xad"), true },
		{ S("\xe4\xb8""a"), false },
		{ S("\xe4""a\xad"), false },
		{ S("\xf0\x8f\xbf\xbf"), false },
		{ S("\xf0\x90\x80\x80"), true },
		{ S("\xf0\x9f\x98"), false },
		{ S("\xf4\x8f\xbf\xbf"), true },
		{ S("\xf4\x90\x80\x80"), false },	/* above U+10FFFF */
		{ S("\xf5\x80\x80\x80"), false },
		{ S("\xf8\x88\x80\x80\x80"), false },
		{ S("\xff"), false },
		{ S("\xfe"), false },
		{ S("a\xe4\xb8\xad" "b\xc3\xa9"), true },
	};
	size_t i;

	for (i = 0; i < N(rows); i++)
		CHECK(ftp_utf8_valid(guard(rows[i].s, rows[i].n),
		    rows[i].n) == rows[i].valid, "row %zu", i);
}

/* Each code point is valid, its encoding cut short by one byte is not. */
static void
test_utf8_all(void)
{
	unsigned char b[4];
	uint32_t c, bad = 0;
	size_t n;

	for (c = 0; c <= 0x10ffff; c++) {
		n = 0;
		if (c < 0x80) {
			b[n++] = (unsigned char)c;
		} else if (c < 0x800) {
			b[n++] = (unsigned char)(0xc0 | c >> 6);
		} else if (c < 0x10000) {
			b[n++] = (unsigned char)(0xe0 | c >> 12);
			b[n++] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
		} else {
			b[n++] = (unsigned char)(0xf0 | c >> 18);
			b[n++] = (unsigned char)(0x80 | (c >> 12 & 0x3f));
			b[n++] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
		}
		if (c >= 0x80)
			b[n++] = (unsigned char)(0x80 | (c & 0x3f));
		if (ftp_utf8_valid((char *)b, n) != (c < 0xd800 || c > 0xdfff) ||
		    (n > 1 && ftp_utf8_valid((char *)b, n - 1)))
			bad++;
	}
	CHECK(bad == 0, "%u code points are wrong", bad);
}

static void
test_reachable(void)
{
	static const struct {
		const char *s;
		size_t n;
		bool yes;
	} rows[] = {
		{ S(""), false },
		{ S("a"), true },
		{ S("a/b/c"), true },
		{ S("a/"), true },		/* a directory's key */
		{ S("a/b/"), true },
		{ S("/"), false },
		{ S("/a"), false },
		{ S("a//b"), false },
		{ S("a//"), false },
		{ S("."), false },
		{ S(".."), false },
		{ S("./"), false },
		{ S("a/../b"), false },
		{ S("a/."), false },
		{ S("a/.."), false },
		{ S("..."), true },
		{ S(".a/..b"), true },
		{ S("a\0b"), false },
		{ S("\0"), false },
		{ S("a\r"), false },
		{ S("a\n"), false },
		{ S("a\tb"), true },
		{ S("a\x07"), false },
		{ S("a\x7f"), false },
		{ S(" "), true },
		{ S("a?\"%<>|*\\"), true },
		{ S("\xe4\xb8\xad"), true },
		{ S("\xe4\xb8"), false },
		{ S("\xd6\xd0"), false },
		{ S("\xef\xbf\xbf"), false },
	};
	size_t i;

	for (i = 0; i < N(rows); i++)
		CHECK(ftp_name_reachable(guard(rows[i].s, rows[i].n),
		    rows[i].n) == rows[i].yes, "row %zu: %s", i, rows[i].s);
}

int
main(void)
{
	test_join();
	test_long();
	test_parts();
	test_utf8();
	test_utf8_all();
	test_reachable();
	return test_end("t_path");
}
