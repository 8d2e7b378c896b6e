/*
 * net/loop.c - the poll loop: descriptors, deadlines and the list of the
 * woken.
 *
 * A turn is: poll; mark what is ready or late; step the marked.  Tasks are
 * only stepped from the list, so a step may end any task: ending takes it off
 * every structure here.  Descriptors without interest are not in the poll
 * set, as poll() costs time for each.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

#include "net_int.h"

enum {
	/* of the woken waking others, before poll is asked who else waits */
	ROUNDS = 8,
	ROUNDS_MS = 2
};

struct net_loop {
	struct pollfd *pfd;		/* pfd[i] belongs to polled[i] */
	struct net_task **polled;
	size_t npoll, poll_cap;
	struct net_task **heap;		/* least deadline first */
	size_t nheap, heap_cap;
	struct net_task woken;		/* list head; next and prev only */
	int64_t now;
	bool one_long;			/* of this turn's steps took long */
	bool stop;
	bool broken;			/* out of memory while registering */
};

static int64_t
clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

struct net_loop *
net_loop_new(struct err *e)
{
	struct net_loop *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		err_set(e, "out of memory");
		return NULL;
	}
	l->woken.next = l->woken.prev = &l->woken;
	l->now = clock_ms();
	return l;
}

void
net_loop_free(struct net_loop *l)
{
	if (l == NULL)
		return;
	free(l->pfd);
	free(l->polled);
	free(l->heap);
	free(l);
}

int64_t
net_now(const struct net_loop *l)
{
	return l->now;
}

void
net_loop_stop(struct net_loop *l)
{
	l->stop = true;
}

/* ---- deadlines: a binary heap ---- */

static void
heap_set(struct net_loop *l, size_t i, struct net_task *t)
{
	l->heap[i] = t;
	t->heap = (int)i;
}

static void
heap_up(struct net_loop *l, size_t i)
{
	struct net_task *t = l->heap[i];

	while (i > 0 && l->heap[(i - 1) / 2]->deadline > t->deadline) {
		heap_set(l, i, l->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	heap_set(l, i, t);
}

static void
heap_down(struct net_loop *l, size_t i)
{
	struct net_task *t = l->heap[i];
	size_t child;

	while ((child = 2 * i + 1) < l->nheap) {
		if (child + 1 < l->nheap && l->heap[child + 1]->deadline <
		    l->heap[child]->deadline)
			child++;
		if (l->heap[child]->deadline >= t->deadline)
			break;
		heap_set(l, i, l->heap[child]);
		i = child;
	}
	heap_set(l, i, t);
}

static void
heap_remove(struct net_loop *l, struct net_task *t)
{
	size_t i = (size_t)t->heap;
	struct net_task *last;

	t->heap = -1;
	last = l->heap[--l->nheap];
	if (last == t)
		return;
	heap_set(l, i, last);
	heap_up(l, i);
	heap_down(l, (size_t)last->heap);
}

/* Grows an array of pointers or pollfds to hold one more. */
static bool
grow(void **array, size_t *cap, size_t n, size_t size)
{
	size_t want = *cap > 0 ? *cap * 2 : 64;
	void *p;

	if (n < *cap)
		return true;
	p = realloc(*array, want * size);
	if (p == NULL)
		return false;
	*array = p;
	*cap = want;
	return true;
}

void
net_task_deadline(struct net_task *t, int64_t in_ms)
{
	struct net_loop *l = t->loop;

	t->why &= ~(unsigned)NET_TIMEOUT;	/* the old one's, not yet told */
	if (in_ms < 0) {
		if (t->heap >= 0)
			heap_remove(l, t);
		return;
	}
	t->deadline = l->now + in_ms;
	if (t->heap < 0) {
		if (!grow((void **)&l->heap, &l->heap_cap, l->nheap,
		    sizeof(*l->heap))) {
			l->broken = true;
			return;
		}
		heap_set(l, l->nheap++, t);
	}
	heap_up(l, (size_t)t->heap);
	heap_down(l, (size_t)t->heap);
}

/* ---- the poll set ---- */

static void
poll_remove(struct net_loop *l, struct net_task *t)
{
	size_t i = (size_t)t->slot;

	t->slot = -1;
	if (i != --l->npoll) {
		l->pfd[i] = l->pfd[l->npoll];
		l->polled[i] = l->polled[l->npoll];
		l->polled[i]->slot = (int)i;
	}
}

static void
poll_add(struct net_loop *l, struct net_task *t)
{
	size_t cap = l->poll_cap;

	if (!grow((void **)&l->pfd, &cap, l->npoll, sizeof(*l->pfd)) ||
	    !grow((void **)&l->polled, &l->poll_cap, l->npoll,
	    sizeof(*l->polled))) {
		l->broken = true;
		return;
	}
	t->slot = (int)l->npoll++;
	l->polled[t->slot] = t;
}

void
net_task_watch(struct net_task *t, int fd, unsigned want)
{
	struct net_loop *l = t->loop;
	struct pollfd *p;

	t->fd = fd;
	t->want = want;
	if (fd < 0 || want == 0) {
		if (t->slot >= 0)
			poll_remove(l, t);
		return;
	}
	if (t->slot < 0)
		poll_add(l, t);
	if (t->slot < 0)
		return;
	p = &l->pfd[t->slot];
	p->fd = fd;
	p->events = (short)((want & NET_READ ? POLLIN : 0) |
	    (want & NET_WRITE ? POLLOUT : 0));
	p->revents = 0;
}

/* ---- tasks ---- */

void
net_task_init(struct net_task *t, struct net_loop *l,
    void (*step)(struct net_task *, unsigned))
{
	*t = (struct net_task){ .loop = l, .step = step, .fd = -1,
	    .slot = -1, .heap = -1 };
}

static void
unlink_task(struct net_task *t)
{
	t->prev->next = t->next;
	t->next->prev = t->prev;
	t->woken = false;
}

void
net_task_end(struct net_task *t)
{
	if (t->loop == NULL)
		return;
	if (t->slot >= 0)
		poll_remove(t->loop, t);
	if (t->heap >= 0)
		heap_remove(t->loop, t);
	if (t->woken)
		unlink_task(t);
	t->loop = NULL;
}

static void
mark(struct net_task *t, unsigned why)
{
	struct net_task *head = &t->loop->woken;

	t->why |= why;
	if (t->woken)
		return;
	t->woken = true;
	t->prev = head->prev;
	t->next = head;
	head->prev->next = t;
	head->prev = t;
}

void
net_task_wake(struct net_task *t)
{
	if (t != NULL && t->loop != NULL)
		mark(t, NET_WOKEN);
}

static bool
is_late(const struct net_loop *l)
{
	return clock_ms() - l->now >= ROUNDS_MS;
}

bool
net_task_postpone(struct net_task *t, unsigned why)
{
	if (t->loop->one_long && is_late(t->loop)) {
		mark(t, why);
		return true;
	}
	t->loop->one_long = true;
	return false;
}

/* Steps those on the list now; the ones they wake wait for the next round. */
static void
run_round(struct net_loop *l)
{
	struct net_task batch, *t;
	unsigned why;

	if (l->woken.next == &l->woken)
		return;
	batch.next = l->woken.next;
	batch.prev = l->woken.prev;
	batch.next->prev = batch.prev->next = &batch;
	l->woken.next = l->woken.prev = &l->woken;
	while ((t = batch.next) != &batch) {
		unlink_task(t);
		why = t->why;
		t->why = 0;
		t->step(t, why);
	}
}

static int
wait_ms(const struct net_loop *l)
{
	int64_t ms;

	if (l->woken.next != &l->woken)
		return 0;
	if (l->nheap == 0)
		return -1;
	ms = l->heap[0]->deadline - clock_ms();
	if (ms < 0)
		return 0;
	return ms > 60000 ? 60000 : (int)ms;
}

static void
mark_ready(struct net_loop *l, int n)
{
	size_t i;

	for (i = 0; i < l->npoll && n > 0; i++) {
		short re = l->pfd[i].revents;
		unsigned why = 0;

		if (re == 0)
			continue;
		n--;
		if (re & (POLLIN | POLLHUP | POLLERR | POLLNVAL))
			why |= NET_READ;
		if (re & (POLLOUT | POLLHUP | POLLERR | POLLNVAL))
			why |= NET_WRITE;
		mark(l->polled[i], why);
	}
}

int
net_loop_run(struct net_loop *l, struct err *e)
{
	struct net_task *t;
	int n, round;

	while (!l->stop) {
		if (l->broken)
			return err_set(e, "out of memory in the poll loop");
		n = poll(l->pfd, (nfds_t)l->npoll, wait_ms(l));
		if (n < 0 && errno != EINTR && errno != ENOMEM)
			return err_sys(e, "poll");
		l->now = clock_ms();
		l->one_long = false;
		mark_ready(l, n);
		while (l->nheap > 0 && l->heap[0]->deadline <= l->now) {
			t = l->heap[0];
			heap_remove(l, t);
			mark(t, NET_TIMEOUT);
		}
		round = 0;
		do
			run_round(l);
		while (++round < ROUNDS && !l->stop && !is_late(l));
	}
	l->stop = false;
	return 0;
}
