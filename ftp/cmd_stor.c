/*
 * ftp/cmd_stor.c - STOR, APPE, STOU: the data connection to a COS object.
 *
 * 226 is said only when COS has confirmed the object and its checksum.  An
 * upload whose client went away is cut: what arrived is kept or dropped by
 * policy (interrupted_upload), and the reply is never a 226.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "session_int.h"

enum {
	SHARE = 256 * 1024,	/* bytes of one step */
	CONFIRM_MS = 100	/* at most, for a late end of the client */
};

enum state {
	S_EXISTS,		/* write-once accounts: is the name free? */
	S_READY,		/* append, resume: the old object is looked at */
	S_CONNECT,
	S_MOVE,
	S_STORE,		/* COS makes the object of it */
	S_CUT			/* the client is gone: settle by policy */
};

struct stor {
	struct ftp_transfer t;	/* first */
	enum state state;
	struct cos_op *exists;
	struct cos_upload *upload;
	struct cos_upload_request request;
	int64_t confirm_at;
	int aborts;		/* ABORs: a second reply follows for each */
	char path[FTP_PATH_MAX];
	char why[160];		/* of the cut */
	char opening[FTP_PATH_MAX + 16];	/* text of the 150 */
};

static void
stor_free(struct ftp_job *job)
{
	struct stor *st = (struct stor *)job;

	cos_op_free(st->exists);
	cos_upload_free(st->upload);
	ftp_transfer_close(&st->t);
	free(st);
}

/* With delete_enable = false a cut upload replaces nothing at all. */
static bool
keep_policy(const struct ftp_session *s, const struct stor *st)
{
	if (s->server->conf->interrupted_upload != CONF_COMPLETE)
		return false;
	return st->request.mode == COS_PUT || s->account->delete_enable;
}

static void
cut(struct ftp_session *s, struct stor *st, const char *why)
{
	snprintf(st->why, sizeof(st->why), "%s", why);
	st->state = S_CUT;
	st->t.job.finishes_alone = true;
	ftp_transfer_close(&st->t);
	ftp_session_deadline(s, -1);
	if (st->upload != NULL)
		cos_upload_cut(st->upload, keep_policy(s, st));
	net_task_wake(&s->task);
}

static void
stor_abort(struct ftp_session *s, struct ftp_job *job)
{
	struct stor *st = (struct stor *)job;

	if (!s->gone && !s->server->draining)
		st->aborts++;
	if (st->state < S_STORE ||
	    (st->state == S_STORE && cos_upload_asks(st->upload)))
		cut(s, st, s->gone ? "the client is gone" :
		    s->server->draining ? "the server is shutting down" :
		    "aborted by the client");
}

static void
second_reply(struct ftp_session *s, const struct stor *st)
{
	int i;

	for (i = 0; i < st->aborts; i++)
		ftp_reply(s, 226, "Abort command successful.");
}

static void
failed(struct ftp_session *s, struct stor *st)
{
	struct cos_fault f = *cos_upload_fault(st->upload);

	ftp_transfer_close(&st->t);
	ftp_reply_fault(s, &f);
	second_reply(s, st);
	ftp_job_end(s);
}

/* ---- before the first byte ---- */

static bool
start_upload(struct ftp_session *s, struct stor *st)
{
	st->upload = cos_upload_new(s->bucket, ftp_path_key(st->path),
	    &st->request, s->who, &s->task);
	st->state = S_READY;
	return st->upload != NULL;
}

static void
exists_step(struct ftp_session *s, struct stor *st)
{
	enum cos_state state = cos_op_state(st->exists);

	if (state == COS_BUSY)
		return;
	if (state == COS_DONE) {
		ftp_reply(s, 553, "The file exists and this account may not "
		    "overwrite.");
		ftp_job_end(s);
	} else if (cos_op_fault(st->exists)->cause != COS_NOT_FOUND) {
		struct cos_fault f = *cos_op_fault(st->exists);

		ftp_reply_fault(s, &f);
		ftp_job_end(s);
	} else if (!start_upload(s, st)) {
		ftp_reply(s, 451, "Out of memory.");
		ftp_job_end(s);
	}
}

static void
ready_step(struct ftp_session *s, struct stor *st)
{
	if (cos_upload_state(st->upload) == COS_FAILED) {
		failed(s, st);
	} else if (cos_upload_ready(st->upload)) {
		st->state = S_CONNECT;
		ftp_transfer_open(s, &st->t, st->opening);
	}
}

/* ---- bytes ---- */

/* true: the client has sent all; false: wait, or another state, or ended */
static bool
move(struct ftp_session *s, struct stor *st, struct net_stream *in)
{
	size_t share = ftp_transfer_share(s, &st->t, SHARE), room, n;
	void *p = NULL;

	if (share == 0 && cos_upload_state(st->upload) != COS_FAILED)
		return false;

	while (share > 0 &&
	    (p = cos_upload_room(st->upload, &room)) != NULL) {
		n = net_stream_read(in, p, st->t.rate != NULL && room > share ?
		    share : room);
		if (n == 0)
			break;
		cos_upload_wrote(st->upload, n);
		ftp_transfer_moved(s, &st->t, n);
		share -= n < share ? n : share;
	}
	if (cos_upload_state(st->upload) == COS_FAILED) {
		failed(s, st);
		return false;
	}
	if (share == 0) {
		net_task_wake(&s->task);
		return false;
	}
	if (p == NULL) {		/* our own wait: memory, or COS */
		ftp_transfer_stalled(s, &st->t, false);
		return false;
	}
	if (net_stream_state(in) == NET_EOF)
		return true;
	if (net_stream_state(in) == NET_FAILED)
		cut(s, st, net_stream_reason(in));
	else if (ftp_transfer_stalled(s, &st->t, true))
		cut(s, st, "the client sends nothing");
	return false;
}

/*
 * A killed client sends FIN on both connections, and no reset; that of the
 * control connection may come a little later.  So there is a time to wait
 * before the object may replace another: a sixteenth of what the transfer
 * took, so that it costs small files nothing and large ones little.
 */
static void
eof_step(struct ftp_session *s, struct stor *st)
{
	int64_t now = net_now(s->server->loop);
	int64_t wait = (now - st->t.started) / 16;

	st->confirm_at = now + (wait < CONFIRM_MS ? wait : CONFIRM_MS);
	st->state = S_STORE;
	ftp_session_deadline(s, -1);
	cos_upload_finish(st->upload);
}

static void
confirm_step(struct ftp_session *s, struct stor *st)
{
	int64_t left = st->confirm_at - net_now(s->server->loop);

	if (ftp_session_deserted(s)) {
		cut(s, st, "the client is gone");
	} else if (st->aborts > 0) {	/* while the last parts were sent */
		cut(s, st, "aborted by the client");
	} else if (left > 0) {
		ftp_session_deadline(s, left);
	} else {
		ftp_session_deadline(s, -1);
		st->t.job.finishes_alone = true;
		cos_upload_confirm(st->upload);
	}
}

/* ---- the outcome ---- */

static void
store_step(struct ftp_session *s, struct stor *st)
{
	const struct cos_object *o;

	switch (cos_upload_state(st->upload)) {
	case COS_BUSY:
		if (cos_upload_asks(st->upload))
			confirm_step(s, st);
		return;
	case COS_FAILED:
		failed(s, st);
		return;
	case COS_DONE:
		break;
	}
	o = cos_upload_object(st->upload);
	/* an append keeps a storage class that is not known here */
	if (st->request.mode == COS_PUT)
		ftp_session_note(&s->stored, st->path, o);
	ftp_note_stored(s, ftp_path_key(st->path), o->size, o->etag);
	ftp_transfer_done(s, &st->t, o);
	second_reply(s, st);
	ftp_job_end(s);
}

static void
cut_step(struct ftp_session *s, struct stor *st)
{
	int64_t size;

	if (st->upload != NULL && cos_upload_state(st->upload) == COS_BUSY)
		return;
	if (st->upload != NULL && cos_upload_state(st->upload) == COS_FAILED) {
		failed(s, st);
		return;
	}
	if (st->upload != NULL && cos_upload_kept(st->upload)) {
		size = cos_upload_size(st->upload);
		ftp_note_stored(s, ftp_path_key(st->path), size,
		    cos_upload_object(st->upload)->etag);
		ftp_reply(s, 426, "Upload cut: %s. The file holds the %"
		    PRId64 " bytes that arrived.", st->why, size);
	} else {
		ftp_reply(s, 426, "Upload cut: %s. Nothing was stored.",
		    st->why);
	}
	second_reply(s, st);
	ftp_job_end(s);
}

static void
stor_step(struct ftp_session *s, struct ftp_job *job)
{
	struct stor *st = (struct stor *)job;
	struct net_stream *in;
	bool ended;

	switch (st->state) {
	case S_EXISTS:
		exists_step(s, st);
		if (s->job == NULL || st->state != S_READY)
			return;
		/* fallthrough */
	case S_READY:
		ready_step(s, st);
		if (s->job == NULL || st->state != S_CONNECT)
			return;
		/* fallthrough */
	case S_CONNECT:
		if (ftp_transfer_stream(s, &st->t, &ended) == NULL) {
			if (ended)
				ftp_job_end(s);
			return;
		}
		st->state = S_MOVE;
		/* fallthrough */
	case S_MOVE:
		in = ftp_data_stream(st->t.data);
		if (!move(s, st, in))
			return;
		eof_step(s, st);
		/* fallthrough */
	case S_STORE:
		store_step(s, st);
		return;
	case S_CUT:
		cut_step(s, st);
	}
}

static void
begin(struct ftp_session *s, const char *path,
    const struct cos_upload_request *request, const char *opening)
{
	bool look = request->no_overwrite;
	struct stor *st = calloc(1, sizeof(*st));

	ftp_session_note(&s->stored, NULL, NULL);
	if (st == NULL) {
		ftp_reply(s, 451, "Out of memory.");
		return;
	}
	st->t.job = (struct ftp_job){ .step = stor_step, .free = stor_free,
	    .abort = stor_abort };
	st->request = *request;
	snprintf(st->path, sizeof(st->path), "%s", path);
	snprintf(st->opening, sizeof(st->opening), "%s", opening);
	st->t.kind = FTP_UPLOAD;
	if (!ftp_transfer_begin(s, &st->t)) {
		free(st);
		return;
	}
	st->t.total = request->size;
	ftp_transfer_limit(s, &st->t);
	if (look) {
		st->state = S_EXISTS;
		st->exists = cos_head_new(s->bucket, ftp_path_key(path),
		    s->who, &s->task);
	}
	if (look ? st->exists == NULL : !start_upload(s, st)) {
		ftp_reply(s, 451, "Out of memory.");
		stor_free(&st->t.job);
		return;
	}
	ftp_job_start(s, &st->t.job);
}

/* false: replied already */
static bool
may_store(struct ftp_session *s, bool adds)
{
	if (s->path[1] == '\0' || s->arg_dir)
		ftp_reply(s, 553, "Not a file name.");
	else if (s->allo > s->server->conf->single_file_max_size)
		ftp_reply(s, 552, "Announced as larger than allowed: "
		    "single_file_max_size = %" PRId64 ".",
		    s->server->conf->single_file_max_size);
	else if (adds && !s->account->overwrite_enable)
		ftp_reply(s, 553, "This account may not change files that "
		    "exist.");
	else
		return true;
	return false;
}

void
ftp_cmd_stor(struct ftp_session *s)
{
	struct cos_upload_request r = {
		.mode = s->rest > 0 ? COS_RESUME : COS_PUT,
		.offset = s->rest, .size = s->allo,
		.no_overwrite = !s->account->overwrite_enable,
	};

	if (may_store(s, s->rest > 0))
		begin(s, s->path, &r, "Ready to receive.");
}

void
ftp_cmd_appe(struct ftp_session *s)
{
	struct cos_upload_request r = { .mode = COS_APPEND, .size = s->allo };

	if (may_store(s, true))
		begin(s, s->path, &r, "Ready to receive.");
}

/* RFC 1123 4.1.2.9: the name is told in the 150 reply. */
void
ftp_cmd_stou(struct ftp_session *s)
{
	struct cos_upload_request r = { .mode = COS_PUT, .size = s->allo,
	    .no_overwrite = true };
	char name[64], opening[FTP_PATH_MAX + 16];
	uint64_t dice;
	bool dir;

	tls_random(&dice, sizeof(dice));
	snprintf(name, sizeof(name), "stou-%lld-%016" PRIx64,
	    (long long)time(NULL), dice);
	if (ftp_session_join(s, s->path, name, &dir) != FTP_PATH_OK) {
		ftp_reply(s, 553, "The name would be too long.");
		return;
	}
	s->arg_dir = false;
	snprintf(opening, sizeof(opening), "FILE: %s", name);
	if (may_store(s, false))
		begin(s, s->path, &r, opening);
}
