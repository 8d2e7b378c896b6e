/*
 * cos/request.c - one call of the COS API: signed, sent, repeated where that
 * is allowed, its answer understood, every failure logged once.
 *
 * A call is successful when its status is 2xx and, for the three calls whose
 * 200 may carry an <Error> document, when the document has what was asked
 * for.  Everything else becomes a struct cos_fault.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "cos_int.h"

enum {
	ATTEMPTS = 5,
	BACKOFF_MS = 200,		/* doubles, with full jitter */
	BACKOFF_MAX_MS = 5000,
	GIVE_UP_MS = 60 * 1000,		/* no new attempt after that */
	ANSWER_MS = 20 * 1000,
	IDLE_MS = 20 * 1000,
	SLOWEST = 16,			/* bytes per ms of a body, our uplink's */
	SIGN_BEFORE_S = 60,		/* tolerance for our clock */
	SIGN_AFTER_S = 3600,
	SKEW_MIN_S = 30,		/* smaller differences do no harm */
	SKEW_HEAD_S = 600,		/* a 403 to HEAD that is the clock's */
	HEAD_MAX = 16 * 1024,
	DOCUMENT_MAX = 64 * 1024
};

enum state {
	R_PAUSE,		/* before the next attempt */
	R_SENT,			/* waiting for the head */
	R_DOCUMENT,		/* reading a small body */
	R_STREAM,		/* the caller reads the body */
	R_DONE,
	R_FAILED
};

struct cos_request {
	struct net_task task;
	struct net_task *owner;
	struct cos_bucket *bucket;
	struct cos_call call;
	const char *who;
	enum state state;
	int attempt;			/* 1.. */
	int64_t started;
	bool clock_corrected;
	int64_t skew_used;		/* of the bucket, when it was signed */
	struct net_buf head;		/* request text of this attempt */
	struct net_http *http;
	struct cos_xml *xml;		/* owned, while a document is read */
	size_t document;		/* its bytes so far */
	bool ended;			/* its root element was closed */
	char root[XML_NAME], code[64], message[160], request_id[64];
	struct cos_answer answer;
	struct cos_fault fault;
	bool unanswered;
};

static void step(struct net_task *, unsigned);
static void attempt(struct cos_request *);

void
cos_call_param(struct cos_call *c, const char *name, const char *value)
{
	if (c->nparams < COS_PARAMS)
		c->param[c->nparams++] = (struct cos_pair){ name, value };
}

void
cos_call_header(struct cos_call *c, const char *name, const char *value)
{
	if (value != NULL && *value != '\0' && c->nheaders < COS_HEADERS)
		c->header[c->nheaders++] = (struct cos_pair){ name, value };
}

void
cos_fault_set(struct cos_fault *f, enum cos_cause cause, const char *fmt, ...)
{
	va_list ap;

	memset(f, 0, sizeof(*f));
	f->cause = cause;
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
}

/* ---- the log: one line per outcome ---- */

static void
log_call(const struct cos_request *r, enum log_level level, const char *what)
{
	struct log *log = r->bucket->client->log;
	const char *key = r->call.key != NULL ? r->call.key : "";
	size_t i;

	if (!log_enabled(log, level))
		return;
	for (i = 0; r->call.key == NULL && i < r->call.nparams; i++)
		if (strcmp(r->call.param[i].name, "prefix") == 0)
			key = r->call.param[i].value;
	log_line(log, level, "%s %s %s/%s: %s, attempt %d", r->who, r->call.op,
	    r->bucket->account->bucket, key, what, r->attempt);
}

static void
log_success(const struct cos_request *r)
{
	char text[128];

	snprintf(text, sizeof(text), "%d (request-id %s)",
	    net_http_head(r->http)->status,
	    r->request_id[0] != '\0' ? r->request_id : "none");
	log_call(r, LOG_LEVEL_DEBUG, text);
}

/* ---- the request's text ---- */

static void
put_target(struct net_buf *b, const struct cos_call *c)
{
	size_t i;

	net_buf_put(b, "/", 1);
	if (c->key != NULL)
		cos_escape(b, c->key, strlen(c->key), true);
	for (i = 0; i < c->nparams; i++) {
		net_buf_put(b, i == 0 ? "?" : "&", 1);
		cos_escape(b, c->param[i].name, strlen(c->param[i].name),
		    false);
		net_buf_put(b, "=", 1);
		cos_escape(b, c->param[i].value, strlen(c->param[i].value),
		    false);
	}
}

static void
put_signature(struct net_buf *b, const struct cos_request *r,
    const struct cos_pair *header, size_t nheaders)
{
	const struct conf_account *a = r->bucket->account;
	int64_t now = (int64_t)time(NULL) + r->bucket->skew;
	struct net_buf path = { .max = COS_KEY_MAX + 16 };
	struct cos_sign_request sr = {
		.method = r->call.method,
		.param = r->call.param, .nparams = r->call.nparams,
		.header = header, .nheaders = nheaders,
		.secret_id = a->secret_id, .secret_key = a->secret_key,
		.start = now - SIGN_BEFORE_S, .end = now + SIGN_AFTER_S,
	};

	net_buf_printf(&path, "/%s", r->call.key != NULL ? r->call.key : "");
	if (path.failed)
		b->failed = true;
	sr.path = path.data != NULL ? path.data : "/";
	net_buf_printf(b, "Authorization: ");
	cos_sign(b, &sr);
	net_buf_printf(b, "\r\n");
	net_buf_free(&path);
}

/* Host, length and the caller's headers are all signed; false: too large or
 * out of memory. */
static bool
build(struct cos_request *r)
{
	const struct cos_call *c = &r->call;
	struct cos_pair h[COS_HEADERS + 2];
	struct net_buf *b = &r->head;
	char length[24];
	size_t n = 0, i, body = 0;

	for (i = 0; i < c->nbody; i++)
		body += c->body[i].iov_len;
	h[n++] = (struct cos_pair){ "Host", r->bucket->host };
	if (strcmp(c->method, "PUT") == 0 || strcmp(c->method, "POST") == 0) {
		snprintf(length, sizeof(length), "%zu", body);
		h[n++] = (struct cos_pair){ "Content-Length", length };
	}
	for (i = 0; i < c->nheaders; i++)
		h[n++] = c->header[i];
	net_buf_free(b);
	b->max = HEAD_MAX;
	net_buf_printf(b, "%s ", c->method);
	put_target(b, c);
	net_buf_printf(b, " HTTP/1.1\r\n");
	for (i = 0; i < n; i++)
		net_buf_printf(b, "%s: %s\r\n", h[i].name, h[i].value);
	put_signature(b, r, h, n);
	net_buf_printf(b, "User-Agent: cosftpd/%s\r\n\r\n", COSFTPD_VERSION);
	return !b->failed;
}

/* ---- outcomes ---- */

static void
finish(struct cos_request *r, enum state state)
{
	bool quiet = r->call.quiet_404 && r->fault.status == 404 &&
	    r->fault.cause != COS_NO_BUCKET;

	if (state == R_FAILED)
		log_call(r, quiet ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR,
		    r->fault.text);
	else
		log_success(r);
	r->state = state;
	net_task_deadline(&r->task, -1);
	net_task_wake(r->owner);
}

static int64_t
backoff(int attempt_no)
{
	int64_t ceiling = BACKOFF_MS << (attempt_no - 1);
	uint32_t dice;

	if (ceiling > BACKOFF_MAX_MS)
		ceiling = BACKOFF_MAX_MS;
	tls_random(&dice, sizeof(dice));
	return ceiling / 2 + (int64_t)(dice % (uint32_t)(ceiling / 2 + 1));
}

static void
failed(struct cos_request *r, bool may_repeat)
{
	struct net_loop *l = r->task.loop;

	if (!may_repeat || (r->call.once && r->unanswered) ||
	    r->attempt >= ATTEMPTS || net_now(l) - r->started > GIVE_UP_MS) {
		finish(r, R_FAILED);
		return;
	}
	log_call(r, LOG_LEVEL_WARNING, r->fault.text);
	net_http_free(r->http);
	r->http = NULL;
	r->state = R_PAUSE;
	net_task_deadline(&r->task, backoff(r->attempt));
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
	default:
		cos_fault_set(f, COS_UNAVAILABLE, "%s", why);
	}
}

static void
transport_failed(struct cos_request *r)
{
	r->unanswered = net_http_unanswered(r->http) ||
	    r->state == R_DOCUMENT;
	transport_fault(r, &r->fault);
	failed(r, r->fault.cause != COS_TLS);
}

/* Learns the clock's difference from the Date header; true when the call
 * should be signed again with it. */
static bool
correct_clock(struct cos_request *r)
{
	char date[64];
	int64_t store, diff;

	if (!http_value(net_http_head(r->http), "date", date, sizeof(date)))
		return false;
	store = cos_date(date);
	if (store < 0)
		return false;
	/* Of several requests at once only the first finds a difference; the
	 * others were signed before it was learned. */
	if (r->skew_used != r->bucket->skew && !r->clock_corrected) {
		r->clock_corrected = true;
		return r->fault.cause == COS_CLOCK || r->code[0] == '\0';
	}
	diff = store - ((int64_t)time(NULL) + r->bucket->skew);
	r->fault.skew = store - (int64_t)time(NULL);
	if (r->fault.status == 403 && r->code[0] == '\0' &&
	    (diff >= SKEW_HEAD_S || diff <= -SKEW_HEAD_S))
		r->fault.cause = COS_CLOCK;	/* a HEAD has no code */
	if (r->fault.cause != COS_CLOCK || r->clock_corrected ||
	    (diff < SKEW_MIN_S && diff > -SKEW_MIN_S))
		return false;
	r->clock_corrected = true;
	r->bucket->skew += diff;
	log_line(r->bucket->client->log, LOG_LEVEL_WARNING,
	    "%s the store's clock is %lld s %s ours: signing with its time",
	    r->who, (long long)llabs(r->bucket->skew),
	    r->bucket->skew > 0 ? "ahead of" : "behind");
	return true;
}

/* A call that makes something new may have done so and failed after it; only
 * 503 says that it was not begun. */
static bool
doubtful(const struct cos_request *r, int status)
{
	return r->call.once && status >= 500 && status != 503;
}

static void
refused(struct cos_request *r, int status)
{
	r->unanswered = doubtful(r, status);
	cos_fault_from(&r->fault, status, r->code, r->message, r->request_id);
	if (correct_clock(r)) {
		net_http_free(r->http);
		r->http = NULL;
		attempt(r);
		return;
	}
	failed(r, cos_fault_retry(&r->fault));
}

/* The whole answer is there (or enough of it): success or fault? */
static void
judge(struct cos_request *r)
{
	int status = net_http_head(r->http)->status;
	bool complete = r->call.need == COS_NEED_NOTHING ||
	    (r->call.need == COS_NEED_ETAG && r->answer.etag[0] != '\0') ||
	    (r->call.need == COS_NEED_UPLOAD_ID &&
	    r->answer.upload_id[0] != '\0');

	r->unanswered = false;
	if (status < 200 || status > 299) {
		refused(r, status);
	} else if (r->code[0] != '\0') {
		cos_fault_from(&r->fault, status, r->code, r->message,
		    r->request_id);
		failed(r, strcmp(r->code, "InternalError") == 0 ||
		    strcmp(r->code, "SlowDown") == 0 ||
		    strcmp(r->code, "ServiceUnavailable") == 0);
	} else if (!complete) {
		r->unanswered = true;
		cos_fault_set(&r->fault, COS_MALFORMED, "%d without %s "
		    "(request-id %s)", status, r->call.need == COS_NEED_ETAG ?
		    "an ETag" : "an UploadId", r->request_id);
		failed(r, true);
	} else {
		finish(r, R_DONE);
	}
}

/* ---- reading a small document ---- */

static void
take_field(char *out, size_t size, const struct cos_xml *x)
{
	snprintf(out, size, "%.*s", (int)size - 1, x->text);
}

static void
take_element(struct cos_request *r)
{
	const struct cos_xml *x = r->xml;
	const char *name = cos_xml_name(x);

	/* DeleteResult has its errors one level deeper; the first counts */
	if (x->depth != 2 && (x->depth != 3 || r->code[0] != '\0' ||
	    strcmp(cos_xml_parent(x), "Error") != 0))
		return;
	if (strcmp(name, "Code") == 0)
		take_field(r->code, sizeof(r->code), x);
	else if (strcmp(name, "Message") == 0)
		take_field(r->message, sizeof(r->message), x);
	else if (strcmp(name, "RequestId") == 0 && r->request_id[0] == '\0')
		take_field(r->request_id, sizeof(r->request_id), x);
	else if (strcmp(name, "ETag") == 0)
		take_field(r->answer.etag, sizeof(r->answer.etag), x);
	else if (strcmp(name, "UploadId") == 0)
		take_field(r->answer.upload_id, sizeof(r->answer.upload_id),
		    x);
	else if (strcmp(name, "CRC64") == 0 && !r->answer.has_crc)
		r->answer.has_crc = cos_crc_text(x->text, &r->answer.crc);
}

/* false: the document is malformed (of no interest when the status says
 * failure: a proxy's page is judged by its status) */
static bool
scan(struct cos_request *r, const char *p, size_t n)
{
	enum cos_xml_event ev;

	while ((ev = cos_xml_next(r->xml, &p, &n)) != XML_MORE) {
		if (ev == XML_BAD)
			return false;
		if (ev == XML_OPEN && r->xml->depth == 1)
			snprintf(r->root, sizeof(r->root), "%s",
			    cos_xml_name(r->xml));
		else if (ev == XML_CLOSE)
			take_element(r);
		else if (ev == XML_END)
			r->ended = true;
	}
	return true;
}

static void
malformed(struct cos_request *r, const char *why)
{
	r->unanswered = true;
	cos_fault_set(&r->fault, COS_MALFORMED, "malformed answer: %s "
	    "(request-id %s)", why, r->request_id);
	failed(r, true);
}

static void
read_document(struct cos_request *r)
{
	bool success = net_http_head(r->http)->status / 100 == 2;
	const char *p;
	size_t n;

	while (p = net_http_peek(r->http, &n), n > 0) {
		r->document += n;
		if (r->document > DOCUMENT_MAX && (success || r->code[0])) {
			malformed(r, "document too large");
			return;
		}
		if (r->xml->reason == NULL && !scan(r, p, n) && success) {
			malformed(r, r->xml->reason);
			return;
		}
		net_http_drop(r->http, n);
		if (r->document > DOCUMENT_MAX) {
			judge(r);	/* a long page: the status says it */
			return;
		}
	}
	if (net_http_state(r->http) == HTTP_DONE) {
		if (success && r->root[0] != '\0' && !r->ended)
			malformed(r, "document cut short");
		else
			judge(r);
	} else if (net_http_state(r->http) == HTTP_FAILED) {
		transport_failed(r);
	}
}

/* ---- steps ---- */

static void
got_head(struct cos_request *r)
{
	const struct http_head *h = net_http_head(r->http);
	char crc[32];

	http_value(h, "x-cos-request-id", r->request_id,
	    sizeof(r->request_id));
	if (r->call.stream && h->status / 100 == 2) {
		log_success(r);
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
		cos_fault_set(&r->fault, COS_UNAVAILABLE, "out of memory");
		finish(r, R_FAILED);
		return;
	}
	cos_xml_init(r->xml);
	r->state = R_DOCUMENT;
	read_document(r);
}

static void
attempt(struct cos_request *r)
{
	struct net_http_request hr = {
		.origin = r->bucket->origin,
		.body = r->call.body, .nbody = r->call.nbody,
		.is_head = strcmp(r->call.method, "HEAD") == 0,
		.once = r->call.once,
		.answer_ms = r->call.answer_ms > 0 ? r->call.answer_ms :
		    ANSWER_MS,
		.idle_ms = r->call.answer_ms > IDLE_MS ? r->call.answer_ms :
		    IDLE_MS,
	};
	size_t body = 0, i;

	/* The kernel takes a body long before the network does: the clocks
	 * allow for a slow uplink. */
	for (i = 0; i < r->call.nbody; i++)
		body += r->call.body[i].iov_len;
	hr.answer_ms += (int)(body / SLOWEST);
	hr.idle_ms += (int)(body / SLOWEST);
	r->attempt++;
	r->root[0] = r->code[0] = r->message[0] = r->request_id[0] = '\0';
	r->document = 0;
	r->ended = false;
	memset(&r->answer, 0, sizeof(r->answer));
	r->unanswered = false;
	r->skew_used = r->bucket->skew;
	r->state = R_SENT;
	/* An empty key would make a call about the bucket itself. */
	if ((r->call.key == NULL || r->call.key[0] != '\0') && build(r)) {
		hr.head = r->head.data;
		hr.head_len = r->head.len;
		r->http = net_http_new(r->bucket->client->pool, &hr, &r->task);
	}
	if (r->http == NULL) {
		cos_fault_set(&r->fault, COS_UNAVAILABLE,
		    "request too large or out of memory");
		finish(r, R_FAILED);
	}
}

static void
step(struct net_task *t, unsigned why)
{
	struct cos_request *r = (struct cos_request *)t;

	if (r->state == R_PAUSE && (why & NET_TIMEOUT)) {
		attempt(r);
	} else if (r->state == R_SENT) {
		if (net_http_state(r->http) == HTTP_FAILED)
			transport_failed(r);
		else if (net_http_state(r->http) != HTTP_SENDING)
			got_head(r);
	} else if (r->state == R_DOCUMENT) {
		read_document(r);
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
	r->started = net_now(b->client->loop);
	attempt(r);
	return r;
}

void
cos_request_free(struct cos_request *r)
{
	if (r == NULL)
		return;
	net_http_free(r->http);
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

int
cos_request_attempts(const struct cos_request *r)
{
	return r->attempt;
}

void
cos_request_stream_failed(struct cos_request *r, struct cos_fault *f)
{
	transport_fault(r, f);
	log_call(r, LOG_LEVEL_WARNING, f->text);
}
