/*
 * ftp/list_int.h - one listing, shared by cmd_list.c (the commands and the
 * job) and list_entry.c (what the argument means, entries to text).
 */
#ifndef COSFTPD_LIST_INT_H
#define COSFTPD_LIST_INT_H

#include "session_int.h"

enum { FTP_LIST_FILL = 32 * 1024 };	/* text made in one go */

enum ftp_list_kind { K_LIST, K_NLST, K_MLSD, K_STAT };

enum ftp_list_state {
	L_FIRST,		/* is there anything? */
	L_FILE,			/* nothing below: perhaps it is a file */
	L_MARKER,		/* or a directory too new to be listed */
	L_CONNECT,
	L_MOVE,
	L_CLOSE
};

struct ftp_listing {
	struct ftp_transfer t;	/* first */
	enum ftp_list_state state;
	enum ftp_list_kind kind;
	char path[FTP_PATH_MAX];	/* the directory, or the file */
	char prefix[FTP_PATH_MAX];	/* keys of the directory */
	char pattern[FTP_PATH_MAX];	/* of the last segment, "" none */
	char shown[FTP_PATH_MAX + 2];	/* NLST: before each name */
	char arg[FTP_LINE_MAX];
	bool may_be_empty;	/* the root or the current directory */
	bool dir_only;		/* the argument ended in a slash */
	bool first;		/* COS has given some key, shown or not */
	bool was_pattern;	/* no match; tried again as a plain name */
	struct cos_list *list;
	struct ftp_merge merge;		/* of it */
	char sought[2 * FTP_PATH_MAX];	/* its prefix */
	struct cos_op *head;
	struct net_buf text;
	size_t sent;
	int count, hidden;
	int foreign;		/* names the session's encoding lacks */
	bool truncated, ended;
};

/* ---- list_entry.c ---- */
/* Leading options as of ls are no names, unless "--" is before them. */
const char *ftp_list_skip_options(const char *arg);
/* "a/b*" is the directory a and the pattern b*; no wildcard: true and no
 * pattern.  Both: false when replied already. */
bool ftp_list_pattern(struct ftp_session *, struct ftp_listing *);
bool ftp_list_literal(struct ftp_session *, struct ftp_listing *);
/* false: out of memory */
bool ftp_list_ask(struct ftp_session *, struct ftp_listing *);
/* Entries to text, up to the limit. */
void ftp_list_fill(struct ftp_session *, struct ftp_listing *);
/* The listing is one file. */
void ftp_list_file(struct ftp_session *, struct ftp_listing *,
    const struct cos_object *);

#endif
