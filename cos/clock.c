/*
 * cos/clock.c - a signature is good for some minutes: where our clock differs
 * from the store's, its time is learned from the Date header.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "request_int.h"

enum {
	SKEW_MIN_S = 30,		/* smaller differences do no harm */
	SKEW_HEAD_S = 600		/* a 403 to HEAD that is the clock's */
};

/* Learns the clock's difference from the Date header; true when the call
 * should be signed again with it. */
bool
cos_request_correct_clock(struct cos_request *r)
{
	char date[64];
	int64_t store, diff;

	if (!http_value(net_http_head(r->http), "date", date, sizeof(date)))
		return false;
	store = cos_date(date);
	if (store < 0)
		return false;
	/* Of several requests at once only the first finds a difference; the
	 * others were signed before it was learned. */
	if (r->skew_used != r->bucket->skew && !r->clock_corrected) {
		r->clock_corrected = r->fault.cause == COS_CLOCK ||
		    (r->fault.status == 403 && r->code[0] == '\0');
		return r->clock_corrected;
	}
	diff = store - ((int64_t)time(NULL) + r->bucket->skew);
	r->fault.skew = store - (int64_t)time(NULL);
	if (r->fault.status == 403 && r->code[0] == '\0' &&
	    (diff >= SKEW_HEAD_S || diff <= -SKEW_HEAD_S))
		r->fault.cause = COS_CLOCK;	/* a HEAD has no code */
	if (r->fault.cause != COS_CLOCK || r->clock_corrected ||
	    (diff < SKEW_MIN_S && diff > -SKEW_MIN_S))
		return false;
	r->clock_corrected = true;
	r->bucket->skew += diff;
	log_line(r->bucket->client->log, LOG_LEVEL_WARNING,
	    "%s the store's clock is %lld s %s ours: signing with its time",
	    r->who, (long long)llabs(r->bucket->skew),
	    r->bucket->skew > 0 ? "ahead of" : "behind");
	return true;
}
