/*
 * cos/upload_old.c - append and resume: the new object begins with bytes of
 * the old one.
 *
 * A beginning of 1 MiB or more is copied by COS itself, part by part; a
 * smaller one cannot be a part of its own and is read back into our first
 * buffer.  If-Match on both makes sure that it is the object we looked at.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "upload_int.h"

enum {
	COPY_MIN = 1024 * 1024,
	READ_TRIES = 4
};
static const int64_t copy_max_default = INT64_C(5) << 30;

void
cos_upload_old_start(struct cos_upload *u)
{
	struct cos_call c = { .op = "HeadObject", .method = "HEAD",
	    .key = u->source, .quiet_404 = true,
	    .need = COS_NEED_ETAG };
	struct cos_fault f;

	u->state = U_OLD_HEAD;
	u->request = cos_request_new(u->bucket, &c, u->who, &u->task);
	if (u->request == NULL) {
		cos_fault_set(&f, COS_UNAVAILABLE, "out of memory");
		cos_upload_fail(u, &f);
	}
}

static void
range_fault(struct cos_upload *u)
{
	struct cos_fault f;

	cos_fault_set(&f, COS_RANGE, "offset %" PRId64 " is beyond the %"
	    PRId64 " bytes there", u->req.offset, u->old.size);
	cos_upload_fail(u, &f);
}

static void
old_missing(struct cos_upload *u)
{
	if (u->req.mode == COS_RESUME) {
		range_fault(u);
		return;
	}
	u->req.mode = COS_PUT;		/* appending to nothing creates it */
	u->live->builds_on = false;
	cos_upload_enter(u, U_RECEIVE);
}

static void
copy_by_parts(struct cos_upload *u)
{
	int64_t max = u->client->set.copy_max > 0 ? u->client->set.copy_max :
	    copy_max_default;
	int64_t pieces = (u->old_len + max - 1) / max, i, from = 0, to;

	u->multipart = true;
	for (i = 1; i <= pieces; i++) {
		to = u->old_len / pieces * i + u->old_len % pieces * i / pieces;
		cos_upload_queue_copy(u, from, to - from);
		from = to;
	}
	if (u->state >= U_ABORT)
		return;
	u->total = u->old_len;
	cos_upload_enter(u, U_RECEIVE);
	cos_upload_initiate(u);
}

static void
read_back(struct cos_upload *u)
{
	struct cos_call c = { .op = "GetObject", .method = "GET",
	    .key = u->source, .stream = true,
	    .need = COS_NEED_ETAG };
	struct cos_fault f;

	u->range_from = u->total;
	snprintf(u->range, sizeof(u->range), "bytes=%" PRId64 "-%" PRId64,
	    u->total, u->old_len - 1);
	cos_call_header(&c, "Range", u->range);
	cos_call_header(&c, "If-Match", u->old.etag);
	cos_request_free(u->request);
	u->request = cos_request_new(u->bucket, &c, u->who, &u->task);
	u->state = U_OLD_READ;
	if (u->request == NULL) {
		cos_fault_set(&f, COS_UNAVAILABLE, "out of memory");
		cos_upload_fail(u, &f);
	}
}

static void
head_step(struct cos_upload *u)
{
	const struct cos_fault *f = cos_request_fault(u->request);
	struct cos_fault copy;
	bool kept;

	if (cos_request_state(u->request) == COS_FAILED) {
		copy = *f;
		cos_request_free(u->request);
		u->request = NULL;
		if (copy.cause == COS_NOT_FOUND)
			old_missing(u);
		else
			cos_upload_fail(u, &copy);
		return;
	}
	cos_object_from_head(&u->old, cos_request_head(u->request));
	kept = cos_meta_from_head(&u->meta, cos_request_head(u->request),
	    u->req.copy_from != NULL);
	cos_request_free(u->request);
	u->request = NULL;
	if (!kept || (u->if_match[0] != '\0' &&
	    strcmp(u->if_match, u->old.etag) != 0)) {
		cos_fault_set(&copy, kept ? COS_CHANGED : COS_REFUSED, "%s",
		    kept ? "the object changed" :
		    "it has more headers than can be kept");
		cos_upload_fail(u, &copy);
		return;
	}
	u->old_len = u->req.mode == COS_APPEND ? u->old.size : u->req.offset;
	if (u->old.size < 0 || u->old_len > u->old.size) {
		u->old_len = 0;
		range_fault(u);
	} else if (u->old_len == 0) {
		cos_upload_enter(u, U_RECEIVE);
	} else if (u->old_len >= COPY_MIN) {
		copy_by_parts(u);
	} else {
		read_back(u);
	}
}

/* All of the small beginning is here: is it the object's? */
static void
read_whole(struct cos_upload *u)
{
	struct cos_fault f;

	cos_request_free(u->request);
	u->request = NULL;
	if (u->old_len == u->old.size && u->old.has_crc &&
	    u->filling->crc != u->old.crc) {
		cos_fault_set(&f, COS_CORRUPT, "COS says CRC-64 %" PRIu64
		    ", what came back has %" PRIu64, u->old.crc,
		    u->filling->crc);
		log_line(u->client->log, LOG_LEVEL_ERROR, "%s GetObject "
		    "%s%s: %s", u->who, u->bucket->at,
		    u->source, f.text);
		cos_upload_fail(u, &f);
		return;
	}
	cos_upload_enter(u, U_RECEIVE);
}

/* The connection broke: on with the missing byte. */
static void
read_broken(struct cos_upload *u)
{
	struct cos_fault f;

	cos_request_stream_failed(u->request, &f);
	if (++u->old_tries < READ_TRIES)
		read_back(u);
	else
		cos_upload_fail(u, &f);
}

static bool
wrong_range(const struct cos_upload *u)
{
	char text[80], want[48];

	snprintf(want, sizeof(want), "bytes %" PRId64 "-", u->range_from);
	return !http_value(cos_request_head(u->request), "content-range",
	    text, sizeof(text)) || strncmp(text, want, strlen(want)) != 0;
}

/* The small beginning: into the first part, which is large enough. */
static void
read_step(struct cos_upload *u)
{
	struct net_http *http = cos_request_http(u->request);
	struct cos_fault f;
	size_t room, n;
	char *p;

	if (!cos_upload_new_part(u))
		return;
	if (wrong_range(u)) {
		cos_fault_set(&f, COS_MALFORMED, "not the range asked for");
		cos_upload_fail(u, &f);
		return;
	}
	while (u->total < u->old_len) {
		p = cos_part_room(u->filling, u->client->budget, &room);
		if (p == NULL) {
			cos_fault_set(&f, COS_UNAVAILABLE, "out of memory");
			cos_upload_fail(u, &f);
			return;
		}
		if ((int64_t)room > u->old_len - u->total)
			room = (size_t)(u->old_len - u->total);
		n = net_http_read(http, p, room);
		if (n == 0)
			break;
		cos_part_wrote(u->filling, n);
		u->total += (int64_t)n;
	}
	if (u->total == u->old_len) {
		read_whole(u);
	} else if (net_http_state(http) == HTTP_FAILED) {
		read_broken(u);
	} else if (net_http_state(http) == HTTP_DONE) {
		cos_fault_set(&f, COS_CORRUPT, "only %" PRId64 " of %" PRId64
		    " bytes came back", u->total, u->old_len);
		cos_upload_fail(u, &f);
	}
}

void
cos_upload_old_step(struct cos_upload *u)
{
	struct cos_fault f;

	if (cos_request_state(u->request) == COS_BUSY)
		return;
	if (u->state == U_OLD_HEAD) {
		head_step(u);
	} else if (cos_request_state(u->request) == COS_FAILED) {
		f = *cos_request_fault(u->request);
		cos_upload_fail(u, &f);
	} else {
		read_step(u);
	}
}
