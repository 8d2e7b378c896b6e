/*
 * tests/t_stream.c - net/stream.c over socket pairs, plain and TLS alike:
 * who asks is woken, partial writes, ends and resets, peek and drop.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "../net/net_int.h"
#include "tls_pair.h"

enum { GIVE_UP_MS = 10 * 1000, QUIET_MS = 30, MUCH = 3 * 1024 * 1024 };

static struct net_loop *loop;
static struct net_task owner;
static int steps;			/* of the owner */
static bool timed_out;
static bool (*done)(void);
static struct net_stream *s;		/* under test */
static struct net_stream *t;		/* its peer, where that is a stream */
static int peer;			/* or a plain descriptor */
static int refused;			/* calls that find no room */

/* In libc's place. */
ssize_t
sendmsg(int fd, const struct msghdr *m, int flags)
{
	const struct iovec *v = m->msg_iov;
	ssize_t all = 0, n;
	size_t i;

	if (refused > 0) {
		refused--;
		errno = EAGAIN;
		return -1;
	}
	for (i = 0; i < (size_t)m->msg_iovlen; i++) {
		n = send(fd, v[i].iov_base, v[i].iov_len, flags);
		if (n < 0)
			return all > 0 ? all : n;
		all += n;
		if ((size_t)n < v[i].iov_len)
			break;
	}
	return all;
}

static void
step(struct net_task *task, unsigned why)
{
	(void)task;
	if (why & NET_TIMEOUT) {
		timed_out = true;
		net_loop_stop(loop);
		return;
	}
	steps++;
	if (done == NULL || done())
		net_loop_stop(loop);
}

/* Until the owner has been woken and cond holds; false: it never did. */
static bool
run_until(bool (*cond)(void), int64_t ms)
{
	struct err e;

	done = cond;
	timed_out = false;
	if (cond != NULL && cond())
		return true;
	net_task_deadline(&owner, ms);
	if (net_loop_run(loop, &e) < 0)
		CHECK(0, "%s", e.text);
	net_task_deadline(&owner, -1);
	return !timed_out;
}

static bool
woken(void)
{
	return run_until(NULL, GIVE_UP_MS);
}

static bool
quiet(void)
{
	return !run_until(NULL, QUIET_MS);
}

static void
begin(void)
{
	int fd[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == 0,
	    "socketpair");
	fcntl(fd[0], F_SETFL, O_NONBLOCK);
	fcntl(fd[1], F_SETFL, O_NONBLOCK);
	s = net_stream_new(loop, fd[0], &owner);
	peer = fd[1];
	steps = 0;
}

static void
end(void)
{
	net_stream_free(s);
	net_stream_free(t);
	if (peer >= 0)
		close(peer);
	s = t = NULL;
	peer = -1;
}

static void
say(const char *text)
{
	CHECK(write(peer, text, strlen(text)) == (ssize_t)strlen(text),
	    "write to the stream");
}

static void
check_peek(size_t max, bool more, const char *want)
{
	size_t n;
	const char *p = net_stream_peek(s, max, more, &n);

	CHECK(n == strlen(want) && memcmp(p, want, n) == 0,
	    "peek(%zu, %d): %.*s, want %s", max, more, (int)n, p, want);
}

/* ---- reading ---- */

static void
test_read(void)
{
	char buf[16];

	begin();
	say("hello");
	CHECK(quiet() && steps == 0, "who has not asked is not woken");
	CHECK(net_stream_read(s, buf, 3) == 3 && memcmp(buf, "hel", 3) == 0,
	    "some of it");
	CHECK(net_stream_read(s, buf, 16) == 2, "the rest");
	CHECK(net_stream_read(s, buf, 16) == 0, "nothing now");
	CHECK(net_stream_state(s) == NET_OPEN, "still open");
	say("x");
	CHECK(woken() && steps == 1, "woken once");
	CHECK(quiet() && steps == 1, "and not again without asking");
	CHECK(net_stream_read(s, buf, 16) == 1 && buf[0] == 'x', "x");
	close(peer);
	peer = -1;
	CHECK(net_stream_read(s, buf, 16) == 0 &&
	    net_stream_state(s) == NET_EOF, "the end");
	CHECK_STR(net_stream_reason(s), "closed by the peer", "reason");
	CHECK(net_stream_read(s, buf, 16) == 0, "and nothing after it");
	end();
}

static void
test_peek(void)
{
	char buf[16];

	begin();
	say("abcdef");
	check_peek(4, false, "");
	check_peek(4, true, "abcd");
	check_peek(2, false, "ab");
	net_stream_drop(s, 1);
	check_peek(4, false, "bcd");
	check_peek(9, true, "bcdef");
	CHECK(net_stream_read(s, buf, 2) == 2 && memcmp(buf, "bc", 2) == 0,
	    "read takes what was peeked first");
	say("gh");
	check_peek(9, true, "defgh");
	check_peek(9, true, "defgh");	/* asks: there is nothing more */
	say("i");
	CHECK(woken(), "woken for more");
	check_peek(9, true, "defghi");
	net_stream_drop(s, 6);
	check_peek(9, false, "");
	end();
}

/* What was read and not dropped keeps the end from being the state, but one
 * can ask for it. */
static void
test_end_behind_data(void)
{
	begin();
	say("tail");
	check_peek(9, true, "tail");
	CHECK(!net_stream_ended(s), "more may come");
	close(peer);
	peer = -1;
	check_peek(9, true, "tail");
	CHECK(net_stream_state(s) == NET_OPEN, "not before it is dropped");
	CHECK(net_stream_ended(s), "no more will come");
	net_stream_drop(s, 2);
	check_peek(9, true, "il");
	net_stream_drop(s, 2);
	CHECK(net_stream_state(s) == NET_EOF && net_stream_ended(s), "end");
	end();
}

/* A small maximum, asked for again and again, walks through everything. */
static void
test_peek_walk(void)
{
	size_t n, i, total = 0;
	const char *p;

	begin();
	CHECK(write(peer, pattern, 50000) == 50000, "write");
	for (i = 0; total < 50000 && i < 100000; i++) {
		p = net_stream_peek(s, 1 + i % 97, true, &n);
		if (memcmp(p, pattern + total, n) != 0)
			break;
		n = n > 1 ? n - i % 2 : n;
		net_stream_drop(s, n);
		total += n;
	}
	CHECK(total == 50000, "walked to %zu", total);
	end();
}

/* ---- writing ---- */

static size_t sent, received;
static unsigned char *sink;

static void
drain(void)
{
	ssize_t n;

	while ((n = read(peer, sink + received, MUCH - received)) > 0)
		received += (size_t)n;
}

static bool
all_sent(void)
{
	sent += net_stream_write(s, pattern + sent, MUCH - sent);
	if (sent < MUCH)
		drain();
	return sent == MUCH;
}

static void
test_partial_writes(void)
{
	begin();
	sent = received = 0;
	sent = net_stream_write(s, pattern, MUCH);
	CHECK(sent > 0 && sent < MUCH, "the kernel takes some: %zu", sent);
	CHECK(net_stream_write(s, pattern + sent, MUCH - sent) == 0,
	    "and then nothing");
	CHECK(quiet(), "not woken while there is no room");
	drain();
	CHECK(run_until(all_sent, GIVE_UP_MS), "all sent: %zu", sent);
	drain();
	CHECK(received == MUCH && memcmp(sink, pattern, MUCH) == 0,
	    "%zu bytes arrived as they were", received);
	end();
}

static void
test_writev(void)
{
	char a[] = "one ", b[] = "two ", c[] = "three", buf[32];
	struct iovec v[] = { { a, 4 }, { b, 0 }, { b, 4 }, { c, 5 } };

	begin();
	CHECK(net_stream_writev(s, v, 4) == 13, "all slices");
	CHECK(read(peer, buf, 32) == 13 && memcmp(buf, "one two three", 13)
	    == 0, "in order");
	CHECK(net_stream_writev(s, v, 0) == 0, "no slices");
	end();
}

static void
test_put(void)
{
	static char text[40 * 1024];
	char buf[8];
	ssize_t n;
	size_t total = 0;
	int size = 4096;

	begin();
	setsockopt(net_stream_fd(s), SOL_SOCKET, SO_SNDBUF, &size,
	    sizeof(size));
	CHECK(net_stream_put(s, "220 hi\r\n", 8) && read(peer, buf, 8) == 8,
	    "short text goes at once");
	CHECK(net_stream_put(s, text, sizeof(text)), "40 KB are taken");
	CHECK(net_stream_pending(s) > 0, "some wait");
	CHECK(net_stream_write(s, "x", 1) == 0, "nothing overtakes them");
	net_stream_shutdown(s);
	CHECK(!net_stream_shut(s), "not before they are out");
	while (run_until(NULL, QUIET_MS) || total < sizeof(text))
		while ((n = read(peer, sink, MUCH)) > 0)
			total += (size_t)n;
	CHECK(total == sizeof(text) && net_stream_shut(s), "all of it, %zu, "
	    "then the end", total);
	CHECK(read(peer, buf, 8) == 0, "the peer sees the end");
	end();
}

static void
test_put_overflow(void)
{
	static char text[32 * 1024];
	int size = 4096, i;

	begin();
	setsockopt(net_stream_fd(s), SOL_SOCKET, SO_SNDBUF, &size,
	    sizeof(size));
	for (i = 0; i < 100 && net_stream_put(s, text, sizeof(text)); i++)
		;
	CHECK(i >= 2 && i < 20, "a peer who does not read is given up: %d", i);
	end();
}

static void
test_peer_gone(void)
{
	int i;

	begin();
	close(peer);
	peer = -1;
	for (i = 0; i < 3 && net_stream_state(s) == NET_OPEN; i++)
		net_stream_write(s, "x", 1);	/* no SIGPIPE */
	CHECK(net_stream_state(s) == NET_FAILED, "writing to nobody");
	CHECK(net_stream_reason(s)[0] != '\0', "has a reason");
	CHECK(!net_stream_put(s, "x", 1) && net_stream_shut(s), "stays so");
	end();
}

/* ---- TCP ---- */

static int
listener(struct net_addr *a)
{
	struct err e;
	int fd;

	net_addr_parse(a, "127.0.0.1", 0);
	fd = net_listen(a, 8, &e);
	CHECK(fd >= 0 && net_local(fd, a) == 0, "listen");
	return fd;
}

static bool
settled(void)
{
	return net_stream_state(s) != NET_CONNECTING;
}

static void
test_reset(void)
{
	struct linger l = { .l_onoff = 1, .l_linger = 0 };
	struct net_addr a;
	struct err e;
	char buf[8];
	int fd = listener(&a);

	s = net_stream_connect(loop, &a, NULL, &owner, &e);
	CHECK(s != NULL && run_until(settled, GIVE_UP_MS) &&
	    net_stream_state(s) == NET_OPEN, "connected");
	peer = accept(fd, NULL, NULL);
	CHECK(net_stream_read(s, buf, 8) == 0, "nothing yet");
	setsockopt(peer, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	close(peer);
	peer = -1;
	CHECK(woken() && net_stream_read(s, buf, 8) == 0, "woken");
	CHECK(net_stream_state(s) == NET_FAILED, "a reset is not the end");
	CHECK(strstr(net_stream_reason(s), "eset") != NULL, "reason: %s",
	    net_stream_reason(s));
	end();
	close(fd);
}

static void
test_refused(void)
{
	struct net_addr a;
	struct err e;
	int fd = listener(&a);

	close(fd);
	s = net_stream_connect(loop, &a, NULL, &owner, &e);
	if (s == NULL) {
		CHECK(strstr(e.text, "efused") != NULL, "%s", e.text);
		return;
	}
	CHECK(net_stream_write(s, "x", 1) == 0, "not yet open");
	CHECK(run_until(settled, GIVE_UP_MS) &&
	    net_stream_state(s) == NET_FAILED &&
	    strstr(net_stream_reason(s), "efused") != NULL, "refused: %s",
	    net_stream_reason(s));
	end();
}

/* ---- TLS ---- */

static struct pair tls;

static bool
both_open(void)
{
	return net_stream_state(s) != NET_CONNECTING &&
	    net_stream_state(t) != NET_CONNECTING;
}

static bool
begin_tls(void)
{
	begin();
	if (!pair_new(&tls, &usual))
		return false;
	t = net_stream_new(loop, peer, &owner);
	peer = -1;
	net_stream_tls(s, tls.server);
	net_stream_tls(t, tls.client);
	tls.server = tls.client = NULL;		/* theirs now */
	CHECK(run_until(both_open, GIVE_UP_MS) &&
	    net_stream_state(s) == NET_OPEN &&
	    net_stream_state(t) == NET_OPEN, "handshake: %s, %s",
	    net_stream_reason(s), net_stream_reason(t));
	return true;
}

static void
end_tls(void)
{
	end();
	pair_free(&tls);
}

static bool
tls_moved(void)
{
	sent += net_stream_write(t, pattern + sent, MUCH - sent);
	received += net_stream_read(s, sink + received, MUCH - received);
	return received == MUCH;
}

static bool
s_ended(void)
{
	char c;

	return net_stream_read(s, &c, 1) == 0 &&
	    net_stream_state(s) != NET_OPEN;
}

static void
test_tls(void)
{
	size_t n;

	if (!begin_tls())
		return;
	sent = received = 0;
	CHECK(run_until(tls_moved, GIVE_UP_MS) &&
	    memcmp(sink, pattern, MUCH) == 0, "%zu of %zu bytes", received,
	    sent);
	CHECK(net_stream_put(s, "reply\r\n", 7), "put");
	while (net_stream_peek(t, 64, true, &n), n < 7 && woken())
		;
	CHECK(memcmp(net_stream_peek(t, 64, false, &n), "reply\r\n", 7) == 0 &&
	    n == 7, "reply came");
	net_stream_put(t, "bye", 3);
	net_stream_shutdown(t);
	while (net_stream_peek(s, 64, true, &n), n < 3 && woken())
		;
	CHECK(n == 3, "last bytes");
	net_stream_drop(s, n);
	CHECK(run_until(s_ended, GIVE_UP_MS) &&
	    net_stream_state(s) == NET_EOF, "close_notify is the end: %s",
	    net_stream_reason(s));
	end_tls();
}

static bool
s_ended_after_all(void)
{
	size_t n;

	while ((n = net_stream_read(s, sink, MUCH)) > 0)
		received += n;
	return net_stream_state(s) != NET_OPEN;
}

/* Room may come at any moment, also between two looks. */
static void
test_tls_close_behind(void)
{
	int n;

	for (n = 0; n < 8; n++) {
		if (!begin_tls())
			return;
		received = 0;
		refused = 1000;
		CHECK(net_stream_put(t, pattern, 40000), "put");
		refused = n;
		net_stream_shutdown(t);
		CHECK(run_until(s_ended_after_all, GIVE_UP_MS) &&
		    received == 40000 && net_stream_state(s) == NET_EOF,
		    "%d refused: %zu bytes, %s", n, received,
		    net_stream_reason(s));
		end_tls();
	}
}

static void
test_tls_cut(void)
{
	size_t n;

	if (!begin_tls())
		return;
	net_stream_put(t, "part", 4);
	while (net_stream_peek(s, 64, true, &n), n < 4 && woken())
		;
	net_stream_free(t);			/* FIN without close_notify */
	t = NULL;
	net_stream_drop(s, 4);
	CHECK(run_until(s_ended, GIVE_UP_MS) &&
	    net_stream_state(s) == NET_FAILED, "a cut is not the end");
	CHECK(strstr(net_stream_reason(s), "close_notify") != NULL, "%s",
	    net_stream_reason(s));
	end_tls();
}

static void
test_tls_garbage(void)
{
	begin();
	if (!pair_new(&tls, &usual))
		return;
	net_stream_tls(s, tls.client);
	tls.client = NULL;
	say("HTTP/1.1 400 Bad Request\r\n\r\n");
	CHECK(run_until(settled, GIVE_UP_MS) &&
	    net_stream_state(s) == NET_FAILED && net_stream_tls_failed(s),
	    "no TLS: %s", net_stream_reason(s));
	end_tls();
}

/* RFC 4217: what was buffered in clear is no part of the secured session. */
static void
test_tls_injection(void)
{
	size_t n;

	begin();
	if (!pair_new(&tls, &usual))
		return;
	say("USER injected\r\n");
	net_stream_peek(s, 64, true, &n);
	CHECK(n == 15, "in clear");
	t = net_stream_new(loop, peer, &owner);
	peer = -1;
	net_stream_tls(s, tls.server);
	net_stream_tls(t, tls.client);
	tls.server = tls.client = NULL;
	CHECK(run_until(both_open, GIVE_UP_MS), "handshake");
	net_stream_peek(s, 64, true, &n);
	CHECK(n == 0 && net_stream_state(s) == NET_OPEN, "thrown away");
	end_tls();
}

int
main(void)
{
	static void (*const tests[])(void) = {
		test_read, test_peek, test_end_behind_data, test_peek_walk,
		test_partial_writes, test_writev, test_put, test_put_overflow,
		test_peer_gone, test_reset, test_refused, test_tls,
		test_tls_close_behind, test_tls_cut, test_tls_garbage,
		test_tls_injection, NULL
	};
	struct err e;
	int status;

	loop = net_loop_new(&e);
	net_task_init(&owner, loop, step);
	sink = malloc(MUCH);
	peer = -1;
	status = run(tests, "t_stream");
	free(sink);
	net_task_end(&owner);
	net_loop_free(loop);
	return status;
}
