/*
 * cos/sign.c - the Authorization header, algorithm "sha1".
 *
 * A canonical text of the request (HttpString) is hashed, and the hash signed
 * with a key derived from the secret key and the validity time.  Two traps:
 * names are escaped first and lower-cased after, so their escapes have
 * lower-case digits while those of values have upper-case ones; and the
 * signing key is the hex text, not the 20 bytes it stands for.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cos_int.h"

enum {
	MAX_PAIRS = 64,			/* parameters, or signed headers */
	MAX_TEXT = 64 * 1024,		/* of one canonical text */
	HEX_LEN = 2 * TLS_SHA1_LEN
};

/* Pairs in the order of their escaped, lower-case names. */
struct sorted {
	struct net_buf names;		/* each with its NUL */
	struct {
		size_t name;		/* offset in names */
		const char *value;
	} pair[MAX_PAIRS];
	size_t n;
};

static void
lower(char *s, size_t len)
{
	for (; len > 0; s++, len--)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
}

static const char *
sorted_name(const struct sorted *s, size_t i)
{
	return s->names.data + s->pair[i].name;
}

static void
sorted_add(struct sorted *s, const struct cos_pair *p)
{
	size_t at = s->names.len, i;

	if (s->n == MAX_PAIRS)
		s->names.failed = true;
	cos_escape(&s->names, p->name, strlen(p->name), false);
	net_buf_put(&s->names, "", 1);
	if (s->names.failed)
		return;
	lower(s->names.data + at, s->names.len - at);
	for (i = s->n++; i > 0 && strcmp(sorted_name(s, i - 1),
	    s->names.data + at) > 0; i--)
		s->pair[i] = s->pair[i - 1];
	s->pair[i].name = at;
	s->pair[i].value = p->value;
}

/* Puts "name=value&..." to pairs and "name;..." to list. */
static void
canonical(const struct cos_pair *pair, size_t n, struct net_buf *pairs,
    struct net_buf *list)
{
	struct sorted s = { .names.max = MAX_TEXT };
	const char *name;
	size_t i;

	for (i = 0; i < n; i++)
		sorted_add(&s, &pair[i]);
	for (i = 0; i < s.n && !s.names.failed; i++) {
		name = sorted_name(&s, i);
		net_buf_printf(pairs, "%s%s=", i > 0 ? "&" : "", name);
		cos_escape(pairs, s.pair[i].value, strlen(s.pair[i].value),
		    false);
		net_buf_printf(list, "%s%s", i > 0 ? ";" : "", name);
	}
	net_buf_put(list, "", 0);	/* a string, also when empty */
	if (s.names.failed)
		list->failed = true;
	net_buf_free(&s.names);
}

static void
hmac_hex(const char *key, const char *text, char out[HEX_LEN + 1])
{
	unsigned char mac[TLS_SHA1_LEN];

	tls_hmac_sha1(key, strlen(key), text, strlen(text), mac);
	tls_hex(out, mac, sizeof(mac));
}

static void
signature(const struct cos_sign_request *r, const char *key_time,
    const struct net_buf *http, char out[HEX_LEN + 1])
{
	unsigned char digest[TLS_SHA1_LEN];
	char sign_key[HEX_LEN + 1], hash[HEX_LEN + 1], text[128];

	tls_sha1(http->data, http->len, digest);
	tls_hex(hash, digest, sizeof(digest));
	snprintf(text, sizeof(text), "sha1\n%s\n%s\n", key_time, hash);
	hmac_hex(r->secret_key, key_time, sign_key);
	hmac_hex(sign_key, text, out);
	tls_wipe(sign_key, sizeof(sign_key));
}

void
cos_sign(struct net_buf *out, const struct cos_sign_request *r)
{
	struct net_buf http = { .max = MAX_TEXT };
	struct net_buf params = { .max = MAX_TEXT };
	struct net_buf headers = { .max = MAX_TEXT };
	char key_time[48], sig[HEX_LEN + 1];

	snprintf(key_time, sizeof(key_time), "%" PRId64 ";%" PRId64, r->start,
	    r->end);
	net_buf_printf(&http, "%s\n", r->method);
	if (!http.failed)
		lower(http.data, http.len);
	net_buf_printf(&http, "%s\n", r->path);
	canonical(r->param, r->nparams, &http, &params);
	net_buf_put(&http, "\n", 1);
	canonical(r->header, r->nheaders, &http, &headers);
	net_buf_put(&http, "\n", 1);
	if (http.failed || params.failed || headers.failed) {
		out->failed = true;	/* better no request than a wrong one */
	} else {
		signature(r, key_time, &http, sig);
		net_buf_printf(out, "q-sign-algorithm=sha1&q-ak=%s"
		    "&q-sign-time=%s&q-key-time=%s&q-header-list=%s"
		    "&q-url-param-list=%s&q-signature=%s", r->secret_id,
		    key_time, key_time, headers.data, params.data, sig);
	}
	net_buf_free(&http);
	net_buf_free(&params);
	net_buf_free(&headers);
}
