/*
 * cos/list.c - GET Bucket, page by page.
 *
 * A page is read whole before its first entry is given out, so a page that
 * breaks off or makes no sense is asked for again without anyone seeing half
 * of it, and a listing that fails is never taken for a short one.  While the
 * entries of one page are taken the next one is already requested.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cos_int.h"

enum {
	TRIES = 3,
	PAGE_MS = 80 * 1000,	/* for one, however slowly it drips */
	PAUSE_MS = 200,
	PAGE_TEXT_MAX = 4 * 1024 * 1024,
	PAGE_MAX = 4 * PAGE_TEXT_MAX	/* bytes as they come */
};

struct row {			/* offsets into text */
	size_t name, name_len, etag, storage_class;
	bool dir;
	int64_t size, mtime;
};

struct cos_list {
	struct net_task task;
	struct net_task *owner;
	struct cos_bucket *bucket;
	const char *who;
	char *prefix;			/* owned; whole, as names and markers
					 * are until they are given out */
	bool delimiter;
	int page;
	char page_text[8];
	char *marker;			/* owned: of the page being asked for */
	struct cos_request *request;	/* NULL: no page to come */
	int tries;
	struct cos_patience patience;

	struct cos_xml *xml;		/* owned */
	struct net_buf text;		/* names and such of this page */
	struct row *row;
	size_t nrows, cap, next;
	struct row cur;			/* the <Contents> being read */
	bool truncated;
	size_t next_marker, next_marker_len;
	bool has_next_marker, malformed;
	size_t bytes;			/* of this page so far */
	bool ended;			/* its root element was closed */
	bool fresh;			/* the next byte begins a page */
	bool ready;			/* the page is whole: rows are given */

	enum cos_state state;
	struct cos_entry entry;
	struct cos_fault fault;
};

static void
fail(struct cos_list *l, const struct cos_fault *f)
{
	l->fault = *f;
	l->state = COS_FAILED;
	net_task_wake(l->owner);
}

static void
request_page(struct cos_list *l)
{
	struct cos_call c = { .op = "ListObjects", .method = "GET",
	    .stream = true, .patience = &l->patience };
	struct cos_fault f;

	cos_call_param(&c, "prefix", l->prefix);
	if (l->delimiter)
		cos_call_param(&c, "delimiter", "/");
	if (l->marker != NULL)
		cos_call_param(&c, "marker", l->marker);
	cos_call_param(&c, "max-keys", l->page_text);
	cos_call_param(&c, "encoding-type", "url");
	cos_request_free(l->request);
	l->bytes = 0;
	l->request = cos_request_new(l->bucket, &c, l->who, &l->task);
	if (l->request == NULL) {
		cos_fault_set(&f, COS_UNAVAILABLE, "out of memory");
		fail(l, &f);
	}
}

/* ---- reading a page ---- */

static void
page_begin(struct cos_list *l)
{
	l->nrows = l->next = l->text.len = 0;
	l->truncated = l->has_next_marker = l->malformed = false;
	l->ended = false;
	cos_xml_init(l->xml);
	memset(&l->cur, 0, sizeof(l->cur));
	net_buf_put(&l->text, "", 1);	/* offset 0: the empty text */
}

/* Keeps n bytes and a NUL; their offset. */
static size_t
keep(struct cos_list *l, const char *p, size_t n)
{
	size_t at = l->text.len;

	net_buf_put(&l->text, p, n);
	net_buf_put(&l->text, "", 1);
	return at;
}

static size_t
keep_name(struct cos_list *l, size_t *len)
{
	ssize_t n = cos_unescape(l->xml->text, l->xml->text_len);

	if (n < 0) {
		l->malformed = true;
		n = 0;
	}
	*len = (size_t)n;
	return keep(l, l->xml->text, (size_t)n);
}

static void
push_row(struct cos_list *l)
{
	size_t cap = l->cap > 0 ? l->cap * 2 : 64;
	struct row *r;

	if (l->nrows > (size_t)l->page || l->cur.name_len == 0 ||
	    l->cur.name_len < strlen(l->prefix) || l->text.failed ||
	    memcmp(l->text.data + l->cur.name, l->prefix,
	    strlen(l->prefix)) != 0) {
		l->malformed = true;
		return;
	}
	if (l->nrows == l->cap) {
		r = realloc(l->row, cap * sizeof(*r));
		if (r == NULL) {
			l->malformed = true;
			return;
		}
		l->row = r;
		l->cap = cap;
	}
	l->row[l->nrows++] = l->cur;
	memset(&l->cur, 0, sizeof(l->cur));
}

static void
content_field(struct cos_list *l, const char *name)
{
	const struct cos_xml *x = l->xml;
	uint64_t size;

	if (strcmp(name, "Key") == 0) {
		l->cur.name = keep_name(l, &l->cur.name_len);
	} else if (strcmp(name, "Size") == 0) {
		if (!cos_crc_text(x->text, &size) || size > INT64_MAX)
			l->malformed = true;
		else
			l->cur.size = (int64_t)size;
	} else if (strcmp(name, "LastModified") == 0) {
		l->cur.mtime = cos_date(x->text);
		if (l->cur.mtime < 0)
			l->cur.mtime = 0;
	} else if (strcmp(name, "ETag") == 0) {
		l->cur.etag = keep(l, x->text, strlen(x->text));
	} else if (strcmp(name, "StorageClass") == 0) {
		l->cur.storage_class = keep(l, x->text, strlen(x->text));
	}
}

static void
top_field(struct cos_list *l, const char *name)
{
	if (strcmp(name, "IsTruncated") == 0) {
		l->truncated = l->xml->text[0] == 't' ||
		    l->xml->text[0] == 'T';
	} else if (strcmp(name, "NextMarker") == 0 && l->xml->text_len > 0) {
		l->next_marker = keep_name(l, &l->next_marker_len);
		l->has_next_marker = true;
	} else if (strcmp(name, "Contents") == 0) {
		push_row(l);
	}
}

static void
element(struct cos_list *l)
{
	const char *name = cos_xml_name(l->xml);
	const char *parent = cos_xml_parent(l->xml);

	if (l->xml->depth == 2) {
		top_field(l, name);
	} else if (l->xml->depth == 3 && strcmp(parent, "Contents") == 0) {
		content_field(l, name);
	} else if (l->xml->depth == 3 && strcmp(name, "Prefix") == 0 &&
	    strcmp(parent, "CommonPrefixes") == 0) {
		l->cur.dir = true;
		l->cur.name = keep_name(l, &l->cur.name_len);
		push_row(l);
	}
}

/* NULL, or what is wrong with the document */
static const char *
scan(struct cos_list *l, const char *p, size_t n)
{
	enum cos_xml_event ev;

	while ((ev = cos_xml_next(l->xml, &p, &n)) != XML_MORE) {
		if (ev == XML_BAD)
			return l->xml->reason;
		if (ev == XML_OPEN && l->xml->depth == 1 && strcmp(
		    cos_xml_name(l->xml), "ListBucketResult") != 0)
			return "not a ListBucketResult";
		if (ev == XML_CLOSE)
			element(l);
		if (ev == XML_END)
			l->ended = true;
		if (l->malformed || l->text.failed)
			return "an entry makes no sense";
	}
	return NULL;
}

/* ---- a page is whole ---- */

static int
row_order(const void *va, const void *vb, void *text)
{
	const struct row *a = va, *b = vb;
	const char *t = text;
	size_t n = a->name_len < b->name_len ? a->name_len : b->name_len;
	int c = memcmp(t + a->name, t + b->name, n);

	if (c != 0)
		return c;
	return a->name_len < b->name_len ? -1 : a->name_len > b->name_len;
}

/* COS gives all keys, then all prefixes; clients see one order. */
static void
sort_rows(struct cos_list *l)
{
	if (l->nrows > 1)
		qsort_r(l->row, l->nrows, sizeof(*l->row), row_order, l->text.data);
}

static const char *
next_page(struct cos_list *l)
{
	const struct row *last;
	const char *p;
	size_t n;
	char *marker;

	cos_request_free(l->request);
	l->request = NULL;
	if (!l->truncated)
		return NULL;
	if (!l->has_next_marker && l->nrows == 0)
		return "truncated without NextMarker";
	last = l->nrows > 0 ? &l->row[l->nrows - 1] : NULL;
	p = l->text.data + (l->has_next_marker ? l->next_marker : last->name);
	n = l->has_next_marker ? l->next_marker_len : last->name_len;
	/* Always forward, else it would go round for ever. */
	if (strlen(p) != n || (l->marker != NULL && strcmp(p, l->marker) <= 0))
		return "NextMarker does not advance";
	marker = strdup(p);
	if (marker == NULL)
		return "out of memory";
	free(l->marker);
	l->marker = marker;
	l->tries = 0;
	request_page(l);
	return NULL;
}

/* The page failed while it was read: again, or the end. */
static void
page_failed(struct cos_list *l, const struct cos_fault *f)
{
	cos_request_free(l->request);
	l->request = NULL;
	l->nrows = 0;
	if (++l->tries >= TRIES || !cos_patience_again(&l->patience, false))
		fail(l, f);
	else
		net_task_deadline(&l->task, PAUSE_MS << l->tries);
}

static void
page_malformed(struct cos_list *l, const char *why)
{
	struct cos_fault f;

	cos_fault_set(&f, COS_MALFORMED, "malformed listing: %s", why);
	log_line(l->bucket->client->log, LOG_LEVEL_ERROR,
	    "%s ListObjects %s/%s: %s", l->who, l->bucket->account->bucket,
	    l->prefix, f.text);
	page_failed(l, &f);
}

static void
read_page(struct cos_list *l)
{
	struct net_http *http = cos_request_http(l->request);
	const char *p, *wrong;
	struct cos_fault f;
	size_t n;

	while (p = net_http_peek(http, &n), n > 0) {
		l->bytes += n;
		wrong = l->bytes > PAGE_MAX ? "page too large" :
		    scan(l, p, n);
		if (wrong != NULL) {
			page_malformed(l, wrong);
			return;
		}
		net_http_drop(http, n);
	}
	if (net_http_state(http) == HTTP_FAILED) {
		cos_request_stream_failed(l->request, &f);
		page_failed(l, &f);
	} else if (net_http_state(http) == HTTP_DONE) {
		if (!l->ended) {
			page_malformed(l, "cut short");
			return;
		}
		sort_rows(l);
		wrong = next_page(l);
		if (wrong != NULL) {
			page_malformed(l, wrong);
			return;
		}
		l->ready = true;
		net_task_deadline(&l->task, -1);
		if (l->nrows == 0 && l->request == NULL)
			l->state = COS_DONE;
		net_task_wake(l->owner);
	}
}

static void
step(struct net_task *t, unsigned why)
{
	struct cos_list *l = (struct cos_list *)t;
	struct cos_fault f;

	if (l->state != COS_BUSY)
		return;
	if ((why & NET_TIMEOUT) && l->request != NULL) {
		cos_fault_set(&f, COS_MALFORMED, "a listing without an end");
		fail(l, &f);
		return;
	}
	if (why & NET_TIMEOUT) {
		l->fresh = true;
		request_page(l);	/* the failed page once more */
		return;
	}
	/* The page after the one being given out waits in its socket. */
	if (l->request == NULL || l->ready ||
	    cos_request_state(l->request) == COS_BUSY)
		return;
	if (cos_request_state(l->request) == COS_FAILED) {
		fail(l, cos_request_fault(l->request));
		return;
	}
	if (l->fresh) {
		net_task_deadline(&l->task, PAGE_MS);
		page_begin(l);
	}
	l->fresh = false;
	read_page(l);
}

/* ---- the owner's side ---- */

struct cos_list *
cos_list_new(struct cos_bucket *b, const char *prefix, bool delimiter,
    int page, const char *who, struct net_task *owner)
{
	struct cos_list *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	net_task_init(&l->task, b->client->loop, step);
	l->owner = owner;
	l->bucket = b;
	l->who = who;
	l->delimiter = delimiter;
	l->page = page;
	l->fresh = true;
	l->text.max = PAGE_TEXT_MAX;
	snprintf(l->page_text, sizeof(l->page_text), "%d", page);
	if (asprintf(&l->prefix, "%s%s", b->prefix, prefix) < 0)
		l->prefix = NULL;
	l->xml = malloc(sizeof(*l->xml));
	if (l->prefix == NULL || l->xml == NULL) {
		cos_list_free(l);
		return NULL;
	}
	request_page(l);
	return l;
}

const struct cos_entry *
cos_list_next(struct cos_list *l)
{
	size_t skip = l->bucket->prefix_len;
	const struct row *r;

	if (l->state != COS_BUSY || !l->ready)
		return NULL;
	if (l->next == l->nrows) {
		l->ready = false;
		if (l->request == NULL) {
			l->state = COS_DONE;
		} else {
			l->fresh = true;
			net_task_wake(&l->task);
		}
		return NULL;
	}
	r = &l->row[l->next++];
	l->entry = (struct cos_entry){
		.name = l->text.data + r->name + skip,
		.name_len = r->name_len - skip,
		.dir = r->dir, .size = r->size, .mtime = r->mtime,
		.etag = l->text.data + r->etag,
		.storage_class = l->text.data + r->storage_class,
	};
	return &l->entry;
}

enum cos_state
cos_list_state(const struct cos_list *l)
{
	return l->state;
}

const struct cos_fault *
cos_list_fault(const struct cos_list *l)
{
	return &l->fault;
}

void
cos_list_free(struct cos_list *l)
{
	if (l == NULL)
		return;
	cos_request_free(l->request);
	net_task_end(&l->task);
	net_buf_free(&l->text);
	free(l->row);
	free(l->marker);
	free(l->prefix);
	free(l->xml);
	free(l);
}
