/*
 * cos/upload.c - an upload as its owner sees it, and its step function.
 *
 * Bytes are received straight into part buffers.  A small object is one PUT;
 * a larger one goes out in parts while the rest arrives.  DONE is only said
 * when COS has confirmed the object and its checksum; every other way out
 * ends in an abort that has been confirmed.  An upload freed before its end
 * lives on as an orphan until nothing of it is pending in the bucket.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "upload_int.h"

static void
unlink_and_free(struct cos_upload *u)
{
	struct cos_client *c = u->client;
	struct cos_upload **p;
	size_t i;

	for (p = &c->uploads; *p != u; p = &(*p)->next)
		;
	*p = u->next;
	cos_live_free(u->live);
	cos_upload_drop_parts(u);
	cos_request_free(u->init_request);
	cos_request_free(u->request);
	cos_abort_free(u->abort);
	for (i = 0; i < u->done_cap; i++)
		free(u->done[i].etag);
	free(u->done);
	cos_meta_free(&u->meta);
	net_buf_free(&u->body);
	net_task_end(&u->task);
	if (u->orphan && --c->norphans == 0 && c->inherit == NULL)
		net_task_wake(c->waiting);
	free(u);
}

void
cos_upload_enter(struct cos_upload *u, enum cos_upload_step state)
{
	u->state = state;
	if (state >= U_DONE) {
		cos_live_free(u->live);
		u->live = NULL;
	}
	net_task_wake(u->owner);
	if (u->orphan)
		net_task_wake(&u->task);	/* frees itself at the end */
}

void
cos_upload_fail(struct cos_upload *u, const struct cos_fault *f)
{
	u->fault = *f;
	cos_upload_abort(u);
}

static void
step(struct net_task *t, unsigned why)
{
	struct cos_upload *u = (struct cos_upload *)t;

	switch (u->state) {
	case U_OLD_HEAD:
	case U_OLD_READ:
		cos_upload_old_step(u);
		break;
	case U_RECEIVE:
		cos_upload_pump(u);
		if (u->state == U_RECEIVE)
			net_task_wake(u->owner);	/* perhaps room */
		break;
	case U_DRAIN:
		cos_upload_pump(u);
		break;
	case U_PAUSE:
		if (why & NET_TIMEOUT)
			cos_upload_complete(u);
		break;
	case U_ASK:
		break;
	case U_CUT_HEAD:
	case U_PUT:
	case U_COMPLETE:
	case U_SETTLE:
	case U_ABORT:
		cos_upload_end_step(u, why & NET_TIMEOUT);
		break;
	case U_DONE:
	case U_FAILED:
		break;
	}
	if (u->orphan && u->state >= U_DONE)
		unlink_and_free(u);
}

/* Two that build on the same old object would lose one's bytes. */
static bool
claim(struct cos_upload *u)
{
	struct cos_share *share = u->client->set.share;
	struct cos_fault f;

	u->live = cos_live_new(share, u->client->set.slot, u->bucket, u->key,
	    true);
	if (u->live != NULL && !cos_live_contended(share, u->live))
		return true;
	if (u->live == NULL)
		cos_fault_set(&f, COS_UNAVAILABLE, "too many uploads at once");
	else
		cos_fault_set(&f, COS_IN_USE, "another session is changing "
		    "it");
	cos_upload_fail(u, &f);
	return false;
}

struct cos_upload *
cos_upload_new(struct cos_bucket *b, const char *key,
    const struct cos_upload_request *req, const char *who,
    struct net_task *owner)
{
	struct cos_upload *u = calloc(1, sizeof(*u));

	if (u == NULL)
		return NULL;
	net_task_init(&u->task, b->client->loop, step);
	u->owner = owner;
	u->client = b->client;
	u->bucket = b;
	u->req = *req;
	u->forbid = req->no_overwrite;
	u->reserve.owner = &u->task;
	u->sealed_end = &u->sealed;
	snprintf(u->key, sizeof(u->key), "%s", key);
	snprintf(u->who, sizeof(u->who), "%s", who);
	snprintf(u->source, sizeof(u->source), "%s",
	    req->copy_from != NULL ? req->copy_from : key);
	snprintf(u->if_match, sizeof(u->if_match), "%s",
	    req->if_match != NULL ? req->if_match : "");
	u->next = b->client->uploads;
	b->client->uploads = u;
	u->state = U_RECEIVE;
	if ((req->mode == COS_APPEND ||
	    (req->mode == COS_RESUME && req->offset > 0)) && claim(u))
		cos_upload_old_start(u);
	return u;
}

bool
cos_upload_ready(const struct cos_upload *u)
{
	return u->state >= U_RECEIVE && u->state != U_ABORT &&
	    u->state != U_FAILED;
}

/* Only a new object begins with the starter. */
static bool
has_starter(struct cos_upload *u)
{
	if (u->filling != NULL || u->nparts > 0 || u->old_len > 0 ||
	    u->starter_len == COS_STARTER)
		return false;
	if (u->starter == NULL)
		u->starter = cos_starter_new(u->client->budget);
	return u->starter != NULL;
}

void *
cos_upload_room(struct cos_upload *u, size_t *room)
{
	struct cos_fault f;
	void *p;

	*room = 0;
	if (u->state != U_RECEIVE)
		return NULL;
	if (has_starter(u)) {
		*room = COS_STARTER - u->starter_len;
		return u->starter + u->starter_len;
	}
	if (!cos_upload_new_part(u))
		return NULL;
	p = cos_part_room(u->filling, u->client->budget, room);
	if (p == NULL) {	/* nobody would ring when there is memory */
		cos_fault_set(&f, COS_UNAVAILABLE, "out of memory");
		cos_upload_fail(u, &f);
	}
	return p;
}

void
cos_upload_wrote(struct cos_upload *u, size_t n)
{
	struct cos_fault f;

	if (u->filling != NULL)
		cos_part_wrote(u->filling, n);
	else
		u->starter_len += n;
	u->total += (int64_t)n;
	if (u->total > u->client->set.max_file) {
		cos_fault_set(&f, COS_TOO_LARGE, "larger than "
		    "single_file_max_size = %lld bytes",
		    (long long)u->client->set.max_file);
		log_line(u->client->log, LOG_LEVEL_ERROR,
		    "%s upload of %s%s: %s", u->who,
		    u->bucket->at, u->key, f.text);
		cos_upload_fail(u, &f);
	} else if (u->filling != NULL &&
	    (u->filling->len == u->filling->target ||
	    cos_upload_may_seal_early(u))) {
		cos_upload_seal(u);
		cos_upload_pump(u);
	}
}

void
cos_upload_finish(struct cos_upload *u)
{
	if (u->state != U_RECEIVE)
		return;
	cos_budget_cancel(u->client->budget, &u->reserve);
	if (!u->multipart) {
		if (u->cut)
			cos_upload_put(u);
		else
			cos_upload_enter(u, U_ASK);
		return;
	}
	if (u->filling != NULL && u->filling->len > 0) {
		cos_upload_seal(u);
	} else if (u->filling != NULL) {
		cos_part_free(u->filling, u->client->budget);
		u->filling = NULL;
		u->nparts--;
	}
	log_line(u->client->log, LOG_LEVEL_DEBUG, "%s upload of %s%s: all "
	    "received, parts not sent yet: %d, under way: %d", u->who,
	    u->bucket->at, u->key, u->nheld - u->nflight,
	    u->nflight);
	cos_upload_enter(u, U_DRAIN);
	cos_upload_pump(u);
}

void
cos_upload_cut(struct cos_upload *u, bool keep)
{
	struct cos_call c = { .op = "HeadObject", .method = "HEAD",
	    .key = u->key, .quiet_404 = true,
	    .need = COS_NEED_ETAG };

	if (u->state > U_RECEIVE && u->state != U_ASK)
		return;
	u->cut = true;
	if (!keep || (u->state != U_RECEIVE && u->state != U_ASK) ||
	    u->total <= u->old_len) {
		cos_upload_abort(u);
	} else if (u->old_len > 0) {
		/* Our own resume or append: never shorter than before. */
		if (u->total < u->old.size) {
			cos_upload_abort(u);
			return;
		}
		u->kept = true;
		u->state = U_RECEIVE;
		cos_upload_finish(u);
	} else {
		u->request = cos_request_new(u->bucket, &c, u->who, &u->task);
		if (u->request == NULL)
			cos_upload_abort(u);
		else
			cos_upload_enter(u, U_CUT_HEAD);
	}
}

bool
cos_upload_asks(const struct cos_upload *u)
{
	return u->state == U_ASK;
}

void
cos_upload_confirm(struct cos_upload *u)
{
	if (u->state != U_ASK)
		return;
	if (u->multipart)
		cos_upload_complete(u);
	else
		cos_upload_put(u);
}

bool
cos_upload_well(const struct cos_upload *u)
{
	return u->stored || (u->cut && u->fault.cause == COS_OK);
}

bool
cos_upload_kept(const struct cos_upload *u)
{
	return u->kept && u->stored;
}

enum cos_state
cos_upload_state(const struct cos_upload *u)
{
	if (u->state == U_DONE || (u->late && cos_upload_well(u)))
		return COS_DONE;
	return u->state == U_FAILED || u->late ? COS_FAILED : COS_BUSY;
}

const struct cos_object *
cos_upload_object(const struct cos_upload *u)
{
	return &u->object;
}

const struct cos_fault *
cos_upload_fault(const struct cos_upload *u)
{
	return &u->fault;
}

int64_t
cos_upload_size(const struct cos_upload *u)
{
	return u->total;
}

void
cos_upload_free(struct cos_upload *u)
{
	if (u == NULL)
		return;
	u->owner = NULL;
	if (u->state >= U_DONE) {
		unlink_and_free(u);
		return;
	}
	u->orphan = true;
	u->client->norphans++;
	if (u->state <= U_CUT_HEAD)
		cos_upload_abort(u);	/* a PUT or Complete is awaited */
}

size_t
cos_client_pending(const struct cos_client *c, struct net_task *t)
{
	((struct cos_client *)(uintptr_t)c)->waiting = t;
	return c->norphans + (c->inherit != NULL);
}

void
cos_client_give_up(struct cos_client *c)
{
	const struct cos_upload *u;

	for (u = c->uploads; u != NULL; u = u->next)
		if (u->init != INIT_NONE && u->init != INIT_PAUSE &&
		    u->state < U_DONE)
			log_line(c->log, LOG_LEVEL_WARNING,
			    "%s upload of %s%s is left %s, upload id %s",
			    u->who, u->bucket->at, u->key,
			    u->state >= U_COMPLETE && u->state <= U_PAUSE ?
			    "while COS completes it" : "unfinished",
			    u->id[0] != '\0' ? u->id : "unknown");
}

void
cos_uploads_drop(struct cos_client *c)
{
	while (c->uploads != NULL)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it is unlinked */
		unlink_and_free(c->uploads);
}

static int64_t
overhead(const struct cos_client_settings *s)
{
	return s->https ? (int64_t)tls_bytes_max() : 0;
}

int64_t
cos_memory_needed(const struct cos_client_settings *s)
{
	return cos_part_size(10000, s->min_part, s->max_file) + overhead(s);
}

int64_t
cos_largest_file(const struct cos_client_settings *s)
{
	int64_t sum = 0, most = s->memory_limit - overhead(s), size;
	int i;

	for (i = 1; i <= 10000; i++) {
		size = cos_part_size(i, s->min_part, s->max_file);
		sum += size < most ? size : most;
	}
	return sum < s->max_file ? sum : s->max_file;
}
