/*
 * control.h - what tests ask this server, on the host name fakecos.control.
 *
 *   GET  /stats /log /uploads /faults    JSON
 *   GET  /objects?bucket=B&prefix=P      JSON
 *   GET  /object?bucket=B&key=K          as GetObject, unsigned; HEAD too
 *   POST /reset      counters, log and faults to nothing
 *   POST /wipe       objects and uploads to nothing
 *   POST /config?latency= rate= list_delay= skew= copy_limit= force_download=
 *                sign_subset= (1: not all that is sent need be signed)
 *                kms= (1: the bucket encrypts, and no ETag is an MD5)
 *   POST /object?bucket=B&key=K&size=N&class=C&no_crc=1&mtime=UNIX
 *                    the body is the content, or with size a pattern (body.c);
 *                    Content-Type, x-cos-meta-* ... are stored
 *   POST /fill?bucket=B&prefix=P&count=N&size=S    P000000, P000001 ...
 *   POST /key?id=ID&key=KEY&token=TOKEN&life=MS    one more pair that may sign;
 *                    without key= only the life of one (0: it is over now)
 *   POST /fault?...  see fault.h
 *
 * bucket= may be left out when there is one.  "connections" counts the asking
 * one as well.
 */
#ifndef FAKECOS_CONTROL_H
#define FAKECOS_CONTROL_H

#include "http.h"

bool control_is(const struct req *);
void control(struct conn *, struct req *);
void control_reset(struct fakecos *);	/* counters, faults and the log */

#endif
