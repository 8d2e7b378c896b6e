/*
 * ftp/run.c - the server from its start to its end: what is made before any
 * process is forked, and what a worker does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "super_int.h"

enum { SESSIONS_MAX = 65536 };	/* of one worker */

void
ftp_complain(const struct ftp_program *p, const struct err *e)
{
	fprintf(stderr, "cosftpd: %s\n", e->text);
	log_line(p->now->worker.log, LOG_LEVEL_ERROR, "%s", e->text);
}

void
ftp_notify(const struct ftp_program *p, const char *text)
{
	struct err e;

	if (net_notify(text, &e) < 0)
		log_line(p->now->worker.log, LOG_LEVEL_WARNING, "%s", e.text);
}

void
ftp_say_ready(const struct ftp_program *p)
{
	ftp_notify(p, "READY=1");
	ftp_generation_say(p->now, "ready");
	printf("cosftpd %s ready on port %u\n", COSFTPD_VERSION,
	    ftp_listeners_port(&p->now->listeners));
	fflush(stdout);
}

/* The helper needs nothing but files: no keys, no connections, no tables. */
static int
become_helper(void *ctx)
{
	struct ftp_program *p = ctx;
	struct net_jail jail = p->now->jail;
	struct err e;
	int rc;

	rc = p->single ? 0 : net_jail_enter(&jail, false, &e);
	ftp_generation_free(p->now);
	cos_share_free(p->cos_share);
	ftp_share_free(p->ftp_share);
	ftp_limits_free(p->limits);
	return rc;
}

static void
leave_calls(const struct ftp_program *p)
{
	struct err e;

	if (net_seccomp(&e) < 0)
		log_line(p->now->worker.log, LOG_LEVEL_INFO, "system calls are "
		    "not limited (seccomp): %s", e.text);
}

/* What is left to do outside the jail, and into it. */
static int
enter(struct ftp_program *p, int *helper, struct err *e)
{
	struct ftp_generation *g = p->now;

	*helper = net_helper_fork(become_helper, p, e);
	if (*helper < 0)
		return -1;
	if (p->single) {	/* for debuggers: as it was started */
		if (g->jail.user != NULL)
			log_line(g->worker.log, LOG_LEVEL_WARNING, "-1: run_as "
			    "and chroot_dir are not used");
		return 0;
	}
	log_leave(g->worker.log);
	return net_jail_enter(&g->jail, true, e);
}

int
ftp_work(void *ctx, int slot, int stop)
{
	struct ftp_program *p = ctx;
	struct ftp_worker *w = NULL;
	struct err e = { "" };
	int i, helper = -1, status = 0;

	p->now = p->of[slot];
	for (i = 0; i < FTP_GENERATIONS; i++)
		if (&p->generation[i] != p->now)
			ftp_generation_free(&p->generation[i]);
	if (!p->single) {
		close(p->signals[0]);
		close(p->signals[1]);
		ftp_status_free(p->status);
		net_unix_close(&p->now->status);
	}
	if (enter(p, &helper, &e) == 0)
		w = ftp_worker_new(&p->now->worker, slot, helper, &e);
	if (w != NULL && p->single)
		p->status = ftp_status_new(p, ftp_worker_loop(w), &e);
	if (p->status != NULL && p->single)
		ftp_say_ready(p);
	if (w != NULL && !p->single) {
		leave_calls(p);
		net_worker_ready(stop);
	}
	if (w == NULL || ftp_worker_serve(w, stop, &e) < 0) {
		ftp_complain(p, &e);
		status = FTP_EXIT_START;
	}
	if (p->single)
		ftp_status_free(p->status);
	ftp_worker_free(w);
	if (!p->single)
		ftp_generation_free(p->now);
	return status;
}

static int
prepare(struct ftp_program *p, struct err *e)
{
	struct ftp_generation *g = p->now;
	int64_t sessions;
	int status = ftp_generation_load(p, g, e);

	if (status != 0)
		return status;
	/* -1 is for debuggers: they may look */
	if (!p->single && net_harden(e) < 0)
		return FTP_EXIT_START;
	p->slots = p->single ? 1 : FTP_GENERATIONS * g->workers;
	p->of = calloc((size_t)p->slots, sizeof(struct ftp_generation *));
	if (p->of == NULL) {
		err_set(e, "out of memory");
		return FTP_EXIT_START;
	}
	sessions = net_limit_descriptors(0);
	if (sessions < 0 || sessions > SESSIONS_MAX)
		sessions = SESSIONS_MAX;
	g->worker.cos_share = p->cos_share = cos_share_new(p->slots,
	    g->workers, e);
	g->worker.ftp_share = p->ftp_share = ftp_share_new(p->slots,
	    (int)sessions, e);
	g->worker.limits = p->limits = ftp_limits_new(e);
	if (p->cos_share == NULL || p->ftp_share == NULL ||
	    p->limits == NULL ||
	    ftp_listen(&g->listeners, g->conf, e) < 0 ||
	    ftp_generation_status(g, e) < 0 ||
	    ftp_xferlog_open(&g->xferlog, g->conf, e) < 0)
		return FTP_EXIT_START;
	if (p->single)
		p->of[0] = g;
	return 0;
}

static int
open_log(struct ftp_program *p, struct err *e)
{
	p->now->worker.log = log_open(&p->now->conf->log, e);
	return p->now->worker.log != NULL ? 0 : FTP_EXIT_START;
}

int
ftp_run(const struct ftp_start *start)
{
	struct ftp_program p = { .file = start->file,
	    .single = start->single, .now = &p.generation[0],
	    .signals = { start->signals[0], start->signals[1] } };
	struct timespec now;
	struct err e = { "" };
	int i, status;

	for (i = 0; i < FTP_GENERATIONS; i++)
		ftp_generation_none(&p.generation[i]);
	p.now->conf = start->conf;
	p.start_time = time(NULL);
	clock_gettime(CLOCK_MONOTONIC, &now);
	p.started = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
	status = open_log(&p, &e);
	if (status == 0)
		status = prepare(&p, &e);
	if (status == 0)
		status = p.single ? ftp_work(&p, 0, p.signals[0]) :
		    ftp_supervise(&p, &e);
	if (status == 0)
		log_line(p.now->worker.log, LOG_LEVEL_INFO, "stopped");
	else if (e.text[0] != '\0')
		ftp_complain(&p, &e);
	for (i = 0; i < FTP_GENERATIONS; i++)
		ftp_generation_free(&p.generation[i]);
	ftp_limits_free(p.limits);
	ftp_share_free(p.ftp_share);
	cos_share_free(p.cos_share);
	free(p.of);
	return status;
}
