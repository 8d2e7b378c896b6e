/*
 * ftp/command.c - the table of commands and the one place that checks what
 * must hold before a handler runs.  HELP and FEAT print the same table.
 */
#include <string.h>

#include "session_int.h"

enum {
	UNKNOWN_MAX = 20	/* in a row: this is no FTP client */
};

static const struct ftp_command table[] = {
	/* access control, RFC 959 4.1.1 */
	{ "USER", ftp_cmd_user, CMD_ARG | CMD_SECRET, NULL },
	{ "PASS", ftp_cmd_pass, CMD_SECRET, NULL },
	{ "ACCT", ftp_cmd_acct, CMD_SECRET, NULL },
	{ "CWD", ftp_cmd_cwd, CMD_LOGIN | CMD_ARG, NULL },
	{ "CDUP", ftp_cmd_cdup, CMD_LOGIN, NULL },
	{ "REIN", ftp_cmd_rein, 0, NULL },
	{ "QUIT", ftp_cmd_quit, 0, NULL },
	/* RFC 2228, RFC 4217 */
	{ "AUTH", ftp_cmd_auth, CMD_TLS | CMD_ARG | CMD_FEAT, "AUTH TLS" },
	{ "ADAT", ftp_cmd_adat, CMD_TLS, NULL },
	{ "PBSZ", ftp_cmd_pbsz, CMD_TLS | CMD_ARG | CMD_FEAT, NULL },
	{ "PROT", ftp_cmd_prot, CMD_TLS | CMD_ARG | CMD_FEAT, NULL },
	{ "CCC", ftp_cmd_ccc, CMD_TLS, NULL },
	{ "MIC", ftp_cmd_mic, CMD_TLS, NULL },
	{ "CONF", ftp_cmd_mic, CMD_TLS, NULL },
	{ "ENC", ftp_cmd_mic, CMD_TLS, NULL },
	/* transfer parameters, RFC 959 4.1.2, RFC 2428 */
	{ "PORT", ftp_cmd_port, CMD_LOGIN | CMD_ARG, NULL },
	{ "PASV", ftp_cmd_pasv, CMD_LOGIN, NULL },
	{ "EPRT", ftp_cmd_eprt, CMD_LOGIN | CMD_ARG | CMD_FEAT, NULL },
	{ "EPSV", ftp_cmd_epsv, CMD_LOGIN | CMD_FEAT, NULL },
	{ "TYPE", ftp_cmd_type, CMD_LOGIN | CMD_ARG, NULL },
	{ "STRU", ftp_cmd_stru, CMD_LOGIN | CMD_ARG, NULL },
	{ "MODE", ftp_cmd_mode, CMD_LOGIN | CMD_ARG, NULL },
	/* service, RFC 959 4.1.3 */
	{ "RETR", ftp_cmd_retr,
	    CMD_LOGIN | CMD_READ | CMD_PATH | CMD_ARG | CMD_LOG | CMD_MOVES,
	    NULL },
	{ "STOR", ftp_cmd_stor,
	    CMD_LOGIN | CMD_WRITE | CMD_PATH | CMD_ARG | CMD_LOG | CMD_MOVES,
	    NULL },
	{ "STOU", ftp_cmd_stou, CMD_LOGIN | CMD_WRITE | CMD_LOG | CMD_MOVES,
	    NULL },
	{ "APPE", ftp_cmd_appe,
	    CMD_LOGIN | CMD_WRITE | CMD_PATH | CMD_ARG | CMD_LOG | CMD_MOVES,
	    NULL },
	{ "ALLO", ftp_cmd_allo, CMD_LOGIN | CMD_ARG, NULL },
	{ "REST", ftp_cmd_rest, CMD_LOGIN | CMD_ARG | CMD_FEAT,
	    "REST STREAM" },
	{ "RNFR", ftp_cmd_rnfr, CMD_LOGIN | CMD_WRITE | CMD_REMOVE |
	    CMD_PATH | CMD_ARG | CMD_LOG, NULL },
	{ "RNTO", ftp_cmd_rnto, CMD_LOGIN | CMD_WRITE | CMD_REMOVE |
	    CMD_PATH | CMD_ARG | CMD_LOG, NULL },
	{ "ABOR", ftp_cmd_abor, CMD_LOGIN, NULL },
	{ "DELE", ftp_cmd_dele, CMD_LOGIN | CMD_WRITE | CMD_REMOVE |
	    CMD_PATH | CMD_ARG | CMD_LOG, NULL },
	{ "RMD", ftp_cmd_rmd, CMD_LOGIN | CMD_WRITE | CMD_REMOVE |
	    CMD_PATH | CMD_ARG | CMD_LOG, NULL },
	{ "MKD", ftp_cmd_mkd,
	    CMD_LOGIN | CMD_WRITE | CMD_PATH | CMD_ARG | CMD_LOG, NULL },
	{ "PWD", ftp_cmd_pwd, CMD_LOGIN, NULL },
	{ "LIST", ftp_cmd_list, CMD_LOGIN | CMD_READ | CMD_LOG | CMD_MOVES,
	    NULL },
	{ "NLST", ftp_cmd_nlst, CMD_LOGIN | CMD_READ | CMD_LOG | CMD_MOVES,
	    NULL },
	{ "SITE", ftp_cmd_site, CMD_LOGIN | CMD_ARG, NULL },
	{ "SYST", ftp_cmd_syst, 0, NULL },
	{ "STAT", ftp_cmd_stat, CMD_LOGIN, NULL },
	{ "HELP", ftp_cmd_help, 0, NULL },
	{ "NOOP", ftp_cmd_noop, 0, NULL },
	/* RFC 2389, RFC 3659 */
	{ "FEAT", ftp_cmd_feat, 0, NULL },
	{ "OPTS", ftp_cmd_opts, CMD_ARG, NULL },
	{ "MDTM", ftp_cmd_mdtm,
	    CMD_LOGIN | CMD_READ | CMD_PATH | CMD_ARG | CMD_FEAT, NULL },
	{ "SIZE", ftp_cmd_size,
	    CMD_LOGIN | CMD_READ | CMD_PATH | CMD_ARG | CMD_FEAT, NULL },
	{ "MLST", ftp_cmd_mlst,
	    CMD_LOGIN | CMD_READ | CMD_PATH | CMD_FEAT, "MLST" },
	{ "MLSD", ftp_cmd_mlsd, CMD_LOGIN | CMD_READ | CMD_LOG | CMD_MOVES,
	    NULL },
	/* draft-bryan-ftpext-hash-02, and what came before it */
	{ "HASH", ftp_cmd_hash,
	    CMD_LOGIN | CMD_READ | CMD_PATH | CMD_ARG | CMD_FEAT, "HASH" },
	{ "XMD5", ftp_cmd_xmd5,
	    CMD_LOGIN | CMD_READ | CMD_PATH | CMD_ARG | CMD_FEAT, NULL },
	/* Refused in their own words and not in FEAT, where FileZilla, lftp and
	 * WinSCP look first: HOST (RFC 7151), LANG (RFC 2640), and times that
	 * COS sets itself (draft-somers-ftp-mfxx) */
	{ "HOST", ftp_cmd_none, CMD_HIDDEN, NULL },
	{ "LANG", ftp_cmd_none, CMD_HIDDEN, NULL },
	{ "MFMT", ftp_cmd_none, CMD_HIDDEN, NULL },
	{ "MFCT", ftp_cmd_none, CMD_HIDDEN, NULL },
	/* the client's name, which some send without a look at FEAT */
	{ "CLNT", ftp_cmd_noop, CMD_HIDDEN, NULL },
	/* RFC 775 */
	{ "XCWD", ftp_cmd_cwd, CMD_LOGIN | CMD_ARG | CMD_HIDDEN, NULL },
	{ "XCUP", ftp_cmd_cdup, CMD_LOGIN | CMD_HIDDEN, NULL },
	{ "XPWD", ftp_cmd_pwd, CMD_LOGIN | CMD_HIDDEN, NULL },
	{ "XMKD", ftp_cmd_mkd, CMD_LOGIN | CMD_WRITE | CMD_PATH | CMD_ARG |
	    CMD_LOG | CMD_HIDDEN, NULL },
	{ "XRMD", ftp_cmd_rmd, CMD_LOGIN | CMD_WRITE | CMD_REMOVE |
	    CMD_PATH | CMD_ARG | CMD_LOG | CMD_HIDDEN, NULL },
};

bool
ftp_command_offered(const struct ftp_session *s, const struct ftp_command *c)
{
	return !(c->flags & CMD_HIDDEN) &&
	    (!(c->flags & CMD_TLS) || s->server->identity != NULL);
}

const struct ftp_command *
ftp_command_list(size_t *n)
{
	*n = sizeof(table) / sizeof(table[0]);
	return table;
}

static const struct ftp_command *
find(const char *verb)
{
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(table[i].verb, verb) == 0)
			return &table[i];
	return NULL;
}

static void
unknown(struct ftp_session *s)
{
	/* A browser or a forged cross-protocol request: it must not go on. */
	if (strstr(s->arg, "HTTP/") != NULL)
		s->unknown_run = UNKNOWN_MAX;
	if (++s->unknown_run > UNKNOWN_MAX) {
		ftp_reply(s, 421, "This is an FTP server. Goodbye.");
		s->quitting = true;
		return;
	}
	ftp_reply(s, 500, "Unknown command.");
}

/* false: replied already */
static bool
allowed(struct ftp_session *s, const struct ftp_command *c)
{
	const struct conf_account *a = s->account;

	if ((c->flags & CMD_TLS) && s->server->identity == NULL)
		ftp_reply(s, 502, "This server has no TLS.");
	else if ((c->flags & CMD_SECRET) && !s->tls &&
	    s->server->conf->tls_mode >= CONF_TLS_LOGIN)
		ftp_reply(s, 530, "Logins in clear are refused: AUTH TLS "
		    "first.");
	else if ((c->flags & CMD_LOGIN) && a == NULL)
		ftp_reply(s, 530, "Please log in with USER and PASS.");
	else if ((c->flags & CMD_ARG) && s->arg[0] == '\0')
		ftp_reply(s, 501, "%s needs an argument.", c->verb);
	else if ((c->flags & CMD_READ) && !a->can_read)
		ftp_reply(s, 550, "Permission denied: this account may not "
		    "read.");
	else if ((c->flags & CMD_WRITE) && !a->can_write)
		ftp_reply(s, 550, "Permission denied: this account may not "
		    "write.");
	else if ((c->flags & CMD_REMOVE) && !a->delete_enable)
		ftp_reply(s, 550, "Permission denied: this account may not "
		    "delete or rename.");
	else
		return true;
	return false;
}

/* Joins a command's path; false: replied already */
static bool
path_taken(struct ftp_session *s, const struct ftp_command *c)
{
	enum ftp_path_status ps;

	if (!(c->flags & CMD_PATH))
		return true;
	ps = ftp_session_join(s, s->path, s->arg, &s->arg_dir);
	if (ps == FTP_PATH_OK)
		return true;
	s->path[0] = '\0';
	ftp_reply(s, ps == FTP_PATH_ABOVE ? 550 : 553, "%s.",
	    ftp_path_text(ps));
	return false;
}

bool
ftp_command_known(const char *verb)
{
	return find(verb) != NULL;
}

void
ftp_command_run(struct ftp_session *s)
{
	const struct ftp_command *c = find(s->verb);

	s->command = c;
	s->path[0] = '\0';
	if (c == NULL) {
		unknown(s);
		return;
	}
	s->unknown_run = 0;
	if (allowed(s, c) && ftp_encoding_take(s) && path_taken(s, c))
		c->run(s);
	if (c->flags & CMD_MOVES) {	/* RFC 3659 5.1: one transfer only */
		s->rest = 0;
		s->allo = -1;
	}
}
