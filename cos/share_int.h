/*
 * cos/share_int.h - what workers share: memory in use, who waits for it, and
 * the multipart uploads under way.  A slot is written by its worker only, and
 * read by all; when the worker has died, by its successor.
 */
#ifndef COSFTPD_SHARE_INT_H
#define COSFTPD_SHARE_INT_H

#include <stdatomic.h>

#include "../net/process.h"
#include "cos_int.h"

enum { COS_LIVE_MAX = 4096 };	/* uploads under way in one worker */

enum cos_live_state {
	LIVE_FREE,
	LIVE_CLAIM,		/* no upload is begun yet */
	LIVE_SENT,		/* Initiate is under way: id not known */
	LIVE_LOST,		/* the answer was lost: it is looked for */
	LIVE_HAVE,		/* id is known */
	LIVE_DEAD		/* its worker died; id "": not known */
};

/* Fields are written before state leaves LIVE_FREE. */
struct cos_live {
	_Atomic int state;
	bool builds_on;		/* append or resume: one of a key at a time */
	int64_t since;		/* of Initiate; Unix seconds, by our clock */
	char host[320];		/* the bucket's */
	size_t prefix_len;	/* of key: the account's prefix */
	char key[COS_KEY_MAX + 2];	/* whole: accounts may share a bucket */
	char id[COS_UPLOAD_ID_MAX];
};

struct cos_slot {
	_Atomic int64_t held;	/* bytes of the limit */
	_Atomic int64_t count[COS_COUNTS];	/* of all its workers */
	_Atomic uint64_t ticket;	/* of who waits longest here, 0: none */
	int bell;		/* rung when it may be this worker's turn */
	_Atomic int top;	/* live entries beyond it were never used */
	struct cos_live live[COS_LIVE_MAX];
};

struct cos_share {
	int slots, workers;
	_Atomic uint64_t tickets;
	struct cos_slot slot[];
};

/* An entry for b's key in LIVE_CLAIM; NULL: all are taken. */
struct cos_live *cos_live_new(struct cos_share *, int slot,
    const struct cos_bucket *, const char *key, bool builds_on);
void cos_live_free(struct cos_live *);		/* NULL is fine */
/* Another that builds on the same object is under way. */
bool cos_live_contended(const struct cos_share *, const struct cos_live *);
/* Is this upload one of ours, in any worker?  id NULL: is one getting its id? */
bool cos_live_known(const struct cos_share *, const struct cos_bucket *,
    const char *key, const char *id);

#endif
