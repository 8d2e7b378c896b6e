/*
 * cosftpd.c - the table of contents: options, settings, the parts put
 * together, the loop, the drain, the end.
 *
 * Exit status: 0, 1 (configuration or --check), 2 (cannot start).
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/conf.h"
#include "conf/log.h"
#include "cos/cos.h"
#include "ftp/ftp.h"
#include "net/process.h"
#include "tls/tls.h"

enum {
	EXIT_CONF = 1,
	EXIT_START = 2,
	ABORT_MS = 800,		/* for the last aborts, after the drain */
	KILL_MS = 2000,		/* more, until a worker is hanging */
	SESSIONS_MAX = 65536	/* of one worker */
};

static const char usage[] =
    "usage: cosftpd [-1tVh] [-c file] [--check]\n"
    "  -c FILE   configuration (default conf/vsftpd.conf, then\n"
    "            /etc/cosftpd/vsftpd.conf)\n"
    "  -t        check the configuration, print the effective settings\n"
    "  --check   also ask COS for every account whether it works\n"
    "  -1        one process, for debugging\n"
    "  -V        version\n"
    "  -h        this text\n";

struct options {
	const char *file;
	bool test, check, single;
};

/* What all processes have in common; made before any is forked. */
struct program {
	struct options options;
	struct conf *conf;
	struct log *log;
	struct ftp_listeners listeners;
	struct cos_share *cos_share;
	struct ftp_share *ftp_share;
	int workers;
	int signals[2];
};

/* What one process needs to serve. */
struct worker {
	struct net_task task;		/* the word to stop, drain deadlines */
	struct program *program;
	int slot;
	struct net_loop *loop;
	struct net_resolver *resolver;
	struct tls_trust *trust;
	struct cos_client *client;
	struct cos_bucket **buckets;
	struct ftp_server *server;
	enum { RUNNING, DRAINING, ABORTING } state;
};

struct supervisor {
	struct net_task task;		/* signals, the deadline of a stop */
	struct program *program;
	struct net_loop *loop;
	struct net_workers *workers;
	int ready;			/* workers that said so */
	bool said, stopping;
	int status;
};

/* ---- settings ---- */

static void
default_file(struct options *o)
{
	static const char *const places[] = { "conf/vsftpd.conf",
	    "/etc/cosftpd/vsftpd.conf" };

	o->file = access(places[0], F_OK) == 0 ? places[0] : places[1];
	if (access(o->file, F_OK) != 0)
		o->file = places[0];	/* the one to complain about */
}

static int
read_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "check", no_argument, NULL, 'k' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:1tVh", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->file = optarg;
			break;
		case '1':
			o->single = true;
			break;
		case 't':
			o->test = true;
			break;
		case 'k':
			o->check = true;
			break;
		case 'V':
			printf("cosftpd %s\n", COSFTPD_VERSION);
			exit(0);
		case 'h':
			fputs(usage, stdout);
			exit(0);
		default:
			fputs(usage, stderr);
			return -1;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "cosftpd: unexpected argument: %s\n%s",
		    argv[optind], usage);
		return -1;
	}
	if (o->file == NULL)
		default_file(o);
	return 0;
}

static struct conf *
load(const char *file)
{
	struct conf_notes notes = { .n = 0 };
	struct conf *c = conf_load(file, &notes);
	size_t i;

	for (i = 0; i < notes.n; i++)
		fprintf(stderr, "%s%s\n", notes.note[i].error ? "" :
		    "warning: ", notes.note[i].text);
	if (c == NULL)
		fprintf(stderr, "cosftpd: %zu error%s in %s\n", notes.nerrors,
		    notes.nerrors == 1 ? "" : "s", file);
	conf_notes_free(&notes);
	return c;
}

static struct cos_client_settings
client_settings(const struct program *p)
{
	return (struct cos_client_settings){
		.memory_limit = p->conf->memory_limit,
		.max_file = p->conf->single_file_max_size,
		.min_part = p->conf->min_part_size,
		.parts_in_flight = p->conf->upload_thread_num,
		.share = p->cos_share,
	};
}

/* A part is held whole, so memory_limit bounds the largest file. */
static void
say_largest(const struct cos_client_settings *set)
{
	int64_t largest = cos_largest_file(set);

	printf("# largest file: %" PRId64 " bytes\n", largest);
	if (largest < set->max_file)
		printf("# single_file_max_size = %" PRId64 " needs "
		    "memory_limit = %" PRId64 "\n", set->max_file,
		    cos_memory_needed(set));
}

/* ---- a worker: the parts put together ---- */

static int
load_trust(struct worker *w, struct err *e)
{
	const struct conf *c = w->program->conf;
	bool https = c->ca_file != NULL;
	size_t i;

	for (i = 0; i < c->naccounts; i++)
		https = https || c->accounts[i].https;
	if (!https)
		return 0;
	w->trust = tls_trust_load(c->ca_file, e);
	return w->trust != NULL ? 0 : -1;
}

static int
build(struct worker *w, struct err *e)
{
	struct program *p = w->program;
	struct cos_client_settings set = client_settings(p);
	size_t i;

	w->loop = net_loop_new(e);
	if (w->loop == NULL || load_trust(w, e) < 0)
		return -1;
	set.trust = w->trust;
	set.slot = w->slot;
	w->resolver = net_resolver_new(w->loop);
	if (w->resolver == NULL)
		return err_set(e, "out of memory");
	w->client = cos_client_new(w->loop, p->log, w->resolver, &set, e);
	w->buckets = calloc(p->conf->naccounts, sizeof(*w->buckets));
	if (w->client == NULL || w->buckets == NULL)
		return -1;
	for (i = 0; i < p->conf->naccounts; i++) {
		w->buckets[i] = cos_bucket_new(w->client,
		    &p->conf->accounts[i], e);
		if (w->buckets[i] == NULL)
			return -1;
	}
	return 0;
}

static void
take_apart(struct worker *w)
{
	size_t i;

	net_task_end(&w->task);
	ftp_server_free(w->server);
	for (i = 0; w->buckets != NULL && i < w->program->conf->naccounts; i++)
		cos_bucket_free(w->buckets[i]);
	cos_client_free(w->client);
	net_resolver_free(w->resolver);
	tls_trust_free(w->trust);
	net_loop_free(w->loop);
	free(w->buckets);
}

static void
complain(const struct program *p, const struct err *e)
{
	fprintf(stderr, "cosftpd: %s\n", e->text);
	log_line(p->log, LOG_LEVEL_ERROR, "%s", e->text);
}

/* ---- a worker: serve and drain ---- */

static void
say_ready(const struct program *p)
{
	struct cos_client_settings set = client_settings(p);
	int64_t largest = cos_largest_file(&set);
	const struct conf_account *a;
	size_t i;

	for (i = 0; i < p->conf->naccounts; i++) {
		a = &p->conf->accounts[i];
		log_line(p->log, LOG_LEVEL_INFO, "account %s: bucket at "
		    "%s://%s.%s%s", a->user, a->https ? "https" : "http",
		    a->bucket, a->endpoint, a->home_dir != NULL ?
		    " (home_dir is not used)" : "");
	}
	log_line(p->log, largest < set.max_file ? LOG_LEVEL_WARNING :
	    LOG_LEVEL_INFO, "largest file: %" PRId64 " bytes", largest);
	log_line(p->log, LOG_LEVEL_INFO, "cosftpd %s ready on port %u, %zu "
	    "account%s, %d worker%s", COSFTPD_VERSION,
	    ftp_listeners_port(&p->listeners), p->conf->naccounts,
	    p->conf->naccounts == 1 ? "" : "s", p->workers,
	    p->workers == 1 ? "" : "s");
	printf("cosftpd %s ready on port %u\n", COSFTPD_VERSION,
	    ftp_listeners_port(&p->listeners));
	fflush(stdout);
}

static void
drain_step(struct worker *w, bool timeout)
{
	struct log *log = w->program->log;

	if (w->state == DRAINING && timeout &&
	    ftp_server_sessions(w->server) > 0) {
		log_line(log, LOG_LEVEL_WARNING, "stop: %zu sessions are "
		    "dropped", ftp_server_sessions(w->server));
		ftp_server_drain(w->server, true, &w->task);
	}
	if (ftp_server_sessions(w->server) > 0)
		return;
	if (w->state == DRAINING) {
		w->state = ABORTING;
		net_task_deadline(&w->task, ABORT_MS);
		timeout = false;
	}
	if (cos_client_pending(w->client, &w->task) > 0 && !timeout)
		return;
	cos_client_give_up(w->client);
	net_loop_stop(w->loop);
}

static void
worker_step(struct net_task *t, unsigned why)
{
	struct worker *w = (struct worker *)t;
	struct program *p = w->program;

	/* A signal, or the end of file of the supervisor's descriptor. */
	if ((why & NET_READ) && w->state == RUNNING) {
		net_task_watch(t, -1, 0);
		w->state = DRAINING;
		net_task_deadline(t, (int64_t)p->conf->drain_timeout * 1000);
		ftp_listeners_close(&p->listeners);
		ftp_server_drain(w->server, false, t);
	}
	if (w->state != RUNNING)
		drain_step(w, why & NET_TIMEOUT);
}

/* stop: readable when it is time to.  The exit status. */
static int
serve(struct worker *w, int stop, struct err *e)
{
	struct program *p = w->program;
	struct ftp_settings set = { .conf = p->conf,
	    .listeners = &p->listeners, .share = p->ftp_share,
	    .slot = w->slot };

	if (build(w, e) < 0)
		return EXIT_START;
	set.buckets = w->buckets;
	set.resolver = w->resolver;
	w->server = ftp_server_new(w->loop, p->log, &set, e);
	if (w->server == NULL)
		return EXIT_START;
	cos_client_inherit(w->client, w->buckets, p->conf->naccounts);
	net_task_init(&w->task, w->loop, worker_step);
	net_task_watch(&w->task, stop, NET_READ);
	if (p->options.single)
		say_ready(p);
	else
		net_worker_ready(stop);
	return net_loop_run(w->loop, e) < 0 ? EXIT_START : 0;
}

static int
work(void *ctx, int slot, int stop)
{
	struct worker w = { .program = ctx, .slot = slot };
	struct err e = { "" };
	int status;

	if (!w.program->options.single) {
		close(w.program->signals[0]);
		close(w.program->signals[1]);
	}
	status = serve(&w, stop, &e);
	if (status != 0)
		complain(w.program, &e);
	take_apart(&w);
	return status;
}

/* ---- signals ---- */

static int signal_pipe = -1;	/* all a handler can reach */

static void
on_signal(int sig)
{
	int saved = errno;
	char c = (char)sig;

	if (write(signal_pipe, &c, 1) < 0)
		c = 0;	/* full: there is enough to be read */
	errno = saved;
}

static int
catch_signals(struct program *p, struct err *e)
{
	struct sigaction sa = { .sa_handler = on_signal,
	    .sa_flags = SA_RESTART };

	if (pipe2(p->signals, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_sys(e, "pipe");
	signal_pipe = p->signals[1];
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	if (!p->options.single)
		sigaction(SIGCHLD, &sa, NULL);
	sa.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	return 0;
}

/* ---- the supervisor ---- */

static void
stop(struct supervisor *s)
{
	struct program *p = s->program;

	s->stopping = true;
	ftp_listeners_close(&p->listeners);
	net_workers_drain(s->workers);
	net_task_deadline(&s->task, (int64_t)p->conf->drain_timeout * 1000 +
	    ABORT_MS + KILL_MS);
}

static void
worker_ended(struct supervisor *s, const struct net_worker_news *news)
{
	struct program *p = s->program;
	struct err e;

	cos_share_forget(p->cos_share, news->slot);
	ftp_share_forget(p->ftp_share, news->slot);
	if (s->stopping)
		return;
	if (WIFSIGNALED(news->status))
		log_line(p->log, LOG_LEVEL_ERROR, "worker %d (pid %d) was "
		    "ended by signal %d; another is started", news->slot,
		    (int)news->pid, WTERMSIG(news->status));
	else if (s->said)
		log_line(p->log, LOG_LEVEL_ERROR, "worker %d (pid %d) ended "
		    "with status %d; another is started", news->slot,
		    (int)news->pid, WEXITSTATUS(news->status));
	if (!s->said && WIFEXITED(news->status)) {
		s->status = WEXITSTATUS(news->status);
		stop(s);	/* it has said why it cannot start */
	} else if (net_workers_start(s->workers, news->slot, &e) < 0) {
		complain(p, &e);
	}
}

static void
supervisor_step(struct net_task *t, unsigned why)
{
	struct supervisor *s = (struct supervisor *)t;
	struct program *p = s->program;
	struct net_worker_news news;
	char c;

	while (read(p->signals[0], &c, 1) == 1) {
		if (c == SIGCHLD) {
			net_workers_reap(s->workers);
		} else if (!s->stopping) {
			log_line(p->log, LOG_LEVEL_INFO, "stop: signal %d, "
			    "%zu sessions", c,
			    ftp_share_sessions(p->ftp_share));
			stop(s);
		}
	}
	while (net_workers_news(s->workers, &news)) {
		if (news.state == NET_WORKER_ENDED)
			worker_ended(s, &news);
		else if (++s->ready == p->workers && !s->said) {
			s->said = true;
			say_ready(p);
		}
	}
	if (s->stopping && (why & NET_TIMEOUT))
		net_workers_kill(s->workers);
	if (s->stopping && net_workers_alive(s->workers) == 0)
		net_loop_stop(s->loop);
}

static int
supervise(struct program *p, struct err *e)
{
	struct supervisor s = { .program = p };
	int i;

	s.loop = net_loop_new(e);
	if (s.loop == NULL)
		return EXIT_START;
	net_task_init(&s.task, s.loop, supervisor_step);
	net_task_watch(&s.task, p->signals[0], NET_READ);
	s.workers = net_workers_new(s.loop, p->workers, work, p, &s.task, e);
	s.status = s.workers == NULL ? EXIT_START : 0;
	for (i = 0; i < p->workers && s.status == 0; i++)
		if (net_workers_start(s.workers, i, e) < 0)
			s.status = EXIT_START;
	if (s.status == 0 && net_loop_run(s.loop, e) < 0)
		s.status = EXIT_START;
	net_workers_free(s.workers);
	net_task_end(&s.task);
	net_loop_free(s.loop);
	return s.status;
}

/* ---- start ---- */

static int
prepare(struct program *p, struct err *e)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	int64_t sessions;

	p->workers = p->options.single ? 1 : p->conf->worker_num > 0 ?
	    p->conf->worker_num : cores > 0 ? (int)cores : 1;
	if (ftp_check_resources(p->conf, p->workers, e) < 0)
		return EXIT_CONF;
	sessions = net_limit_descriptors(0);
	if (sessions < 0 || sessions > SESSIONS_MAX)
		sessions = SESSIONS_MAX;
	p->cos_share = cos_share_new(p->workers, e);
	p->ftp_share = ftp_share_new(p->workers, (int)sessions, e);
	if (p->cos_share == NULL || p->ftp_share == NULL ||
	    catch_signals(p, e) < 0 ||
	    ftp_listen(&p->listeners, p->conf, e) < 0)
		return EXIT_START;
	return 0;
}

static int
run(struct program *p)
{
	struct err e = { "" };
	int status = prepare(p, &e);

	if (status == 0)
		status = p->options.single ? work(p, 0, p->signals[0]) :
		    supervise(p, &e);
	if (status == 0)
		log_line(p->log, LOG_LEVEL_INFO, "stopped");
	else if (e.text[0] != '\0')
		complain(p, &e);
	return status;
}

/* --check */
static void
check_step(struct net_task *t, unsigned why)
{
	(void)why;
	net_loop_stop(t->loop);
}

static int
check(struct program *p)
{
	struct worker w = { .program = p };
	struct cos_check *k = NULL;
	struct err e = { "" };
	int failures = 0;

	if (build(&w, &e) == 0) {
		net_task_init(&w.task, w.loop, check_step);
		k = cos_check_new(w.buckets, p->conf->naccounts, stdout,
		    &w.task);
	}
	if (k == NULL || net_loop_run(w.loop, &e) < 0 ||
	    !cos_check_done(k, &failures)) {
		complain(p, &e);
		failures = -1;
	}
	cos_check_free(k);
	take_apart(&w);
	return failures == 0 ? 0 : failures > 0 ? EXIT_CONF : EXIT_START;
}

int
main(int argc, char **argv)
{
	struct program p = { .signals = { -1, -1 },
	    .listeners = { -1, -1 } };
	struct cos_client_settings set;
	struct log_settings quiet = { .level = LOG_LEVEL_WARNING, .dir = "-" };
	struct err e = { "" };
	int status = 0;

	if (read_options(argc, argv, &p.options) < 0)
		return EXIT_CONF;
	p.conf = load(p.options.file);
	if (p.conf == NULL)
		return EXIT_CONF;
	if (p.options.test) {
		set = client_settings(&p);
		conf_print(p.conf, stdout);
		say_largest(&set);
	}
	if (p.options.check || !p.options.test) {
		p.log = log_open(p.options.check ? &quiet : &p.conf->log, &e);
		if (p.log == NULL) {
			fprintf(stderr, "cosftpd: %s\n", e.text);
			status = EXIT_START;
		} else {
			status = p.options.check ? check(&p) : run(&p);
		}
	}
	ftp_listeners_close(&p.listeners);
	ftp_share_free(p.ftp_share);
	cos_share_free(p.cos_share);
	log_free(p.log);
	conf_free(p.conf);
	return status;
}
