/*
 * tests/fuzz/world.h - a kernel, clients and a store for one worker, all in
 * this process and driven by the input: socketpairs for connections, a clock
 * that jumps to the next deadline when nothing else can happen.
 *
 * An input is one byte of options and then records; each begins with 0x1e and
 * a letter, the rest is its text:
 *
 *	C  bytes on the control connection	N  a new control connection
 *	D  a data connection's bytes, its end	d  bytes, and it stays open
 *	B  so many times 64 KB of data		X  the control connection ends
 *	S  the store's next answer (taken as	s  the same, then it hangs up
 *	   soon as there is a request)
 *	E  answered before the request ends	W  time, to the next deadline
 *	Q  the word to stop			R  a data connection is reset
 *
 * Where no answer is given the store says what fits: an object "hello", its
 * CRC, a listing of two, the parts of an upload.  What must hold for any input
 * is checked here: requests are well-formed and hold no secret, replies are
 * whole lines and no more than were asked for, the checksum of a 226 is one
 * the store has said, logs and replies know no secrets, all descriptors are
 * closed in the end.
 */
#ifndef COSFTPD_WORLD_H
#define COSFTPD_WORLD_H

#include "fuzz.h"

#define WORLD_SECRET	"NeverShownSecretKey"
#define WORLD_PASSWORD	"NeverTypedPassword"

void world_begin(const uint8_t *script, size_t n);
int world_listener(void);	/* where control connections arrive */
int world_stop(void);		/* for ftp_worker_serve */
int world_helper(void);		/* for ftp_worker_new: one that says nothing */
void world_end(void);

#endif
