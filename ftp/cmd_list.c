/*
 * ftp/cmd_list.c - LIST, NLST, MLSD, and STAT with a path.
 *
 * 150 follows the first answer of COS, so that what is not there is a 550 and
 * no empty list.  What the argument means is tried in this order: a pattern
 * (when its last segment has a wildcard), a directory, a file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "list_int.h"

enum {
	SHARE = 4,		/* fills of one step */
	NOTE_MAX = 256		/* what the last reply adds */
};

static void
list_free(struct ftp_job *job)
{
	struct ftp_listing *l = (struct ftp_listing *)job;

	cos_list_free(l->list);
	cos_op_free(l->head);
	net_buf_free(&l->text);
	ftp_transfer_close(&l->t);
	free(l);
}

static void
list_abort(struct ftp_session *s, struct ftp_job *job)
{
	struct ftp_listing *l = (struct ftp_listing *)job;

	ftp_transfer_close(&l->t);
	ftp_reply(s, l->kind == K_STAT ? 450 : 426, "Listing aborted.");
	if (!s->gone && !s->server->draining)
		ftp_reply(s, 226, "Abort successful.");
	ftp_job_end(s);
}

/* ---- the first answer ---- */

/* Half a reply cannot be mended, and its lines must not pass for all. */
static void
break_reply(struct ftp_session *s, const char *why)
{
	log_line(s->server->log, LOG_LEVEL_WARNING, "%s STAT broken off, the "
	    "session ends: %s", s->who, why);
	s->gone = true;
}

static void
fail(struct ftp_session *s, struct ftp_listing *l, const struct cos_fault *f)
{
	struct cos_fault copy = *f;

	ftp_transfer_close(&l->t);
	if (l->kind == K_STAT && l->state >= L_CONNECT)
		break_reply(s, copy.text);
	else
		ftp_reply_fault(s, &copy);
	ftp_job_end(s);
}

static void
out_of_memory(struct ftp_session *s, struct ftp_listing *l)
{
	ftp_transfer_close(&l->t);
	if (l->kind == K_STAT && l->state >= L_CONNECT)
		break_reply(s, "out of memory");
	else
		ftp_reply(s, 451, "Out of memory.");
	ftp_job_end(s);
}

static void
found(struct ftp_session *s, struct ftp_listing *l)
{
	if (l->text.failed) {
		out_of_memory(s, l);
		return;
	}
	if (l->kind == K_STAT) {
		l->state = L_MOVE;
		ftp_reply_begin(s, 213, "Status follows:");
		return;
	}
	l->state = L_CONNECT;
	ftp_transfer_open(s, &l->t, "Here comes the listing.");
}

static void
ask_head(struct ftp_session *s, struct ftp_listing *l, const char *key,
    enum ftp_list_state state)
{
	cos_op_free(l->head);
	l->head = cos_head_new(s->bucket, key, s->who, &s->task);
	l->state = state;
	if (l->head == NULL)
		out_of_memory(s, l);
}

/* Nothing below that name: the next meaning, or the answer. */
static void
nothing_there(struct ftp_session *s, struct ftp_listing *l)
{
	bool literal = l->pattern[0] == '\0';

	if (strpbrk(l->pattern, "[\\") != NULL) {
		/* No match: perhaps a name with brackets.  One with * or ?
		 * would have matched itself. */
		if (!ftp_list_literal(s, l)) {
			ftp_job_end(s);
			return;
		}
		l->ended = l->first = false;
		l->hidden = l->foreign = 0;
		l->was_pattern = true;
		if (!ftp_list_ask(s, l))
			out_of_memory(s, l);
	} else if (!literal || l->may_be_empty || l->first) {
		found(s, l);
	} else if (l->dir_only) {
		ask_head(s, l, l->prefix, L_MARKER);
	} else {
		ask_head(s, l, ftp_path_key(l->path), L_FILE);
	}
}

static void
first_step(struct ftp_session *s, struct ftp_listing *l)
{
	ftp_list_fill(s, l);
	if (cos_list_state(l->list) == COS_FAILED)
		fail(s, l, cos_list_fault(l->list));
	else if (l->count > 0)
		found(s, l);
	else if (l->ended)
		nothing_there(s, l);
}

static void
file_step(struct ftp_session *s, struct ftp_listing *l)
{
	enum cos_state state = cos_op_state(l->head);

	if (state == COS_BUSY)
		return;
	if (state == COS_DONE && l->kind == K_MLSD) {
		ftp_reply(s, 501, "Not a directory.");
		ftp_job_end(s);
	} else if (state == COS_DONE) {
		ftp_list_file(s, l, cos_op_object(l->head));
		found(s, l);
	} else if (cos_op_fault(l->head)->cause != COS_NOT_FOUND) {
		fail(s, l, cos_op_fault(l->head));
	} else if (l->was_pattern) {
		found(s, l);	/* a pattern that matches nothing */
	} else {
		ask_head(s, l, l->prefix, L_MARKER);
	}
}

static void
marker_step(struct ftp_session *s, struct ftp_listing *l)
{
	enum cos_state state = cos_op_state(l->head);

	if (state == COS_BUSY)
		return;
	if (state == COS_DONE) {
		l->ended = true;
		found(s, l);
	} else {
		fail(s, l, cos_op_fault(l->head));
	}
}

/* ---- moving ---- */

static void
lost(struct ftp_session *s, struct ftp_listing *l, const char *why)
{
	if (l->kind == K_STAT)
		break_reply(s, why);
	else
		ftp_reply(s, 426, "Data connection lost: %s.", why);
	ftp_job_end(s);
}

/* Sends what there is; true: all out */
static bool
flush(struct ftp_session *s, struct ftp_listing *l, struct net_stream *out)
{
	size_t n;

	while (l->sent < l->text.len) {
		n = net_stream_write(out, l->text.data + l->sent,
		    l->text.len - l->sent);
		l->sent += n;
		if (n > 0)
			ftp_transfer_moved(s, &l->t, n);
		if (net_stream_state(out) == NET_FAILED) {
			lost(s, l, net_stream_reason(out));
			return false;
		}
		if (n == 0) {
			if (ftp_transfer_stalled(s, &l->t, true))
				lost(s, l, "the client reads nothing");
			return false;
		}
	}
	l->text.len = l->sent = 0;
	ftp_transfer_stalled(s, &l->t, false);
	return true;
}

/* true: everything is sent; false: wait, or the job has ended */
static bool
move(struct ftp_session *s, struct ftp_listing *l, struct net_stream *out)
{
	int share;

	for (share = SHARE; share > 0; share--) {
		if (!flush(s, l, out))
			return false;
		if (l->ended)
			return true;
		ftp_list_fill(s, l);
		if (l->text.failed) {
			out_of_memory(s, l);
			return false;
		}
		if (cos_list_state(l->list) == COS_FAILED) {
			fail(s, l, cos_list_fault(l->list));
			return false;
		}
		if (l->text.len == 0 && !l->ended)
			return false;	/* the next page is on its way */
	}
	net_task_wake(&s->task);
	return false;
}

/* Appends a sentence on names that were left out, and logs it. */
static void
left_out(struct ftp_session *s, const struct ftp_listing *l, int count,
    const char *by, const char *advice, char note[NOTE_MAX])
{
	size_t n = strlen(note);

	if (count == 0)
		return;
	snprintf(note + n, NOTE_MAX - n, " %d names that %s cannot express "
	    "were left out%s.", count, by, advice);
	log_line(s->server->log, LOG_LEVEL_WARNING, "%s listing of %s left "
	    "out %d keys that %s cannot express", s->who, l->path, count, by);
}

static void
finish(struct ftp_session *s, struct ftp_listing *l)
{
	int code = l->kind == K_STAT ? 213 : 226;
	char note[NOTE_MAX] = "";

	l->t.complete = true;
	ftp_transfer_close(&l->t);
	if (l->truncated)
		snprintf(note, sizeof(note), " The list was cut at "
		    "max_list_file = %d entries.",
		    s->server->conf->max_list_file);
	left_out(s, l, l->hidden, "FTP", "", note);
	left_out(s, l, l->foreign, "GBK", "; OPTS UTF8 ON shows them", note);
	ftp_reply(s, code, "%d %s.%s", l->count,
	    l->count == 1 ? "entry" : "entries", note);
	ftp_job_end(s);
}

static void
close_step(struct ftp_session *s, struct ftp_listing *l, struct net_stream *out)
{
	net_stream_shutdown(out);
	if (net_stream_state(out) == NET_FAILED)
		lost(s, l, net_stream_reason(out));
	else if (net_stream_shut(out))
		finish(s, l);
	else if (ftp_transfer_stalled(s, &l->t, true))
		lost(s, l, "the client reads nothing");
}

static void
list_step(struct ftp_session *s, struct ftp_job *job)
{
	struct ftp_listing *l = (struct ftp_listing *)job;
	struct net_stream *out;
	bool ended;

	if (l->state == L_FIRST)
		first_step(s, l);
	else if (l->state == L_FILE)
		file_step(s, l);
	else if (l->state == L_MARKER)
		marker_step(s, l);
	if (s->job == NULL || l->state < L_CONNECT)
		return;
	if (l->state == L_CONNECT) {
		if (ftp_transfer_stream(s, &l->t, &ended) == NULL) {
			if (ended)
				ftp_job_end(s);
			return;
		}
		l->state = L_MOVE;
	}
	out = l->kind == K_STAT ? s->control : ftp_data_stream(l->t.data);
	if (l->state == L_MOVE) {
		if (!move(s, l, out))
			return;
		if (l->kind == K_STAT) {
			finish(s, l);
			return;
		}
		l->state = L_CLOSE;
	}
	close_step(s, l, out);
}

static void
begin(struct ftp_session *s, enum ftp_list_kind kind)
{
	struct ftp_listing *l = calloc(1, sizeof(*l));
	const char *arg = kind == K_MLSD ? s->arg : ftp_list_skip_options(s->arg);

	if (l == NULL) {
		ftp_reply(s, 451, "Out of memory.");
		return;
	}
	l->t.job = (struct ftp_job){ .step = list_step, .free = list_free,
	    .abort = list_abort };
	l->kind = kind;
	l->text.max = 2 * FTP_LIST_FILL + 8 * FTP_PATH_MAX;
	snprintf(l->arg, sizeof(l->arg), "%.*s", (int)sizeof(l->arg) - 1,
	    arg);
	if (!ftp_list_pattern(s, l) ||
	    (l->pattern[0] == '\0' && !ftp_list_literal(s, l)) ||
	    (kind != K_STAT && !ftp_transfer_begin(s, &l->t))) {
		list_free(&l->t.job);
		return;
	}
	snprintf(s->path, sizeof(s->path), "%s", l->path);
	l->t.job.transfer = kind != K_STAT;
	l->t.started = net_now(s->server->loop);
	if (!ftp_list_ask(s, l)) {
		ftp_reply(s, 451, "Out of memory.");
		list_free(&l->t.job);
		return;
	}
	ftp_job_start(s, &l->t.job);
}

void
ftp_cmd_list(struct ftp_session *s)
{
	begin(s, K_LIST);
}

void
ftp_cmd_nlst(struct ftp_session *s)
{
	begin(s, K_NLST);
}

void
ftp_cmd_mlsd(struct ftp_session *s)
{
	begin(s, K_MLSD);
}

void
ftp_list_on_control(struct ftp_session *s)
{
	begin(s, K_STAT);
}
