/*
 * auth.c - checks q-signature, from the description of the algorithm.
 *
 * The lists in the Authorization say what was signed.  Each name in them must
 * have been sent, and what must be signed has to be in them: COS leaves that
 * to the client but for buckets with a strict rule, and here all are strict,
 * unless sign_subset is set.
 */
#include "auth.h"
#include "store.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { WINDOW_S = 900 };

struct pair {
	struct text name, value;	/* encoded; the name in lower case */
	const char *what;		/* as it was sent */
	bool must, listed;
};

enum field { ALGORITHM, AK, SIGN_TIME, KEY_TIME, HEADER_LIST, PARAM_LIST,
    SIGNATURE, FIELDS };

static const char *const field_names[FIELDS] = {
	[ALGORITHM] = "q-sign-algorithm", [AK] = "q-ak",
	[SIGN_TIME] = "q-sign-time", [KEY_TIME] = "q-key-time",
	[HEADER_LIST] = "q-header-list", [PARAM_LIST] = "q-url-param-list",
	[SIGNATURE] = "q-signature"
};

struct auth {
	char *key;		/* of the id */
	char *copy;		/* of the header, cut into the fields */
	char *field[FIELDS];
	struct pair *headers, *params;
};

/* name=value&name=value..., each of the seven exactly once */
static bool
split(struct auth *a, const char *header)
{
	char *p, *next, *eq;
	int i, seen = 0;

	a->copy = xcopy(header, strlen(header));
	for (p = a->copy; p; p = next) {
		next = strchr(p, '&');
		if (next)
			*next++ = '\0';
		if ((eq = strchr(p, '=')) == NULL)
			return false;
		*eq = '\0';
		for (i = 0; i < FIELDS && strcmp(p, field_names[i]) != 0; i++)
			;
		if (i == FIELDS || a->field[i])
			return false;
		a->field[i] = eq + 1;
		seen++;
	}
	return seen == FIELDS;
}

static bool
must_sign(const char *name, bool subset)
{
	return strcasecmp(name, "host") == 0 || (!subset &&
	    (strncasecmp(name, "content-", 8) == 0 ||
	    strncasecmp(name, "x-cos-", 6) == 0));
}

static void
pair_set(struct pair *p, const char *name, size_t name_len,
    const char *value, size_t value_len, bool must)
{
	size_t i;

	text_percent(&p->name, name, name_len, "");
	for (i = 0; i < p->name.n; i++)
		p->name.p[i] = (char)tolower((unsigned char)p->name.p[i]);
	text_percent(&p->value, value, value_len, "");
	p->what = name;
	p->must = must;
}

static void
pairs_make(struct auth *a, const struct req *r, bool subset)
{
	size_t i;

	a->headers = xalloc(r->header_count * sizeof(*a->headers));
	a->params = xalloc(r->param_count * sizeof(*a->params));
	for (i = 0; i < r->header_count; i++) {
		const struct header *h = &r->headers[i];

		pair_set(&a->headers[i], h->name, strlen(h->name), h->value,
		    strlen(h->value), must_sign(h->name, subset));
	}
	for (i = 0; i < r->param_count; i++) {
		const struct param *p = &r->params[i];

		pair_set(&a->params[i], p->name, p->name_len, p->value,
		    p->value_len, !subset);
	}
}

static void
pairs_free(struct pair *p, size_t n)
{
	size_t i;

	for (i = 0; p && i < n; i++) {
		text_free(&p[i].name);
		text_free(&p[i].value);
	}
	free(p);
}

/* Appends name=value&... for a list; *why says what is wrong with it. */
static void
listed(struct text *out, const char *list, struct pair *pairs, size_t n,
    const char *kind, struct text *why)
{
	const char *p, *last = "", *end;
	size_t i, len, last_len = 0;

	for (p = list; *p; p = *end ? end + 1 : end) {
		end = strchrnul(p, ';');
		len = (size_t)(end - p);
		if (last_len && key_compare(last, last_len, p, len) >= 0)
			text_fmt(why, "; %s list is not sorted", kind);
		for (i = 0; i < n; i++)
			if (pairs[i].name.n == len &&
			    memcmp(pairs[i].name.p, p, len) == 0)
				break;
		if (i == n || pairs[i].listed) {
			text_fmt(why, "; %s list names %.*s, which was not "
			    "sent or is named twice", kind, (int)len, p);
			continue;
		}
		pairs[i].listed = true;
		text_fmt(out, "%s%s=%s", out->n && out->p[out->n - 1] != '\n' ?
		    "&" : "", pairs[i].name.p, pairs[i].value.p);
		last = p;
		last_len = len;
	}
	for (i = 0; i < n; i++)
		if (pairs[i].must && !pairs[i].listed)
			text_fmt(why, "; %s %s is not in the list", kind,
			    pairs[i].what);
}

static void
http_string(struct auth *a, const struct req *r, struct text *out,
    struct text *why)
{
	const char *p;

	for (p = r->method; *p; p++)
		text_fmt(out, "%c", tolower((unsigned char)*p));
	text_str(out, "\n");
	text_add(out, r->path, r->path_len);
	text_str(out, "\n");
	listed(out, a->field[PARAM_LIST], a->params, r->param_count,
	    "parameter", why);
	text_str(out, "\n");
	listed(out, a->field[HEADER_LIST], a->headers, r->header_count,
	    "header", why);
	text_str(out, "\n");
}

static void
signature(const char *key, const char *key_time, const struct text *string,
    struct text *to_sign, char out[2 * TLS_SHA1_LEN + 1])
{
	unsigned char d[TLS_SHA1_LEN];
	char sign_key[2 * TLS_SHA1_LEN + 1], sha[2 * TLS_SHA1_LEN + 1];

	tls_hmac_sha1(key, strlen(key), key_time, strlen(key_time), d);
	tls_hex(sign_key, d, sizeof(d));
	tls_sha1(string->p, string->n, d);
	tls_hex(sha, d, sizeof(d));
	text_fmt(to_sign, "sha1\n%s\n%s\n", key_time, sha);
	tls_hmac_sha1(sign_key, strlen(sign_key), to_sign->p, to_sign->n, d);
	tls_hex(out, d, sizeof(d));
}

/* Before it is answered: a test may count as soon as it has the answer. */
static void
count_failure(struct conn *c)
{
	pthread_mutex_lock(&c->f->lock);
	c->f->stats.auth_failures++;
	pthread_mutex_unlock(&c->f->lock);
}

static bool
refuse(struct conn *c, struct req *r, int status, const char *code,
    const char *message)
{
	count_failure(c);
	resp_error(c, r, status, code, "%s", message);
	return false;
}

static bool
check_signature(struct conn *c, struct req *r, struct auth *a)
{
	struct text string = { 0 }, to_sign = { 0 }, why = { 0 };
	char want[2 * TLS_SHA1_LEN + 1];
	bool ok;

	pairs_make(a, r, c->f->set.sign_subset != 0);
	http_string(a, r, &string, &why);
	signature(a->key, a->field[KEY_TIME], &string, &to_sign, want);
	if (strcmp(want, a->field[SIGNATURE]) != 0)
		text_str(&why, "; the signature differs");
	ok = why.n == 0;
	if (!ok) {
		count_failure(c);
		resp_error(c, r, 403, "SignatureDoesNotMatch", "%s. "
		    "FormatString: %s StringToSign: %s", why.p + 2, string.p,
		    to_sign.p);
	}
	text_free(&string);
	text_free(&to_sign);
	text_free(&why);
	return ok;
}

/* START;END around the server's clock */
static bool
check_time(struct conn *c, struct req *r, const struct auth *a)
{
	char *copy = xcopy(a->field[SIGN_TIME], strlen(a->field[SIGN_TIME]));
	char *semi = strchr(copy, ';');
	int64_t from, to, now = clock_ms(c->f) / 1000;
	bool ok, skewed = false;

	if (semi)
		*semi = '\0';
	ok = semi && number_parse(copy, &from) && number_parse(semi + 1, &to) &&
	    from < to && strcmp(a->field[SIGN_TIME], a->field[KEY_TIME]) == 0;
	free(copy);
	if (!ok)
		return refuse(c, r, 403, "AccessDenied", "bad q-sign-time");
	/* A signature may be older than the limit when it is used again, but
	 * a test that sets --skew signs afresh. */
	if (c->f->set.skew != 0)
		skewed = llabs((long long)(now - from)) > WINDOW_S;
	if (skewed || from > now + WINDOW_S || to < now - WINDOW_S)
		return refuse(c, r, 403, "RequestTimeTooSkewed", "The "
		    "difference between the request time and the current time "
		    "is too large.");
	if (from > now || to < now)
		return refuse(c, r, 403, "AccessDenied", "Request has expired");
	return true;
}

/* A token goes with its own pair only, and with that it has to be there; the
 * first pair is that of the official vectors, with or without one. */
static bool
check_key(struct conn *c, struct req *r, struct auth *a)
{
	const char *token = http_header(r, "x-cos-security-token");
	const struct access *k, first = { .id = (char *)c->f->set.id,
	    .key = (char *)c->f->set.key };
	bool over = false;

	pthread_mutex_lock(&c->f->lock);
	for (k = c->f->access; k && strcmp(k->id, a->field[AK]) != 0;
	    k = k->next)
		;
	if (k == NULL && strcmp(first.id, a->field[AK]) == 0)
		k = &first;
	if (k == &first || (k && k->key && (k->token ? token && strcmp(k->token, token) == 0 :
	    !token))) {
		a->key = xcopy(k->key, strlen(k->key));
		over = k->until && clock_ms(c->f) >= k->until;
	}
	pthread_mutex_unlock(&c->f->lock);
	if (a->key == NULL)
		return refuse(c, r, 403, "InvalidAccessKeyId", "The access key "
		    "Id you provided does not exist in our records");
	return !over || refuse(c, r, 400, "ExpiredToken", "The provided token "
	    "has expired.");
}

static bool
check(struct conn *c, struct req *r, struct auth *a)
{
	const char *header = http_header(r, "Authorization");

	if (header == NULL)
		return refuse(c, r, 403, "AccessDenied", "Access Denied.");
	if (!split(a, header) || strcmp(a->field[ALGORITHM], "sha1") != 0)
		return refuse(c, r, 403, "AccessDenied", "bad Authorization");
	if (!check_key(c, r, a))
		return false;
	return check_time(c, r, a) && check_signature(c, r, a);
}

bool
auth_check(struct conn *c, struct req *r)
{
	struct auth a = { 0 };
	bool ok = c->f->set.no_auth || check(c, r, &a);

	pairs_free(a.headers, r->header_count);
	pairs_free(a.params, r->param_count);
	free(a.copy);
	free(a.key);
	return ok;
}

void
auth_key(struct conn *c, struct req *r)
{
	const char *id = http_value(r, "id"), *token = http_value(r, "token");
	struct access *k;
	int64_t life;

	pthread_mutex_lock(&c->f->lock);
	for (k = c->f->access; k && strcmp(k->id, id) != 0; k = k->next)
		;
	if (k == NULL) {
		k = xalloc(sizeof(*k));
		k->id = xcopy(id, strlen(id));
		k->next = c->f->access;
		c->f->access = k;
	}
	if (*http_value(r, "key")) {
		free(k->key);
		free(k->token);
		k->key = xcopy(http_value(r, "key"),
		    strlen(http_value(r, "key")));
		k->token = *token ? xcopy(token, strlen(token)) : NULL;
		k->until = 0;
	}
	if (number_parse(http_value(r, "life"), &life))
		k->until = clock_ms(c->f) + life;
	pthread_mutex_unlock(&c->f->lock);
	resp_begin(c, r, 200);
	resp_none(c, r);
}

void
auth_free(struct fakecos *f)
{
	struct access *k;

	while ((k = f->access) != NULL) {
		f->access = k->next;
		free(k->id);
		free(k->key);
		free(k->token);
		free(k);
	}
}
