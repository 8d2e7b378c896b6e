/*
 * ftp/generation.c - a configuration and what its workers are given.
 *
 * A reload makes another one beside it; the old one lives until its last
 * worker has ended.
 */
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "super_int.h"

static int
count_workers(const struct ftp_program *p, const struct conf *c)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	return p->single ? 1 : c->worker_num > 0 ? c->worker_num :
	    cores > 0 ? (int)cores : 1;
}

void
ftp_generation_none(struct ftp_generation *g)
{
	memset(g, 0, sizeof(*g));
	g->listeners = (struct ftp_listeners){ -1, -1 };
	g->status.fd = g->xferlog.fd = -1;
}

void
ftp_generation_free(struct ftp_generation *g)
{
	ftp_listeners_close(&g->listeners);
	net_unix_close(&g->status);
	ftp_xferlog_take(&g->xferlog, -1);
	log_free(g->worker.log);
	tls_identity_free(g->identity);
	tls_trust_free(g->trust);
	conf_free(g->conf);
	ftp_generation_none(g);
}

static int
load_identity(const struct conf *c, struct tls_identity **id,
    struct err *e)
{
	*id = NULL;
	if (c->tls_mode == CONF_TLS_OFF)
		return 0;
	*id = tls_identity_load(c->cert_file, c->key_file, e);
	return *id != NULL ? 0 : -1;
}

static int
find_jail(const struct conf *c, struct net_jail *j, struct err *e)
{
	j->user = c->run_as;
	j->dir = c->chroot_dir;
	if (j->user != NULL && !conf_find_user(j->user, &j->uid, &j->gid))
		return err_set(e, "run_as = %s: no such user", j->user);
	return net_jail_check(j, e);
}

int
ftp_test(const struct conf *c, struct tls_identity **id, struct err *e)
{
	struct net_jail jail;
	struct tls_trust *trust;
	int rc = load_identity(c, id, e);

	if (rc == 0 && (rc = ftp_load_trust(c, &trust, e)) == 0)
		tls_trust_free(trust);
	return rc == 0 && geteuid() == 0 ? find_jail(c, &jail, e) : rc;
}

int
ftp_generation_load(struct ftp_program *p, struct ftp_generation *g,
    struct err *e)
{
	g->workers = count_workers(p, g->conf);
	g->worker.conf = g->conf;
	g->worker.listeners = &g->listeners;
	g->worker.cos_share = p->cos_share;
	g->worker.ftp_share = p->ftp_share;
	g->worker.program = p;
	g->worker.xferlog = &g->xferlog;
	g->worker.limits = p->limits;
	if (ftp_check_resources(g, p->now != g ? p->now : NULL, e) < 0 ||
	    find_jail(g->conf, &g->jail, e) < 0)
		return FTP_EXIT_CONF;
	if (load_identity(g->conf, &g->identity, e) < 0 ||
	    ftp_load_trust(g->conf, &g->trust, e) < 0)
		return FTP_EXIT_START;
	g->worker.identity = g->identity;
	g->worker.trust = g->trust;
	return 0;
}

int
ftp_generation_slots(const struct ftp_program *p,
    const struct ftp_generation *g)
{
	int i, n = 0;

	for (i = 0; i < p->slots; i++)
		n += p->of[i] == g;
	return n;
}

int
ftp_generation_status(struct ftp_generation *g, struct err *e)
{
	struct err why;

	if (g->conf->status_socket == NULL ||
	    net_unix_listen(&g->status, g->conf->status_socket, &why) == 0)
		return 0;
	return err_set(e, "status_socket: %s", why.text);
}

static bool
same_status(const struct ftp_generation *a, const struct ftp_generation *b)
{
	const char *x = a->conf->status_socket, *y = b->conf->status_socket;

	return x != NULL && y != NULL && strcmp(x, y) == 0;
}

static int
generation_check(struct ftp_program *p, struct ftp_generation *g,
    struct err *e)
{
	if (ftp_generation_load(p, g, e) != 0)
		return -1;
	if (g->workers > p->slots / 2)	/* no reload would follow this one */
		return err_set(e, "worker_num = %d: more than %d, twice those "
		    "of the start, need a restart", g->workers, p->slots / 2);
	if (ftp_generation_slots(p, NULL) < g->workers)
		return err_set(e, "worker_num = %d: there is room for %d "
		    "workers as long as sessions of earlier configurations "
		    "go on", g->workers, ftp_generation_slots(p, NULL));
	g->worker.log = log_open(&g->conf->log, e);
	if (g->worker.log == NULL ||
	    ftp_xferlog_open(&g->xferlog, g->conf, e) < 0)
		return -1;
	if (ftp_listen_again(&g->listeners, g->conf, &p->now->listeners,
	    p->now->conf, e) < 0)
		return -1;
	return same_status(p->now, g) ? 0 : ftp_generation_status(g, e);
}

void
ftp_generation_use(struct ftp_program *p, struct ftp_generation *g)
{
	if (same_status(p->now, g)) {
		g->status = p->now->status;
		p->now->status.fd = -1;
	}
	net_unix_close(&p->now->status);
	p->now = g;
	ftp_status_watch(p->status);
}

/* A FIFO would have us wait for its other end. */
static bool
is_file(const char *path, struct err *e)
{
	struct stat st;

	if (stat(path, &st) < 0 || S_ISREG(st.st_mode))
		return true;	/* what is not there is told of by reading it */
	err_set(e, "%s: not a regular file", path);
	return false;
}

struct ftp_generation *
ftp_generation_new(struct ftp_program *p)
{
	struct log *log = p->now->worker.log;
	struct ftp_generation *g = p->generation;
	struct err e = { "the file has errors" };

	while (g < p->generation + FTP_GENERATIONS && g->conf != NULL)
		g++;
	if (g == p->generation + FTP_GENERATIONS) {
		log_line(log, LOG_LEVEL_ERROR, "not reloaded: sessions of %d "
		    "earlier configurations go on", FTP_GENERATIONS - 1);
		return NULL;
	}
	if (is_file(p->file, &e))
		g->conf = conf_read(p->file, log);
	if (g->conf != NULL && generation_check(p, g, &e) == 0)
		return g;
	log_line(log, LOG_LEVEL_ERROR, "not reloaded, the configuration stays "
	    "as it was: %s", e.text);
	ftp_generation_free(g);
	return NULL;
}

/* ---- for the log ---- */

static void
say_tls(const struct ftp_generation *g)
{
	unsigned bits = tls_identity_rsa_bits(g->identity);
	const char *fault = tls_identity_fault(g->identity);

	log_line(g->worker.log, LOG_LEVEL_INFO, "FTPS with the certificate in "
	    "%s", g->conf->cert_file);
	if (fault != NULL)
		log_line(g->worker.log, LOG_LEVEL_WARNING, "%s: the "
		    "certificate %s", g->conf->cert_file, fault);
	if (bits > 3072)
		log_line(g->worker.log, LOG_LEVEL_WARNING, "key_file: RSA of "
		    "%u bits makes handshakes slow for all clients; EC on "
		    "P-256 is as strong as needed", bits);
}

void
ftp_generation_say(const struct ftp_generation *g, const char *what)
{
	struct cos_client_settings set = ftp_client_settings(g->conf);
	int64_t largest = cos_largest_file(&set);
	struct log *log = g->worker.log;
	const struct conf_account *a;
	size_t i;

	for (i = 0; i < g->conf->naccounts; i++) {
		a = &g->conf->accounts[i];
		log_line(log, LOG_LEVEL_INFO, "account %s: bucket at "
		    "%s://%s.%s/%s%s", a->user, a->https ? "https" : "http",
		    a->bucket, a->endpoint, a->prefix != NULL ? a->prefix : "",
		    a->home_dir != NULL ? " (home_dir is not used)" : "");
	}
	log_line(log, largest < set.max_file ? LOG_LEVEL_WARNING :
	    LOG_LEVEL_INFO, "largest file: %" PRId64 " bytes", largest);
	if (g->identity != NULL)
		say_tls(g);
	if (geteuid() == 0 && g->conf->run_as == NULL)
		log_line(log, LOG_LEVEL_WARNING, "clients are served by root: "
		    "run_as and chroot_dir are not set");
	log_line(log, LOG_LEVEL_INFO, "cosftpd %s %s on port %u, "
	    "%zu account%s, %d worker%s", COSFTPD_VERSION, what,
	    ftp_listeners_port(&g->listeners), g->conf->naccounts,
	    g->conf->naccounts == 1 ? "" : "s", g->workers,
	    g->workers == 1 ? "" : "s");
}
