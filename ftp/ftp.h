/*
 * ftp/ftp.h - the FTP server: listen, share, work.
 */
#ifndef COSFTPD_FTP_H
#define COSFTPD_FTP_H

#include "../conf/conf.h"
#include "../conf/log.h"
#include "../cos/cos.h"
#include "../net/net.h"

/* The listening sockets, made once for all workers; -1: none. */
struct ftp_listeners {
	int plain;		/* AUTH TLS there, too */
	int implicit;		/* TLS from the first byte */
};
int ftp_listen(struct ftp_listeners *, const struct conf *, struct err *);
/* For another configuration: what did not change stays, nobody is refused. */
int ftp_listen_again(struct ftp_listeners *, const struct conf *,
    const struct ftp_listeners *from, const struct conf *old, struct err *);
void ftp_listeners_close(struct ftp_listeners *);
uint16_t ftp_listeners_port(const struct ftp_listeners *);

/* What workers share: sessions are counted over all of them. */
struct ftp_share;
struct ftp_share *ftp_share_new(int workers, int sessions, struct err *);
/* The supervisor says so of a worker that has ended. */
void ftp_share_forget(struct ftp_share *, int slot);
size_t ftp_share_sessions(const struct ftp_share *);	/* of all workers */
void ftp_share_free(struct ftp_share *);

/* ---- a worker: one process that serves (worker.c) ---- */
struct ftp_worker_settings {	/* all borrowed until ftp_worker_free */
	const struct conf *conf;
	struct log *log;
	struct ftp_listeners *listeners;	/* NULL: only to check */
	const struct tls_identity *identity;	/* NULL: no FTPS */
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
/* The certificates trusted for https to COS; *t NULL: none needed. */
int ftp_load_trust(const struct conf *, struct tls_trust **t, struct err *);
/* Asks every bucket, a line of each to out; the number of failures, -1 when
 * it could not be done. */
int ftp_worker_check(struct ftp_worker *, FILE *out, struct err *);
/* The same for aborting uploads begun at least age seconds ago. */
int ftp_worker_clean(struct ftp_worker *, int64_t age, FILE *out,
    struct err *);
void ftp_worker_free(struct ftp_worker *);

/* Is a server of this configuration there?  Waits, 5 seconds at most. */
int ftp_health(const struct conf *, struct err *);

/* How the store's client is set up for this configuration. */
struct cos_client_settings ftp_client_settings(const struct conf *);

/* Does this machine have what the configuration can need?  -1: *e names both
 * numbers.  Raises the limit of descriptors. */
int ftp_check_resources(const struct conf *, int workers, struct err *);

#endif
