/*
 * net/seccomp.c - the system calls a worker may still make.
 *
 * Others fail with EPERM: whoever finds a way to run code in a worker cannot
 * open a file, start a program or a process, trace, or make memory executable.
 * They fail instead of ending the worker, so that a call which a future libc
 * makes costs an error, not transfers.
 */
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "process.h"

/* The kernel's headers are not among those of musl: linux/audit.h, seccomp.h
 * and filter.h. */
#if defined(__SANITIZE_ADDRESS__)
#define ARCH 0			/* its reports need files */
#elif defined(__x86_64__)
#define ARCH 0xc000003e
#elif defined(__aarch64__)
#define ARCH 0xc00000b7
#else
#define ARCH 0
#endif

#if ARCH == 0
int
net_seccomp(struct err *e)
{
	return err_set(e, "not made for this kind of machine");
}
#else
enum {
	MODE_FILTER = 2,
	ALLOW = 0x7fff0000,
	REFUSE = 0x00050000 | EPERM,
	/* in what the filter is shown; of an argument, the lower half */
	AT_CALL = 0, AT_ARCH = 4, AT_ARGUMENT_2 = 16 + 2 * 8
};

struct filter {
	uint16_t code;
	uint8_t skip_true, skip_false;
	uint32_t k;
};
struct program {
	unsigned short n;
	struct filter *filter;
};
#define LOAD(at)		{ 0x20, 0, 0, at }
#define JUMP(skip)		{ 0x05, 0, 0, skip }
#define EQUAL(k, yes, no)	{ 0x15, yes, no, k }
#define HAS(bits, yes, no)	{ 0x45, yes, no, bits }
#define RETURN(what)		{ 0x06, 0, 0, what }

/* The most frequent first. */
static const unsigned short allowed[] = {
	SYS_recvfrom, SYS_sendmsg, SYS_write, SYS_read,
#ifdef SYS_poll
	SYS_poll,
#endif
	SYS_ppoll, SYS_munmap, SYS_madvise, SYS_sendto, SYS_setsockopt,
	SYS_close, SYS_accept4, SYS_getrandom, SYS_socket, SYS_bind,
	SYS_listen, SYS_connect, SYS_getsockname, SYS_getsockopt,
	SYS_getpeername, SYS_shutdown, SYS_recvmsg, SYS_readv, SYS_writev,
	SYS_brk, SYS_mremap, SYS_fcntl, SYS_clock_gettime, SYS_gettimeofday,
	SYS_futex, SYS_lseek, SYS_eventfd2, SYS_dup3, SYS_getpid, SYS_gettid,
	SYS_tkill, SYS_tgkill, SYS_rt_sigprocmask, SYS_rt_sigaction,
	SYS_rt_sigreturn, SYS_restart_syscall, SYS_prlimit64, SYS_fstat,
	SYS_exit, SYS_exit_group,
#ifdef SYS_dup2
	SYS_dup2, SYS_time, SYS_getrlimit,
#endif
};

enum { CALLS = sizeof(allowed) / sizeof(allowed[0]) };

/* A filter of the allowed calls, as long as *n says.  What is not found is
 * refused; so are the calls of x32, which have numbers of their own. */
static void
make_filter(struct filter *f, unsigned short *n)
{
	static const struct filter begin[] = {
		LOAD(AT_ARCH),
		EQUAL(ARCH, 1, 0),
		RETURN(REFUSE),
		LOAD(AT_CALL),
	}, end[] = {
		EQUAL(SYS_mmap, 1, 0),
		EQUAL(SYS_mprotect, 0, 3),
		LOAD(AT_ARGUMENT_2),
		HAS(PROT_EXEC, 1, 0),
		RETURN(ALLOW),
		RETURN(REFUSE),
	};
	struct filter *p = f;
	size_t i;

	for (i = 0; i < sizeof(begin) / sizeof(begin[0]); i++)
		*p++ = begin[i];
	for (i = 0; i < CALLS; i++) {
		*p++ = (struct filter)EQUAL(allowed[i], 0, 1);
		*p++ = (struct filter)RETURN(ALLOW);
	}
	for (i = 0; i < sizeof(end) / sizeof(end[0]); i++)
		*p++ = end[i];
	*n = (unsigned short)(p - f);
}

int
net_seccomp(struct err *e)
{
	struct filter filter[2 * CALLS + 16];
	struct program program = { .filter = filter };

	make_filter(filter, &program.n);
	if (prctl(PR_SET_SECCOMP, MODE_FILTER, &program, 0, 0) < 0)
		return err_sys(e, "PR_SET_SECCOMP");
	return 0;
}
#endif
