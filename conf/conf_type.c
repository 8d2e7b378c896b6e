/*
 * conf/conf_type.c - the texts, numbers and ports: from the file and back.
 *
 * A complaint says what the value is not and what is allowed; the caller puts
 * file, line, section and key in front of it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf_int.h"

/* ---- texts ---- */

static int
parse_text(const struct conf_key *k, const char *value, void *at,
    struct err *why)
{
	const char *wrong = NULL;
	char *copy;

	if (strlen(value) > (size_t)k->max)
		return err_set(why, "longer than %" PRId64 " bytes", k->max);
	if (k->check != NULL)
		wrong = k->check(value);
	if (wrong != NULL)
		return err_set(why, "%s", wrong);
	copy = strdup(value);
	if (copy == NULL)
		return err_sys(why, "%s", k->name);
	memcpy(at, &copy, sizeof(copy));
	/* cppcheck-suppress memleak ; *at owns it now */
	return 0;
}

/* Quoted unless nothing in it can be taken for syntax. */
static void
put_text(const char *s, FILE *f)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:,@+-";

	if (*s != '\0' && s[strspn(s, plain)] == '\0' &&
	    strcasecmp(s, "default") != 0) {
		fputs(s, f);
		return;
	}
	putc('"', f);
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			putc('\\', f);
		putc(*s, f);
	}
	putc('"', f);
}

static void
print_text(const struct conf_key *k, const void *at, FILE *f)
{
	const char *s;

	memcpy(&s, at, sizeof(s));
	if (k->flags & CONF_SECRET)
		fputs("***", f);
	else if (s != NULL)
		put_text(s, f);
}

/* ---- numbers ---- */

/* -1: not a number; 1: beyond 64 bits, *n is the nearest. */
static int
read_number(const char *s, const char **end, int64_t *n)
{
	const char *p = s + (*s == '-' || *s == '+');
	char *stop;

	if (*p < '0' || *p > '9')
		return -1;
	errno = 0;
	*n = strtoll(s, &stop, 10);
	*end = stop;
	return errno == ERANGE;
}

static const struct suffix {
	char letter;
	int shift;
} suffixes[] = {
	{ 'T', 40 },
	{ 'G', 30 },
	{ 'M', 20 },
	{ 'K', 10 },
	{ 0, 0 },
};

static void
size_text(int64_t n, char buf[24])
{
	const struct suffix *s = suffixes;

	while (s->letter != 0 && (n == 0 ||
	    n % ((int64_t)1 << s->shift) != 0))
		s++;
	snprintf(buf, 24, "%" PRId64 "%.1s", n >> s->shift, &s->letter);
}

static void
number_text(const struct conf_key *k, int64_t n, char buf[24])
{
	if (k->type == &conf_size)
		size_text(n, buf);
	else
		snprintf(buf, 24, "%" PRId64, n);
}

static void
range_text(const struct conf_key *k, char buf[96])
{
	char min[24], max[24];

	number_text(k, k->min, min);
	number_text(k, k->max, max);
	snprintf(buf, 96, "%s%s to %s%s",
	    (k->flags & CONF_ZERO) ? "0, or " : "", min, max,
	    k->type == &conf_size ? " (bytes, or with K, M, G or T)" : "");
}

static int
check_range(const struct conf_key *k, int64_t *n, struct err *why)
{
	char range[96], used[24];

	if ((*n >= k->min && *n <= k->max) ||
	    (*n == 0 && (k->flags & CONF_ZERO)))
		return 0;
	range_text(k, range);
	if (!(k->flags & CONF_CLAMP))
		return err_set(why, "out of range, allowed: %s", range);
	*n = *n < k->min ? k->min : k->max;
	number_text(k, *n, used);
	err_set(why, "out of range, allowed: %s; %s is used", range, used);
	return 1;
}

static int
parse_number(const struct conf_key *k, const char *value, int64_t *n,
    struct err *why)
{
	const struct suffix *s = suffixes;
	const char *end = value;
	char range[96];
	int over;

	over = read_number(value, &end, n);
	if (over >= 0 && k->type == &conf_size && *end != '\0') {
		while (s->letter != 0 && s->letter != (*end & ~0x20))
			s++;
		end += s->letter != 0;
		if (*n > INT64_MAX >> s->shift)
			*n = INT64_MAX;
		else if (*n > 0)
			*n <<= s->shift;
	}
	if (over < 0 || *end != '\0') {
		range_text(k, range);
		return err_set(why, "not %s, allowed: %s", k->type->what,
		    range);
	}
	return check_range(k, n, why);
}

static int
parse_int(const struct conf_key *k, const char *value, void *at,
    struct err *why)
{
	int64_t n = 0;
	int rc = parse_number(k, value, &n, why);

	if (rc >= 0)
		*(int *)at = (int)n;
	return rc;
}

static void
print_int(const struct conf_key *k, const void *at, FILE *f)
{
	(void)k;
	fprintf(f, "%d", *(const int *)at);
}

static int
parse_size(const struct conf_key *k, const char *value, void *at,
    struct err *why)
{
	int64_t n = 0;
	int rc = parse_number(k, value, &n, why);

	if (rc >= 0)
		*(int64_t *)at = n;
	return rc;
}

static void
print_size(const struct conf_key *k, const void *at, FILE *f)
{
	char buf[24];

	(void)k;
	size_text(*(const int64_t *)at, buf);
	fputs(buf, f);
}

static int
parse_port(const struct conf_key *k, const char *value, void *at,
    struct err *why)
{
	int64_t n = 0;
	int rc = parse_number(k, value, &n, why);

	if (rc >= 0)
		*(uint16_t *)at = (uint16_t)n;
	return rc;
}

static void
print_port(const struct conf_key *k, const void *at, FILE *f)
{
	(void)k;
	fprintf(f, "%u", *(const uint16_t *)at);
}

/* ---- two ports ---- */

static const char *
skip_blanks(const char *s)
{
	return s + strspn(s, " \t");
}

/* "a,b" or "a-b"; "a" alone is a up to the last port, as it always was. */
static int
parse_ports(const struct conf_key *k, const char *value, void *at,
    struct err *why)
{
	struct conf *c = (void *)((char *)at - k->offset);
	const char *p = value;
	int64_t a = 0, b = k->max;
	bool two = false, ok;

	ok = *p != '-' && read_number(p, &p, &a) == 0;
	if (ok) {
		p = skip_blanks(p);
		two = *p == ',' || *p == '-';
		if (two) {
			p = skip_blanks(p + 1);
			ok = *p != '-' && read_number(p, &p, &b) == 0;
		}
	}
	if (!ok || *p != '\0')
		return err_set(why, "not %s, allowed: MIN,MAX, each %" PRId64
		    " to %" PRId64, k->type->what, k->min, k->max);
	if (a < k->min || b > k->max || a > b)
		return err_set(why, "out of range, allowed: MIN,MAX with "
		    "%" PRId64 " <= MIN <= MAX <= %" PRId64, k->min, k->max);
	c->passive_min = (uint16_t)a;
	c->passive_max = (uint16_t)b;
	if (two)
		return 0;
	err_set(why, "one port is taken as the first of %" PRId64 ",%" PRId64
	    "; write %" PRId64 ",%" PRId64 " for this port only", a, b, a, a);
	return 1;
}

static void
print_ports(const struct conf_key *k, const void *at, FILE *f)
{
	const struct conf *c = (const void *)((const char *)at - k->offset);

	fprintf(f, "%u,%u", c->passive_min, c->passive_max);
}

const struct conf_type conf_text = { "a text", parse_text, print_text, NULL,
	0 };
const struct conf_type conf_int = { "an integer", parse_int, print_int, NULL,
	0 };
const struct conf_type conf_port = { "a port", parse_port, print_port, NULL,
	0 };
const struct conf_type conf_ports = { "a range of ports", parse_ports,
	print_ports, NULL, 0 };
const struct conf_type conf_size = { "a size", parse_size, print_size, NULL,
	0 };
