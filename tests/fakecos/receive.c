/*
 * receive.c - what comes with a PUT, a part or an initiate: the body and the
 * headers that are stored.
 */
#include "ops.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { META_MAX = 2048 };

/* What is known about the body while it comes in. */
struct sums {
	struct fakecos *f;
	struct body *body;
	struct tls_md5 md5;
	bool use_md5;
};

static void
sums_add(struct sums *s, const unsigned char *p, size_t n)
{
	s->body->crc = crc_update(&s->f->crc, s->body->crc, p, n);
	if (s->use_md5)
		tls_md5_update(&s->md5, p, n);
}

/* --discard: sizes and checksums only */
static ssize_t
receive_nothing(struct conn *c, struct req *r, struct sums *s)
{
	struct blob *b;
	int64_t size = 0;
	ssize_t n;

	if (c->scratch == NULL)
		c->scratch = xalloc(CHUNK);
	while ((n = http_body(c, r, c->scratch, CHUNK)) > 0) {
		sums_add(s, c->scratch, (size_t)n);
		size += n;
	}
	b = blob_pattern();
	body_add(s->body, b, 0, size);
	blob_free(b);
	return n;
}

/* Content-Length is known: straight into the blob. */
static ssize_t
receive_sized(struct conn *c, struct req *r, struct sums *s)
{
	struct blob *b = blob_new(c->f, r->left);
	int64_t at = 0, size = r->left;
	ssize_t n = -1;

	if (b == NULL)
		return -1;
	while ((n = http_body(c, r, blob_bytes(b) + at, CHUNK)) > 0) {
		sums_add(s, blob_bytes(b) + at, (size_t)n);
		at += n;
	}
	if (n == 0)
		body_add(s->body, b, 0, size);
	blob_free(b);
	return n;
}

static ssize_t
receive_chunked(struct conn *c, struct req *r, struct sums *s)
{
	struct text t = { 0 };
	struct blob *b;
	ssize_t n;

	do {
		text_room(&t, CHUNK);
		n = http_body(c, r, t.p + t.n, CHUNK);
		if (n > 0) {
			sums_add(s, (unsigned char *)t.p + t.n, (size_t)n);
			t.n += (size_t)n;
		}
	} while (n > 0 && (int64_t)t.n <= 5 * GIB);
	b = n == 0 ? blob_new(c->f, (int64_t)t.n) : NULL;
	if (b) {
		memcpy(blob_bytes(b), t.p, t.n);
		body_add(s->body, b, 0, (int64_t)t.n);
		blob_free(b);
	}
	text_free(&t);
	return b ? 0 : -1;
}

/* Content-MD5 must look like base64 of 16 bytes. */
static bool
md5_wellformed(const char *s)
{
	size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuv"
	    "wxyz0123456789+/");

	return n == 22 && strcmp(s + n, "==") == 0;
}

static bool
receivable(struct conn *c, struct req *r)
{
	const char *md5 = http_header(r, "Content-MD5");

	if (!r->chunked && http_header(r, "Content-Length") == NULL)
		resp_error(c, r, 411, "MissingContentLength", "You must "
		    "provide the Content-Length HTTP header.");
	else if (r->left > 5 * GIB)
		resp_error(c, r, 400, "EntityTooLarge", "Your proposed upload "
		    "exceeds the maximum allowed object size.");
	else if (md5 && !md5_wellformed(md5))
		resp_error(c, r, 400, "InvalidDigest", "The Content-MD5 you "
		    "specified is not valid.");
	else
		return true;
	return false;
}

bool
receive(struct conn *c, struct req *r, struct body *body)
{
	struct sums s = { .f = c->f, .body = body,
	    .use_md5 = !c->f->set.discard };
	const char *md5 = http_header(r, "Content-MD5");
	bool sealed = http_header(r, "x-cos-server-side-encryption") != NULL;
	unsigned char digest[TLS_MD5_LEN];
	char text[32];
	ssize_t n;

	if (!receivable(c, r))
		return false;
	tls_md5_init(&s.md5);
	if (c->f->set.discard)
		n = receive_nothing(c, r, &s);
	else if (r->chunked)
		n = receive_chunked(c, r, &s);
	else
		n = receive_sized(c, r, &s);
	if (n < 0) {
		if (!c->dead)
			resp_error(c, r, 500, "InternalError", "no space");
		return false;
	}
	body->has_crc = true;
	if (!s.use_md5) {
		etag_fake(c->f, body->etag);
		return true;
	}
	tls_md5_final(&s.md5, digest);
	tls_hex(body->etag, digest, sizeof(digest));
	tls_base64(text, digest, sizeof(digest));
	if (c->f->set.kms || sealed)
		etag_fake(c->f, body->etag);
	if (md5 == NULL || strcmp(md5, text) == 0)
		return true;
	resp_error(c, r, 400, "BadDigest", "The Content-MD5 you specified did "
	    "not match what we received.");
	return false;
}

char *
receive_headers(struct conn *c, struct req *r)
{
	static const char *const kept[] = { "Cache-Control", "Expires",
	    "Content-Disposition", "Content-Encoding", "Content-Language",
	    "Content-Type", "x-cos-server-side-encryption",
	    "x-cos-server-side-encryption-cos-kms-key-id" };
	struct text t = { 0 };
	size_t i, k, meta = 0;
	bool type = false;

	for (i = 0; i < r->header_count; i++) {
		const struct header *h = &r->headers[i];

		for (k = 0; k < sizeof(kept) / sizeof(kept[0]); k++)
			if (strcasecmp(h->name, kept[k]) == 0)
				break;
		if (strncasecmp(h->name, "x-cos-meta-", 11) == 0) {
			meta += strlen(h->name) - 11 + strlen(h->value);
			if (strchr(h->name, '_') || meta > META_MAX) {
				resp_error(c, r, 400, "InvalidArgument",
				    "metadata too long or a bad name");
				text_free(&t);
				return NULL;
			}
		} else if (k == sizeof(kept) / sizeof(kept[0]))
			continue;
		type = type || strcasecmp(h->name, "Content-Type") == 0;
		text_fmt(&t, "%s: %s\r\n", h->name, h->value);
	}
	if (!type)
		text_str(&t, "Content-Type: application/octet-stream\r\n");
	return t.p;
}

bool
receive_class(struct conn *c, struct req *r, char out[32])
{
	static const char *const classes[] = { "STANDARD", "STANDARD_IA",
	    "INTELLIGENT_TIERING", "ARCHIVE", "DEEP_ARCHIVE", "MAZ_STANDARD",
	    "MAZ_STANDARD_IA", "MAZ_INTELLIGENT_TIERING" };
	const char *class = http_header(r, "x-cos-storage-class");
	size_t i;

	if (class == NULL)
		class = classes[0];
	for (i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (strcmp(class, classes[i]) == 0) {
			strcpy(out, class);
			return true;
		}
	resp_error(c, r, 400, "NotSupportedStorageClass",
	    "unknown storage class");
	return false;
}

bool
forbids_overwrite(const struct req *r)
{
	const char *v = http_header(r, "x-cos-forbid-overwrite");

	return v && strcmp(v, "true") == 0;
}
