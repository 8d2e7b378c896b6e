/*
 * tests/t_sandbox.c - what net_harden() gives up, seen from a child that did.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../net/process.h"
#include "test.h"

static int
look(bool harden)
{
	struct rlimit core;
	struct err e = { "" };

	if (harden && net_harden(&e) < 0)
		return 0;
	getrlimit(RLIMIT_CORE, &core);
	return (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1) |
	    (core.rlim_cur == 0 && core.rlim_max == 0) << 1 |
	    (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0) << 2;
}

/* The exit status of a child, here of its own child: it must be inherited. */
static int
seen_by_child(void)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		int first = look(true);

		pid = fork();
		if (pid == 0)
			_exit(first & look(false));
		if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
			_exit(0);
		_exit(WEXITSTATUS(status));
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return 0;
	return WEXITSTATUS(status);
}

static void
test_no_dump_on_abort(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		struct err e;

		if (net_harden(&e) < 0)
			_exit(1);
		raise(SIGQUIT);
		_exit(2);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid &&
	    WIFSIGNALED(status) && WTERMSIG(status) == SIGQUIT &&
	    !WCOREDUMP(status), "ends by SIGQUIT without a core: %x", status);
}

#if defined(__x86_64__) || defined(__aarch64__)
#if !defined(__SANITIZE_ADDRESS__)
/* What a worker needs works, and what it does not need is refused. */
static int
limited(void)
{
	struct err e = { "" };
	int pair[2], status = 0;
	char c = 'x';
	void *p;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 ||
	    net_harden(&e) < 0 || net_seccomp(&e) < 0)
		return 0;
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	status |= p != MAP_FAILED && write(pair[0], &c, 1) == 1 &&
	    read(pair[1], &c, 1) == 1 &&
	    socket(AF_INET, SOCK_STREAM, 0) >= 0;
	status |= (open("/dev/null", O_RDONLY) < 0 && errno == EPERM) << 1;
	status |= (execl("/bin/true", "true", NULL) < 0 && errno == EPERM) << 2;
	status |= (fork() < 0 && errno == EPERM) << 3;
	status |= (mprotect(p, 4096, PROT_READ | PROT_EXEC) < 0 &&
	    errno == EPERM && mprotect(p, 4096, PROT_READ) == 0) << 4;
	status |= (mmap(NULL, 4096, PROT_READ | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED) << 5;
	status |= (kill(getpid(), 0) < 0 && errno == EPERM) << 6;
	return status;
}

static void
test_seccomp(void)
{
	int status = 0;
	pid_t pid;

	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0) {
		printf("# t_sandbox: no seccomp here\n");	/* qemu-user */
		return;
	}
	pid = fork();
	if (pid == 0)
		_exit(limited());
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid &&
	    WIFEXITED(status) && WEXITSTATUS(status) == 127,
	    "calls that are refused: %x", status);
}
#define HAVE_SECCOMP
#endif
#endif

int
main(void)
{
	int got = seen_by_child();

	CHECK(got & 1, "no new privileges");
	CHECK(got & 2, "no core dumps by limit");
#if !defined(__SANITIZE_ADDRESS__)
	CHECK(got & 4, "not dumpable");
#endif
	test_no_dump_on_abort();
#if defined(HAVE_SECCOMP)
	test_seccomp();
#endif
	return test_end("t_sandbox");
}
