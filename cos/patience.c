/*
 * cos/patience.c - the retries of one transfer together, and the pauses before
 * them: pure.
 *
 * A request has few tries, but a transfer may have thousands of requests.  One
 * that fails more often than it succeeds has no end, and burdens a store that
 * is in trouble; a bad minute of a long transfer is no reason to end it.
 */
#include "cos_int.h"

enum { FREE = 50, PATIENT = 200 };	/* retries before successes count */

bool
cos_patience_again(struct cos_patience *p, bool patient)
{
	if (p == NULL)
		return true;
	if (p->retries >= (patient ? PATIENT : FREE) + p->answers)
		return false;
	p->retries++;
	return true;
}

void
cos_patience_answered(struct cos_patience *p)
{
	if (p != NULL)
		p->answers++;
}

int64_t
cos_pause_ms(int64_t first, int doubled, int64_t most)
{
	while (doubled-- > 0 && first < most)
		first *= 2;
	return first < most ? first : most;
}
