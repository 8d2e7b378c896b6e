/*
 * t_https.c - https exchanges of net/pool.c with a server of our own in the
 * same loop: one connection carries many of them, holds next to nothing while
 * it is parked, and is replaced when the server has closed it meanwhile.
 */
#include <signal.h>

#include "../net/http_int.h"
#include "../net/stream_int.h"
#include "tls_pair.h"

enum { GIVE_UP_MS = 15 * 1000, REPLY = 100 * 1000, LEAN = 6 * 1024 };

/* ---- the server ---- */

struct peer {			/* one connection, one request at a time */
	struct net_task task;
	struct net_stream *stream;
	size_t want, at;	/* the request's body; 0: its head */
	size_t sent;		/* of the reply */
	bool replying;
};

static struct net_loop *loop;
static struct tls_identity *identity;
static struct tls_trust *trust;
static struct net_addr address;
static struct net_task listener, owner;
static struct peer peers[8];
static int npeers;
static char reply[REPLY + 256];
static size_t reply_len;

/* Takes one request: its head, then as many bytes as its path says. */
static bool
take_request(struct peer *p)
{
	const char *text, *end;
	size_t n;

	if (p->want == 0) {
		text = net_stream_peek(p->stream, 1024, true, &n);
		end = memmem(text, n, "\r\n\r\n", 4);
		if (end == NULL)
			return false;
		p->want = strtoul(text + 5, NULL, 10);	/* "PUT /" */
		net_stream_drop(p->stream, (size_t)(end - text) + 4);
	}
	for (; p->at < p->want; p->at += n) {
		n = p->want - p->at < 4096 ? p->want - p->at : 4096;
		text = net_stream_peek(p->stream, n, true, &n);
		if (n == 0)
			return false;
		CHECK(memcmp(text, pattern + p->at, n) == 0, "the request");
		net_stream_drop(p->stream, n);
	}
	p->want = p->at = 0;
	return true;
}

static void
peer_step(struct net_task *t, unsigned why)
{
	struct peer *p = (struct peer *)t;

	(void)why;
	net_task_wake(&owner);		/* it may wait for this end */
	while (p->replying || take_request(p)) {
		p->replying = true;
		p->sent += net_stream_write(p->stream, reply + p->sent,
		    reply_len - p->sent);
		if (p->sent < reply_len)
			return;
		p->sent = 0;
		p->replying = false;
	}
}

static void
listener_step(struct net_task *t, unsigned why)
{
	struct peer *p = &peers[npeers];
	struct net_addr from;
	struct err e = { "" };
	int fd = net_accept(t->fd, &from);

	(void)why;
	net_task_watch(t, t->fd, NET_READ);
	if (fd < 0)
		return;
	npeers++;
	net_task_init(&p->task, loop, peer_step);
	p->stream = net_stream_new(loop, fd, &p->task);
	net_stream_tls(p->stream, tls_server_new(identity, NULL, false, &e));
}

static void
peers_end(void)
{
	while (npeers > 0) {
		struct peer *p = &peers[--npeers];

		net_stream_free(p->stream);
		net_task_end(&p->task);
		memset(p, 0, sizeof(*p));
	}
}

/* ---- the client ---- */

static struct net_resolver *resolver;
static struct net_pool *pool;
static struct net_http *http;
static size_t received;
static bool timed_out, (*until)(void);

static bool
exchanged(void)
{
	static char buf[REPLY];
	size_t n;

	while (net_http_state(http) == HTTP_BODY &&
	    (n = net_http_read(http, buf, sizeof(buf))) > 0) {
		CHECK(memcmp(buf, pattern + received, n) == 0, "the reply");
		received += n;
	}
	return net_http_state(http) >= HTTP_DONE;
}

static void
owner_step(struct net_task *t, unsigned why)
{
	(void)t;
	if (why & NET_TIMEOUT)
		timed_out = true;
	if (timed_out || until())
		net_loop_stop(loop);
}

static void
run_until(bool (*done)(void), const char *what)
{
	struct err e = { "" };

	until = done;
	timed_out = false;
	net_task_deadline(&owner, GIVE_UP_MS);
	net_task_wake(&owner);
	CHECK(net_loop_run(loop, &e) == 0, "%s: %s", what, e.text);
	net_task_deadline(&owner, -1);
}

static struct net_origin
origin(void)
{
	return (struct net_origin){ .host = "localhost",
	    .port = net_addr_port(&address), .tls = true };
}

static void
ask(size_t up, const char *what)
{
	char head[100];
	struct iovec v = { .iov_base = pattern, .iov_len = up };
	struct net_http_request r = { .origin = origin(), .head = head,
	    .body = &v, .nbody = up > 0, .answer_ms = 5000, .idle_ms = 5000 };

	r.head_len = (size_t)snprintf(head, sizeof(head),
	    "PUT /%zu HTTP/1.1\r\nHost: h\r\n\r\n", up);
	received = 0;
	http = net_http_new(pool, &r, &owner);
	run_until(exchanged, what);
	CHECK(net_http_state(http) == HTTP_DONE && received == REPLY,
	    "%s: %s", what, net_http_reason(http));
	net_http_free(http);
	http = NULL;
}

/* TLS bytes of the one parked connection; -1: there is none. */
static long
parked_bytes(void)
{
	struct net_origin o = origin();
	struct net_conn *c = net_pool_take(net_pool_find(pool, &o));
	long n;

	if (c == NULL)
		return -1;
	n = (long)tls_bytes(c->stream->tls);
	net_pool_park(c);
	return n;
}

static void
test_kept(void)
{
	size_t i;
	long n;

	for (i = 0; i < 60; i++) {
		ask(i * i * 101, "kept");
		n = parked_bytes();
		CHECK(n > 0 && n < LEAN, "it holds %ld bytes", n);
		n = (long)tls_bytes(peers[0].stream->tls);
		CHECK(n > 0 && n < LEAN, "the server's end %ld", n);
	}
	CHECK(npeers == 1, "%d connections for all", npeers);
}

static bool
client_gone(void)
{
	return net_stream_ended(peers[npeers - 1].stream);
}

/* close_notify finds the parked connection at rest: it is closed there and
 * then, not when it is wanted. */
static void
test_closed(void)
{
	ask(10, "before");
	CHECK(parked_bytes() > 0, "parked");
	net_stream_shutdown(peers[npeers - 1].stream);
	run_until(client_gone, "close_notify");
	CHECK(!timed_out, "a closed connection is not kept");
	CHECK(parked_bytes() < 0, "nor anywhere in the pool");
	ask(10, "after");
	CHECK(npeers == 2, "%d connections", npeers);
}

/* The server goes while the request is on its way to it. */
static void
test_stale(void)
{
	ask(10, "before");
	net_stream_shutdown(peers[npeers - 1].stream);
	ask(100000, "at the same moment");
	CHECK(npeers == 3, "%d connections", npeers);
}

static void
test_all(void)
{
	struct err e = { "" };
	char path[128], cert[128];

	reply_len = (size_t)snprintf(reply, sizeof(reply), "HTTP/1.1 200 OK"
	    "\r\nContent-Length: %d\r\n\r\n", REPLY);
	memcpy(reply + reply_len, pattern, REPLY);
	reply_len += REPLY;
	snprintf(path, sizeof(path), "%s/ca.pem", dir);
	trust = tls_trust_load(path, &e);
	CHECK(trust != NULL, "%s", e.text);
	snprintf(path, sizeof(path), "%s/ec.key", dir);
	snprintf(cert, sizeof(cert), "%s/ec.pem", dir);
	identity = tls_identity_load(cert, path, &e);
	CHECK(identity != NULL, "%s", e.text);
	pool = net_pool_new(loop, resolver, trust);
	test_kept();
	test_closed();
	test_stale();
	net_pool_free(pool);
	peers_end();
	tls_identity_free(identity);
	tls_trust_free(trust);
}

static bool
setup(void)
{
	struct err e = { "" };
	int fd;

	loop = net_loop_new(&e);
	net_addr_parse(&address, "127.0.0.1", 0);
	fd = net_listen(&address, 16, &e);
	if (loop == NULL || fd < 0 || net_local(fd, &address) < 0) {
		CHECK(0, "no server: %s", e.text);
		return false;
	}
	resolver = net_resolver_new(loop, NULL);
	net_task_init(&listener, loop, listener_step);
	net_task_watch(&listener, fd, NET_READ);
	net_task_init(&owner, loop, owner_step);
	return true;
}

int
main(void)
{
	static void (*const tests[])(void) = { test_all, NULL };
	int status;

	signal(SIGPIPE, SIG_IGN);
	if (!setup())
		return test_end("t_https");
	status = run(tests, "t_https");
	net_task_end(&owner);
	close(listener.fd);
	net_task_end(&listener);
	net_resolver_free(resolver);
	net_loop_free(loop);
	return status;
}
