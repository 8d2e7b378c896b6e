/*
 * net/net.h - tasks on a poll loop, streams, lookups, HTTP requests.
 *
 * Everything that waits begins with a struct net_task.  A child object never
 * calls its owner: it changes its own state and wakes the owner; the loop
 * steps the owner in its turn, who then asks the child.  Data is pulled.
 * Reading and writing are one-shot: a read that finds nothing, or a write
 * that is not taken whole, makes the loop watch for that event and wake the
 * owner once; who does not ask is not polled (back-pressure).
 *
 * Functions return 0 or a pointer on success, -1 or NULL with *e filled.
 * Every x_free(NULL) is fine, and x_free at any moment cancels cleanly.
 */
#ifndef COSFTPD_NET_H
#define COSFTPD_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "../conf/log.h"
#include "../tls/tls.h"

/* ---- loop and tasks (loop.c) ---- */
struct net_loop;

enum {			/* why a task is stepped; READ and WRITE are wants too */
	NET_READ = 1,
	NET_WRITE = 2,
	NET_TIMEOUT = 4,	/* the deadline passed; it is cleared */
	NET_WOKEN = 8
};

struct net_task {
	struct net_loop *loop;
	void (*step)(struct net_task *, unsigned why);
	int fd;			/* -1: none */
	unsigned want;
	/* the loop's own */
	unsigned why;
	int slot;		/* in the poll set, -1 */
	int heap;		/* in the deadline heap, -1 */
	int64_t deadline;
	struct net_task *next, *prev;	/* on the list of the woken */
	bool woken;
};

struct net_loop *net_loop_new(struct err *e);
void net_loop_free(struct net_loop *);
int net_loop_run(struct net_loop *, struct err *e);	/* until stopped */
void net_loop_stop(struct net_loop *);
int64_t net_now(const struct net_loop *);	/* ms, monotonic, this turn */

void net_task_init(struct net_task *, struct net_loop *,
    void (*step)(struct net_task *, unsigned why));
void net_task_end(struct net_task *);	/* forget it; fine inside its step */
void net_task_watch(struct net_task *, int fd, unsigned want);
void net_task_deadline(struct net_task *, int64_t in_ms);	/* -1: none */
void net_task_wake(struct net_task *);	/* NULL is fine */

/* ---- the machine (limits.c) ---- */
/* Raises RLIMIT_NOFILE towards want; what is allowed now, -1 unknown. */
int64_t net_limit_descriptors(int64_t want);
/* Bytes we may still use: MemAvailable and the cgroup's; -1 unknown. */
int64_t net_limit_memory(void);

/* ---- growing text (buf.c) ---- */
struct net_buf {		/* zero it, set max; net_buf_free when done */
	char *data;		/* NUL-terminated when not NULL */
	size_t len, cap, max;
	bool failed;		/* max or memory reached: contents are useless */
};
void net_buf_put(struct net_buf *, const void *, size_t);
void net_buf_printf(struct net_buf *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void net_buf_drop(struct net_buf *, size_t);	/* from the front */
void net_buf_free(struct net_buf *);
int net_hex_digit(char);	/* of either case; -1: none */

/* ---- addresses and listeners (socket.c) ---- */
struct net_addr {
	struct sockaddr_storage ss;
	socklen_t len;
};
enum { NET_ADDR_TEXT = 64 };
const char *net_addr_text(const struct net_addr *, char buf[NET_ADDR_TEXT]);
int net_addr_parse(struct net_addr *, const char *ip, uint16_t port);
/* size 4 or 16 */
void net_addr_set(struct net_addr *, const unsigned char *ip, size_t size,
    uint16_t port);
uint16_t net_addr_port(const struct net_addr *);
void net_addr_set_port(struct net_addr *, uint16_t port);
bool net_addr_same_host(const struct net_addr *, const struct net_addr *);
bool net_addr_private(const struct net_addr *);	/* RFC 1918, 6598, 4193.. */
void net_addr_unmap(struct net_addr *);	/* v4-mapped to plain IPv4 */
bool net_addr_is4(const struct net_addr *);	/* also v4-mapped */
/* the four bytes of an IPv4 or v4-mapped address */
void net_addr_v4(const struct net_addr *, unsigned char out[4]);
/* an IPv6 address; IPv4 as v4-mapped */
void net_addr_bytes(const struct net_addr *, unsigned char out[16]);

/* host NULL: any address, one dual-stack socket where there is IPv6. */
int net_listen(const struct net_addr *, int backlog, struct err *e);
int net_listen_any(uint16_t port, int backlog, struct err *e);
int net_accept(int listener, struct net_addr *peer);	/* fd, -1 and errno */
int net_local(int fd, struct net_addr *);

/* ---- a Unix socket of our own (unix.c) ---- */
struct net_unix {
	int fd;			/* the listener; -1: none */
	pid_t maker;
	dev_t dev;
	ino_t ino;
	char path[108];
};
/* For this user only; what a server that is gone has left is replaced. */
int net_unix_listen(struct net_unix *, const char *path, struct err *e);
/* The process that made it removes the file, too. */
void net_unix_close(struct net_unix *);
/* A descriptor that may block, each time so many seconds at most. */
int net_unix_connect(const char *path, int seconds, struct err *e);

/* ---- streams: the only recv() and send() (stream.c) ---- */
struct net_stream;

enum net_stream_state {
	NET_CONNECTING,		/* TCP or TLS handshake under way */
	NET_OPEN,
	NET_EOF,		/* the peer ended properly, all bytes were read */
	NET_FAILED		/* reset, TLS error, cut TLS: see reason */
};

/* Takes the descriptor.  Close with net_stream_free. */
struct net_stream *net_stream_new(struct net_loop *, int fd,
    struct net_task *owner);
struct net_stream *net_stream_connect(struct net_loop *,
    const struct net_addr *to, const struct net_addr *from /* or NULL */,
    struct net_task *owner, struct err *e);
void net_stream_free(struct net_stream *);
void net_stream_owner(struct net_stream *, struct net_task *owner);
/* From here on all bytes are TLS; takes tls.  Bytes already buffered in
 * clear are thrown away (RFC 4217, no plaintext injection). */
void net_stream_tls(struct net_stream *, struct tls_conn *tls);
/* To be asked about; NULL: plain. */
const struct tls_conn *net_stream_tls_conn(const struct net_stream *);
enum net_stream_state net_stream_state(const struct net_stream *);
const char *net_stream_reason(const struct net_stream *);
/* The peer has ended its side or failed, though bytes may still be unread
 * (the state says so only when they are read). */
bool net_stream_ended(const struct net_stream *);
/* Asks the kernel: also where what came before was never taken from it. */
bool net_stream_hung_up(const struct net_stream *);
int net_stream_fd(const struct net_stream *);
/* Urgent data is read in its place (SO_OOBINLINE): the Telnet Synch. */
void net_stream_urgent_inline(struct net_stream *);

/* Reads straight into buf: > 0 bytes; 0 nothing yet, or the stream has ended
 * (ask net_stream_state). */
size_t net_stream_read(struct net_stream *, void *buf, size_t n);
/* A slice of at most max bytes held by the stream, valid until the next call;
 * *n as large as it is.  Asks the peer for more only when more is set. */
const char *net_stream_peek(struct net_stream *, size_t max, bool more,
    size_t *n);
void net_stream_drop(struct net_stream *, size_t n);
void net_stream_wipe(struct net_stream *, size_t n);	/* secrets: no trace */

/* Takes what can be sent now, 0..n; the rest stays the caller's. */
size_t net_stream_write(struct net_stream *, const void *, size_t n);
size_t net_stream_writev(struct net_stream *, const struct iovec *, int);
/* Takes all and sends it in the background; false when more than max bytes
 * wait (64 KB): the peer does not read. */
bool net_stream_put(struct net_stream *, const void *, size_t n);
size_t net_stream_pending(const struct net_stream *);	/* not yet sent */
/* After what is pending: close_notify and FIN.  Owner is woken when done. */
void net_stream_shutdown(struct net_stream *);
bool net_stream_shut(const struct net_stream *);	/* all out, or failed */

/* ---- the PROXY protocol's header, versions 1 and 2 (proxy.c) ---- */
enum { NET_PROXY_MAX = 1024 };
/* The length of the header at p, as far as the n bytes there tell: at most n
 * when it is whole, else the least that it can be (never more than it is), -1
 * when it is none, or longer than NET_PROXY_MAX.  Whole: from and to have len 0
 * when the header says that the connection's own ends hold. */
ssize_t net_proxy_parse(const unsigned char *p, size_t n,
    struct net_addr *from, struct net_addr *to);
struct net_proxy {		/* zero it */
	size_t len;
	unsigned char head[NET_PROXY_MAX];
};
/* Takes the header off the stream and not a byte more.  1: done; 0: not whole
 * yet; -1: none, or the stream has ended. */
int net_proxy_read(struct net_proxy *, struct net_stream *,
    struct net_addr *from, struct net_addr *to);

/* ---- what may block or burn, beside this process (helper.c) ---- */
enum net_job_kind { NET_JOB_RESOLVE, NET_JOB_HASH, NET_JOB_KINDS };
enum { NET_JOB_MAX = 1280 };	/* bytes of a request, of an answer */
struct net_helper;
struct net_job;
/* Forks the process, early: its memory is a copy.  There first (NULL: nothing)
 * gives up what it does not need; -1 ends it.  The descriptor for
 * net_helper_new, -1 with *e filled. */
int net_helper_fork(int (*first)(void *), void *ctx, struct err *e);
/* Takes fd.  owner is woken when the process is gone: all jobs fail then. */
struct net_helper *net_helper_new(struct net_loop *, int fd,
    struct net_task *owner);
bool net_helper_alive(const struct net_helper *);
void net_helper_free(struct net_helper *);	/* after its jobs */
/* NULL: no helper, out of memory, too long.  The request is copied, and wiped
 * once it is sent. */
struct net_job *net_job_new(struct net_helper *, enum net_job_kind,
    const void *in, size_t n, struct net_task *owner);
bool net_job_done(const struct net_job *);
/* Of one that is done; NULL and *reason: it failed. */
const void *net_job_answer(const struct net_job *, size_t *n,
    const char **reason);
void net_job_free(struct net_job *);

/* NET_JOB_HASH: PBKDF2 with HMAC-SHA-256; answered by TLS_SHA256_LEN bytes */
struct net_hash {
	uint32_t iterations;
	uint8_t key_len, salt_len;
	unsigned char key[64], salt[64];
};
void net_hash_key(struct net_hash *, const char *password);

/* ---- names (resolve.c): getaddrinfo in the helper ---- */
struct net_resolver;
struct net_lookup;
struct net_resolver *net_resolver_new(struct net_loop *, struct net_helper *);
void net_resolver_free(struct net_resolver *);
struct net_lookup *net_lookup_new(struct net_resolver *, const char *name,
    uint16_t port, struct net_task *owner);
/* NULL while waiting or failed; then n addresses, IPv4 first */
const struct net_addr *net_lookup_result(const struct net_lookup *, size_t *n);
bool net_lookup_done(const struct net_lookup *);
const char *net_lookup_reason(const struct net_lookup *);
void net_lookup_free(struct net_lookup *);

/* ---- HTTP/1.1 (http_head.c is the pure parser; http.c one exchange;
 * pool.c kept-alive connections by origin) ---- */
struct http_field {
	const char *name, *value;	/* slices of the head's buffer */
	size_t name_len, value_len;
};
struct http_head {
	int status;
	bool keep_alive;
	bool chunked;
	int64_t content_length;		/* -1: none given */
	size_t size;			/* of the head, with its empty line */
	size_t nfields;
	struct http_field field[64];
};
/* name in any case; NULL when absent */
const struct http_field *http_field(const struct http_head *, const char *name);
/* copies a value, NUL-terminated; false when absent or too long */
bool http_value(const struct http_head *, const char *name, char *out,
    size_t size);

struct net_pool;
struct net_origin {		/* strings are copied */
	const char *host;	/* name to connect to and to verify */
	uint16_t port;
	bool tls;
};
struct net_pool *net_pool_new(struct net_loop *, struct net_resolver *,
    const struct tls_trust *trust /* NULL: no https */);
void net_pool_free(struct net_pool *);

struct net_http;
struct net_http_request {	/* all borrowed until the exchange is freed */
	struct net_origin origin;
	const char *head;	/* request line, fields, empty line */
	size_t head_len;
	const struct iovec *body;
	size_t nbody;
	bool is_head;		/* HEAD: the response has no body */
	bool once;		/* never sent again on a stale connection */
	int answer_ms;		/* from the request sent (and acknowledged)
				 * to the whole head */
	int idle_ms;		/* between bytes, both ways; of a body that is
				 * sent, until the peer acknowledges more */
};
enum net_http_state {
	HTTP_SENDING,
	HTTP_BODY,		/* head is there; body is being read */
	HTTP_DONE,		/* body read whole */
	HTTP_FAILED
};
struct net_http *net_http_new(struct net_pool *,
    const struct net_http_request *, struct net_task *owner);
void net_http_free(struct net_http *);
enum net_http_state net_http_state(const struct net_http *);
const char *net_http_reason(const struct net_http *);
enum net_http_cause {
	NET_HTTP_NONE,
	NET_HTTP_LOOKUP,	/* the name does not resolve */
	NET_HTTP_TLS,		/* certificate or protocol */
	NET_HTTP_MALFORMED,	/* the answer is not HTTP as we accept it */
	NET_HTTP_NETWORK	/* connect, reset, cut, time-out */
};
enum net_http_cause net_http_cause(const struct net_http *);
/* The request went out whole (or in part) and no whole answer came: it may or
 * may not have been carried out. */
bool net_http_unanswered(const struct net_http *);
/* For how long a body was moving; what came after that was silence. */
int64_t net_http_sending_ms(const struct net_http *);
/* It was sent on a kept connection that broke, and once more on a new one. */
bool net_http_repeated(const struct net_http *);
const struct http_head *net_http_head(const struct net_http *);
/* Body bytes; 0 = nothing now, or state is DONE or FAILED. */
size_t net_http_read(struct net_http *, void *buf, size_t n);
const char *net_http_peek(struct net_http *, size_t *n);
void net_http_drop(struct net_http *, size_t n);

#endif
