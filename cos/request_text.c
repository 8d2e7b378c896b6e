/*
 * cos/request_text.c - a call as the text of an HTTP request, signed.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "request_int.h"

enum {
	SIGN_BEFORE_S = 60,		/* tolerance for our clock */
	SIGN_AFTER_S = 3600,
	HEAD_MAX = 16 * 1024
};

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
	struct cos_secret s = cos_request_secret(r);
	int64_t now = (int64_t)time(NULL) + r->bucket->skew;
	struct net_buf path = { .max = COS_KEY_MAX + 16 };
	struct cos_sign_request sr = {
		.method = r->call.method,
		.param = r->call.param, .nparams = r->call.nparams,
		.header = header, .nheaders = nheaders,
		.secret_id = s.id, .secret_key = s.key,
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

/* Host, length, token and the caller's headers are all signed; false: too
 * large or out of memory. */
bool
cos_request_build(struct cos_request *r)
{
	const struct cos_call *c = &r->call;
	struct cos_pair h[COS_HEADERS + 3];
	const char *token = cos_request_secret(r).token;
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
	if (token != NULL)
		h[n++] = (struct cos_pair){ "x-cos-security-token", token };
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
