/*
 * ftp/cmd_file.c - SIZE, MDTM, DELE, MLST: questions about one name.
 */
#include <inttypes.h>
#include <string.h>

#include "session_int.h"

static void
no_file(struct ftp_session *s)
{
	ftp_reply(s, 550, "No such file.");
	ftp_job_end(s);
}

/* The root and names with a slash at the end are no files. */
static void
ask_head(struct ftp_session *s,
    void (*next)(struct ftp_session *, struct ftp_query *))
{
	struct ftp_query *q;

	if (strcmp(s->path, "/") == 0 || s->arg_dir)
		ftp_reply(s, 550, "Not a regular file.");
	else if ((q = ftp_query_new(s, next)) != NULL)
		ftp_query_head(s, q, ftp_path_key(s->path));
}

static void
size_next(struct ftp_session *s, struct ftp_query *q)
{
	if (q->fault != NULL) {
		ftp_query_end(s, q);
	} else if (!q->found) {
		no_file(s);
	} else {
		ftp_reply(s, 213, "%" PRId64, cos_op_object(q->op)->size);
		ftp_job_end(s);
	}
}

void
ftp_cmd_size(struct ftp_session *s)		/* RFC 3659 4 */
{
	ask_head(s, size_next);
}

static void
mdtm_next(struct ftp_session *s, struct ftp_query *q)
{
	char text[16];

	if (q->fault != NULL) {
		ftp_query_end(s, q);
	} else if (!q->found) {
		no_file(s);
	} else {
		ftp_time_text(text, cos_op_object(q->op)->mtime);
		ftp_reply(s, 213, "%s", text);
		ftp_job_end(s);
	}
}

void
ftp_cmd_mdtm(struct ftp_session *s)		/* RFC 3659 3 */
{
	ask_head(s, mdtm_next);
}

static void
dele_next(struct ftp_session *s, struct ftp_query *q)
{
	if (q->fault != NULL) {
		ftp_query_end(s, q);
	} else if (q->stage++ == 0) {
		if (q->found)
			q->size = cos_op_object(q->op)->size;
		if (q->found)
			ftp_query_delete(s, q, ftp_path_key(q->path));
		else
			no_file(s);
	} else {
		ftp_xferlog(s, 'd', q->size, 0, true);
		ftp_session_note(&s->stored, NULL, NULL);
		ftp_note_gone(s, ftp_path_key(q->path));
		ftp_reply(s, 250, "Deleted.");
		ftp_job_end(s);
	}
}

void
ftp_cmd_dele(struct ftp_session *s)
{
	ask_head(s, dele_next);
}

/* ---- MLST, RFC 3659 7 ---- */

static void
mlst_reply(struct ftp_session *s, const char *path,
    const struct cos_object *o, const char *type)
{
	struct net_buf b = { .max = 4 * FTP_PATH_MAX };
	struct ftp_rights rights;
	struct ftp_entry e = { .name = path, .dir = o == NULL };

	if (o != NULL) {
		e.size = o->size;
		e.mtime = o->mtime;
		e.unique = o->etag;
	}
	ftp_rights_of(s->account, &rights);
	net_buf_put(&b, " ", 1);
	ftp_mlst_line(&b, &e, &rights, s->facts, path, type);
	ftp_reply_lines(s, 250, "Listing", &b, "End");
	net_buf_free(&b);
}

enum { MLST_FILE, MLST_DIR, MLST_MARKER };

static void
mlst_next(struct ftp_session *s, struct ftp_query *q)
{
	char key[FTP_PATH_MAX];

	if (q->fault != NULL) {
		ftp_query_end(s, q);
	} else if (q->found) {
		mlst_reply(s, q->path, q->stage == MLST_FILE ?
		    cos_op_object(q->op) : NULL, NULL);
		ftp_job_end(s);
	} else if (q->stage == MLST_FILE) {
		q->stage = MLST_DIR;
		ftp_query_below(s, q, q->path, 1);
	} else if (q->stage == MLST_DIR) {
		q->stage = MLST_MARKER;
		ftp_path_prefix(key, q->path);
		ftp_query_head(s, q, key);
	} else {
		ftp_reply(s, 550, "No such file or directory.");
		ftp_job_end(s);
	}
}

void
ftp_cmd_mlst(struct ftp_session *s)
{
	struct ftp_query *q;

	if (strcmp(s->path, s->cwd) == 0 || strcmp(s->path, "/") == 0) {
		mlst_reply(s, s->path, NULL,
		    strcmp(s->path, s->cwd) == 0 ? "cdir" : NULL);
		return;
	}
	q = ftp_query_new(s, mlst_next);
	if (q == NULL)
		return;
	if (s->arg_dir) {
		q->stage = MLST_DIR;
		ftp_query_below(s, q, s->path, 1);
	} else {
		ftp_query_head(s, q, ftp_path_key(s->path));
	}
}
