/*
 * ftp/ftp.h - the FTP server: three calls, and free.
 */
#ifndef COSFTPD_FTP_H
#define COSFTPD_FTP_H

#include "../conf/conf.h"
#include "../conf/log.h"
#include "../cos/cos.h"
#include "../net/net.h"

struct ftp_server;

/* Binds and listens; sessions start as the loop runs.  buckets[i] belongs to
 * conf->accounts[i].  Everything is borrowed until ftp_server_free. */
struct ftp_server *ftp_server_new(struct net_loop *, struct log *,
    const struct conf *, struct cos_bucket *const *buckets,
    struct net_resolver *, struct err *);

/* Bytes of one session with a transfer under way, without upload parts. */
size_t ftp_session_bytes(void);

/* Stop accepting and reading; transfers are settled by policy.  owner is
 * woken when no session is left.  A second call (hard) drops what is not yet
 * being completed in the store. */
void ftp_server_drain(struct ftp_server *, bool hard, struct net_task *owner);
size_t ftp_server_sessions(const struct ftp_server *);
uint16_t ftp_server_port(const struct ftp_server *);
void ftp_server_free(struct ftp_server *);

#endif
