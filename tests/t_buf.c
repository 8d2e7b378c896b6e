/*
 * tests/t_buf.c - net/buf.c: growth, the maximum, and dropping.
 */
#include <stdint.h>

#include "../net/net.h"
#include "test.h"

static void
test_put(void)
{
	struct net_buf b = { .max = 100000 };
	char byte;
	size_t i;

	net_buf_put(&b, NULL, 0);
	CHECK(b.data != NULL && b.data[0] == '\0', "empty put is a string");
	for (i = 0; i < 100000; i++) {
		byte = (char)(i % 251);
		net_buf_put(&b, &byte, 1);
	}
	CHECK(!b.failed && b.len == 100000, "exactly max fits");
	CHECK(b.cap == 100001, "capacity stops at max: %zu", b.cap);
	for (i = 0; i < b.len && b.data[i] == (char)(i % 251); i++)
		;
	CHECK(i == b.len && b.data[b.len] == '\0', "contents kept");
	net_buf_put(&b, "x", 0);
	CHECK(!b.failed, "nothing more is fine at max");
	net_buf_put(&b, "x", 1);
	CHECK(b.failed && b.len == 100000, "one more fails");
	net_buf_drop(&b, 50);
	net_buf_put(&b, "x", 1);
	net_buf_printf(&b, "y");
	CHECK(b.failed && b.len == 99950, "failure is sticky");
	net_buf_free(&b);
	CHECK(b.data == NULL && b.len == 0 && !b.failed, "free resets");
	net_buf_put(&b, "again", 5);
	CHECK_STR(b.data, "again", "use after free call");
	net_buf_free(&b);
	net_buf_free(&b);
}

/* room of 256 at first: lengths around it take either way through printf */
static void
test_printf(void)
{
	static const int size[] = { 0, 1, 254, 255, 256, 257, 511, 512, 999 };
	struct net_buf b;
	size_t i, k;

	for (i = 0; i < sizeof(size) / sizeof(size[0]); i++) {
		b = (struct net_buf){ .max = 1000 };
		net_buf_printf(&b, "%*s|", size[i], "");
		for (k = 0; k < (size_t)size[i] && b.data[k] == ' '; k++)
			;
		CHECK(!b.failed && b.len == (size_t)size[i] + 1 &&
		    k == (size_t)size[i] && strcmp(b.data + k, "|") == 0,
		    "printf of %d", size[i]);
		net_buf_free(&b);
	}
	b = (struct net_buf){ .max = 1000 };
	net_buf_printf(&b, "%s", "ab");
	net_buf_printf(&b, "%*s", 999, "");
	CHECK(b.failed && b.len == 2, "printf beyond max");
	CHECK_STR(b.data, "ab", "what was there stays a string");
	net_buf_free(&b);

	b = (struct net_buf){ .max = 10 };	/* smaller than the first step */
	net_buf_printf(&b, "%s", "0123456789");
	CHECK(!b.failed && b.len == 10, "printf of exactly max");
	net_buf_free(&b);
	b = (struct net_buf){ .max = 10 };
	net_buf_printf(&b, "%s", "0123456789a");
	CHECK(b.failed && b.len == 0, "printf of max + 1");
	net_buf_free(&b);
}

static void
test_limits(void)
{
	struct net_buf b = { .max = 0 };

	net_buf_put(&b, "", 0);
	CHECK(!b.failed, "nothing fits into nothing");
	net_buf_put(&b, "x", 1);
	CHECK(b.failed, "max 0 holds nothing");
	net_buf_free(&b);

	b = (struct net_buf){ .max = SIZE_MAX };
	net_buf_put(&b, "abc", 3);
	net_buf_put(&b, "", SIZE_MAX - 3);
	CHECK(b.failed && b.len == 3, "sizes do not wrap");
	net_buf_free(&b);
}

static void
test_drop(void)
{
	struct net_buf b = { .max = 100 };

	net_buf_drop(&b, 5);
	CHECK(b.data == NULL, "drop from nothing");
	net_buf_put(&b, "hello world", 11);
	net_buf_drop(&b, 0);
	net_buf_drop(&b, 6);
	CHECK_STR(b.data, "world", "drop");
	net_buf_drop(&b, 99);
	CHECK(b.len == 0 && b.data[0] == '\0', "drop more than there is");
	net_buf_put(&b, "z", 1);
	CHECK_STR(b.data, "z", "put after drop");
	net_buf_free(&b);
}

int
main(void)
{
	test_put();
	test_printf();
	test_limits();
	test_drop();
	return test_end("t_buf");
}
