/*
 * object.c - HEAD, GET, PUT and DELETE of one object, HEAD of a bucket.
 */
#include "ops.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *
prefixed(const struct req *r, const char *prefix, const char *name)
{
	char all[64];

	snprintf(all, sizeof(all), "%s%s", prefix, name);
	return http_header(r, all);
}

/* RFC 9110 13.1: a list of quoted tags or "*"; COS takes bare ones too */
static bool
etag_in(const char *list, const char *etag)
{
	const char *p;
	size_t n;

	for (p = list; *p; p += n) {
		p += strspn(p, ", \"");
		n = strcspn(p, ", \"");
		if ((n == 1 && *p == '*') ||
		    (n == strlen(etag) && n > 0 && memcmp(p, etag, n) == 0))
			return true;
	}
	return false;
}

int
conditions(const struct req *r, const struct object *o, const char *prefix)
{
	const char *match = prefixed(r, prefix, "If-Match");
	const char *none = prefixed(r, prefix, "If-None-Match");
	const char *since = prefixed(r, prefix, "If-Modified-Since");
	const char *unless = prefixed(r, prefix, "If-Unmodified-Since");
	int not_modified = *prefix ? 412 : 304;
	int64_t t, mtime = o->mtime / 1000 * 1000;

	if (match && !etag_in(match, o->body.etag))
		return 412;
	if (!match && unless && date_http_parse(unless, &t) && mtime > t)
		return 412;
	if (none && etag_in(none, o->body.etag))
		return not_modified;
	if (!none && since && date_http_parse(since, &t) && mtime <= t)
		return not_modified;
	return 0;
}

struct range {
	int64_t from, len;
	bool part;
};

/* 0, or the status to answer.  One range: A-B, A- or -N. */
static int
range_parse(const char *s, int64_t size, struct range *out)
{
	char buf[64], *dash;
	int64_t a = 0, b = size - 1;

	if (strncmp(s, "bytes=", 6) != 0 || strlen(s) >= sizeof(buf) ||
	    (dash = strchr(strcpy(buf, s + 6), '-')) == NULL)
		return 400;
	*dash++ = '\0';
	if (*buf == '\0') {
		if (!number_parse(dash, &b))
			return 400;
		a = b < size ? size - b : 0;
		if (b == 0)
			return 416;
		b = size - 1;
	} else if (!number_parse(buf, &a) ||
	    (*dash && !number_parse(dash, &b)))
		return 400;
	if (a >= size || b < a)
		return 416;
	if (b >= size)
		b = size - 1;
	*out = (struct range){ a, b - a + 1, true };
	return 0;
}

static bool
ends_with(const struct req *r, const char *end)
{
	size_t n = strlen(end);

	return r->key_len >= n &&
	    strncasecmp(r->key + r->key_len - n, end, n) == 0;
}

/* An error has been answered when false. */
static bool
readable(struct conn *c, struct req *r, const struct object *o,
    struct range *range)
{
	const char *header = http_header(r, "Range");
	int status = conditions(r, o, "");

	if (!r->head_only && c->f->set.force_download &&
	    (ends_with(r, ".apk") || ends_with(r, ".ipa")))
		resp_error(c, r, 403, "DownloadForbidden", "The type of this "
		    "file is not allowed to be downloaded from public network");
	else if (!r->head_only && strstr(o->class, "ARCHIVE"))
		resp_error(c, r, 403, "InvalidObjectState", "The operation is "
		    "not valid for the object's storage class");
	else if (status == 304)
		resp_error(c, r, 304, "NotModified", "Not Modified");
	else if (status)
		resp_error(c, r, status, "PreconditionFailed", "At least one "
		    "of the pre-conditions you specified did not hold.");
	else if (!r->head_only && header &&
	    (status = range_parse(header, o->body.size, range)) != 0)
		resp_error(c, r, status, status == 416 ? "InvalidRange" :
		    "InvalidArgument", "The requested range is not satisfiable");
	else
		return true;
	return false;
}

static void
object_head(struct conn *c, struct req *r, const struct object *o)
{
	char date[DATE_MAX];
	uint64_t crc = o->body.crc;

	/* what --discard sends back is not what was put */
	if (c->f->set.discard && !r->head_only)
		crc = body_crc(c->f, &o->body, 0, o->body.size);
	date_http(date, o->mtime);
	resp_head(r, "Last-Modified: %s", date);
	resp_head(r, "Accept-Ranges: bytes");
	resp_sums(r, o->body.etag, o->body.has_crc, crc);
	resp_head(r, "x-cos-object-type: normal");
	if (strcmp(o->class, "STANDARD") != 0)
		resp_head(r, "x-cos-storage-class: %s", o->class);
	if (!r->mute)
		text_str(&r->out, o->headers);
	if (!r->head_only && c->f->set.force_download) {
		resp_head(r, "x-cos-force-download: true");
		if (strcasestr(o->headers, "content-disposition:") == NULL)
			resp_head(r, "Content-Disposition: attachment");
	}
}

struct sender {
	struct conn *c;
	struct req *r;
};

static bool
send_slice(void *arg, const unsigned char *p, size_t n)
{
	struct sender *s = arg;

	return resp_data(s->c, s->r, p, n);
}

void
op_get(struct conn *c, struct req *r)
{
	struct object *o = store_get(c->f, r->bucket, r->key, r->key_len);
	struct range range = { 0 };
	struct sender to = { c, r };

	if (o == NULL) {
		resp_error(c, r, 404, "NoSuchKey", "The specified key does "
		    "not exist.");
		return;
	}
	range.len = o->body.size;
	if (readable(c, r, o, &range)) {
		resp_begin(c, r, range.part ? 206 : 200);
		object_head(c, r, o);
		if (range.part)
			resp_head(r, "Content-Range: bytes %" PRId64 "-%" PRId64
			    "/%" PRId64, range.from, range.from + range.len - 1,
			    o->body.size);
		resp_stream(r, range.len);
		if (r->head_only || body_each(c->f, &o->body, range.from,
		    range.len, send_slice, &to))
			resp_end(c, r);
		else
			c->dead = c->close = true;
	}
	object_free(o);
}

static bool
exists(struct conn *c, struct req *r)
{
	struct object *o = store_get(c->f, r->bucket, r->key, r->key_len);

	object_free(o);
	return o != NULL;
}

void
op_put(struct conn *c, struct req *r)
{
	struct object *o = object_new(r->key, r->key_len);
	bool fresh = forbids_overwrite(r), has_crc = true;
	const char *failed;
	char etag[64];
	uint64_t crc;

	free(o->headers);
	o->headers = NULL;
	if (fresh && exists(c, r))
		resp_error(c, r, 409, "FileAlreadyExists", "the key exists");
	else if (receive_class(c, r, o->class) &&
	    (o->headers = receive_headers(c, r)) != NULL &&
	    receive(c, r, &o->body)) {
		strcpy(etag, o->body.etag);
		crc = o->body.crc;
		o->mtime = clock_ms(c->f);
		failed = store_put(c->f, r->bucket, o, fresh);
		if (failed)
			resp_error(c, r, *failed == 'F' ? 409 : 500, failed,
			    "not stored");
		else {
			resp_begin(c, r, 200);
			resp_sums(r, etag, has_crc, crc);
			resp_none(c, r);
		}
		return;
	}
	object_free(o);
}

/* A missing key is no error. */
void
op_delete(struct conn *c, struct req *r)
{
	pthread_mutex_lock(&c->f->lock);
	store_remove(r->bucket, r->key, r->key_len);
	pthread_mutex_unlock(&c->f->lock);
	resp_begin(c, r, 204);
	resp_none(c, r);
}

void
op_head_bucket(struct conn *c, struct req *r)
{
	resp_begin(c, r, 200);
	resp_head(r, "x-cos-bucket-region: ap-fake");
	resp_none(c, r);
}
