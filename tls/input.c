/*
 * tls/input.c - the input buffer of connections that get short lines: small,
 * and exchanged for a large one while a record that needs it is read.
 *
 * BearSSL holds a whole record before it can be checked, and a client may put
 * 16 KB into one, on the control connection too.  Between two records nothing
 * is in the buffer, so that it may be another one each time.
 */
#include <stdlib.h>
#include <string.h>

#include "tls_int.h"

enum { HEADER = 5 };

void
tls_input_grow(struct tls_input *in, br_ssl_engine_context *eng, size_t n)
{
	size_t room, need, at = (size_t)(br_ssl_engine_recvrec_buf(eng,
	    &room) - eng->ibuf);

	/* only when the header is complete; before encryption begins the
	 * engine takes records piecemeal */
	if (at >= HEADER || at + n != HEADER || in->large != NULL ||
	    !eng->incrypt)
		return;
	need = HEADER + ((size_t)eng->ibuf[3] << 8 | eng->ibuf[4]);
	if (need <= eng->ibuf_len || need > BR_SSL_BUFSIZE_INPUT)
		return;
	in->large = malloc(BR_SSL_BUFSIZE_INPUT);
	if (in->large == NULL)
		return;		/* the engine will find it too large */
	in->small = eng->ibuf;
	in->small_len = eng->ibuf_len;
	memcpy(in->large, eng->ibuf, HEADER);
	eng->ibuf = in->large;
	eng->ibuf_len = BR_SSL_BUFSIZE_INPUT;
}

void
tls_input_shrink(struct tls_input *in, br_ssl_engine_context *eng)
{
	size_t room;

	if (in->large == NULL ||
	    br_ssl_engine_recvrec_buf(eng, &room) != in->large)
		return;		/* something is in it */
	eng->ibuf = in->small;
	eng->ibuf_len = in->small_len;
	tls_input_end(in);
}

void
tls_input_end(struct tls_input *in)
{
	if (in->large != NULL)
		tls_wipe(in->large, BR_SSL_BUFSIZE_INPUT);
	free(in->large);
	in->large = NULL;
}
