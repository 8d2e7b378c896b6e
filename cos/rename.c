/*
 * cos/rename.c - COS has no rename: a copy, verified, then the source's end.
 *
 * COS has no delete on a condition either.  While a copy took its time somebody
 * may have stored something else under the old name, so it is looked at again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cos_int.h"

enum { LONG_MS = 1000 };

enum step { N_COPY, N_LOOK, N_DELETE, N_TREE, N_DONE, N_FAILED };

struct cos_rename {
	struct net_task task;
	struct net_task *owner;
	struct cos_bucket *bucket;
	char who[128];
	char from[COS_KEY_MAX + 2];
	enum step state;
	struct cos_copy *copy;
	struct cos_op *op;		/* N_LOOK, N_DELETE */
	char etag[COS_ETAG_MAX];	/* of what is copied */
	int64_t started;		/* ms */
	struct cos_tree *tree;
	bool copied;
	struct cos_fault fault;
};

static void
end(struct cos_rename *r, enum step state, const struct cos_fault *f)
{
	if (f != NULL)
		r->fault = *f;
	r->state = state;
	net_task_wake(r->owner);
}

static void
go_on(struct cos_rename *r, enum step state)
{
	struct cos_fault f;

	cos_op_free(r->op);
	r->op = (state == N_LOOK ? cos_head_new : cos_delete_new)(r->bucket,
	    r->from, r->who, &r->task);
	r->state = state;
	if (r->op == NULL) {
		cos_fault_set(&f, COS_UNAVAILABLE, "out of memory");
		end(r, N_FAILED, &f);
	}
}

static void
copy_step(struct cos_rename *r)
{
	if (cos_copy_state(r->copy) == COS_FAILED) {
		end(r, N_FAILED, cos_copy_fault(r->copy));
	} else if (cos_copy_state(r->copy) == COS_DONE) {
		r->copied = true;
		go_on(r, net_now(r->task.loop) - r->started < LONG_MS ?
		    N_DELETE : N_LOOK);
	}
}

/* What has the same ETag has the same bytes, and the target has them, too. */
static void
look_step(struct cos_rename *r)
{
	struct cos_fault f = *cos_op_fault(r->op);

	if (cos_op_state(r->op) == COS_FAILED) {
		end(r, f.cause == COS_NOT_FOUND ? N_DONE : N_FAILED, &f);
	} else if (strcmp(cos_op_object(r->op)->etag, r->etag) == 0) {
		go_on(r, N_DELETE);
	} else {
		cos_fault_set(&f, COS_CHANGED, "it was changed while it was "
		    "copied, and is not deleted");
		log_line(r->bucket->client->log, LOG_LEVEL_ERROR,
		    "%s rename of %s%s: %s", r->who, r->bucket->at, r->from,
		    f.text);
		end(r, N_FAILED, &f);
	}
}

static void
step(struct net_task *t, unsigned why)
{
	struct cos_rename *r = (struct cos_rename *)t;

	(void)why;
	switch (r->state) {
	case N_COPY:
		copy_step(r);
		break;
	case N_LOOK:
		if (cos_op_state(r->op) != COS_BUSY)
			look_step(r);
		break;
	case N_DELETE:
		if (cos_op_state(r->op) == COS_FAILED)
			end(r, N_FAILED, cos_op_fault(r->op));
		else if (cos_op_state(r->op) == COS_DONE)
			end(r, N_DONE, NULL);
		break;
	case N_TREE:
		r->copied = cos_tree_copied(r->tree);
		if (cos_tree_state(r->tree) == COS_FAILED)
			end(r, N_FAILED, cos_tree_fault(r->tree));
		else if (cos_tree_state(r->tree) == COS_DONE)
			end(r, N_DONE, NULL);
		break;
	case N_DONE:
	case N_FAILED:
		break;
	}
}

struct cos_rename *
cos_rename_new(struct cos_bucket *b, const char *from, const char *to,
    const struct cos_object *src, const char *who, struct net_task *owner)
{
	struct cos_rename *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	net_task_init(&r->task, b->client->loop, step);
	r->owner = owner;
	r->bucket = b;
	snprintf(r->who, sizeof(r->who), "%s", who);
	snprintf(r->from, sizeof(r->from), "%s", from);
	r->started = net_now(b->client->loop);
	if (src != NULL) {
		r->state = N_COPY;
		snprintf(r->etag, sizeof(r->etag), "%s", src->etag);
		r->copy = cos_copy_new(b, r->from, to, src, r->who, &r->task);
	} else {
		r->state = N_TREE;
		r->tree = cos_tree_new(b, r->from, to, r->who, &r->task);
	}
	if (r->copy == NULL && r->tree == NULL) {
		cos_rename_free(r);
		return NULL;
	}
	net_task_wake(&r->task);
	return r;
}

void
cos_rename_also(struct cos_rename *r, const char *key)
{
	if (r->tree != NULL)
		cos_tree_also(r->tree, key);
}

bool
cos_rename_moved(const struct cos_rename *r, struct cos_moved *m)
{
	return r->tree != NULL && cos_tree_moved(r->tree, m);
}

enum cos_state
cos_rename_state(const struct cos_rename *r)
{
	if (r->state == N_DONE)
		return COS_DONE;
	return r->state == N_FAILED ? COS_FAILED : COS_BUSY;
}

const struct cos_fault *
cos_rename_fault(const struct cos_rename *r)
{
	return &r->fault;
}

bool
cos_rename_copied(const struct cos_rename *r)
{
	return r->copied;
}

void
cos_rename_free(struct cos_rename *r)
{
	if (r == NULL)
		return;
	cos_copy_free(r->copy);
	cos_op_free(r->op);
	cos_tree_free(r->tree);
	net_task_end(&r->task);
	free(r);
}
