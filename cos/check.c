/*
 * cos/check.c - does each account work?  One key of every bucket is asked for,
 * one after the other, as the error of a HEAD has no body.
 */
#include <stdlib.h>

#include "cos_int.h"

struct cos_check {
	struct net_task task;
	struct net_task *owner;
	struct cos_bucket *const *buckets;	/* borrowed */
	size_t n, at;
	FILE *out;
	struct cos_list *list;
	int failures;
};

static void
next(struct cos_check *k)
{
	if (k->at == k->n) {
		net_task_wake(k->owner);
		return;
	}
	k->list = cos_list_new(k->buckets[k->at], "", false, 1, "check",
	    &k->task);
	if (k->list == NULL) {
		k->failures++;
		k->at = k->n;
		fprintf(k->out, "out of memory\n");
		net_task_wake(k->owner);
	}
}

static void
report(struct cos_check *k)
{
	const struct conf_account *a = k->buckets[k->at]->account;
	const struct cos_fault *f = cos_list_fault(k->list);

	if (cos_list_state(k->list) != COS_FAILED) {
		fprintf(k->out, "[%s] %s.%s: ok\n", a->section, a->bucket,
		    a->endpoint);
		return;
	}
	k->failures++;
	fprintf(k->out, "[%s] %s.%s: %s\n", a->section, a->bucket,
	    a->endpoint, f->text);
	if (f->cause == COS_CLOCK)
		fprintf(k->out, "[%s] the store's clock is %lld s %s ours\n",
		    a->section, (long long)llabs(f->skew),
		    f->skew > 0 ? "ahead of" : "behind");
}

static void
step(struct net_task *t, unsigned why)
{
	struct cos_check *k = (struct cos_check *)t;

	(void)why;
	if (k->list != NULL) {
		if (cos_list_next(k->list) == NULL &&
		    cos_list_state(k->list) == COS_BUSY)
			return;
		report(k);
		cos_list_free(k->list);
		k->list = NULL;
		k->at++;
	}
	next(k);
}

struct cos_check *
cos_check_new(struct cos_bucket *const *buckets, size_t n, FILE *out,
    struct net_task *owner)
{
	struct cos_check *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return NULL;
	net_task_init(&k->task, owner->loop, step);
	k->owner = owner;
	k->buckets = buckets;
	k->n = n;
	k->out = out;
	net_task_wake(&k->task);
	return k;
}

bool
cos_check_done(const struct cos_check *k, int *failures)
{
	*failures = k->failures;
	return k->at == k->n;
}

void
cos_check_free(struct cos_check *k)
{
	if (k == NULL)
		return;
	cos_list_free(k->list);
	net_task_end(&k->task);
	free(k);
}
