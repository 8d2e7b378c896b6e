/*
 * fakecos.h - the server: settings, what all threads share, connections.
 *
 * A thread per connection with blocking sockets.  Everything shared hangs off
 * struct fakecos and is guarded by its one lock, held only for short.
 */
#ifndef FAKECOS_FAKECOS_H
#define FAKECOS_FAKECOS_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "../../tls/tls.h"
#include "crc.h"
#include "text.h"

enum {
	HEAD_LIMIT = 32 * 1024,		/* request head, in bytes */
	CHUNK = 256 * 1024,		/* one read or write of a body */
	DRAIN_LIMIT = 1024 * 1024,	/* unread body that is read and dropped */
	STALL_S = 300,			/* a peer that does not move */
	LOG_LINES = 10000,
	PATTERN = 65521,		/* period of generated content, a prime */
	PATTERN_TURNS = 8
};

#define GIB ((int64_t)1 << 30)
#define MIB ((int64_t)1 << 20)

enum op {
	OP_GET, OP_HEAD, OP_PUT, OP_DELETE, OP_COPY, OP_INITIATE, OP_PART,
	OP_PART_COPY, OP_COMPLETE, OP_ABORT, OP_LIST_PARTS, OP_LIST_UPLOADS,
	OP_LIST, OP_DELETE_MANY, OP_HEAD_BUCKET,
	OP_BUCKET,	/* would create or delete the bucket: always a bug */
	OP_OTHER,	/* something this server has no part of */
	OP_COUNT
};

struct settings {
	int64_t port, idle;
	const char *id, *key, *dir, *cert, *cert_key;
	bool no_auth, discard;
	/* may change while running */
	atomic_llong latency, rate, list_delay;	/* ms, bytes/s, ms */
	atomic_llong skew;			/* seconds */
	atomic_llong copy_limit;		/* bytes */
	atomic_llong force_download;		/* 0 or 1 */
	atomic_llong sign_subset;		/* 0 or 1 */
	atomic_llong kms;			/* 0 or 1 */
};

struct log_entry {
	enum op op;
	int status;		/* 0: closed without an answer */
	int64_t bytes_in, ms;
	int64_t start;		/* ms, monotonic */
	char method[8];
	char *target;
};

struct access {			/* who may sign */
	struct access *next;
	char *id, *key, *token;	/* token NULL: none may be sent */
	int64_t until;		/* ms of the server's clock, 0: for ever */
};

struct stats {
	int64_t requests, auth_failures, bad_requests, connections_total;
	int64_t ops[OP_COUNT];
	int64_t parts_in_flight, max_parts_in_flight;
};

struct bucket;
struct conn;
struct fault;

struct fakecos {
	struct settings set;
	struct crc crc;
	unsigned char *pattern;		/* PATTERN_TURNS periods */
	struct bucket *buckets;
	struct tls_identity *identity;
	struct tls_cache *cache;	/* not made for threads: tls_lock */
	pthread_mutex_t tls_lock;
	atomic_llong serial;		/* object files, request and upload ids */

	pthread_mutex_t lock;		/* all below, and the buckets */
	pthread_cond_t stop;
	atomic_bool stopping;
	struct stats stats;
	struct log_entry *log;
	size_t log_next;
	struct fault *faults;
	struct access *access;		/* beside --id */
	struct conn *conns;
	int64_t connections;
};

struct conn {
	struct fakecos *f;
	struct conn *prev, *next;
	int fd;
	struct tls_conn *tls;
	bool close;			/* after this request */
	bool dead;			/* nothing goes in or out any more */
	int64_t rate;			/* bytes/s, each way; 0 = no limit */
	int64_t next_in, next_out;	/* ns: earliest next transfer */
	char *in;			/* HEAD_LIMIT bytes */
	size_t in_at, in_end;
	unsigned char *scratch;		/* CHUNK bytes, made when needed */
};

/* main.c */
int64_t now_ns(void);				/* monotonic */
int64_t clock_ms(const struct fakecos *);	/* the server's skewed clock */
void fakecos_sleep(struct fakecos *, int64_t ns);	/* ends at a stop */
const char *op_name(enum op);
enum op op_find(const char *name);		/* OP_COUNT: unknown */

/* conn.c: reads give 0 at the end of the stream, -1 on an error */
struct conn *conn_new(struct fakecos *, int fd);
bool conn_start(struct conn *);			/* socket options, TLS */
ssize_t conn_read(struct conn *, void *, size_t);
ssize_t conn_fill(struct conn *);		/* more bytes into c->in */
int conn_byte(struct conn *);			/* -1 at the end */
bool conn_wait(struct conn *, int64_t ms);	/* for the first byte */
bool conn_write(struct conn *, const void *, size_t, bool more);
void conn_linger(struct conn *, int64_t ms);	/* FIN, then drop what comes */
void conn_reset(struct conn *);			/* RST */
void conn_free(struct conn *);

/* route.c: the requests of one connection, until it ends */
void serve(struct conn *);

#endif
