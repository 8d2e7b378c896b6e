/*
 * cos/role.c - the temporary keys in an answer of the metadata service: one
 * flat JSON object, in any order, with members we do not know.
 *
 * Strict, as what it says goes into headers.  Complaints never hold a value
 * other than Code.
 */
#include <stddef.h>
#include <string.h>

#include "cos_int.h"

struct scan {
	const char *p, *end;
};

static const struct field {
	const char *name;
	size_t offset, size;	/* of a text; 0: a number, int64_t */
} fields[] = {
#define TEXT(name, member) { name, offsetof(struct cos_role_keys, member), \
	sizeof(((struct cos_role_keys *)0)->member) }
	TEXT("Code", code),
	TEXT("TmpSecretId", id),
	TEXT("TmpSecretKey", key),
	TEXT("Token", token),
	{ "ExpiredTime", offsetof(struct cos_role_keys, expires), 0 },
#undef TEXT
};

enum { FIELDS = sizeof(fields) / sizeof(fields[0]) };

static bool
take(struct scan *s, char c)
{
	while (s->p < s->end && strchr(" \t\r\n", *s->p) != NULL &&
	    *s->p != '\0')
		s->p++;
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

/* Behind a backslash.  DEL stands for what is not ASCII, or is NUL: in none of
 * ours.  RFC 8259 7 */
static bool
escape(struct scan *s, char *c)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at;
	int i, digit, code = 0;

	if (s->p == s->end)
		return false;
	if (*s->p != 'u') {
		at = memchr(from, *s->p++, sizeof(from) - 1);
		if (at != NULL)
			*c = to[at - from];
		return at != NULL;
	}
	if (s->end - s->p++ < 5)
		return false;
	for (i = 0; i < 4; i++) {
		digit = net_hex_digit(*s->p++);
		if (digit < 0)
			return false;
		code = code * 16 + digit;
	}
	*c = (char)(code > 0 && code < 0x7f ? code : 0x7f);
	return true;
}

/* With its NUL at out; false: not a string, or longer. */
static bool
string(struct scan *s, char *out, size_t size)
{
	size_t n = 0;
	char c;

	if (!take(s, '"'))
		return false;
	while (s->p < s->end && n < size && (c = *s->p++) != '"') {
		if ((unsigned char)c < ' ' || (c == '\\' && !escape(s, &c)))
			return false;
		out[n++] = c;
	}
	if (n >= size || s->p[-1] != '"')
		return false;
	out[n] = '\0';
	return true;
}

/* 0 to 10^18 - 1, without a fraction. */
static bool
number(struct scan *s, int64_t *n)
{
	int digits;

	*n = 0;
	for (digits = 0; s->p < s->end && *s->p >= '0' && *s->p <= '9' &&
	    digits < 18; digits++)
		*n = *n * 10 + (*s->p++ - '0');
	return digits > 0;
}

/* A member that is not ours; no object and no array. */
static bool
other(struct scan *s)
{
	char skipped[COS_TOKEN_MAX + 1];
	const char *from = s->p;

	if (s->p < s->end && *s->p == '"')
		return string(s, skipped, sizeof(skipped));
	while (s->p < s->end && *s->p != '\0' && strchr("+-.0123456789E"
	    "aeflnrstu" /* true, false, null */, *s->p) != NULL)
		s->p++;
	return s->p > from;
}

/* What can be a value of a header, or of a signature. */
static bool
is_word(const char *s)
{
	if (*s == '\0')
		return false;
	while (*s > ' ' && *s < 0x7f)
		s++;
	return *s == '\0';
}

static bool
member(struct scan *s, struct cos_role_keys *k, unsigned *seen)
{
	char name[64];
	void *at;
	int i;

	if (!string(s, name, sizeof(name)) || !take(s, ':'))
		return false;
	take(s, ' ');		/* and all blanks */
	for (i = 0; i < FIELDS && strcmp(name, fields[i].name) != 0; i++)
		;
	if (i == FIELDS)
		return other(s);
	if (*seen & 1u << i)
		return false;
	*seen |= 1u << i;
	at = (char *)k + fields[i].offset;
	if (fields[i].size == 0)
		return number(s, at);
	return string(s, at, fields[i].size) && is_word(at);
}

int
cos_role_parse(struct cos_role_keys *k, const char *text, size_t n,
    struct err *e)
{
	struct scan s = { text, text + n };
	unsigned seen = 0;
	bool ok = take(&s, '{');
	int i;

	memset(k, 0, sizeof(*k));
	while (ok && (ok = member(&s, k, &seen)) && take(&s, ','))
		;
	ok = ok && take(&s, '}');
	take(&s, ' ');
	if (!ok || s.p != s.end)
		return err_set(e, "its answer makes no sense at byte %zu",
		    (size_t)(s.p - text));
	if (seen & 1 && strcmp(k->code, "Success") != 0)
		return err_set(e, "it says Code %s", k->code);
	for (i = 0; i < FIELDS; i++)
		if (!(seen & 1u << i))
			return err_set(e, "its answer has no %s",
			    fields[i].name);
	return 0;
}
