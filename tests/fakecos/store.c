/*
 * store.c - buckets and their objects, in byte order of the keys.
 *
 * A skip list: inserts at random and walks from any key are both cheap, which
 * is all that listing 100,000 keys needs.
 */
#include "store.h"

#include <stdlib.h>
#include <string.h>

enum { LEVELS = 20 };

int
key_compare(const char *a, size_t an, const char *b, size_t bn)
{
	int d = memcmp(a, b, an < bn ? an : bn);

	return d ? d : (an > bn) - (an < bn);
}

struct object *
object_new(const void *key, size_t n)
{
	struct object *o = xalloc(sizeof(*o));

	o->refs = 1;
	o->key = xcopy(key, n);
	o->key_len = n;
	strcpy(o->class, "STANDARD");
	o->headers = xcopy("", 0);
	return o;
}

struct object *
object_ref(struct object *o)
{
	o->refs++;
	return o;
}

void
object_free(struct object *o)
{
	if (o == NULL || --o->refs > 0)
		return;
	body_free(&o->body);
	free(o->headers);
	free(o->key);
	free(o);
}

/* Out of the bucket for good: a file goes once nobody reads it. */
static void
object_drop(struct object *o)
{
	size_t i;

	for (i = 0; i < o->body.count; i++)
		blob_doom(o->body.pieces[i].blob);
	object_free(o);
}

/* Out of the bucket, but lists may show it for a while. */
static void
object_end(struct bucket *b, struct object *o)
{
	struct object **p;
	int64_t now = now_ns(), delay = b->f->set.list_delay * 1000000;

	if (delay > 0) {
		o->ended = now;
		o->past = b->past;
		b->past = object_ref(o);
	}
	for (p = &b->past; *p && now - (*p)->ended < delay; p = &(*p)->past)
		;
	while ((o = *p) != NULL) {
		*p = o->past;
		object_free(o);
	}
}

static struct node *
node_new(struct object *o, int height)
{
	struct node *n = xalloc(sizeof(*n) +
	    (size_t)height * sizeof(n->next[0]));

	n->o = o;
	n->height = height;
	return n;
}

static int
random_height(struct bucket *b)
{
	int h = 1;

	b->random ^= b->random << 13;
	b->random ^= b->random >> 7;
	b->random ^= b->random << 17;
	while (h < LEVELS && (b->random >> (2 * h) & 3) == 0)
		h++;
	return h;
}

struct bucket *
bucket_add(struct fakecos *f, const char *name)
{
	struct bucket *b = xalloc(sizeof(*b)), **end = &f->buckets;

	b->f = f;
	b->name = xcopy(name, strlen(name));
	b->head = node_new(NULL, LEVELS);
	b->random = 0x2545F4914F6CDD1Du;
	while (*end)
		end = &(*end)->next;
	return *end = b;
}

struct bucket *
bucket_find(struct fakecos *f, const char *name, size_t n)
{
	struct bucket *b;

	for (b = f->buckets; b; b = b->next)
		if (strlen(b->name) == n && memcmp(b->name, name, n) == 0)
			break;
	return b;
}

/* path[i] becomes the last node of level i before the key */
static struct node *
search(struct bucket *b, const char *key, size_t n, struct node **path)
{
	struct node *at = b->head, *next;
	int i;

	for (i = LEVELS - 1; i >= 0; i--) {
		while ((next = at->next[i]) != NULL && key_compare(
		    next->o->key, next->o->key_len, key, n) < 0)
			at = next;
		path[i] = at;
	}
	return at->next[0];
}

static bool
is_key(const struct node *n, const char *key, size_t len)
{
	return n && n->o->key_len == len && memcmp(n->o->key, key, len) == 0;
}

struct node *
store_seek(struct bucket *b, const char *key, size_t n, bool after)
{
	struct node *path[LEVELS], *at = search(b, key, n, path);

	return after && is_key(at, key, n) ? at->next[0] : at;
}

struct object *
store_get(struct fakecos *f, struct bucket *b, const char *key, size_t n)
{
	struct object *o = NULL;
	struct node *at;

	pthread_mutex_lock(&f->lock);
	at = store_seek(b, key, n, false);
	if (is_key(at, key, n))
		o = object_ref(at->o);
	pthread_mutex_unlock(&f->lock);
	return o;
}

/* False when the key is there and must not be. */
bool
store_insert(struct bucket *b, struct object *o, bool fresh)
{
	struct node *path[LEVELS], *at = search(b, o->key, o->key_len, path);
	int i;

	if (is_key(at, o->key, o->key_len) && fresh)
		return false;
	if (o->born == 0)
		o->born = now_ns();
	if (is_key(at, o->key, o->key_len)) {
		object_end(b, at->o);
		object_drop(at->o);
		at->o = o;
		return true;
	}
	at = node_new(o, random_height(b));
	for (i = 0; i < at->height; i++) {
		at->next[i] = path[i]->next[i];
		path[i]->next[i] = at;
	}
	b->count++;
	return true;
}

const char *
store_put(struct fakecos *f, struct bucket *b, struct object *o, bool fresh)
{
	bool ok;

	if (f->set.dir && !persist_save(f, b, o)) {
		object_free(o);
		return "InternalError";
	}
	pthread_mutex_lock(&f->lock);
	ok = store_insert(b, o, fresh);
	pthread_mutex_unlock(&f->lock);
	if (ok)
		return NULL;
	if (f->set.dir)
		object_drop(o);
	else
		object_free(o);
	return "FileAlreadyExists";
}

bool
store_remove(struct bucket *b, const char *key, size_t n)
{
	struct node *path[LEVELS], *at = search(b, key, n, path);
	int i;

	if (!is_key(at, key, n))
		return false;
	for (i = 0; i < at->height; i++)
		path[i]->next[i] = at->next[i];
	object_end(b, at->o);
	object_drop(at->o);
	free(at);
	b->count--;
	return true;
}

static void
bucket_clear(struct bucket *b, bool doom)
{
	struct node *n = b->head->next[0], *next;
	struct object *o;
	struct upload *u;

	for (; n; n = next) {
		next = n->next[0];
		if (doom)
			object_drop(n->o);
		else
			object_free(n->o);
		free(n);
	}
	memset(b->head->next, 0, LEVELS * sizeof(b->head->next[0]));
	b->count = 0;
	while ((o = b->past) != NULL) {
		b->past = o->past;
		object_free(o);
	}
	while ((u = b->uploads) != NULL) {
		upload_take(b, u);
		upload_free(u);
	}
}

static void
bucket_show(struct bucket *to, struct object *o)
{
	struct node *path[LEVELS], *at = search(to, o->key, o->key_len, path);
	int i;

	at = node_new(object_ref(o), random_height(to));
	for (i = 0; i < at->height; i++) {
		at->next[i] = path[i]->next[i];
		path[i]->next[i] = at;
	}
}

struct bucket *
bucket_at(struct bucket *b, int64_t ns)
{
	struct bucket *then = xalloc(sizeof(*then));
	struct object *o;
	struct node *n;

	then->head = node_new(NULL, LEVELS);
	then->random = b->random;
	for (n = b->head->next[0]; n; n = n->next[0])
		if (n->o->born <= ns)
			bucket_show(then, n->o);
	for (o = b->past; o; o = o->past)
		if (o->born <= ns && o->ended > ns)
			bucket_show(then, o);
	return then;
}

void
bucket_forget(struct bucket *then)
{
	bucket_clear(then, false);
	free(then->head);
	free(then);
}

void
buckets_wipe(struct fakecos *f)
{
	struct bucket *b;

	pthread_mutex_lock(&f->lock);
	for (b = f->buckets; b; b = b->next)
		bucket_clear(b, true);
	pthread_mutex_unlock(&f->lock);
}

void
buckets_free(struct fakecos *f)
{
	struct bucket *b;

	while ((b = f->buckets) != NULL) {
		f->buckets = b->next;
		bucket_clear(b, false);
		free(b->head);
		free(b->name);
		free(b);
	}
}
