/*
 * cos/piece.c - one ranged GET of a download.
 *
 * The piece whose turn it is gives its bytes straight from the connection;
 * one that reads ahead keeps them in chunks.  A connection that breaks is
 * replaced by one that goes on at the missing byte, for the same ETag.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "download_int.h"

enum {
	TRIES = 5,		/* with next to nothing new in between */
	STUCK_MS = 35 * 1000,	/* and no more after that */
	PROGRESS = 64 * 1024,	/* bytes: not nothing */
	PAUSE_MS = 100
};

static void
ask(struct cos_piece *p)
{
	struct cos_download *d = p->download;
	struct cos_call c = { .op = "GetObject", .method = "GET",
	    .key = d->key, .stream = true, .need = COS_NEED_ETAG,
	    .patience = &d->patience, .patient = d->known };

	snprintf(p->range, sizeof(p->range), "bytes=%" PRId64 "-%" PRId64,
	    p->from + p->have, p->from + p->len - 1);
	cos_call_header(&c, "Range", p->range);
	if (d->known)
		cos_call_header(&c, "If-Match", d->object.etag);
	cos_request_free(p->request);
	p->request = cos_request_new(d->bucket, &c, d->who, &d->task);
	p->state = P_ASK;
	p->asked_at = net_now(d->task.loop);
	if (p->request == NULL) {
		cos_fault_set(&p->fault, COS_UNAVAILABLE, "out of memory");
		p->state = P_FAILED;
		net_task_wake(&d->task);
	}
}

struct cos_piece *
cos_piece_new(struct cos_download *d, int64_t from, int64_t len,
    int64_t reserved)
{
	struct cos_piece *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->download = d;
	p->from = from;
	p->len = len;
	p->reserved = reserved;
	ask(p);
	return p;
}

static void
give_back(struct cos_piece *p, int64_t bytes)
{
	p->reserved -= bytes;
	if (bytes > 0)
		cos_budget_give(p->download->bucket->client->budget, bytes);
}

/* Nothing is kept any more. */
static void
drop_chunks(struct cos_piece *p)
{
	struct cos_budget *b = p->download->bucket->client->budget;
	size_t i;

	for (i = 0; i < p->nchunks; i++)
		if (p->chunk[i] != NULL)
			cos_chunk_free(b, p->chunk[i]);
	free(p->chunk);
	p->chunk = NULL;
	p->nchunks = 0;
	give_back(p, p->reserved);
}

void
cos_piece_free(struct cos_piece *p)
{
	if (p == NULL)
		return;
	cos_request_free(p->request);
	drop_chunks(p);
	free(p);
}

static void
complain(struct cos_piece *p, enum log_level level, enum cos_cause cause,
    const char *text)
{
	struct cos_download *d = p->download;

	cos_fault_set(&p->fault, cause, "%s", text);
	log_line(d->bucket->client->log, level, "%s GetObject %s%s: %s",
	    d->who, d->bucket->at, d->key, text);
}

/* p->fault is what happened, since when there has been nothing good. */
static void
again(struct cos_piece *p, int64_t since)
{
	int64_t now = net_now(p->download->task.loop);

	cos_request_free(p->request);
	p->request = NULL;
	if (p->tries++ == 0)
		p->stuck_at = since;
	p->progress = 0;
	if (p->tries >= TRIES || now - p->stuck_at > STUCK_MS ||
	    !cos_patience_again(&p->download->patience, true)) {
		p->state = P_FAILED;
		return;
	}
	p->state = P_PAUSE;
	p->again_at = now + (p->tries == 1 ? 0 : PAUSE_MS << p->tries);
	net_task_wake(&p->download->task);
}

static void
broken(struct cos_piece *p)
{
	cos_request_stream_failed(p->request, &p->fault);
	again(p, net_now(p->download->task.loop));
}

/* ---- the head ---- */

/* NULL, or why the answer is not about the bytes asked for. */
static const char *
wrong_answer(const struct cos_piece *p, const struct cos_object *o)
{
	const struct http_head *h = cos_request_head(p->request);
	int64_t at = p->from + p->have, end = p->from + p->len;
	char text[80], want[80];

	if (o->size < 0)
		return "no length";
	if (h->status == 200)		/* the whole, whatever was asked */
		return at == 0 ? NULL : "not the range asked for";
	if (end > o->size)
		end = o->size;
	snprintf(want, sizeof(want), "bytes %" PRId64 "-%" PRId64 "/", at,
	    end - 1);
	if (h->status != 206 || at >= o->size ||
	    !http_value(h, "content-range", text, sizeof(text)) ||
	    strncmp(text, want, strlen(want)) != 0 ||
	    (h->content_length >= 0 && h->content_length != end - at))
		return "not the range asked for";
	return NULL;
}

/* The first answer of all tells what the object is. */
static void
learn(struct cos_piece *p, const struct cos_object *o)
{
	struct cos_download *d = p->download;

	if (cos_request_head(p->request)->status == 200 ||
	    p->from + p->len > o->size)
		p->len = o->size - p->from;
	if (d->known)
		return;
	d->object = *o;
	d->known = true;
	d->next_from = p->from + p->len;
}

/* A store that is away for some seconds: other pieces may still have bytes to
 * give out.  The request has been repeated already. */
static void
refused(struct cos_piece *p)
{
	bool known = p->download->known;

	p->fault = *cos_request_fault(p->request);
	if (known && p->fault.cause == COS_RANGE)
		p->fault.cause = COS_CHANGED;	/* it is shorter now */
	p->state = P_FAILED;
	if (known && cos_fault_retry(&p->fault))
		again(p, p->asked_at);
}

static void
head_step(struct cos_piece *p)
{
	struct cos_download *d = p->download;
	struct cos_object o;
	const char *wrong;

	if (cos_request_state(p->request) == COS_BUSY)
		return;
	if (cos_request_state(p->request) == COS_FAILED) {
		refused(p);
		return;
	}
	cos_object_from_head(&o, cos_request_head(p->request));
	wrong = wrong_answer(p, &o);
	if (d->known && wrong == NULL && (o.size != d->object.size ||
	    strcmp(o.etag, d->object.etag) != 0)) {
		complain(p, LOG_LEVEL_ERROR, COS_CHANGED,
		    "the object changed while it was read");
		p->state = P_FAILED;
	} else if (wrong != NULL) {	/* the next answer may be right */
		complain(p, LOG_LEVEL_WARNING, COS_MALFORMED, wrong);
		cos_count(d->bucket->client, COS_RETRIES);
		again(p, p->asked_at);
	} else {
		learn(p, &o);
		p->head_at = net_now(d->task.loop);
		p->state = p->have == p->len ? P_WHOLE : P_BODY;
	}
}

/* ---- the body ---- */

static void
got(struct cos_piece *p, size_t n)
{
	p->have += (int64_t)n;
	p->progress += (int64_t)n;
	if (p->progress >= PROGRESS)
		p->tries = 0;
	if (p->have == p->len)
		p->state = P_WHOLE;
}

/* Where the next byte read ahead goes; NULL: out of memory. */
static char *
room(struct cos_piece *p, size_t *n)
{
	struct cos_budget *b = p->download->bucket->client->budget;
	size_t at = (size_t)p->buffered, i = at / COS_CHUNK;

	if (p->chunk == NULL) {
		p->nchunks = (size_t)(p->len - p->have + COS_CHUNK - 1) /
		    COS_CHUNK;
		p->chunk = calloc(p->nchunks, sizeof(*p->chunk));
		if (p->chunk == NULL) {
			p->nchunks = 0;
			return NULL;
		}
	}
	if (p->chunk[i] == NULL)
		p->chunk[i] = cos_chunk_new(b);
	*n = COS_CHUNK - at % COS_CHUNK;
	return p->chunk[i] != NULL ? (char *)p->chunk[i] + at % COS_CHUNK :
	    NULL;
}

/* At most one chunk: the other pieces, and other tasks, want their turn. */
static void
read_body(struct cos_piece *p)
{
	struct net_http *http = cos_request_http(p->request);
	size_t n, max;
	char *to = room(p, &max);

	if (to == NULL)
		return;			/* it is read when its turn comes */
	if ((int64_t)max > p->len - p->have)
		max = (size_t)(p->len - p->have);
	n = net_http_read(http, to, max);
	if (n > 0) {
		p->buffered += (int64_t)n;
		got(p, n);
		net_task_wake(&p->download->task);	/* perhaps more */
	} else if (net_http_state(http) != HTTP_BODY) {
		broken(p);
	}
}

void
cos_piece_step(struct cos_piece *p, bool read_ahead)
{
	if (p->state == P_PAUSE &&
	    net_now(p->download->task.loop) >= p->again_at)
		ask(p);
	if (p->state == P_ASK)
		head_step(p);
	/* Bytes of one piece are all read ahead, or from some byte on none:
	 * those in chunks come first. */
	if (p->state == P_BODY && read_ahead && p->buffered == p->have)
		read_body(p);
}

const char *
cos_piece_peek(struct cos_piece *p, size_t *n)
{
	struct net_http *http;
	size_t at = (size_t)p->taken;
	const char *bytes;

	*n = 0;
	if (p->taken < p->buffered) {
		*n = COS_CHUNK - at % COS_CHUNK;
		if ((int64_t)*n > p->buffered - p->taken)
			*n = (size_t)(p->buffered - p->taken);
		return (char *)p->chunk[at / COS_CHUNK] + at % COS_CHUNK;
	}
	if (p->reserved > 0)
		drop_chunks(p);		/* the rest goes straight out */
	if (p->state != P_BODY)
		return "";
	http = cos_request_http(p->request);
	bytes = net_http_peek(http, n);
	if ((int64_t)*n > p->len - p->have)
		*n = (size_t)(p->len - p->have);
	if (*n == 0 && net_http_state(http) != HTTP_BODY)
		broken(p);
	return bytes;
}

void
cos_piece_drop(struct cos_piece *p, size_t n)
{
	struct cos_budget *b = p->download->bucket->client->budget;
	size_t before = (size_t)p->taken / COS_CHUNK, after;

	if (p->taken < p->buffered) {
		p->taken += (int64_t)n;
		after = (size_t)p->taken / COS_CHUNK;
		if (after == before && p->taken < p->buffered)
			return;
		cos_chunk_free(b, p->chunk[before]);	/* given out whole */
		p->chunk[before] = NULL;
		give_back(p, p->reserved < COS_CHUNK ? p->reserved :
		    COS_CHUNK);
		return;
	}
	net_http_drop(cos_request_http(p->request), n);
	p->taken += (int64_t)n;
	got(p, n);
}
