/*
 * net/stream_open.c - a stream's life: made of a descriptor or of an address,
 * asked how it is, freed.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "stream_int.h"

static struct net_stream *
stream_alloc(struct net_loop *l, int fd, struct net_task *owner)
{
	struct net_stream *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	net_task_init(&s->task, l, net_stream_step);
	s->task.fd = fd;
	s->owner = owner;
	s->out.max = NET_STREAM_PUT_MAX;
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
	net_stream_update(s);
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
	if (s->shut && s->state != NET_FAILED)
		net_stream_sock_discard(s);
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
	net_stream_update(s);
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

const struct tls_conn *
net_stream_tls_conn(const struct net_stream *s)
{
	return s->tls;
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

bool
net_stream_hung_up(const struct net_stream *s)
{
	struct pollfd p = { .fd = s->task.fd, .events = POLLRDHUP };

	return poll(&p, 1, 0) > 0;
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
