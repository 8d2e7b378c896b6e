/*
 * nomem.c - linked into a cosftpd whose allocations go through here: the n-th
 * of those that are large enough fails, once.  Which one is told by a file
 * that is mapped and shared with the test; tests/functional/test_nomem.py.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct order {
	_Atomic int64_t left;	/* until the one that fails; 0: none does */
	_Atomic int64_t least;	/* bytes of those that count */
	_Atomic int64_t seen, failed;
} *order;

void *__real_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__real_realloc(void *, size_t);
char *__real_strdup(const char *);
void *__wrap_malloc(size_t);
void *__wrap_calloc(size_t, size_t);
void *__wrap_realloc(void *, size_t);
char *__wrap_strdup(const char *);

__attribute__((constructor))
static void
take_order(void)
{
	const char *path = getenv("NOMEM_FILE");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *p;

	if (fd < 0)
		return;
	p = mmap(NULL, sizeof(*order), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
	    0);
	close(fd);
	if (p != MAP_FAILED)
		order = p;
}

static int
fails(size_t n)
{
	if (order == NULL || (int64_t)n < order->least)
		return 0;
	order->seen++;
	if (order->left == 0 || --order->left > 0)
		return 0;
	order->failed++;
	return 1;
}

void *
__wrap_malloc(size_t n)
{
	return fails(n) ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t count, size_t n)
{
	return fails(count * n) ? NULL : __real_calloc(count, n);
}

void *
__wrap_realloc(void *p, size_t n)
{
	return fails(n) ? NULL : __real_realloc(p, n);
}

char *
__wrap_strdup(const char *s)
{
	return fails(strlen(s) + 1) ? NULL : __real_strdup(s);
}
