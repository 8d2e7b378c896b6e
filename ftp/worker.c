/*
 * ftp/worker.c - one process that serves: the parts put together, the loop,
 * and the drain.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "session_int.h"

enum {
	CRIPPLED_MS = 1000,	/* before it asks to be replaced */
	ABORT_MS = 800,		/* for the last aborts, after the drain */
	RETIRE_MS = 30 * 1000	/* the same when nobody waits for the end */
};

enum state {
	W_RUNNING,
	W_RETIRING,		/* sessions go on, no new ones */
	W_DRAINING,		/* sessions end */
	W_ABORTING		/* what they left in the store is ended */
};

struct ftp_worker {
	struct net_task task;	/* the word to stop; the deadlines of a drain */
	const struct ftp_worker_settings *set;
	int slot;
	struct net_loop *loop;
	struct net_helper *helper;
	bool crippled;			/* it is gone, and that was said */
	struct net_resolver *resolver;
	struct cos_client *client;
	struct cos_bucket **buckets;	/* one of each account */
	struct ftp_server *server;
	enum state state;
};

static bool
uses_https(const struct conf *c)
{
	size_t i;

	for (i = 0; i < c->naccounts; i++)
		if (c->accounts[i].https)
			return true;
	return false;
}

struct cos_client_settings
ftp_client_settings(const struct conf *c)
{
	return (struct cos_client_settings){
		.memory_limit = c->memory_limit,
		.max_file = c->single_file_max_size,
		.min_part = c->min_part_size,
		.parts_in_flight = c->upload_thread_num,
		.https = uses_https(c),
	};
}

int
ftp_load_trust(const struct conf *c, struct tls_trust **t, struct err *e)
{
	*t = NULL;
	if (c->ca_file == NULL && !uses_https(c))
		return 0;
	*t = tls_trust_load(c->ca_file, e);
	return *t != NULL ? 0 : -1;
}

static int
make_client(struct ftp_worker *w, struct err *e)
{
	const struct conf *c = w->set->conf;
	struct cos_client_settings set = ftp_client_settings(c);
	size_t i;

	set.trust = w->set->trust;
	set.share = w->set->cos_share;
	set.slot = w->slot;
	w->client = cos_client_new(w->loop, w->set->log, w->resolver, &set, e);
	if (w->client == NULL)
		return -1;
	w->buckets = calloc(c->naccounts, sizeof(*w->buckets));
	if (w->buckets == NULL)
		return err_set(e, "out of memory");
	for (i = 0; i < c->naccounts; i++) {
		w->buckets[i] = cos_bucket_new(w->client, &c->accounts[i], e);
		if (w->buckets[i] == NULL)
			return -1;
	}
	cos_client_inherit(w->client, w->buckets, c->naccounts);
	return 0;
}

static int
build(struct ftp_worker *w, int helper, struct err *e)
{
	w->loop = net_loop_new(e);
	if (w->loop == NULL) {
		close(helper);
		return -1;
	}
	w->helper = net_helper_new(w->loop, helper, &w->task);
	if (w->helper == NULL)
		return err_set(e, "out of memory");
	w->resolver = net_resolver_new(w->loop, w->helper);
	if (w->resolver == NULL)
		return err_set(e, "out of memory");
	if (make_client(w, e) < 0)
		return -1;
	if (w->set->listeners == NULL)
		return 0;
	w->server = ftp_server_new(w->loop, w->resolver, w->helper, w->buckets,
	    w->slot, w->set, e);
	return w->server != NULL ? 0 : -1;
}

struct ftp_worker *
ftp_worker_new(const struct ftp_worker_settings *set, int slot, int helper,
    struct err *e)
{
	struct ftp_worker *w = calloc(1, sizeof(*w));

	if (w == NULL) {
		close(helper);
		err_set(e, "out of memory");
		return NULL;
	}
	w->set = set;
	w->slot = slot;
	if (build(w, helper, e) == 0)
		return w;
	ftp_worker_free(w);
	return NULL;
}

void
ftp_worker_free(struct ftp_worker *w)
{
	size_t i;

	if (w == NULL)
		return;
	net_task_end(&w->task);
	ftp_server_free(w->server);
	for (i = 0; w->buckets != NULL && i < w->set->conf->naccounts; i++)
		cos_bucket_free(w->buckets[i]);
	cos_client_free(w->client);
	net_resolver_free(w->resolver);
	net_helper_free(w->helper);
	net_loop_free(w->loop);
	free(w->buckets);
	free(w);
}

/* ---- serve and drain ---- */

static void
drain_step(struct ftp_worker *w, bool timeout)
{
	if (w->state == W_DRAINING && timeout &&
	    ftp_server_sessions(w->server) > 0) {
		log_line(w->set->log, LOG_LEVEL_WARNING, "stop: %zu sessions "
		    "are dropped", ftp_server_sessions(w->server));
		ftp_server_drain(w->server, true, &w->task);
	}
	if (ftp_server_sessions(w->server) > 0)
		return;
	if (w->state != W_ABORTING) {
		net_task_deadline(&w->task, w->state == W_DRAINING ?
		    ABORT_MS : RETIRE_MS);
		w->state = W_ABORTING;
		timeout = false;
	}
	if (cos_client_pending(w->client, &w->task) > 0 && !timeout)
		return;
	cos_client_give_up(w->client);
	net_loop_stop(w->loop);
}

static void
stop_now(struct ftp_worker *w)
{
	net_task_watch(&w->task, -1, 0);
	net_task_deadline(&w->task,
	    (int64_t)w->set->conf->drain_timeout * 1000);
	ftp_listeners_close(w->set->listeners);
	if (w->state == W_ABORTING)	/* alone with the store: not longer */
		return;
	w->state = W_DRAINING;
	ftp_server_drain(w->server, false, &w->task);
}

static void
obey(struct ftp_worker *w)
{
	int fd = -1;

	close(w->server->spare);	/* for that of a file to log to */
	switch (net_worker_hear(w->task.fd, &fd)) {
	case NET_WORD_NONE:
		break;
	case NET_WORD_LOG:
		log_take_fd(w->set->log, fd);
		break;
	case NET_WORD_XFERLOG:
		ftp_xferlog_take(w->set->xferlog, fd);
		break;
	case NET_WORD_STATUS:
		ftp_status_log(w->set->program, net_now(w->loop));
		break;
	case NET_WORD_RETIRE:
		if (w->state != W_RUNNING)
			break;
		w->state = W_RETIRING;
		ftp_listeners_close(w->set->listeners);
		ftp_server_retire(w->server, &w->task);
		break;
	default:
		stop_now(w);
	}
	w->server->spare = net_bell_new(NULL);
}

/* Another worker is to take its place; not more of them than one a second. */
static void
lose_helper(struct ftp_worker *w, bool timeout)
{
	if (timeout)
		net_worker_crippled(w->task.fd);
	if (w->crippled)
		return;
	w->crippled = true;
	log_line(w->set->log, LOG_LEVEL_ERROR, "the helper process of worker "
	    "%d is gone: no names, no password hashes", w->slot);
	net_task_deadline(&w->task, CRIPPLED_MS);
}

static void
serve_step(struct net_task *t, unsigned why)
{
	struct ftp_worker *w = (struct ftp_worker *)t;

	if (why & NET_READ)
		obey(w);
	if (w->state == W_RUNNING && !net_helper_alive(w->helper))
		lose_helper(w, why & NET_TIMEOUT);
	if (w->state != W_RUNNING)
		drain_step(w, why & NET_TIMEOUT);
}

struct net_loop *
ftp_worker_loop(struct ftp_worker *w)
{
	return w->loop;
}

int
ftp_worker_serve(struct ftp_worker *w, int stop, struct err *e)
{
	net_task_init(&w->task, w->loop, serve_step);
	net_task_watch(&w->task, stop, NET_READ);
	return net_loop_run(w->loop, e);
}

/* ---- --check and --clean ---- */

static void
once_step(struct net_task *t, unsigned why)
{
	(void)why;
	net_loop_stop(t->loop);
}

/* Takes the errand; NULL: out of memory. */
static int
run_errand(struct ftp_worker *w, struct cos_errand *k, struct err *e)
{
	int failures = -1;

	if (k == NULL)
		return err_set(e, "out of memory");
	if (net_loop_run(w->loop, e) == 0)
		cos_errand_done(k, &failures);
	cos_errand_free(k);
	return failures;
}

static int
ask(const struct ftp_worker_settings *set, int64_t older_than, FILE *out,
    struct err *e)
{
	int helper = net_helper_fork(NULL, NULL, e), failures;
	struct ftp_worker *w = helper < 0 ? NULL :
	    ftp_worker_new(set, 0, helper, e);
	size_t n = set->conf->naccounts;

	if (w == NULL)
		return -1;
	net_task_init(&w->task, w->loop, once_step);
	failures = run_errand(w, older_than > 0 ?
	    cos_clean_new(w->buckets, n, older_than, out, &w->task) :
	    cos_check_new(w->buckets, n, out, &w->task), e);
	ftp_worker_free(w);
	return failures;
}

int
ftp_ask_store(const struct conf *c, int64_t older_than, FILE *out,
    struct err *e)
{
	const struct log_settings quiet = { .level = LOG_LEVEL_WARNING,
	    .dir = "-" };
	struct ftp_worker_settings set = { .conf = c };
	struct tls_trust *trust = NULL;
	int failures = -1;

	set.log = log_open(&quiet, e);
	if (set.log != NULL && ftp_load_trust(c, &trust, e) == 0) {
		set.trust = trust;
		failures = ask(&set, older_than, out, e);
	}
	tls_trust_free(trust);
	log_free(set.log);
	return failures;
}
