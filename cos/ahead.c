/*
 * cos/ahead.c - how far a download reads ahead: pure functions.
 *
 * Near the store one connection is enough: the next piece is asked for early,
 * so that no time passes between two, and is left in its socket.  Far from it
 * a connection is slower than the client: pieces are read ahead on many.
 */
#include "download_int.h"

enum {
	MIB = 1024 * 1024,
	PIECE_MAX = 4 * MIB,
	STEP = 256 * 1024
};

int
cos_ahead_depth(int depth, int64_t waited_ms, int64_t took_ms)
{
	if (took_ms < 4)
		return depth;			/* too short to tell */
	if (waited_ms * 3 > took_ms)
		return depth < 8 ? 8 : COS_AHEAD_MAX;
	if (waited_ms * 20 < took_ms && depth > COS_AHEAD_LAZY)
		return depth - 1;		/* the client is the slow one */
	return depth;
}

/* Twice as long on the way as the wait for its first byte. */
int64_t
cos_ahead_piece(int64_t latency_ms, int64_t bytes, int64_t body_ms)
{
	int64_t size;

	if (body_ms < 1)
		body_ms = 1;
	if (latency_ms > 10000)
		latency_ms = 10000;
	size = 2 * latency_ms * (bytes / body_ms);
	size -= size % STEP;
	if (size < MIB)
		return MIB;
	return size > PIECE_MAX ? PIECE_MAX : size;
}
