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

struct cos_clean {
	struct net_task task;
	struct net_task *owner;
	struct cos_bucket *const *buckets;	/* borrowed */
	size_t n, at;
	int64_t age;			/* s */
	FILE *out;
	struct cos_uploads *list;
	struct cos_abort *abort;
	struct cos_pending row;		/* being aborted */
	int aborted, kept;		/* of this bucket */
	int failures;
};

static void
say(const struct cos_clean *k, const char *what)
{
	time_t t = (time_t)k->row.begun;
	char begun[32];
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(begun, sizeof(begun), "%Y-%m-%dT%H:%M:%SZ", &tm);
	fprintf(k->out, "%s/%s upload %s, begun %s: %s\n",
	    k->buckets[k->at]->account->bucket, k->row.key, k->row.id, begun,
	    what);
}

/* Two accounts of one bucket: once is enough. */
static bool
seen_before(const struct cos_clean *k)
{
	size_t i;

	for (i = 0; i < k->at; i++)
		if (strcmp(k->buckets[i]->host, k->buckets[k->at]->host) == 0)
			return true;
	return false;
}

static void
next_bucket(struct cos_clean *k)
{
	while (k->at < k->n && seen_before(k))
		k->at++;
	if (k->at == k->n) {
		net_task_wake(k->owner);
		return;
	}
	k->aborted = k->kept = 0;
	k->list = cos_uploads_new(k->buckets[k->at], "", "clean", &k->task);
	if (k->list == NULL) {
		fprintf(k->out, "out of memory\n");
		k->failures++;
		k->at = k->n;
		net_task_wake(k->owner);
	}
}

static void
bucket_end(struct cos_clean *k)
{
	const char *bucket = k->buckets[k->at]->account->bucket;

	if (cos_uploads_state(k->list) == COS_FAILED) {
		fprintf(k->out, "%s: %s\n", bucket,
		    cos_uploads_fault(k->list)->text);
		k->failures++;
	} else {
		fprintf(k->out, "%s: %d aborted, %d younger left\n", bucket,
		    k->aborted, k->kept);
	}
	cos_uploads_free(k->list);
	k->list = NULL;
	k->at++;
	next_bucket(k);
}

static bool
is_old(const struct cos_clean *k, const struct cos_pending *p)
{
	int64_t now = (int64_t)time(NULL) + k->buckets[k->at]->skew;

	return p->key[0] != '\0' && p->begun > 0 && p->begun <= now - k->age;
}

static void
abort_end(struct cos_clean *k)
{
	bool ok = cos_abort_succeeded(k->abort);

	say(k, ok ? "aborted" : "could not be aborted");
	k->aborted += ok;
	k->failures += !ok;
	cos_abort_free(k->abort);
	k->abort = NULL;
}

static void
step(struct net_task *t, unsigned why)
{
	struct cos_clean *k = (struct cos_clean *)t;
	const struct cos_pending *p;

	(void)why;
	if (k->abort != NULL && !cos_abort_done(k->abort))
		return;
	if (k->abort != NULL)
		abort_end(k);
	if (k->list == NULL) {
		if (k->at < k->n)
			next_bucket(k);
		return;
	}
	while ((p = cos_uploads_next(k->list)) != NULL) {
		if (!is_old(k, p)) {
			k->kept++;
			continue;
		}
		k->row = *p;
		k->abort = cos_abort_new(k->buckets[k->at], k->row.key,
		    k->row.id, 0, "clean", &k->task);
		if (k->abort != NULL)
			return;
		say(k, "out of memory");
		k->failures++;
	}
	if (cos_uploads_state(k->list) != COS_BUSY)
		bucket_end(k);
}

struct cos_clean *
cos_clean_new(struct cos_bucket *const *buckets, size_t n, int64_t age,
    FILE *out, struct net_task *owner)
{
	struct cos_clean *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return NULL;
	net_task_init(&k->task, owner->loop, step);
	k->owner = owner;
	k->buckets = buckets;
	k->n = n;
	k->age = age;
	k->out = out;
	net_task_wake(&k->task);
	return k;
}

bool
cos_clean_done(const struct cos_clean *k, int *failures)
{
	*failures = k->failures;
	return k->at == k->n;
}

void
cos_clean_free(struct cos_clean *k)
{
	if (k == NULL)
		return;
	cos_abort_free(k->abort);
	cos_uploads_free(k->list);
	net_task_end(&k->task);
	free(k);
}
