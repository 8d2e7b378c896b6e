/*
 * ftp/cmd_dir.c - PWD, CWD, CDUP, MKD, RMD.
 *
 * A directory exists as long as some key starts with its name and a slash;
 * its marker object "d/" is such a key.  New keys may be missing from
 * listings for a moment, so a listing that finds nothing is followed by a
 * HEAD of the marker.
 */
#include <stdio.h>
#include <string.h>

#include "session_int.h"

void
ftp_cmd_pwd(struct ftp_session *s)
{
	char quoted[2 * FTP_PATH_MAX];

	if (!ftp_encoding_can(s, s->cwd)) {
		ftp_reply(s, 550, "GBK cannot express the directory's name; "
		    "send OPTS UTF8 ON.");
		return;
	}
	ftp_path_quote(quoted, sizeof(quoted), s->cwd);
	ftp_reply(s, 257, "\"%s\" is the current directory.", quoted);
}

/* The marker's key, "a/b/"; false: too long (553 was replied) */
static bool
marker(struct ftp_session *s, const char *path, char out[FTP_PATH_MAX])
{
	ftp_path_prefix(out, path);
	if (strlen(out) <= cos_key_max(s->bucket))
		return true;
	ftp_reply(s, 553, "%s.", ftp_path_text(FTP_PATH_LONG));
	return false;
}

static void
enter(struct ftp_session *s, const char *path)
{
	snprintf(s->cwd, sizeof(s->cwd), "%s", path);
	ftp_reply(s, 250, "Directory changed.");
}

static void
cwd_next(struct ftp_session *s, struct ftp_query *q)
{
	char key[FTP_PATH_MAX];

	if (q->fault != NULL) {
		ftp_query_end(s, q);
	} else if (q->found) {
		enter(s, q->path);
		ftp_job_end(s);
	} else if (q->stage++ == 0) {
		ftp_path_prefix(key, q->path);
		ftp_query_head(s, q, key);
	} else {
		ftp_reply(s, 550, "No such directory.");
		ftp_job_end(s);
	}
}

void
ftp_cmd_cwd(struct ftp_session *s)
{
	char path[FTP_PATH_MAX], key[FTP_PATH_MAX];
	enum ftp_path_status ps;
	struct ftp_query *q;
	bool dir;

	/* ".." at the root stays there, as in every chrooted server. */
	if (strcmp(s->arg, "..") == 0 && strcmp(s->cwd, "/") == 0) {
		enter(s, "/");
		return;
	}
	ps = ftp_session_join(s, path, s->arg, &dir);
	if (ps != FTP_PATH_OK) {
		ftp_reply(s, ps == FTP_PATH_ABOVE ? 550 : 553, "%s.",
		    ftp_path_text(ps));
		return;
	}
	if (strcmp(path, "/") == 0) {
		enter(s, path);
		return;
	}
	if (!marker(s, path, key) ||
	    (q = ftp_query_new(s, cwd_next)) == NULL)
		return;
	memcpy(q->path, path, sizeof(path));
	ftp_query_below(s, q, path, 1);
}

/* The parent of a directory that exists exists: no request. */
void
ftp_cmd_cdup(struct ftp_session *s)
{
	char path[FTP_PATH_MAX];
	bool dir;

	if (ftp_path_join(path, s->cwd, "..", &dir) != FTP_PATH_OK)
		snprintf(path, sizeof(path), "/");
	enter(s, path);
}

static void
mkd_next(struct ftp_session *s, struct ftp_query *q)
{
	char key[FTP_PATH_MAX], quoted[2 * FTP_PATH_MAX];

	if (q->fault != NULL) {
		ftp_query_end(s, q);
	} else if (q->stage++ == 0) {
		if (q->found) {
			ftp_reply(s, 550, "The directory exists.");
			ftp_job_end(s);
			return;
		}
		ftp_path_prefix(key, q->path);
		ftp_query_put(s, q, key);
	} else {
		ftp_path_prefix(key, q->path);
		ftp_note_stored(s, key, 0, "");
		ftp_path_quote(quoted, sizeof(quoted), q->path);
		ftp_reply(s, 257, "\"%s\" created.", quoted);
		ftp_job_end(s);
	}
}

void
ftp_cmd_mkd(struct ftp_session *s)
{
	char key[FTP_PATH_MAX];
	struct ftp_query *q;

	if (strcmp(s->path, "/") == 0)
		ftp_reply(s, 550, "The directory exists.");
	else if (marker(s, s->path, key) &&
	    (q = ftp_query_new(s, mkd_next)) != NULL)
		ftp_query_below(s, q, s->path, 1);
}

enum { RMD_LOOK, RMD_MARKER, RMD_DELETE };

static void
rmd_next(struct ftp_session *s, struct ftp_query *q)
{
	char key[FTP_PATH_MAX];

	ftp_path_prefix(key, q->path);
	if (q->fault != NULL) {
		ftp_query_end(s, q);
	} else if (q->stage == RMD_DELETE) {
		ftp_note_gone(s, key);
		ftp_reply(s, 250, "Directory removed.");
		ftp_job_end(s);
	} else if (q->others) {
		ftp_reply(s, 550, "The directory is not empty.");
		ftp_job_end(s);
	} else if (q->found) {
		q->stage = RMD_DELETE;
		ftp_query_delete(s, q, key);
	} else if (q->stage == RMD_LOOK) {
		q->stage = RMD_MARKER;
		ftp_query_head(s, q, key);
	} else {
		ftp_reply(s, 550, "No such directory.");
		ftp_job_end(s);
	}
}

void
ftp_cmd_rmd(struct ftp_session *s)
{
	char key[FTP_PATH_MAX];
	struct ftp_query *q;

	if (strcmp(s->path, "/") == 0)
		ftp_reply(s, 550, "The root cannot be removed.");
	else if (marker(s, s->path, key) &&
	    (q = ftp_query_new(s, rmd_next)) != NULL)
		ftp_query_below(s, q, s->path, 2);
}
