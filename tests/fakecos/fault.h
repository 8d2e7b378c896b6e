/*
 * fault.h - what a test has asked to go wrong: POST /fault?op=NAME&...
 *
 *   op=NAME|Any  bucket=NAME  key=SUBSTRING  skip=N  times=N (-1: for ever)
 *   spare=N      the first of each N requests is spared
 *   delay=MS     before the answer; alone or with one of the actions
 *   instead of the operation, which runs all the same with done=1; the body
 *   is read first but with early=1:
 *     status=NNN (code=XXX, retry_after=S)   error200=CODE   empty200=1
 *     bad_xml=1   redirect=URL
 *     raw=BYTES (and closed; loop=N: from byte N on again and again)
 *   lost=1       done, and closed without an answer
 *   read_cut=N, reset_read=N   FIN or RST after N bytes of the body
 *   read_stall=N (ms=MS)       no more is read after N bytes, then FIN
 *   body_cut=N, body_stall=N (ms=MS)   of the answer's body, then closed
 *   head_stall=MS   half a head, and closed then
 *   slow=BYTES_PER_S   wrong_etag=1   wrong_crc=1   no_crc=1
 *   close_idle=1    closes after an answer that says keep-alive
 *   longer=N, shorter=N   Content-Length says so (and closed)
 *   garbage=BYTES   behind an answer that says keep-alive
 *   spaces=MS       Complete: white space for that long before the result
 *   beside=1        Upload Part - Copy: a range that begins one byte before
 */
#ifndef FAKECOS_FAULT_H
#define FAKECOS_FAULT_H

#include "fakecos.h"

struct req;

enum fault_action {
	FAULT_NONE,
	/* instead of the operation (or after it, with done=1) */
	FAULT_STATUS, FAULT_ERROR200, FAULT_EMPTY200, FAULT_BAD_XML,
	FAULT_RAW, FAULT_REDIRECT, FAULT_LOST,
	/* while the body comes in */
	FAULT_READ_CUT, FAULT_READ_STALL, FAULT_RESET_READ,
	/* while the answer goes out */
	FAULT_BODY_CUT, FAULT_BODY_STALL, FAULT_HEAD_STALL, FAULT_SLOW,
	FAULT_WRONG_ETAG, FAULT_WRONG_CRC, FAULT_NO_CRC, FAULT_CLOSE_IDLE,
	FAULT_LONGER, FAULT_SHORTER, FAULT_GARBAGE, FAULT_SPACES,
	FAULT_BESIDE
};

struct fault {
	struct fault *next;
	enum fault_action action;
	int op;			/* enum op, or OP_COUNT for any */
	char *bucket;		/* or NULL: any */
	char *key;		/* substring, or NULL */
	size_t key_len;
	int64_t skip, times;	/* times -1: for ever */
	int64_t spare, seen;	/* spare 0: none */
	int64_t n;		/* the action's number */
	int64_t delay;		/* ms before the answer, with any action */
	int64_t ms;		/* of a stall */
	int64_t retry_after;
	int64_t loop;		/* of raw: where it begins again; -1: never */
	char *text;		/* code, URL or raw bytes */
	size_t text_len;
	bool done;		/* perform the operation all the same */
	bool early;		/* answer before the body has come */
};

/* Takes the first that fits and counts it down; out is a copy. */
void fault_match(struct fakecos *, const struct req *, struct fault *out);
void fault_copy_free(struct fault *);
/* Carries out what replaces the operation.  perform runs it. */
void fault_run(struct conn *, struct req *,
    void (*perform)(struct conn *, struct req *));

/* control requests */
void fault_add(struct conn *, struct req *);
void fault_list(struct conn *, struct req *);
void faults_free(struct fakecos *);		/* the lock is held */

#endif
