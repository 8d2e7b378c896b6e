/*
 * cos/copy.c - one object copied inside COS and verified.
 *
 * Up to 5 GiB it is one request; a larger one is built from parts, which is
 * an upload whose old beginning is the whole source.  If-Match makes sure
 * that it is the version that was looked at.  A copy resets storage class
 * and encryption, so they are sent again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cos_int.h"

static const int64_t single_max = INT64_C(5) << 30;

struct cos_copy {
	struct net_task task;
	struct net_task *owner;
	struct cos_bucket *bucket;
	const char *who;
	char from[COS_KEY_MAX + 2], to[COS_KEY_MAX + 2];
	struct cos_object src;
	struct net_buf source;
	struct cos_request *request;	/* small, or */
	struct cos_upload *upload;	/* by parts */
	struct cos_op *check;		/* HEAD of the copy */
	enum cos_state state;
	struct cos_fault fault;
};

static void
finish(struct cos_copy *c, enum cos_state state)
{
	c->state = state;
	net_task_wake(c->owner);
}

static void
fail(struct cos_copy *c, const struct cos_fault *f)
{
	c->fault = *f;
	finish(c, COS_FAILED);
}

static void
compare(struct cos_copy *c, bool equal, bool has_crc, uint64_t crc)
{
	if (equal && (!has_crc || !c->src.has_crc || crc == c->src.crc)) {
		finish(c, COS_DONE);
		return;
	}
	cos_fault_set(&c->fault, COS_CORRUPT, "the copy differs from its "
	    "source %s%s (CRC-64 %" PRIu64 ", %" PRIu64 ")", c->bucket->prefix,
	    c->from, crc, c->src.crc);
	log_line(c->bucket->client->log, LOG_LEVEL_ERROR,
	    "%s CopyObject %s%s: %s", c->who, c->bucket->at,
	    c->to, c->fault.text);
	finish(c, COS_FAILED);
}

static void
look(struct cos_copy *c)
{
	struct cos_fault f;

	c->check = cos_head_new(c->bucket, c->to, c->who, &c->task);
	cos_fault_set(&f, COS_UNAVAILABLE, "out of memory");
	if (c->check == NULL)
		fail(c, &f);
}

/* The answer's CRC proves the copy where the source's is known, too; else
 * the copy is looked at.  With forbid-overwrite a repeated one may meet
 * itself. */
static void
request_step(struct cos_copy *c)
{
	const struct cos_answer *a = cos_request_answer(c->request);

	if (cos_request_state(c->request) == COS_BUSY)
		return;
	if (cos_request_state(c->request) == COS_FAILED) {
		c->fault = *cos_request_fault(c->request);
		if (c->fault.cause == COS_EXISTS &&
		    cos_request_repeated(c->request))
			look(c);
		else
			finish(c, COS_FAILED);
	} else if (a->has_crc && c->src.has_crc) {
		compare(c, true, true, a->crc);
	} else {
		look(c);
	}
}

static void
check_step(struct cos_copy *c)
{
	const struct cos_object *o = cos_op_object(c->check);
	bool equal = o->size == c->src.size;

	if (cos_op_state(c->check) == COS_FAILED)
		fail(c, cos_op_fault(c->check));
	else if (cos_op_state(c->check) != COS_DONE)
		return;
	else if (c->fault.cause == COS_EXISTS)
		finish(c, equal && o->has_crc && c->src.has_crc &&
		    o->crc == c->src.crc ? COS_DONE : COS_FAILED);
	else
		compare(c, equal, o->has_crc, o->crc);
}

static void
step(struct net_task *t, unsigned why)
{
	struct cos_copy *c = (struct cos_copy *)t;

	(void)why;
	if (c->state != COS_BUSY)
		return;
	if (c->check != NULL) {
		check_step(c);
	} else if (c->upload == NULL) {
		request_step(c);
	} else if (cos_upload_state(c->upload) == COS_FAILED) {
		c->fault = *cos_upload_fault(c->upload);
		finish(c, COS_FAILED);
	} else if (cos_upload_state(c->upload) == COS_DONE) {
		finish(c, COS_DONE);
	} else if (cos_upload_asks(c->upload)) {
		cos_upload_confirm(c->upload);
	} else if (cos_upload_ready(c->upload)) {
		cos_upload_finish(c->upload);
	}
}

static bool
start_request(struct cos_copy *c)
{
	struct cos_call call = { .op = "CopyObject", .method = "PUT",
	    .key = c->to, .need = COS_NEED_ETAG, .inside = c->src.size };

	c->source.max = 4 * COS_KEY_MAX;
	cos_copy_source(&c->source, c->bucket, c->from);
	if (c->source.failed)
		return false;
	cos_call_header(&call, "x-cos-copy-source", c->source.data);
	cos_call_header(&call, "x-cos-metadata-directive", "Copy");
	cos_call_header(&call, "x-cos-copy-source-If-Match", c->src.etag);
	if (strcmp(c->src.storage_class, "STANDARD") != 0)
		cos_call_header(&call, COS_CLASS, c->src.storage_class);
	cos_call_header(&call, COS_SSE, c->src.encryption[0] != '\0' ?
	    c->src.encryption : c->bucket->account->encryption);
	cos_call_header(&call, COS_SSE_KEY, c->src.kms_key);
	if (!c->bucket->account->overwrite_enable)
		cos_call_header(&call, "x-cos-forbid-overwrite", "true");
	c->request = cos_request_new(c->bucket, &call, c->who, &c->task);
	return c->request != NULL;
}

static bool
start_parts(struct cos_copy *c)
{
	struct cos_upload_request ur = { .mode = COS_RESUME,
	    .copy_from = c->from, .if_match = c->src.etag,
	    .offset = c->src.size, .size = -1,
	    .no_overwrite = !c->bucket->account->overwrite_enable };

	c->upload = cos_upload_new(c->bucket, c->to, &ur, c->who, &c->task);
	return c->upload != NULL;
}

struct cos_copy *
cos_copy_new(struct cos_bucket *b, const char *from, const char *to,
    const struct cos_object *src, const char *who, struct net_task *owner)
{
	struct cos_copy *c = calloc(1, sizeof(*c));
	int64_t max = b->client->set.copy_max > 0 ? b->client->set.copy_max :
	    single_max;

	if (c == NULL)
		return NULL;
	net_task_init(&c->task, b->client->loop, step);
	c->owner = owner;
	c->bucket = b;
	c->who = who;
	c->src = *src;
	snprintf(c->from, sizeof(c->from), "%s", from);
	snprintf(c->to, sizeof(c->to), "%s", to);
	if (!(src->size <= max ? start_request(c) : start_parts(c))) {
		cos_copy_free(c);
		return NULL;
	}
	return c;
}

enum cos_state
cos_copy_state(const struct cos_copy *c)
{
	return c->state;
}

const struct cos_fault *
cos_copy_fault(const struct cos_copy *c)
{
	return &c->fault;
}

void
cos_copy_free(struct cos_copy *c)
{
	if (c == NULL)
		return;
	cos_request_free(c->request);
	cos_upload_free(c->upload);
	cos_op_free(c->check);
	net_task_end(&c->task);
	net_buf_free(&c->source);
	free(c);
}
