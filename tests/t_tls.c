/*
 * t_tls.c - TLS between our own client and server: handshakes, data of all
 * sizes, resumption, and certificates that must be refused.
 */
#include "tls_pair.h"

/* ---- handshakes and data ---- */

static void
test_handshakes(void)
{
	static const struct setup rows[] = {
		{ .trust = "ca.pem", .cert = "ec.pem", .key = "ec.key",
		  .name = "localhost" },
		{ .trust = "ca.pem", .cert = "rsa.pem", .key = "rsa.key",
		  .name = "LocalHost." },
		{ .trust = "ca.pem", .cert = "chain.pem", .key = "chain.key",
		  .name = "bucket.localhost" },
		{ .trust = "self.pem", .cert = "self.pem", .key = "self.key",
		  .name = "localhost" },
		{ .trust = "ca.pem", .cert = "chain.pem", .key = "chain.key",
		  .name = "localhost", .small = true },
	};
	static const size_t steps[] = { 1, 7, ANY };
	struct pair p;
	size_t i, j;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (j = 0; j < 3; j++) {
			if (pair_open(&p, &rows[i], steps[j])) {
				CHECK(transfer(p.client, p.server, 100,
				    steps[j], ANY) == 100, "to the server");
				CHECK(transfer(p.server, p.client, 100,
				    steps[j], ANY) == 100, "to the client");
				CHECK(!tls_resumed(p.client), "not resumed");
				CHECK(!tls_resumed(p.server), "not resumed");
			}
			pair_free(&p);
		}
	}
}

static void
test_sizes(void)
{
	static const size_t sizes[] = { 1, 2, 511, 512, 513, 1023, 1024, 1025,
	    4095, 4096, 4097, 16383, 16384, 16385, 32767, 32768, 32769,
	    100000 };
	struct pair p;
	size_t i, n;

	if (pair_open(&p, &usual, ANY)) {
		for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			n = sizes[i];
			CHECK(transfer(p.client, p.server, n, ANY, ANY) == n,
			    "%zu to the server", n);
			CHECK(transfer(p.server, p.client, n, 1000, 777) == n,
			    "%zu to the client", n);
			CHECK(transfer(p.client, p.server, n, 1, 1) == n,
			    "%zu by single bytes", n);
		}
	}
	pair_free(&p);
}

static void
test_bulk(void)
{
	unsigned char want[TLS_MD5_LEN], got[TLS_MD5_LEN];
	const unsigned char *q;
	struct tls_md5 m;
	struct pair p;
	size_t in = 0, n;
	bool more;

	tls_md5_init(&m);
	tls_md5_update(&m, pattern, BULK);
	tls_md5_final(&m, want);
	tls_md5_init(&m);
	if (pair_open(&p, &usual, ANY)) {
		do {
			n = put(p.server, pattern + in, BULK - in);
			in += n;
			if (in == BULK)
				tls_flush(p.server);
			more = n > 0;
			more |= carry(p.server, p.client, ANY);
			while ((q = tls_plain_out(p.client, &n)) != NULL) {
				tls_md5_update(&m, q, n);
				tls_plain_out_done(p.client, n);
				more = true;
			}
		} while (more);
		tls_md5_final(&m, got);
		CHECK(in == BULK && memcmp(want, got, sizeof(want)) == 0,
		    "10 MB arrive as they are");
	}
	pair_free(&p);
}

/* A control connection: short lines one way, replies of any size the other;
 * now and then a full record among the short ones. */
static void
test_small(void)
{
	static const size_t sizes[] = { 1, 16384, 1, 1200, 1320, 1321, 1400,
	    16384, 40000, 1, 5000, 16383 };
	struct setup s = usual;
	struct pair p;
	size_t i;

	s.small = true;
	if (pair_open(&p, &s, ANY)) {
		CHECK(transfer(p.client, p.server, 4096, ANY, ANY) == 4096,
		    "a line of 4 KB");
		CHECK(transfer(p.server, p.client, 100000, ANY, ANY) ==
		    100000, "long replies");
		for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
			CHECK(transfer(p.client, p.server, sizes[i], ANY,
			    i % 2 ? 1 : ANY) == sizes[i], "%zu bytes",
			    sizes[i]);
		CHECK(tls_state(p.server) == TLS_OPEN, "still open");
	}
	pair_free(&p);
}

/* ---- buffers given back ---- */

/* Lean: without its buffers. */
static bool
lean(struct tls_conn *c)
{
	tls_rest(c);
	return tls_bytes(c) < 6 * 1024;
}

static void
test_rest(void)
{
	struct pair p;
	size_t full, n;

	if (!pair_new(&p, &usual))
		return;
	full = tls_bytes(p.client);
	CHECK(full <= tls_bytes_max() && full > 36 * 1024, "%zu bytes of %zu",
	    full, tls_bytes_max());
	CHECK(!lean(p.client) && !lean(p.server), "not in the handshake");
	pump(p.client, p.server, ANY);
	CHECK(tls_state(p.client) == TLS_OPEN, "open");
	CHECK(lean(p.client) && lean(p.server), "%zu and %zu bytes",
	    tls_bytes(p.client), tls_bytes(p.server));
	CHECK(tls_plain_out(p.client, &n) == NULL && n == 0 &&
	    tls_cipher_out(p.client, &n) == NULL && n == 0 &&
	    !tls_peer_closed(p.client) && tls_state(p.client) == TLS_OPEN,
	    "nothing to be had, and open");
	tls_flush(p.client);
	CHECK(lean(p.client), "nothing to be sent");

	put(p.client, pattern, 100);
	CHECK(!lean(p.client), "plain bytes wait");
	tls_flush(p.client);
	CHECK(!lean(p.client), "a record waits");
	carry(p.client, p.server, 3);
	CHECK(!lean(p.client) && !lean(p.server), "part of its head");
	carry(p.client, p.server, 2);
	CHECK(!lean(p.client) && !lean(p.server), "its head");
	while (carry(p.client, p.server, 1))
		CHECK(!lean(p.server), "part of it, or unread");
	CHECK(lean(p.client), "all is out");
	CHECK(get(p.server, pattern, 99) == 99 && !lean(p.server),
	    "a byte is unread");
	CHECK(get(p.server, pattern + 99, 99) == 1 && lean(p.server),
	    "all is read");
	pair_free(&p);
}

/* One rests: the other's close_notify finds it and is answered; or it begins
 * to close itself. */
static void
test_rest_close(void)
{
	struct pair p;
	int i;

	for (i = 0; i < 2; i++) {
		if (pair_open(&p, &usual, ANY)) {
			CHECK(lean(p.client) && lean(p.server), "both rest");
			tls_close(i == 0 ? p.client : p.server);
			pump(p.client, p.server, 1);
			CHECK(tls_state(p.client) == TLS_CLOSED &&
			    tls_state(p.server) == TLS_CLOSED,
			    "closed: %s, %s", tls_reason(p.client),
			    tls_reason(p.server));
		}
		pair_free(&p);
	}
}

/* ---- resumption ---- */

static void
expect_resumed(const struct setup *s, bool want, const char *what)
{
	struct pair p;

	if (pair_open(&p, s, ANY)) {
		CHECK(tls_resumed(p.client) == want, "%s: client", what);
		CHECK(tls_resumed(p.server) == want, "%s: server", what);
		CHECK(transfer(p.client, p.server, 20000, ANY, ANY) == 20000,
		    "%s: data", what);
		CHECK(transfer(p.server, p.client, 20000, ANY, ANY) == 20000,
		    "%s: data", what);
	}
	pair_free(&p);
}

static void
test_resumption(void)
{
	struct setup s = usual;
	struct pair p;

	s.session = tls_session_new();
	s.cache = tls_cache_new(10000);
	expect_resumed(&s, false, "first");
	expect_resumed(&s, true, "second");
	expect_resumed(&s, true, "third");
	s.cert = "rsa.pem", s.key = "rsa.key";
	expect_resumed(&s, true, "the certificate is not looked at");
	s.name = "other.localhost";
	expect_resumed(&s, false, "not for another name");
	s.name = "localhost";
	expect_resumed(&s, false, "one name at a time");
	tls_cache_free(s.cache);
	s.cache = tls_cache_new(0);		/* room for one */
	expect_resumed(&s, false, "the server has forgotten");
	expect_resumed(&s, true, "and learns anew");
	if (pair_new(&p, &s))
		feed(p.client, "rubbish", 7);
	pair_free(&p);
	expect_resumed(&s, false, "forgotten after a failure");
	if (pair_new(&p, &s))
		feed(p.server, "rubbish", 7);
	pair_free(&p);
	expect_resumed(&s, false, "forgotten when left in the handshake");
	expect_resumed(&s, true, "and again");
	tls_cache_free(s.cache);
	s.cache = NULL;
	expect_resumed(&s, false, "no cache");
	expect_resumed(&s, false, "no cache");
	tls_session_free(s.session);
}

/* ---- refusals ---- */

static void
test_refusals(void)
{
	static const struct {
		struct setup s;
		const char *want, *fault;
	} rows[] = {
		{ { .trust = "ca.pem", .cert = "wrong.pem", .key = "ec.key",
		  .name = "localhost" }, "not for the host name localhost", NULL },
		{ { .trust = "ca.pem", .cert = "ec.pem", .key = "ec.key",
		  .name = "a.b.localhost" }, "not for the host name a.b.", NULL },
		{ { .trust = "other-ca.pem", .cert = "ec.pem",
		  .key = "ec.key", .name = "localhost" }, "is not trusted", NULL },
		{ { .trust = "ca.pem", .cert = "self.pem", .key = "self.key",
		  .name = "localhost" }, "is not trusted", NULL },
		{ { .trust = "ca.pem", .cert = "leaf.pem", .key = "chain.key",
		  .name = "localhost" }, "is not trusted", NULL },
		{ { .trust = "ca.pem", .cert = "expired.pem", .key = "ec.key",
		  .name = "localhost" }, "expired or is not yet valid (it is",
		  "has expired" },
		{ { .trust = "ca.pem", .cert = "future.pem", .key = "ec.key",
		  .name = "localhost" }, "expired or is not yet valid (it is",
		  "is not valid yet" },
	};
	const char *fault;
	struct pair p;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (pair_new(&p, &rows[i].s)) {
			pump(p.client, p.server, ANY);
			CHECK(tls_state(p.client) == TLS_FAILED &&
			    strstr(tls_reason(p.client), rows[i].want) !=
			    NULL, "%s, %s: %s", rows[i].s.cert,
			    rows[i].s.name, tls_reason(p.client));
			CHECK(tls_state(p.server) == TLS_HANDSHAKE,
			    "the server waits");
			fault = tls_identity_fault(p.id);
			CHECK(rows[i].fault == NULL ? fault == NULL :
			    fault != NULL && strcmp(fault, rows[i].fault) == 0,
			    "%s: %s", rows[i].s.cert, fault);
			CHECK(transfer(p.client, p.server, 1, ANY, ANY) == 0,
			    "nothing goes through");
		}
		pair_free(&p);
	}
}

static void
test_names(void)
{
	static const struct {
		const char *name, *want;
	} rows[] = {
		{ "127.0.0.1", "IP address" },
		{ "::1", "IP address" },
		{ "[::1]", "IP address" },
		{ "", "not a host name" },
	};
	static char longest[300];
	struct tls_trust *trust;
	struct tls_conn *c;
	struct err e = { "" };
	char ca[128];
	size_t i;

	snprintf(ca, sizeof(ca), "%s/ca.pem", dir);
	trust = tls_trust_load(ca, &e);
	CHECK(trust != NULL, "%s", e.text);
	for (i = 0; trust != NULL && i < sizeof(rows) / sizeof(rows[0]);
	    i++) {
		c = tls_client_new(trust, rows[i].name, NULL, &e);
		CHECK(c == NULL && strstr(e.text, rows[i].want) != NULL,
		    "%s: %s", rows[i].name, e.text);
		tls_free(c);
	}
	memset(longest, 'x', sizeof(longest) - 1);
	c = tls_client_new(trust, longest, NULL, &e);
	CHECK(c == NULL, "a name too long");
	tls_free(c);
	tls_trust_free(trust);
}

int
main(void)
{
	static void (*const tests[])(void) = {
		test_handshakes, test_sizes, test_bulk, test_small,
		test_rest, test_rest_close, test_resumption, test_refusals,
		test_names, NULL
	};

	return run(tests, "t_tls");
}
