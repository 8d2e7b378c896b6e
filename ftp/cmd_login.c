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

/* Compared as digests: equal lengths, and no time that tells anything. */
static bool
same_text(const char *a, const char *b)
{
	unsigned char x[TLS_SHA256_LEN], y[TLS_SHA256_LEN];

	tls_sha256(a, strlen(a), x);
	tls_sha256(b, strlen(b), y);
	return tls_equal(x, y, sizeof(x));
}

static bool
may_come_from(const struct conf_account *a, const struct net_addr *peer)
{
	unsigned char address[16];

	net_addr_bytes(peer, address);
	return a->allow_ip == NULL || conf_cidr_has(a->allow_ip, address);
}

/* The index of an account, that of none: no such login, *why for the log.
 * Every account is looked at for the same time. */
static size_t
find_account(const struct ftp_session *s, const char **why)
{
	const struct conf *c = s->server->conf;
	size_t i, match = c->naccounts;

	*why = "";
	for (i = 0; i < c->naccounts; i++) {
		bool user = same_text(c->accounts[i].user, s->user);
		bool password = same_text(c->accounts[i].password, s->arg);
		bool here = may_come_from(&c->accounts[i], &s->peer);

		if (user && password && here)
			match = i;
		else if (user && password)
			*why = ": not in its allow_ip";
	}
	return match;
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

static void
enter(struct ftp_session *s, size_t account)
{
	const struct conf_account *a = &s->server->conf->accounts[account];

	if (!take_session(s, a))
		return;
	s->account = a;
	s->bucket = s->server->buckets[account];
	s->login_failures = 0;
	ftp_session_name(s);
	log_line(s->server->log, LOG_LEVEL_INFO, "%s logged in, %s", s->who,
	    ftp_tls_text(s));
	ftp_reply(s, 230, "Logged in.");
}

void
ftp_cmd_pass(struct ftp_session *s)
{
	struct ftp_server *v = s->server;
	const char *why;
	size_t account;

	if (s->account != NULL) {
		ftp_reply(s, 230, "Already logged in.");
	} else if (s->user == NULL) {
		ftp_reply(s, 503, "USER first.");
	} else if (ftp_limits_banned(v->limits, &s->peer,
	    net_now(v->loop)) > 0) {
		ftp_reply(s, 421, "Too many failed logins from your address, "
		    "try again later.");
		s->quitting = true;
	} else {
		account = find_account(s, &why);
		if (account < v->conf->naccounts)
			enter(s, account);
		else
			refuse(s, why);
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
