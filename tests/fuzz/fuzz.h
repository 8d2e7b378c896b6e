/*
 * tests/fuzz/fuzz.h - what all fuzz targets share: an input is taken apart by
 * its first bytes, text is handed over in pieces that end where the memory
 * does, and what a run gave is written down so that two can be compared.
 */
#ifndef COSFTPD_FUZZ_H
#define COSFTPD_FUZZ_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define MUST(cond)							\
	do {								\
		if (!(cond)) {						\
			fprintf(stderr, "%s:%d: not so: %s\n",		\
			    __FILE__, __LINE__, #cond);			\
			abort();					\
		}							\
	} while (0)

/* ---- pieces: the pattern is the input's first byte, 0 is byte by byte ---- */
struct pieces {
	const uint8_t *p;
	size_t n;
	uint32_t dice;		/* 0: one byte each time */
	char *piece;		/* owned: an allocation as long as the piece */
};

static inline void
pieces_begin(struct pieces *s, const uint8_t *p, size_t n, unsigned pattern)
{
	*s = (struct pieces){ .p = p, .n = n, .dice = pattern };
}

/* NULL: no more.  Valid until the next call; who stops early says
 * pieces_end. */
static inline const char *
pieces_next(struct pieces *s, size_t *n)
{
	free(s->piece);
	s->piece = NULL;
	if (s->n == 0)
		return NULL;
	*n = 1;
	if (s->dice != 0) {
		s->dice = s->dice * 1103515245 + 12345;
		*n = 1 + (s->dice >> 16 & 31);
		if (*n > s->n)
			*n = s->n;
	}
	s->piece = malloc(*n);
	MUST(s->piece != NULL);
	memcpy(s->piece, s->p, *n);
	s->p += *n;
	s->n -= *n;
	return s->piece;
}

static inline void
pieces_end(struct pieces *s)
{
	free(s->piece);
	s->piece = NULL;
}

/* A NUL-terminated copy up to the first NUL, as long as it has to be; freed by
 * the caller. */
static inline char *
text_of(const uint8_t *p, size_t n)
{
	size_t len = n > 0 ? strnlen((const char *)p, n) : 0;
	char *s = malloc(len + 1);

	MUST(s != NULL);
	if (len > 0)
		memcpy(s, p, len);
	s[len] = '\0';
	return s;
}

/* ---- what happened ---- */
struct story {
	char *text;		/* owned, kept for the next input */
	size_t n, cap;
};

static inline void
tell(struct story *s, const void *p, size_t n)
{
	if (s->n + n > s->cap) {
		s->cap = 2 * (s->n + n) + 256;
		s->text = realloc(s->text, s->cap);
		MUST(s->text != NULL);
	}
	if (n > 0)
		memcpy(s->text + s->n, p, n);
	s->n += n;
}

static inline void __attribute__((format(printf, 2, 3)))
tellf(struct story *s, const char *fmt, ...)
{
	char text[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	tell(s, text, strlen(text));
}

static inline bool
same_story(const struct story *a, const struct story *b)
{
	return a->n == b->n && (a->n == 0 || memcmp(a->text, b->text,
	    a->n) == 0);
}

/* ---- a file that is the input; the name stays the same ---- */
static inline const char *
file_of(const void *p, size_t n)
{
	static char name[32];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("fuzz", 0);
		MUST(fd >= 0);
		snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	}
	MUST(ftruncate(fd, 0) == 0 && pwrite(fd, p, n, 0) == (ssize_t)n);
	return name;
}

/* "a-z0-9" of ASCII and what else is in `more` */
static inline bool
all_of(const char *s, size_t n, const char *more)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!(s[i] >= 'a' && s[i] <= 'z') &&
		    !(s[i] >= 'A' && s[i] <= 'Z') &&
		    !(s[i] >= '0' && s[i] <= '9') &&
		    (s[i] == '\0' || strchr(more, s[i]) == NULL))
			return false;
	return true;
}

#endif
