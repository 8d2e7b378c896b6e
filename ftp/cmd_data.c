/*
 * ftp/cmd_data.c - PASV, EPSV, PORT, EPRT: where the data connection goes.
 *
 * Active mode goes only to the peer's own address and to ports of 1024 and
 * above (RFC 2577): no bounce.
 */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "session_int.h"

enum { ACTIVE_PORT_MIN = 1024 };

static bool
listen_passive(struct ftp_session *s, uint16_t *port)
{
	ftp_data_free(s->data);
	s->data = ftp_data_passive(s, port);
	if (s->data == NULL)
		ftp_reply(s, 425, "No passive port is free, try again later.");
	return s->data != NULL;
}

/* S19: the usual reason why a listing hangs behind NAT. */
static void
warn_private(struct ftp_session *s, const struct net_addr *shown)
{
	char a[NET_ADDR_TEXT], b[NET_ADDR_TEXT];

	if (s->server->warned_private || !net_addr_private(shown) ||
	    net_addr_private(&s->peer))
		return;
	s->server->warned_private = true;
	log_line(s->server->log, LOG_LEVEL_WARNING, "%s the private address "
	    "%s is shown to %s, who cannot reach it: set masquerade_address "
	    "in [NETWORK]", s->who, net_addr_text(shown, a),
	    net_addr_text(&s->peer, b));
}

void
ftp_cmd_pasv(struct ftp_session *s)
{
	const struct net_addr *shown = s->server->has_masq ?
	    &s->server->masq : &s->reached;
	unsigned char ip[4];
	uint16_t port;

	if (s->epsv_all) {
		ftp_reply(s, 503, "Only EPSV after EPSV ALL.");
		return;
	}
	if (!net_addr_is4(&s->reached) || !net_addr_is4(shown)) {
		ftp_reply(s, 425, "Use EPSV over IPv6.");
		return;
	}
	if (!listen_passive(s, &port))
		return;
	warn_private(s, shown);
	net_addr_v4(shown, ip);
	ftp_reply(s, 227, "Entering Passive Mode (%u,%u,%u,%u,%u,%u).",
	    ip[0], ip[1], ip[2], ip[3], port >> 8, port & 0xff);
}

void
ftp_cmd_epsv(struct ftp_session *s)		/* RFC 2428 3 */
{
	const char *mine = net_addr_is4(&s->reached) ? "1" : "2";
	uint16_t port;

	if (strcasecmp(s->arg, "ALL") == 0) {
		s->epsv_all = true;
		ftp_reply(s, 200, "EPSV ALL.");
		return;
	}
	if (s->arg[0] != '\0' && strcmp(s->arg, mine) != 0) {
		if (strcmp(s->arg, "1") == 0 || strcmp(s->arg, "2") == 0)
			ftp_reply(s, 522, "Use (%s).", mine);
		else
			ftp_reply(s, 501, "EPSV takes 1, 2 or ALL.");
		return;
	}
	if (listen_passive(s, &port))
		ftp_reply(s, 229, "Entering Extended Passive Mode (|||%u|).",
		    port);
}

static void
go_active(struct ftp_session *s, const struct net_addr *to)
{
	char text[NET_ADDR_TEXT];

	if (s->epsv_all) {
		ftp_reply(s, 503, "Only EPSV after EPSV ALL.");
	} else if (!s->server->conf->active_enable) {
		ftp_reply(s, 502, "Active mode is switched off, use passive "
		    "mode.");
	} else if (!net_addr_same_host(to, &s->peer) ||
	    net_addr_port(to) < ACTIVE_PORT_MIN) {
		log_line(s->server->log, LOG_LEVEL_WARNING, "%s active mode "
		    "to %s port %u refused: not the client's own", s->who,
		    net_addr_text(to, text), net_addr_port(to));
		ftp_reply(s, 501, "Only to your own address and ports of "
		    "1024 and above.");
	} else {
		ftp_data_free(s->data);
		s->data = ftp_data_active(s, to);
		if (s->data == NULL)
			ftp_reply(s, 451, "Out of memory.");
		else
			ftp_reply(s, 200, "Active mode.");
	}
}

void
ftp_cmd_port(struct ftp_session *s)
{
	struct net_addr to;

	if (ftp_port_parse(s->arg, &to) < 0)
		ftp_reply(s, 501, "PORT h1,h2,h3,h4,p1,p2.");
	else
		go_active(s, &to);
}

void
ftp_cmd_eprt(struct ftp_session *s)		/* RFC 2428 2 */
{
	struct net_addr to;
	int r = ftp_eprt_parse(s->arg, &to);

	if (r == -2)
		ftp_reply(s, 522, "Use (1,2).");
	else if (r < 0)
		ftp_reply(s, 501, "EPRT |proto|address|port|.");
	else
		go_active(s, &to);
}
