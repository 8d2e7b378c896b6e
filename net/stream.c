/*
 * net/stream.c - one connection, plain or TLS alike; the only recv() and
 * send() of the program.
 *
 * Reads go straight into the caller's memory (net_stream_read) or into the
 * stream's own buffer for parsers (net_stream_peek).  Writes are taken as far
 * as the kernel takes them (net_stream_write) or buffered whole for short
 * texts (net_stream_put).  A call that could not do all it was asked marks
 * what the owner waits for; the next event wakes the owner once.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <unistd.h>

#include "net_int.h"

enum {
	PUT_MAX = 64 * 1024,	/* unread replies before the peer is given up */
	KEEP_INPUT = 16 * 1024	/* larger input buffers outlive an empty read */
};

struct net_stream {
	struct net_task task;
	struct net_task *owner;
	enum net_stream_state state;
	struct tls_conn *tls;		/* owned; NULL: plain */
	char *in;			/* owned; in[in_off .. in_off + in_len) */
	size_t in_off, in_len, in_cap;
	struct net_buf out;		/* text not yet sent */
	bool tcp_connecting;
	bool tcp_eof;			/* the peer's FIN was read */
	bool want_read, want_write;	/* the owner waits for it */
	bool shutting, shut;		/* shutdown asked for, done */
	char reason[160];
};

static void step(struct net_task *, unsigned);

static void
update_watch(struct net_stream *s)
{
	unsigned want = 0;
	size_t n;

	if (s->state == NET_FAILED) {
		want = 0;
	} else if (s->tcp_connecting) {
		want = NET_WRITE;
	} else {
		if (s->want_read || s->state == NET_CONNECTING)
			want |= NET_READ;
		if (s->want_write || s->out.len > 0 ||
		    (s->shutting && !s->shut))
			want |= NET_WRITE;
		if (s->tls != NULL && tls_cipher_out(s->tls, &n) != NULL)
			want |= NET_WRITE;
		if (s->state == NET_CONNECTING && s->tls != NULL &&
		    tls_cipher_out(s->tls, &n) == NULL)
			want &= ~(unsigned)NET_WRITE;
		if (s->tcp_eof)
			want &= ~(unsigned)NET_READ;
	}
	if (want != s->task.want)
		net_task_watch(&s->task, s->task.fd, want);
}

static void
fail(struct net_stream *s, const char *reason)
{
	if (s->state == NET_FAILED)
		return;
	s->state = NET_FAILED;
	s->shut = true;
	snprintf(s->reason, sizeof(s->reason), "%s", reason);
	update_watch(s);
	net_task_wake(s->owner);
}

static struct net_stream *
stream_alloc(struct net_loop *l, int fd, struct net_task *owner)
{
	struct net_stream *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	net_task_init(&s->task, l, step);
	s->task.fd = fd;
	s->owner = owner;
	s->out.max = PUT_MAX;
	s->state = NET_OPEN;
	return s;
}

struct net_stream *
net_stream_new(struct net_loop *l, int fd, struct net_task *owner)
{
	struct net_stream *s = stream_alloc(l, fd, owner);

	if (s == NULL)
		close(fd);
	return s;
}

struct net_stream *
net_stream_connect(struct net_loop *l, const struct net_addr *to,
    const struct net_addr *from, struct net_task *owner, struct err *e)
{
	char text[NET_ADDR_TEXT];
	struct net_stream *s = NULL;
	int fd, on = 1;

	fd = socket(to->ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);
	if (fd < 0) {
		err_sys(e, "socket");
		return NULL;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (from != NULL) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (bind(fd, (const struct sockaddr *)&from->ss,
		    from->len) < 0) {
			err_sys(e, "bind to %s port %u", net_addr_text(from,
			    text), net_addr_port(from));
			goto fail;
		}
	}
	if (connect(fd, (const struct sockaddr *)&to->ss, to->len) < 0 &&
	    errno != EINPROGRESS) {
		err_sys(e, "connect to %s port %u", net_addr_text(to, text),
		    net_addr_port(to));
		goto fail;
	}
	s = stream_alloc(l, fd, owner);
	if (s == NULL) {
		err_set(e, "out of memory");
		goto fail;
	}
	s->state = NET_CONNECTING;
	s->tcp_connecting = true;
	update_watch(s);
	return s;
fail:
	close(fd);
	return NULL;
}

void
net_stream_free(struct net_stream *s)
{
	if (s == NULL)
		return;
	close(s->task.fd);
	net_task_end(&s->task);
	tls_free(s->tls);
	free(s->in);
	net_buf_free(&s->out);
	free(s);
}

void
net_stream_owner(struct net_stream *s, struct net_task *owner)
{
	s->owner = owner;
	s->want_read = s->want_write = false;
	update_watch(s);
}

enum net_stream_state
net_stream_state(const struct net_stream *s)
{
	return s->state;
}

const char *
net_stream_reason(const struct net_stream *s)
{
	return s->state == NET_EOF ? "closed by the peer" : s->reason;
}

bool
net_stream_tls_failed(const struct net_stream *s)
{
	return s->tls != NULL && tls_state(s->tls) == TLS_FAILED;
}

bool
net_stream_ended(const struct net_stream *s)
{
	return s->state >= NET_EOF || s->tcp_eof ||
	    (s->tls != NULL && tls_peer_closed(s->tls));
}

int
net_stream_fd(const struct net_stream *s)
{
	return s->task.fd;
}

void
net_stream_urgent_inline(struct net_stream *s)
{
	int on = 1;

	setsockopt(s->task.fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
}

/* ---- the socket itself ---- */

/* > 0 bytes; 0: nothing now, the end, or failed */
static size_t
sock_recv(struct net_stream *s, void *buf, size_t n)
{
	ssize_t got;

	if (s->tcp_eof || s->state == NET_FAILED)
		return 0;
	do
		got = recv(s->task.fd, buf, n, 0);
	while (got < 0 && errno == EINTR);
	if (got > 0)
		return (size_t)got;
	if (got == 0)
		s->tcp_eof = true;
	else if (errno != EAGAIN && errno != EWOULDBLOCK)
		fail(s, strerror(errno));
	return 0;
}

static size_t
sock_sendv(struct net_stream *s, const struct iovec *iov, int niov)
{
	struct msghdr m = { .msg_iov = (struct iovec *)(uintptr_t)iov,
	    .msg_iovlen = (size_t)niov };
	ssize_t sent;

	if (s->state == NET_FAILED)
		return 0;
	do
		sent = sendmsg(s->task.fd, &m, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent >= 0)
		return (size_t)sent;
	if (errno != EAGAIN && errno != EWOULDBLOCK)
		fail(s, strerror(errno));
	return 0;
}

static size_t
sock_send(struct net_stream *s, const void *p, size_t n)
{
	struct iovec v = { .iov_base = (void *)(uintptr_t)p, .iov_len = n };

	return sock_sendv(s, &v, 1);
}

/* ---- TLS: move cipher bytes between the engine and the socket ---- */

static void
tls_send(struct net_stream *s)
{
	const unsigned char *p;
	size_t n, sent;

	while (s->state != NET_FAILED &&
	    (p = tls_cipher_out(s->tls, &n)) != NULL) {
		sent = sock_send(s, p, n);
		if (sent == 0)
			return;
		tls_cipher_out_done(s->tls, sent);
	}
}

/* One read into the engine; false when nothing came. */
static bool
tls_recv(struct net_stream *s)
{
	unsigned char *p;
	size_t room, got;

	p = tls_cipher_in(s->tls, &room);
	if (p == NULL)
		return false;
	got = sock_recv(s, p, room);
	if (got == 0)
		return false;
	tls_cipher_in_done(s->tls, got);
	return true;
}

/* After any movement: what became of the connection? */
static void
tls_settle(struct net_stream *s)
{
	bool ended = s->state == NET_OPEN && tls_peer_closed(s->tls);
	size_t n;

	tls_send(s);
	if (s->state == NET_FAILED) {
		/* Our close_notify did not get through to a peer that has
		 * said all it had to say: what we read is whole. */
		if (ended)
			s->state = NET_EOF;
		return;
	}
	if (tls_state(s->tls) == TLS_FAILED) {
		fail(s, tls_reason(s->tls));
	} else if (tls_plain_out(s->tls, &n) != NULL || s->in_len > 0) {
		;	/* still to be read */
	} else if (tls_peer_closed(s->tls)) {
		if (s->state == NET_CONNECTING)
			fail(s, "TLS was closed during the handshake");
		else
			s->state = NET_EOF;
	} else if (s->tcp_eof) {
		fail(s, s->state == NET_CONNECTING ?
		    "closed during the TLS handshake" :
		    "closed without TLS close_notify");
	}
	if (s->state == NET_CONNECTING && !s->tcp_connecting &&
	    tls_state(s->tls) == TLS_OPEN) {
		s->state = NET_OPEN;
		net_task_wake(s->owner);
	}
}

void
net_stream_tls(struct net_stream *s, struct tls_conn *tls)
{
	s->tls = tls;
	s->in_len = s->in_off = 0;
	s->state = NET_CONNECTING;
	if (!s->tcp_connecting)
		tls_settle(s);
	update_watch(s);
}

/* Reads into dst from the engine, then the socket; as sock_recv. */
static size_t
tls_read(struct net_stream *s, char *dst, size_t n)
{
	const unsigned char *p;
	size_t have, got = 0;

	while (got < n) {
		p = tls_plain_out(s->tls, &have);
		if (p != NULL) {
			if (have > n - got)
				have = n - got;
			memcpy(dst + got, p, have);
			tls_plain_out_done(s->tls, have);
			got += have;
		} else if (tls_peer_closed(s->tls) || !tls_recv(s)) {
			break;
		}
	}
	tls_settle(s);
	return got;
}

/* ---- reading ---- */

static size_t
receive(struct net_stream *s, void *buf, size_t n)
{
	size_t got;

	if (s->state == NET_CONNECTING) {
		s->want_read = true;
		return 0;
	}
	if (s->state != NET_OPEN)
		return 0;
	if (s->tls != NULL) {
		got = tls_read(s, buf, n);
	} else {
		got = sock_recv(s, buf, n);
		if (got == 0 && s->tcp_eof && s->in_len == 0 &&
		    s->state == NET_OPEN)
			s->state = NET_EOF;
	}
	if (got == 0 && s->state == NET_OPEN && !s->tcp_eof)
		s->want_read = true;
	return got;
}

size_t
net_stream_read(struct net_stream *s, void *buf, size_t n)
{
	size_t got;

	if (s->in_len > 0) {
		got = s->in_len < n ? s->in_len : n;
		memcpy(buf, s->in + s->in_off, got);
		net_stream_drop(s, got);
		return got;
	}
	got = receive(s, buf, n);
	update_watch(s);
	return got;
}

static bool
input_room(struct net_stream *s, size_t max)
{
	char *p;

	if (s->in_cap < max) {
		p = realloc(s->in, max);
		if (p == NULL) {
			fail(s, "out of memory");
			return false;
		}
		s->in = p;
		s->in_cap = max;
	}
	if (s->in_off > 0 && s->in_off + max > s->in_cap) {
		memmove(s->in, s->in + s->in_off, s->in_len);
		s->in_off = 0;
	}
	return true;
}

const char *
net_stream_peek(struct net_stream *s, size_t max, bool more, size_t *n)
{
	if (more && s->in_len < max && s->state <= NET_OPEN &&
	    input_room(s, max)) {
		s->in_len += receive(s, s->in + s->in_off + s->in_len,
		    max - s->in_len);
		if (s->in_len == 0 && s->in_cap <= KEEP_INPUT)
			net_stream_trim(s);
		update_watch(s);
	}
	*n = s->in_len < max ? s->in_len : max;
	return s->in != NULL ? s->in + s->in_off : "";
}

void
net_stream_drop(struct net_stream *s, size_t n)
{
	s->in_off += n;
	s->in_len -= n;
	if (s->in_len > 0)
		return;
	s->in_off = 0;
	if (s->state == NET_OPEN && s->tls != NULL)
		tls_settle(s);
	else if (s->state == NET_OPEN && s->tcp_eof)
		s->state = NET_EOF;
}

void
net_stream_trim(struct net_stream *s)
{
	if (s->in_len > 0)
		return;
	free(s->in);
	s->in = NULL;
	s->in_cap = s->in_off = 0;
}

/* ---- writing ---- */

static size_t
tls_write(struct net_stream *s, const char *src, size_t n)
{
	unsigned char *p;
	size_t room, put = 0;

	while (put < n && s->state != NET_FAILED) {
		p = tls_plain_in(s->tls, &room);
		if (p == NULL) {
			tls_send(s);
			p = tls_plain_in(s->tls, &room);
			if (p == NULL)
				break;
		}
		if (room > n - put)
			room = n - put;
		memcpy(p, src + put, room);
		tls_plain_in_done(s->tls, room);
		put += room;
	}
	if (put > 0)
		tls_flush(s->tls);
	tls_send(s);
	if (s->state != NET_FAILED && tls_state(s->tls) == TLS_FAILED)
		fail(s, tls_reason(s->tls));
	return put;
}

static size_t
send_some(struct net_stream *s, const void *p, size_t n)
{
	if (s->tls != NULL)
		return tls_write(s, p, n);
	return sock_send(s, p, n);
}

/* Sends what was put; true when nothing of it is left. */
static bool
flush_out(struct net_stream *s)
{
	size_t n;

	while (s->out.len > 0) {
		n = send_some(s, s->out.data, s->out.len);
		if (n == 0)
			return false;
		net_buf_drop(&s->out, n);
	}
	net_buf_free(&s->out);
	s->out.max = PUT_MAX;
	return true;
}

size_t
net_stream_writev(struct net_stream *s, const struct iovec *iov, int niov)
{
	size_t total = 0, took = 0, n;
	int i;

	for (i = 0; i < niov; i++)
		total += iov[i].iov_len;
	if (s->state == NET_FAILED)
		return 0;
	if (s->state != NET_CONNECTING && flush_out(s)) {
		if (s->tls == NULL) {
			took = sock_sendv(s, iov, niov);
		} else {
			for (i = 0; i < niov; i++) {
				n = tls_write(s, iov[i].iov_base,
				    iov[i].iov_len);
				took += n;
				if (n < iov[i].iov_len)
					break;
			}
		}
	}
	if (took < total && s->state != NET_FAILED)
		s->want_write = true;
	update_watch(s);
	return took;
}

size_t
net_stream_write(struct net_stream *s, const void *p, size_t n)
{
	struct iovec v = { .iov_base = (void *)(uintptr_t)p, .iov_len = n };

	return net_stream_writev(s, &v, 1);
}

bool
net_stream_put(struct net_stream *s, const void *p, size_t n)
{
	const char *text = p;
	size_t sent = 0;

	if (s->state == NET_FAILED)
		return false;
	if (s->state != NET_CONNECTING && flush_out(s))
		sent = send_some(s, text, n);
	if (sent < n)
		net_buf_put(&s->out, text + sent, n - sent);
	update_watch(s);
	return !s->out.failed && s->state != NET_FAILED;
}

size_t
net_stream_pending(const struct net_stream *s)
{
	return s->out.len;
}

/* ---- ending ---- */

static void
shut_step(struct net_stream *s)
{
	size_t n;

	if (!s->shutting || s->shut || s->state == NET_CONNECTING ||
	    !flush_out(s))
		return;
	if (s->tls != NULL) {
		tls_send(s);
		if (tls_cipher_out(s->tls, &n) != NULL)
			return;
	}
	if (shutdown(s->task.fd, SHUT_WR) < 0) {
		fail(s, strerror(errno));
		return;
	}
	s->shut = true;
	net_task_wake(s->owner);
}

void
net_stream_shutdown(struct net_stream *s)
{
	if (s->shutting || s->state == NET_FAILED)
		return;
	s->shutting = true;
	if (s->tls != NULL && s->state != NET_CONNECTING && flush_out(s))
		tls_close(s->tls);
	shut_step(s);
	update_watch(s);
}

bool
net_stream_shut(const struct net_stream *s)
{
	return s->shut;
}

/* ---- events ---- */

static bool
finish_connect(struct net_stream *s)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(s->task.fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error != 0) {
		fail(s, strerror(error));
		return false;
	}
	s->tcp_connecting = false;
	if (s->tls == NULL) {
		s->state = NET_OPEN;
		net_task_wake(s->owner);
	}
	return true;
}

static void
step(struct net_task *t, unsigned why)
{
	struct net_stream *s = (struct net_stream *)t;

	if (s->state == NET_FAILED)
		return;
	if (s->tcp_connecting && !finish_connect(s))
		return;
	if (s->tls != NULL) {
		if (s->state == NET_CONNECTING && (why & NET_READ))
			while (tls_state(s->tls) == TLS_HANDSHAKE &&
			    tls_recv(s))
				tls_send(s);
		tls_settle(s);
	}
	if (s->state != NET_CONNECTING)
		flush_out(s);
	if (s->shutting && !s->shut && s->tls != NULL && s->out.len == 0 &&
	    tls_state(s->tls) == TLS_OPEN)
		tls_close(s->tls);
	shut_step(s);
	if ((why & NET_READ) && s->want_read) {
		s->want_read = false;
		net_task_wake(s->owner);
	}
	if ((why & NET_WRITE) && s->want_write && s->out.len == 0) {
		s->want_write = false;
		net_task_wake(s->owner);
	}
	update_watch(s);
}
