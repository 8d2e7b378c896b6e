/*
 * tests/t_listing.c - ftp/listing.c: lines of LIST and MLSx, facts, times.
 */
#include <time.h>

#include "../ftp/ftp_int.h"
#include "guard.h"
#include "test.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))

enum {
	NOW = 1700906400,		/* 2023-11-25 10:00:00 UTC */
	DAY = 86400,
	HALF_YEAR = 31556952 / 2
};
static const struct ftp_rights
	RW = { true, true, true },	/* delete_enable = true */
	RW_KEEP = { true, true, false },
	R = { true, false, false },
	R_REMOVE = { true, false, true },
	W = { false, true, true },
	W_KEEP = { false, true, false },
	NONE = { false, false, false };

static void
test_list(void)
{
	static const struct {
		struct ftp_entry e;
		const struct ftp_rights *r;
		const char *user, *want;
	} rows[] = {
		{ { "name", false, 1234, NOW, "" }, &RW, "user",
		    "-rw-r--r--   1 user     ftp          1234 Nov 25 10:00 name" },
		{ { "name", false, 0, NOW, "" }, &R, "user",
		    "-r--r--r--   1 user     ftp             0 Nov 25 10:00 name" },
		{ { "name", false, 0, NOW, "" }, &W, "user",
		    "--w-------   1 user     ftp             0 Nov 25 10:00 name" },
		{ { "name", false, 0, NOW, "" }, &NONE, "user",
		    "----------   1 user     ftp             0 Nov 25 10:00 name" },
		{ { "d", true, 0, 0, NULL }, &RW, "user",
		    "drwxr-xr-x   1 user     ftp             0 Jan  1  2000 d" },
		{ { "d", true, 77, 0, NULL }, &R, "user",
		    "dr-xr-xr-x   1 user     ftp             0 Jan  1  2000 d" },
		{ { "d", true, 0, 0, NULL }, &W, "user",
		    "d-wx--x--x   1 user     ftp             0 Jan  1  2000 d" },
		{ { "d", true, 0, NOW, NULL }, &NONE, "user",
		    "d--x--x--x   1 user     ftp             0 Nov 25 10:00 d" },
		/* sizes */
		{ { "a", false, 99999999, NOW, "" }, &RW, "u",
		    "-rw-r--r--   1 u        ftp      99999999 Nov 25 10:00 a" },
		{ { "a", false, 5368709121, NOW, "" }, &RW, "u",
		    "-rw-r--r--   1 u        ftp      5368709121 Nov 25 10:00 a" },
		{ { "a", false, INT64_MAX, NOW, "" }, &RW, "u",
		    "-rw-r--r--   1 u        ftp      9223372036854775807 "
		    "Nov 25 10:00 a" },
		{ { "a", false, -1, NOW, "" }, &RW, "u",
		    "-rw-r--r--   1 u        ftp             0 Nov 25 10:00 a" },
		/* HH:MM or the year */
		{ { "a", false, 1, NOW - HALF_YEAR + 1, "" }, &RW, "u",
		    "-rw-r--r--   1 u        ftp             1 May 26 19:05 a" },
		{ { "a", false, 1, NOW - HALF_YEAR, "" }, &RW, "u",
		    "-rw-r--r--   1 u        ftp             1 May 26  2023 a" },
		{ { "a", false, 1, NOW + DAY, "" }, &RW, "u",
		    "-rw-r--r--   1 u        ftp             1 Nov 26 10:00 a" },
		{ { "a", false, 1, NOW + DAY + 1, "" }, &RW, "u",
		    "-rw-r--r--   1 u        ftp             1 Nov 26  2023 a" },
		{ { "a", false, 1, NOW - 20 * DAY - 36061, "" }, &RW, "u",
		    "-rw-r--r--   1 u        ftp             1 Nov  4 23:58 a" },
		{ { "a", false, 1, 1, "" }, &RW, "u",
		    "-rw-r--r--   1 u        ftp             1 Jan  1  1970 a" },
		{ { "a", false, 1, 4102444800, "" }, &RW, "u",
		    "-rw-r--r--   1 u        ftp             1 Jan  1  2100 a" },
		{ { "a", false, 1, 253402300799, "" }, &RW, "u",
		    "-rw-r--r--   1 u        ftp             1 Dec 31  9999 a" },
		{ { "a", false, 1, 253402300800, "" }, &RW, "u",
		    "-rw-r--r--   1 u        ftp             1 Jan  1  2000 a" },
		{ { "a", false, 1, INT64_MAX, "" }, &RW, "u",
		    "-rw-r--r--   1 u        ftp             1 Jan  1  2000 a" },
		{ { "a", false, 1, INT64_MIN, "" }, &RW, "u",
		    "-rw-r--r--   1 u        ftp             1 Jan  1  2000 a" },
		/* names come after exactly one space, as they are */
		{ { "  two blanks ", false, 1, NOW, "" }, &RW, "u",
		    "-rw-r--r--   1 u        ftp             1 Nov 25 10:00 "
		    "  two blanks " },
		{ { "-%s#%41+\xe4\xb8\xad\\\"", false, 1, NOW, "" }, &RW, "u",
		    "-rw-r--r--   1 u        ftp             1 Nov 25 10:00 "
		    "-%s#%41+\xe4\xb8\xad\\\"" },
		{ { "a\r\n-rw b", false, 1, NOW, "" }, &RW, "u",
		    "-rw-r--r--   1 u        ftp             1 Nov 25 10:00 "
		    "a\?\?-rw b" },
		/* users are one word */
		{ { "a", false, 1, NOW, "" }, &RW, "",
		    "-rw-r--r--   1 -        ftp             1 Nov 25 10:00 a" },
		{ { "a", false, 1, NOW, "" }, &RW, "a b\n%s\xc3\xa9",
		    "-rw-r--r--   1 a_b__s__ ftp             1 Nov 25 10:00 a" },
		{ { "a", false, 1, NOW, "" }, &RW, "J.Doe-9x",
		    "-rw-r--r--   1 J.Doe-9x ftp             1 Nov 25 10:00 a" },
		{ { "a", false, 1, NOW, "" }, &RW,
		    "abcdefghijklmnopqrstuvwxyz0123456789",
		    "-rw-r--r--   1 abcdefghijklmnopqrstuvwxyz012345 ftp      "
		    "       1 Nov 25 10:00 a" },
	};
	struct net_buf b = { .max = 65536 };
	char want[256];
	size_t i;

	for (i = 0; i < N(rows); i++) {
		net_buf_drop(&b, b.len);
		ftp_list_line(&b, &rows[i].e, rows[i].r, rows[i].user, NOW);
		snprintf(want, sizeof(want), "%s\r\n", rows[i].want);
		CHECK_STR(b.data, want, "LIST");
	}
	CHECK(!b.failed, "buffer");
	net_buf_free(&b);
}

static void
test_mlst(void)
{
	static const struct {
		struct ftp_entry e;
		const struct ftp_rights *r;
		unsigned facts;
		const char *shown, *type, *want;
	} rows[] = {
		{ { "a", false, 12, NOW, "5d41" }, &RW, FTP_FACT_DEFAULT, "a", NULL,
		    "type=file;size=12;modify=20231125100000;perm=adfrw; a" },
		{ { "a", false, 12, NOW, "5d41" }, &RW, FTP_FACT_ALL, "/x/a", NULL,
		    "type=file;size=12;modify=20231125100000;perm=adfrw;"
		    "unique=5d41; /x/a" },
		{ { "a", false, 12, NOW, "5d41" }, &RW, 0, "a", NULL, " a" },
		{ { "a", false, 12, NOW, "5d41" }, &RW, FTP_FACT_SIZE, NULL, NULL,
		    "size=12; a" },
		{ { "d", true, 12, 0, NULL }, &RW, FTP_FACT_ALL, "d", NULL,
		    "type=dir;perm=cdeflmp; d" },
		{ { "d", true, 12, NOW, NULL }, &RW, FTP_FACT_MODIFY, "d", NULL,
		    "modify=20231125100000; d" },
		{ { "d", true, 0, 0, NULL }, &RW, FTP_FACT_ALL, "/d", "cdir",
		    "type=cdir;perm=celmp; /d" },
		{ { "d", true, 0, 0, NULL }, &RW, FTP_FACT_ALL, "..", "pdir",
		    "type=pdir;perm=celmp; .." },
		{ { "", true, 0, 0, NULL }, &RW, FTP_FACT_ALL, "/", NULL,
		    "type=dir;perm=celmp; /" },
		/* sizes, times, names */
		{ { "a", false, INT64_MAX, 0, "" }, &RW,
		    FTP_FACT_SIZE | FTP_FACT_MODIFY, "a", NULL,
		    "size=9223372036854775807; a" },
		{ { "a", false, -1, INT64_MAX, "" }, &RW,
		    FTP_FACT_SIZE | FTP_FACT_MODIFY, "a", NULL, " a" },
		{ { "a", false, 0, 4102444800, "" }, &RW,
		    FTP_FACT_SIZE | FTP_FACT_MODIFY, "a", NULL,
		    "size=0;modify=21000101000000; a" },
		{ { " a;b=%s ", false, 0, 0, "" }, &RW, FTP_FACT_TYPE, NULL, NULL,
		    "type=file;  a;b=%s " },
		{ { "a\nb", false, 0, 0, "" }, &RW, FTP_FACT_TYPE, NULL, NULL,
		    "type=file; a?b" },
		/* unique only when it is one word without ';' */
		{ { "a", false, 0, 0, "ab-2" }, &RW, FTP_FACT_UNIQUE, "a", NULL,
		    "unique=ab-2; a" },
		{ { "a", false, 0, 0, "a;b" }, &RW, FTP_FACT_UNIQUE, "a", NULL,
		    " a" },
		{ { "a", false, 0, 0, "a b" }, &RW, FTP_FACT_UNIQUE, "a", NULL,
		    " a" },
		{ { "a", false, 0, 0, "a\r" }, &RW, FTP_FACT_UNIQUE, "a", NULL,
		    " a" },
		{ { "a", false, 0, 0, "\xc3\xa9" }, &RW, FTP_FACT_UNIQUE, "a", NULL,
		    " a" },
	};
	static const struct {
		const struct ftp_rights *r;
		const char *file, *dir, *cdir;
	} perm[] = {
		{ &RW, "adfrw", "cdeflmp", "celmp" },
		{ &RW_KEEP, "arw", "celm", "celm" },
		{ &R, "r", "el", "el" },
		{ &R_REMOVE, "r", "el", "el" },
		{ &W, "adfw", "cdefmp", "cemp" },
		{ &W_KEEP, "aw", "cem", "cem" },
		{ &NONE, "", "e", "e" },
	};
	static const struct ftp_entry file = { "a", false, 0, 0, NULL },
	    dir = { "d", true, 0, 0, NULL };
	struct net_buf b = { .max = 65536 };
	char want[256];
	size_t i;

	for (i = 0; i < N(rows); i++) {
		net_buf_drop(&b, b.len);
		ftp_mlst_line(&b, &rows[i].e, rows[i].r, rows[i].facts,
		    rows[i].shown, rows[i].type);
		snprintf(want, sizeof(want), "%s\r\n", rows[i].want);
		CHECK_STR(b.data, want, "MLST");
	}
	for (i = 0; i < N(perm); i++) {
		net_buf_drop(&b, b.len);
		ftp_mlst_line(&b, &file, perm[i].r, FTP_FACT_PERM, NULL, NULL);
		ftp_mlst_line(&b, &dir, perm[i].r, FTP_FACT_PERM, NULL, NULL);
		ftp_mlst_line(&b, &dir, perm[i].r, FTP_FACT_PERM, NULL, "cdir");
		snprintf(want, sizeof(want), "perm=%s; a\r\nperm=%s; d\r\n"
		    "perm=%s; d\r\n", perm[i].file, perm[i].dir, perm[i].cdir);
		CHECK_STR(b.data, want, "perm");
	}
	CHECK(!b.failed, "buffer");
	net_buf_free(&b);
}

static void
test_facts(void)
{
	static const struct {
		const char *in;
		unsigned facts;
		const char *text, *feat;
	} rows[] = {
		{ "", 0, "", "type;size;modify;perm;unique;" },
		{ "type;size;modify;perm;", FTP_FACT_DEFAULT,
		    "type;size;modify;perm;",
		    "type*;size*;modify*;perm*;unique;" },
		{ "Type;SIZE;mOdify;Perm;Unique;", FTP_FACT_ALL,
		    "type;size;modify;perm;unique;",
		    "type*;size*;modify*;perm*;unique*;" },
		{ "size", FTP_FACT_SIZE, "size;",
		    "type;size*;modify;perm;unique;" },
		{ "UNIX.mode;perm;create;lang;", FTP_FACT_PERM, "perm;",
		    "type;size;modify;perm*;unique;" },
		{ ";;;size;;", FTP_FACT_SIZE, "size;",
		    "type;size*;modify;perm;unique;" },
		{ "siz;sizes; size;size ;", 0, "",
		    "type;size;modify;perm;unique;" },
	};
	char out[64];
	size_t i;

	for (i = 0; i < N(rows); i++) {
		CHECK(ftp_facts_parse(guard(rows[i].in, strlen(rows[i].in) +
		    1)) == rows[i].facts, "%s", rows[i].in);
		ftp_facts_text(out, sizeof(out), rows[i].facts, false);
		CHECK_STR(out, rows[i].text, rows[i].in);
		ftp_facts_text(out, sizeof(out), rows[i].facts, true);
		CHECK_STR(out, rows[i].feat, rows[i].in);
	}
	memset(out, 'z', sizeof(out));
	ftp_facts_text(out, 8, FTP_FACT_ALL, false);
	CHECK(strlen(out) < 8 && out[8] == 'z', "stays within: %s", out);
}

/* Against gmtime(): each day of 400 years, then some edges. */
static void
test_time(void)
{
	static const struct {
		int64_t t;
		const char *want;
	} rows[] = {
		{ 0, "19700101000000" },
		{ 951827696, "20000229123456" },
		{ 2147483648, "20380119031408" },
		{ 4107542399, "21000228235959" },
		{ 4107542400, "21000301000000" },
		{ 253402300799, "99991231235959" },
		{ 253402300800, "99991231235959" },
		{ INT64_MAX, "99991231235959" },
		{ -1, "19700101000000" },
		{ INT64_MIN, "19700101000000" },
	};
	char out[16], want[32];
	time_t t;
	size_t i, wrong = 0;

	for (i = 0; i < N(rows); i++) {
		ftp_time_text(out, rows[i].t);
		CHECK_STR(out, rows[i].want, "time");
	}
	for (t = 0; t < (time_t)146097 * DAY; t += DAY - 1) {
		ftp_time_text(out, t);
		strftime(want, sizeof(want), "%Y%m%d%H%M%S", gmtime(&t));
		wrong += strcmp(out, want) != 0;
	}
	CHECK(wrong == 0, "%zu days differ from gmtime", wrong);
}

int
main(void)
{
	test_list();
	test_mlst();
	test_facts();
	test_time();
	return test_end("t_listing");
}
