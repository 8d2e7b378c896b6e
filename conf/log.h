/*
 * conf/log.h - error values and log lines.
 *
 * An error is a text that names the thing: what was tried, on what, and what
 * the system answered.  Functions of the lower layers return it; cos/, ftp/
 * and cosftpd.c turn it into one log line per event.
 */
#ifndef COSFTPD_LOG_H
#define COSFTPD_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err {
	char text[512];
};

/* Both fill *e (which may be NULL) and return -1, so that a failure is one
 * statement.  err_sys appends ": " and the text of errno. */
int err_set(struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
int err_sys(struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

enum log_level {
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_ERROR,
	LOG_LEVEL_ASKED		/* somebody asks for it: whatever is logged */
};

/* Rotation by time as in the original's later versions. */
struct log_settings {
	enum log_level level;
	const char *dir;	/* "-" logs to stderr; created with parents */
	bool rotate;
	char rotate_when;	/* 'S' 'M' 'H' 'D': every second .. day */
	int rotate_interval;	/* units of rotate_when between rotations */
	int backup_count;	/* rotated files kept; 0 keeps all */
};

struct log;

/* Opens DIR/cos_v5.log for appending.  NULL with *e filled on failure. */
struct log *log_open(const struct log_settings *, struct err *e);
void log_free(struct log *);

/* Opens the file by its name again, after logrotate has moved it.  -1: the old
 * one stays in use. */
int log_reopen(struct log *, struct err *e);
/* The descriptor, for other processes; -1: it is standard error. */
int log_fd(const struct log *);
void log_take_fd(struct log *, int fd);	/* another's: write there now */
/* Rotation is another process's from now on: the directory is let go. */
void log_leave(struct log *);
/* Rotates when it is time; milliseconds to the next one, -1: never. */
int64_t log_turn(struct log *);
/* Since the last call another file was opened. */
bool log_moved(struct log *);

bool log_enabled(const struct log *, enum log_level);

/*
 * One line: local time with offset, level, text.  Control bytes, also those of
 * Unicode, are written as \xNN so that no input can forge a line; longer than
 * 4 KB is cut with "...".  log may be NULL (nothing happens).
 */
void log_line(struct log *log, enum log_level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* How many bytes from text on, which is not at its end, must not reach a
 * terminal or a reader of lines: control bytes, those of Unicode (U+0080 to
 * U+009F), and what ends lines or turns their direction (U+2028 to U+202E). */
int log_unfit(const char *text);

#endif
