/*
 * ftp/ftp.h - the FTP server, whole: run it, or ask about it.
 */
#ifndef COSFTPD_FTP_H
#define COSFTPD_FTP_H

#include "../conf/conf.h"
#include "../conf/log.h"
#include "../cos/cos.h"
#include "../net/net.h"

enum {				/* exit status */
	FTP_EXIT_CONF = 1,	/* configuration, --check and the like */
	FTP_EXIT_START = 2	/* cannot start */
};

struct ftp_start {
	struct conf *conf;	/* taken */
	const char *file;	/* it was read from; read again by SIGHUP */
	bool single;		/* one process: no workers, no reload */
	int signals[2];		/* a pipe: the handlers write signal numbers
				 * to it, those to stop, SIGHUP, SIGUSR1, SIGCHLD */
};
/* Serves until a signal to stop.  What is wrong is said on standard error and
 * in the log.  The exit status. */
int ftp_run(const struct ftp_start *);

/* Asks every bucket for a key, or (older_than > 0) aborts the uploads begun
 * at least so many seconds ago; a line of each to out.  The number of failures,
 * -1 when it could not be done. */
int ftp_ask_store(const struct conf *, int64_t older_than, FILE *out,
    struct err *);

/* Is a server of this configuration there?  Waits, 5 seconds at most. */
int ftp_health(const struct conf *, struct err *);

/* Asks the server of this configuration for "text" or "metrics"; it goes to
 * out.  Waits, 5 seconds at most for each piece. */
int ftp_status_ask(const struct conf *, const char *what, FILE *out,
    struct err *);

/* Would the certificates it names do, and (where root asks) its jail?  *id is
 * the caller's also after an error: our own certificate; NULL: none. */
int ftp_test(const struct conf *, struct tls_identity **id, struct err *);

/* How the store's client is set up for this configuration. */
struct cos_client_settings ftp_client_settings(const struct conf *);

#endif
