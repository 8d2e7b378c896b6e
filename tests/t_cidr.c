/*
 * tests/t_cidr.c - conf/conf_cidr.c: lists of networks.
 */
#include <arpa/inet.h>

#include "../conf/conf_int.h"
#include "test.h"

static const struct {
	const char *list, *address;
	bool has;
} rows[] = {
	{ "10.0.0.1", "10.0.0.1", true },
	{ "10.0.0.1", "10.0.0.2", false },
	{ "10.0.0.1/32", "10.0.0.1", true },
	{ "10.0.0.1/32", "10.0.0.0", false },
	{ "10.0.0.0/31", "10.0.0.1", true },
	{ "10.0.0.0/31", "10.0.0.2", false },
	{ "10.0.0.0/8", "10.255.255.255", true },
	{ "10.0.0.0/8", "11.0.0.0", false },
	{ "10.9.9.9/8", "10.1.1.1", true },
	{ "192.168.128.0/17", "192.168.255.1", true },
	{ "192.168.128.0/17", "192.168.127.1", false },
	{ "0.0.0.0/0", "8.8.8.8", true },
	{ "0.0.0.0/0", "2001:db8::1", false },
	{ "::/0", "2001:db8::1", true },
	{ "::/0", "8.8.8.8", true },
	{ "::ffff:0:0/96", "8.8.8.8", true },
	{ "::ffff:10.0.0.1", "10.0.0.1", true },
	{ "2001:db8::/32", "2001:db8:ffff::1", true },
	{ "2001:db8::/32", "2001:db9::1", false },
	{ "2001:db8::/33", "2001:db8:8000::1", false },
	{ "fe80::/10", "febf::1", true },
	{ "fe80::/10", "fec0::1", false },
	{ "::1/128", "::1", true },
	{ "::1/127", "::", true },
	{ "1.1.1.1,2.2.2.2", "2.2.2.2", true },
	{ "1.1.1.1, 2.2.2.2 ,\t::1", "::1", true },
	{ "1.1.1.1 2.2.2.2", "2.2.2.2", true },
	{ "1.1.1.1,2.2.2.2", "3.3.3.3", false },
};

static const struct {
	const char *list;
	bool good;
} checks[] = {
	{ "10.0.0.0/8", true },
	{ "10.0.0.0/8,", true },
	{ "::1, 127.0.0.1", true },
	{ "", false },
	{ ",", false },
	{ "10.0.0", false },
	{ "10.0.0.0/", false },
	{ "10.0.0.0/33", false },
	{ "10.0.0.0/-1", false },
	{ "10.0.0.0/8x", false },
	{ "10.0.0.0/0008", false },
	{ "10.0.0.0/8/8", false },
	{ "::1/129", false },
	{ "::1/128", true },
	{ "localhost", false },
	{ "10.0.0.1, nobody, ::1", false },
	{ "10.0.0.1;10.0.0.2", false },
	{ "0000000000000000000000000000000000000000000000000000000000000000000",
	  false },
};

static void
mapped(const char *text, unsigned char a[16])
{
	memset(a, 0, 10);
	memset(a + 10, 0xff, 2);
	if (inet_pton(AF_INET, text, a + 12) != 1)
		CHECK(inet_pton(AF_INET6, text, a) == 1, "%s", text);
}

int
main(void)
{
	unsigned char a[16];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		mapped(rows[i].address, a);
		CHECK(conf_check_cidr(rows[i].list) == NULL, "%s",
		    rows[i].list);
		CHECK(conf_cidr_has(rows[i].list, a) == rows[i].has,
		    "%s in %s", rows[i].address, rows[i].list);
	}
	for (i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		CHECK((conf_check_cidr(checks[i].list) == NULL) ==
		    checks[i].good, "\"%s\"", checks[i].list);
	return test_end("t_cidr");
}
