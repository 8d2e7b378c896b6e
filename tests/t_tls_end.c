/*
 * t_tls_end.c - how TLS ends: by close_notify of either side with data on the
 * way, by a cut, by damage, or because the other end speaks something else.
 */
#include "tls_pair.h"

/* ---- what comes instead of TLS ---- */

#define BYTES(s) (s), sizeof(s) - 1

static const struct {
	const char *bytes;
	size_t n;
	bool to_server;
	const char *want;
} alien_rows[] = {
	{ BYTES("HTTP/1.1 400 Bad Request\r\n"), false,
	  "does not speak TLS (it sent \"HTTP/...\")" },
	{ BYTES("220 ready\r\n"), false, "it sent \"220 r...\"" },
	{ BYTES("GET / HTTP/1.1\r\n"), true, "it sent \"GET /...\"" },
	{ BYTES("\0\0\0\0\0\0"), true, "does not speak TLS" },
	{ BYTES("\x80\x2e\x01\x00\x02\x00"), true, "does not speak TLS" },
	{ BYTES("\x15\x03\x03\0\2\2\x46"), false, "refused TLS 1.2" },
	{ BYTES("\x15\x03\x01\0\2\2\x28"), false, "nothing in common" },
	{ BYTES("\x15\x03\x03\0\2\2\x30"), true, "not trust the issuer" },
	{ BYTES("\x15\x03\x03\0\2\2\xfe"), true, "reports a TLS error" },
	{ BYTES("\x16\x03\x01\xff\xff" "xx"), true, "bad record length" },
	{ BYTES("\x17\x03\x03\0\1x"), true, "unexpected message" },
	/* a hello of TLS 1.0, and an answer of TLS 1.1 */
	{ BYTES("\x16\x03\x01\0\x2d\1\0\0\x29\3\1" "01234567890123456789"
	  "012345678901" "\0\0\2\0\x2f\1\0"), true,
	  "does not speak TLS 1.2" },
	{ BYTES("\x16\x03\x02\0\x2a\2\0\0\x26\3\2" "01234567890123456789"
	  "012345678901" "\0\0\x2f\0"), false, "older than 1.2" },
};

static void
test_aliens(void)
{
	struct tls_conn *c;
	struct pair p;
	size_t i, n;

	for (i = 0; i < sizeof(alien_rows) / sizeof(alien_rows[0]); i++) {
		if (pair_new(&p, &usual)) {
			c = alien_rows[i].to_server ? p.server : p.client;
			feed(c, alien_rows[i].bytes, alien_rows[i].n);
			while (tls_cipher_out(c, &n) != NULL)
				tls_cipher_out_done(c, n);
			CHECK(tls_state(c) == TLS_FAILED &&
			    strstr(tls_reason(c), alien_rows[i].want) != NULL,
			    "row %zu: state %d: %s", i, (int)tls_state(c),
			    tls_reason(c));
			CHECK(tls_cipher_in(c, &n) == NULL, "shut");
			tls_close(c);
			CHECK(tls_state(c) == TLS_FAILED, "stays so");
		}
		pair_free(&p);
	}
}

/* One flipped bit on the way. */
static void
test_damage(void)
{
	unsigned char text[200];
	const unsigned char *q;
	struct pair p;
	size_t n;

	if (pair_open(&p, &usual, ANY)) {
		put(p.client, pattern, 100);
		tls_flush(p.client);
		q = tls_cipher_out(p.client, &n);
		CHECK(q != NULL && n < sizeof(text), "one record");
		if (q != NULL && n < sizeof(text)) {
			memcpy(text, q, n);
			text[n / 2] ^= 1;
			feed(p.server, text, n);
		}
		CHECK(tls_state(p.server) == TLS_FAILED &&
		    strstr(tls_reason(p.server), "damaged") != NULL,
		    "bad MAC: %s", tls_reason(p.server));
		CHECK(!tls_peer_closed(p.server), "not closed properly");
		CHECK(tls_plain_out(p.server, &n) == NULL, "nothing to read");
	}
	pair_free(&p);
}

/* ---- endings ---- */

/* a puts n bytes without a flush and closes at once; b must get them all. */
static void
close_with_data(struct tls_conn *a, struct tls_conn *b, size_t n,
    size_t step, const char *what)
{
	size_t in = 0, out = 0, moved;

	while ((moved = put(a, pattern + in, n - in)) > 0)
		in += moved;
	tls_close(a);
	CHECK(tls_plain_in(a, &moved) == NULL, "%s: no more data", what);
	do {
		moved = get(b, pattern + out, in - out);
		out += moved;
		moved += carry(a, b, step);
		CHECK(!tls_peer_closed(b) || out == in,
		    "%s: closed at %zu of %zu", what, out, in);
	} while (moved > 0);
	CHECK(out == in && in > 0, "%s: %zu of %zu", what, out, in);
	CHECK(tls_peer_closed(b), "%s: close_notify arrived", what);
	CHECK(tls_plain_in(b, &moved) == NULL, "%s: no way back", what);
	CHECK(tls_state(a) == TLS_OPEN, "%s: waits for the answer", what);
	CHECK(tls_cipher_out(a, &moved) == NULL, "%s: all sent", what);
	pump(a, b, step);
	CHECK(tls_state(a) == TLS_CLOSED, "%s: closed here", what);
	CHECK(tls_state(b) == TLS_CLOSED, "%s: closed there", what);
	CHECK(tls_peer_closed(a), "%s: by both", what);
	tls_close(b);
	CHECK(tls_cipher_out(b, &moved) == NULL, "%s: said once", what);
}

static void
test_close(void)
{
	static const size_t sizes[] = { 1, 1000, 16383, 16384 };
	static const size_t steps[] = { 1, ANY };
	struct pair p;
	size_t i, j;

	for (i = 0; i < 4; i++) {
		for (j = 0; j < 2; j++) {
			if (pair_open(&p, &usual, ANY))
				close_with_data(p.client, p.server, sizes[i],
				    steps[j], "client closes");
			pair_free(&p);
			if (pair_open(&p, &usual, ANY))
				close_with_data(p.server, p.client, sizes[i],
				    steps[j], "server closes");
			pair_free(&p);
		}
	}
}

/* The closer has unread data, the other side is in the middle of more. */
static void
close_unread(struct tls_conn *a, struct tls_conn *b, size_t take)
{
	size_t n;

	put(b, pattern, 16384);
	tls_flush(b);
	pump(a, b, ANY);
	CHECK(get(a, pattern, take) == take, "some is read");
	put(b, pattern, 5000);
	tls_close(a);
	CHECK(tls_plain_out(a, &n) == NULL, "the rest is dropped");
	put(b, pattern + 5000, 3000);
	pump(a, b, ANY);
	CHECK(tls_state(a) == TLS_CLOSED, "closed: %s", tls_reason(a));
	CHECK(tls_state(b) == TLS_CLOSED, "closed: %s", tls_reason(b));
}

static void
test_close_unread(void)
{
	struct pair p;

	if (pair_open(&p, &usual, ANY))
		close_unread(p.client, p.server, 100);
	pair_free(&p);
	if (pair_open(&p, &usual, ANY))
		close_unread(p.server, p.client, 1);
	pair_free(&p);
}

/* Both at once; with unread data and unsent data on both sides. */
static void
test_close_crossing(void)
{
	struct pair p;

	if (pair_open(&p, &usual, ANY)) {
		put(p.client, pattern, 16384);
		put(p.server, pattern, 16384);
		pump(p.client, p.server, ANY);
		put(p.client, pattern, 10);
		put(p.server, pattern, 10);
		tls_close(p.client);
		tls_close(p.server);
		pump(p.client, p.server, 3);
		CHECK(tls_state(p.client) == TLS_CLOSED, "client");
		CHECK(tls_state(p.server) == TLS_CLOSED, "server");
		CHECK(tls_peer_closed(p.client), "client");
		CHECK(tls_peer_closed(p.server), "server");
	}
	pair_free(&p);
}

static void
test_close_early(void)
{
	struct pair p;

	if (pair_new(&p, &usual)) {
		tls_close(p.client);
		pump(p.client, p.server, ANY);
		CHECK(tls_state(p.client) == TLS_CLOSED, "client");
		CHECK(tls_state(p.server) == TLS_CLOSED &&
		    strstr(tls_reason(p.server), "during") != NULL,
		    "server: %s", tls_reason(p.server));
		CHECK(tls_peer_closed(p.server), "said so");
	}
	pair_free(&p);
}

/* Bytes that arrived before a cut stay readable; the cut is no close. */
static void
test_cut(void)
{
	struct pair p;
	size_t n;

	if (pair_open(&p, &usual, ANY)) {
		put(p.client, pattern, 3000);
		tls_flush(p.client);
		pump(p.client, p.server, ANY);
		put(p.client, pattern + 3000, 3000);
		tls_close(p.client);
		carry(p.client, p.server, 1000);	/* and no more */
		CHECK(get(p.server, pattern, 16384) == 3000, "what came");
		CHECK(tls_plain_out(p.server, &n) == NULL, "no half record");
		CHECK(!tls_peer_closed(p.server), "it is not the end");
		CHECK(tls_state(p.server) == TLS_OPEN, "nor a failure");
	}
	pair_free(&p);
}

int
main(void)
{
	static void (*const tests[])(void) = {
		test_aliens, test_damage, test_close, test_close_unread,
		test_close_crossing, test_close_early, test_cut, NULL
	};

	return run(tests, "t_tls_end");
}
