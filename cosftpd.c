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
	KILL_MS = 2800,		/* after drain_timeout: a worker hangs */
	SESSIONS_MAX = 65536	/* of one worker */
};

static const char usage[] =
    "usage: cosftpd [-1tVh] [-c file] [--check]\n"
    "       cosftpd --make-cert dir [name ...]\n"
    "  -c FILE   configuration (default conf/vsftpd.conf, then\n"
    "            /etc/cosftpd/vsftpd.conf)\n"
    "  -t        check the configuration, print the effective settings\n"
    "  --check   also ask COS for every account whether it works\n"
    "  -1        one process, for debugging\n"
    "  --make-cert  a new key and certificate for FTPS in dir, for this\n"
    "            machine's name and the names and addresses given\n"
    "  -V        version\n"
    "  -h        this text\n";

struct options {
	const char *file, *make_cert;
	bool test, check, single;
};

/* What all processes have in common; made before any is forked. */
struct program {
	struct options options;
	struct conf *conf;
	struct ftp_listeners listeners;
	struct tls_identity *identity;	/* NULL: no FTPS */
	struct ftp_worker_settings worker;
	int workers;
	int signals[2];
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
make_cert(const char *dir, char *const *names, size_t n)
{
	struct err e;

	if (tls_make_cert(dir, names, n, stdout, &e) == 0)
		return 0;
	fprintf(stderr, "cosftpd: %s\n", e.text);
	return EXIT_CONF;
}

static int
read_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "check", no_argument, NULL, 'k' },
		{ "help", no_argument, NULL, 'h' },
		{ "make-cert", required_argument, NULL, 'm' },
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

/* Our own certificate, for FTPS. */
static int
load_identity(struct program *p, struct err *e)
{
	const struct conf *c = p->conf;

	if (c->tls_mode == CONF_TLS_OFF)
		return 0;
	p->identity = tls_identity_load(c->cert_file, c->key_file, e);
	p->worker.identity = p->identity;
	return p->identity != NULL ? 0 : -1;
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
	log_line(p->worker.log, LOG_LEVEL_ERROR, "%s", e->text);
}

static void
say_tls(const struct program *p)
{
	unsigned bits = tls_identity_rsa_bits(p->identity);

	log_line(p->worker.log, LOG_LEVEL_INFO, "FTPS with the certificate in "
	    "%s", p->conf->cert_file);
	if (bits > 3072)
		log_line(p->worker.log, LOG_LEVEL_WARNING, "key_file: RSA of "
		    "%u bits makes handshakes slow for all clients; EC on "
		    "P-256 is as strong as needed", bits);
}

static void
say_ready(const struct program *p)
{
	struct cos_client_settings set = ftp_client_settings(p->conf);
	int64_t largest = cos_largest_file(&set);
	const struct conf_account *a;
	size_t i;

	for (i = 0; i < p->conf->naccounts; i++) {
		a = &p->conf->accounts[i];
		log_line(p->worker.log, LOG_LEVEL_INFO, "account %s: bucket at "
		    "%s://%s.%s%s", a->user, a->https ? "https" : "http",
		    a->bucket, a->endpoint, a->home_dir != NULL ?
		    " (home_dir is not used)" : "");
	}
	log_line(p->worker.log, largest < set.max_file ? LOG_LEVEL_WARNING :
	    LOG_LEVEL_INFO, "largest file: %" PRId64 " bytes", largest);
	if (p->identity != NULL)
		say_tls(p);
	log_line(p->worker.log, LOG_LEVEL_INFO, "cosftpd %s ready on port %u, "
	    "%zu account%s, %d worker%s", COSFTPD_VERSION,
	    ftp_listeners_port(&p->listeners), p->conf->naccounts,
	    p->conf->naccounts == 1 ? "" : "s", p->workers,
	    p->workers == 1 ? "" : "s");
	printf("cosftpd %s ready on port %u\n", COSFTPD_VERSION,
	    ftp_listeners_port(&p->listeners));
	fflush(stdout);
}

static int
work(void *ctx, int slot, int stop)
{
	struct program *p = ctx;
	struct ftp_worker *w;
	struct err e = { "" };
	int status = 0;

	if (!p->options.single) {
		close(p->signals[0]);
		close(p->signals[1]);
	}
	w = ftp_worker_new(&p->worker, slot, &e);
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
	    KILL_MS);
}

static void
worker_ended(struct supervisor *s, const struct net_worker_news *news)
{
	struct program *p = s->program;
	struct err e;

	cos_share_forget(p->worker.cos_share, news->slot);
	ftp_share_forget(p->worker.ftp_share, news->slot);
	if (s->stopping)
		return;
	if (WIFSIGNALED(news->status))
		log_line(p->worker.log, LOG_LEVEL_ERROR, "worker %d (pid %d) was "
		    "ended by signal %d; another is started", news->slot,
		    (int)news->pid, WTERMSIG(news->status));
	else if (s->said)
		log_line(p->worker.log, LOG_LEVEL_ERROR, "worker %d (pid %d) ended "
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
			log_line(p->worker.log, LOG_LEVEL_INFO, "stop: signal %d, "
			    "%zu sessions", c,
			    ftp_share_sessions(p->worker.ftp_share));
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

	/* -1 is for debuggers: they may look */
	if (!p->options.single && net_harden(e) < 0)
		return EXIT_START;
	p->workers = p->options.single ? 1 : p->conf->worker_num > 0 ?
	    p->conf->worker_num : cores > 0 ? (int)cores : 1;
	if (ftp_check_resources(p->conf, p->workers, e) < 0)
		return EXIT_CONF;
	if (load_identity(p, e) < 0)
		return EXIT_START;
	sessions = net_limit_descriptors(0);
	if (sessions < 0 || sessions > SESSIONS_MAX)
		sessions = SESSIONS_MAX;
	p->worker.cos_share = cos_share_new(p->workers, e);
	p->worker.ftp_share = ftp_share_new(p->workers, (int)sessions, e);
	if (p->worker.cos_share == NULL || p->worker.ftp_share == NULL ||
	    catch_signals(p, e) < 0 ||
	    ftp_listen(&p->listeners, p->conf, e) < 0)
		return EXIT_START;
	p->worker.listeners = &p->listeners;
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
		log_line(p->worker.log, LOG_LEVEL_INFO, "stopped");
	else if (e.text[0] != '\0')
		complain(p, &e);
	return status;
}

/* --check */
static int
check(struct program *p)
{
	struct err e = { "" };
	struct ftp_worker *w = ftp_worker_new(&p->worker, 0, &e);
	int failures = w != NULL ? ftp_worker_check(w, stdout, &e) : -1;

	if (failures < 0)
		complain(p, &e);
	ftp_worker_free(w);
	return failures == 0 ? 0 : failures > 0 ? EXIT_CONF : EXIT_START;
}

/* -t */
static int
test(struct program *p)
{
	struct cos_client_settings set = ftp_client_settings(p->conf);
	struct err e;

	conf_print(p->conf, stdout);
	say_largest(&set);
	if (load_identity(p, &e) == 0)
		return 0;
	complain(p, &e);
	return EXIT_CONF;
}

static int
open_log(struct program *p)
{
	struct log_settings quiet = { .level = LOG_LEVEL_WARNING, .dir = "-" };
	struct err e;

	p->worker.log = log_open(p->options.check ? &quiet : &p->conf->log,
	    &e);
	if (p->worker.log != NULL)
		return 0;
	complain(p, &e);
	return EXIT_START;
}

int
main(int argc, char **argv)
{
	struct program p = { .signals = { -1, -1 },
	    .listeners = { -1, -1 } };
	const struct options *o = &p.options;
	int status = 0;

	if (read_options(argc, argv, &p.options) < 0)
		return EXIT_CONF;
	p.worker.conf = p.conf = load(o->file);
	if (p.conf == NULL)
		return EXIT_CONF;
	if (o->test)
		status = test(&p);
	if (status == 0 && (o->check || !o->test))
		status = open_log(&p);
	if (status == 0 && o->check)
		status = check(&p);
	else if (status == 0 && !o->test)
		status = run(&p);
	ftp_listeners_close(&p.listeners);
	ftp_share_free(p.worker.ftp_share);
	cos_share_free(p.worker.cos_share);
	log_free(p.worker.log);
	tls_identity_free(p.identity);
	conf_free(p.conf);
	return status;
}
