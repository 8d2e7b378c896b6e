/*
 * ftp/password.c - is this the password of that user?
 *
 * Plain passwords are compared here.  Hashes are computed by the helper, and
 * the session waits; who is not there, or has a plain password and gave another
 * one, waits for a hash of some account as well: as they may take unlike times,
 * each name has one of its own.
 */
#include <stdlib.h>
#include <string.h>

#include "session_int.h"

struct check {
	struct ftp_job job;
	struct net_job *work;		/* owned */
	unsigned char want[TLS_SHA256_LEN];
	size_t account;			/* whose it is; the number: nobody's */
	ftp_password_done *done;
};

/* Compared as digests: equal lengths, and no time that tells anything. */
static bool
same_text(const char *a, const char *b)
{
	unsigned char x[TLS_SHA256_LEN], y[TLS_SHA256_LEN];

	tls_sha256(a, strlen(a), x);
	tls_sha256(b, strlen(b), y);
	return tls_equal(x, y, sizeof(x));
}

static void
check_step(struct ftp_session *s, struct ftp_job *job)
{
	struct check *k = (struct check *)job;
	size_t account = s->server->conf->naccounts, n;
	const unsigned char *got;
	const char *reason;
	ftp_password_done *done = k->done;

	if (!net_job_done(k->work))
		return;
	got = net_job_answer(k->work, &n, &reason);
	if (got == NULL) {
		log_line(s->server->log, LOG_LEVEL_ERROR, "%s password not "
		    "checked: %s", s->who, reason);
		ftp_reply(s, 421, "No login now, try again.");
		s->quitting = true;
		ftp_job_end(s);
		return;
	}
	if (n == sizeof(k->want) && tls_equal(got, k->want, n))
		account = k->account;
	ftp_job_end(s);
	done(s, account);
}

static void
check_free(struct ftp_job *job)
{
	struct check *k = (struct check *)job;

	net_job_free(k->work);
	free(k);
}

static void
check_abort(struct ftp_session *s, struct ftp_job *job)
{
	(void)job;
	ftp_job_end(s);
}

/* By the hash of `like`; it may be that of account, too. */
static void
start(struct ftp_session *s, size_t like, size_t account,
    ftp_password_done *done)
{
	struct check *k = calloc(1, sizeof(*k));
	struct net_hash in = { .iterations = 0 };
	struct conf_hash h;

	if (k != NULL && conf_hash_parse(
	    s->server->conf->accounts[like].password, &h)) {
		in.iterations = h.iterations;
		in.salt_len = (uint8_t)h.salt_len;
		memcpy(in.salt, h.salt, h.salt_len);
		net_hash_key(&in, s->arg);
		k->work = net_job_new(s->server->helper, NET_JOB_HASH, &in,
		    sizeof(in), &s->task);
		tls_wipe(&in, sizeof(in));
	}
	if (k == NULL || k->work == NULL) {
		free(k);
		ftp_reply(s, 421, "Out of memory.");
		s->quitting = true;
		return;
	}
	k->job = (struct ftp_job){ .step = check_step, .free = check_free,
	    .abort = check_abort };
	memcpy(k->want, h.digest, sizeof(k->want));
	k->account = account;
	k->done = done;
	ftp_job_start(s, &k->job);
}

void
ftp_password_check(struct ftp_session *s, ftp_password_done *done)
{
	const struct conf *c = s->server->conf;
	const size_t nobody = c->naccounts;
	const uint64_t choice = ftp_limits_choice(s->server->limits, s->user);
	size_t i, plain = nobody, hashed = nobody, some = nobody;
	unsigned hashes = 0;

	for (i = 0; i < c->naccounts; i++) {
		bool user = same_text(c->accounts[i].user, s->user);
		bool same = same_text(c->accounts[i].password, s->arg);
		bool hash = conf_is_hash(c->accounts[i].password);

		if (user && hash)
			hashed = i;
		else if (user && same)
			plain = i;
		if (hash && choice % ++hashes == 0)
			some = i;
	}
	if (plain < nobody || some == nobody)
		done(s, plain);
	else
		start(s, hashed < nobody ? hashed : some, hashed, done);
}
