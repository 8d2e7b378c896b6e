/*
 * cos/budget.c - one bounded amount of memory for the parts of all uploads,
 * and for what downloads read ahead, in all workers together.
 *
 * A whole part is reserved before its first byte is read, and reservations
 * are granted in the order they were asked for: an upload that holds a part
 * can always finish it, and nobody is overtaken.  Each worker has a queue of
 * its own and shows the ticket of its first; who gives memory back, or begins
 * to wait, rings the others.  Memory is taken first and given back at once
 * if that was too much, so that two workers never have it both.  The first
 * bytes of an upload have a small buffer beside it, so that neither a tiny file
 * nor a client that sends nothing waits for, or holds, a part.  Downloads get
 * what is free, never wait for it, and are told when uploads do.  Freed chunks
 * are kept.
 */
#include <stdlib.h>

#include "download_int.h"
#include "share_int.h"

enum {
	SPARE_MAX = 32,		/* chunks kept: 8 MiB, by all workers */
	STARTERS_MAX = 512	/* 8 MiB, beside the limit */
};

struct chunk {
	struct chunk *next;
};

struct cos_budget {
	struct net_task task;		/* hears the bell */
	struct cos_share *share;
	struct cos_slot *mine;
	int64_t limit;
	struct cos_reserve *first, **last;
	struct cos_reader *readers;
	struct chunk *spare;
	int nspare, spare_max, nstarters, starters_max;
};

/* ---- the other workers ---- */

/* Somebody waits, here or there. */
bool
cos_budget_pressed(const struct cos_budget *b)
{
	int i;

	for (i = 0; i < b->share->slots; i++)
		if (b->share->slot[i].ticket != 0)
			return true;
	return false;
}

static bool
my_turn(const struct cos_budget *b, uint64_t ticket)
{
	uint64_t other;
	int i;

	for (i = 0; i < b->share->slots; i++) {
		other = b->share->slot[i].ticket;
		if (other != 0 && other < ticket)
			return false;
	}
	return true;
}

static void
ring(const struct cos_budget *b, bool all)
{
	struct cos_slot *slot;
	int i;

	for (i = 0; i < b->share->slots; i++) {
		slot = &b->share->slot[i];
		if (slot != b->mine && (all || slot->ticket != 0))
			net_bell_ring(slot->bell);
	}
}

static void
put_back(struct cos_budget *b, int64_t bytes)
{
	b->mine->held -= bytes;
	ring(b, false);
}

/* of: at most so much may be in use then */
static bool
take(struct cos_budget *b, int64_t bytes, int64_t of)
{
	int64_t sum = 0;
	int i;

	b->mine->held += bytes;
	for (i = 0; i < b->share->slots; i++)
		sum += b->share->slot[i].held;
	if (sum <= of)
		return true;
	put_back(b, bytes);
	return false;
}

static void
show_ticket(struct cos_budget *b)
{
	b->mine->ticket = b->first != NULL ? b->first->ticket : 0;
}

/* ---- readers ---- */

void
cos_budget_reader(struct cos_budget *b, struct cos_reader *r,
    struct net_task *task)
{
	r->task = task;
	r->prev = NULL;
	r->next = b->readers;
	if (r->next != NULL)
		r->next->prev = r;
	b->readers = r;
}

void
cos_budget_reader_end(struct cos_budget *b, struct cos_reader *r)
{
	if (r->prev != NULL)
		r->prev->next = r->next;
	else
		b->readers = r->next;
	if (r->next != NULL)
		r->next->prev = r->prev;
}

static void
tell_readers(const struct cos_budget *b)
{
	const struct cos_reader *r;

	for (r = b->readers; r != NULL; r = r->next)
		net_task_wake(r->task);
}

/* ---- reservations ---- */

static void
grant(struct cos_budget *b)
{
	struct cos_reserve *r;

	while ((r = b->first) != NULL && my_turn(b, r->ticket) &&
	    take(b, r->bytes, b->limit)) {
		b->first = r->next;
		if (b->first == NULL)
			b->last = &b->first;
		show_ticket(b);
		r->queued = false;
		r->granted = true;
		net_task_wake(r->owner);
		ring(b, false);		/* what is left may do for others */
	}
}

bool
cos_budget_ask(struct cos_budget *b, struct cos_reserve *r, int64_t bytes)
{
	r->bytes = bytes;
	r->granted = r->queued = false;
	if (!cos_budget_pressed(b) && take(b, bytes, b->limit)) {
		r->granted = true;
		return true;
	}
	r->ticket = ++b->share->tickets;
	r->queued = true;
	r->next = NULL;
	*b->last = r;
	b->last = &r->next;
	if (b->first != r)
		return false;
	show_ticket(b);
	tell_readers(b);
	ring(b, true);
	grant(b);		/* given back before the ticket was seen? */
	return r->granted;
}

bool
cos_budget_try(struct cos_budget *b, int64_t bytes)
{
	return !cos_budget_pressed(b) &&
	    take(b, bytes, b->limit - b->limit / 4);
}

void
cos_budget_cancel(struct cos_budget *b, struct cos_reserve *r)
{
	struct cos_reserve **p;

	if (r->granted) {
		r->granted = false;
		cos_budget_give(b, r->bytes);
	} else if (r->queued) {
		for (p = &b->first; *p != r; p = &(*p)->next)
			;
		*p = r->next;
		if (*p == NULL)
			b->last = p;
		r->queued = false;
		show_ticket(b);
		ring(b, false);		/* it may be another's turn */
		grant(b);		/* the next one may want less */
	}
}

void
cos_budget_give(struct cos_budget *b, int64_t bytes)
{
	put_back(b, bytes);
	grant(b);
}

static void
step(struct net_task *t, unsigned why)
{
	struct cos_budget *b = (struct cos_budget *)t;

	if (why & NET_READ)
		net_bell_hear(b->mine->bell);
	if (cos_budget_pressed(b))
		tell_readers(b);
	grant(b);
}

struct cos_budget *
cos_budget_new(struct net_loop *l, struct cos_share *share, int slot,
    int64_t limit)
{
	struct cos_budget *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	net_task_init(&b->task, l, step);
	b->share = share;
	b->mine = &share->slot[slot];
	b->limit = limit;
	b->last = &b->first;
	b->spare_max = SPARE_MAX / share->workers;
	b->starters_max = 1 + STARTERS_MAX / share->workers;
	if (share->slots > 1)
		net_task_watch(&b->task, b->mine->bell, NET_READ);
	return b;
}

void
cos_budget_free(struct cos_budget *b)
{
	struct chunk *c;

	if (b == NULL)
		return;
	while ((c = b->spare) != NULL) {
		b->spare = c->next;
		free(c);
	}
	net_task_end(&b->task);
	free(b);
}

/* ---- the buffers themselves ---- */

void *
cos_starter_new(struct cos_budget *b)
{
	void *p = b->nstarters < b->starters_max ? malloc(COS_STARTER) : NULL;

	b->nstarters += p != NULL;
	return p;
}

void
cos_starter_free(struct cos_budget *b, void *p)
{
	b->nstarters -= p != NULL;
	free(p);
}

void *
cos_chunk_new(struct cos_budget *b)
{
	struct chunk *c = b->spare;

	if (c == NULL)
		return malloc(COS_CHUNK);
	b->spare = c->next;
	b->nspare--;
	return c;
}

void
cos_chunk_free(struct cos_budget *b, void *p)
{
	struct chunk *c = p;

	if (b->nspare >= b->spare_max) {
		free(p);
		return;
	}
	c->next = b->spare;
	b->spare = c;
	b->nspare++;
}
