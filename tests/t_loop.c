/*
 * tests/t_loop.c - net/loop.c: deadlines, wake-ups and their order, tasks
 * that end themselves or each other inside a step.
 */
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../net/net_int.h"
#include "test.h"

enum { MANY = 500, TRACE = 4096 };

static struct net_loop *loop;
static char trace[TRACE];		/* a letter for each step */
static size_t ntrace;

struct actor {
	struct net_task task;
	char name;
	unsigned why;			/* of all steps */
	int steps, left;		/* left: wake myself that often */
	struct actor *wakes, *ends;	/* in my step */
	bool end_self, stop;
};

static void
step(struct net_task *t, unsigned why)
{
	struct actor *a = (struct actor *)t;

	if (ntrace + 1 < TRACE)
		trace[ntrace++] = a->name;
	trace[ntrace] = '\0';
	a->steps++;
	a->why |= why;
	if (a->wakes != NULL)
		net_task_wake(&a->wakes->task);
	if (a->ends != NULL)
		net_task_end(&a->ends->task);
	if (a->left > 0) {
		a->left--;
		net_task_wake(t);
	}
	if (a->stop)
		net_loop_stop(loop);
	if (a->end_self)
		net_task_end(t);
}

static void
actor(struct actor *a, char name)
{
	memset(a, 0, sizeof(*a));
	net_task_init(&a->task, loop, step);
	a->name = name;
}

static void
run(void)
{
	struct err e = { "" };

	CHECK(net_loop_run(loop, &e) == 0, "loop: %s", e.text);
}

static void
begin(void)
{
	struct err e;

	loop = net_loop_new(&e);
	ntrace = 0;
	trace[0] = '\0';
}

/* Runs until ms have passed; a deadline is measured from this turn. */
static int64_t
run_for(int64_t ms)
{
	struct actor end;
	int64_t start = net_now(loop);

	actor(&end, '.');
	end.stop = true;
	net_task_deadline(&end.task, ms);
	run();
	net_task_end(&end.task);
	return net_now(loop) - start;
}

static void
test_deadline_order(void)
{
	static const int ms[] = { 30, 10, 20, 0, 25 };
	struct actor a[5];
	size_t i;

	begin();
	for (i = 0; i < 5; i++) {
		actor(&a[i], (char)('a' + i));
		net_task_deadline(&a[i].task, ms[i]);
	}
	CHECK(run_for(40) >= 40, "no deadline is early");
	CHECK_STR(trace, "dbcea.", "least deadline first");
	for (i = 0; i < 5; i++) {
		CHECK(a[i].why == NET_TIMEOUT && a[i].steps == 1,
		    "one time-out, then cleared");
		net_task_end(&a[i].task);
	}
	net_loop_free(loop);
}

static void
test_deadline_changes(void)
{
	struct actor a, b, c;

	begin();
	actor(&a, 'a');
	actor(&b, 'b');
	actor(&c, 'c');
	net_task_deadline(&a.task, 1);
	net_task_deadline(&b.task, 2);
	net_task_deadline(&c.task, 5000);
	net_task_deadline(&a.task, -1);		/* taken back */
	net_task_deadline(&a.task, -1);
	net_task_deadline(&b.task, 5000);	/* later */
	net_task_deadline(&c.task, 3);		/* sooner */
	run_for(20);
	CHECK_STR(trace, "c.", "changed deadlines");
	net_task_end(&b.task);
	net_task_end(&a.task);
	net_task_end(&a.task);			/* again: nothing */
	net_task_end(&c.task);
	net_loop_free(loop);
}

static void
test_many_deadlines(void)
{
	static struct actor a[MANY];
	size_t i;

	begin();
	for (i = 0; i < MANY; i++) {
		actor(&a[i], 'x');
		net_task_deadline(&a[i].task, (int64_t)(i * 7919 % 41));
	}
	for (i = 0; i < MANY; i += 3)		/* from anywhere in the heap */
		net_task_end(&a[i].task);
	run_for(50);
	for (i = 0; i < MANY; i++) {
		CHECK(a[i].steps == (i % 3 != 0), "task %zu: %d steps", i,
		    a[i].steps);
		net_task_end(&a[i].task);
	}
	CHECK(ntrace == MANY - (MANY + 2) / 3 + 1, "%zu steps",
	    ntrace);
	net_loop_free(loop);
}

static void
test_wake_order(void)
{
	struct actor a, b, c;

	begin();
	actor(&a, 'a');
	actor(&b, 'b');
	actor(&c, 'c');
	net_task_wake(&b.task);
	net_task_wake(&a.task);
	net_task_wake(&b.task);		/* once is enough */
	net_task_wake(&c.task);
	net_task_wake(NULL);
	b.wakes = &a;			/* a is still to come: not twice */
	c.wakes = &b;			/* b is over: in the next round */
	run_for(5);
	CHECK_STR(trace, "bacba.", "first woken, first stepped");
	CHECK(a.why == NET_WOKEN, "woken and nothing else");
	net_task_end(&a.task);
	net_task_end(&b.task);
	net_task_end(&c.task);
	net_loop_free(loop);
}

/* Who always wakes itself must not keep poll() from the others. */
static void
test_no_starving(void)
{
	struct actor busy, reader;
	int fd[2];

	begin();
	actor(&busy, 'b');
	actor(&reader, 'r');
	busy.left = 1000;
	reader.stop = true;
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0, "socketpair");
	CHECK(write(fd[1], "x", 1) == 1, "write");
	net_task_watch(&reader.task, fd[0], NET_READ);
	net_task_wake(&busy.task);
	run();
	CHECK(reader.steps == 1 && (reader.why & NET_READ), "reader stepped");
	CHECK(busy.steps < 100, "after %d steps of another", busy.steps);
	net_task_end(&busy.task);
	net_task_end(&reader.task);
	close(fd[0]);
	close(fd[1]);
	net_loop_free(loop);
}

static void
test_end_inside_step(void)
{
	struct actor a, b, c, d;

	begin();
	actor(&a, 'a');
	actor(&b, 'b');
	actor(&c, 'c');
	actor(&d, 'd');
	a.ends = &b;			/* marked, behind it */
	c.ends = &d;			/* woken, with a deadline */
	c.end_self = true;
	c.wakes = &a;
	net_task_wake(&a.task);
	net_task_wake(&b.task);
	net_task_wake(&c.task);
	net_task_wake(&d.task);
	net_task_deadline(&d.task, 1);
	net_task_deadline(&c.task, 1);
	run_for(10);
	CHECK_STR(trace, "aca.", "the ended are not stepped");
	net_task_wake(&b.task);		/* an ended task: nothing happens */
	CHECK(b.steps == 0 && d.steps == 0 && c.steps == 1, "steps");
	net_task_end(&a.task);
	net_loop_free(loop);
}

static void
test_end_self_while_waking(void)
{
	struct actor a;

	begin();
	actor(&a, 'a');
	a.left = 1;			/* woken again, then ended */
	a.end_self = true;
	net_task_wake(&a.task);
	run_for(5);
	CHECK_STR(trace, "a.", "ended although woken");
	net_loop_free(loop);
}

static void
test_descriptors(void)
{
	struct actor a, b;
	int one[2], two[2];
	char c;

	begin();
	actor(&a, 'a');
	actor(&b, 'b');
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, one) == 0 &&
	    socketpair(AF_UNIX, SOCK_STREAM, 0, two) == 0, "socketpair");
	net_task_watch(&a.task, one[0], NET_READ);
	net_task_watch(&b.task, two[0], NET_READ);
	run_for(5);
	CHECK_STR(trace, ".", "nothing to read");
	net_task_watch(&a.task, one[0], NET_WRITE);
	a.stop = true;
	run();
	CHECK(a.why == NET_WRITE, "room to write");
	net_task_watch(&a.task, one[0], 0);	/* no interest, not polled */
	CHECK(write(one[1], "x", 1) == 1 && write(two[1], "y", 1) == 1,
	    "write");
	b.stop = true;
	run();
	CHECK(a.steps == 1 && b.why == NET_READ, "only who asks is stepped");
	CHECK(read(two[0], &c, 1) == 1 && c == 'y', "read");
	b.why = 0;
	close(two[1]);
	run();
	CHECK(b.why & NET_READ, "the end is something to read");
	net_task_end(&a.task);
	net_task_end(&b.task);
	close(one[0]);
	close(one[1]);
	close(two[0]);
	net_loop_free(loop);
}

/* ---- who works long does not go on before poll() has told who waits ---- */

struct busy {
	struct net_task task;
	int fd, steps;
};

static void
work(void)
{
	struct timespec from, now;

	clock_gettime(CLOCK_MONOTONIC, &from);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while ((now.tv_sec - from.tv_sec) * 1000 +
	    (now.tv_nsec - from.tv_nsec) / 1000000 < 4);
}

static void
busy_step(struct net_task *t, unsigned why)
{
	struct busy *b = (struct busy *)t;

	(void)why;
	if (b->steps++ == 0)
		CHECK(write(b->fd, "x", 1) == 1, "write");
	work();
	if (b->steps < 8)
		net_task_wake(t);
}

static void
test_long_steps(void)
{
	struct busy busy = { .steps = 0 };
	struct actor reader;
	int fd[2];

	begin();
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0, "socketpair");
	net_task_init(&busy.task, loop, busy_step);
	busy.fd = fd[1];
	net_task_wake(&busy.task);
	actor(&reader, 'r');
	reader.stop = true;
	net_task_watch(&reader.task, fd[0], NET_READ);
	run();
	CHECK(busy.steps <= 2, "%d long steps before who waits", busy.steps);
	net_task_end(&busy.task);
	net_task_end(&reader.task);
	close(fd[0]);
	close(fd[1]);
	net_loop_free(loop);
}

/* ---- of many long steps each turn has one, whatever else there is ---- */

static void
long_step(struct net_task *t, unsigned why)
{
	struct actor *a = (struct actor *)t;

	if (net_task_postpone(t, why))
		return;
	work();
	trace[ntrace++] = a->name;
	trace[ntrace] = '\0';
	a->why |= why;
	if (a->stop)
		net_loop_stop(loop);
}

static void
test_postponed(void)
{
	struct busy busy = { .steps = 1 };
	struct actor a[4], one;
	size_t i;

	begin();
	for (i = 0; i < 4; i++) {
		actor(&a[i], (char)('a' + i));
		a[i].task.step = long_step;
		net_task_wake(&a[i].task);
	}
	a[3].stop = true;
	actor(&one, '.');
	one.left = 2;
	net_task_wake(&one.task);
	run();
	CHECK_STR(trace, "a.b.c.d", "others between long steps");
	CHECK(a[3].why == NET_WOKEN, "the reason is kept");
	net_task_init(&busy.task, loop, busy_step);	/* makes turns late */
	net_task_wake(&busy.task);
	net_task_wake(&a[3].task);
	run();
	CHECK(busy.steps <= 3, "%d long steps before a postponed one",
	    busy.steps);
	net_task_end(&busy.task);
	net_loop_free(loop);
}

int
main(void)
{
	test_deadline_order();
	test_deadline_changes();
	test_many_deadlines();
	test_wake_order();
	test_no_starving();
	test_end_inside_step();
	test_end_self_while_waking();
	test_descriptors();
	test_long_steps();
	test_postponed();
	return test_end("t_loop");
}
