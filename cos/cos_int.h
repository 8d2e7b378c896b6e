/*
 * cos/cos_int.h - what several files of cos/ share; no other layer includes it.
 */
#ifndef COSFTPD_COS_INT_H
#define COSFTPD_COS_INT_H

#include "cos.h"

/* ---- escape.c: percent-encoding of COS (cos-api 2, `enc`) ---- */
/* Appends.  keep_slash leaves '/' as it is (request paths, copy sources). */
void cos_escape(struct net_buf *, const char *, size_t, bool keep_slash);
/* Decodes %XY in place ('+' stays); the new length, -1 for a bad escape. */
ssize_t cos_unescape(char *, size_t);

/* ---- sign.c: request signature, algorithm sha1 ---- */
struct cos_pair {
	const char *name, *value;
};
struct cos_sign_request {
	const char *method;		/* any case */
	const char *path;		/* "/" + key, decoded */
	const struct cos_pair *param;	/* decoded, any order */
	size_t nparams;
	const struct cos_pair *header;	/* those to be signed, as sent */
	size_t nheaders;
	const char *secret_id, *secret_key;
	int64_t start, end;		/* Unix seconds */
};
/* Appends the value of the Authorization header. */
void cos_sign(struct net_buf *, const struct cos_sign_request *);

/* ---- crc64.c: CRC-64/XZ; start with 0, values are finished ones ---- */
uint64_t cos_crc64(uint64_t crc, const void *, size_t);
uint64_t cos_crc64_combine(uint64_t a, uint64_t b, int64_t len_b);

/* ---- xml.c: incremental, bounded, strict scanner ---- */
enum { XML_DEPTH = 16, XML_NAME = 64, XML_TEXT = 8192 };
enum cos_xml_event {
	XML_MORE,	/* all input used, nothing complete yet */
	XML_OPEN,	/* start of an element: name */
	XML_CLOSE,	/* end of an element: name, text (of a leaf, decoded) */
	XML_END,	/* the root element was closed */
	XML_BAD		/* reason says why; stays so */
};
struct cos_xml {
	int state;
	int depth;			/* open elements, the reported one too */
	char name[XML_DEPTH][XML_NAME];	/* without a namespace prefix */
	char text[XML_TEXT];		/* NUL-terminated, may hold NUL bytes */
	size_t text_len;
	const char *reason;
	/* the scanner's own */
	char token[XML_NAME];
	size_t token_len;
	unsigned char quote;
	bool leaf, self_closed, root_done, pop;
};
void cos_xml_init(struct cos_xml *);
/* Takes bytes from *p (advancing it and shrinking *n) up to the next event.
 * After XML_END only white space may follow (XML_MORE, else XML_BAD). */
enum cos_xml_event cos_xml_next(struct cos_xml *, const char **p, size_t *n);
/* on XML_OPEN/CLOSE: the element itself and its parent ("" for the root) */
const char *cos_xml_name(const struct cos_xml *);
const char *cos_xml_parent(const struct cos_xml *);

/* ---- date.c ---- */
/* "2020-12-10T03:37:30.000Z" or RFC 1123; -1 when it is neither */
int64_t cos_date(const char *);

/* ---- mime.c ---- */
const char *cos_mime(const char *key);	/* by extension; a default, never NULL */

/* ---- parts.c: the size of part n (1..10000), a pure function ---- */
/* Linear from min_part (>= 1 MiB) so that 10,000 parts just cover max_file;
 * a multiple of 64 KiB. */
int64_t cos_part_size(int n, int64_t min_part, int64_t max_file);

#endif
