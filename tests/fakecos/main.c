/*
 * main.c - fakecos: a small strict COS server for tests, benches and demos.
 *
 * Options, the listening socket, a thread per connection, a clean end on
 * SIGTERM or SIGINT.  It listens on 127.0.0.1 only.
 */
#include "fakecos.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "auth.h"
#include "control.h"
#include "store.h"

static const char usage_text[] =
    "usage: fakecos --bucket NAME [--bucket NAME ...] [options]\n"
    "  --port N             port on 127.0.0.1 (default 0: any free one)\n"
    "  --id ID --key KEY    the first key pair that may sign\n"
    "  --no-auth            do not check signatures\n"
    "  --dir DIR            keep objects in files there (default: memory)\n"
    "  --discard            keep sizes and CRCs, not the bytes (benches)\n"
    "  --tls CERT KEY       speak TLS\n"
    "  --latency MS         before every answer\n"
    "  --rate BYTES         per second and connection, each way\n"
    "  --list-delay MS      until lists show what was stored or deleted\n"
    "  --skew S             the server's clock is off by S seconds\n"
    "  --idle S             closes idle connections (default 60)\n"
    "  --copy-limit BYTES   the largest copy (default 5 GiB)\n"
    "  --force-download     as buckets made since 2024: apk and ipa refused\n";

int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t
clock_ms(const struct fakecos *f)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return ((int64_t)t.tv_sec + f->set.skew) * 1000 + t.tv_nsec / 1000000;
}

void
fakecos_sleep(struct fakecos *f, int64_t ns)
{
	int64_t end = now_ns() + ns;
	struct timespec t = { .tv_sec = (time_t)(end / 1000000000),
	    .tv_nsec = (long)(end % 1000000000) };

	if (ns <= 0)
		return;
	pthread_mutex_lock(&f->lock);
	while (!f->stopping &&
	    pthread_cond_timedwait(&f->stop, &f->lock, &t) != ETIMEDOUT)
		;
	pthread_mutex_unlock(&f->lock);
}

static void
usage(void)
{
	fputs(usage_text, stderr);
	exit(2);
}

static int64_t
option_number(const char *name, const char *s)
{
	int64_t v;

	if (!number_parse(s + (*s == '-'), &v)) {
		fprintf(stderr, "fakecos: --%s %s: not a number\n", name, s);
		exit(2);
	}
	return *s == '-' ? -v : v;
}

static void
options(struct fakecos *f, int argc, char **argv)
{
	enum { PORT = 1, BUCKET, ID, KEY, DIR, TLS, NO_AUTH, DISCARD, LATENCY,
	    RATE, LIST_DELAY, SKEW, IDLE, COPY_LIMIT, FORCE_DOWNLOAD };
	static const struct option table[] = {
		{ "port", 1, NULL, PORT },
		{ "bucket", 1, NULL, BUCKET },
		{ "id", 1, NULL, ID },
		{ "key", 1, NULL, KEY },
		{ "dir", 1, NULL, DIR },
		{ "tls", 1, NULL, TLS },
		{ "no-auth", 0, NULL, NO_AUTH },
		{ "discard", 0, NULL, DISCARD },
		{ "latency", 1, NULL, LATENCY },
		{ "rate", 1, NULL, RATE },
		{ "list-delay", 1, NULL, LIST_DELAY },
		{ "skew", 1, NULL, SKEW },
		{ "idle", 1, NULL, IDLE },
		{ "copy-limit", 1, NULL, COPY_LIMIT },
		{ "force-download", 0, NULL, FORCE_DOWNLOAD },
		{ NULL, 0, NULL, 0 }
	};
	struct settings *s = &f->set;
	int o, at = 0;

	s->idle = 60;
	s->copy_limit = 5 * GIB;
	while ((o = getopt_long(argc, argv, "", table, &at)) != -1) {
		const char *n = o == '?' ? "" : table[at].name;

		switch (o) {
		case PORT: s->port = option_number(n, optarg); break;
		case BUCKET: bucket_add(f, optarg); break;
		case ID: s->id = optarg; break;
		case KEY: s->key = optarg; break;
		case DIR: s->dir = optarg; break;
		case TLS:
			if (optind >= argc)
				usage();
			s->cert = optarg;
			s->cert_key = argv[optind++];
			break;
		case NO_AUTH: s->no_auth = true; break;
		case DISCARD: s->discard = true; break;
		case LATENCY: s->latency = option_number(n, optarg); break;
		case RATE: s->rate = option_number(n, optarg); break;
		case LIST_DELAY: s->list_delay = option_number(n, optarg); break;
		case SKEW: s->skew = option_number(n, optarg); break;
		case IDLE: s->idle = option_number(n, optarg); break;
		case COPY_LIMIT: s->copy_limit = option_number(n, optarg); break;
		case FORCE_DOWNLOAD: s->force_download = 1; break;
		default: usage();
		}
	}
	if (optind != argc || f->buckets == NULL || s->port > 65535 ||
	    (!s->no_auth && (s->id == NULL || s->key == NULL)) ||
	    (s->dir && s->discard))
		usage();
}

static void
init(struct fakecos *f)
{
	pthread_condattr_t attr;
	size_t i, n = (size_t)PATTERN * PATTERN_TURNS;

	pthread_mutex_init(&f->lock, NULL);
	pthread_mutex_init(&f->tls_lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&f->stop, &attr);
	pthread_condattr_destroy(&attr);
	crc_init(&f->crc);
	f->serial = clock_ms(f) * 1000;
	f->log = xalloc(LOG_LINES * sizeof(*f->log));
	f->pattern = xalloc(n);
	for (i = 0; i < n; i++)
		f->pattern[i] = (unsigned char)
		    (i % PATTERN * 31 ^ i % PATTERN >> 7);
}

static int
listen_on(int64_t *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	    .sin_port = htons((uint16_t)*port) };
	socklen_t n = sizeof(a);
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    listen(fd, 4096) != 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &n) != 0) {
		fprintf(stderr, "fakecos: listen on 127.0.0.1:%d: %s\n",
		    (int)*port, strerror(errno));
		exit(2);
	}
	*port = ntohs(a.sin_port);
	return fd;
}

static void
leave(struct conn *c)
{
	struct fakecos *f = c->f;

	pthread_mutex_lock(&f->lock);
	*(c->prev ? &c->prev->next : &f->conns) = c->next;
	if (c->next)
		c->next->prev = c->prev;
	pthread_mutex_unlock(&f->lock);
	conn_free(c);
	pthread_mutex_lock(&f->lock);
	f->connections--;
	pthread_cond_broadcast(&f->stop);
	pthread_mutex_unlock(&f->lock);
}

static void *
connection(void *arg)
{
	struct conn *c = arg;

	if (conn_start(c))
		serve(c);
	leave(c);
	return NULL;
}

static void
accept_all(struct fakecos *f, int listener, const pthread_attr_t *attr)
{
	struct conn *c;
	pthread_t t;
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		c = conn_new(f, fd);
		pthread_mutex_lock(&f->lock);
		if ((c->next = f->conns) != NULL)
			c->next->prev = c;
		f->conns = c;
		f->connections++;
		f->stats.connections_total++;
		pthread_mutex_unlock(&f->lock);
		if (pthread_create(&t, attr, connection, c) != 0)
			leave(c);
	}
	if (errno == EMFILE || errno == ENFILE)
		fakecos_sleep(f, 10 * 1000000);
}

/* Until SIGTERM or SIGINT; then every connection is cut and waited for. */
static void
run(struct fakecos *f, int listener, int signals)
{
	struct pollfd p[2] = { { .fd = listener, .events = POLLIN },
	    { .fd = signals, .events = POLLIN } };
	pthread_attr_t attr;
	struct conn *c;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256 * 1024);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	while (poll(p, 2, -1) >= 0 || errno == EINTR) {
		if (p[1].revents)
			break;
		accept_all(f, listener, &attr);
	}
	pthread_attr_destroy(&attr);
	pthread_mutex_lock(&f->lock);
	f->stopping = true;
	pthread_cond_broadcast(&f->stop);
	for (c = f->conns; c; c = c->next)
		shutdown(c->fd, SHUT_RDWR);
	while (f->connections > 0)
		pthread_cond_wait(&f->stop, &f->lock);
	pthread_mutex_unlock(&f->lock);
}

static void
load_identity(struct fakecos *f)
{
	struct err e;

	f->identity = tls_identity_load(f->set.cert, f->set.cert_key, &e);
	if (f->identity == NULL) {
		fprintf(stderr, "fakecos: %s\n", e.text);
		exit(2);
	}
	f->cache = tls_cache_new(64 * 1024);
}

int
main(int argc, char **argv)
{
	struct fakecos *f = xalloc(sizeof(*f));
	struct rlimit files;
	sigset_t set;
	int listener, signals;

	options(f, argc, argv);
	init(f);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (f->set.cert)
		load_identity(f);
	if (f->set.dir && !persist_load(f))
		exit(2);
	listener = listen_on(&f->set.port);
	printf("fakecos: ready on 127.0.0.1:%d\n", (int)f->set.port);
	fflush(stdout);
	run(f, listener, signals);

	close(listener);
	close(signals);
	buckets_free(f);
	control_reset(f);
	auth_free(f);
	tls_cache_free(f->cache);
	tls_identity_free(f->identity);
	free(f->log);
	free(f->pattern);
	free(f);
	return 0;
}
