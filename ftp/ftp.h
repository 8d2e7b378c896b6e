/*
 * ftp/ftp.h - the FTP server: listen, run, drain.
 */
#ifndef COSFTPD_FTP_H
#define COSFTPD_FTP_H

#include "../conf/conf.h"
#include "../conf/log.h"
#include "../cos/cos.h"
#include "../net/net.h"

struct ftp_server;

/* The listening sockets, made once for all workers; -1: none. */
struct ftp_listeners {
	int plain;		/* AUTH TLS there, too */
	int implicit;		/* TLS from the first byte */
};
int ftp_listen(struct ftp_listeners *, const struct conf *, struct err *);
void ftp_listeners_close(struct ftp_listeners *);
uint16_t ftp_listeners_port(const struct ftp_listeners *);

/* What workers share: sessions are counted over all of them. */
struct ftp_share;
struct ftp_share *ftp_share_new(int workers, int sessions, struct err *);
/* The supervisor says so of a worker that has ended. */
void ftp_share_forget(struct ftp_share *, int slot);
size_t ftp_share_sessions(const struct ftp_share *);	/* of all workers */
void ftp_share_free(struct ftp_share *);

struct ftp_settings {		/* all borrowed until ftp_server_free */
	const struct conf *conf;
	struct cos_bucket *const *buckets;	/* one of each account */
	struct net_resolver *resolver;
	const struct ftp_listeners *listeners;
	const struct tls_identity *identity;	/* NULL: no FTPS */
	struct tls_cache *cache;	/* sessions, for resumption */
	struct ftp_share *share;
	int slot;			/* of share: this worker's own */
};

/* Sessions start as the loop runs. */
struct ftp_server *ftp_server_new(struct net_loop *, struct log *,
    const struct ftp_settings *, struct err *);

/* Does this machine have what the configuration can need?  -1: *e names both
 * numbers.  Raises the limit of descriptors. */
int ftp_check_resources(const struct conf *, int workers, struct err *);

/* Stop accepting and reading; transfers are settled by policy.  owner is
 * woken when no session is left.  A second call (hard) drops what is not yet
 * being completed in the store. */
void ftp_server_drain(struct ftp_server *, bool hard, struct net_task *owner);
size_t ftp_server_sessions(const struct ftp_server *);
void ftp_server_free(struct ftp_server *);

#endif
