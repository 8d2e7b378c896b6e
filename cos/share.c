/*
 * cos/share.c - the memory that workers share, and the table of uploads.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "share_int.h"

static size_t
size_of(int slots)
{
	return sizeof(struct cos_share) +
	    (size_t)slots * sizeof(struct cos_slot);
}

struct cos_share *
cos_share_new(int slots, int workers, struct err *e)
{
	struct cos_share *s = net_shared_new(size_of(slots), e);
	int i;

	if (s == NULL)
		return NULL;
	s->slots = slots;
	s->workers = workers;
	for (i = 0; i < slots; i++)
		s->slot[i].bell = -1;
	for (i = 0; i < slots; i++) {
		s->slot[i].bell = net_bell_new(e);
		if (s->slot[i].bell < 0) {
			cos_share_free(s);
			return NULL;
		}
	}
	return s;
}

void
cos_share_free(struct cos_share *s)
{
	int i;

	if (s == NULL)
		return;
	for (i = 0; i < s->slots; i++)
		if (s->slot[i].bell >= 0)
			close(s->slot[i].bell);
	net_shared_free(s, size_of(s->slots));
}

void
cos_share_forget(struct cos_share *s, int slot)
{
	struct cos_slot *dead = &s->slot[slot];
	int i, state;

	dead->held = 0;
	dead->ticket = 0;
	for (i = 0; i < dead->top; i++) {
		state = dead->live[i].state;
		if (state == LIVE_SENT)	/* perhaps half of it is there */
			dead->live[i].id[0] = '\0';
		if (state == LIVE_CLAIM)
			dead->live[i].state = LIVE_FREE;
		else if (state != LIVE_FREE)
			dead->live[i].state = LIVE_DEAD;
	}
	for (i = 0; i < s->slots; i++)
		net_bell_ring(s->slot[i].bell);
}

/* ---- counters ---- */

void
cos_count(const struct cos_client *c, enum cos_total what)
{
	c->set.share->slot[c->set.slot].count[what]++;
}

void
cos_share_totals(const struct cos_share *s, int64_t total[COS_TOTALS])
{
	int i, k;

	memset(total, 0, COS_TOTALS * sizeof(total[0]));
	for (i = 0; i < s->slots; i++) {
		for (k = 0; k < COS_COUNTS; k++)
			total[k] += s->slot[i].count[k];
		total[COS_MEMORY] += s->slot[i].held;
	}
}

/* ---- uploads under way ---- */

struct cos_live *
cos_live_new(struct cos_share *s, int slot, const struct cos_bucket *b,
    const char *key, bool builds_on)
{
	struct cos_slot *mine = &s->slot[slot];
	struct cos_live *l;
	int i;

	for (i = 0; i < COS_LIVE_MAX; i++)
		if (mine->live[i].state == LIVE_FREE)
			break;
	if (i == COS_LIVE_MAX)
		return NULL;
	l = &mine->live[i];
	l->builds_on = builds_on;
	l->since = 0;
	l->id[0] = '\0';
	snprintf(l->host, sizeof(l->host), "%s", b->host);
	l->prefix_len = b->prefix_len;
	snprintf(l->key, sizeof(l->key), "%s%s", b->prefix, key);
	if (i >= mine->top)
		mine->top = i + 1;
	l->state = LIVE_CLAIM;
	return l;
}

void
cos_live_free(struct cos_live *l)
{
	if (l != NULL)
		l->state = LIVE_FREE;
}

/* How many of an object's entries, in all workers, are what `is` looks for? */
static int
count_live(const struct cos_share *s, const char *host, const char *key,
    bool (*is)(const struct cos_live *, int state, const void *),
    const void *ctx)
{
	const struct cos_live *l;
	int i, k, state, n = 0;

	for (i = 0; i < s->slots; i++) {
		for (k = 0; k < s->slot[i].top; k++) {
			l = &s->slot[i].live[k];
			state = l->state;
			n += state != LIVE_FREE && is(l, state, ctx) &&
			    strcmp(l->key, key) == 0 &&
			    strcmp(l->host, host) == 0;
		}
	}
	return n;
}

static bool
builds_on(const struct cos_live *l, int state, const void *mine)
{
	return l != mine && state != LIVE_DEAD && l->builds_on;
}

bool
cos_live_contended(const struct cos_share *s, const struct cos_live *mine)
{
	return count_live(s, mine->host, mine->key, builds_on, mine) > 0;
}

static bool
has_id(const struct cos_live *l, int state, const void *id)
{
	return state == LIVE_HAVE && strcmp(l->id, id) == 0;
}

static bool
waits_for_id(const struct cos_live *l, int state, const void *nothing)
{
	(void)l;
	(void)nothing;
	return state == LIVE_SENT;
}

static bool
lost_id(const struct cos_live *l, int state, const void *nothing)
{
	(void)nothing;
	return state == LIVE_LOST || (state == LIVE_DEAD && l->id[0] == '\0');
}

void
cos_live_look(const struct cos_share *s, const struct cos_bucket *b,
    const char *key, const char *id, struct cos_live_seen *seen)
{
	char whole[COS_KEY_MAX + 2];

	snprintf(whole, sizeof(whole), "%s%s", b->prefix, key);
	seen->ours = count_live(s, b->host, whole, has_id, id) > 0;
	seen->waiting = count_live(s, b->host, whole, waits_for_id, NULL) > 0;
	seen->lost = count_live(s, b->host, whole, lost_id, NULL);
}
