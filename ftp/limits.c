/*
 * ftp/limits.c - what is counted over all workers and outlives them: failed
 * logins by address, and the bytes of accounts that have a rate_limit.
 *
 * Each entry is a few words changed by atomic operations: a worker that is
 * killed leaves no lock behind.  Two workers at the same entry in the same
 * instant may miscount by one, no more.
 */
#include <stdatomic.h>
#include <string.h>

#include "session_int.h"

enum {
	ADDRESSES = 4096,
	WAYS = 8,		/* places an address may have */
	RATES = 4096,
	DELAY_STEPS = 3		/* the delay doubles as often */
};

struct ftp_failures {
	_Atomic uint64_t key;		/* 0: free */
	_Atomic int failures;
	_Atomic int64_t first;		/* ms, of the failures counted */
	_Atomic int64_t until;		/* ms, the end of the ban */
};

struct ftp_rate {
	_Atomic uint64_t key;
	_Atomic int64_t paid[FTP_KINDS];	/* ns: from then on, more */
};

struct ftp_limits {
	uint64_t seed;
	struct ftp_failures address[ADDRESSES];
	struct ftp_rate rate[RATES];
};

struct ftp_limits *
ftp_limits_new(struct err *e)
{
	struct ftp_limits *l = net_shared_new(sizeof(*l), e);

	if (l != NULL)
		tls_random(&l->seed, sizeof(l->seed));
	return l;
}

void
ftp_limits_free(struct ftp_limits *l)
{
	if (l != NULL)
		net_shared_free(l, sizeof(*l));
}

uint64_t
ftp_user_hash(const char *user)
{
	uint64_t h = 0xcbf29ce484222325;	/* FNV-1a */

	for (; *user != '\0'; user++)
		h = (h ^ (unsigned char)*user) * 0x100000001b3;
	return h | 1;
}

static uint64_t
mix(const struct ftp_limits *l, uint64_t key)
{
	return (key ^ l->seed) * 0x9e3779b97f4a7c15 >> 32;
}

uint64_t
ftp_limits_choice(const struct ftp_limits *l, const char *user)
{
	return mix(l, ftp_user_hash(user));
}

/* ---- failed logins ---- */

/* No source has the multicast prefix given to IPv4. */
uint64_t
ftp_address_key(const struct net_addr *peer)
{
	unsigned char a[16];
	uint64_t key = 0;
	int i;

	net_addr_bytes(peer, a);
	if (net_addr_is4(peer)) {
		memset(a, 0xff, 4);
		memcpy(a + 4, a + 12, 4);
	}
	for (i = 0; i < 8; i++)
		key = key << 8 | a[i];
	return key != 0 ? key : 1;
}

/* The least has to make room: a ban that is over is worth no more than the
 * failures it was for. */
static int64_t
worth(const struct ftp_failures *f, int64_t now)
{
	return f->until > now ? f->until : f->first;
}

/* now: when it is not there, it is made then; -1: NULL */
static struct ftp_failures *
find(struct ftp_limits *l, const struct net_addr *peer, int64_t now)
{
	uint64_t key = ftp_address_key(peer);
	struct ftp_failures *set = &l->address[mix(l, key) %
	    (ADDRESSES / WAYS) * WAYS];
	struct ftp_failures *f, *oldest = set;

	for (f = set; f < set + WAYS; f++) {
		if (f->key == key)
			return f;
		if (worth(f, now) < worth(oldest, now))
			oldest = f;
	}
	if (now < 0)
		return NULL;
	oldest->key = key;
	oldest->failures = 0;
	oldest->until = 0;
	return oldest;
}

int64_t
ftp_limits_banned(struct ftp_limits *l, const struct net_addr *peer,
    int64_t now)
{
	const struct ftp_failures *f = find(l, peer, -1);

	return f != NULL && f->until > now ? f->until - now : 0;
}

/* A login that succeeds takes nothing away: who has one account must not use
 * it to try the passwords of others. */
bool
ftp_limits_failed(struct ftp_limits *l, const struct net_addr *peer,
    const struct conf *c, int64_t now, int64_t *delay)
{
	struct ftp_failures *f = find(l, peer, now);
	int64_t window = (int64_t)c->login_ban_time * 1000;
	int n;

	if (f->failures == 0 || now - f->first >= window) {
		f->failures = 0;
		f->first = now;
	}
	n = ++f->failures;
	*delay = (int64_t)c->login_delay * 1000 <<
	    (n - 1 < DELAY_STEPS ? n - 1 : DELAY_STEPS);
	if (c->login_ban_failures == 0 || n < c->login_ban_failures)
		return false;
	f->until = now + window;
	f->failures = 0;
	return true;
}

/* ---- rates ---- */

struct ftp_rate *
ftp_limits_rate(struct ftp_limits *l, const char *user)
{
	uint64_t key = ftp_user_hash(user), none = 0;
	struct ftp_rate *first = &l->rate[key % RATES], *r = first;

	do {
		if (r->key == key || atomic_compare_exchange_strong(&r->key,
		    &none, key) || none == key)
			return r;
		none = 0;
		if (++r == l->rate + RATES)
			r = l->rate;
	} while (r != first);
	return first;		/* so many accounts: two share one rate */
}

int64_t
ftp_rate_wait(const struct ftp_rate *r, enum ftp_kind k, int64_t now)
{
	int64_t ms = r->paid[k] / 1000000 - now;

	return ms > 0 ? ms : 0;
}

void
ftp_rate_pay(struct ftp_rate *r, enum ftp_kind k, int64_t rate, size_t n,
    int64_t now)
{
	int64_t cost = (int64_t)((double)n * 1e9 / (double)rate);
	int64_t paid = r->paid[k], from;

	do {
		from = paid > now * 1000000 ? paid : now * 1000000;
	} while (!atomic_compare_exchange_weak(&r->paid[k], &paid,
	    from + cost));
}
