/*
 * fault.c - the list of faults, and those that replace an operation.  The
 * ones that spoil an answer on its way out are in http_out.c.
 */
#include "fault.h"
#include "http.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum unit { NUMBER, TEXT, FLAG };

static const struct {
	const char *name;
	enum fault_action action;
	enum unit unit;
} actions[] = {
	{ "status", FAULT_STATUS, NUMBER },	/* with code=XXX */
	{ "error200", FAULT_ERROR200, TEXT },
	{ "empty200", FAULT_EMPTY200, FLAG },
	{ "bad_xml", FAULT_BAD_XML, FLAG },
	{ "raw", FAULT_RAW, TEXT },
	{ "redirect", FAULT_REDIRECT, TEXT },
	{ "lost", FAULT_LOST, FLAG },
	{ "read_cut", FAULT_READ_CUT, NUMBER },
	{ "read_stall", FAULT_READ_STALL, NUMBER },
	{ "reset_read", FAULT_RESET_READ, NUMBER },
	{ "body_cut", FAULT_BODY_CUT, NUMBER },
	{ "body_stall", FAULT_BODY_STALL, NUMBER },
	{ "head_stall", FAULT_HEAD_STALL, NUMBER },
	{ "slow", FAULT_SLOW, NUMBER },
	{ "wrong_etag", FAULT_WRONG_ETAG, FLAG },
	{ "wrong_crc", FAULT_WRONG_CRC, FLAG },
	{ "no_crc", FAULT_NO_CRC, FLAG },
	{ "close_idle", FAULT_CLOSE_IDLE, FLAG },
	{ "longer", FAULT_LONGER, NUMBER },
	{ "shorter", FAULT_SHORTER, NUMBER },
	{ "garbage", FAULT_GARBAGE, TEXT },
	{ "spaces", FAULT_SPACES, NUMBER },	/* Complete: ms of white space */
	{ "beside", FAULT_BESIDE, FLAG },
	{ "delay", FAULT_NONE, NUMBER }
};
enum { ACTIONS = sizeof(actions) / sizeof(actions[0]) };

static bool
fits(const struct fault *t, const struct req *r)
{
	size_t n = strcspn(r->host, ".");

	return (t->op == OP_COUNT || t->op == (int)r->op) &&
	    (t->bucket == NULL || (strlen(t->bucket) == n &&
	    memcmp(t->bucket, r->host, n) == 0)) &&
	    (t->key == NULL || memmem(r->key, r->key_len, t->key, t->key_len));
}

void
fault_match(struct fakecos *f, const struct req *r, struct fault *out)
{
	struct fault **at, *t;

	pthread_mutex_lock(&f->lock);
	for (at = &f->faults; (t = *at) != NULL; at = &t->next) {
		if (!fits(t, r) || (t->skip > 0 && t->skip--) ||
		    (t->spare > 0 && t->seen++ % t->spare == 0))
			continue;
		*out = *t;
		out->key = out->bucket = NULL;
		out->text = t->text ? xcopy(t->text, t->text_len) : NULL;
		if (t->times > 0 && --t->times == 0) {
			*at = t->next;
			fault_copy_free(t);
			free(t);
		}
		break;
	}
	pthread_mutex_unlock(&f->lock);
}

void
fault_copy_free(struct fault *t)
{
	free(t->bucket);
	free(t->key);
	free(t->text);
}

/* Takes n bytes of the body, then lets go of the connection. */
static void
cut_reading(struct conn *c, struct req *r)
{
	char buf[16 * 1024];
	int64_t left = r->fault.n;
	ssize_t n = 1;

	for (; left > 0 && n > 0; left -= n)
		n = http_body(c, r, buf, left < (int64_t)sizeof(buf) ?
		    (size_t)left : sizeof(buf));
	if (r->fault.action == FAULT_READ_STALL)
		fakecos_sleep(c->f, r->fault.ms * 1000000);
	if (r->fault.action == FAULT_RESET_READ)
		conn_reset(c);
	else
		conn_linger(c, 500);
}

/* The answer in place of the operation's own. */
static void
other_answer(struct conn *c, struct req *r)
{
	const struct fault *t = &r->fault;
	const char *code = t->text ? t->text : "InternalError";
	struct text xml = { 0 };

	switch (t->action) {
	case FAULT_STATUS:
		resp_error(c, r, (int)t->n, code, "injected");
		return;
	case FAULT_RAW:
		conn_write(c, t->text, t->text_len, false);
		while (t->loop >= 0 && (size_t)t->loop < t->text_len &&
		    !c->f->stopping && conn_write(c, t->text + t->loop,
		    t->text_len - (size_t)t->loop, false))
			;
		conn_linger(c, 500);
		return;
	case FAULT_REDIRECT:
		resp_begin(c, r, 302);
		resp_head(r, "Location: %s", code);
		resp_none(c, r);
		return;
	case FAULT_ERROR200:
		error_xml(c, r, &xml, code, "injected");
		break;
	case FAULT_BAD_XML:
		text_str(&xml, "<?xml version='1.0'?>\n<Result><ETag>&quot;0"
		    "&quot;</ETag><Key>a</Ke");
		break;
	default:
		break;
	}
	resp_begin(c, r, 200);
	resp_text(c, r, "application/xml", &xml);
	text_free(&xml);
}

void
fault_run(struct conn *c, struct req *r,
    void (*perform)(struct conn *, struct req *))
{
	struct fault *t = &r->fault;

	if (t->action == FAULT_SLOW)
		c->rate = t->n;
	if (t->action == FAULT_NONE || t->action > FAULT_RESET_READ) {
		perform(c, r);
		return;
	}
	if (t->action >= FAULT_READ_CUT) {
		cut_reading(c, r);
		return;
	}
	if (t->done || t->action == FAULT_LOST) {
		r->mute = true;
		perform(c, r);
		r->mute = false;
	} else if (!t->early && !http_body_drain(c, r))
		return;
	if (t->action == FAULT_LOST)
		conn_linger(c, 500);
	else
		other_answer(c, r);
}

static int64_t
number_of(const struct req *r, const char *name, int64_t otherwise)
{
	int64_t v;

	if (strcmp(http_value(r, name), "-1") == 0)
		return -1;
	return number_parse(http_value(r, name), &v) ? v : otherwise;
}

static bool
parse_action(struct fault *t, const struct req *r)
{
	const struct param *p = NULL, *text;
	size_t i;

	for (i = 0; i < ACTIONS && p == NULL; i++)
		p = http_param(r, actions[i].name);
	if (p == NULL)
		return false;
	i--;
	t->action = actions[i].action;
	t->n = number_of(r, p->name, 0);
	if (actions[i].unit == NUMBER && !number_parse(p->value, &t->n))
		return false;
	text = actions[i].unit == TEXT ? p : http_param(r, "code");
	if (text) {
		t->text = xcopy(text->value, text->value_len);
		t->text_len = text->value_len;
	}
	return true;
}

void
fault_add(struct conn *c, struct req *r)
{
	struct fault *t = xalloc(sizeof(*t)), **end = &c->f->faults;
	const struct param *key = http_param(r, "key");
	const char *op = http_value(r, "op"), *bucket = http_value(r, "bucket");

	t->op = *op == '\0' || strcmp(op, "Any") == 0 ? (int)OP_COUNT :
	    (int)op_find(op);
	if (!parse_action(t, r) || (t->op == OP_COUNT && *op &&
	    strcmp(op, "Any") != 0)) {
		fault_copy_free(t);
		free(t);
		resp_error(c, r, 400, "InvalidArgument", "unknown op or action");
		return;
	}
	if (*bucket)
		t->bucket = xcopy(bucket, strlen(bucket));
	if (key) {
		t->key = xcopy(key->value, key->value_len);
		t->key_len = key->value_len;
	}
	t->skip = number_of(r, "skip", 0);
	t->times = number_of(r, "times", 1);
	t->spare = number_of(r, "spare", 0);
	t->delay = number_of(r, "delay", 0);
	t->loop = number_of(r, "loop", -1);
	t->ms = number_of(r, "ms", 600000);
	t->retry_after = number_of(r, "retry_after", 0);
	t->done = number_of(r, "done", 0) != 0;
	t->early = number_of(r, "early", 0) != 0;
	pthread_mutex_lock(&c->f->lock);
	while (*end)
		end = &(*end)->next;
	*end = t;
	pthread_mutex_unlock(&c->f->lock);
	resp_begin(c, r, 200);
	resp_none(c, r);
}

void
fault_list(struct conn *c, struct req *r)
{
	struct text t = { 0 };
	const struct fault *at;
	size_t i;

	text_str(&t, "[");
	pthread_mutex_lock(&c->f->lock);
	for (at = c->f->faults; at; at = at->next) {
		for (i = 0; i < ACTIONS && actions[i].action != at->action; i++)
			;
		text_fmt(&t, "%s{\"op\": \"%s\", \"key\": ", t.n > 1 ? ",\n " :
		    "", at->op == OP_COUNT ? "Any" : op_name((enum op)at->op));
		text_json(&t, at->key ? at->key : "", at->key_len);
		text_fmt(&t, ", \"action\": \"%s\", \"n\": %" PRId64 ", \"skip\": %"
		    PRId64 ", \"times\": %" PRId64 ", \"delay\": %" PRId64 "}",
		    actions[i].name, at->n, at->skip, at->times, at->delay);
	}
	pthread_mutex_unlock(&c->f->lock);
	text_str(&t, "]\n");
	resp_begin(c, r, 200);
	resp_text(c, r, "application/json", &t);
	text_free(&t);
}

void
faults_free(struct fakecos *f)
{
	struct fault *t;

	while ((t = f->faults) != NULL) {
		f->faults = t->next;
		fault_copy_free(t);
		free(t);
	}
}
