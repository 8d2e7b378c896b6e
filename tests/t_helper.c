/*
 * t_helper.c - the helper process: more jobs than places, those given up,
 * answers of both kinds, and its end.
 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../net/net.h"
#include "test.h"

enum { MANY = 30 };

static struct net_loop *loop;
static struct net_task owner;
static struct net_job *job[MANY];
static int wanted;

static int
done(void)
{
	int i, n = 0;

	for (i = 0; i < MANY; i++)
		n += job[i] != NULL && net_job_done(job[i]);
	return n;
}

static void
step(struct net_task *t, unsigned why)
{
	CHECK(!(why & NET_TIMEOUT), "%d of %d jobs are done", done(), wanted);
	if (done() >= wanted || (why & NET_TIMEOUT))
		net_loop_stop(t->loop);
}

static void
wait_for(int n)
{
	struct err e;

	wanted = n;
	net_task_deadline(&owner, 20000);
	net_task_wake(&owner);
	CHECK(net_loop_run(loop, &e) == 0, "loop");
}

static void
free_all(void)
{
	int i;

	for (i = 0; i < MANY; i++) {
		net_job_free(job[i]);
		job[i] = NULL;
	}
}

static struct net_job *
hash(struct net_helper *h, uint32_t iterations)
{
	struct net_hash in = { .iterations = iterations, .salt_len = 4,
	    .salt = "NaCl" };

	net_hash_key(&in, "Password");
	return net_job_new(h, NET_JOB_HASH, &in, sizeof(in), &owner);
}

static void
check_answer(const struct net_job *j)
{
	const char *reason;
	size_t n;
	const unsigned char *p = net_job_answer(j, &n, &reason);
	unsigned char want[TLS_SHA256_LEN];

	tls_pbkdf2("Password", 8, "NaCl", 4, 1000, want);
	CHECK(p != NULL && n == sizeof(want) && memcmp(p, want, n) == 0,
	    "the hash, or why not: %s", p != NULL ? "" : reason);
}

static void
test_queue(struct net_helper *h)
{
	int i;

	for (i = 0; i < MANY; i++)
		job[i] = hash(h, 1000);
	wait_for(MANY);
	for (i = 0; i < MANY; i++)
		check_answer(job[i]);
	free_all();
}

/* Under way or waiting: their places are free for others. */
static void
test_given_up(struct net_helper *h)
{
	int i;

	for (i = 0; i < MANY; i++)
		job[i] = hash(h, i < 6 ? 20000 : 1000);
	wait_for(1);
	for (i = 0; i < MANY; i += 2) {
		net_job_free(job[i]);
		job[i] = NULL;
	}
	wait_for(MANY / 2);
	for (i = 7; i < MANY; i += 2)
		check_answer(job[i]);
	free_all();
}

/* Names do not wait for hashes. */
static void
test_names_first(struct net_helper *h)
{
	const char *reason;
	size_t n;
	int i;

	for (i = 1; i < MANY; i++)
		job[i] = hash(h, 200000);
	job[0] = net_job_new(h, NET_JOB_RESOLVE, "127.0.0.1", 10, &owner);
	wait_for(1);
	CHECK(net_job_done(job[0]), "the name came first");
	CHECK(net_job_answer(job[0], &n, &reason) != NULL, "an answer");
	free_all();
}

static void
test_end_of_helper(struct net_helper *h, pid_t pid)
{
	const char *reason;
	size_t n;
	int i, status;

	for (i = 0; i < MANY - 1; i++)
		job[i] = hash(h, 10000000);
	wait_for(0);
	kill(pid, SIGKILL);
	CHECK(waitpid(pid, &status, 0) == pid, "it is dead");
	wait_for(MANY - 1);
	CHECK(!net_helper_alive(h), "and that is known");
	job[i] = hash(h, 1000);		/* one more, too late */
	wait_for(MANY);
	for (i = 0; i < MANY; i++) {
		CHECK(net_job_answer(job[i], &n, &reason) == NULL, "none");
		CHECK_STR(reason, "the helper process is gone", "why");
	}
	free_all();
}

static void
test_long_password(void)
{
	unsigned char a[TLS_SHA256_LEN], b[TLS_SHA256_LEN];
	struct net_hash in = { .iterations = 1000 };
	char text[200];
	size_t n;

	for (n = 60; n < 70; n++) {
		memset(text, 'x', n);
		text[n] = '\0';
		net_hash_key(&in, text);
		tls_pbkdf2(text, n, "", 0, 3, a);
		tls_pbkdf2(in.key, in.key_len, "", 0, 3, b);
		CHECK(memcmp(a, b, sizeof(a)) == 0, "%zu bytes", n);
	}
}

static int
say_pid(void *ctx)
{
	pid_t pid = getpid();

	return write(*(int *)ctx, &pid, sizeof(pid)) == sizeof(pid) ? 0 : -1;
}

int
main(void)
{
	struct net_helper *h;
	struct err e = { "" };
	int fd, tell[2];
	pid_t pid = 0;

	signal(SIGPIPE, SIG_IGN);
	CHECK(pipe(tell) == 0, "pipe");
	fd = net_helper_fork(say_pid, &tell[1], &e);
	CHECK(fd >= 0, "%s", e.text);
	CHECK(read(tell[0], &pid, sizeof(pid)) == sizeof(pid), "its pid");
	loop = net_loop_new(&e);
	net_task_init(&owner, loop, step);
	h = net_helper_new(loop, fd, &owner);
	test_queue(h);
	test_given_up(h);
	test_names_first(h);
	test_end_of_helper(h, pid);
	test_long_password();
	net_helper_free(h);
	net_task_end(&owner);
	net_loop_free(loop);
	return test_end("t_helper");
}
