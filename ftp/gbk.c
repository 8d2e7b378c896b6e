/*
 * ftp/gbk.c - GBK, as Windows' code page 936 has it, to UTF-8 and back.
 *
 * That code page is what Chinese Windows calls ANSI and its FTP clients send:
 * GBK without private use, and the euro as the byte 0x80.  Both directions
 * are exact and undo each other; what has no counterpart is refused.  The
 * table is made by the build (gen/gbk.c says how it is packed) and unpacked
 * into memory when a configuration uses it.
 */
#include <stdlib.h>

#include "ftp_int.h"

enum {
	LEAD = 0x81, TRAIL = 0x40,		/* of the first code */
	LEADS = 126, TRAILS = 190, CODES = LEADS * TRAILS,
	BIAS = 65, IDEOGRAPHS = 0x4e00,		/* see gen/gbk.c */
	EURO_BYTE = 0x80, EURO = 0x20ac
};

struct ftp_gbk {
	uint16_t to_char[CODES];	/* 0: none */
	uint16_t to_code[0x10000];	/* 0: none */
};

extern const unsigned char ftp_gbk_table[];	/* made by the build */

struct unpacking {
	const unsigned char *next;
	unsigned last, left;		/* of a run */
	bool gap;			/* what the run is of */
};

static unsigned
unpack_one(const struct ftp_gbk *g, struct unpacking *u)
{
	unsigned op;

	if (u->left == 0) {
		op = *u->next++;
		if (op >= 2) {
			if (op == 2) {
				u->last = (unsigned)u->next[0] << 8 |
				    u->next[1];
				u->next += 2;
			} else if (op < 0x80) {
				u->last += op - BIAS;
			} else {
				u->last = IDEOGRAPHS + ((op & 0x7f) << 8 |
				    *u->next++);
			}
			return u->last;
		}
		u->gap = op == 0;
		u->left = *u->next++;
	}
	u->left--;
	if (u->gap)
		return 0;
	do
		u->last++;
	while (g->to_code[u->last & 0xffff] != 0);
	return u->last;
}

struct ftp_gbk *
ftp_gbk_new(void)
{
	struct ftp_gbk *g = calloc(1, sizeof(*g));
	struct unpacking u = { .next = ftp_gbk_table };
	unsigned i, lead, trail, c;
	int rest;

	for (rest = 0; g != NULL && rest <= 1; rest++) {
		for (i = 0; i < CODES; i++) {
			lead = LEAD + i / TRAILS;
			trail = TRAIL + i % TRAILS;
			trail += trail >= 0x7f;
			/* the rows of GB 2312's ideographs come first */
			if ((lead >= 0xb0 && lead <= 0xf7 && trail >= 0xa1) ==
			    rest)
				continue;
			c = unpack_one(g, &u);
			g->to_char[i] = (uint16_t)c;
			if (c != 0)
				g->to_code[c & 0xffff] =
				    (uint16_t)(lead << 8 | trail);
		}
	}
	return g;
}

void
ftp_gbk_free(struct ftp_gbk *g)
{
	free(g);
}

/* The character at p, 0: none; *len is that of its code. */
static unsigned
decode(const struct ftp_gbk *g, const unsigned char *p, size_t n, size_t *len)
{
	*len = 1;
	if (p[0] < 0x80)
		return p[0];
	if (p[0] == EURO_BYTE)
		return EURO;
	*len = 2;
	if (n < 2 || p[0] >= LEAD + LEADS || p[1] < TRAIL || p[1] == 0x7f ||
	    p[1] == 0xff)
		return 0;
	return g->to_char[(p[0] - LEAD) * TRAILS + p[1] - TRAIL -
	    (p[1] > 0x7f)];
}

size_t
ftp_gbk_to_utf8(const struct ftp_gbk *g, const char *in, size_t n, char *out,
    size_t size)
{
	const unsigned char *p = (const unsigned char *)in;
	size_t at = 0, len, need;
	unsigned c;

	for (; n > 0; p += len, n -= len) {
		c = decode(g, p, n, &len);
		if (c == 0)
			return FTP_GBK_NONE;
		need = c < 0x80 ? 1 : c < 0x800 ? 2 : 3;
		if (need > size - at)
			return FTP_GBK_LONG;
		if (need == 1)
			out[at++] = (char)c;
		if (need == 3)
			out[at++] = (char)(0xe0 | c >> 12);
		if (need > 1) {
			out[at++] = (char)(need == 3 ?
			    0x80 | (c >> 6 & 0x3f) : 0xc0 | c >> 6);
			out[at++] = (char)(0x80 | (c & 0x3f));
		}
	}
	return at;
}

size_t
ftp_gbk_from_utf8(const struct ftp_gbk *g, const char *in, size_t n, char *out)
{
	const unsigned char *p = (const unsigned char *)in;
	size_t at = 0, len;
	unsigned code;
	uint32_t c;

	for (; n > 0; p += len, n -= len) {
		len = ftp_utf8_char(p, n, &c);
		if (len == 1 && c != 0) {
			out[at++] = (char)c;
			continue;
		}
		if (len == 0 || c > 0xffff)
			return FTP_GBK_NONE;
		code = c == EURO ? EURO_BYTE : g->to_code[c];
		if (code == 0)
			return FTP_GBK_NONE;
		if (code > 0xff)
			out[at++] = (char)(code >> 8);
		out[at++] = (char)code;
	}
	return at;
}
