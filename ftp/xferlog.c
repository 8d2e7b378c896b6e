/*
 * ftp/xferlog.c - a line for each upload, download and deleted file, as
 * wu-ftpd and many after it write it: xferlog(5).
 *
 * One line is one write(2) on a descriptor opened with O_APPEND.  The
 * supervisor opens the file, at its start and by SIGHUP, and hands it to the
 * workers.  What cannot be written is lost, which the log says once.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "session_int.h"

void
ftp_xferlog_take(struct ftp_xferlog *x, int fd)
{
	if (x->fd >= 0)
		close(x->fd);
	*x = (struct ftp_xferlog){ .fd = fd };
}

/* A pipe without a reader is an error, and a full one never waited for.  Of
 * links root follows its own only (/dev/stdout): what it writes to is not for
 * those to choose who have the directory. */
static int
open_file(const char *path)
{
	const int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY |
	    O_NONBLOCK;
	int fd = open(path, flags | (geteuid() == 0 ? O_NOFOLLOW : 0), 0640);
	struct stat st;

	if (fd >= 0 || errno != ELOOP || lstat(path, &st) < 0 ||
	    st.st_uid != 0)
		return fd;
	return open(path, flags, 0640);
}

int
ftp_xferlog_open(struct ftp_xferlog *x, const struct conf *c, struct err *e)
{
	int fd;

	if (!c->xferlog_enable)
		return 0;
	fd = open_file(c->xferlog_file);
	if (fd < 0)
		return err_sys(e, "xferlog_file = %s", c->xferlog_file);
	ftp_xferlog_take(x, fd);
	return 0;
}

/* Fields are separated by blanks, and so hold none. */
static void
put_field(char *line, size_t size, const char *text)
{
	size_t n = strlen(line);
	int unfit = 0;

	for (; n < size - 1 && *text != '\0'; text++, n++) {
		if (unfit == 0)
			unfit = *text == ' ' ? 1 : log_unfit(text);
		line[n] = unfit > 0 ? '_' : *text;
		unfit -= unfit > 0;
	}
	line[n] = '\0';
}

static void
put(struct ftp_session *s, struct ftp_xferlog *x, const char *line)
{
	const char *p = line + !x->torn;	/* it begins with a line end */
	size_t len = strlen(p);
	ssize_t n = write(x->fd, p, len);

	if (n == (ssize_t)len) {
		x->torn = x->failing = false;
		return;
	}
	if (!x->failing)
		log_line(s->server->log, LOG_LEVEL_ERROR, "%s: not written, "
		    "lines are lost: %s", s->server->conf->xferlog_file,
		    strerror(n < 0 ? errno : ENOSPC));
	x->failing = true;
	if (n > 0)
		x->torn = true;
}

void
ftp_xferlog(struct ftp_session *s, char direction, int64_t bytes, int64_t ms,
    bool complete)
{
	struct ftp_xferlog *x = s->server->xferlog;
	char line[FTP_PATH_MAX + 512], when[32], peer[NET_ADDR_TEXT];
	time_t now = time(NULL);
	struct tm tm;
	size_t n;

	if (x->fd < 0)
		return;
	localtime_r(&now, &tm);
	strftime(when, sizeof(when), "%a %b %e %H:%M:%S %Y", &tm);
	snprintf(line, sizeof(line), "\n%s %" PRId64 " %s %" PRId64 " ", when,
	    ms < 1500 ? 1 : (ms + 500) / 1000, net_addr_text(&s->peer, peer),
	    bytes);
	put_field(line, sizeof(line), s->path);
	n = strlen(line);
	snprintf(line + n, sizeof(line) - n, " b _ %c r ", direction);
	put_field(line, sizeof(line), s->account->user);
	n = strlen(line);
	snprintf(line + n, sizeof(line) - n, " ftp 0 * %c\n",
	    complete ? 'c' : 'i');
	put(s, x, line);
}
