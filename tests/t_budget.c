/*
 * tests/t_budget.c - cos/budget.c and share.c: memory granted in the order it
 * was asked for, within a worker and between two; what the dead held is free.
 */
#include <unistd.h>

#include "../cos/download_int.h"
#include "../cos/share_int.h"
#include "test.h"

enum { LIMIT = 100 };

static struct net_loop *loop;
static struct net_task idle;		/* ends a run when nothing is left */
static struct net_task client;		/* owner of all reservations */
static int woken;

static void
stop(struct net_task *t, unsigned why)
{
	(void)t;
	(void)why;
	net_loop_stop(loop);
}

static void
count(struct net_task *t, unsigned why)
{
	(void)t;
	(void)why;
	woken++;
}

/* Lets all bells ring and all tasks run. */
static void
run(void)
{
	struct err e;

	net_task_deadline(&idle, 5);
	CHECK(net_loop_run(loop, &e) == 0, "loop: %s", e.text);
}

static void
one_worker(void)
{
	struct cos_share *s = cos_share_new(1, 1, NULL);
	struct cos_budget *b = cos_budget_new(loop, s, 0, LIMIT);
	struct cos_reserve r[4] = { { .owner = &client }, { .owner = &client },
	    { .owner = &client }, { .owner = &client } };

	CHECK(cos_budget_ask(b, &r[0], 60), "the first is granted");
	CHECK(!cos_budget_ask(b, &r[1], 50), "the second waits");
	CHECK(!cos_budget_ask(b, &r[2], 10), "the third does not overtake");
	CHECK(cos_budget_pressed(b), "somebody waits");
	CHECK(!cos_budget_try(b, 1), "readers get nothing meanwhile");
	cos_budget_give(b, 20);
	CHECK(r[1].granted && r[2].granted, "both, when there is room");
	CHECK(s->slot[0].held == 100, "held %lld",
	    (long long)s->slot[0].held);
	CHECK(!cos_budget_pressed(b), "nobody waits");
	CHECK(!cos_budget_ask(b, &r[3], 90), "the fourth waits");
	cos_budget_cancel(b, &r[3]);
	CHECK(!cos_budget_pressed(b), "a cancelled one does not");
	cos_budget_give(b, 100);
	CHECK(cos_budget_try(b, 75), "a reader may have three quarters");
	CHECK(!cos_budget_try(b, 1), "and not more");
	cos_budget_give(b, 75);
	CHECK(s->slot[0].held == 0, "all is back");
	cos_budget_free(b);
	cos_share_free(s);
}

static void
two_workers(void)
{
	struct cos_share *s = cos_share_new(2, 2, NULL);
	struct cos_budget *a = cos_budget_new(loop, s, 0, LIMIT);
	struct cos_budget *b = cos_budget_new(loop, s, 1, LIMIT);
	struct cos_reader reader;
	struct cos_reserve r[4] = { { .owner = &client }, { .owner = &client },
	    { .owner = &client }, { .owner = &client } };

	CHECK(cos_budget_ask(a, &r[0], 70), "a takes 70");
	CHECK(!cos_budget_ask(b, &r[1], 40), "b waits for 40");
	CHECK(!cos_budget_ask(a, &r[2], 20), "a does not overtake b");
	CHECK(cos_budget_pressed(a), "a knows of b");
	woken = 0;
	cos_budget_reader(a, &reader, &client);
	run();
	CHECK(woken > 0, "a's readers are told");
	cos_budget_reader_end(a, &reader);
	cos_budget_give(a, 20);
	CHECK(!r[2].granted, "not a's turn");
	run();
	CHECK(r[1].granted, "b had its turn");
	CHECK(!r[2].granted, "a waits for 20");
	cos_budget_give(b, 10);
	run();
	CHECK(r[2].granted, "a is rung");
	CHECK(s->slot[0].held + s->slot[1].held == LIMIT, "all is taken");
	CHECK(!cos_budget_ask(b, &r[3], 60), "b waits for 60");
	cos_budget_free(a);
	cos_share_forget(s, 0);		/* a's worker died, with 70 held */
	run();
	CHECK(r[3].granted, "what it held is free");
	CHECK(s->slot[0].held == 0 && s->slot[1].held == 90, "counted");
	cos_budget_free(b);
	cos_share_free(s);
}

/* Who was waited for is served: what is left may do for the next already. */
static void
turn_passes_on(void)
{
	struct cos_share *s = cos_share_new(2, 2, NULL);
	struct cos_budget *a = cos_budget_new(loop, s, 0, LIMIT);
	struct cos_budget *b = cos_budget_new(loop, s, 1, LIMIT);
	struct cos_reserve r[3] = { { .owner = &client }, { .owner = &client },
	    { .owner = &client } };

	CHECK(cos_budget_ask(a, &r[0], 70), "a takes 70");
	CHECK(!cos_budget_ask(b, &r[1], 40), "b waits for 40");
	CHECK(!cos_budget_ask(a, &r[2], 10), "a waits behind b");
	run();
	cos_budget_give(a, 20);
	run();
	CHECK(r[1].granted, "b has 40");
	CHECK(r[2].granted, "a has the 10 that are left");
	cos_budget_free(a);
	cos_budget_free(b);
	cos_share_free(s);
}

static void
dead_first_in_line(void)
{
	struct cos_share *s = cos_share_new(2, 2, NULL);
	struct cos_budget *a = cos_budget_new(loop, s, 0, LIMIT);
	struct cos_budget *b = cos_budget_new(loop, s, 1, LIMIT);
	struct cos_reserve r[3] = { { .owner = &client }, { .owner = &client },
	    { .owner = &client } };

	CHECK(cos_budget_ask(b, &r[0], 50), "b takes 50");
	CHECK(!cos_budget_ask(a, &r[1], 90), "a waits for 90");
	CHECK(!cos_budget_ask(b, &r[2], 10), "b waits behind a");
	cos_budget_free(a);
	cos_share_forget(s, 0);
	run();
	CHECK(r[2].granted, "the dead hold up nobody");
	cos_budget_free(b);
	cos_share_free(s);
}

static struct cos_live_seen
look(const struct cos_share *s, const struct cos_bucket *b, const char *id)
{
	struct cos_live_seen seen;

	cos_live_look(s, b, "k", id, &seen);
	return seen;
}

static void
uploads(void)
{
	struct cos_share *s = cos_share_new(2, 2, NULL);
	char host[] = "b.cos.localhost", other[] = "c.cos.localhost";
	struct cos_bucket b = { .host = host }, c = { .host = other };
	struct cos_live *x, *y, *z;

	x = cos_live_new(s, 0, &b, "k", true);
	CHECK(!cos_live_contended(s, x), "alone");
	y = cos_live_new(s, 1, &b, "k", true);
	CHECK(cos_live_contended(s, x) && cos_live_contended(s, y),
	    "two build on one object");
	z = cos_live_new(s, 1, &c, "k", true);
	CHECK(!cos_live_contended(s, z), "another bucket");
	cos_live_free(z);
	z = cos_live_new(s, 0, &b, "k", false);
	cos_live_free(y);
	CHECK(!cos_live_contended(s, x), "a plain upload does not count");
	CHECK(!look(s, &b, "id1").ours && !look(s, &b, "id1").waiting,
	    "no id yet");
	x->state = LIVE_SENT;
	CHECK(look(s, &b, "id1").waiting, "it may be this one");
	CHECK(!look(s, &c, "id1").waiting, "in this bucket only");
	x->state = LIVE_LOST;
	CHECK(look(s, &b, "id1").lost == 1 && !look(s, &b, "id1").waiting,
	    "nor is it waited for any more");
	strcpy(x->id, "id1");
	x->state = LIVE_HAVE;
	CHECK(look(s, &b, "id1").ours, "it is");
	CHECK(!look(s, &b, "id2").ours, "and no other");
	cos_share_forget(s, 0);
	CHECK(x->state == LIVE_DEAD, "kept for the successor");
	CHECK(z->state == LIVE_FREE, "nothing was begun");
	CHECK(!look(s, &b, "id1").ours, "nobody's any more");
	CHECK(look(s, &b, "id1").lost == 0, "but it has its id");
	x->id[0] = '\0';
	CHECK(look(s, &b, "id1").lost == 1, "this one has none");
	x->state = LIVE_SENT;
	strcpy(x->id, "id");
	cos_share_forget(s, 0);		/* killed while it wrote "id1" */
	CHECK(x->state == LIVE_DEAD && x->id[0] == '\0' &&
	    look(s, &b, "id1").lost == 1, "half an id is none");
	cos_share_free(s);
}

static void
full_table(void)
{
	struct cos_share *s = cos_share_new(1, 1, NULL);
	char host[] = "b.cos.localhost";
	struct cos_bucket b = { .host = host };
	struct cos_live *l = NULL;
	int i;

	for (i = 0; i < COS_LIVE_MAX; i++)
		l = cos_live_new(s, 0, &b, "k", false);
	CHECK(l != NULL, "the last one");
	CHECK(cos_live_new(s, 0, &b, "k", false) == NULL, "one too many");
	cos_live_free(l);
	CHECK(cos_live_new(s, 0, &b, "k", false) == l, "a free one");
	cos_share_free(s);
}

int
main(void)
{
	struct err e;

	loop = net_loop_new(&e);
	net_task_init(&idle, loop, stop);
	net_task_init(&client, loop, count);
	one_worker();
	two_workers();
	turn_passes_on();
	dead_first_in_line();
	uploads();
	full_table();
	net_task_end(&client);
	net_task_end(&idle);
	net_loop_free(loop);
	return test_end("t_budget");
}
