/*
 * cos/clean.c - abort what was begun long ago and never completed, in every
 * bucket, one upload after the other (cosftpd --clean).
 *
 * The uploads of other tools are aborted, too: that is why it is done on
 * demand only, and by age.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cos_int.h"

struct clean {
	struct cos_errand errand;
	int64_t age;			/* s */
	struct cos_uploads *list;
	struct cos_abort *abort;
	struct cos_pending row;		/* being aborted */
	int aborted, kept;		/* of this bucket */
};

static struct cos_bucket *
bucket_of(const struct clean *k)
{
	return k->errand.buckets[k->errand.at];
}

static void
say(const struct clean *k, const char *what)
{
	time_t t = (time_t)k->row.begun;
	char begun[32];
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(begun, sizeof(begun), "%Y-%m-%dT%H:%M:%SZ", &tm);
	fprintf(k->errand.out, "%s%s upload %s, begun %s: %s\n",
	    bucket_of(k)->at, k->row.key, k->row.id, begun, what);
}

/* Two accounts of one bucket and prefix: once is enough. */
static bool
seen_before(const struct clean *k)
{
	size_t i;

	for (i = 0; i < k->errand.at; i++)
		if (strcmp(k->errand.buckets[i]->host,
		    bucket_of(k)->host) == 0 &&
		    strcmp(k->errand.buckets[i]->at, bucket_of(k)->at) == 0)
			return true;
	return false;
}

static void
next_bucket(struct clean *k)
{
	while (k->errand.at < k->errand.n && seen_before(k))
		k->errand.at++;
	if (cos_errand_over(&k->errand))
		return;
	k->aborted = k->kept = 0;
	k->list = cos_uploads_new(bucket_of(k), "", "clean", &k->errand.task);
	if (k->list == NULL)
		cos_errand_give_up(&k->errand);
}

static void
bucket_end(struct clean *k)
{
	const struct cos_bucket *b = bucket_of(k);
	int len = (int)strlen(b->at) - (b->prefix_len == 0);

	if (cos_uploads_state(k->list) == COS_FAILED) {
		fprintf(k->errand.out, "%.*s: %s\n", len, b->at,
		    cos_uploads_fault(k->list)->text);
		k->errand.failures++;
	} else {
		fprintf(k->errand.out, "%.*s: %d aborted, %d younger left\n",
		    len, b->at, k->aborted, k->kept);
	}
	cos_uploads_free(k->list);
	k->list = NULL;
	k->errand.at++;
	next_bucket(k);
}

static bool
is_old(const struct clean *k, const struct cos_pending *p)
{
	int64_t now = (int64_t)time(NULL) + bucket_of(k)->skew;

	return p->key[0] != '\0' && p->begun > 0 && p->begun <= now - k->age;
}

static void
abort_end(struct clean *k)
{
	bool ok = cos_abort_succeeded(k->abort);

	say(k, ok ? "aborted" : "could not be aborted");
	k->aborted += ok;
	k->errand.failures += !ok;
	cos_abort_free(k->abort);
	k->abort = NULL;
}

static void
step(struct net_task *t, unsigned why)
{
	struct clean *k = (struct clean *)t;
	const struct cos_pending *p;

	(void)why;
	if (k->abort != NULL && !cos_abort_done(k->abort))
		return;
	if (k->abort != NULL)
		abort_end(k);
	if (k->list == NULL) {
		if (k->errand.at < k->errand.n)
			next_bucket(k);
		return;
	}
	while ((p = cos_uploads_next(k->list)) != NULL) {
		if (!is_old(k, p)) {
			k->kept++;
			continue;
		}
		k->row = *p;
		k->abort = cos_abort_new(bucket_of(k), k->row.key,
		    k->row.id, 0, "clean", &k->errand.task);
		if (k->abort != NULL)
			return;
		say(k, "out of memory");
		k->errand.failures++;
	}
	if (cos_uploads_state(k->list) != COS_BUSY)
		bucket_end(k);
}

static void
cancel(struct cos_errand *errand)
{
	struct clean *k = (struct clean *)errand;

	cos_abort_free(k->abort);
	cos_uploads_free(k->list);
}

struct cos_errand *
cos_clean_new(struct cos_bucket *const *buckets, size_t n, int64_t age,
    FILE *out, struct net_task *owner)
{
	struct clean *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return NULL;
	k->age = age;
	cos_errand_begin(&k->errand, buckets, n, out, step, cancel, owner);
	return &k->errand;
}
