/*
 * tls/session.c - resumption by session id: what a client keeps of one host,
 * and what a server keeps of its clients.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tls_int.h"

enum {
	/* A resumed handshake does not look at the certificate, so that one
	 * session must not be good for ever. */
	SESSION_MAX_AGE = 3600,		/* s */
	CACHE_MIN = 100			/* one entry */
};

struct tls_session {
	br_ssl_session_parameters params;
	time_t since;			/* of the full handshake */
	char name[256];			/* the host it was made with */
	bool valid;
};

struct tls_session *
tls_session_new(void)
{
	return calloc(1, sizeof(struct tls_session));
}

void
tls_session_free(struct tls_session *s)
{
	if (s == NULL)
		return;
	tls_wipe(s, sizeof(*s));
	free(s);
}

void
tls_session_forget(struct tls_session *s)
{
	if (s != NULL)
		tls_wipe(s, sizeof(*s));
}

bool
tls_session_offer(const struct tls_session *s, br_ssl_engine_context *eng,
    const char *name, struct tls_session_id *id)
{
	time_t now = time(NULL);

	if (s == NULL || !s->valid || strcmp(s->name, name) != 0 ||
	    now < s->since || now - s->since > SESSION_MAX_AGE)
		return false;
	br_ssl_engine_set_session_parameters(eng, &s->params);
	id->len = s->params.session_id_len;
	memcpy(id->id, s->params.session_id, sizeof(id->id));
	return true;
}

bool
tls_session_same(const br_ssl_engine_context *eng,
    const struct tls_session_id *id)
{
	br_ssl_session_parameters p;
	bool same;

	br_ssl_engine_get_session_parameters(eng, &p);
	same = id->len > 0 && p.session_id_len == id->len &&
	    memcmp(p.session_id, id->id, id->len) == 0;
	tls_wipe(&p, sizeof(p));
	return same;
}

void
tls_session_keep(struct tls_session *s, const br_ssl_engine_context *eng,
    const char *name)
{
	if (s == NULL)
		return;
	br_ssl_engine_get_session_parameters(eng, &s->params);
	snprintf(s->name, sizeof(s->name), "%.255s", name);
	s->since = time(NULL);
	/* without an id the server does not mean to resume it */
	s->valid = s->params.session_id_len > 0;
}

struct tls_cache *
tls_cache_new(size_t bytes)
{
	struct tls_cache *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->size = bytes < CACHE_MIN ? CACHE_MIN : bytes;
	c->store = malloc(c->size);
	if (c->store == NULL) {
		free(c);
		return NULL;
	}
	br_ssl_session_cache_lru_init(&c->lru, c->store, c->size);
	return c;
}

void
tls_cache_free(struct tls_cache *c)
{
	if (c == NULL)
		return;
	tls_wipe(c->store, c->size);
	free(c->store);
	tls_wipe(c, sizeof(*c));
	free(c);
}

static void
port_save(const br_ssl_session_cache_class **ctx, br_ssl_server_context *sc,
    const br_ssl_session_parameters *params)
{
	struct tls_cache_port *port = (struct tls_cache_port *)ctx;

	port->saved = true;
	if (port->cache != NULL)
		port->cache->lru.vtable->save(&port->cache->lru.vtable, sc,
		    params);
}

static int
port_load(const br_ssl_session_cache_class **ctx, br_ssl_server_context *sc,
    br_ssl_session_parameters *params)
{
	struct tls_cache_port *port = (struct tls_cache_port *)ctx;

	if (port->cache == NULL)
		return 0;
	return port->cache->lru.vtable->load(&port->cache->lru.vtable, sc,
	    params);
}

void
tls_cache_port_init(struct tls_cache_port *port, struct tls_cache *cache)
{
	static const br_ssl_session_cache_class class = {
		.context_size = sizeof(struct tls_cache_port),
		.save = port_save,
		.load = port_load,
	};

	port->vtable = &class;
	port->cache = cache;
	port->saved = false;
}
