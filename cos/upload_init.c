/*
 * cos/upload_init.c - how a multipart upload gets its id, and what is done
 * when the answer is lost: COS may have begun one then, which is looked for
 * and aborted before another is asked for.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "upload_int.h"

enum {
	INIT_TRIES = 3,
	INIT_MS = 60 * 1000,		/* and no more after that */
	CLEAN_MS = 30 * 1000		/* that the client waits for it */
};

/* Who finds this worker dead knows then what to abort. */
static void
note_sent(struct cos_upload *u)
{
	if (u->live == NULL)
		u->live = cos_live_new(u->client->set.share,
		    u->client->set.slot, u->bucket, u->key, false);
	if (u->live == NULL) {
		log_line(u->client->log, LOG_LEVEL_WARNING, "%s upload of "
		    "%s%s is not in the table of uploads: it is full",
		    u->who, u->bucket->at, u->key);
		return;
	}
	u->live->since = u->init_since;
	u->live->state = LIVE_SENT;
}

static void
note_id(struct cos_upload *u)
{
	if (u->live == NULL)
		return;
	memcpy(u->live->id, u->id, sizeof(u->live->id));
	u->live->state = LIVE_HAVE;
}

void
cos_upload_describe(const struct cos_upload *u, struct cos_call *c)
{
	const struct conf_account *a = u->bucket->account;

	if (u->meta.n > 0)
		cos_meta_put(&u->meta, c);
	else if (a->content_type)
		cos_call_header(c, "Content-Type", cos_mime(u->key));
	if (u->old.etag[0] == '\0')	/* else it keeps its class */
		cos_call_header(c, COS_CLASS, a->storage_class);
	if (u->old.encryption[0] == '\0')
		cos_call_header(c, COS_SSE, a->encryption);
}

void
cos_upload_initiate(struct cos_upload *u)
{
	struct cos_call c = { .op = "InitiateMultipartUpload",
	    .method = "POST", .key = u->key, .need = COS_NEED_UPLOAD_ID,
	    .once = true, .patience = &u->patience };
	struct cos_fault f;

	cos_call_param(&c, "uploads", "");
	cos_upload_describe(u, &c);
	u->init = INIT_SENT;
	if (u->init_tries++ == 0)
		u->init_began = net_now(u->task.loop);
	u->init_since = (int64_t)time(NULL) - 2;
	note_sent(u);
	u->init_request = cos_request_new(u->bucket, &c, u->who, &u->task);
	if (u->init_request == NULL) {
		u->init = INIT_NONE;
		cos_fault_set(&f, COS_UNAVAILABLE, "out of memory");
		cos_upload_fail(u, &f);
	}
}

static void
init_failed(struct cos_upload *u)
{
	struct cos_fault f = *cos_request_fault(u->init_request);
	bool lost = cos_request_unanswered(u->init_request);

	cos_request_free(u->init_request);
	u->init_request = NULL;
	u->init = INIT_NONE;
	if (u->live != NULL)
		u->live->state = lost ? LIVE_LOST : LIVE_CLAIM;
	if (!lost) {
		cos_upload_fail(u, &f);
		return;
	}
	u->fault = f;
	u->init = INIT_CLEAN;
	u->abort = cos_abort_new(u->bucket, u->key, NULL, u->init_since,
	    u->who, &u->task);
	if (u->abort == NULL) {
		cos_upload_fail(u, &f);
		return;
	}
	u->init_at = net_now(u->task.loop) + CLEAN_MS;
	net_task_deadline(&u->task, CLEAN_MS);
}

void
cos_upload_init_step(struct cos_upload *u)
{
	struct cos_fault f = u->fault;

	if (u->init == INIT_SENT) {
		switch (cos_request_state(u->init_request)) {
		case COS_BUSY:
			return;
		case COS_FAILED:
			init_failed(u);
			return;
		case COS_DONE:
			snprintf(u->id, sizeof(u->id), "%s",
			    cos_request_answer(u->init_request)->upload_id);
			cos_request_free(u->init_request);
			u->init_request = NULL;
			u->init = INIT_HAVE;
			note_id(u);
			u->fault.cause = COS_OK;	/* of a lost answer */
		}
	} else if (u->init == INIT_CLEAN && !cos_abort_done(u->abort)) {
		if (net_now(u->task.loop) >= u->init_at)
			cos_upload_fail(u, &f);	/* it goes on all the same */
	} else if (u->init == INIT_CLEAN) {
		cos_abort_free(u->abort);
		u->abort = NULL;
		u->init = INIT_NONE;
		if (u->live != NULL)
			u->live->state = LIVE_CLAIM;
		if (u->init_tries >= INIT_TRIES || net_now(u->task.loop) -
		    u->init_began > INIT_MS) {
			cos_upload_fail(u, &f);
			return;
		}
		u->init = INIT_PAUSE;
		u->init_at = net_now(u->task.loop) +
		    (COS_UPLOAD_PAUSE_MS << u->init_tries);
	}
}
