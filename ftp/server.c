/*
 * ftp/server.c - the listener, the limits on sessions, the drain.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "session_int.h"

enum {
	BACKLOG = 511,
	ACCEPT_BATCH = 64,		/* of one turn */
	YIELD_MS = 1,			/* to a worker with fewer sessions */
	PAUSE_MS = 200,			/* after running out of descriptors */
	MASQ_MS = 60 * 1000,
	TLS_CACHE_BYTES = 256 * 1024	/* sessions of FTPS, 100 bytes each */
};

static const char banned[] = "Too many failed logins from your address";

/* The ban itself was logged. */
static void
log_refusal(struct ftp_server *v, const struct net_addr *peer, const char *why)
{
	char text[NET_ADDR_TEXT];

	log_line(v->log, why == banned ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING,
	    "refused %s: %s", net_addr_text(peer, text), why);
}

/* A polite no: one line and the end.  A client that awaits TLS gets the end
 * only: a handshake for a word would be too much. */
static void
refuse(struct ftp_listener *l, int fd, const struct net_addr *peer,
    const char *why)
{
	struct ftp_server *v = l->server;
	struct net_stream *t = net_stream_new(v->loop, fd, NULL);
	char line[128];

	log_refusal(v, peer, why);
	if (t == NULL)
		return;
	snprintf(line, sizeof(line), "421 %s, try again later.\r\n", why);
	if (!l->tls)
		net_stream_put(t, line, strlen(line));
	net_stream_shutdown(t);
	net_stream_free(t);
}

/* The seat of who comes, and whether there is a reason (not NULL) against it.
 * Where a balancer has yet to say who it is, it is nobody. */
static const char *
take_seat(struct ftp_server *v, const struct net_addr *peer, bool known,
    struct ftp_seat **seat)
{
	uint64_t address = known ? ftp_address_key(peer) : 0;
	size_t per_ip = (size_t)v->conf->max_per_ip;

	*seat = ftp_seat_take(v->share, v->slot, address);
	if (*seat == NULL || (v->max_sessions > 0 &&
	    ftp_share_sessions(v->share) > v->max_sessions))
		return "Too many connections";
	if (known && per_ip > 0 &&
	    ftp_share_sessions_of(v->share, address) > per_ip)
		return "Too many connections from your address";
	return known && ftp_limits_banned(v->limits, peer, net_now(v->loop)) >
	    0 ? banned : NULL;
}

static void
admit(struct ftp_listener *l, int fd, const struct net_addr *peer)
{
	struct ftp_server *v = l->server;
	bool proxied = ftp_proxied(v->conf, peer);
	struct ftp_seat *seat;
	const char *why = take_seat(v, peer, !proxied, &seat);

	if (why == NULL) {
		ftp_session_new(v, fd, peer, l->tls, proxied, seat);
		return;
	}
	ftp_seat_leave(v->share, v->slot, seat);
	refuse(l, fd, peer, why);
}

const char *
ftp_server_readmit(struct ftp_session *s)
{
	struct ftp_server *v = s->server;
	const char *why;

	ftp_seat_leave(v->share, v->slot, s->seat);
	why = take_seat(v, &s->peer, true, &s->seat);
	if (why != NULL)
		log_refusal(v, &s->peer, why);
	return why;
}

static void
rest(struct ftp_listener *l, int ms)
{
	net_task_watch(&l->task, l->fd, 0);
	net_task_deadline(&l->task, ms);
}

/* Without a free descriptor accept() would fail for ever: use the spare one
 * to take the client off the queue with a word, then rest a little. */
static void
out_of_descriptors(struct ftp_listener *l)
{
	struct ftp_server *v = l->server;
	struct net_addr peer;
	int fd;

	close(v->spare);
	fd = net_accept(l->fd, &peer);
	if (fd >= 0)
		refuse(l, fd, &peer, "The server is out of descriptors");
	v->spare = net_bell_new(NULL);
	rest(l, PAUSE_MS);
}

/* The kernel wakes every worker for a new connection: the one with the fewest
 * sessions should have it, the others take it only if it is still there a
 * moment later. */
static void
step(struct net_task *t, unsigned why)
{
	struct ftp_listener *l = (struct ftp_listener *)t;
	struct ftp_server *v = l->server;
	struct net_addr peer;
	int i, fd;

	if (why & NET_TIMEOUT)
		net_task_watch(&l->task, l->fd, NET_READ);
	for (i = 0; i < ACCEPT_BATCH; i++) {
		if ((i > 0 || !(why & NET_TIMEOUT)) &&
		    ftp_share_is_busiest(v->share, v->slot)) {
			rest(l, YIELD_MS);
			return;
		}
		fd = net_accept(l->fd, &peer);
		if (fd >= 0) {
			admit(l, fd, &peer);
		} else if (errno == EMFILE || errno == ENFILE ||
		    errno == ENOBUFS || errno == ENOMEM) {
			out_of_descriptors(l);
			return;
		} else if (errno != ECONNABORTED && errno != EINTR) {
			return;
		}
	}
}

/* ---- masquerade_address as a name: asked at start and every minute ---- */

static void
masq_step(struct net_task *t, unsigned why)
{
	struct ftp_server *v = (struct ftp_server *)
	    ((char *)t - offsetof(struct ftp_server, masq_task));
	const struct net_addr *a;
	size_t n, i;

	if (why & NET_TIMEOUT) {
		net_lookup_free(v->masq_lookup);
		v->masq_lookup = net_lookup_new(v->resolver,
		    v->conf->masquerade_address, 0, t);
	}
	if (v->masq_lookup == NULL || !net_lookup_done(v->masq_lookup))
		return;
	a = net_lookup_result(v->masq_lookup, &n);
	for (i = 0; i < n; i++) {
		if (net_addr_is4(&a[i])) {
			v->masq = a[i];
			v->has_masq = true;
			break;
		}
	}
	if (!v->has_masq)
		log_line(v->log, LOG_LEVEL_WARNING, "masquerade_address = %s "
		    "has no IPv4 address: %s", v->conf->masquerade_address,
		    net_lookup_reason(v->masq_lookup));
	net_lookup_free(v->masq_lookup);
	v->masq_lookup = NULL;
	net_task_deadline(t, MASQ_MS);
}

static void
masq_start(struct ftp_server *v)
{
	const char *name = v->conf->masquerade_address;

	net_task_init(&v->masq_task, v->loop, masq_step);
	if (name == NULL)
		return;
	if (net_addr_parse(&v->masq, name, 0) == 0)
		v->has_masq = true;
	else
		net_task_deadline(&v->masq_task, 0);
}

static int
listen_on(const struct conf *c, uint16_t port, struct err *e)
{
	struct net_addr a;

	if (c->listen_address == NULL)
		return net_listen_any(port, BACKLOG, e);
	if (net_addr_parse(&a, c->listen_address, port) < 0)
		return err_set(e, "listen_address = %s is not an address",
		    c->listen_address);
	return net_listen(&a, BACKLOG, e);
}

int
ftp_listen(struct ftp_listeners *s, const struct conf *c, struct err *e)
{
	s->implicit = -1;
	s->plain = listen_on(c, c->listen_port, e);
	if (s->plain < 0 || c->implicit_port == 0)
		return s->plain < 0 ? -1 : 0;
	s->implicit = listen_on(c, c->implicit_port, e);
	return s->implicit < 0 ? -1 : 0;
}

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* The old descriptor once more where nothing changed. */
static int
keep_or_listen(const struct conf *c, uint16_t port, const struct conf *old,
    uint16_t old_port, int fd, struct err *e)
{
	int again;

	if (port != old_port ||
	    !same_text(c->listen_address, old->listen_address))
		return listen_on(c, port, e);
	again = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return again >= 0 ? again : err_sys(e, "port %u", port);
}

int
ftp_listen_again(struct ftp_listeners *s, const struct conf *c,
    const struct ftp_listeners *from, const struct conf *old, struct err *e)
{
	s->implicit = -1;
	s->plain = keep_or_listen(c, c->listen_port, old, old->listen_port,
	    from->plain, e);
	if (s->plain >= 0 && c->implicit_port != 0)
		s->implicit = keep_or_listen(c, c->implicit_port, old,
		    old->implicit_port, from->implicit, e);
	if (s->plain >= 0 && (s->implicit >= 0 || c->implicit_port == 0))
		return 0;
	ftp_listeners_close(s);
	return -1;
}

void
ftp_listeners_close(struct ftp_listeners *s)
{
	if (s->plain >= 0)
		close(s->plain);
	if (s->implicit >= 0)
		close(s->implicit);
	s->plain = s->implicit = -1;
}

uint16_t
ftp_listeners_port(const struct ftp_listeners *s)
{
	struct net_addr a;

	return net_local(s->plain, &a) == 0 ? net_addr_port(&a) : 0;
}

static void
listener_start(struct ftp_server *v, struct ftp_listener *l, int fd, bool tls)
{
	net_task_init(&l->task, v->loop, step);
	l->server = v;
	l->fd = fd;
	l->tls = tls;
	if (fd >= 0)
		net_task_watch(&l->task, fd, NET_READ);
}

struct ftp_server *
ftp_server_new(struct net_loop *l, struct net_resolver *resolver,
    struct net_helper *helper, struct cos_bucket *const *buckets, int slot,
    const struct ftp_worker_settings *set, struct err *e)
{
	const struct conf *conf = set->conf;
	struct ftp_server *v = calloc(1, sizeof(*v));

	if (v == NULL) {
		err_set(e, "out of memory");
		return NULL;
	}
	v->loop = l;
	v->log = set->log;
	v->xferlog = set->xferlog;
	v->conf = conf;
	v->buckets = buckets;
	v->resolver = resolver;
	v->helper = helper;
	v->identity = set->identity;
	v->cache = v->identity != NULL ? tls_cache_new(TLS_CACHE_BYTES) : NULL;
	if (v->identity != NULL && v->cache == NULL) {
		err_set(e, "out of memory");
		free(v);
		return NULL;
	}
	v->share = set->ftp_share;
	v->limits = set->limits;
	v->slot = slot;
	if (conf->max_connection_num > 0) {
		/* control and data connection each, and one to refuse with */
		v->max_sessions = (size_t)(conf->max_connection_num - 1) / 2;
		if (v->max_sessions == 0)
			v->max_sessions = 1;
	}
	if (ftp_encoding_used(conf)) {
		v->gbk = ftp_gbk_new();
		if (v->gbk == NULL) {
			free(v);
			err_set(e, "out of memory");
			return NULL;
		}
	}
	v->spare = net_bell_new(NULL);	/* needs no file */
	masq_start(v);
	listener_start(v, &v->plain, set->listeners->plain, false);
	listener_start(v, &v->implicit, set->listeners->implicit, true);
	ftp_share_open(v->share, slot, true);
	return v;
}

size_t
ftp_server_sessions(const struct ftp_server *v)
{
	return v->nsessions;
}

void
ftp_server_retire(struct ftp_server *v, struct net_task *owner)
{
	ftp_share_open(v->share, v->slot, false);
	v->drain_owner = owner;
	net_task_end(&v->plain.task);
	net_task_end(&v->implicit.task);
	if (v->nsessions == 0)
		net_task_wake(owner);
}

void
ftp_server_drain(struct ftp_server *v, bool hard, struct net_task *owner)
{
	struct ftp_session *s, *next;

	v->draining = true;
	v->hard = hard;
	ftp_server_retire(v, owner);
	for (s = v->sessions; s != NULL; s = next) {
		next = s->next;
		ftp_session_drain(s, hard);
	}
}

void
ftp_server_free(struct ftp_server *v)
{
	if (v == NULL)
		return;
	while (v->sessions != NULL)
		ftp_session_free(v->sessions);
	if (v->spare >= 0)
		close(v->spare);
	tls_cache_free(v->cache);
	net_lookup_free(v->masq_lookup);
	net_task_end(&v->masq_task);
	net_task_end(&v->plain.task);
	net_task_end(&v->implicit.task);
	ftp_gbk_free(v->gbk);
	free(v);
}
