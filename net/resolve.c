/*
 * net/resolve.c - names to addresses without ever blocking the loop.
 *
 * getaddrinfo() may wait for seconds, so it runs in a short-lived child that
 * answers over a pipe; at most JOBS at once.  Answers are kept for a minute
 * per host, and the old ones are served when a new lookup fails.  Literal
 * addresses and localhost (RFC 6761) need no child.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net_int.h"

enum {
	JOBS = 8,
	ADDRS = 8,		/* of one host */
	FRESH_MS = 60 * 1000,
	RETRY_MS = 200,		/* before a failed name is asked again */
	CHILD_S = 20,		/* a child lives no longer */
	REAP_MS = 10
};

/* What the child writes: small enough for one atomic write to a pipe. */
struct answer {
	int n;
	struct {
		int family;
		unsigned char ip[16];
	} addr[ADDRS];
	char reason[128];
};

struct host {
	struct net_task task;		/* waits for the child's pipe */
	struct host *next;
	struct net_resolver *r;
	char *name;
	struct net_addr addr[ADDRS];
	size_t n;
	int64_t until;			/* the answer is fresh until then */
	bool known, queued;
	pid_t pid;			/* > 0: a child to be reaped */
	struct answer got;
	size_t got_len;
	char reason[160];
	struct net_lookup *waiting;
};

struct net_resolver {
	struct net_loop *loop;
	struct host *hosts;
	int jobs;
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
net_resolver_new(struct net_loop *l)
{
	struct net_resolver *r = calloc(1, sizeof(*r));

	if (r != NULL)
		r->loop = l;
	return r;
}

static void
host_free(struct host *h)
{
	if (h->task.fd >= 0)
		close(h->task.fd);
	if (h->pid > 0) {
		kill(h->pid, SIGKILL);
		waitpid(h->pid, NULL, 0);
	}
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

/* ---- the child ---- */

static void
child_ask(const char *name, int family, struct answer *a)
{
	struct addrinfo hints = { .ai_family = family,
	    .ai_socktype = SOCK_STREAM }, *res, *ai;
	struct net_addr na;
	int error;

	error = getaddrinfo(name, NULL, &hints, &res);
	if (error != 0) {
		if (a->reason[0] == '\0')
			snprintf(a->reason, sizeof(a->reason), "%s",
			    gai_strerror(error));
		return;
	}
	for (ai = res; ai != NULL && a->n < ADDRS; ai = ai->ai_next) {
		memcpy(&na.ss, ai->ai_addr, ai->ai_addrlen);
		a->addr[a->n].family = family;
		memcpy(a->addr[a->n].ip, family == AF_INET ?
		    (void *)&((struct sockaddr_in *)&na.ss)->sin_addr :
		    (void *)&((struct sockaddr_in6 *)&na.ss)->sin6_addr,
		    family == AF_INET ? 4 : 16);
		a->n++;
	}
	freeaddrinfo(res);
}

/* The child keeps no client's connection open. */
static void
close_others(int keep)
{
	int fd;

	if (keep != 3 && dup2(keep, 3) < 0)
		_exit(1);
#ifdef SYS_close_range
	if (syscall(SYS_close_range, 4U, ~0U, 0U) == 0)
		return;
#endif
	for (fd = 4; fd < 65536; fd++)
		close(fd);
}

static void
child(const char *name, int fd)
{
	struct answer a;

	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	close_others(fd);
	alarm(CHILD_S);
	memset(&a, 0, sizeof(a));
	child_ask(name, AF_INET, &a);
	if (a.n == 0)		/* a resolver may be slow to say there is none */
		child_ask(name, AF_INET6, &a);
	if (write(3, &a, sizeof(a)) != (ssize_t)sizeof(a))
		_exit(1);
	_exit(0);
}

/* ---- the parent ---- */

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

static void start_queued(struct net_resolver *);
static void host_start(struct host *);

static void
take_answer(struct host *h)
{
	const struct answer *a = &h->got;
	int i;

	h->r->jobs--;
	h->known = true;
	if (h->got_len != sizeof(*a) || a->n <= 0 || a->n > ADDRS) {
		/* Keep what an earlier lookup found: stale beats nothing. */
		h->until = net_now(h->r->loop) + RETRY_MS;
		snprintf(h->reason, sizeof(h->reason), "%.*s",
		    (int)sizeof(a->reason) - 1, h->got_len == sizeof(*a) &&
		    a->reason[0] != '\0' ? a->reason : "no answer");
	} else {
		h->until = net_now(h->r->loop) + FRESH_MS;
		h->n = (size_t)a->n;
		for (i = 0; i < a->n; i++) {
			struct net_addr *na = &h->addr[i];

			net_addr_parse(na, a->addr[i].family == AF_INET ?
			    "0.0.0.0" : "::", 0);
			if (a->addr[i].family == AF_INET)
				memcpy(&((struct sockaddr_in *)&na->ss)->
				    sin_addr, a->addr[i].ip, 4);
			else
				memcpy(&((struct sockaddr_in6 *)&na->ss)->
				    sin6_addr, a->addr[i].ip, 16);
		}
	}
	answer_all(h);
	start_queued(h->r);
}

static void
host_step(struct net_task *t, unsigned why)
{
	struct host *h = (struct host *)t;
	char *into = (char *)&h->got;
	ssize_t n = 0;

	(void)why;
	if (h->task.fd >= 0) {
		n = read(h->task.fd, into + h->got_len,
		    sizeof(h->got) - h->got_len);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n > 0)
			h->got_len += (size_t)n;
		if (n > 0 && h->got_len < sizeof(h->got))
			return;
		n = h->task.fd;
		net_task_watch(&h->task, -1, 0);
		close((int)n);
		take_answer(h);
	}
	if (h->pid > 0 && waitpid(h->pid, NULL, WNOHANG) == 0)
		net_task_deadline(&h->task, REAP_MS);
	else
		h->pid = 0;
	if (h->pid == 0 && h->queued)
		host_start(h);
}

static void
host_fail(struct host *h, const char *what)
{
	h->known = true;
	h->until = net_now(h->r->loop) + RETRY_MS;
	snprintf(h->reason, sizeof(h->reason), "%s: %s", what,
	    strerror(errno));
	answer_all(h);
}

static void
host_start(struct host *h)
{
	int fd[2];

	if (h->r->jobs >= JOBS || h->pid > 0) {
		h->queued = true;
		return;
	}
	h->queued = false;
	if (pipe2(fd, O_CLOEXEC) < 0) {
		host_fail(h, "pipe");
		return;
	}
	h->pid = fork();
	if (h->pid == 0)
		child(h->name, fd[1]);
	close(fd[1]);
	if (h->pid < 0) {
		close(fd[0]);
		h->pid = 0;
		host_fail(h, "fork");
		return;
	}
	fcntl(fd[0], F_SETFL, O_NONBLOCK);
	memset(&h->got, 0, sizeof(h->got));
	h->got_len = 0;
	h->r->jobs++;
	net_task_watch(&h->task, fd[0], NET_READ);
}

static void
start_queued(struct net_resolver *r)
{
	struct host *h;

	for (h = r->hosts; h != NULL && r->jobs < JOBS; h = h->next)
		if (h->queued)
			host_start(h);
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
	if (h->task.fd < 0)
		host_start(h);
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
