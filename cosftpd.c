/*
 * cosftpd.c - the table of contents: options, signals, and what is asked for.
 *
 * Exit status: 0, 1 (configuration, --check and the like), 2 (cannot start).
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "conf/conf.h"
#include "cos/cos.h"
#include "ftp/ftp.h"
#include "tls/tls.h"

static const char usage[] =
    "usage: cosftpd [-1tVh] [-c file]\n"
    "               [--check | --clean --older-than T | --health |\n"
    "                --status[=metrics]]\n"
    "       cosftpd --make-cert dir [name ...]\n"
    "       cosftpd --hash-password[=iterations]\n"
    "  -c FILE   configuration (default conf/vsftpd.conf, then\n"
    "            /etc/cosftpd/vsftpd.conf)\n"
    "  -t        check the configuration, print the effective settings\n"
    "  --check   also ask COS for every account whether it works\n"
    "  --clean --older-than T  abort uploads of all buckets begun T ago or\n"
    "            before (90m, 24h, 7d) and never completed, by any tool\n"
    "  --health  does a server with this configuration answer?\n"
    "  --status  what it does just now, from its status_socket\n"
    "  -1        one process, for debugging\n"
    "  --make-cert  a new key and certificate for FTPS in dir, for this\n"
    "            machine's name and the names and addresses given\n"
    "  --hash-password  the hash of the line read, for the configuration\n"
    "  -V        version\n"
    "  -h        this text\n";

struct options {
	const char *file, *make_cert;
	const char *status;		/* what to ask for; NULL */
	const char *iterations;		/* --hash-password; NULL */
	bool test, check, clean, health, single;
	int64_t older_than;		/* --clean: seconds, 0: not given */
};

/* ---- options ---- */

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
complain(const struct err *e, int status)
{
	fprintf(stderr, "cosftpd: %s\n", e->text);
	return status;
}

/* What a full disk swallows is not done. */
static int
written(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	fputs("cosftpd: the standard output cannot be written\n", stderr);
	return FTP_EXIT_START;
}

static int
make_cert(const char *dir, char *const *names, size_t n)
{
	struct err e;

	return tls_make_cert(dir, names, n, stdout, &e) == 0 ? written(0) :
	    complain(&e, FTP_EXIT_CONF);
}

/* passlib's base64: . for +, and without padding */
static char *
base64(char text[64], const void *p, size_t n)
{
	char *c;

	tls_base64(text, p, n);
	text[strcspn(text, "=")] = '\0';
	while ((c = strchr(text, '+')) != NULL)
		*c = '.';
	return text;
}

/* One line of the standard input, from a terminal without echo. */
static bool
read_password(char *line, size_t size)
{
	struct termios old, quiet;
	bool terminal = tcgetattr(STDIN_FILENO, &old) == 0;
	size_t n = 0;

	if (terminal) {
		quiet = old;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		quiet.c_lflag |= ECHONL;
		terminal = tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) == 0;
		fputs("Password: ", stderr);	/* what comes now is kept */
	}
	while (n < size && read(STDIN_FILENO, line + n, 1) == 1 &&
	    line[n] != '\n')
		n++;
	if (terminal && tcsetattr(STDIN_FILENO, TCSAFLUSH, &old) < 0)
		n = 0;
	n -= n > 0 && n < size && line[n - 1] == '\r';
	line[n < size ? n : 0] = '\0';
	return line[0] != '\0';
}

static int
hash_password(const char *text)
{
	unsigned char salt[16], hash[TLS_SHA256_LEN];
	char line[1024], a[64], b[64], *end;
	long iterations = strtol(text, &end, 10);

	if (*end != '\0' || iterations < 1000 || iterations > 10000000 ||
	    !read_password(line, sizeof(line))) {
		fputs("cosftpd: --hash-password: allowed: 1000 to 10000000 "
		    "iterations, and a line with a password\n", stderr);
		return FTP_EXIT_CONF;
	}
	tls_random(salt, sizeof(salt));
	tls_pbkdf2(line, strlen(line), salt, sizeof(salt),
	    (uint32_t)iterations, hash);
	tls_wipe(line, sizeof(line));
	printf("$pbkdf2-sha256$%ld$%s$%s\n", iterations,
	    base64(a, salt, sizeof(salt)), base64(b, hash, sizeof(hash)));
	return written(0);
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
take_status(struct options *o, const char *what)
{
	o->status = what;
	if (strcmp(what, "text") == 0 || strcmp(what, "metrics") == 0)
		return 0;
	fprintf(stderr, "cosftpd: --status=%s: allowed: text, metrics\n", what);
	return -1;
}

/* One option of getopt_long; -1: not one of ours, or said what is wrong. */
static int
take_option(struct options *o, int c)
{
	switch (c) {
	case 'c':
		o->file = optarg;
		return 0;
	case '1':
		o->single = true;
		return 0;
	case 't':
		o->test = true;
		return 0;
	case 'k':
		o->check = true;
		return 0;
	case 'x':
		o->clean = true;
		return 0;
	case 'o':
		o->older_than = age(optarg);
		return o->older_than < 0 ? -1 : 0;
	case 'l':
		o->health = true;
		return 0;
	case 's':
		return take_status(o, optarg != NULL ? optarg : "text");
	case 'm':
		o->make_cert = optarg;
		return 0;
	case 'p':
		o->iterations = optarg != NULL ? optarg : "600000";
		return 0;
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

/* Do they go together?  What needs no configuration is done at once. */
static int
check_options(const struct options *o, int argc, char **argv)
{
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
	if (o->health + o->clean + (o->status != NULL) +
	    (o->test || o->check) + (o->iterations != NULL) > 1) {
		fprintf(stderr, "cosftpd: one thing at a time\n%s", usage);
		return -1;
	}
	if (o->iterations != NULL)
		exit(hash_password(o->iterations));
	return 0;
}

static int
read_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "check", no_argument, NULL, 'k' },
		{ "clean", no_argument, NULL, 'x' },
		{ "hash-password", optional_argument, NULL, 'p' },
		{ "health", no_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ "make-cert", required_argument, NULL, 'm' },
		{ "older-than", required_argument, NULL, 'o' },
		{ "status", optional_argument, NULL, 's' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:1tVh", longs, NULL)) != -1)
		if (take_option(o, c) < 0)
			return -1;
	if (check_options(o, argc, argv) < 0)
		return -1;
	if (o->file == NULL)
		default_file(o);
	return 0;
}

/* ---- -t, --check, --clean, --health, --status ---- */

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

static int
test(const struct conf *c)
{
	struct cos_client_settings set = ftp_client_settings(c);
	struct tls_identity *id;
	const char *fault;
	struct err e;
	int status;

	conf_print(c, stdout);
	say_largest(&set);
	status = ftp_test(c, &id, &e) == 0 ? 0 : complain(&e, FTP_EXIT_CONF);
	fault = id != NULL ? tls_identity_fault(id) : NULL;
	if (fault != NULL)
		fprintf(stderr, "warning: %s: the certificate %s\n",
		    c->cert_file, fault);
	tls_identity_free(id);
	return status;
}

static int
ask_store(const struct conf *c, int64_t older_than)
{
	struct err e = { "" };
	int failures = ftp_ask_store(c, older_than, stdout, &e);

	if (failures < 0)
		return complain(&e, FTP_EXIT_START);
	return failures > 0 ? FTP_EXIT_CONF : 0;
}

static int
health(const struct conf *c)
{
	struct err e;

	return ftp_health(c, &e) == 0 ? 0 : complain(&e, FTP_EXIT_CONF);
}

static int
ask_status(const struct conf *c, const char *what)
{
	struct err e;

	return ftp_status_ask(c, what, stdout, &e) == 0 ? 0 :
	    complain(&e, FTP_EXIT_CONF);
}

/* ---- the server ---- */

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
catch_signals(struct ftp_start *s, struct err *e)
{
	struct sigaction sa = { .sa_handler = on_signal,
	    .sa_flags = SA_RESTART };

	if (pipe2(s->signals, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_sys(e, "pipe");
	signal_pipe = s->signals[1];
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	if (!s->single) {
		sigaction(SIGCHLD, &sa, NULL);
		sigaction(SIGHUP, &sa, NULL);
	}
	sa.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &sa, NULL);
	sigaction(SIGXFSZ, &sa, NULL);	/* write(2) says so, too */
	if (s->single)
		sigaction(SIGHUP, &sa, NULL);
	return 0;
}

/* Takes the configuration. */
static int
run(const struct options *o, struct conf *c)
{
	struct ftp_start start = { .conf = c, .file = o->file,
	    .single = o->single };
	struct err e;

	if (catch_signals(&start, &e) == 0)
		return ftp_run(&start);
	conf_free(c);
	return complain(&e, FTP_EXIT_START);
}

int
main(int argc, char **argv)
{
	struct options o = { .file = NULL };
	struct conf *c;
	int status = 0;

	if (read_options(argc, argv, &o) < 0)
		return FTP_EXIT_CONF;
	c = conf_read(o.file, NULL);
	if (c == NULL)
		return FTP_EXIT_CONF;
	if (!o.test && !o.health && !o.check && !o.clean && o.status == NULL)
		return run(&o, c);
	if (o.test)
		status = test(c);
	else if (o.health)
		status = health(c);
	else if (o.status != NULL)
		status = ask_status(c, o.status);
	if (status == 0 && (o.check || o.clean))
		status = ask_store(c, o.older_than);
	conf_free(c);
	return written(status);
}
