/*
 * ftp/cmd_misc.c - what needs no store: parameters, features, help, status.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "session_int.h"

void
ftp_cmd_noop(struct ftp_session *s)
{
	ftp_reply(s, 200, "OK.");
}

void
ftp_cmd_none(struct ftp_session *s)		/* RFC 959 4.2.2: 502 */
{
	ftp_reply(s, 502, "%s is not offered here.", s->verb);
}

void
ftp_cmd_syst(struct ftp_session *s)
{
	ftp_reply(s, 215, "UNIX Type: L8");
}

void
ftp_cmd_feat(struct ftp_session *s)		/* RFC 2389 3 */
{
	struct net_buf b = { .max = 4096 };
	const struct ftp_command *c;
	char facts[128];
	size_t n, i;

	c = ftp_command_list(&n);
	for (i = 0; i < n; i++) {
		if (!(c[i].flags & CMD_FEAT) || !ftp_command_offered(s, &c[i]))
			continue;
		if (strcmp(c[i].verb, "MLST") == 0) {
			ftp_facts_text(facts, sizeof(facts), s->facts, true);
			net_buf_printf(&b, " MLST %s\r\n", facts);
		} else if (strcmp(c[i].verb, "HASH") == 0) {
			ftp_hash_feat(facts, sizeof(facts), s->hash);
			net_buf_printf(&b, " HASH %s\r\n", facts);
		} else {
			net_buf_printf(&b, " %s\r\n", c[i].feat != NULL ?
			    c[i].feat : c[i].verb);
		}
	}
	net_buf_printf(&b, " TVFS\r\n UTF8\r\n");
	ftp_reply_lines(s, 211, "Features:", &b, "End");
	net_buf_free(&b);
}

void
ftp_cmd_help(struct ftp_session *s)
{
	struct net_buf b = { .max = 4096 };
	const struct ftp_command *c;
	size_t n, i, shown = 0;

	c = ftp_command_list(&n);
	for (i = 0; i < n; i++) {
		if (!ftp_command_offered(s, &c[i]))
			continue;
		net_buf_printf(&b, " %-4s%s", c[i].verb,
		    ++shown % 12 == 0 ? "\r\n" : "");
	}
	if (shown % 12 != 0)
		net_buf_printf(&b, "\r\n");
	ftp_reply_lines(s, 214, "Commands:", &b, "End");
	net_buf_free(&b);
}

/* COS keeps neither modes nor times of a client's: CHMOD, UMASK and UTIME are
 * refused.  With 504 lftp asks once in a session and goes on without. */
void
ftp_cmd_site(struct ftp_session *s)		/* RFC 959 4.1.3 */
{
	if (strcasecmp(s->arg, "HELP") == 0)
		ftp_reply(s, 214, "SITE HELP is the only SITE command.");
	else
		ftp_reply(s, 504, "SITE command not known.");
}

void
ftp_cmd_opts(struct ftp_session *s)
{
	char facts[128];

	if (strncasecmp(s->arg, "UTF8", 4) == 0) {
		ftp_encoding_opts(s, s->arg + 4);
	} else if (strncasecmp(s->arg, "MLST", 4) == 0 &&
	    (s->arg[4] == '\0' || s->arg[4] == ' ')) {
		s->facts = ftp_facts_parse(s->arg[4] == ' ' ? s->arg + 5 :
		    s->arg + 4);
		ftp_facts_text(facts, sizeof(facts), s->facts, false);
		ftp_reply(s, 200, "MLST OPTS%s%s", *facts != '\0' ? " " : "",
		    facts);				/* RFC 3659 7.9 */
	} else if (strncasecmp(s->arg, "HASH", 4) == 0 &&
	    (s->arg[4] == '\0' || s->arg[4] == ' ')) {
		ftp_opts_hash(s, s->arg[4] == ' ' ? s->arg + 5 : "");
	} else {
		ftp_reply(s, 501, "Option not known.");
	}
}

/* Bytes are never changed, whatever the type: a gateway that rewrites line
 * ends corrupts archives. */
void
ftp_cmd_type(struct ftp_session *s)
{
	static const char *const good[] = { "A", "A N", "I", "L8", "L 8" };
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (strcasecmp(s->arg, good[i]) == 0) {
			ftp_reply(s, 200, "Type set to %s.", good[i]);
			return;
		}
	}
	ftp_reply(s, 504, "Types are A, A N, I, L 8.");
}

void
ftp_cmd_mode(struct ftp_session *s)
{
	if (strcasecmp(s->arg, "S") == 0)
		ftp_reply(s, 200, "Mode is stream.");
	else
		ftp_reply(s, 504, "Only MODE S.");
}

void
ftp_cmd_stru(struct ftp_session *s)
{
	if (strcasecmp(s->arg, "F") == 0)
		ftp_reply(s, 200, "Structure is file.");
	else
		ftp_reply(s, 504, "Only STRU F.");
}

/* Digits only, no overflow; -1 otherwise.  *end is what follows. */
static int64_t
number(const char *p, const char **end)
{
	int64_t v = 0;
	const char *start = p;

	for (; *p >= '0' && *p <= '9'; p++) {
		if (v > (INT64_MAX - (*p - '0')) / 10)
			return -1;
		v = v * 10 + (*p - '0');
	}
	*end = p;
	return p == start ? -1 : v;
}

/* A size that is too large is refused at the STOR that follows: 552 is none of
 * ALLO's replies (RFC 959 5.4), and clients send it without looking. */
void
ftp_cmd_allo(struct ftp_session *s)
{
	const char *end = "";
	int64_t n = number(s->arg, &end);

	if (n >= 0 && strncasecmp(end, " R ", 3) == 0 &&
	    number(end + 3, &end) < 0)
		n = -1;
	if (n < 0 || *end != '\0') {
		ftp_reply(s, 501, "ALLO bytes [R bytes].");
		return;
	}
	s->allo = n;
	ftp_reply(s, 200, n > s->server->conf->single_file_max_size ?
	    "Noted, but it is larger than single_file_max_size." : "OK.");
}

void
ftp_cmd_rest(struct ftp_session *s)		/* RFC 3659 5 */
{
	const char *end = "";
	int64_t n = number(s->arg, &end);

	if (n < 0 || *end != '\0') {
		ftp_reply(s, 501, "REST bytes.");
		return;
	}
	s->rest = n;
	ftp_reply(s, 350, "Restarting at %" PRId64 ".", n);
}

/* No transfer runs here: during one the session calls its abort. */
void
ftp_cmd_abor(struct ftp_session *s)
{
	ftp_data_free(s->data);
	s->data = NULL;
	ftp_reply(s, 226, "Nothing to abort.");
}

void
ftp_cmd_stat(struct ftp_session *s)
{
	struct net_buf b = { .max = 4096 };
	char text[NET_ADDR_TEXT];

	if (s->job == NULL && s->arg[0] != '\0') {
		if (s->account->can_read)
			ftp_list_on_control(s);
		else
			ftp_reply(s, 550, "Permission denied: this account "
			    "may not read.");
		return;
	}
	net_buf_printf(&b, " Connected from %s\r\n Logged in as %s\r\n",
	    net_addr_text(&s->peer, text), s->account->user);
	net_buf_printf(&b, " TYPE: bytes as they are, STRU F, MODE S\r\n");
	if (s->job != NULL)
		net_buf_printf(&b, " Transfer in progress: %" PRId64
		    " bytes\r\n", ((struct ftp_transfer *)s->job)->bytes);
	else
		net_buf_printf(&b, " No transfer in progress\r\n");
	ftp_reply_lines(s, 211, "cosftpd status:", &b, "End");
	net_buf_free(&b);
}
