/*
 * text.h - growing strings and the encodings every reply needs: percent,
 * XML, JSON, dates.  Out of memory ends the program: this is a test server.
 */
#ifndef FAKECOS_TEXT_H
#define FAKECOS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {		/* all zero is the empty text; p ends in a NUL */
	char *p;
	size_t n, cap;
};

void *xalloc(size_t);				/* zeroed */
void *xcopy(const void *, size_t);		/* with a NUL behind it */

void text_room(struct text *, size_t more);
void text_add(struct text *, const void *, size_t);
void text_str(struct text *, const char *);
void text_fmt(struct text *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* %XY (upper case) for all but A-Z a-z 0-9 - _ . ~ and what keep holds */
void text_percent(struct text *, const void *, size_t, const char *keep);
void text_xml(struct text *, const void *, size_t);
void text_json(struct text *, const void *, size_t);	/* with the quotes */
void text_free(struct text *);

/* out has at least n bytes; false on a bad escape.  plus: + is a space. */
bool percent_decode(const char *, size_t n, char *out, size_t *out_n, bool plus);
bool number_parse(const char *, int64_t *);	/* digits only, whole string */
bool utf8_valid(const char *, size_t);

enum { DATE_MAX = 40 };
void date_http(char out[DATE_MAX], int64_t ms);	/* RFC 1123 */
void date_iso(char out[DATE_MAX], int64_t ms);	/* 2020-12-10T03:37:30.000Z */
bool date_http_parse(const char *, int64_t *ms);

#endif
