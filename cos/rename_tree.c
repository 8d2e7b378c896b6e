/*
 * cos/rename_tree.c - a directory renamed: every key below it copied, then
 * the sources deleted.
 *
 * Until the last copy is verified the source is whole; from then on the
 * target is.  Only keys that were copied are deleted, so what somebody adds
 * meanwhile stays.
 *
 * A target that exists is refused, unless it is what a broken off run left.
 * While that one copied, everything in the target equals its source: what is
 * there is not copied again.  While it deleted, every source that is left has
 * its equal in the target: only the deleting is still to be done.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cos_int.h"

enum {
	SLOTS = 48,		/* keys at once: two requests for each */
	PAGE = 1000,
	SAY_MS = 5 * 1000	/* between lines on its progress */
};

enum step { T_TARGET, T_CHECK, T_COPY, T_DELETE, T_DONE, T_FAILED };

struct cos_tree {
	struct net_task task;
	struct net_task *owner;
	struct cos_bucket *bucket;
	const char *who;
	char from[COS_KEY_MAX + 2], to[COS_KEY_MAX + 2];
	enum step state;
	bool rerun;			/* the target has keys already */
	bool alone;			/* some without a source */
	bool files;			/* not only markers were copied */
	struct cos_list *list;
	const struct cos_entry *held;	/* of it, not begun yet */
	struct cos_keys also[2];	/* known besides: in from, in to */
	size_t also_at;
	struct cos_move *slot[SLOTS];
	int busy;
	struct cos_keys copied;
	size_t deleted, ndeleted;	/* of them: bytes asked for, keys gone */
	size_t nbatch;			/* keys of the deletion under way */
	struct cos_delete_many *deletion;
	int64_t started, said;		/* ms */
	struct cos_fault fault;
};

static void
slot_clear(struct cos_tree *t, int i)
{
	if (t->slot[i] != NULL)
		t->busy--;
	cos_move_free(t->slot[i]);
	t->slot[i] = NULL;
}

static void
end(struct cos_tree *t, enum step state)
{
	int i;

	for (i = 0; i < SLOTS; i++)
		slot_clear(t, i);
	cos_list_free(t->list);
	t->list = NULL;
	t->state = state;
	net_task_wake(t->owner);
}

static void
fail(struct cos_tree *t, const struct cos_fault *f)
{
	t->fault = *f;
	end(t, T_FAILED);
}

static void
fail_text(struct cos_tree *t, enum cos_cause cause, const char *text)
{
	struct cos_fault f;

	cos_fault_set(&f, cause, "%s", text);
	fail(t, &f);
}

static bool
list_begin(struct cos_tree *t, const char *prefix, int page, enum step state)
{
	cos_list_free(t->list);
	t->list = cos_list_new(t->bucket, prefix, false, page, t->who,
	    &t->task);
	t->held = NULL;
	t->also_at = 0;
	t->state = state;
	if (t->list == NULL)
		fail_text(t, COS_UNAVAILABLE, "out of memory");
	return t->list != NULL;
}

/* Who waits for a rename of many keys wants to see that it goes on. */
static void
say(struct cos_tree *t, const char *end_of)
{
	int64_t now = net_now(t->task.loop);

	t->said = now;
	log_line(t->bucket->client->log, LOG_LEVEL_INFO, "%s rename of %s%s "
	    "to %s%s: %s%zu keys copied, %zu removed, %lld s%s", t->who,
	    t->bucket->at, t->from, t->bucket->prefix, t->to,
	    t->state == T_CHECK ? "looking at the target, " : "",
	    t->copied.n, t->ndeleted, (long long)(now - t->started) / 1000,
	    end_of);
}

/* ---- all keys ---- */

static void
slot_step(struct cos_tree *t, int i)
{
	enum cos_state state = cos_move_state(t->slot[i]);
	const char *key;
	int64_t size;

	if (state == COS_FAILED) {
		fail(t, cos_move_fault(t->slot[i]));
	} else if (state == COS_DONE) {
		key = cos_move_key(t->slot[i], &size);
		t->alone |= cos_move_alone(t->slot[i]);
		t->files |= key != NULL && key[strlen(key) - 1] != '/';
		if (t->state == T_COPY && key != NULL &&
		    !cos_keys_add(&t->copied, key, size))
			fail_text(t, COS_UNAVAILABLE, "out of memory");
		else
			slot_clear(t, i);
	}
}

/* Their lengths were checked. */
static void
join(char out[COS_KEY_MAX + 2], const char *base, const char *rest)
{
	size_t n = strlen(base);

	memcpy(out, base, n);
	memcpy(out + n, rest, strlen(rest) + 1);
}

static void
slot_begin(struct cos_tree *t, int i, const char *name, size_t len)
{
	char from[COS_KEY_MAX + 2], to[COS_KEY_MAX + 2];
	const char *base = t->state == T_CHECK ? t->to : t->from;
	const char *rest = name + strlen(base);
	size_t max = cos_key_max(t->bucket);

	if (strlen(name) != len ||
	    strlen(t->from) + strlen(rest) > max ||
	    strlen(t->to) + strlen(rest) > max) {
		fail_text(t, COS_BAD_NAME,
		    "a key below it is too long or holds a NUL");
		return;
	}
	join(from, t->from, rest);
	join(to, t->to, rest);
	t->slot[i] = cos_move_new(t->bucket, from, to,
	    t->state == T_CHECK ? COS_MOVE_CHECK : t->alone ? COS_MOVE_EQUAL :
	    t->rerun ? COS_MOVE_AGAIN : COS_MOVE_FRESH, t->who, &t->task);
	if (t->slot[i] == NULL)
		fail_text(t, COS_UNAVAILABLE, "out of memory");
	else
		t->busy++;
}

/* The next key, in order: what is listed, and what is known besides; NULL:
 * nothing now. */
static const char *
next_key(struct cos_tree *t, size_t *len)
{
	const struct cos_keys *also = &t->also[t->state == T_CHECK];
	const char *known = t->also_at < also->len ?
	    also->text + t->also_at : NULL;
	const char *listed;
	int order;

	if (t->held == NULL)
		t->held = cos_list_next(t->list);
	if (t->held == NULL && (known == NULL ||
	    cos_list_state(t->list) != COS_DONE))
		return NULL;
	listed = t->held != NULL ? t->held->name : NULL;
	order = listed == NULL ? -1 : known == NULL ? 1 :
	    strcmp(known, listed);
	if (order <= 0) {
		/* NOLINTNEXTLINE(clang-analyzer-core.*): one of the two is there */
		*len = strlen(known);
		t->also_at += *len + 1;
	}
	if (order < 0)
		return known;
	*len = t->held->name_len;
	t->held = NULL;
	return listed;
}

/* Keeps the slots busy; true when the listing is through and all are done. */
static bool
walk(struct cos_tree *t)
{
	enum step state = t->state;
	const char *key;
	size_t len;
	int i;

	for (i = 0; i < SLOTS && t->state == state; i++)
		if (t->slot[i] != NULL)
			slot_step(t, i);
	for (i = 0; i < SLOTS && t->state == state; i++) {
		if (t->slot[i] != NULL)
			continue;
		key = next_key(t, &len);
		if (key == NULL)
			break;
		slot_begin(t, i, key, len);
	}
	if (t->state != state)
		return false;
	if (cos_list_state(t->list) == COS_FAILED) {
		fail(t, cos_list_fault(t->list));
		return false;
	}
	return cos_list_state(t->list) == COS_DONE && t->busy == 0;
}

static void
delete_step(struct cos_tree *t)
{
	size_t bytes;

	if (t->deletion != NULL) {
		if (cos_delete_many_state(t->deletion) == COS_BUSY)
			return;
		if (cos_delete_many_state(t->deletion) == COS_FAILED) {
			fail(t, cos_delete_many_fault(t->deletion));
			return;
		}
		cos_delete_many_free(t->deletion);
		t->deletion = NULL;
		t->ndeleted += t->nbatch;
	}
	if (t->deleted == t->copied.len) {
		say(t, ", done");
		end(t, T_DONE);
		return;
	}
	t->nbatch = cos_keys_batch(&t->copied, t->deleted, &bytes);
	t->deletion = cos_delete_many_new(t->bucket, t->copied.text +
	    t->deleted, t->nbatch, t->who, &t->task);
	t->deleted += bytes;
	if (t->deletion == NULL)
		fail_text(t, COS_UNAVAILABLE, "out of memory");
}

static void
target_step(struct cos_tree *t)
{
	const struct cos_entry *e = cos_list_next(t->list);

	if (e != NULL || (t->also[1].n > 0 &&
	    cos_list_state(t->list) == COS_DONE)) {
		t->rerun = true;
		list_begin(t, t->to, PAGE, T_CHECK);
	} else if (cos_list_state(t->list) == COS_FAILED) {
		fail(t, cos_list_fault(t->list));
	} else if (cos_list_state(t->list) == COS_DONE) {
		list_begin(t, t->from, PAGE, T_COPY);
	}
}

static void
step(struct net_task *task, unsigned why)
{
	struct cos_tree *t = (struct cos_tree *)task;

	(void)why;
	switch (t->state) {
	case T_TARGET:
		target_step(t);
		break;
	case T_CHECK:
		if (walk(t))
			list_begin(t, t->from, PAGE, T_COPY);
		break;
	case T_COPY:
		if (!walk(t))
			break;
		if (t->copied.n == 0) {
			fail_text(t, COS_NOT_FOUND, "nothing is there");
			break;
		}
		if (t->alone && !t->files) {	/* an empty directory's */
			fail_text(t, COS_EXISTS, "the target exists");
			break;
		}
		t->state = T_DELETE;
		/* fallthrough */
	case T_DELETE:
		delete_step(t);
		break;
	case T_DONE:
	case T_FAILED:
		break;
	}
	if (t->state >= T_DONE)
		return;
	if (net_now(t->task.loop) - t->said >= SAY_MS)
		say(t, "");
	net_task_deadline(&t->task, t->said + SAY_MS -
	    net_now(t->task.loop));
}

struct cos_tree *
cos_tree_new(struct cos_bucket *b, const char *from, const char *to,
    const char *who, struct net_task *owner)
{
	struct cos_tree *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	net_task_init(&t->task, b->client->loop, step);
	t->owner = owner;
	t->bucket = b;
	t->who = who;
	t->started = t->said = net_now(b->client->loop);
	snprintf(t->from, sizeof(t->from), "%s", from);
	snprintf(t->to, sizeof(t->to), "%s", to);
	list_begin(t, t->to, 1, T_TARGET);
	return t;
}

enum cos_state
cos_tree_state(const struct cos_tree *t)
{
	if (t->state == T_DONE)
		return COS_DONE;
	return t->state == T_FAILED ? COS_FAILED : COS_BUSY;
}

const struct cos_fault *
cos_tree_fault(const struct cos_tree *t)
{
	return &t->fault;
}

/* A key that is not remembered might be overwritten, or left behind. */
void
cos_tree_also(struct cos_tree *t, const char *key)
{
	bool to = strncmp(key, t->to, strlen(t->to)) == 0;

	if (!cos_keys_add(&t->also[to], key, 0))
		fail_text(t, COS_UNAVAILABLE, "out of memory");
}

bool
cos_tree_moved(const struct cos_tree *t, struct cos_moved *m)
{
	if (m->i == t->copied.n)
		return false;
	m->key = t->copied.text + m->at;
	m->size = t->copied.size[m->i++];
	m->left = t->copied.n - m->i;
	m->at += strlen(m->key) + 1;
	return true;
}

bool
cos_tree_copied(const struct cos_tree *t)
{
	return t->deleted > 0;
}

void
cos_tree_free(struct cos_tree *t)
{
	int i;

	if (t == NULL)
		return;
	for (i = 0; i < SLOTS; i++)
		slot_clear(t, i);
	cos_list_free(t->list);
	cos_delete_many_free(t->deletion);
	net_task_end(&t->task);
	cos_keys_free(&t->copied);
	cos_keys_free(&t->also[0]);
	cos_keys_free(&t->also[1]);
	free(t);
}
