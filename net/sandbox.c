/*
 * net/sandbox.c - what a process gives up for good before it serves.
 *
 * Works for any user.  What is given up here passes to all processes that are
 * forked later: workers and helpers.
 */
#include <sys/prctl.h>
#include <sys/resource.h>

#include "process.h"

#if defined(__SANITIZE_ADDRESS__)
enum { SANITIZED = 1 };		/* its search for leaks traces the process */
#else
enum { SANITIZED = 0 };
#endif

int
net_harden(struct err *e)
{
	const struct rlimit none = { 0, 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, "no_new_privs");
	if (setrlimit(RLIMIT_CORE, &none) < 0)
		return err_sys(e, "limit of core dumps");
	/* the limit does not hold where core_pattern names a program */
	if (!SANITIZED && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(e, "PR_SET_DUMPABLE");
	return 0;
}
