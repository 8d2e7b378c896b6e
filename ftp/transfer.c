/*
 * ftp/transfer.c - what every transfer needs: its data connection, the stall
 * clock, and the words about it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "session_int.h"

enum { CONNECT_S = 30 };	/* for the data connection to come */

bool
ftp_transfer_begin(struct ftp_session *s, struct ftp_transfer *t)
{
	t->job.transfer = true;
	t->total = -1;
	t->started = t->moved = net_now(s->server->loop);
	t->data = s->data;
	s->data = NULL;
	if (!s->protect && s->server->conf->tls_mode == CONF_TLS_ALL)
		ftp_reply(s, 521, "Data connections must be protected: PBSZ 0 "
		    "and PROT P first.");		/* RFC 4217 9 */
	else if (t->data == NULL)
		ftp_reply(s, 425, "Use PASV, EPSV, PORT or EPRT first.");
	else if (!ftp_data_protect(t->data))
		ftp_reply(s, 425, "The data connection was opened under "
		    "PROT P.");
	else
		return true;
	ftp_transfer_close(t);
	return false;
}

void
ftp_transfer_open(struct ftp_session *s, struct ftp_transfer *t,
    const char *what)
{
	t->opened = true;
	ftp_session_count(s, FTP_BEGUN + (int)t->kind, 1);
	ftp_session_show(s);
	t->moved = net_now(s->server->loop);
	ftp_reply(s, 150, "%s", what);
	ftp_data_start(t->data);
}

/* Broken off is no failure: it may well work the next time. */
static bool
tls_failed(const struct net_stream *data)
{
	const struct tls_conn *tls = data != NULL ?
	    net_stream_tls_conn(data) : NULL;

	return tls != NULL && tls_state(tls) == TLS_FAILED;
}

struct net_stream *
ftp_transfer_stream(struct ftp_session *s, struct ftp_transfer *t,
    bool *ended)
{
	int64_t waited = net_now(s->server->loop) - t->moved;
	int64_t limit = s->server->conf->data_timeout < CONNECT_S ?
	    s->server->conf->data_timeout : CONNECT_S;
	struct net_stream *data = ftp_data_stream(t->data);

	*ended = false;
	switch (ftp_data_state(t->data)) {
	case DATA_OPEN:
		if (ftp_tls_data(s, data))
			return data;
		ftp_reply(s, 522, "The data connection must resume the TLS "
		    "session of the control connection.");
		break;
	case DATA_WAITING:
		if (waited < limit * 1000) {
			ftp_session_deadline(s, limit * 1000 - waited);
			return NULL;
		}
		ftp_reply(s, 425, data != NULL && net_stream_tls_conn(data) !=
		    NULL ? "The TLS handshake of the data connection takes "
		    "too long." : "No data connection was opened.");
		break;
	case DATA_FAILED:
		ftp_reply(s, tls_failed(data) ? 522 : 425, "Cannot open the "
		    "data connection: %s.", ftp_data_reason(t->data));
	}
	*ended = true;
	return NULL;
}

void
ftp_transfer_limit(struct ftp_session *s, struct ftp_transfer *t)
{
	if (s->account->rate_limit > 0)
		t->rate = ftp_limits_rate(s->server->limits,
		    s->account->user);
}

/* A tenth of a second's bytes at once, so that the rate is even. */
size_t
ftp_transfer_share(struct ftp_session *s, struct ftp_transfer *t,
    size_t share)
{
	int64_t tenth = s->account->rate_limit / 10, wait;

	if (t->rate == NULL)
		return share;
	wait = ftp_rate_wait(t->rate, t->kind, net_now(s->server->loop));
	if (wait > 0) {
		ftp_transfer_stalled(s, t, false);	/* it is our wait */
		ftp_session_deadline(s, wait);
		return 0;
	}
	if (tenth >= (int64_t)share)
		return share;
	return tenth > 0 ? (size_t)tenth : 1;
}

void
ftp_transfer_moved(struct ftp_session *s, struct ftp_transfer *t, size_t n)
{
	t->bytes += (int64_t)n;
	ftp_seat_moved(s->seat, t->bytes);
	ftp_session_count(s, FTP_BYTES + (int)t->kind, (int64_t)n);
	t->moved = net_now(s->server->loop);
	if (t->rate != NULL)
		ftp_rate_pay(t->rate, t->kind, s->account->rate_limit, n,
		    t->moved);
}

bool
ftp_transfer_stalled(struct ftp_session *s, struct ftp_transfer *t,
    bool waits_client)
{
	int64_t limit = (int64_t)s->server->conf->data_timeout * 1000;
	int64_t now = net_now(s->server->loop);

	if (!waits_client) {
		t->waits_client = false;
		ftp_session_deadline(s, -1);
		return false;
	}
	if (!t->waits_client) {		/* the clock starts again */
		t->waits_client = true;
		t->moved = now;
	}
	if (now - t->moved >= limit)
		return true;
	ftp_session_deadline(s, limit - (now - t->moved));
	return false;
}

void
ftp_transfer_close(struct ftp_transfer *t)
{
	ftp_data_free(t->data);
	t->data = NULL;
}

void
ftp_transfer_ended(struct ftp_session *s, const struct ftp_transfer *t)
{
	if (!t->opened)
		return;
	if (!t->complete)
		ftp_session_count(s, FTP_BROKEN + (int)t->kind, 1);
	if (t->kind != FTP_LISTING)
		ftp_xferlog(s, t->kind == FTP_UPLOAD ? 'i' : 'o', t->bytes,
		    net_now(s->server->loop) - t->started, t->complete);
}

/* The CRC-64 is written as HASH writes it. */
void
ftp_transfer_done(struct ftp_session *s, struct ftp_transfer *t,
    const struct cos_object *proved)
{
	int64_t ms = net_now(s->server->loop) - t->started;
	char rate[32] = "", whole[64] = "", crc[32] = "";

	t->complete = true;
	ftp_transfer_close(t);
	if (ms > 0)
		snprintf(rate, sizeof(rate), ", %.2f MB/s",
		    (double)t->bytes / 1000.0 / (double)ms);
	if (proved != NULL && proved->size != t->bytes)
		snprintf(whole, sizeof(whole), "; the file has %" PRId64
		    " bytes", proved->size);
	if (proved != NULL && proved->has_crc)
		snprintf(crc, sizeof(crc), ", CRC-64 %016" PRIx64,
		    proved->crc);
	ftp_reply(s, 226, "Transfer complete: %" PRId64 " bytes in %.3f s%s%s"
	    "%s.", t->bytes, (double)ms / 1000.0, rate, whole, crc);
}
