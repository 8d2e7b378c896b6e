/*
 * net/stream_tls.c - TLS on a stream: bytes moved between the engine of tls/
 * (a pump with four ports) and the socket.
 */
#include <string.h>

#include "stream_int.h"

void
net_stream_tls_send(struct net_stream *s)
{
	const unsigned char *p;
	size_t n, sent;

	while (s->state != NET_FAILED &&
	    (p = tls_cipher_out(s->tls, &n)) != NULL) {
		sent = net_stream_sock_send(s, p, n);
		if (sent == 0)
			return;
		tls_cipher_out_done(s->tls, sent);
	}
}

/* One read into the engine; false when nothing came. */
bool
net_stream_tls_recv(struct net_stream *s)
{
	unsigned char *p;
	size_t room, got;

	if (tls_resting(s->tls) && !net_stream_sock_readable(s))
		return false;		/* not worth 33 KB */
	p = tls_cipher_in(s->tls, &room);
	if (p == NULL)
		return false;
	got = net_stream_sock_recv(s, p, room);
	if (got == 0)
		return false;
	tls_cipher_in_done(s->tls, got);
	return true;
}

/* After any movement: what became of the connection? */
void
net_stream_tls_settle(struct net_stream *s)
{
	bool ended = s->state == NET_OPEN && tls_peer_closed(s->tls);
	size_t n;

	net_stream_tls_send(s);
	if (s->state == NET_FAILED) {
		/* Our close_notify did not get through to a peer that has
		 * said all it had to say: what we read is whole. */
		if (ended)
			s->state = NET_EOF;
		return;
	}
	if (tls_state(s->tls) == TLS_FAILED) {
		net_stream_fail(s, tls_reason(s->tls));
	} else if (tls_plain_out(s->tls, &n) != NULL || s->in_len > 0) {
		;	/* still to be read */
	} else if (tls_peer_closed(s->tls)) {
		if (s->state == NET_CONNECTING)
			net_stream_fail(s, "TLS was closed during the handshake");
		else
			s->state = NET_EOF;
	} else if (s->tcp_eof) {
		net_stream_fail(s, s->state == NET_CONNECTING ?
		    "closed during the TLS handshake" :
		    "closed without TLS close_notify");
	}
	if (s->state == NET_CONNECTING && !s->tcp_connecting &&
	    tls_state(s->tls) == TLS_OPEN) {
		s->state = NET_OPEN;
		net_task_wake(s->owner);
	}
}

void
net_stream_tls(struct net_stream *s, struct tls_conn *tls)
{
	s->tls = tls;
	s->in_len = s->in_off = 0;
	s->state = NET_CONNECTING;
	if (!s->tcp_connecting)
		net_stream_tls_settle(s);
	net_stream_update(s);
}

/* Reads into dst from the engine, then the socket; as sock_recv. */
size_t
net_stream_tls_read(struct net_stream *s, char *dst, size_t n)
{
	const unsigned char *p;
	size_t have, got = 0;

	while (got < n) {
		p = tls_plain_out(s->tls, &have);
		if (p != NULL) {
			if (have > n - got)
				have = n - got;
			memcpy(dst + got, p, have);
			tls_plain_out_done(s->tls, have);
			got += have;
		} else if (tls_peer_closed(s->tls) || !net_stream_tls_recv(s)) {
			break;
		}
	}
	net_stream_tls_settle(s);
	return got;
}

size_t
net_stream_tls_write(struct net_stream *s, const char *src, size_t n)
{
	unsigned char *p;
	size_t room, put = 0;

	while (put < n && s->state != NET_FAILED) {
		p = tls_plain_in(s->tls, &room);
		if (p == NULL) {
			net_stream_tls_send(s);
			p = tls_plain_in(s->tls, &room);
			if (p == NULL)
				break;
		}
		if (room > n - put)
			room = n - put;
		memcpy(p, src + put, room);
		tls_plain_in_done(s->tls, room);
		put += room;
	}
	if (put > 0)
		tls_flush(s->tls);
	net_stream_tls_send(s);
	if (s->state != NET_FAILED && tls_state(s->tls) == TLS_FAILED)
		net_stream_fail(s, tls_reason(s->tls));
	return put;
}
