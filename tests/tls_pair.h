/*
 * tests/tls_pair.h - a client pump and a server pump, joined in memory; and
 * the certificates of tests/mkcert.sh for them.
 *
 * Cipher bytes are carried from one to the other in steps of a chosen size.
 */
#ifndef COSFTPD_TLS_PAIR_H
#define COSFTPD_TLS_PAIR_H

#include <unistd.h>

#include "../tls/tls.h"
#include "test.h"

enum { BULK = 10 * 1024 * 1024, ANY = 1 << 20 };

static char dir[] = "/tmp/t_tls.XXXXXX";
static bool resting;		/* give buffers back whenever it is possible */
static unsigned char pattern[BULK];

/* ---- carrying ---- */

static inline void
rest(struct tls_conn *c)
{
	if (resting)
		tls_rest(c);
}

static inline bool
carry(struct tls_conn *from, struct tls_conn *to, size_t step)
{
	const unsigned char *p;
	unsigned char *q;
	size_t n, room;

	p = tls_cipher_out(from, &n);
	q = tls_cipher_in(to, &room);
	if (p == NULL || q == NULL)
		return false;
	if (n > room)
		n = room;
	if (n > step)
		n = step;
	memcpy(q, p, n);
	tls_cipher_out_done(from, n);
	tls_cipher_in_done(to, n);
	rest(from);
	rest(to);
	return true;
}

static inline void
pump(struct tls_conn *a, struct tls_conn *b, size_t step)
{
	bool moved;

	do {
		moved = carry(a, b, step);
		moved |= carry(b, a, step);
	} while (moved);
}

/* What never came out of from is lost; to is given these bytes instead. */
static inline void
feed(struct tls_conn *to, const void *data, size_t n)
{
	const unsigned char *p = data;
	unsigned char *q;
	size_t room;

	while (n > 0 && (q = tls_cipher_in(to, &room)) != NULL) {
		if (room > n)
			room = n;
		memcpy(q, p, room);
		tls_cipher_in_done(to, room);
		p += room;
		n -= room;
	}
}

static inline size_t
put(struct tls_conn *c, const unsigned char *p, size_t n)
{
	unsigned char *q;
	size_t room;

	q = tls_plain_in(c, &room);
	if (q == NULL)
		return 0;
	if (room > n)
		room = n;
	memcpy(q, p, room);
	tls_plain_in_done(c, room);
	rest(c);
	return room;
}

/* at most n bytes, compared with what is expected there */
static inline size_t
get(struct tls_conn *c, const unsigned char *want, size_t n)
{
	const unsigned char *p;
	size_t have;

	p = tls_plain_out(c, &have);
	if (p == NULL)
		return 0;
	if (have > n)
		have = n;
	CHECK(memcmp(p, want, have) == 0, "plain bytes differ");
	tls_plain_out_done(c, have);
	rest(c);
	return have;
}

/* Returns how many of the n bytes came through. */
static inline size_t
transfer(struct tls_conn *a, struct tls_conn *b, size_t n, size_t step,
    size_t take)
{
	size_t in = 0, out = 0, moved;

	do {
		moved = put(a, pattern + in, n - in);
		in += moved;
		if (moved > 0 && in == n)
			tls_flush(a);
		moved += carry(a, b, step);
		moved += carry(b, a, step);
		if (out < n) {
			size_t got = get(b, pattern + out,
			    take < n - out ? take : n - out);

			out += got;
			moved += got;
		}
	} while (moved > 0);
	return out;
}

/* ---- pairs ---- */

struct setup {
	const char *trust, *cert, *key, *name;
	struct tls_session *session;
	struct tls_cache *cache;
	bool small;
};

struct pair {
	struct tls_trust *trust;
	struct tls_identity *id;
	struct tls_conn *client, *server;
};

static const struct setup usual = { .trust = "ca.pem", .cert = "ec.pem",
    .key = "ec.key", .name = "localhost" };

static inline bool
pair_new(struct pair *p, const struct setup *s)
{
	char ca[128], cert[128], key[128];
	struct err e = { "" };

	snprintf(ca, sizeof(ca), "%s/%s", dir, s->trust);
	snprintf(cert, sizeof(cert), "%s/%s", dir, s->cert);
	snprintf(key, sizeof(key), "%s/%s", dir, s->key);
	memset(p, 0, sizeof(*p));
	if ((p->trust = tls_trust_load(ca, &e)) == NULL ||
	    (p->id = tls_identity_load(cert, key, &e)) == NULL ||
	    (p->client = tls_client_new(p->trust, s->name, s->session,
	    &e)) == NULL ||
	    (p->server = tls_server_new(p->id, s->cache, s->small,
	    &e)) == NULL) {
		CHECK(0, "%s", e.text);
		return false;
	}
	return true;
}

static inline void
pair_free(struct pair *p)
{
	tls_free(p->client);
	tls_free(p->server);
	tls_identity_free(p->id);
	tls_trust_free(p->trust);
}

static inline bool
pair_open(struct pair *p, const struct setup *s, size_t step)
{
	if (!pair_new(p, s))
		return false;
	CHECK(tls_state(p->client) == TLS_HANDSHAKE, "client begins");
	CHECK(tls_state(p->server) == TLS_HANDSHAKE, "server begins");
	pump(p->client, p->server, step);
	CHECK(tls_state(p->client) == TLS_OPEN, "%s: client: %s", s->cert,
	    tls_reason(p->client));
	CHECK(tls_state(p->server) == TLS_OPEN, "%s: server: %s", s->cert,
	    tls_reason(p->server));
	return tls_state(p->client) == TLS_OPEN &&
	    tls_state(p->server) == TLS_OPEN;
}

/* ---- running ---- */

static inline int
run(void (*const tests[])(void), const char *name)
{
	char command[256];
	size_t i;

	if (mkdtemp(dir) == NULL) {
		perror(dir);
		return 1;
	}
	tls_random(pattern, sizeof(pattern));
	snprintf(command, sizeof(command), "tests/mkcert.sh '%s'", dir);
	if (system(command) == 0) {
		do {
			for (i = 0; tests[i] != NULL; i++)
				tests[i]();
			resting = !resting;
		} while (resting);
	} else {
		CHECK(0, "tests/mkcert.sh fails");
	}
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	CHECK(system(command) == 0, "clean up");
	return test_end(name);
}

#endif
