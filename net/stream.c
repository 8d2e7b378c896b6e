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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stream_int.h"

enum {			/* of input buffers that outlive an empty read: */
	KEEP_INPUT = 16 * 1024,	/* more than this, */
	KEEP_TLS = 4096		/* and TLS buffers when more: lines are rare */
};

void
net_stream_update(struct net_stream *s)
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

void
net_stream_fail(struct net_stream *s, const char *reason)
{
	if (s->state == NET_FAILED)
		return;
	s->state = NET_FAILED;
	s->shut = true;
	snprintf(s->reason, sizeof(s->reason), "%s", reason);
	net_stream_update(s);
	net_task_wake(s->owner);
}

/* ---- the socket itself ---- */

/* > 0 bytes; 0: nothing now, the end, or failed */
size_t
net_stream_sock_recv(struct net_stream *s, void *buf, size_t n)
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
		net_stream_fail(s, strerror(errno));
	return 0;
}

bool
net_stream_sock_readable(struct net_stream *s)
{
	char c;

	return recv(s->task.fd, &c, 1, MSG_PEEK) >= 0 || (errno != EAGAIN &&
	    errno != EWOULDBLOCK);
}

/* A peer's bytes that nobody reads would make a reset of our end, and destroy
 * what is still on its way there. */
void
net_stream_sock_discard(struct net_stream *s)
{
	char buf[4096];
	int most = 16;

	while (most-- > 0 && recv(s->task.fd, buf, sizeof(buf),
	    MSG_DONTWAIT) > 0)
		;
}

static size_t
sock_sendv(struct net_stream *s, const struct iovec *iov, int niov)
{
	struct msghdr m = { .msg_iov = (struct iovec *)(uintptr_t)iov,
	    .msg_iovlen = (unsigned short)niov };	/* int or size_t */
	ssize_t sent;

	if (s->state == NET_FAILED)
		return 0;
	do
		sent = sendmsg(s->task.fd, &m, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent >= 0)
		return (size_t)sent;
	if (errno != EAGAIN && errno != EWOULDBLOCK)
		net_stream_fail(s, strerror(errno));
	return 0;
}

size_t
net_stream_sock_send(struct net_stream *s, const void *p, size_t n)
{
	struct iovec v = { .iov_base = (void *)(uintptr_t)p, .iov_len = n };

	return sock_sendv(s, &v, 1);
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
		got = net_stream_tls_read(s, buf, n);
	} else {
		got = net_stream_sock_recv(s, buf, n);
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
	net_stream_update(s);
	return got;
}

static bool
input_room(struct net_stream *s, size_t max)
{
	size_t from;
	char *p;

	if (s->in_cap < max) {
		p = realloc(s->in, max);
		if (p == NULL) {
			net_stream_fail(s, "out of memory");
			return false;
		}
		s->in = p;
		s->in_cap = max;
	}
	if (s->in_off > 0 && s->in_off + max > s->in_cap) {
		memmove(s->in, s->in + s->in_off, s->in_len);
		from = s->in_off > s->in_len ? s->in_off : s->in_len;
		tls_wipe(s->in + from, s->in_off + s->in_len - from);
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
			net_stream_trim(s, s->in_cap <= KEEP_TLS);
		net_stream_update(s);
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
		net_stream_tls_settle(s);
	else if (s->state == NET_OPEN && s->tcp_eof)
		s->state = NET_EOF;
}

void
net_stream_wipe(struct net_stream *s, size_t n)
{
	tls_wipe(s->in + s->in_off, n);
	net_stream_drop(s, n);
}

void
net_stream_trim(struct net_stream *s, bool tls)
{
	if (s->in_len > 0)
		return;
	free(s->in);
	s->in = NULL;
	s->in_cap = s->in_off = 0;
	if (tls && s->tls != NULL)
		tls_rest(s->tls);
}

/* ---- writing ---- */

static size_t
send_some(struct net_stream *s, const void *p, size_t n)
{
	if (s->tls != NULL)
		return net_stream_tls_write(s, p, n);
	return net_stream_sock_send(s, p, n);
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
	s->out.max = NET_STREAM_PUT_MAX;
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
				n = net_stream_tls_write(s, iov[i].iov_base,
				    iov[i].iov_len);
				took += n;
				if (n < iov[i].iov_len)
					break;
			}
		}
	}
	if (took < total && s->state != NET_FAILED)
		s->want_write = true;
	net_stream_update(s);
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
	net_stream_update(s);
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
		tls_close(s->tls);
		net_stream_tls_send(s);
		if (tls_cipher_out(s->tls, &n) != NULL)
			return;
	}
	if (shutdown(s->task.fd, SHUT_WR) < 0) {
		net_stream_fail(s, strerror(errno));
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
	shut_step(s);
	net_stream_update(s);
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
		net_stream_fail(s, strerror(error));
		return false;
	}
	s->tcp_connecting = false;
	if (s->tls == NULL) {
		s->state = NET_OPEN;
		net_task_wake(s->owner);
	}
	return true;
}

void
net_stream_step(struct net_task *t, unsigned why)
{
	struct net_stream *s = (struct net_stream *)t;

	if (s->state == NET_FAILED)
		return;
	if (s->tcp_connecting && !finish_connect(s))
		return;
	/* A handshake takes milliseconds: others first, if there are many. */
	if (s->state == NET_CONNECTING && s->tls != NULL &&
	    net_task_postpone(t, why))
		return;
	if (s->tls != NULL) {
		if (s->state == NET_CONNECTING && (why & NET_READ))
			while (tls_state(s->tls) == TLS_HANDSHAKE &&
			    net_stream_tls_recv(s))
				net_stream_tls_send(s);
		net_stream_tls_settle(s);
	}
	if (s->state != NET_CONNECTING)
		flush_out(s);
	shut_step(s);
	if ((why & NET_READ) && s->want_read) {
		s->want_read = false;
		net_task_wake(s->owner);
	}
	if ((why & NET_WRITE) && s->want_write && s->out.len == 0) {
		s->want_write = false;
		net_task_wake(s->owner);
	}
	net_stream_update(s);
}
