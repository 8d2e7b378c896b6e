/*
 * ftp/supervisor.c - the process that was started: it forks the workers,
 * replaces those that die, reloads and stops.
 */
#include <inttypes.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "super_int.h"

enum {
	KILL_MS = 2800,		/* after drain_timeout: a worker hangs */
	CRIPPLED_MS = 2000,	/* to the next try to replace one */
	LOGS_MS = 60 * 1000	/* a look at the clock, which may be set */
};

struct supervisor {
	struct net_task task;		/* signals, the deadline of a stop */
	struct net_task logs;		/* when they are to be rotated */
	struct ftp_program *program;
	struct net_loop *loop;
	struct net_workers *workers;
	struct ftp_generation *next;	/* its workers start; NULL: none */
	bool again;			/* SIGHUP came meanwhile */
	const struct ftp_generation *before;	/* the last reload */
	bool said, reloading, stopping;
	int status;
};

struct watchdog {
	struct net_task task;
	struct ftp_program *program;
	int64_t every;			/* ms */
};

static void
stop(struct supervisor *s)
{
	struct ftp_program *p = s->program;
	int i, drain = 0;

	s->stopping = true;
	ftp_notify(p, "STOPPING=1");
	for (i = 0; i < FTP_GENERATIONS; i++) {
		ftp_listeners_close(&p->generation[i].listeners);
		if (p->generation[i].conf != NULL &&
		    p->generation[i].conf->drain_timeout > drain)
			drain = p->generation[i].conf->drain_timeout;
	}
	net_workers_drain(s->workers);
	net_task_deadline(&s->task, (int64_t)drain * 1000 + KILL_MS);
}

static int
start_workers(struct supervisor *s, struct ftp_generation *g, int wanted,
    struct err *e)
{
	struct ftp_program *p = s->program;
	int i, n = 0;

	for (i = 0; i < p->slots && n < wanted; i++) {
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

/* They take no more sessions: others do, as soon as there are slots and a
 * process can be made. */
static void
replace_crippled(struct supervisor *s)
{
	struct ftp_program *p = s->program;
	struct err e;
	int i;

	for (i = 0; i < p->slots; i++) {
		if (p->of[i] != p->now || ftp_generation_slots(p, NULL) == 0 ||
		    net_workers_state(s->workers, i) != NET_WORKER_CRIPPLED)
			continue;
		if (start_workers(s, p->now, 1, &e) < 0) {
			ftp_complain(p, &e);
			net_task_deadline(&s->task, CRIPPLED_MS);
			return;
		}
		net_workers_retire(s->workers, i);
	}
}

/* ---- reload ---- */

static bool
all_ready(const struct supervisor *s, const struct ftp_generation *g)
{
	const struct ftp_program *p = s->program;
	enum net_worker_state state;
	int i, n = 0;

	for (i = 0; i < p->slots; i++) {
		state = net_workers_state(s->workers, i);
		n += p->of[i] == g && (state == NET_WORKER_READY ||
		    state == NET_WORKER_CRIPPLED);
	}
	return n == g->workers;
}

/* Its workers end with their sessions, and it with them. */
static void
retire(struct supervisor *s, struct ftp_generation *g)
{
	struct ftp_program *p = s->program;
	int i;

	ftp_listeners_close(&g->listeners);
	log_leave(g->worker.log);
	for (i = 0; i < p->slots; i++)
		if (p->of[i] == g)
			net_workers_retire(s->workers, i);
	if (ftp_generation_slots(p, g) == 0)
		ftp_generation_free(g);
}

/* ---- logs: the workers have no way to files ---- */

static void
hand_out_log(struct supervisor *s, const struct ftp_generation *g)
{
	const struct ftp_program *p = s->program;
	int i, fd = log_fd(g->worker.log), xfer = g->xferlog.fd;

	for (i = 0; i < p->slots; i++) {
		if (p->of[i] == g && fd >= 0)
			net_workers_log(s->workers, i, fd);
		if (p->of[i] == g && xfer >= 0)
			net_workers_xferlog(s->workers, i, xfer);
	}
}

/* Only the configuration in use rotates: others may have it otherwise. */
static void
reopen_log(struct supervisor *s, struct ftp_generation *g)
{
	struct err e;

	if (log_reopen(g->worker.log, &e) < 0)
		ftp_complain(s->program, &e);
	if (g != s->program->now && g != s->next)
		log_leave(g->worker.log);
}

static void
reopen_logs(struct supervisor *s)
{
	struct ftp_program *p = s->program;
	struct ftp_generation *g;
	struct err e;

	for (g = p->generation; g < p->generation + FTP_GENERATIONS; g++) {
		if (g->conf == NULL)
			continue;
		reopen_log(s, g);
		if (ftp_xferlog_open(&g->xferlog, g->conf, &e) < 0)
			ftp_complain(p, &e);
		hand_out_log(s, g);
	}
}

static void
logs_step(struct net_task *t, unsigned why)
{
	struct supervisor *s = (struct supervisor *)
	    ((char *)t - offsetof(struct supervisor, logs));
	struct ftp_program *p = s->program;
	struct ftp_generation *g = p->generation;
	int64_t next = log_turn(p->now->worker.log);
	bool moved = log_moved(p->now->worker.log);

	(void)why;
	for (; moved && g < p->generation + FTP_GENERATIONS; g++) {
		if (g->conf == NULL)
			continue;
		if (g != p->now)
			reopen_log(s, g);
		hand_out_log(s, g);
	}
	net_task_deadline(t, next >= 0 && next < LOGS_MS ? next : LOGS_MS);
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
	ftp_notify(s->program, text);
}

static void
reload(struct supervisor *s)
{
	struct ftp_program *p = s->program;
	struct ftp_generation *g;
	struct err e;

	s->again = s->next != NULL || !s->said;
	if (s->again)
		return;
	s->before = p->now;
	g = ftp_generation_new(p);
	if (g == NULL)
		return;
	s->next = g;
	if (start_workers(s, g, g->workers, &e) == 0)
		return;
	ftp_complain(p, &e);
	s->next = NULL;
	retire(s, g);
}

/* ---- what comes of the workers ---- */

static void
worker_ready(struct supervisor *s)
{
	struct ftp_program *p = s->program;
	struct ftp_generation *old = p->now;

	if (!s->said && all_ready(s, p->now)) {
		s->said = true;
		ftp_say_ready(p);
	} else if (s->next != NULL && all_ready(s, s->next)) {
		ftp_generation_use(p, s->next);
		s->next = NULL;
		net_task_wake(&s->logs);	/* it may have other periods */
		ftp_generation_say(p->now, "reloaded");
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
	struct ftp_program *p = s->program;
	struct ftp_generation *g = p->of[slot];

	net_workers_release(s->workers, slot);
	p->of[slot] = NULL;
	if (ftp_generation_slots(p, g) == 0)
		ftp_generation_free(g);
}

/* Of a configuration that was to become the new one. */
static void
next_failed(struct supervisor *s, int slot)
{
	struct ftp_program *p = s->program;
	struct ftp_generation *g = s->next;

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
say_ended(struct log *log, const struct net_worker_news *news,
    const char *more)
{
	bool killed = WIFSIGNALED(news->status);

	log_line(log, LOG_LEVEL_ERROR, "worker %d (pid %d) %s %d%s",
	    news->slot, (int)news->pid,
	    killed ? "was ended by signal" : "ended with status",
	    killed ? WTERMSIG(news->status) : WEXITSTATUS(news->status), more);
}

static void
worker_ended(struct supervisor *s, const struct net_worker_news *news)
{
	struct ftp_program *p = s->program;
	struct log *log = p->of[news->slot]->worker.log;
	bool killed = WIFSIGNALED(news->status);
	struct err e;

	cos_share_forget(p->cos_share, news->slot);
	ftp_share_forget(p->ftp_share, news->slot);
	if (s->stopping) {
		if (killed)
			say_ended(log, news, "");
		return;
	}
	if (s->next != NULL && p->of[news->slot] == s->next) {
		next_failed(s, news->slot);
		return;
	}
	if (killed || (s->said && !news->retiring)) {
		p->deaths++;
		say_ended(log, news, "; another is started");
	}
	if (news->retiring && !killed) {
		slot_ended(s, news->slot);
	} else if (!s->said && !killed) {
		s->status = WEXITSTATUS(news->status);
		stop(s);	/* it has said why it cannot start */
	} else if (net_workers_start(s->workers, news->slot, &e) < 0) {
		ftp_complain(p, &e);	/* retiring: to abort what it left */
	}
}

/* ---- the loop ---- */

static void
obey_signals(struct supervisor *s)
{
	struct ftp_program *p = s->program;
	char c;

	while (read(p->signals[0], &c, 1) == 1) {
		if (c == SIGCHLD) {
			net_workers_reap(s->workers);
		} else if (c == SIGUSR1) {
			ftp_status_log(p, net_now(s->loop));
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
	bool late = s->stopping && (why & NET_TIMEOUT);
	struct net_worker_news news;
	struct err e;

	obey_signals(s);
	while (net_workers_news(s->workers, &news)) {
		if (news.state == NET_WORKER_ENDED)
			worker_ended(s, &news);
		else if (news.state == NET_WORKER_RESTING)
			log_line(s->program->of[news.slot]->worker.log,
			    LOG_LEVEL_ERROR, "worker %d cannot be started, "
			    "soon another try: %s", news.slot, news.why);
		else if (!s->stopping)
			worker_ready(s);
	}
	if (!s->stopping)
		replace_crippled(s);
	if (s->reloading && !s->stopping && s->next == NULL && !s->again) {
		s->reloading = false;
		ftp_notify(s->program, s->program->now != s->before ?
		    "READY=1\nSTATUS=" : "READY=1\nSTATUS=Not reloaded, the "
		    "log says why; serving as before");
	}
	if (late && net_workers_kill(s->workers, &e) < 0) {
		ftp_complain(s->program, &e);
		net_loop_stop(s->loop);	/* all else that can be done */
	}
	if (s->stopping && net_workers_alive(s->workers) == 0)
		net_loop_stop(s->loop);
}

static void
watchdog_step(struct net_task *t, unsigned why)
{
	struct watchdog *w = (struct watchdog *)t;

	(void)why;
	ftp_notify(w->program, "WATCHDOG=1");
	net_task_deadline(t, w->every);
}

int
ftp_supervise(struct ftp_program *p, struct err *e)
{
	struct supervisor s = { .program = p };
	struct watchdog dog = { .program = p, .every = net_notify_every() };

	s.loop = net_loop_new(e);
	if (s.loop == NULL)
		return FTP_EXIT_START;
	net_task_init(&s.task, s.loop, supervisor_step);
	net_task_watch(&s.task, p->signals[0], NET_READ);
	net_task_init(&s.logs, s.loop, logs_step);
	net_task_deadline(&s.logs, 0);
	net_task_init(&dog.task, s.loop, watchdog_step);
	if (dog.every > 0)
		net_task_deadline(&dog.task, dog.every);
	s.workers = net_workers_new(s.loop, p->slots, ftp_work, p, &s.task, e);
	p->workers = s.workers;
	p->status = ftp_status_new(p, s.loop, e);
	s.status = s.workers == NULL || p->status == NULL ||
	    start_workers(&s, p->now, p->now->workers, e) < 0 ||
	    net_loop_run(s.loop, e) < 0 ? FTP_EXIT_START : s.status;
	ftp_status_free(p->status);
	net_workers_free(s.workers);
	net_task_end(&s.task);
	net_task_end(&s.logs);
	net_task_end(&dog.task);
	net_loop_free(s.loop);
	return s.status;
}
