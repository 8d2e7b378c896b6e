/*
 * copy.c - PUT Object - Copy and Upload Part - Copy.
 */
#include "ops.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* BUCKET.HOST-SUFFIX/KEY, percent-encoded once.  NULL: an error is answered. */
static struct object *
source_find(struct conn *c, struct req *r, struct bucket **bucket)
{
	const char *s = http_header(r, "x-cos-copy-source");
	const char *slash = strchr(s, '/'), *dot = strchr(s, '.'), *p;
	struct object *o = NULL;
	size_t n;
	char *key;

	for (p = s; *p && (strchr("-_.~/%:", *p) || (*p >= 'a' && *p <= 'z') ||
	    (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9')); p++)
		;
	key = xalloc(strlen(s) + 1);
	if (*p || slash == NULL || dot == NULL || dot > slash ||
	    slash[1] == '\0' ||
	    !percent_decode(slash + 1, strlen(slash + 1), key, &n, false)) {
		resp_error(c, r, 400, "InvalidCopySource", "x-cos-copy-source "
		    "is not BUCKET.HOST/KEY, percent-encoded");
		free(key);
		return NULL;
	}
	*bucket = bucket_find(c->f, s, (size_t)(dot - s));
	if (*bucket)
		o = store_get(c->f, *bucket, key, n);
	if (o == NULL)
		resp_error(c, r, 404, *bucket ? "NoSuchKey" : "NoSuchBucket",
		    "the source does not exist");
	free(key);
	return o;
}

static struct object *
source(struct conn *c, struct req *r, struct bucket **bucket)
{
	struct object *o = source_find(c, r, bucket);

	if (o == NULL)
		return NULL;
	if (conditions(r, o, "x-cos-copy-source-"))
		resp_error(c, r, 412, "PreconditionFailed", "the source has "
		    "changed");
	else if (strstr(o->class, "ARCHIVE"))
		resp_error(c, r, 403, "InvalidObjectState", "the source is "
		    "archived");
	else
		return o;
	object_free(o);
	return NULL;
}

/* Both answers are chunked, and the CRC is in the body. */
static void
answer(struct conn *c, struct req *r, const char *root,
    const struct body *body, int64_t mtime, const char *failed)
{
	bool wrong = r->fault.action == FAULT_WRONG_ETAG;
	uint64_t crc = body->crc ^ (r->fault.action == FAULT_WRONG_CRC);
	struct text t = { 0 };
	char date[DATE_MAX];

	date_iso(date, mtime);
	text_fmt(&t, "<?xml version='1.0' encoding='utf-8' ?>\n<%s>\n"
	    "\t<ETag>&quot;%s&quot;</ETag>\n", root, wrong ? "0bad" :
	    body->etag);
	if (body->has_crc && r->fault.action != FAULT_NO_CRC)
		text_fmt(&t, "\t<CRC64>%" PRIu64 "</CRC64>\n", crc);
	text_fmt(&t, "\t<LastModified>%s</LastModified>\n"
	    "\t<VersionId/>\n</%s>\n", date, root);
	if (failed) {
		t.n = 0;
		error_xml(c, r, &t, failed, "not stored");
	}
	resp_begin(c, r, 200);
	resp_chunked(c, r);
	resp_data(c, r, t.p, t.n);
	resp_end(c, r);
	text_free(&t);
}

/* The source's headers, but for its encryption: that has to be said again. */
static char *
headers_kept(struct req *r, const char *from)
{
	static const char *const names[] = { "x-cos-server-side-encryption",
	    "x-cos-server-side-encryption-cos-kms-key-id" };
	struct text t = { 0 };
	const char *value;
	size_t i, n;

	text_str(&t, "");
	for (; *from; from += n) {
		n = strcspn(from, "\n") + 1;
		if (strncasecmp(from, names[0], strlen(names[0])) != 0)
			text_add(&t, from, n);
	}
	for (i = 0; i < 2; i++)
		if ((value = http_header(r, names[i])) != NULL)
			text_fmt(&t, "%s: %s\r\n", names[i], value);
	return t.p;
}

/* What the target takes over.  False: an error has been answered. */
static bool
target_fill(struct conn *c, struct req *r, struct object *to,
    const struct object *from, bool replaced)
{
	free(to->headers);
	to->headers = replaced ? receive_headers(c, r) :
	    headers_kept(r, from->headers);
	if (to->headers == NULL || !receive_class(c, r, to->class))
		return false;
	body_share(&to->body, &from->body, 0, from->body.size);
	to->body.crc = from->body.crc;
	to->body.has_crc = from->body.has_crc;
	etag_fake(c->f, to->body.etag);	/* the target's own */
	to->mtime = clock_ms(c->f);
	return true;
}

static bool
copyable(struct conn *c, struct req *r, const struct object *from,
    const struct bucket *b, bool replaced)
{
	const char *directive = http_header(r, "x-cos-metadata-directive");

	if (directive && !replaced && strcasecmp(directive, "Copy") != 0)
		resp_error(c, r, 400, "InvalidArgument", "bad "
		    "x-cos-metadata-directive");
	else if (!replaced && b == r->bucket && key_compare(from->key,
	    from->key_len, r->key, r->key_len) == 0)
		resp_error(c, r, 400, "InvalidRequest", "a copy onto itself "
		    "needs x-cos-metadata-directive: Replaced");
	else if (from->body.size > c->f->set.copy_limit)
		resp_error(c, r, 400, "EntityTooLarge", "the source is larger "
		    "than one copy may be");
	else
		return true;
	return false;
}

void
op_copy(struct conn *c, struct req *r)
{
	const char *directive = http_header(r, "x-cos-metadata-directive");
	bool replaced = directive && strcasecmp(directive, "Replaced") == 0;
	struct bucket *b;
	struct object *from = source(c, r, &b), *to;
	const char *failed;

	if (from == NULL)
		return;
	to = object_new(r->key, r->key_len);
	if (copyable(c, r, from, b, replaced) &&
	    target_fill(c, r, to, from, replaced)) {
		object_ref(to);
		failed = store_put(c->f, r->bucket, to, forbids_overwrite(r));
		if (failed && *failed == 'F')
			resp_error(c, r, 409, failed, "the key exists");
		else
			answer(c, r, "CopyObjectResult", &to->body, to->mtime,
			    failed);
	}
	object_free(to);
	object_free(from);
}

/* bytes=A-B, both ends, inside the source; without it the whole source */
static bool
range_of(struct conn *c, struct req *r, const struct object *from, int64_t *at,
    int64_t *len)
{
	const char *range = http_header(r, "x-cos-copy-source-range");
	char a[32], b[32];
	int used = 0;
	int64_t end;

	*at = 0;
	*len = from->body.size;
	if (range) {
		if (sscanf(range, "bytes=%20[0-9]-%20[0-9]%n", a, b, &used) !=
		    2 || range[used] || !number_parse(a, at) ||
		    !number_parse(b, &end) || end < *at ||
		    end >= from->body.size) {
			resp_error(c, r, 400, "InvalidArgument", "bad "
			    "x-cos-copy-source-range");
			return false;
		}
		*len = end - *at + 1;
	}
	if (*len <= c->f->set.copy_limit)
		return true;
	resp_error(c, r, 400, "EntityTooLarge", "the range is larger than "
	    "one part copy may be");
	return false;
}

void
op_part_copy(struct conn *c, struct req *r)
{
	struct object *from = NULL;
	struct body body = { 0 }, sums;
	struct bucket *b;
	int64_t number, at, len;

	if (part_number(c, r, &number) && (from = source(c, r, &b)) != NULL &&
	    range_of(c, r, from, &at, &len)) {
		if (r->fault.action == FAULT_BESIDE && at > 0)
			at--;
		body_share(&body, &from->body, at, len);
		body.has_crc = from->body.has_crc;
		body.crc = len == from->body.size ? from->body.crc :
		    body_crc(c->f, &body, 0, len);
		etag_fake(c->f, body.etag);
		sums = body;
		if (part_store(c, r, number, &body))
			answer(c, r, "CopyPartResult", &sums, clock_ms(c->f),
			    NULL);
	}
	body_free(&body);
	object_free(from);
}
