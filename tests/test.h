/*
 * tests/test.h - unit tests as rows of tables: one check per row, a line for
 * each failure, and a last line "N passed, N failed".
 */
#ifndef COSFTPD_TEST_H
#define COSFTPD_TEST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int test_passed, test_failed;

#define CHECK(cond, ...)						\
	do {								\
		if (cond) {						\
			test_passed++;					\
		} else {						\
			test_failed++;					\
			printf("not ok - %s:%d: ", __FILE__, __LINE__);	\
			printf(__VA_ARGS__);				\
			printf("\n");					\
		}							\
	} while (0)

#define CHECK_STR(got, want, what)					\
	CHECK(strcmp((got), (want)) == 0, "%s: got \"%s\", want \"%s\"",	\
	    (what), (got), (want))

static inline int
test_end(const char *name)
{
	printf("%s: %d passed, %d failed\n", name, test_passed, test_failed);
	return test_failed > 0;
}

#endif
