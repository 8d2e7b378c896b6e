/*
 * cos/download_int.h - one download, shared by download.c (the pieces in
 * order) and piece.c (one ranged GET); ahead.c says how many and how large.
 */
#ifndef COSFTPD_DOWNLOAD_INT_H
#define COSFTPD_DOWNLOAD_INT_H

#include "cos_int.h"

enum cos_piece_step {
	P_ASK,			/* no head yet */
	P_BODY,
	P_PAUSE,		/* broken off: goes on at the missing byte */
	P_WHOLE,		/* all bytes have been received */
	P_FAILED
};

struct cos_download;

struct cos_piece {
	struct cos_piece *next;
	struct cos_download *download;
	int64_t from, len;		/* of the object; len -1: not known */
	int64_t have, taken;		/* bytes received, given out */
	enum cos_piece_step state;
	struct cos_request *request;
	char range[64];
	void **chunk;			/* owned; bytes read ahead */
	size_t nchunks;			/* slots of chunk */
	int64_t buffered;		/* bytes that went into chunks */
	int64_t reserved;		/* what is read ahead; 0: nothing is */
	int tries;			/* that brought next to nothing */
	int64_t stuck_at;		/* since when, if tries > 0 */
	int64_t progress;		/* bytes since the last of them */
	int64_t asked_at, head_at, again_at;	/* the loop's clock */
	struct cos_fault fault;
};

/* budget.c: who may keep what was read ahead is woken when uploads begin to
 * wait for memory (cos_budget_pressed). */
struct cos_reader {
	struct cos_reader *next, *prev;
	struct net_task *task;
};
void cos_budget_reader(struct cos_budget *, struct cos_reader *,
    struct net_task *);
void cos_budget_reader_end(struct cos_budget *, struct cos_reader *);

struct cos_download {
	struct net_task task;
	struct net_task *owner;
	struct cos_reader reader;
	struct cos_bucket *bucket;
	const char *who;
	char key[COS_KEY_MAX + 2];
	int64_t offset, at;		/* first byte wanted, next byte */
	int64_t next_from;		/* of the next piece to be asked for */
	struct cos_object object;
	bool known;			/* object is filled in */
	bool done, failed;
	struct cos_piece *first;	/* in order */
	int npieces;
	struct cos_op *head;		/* after a 416: the size; at the end,
					 * if need be: the CRC once more */
	int depth;
	int64_t piece_size;
	int64_t waited, wait_from;	/* ms the owner found nothing, since */
	int64_t began;			/* the first piece became the first */
	uint64_t crc;
	struct cos_patience patience;
	struct cos_fault fault;
};

/* piece.c.  Each says what came of it in piece->state. */
struct cos_piece *cos_piece_new(struct cos_download *, int64_t from,
    int64_t len, int64_t reserved);
void cos_piece_free(struct cos_piece *);
/* Makes progress; read_ahead: bytes are received into chunks. */
void cos_piece_step(struct cos_piece *, bool read_ahead);
const char *cos_piece_peek(struct cos_piece *, size_t *n);
void cos_piece_drop(struct cos_piece *, size_t n);

/* ahead.c: pure.  The next depth, from what the last piece took and how long
 * of it nothing was there to be given out. */
enum { COS_AHEAD_LAZY = 2, COS_AHEAD_MAX = 16 };
int cos_ahead_depth(int depth, int64_t waited_ms, int64_t took_ms);
/* The size of a piece: from the time to the first byte, and the rate after
 * it, of one connection. */
int64_t cos_ahead_piece(int64_t latency_ms, int64_t bytes, int64_t body_ms);

#endif
