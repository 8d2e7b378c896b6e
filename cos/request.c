/*
 * cos/request.c - one call of the COS API: signed, sent, repeated where that
 * is allowed, its answer read; outcome.c says what it means.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "request_int.h"

enum {
	LAST_MS = 10 * 1000,		/* where there is no time left */
	DOCUMENT_MS = 10 * 60 * 1000	/* of an answer in white space */
};

static void
got_head(struct cos_request *r)
{
	const struct http_head *h = net_http_head(r->http);
	char crc[32], date[64];
	int64_t store;

	if (h->status < 500)
		cos_breaker_answered(&r->bucket->breaker,
		    net_now(r->task.loop));
	if (http_value(h, "date", date, sizeof(date)) &&
	    (store = cos_date(date)) > 0) {
		r->bucket->date = store;
		r->bucket->ahead = store - (int64_t)time(NULL);
	}
	http_value(h, "x-cos-request-id", r->request_id,
	    sizeof(r->request_id));
	if (r->call.stream && h->status / 100 == 2 &&
	    (r->call.need != COS_NEED_ETAG ||
	    http_field(h, "etag") != NULL)) {
		cos_request_succeeded(r);
		r->state = R_STREAM;
		net_task_wake(r->owner);
		return;
	}
	http_value(h, "etag", r->answer.etag, sizeof(r->answer.etag));
	if (http_value(h, "x-cos-hash-crc64ecma", crc, sizeof(crc)))
		r->answer.has_crc = cos_crc_text(crc, &r->answer.crc);
	if (r->xml == NULL)
		r->xml = malloc(sizeof(*r->xml));
	if (r->xml == NULL) {
		r->unanswered = true;	/* it may have been done */
		cos_fault_set(&r->fault, COS_UNAVAILABLE, "out of memory");
		cos_request_finish(r, R_FAILED);
		return;
	}
	cos_xml_init(r->xml);
	r->state = R_DOCUMENT;
	net_task_deadline(&r->task, r->call.inside > 0 ? DOCUMENT_MS :
	    COS_GIVE_UP_MS);
	cos_request_read(r);
}

void
cos_request_attempt(struct cos_request *r)
{
	struct net_http_request hr = {
		.origin = r->bucket->origin,
		.body = r->call.body, .nbody = r->call.nbody,
		.is_head = strcmp(r->call.method, "HEAD") == 0,
		.once = r->call.once,
	};
	enum cos_state keys = cos_request_keys(r);
	int ms = cos_request_answer_ms(r);

	if (keys == COS_BUSY)
		r->state = R_KEYS;
	else if (keys == COS_FAILED)
		cos_request_finish(r, R_FAILED);
	if (keys != COS_DONE)
		return;
	hr.answer_ms = hr.idle_ms = ms > 0 ? ms : LAST_MS;
	r->attempt++;
	cos_count(r->bucket->client, COS_REQUESTS);
	r->root[0] = r->code[0] = r->message[0] = r->request_id[0] = '\0';
	r->document = 0;
	r->ended = false;
	memset(&r->answer, 0, sizeof(r->answer));
	r->unanswered = false;
	r->retry_after = 0;
	r->skew_used = r->bucket->skew;
	r->state = R_SENT;
	/* An empty key would make a call about the bucket itself. */
	if ((r->call.key == NULL || r->call.key[0] != '\0') && cos_request_build(r)) {
		hr.head = r->head.data;
		hr.head_len = r->head.len;
		r->http = net_http_new(r->bucket->client->pool, &hr, &r->task);
	}
	if (r->http == NULL) {
		cos_fault_set(&r->fault, COS_UNAVAILABLE,
		    "request too large or out of memory");
		cos_request_finish(r, R_FAILED);
	}
}

static void
step(struct net_task *t, unsigned why)
{
	struct cos_request *r = (struct cos_request *)t;

	if ((r->state == R_PAUSE && (why & NET_TIMEOUT)) ||
	    (r->state == R_KEYS && ((why & NET_TIMEOUT) ||
	    r->wait.of == NULL))) {
		cos_request_attempt(r);
	} else if (r->state == R_SENT) {
		if (net_http_state(r->http) == HTTP_FAILED)
			cos_request_transport_failed(r);
		else if (net_http_state(r->http) != HTTP_SENDING)
			got_head(r);
	} else if (r->state == R_DOCUMENT && (why & NET_TIMEOUT)) {
		cos_request_malformed(r, "it has no end");
	} else if (r->state == R_DOCUMENT) {
		cos_request_read(r);
	} else if (r->state == R_STREAM) {
		net_task_wake(r->owner);
	}
}

struct cos_request *
cos_request_new(struct cos_bucket *b, const struct cos_call *call,
    const char *who, struct net_task *owner)
{
	struct cos_request *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	net_task_init(&r->task, b->client->loop, step);
	r->owner = owner;
	r->bucket = b;
	r->call = *call;
	r->who = who;
	r->started = call->since > 0 ? call->since : net_now(b->client->loop);
	if (call->always || call->patient || cos_breaker_lets(&b->breaker,
	    net_now(b->client->loop))) {
		cos_request_attempt(r);
	} else {
		cos_fault_set(&r->fault, COS_UNAVAILABLE,
		    "the store has not answered lately");
		cos_request_finish(r, R_FAILED);
	}
	return r;
}

void
cos_request_free(struct cos_request *r)
{
	if (r == NULL)
		return;
	net_http_free(r->http);
	cos_key_wait_end(&r->wait);
	net_task_end(&r->task);
	net_buf_free(&r->head);
	free(r->xml);
	free(r);
}

enum cos_state
cos_request_state(const struct cos_request *r)
{
	switch (r->state) {
	case R_DONE:
	case R_STREAM:
		return COS_DONE;
	case R_FAILED:
		return COS_FAILED;
	default:
		return COS_BUSY;
	}
}

const struct cos_fault *
cos_request_fault(const struct cos_request *r)
{
	return &r->fault;
}

const struct http_head *
cos_request_head(const struct cos_request *r)
{
	return r->http != NULL ? net_http_head(r->http) : NULL;
}

const struct cos_answer *
cos_request_answer(const struct cos_request *r)
{
	return &r->answer;
}

struct net_http *
cos_request_http(struct cos_request *r)
{
	return r->http;
}

bool
cos_request_unanswered(const struct cos_request *r)
{
	return r->unanswered;
}

int64_t
cos_request_started(const struct cos_request *r)
{
	return r->started;
}

bool
cos_request_repeated(const struct cos_request *r)
{
	return r->attempt > 1 || (r->http != NULL &&
	    net_http_repeated(r->http));
}
