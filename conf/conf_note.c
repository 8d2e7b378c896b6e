/*
 * conf/conf_note.c - the list of complaints about a file.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "conf_int.h"

#define NOTES_MAX 100		/* a file that is no configuration at all */

static void
add(struct conf_notes *notes, bool error, int line, char *text)
{
	struct conf_note *note;

	notes->nerrors += error;
	note = text == NULL ? NULL :
	    realloc(notes->note, (notes->n + 1) * sizeof(*note));
	if (note == NULL) {
		free(text);
		return;
	}
	notes->note = note;
	note[notes->n++] = (struct conf_note){ error, line, text };
}

void
conf_note(struct conf_load *l, bool error, int line, const char *fmt, ...)
{
	char where[16] = "", *what, *text = NULL;
	va_list ap;
	int n;

	if (l->notes->n > NOTES_MAX) {
		l->notes->nerrors += error;
		return;
	}
	if (l->notes->n == NOTES_MAX) {
		if (asprintf(&text, "%s: more problems follow", l->file) < 0)
			text = NULL;
		add(l->notes, error, line, text);
		return;
	}
	if (line > 0)
		snprintf(where, sizeof(where), ":%d", line);
	va_start(ap, fmt);
	n = vasprintf(&what, fmt, ap);
	va_end(ap);
	if (n >= 0 && asprintf(&text, "%s%s: %s", l->file, where, what) < 0)
		text = NULL;
	if (n >= 0)
		free(what);
	add(l->notes, error, line, text);
}

/* Stable; there are few. */
void
conf_notes_sort(struct conf_notes *notes)
{
	struct conf_note note;
	size_t i, k;

	for (i = 1; i < notes->n; i++) {
		note = notes->note[i];
		for (k = i; k > 0 && notes->note[k - 1].line > note.line; k--)
			notes->note[k] = notes->note[k - 1];
		notes->note[k] = note;
	}
}

void
conf_notes_free(struct conf_notes *notes)
{
	size_t i;

	for (i = 0; i < notes->n; i++)
		free(notes->note[i].text);
	free(notes->note);
	memset(notes, 0, sizeof(*notes));
}

struct conf *
conf_read(const char *path, struct log *log)
{
	struct conf_notes notes = { .n = 0 };
	struct conf *c = conf_load(path, &notes);
	size_t i;

	for (i = 0; i < notes.n; i++) {
		if (log == NULL)
			fprintf(stderr, "%s%s\n", notes.note[i].error ? "" :
			    "warning: ", notes.note[i].text);
		log_line(log, notes.note[i].error ? LOG_LEVEL_ERROR :
		    LOG_LEVEL_WARNING, "%s", notes.note[i].text);
	}
	if (c == NULL && log == NULL)
		fprintf(stderr, "cosftpd: %zu error%s in %s\n", notes.nerrors,
		    notes.nerrors == 1 ? "" : "s", path);
	conf_notes_free(&notes);
	return c;
}
