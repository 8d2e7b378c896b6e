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
#include <unistd.h>

#include "conf/conf.h"
#include "conf/log.h"
#include "cos/cos.h"
#include "ftp/ftp.h"
#include "net/net.h"
#include "tls/tls.h"

enum {
	EXIT_CONF = 1,
	EXIT_START = 2,
	ABORT_MS = 800,		/* for the last aborts, after the drain */
	TLS_CACHE_BYTES = 256 * 1024	/* sessions of FTPS, 100 bytes each */
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
	bool test, check;
};

/* Everything that lives while the server runs. */
struct program {
	struct net_task task;		/* signals, drain deadlines */
	struct conf *conf;
	struct log *log;
	struct net_loop *loop;
	struct net_resolver *resolver;
	struct tls_trust *trust;
	struct tls_identity *identity;
	struct tls_cache *cache;
	struct cos_client *client;
	struct cos_bucket **buckets;
	struct ftp_listeners listeners;
	struct ftp_server *server;
	int signals[2];
	enum { RUNNING, DRAINING, ABORTING } state;
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
			break;		/* there is only one process so far */
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
		.trust = p->trust,
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

/* ---- can this machine carry it? (config_check_enable) ---- */

static int
compare(const char *what, const char *unit, int64_t need, int64_t have,
    struct err *e)
{
	if (have < 0 || need <= have)
		return 0;
	return err_set(e, "%s: needed %" PRId64 " %s, available %" PRId64
	    " (config_check_enable = false starts all the same)", what, need,
	    unit, have);
}

static int
check_resources(const struct conf *c, struct err *e)
{
	/* Each session: control and data connection, and those to COS. */
	int64_t sessions = c->max_connection_num > 0 ?
	    (c->max_connection_num - 1) / 2 : 0;
	int64_t per = c->upload_thread_num > 0 ? c->upload_thread_num : 4;
	/* What is read ahead is a MiB or more on each connection. */
	int64_t ahead = c->memory_limit / (1024 * 1024);
	int64_t files = 64 + sessions * (2 + per) +
	    (ahead < sessions * 16 ? ahead : sessions * 16);
	int64_t memory = c->memory_limit + 4 * 1024 * 1024 +
	    sessions * (int64_t)ftp_session_bytes();
	int64_t have = net_limit_descriptors(files > 65536 ? files : 65536);

	if (!c->config_check_enable)
		return 0;
	if (compare("max_connection_num", "descriptors", files, have, e) < 0)
		return -1;
	return compare("memory_limit and max_connection_num",
	    "bytes of memory", memory, net_limit_memory(), e);
}

/* ---- putting the parts together ---- */

static int
load_trust(struct program *p, struct err *e)
{
	bool https = p->conf->ca_file != NULL;
	size_t i;

	for (i = 0; i < p->conf->naccounts; i++)
		https = https || p->conf->accounts[i].https;
	if (!https)
		return 0;
	p->trust = tls_trust_load(p->conf->ca_file, e);
	return p->trust != NULL ? 0 : -1;
}

/* Our own certificate, for FTPS. */
static int
load_identity(struct program *p, struct err *e)
{
	const struct conf *c = p->conf;

	if (c->tls_mode == CONF_TLS_OFF || p->identity != NULL)
		return 0;
	p->identity = tls_identity_load(c->cert_file, c->key_file, e);
	if (p->identity == NULL)
		return -1;
	p->cache = tls_cache_new(TLS_CACHE_BYTES);
	return p->cache != NULL ? 0 : err_set(e, "out of memory");
}

static int
build(struct program *p, struct err *e)
{
	struct cos_client_settings set;
	size_t i;

	p->loop = net_loop_new(e);
	if (p->loop == NULL || load_trust(p, e) < 0 ||
	    load_identity(p, e) < 0)
		return -1;
	set = client_settings(p);
	p->resolver = net_resolver_new(p->loop);
	if (p->resolver == NULL)
		return err_set(e, "out of memory");
	p->client = cos_client_new(p->loop, p->log, p->resolver, &set, e);
	p->buckets = calloc(p->conf->naccounts, sizeof(*p->buckets));
	if (p->client == NULL || p->buckets == NULL)
		return -1;
	for (i = 0; i < p->conf->naccounts; i++) {
		p->buckets[i] = cos_bucket_new(p->client,
		    &p->conf->accounts[i], e);
		if (p->buckets[i] == NULL)
			return -1;
	}
	return 0;
}

static void
take_apart(struct program *p)
{
	size_t i;

	ftp_server_free(p->server);
	ftp_listeners_close(&p->listeners);
	for (i = 0; p->buckets != NULL && i < p->conf->naccounts; i++)
		cos_bucket_free(p->buckets[i]);
	cos_client_free(p->client);
	net_resolver_free(p->resolver);
	tls_trust_free(p->trust);
	tls_identity_free(p->identity);
	tls_cache_free(p->cache);
	net_loop_free(p->loop);
	free(p->buckets);
	log_free(p->log);
	conf_free(p->conf);
}

/* ---- --check: one key of every bucket ---- */

struct check {
	struct net_task task;
	struct program *program;
	struct cos_list *list;
	size_t account;
	int failures;
};

static void
check_next(struct check *k)
{
	struct program *p = k->program;

	if (k->account == p->conf->naccounts) {
		net_loop_stop(p->loop);
		return;
	}
	k->list = cos_list_new(p->buckets[k->account], "", false, 1, "check",
	    &k->task);
	if (k->list == NULL)
		net_loop_stop(p->loop);
}

static void
check_step(struct net_task *t, unsigned why)
{
	struct check *k = (struct check *)t;
	const struct conf_account *a;
	const struct cos_fault *f;

	(void)why;
	if (k->list == NULL) {
		check_next(k);
		return;
	}
	if (cos_list_next(k->list) == NULL &&
	    cos_list_state(k->list) == COS_BUSY)
		return;
	a = &k->program->conf->accounts[k->account];
	f = cos_list_fault(k->list);
	if (cos_list_state(k->list) == COS_FAILED) {
		k->failures++;
		printf("[%s] %s.%s: %s\n", a->section, a->bucket, a->endpoint,
		    f->text);
		if (f->cause == COS_CLOCK)
			printf("[%s] the store's clock is %lld s %s ours\n",
			    a->section, (long long)llabs(f->skew),
			    f->skew > 0 ? "ahead of" : "behind");
	} else {
		printf("[%s] %s.%s: ok\n", a->section, a->bucket, a->endpoint);
	}
	cos_list_free(k->list);
	k->list = NULL;
	k->account++;
	check_next(k);
}

static int
check_accounts(struct program *p)
{
	struct check k = { .program = p };
	struct err e;

	net_task_init(&k.task, p->loop, check_step);
	net_task_wake(&k.task);
	if (net_loop_run(p->loop, &e) < 0) {
		fprintf(stderr, "cosftpd: %s\n", e.text);
		k.failures++;
	}
	cos_list_free(k.list);
	net_task_end(&k.task);
	return k.failures > 0 ? EXIT_CONF : 0;
}

/* ---- signals and the drain ---- */

static int signal_pipe = -1;	/* all a handler can reach */

static void
on_signal(int sig)
{
	int saved = errno;
	char c = (char)sig;

	if (write(signal_pipe, &c, 1) < 0)
		c = 0;	/* full: a stop is on its way already */
	errno = saved;
}

static int
catch_signals(struct program *p, struct err *e)
{
	struct sigaction sa = { .sa_handler = on_signal };

	if (pipe2(p->signals, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_sys(e, "pipe");
	signal_pipe = p->signals[1];
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	sa.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	net_task_watch(&p->task, p->signals[0], NET_READ);
	return 0;
}

static void
drain_step(struct program *p, bool timeout)
{
	if (p->state == DRAINING && timeout &&
	    ftp_server_sessions(p->server) > 0) {
		log_line(p->log, LOG_LEVEL_WARNING, "stop: %zu sessions are "
		    "dropped", ftp_server_sessions(p->server));
		ftp_server_drain(p->server, true, &p->task);
	}
	if (ftp_server_sessions(p->server) > 0)
		return;
	if (p->state == DRAINING) {
		p->state = ABORTING;
		net_task_deadline(&p->task, ABORT_MS);
		timeout = false;
	}
	if (cos_client_pending(p->client, &p->task) > 0 && !timeout)
		return;
	cos_client_give_up(p->client);
	net_loop_stop(p->loop);
}

static void
program_step(struct net_task *t, unsigned why)
{
	struct program *p = (struct program *)t;
	char c;

	if (read(p->signals[0], &c, 1) == 1 && p->state == RUNNING) {
		log_line(p->log, LOG_LEVEL_INFO, "stop: signal %d, %zu "
		    "sessions", c, ftp_server_sessions(p->server));
		p->state = DRAINING;
		net_task_deadline(&p->task,
		    (int64_t)p->conf->drain_timeout * 1000);
		ftp_listeners_close(&p->listeners);
		ftp_server_drain(p->server, false, &p->task);
	}
	if (p->state != RUNNING)
		drain_step(p, why & NET_TIMEOUT);
}

static void
say_tls(const struct program *p)
{
	unsigned bits = tls_identity_rsa_bits(p->identity);

	log_line(p->log, LOG_LEVEL_INFO, "FTPS with the certificate in %s",
	    p->conf->cert_file);
	if (bits > 3072)
		log_line(p->log, LOG_LEVEL_WARNING, "key_file: RSA of %u bits "
		    "makes handshakes slow for all clients; EC on P-256 is "
		    "as strong as needed", bits);
}

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
	if (p->identity != NULL)
		say_tls(p);
	log_line(p->log, LOG_LEVEL_INFO, "cosftpd %s ready on port %u, %zu "
	    "account%s", COSFTPD_VERSION, ftp_listeners_port(&p->listeners),
	    p->conf->naccounts, p->conf->naccounts == 1 ? "" : "s");
	printf("cosftpd %s ready on port %u\n", COSFTPD_VERSION,
	    ftp_listeners_port(&p->listeners));
	fflush(stdout);
}

static int
serve(struct program *p)
{
	struct ftp_settings set;
	struct err e = { "" };
	int status = EXIT_START;

	net_task_init(&p->task, p->loop, program_step);
	if (check_resources(p->conf, &e) < 0) {
		status = EXIT_CONF;
		goto out;
	}
	if (catch_signals(p, &e) < 0)
		goto out;
	if (ftp_listen(&p->listeners, p->conf, &e) < 0)
		goto out;
	set = (struct ftp_settings){ .conf = p->conf, .buckets = p->buckets,
	    .resolver = p->resolver, .listeners = &p->listeners,
	    .identity = p->identity, .cache = p->cache };
	p->server = ftp_server_new(p->loop, p->log, &set, &e);
	if (p->server == NULL)
		goto out;
	say_ready(p);
	status = net_loop_run(p->loop, &e) < 0 ? EXIT_START : 0;
out:
	if (status != 0) {
		fprintf(stderr, "cosftpd: %s\n", e.text);
		log_line(p->log, LOG_LEVEL_ERROR, "%s", e.text);
	} else {
		log_line(p->log, LOG_LEVEL_INFO, "stopped");
	}
	net_task_end(&p->task);
	return status;
}

int
main(int argc, char **argv)
{
	struct options o = { .file = NULL };
	struct program p = { .signals = { -1, -1 },
	    .listeners = { -1, -1 } };
	struct cos_client_settings set;
	struct log_settings quiet = { .level = LOG_LEVEL_WARNING, .dir = "-" };
	struct err e = { "" };
	int status;

	if (read_options(argc, argv, &o) < 0)
		return EXIT_CONF;
	p.conf = load(o.file);
	if (p.conf == NULL)
		return EXIT_CONF;
	if (o.test) {
		set = client_settings(&p);
		conf_print(p.conf, stdout);
		say_largest(&set);
		status = load_identity(&p, &e) < 0 ? EXIT_CONF : 0;
		if (status != 0)
			fprintf(stderr, "cosftpd: %s\n", e.text);
		if (status != 0 || !o.check) {
			take_apart(&p);
			return status;
		}
	}
	if (!o.check)
		quiet = p.conf->log;
	p.log = log_open(&quiet, &e);
	if (p.log == NULL || build(&p, &e) < 0) {
		fprintf(stderr, "cosftpd: %s\n", e.text);
		log_line(p.log, LOG_LEVEL_ERROR, "%s", e.text);
		status = EXIT_START;
	} else {
		status = o.check ? check_accounts(&p) : serve(&p);
	}
	take_apart(&p);
	return status;
}
