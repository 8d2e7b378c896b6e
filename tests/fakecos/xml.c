/*
 * xml.c - elements, text and entities; no attributes but xmlns, no comments.
 */
#include "xml.h"

#include <stdlib.h>
#include <string.h>

void
xml_init(struct xml *x, const char *p, size_t n)
{
	*x = (struct xml){ .p = p, .end = p + n };
	if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		x->p += 3;
}

void
xml_free(struct xml *x)
{
	text_free(&x->text);
}

static void
add_code_point(struct text *t, uint32_t c)
{
	char b[4] = { (char)c, 0, 0, 0 };

	if (c < 0x80)
		text_add(t, b, 1);
	else if (c < 0x800) {
		b[0] = (char)(0xc0 | c >> 6);
		b[1] = (char)(0x80 | (c & 63));
		text_add(t, b, 2);
	} else if (c < 0x10000) {
		b[0] = (char)(0xe0 | c >> 12);
		b[1] = (char)(0x80 | (c >> 6 & 63));
		b[2] = (char)(0x80 | (c & 63));
		text_add(t, b, 3);
	} else {
		b[0] = (char)(0xf0 | c >> 18);
		b[1] = (char)(0x80 | (c >> 12 & 63));
		b[2] = (char)(0x80 | (c >> 6 & 63));
		b[3] = (char)(0x80 | (c & 63));
		text_add(t, b, 4);
	}
}

static bool
entity(struct xml *x)
{
	static const char *const named[][2] = { { "lt", "<" }, { "gt", ">" },
	    { "amp", "&" }, { "quot", "\"" }, { "apos", "'" } };
	const char *semi = memchr(x->p, ';', (size_t)(x->end - x->p));
	char name[12], *stop;
	unsigned long c;
	size_t i, n = semi ? (size_t)(semi - x->p - 1) : 0;

	if (n == 0 || n >= sizeof(name))
		return false;
	memcpy(name, x->p + 1, n);
	name[n] = '\0';
	x->p = semi + 1;
	for (i = 0; i < 5; i++)
		if (strcmp(name, named[i][0]) == 0) {
			text_str(&x->text, named[i][1]);
			return true;
		}
	if (name[0] != '#')
		return false;
	c = name[1] == 'x' ? strtoul(name + 2, &stop, 16) :
	    strtoul(name + 1, &stop, 10);
	/* XML 1.0 2.2: other control characters cannot be written at all */
	if (*stop || c > 0x10ffff || (c < 0x20 && c != 9 && c != 10 && c != 13))
		return false;
	add_code_point(&x->text, (uint32_t)c);
	return true;
}

static enum xml_kind
text(struct xml *x)
{
	bool blank = true;
	unsigned char b;

	x->text.n = 0;
	while (x->p < x->end && *x->p != '<') {
		b = (unsigned char)*x->p;
		if (b == '&') {
			blank = false;
			if (!entity(x))
				return XML_BAD;
			continue;
		}
		if (b < 0x20 && b != '\t' && b != '\n' && b != '\r')
			return XML_BAD;
		if (b > 0x20)
			blank = false;
		/* XML 1.0 2.11: a raw CR (LF) is read as LF */
		if (b == '\r') {
			if (x->end - x->p > 1 && x->p[1] == '\n')
				x->p++;
			b = '\n';
		}
		text_add(&x->text, &b, 1);
		x->p++;
	}
	if (!utf8_valid(x->text.p ? x->text.p : "", x->text.n))
		return XML_BAD;
	/* white space alone counts only as all there is in an element */
	if (blank && !(x->leaf && x->end - x->p > 1 && x->p[1] == '/'))
		return xml_next(x);
	x->leaf = false;
	return x->depth == 0 ? XML_BAD : XML_TEXT;
}

static enum xml_kind
tag(struct xml *x)
{
	const char *gt = memchr(x->p, '>', (size_t)(x->end - x->p));
	bool close = x->end - x->p > 1 && x->p[1] == '/';
	const char *p = x->p + 1 + close;
	size_t n = 0;

	if (gt == NULL)
		return XML_BAD;
	while (p + n < gt && p[n] != ' ')
		n++;
	if (n == 0 || n >= sizeof(x->name) || gt[-1] == '/')
		return XML_BAD;
	memcpy(x->name, p, n);
	x->name[n] = '\0';
	if (p + n < gt && (close || strncmp(p + n, " xmlns", 6) != 0))
		return XML_BAD;
	x->p = gt + 1;
	x->leaf = !close;
	if (close) {
		if (x->depth == 0 ||
		    strcmp(x->stack[--x->depth], x->name) != 0)
			return XML_BAD;
		x->done = x->depth == 0;
		return XML_CLOSE;
	}
	if (x->depth == 8 || x->done)
		return XML_BAD;
	x->declared = true;
	strcpy(x->stack[x->depth++], x->name);
	return XML_OPEN;
}

enum xml_kind
xml_next(struct xml *x)
{
	const char *end;

	if (x->p == x->end)
		return x->done ? XML_END : XML_BAD;
	if (*x->p != '<')
		return text(x);
	if (x->end - x->p > 1 && x->p[1] == '?' && !x->declared) {
		end = memmem(x->p, (size_t)(x->end - x->p), "?>", 2);
		if (end == NULL)
			return XML_BAD;
		x->p = end + 2;
		x->declared = true;
		return xml_next(x);
	}
	return tag(x);
}
