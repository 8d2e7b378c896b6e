/*
 * net/sandbox.c - what a process gives up for good before it serves.
 *
 * net_harden works for any user and passes to all processes that are forked
 * later: workers and helpers.  The jail is entered by each of them, and only
 * where root has started the program: an ordinary user has nothing to give up.
 */
#include <dirent.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "process.h"

/* The calls of the kernel: there are no threads to be told.  Numbers of 32
 * bits, which some machines have beside those of 16. */
#ifndef SYS_setresuid32
#define SYS_setgroups32 SYS_setgroups
#define SYS_setresgid32 SYS_setresgid
#define SYS_setresuid32 SYS_setresuid
#endif

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

/* Empty, and the user cannot change that. */
static int
check_dir(const struct net_jail *j, struct err *e)
{
	DIR *dir = opendir(j->dir);
	struct dirent *d;
	struct stat st;
	int n = 0, rc;

	if (dir == NULL)
		return err_sys(e, "chroot_dir = %s", j->dir);
	while ((d = readdir(dir)) != NULL)
		n += strcmp(d->d_name, ".") != 0 &&
		    strcmp(d->d_name, "..") != 0;
	rc = fstat(dirfd(dir), &st);
	closedir(dir);
	if (rc < 0)
		return err_sys(e, "chroot_dir = %s", j->dir);
	if (n > 0)
		return err_set(e, "chroot_dir = %s: not empty", j->dir);
	if (st.st_uid == j->uid || (st.st_mode & S_IWOTH) ||
	    (st.st_gid == j->gid && (st.st_mode & S_IWGRP)))
		return err_set(e, "chroot_dir = %s: run_as = %s may write "
		    "there", j->dir, j->user);
	return 0;
}

int
net_jail_check(const struct net_jail *j, struct err *e)
{
	if (j->dir != NULL && (j->user == NULL || geteuid() != 0))
		return err_set(e, "chroot_dir = %s: %s", j->dir, j->user != NULL
		    ? "only root may change the root directory" :
		    "needs run_as: root leaves any directory");
	if (j->dir != NULL)
		return check_dir(j, e);
	if (j->user != NULL && geteuid() != 0 &&
	    (getuid() != j->uid || getgid() != j->gid))
		return err_set(e, "run_as = %s: only root may become another "
		    "user", j->user);
	return 0;
}

int
net_jail_enter(const struct net_jail *j, bool dir, struct err *e)
{
	if (geteuid() != 0 || j->user == NULL)
		return 0;
	if (j->dir != NULL && dir && !SANITIZED && (chdir(j->dir) < 0 ||
	    chroot(".") < 0 || chdir("/") < 0))
		return err_sys(e, "chroot_dir = %s", j->dir);
	if (syscall(SYS_setgroups32, 0, NULL) < 0 ||
	    syscall(SYS_setresgid32, j->gid, j->gid, j->gid) < 0 ||
	    syscall(SYS_setresuid32, j->uid, j->uid, j->uid) < 0)
		return err_sys(e, "run_as = %s", j->user);
	if (syscall(SYS_setresuid32, -1, 0, -1) == 0 ||
	    syscall(SYS_setresgid32, -1, 0, -1) == 0 || geteuid() != j->uid)
		return err_set(e, "run_as = %s: root can be regained", j->user);
	if (SANITIZED && prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		return err_sys(e, "PR_SET_DUMPABLE");
	return 0;
}
