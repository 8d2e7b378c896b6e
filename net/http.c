/*
 * net/http.c - one HTTP/1.1 exchange over a pooled connection.
 *
 * The request is borrowed and can be sent again, so a kept-alive connection
 * that turns out to be dead before any answer is replaced at once.  Redirects
 * are never followed and nothing is retried otherwise: that is for the layer
 * above, who knows what may be repeated.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http_int.h"

enum {
	INTERIM_MAX = 8,		/* 1xx heads before the real one */
	IOV_MAX_HERE = 64,
	LOOKS = 20			/* at what is acknowledged */
};

static void step(struct net_task *, unsigned);
static void run(struct net_http *);

void
net_http_enter(struct net_http *h, enum net_http_step state)
{
	h->state = state;
	if (state >= H_BODY)
		net_task_deadline(&h->task, -1);
}

void
net_http_begin(struct net_http *h)
{
	net_http_enter(h, H_SEND);
	if (h->began == 0)
		h->began = net_now(h->task.loop);
	net_task_deadline(&h->task, h->req.idle_ms);
}

void
net_http_fail(struct net_http *h, enum net_http_cause cause, const char *what,
    const char *why)
{
	h->cause = cause;
	snprintf(h->reason, sizeof(h->reason), "%.120s%s%.120s", what,
	    why != NULL && *why != '\0' ? ": " : "", why != NULL ? why : "");
	net_pool_close(h->conn);	/* last: why may be a text of its */
	h->conn = NULL;
	net_http_enter(h, H_FAILED);
	net_task_wake(h->owner);
}

struct net_http *
net_http_new(struct net_pool *pool, const struct net_http_request *req,
    struct net_task *owner)
{
	struct net_pool_origin *o = net_pool_find(pool, &req->origin);
	struct net_http *h;
	size_t i;

	h = o != NULL ? calloc(1, sizeof(*h)) : NULL;
	if (h == NULL)
		return NULL;
	net_task_init(&h->task, owner->loop, step);
	h->owner = owner;
	h->origin = o;
	h->req = *req;
	for (i = 0; i < req->nbody; i++)
		h->body_len += req->body[i].iov_len;
	net_http_find_connection(h, false);
	run(h);
	return h;
}

void
net_http_free(struct net_http *h)
{
	if (h == NULL)
		return;
	net_lookup_free(h->lookup);
	net_pool_close(h->conn);
	net_task_end(&h->task);
	free(h->head_text);
	free(h);
}

/* ---- sending ---- */

/* Our kernel takes a body long before the network does.  As long as the peer's
 * acknowledges more of it there is no silence: it is looked at now and then,
 * and a slow uplink needs no longer time-out than a fast one. */
static void
wait_sent(struct net_http *h, int ms)
{
	h->moved = net_now(h->task.loop);
	net_task_deadline(&h->task, h->body_len > 0 ? ms / LOOKS : ms);
}

/* A time-out while the request is sent or its answer awaited: false when
 * nothing has moved for all of it. */
static bool
moves(struct net_http *h)
{
	int64_t now = net_now(h->task.loop);
	uint64_t acked;
	int ms = h->state == H_SEND ? h->req.idle_ms : h->req.answer_ms;

	if (h->body_len == 0 || (h->state != H_SEND && h->state != H_HEAD))
		return false;
	acked = net_acked(net_stream_fd(h->conn->stream));
	if (acked > h->acked)
		h->moved = now;
	else if (now - h->moved >= ms)
		return false;
	h->acked = acked;
	net_task_deadline(&h->task, ms / LOOKS);
	return true;
}

/* The unsent rest as slices; their number. */
static int
unsent(const struct net_http *h, struct iovec v[IOV_MAX_HERE])
{
	size_t skip = h->sent, i;
	int n = 0;

	if (skip < h->req.head_len) {
		v[n].iov_base = (char *)(uintptr_t)h->req.head + skip;
		v[n++].iov_len = h->req.head_len - skip;
		skip = 0;
	} else {
		skip -= h->req.head_len;
	}
	for (i = 0; i < h->req.nbody && n < IOV_MAX_HERE; i++) {
		const struct iovec *b = &h->req.body[i];

		if (skip >= b->iov_len) {
			skip -= b->iov_len;
			continue;
		}
		v[n].iov_base = (char *)b->iov_base + skip;
		v[n++].iov_len = b->iov_len - skip;
		skip = 0;
	}
	return n;
}

static bool
send_all(struct net_http *h)
{
	struct iovec v[IOV_MAX_HERE];
	size_t total = h->req.head_len + h->body_len, n;

	while (h->sent < total) {
		n = net_stream_writev(h->conn->stream, v, unsent(h, v));
		if (n == 0)
			return false;
		h->sent += n;
		wait_sent(h, h->req.idle_ms);
	}
	return true;
}

/* ---- the answer ---- */

/* Keeps the head's text, as its fields are slices of it. */
static bool
keep_head(struct net_http *h, const char *text)
{
	struct err e;

	h->head_text = malloc(h->head.size);
	if (h->head_text == NULL) {
		net_http_fail(h, NET_HTTP_NETWORK, "out of memory", NULL);
		return false;
	}
	memcpy(h->head_text, text, h->head.size);
	return http_head_parse(h->head_text, h->head.size, &h->head, &e) > 0;
}

static void
begin_body(struct net_http *h)
{
	bool none = h->req.is_head || h->head.status == 204 ||
	    h->head.status == 304;

	h->left = none ? 0 : h->head.content_length;
	if (none)
		h->head.chunked = false;
	http_chunk_init(&h->chunk);
	if (!h->head.chunked && h->left < 0) {
		/* A body that ends with the connection cannot be told from a
		 * cut one; COS never sends it. */
		net_http_fail(h, NET_HTTP_MALFORMED, "answer without a length", NULL);
		return;
	}
	net_http_enter(h, H_BODY);
	net_task_wake(h->owner);
}

/* The peer closed or reset before an answer: a stale connection is replaced,
 * everything else is a failure. */
static void
no_answer(struct net_http *h)
{
	const char *why = net_stream_reason(h->conn->stream);

	if (h->conn->reused && !h->req.once && h->interim == 0) {
		net_pool_close(h->conn);
		h->repeated |= h->sent > 0;
		h->acked = 0;
		net_http_find_connection(h, true);
		return;
	}
	net_http_fail(h, NET_HTTP_NETWORK, h->state == H_SEND ? "sending the request" :
	    "waiting for the answer", why);
}

/* What has come of the head, parsed; as http_head_parse.  A head may come in
 * pieces, so it reads until there is nothing more to be had now. */
static int
peek_head(struct net_http *h, const char **p, size_t *n, struct err *e)
{
	size_t had;
	int r = 0;

	*n = 0;
	do {
		had = *n;
		*p = net_stream_peek(h->conn->stream, HTTP_HEAD_MAX, true, n);
		r = *n > had ? http_head_parse(*p, *n, &h->head, e) : 0;
	} while (r == 0 && *n > had && *n < HTTP_HEAD_MAX);
	if (r == 0 && *n >= HTTP_HEAD_MAX)
		return err_set(e, "response head over %d bytes", HTTP_HEAD_MAX);
	return r;
}

/* It was no refusal, only an interim answer: the body goes on. */
static void
resume_sending(struct net_http *h)
{
	h->early = false;
	net_http_enter(h, H_SEND);
	wait_sent(h, h->req.idle_ms);
}

/* One head; true when something changed and run() may go on. */
static bool
read_head(struct net_http *h)
{
	const char *p;
	struct err e;
	size_t n;
	int r;

	r = peek_head(h, &p, &n, &e);
	if (r < 0) {
		net_http_fail(h, NET_HTTP_MALFORMED, "malformed answer", e.text);
		return false;
	}
	if (r == 0) {
		if (!net_stream_ended(h->conn->stream))
			return false;
		if (n == 0)
			no_answer(h);
		else
			net_http_fail(h, NET_HTTP_NETWORK, "answer cut in its head",
			    net_stream_reason(h->conn->stream));
		return true;
	}
	if (h->head.status < 200) {
		net_stream_drop(h->conn->stream, h->head.size);
		if (++h->interim > INTERIM_MAX || h->head.status == 101)
			net_http_fail(h, NET_HTTP_MALFORMED, "too many 1xx answers",
			    NULL);
		else if (h->early)
			resume_sending(h);
		return true;
	}
	if (!keep_head(h, p))
		return false;
	net_stream_drop(h->conn->stream, h->head.size);
	begin_body(h);
	return false;
}

/* ---- the one step function ---- */

static void
lookup_step(struct net_http *h)
{
	size_t n;

	if (!net_lookup_done(h->lookup))
		return;
	if (net_lookup_result(h->lookup, &n) == NULL)
		net_http_fail(h, NET_HTTP_LOOKUP, h->req.origin.host,
		    net_lookup_reason(h->lookup));
	else
		net_http_connect_next(h);
}

/* false: wait for the next event */
static bool
send_step(struct net_http *h)
{
	size_t n;

	if (send_all(h)) {
		net_http_enter(h, H_HEAD);
		wait_sent(h, h->req.answer_ms);
		return true;
	}
	/* A refusal may come before the whole body is out. */
	net_stream_peek(h->conn->stream, HTTP_HEAD_MAX, true, &n);
	if (n > 0) {
		h->early = true;
		net_http_enter(h, H_HEAD);
		net_task_deadline(&h->task, h->req.answer_ms);
		return true;
	}
	if (net_stream_state(h->conn->stream) != NET_OPEN) {
		no_answer(h);
		return true;
	}
	return false;
}

static void
run(struct net_http *h)
{
	bool more = true;

	while (more) {
		enum net_http_step was = h->state;

		more = false;
		switch (h->state) {
		case H_LOOKUP:
			lookup_step(h);
			more = h->state != was;
			break;
		case H_CONNECT:
			if (net_stream_state(h->conn->stream) == NET_OPEN) {
				net_http_begin(h);
				more = true;
			} else if (net_stream_state(h->conn->stream) !=
			    NET_CONNECTING) {
				net_http_connect_failed(h,
				    net_stream_reason(h->conn->stream));
			}
			break;
		case H_SEND:
			more = send_step(h);
			break;
		case H_HEAD:
			more = read_head(h);
			break;
		case H_BODY:
			/* There are bytes; whether and when they are taken is
			 * the owner's affair. */
			net_task_deadline(&h->task, -1);
			net_task_wake(h->owner);
			break;
		case H_DONE:
		case H_FAILED:
			break;
		}
	}
}

static void
step(struct net_task *t, unsigned why)
{
	struct net_http *h = (struct net_http *)t;

	/* bytes may have come in the same turn */
	if (!(why & NET_TIMEOUT) || moves(h)) {
		run(h);
		return;
	}
	switch (h->state) {
	case H_LOOKUP:
		net_http_fail(h, NET_HTTP_LOOKUP, h->req.origin.host, "no answer");
		break;
	case H_CONNECT:
		net_http_connect_failed(h, "timed out");
		break;
	case H_SEND:
		net_http_fail(h, NET_HTTP_NETWORK, "sending the request",
		    "timed out");
		break;
	case H_HEAD:
		net_http_fail(h, NET_HTTP_NETWORK, "waiting for the answer",
		    "timed out");
		break;
	case H_BODY:
		net_http_fail(h, NET_HTTP_NETWORK, "reading the answer", "timed out");
		break;
	case H_DONE:
	case H_FAILED:
		break;
	}
}

enum net_http_state
net_http_state(const struct net_http *h)
{
	switch (h->state) {
	case H_BODY:
		return HTTP_BODY;
	case H_DONE:
		return HTTP_DONE;
	case H_FAILED:
		return HTTP_FAILED;
	default:
		return HTTP_SENDING;
	}
}

const char *
net_http_reason(const struct net_http *h)
{
	return h->reason;
}

enum net_http_cause
net_http_cause(const struct net_http *h)
{
	return h->cause;
}

bool
net_http_unanswered(const struct net_http *h)
{
	return h->state == H_FAILED && h->sent > 0;
}

int64_t
net_http_sending_ms(const struct net_http *h)
{
	return h->body_len > 0 && h->sent > 0 ? h->moved - h->began : 0;
}

bool
net_http_repeated(const struct net_http *h)
{
	return h->repeated;
}

const struct http_head *
net_http_head(const struct net_http *h)
{
	return h->head_text != NULL ? &h->head : NULL;
}
