/*
 * batch.c - DELETE Multiple Objects.
 */
#include "ops.h"
#include "xml.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH_MAX = 1000, BODY_MAX = 2 * 1024 * 1024 };

struct batch {
	struct text *keys;	/* BATCH_MAX */
	size_t count;
	bool quiet;
};

static bool
leaf(struct batch *b, const struct xml *x)
{
	if (x->depth == 2 && strcmp(x->stack[1], "Quiet") == 0) {
		b->quiet = strcmp(x->text.p, "true") == 0;
		return b->quiet || strcmp(x->text.p, "false") == 0;
	}
	if (x->depth != 3 || strcmp(x->stack[1], "Object") != 0 ||
	    strcmp(x->stack[2], "Key") != 0 || b->count == BATCH_MAX ||
	    b->keys[b->count].n)
		return false;
	text_add(&b->keys[b->count], x->text.p, x->text.n);
	return true;
}

/* Each <Object> must hold one <Key> that is not empty. */
static bool
parse(struct batch *b, const struct text *t)
{
	enum xml_kind k = XML_BAD;
	struct xml x;
	bool ok = true;

	b->keys = xalloc(BATCH_MAX * sizeof(*b->keys));
	xml_init(&x, t->p, t->n);
	while (ok && (k = xml_next(&x)) != XML_END && k != XML_BAD) {
		if (k == XML_OPEN && x.depth == 1)
			ok = strcmp(x.name, "Delete") == 0;
		else if (k == XML_TEXT)
			ok = leaf(b, &x);
		else if (k == XML_CLOSE && strcmp(x.name, "Object") == 0) {
			ok = b->count < BATCH_MAX && b->keys[b->count].n > 0;
			b->count += ok;
		}
	}
	xml_free(&x);
	return ok && k == XML_END && b->count > 0;
}

static bool
md5_matches(const char *want, const struct text *t)
{
	unsigned char digest[TLS_MD5_LEN];
	struct tls_md5 md5;
	char text[32];

	tls_md5_init(&md5);
	tls_md5_update(&md5, t->p, t->n);
	tls_md5_final(&md5, digest);
	tls_base64(text, digest, sizeof(digest));
	return strcmp(want, text) == 0;
}

/* A key with a leading slash is reported deleted and nothing happens. */
static void
delete_all(struct conn *c, struct req *r, const struct batch *b)
{
	struct text t = { 0 };
	size_t i;

	text_str(&t, "<?xml version='1.0' encoding='utf-8' ?>\n"
	    "<DeleteResult>\n");
	pthread_mutex_lock(&c->f->lock);
	for (i = 0; i < b->count; i++) {
		const struct text *k = &b->keys[i];

		if (k->p[0] != '/')
			store_remove(r->bucket, k->p, k->n);
		if (b->quiet)
			continue;
		text_str(&t, "<Deleted>\n\t<Key>");
		text_xml(&t, k->p, k->n);
		text_str(&t, "</Key>\n</Deleted>\n");
	}
	pthread_mutex_unlock(&c->f->lock);
	text_str(&t, "</DeleteResult>\n");
	resp_begin(c, r, 200);
	resp_text(c, r, "application/xml", &t);
	text_free(&t);
}

void
op_delete_many(struct conn *c, struct req *r)
{
	const char *md5 = http_header(r, "Content-MD5");
	struct batch b = { 0 };
	struct text t = { 0 };
	size_t i;

	if (md5 == NULL) {
		resp_error(c, r, 400, "InvalidRequest", "Missing required "
		    "header for this request: Content-MD5");
		return;
	}
	if (!http_body_text(c, r, &t, BODY_MAX)) {
		if (!c->dead)
			resp_error(c, r, 400, "XMLSizeLimit", "too long");
	} else if (!md5_matches(md5, &t))
		resp_error(c, r, 400, "BadDigest", "The Content-MD5 you "
		    "specified did not match what we received.");
	else if (!parse(&b, &t))
		resp_error(c, r, 400, "MalformedXML", "The XML you provided "
		    "was not well-formed or did not validate");
	else
		delete_all(c, r, &b);
	for (i = 0; b.keys && i < BATCH_MAX; i++)
		text_free(&b.keys[i]);
	free(b.keys);
	text_free(&t);
}
