/*
 * ftp/cmd_rename.c - RNFR and RNTO.
 *
 * Many clients upload to a temporary name and rename it: what this session
 * has just stored is known without asking, so that this common case takes
 * one request less.
 */
#include <stdio.h>
#include <string.h>

#include "session_int.h"

enum { FROM_FILE, FROM_DIR };

static void
accept_from(struct ftp_session *s, const char *path, bool dir,
    const struct cos_object *o)
{
	s->renaming = true;
	s->rename_dir = dir;
	memmove(s->rename_from, path, strlen(path) + 1);
	if (o != NULL)
		s->rename_object = *o;
	ftp_reply(s, 350, "Ready for RNTO.");
}

static void
rnfr_next(struct ftp_session *s, struct ftp_query *q)
{
	if (q->fault != NULL) {
		ftp_query_end(s, q);
	} else if (q->found) {
		accept_from(s, q->path, q->stage == FROM_DIR,
		    q->stage == FROM_FILE ? cos_op_object(q->op) : NULL);
		ftp_job_end(s);
	} else if (q->stage++ == FROM_FILE) {
		ftp_query_below(s, q, q->path, 1);
	} else {
		ftp_reply(s, 550, "No such file or directory.");
		ftp_job_end(s);
	}
}

void
ftp_cmd_rnfr(struct ftp_session *s)
{
	struct ftp_query *q;

	s->renaming = false;
	if (strcmp(s->path, "/") == 0) {
		ftp_reply(s, 550, "The root cannot be renamed.");
		return;
	}
	if (!s->arg_dir && s->stored.known &&
	    strcmp(s->path, s->stored.path) == 0) {
		accept_from(s, s->path, false, &s->stored.object);
		return;
	}
	q = ftp_query_new(s, rnfr_next);
	if (q == NULL)
		return;
	if (s->arg_dir) {
		q->stage = FROM_DIR;
		ftp_query_below(s, q, s->path, 1);
	} else {
		ftp_query_head(s, q, ftp_path_key(s->path));
	}
}

/* ---- RNTO ---- */

enum { TO_DIR, TO_FILE, TO_RENAME };

static void
renamed(struct ftp_session *s, struct ftp_query *q)
{
	s->stored.known = false;
	if (q->fault == NULL)
		ftp_reply(s, 250, "Renamed.");
	else if (cos_rename_copied(q->rename))
		ftp_reply(s, 451, "Copied to the new name, but the old one "
		    "could not be removed whole%s%s.",
		    q->fault->code[0] != '\0' ? ": " : "", q->fault->code);
	else if (q->fault->cause == COS_EXISTS && s->rename_dir)
		ftp_reply(s, 550, "The target exists.");
	else
		ftp_reply_fault(s, q->fault);
	ftp_job_end(s);
}

static void
rename_file(struct ftp_session *s, struct ftp_query *q)
{
	q->stage = TO_RENAME;
	ftp_query_rename(s, q, ftp_path_key(s->rename_from),
	    ftp_path_key(q->path), &s->rename_object);
}

static void
rnto_next(struct ftp_session *s, struct ftp_query *q)
{
	if (q->stage == TO_RENAME) {
		renamed(s, q);
	} else if (q->fault != NULL) {
		ftp_query_end(s, q);
	} else if (q->found) {
		ftp_reply(s, q->stage == TO_DIR ? 550 : 553, "%s",
		    q->stage == TO_DIR ? "A directory of that name exists." :
		    "The file exists and this account may not overwrite.");
		ftp_job_end(s);
	} else if (q->stage == TO_DIR && !s->account->overwrite_enable) {
		q->stage = TO_FILE;
		ftp_query_head(s, q, ftp_path_key(q->path));
	} else {
		rename_file(s, q);
	}
}

static void
rename_dir(struct ftp_session *s, struct ftp_query *q)
{
	char from[FTP_PATH_MAX], to[FTP_PATH_MAX];

	ftp_path_prefix(from, s->rename_from);
	ftp_path_prefix(to, s->path);
	q->stage = TO_RENAME;
	ftp_query_rename(s, q, from, to, NULL);
}

void
ftp_cmd_rnto(struct ftp_session *s)
{
	size_t n = strlen(s->rename_from);
	struct ftp_query *q;
	bool renaming = s->renaming;

	s->renaming = false;
	if (!renaming) {
		ftp_reply(s, 503, "RNTO follows RNFR.");
	} else if (strcmp(s->path, "/") == 0) {
		ftp_reply(s, 553, "That is the root.");
	} else if (strcmp(s->path, s->rename_from) == 0) {
		ftp_reply(s, 250, "The names are the same: nothing to do.");
	} else if (s->rename_dir && strncmp(s->path, s->rename_from, n) == 0 &&
	    s->path[n] == '/') {
		ftp_reply(s, 553, "A directory cannot move into itself.");
	} else if (strlen(s->path) > COS_KEY_MAX && s->rename_dir) {
		ftp_reply(s, 553, "%s.", ftp_path_text(FTP_PATH_LONG));
	} else if ((q = ftp_query_new(s, rnto_next)) != NULL) {
		if (s->rename_dir)
			rename_dir(s, q);
		else
			ftp_query_below(s, q, s->path, 1);
	}
}
