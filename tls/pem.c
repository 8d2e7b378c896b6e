/*
 * tls/pem.c - PEM files: a file becomes a list of named blocks (RFC 7468).
 *
 * BearSSL's decoder is interpreted and takes 30 ms for a system's bundle of CA
 * certificates, so this is our own: line by line, white space of any kind and
 * text between the blocks ignored, anything else inside one an error.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
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
	signed char value[256];		/* of a base64 digit; -1: none */
	unsigned blocks;
	/* the block being read */
	bool inside;
	char name[48];
	unsigned char *der;
	size_t len;
	uint32_t acc;			/* of the last four digits */
	size_t digits, pads;
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
	t->cap = (size_t)st.st_size;
	t->p = malloc(t->cap + 1);
	if (t->p == NULL) {
		err_set(e, "%s: out of memory", file);
		goto out;
	}
	rc = read_all(fd, file, t, e);
out:
	close(fd);
	return rc;
}

static void
digits_init(signed char value[256])
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t i;

	memset(value, -1, 256);
	for (i = 0; i < sizeof(digits) - 1; i++)
		value[(unsigned char)digits[i]] = (signed char)i;
}

/* ---- blocks ---- */

static void
block_begin(struct reader *r, const char *name, size_t n)
{
	size_t i = 0;

	while (i < n && name[i] >= ' ' && name[i] <= '~')
		i++;
	while (i > 0 && (name[i - 1] == '-' || name[i - 1] == ' '))
		i--;
	if (i >= sizeof(r->name))
		i = sizeof(r->name) - 1;
	r->name[i] = '\0';
	while (i-- > 0)
		r->name[i] = name[i] >= 'a' && name[i] <= 'z' ?
		    (char)(name[i] - 'a' + 'A') : name[i];
	r->inside = true;
	r->len = r->digits = r->pads = 0;
	r->blocks++;
}

static bool
block_line(struct reader *r, const char *line, size_t n)
{
	int v;

	for (; n > 0; line++, n--) {
		v = r->value[(unsigned char)*line];
		if (v >= 0 && r->pads == 0) {
			r->acc = r->acc << 6 | (uint32_t)v;
			if (++r->digits % 4 != 0)
				continue;
			r->der[r->len++] = (unsigned char)(r->acc >> 16);
			r->der[r->len++] = (unsigned char)(r->acc >> 8);
			r->der[r->len++] = (unsigned char)r->acc;
		} else if (*line == '=') {
			r->pads++;
		} else if (v >= 0 || (unsigned char)*line > ' ') {
			return false;
		}
	}
	return true;
}

/* RFC 4648 3.5: the last digits fill whole bytes, and their spare bits are
 * zero. */
static bool
block_last(struct reader *r)
{
	size_t spare = r->digits % 4;

	if (spare == 0)
		return r->pads == 0;
	if (spare == 1 || r->pads != 4 - spare)
		return false;
	r->acc <<= 6 * r->pads;
	r->der[r->len++] = (unsigned char)(r->acc >> 16);
	if (spare == 2)
		return (r->acc & 0xffff) == 0;
	r->der[r->len++] = (unsigned char)(r->acc >> 8);
	return (r->acc & 0xff) == 0;
}

static int
block_add(struct reader *r, struct err *e)
{
	struct tls_pem *b = calloc(1, sizeof(*b) + r->len);

	if (b == NULL)
		return err_set(e, "%s: out of memory", r->file);
	memcpy(b->name, r->name, sizeof(b->name));
	b->len = r->len;
	memcpy(b->der, r->der, r->len);
	*r->last = b;
	r->last = &b->next;
	r->inside = false;
	return 0;
}

/* The header lines of an encrypted key (RFC 1421) are no base64. */
static int
block_bad(const struct reader *r, const struct text *t, struct err *e)
{
	if (strstr(r->name, "PRIVATE KEY") != NULL &&
	    /* NOLINTNEXTLINE(clang-analyzer-core.*): there is a text */
	    memmem(t->p, t->n, "ENCRYPTED", 9) != NULL)
		return err_set(e, "%s: the private key is encrypted with a "
		    "pass phrase; store it without one", r->file);
	return err_set(e, "%s: block %u (%s) is damaged or cut short",
	    r->file, r->blocks, r->name);
}

static bool
is_banner(const char *line, size_t n, const char *banner, size_t len)
{
	return n >= len && strncasecmp(line, banner, len) == 0;
}

static int
decode(struct reader *r, const struct text *t, struct err *e)
{
	static const char begin[] = "-----BEGIN ", end[] = "-----END ";
	const char *p = t->p, *stop = t->p + t->n, *next;
	size_t n;

	if (t->n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		p += 3;			/* a byte order mark */
	for (; p < stop; p = next) {
		next = memchr(p, '\n', (size_t)(stop - p));
		next = next != NULL ? next + 1 : stop;
		n = (size_t)(next - p);
		if (!r->inside) {
			if (is_banner(p, n, begin, sizeof(begin) - 1))
				block_begin(r, p + sizeof(begin) - 1,
				    n - (sizeof(begin) - 1));
		} else if (is_banner(p, n, end, sizeof(end) - 1)) {
			if (!block_last(r))
				return block_bad(r, t, e);
			if (block_add(r, e) < 0)
				return -1;
		} else if (!block_line(r, p, n)) {
			return block_bad(r, t, e);
		}
	}
	if (r->inside)
		return block_bad(r, t, e);
	if (r->first == NULL)
		return err_set(e, "%s: nothing in PEM form found "
		    "(no \"-----BEGIN\" line)", r->file);
	return 0;
}

struct tls_pem *
tls_pem_load(const char *file, struct err *e)
{
	struct reader r = { .file = file, .last = &r.first };
	struct text t = { .p = NULL };

	if (text_load(file, &t, e) < 0)
		goto fail;
	/* base64 shrinks, so the text's size is more than enough */
	r.der = malloc(t.n + 1);
	if (r.der == NULL) {
		err_set(e, "%s: out of memory", file);
		goto fail;
	}
	digits_init(r.value);
	if (decode(&r, &t, e) < 0) {
		tls_pem_free(r.first);
		r.first = NULL;
	}
	tls_wipe(r.der, t.n);
	tls_wipe(&r.acc, sizeof(r.acc));
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
