/*
 * cos/xml_entity.c - what stands between '&' and ';' in XML: the five names
 * every document knows, and code points by number.
 */
#include <string.h>

#include "cos_int.h"

static const struct {
	const char *name;
	char c;
} entities[] = {
	{ "amp", '&' },
	{ "apos", '\'' },
	{ "gt", '>' },
	{ "lt", '<' },
	{ "quot", '"' },
};

static size_t
utf8(unsigned code, char out[4])
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 0x3f));
		out[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 0x3f));
	out[2] = (char)(0x80 | (code >> 6 & 0x3f));
	out[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

static unsigned
digit(char c)			/* 16: none */
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A') + 10;
	return 16;
}

/* "65" or "x41"; 0: not a code point.  NUL is none in XML; other control
 * characters are, of keys that hold them. */
static unsigned
code_point(const char *s, size_t n)
{
	unsigned base = 10, code = 0, d;

	if (n > 0 && s[0] == 'x') {
		base = 16;
		s++;
		n--;
	}
	for (; n > 0; s++, n--) {
		d = digit(*s);
		if (d >= base)
			return 0;
		code = code * base + d;		/* XML_ENTITY: no overflow */
	}
	if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return code;
}

size_t
cos_xml_entity(const char *name, size_t n, char out[4])
{
	unsigned code;
	size_t i;

	if (n > XML_ENTITY)
		return 0;
	if (n > 0 && name[0] == '#') {
		code = code_point(name + 1, n - 1);
		return code > 0 ? utf8(code, out) : 0;
	}
	for (i = 0; i < sizeof(entities) / sizeof(entities[0]); i++) {
		if (strlen(entities[i].name) != n ||
		    memcmp(entities[i].name, name, n) != 0)
			continue;
		out[0] = entities[i].c;
		return 1;
	}
	return 0;
}
