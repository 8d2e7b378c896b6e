/*
 * ftp/cmd_login.c - USER, PASS, ACCT, REIN, QUIT.
 *
 * A failed login is answered after a pause and in the same words, whether or
 * not there is such a user.
 */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "session_int.h"

enum { FAILURES_MAX = 5 };	/* of one connection */

struct pause {
	struct ftp_job job;
	int64_t until;
};

void
ftp_rights_of(const struct conf_account *a, struct ftp_rights *r)
{
	r->read = a->can_read;
	r->write = a->can_write;
	r->remove = a->can_write && a->delete_enable;
}

void
ftp_cmd_user(struct ftp_session *s)
{
	ftp_session_reset(s);		/* a second USER drops all rights */
	s->user = strdup(s->arg);
	if (s->user == NULL)
		ftp_reply(s, 451, "Out of memory.");
	else
		ftp_reply(s, 331, "Password, please.");
}

static void
pause_step(struct ftp_session *s, struct ftp_job *job)
{
	struct pause *p = (struct pause *)job;
	int64_t left = p->until - net_now(s->server->loop);

	if (left > 0) {
		ftp_session_deadline(s, left);
		return;
	}
	if (++s->login_failures >= FAILURES_MAX) {
		ftp_reply(s, 421, "Too many failed logins.");
		s->quitting = true;
	} else {
		ftp_reply(s, 530, "Login incorrect.");
	}
	ftp_job_end(s);
}

static void
pause_free(struct ftp_job *job)
{
	free(job);
}

static void
pause_abort(struct ftp_session *s, struct ftp_job *job)
{
	(void)job;
	ftp_job_end(s);
}

/* Answers after the pause that the address has earned, for which it is counted
 * at once, so that many connections do not help. */
static void
refuse(struct ftp_session *s, const char *why)
{
	struct ftp_server *v = s->server;
	struct pause *p = calloc(1, sizeof(*p));
	int64_t now = net_now(v->loop), delay;
	char text[NET_ADDR_TEXT];

	ftp_session_count(s, FTP_LOGIN_FAILURES, 1);
	log_line(v->log, LOG_LEVEL_WARNING, "%s login of user \"%.64s\" from "
	    "%s failed%s", s->who, s->user, net_addr_text(&s->peer, text),
	    why);
	if (ftp_limits_failed(v->limits, &s->peer, v->conf, now, &delay))
		log_line(v->log, LOG_LEVEL_WARNING, "%s is banned for %d s "
		    "after %d failed logins", text, v->conf->login_ban_time,
		    v->conf->login_ban_failures);
	if (p == NULL) {
		ftp_reply(s, 421, "Out of memory.");
		s->quitting = true;
		return;
	}
	p->job = (struct ftp_job){ .step = pause_step, .free = pause_free,
	    .abort = pause_abort };
	p->until = now + delay;
	ftp_job_start(s, &p->job);
}

static bool
may_come_from(const struct conf_account *a, const struct net_addr *peer)
{
	unsigned char address[16];

	net_addr_bytes(peer, address);
	return a->allow_ip == NULL || conf_cidr_has(a->allow_ip, address);
}

/* false: the user has max_sessions already, which is replied. */
static bool
take_session(struct ftp_session *s, const struct conf_account *a)
{
	uint64_t user = ftp_user_hash(a->user);

	ftp_seat_user(s->seat, user);
	if (a->max_sessions == 0 || ftp_share_sessions_of_user(s->server->share,
	    user) <= (size_t)a->max_sessions)
		return true;
	ftp_seat_user(s->seat, 0);
	log_line(s->server->log, LOG_LEVEL_WARNING, "%s login of user "
	    "\"%.64s\" refused: max_sessions = %d", s->who, s->user,
	    a->max_sessions);
	ftp_reply(s, 530, "Too many sessions of this user, try again later.");
	return false;
}

static bool
banned(struct ftp_session *s)
{
	if (ftp_limits_banned(s->server->limits, &s->peer,
	    net_now(s->server->loop)) == 0)
		return false;
	ftp_reply(s, 421, "Too many failed logins from your address, try "
	    "again later.");
	s->quitting = true;
	return true;
}

/* match: the account, or the number of accounts */
static void
login(struct ftp_session *s, size_t match)
{
	const struct conf *c = s->server->conf;
	const struct conf_account *a = &c->accounts[match < c->naccounts ?
	    match : 0];
	bool here = may_come_from(a, &s->peer);

	if (banned(s))		/* while the password was being checked */
		return;
	if (match == c->naccounts || !here) {
		refuse(s, match == c->naccounts ? "" :
		    ": not in its allow_ip");
		return;
	}
	if (!take_session(s, a))
		return;
	s->account = a;
	s->bucket = s->server->buckets[match];
	s->login_failures = 0;
	ftp_session_name(s);
	log_line(s->server->log, LOG_LEVEL_INFO, "%s logged in, %s", s->who,
	    ftp_tls_text(s));
	ftp_reply(s, 230, "Logged in.");
}

void
ftp_cmd_pass(struct ftp_session *s)
{
	if (s->account != NULL) {
		ftp_reply(s, 230, "Already logged in.");
	} else if (s->user == NULL) {
		ftp_reply(s, 503, "USER first.");
	} else if (!banned(s)) {
		ftp_password_check(s, login);
	}
}

void
ftp_cmd_acct(struct ftp_session *s)
{
	if (s->account == NULL)
		ftp_reply(s, 530, "Please log in with USER and PASS.");
	else
		ftp_reply(s, 202, "ACCT is not needed.");
}

void
ftp_cmd_rein(struct ftp_session *s)
{
	if (s->tls) {		/* RFC 4217 11: it would end TLS */
		ftp_reply(s, 502, "Not over TLS: connect anew instead.");
		return;
	}
	ftp_session_reset(s);
	s->utf8 = false;
	ftp_reply(s, 220, "Ready for a new user.");
}

void
ftp_cmd_quit(struct ftp_session *s)
{
	ftp_reply(s, 221, "Goodbye.");
	s->quitting = true;
}
