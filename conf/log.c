/*
 * conf/log.c - error values and the log file.
 *
 * One line is one write(2) on a descriptor opened with O_APPEND, so that the
 * lines of several processes never mix.  A line that cannot be written (disk
 * full, reader gone) is counted; the next one that can says how many are
 * missing.  Times are computed with localtime_r() only: after the tzset() of
 * log_open() it opens no file, so the log keeps its zone inside a chroot.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log_int.h"

#define LINE_MAX_BYTES 4096	/* the line end included */
#define BEHIND_MS 20		/* that a reader may be */
#define REASON_MAX 120		/* of err_sys, kept whatever the text */
#define SET_BACK_S 3600		/* of clocks: less is only a correction */

static const char *const level_name[] = {
	[LOG_LEVEL_DEBUG] = "DEBUG",
	[LOG_LEVEL_INFO] = "INFO",
	[LOG_LEVEL_WARNING] = "WARNING",
	[LOG_LEVEL_ERROR] = "ERROR",
	[LOG_LEVEL_ASKED] = "INFO",
};

int
err_set(struct err *e, const char *fmt, ...)
{
	va_list ap;

	if (e != NULL) {
		va_start(ap, fmt);
		vsnprintf(e->text, sizeof(e->text), fmt, ap);
		va_end(ap);
	}
	return -1;
}

int
err_sys(struct err *e, const char *fmt, ...)
{
	const char *reason = strerror(errno);
	size_t len;
	va_list ap;

	if (e == NULL)
		return -1;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text) - REASON_MAX, fmt, ap);
	va_end(ap);
	len = strlen(e->text);
	snprintf(e->text + len, sizeof(e->text) - len, ": %s", reason);
	return -1;
}

static int
make_dirs(const char *dir)
{
	char *copy = strdup(dir), *p;
	int rc = -1;

	if (copy == NULL)
		return -1;
	for (p = copy; *p != '\0'; p++) {
		if (*p != '/' || p == copy)
			continue;
		*p = '\0';
		if (mkdir(copy, 0755) < 0 && errno != EEXIST)
			goto fail;
		*p = '/';
	}
	if (mkdir(copy, 0755) < 0 && errno != EEXIST)
		goto fail;
	rc = 0;
fail:
	free(copy);
	return rc;
}

int
log_open_file(int dirfd, const char *path)
{
	/* what root writes to is not for those to choose who have the
	 * directory, nor is whether we wait (a pipe) */
	return openat(dirfd, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC |
	    O_NOCTTY | O_NONBLOCK | (geteuid() == 0 ? O_NOFOLLOW : 0), 0640);
}

static int
open_in_dir(struct log *log, struct err *e)
{
	struct stat st;
	time_t born;

	if (make_dirs(log->dir) < 0)
		return err_sys(e, "create log directory %s", log->dir);
	log->dirfd = open(log->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (log->dirfd < 0)
		return err_sys(e, "open log directory %s", log->dir);
	log->fd = log_open_file(log->dirfd, LOG_FILE);
	if (log->fd < 0)
		return err_sys(e, "open %s/" LOG_FILE, log->dir);
	log->own_fd = true;
	if (!log->set.rotate) {
		close(log->dirfd);
		log->dirfd = -1;
		return 0;
	}
	born = time(NULL);
	if (fstat(log->fd, &st) == 0 && st.st_size > 0)
		born = st.st_mtime;
	log_period(&log->set, born, &log->start, &log->end);
	return 0;
}

struct log *
log_open(const struct log_settings *set, struct err *e)
{
	struct log *log = calloc(1, sizeof(*log));

	if (log == NULL) {
		err_sys(e, "open the log");
		return NULL;
	}
	tzset();
	log->set = *set;
	log->set.dir = NULL;
	log->fd = STDERR_FILENO;
	log->dirfd = -1;
	if (set->dir == NULL || strcmp(set->dir, "-") == 0)
		return log;
	log->dir = strdup(set->dir);
	if (log->dir == NULL)
		err_sys(e, "open the log");
	else if (open_in_dir(log, e) == 0)
		return log;
	log_free(log);
	return NULL;
}

int
log_reopen(struct log *log, struct err *e)
{
	int old = log->fd, olddir = log->dirfd;

	if (!log->own_fd)
		return 0;
	log->dirfd = -1;
	if (open_in_dir(log, e) < 0) {
		if (log->dirfd >= 0)
			close(log->dirfd);
		log->fd = old;
		log->dirfd = olddir;
		return -1;
	}
	close(old);
	if (olddir >= 0)
		close(olddir);
	log->torn = false;
	return 0;
}

int
log_fd(const struct log *log)
{
	return log->own_fd ? log->fd : -1;
}

void
log_take_fd(struct log *log, int fd)
{
	if (log->own_fd)
		close(log->fd);
	log->fd = fd;
	log->own_fd = true;
	log->torn = false;
}

void
log_leave(struct log *log)
{
	if (log->dirfd >= 0)
		close(log->dirfd);
	log->dirfd = -1;
}

bool
log_moved(struct log *log)
{
	bool moved = log->moved;

	log->moved = false;
	return moved;
}

void
log_free(struct log *log)
{
	if (log == NULL)
		return;
	if (log->own_fd)
		close(log->fd);
	if (log->dirfd >= 0)
		close(log->dirfd);
	free(log->dir);
	free(log);
}

bool
log_enabled(const struct log *log, enum log_level level)
{
	return log != NULL && level >= log->set.level;
}

static size_t
put_head(char *buf, size_t size, const struct timespec *now,
    enum log_level level)
{
	struct tm tm;
	char zone[8];
	size_t n;

	localtime_r(&now->tv_sec, &tm);
	n = strftime(buf, size, "%Y-%m-%d %H:%M:%S", &tm);
	strftime(zone, sizeof(zone), "%z", &tm);
	return n + (size_t)snprintf(buf + n, size - n, ".%03ld %s %-5s ",
	    now->tv_nsec / 1000000, zone, level_name[level]);
}

int
log_unfit(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	if (s[0] < 0x20 || s[0] == 0x7f)
		return 1;
	if (s[0] == 0xc2 && s[1] >= 0x80 && s[1] < 0xa0)
		return 2;
	return s[0] == 0xe2 && s[1] == 0x80 && s[2] >= 0xa8 && s[2] <= 0xae ?
	    3 : 0;
}

/* Escapes text into buf from at on and ends the line.  A text that does not
 * fit (or was cut before) ends in "...", not within a character. */
static size_t
put_text(char buf[LINE_MAX_BYTES], size_t at, const char *text, bool cut)
{
	const size_t room = LINE_MAX_BYTES - sizeof("...\n") + 1;
	int escape = 0;
	unsigned char c;

	for (; (c = (unsigned char)*text) != '\0'; text++) {
		if (escape == 0)
			escape = log_unfit(text);
		if (at + (escape > 0 ? 4 : 1) > room) {
			cut = true;
			break;
		}
		if (escape > 0) {
			at += (size_t)snprintf(buf + at, 5, "\\x%02x", c);
			escape--;
		} else {
			buf[at++] = (char)c;
		}
	}
	if (cut) {
		while (at > 0 && (buf[at - 1] & 0xc0) == 0x80)
			at--;
		if (at > 0 && (buf[at - 1] & 0xc0) == 0xc0)
			at--;
		memcpy(buf + at, "...", 3);
		at += 3;
	}
	buf[at++] = '\n';
	return at;
}

/* Standard error is not ours to make non-blocking, and who reads it may have
 * stopped.  One that is only behind gets a moment; once a line is lost, none
 * waits until one could be written. */
static bool
would_block(const struct log *log)
{
	struct pollfd p = { .fd = log->fd, .events = POLLOUT };

	if (log->own_fd || poll(&p, 1, log->lost > 0 ? 0 : BEHIND_MS) != 0)
		return false;
	errno = EAGAIN;
	return true;
}

/* All of it, or remembers that the file now ends within a line. */
static bool
put_bytes(struct log *log, const char *buf, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = would_block(log) ? -1 : write(log->fd, buf, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			log->lost_errno = n < 0 ? errno : ENOSPC;
			return false;
		}
		buf += n;
		len -= (size_t)n;
		log->torn = len > 0;
	}
	return true;
}

static void
put_line(struct log *log, const struct timespec *now, enum log_level level,
    const char *text, bool cut)
{
	char buf[1 + LINE_MAX_BYTES];	/* first the end of a torn line */
	size_t len;

	buf[0] = '\n';
	len = put_head(buf + 1, LINE_MAX_BYTES, now, level);
	len = put_text(buf + 1, len, text, cut);
	if (!put_bytes(log, log->torn ? buf : buf + 1, len + log->torn))
		log->lost++;
}

/* After the first line that could be written again. */
static void
report_lost(struct log *log, const struct timespec *now)
{
	char text[160];
	uint64_t lost = log->lost;

	snprintf(text, sizeof(text), "log: %llu lines before this one could "
	    "not be written: %s", (unsigned long long)lost,
	    strerror(log->lost_errno));
	put_line(log, now, LOG_LEVEL_ERROR, text, false);
	if (log->lost == lost)
		log->lost = 0;
}

static void
turn(struct log *log, const struct timespec *now)
{
	struct err e;

	/* the clock was set back: the next period is not as far as it seems */
	if (log->dirfd >= 0 && now->tv_sec < log->start - SET_BACK_S)
		log_period(&log->set, now->tv_sec, &log->start, &log->end);
	if (log->dirfd >= 0 && now->tv_sec >= log->end &&
	    log_rotate(log, now->tv_sec, &e) < 0)
		put_line(log, now, LOG_LEVEL_WARNING, e.text, false);
}

int64_t
log_turn(struct log *log)
{
	struct timespec now;

	if (log->dirfd < 0)
		return -1;
	clock_gettime(CLOCK_REALTIME, &now);
	turn(log, &now);
	return (log->end - now.tv_sec) * (int64_t)1000 -
	    now.tv_nsec / 1000000;
}

void
log_line(struct log *log, enum log_level level, const char *fmt, ...)
{
	int saved = errno;
	char text[LINE_MAX_BYTES];
	struct timespec now;
	uint64_t lost;
	va_list ap;
	int n;

	if (!log_enabled(log, level))
		return;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0)
		snprintf(text, sizeof(text), "(unprintable: %s)", fmt);
	clock_gettime(CLOCK_REALTIME, &now);
	turn(log, &now);
	lost = log->lost;
	put_line(log, &now, level, text, n >= (int)sizeof(text));
	if (lost > 0 && log->lost == lost)
		report_lost(log, &now);
	errno = saved;
}
