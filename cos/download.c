/*
 * cos/download.c - an object as a stream of bytes in order, read in pieces.
 *
 * The first ranged GET tells size and ETag, so nothing is asked before, and a
 * small object is that one request.  Further pieces are asked for ahead
 * (ahead.c says how many); they are given out in order.  An object that
 * changed meanwhile is an error, never a mixture.  DONE means: the right
 * number of bytes, and the right CRC-64 where the whole object was read and
 * COS knows it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "download_int.h"

enum {
	FIRST = 1024 * 1024,		/* the first piece */
	LAZY = 4 * 1024 * 1024,		/* pieces that are not read ahead */
	REST_MS = 3000			/* of a client, while uploads wait */
};

static void
drop_pieces(struct cos_download *d)
{
	struct cos_piece *p;

	while ((p = d->first) != NULL) {
		d->first = p->next;
		cos_piece_free(p);
	}
	d->npieces = 0;
}

static void
finish(struct cos_download *d, const struct cos_fault *f)
{
	if (f != NULL)
		d->fault = *f;
	d->done = f == NULL;
	d->failed = f != NULL;
	drop_pieces(d);			/* f may be one's */
	net_task_deadline(&d->task, -1);
	net_task_wake(d->owner);
}

static void
fail_memory(struct cos_download *d)
{
	struct cos_fault f;

	cos_fault_set(&f, COS_UNAVAILABLE, "out of memory");
	finish(d, &f);
}

static bool
add_piece(struct cos_download *d, int64_t len, int64_t reserved)
{
	struct cos_piece **last = &d->first;
	struct cos_piece *p = cos_piece_new(d, d->next_from, len, reserved);

	if (p == NULL) {
		cos_budget_give(d->bucket->client->budget, reserved);
		fail_memory(d);
		return false;
	}
	while (*last != NULL)
		last = &(*last)->next;
	*last = p;
	d->npieces++;
	d->next_from += len;
	return true;
}

/* Asks for pieces up to the depth; those to be read ahead need memory, and
 * leave a quarter of it to uploads. */
static void
ask_ahead(struct cos_download *d)
{
	struct cos_budget *b = d->bucket->client->budget;
	bool lazy = d->depth <= COS_AHEAD_LAZY;
	int64_t left, len, reserve;

	while (!d->failed && d->known && d->npieces < d->depth &&
	    (left = d->object.size - d->next_from) > 0) {
		len = lazy ? LAZY : d->piece_size;
		if (len > left)
			len = left;
		reserve = lazy || d->npieces == 0 ? 0 :
		    len + d->bucket->overhead;
		if (reserve > 0 && !cos_budget_try(b, reserve)) {
			if (d->npieces >= COS_AHEAD_LAZY)
				return;
			reserve = 0;
		}
		if (!add_piece(d, len, reserve))
			return;
	}
}

/* Uploads wait for memory, and the client rests: what was read ahead for it
 * is given up and asked for again when it reads on.  Returns the time until
 * then, -1 when there is nothing to give. */
static int64_t
make_room(struct cos_download *d)
{
	int64_t left = d->began + REST_MS - net_now(d->task.loop);
	const struct cos_piece *p = d->first;

	while (p != NULL && p->reserved == 0)
		p = p->next;
	if (p == NULL || !cos_budget_pressed(d->bucket->client->budget))
		return -1;
	if (left > 0)
		return left;
	drop_pieces(d);
	d->next_from = d->at;
	d->depth = COS_AHEAD_LAZY;
	d->began = net_now(d->task.loop);
	ask_ahead(d);
	return -1;
}

/* ---- the first piece of all ---- */

static void
ask_head(struct cos_download *d)
{
	d->head = cos_head_new(d->bucket, d->key, d->who, &d->task);
	if (d->head == NULL)
		fail_memory(d);
}

static void
size_step(struct cos_download *d)
{
	struct cos_fault f;

	if (cos_op_state(d->head) == COS_FAILED) {
		finish(d, cos_op_fault(d->head));
		return;
	}
	d->object = *cos_op_object(d->head);
	d->known = true;
	if (d->object.size == d->at) {
		finish(d, NULL);
		return;
	}
	cos_fault_set(&f, COS_RANGE, "offset %" PRId64 " is beyond the %"
	    PRId64 " bytes there", d->offset, d->object.size);
	finish(d, &f);
}

/* All bytes are out: is it the object?  Not by the first answer's CRC: then it
 * is looked at once more, as a header can be wrong, too. */
static void
check(struct cos_download *d)
{
	if (d->offset == 0 && d->object.has_crc && d->crc != d->object.crc) {
		drop_pieces(d);
		ask_head(d);
	} else {
		finish(d, NULL);
	}
}

static void
crc_step(struct cos_download *d)
{
	const struct cos_object *o = cos_op_object(d->head);
	struct cos_fault f;

	if (cos_op_state(d->head) == COS_DONE && o->has_crc &&
	    o->crc == d->crc && strcmp(o->etag, d->object.etag) == 0) {
		finish(d, NULL);
		return;
	}
	cos_fault_set(&f, COS_CORRUPT, "COS says CRC-64 %" PRIu64
	    ", received was %" PRIu64, d->object.crc, d->crc);
	log_line(d->bucket->client->log, LOG_LEVEL_ERROR,
	    "%s GetObject %s%s: %s", d->who, d->bucket->at,
	    d->key, f.text);
	finish(d, &f);
}

/* ---- all of them ---- */

static int64_t
sooner(int64_t a, int64_t b)		/* -1: never */
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

static void
pieces_step(struct cos_download *d)
{
	struct cos_piece *p;
	int64_t pause = make_room(d), left;

	for (p = d->first; p != NULL; p = p->next) {
		cos_piece_step(p, p->reserved > 0 &&
		    (p != d->first || p->taken < p->buffered));
		if (p->state == P_FAILED && !d->known &&
		    p->fault.cause == COS_RANGE) {
			ask_head(d);	/* 416: at or past the end? */
			return;
		}
		if (p->state == P_FAILED) {
			finish(d, &p->fault);
			return;
		}
		left = p->again_at - net_now(d->task.loop);
		if (p->state == P_PAUSE)
			pause = sooner(pause, left > 0 ? left : 0);
	}
	net_task_deadline(&d->task, pause);
}

static void
step(struct net_task *t, unsigned why)
{
	struct cos_download *d = (struct cos_download *)t;

	(void)why;
	if (d->done || d->failed)
		return;
	if (d->head != NULL) {
		if (cos_op_state(d->head) == COS_BUSY)
			return;
		if (d->known)
			crc_step(d);
		else
			size_step(d);
		return;
	}
	pieces_step(d);
	if (!d->failed && d->head == NULL)
		ask_ahead(d);
	if (!d->failed && d->known && d->at == d->object.size)
		check(d);		/* an empty object */
	if (d->known)
		net_task_wake(d->owner);
}

struct cos_download *
cos_download_new(struct cos_bucket *b, const char *key, int64_t offset,
    const char *who, struct net_task *owner)
{
	struct cos_download *d = calloc(1, sizeof(*d));
	struct cos_fault f;

	if (d == NULL)
		return NULL;
	net_task_init(&d->task, b->client->loop, step);
	d->owner = owner;
	d->bucket = b;
	d->who = who;
	d->offset = d->at = d->next_from = offset;
	d->depth = 1;
	d->piece_size = FIRST;
	d->began = net_now(b->client->loop);
	d->wait_from = -1;
	snprintf(d->key, sizeof(d->key), "%s", key);
	cos_budget_reader(b->client->budget, &d->reader, &d->task);
	if (offset > INT64_MAX - FIRST) {
		cos_fault_set(&f, COS_RANGE, "no object is that large");
		finish(d, &f);
	} else if (!add_piece(d, FIRST, 0)) {
		cos_download_free(d);
		return NULL;
	}
	return d;
}

enum cos_state
cos_download_state(const struct cos_download *d)
{
	if (d->done)
		return COS_DONE;
	return d->failed ? COS_FAILED : COS_BUSY;
}

const struct cos_object *
cos_download_object(const struct cos_download *d)
{
	return d->known ? &d->object : NULL;
}

const struct cos_fault *
cos_download_fault(const struct cos_download *d)
{
	return &d->fault;
}

/* ---- giving out ---- */

/* What the piece that was given out teaches about the next ones. */
static void
adapt(struct cos_download *d, const struct cos_piece *p)
{
	int64_t now = net_now(d->task.loop);
	int64_t latency = p->head_at - p->asked_at;

	if (d->depth < COS_AHEAD_LAZY)		/* the first of all */
		d->piece_size = cos_ahead_piece(latency, p->len,
		    now - p->head_at);
	d->depth = cos_ahead_depth(d->depth < COS_AHEAD_LAZY ?
	    COS_AHEAD_LAZY : d->depth, d->waited, now - d->began);
	d->began = now;
	d->waited = 0;
}

static void
next_piece(struct cos_download *d)
{
	struct cos_piece *p = d->first;

	adapt(d, p);
	d->first = p->next;
	d->npieces--;
	cos_piece_free(p);
	ask_ahead(d);
	net_task_wake(&d->task);
}

const char *
cos_download_peek(struct cos_download *d, size_t *n)
{
	const char *p = "";

	*n = 0;
	if (d->done || d->failed || !d->known || d->first == NULL)
		return p;
	p = cos_piece_peek(d->first, n);
	if (*n == 0 && d->wait_from < 0) {
		d->wait_from = net_now(d->task.loop);
	} else if (*n > 0 && d->wait_from >= 0) {
		d->waited += net_now(d->task.loop) - d->wait_from;
		d->wait_from = -1;
	}
	if (*n == 0 && d->first->state == P_FAILED)
		finish(d, &d->first->fault);
	return p;
}

void
cos_download_drop(struct cos_download *d, size_t n)
{
	const char *p;
	size_t have;

	if (n == 0)
		return;
	if (d->offset == 0) {
		p = cos_piece_peek(d->first, &have);
		d->crc = cos_crc64(d->crc, p, n);
	}
	cos_piece_drop(d->first, n);
	d->at += (int64_t)n;
	if (d->at == d->object.size)
		check(d);
	else if (d->first->taken == d->first->len)
		next_piece(d);
}

void
cos_download_free(struct cos_download *d)
{
	if (d == NULL)
		return;
	cos_budget_reader_end(d->bucket->client->budget, &d->reader);
	drop_pieces(d);
	cos_op_free(d->head);
	net_task_end(&d->task);
	free(d);
}
