/*
 * ftp/addr.c - the arguments of PORT and EPRT.
 *
 * Syntax only: whether we may connect there (the peer's own address, port of
 * 1024 or more) is decided in data.c, alike for both commands.
 */
#include <stdio.h>
#include <string.h>

#include "ftp_int.h"

/* At most max digits at *p, up to limit; steps over them.  -1: none, or too
 * large. */
static int
number(const char **p, int max, int limit)
{
	int n = 0, digits = 0;

	for (; **p >= '0' && **p <= '9'; (*p)++) {
		if (++digits > max)
			return -1;
		n = n * 10 + (**p - '0');
	}
	return digits > 0 && n <= limit ? n : -1;
}

/* RFC 959 4.1.2: h1,h2,h3,h4,p1,p2 */
int
ftp_port_parse(const char *arg, struct net_addr *addr)
{
	char ip[64];
	int v[6], i;

	for (i = 0; i < 6; i++) {
		if (i > 0 && *arg++ != ',')
			return -1;
		v[i] = number(&arg, 3, 255);
		if (v[i] < 0)
			return -1;
	}
	if (*arg != '\0' || (v[4] == 0 && v[5] == 0))
		return -1;
	snprintf(ip, sizeof(ip), "%d.%d.%d.%d", v[0], v[1], v[2], v[3]);
	return net_addr_parse(addr, ip, (uint16_t)(v[4] << 8 | v[5])) < 0 ?
	    -1 : 0;
}

/* Takes the text up to the delimiter; false when there is none, or the field
 * has no byte or too many. */
static bool
field(const char **p, char delim, char *out, size_t size)
{
	const char *end = strchr(*p, delim);
	size_t n;

	if (end == NULL)
		return false;
	n = (size_t)(end - *p);
	if (n == 0 || n >= size)
		return false;
	memcpy(out, *p, n);
	out[n] = '\0';
	*p = end + 1;
	return true;
}

/* What the protocol's addresses are made of: no names, and no scope ids,
 * which mean an interface of ours. */
static bool
is_address(const char *ip, bool v6)
{
	const char *set = v6 ? "0123456789abcdefABCDEF:." : "0123456789.";

	return ip[strspn(ip, set)] == '\0' &&
	    (strchr(ip, ':') != NULL) == v6;
}

/* RFC 2428 2: <d>protocol<d>address<d>port<d>, protocols of its section 3 */
int
ftp_eprt_parse(const char *arg, struct net_addr *addr)
{
	char delim = arg[0], proto[8], ip[64], port[8];
	const char *p = arg + 1, *q = port;
	bool v6;
	int n;

	if (delim < 33 || delim > 126)
		return -1;
	if (!field(&p, delim, proto, sizeof(proto)) ||
	    proto[strspn(proto, "0123456789")] != '\0' ||
	    !field(&p, delim, ip, sizeof(ip)) ||
	    !field(&p, delim, port, sizeof(port)) || *p != '\0')
		return -1;
	v6 = strcmp(proto, "2") == 0;
	if (!v6 && strcmp(proto, "1") != 0)
		return -2;
	n = number(&q, 5, 65535);
	if (n <= 0 || *q != '\0' || !is_address(ip, v6))
		return -1;
	return net_addr_parse(addr, ip, (uint16_t)n) < 0 ? -1 : 0;
}
