/*
 * body.c - bytes of objects and parts: blobs and lists of pieces of them.
 *
 * A pattern blob has no bytes: byte i of it is (i % 65521 * 31 ^
 * (i % 65521) >> 7) & 255.  A prime period shows pieces put together in the
 * wrong order.
 */
#include "store.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct blob {
	atomic_int refs;
	enum blob_kind kind;
	int64_t size;
	unsigned char *p;	/* memory, or mapped */
	char *path;		/* file: mapped only while it is read */
	int64_t offset;
	bool doomed;
};

static struct blob *
blob_make(enum blob_kind kind, int64_t size)
{
	struct blob *b = xalloc(sizeof(*b));

	b->refs = 1;
	b->kind = kind;
	b->size = size;
	return b;
}

static bool
map_unnamed(struct blob *b, const char *dir)
{
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	void *p = MAP_FAILED;
	char *name;

	if (fd < 0) {		/* not every file system has O_TMPFILE */
		if (asprintf(&name, "%s/part-XXXXXX", dir) < 0)
			abort();
		fd = mkostemp(name, O_CLOEXEC);
		if (fd >= 0)
			unlink(name);
		free(name);
	}
	if (fd < 0)
		return false;
	if (posix_fallocate(fd, 0, b->size) == 0)
		p = mmap(NULL, (size_t)b->size, PROT_READ | PROT_WRITE,
		    MAP_SHARED, fd, 0);
	close(fd);
	b->p = p;
	return p != MAP_FAILED;
}

struct blob *
blob_new(struct fakecos *f, int64_t size)
{
	bool file = f->set.dir != NULL && size > 0;
	struct blob *b = blob_make(file ? BLOB_MAPPED : BLOB_MEMORY, size);
	bool ok;

	if (file)
		ok = map_unnamed(b, f->set.dir);
	else
		ok = (b->p = malloc(size ? (size_t)size : 1)) != NULL;
	if (ok)
		return b;
	free(b);
	return NULL;
}

struct blob *
blob_pattern(void)
{
	return blob_make(BLOB_PATTERN, INT64_MAX);
}

struct blob *
blob_file(const char *path, int64_t offset, int64_t size)
{
	struct blob *b = blob_make(BLOB_FILE, size);

	b->path = xcopy(path, strlen(path));
	b->offset = offset;
	return b;
}

unsigned char *
blob_bytes(struct blob *b)
{
	return b->p;
}

void
blob_doom(struct blob *b)
{
	b->doomed = true;
}

void
blob_free(struct blob *b)
{
	if (b == NULL || --b->refs > 0)
		return;
	if (b->kind == BLOB_MAPPED)
		munmap(b->p, (size_t)b->size);
	if (b->kind == BLOB_MEMORY)
		free(b->p);
	if (b->doomed && b->path)
		unlink(b->path);
	free(b->path);
	free(b);
}

void
body_add(struct body *body, struct blob *b, int64_t at, int64_t len)
{
	body->pieces = realloc(body->pieces,
	    (body->count + 1) * sizeof(*body->pieces));
	if (body->pieces == NULL)
		abort();
	b->refs++;
	body->pieces[body->count++] = (struct piece){ b, at, len };
	body->size += len;
}

void
body_share(struct body *body, const struct body *from, int64_t at, int64_t len)
{
	const struct piece *p;
	int64_t n;

	for (p = from->pieces; len > 0; p++) {
		if (at >= p->len) {
			at -= p->len;
			continue;
		}
		n = p->len - at < len ? p->len - at : len;
		body_add(body, p->blob, p->at + at, n);
		len -= n;
		at = 0;
	}
}

void
body_flatten(struct body *body)
{
	struct body flat = *body;
	struct blob *b = blob_pattern();

	flat.pieces = NULL;
	flat.count = 0;
	flat.size = 0;
	body_add(&flat, b, 0, body->size);
	blob_free(b);
	body_free(body);
	*body = flat;
}

void
body_free(struct body *body)
{
	size_t i;

	for (i = 0; i < body->count; i++)
		blob_free(body->pieces[i].blob);
	free(body->pieces);
	*body = (struct body){ 0 };
}

typedef bool put_fn(void *, const unsigned char *, size_t);

static bool
each_pattern(struct fakecos *f, int64_t at, int64_t len, put_fn *put, void *arg)
{
	int64_t n, start;

	for (; len > 0; at += n, len -= n) {
		start = at % PATTERN;
		n = (int64_t)PATTERN * PATTERN_TURNS - start;
		if (n > len)
			n = len;
		if (!put(arg, f->pattern + start, (size_t)n))
			return false;
	}
	return true;
}

static bool
each_file(const struct piece *p, int64_t at, int64_t len, put_fn *put, void *arg)
{
	int fd = open(p->blob->path, O_RDONLY | O_CLOEXEC);
	size_t size = (size_t)(p->blob->offset + p->blob->size);
	unsigned char *map;
	bool ok;

	if (fd < 0)
		return false;
	map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		return false;
	ok = put(arg, map + p->blob->offset + at, (size_t)len);
	munmap(map, size);
	return ok;
}

static bool
each_piece(struct fakecos *f, const struct piece *p, int64_t at, int64_t len,
    put_fn *put, void *arg)
{
	switch (p->blob->kind) {
	case BLOB_PATTERN:
		return each_pattern(f, p->at + at, len, put, arg);
	case BLOB_FILE:
		return each_file(p, p->at + at, len, put, arg);
	default:
		return put(arg, p->blob->p + p->at + at, (size_t)len);
	}
}

bool
body_each(struct fakecos *f, const struct body *body, int64_t at, int64_t len,
    bool (*put)(void *, const unsigned char *, size_t), void *arg)
{
	const struct piece *p;
	int64_t n;

	for (p = body->pieces; len > 0; p++) {
		if (at >= p->len) {
			at -= p->len;
			continue;
		}
		n = p->len - at < len ? p->len - at : len;
		if (!each_piece(f, p, at, n, put, arg))
			return false;
		len -= n;
		at = 0;
	}
	return true;
}

struct crc_sum {
	const struct crc *crc;
	uint64_t value;
};

static bool
crc_put(void *arg, const unsigned char *p, size_t n)
{
	struct crc_sum *s = arg;

	s->value = crc_update(s->crc, s->value, p, n);
	return true;
}

/* Whole periods by doubling, so that 200 GB take no longer than 1 MB. */
uint64_t
pattern_crc(struct fakecos *f, int64_t at, int64_t len)
{
	int64_t start = at % PATTERN, rest = len % PATTERN, turns, n = PATTERN;
	uint64_t all = 0, turn = crc_update(&f->crc, 0, f->pattern + start,
	    PATTERN);

	for (turns = len / PATTERN; turns > 0; turns >>= 1, n *= 2) {
		if (turns & 1)
			all = crc_combine(all, turn, (uint64_t)n);
		turn = crc_combine(turn, turn, (uint64_t)n);
	}
	return crc_update(&f->crc, all, f->pattern + start, (size_t)rest);
}

uint64_t
body_crc(struct fakecos *f, const struct body *body, int64_t at, int64_t len)
{
	struct crc_sum s = { &f->crc, 0 };

	if (body->count == 1 && body->pieces[0].blob->kind == BLOB_PATTERN)
		return pattern_crc(f, body->pieces[0].at + at, len);
	body_each(f, body, at, len, crc_put, &s);
	return s.value;
}

void
etag_fake(struct fakecos *f, char out[64])
{
	uint64_t n = (uint64_t)f->serial++;

	snprintf(out, 64, "fa4e%012llx%016llx", (unsigned long long)n & 0xffffffffffff,
	    (unsigned long long)(n * 0x9E3779B97F4A7C15u));
}
