/*
 * text.c - growing strings, percent, XML and JSON escapes, dates.
 */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void *
xalloc(size_t n)
{
	void *p = calloc(1, n ? n : 1);

	if (p == NULL)
		abort();
	return p;
}

void *
xcopy(const void *from, size_t n)
{
	char *p = malloc(n + 1);

	if (p == NULL)
		abort();
	if (n > 0)
		memcpy(p, from, n);
	p[n] = '\0';
	return p;
}

void
text_room(struct text *t, size_t more)
{
	if (t->cap - t->n > more)
		return;
	t->cap = (t->n + more + 64) * 2;
	t->p = realloc(t->p, t->cap);
	if (t->p == NULL)
		abort();
}

void
text_add(struct text *t, const void *p, size_t n)
{
	text_room(t, n);
	if (n > 0)
		memcpy(t->p + t->n, p, n);
	t->n += n;
	t->p[t->n] = '\0';
}

void
text_str(struct text *t, const char *s)
{
	text_add(t, s, strlen(s));
}

void
text_fmt(struct text *t, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		abort();
	text_room(t, (size_t)n);
	vsnprintf(t->p + t->n, (size_t)n + 1, fmt, again);
	va_end(again);
	t->n += (size_t)n;
}

void
text_free(struct text *t)
{
	free(t->p);
	*t = (struct text){ 0 };
}

static bool
unreserved(unsigned char b)
{
	return (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') ||
	    (b >= '0' && b <= '9') || b == '-' || b == '_' || b == '.' ||
	    b == '~';
}

void
text_percent(struct text *t, const void *from, size_t n, const char *keep)
{
	const unsigned char *p = from;
	size_t i;

	text_room(t, 3 * n);
	for (i = 0; i < n; i++) {
		if (unreserved(p[i]) || (p[i] != 0 && strchr(keep, p[i])))
			text_add(t, p + i, 1);
		else
			text_fmt(t, "%%%02X", p[i]);
	}
	text_add(t, "", 0);
}

/* Control characters go out as they are: the real service does the same, and
 * the answer is malformed then. */
void
text_xml(struct text *t, const void *from, size_t n)
{
	const char *p = from;
	size_t i;

	for (i = 0; i < n; i++) {
		switch (p[i]) {
		case '<': text_str(t, "&lt;"); break;
		case '>': text_str(t, "&gt;"); break;
		case '&': text_str(t, "&amp;"); break;
		case '"': text_str(t, "&quot;"); break;
		case '\'': text_str(t, "&#39;"); break;
		default: text_add(t, p + i, 1);
		}
	}
	text_add(t, "", 0);
}

/* Bytes that are not UTF-8 become U+0080..U+00FF, one by one. */
void
text_json(struct text *t, const void *from, size_t n)
{
	const unsigned char *p = from;
	bool utf8 = utf8_valid(from, n);
	size_t i;

	text_str(t, "\"");
	for (i = 0; i < n; i++) {
		if (p[i] == '"' || p[i] == '\\')
			text_fmt(t, "\\%c", p[i]);
		else if (p[i] < 0x20 || p[i] == 0x7f || (p[i] > 0x7f && !utf8))
			text_fmt(t, "\\u%04x", p[i]);
		else
			text_add(t, p + i, 1);
	}
	text_str(t, "\"");
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
percent_decode(const char *p, size_t n, char *out, size_t *out_n, bool plus)
{
	size_t i, o = 0;

	for (i = 0; i < n; i++) {
		if (p[i] == '%') {
			if (n - i < 3 || hex_digit(p[i + 1]) < 0 ||
			    hex_digit(p[i + 2]) < 0)
				return false;
			out[o++] = (char)(hex_digit(p[i + 1]) * 16 +
			    hex_digit(p[i + 2]));
			i += 2;
		} else if (p[i] == '+' && plus)
			out[o++] = ' ';
		else
			out[o++] = p[i];
	}
	*out_n = o;
	return true;
}

bool
number_parse(const char *s, int64_t *out)
{
	int64_t v = 0;

	if (*s == '\0')
		return false;
	for (; *s; s++) {
		if (*s < '0' || *s > '9' || v > (INT64_MAX - 9) / 10)
			return false;
		v = v * 10 + (*s - '0');
	}
	*out = v;
	return true;
}

bool
utf8_valid(const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t i = 0, k, more;
	uint32_t c;

	while (i < n) {
		c = p[i++];
		if (c < 0x80)
			continue;
		more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
		if (c < 0xc2 || c > 0xf4 || n - i < more)
			return false;
		c &= 0x3fu >> more;
		for (k = 0; k < more; k++, i++) {
			if ((p[i] & 0xc0) != 0x80)
				return false;
			c = c << 6 | (p[i] & 0x3f);
		}
		if ((more == 2 && c < 0x800) || (more == 3 && c < 0x10000) ||
		    c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
			return false;
	}
	return true;
}

void
date_http(char out[DATE_MAX], int64_t ms)
{
	time_t s = (time_t)(ms / 1000);
	struct tm tm;

	gmtime_r(&s, &tm);
	strftime(out, DATE_MAX, "%a, %d %b %Y %H:%M:%S GMT", &tm);
}

void
date_iso(char out[DATE_MAX], int64_t ms)
{
	time_t s = (time_t)(ms / 1000);
	struct tm tm;

	gmtime_r(&s, &tm);
	strftime(out, DATE_MAX, "%Y-%m-%dT%H:%M:%S.000Z", &tm);
}

bool
date_http_parse(const char *s, int64_t *ms)
{
	struct tm tm = { 0 };
	const char *end = strptime(s, "%a, %d %b %Y %H:%M:%S GMT", &tm);

	if (end == NULL || *end != '\0')
		return false;
	*ms = (int64_t)timegm(&tm) * 1000;
	return true;
}
