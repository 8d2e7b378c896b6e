/*
 * cos/object.c - the verbs that are one request about one object: HEAD, an
 * empty PUT (directory markers), DELETE.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cos_int.h"

struct cos_op {
	struct net_task task;
	struct net_task *owner;
	char key[COS_KEY_MAX + 2];
	struct cos_request *request;
	struct cos_object object;
	struct cos_fault fault;
	enum cos_state state;
	bool reads_head;
};

bool
cos_crc_text(const char *text, uint64_t *crc)
{
	uint64_t v = 0;
	const char *p;

	for (p = text; *p >= '0' && *p <= '9'; p++) {
		unsigned digit = (unsigned)(*p - '0');

		if (v > (UINT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	if (p == text || *p != '\0')
		return false;
	*crc = v;
	return true;
}

/* The total of "bytes A-B/TOTAL"; -1 when it is not that. */
static int64_t
range_total(const char *text)
{
	const char *slash = strchr(text, '/');
	uint64_t v;

	if (strncmp(text, "bytes ", 6) != 0 || slash == NULL ||
	    !cos_crc_text(slash + 1, &v) || v > INT64_MAX)
		return -1;
	return (int64_t)v;
}

/*
 * An ETag alone proves no MD5: COS says that it depends on how an object was
 * uploaded and encrypted (436/7729), and a HEAD does not tell a PUT from a copy
 * of parts.  COS's own advice (436/36427) is to store the MD5 with the object,
 * as our PUTs do, checked by COS on arrival.  But metadata can outlive the bytes
 * it is about, so something that COS found out itself has to agree: the ETag is
 * the same MD5, or the CRC-64 stored beside it is the object's.
 */
static void
md5_from_head(struct cos_object *o, const struct http_head *h)
{
	char text[33], tag[36], crc[24];
	uint64_t stored;
	size_t i;

	if (o->size == 0) {
		snprintf(o->md5, sizeof(o->md5),
		    "d41d8cd98f00b204e9800998ecf8427e");
		return;
	}
	if (!http_value(h, COS_META_MD5, text, sizeof(text)) ||
	    strlen(text) != 32 ||
	    strspn(text, "0123456789abcdefABCDEF") != 32)
		return;
	snprintf(tag, sizeof(tag), "\"%s\"", text);
	if (strcasecmp(tag, o->etag) != 0 && !(o->has_crc &&
	    http_value(h, COS_META_CRC, crc, sizeof(crc)) &&
	    cos_crc_text(crc, &stored) && stored == o->crc))
		return;
	for (i = 0; i < sizeof(text); i++)
		o->md5[i] = (char)tolower((unsigned char)text[i]);
}

void
cos_object_from_head(struct cos_object *o, const struct http_head *h)
{
	char text[128];
	int64_t t;

	memset(o, 0, sizeof(*o));
	o->size = h->content_length;
	if (http_value(h, "content-range", text, sizeof(text)))
		o->size = range_total(text);
	if (http_value(h, "last-modified", text, sizeof(text)) &&
	    (t = cos_date(text)) > 0)
		o->mtime = t;
	if (http_value(h, "x-cos-hash-crc64ecma", text, sizeof(text)))
		o->has_crc = cos_crc_text(text, &o->crc);
	http_value(h, "etag", o->etag, sizeof(o->etag));
	http_value(h, COS_CLASS, o->storage_class, sizeof(o->storage_class));
	http_value(h, COS_SSE, o->encryption, sizeof(o->encryption));
	http_value(h, COS_SSE_KEY, o->kms_key, sizeof(o->kms_key));
	http_value(h, "content-type", o->content_type,
	    sizeof(o->content_type));
	md5_from_head(o, h);
}

static void
step(struct net_task *t, unsigned why)
{
	struct cos_op *op = (struct cos_op *)t;

	(void)why;
	if (op->state != COS_BUSY)
		return;
	op->state = cos_request_state(op->request);
	if (op->state == COS_BUSY)
		return;
	op->fault = *cos_request_fault(op->request);
	if (op->state == COS_DONE && op->reads_head) {
		cos_object_from_head(&op->object,
		    cos_request_head(op->request));
		if (op->object.size < 0) {
			cos_fault_set(&op->fault, COS_MALFORMED,
			    "HEAD without a length");
			op->state = COS_FAILED;
		}
	}
	net_task_wake(op->owner);
}

static struct cos_op *
op_new(struct cos_bucket *b, struct cos_call *call, const char *key,
    const char *who, struct net_task *owner)
{
	struct cos_op *op = calloc(1, sizeof(*op));

	if (op == NULL)
		return NULL;
	net_task_init(&op->task, b->client->loop, step);
	op->owner = owner;
	op->reads_head = strcmp(call->method, "HEAD") == 0;
	snprintf(op->key, sizeof(op->key), "%s", key);
	call->key = op->key;
	op->request = cos_request_new(b, call, who, &op->task);
	if (op->request == NULL) {
		cos_op_free(op);
		return NULL;
	}
	net_task_wake(&op->task);
	return op;
}

struct cos_op *
cos_head_new(struct cos_bucket *b, const char *key, const char *who,
    struct net_task *owner)
{
	struct cos_call c = { .op = "HeadObject", .method = "HEAD",
	    .quiet_404 = true, .need = COS_NEED_ETAG };

	return op_new(b, &c, key, who, owner);
}

/* Without the account's class: those that are cheap to store bill each object
 * for a minimum of bytes or days. */
struct cos_op *
cos_put_empty_new(struct cos_bucket *b, const char *key, const char *who,
    struct net_task *owner)
{
	struct cos_call c = { .op = "PutObject", .method = "PUT",
	    .need = COS_NEED_ETAG };

	cos_call_header(&c, COS_SSE, b->account->encryption);
	return op_new(b, &c, key, who, owner);
}

struct cos_op *
cos_delete_new(struct cos_bucket *b, const char *key, const char *who,
    struct net_task *owner)
{
	struct cos_call c = { .op = "DeleteObject", .method = "DELETE" };

	return op_new(b, &c, key, who, owner);
}

enum cos_state
cos_op_state(const struct cos_op *op)
{
	return op->state;
}

const struct cos_object *
cos_op_object(const struct cos_op *op)
{
	return &op->object;
}

const struct cos_fault *
cos_op_fault(const struct cos_op *op)
{
	return &op->fault;
}

void
cos_op_free(struct cos_op *op)
{
	if (op == NULL)
		return;
	cos_request_free(op->request);
	net_task_end(&op->task);
	free(op);
}
