/*
 * cos/delete_many.c - DELETE Multiple Objects, and a plain DELETE for a key
 * that XML 1.0 cannot express.
 */
#include <stdlib.h>
#include <string.h>

#include "cos_int.h"

struct cos_delete_many {
	struct net_task task;
	struct net_task *owner;
	struct cos_request *request;
	struct cos_op *single;
	struct net_buf body;
	struct iovec iov;
	char md5[32];
	enum cos_state state;
	struct cos_fault fault;
};

bool
cos_key_fits_xml(const char *key)
{
	for (; *key != '\0'; key++)
		if ((unsigned char)*key < 0x20)
			return false;
	return true;
}

static void
put_escaped(struct net_buf *b, const char *p)
{
	for (; *p != '\0'; p++) {
		switch (*p) {
		case '&':
			net_buf_put(b, "&amp;", 5);
			break;
		case '<':
			net_buf_put(b, "&lt;", 4);
			break;
		case '>':
			net_buf_put(b, "&gt;", 4);
			break;
		default:
			net_buf_put(b, p, 1);
		}
	}
}

static bool
build(struct cos_delete_many *d, const char *prefix, const char *keys,
    size_t n)
{
	unsigned char md5[TLS_MD5_LEN];
	struct tls_md5 m;

	d->body.max = 8 * 1024 * 1024;
	net_buf_printf(&d->body, "<Delete><Quiet>true</Quiet>");
	for (; n > 0; n--, keys += strlen(keys) + 1) {
		net_buf_printf(&d->body, "<Object><Key>");
		put_escaped(&d->body, prefix);
		put_escaped(&d->body, keys);
		net_buf_printf(&d->body, "</Key></Object>");
	}
	net_buf_printf(&d->body, "</Delete>");
	if (d->body.failed)
		return false;
	tls_md5_init(&m);
	tls_md5_update(&m, d->body.data, d->body.len);
	tls_md5_final(&m, md5);
	tls_base64(d->md5, md5, sizeof(md5));
	d->iov.iov_base = d->body.data;
	d->iov.iov_len = d->body.len;
	return true;
}

static void
step(struct net_task *t, unsigned why)
{
	struct cos_delete_many *d = (struct cos_delete_many *)t;

	(void)why;
	if (d->state != COS_BUSY)
		return;
	d->state = d->single != NULL ? cos_op_state(d->single) :
	    cos_request_state(d->request);
	if (d->state == COS_BUSY)
		return;
	d->fault = d->single != NULL ? *cos_op_fault(d->single) :
	    *cos_request_fault(d->request);
	net_task_wake(d->owner);
}

struct cos_delete_many *
cos_delete_many_new(struct cos_bucket *b, const char *keys, size_t n,
    const char *who, struct net_task *owner)
{
	struct cos_call c = { .op = "DeleteMultipleObjects",
	    .method = "POST", .nbody = 1,
	    .need = COS_NEED_DELETED };
	struct cos_delete_many *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	net_task_init(&d->task, b->client->loop, step);
	d->owner = owner;
	if (n == 1) {
		d->single = cos_delete_new(b, keys, who, &d->task);
	} else if (build(d, b->prefix, keys, n)) {
		cos_call_param(&c, "delete", "");
		cos_call_header(&c, "Content-Type", "application/xml");
		cos_call_header(&c, "Content-MD5", d->md5);
		c.body = &d->iov;
		d->request = cos_request_new(b, &c, who, &d->task);
	}
	if (d->single == NULL && d->request == NULL) {
		cos_delete_many_free(d);
		return NULL;
	}
	return d;
}

enum cos_state
cos_delete_many_state(const struct cos_delete_many *d)
{
	return d->state;
}

const struct cos_fault *
cos_delete_many_fault(const struct cos_delete_many *d)
{
	return &d->fault;
}

void
cos_delete_many_free(struct cos_delete_many *d)
{
	if (d == NULL)
		return;
	cos_request_free(d->request);
	cos_op_free(d->single);
	net_task_end(&d->task);
	net_buf_free(&d->body);
	free(d);
}
