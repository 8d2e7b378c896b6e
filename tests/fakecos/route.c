/*
 * route.c - which operation a request is, and the life of a connection.
 *
 * Table first: every operation, its name in the statistics, its function.
 */
#include "control.h"
#include "auth.h"
#include "ops.h"

#include <stdlib.h>
#include <string.h>

static void op_bucket(struct conn *, struct req *);
static void op_other(struct conn *, struct req *);

static const struct {
	const char *name;
	void (*run)(struct conn *, struct req *);
	bool writes;		/* the key must be one that may be stored */
} table[OP_COUNT] = {
	[OP_GET] = { "GetObject", op_get, false },
	[OP_HEAD] = { "HeadObject", op_get, false },
	[OP_PUT] = { "PutObject", op_put, true },
	[OP_DELETE] = { "DeleteObject", op_delete, false },
	[OP_COPY] = { "CopyObject", op_copy, true },
	[OP_INITIATE] = { "InitiateMultipartUpload", op_initiate, true },
	[OP_PART] = { "UploadPart", op_part, true },
	[OP_PART_COPY] = { "UploadPartCopy", op_part_copy, true },
	[OP_COMPLETE] = { "CompleteMultipartUpload", op_complete, true },
	[OP_ABORT] = { "AbortMultipartUpload", op_abort, false },
	[OP_LIST_PARTS] = { "ListParts", op_list_parts, false },
	[OP_LIST_UPLOADS] = { "ListMultipartUploads", op_list_uploads, false },
	[OP_LIST] = { "ListObjects", op_list, false },
	[OP_DELETE_MANY] = { "DeleteMultipleObjects", op_delete_many, false },
	[OP_HEAD_BUCKET] = { "HeadBucket", op_head_bucket, false },
	[OP_BUCKET] = { "BucketOp", op_bucket, false },
	[OP_OTHER] = { "Other", op_other, false }
};

const char *
op_name(enum op op)
{
	return table[op].name;
}

enum op
op_find(const char *name)
{
	int i;

	for (i = 0; i < OP_COUNT && strcmp(name, table[i].name) != 0; i++)
		;
	return (enum op)i;
}

static void
op_bucket(struct conn *c, struct req *r)
{
	if (strcmp(r->method, "PUT") == 0)
		resp_error(c, r, 409, "BucketAlreadyOwnedByYou", "a request "
		    "with an empty key");
	else if (strcmp(r->method, "DELETE") == 0)
		resp_error(c, r, 409, "BucketNotEmpty", "a request with an "
		    "empty key");
	else
		resp_error(c, r, 405, "MethodNotAllowed", "an empty key, or "
		    "one that reduces to it");
}

static void
op_other(struct conn *c, struct req *r)
{
	resp_error(c, r, 501, "NotImplemented", "not part of this server");
}

/* Nothing but dots and slashes: some HTTP layers would make it "/". */
static bool
reduces_to_bucket(const struct req *r)
{
	size_t i;

	for (i = 0; i < r->key_len; i++)
		if (r->key[i] != '/' && r->key[i] != '.')
			return false;
	return true;
}

/* Parameters of the reserved names of COS make it another operation. */
static bool
known_params(const struct req *r)
{
	static const char *const known[] = { "uploads", "uploadId",
	    "partNumber", "delete", "prefix", "delimiter", "marker",
	    "max-keys", "encoding-type", "key-marker", "upload-id-marker",
	    "max-uploads", "max-parts", "part-number-marker",
	    "response-content-type", "response-content-disposition",
	    "response-cache-control", "response-content-encoding",
	    "response-content-language", "response-expires",
	    "x-cos-security-token", "x-cos-traffic-limit" };
	size_t i, k;

	for (i = 0; i < r->param_count; i++) {
		for (k = 0; k < sizeof(known) / sizeof(known[0]); k++)
			if (strcmp(r->params[i].name, known[k]) == 0)
				break;
		if (k == sizeof(known) / sizeof(known[0]))
			return false;
	}
	return true;
}

static bool
has(const struct req *r, const char *param)
{
	return http_param(r, param) != NULL;
}

static enum op
classify_bucket(const struct req *r)
{
	const char *m = r->method;

	if (r->key_len == 0) {
		if (strcmp(m, "HEAD") == 0)
			return OP_HEAD_BUCKET;
		if (strcmp(m, "GET") == 0)
			return has(r, "uploads") ? OP_LIST_UPLOADS : OP_LIST;
		if (strcmp(m, "POST") == 0 && has(r, "delete"))
			return OP_DELETE_MANY;
	}
	return OP_BUCKET;
}

static enum op
classify(const struct req *r)
{
	bool copy = http_header(r, "x-cos-copy-source") != NULL;
	bool upload = has(r, "uploadId");
	const char *m = r->method;

	if (reduces_to_bucket(r))
		return known_params(r) ? classify_bucket(r) : OP_OTHER;
	if (!known_params(r))
		return OP_OTHER;
	if (strcmp(m, "HEAD") == 0)
		return OP_HEAD;
	if (strcmp(m, "GET") == 0)
		return upload ? OP_LIST_PARTS : OP_GET;
	if (strcmp(m, "DELETE") == 0)
		return upload ? OP_ABORT : OP_DELETE;
	if (strcmp(m, "PUT") == 0) {
		if (upload != has(r, "partNumber"))
			return OP_OTHER;
		if (upload)
			return copy ? OP_PART_COPY : OP_PART;
		return copy ? OP_COPY : OP_PUT;
	}
	if (strcmp(m, "POST") == 0 && upload)
		return OP_COMPLETE;
	if (strcmp(m, "POST") == 0 && has(r, "uploads"))
		return OP_INITIATE;
	return OP_OTHER;
}

/* Host is BUCKET.anything.  False: answered. */
static bool
find_bucket(struct conn *c, struct req *r)
{
	const char *slash = r->key_len ? memchr(r->key, '/', r->key_len) : NULL;

	r->bucket = bucket_find(c->f, r->host, strcspn(r->host, "."));
	if (r->bucket && strchr(r->host, '.'))
		return true;
	if (bucket_find(c->f, r->key, slash ? (size_t)(slash - r->key) :
	    r->key_len))
		resp_error(c, r, 403, "PathStyleDomainForbidden", "The bucket "
		    "you are attempting to access must be addressed using "
		    "COS virtual-styled domain.");
	else
		resp_error(c, r, 404, "NoSuchBucket", "The specified bucket "
		    "does not exist.");
	return false;
}

static bool
key_is_good(struct conn *c, struct req *r)
{
	size_t i;

	if (r->key_len > 850) {
		resp_error(c, r, 400, "KeyTooLong", "Your key is too long.");
		return false;
	}
	for (i = 0; i < r->key_len; i++)
		if (r->key[i] >= 0x18 && r->key[i] <= 0x1b)
			break;
	if (i < r->key_len || (table[r->op].writes &&
	    (*r->key == '/' || *r->key == '\\'))) {
		resp_error(c, r, 400, "InvalidObjectName", "a forbidden "
		    "character in the key");
		return false;
	}
	if (table[r->op].writes && !utf8_valid(r->key, r->key_len)) {
		resp_error(c, r, 400, "InvalidURI", "the key is not UTF-8");
		return false;
	}
	return true;
}

/* Encryption is said where an object begins, and nowhere else. */
static bool
encryption_is_good(struct conn *c, struct req *r)
{
	const char *how = http_header(r, "x-cos-server-side-encryption");
	const char *key = http_header(r,
	    "x-cos-server-side-encryption-cos-kms-key-id");

	if (how == NULL && key == NULL)
		return true;
	if (how == NULL || (strcmp(how, "AES256") != 0 &&
	    strcmp(how, "cos/kms") != 0) || (key && *how != 'c'))
		resp_error(c, r, 400, "InvalidArgument", "bad encryption");
	else if (r->op != OP_PUT && r->op != OP_COPY && r->op != OP_INITIATE)
		resp_error(c, r, 400, "InvalidArgument", "no place for "
		    "x-cos-server-side-encryption");
	else
		return true;
	return false;
}

static void
perform(struct conn *c, struct req *r)
{
	const char *limit = http_header(r, "x-cos-traffic-limit");
	int64_t bits = 0;

	if (!find_bucket(c, r) || !auth_check(c, r) || !key_is_good(c, r) ||
	    !encryption_is_good(c, r))
		return;
	if (limit && (!number_parse(limit, &bits) || bits < 819200 ||
	    bits > 838860800)) {
		resp_error(c, r, 400, "InvalidArgument",
		    "bad x-cos-traffic-limit");
		return;
	}
	if (bits && (c->rate == 0 || bits / 8 < c->rate))
		c->rate = bits / 8;
	table[r->op].run(c, r);
}

static void
count(struct conn *c, struct req *r)
{
	struct stats *s = &c->f->stats;

	pthread_mutex_lock(&c->f->lock);
	s->requests++;
	s->ops[r->op]++;
	if (r->op == OP_PART && ++s->parts_in_flight > s->max_parts_in_flight)
		s->max_parts_in_flight = s->parts_in_flight;
	pthread_mutex_unlock(&c->f->lock);
}

static void
record(struct conn *c, struct req *r)
{
	struct log_entry *e;

	pthread_mutex_lock(&c->f->lock);
	if (r->op == OP_PART)
		c->f->stats.parts_in_flight--;
	e = &c->f->log[c->f->log_next++ % LOG_LINES];
	free(e->target);
	*e = (struct log_entry){ .op = r->op, .status = r->answered ?
	    r->status : 0, .bytes_in = r->bytes_in,
	    .ms = (now_ns() - r->began) / 1000000,
	    .start = r->began / 1000000 };
	strcpy(e->method, r->method);
	e->target = xcopy(r->target, strlen(r->target));
	pthread_mutex_unlock(&c->f->lock);
}

static void
malformed(struct conn *c, struct req *r)
{
	pthread_mutex_lock(&c->f->lock);
	c->f->stats.requests++;
	c->f->stats.bad_requests++;
	pthread_mutex_unlock(&c->f->lock);
	c->close = true;
	resp_error(c, r, 400, "BadRequest", "%s", r->bad);
	conn_linger(c, 500);
}

static void
handle(struct conn *c, struct req *r)
{
	if (control_is(r)) {
		control(c, r);
	} else {
		r->op = classify(r);
		count(c, r);
		fault_match(c->f, r, &r->fault);
		fault_run(c, r, perform);
		record(c, r);
	}
	http_body_finish(c, r);
}

void
serve(struct conn *c)
{
	struct req *r = xalloc(sizeof(*r));
	size_t n = 0;
	int got;

	while (!c->close && !c->f->stopping && (got = http_read(c, &n)) != 0) {
		*r = (struct req){ .began = now_ns() };
		c->rate = c->f->set.rate;
		r->bad = "head cut or too long";
		if (got > 0 && http_parse(r, c->in + c->in_at, n,
		    c->f->set.no_auth)) {
			c->in_at += n;
			handle(c, r);
		} else {
			r->method = r->target = "";
			malformed(c, r);
		}
		http_free(r);
	}
	free(r);
}
