/*
 * conf/conf_print.c - the settings in effect, as a file.
 */
#include <string.h>

#include "conf_int.h"

static bool
is_set(const struct conf_key *k, const void *at)
{
	const char *text;

	if (k->type != &conf_text)
		return true;
	memcpy(&text, at, sizeof(text));
	return text != NULL;
}

static void
print_key(const struct conf_key *k, const void *at, FILE *f)
{
	if (!is_set(k, at)) {
		fprintf(f, "#%s =\t# %s\n", k->name, k->help);
		return;
	}
	fprintf(f, "%s = ", k->name);
	k->type->print(k, at, f);
	putc('\n', f);
}

static void
print_account(const struct conf *c, const struct conf_account *a, FILE *f)
{
	const struct conf_key *k;

	fprintf(f, "[%s]\n# COS: %s://%s.%s%s\n", a->section,
	    a->https ? "https" : "http", a->bucket, a->endpoint,
	    a->endpoint_given ? "" : " (from cos_region)");
	for (k = conf_keys; k < conf_keys + conf_nkeys; k++) {
		if (k->section != CONF_ACCOUNT)
			continue;
		if (strcmp(k->name, "cos_endpoint") == 0 &&
		    !a->endpoint_given)
			continue;
		print_key(k, conf_at(k, c, a), f);
	}
}

void
conf_print(const struct conf *c, FILE *f)
{
	const struct conf_key *k, *end = conf_keys + conf_nkeys;
	const char *gap = "";
	int section = CONF_ACCOUNT;
	size_t i;

	for (i = 0; i < c->naccounts; i++) {
		fputs(gap, f);
		print_account(c, &c->accounts[i], f);
		gap = "\n";
	}
	for (k = conf_keys; k < end; k++) {
		if (k->section == CONF_ACCOUNT)
			continue;
		if ((int)k->section != section)
			fprintf(f, "\n[%s]\n", conf_section_name[k->section]);
		section = (int)k->section;
		print_key(k, conf_at(k, c, NULL), f);
	}
}
