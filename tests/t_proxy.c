/*
 * tests/t_proxy.c - net/proxy.c: the PROXY protocol's header, whole and cut at
 * every byte.
 */
#include "../net/net.h"
#include "guard.h"
#include "test.h"

#define S(s) s, sizeof(s) - 1
#define SIG "\r\n\r\n\0\r\nQUIT\n"
#define F39 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"

/* from and to NULL: the connection's own; size 0: refused */
static const struct {
	const char *head;
	size_t n, size;
	const char *from, *to;
} rows[] = {
	{ S("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n"), 47,
	  "192.168.0.1 56324", "192.168.0.11 443" },
	{ S("PROXY TCP4 1.1.1.1 2.2.2.2 0 65535\r\nUSER x\r\n"), 36,
	  "1.1.1.1 0", "2.2.2.2 65535" },
	{ S("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"), 56,
	  "255.255.255.255 65535", "255.255.255.255 65535" },
	{ S("PROXY TCP6 2001:db8::1 ::1 4000 21\r\n"), 36,
	  "2001:db8::1 4000", "::1 21" },
	{ S("PROXY TCP6 2001:DB8::A ::1 4000 21\r\n"), 36,
	  "2001:db8::a 4000", "::1 21" },
	{ S("PROXY TCP6 " F39 " " F39 " 65535 65535\r\n"), 104,
	  F39 " 65535", F39 " 65535" },
	{ S("PROXY TCP6 ::ffff:10.0.0.1 ::1 4000 21\r\n"), 40,
	  "10.0.0.1 4000", "::1 21" },
	{ S("PROXY UNKNOWN\r\n"), 15, NULL, NULL },
	{ S("PROXY UNKNOWN\r\n\x16\x03\x01"), 15, NULL, NULL },
	{ S("PROXY UNKNOWN " F39 " " F39 " 65535 65535\r\n"), 107, NULL, NULL },
	{ S("PROXY UNKNOWN  what ever\r\n"), 26, NULL, NULL },

	{ S("PROXY UNKNOWN " F39 " " F39 " 65535 655350\r\n"), 0, NULL, NULL },
	{ S("PROXY UNKNOWNS\r\n"), 0, NULL, NULL },
	{ S("PROXY UNKNOWN\n"), 0, NULL, NULL },
	{ S("PROXY UNKNOWN a\rb\r\n"), 0, NULL, NULL },
	{ S("PROXY UNKNOWN a\0b\r\n"), 0, NULL, NULL },
	{ S("PROXY unknown\r\n"), 0, NULL, NULL },
	{ S("PROXY UDP4 1.1.1.1 2.2.2.2 1 2\r\n"), 0, NULL, NULL },
	{ S("PROXY TCP 1.1.1.1 2.2.2.2 1 2\r\n"), 0, NULL, NULL },
	{ S("PROXY TCP5 1.1.1.1 2.2.2.2 1 2\r\n"), 0, NULL, NULL },
	{ S("PROXY TCP44 1.1.1.1 2.2.2.2 1 2\r\n"), 0, NULL, NULL },
	{ S("PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n"), 0, NULL, NULL },
	{ S("PROXY TCP4 1.1.1.1 2.2.2.2 1 2 \r\n"), 0, NULL, NULL },
	{ S("PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n"), 0, NULL, NULL },
	{ S("PROXY  TCP4 1.1.1.1 2.2.2.2 1 2\r\n"), 0, NULL, NULL },
	{ S("PROXY TCP4 1.1.1.1  2.2.2.2 1 2\r\n"), 0, NULL, NULL },
	{ S("PROXY TCP4 01.1.1.1 2.2.2.2 1 2\r\n"), 0, NULL, NULL },
	{ S("PROXY TCP4 1.1.1 2.2.2.2 1 2\r\n"), 0, NULL, NULL },
	{ S("PROXY TCP4 256.1.1.1 2.2.2.2 1 2\r\n"), 0, NULL, NULL },
	{ S("PROXY TCP4 ::1 2.2.2.2 1 2\r\n"), 0, NULL, NULL },
	{ S("PROXY TCP4 1.1.1.1 ::2 1 2\r\n"), 0, NULL, NULL },
	{ S("PROXY TCP6 1.1.1.1 ::2 1 2\r\n"), 0, NULL, NULL },
	{ S("PROXY TCP6 fe80::1%lo ::2 1 2\r\n"), 0, NULL, NULL },
	{ S("PROXY TCP6 [::1] ::2 1 2\r\n"), 0, NULL, NULL },
	{ S("PROXY TCP4 localhost 2.2.2.2 1 2\r\n"), 0, NULL, NULL },
	{ S("PROXY TCP4 1.1.1.1 2.2.2.2 01 2\r\n"), 0, NULL, NULL },
	{ S("PROXY TCP4 1.1.1.1 2.2.2.2 +1 2\r\n"), 0, NULL, NULL },
	{ S("PROXY TCP4 1.1.1.1 2.2.2.2 65536 2\r\n"), 0, NULL, NULL },
	{ S("PROXY TCP4 1.1.1.1 2.2.2.2 4294967297 2\r\n"), 0, NULL, NULL },
	{ S("PROXY TCP4 1.1.1.1 2.2.2.2 1 \r\n"), 0, NULL, NULL },
	{ S("PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n"), 0, NULL, NULL },
	{ S("PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\r\n"), 0, NULL, NULL },
	{ S("PROXY TCP4 1.1.1.1 2.2.2.2 1 2\rUSER"), 0, NULL, NULL },
	{ S("PROXY TCP4\t1.1.1.1 2.2.2.2 1 2\r\n"), 0, NULL, NULL },
	{ S("PROXY TCP4 1.1.1.1 2.2.2.2\0 1 2\r\n"), 0, NULL, NULL },
	{ S("PROXY TCP4 \xff.1.1.1 2.2.2.2 1 2\r\n"), 0, NULL, NULL },
	{ S("PROXY\r\n"), 0, NULL, NULL },
	{ S("PROXY \r\n"), 0, NULL, NULL },
	{ S("PROXYTCP4 1.1.1.1 2.2.2.2 1 2\r\n"), 0, NULL, NULL },
	{ S("proxy TCP4 1.1.1.1 2.2.2.2 1 2\r\n"), 0, NULL, NULL },
	{ S(" PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n"), 0, NULL, NULL },
	{ S("USER x\r\n"), 0, NULL, NULL },
	{ S("GET / HTTP/1.0\r\n\r\n"), 0, NULL, NULL },
	{ S("\x16\x03\x01\x02\x00\x01"), 0, NULL, NULL },
	{ S("\r\nUSER x\r\n"), 0, NULL, NULL },

	{ S(SIG "\x21\x11\0\x0c" "\x0a\0\0\x01\x0a\0\0\x02\x10\0\0\x15"), 28,
	  "10.0.0.1 4096", "10.0.0.2 21" },
	{ S(SIG "\x21\x11\0\x0c" "\xff\xff\xff\xff\0\0\0\0\xff\xff\0\0NOOP"), 28,
	  "255.255.255.255 65535", "0.0.0.0 0" },
	{ S(SIG "\x21\x11\0\x13" "\x0a\0\0\x01\x0a\0\0\x02\x10\0\0\x15"
	  "\x04\0\x04" "abcdUSER"), 35, "10.0.0.1 4096", "10.0.0.2 21" },
	/* the TLV says more than there is: nobody reads it */
	{ S(SIG "\x21\x11\0\x0f" "\x0a\0\0\x01\x0a\0\0\x02\x10\0\0\x15"
	  "\x04\xff\xff"), 31, "10.0.0.1 4096", "10.0.0.2 21" },
	{ S(SIG "\x21\x21\0\x24" "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
	  "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x0f\xa0\0\x15"), 52,
	  "2001:db8::1 4000", "::1 21" },
	{ S(SIG "\x20\0\0\0"), 16, NULL, NULL },
	{ S(SIG "\x20\xff\0\x03" "abcd"), 19, NULL, NULL },
	{ S(SIG "\x20\x11\0\x0c" "\x0a\0\0\x01\x0a\0\0\x02\x10\0\0\x15"), 28,
	  NULL, NULL },
	{ S(SIG "\x21\0\0\0"), 16, NULL, NULL },
	{ S(SIG "\x21\0\0\x02" "xy"), 18, NULL, NULL },
	{ S(SIG "\x21\x12\0\x02" "xy"), 18, NULL, NULL },
	{ S(SIG "\x21\x32\0\x02" "xy"), 18, NULL, NULL },

	{ S(SIG "\x21\x11\0\x0b" "\x0a\0\0\x01\x0a\0\0\x02\x10\0\0\x15"), 0,
	  NULL, NULL },
	{ S(SIG "\x21\x11\0\0"), 0, NULL, NULL },
	{ S(SIG "\x21\x21\0\x23" "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
	  "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x0f\xa0\0\x15"), 0, NULL, NULL },
	{ S(SIG "\x22\x11\0\x0c" "\x0a\0\0\x01\x0a\0\0\x02\x10\0\0\x15"), 0,
	  NULL, NULL },
	{ S(SIG "\x11\x11\0\x0c" "\x0a\0\0\x01\x0a\0\0\x02\x10\0\0\x15"), 0,
	  NULL, NULL },
	{ S(SIG "\x31\x11\0\x0c"), 0, NULL, NULL },
	{ S(SIG "\x21\x13\0\x0c"), 0, NULL, NULL },
	{ S(SIG "\x21\x41\0\x0c"), 0, NULL, NULL },
	{ S(SIG "\x20\0\x03\xf1"), 0, NULL, NULL },
	{ S(SIG "\x20\0\xff\xff"), 0, NULL, NULL },
	{ S("\r\n\r\n\0\r\nQUIT\r"), 0, NULL, NULL },
};

static void
check_address(size_t row, const struct net_addr *a, const char *want)
{
	char got[NET_ADDR_TEXT + 8] = "", ip[NET_ADDR_TEXT];

	if (want == NULL) {
		CHECK(a->len == 0, "row %zu: an address", row);
		return;
	}
	if (a->len > 0)
		snprintf(got, sizeof(got), "%s %u", net_addr_text(a, ip),
		    net_addr_port(a));
	CHECK_STR(got, want, rows[row].head);
}

/* Whatever is there, the parser never asks for a byte behind the header. */
static void
check_prefixes(size_t row)
{
	struct net_addr from, to;
	size_t n, size = rows[row].size;
	ssize_t r = 0;

	for (n = 0; n <= rows[row].n; n++) {
		r = net_proxy_parse((const unsigned char *)
		    guard(rows[row].head, n), n, &from, &to);
		if (size == 0 && r < 0)
			return;			/* and it stays refused */
		if (n < size)
			CHECK(r > (ssize_t)n && r <= (ssize_t)size,
			    "row %zu: %zd of the first %zu", row, r, n);
		else if (size > 0)
			CHECK(r == (ssize_t)size, "row %zu: %zd of all %zu",
			    row, r, n);
		else
			CHECK(r > (ssize_t)n, "row %zu: %zd of %zu", row, r, n);
	}
	CHECK(size > 0, "row %zu: not refused: %zd", row, r);
	check_address(row, &from, rows[row].from);
	check_address(row, &to, rows[row].to);
}

static void
test_longest(void)
{
	static unsigned char p[NET_PROXY_MAX] = SIG "\x20\0\x03\xf0";
	struct net_addr from, to;

	CHECK(net_proxy_parse(p, 16, &from, &to) == NET_PROXY_MAX &&
	    net_proxy_parse(p, NET_PROXY_MAX, &from, &to) == NET_PROXY_MAX,
	    "the longest");
}

int
main(void)
{
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_prefixes(i);
	test_longest();
	return test_end("t_proxy");
}
