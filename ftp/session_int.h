/*
 * ftp/session_int.h - one control connection and what its commands share.
 *
 * A command that has to wait becomes a job: at most one at a time, stepped by
 * the session's task, which owns every operation and data connection of the
 * session.  Commands sent meanwhile wait in the input, but for ABOR and STAT
 * during a transfer.
 */
#ifndef COSFTPD_SESSION_INT_H
#define COSFTPD_SESSION_INT_H

#include "ftp_int.h"
#include "super_int.h"

struct ftp_session;

struct ftp_job {
	/* Makes progress; ends with ftp_job_end after the final reply. */
	void (*step)(struct ftp_session *, struct ftp_job *);
	void (*free)(struct ftp_job *);
	/* ABOR, or the control connection was lost (s->gone): end soon. */
	void (*abort)(struct ftp_session *, struct ftp_job *);
	bool transfer;		/* ABOR and STAT are answered meanwhile */
	bool finishes_alone;	/* goes on when the client is gone */
};

struct ftp_listener {
	struct net_task task;
	struct ftp_server *server;
	int fd;				/* borrowed; -1: none */
	bool tls;			/* from the first byte */
};

struct ftp_server {
	struct net_loop *loop;
	struct log *log;
	struct ftp_xferlog *xferlog;
	const struct conf *conf;
	struct cos_bucket *const *buckets;
	struct net_resolver *resolver;
	struct net_helper *helper;
	const struct tls_identity *identity;	/* NULL: no FTPS */
	struct tls_cache *cache;
	struct ftp_listener plain, implicit;
	int spare;			/* a descriptor to say 421 with */
	struct ftp_session *sessions;
	size_t nsessions;		/* of this worker */
	size_t max_sessions;		/* of all; 0: no limit */
	struct ftp_share *share;
	struct ftp_limits *limits;
	int slot;
	bool draining, hard;
	struct net_task *drain_owner;
	struct net_task masq_task;	/* masquerade_address as a name */
	struct net_lookup *masq_lookup;
	struct net_addr masq;
	bool has_masq;
	bool warned_private;
	struct ftp_gbk *gbk;		/* owned; NULL: nobody uses it */
};

struct ftp_named {		/* an object this session knows something of */
	char path[FTP_PATH_MAX];
	bool dir;
	struct cos_object object;
};

struct ftp_session {
	struct net_task task;
	struct ftp_session *next, *prev;
	struct ftp_server *server;
	struct ftp_seat *seat;		/* owned: its place in the share */
	unsigned id;			/* 0: not begun */
	char who[96];			/* "#12 user", for the log */
	struct net_stream *control;
	struct net_addr peer;		/* the client, as a balancer says */
	struct net_addr local;		/* our end */
	struct net_addr reached;	/* what the client connected to */
	struct net_proxy *proxy;	/* owned: a balancer's header is read */
	struct ftp_line line;
	bool line_held;			/* line waits for the job's end */
	enum ftp_line_status held;	/* what it is */
	char verb[9];			/* the command being carried out */
	const char *arg;		/* a slice of line.text */
	char path[FTP_PATH_MAX];	/* of the command, once joined */
	bool arg_dir;			/* the argument ended in a slash */
	const struct ftp_command *command;
	struct ftp_job *job;		/* owned */
	bool gone;			/* the control connection is lost */
	int noops;			/* answered when the job has ended */
	bool unread;			/* too many replies wait for the client */
	bool quitting;			/* close when the replies are out */
	bool implicit;			/* TLS from the first byte */
	bool tls, handshake;		/* on the control connection, under way */
	bool pbsz, protect;		/* PBSZ was given; PROT P */

	char *user;			/* owned: of USER */
	const struct conf_account *account;	/* NULL: not logged in */
	struct cos_bucket *bucket;
	int login_failures, unknown_run;
	int64_t started, login_until;

	char cwd[FTP_PATH_MAX];
	int64_t rest, allo;
	bool epsv_all;
	bool utf8;			/* OPTS UTF8 ON was sent */
	unsigned facts;
	unsigned hash;			/* the algorithm HASH uses */
	struct ftp_data *data;		/* owned: of the last PASV .. EPRT */

	struct ftp_named *renaming;	/* owned: RNFR was accepted */
	struct ftp_named *stored;	/* owned: what was stored last */
	struct ftp_recent *recent;	/* owned */
};

/* ---- server.c: sessions start as the loop runs ---- */
struct ftp_server *ftp_server_new(struct net_loop *, struct net_resolver *,
    struct net_helper *, struct cos_bucket *const *buckets, int slot,
    const struct ftp_worker_settings *, struct err *);
/* Stop accepting; owner is woken when the last session has ended. */
void ftp_server_retire(struct ftp_server *, struct net_task *owner);
/* Stop accepting and reading; transfers are settled by policy.  owner is
 * woken when no session is left.  A second call (hard) drops what is not yet
 * being completed in the store. */
void ftp_server_drain(struct ftp_server *, bool hard, struct net_task *owner);
size_t ftp_server_sessions(const struct ftp_server *);
/* Gives the session its seat once more, now that its client is known; NULL, or
 * why it cannot stay, which is logged. */
const char *ftp_server_readmit(struct ftp_session *);
void ftp_server_free(struct ftp_server *);

/* ---- share.c ---- */
unsigned ftp_share_next_id(struct ftp_share *);	/* of a session */
/* For an ftp_address_key, 0: nobody's yet.  NULL: this worker has no seat
 * left. */
struct ftp_seat *ftp_seat_take(struct ftp_share *, int slot, uint64_t address);
void ftp_seat_leave(struct ftp_share *, int slot, struct ftp_seat *);
/* Whose session it is: ftp_user_hash, 0: nobody's yet. */
void ftp_seat_user(struct ftp_seat *, uint64_t user);
size_t ftp_share_sessions_of_user(const struct ftp_share *, uint64_t user);
size_t ftp_share_sessions_of(const struct ftp_share *, uint64_t address);
void ftp_share_open(struct ftp_share *, int slot, bool);
void ftp_seat_show(struct ftp_seat *, const struct ftp_doing *);
void ftp_seat_moved(struct ftp_seat *, int64_t bytes);	/* so far */
/* another open worker has fewer sessions */
bool ftp_share_is_busiest(const struct ftp_share *, int slot);

/* ---- limits.c ---- */
uint64_t ftp_user_hash(const char *user);	/* never 0 */
/* The address, or of IPv6 the network of one site (RFC 6177): whoever has one
 * address there has all.  Never 0. */
uint64_t ftp_address_key(const struct net_addr *);
/* A number of 32 bits that is always the same, and nobody can tell. */
uint64_t ftp_limits_choice(const struct ftp_limits *, const char *user);
/* ms until an address may log in again; 0: it may.  now is in ms here and
 * below. */
int64_t ftp_limits_banned(struct ftp_limits *, const struct net_addr *,
    int64_t now);
/* Counts a failed login, which is to be answered after *delay ms; true: now
 * the address is banned. */
bool ftp_limits_failed(struct ftp_limits *, const struct net_addr *,
    const struct conf *, int64_t now, int64_t *delay);
struct ftp_rate;
struct ftp_rate *ftp_limits_rate(struct ftp_limits *, const char *user);
/* ms until more bytes may move; 0: now */
int64_t ftp_rate_wait(const struct ftp_rate *, enum ftp_kind,
    int64_t now);
void ftp_rate_pay(struct ftp_rate *, enum ftp_kind, int64_t rate,
    size_t n, int64_t now);

/* ---- session.c ---- */
/* tls: the handshake comes first; proxied: before it a balancer's header.
 * Takes fd and the seat. */
void ftp_session_new(struct ftp_server *, int fd, const struct net_addr *peer,
    bool tls, bool proxied, struct ftp_seat *);
/* It begins: the greeting, or TLS.  by: the balancer it came through, or NULL.
 * false: out of memory, which is logged. */
bool ftp_session_welcome(struct ftp_session *, const struct net_addr *by);
void ftp_session_free(struct ftp_session *);
/* Drain: idle sessions get 421; hard drops the rest. */
void ftp_session_drain(struct ftp_session *, bool hard);
/* Replaces *at, owned by the session; object NULL: a directory; path NULL:
 * nothing any more.  false: out of memory. */
bool ftp_session_note(struct ftp_named **at, const char *path,
    const struct cos_object *);
void ftp_session_reset(struct ftp_session *);	/* REIN, a second USER */
/* The client has closed the control connection, read to its end or not. */
bool ftp_session_deserted(struct ftp_session *);
void ftp_session_name(struct ftp_session *);	/* fills who */
/* ftp_path_join from the cwd; the limit counts the account's cos_prefix. */
enum ftp_path_status ftp_session_join(const struct ftp_session *,
    char out[FTP_PATH_MAX], const char *arg, bool *dir);
void ftp_job_start(struct ftp_session *, struct ftp_job *);
void ftp_job_end(struct ftp_session *);
void ftp_session_deadline(struct ftp_session *, int64_t in_ms);

/* ---- status.c: what others see of it ---- */
void ftp_session_show(struct ftp_session *);
void ftp_session_count(struct ftp_session *, int what, int64_t n);

/* ---- xferlog.c ---- */
/* Of s->path; direction i: upload, o: download, d: deleted. */
void ftp_xferlog(struct ftp_session *, char direction, int64_t bytes,
    int64_t ms, bool complete);
/* ---- proxied.c: what comes through a load balancer ---- */
enum { FTP_PROXY_MS = 5 * 1000 };	/* for its header */
bool ftp_proxied_begin(struct ftp_session *);	/* false: out of memory */
/* While s->proxy: who is it?  Then the session begins, or ends. */
void ftp_proxied_step(struct ftp_session *, bool timeout);

/* ---- reply.c ---- */
/* One reply, one write.  Final ones (200 and above) are logged. */
void ftp_reply(struct ftp_session *, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Only the first line of several: "CODE-text". */
void ftp_reply_begin(struct ftp_session *, int code, const char *text);
/* Several lines: "CODE-first", then lines as they are, then "CODE last". */
void ftp_reply_lines(struct ftp_session *, int code, const char *first,
    const struct net_buf *lines, const char *last);
/* A fault of the store in words for a client. */
void ftp_reply_fault(struct ftp_session *, const struct cos_fault *);

/* ---- password.c ---- */
/* The account, or the number of accounts: nobody's. */
typedef void ftp_password_done(struct ftp_session *, size_t account);
/* Of s->user and s->arg; done is called now, or by a job that has ended. */
void ftp_password_check(struct ftp_session *, ftp_password_done *done);

/* ---- recent.c ---- */
void ftp_note_stored(struct ftp_session *, const char *key, int64_t size,
    const char *etag);
void ftp_note_gone(struct ftp_session *, const char *key);

/* ---- encoding.c: UTF-8 inside, the session's encoding outside ---- */
bool ftp_encoding_used(const struct conf *);	/* is there GBK? */
/* The argument to UTF-8; false: replied already */
bool ftp_encoding_take(struct ftp_session *);
/* Can the client be shown this name? */
bool ftp_encoding_can(const struct ftp_session *, const char *name);
/* In place, never longer; false: not to be expressed, text is spoilt */
bool ftp_encoding_give(const struct ftp_session *, char *text, size_t *n);
void ftp_encoding_opts(struct ftp_session *, const char *arg);	/* OPTS UTF8 */

/* ---- command.c: the table and the dispatcher ---- */
enum {
	CMD_LOGIN = 1,		/* needs a login */
	CMD_READ = 2,
	CMD_WRITE = 4,
	CMD_REMOVE = 8,		/* delete_enable */
	CMD_PATH = 16,		/* argument is a path: joined into s->path */
	CMD_LOG = 32,		/* its outcome is an event for the log */
	CMD_FEAT = 64,		/* named by FEAT */
	CMD_ARG = 128,		/* needs an argument */
	CMD_HIDDEN = 256,	/* an X alias: not in HELP */
	CMD_MOVES = 512,	/* a transfer: uses up REST and ALLO, even
				 * refused */
	CMD_TLS = 1024,		/* there must be a certificate */
	CMD_SECRET = 2048	/* not in clear where mode asks for TLS */
};
struct ftp_command {
	char verb[5];
	void (*run)(struct ftp_session *);
	unsigned flags;
	const char *feat;	/* CMD_FEAT: the line, NULL: the verb */
};
void ftp_command_run(struct ftp_session *);	/* verb and arg are set */
bool ftp_command_known(const char *verb);
const struct ftp_command *ftp_command_list(size_t *n);
/* For HELP and FEAT. */
bool ftp_command_offered(const struct ftp_session *,
    const struct ftp_command *);

/* ---- data.c: the data connection ---- */
struct ftp_data;
/* The connection is TLS when PROT P holds as it is accepted, or else as the
 * transfer begins: a client may shake hands at once, or after the 150. */
enum ftp_data_state { DATA_WAITING, DATA_OPEN, DATA_FAILED };
/* *port is the listening port; NULL: no port is free (425) */
struct ftp_data *ftp_data_passive(struct ftp_session *, uint16_t *port);
struct ftp_data *ftp_data_active(struct ftp_session *,
    const struct net_addr *to);
void ftp_data_start(struct ftp_data *);	/* active: connect now */
/* A transfer begins: PROT is settled.  false: it was another when TLS began
 * here. */
bool ftp_data_protect(struct ftp_data *);
enum ftp_data_state ftp_data_state(const struct ftp_data *);
struct net_stream *ftp_data_stream(const struct ftp_data *);
const char *ftp_data_reason(const struct ftp_data *);
void ftp_data_free(struct ftp_data *);

/* ---- cmd_tls.c: what session and transfers need of FTPS ---- */
/* TLS from the first byte; false: out of memory, which is logged. */
bool ftp_tls_begin(struct ftp_session *);
/* While s->handshake: is it over?  Ends the session when it has failed. */
void ftp_tls_step(struct ftp_session *, bool timeout);
/* "in clear", or version and cipher suite */
const char *ftp_tls_text(const struct ftp_session *);
/* Logs how the data connection was made; false: not from our session, and
 * that is required. */
bool ftp_tls_data(struct ftp_session *, const struct net_stream *data);

/* ---- transfer.c: what RETR, STOR and LIST have in common ---- */
struct ftp_transfer {
	struct ftp_job job;
	struct ftp_data *data;		/* owned; taken from the session */
	int64_t started, moved, bytes;	/* moved: time of the last progress */
	int64_t total;			/* bytes it will be; -1: not known */
	enum ftp_kind kind;
	bool opened;			/* 150 was sent */
	bool complete;			/* 226 was */
	bool waits_client;		/* the stall clock runs */
	struct ftp_rate *rate;		/* borrowed; NULL: not limited */
};
/* Takes the session's data connection; false: replied already. */
bool ftp_transfer_begin(struct ftp_session *, struct ftp_transfer *);
void ftp_transfer_open(struct ftp_session *, struct ftp_transfer *,
    const char *what);			/* 150, and connect */
/* The open stream; NULL: wait, or ended with 425 (the job is gone). */
struct net_stream *ftp_transfer_stream(struct ftp_session *,
    struct ftp_transfer *, bool *ended);
/* For rate_limit, before the first byte. */
void ftp_transfer_limit(struct ftp_session *, struct ftp_transfer *);
/* How many bytes to move in this step, at most `share`; 0: the rate says wait,
 * and the deadline is set. */
size_t ftp_transfer_share(struct ftp_session *, struct ftp_transfer *,
    size_t share);
void ftp_transfer_moved(struct ftp_session *, struct ftp_transfer *, size_t);
/* Sets the deadline of the stall clock; true: it ran out. */
bool ftp_transfer_stalled(struct ftp_session *, struct ftp_transfer *,
    bool waits_client);
void ftp_transfer_close(struct ftp_transfer *);
/* The job ends, for whatever reason: it is counted and logged. */
void ftp_transfer_ended(struct ftp_session *, const struct ftp_transfer *);
/* Closes the data connection and says 226 with bytes, seconds and rate; with
 * size and CRC-64 of the whole object where these are proved. */
void ftp_transfer_done(struct ftp_session *, struct ftp_transfer *,
    const struct cos_object *proved);	/* NULL: nothing but the length */

/* ---- query.c: commands that ask COS a thing or two and reply ---- */
struct ftp_query {
	struct ftp_job job;
	/* called when what was asked is answered; asks again, or replies and
	 * ends the job */
	void (*next)(struct ftp_session *, struct ftp_query *);
	int stage;			/* the command's own */
	struct cos_op *op;
	struct cos_list *list;
	struct ftp_merge merge;		/* of it */
	struct cos_rename *rename;
	struct ftp_named *from;		/* owned: RNTO's source */
	const struct cos_fault *fault;	/* of the last answer; NULL: it is a
					 * success (also: nothing there) */
	bool found;			/* the object, or a key below, is there */
	bool others, want_others;	/* below: besides the marker itself */
	int64_t size;			/* DELE: of the object */
	char prefix[FTP_PATH_MAX];
	char path[FTP_PATH_MAX];
};
/* NULL: replied already */
struct ftp_query *ftp_query_new(struct ftp_session *,
    void (*next)(struct ftp_session *, struct ftp_query *));
void ftp_query_head(struct ftp_session *, struct ftp_query *,
    const char *key);
void ftp_query_below(struct ftp_session *, struct ftp_query *,
    const char *path, int page);	/* is there a directory?  page > 1:
					 * and anything but its marker? */
void ftp_query_put(struct ftp_session *, struct ftp_query *,
    const char *key);
void ftp_query_delete(struct ftp_session *, struct ftp_query *,
    const char *key);
void ftp_query_rename(struct ftp_session *, struct ftp_query *,
    const char *from, const char *to, const struct cos_object *src);
void ftp_query_end(struct ftp_session *, struct ftp_query *);

/* ---- commands ---- */
void ftp_cmd_user(struct ftp_session *);	/* cmd_login.c */
void ftp_cmd_pass(struct ftp_session *);
void ftp_cmd_acct(struct ftp_session *);
void ftp_cmd_rein(struct ftp_session *);
void ftp_cmd_quit(struct ftp_session *);
void ftp_cmd_auth(struct ftp_session *);	/* cmd_tls.c */
void ftp_cmd_adat(struct ftp_session *);
void ftp_cmd_pbsz(struct ftp_session *);
void ftp_cmd_prot(struct ftp_session *);
void ftp_cmd_ccc(struct ftp_session *);
void ftp_cmd_mic(struct ftp_session *);		/* CONF and ENC, too */
void ftp_cmd_noop(struct ftp_session *);	/* cmd_misc.c */
void ftp_cmd_none(struct ftp_session *);
void ftp_cmd_syst(struct ftp_session *);
void ftp_cmd_feat(struct ftp_session *);
void ftp_cmd_help(struct ftp_session *);
void ftp_cmd_opts(struct ftp_session *);
void ftp_cmd_type(struct ftp_session *);
void ftp_cmd_mode(struct ftp_session *);
void ftp_cmd_stru(struct ftp_session *);
void ftp_cmd_allo(struct ftp_session *);
void ftp_cmd_rest(struct ftp_session *);
void ftp_cmd_site(struct ftp_session *);
void ftp_cmd_abor(struct ftp_session *);
void ftp_cmd_stat(struct ftp_session *);
void ftp_cmd_pasv(struct ftp_session *);	/* cmd_data.c */
void ftp_cmd_epsv(struct ftp_session *);
void ftp_cmd_port(struct ftp_session *);
void ftp_cmd_eprt(struct ftp_session *);
void ftp_cmd_pwd(struct ftp_session *);		/* cmd_dir.c */
void ftp_cmd_cwd(struct ftp_session *);
void ftp_cmd_cdup(struct ftp_session *);
void ftp_cmd_mkd(struct ftp_session *);
void ftp_cmd_rmd(struct ftp_session *);
void ftp_cmd_size(struct ftp_session *);	/* cmd_file.c */
void ftp_cmd_mdtm(struct ftp_session *);
void ftp_cmd_dele(struct ftp_session *);
void ftp_cmd_mlst(struct ftp_session *);
void ftp_cmd_hash(struct ftp_session *);	/* cmd_hash.c */
void ftp_cmd_xmd5(struct ftp_session *);
void ftp_opts_hash(struct ftp_session *, const char *name);	/* "": ask */
void ftp_hash_feat(char *out, size_t, unsigned selected);
void ftp_cmd_rnfr(struct ftp_session *);	/* cmd_rename.c */
void ftp_cmd_rnto(struct ftp_session *);
void ftp_cmd_retr(struct ftp_session *);	/* cmd_retr.c */
void ftp_cmd_stor(struct ftp_session *);	/* cmd_stor.c */
void ftp_cmd_appe(struct ftp_session *);
void ftp_cmd_stou(struct ftp_session *);
void ftp_cmd_list(struct ftp_session *);	/* cmd_list.c */
void ftp_cmd_nlst(struct ftp_session *);
void ftp_cmd_mlsd(struct ftp_session *);
void ftp_list_on_control(struct ftp_session *);	/* STAT path */

void ftp_rights_of(const struct conf_account *, struct ftp_rights *);

#endif
