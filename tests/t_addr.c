/*
 * tests/t_addr.c - ftp/addr.c: the arguments of PORT and EPRT.
 */
#include "../ftp/ftp_int.h"
#include "guard.h"
#include "test.h"

static const struct {
	const char *arg, *want;		/* want NULL: refused */
} port_rows[] = {
	{ "127,0,0,1,4,1", "127.0.0.1:1025" },
	{ "10,20,30,40,255,255", "10.20.30.40:65535" },
	{ "255,255,255,255,0,1", "255.255.255.255:1" },
	{ "127,000,00,001,04,001", "127.0.0.1:1025" },
	{ "010,1,1,1,4,1", "10.1.1.1:1025" },
	{ "127,0,0,1,0,0", NULL },
	{ "256,0,0,1,4,1", NULL },
	{ "127,0,0,1,256,1", NULL },
	{ "127,0,0,1,4,256", NULL },
	{ "127,0,0,1,4,0001", NULL },
	{ "127,0,0,1,4,4294967297", NULL },
	{ "127,0,0,1,4", NULL },
	{ "127,0,0,1,4,", NULL },
	{ "127,0,0,1,4,1,", NULL },
	{ "127,0,0,1,4,1,1", NULL },
	{ "127,0,0,1,4,1 ", NULL },
	{ " 127,0,0,1,4,1", NULL },
	{ "127, 0,0,1,4,1", NULL },
	{ "127,,0,1,4,1", NULL },
	{ ",127,0,0,1,4,1", NULL },
	{ "127.0.0.1.4.1", NULL },
	{ "-1,0,0,1,4,1", NULL },
	{ "+1,0,0,1,4,1", NULL },
	{ "0x7f,0,0,1,4,1", NULL },
	{ "127,0,0,1,4,1\n", NULL },
	{ "(127,0,0,1,4,1)", NULL },
	{ "", NULL },
};

static const struct {
	const char *arg;
	int status;
	const char *ip;
	int port;
} eprt_rows[] = {
	{ "|1|132.235.1.2|6275|", 0, "132.235.1.2", 6275 },
	{ "|2|1080::8:800:200C:417A|5282|", 0, "1080::8:800:200c:417a", 5282 },
	{ "|2|::1|65535|", 0, "::1", 65535 },
	{ "|2|::ffff:127.0.0.1|1024|", 0, "::ffff:127.0.0.1", 1024 },
	{ "!1!127.0.0.1!1024!", 0, "127.0.0.1", 1024 },
	{ "~1~127.0.0.1~1024~", 0, "127.0.0.1", 1024 },
	{ "a1a127.0.0.1a1024a", 0, "127.0.0.1", 1024 },
	{ "%1%127.0.0.1%01024%", 0, "127.0.0.1", 1024 },
	{ "|3|127.0.0.1|1024|", -2, NULL, 0 },
	{ "|0|127.0.0.1|1024|", -2, NULL, 0 },
	{ "|01|127.0.0.1|1024|", -2, NULL, 0 },
	{ "|12|127.0.0.1|1024|", -2, NULL, 0 },
	{ "|9|any thing|1024|", -2, NULL, 0 },
	{ "|1|127.0.0.1|0|", -1, NULL, 0 },
	{ "|1|127.0.0.1|65536|", -1, NULL, 0 },
	{ "|1|127.0.0.1|100000|", -1, NULL, 0 },
	{ "|1|127.0.0.1|4294968320|", -1, NULL, 0 },
	{ "|1|127.0.0.1|-1|", -1, NULL, 0 },
	{ "|1|127.0.0.1|21x|", -1, NULL, 0 },
	{ "|1|127.0.0.1|| ", -1, NULL, 0 },
	{ "|1|127.0.0.1||", -1, NULL, 0 },
	{ "|1||1024|", -1, NULL, 0 },
	{ "||127.0.0.1|1024|", -1, NULL, 0 },
	{ "|1|127.0.0.1|1024", -1, NULL, 0 },
	{ "|1|127.0.0.1|1024||", -1, NULL, 0 },
	{ "|1|127.0.0.1|1024| ", -1, NULL, 0 },
	{ "|1|127.0.0.1!1024|", -1, NULL, 0 },
	{ "|1|::1|1024|", -1, NULL, 0 },
	{ "|2|127.0.0.1|1024|", -1, NULL, 0 },
	{ "|1|127.1|1024|", -1, NULL, 0 },
	{ "|1|localhost|1024|", -1, NULL, 0 },
	{ "|1|256.0.0.1|1024|", -1, NULL, 0 },
	{ "|1| 127.0.0.1|1024|", -1, NULL, 0 },
	{ "|2|fe80::1%eth0|1024|", -1, NULL, 0 },
	{ "|2|fe80::1%1|1024|", -1, NULL, 0 },
	{ "|2|[::1]|1024|", -1, NULL, 0 },
	{ "|2|:|1024|", -1, NULL, 0 },
	{ "|2|1:2:3:4:5:6:7:8:9|1024|", -1, NULL, 0 },
	{ "|2|0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001"
	    "|1024|", -1, NULL, 0 },
	{ "|x|127.0.0.1|1024|", -1, NULL, 0 },
	{ "|-1|127.0.0.1|1024|", -1, NULL, 0 },
	{ "|1 |127.0.0.1|1024|", -1, NULL, 0 },
	{ "|11111111|127.0.0.1|1024|", -1, NULL, 0 },
	{ " 1 127.0.0.1 1024 ", -1, NULL, 0 },
	{ "\t1\t127.0.0.1\t1024\t", -1, NULL, 0 },
	{ "\x7f""1\x7f""127.0.0.1\x7f""1024\x7f", -1, NULL, 0 },
	{ "\xc3""1\xc3""127.0.0.1\xc3""1024\xc3", -1, NULL, 0 },
	{ "1112711", -1, NULL, 0 },
	{ "|", -1, NULL, 0 },
	{ "||||", -1, NULL, 0 },
	{ "", -1, NULL, 0 },
};

static bool
same(const struct net_addr *a, const char *ip, int port)
{
	struct net_addr b;

	return net_addr_parse(&b, ip, (uint16_t)port) == 0 && a->len == b.len &&
	    memcmp(&a->ss, &b.ss, a->len) == 0;
}

static void
test_port(void)
{
	struct net_addr a;
	char ip[32];
	size_t i;
	int got, port;

	for (i = 0; i < sizeof(port_rows) / sizeof(port_rows[0]); i++) {
		got = ftp_port_parse(guard(port_rows[i].arg,
		    strlen(port_rows[i].arg) + 1), &a);
		CHECK(got == (port_rows[i].want != NULL ? 0 : -1), "PORT %s: %d",
		    port_rows[i].arg, got);
		if (got != 0 || port_rows[i].want == NULL)
			continue;
		sscanf(port_rows[i].want, "%31[^:]:%d", ip, &port);
		CHECK(same(&a, ip, port), "PORT %s", port_rows[i].arg);
	}
}

static void
test_eprt(void)
{
	struct net_addr a;
	size_t i;
	int got;

	for (i = 0; i < sizeof(eprt_rows) / sizeof(eprt_rows[0]); i++) {
		got = ftp_eprt_parse(guard(eprt_rows[i].arg,
		    strlen(eprt_rows[i].arg) + 1), &a);
		CHECK(got == eprt_rows[i].status, "EPRT %s: %d",
		    eprt_rows[i].arg, got);
		if (got == 0 && eprt_rows[i].ip != NULL)
			CHECK(same(&a, eprt_rows[i].ip, eprt_rows[i].port),
			    "EPRT %s", eprt_rows[i].arg);
	}
}

int
main(void)
{
	test_port();
	test_eprt();
	return test_end("t_addr");
}
