/*
 * ftp/cmd_retr.c - RETR: a COS object to the data connection.
 *
 * Nothing is promised before COS has answered: 150 follows the head of its
 * first answer, 226 the last byte and its check.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "session_int.h"

enum {
	SHARE = 256 * 1024	/* bytes of one step: others want their turn */
};

enum state {
	R_ASK,			/* COS has not answered */
	R_CONNECT,
	R_MOVE,
	R_CLOSE			/* the last bytes leave our buffers */
};

struct retr {
	struct ftp_transfer t;	/* first */
	enum state state;
	struct cos_download *download;
	int64_t offset;
};

static void
retr_free(struct ftp_job *job)
{
	struct retr *r = (struct retr *)job;

	cos_download_free(r->download);
	ftp_transfer_close(&r->t);
	free(r);
}

static void
retr_abort(struct ftp_session *s, struct ftp_job *job)
{
	struct retr *r = (struct retr *)job;

	ftp_transfer_close(&r->t);
	ftp_reply(s, 426, "Transfer aborted after %" PRId64 " bytes.",
	    r->t.bytes);
	if (!s->gone && !s->server->draining)
		ftp_reply(s, 226, "Abort successful.");
	ftp_job_end(s);
}

static void
failed(struct ftp_session *s, struct retr *r)
{
	const struct cos_fault *f = cos_download_fault(r->download);

	ftp_transfer_close(&r->t);
	if (r->t.opened && f->cause == COS_CHANGED)
		ftp_reply(s, 426, "The object changed while it was read.");
	else
		ftp_reply_fault(s, f);
	ftp_job_end(s);
}

static void
lost(struct ftp_session *s, struct retr *r, const char *why)
{
	int64_t bytes = r->t.bytes;

	ftp_reply(s, 426, "Data connection lost after %" PRId64 " bytes: %s.",
	    bytes, why);
	ftp_job_end(s);
}

static void
ask_step(struct ftp_session *s, struct retr *r)
{
	if (cos_download_state(r->download) == COS_FAILED) {
		failed(s, r);
	} else if (cos_download_object(r->download) != NULL) {
		r->state = R_CONNECT;
		r->t.total = cos_download_object(r->download)->size -
		    r->offset;
		ftp_transfer_open(s, &r->t, "Opening data connection.");
	}
}

/* true: all bytes are in the stream; false: wait, or the job has ended */
static bool
move(struct ftp_session *s, struct retr *r, struct net_stream *out)
{
	size_t share = ftp_transfer_share(s, &r->t, SHARE), n, sent;
	const char *p;

	if (share == 0)
		return false;

	while (share > 0 && (p = cos_download_peek(r->download, &n), n > 0)) {
		if (r->t.rate != NULL && n > share)
			n = share;
		sent = net_stream_write(out, p, n);
		cos_download_drop(r->download, sent);
		if (sent > 0)
			ftp_transfer_moved(s, &r->t, sent);
		if (net_stream_state(out) == NET_FAILED) {
			lost(s, r, net_stream_reason(out));
			return false;
		}
		if (sent < n) {
			if (ftp_transfer_stalled(s, &r->t, true))
				lost(s, r, "the client reads nothing");
			return false;
		}
		share -= sent < share ? sent : share;
	}
	if (cos_download_state(r->download) == COS_FAILED) {
		failed(s, r);
		return false;
	}
	ftp_transfer_stalled(s, &r->t, false);
	if (share == 0)
		net_task_wake(&s->task);
	return cos_download_state(r->download) == COS_DONE;
}

/* A part of an object has no checksum to be compared with, nor have objects
 * older than COS's checksums. */
static void
complete(struct ftp_session *s, struct retr *r)
{
	const struct cos_object *o = cos_download_object(r->download);
	bool proved = r->offset == 0 && o->has_crc;

	if (!proved)
		log_line(s->server->log, LOG_LEVEL_INFO, "%s RETR %s: length "
		    "checked only (%s)", s->who, s->path, r->offset > 0 ?
		    "it was not read from its beginning" :
		    "the store has no CRC of it");
	ftp_transfer_done(s, &r->t, proved ? o : NULL);
	ftp_job_end(s);
}

static void
close_step(struct ftp_session *s, struct retr *r, struct net_stream *out)
{
	net_stream_shutdown(out);
	if (net_stream_state(out) == NET_FAILED) {
		lost(s, r, net_stream_reason(out));
	} else if (!net_stream_shut(out)) {
		if (ftp_transfer_stalled(s, &r->t, true))
			lost(s, r, "the client reads nothing");
	} else {
		complete(s, r);
	}
}

static void
retr_step(struct ftp_session *s, struct ftp_job *job)
{
	struct retr *r = (struct retr *)job;
	struct net_stream *out;
	bool ended;

	if (r->state == R_ASK) {
		ask_step(s, r);
		if (s->job == NULL || r->state == R_ASK)
			return;
	}
	if (r->state == R_CONNECT) {
		if (ftp_transfer_stream(s, &r->t, &ended) == NULL) {
			if (ended)
				ftp_job_end(s);
			return;
		}
		r->state = R_MOVE;
	}
	out = ftp_data_stream(r->t.data);
	if (r->state == R_MOVE) {
		if (!move(s, r, out))
			return;
		r->state = R_CLOSE;
	}
	close_step(s, r, out);
}

void
ftp_cmd_retr(struct ftp_session *s)
{
	struct retr *r = calloc(1, sizeof(*r));

	if (r == NULL) {
		ftp_reply(s, 451, "Out of memory.");
		return;
	}
	r->t.job = (struct ftp_job){ .step = retr_step, .free = retr_free,
	    .abort = retr_abort };
	if (s->path[1] == '\0' || s->arg_dir) {
		ftp_reply(s, 550, "Not a regular file.");
		free(r);
		return;
	}
	r->t.kind = FTP_DOWNLOAD;
	if (!ftp_transfer_begin(s, &r->t)) {
		free(r);
		return;
	}
	ftp_transfer_limit(s, &r->t);
	r->offset = s->rest;
	r->download = cos_download_new(s->bucket, ftp_path_key(s->path),
	    r->offset, s->who, &s->task);
	if (r->download == NULL) {
		ftp_reply(s, 451, "Out of memory.");
		retr_free(&r->t.job);
		return;
	}
	ftp_job_start(s, &r->t.job);
}
