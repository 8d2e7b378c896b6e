/*
 * list.c - GET Bucket (List Objects), and the parameters lists share.
 */
#include "ops.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

size_t
page_common(const struct page *p, const char *key, size_t n)
{
	const char *at;

	if (p->delimiter == 0 || n < p->prefix.value_len)
		return 0;
	at = memchr(key + p->prefix.value_len, p->delimiter,
	    n - p->prefix.value_len);
	return at ? (size_t)(at + 1 - key) : 0;
}

void
page_name(struct text *t, const struct page *p, const char *tag,
    const char *s, size_t n)
{
	if (n == 0) {
		text_fmt(t, "\t<%s/>\n", tag);
		return;
	}
	text_fmt(t, "\t<%s>", tag);
	if (p->url)
		text_percent(t, s, n, "/");
	else
		text_xml(t, s, n);
	text_fmt(t, "</%s>\n", tag);
}

bool
page_parse(struct conn *c, struct req *r, struct page *p,
    const char *marker_name, const char *max_name)
{
	const struct param *prefix = http_param(r, "prefix");
	const struct param *marker = http_param(r, marker_name);
	const struct param *delimiter = http_param(r, "delimiter");
	const char *encoding = http_value(r, "encoding-type");
	const char *max = http_value(r, max_name);

	*p = (struct page){ .max = 1000, .prefix.value = "",
	    .marker.value = "", .url = strcmp(encoding, "url") == 0 };
	if (prefix)
		p->prefix = *prefix;
	if (marker)
		p->marker = *marker;
	if (delimiter && delimiter->value_len == 1)
		p->delimiter = delimiter->value[0];
	if (delimiter && delimiter->value_len > 1)
		resp_error(c, r, 400, "InvalidDelimiter", "one character");
	else if (*encoding && !p->url)
		resp_error(c, r, 400, "InvalidArgument", "bad encoding-type");
	else if (*max && (!number_parse(max, &p->max) || p->max < 1 ||
	    p->max > 1000))
		resp_error(c, r, 400, "InvalidArgument", "%s is not 1 to 1000",
		    max_name);
	else
		return true;
	return false;
}

struct listing {
	struct conn *c;
	struct bucket *b;
	struct page page;
	int64_t count;
	struct text keys, prefixes;
	const char *last;	/* key or prefix, in an object */
	size_t last_len;
};

static void
entry(struct listing *l, const struct object *o)
{
	struct text *t = &l->keys;
	char date[DATE_MAX];

	date_iso(date, o->mtime);
	text_str(t, "<Contents>\n");
	page_name(t, &l->page, "Key", o->key, o->key_len);
	text_fmt(t, "\t<LastModified>%s</LastModified>\n"
	    "\t<ETag>&quot;%s&quot;</ETag>\n\t<Size>%" PRId64 "</Size>\n"
	    "\t<Owner>\n\t\t<ID>1250000000</ID>\n"
	    "\t\t<DisplayName>1250000000</DisplayName>\n\t</Owner>\n"
	    "\t<StorageClass>%s</StorageClass>\n</Contents>\n", date,
	    o->body.etag, o->body.size, o->class);
}

static bool
has_prefix(const struct listing *l, const struct object *o)
{
	return o->key_len >= l->page.prefix.value_len && memcmp(o->key,
	    l->page.prefix.value, l->page.prefix.value_len) == 0;
}

/* The first node behind all keys that begin with these n bytes. */
static struct node *
behind(struct bucket *b, const char *key, size_t n)
{
	char *next = xcopy(key, n);
	struct node *at = NULL;

	while (n > 0 && (unsigned char)next[n - 1] == 0xff)
		n--;
	if (n > 0) {
		next[n - 1]++;
		at = store_seek(b, next, n, false);
	}
	free(next);
	return at;
}

/* The next node that is not in the prefix that marker names. */
static struct node *
settle(struct listing *l, struct node *at)
{
	const struct param *m = &l->page.marker;

	while (at && has_prefix(l, at->o)) {
		size_t n = page_common(&l->page, at->o->key, at->o->key_len);

		if (n && n == m->value_len && memcmp(at->o->key, m->value,
		    n) == 0)
			at = behind(l->b, m->value, n);
		else
			return at;
	}
	return NULL;
}

/* Fills the page; true when there is more. */
static bool
walk(struct listing *l)
{
	const struct param *m = &l->page.marker, *p = &l->page.prefix;
	bool after = m->value_len && key_compare(m->value, m->value_len,
	    p->value, p->value_len) >= 0;
	struct node *at = after ?
	    store_seek(l->b, m->value, m->value_len, true) :
	    store_seek(l->b, p->value, p->value_len, false);

	while ((at = settle(l, at)) != NULL && l->count < l->page.max) {
		size_t n = page_common(&l->page, at->o->key, at->o->key_len);

		l->count++;
		l->last = at->o->key;
		l->last_len = n ? n : at->o->key_len;
		if (n) {
			text_str(&l->prefixes, "<CommonPrefixes>\n");
			page_name(&l->prefixes, &l->page, "Prefix", l->last, n);
			text_str(&l->prefixes, "</CommonPrefixes>\n");
			at = behind(l->b, l->last, n);
		} else {
			entry(l, at->o);
			at = at->next[0];
		}
	}
	return at != NULL;
}

void
op_list(struct conn *c, struct req *r)
{
	struct listing l = { .c = c, .b = r->bucket };
	int64_t delay = c->f->set.list_delay * 1000000;
	struct text t = { 0 };
	bool more;

	if (!page_parse(c, r, &l.page, "marker", "max-keys"))
		return;
	text_fmt(&t, "<?xml version='1.0' encoding='utf-8' ?>\n"
	    "<ListBucketResult>\n\t<Name>%s</Name>\n", r->bucket->name);
	if (l.page.url)
		text_str(&t, "\t<EncodingType>url</EncodingType>\n");
	page_name(&t, &l.page, "Prefix", l.page.prefix.value,
	    l.page.prefix.value_len);
	page_name(&t, &l.page, "Marker", l.page.marker.value,
	    l.page.marker.value_len);
	page_name(&t, &l.page, "Delimiter", &l.page.delimiter,
	    l.page.delimiter != 0);
	text_fmt(&t, "\t<MaxKeys>%" PRId64 "</MaxKeys>\n", l.page.max);
	pthread_mutex_lock(&c->f->lock);
	if (delay > 0)
		l.b = bucket_at(r->bucket, now_ns() - delay);
	more = walk(&l);
	if (more)
		page_name(&t, &l.page, "NextMarker", l.last, l.last_len);
	if (delay > 0)
		bucket_forget(l.b);
	pthread_mutex_unlock(&c->f->lock);
	text_fmt(&t, "\t<IsTruncated>%s</IsTruncated>\n",
	    more ? "true" : "false");
	text_add(&t, l.prefixes.p, l.prefixes.n);
	text_add(&t, l.keys.p, l.keys.n);
	text_str(&t, "</ListBucketResult>\n");
	resp_begin(c, r, 200);
	resp_head(r, "x-cos-bucket-region: ap-fake");
	resp_text(c, r, "application/xml", &t);
	text_free(&l.prefixes);
	text_free(&l.keys);
	text_free(&t);
}
