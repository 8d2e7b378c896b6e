/*
 * ftp/cmd_rename.c - RNFR and RNTO.
 *
 * Many clients upload to a temporary name and rename it: what this session
 * has just stored is known without asking, so that this common case takes
 * one request less.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session_int.h"

enum { FROM_FILE, FROM_DIR };

/* o NULL: a directory */
static void
accept_from(struct ftp_session *s, const char *path,
    const struct cos_object *o)
{
	if (ftp_session_note(&s->renaming, path, o))
		ftp_reply(s, 350, "Ready for RNTO.");
	else
		ftp_reply(s, 451, "Out of memory.");
}

static void
rnfr_next(struct ftp_session *s, struct ftp_query *q)
{
	if (q->fault != NULL) {
		ftp_query_end(s, q);
	} else if (q->found) {
		accept_from(s, q->path, q->stage == FROM_FILE ? cos_op_object(q->op) : NULL);
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

	ftp_session_note(&s->renaming, NULL, NULL);
	if (strcmp(s->path, "/") == 0) {
		ftp_reply(s, 550, "The root cannot be renamed.");
		return;
	}
	if (!s->arg_dir && s->stored != NULL &&
	    strcmp(s->path, s->stored->path) == 0) {
		accept_from(s, s->path, &s->stored->object);
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

/* A directory's old name is free only when all below it is gone. */
static void
note_tree(struct ftp_session *s, struct ftp_query *q)
{
	char from[FTP_PATH_MAX], to[2 * FTP_PATH_MAX];
	struct cos_moved m = { .key = NULL };
	size_t n;

	ftp_path_prefix(from, q->from->path);
	ftp_path_prefix(to, q->path);
	n = strlen(to);
	if (q->fault == NULL)
		ftp_note_gone(s, from);
	while (cos_rename_moved(q->rename, &m)) {
		if (m.left >= FTP_RECENT_MAX)
			continue;
		snprintf(to + n, sizeof(to) - n, "%s", m.key + strlen(from));
		ftp_note_stored(s, to, m.size, "");
	}
}

static void
note_renamed(struct ftp_session *s, struct ftp_query *q)
{
	const struct ftp_named *from = q->from;

	if (q->fault != NULL && !cos_rename_copied(q->rename))
		return;
	if (from->dir) {
		note_tree(s, q);
		return;
	}
	if (q->fault == NULL)
		ftp_note_gone(s, ftp_path_key(from->path));
	ftp_note_stored(s, ftp_path_key(q->path), from->object.size,
	    from->object.etag);
}

static void
renamed(struct ftp_session *s, struct ftp_query *q)
{
	ftp_session_note(&s->stored, NULL, NULL);
	note_renamed(s, q);
	if (q->fault == NULL)
		ftp_reply(s, 250, "Renamed.");
	else if (cos_rename_copied(q->rename))
		ftp_reply(s, 451, "Copied to the new name, but the old one "
		    "could not be removed whole%s%s.",
		    q->fault->code[0] != '\0' ? ": " : "", q->fault->code);
	else if (q->fault->cause == COS_EXISTS && q->from->dir)
		ftp_reply(s, 550, "The target exists.");
	else
		ftp_reply_fault(s, q->fault);
	ftp_job_end(s);
}

static void
rename_file(struct ftp_session *s, struct ftp_query *q)
{
	q->stage = TO_RENAME;
	ftp_query_rename(s, q, ftp_path_key(q->from->path),
	    ftp_path_key(q->path), &q->from->object);
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
	const char *key = NULL;

	ftp_path_prefix(from, q->from->path);
	ftp_path_prefix(to, s->path);
	q->stage = TO_RENAME;
	ftp_query_rename(s, q, from, to, NULL);
	if (s->job == NULL)
		return;		/* out of memory */
	while ((key = ftp_recent_next(s->recent, from, false, key)) != NULL)
		cos_rename_also(q->rename, key);
	while ((key = ftp_recent_next(s->recent, to, false, key)) != NULL)
		cos_rename_also(q->rename, key);
}

/* 0, or the code of a refusal with its text */
static int
refusal(const struct ftp_session *s, const struct ftp_named *from,
    const char *to, const char **text)
{
	size_t n = strlen(from->path), up = strlen(to);

	if (strcmp(to, "/") == 0) {
		*text = "That is the root";
		return 553;
	}
	if (strcmp(to, from->path) == 0) {
		*text = "The names are the same: nothing to do";
		return 250;
	}
	if (from->dir && strncmp(to, from->path, n) == 0 && to[n] == '/') {
		*text = "A directory cannot move into itself";
		return 553;
	}
	/* Source and target would share keys, and equal ones be deleted. */
	if (from->dir && strncmp(from->path, to, up) == 0 &&
	    from->path[up] == '/') {
		*text = "The target exists";
		return 550;
	}
	if (from->dir && up > cos_key_max(s->bucket)) {
		*text = ftp_path_text(FTP_PATH_LONG);
		return 553;
	}
	return 0;
}

void
ftp_cmd_rnto(struct ftp_session *s)
{
	struct ftp_named *from = s->renaming;
	struct ftp_query *q = NULL;
	const char *text;
	int code;

	s->renaming = NULL;
	if (from == NULL) {
		ftp_reply(s, 503, "RNTO follows RNFR.");
		return;
	}
	code = refusal(s, from, s->path, &text);
	if (code != 0)
		ftp_reply(s, code, "%s.", text);
	else
		q = ftp_query_new(s, rnto_next);
	if (q == NULL) {
		free(from);
		return;
	}
	q->from = from;
	if (from->dir)
		rename_dir(s, q);
	else
		ftp_query_below(s, q, s->path, 1);
}
