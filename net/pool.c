/*
 * net/pool.c - kept-alive connections by origin.
 *
 * A parked connection is watched: the moment it becomes readable (the peer
 * closes it, or says something nobody asked for) it is closed.  Parked ones
 * have no input buffer, those of https none for TLS, and go after PARK_MS.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "net_int.h"

enum {
	PARK_MS = 30 * 1000,	/* COS front ends drop idle ones at about 60 s */
	PARKED_MAX = 64		/* of one origin */
};

struct net_pool_origin {
	struct net_pool_origin *next;
	struct net_pool *pool;
	char *host;
	uint16_t port;
	bool tls;
	struct tls_session *session;	/* owned; of the last TLS connection */
	struct net_conn *parked;	/* most recently used first */
	int nparked;
};

struct net_pool {
	struct net_loop *loop;
	struct net_resolver *resolver;
	const struct tls_trust *trust;
	struct net_pool_origin *origins;
};

struct net_pool *
net_pool_new(struct net_loop *l, struct net_resolver *r,
    const struct tls_trust *trust)
{
	struct net_pool *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->loop = l;
	p->resolver = r;
	p->trust = trust;
	return p;
}

void
net_pool_free(struct net_pool *p)
{
	struct net_pool_origin *o;
	struct net_conn *c;

	if (p == NULL)
		return;
	while ((o = p->origins) != NULL) {
		p->origins = o->next;
		while ((c = o->parked) != NULL) {
			o->parked = c->next;
			net_pool_close(c);
		}
		tls_session_free(o->session);
		free(o->host);
		free(o);
	}
	free(p);
}

struct net_pool_origin *
net_pool_find(struct net_pool *p, const struct net_origin *want)
{
	struct net_pool_origin *o;

	for (o = p->origins; o != NULL; o = o->next)
		if (o->port == want->port && o->tls == want->tls &&
		    strcasecmp(o->host, want->host) == 0)
			return o;
	o = calloc(1, sizeof(*o));
	if (o == NULL)
		return NULL;
	o->pool = p;
	o->port = want->port;
	o->tls = want->tls;
	o->host = strdup(want->host);
	o->session = want->tls ? tls_session_new() : NULL;
	if (o->host == NULL || (want->tls && o->session == NULL)) {
		tls_session_free(o->session);
		free(o->host);
		free(o);
		return NULL;
	}
	o->next = p->origins;
	p->origins = o;
	return o;
}

static void
unpark(struct net_conn *c)
{
	struct net_conn **p;

	for (p = &c->origin->parked; *p != c; p = &(*p)->next)
		;
	*p = c->next;
	c->origin->nparked--;
	c->parked = false;
	net_task_deadline(&c->task, -1);
}

/* Anything that happens to a parked connection is its end. */
static void
parked_step(struct net_task *t, unsigned why)
{
	struct net_conn *c = (struct net_conn *)t;
	size_t n;

	if (!c->parked)
		return;		/* taken since it was woken */
	if (!(why & NET_TIMEOUT)) {
		net_stream_peek(c->stream, 1, true, &n);
		if (n == 0 && net_stream_state(c->stream) == NET_OPEN)
			return;
	}
	unpark(c);
	net_pool_close(c);
}

void
net_pool_park(struct net_conn *c)
{
	struct net_pool_origin *o = c->origin;
	size_t n;

	net_stream_owner(c->stream, &c->task);
	net_stream_peek(c->stream, 1, true, &n);
	if (n > 0 || net_stream_state(c->stream) != NET_OPEN ||
	    o->nparked >= PARKED_MAX) {
		net_pool_close(c);
		return;
	}
	net_stream_trim(c->stream, true);
	c->reused = c->parked = true;
	c->next = o->parked;
	o->parked = c;
	o->nparked++;
	net_task_deadline(&c->task, PARK_MS);
}

struct net_conn *
net_pool_take(struct net_pool_origin *o)
{
	struct net_conn *c;
	size_t n;

	while ((c = o->parked) != NULL) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it is unlinked */
		unpark(c);
		net_stream_peek(c->stream, 1, true, &n);
		if (n == 0 && net_stream_state(c->stream) == NET_OPEN)
			return c;
		net_pool_close(c);
	}
	return NULL;
}

void
net_pool_close(struct net_conn *c)
{
	if (c == NULL)
		return;
	net_stream_free(c->stream);
	net_task_end(&c->task);
	free(c);
}

struct net_lookup *
net_pool_lookup(struct net_pool_origin *o, struct net_task *owner)
{
	return net_lookup_new(o->pool->resolver, o->host, o->port, owner);
}

bool
net_pool_can_connect(const struct net_pool_origin *o, struct err *e)
{
	if (!o->tls || o->pool->trust != NULL)
		return true;
	err_set(e, "no trusted certificates for https");
	return false;
}

struct net_conn *
net_pool_connect(struct net_pool_origin *o, const struct net_addr *addr,
    struct net_task *owner, struct err *e)
{
	struct net_conn *c = calloc(1, sizeof(*c));
	struct tls_conn *tls;

	if (c == NULL) {
		err_set(e, "out of memory");
		return NULL;
	}
	net_task_init(&c->task, o->pool->loop, parked_step);
	c->origin = o;
	c->stream = net_stream_connect(o->pool->loop, addr, NULL, owner, e);
	if (c->stream == NULL)
		goto fail;
	if (o->tls) {
		tls = tls_client_new(o->pool->trust, o->host, o->session, e);
		if (tls == NULL)
			goto fail;
		net_stream_tls(c->stream, tls);
	}
	return c;
fail:
	net_pool_close(c);
	return NULL;
}
