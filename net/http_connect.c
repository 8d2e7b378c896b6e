/*
 * net/http_connect.c - a connection for an exchange: a parked one, or a new
 * one to each address of the name in turn.
 */
#include <stdio.h>

#include "http_int.h"

enum {
	CONNECT_MS = 10 * 1000,		/* one address, with its handshake */
	ALL_MS = 20 * 1000,		/* all of them */
	LOOKUP_MS = 25 * 1000
};

void
net_http_connect_next(struct net_http *h)
{
	const struct net_addr *addr;
	struct err e;
	size_t n;

	addr = net_lookup_result(h->lookup, &n);
	do
		h->conn = net_pool_connect(h->origin, &addr[h->addr++],
		    &h->task, &e);
	while (h->conn == NULL && h->addr < n);
	if (h->conn == NULL) {
		net_http_fail(h, NET_HTTP_NETWORK, e.text, NULL);
		return;
	}
	net_http_enter(h, H_CONNECT);
	net_task_deadline(&h->task, (int)n * CONNECT_MS > ALL_MS ?
	    ALL_MS / (int)n : CONNECT_MS);
}

void
net_http_connect_failed(struct net_http *h, const char *why)
{
	char text[NET_ADDR_TEXT], what[NET_ADDR_TEXT + 32];
	const struct net_addr *addr;
	size_t n;

	bool tls = net_stream_tls_failed(h->conn->stream);

	addr = net_lookup_result(h->lookup, &n);
	if (h->addr < n && !tls) {
		net_pool_close(h->conn);
		h->conn = NULL;
		net_http_connect_next(h);
		return;
	}
	snprintf(what, sizeof(what), "connect to %s port %u",
	    net_addr_text(&addr[h->addr - 1], text), h->req.origin.port);
	net_http_fail(h, tls ? NET_HTTP_TLS : NET_HTTP_NETWORK, what, why);
}

void
net_http_find_connection(struct net_http *h, bool fresh)
{
	struct err e;

	if (!net_pool_can_connect(h->origin, &e)) {
		net_http_fail(h, NET_HTTP_TLS, e.text, NULL);
		return;
	}
	h->sent = 0;
	h->conn = fresh ? NULL : net_pool_take(h->origin);
	if (h->conn != NULL) {
		net_stream_owner(h->conn->stream, &h->task);
		net_http_begin(h);
		return;
	}
	h->addr = 0;
	net_lookup_free(h->lookup);
	h->lookup = net_pool_lookup(h->origin, &h->task);
	if (h->lookup == NULL) {
		net_http_fail(h, NET_HTTP_NETWORK, "out of memory", NULL);
		return;
	}
	net_http_enter(h, H_LOOKUP);
	net_task_deadline(&h->task, LOOKUP_MS);
}
