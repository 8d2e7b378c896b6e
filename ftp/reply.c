/*
 * ftp/reply.c - what the client reads, and the log line that goes with it.
 *
 * Each reply is one write (a reply in two writes costs 40 ms with delayed
 * ACK).  Texts never contain bytes of the client but for paths, which hold no
 * control bytes.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "session_int.h"

enum { REPLY_MAX = 4 * 1024 };

static void
put(struct ftp_session *s, const char *p, size_t n)
{
	if (s->gone || s->control == NULL)
		return;
	if (!net_stream_put(s->control, p, n)) {
		s->unread = true;
		net_task_wake(&s->task);	/* it ends the session */
	}
}

static void
log_reply(struct ftp_session *s, int code, const char *text)
{
	bool event = s->command != NULL && (s->command->flags & CMD_LOG) &&
	    code >= 200;
	enum log_level level = event ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG;
	const char *what = s->path[0] != '\0' ? s->path : "";

	if (event && code >= 400)
		level = LOG_LEVEL_WARNING;
	if (!log_enabled(s->server->log, level))
		return;
	log_line(s->server->log, level, "%s %s%s%s: %d %s", s->who,
	    s->verb[0] != '\0' ? s->verb : "-", *what != '\0' ? " " : "",
	    what, code, text);
}

void
ftp_reply(struct ftp_session *s, int code, const char *fmt, ...)
{
	char text[REPLY_MAX], line[REPLY_MAX + 16];
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	n = (size_t)snprintf(line, sizeof(line), "%d %s\r\n", code, text);
	if (!ftp_encoding_give(s, line, &n))	/* what was done stays done */
		n = (size_t)snprintf(line, sizeof(line), "%d (GBK cannot "
		    "express the text of this reply.)\r\n", code);
	put(s, line, n);
	log_reply(s, code, text);
}

void
ftp_reply_begin(struct ftp_session *s, int code, const char *text)
{
	char line[128];
	int n = snprintf(line, sizeof(line), "%d-%s\r\n", code, text);

	put(s, line, (size_t)n);
}

void
ftp_reply_lines(struct ftp_session *s, int code, const char *first,
    const struct net_buf *lines, const char *last)
{
	struct net_buf b = { .max = 64 * 1024 };

	net_buf_printf(&b, "%d-%s\r\n", code, first);
	if (lines->len > 0)
		net_buf_put(&b, lines->data, lines->len);
	net_buf_printf(&b, "%d %s\r\n", code, last);
	if (b.failed || lines->failed)
		ftp_reply(s, 451, "Out of memory.");
	else if (!ftp_encoding_give(s, b.data, &b.len))
		ftp_reply(s, 550, "GBK cannot express the name; send OPTS "
		    "UTF8 ON.");
	else
		put(s, b.data, b.len);
	net_buf_free(&b);
}

/* What a user can understand and do something about. */
static const struct {
	int code;
	const char *text;
} words[] = {
	[COS_OK] = { 451, "Nothing is wrong" },
	[COS_NOT_FOUND] = { 550, "No such file or directory" },
	[COS_NO_BUCKET] = { 550, "The bucket does not exist; "
	    "check cos_bucket and cos_region" },
	[COS_DENIED] = { 550, "COS denied access to this bucket or object" },
	[COS_NO_KEYS] = { 451, "There are no keys for COS just now; "
	    "try again later" },
	[COS_CLOCK] = { 451, "The server's clock is wrong; "
	    "COS refuses its signatures" },
	[COS_EXISTS] = { 553, "It exists already" },
	[COS_IN_USE] = { 450, "Another session is appending to this file; "
	    "try again later" },
	[COS_CHANGED] = { 451, "The object was changed by somebody else" },
	[COS_ARCHIVED] = { 550, "The object is archived; "
	    "restore it in COS first" },
	[COS_FORBIDDEN_TYPE] = { 550, "COS does not serve apk and ipa files "
	    "on its default domain; use a custom domain" },
	[COS_TOO_LARGE] = { 552, "The file is larger than allowed" },
	[COS_BAD_NAME] = { 553, "COS does not allow this name" },
	[COS_RANGE] = { 554, "The restart position is beyond the end" },
	[COS_CORRUPT] = { 451, "The checksum or length does not match" },
	[COS_REFUSED] = { 451, "COS refused the request" },
	[COS_UNAVAILABLE] = { 451, "COS cannot be reached or is busy; "
	    "try again later" },
	[COS_NAME_LOOKUP] = { 451, "The name of the COS endpoint does not "
	    "resolve" },
	[COS_TLS] = { 451, "The secure connection to COS failed" },
	[COS_MALFORMED] = { 451, "The answer of the store makes no sense" },
};

void
ftp_reply_fault(struct ftp_session *s, const struct cos_fault *f)
{
	if (f->code[0] != '\0')
		ftp_reply(s, words[f->cause].code, "%s (%s).",
		    words[f->cause].text, f->code);
	else
		ftp_reply(s, words[f->cause].code, "%s.",
		    words[f->cause].text);
}
