/*
 * ftp/data.c - the data connection: a passive listener that takes one
 * connection of the control connection's peer, or an active connect to it.
 *
 * Passive ports are chosen at random inside the configured range, both ends
 * included, and never outside it.  Whoever else connects is turned away and
 * the listener goes on waiting (no stealing of data connections).  Through a
 * load balancer it is the header that says who connects.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "session_int.h"

struct ftp_data {
	struct net_task task;		/* the listener */
	struct ftp_session *session;
	int listener;			/* -1: active, or connected */
	bool active, started;
	struct net_addr to;		/* active */
	struct net_stream *stream;
	struct net_stream *guest;	/* owned: who is it? */
	struct net_addr from;		/* the guest's, as far as we know */
	struct net_proxy *proxy;	/* owned: its header is read */
	char reason[160];
};

static void
close_listener(struct ftp_data *d)
{
	if (d->listener < 0)
		return;
	net_task_watch(&d->task, -1, 0);
	close(d->listener);
	d->listener = -1;
}

static void
give_up(struct ftp_data *d, const char *why)
{
	snprintf(d->reason, sizeof(d->reason), "%s", why);
	close_listener(d);
	net_task_wake(&d->session->task);
}

/* Without descriptors it would stay readable for ever. */
static void
accept_failed(struct ftp_data *d)
{
	if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
	    errno == ENOMEM)
		give_up(d, strerror(errno));
}

/* We are the TLS server, whoever has connected (RFC 4217 9). */
static void
protect(struct ftp_data *d)
{
	const struct ftp_server *v = d->session->server;
	struct tls_conn *tls;
	struct err e;

	if (!d->session->protect || net_stream_tls_conn(d->stream) != NULL)
		return;
	tls = tls_server_new(v->identity, v->cache, false, &e);
	if (tls == NULL)
		snprintf(d->reason, sizeof(d->reason), "%.150s", e.text);
	else
		net_stream_tls(d->stream, tls);
}

/* The next one, please. */
static void
turn_away(struct ftp_data *d, const char *why)
{
	char text[NET_ADDR_TEXT];

	log_line(d->session->server->log, LOG_LEVEL_WARNING, "%s data "
	    "connection from %s turned away: %s", d->session->who,
	    net_addr_text(&d->from, text), why);
	net_stream_free(d->guest);
	d->guest = NULL;
	net_task_watch(&d->task, d->listener, NET_READ);
}

static void
judge(struct ftp_data *d)
{
	struct ftp_session *s = d->session;

	if (!net_addr_same_host(&d->from, &s->peer)) {
		turn_away(d, "it is not the client");
		return;
	}
	close_listener(d);
	d->stream = d->guest;
	d->guest = NULL;
	net_stream_owner(d->stream, &s->task);
	protect(d);
	net_task_wake(&s->task);
}

static void
read_proxy(struct ftp_data *d, bool timeout)
{
	struct net_addr from, to;
	int r = net_proxy_read(d->proxy, d->guest, &from, &to);

	if (r == 0 && !timeout)
		return;
	net_task_deadline(&d->task, -1);
	free(d->proxy);
	d->proxy = NULL;
	if (r == 1 && from.len > 0)
		d->from = from;
	if (r == 1)
		judge(d);
	else
		turn_away(d, r < 0 ? "malformed PROXY header" :
		    "no PROXY header");
}

static void
step(struct net_task *t, unsigned why)
{
	struct ftp_data *d = (struct ftp_data *)t;
	struct ftp_session *s = d->session;
	bool proxied;
	int fd;

	if (d->proxy != NULL) {
		read_proxy(d, why & NET_TIMEOUT);
		return;
	}
	fd = net_accept(d->listener, &d->from);
	if (fd < 0) {
		accept_failed(d);
		return;
	}
	proxied = ftp_proxied(s->server->conf, &d->from);
	d->guest = net_stream_new(s->server->loop, fd, &d->task);
	if (d->guest != NULL && proxied)
		d->proxy = calloc(1, sizeof(*d->proxy));
	if (d->guest == NULL || (proxied && d->proxy == NULL)) {
		give_up(d, "out of memory");	/* no other will come */
	} else if (proxied) {
		net_task_watch(&d->task, -1, 0);	/* one by one */
		net_task_deadline(&d->task, FTP_PROXY_MS);
		net_task_wake(&d->task);
	} else {
		judge(d);
	}
}

static struct ftp_data *
data_new(struct ftp_session *s)
{
	struct ftp_data *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	net_task_init(&d->task, s->server->loop, step);
	d->session = s;
	d->listener = -1;
	return d;
}

struct ftp_data *
ftp_data_passive(struct ftp_session *s, uint16_t *port)
{
	const struct conf *c = s->server->conf;
	unsigned n = (unsigned)(c->passive_max - c->passive_min) + 1, i;
	struct ftp_data *d = data_new(s);
	struct net_addr a = s->local;
	uint32_t first;
	struct err e;

	if (d == NULL)
		return NULL;
	tls_random(&first, sizeof(first));
	for (i = 0; i < n && d->listener < 0; i++) {
		*port = (uint16_t)(c->passive_min + (first + i) % n);
		net_addr_set_port(&a, *port);
		d->listener = net_listen(&a, 1, &e);
		if (d->listener < 0 && errno != EADDRINUSE &&
		    errno != EACCES)
			break;
	}
	if (d->listener < 0) {
		log_line(s->server->log, LOG_LEVEL_ERROR,
		    "%s no passive port: %s", s->who, e.text);
		ftp_data_free(d);
		return NULL;
	}
	net_task_watch(&d->task, d->listener, NET_READ);
	return d;
}

struct ftp_data *
ftp_data_active(struct ftp_session *s, const struct net_addr *to)
{
	struct ftp_data *d = data_new(s);

	if (d == NULL)
		return NULL;
	d->active = true;
	d->to = *to;
	return d;
}

void
ftp_data_start(struct ftp_data *d)
{
	struct ftp_session *s = d->session;
	struct net_addr from = s->local;
	struct err e;

	if (!d->active || d->started)
		return;
	d->started = true;
	net_addr_unmap(&from);
	net_addr_set_port(&from, 0);
	d->stream = net_stream_connect(s->server->loop, &d->to,
	    from.ss.ss_family == d->to.ss.ss_family ? &from : NULL, &s->task,
	    &e);
	if (d->stream == NULL)
		snprintf(d->reason, sizeof(d->reason), "%.150s", e.text);
	else
		protect(d);
}

bool
ftp_data_protect(struct ftp_data *d)
{
	if (d->stream == NULL)
		return true;
	if (!d->session->protect)
		return net_stream_tls_conn(d->stream) == NULL;
	protect(d);
	return true;
}

enum ftp_data_state
ftp_data_state(const struct ftp_data *d)
{
	if (d->reason[0] != '\0')
		return DATA_FAILED;
	if (d->stream == NULL ||
	    net_stream_state(d->stream) == NET_CONNECTING)
		return DATA_WAITING;
	/* Ended already is open too: there may be bytes to be read. */
	if (net_stream_state(d->stream) == NET_FAILED)
		return DATA_FAILED;
	return DATA_OPEN;
}

struct net_stream *
ftp_data_stream(const struct ftp_data *d)
{
	return d->stream;
}

const char *
ftp_data_reason(const struct ftp_data *d)
{
	if (d->reason[0] != '\0')
		return d->reason;
	return d->stream != NULL ? net_stream_reason(d->stream) : "no answer";
}

void
ftp_data_free(struct ftp_data *d)
{
	if (d == NULL)
		return;
	close_listener(d);
	net_stream_free(d->stream);
	net_stream_free(d->guest);
	free(d->proxy);
	net_task_end(&d->task);
	free(d);
}
