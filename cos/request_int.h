/*
 * cos/request_int.h - one call of the API, shared by request.c (its life),
 * outcome.c (judging, repeating), request_text.c (the request as text, signed)
 * and answer.c (a small document read).
 */
#ifndef COSFTPD_REQUEST_INT_H
#define COSFTPD_REQUEST_INT_H

#include "cos_int.h"

enum { COS_GIVE_UP_MS = 80 * 1000 };	/* by then a silent store is given up */

enum cos_request_step {
	R_KEYS,			/* waiting for the keys to sign with */
	R_PAUSE,		/* before the next attempt */
	R_SENT,			/* waiting for the head */
	R_DOCUMENT,		/* reading a small body */
	R_STREAM,		/* the caller reads the body */
	R_DONE,
	R_FAILED
};

struct cos_request {
	struct net_task task;
	struct net_task *owner;
	struct cos_bucket *bucket;
	struct cos_call call;
	const char *who;
	enum cos_request_step state;
	int attempt;			/* 1.. */
	int64_t started;		/* without the time a body took */
	bool clock_corrected;
	int64_t skew_used;		/* of the bucket, when it was signed */
	struct cos_key_wait wait;
	bool keys_renewed;
	unsigned serial;		/* of the role's keys it was signed with */
	struct net_buf head;		/* request text of this attempt */
	struct net_http *http;
	struct cos_xml *xml;		/* owned, while a document is read */
	size_t document;		/* its bytes so far */
	bool ended;			/* its root element was closed */
	char root[XML_NAME], code[64], message[160], request_id[64];
	struct cos_answer answer;
	struct cos_fault fault;
	bool unanswered;
	int64_t retry_after;		/* ms the store asks for, 0: none */
};

/* request_text.c: false when it is too large or memory is out */
bool cos_request_build(struct cos_request *);
/* answer.c: reads on, and judges at the end */
void cos_request_read(struct cos_request *);
void cos_request_malformed(struct cos_request *, const char *why);
/* clock.c: true when the call should be signed again with what was learned */
bool cos_request_correct_clock(struct cos_request *);
/* credentials.c: BUSY: there are none yet, the task is woken, or its deadline
 * ends that; FAILED: with r->fault */
enum cos_state cos_request_keys(struct cos_request *);
void cos_key_wait_end(struct cos_key_wait *);
struct cos_secret {		/* borrowed; valid until the next step */
	const char *id, *key, *token;	/* token NULL: none */
};
struct cos_secret cos_request_secret(const struct cos_request *);
/* true when the call should be signed again, with new keys */
bool cos_request_renew_keys(struct cos_request *);
/* request.c: signs and sends it, or ends it */
void cos_request_attempt(struct cos_request *);
/* outcome.c: ms to wait for the next attempt's answer; 0: there shall be none */
int cos_request_answer_ms(const struct cos_request *);
/* the whole answer is there: success or fault? */
void cos_request_judge(struct cos_request *);
void cos_request_failed(struct cos_request *, bool may_repeat);
void cos_request_transport_failed(struct cos_request *);
void cos_request_succeeded(struct cos_request *);	/* counts and logs */
/* state: R_DONE, or R_FAILED with r->fault */
void cos_request_finish(struct cos_request *, enum cos_request_step state);

#endif
