/*
 * cos/check.c - does each account work?  One key of every bucket is asked for,
 * as the error of a HEAD has no body.
 */
#include <stdlib.h>

#include "cos_int.h"

struct check {
	struct cos_errand errand;
	struct cos_list *list;
};

static void
next(struct check *k)
{
	if (cos_errand_over(&k->errand))
		return;
	k->list = cos_list_new(k->errand.buckets[k->errand.at], "", false, 1,
	    "check", &k->errand.task);
	if (k->list == NULL)
		cos_errand_give_up(&k->errand);
}

static void
report(struct check *k)
{
	const struct cos_bucket *b = k->errand.buckets[k->errand.at];
	const struct conf_account *a = b->account;
	const char *slash = b->prefix_len > 0 ? "/" : "";
	const struct cos_fault *f = cos_list_fault(k->list);
	FILE *out = k->errand.out;

	if (cos_list_state(k->list) != COS_FAILED) {
		fprintf(out, "[%s] %s.%s%s%s: ok\n", a->section, a->bucket,
		    a->endpoint, slash, b->prefix);
		return;
	}
	k->errand.failures++;
	fprintf(out, "[%s] %s.%s%s%s: %s\n", a->section, a->bucket,
	    a->endpoint, slash, b->prefix, f->text);
	if (f->cause == COS_CLOCK)
		fprintf(out, "[%s] the store's clock is %lld s %s ours\n",
		    a->section, (long long)llabs(f->skew),
		    f->skew > 0 ? "ahead of" : "behind");
}

static void
step(struct net_task *t, unsigned why)
{
	struct check *k = (struct check *)t;

	(void)why;
	if (k->list != NULL) {
		if (cos_list_next(k->list) == NULL &&
		    cos_list_state(k->list) == COS_BUSY)
			return;
		report(k);
		cos_list_free(k->list);
		k->list = NULL;
		k->errand.at++;
	}
	next(k);
}

static void
cancel(struct cos_errand *errand)
{
	cos_list_free(((struct check *)errand)->list);
}

struct cos_errand *
cos_check_new(struct cos_bucket *const *buckets, size_t n, FILE *out,
    struct net_task *owner)
{
	struct check *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return NULL;
	cos_errand_begin(&k->errand, buckets, n, out, step, cancel, owner);
	return &k->errand;
}
