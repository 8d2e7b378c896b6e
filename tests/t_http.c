/*
 * tests/t_http.c - net/http_head.c: response heads and chunked framing, whole
 * and in every prefix, against an unreadable page.
 */
#include <inttypes.h>

#include "../net/net_int.h"
#include "guard.h"
#include "test.h"

#define OK	"HTTP/1.1 200 OK\r\n"
#define END	"\r\n\r\n"

static const struct {
	const char *text;
	int status;
	bool keep_alive, chunked;
	int64_t length;
	size_t nfields;
} good[] = {
	{ OK "\r\n", 200, true, false, -1, 0 },
	{ "HTTP/1.1 200 \r\n\r\n", 200, true, false, -1, 0 },
	{ "HTTP/1.1 200\r\n\r\n", 200, true, false, -1, 0 },
	{ "HTTP/1.0 200 OK\r\n\r\n", 200, false, false, -1, 0 },
	{ "HTTP/1.1 100 Continue\r\n\r\n", 100, true, false, -1, 0 },
	{ "HTTP/1.1 599 \xe4\xb8\xad\t!\r\n\r\n", 599, true, false, -1, 0 },
	{ OK "Content-Length: 0" END, 200, true, false, 0, 1 },
	{ OK "content-LENGTH:42" END, 200, true, false, 42, 1 },
	{ OK "Content-Length: \t 007 \t" END, 200, true, false, 7, 1 },
	{ OK "Content-Length: 5368709121" END, 200, true, false, 5368709121, 1 },
	{ OK "Content-Length: 9223372036854775807" END, 200, true, false, INT64_MAX, 1 },
	{ OK "Transfer-Encoding: chunked" END, 200, true, true, -1, 1 },
	{ OK "transfer-encoding: CHUNKED\t" END, 200, true, true, -1, 1 },
	{ OK "Connection: close" END, 200, false, false, -1, 1 },
	{ OK "Connection: Close" END, 200, false, false, -1, 1 },
	{ OK "Connection: foo , close\t, bar" END, 200, false, false, -1, 1 },
	{ OK "Connection: closed" END, 200, true, false, -1, 1 },
	{ OK "Connection: ," END, 200, true, false, -1, 1 },
	{ OK "Connection:" END, 200, true, false, -1, 1 },
	{ OK "Connection: keep-alive\r\nConnection: close" END, 200, false, false, -1, 2 },
	{ "HTTP/1.0 200 OK\r\nConnection: keep-alive" END, 200, true, false, -1, 1 },
	{ "HTTP/1.0 200 OK\r\nConnection: keep-alive, close" END, 200, false, false, -1, 1 },
	{ OK "A: 1\r\na: 2\r\n!#$%&'*+-.^_`|~9: x" END, 200, true, false, -1, 3 },
	{ OK "X: a:b: c\td" END, 200, true, false, -1, 1 },
	{ OK "X:\r\nY: " END, 200, true, false, -1, 2 },
};

static const struct {
	const char *text;
	size_t len;		/* 0: strlen */
	const char *reason;	/* part of the error */
} bad[] = {
	{ "SSH-2.0-OpenSSH\r\n", 0, "not HTTP" },
	{ "\r\nHTTP/1.1 200 OK" END, 0, "not HTTP" },
	{ "http/1.1 200 OK" END, 0, "not HTTP" },
	{ "HTTP/2", 0, "not HTTP" },
	{ "HTTP/1.2 200 OK" END, 0, "status line" },
	{ "HTTP/1.12 200 OK" END, 0, "status line" },
	{ "HTTP/1.1  200 OK" END, 0, "not a number" },
	{ "HTTP/1.1\t200 OK" END, 0, "status line" },
	{ "HTTP/1.1 20 OK" END, 0, "not a number" },
	{ "HTTP/1.1 20" END, 0, "status line" },
	{ "HTTP/1.1 2000 OK" END, 0, "status line" },
	{ "HTTP/1.1 +20 OK" END, 0, "not a number" },
	{ "HTTP/1.1 099 OK" END, 0, "impossible" },
	{ "HTTP/1.1 600 OK" END, 0, "impossible" },
	{ "HTTP/1.1 200 O\rK" END, 0, "control byte" },
	{ "HTTP/1.1 200 O\0K" END, sizeof("HTTP/1.1 200 O.K" END) - 1, "control byte" },
	{ "HTTP/1.1 200 OK\n", 0, "without CR" },
	{ "HTTP/1.1 200 OK\r\nA: b\n", 0, "without CR" },
	{ "HTTP/1.1 200 OK\r\nA: b\r\n\n", 0, "without CR" },
	{ OK "A: b\r\n folded" END, 0, "folded" },
	{ OK "A: b\r\n\tfolded" END, 0, "folded" },
	{ OK " A: b" END, 0, "folded" },
	{ OK "A : b" END, 0, "field name" },
	{ OK "A\t: b" END, 0, "field name" },
	{ OK "A B: c" END, 0, "field name" },
	{ OK ": b" END, 0, "field name" },
	{ OK "A" END, 0, "field name" },
	{ OK "\xe4: b" END, 0, "field name" },
	{ OK "A(x): b" END, 0, "field name" },
	{ OK "\rA: b" END, 0, "field name" },
	{ OK "\r\r\n\r\n", 0, "field name" },
	{ OK "A\0: b" END, sizeof(OK "A.: b" END) - 1, "field name" },
	{ OK "A: b\0c" END, sizeof(OK "A: b.c" END) - 1, "control byte in field A" },
	{ OK "A: b\rc" END, 0, "control byte" },
	{ OK "A: b\r\r\n\r\n", 0, "control byte" },
	{ OK "A: \x1b[2J" END, 0, "control byte" },
	{ OK "A: \x7f" END, 0, "control byte" },
	{ OK "Content-Length: 5\r\nContent-Length: 5" END, 0, "two Content-Length" },
	{ OK "Content-Length: 5\r\ncontent-length: 6" END, 0, "two Content-Length" },
	{ OK "Content-Length: 5, 5" END, 0, "not a number" },
	{ OK "Content-Length: -1" END, 0, "not a number" },
	{ OK "Content-Length: +1" END, 0, "not a number" },
	{ OK "Content-Length: 0x10" END, 0, "not a number" },
	{ OK "Content-Length: 1 0" END, 0, "not a number" },
	{ OK "Content-Length: 1.0" END, 0, "not a number" },
	{ OK "Content-Length:" END, 0, "empty Content-Length" },
	{ OK "Content-Length: 9223372036854775808" END, 0, "too large" },
	{ OK "Content-Length: 18446744073709551617" END, 0, "too large" },
	{ OK "Content-Length: 99999999999999999999999" END, 0, "too large" },
	{ OK "Content-Length: 5\r\nTransfer-Encoding: chunked" END, 0, "both" },
	{ OK "Transfer-Encoding: chunked\r\nContent-Length: 0" END, 0, "both" },
	{ OK "Transfer-Encoding: gzip, chunked" END, 0, "other than chunked" },
	{ OK "Transfer-Encoding: chunked, chunked" END, 0, "other than chunked" },
	{ OK "Transfer-Encoding: identity" END, 0, "other than chunked" },
	{ OK "Transfer-Encoding:" END, 0, "other than chunked" },
	{ OK "Transfer-Encoding: \"chunked\"" END, 0, "other than chunked" },
	{ OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked" END, 0, "two Transfer" },
	{ "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked" END, 0, "HTTP/1.0" },
};

static void
test_good(void)
{
	struct http_head h;
	struct err e;
	size_t i, n, len;
	char body[1024];

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		len = strlen(good[i].text);
		for (n = 0; n < len; n++)
			CHECK(http_head_parse(guard(good[i].text, n), n, &h,
			    &e) == 0, "row %zu: prefix %zu: %s", i, n,
			    good[i].text);
		/* what follows the head does not matter */
		n = (size_t)snprintf(body, sizeof(body), "%s\r\nx\n\n",
		    good[i].text);
		CHECK(http_head_parse(guard(body, n), n, &h, &e) == 1 &&
		    h.size == len, "row %zu: with a body", i);
		CHECK(http_head_parse(guard(good[i].text, len), len, &h,
		    &e) == 1, "row %zu: %s", i, good[i].text);
		CHECK(h.size == len && h.status == good[i].status &&
		    h.keep_alive == good[i].keep_alive &&
		    h.chunked == good[i].chunked &&
		    h.content_length == good[i].length &&
		    h.nfields == good[i].nfields, "row %zu: status %d, keep %d,"
		    " chunked %d, length %" PRId64 ", %zu fields", i, h.status,
		    h.keep_alive, h.chunked, h.content_length, h.nfields);
	}
}

static void
test_bad(void)
{
	struct http_head h;
	struct err e;
	size_t i, n, len;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		len = bad[i].len > 0 ? bad[i].len : strlen(bad[i].text);
		for (n = 0; n < len; n++)	/* refused early, or not yet */
			CHECK(http_head_parse(guard(bad[i].text, n), n, &h,
			    &e) <= 0, "row %zu: prefix %zu", i, n);
		e.text[0] = '\0';
		CHECK(http_head_parse(guard(bad[i].text, len), len, &h,
		    &e) == -1, "row %zu: accepted: %s", i, bad[i].text);
		CHECK(strstr(e.text, bad[i].reason) != NULL,
		    "row %zu: \"%s\" lacks \"%s\"", i, e.text, bad[i].reason);
		CHECK(http_head_parse(guard(bad[i].text, len), len, &h,
		    NULL) == -1, "row %zu: without an err", i);
	}
}

static void
test_head_limits(void)
{
	static char text[HTTP_HEAD_MAX + 100];
	struct http_head h;
	struct err e;
	size_t n;
	int i;

	for (i = 63; i <= 65; i++) {
		n = (size_t)sprintf(text, OK);
		while (n < (size_t)i * 4 + sizeof(OK) - 1)
			n += (size_t)sprintf(text + n, "A:\r\n");
		n += (size_t)sprintf(text + n, "\r\n");
		CHECK(http_head_parse(text, n, &h, &e) == (i <= 64 ? 1 : -1),
		    "%d fields", i);
	}
	memset(text, 'x', sizeof(text));
	memcpy(text, OK "A: ", sizeof(OK "A: ") - 1);
	memcpy(text + HTTP_HEAD_MAX - 4, END, 4);
	CHECK(http_head_parse(text, sizeof(text), &h, &e) == 1 &&
	    h.size == HTTP_HEAD_MAX, "a head of exactly the maximum");
	memcpy(text + HTTP_HEAD_MAX - 4, "xxx" END, 7);
	CHECK(http_head_parse(text, HTTP_HEAD_MAX - 1, &h, &e) == 0,
	    "not yet too long");
	CHECK(http_head_parse(text, HTTP_HEAD_MAX, &h, &e) == -1,
	    "full and no end");
	CHECK(http_head_parse(text, sizeof(text), &h, &e) == -1, "too long");
}

static void
test_value(void)
{
	static const char text[] = OK "ETag: \"abc\" \r\nx-cos-Request-id:\t7\r\n"
	    "etag: second\r\nEmpty:\r\n\r\n";
	struct http_head h;
	struct err e;
	char out[6];

	CHECK(http_head_parse(text, sizeof(text) - 1, &h, &e) == 1, "parse");
	CHECK(http_value(&h, "eTag", out, sizeof(out)), "in any case");
	CHECK_STR(out, "\"abc\"", "the first of two");
	CHECK(!http_value(&h, "etag", out, 5), "no room for the NUL");
	CHECK_STR(out, "", "nothing is left half");
	CHECK(http_value(&h, "X-COS-REQUEST-ID", out, sizeof(out)), "present");
	CHECK_STR(out, "7", "tab before the value");
	CHECK(http_value(&h, "empty", out, 1), "an empty value fits anywhere");
	CHECK(!http_value(&h, "ETa", out, sizeof(out)), "a prefix is not it");
	CHECK(!http_value(&h, "ETags", out, sizeof(out)), "absent");
	CHECK(!http_value(&h, "empty", out, 0), "no room at all");
	CHECK(http_field(&h, "nope") == NULL && http_field(&h, "") == NULL,
	    "no such field");
}

/* ---- chunked bodies ---- */

static const struct {
	const char *text;
	const char *body;
	size_t rest;		/* bytes after the end */
} chunks[] = {
	{ "0\r\n\r\n", "", 0 },
	{ "00000\r\n\r\nHTTP", "", 4 },
	{ "5\r\nhello\r\n0\r\n\r\n", "hello", 0 },
	{ "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", "hello", 0 },
	{ "00000000000000000000A\r\n0123456789\r\n0\r\n\r\n", "0123456789", 0 },
	{ "a;name=\"v;\t\xe4\"\r\n0123456789\r\n0;x\r\n\r\n", "0123456789", 0 },
	{ "1 \t\r\na\r\n1 ;e\r\nb\r\n0 \r\n\r\n", "ab", 0 },
	{ "2\r\n\r\n\r\n0\r\n\r\n", "\r\n", 0 },
	{ "1\r\nx\r\n0\r\nCRC: 5\r\nB:\r\n\r\n\r\n", "x", 2 },
};

static const char *const bad_chunks[] = {
	"\r\n", ";x\r\n", " 1\r\n", "g\r\n", "-1\r\n", "+1\r\n", "0x1\r\n",
	"1x\r\n", "1 2\r\n", "1\n", "1\rx", "1;a\nb\r\n", "1;a\x01\r\n", "1\r\nxy",
	"1\r\nx\n", "1\r\nx\rx", "1\r\nx\r\n\r\n", "0\r\n\n", "0\r\nA: b\n",
	"0\r\n\rx", "0\r\nA: b\rx", "0\r\nA\x01\r\n", "8000000000000000\r\n",
	"10000000000000000\r\n", "ffffffffffffffff\r\n", "100000000000000001\r\n",
};

/* Decodes in pieces of at most step bytes; -1, or what was left over. */
static int
decode(const char *text, size_t len, size_t step, char *body, size_t size,
    bool *done)
{
	struct http_chunk c;
	struct err e;
	const char *piece;
	size_t n = 0, have, out = 0;
	ssize_t took;

	http_chunk_init(&c);
	for (; len > 0; text += n, len -= n) {
		have = len < step ? len : step;
		piece = guard(text, have);
		for (n = 0; n < have && !c.done;) {
			took = http_chunk_feed(&c, piece + n, have - n, &e);
			if (took < 0)
				return -1;
			n += (size_t)took;
			if (c.left > 0 && n < have && out + 1 < size) {
				body[out++] = piece[n++];
				http_chunk_took(&c, 1);
			}
		}
		if (c.done)
			break;
	}
	body[out] = '\0';
	*done = c.done;
	return (int)(len - (c.done ? n : 0));
}

static void
test_chunks(void)
{
	char body[64];
	size_t i, n, len;
	int left;
	bool done;

	for (i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
		len = strlen(chunks[i].text);
		for (n = 1; n <= len; n++) {
			left = decode(chunks[i].text, len, n, body,
			    sizeof(body), &done);
			CHECK(done && left >= 0 &&
			    (size_t)left == chunks[i].rest &&
			    strcmp(body, chunks[i].body) == 0,
			    "chunks %zu in pieces of %zu: left %d, \"%s\"", i,
			    n, left, body);
		}
		for (n = 0; n < len - chunks[i].rest; n++)
			CHECK(decode(chunks[i].text, n, 7, body, sizeof(body),
			    &done) == 0 && !done, "chunks %zu prefix %zu", i,
			    n);
	}
	for (i = 0; i < sizeof(bad_chunks) / sizeof(bad_chunks[0]); i++)
		for (n = 1; n <= strlen(bad_chunks[i]); n++)
			CHECK(decode(bad_chunks[i], strlen(bad_chunks[i]), n,
			    body, sizeof(body), &done) == -1,
			    "bad chunk %zu in pieces of %zu", i, n);
}

static ssize_t
feed(const char *start, char fill, size_t n, const char *end)
{
	struct http_chunk c;
	struct err e;
	ssize_t took, all = 0;

	http_chunk_init(&c);
	all = http_chunk_feed(&c, start, strlen(start), &e);
	while (n-- > 0 && all >= 0) {
		took = http_chunk_feed(&c, &fill, 1, &e);
		all = took < 0 ? -1 : all + took;
	}
	if (all < 0)
		return -1;
	took = http_chunk_feed(&c, end, strlen(end), &e);
	return took < 0 ? -1 : all + took;
}

static void
test_chunk_limits(void)
{
	struct http_chunk c;
	struct err e;

	CHECK(feed("1;", 'x', HTTP_LINE_MAX - 4, "\r\n") == HTTP_LINE_MAX,
	    "the longest extension");
	CHECK(feed("1;", 'x', HTTP_LINE_MAX - 3, "\r\n") == -1,
	    "an extension too long");
	CHECK(feed("", '0', HTTP_LINE_MAX + 1, "") == -1, "zeros without end");
	CHECK(feed("0\r\n", 'x', HTTP_LINE_MAX + 1, "") == -1,
	    "a trailer line without end");
	CHECK(feed("0\r\nA: b\r\n", 'x', HTTP_LINE_MAX - 10, "\r\n\r\n") ==
	    3 + HTTP_LINE_MAX, "the longest trailer");
	CHECK(feed("0\r\nA: b\r\n", 'x', HTTP_LINE_MAX - 9, "\r\n\r\n") == -1,
	    "all trailers together are bounded");

	http_chunk_init(&c);
	CHECK(http_chunk_feed(&c, "7fffffffffffffff\r\nxx", 20, &e) == 18 &&
	    c.left == INT64_MAX, "the largest chunk");
	CHECK(http_chunk_feed(&c, "xx", 2, &e) == 0, "data is not taken");
	http_chunk_took(&c, 0);
	c.left = (int64_t)(SIZE_MAX / 4) + 1;
	http_chunk_took(&c, SIZE_MAX / 4);
	CHECK(c.left == 1 && http_chunk_feed(&c, "x", 1, &e) == 0, "one left");
	http_chunk_took(&c, 1);
	CHECK(http_chunk_feed(&c, "\r\n0\r\n\r\n", 7, &e) == 7 && c.done,
	    "the end after it");
	CHECK(http_chunk_feed(&c, "x", 1, &e) == 0 && c.done, "nothing more");
}

int
main(void)
{
	test_good();
	test_bad();
	test_head_limits();
	test_value();
	test_chunks();
	test_chunk_limits();
	return test_end("t_http");
}
