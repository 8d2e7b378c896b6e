/*
 * cos/rename_key.c - one key of a directory that is renamed: looked at,
 * copied where that is still to be done, and verified.  No task of its own:
 * what it waits for wakes the tree, which calls cos_move_state.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cos_int.h"

enum step { M_HEAD_FROM, M_HEAD_TO, M_COPY, M_DONE, M_FAILED };

struct cos_move {
	struct cos_bucket *bucket;
	const char *who;
	struct net_task *owner;
	enum cos_move_mode mode;
	enum step step;
	char from[COS_KEY_MAX + 2], to[COS_KEY_MAX + 2];
	struct cos_object src;
	bool there;			/* the source is */
	bool moved, alone;
	struct cos_op *op;
	struct cos_copy *copy;
	struct cos_fault fault;
};

static void
fail(struct cos_move *m, const struct cos_fault *f)
{
	m->fault = *f;
	m->step = M_FAILED;
}

static void
fail_text(struct cos_move *m, enum cos_cause cause, const char *text)
{
	cos_fault_set(&m->fault, cause, "%s", text);
	m->step = M_FAILED;
}

static void
head(struct cos_move *m, const char *key, enum step step)
{
	cos_op_free(m->op);
	m->op = cos_head_new(m->bucket, key, m->who, m->owner);
	m->step = step;
	if (m->op == NULL)
		fail_text(m, COS_UNAVAILABLE, "out of memory");
}

static void
copy(struct cos_move *m)
{
	m->copy = cos_copy_new(m->bucket, m->from, m->to, &m->src, m->who,
	    m->owner);
	m->step = M_COPY;
	if (m->copy == NULL)
		fail_text(m, COS_UNAVAILABLE, "out of memory");
}

static bool
same(const struct cos_object *a, const struct cos_object *b)
{
	return a->size == b->size && a->has_crc && b->has_crc &&
	    a->crc == b->crc;
}

/* Source and target have been looked at. */
static void
compare(struct cos_move *m, bool target)
{
	bool equal = m->there && target &&
	    same(&m->src, cos_op_object(m->op));

	m->moved = equal;
	m->alone = target && !m->there;
	if (!equal && (m->mode == COS_MOVE_EQUAL ||
	    (m->mode == COS_MOVE_CHECK && target && m->there)))
		fail_text(m, COS_EXISTS, "the target exists");
	else if (equal || m->mode == COS_MOVE_CHECK)
		m->step = M_DONE;
	else
		copy(m);
}

static void
head_step(struct cos_move *m)
{
	enum cos_state state = cos_op_state(m->op);
	bool missing = state == COS_FAILED &&
	    cos_op_fault(m->op)->cause == COS_NOT_FOUND;

	if (state == COS_BUSY)
		return;
	if (state == COS_FAILED && !missing) {
		fail(m, cos_op_fault(m->op));
	} else if (m->step == M_HEAD_TO) {
		compare(m, !missing);
	} else if (missing && m->mode != COS_MOVE_CHECK) {
		m->step = M_DONE;	/* gone since it was listed */
	} else {
		m->there = !missing;
		m->src = *cos_op_object(m->op);
		if (m->mode == COS_MOVE_FRESH)
			copy(m);
		else		/* a listing may name what is no more */
			head(m, m->to, M_HEAD_TO);
	}
}

struct cos_move *
cos_move_new(struct cos_bucket *b, const char *from, const char *to,
    enum cos_move_mode mode, const char *who, struct net_task *owner)
{
	struct cos_move *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->bucket = b;
	m->who = who;
	m->owner = owner;
	m->mode = mode;
	snprintf(m->from, sizeof(m->from), "%s", from);
	snprintf(m->to, sizeof(m->to), "%s", to);
	head(m, m->from, M_HEAD_FROM);	/* its CRC proves the copy */
	return m;
}

enum cos_state
cos_move_state(struct cos_move *m)
{
	if (m->step == M_HEAD_FROM || m->step == M_HEAD_TO)
		head_step(m);
	if (m->step == M_COPY && cos_copy_state(m->copy) == COS_FAILED)
		fail(m, cos_copy_fault(m->copy));
	if (m->step == M_COPY && cos_copy_state(m->copy) == COS_DONE) {
		m->moved = true;
		m->step = M_DONE;
	}
	if (m->step == M_DONE)
		return COS_DONE;
	return m->step == M_FAILED ? COS_FAILED : COS_BUSY;
}

const struct cos_fault *
cos_move_fault(const struct cos_move *m)
{
	return &m->fault;
}

const char *
cos_move_key(const struct cos_move *m, int64_t *size)
{
	*size = m->src.size;
	return m->moved ? m->from : NULL;
}

bool
cos_move_alone(const struct cos_move *m)
{
	return m->alone;
}

void
cos_move_free(struct cos_move *m)
{
	if (m == NULL)
		return;
	cos_op_free(m->op);
	cos_copy_free(m->copy);
	free(m);
}
