/*
 * cos/inherit.c - abort the uploads that a worker left when it died.
 *
 * One after the other, while the new worker serves.  Whose id was not known
 * yet is looked for, as after a lost answer.
 */
#include <stdlib.h>
#include <string.h>

#include "share_int.h"

struct cos_inherit {
	struct net_task task;
	struct cos_client *client;
	struct cos_bucket *const *buckets;	/* borrowed */
	size_t nbuckets;
	struct cos_live *live;		/* the one being aborted */
	struct cos_abort *abort;
	int aborted;
};

/* With the very prefix: no account ends what is another's. */
static struct cos_bucket *
bucket_of(const struct cos_inherit *h, const struct cos_live *l)
{
	struct cos_bucket *b;
	size_t i;

	for (i = 0; i < h->nbuckets; i++) {
		b = h->buckets[i];
		if (strcmp(b->host, l->host) == 0 &&
		    b->prefix_len == l->prefix_len &&
		    memcmp(b->prefix, l->key, l->prefix_len) == 0)
			return b;
	}
	return NULL;
}

static struct cos_live *
next_dead(const struct cos_inherit *h)
{
	struct cos_slot *mine =
	    &h->client->set.share->slot[h->client->set.slot];
	int i;

	for (i = 0; i < mine->top; i++)
		if (mine->live[i].state == LIVE_DEAD)
			return &mine->live[i];
	return NULL;
}

static void
end(struct cos_inherit *h)
{
	struct cos_client *c = h->client;

	if (h->aborted > 0)
		log_line(c->log, LOG_LEVEL_WARNING, "uploads of the worker "
		    "that died: %d aborted", h->aborted);
	cos_inherit_free(h);
	c->inherit = NULL;
	if (c->norphans == 0)
		net_task_wake(c->waiting);
}

/* Of an entry that cannot be dealt with any more. */
static void
leave(struct cos_inherit *h)
{
	log_line(h->client->log, LOG_LEVEL_ERROR, "upload of %s/%s is left "
	    "unfinished, upload id %s", h->live->host, h->live->key,
	    h->live->id[0] != '\0' ? h->live->id : "unknown");
	cos_live_free(h->live);
}

static void
step(struct net_task *t, unsigned why)
{
	struct cos_inherit *h = (struct cos_inherit *)t;
	struct cos_bucket *b;

	(void)why;
	if (h->abort != NULL && !cos_abort_done(h->abort))
		return;
	if (h->abort != NULL) {
		h->aborted += cos_abort_succeeded(h->abort);
		cos_live_free(h->live);
		cos_abort_free(h->abort);
		h->abort = NULL;
	}
	while (h->abort == NULL && (h->live = next_dead(h)) != NULL) {
		b = bucket_of(h, h->live);
		if (b != NULL)
			h->abort = cos_abort_new(b, h->live->key +
			    b->prefix_len, h->live->id[0] != '\0' ?
			    h->live->id : NULL, h->live->since, "-", &h->task);
		if (h->abort == NULL)	/* the bucket is not ours any more */
			leave(h);
	}
	if (h->abort == NULL)
		end(h);
}

void
cos_client_inherit(struct cos_client *c, struct cos_bucket *const *buckets,
    size_t n)
{
	struct cos_inherit *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return;
	net_task_init(&h->task, c->loop, step);
	h->client = c;
	h->buckets = buckets;
	h->nbuckets = n;
	c->inherit = h;
	net_task_wake(&h->task);
}

void
cos_inherit_free(struct cos_inherit *h)
{
	if (h == NULL)
		return;
	while ((h->live = next_dead(h)) != NULL)
		leave(h);
	cos_abort_free(h->abort);
	net_task_end(&h->task);
	free(h);
}
