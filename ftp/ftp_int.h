/*
 * ftp/ftp_int.h - what several files of ftp/ share; no other layer includes it.
 */
#ifndef COSFTPD_FTP_INT_H
#define COSFTPD_FTP_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../cos/cos.h"
#include "ftp.h"

/* ---- line.c: the control channel's input as command lines ---- */
enum { FTP_LINE_MAX = 2048 };
enum ftp_line_status {
	FTP_LINE_NONE,		/* more bytes are needed */
	FTP_LINE_OK,
	FTP_LINE_TOO_LONG,	/* the line was thrown away whole: 500 */
	FTP_LINE_BINARY		/* holds NUL or a lone CR...: 500 */
};
/*
 * Telnet (RFC 854) is taken out: IAC IAC is one 0xff, IAC with
 * WILL/WONT/DO/DONT takes its option, IAC DM, IP and other commands vanish.
 * Lines end in LF or CR LF.
 */
struct ftp_line {
	char text[FTP_LINE_MAX + 1];	/* NUL-terminated on FTP_LINE_OK */
	size_t len;
	int state;
	bool too_long, binary;
	bool cr;
};
/* Takes bytes of buf up to the end of one line; *used says how many. */
enum ftp_line_status ftp_line_feed(struct ftp_line *, const char *buf,
    size_t n, size_t *used);
/* Splits in place: verb in upper case (at most 8 letters and digits, a letter
 * first, else ""), arg the rest after exactly one space ("" when there is
 * none).  Trailing blanks of the argument belong to it. */
void ftp_line_split(struct ftp_line *, char verb[9], const char **arg);

/* ---- proxied.c: proxy_protocol: a connection from there has a header ---- */
bool ftp_proxied(const struct conf *, const struct net_addr *from);

/* ---- path.c: FTP names and COS keys ---- */
enum ftp_path_status {
	FTP_PATH_OK,
	FTP_PATH_UTF8,		/* not UTF-8 */
	FTP_PATH_BAD,		/* CR, LF, NUL, control bytes COS forbids */
	FTP_PATH_LONG,		/* the key would be over 850 bytes */
	FTP_PATH_ABOVE		/* .. above the root */
};
enum { FTP_PATH_MAX = COS_KEY_MAX + 2 };
/*
 * Joins arg (absolute or relative to cwd) to an absolute, normal path in out:
 * "/" or "/a/b"; empty and "." segments vanish, ".." goes up.  *dir tells
 * whether arg ended in a slash (or in "." or "..").
 */
enum ftp_path_status ftp_path_join(char out[FTP_PATH_MAX], const char *cwd,
    const char *arg, bool *dir);
const char *ftp_path_text(enum ftp_path_status);	/* for the reply */
/* "/a/b" -> "a/b"; "/" -> "" */
const char *ftp_path_key(const char *path);
/* Key prefix of a directory: "" for "/", else "a/b/" */
void ftp_path_prefix(char out[FTP_PATH_MAX], const char *path);
const char *ftp_path_base(const char *path);	/* last segment */
/* 257 quoting: doubles each '"' (RFC 959 appendix II); out 2 * len + 1 */
void ftp_path_quote(char *out, size_t size, const char *path);
bool ftp_utf8_valid(const char *, size_t);
/* The character at p (n > 0) and its length; 0: not UTF-8 */
size_t ftp_utf8_char(const unsigned char *p, size_t n, uint32_t *c);
/* Can a client name this (one segment or a whole key): no CR, LF, NUL, no
 * empty, "." or ".." segment. */
bool ftp_name_reachable(const char *, size_t);

/* ---- gbk.c: code page 936 and UTF-8 ---- */
struct ftp_gbk;
#define FTP_GBK_NONE ((size_t)-1)	/* no such character, not valid */
#define FTP_GBK_LONG ((size_t)-2)	/* longer than size */
struct ftp_gbk *ftp_gbk_new(void);	/* 175 KiB; NULL: out of memory */
void ftp_gbk_free(struct ftp_gbk *);
/* Both return the length made, no NUL behind it.  The other way it is never
 * longer than before, and out may be in. */
size_t ftp_gbk_to_utf8(const struct ftp_gbk *, const char *in, size_t n,
    char *out, size_t size);
size_t ftp_gbk_from_utf8(const struct ftp_gbk *, const char *in, size_t n,
    char *out);

/* ---- glob.c: * ? [a-z] [!x] and backslash, on one segment, no stack
 * recursion, linear in practice (never exponential) ---- */
bool ftp_glob_has(const char *);	/* holds a wildcard */
bool ftp_glob_match(const char *pattern, const char *name);
/* the literal head of a pattern, for the listing's prefix; its length */
size_t ftp_glob_literal(const char *pattern);

/* ---- listing.c: lines of LIST, NLST, MLSD ---- */
struct ftp_entry {
	const char *name;	/* one segment, without a slash */
	bool dir;
	int64_t size;
	int64_t mtime;		/* 0: unknown */
	const char *unique;	/* ETag, with or without its quotes; "" or
				 * NULL: none */
};
struct ftp_rights {
	bool read, write, remove;
};
enum {				/* OPTS MLST */
	FTP_FACT_TYPE = 1, FTP_FACT_SIZE = 2, FTP_FACT_MODIFY = 4,
	FTP_FACT_PERM = 8, FTP_FACT_UNIQUE = 16,
	FTP_FACT_DEFAULT = 15, FTP_FACT_ALL = 31
};
/* Each appends one line with CR LF. */
void ftp_list_line(struct net_buf *, const struct ftp_entry *,
    const struct ftp_rights *, const char *user, int64_t now);
void ftp_mlst_line(struct net_buf *, const struct ftp_entry *,
    const struct ftp_rights *, unsigned facts, const char *shown_name,
    const char *type /* NULL: file or dir; "cdir", "pdir" */);
/* "type;size;" -> mask; unknown facts are left out (RFC 3659 7.9) */
unsigned ftp_facts_parse(const char *);
/* "Type;Size;" text of a mask, for replies; with '*' marks for FEAT */
void ftp_facts_text(char *out, size_t size, unsigned facts, bool feat);
/* YYYYMMDDHHMMSS (RFC 3659 2.3) */
void ftp_time_text(char out[16], int64_t t);

/* ---- recent.c: own changes that lists of the store may not show yet ---- */
enum { FTP_RECENT_MAX = 512 };	/* changes; older ones are forgotten */
struct ftp_recent;		/* NULL: none; made by the first change */
/* now: ms of the loop's clock; date: s of the store's.  Out of memory is no
 * failure: the change is not remembered. */
void ftp_recent_stored(struct ftp_recent **, int64_t now, const char *key,
    int64_t size, int64_t date, const char *etag);
/* A key that ends in a slash: it and all below. */
void ftp_recent_gone(struct ftp_recent **, int64_t now, const char *key,
    int64_t date);
/* The next key behind `after` (NULL: the first) with that prefix; borrowed
 * until the next change. */
const char *ftp_recent_next(const struct ftp_recent *, const char *prefix,
    bool gone, const char *after);
void ftp_recent_free(struct ftp_recent *);

struct ftp_merge {
	const struct ftp_recent *recent;	/* borrowed, as is prefix */
	const char *prefix;
	size_t prefix_len, at;
	bool levels, ended;
	const struct cos_entry *held;
	struct cos_entry own;
};
enum ftp_merge_step {
	FTP_MERGE_WAIT,		/* for the list */
	FTP_MERGE_END,
	FTP_MERGE_TAKE,		/* the list's entry is next */
	FTP_MERGE_SKIP,		/* the list's entry is no more */
	FTP_MERGE_OWN,		/* m->own is next, the list's entry follows */
	FTP_MERGE_REPLACE	/* m->own stands for the list's entry */
};
/* prefix and levels as the list's prefix and delimiter. */
void ftp_merge_init(struct ftp_merge *, struct ftp_recent *, int64_t now,
    const char *prefix, bool levels);
/* e: the list's next entry; NULL: none yet or, with end, no more. */
enum ftp_merge_step ftp_merge_step(struct ftp_merge *,
    const struct cos_entry *e, bool end);
/* As cos_list_next; m->ended: that was all. */
const struct cos_entry *ftp_merge_next(struct ftp_merge *, struct cos_list *);

/* ---- addr.c: PORT and EPRT arguments ---- */
int ftp_port_parse(const char *arg, struct net_addr *);	/* -1: syntax */
/* -1: syntax (501), -2: protocol not known (522); net_prt of EPSV: 1, 2 */
int ftp_eprt_parse(const char *arg, struct net_addr *);

#endif
