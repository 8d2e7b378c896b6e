/*
 * ftp/listing.c - the lines of LIST, MLSD and MLST.
 *
 * LIST has no specification, only parsers: they expect `ls -l` with English
 * months, a time for recent files, a year for others, and the name after
 * exactly one space.  MLSx is RFC 3659 7.  All times are UTC.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ftp_int.h"

enum {
	DAY = 86400,
	HALF_YEAR = 31556952 / 2,	/* of a Gregorian year, as ls has it */
	USER_MAX = 32
};
/* A time beyond four-digit years fits neither format: as good as unknown. */
static const int64_t TIME_MAX = 253402300799;	/* 9999-12-31 23:59:59 */

struct date {
	int year, month, day, hour, minute, second;	/* month from 1 */
};

static const char month_text[12][4] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
};

/*
 * gmtime() without its locks, its time zone file and its limits.  Years are
 * counted from March, so that the leap day ends one; t is 0 to TIME_MAX.
 */
static struct date
date_of(int64_t t)
{
	int secs = (int)(t % DAY), days = (int)(t / DAY) + 719468;
	int era = days / 146097, doe = days % 146097;	/* 400 years */
	int yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int m = (5 * doy + 2) / 153;
	struct date d;

	d.day = doy - (153 * m + 2) / 5 + 1;
	d.month = m < 10 ? m + 3 : m - 9;
	d.year = era * 400 + yoe + (d.month <= 2);
	d.hour = secs / 3600;
	d.minute = secs / 60 % 60;
	d.second = secs % 60;
	return d;
}

static bool
time_known(int64_t t)
{
	return t > 0 && t <= TIME_MAX;
}

static void
digits(char *out, int n, int value)
{
	while (n-- > 0) {
		out[n] = (char)('0' + value % 10);
		value /= 10;
	}
}

void
ftp_time_text(char out[16], int64_t t)
{
	struct date d = date_of(t < 0 ? 0 : t > TIME_MAX ? TIME_MAX : t);

	digits(out, 4, d.year);
	digits(out + 4, 2, d.month);
	digits(out + 6, 2, d.day);
	digits(out + 8, 2, d.hour);
	digits(out + 10, 2, d.minute);
	digits(out + 12, 2, d.second);
	out[14] = '\0';
}

/* Names were checked long ago; a line end here would still be a forged entry,
 * so none ever leaves. */
static void
put_name(struct net_buf *b, const char *name)
{
	size_t n;

	while (*name != '\0') {
		n = strcspn(name, "\r\n");
		net_buf_put(b, name, n);
		name += n;
		if (*name != '\0') {
			net_buf_put(b, "?", 1);
			name++;
		}
	}
	net_buf_put(b, "\r\n", 2);
}

/* ---- LIST ---- */

static const char mode_text[2][2][2][11] = {	/* [dir][read][write] */
	[0][0][0] = "----------",
	[0][0][1] = "--w-------",
	[0][1][0] = "-r--r--r--",
	[0][1][1] = "-rw-r--r--",
	[1][0][0] = "d--x--x--x",
	[1][0][1] = "d-wx--x--x",
	[1][1][0] = "dr-xr-xr-x",
	[1][1][1] = "drwxr-xr-x",
};

/* One word that no parser takes for two, nor for anything but a name. */
static void
user_word(char out[USER_MAX + 1], const char *user)
{
	size_t n;
	char c;

	for (n = 0; n < USER_MAX && user[n] != '\0'; n++) {
		c = user[n];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || c == '.' || c == '-'))
			c = '_';
		out[n] = c;
	}
	if (n == 0)
		out[n++] = '-';
	out[n] = '\0';
}

/*
 * Directories have no time in COS and show a constant.  Not that of 1970: read
 * as local time it is before the epoch in half of the world, and FAT begins in
 * 1980.
 */
static void
list_time(char *out, size_t size, int64_t t, int64_t now)
{
	struct date d;
	const char *month;

	if (!time_known(t)) {
		snprintf(out, size, "Jan  1  2000");
		return;
	}
	d = date_of(t);
	month = month_text[d.month - 1];
	if (t > now - HALF_YEAR && t <= now + DAY)
		snprintf(out, size, "%s %2d %02d:%02d", month, d.day, d.hour,
		    d.minute);
	else
		snprintf(out, size, "%s %2d  %4d", month, d.day, d.year);
}

void
ftp_list_line(struct net_buf *b, const struct ftp_entry *e,
    const struct ftp_rights *r, const char *user, int64_t now)
{
	char owner[USER_MAX + 1], when[48];

	user_word(owner, user);
	list_time(when, sizeof(when), e->mtime, now);
	net_buf_printf(b, "%s   1 %-8s %-8s %8lld %s ",
	    mode_text[e->dir][r->read][r->write], owner, "ftp",
	    (long long)(e->dir || e->size < 0 ? 0 : e->size), when);
	put_name(b, e->name);
}

/* ---- MLSx ---- */

/* RFC 3659 7.5.5.  Renaming ('f') removes a name, so it needs that right. */
enum {
	OF_FILE = 1, OF_DIR = 2, OF_FIXED = 4,	/* FIXED: "/", "." and ".." */
	OF_DIRS = OF_DIR | OF_FIXED,
	MAY_READ = 1, MAY_WRITE = 2, MAY_REMOVE = 4
};
static const struct {
	char letter;
	unsigned char of, needs;
} perms[] = {
	{ 'a', OF_FILE, MAY_WRITE },			/* APPE */
	{ 'c', OF_DIRS, MAY_WRITE },			/* STOR in it */
	{ 'd', OF_FILE | OF_DIR, MAY_REMOVE },		/* DELE, RMD */
	{ 'e', OF_DIRS, 0 },				/* CWD */
	{ 'f', OF_FILE | OF_DIR, MAY_REMOVE },		/* RNFR */
	{ 'l', OF_DIRS, MAY_READ },			/* LIST */
	{ 'm', OF_DIRS, MAY_WRITE },			/* MKD in it */
	{ 'p', OF_DIRS, MAY_REMOVE },			/* DELE in it */
	{ 'r', OF_FILE, MAY_READ },			/* RETR */
	{ 'w', OF_FILE, MAY_WRITE },			/* STOR */
};

static const struct {
	unsigned fact;
	const char *name;
} facts_known[] = {
	{ FTP_FACT_TYPE, "type" },
	{ FTP_FACT_SIZE, "size" },
	{ FTP_FACT_MODIFY, "modify" },
	{ FTP_FACT_PERM, "perm" },
	{ FTP_FACT_UNIQUE, "unique" },
};

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static void
put_perm(struct net_buf *b, unsigned of, const struct ftp_rights *r)
{
	unsigned have = 0;
	size_t i;

	if (r->read)
		have |= MAY_READ;
	if (r->write)
		have |= MAY_WRITE;
	if (r->write && r->remove)
		have |= MAY_REMOVE;
	net_buf_put(b, "perm=", 5);
	for (i = 0; i < ROWS(perms); i++)
		if ((perms[i].of & of) && (perms[i].needs & ~have) == 0)
			net_buf_put(b, &perms[i].letter, 1);
	net_buf_put(b, ";", 1);
}

/* A fact's value may be any text without ';' (RFC 3659 7.2); an ETag is made
 * by a store, so look.  Its quotes say nothing. */
static void
put_unique(struct net_buf *b, const char *s)
{
	size_t n, i;

	if (s == NULL)
		return;
	s += *s == '"';
	n = strcspn(s, "\"");
	if (n == 0)
		return;
	for (i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] > '~' || s[i] == ';')
			return;
	net_buf_printf(b, "unique=%.*s;", (int)n, s);
}

void
ftp_mlst_line(struct net_buf *b, const struct ftp_entry *e,
    const struct ftp_rights *r, unsigned facts, const char *shown_name,
    const char *type)
{
	char when[16];
	unsigned of = OF_FILE;

	if (shown_name == NULL)
		shown_name = e->name;
	if (e->dir)
		of = type != NULL || strcmp(shown_name, "/") == 0 ?
		    OF_FIXED : OF_DIR;
	if (facts & FTP_FACT_TYPE)
		net_buf_printf(b, "type=%s;",
		    type != NULL ? type : e->dir ? "dir" : "file");
	if ((facts & FTP_FACT_SIZE) && !e->dir && e->size >= 0)
		net_buf_printf(b, "size=%lld;", (long long)e->size);
	if ((facts & FTP_FACT_MODIFY) && time_known(e->mtime)) {
		ftp_time_text(when, e->mtime);
		net_buf_printf(b, "modify=%s;", when);
	}
	if (facts & FTP_FACT_PERM)
		put_perm(b, of, r);
	if (facts & FTP_FACT_UNIQUE)
		put_unique(b, e->unique);
	net_buf_put(b, " ", 1);
	put_name(b, shown_name);
}

unsigned
ftp_facts_parse(const char *s)
{
	unsigned facts = 0;
	size_t n, i;

	for (;; s += n + 1) {
		n = strcspn(s, ";");
		for (i = 0; i < ROWS(facts_known); i++)
			if (strlen(facts_known[i].name) == n &&
			    strncasecmp(s, facts_known[i].name, n) == 0)
				facts |= facts_known[i].fact;
		if (s[n] == '\0')
			return facts;
	}
}

void
ftp_facts_text(char *out, size_t size, unsigned facts, bool feat)
{
	size_t n = 0, i;
	bool on;
	int len;

	if (size > 0)
		out[0] = '\0';
	for (i = 0; i < ROWS(facts_known); i++) {
		on = (facts & facts_known[i].fact) != 0;
		if (!on && !feat)	/* RFC 3659 7.8: FEAT names them all */
			continue;
		len = snprintf(out + n, size - n, "%s%s;",
		    facts_known[i].name, on && feat ? "*" : "");
		if (len < 0 || (size_t)len >= size - n)
			return;
		n += (size_t)len;
	}
}
