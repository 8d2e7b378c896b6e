/*
 * tls/conn.c - one TLS connection as a pump: four ports, no descriptor.
 *
 * BearSSL's engine has the same four ports; around it this file keeps an
 * explicit state, notices the end of the handshake, closes cleanly and turns
 * failures into words.  The engine works record by record in either direction:
 * plain bytes of one record must be taken before the next cipher bytes are
 * wanted, so that nothing is ever unread when close_notify is seen.
 * conn_open.c makes connections and frees them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tls_int.h"

/* ---- states ---- */

void
tls_conn_verified(struct tls_conn *c)
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
	tls_conn_verified(c);
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
	tls_conn_verified(c);
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

/* ---- the four ports ---- */

/*
 * Between two records in either direction the engine's state is in its
 * context alone; its buffers hold nothing.  They come back together, as the
 * engine answers what it receives by itself.
 */
void
tls_rest(struct tls_conn *c)
{
	const br_ssl_engine_context *eng = &c->u.eng;

	if (c->state == TLS_OPEN && !c->closing &&
	    eng->ixa == 0 && eng->ixb == 0 && eng->oxa == eng->oxc)
		tls_conn_buffers_free(c);
}

bool
tls_resting(const struct tls_conn *c)
{
	return c->buf == NULL;
}

/* Buffers for an engine that has none; false: the connection has failed. */
static bool
wake(struct tls_conn *c)
{
	if (c->buf != NULL)
		return true;
	if (c->state == TLS_FAILED)
		return false;
	if (tls_conn_buffers_new(c)) {
		c->u.eng.ibuf = c->buf;
		c->u.eng.obuf = c->buf + c->in;
		return true;
	}
	snprintf(c->reason, sizeof(c->reason), "out of memory");
	c->state = TLS_FAILED;
	return false;
}

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
	*room = 0;
	if (!wake(c))
		return NULL;
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
	*room = 0;
	if (!wake(c))
		return NULL;
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

	if (c->closing || !wake(c))
		return;
	c->closing = true;
	while (br_ssl_engine_recvapp_buf(&c->u.eng, &n) != NULL)
		br_ssl_engine_recvapp_ack(&c->u.eng, n);
	br_ssl_engine_close(&c->u.eng);
	settle(c);
}
