/*
 * f_ini.c - a configuration file: its syntax, the settings, what is said about
 * it, and that what is printed can be loaded again.
 */

#include "../../conf/conf_int.h"
#include "fuzz.h"

static void
syntax(const char *text, size_t n)
{
	static struct ini ini;
	enum ini_kind kind;
	int line = 0;
	size_t items = 0;

	ini_open(&ini, text, n);
	while ((kind = ini_next(&ini)) != INI_END) {
		MUST(++items <= n + 1);
		MUST(ini.line >= line && ini.line > 0);
		line = ini.line;
		MUST(strlen(ini.name) <= INI_NAME_MAX);
		MUST(kind != INI_ERROR || ini.error[0] != '\0');
		if (kind != INI_VALUE)
			continue;
		MUST(ini.name[0] != '\0');
		MUST(strlen(ini.value) <= INI_LINE_MAX);
		MUST(strpbrk(ini.value, "\r\n") == NULL);
	}
	ini_wipe(&ini);
}

static char *
printed(const struct conf *c, size_t *n)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, n);

	MUST(f != NULL);
	conf_print(c, f);
	MUST(fclose(f) == 0);
	return text;
}

static struct conf *
load(const char *text, size_t n)
{
	const char *file = file_of(text, n);
	struct conf_notes notes;
	struct conf *c = conf_load(file, &notes);
	size_t i;

	MUST((c == NULL) == (notes.nerrors > 0));
	for (i = 0; i < notes.n; i++) {
		MUST(strncmp(notes.note[i].text, file, strlen(file)) == 0);
		MUST(i == 0 || notes.note[i - 1].line <= notes.note[i].line);
	}
	conf_notes_free(&notes);
	return c;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *first, *second;
	size_t n1, n2;
	struct conf *c;

	syntax((const char *)data, n);
	c = load((const char *)data, n);
	if (c == NULL)
		return 0;
	MUST(c->naccounts > 0);
	first = printed(c, &n1);
	conf_free(c);
	c = load(first, n1);
	if (c == NULL)
		fprintf(stderr, "%s\n", first);
	MUST(c != NULL);
	second = printed(c, &n2);
	conf_free(c);
	MUST(n1 == n2 && memcmp(first, second, n1) == 0);
	free(first);
	free(second);
	return 0;
}
