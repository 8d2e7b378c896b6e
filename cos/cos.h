/*
 * cos/cos.h - one bucket, as verbs: head, list, get, put, copy, remove.
 *
 * Keys are UTF-8 C strings without a leading slash, relative to the account's
 * cos_prefix; that, escaping, signing, XML, retries and logging stay inside.
 * Every verb returns an operation that wakes its owner and is read with its
 * _state call; freeing it early cancels it and leaves nothing pending in the
 * bucket.  `who` (session number and user, for the log) is borrowed until the
 * operation is freed.
 */
#ifndef COSFTPD_COS_H
#define COSFTPD_COS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../conf/conf.h"
#include "../conf/log.h"
#include "../net/net.h"

enum { COS_KEY_MAX = 850, COS_ETAG_MAX = 128 };

/* ---- what several workers share: memory_limit, the uploads under way ---- */
struct cos_share;
/* Before fork; slots for the workers of several configurations, of which one
 * has so many. */
struct cos_share *cos_share_new(int slots, int workers, struct err *);
/* The supervisor says so of a worker that has ended: what it held is free.
 * The next client of that slot aborts the uploads it left. */
void cos_share_forget(struct cos_share *, int slot);
void cos_share_free(struct cos_share *);
/* Of all slots and of all the time, but for the memory held now (bytes). */
enum cos_total {
	COS_REQUESTS,		/* sent, repeated ones each time */
	COS_RETRIES,
	COS_FAILURES,		/* given up */
	COS_COUNTS,
	COS_MEMORY = COS_COUNTS,
	COS_TOTALS
};
void cos_share_totals(const struct cos_share *, int64_t total[COS_TOTALS]);

/* ---- what all buckets share ---- */
struct cos_client;
struct cos_client_settings {
	int64_t memory_limit;	/* bytes for all parts and read-ahead together */
	int64_t max_file;	/* single_file_max_size */
	int64_t min_part;
	int parts_in_flight;	/* 0: up to 16 */
	int64_t copy_max;	/* bytes of one server-side copy, 0: 5 GiB */
	bool https;		/* some bucket's: its connections count as well */
	const struct tls_trust *trust;	/* NULL: no https */
	struct cos_share *share;	/* NULL: nobody to share with */
	int slot;			/* of share: this worker's own */
};
struct cos_client *cos_client_new(struct net_loop *, struct log *,
    struct net_resolver *, const struct cos_client_settings *, struct err *);
void cos_client_free(struct cos_client *);
/* Aborts of cancelled uploads that are still under way; the task is woken
 * when the number reaches 0. */
size_t cos_client_pending(const struct cos_client *, struct net_task *);
/* Logs the upload ids of what is still pending (at the end of a stop). */
void cos_client_give_up(struct cos_client *);
/* Largest file that memory_limit and 10,000 parts allow. */
int64_t cos_largest_file(const struct cos_client_settings *);
/* memory_limit for files of max_file: its largest part, and with https the
 * buffers of the connection it is sent on. */
int64_t cos_memory_needed(const struct cos_client_settings *);

struct cos_bucket;
/* Aborts, in the background, what the last worker of this slot left. */
void cos_client_inherit(struct cos_client *, struct cos_bucket *const *,
    size_t n);
struct cos_bucket *cos_bucket_new(struct cos_client *,
    const struct conf_account *, struct err *);
void cos_bucket_free(struct cos_bucket *);
/* Bytes a key may have: COS_KEY_MAX less the account's prefix. */
size_t cos_key_max(const struct cos_bucket *);
/* Unix seconds by the store's clock, of its last answer; 0: none yet */
int64_t cos_bucket_date(const struct cos_bucket *);

/* ---- outcomes ---- */
enum cos_state { COS_BUSY, COS_DONE, COS_FAILED };

enum cos_cause {		/* what a gateway can say about a failure */
	COS_OK,
	COS_NOT_FOUND,		/* NoSuchKey, or a 404 to HEAD */
	COS_NO_BUCKET,
	COS_DENIED,		/* AccessDenied, bad keys, signature */
	COS_NO_KEYS,		/* a role's temporary keys are not to be had */
	COS_CLOCK,		/* our clock differs, also after correction */
	COS_EXISTS,		/* FileAlreadyExists */
	COS_IN_USE,		/* another upload appends to it just now */
	COS_CHANGED,		/* 412, or the object changed underneath */
	COS_ARCHIVED,		/* InvalidObjectState */
	COS_FORBIDDEN_TYPE,	/* DownloadForbidden: apk, ipa */
	COS_TOO_LARGE,
	COS_BAD_NAME,		/* KeyTooLong, InvalidObjectName */
	COS_RANGE,		/* offset past the end */
	COS_CORRUPT,		/* checksum or length does not match */
	COS_REFUSED,		/* any other 4xx */
	COS_UNAVAILABLE,	/* 5xx, network, time-outs: may be tried later */
	COS_NAME_LOOKUP,	/* the endpoint's name does not resolve */
	COS_TLS,		/* certificate or protocol */
	COS_MALFORMED		/* HTTP or XML from the store makes no sense */
};
struct cos_fault {
	enum cos_cause cause;
	int status;		/* HTTP, 0: none came */
	char code[64];		/* COS error code, "" when there was none */
	char text[256];		/* one line for the log and --check */
	int64_t skew;		/* COS_CLOCK: seconds the store is ahead of us */
};

/* ---- single requests: head, mkdir marker, delete, exists below ---- */
struct cos_object {
	int64_t size;
	int64_t mtime;		/* Unix seconds, 0: unknown */
	char etag[COS_ETAG_MAX];	/* with its quotes, as sent */
	bool has_crc;
	uint64_t crc;
	char md5[33];		/* lower-case hex, "": not known for certain */
	char storage_class[32];	/* "" = STANDARD */
	char encryption[16], kms_key[128];	/* "": none said */
	char content_type[256];
};
struct cos_op;
struct cos_op *cos_head_new(struct cos_bucket *, const char *key,
    const char *who, struct net_task *owner);
struct cos_op *cos_put_empty_new(struct cos_bucket *, const char *key,
    const char *who, struct net_task *owner);
struct cos_op *cos_delete_new(struct cos_bucket *, const char *key,
    const char *who, struct net_task *owner);
enum cos_state cos_op_state(const struct cos_op *);
const struct cos_object *cos_op_object(const struct cos_op *); /* head */
const struct cos_fault *cos_op_fault(const struct cos_op *);
void cos_op_free(struct cos_op *);

/* ---- errands: in every bucket, a line of each to out ---- */
struct cos_errand;
/* --check: does each account work? */
struct cos_errand *cos_check_new(struct cos_bucket *const *, size_t n,
    FILE *out, struct net_task *owner);
/* --clean: abort uploads begun at least age seconds ago */
struct cos_errand *cos_clean_new(struct cos_bucket *const *, size_t n,
    int64_t age, FILE *out, struct net_task *owner);
/* The owner is woken at the end. */
bool cos_errand_done(const struct cos_errand *, int *failures);
void cos_errand_free(struct cos_errand *);

/* ---- listing ---- */
struct cos_list;
struct cos_entry {		/* valid until the next cos_list_next */
	const char *name;	/* the key, decoded; directories end in '/' */
	size_t name_len;	/* names may hold any byte, NUL too */
	bool dir;		/* a common prefix */
	int64_t size, mtime;
	const char *etag, *storage_class;
};
/* delimiter false: all keys below prefix, else one level.  page: entries of
 * one request, 1..1000; pages follow as they are needed. */
struct cos_list *cos_list_new(struct cos_bucket *, const char *prefix,
    bool delimiter, int page, const char *who, struct net_task *owner);
/* BUSY until the last entry was taken; a page that fails fails the whole. */
enum cos_state cos_list_state(const struct cos_list *);
/* NULL: nothing now.  In key order; the prefix itself is among the keys
 * where it is one, that of the root as an empty name. */
const struct cos_entry *cos_list_next(struct cos_list *);
const struct cos_fault *cos_list_fault(const struct cos_list *);
void cos_list_free(struct cos_list *);

/* ---- download ---- */
struct cos_download;
/* offset > size ends in COS_RANGE; offset == size is an empty success. */
struct cos_download *cos_download_new(struct cos_bucket *, const char *key,
    int64_t offset, const char *who, struct net_task *owner);
/* BUSY until all bytes have been taken and checked. */
enum cos_state cos_download_state(const struct cos_download *);
/* NULL until the store has answered that the object is there. */
const struct cos_object *cos_download_object(const struct cos_download *);
const char *cos_download_peek(struct cos_download *, size_t *n);
void cos_download_drop(struct cos_download *, size_t n);
const struct cos_fault *cos_download_fault(const struct cos_download *);
void cos_download_free(struct cos_download *);

/* ---- upload ---- */
enum cos_upload_mode {
	COS_PUT,		/* the whole object */
	COS_APPEND,		/* old object + new bytes */
	COS_RESUME		/* first offset bytes of the old one + new bytes */
};
struct cos_upload_request {
	enum cos_upload_mode mode;
	const char *copy_from;		/* COS_RESUME: the old object's key,
					 * NULL: the same (copied) */
	const char *if_match;		/* COS_RESUME: its ETag, NULL: any */
	int64_t offset;			/* COS_RESUME */
	int64_t size;			/* ALLO, -1 unknown */
	bool no_overwrite;		/* overwrite_enable = false */
};
struct cos_upload;
struct cos_upload *cos_upload_new(struct cos_bucket *, const char *key,
    const struct cos_upload_request *, const char *who,
    struct net_task *owner);
/* COS_APPEND and COS_RESUME: true when the old object has been read and the
 * offset is right (at once for COS_PUT): now the client may send. */
bool cos_upload_ready(const struct cos_upload *);
/* Where to put the next bytes; NULL and *room = 0: stop reading, the owner is
 * woken when there is room. */
void *cos_upload_room(struct cos_upload *, size_t *room);
void cos_upload_wrote(struct cos_upload *, size_t n);
/* All bytes are there.  When nothing but the last request is left to do, it
 * asks: the owner says confirm, or cut when the client has gone meanwhile.
 * DONE follows when COS has confirmed the object. */
void cos_upload_finish(struct cos_upload *);
bool cos_upload_asks(const struct cos_upload *);
void cos_upload_confirm(struct cos_upload *);
/* The client was cut off.  keep: make an object of what arrived where that
 * replaces nothing (design: policy "complete"); else, or where it would, the
 * upload is aborted.  DONE follows either way; cos_upload_kept tells. */
void cos_upload_cut(struct cos_upload *, bool keep);
bool cos_upload_kept(const struct cos_upload *);
enum cos_state cos_upload_state(const struct cos_upload *);
const struct cos_object *cos_upload_object(const struct cos_upload *);
const struct cos_fault *cos_upload_fault(const struct cos_upload *);
int64_t cos_upload_size(const struct cos_upload *);	/* incl. the old part */
void cos_upload_free(struct cos_upload *);	/* aborts if not DONE */

/* ---- rename: copy, verify, delete ---- */
struct cos_rename;
/* A file: src is what a HEAD of from said.  A directory: both names end in
 * '/', src is NULL, all keys below it move.  A target directory that exists
 * is COS_EXISTS, unless all in it is what an earlier, broken off run of the
 * same rename left there. */
struct cos_rename *cos_rename_new(struct cos_bucket *, const char *from,
    const char *to, const struct cos_object *src, const char *who,
    struct net_task *owner);
/* Right after it, for a directory: a key below from or to that a list may not
 * show yet; those of each in key order. */
void cos_rename_also(struct cos_rename *, const char *key);
enum cos_state cos_rename_state(const struct cos_rename *);
const struct cos_fault *cos_rename_fault(const struct cos_rename *);
/* The copies are all there, only removing the sources failed. */
bool cos_rename_copied(const struct cos_rename *);
/* One after the other, from zero: the keys copied, by their old names. */
struct cos_moved {
	const char *key;
	int64_t size;
	size_t at, i;
	size_t left;		/* behind this one */
};
bool cos_rename_moved(const struct cos_rename *, struct cos_moved *);
void cos_rename_free(struct cos_rename *);

#endif
