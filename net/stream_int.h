/*
 * net/stream_int.h - one stream, shared by stream_open.c (its life),
 * stream_tls.c (moving cipher bytes) and stream.c (reading, writing, events).
 */
#ifndef COSFTPD_STREAM_INT_H
#define COSFTPD_STREAM_INT_H

#include "net_int.h"

/* unread replies before the peer is given up */
enum { NET_STREAM_PUT_MAX = 64 * 1024 };

struct net_stream {
	struct net_task task;
	struct net_task *owner;
	enum net_stream_state state;
	struct tls_conn *tls;		/* owned; NULL: plain */
	char *in;			/* owned; in[in_off .. in_off + in_len) */
	size_t in_off, in_len, in_cap;
	struct net_buf out;		/* text not yet sent */
	bool tcp_connecting;
	bool tcp_eof;			/* the peer's FIN was read */
	bool want_read, want_write;	/* the owner waits for it */
	bool shutting, shut;		/* shutdown asked for, done */
	char reason[160];
};

/* ---- stream.c ---- */
void net_stream_step(struct net_task *, unsigned why);
void net_stream_update(struct net_stream *);	/* what is polled for */
void net_stream_fail(struct net_stream *, const char *reason);
/* > 0 bytes; 0: nothing now, the end, or failed */
size_t net_stream_sock_recv(struct net_stream *, void *, size_t);
bool net_stream_sock_readable(struct net_stream *);	/* or at its end */
size_t net_stream_sock_send(struct net_stream *, const void *, size_t);
void net_stream_sock_discard(struct net_stream *);	/* before its end */

/* ---- stream_tls.c ---- */
void net_stream_tls_send(struct net_stream *);
bool net_stream_tls_recv(struct net_stream *);	/* false: nothing came */
/* After any movement: what became of the connection? */
void net_stream_tls_settle(struct net_stream *);
size_t net_stream_tls_read(struct net_stream *, char *, size_t);
size_t net_stream_tls_write(struct net_stream *, const char *, size_t);

#endif
