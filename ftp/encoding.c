/*
 * ftp/encoding.c - names between what the client writes and UTF-8.
 *
 * Inside everything is UTF-8, as in COS.  A session is in one encoding at a
 * time, UTF-8 or GBK, by the account's client_encoding (before a login the
 * server's) and OPTS UTF8; arguments are converted as they come and replies
 * and listings as they go.  Nothing is guessed, as many names in GBK are valid
 * UTF-8, and nothing is altered: what cannot be expressed is refused.
 */
#include <string.h>
#include <strings.h>

#include "session_int.h"

static const struct ftp_gbk *
in_gbk(const struct ftp_session *s)
{
	enum conf_encoding e = s->account != NULL ?
	    s->account->client_encoding : s->server->conf->client_encoding;

	return e == CONF_GBK && !s->utf8 ? s->server->gbk : NULL;
}

bool
ftp_encoding_used(const struct conf *c)
{
	bool used = c->client_encoding == CONF_GBK;
	size_t i;

	for (i = 0; i < c->naccounts; i++)
		used |= c->accounts[i].client_encoding == CONF_GBK;
	return used;
}

/* The argument stays where it is, in the line, so it ends there, too. */
bool
ftp_encoding_take(struct ftp_session *s)
{
	const struct ftp_gbk *g = in_gbk(s);
	char text[FTP_LINE_MAX];
	size_t at = (size_t)(s->arg - s->line.text), n;

	if (g == NULL)
		return true;
	n = ftp_gbk_to_utf8(g, s->arg, strlen(s->arg), text,
	    FTP_LINE_MAX - at);
	if (n == FTP_GBK_NONE) {
		ftp_reply(s, s->account != NULL ? 553 : 501,
		    "Name is not valid GBK; OPTS UTF8 ON is for UTF-8.");
	} else if (n == FTP_GBK_LONG) {
		ftp_reply(s, s->account != NULL ? 553 : 501, "%s.",
		    ftp_path_text(FTP_PATH_LONG));
	} else {
		memcpy(s->line.text + at, text, n);
		s->line.text[at + n] = '\0';
	}
	tls_wipe(text, sizeof(text));		/* PASS */
	return n != FTP_GBK_NONE && n != FTP_GBK_LONG;
}

bool
ftp_encoding_can(const struct ftp_session *s, const char *name)
{
	const struct ftp_gbk *g = in_gbk(s);
	char text[FTP_PATH_MAX];
	size_t n = strlen(name);

	return g == NULL || (n <= sizeof(text) &&
	    ftp_gbk_from_utf8(g, name, n, text) != FTP_GBK_NONE);
}

bool
ftp_encoding_give(const struct ftp_session *s, char *text, size_t *n)
{
	const struct ftp_gbk *g = in_gbk(s);

	if (g != NULL && *n > 0)
		*n = ftp_gbk_from_utf8(g, text, *n, text);
	return *n != FTP_GBK_NONE;
}

/* Not of RFC 2640, where UTF-8 is all there is: an old draft has it, and
 * clients send it.  OFF is refused where the server has nothing else. */
void
ftp_encoding_opts(struct ftp_session *s, const char *arg)
{
	if (*arg == '\0' || strcasecmp(arg, " ON") == 0) {
		s->utf8 = true;
		ftp_reply(s, 200, "Names are UTF-8.");
	} else if (strcasecmp(arg, " OFF") == 0) {
		s->utf8 = false;
		if (in_gbk(s) != NULL)
			ftp_reply(s, 200, "Names are GBK.");
		else
			ftp_reply(s, 504, "Names are UTF-8.");
	} else {
		ftp_reply(s, 501, "Option not known.");
	}
}
