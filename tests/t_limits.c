/*
 * tests/t_limits.c - ftp/limits.c: failed logins of many addresses, in a table
 * that has no room for all of them.
 */
#include "../ftp/session_int.h"
#include "test.h"

enum { BAN_S = 10, SOME = 256, MANY = 40000 };

static const struct conf conf = { .login_ban_failures = 2,
	.login_ban_time = BAN_S };

/* An address for each number, in no order. */
static struct net_addr
number(unsigned n)
{
	unsigned char ip[4];
	struct net_addr a;

	n ^= n << 13;
	n ^= n >> 17;
	n ^= n << 5;
	memcpy(ip, &n, sizeof(ip));
	net_addr_set(&a, ip, sizeof(ip), 21);
	return a;
}

static bool
fails(struct ftp_limits *l, unsigned address, int64_t now)
{
	struct net_addr a = number(address);
	int64_t delay;

	return ftp_limits_failed(l, &a, &conf, now, &delay);
}

static bool
banned(struct ftp_limits *l, unsigned address, int64_t now)
{
	struct net_addr a = number(address);

	return ftp_limits_banned(l, &a, now) > 0;
}

/* How many of n addresses are banned by their second failure. */
static int
bans(struct ftp_limits *l, unsigned first, int n, int64_t now)
{
	int i, n_banned = 0;

	for (i = 0; i < n; i++)
		fails(l, first + (unsigned)i, now);
	for (i = 0; i < n; i++)
		n_banned += fails(l, first + (unsigned)i, now + 1);
	return n_banned;
}

/* What is over leaves its place to what counts. */
static void
old_bans(struct ftp_limits *l)
{
	int64_t now = 1000;
	unsigned i;
	int n;

	for (i = 1; i <= MANY; i++) {
		fails(l, i, now);
		fails(l, i, now);
	}
	n = bans(l, 1 << 24, SOME, now + BAN_S * 1000 + 1);
	CHECK(n == SOME, "after many bans %d of %d are banned", n, SOME);
}

/* Who only fails once puts an end to no ban. */
static void
new_failures(struct ftp_limits *l)
{
	int64_t now = 1000000;
	unsigned i;
	int n = bans(l, 1 << 25, SOME, now);

	CHECK(n == SOME, "%d of %d are banned", n, SOME);
	for (i = 1; i <= MANY; i++)
		fails(l, i, now + 2);
	n = 0;
	for (i = 0; i < SOME; i++)
		n += banned(l, (1 << 25) + i, now + BAN_S * 1000);
	CHECK(n == SOME, "%d of %d still are", n, SOME);
	for (i = 0; i < SOME; i++)
		n -= banned(l, (1 << 25) + i, now + 1 + BAN_S * 1000);
	CHECK(n == SOME, "%d are for too long", SOME - n);
}

int
main(void)
{
	struct err e;
	struct ftp_limits *l = ftp_limits_new(&e);

	if (l == NULL)
		return 1;
	old_bans(l);
	new_failures(l);
	ftp_limits_free(l);
	return test_end("t_limits");
}
