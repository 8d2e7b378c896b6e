/*
 * cos/outcome.c - what came of a call: success, a fault, or another attempt;
 * every failure is logged once.
 *
 * A call is successful when its status is 2xx and, for the three calls whose
 * 200 may carry an <Error> document, when the document has what was asked
 * for.  Everything else becomes a struct cos_fault.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "request_int.h"

enum {
	ATTEMPTS = 5,
	PATIENT = 9,			/* some 12 s, if they fail at once */
	BACKOFF_MS = 300,		/* at most; doubles, with full jitter */
	BACKOFF_MAX_MS = 5000,
	RETRY_AFTER_MAX = 20,		/* s; longer ones are cut to it */
	ANSWER_MS = 20 * 1000,
	ANSWER_MAX_MS = 70 * 1000,
	INSIDE = 32 * 1024,		/* bytes per ms that COS moves at least */
};

/* ---- the log: one line per outcome ---- */

static void
log_call(const struct cos_request *r, enum log_level level, const char *what)
{
	struct log *log = r->bucket->client->log;
	const char *key = r->call.key != NULL ? r->call.key : "";
	size_t i;

	if (!log_enabled(log, level))
		return;
	/* a list's begins with the bucket's own */
	for (i = 0; r->call.key == NULL && i < r->call.nparams; i++)
		if (strcmp(r->call.param[i].name, "prefix") == 0)
			key = r->call.param[i].value + r->bucket->prefix_len;
	log_line(log, level, "%s %s %s%s: %s, attempt %d", r->who, r->call.op,
	    r->bucket->at, key, what, r->attempt);
}

void
cos_request_succeeded(struct cos_request *r)
{
	char text[128];

	cos_patience_answered(r->call.patience);
	snprintf(text, sizeof(text), "%d (request-id %s)",
	    net_http_head(r->http)->status,
	    r->request_id[0] != '\0' ? r->request_id : "none");
	log_call(r, LOG_LEVEL_DEBUG, text);
}

/* ---- outcomes ---- */

/* Of requests that were given up. */
static void
count_failure(struct cos_request *r)
{
	struct cos_bucket *b = r->bucket;

	if (r->attempt == 0 || (r->fault.cause != COS_UNAVAILABLE &&
	    r->fault.cause != COS_NAME_LOOKUP))
		return;
	if (cos_breaker_failed(&b->breaker, net_now(r->task.loop)))
		log_line(b->client->log, LOG_LEVEL_ERROR, "the store at %s "
		    "does not answer: requests to it fail at once until it "
		    "does", b->host);
}

void
cos_request_finish(struct cos_request *r, enum cos_request_step state)
{
	bool quiet = r->fault.cause == COS_RANGE ||
	    (r->call.quiet_404 && r->fault.status == 404 &&
	    r->fault.cause != COS_NO_BUCKET);

	if (state == R_FAILED)
		count_failure(r);
	if (state == R_FAILED && !quiet)
		cos_count(r->bucket->client, COS_FAILURES);
	if (state == R_FAILED)
		log_call(r, quiet ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR,
		    r->fault.text);
	else
		cos_request_succeeded(r);
	r->state = state;
	net_task_deadline(&r->task, -1);
	net_task_wake(r->owner);
}

int
cos_answer_ms(int64_t bytes, int64_t elapsed)
{
	int64_t ms = ANSWER_MS + bytes / INSIDE, left = COS_GIVE_UP_MS - elapsed;

	if (ms > ANSWER_MAX_MS)
		ms = ANSWER_MAX_MS;
	if (left < ANSWER_MS)
		return 0;
	return ms < left ? (int)ms : (int)left;
}

/* Of the next attempt; 0: there shall be none. */
int
cos_request_answer_ms(const struct cos_request *r)
{
	return cos_answer_ms(r->call.inside, net_now(r->task.loop) -
	    r->started);
}

static int64_t
backoff(int attempt_no)
{
	int64_t ceiling = cos_pause_ms(BACKOFF_MS, attempt_no - 1,
	    BACKOFF_MAX_MS);
	uint32_t dice;

	tls_random(&dice, sizeof(dice));
	return (int64_t)(dice % (uint32_t)(ceiling + 1));
}

void
cos_request_failed(struct cos_request *r, bool may_repeat)
{
	int64_t pause;

	/* while a body goes out there is no silence */
	r->started += net_http_sending_ms(r->http);
	if (!may_repeat || (r->call.once && r->unanswered) ||
	    r->attempt >= (r->call.patient ? PATIENT : ATTEMPTS) ||
	    cos_request_answer_ms(r) == 0 ||
	    !cos_patience_again(r->call.patience, r->call.patient)) {
		cos_request_finish(r, R_FAILED);
		return;
	}
	log_call(r, LOG_LEVEL_WARNING, r->fault.text);
	cos_count(r->bucket->client, COS_RETRIES);
	net_http_free(r->http);
	r->http = NULL;
	r->state = R_PAUSE;
	pause = backoff(r->attempt);
	net_task_deadline(&r->task, pause > r->retry_after ? pause :
	    r->retry_after);
}

/* What the exchange's own failure means (there may be half an answer). */
static void
transport_fault(const struct cos_request *r, struct cos_fault *f)
{
	const struct conf_account *a = r->bucket->account;
	const char *why = net_http_reason(r->http);

	switch (net_http_cause(r->http)) {
	case NET_HTTP_LOOKUP:
		if (a->endpoint_given)
			cos_fault_set(f, COS_NAME_LOOKUP,
			    "name lookup: %s", why);
		else
			cos_fault_set(f, COS_NAME_LOOKUP, "name lookup: %s; "
			    "outside Tencent Cloud add cos_endpoint = "
			    "cos.%s.tencentcos.cn to [%s]", why, a->region,
			    a->section);
		return;
	case NET_HTTP_TLS:
		cos_fault_set(f, COS_TLS, "TLS: %s", why);
		return;
	case NET_HTTP_MALFORMED:
		cos_fault_set(f, COS_MALFORMED, "%s", why);
		return;
	case NET_HTTP_NONE:
		cos_fault_set(f, COS_UNAVAILABLE, "answer shorter than asked");
		return;
	default:
		cos_fault_set(f, COS_UNAVAILABLE, "%s", why);
	}
}

void
cos_request_transport_failed(struct cos_request *r)
{
	r->unanswered = net_http_unanswered(r->http) ||
	    r->state == R_DOCUMENT;
	transport_fault(r, &r->fault);
	cos_request_failed(r, r->fault.cause != COS_TLS);
}

/* A call that makes something new may have done so and failed after it; only
 * 503 says that it was not begun. */
static bool
doubtful(const struct cos_request *r, int status)
{
	return r->call.once && status >= 500 && status != 503;
}

/* RFC 9110 10.2.3, as seconds; a date is not worth a parser. */
static int64_t
retry_after(const struct http_head *h)
{
	char text[16], *end;
	long s;

	if (!http_value(h, "retry-after", text, sizeof(text)))
		return 0;
	s = strtol(text, &end, 10);
	if (*end != '\0' || s <= 0)
		return 0;
	return (s < RETRY_AFTER_MAX ? s : RETRY_AFTER_MAX) * 1000;
}

static void
refused(struct cos_request *r, int status)
{
	r->retry_after = retry_after(net_http_head(r->http));
	r->unanswered = doubtful(r, status);
	cos_fault_from(&r->fault, status, r->code, r->message, r->request_id);
	if (cos_request_correct_clock(r) || cos_request_renew_keys(r)) {
		net_http_free(r->http);
		r->http = NULL;
		cos_request_attempt(r);
		return;
	}
	cos_request_failed(r, cos_fault_retry(&r->fault));
}

/* What a successful answer lacks as a proof; NULL: nothing.  What is deleted
 * is answered with 204 and nothing else. */
static const char *
lacking(const struct cos_request *r, int status)
{
	if (r->call.need == COS_NEED_ETAG)
		return r->answer.etag[0] != '\0' ? NULL : "an ETag";
	if (r->call.need == COS_NEED_UPLOAD_ID)
		return r->answer.upload_id[0] != '\0' ? NULL : "an UploadId";
	if (r->call.need == COS_NEED_DELETED)
		return strcmp(r->root, "DeleteResult") == 0 ? NULL :
		    "a DeleteResult";
	return status == 204 || strcmp(r->call.method, "DELETE") != 0 ? NULL :
	    "No Content";
}

/* The whole answer is there (or enough of it): success or fault? */
void
cos_request_judge(struct cos_request *r)
{
	int status = net_http_head(r->http)->status;
	const char *lacks = lacking(r, status);

	r->unanswered = false;
	if (status < 200 || status > 299) {
		refused(r, status);
	} else if (r->code[0] != '\0') {
		cos_fault_from(&r->fault, status, r->code, r->message,
		    r->request_id);
		cos_request_failed(r, strcmp(r->code, "InternalError") == 0 ||
		    strcmp(r->code, "SlowDown") == 0 ||
		    strcmp(r->code, "ServiceUnavailable") == 0);
	} else if (lacks != NULL) {
		r->unanswered = true;
		cos_fault_set(&r->fault, COS_MALFORMED, "%d without %s "
		    "(request-id %s)", status, lacks, r->request_id);
		cos_request_failed(r, true);
	} else {
		cos_request_finish(r, R_DONE);
	}
}

void
cos_request_stream_failed(struct cos_request *r, struct cos_fault *f)
{
	transport_fault(r, f);
	log_call(r, LOG_LEVEL_WARNING, f->text);
	cos_count(r->bucket->client, COS_RETRIES);	/* all do it again */
}
