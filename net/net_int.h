/*
 * net/net_int.h - what several files of net/ share; no other layer includes it.
 */
#ifndef COSFTPD_NET_INT_H
#define COSFTPD_NET_INT_H

#include "net.h"

enum {
	HTTP_HEAD_MAX = 16 * 1024,	/* a response head, all fields */
	HTTP_LINE_MAX = 8 * 1024	/* a chunk-size or trailer line */
};

/*
 * http_head.c: RFC 9112 response heads, strict.  > 0: the head is complete
 * (h->size bytes); 0: more bytes are needed; -1: malformed, *e says how.
 * 1xx heads are returned like any other; the caller skips them.
 */
int http_head_parse(const char *buf, size_t len, struct http_head *h,
    struct err *e);

/*
 * Chunked bodies (RFC 9112 7.1).  Give http_chunk_feed what follows the head:
 * it takes framing bytes only and returns how many it took (0 is fine), -1
 * when malformed.  When c->left > 0 that many body bytes come next: move them
 * and say so with http_chunk_took.  c->done: the last chunk and its trailer
 * have been taken.
 */
struct http_chunk {
	int state;
	bool done;
	int64_t left;
	size_t line;		/* bytes seen of the current framing line */
	uint64_t size;
};
void http_chunk_init(struct http_chunk *);
ssize_t http_chunk_feed(struct http_chunk *, const char *buf, size_t len,
    struct err *e);
void http_chunk_took(struct http_chunk *, size_t n);

/* stream.c: gives the input buffer back, perhaps those of TLS too (which costs
 * more, so only where a pause is likely); only what is empty */
void net_stream_trim(struct net_stream *, bool tls);
/* it failed in TLS (certificate, protocol), not in TCP */
bool net_stream_tls_failed(const struct net_stream *);

/* socket.c: how many bytes the peer has acknowledged in all; 0: not known */
uint64_t net_acked(int fd);

/* loop.c: for steps that take long.  true: this turn has had one and is late, t
 * is stepped again in the next, for the same reason. */
bool net_task_postpone(struct net_task *, unsigned why);
/* helper.c and helper_work.c: one message of their socket; data is as long as
 * that makes it */
enum { HELPER_JOBS = 8 };	/* at once */
struct helper_message {
	int slot;
	int kind;
	bool failed;
	_Alignas(8) unsigned char data[NET_JOB_MAX];
};
static inline size_t
helper_message_size(size_t data)
{
	return offsetof(struct helper_message, data) + data;
}

/* resolve.c, helper_work.c: the work of the helper's children; returns the
 * bytes of out, NET_JOB_MAX at most */
size_t net_resolve_work(const void *name, void *out);
size_t net_hash_work(const void *in, void *out);

/*
 * pool.c: a connection is taken from the pool, used for one exchange, and
 * given back when it may be used again, else closed.
 */
struct net_pool_origin;
struct net_conn {
	struct net_task task;		/* owns the stream while parked */
	struct net_stream *stream;
	struct net_pool_origin *origin;
	struct net_conn *next;
	bool reused;			/* has served an exchange before */
	bool parked;
};
struct net_pool_origin *net_pool_find(struct net_pool *,
    const struct net_origin *);
/* a parked connection that is still good, or NULL */
struct net_conn *net_pool_take(struct net_pool_origin *);
void net_pool_park(struct net_conn *);
void net_pool_close(struct net_conn *);
/* https needs trusted certificates */
bool net_pool_can_connect(const struct net_pool_origin *, struct err *);
struct net_lookup *net_pool_lookup(struct net_pool_origin *,
    struct net_task *owner);
/* a new connection to addr (TLS already begun), owned by the caller's task */
struct net_conn *net_pool_connect(struct net_pool_origin *,
    const struct net_addr *addr, struct net_task *owner, struct err *);

#endif
