/*
 * cos/download.c - an object as a stream of bytes in order.
 *
 * The first GET tells size and ETag, so nothing is asked before.  A
 * connection that breaks is replaced by one that goes on at the missing byte,
 * for the same ETag; an object that changed meanwhile is an error, never a
 * mixture.  DONE means: the right number of bytes, and the right CRC-64 where
 * the whole object was read and COS knows it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cos_int.h"

enum {
	TRIES = 5,		/* without a single new byte */
	PAUSE_MS = 200
};

enum step { D_HEAD, D_BODY, D_SIZE, D_PAUSE, D_DONE, D_FAILED };

struct cos_download {
	struct net_task task;
	struct net_task *owner;
	struct cos_bucket *bucket;
	const char *who;
	char key[COS_KEY_MAX + 2];
	char range[48];
	int64_t offset, at;		/* first byte wanted, next byte */
	struct cos_request *request;
	struct cos_object object;
	bool known;			/* object is filled in */
	enum step state;
	int tries;
	uint64_t crc;
	struct cos_fault fault;
};

static void
finish(struct cos_download *d, enum step state)
{
	d->state = state;
	net_task_wake(d->owner);
}

static void
fail(struct cos_download *d, const struct cos_fault *f)
{
	d->fault = *f;
	finish(d, D_FAILED);
}

static void
log_fault(struct cos_download *d)
{
	log_line(d->bucket->client->log, LOG_LEVEL_ERROR,
	    "%s GetObject %s/%s: %s", d->who, d->bucket->account->bucket,
	    d->key, d->fault.text);
}

static void
ask(struct cos_download *d)
{
	struct cos_call c = { .op = "GetObject", .method = "GET",
	    .key = d->key, .stream = true };
	struct cos_fault f;

	if (d->at > 0) {
		snprintf(d->range, sizeof(d->range), "bytes=%" PRId64 "-",
		    d->at);
		cos_call_header(&c, "Range", d->range);
	}
	if (d->known)
		cos_call_header(&c, "If-Match", d->object.etag);
	cos_request_free(d->request);
	d->request = cos_request_new(d->bucket, &c, d->who, &d->task);
	d->state = D_HEAD;
	if (d->request == NULL) {
		cos_fault_set(&f, COS_UNAVAILABLE, "out of memory");
		fail(d, &f);
	}
}

/* 416: the offset is at or past the end; which, tells a HEAD. */
static void
ask_size(struct cos_download *d)
{
	struct cos_call c = { .op = "HeadObject", .method = "HEAD",
	    .key = d->key };
	struct cos_fault f;

	cos_request_free(d->request);
	d->request = cos_request_new(d->bucket, &c, d->who, &d->task);
	d->state = D_SIZE;
	if (d->request == NULL) {
		cos_fault_set(&f, COS_UNAVAILABLE, "out of memory");
		fail(d, &f);
	}
}

static void
size_step(struct cos_download *d)
{
	cos_object_from_head(&d->object, cos_request_head(d->request));
	d->known = true;
	if (d->object.size == d->at) {
		finish(d, D_DONE);
		return;
	}
	cos_fault_set(&d->fault, COS_RANGE, "offset %" PRId64 " is beyond "
	    "the %" PRId64 " bytes there", d->offset, d->object.size);
	finish(d, D_FAILED);
}

/* Is the answer about the bytes we asked for? */
static const char *
wrong_answer(const struct cos_download *d, const struct cos_object *o)
{
	const struct http_head *h = cos_request_head(d->request);
	char text[80], want[48];

	if (o->size < 0)
		return "no length";
	if (d->at == 0)
		return h->status == 200 ? NULL : "partial content not asked for";
	snprintf(want, sizeof(want), "bytes %" PRId64 "-", d->at);
	if (h->status != 206 ||
	    !http_value(h, "content-range", text, sizeof(text)) ||
	    strncmp(text, want, strlen(want)) != 0 ||
	    (h->content_length >= 0 && h->content_length != o->size - d->at))
		return "not the range asked for";
	return NULL;
}

static void
head_step(struct cos_download *d)
{
	struct cos_object o;
	const char *wrong;

	cos_object_from_head(&o, cos_request_head(d->request));
	wrong = wrong_answer(d, &o);
	if (wrong != NULL) {
		cos_fault_set(&d->fault, COS_MALFORMED, "%s", wrong);
		log_fault(d);
		finish(d, D_FAILED);
		return;
	}
	if (d->known && (o.size != d->object.size ||
	    strcmp(o.etag, d->object.etag) != 0)) {
		cos_fault_set(&d->fault, COS_CHANGED,
		    "the object changed while it was read");
		log_fault(d);
		finish(d, D_FAILED);
		return;
	}
	d->object = o;
	d->known = true;
	finish(d, D_BODY);
	if (d->at == d->object.size)
		cos_download_drop(d, 0);
}

static void
broken(struct cos_download *d)
{
	cos_request_stream_failed(d->request, &d->fault);
	cos_request_free(d->request);
	d->request = NULL;
	if (++d->tries >= TRIES) {
		log_fault(d);
		finish(d, D_FAILED);
		return;
	}
	d->state = D_PAUSE;
	net_task_deadline(&d->task, d->tries == 1 ? 0 : PAUSE_MS << d->tries);
}

static void
step(struct net_task *t, unsigned why)
{
	struct cos_download *d = (struct cos_download *)t;
	const struct cos_fault *f;

	if (d->state >= D_DONE)
		return;
	if (d->state == D_PAUSE) {
		if (why & NET_TIMEOUT)
			ask(d);
		return;
	}
	if (d->state == D_BODY) {
		net_task_wake(d->owner);
		return;
	}
	switch (cos_request_state(d->request)) {
	case COS_BUSY:
		return;
	case COS_FAILED:
		f = cos_request_fault(d->request);
		if (f->cause == COS_RANGE && d->state == D_HEAD && !d->known)
			ask_size(d);
		else
			fail(d, f);
		return;
	case COS_DONE:
		if (d->state == D_SIZE)
			size_step(d);
		else
			head_step(d);
	}
}

struct cos_download *
cos_download_new(struct cos_bucket *b, const char *key, int64_t offset,
    const char *who, struct net_task *owner)
{
	struct cos_download *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	net_task_init(&d->task, b->client->loop, step);
	d->owner = owner;
	d->bucket = b;
	d->who = who;
	d->offset = d->at = offset;
	snprintf(d->key, sizeof(d->key), "%s", key);
	ask(d);
	return d;
}

enum cos_state
cos_download_state(const struct cos_download *d)
{
	if (d->state == D_DONE)
		return COS_DONE;
	return d->state == D_FAILED ? COS_FAILED : COS_BUSY;
}

const struct cos_object *
cos_download_object(const struct cos_download *d)
{
	return d->known ? &d->object : NULL;
}

const char *
cos_download_peek(struct cos_download *d, size_t *n)
{
	struct net_http *http;
	const char *p;

	*n = 0;
	if (d->state != D_BODY)
		return "";
	http = cos_request_http(d->request);
	p = net_http_peek(http, n);
	if ((int64_t)*n > d->object.size - d->at)
		*n = (size_t)(d->object.size - d->at);
	if (*n == 0 && net_http_state(http) != HTTP_BODY)
		broken(d);
	return p;
}

/* All bytes are out: is it the object? */
static void
check(struct cos_download *d)
{
	if (d->offset == 0 && d->object.has_crc &&
	    d->crc != d->object.crc) {
		cos_fault_set(&d->fault, COS_CORRUPT, "COS says CRC-64 %"
		    PRIu64 ", received was %" PRIu64, d->object.crc, d->crc);
		log_fault(d);
		finish(d, D_FAILED);
		return;
	}
	finish(d, D_DONE);
}

void
cos_download_drop(struct cos_download *d, size_t n)
{
	struct net_http *http = cos_request_http(d->request);
	const char *p;
	size_t have;

	if (n > 0) {
		p = net_http_peek(http, &have);
		if (d->offset == 0)
			d->crc = cos_crc64(d->crc, p, n);
		net_http_drop(http, n);
		d->at += (int64_t)n;
		d->tries = 0;
	}
	if (d->at == d->object.size)
		check(d);
}

const struct cos_fault *
cos_download_fault(const struct cos_download *d)
{
	return &d->fault;
}

void
cos_download_free(struct cos_download *d)
{
	if (d == NULL)
		return;
	cos_request_free(d->request);
	net_task_end(&d->task);
	free(d);
}
