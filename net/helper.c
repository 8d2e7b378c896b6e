/*
 * net/helper.c - a process beside a worker, for what may block or burn: the
 * worker's side.
 *
 * The worker keeps the queue: what it has sent never waits, and who gives a job
 * up is not waited for.  When the process is gone all jobs fail.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net_int.h"

/* at once; lookups always find a place */
static const int most[NET_JOB_KINDS] = { HELPER_JOBS, HELPER_JOBS - 2 };

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
	} slot[HELPER_JOBS];
};

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

	for (i = 0; i < HELPER_JOBS; i++)
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
	struct helper_message m = { .slot = slot, .kind = j->kind };
	size_t n = helper_message_size(j->len);
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
	    h->running[kind] < most[kind]) {
		for (i = 0; i < HELPER_JOBS && h->slot[i].busy; i++)
			;
		if (i == HELPER_JOBS)
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
take_answer(struct net_helper *h, const struct helper_message *m, size_t len)
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
	struct helper_message m;
	ssize_t n;
	int i;

	(void)why;
	while (h->task.fd >= 0) {
		n = read(h->task.fd, &m, sizeof(m));
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n < (ssize_t)helper_message_size(0) || m.slot < 0 ||
		    m.slot >= HELPER_JOBS || !h->slot[m.slot].busy)
			lose_helper(h);
		else
			take_answer(h, &m, (size_t)n - helper_message_size(0));
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
