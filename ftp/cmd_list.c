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
#include <time.h>

#include "session_int.h"

enum {
	PAGE = 1000,
	FILL = 32 * 1024,	/* text made in one go */
	SHARE = 4		/* fills of one step */
};

enum kind { K_LIST, K_NLST, K_MLSD, K_STAT };

enum state {
	L_FIRST,		/* is there anything? */
	L_FILE,			/* nothing below: perhaps it is a file */
	L_MARKER,		/* or a directory too new to be listed */
	L_CONNECT,
	L_MOVE,
	L_CLOSE
};

struct list {
	struct ftp_transfer t;	/* first */
	enum state state;
	enum kind kind;
	char path[FTP_PATH_MAX];	/* the directory, or the file */
	char prefix[FTP_PATH_MAX];	/* keys of the directory */
	char pattern[FTP_PATH_MAX];	/* of the last segment, "" none */
	char shown[FTP_PATH_MAX + 2];	/* NLST: before each name */
	char arg[FTP_LINE_MAX];
	bool may_be_empty;	/* the root or the current directory */
	bool dir_only;		/* the argument ended in a slash */
	bool first;		/* COS has given some key, shown or not */
	bool was_pattern;	/* no match; tried again as a plain name */
	struct cos_list *list;
	struct cos_op *head;
	struct net_buf text;
	size_t sent;
	int count, hidden;
	bool truncated, ended;
};

static void
list_free(struct ftp_job *job)
{
	struct list *l = (struct list *)job;

	cos_list_free(l->list);
	cos_op_free(l->head);
	net_buf_free(&l->text);
	ftp_transfer_close(&l->t);
	free(l);
}

static void
list_abort(struct ftp_session *s, struct ftp_job *job)
{
	struct list *l = (struct list *)job;

	ftp_transfer_close(&l->t);
	ftp_reply(s, l->kind == K_STAT ? 450 : 426, "Listing aborted.");
	if (!s->gone && !s->server->draining)
		ftp_reply(s, 226, "Abort successful.");
	ftp_job_end(s);
}

/* ---- what the argument means ---- */

static bool
begin_list(struct ftp_session *s, struct list *l)
{
	char prefix[2 * FTP_PATH_MAX];
	size_t n = ftp_glob_literal(l->pattern);

	ftp_path_prefix(l->prefix, l->path);
	snprintf(prefix, sizeof(prefix), "%s%.*s", l->prefix, (int)n,
	    l->pattern);
	cos_list_free(l->list);
	l->list = cos_list_new(s->bucket, prefix, true, PAGE, s->who,
	    &s->task);
	l->state = L_FIRST;
	return l->list != NULL;
}

/* "a/b*" is the directory a and the pattern b*; false: replied already */
static bool
take_pattern(struct ftp_session *s, struct list *l)
{
	char dir[FTP_LINE_MAX];
	const char *slash = strrchr(l->arg, '/');
	const char *last = slash != NULL ? slash + 1 : l->arg;
	enum ftp_path_status ps;

	l->pattern[0] = '\0';
	if (!ftp_glob_has(last) || l->kind == K_MLSD ||
	    strlen(last) >= sizeof(l->pattern))
		return true;
	snprintf(dir, sizeof(dir), "%.*s", (int)(last - l->arg), l->arg);
	ps = ftp_path_join(l->path, s->cwd, *dir != '\0' ? dir : ".",
	    &l->dir_only);
	if (ps != FTP_PATH_OK) {
		ftp_reply(s, ps == FTP_PATH_ABOVE ? 550 : 553, "%s.",
		    ftp_path_text(ps));
		return false;
	}
	memcpy(l->pattern, last, strlen(last) + 1);
	snprintf(l->shown, sizeof(l->shown), "%.*s",
	    (int)sizeof(l->shown) - 1, dir);
	return true;
}

/* The argument as it stands; false: replied already */
static bool
take_literal(struct ftp_session *s, struct list *l)
{
	enum ftp_path_status ps;

	l->pattern[0] = l->shown[0] = '\0';
	ps = ftp_path_join(l->path, s->cwd, *l->arg != '\0' ? l->arg : ".",
	    &l->dir_only);
	if (ps != FTP_PATH_OK) {
		ftp_reply(s, ps == FTP_PATH_ABOVE ? 550 : 553, "%s.",
		    ftp_path_text(ps));
		return false;
	}
	l->may_be_empty = strcmp(l->path, "/") == 0 ||
	    strcmp(l->path, s->cwd) == 0;
	if (*l->arg != '\0' && strcmp(l->arg, ".") != 0)
		snprintf(l->shown, sizeof(l->shown), "%.*s%s",
		    (int)sizeof(l->shown) - 2, l->arg,
		    l->arg[strlen(l->arg) - 1] == '/' ? "" : "/");
	return true;
}

/* Leading options as of ls are no names (pitfall of many clients), unless
 * they are the whole of a name behind "--". */
static const char *
skip_options(const char *arg)
{
	while (*arg == '-') {
		const char *end = arg + strcspn(arg, " ");

		if (strcmp(arg, "--") == 0 || strncmp(arg, "-- ", 3) == 0)
			return arg[2] == ' ' ? arg + 3 : arg + 2;
		arg = end;
		while (*arg == ' ')
			arg++;
	}
	return arg;
}

/* ---- entries to text ---- */

static void
put_entry(struct ftp_session *s, struct list *l, const struct ftp_entry *e)
{
	struct ftp_rights rights;

	ftp_rights_of(s->account, &rights);
	switch (l->kind) {
	case K_LIST:
	case K_STAT:
		ftp_list_line(&l->text, e, &rights, s->account->user,
		    (int64_t)time(NULL));
		break;
	case K_NLST:
		net_buf_printf(&l->text, "%s%s\r\n", l->shown, e->name);
		break;
	case K_MLSD:
		ftp_mlst_line(&l->text, e, &rights, s->facts, e->name, NULL);
	}
	l->count++;
}

/* Strips the directory and hides its own marker; false: not to be shown */
static bool
show(struct list *l, const struct cos_entry *ce, struct ftp_entry *e,
    char name[FTP_PATH_MAX])
{
	size_t skip = strlen(l->prefix), n;

	if (ce->name_len <= skip)
		return false;
	n = ce->name_len - skip - (ce->dir ? 1 : 0);
	if (!ftp_name_reachable(ce->name + skip, n) ||
	    memchr(ce->name + skip, '/', n) != NULL || n >= FTP_PATH_MAX) {
		l->hidden++;
		return false;
	}
	memcpy(name, ce->name + skip, n);
	name[n] = '\0';
	if (l->pattern[0] != '\0' && !ftp_glob_match(l->pattern, name))
		return false;
	*e = (struct ftp_entry){ .name = name, .dir = ce->dir,
	    .size = ce->size, .mtime = ce->mtime, .unique = ce->etag };
	return true;
}

/* Fills the text; entries are taken up to the limit. */
static void
fill(struct ftp_session *s, struct list *l)
{
	const struct cos_entry *ce;
	char name[FTP_PATH_MAX];
	struct ftp_entry e;

	while (!l->ended && l->text.len < FILL) {
		ce = cos_list_next(l->list);
		if (ce == NULL) {
			if (cos_list_state(l->list) == COS_DONE)
				l->ended = true;
			return;
		}
		l->first = true;
		if (!show(l, ce, &e, name))
			continue;
		if (l->count >= s->server->conf->max_list_file) {
			l->truncated = l->ended = true;
			return;
		}
		put_entry(s, l, &e);
	}
}

static void
put_file(struct ftp_session *s, struct list *l, const struct cos_object *o)
{
	struct ftp_entry e = { .name = ftp_path_base(l->path),
	    .size = o->size, .mtime = o->mtime, .unique = o->etag };

	if (l->kind == K_NLST)		/* as it was asked for */
		net_buf_printf(&l->text, "%s\r\n", l->arg);
	else
		put_entry(s, l, &e);
	l->ended = true;
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
fail(struct ftp_session *s, struct list *l, const struct cos_fault *f)
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
found(struct ftp_session *s, struct list *l)
{
	if (l->kind == K_STAT) {
		l->state = L_MOVE;
		ftp_reply_begin(s, 213, "Status follows:");
		return;
	}
	l->state = L_CONNECT;
	ftp_transfer_open(s, &l->t, "Here comes the listing.");
}

static void
out_of_memory(struct ftp_session *s)
{
	ftp_reply(s, 451, "Out of memory.");
	ftp_job_end(s);
}

static void
ask_head(struct ftp_session *s, struct list *l, const char *key,
    enum state state)
{
	cos_op_free(l->head);
	l->head = cos_head_new(s->bucket, key, s->who, &s->task);
	l->state = state;
	if (l->head == NULL)
		out_of_memory(s);
}

/* Nothing below that name: the next meaning, or the answer. */
static void
nothing_there(struct ftp_session *s, struct list *l)
{
	bool literal = l->pattern[0] == '\0';

	if (strpbrk(l->pattern, "[\\") != NULL) {
		/* No match: perhaps a name with brackets.  One with * or ?
		 * would have matched itself. */
		if (!take_literal(s, l)) {
			ftp_job_end(s);
			return;
		}
		l->ended = l->first = false;
		l->hidden = 0;
		l->was_pattern = true;
		if (!begin_list(s, l))
			out_of_memory(s);
	} else if (!literal || l->may_be_empty || l->first) {
		found(s, l);
	} else if (l->dir_only) {
		ask_head(s, l, l->prefix, L_MARKER);
	} else {
		ask_head(s, l, ftp_path_key(l->path), L_FILE);
	}
}

static void
first_step(struct ftp_session *s, struct list *l)
{
	fill(s, l);
	if (cos_list_state(l->list) == COS_FAILED)
		fail(s, l, cos_list_fault(l->list));
	else if (l->count > 0)
		found(s, l);
	else if (l->ended)
		nothing_there(s, l);
}

static void
file_step(struct ftp_session *s, struct list *l)
{
	enum cos_state state = cos_op_state(l->head);

	if (state == COS_BUSY)
		return;
	if (state == COS_DONE && l->kind == K_MLSD) {
		ftp_reply(s, 501, "Not a directory.");
		ftp_job_end(s);
	} else if (state == COS_DONE) {
		put_file(s, l, cos_op_object(l->head));
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
marker_step(struct ftp_session *s, struct list *l)
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
lost(struct ftp_session *s, struct list *l, const char *why)
{
	if (l->kind == K_STAT)
		break_reply(s, why);
	else
		ftp_reply(s, 426, "Data connection lost: %s.", why);
	ftp_job_end(s);
}

/* Sends what there is; true: all out */
static bool
flush(struct ftp_session *s, struct list *l, struct net_stream *out)
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
move(struct ftp_session *s, struct list *l, struct net_stream *out)
{
	int share;

	for (share = SHARE; share > 0; share--) {
		if (!flush(s, l, out))
			return false;
		if (l->ended)
			return true;
		fill(s, l);
		if (l->text.failed) {
			ftp_transfer_close(&l->t);
			out_of_memory(s);
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

static void
finish(struct ftp_session *s, struct list *l)
{
	int code = l->kind == K_STAT ? 213 : 226;
	char note[160] = "";

	ftp_transfer_close(&l->t);
	if (l->truncated)
		snprintf(note, sizeof(note), " The list was cut at "
		    "max_list_file = %d entries.",
		    s->server->conf->max_list_file);
	if (l->hidden > 0) {
		size_t n = strlen(note);

		snprintf(note + n, sizeof(note) - n, " %d names that FTP "
		    "cannot express were left out.", l->hidden);
		log_line(s->server->log, LOG_LEVEL_WARNING, "%s listing of "
		    "%s left out %d keys that FTP cannot express", s->who,
		    l->path, l->hidden);
	}
	ftp_reply(s, code, "%d entries.%s", l->count, note);
	ftp_job_end(s);
}

static void
close_step(struct ftp_session *s, struct list *l, struct net_stream *out)
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
	struct list *l = (struct list *)job;
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
begin(struct ftp_session *s, enum kind kind)
{
	struct list *l = calloc(1, sizeof(*l));
	const char *arg = kind == K_MLSD ? s->arg : skip_options(s->arg);

	if (l == NULL) {
		ftp_reply(s, 451, "Out of memory.");
		return;
	}
	l->t.job = (struct ftp_job){ .step = list_step, .free = list_free,
	    .abort = list_abort };
	l->kind = kind;
	l->text.max = 2 * FILL + 8 * FTP_PATH_MAX;
	snprintf(l->arg, sizeof(l->arg), "%.*s", (int)sizeof(l->arg) - 1,
	    arg);
	if (!take_pattern(s, l) ||
	    (l->pattern[0] == '\0' && !take_literal(s, l)) ||
	    (kind != K_STAT && !ftp_transfer_begin(s, &l->t))) {
		list_free(&l->t.job);
		return;
	}
	snprintf(s->path, sizeof(s->path), "%s", l->path);
	l->t.job.transfer = kind != K_STAT;
	l->t.started = net_now(s->server->loop);
	if (!begin_list(s, l)) {
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
