/*
 * cos/escape.c - percent-encoding as COS signs and reads it: everything but
 * letters, digits and - _ . ~ becomes %XY in upper case; a space is %20 and
 * never '+'.
 */
#include <string.h>

#include "cos_int.h"

static bool
is_plain(char c, bool keep_slash)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' ||
	    c == '~' || (c == '/' && keep_slash);
}

void
cos_escape(struct net_buf *out, const char *s, size_t len, bool keep_slash)
{
	static const char hex[] = "0123456789ABCDEF";
	char code[3] = "%";
	size_t i, run;
	unsigned char u;

	for (i = 0; i < len;) {
		for (run = i; run < len && is_plain(s[run], keep_slash); run++)
			;
		net_buf_put(out, s + i, run - i);
		i = run;
		if (i == len)
			break;
		u = (unsigned char)s[i++];
		code[1] = hex[u >> 4];
		code[2] = hex[u & 15];
		net_buf_put(out, code, sizeof(code));
	}
}

ssize_t
cos_unescape(char *s, size_t len)
{
	size_t in, out = 0;
	int hi, lo;

	for (in = 0; in < len; in++) {
		if (s[in] != '%') {
			s[out++] = s[in];
			continue;
		}
		if (len - in < 3 || (hi = net_hex_digit(s[in + 1])) < 0 ||
		    (lo = net_hex_digit(s[in + 2])) < 0)
			return -1;
		s[out++] = (char)(hi << 4 | lo);
		in += 2;
	}
	return (ssize_t)out;
}
