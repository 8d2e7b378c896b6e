/*
 * tests/t_http_exchange.c - net/http.c and net/pool.c against a server that
 * follows a script, on loopback: what is kept and used again, what is retried
 * once, what is refused, and when we stop waiting.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../net/net.h"
#include "test.h"

enum { CONNS = 4, SAYS = 4, BODY_MAX = 256 * 1024, GIVE_UP_MS = 15 * 1000 };

enum then {			/* after what is said */
	GO_ON,			/* the next request of this connection */
	CLOSE,
	RESET,
	HOLD,			/* until the client goes away */
	DEAF			/* for a while, and reads nothing meanwhile */
};

struct line {			/* one request of a connection */
	size_t take;		/* of its body, before anything is said; */
	bool slowly;		/* in pieces, with a pause between them */
	const char *say[SAYS];	/* in pieces, with a pause between them */
	enum then then;
};

struct script {
	struct line line[CONNS][SAYS];	/* by connection, by request */
};

/* ---- the server: one thread, one connection at a time ---- */

static int listener;
static struct net_addr address;
static const struct script *script;
static atomic_int connections, requests;
static char last_head[4096];

static void
nap(void)
{
	poll(NULL, 0, 15);		/* the pieces must not be one segment */
}

static bool
take_request(int fd, size_t body, bool slowly)
{
	size_t n = 0;
	ssize_t r;
	char drop[8192];

	while (n < sizeof(last_head) - 1) {
		r = recv(fd, last_head + n, 1, 0);
		if (r <= 0)
			return false;
		n++;
		last_head[n] = '\0';
		if (n >= 4 && memcmp(last_head + n - 4, "\r\n\r\n", 4) == 0)
			break;
	}
	requests++;
	for (; body > 0; body -= (size_t)r) {
		r = recv(fd, drop, body < sizeof(drop) ? body : sizeof(drop),
		    0);
		if (r <= 0)
			return false;
		if (slowly)
			nap();
	}
	return true;
}

static void
answer(int fd, const struct line *l)
{
	size_t i;

	for (i = 0; i < SAYS && l->say[i] != NULL; i++) {
		if (i > 0)
			nap();
		if (send(fd, l->say[i], strlen(l->say[i]), MSG_NOSIGNAL) < 0)
			return;
	}
}

static void
serve(int fd, const struct line *l)
{
	struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	struct pollfd gone = { .fd = fd, .events = POLLRDHUP };
	char c;
	int i;

	for (i = 0; i < SAYS; i++, l++) {
		if (!take_request(fd, l->take, l->slowly))
			return;
		answer(fd, l);
		if (l->then == HOLD)
			while (recv(fd, &c, 1, 0) > 0)
				;
		if (l->then == DEAF)	/* unsent bytes hide the client's end */
			poll(&gone, 1, 300);
		if (l->then == RESET)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset,
			    sizeof(reset));
		if (l->then != GO_ON)
			return;
	}
}

static void *
server(void *arg)
{
	int fd;

	(void)arg;
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		int i = connections++;

		serve(fd, script->line[i < CONNS ? i : CONNS - 1]);
		close(fd);
	}
	return NULL;
}

/* ---- the client ---- */

static struct net_loop *loop;
static struct net_resolver *resolver;
static struct net_pool *pool;
static struct net_task owner, sleeper;
static struct net_http *h;
static char body[BODY_MAX];
static size_t body_len;
static bool timed_out, by_peek;

static void
take_body(void)
{
	size_t n;
	const char *p;

	if (by_peek) {
		while (p = net_http_peek(h, &n), n > 0) {
			memcpy(body + body_len, p, n > 1 ? n - 1 : 1);
			body_len += n > 1 ? n - 1 : 1;
			net_http_drop(h, n > 1 ? n - 1 : 1);
		}
		return;
	}
	while ((n = net_http_read(h, body + body_len,
	    sizeof(body) - body_len)) > 0)
		body_len += n;
}

static void
step(struct net_task *t, unsigned why)
{
	(void)t;
	timed_out = why & NET_TIMEOUT;
	if (net_http_state(h) == HTTP_BODY)
		take_body();
	if (timed_out || net_http_state(h) >= HTTP_DONE)
		net_loop_stop(loop);
}

/* Long enough for an answer and a deadline to be there at the same time. */
static void
sleep_step(struct net_task *t, unsigned why)
{
	(void)t;
	if (why & NET_TIMEOUT)
		poll(NULL, 0, 200);
}

static const char head[] = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n";
static char upload[16 * 1024 * 1024];	/* more than sockets hold */

struct ask {
	size_t body;		/* sent with the request */
	bool is_head, once;
	int answer_ms, idle_ms;
	bool sleeps;			/* the loop, soon after it was sent */
};

/* One exchange, to its end. */
static void
ask(const struct ask *a)
{
	struct iovec v = { .iov_base = upload, .iov_len = a->body };
	struct net_http_request r = {
		.origin = { .host = "localhost",
		    .port = net_addr_port(&address) },
		.head = head, .head_len = sizeof(head) - 1,
		.body = &v, .nbody = a->body > 0,
		.is_head = a->is_head, .once = a->once,
		.answer_ms = a->answer_ms ? a->answer_ms : 5000,
		.idle_ms = a->idle_ms ? a->idle_ms : 5000,
	};
	struct err e;

	net_http_free(h);
	body_len = 0;
	timed_out = false;
	h = net_http_new(pool, &r, &owner);
	net_task_deadline(&owner, GIVE_UP_MS);
	if (a->sleeps)
		net_task_deadline(&sleeper, 10);
	net_task_wake(&owner);
	if (h == NULL || net_loop_run(loop, &e) < 0)
		CHECK(0, "no exchange");
	net_task_deadline(&owner, -1);
	CHECK(!timed_out, "the exchange never ended");
}

static void
begin(const struct script *s)
{
	net_http_free(h);
	h = NULL;
	net_pool_free(pool);
	pool = net_pool_new(loop, resolver, NULL);
	script = s;
	connections = requests = 0;
}

static void
check_done(const char *what, int status, const char *want)
{
	CHECK(net_http_state(h) == HTTP_DONE, "%s: %s", what,
	    net_http_reason(h));
	CHECK(net_http_head(h) != NULL && net_http_head(h)->status == status,
	    "%s: status", what);
	CHECK(body_len == strlen(want) && memcmp(body, want, body_len) == 0,
	    "%s: body %.*s", what, (int)body_len, body);
}

static void
check_failed(const char *what, enum net_http_cause cause, const char *why)
{
	CHECK(net_http_state(h) == HTTP_FAILED && net_http_cause(h) == cause,
	    "%s: state %d, cause %d: %s", what, net_http_state(h),
	    net_http_cause(h), net_http_reason(h));
	CHECK(strstr(net_http_reason(h), why) != NULL, "%s: %s", what,
	    net_http_reason(h));
}

#define OK3 "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
#define NONE "HTTP/1.1 204 No Content\r\n\r\n"
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

static void
test_kept(void)
{
	static const struct script s = { {
		{ { .say = { OK3 } }, { .say = { NONE } },
		    { .say = { CHUNKED "1\r\na\r\n0\r\n\r\n" } },
		    { .say = { OK3 } } },
	} };

	begin(&s);
	ask(&(struct ask){ 0 });
	check_done("first", 200, "abc");
	ask(&(struct ask){ 0 });
	check_done("no content", 204, "");
	ask(&(struct ask){ 0 });
	check_done("chunked", 200, "a");
	ask(&(struct ask){ 0 });
	check_done("last", 200, "abc");
	CHECK(connections == 1 && requests == 4, "one connection for all: %d",
	    connections);
}

static void
test_not_kept(void)
{
	static const struct script s = { {
		{ { .say = { "HTTP/1.1 200 OK\r\nConnection: close\r\n"
		    "Content-Length: 0\r\n\r\n" }, .then = HOLD } },
		{ { .say = { "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n" },
		    .then = HOLD } },
		{ { .say = { OK3 "more than was asked for" }, .then = HOLD } },
		{ { .say = { OK3 } } },
	} };

	begin(&s);
	ask(&(struct ask){ 0 });
	check_done("close", 200, "");
	ask(&(struct ask){ 0 });
	check_done("HTTP/1.0", 200, "");
	ask(&(struct ask){ 0 });
	check_done("left over", 200, "abc");
	ask(&(struct ask){ 0 });
	check_done("fresh", 200, "abc");
	CHECK(connections == 4, "none was used again: %d", connections);
}

/* Kept, and gone when it is used again: once more, at once and unnoticed. */
static void
test_stale(void)
{
	static const struct script gone = { {
		{ { .say = { OK3 }, .then = CLOSE } },
		{ { .say = { OK3 }, .then = RESET } },
		{ { .say = { OK3 } }, { .then = CLOSE } },
		{ { .say = { OK3 } } },
	} };

	begin(&gone);
	ask(&(struct ask){ 0 });
	check_done("first", 200, "abc");
	ask(&(struct ask){ .body = 1000 });
	check_done("after a close", 200, "abc");
	ask(&(struct ask){ .body = 100000 });
	check_done("after a reset", 200, "abc");
	ask(&(struct ask){ 0 });	/* taken, then closed without a word */
	check_done("closed on the request", 200, "abc");
	CHECK(connections == 4, "%d connections", connections);
}

static void
test_once_is_once(void)
{
	static const struct script s = { {
		{ { .say = { OK3 } }, { .then = CLOSE } },
		{ { .then = CLOSE } },
		{ { .say = { OK3 } } },
	} };

	begin(&s);
	ask(&(struct ask){ 0 });
	check_done("first", 200, "abc");
	ask(&(struct ask){ .once = true });
	check_failed("once", NET_HTTP_NETWORK, "waiting for the answer");
	CHECK(net_http_unanswered(h) && connections == 1, "not sent again");
	ask(&(struct ask){ 0 });	/* a new connection: no second try */
	check_failed("fresh", NET_HTTP_NETWORK, "closed by the peer");
	CHECK(net_http_unanswered(h) && connections == 2, "nor here");
}

static void
test_pieces(void)
{
	static const struct script s = { {
		{ { .say = { "HT", "TP/1.1 200 OK\r\nContent-Le",
		    "ngth: 3\r\n\r", "\nabc" } },
		    { .say = { CHUNKED "2;ext\r", "\nab\r\n1", "0\r\n"
		    "0123456789abcdef", "\r\n0\r\nTrailer: x\r\n\r\n" } },
		    { .say = { CHUNKED, "3\r\nabc", "\r\n000\r\n", "\r\n" } },
		    { .say = { NONE } } },
	} };
	int i;

	for (i = 0; i < 2; i++) {
		by_peek = i == 1;
		begin(&s);
		ask(&(struct ask){ 0 });
		check_done("head in pieces", 200, "abc");
		ask(&(struct ask){ 0 });
		check_done("chunks in pieces", 200, "ab0123456789abcdef");
		ask(&(struct ask){ 0 });
		check_done("framing in pieces", 200, "abc");
		CHECK(connections == 1, "and kept");
	}
	by_peek = false;
}

static void
test_interim(void)
{
	static const struct script s = { {
		{ { .say = { "HTTP/1.1 100 Continue\r\n\r\n" OK3 } },
		    { .say = { "HTTP/1.1 100 Continue\r\n\r\n",
		    "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", OK3 } },
		    { .say = { "HTTP/1.1 100 Continue\r\n\r\n" },
		    .then = CLOSE } },
		{ { .say = {
#define X "HTTP/1.1 102 Processing\r\n\r\n"
		    X X X X X X X X X X X X }, .then = HOLD } },
		{ { .say = { "HTTP/1.1 101 Switching Protocols\r\n\r\n" },
		    .then = HOLD } },
	} };

	begin(&s);
	ask(&(struct ask){ 0 });
	check_done("100 and the answer", 200, "abc");
	ask(&(struct ask){ 0 });
	check_done("two, apart", 200, "abc");
	ask(&(struct ask){ 0 });
	check_failed("100 and the end", NET_HTTP_NETWORK, "");
	CHECK(connections == 1, "an answer had begun: no second try");
	ask(&(struct ask){ 0 });
	check_failed("flood", NET_HTTP_MALFORMED, "1xx");
	ask(&(struct ask){ 0 });
	check_failed("101", NET_HTTP_MALFORMED, "1xx");
}

static void
test_no_body(void)
{
	static const struct script s = { {
		{ { .say = { "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" } },
		    { .say = { "HTTP/1.1 404 Not Found\r\n"
		    "Transfer-Encoding: chunked\r\n\r\n" } },
		    { .say = { "HTTP/1.1 304 Not Modified\r\n"
		    "Content-Length: 9\r\n\r\n" } },
		    { .say = { OK3 } } },
	} };

	begin(&s);
	ask(&(struct ask){ .is_head = true });
	check_done("HEAD", 200, "");
	CHECK(net_http_head(h)->content_length == 500, "its length is known");
	ask(&(struct ask){ .is_head = true });
	check_done("HEAD, chunked", 404, "");
	ask(&(struct ask){ 0 });
	check_done("304", 304, "");
	ask(&(struct ask){ 0 });
	check_done("GET on the same connection", 200, "abc");
	CHECK(connections == 1, "kept");
}

static void
test_cut(void)
{
	static const struct script s = { {
		{ { .say = { "HTTP/1.1 200 OK\r\nContent-Le" }, .then = CLOSE } },
		{ { .say = { "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc" },
		    .then = CLOSE } },
		{ { .say = { CHUNKED "9\r\nabc" }, .then = CLOSE } },
		{ { .say = { CHUNKED "3\r\nabc\r\n" }, .then = CLOSE } },
	} };
	static const char *const where[] = { "cut in its head",
	    "cut in its body", "cut in its body", "cut in its body" };
	size_t i;

	begin(&s);
	for (i = 0; i < 4; i++) {
		ask(&(struct ask){ 0 });
		check_failed(where[i], NET_HTTP_NETWORK, where[i]);
		CHECK(body_len == (i > 0 ? 3 : 0), "what came before it");
		CHECK(net_http_unanswered(h), "not answered whole");
	}
}

static void
test_malformed(void)
{
	static const struct script s = { {
		{ { .say = { "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n"
		    "Content-Length: 3\r\n\r\nabc" }, .then = HOLD } },
		{ { .say = { "HTTP/1.1 200 OK\r\n\r\nabc" }, .then = CLOSE } },
		{ { .say = { CHUNKED "x\r\n" }, .then = HOLD } },
		{ { .say = { "SSH-2.0-OpenSSH\r\n" }, .then = HOLD } },
	} };
	static const char *const why[] = { "two Content-Length",
	    "without a length", "malformed body", "malformed answer" };
	size_t i;

	begin(&s);
	for (i = 0; i < 4; i++) {
		ask(&(struct ask){ 0 });
		check_failed(why[i], NET_HTTP_MALFORMED, why[i]);
	}
}

/* A refusal may come before the body is out: it is read, not written at. */
static void
test_early(void)
{
	static const struct script s = { {
		{ { .take = 1000, .say = { "HTTP/1.1 403 Forbidden\r\n"
		    "Content-Length: 2\r\n\r\nno" }, .then = DEAF } },
		{ { .say = { OK3 } } },
	} };

	begin(&s);
	ask(&(struct ask){ .body = sizeof(upload) });
	check_done("early", 403, "no");
	ask(&(struct ask){ 0 });
	check_done("next", 200, "abc");
	CHECK(connections == 2, "the rest of the body was never sent: a new "
	    "connection");
}

static void
test_time_outs(void)
{
	static const struct script s = { {
		{ { .then = HOLD } },
		{ { .say = { "HTTP/1.1 200 OK\r\n", "X: 1\r\n", "X: 2\r\n",
		    "X: 3\r\n" }, .then = HOLD } },
		{ { .say = { "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
		    "abc" }, .then = HOLD } },
		{ { .say = { "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\na",
		    "b", "c", "d" } } },
	} };

	begin(&s);
	ask(&(struct ask){ .answer_ms = 50 });
	check_failed("silence", NET_HTTP_NETWORK, "timed out");
	CHECK(net_http_unanswered(h), "unanswered");
	ask(&(struct ask){ .answer_ms = 100, .idle_ms = 5000 });
	check_failed("a head that never ends", NET_HTTP_NETWORK, "timed out");
	ask(&(struct ask){ .idle_ms = 50 });
	check_failed("a body that stops", NET_HTTP_NETWORK, "timed out");
	CHECK(body_len == 3 && net_http_unanswered(h), "answered in part");
	ask(&(struct ask){ .answer_ms = 1000, .idle_ms = 1000 });
	check_done("slow but steady", 200, "abcd");
}

/* qemu-user knows only the first bytes of it. */
static bool
knows_acked(void)
{
	char info[256];
	socklen_t len = sizeof(info);

	return getsockopt(listener, IPPROTO_TCP, TCP_INFO, info, &len) == 0 &&
	    len >= 128;
}

/* What our kernel has taken is not there yet; what nobody takes times out. */
static void
test_slow_uplink(void)
{
	static const struct script s = { {
		{ { .take = 1024 * 1024, .slowly = true, .say = { OK3 } },
		    { .take = 1000, .say = { "HTTP/1.1 100 Continue\r\n\r\n",
		    "HTTP/1.1 102 Processing\r\n\r\n", OK3 } },
		    { .take = 1000, .then = HOLD } },
		{ { .then = DEAF } },
		{ { .then = DEAF } },
		{ { .say = { OK3 } } },
	} };

	int ms = knows_acked() ? 1200 : 10000;

	begin(&s);
	ask(&(struct ask){ .body = 1024 * 1024, .answer_ms = ms,
	    .idle_ms = ms });
	check_done("slow but steady", 200, "abc");
	ask(&(struct ask){ .body = 1000, .answer_ms = 2000, .sleeps = true });
	check_done("an answer beside a look at what is sent", 200, "abc");
	ask(&(struct ask){ .body = 1000, .answer_ms = 100 });
	check_failed("silence", NET_HTTP_NETWORK,
	    "waiting for the answer: timed out");
	CHECK(net_http_unanswered(h), "unanswered");
	ask(&(struct ask){ .body = 1024 * 1024, .answer_ms = 100,
	    .idle_ms = 5000 });
	check_failed("deaf", NET_HTTP_NETWORK, "waiting for the answer");
	ask(&(struct ask){ .body = sizeof(upload), .answer_ms = 5000,
	    .idle_ms = 100 });
	check_failed("deaf, much is sent", NET_HTTP_NETWORK,
	    "sending the request: timed out");
	ask(&(struct ask){ 0 });
	check_done("no longer deaf", 200, "abc");
}

static void
test_nobody(void)
{
	struct net_addr a;
	struct err e;
	struct net_addr real = address;
	int fd;

	net_addr_parse(&a, "127.0.0.1", 0);
	fd = net_listen(&a, 1, &e);
	net_local(fd, &address);
	close(fd);			/* a port without a listener */
	begin(&(const struct script){ 0 });
	ask(&(struct ask){ 0 });
	check_failed("refused", NET_HTTP_NETWORK, "efused");
	CHECK(!net_http_unanswered(h), "nothing was sent");
	address = real;
}

/* Freed at any moment: nothing is left behind (the sanitizers look). */
static void
test_cancel(void)
{
	static const struct script s = { {
		{ { .say = { OK3 }, .then = HOLD } },
		{ { .say = { OK3 }, .then = HOLD } },
	} };
	struct net_http_request r = {
		.origin = { .host = "localhost",
		    .port = net_addr_port(&address) },
		.head = head, .head_len = sizeof(head) - 1,
		.answer_ms = 1000, .idle_ms = 1000,
	};

	begin(&s);
	h = net_http_new(pool, &r, &owner);
	net_http_free(h);
	h = NULL;
	ask(&(struct ask){ 0 });
	check_done("after one that was freed", 200, "abc");
}

static int
make_blocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
}

int
main(void)
{
	struct err e;
	pthread_t thread;
	int small = 64 * 1024;

	signal(SIGPIPE, SIG_IGN);
	net_addr_parse(&address, "127.0.0.1", 0);
	listener = net_listen(&address, 16, &e);
	net_local(listener, &address);
	setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	if (make_blocking(listener) < 0 ||
	    pthread_create(&thread, NULL, server, NULL) != 0) {
		CHECK(0, "no server");
		return test_end("t_http_exchange");
	}
	loop = net_loop_new(&e);
	resolver = net_resolver_new(loop, NULL);
	net_task_init(&owner, loop, step);
	net_task_init(&sleeper, loop, sleep_step);
	test_kept();
	test_not_kept();
	test_stale();
	test_once_is_once();
	test_pieces();
	test_interim();
	test_no_body();
	test_cut();
	test_malformed();
	test_early();
	test_time_outs();
	test_slow_uplink();
	test_nobody();
	test_cancel();
	net_http_free(h);
	net_pool_free(pool);
	shutdown(listener, SHUT_RDWR);
	pthread_join(thread, NULL);
	close(listener);
	net_resolver_free(resolver);
	net_task_end(&owner);
	net_task_end(&sleeper);
	net_loop_free(loop);
	return test_end("t_http_exchange");
}
