/*
 * conf/log_rotate.c - rotation of the log by time.
 *
 * Periods begin at whole units of local time and files are named after the
 * period they hold, as Python's TimedRotatingFileHandler does.  Several
 * processes may log to one file: who finds the period over takes a lock on
 * the old file and renames it; the others see that the name now belongs to
 * another file and open that one.  No existing file is ever replaced, and
 * as long as a new file cannot be opened the old one stays in use.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log_int.h"

#define NAME_TRIES 1000		/* NAME, NAME.1, NAME.2 ... */
#define NAME_SIZE 64

static const struct unit {
	char when;
	int seconds;
	const char *format;
} units[] = {
	{ 'S', 1, "%Y-%m-%d_%H-%M-%S" },
	{ 'M', 60, "%Y-%m-%d_%H-%M" },
	{ 'H', 3600, "%Y-%m-%d_%H" },
	{ 'D', 86400, "%Y-%m-%d" },
};

static const struct unit *
find_unit(char when)
{
	size_t i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (units[i].when == when)
			return &units[i];
	return &units[2];
}

static time_t
zone_offset(time_t t)
{
	struct tm tm;

	localtime_r(&t, &tm);
	return (time_t)tm.tm_gmtoff;
}

/* Local seconds to time; hint is the offset near by.  (mktime() of glibc
 * would read the zone again, which a chroot has not got.) */
static time_t
from_local(time_t local, time_t hint)
{
	return local - zone_offset(local - hint);
}

void
log_period(const struct log_settings *set, time_t t, time_t *start,
    time_t *end)
{
	time_t span, off, local;

	span = find_unit(set->rotate_when)->seconds;
	if (set->rotate_interval > 1)
		span *= set->rotate_interval;
	off = zone_offset(t);
	local = t + off - (t + off) % span;
	*start = from_local(local, off);
	*end = from_local(local + span, off);
	if (*end <= t)		/* an end that the clocks jump over */
		*end = local + span - off;
}

void
log_rotated_name(char when, time_t start, char *buf, size_t size)
{
	struct tm tm;
	size_t n;

	localtime_r(&start, &tm);
	n = (size_t)snprintf(buf, size, LOG_FILE ".");
	strftime(buf + n, size - n, find_unit(when)->format, &tm);
}

static int
rename_old(const struct log *log, char name[NAME_SIZE], struct err *e)
{
	char stem[NAME_SIZE - 8];
	struct stat st;
	int i;

	log_rotated_name(log->set.rotate_when, log->start, stem, sizeof(stem));
	for (i = 0; i < NAME_TRIES; i++) {
		if (i == 0)
			snprintf(name, NAME_SIZE, "%s", stem);
		else
			snprintf(name, NAME_SIZE, "%s.%d", stem, i);
		if (fstatat(log->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			continue;
		if (renameat(log->dirfd, LOG_FILE, log->dirfd, name) < 0)
			return err_sys(e, "rename %s/" LOG_FILE " to %s",
			    log->dir, name);
		return 0;
	}
	return err_set(e, "rename %s/" LOG_FILE ": %s and %d more exist",
	    log->dir, stem, NAME_TRIES - 1);
}

static bool
is_rotated(const char *name)
{
	const char *tail = name + sizeof(LOG_FILE);

	return strncmp(name, LOG_FILE ".", sizeof(LOG_FILE)) == 0 &&
	    strlen(tail) >= sizeof("2026-11-25") - 1 &&
	    strlen(name) < NAME_SIZE &&
	    tail[strspn(tail, "0123456789-_.")] == '\0';
}

/* Counts the rotated files and finds the oldest. */
static int
find_oldest(int dirfd, char oldest[NAME_SIZE])
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;
	int n = 0;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	while ((d = readdir(dir)) != NULL) {
		if (!is_rotated(d->d_name))
			continue;
		if (n++ == 0 || strverscmp(d->d_name, oldest) < 0)
			memcpy(oldest, d->d_name, strlen(d->d_name) + 1);
	}
	closedir(dir);
	return n;
}

/* What fails here is tried again after the next rotation. */
static void
prune(const struct log *log)
{
	char oldest[NAME_SIZE];

	if (log->set.backup_count <= 0)
		return;
	while (find_oldest(log->dirfd, oldest) > log->set.backup_count)
		if (unlinkat(log->dirfd, oldest, 0) < 0)
			return;
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* With the lock held: after this LOG_FILE is not the open file any more. */
static int
move_away(const struct log *log, char name[NAME_SIZE], struct err *e)
{
	struct stat mine, there;

	name[0] = '\0';
	if (fstat(log->fd, &mine) < 0)
		return err_sys(e, "stat the log");
	if (fstatat(log->dirfd, LOG_FILE, &there, 0) < 0) {
		if (errno == ENOENT)
			return 0;
		return err_sys(e, "stat %s/" LOG_FILE, log->dir);
	}
	if (!same_file(&mine, &there))
		return 0;	/* another process was faster */
	return rename_old(log, name, e);
}

int
log_rotate(struct log *log, time_t now, struct err *e)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct err why;
	char name[NAME_SIZE];
	time_t start;		/* not taken over: the file is the old one */
	int fd;

	if (fcntl(log->fd, F_SETLK, &lock) < 0 &&
	    (errno == EAGAIN || errno == EACCES))
		return 0;	/* being rotated: next line */
	if (move_away(log, name, &why) < 0)
		goto fail;
	fd = log_open_file(log->dirfd, LOG_FILE);
	if (fd < 0) {
		err_sys(&why, "open a new %s/" LOG_FILE, log->dir);
		if (name[0] != '\0')
			renameat(log->dirfd, name, log->dirfd, LOG_FILE);
		goto fail;
	}
	close(log->fd);		/* the lock goes with it */
	log->fd = fd;
	log->moved = true;
	log->torn = false;
	log_period(&log->set, now, &log->start, &log->end);
	if (name[0] != '\0')
		prune(log);
	return 0;
fail:
	lock.l_type = F_UNLCK;
	(void)fcntl(log->fd, F_SETLK, &lock);
	log_period(&log->set, now, &start, &log->end);
	return err_set(e, "log not rotated, going on with the old file: %s",
	    why.text);
}
