/*
 * tests/t_recent.c - ftp/recent.c: own changes merged into what a list shows.
 *
 * Each row is changes, a list of the store, and what is to be seen.  A change
 * is "+KEY:SIZE@DATE#ETAG" or "-KEY@DATE"; a list has "KEY:SIZE@DATE#ETAG" and
 * "DIR/" for common prefixes.
 */
#include "../ftp/ftp_int.h"
#include "test.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))

enum { LIST_MAX = 16 };

struct item {
	char key[64], etag[16];
	long size, date;
};

/* The next word as an item; false: no more */
static bool
word(const char **p, struct item *it)
{
	char text[128], *s;
	size_t n;

	*p += strspn(*p, " ");
	n = strcspn(*p, " ");
	if (n == 0)
		return false;
	snprintf(text, sizeof(text), "%.*s", (int)n, *p);
	*p += n;
	*it = (struct item){ .size = 0 };
	if ((s = strchr(text, '#')) != NULL) {
		snprintf(it->etag, sizeof(it->etag), "%.15s", s + 1);
		*s = '\0';
	}
	if ((s = strchr(text, '@')) != NULL) {
		it->date = atol(s + 1);
		*s = '\0';
	}
	if ((s = strchr(text, ':')) != NULL) {
		it->size = atol(s + 1);
		*s = '\0';
	}
	snprintf(it->key, sizeof(it->key), "%.63s", text);
	return true;
}

static struct ftp_recent *
changed(const char *changes)
{
	struct ftp_recent *r = NULL;
	struct item it;

	while (word(&changes, &it)) {
		if (it.key[0] == '+')
			ftp_recent_stored(&r, 0, it.key + 1, it.size, it.date,
			    it.etag);
		else
			ftp_recent_gone(&r, 0, it.key + 1, it.date);
	}
	return r;
}

static void
show(char *out, size_t size, const struct cos_entry *e)
{
	size_t n = strlen(out);

	snprintf(out + n, size - n, "%s%.*s", n > 0 ? " " : "",
	    (int)e->name_len, e->name);
	n = strlen(out);
	if (!e->dir)
		snprintf(out + n, size - n, ":%ld@%ld", (long)e->size,
		    (long)e->mtime);
}

/* Merges as a listing does; between two entries the store keeps us waiting. */
static void
merged(struct ftp_recent *r, int64_t now, const char *prefix, bool levels,
    const char *list, char *out, size_t size)
{
	struct item it;
	struct cos_entry e = { .name = it.key };
	struct ftp_merge m;
	enum ftp_merge_step step;
	bool have = false, end = false;

	out[0] = '\0';
	ftp_merge_init(&m, r, now, prefix, levels);
	for (;;) {
		CHECK(end || have || ftp_merge_step(&m, NULL, false) ==
		    FTP_MERGE_WAIT, "waits");
		if (!have && !end) {
			have = word(&list, &it);
			end = !have;
			e = (struct cos_entry){ .name = it.key,
			    .name_len = strlen(it.key), .size = it.size,
			    .mtime = it.date, .etag = it.etag };
			e.dir = have && levels && e.name_len > strlen(prefix) &&
			    it.key[e.name_len - 1] == '/';
		}
		step = ftp_merge_step(&m, have ? &e : NULL, end);
		if (step == FTP_MERGE_END || step == FTP_MERGE_WAIT)
			break;
		if (step != FTP_MERGE_SKIP)
			show(out, size, step == FTP_MERGE_TAKE ? &e : &m.own);
		if (step != FTP_MERGE_OWN)
			have = false;
	}
	CHECK(step == FTP_MERGE_END, "ends");
}

static void
test_rows(void)
{
	static const struct {
		const char *changes, *prefix;
		bool levels;
		const char *list, *want;
	} rows[] = {
		{ "", "", true, "", "" },
		{ "", "", true, "a:1@5 d/", "a:1@5 d/" },
		/* stored: before, between, behind, alone */
		{ "+a:7@9#x", "", true, "b:1@5 d/", "a:7@9 b:1@5 d/" },
		{ "+c:7@9#x", "", true, "b:1@5 d/", "b:1@5 c:7@9 d/" },
		{ "+e:7@9#x", "", true, "b:1@5 d/", "b:1@5 d/ e:7@9" },
		{ "+e:7@9#x", "", true, "", "e:7@9" },
		{ "+c:1@9#x +a:2@9#y", "", true, "b:1@5",
		    "a:2@9 b:1@5 c:1@9" },
		/* listed, too: as it was, as it is, as it became later */
		{ "+b:7@9#x", "", true, "b:1@5#old", "b:7@9" },
		{ "+b:7@9#x", "", true, "b:7@8#x", "b:7@8" },
		{ "+b:7@9#x", "", true, "b:3@10#new", "b:3@10" },
		{ "+b:7@9#x", "", true, "b:3@9#y", "b:7@9" },
		{ "+b:7@9", "", true, "b:1@5", "b:7@9" },
		{ "+b:7@0#x", "", true, "b:1@5#old", "b:1@5" },
		{ "+b:7@9#x +b:8@9#y", "", true, "b:1@5#old", "b:8@9" },
		/* deleted, and stored again by somebody */
		{ "-b@9", "", true, "a:1@5 b:1@5 c:1@5", "a:1@5 c:1@5" },
		{ "-b@9", "", true, "b:1@9", "" },
		{ "-b@9", "", true, "b:1@10", "b:1@10" },
		{ "-b@9", "", true, "b/ b0:1@5", "b/ b0:1@5" },
		{ "-b@9 +b:2@9#x", "", true, "b:1@5#old", "b:2@9" },
		{ "+b:2@9#x -b@9", "", true, "b:2@9#x", "" },
		{ "+b:2@9#x -b@9", "", true, "", "" },
		/* directories made, removed, and by what is in them */
		{ "+d/:0@9", "", true, "a:1@5 e/", "a:1@5 d/ e/" },
		{ "+d/:0@9", "", true, "d/", "d/" },
		{ "+d/x:1@9#x +d/y/z:1@9#x", "", true, "d/ e/", "d/ e/" },
		{ "+d/x:1@9#x +d/y/z:1@9#x", "", true, "d0:1@5",
		    "d/ d0:1@5" },
		{ "+d/x:1@9#x +d/y/z:1@9#x", "d/", true, "d/:0@5 d/b:1@5",
		    "d/:0@5 d/b:1@5 d/x:1@9 d/y/" },
		{ "+d/:0@9", "d/", true, "", "d/:0@9" },
		{ "-d/@9", "", true, "c:1@5 d/ e/", "c:1@5 e/" },
		{ "-d/@9", "d/", true, "d/:0@5 d/x:1@5 d/s/", "" },
		{ "-d/@9", "d/s/", true, "d/s/a:1@5", "" },
		{ "-d/@9", "d/", true, "d/x:1@10", "d/x:1@10" },
		{ "-d/@9 +d/n:1@9#x", "", true, "d/ e/", "d/ e/" },
		{ "-d/@9 +d/n:1@9#x", "d/", true, "d/a:1@5 d/s/ d/x:1@5",
		    "d/n:1@9" },
		{ "+d/x:1@9#x -d/@9", "", true, "d/", "" },
		{ "-d/@9", "", true, "d:1@5 d.txt:1@5 d0:1@5",
		    "d:1@5 d.txt:1@5 d0:1@5" },
		/* renamed: a directory */
		{ "+a/x:1@5#x -a/@9 +b/x:1@9", "", true, "a/ c/", "b/ c/" },
		/* a pattern's beginning as the prefix */
		{ "+d/ab:1@9#x +d/b:1@9#x +d/ac/d:1@9#x", "d/a", true,
		    "d/aa:1@5", "d/aa:1@5 d/ab:1@9 d/ac/" },
		/* all keys, without levels */
		{ "+d/x/y:1@9#x -d/a@9", "d/", false, "d/:0@5 d/a:1@5 d/b:1@5",
		    "d/:0@5 d/b:1@5 d/x/y:1@9" },
		{ "-d/@9", "d/", false, "d/:0@5 d/x/y:1@5", "" },
		{ "+e/x:1@9#x", "d/", false, "", "" },
	};
	struct ftp_recent *r;
	char got[400];
	size_t i;

	for (i = 0; i < N(rows); i++) {
		r = changed(rows[i].changes);
		merged(r, 29999, rows[i].prefix, rows[i].levels, rows[i].list,
		    got, sizeof(got));
		CHECK(strcmp(got, rows[i].want) == 0, "row %zu (%s): \"%s\", "
		    "want \"%s\"", i, rows[i].changes, got, rows[i].want);
		merged(r, 30000, "", true, "z:1@1", got, sizeof(got));
		CHECK_STR(got, "z:1@1", "after 30 s");
		ftp_recent_free(r);
	}
}

/* More than it holds: the oldest go, by number and by bytes. */
static void
test_bounds(void)
{
	struct ftp_recent *r = NULL;
	const char *key;
	char name[900];
	int i, n;

	for (i = 0; i < 3 * FTP_RECENT_MAX; i++) {
		snprintf(name, sizeof(name), "k%07d", (i * 7919) % 100003);
		ftp_recent_stored(&r, i, name, i, i, "\"e\"");
	}
	for (n = 0, key = NULL; (key = ftp_recent_next(r, "k", false, key)) !=
	    NULL; n++)
		;
	CHECK(n == FTP_RECENT_MAX, "%d changes", n);
	snprintf(name, sizeof(name), "k%07d",
	    ((3 * FTP_RECENT_MAX - 1) * 7919) % 100003);
	key = ftp_recent_next(r, name, false, NULL);
	CHECK(key != NULL && strcmp(key, name) == 0, "the last is there");
	ftp_recent_free(r);

	r = NULL;
	for (i = 0; i < 500; i++) {
		memset(name, 'a' + i % 26, 850);
		snprintf(name + 840, sizeof(name) - 840, "%010d", i);
		ftp_recent_gone(&r, 0, name, 1);
	}
	for (n = 0, key = NULL; (key = ftp_recent_next(r, "", true, key)) !=
	    NULL; n++)
		;
	CHECK(n > 60 && n < 78, "%d long names", n);
	CHECK(ftp_recent_next(r, name, true, NULL) != NULL, "the last");
	ftp_recent_free(r);
	ftp_recent_free(NULL);
	CHECK(ftp_recent_next(NULL, "", true, NULL) == NULL, "none");
}

int
main(void)
{
	test_rows();
	test_bounds();
	return test_end("recent");
}
