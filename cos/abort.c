/*
 * cos/abort.c - end a multipart upload for sure.
 *
 * With an id: Abort, and again until COS says NoSuchUpload, as a part that
 * was still arriving may outlive the first one.  Without (the answer to
 * Initiate was lost): list the uploads of that key and abort those begun
 * in between that no live upload of ours owns.  Other tools share the bucket,
 * so nothing else is touched, and none when it could be one of several that
 * are not all ours.
 */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "share_int.h"

enum {
	AGAIN_MAX = 3,
	WAIT_MS = 1000,
	WAITS_MAX = 60,
	RESTS_MAX = 20,		/* a quarter of an hour */
	MALFORMED_MAX = 3,	/* it may make no sense for ever */
	WAY_MAX_S = 10,		/* of an answer */
	REST_MAX_MS = 64 * 1000
};

enum state { A_FIND, A_WAIT, A_ABORT, A_DONE };

struct cos_abort {
	struct net_task task;
	struct net_task *owner;
	struct cos_bucket *bucket;
	const char *who;
	char key[COS_KEY_MAX + 2];
	char id[COS_UPLOAD_ID_MAX];
	int64_t since;
	enum state state, after;	/* after: A_WAIT */
	int rests;
	bool finding;			/* go back to A_FIND after an abort */
	bool looked;			/* and found nothing, once */
	int again, found;
	bool ended, left;		/* one was; one could not be, or none
					 * was found for sure */
	int64_t until;			/* begun later: not of that call */
	int64_t asked_at;		/* ms; the list */
	int candidates, lost;		/* of one listing; ours without an id */
	bool unsure;			/* or one that gets its id just now */
	int waits;
	struct cos_request *request;
	struct cos_uploads *list;	/* owned, while finding */
	char chosen[COS_UPLOAD_ID_MAX];
};

static void
done(struct cos_abort *a)
{
	a->state = A_DONE;
	net_task_wake(a->owner);
}

static void
wait(struct cos_abort *a, enum state after, int64_t ms)
{
	a->state = A_WAIT;
	a->after = after;
	net_task_deadline(&a->task, ms);
}

static void
send_abort(struct cos_abort *a)
{
	struct cos_call c = { .op = "AbortMultipartUpload",
	    .method = "DELETE", .key = a->key, .quiet_404 = true,
	    .always = true };

	cos_call_param(&c, "uploadId", a->id);
	cos_request_free(a->request);
	a->request = cos_request_new(a->bucket, &c, a->who, &a->task);
	a->state = A_ABORT;
	if (a->request == NULL)		/* out of memory */
		wait(a, A_ABORT, WAIT_MS);
}

static void
send_find(struct cos_abort *a)
{
	cos_request_free(a->request);
	a->request = NULL;
	cos_uploads_free(a->list);
	a->list = cos_uploads_new(a->bucket, a->key, a->who, &a->task);
	a->asked_at = net_now(a->task.loop);
	a->state = A_FIND;
	a->chosen[0] = '\0';
	a->candidates = 0;
	a->unsure = false;
	if (a->list == NULL)
		wait(a, A_FIND, WAIT_MS);
}

/* The answer that named it tells how far the store's clock is off: far too
 * little for a bad signature may be too much here.  It may have been on its way
 * since it was asked for; but who was told of a failure begins anew, perhaps
 * by another server, and that upload is not touched. */
static void
consider(struct cos_abort *a, const struct cos_pending *p)
{
	int64_t begun = p->begun - a->bucket->ahead;
	int64_t late = (net_now(a->task.loop) - a->asked_at) / 1000;
	struct cos_live_seen seen;

	if (strcmp(p->key, a->key) != 0 || begun < a->since ||
	    begun - (late < WAY_MAX_S ? late : WAY_MAX_S) > a->until)
		return;
	cos_live_look(a->bucket->client->set.share, a->bucket, a->key, p->id,
	    &seen);
	if (seen.ours)
		return;
	a->unsure |= seen.waiting;
	a->lost = seen.lost;
	memcpy(a->chosen, p->id, sizeof(a->chosen));
	a->candidates++;
}

/* The store is in trouble; what was begun there must not stay.  false: it
 * will not change, or there were enough tries. */
static bool
rest(struct cos_abort *a, const struct cos_fault *f, enum state after)
{
	if (!cos_fault_retry(f) || a->rests >= (f->cause == COS_MALFORMED ?
	    MALFORMED_MAX : RESTS_MAX))
		return false;
	wait(a, after, cos_pause_ms(WAIT_MS, a->rests++, REST_MAX_MS));
	return true;
}

static void
find_step(struct cos_abort *a)
{
	const struct cos_pending *p;

	while ((p = cos_uploads_next(a->list)) != NULL)
		consider(a, p);
	if (cos_uploads_state(a->list) == COS_BUSY)
		return;
	if (cos_uploads_state(a->list) == COS_FAILED) {
		if (rest(a, cos_uploads_fault(a->list), A_FIND))
			return;
		log_line(a->bucket->client->log, LOG_LEVEL_ERROR,
		    "%s an upload of %s%s may be left unfinished, as an "
		    "answer was lost: %s", a->who,
		    a->bucket->at, a->key,
		    cos_uploads_fault(a->list)->text);
		a->left = true;
		done(a);
	} else if (a->unsure && a->waits++ < WAITS_MAX) {
		wait(a, A_FIND, WAIT_MS);
	} else if (a->unsure || (a->candidates > 1 && a->candidates > a->lost)) {
		log_line(a->bucket->client->log, LOG_LEVEL_ERROR,
		    "%s %d uploads of %s%s were begun when an answer was "
		    "lost; none is aborted, as only one is ours", a->who,
		    a->candidates, a->bucket->at, a->key);
		a->left = true;
		done(a);
	} else if (a->chosen[0] != '\0' && a->found++ < 100) {
		memcpy(a->id, a->chosen, sizeof(a->id));
		a->again = 0;
		send_abort(a);
	} else if (!a->ended && !a->looked) {
		a->looked = true;	/* it may be carried out only now */
		wait(a, A_FIND, WAIT_MS);
	} else {
		done(a);
	}
}

/* The id is all that is needed to end it by hand. */
static void
judge(struct cos_abort *a)
{
	const struct cos_fault *f = cos_request_fault(a->request);

	a->ended = cos_request_state(a->request) == COS_DONE ||
	    f->status == 404;
	a->left |= !a->ended;
	if (!a->ended)
		log_line(a->bucket->client->log, LOG_LEVEL_ERROR,
		    "%s upload of %s%s is left unfinished, upload id %s",
		    a->who, a->bucket->at, a->key, a->id);
}

static void
step(struct net_task *t, unsigned why)
{
	struct cos_abort *a = (struct cos_abort *)t;

	if (a->state == A_FIND)
		find_step(a);
	else if (a->state == A_WAIT && (why & NET_TIMEOUT))
		a->after == A_FIND ? send_find(a) : send_abort(a);
	if (a->state != A_ABORT || cos_request_state(a->request) == COS_BUSY)
		return;
	if (cos_request_state(a->request) == COS_FAILED &&
	    rest(a, cos_request_fault(a->request), A_ABORT))
		return;
	judge(a);
	if (cos_request_state(a->request) == COS_DONE &&
	    ++a->again < AGAIN_MAX)
		send_abort(a);		/* until it says NoSuchUpload */
	else if (a->finding)
		send_find(a);
	else
		done(a);
}

struct cos_abort *
cos_abort_new(struct cos_bucket *b, const char *key, const char *id,
    int64_t since, const char *who, struct net_task *owner)
{
	struct cos_abort *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	net_task_init(&a->task, b->client->loop, step);
	a->owner = owner;
	a->bucket = b;
	a->who = who;
	a->since = since;
	a->until = (int64_t)time(NULL) + 2;
	a->finding = id == NULL;
	snprintf(a->key, sizeof(a->key), "%s", key);
	if (id != NULL) {
		snprintf(a->id, sizeof(a->id), "%s", id);
		send_abort(a);
		return a;
	}
	send_find(a);
	return a;
}

bool
cos_abort_done(const struct cos_abort *a)
{
	return a->state == A_DONE;
}

bool
cos_abort_succeeded(const struct cos_abort *a)
{
	return a->ended && !a->left;
}

void
cos_abort_free(struct cos_abort *a)
{
	if (a == NULL)
		return;
	cos_request_free(a->request);
	cos_uploads_free(a->list);
	net_task_end(&a->task);
	free(a);
}
