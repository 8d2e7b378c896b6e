/*
 * cos/upload_end.c - how an upload ends: one PUT, or Complete, each with its
 * proof; a HEAD where the answer was lost; an abort everywhere else.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "upload_int.h"

enum {
	TRIES = 3,
	PAUSE_MAX_MS = 3200,
	ABORT_MS = 4 * 1000,	/* that the owner waits for it */
	SUMS_BYTES = 100	/* of the metadata a PUT adds */
};

static void
drop_request(struct cos_upload *u)
{
	cos_request_free(u->request);
	u->request = NULL;
}

static void
out_of_memory(struct cos_upload *u)
{
	struct cos_fault f;

	cos_fault_set(&f, COS_UNAVAILABLE, "out of memory");
	cos_upload_fail(u, &f);
}

/* The one request of a step; the one before it is done with. */
static void
ask(struct cos_upload *u, struct cos_call *c, enum cos_upload_step step)
{
	drop_request(u);
	c->patience = &u->patience;
	u->request = cos_request_new(u->bucket, c, u->who, &u->task);
	if (u->request == NULL)
		out_of_memory(u);
	else
		cos_upload_enter(u, step);
}

/* ---- the object is there and right ---- */

static void
done(struct cos_upload *u, const char *etag, bool has_crc, uint64_t crc)
{
	u->stored = true;
	u->object.size = u->total;
	u->object.has_crc = has_crc;
	u->object.crc = crc;
	snprintf(u->object.etag, sizeof(u->object.etag), "%s", etag);
	if (u->orphan)
		log_line(u->client->log, LOG_LEVEL_INFO, "%s upload of %s%s "
		    "was finished although the client is gone", u->who,
		    u->bucket->at, u->key);
	/* What an object equal to ours proves is the object, not that the
	 * upload has ended: it may be the old one, with the same bytes. */
	if (u->multipart && u->state == U_SETTLE && !u->verify_only) {
		cos_upload_abort(u);
		return;
	}
	cos_upload_drop_parts(u);
	cos_upload_enter(u, U_DONE);
}

/* The store has something else than what we sent.  It is not deleted: who
 * reads it may still want it more than nothing. */
static void
corrupt(struct cos_upload *u, uint64_t theirs, uint64_t ours)
{
	cos_fault_set(&u->fault, COS_CORRUPT, "COS has CRC-64 %" PRIu64
	    ", sent was %" PRIu64, theirs, ours);
	log_line(u->client->log, LOG_LEVEL_ERROR, "%s %s%s: %s", u->who,
	    u->bucket->at, u->key, u->fault.text);
	cos_upload_drop_parts(u);
	cos_upload_enter(u, U_FAILED);
}

/* What the whole object's CRC must be; false: not known. */
static bool
expected_crc(const struct cos_upload *u, uint64_t *crc)
{
	if (u->multipart)
		return cos_upload_whole_crc(u, crc);
	*crc = u->filling != NULL ? u->filling->crc :
	    cos_crc64(0, u->starter, u->starter_len);
	return true;
}

/* ---- settling by HEAD ---- */

static void
settle(struct cos_upload *u, bool verify_only)
{
	struct cos_call c = { .op = "HeadObject", .method = "HEAD",
	    .key = u->key, .quiet_404 = true, .always = true,
	    .need = COS_NEED_ETAG,
	    .since = verify_only ? 0 : cos_request_started(u->request) };

	u->verify_only = verify_only;
	ask(u, &c, U_SETTLE);
}

/* Is it ours?  By CRC where COS knows it, else by the ETag's form. */
static bool
is_ours(const struct cos_upload *u, const struct cos_object *o)
{
	uint64_t crc;
	char parts[16];
	size_t n;

	if (o->size != u->total)
		return false;
	if (o->has_crc && expected_crc(u, &crc))
		return o->crc == crc;
	if (u->verify_only)
		return strcmp(o->etag, u->object.etag) == 0;
	if (!u->multipart || strcmp(o->etag, u->old.etag) == 0)
		return false;
	n = (size_t)snprintf(parts, sizeof(parts), "-%d\"", u->nparts);
	return strlen(o->etag) > n &&
	    strcmp(o->etag + strlen(o->etag) - n, parts) == 0;
}

/* Shall Complete be sent again?  Where the first one was lost and the upload
 * is gone, COS is still at it: then it is asked until the object is there. */
static bool
complete_again(const struct cos_upload *u)
{
	bool taken = strcmp(u->fault.code, "NoSuchUpload") == 0;

	return u->multipart && u->fault.cause != COS_EXISTS &&
	    (u->tries < TRIES || taken) && cos_answer_ms(u->total,
	    net_now(u->task.loop) - u->complete_at) > 0;
}

static void
settle_step(struct cos_upload *u)
{
	struct cos_object o;
	struct cos_fault f = u->fault;
	uint64_t crc = 0;

	if (cos_request_state(u->request) == COS_DONE) {
		cos_object_from_head(&o, cos_request_head(u->request));
		if (is_ours(u, &o)) {
			done(u, o.etag, o.has_crc, o.crc);
			return;
		}
		if (u->verify_only && o.has_crc && expected_crc(u, &crc)) {
			corrupt(u, o.crc, crc);
			return;
		}
	} else if (u->verify_only &&
	    cos_request_fault(u->request)->cause != COS_NOT_FOUND) {
		f = *cos_request_fault(u->request);
		cos_upload_fail(u, &f);
		return;
	}
	drop_request(u);
	if (u->verify_only)
		cos_fault_set(&f, COS_CORRUPT, "COS confirmed the object but "
		    "does not have it as it was sent");
	else if (complete_again(u)) {
		cos_upload_enter(u, U_PAUSE);
		net_task_deadline(&u->task, cos_pause_ms(COS_UPLOAD_PAUSE_MS,
		    u->tries, PAUSE_MAX_MS));
		return;
	}
	cos_upload_fail(u, &f);
}

/* ---- one PUT ---- */

static void
put_sums(struct cos_upload *u)
{
	unsigned char md5[TLS_MD5_LEN];
	struct tls_md5 m;
	uint64_t crc;
	size_t i;

	tls_md5_init(&m);
	tls_md5_update(&m, u->starter, u->starter_len);
	for (i = 0; u->filling != NULL && i < u->filling->niov; i++)
		tls_md5_update(&m, u->filling->iov[i].iov_base,
		    u->filling->iov[i].iov_len);
	tls_md5_final(&m, md5);
	tls_base64(u->md5, md5, sizeof(md5));
	tls_hex(u->md5_hex, md5, sizeof(md5));
	expected_crc(u, &crc);
	snprintf(u->crc_text, sizeof(u->crc_text), "%" PRIu64, crc);
}

void
cos_upload_put(struct cos_upload *u)
{
	struct cos_call c = { .op = "PutObject", .method = "PUT",
	    .key = u->key, .need = COS_NEED_ETAG };

	if (u->filling != NULL) {
		c.body = u->filling->iov;
		c.nbody = u->filling->niov;
	} else if (u->starter_len > 0) {
		u->body_iov.iov_base = u->starter;
		u->body_iov.iov_len = u->starter_len;
		c.body = &u->body_iov;
		c.nbody = 1;
	}
	if (u->md5[0] == '\0')
		put_sums(u);
	cos_call_header(&c, "Content-MD5", u->md5);
	if (u->meta.bytes <= COS_META_BYTES - SUMS_BYTES) {
		cos_call_header(&c, COS_META_MD5, u->md5_hex);
		cos_call_header(&c, COS_META_CRC, u->crc_text);
	}
	cos_upload_describe(u, &c);
	if (u->forbid)
		cos_call_header(&c, "x-cos-forbid-overwrite", "true");
	u->tries++;
	ask(u, &c, U_PUT);
}

static void
put_step(struct cos_upload *u)
{
	const struct cos_answer *a = cos_request_answer(u->request);
	uint64_t crc;

	if (cos_request_state(u->request) == COS_FAILED) {
		u->fault = *cos_request_fault(u->request);
		/* With forbid-overwrite a repeated PUT may meet itself. */
		if (cos_request_unanswered(u->request) ||
		    u->fault.status >= 500 ||
		    (u->fault.cause == COS_EXISTS &&
		    cos_request_repeated(u->request)))
			settle(u, false);
		else
			cos_upload_abort(u);
		return;
	}
	expected_crc(u, &crc);
	snprintf(u->object.etag, sizeof(u->object.etag), "%s", a->etag);
	if (!a->has_crc)
		settle(u, true);	/* is anything there? */
	else if (a->crc == crc)
		done(u, a->etag, true, crc);
	else if (u->tries < TRIES && !u->forbid)
		cos_upload_put(u);
	else
		corrupt(u, a->crc, crc);
}

/* ---- Complete ---- */

static bool
complete_body(struct cos_upload *u)
{
	struct net_buf *b = &u->body;
	int i;

	if (b->len > 0)
		return !b->failed;
	b->max = 4 * 1024 * 1024;
	net_buf_printf(b, "<CompleteMultipartUpload>");
	for (i = 0; i < u->nparts; i++)
		net_buf_printf(b, "<Part><PartNumber>%d</PartNumber>"
		    "<ETag>%s</ETag></Part>", i + 1, u->done[i].etag);
	net_buf_printf(b, "</CompleteMultipartUpload>");
	return !b->failed;
}

void
cos_upload_complete(struct cos_upload *u)
{
	struct cos_call c = { .op = "CompleteMultipartUpload",
	    .method = "POST", .key = u->key, .need = COS_NEED_ETAG,
	    .once = true, .inside = u->total };

	if (!complete_body(u)) {
		out_of_memory(u);
		return;
	}
	u->body_iov.iov_base = u->body.data;
	u->body_iov.iov_len = u->body.len;
	c.body = &u->body_iov;
	c.nbody = 1;
	cos_call_param(&c, "uploadId", u->id);
	cos_call_header(&c, "Content-Type", "application/xml");
	if (u->forbid)
		cos_call_header(&c, "x-cos-forbid-overwrite", "true");
	if (u->tries++ == 0)
		u->complete_at = net_now(u->task.loop);
	c.since = u->complete_at;
	ask(u, &c, U_COMPLETE);
}

static void
complete_step(struct cos_upload *u)
{
	const struct cos_answer *a = cos_request_answer(u->request);
	bool known, doubt;
	uint64_t crc;

	if (cos_request_state(u->request) == COS_FAILED) {
		u->fault = *cos_request_fault(u->request);
		doubt = cos_request_unanswered(u->request) ||
		    u->fault.status >= 500 ||
		    ((u->tries > 1 || cos_request_repeated(u->request)) &&
		    (u->fault.cause == COS_EXISTS ||
		    strcmp(u->fault.code, "NoSuchUpload") == 0));
		if (doubt)
			settle(u, false);
		else
			cos_upload_abort(u);
		return;
	}
	known = cos_upload_whole_crc(u, &crc);
	snprintf(u->object.etag, sizeof(u->object.etag), "%s", a->etag);
	if (!known || !a->has_crc || a->crc != crc)
		settle(u, true);	/* what is really there? */
	else
		done(u, a->etag, a->has_crc, a->crc);
}

/* ---- cut off: may what arrived become the object? ---- */

static void
cut_step(struct cos_upload *u)
{
	bool nothing_there = cos_request_state(u->request) == COS_FAILED &&
	    cos_request_fault(u->request)->cause == COS_NOT_FOUND;

	drop_request(u);
	if (!nothing_there) {
		cos_upload_abort(u);
		return;
	}
	u->kept = true;
	u->forbid = true;
	u->state = U_RECEIVE;
	cos_upload_finish(u);
}

/* ---- abort ---- */

static void
ended(struct cos_upload *u)
{
	cos_upload_enter(u, cos_upload_well(u) ? U_DONE : U_FAILED);
}

static void
abort_step(struct cos_upload *u)
{
	const char *id = u->id;

	if (u->abort != NULL) {
		if (!cos_abort_done(u->abort))
			return;
		cos_abort_free(u->abort);
		u->abort = NULL;
		u->init = INIT_NONE;
	}
	if (u->init == INIT_SENT) {
		/* Its answer is awaited: only it knows the id. */
		switch (cos_request_state(u->init_request)) {
		case COS_BUSY:
			return;
		case COS_FAILED:
			id = NULL;
			u->init = cos_request_unanswered(u->init_request) ?
			    INIT_CLEAN : INIT_NONE;
			if (u->live != NULL)	/* it must not seem ours */
				u->live->state = LIVE_LOST;
			break;
		case COS_DONE:
			snprintf(u->id, sizeof(u->id), "%s",
			    cos_request_answer(u->init_request)->upload_id);
			u->init = INIT_HAVE;
		}
		cos_request_free(u->init_request);
		u->init_request = NULL;
	}
	if (u->init == INIT_NONE) {
		ended(u);
		return;
	}
	u->abort = cos_abort_new(u->bucket, u->key,
	    u->init == INIT_CLEAN ? NULL : id, u->init_since, u->who,
	    &u->task);
	if (u->abort == NULL)		/* out of memory: once more, then */
		net_task_deadline(&u->task, ABORT_MS);
}

void
cos_upload_abort(struct cos_upload *u)
{
	if (u->state >= U_ABORT)
		return;
	if (u->init == INIT_PAUSE)
		u->init = INIT_NONE;
	if (u->live != NULL)	/* others may: this changes nothing more */
		u->live->builds_on = false;
	cos_upload_enter(u, U_ABORT);
	cos_upload_drop_parts(u);
	drop_request(u);
	net_task_deadline(&u->task, ABORT_MS);
	net_task_wake(&u->task);
}

void
cos_upload_end_step(struct cos_upload *u, bool late)
{
	if (u->state == U_ABORT) {
		u->late |= late;
		if (late)
			net_task_wake(u->owner);
		abort_step(u);
		return;
	}
	if (cos_request_state(u->request) == COS_BUSY)
		return;
	if (u->state == U_PUT)
		put_step(u);
	else if (u->state == U_COMPLETE)
		complete_step(u);
	else if (u->state == U_SETTLE)
		settle_step(u);
	else
		cut_step(u);
}
