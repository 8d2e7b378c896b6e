/*
 * conf/log_int.h - what log.c and log_rotate.c share.
 */
#ifndef COSFTPD_LOG_INT_H
#define COSFTPD_LOG_INT_H

#include <stdint.h>
#include <time.h>

#include "log.h"

#define LOG_FILE "cos_v5.log"

struct log {
	struct log_settings set;	/* set.dir is not kept */
	char *dir;
	int fd;
	int dirfd;		/* -1 unless the log is rotated */
	bool own_fd;		/* false: stderr */
	bool moved;		/* rotated, and nobody has asked yet */
	time_t start, end;	/* of the period the open file belongs to */
	bool torn;		/* the last line lacks its end */
	int lost_errno;
	uint64_t lost;		/* lines not written since the last success */
};

/* The period of local time that t lies in: start <= t < end. */
void log_period(const struct log_settings *, time_t t, time_t *start,
    time_t *end);

/* "cos_v5.log.2026-11-25_10", as Python's TimedRotatingFileHandler names it
 * for that unit. */
void log_rotated_name(char when, time_t start, char *buf, size_t size);

/* Moves the full file away and opens a new one.  On failure the old file
 * stays open and *e says why; either way the next period begins. */
int log_rotate(struct log *, time_t now, struct err *e);

/* DIR/cos_v5.log for appending; -1 with errno set. */
int log_open_file(int dirfd, const char *path);

#endif
