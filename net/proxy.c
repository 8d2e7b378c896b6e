/*
 * net/proxy.c - the header by which a load balancer tells whom a connection
 * is from: the PROXY protocol, version 1 (a line) and 2 (binary).
 *
 * The header is read without one byte of what follows it: the parser says how
 * many bytes it has at least, and no more are asked for.  Whether somebody may
 * say such things is up to the caller.
 */
#include <stdlib.h>
#include <string.h>

#include "net_int.h"

enum {
	V1_MAX = 107,
	FIRST = 15,		/* no header is shorter: PROXY UNKNOWN */
	V2_HEAD = 16,
	V1_FIELDS = 6		/* PROXY TCP4 from to port port */
};

static const unsigned char signature[] = { '\r', '\n', '\r', '\n', '\0', '\r',
    '\n', 'Q', 'U', 'I', 'T', '\n' };

/* Decimal and without leading zeros; -1: not a port. */
static int
port(const char *s)
{
	size_t n = strlen(s);
	long v = strtol(s, NULL, 10);

	return n > 0 && n <= 5 && s[strspn(s, "0123456789")] == '\0' &&
	    v <= 65535 && (n == 1 || s[0] != '0') ? (int)v : -1;
}

static bool
address(struct net_addr *a, const char *ip, const char *digits, bool v6)
{
	int p = port(digits);

	return p >= 0 && net_addr_parse(a, ip, (uint16_t)p) == 0 &&
	    a->ss.ss_family == (v6 ? AF_INET6 : AF_INET);
}

/* The line without its end; n < V1_MAX. */
static bool
parse_line(const unsigned char *p, size_t n, struct net_addr *from,
    struct net_addr *to)
{
	char line[V1_MAX], *field[V1_FIELDS], *s = line;
	size_t i = 0;

	memcpy(line, p, n);
	line[n] = '\0';
	if (strcmp(line, "PROXY UNKNOWN") == 0 ||
	    strncmp(line, "PROXY UNKNOWN ", 14) == 0)
		return true;
	while (i < V1_FIELDS && s != NULL) {
		field[i++] = s;
		s = strchr(s, ' ');
		if (s != NULL)
			*s++ = '\0';
	}
	return i == V1_FIELDS && s == NULL && strncmp(field[1], "TCP", 3) == 0 &&
	    (field[1][3] == '4' || field[1][3] == '6') && field[1][4] == '\0' &&
	    address(from, field[2], field[4], field[1][3] == '6') &&
	    address(to, field[3], field[5], field[1][3] == '6');
}

static ssize_t
parse_v1(const unsigned char *p, size_t n, struct net_addr *from,
    struct net_addr *to)
{
	size_t i, least;

	for (i = 0; i < n && i < V1_MAX; i++) {
		if (p[i] >= ' ' && p[i] < 0x7f)
			continue;
		if (p[i] != '\r' || (i + 1 < n && p[i + 1] != '\n'))
			return -1;
		if (i + 1 < n)
			return parse_line(p, i, from, to) ?
			    (ssize_t)(i + 2) : -1;
	}
	least = n + (p[n - 1] == '\r' ? 1 : 2);
	if (least < FIRST)
		least = FIRST;
	return least <= V1_MAX ? (ssize_t)least : -1;
}

static uint16_t
number(const unsigned char *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static ssize_t
parse_v2(const unsigned char *p, size_t n, struct net_addr *from,
    struct net_addr *to)
{
	size_t total, size;

	if (n > 12 && p[12] != 0x20 && p[12] != 0x21)	/* LOCAL, PROXY */
		return -1;
	if (n > 13 && p[12] == 0x21 && (p[13] > 0x32 || (p[13] & 15) > 2))
		return -1;
	if (n < V2_HEAD)
		return V2_HEAD;
	total = V2_HEAD + number(p + 14);
	if (total > NET_PROXY_MAX)
		return -1;
	/* Others than TCP have no address that means anything here. */
	size = p[13] == 0x11 ? 4 : p[13] == 0x21 ? 16 : 0;
	if (p[12] == 0x20 || size == 0)
		return (ssize_t)total;
	p += V2_HEAD;
	if (total < V2_HEAD + 2 * size + 4)
		return -1;
	if (n >= total) {
		net_addr_set(from, p, size, number(p + 2 * size));
		net_addr_set(to, p + size, size, number(p + 2 * size + 2));
	}
	return (ssize_t)total;
}

ssize_t
net_proxy_parse(const unsigned char *p, size_t n, struct net_addr *from,
    struct net_addr *to)
{
	from->len = to->len = 0;
	if (n == 0)
		return FIRST;
	if (memcmp(p, signature, n < sizeof(signature) ? n :
	    sizeof(signature)) == 0)
		return parse_v2(p, n, from, to);
	if (memcmp(p, "PROXY ", n < 6 ? n : 6) == 0)
		return parse_v1(p, n, from, to);
	return -1;
}

int
net_proxy_read(struct net_proxy *h, struct net_stream *s,
    struct net_addr *from, struct net_addr *to)
{
	ssize_t least;
	size_t got;

	for (;;) {
		least = net_proxy_parse(h->head, h->len, from, to);
		if (least < 0)
			return -1;
		if ((size_t)least == h->len)
			return 1;
		got = net_stream_read(s, h->head + h->len,
		    (size_t)least - h->len);
		if (got == 0)
			return net_stream_state(s) == NET_OPEN ? 0 : -1;
		h->len += got;
	}
}
