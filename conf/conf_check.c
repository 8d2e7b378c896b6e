/*
 * conf/conf_check.c - what one value alone does not show: keys that are
 * missing, keys that contradict each other, accounts that do.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf_int.h"

#define CLASSIC_HOST_MAX 60	/* of BUCKET.cos.REGION.myqcloud.com */

/* Line of a key of the section just read, 0 when it is not there. */
static int
line_of(const struct conf_load *l, const char *name)
{
	size_t i;

	for (i = 0; i < conf_nkeys; i++)
		if (conf_keys[i].section == l->section &&
		    strcmp(conf_keys[i].name, name) == 0)
			return l->seen[i];
	return 0;
}

static void
check_needed(struct conf_load *l)
{
	int role = l->account->role != NULL ? line_of(l, "cos_role") : 0;
	const struct conf_key *k;
	int line;

	for (k = conf_keys; k < conf_keys + conf_nkeys; k++) {
		line = l->seen[k - conf_keys];
		if (k->section != l->section)
			continue;
		if (role > 0 && (k->flags & CONF_KEY)) {
			if (line > 0)
				conf_note(l, true, line, "[%s] %s: cos_role in "
				    "line %d brings its own", l->heading,
				    k->name, role);
		} else if ((k->flags & CONF_NEEDED) && line == 0) {
			conf_note(l, true, l->heading_line, "[%s] %s: missing "
			    "(%s)", l->heading, k->name, k->help);
		}
	}
}

/* What would give "BUCKET.BUCKET.cos..." or a host nobody has. */
static void
check_endpoint(struct conf_load *l)
{
	const struct conf_account *a = l->account;
	int line = line_of(l, "cos_endpoint");
	size_t len = a->bucket != NULL ? strlen(a->bucket) : 0;

	if (len > 0 && strncmp(a->endpoint, a->bucket, len) == 0 &&
	    a->endpoint[len] == '.')
		conf_note(l, true, line, "[%s] cos_endpoint = %.60s: begins "
		    "with the bucket, allowed: %.60s (cos_bucket is put in "
		    "front)", l->heading, a->endpoint, a->endpoint + len + 1);
	else if (strstr(a->endpoint, ".tecentcos.cn") != NULL)
		conf_note(l, false, line, "[%s] cos_endpoint = %.60s: did you "
		    "mean tencentcos.cn?", l->heading, a->endpoint);
}

static void
check_region(struct conf_load *l)
{
	const struct conf_account *a = l->account;
	size_t len = strlen(".cos.") + strlen(a->region) +
	    strlen(".myqcloud.com");

	if (a->bucket != NULL && strlen(a->bucket) + len > CLASSIC_HOST_MAX)
		conf_note(l, false, line_of(l, "cos_bucket"), "[%s] cos_bucket "
		    "= %.60s: COS has no bucket with so long a name in %.60s "
		    "(%d characters at most)", l->heading, a->bucket, a->region,
		    (int)(CLASSIC_HOST_MAX - len));
}

/* "/a/b" is "a/b/" */
static void
normalise_prefix(struct conf_load *l)
{
	struct conf_account *a = l->account;
	const char *p = a->prefix + (a->prefix[0] == '/');
	char *text;

	if (asprintf(&text, "%s%s", p, p[strlen(p) - 1] == '/' ? "" : "/") <
	    0) {
		l->no_memory = true;
		return;
	}
	free(a->prefix);
	a->prefix = text;
}

void
conf_check_account(struct conf_load *l)
{
	struct conf_account *a = l->account;
	size_t len = a->home_dir != NULL ? strlen(a->home_dir) : 0;

	check_needed(l);
	a->user_line = line_of(l, "ftp_login_user_name");
	a->home_line = line_of(l, "home_dir");
	while (len > 1 && a->home_dir[len - 1] == '/')
		a->home_dir[--len] = '\0';
	if (a->prefix != NULL)
		normalise_prefix(l);
	a->endpoint_given = a->endpoint != NULL;
	if (a->region != NULL)
		check_region(l);
	if (a->endpoint != NULL) {
		check_endpoint(l);
	} else if (a->region != NULL) {
		a->endpoint = conf_region_endpoint(a->region);
		l->no_memory |= a->endpoint == NULL;
	} else if (line_of(l, "cos_region") == 0 &&
	    line_of(l, "cos_endpoint") == 0) {
		conf_note(l, true, l->heading_line, "[%s] cos_region: missing, "
		    "and so is cos_endpoint; one of them is needed",
		    l->heading);
	}
}

/* ---- [TLS] ---- */

/* What has no meaning without a certificate. */
static void
check_certificate(struct conf_load *l)
{
	static const char *const names[] = { "key_file", "mode",
	    "implicit_port", "require_session_reuse" };
	const struct conf *c = l->conf;
	char port[8];
	const char *value[] = { c->key_file, c->tls_mode > CONF_TLS_OFF ?
	    conf_tls_mode.choice[c->tls_mode - CONF_TLS_OFF].name : NULL,
	    c->implicit_port > 0 ? port : NULL,
	    c->require_session_reuse ? "true" : NULL };
	size_t i;

	snprintf(port, sizeof(port), "%u", c->implicit_port);
	for (i = 0; i < sizeof(value) / sizeof(value[0]); i++)
		if (value[i] != NULL)
			conf_note(l, true, line_of(l, names[i]), "[%s] %s = "
			    "%.60s: needs a certificate, and cert_file is not "
			    "set", l->heading, names[i], value[i]);
}

void
conf_check_tls(struct conf_load *l)
{
	const struct conf *c = l->conf;

	l->implicit_line = line_of(l, "implicit_port");
	if (c->cert_file == NULL) {
		/* one that cannot be read is complained of already */
		if (line_of(l, "cert_file") == 0 || l->notes->nerrors == 0)
			check_certificate(l);
	} else if (c->tls_mode == CONF_TLS_OFF && c->implicit_port > 0) {
		conf_note(l, true, l->implicit_line, "[%s] implicit_port = %u: "
		    "mode = off in line %d, allowed: 0", l->heading,
		    c->implicit_port, line_of(l, "mode"));
	}
}

/* ---- all accounts ---- */

struct entry {
	const char *text;
	int line;
	const struct conf_account *account;
};

static int
compare(const void *x, const void *y)
{
	const struct entry *a = x, *b = y;
	int c = strcmp(a->text, b->text);

	return c != 0 ? c : (a->line > b->line) - (a->line < b->line);
}

static int
compare_case(const void *x, const void *y)
{
	const struct entry *a = x, *b = y;
	int c = strcasecmp(a->text, b->text);

	return c != 0 ? c : (a->line > b->line) - (a->line < b->line);
}

static void
find_equal_texts(struct conf_load *l, struct entry *list, size_t n,
    const char *key)
{
	size_t i, first = 0;

	qsort(list, n, sizeof(*list), compare);
	for (i = 1; i < n; i++) {
		if (strcmp(list[first].text, list[i].text) != 0) {
			first = i;
			continue;
		}
		conf_note(l, true, list[i].line, "[%s] %s = %.60s: the same "
		    "as in [%s], line %d; each account needs its own",
		    list[i].account->section, key, list[i].text,
		    list[first].account->section, list[first].line);
	}
}

static void
find_equal_sections(struct conf_load *l, struct entry *list, size_t n)
{
	size_t i, first = 0;

	qsort(list, n, sizeof(*list), compare_case);
	for (i = 1; i < n; i++) {
		if (strcasecmp(list[first].text, list[i].text) != 0)
			first = i;
		else
			conf_note(l, true, list[i].line, "[%s]: already begun "
			    "in line %d", list[i].text, list[first].line);
	}
}

static void
check_unique(struct conf_load *l)
{
	const struct conf *c = l->conf;
	const struct conf_account *a;
	struct entry *list = calloc(c->naccounts, sizeof(*list));
	size_t n = 0;

	if (list == NULL) {
		l->no_memory = true;
		return;
	}
	for (a = c->accounts; a < c->accounts + c->naccounts; a++)
		list[n++] = (struct entry){ a->section, a->line, a };
	find_equal_sections(l, list, n);
	n = 0;
	for (a = c->accounts; a < c->accounts + c->naccounts; a++)
		if (a->user != NULL)
			list[n++] = (struct entry){ a->user, a->user_line, a };
	find_equal_texts(l, list, n, "ftp_login_user_name");
	n = 0;
	for (a = c->accounts; a < c->accounts + c->naccounts; a++)
		if (a->home_dir != NULL)
			list[n++] = (struct entry){ a->home_dir, a->home_line,
			    a };
	find_equal_texts(l, list, n, "home_dir");
	free(list);
}

static void
name_xferlog(struct conf_load *l)
{
	static const char base[] = "/xferlog";
	struct conf *c = l->conf;
	size_t size = strlen(c->log.dir) + sizeof(base);

	if (strcmp(c->log.dir, "-") == 0) {
		conf_note(l, true, 0, "[OPTIONAL] xferlog_enable = true: needs "
		    "xferlog_file, as log_dir is no directory");
		return;
	}
	c->xferlog_file = malloc(size);
	if (c->xferlog_file != NULL)
		snprintf(c->xferlog_file, size, "%s%s", c->log.dir, base);
	else
		l->no_memory = true;
}

void
conf_check_all(struct conf_load *l)
{
	struct conf *c = l->conf;
	size_t i;

	if (c->tls_mode == CONF_TLS_UNSET)
		c->tls_mode = c->cert_file != NULL ? CONF_TLS_ALLOW :
		    CONF_TLS_OFF;
	if (c->implicit_port > 0 && c->implicit_port == c->listen_port)
		conf_note(l, true, l->implicit_line, "[TLS] implicit_port = "
		    "%u: is the listen_port, allowed: another port",
		    c->implicit_port);
	for (i = 0; i < c->naccounts; i++)
		if (c->accounts[i].client_encoding == 0)
			c->accounts[i].client_encoding = c->client_encoding;
	if (c->xferlog_enable && c->xferlog_file == NULL)
		name_xferlog(l);
	if (c->naccounts == 0)
		conf_note(l, true, 0, "no account: at least one section "
		    "[COS_ACCOUNT_x] is needed");
	else
		check_unique(l);
}
