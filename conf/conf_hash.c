/*
 * conf/conf_hash.c - the hash of a password in place of the password, as
 * passlib writes it: $pbkdf2-sha256$ITERATIONS$SALT$HASH, in base64 with . for
 * + and without padding.
 */
#include <stdlib.h>
#include <string.h>

#include "conf_int.h"

#define SCHEME "$pbkdf2-sha256$"
enum { ITERATIONS_MIN = 1000, ITERATIONS_MAX = 10000000 };

bool
conf_is_hash(const char *password)
{
	return strncmp(password, SCHEME, strlen("$pbkdf2")) == 0;
}

static int
digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789./";
	const char *p = c != '\0' ? strchr(digits, c) : NULL;

	return p != NULL ? (int)(p - digits) : -1;
}

/* Up to what is not of it; the number of bytes, size + 1 when too many. */
static size_t
decode(const char **s, unsigned char *out, size_t size)
{
	unsigned bits = 0;
	size_t n = 0;
	int have = 0, d;

	for (; n <= size && (d = digit(**s)) >= 0; (*s)++) {
		bits = bits << 6 | (unsigned)d;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		if (n < size)
			out[n] = (unsigned char)(bits >> have);
		n++;
	}
	return n;
}

bool
conf_hash_parse(const char *text, struct conf_hash *h)
{
	char *end;
	const char *p;

	if (strncmp(text, SCHEME, strlen(SCHEME)) != 0)
		return false;
	text += strlen(SCHEME);
	h->iterations = (uint32_t)strtoul(text, &end, 10);
	if (*text < '1' || *text > '9' || end - text > 8 || *end != '$' ||
	    h->iterations < ITERATIONS_MIN || h->iterations > ITERATIONS_MAX)
		return false;
	p = end + 1;
	h->salt_len = decode(&p, h->salt, sizeof(h->salt));
	if (h->salt_len == 0 || h->salt_len > sizeof(h->salt) || *p++ != '$')
		return false;
	return decode(&p, h->digest, sizeof(h->digest)) == sizeof(h->digest) &&
	    *p == '\0';
}

const char *
conf_check_password(const char *s)
{
	struct conf_hash h;

	if (conf_is_hash(s) && !conf_hash_parse(s, &h))
		return "not a hash, allowed: what cosftpd --hash-password "
		    "prints (" SCHEME "N$SALT$HASH, N 1000 to 10000000)";
	return conf_check_name(s);
}
