/*
 * tests/t_ini.c - conf/ini.c: syntax, one row an input and what is read.
 *
 * Items are written as one text: "[name]", "key=value" (key="value" when it
 * was quoted), "!line error", each followed by '|'.
 */
#include <stdint.h>

#include "../conf/ini.h"
#include "guard.h"
#include "test.h"

#define OUT_MAX 9000

static const char *
read_items(const char *text, size_t len, char out[OUT_MAX])
{
	struct ini ini;
	enum ini_kind kind;
	size_t n = 0;

	ini_open(&ini, guard(text, len), len);
	out[0] = '\0';
	while ((kind = ini_next(&ini)) != INI_END && n < OUT_MAX - 4500) {
		if (kind == INI_SECTION)
			n += (size_t)sprintf(out + n, "[%s]|", ini.name);
		else if (kind == INI_VALUE)
			n += (size_t)sprintf(out + n, ini.quoted ?
			    "%s=\"%s\"|" : "%s=%s|", ini.name, ini.value);
		else
			n += (size_t)sprintf(out + n, "!%d %s|", ini.line,
			    ini.error);
	}
	ini_wipe(&ini);
	return out;
}

#define INDENTED "line begins with white space (which would continue the " \
    "line above; not supported): remove it|"

static const struct row {
	const char *text;
	const char *items;
} rows[] = {
	{ "", "" },
	{ "\n\r\n \t\n", "" },
	{ "[a]", "[a]|" },
	{ "[a]\n", "[a]|" },
	{ "[ a b ]\r\n", "[a b]|" },
	{ "[COS_ACCOUNT_한국]", "[COS_ACCOUNT_한국]|" },
	{ "[a] # c", "[a]|" },
	{ "[a]# c", "[a]|" },
	{ "[a]\t;c", "[a]|" },
	{ "k=v", "k=v|" },
	{ "k = v", "k=v|" },
	{ "k : v", "k=v|" },
	{ "k:v", "k=v|" },
	{ "K_y-1.x\t=\tv w\t", "k_y-1.x=v w|" },
	{ "k = a=b:c", "k=a=b:c|" },
	{ "k: a=b", "k=a=b|" },
	{ "k =", "k=|" },
	{ "k = \t", "k=|" },
	{ "k", "!1 neither [section] nor key = value|" },
	/* comments */
	{ "# c = d\n; c\n  # c\n\t;c\nk=v", "k=v|" },
	{ "k = v # c", "k=v|" },
	{ "k = v\t\t#c", "k=v|" },
	{ "k = v ; c # d", "k=v|" },
	{ "k = v#w;x", "k=v#w;x|" },
	{ "k = # c", "k=|" },
	{ "k =#c", "k=#c|" },
	{ "k =#c # d", "k=#c|" },
	{ "k=;c", "k=;c|" },
	{ "k #=v", "!1 neither [section] nor key = value|" },
	{ "home_dir = /home/user0      # 替换为本地路径，（软链接）",
	    "home_dir=/home/user0|" },
	{ "k=true # true는 FTP 사용자가 = 허용", "k=true|" },
	{ "k = 한국 # 어", "k=한국|" },
	/* spaces of web pages: U+00A0, U+3000 */
	{ "k\xc2\xa0=\xc2\xa0v\xc2\xa0# c", "k=v|" },
	{ "k = v\xe3\x80\x80# c", "k=v|" },
	{ "k = a\xe3\x80\x80" "b\xe3\x80\x80", "k=a\xe3\x80\x80" "b|" },
	/* quotes */
	{ "k = \"v\"", "k=\"v\"|" },
	{ "k=\"v # w\" # c", "k=\"v # w\"|" },
	{ "k=\"v\";c", "k=\"v\"|" },
	{ "k = \" \\\" \\\\ \"", "k=\" \" \\ \"|" },
	{ "k = \"\"", "k=\"\"|" },
	{ "k = a\"b\"", "k=a\"b\"|" },
	{ "k = 'v'", "k='v'|" },
	{ "k = \\n\\", "k=\\n\\|" },
	{ "k = \"v", "!1 quote not closed (a value that begins with a quote is "
	    "written \"\\\"...\")|" },
	{ "k = \"v\\", "!1 quote not closed (a value that begins with a quote "
	    "is "
	    "written \"\\\"...\")|" },
	{ "k = \"v\\\"", "!1 quote not closed (a value that begins with a "
	    "quote "
	    "is written \"\\\"...\")|" },
	{ "k = \"v\" w", "!1 text after the closing quote (a quote within "
	    "quotes "
	    "is written \\\")|" },
	{ "k = \"\\n\"", "!1 within quotes only \\\" and \\\\ may follow a "
	    "backslash|" },
	/* what is refused; reading goes on */
	{ "[a\nk=v", "!1 [section] not closed: ']' missing|k=v|" },
	{ "[]", "!1 section without a name|" },
	{ "[ \t]", "!1 section without a name|" },
	{ "[a] b", "!1 text after ']'|" },
	{ "= v\n[b]", "!1 key without a name|[b]|" },
	{ "a b = v", "!1 not the name of a key, allowed: letters, digits and "
	    "_ - .|" },
	{ "키 = v", "!1 not the name of a key, allowed: letters, digits and "
	    "_ - .|" },
	{ "k \xef\xbc\x9d v", "!1 neither [section] nor key = value (the sign "
	    "is "
	    "a full-width one)|" },
	{ "a=1\n b=2\n\tc", "a=1|!2 " INDENTED "!3 " INDENTED },
	{ " [a]", "!1 " INDENTED },
	{ "k = \x01v", "!1 control character \\x01 in the line|" },
	{ "# \x7f", "!1 control character \\x7f in the line|" },
	{ "a=1\rb=2", "!1 control character \\x0d in the line|" },
	/* files of other systems */
	{ "\xef\xbb\xbf[a]\r\nk = v\r\n", "[a]|k=v|" },
	{ "\xef\xbb\xbf", "" },
	{ "k=\xef\xbb\xbf", "k=\xef\xbb\xbf|" },
	{ "\xff\xfe[", "!1 the file is UTF-16: save it as UTF-8|" },
	{ "# \xb2\xe2\xca\xd4 GBK\nk=\xb2\xe2 # \xca\xd4", "k=\xb2\xe2|" },
};

static void
test_rows(void)
{
	char out[OUT_MAX], what[32];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(what, sizeof(what), "row %zu", i);
		CHECK_STR(read_items(rows[i].text, strlen(rows[i].text), out),
		    rows[i].items, what);
	}
}

static void
test_prefixes(void)
{
	char out[OUT_MAX];
	size_t i, n;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (n = 0; n <= strlen(rows[i].text); n++)
			read_items(rows[i].text, n, out);
	CHECK(i > 0, "every prefix of every row");
}

static void
test_limits(void)
{
	char text[INI_LINE_MAX + 8], out[OUT_MAX], name[INI_NAME_MAX + 4];

	memset(text, 'v', sizeof(text));
	memcpy(text, "k=", 2);
	read_items(text, INI_LINE_MAX, out);
	CHECK(strlen(out) == INI_LINE_MAX + 1, "longest line: %zu",
	    strlen(out));
	text[INI_LINE_MAX] = '\r';
	text[INI_LINE_MAX + 1] = '\n';
	CHECK(strlen(read_items(text, INI_LINE_MAX + 2, out)) ==
	    INI_LINE_MAX + 1, "the line end is not counted");
	text[INI_LINE_MAX] = 'v';
	CHECK_STR(read_items(text, INI_LINE_MAX + 2, out),
	    "!1 line longer than 4096 bytes|", "one more");
	text[2] = '"';
	text[INI_LINE_MAX - 1] = '"';
	CHECK(strlen(read_items(text, INI_LINE_MAX, out)) ==
	    INI_LINE_MAX + 1, "longest quoted line: %zu", strlen(out));

	memset(name, 'n', sizeof(name));
	memcpy(name + INI_NAME_MAX, "=v", 2);
	CHECK(strlen(read_items(name, INI_NAME_MAX + 2, out)) ==
	    INI_NAME_MAX + 3, "longest name");
	memcpy(name + INI_NAME_MAX, "n=v", 3);
	CHECK_STR(read_items(name, INI_NAME_MAX + 3, out),
	    "!1 key name longer than 64 characters|", "one more in a name");
	CHECK_STR(read_items("k=\0v\n[a]", 8, out),
	    "!1 control character \\x00 in the line|[a]|", "NUL");
}

/* No text makes it read past the end, loop, or run over its own fields. */
static void
test_noise(void)
{
	static const char bytes[] = "[]=: \t#;\"\\ak\n\r"
	    "\xc2\xa0\xe3\x80\x80\x01";
	char text[40], out[OUT_MAX];
	uint32_t seed = 1;
	size_t i, n, round;

	for (round = 0; round < 200000; round++) {
		n = round % sizeof(text);
		for (i = 0; i < n; i++) {
			seed = seed * 1664525 + 1013904223;
			text[i] = bytes[(seed >> 16) % (sizeof(bytes) - 1)];
		}
		read_items(text, n, out);
	}
	CHECK(round == 200000, "noise");
}

int
main(void)
{
	test_rows();
	test_prefixes();
	test_limits();
	test_noise();
	return test_end("t_ini");
}
