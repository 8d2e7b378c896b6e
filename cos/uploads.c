/*
 * cos/uploads.c - the multipart uploads of a bucket that are not completed,
 * page by page (List Multipart Uploads).
 *
 * The request belongs to the owner's task: the owner is woken and asks for
 * the next one, as with a listing of objects.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cos_int.h"

enum { PAGE_MAX = 16 * 1024 * 1024 };	/* bytes as they come */

struct cos_uploads {
	struct net_task *owner;
	struct cos_bucket *bucket;
	const char *who;
	char prefix[COS_KEY_MAX + 2];	/* whole, as the markers */
	struct cos_request *request;
	struct cos_xml xml;
	struct cos_pending row;		/* the <Upload> being read */
	bool complete;			/* row is one to be given out */
	size_t bytes;			/* of this page so far */
	bool truncated, ended;
	bool foreign;			/* a key that was not asked for */
	struct cos_pending marker, next_marker;	/* key and id only */
	enum cos_state state;
	struct cos_fault fault;
};

static void
fail(struct cos_uploads *u, enum cos_cause cause, const char *why)
{
	cos_fault_set(&u->fault, cause, "list of uploads: %s", why);
	u->state = COS_FAILED;
}

static void
request_page(struct cos_uploads *u)
{
	struct cos_call c = { .op = "ListMultipartUploads", .method = "GET",
	    .stream = true, .always = true };

	cos_call_param(&c, "uploads", "");
	if (u->prefix[0] != '\0')
		cos_call_param(&c, "prefix", u->prefix);
	cos_call_param(&c, "encoding-type", "url");
	if (u->marker.key[0] != '\0') {
		cos_call_param(&c, "key-marker", u->marker.key);
		cos_call_param(&c, "upload-id-marker", u->marker.id);
	}
	cos_request_free(u->request);
	cos_xml_init(&u->xml);
	u->truncated = u->ended = false;
	u->bytes = 0;
	memset(&u->next_marker, 0, sizeof(u->next_marker));
	u->request = cos_request_new(u->bucket, &c, u->who, u->owner);
	if (u->request == NULL)
		fail(u, COS_UNAVAILABLE, "out of memory");
}

struct cos_uploads *
cos_uploads_new(struct cos_bucket *b, const char *prefix, const char *who,
    struct net_task *owner)
{
	struct cos_uploads *u = calloc(1, sizeof(*u));

	if (u == NULL)
		return NULL;
	u->owner = owner;
	u->bucket = b;
	u->who = who;
	snprintf(u->prefix, sizeof(u->prefix), "%s%s", b->prefix, prefix);
	request_page(u);
	return u;
}

/* A whole key; one that does not fit cannot be one of ours: it stays empty. */
static void
keep_key(struct cos_uploads *u, char out[COS_KEY_MAX + 2])
{
	ssize_t n = cos_unescape(u->xml.text, u->xml.text_len);

	if (n < 0 || n > COS_KEY_MAX || memchr(u->xml.text, 0, (size_t)n))
		n = 0;
	memcpy(out, u->xml.text, (size_t)n);
	out[n] = '\0';
}

static void
upload_field(struct cos_uploads *u, const char *name)
{
	size_t skip = u->bucket->prefix_len;
	char key[COS_KEY_MAX + 2];

	if (strcmp(name, "Key") == 0) {
		keep_key(u, key);
		u->foreign = key[0] != '\0' &&
		    strncmp(key, u->prefix, strlen(u->prefix)) != 0;
		if (key[0] != '\0' && !u->foreign)
			snprintf(u->row.key, sizeof(u->row.key), "%s",
			    key + skip);
	} else if (strcmp(name, "UploadId") == 0)
		snprintf(u->row.id, sizeof(u->row.id), "%.255s", u->xml.text);
	else if (strcmp(name, "Initiated") == 0)
		u->row.begun = cos_date(u->xml.text);
}

static void
element(struct cos_uploads *u)
{
	const char *name = cos_xml_name(&u->xml);

	if (u->xml.depth == 3 &&
	    strcmp(cos_xml_parent(&u->xml), "Upload") == 0)
		upload_field(u, name);
	else if (u->xml.depth != 2)
		return;
	else if (strcmp(name, "Upload") == 0)
		u->complete = true;
	else if (strcmp(name, "IsTruncated") == 0)
		u->truncated = u->xml.text[0] == 't' || u->xml.text[0] == 'T';
	else if (strcmp(name, "NextKeyMarker") == 0)
		keep_key(u, u->next_marker.key);
	else if (strcmp(name, "NextUploadIdMarker") == 0)
		snprintf(u->next_marker.id, sizeof(u->next_marker.id),
		    "%.255s", u->xml.text);
}

/* Up to the end of one <Upload>; false: malformed. */
static bool
scan(struct cos_uploads *u, const char **p, size_t *n)
{
	enum cos_xml_event ev;

	while (!u->complete &&
	    (ev = cos_xml_next(&u->xml, p, n)) != XML_MORE) {
		if (ev == XML_BAD || (ev == XML_OPEN && u->xml.depth == 1 &&
		    strcmp(cos_xml_name(&u->xml),
		    "ListMultipartUploadsResult") != 0))
			return false;
		if (ev == XML_CLOSE)
			element(u);
		if (ev == XML_END)
			u->ended = true;
		if (u->foreign)
			return false;
	}
	return true;
}

static void
page_end(struct cos_uploads *u)
{
	const struct cos_pending *m = &u->next_marker;

	if (!u->ended) {
		fail(u, COS_MALFORMED, "cut short");
	} else if (!u->truncated) {
		u->state = COS_DONE;
	} else if (m->key[0] == '\0' || (strcmp(m->key, u->marker.key) == 0 &&
	    strcmp(m->id, u->marker.id) == 0)) {
		fail(u, COS_MALFORMED, "the marker does not advance");
	} else {
		u->marker = *m;
		request_page(u);
	}
}

const struct cos_pending *
cos_uploads_next(struct cos_uploads *u)
{
	struct net_http *http;
	const char *p;
	size_t n, rest;

	if (u->complete) {
		u->complete = false;
		memset(&u->row, 0, sizeof(u->row));
	}
	if (u->state != COS_BUSY ||
	    cos_request_state(u->request) == COS_BUSY)
		return NULL;
	if (cos_request_state(u->request) == COS_FAILED) {
		u->fault = *cos_request_fault(u->request);
		u->state = COS_FAILED;
		return NULL;
	}
	http = cos_request_http(u->request);
	while (!u->complete && (p = net_http_peek(http, &n), n > 0)) {
		rest = n;
		if (!scan(u, &p, &rest) || u->bytes > PAGE_MAX) {
			fail(u, COS_MALFORMED, u->bytes > PAGE_MAX ?
			    "page too large" : "malformed");
			return NULL;
		}
		net_http_drop(http, n - rest);
		u->bytes += n - rest;
	}
	if (u->complete)
		return &u->row;
	if (net_http_state(http) == HTTP_FAILED) {
		cos_request_stream_failed(u->request, &u->fault);
		u->state = COS_FAILED;
	} else if (net_http_state(http) == HTTP_DONE) {
		page_end(u);
	}
	return NULL;
}

enum cos_state
cos_uploads_state(const struct cos_uploads *u)
{
	return u->state;
}

const struct cos_fault *
cos_uploads_fault(const struct cos_uploads *u)
{
	return &u->fault;
}

void
cos_uploads_free(struct cos_uploads *u)
{
	if (u == NULL)
		return;
	cos_request_free(u->request);
	free(u);
}
