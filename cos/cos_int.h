/*
 * cos/cos_int.h - what several files of cos/ share; no other layer includes it.
 */
#ifndef COSFTPD_COS_INT_H
#define COSFTPD_COS_INT_H

#include "cos.h"

/* ---- escape.c: percent-encoding of COS (cos-api 2, `enc`) ---- */
/* Appends.  keep_slash leaves '/' as it is (request paths, copy sources). */
void cos_escape(struct net_buf *, const char *, size_t, bool keep_slash);
/* Decodes %XY in place ('+' stays); the new length, -1 for a bad escape. */
ssize_t cos_unescape(char *, size_t);

/* ---- sign.c: request signature, algorithm sha1 ---- */
struct cos_pair {
	const char *name, *value;
};
struct cos_sign_request {
	const char *method;		/* any case */
	const char *path;		/* "/" + key, decoded */
	const struct cos_pair *param;	/* decoded, any order */
	size_t nparams;
	const struct cos_pair *header;	/* those to be signed, as sent */
	size_t nheaders;
	const char *secret_id, *secret_key;
	int64_t start, end;		/* Unix seconds */
};
/* Appends the value of the Authorization header. */
void cos_sign(struct net_buf *, const struct cos_sign_request *);

/* ---- crc64.c: CRC-64/XZ; start with 0, values are finished ones ---- */
#define COS_CRC64_POLY UINT64_C(0xC96C5795D7870F42)	/* ECMA-182, reflected */
uint64_t cos_crc64(uint64_t crc, const void *, size_t);
uint64_t cos_crc64_tables(uint64_t crc, const void *, size_t);
uint64_t cos_crc64_power(int n);	/* x^n; the top bit is x^0 */
/* crc64_fold.c: 16 bytes whose CRC, begun with 0, is that of the n bytes at
 * p (a multiple of 64, at least 64) begun with crc, both without the
 * complements at the ends. */
bool cos_crc64_can_fold(void);
void cos_crc64_fold(uint64_t crc, const unsigned char *p, size_t n,
    unsigned char rest[16]);
uint64_t cos_crc64_combine(uint64_t a, uint64_t b, int64_t len_b);

/* ---- xml.c: incremental, bounded, strict scanner ---- */
enum { XML_DEPTH = 16, XML_NAME = 64, XML_TEXT = 8192 };
enum cos_xml_event {
	XML_MORE,	/* all input used, nothing complete yet */
	XML_OPEN,	/* start of an element: name */
	XML_CLOSE,	/* end of an element: name, text (of a leaf, decoded) */
	XML_END,	/* the root element was closed */
	XML_BAD		/* reason says why; stays so */
};
struct cos_xml {
	char text[XML_TEXT];		/* NUL-terminated, may hold NUL bytes */
	size_t text_len;
	const char *reason;
	/* the scanner's own */
	int state, back;		/* back: the state after an entity */
	int depth;			/* open elements, the reported one too */
	char name[XML_DEPTH][XML_NAME];	/* with their prefixes */
	char token[XML_NAME];
	size_t token_len;
	size_t markup;			/* bytes since the last '<' or '&' */
	int run;			/* of '-' or ']' at the end of a section */
	char quote;
	bool started;			/* no XML declaration any more */
	bool decl;			/* inside it */
	bool leaf;			/* no child was seen in the open element */
	bool self_closed, pop;		/* to be done by the next call */
};
void cos_xml_init(struct cos_xml *);
/* Takes bytes from *p (advancing it and shrinking *n) up to the next event.
 * After XML_END only white space may follow (XML_MORE, else XML_BAD). */
enum cos_xml_event cos_xml_next(struct cos_xml *, const char **p, size_t *n);
/* on XML_OPEN/CLOSE: the element itself and its parent ("" for the root) */
const char *cos_xml_name(const struct cos_xml *);
const char *cos_xml_parent(const struct cos_xml *);
/* xml_entity.c: "amp", "#xe4" to UTF-8; its length, 0 when there is none */
enum { XML_ENTITY = 8 };		/* longest: #x10FFFF */
size_t cos_xml_entity(const char *name, size_t n, char out[4]);

/* ---- role.c: what the metadata service says of a role ---- */
enum { COS_SECRET_MAX = 256, COS_TOKEN_MAX = 4096 };
struct cos_role_keys {		/* wipe it: secrets */
	char code[64];
	char id[COS_SECRET_MAX + 1], key[COS_SECRET_MAX + 1];
	char token[COS_TOKEN_MAX + 1];
	int64_t expires;	/* Unix seconds */
};
int cos_role_parse(struct cos_role_keys *, const char *text, size_t n,
    struct err *e);

/* ---- credentials.c: the keys of a role (see request_int.h, too) ---- */
struct cos_credentials;
struct cos_key_wait {		/* zero it: of who waits for them */
	struct cos_key_wait *next;
	struct net_task *owner;
	struct cos_credentials *of;	/* NULL: not in the queue */
};
/* The client's, fetched from now on; NULL: out of memory. */
struct cos_credentials *cos_credentials_find(struct cos_client *,
    const struct conf_account *);
void cos_credentials_free(struct cos_credentials *);	/* the whole list */

/* ---- date.c ---- */
/* "2020-12-10T03:37:30.000Z", RFC 1123, or "Wed Jan 18 16:04:17 2017" (UTC,
 * seen in lists of uploads); -1 when it is none of them, or before 1970 */
int64_t cos_date(const char *);

/* ---- mime.c ---- */
const char *cos_mime(const char *key);	/* by extension; a default, never NULL */

/* ---- fault.c: what the store said, sorted by cause ---- */
/* code, message and request_id as sent, NULL when there was none.  status 0:
 * no answer came; message says why. */
void cos_fault_from(struct cos_fault *, int status, const char *code,
    const char *message, const char *request_id);
/* May the same request be sent again after a pause?  Not so for COS_CLOCK and
 * ExpiredToken: something has to be corrected first. */
bool cos_fault_retry(const struct cos_fault *);

/* ---- parts.c: the size of part n (1..10000), a pure function ---- */
/* Linear from min_part (>= 1 MiB) so that 10,000 parts just cover max_file;
 * a multiple of 64 KiB. */
int64_t cos_part_size(int n, int64_t min_part, int64_t max_file);
/* At least this much where size bytes were announced (-1: were not), and memory
 * is there for the parts of all uploads; a multiple of 64 KiB. */
int64_t cos_part_announced(int n, int64_t size, int64_t memory);
/* How many parts of one upload are under way at once, by the time one takes. */
enum { COS_PARTS_MAX = 16 };
int cos_part_depth(int64_t part_ms);

/* ---- client.c: what the operations of all buckets share ---- */
struct cos_client {
	struct net_loop *loop;
	struct log *log;
	struct net_pool *pool;
	struct cos_client_settings set;
	struct cos_budget *budget;
	struct cos_share *own_share;	/* owned: nobody else's; or NULL */
	struct cos_upload *uploads;	/* all, orphans too (upload.c) */
	size_t norphans;		/* freed by their owner, not yet ended */
	struct cos_inherit *inherit;	/* owned: of a worker that died */
	struct cos_credentials *credentials;	/* owned: of each role */
	struct net_task *waiting;	/* for both to end */
};
/* ---- share.c ---- */
void cos_count(const struct cos_client *, enum cos_total);	/* one more */

/* ---- patience.c: how often one transfer's requests are repeated (zero it) */
struct cos_patience {
	int answers, retries;	/* so far */
};
/* One more try: counted, or refused.  NULL: only a request's own limits.
 * patient: much depends on it. */
bool cos_patience_again(struct cos_patience *, bool patient);
void cos_patience_answered(struct cos_patience *);
/* A pause that was doubled so many times, at most `most`. */
int64_t cos_pause_ms(int64_t first, int doubled, int64_t most);

/* ---- breaker.c: is the store dead? (zero it; times in ms) ---- */
struct cos_breaker {
	int failures;			/* in a row */
	bool dead;
	int64_t answered_at, probe_at;
};
bool cos_breaker_lets(struct cos_breaker *, int64_t now);
void cos_breaker_answered(struct cos_breaker *, int64_t now);
/* A request was given up without an answer, or with a 5xx; true: it counts
 * as dead now. */
bool cos_breaker_failed(struct cos_breaker *, int64_t now);

struct cos_bucket {
	struct cos_client *client;
	const struct conf_account *account;	/* borrowed */
	struct cos_credentials *credentials;	/* the client's; NULL: the
						 * account has keys */
	char *at;			/* for the log: "BUCKET/PREFIX" */
	const char *prefix;		/* of all keys, "": none; in `at` */
	size_t prefix_len;
	char *host;			/* as signed: BUCKET.ENDPOINT[:PORT] */
	char *connect_host;		/* the same without the port */
	struct net_origin origin;
	int64_t overhead;		/* bytes of a connection, with a part or
					 * what is read ahead; 0 for http */
	int64_t skew;			/* s to add to our clock; learned */
	struct cos_breaker breaker;
	int64_t date;			/* s; of the last answer */
	int64_t ahead;			/* s its clock was, of ours */
};

/* ---- request.c: sign, send, retry, understand the answer ---- */
enum { COS_PARAMS = 8, COS_HEADERS = 48, COS_UPLOAD_ID_MAX = 256 };
enum cos_need {			/* what makes a 2xx a success */
	COS_NEED_NOTHING,
	COS_NEED_ETAG,		/* what is about an object's bytes; and the
				 * 200 of Complete and copy may be an <Error> */
	COS_NEED_UPLOAD_ID,
	COS_NEED_DELETED	/* the document of a batch, errors or not */
};
struct cos_call {		/* all strings borrowed until cos_request_free */
	const char *op;		/* the API's name for it, for the log */
	const char *method;
	const char *key;	/* without the bucket's prefix; NULL: the
				 * bucket itself */
	struct cos_pair param[COS_PARAMS];
	size_t nparams;
	struct cos_pair header[COS_HEADERS];
	size_t nheaders;
	const struct iovec *body;
	size_t nbody;
	enum cos_need need;
	struct cos_patience *patience;	/* of its transfer, or NULL */
	bool patient;		/* a transfer hangs on it: more tries, also
				 * of a store that seems dead */
	bool stream;		/* DONE at a 2xx head; the caller reads on */
	bool once;		/* may not be repeated when unanswered, or
				 * when a 5xx leaves in doubt what was done */
	bool quiet_404;		/* not found is an answer, not an error */
	bool always;		/* cleans up or settles: also asked of a store
				 * that seems dead */
	int64_t inside;		/* bytes that COS moves inside for it */
	int64_t since;		/* ms; it is waited for since then, 0: now */
};
struct cos_answer {		/* of a 2xx that is not streamed */
	char etag[COS_ETAG_MAX];
	char upload_id[COS_UPLOAD_ID_MAX];
	bool has_crc;
	uint64_t crc;		/* header, or CRC64 of the document */
};
struct cos_request;
struct cos_request *cos_request_new(struct cos_bucket *,
    const struct cos_call *, const char *who, struct net_task *owner);
enum cos_state cos_request_state(const struct cos_request *);
const struct cos_fault *cos_request_fault(const struct cos_request *);
const struct http_head *cos_request_head(const struct cos_request *);
const struct cos_answer *cos_request_answer(const struct cos_request *);
struct net_http *cos_request_http(struct cos_request *);
/* The last attempt may have been carried out although it failed. */
bool cos_request_unanswered(const struct cos_request *);
/* For the `since` of one that goes on for this one. */
int64_t cos_request_started(const struct cos_request *);
/* An earlier one may have been: it was sent more than once. */
bool cos_request_repeated(const struct cos_request *);
/* For who reads a stream: what its failure is as a fault, and the log line. */
void cos_request_stream_failed(struct cos_request *, struct cos_fault *);
void cos_request_free(struct cos_request *);

/* How long a store may be silent that moves so many bytes inside, before its
 * head once the request is sent and between bytes: longer than the usual, and
 * short enough for who waits, as all have an end in 90 s.  elapsed: ms of these;
 * 0: it is time to give up. */
int cos_answer_ms(int64_t bytes, int64_t elapsed);

void cos_call_param(struct cos_call *, const char *name, const char *value);
void cos_call_header(struct cos_call *, const char *name, const char *value);

/* A fault of our own finding, with its text. */
void cos_fault_set(struct cos_fault *, enum cos_cause, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void cos_object_from_head(struct cos_object *, const struct http_head *);
/* "BUCKET.HOST/escaped whole key" for x-cos-copy-source */
void cos_copy_source(struct net_buf *, const struct cos_bucket *,
    const char *key);

/* Unsigned decimal, whole text; false when it is not that. */
bool cos_crc_text(const char *, uint64_t *crc);

/* ---- budget.c: memory for parts, first come first served, in all workers
 * together ---- */
enum { COS_CHUNK = 256 * 1024 };
struct cos_budget;
struct cos_reserve {		/* zero it; part of who asks */
	struct cos_reserve *next;
	struct net_task *owner;
	int64_t bytes;
	uint64_t ticket;	/* lower: came earlier, in any worker */
	bool queued, granted;
};
struct cos_budget *cos_budget_new(struct net_loop *, struct cos_share *,
    int slot, int64_t limit);
void cos_budget_free(struct cos_budget *);
/* Granted now (true), or queued: the owner is woken when granted is set. */
bool cos_budget_ask(struct cos_budget *, struct cos_reserve *, int64_t bytes);
/* Now or not at all, and only while a quarter of the limit stays free. */
bool cos_budget_try(struct cos_budget *, int64_t bytes);
void cos_budget_cancel(struct cos_budget *, struct cos_reserve *);
void cos_budget_give(struct cos_budget *, int64_t bytes);
bool cos_budget_pressed(const struct cos_budget *);	/* somebody waits */
/* For the first bytes of an upload, beside the limit: who has sent next to
 * nothing holds no part and keeps nobody waiting.  NULL: all are taken. */
enum { COS_STARTER = 16 * 1024 };
void *cos_starter_new(struct cos_budget *);
void cos_starter_free(struct cos_budget *, void *);	/* NULL is fine */
void *cos_chunk_new(struct cos_budget *);
void cos_chunk_free(struct cos_budget *, void *);

/* ---- part.c: one part of a multipart upload, held until confirmed ---- */
struct cos_part {
	struct cos_part *next;
	int number;
	char number_text[8];
	size_t len, target;		/* bytes held; to be held */
	int64_t reserved;		/* of the budget */
	struct iovec *iov;		/* owned chunks */
	size_t niov;
	bool copy;			/* server-side: range of the old object */
	char range[64];
	char *source;			/* owned: x-cos-copy-source */
	int64_t copy_len;
	bool has_crc;
	uint64_t crc;
	struct cos_request *request;	/* NULL: waits to be sent */
	int tries;
	int64_t sent_at;		/* the loop's clock */
};
struct cos_part *cos_part_new(int number, size_t target, int64_t reserved);
void *cos_part_room(struct cos_part *, struct cos_budget *, size_t *room);
void cos_part_wrote(struct cos_part *, size_t n);
void cos_part_free(struct cos_part *, struct cos_budget *);

/* ---- errand.c: --check and --clean begin with one ---- */
struct cos_errand {
	struct net_task task;
	struct net_task *owner;
	struct cos_bucket *const *buckets;	/* borrowed */
	size_t n, at;			/* at n: over */
	FILE *out;
	int failures;
	void (*cancel)(struct cos_errand *);	/* frees what is under way */
};
void cos_errand_begin(struct cos_errand *, struct cos_bucket *const *,
    size_t n, FILE *out, void (*step)(struct net_task *, unsigned),
    void (*cancel)(struct cos_errand *), struct net_task *owner);
/* true: no bucket is left, and the owner is told. */
bool cos_errand_over(struct cos_errand *);
void cos_errand_give_up(struct cos_errand *);	/* out of memory */

/* ---- meta.c: the headers of an object that survive a copy by parts ---- */
/* Of our PUTs: the MD5 of the bytes in hex, and their CRC-64 as COS writes it
 * (object.c says what for). */
#define COS_META_MD5	"x-cos-meta-md5"
#define COS_META_CRC	"x-cos-meta-crc64"
#define COS_CLASS	"x-cos-storage-class"
#define COS_SSE		"x-cos-server-side-encryption"
#define COS_SSE_KEY	"x-cos-server-side-encryption-cos-kms-key-id"
enum { COS_META_MAX = 32, COS_META_BYTES = 2048 /* of COS: x-cos-meta-* */ };
struct cos_meta {
	struct cos_pair pair[COS_META_MAX];
	size_t n;
	size_t bytes;		/* of x-cos-meta-* names and values */
	char *text;		/* owned: all names and values */
};
/* false: too many to be kept, or out of memory */
/* same: the bytes stay what they are, and so does what is said about them */
bool cos_meta_from_head(struct cos_meta *, const struct http_head *,
    bool same);
void cos_meta_put(const struct cos_meta *, struct cos_call *);
void cos_meta_free(struct cos_meta *);

/* ---- uploads.c: the uploads of a bucket that are not completed ---- */
struct cos_pending {
	char key[COS_KEY_MAX + 2];	/* relative, as all keys here;
					 * "": none we could have begun */
	char id[COS_UPLOAD_ID_MAX];
	int64_t begun;			/* Unix seconds, -1: not given */
};
struct cos_uploads;
/* who is borrowed; the owner is woken when there may be a next one. */
struct cos_uploads *cos_uploads_new(struct cos_bucket *, const char *prefix,
    const char *who, struct net_task *owner);
/* NULL: nothing now, or the end: see the state.  Valid until the next call. */
const struct cos_pending *cos_uploads_next(struct cos_uploads *);
enum cos_state cos_uploads_state(const struct cos_uploads *);
const struct cos_fault *cos_uploads_fault(const struct cos_uploads *);
void cos_uploads_free(struct cos_uploads *);

/* ---- abort.c: end a multipart upload for sure ---- */
struct cos_abort;
/* id NULL: the answer to Initiate was lost: find what it left, begun at or
 * after `since` (Unix seconds of the store), and abort that. */
struct cos_abort *cos_abort_new(struct cos_bucket *, const char *key,
    const char *id, int64_t since, const char *who, struct net_task *owner);
bool cos_abort_done(const struct cos_abort *);
/* Once done, with an id: nothing of it is left. */
bool cos_abort_succeeded(const struct cos_abort *);
void cos_abort_free(struct cos_abort *);
/* inherit.c: NULL is fine */
void cos_inherit_free(struct cos_inherit *);
/* upload.c: at the end of the program */
void cos_uploads_drop(struct cos_client *);

/* ---- copy.c: one object copied inside COS and verified ---- */
struct cos_copy;
struct cos_copy *cos_copy_new(struct cos_bucket *, const char *from,
    const char *to, const struct cos_object *src, const char *who,
    struct net_task *owner);
enum cos_state cos_copy_state(const struct cos_copy *);
const struct cos_fault *cos_copy_fault(const struct cos_copy *);
void cos_copy_free(struct cos_copy *);

/* ---- keys.c ---- */
struct cos_keys {		/* zero is an empty one */
	char *text;		/* owned: keys, one after the other */
	size_t len, text_cap, n;
	int64_t *size;		/* owned: of the objects */
	size_t size_cap;
};
bool cos_keys_add(struct cos_keys *, const char *key, int64_t size);
/* How many keys from the offset on go into one delete, and their bytes. */
size_t cos_keys_batch(const struct cos_keys *, size_t at, size_t *bytes);
void cos_keys_free(struct cos_keys *);

/* ---- rename_key.c: one key of a directory that is renamed ---- */
enum cos_move_mode {
	COS_MOVE_FRESH,		/* the target is not there */
	COS_MOVE_AGAIN,		/* it may be, from a run that was broken off */
	COS_MOVE_CHECK,		/* no copy: where it is there, is it equal? */
	COS_MOVE_EQUAL		/* no copy: it must be there and equal */
};
struct cos_move;
struct cos_move *cos_move_new(struct cos_bucket *, const char *from,
    const char *to, enum cos_move_mode, const char *who,
    struct net_task *owner);
enum cos_state cos_move_state(struct cos_move *);	/* steps it */
const struct cos_fault *cos_move_fault(const struct cos_move *);
/* The source and its size when the target equals it now; else NULL. */
const char *cos_move_key(const struct cos_move *, int64_t *size);
/* COS_MOVE_CHECK: the target is there, and no source. */
bool cos_move_alone(const struct cos_move *);
void cos_move_free(struct cos_move *);

/* ---- rename_tree.c: a directory ---- */
struct cos_tree;
struct cos_tree *cos_tree_new(struct cos_bucket *, const char *from,
    const char *to, const char *who, struct net_task *owner);
enum cos_state cos_tree_state(const struct cos_tree *);
const struct cos_fault *cos_tree_fault(const struct cos_tree *);
bool cos_tree_copied(const struct cos_tree *);
void cos_tree_also(struct cos_tree *, const char *key);
bool cos_tree_moved(const struct cos_tree *, struct cos_moved *);
void cos_tree_free(struct cos_tree *);

/* ---- delete_many.c: DELETE Multiple Objects, up to 1000 keys ---- */
struct cos_delete_many;
/* keys: n C strings one after the other; copied */
struct cos_delete_many *cos_delete_many_new(struct cos_bucket *,
    const char *keys, size_t n, const char *who, struct net_task *owner);
enum cos_state cos_delete_many_state(const struct cos_delete_many *);
const struct cos_fault *cos_delete_many_fault(const struct cos_delete_many *);
void cos_delete_many_free(struct cos_delete_many *);
bool cos_key_fits_xml(const char *key);

#endif
