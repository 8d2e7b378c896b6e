/*
 * ftp/cmd_tls.c - FTPS: AUTH, PBSZ, PROT and their kin (RFC 2228, RFC 4217),
 * the handshake of the control connection, the session of the data connection.
 *
 * A session is clear or TLS and never goes back: CCC is refused, and so is
 * REIN over TLS, which would have to (RFC 4217 11).
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "session_int.h"

/* Takes tls, which may be NULL for want of memory: then e says so. */
static bool
secure(struct ftp_session *s, struct tls_conn *tls, const struct err *e)
{
	if (tls == NULL) {
		log_line(s->server->log, LOG_LEVEL_ERROR, "%s %s", s->who,
		    e->text);
		return false;
	}
	net_stream_tls(s->control, tls);
	s->tls = s->handshake = true;
	return true;
}

bool
ftp_tls_begin(struct ftp_session *s)
{
	struct err e;

	/* RFC 4217 has no implicit TLS; by custom it protects the data, too. */
	s->protect = true;
	return secure(s, tls_server_new(s->server->identity,
	    s->server->cache, true, &e), &e);
}

void
ftp_tls_step(struct ftp_session *s, bool timeout)
{
	enum net_stream_state state = net_stream_state(s->control);
	const struct tls_conn *tls = net_stream_tls_conn(s->control);

	if (state == NET_CONNECTING && !timeout && !s->quitting)
		return;
	s->handshake = false;
	if (state == NET_OPEN || state == NET_EOF) {
		log_line(s->server->log, LOG_LEVEL_DEBUG, "%s control "
		    "connection: %s, %s", s->who, tls_suite(tls),
		    tls_resumed(tls) ? "resumed" : "new session");
		return;
	}
	log_line(s->server->log, LOG_LEVEL_WARNING, "%s TLS handshake "
	    "failed: %s", s->who, state == NET_FAILED ?
	    net_stream_reason(s->control) : timeout ? "the client took too "
	    "long" : "the server is shutting down");
	s->gone = true;
}

const char *
ftp_tls_text(const struct ftp_session *s)
{
	return s->tls ? tls_suite(net_stream_tls_conn(s->control)) :
	    "in clear";
}

bool
ftp_tls_data(struct ftp_session *s, const struct net_stream *data)
{
	const struct tls_conn *tls = net_stream_tls_conn(data);
	bool ours;

	if (tls == NULL)
		return true;
	ours = tls_resumed(tls) &&
	    tls_same_session(tls, net_stream_tls_conn(s->control));
	log_line(s->server->log, LOG_LEVEL_DEBUG, "%s data connection: %s, "
	    "%s", s->who, tls_suite(tls), ours ? "resumed" :
	    tls_resumed(tls) ? "resumed from elsewhere" : "new session");
	return ours || !s->server->conf->require_session_reuse;
}

/* ---- commands ---- */

/*
 * RFC 4217 4.  Its predecessors meant "data as well" by SSL and TLS-P.  What
 * was sent behind the line in clear is thrown away by the stream.
 */
void
ftp_cmd_auth(struct ftp_session *s)
{
	bool data = strcasecmp(s->arg, "SSL") == 0 ||
	    strcasecmp(s->arg, "TLS-P") == 0;
	struct tls_conn *tls;
	struct err e;

	if (!data && strcasecmp(s->arg, "TLS") != 0 &&
	    strcasecmp(s->arg, "TLS-C") != 0) {
		ftp_reply(s, 504, "Only AUTH TLS.");
		return;
	}
	if (s->tls) {
		ftp_reply(s, 503, "This connection is TLS already.");
		return;
	}
	tls = tls_server_new(s->server->identity, s->server->cache, true, &e);
	/* The 234 must leave in clear at once: what waits would become TLS. */
	if (tls == NULL || net_stream_pending(s->control) > 0) {
		ftp_reply(s, 431, "TLS cannot be begun just now.");
		tls_free(tls);
		return;
	}
	ftp_session_reset(s);		/* RFC 2228 3: log in again */
	s->pbsz = false;
	s->protect = data;
	ftp_reply(s, 234, "Begin the TLS handshake.");
	if (net_stream_pending(s->control) > 0) {
		s->unread = true;
		tls_free(tls);
	} else {
		secure(s, tls, &e);
	}
}

void
ftp_cmd_adat(struct ftp_session *s)		/* RFC 2228 3 */
{
	ftp_reply(s, 503, "AUTH TLS needs no ADAT.");
}

/* RFC 4217 8: TLS cuts its records itself, so that 0 is the answer to any
 * size. */
void
ftp_cmd_pbsz(struct ftp_session *s)
{
	size_t digits = strspn(s->arg, "0123456789");

	if (!s->tls) {
		ftp_reply(s, 503, "AUTH TLS first.");
	} else if (s->arg[digits] != '\0' || digits > 10 ||
	    strtoll(s->arg, NULL, 10) > UINT32_MAX) {
		ftp_reply(s, 501, "PBSZ 0.");
	} else {
		s->pbsz = true;
		ftp_reply(s, 200, "PBSZ=0");
	}
}

void
ftp_cmd_prot(struct ftp_session *s)		/* RFC 4217 9 */
{
	bool one = s->arg[1] == '\0';
	char level = (char)(s->arg[0] & ~0x20);

	if (!s->tls) {
		ftp_reply(s, 503, "AUTH TLS first.");
	} else if (!s->pbsz) {
		ftp_reply(s, 503, "PBSZ 0 first.");
	} else if (one && level == 'P') {
		s->protect = true;
		ftp_reply(s, 200, "Data connections are TLS.");
	} else if (one && level == 'C' &&
	    s->server->conf->tls_mode == CONF_TLS_ALL) {
		ftp_reply(s, 534, "Data in clear is not allowed here.");
	} else if (one && level == 'C') {
		s->protect = false;
		ftp_reply(s, 200, "Data connections are in clear.");
	} else if (one && (level == 'S' || level == 'E')) {
		ftp_reply(s, 536, "TLS has only PROT C and PROT P.");
	} else {
		ftp_reply(s, 504, "PROT C or PROT P.");
	}
}

void
ftp_cmd_ccc(struct ftp_session *s)		/* RFC 2228 3, RFC 4217 11 */
{
	if (s->tls)
		ftp_reply(s, 534, "Commands stay in TLS.");
	else
		ftp_reply(s, 533, "Commands are in clear already.");
}

void
ftp_cmd_mic(struct ftp_session *s)		/* RFC 2228 3 */
{
	if (s->tls)
		ftp_reply(s, 537, "TLS protects commands as they are.");
	else
		ftp_reply(s, 503, "AUTH TLS first.");
}
