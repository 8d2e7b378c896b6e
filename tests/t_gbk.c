/*
 * tests/t_gbk.c - ftp/gbk.c against iconv(3) of this machine: every code, and
 * every character of the BMP.
 *
 * glibc's GBK is code page 936.  musl's has what GB 18030 added, which must be
 * refused; where there is no GBK at all, the fixed rows have to do.
 */
#include <iconv.h>

#include "../ftp/ftp_int.h"
#include "guard.h"
#include "test.h"

#define NO_ICONV ((iconv_t)-1)

static const struct ftp_gbk *gbk;

/* What iconv makes of n bytes; "" when it does not take them. */
static void
by_iconv(iconv_t cd, const char *in, size_t n, char out[16])
{
	char text[16], *ip = text, *op = out;
	size_t left = n, room = 15;

	memcpy(text, in, n);
	iconv(cd, NULL, NULL, NULL, NULL);
	if (iconv(cd, &ip, &left, &op, &room) != 0 || left > 0)
		op = out;
	*op = '\0';
}

static void
decode(const char *in, size_t n, char out[16])
{
	size_t len = ftp_gbk_to_utf8(gbk, in, n, out, 15);

	out[len == FTP_GBK_NONE || len == FTP_GBK_LONG ? 0 : len] = '\0';
}

static void
encode(const char *in, size_t n, char out[16])
{
	size_t len = ftp_gbk_from_utf8(gbk, in, n, out);

	out[len == FTP_GBK_NONE ? 0 : len] = '\0';
}

static size_t
utf8(uint32_t c, char out[4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	out[0] = (char)(0xe0 | c >> 12);
	out[1] = (char)(0x80 | (c >> 6 & 0x3f));
	out[2] = (char)(0x80 | (c & 0x3f));
	return 3;
}

/* Windows does not have it, some iconv does: what GBK 1.0 kept in private use
 * and GB 18030 gave names, and GB 18030's place for the euro. */
static bool
only_newer(unsigned a, unsigned b, const char *text)
{
	uint32_t c = 0;

	if (*text != '\0')
		ftp_utf8_char((const unsigned char *)text, strlen(text), &c);
	return (c >= 0xe000 && c < 0xf900) || (a == 0xfe && b >= 0x50) ||
	    (a == 0xa2 && b == 0xe3) || (a == 0xa8 && b == 0xbf) ||
	    (a == 0xa9 && b >= 0x89 && b <= 0x95);
}

/* All pairs behind a lead byte; each that is a character comes back. */
static void
test_pairs(iconv_t cd)
{
	char in[2], want[16], got[16], back[16];
	int good = 0, wrong = 0, lost = 0;
	unsigned i;

	for (i = 0x8100; i < 0x10000; i++) {
		in[0] = (char)(i >> 8);
		in[1] = (char)i;
		decode(in, 2, got);
		encode(got, strlen(got), back);
		good += got[0] != '\0';
		lost += got[0] != '\0' && (strlen(back) != 2 ||
		    memcmp(in, back, 2) != 0);
		if (cd == NO_ICONV)
			continue;
		by_iconv(cd, in, 2, want);
		if (i >= 0xff00 || only_newer(i >> 8, i & 0xff, want))
			want[0] = '\0';
		wrong += strcmp(want, got) != 0;
	}
	CHECK(wrong == 0, "%d codes are not as iconv has them", wrong);
	CHECK(lost == 0, "%d codes do not come back", lost);
	CHECK(good == 21791, "%d codes, code page 936 has 21791", good);
}

/* All characters: what has a code comes back, and has that of iconv. */
static void
test_characters(iconv_t cd)
{
	char in[4], want[16], got[16], back[16];
	int good = 0, wrong = 0, lost = 0;
	uint32_t c;
	size_t n;

	for (c = 1; c < 0x10000; c++) {
		if (c >= 0xd800 && c < 0xe000)
			continue;
		n = utf8(c, in);
		encode(in, n, got);
		decode(got, strlen(got), back);
		good += got[0] != '\0';
		lost += got[0] != '\0' && (strlen(back) != n ||
		    memcmp(in, back, n) != 0);
		if (cd == NO_ICONV)
			continue;
		by_iconv(cd, in, n, want);
		wrong += strcmp(want, got) != 0;
	}
	CHECK(wrong == 0, "%d characters are not as iconv has them", wrong);
	CHECK(lost == 0, "%d characters do not come back", lost);
	CHECK(good == 127 + 1 + 21791, "%d characters", good);
}

/* Without iconv, and what it does not show.  "": refused. */
static void
test_rows(void)
{
	static const struct {
		const char *gbk, *utf8;
	} rows[] = {
		{ "abc ~\\|\"", "abc ~\\|\"" },
		{ "\xd6\xd0\xce\xc4", "\xe4\xb8\xad\xe6\x96\x87" },
		{ "a\xd5\x5c" "b", "a\xe8\xaa\xa0" "b" },	/* ends in \ */
		{ "\x81\x40", "\xe4\xb8\x82" },
		{ "\x81\x7c", "\xe4\xba\x85" },		/* ends in | */
		{ "\xfe\x4f", "\xef\xa8\xa9" },
		{ "\xa1\xa4\xa1\xaa", "\xc2\xb7\xe2\x80\x94" },
		{ "\x80", "\xe2\x82\xac" },		/* as on Windows */
		{ "\x80\x80x", "\xe2\x82\xac\xe2\x82\xacx" },
		{ "\xc4\xda\x80", "\xe5\x86\x85\xe2\x82\xac" },
		{ "\xff", "" },
		{ "\xff\x41", "" },
		{ "\xd6", "" },
		{ "a\xd6", "" },
		{ "\xd6\xd0\xce", "" },
		{ "\xd6\x20", "" },
		{ "\xd6\x7f", "" },
		{ "\xd6\xff", "" },
		{ "\xa2\xe3", "" },			/* GB 18030's euro */
		{ "\xaa\xa1", "" },			/* private use */
		{ "\xe4\xb8\xad", "" },			/* UTF-8 */
		{ "", "\xf0\x9f\x98\x80" },
		{ "", "\xc3\xa9\xc3\xbf" },
		{ "", "a\xef\xbf\xbd" },
		{ "", "\xe4\xb8" },
		{ "", "\xd6\xd0" },
	};
	char got[16], text[16];
	size_t i, n, k;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		n = strlen(rows[i].gbk);
		if (n > 0) {
			decode(guard(rows[i].gbk, n), n, got);
			CHECK_STR(got, rows[i].utf8, rows[i].gbk);
		}
		n = strlen(rows[i].utf8);
		if (n == 0)
			continue;
		encode(guard(rows[i].utf8, n), n, got);
		CHECK_STR(got, rows[i].gbk, rows[i].utf8);
		memcpy(text, rows[i].utf8, n);		/* in place */
		k = ftp_gbk_from_utf8(gbk, text, n, text);
		CHECK(k == FTP_GBK_NONE ? rows[i].gbk[0] == '\0' :
		    k == strlen(rows[i].gbk) &&
		    memcmp(text, rows[i].gbk, k) == 0, "row %zu in place", i);
	}
	CHECK(ftp_gbk_to_utf8(gbk, "a", 2, got, 15) == FTP_GBK_NONE &&
	    ftp_gbk_from_utf8(gbk, "a", 2, got) == FTP_GBK_NONE, "NUL");
}

/* Every size of the output: the whole, or nothing. */
static void
test_room(void)
{
	static const char in[] = "a\x80\xd6\xd0\xa1\xa4";
	char out[16];
	size_t size, n;

	for (size = 0; size < sizeof(out); size++) {
		memset(out, 'x', sizeof(out));
		n = ftp_gbk_to_utf8(gbk, in, strlen(in), out, size);
		CHECK(n == (size < 9 ? FTP_GBK_LONG : 9), "size %zu: %zu",
		    size, n);
		CHECK(size == sizeof(out) || out[size] == 'x', "size %zu: "
		    "written behind", size);
	}
}

int
main(void)
{
	iconv_t from = iconv_open("UTF-8", "GBK");
	iconv_t to = iconv_open("GBK", "UTF-8");	/* not with musl */
	struct ftp_gbk *g = ftp_gbk_new();

	gbk = g;
	if (g == NULL)
		return 1;
	test_pairs(from);
	test_characters(to);
	test_rows();
	test_room();
	ftp_gbk_free(g);
	if (from != NO_ICONV)
		iconv_close(from);
	if (to != NO_ICONV)
		iconv_close(to);
	return test_end("gbk");
}
