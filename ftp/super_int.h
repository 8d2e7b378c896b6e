/*
 * ftp/super_int.h - what the supervisor, its workers and what both are made of
 * share: run.c (start), supervisor.c, generation.c, worker.c, server.c
 * (listeners) and share.c.
 */
#ifndef COSFTPD_SUPER_INT_H
#define COSFTPD_SUPER_INT_H

#include "../net/process.h"
#include "ftp.h"

/* ---- server.c: the listening sockets, made once for all workers ---- */
struct ftp_listeners {		/* -1: none */
	int plain;		/* AUTH TLS there, too */
	int implicit;		/* TLS from the first byte */
};
int ftp_listen(struct ftp_listeners *, const struct conf *, struct err *);
/* For another configuration: what did not change stays, nobody is refused. */
int ftp_listen_again(struct ftp_listeners *, const struct conf *,
    const struct ftp_listeners *from, const struct conf *old, struct err *);
void ftp_listeners_close(struct ftp_listeners *);
uint16_t ftp_listeners_port(const struct ftp_listeners *);

/* ---- share.c: sessions are counted over all workers ---- */
struct ftp_share;
struct ftp_share *ftp_share_new(int workers, int sessions, struct err *);
/* The supervisor says so of a worker that has ended. */
void ftp_share_forget(struct ftp_share *, int slot);
size_t ftp_share_sessions(const struct ftp_share *);	/* of all workers */

enum ftp_kind { FTP_LISTING, FTP_DOWNLOAD, FTP_UPLOAD, FTP_KINDS };
enum ftp_count {			/* of a slot, never less */
	FTP_CONNECTIONS,
	FTP_LOGIN_FAILURES,
	FTP_BEGUN,			/* transfers: of each kind */
	FTP_BROKEN = FTP_BEGUN + FTP_KINDS,
	FTP_BYTES = FTP_BROKEN + FTP_KINDS,
	FTP_COUNTS = FTP_BYTES + FTP_KINDS
};
void ftp_share_count(struct ftp_share *, int slot, int what, int64_t n);
void ftp_share_totals(const struct ftp_share *, int64_t total[FTP_COUNTS]);

/* What a session does, for others to see. */
struct ftp_doing {
	unsigned id;
	unsigned char peer[16];		/* net_addr_bytes */
	uint16_t port;
	bool tls, busy;			/* a command is carried out */
	int kind;			/* of a transfer; FTP_KINDS: none */
	int64_t since;			/* ms of the loop's clock */
	int64_t bytes, total;		/* -1: not known */
	char user[48], verb[9];
	char path[128];			/* its end, where it is longer */
};
/* The next session from *at on, which begins as 0; false: no more.  A look,
 * not a lock: it may be over by now. */
bool ftp_share_look(const struct ftp_share *, size_t *at, struct ftp_doing *);
void ftp_share_free(struct ftp_share *);

/* ---- xferlog.c: the log of transfers ---- */
struct ftp_xferlog {
	int fd;			/* -1: none is kept */
	bool torn;		/* the last line lacks its end */
	bool failing;		/* which was said */
};
/* Also again, by its name; -1: what was open stays in use. */
int ftp_xferlog_open(struct ftp_xferlog *, const struct conf *, struct err *);
void ftp_xferlog_take(struct ftp_xferlog *, int fd);	/* -1: close */

/* ---- limits.c: counted over all workers, and their deaths ---- */
struct ftp_limits;
struct ftp_limits *ftp_limits_new(struct err *);
void ftp_limits_free(struct ftp_limits *);

/* ---- worker.c: one process that serves ---- */
struct ftp_worker_settings {	/* all borrowed until ftp_worker_free */
	const struct conf *conf;
	struct log *log;
	struct ftp_listeners *listeners;	/* NULL: only to ask the store */
	const struct tls_identity *identity;	/* NULL: no FTPS */
	const struct tls_trust *trust;		/* NULL: no https to COS */
	struct cos_share *cos_share;
	struct ftp_share *ftp_share;
	struct ftp_xferlog *xferlog;
	const struct ftp_program *program;	/* -1: to say its status */
	struct ftp_limits *limits;
};
struct ftp_worker;
/* Takes helper, of net_helper_fork. */
struct ftp_worker *ftp_worker_new(const struct ftp_worker_settings *, int slot,
    int helper, struct err *);
/* Until `stop` says so (net_worker_hear), which begins the drain: no more
 * sessions are accepted, transfers are settled by policy, and after
 * drain_timeout the rest is dropped but for what the store is completing.
 * Told to retire, it ends when its last session has. */
int ftp_worker_serve(struct ftp_worker *, int stop, struct err *);
struct net_loop *ftp_worker_loop(struct ftp_worker *);
void ftp_worker_free(struct ftp_worker *);
/* The certificates trusted for https to COS; *t NULL: none needed. */
int ftp_load_trust(const struct conf *, struct tls_trust **t, struct err *);

/* ---- generation.c: a configuration, and what its workers are given ---- */
enum { FTP_GENERATIONS = 4 };	/* that have workers at once */
struct ftp_generation {
	struct conf *conf;		/* NULL: not in use */
	struct ftp_listeners listeners;
	struct tls_identity *identity;	/* NULL: no FTPS */
	struct tls_trust *trust;	/* NULL: no https to COS */
	struct ftp_worker_settings worker;	/* owns the log */
	struct ftp_xferlog xferlog;
	struct net_unix status;		/* of the one in use */
	struct net_jail jail;		/* what they become */
	int workers;
};

/* What all processes have in common; made before any is forked. */
struct ftp_program {
	const char *file;
	bool single;
	struct ftp_generation generation[FTP_GENERATIONS];
	struct ftp_generation *now;	/* takes new sessions */
	struct ftp_generation **of;	/* of each slot; NULL: free */
	int slots;
	struct cos_share *cos_share;
	struct ftp_share *ftp_share;
	struct ftp_limits *limits;
	int signals[2];
	const struct net_workers *workers;	/* NULL: one process */
	int deaths;			/* of workers */
	int64_t started;		/* ms of the loop's clock */
	int64_t start_time;		/* Unix seconds */
	struct ftp_status *status;	/* of the first process */
};

/* What a configuration needs but for the log and the listeners: 0, or an exit
 * status and *e filled. */
int ftp_generation_load(struct ftp_program *, struct ftp_generation *,
    struct err *);
/* From the file, ready for its workers; NULL: it is said why. */
struct ftp_generation *ftp_generation_new(struct ftp_program *);
void ftp_generation_none(struct ftp_generation *);	/* not in use */
void ftp_generation_free(struct ftp_generation *);
/* Makes status_socket, if there is one. */
int ftp_generation_status(struct ftp_generation *, struct err *);
/* g takes the place of p->now, and the status socket where it is the same. */
void ftp_generation_use(struct ftp_program *, struct ftp_generation *g);
/* Slots of g; NULL: free ones. */
int ftp_generation_slots(const struct ftp_program *,
    const struct ftp_generation *g);
void ftp_generation_say(const struct ftp_generation *, const char *what);

/* ---- resources.c ---- */
/* Does this machine have what the configuration can need?  -1: *e names both
 * numbers.  Of memory `before`, in use (NULL: none), has its share already.
 * Raises the limit of descriptors. */
int ftp_check_resources(const struct ftp_generation *,
    const struct ftp_generation *before, struct err *);

/* ---- run.c ---- */
void ftp_complain(const struct ftp_program *, const struct err *);
void ftp_notify(const struct ftp_program *, const char *text);
void ftp_say_ready(const struct ftp_program *);
int ftp_work(void *ctx, int slot, int stop);	/* in the worker */

/* ---- status.c: now is ms of the loop's clock ---- */
/* To a buffer of FTP_STATUS_MAX; what does not fit is counted. */
enum { FTP_STATUS_MAX = 4 * 1024 * 1024 };
void ftp_status_text(const struct ftp_program *, int64_t now,
    struct net_buf *);
void ftp_status_metrics(const struct ftp_program *, int64_t now,
    struct net_buf *);		/* Prometheus' text format 0.0.4 */
void ftp_status_log(const struct ftp_program *, int64_t now);

/* ---- status_socket.c: status_socket of the configuration in use ---- */
struct ftp_status *ftp_status_new(const struct ftp_program *,
    struct net_loop *, struct err *);
void ftp_status_watch(struct ftp_status *);	/* the socket is another */
void ftp_status_free(struct ftp_status *);

/* ---- supervisor.c ---- */
int ftp_supervise(struct ftp_program *, struct err *);	/* exit status */

#endif
