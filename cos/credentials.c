/*
 * cos/credentials.c - what signs the requests of a bucket: the keys of its
 * account, or the temporary keys of a CVM role.
 *
 * Of a role there is one task in each worker.  It asks the metadata service
 * at once, and again well before the keys are over; if that fails it tries
 * again while the old ones are good.  Who wants to sign when there are none
 * queues, and is woken when they are there.  How long keys are good is
 * counted from the Date of the answer, so that our clock may be wrong.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "request_int.h"

enum {
	FETCH_MS = 10 * 1000,		/* lookup, connection and answer */
	PATIENCE_MS = 10 * 1000,	/* until all fail at once */
	SETTLE_MS = 30 * 1000,		/* for what cleans up */
	RETRY_MS = 500,			/* doubles */
	RETRY_TIMES = 5,
	EARLY_S = 600,			/* fetched before they are over */
	LIFE_MAX_S = 7 * 86400,		/* asked again by then in any case */
	ANSWER_MAX = 16 * 1024
};

enum state {
	C_FETCHING,
	C_RESTING			/* until the next fetch */
};

struct cos_credentials {
	struct net_task task;
	struct cos_credentials *next;
	struct cos_client *client;
	const char *role, *endpoint;	/* borrowed from an account */
	enum state state;
	struct net_buf head, answer;
	struct net_origin origin;
	char *host;
	struct net_http *http;
	struct cos_role_keys keys;
	unsigned serial;		/* of the keys */
	int64_t good_until;		/* the loop's clock; 0: none */
	bool doubted;			/* until new ones or a failure */
	int failures;			/* in a row */
	int64_t failing_since;
	char reason[256];		/* of the last failure */
	struct cos_key_wait *waiting;
};

static void
rest(struct cos_credentials *c, int64_t ms)
{
	uint32_t dice;

	net_http_free(c->http);
	c->http = NULL;
	if (c->answer.data != NULL)
		tls_wipe(c->answer.data, c->answer.len);
	net_buf_free(&c->answer);
	c->state = C_RESTING;
	tls_random(&dice, sizeof(dice));
	net_task_deadline(&c->task, ms - ms / 8 * (dice % 256) / 256);
}

/* Who waits tries again with what there is. */
static void
wake_all(struct cos_credentials *c)
{
	struct cos_key_wait *w;

	c->doubted = false;
	while ((w = c->waiting) != NULL) {
		c->waiting = w->next;
		w->of = NULL;
		net_task_wake(w->owner);
	}
}

/* What is tried in vain again and again is logged once. */
static void
failed(struct cos_credentials *c, const char *why)
{
	int64_t now = net_now(c->task.loop);
	bool again = c->failures > 0 && strcmp(c->reason, why) == 0;

	if (c->failures == 0)
		c->failing_since = now;
	log_line(c->client->log, again ? LOG_LEVEL_DEBUG :
	    c->good_until > now ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR,
	    "role %s: no new keys from %s: %s", c->role, c->endpoint, why);
	if (!again)
		snprintf(c->reason, sizeof(c->reason), "%s", why);
	if (c->failures < RETRY_TIMES)
		c->failures++;
	if (c->doubted && c->good_until > now)
		wake_all(c);
	rest(c, RETRY_MS << c->failures);
}

static void
fetch(struct cos_credentials *c)
{
	struct net_http_request hr = {
		.origin = c->origin,
		.head = c->head.data, .head_len = c->head.len,
		.answer_ms = FETCH_MS, .idle_ms = FETCH_MS,
	};

	c->state = C_FETCHING;
	c->answer.max = ANSWER_MAX;
	net_task_deadline(&c->task, FETCH_MS);
	if (!c->head.failed)
		c->http = net_http_new(c->client->pool, &hr, &c->task);
	if (c->http == NULL)
		failed(c, "out of memory");
}

static void
take(struct cos_credentials *c, const struct cos_role_keys *k, int64_t left)
{
	if (left > LIFE_MAX_S)
		left = LIFE_MAX_S;
	c->keys = *k;
	c->serial++;
	c->failures = 0;
	c->good_until = net_now(c->task.loop) + left * 1000;
	log_line(c->client->log, LOG_LEVEL_INFO, "role %s: temporary keys for "
	    "%" PRId64 " s", c->role, left);
	wake_all(c);
	rest(c, left > 2 * EARLY_S ? (left - EARLY_S) * 1000 :
	    left > 2 ? left * 500 : 1000);
}

/* left: seconds the keys are good for */
static int
understand(const struct cos_credentials *c, struct cos_role_keys *k,
    int64_t *left, struct err *e)
{
	const struct http_head *h = net_http_head(c->http);
	int64_t now = -1;
	char date[64];

	if (h->status != 200)
		return err_set(e, "it answers %d%s", h->status,
		    h->status == 404 ? ", there is no such role" : "");
	if (c->answer.failed)
		return err_set(e, "its answer is too large");
	if (cos_role_parse(k, c->answer.data, c->answer.len, e) < 0)
		return -1;
	if (http_value(h, "date", date, sizeof(date)))
		now = cos_date(date);
	if (now < 0)
		now = (int64_t)time(NULL);
	*left = k->expires - now;
	return *left > 0 ? 0 : err_set(e, "its keys are over");
}

static void
judge(struct cos_credentials *c)
{
	struct cos_role_keys k;
	struct err e;
	int64_t left = 0;

	if (understand(c, &k, &left, &e) == 0)
		take(c, &k, left);
	else
		failed(c, e.text);
	tls_wipe(&k, sizeof(k));
}

static void
read_answer(struct cos_credentials *c)
{
	enum net_http_state state;
	const char *p;
	size_t n;

	if (net_http_state(c->http) == HTTP_SENDING)
		return;
	while (p = net_http_peek(c->http, &n), n > 0 && !c->answer.failed) {
		net_buf_put(&c->answer, p, n);
		net_http_drop(c->http, n);
	}
	state = net_http_state(c->http);
	if (state == HTTP_FAILED)
		failed(c, net_http_reason(c->http));
	else if (state == HTTP_DONE || c->answer.failed)
		judge(c);
}

static void
step(struct net_task *t, unsigned why)
{
	struct cos_credentials *c = (struct cos_credentials *)t;

	switch (c->state) {
	case C_RESTING:
		if (why & NET_TIMEOUT)
			fetch(c);
		return;
	case C_FETCHING:
		if (why & NET_TIMEOUT)
			failed(c, "no answer");
		else
			read_answer(c);
		return;
	}
}

/* ---- made and found ---- */

static struct cos_credentials *
new_role(struct cos_client *client, const struct conf_account *a)
{
	struct cos_credentials *c = calloc(1, sizeof(*c));
	size_t host = strcspn(a->role_endpoint, ":");

	if (c == NULL)
		return NULL;
	net_task_init(&c->task, client->loop, step);
	c->client = client;
	c->role = a->role;
	c->endpoint = a->role_endpoint;
	c->origin.host = c->host = strndup(c->endpoint, host);
	c->origin.port = c->endpoint[host] == ':' ?
	    (uint16_t)atoi(c->endpoint + host + 1) : 80;
	c->head.max = 2048;
	net_buf_printf(&c->head, "GET /latest/meta-data/cam/"
	    "security-credentials/%s HTTP/1.1\r\nHost: %s\r\n"
	    "User-Agent: cosftpd/%s\r\nConnection: close\r\n\r\n", c->role,
	    c->endpoint, COSFTPD_VERSION);
	if (c->host == NULL || c->head.failed) {
		cos_credentials_free(c);
		return NULL;
	}
	c->next = client->credentials;
	client->credentials = c;
	fetch(c);
	return c;
}

struct cos_credentials *
cos_credentials_find(struct cos_client *client, const struct conf_account *a)
{
	struct cos_credentials *c;

	for (c = client->credentials; c != NULL; c = c->next)
		if (strcmp(c->role, a->role) == 0 &&
		    strcmp(c->endpoint, a->role_endpoint) == 0)
			return c;
	return new_role(client, a);
}

void
cos_credentials_free(struct cos_credentials *c)
{
	struct cos_credentials *next;

	for (; c != NULL; c = next) {
		next = c->next;
		rest(c, 0);
		net_task_end(&c->task);
		net_buf_free(&c->head);
		tls_wipe(&c->keys, sizeof(c->keys));
		free(c->host);
		free(c);
	}
}

/* ---- requests that sign ---- */

void
cos_key_wait_end(struct cos_key_wait *w)
{
	struct cos_key_wait **at;

	if (w->of == NULL)
		return;
	for (at = &w->of->waiting; *at != w; at = &(*at)->next)
		;
	*at = w->next;
	w->of = NULL;
}

/* Makes r->fault what it is that no keys are there. */
static void
no_keys(struct cos_request *r, const struct cos_credentials *c)
{
	cos_fault_set(&r->fault, COS_NO_KEYS, "no temporary keys for role %s: "
	    "%s", c->role, c->failures > 0 ? c->reason : "no answer yet");
}

enum cos_state
cos_request_keys(struct cos_request *r)
{
	struct cos_credentials *c = r->bucket->credentials;
	int64_t now = net_now(r->task.loop);
	int64_t patience = r->call.always ? SETTLE_MS : PATIENCE_MS;
	bool waited = r->wait.of != NULL;

	if (c == NULL)
		return COS_DONE;
	cos_key_wait_end(&r->wait);
	net_task_deadline(&r->task, -1);
	if (c->good_until > now && !c->doubted) {
		r->serial = c->serial;
		return COS_DONE;
	}
	no_keys(r, c);
	if (waited || (c->failures > 0 &&
	    now - c->failing_since > patience))
		return COS_FAILED;
	if (c->state == C_RESTING && c->failures == 0)
		fetch(c);
	r->wait = (struct cos_key_wait){ c->waiting, &r->task, c };
	c->waiting = &r->wait;
	net_task_deadline(&r->task, patience);
	return COS_BUSY;
}

struct cos_secret
cos_request_secret(const struct cos_request *r)
{
	const struct cos_credentials *c = r->bucket->credentials;
	const struct conf_account *a = r->bucket->account;

	if (c != NULL)
		return (struct cos_secret){ c->keys.id, c->keys.key,
		    c->keys.token };
	return (struct cos_secret){ a->secret_id, a->secret_key, a->token };
}

/* Of a role only: who has typed in what is over has to type again. */
bool
cos_request_renew_keys(struct cos_request *r)
{
	struct cos_credentials *c = r->bucket->credentials;
	bool over = strcmp(r->code, "ExpiredToken") == 0 ||
	    strcmp(r->code, "InvalidAccessKeyId") == 0;

	/* 400 to a HEAD, which has no code, has other causes, too. */
	if (c == NULL || (!over && (r->code[0] != '\0' ||
	    r->fault.status != 400 || c->failures > 0)))
		return false;
	if (over)
		r->fault.cause = COS_NO_KEYS;
	if (over && r->serial == c->serial)	/* nobody has new ones yet */
		c->good_until = 0;
	if (r->keys_renewed)
		return false;
	r->keys_renewed = true;
	if (r->serial == c->serial)
		c->doubted = true;
	return true;
}
