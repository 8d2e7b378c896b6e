/*
 * conf/ini.c - the INI syntax of Python's ConfigParser, made strict.
 *
 * What Python took silently and differently from what was meant (indented
 * lines joined to the value above, text behind a quote or a heading) is an
 * error here.  Comments begin a line, or follow white space; white space is
 * blank, tab, and the no-break and ideographic spaces that come along when a
 * sample is copied from a web page.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ini.h"

struct span {
	const char *p, *end;
};

/* Length of the white space character at p, 0 when there is none. */
static size_t
space_at(struct span s)
{
	size_t left = (size_t)(s.end - s.p);

	if (left >= 1 && (*s.p == ' ' || *s.p == '\t'))
		return 1;
	if (left >= 2 && memcmp(s.p, "\xc2\xa0", 2) == 0)
		return 2;
	if (left >= 3 && memcmp(s.p, "\xe3\x80\x80", 3) == 0)
		return 3;
	return 0;
}

static struct span
skip_space(struct span s)
{
	size_t n;

	while ((n = space_at(s)) > 0)
		s.p += n;
	return s;
}

static bool
is_comment(struct span s)
{
	return s.p < s.end && (*s.p == '#' || *s.p == ';');
}

/* Up to a comment that follows white space; blank: s itself does. */
static struct span
cut_comment(struct span s, bool blank)
{
	struct span rest = s;
	size_t n;

	for (; rest.p < rest.end; rest.p += blank ? n : 1) {
		if (blank && is_comment(rest))
			break;
		n = space_at(rest);
		blank = n > 0;
	}
	s.end = rest.p;
	return s;
}

static struct span
trim(struct span s)
{
	struct span rest = s = skip_space(s);
	size_t n;

	s.end = s.p;
	while (rest.p < rest.end) {
		n = space_at(rest);
		rest.p += n > 0 ? n : 1;
		if (n == 0)
			s.end = rest.p;
	}
	return s;
}

static enum ini_kind
fail(struct ini *ini, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static enum ini_kind
fail(struct ini *ini, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(ini->error, sizeof(ini->error), fmt, ap);
	va_end(ap);
	return INI_ERROR;
}

static bool
is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

static enum ini_kind
take_name(struct ini *ini, struct span s, enum ini_kind kind)
{
	const char *what = kind == INI_SECTION ? "section" : "key";
	size_t i, len = (size_t)(s.end - s.p);

	if (len == 0)
		return fail(ini, "%s without a name", what);
	for (i = 0; kind == INI_VALUE && i < len; i++)
		if (!is_name_byte(s.p[i]))
			return fail(ini, "not the name of a key, allowed: "
			    "letters, digits and _ - .");
	if (len > INI_NAME_MAX)
		return fail(ini, "%s name longer than %d characters", what,
		    INI_NAME_MAX);
	memcpy(ini->name, s.p, len);
	ini->name[len] = '\0';
	if (kind == INI_VALUE)
		for (i = 0; i < len; i++)
			if (s.p[i] >= 'A' && s.p[i] <= 'Z')
				ini->name[i] = (char)(s.p[i] + 'a' - 'A');
	return kind;
}

static enum ini_kind
take_section(struct ini *ini, struct span s)
{
	struct span name, rest;
	const char *close = memchr(s.p, ']', (size_t)(s.end - s.p));

	ini->heading = true;
	if (close == NULL)
		return fail(ini, "[section] not closed: ']' missing");
	rest = (struct span){ close + 1, s.end };
	rest = skip_space(rest);
	if (rest.p < rest.end && !is_comment(rest))
		return fail(ini, "text after ']'");
	name = trim((struct span){ s.p + 1, close });
	return take_name(ini, name, INI_SECTION);
}

/* s begins after the opening quote. */
static enum ini_kind
take_quoted(struct ini *ini, struct span s)
{
	size_t n = 0;

	ini->quoted = true;
	while (s.p < s.end && *s.p != '"') {
		if (*s.p == '\\') {
			if (++s.p == s.end)
				break;
			if (*s.p != '"' && *s.p != '\\')
				return fail(ini, "within quotes only \\\" and "
				    "\\\\ may follow a backslash");
		}
		ini->value[n++] = *s.p++;
	}
	if (s.p == s.end)
		return fail(ini, "quote not closed (a value that begins with "
		    "a quote is written \"\\\"...\")");
	ini->value[n] = '\0';
	s.p++;
	s = skip_space(s);
	if (s.p < s.end && !is_comment(s))
		return fail(ini, "text after the closing quote (a quote "
		    "within quotes is written \\\")");
	return INI_VALUE;
}

/* The signs of an input method that look like '=' and ':'. */
static bool
has_wide_sign(struct span s)
{
	size_t len = (size_t)(s.end - s.p);

	return memmem(s.p, len, "\xef\xbc\x9d", 3) != NULL ||
	    memmem(s.p, len, "\xef\xbc\x9a", 3) != NULL;
}

static enum ini_kind
take_value(struct ini *ini, struct span s)
{
	struct span key = cut_comment(s, false), value;
	const char *sign = key.p;
	size_t len;

	while (sign < key.end && *sign != '=' && *sign != ':')
		sign++;
	if (sign == key.end)
		return fail(ini, "neither [section] nor key = value%s",
		    has_wide_sign(key) ? " (the sign is a full-width one)" :
		    "");
	value = (struct span){ sign + 1, s.end };
	key.end = sign;
	if (take_name(ini, trim(key), INI_VALUE) != INI_VALUE)
		return INI_ERROR;
	s = skip_space(value);
	if (s.p < s.end && *s.p == '"') {
		s.p++;
		return take_quoted(ini, s);
	}
	s = trim(cut_comment(s, s.p > value.p));
	len = (size_t)(s.end - s.p);
	memcpy(ini->value, s.p, len);
	ini->value[len] = '\0';
	return INI_VALUE;
}

static enum ini_kind
check_bytes(struct ini *ini, struct span s)
{
	size_t len = (size_t)(s.end - s.p);

	if (len > INI_LINE_MAX)
		return fail(ini, "line longer than %d bytes", INI_LINE_MAX);
	for (; s.p < s.end; s.p++)
		if (((unsigned char)*s.p < 0x20 && *s.p != '\t') ||
		    *s.p == 0x7f)
			return fail(ini, "control character \\x%02x in the "
			    "line", (unsigned)*s.p);
	return INI_END;
}

/* INI_END stands for an empty line here. */
static enum ini_kind
take_line(struct ini *ini, struct span s)
{
	struct span text;

	if (check_bytes(ini, s) == INI_ERROR)
		return INI_ERROR;
	text = skip_space(s);
	if (text.p == text.end || is_comment(text))
		return INI_END;
	if (text.p > s.p)
		return fail(ini, "line begins with white space (which would "
		    "continue the line above; not supported): remove it");
	return *s.p == '[' ? take_section(ini, s) : take_value(ini, s);
}

void
ini_open(struct ini *ini, const char *text, size_t len)
{
	memset(ini, 0, sizeof(*ini));
	ini->p = text;
	ini->end = text + len;
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		ini->p += 3;
}

enum ini_kind
ini_next(struct ini *ini)
{
	enum ini_kind kind = INI_END;
	struct span line;

	while (kind == INI_END && ini->p < ini->end) {
		line.p = ini->p;
		line.end = memchr(ini->p, '\n', (size_t)(ini->end - ini->p));
		if (line.end == NULL)
			line.end = ini->end;
		ini->p = line.end < ini->end ? line.end + 1 : line.end;
		if (line.end > line.p && line.end[-1] == '\r')
			line.end--;
		ini->line++;
		ini->heading = ini->quoted = false;
		ini->name[0] = ini->value[0] = ini->error[0] = '\0';
		if (ini->line == 1 && line.end - line.p >= 2 &&
		    (memcmp(line.p, "\xff\xfe", 2) == 0 ||
		    memcmp(line.p, "\xfe\xff", 2) == 0)) {
			ini->p = ini->end;
			return fail(ini, "the file is UTF-16: save it as "
			    "UTF-8");
		}
		kind = take_line(ini, line);
	}
	return kind;
}

void
ini_wipe(struct ini *ini)
{
	explicit_bzero(ini, sizeof(*ini));
}
