/*
 * net/process.h - a supervisor's workers, and memory they share.
 *
 * The supervisor forks each worker with one end of a socket pair.  A worker
 * says on it that it is ready; words tell it to retire or to log elsewhere; its
 * end of file, which also comes when the supervisor is gone, to stop now.
 * Workers have a session of their own (setsid), so that a terminal's signals
 * reach the supervisor only.
 */
#ifndef COSFTPD_PROCESS_H
#define COSFTPD_PROCESS_H

#include "net.h"

/* Zeroed memory, shared with whoever is forked later; pages cost nothing
 * until they are written to. */
void *net_shared_new(size_t bytes, struct err *e);
void net_shared_free(void *, size_t bytes);

/* A wake-up from one process to another, made before they part; level: it
 * stays rung until it is heard. */
int net_bell_new(struct err *e);	/* a descriptor to watch for NET_READ */
void net_bell_ring(int bell);
void net_bell_hear(int bell);

/* Tells the service manager, where there is one (NOTIFY_SOCKET), never
 * waiting. */
int net_notify(const char *text, struct err *e);
int64_t net_notify_every(void);	/* ms, half of the watchdog's; 0: none */

struct net_workers;
enum net_worker_state {
	NET_WORKER_NONE,	/* the slot is free */
	NET_WORKER_STARTING,
	NET_WORKER_READY,
	NET_WORKER_CRIPPLED,	/* it serves, and should be replaced */
	NET_WORKER_RETIRING,	/* told so: serves who it has, takes no more */
	NET_WORKER_ENDED,	/* status is that of waitpid() */
	NET_WORKER_RESTING	/* ended young: soon to be started again; in
				 * the news: that has failed */
};
struct net_worker_news {
	int slot;
	bool retiring;		/* was told so before it ended */
	pid_t pid;
	enum net_worker_state state;
	int status;
	const char *why;	/* it cannot be started */
};

/* body runs in the child, with signals at their defaults but for SIGINT,
 * SIGTERM, SIGHUP and SIGUSR1, which are ignored; what it returns is the exit status.  ctx and
 * owner are borrowed. */
struct net_workers *net_workers_new(struct net_loop *, int n,
    int (*body)(void *ctx, int slot, int control), void *ctx,
    struct net_task *owner, struct err *e);
enum net_worker_state net_workers_state(const struct net_workers *, int slot);
/* Forks the worker of a slot, one that retires again if it did so; after its
 * end in youth only after a pause that doubles (a tenth of a second to ten).
 * -1: fork failed, *e filled. */
int net_workers_start(struct net_workers *, int slot, struct err *e);
/* What has changed since the last call, one by one; the owner is woken for
 * it.  SIGCHLD is the owner's: it says so by net_workers_reap. */
bool net_workers_news(struct net_workers *, struct net_worker_news *);
void net_workers_reap(struct net_workers *);
/* Of one that ended: the slot is free for others. */
void net_workers_release(struct net_workers *, int slot);
void net_workers_retire(struct net_workers *, int slot);
void net_workers_log(struct net_workers *, int slot, int fd);
void net_workers_xferlog(struct net_workers *, int slot, int fd);
void net_workers_drain(struct net_workers *);	/* and start none again */
/* -1: one may not be killed, *e filled (a root without CAP_KILL, as in a
 * container). */
int net_workers_kill(struct net_workers *, struct err *e);
size_t net_workers_alive(const struct net_workers *);
void net_workers_free(struct net_workers *);

/* In the worker: ready to serve; without its helper; the next word. */
void net_worker_ready(int control);
void net_worker_crippled(int control);
enum net_word {
	NET_WORD_NONE,		/* not yet */
	NET_WORD_RETIRE,
	NET_WORD_LOG,		/* *fd is the file to log to, the caller's */
	NET_WORD_XFERLOG,	/* the same, of the log of transfers */
	NET_WORD_STATUS,	/* -1: SIGUSR1 came */
	NET_WORD_STOP		/* also: the end of file */
};
/* control may be the pipe of signals, where there is no supervisor. */
enum net_word net_worker_hear(int control, int *fd);

/* For good, here and in whatever is forked later: no new privileges, no core
 * dumps, and no tracing by the same user (memory holds keys). */
int net_harden(struct err *e);

/* What processes that serve become. */
struct net_jail {
	const char *user;	/* run_as, NULL: as we are */
	uid_t uid;		/* never 0 with a user */
	gid_t gid;
	const char *dir;	/* chroot_dir, NULL: none */
};
/* -1: it cannot be entered, or would not hold. */
int net_jail_check(const struct net_jail *, struct err *e);
/* For good.  dir is left out where files must still be read. */
int net_jail_enter(const struct net_jail *, bool dir, struct err *e);
/* For good: no system calls but those of a process that serves (seccomp.c),
 * x86-64 and arm64.  After net_harden.  -1: not here, *e says why. */
int net_seccomp(struct err *e);

#endif
