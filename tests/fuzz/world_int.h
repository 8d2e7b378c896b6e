/*
 * tests/fuzz/world_int.h - shared by world.c and world_store.c.
 */
#ifndef COSFTPD_WORLD_INT_H
#define COSFTPD_WORLD_INT_H

#include "world.h"

enum world_kind {
	WORLD_NEW,
	WORLD_DOOR,		/* theirs is a listener */
	WORLD_CONTROL,
	WORLD_DATA,
	WORLD_STORE
};
struct world_peer {
	enum world_kind kind;
	int fd;			/* ours; -1: closed */
	int theirs;
	struct story head;	/* of a request; of a line of a reply */
	long lines, finals;	/* sent, and answered for good */
	char code[4];		/* of a reply of several lines */
	bool tls;		/* after 234: no text any more */
	int64_t body;		/* of a request: bytes to come */
	bool in_body, answered;
	uint64_t crc;		/* of them */
	int64_t length;		/* all of them */
	size_t owed;		/* zeros still to be sent */
};

void world_send(struct world_peer *, const void *, size_t);
void world_hang_up(struct world_peer *);
void world_no_secret(const void *, size_t);

/* ---- world_store.c ---- */
void world_store_begin(void);
void world_answer(char letter, const uint8_t *, size_t);
/* Has the store said this number? */
bool world_said(const char *number);
void world_request(struct world_peer *, const char *, size_t);
/* A record whose connection is not there yet: once more, then never. */
void world_later(char letter, const uint8_t *, size_t);
void world_play_answer(void);	/* only if the next record is one */
bool world_play_later(bool (*)(char letter, const uint8_t *, size_t));

#endif
