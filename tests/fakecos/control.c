/*
 * control.c - statistics, the log, faults, objects out of nothing.
 *
 * Unsigned, on the same port; these requests are neither counted nor logged,
 * and faults do not touch them.
 */
#include "auth.h"
#include "control.h"
#include "ops.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
control_is(const struct req *r)
{
	static const char name[] = "fakecos.control";
	size_t n = strcspn(r->host, ":");

	return n == sizeof(name) - 1 && memcmp(r->host, name, n) == 0;
}

static void
ok(struct conn *c, struct req *r)
{
	resp_begin(c, r, 200);
	resp_none(c, r);
}

static void
ok_json(struct conn *c, struct req *r, struct text *t)
{
	resp_begin(c, r, 200);
	resp_text(c, r, "application/json", t);
	text_free(t);
}

static void
stats(struct conn *c, struct req *r)
{
	struct fakecos *f = c->f;
	const struct stats *s = &f->stats;
	const struct upload *u;
	struct bucket *b;
	struct text t = { 0 };
	size_t objects = 0, pending = 0;
	int i;

	pthread_mutex_lock(&f->lock);
	for (b = f->buckets; b; b = b->next) {
		objects += b->count;
		for (u = b->uploads; u; u = u->next)
			pending++;
	}
	text_fmt(&t, "{\"requests\": %" PRId64 ", \"ops\": {", s->requests);
	for (i = 0; i < OP_COUNT; i++)
		text_fmt(&t, "%s\"%s\": %" PRId64, i ? ", " : "",
		    op_name((enum op)i), s->ops[i]);
	text_fmt(&t, "}, \"auth_failures\": %" PRId64 ", \"bad_requests\": %"
	    PRId64 ", \"pending_uploads\": %zu, \"objects\": %zu, "
	    "\"connections\": %" PRId64 ", \"connections_total\": %" PRId64
	    ", \"max_parts_in_flight\": %" PRId64 "}\n", s->auth_failures,
	    s->bad_requests, pending, objects, f->connections,
	    s->connections_total, s->max_parts_in_flight);
	pthread_mutex_unlock(&f->lock);
	ok_json(c, r, &t);
}

void
control_reset(struct fakecos *f)
{
	int64_t parts;
	size_t i;

	pthread_mutex_lock(&f->lock);
	parts = f->stats.parts_in_flight;
	f->stats = (struct stats){ .parts_in_flight = parts };
	faults_free(f);
	for (i = 0; i < LOG_LINES; i++)
		free(f->log[i].target);
	memset(f->log, 0, LOG_LINES * sizeof(*f->log));
	f->log_next = 0;
	pthread_mutex_unlock(&f->lock);
}

static void
reset(struct conn *c, struct req *r)
{
	control_reset(c->f);
	ok(c, r);
}

static void
wipe(struct conn *c, struct req *r)
{
	buckets_wipe(c->f);
	ok(c, r);
}

static void
show_log(struct conn *c, struct req *r)
{
	struct fakecos *f = c->f;
	struct text t = { 0 };
	size_t i;

	text_str(&t, "[");
	pthread_mutex_lock(&f->lock);
	i = f->log_next > LOG_LINES ? f->log_next - LOG_LINES : 0;
	for (; i < f->log_next; i++) {
		const struct log_entry *e = &f->log[i % LOG_LINES];

		text_fmt(&t, "%s{\"op\": \"%s\", \"method\": \"%s\", "
		    "\"target\": ", t.n > 1 ? ",\n " : "", op_name(e->op),
		    e->method);
		text_json(&t, e->target, strlen(e->target));
		text_fmt(&t, ", \"status\": %d, \"bytes_in\": %" PRId64
		    ", \"start\": %" PRId64 ", \"ms\": %" PRId64 "}",
		    e->status, e->bytes_in, e->start, e->ms);
	}
	pthread_mutex_unlock(&f->lock);
	text_str(&t, "]\n");
	ok_json(c, r, &t);
}

static void
show_uploads(struct conn *c, struct req *r)
{
	const struct upload *u;
	struct text t = { 0 };
	struct bucket *b;

	text_str(&t, "[");
	pthread_mutex_lock(&c->f->lock);
	for (b = c->f->buckets; b; b = b->next)
		for (u = b->uploads; u; u = u->next) {
			text_fmt(&t, "%s{\"bucket\": \"%s\", \"key\": ",
			    t.n > 1 ? ",\n " : "", b->name);
			text_json(&t, u->key, u->key_len);
			text_fmt(&t, ", \"uploadId\": \"%s\", \"parts\": %zu}",
			    u->id, u->count);
		}
	pthread_mutex_unlock(&c->f->lock);
	text_str(&t, "]\n");
	ok_json(c, r, &t);
}

/* Keys that are not UTF-8 show each byte as one character. */
static void
show_objects(struct conn *c, struct req *r)
{
	const struct param *prefix = http_param(r, "prefix");
	struct text t = { 0 };
	struct node *at;

	text_str(&t, "[");
	pthread_mutex_lock(&c->f->lock);
	for (at = r->bucket->head->next[0]; at; at = at->next[0]) {
		const struct object *o = at->o;

		if (prefix && (o->key_len < prefix->value_len || memcmp(o->key,
		    prefix->value, prefix->value_len) != 0))
			continue;
		text_fmt(&t, "%s{\"key\": ", t.n > 1 ? ",\n " : "");
		text_json(&t, o->key, o->key_len);
		text_fmt(&t, ", \"size\": %" PRId64 ", \"crc\": \"%" PRIu64
		    "\", \"etag\": \"%s\", \"class\": \"%s\", \"headers\": ",
		    o->body.size, o->body.crc, o->body.etag, o->class);
		text_json(&t, o->headers, strlen(o->headers));
		text_str(&t, "}");
	}
	pthread_mutex_unlock(&c->f->lock);
	text_str(&t, "]\n");
	ok_json(c, r, &t);
}

static bool
number_of(const struct req *r, const char *name, int64_t *out)
{
	const char *s = http_value(r, name);
	bool minus = *s == '-';

	if (!number_parse(s + minus, out))
		return false;
	*out = minus ? -*out : *out;
	return true;
}

static void
config(struct conn *c, struct req *r)
{
	struct settings *s = &c->f->set;
	const struct {
		const char *name;
		atomic_llong *at;
	} all[] = {
		{ "latency", &s->latency }, { "rate", &s->rate },
		{ "list_delay", &s->list_delay }, { "skew", &s->skew },
		{ "copy_limit", &s->copy_limit },
		{ "force_download", &s->force_download },
		{ "sign_subset", &s->sign_subset },
		{ "kms", &s->kms }
	};
	int64_t v;
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (number_of(r, all[i].name, &v))
			*all[i].at = v;
	ok(c, r);
}

static void
pattern_body(struct fakecos *f, struct object *o, int64_t size)
{
	struct blob *b = blob_pattern();

	body_add(&o->body, b, 0, size);
	blob_free(b);
	o->body.crc = pattern_crc(f, 0, size);
	o->body.has_crc = true;
	etag_fake(f, o->body.etag);
}

/* Any bytes are good for a key here, and any word for a class. */
static void
put_object(struct conn *c, struct req *r)
{
	const struct param *key = http_param(r, "key");
	struct object *o = object_new(key ? key->value : "", key ?
	    key->value_len : 0);
	int64_t size, mtime;
	char *headers = receive_headers(c, r);

	if (headers == NULL)
		goto drop;
	free(o->headers);
	o->headers = headers;
	if (number_of(r, "size", &size))
		pattern_body(c->f, o, size);
	else if (!receive(c, r, &o->body))
		goto drop;
	if (*http_value(r, "class"))
		snprintf(o->class, sizeof(o->class), "%s",
		    http_value(r, "class"));
	if (http_param(r, "no_crc"))
		o->body.has_crc = false;
	o->mtime = clock_ms(c->f);
	if (number_of(r, "mtime", &mtime)) {	/* listed since then, too */
		o->born = now_ns() - (o->mtime - mtime * 1000) * 1000000;
		o->mtime = mtime * 1000;
	}
	if (store_put(c->f, r->bucket, o, false))
		resp_error(c, r, 500, "InternalError", "not stored");
	else
		ok(c, r);
	return;
drop:
	object_free(o);
}

static void
get_object(struct conn *c, struct req *r)
{
	const struct param *key = http_param(r, "key");

	r->key = key ? key->value : "";
	r->key_len = key ? key->value_len : 0;
	op_get(c, r);
}

static void
fill(struct conn *c, struct req *r)
{
	const struct param *prefix = http_param(r, "prefix");
	int64_t i, n = 0, size = 0;
	struct text key = { 0 };
	struct object *o;

	number_of(r, "count", &n);
	number_of(r, "size", &size);
	for (i = 0; i < n; i++) {
		key.n = 0;
		if (prefix)
			text_add(&key, prefix->value, prefix->value_len);
		text_fmt(&key, "%06" PRId64, i);
		o = object_new(key.p, key.n);
		free(o->headers);
		o->headers = receive_headers(c, r);
		o->mtime = clock_ms(c->f);
		pattern_body(c->f, o, size);
		store_put(c->f, r->bucket, o, false);
	}
	text_free(&key);
	ok(c, r);
}

static const struct {
	const char *method, *path;
	void (*run)(struct conn *, struct req *);
	bool bucket;		/* needs ?bucket=; the first one otherwise */
} table[] = {
	{ "GET", "/stats", stats, false },
	{ "POST", "/reset", reset, false },
	{ "POST", "/wipe", wipe, false },
	{ "GET", "/log", show_log, false },
	{ "GET", "/uploads", show_uploads, false },
	{ "POST", "/config", config, false },
	{ "GET", "/objects", show_objects, true },
	{ "POST", "/object", put_object, true },
	{ "GET", "/object", get_object, true },
	{ "HEAD", "/object", get_object, true },
	{ "POST", "/fill", fill, true },
	{ "POST", "/key", auth_key, false },
	{ "POST", "/fault", fault_add, false },
	{ "GET", "/faults", fault_list, false }
};

void
control(struct conn *c, struct req *r)
{
	const struct param *name = http_param(r, "bucket");
	size_t i, n = sizeof(table) / sizeof(table[0]);

	c->rate = 0;
	r->bucket = name ? bucket_find(c->f, name->value, name->value_len) :
	    c->f->buckets;
	for (i = 0; i < n; i++)
		if (strcmp(r->method, table[i].method) == 0 &&
		    strcmp(r->path, table[i].path) == 0)
			break;
	if (i == n || (table[i].bucket && r->bucket == NULL))
		resp_error(c, r, 404, "NotFound", "no such control");
	else
		table[i].run(c, r);
}
