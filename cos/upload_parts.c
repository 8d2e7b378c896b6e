/*
 * cos/upload_parts.c - the multipart upload while it runs: parts sent from
 * their buffers, their checksums matched.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "upload_int.h"

enum {
	DEPTH_FIRST = 4,	/* before any part has been confirmed */
	UNSENT_MAX = 2,		/* what 226 has to wait for at the end */
	PART_TRIES = 3,		/* of one part whose checksum is wrong */
	SEAL_MIN = 1024 * 1024,	/* COS takes no smaller part but the last */
	PARTS_MAX = 10000
};

static int
max_flight(const struct cos_upload *u)
{
	int n = u->client->set.parts_in_flight;

	if (n > 0)
		return n;
	return u->part_ms > 0 ? cos_part_depth(u->part_ms) : DEPTH_FIRST;
}

static int64_t
target_of(const struct cos_upload *u, int number)
{
	const struct cos_client_settings *s = &u->client->set;
	int64_t size = cos_part_size(number, s->min_part, s->max_file);
	int64_t most = s->memory_limit - u->bucket->overhead;
	int64_t known = cos_part_announced(number, u->req.size,
	    s->memory_limit);

	if (size < known)
		size = known;
	return size < most ? size : most;
}

/* The first bytes move into the first part. */
static bool
take_starter(struct cos_upload *u)
{
	size_t done, room;
	char *to;

	for (done = 0; done < u->starter_len; done += room) {
		to = cos_part_room(u->filling, u->client->budget, &room);
		if (to == NULL)
			return false;
		if (room > u->starter_len - done)
			room = u->starter_len - done;
		memcpy(to, u->starter + done, room);
		cos_part_wrote(u->filling, room);
	}
	cos_starter_free(u->client->budget, u->starter);
	u->starter = NULL;
	u->starter_len = 0;
	return true;
}

/* Makes sure that u->filling has room; false: the owner waits (for memory or
 * for a part to be confirmed) or the upload has failed. */
bool
cos_upload_new_part(struct cos_upload *u)
{
	struct cos_fault f;
	int64_t size;

	if (u->filling != NULL)
		return true;
	if (u->nheld > max_flight(u) || u->nheld - u->nflight >= UNSENT_MAX)
		return false;
	if (u->nparts >= PARTS_MAX) {
		cos_fault_set(&f, COS_TOO_LARGE, "more than 10,000 parts");
		cos_upload_fail(u, &f);
		return false;
	}
	if (u->reserve.queued)
		return false;
	size = target_of(u, u->nparts + 1) + u->bucket->overhead;
	if (!u->reserve.granted &&
	    !cos_budget_ask(u->client->budget, &u->reserve, size))
		return false;
	u->filling = cos_part_new(u->nparts + 1,
	    (size_t)(u->reserve.bytes - u->bucket->overhead),
	    u->reserve.bytes);
	if (u->filling == NULL) {
		cos_fault_set(&f, COS_UNAVAILABLE, "out of memory");
		cos_upload_fail(u, &f);
		return false;
	}
	u->reserve.granted = false;
	u->nparts++;
	if (u->starter_len == 0 || take_starter(u))
		return true;
	cos_fault_set(&f, COS_UNAVAILABLE, "out of memory");
	cos_upload_fail(u, &f);
	return false;
}

/* Somebody waits for memory: end this part now, if the parts left over can
 * still hold the largest file allowed. */
bool
cos_upload_may_seal_early(const struct cos_upload *u)
{
	int64_t cover = 0;
	int i;

	if (!cos_budget_pressed(u->client->budget) ||
	    u->filling->len < SEAL_MIN)
		return false;
	for (i = u->nparts + 1; i <= PARTS_MAX; i++)
		cover += target_of(u, i);
	return cover >= u->client->set.max_file - u->total;
}

static void
push_sealed(struct cos_upload *u, struct cos_part *p)
{
	p->next = NULL;
	*u->sealed_end = p;
	u->sealed_end = &p->next;
	u->nheld++;
}

void
cos_upload_seal(struct cos_upload *u)
{
	struct cos_part *p = u->filling;
	int64_t over = (int64_t)(p->target - p->len);

	u->filling = NULL;
	p->reserved -= over;
	push_sealed(u, p);
	u->multipart = true;
	if (over > 0)
		cos_budget_give(u->client->budget, over);
	if (u->init == INIT_NONE)
		cos_upload_initiate(u);
}

void
cos_upload_queue_copy(struct cos_upload *u, int64_t from, int64_t len)
{
	struct cos_part *p = cos_part_new(++u->nparts, 0, 0);
	struct cos_fault f;

	if (p == NULL) {
		cos_fault_set(&f, COS_UNAVAILABLE, "out of memory");
		cos_upload_fail(u, &f);
		return;
	}
	p->copy = true;
	p->copy_len = len;
	snprintf(p->range, sizeof(p->range), "bytes=%" PRId64 "-%" PRId64,
	    from, from + len - 1);
	push_sealed(u, p);
}

/* ---- sending ---- */

static bool
send_part(struct cos_upload *u, struct cos_part *p)
{
	struct cos_call c = { .op = "UploadPart", .method = "PUT",
	    .key = u->key, .body = p->iov, .nbody = p->niov,
	    .need = COS_NEED_ETAG, .patience = &u->patience,
	    .patient = true };
	struct net_buf source = { .max = 4 * COS_KEY_MAX };

	cos_call_param(&c, "partNumber", p->number_text);
	cos_call_param(&c, "uploadId", u->id);
	p->tries++;
	p->sent_at = net_now(u->task.loop);
	if (p->copy) {
		c.op = "UploadPartCopy";
		c.inside = p->copy_len;
		cos_copy_source(&source, u->bucket, u->source);
		if (source.failed) {
			net_buf_free(&source);
			return false;
		}
		free(p->source);
		p->source = source.data;	/* outlives the request */
		cos_call_header(&c, "x-cos-copy-source", p->source);
		cos_call_header(&c, "x-cos-copy-source-range", p->range);
		cos_call_header(&c, "x-cos-copy-source-If-Match",
		    u->old.etag);
	}
	p->request = cos_request_new(u->bucket, &c, u->who, &u->task);
	return p->request != NULL;
}

static void
send_parts(struct cos_upload *u)
{
	struct cos_part *p;
	struct cos_fault f;

	while (u->nflight < max_flight(u) && (p = u->sealed) != NULL) {
		u->sealed = p->next;
		if (u->sealed == NULL)
			u->sealed_end = &u->sealed;
		p->next = u->flight;
		u->flight = p;
		u->nflight++;
		if (!send_part(u, p)) {
			cos_fault_set(&f, COS_UNAVAILABLE, "out of memory");
			cos_upload_fail(u, &f);
			return;
		}
	}
}

/* What a part's CRC must be: of our own bytes, or of an object copied whole;
 * false: not known. */
static bool
part_crc(const struct cos_upload *u, const struct cos_part *p, uint64_t *crc)
{
	*crc = p->copy ? u->old.crc : p->crc;
	return !p->copy || (u->old.has_crc && p->copy_len == u->old.size);
}

static bool
remember(struct cos_upload *u, const struct cos_part *p,
    const struct cos_answer *a)
{
	struct cos_done_part *d;
	size_t cap = u->done_cap > 0 ? u->done_cap : 16;

	while (cap < (size_t)p->number)
		cap *= 2;
	if (cap > u->done_cap) {
		d = realloc(u->done, cap * sizeof(*d));
		if (d == NULL)
			return false;
		memset(d + u->done_cap, 0, (cap - u->done_cap) * sizeof(*d));
		u->done = d;
		u->done_cap = cap;
	}
	d = &u->done[p->number - 1];
	d->etag = strdup(a->etag);
	d->copy = p->copy;
	d->len = p->copy ? p->copy_len : (int64_t)p->len;
	d->has_crc = part_crc(u, p, &d->crc);
	if (!d->has_crc && a->has_crc) {
		d->has_crc = true;
		d->crc = a->crc;
	}
	return d->etag != NULL;
}

/* One confirmed part; false when the upload failed over it. */
static bool
part_confirmed(struct cos_upload *u, struct cos_part *p)
{
	const struct cos_answer *a = cos_request_answer(p->request);
	struct cos_fault f;
	uint64_t crc;
	int64_t ms;

	if (a->has_crc && part_crc(u, p, &crc) && a->crc != crc) {
		cos_fault_set(&f, COS_CORRUPT, "part %d: COS has CRC-64 %"
		    PRIu64 ", it should be %" PRIu64, p->number, a->crc, crc);
		log_line(u->client->log, LOG_LEVEL_ERROR, "%s UploadPart "
		    "%s%s: %s", u->who, u->bucket->at, u->key,
		    f.text);
		cos_request_free(p->request);
		p->request = NULL;
		if (p->tries < PART_TRIES && send_part(u, p))
			return true;
		cos_upload_fail(u, &f);
		return false;
	}
	ms = net_now(u->task.loop) - p->sent_at + 1;
	if (!p->copy)
		u->part_ms = u->part_ms > 0 ? (3 * u->part_ms + ms) / 4 : ms;
	if (!remember(u, p, a)) {
		cos_fault_set(&f, COS_UNAVAILABLE, "out of memory");
		cos_upload_fail(u, &f);
		return false;
	}
	return true;
}

static void
collect_parts(struct cos_upload *u)
{
	struct cos_part **at = &u->flight, *p;
	struct cos_fault f;

	while ((p = *at) != NULL) {
		switch (cos_request_state(p->request)) {
		case COS_BUSY:
			at = &p->next;
			break;
		case COS_FAILED:
			f = *cos_request_fault(p->request);
			cos_upload_fail(u, &f);
			return;
		case COS_DONE:
			if (!part_confirmed(u, p))
				return;
			if (u->done_cap < (size_t)p->number ||
			    u->done[p->number - 1].etag == NULL) {
				at = &p->next;	/* being sent again */
				break;
			}
			*at = p->next;
			u->nflight--;
			u->nheld--;
			cos_part_free(p, u->client->budget);
		}
	}
}

/* By the clock, not by the wake-up: that may come in another state. */
static void
pause_step(struct cos_upload *u)
{
	int64_t left = u->init_at - net_now(u->task.loop);

	if (left > 0)
		net_task_deadline(&u->task, left);
	else
		cos_upload_initiate(u);
}

void
cos_upload_pump(struct cos_upload *u)
{
	if (u->init == INIT_SENT || u->init == INIT_CLEAN)
		cos_upload_init_step(u);
	if (u->init == INIT_PAUSE)
		pause_step(u);
	if (u->state != U_RECEIVE && u->state != U_DRAIN)
		return;
	collect_parts(u);
	if (u->state != U_RECEIVE && u->state != U_DRAIN)
		return;
	if (u->init == INIT_HAVE)
		send_parts(u);
	if (u->state != U_DRAIN || u->nheld > 0 || u->init != INIT_HAVE)
		return;
	if (u->cut)
		cos_upload_complete(u);
	else if (u->orphan)
		cos_upload_abort(u);
	else
		cos_upload_enter(u, U_ASK);
}

void
cos_upload_drop_parts(struct cos_upload *u)
{
	struct cos_budget *b = u->client->budget;
	struct cos_part *p;

	cos_budget_cancel(b, &u->reserve);
	cos_part_free(u->filling, b);
	u->filling = NULL;
	cos_starter_free(b, u->starter);
	u->starter = NULL;
	u->starter_len = 0;
	while ((p = u->sealed) != NULL) {
		u->sealed = p->next;
		cos_part_free(p, b);
	}
	while ((p = u->flight) != NULL) {
		u->flight = p->next;
		cos_part_free(p, b);
	}
	u->sealed_end = &u->sealed;
	u->nflight = u->nheld = 0;
}

/* Of an old object that stays whole its own CRC counts, and not what is said of
 * its copies: all of them together might be something else. */
bool
cos_upload_whole_crc(const struct cos_upload *u, uint64_t *crc)
{
	bool whole = u->old.has_crc && u->old_len == u->old.size;
	int i;

	*crc = 0;
	for (i = 0; i < u->nparts; i++) {
		const struct cos_done_part *d = &u->done[i];

		if (whole && d->copy)
			*crc = u->old.crc;
		else if (d->has_crc)
			*crc = cos_crc64_combine(*crc, d->crc, d->len);
		else
			return false;
	}
	return true;
}
