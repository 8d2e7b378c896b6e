/*
 * control.h - what tests ask this server, on the host name fakecos.control.
 */
#ifndef FAKECOS_CONTROL_H
#define FAKECOS_CONTROL_H

#include "http.h"

bool control_is(const struct req *);
void control(struct conn *, struct req *);
void control_reset(struct fakecos *);	/* counters, faults and the log */

#endif
