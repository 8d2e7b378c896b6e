/*
 * auth.h - the signature of a request (algorithm sha1), checked the strict
 * way: host, content-*, x-cos-* and every parameter must be signed.
 */
#ifndef FAKECOS_AUTH_H
#define FAKECOS_AUTH_H

#include "http.h"

/* False: an error has been answered. */
bool auth_check(struct conn *, struct req *);

/* POST /key */
void auth_key(struct conn *, struct req *);
void auth_free(struct fakecos *);

#endif
