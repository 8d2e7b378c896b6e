/*
 * http_in.c - request heads and bodies (RFC 9112), strictly.
 *
 * Nothing is repaired: a bare LF, a blank before the colon, a second Host, a
 * raw "+" in the path or a bad escape ends in 400 and a close.
 */
#include "http.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

int
http_read(struct conn *c, size_t *head_len)
{
	const char *end;
	size_t seen = 0;

	if (!conn_wait(c, c->f->set.idle * 1000))
		return 0;
	for (;;) {
		size_t n = c->in_end - c->in_at;

		end = n > seen ? memmem(c->in + c->in_at + seen, n - seen,
		    "\r\n\r\n", 4) : NULL;
		if (end) {
			*head_len = (size_t)(end + 4 - (c->in + c->in_at));
			return 1;
		}
		seen = n > 3 ? n - 3 : 0;
		if (conn_fill(c) <= 0)
			return n == 0 ? 0 : -1;
	}
}

static bool
bad(struct req *r, const char *why)
{
	r->bad = why;
	return false;
}

static bool
is_token(const char *s)
{
	static const char other[] = "!#$%&'*+-.^_`|~";

	if (*s == '\0')
		return false;
	for (; *s; s++)
		if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
		    (*s >= '0' && *s <= '9') || strchr(other, *s)))
			return false;
	return true;
}

/* The next line, ended by a NUL in place of CR LF.  NULL: a stray CR, LF or
 * control character. */
static char *
next_line(char **at)
{
	char *line = *at, *p = line;

	for (; *p != '\r'; p++)
		if (*p == '\0' || *p == 0x7f ||
		    (*p >= 0 && *p < 0x20 && *p != '\t'))
			return NULL;
	if (p[1] != '\n')
		return NULL;
	*p = '\0';
	*at = p + 2;
	return line;
}

static bool
parse_query(struct req *r, const char *query, char *to)
{
	const char *end, *eq, *p = query;
	struct param *a;
	size_t i;

	for (; *p; p = *end ? end + 1 : end) {
		end = strchrnul(p, '&');
		eq = memchr(p, '=', (size_t)(end - p));
		if (r->param_count == PARAMS_MAX || end == p || eq == p)
			return bad(r, "bad query");
		a = &r->params[r->param_count];
		a->name = to;
		if (!percent_decode(p, (size_t)((eq ? eq : end) - p), to,
		    &a->name_len, true))
			return bad(r, "bad escape in the query");
		to += a->name_len;
		*to++ = '\0';
		a->value = to;
		if (eq && !percent_decode(eq + 1, (size_t)(end - eq - 1), to,
		    &a->value_len, true))
			return bad(r, "bad escape in the query");
		to += a->value_len;
		*to++ = '\0';
		for (i = 0; i < r->param_count; i++)
			if (strcmp(r->params[i].name, a->name) == 0)
				return bad(r, "query parameter sent twice");
		r->param_count++;
	}
	return true;
}

static bool
parse_target(struct req *r)
{
	static const char raw[] = "-_.~!$&'()*,;=:@/%+?";
	const char *p, *query = strchr(r->target, '?');
	size_t n = strlen(r->target), path = query ?
	    (size_t)(query - r->target) : n;

	if (r->target[0] != '/')
		return bad(r, "target is not in origin form");
	for (p = r->target; *p; p++) {
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		    (*p >= '0' && *p <= '9') || strchr(raw, *p)))
			return bad(r, "unescaped character in the target");
		if (*p == '+' && (size_t)(p - r->target) < path)
			return bad(r, "raw + in the path");
	}
	r->decoded = xalloc(2 * n + 3);
	r->path = r->decoded;
	if (!percent_decode(r->target, path, r->decoded, &r->path_len, false))
		return bad(r, "bad escape in the path");
	r->key = r->path + 1;
	r->key_len = r->path_len - 1;
	return query == NULL ||
	    parse_query(r, query + 1, r->decoded + r->path_len + 1);
}

static bool
parse_request_line(struct req *r, char *line, bool proxied)
{
	char *sp1 = line ? strchr(line, ' ') : NULL;
	char *sp2 = sp1 ? strchr(sp1 + 1, ' ') : NULL;

	if (sp2 == NULL)
		return bad(r, "bad request line");
	*sp1 = *sp2 = '\0';
	r->method = line;
	r->target = sp1 + 1;
	/* absolute form, RFC 9112 3.2.2; Host says the same */
	if (proxied && strncmp(r->target, "http://", 7) == 0)
		r->target += strcspn(r->target + 7, "/") + 7;
	if (!is_token(line) || strlen(line) > 7)
		return bad(r, "bad method");
	if (strcmp(sp2 + 1, "HTTP/1.1") == 0)
		r->keep = true;
	else if (strcmp(sp2 + 1, "HTTP/1.0") != 0)
		return bad(r, "bad HTTP version");
	return parse_target(r);
}

static bool
parse_header(struct req *r, char *line)
{
	char *colon = line ? strchr(line, ':') : NULL, *v, *end;

	if (colon == NULL)
		return bad(r, "bad header line");
	*colon = '\0';
	if (!is_token(line))
		return bad(r, "bad header name");
	for (v = colon + 1; *v == ' ' || *v == '\t'; v++)
		;
	for (end = v + strlen(v); end > v && (end[-1] == ' ' ||
	    end[-1] == '\t'); end--)
		;
	*end = '\0';
	if (http_header(r, line))
		return bad(r, "header sent twice");
	if (r->header_count == HEADERS_MAX)
		return bad(r, "too many headers");
	r->headers[r->header_count++] = (struct header){ line, v };
	return true;
}

/* RFC 9112 6: what the head says about the body and the connection */
static bool
parse_framing(struct req *r)
{
	const char *length = http_header(r, "Content-Length");
	const char *coding = http_header(r, "Transfer-Encoding");
	const char *connection = http_header(r, "Connection");
	const char *expect = http_header(r, "Expect");

	r->host = http_header(r, "Host");
	if (r->host == NULL || *r->host == '\0')
		return bad(r, "no Host");
	if (length && coding)
		return bad(r, "Content-Length and Transfer-Encoding");
	if (length && !number_parse(length, &r->left))
		return bad(r, "bad Content-Length");
	if (coding && strcasecmp(coding, "chunked") != 0)
		return bad(r, "unknown Transfer-Encoding");
	r->chunked = r->first_chunk = coding != NULL;
	r->body_done = !r->chunked && r->left == 0;
	if (expect && strcasecmp(expect, "100-continue") != 0)
		return bad(r, "unknown expectation");
	r->expect = expect != NULL && !r->body_done;
	if (connection && strcasecmp(connection, "close") == 0)
		r->keep = false;
	if (connection && strcasecmp(connection, "keep-alive") == 0)
		r->keep = true;
	return true;
}

bool
http_parse(struct req *r, const char *p, size_t n, bool proxied)
{
	char *at;

	r->method = r->target = "";
	r->head = at = xcopy(p, n);
	if (!parse_request_line(r, next_line(&at), proxied))
		return false;
	while (strcmp(at, "\r\n") != 0)
		if (!parse_header(r, next_line(&at)))
			return false;
	r->head_only = strcmp(r->method, "HEAD") == 0;
	return parse_framing(r);
}

void
http_free(struct req *r)
{
	free(r->head);
	free(r->decoded);
	text_free(&r->out);
	fault_copy_free(&r->fault);
}

const char *
http_header(const struct req *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->header_count; i++)
		if (strcasecmp(r->headers[i].name, name) == 0)
			return r->headers[i].value;
	return NULL;
}

const struct param *
http_param(const struct req *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->param_count; i++)
		if (strcmp(r->params[i].name, name) == 0)
			return &r->params[i];
	return NULL;
}

const char *
http_value(const struct req *r, const char *name)
{
	const struct param *p = http_param(r, name);

	return p ? p->value : "";
}

/* RFC 9112 7.1, without extensions and trailers */
static bool
chunk_begin(struct conn *c, struct req *r)
{
	int digits = 0, b;

	if (!r->first_chunk && (conn_byte(c) != '\r' || conn_byte(c) != '\n'))
		return false;
	r->first_chunk = false;
	for (r->left = 0; (b = conn_byte(c)) != '\r'; digits++) {
		const char *at = b > 0 ? strchr("0123456789abcdef",
		    b >= 'A' && b <= 'F' ? b + 32 : b) : NULL;

		if (at == NULL || digits == 15)
			return false;
		r->left = r->left * 16 + (b <= '9' ? b - '0' : (b | 32) - 'a' + 10);
	}
	if (digits == 0 || conn_byte(c) != '\n')
		return false;
	if (r->left == 0)
		r->body_done = true;
	return r->left > 0 || (conn_byte(c) == '\r' && conn_byte(c) == '\n');
}

static ssize_t
body_cut(struct conn *c, struct req *r)
{
	c->dead = c->close = true;
	r->body_done = true;
	return -1;
}

ssize_t
http_body(struct conn *c, struct req *r, void *p, size_t n)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	ssize_t got;

	if (r->expect) {
		r->expect = false;
		if (c->in_at == c->in_end &&
		    !conn_write(c, go_on, sizeof(go_on) - 1, false))
			return body_cut(c, r);
	}
	if (r->chunked && r->left == 0 && !r->body_done && !chunk_begin(c, r))
		return body_cut(c, r);
	if (r->body_done)
		return c->dead ? -1 : 0;
	if ((int64_t)n > r->left)
		n = (size_t)r->left;
	got = conn_read(c, p, n);
	if (got <= 0)
		return body_cut(c, r);
	r->left -= got;
	r->bytes_in += got;
	if (r->left == 0 && !r->chunked)
		r->body_done = true;
	return got;
}

bool
http_body_text(struct conn *c, struct req *r, struct text *t, size_t most)
{
	char buf[8192];
	ssize_t n;

	while ((n = http_body(c, r, buf, sizeof(buf))) > 0) {
		if (t->n + (size_t)n > most)
			return false;
		text_add(t, buf, (size_t)n);
	}
	text_add(t, "", 0);
	return n == 0;
}

bool
http_body_drain(struct conn *c, struct req *r)
{
	char buf[16 * 1024];
	ssize_t n;

	while ((n = http_body(c, r, buf, sizeof(buf))) > 0)
		;
	return n == 0;
}

void
http_body_finish(struct conn *c, struct req *r)
{
	if (r->body_done || c->dead)
		return;
	if (!c->close && !r->expect && !r->chunked && r->left <= DRAIN_LIMIT)
		http_body_drain(c, r);
	else
		conn_linger(c, 2000);
}
