/*
 * cos/client.c - what all buckets share, and the buckets.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cos_int.h"

struct cos_client *
cos_client_new(struct net_loop *l, struct log *log, struct net_resolver *r,
    const struct cos_client_settings *set, struct err *e)
{
	struct cos_client *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		err_set(e, "out of memory");
		return NULL;
	}
	c->loop = l;
	c->log = log;
	c->set = *set;
	c->pool = net_pool_new(l, r, set->trust);
	if (set->share == NULL) {
		c->set.share = c->own_share = cos_share_new(1, 1, e);
		c->set.slot = 0;
	}
	if (c->set.share == NULL)
		goto fail;
	c->budget = cos_budget_new(l, c->set.share, c->set.slot,
	    set->memory_limit);
	if (c->pool != NULL && c->budget != NULL)
		return c;
	err_set(e, "out of memory");
fail:
	cos_client_free(c);
	return NULL;
}

void
cos_client_free(struct cos_client *c)
{
	if (c == NULL)
		return;
	cos_inherit_free(c->inherit);
	cos_uploads_drop(c);
	cos_credentials_free(c->credentials);
	net_pool_free(c->pool);
	cos_budget_free(c->budget);
	cos_share_free(c->own_share);
	free(c);
}

struct cos_bucket *
cos_bucket_new(struct cos_client *c, const struct conf_account *a,
    struct err *e)
{
	struct cos_bucket *b = calloc(1, sizeof(*b));
	const char *colon = strchr(a->endpoint, ':');
	size_t size = strlen(a->bucket) + strlen(a->endpoint) + 2;

	if (b == NULL)
		goto fail;
	b->client = c;
	b->account = a;
	if (a->role != NULL &&
	    (b->credentials = cos_credentials_find(c, a)) == NULL)
		goto fail;
	b->host = malloc(size);
	b->connect_host = malloc(size);
	if (b->host == NULL || b->connect_host == NULL)
		goto fail;
	snprintf(b->host, size, "%s.%s", a->bucket, a->endpoint);
	snprintf(b->connect_host, size, "%s.%.*s", a->bucket, colon != NULL ?
	    (int)(colon - a->endpoint) : (int)strlen(a->endpoint),
	    a->endpoint);
	b->origin.host = b->connect_host;
	b->origin.tls = a->https;
	b->overhead = a->https ? (int64_t)tls_bytes_max() : 0;
	b->origin.port = colon != NULL ? (uint16_t)atoi(colon + 1) :
	    a->https ? 443 : 80;
	return b;
fail:
	cos_bucket_free(b);
	err_set(e, "out of memory");
	return NULL;
}

int64_t
cos_bucket_date(const struct cos_bucket *b)
{
	return b->date;
}

void
cos_bucket_free(struct cos_bucket *b)
{
	if (b == NULL)
		return;
	free(b->host);
	free(b->connect_host);
	free(b);
}

void
cos_copy_source(struct net_buf *out, const struct cos_bucket *b,
    const char *key)
{
	net_buf_printf(out, "%s/", b->host);
	cos_escape(out, key, strlen(key), true);
}
