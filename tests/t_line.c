/*
 * tests/t_line.c - ftp/line.c: command lines, Telnet, lines thrown away.
 *
 * Every row is fed whole, cut in two at every byte, and byte by byte; each
 * piece ends at an unreadable page.
 */
#include "../ftp/ftp_int.h"
#include "guard.h"
#include "test.h"

#define ROW(in, want) { in, sizeof(in) - 1, want }
#define X8 "xxxxxxxx"
#define X64 X8 X8 X8 X8 X8 X8 X8 X8
#define X256 X64 X64 X64 X64
#define X1024 X256 X256 X256 X256
#define XMAX X1024 X1024

/* want: each line in angle brackets, {long} and {binary} for what was lost */
static const struct {
	const char *in;
	size_t len;
	const char *want;
} rows[] = {
	ROW("", ""),
	ROW("\n", "<>"),
	ROW("\r\n\r\n", "<><>"),
	ROW("NOOP\r\n", "<NOOP>"),
	ROW("NOOP\n", "<NOOP>"),
	ROW("USER a\r\nPASS b\nQUIT\r\n", "<USER a><PASS b><QUIT>"),
	ROW("NOO", ""),
	ROW("CWD  a b \r\n", "<CWD  a b >"),
	ROW("CWD a\tb\r\n", "<CWD a\tb>"),
	ROW("STOR \xe4\xb8\xad\xc3\xbf\r\n", "<STOR \xe4\xb8\xad\xc3\xbf>"),
	ROW("STOR \xd6\xd0\xb2\xbb\n", "<STOR \xd6\xd0\xb2\xbb>"),
	/* CR within, CR NUL, NUL */
	ROW("DELE a\rb\r\nNOOP\r\n", "{binary}<NOOP>"),
	ROW("DELE a\r\r\nNOOP\r\n", "{binary}<NOOP>"),
	ROW("DELE a\r\0\r\nNOOP\r\n", "{binary}<NOOP>"),
	ROW("DELE a\r\0b\nNOOP\r\n", "{binary}<NOOP>"),
	ROW("DELE a\0b\r\nNOOP\r\n", "{binary}<NOOP>"),
	ROW("\0\nNOOP\n", "{binary}<NOOP>"),
	ROW("\rNOOP\r\n", "{binary}"),
	ROW("a\r\xff\xf1\nNOOP\n", "<a><NOOP>"),	/* CR IAC NOP LF */
	ROW("a\r\xff\xff\nNOOP\n", "{binary}<NOOP>"),
	/* Telnet: RFC 854 */
	ROW("\xff\xf4\xff\xf2""ABOR\r\n", "<ABOR>"),
	ROW("NOOP\r\n\xff\xf4\xff\xf2""ABOR\r\nNOOP\r\n", "<NOOP><ABOR><NOOP>"),
	ROW("\xff\xf4\xff""ABOR\r\n", "<ABOR>"),	/* DM was urgent */
	ROW("\xff\xf4\xf2""ABOR\r\n", "<ABOR>"),	/* its IAC was */
	ROW("\xf2""ABOR\r\n", "<ABOR>"),
	ROW("\xff\xf2\r\nNOOP\r\n", "<><NOOP>"),
	ROW("STAT\xff\xf1\r\n", "<STAT>"),
	ROW("CWD a\xff\xff""b\r\n", "<CWD a\xff""b>"),
	ROW("\xff\xff\xff\xff\n", "<\xff\xff>"),
	ROW("\xff\xfb\x01\xff\xfc\x0a\xff\xfd\x00\xff\xfe\xff""NOOP\n", "<NOOP>"),
	ROW("NO\xff\xfb\x0a""OP\n", "<NOOP>"),
	ROW("CWD a\xf2\r\n", "<CWD a\xf2>"),
	/* a 0xff that was not doubled must not become another name */
	ROW("DELE a\xff""b\r\nNOOP\r\n", "{binary}<NOOP>"),
	ROW("DELE a/\xff\r\nNOOP\r\n", "{binary}<NOOP>"),
	ROW("DELE a/\xff\nNOOP\r\n", "{binary}<NOOP>"),
	ROW("DELE a\xff\0b\nNOOP\r\n", "{binary}<NOOP>"),
	/* subnegotiation: RFC 855 */
	ROW("N\xff\xfa\x1f\0\x50\n\x18\xff\xf0""OOP\r\n", "<NOOP>"),
	ROW("N\xff\xfa\xff\xff\xf0\xff\xf0""OOP\r\n", "<NOOP>"),
	ROW("N\xff\xfa\xff\xf0""OOP\r\n", "<NOOP>"),
	ROW("\xff\xfa" X256 "\r\nNOOP\r\n", "{binary}<NOOP>"),
	ROW("\xff\xfa" X256 X256 "\xff\xf0\r\nNOOP\r\n", "{binary}<NOOP>"),
	ROW("\xff\xfa" X256 "\xff\xf0", ""),
	/* length */
	ROW(XMAX "\r\nNOOP\r\n", "<" XMAX "><NOOP>"),
	ROW(XMAX "y\r\nNOOP\r\n", "{long}<NOOP>"),
	ROW(XMAX XMAX "\r\nQUIT\r\n", "{long}<QUIT>"),
	ROW(XMAX XMAX "\0\rDELE b\nQUIT\r\n", "{long}<QUIT>"),
	ROW(XMAX XMAX XMAX " DELE x", ""),
	ROW(XMAX "\xff\xf1\n\n", "<" XMAX "><>"),
};

static void
feed(struct ftp_line *l, const char *in, size_t n, char *out)
{
	const char *p = guard(in, n);
	enum ftp_line_status status;
	size_t used;

	do {
		used = (size_t)-1;
		status = ftp_line_feed(l, p, n, &used);
		if (used > n || (status == FTP_LINE_NONE && used != n) ||
		    (status != FTP_LINE_NONE && used == 0)) {
			CHECK(0, "used %zu of %zu", used, n);
			return;
		}
		p += used;
		n -= used;
		if (status == FTP_LINE_OK)
			sprintf(out + strlen(out), "<%s>", l->text);
		else if (status == FTP_LINE_TOO_LONG)
			strcat(out, "{long}");
		else if (status == FTP_LINE_BINARY)
			strcat(out, "{binary}");
		if (status == FTP_LINE_OK && strlen(l->text) != l->len)
			strcat(out, "(length)");
	} while (status != FTP_LINE_NONE);
}

static void
test_rows(void)
{
	static char got[20000];
	struct ftp_line *l = malloc(sizeof(*l));
	size_t i, cut;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (cut = 0; cut <= rows[i].len; cut++) {
			if (cut % 64 != 0 && cut + 1 < rows[i].len &&
			    memcmp(rows[i].in + cut - 1, "xxx", 3) == 0)
				continue;	/* one x is like another */
			memset(l, 0, sizeof(*l));
			got[0] = '\0';
			feed(l, rows[i].in, cut, got);
			feed(l, rows[i].in + cut, rows[i].len - cut, got);
			if (strcmp(got, rows[i].want) != 0)
				break;
		}
		CHECK(cut > rows[i].len, "row %zu cut at %zu: got %.80s, want "
		    "%.80s", i, cut, got, rows[i].want);
		memset(l, 0, sizeof(*l));
		got[0] = '\0';
		for (cut = 0; cut < rows[i].len; cut++)
			feed(l, rows[i].in + cut, 1, got);
		CHECK(strcmp(got, rows[i].want) == 0, "row %zu byte by byte: "
		    "got %.80s, want %.80s", i, got, rows[i].want);
	}
	free(l);
}

/* The text stays until the next byte, not only until the next call. */
static void
test_kept(void)
{
	static struct ftp_line l;
	size_t used;

	CHECK(ftp_line_feed(&l, "NOOP\r\n", 6, &used) == FTP_LINE_OK, "line");
	CHECK(ftp_line_feed(&l, "", 0, &used) == FTP_LINE_NONE, "no byte");
	CHECK(used == 0, "none used");
	CHECK_STR(l.text, "NOOP", "text kept");
	CHECK(ftp_line_feed(&l, "\r\n", 2, &used) == FTP_LINE_OK, "empty");
	CHECK_STR(l.text, "", "then gone");
}

static void
test_split(void)
{
	static const struct {
		const char *line, *verb, *arg;
	} split[] = {
		{ "NOOP", "NOOP", "" },
		{ "noop", "NOOP", "" },
		{ "PwD ", "PWD", "" },
		{ "STOR a b", "STOR", "a b" },
		{ "STOR  a ", "STOR", " a " },
		{ "STOR   ", "STOR", "  " },
		{ "stor \xc3\xa9", "STOR", "\xc3\xa9" },
		{ "OPTIONSX *", "OPTIONSX", "*" },
		{ "OPTIONSXY *", "", "*" },
		{ "GET/ x", "", "x" },
		{ "CWD\ta", "", "" },
		{ "\xc3\x89T\xc3\x89", "", "" },
		{ "A1", "A1", "" },
		{ "xmd5 a", "XMD5", "a" },
		{ "1A", "", "" },
		{ "A:", "", "" },
		{ "A/", "", "" },
		{ "[{@`", "", "" },
		{ "azAZ", "AZAZ", "" },
		{ " NOOP", "", "NOOP" },
		{ "", "", "" },
	};
	static struct ftp_line l;
	char verb[9];
	const char *arg;
	size_t i;

	for (i = 0; i < sizeof(split) / sizeof(split[0]); i++) {
		strcpy(l.text, split[i].line);
		l.len = strlen(l.text);
		ftp_line_split(&l, verb, &arg);
		CHECK_STR(verb, split[i].verb, split[i].line);
		CHECK_STR(arg, split[i].arg, split[i].line);
	}
}

int
main(void)
{
	test_rows();
	test_kept();
	test_split();
	return test_end("t_line");
}
