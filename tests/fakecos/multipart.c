/*
 * multipart.c - initiate, upload part, complete, abort.
 */
#include "ops.h"
#include "xml.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARTS_MAX = 10000, COMPLETE_MAX = 2 * 1024 * 1024 };

static void
no_such_upload(struct conn *c, struct req *r)
{
	resp_error(c, r, 404, "NoSuchUpload", "The specified multipart upload "
	    "does not exist.");
}

void
op_initiate(struct conn *c, struct req *r)
{
	struct text t = { 0 };
	struct upload *u;
	char class[32], *headers;

	if (!receive_class(c, r, class) ||
	    (headers = receive_headers(c, r)) == NULL)
		return;
	text_str(&t, "<?xml version='1.0' encoding='utf-8' ?>\n"
	    "<InitiateMultipartUploadResult>\n\t<Bucket>");
	text_str(&t, r->bucket->name);
	text_str(&t, "</Bucket>\n\t<Key>");
	text_xml(&t, r->key, r->key_len);
	pthread_mutex_lock(&c->f->lock);
	u = upload_add(c->f, r->bucket, r->key, r->key_len);
	u->headers = headers;
	strcpy(u->class, class);
	text_fmt(&t, "</Key>\n\t<UploadId>%s</UploadId>\n"
	    "</InitiateMultipartUploadResult>\n", u->id);
	pthread_mutex_unlock(&c->f->lock);
	resp_begin(c, r, 200);
	resp_text(c, r, "application/xml", &t);
	text_free(&t);
}

bool
part_number(struct conn *c, struct req *r, int64_t *number)
{
	struct upload *u;

	if (!number_parse(http_value(r, "partNumber"), number) ||
	    *number < 1 || *number > PARTS_MAX) {
		resp_error(c, r, 400, "InvalidArgument", "partNumber is not "
		    "1 to 10000");
		return false;
	}
	pthread_mutex_lock(&c->f->lock);
	u = upload_find(r->bucket, r->key, r->key_len,
	    http_value(r, "uploadId"));
	pthread_mutex_unlock(&c->f->lock);
	if (u == NULL)
		no_such_upload(c, r);
	return u != NULL;
}

/* The upload may have gone while the body came in. */
bool
part_store(struct conn *c, struct req *r, int64_t number, struct body *body)
{
	struct upload *u;

	pthread_mutex_lock(&c->f->lock);
	u = upload_find(r->bucket, r->key, r->key_len,
	    http_value(r, "uploadId"));
	if (u)
		upload_put(u, number, body, clock_ms(c->f));
	pthread_mutex_unlock(&c->f->lock);
	if (u == NULL)
		no_such_upload(c, r);
	return u != NULL;
}

/* The ETags of what is encrypted are no MD5. */
static bool
is_sealed(struct conn *c, struct req *r)
{
	struct upload *u;
	bool sealed;

	pthread_mutex_lock(&c->f->lock);
	u = upload_find(r->bucket, r->key, r->key_len,
	    http_value(r, "uploadId"));
	sealed = u && strcasestr(u->headers, "x-cos-server-side-encryption:");
	pthread_mutex_unlock(&c->f->lock);
	return sealed;
}

void
op_part(struct conn *c, struct req *r)
{
	struct body body = { 0 }, sums;
	int64_t number;

	if (part_number(c, r, &number) && receive(c, r, &body)) {
		if (is_sealed(c, r))
			etag_fake(c->f, body.etag);
		sums = body;
		if (part_store(c, r, number, &body)) {
			resp_begin(c, r, 200);
			resp_sums(r, sums.etag, true, sums.crc);
			resp_none(c, r);
		}
	}
	body_free(&body);
}

void
op_abort(struct conn *c, struct req *r)
{
	struct upload *u;

	pthread_mutex_lock(&c->f->lock);
	u = upload_find(r->bucket, r->key, r->key_len,
	    http_value(r, "uploadId"));
	if (u)
		upload_take(r->bucket, u);
	pthread_mutex_unlock(&c->f->lock);
	if (u == NULL) {
		no_such_upload(c, r);
		return;
	}
	upload_free(u);
	resp_begin(c, r, 204);
	resp_none(c, r);
}

/* ---- complete ---- */

struct named {			/* a <Part> of the request */
	int64_t number;
	char etag[64];
};

struct list {
	struct named *parts;
	size_t count;
};

static bool
leaf(struct named *p, const char *name, const struct xml *x)
{
	const char *s = x->text.p;
	size_t n = x->text.n;

	if (strcmp(name, "PartNumber") == 0)
		return number_parse(s, &p->number);
	if (n >= 2 && s[0] == '"' && s[n - 1] == '"') {
		s++;
		n -= 2;
	}
	if (strcmp(name, "ETag") != 0 || n == 0 || n >= sizeof(p->etag))
		return false;
	memcpy(p->etag, s, n);
	p->etag[n] = '\0';
	return true;
}

static bool
list_add(struct list *l, const struct named *p)
{
	if (p->number <= 0 || p->etag[0] == '\0' || l->count == PARTS_MAX)
		return false;
	l->parts[l->count++] = *p;
	return true;
}

static bool
list_parse(struct list *l, const struct text *t)
{
	static const char *const names[] = { "CompleteMultipartUpload", "Part" };
	struct named p = { 0 };
	enum xml_kind k = XML_BAD;
	struct xml x;
	bool ok = true;

	l->parts = xalloc(PARTS_MAX * sizeof(*l->parts));
	xml_init(&x, t->p, t->n);
	while (ok && (k = xml_next(&x)) != XML_END && k != XML_BAD) {
		if (k == XML_OPEN && x.depth <= 2)
			ok = strcmp(x.name, names[x.depth - 1]) == 0;
		else if (k == XML_TEXT)
			ok = x.depth == 3 && leaf(&p, x.stack[2], &x);
		else if (k == XML_CLOSE && x.depth == 1) {
			ok = list_add(l, &p);
			p = (struct named){ 0 };
		}
	}
	xml_free(&x);
	return ok && k == XML_END && l->count > 0;
}

/* The code of what is wrong with the list, or NULL. */
static const char *
list_check(const struct list *l, const struct upload *u)
{
	const struct part *p;
	size_t i;

	for (i = 1; i < l->count; i++)
		if (l->parts[i].number <= l->parts[i - 1].number)
			return "InvalidPartOrder";
	for (i = 0; i < l->count; i++) {
		p = i < u->room ? &u->parts[i] : NULL;
		if (l->parts[i].number != (int64_t)i + 1 || p == NULL ||
		    !p->there || strcmp(p->body.etag, l->parts[i].etag) != 0)
			return "InvalidPart";
	}
	for (i = 0; i + 1 < l->count; i++)
		if (u->parts[i].body.size < MIB)
			return "EntityTooSmall";
	return NULL;
}

/* The object of an upload that has been taken out of its bucket. */
static struct object *
assemble(struct conn *c, struct upload *u, size_t parts)
{
	struct object *o = object_new(u->key, u->key_len);
	struct body *b = &o->body;
	size_t i;

	b->has_crc = true;
	for (i = 0; i < parts; i++) {
		const struct body *p = &u->parts[i].body;

		b->crc = crc_combine(b->crc, p->crc, (uint64_t)p->size);
		b->has_crc = b->has_crc && p->has_crc;
		body_share(b, p, 0, p->size);
	}
	if (c->f->set.discard)
		body_flatten(b);
	etag_fake(c->f, b->etag);
	snprintf(b->etag + 32, sizeof(b->etag) - 32, "-%zu", parts);
	strcpy(o->class, u->class);
	free(o->headers);
	o->headers = u->headers;
	u->headers = NULL;
	o->mtime = clock_ms(c->f);
	return o;
}

/* Takes the upload if it can be completed; else an error is answered. */
static struct upload *
claim(struct conn *c, struct req *r, const struct list *l)
{
	const char *failed = "NoSuchUpload";
	struct upload *u;
	bool fresh = forbids_overwrite(r);
	struct node *at;

	pthread_mutex_lock(&c->f->lock);
	u = upload_find(r->bucket, r->key, r->key_len,
	    http_value(r, "uploadId"));
	if (u)
		failed = list_check(l, u);
	at = store_seek(r->bucket, r->key, r->key_len, false);
	if (failed == NULL && fresh && at && key_compare(at->o->key,
	    at->o->key_len, r->key, r->key_len) == 0)
		failed = "FileAlreadyExists";
	if (failed == NULL)
		upload_take(r->bucket, u);
	pthread_mutex_unlock(&c->f->lock);
	if (failed == NULL)
		return u;
	resp_error(c, r, *failed == 'N' ? 404 : *failed == 'F' ? 409 : 400,
	    failed, "the upload cannot be completed");
	return NULL;
}

static void
result(struct req *r, struct text *t, const char *etag)
{
	text_str(t, "\n<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<CompleteMultipartUploadResult xmlns=\"http://www.qcloud.com/"
	    "document/product/436/7751\">\n\t<Location>http://");
	text_str(t, r->host);
	text_percent(t, r->path, r->path_len, "/");
	text_fmt(t, "</Location>\n\t<Bucket>%s</Bucket>\n\t<Key>",
	    r->bucket->name);
	text_xml(t, r->key, r->key_len);
	text_fmt(t, "</Key>\n\t<ETag>&quot;%s&quot;</ETag>\n"
	    "</CompleteMultipartUploadResult>\n",
	    r->fault.action == FAULT_WRONG_ETAG ? "0bad-1" : etag);
}

/* The head and white space go out at once, the result when it is known: with
 * the fault that asks for white space, and after a delay of the head.  Else the
 * object is there first: an answer that stalls must not keep it waiting. */
static void
complete(struct conn *c, struct req *r, struct upload *u, size_t parts)
{
	struct object *o = assemble(c, u, parts);
	struct text t = { 0 };
	uint64_t crc = o->body.crc ^ (r->fault.action == FAULT_WRONG_CRC);
	bool has_crc = o->body.has_crc, late;
	int64_t left = r->fault.action == FAULT_SPACES ? r->fault.n : 0;
	const char *failed = NULL;
	char etag[64];

	late = left > 0;
	strcpy(etag, o->body.etag);
	resp_begin(c, r, 200);
	if (!late)
		failed = store_put(c->f, r->bucket, o, forbids_overwrite(r));
	if (has_crc && r->fault.action != FAULT_NO_CRC)
		resp_head(r, "x-cos-hash-crc64ecma: %" PRIu64, crc);
	resp_chunked(c, r);
	resp_data(c, r, "  ", 2);
	for (; left > 0 && !c->dead; left -= 100) {
		resp_flush(c, r);
		fakecos_sleep(c->f, 100 * 1000000);
		resp_data(c, r, " ", 1);
	}
	if (late)
		failed = store_put(c->f, r->bucket, o, forbids_overwrite(r));
	resp_data(c, r, "   ", 3);
	if (failed)
		error_xml(c, r, &t, failed, "not stored");
	else
		result(r, &t, etag);
	resp_data(c, r, t.p, t.n);
	resp_end(c, r);
	text_free(&t);
}

void
op_complete(struct conn *c, struct req *r)
{
	struct text t = { 0 };
	struct list l = { 0 };
	struct upload *u;

	if (!http_body_text(c, r, &t, COMPLETE_MAX) || !list_parse(&l, &t)) {
		if (!c->dead)
			resp_error(c, r, 400, "MalformedXML", "The XML you "
			    "provided was not well-formed or did not validate");
	} else if ((u = claim(c, r, &l)) != NULL) {
		complete(c, r, u, l.count);
		upload_free(u);
	}
	free(l.parts);
	text_free(&t);
}
