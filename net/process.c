/*
 * net/process.c - fork workers, hear of their ends, start them again.
 *
 * A worker that dies young is started again only after a pause, which doubles
 * with every early death in a row: a fault that comes back at once must not
 * become a storm of forks.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net_int.h"
#include "process.h"

enum {
	YOUNG_MS = 10 * 1000,
	PAUSE_MS = 100,
	PAUSE_MAX_MS = 10 * 1000
};

struct worker {
	struct net_task task;	/* the control descriptor; the pause */
	struct net_workers *all;
	int slot;
	pid_t pid;		/* 0: none */
	int control;
	int64_t started, pause;
	enum net_worker_state state;
	bool retired;		/* also of those started again */
	int status;
	struct err why;		/* it could not be started */
	bool news;
};

struct net_workers {
	struct net_loop *loop;
	struct net_task *owner;
	int (*body)(void *, int, int);
	void *ctx;
	bool draining;
	int n;
	struct worker worker[];
};

void *
net_shared_new(size_t bytes, struct err *e)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p != MAP_FAILED)
		return p;
	err_sys(e, "map %zu bytes of shared memory", bytes);
	return NULL;
}

void
net_shared_free(void *p, size_t bytes)
{
	if (p != NULL)
		munmap(p, bytes);
}

int
net_bell_new(struct err *e)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	return fd >= 0 ? fd : err_sys(e, "eventfd");
}

void
net_bell_ring(int bell)
{
	uint64_t one = 1;
	ssize_t n = write(bell, &one, sizeof(one));

	(void)n;		/* full: it rings already */
}

void
net_bell_hear(int bell)
{
	uint64_t count;
	ssize_t n = read(bell, &count, sizeof(count));

	(void)n;		/* empty: somebody heard it before */
}

static void
report(int control, char c)
{
	ssize_t n = write(control, &c, 1);

	(void)n;		/* gone: its end of file is read next */
}

void
net_worker_ready(int control)
{
	report(control, 'r');
}

void
net_worker_crippled(int control)
{
	report(control, 'c');
}

union word_control {
	struct cmsghdr align;
	char buf[CMSG_SPACE(sizeof(int))];
};

/* fd -1: none.  A worker that has gone is noticed by its end. */
static void
say(const struct worker *w, enum net_word word, int fd)
{
	char c = (char)word;
	struct iovec iov = { &c, 1 };
	union word_control control = { .buf = { 0 } };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *h = &control.align;
	ssize_t n;

	if (w->control < 0)
		return;
	if (fd >= 0) {
		m.msg_control = control.buf;
		m.msg_controllen = sizeof(control.buf);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(h), &fd, sizeof(fd));
	}
	n = sendmsg(w->control, &m, MSG_NOSIGNAL);
	(void)n;
}

enum net_word
net_worker_hear(int control, int *fd)
{
	char c;
	struct iovec iov = { &c, 1 };
	union word_control buf;
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = buf.buf, .msg_controllen = sizeof(buf.buf) };
	struct cmsghdr *h;
	ssize_t n = recvmsg(control, &m, MSG_CMSG_CLOEXEC);

	if (n < 0 && errno == ENOTSOCK) {
		n = read(control, &c, 1);
		if (n == 1)
			return c == SIGUSR1 ? NET_WORD_STATUS : NET_WORD_STOP;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return NET_WORD_NONE;
	if (n <= 0)
		return NET_WORD_STOP;
	if (c != NET_WORD_LOG && c != NET_WORD_XFERLOG)
		return (enum net_word)c;
	h = CMSG_FIRSTHDR(&m);
	if (h == NULL || h->cmsg_type != SCM_RIGHTS)
		return NET_WORD_NONE;	/* no descriptor was left for it */
	memcpy(fd, CMSG_DATA(h), sizeof(*fd));
	return (enum net_word)c;
}

static void
tell(struct worker *w, enum net_worker_state state)
{
	w->state = state;
	w->news = true;
	net_task_wake(w->all->owner);
}

static void
hang_up(struct worker *w)
{
	net_task_watch(&w->task, -1, 0);
	if (w->control >= 0)
		close(w->control);
	w->control = -1;
}

/* In the child: nothing of the supervisor's stays but what body was given. */
static int
run_child(struct worker *w, int control)
{
	struct net_workers *all = w->all;
	struct sigaction sa = { .sa_handler = SIG_DFL };
	sigset_t none;
	int i;

	for (i = 0; i < all->n; i++)
		if (all->worker[i].control >= 0)
			close(all->worker[i].control);
	setsid();
	sigaction(SIGCHLD, &sa, NULL);
	sa.sa_handler = SIG_IGN;
	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	return all->body(all->ctx, w->slot, control);
}

static int
start(struct worker *w, struct err *e)
{
	int pair[2];
	sigset_t every, old;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
	    pair) < 0)
		return err_sys(e, "socketpair");
	sigfillset(&every);	/* the child must not run our handlers */
	sigprocmask(SIG_SETMASK, &every, &old);
	w->pid = fork();
	if (w->pid == 0) {
		close(pair[0]);
		exit(run_child(w, pair[1]));
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	close(pair[1]);
	if (w->pid < 0) {
		w->pid = 0;
		close(pair[0]);
		return err_sys(e, "fork");
	}
	w->control = pair[0];
	w->state = NET_WORKER_STARTING;
	w->started = net_now(w->all->loop);
	net_task_watch(&w->task, w->control, NET_READ);
	if (w->retired)
		say(w, NET_WORD_RETIRE, -1);
	return 0;
}

static void
step(struct net_task *t, unsigned why)
{
	struct worker *w = (struct worker *)t;
	char c;

	if (w->pid == 0) {
		if (!(why & NET_TIMEOUT) || w->all->draining ||
		    start(w, &w->why) == 0)
			return;
		net_task_deadline(&w->task, PAUSE_MAX_MS);
		tell(w, NET_WORKER_RESTING);
		return;
	}
	switch (read(w->control, &c, 1)) {
	case 1:
		tell(w, w->retired ? NET_WORKER_RETIRING : c == 'c' ?
		    NET_WORKER_CRIPPLED : NET_WORKER_READY);
		break;
	case 0:
		hang_up(w);	/* its end is told by SIGCHLD */
		break;
	}
}

struct net_workers *
net_workers_new(struct net_loop *l, int n,
    int (*body)(void *, int, int), void *ctx, struct net_task *owner,
    struct err *e)
{
	struct net_workers *all = calloc(1, sizeof(*all) +
	    (size_t)n * sizeof(all->worker[0]));
	int i;

	if (all == NULL) {
		err_set(e, "out of memory");
		return NULL;
	}
	all->loop = l;
	all->owner = owner;
	all->body = body;
	all->ctx = ctx;
	all->n = n;
	for (i = 0; i < n; i++) {
		net_task_init(&all->worker[i].task, l, step);
		all->worker[i].all = all;
		all->worker[i].slot = i;
		all->worker[i].control = -1;
		all->worker[i].started = -YOUNG_MS;
	}
	return all;
}

int
net_workers_start(struct net_workers *all, int slot, struct err *e)
{
	struct worker *w = &all->worker[slot];
	int64_t age = net_now(all->loop) - w->started;

	if (all->draining || w->pid != 0)
		return 0;
	if (w->state == NET_WORKER_NONE)
		return start(w, e);
	w->state = NET_WORKER_RESTING;
	if (age >= YOUNG_MS)
		w->pause = 0;
	else if (w->pause == 0)
		w->pause = PAUSE_MS;
	else
		w->pause = w->pause * 2 < PAUSE_MAX_MS ? w->pause * 2 :
		    PAUSE_MAX_MS;
	net_task_deadline(&w->task, w->pause);
	return 0;
}

bool
net_workers_news(struct net_workers *all, struct net_worker_news *news)
{
	struct worker *w;
	int i;

	for (i = 0; i < all->n; i++) {
		w = &all->worker[i];
		if (!w->news)
			continue;
		w->news = false;
		*news = (struct net_worker_news){ .slot = i, .pid = w->pid,
		    .state = w->state, .status = w->status, .why = w->why.text,
		    .retiring = w->retired };
		if (w->state == NET_WORKER_ENDED)
			w->pid = 0;
		return true;
	}
	return false;
}

/* Any child: as process 1 of a container the supervisor also inherits what a
 * worker that died has left (lookups under way). */
void
net_workers_reap(struct net_workers *all)
{
	struct worker *w;
	int status, i;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (i = 0; i < all->n; i++) {
			w = &all->worker[i];
			if (w->pid != pid || w->state == NET_WORKER_ENDED)
				continue;
			w->status = status;
			hang_up(w);
			tell(w, NET_WORKER_ENDED);
			break;
		}
	}
}

enum net_worker_state
net_workers_state(const struct net_workers *all, int slot)
{
	return all->worker[slot].state;
}

void
net_workers_release(struct net_workers *all, int slot)
{
	struct worker *w = &all->worker[slot];

	w->state = NET_WORKER_NONE;
	w->retired = false;
	w->pause = 0;
}

void
net_workers_retire(struct net_workers *all, int slot)
{
	struct worker *w = &all->worker[slot];

	w->retired = true;
	say(w, NET_WORD_RETIRE, -1);
	if (w->state == NET_WORKER_READY || w->state == NET_WORKER_CRIPPLED)
		w->state = NET_WORKER_RETIRING;
}

void
net_workers_log(struct net_workers *all, int slot, int fd)
{
	say(&all->worker[slot], NET_WORD_LOG, fd);
}

void
net_workers_xferlog(struct net_workers *all, int slot, int fd)
{
	say(&all->worker[slot], NET_WORD_XFERLOG, fd);
}

void
net_workers_drain(struct net_workers *all)
{
	int i;

	all->draining = true;
	for (i = 0; i < all->n; i++)
		if (all->worker[i].control >= 0)
			shutdown(all->worker[i].control, SHUT_WR);
}

int
net_workers_kill(struct net_workers *all, struct err *e)
{
	struct worker *w;
	int i, status = 0;

	for (i = 0; i < all->n; i++) {
		w = &all->worker[i];
		if (w->pid > 0 && w->state != NET_WORKER_ENDED &&
		    kill(w->pid, SIGKILL) < 0)
			status = err_sys(e, "worker %d (pid %d) hangs and "
			    "cannot be killed", i, (int)w->pid);
	}
	return status;
}

size_t
net_workers_alive(const struct net_workers *all)
{
	size_t n = 0;
	int i;

	for (i = 0; i < all->n; i++)
		n += all->worker[i].pid > 0;
	return n;
}

void
net_workers_free(struct net_workers *all)
{
	int i;

	for (i = 0; all != NULL && i < all->n; i++) {
		hang_up(&all->worker[i]);
		net_task_end(&all->worker[i].task);
	}
	free(all);
}
