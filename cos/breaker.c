/*
 * cos/breaker.c - a store that is dead is not asked again by everybody: pure.
 *
 * Each request of its own takes up to a minute until it gives up.  After
 * three in a row without an answer (or with a 5xx) further ones fail at once,
 * but for one every few seconds that finds out whether the store is back.
 */
#include "cos_int.h"

enum {
	TRIPS_AT = 3,		/* requests given up in a row */
	PROBE_MS = 5000
};

bool
cos_breaker_lets(struct cos_breaker *b, int64_t now)
{
	if (b->failures < TRIPS_AT)
		return true;
	if (now < b->probe_at)
		return false;
	b->probe_at = now + PROBE_MS;
	return true;
}

void
cos_breaker_answered(struct cos_breaker *b)
{
	b->failures = 0;
}

bool
cos_breaker_failed(struct cos_breaker *b, int64_t now)
{
	bool trips = false;

	if (b->failures < TRIPS_AT)
		trips = ++b->failures == TRIPS_AT;
	if (b->failures == TRIPS_AT)
		b->probe_at = now + PROBE_MS;
	return trips;
}
