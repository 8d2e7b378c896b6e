/*
 * net/http_head.c - the heads of HTTP responses and the framing of chunked
 * bodies: pure functions over bytes, strict as RFC 9112 allows.
 *
 * What two readers could understand differently (two lengths, a length beside
 * chunked, folded lines, a CR or LF alone) is refused and not repaired: a
 * connection whose framing is in doubt would hand one answer's bytes to the
 * next request.
 */
#include <assert.h>
#include <string.h>
#include <strings.h>

#include "net_int.h"

enum { MAX_FIELDS = sizeof(((struct http_head *)0)->field) /
    sizeof(struct http_field) };

/* ---- the head ---- */

static bool
is_token(char c)		/* RFC 9110 5.6.2 */
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') ||
	    (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool
is_text(char c)			/* RFC 9110 5.5, and obs-text */
{
	unsigned char u = (unsigned char)c;

	return (u >= 0x20 && u != 0x7f) || u == '\t';
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/*
 * Finds the empty line.  Called for every piece that arrives, so it looks at
 * line ends only; what is not HTTP at all is still refused at once and does
 * not wait for an empty line that never comes.
 */
static int
head_size(const char *buf, size_t len, struct err *e)
{
	static const char start[] = "HTTP/1.";
	size_t n = sizeof(start) - 1, at = 0, next;
	const char *lf;

	if (memcmp(buf, start, len < n ? len : n) != 0)
		return err_set(e, "the answer is not HTTP/1.x");
	if (len > HTTP_HEAD_MAX)
		len = HTTP_HEAD_MAX;
	while ((lf = memchr(buf + at, '\n', len - at)) != NULL) {
		next = (size_t)(lf - buf) + 1;
		if (next - at < 2 || lf[-1] != '\r')
			return err_set(e, "line end without CR in the head");
		if (next - at == 2)
			return (int)next;
		at = next;
	}
	if (len == HTTP_HEAD_MAX)
		return err_set(e, "head longer than %d bytes", HTTP_HEAD_MAX);
	return 0;
}

/* RFC 9112 4; but the space before an empty reason is often left out. */
static int
parse_status(struct http_head *h, const char *line, size_t len, int *minor,
    struct err *e)
{
	size_t i;

	if (len < 12 || (line[7] != '0' && line[7] != '1') || line[8] != ' ')
		return err_set(e, "malformed status line");
	*minor = line[7] - '0';
	for (i = 9; i < 12; i++) {
		if (line[i] < '0' || line[i] > '9')
			return err_set(e, "status is not a number");
		h->status = h->status * 10 + (line[i] - '0');
	}
	if (h->status < 100 || h->status > 599)
		return err_set(e, "impossible status %d", h->status);
	if (len > 12 && line[12] != ' ')
		return err_set(e, "malformed status line");
	for (; i < len; i++)
		if (!is_text(line[i]))
			return err_set(e, "control byte in the status line");
	return 0;
}

static int
parse_length(struct http_head *h, const struct http_field *f, struct err *e)
{
	int64_t n = 0;
	size_t i;
	int digit;

	if (h->content_length >= 0)
		return err_set(e, "two Content-Length fields");
	if (f->value_len == 0)
		return err_set(e, "empty Content-Length");
	for (i = 0; i < f->value_len; i++) {
		digit = f->value[i] - '0';
		if (digit < 0 || digit > 9)
			return err_set(e, "Content-Length is not a number");
		if (n > (INT64_MAX - digit) / 10)
			return err_set(e, "Content-Length is too large");
		n = n * 10 + digit;
	}
	h->content_length = n;
	return 0;
}

static int
parse_coding(struct http_head *h, const struct http_field *f, struct err *e)
{
	if (h->chunked)
		return err_set(e, "two Transfer-Encoding fields");
	if (f->value_len != 7 || strncasecmp(f->value, "chunked", 7) != 0)
		return err_set(e, "Transfer-Encoding other than chunked");
	h->chunked = true;
	return 0;
}

static bool
is_named(const struct http_field *f, const char *name)
{
	return strlen(name) == f->name_len &&
	    strncasecmp(f->name, name, f->name_len) == 0;
}

/* Fields that frame the message; the others only have to be well-formed. */
static const struct {
	const char *name;
	int (*parse)(struct http_head *, const struct http_field *,
	    struct err *);
} framing[] = {
	{ "Content-Length", parse_length },	/* RFC 9112 6.2 */
	{ "Transfer-Encoding", parse_coding },	/* RFC 9112 6.1 */
};

static int
parse_field(struct http_head *h, const char *line, size_t len, struct err *e)
{
	struct http_field *f;
	size_t i, n = 0;

	if (is_blank(line[0]))		/* obs-fold, RFC 9112 5.2 */
		return err_set(e, "folded line in the head");
	while (n < len && is_token(line[n]))
		n++;
	if (n == 0 || n == len || line[n] != ':')
		return err_set(e, "malformed field name in the head");
	if (h->nfields == MAX_FIELDS)
		return err_set(e, "more than %d fields", (int)MAX_FIELDS);
	f = &h->field[h->nfields++];
	f->name = line;
	f->name_len = n++;
	while (n < len && is_blank(line[n]))
		n++;
	while (len > n && is_blank(line[len - 1]))
		len--;
	f->value = line + n;
	f->value_len = len - n;
	for (i = 0; i < f->value_len; i++)
		if (!is_text(f->value[i]))
			return err_set(e, "control byte in field %.*s",
			    f->name_len > 40 ? 40 : (int)f->name_len, f->name);
	for (i = 0; i < sizeof(framing) / sizeof(framing[0]); i++)
		if (is_named(f, framing[i].name))
			return framing[i].parse(h, f, e);
	return 0;
}

/* Is word in the comma-separated list of any Connection field? */
static bool
connection_says(const struct http_head *h, const char *word)
{
	const char *p, *end, *comma, *stop;
	size_t i;

	for (i = 0; i < h->nfields; i++) {
		if (!is_named(&h->field[i], "Connection"))
			continue;
		p = h->field[i].value;
		end = p + h->field[i].value_len;
		for (; p < end; p = comma + 1) {
			comma = memchr(p, ',', (size_t)(end - p));
			if (comma == NULL)
				comma = end;
			while (p < comma && is_blank(*p))
				p++;
			stop = comma;
			while (stop > p && is_blank(stop[-1]))
				stop--;
			if ((size_t)(stop - p) == strlen(word) &&
			    strncasecmp(p, word, strlen(word)) == 0)
				return true;
		}
	}
	return false;
}

int
http_head_parse(const char *buf, size_t len, struct http_head *h,
    struct err *e)
{
	const char *line = buf, *end;
	int size, minor = 0;

	size = len > 0 ? head_size(buf, len, e) : 0;
	if (size <= 0)
		return size;
	*h = (struct http_head){ .content_length = -1, .size = (size_t)size };
	end = memchr(line, '\n', h->size);
	if (parse_status(h, line, (size_t)(end - line) - 1, &minor, e) < 0)
		return -1;
	for (line = end + 1; *line != '\r' || line[1] != '\n'; line = end + 1) {
		end = memchr(line, '\n', h->size - (size_t)(line - buf));
		if (parse_field(h, line, (size_t)(end - line) - 1, e) < 0)
			return -1;
	}
	if (h->chunked && h->content_length >= 0)
		return err_set(e, "both Content-Length and chunked");
	if (h->chunked && minor == 0)	/* RFC 9112 6.1 */
		return err_set(e, "chunked in an HTTP/1.0 answer");
	h->keep_alive = !connection_says(h, "close") &&		/* 9.3 */
	    (minor == 1 || connection_says(h, "keep-alive"));
	return 1;
}

const struct http_field *
http_field(const struct http_head *h, const char *name)
{
	size_t i;

	for (i = 0; i < h->nfields; i++)
		if (is_named(&h->field[i], name))
			return &h->field[i];
	return NULL;
}

bool
http_value(const struct http_head *h, const char *name, char *out,
    size_t size)
{
	const struct http_field *f = http_field(h, name);

	if (size == 0)
		return false;
	out[0] = '\0';
	if (f == NULL || f->value_len >= size)
		return false;
	memcpy(out, f->value, f->value_len);
	out[f->value_len] = '\0';
	return true;
}

/* ---- chunked bodies, RFC 9112 7.1 ---- */

enum chunk_state {
	CHUNK_SIZE,		/* hex digits, at least one */
	CHUNK_BLANK,		/* blanks before an extension */
	CHUNK_EXT,		/* an extension, skipped */
	CHUNK_SIZE_LF,
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	CHUNK_TRAILER,		/* at the start of a line */
	CHUNK_TRAILER_TEXT,	/* in a trailer field, skipped */
	CHUNK_TRAILER_LF,
	CHUNK_LAST_LF,
	CHUNK_DONE
};

void
http_chunk_init(struct http_chunk *c)
{
	*c = (struct http_chunk){ .state = CHUNK_SIZE };
}

/* The size line up to its CR; -1: this byte may not stand here. */
static int
size_line(struct http_chunk *c, char byte, struct err *e)
{
	int digit = net_hex_digit(byte);

	if (c->state == CHUNK_SIZE && digit >= 0) {
		if (c->size > (uint64_t)INT64_MAX >> 4)
			return err_set(e, "chunk size is too large");
		c->size = c->size << 4 | (unsigned)digit;
	} else if (c->line == 1) {
		return err_set(e, "chunk without a size");
	} else if (byte == '\r') {
		c->state = CHUNK_SIZE_LF;
	} else if (c->state != CHUNK_EXT && byte == ';') {
		c->state = CHUNK_EXT;
	} else if (c->state != CHUNK_EXT && is_blank(byte)) {
		c->state = CHUNK_BLANK;
	} else if (c->state != CHUNK_EXT || !is_text(byte)) {
		return err_set(e, "malformed chunk size");
	}
	return 0;
}

static int
expect(struct http_chunk *c, char byte, char want, enum chunk_state next,
    struct err *e)
{
	if (byte != want)
		return err_set(e, "malformed chunk: no line end");
	c->state = (int)next;
	return 0;
}

static int
framing_byte(struct http_chunk *c, char byte, struct err *e)
{
	switch ((enum chunk_state)c->state) {
	case CHUNK_SIZE:
	case CHUNK_BLANK:
	case CHUNK_EXT:
		return size_line(c, byte, e);
	case CHUNK_SIZE_LF:
		c->line = 0;
		c->left = (int64_t)c->size;
		return expect(c, byte, '\n',
		    c->size > 0 ? CHUNK_DATA : CHUNK_TRAILER, e);
	case CHUNK_DATA_CR:
		return expect(c, byte, '\r', CHUNK_DATA_LF, e);
	case CHUNK_DATA_LF:
		c->line = 0;
		c->size = 0;
		return expect(c, byte, '\n', CHUNK_SIZE, e);
	case CHUNK_TRAILER:
	case CHUNK_TRAILER_TEXT:
		if (byte == '\r')
			c->state = c->state == CHUNK_TRAILER ? CHUNK_LAST_LF :
			    CHUNK_TRAILER_LF;
		else if (is_text(byte))
			c->state = CHUNK_TRAILER_TEXT;
		else
			return err_set(e, "control byte in a trailer");
		return 0;
	case CHUNK_TRAILER_LF:	/* line counts on: all trailers together */
		return expect(c, byte, '\n', CHUNK_TRAILER, e);
	case CHUNK_LAST_LF:
		c->done = true;
		return expect(c, byte, '\n', CHUNK_DONE, e);
	case CHUNK_DATA:
	case CHUNK_DONE:
		break;
	}
	return 0;
}

ssize_t
http_chunk_feed(struct http_chunk *c, const char *buf, size_t len,
    struct err *e)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (c->state == CHUNK_DATA || c->state == CHUNK_DONE)
			break;
		if (++c->line > HTTP_LINE_MAX)
			return err_set(e, "chunk line or trailer too long");
		if (framing_byte(c, buf[i], e) < 0)
			return -1;
	}
	return (ssize_t)i;
}

void
http_chunk_took(struct http_chunk *c, size_t n)
{
	assert((uint64_t)n <= (uint64_t)c->left);
	c->left -= (int64_t)n;
	if (c->left == 0 && c->state == CHUNK_DATA)
		c->state = CHUNK_DATA_CR;
}
