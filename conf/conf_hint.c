/*
 * conf/conf_hint.c - what an unknown key or section was probably meant to be:
 * a key of another section, an option of vsftpd, or a slip of the finger.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf_int.h"

/* The same list is in cosftpd.conf(5). */
static const struct vsftpd {
	const char *name, *ours;
} vsftpd[] = {
	{ "anonymous_enable", "none: only the users of the accounts" },
	{ "chroot_local_user", "none: a user never leaves the bucket" },
	{ "connect_from_port_20", "none: any port" },
	{ "data_connection_timeout", "data_timeout in [OPTIONAL]" },
	{ "delay_failed_login", "login_delay in [OPTIONAL]" },
	{ "dirmessage_enable", "none" },
	{ "force_local_data_ssl", "mode = require-all in [TLS]" },
	{ "force_local_logins_ssl", "mode = require-login in [TLS]" },
	{ "ftpd_banner", "banner in [NETWORK]" },
	{ "idle_session_timeout", "idle_timeout in [OPTIONAL]" },
	{ "implicit_ssl", "implicit_port in [TLS]" },
	{ "listen", "none: always standalone" },
	{ "listen_ipv6", "none: IPv6 and IPv4 unless listen_address in "
	    "[NETWORK] is set" },
	{ "local_enable", "none: an account section for each user" },
	{ "local_max_rate", "rate_limit, for each account" },
	{ "local_root", "none: the bucket is the root" },
	{ "local_umask", "none: objects have no mode" },
	{ "max_clients", "max_connection_num in [OPTIONAL], twice as many "
	    "and one" },
	{ "max_login_fails", "login_ban_failures in [OPTIONAL]" },
	{ "nopriv_user", "run_as in [OPTIONAL]" },
	{ "pam_service_name", "none: ftp_login_user_password" },
	{ "pasv_addr_resolve", "none: masquerade_address in [NETWORK] may be "
	    "a name" },
	{ "pasv_address", "masquerade_address in [NETWORK]" },
	{ "pasv_enable", "none: always on" },
	{ "pasv_max_port", "passive_port = MIN,MAX in [NETWORK]" },
	{ "pasv_min_port", "passive_port = MIN,MAX in [NETWORK]" },
	{ "pasv_promiscuous", "none: data connections only from the client" },
	{ "port_enable", "active_enable in [NETWORK]" },
	{ "port_promiscuous", "none: data connections only to the client" },
	{ "require_ssl_reuse", "require_session_reuse in [TLS]" },
	{ "rsa_cert_file", "cert_file in [TLS]" },
	{ "rsa_private_key_file", "key_file in [TLS]" },
	{ "secure_chroot_dir", "chroot_dir in [OPTIONAL]" },
	{ "ssl_enable", "cert_file in [TLS]" },
	{ "vsftpd_log_file", "log_dir in [OPTIONAL]" },
	{ "write_enable", "authority, for each account" },
	{ "xferlog_std_format", "none: always, with xferlog_enable in "
	    "[OPTIONAL]" },
};

#define NAME_CMP_MAX 64

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Edits (insert, delete, change, swap of neighbours) from a to b. */
static size_t
distance(const char *a, const char *b)
{
	size_t row[3][NAME_CMP_MAX + 1], i, k, m = strlen(a), n = strlen(b);
	size_t *now, *up, *upup;

	if (m > NAME_CMP_MAX || n > NAME_CMP_MAX)
		return NAME_CMP_MAX;
	for (k = 0; k <= n; k++)
		row[0][k] = k;
	for (i = 1; i <= m; i++) {
		now = row[i % 3];
		up = row[(i + 2) % 3];
		upup = row[(i + 1) % 3];
		now[0] = i;
		for (k = 1; k <= n; k++) {
			now[k] = least(least(up[k], now[k - 1]) + 1,
			    up[k - 1] + (a[i - 1] != b[k - 1]));
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] &&
			    a[i - 2] == b[k - 1])
				now[k] = least(now[k], upup[k - 2] + 1);
		}
	}
	return row[m % 3][n];
}

/* A third of the name may be wrong, but never more than three letters. */
static bool
is_near(const char *name, const char *known, size_t *best)
{
	size_t d = distance(name, known), len = strlen(known);

	if (d > 3 || d > len / 3 || d >= *best)
		return false;
	*best = d;
	return true;
}

static const char *
section_shown(enum conf_section s)
{
	return s == CONF_ACCOUNT ? "COS_ACCOUNT_x" : conf_section_name[s];
}

void
conf_hint_key(const char *name, char *buf, size_t size)
{
	const struct conf_key *near = NULL;
	size_t i, best = NAME_CMP_MAX;

	buf[0] = '\0';
	for (i = 0; i < conf_nkeys; i++)
		if (strcmp(name, conf_keys[i].name) == 0) {
			snprintf(buf, size, "; it belongs to [%s]",
			    section_shown(conf_keys[i].section));
			return;
		}
	for (i = 0; i < sizeof(vsftpd) / sizeof(vsftpd[0]); i++)
		if (strcmp(name, vsftpd[i].name) == 0) {
			snprintf(buf, size, "; an option of vsftpd, here: %s",
			    vsftpd[i].ours);
			return;
		}
	for (i = 0; i < conf_nkeys; i++)
		if (is_near(name, conf_keys[i].name, &best))
			near = &conf_keys[i];
	if (near != NULL)
		snprintf(buf, size, "; did you mean %s in [%s]?", near->name,
		    section_shown(near->section));
}

void
conf_hint_section(const char *name, char *buf, size_t size)
{
	char upper[NAME_CMP_MAX + 1];
	const char *known, *near = NULL;
	size_t i, best = NAME_CMP_MAX;

	for (i = 0; i < NAME_CMP_MAX && name[i] != '\0'; i++)
		upper[i] = (char)((name[i] >= 'a' && name[i] <= 'z') ?
		    name[i] - 32 : name[i]);
	upper[i] = '\0';
	for (i = 0; i < CONF_SECTIONS; i++) {
		known = section_shown((enum conf_section)i);
		if (is_near(upper, known, &best))
			near = known;
	}
	buf[0] = '\0';
	if (near != NULL)
		snprintf(buf, size, "; did you mean [%s]?", near);
}
