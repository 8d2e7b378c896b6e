/*
 * net/resolve.c - names to addresses without ever blocking the loop.
 *
 * getaddrinfo() may wait for seconds, so it is a job of the helper's.  Answers
 * are kept for a minute per host, and the old ones are served when a new lookup
 * fails, and from then on at once until one does not.  Literal addresses and
 * localhost (RFC 6761) need no helper.
 */
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <stdio.h>

#include "net_int.h"

enum {
	ADDRS = 8,		/* of one host */
	FRESH_MS = 60 * 1000,
	RETRY_MS = 200		/* before a failed name is asked again */
};

struct answer {			/* of the helper's */
	size_t n;
	struct net_addr addr[ADDRS];
	char reason[128];
};
_Static_assert(sizeof(struct answer) <= NET_JOB_MAX, "an answer is a message");

struct host {
	struct net_task task;		/* waits for the job */
	struct host *next;
	struct net_resolver *r;
	char *name;
	struct net_addr addr[ADDRS];
	size_t n;
	int64_t until;			/* the answer is fresh until then */
	bool known;
	bool failed;			/* the last lookup */
	struct net_job *job;		/* owned; NULL: nothing is asked */
	char reason[160];
	struct net_lookup *waiting;
};

struct net_resolver {
	struct net_loop *loop;
	struct net_helper *helper;
	struct host *hosts;
};

struct net_lookup {
	struct net_lookup *next;
	struct host *host;		/* not NULL: on its list */
	struct net_task *owner;
	uint16_t port;
	bool done;
	struct net_addr addr[ADDRS];
	size_t n;
	char reason[160];
};

struct net_resolver *
net_resolver_new(struct net_loop *l, struct net_helper *helper)
{
	struct net_resolver *r = calloc(1, sizeof(*r));

	if (r != NULL) {
		r->loop = l;
		r->helper = helper;
	}
	return r;
}

static void
host_free(struct host *h)
{
	net_job_free(h->job);
	net_task_end(&h->task);
	free(h->name);
	free(h);
}

void
net_resolver_free(struct net_resolver *r)
{
	struct host *h;

	if (r == NULL)
		return;
	while ((h = r->hosts) != NULL) {
		r->hosts = h->next;
		host_free(h);
	}
	free(r);
}

/* ---- in a child of the helper ---- */

static void
ask(const char *name, int family, struct answer *a)
{
	struct addrinfo hints = { .ai_family = family,
	    .ai_socktype = SOCK_STREAM }, *res, *ai;
	int error = getaddrinfo(name, NULL, &hints, &res);

	if (error != 0) {
		if (a->reason[0] == '\0')
			snprintf(a->reason, sizeof(a->reason), "%s",
			    gai_strerror(error));
		return;
	}
	for (ai = res; ai != NULL && a->n < ADDRS; ai = ai->ai_next) {
		a->addr[a->n].len = ai->ai_addrlen;
		memcpy(&a->addr[a->n++].ss, ai->ai_addr, ai->ai_addrlen);
	}
	freeaddrinfo(res);
}

size_t
net_resolve_work(const void *name, void *out)
{
	struct answer *a = out;

	memset(a, 0, sizeof(*a));
	ask(name, AF_INET, a);
	if (a->n == 0)		/* a resolver may be slow to say there is none */
		ask(name, AF_INET6, a);
	return sizeof(*a);
}

/* ---- in the worker ---- */

static void
answer_lookup(struct net_lookup *lk, const struct host *h)
{
	size_t i;

	lk->done = true;
	lk->host = NULL;
	for (i = 0; i < h->n; i++) {
		lk->addr[i] = h->addr[i];
		net_addr_set_port(&lk->addr[i], lk->port);
	}
	lk->n = h->n;
	snprintf(lk->reason, sizeof(lk->reason), "%s", h->reason);
	net_task_wake(lk->owner);
}

static void
answer_all(struct host *h)
{
	struct net_lookup *lk;

	while ((lk = h->waiting) != NULL) {
		h->waiting = lk->next;
		answer_lookup(lk, h);
	}
}

/* What an earlier lookup found is kept: stale beats nothing. */
static void
host_fail(struct host *h, const char *reason)
{
	h->failed = true;
	h->until = net_now(h->r->loop) + RETRY_MS;
	snprintf(h->reason, sizeof(h->reason), "%.127s", reason);
}

static void
host_step(struct net_task *t, unsigned why)
{
	struct host *h = (struct host *)t;
	const struct answer *a;
	const char *reason;
	size_t n;

	(void)why;
	if (h->job == NULL || !net_job_done(h->job))
		return;
	a = net_job_answer(h->job, &n, &reason);
	if (a == NULL || n != sizeof(*a) || a->n > ADDRS) {
		host_fail(h, reason != NULL ? reason : "no answer");
	} else if (a->n == 0) {
		host_fail(h, a->reason);
	} else {
		h->failed = false;
		h->until = net_now(h->r->loop) + FRESH_MS;
		h->n = a->n;
		memcpy(h->addr, a->addr, sizeof(h->addr));
	}
	net_job_free(h->job);
	h->job = NULL;
	h->known = true;
	answer_all(h);
}

static void
host_start(struct host *h)
{
	h->job = net_job_new(h->r->helper, NET_JOB_RESOLVE, h->name,
	    strlen(h->name) + 1, &h->task);
	if (h->job != NULL)
		return;
	h->known = true;
	host_fail(h, "not to be asked");
	answer_all(h);
}

static struct host *
host_find(struct net_resolver *r, const char *name)
{
	struct host *h;

	for (h = r->hosts; h != NULL; h = h->next)
		if (strcasecmp(h->name, name) == 0)
			return h;
	h = calloc(1, sizeof(*h));
	if (h == NULL)
		return NULL;
	h->name = strdup(name);
	if (h->name == NULL) {
		free(h);
		return NULL;
	}
	net_task_init(&h->task, r->loop, host_step);
	h->r = r;
	h->next = r->hosts;
	r->hosts = h;
	return h;
}

static bool
is_localhost(const char *name)
{
	size_t n = strlen(name);

	return strcasecmp(name, "localhost") == 0 ||
	    (n > 10 && strcasecmp(name + n - 10, ".localhost") == 0);
}

struct net_lookup *
net_lookup_new(struct net_resolver *r, const char *name, uint16_t port,
    struct net_task *owner)
{
	struct net_lookup *lk = calloc(1, sizeof(*lk));
	struct host *h;

	if (lk == NULL)
		return NULL;
	lk->port = port;
	lk->owner = owner;
	if (net_addr_parse(&lk->addr[0], name, port) == 0) {
		lk->n = 1;
	} else if (is_localhost(name)) {
		net_addr_parse(&lk->addr[0], "127.0.0.1", port);
		net_addr_parse(&lk->addr[1], "::1", port);
		lk->n = 2;
	}
	if (lk->n > 0) {
		lk->done = true;
		net_task_wake(owner);
		return lk;
	}
	h = host_find(r, name);
	if (h == NULL) {
		free(lk);
		return NULL;
	}
	if (h->known && net_now(r->loop) < h->until) {
		answer_lookup(lk, h);
		return lk;
	}
	lk->host = h;
	lk->next = h->waiting;
	h->waiting = lk;
	if (h->job == NULL)
		host_start(h);
	if (h->failed && h->n > 0)	/* it may take as long again */
		answer_all(h);
	return lk;
}

bool
net_lookup_done(const struct net_lookup *lk)
{
	return lk->done;
}

const struct net_addr *
net_lookup_result(const struct net_lookup *lk, size_t *n)
{
	*n = lk->n;
	return lk->n > 0 ? lk->addr : NULL;
}

const char *
net_lookup_reason(const struct net_lookup *lk)
{
	return lk->reason;
}

void
net_lookup_free(struct net_lookup *lk)
{
	struct net_lookup **p;

	if (lk == NULL)
		return;
	if (lk->host != NULL) {
		for (p = &lk->host->waiting; *p != lk; p = &(*p)->next)
			;
		*p = lk->next;
	}
	free(lk);
}
