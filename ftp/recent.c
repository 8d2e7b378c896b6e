/*
 * ftp/recent.c - what this session has just changed, for listings.
 *
 * Of COS only lists lag: a key may be missing from them, or still be there,
 * or be shown as it was, some time after HEAD and GET tell the truth.  A
 * client that has just stored, renamed or deleted something looks for it in
 * the next listing; so its changes of the last KEEP_MS are merged into what
 * COS lists, in key order and without asking anything more.  Whether COS or
 * the memory is newer is told by ETags and by the store's own clock, so what
 * somebody else did later is shown as it is.
 *
 * The memory is bounded; the oldest changes are forgotten first.
 */
#include <stdlib.h>
#include <string.h>

#include "session_int.h"

enum {
	KEEP_MS = 30 * 1000,
	BYTES_MAX = 64 * 1024
};

struct change {
	int64_t at;		/* ms, our clock */
	int64_t date;		/* s, the store's; of what is there */
	int64_t size;
	uint64_t number;	/* grows: the lowest is the oldest */
	bool gone;		/* with a slash at the end all below it */
	bool emptied;		/* it went, if only to be made again, */
	int64_t emptied_at;	/* with all below it: s, the store's */
	size_t len;
	const char *etag;	/* behind the key */
	char key[];
};

struct ftp_recent {
	struct change *list[FTP_RECENT_MAX];	/* owned, by key */
	size_t n, bytes;
	uint64_t number;
};

static int
compare(const char *a, size_t an, const char *b, size_t bn)
{
	int c = memcmp(a, b, an < bn ? an : bn);

	return c != 0 ? c : (an > bn) - (an < bn);
}

static bool
begins(const char *key, size_t len, const char *with, size_t n)
{
	return len >= n && memcmp(key, with, n) == 0;
}

/* The first change at or behind that key. */
static size_t
seek(const struct ftp_recent *r, const char *key, size_t len)
{
	size_t low = 0, high = r->n, mid;

	while (low < high) {
		mid = (low + high) / 2;
		if (compare(r->list[mid]->key, r->list[mid]->len, key,
		    len) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static size_t
bytes_of(const struct change *c)
{
	return sizeof(*c) + c->len + strlen(c->etag) + 2;
}

static void
forget(struct ftp_recent *r, size_t i)
{
	r->bytes -= bytes_of(r->list[i]);
	free(r->list[i]);
	r->n--;
	memmove(&r->list[i], &r->list[i + 1],
	    (r->n - i) * sizeof(r->list[0]));
}

static void
expire(struct ftp_recent *r, int64_t now)
{
	size_t i;

	for (i = r->n; i-- > 0;)
		if (now - r->list[i]->at >= KEEP_MS)
			forget(r, i);
}

static void
make_room(struct ftp_recent *r, size_t bytes)
{
	size_t i, oldest;

	while (r->n == FTP_RECENT_MAX ||
	    (r->n > 0 && r->bytes + bytes > BYTES_MAX)) {
		for (oldest = 0, i = 1; i < r->n; i++)
			if (r->list[i]->number < r->list[oldest]->number)
				oldest = i;
		forget(r, oldest);
	}
}

static struct change *
change_new(const char *key, const char *etag)
{
	size_t len = strlen(key), n = strlen(etag);
	struct change *c = calloc(1, sizeof(*c) + len + n + 2);

	if (c == NULL)
		return NULL;
	memcpy(c->key, key, len + 1);
	memcpy(c->key + len + 1, etag, n + 1);
	c->len = len;
	c->etag = c->key + len + 1;
	return c;
}

/* A directory made again is as empty as it was when it went. */
static void
inherit(struct change *c, const struct change *was)
{
	if (c == NULL || c->gone || c->len == 0 || c->key[c->len - 1] != '/')
		return;
	c->emptied = was->emptied;
	c->emptied_at = was->emptied_at;
}

/* Out of memory: not remembered, but what it replaces is forgotten. */
static void
note(struct ftp_recent **at, int64_t now, struct change *c, const char *key)
{
	struct ftp_recent *r = *at;
	size_t len = strlen(key), i;
	bool below = c != NULL && c->gone && len > 0 && key[len - 1] == '/';

	if (r == NULL)
		r = *at = calloc(1, sizeof(*r));
	if (r == NULL) {
		free(c);
		return;
	}
	expire(r, now);
	i = seek(r, key, len);
	if (i < r->n && r->list[i]->len == len &&
	    begins(r->list[i]->key, len, key, len))
		inherit(c, r->list[i]);
	while (i < r->n && begins(r->list[i]->key, r->list[i]->len, key,
	    len) && (below || r->list[i]->len == len))
		forget(r, i);
	if (c == NULL)
		return;
	make_room(r, bytes_of(c));
	i = seek(r, key, len);
	memmove(&r->list[i + 1], &r->list[i],
	    (r->n - i) * sizeof(r->list[0]));
	r->list[i] = c;
	r->n++;
	r->bytes += bytes_of(c);
	c->at = now;
	c->number = ++r->number;
}

void
ftp_recent_stored(struct ftp_recent **at, int64_t now, const char *key,
    int64_t size, int64_t date, const char *etag)
{
	struct change *c = change_new(key, etag);

	if (c != NULL) {
		c->size = size;
		c->date = date;
	}
	note(at, now, c, key);
}

void
ftp_recent_gone(struct ftp_recent **at, int64_t now, const char *key,
    int64_t date)
{
	struct change *c = change_new(key, "");

	if (c != NULL) {
		c->gone = c->emptied = true;
		c->emptied_at = date;
	}
	note(at, now, c, key);
}

const char *
ftp_recent_next(const struct ftp_recent *r, const char *prefix, bool gone,
    const char *after)
{
	size_t n = strlen(prefix), i;

	if (r == NULL)
		return NULL;
	i = seek(r, prefix, n);
	if (after != NULL)
		i = seek(r, after, strlen(after)) + 1;
	for (; i < r->n && begins(r->list[i]->key, r->list[i]->len, prefix,
	    n); i++)
		if (gone ? r->list[i]->emptied : !r->list[i]->gone)
			return r->list[i]->key;
	return NULL;
}

void
ftp_recent_free(struct ftp_recent *r)
{
	while (r != NULL && r->n > 0)
		forget(r, r->n - 1);
	free(r);
}

/* ---- merging ---- */

void
ftp_merge_init(struct ftp_merge *m, struct ftp_recent *r, int64_t now,
    const char *prefix, bool levels)
{
	*m = (struct ftp_merge){ .recent = r, .prefix_len = strlen(prefix),
	    .prefix = prefix, .levels = levels };
	if (r == NULL)
		return;
	expire(r, now);
	m->at = seek(r, prefix, m->prefix_len);
}

/* What the memory has next, as a list would name it; NULL: nothing more */
static const struct change *
candidate(struct ftp_merge *m, size_t *len, bool *dir)
{
	const struct ftp_recent *r = m->recent;
	const struct change *c;
	const char *slash;

	for (; r != NULL && m->at < r->n; m->at++) {
		c = r->list[m->at];
		if (!begins(c->key, c->len, m->prefix, m->prefix_len))
			break;
		if (c->gone)
			continue;
		slash = m->levels ? memchr(c->key + m->prefix_len, '/',
		    c->len - m->prefix_len) : NULL;
		*dir = slash != NULL;
		*len = *dir ? (size_t)(slash - c->key) + 1 : c->len;
		return c;
	}
	return NULL;
}

/* Past all that a directory's name stands for, or past the one key. */
static void
advance(struct ftp_merge *m, const struct change *c, size_t len, bool dir)
{
	const struct ftp_recent *r = m->recent;

	m->own = (struct cos_entry){ .name = c->key, .name_len = len,
	    .dir = dir, .size = dir ? 0 : c->size, .mtime = dir ? 0 : c->date,
	    .etag = dir ? "" : c->etag, .storage_class = "" };
	do
		m->at++;
	while (dir && m->at < r->n && begins(r->list[m->at]->key,
	    r->list[m->at]->len, c->key, len));
}

static bool
same_etag(const char *a, const char *b)
{
	size_t n;

	a += *a == '"';
	b += *b == '"';
	n = strcspn(a, "\"");
	return n > 0 && n == strcspn(b, "\"") && memcmp(a, b, n) == 0;
}

/* Was it deleted, or a directory above it?  What is younger came later. */
static bool
hidden(const struct ftp_recent *r, const struct cos_entry *e)
{
	const struct change *c;
	size_t n, i;

	for (n = 1; r != NULL && n <= e->name_len; n++) {
		if (n < e->name_len && e->name[n - 1] != '/')
			continue;
		i = seek(r, e->name, n);
		if (i == r->n)
			return false;
		c = r->list[i];
		if (c->emptied && compare(c->key, c->len, e->name, n) == 0 &&
		    (e->dir || e->mtime <= c->emptied_at))
			return true;
	}
	return false;
}

enum ftp_merge_step
ftp_merge_step(struct ftp_merge *m, const struct cos_entry *e, bool end)
{
	const struct change *c;
	size_t len = 0;
	bool dir = false;
	int order = -1;

	if (e == NULL && !end)
		return FTP_MERGE_WAIT;
	c = candidate(m, &len, &dir);
	if (c == NULL && e == NULL)
		return FTP_MERGE_END;
	if (c != NULL && e != NULL)
		order = compare(c->key, len, e->name, e->name_len);
	if (c == NULL || order > 0)
		return hidden(m->recent, e) ? FTP_MERGE_SKIP : FTP_MERGE_TAKE;
	advance(m, c, len, dir);
	if (order < 0)
		return FTP_MERGE_OWN;
	return dir || same_etag(e->etag, c->etag) || e->mtime > c->date ?
	    FTP_MERGE_TAKE : FTP_MERGE_REPLACE;
}

const struct cos_entry *
ftp_merge_next(struct ftp_merge *m, struct cos_list *list)
{
	const struct cos_entry *e;

	for (;;) {
		if (m->held == NULL)
			m->held = cos_list_next(list);
		e = m->held;
		switch (ftp_merge_step(m, e, e == NULL &&
		    cos_list_state(list) == COS_DONE)) {
		case FTP_MERGE_WAIT:
			return NULL;
		case FTP_MERGE_END:
			m->ended = true;
			return NULL;
		case FTP_MERGE_OWN:
			return &m->own;
		case FTP_MERGE_REPLACE:
			m->held = NULL;
			return &m->own;
		case FTP_MERGE_TAKE:
			m->held = NULL;
			return e;
		case FTP_MERGE_SKIP:
			m->held = NULL;
		}
	}
}

/* ---- of a session ---- */

void
ftp_note_stored(struct ftp_session *s, const char *key, int64_t size,
    const char *etag)
{
	ftp_recent_stored(&s->recent, net_now(s->server->loop), key, size,
	    cos_bucket_date(s->bucket), etag);
}

void
ftp_note_gone(struct ftp_session *s, const char *key)
{
	ftp_recent_gone(&s->recent, net_now(s->server->loop), key,
	    cos_bucket_date(s->bucket));
}
