/*
 * ftp/list_entry.c - what the argument of a listing means, and its entries as
 * text.  Keys that FTP cannot name are left out and counted.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "list_int.h"

enum {
	PAGE = 1000,
	MATCH_WORK = 512 * 1024	/* of one fill: steps of patterns at most */
};

/* ---- what the argument means ---- */

bool
ftp_list_ask(struct ftp_session *s, struct ftp_listing *l)
{
	size_t n = ftp_glob_literal(l->pattern);

	ftp_path_prefix(l->prefix, l->path);
	snprintf(l->sought, sizeof(l->sought), "%s%.*s", l->prefix, (int)n,
	    l->pattern);
	cos_list_free(l->list);
	l->list = cos_list_new(s->bucket, l->sought, true, PAGE, s->who,
	    &s->task);
	ftp_merge_init(&l->merge, s->recent, net_now(s->server->loop),
	    l->sought, true);
	l->state = L_FIRST;
	return l->list != NULL;
}

/* "a/b*" is the directory a and the pattern b*; false: replied already */
bool
ftp_list_pattern(struct ftp_session *s, struct ftp_listing *l)
{
	char dir[FTP_LINE_MAX];
	const char *slash = strrchr(l->arg, '/');
	const char *last = slash != NULL ? slash + 1 : l->arg;
	enum ftp_path_status ps;

	l->pattern[0] = '\0';
	if (!ftp_glob_has(last) || l->kind == K_MLSD ||
	    strlen(last) >= sizeof(l->pattern))
		return true;
	snprintf(dir, sizeof(dir), "%.*s", (int)(last - l->arg), l->arg);
	ps = ftp_session_join(s, l->path, *dir != '\0' ? dir : ".",
	    &l->dir_only);
	if (ps != FTP_PATH_OK) {
		ftp_reply(s, ps == FTP_PATH_ABOVE ? 550 : 553, "%s.",
		    ftp_path_text(ps));
		return false;
	}
	memcpy(l->pattern, last, strlen(last) + 1);
	snprintf(l->shown, sizeof(l->shown), "%.*s",
	    (int)sizeof(l->shown) - 1, dir);
	return true;
}

/* The argument as it stands; false: replied already */
bool
ftp_list_literal(struct ftp_session *s, struct ftp_listing *l)
{
	enum ftp_path_status ps;

	l->pattern[0] = l->shown[0] = '\0';
	ps = ftp_session_join(s, l->path, *l->arg != '\0' ? l->arg : ".",
	    &l->dir_only);
	if (ps != FTP_PATH_OK) {
		ftp_reply(s, ps == FTP_PATH_ABOVE ? 550 : 553, "%s.",
		    ftp_path_text(ps));
		return false;
	}
	l->may_be_empty = strcmp(l->path, "/") == 0 ||
	    strcmp(l->path, s->cwd) == 0;
	if (*l->arg != '\0' && strcmp(l->arg, ".") != 0)
		snprintf(l->shown, sizeof(l->shown), "%.*s%s",
		    (int)sizeof(l->shown) - 2, l->arg,
		    l->arg[strlen(l->arg) - 1] == '/' ? "" : "/");
	return true;
}

/* Leading options as of ls are no names (pitfall of many clients), unless
 * they are the whole of a name behind "--". */
const char *
ftp_list_skip_options(const char *arg)
{
	while (*arg == '-') {
		const char *end = arg + strcspn(arg, " ");

		if (strcmp(arg, "--") == 0 || strncmp(arg, "-- ", 3) == 0)
			return arg[2] == ' ' ? arg + 3 : arg + 2;
		arg = end;
		while (*arg == ' ')
			arg++;
	}
	return arg;
}

/* ---- entries to text ---- */

/* The line from at on is one more entry, if the client can read it. */
static void
convert(struct ftp_session *s, struct ftp_listing *l, size_t at)
{
	size_t n = l->text.len - at;

	if (ftp_encoding_give(s, l->text.data + at, &n)) {
		l->text.len = at + n;
		l->count++;
	} else {
		l->text.len = at;
		l->foreign++;
	}
}

static void
put_entry(struct ftp_session *s, struct ftp_listing *l,
    const struct ftp_entry *e)
{
	struct ftp_rights rights;
	size_t at = l->text.len;

	ftp_rights_of(s->account, &rights);
	switch (l->kind) {
	case K_LIST:
	case K_STAT:
		ftp_list_line(&l->text, e, &rights, s->account->user,
		    (int64_t)time(NULL));
		break;
	case K_NLST:
		net_buf_printf(&l->text, "%s%s\r\n", l->shown, e->name);
		break;
	case K_MLSD:
		ftp_mlst_line(&l->text, e, &rights, s->facts, e->name, NULL);
	}
	convert(s, l, at);
}

/* Strips the directory and hides its own marker; false: not to be shown */
static bool
show(struct ftp_session *s, struct ftp_listing *l, const struct cos_entry *ce,
    struct ftp_entry *e, char name[FTP_PATH_MAX])
{
	size_t skip = strlen(l->prefix), n;

	if (ce->name_len <= skip)
		return false;
	n = ce->name_len - skip - (ce->dir ? 1 : 0);
	if (!ftp_name_reachable(ce->name + skip, n) ||
	    memchr(ce->name + skip, '/', n) != NULL || n >= FTP_PATH_MAX) {
		l->hidden++;
		return false;
	}
	memcpy(name, ce->name + skip, n);
	name[n] = '\0';
	if (l->pattern[0] != '\0' && !ftp_glob_match(l->pattern, name))
		return false;
	if (!ftp_encoding_can(s, name)) {
		l->foreign++;
		return false;
	}
	*e = (struct ftp_entry){ .name = name, .dir = ce->dir,
	    .size = ce->size, .mtime = ce->mtime, .unique = ce->etag };
	return true;
}

/* Fills the text; entries are taken up to the limit.  Patterns can be made that
 * match slowly: then others first. */
void
ftp_list_fill(struct ftp_session *s, struct ftp_listing *l)
{
	size_t pattern = strlen(l->pattern), work = 0;
	const struct cos_entry *ce;
	char name[FTP_PATH_MAX];
	struct ftp_entry e;

	while (!l->ended && l->text.len < FTP_LIST_FILL) {
		if (work > MATCH_WORK) {
			net_task_wake(&s->task);
			return;
		}
		ce = ftp_merge_next(&l->merge, l->list);
		if (ce == NULL) {
			l->ended = l->merge.ended;
			return;
		}
		l->first = true;
		work += ce->name_len * pattern;
		if (!show(s, l, ce, &e, name))
			continue;
		if (l->count >= s->server->conf->max_list_file) {
			l->truncated = l->ended = true;
			return;
		}
		put_entry(s, l, &e);
	}
}

void
ftp_list_file(struct ftp_session *s, struct ftp_listing *l,
    const struct cos_object *o)
{
	struct ftp_entry e = { .name = ftp_path_base(l->path),
	    .size = o->size, .mtime = o->mtime, .unique = o->etag };

	if (l->kind == K_NLST) {	/* as it was asked for */
		net_buf_printf(&l->text, "%s\r\n", l->arg);
		convert(s, l, 0);
	} else {
		put_entry(s, l, &e);
	}
	l->ended = true;
}
