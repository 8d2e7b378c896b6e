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
void ftp_share_free(struct ftp_share *);

/* ---- worker.c: one process that serves ---- */
struct ftp_worker_settings {	/* all borrowed until ftp_worker_free */
	const struct conf *conf;
	struct log *log;
	struct ftp_listeners *listeners;	/* NULL: only to ask the store */
	const struct tls_identity *identity;	/* NULL: no FTPS */
	const struct tls_trust *trust;		/* NULL: no https to COS */
	struct cos_share *cos_share;
	struct ftp_share *ftp_share;
};
struct ftp_worker;
struct ftp_worker *ftp_worker_new(const struct ftp_worker_settings *, int slot,
    struct err *);
/* Until `stop` says so (net_worker_hear), which begins the drain: no more
 * sessions are accepted, transfers are settled by policy, and after
 * drain_timeout the rest is dropped but for what the store is completing.
 * Told to retire, it ends when its last session has. */
int ftp_worker_serve(struct ftp_worker *, int stop, struct err *);
void ftp_worker_free(struct ftp_worker *);
/* The certificates trusted for https to COS; *t NULL: none needed. */
int ftp_load_trust(const struct conf *, struct tls_trust **t, struct err *);

/* ---- resources.c ---- */
/* Does this machine have what the configuration can need?  -1: *e names both
 * numbers.  Raises the limit of descriptors. */
int ftp_check_resources(const struct conf *, int workers, struct err *);

/* ---- generation.c: a configuration, and what its workers are given ---- */
enum { FTP_GENERATIONS = 4 };	/* that have workers at once */
struct ftp_generation {
	struct conf *conf;		/* NULL: not in use */
	struct ftp_listeners listeners;
	struct tls_identity *identity;	/* NULL: no FTPS */
	struct tls_trust *trust;	/* NULL: no https to COS */
	struct ftp_worker_settings worker;	/* owns the log */
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
	int signals[2];
};

/* What a configuration needs but for the log and the listeners: 0, or an exit
 * status and *e filled. */
int ftp_generation_load(struct ftp_program *, struct ftp_generation *,
    struct err *);
/* From the file, ready for its workers; NULL: it is said why. */
struct ftp_generation *ftp_generation_new(struct ftp_program *);
void ftp_generation_free(struct ftp_generation *);
/* Slots of g; NULL: free ones. */
int ftp_generation_slots(const struct ftp_program *,
    const struct ftp_generation *g);
void ftp_generation_say(const struct ftp_generation *, const char *what);

/* ---- run.c ---- */
void ftp_complain(const struct ftp_program *, const struct err *);
void ftp_notify(const struct ftp_program *, const char *text);
void ftp_say_ready(const struct ftp_program *);
int ftp_work(void *ctx, int slot, int stop);	/* in the worker */

/* ---- supervisor.c ---- */
int ftp_supervise(struct ftp_program *, struct err *);	/* exit status */

#endif
