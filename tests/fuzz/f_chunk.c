/*
 * f_chunk.c - a chunked body: the same bytes and the same end, or the same
 * refusal, however it arrives; and a body written by us comes out whole.
 */
#include "../../net/net_int.h"
#include "fuzz.h"

enum { OPEN, DONE, BAD };

/* Takes one piece; *used of it, which is all while the body goes on. */
static int
feed(struct http_chunk *c, const char *p, size_t n, size_t *used,
    struct story *s)
{
	struct err e;
	ssize_t took;
	size_t at = 0, some;

	while (at < n && !c->done) {
		took = http_chunk_feed(c, p + at, n - at, &e);
		if (took < 0)
			return BAD;
		MUST((size_t)took <= n - at && c->left >= 0);
		MUST(took > 0 || c->left > 0);
		at += (size_t)took;
		some = c->left < (int64_t)(n - at) ? (size_t)c->left : n - at;
		tell(s, p + at, some);
		at += some;
		if (some > 0)
			http_chunk_took(c, some);
	}
	*used = at;
	return c->done ? DONE : OPEN;
}

static void
round_trip(const uint8_t *data, size_t n, unsigned pattern)
{
	static struct story coded, body;
	struct http_chunk c;
	struct pieces s;
	const char *p;
	size_t len, used;

	coded.n = body.n = 0;
	pieces_begin(&s, data, n, pattern);
	while ((p = pieces_next(&s, &len)) != NULL) {
		tellf(&coded, pattern & 1 ? "%zx\r\n" : "00%zX;a=b\r\n", len);
		tell(&coded, p, len);
		tellf(&coded, "\r\n");
	}
	tellf(&coded, "0\r\n\r\n");
	http_chunk_init(&c);
	MUST(feed(&c, coded.text, coded.n, &used, &body) == DONE);
	MUST(used == coded.n && body.n == n);
	MUST(n == 0 || memcmp(body.text, data, n) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct story whole, cut;
	struct http_chunk a, b;
	struct pieces s;
	size_t len, used = 0, total = 0, all = 0;
	int rc = OPEN, want;
	const char *p;

	if (n == 0)
		return 0;
	round_trip(data + 1, n - 1, data[0]);
	whole.n = cut.n = 0;
	http_chunk_init(&a);
	http_chunk_init(&b);
	want = feed(&a, (const char *)data + 1, n - 1, &all, &whole);
	pieces_begin(&s, data + 1, n - 1, data[0]);
	while (rc == OPEN && (p = pieces_next(&s, &len)) != NULL) {
		rc = feed(&b, p, len, &used, &cut);
		total += used;
	}
	pieces_end(&s);
	MUST(rc == want && same_story(&whole, &cut));
	MUST(rc == BAD || total == all);
	return 0;
}
