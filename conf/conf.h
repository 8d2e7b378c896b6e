/*
 * conf/conf.h - the configuration as plain constant data.
 *
 * conf_load() reads an INI file in the form of the original tool, checks
 * every key against one table (conf.c) and returns all complaints of one run,
 * each naming file:line, section, key, value and what is allowed.
 */
#ifndef COSFTPD_CONF_H
#define COSFTPD_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "log.h"

enum conf_interrupted { CONF_COMPLETE, CONF_DISCARD };
enum conf_tls_mode {		/* each asks for more than the one before */
	CONF_TLS_UNSET,		/* never after conf_load */
	CONF_TLS_OFF,
	CONF_TLS_ALLOW,
	CONF_TLS_LOGIN,		/* no login in clear */
	CONF_TLS_ALL		/* and no data in clear */
};
enum conf_encoding { CONF_UTF8 = 1, CONF_GBK };		/* 0: not given */

/* One [COS_ACCOUNT_x] section. */
struct conf_account {
	char *section;
	int line, user_line, home_line;		/* in the file, for messages */
	char *secret_id;
	char *secret_key;
	char *token;		/* NULL: none, the key is a permanent one */
	char *role;		/* NULL: none, the keys above; else not these */
	char *role_endpoint;	/* "host[:port]" of the metadata service */
	char *bucket;		/* name with APPID */
	char *region;		/* NULL when only an endpoint is given */
	char *endpoint;		/* in effect: "host[:port]" without bucket */
	bool endpoint_given;	/* false: made from the region (internal) */
	bool https;
	char *prefix;		/* of all its keys, ends in '/'; NULL: none */
	char *storage_class;	/* of new files; NULL: COS's default */
	char *encryption;	/* of what is written; NULL: the bucket's */
	char *home_dir;
	char *user;
	char *password;		/* or its hash */
	bool can_read;
	bool can_write;
	bool delete_enable;
	bool overwrite_enable;
	bool content_type;	/* send Content-Type by extension */
	enum conf_encoding client_encoding;
	char *allow_ip;		/* networks, conf_cidr_has; NULL: any */
	int max_sessions;	/* at once, 0: no limit */
	int64_t rate_limit;	/* bytes per second each way, 0: none */
};

struct conf {
	char *file;
	struct conf_account *accounts;
	size_t naccounts;
	/* [NETWORK] */
	char *masquerade_address;	/* address or name, NULL = none */
	char *listen_address;		/* NULL = all, IPv6 and IPv4 */
	uint16_t listen_port;
	uint16_t passive_min, passive_max;	/* both included */
	bool active_enable;
	int max_per_ip;			/* sessions, 0 = no limit */
	char *proxy_protocol;		/* who sends its header; NULL = nobody */
	char *banner;			/* NULL = the default greeting */
	/* [TLS] */
	char *ca_file;			/* NULL = the system's places */
	char *cert_file, *key_file;	/* key_file NULL = in cert_file */
	enum conf_tls_mode tls_mode;	/* not off: there is a cert_file */
	uint16_t implicit_port;		/* 0 = none */
	bool require_session_reuse;
	/* [FILE_OPTION] */
	int64_t single_file_max_size;	/* bytes */
	/* [OPTIONAL] */
	bool config_check_enable;
	int worker_num;			/* 0 = one for each core */
	int64_t min_part_size;		/* bytes */
	int upload_thread_num;		/* 0 = adaptive up to 16 */
	int max_connection_num;		/* 0 = no limit */
	int max_list_file;
	int64_t memory_limit;		/* bytes for all transfer buffers */
	enum conf_interrupted interrupted_upload;
	enum conf_encoding client_encoding;	/* before a login */
	int idle_timeout, data_timeout, login_delay, drain_timeout; /* s */
	int login_ban_failures;		/* 0: no bans */
	int login_ban_time;		/* s */
	struct log_settings log;
	char *status_socket;		/* NULL = none */
	bool xferlog_enable;
	char *xferlog_file;		/* with xferlog_enable never NULL */
	char *run_as;			/* USER[:GROUP], NULL = as started */
	char *chroot_dir;		/* NULL = none */
};

/* Everything there is to say about a file, in the order of its lines. */
struct conf_note {
	bool error;		/* else a warning */
	int line;		/* 0: the whole file */
	char *text;		/* "FILE:LINE: [SECTION] key = value: ..." */
};
struct conf_notes {
	struct conf_note *note;
	size_t n, nerrors;	/* nerrors counts those beyond the cap, too */
};

/* NULL when notes->nerrors > 0 (including "cannot open").  The caller frees
 * both the result and the notes. */
struct conf *conf_load(const char *path, struct conf_notes *notes);
/* A password may be its hash, by PBKDF2 with HMAC-SHA-256. */
struct conf_hash {
	uint32_t iterations;
	size_t salt_len;
	unsigned char salt[64], digest[32];
};
bool conf_is_hash(const char *password);	/* and not the password */
bool conf_hash_parse(const char *password, struct conf_hash *);

/* The numbers behind run_as; false: there is no such user or group. */
bool conf_find_user(const char *run_as, uid_t *, gid_t *);
void conf_free(struct conf *);		/* wipes secrets; NULL is fine */
void conf_notes_free(struct conf_notes *);
/* The same, with all notes said: in the log, or (NULL) on standard error. */
struct conf *conf_read(const char *path, struct log *);

/* Is an address (16 bytes, IPv4 mapped into IPv6) in a list of networks that
 * conf_load has taken? */
bool conf_cidr_has(const char *list, const unsigned char address[16]);

/* Every setting with its effective value, secrets masked, in the form of the
 * file itself (can be loaded again but for the secrets). */
void conf_print(const struct conf *, FILE *);

#endif
