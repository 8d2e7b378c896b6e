/*
 * ftp/query.c - the job of every command that asks COS for a thing or two
 * and then replies: CWD, MKD, RMD, DELE, SIZE, MDTM, MLST, HASH, RNFR,
 * RNTO.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session_int.h"

enum { PAGE = 1000 };

static void
clear(struct ftp_query *q)
{
	cos_op_free(q->op);
	cos_list_free(q->list);
	cos_rename_free(q->rename);
	q->op = NULL;
	q->list = NULL;
	q->rename = NULL;
	q->fault = NULL;
	q->found = q->others = false;
}

static void
query_free(struct ftp_job *job)
{
	struct ftp_query *q = (struct ftp_query *)job;

	clear(q);
	free(q->from);
	free(q);
}

static void
query_abort(struct ftp_session *s, struct ftp_job *job)
{
	(void)job;
	ftp_reply(s, 421, "Broken off.");
	ftp_job_end(s);
}

/* Is there a key below the prefix, and one besides the marker?  true when
 * that is known. */
static bool
look_below(struct ftp_query *q)
{
	const struct cos_entry *e;

	while (!(q->want_others ? q->others : q->found) &&
	    (e = ftp_merge_next(&q->merge, q->list)) != NULL) {
		q->found = true;
		if (e->name_len != strlen(q->prefix))
			q->others = true;
	}
	if (cos_list_state(q->list) == COS_FAILED)
		q->fault = cos_list_fault(q->list);
	return (q->want_others ? q->others : q->found) ||
	    q->merge.ended || cos_list_state(q->list) == COS_FAILED;
}

static bool
op_answered(struct ftp_query *q)
{
	switch (cos_op_state(q->op)) {
	case COS_BUSY:
		return false;
	case COS_FAILED:
		if (cos_op_fault(q->op)->cause != COS_NOT_FOUND)
			q->fault = cos_op_fault(q->op);
		return true;
	case COS_DONE:
		q->found = true;
	}
	return true;
}

static bool
rename_answered(struct ftp_query *q)
{
	if (cos_rename_state(q->rename) == COS_BUSY)
		return false;
	if (cos_rename_state(q->rename) == COS_FAILED)
		q->fault = cos_rename_fault(q->rename);
	return true;
}

static void
query_step(struct ftp_session *s, struct ftp_job *job)
{
	struct ftp_query *q = (struct ftp_query *)job;

	if (q->op != NULL ? op_answered(q) : q->list != NULL ?
	    look_below(q) : rename_answered(q))
		q->next(s, q);
}

struct ftp_query *
ftp_query_new(struct ftp_session *s,
    void (*next)(struct ftp_session *, struct ftp_query *))
{
	struct ftp_query *q = calloc(1, sizeof(*q));

	if (q == NULL) {
		ftp_reply(s, 451, "Out of memory.");
		return NULL;
	}
	q->job = (struct ftp_job){ .step = query_step, .free = query_free,
	    .abort = query_abort };
	q->next = next;
	snprintf(q->path, sizeof(q->path), "%s", s->path);
	return q;
}

/* After asking: becomes the session's job, or fails at once. */
static void
asked(struct ftp_session *s, struct ftp_query *q, bool ok)
{
	if (s->job == NULL)
		ftp_job_start(s, &q->job);
	if (ok)
		return;
	ftp_reply(s, 451, "Out of memory.");
	ftp_job_end(s);
}

void
ftp_query_head(struct ftp_session *s, struct ftp_query *q, const char *key)
{
	clear(q);
	q->op = cos_head_new(s->bucket, key, s->who, &s->task);
	asked(s, q, q->op != NULL);
}

void
ftp_query_below(struct ftp_session *s, struct ftp_query *q, const char *path,
    int page)
{
	clear(q);
	q->want_others = page > 1;
	ftp_path_prefix(q->prefix, path);
	/* the list may begin with what is no more */
	if (ftp_recent_next(s->recent, q->prefix, true, NULL) != NULL)
		page = PAGE;
	ftp_merge_init(&q->merge, s->recent, net_now(s->server->loop),
	    q->prefix, false);
	q->list = cos_list_new(s->bucket, q->prefix, false, page, s->who,
	    &s->task);
	asked(s, q, q->list != NULL);
}

void
ftp_query_put(struct ftp_session *s, struct ftp_query *q, const char *key)
{
	clear(q);
	q->op = cos_put_empty_new(s->bucket, key, s->who, &s->task);
	asked(s, q, q->op != NULL);
}

void
ftp_query_delete(struct ftp_session *s, struct ftp_query *q, const char *key)
{
	clear(q);
	q->op = cos_delete_new(s->bucket, key, s->who, &s->task);
	asked(s, q, q->op != NULL);
}

/* A rename is finished even when the client does not wait for it. */
void
ftp_query_rename(struct ftp_session *s, struct ftp_query *q,
    const char *from, const char *to, const struct cos_object *src)
{
	clear(q);
	q->job.finishes_alone = true;
	q->rename = cos_rename_new(s->bucket, from, to, src, s->who,
	    &s->task);
	asked(s, q, q->rename != NULL);
}

/* Replies with the fault, if there is one, and ends the job. */
void
ftp_query_end(struct ftp_session *s, struct ftp_query *q)
{
	if (q->fault != NULL)
		ftp_reply_fault(s, q->fault);
	ftp_job_end(s);
}
