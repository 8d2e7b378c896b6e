/*
 * net/http_int.h - one exchange, shared by http.c (up to the head) and
 * http_body.c.
 */
#ifndef COSFTPD_HTTP_INT_H
#define COSFTPD_HTTP_INT_H

#include "net_int.h"

enum net_http_step {
	H_LOOKUP,
	H_CONNECT,
	H_SEND,
	H_HEAD,
	H_BODY,
	H_DONE,
	H_FAILED
};

struct net_http {
	struct net_task task;
	struct net_task *owner;
	struct net_pool_origin *origin;
	struct net_http_request req;
	enum net_http_step state;
	struct net_lookup *lookup;
	size_t addr;			/* next address to try */
	struct net_conn *conn;
	size_t body_len, sent;		/* sent counts head and body */
	uint64_t acked;			/* what the peer's kernel has of it */
	int64_t began, moved;		/* ms: first and last of sending */
	bool early;			/* answered before all was sent */
	bool repeated;			/* on a fresh connection */
	int interim;
	char *head_text;		/* owned: the head's fields point in */
	struct http_head head;
	struct http_chunk chunk;
	int64_t left;			/* of a body with Content-Length */
	enum net_http_cause cause;
	char reason[256];
};

void net_http_enter(struct net_http *, enum net_http_step);
void net_http_begin(struct net_http *);		/* on an open connection */
/* why may be NULL, or a text of the connection, which is closed here */
void net_http_fail(struct net_http *, enum net_http_cause, const char *what,
    const char *why);

/* ---- http_connect.c ---- */
void net_http_find_connection(struct net_http *, bool fresh);
void net_http_connect_next(struct net_http *);
void net_http_connect_failed(struct net_http *, const char *why);

#endif
