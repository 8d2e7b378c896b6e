/*
 * f_glob.c - patterns: a name with its wildcards quoted matches itself, a
 * pattern's literal head is the name's, a star before it changes nothing.
 * The input: a pattern, NUL, a name.
 */
#include "../../ftp/ftp_int.h"
#include "fuzz.h"

enum { MAX = FTP_PATH_MAX };

static void
quoted(const char *name)
{
	char pattern[2 * MAX + 1], longer[2 * MAX + 3];
	size_t n = 0;
	const char *p;

	for (p = name; *p != '\0'; p++) {
		if (strchr("*?[]\\!^-", *p) != NULL)
			pattern[n++] = '\\';
		pattern[n++] = *p;
	}
	pattern[n] = '\0';
	MUST(ftp_glob_match(pattern, name));
	snprintf(longer, sizeof(longer), "*%s*", pattern);
	MUST(ftp_glob_match(longer, name));
	snprintf(longer, sizeof(longer), "?%s", pattern);
	MUST(!ftp_glob_match(longer, name));
}

static void
literal_head(const char *pattern, const char *name)
{
	size_t n = ftp_glob_literal(pattern), i, at = 0;

	MUST(n <= strlen(pattern));
	for (i = 0; i < n; i++) {
		if (pattern[i] == '\\' && i + 1 < n)
			i++;
		MUST(name[at++] == pattern[i]);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *pattern, *name, longer[MAX + 3];
	size_t at;

	if (n >= MAX)
		return 0;
	pattern = text_of(data, n);
	at = strlen(pattern) + 1;
	name = text_of(data + (at < n ? at : n), n - (at < n ? at : n));
	quoted(name);
	ftp_glob_has(pattern);
	if (ftp_glob_match(pattern, name)) {
		literal_head(pattern, name);
		snprintf(longer, sizeof(longer), "*%s", pattern);
		MUST(ftp_glob_match(longer, name));
	}
	free(pattern);
	free(name);
	return 0;
}
