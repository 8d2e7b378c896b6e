/*
 * tls/conn.c - one TLS connection as a pump: four ports, no descriptor.
 *
 * BearSSL's engine has the same four ports; around it this file keeps an
 * explicit state, notices the end of the handshake, closes cleanly and turns
 * failures into words.  The engine works record by record in either direction:
 * plain bytes of one record must be taken before the next cipher bytes are
 * wanted, so that nothing is ever unread when close_notify is seen.
 */
#include <arpa/inet.h>

#include <stdio.h>
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

struct tls_conn {
	union {
		br_ssl_engine_context eng;	/* both begin with it */
		br_ssl_client_context client;
		br_ssl_server_context server;
	} u;
	enum tls_state state;
	bool is_client, closing, resumed;
	br_x509_minimal_context *x509;	/* owned; during the handshake */
	struct tls_session *session;
	struct tls_session_id offered;
	struct tls_cache_port port;
	struct tls_input input;
	unsigned char head[5];		/* the first bytes received */
	size_t head_len;
	char reason[160];
	size_t size;			/* of all, to be wiped */
	unsigned char buf[];		/* input, then output */
};

/* ---- states ---- */

static void
x509_free(struct tls_conn *c)
{
	if (c->x509 == NULL)
		return;
	br_ssl_engine_set_x509(&c->u.eng, NULL);
	free(c->x509);
	c->x509 = NULL;
}

/* What arrived instead of a record header, if it is text. */
static void
reason_alien(struct tls_conn *c)
{
	char text[sizeof(c->head) + 1] = "";
	size_t i;

	for (i = 0; i < c->head_len; i++) {
		if (c->head[i] < ' ' || c->head[i] > '~')
			break;
		text[i] = (char)c->head[i];
	}
	if (i > 0 && i == c->head_len)
		snprintf(c->reason, sizeof(c->reason),
		    "the peer does not speak TLS (it sent \"%s...\")", text);
	else
		snprintf(c->reason, sizeof(c->reason),
		    "the peer does not speak TLS");
}

static void
reason_set(struct tls_conn *c, int error)
{
	time_t now = time(NULL);
	char date[32] = "";
	struct tm tm;

	if (error == BR_ERR_UNSUPPORTED_VERSION && c->head[1] != 3) {
		reason_alien(c);
	} else if (error == BR_ERR_X509_BAD_SERVER_NAME) {
		snprintf(c->reason, sizeof(c->reason),
		    "the certificate is not for the host name %.100s",
		    br_ssl_engine_get_server_name(&c->u.eng));
	} else if (error == BR_ERR_X509_EXPIRED) {
		if (gmtime_r(&now, &tm) != NULL)
			strftime(date, sizeof(date), "%Y-%m-%d %H:%M", &tm);
		snprintf(c->reason, sizeof(c->reason),
		    "%s (it is %s UTC by this machine's clock)",
		    tls_words(error), date);
	} else {
		snprintf(c->reason, sizeof(c->reason), "%s",
		    tls_words(error));
	}
}

static void
opened(struct tls_conn *c)
{
	br_ssl_engine_context *eng = &c->u.eng;

	c->state = TLS_OPEN;
	if (!c->is_client) {
		c->resumed = !c->port.saved;
		return;
	}
	c->resumed = tls_session_same(eng, &c->offered);
	if (!c->resumed)
		tls_session_keep(c->session, eng,
		    br_ssl_engine_get_server_name(eng));
	x509_free(c);
}

/* After anything was given to the engine: where does it stand? */
static void
settle(struct tls_conn *c)
{
	br_ssl_engine_context *eng = &c->u.eng;
	unsigned now;

	if (c->state == TLS_CLOSED || c->state == TLS_FAILED)
		return;
	tls_input_shrink(&c->input, eng);
	now = br_ssl_engine_current_state(eng);
	if (now != BR_SSL_CLOSED) {
		if (c->state == TLS_HANDSHAKE &&
		    (now & (BR_SSL_SENDAPP | BR_SSL_RECVAPP)) != 0)
			opened(c);
		return;
	}
	if (br_ssl_engine_last_error(eng) == BR_ERR_OK) {
		if (c->state == TLS_HANDSHAKE)
			snprintf(c->reason, sizeof(c->reason),
			    "closed during the TLS handshake");
		c->state = TLS_CLOSED;
	} else {
		reason_set(c, br_ssl_engine_last_error(eng));
		c->state = TLS_FAILED;
		tls_session_forget(c->session);
	}
	x509_free(c);
}

enum tls_state
tls_state(const struct tls_conn *c)
{
	return c->state;
}

const char *
tls_reason(const struct tls_conn *c)
{
	return c->reason;
}

bool
tls_resumed(const struct tls_conn *c)
{
	return c->resumed;
}

const char *
tls_suite(const struct tls_conn *c)
{
	return tls_profile_suite(c->u.eng.session.cipher_suite);
}

bool
tls_same_session(const struct tls_conn *a, const struct tls_conn *b)
{
	const br_ssl_session_parameters *x = &a->u.eng.session;
	const br_ssl_session_parameters *y = &b->u.eng.session;

	return x->session_id_len > 0 &&
	    x->session_id_len == y->session_id_len &&
	    memcmp(x->session_id, y->session_id, x->session_id_len) == 0;
}

/* The engine has no call that tells its own wish to read no more from a
 * record that waits to be taken, but it has this flag. */
bool
tls_peer_closed(const struct tls_conn *c)
{
	return c->u.eng.shutdown_recv != 0;
}

/* ---- birth and death ---- */

static struct tls_conn *
conn_alloc(size_t in, size_t out, struct err *e)
{
	struct tls_conn *c = malloc(sizeof(*c) + in + out);

	if (c == NULL) {
		err_set(e, "out of memory for a TLS connection");
		return NULL;
	}
	memset(c, 0, sizeof(*c));
	c->size = sizeof(*c) + in + out;
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
	x509_free(c);
	tls_input_end(&c->input);
	tls_wipe(c, c->size);
	free(c);
}

/* ---- the four ports ---- */

const unsigned char *
tls_cipher_out(struct tls_conn *c, size_t *n)
{
	return br_ssl_engine_sendrec_buf(&c->u.eng, n);
}

void
tls_cipher_out_done(struct tls_conn *c, size_t n)
{
	if (n == 0)
		return;
	br_ssl_engine_sendrec_ack(&c->u.eng, n);
	settle(c);
}

unsigned char *
tls_cipher_in(struct tls_conn *c, size_t *room)
{
	return br_ssl_engine_recvrec_buf(&c->u.eng, room);
}

void
tls_cipher_in_done(struct tls_conn *c, size_t n)
{
	const unsigned char *p;
	size_t room, more;

	if (n == 0)
		return;
	if (c->head_len < sizeof(c->head)) {
		p = br_ssl_engine_recvrec_buf(&c->u.eng, &room);
		more = sizeof(c->head) - c->head_len;
		if (more > n)
			more = n;
		memcpy(c->head + c->head_len, p, more);
		c->head_len += more;
	}
	tls_input_grow(&c->input, &c->u.eng, n);
	br_ssl_engine_recvrec_ack(&c->u.eng, n);
	settle(c);
}

const unsigned char *
tls_plain_out(struct tls_conn *c, size_t *n)
{
	return br_ssl_engine_recvapp_buf(&c->u.eng, n);
}

void
tls_plain_out_done(struct tls_conn *c, size_t n)
{
	if (n == 0)
		return;
	br_ssl_engine_recvapp_ack(&c->u.eng, n);
	settle(c);
}

unsigned char *
tls_plain_in(struct tls_conn *c, size_t *room)
{
	return br_ssl_engine_sendapp_buf(&c->u.eng, room);
}

void
tls_plain_in_done(struct tls_conn *c, size_t n)
{
	if (n == 0)
		return;
	br_ssl_engine_sendapp_ack(&c->u.eng, n);
	settle(c);
}

void
tls_flush(struct tls_conn *c)
{
	br_ssl_engine_flush(&c->u.eng, 0);
}

/*
 * The engine makes a last record of what was put in, sends close_notify, and
 * then drops what arrives until the peer's.  But a record that has arrived and
 * was not taken blocks its input for ever, so it is dropped here.
 */
void
tls_close(struct tls_conn *c)
{
	size_t n;

	if (c->closing)
		return;
	c->closing = true;
	while (br_ssl_engine_recvapp_buf(&c->u.eng, &n) != NULL)
		br_ssl_engine_recvapp_ack(&c->u.eng, n);
	br_ssl_engine_close(&c->u.eng);
	settle(c);
}
