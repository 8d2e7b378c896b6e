/*
 * net/http_body.c - the body of an answer, with a length or in chunks; when it
 * is read whole the connection goes back to the pool.
 */
#include "http_int.h"

enum { PEEK_MAX = 256 * 1024 };	/* of a body at once */

static void
finish_body(struct net_http *h)
{
	size_t n;

	net_stream_peek(h->conn->stream, 1, false, &n);
	if (h->head.keep_alive && !h->early && n == 0)
		net_pool_park(h->conn);
	else
		net_pool_close(h->conn);
	h->conn = NULL;
	net_http_enter(h, H_DONE);
	net_task_wake(h->owner);
}

static void
body_cut(struct net_http *h)
{
	net_http_fail(h, NET_HTTP_NETWORK, "answer cut in its body",
	    net_stream_reason(h->conn->stream));
}

/* After a read that gave nothing: the end, a failure, or a wait. */
static void
body_empty(struct net_http *h)
{
	if (net_stream_state(h->conn->stream) == NET_OPEN)
		net_task_deadline(&h->task, h->req.idle_ms);
	else
		body_cut(h);
}

/* Takes chunk framing; false when no body byte can be read now. */
static bool
next_chunk(struct net_http *h)
{
	const char *p;
	struct err e;
	size_t n;
	ssize_t took;

	while (h->chunk.left == 0 && !h->chunk.done) {
		p = net_stream_peek(h->conn->stream, HTTP_LINE_MAX, false, &n);
		if (n == 0)
			p = net_stream_peek(h->conn->stream, HTTP_LINE_MAX,
			    true, &n);
		if (n == 0) {
			body_empty(h);
			return false;
		}
		took = http_chunk_feed(&h->chunk, p, n, &e);
		if (took < 0) {
			net_http_fail(h, NET_HTTP_MALFORMED, "malformed body", e.text);
			return false;
		}
		net_stream_drop(h->conn->stream, (size_t)took);
	}
	if (h->chunk.done)
		finish_body(h);
	return h->state == H_BODY;
}

/* How many body bytes may be read in one go; 0: none now or the end. */
static size_t
body_room(struct net_http *h)
{
	int64_t left;

	if (h->state != H_BODY)
		return 0;
	if (h->head.chunked) {
		if (!next_chunk(h))
			return 0;
		left = h->chunk.left;
	} else {
		left = h->left;
		if (left == 0) {
			finish_body(h);
			return 0;
		}
	}
	return left > PEEK_MAX ? PEEK_MAX : (size_t)left;
}

static void
body_took(struct net_http *h, size_t n)
{
	net_task_deadline(&h->task, -1);
	if (h->head.chunked)
		http_chunk_took(&h->chunk, n);
	else
		h->left -= (int64_t)n;
	if (!h->head.chunked && h->left == 0)
		finish_body(h);
}

size_t
net_http_read(struct net_http *h, void *buf, size_t n)
{
	size_t room = body_room(h), got;

	if (room == 0)
		return 0;
	got = net_stream_read(h->conn->stream, buf, n < room ? n : room);
	if (got > 0)
		body_took(h, got);
	else
		body_empty(h);
	return got;
}

const char *
net_http_peek(struct net_http *h, size_t *n)
{
	size_t room = body_room(h);
	const char *p;

	*n = 0;
	if (room == 0)
		return "";
	p = net_stream_peek(h->conn->stream, room, false, n);
	if (*n == 0)
		p = net_stream_peek(h->conn->stream, room, true, n);
	if (*n == 0)
		body_empty(h);
	return p;
}

void
net_http_drop(struct net_http *h, size_t n)
{
	net_stream_drop(h->conn->stream, n);
	body_took(h, n);
}
