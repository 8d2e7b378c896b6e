/*
 * conf/ini.h - INI syntax, line by line; no meaning.
 *
 *	[section]		key = value		# comment
 *	key: value		key = "quoted # \" \\"	; comment
 *
 * Only conf/ includes this.  The text needs no NUL at its end and is not kept.
 */
#ifndef COSFTPD_INI_H
#define COSFTPD_INI_H

#include <stdbool.h>
#include <stddef.h>

#define INI_LINE_MAX 4096	/* bytes, the line end not counted */
#define INI_NAME_MAX 64		/* of a section or key */

enum ini_kind {
	INI_END,
	INI_SECTION,		/* name */
	INI_VALUE,		/* name (in lower case), value, quoted */
	INI_ERROR		/* error; the next call goes on behind it */
};

struct ini {
	const char *p, *end;	/* what is still to be read */
	int line;		/* of the item below, from 1 */
	bool heading;		/* INI_ERROR in what should be a [section] */
	bool quoted;
	char name[INI_NAME_MAX + 1];	/* "" when an error has none */
	char value[INI_LINE_MAX + 1];
	char error[160];	/* never holds any of the value */
};

void ini_open(struct ini *, const char *text, size_t len);
enum ini_kind ini_next(struct ini *);
void ini_wipe(struct ini *);	/* values are secrets */

#endif
