/*
 * store.h - what the server keeps: bodies, objects, buckets, uploads.
 *
 * Objects never change once they are in a bucket and are counted by
 * reference, so a reader is not disturbed by an overwrite.  A body is a list
 * of pieces of blobs: complete and copy move no bytes (but with --dir they
 * write one file).
 */
#ifndef FAKECOS_STORE_H
#define FAKECOS_STORE_H

#include "fakecos.h"

struct blob;

struct piece {
	struct blob *blob;
	int64_t at, len;
};

struct body {
	struct piece *pieces;
	size_t count;
	int64_t size;
	uint64_t crc;
	bool has_crc;
	char etag[64];		/* without quotes */
};

struct object {
	atomic_int refs;
	char *key;
	size_t key_len;
	struct body body;
	int64_t mtime;		/* ms, server's clock */
	int64_t born, ended;	/* ns, monotonic: when it was in the bucket */
	struct object *past;	/* the next of bucket.past */
	char class[32];
	char *headers;		/* "Name: value\r\n" ..., as stored */
};

struct part {
	bool there;
	int64_t mtime;
	struct body body;
};

struct upload {
	struct upload *next;	/* by key, then id */
	char id[80];
	char *key;
	size_t key_len;
	int64_t initiated;
	char class[32];
	char *headers;
	struct part *parts;	/* parts[0] is part number 1 */
	size_t room, count;
};

struct node {			/* skip list */
	struct object *o;
	int height;
	struct node *next[];
};

struct bucket {
	struct bucket *next;
	char *name;
	struct node *head;
	size_t count;
	struct fakecos *f;
	struct object *past;	/* gone or replaced, while lists lag; the
				 * latest first */
	uint64_t random;
	struct upload *uploads;
};

/* ---- body.c ---- */
enum blob_kind { BLOB_MEMORY, BLOB_MAPPED, BLOB_FILE, BLOB_PATTERN };

/* memory, or with --dir an unnamed mapped file; NULL: no space */
struct blob *blob_new(struct fakecos *, int64_t size);
struct blob *blob_pattern(void);		/* any size, no bytes kept */
struct blob *blob_file(const char *path, int64_t offset, int64_t size);
unsigned char *blob_bytes(struct blob *);	/* of blob_new, to fill it */
void blob_doom(struct blob *);			/* its file goes with it */
void blob_free(struct blob *);

void body_add(struct body *, struct blob *, int64_t at, int64_t len);
/* appends [at, at + len) of from, sharing the blobs */
void body_share(struct body *, const struct body *from, int64_t at, int64_t len);
void body_flatten(struct body *);	/* one pattern of the same size */
void body_free(struct body *);
/* calls put with slices of [at, at + len) until it says false */
bool body_each(struct fakecos *, const struct body *, int64_t at, int64_t len,
    bool (*put)(void *, const unsigned char *, size_t), void *);
uint64_t body_crc(struct fakecos *, const struct body *, int64_t at, int64_t len);
uint64_t pattern_crc(struct fakecos *, int64_t at, int64_t len);
void etag_fake(struct fakecos *, char out[64]);

/* ---- store.c: the caller holds the lock unless it says otherwise ---- */
struct bucket *bucket_add(struct fakecos *, const char *name);
struct bucket *bucket_find(struct fakecos *, const char *name, size_t);
void buckets_wipe(struct fakecos *);		/* takes the lock */
void buckets_free(struct fakecos *);

int key_compare(const char *, size_t, const char *, size_t);
struct object *object_new(const void *key, size_t);
struct object *object_ref(struct object *);
void object_free(struct object *);
struct object *store_get(struct fakecos *, struct bucket *, const char *,
    size_t);					/* takes the lock; a reference */
/* Takes the lock and the object, also when it fails: FileAlreadyExists with
 * fresh set, or InternalError when the disk does not take it.  NULL: done. */
const char *store_put(struct fakecos *, struct bucket *, struct object *,
    bool fresh);
bool store_insert(struct bucket *, struct object *, bool fresh);
bool store_remove(struct bucket *, const char *, size_t);
/* What was in the bucket at that time, in order; bucket_forget ends it. */
struct bucket *bucket_at(struct bucket *, int64_t ns);
void bucket_forget(struct bucket *);
/* the first object with key >= (or > when after) */
struct node *store_seek(struct bucket *, const char *, size_t, bool after);

/* ---- uploads.c: the caller holds the lock ---- */
struct upload *upload_add(struct fakecos *, struct bucket *, const char *key,
    size_t);
struct upload *upload_find(struct bucket *, const char *key, size_t,
    const char *id);
void upload_take(struct bucket *, struct upload *);	/* out of the list */
void upload_put(struct upload *, int64_t number, struct body *, int64_t mtime);
void upload_free(struct upload *);

/* ---- persist.c ---- */
bool persist_load(struct fakecos *);
/* writes the object and points its body at the file */
bool persist_save(struct fakecos *, struct bucket *, struct object *);

#endif
