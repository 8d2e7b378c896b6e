/*
 * conf/conf_choice.c - settings with a few named values.
 *
 * The first name of a value in its table is the one shown; the others are
 * what Python's getboolean() and logging took.
 */
#include <string.h>
#include <strings.h>

#include "conf_int.h"

static int
find_choice(const struct conf_key *k, const char *value, int *found,
    struct err *why)
{
	const struct conf_choice *c;
	char names[128];
	size_t n = 0;

	for (c = k->type->choice; c->name != NULL; c++) {
		if (strcasecmp(c->name, value) == 0) {
			*found = c->value;
			return 0;
		}
		n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s",
		    n > 0 ? ", " : "", c->name);
	}
	return err_set(why, "not %s, allowed: %s", k->type->what, names);
}

static int
parse_choice(const struct conf_key *k, const char *value, void *at,
    struct err *why)
{
	int n = 0;
	unsigned char byte;

	if (find_choice(k, value, &n, why) < 0)
		return -1;
	byte = (unsigned char)n;
	if (k->type->size == 1)
		memcpy(at, &byte, 1);
	else
		memcpy(at, &n, sizeof(n));
	return 0;
}

static void
put_choice(const struct conf_key *k, int n, FILE *f)
{
	const struct conf_choice *c = k->type->choice;

	while (c->name != NULL && c->value != n)
		c++;
	fputs(c->name != NULL ? c->name : "?", f);
}

static void
print_choice(const struct conf_key *k, const void *at, FILE *f)
{
	int n;

	if (k->type->size == 1)
		n = *(const unsigned char *)at;
	else
		memcpy(&n, at, sizeof(n));
	put_choice(k, n, f);
}

static int
parse_rights(const struct conf_key *k, const char *value, void *at,
    struct err *why)
{
	struct conf_account *a = (void *)((char *)at - k->offset);
	int n = 0;

	/* capitals only, as ever: "rw" gave no right at all */
	if (strpbrk(value, "rw") != NULL || find_choice(k, value, &n, why) < 0)
		return err_set(why, "not %s, allowed: R, W or RW",
		    k->type->what);
	a->can_read = n & 1;
	a->can_write = n & 2;
	return 0;
}

static void
print_rights(const struct conf_key *k, const void *at, FILE *f)
{
	const struct conf_account *a =
	    (const void *)((const char *)at - k->offset);

	put_choice(k, a->can_read + 2 * a->can_write, f);
}

static const struct conf_choice booleans[] = {
	{ "true", 1 }, { "false", 0 },
	{ "yes", 1 }, { "no", 0 },
	{ "on", 1 }, { "off", 0 },
	{ "1", 1 }, { "0", 0 },
	{ "y", 1 }, { "n", 0 },
	{ NULL, 0 }
};

static const struct conf_choice rights[] = {
	{ "R", 1 },
	{ "W", 2 },
	{ "RW", 3 },
	{ NULL, 0 }
};

static const struct conf_choice levels[] = {
	{ "DEBUG", LOG_LEVEL_DEBUG },
	{ "INFO", LOG_LEVEL_INFO },
	{ "WARNING", LOG_LEVEL_WARNING },
	{ "ERROR", LOG_LEVEL_ERROR },
	{ "WARN", LOG_LEVEL_WARNING },
	{ "CRITICAL", LOG_LEVEL_ERROR },	/* Python's others */
	{ "FATAL", LOG_LEVEL_ERROR },
	{ NULL, 0 }
};

static const struct conf_choice protocols[] = {
	{ "https", 1 },
	{ "http", 0 },
	{ NULL, 0 }
};

static const struct conf_choice contents[] = {
	{ "auto", 1 },
	{ "off", 0 },
	{ NULL, 0 }
};

static const struct conf_choice interrupted[] = {
	{ "complete", CONF_COMPLETE },
	{ "discard", CONF_DISCARD },
	{ NULL, 0 }
};

static const struct conf_choice tls_modes[] = {
	{ "off", CONF_TLS_OFF },
	{ "allow", CONF_TLS_ALLOW },
	{ "require-login", CONF_TLS_LOGIN },
	{ "require-all", CONF_TLS_ALL },
	{ NULL, 0 }
};

static const struct conf_choice whens[] = {
	{ "S", 'S' },
	{ "M", 'M' },
	{ "H", 'H' },
	{ "D", 'D' },
	{ NULL, 0 }
};

const struct conf_type conf_bool = { "a boolean", parse_choice, print_choice,
	booleans, sizeof(bool) };
const struct conf_type conf_rights = { "a set of rights", parse_rights,
	print_rights, rights, 0 };
const struct conf_type conf_level = { "a level", parse_choice, print_choice,
	levels, sizeof(enum log_level) };
const struct conf_type conf_protocol = { "a protocol", parse_choice,
	print_choice, protocols, sizeof(bool) };
const struct conf_type conf_content = { "a choice", parse_choice,
	print_choice, contents, sizeof(bool) };
const struct conf_type conf_interrupted = { "a policy", parse_choice,
	print_choice, interrupted, sizeof(enum conf_interrupted) };
const struct conf_type conf_tls_mode = { "a mode", parse_choice, print_choice,
	tls_modes, sizeof(enum conf_tls_mode) };
const struct conf_type conf_when = { "a unit of time", parse_choice,
	print_choice, whens, sizeof(char) };
