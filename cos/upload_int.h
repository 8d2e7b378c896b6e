/*
 * cos/upload_int.h - one upload, shared by upload.c (the verbs and the step
 * function), upload_old.c (append and resume), upload_init.c (its id),
 * upload_parts.c (parts) and upload_end.c (PUT, complete, settle, abort).
 */
#ifndef COSFTPD_UPLOAD_INT_H
#define COSFTPD_UPLOAD_INT_H

#include "share_int.h"

enum cos_upload_step {
	U_OLD_HEAD,		/* append, resume: what is there? */
	U_OLD_READ,		/* its small beginning comes back to us */
	U_RECEIVE,		/* the client sends; parts go out meanwhile */
	U_DRAIN,		/* all received; parts still going out */
	U_ASK,			/* all is received: is the client still there? */
	U_CUT_HEAD,		/* cut off: would keeping replace something? */
	U_PUT,			/* small: one PUT */
	U_COMPLETE,
	U_SETTLE,		/* the answer was lost: a HEAD decides */
	U_PAUSE,		/* before Complete is sent again */
	U_ABORT,
	U_DONE,
	U_FAILED
};
enum cos_upload_init {
	INIT_NONE,
	INIT_SENT,
	INIT_CLEAN,		/* removing what a lost answer left */
	INIT_PAUSE,		/* before it is asked again */
	INIT_HAVE		/* id is known */
};

enum { COS_UPLOAD_PAUSE_MS = 100 };	/* doubled with each try */

struct cos_done_part {
	char *etag;
	int64_t len;
	bool copy, has_crc;
	uint64_t crc;
};

struct cos_upload {
	struct net_task task;
	struct net_task *owner;
	struct cos_upload *next;	/* in client->uploads */
	struct cos_client *client;
	struct cos_bucket *bucket;
	char key[COS_KEY_MAX + 2];
	char source[COS_KEY_MAX + 2];	/* whose bytes are the beginning */
	char if_match[COS_ETAG_MAX];	/* of the source, "": any */
	char who[128];
	struct cos_upload_request req;
	enum cos_upload_step state;
	bool orphan;			/* its owner has freed it */

	struct cos_object old;		/* append, resume */
	struct cos_meta meta;
	int64_t old_len;		/* bytes of it that stay */
	char range[64];
	int64_t range_from;		/* its first byte, while read back */
	int old_tries;

	enum cos_upload_init init;
	int init_tries;
	int64_t init_began;		/* the first one, on the loop's clock */
	int64_t init_since;
	struct cos_live *live;		/* owned: in the shared table */
	int64_t init_at;		/* INIT_CLEAN, INIT_PAUSE: until then,
					 * on the loop's clock */
	char id[COS_UPLOAD_ID_MAX];
	struct cos_request *init_request;
	struct cos_abort *abort;	/* clean-up or final abort */

	char *starter;			/* owned: the first bytes, no part yet */
	size_t starter_len;
	struct cos_reserve reserve;
	struct cos_part *filling;
	struct cos_part *sealed, **sealed_end;
	struct cos_part *flight;
	int nflight, nheld;		/* nheld: sealed and in flight */
	int nparts;			/* last number given */
	int64_t part_ms;		/* what a part takes, smoothed; 0: unknown */
	struct cos_done_part *done;	/* by number - 1 */
	size_t done_cap;

	struct cos_patience patience;
	struct cos_request *request;	/* HEAD, GET, PUT, Complete */
	struct net_buf body;		/* of Complete */
	struct iovec body_iov;
	char md5[32];			/* Content-MD5 of a PUT */
	char md5_hex[33], crc_text[24];	/* the same and the CRC, to be kept */
	int tries;			/* PUT or Complete sent */
	int64_t complete_at;		/* the first one, on the loop's clock */
	bool verify_only;		/* U_SETTLE after a good Complete */

	int64_t total;			/* old_len and what was received */
	bool multipart, cut, kept;
	bool stored;			/* the object is there and right */
	bool late;			/* the abort is: nobody waits for it */
	bool forbid;			/* x-cos-forbid-overwrite */
	struct cos_object object;	/* the result */
	struct cos_fault fault;
};

void cos_upload_enter(struct cos_upload *, enum cos_upload_step);
void cos_upload_fail(struct cos_upload *, const struct cos_fault *);
/* Not failed: once its abort is through it is DONE. */
bool cos_upload_well(const struct cos_upload *);

/* upload_old.c */
void cos_upload_old_start(struct cos_upload *);
void cos_upload_old_step(struct cos_upload *);

/* upload_init.c */
/* The headers that say what the object is: of the old one, or the account's */
void cos_upload_describe(const struct cos_upload *, struct cos_call *);
void cos_upload_initiate(struct cos_upload *);
void cos_upload_init_step(struct cos_upload *);

/* upload_parts.c */
bool cos_upload_new_part(struct cos_upload *);	/* u->filling, or wait */
void cos_upload_seal(struct cos_upload *);
bool cos_upload_may_seal_early(const struct cos_upload *);
void cos_upload_queue_copy(struct cos_upload *, int64_t from, int64_t len);
void cos_upload_pump(struct cos_upload *);	/* initiate, parts */
void cos_upload_drop_parts(struct cos_upload *);
bool cos_upload_whole_crc(const struct cos_upload *, uint64_t *crc);

/* upload_end.c */
void cos_upload_put(struct cos_upload *);
void cos_upload_complete(struct cos_upload *);
void cos_upload_end_step(struct cos_upload *, bool late);
void cos_upload_abort(struct cos_upload *);

#endif
