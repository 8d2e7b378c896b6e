/*
 * cos/rename_tree.c - a directory renamed: every key below it copied, then
 * the sources deleted.
 *
 * Until the last copy is verified the source is whole; from then on the
 * target is.  Only keys that were copied are deleted, so what somebody adds
 * meanwhile stays.  A target that exists is refused, unless everything in it
 * equals its source: then it is what a broken off run left, and the keys
 * already there are not copied again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cos_int.h"

enum { SLOTS = 8, BATCH = 1000, PAGE = 1000 };

enum step { T_TARGET, T_CHECK, T_COPY, T_DELETE, T_DONE, T_FAILED };
enum slot_step { S_FREE, S_HEAD_FROM, S_HEAD_TO, S_COPY };

struct slot {
	enum slot_step step;
	char from[COS_KEY_MAX + 2], to[COS_KEY_MAX + 2];
	struct cos_object src;
	struct cos_op *op;
	struct cos_copy *copy;
};

struct cos_tree {
	struct net_task task;
	struct net_task *owner;
	struct cos_bucket *bucket;
	const char *who;
	char from[COS_KEY_MAX + 2], to[COS_KEY_MAX + 2];
	enum step state;
	bool rerun;			/* the target has keys already */
	struct cos_list *list;
	struct slot slot[SLOTS];
	int busy;
	char *copied;			/* owned: keys, one after the other */
	size_t copied_len, copied_cap, deleted;
	struct cos_delete_many *deletion;
	struct cos_fault fault;
};

static void
slot_clear(struct cos_tree *t, struct slot *s)
{
	cos_op_free(s->op);
	cos_copy_free(s->copy);
	s->op = NULL;
	s->copy = NULL;
	if (s->step != S_FREE)
		t->busy--;
	s->step = S_FREE;
}

static void
end(struct cos_tree *t, enum step state)
{
	int i;

	for (i = 0; i < SLOTS; i++)
		slot_clear(t, &t->slot[i]);
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
	t->state = state;
	if (t->list == NULL)
		fail_text(t, COS_UNAVAILABLE, "out of memory");
	return t->list != NULL;
}

/* The key counts as copied: it will be deleted. */
static bool
remember(struct cos_tree *t, const char *key)
{
	size_t n = strlen(key) + 1, cap = t->copied_cap + n + 64 * 1024;
	char *p;

	if (t->copied_len + n > t->copied_cap) {
		p = realloc(t->copied, cap + cap / 2);
		if (p == NULL) {
			fail_text(t, COS_UNAVAILABLE, "out of memory");
			return false;
		}
		t->copied = p;
		t->copied_cap = cap + cap / 2;
	}
	memcpy(t->copied + t->copied_len, key, n);
	t->copied_len += n;
	return true;
}

/* ---- one key ---- */

static void
slot_head(struct cos_tree *t, struct slot *s, const char *key,
    enum slot_step step)
{
	cos_op_free(s->op);
	s->op = cos_head_new(t->bucket, key, t->who, &t->task);
	s->step = step;
	if (s->op == NULL)
		fail_text(t, COS_UNAVAILABLE, "out of memory");
}

static void
slot_copy(struct cos_tree *t, struct slot *s)
{
	s->copy = cos_copy_new(t->bucket, s->from, s->to, &s->src, t->who,
	    &t->task);
	s->step = S_COPY;
	if (s->copy == NULL)
		fail_text(t, COS_UNAVAILABLE, "out of memory");
}

static bool
same(const struct cos_object *a, const struct cos_object *b)
{
	return a->size == b->size && a->has_crc && b->has_crc &&
	    a->crc == b->crc;
}

/* Source and target of one key have been looked at. */
static void
slot_compare(struct cos_tree *t, struct slot *s, bool there)
{
	bool equal = there && same(&s->src, cos_op_object(s->op));

	if (t->state == T_CHECK) {
		if (there && !equal)
			fail_text(t, COS_EXISTS, "the target exists");
		else
			slot_clear(t, s);
	} else if (equal) {
		if (remember(t, s->from))
			slot_clear(t, s);
	} else {
		slot_copy(t, s);
	}
}

static void
slot_head_step(struct cos_tree *t, struct slot *s)
{
	enum cos_state state = cos_op_state(s->op);
	bool missing = state == COS_FAILED &&
	    cos_op_fault(s->op)->cause == COS_NOT_FOUND;

	if (state == COS_BUSY)
		return;
	if (state == COS_FAILED && !missing) {
		fail(t, cos_op_fault(s->op));
	} else if (s->step == S_HEAD_TO) {
		slot_compare(t, s, !missing);
	} else if (!missing) {
		s->src = *cos_op_object(s->op);
		if (t->rerun)
			slot_head(t, s, s->to, S_HEAD_TO);
		else
			slot_copy(t, s);
	} else if (t->state == T_CHECK) {
		fail_text(t, COS_EXISTS, "the target exists");
	} else {
		slot_clear(t, s);	/* gone since it was listed */
	}
}

static void
slot_step(struct cos_tree *t, struct slot *s)
{
	if (s->step == S_HEAD_FROM || s->step == S_HEAD_TO) {
		slot_head_step(t, s);
	} else if (s->step == S_COPY) {
		if (cos_copy_state(s->copy) == COS_FAILED)
			fail(t, cos_copy_fault(s->copy));
		else if (cos_copy_state(s->copy) == COS_DONE &&
		    remember(t, s->from))
			slot_clear(t, s);
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
slot_begin(struct cos_tree *t, struct slot *s, const struct cos_entry *e)
{
	const char *base = t->state == T_CHECK ? t->to : t->from;
	const char *rest = e->name + strlen(base);

	if (strlen(e->name) != e->name_len ||
	    strlen(t->from) + strlen(rest) > COS_KEY_MAX ||
	    strlen(t->to) + strlen(rest) > COS_KEY_MAX) {
		fail_text(t, COS_BAD_NAME,
		    "a key below it is too long or holds a NUL");
		return;
	}
	join(s->from, t->from, rest);
	join(s->to, t->to, rest);
	t->busy++;
	slot_head(t, s, s->from, S_HEAD_FROM);	/* its CRC proves the copy */
}

/* ---- all keys ---- */

/* Keeps the slots busy; true when the listing is through and all are done. */
static bool
walk(struct cos_tree *t)
{
	enum step state = t->state;
	const struct cos_entry *e;
	int i;

	for (i = 0; i < SLOTS && t->state == state; i++)
		if (t->slot[i].step != S_FREE)
			slot_step(t, &t->slot[i]);
	for (i = 0; i < SLOTS && t->state == state; i++) {
		if (t->slot[i].step != S_FREE)
			continue;
		e = cos_list_next(t->list);
		if (e == NULL)
			break;
		slot_begin(t, &t->slot[i], e);
	}
	if (t->state != state)
		return false;
	if (cos_list_state(t->list) == COS_FAILED) {
		fail(t, cos_list_fault(t->list));
		return false;
	}
	return cos_list_state(t->list) == COS_DONE && t->busy == 0;
}

/* How many keys from p on go into one request. */
static size_t
batch(const struct cos_tree *t, const char *p, size_t *bytes)
{
	const char *end_of = t->copied + t->copied_len, *q = p;
	size_t n = 0;

	while (q < end_of && n < BATCH && cos_key_fits_xml(q)) {
		q += strlen(q) + 1;
		n++;
	}
	if (n == 0 && q < end_of) {
		q += strlen(q) + 1;
		n = 1;
	}
	*bytes = (size_t)(q - p);
	return n;
}

static void
delete_step(struct cos_tree *t)
{
	const char *p = t->copied + t->deleted;
	size_t n, bytes;

	if (t->deletion != NULL) {
		if (cos_delete_many_state(t->deletion) == COS_BUSY)
			return;
		if (cos_delete_many_state(t->deletion) == COS_FAILED) {
			fail(t, cos_delete_many_fault(t->deletion));
			return;
		}
		cos_delete_many_free(t->deletion);
		t->deletion = NULL;
	}
	if (t->deleted == t->copied_len) {
		end(t, T_DONE);
		return;
	}
	n = batch(t, p, &bytes);
	t->deletion = cos_delete_many_new(t->bucket, p, n, t->who, &t->task);
	t->deleted += bytes;
	if (t->deletion == NULL)
		fail_text(t, COS_UNAVAILABLE, "out of memory");
}

static void
target_step(struct cos_tree *t)
{
	const struct cos_entry *e = cos_list_next(t->list);

	if (e != NULL) {
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
		if (t->copied_len == 0) {
			fail_text(t, COS_NOT_FOUND, "nothing is there");
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
		slot_clear(t, &t->slot[i]);
	cos_list_free(t->list);
	cos_delete_many_free(t->deletion);
	net_task_end(&t->task);
	free(t->copied);
	free(t);
}
