/*
 * tls/conn_open.c - a connection's life: made for a client or a server, the
 * memory it holds, freed.
 */
#include <arpa/inet.h>

#include <stdlib.h>
#include <string.h>

#include "tls_int.h"

/*
 * A peer may send records of 16 KB at will; connections with short lines (FTP
 * commands) get a buffer for them when they do.  The sizes are the engine's
 * overhead (325 in, 85 out) plus a power of two.
 */
enum {
	IN_FULL = BR_SSL_BUFSIZE_INPUT,		/* 16,709 */
	OUT_FULL = BR_SSL_BUFSIZE_OUTPUT,	/* 16,469 */
	IN_SMALL = 1024 + 325,
	OUT_SMALL = 1024 + 85
};

bool
tls_conn_buffers_new(struct tls_conn *c)
{
	c->buf = malloc(c->in + c->out);
	return c->buf != NULL;
}

void
tls_conn_buffers_free(struct tls_conn *c)
{
	if (c->buf == NULL)
		return;
	tls_wipe(c->buf, c->in + c->out);
	free(c->buf);
	c->buf = c->u.eng.ibuf = c->u.eng.obuf = NULL;
}

size_t
tls_bytes(const struct tls_conn *c)
{
	return sizeof(*c) + (c->buf != NULL ? c->in + c->out : 0) +
	    (c->input.large != NULL ? IN_FULL : 0) +
	    (c->x509 != NULL ? sizeof(*c->x509) : 0);
}

size_t
tls_bytes_max(void)
{
	return sizeof(struct tls_conn) + IN_FULL + OUT_FULL +
	    sizeof(br_x509_minimal_context);
}

static struct tls_conn *
conn_alloc(size_t in, size_t out, struct err *e)
{
	struct tls_conn *c = calloc(1, sizeof(*c));

	if (c != NULL) {
		c->in = in;
		c->out = out;
	}
	if (c == NULL || !tls_conn_buffers_new(c)) {
		free(c);
		err_set(e, "out of memory for a TLS connection");
		return NULL;
	}
	c->state = TLS_HANDSHAKE;
	tls_profile_engine(&c->u.eng);
	br_ssl_engine_set_buffers_bidi(&c->u.eng, c->buf, in, c->buf + in,
	    out);
	return c;
}

/* BearSSL compares names only; an address would never match. */
static int
name_check(const char *name, size_t len, struct err *e)
{
	struct in_addr a4;
	struct in6_addr a6;

	if (len == 0 || len > 253)
		return err_set(e, "\"%.60s\" is not a host name", name);
	if (inet_pton(AF_INET, name, &a4) == 1 || strchr(name, ':') != NULL ||
	    inet_pton(AF_INET6, name, &a6) == 1)
		return err_set(e, "a certificate cannot be checked for the IP "
		    "address %.60s: use a host name for https", name);
	return 0;
}

struct tls_conn *
tls_client_new(const struct tls_trust *trust, const char *name,
    struct tls_session *session, struct err *e)
{
	char host[256];
	struct tls_conn *c;
	bool resume;
	size_t len = strlen(name);

	if (len > 1 && name[len - 1] == '.')
		len--;			/* RFC 6066 3: no trailing dot */
	if (name_check(name, len, e) < 0)
		return NULL;
	memcpy(host, name, len);
	host[len] = '\0';

	c = conn_alloc(IN_FULL, OUT_FULL, e);
	if (c == NULL)
		return NULL;
	c->is_client = true;
	c->session = session;
	c->x509 = calloc(1, sizeof(*c->x509));
	if (c->x509 == NULL) {
		err_set(e, "out of memory for a TLS connection");
		goto fail;
	}
	tls_profile_client(&c->u.client, c->x509, trust);
	resume = tls_session_offer(session, &c->u.eng, host, &c->offered);
	if (!br_ssl_client_reset(&c->u.client, host, resume)) {
		err_set(e, "TLS: %s",
		    tls_words(br_ssl_engine_last_error(&c->u.eng)));
		goto fail;
	}
	return c;
fail:
	tls_free(c);
	return NULL;
}

struct tls_conn *
tls_server_new(const struct tls_identity *id, struct tls_cache *cache,
    bool small, struct err *e)
{
	struct tls_conn *c;

	c = conn_alloc(small ? IN_SMALL : IN_FULL,
	    small ? OUT_SMALL : OUT_FULL, e);
	if (c == NULL)
		return NULL;
	tls_profile_server(&c->u.server, id);
	tls_cache_port_init(&c->port, cache);
	br_ssl_server_set_cache(&c->u.server, &c->port.vtable);
	if (!br_ssl_server_reset(&c->u.server)) {
		err_set(e, "TLS: %s",
		    tls_words(br_ssl_engine_last_error(&c->u.eng)));
		tls_free(c);
		return NULL;
	}
	return c;
}

void
tls_free(struct tls_conn *c)
{
	if (c == NULL)
		return;
	/* A server that chokes on the session would do so again. */
	if (c->state == TLS_HANDSHAKE && c->offered.len > 0)
		tls_session_forget(c->session);
	tls_conn_verified(c);
	tls_input_end(&c->input);
	tls_conn_buffers_free(c);
	tls_wipe(c, sizeof(*c));
	free(c);
}
