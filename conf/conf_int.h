/*
 * conf/conf_int.h - what the files of conf.c share: the settings table, the
 * types of its rows, and the notes.
 */
#ifndef COSFTPD_CONF_INT_H
#define COSFTPD_CONF_INT_H

#include <sys/types.h>

#include "conf.h"
#include "ini.h"

enum conf_section {
	CONF_ACCOUNT,
	CONF_NETWORK,
	CONF_TLS,
	CONF_FILE,
	CONF_OPTIONAL,
	CONF_SECTIONS
};

enum {				/* of a key */
	CONF_NEEDED = 1,	/* has no default and must be there */
	CONF_SECRET = 2,	/* never shown */
	CONF_CLAMP = 4,		/* out of range is a warning */
	CONF_ZERO = 8,		/* 0 is allowed besides min to max */
	CONF_SAMPLE = 16,	/* the sample's text is a warning: as unset */
	CONF_KEY = 32,		/* not together with cos_role */
	CONF_FILLED = 64	/* no value is not the same as no line */
};

struct conf_choice {
	const char *name;
	int value;
};

struct conf_key;

/*
 * How a value is read and shown.  parse() returns 0; -1 with *why saying what
 * the value is not and what is allowed; 1 with *why as a warning.
 */
struct conf_type {
	const char *what;	/* "a boolean" */
	int (*parse)(const struct conf_key *, const char *value, void *at,
	    struct err *why);
	void (*print)(const struct conf_key *, const void *at, FILE *);
	const struct conf_choice *choice;	/* ends with a NULL name */
	size_t size;		/* of what a choice is kept in */
};

struct conf_key {
	enum conf_section section;
	const char *name;
	const struct conf_type *type;
	size_t offset;		/* in conf_account or conf */
	const char *standard;	/* the default as it would be written; NULL */
	int64_t min, max;	/* value, or length of a text */
	unsigned flags;
	const char *(*check)(const char *);	/* a text: what is wrong */
	const char *help;
};

/* conf.c */
#define CONF_KEYS_MAX 96	/* bound of what is kept per key */
extern const struct conf_key conf_keys[];
extern const size_t conf_nkeys;
extern const char *const conf_section_name[CONF_SECTIONS];

struct conf *conf_new(const char *file);
int conf_defaults(struct conf *, struct conf_account *);  /* NULL: globals */
void *conf_at(const struct conf_key *, const struct conf *,
    const struct conf_account *);

/* conf_type.c */
extern const struct conf_type conf_text, conf_bool, conf_int, conf_port,
    conf_ports, conf_size, conf_rights, conf_level, conf_protocol,
    conf_content, conf_interrupted, conf_tls_mode, conf_encoding, conf_when;

/* conf_host.c: checks of texts, NULL when fine */
bool conf_is_host(const char *name, size_t len);
const char *conf_check_name(const char *);	/* not a sample's placeholder */
const char *conf_check_bucket(const char *);
const char *conf_check_region(const char *);
const char *conf_check_endpoint(const char *);
const char *conf_check_role(const char *);
const char *conf_check_server(const char *);	/* HOST or HOST:PORT */
const char *conf_check_prefix(const char *);
const char *conf_check_class(const char *);
const char *conf_check_encryption(const char *);
const char *conf_check_masquerade(const char *);
const char *conf_check_listen(const char *);
const char *conf_check_file(const char *);
const char *conf_check_cidr(const char *);	/* conf_cidr.c */
const char *conf_check_password(const char *);		/* conf_hash.c */
const char *conf_check_user(const char *);		/* conf_user.c */
const char *conf_check_dir(const char *);
char *conf_region_endpoint(const char *region);	/* malloc'ed; NULL: memory */

/* One run of conf_load(). */
struct conf_load {
	const char *file;
	struct conf *conf;
	struct conf_notes *notes;
	enum conf_section section;
	char heading[INI_NAME_MAX + 1];	/* "" before the first section */
	int heading_line;
	int section_line[CONF_SECTIONS];
	bool skip;		/* in a section that is not ours */
	struct conf_account *account;		/* with CONF_ACCOUNT */
	int seen[CONF_KEYS_MAX];		/* line in this section, 0 */
	int implicit_line;
	bool no_memory;
};

/* conf_note.c; line 0 is the whole file, text begins with what is meant */
void conf_note(struct conf_load *, bool error, int line, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void conf_notes_sort(struct conf_notes *);

/* conf_hint.c: a remark on an unknown key or section, "" when nothing fits */
void conf_hint_key(const char *name, char *buf, size_t size);
void conf_hint_section(const char *name, char *buf, size_t size);

/* conf_load.c: up to size bytes, until the end; how many, -1 and errno */
ssize_t conf_read_all(int fd, char *buf, size_t size);

/* conf_secret.c: file:PATH and env:NAME */
bool conf_secret_is(const char *value);
/* value where it names a place, so that it may be shown; else NULL */
const char *conf_secret_place(const char *value);
/* The secret without its line end; not much more than max bytes are read.  -1
 * with *why; 1: with *why as a warning.  *text is for conf_secret_free in any
 * case. */
int conf_secret_get(const char *value, size_t max, char **text,
    struct err *why);
void conf_secret_free(char *);

/* conf_check.c: what one value alone does not show */
void conf_check_account(struct conf_load *);	/* the one just read */
void conf_check_tls(struct conf_load *);	/* the section just read */
void conf_check_all(struct conf_load *);

#endif
