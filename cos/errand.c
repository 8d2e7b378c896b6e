/*
 * cos/errand.c - what --check and --clean have in common: a thing done in
 * every bucket, one after the other, with a line of each.
 */
#include <stdlib.h>

#include "cos_int.h"

void
cos_errand_begin(struct cos_errand *k, struct cos_bucket *const *buckets,
    size_t n, FILE *out, void (*step)(struct net_task *, unsigned),
    void (*cancel)(struct cos_errand *), struct net_task *owner)
{
	net_task_init(&k->task, owner->loop, step);
	k->owner = owner;
	k->buckets = buckets;
	k->n = n;
	k->out = out;
	k->cancel = cancel;
	net_task_wake(&k->task);
}

bool
cos_errand_over(struct cos_errand *k)
{
	if (k->at < k->n)
		return false;
	net_task_wake(k->owner);
	return true;
}

void
cos_errand_give_up(struct cos_errand *k)
{
	fprintf(k->out, "out of memory\n");
	k->failures++;
	k->at = k->n;
	net_task_wake(k->owner);
}

bool
cos_errand_done(const struct cos_errand *k, int *failures)
{
	*failures = k->failures;
	return k->at == k->n;
}

void
cos_errand_free(struct cos_errand *k)
{
	if (k == NULL)
		return;
	k->cancel(k);
	net_task_end(&k->task);
	free(k);
}
