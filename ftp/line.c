/*
 * ftp/line.c - the control channel's bytes as command lines.
 *
 * A pure assembler: bytes in, one line out.  The control channel is a Telnet
 * stream (RFC 959 3.1, RFC 854), so Telnet commands are taken out of it, at
 * whatever byte the network has cut them.  A line that cannot be a command is
 * thrown away whole, up to its LF, and reported once: what stands behind such
 * a piece must never be taken for the next command.
 */
#include <string.h>

#include "ftp_int.h"

enum {				/* RFC 854, "TELNET COMMAND STRUCTURE" */
	TN_FIRST = 236,		/* EOF, RFC 1184; nothing below is a command */
	TN_SE = 240,
	TN_DM = 242,
	TN_SB = 250,
	TN_WILL = 251,
	TN_DONT = 254,
	TN_IAC = 255
};

/*
 * The low bits say where we are, those above count the bytes of a
 * subnegotiation: FTP has no use for one, so it is only skipped, and one that
 * does not end makes the line unusable instead of swallowing the session.
 */
enum line_state {
	LINE_TEXT,		/* zero: a cleared struct is ready for use */
	LINE_IAC,		/* IAC was read */
	LINE_OPTION,		/* IAC WILL, WONT, DO or DONT */
	LINE_SUB,		/* inside IAC SB */
	LINE_SUB_IAC,		/* IAC inside it */
	LINE_ENDED,		/* reported; the next byte begins a new line */
	LINE_MASK = 7,
	LINE_COUNT = 8,
	SUB_MAX = 256 * LINE_COUNT
};

/* All take_* return true when c ended the line. */
static bool
take_text(struct ftp_line *l, unsigned char c)
{
	if (c == '\n')
		return true;
	/* CR NUL is a carriage return in the data (RFC 854): no name of ours
	 * may hold one. */
	if (l->cr || c == '\0')
		l->binary = true;
	l->cr = c == '\r';
	if (l->cr)
		return false;
	if (l->len < FTP_LINE_MAX)
		l->text[l->len++] = (char)c;
	else
		l->too_long = true;
	return false;
}

static bool
take_command(struct ftp_line *l, unsigned char c)
{
	l->state = LINE_TEXT;
	if (c == TN_IAC)
		return take_text(l, c);
	if (c == TN_SB)
		l->state = LINE_SUB;
	else if (c >= TN_WILL && c <= TN_DONT)
		l->state = LINE_OPTION;
	if (c >= TN_FIRST)
		return false;
	/*
	 * No Telnet command.  Within a line it is most likely a name with a
	 * 0xff that was not doubled; dropping bytes would make it another name,
	 * so refuse the line.  Before the first byte it is what remains of
	 * IAC DM after the urgent byte was taken out of the stream.
	 */
	if (l->len > 0)
		l->binary = true;
	return take_text(l, c);
}

static bool
take_sub(struct ftp_line *l, unsigned char c)
{
	bool iac = (l->state & LINE_MASK) == LINE_SUB_IAC;
	int count = (l->state & ~LINE_MASK) + LINE_COUNT;

	if (iac && c == TN_SE) {
		l->state = LINE_TEXT;
		return false;
	}
	if (count > SUB_MAX) {
		l->state = LINE_TEXT;
		l->binary = true;
		return take_text(l, c);
	}
	/* IAC IAC is one byte of data; any other pair is skipped alike */
	l->state = count | (!iac && c == TN_IAC ? LINE_SUB_IAC : LINE_SUB);
	return false;
}

static bool
take_byte(struct ftp_line *l, unsigned char c)
{
	switch (l->state & LINE_MASK) {
	case LINE_IAC:
		return take_command(l, c);
	case LINE_OPTION:
		l->state = LINE_TEXT;
		return false;
	case LINE_SUB:
	case LINE_SUB_IAC:
		return take_sub(l, c);
	}
	if (c == TN_IAC) {
		l->state = LINE_IAC;
		return false;
	}
	/* BSD clients send the IAC of IAC DM as the urgent byte: where that
	 * one is gone a bare DM is left, which begins no verb. */
	if (c == TN_DM && l->len == 0)
		return false;
	return take_text(l, c);
}

static enum ftp_line_status
line_end(struct ftp_line *l)
{
	enum ftp_line_status status = FTP_LINE_OK;

	if (l->too_long)
		status = FTP_LINE_TOO_LONG;
	else if (l->binary)
		status = FTP_LINE_BINARY;
	if (status != FTP_LINE_OK)
		l->len = 0;
	l->text[l->len] = '\0';
	l->state = LINE_ENDED;
	return status;
}

enum ftp_line_status
ftp_line_feed(struct ftp_line *l, const char *buf, size_t n, size_t *used)
{
	size_t i;

	if (n > 0 && l->state == LINE_ENDED) {
		l->state = LINE_TEXT;
		l->len = 0;
		l->too_long = l->binary = l->cr = false;
	}
	for (i = 0; i < n; i++)
		if (take_byte(l, (unsigned char)buf[i])) {
			*used = i + 1;
			return line_end(l);
		}
	*used = n;
	return FTP_LINE_NONE;
}

void
ftp_line_split(struct ftp_line *l, char verb[9], const char **arg)
{
	size_t n = strcspn(l->text, " "), i;

	/* RFC 959 4: "exactly one" space; blanks behind it begin the name */
	*arg = l->text + n + (l->text[n] == ' ');
	verb[0] = '\0';
	if (n > 8)
		return;
	for (i = 0; i < n; i++) {
		char c = l->text[i];

		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		/* XMD5 is the one with a digit */
		if ((c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9')) {
			verb[0] = '\0';
			return;
		}
		verb[i] = c;
	}
	verb[n] = '\0';
}
