/*
 * cos/breaker.c - a store that is dead is not asked again by everybody: pure.
 *
 * Each request of its own takes up to a minute until it gives up.  After
 * three in a row without an answer (or with a 5xx), and none to any other
 * request for some seconds, further ones fail at once, but for one now and
 * then that finds out whether the store is back.
 */
#include "cos_int.h"

enum {
	TRIPS_AT = 3,		/* requests given up in a row */
	QUIET_MS = 5000,
	PROBE_MS = 5000
};

bool
cos_breaker_lets(struct cos_breaker *b, int64_t now)
{
	if (!b->dead)
		return true;
	if (now < b->probe_at)
		return false;
	b->probe_at = now + PROBE_MS;
	return true;
}

void
cos_breaker_answered(struct cos_breaker *b, int64_t now)
{
	b->failures = 0;
	b->dead = false;
	b->answered_at = now;
}

bool
cos_breaker_failed(struct cos_breaker *b, int64_t now)
{
	bool before = b->dead;

	if (b->failures < TRIPS_AT)
		b->failures++;
	b->dead = before || (b->failures == TRIPS_AT &&
	    now - b->answered_at >= QUIET_MS);
	if (b->dead)
		b->probe_at = now + PROBE_MS;
	return b->dead && !before;
}
