/*
 * http.h - one request and its answer.
 *
 * http_in.c reads and refuses anything malformed; http_out.c writes, and is
 * the place where a fault cuts, stalls or changes an answer.
 */
#ifndef FAKECOS_HTTP_H
#define FAKECOS_HTTP_H

#include "fakecos.h"
#include "fault.h"

struct object;

enum { HEADERS_MAX = 100, PARAMS_MAX = 32 };

struct header {
	const char *name, *value;	/* in req.head */
};

struct param {
	const char *name, *value;	/* decoded, in req.decoded */
	size_t name_len, value_len;
};

struct req {
	char *head, *decoded;
	const char *method, *target, *host;
	const char *path;		/* decoded, with the leading slash */
	size_t path_len;
	const char *key;		/* path without it */
	size_t key_len;
	struct header headers[HEADERS_MAX];
	struct param params[PARAMS_MAX];
	size_t header_count, param_count;
	const char *bad;		/* why it is malformed */
	bool keep;			/* the peer wants to go on */

	int64_t left;			/* of the body, or of this chunk */
	bool chunked, first_chunk, expect, body_done;
	int64_t bytes_in;

	struct bucket *bucket;
	enum op op;
	struct fault fault;
	bool head_only, mute;		/* send no body; send nothing */
	bool answered;			/* the status is decided */
	int status;
	struct text out;		/* of the answer, not yet sent */
	bool out_head;			/* out starts with the head */
	bool out_chunked;
	int64_t body_sent;
	int64_t began;			/* ns */
};

/* ---- http_in.c ---- */
/* 1: a head is there; 0: closed or idle too long; -1: broken or too long */
int http_read(struct conn *, size_t *head_len);
/* false: r->bad.  proxied: a proxy may be asked, too (--no-auth). */
bool http_parse(struct req *, const char *, size_t, bool proxied);
void http_free(struct req *);
const char *http_header(const struct req *, const char *name);	/* or NULL */
const struct param *http_param(const struct req *, const char *name);
const char *http_value(const struct req *, const char *name);	/* or "" */
/* Next bytes of the body, at most n: 0 at the end, -1 when it is cut. */
ssize_t http_body(struct conn *, struct req *, void *, size_t n);
bool http_body_text(struct conn *, struct req *, struct text *, size_t most);
/* Reads and drops the rest if it is small, else plans to close. */
void http_body_finish(struct conn *, struct req *);
bool http_body_drain(struct conn *, struct req *);	/* whatever it takes */

/* ---- http_out.c: begin, head lines, then one of none, text, stream, chunked */
void resp_begin(struct conn *, struct req *, int status);
void resp_head(struct req *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void resp_sums(struct req *, const char *etag, bool has_crc, uint64_t crc);
void resp_none(struct conn *, struct req *);
void resp_text(struct conn *, struct req *, const char *type,
    const struct text *);
void resp_stream(struct req *, int64_t length);
void resp_chunked(struct conn *, struct req *);	/* the head goes out at once */
bool resp_data(struct conn *, struct req *, const void *, size_t);
bool resp_flush(struct conn *, struct req *);
void resp_end(struct conn *, struct req *);
void resp_error(struct conn *, struct req *, int status, const char *code,
    const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* <Error> alone, for the 200 answers that turn out to be none */
void error_xml(struct conn *, struct req *, struct text *, const char *code,
    const char *message);

#endif
