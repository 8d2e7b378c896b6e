/*
 * net/helper.c - a process beside a worker, for what may block or burn.
 *
 * It is forked before the worker gives up its rights, and holds nothing but
 * its end of a socket pair.  Each job runs in a child of its own, which answers
 * on that socket; for one that did not the helper does.  The worker keeps the
 * queue: what it has sent never waits, and who gives a job up is not waited
 * for.  The helper ends when its worker has, and its children with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net_int.h"

enum {
	JOBS = 8,		/* at once */
	CHILD_S = 20,		/* a child lives no longer */
	NICE = 10		/* what burns: sessions go first */
};

/* Both ways; data is as long as the message. */
struct message {
	int slot;
	int kind;
	bool failed;
	_Alignas(8) unsigned char data[NET_JOB_MAX];
};

static const struct kind {
	size_t (*work)(const void *in, void *out);
	int most;		/* at once, so that lookups find a place */
	bool burns;		/* the limit is of the processor's time */
} kinds[] = {
	[NET_JOB_RESOLVE] = { net_resolve_work, JOBS, false },
	[NET_JOB_HASH] = { net_hash_work, JOBS - 2, true },
};

struct net_job {
	struct net_job *next, *prev;	/* of those that wait */
	struct net_helper *helper;
	struct net_task *owner;
	int kind, slot;			/* slot -1: waits, or is done */
	bool done;
	const char *reason;		/* NULL: answered */
	size_t len;
	_Alignas(8) unsigned char data[NET_JOB_MAX];	/* asked; the answer */
};

struct net_helper {
	struct net_task task;
	struct net_task *owner;
	struct net_job *first[NET_JOB_KINDS], *last[NET_JOB_KINDS];
	int running[NET_JOB_KINDS];
	struct {
		bool busy;
		int kind;
		struct net_job *job;	/* NULL: given up */
	} slot[JOBS];
};

static size_t
size_of(size_t len)
{
	return offsetof(struct message, data) + len;
}

/* ---- in the helper ---- */

/* It keeps nothing of the worker's open. */
static void
close_others(int keep)
{
	int fd;

	if (keep != 3 && dup2(keep, 3) < 0)
		_exit(1);
#ifdef SYS_close_range
	if (syscall(SYS_close_range, 4U, ~0U, 0U) == 0)
		return;
#endif
	for (fd = 4; fd < 65536; fd++)
		close(fd);
}

static void
child(struct message *m, pid_t parent)
{
	const struct kind *k = &kinds[m->kind];
	struct rlimit cpu = { CHILD_S, CHILD_S + 1 };
	struct message out = { .slot = m->slot, .kind = m->kind };
	size_t n;

	signal(SIGTERM, SIG_DFL);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	if (!k->burns)
		alarm(CHILD_S);
	else if (setrlimit(RLIMIT_CPU, &cpu) < 0 ||
	    setpriority(PRIO_PROCESS, 0, NICE) < 0)
		_exit(1);
	n = size_of(k->work(m->data, out.data));
	signal(SIGALRM, SIG_IGN);	/* one answer of each */
	signal(SIGXCPU, SIG_IGN);
	_exit(write(3, &out, n) != (ssize_t)n);
}

static void
answer_failure(int slot, int kind)
{
	struct message out = { .slot = slot, .kind = kind, .failed = true };

	if (write(3, &out, size_of(0)) < 0)
		_exit(1);
}

static void
reap(pid_t pid[JOBS], const int kind[JOBS])
{
	int status, i;
	pid_t ended;

	while ((ended = waitpid(-1, &status, WNOHANG)) > 0) {
		for (i = 0; i < JOBS && pid[i] != ended; i++)
			;
		if (i == JOBS)
			continue;
		pid[i] = 0;
		if (status != 0)
			answer_failure(i, kind[i]);
	}
}

static void
on_child(int sig)
{
	(void)sig;		/* ends ppoll */
}

static void
serve(void)
{
	struct pollfd p = { .fd = 3, .events = POLLIN };
	struct sigaction sa = { .sa_handler = on_child };
	pid_t pid[JOBS] = { 0 }, self = getpid();
	int kind[JOBS];
	sigset_t chld, none;
	struct message m;
	ssize_t n;

	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigaction(SIGCHLD, &sa, NULL);
	sigemptyset(&none);
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_SETMASK, &chld, NULL);
	for (;;) {
		reap(pid, kind);
		if (ppoll(&p, 1, NULL, &none) <= 0)
			continue;
		n = read(3, &m, sizeof(m));
		if (n <= (ssize_t)size_of(0) || m.slot < 0 || m.slot >= JOBS ||
		    m.kind < 0 || m.kind >= NET_JOB_KINDS)
			_exit(0);	/* the worker is gone */
		kind[m.slot] = m.kind;
		pid[m.slot] = fork();
		if (pid[m.slot] == 0)
			child(&m, self);
		if (pid[m.slot] < 0)
			answer_failure(m.slot, m.kind);
		tls_wipe(&m, sizeof(m));
	}
}

int
net_helper_fork(int (*first)(void *), void *ctx, struct err *e)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "socketpair");
	pid = fork();
	if (pid == 0) {
		if (first != NULL && first(ctx) < 0)
			_exit(1);
		close_others(pair[1]);
		serve();
	}
	close(pair[1]);
	if (pid < 0 || fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0) {
		err_sys(e, "fork the helper");
		close(pair[0]);
		return -1;
	}
	return pair[0];
}

/* ---- in the worker ---- */

static void
finish(struct net_job *j, const char *reason)
{
	j->slot = -1;
	j->done = true;
	j->reason = reason;
	if (reason != NULL)
		tls_wipe(j->data, sizeof(j->data));
	net_task_wake(j->owner);
}

static void
unlink_job(struct net_job *j)
{
	struct net_helper *h = j->helper;

	if (j->prev != NULL)
		j->prev->next = j->next;
	else
		h->first[j->kind] = j->next;
	if (j->next != NULL)
		j->next->prev = j->prev;
	else
		h->last[j->kind] = j->prev;
	j->next = j->prev = NULL;
}

static void
lose_helper(struct net_helper *h)
{
	if (h->task.fd < 0)
		return;
	close(h->task.fd);
	net_task_watch(&h->task, -1, 0);
	net_task_wake(h->owner);
}

/* Without a helper. */
static void
fail_all(struct net_helper *h)
{
	const char *reason = "the helper process is gone";
	struct net_job *j;
	int i;

	for (i = 0; i < JOBS; i++)
		if (h->slot[i].job != NULL)
			finish(h->slot[i].job, reason);
	memset(h->slot, 0, sizeof(h->slot));
	for (i = 0; i < NET_JOB_KINDS; i++)
		while ((j = h->first[i]) != NULL) {
			unlink_job(j);
			finish(j, reason);
		}
}

static bool
send_job(struct net_helper *h, struct net_job *j, int slot)
{
	struct message m = { .slot = slot, .kind = j->kind };
	size_t n = size_of(j->len);
	bool sent;

	memcpy(m.data, j->data, j->len);
	sent = write(h->task.fd, &m, n) == (ssize_t)n;
	tls_wipe(&m, sizeof(m));
	tls_wipe(j->data, j->len);
	return sent;
}

/* Those that wait, as far as there are places. */
static void
start_jobs(struct net_helper *h, int kind)
{
	struct net_job *j;
	int i;

	while ((j = h->first[kind]) != NULL &&
	    h->running[kind] < kinds[kind].most) {
		for (i = 0; i < JOBS && h->slot[i].busy; i++)
			;
		if (i == JOBS)
			return;
		if (!send_job(h, j, i)) {
			lose_helper(h);
			return;
		}
		unlink_job(j);
		h->running[kind]++;
		h->slot[i].busy = true;
		h->slot[i].kind = kind;
		h->slot[i].job = j;
		j->slot = i;
	}
}

static void
take_answer(struct net_helper *h, const struct message *m, size_t len)
{
	struct net_job *j = h->slot[m->slot].job;

	h->running[h->slot[m->slot].kind]--;
	h->slot[m->slot].busy = false;
	h->slot[m->slot].job = NULL;
	if (j == NULL)
		return;
	memcpy(j->data, m->data, len);
	j->len = len;
	finish(j, m->failed ? "no answer" : NULL);
}

static void
helper_step(struct net_task *t, unsigned why)
{
	struct net_helper *h = (struct net_helper *)t;
	struct message m;
	ssize_t n;
	int i;

	(void)why;
	while (h->task.fd >= 0) {
		n = read(h->task.fd, &m, sizeof(m));
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n < (ssize_t)size_of(0) || m.slot < 0 || m.slot >= JOBS ||
		    !h->slot[m.slot].busy)
			lose_helper(h);
		else
			take_answer(h, &m, (size_t)n - size_of(0));
	}
	for (i = 0; i < NET_JOB_KINDS && h->task.fd >= 0; i++)
		start_jobs(h, i);
	if (h->task.fd < 0)
		fail_all(h);
}

struct net_helper *
net_helper_new(struct net_loop *l, int fd, struct net_task *owner)
{
	struct net_helper *h = calloc(1, sizeof(*h));

	if (h == NULL) {
		close(fd);
		return NULL;
	}
	net_task_init(&h->task, l, helper_step);
	net_task_watch(&h->task, fd, NET_READ);
	h->owner = owner;
	return h;
}

bool
net_helper_alive(const struct net_helper *h)
{
	return h->task.fd >= 0;
}

void
net_helper_free(struct net_helper *h)
{
	if (h == NULL)
		return;
	h->owner = NULL;
	lose_helper(h);
	net_task_end(&h->task);
	free(h);
}

struct net_job *
net_job_new(struct net_helper *h, enum net_job_kind kind, const void *in,
    size_t n, struct net_task *owner)
{
	struct net_job *j = h != NULL && n <= NET_JOB_MAX ?
	    calloc(1, sizeof(*j)) : NULL;

	if (j == NULL)
		return NULL;
	j->helper = h;
	j->owner = owner;
	j->kind = (int)kind;
	j->slot = -1;
	j->len = n;
	memcpy(j->data, in, n);
	j->prev = h->last[kind];
	if (j->prev != NULL)
		j->prev->next = j;
	else
		h->first[kind] = j;
	h->last[kind] = j;
	net_task_wake(&h->task);
	return j;
}

bool
net_job_done(const struct net_job *j)
{
	return j->done;
}

const void *
net_job_answer(const struct net_job *j, size_t *n, const char **reason)
{
	*n = j->len;
	*reason = j->reason;
	return j->reason == NULL ? j->data : NULL;
}

void
net_job_free(struct net_job *j)
{
	if (j == NULL)
		return;
	if (j->slot >= 0)
		j->helper->slot[j->slot].job = NULL;
	else if (!j->done)
		unlink_job(j);
	tls_wipe(j, sizeof(*j));
	free(j);
}
