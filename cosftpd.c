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
#include <time.h>
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
	KILL_MS = 2800,		/* after drain_timeout: a worker hangs */
	SESSIONS_MAX = 65536,	/* of one worker */
	GENERATIONS = 4		/* configurations that have workers at once */
};

static const char usage[] =
    "usage: cosftpd [-1tVh] [-c file]\n"
    "               [--check | --clean --older-than T | --health]\n"
    "       cosftpd --make-cert dir [name ...]\n"
    "  -c FILE   configuration (default conf/vsftpd.conf, then\n"
    "            /etc/cosftpd/vsftpd.conf)\n"
    "  -t        check the configuration, print the effective settings\n"
    "  --check   also ask COS for every account whether it works\n"
    "  --clean --older-than T  abort uploads of all buckets begun T ago or\n"
    "            before (90m, 24h, 7d) and never completed, by any tool\n"
    "  --health  does a server with this configuration answer?\n"
    "  -1        one process, for debugging\n"
    "  --make-cert  a new key and certificate for FTPS in dir, for this\n"
    "            machine's name and the names and addresses given\n"
    "  -V        version\n"
    "  -h        this text\n";

struct options {
	const char *file, *make_cert;
	bool test, check, clean, health, single;
	int64_t older_than;		/* --clean: seconds, 0: not given */
};

/* A configuration, and what its workers are given. */
struct generation {
	struct conf *conf;		/* NULL: not in use */
	struct ftp_listeners listeners;
	struct tls_identity *identity;	/* NULL: no FTPS */
	struct ftp_worker_settings worker;	/* owns the log */
	int workers;
};

/* What all processes have in common; made before any is forked. */
struct program {
	struct options options;
	struct generation generation[GENERATIONS];
	struct generation *now;		/* takes new sessions */
	struct generation **of;		/* of each slot; NULL: free */
	int slots;
	struct cos_share *cos_share;
	struct ftp_share *ftp_share;
	int signals[2];
};

struct supervisor {
	struct net_task task;		/* signals, the deadline of a stop */
	struct program *program;
	struct net_loop *loop;
	struct net_workers *workers;
	struct generation *next;	/* its workers start; NULL: none */
	bool again;			/* SIGHUP came meanwhile */
	bool said, reloading, stopping;
	int status;
};

struct watchdog {
	struct net_task task;
	struct program *program;
	int64_t every;			/* ms */
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
make_cert(const char *dir, char *const *names, size_t n)
{
	struct err e;

	if (tls_make_cert(dir, names, n, stdout, &e) == 0)
		return 0;
	fprintf(stderr, "cosftpd: %s\n", e.text);
	return EXIT_CONF;
}

/* "90m", "24h", "7d"; -1: said what is wrong */
static int64_t
age(const char *text)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	char *end;
	long n = strtol(text, &end, 10);
	size_t i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (n > 0 && n <= 100000 && end[0] == units[i].unit &&
		    end[1] == '\0')
			return n * units[i].seconds;
	fprintf(stderr, "cosftpd: --older-than %s: allowed: a number of s, m, "
	    "h or d, such as 24h\n", text);
	return -1;
}

static int
read_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "check", no_argument, NULL, 'k' },
		{ "clean", no_argument, NULL, 'x' },
		{ "health", no_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ "make-cert", required_argument, NULL, 'm' },
		{ "older-than", required_argument, NULL, 'o' },
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
		case 'x':
			o->clean = true;
			break;
		case 'o':
			o->older_than = age(optarg);
			if (o->older_than < 0)
				return -1;
			break;
		case 'l':
			o->health = true;
			break;
		case 'm':
			o->make_cert = optarg;
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
	if (o->make_cert != NULL)
		exit(make_cert(o->make_cert, argv + optind,
		    (size_t)(argc - optind)));
	if (o->clean != (o->older_than > 0)) {
		fprintf(stderr, "cosftpd: --clean needs --older-than, and "
		    "the other way round\n");
		return -1;
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

/* log NULL: to standard error */
static struct conf *
load(const char *file, struct log *log)
{
	struct conf_notes notes = { .n = 0 };
	struct conf *c = conf_load(file, &notes);
	size_t i;

	for (i = 0; i < notes.n; i++) {
		if (log == NULL)
			fprintf(stderr, "%s%s\n", notes.note[i].error ? "" :
			    "warning: ", notes.note[i].text);
		log_line(log, notes.note[i].error ? LOG_LEVEL_ERROR :
		    LOG_LEVEL_WARNING, "%s", notes.note[i].text);
	}
	if (c == NULL && log == NULL)
		fprintf(stderr, "cosftpd: %zu error%s in %s\n", notes.nerrors,
		    notes.nerrors == 1 ? "" : "s", file);
	conf_notes_free(&notes);
	return c;
}

/* Our own certificate, for FTPS. */
static int
load_identity(struct generation *g, struct err *e)
{
	const struct conf *c = g->conf;

	if (c->tls_mode == CONF_TLS_OFF)
		return 0;
	g->identity = tls_identity_load(c->cert_file, c->key_file, e);
	g->worker.identity = g->identity;
	return g->identity != NULL ? 0 : -1;
}

static void
generation_free(struct generation *g)
{
	ftp_listeners_close(&g->listeners);
	log_free(g->worker.log);
	tls_identity_free(g->identity);
	conf_free(g->conf);
	*g = (struct generation){ .listeners = { -1, -1 } };
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

/* ---- a worker ---- */

static void
complain(const struct program *p, const struct err *e)
{
	fprintf(stderr, "cosftpd: %s\n", e->text);
	log_line(p->now->worker.log, LOG_LEVEL_ERROR, "%s", e->text);
}

static void
say_tls(const struct generation *g)
{
	unsigned bits = tls_identity_rsa_bits(g->identity);

	log_line(g->worker.log, LOG_LEVEL_INFO, "FTPS with the certificate in "
	    "%s", g->conf->cert_file);
	if (bits > 3072)
		log_line(g->worker.log, LOG_LEVEL_WARNING, "key_file: RSA of "
		    "%u bits makes handshakes slow for all clients; EC on "
		    "P-256 is as strong as needed", bits);
}

static void
say_settings(const struct generation *g, const char *what)
{
	struct cos_client_settings set = ftp_client_settings(g->conf);
	int64_t largest = cos_largest_file(&set);
	struct log *log = g->worker.log;
	const struct conf_account *a;
	size_t i;

	for (i = 0; i < g->conf->naccounts; i++) {
		a = &g->conf->accounts[i];
		log_line(log, LOG_LEVEL_INFO, "account %s: bucket at "
		    "%s://%s.%s%s", a->user, a->https ? "https" : "http",
		    a->bucket, a->endpoint, a->home_dir != NULL ?
		    " (home_dir is not used)" : "");
	}
	log_line(log, largest < set.max_file ? LOG_LEVEL_WARNING :
	    LOG_LEVEL_INFO, "largest file: %" PRId64 " bytes", largest);
	if (g->identity != NULL)
		say_tls(g);
	log_line(log, LOG_LEVEL_INFO, "cosftpd %s %s on port %u, "
	    "%zu account%s, %d worker%s", COSFTPD_VERSION, what,
	    ftp_listeners_port(&g->listeners), g->conf->naccounts,
	    g->conf->naccounts == 1 ? "" : "s", g->workers,
	    g->workers == 1 ? "" : "s");
}

static void
notify(const struct program *p, const char *text)
{
	struct err e;

	if (net_notify(text, &e) < 0)
		log_line(p->now->worker.log, LOG_LEVEL_WARNING, "%s", e.text);
}

static void
say_ready(const struct program *p)
{
	notify(p, "READY=1");
	say_settings(p->now, "ready");
	printf("cosftpd %s ready on port %u\n", COSFTPD_VERSION,
	    ftp_listeners_port(&p->now->listeners));
	fflush(stdout);
}

static int
work(void *ctx, int slot, int stop)
{
	struct program *p = ctx;
	struct ftp_worker *w;
	struct err e = { "" };
	int i, status = 0;

	p->now = p->of[slot];
	for (i = 0; i < GENERATIONS; i++)
		if (&p->generation[i] != p->now)
			generation_free(&p->generation[i]);
	if (!p->options.single) {
		close(p->signals[0]);
		close(p->signals[1]);
	}
	w = ftp_worker_new(&p->now->worker, slot, &e);
	if (w != NULL && p->options.single)
		say_ready(p);
	else if (w != NULL)
		net_worker_ready(stop);
	if (w == NULL || ftp_worker_serve(w, stop, &e) < 0) {
		complain(p, &e);
		status = EXIT_START;
	}
	ftp_worker_free(w);
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
	if (!p->options.single)
		sigaction(SIGHUP, &sa, NULL);
	sa.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &sa, NULL);
	if (p->options.single)
		sigaction(SIGHUP, &sa, NULL);
	return 0;
}

/* ---- generations ---- */

static int
count_workers(const struct program *p, const struct conf *c)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	return p->options.single ? 1 : c->worker_num > 0 ? c->worker_num :
	    cores > 0 ? (int)cores : 1;
}

/* What a configuration needs but for the log and the listeners. */
static int
generation_load(struct program *p, struct generation *g, struct err *e)
{
	g->workers = count_workers(p, g->conf);
	g->worker.conf = g->conf;
	g->worker.listeners = &g->listeners;
	g->worker.cos_share = p->cos_share;
	g->worker.ftp_share = p->ftp_share;
	if (ftp_check_resources(g->conf, g->workers, e) < 0)
		return EXIT_CONF;
	return load_identity(g, e) < 0 ? EXIT_START : 0;
}

static int
slots_of(const struct program *p, const struct generation *g)
{
	int i, n = 0;

	for (i = 0; i < p->slots; i++)
		n += p->of[i] == g;
	return n;
}

static int
generation_check(struct program *p, struct generation *g, struct err *e)
{
	struct tls_trust *trust;

	if (generation_load(p, g, e) != 0 ||
	    ftp_load_trust(g->conf, &trust, e) < 0)
		return -1;
	tls_trust_free(trust);		/* each worker has its own */
	if (slots_of(p, NULL) < g->workers)
		return err_set(e, "worker_num = %d: there is room for %d "
		    "workers as long as sessions of earlier configurations "
		    "go on", g->workers, slots_of(p, NULL));
	g->worker.log = log_open(&g->conf->log, e);
	if (g->worker.log == NULL)
		return -1;
	return ftp_listen_again(&g->listeners, g->conf, &p->now->listeners,
	    p->now->conf, e);
}

/* NULL: it is said why. */
static struct generation *
generation_new(struct program *p)
{
	struct log *log = p->now->worker.log;
	struct generation *g = p->generation;
	struct err e = { "the file has errors" };

	while (g < p->generation + GENERATIONS && g->conf != NULL)
		g++;
	if (g == p->generation + GENERATIONS) {
		log_line(log, LOG_LEVEL_ERROR, "not reloaded: sessions of %d "
		    "earlier configurations go on", GENERATIONS - 1);
		return NULL;
	}
	g->conf = load(p->options.file, log);
	if (g->conf != NULL && generation_check(p, g, &e) == 0)
		return g;
	log_line(log, LOG_LEVEL_ERROR, "not reloaded, the configuration stays "
	    "as it was: %s", e.text);
	generation_free(g);
	return NULL;
}

/* ---- the supervisor ---- */

static void
stop(struct supervisor *s)
{
	struct program *p = s->program;
	int i, drain = 0;

	s->stopping = true;
	notify(p, "STOPPING=1");
	for (i = 0; i < GENERATIONS; i++) {
		ftp_listeners_close(&p->generation[i].listeners);
		if (p->generation[i].conf != NULL &&
		    p->generation[i].conf->drain_timeout > drain)
			drain = p->generation[i].conf->drain_timeout;
	}
	net_workers_drain(s->workers);
	net_task_deadline(&s->task, (int64_t)drain * 1000 + KILL_MS);
}

static int
start_workers(struct supervisor *s, struct generation *g, struct err *e)
{
	struct program *p = s->program;
	int i, n = 0;

	for (i = 0; i < p->slots && n < g->workers; i++) {
		if (p->of[i] != NULL)
			continue;
		p->of[i] = g;		/* the child looks here */
		if (net_workers_start(s->workers, i, e) < 0) {
			p->of[i] = NULL;
			return -1;
		}
		n++;
	}
	return 0;
}

static bool
all_ready(const struct supervisor *s, const struct generation *g)
{
	const struct program *p = s->program;
	int i, n = 0;

	for (i = 0; i < p->slots; i++)
		n += p->of[i] == g && net_workers_state(s->workers, i) ==
		    NET_WORKER_READY;
	return n == g->workers;
}

/* Its workers end with their sessions, and it with them. */
static void
retire(struct supervisor *s, struct generation *g)
{
	struct program *p = s->program;
	int i;

	ftp_listeners_close(&g->listeners);
	for (i = 0; i < p->slots; i++)
		if (p->of[i] == g)
			net_workers_retire(s->workers, i);
	if (slots_of(p, g) == 0)
		generation_free(g);
}

static void
reopen_logs(struct supervisor *s)
{
	struct program *p = s->program;
	struct err e;
	int i, fd;

	for (i = 0; i < GENERATIONS; i++)
		if (p->generation[i].conf != NULL &&
		    log_reopen(p->generation[i].worker.log, &e) < 0)
			complain(p, &e);
	for (i = 0; i < p->slots; i++) {
		fd = p->of[i] != NULL ? log_fd(p->of[i]->worker.log) : -1;
		if (fd >= 0)
			net_workers_log(s->workers, i, fd);
	}
}

static void
say_reloading(struct supervisor *s)
{
	struct timespec now;
	char text[64];

	s->reloading = true;
	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
	    (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	notify(s->program, text);
}

static void
reload(struct supervisor *s)
{
	struct program *p = s->program;
	struct generation *g;
	struct err e;

	s->again = s->next != NULL || !s->said;
	if (s->again)
		return;
	g = generation_new(p);
	if (g == NULL)
		return;
	s->next = g;
	if (start_workers(s, g, &e) == 0)
		return;
	complain(p, &e);
	s->next = NULL;
	retire(s, g);
}

static void
worker_ready(struct supervisor *s)
{
	struct program *p = s->program;
	struct generation *old = p->now;

	if (!s->said && all_ready(s, p->now)) {
		s->said = true;
		say_ready(p);
	} else if (s->next != NULL && all_ready(s, s->next)) {
		p->now = s->next;
		s->next = NULL;
		say_settings(p->now, "reloaded");
		retire(s, old);
	} else {
		return;
	}
	if (s->again)
		reload(s);
}

static void
slot_ended(struct supervisor *s, int slot)
{
	struct program *p = s->program;
	struct generation *g = p->of[slot];

	net_workers_release(s->workers, slot);
	p->of[slot] = NULL;
	if (slots_of(p, g) == 0)
		generation_free(g);
}

/* Of a configuration that was to become the new one. */
static void
next_failed(struct supervisor *s, int slot)
{
	struct program *p = s->program;
	struct generation *g = s->next;

	log_line(p->now->worker.log, LOG_LEVEL_ERROR, "not reloaded, the "
	    "configuration stays as it was: a worker ended at once");
	s->next = NULL;
	slot_ended(s, slot);
	if (g->conf != NULL)
		retire(s, g);
	if (s->again)
		reload(s);
}

static void
worker_ended(struct supervisor *s, const struct net_worker_news *news)
{
	struct program *p = s->program;
	struct log *log = p->of[news->slot]->worker.log;
	bool killed = WIFSIGNALED(news->status);
	struct err e;

	cos_share_forget(p->cos_share, news->slot);
	ftp_share_forget(p->ftp_share, news->slot);
	if (s->stopping)
		return;
	if (p->of[news->slot] == s->next) {
		next_failed(s, news->slot);
		return;
	}
	if (killed)
		log_line(log, LOG_LEVEL_ERROR, "worker %d (pid %d) was "
		    "ended by signal %d; another is started", news->slot,
		    (int)news->pid, WTERMSIG(news->status));
	else if (s->said && !news->retiring)
		log_line(log, LOG_LEVEL_ERROR, "worker %d (pid %d) ended "
		    "with status %d; another is started", news->slot,
		    (int)news->pid, WEXITSTATUS(news->status));
	if (news->retiring && !killed) {
		slot_ended(s, news->slot);
	} else if (!s->said && !killed) {
		s->status = WEXITSTATUS(news->status);
		stop(s);	/* it has said why it cannot start */
	} else if (net_workers_start(s->workers, news->slot, &e) < 0) {
		complain(p, &e);	/* retiring: to abort what it left */
	}
}

static void
obey_signals(struct supervisor *s)
{
	struct program *p = s->program;
	char c;

	while (read(p->signals[0], &c, 1) == 1) {
		if (c == SIGCHLD) {
			net_workers_reap(s->workers);
		} else if (s->stopping) {
			continue;
		} else if (c == SIGHUP) {
			log_line(p->now->worker.log, LOG_LEVEL_INFO,
			    "SIGHUP: the log is reopened, the configuration "
			    "read again");
			say_reloading(s);
			reopen_logs(s);
			reload(s);
		} else {
			log_line(p->now->worker.log, LOG_LEVEL_INFO,
			    "stop: signal %d, %zu sessions", c,
			    ftp_share_sessions(p->ftp_share));
			stop(s);
		}
	}
}

static void
supervisor_step(struct net_task *t, unsigned why)
{
	struct supervisor *s = (struct supervisor *)t;
	struct net_worker_news news;

	obey_signals(s);
	while (net_workers_news(s->workers, &news)) {
		if (news.state == NET_WORKER_ENDED)
			worker_ended(s, &news);
		else if (!s->stopping)
			worker_ready(s);
	}
	if (s->reloading && !s->stopping && s->next == NULL && !s->again) {
		s->reloading = false;	/* to the new, or still the old */
		notify(s->program, "READY=1");
	}
	if (s->stopping && (why & NET_TIMEOUT))
		net_workers_kill(s->workers);
	if (s->stopping && net_workers_alive(s->workers) == 0)
		net_loop_stop(s->loop);
}

static void
watchdog_step(struct net_task *t, unsigned why)
{
	struct watchdog *w = (struct watchdog *)t;

	(void)why;
	notify(w->program, "WATCHDOG=1");
	net_task_deadline(t, w->every);
}

static int
supervise(struct program *p, struct err *e)
{
	struct supervisor s = { .program = p };
	struct watchdog dog = { .program = p, .every = net_notify_every() };

	s.loop = net_loop_new(e);
	if (s.loop == NULL)
		return EXIT_START;
	net_task_init(&s.task, s.loop, supervisor_step);
	net_task_watch(&s.task, p->signals[0], NET_READ);
	net_task_init(&dog.task, s.loop, watchdog_step);
	if (dog.every > 0)
		net_task_deadline(&dog.task, dog.every);
	s.workers = net_workers_new(s.loop, p->slots, work, p, &s.task, e);
	s.status = s.workers == NULL || start_workers(&s, p->now, e) < 0 ||
	    net_loop_run(s.loop, e) < 0 ? EXIT_START : s.status;
	net_workers_free(s.workers);
	net_task_end(&s.task);
	net_task_end(&dog.task);
	net_loop_free(s.loop);
	return s.status;
}

/* ---- start ---- */

static int
prepare(struct program *p, struct err *e)
{
	struct generation *g = p->now;
	int64_t sessions;
	int status = generation_load(p, g, e);

	if (status != 0)
		return status;
	/* -1 is for debuggers: they may look */
	if (!p->options.single && net_harden(e) < 0)
		return EXIT_START;
	p->slots = p->options.single ? 1 : GENERATIONS * g->workers;
	p->of = calloc((size_t)p->slots, sizeof(struct generation *));
	if (p->of == NULL) {
		err_set(e, "out of memory");
		return EXIT_START;
	}
	sessions = net_limit_descriptors(0);
	if (sessions < 0 || sessions > SESSIONS_MAX)
		sessions = SESSIONS_MAX;
	g->worker.cos_share = p->cos_share = cos_share_new(p->slots,
	    g->workers, e);
	g->worker.ftp_share = p->ftp_share = ftp_share_new(p->slots,
	    (int)sessions, e);
	if (p->cos_share == NULL || p->ftp_share == NULL ||
	    catch_signals(p, e) < 0 || ftp_listen(&g->listeners, g->conf, e) < 0)
		return EXIT_START;
	if (p->options.single)
		p->of[0] = g;
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
		log_line(p->now->worker.log, LOG_LEVEL_INFO, "stopped");
	else if (e.text[0] != '\0')
		complain(p, &e);
	return status;
}

/* --check, --clean */
static int
ask_store(struct program *p)
{
	struct err e = { "" };
	struct ftp_worker *w = ftp_worker_new(&p->now->worker, 0, &e);
	int failures = -1;

	if (w != NULL && p->options.clean)
		failures = ftp_worker_clean(w, p->options.older_than, stdout,
		    &e);
	else if (w != NULL)
		failures = ftp_worker_check(w, stdout, &e);
	if (failures < 0)
		complain(p, &e);
	ftp_worker_free(w);
	return failures == 0 ? 0 : failures > 0 ? EXIT_CONF : EXIT_START;
}

/* --health */
static int
health(const struct program *p)
{
	struct err e;

	if (ftp_health(p->now->conf, &e) == 0)
		return 0;
	complain(p, &e);
	return EXIT_CONF;
}

/* -t */
static int
test(struct program *p)
{
	struct cos_client_settings set = ftp_client_settings(p->now->conf);
	struct err e;

	conf_print(p->now->conf, stdout);
	say_largest(&set);
	if (load_identity(p->now, &e) == 0)
		return 0;
	complain(p, &e);
	return EXIT_CONF;
}

static int
open_log(struct program *p)
{
	struct log_settings quiet = { .level = LOG_LEVEL_WARNING, .dir = "-" };
	struct err e;

	p->now->worker.log = log_open(p->options.check || p->options.clean ?
	    &quiet : &p->now->conf->log, &e);
	if (p->now->worker.log != NULL)
		return 0;
	complain(p, &e);
	return EXIT_START;
}

int
main(int argc, char **argv)
{
	struct program p = { .signals = { -1, -1 },
	    .now = &p.generation[0] };
	const struct options *o = &p.options;
	int i, status = 0;

	for (i = 0; i < GENERATIONS; i++)
		p.generation[i].listeners = (struct ftp_listeners){ -1, -1 };

	if (read_options(argc, argv, &p.options) < 0)
		return EXIT_CONF;
	p.now->worker.conf = p.now->conf = load(o->file, NULL);
	if (p.now->conf == NULL)
		return EXIT_CONF;
	if (o->test)
		status = test(&p);
	else if (o->health)
		status = health(&p);
	if (status == 0 && (o->check || o->clean || (!o->test && !o->health)))
		status = open_log(&p);
	if (status == 0 && (o->check || o->clean))
		status = ask_store(&p);
	else if (status == 0 && !o->test && !o->health)
		status = run(&p);
	for (i = 0; i < GENERATIONS; i++)
		generation_free(&p.generation[i]);
	ftp_share_free(p.ftp_share);
	cos_share_free(p.cos_share);
	free(p.of);
	return status;
}
