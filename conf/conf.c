/*
 * conf/conf.c - the settings table; making and freeing settings by it.
 *
 * Everything there is to know about a setting is one row: where it is written,
 * its type, where it is kept, its default as it would be written, its limits.
 * The defaults are put in first, by the same functions that read the file.
 */
#include <stdlib.h>
#include <string.h>

#include "conf_int.h"

#define GIB ((int64_t)1 << 30)

#define A(member) offsetof(struct conf_account, member)
#define C(member) offsetof(struct conf, member)

const char *const conf_section_name[CONF_SECTIONS] = {
	[CONF_ACCOUNT] = "COS_ACCOUNT",		/* and what follows */
	[CONF_NETWORK] = "NETWORK",
	[CONF_TLS] = "TLS",
	[CONF_FILE] = "FILE_OPTION",
	[CONF_OPTIONAL] = "OPTIONAL",
};

/* In the order of cosftpd.conf(5). */
const struct conf_key conf_keys[] = {
	{ CONF_ACCOUNT, "cos_secretid", &conf_text, A(secret_id), NULL,
	  0, 256, CONF_NEEDED | CONF_SECRET | CONF_KEY, conf_check_name,
	  "the SecretId of the key that signs requests" },
	{ CONF_ACCOUNT, "cos_secretkey", &conf_text, A(secret_key), NULL,
	  0, 256, CONF_NEEDED | CONF_SECRET | CONF_KEY, conf_check_name,
	  "the SecretKey that belongs to it" },
	{ CONF_ACCOUNT, "cos_token", &conf_text, A(token), NULL, 0, 4096,
	  CONF_SECRET | CONF_KEY, conf_check_name,
	  "the token of a temporary key" },
	{ CONF_ACCOUNT, "cos_role", &conf_text, A(role), NULL, 0, 128,
	  0, conf_check_role, "the CVM role whose temporary keys sign" },
	{ CONF_ACCOUNT, "cos_role_endpoint", &conf_text, A(role_endpoint),
	  "metadata.tencentyun.com", 0, 256, 0, conf_check_server,
	  "the metadata service" },
	{ CONF_ACCOUNT, "cos_bucket", &conf_text, A(bucket), NULL, 0, 256,
	  CONF_NEEDED, conf_check_bucket, "the bucket, NAME-APPID" },
	{ CONF_ACCOUNT, "cos_region", &conf_text, A(region), NULL, 0, 64,
	  0, conf_check_region, "the bucket's region, as in ap-guangzhou" },
	{ CONF_ACCOUNT, "cos_endpoint", &conf_text, A(endpoint), NULL, 0, 256,
	  0, conf_check_endpoint, "HOST[:PORT] behind the bucket, wins" },
	{ CONF_ACCOUNT, "cos_protocol", &conf_protocol, A(https), "https", 0, 0,
	  0, NULL, "how COS is asked" },
	{ CONF_ACCOUNT, "cos_prefix", &conf_text, A(prefix), NULL, 0, 512,
	  CONF_FILLED, conf_check_prefix, "the directory it never leaves" },
	{ CONF_ACCOUNT, "cos_storage_class", &conf_text, A(storage_class), NULL,
	  0, 32, 0, conf_check_class, "the storage class of new files" },
	{ CONF_ACCOUNT, "cos_server_side_encryption", &conf_text, A(encryption),
	  NULL, 0, 32, CONF_FILLED, conf_check_encryption,
	  "how COS encrypts what is stored" },
	{ CONF_ACCOUNT, "home_dir", &conf_text, A(home_dir), NULL, 0, 4096,
	  0, NULL, "a name for the account's root, never opened" },
	{ CONF_ACCOUNT, "ftp_login_user_name", &conf_text, A(user), NULL,
	  0, 256, CONF_NEEDED, NULL, "the FTP user" },
	{ CONF_ACCOUNT, "ftp_login_user_password", &conf_text, A(password),
	  NULL, 0, 256, CONF_NEEDED | CONF_SECRET, conf_check_password,
	  "the FTP user's password" },
	{ CONF_ACCOUNT, "authority", &conf_rights, A(can_read), "RW", 0, 0,
	  0, NULL, "R read, W write, RW both" },
	{ CONF_ACCOUNT, "delete_enable", &conf_bool, A(delete_enable), "true",
	  0, 0, 0, NULL, "may delete and rename" },
	{ CONF_ACCOUNT, "overwrite_enable", &conf_bool, A(overwrite_enable),
	  "true", 0, 0, 0, NULL, "may replace and append to files" },
	{ CONF_ACCOUNT, "content_type", &conf_content, A(content_type), "auto",
	  0, 0, 0, NULL, "Content-Type of uploads by file name" },
	{ CONF_ACCOUNT, "client_encoding", &conf_encoding, A(client_encoding),
	  NULL, 0, 0, 0, NULL, "how this user's client writes names" },
	{ CONF_ACCOUNT, "allow_ip", &conf_text, A(allow_ip), NULL, 0, 4096,
	  0, conf_check_cidr, "addresses and networks the user comes from" },
	{ CONF_ACCOUNT, "max_sessions", &conf_int, A(max_sessions), "0",
	  1, 1000000, CONF_ZERO, NULL, "sessions of the user, 0: any number" },
	{ CONF_ACCOUNT, "rate_limit", &conf_size, A(rate_limit), "0",
	  1, 1024 * GIB, CONF_ZERO, NULL,
	  "bytes per second, each way, 0: no limit" },

	{ CONF_NETWORK, "masquerade_address", &conf_text, C(masquerade_address),
	  NULL, 0, 256, CONF_SAMPLE, conf_check_masquerade,
	  "the address or name shown to clients in PASV replies" },
	{ CONF_NETWORK, "listen_address", &conf_text, C(listen_address), NULL,
	  0, 64, 0, conf_check_listen, "the address to listen on" },
	{ CONF_NETWORK, "listen_port", &conf_port, C(listen_port), "2121",
	  1, 65535, 0, NULL, "the port to listen on" },
	{ CONF_NETWORK, "passive_port", &conf_ports, C(passive_min),
	  "60000,65535", 1, 65535, 0, NULL, "ports of data connections" },
	{ CONF_NETWORK, "active_enable", &conf_bool, C(active_enable), "true",
	  0, 0, 0, NULL, "PORT and EPRT" },
	{ CONF_NETWORK, "max_per_ip", &conf_int, C(max_per_ip), "0",
	  1, 1000000, CONF_ZERO, NULL, "sessions from one address, 0: any" },
	{ CONF_NETWORK, "proxy_protocol", &conf_text, C(proxy_protocol), NULL,
	  0, 4096, 0, conf_check_cidr,
	  "load balancers, whose PROXY header says who the client is" },
	{ CONF_NETWORK, "banner", &conf_text, C(banner), NULL, 0, 256,
	  0, NULL, "the greeting" },

	{ CONF_TLS, "ca_file", &conf_text, C(ca_file), NULL, 0, 4096,
	  0, conf_check_file, "certificates trusted for https to COS" },
	{ CONF_TLS, "cert_file", &conf_text, C(cert_file), NULL, 0, 4096,
	  0, conf_check_file, "our certificate and its chain, for FTPS" },
	{ CONF_TLS, "key_file", &conf_text, C(key_file), NULL, 0, 4096,
	  0, conf_check_file, "its private key, where cert_file has none" },
	{ CONF_TLS, "mode", &conf_tls_mode, C(tls_mode), NULL, 0, 0, 0, NULL,
	  "what clients may do without TLS" },
	{ CONF_TLS, "implicit_port", &conf_port, C(implicit_port), "0",
	  1, 65535, CONF_ZERO, NULL, "TLS from the first byte, 0: none" },
	{ CONF_TLS, "require_session_reuse", &conf_bool,
	  C(require_session_reuse), "false", 0, 0, 0, NULL,
	  "data connections must resume the control connection's session" },

	{ CONF_FILE, "single_file_max_size", &conf_size,
	  C(single_file_max_size), "200G", 1, 50000 * GIB, 0, NULL,
	  "the largest file" },

	{ CONF_OPTIONAL, "config_check_enable", &conf_bool,
	  C(config_check_enable), "true", 0, 0, 0, NULL,
	  "refuse to start when resources do not suffice" },
	{ CONF_OPTIONAL, "worker_num", &conf_int, C(worker_num), "0", 1, 256,
	  CONF_ZERO, NULL, "processes that serve, 0: one for each core" },
	{ CONF_OPTIONAL, "min_part_size", &conf_size, C(min_part_size), "1M",
	  GIB / 1024, 5 * GIB, CONF_CLAMP, NULL, "the first parts' size" },
	{ CONF_OPTIONAL, "upload_thread_num", &conf_int, C(upload_thread_num),
	  "0", 1, 128, CONF_CLAMP | CONF_ZERO, NULL,
	  "parts of one upload under way at once, 0: adaptive" },
	{ CONF_OPTIONAL, "max_connection_num", &conf_int, C(max_connection_num),
	  "512", 3, 1000000, CONF_ZERO, NULL, "connections, 0: any number" },
	{ CONF_OPTIONAL, "max_list_file", &conf_int, C(max_list_file), "10000",
	  1, 100000000, 0, NULL, "entries of one listing" },
	{ CONF_OPTIONAL, "memory_limit", &conf_size, C(memory_limit), "64M",
	  GIB / 256, 1024 * GIB, 0, NULL, "all transfer buffers together" },
	{ CONF_OPTIONAL, "interrupted_upload", &conf_interrupted,
	  C(interrupted_upload), "complete", 0, 0, 0, NULL,
	  "what becomes of an upload that was cut" },
	{ CONF_OPTIONAL, "client_encoding", &conf_encoding, C(client_encoding),
	  "utf-8", 0, 0, 0, NULL, "how clients write names, until OPTS UTF8" },
	{ CONF_OPTIONAL, "idle_timeout", &conf_int, C(idle_timeout), "300",
	  1, 86400, 0, NULL, "seconds without a command" },
	{ CONF_OPTIONAL, "data_timeout", &conf_int, C(data_timeout), "120",
	  1, 86400, 0, NULL, "seconds without a byte in a transfer" },
	{ CONF_OPTIONAL, "login_delay", &conf_int, C(login_delay), "2",
	  0, 60, 0, NULL, "seconds before a failed login is answered" },
	{ CONF_OPTIONAL, "login_ban_failures", &conf_int,
	  C(login_ban_failures), "10", 1, 1000000, CONF_ZERO, NULL,
	  "failed logins before an address is banned, 0: never" },
	{ CONF_OPTIONAL, "login_ban_time", &conf_int, C(login_ban_time), "600",
	  1, 31536000, 0, NULL, "seconds of a ban, and of counting for it" },
	{ CONF_OPTIONAL, "drain_timeout", &conf_int, C(drain_timeout), "4",
	  1, 3600, 0, NULL, "seconds for transfers to settle at the end" },
	{ CONF_OPTIONAL, "log_level", &conf_level, C(log.level), "INFO",
	  0, 0, 0, NULL, "what is logged" },
	{ CONF_OPTIONAL, "log_dir", &conf_text, C(log.dir), "log", 0, 4096,
	  0, NULL, "where cos_v5.log is written, -: standard error" },
	{ CONF_OPTIONAL, "log_rotate_enabled", &conf_bool, C(log.rotate),
	  "false", 0, 0, 0, NULL, "begin a new log file by time" },
	{ CONF_OPTIONAL, "log_rotate_when", &conf_when, C(log.rotate_when), "H",
	  0, 0, 0, NULL, "every second, minute, hour or day" },
	{ CONF_OPTIONAL, "log_backup_count", &conf_int, C(log.backup_count),
	  "100", 1, 1000000, CONF_ZERO, NULL, "old files kept, 0: all" },
	{ CONF_OPTIONAL, "status_socket", &conf_text, C(status_socket), NULL,
	  0, 107, 0, NULL, "a Unix socket that tells what goes on" },
	{ CONF_OPTIONAL, "xferlog_enable", &conf_bool, C(xferlog_enable),
	  "false", 0, 0, 0, NULL, "a log of transfers, as of wu-ftpd" },
	{ CONF_OPTIONAL, "xferlog_file", &conf_text, C(xferlog_file), NULL,
	  0, 4096, 0, NULL, "where it is written, else in log_dir" },
	{ CONF_OPTIONAL, "run_as", &conf_text, C(run_as), NULL, 0, 64,
	  0, conf_check_user, "USER[:GROUP] that workers become, from root" },
	{ CONF_OPTIONAL, "chroot_dir", &conf_text, C(chroot_dir), NULL, 0, 4096,
	  0, conf_check_dir, "an empty directory, all the workers see" },
};

const size_t conf_nkeys = sizeof(conf_keys) / sizeof(conf_keys[0]);

_Static_assert(sizeof(conf_keys) / sizeof(conf_keys[0]) <= CONF_KEYS_MAX,
    "CONF_KEYS_MAX");

void *
conf_at(const struct conf_key *k, const struct conf *c,
    const struct conf_account *a)
{
	const char *base = k->section == CONF_ACCOUNT ? (const char *)a :
	    (const char *)c;

	return (void *)(uintptr_t)(base + k->offset);
}

int
conf_defaults(struct conf *c, struct conf_account *a)
{
	const struct conf_key *k;
	struct err e;

	for (k = conf_keys; k < conf_keys + conf_nkeys; k++)
		if ((k->section == CONF_ACCOUNT) == (a != NULL) &&
		    k->standard != NULL &&
		    k->type->parse(k, k->standard, conf_at(k, c, a), &e) < 0)
			return -1;
	return 0;
}

static void
free_texts(struct conf *c, struct conf_account *a)
{
	const struct conf_key *k;
	char *text;

	for (k = conf_keys; k < conf_keys + conf_nkeys; k++) {
		if ((k->section == CONF_ACCOUNT) != (a != NULL) ||
		    k->type != &conf_text)
			continue;
		memcpy(&text, conf_at(k, c, a), sizeof(text));
		if (text != NULL && (k->flags & CONF_SECRET))
			explicit_bzero(text, strlen(text));
		free(text);
	}
}

void
conf_free(struct conf *c)
{
	size_t i;

	if (c == NULL)
		return;
	for (i = 0; i < c->naccounts; i++) {
		free_texts(c, &c->accounts[i]);
		free(c->accounts[i].section);
	}
	free(c->accounts);
	free_texts(c, NULL);
	free(c->file);
	free(c);
}

struct conf *
conf_new(const char *file)
{
	struct conf *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->log.rotate_interval = 1;
	c->file = strdup(file);
	if (c->file == NULL || conf_defaults(c, NULL) < 0) {
		conf_free(c);
		return NULL;
	}
	return c;
}
