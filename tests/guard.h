/*
 * tests/guard.h - input that ends at an unreadable page, so that a parser
 * that reads one byte too many dies at once.
 */
#ifndef COSFTPD_GUARD_H
#define COSFTPD_GUARD_H

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { GUARD_SIZE = 64 * 1024 };	/* a multiple of any page size */

static char *guard_page;		/* the unreadable one */

/* A copy of the n bytes at p, valid until the next call. */
static inline char *
guard(const void *p, size_t n)
{
	char *map;

	if (guard_page == NULL) {
		map = mmap(NULL, 2 * GUARD_SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (map == MAP_FAILED || mprotect(map + GUARD_SIZE, GUARD_SIZE,
		    PROT_NONE) < 0)
			abort();
		guard_page = map + GUARD_SIZE;
	}
	if (n > GUARD_SIZE)
		abort();
	if (n > 0)
		memcpy(guard_page - n, p, n);
	return guard_page - n;
}

#endif
