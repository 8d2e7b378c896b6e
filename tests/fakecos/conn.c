/*
 * conn.c - bytes in and out of one connection, plain or TLS, at a set rate.
 */
#include "fakecos.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static ssize_t
sock_read(struct conn *c, void *p, size_t n)
{
	ssize_t r;

	do
		r = recv(c->fd, p, n, 0);
	while (r < 0 && errno == EINTR);
	return r;
}

static bool
sock_write(struct conn *c, const unsigned char *p, size_t n, bool more)
{
	int flags = MSG_NOSIGNAL | (more ? MSG_MORE : 0);
	ssize_t r;

	for (; n > 0; p += r, n -= (size_t)r) {
		r = send(c->fd, p, n, flags);
		if (r < 0 && errno == EINTR)
			r = 0;
		if (r < 0)
			return false;
	}
	return true;
}

/* The session cache is shared and used only while shaking hands. */
static bool
tls_lock(struct conn *c)
{
	if (tls_state(c->tls) != TLS_HANDSHAKE)
		return false;
	pthread_mutex_lock(&c->f->tls_lock);
	return true;
}

static void
tls_unlock(struct conn *c, bool locked)
{
	if (locked)
		pthread_mutex_unlock(&c->f->tls_lock);
}

static bool
tls_push(struct conn *c)
{
	const unsigned char *p;
	size_t n;
	bool locked;

	while ((p = tls_cipher_out(c->tls, &n)) != NULL && n > 0) {
		if (!sock_write(c, p, n, false))
			return false;
		locked = tls_lock(c);
		tls_cipher_out_done(c->tls, n);
		tls_unlock(c, locked);
	}
	return true;
}

/* One read from the socket into the pump: 1, 0 at the end, -1. */
static int
tls_pull(struct conn *c)
{
	unsigned char *p;
	size_t room;
	ssize_t r;
	bool locked;

	if (!tls_push(c) || (p = tls_cipher_in(c->tls, &room)) == NULL ||
	    room == 0)
		return -1;
	r = sock_read(c, p, room);
	if (r <= 0)
		return (int)r;
	locked = tls_lock(c);
	tls_cipher_in_done(c->tls, (size_t)r);
	tls_unlock(c, locked);
	return 1;
}

static ssize_t
pump_read(struct conn *c, void *to, size_t n)
{
	const unsigned char *p;
	size_t have;
	int r;

	for (;;) {
		p = tls_plain_out(c->tls, &have);
		if (p != NULL && have > 0)
			break;
		if (tls_state(c->tls) == TLS_FAILED) {
			tls_push(c);	/* the alert */
			return -1;
		}
		if (tls_peer_closed(c->tls))
			return 0;
		if ((r = tls_pull(c)) <= 0)
			return r;
	}
	if (n > have)
		n = have;
	memcpy(to, p, n);
	tls_plain_out_done(c->tls, n);
	return (ssize_t)n;
}

static bool
pump_write(struct conn *c, const unsigned char *from, size_t n)
{
	unsigned char *p;
	size_t room;

	while (n > 0) {
		p = tls_plain_in(c->tls, &room);
		if (p != NULL && room > 0) {
			room = room < n ? room : n;
			memcpy(p, from, room);
			tls_plain_in_done(c->tls, room);
			from += room;
			n -= room;
			continue;
		}
		if (tls_state(c->tls) == TLS_HANDSHAKE) {
			if (tls_pull(c) <= 0)
				return false;
		} else if (tls_state(c->tls) != TLS_OPEN || !tls_push(c))
			return false;
	}
	tls_flush(c->tls);
	return tls_push(c);
}

/* Waits until a transfer of n bytes may happen at this connection's rate. */
static void
pace(struct conn *c, int64_t *next, size_t n)
{
	int64_t now;

	if (c->rate <= 0)
		return;
	now = now_ns();
	if (*next < now)
		*next = now;
	*next += (int64_t)((double)n * 1e9 / (double)c->rate);
	if (*next > now)
		fakecos_sleep(c->f, *next - now);
}

/* Small enough that a slow link drips instead of bursting. */
static size_t
portion(const struct conn *c, size_t n)
{
	int64_t most = c->rate / 50;

	if (c->rate <= 0)
		return n;
	if (most < 1)
		most = 1;
	return (int64_t)n < most ? n : (size_t)most;
}

static ssize_t
raw_read(struct conn *c, void *p, size_t n)
{
	ssize_t r;

	if (c->dead)
		return -1;
	n = portion(c, n);
	r = c->tls ? pump_read(c, p, n) : sock_read(c, p, n);
	if (r > 0)
		pace(c, &c->next_in, (size_t)r);
	else
		c->close = true;
	return r;
}

ssize_t
conn_read(struct conn *c, void *p, size_t n)
{
	size_t have = c->in_end - c->in_at;

	if (have == 0)
		return raw_read(c, p, n);
	if (n > have)
		n = have;
	memcpy(p, c->in + c->in_at, n);
	c->in_at += n;
	return (ssize_t)n;
}

ssize_t
conn_fill(struct conn *c)
{
	ssize_t r;

	if (c->in_at == c->in_end)
		c->in_at = c->in_end = 0;
	else if (c->in_end == HEAD_LIMIT) {
		c->in_end -= c->in_at;
		memmove(c->in, c->in + c->in_at, c->in_end);
		c->in_at = 0;
	}
	if (c->in_end == HEAD_LIMIT)
		return -1;
	r = raw_read(c, c->in + c->in_end, HEAD_LIMIT - c->in_end);
	if (r > 0)
		c->in_end += (size_t)r;
	return r;
}

int
conn_byte(struct conn *c)
{
	if (c->in_at == c->in_end && conn_fill(c) <= 0)
		return -1;
	return (unsigned char)c->in[c->in_at++];
}

bool
conn_wait(struct conn *c, int64_t ms)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	size_t n = 0;

	if (c->in_at < c->in_end)
		return true;
	if (c->tls && tls_plain_out(c->tls, &n) != NULL && n > 0)
		return true;
	return poll(&p, 1, (int)ms) > 0;
}

bool
conn_write(struct conn *c, const void *from, size_t n, bool more)
{
	const unsigned char *p = from;
	size_t now;
	bool ok = true;

	for (; ok && n > 0 && !c->dead; p += now, n -= now) {
		now = portion(c, n);
		ok = c->tls ? pump_write(c, p, now) :
		    sock_write(c, p, now, more || now < n);
		pace(c, &c->next_out, now);
	}
	if (!ok || c->dead)
		c->dead = c->close = true;
	return !c->dead;
}

void
conn_linger(struct conn *c, int64_t ms)
{
	struct timeval tv = { .tv_sec = 0, .tv_usec = 100000 };
	int64_t end = now_ns() + ms * 1000000;
	char drop[16 * 1024];

	if (c->tls && !c->dead && tls_state(c->tls) == TLS_OPEN) {
		tls_close(c->tls);
		tls_push(c);
	}
	c->dead = c->close = true;
	shutdown(c->fd, SHUT_WR);
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	while (now_ns() < end && !c->f->stopping) {
		ssize_t r = sock_read(c, drop, sizeof(drop));

		if (r == 0 || (r < 0 && errno != EAGAIN))
			break;
	}
}

void
conn_reset(struct conn *c)
{
	struct linger l = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	c->dead = c->close = true;
}

struct conn *
conn_new(struct fakecos *f, int fd)
{
	struct conn *c = xalloc(sizeof(*c));

	c->f = f;
	c->fd = fd;
	c->in = malloc(HEAD_LIMIT);
	if (c->in == NULL)
		abort();
	return c;
}

bool
conn_start(struct conn *c)
{
	struct timeval tv = { .tv_sec = STALL_S };
	int on = 1, size = 256 * 1024;

	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	if (c->f->set.rate > 0) {
		/* big kernel buffers would hide the slow link */
		setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
		setsockopt(c->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	}
	if (c->f->identity == NULL)
		return true;
	c->tls = tls_server_new(c->f->identity, c->f->cache, false, NULL);
	return c->tls != NULL;
}

void
conn_free(struct conn *c)
{
	if (c->tls && !c->dead && tls_state(c->tls) == TLS_OPEN) {
		tls_close(c->tls);
		tls_push(c);
	}
	tls_free(c->tls);
	close(c->fd);
	free(c->scratch);
	free(c->in);
	free(c);
}
