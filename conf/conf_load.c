/*
 * conf/conf_load.c - reading a file by the settings table.
 *
 * Reading goes on after a complaint, so that one run names them all.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf_int.h"
#include "ini.h"

#define FILE_MAX (1024 * 1024)
#define SHOWN_MAX 60		/* bytes of a value in a note */

/* How much of a value a note shows; never a part of a character. */
static int
shown(const char *value)
{
	size_t n = strlen(value);

	if (n <= SHOWN_MAX)
		return (int)n;
	for (n = SHOWN_MAX; n > 0 && (value[n] & 0xc0) == 0x80; n--)
		;
	return (int)n;
}

/* Over the default; shown_as is what a note shows instead of a secret. */
static void
set_value(struct conf_load *l, const struct conf_key *k, int line,
    const char *value, const char *shown_as)
{
	void *at = conf_at(k, l->conf, l->account);
	char *old = NULL;
	int most = shown_as == value ? shown(value) : (int)strlen(shown_as);
	struct err why;
	int rc;

	if (k->type == &conf_text)
		memcpy(&old, at, sizeof(old));
	rc = k->type->parse(k, value, at, &why);
	if (rc >= 0)
		free(old);
	if (rc != 0)
		conf_note(l, rc < 0, line, "[%s] %s = %.*s%s: %s",
		    l->heading, k->name, most, shown_as,
		    shown_as[most] != '\0' ? "..." : "", why.text);
}

static void
take_secret(struct conf_load *l, const struct conf_key *k,
    const struct ini *ini)
{
	const char *place = conf_secret_place(ini->value);
	struct err why;
	char *text;
	int rc;

	if (place == NULL)
		place = "***";
	rc = conf_secret_get(ini->value, (size_t)k->max, &text, &why);
	if (rc != 0)
		conf_note(l, rc < 0, ini->line, "[%s] %s = %s: %s",
		    l->heading, k->name, place, why.text);
	if (rc >= 0)
		set_value(l, k, ini->line, text, place);
	conf_secret_free(text);
}

/* The value of a key that was found. */
static void
take_value(struct conf_load *l, const struct conf_key *k,
    const struct ini *ini)
{
	/* Many copied the sample and left this in it: the original took no
	 * notice. */
	if ((k->flags & CONF_SAMPLE) &&
	    strcasecmp(ini->value, "XXX.XXX.XXX.XXX") == 0)
		conf_note(l, false, ini->line, "[%s] %s = %s: still the text "
		    "of the sample, ignored: put the address or name that "
		    "clients connect to, or remove the line", l->heading,
		    k->name, ini->value);
	else if (!(k->flags & CONF_SECRET))
		set_value(l, k, ini->line, ini->value, ini->value);
	else if (!ini->quoted && conf_secret_is(ini->value))
		take_secret(l, k, ini);
	else
		set_value(l, k, ini->line, ini->value, "***");
}

static void
take_key(struct conf_load *l, const struct conf_key *k, const struct ini *ini)
{
	int *seen = &l->seen[k - conf_keys];

	if (*seen > 0) {
		conf_note(l, true, ini->line, "[%s] %s: already set in line "
		    "%d", l->heading, k->name, *seen);
		return;
	}
	*seen = ini->line;
	if (!ini->quoted && strcasecmp(ini->value, "default") == 0) {
		if (k->flags & CONF_NEEDED)
			conf_note(l, true, ini->line, "[%s] %s = default: "
			    "there is none (write it in quotes if it is "
			    "meant)", l->heading, k->name);
	} else if (ini->value[0] != '\0') {
		take_value(l, k, ini);
	} else if (k->type != &conf_text || (k->flags & CONF_NEEDED)) {
		conf_note(l, true, ini->line, "[%s] %s: no value", l->heading,
		    k->name);
	}
}

static const struct conf_key *
find_key(const struct conf_load *l, const char *name)
{
	const struct conf_key *k;

	if (l->heading[0] == '\0')
		return NULL;
	for (k = conf_keys; k < conf_keys + conf_nkeys; k++)
		if (k->section == l->section && strcmp(k->name, name) == 0)
			return k;
	return NULL;
}

/* Values of unknown keys are not shown: they may be misspelt secrets. */
static void
take_line(struct conf_load *l, const struct ini *ini)
{
	const struct conf_key *k = find_key(l, ini->name);
	char hint[160];

	if (l->skip)
		return;
	if (k != NULL) {
		take_key(l, k, ini);
		return;
	}
	conf_hint_key(ini->name, hint, sizeof(hint));
	if (l->heading[0] == '\0')
		conf_note(l, true, ini->line, "%s: before the first "
		    "[section]%s", ini->name, hint);
	else
		conf_note(l, false, ini->line, "[%s] %s: unknown key, "
		    "ignored%s", l->heading, ini->name, hint);
}

static int
find_section(const char *name)
{
	size_t len = strlen(conf_section_name[CONF_ACCOUNT]);
	int i;

	if (strncasecmp(name, conf_section_name[CONF_ACCOUNT], len) == 0)
		return CONF_ACCOUNT;
	for (i = CONF_ACCOUNT + 1; i < CONF_SECTIONS; i++)
		if (strcasecmp(name, conf_section_name[i]) == 0)
			return i;
	return -1;
}

static struct conf_account *
add_account(struct conf *c, const char *section, int line)
{
	struct conf_account *a;

	/* the array doubles whenever the number is a power of two */
	if ((c->naccounts & (c->naccounts - 1)) == 0) {
		a = reallocarray(c->accounts, c->naccounts > 0 ?
		    2 * c->naccounts : 1, sizeof(*a));
		if (a == NULL)
			return NULL;
		c->accounts = a;
	}
	a = &c->accounts[c->naccounts];
	memset(a, 0, sizeof(*a));
	a->line = line;
	a->section = strdup(section);
	if (a->section == NULL)
		return NULL;
	c->naccounts++;
	return conf_defaults(c, a) < 0 ? NULL : a;
}

static void
end_section(struct conf_load *l)
{
	if (l->account != NULL)
		conf_check_account(l);
	else if (l->section == CONF_TLS && l->heading[0] != '\0' && !l->skip)
		conf_check_tls(l);
	l->account = NULL;
	memset(l->seen, 0, sizeof(l->seen));
}

/* Accounts of one name are found by conf_check_all(). */
static void
begin_section(struct conf_load *l, const struct ini *ini)
{
	int found = find_section(ini->name), *line;
	char hint[64];

	end_section(l);
	snprintf(l->heading, sizeof(l->heading), "%s", ini->name);
	l->heading_line = ini->line;
	l->skip = found < 0;
	if (found < 0) {
		conf_hint_section(ini->name, hint, sizeof(hint));
		conf_note(l, false, ini->line, "[%s]: unknown section, "
		    "ignored%s", ini->name, hint);
		return;
	}
	l->section = (enum conf_section)found;
	if (found == CONF_ACCOUNT) {
		l->account = add_account(l->conf, ini->name, ini->line);
		if (l->account == NULL)
			l->skip = l->no_memory = true;
		return;
	}
	line = &l->section_line[found];
	if (*line > 0)
		conf_note(l, true, ini->line, "[%s]: already begun in line "
		    "%d", ini->name, *line);
	else
		*line = ini->line;
}

static void
take_error(struct conf_load *l, const struct ini *ini)
{
	const struct conf_key *k;

	if (ini->heading) {
		end_section(l);
		l->skip = true;
		conf_note(l, true, ini->line, "%s", ini->error);
	} else if (l->heading[0] == '\0' || l->skip) {
		conf_note(l, true, ini->line, "%s", ini->error);
	} else if (ini->name[0] == '\0') {
		conf_note(l, true, ini->line, "[%s] %s", l->heading,
		    ini->error);
	} else {
		k = find_key(l, ini->name);
		if (k != NULL)		/* so it is not said to be missing */
			l->seen[k - conf_keys] = ini->line;
		conf_note(l, true, ini->line, "[%s] %s: %s", l->heading,
		    ini->name, ini->error);
	}
}

static void
parse(struct conf_load *l, const char *text, size_t len)
{
	struct ini ini;
	enum ini_kind kind;

	ini_open(&ini, text, len);
	while ((kind = ini_next(&ini)) != INI_END) {
		if (kind == INI_SECTION)
			begin_section(l, &ini);
		else if (kind == INI_VALUE)
			take_line(l, &ini);
		else
			take_error(l, &ini);
	}
	end_section(l);
	ini_wipe(&ini);
	conf_check_all(l);
}

/* ---- the file ---- */

ssize_t
conf_read_all(int fd, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size) {
		n = read(fd, buf + len, size - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

static void
check_mode(struct conf_load *l, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		conf_note(l, false, 0, "names the keys and where files go, "
		    "and others than its owner may change it (mode %04o): "
		    "chmod go-w", (unsigned)(st.st_mode & 07777));
	if (st.st_mode & S_IROTH)
		conf_note(l, false, 0, "holds secrets and every user of this "
		    "machine may read it (mode %04o): chmod o-r",
		    (unsigned)(st.st_mode & 07777));
}

static void
load_file(struct conf_load *l)
{
	int fd = open(l->file, O_RDONLY | O_CLOEXEC);
	char *buf;
	ssize_t len;

	if (fd < 0) {
		conf_note(l, true, 0, "cannot open: %s", strerror(errno));
		return;
	}
	check_mode(l, fd);
	buf = malloc(FILE_MAX + 1);
	if (buf == NULL) {
		l->no_memory = true;
		close(fd);
		return;
	}
	len = conf_read_all(fd, buf, FILE_MAX + 1);
	if (len < 0)
		conf_note(l, true, 0, "cannot read: %s", strerror(errno));
	else if (len > FILE_MAX)
		conf_note(l, true, 0, "larger than %d bytes", FILE_MAX);
	else
		parse(l, buf, (size_t)len);
	explicit_bzero(buf, FILE_MAX + 1);
	free(buf);
	close(fd);
}

struct conf *
conf_load(const char *path, struct conf_notes *notes)
{
	struct conf_load l = { .file = path, .notes = notes };

	memset(notes, 0, sizeof(*notes));
	l.conf = conf_new(path);
	if (l.conf == NULL)
		l.no_memory = true;
	else
		load_file(&l);
	if (l.no_memory)
		conf_note(&l, true, 0, "out of memory");
	conf_notes_sort(notes);
	if (notes->nerrors > 0) {
		conf_free(l.conf);
		return NULL;
	}
	return l.conf;
}
