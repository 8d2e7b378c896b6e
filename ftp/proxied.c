/*
 * ftp/proxied.c - control connections that come through a load balancer: its
 * header says who the client is (PROXY protocol), then the session begins.
 *
 * Who is named in proxy_protocol is believed, and must send the header; what
 * others send is never read as one.
 */
#include <stdlib.h>

#include "session_int.h"

bool
ftp_proxied(const struct conf *c, const struct net_addr *from)
{
	unsigned char ip[16];

	net_addr_bytes(from, ip);
	return c->proxy_protocol != NULL &&
	    conf_cidr_has(c->proxy_protocol, ip);
}

bool
ftp_proxied_begin(struct ftp_session *s)
{
	s->proxy = calloc(1, sizeof(*s->proxy));
	net_task_deadline(&s->task, FTP_PROXY_MS);
	return s->proxy != NULL;
}

static void
fail(struct ftp_session *s, bool timeout)
{
	enum net_stream_state state = net_stream_state(s->control);
	/* Some balancers connect and close to see whether we live. */
	bool silent = s->proxy->len == 0 && state == NET_EOF;
	char text[NET_ADDR_TEXT];

	log_line(s->server->log, silent ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING,
	    "PROXY header of %s: %s", net_addr_text(&s->peer, text),
	    timeout ? "it took too long" : state != NET_OPEN ?
	    net_stream_reason(s->control) : "malformed");
	s->gone = true;
}

void
ftp_proxied_step(struct ftp_session *s, bool timeout)
{
	struct net_addr from, to, by = s->peer;
	int r = net_proxy_read(s->proxy, s->control, &from, &to);
	const char *why;

	if (r != 1) {
		if (r < 0 || timeout)
			fail(s, r == 0);
		return;
	}
	free(s->proxy);
	s->proxy = NULL;
	if (from.len > 0) {
		s->peer = from;
		s->reached = to;
	}
	why = ftp_server_readmit(s);
	if (why == NULL) {
		s->gone = !ftp_session_welcome(s, from.len > 0 ? &by : NULL);
		return;
	}
	if (!s->implicit)
		ftp_reply(s, 421, "%s, try again later.", why);
	s->quitting = true;
}
