/*
 * tls/pem.c - PEM files: a file becomes a list of named blocks.
 *
 * BearSSL decodes; this file works around what its decoder does not forgive:
 * a missing last line end (the last block would be lost without a word),
 * carriage returns (they spoil block names), a byte order mark before the
 * first block, and the header lines of old-style encrypted keys.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tls_int.h"

#define PEM_FILE_MAX (4 * 1024 * 1024)	/* system bundles are 200-500 KB */

struct text {
	char *p;
	size_t n, cap;
};

struct reader {
	const char *file;
	struct tls_pem *first, **last;
	unsigned char *der;		/* the block being read */
	size_t len;
	unsigned blocks;
	bool inside;
};

static void
text_free(struct text *t)
{
	if (t->p != NULL)
		tls_wipe(t->p, t->cap);
	free(t->p);
}

static int
read_all(int fd, const char *file, struct text *t, struct err *e)
{
	ssize_t got;

	while (t->n < t->cap) {
		got = read(fd, t->p + t->n, t->cap - t->n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(e, "read %s", file);
		if (got == 0)
			break;
		t->n += (size_t)got;
	}
	return 0;
}

static int
text_load(const char *file, struct text *t, struct err *e)
{
	struct stat st;
	int fd, rc = -1;

	fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return err_sys(e, "open %s", file);
	if (fstat(fd, &st) < 0) {
		err_sys(e, "stat %s", file);
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		err_set(e, "%s: not a regular file", file);
		goto out;
	}
	if (st.st_size > PEM_FILE_MAX) {
		err_set(e, "%s: larger than 4 MB, so it is no PEM file", file);
		goto out;
	}
	t->cap = (size_t)st.st_size + 1;
	t->p = malloc(t->cap);
	if (t->p == NULL) {
		err_set(e, "%s: out of memory", file);
		goto out;
	}
	t->cap--;			/* room for the last line end */
	rc = read_all(fd, file, t, e);
	t->cap++;
out:
	close(fd);
	return rc;
}

/* No carriage returns, no byte order mark, a line end at the end. */
static void
text_normalise(struct text *t)
{
	size_t i, n = 0;

	i = t->n >= 3 && memcmp(t->p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	for (; i < t->n; i++) {
		if (t->p[i] != '\r')
			t->p[n++] = t->p[i];
	}
	t->p[n++] = '\n';
	t->n = n;
}

static void
block_bytes(void *ctx, const void *data, size_t n)
{
	struct reader *r = ctx;

	memcpy(r->der + r->len, data, n);
	r->len += n;
}

static int
block_add(struct reader *r, const char *name, struct err *e)
{
	struct tls_pem *b = calloc(1, sizeof(*b) + r->len);

	if (b == NULL)
		return err_set(e, "%s: out of memory", r->file);
	snprintf(b->name, sizeof(b->name), "%.47s", name);
	b->len = r->len;
	memcpy(b->der, r->der, r->len);
	*r->last = b;
	r->last = &b->next;
	return 0;
}

/* The header lines of an encrypted key (RFC 1421) are no base64, and that is
 * all BearSSL has to say about them. */
static int
block_bad(const struct reader *r, const char *name, const struct text *t,
    struct err *e)
{
	if (strstr(name, "PRIVATE KEY") != NULL &&
	    memmem(t->p, t->n, "ENCRYPTED", 9) != NULL)
		return err_set(e, "%s: the private key is encrypted with a "
		    "pass phrase; store it without one", r->file);
	return err_set(e, "%s: block %u (%s) is damaged or cut short",
	    r->file, r->blocks, name);
}

static int
decode(struct reader *r, br_pem_decoder_context *pem, const struct text *t,
    struct err *e)
{
	const char *name = br_pem_decoder_name(pem);
	size_t off = 0;

	while (off < t->n) {
		off += br_pem_decoder_push(pem, t->p + off, t->n - off);
		switch (br_pem_decoder_event(pem)) {
		case BR_PEM_BEGIN_OBJ:
			r->inside = true;
			r->len = 0;
			r->blocks++;
			br_pem_decoder_setdest(pem, block_bytes, r);
			break;
		case BR_PEM_END_OBJ:
			r->inside = false;
			if (block_add(r, name, e) < 0)
				return -1;
			break;
		case BR_PEM_ERROR:
			return block_bad(r, name, t, e);
		}
	}
	if (r->inside)
		return block_bad(r, name, t, e);
	if (r->first == NULL)
		return err_set(e, "%s: nothing in PEM form found "
		    "(no \"-----BEGIN\" line)", r->file);
	return 0;
}

struct tls_pem *
tls_pem_load(const char *file, struct err *e)
{
	struct reader r = { .file = file, .last = &r.first };
	br_pem_decoder_context pem;
	struct text t = { .p = NULL };

	if (text_load(file, &t, e) < 0)
		goto fail;
	text_normalise(&t);
	/* base64 shrinks, so the text's size is more than enough */
	r.der = malloc(t.n);
	if (r.der == NULL) {
		err_set(e, "%s: out of memory", file);
		goto fail;
	}
	br_pem_decoder_init(&pem);
	if (decode(&r, &pem, &t, e) < 0) {
		tls_pem_free(r.first);
		r.first = NULL;
	}
	tls_wipe(&pem, sizeof(pem));
	tls_wipe(r.der, t.n);
fail:
	free(r.der);
	text_free(&t);
	return r.first;
}

void
tls_pem_free(struct tls_pem *b)
{
	struct tls_pem *next;

	for (; b != NULL; b = next) {
		next = b->next;
		tls_wipe(b->der, b->len);
		free(b);
	}
}

bool
tls_pem_is_cert(const struct tls_pem *b)
{
	return strcmp(b->name, "CERTIFICATE") == 0 ||
	    strcmp(b->name, "X509 CERTIFICATE") == 0;
}
