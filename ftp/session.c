/*
 * ftp/session.c - one control connection: lines in, commands run, one job at
 * a time, time-outs, and the end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session_int.h"

enum {
	LOGIN_MS = 60 * 1000,		/* before a login */
	LINES_PER_STEP = 32,		/* one session's share of a turn */
	INPUT_MAX = 4096,
	NOOPS_MAX = 1000,		/* during a transfer, then no more is read */
	FLUSH_MS = 5 * 1000		/* to read our last reply */
};

static void step(struct net_task *, unsigned);

void
ftp_session_name(struct ftp_session *s)
{
	snprintf(s->who, sizeof(s->who), "#%u %.64s", s->id,
	    s->account != NULL ? s->account->user : "-");
}

bool
ftp_session_note(struct ftp_named **at, const char *path,
    const struct cos_object *o)
{
	struct ftp_named *n = NULL;

	if (path != NULL) {
		n = calloc(1, sizeof(*n));
		if (n != NULL) {
			snprintf(n->path, sizeof(n->path), "%s", path);
			n->dir = o == NULL;
			if (o != NULL)
				n->object = *o;
		}
	}
	free(*at);
	*at = n;
	return n != NULL || path == NULL;
}

/* The slash at a path's beginning is not the key's; a directory's at its end
 * is. */
enum ftp_path_status
ftp_session_join(const struct ftp_session *s, char out[FTP_PATH_MAX],
    const char *arg, bool *dir)
{
	enum ftp_path_status ps = ftp_path_join(out, s->cwd, arg, dir);

	if (ps == FTP_PATH_OK &&
	    strlen(out) - 1 + *dir > cos_key_max(s->bucket))
		ps = FTP_PATH_LONG;
	return ps;
}

void
ftp_session_reset(struct ftp_session *s)
{
	free(s->user);
	s->user = NULL;
	s->account = NULL;
	ftp_seat_user(s->seat, 0);
	if (s->bucket != NULL || s->login_until == 0)
		s->login_until = net_now(s->server->loop) + LOGIN_MS;
	s->bucket = NULL;
	snprintf(s->cwd, sizeof(s->cwd), "/");
	s->rest = 0;
	s->allo = -1;
	s->epsv_all = false;
	ftp_session_note(&s->renaming, NULL, NULL);
	ftp_session_note(&s->stored, NULL, NULL);
	ftp_recent_free(s->recent);
	s->recent = NULL;
	s->facts = FTP_FACT_DEFAULT;
	s->hash = 0;
	ftp_data_free(s->data);
	s->data = NULL;
	ftp_session_name(s);
}

/* The deadline while no job runs; a job sets its own. */
static void
arm_idle(struct ftp_session *s)
{
	const struct conf *c = s->server->conf;
	int64_t left = s->login_until - net_now(s->server->loop);

	ftp_session_show(s);
	if (s->quitting || s->gone)
		net_task_deadline(&s->task, FLUSH_MS);
	else if (s->account == NULL)
		net_task_deadline(&s->task, left > 0 ? left : 0);
	else
		net_task_deadline(&s->task, (int64_t)c->idle_timeout * 1000);
}

void
ftp_session_deadline(struct ftp_session *s, int64_t in_ms)
{
	net_task_deadline(&s->task, in_ms);
}

bool
ftp_session_welcome(struct ftp_session *s, const struct net_addr *by)
{
	char text[NET_ADDR_TEXT], front[NET_ADDR_TEXT];

	s->id = ftp_share_next_id(s->server->share);
	ftp_session_name(s);
	if (s->implicit && !ftp_tls_begin(s))
		return false;
	net_stream_urgent_inline(s->control);
	log_line(s->server->log, LOG_LEVEL_INFO, "%s connected from %s port %u"
	    "%s%s", s->who, net_addr_text(&s->peer, text),
	    net_addr_port(&s->peer), by != NULL ? " by " : "",
	    by != NULL ? net_addr_text(by, front) : "");
	ftp_reply(s, 220, "%s", s->server->conf->banner != NULL ?
	    s->server->conf->banner : "cosftpd ready.");
	arm_idle(s);
	return true;
}

void
ftp_session_new(struct ftp_server *server, int fd, const struct net_addr *peer,
    bool tls, bool proxied, struct ftp_seat *seat)
{
	struct ftp_session *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		struct net_stream *t = net_stream_new(server->loop, fd, NULL);

		net_stream_free(t);
		ftp_seat_leave(server->share, server->slot, seat);
		return;
	}
	net_task_init(&s->task, server->loop, step);
	s->server = server;
	s->seat = seat;
	s->peer = *peer;
	s->started = net_now(server->loop);
	ftp_session_count(s, FTP_CONNECTIONS, 1);
	net_local(fd, &s->local);
	s->reached = s->local;
	s->implicit = tls;
	s->control = net_stream_new(server->loop, fd, &s->task);
	s->next = server->sessions;
	if (s->next != NULL)
		s->next->prev = s;
	server->sessions = s;
	server->nsessions++;
	ftp_session_reset(s);
	if (s->control == NULL || !(proxied ? ftp_proxied_begin(s) :
	    ftp_session_welcome(s, NULL)))
		ftp_session_free(s);
	else
		net_task_wake(&s->task);
}

void
ftp_session_free(struct ftp_session *s)
{
	struct ftp_server *server = s->server;

	if (s->id != 0)
		log_line(server->log, LOG_LEVEL_INFO, "%s disconnected after "
		    "%lld s", s->who,
		    (long long)(net_now(server->loop) - s->started) / 1000);
	if (s->job != NULL && s->job->transfer)
		ftp_transfer_ended(s, (struct ftp_transfer *)s->job);
	if (s->job != NULL)
		s->job->free(s->job);
	if (s->prev != NULL)
		s->prev->next = s->next;
	else
		server->sessions = s->next;
	if (s->next != NULL)
		s->next->prev = s->prev;
	ftp_seat_leave(server->share, server->slot, s->seat);
	ftp_data_free(s->data);
	net_stream_free(s->control);
	net_task_end(&s->task);
	free(s->proxy);
	free(s->user);
	free(s->renaming);
	free(s->stored);
	ftp_recent_free(s->recent);
	tls_wipe(s->line.text, sizeof(s->line.text));
	free(s);
	if (--server->nsessions == 0)
		net_task_wake(server->drain_owner);
}

void
ftp_job_start(struct ftp_session *s, struct ftp_job *job)
{
	s->job = job;
	ftp_session_show(s);
	net_task_deadline(&s->task, -1);
	net_task_wake(&s->task);
}

void
ftp_job_end(struct ftp_session *s)
{
	struct ftp_job *job = s->job;

	if (job->transfer)
		ftp_transfer_ended(s, (struct ftp_transfer *)job);
	s->job = NULL;
	job->free(job);
	arm_idle(s);
	net_task_wake(&s->task);	/* what was sent meanwhile */
}

/* ---- input ---- */

/* During a transfer: ABOR and STAT now, the rest afterwards. */
static bool
run_beside(struct ftp_session *s, const char *verb)
{
	const struct ftp_command *command = s->command;
	char saved[sizeof(s->verb)];
	bool abor = strcmp(verb, "ABOR") == 0;

	if (!s->job->transfer)
		return false;
	if (strcmp(verb, "NOOP") == 0 && s->noops < NOOPS_MAX) {
		s->noops++;	/* must not hide an ABOR */
		return true;
	}
	if (!abor && strcmp(verb, "STAT") != 0)
		return false;
	memcpy(saved, s->verb, sizeof(saved));
	memcpy(s->verb, verb, sizeof(s->verb));
	if (abor)
		s->job->abort(s, s->job);
	else
		ftp_cmd_stat(s);
	memcpy(s->verb, saved, sizeof(saved));
	s->command = command;
	return true;
}

static void
dispatch(struct ftp_session *s)
{
	ftp_line_split(&s->line, s->verb, &s->arg);
	/* A mistyped PASS carries a password, too. */
	log_line(s->server->log, LOG_LEVEL_DEBUG, "%s command %s %s", s->who,
	    s->verb[0] != '\0' ? s->verb : "(not a command)",
	    strcmp(s->verb, "PASS") != 0 && ftp_command_known(s->verb) ?
	    s->arg : "****");
	ftp_command_run(s);
	if (strcmp(s->verb, "PASS") == 0)
		tls_wipe(s->line.text, sizeof(s->line.text));
}

static void
bad_line(struct ftp_session *s, enum ftp_line_status status)
{
	s->verb[0] = s->path[0] = '\0';
	s->command = NULL;
	if (s->account == NULL) {	/* TLS?  It may hold lines, too. */
		ftp_reply(s, 421, "This is no FTP. Goodbye.");
		s->quitting = true;
		return;
	}
	ftp_reply(s, 500, status == FTP_LINE_TOO_LONG ?
	    "Command line too long." : "Command line holds NUL or control "
	    "bytes.");
}

static void
run_line(struct ftp_session *s, enum ftp_line_status status)
{
	char verb[9];
	const char *arg;

	if (s->job == NULL && status == FTP_LINE_OK) {
		dispatch(s);
	} else if (s->job == NULL) {
		bad_line(s, status);
	} else {
		ftp_line_split(&s->line, verb, &arg);
		s->arg = arg;
		s->held = status;
		s->line_held = status != FTP_LINE_OK || !run_beside(s, verb);
	}
}

static void
read_lines(struct ftp_session *s)
{
	enum ftp_line_status status;
	const char *p;
	size_t n, used;
	int i;

	for (i = 0; i < LINES_PER_STEP && !s->quitting && !s->unread; i++) {
		for (; s->noops > 0 && s->job == NULL; s->noops--) {
			snprintf(s->verb, sizeof(s->verb), "NOOP");
			ftp_cmd_noop(s);
		}
		if (s->line_held && s->job == NULL) {
			s->line_held = false;
			run_line(s, s->held);
		}
		p = net_stream_peek(s->control, INPUT_MAX, true, &n);
		if (n == 0 || s->line_held || s->quitting ||
		    (s->job != NULL && !s->job->transfer))
			return;
		status = ftp_line_feed(&s->line, p, n, &used);
		net_stream_wipe(s->control, used);
		if (status == FTP_LINE_NONE)
			continue;
		run_line(s, status);
		if (s->job == NULL)	/* after it: PASS changes the limit */
			arm_idle(s);
	}
	if (i == LINES_PER_STEP)
		net_task_wake(&s->task);	/* others first */
}

/* ---- the end ---- */

bool
ftp_session_deserted(struct ftp_session *s)
{
	size_t n = 0, had;

	do {			/* its end shows behind the last byte */
		had = n;
		net_stream_peek(s->control, INPUT_MAX, true, &n);
	} while (n > had && n < INPUT_MAX);
	return s->gone || net_stream_ended(s->control) ||
	    net_stream_hung_up(s->control);
}

/* What was sent before the end is still carried out, unless a job runs. */
static bool
control_lost(const struct ftp_session *s)
{
	return s->job != NULL ? net_stream_ended(s->control) :
	    net_stream_state(s->control) >= NET_EOF;
}

static void
lose_control(struct ftp_session *s)
{
	s->gone = true;
	log_line(s->server->log, LOG_LEVEL_DEBUG, "%s control connection: %s",
	    s->who, net_stream_reason(s->control));
	if (s->job != NULL && !s->job->finishes_alone)
		s->job->abort(s, s->job);
}

static void
timed_out(struct ftp_session *s)
{
	if (s->quitting || s->gone) {
		s->gone = true;
		return;
	}
	s->verb[0] = s->path[0] = '\0';
	s->command = NULL;
	ftp_reply(s, 421, s->account == NULL ? "Login timed out." :
	    "Idle for too long. Goodbye.");
	s->quitting = true;
}

static void
step(struct net_task *t, unsigned why)
{
	struct ftp_session *s = (struct ftp_session *)t;

	if (s->proxy != NULL) {
		ftp_proxied_step(s, why & NET_TIMEOUT);
		if (s->proxy != NULL && !s->gone)
			return;
	} else if (s->handshake) {
		ftp_tls_step(s, why & NET_TIMEOUT);
		if (!s->handshake)
			arm_idle(s);
	} else if (s->job != NULL) {
		s->job->step(s, s->job);
	} else if (why & NET_TIMEOUT) {
		timed_out(s);
	}
	if (!s->gone)
		read_lines(s);
	if (!s->gone && (s->unread || control_lost(s)))
		lose_control(s);
	if (s->job != NULL)
		return;
	if (s->quitting && !s->gone) {
		net_stream_shutdown(s->control);
		if (net_stream_shut(s->control))
			s->gone = true;
		else
			net_task_deadline(&s->task, FLUSH_MS);
	}
	if (s->gone)
		ftp_session_free(s);
}

void
ftp_session_drain(struct ftp_session *s, bool hard)
{
	if (hard || s->proxy != NULL) {
		ftp_session_free(s);
		return;
	}
	if (s->job == NULL && !s->quitting) {
		s->verb[0] = s->path[0] = '\0';
		s->command = NULL;
		ftp_reply(s, 421, "The server is shutting down.");
	} else if (s->job != NULL && !s->job->finishes_alone) {
		s->job->abort(s, s->job);
	}
	s->quitting = true;
	net_task_wake(&s->task);
}
