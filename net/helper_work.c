/*
 * net/helper_work.c - a process beside a worker, for what may block or burn:
 * its own side.
 *
 * It is forked before the worker gives up its rights, and holds nothing but
 * its end of a socket pair.  Each job runs in a child of its own, which answers
 * on that socket; for one that did not the helper does.  The helper ends when
 * its worker has, and its children with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net_int.h"

enum {
	CHILD_S = 20,		/* a child lives no longer */
	NICE = 10		/* what burns: sessions go first */
};

static const struct kind {
	size_t (*work)(const void *in, void *out);
	bool burns;		/* the limit is of the processor's time */
} kinds[] = {
	[NET_JOB_RESOLVE] = { net_resolve_work, false },
	[NET_JOB_HASH] = { net_hash_work, true },
};

/* It keeps nothing of the worker's open. */
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
child(struct helper_message *m, pid_t parent)
{
	const struct kind *k = &kinds[m->kind];
	struct rlimit cpu = { CHILD_S, CHILD_S + 1 };
	struct helper_message out = { .slot = m->slot, .kind = m->kind };
	size_t n;

	signal(SIGTERM, SIG_DFL);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	if (!k->burns)
		alarm(CHILD_S);
	else if (setrlimit(RLIMIT_CPU, &cpu) < 0)
		_exit(1);
	else if (setpriority(PRIO_PROCESS, 0, NICE) < 0)
		errno = 0;		/* only a courtesy */
	n = helper_message_size(k->work(m->data, out.data));
	signal(SIGALRM, SIG_IGN);	/* one answer of each */
	signal(SIGXCPU, SIG_IGN);
	_exit(write(3, &out, n) != (ssize_t)n);
}

static void
answer_failure(int slot, int kind)
{
	struct helper_message out = { .slot = slot, .kind = kind,
	    .failed = true };

	if (write(3, &out, helper_message_size(0)) < 0)
		_exit(1);
}

static void
reap(pid_t *pid, const int *kind)
{
	int status, i;
	pid_t ended;

	while ((ended = waitpid(-1, &status, WNOHANG)) > 0) {
		for (i = 0; i < HELPER_JOBS && pid[i] != ended; i++)
			;
		if (i == HELPER_JOBS)
			continue;
		pid[i] = 0;
		if (status != 0)
			answer_failure(i, kind[i]);
	}
}

static void
on_child(int sig)
{
	(void)sig;		/* ends ppoll */
}

static void
serve(void)
{
	struct pollfd p = { .fd = 3, .events = POLLIN };
	struct sigaction sa = { .sa_handler = on_child };
	pid_t pid[HELPER_JOBS] = { 0 }, self = getpid();
	int kind[HELPER_JOBS];
	sigset_t chld, none;
	struct helper_message m;
	ssize_t n;

	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigaction(SIGCHLD, &sa, NULL);
	sigemptyset(&none);
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_SETMASK, &chld, NULL);
	for (;;) {
		reap(pid, kind);
		if (ppoll(&p, 1, NULL, &none) <= 0)
			continue;
		n = read(3, &m, sizeof(m));
		if (n <= (ssize_t)helper_message_size(0) || m.slot < 0 ||
		    m.slot >= HELPER_JOBS || m.kind < 0 || m.kind >= NET_JOB_KINDS)
			_exit(0);	/* the worker is gone */
		kind[m.slot] = m.kind;
		pid[m.slot] = fork();
		if (pid[m.slot] == 0)
			child(&m, self);
		if (pid[m.slot] < 0)
			answer_failure(m.slot, m.kind);
		tls_wipe(&m, sizeof(m));
	}
}

int
net_helper_fork(int (*first)(void *), void *ctx, struct err *e)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "socketpair");
	pid = fork();
	if (pid == 0) {
		if (first != NULL && first(ctx) < 0)
			_exit(1);
		close_others(pair[1]);
		serve();
	}
	close(pair[1]);
	if (pid < 0 || fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0) {
		err_sys(e, "fork the helper");
		close(pair[0]);
		return -1;
	}
	return pair[0];
}

/* ---- a password's hash ---- */

/* As HMAC takes it (RFC 2104 2): a longer key than a block is its digest. */
void
net_hash_key(struct net_hash *h, const char *password)
{
	size_t n = strlen(password);

	if (n > sizeof(h->key)) {
		tls_sha256(password, n, h->key);
		n = TLS_SHA256_LEN;
	} else {
		memcpy(h->key, password, n);
	}
	h->key_len = (uint8_t)n;
}

size_t
net_hash_work(const void *in, void *out)
{
	struct net_hash h;

	memcpy(&h, in, sizeof(h));
	tls_pbkdf2(h.key, h.key_len, h.salt, h.salt_len, h.iterations, out);
	tls_wipe(&h, sizeof(h));
	return TLS_SHA256_LEN;
}
