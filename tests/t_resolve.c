/*
 * t_resolve.c - net/resolve.c with a helper and a clock of the test's: what is
 * known is used while the name servers are silent, and asked for all the same.
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../net/net_int.h"
#include "test.h"

enum { FRESH_S = 60 };

static struct net_loop *loop;
static struct net_task owner;
static struct net_resolver *resolver;
static int helper;			/* its end */
static time_t ahead;

/* In libc's place. */
int
clock_gettime(clockid_t clock, struct timespec *ts)
{
	(void)clock;
	timespec_get(ts, TIME_UTC);
	ts->tv_sec += ahead;
	return 0;
}

static void
step(struct net_task *t, unsigned why)
{
	if (why & NET_TIMEOUT)
		net_loop_stop(t->loop);
}

static void
run(void)
{
	struct err e;

	net_task_deadline(&owner, 5);
	CHECK(net_loop_run(loop, &e) == 0, "loop");
}

/* true: a question has come */
static bool
asked(struct helper_message *m)
{
	run();
	return read(helper, m, sizeof(*m)) > 0;
}

static void
answer(struct helper_message *m, bool good)
{
	size_t n = good ? net_resolve_work("127.0.0.1", m->data) : 0;

	m->failed = !good;
	n = helper_message_size(n);
	CHECK(write(helper, m, n) == (ssize_t)n, "answer");
	run();
}

static void
check(struct net_lookup *l, bool want, const char *when)
{
	size_t n = 0;

	CHECK(net_lookup_done(l) == want, "%s: done", when);
	CHECK(!want || (net_lookup_result(l, &n) != NULL && n == 1),
	    "%s: %zu addresses", when, n);
}

static struct net_lookup *
look(void)
{
	return net_lookup_new(resolver, "store.test", 80, &owner);
}

static void
test_silent_servers(void)
{
	struct net_lookup *a = look(), *b;
	struct helper_message m;

	CHECK(asked(&m), "the first question");
	check(a, false, "the first");
	answer(&m, true);
	check(a, true, "the first");
	net_lookup_free(a);
	ahead += FRESH_S + 1;
	run();
	a = look();
	CHECK(asked(&m), "when it is old");
	check(a, false, "perhaps it has moved");
	answer(&m, false);
	check(a, true, "what was known");
	net_lookup_free(a);
	ahead++;
	run();
	a = look();
	check(a, true, "at once now");
	CHECK(asked(&m), "and again");
	b = look();
	check(b, true, "while it is asked");
	net_lookup_free(a);
	net_lookup_free(b);
	answer(&m, true);
	ahead += FRESH_S + 1;
	run();
	a = look();
	check(a, false, "after an answer all is as before");
	net_lookup_free(a);
}

int
main(void)
{
	struct err e = { "" };
	struct net_helper *h;
	int pair[2];

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0, "pair");
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	fcntl(pair[1], F_SETFL, O_NONBLOCK);
	helper = pair[1];
	loop = net_loop_new(&e);
	net_task_init(&owner, loop, step);
	h = net_helper_new(loop, pair[0], &owner);
	resolver = net_resolver_new(loop, h);
	test_silent_servers();
	net_resolver_free(resolver);
	net_helper_free(h);
	net_task_end(&owner);
	net_loop_free(loop);
	close(helper);
	return test_end("t_resolve");
}
