/*
 * net/buf.c - text that grows up to a stated maximum.
 *
 * Nobody checks each put: the first one that does not fit (or finds no
 * memory) sets `failed`, all later ones do nothing, and the caller asks once
 * at the end.  Room for a closing NUL is always there, so the contents can be
 * read as a string.
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net_int.h"

enum { FIRST_CAP = 256 };

/* Room for n more bytes and the NUL. */
static bool
grow(struct net_buf *b, size_t n)
{
	size_t need, cap;
	char *data;

	if (b->failed)
		return false;
	if (b->len > b->max || n > b->max - b->len || n >= SIZE_MAX - b->len) {
		b->failed = true;
		return false;
	}
	need = b->len + n + 1;
	if (need <= b->cap)
		return true;
	cap = b->cap > 0 ? b->cap : FIRST_CAP;
	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	if (cap - 1 > b->max)		/* need - 1 <= max: still enough */
		cap = b->max + 1;
	data = realloc(b->data, cap);
	if (data == NULL) {
		b->failed = true;
		return false;
	}
	b->data = data;
	b->cap = cap;
	return true;
}

void
net_buf_put(struct net_buf *b, const void *p, size_t n)
{
	if (!grow(b, n))
		return;
	if (n > 0)
		memcpy(b->data + b->len, p, n);
	b->len += n;
	b->data[b->len] = '\0';
}

void
net_buf_printf(struct net_buf *b, const char *fmt, ...)
{
	va_list ap;
	size_t room;
	int n;

	if (!grow(b, 0))
		return;
	room = b->cap - b->len;
	va_start(ap, fmt);
	n = vsnprintf(b->data + b->len, room, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n >= room) {	/* cut: once more, with room */
		b->data[b->len] = '\0';
		if (!grow(b, (size_t)n))
			return;
		va_start(ap, fmt);
		n = vsnprintf(b->data + b->len, b->cap - b->len, fmt, ap);
		va_end(ap);
	}
	if (n < 0 || (size_t)n > b->max - b->len) {
		b->data[b->len] = '\0';
		b->failed = true;
		return;
	}
	b->len += (size_t)n;
}

/* The rest moves up: dropping large pieces is cheaper than many small ones. */
void
net_buf_drop(struct net_buf *b, size_t n)
{
	if (b->data == NULL || n == 0)
		return;
	if (n > b->len)
		n = b->len;
	b->len -= n;
	memmove(b->data, b->data + n, b->len + 1);
}

void
net_buf_free(struct net_buf *b)
{
	free(b->data);
	b->data = NULL;
	b->len = b->cap = 0;
	b->failed = false;
}

int
net_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}
