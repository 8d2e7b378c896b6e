/*
 * cos/budget.c - one bounded amount of memory for the parts of all uploads,
 * and for what downloads read ahead.
 *
 * A whole part is reserved before its first byte is read, and reservations
 * are granted in the order they were asked for: an upload that holds a part
 * can always finish it, and nobody is overtaken.  The first bytes of an upload
 * have a small buffer beside it, so that neither a tiny file nor a client that
 * sends nothing waits for, or holds, a part.  Downloads get what is free,
 * never wait for it, and are told when uploads do.  Freed chunks are kept.
 */
#include <stdlib.h>

#include "download_int.h"

enum {
	SPARE_MAX = 32,		/* chunks kept: 8 MiB, inside the limit */
	STARTERS_MAX = 512	/* 8 MiB, beside the limit */
};

struct chunk {
	struct chunk *next;
};

struct cos_budget {
	int64_t limit, used;
	struct cos_reserve *first, **last;
	struct cos_reader *readers;
	struct chunk *spare;
	int nspare, nstarters;
};

struct cos_budget *
cos_budget_new(int64_t limit)
{
	struct cos_budget *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	b->limit = limit;
	b->last = &b->first;
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
	free(b);
}

bool
cos_budget_pressed(const struct cos_budget *b)
{
	return b->first != NULL;
}

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

bool
cos_budget_ask(struct cos_budget *b, struct cos_reserve *r, int64_t bytes)
{
	r->bytes = bytes;
	r->granted = r->queued = false;
	if (b->first == NULL && b->used + bytes <= b->limit) {
		b->used += bytes;
		r->granted = true;
		return true;
	}
	if (b->first == NULL)
		tell_readers(b);
	r->queued = true;
	r->next = NULL;
	*b->last = r;
	b->last = &r->next;
	return false;
}

bool
cos_budget_try(struct cos_budget *b, int64_t bytes)
{
	if (b->first != NULL || b->used + bytes > b->limit - b->limit / 4)
		return false;
	b->used += bytes;
	return true;
}

static void
grant(struct cos_budget *b)
{
	struct cos_reserve *r;

	while ((r = b->first) != NULL && b->used + r->bytes <= b->limit) {
		b->first = r->next;
		if (b->first == NULL)
			b->last = &b->first;
		r->queued = false;
		r->granted = true;
		b->used += r->bytes;
		net_task_wake(r->owner);
	}
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
		grant(b);	/* the next one may want less */
	}
}

void
cos_budget_give(struct cos_budget *b, int64_t bytes)
{
	b->used -= bytes;
	grant(b);
}

void *
cos_starter_new(struct cos_budget *b)
{
	void *p = b->nstarters < STARTERS_MAX ? malloc(COS_STARTER) : NULL;

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

	if (b->nspare >= SPARE_MAX) {
		free(p);
		return;
	}
	c->next = b->spare;
	b->spare = c;
	b->nspare++;
}
