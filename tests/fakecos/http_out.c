/*
 * http_out.c - answers: heads, bodies, errors, and the faults that spoil them.
 *
 * Small answers leave in one send.  Everything passes resp_data and flush, so
 * the faults that cut, stall or slow an answer are here and nowhere else.
 */
#include "http.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { GATHER = 64 * 1024 };

static const struct {
	int status;
	const char *reason;
} reasons[] = {
	{ 200, "OK" }, { 204, "No Content" }, { 206, "Partial Content" },
	{ 302, "Found" }, { 304, "Not Modified" }, { 400, "Bad Request" },
	{ 403, "Forbidden" }, { 404, "Not Found" },
	{ 405, "Method Not Allowed" }, { 409, "Conflict" },
	{ 411, "Length Required" }, { 412, "Precondition Failed" },
	{ 416, "Range Not Satisfiable" }, { 500, "Internal Server Error" },
	{ 501, "Not Implemented" }, { 503, "Service Unavailable" }
};

static const char *
reason(int status)
{
	size_t i;

	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Unknown";
}

/* Will there be another request on this connection? */
static bool
keeps(const struct conn *c, const struct req *r)
{
	return r->keep && !c->close && (r->body_done ||
	    (!r->expect && !r->chunked && r->left <= DRAIN_LIMIT));
}

void
resp_begin(struct conn *c, struct req *r, int status)
{
	char date[DATE_MAX];

	if (r->mute)
		return;
	fakecos_sleep(c->f, (c->f->set.latency + r->fault.delay) * 1000000);
	date_http(date, clock_ms(c->f));
	r->answered = true;
	r->status = status;
	r->out.n = 0;
	r->out_head = true;
	c->close = !keeps(c, r);
	resp_head(r, "HTTP/1.1 %d %s", status, reason(status));
	resp_head(r, "Date: %s", date);
	resp_head(r, "Server: tencent-cos");
	resp_head(r, "Connection: %s", c->close ? "close" : "keep-alive");
	resp_head(r, "x-cos-request-id: Zm%016llx", (long long)c->f->serial++);
}

void
resp_head(struct req *r, const char *fmt, ...)
{
	char line[8192];
	va_list ap;
	int n;

	if (r->mute)
		return;
	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(line))
		n = 0;
	text_add(&r->out, line, (size_t)n);
	text_str(&r->out, "\r\n");
}

void
resp_sums(struct req *r, const char *etag, bool has_crc, uint64_t crc)
{
	bool wrong = r->fault.action == FAULT_WRONG_ETAG;

	resp_head(r, "ETag: \"%s\"", wrong ?
	    "00000000000000000000000000000bad" : etag);
	if (r->fault.action == FAULT_WRONG_CRC)
		crc ^= 1;
	if (has_crc && r->fault.action != FAULT_NO_CRC)
		resp_head(r, "x-cos-hash-crc64ecma: %" PRIu64, crc);
}

static void
head_stall(struct conn *c, struct req *r)
{
	const char *end = memmem(r->out.p, r->out.n, "\r\n\r\n", 4);

	conn_write(c, r->out.p, (size_t)(end - r->out.p) / 2, false);
	fakecos_sleep(c->f, r->fault.n * 1000000);
	c->dead = c->close = true;
}

static bool
flush(struct conn *c, struct req *r, bool more)
{
	if (r->mute)
		return true;
	if (r->out_head && r->fault.action == FAULT_HEAD_STALL)
		head_stall(c, r);
	r->out_head = false;
	conn_write(c, r->out.p, r->out.n, more);
	r->out.n = 0;
	return !c->dead;
}

bool
resp_flush(struct conn *c, struct req *r)
{
	return flush(c, r, false);
}

/* What of the next n body bytes may go out before the fault strikes. */
static size_t
allowed(const struct req *r, size_t n)
{
	if ((r->fault.action == FAULT_BODY_CUT ||
	    r->fault.action == FAULT_BODY_STALL) &&
	    (int64_t)n > r->fault.n - r->body_sent)
		return (size_t)(r->fault.n - r->body_sent);
	return n;
}

bool
resp_data(struct conn *c, struct req *r, const void *p, size_t n)
{
	size_t now = allowed(r, n);

	if (r->mute || r->head_only || n == 0)
		return true;
	if (r->out_chunked)
		text_fmt(&r->out, "%zx\r\n", n);
	r->body_sent += (int64_t)now;
	if (r->out.n + now <= GATHER)
		text_add(&r->out, p, now);
	else if (!flush(c, r, true) || !conn_write(c, p, now, false))
		return false;
	if (now < n) {
		flush(c, r, false);
		if (r->fault.action == FAULT_BODY_STALL)
			fakecos_sleep(c->f, r->fault.ms * 1000000);
		c->dead = c->close = true;
		return false;
	}
	if (r->out_chunked)
		text_str(&r->out, "\r\n");
	return true;
}

void
resp_end(struct conn *c, struct req *r)
{
	if (r->out_chunked && !r->mute && !r->head_only)
		text_str(&r->out, "0\r\n\r\n");
	flush(c, r, false);
	if (r->fault.action == FAULT_GARBAGE)
		conn_write(c, r->fault.text, r->fault.text_len, false);
	if (r->fault.action >= FAULT_CLOSE_IDLE &&
	    r->fault.action <= FAULT_SHORTER)
		c->close = true;
}

void
resp_stream(struct req *r, int64_t length)
{
	if (r->fault.action == FAULT_LONGER)
		length += r->fault.n;
	else if (r->fault.action == FAULT_SHORTER)
		length -= length < r->fault.n ? length : r->fault.n;
	resp_head(r, "Content-Length: %" PRId64, length);
	resp_head(r, "%s", "");
}

void
resp_none(struct conn *c, struct req *r)
{
	if (r->status == 204 || r->status == 304)
		resp_head(r, "%s", "");
	else
		resp_stream(r, 0);
	resp_end(c, r);
}

void
resp_text(struct conn *c, struct req *r, const char *type,
    const struct text *t)
{
	resp_head(r, "Content-Type: %s", type);
	resp_stream(r, (int64_t)t->n);
	resp_data(c, r, t->p, t->n);
	resp_end(c, r);
}

void
resp_chunked(struct conn *c, struct req *r)
{
	resp_head(r, "Content-Type: application/xml");
	resp_head(r, "Transfer-Encoding: chunked");
	resp_head(r, "%s", "");
	r->out_chunked = true;
	flush(c, r, false);
}

void
error_xml(struct conn *c, struct req *r, struct text *t, const char *code,
    const char *message)
{
	char now[DATE_MAX];

	date_iso(now, clock_ms(c->f));
	text_fmt(t, "<?xml version='1.0' encoding='utf-8' ?>\n<Error>\n"
	    "\t<Code>%s</Code>\n\t<Message>", code);
	text_xml(t, message, strlen(message));
	text_str(t, "</Message>\n\t<Resource>");
	if (r->host)
		text_xml(t, r->host, strlen(r->host));
	text_xml(t, r->target, strlen(r->target));
	text_fmt(t, "</Resource>\n\t<RequestId>Zm%016llx</RequestId>\n"
	    "\t<TraceId>fakecos</TraceId>\n\t<ServerTime>%s</ServerTime>\n"
	    "</Error>\n\n", (long long)c->f->serial++, now);
}

void
resp_error(struct conn *c, struct req *r, int status, const char *code,
    const char *fmt, ...)
{
	struct text t = { 0 };
	char message[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	error_xml(c, r, &t, code, message);
	resp_begin(c, r, status);
	if (r->fault.retry_after > 0)
		resp_head(r, "Retry-After: %" PRId64, r->fault.retry_after);
	if (status == 304)
		resp_none(c, r);
	else {
		resp_head(r, "x-cos-trace-id: fakecos");
		resp_text(c, r, "application/xml", &t);
	}
	text_free(&t);
}
