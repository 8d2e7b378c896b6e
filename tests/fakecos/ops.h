/*
 * ops.h - the operations of the COS XML API, one function each, and what
 * they share.  r->bucket is set and the request is signed when they run.
 */
#ifndef FAKECOS_OPS_H
#define FAKECOS_OPS_H

#include "http.h"
#include "store.h"

/* object.c */
void op_get(struct conn *, struct req *);		/* and HEAD */
void op_put(struct conn *, struct req *);
void op_delete(struct conn *, struct req *);
void op_head_bucket(struct conn *, struct req *);
/* 0: go on; else 304 or 412.  prefix: "" or "x-cos-copy-source-" */
int conditions(const struct req *, const struct object *, const char *prefix);

/* receive.c: what a PUT, a part and an initiate have in common */
/* The body, with CRC and ETag.  False: answered, or the connection is gone. */
bool receive(struct conn *, struct req *, struct body *);
/* Stored headers of the request; NULL: an error has been answered. */
char *receive_headers(struct conn *, struct req *);
/* The storage class into out.  False: an error has been answered. */
bool receive_class(struct conn *, struct req *, char out[32]);
bool forbids_overwrite(const struct req *);

/* copy.c */
void op_copy(struct conn *, struct req *);
void op_part_copy(struct conn *, struct req *);

/* multipart.c */
void op_initiate(struct conn *, struct req *);
void op_part(struct conn *, struct req *);
bool part_number(struct conn *, struct req *, int64_t *);
bool part_store(struct conn *, struct req *, int64_t number, struct body *);
void op_complete(struct conn *, struct req *);
void op_abort(struct conn *, struct req *);

/* list.c, list_uploads.c */
void op_list(struct conn *, struct req *);
void op_list_parts(struct conn *, struct req *);
void op_list_uploads(struct conn *, struct req *);
struct page {			/* the parameters lists have in common */
	struct param prefix, marker;
	char delimiter;		/* 0: none */
	bool url;
	int64_t max;
};
bool page_parse(struct conn *, struct req *, struct page *,
    const char *marker_name, const char *max_name);	/* false: answered */
void page_name(struct text *, const struct page *, const char *tag,
    const char *, size_t);
/* length of the common prefix this key falls into, 0: none */
size_t page_common(const struct page *, const char *key, size_t);

/* batch.c */
void op_delete_many(struct conn *, struct req *);

#endif
