/*
 * persist.c - objects in files, with --dir.
 *
 * DIR/BUCKET/SERIAL.object is a head of lines "name value", an empty line and
 * the content; it appears by rename.  The key is in the head, so any key will
 * do.  Two files of one key can be left by a crash: the younger one counts.
 */
#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char magic[] = "fakecos-object-1\n";

static bool
file_put(void *arg, const unsigned char *p, size_t n)
{
	return fwrite(p, 1, n, arg) == n;
}

static void
head_make(struct text *t, const struct object *o)
{
	text_str(t, magic);
	text_str(t, "key ");
	text_percent(t, o->key, o->key_len, "/");
	text_str(t, "\nheaders ");
	text_percent(t, o->headers, strlen(o->headers), "/:; ");
	text_fmt(t, "\netag %s\nclass %s\nmtime %" PRId64 "\nsize %" PRId64
	    "\n", o->body.etag, o->class, o->mtime, o->body.size);
	if (o->body.has_crc)
		text_fmt(t, "crc %" PRIu64 "\n", o->body.crc);
	text_str(t, "\n");
}

bool
persist_save(struct fakecos *f, struct bucket *b, struct object *o)
{
	struct text head = { 0 }, tmp = { 0 }, path = { 0 };
	struct body body = { 0 };
	struct blob *blob;
	FILE *out;
	bool ok;

	text_fmt(&path, "%s/%s/%020lld.object", f->set.dir, b->name,
	    f->serial++);
	text_fmt(&tmp, "%s.tmp", path.p);
	head_make(&head, o);
	out = fopen(tmp.p, "we");
	ok = out && fwrite(head.p, 1, head.n, out) == head.n &&
	    body_each(f, &o->body, 0, o->body.size, file_put, out);
	if (out && fclose(out) != 0)
		ok = false;
	if (ok && rename(tmp.p, path.p) == 0) {
		blob = blob_file(path.p, (int64_t)head.n, o->body.size);
		body_add(&body, blob, 0, o->body.size);
		blob_free(blob);
		body.crc = o->body.crc;
		body.has_crc = o->body.has_crc;
		strcpy(body.etag, o->body.etag);
		body_free(&o->body);
		o->body = body;
	} else {
		fprintf(stderr, "fakecos: %s: %s\n", tmp.p, strerror(errno));
		unlink(tmp.p);
		ok = false;
	}
	text_free(&head);
	text_free(&tmp);
	text_free(&path);
	return ok;
}

/* value is decoded in place */
static bool
head_line(struct object *o, int64_t *size, const char *name, char *value)
{
	size_t n = strlen(value);

	if (!percent_decode(value, n, value, &n, false))
		return false;
	value[n] = '\0';
	if (strcmp(name, "key") == 0) {
		free(o->key);
		o->key = xcopy(value, n);
		o->key_len = n;
	} else if (strcmp(name, "headers") == 0) {
		free(o->headers);
		o->headers = xcopy(value, n);
	} else if (strcmp(name, "etag") == 0)
		snprintf(o->body.etag, sizeof(o->body.etag), "%s", value);
	else if (strcmp(name, "class") == 0)
		snprintf(o->class, sizeof(o->class), "%s", value);
	else if (strcmp(name, "mtime") == 0)
		o->mtime = strtoll(value, NULL, 10);
	else if (strcmp(name, "size") == 0)
		*size = strtoll(value, NULL, 10);
	else if (strcmp(name, "crc") == 0) {
		o->body.crc = strtoull(value, NULL, 10);
		o->body.has_crc = true;
	}
	return true;
}

static struct object *
load_file(const char *path)
{
	struct object *o = object_new("", 0);
	FILE *in = fopen(path, "re");
	struct blob *blob;
	struct stat st;
	char *line = NULL, *value;
	size_t room = 0;
	int64_t size = -1;
	ssize_t n;
	bool ok = in && fstat(fileno(in), &st) == 0 &&
	    getline(&line, &room, in) > 0 && strcmp(line, magic) == 0;

	while (ok && (n = getline(&line, &room, in)) > 1) {
		line[n - 1] = '\0';
		value = strchr(line, ' ');
		ok = value != NULL;
		if (ok) {
			*value++ = '\0';
			ok = head_line(o, &size, line, value);
		}
	}
	if (ok && size >= 0 && ftell(in) + size == st.st_size) {
		blob = blob_file(path, ftell(in), size);
		body_add(&o->body, blob, 0, size);
		blob_free(blob);
	} else {
		fprintf(stderr, "fakecos: %s: not an object\n", path);
		object_free(o);
		o = NULL;
	}
	free(line);
	if (in)
		fclose(in);
	return o;
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static bool
ends(const char *s, const char *with)
{
	size_t n = strlen(s), w = strlen(with);

	return n >= w && strcmp(s + n - w, with) == 0;
}

/* In order of the serial numbers, so the last of one key stays. */
static bool
load_bucket(struct bucket *b, const char *dir)
{
	struct dirent **list;
	struct object *o;
	char *path;
	int i, n = scandir(dir, &list, NULL, by_name);

	for (i = 0; i < n; i++) {
		if (asprintf(&path, "%s/%s", dir, list[i]->d_name) < 0)
			abort();
		if (ends(path, ".tmp"))
			unlink(path);
		else if (ends(path, ".object") && (o = load_file(path)) != NULL)
			store_insert(b, o, false);
		free(path);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	else
		fprintf(stderr, "fakecos: %s: %s\n", dir, strerror(errno));
	return n >= 0;
}

bool
persist_load(struct fakecos *f)
{
	struct bucket *b;
	char *dir;
	bool ok = true;

	mkdir(f->set.dir, 0755);
	for (b = f->buckets; b && ok; b = b->next) {
		if (asprintf(&dir, "%s/%s", f->set.dir, b->name) < 0)
			abort();
		mkdir(dir, 0755);
		ok = load_bucket(b, dir);
		free(dir);
	}
	return ok;
}
