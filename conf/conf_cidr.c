/*
 * conf/conf_cidr.c - lists of addresses and networks, "10.0.0.0/8, ::1".
 *
 * A list stays the text it was written as: it is read again for each address
 * that is looked for, which happens once for a connection or a login.  IPv4
 * is compared as what it is when mapped into IPv6 (RFC 4291 2.5.5.2).
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "conf_int.h"

struct network {
	unsigned char address[16];
	int bits;
};

static bool
read_network(const char *s, size_t len, struct network *n)
{
	char text[64];
	char *slash;
	int width = 128;

	if (len == 0 || len >= sizeof(text))
		return false;
	memcpy(text, s, len);
	text[len] = '\0';
	slash = strchr(text, '/');
	if (slash != NULL)
		*slash++ = '\0';
	memset(n->address, 0, 10);
	memset(n->address + 10, 0xff, 2);
	if (inet_pton(AF_INET, text, n->address + 12) == 1)
		width = 32;
	else if (inet_pton(AF_INET6, text, n->address) != 1)
		return false;
	n->bits = 128;
	if (slash == NULL)
		return true;
	len = strspn(slash, "0123456789");
	if (len == 0 || len > 3 || slash[len] != '\0' || atoi(slash) > width)
		return false;
	n->bits = 128 - width + atoi(slash);
	return true;
}

static bool
holds(const struct network *n, const unsigned char address[16])
{
	int whole = n->bits / 8;
	int rest = 0xff00 >> n->bits % 8 & 0xff;

	return memcmp(n->address, address, (size_t)whole) == 0 &&
	    (rest == 0 || ((n->address[whole] ^ address[whole]) & rest) == 0);
}

/* The next of a list; false: the end, or (*at not there) not a network. */
static bool
next_network(const char **at, struct network *n)
{
	size_t len;

	*at += strspn(*at, " \t,");
	len = strcspn(*at, " \t,");
	if (!read_network(*at, len, n))
		return false;
	*at += len;
	return true;
}

const char *
conf_check_cidr(const char *list)
{
	struct network n;
	size_t count = 0;

	while (next_network(&list, &n))
		count++;
	return count > 0 && *list == '\0' ? NULL : "not a list of addresses, "
	    "allowed: ADDRESS or ADDRESS/BITS, separated by commas";
}

bool
conf_cidr_has(const char *list, const unsigned char address[16])
{
	struct network n;

	while (next_network(&list, &n))
		if (holds(&n, address))
			return true;
	return false;
}
