/*
 * tests/t_log.c - conf/log.c and conf/log_rotate.c.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../conf/log_int.h"
#include "test.h"

static char tmp[64];		/* the directory all of this happens in */

static const char *
path(const char *fmt, ...)
{
	static char buf[64][256];
	static unsigned turn;
	char *p = buf[turn++ % 64];
	int n = snprintf(p, sizeof(buf[0]), "%s/", tmp);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p + n, sizeof(buf[0]) - (size_t)n, fmt, ap);
	va_end(ap);
	return p;
}

static const char *
slurp(const char *file)
{
	static char buf[20000];
	FILE *f = fopen(file, "r");
	size_t n = 0;

	if (f != NULL) {
		n = fread(buf, 1, sizeof(buf) - 1, f);
		fclose(f);
	}
	buf[n] = '\0';
	return buf;
}

static int
count_files(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int n = 0;

	while (d != NULL && (e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	if (d != NULL)
		closedir(d);
	return n;
}

static struct log *
open_log(const struct log_settings *set)
{
	struct err e = { "" };
	struct log *log = log_open(set, &e);

	if (log == NULL)
		printf("not ok - %s\n", e.text);
	return log;
}

static void
test_err(void)
{
	struct err e;
	char big[2000];

	CHECK(err_set(&e, "port %d", 7) == -1, "err_set returns -1");
	CHECK_STR(e.text, "port 7", "err_set");
	errno = ENOENT;
	CHECK(err_sys(&e, "open %s", "x") == -1, "err_sys returns -1");
	CHECK_STR(e.text, "open x: No such file or directory", "err_sys");
	errno = ENOENT;
	CHECK(err_set(NULL, "x") == -1 && err_sys(NULL, "x") == -1, "no err");
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	err_set(&e, "%s", big);
	CHECK(strlen(e.text) == sizeof(e.text) - 1, "err_set is cut");
	errno = EACCES;
	err_sys(&e, "%s", big);
	CHECK(strstr(e.text, "x: Permission denied") != NULL,
	    "the reason is kept");
}

static void
test_lines(void)
{
	struct log_settings set = { .level = LOG_LEVEL_INFO };
	struct log *log;
	const char *text;
	struct stat st;

	umask(0);
	set.dir = path("a/b//c/");
	log = open_log(&set);
	CHECK(log != NULL, "directories are made");
	CHECK(stat(path("a/b"), &st) == 0 && (st.st_mode & 07777) == 0755,
	    "mode of a directory");
	CHECK(stat(path("a/b/c/cos_v5.log"), &st) == 0 &&
	    (st.st_mode & 07777) == 0640, "mode of the file");
	CHECK(!log_enabled(log, LOG_LEVEL_DEBUG) &&
	    log_enabled(log, LOG_LEVEL_INFO) &&
	    log_enabled(log, LOG_LEVEL_ERROR) &&
	    !log_enabled(NULL, LOG_LEVEL_ERROR), "log_enabled");
	errno = 77;
	log_line(log, LOG_LEVEL_INFO, "one %d", 1);
	CHECK(errno == 77, "errno is kept");
	log_line(log, LOG_LEVEL_DEBUG, "not this");
	log_line(NULL, LOG_LEVEL_ERROR, "nor this");
	log_free(log);
	log_free(NULL);

	log = open_log(&set);
	log_line(log, LOG_LEVEL_ERROR, "two\r\n2026 forged\x1b[0m\x7f");
	log_line(log, LOG_LEVEL_ERROR, "\xc2\x80\xc2\x9f\xc2\xa0|\xe2\x80\xa7"
	    "\xe2\x80\xa8\xe2\x80\xae\xe2\x80\xaf|\xc2");
	log_line(log, LOG_LEVEL_WARNING, "三 %s", "\xff\x80");
	log_free(log);
	text = slurp(path("a/b/c/cos_v5.log"));
	/* 2026-11-25 10:00:00.123 +0800 INFO  one 1 */
	CHECK(strlen(text) > 40 && text[4] == '-' && text[10] == ' ' &&
	    text[19] == '.' && text[23] == ' ' &&
	    (text[24] == '+' || text[24] == '-') && text[29] == ' ' &&
	    strncmp(text + 30, "INFO  one 1\n", 12) == 0, "form: %s", text);
	CHECK(strstr(text, "ERROR two\\x0d\\x0a2026 forged\\x1b[0m\\x7f\n") !=
	    NULL, "control bytes: %s", text);
	CHECK(strstr(text, "ERROR \\xc2\\x80\\xc2\\x9f\xc2\xa0|\xe2\x80\xa7"
	    "\\xe2\\x80\\xa8\\xe2\\x80\\xae\xe2\x80\xaf|\xc2\n") != NULL,
	    "of Unicode: %s", text);
	CHECK(strstr(text, "WARNING 三 \xff\x80\n") != NULL, "other bytes");
	CHECK(strstr(text, "this") == NULL, "level");
}

static void
test_long(void)
{
	static const struct {
		const char *unit;
		size_t n;
		const char *tail;	/* NULL: not cut */
	} rows[] = {
		{ "x", 4000, NULL },
		{ "x", 4056, NULL },	/* and 36 before it, "...", line end */
		{ "x", 4057, "x...\n" },
		{ "x", 9000, "x...\n" },
		{ "\n", 1200, "\\x0a...\n" },
		{ "\xe4\xb8\x89", 1500, "\xe4\xb8\x89...\n" },
		{ "\xf0\x9f\x98\x80", 1500, "\xf0\x9f\x98\x80...\n" },
	};
	struct log_settings set = { .dir = path("long") };
	char text[9001];
	const char *got;
	struct log *log;
	size_t i, k, len;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		text[0] = '\0';
		for (k = len = 0; k < rows[i].n; k++)
			len += (size_t)sprintf(text + len, "%s", rows[i].unit);
		unlink(path("long/cos_v5.log"));
		log = open_log(&set);
		log_line(log, LOG_LEVEL_INFO, "%s", text);
		log_free(log);
		got = slurp(path("long/cos_v5.log"));
		k = strlen(got);
		CHECK(k <= 4096 && k > 30 + 6 && got[k - 1] == '\n',
		    "row %zu: %zu bytes", i, k);
		if (rows[i].tail == NULL)
			CHECK(k == 36 + len + 1, "row %zu is whole: %zu of "
			    "%zu", i, k, len);
		else
			CHECK(k > 4080 && strcmp(got + k -
			    strlen(rows[i].tail), rows[i].tail) == 0,
			    "row %zu ends %s", i, got + k - 12);
	}
}

static void
test_failures(void)
{
	struct log_settings set = { .dir = path("file/log") };
	struct err e = { "" };
	struct log *log;
	int fd;

	close(open(path("file"), O_CREAT | O_WRONLY, 0600));
	CHECK(log_open(&set, &e) == NULL, "directory below a file");
	CHECK(strstr(e.text, "file/log: Not a directory") != NULL,
	    "says what: %s", e.text);
	set.dir = path("file");
	CHECK(log_open(&set, &e) == NULL &&
	    strstr(e.text, "file: Not a directory") != NULL, "%s", e.text);
	set.dir = "";
	CHECK(log_open(&set, &e) == NULL, "empty directory name");
	mkdir(path("blocked"), 0755);
	mkdir(path("blocked/cos_v5.log"), 0755);
	set.dir = path("blocked");
	CHECK(log_open(&set, &e) == NULL &&
	    strstr(e.text, "cos_v5.log: Is a directory") != NULL, "%s",
	    e.text);

	/* a full disk loses lines, says so, and goes on */
	set.dir = path("full");
	log = open_log(&set);
	fd = dup(log->fd);
	dup2(open("/dev/full", O_WRONLY | O_CLOEXEC), log->fd);
	log_line(log, LOG_LEVEL_INFO, "lost");
	log_line(log, LOG_LEVEL_INFO, "lost");
	dup2(fd, log->fd);
	log_line(log, LOG_LEVEL_INFO, "kept");
	log_line(log, LOG_LEVEL_INFO, "kept too");
	log_free(log);
	close(fd);
	CHECK(strstr(slurp(path("full/cos_v5.log")), "lost") == NULL, "lost");
	CHECK(strstr(slurp(path("full/cos_v5.log")),
	    "kept\n") != NULL, "kept");
	CHECK(strstr(slurp(path("full/cos_v5.log")), "ERROR log: 2 lines "
	    "before this one could not be written: No space left") != NULL,
	    "told: %s", slurp(path("full/cos_v5.log")));
	CHECK(strstr(slurp(path("full/cos_v5.log")), "kept too\n") != NULL,
	    "told once");
}

/* Somebody's pipe in place of the file: it is never waited for. */
static void
test_pipe(void)
{
	struct log_settings set = { .dir = path("pipe") };
	char text[1000];
	struct log *log;
	struct err e;
	int fd, i;

	mkdir(path("pipe"), 0755);
	mkfifo(path("pipe/cos_v5.log"), 0600);
	alarm(20);		/* ends the test where it blocks */
	CHECK(log_open(&set, &e) == NULL, "nobody reads");
	fd = open(path("pipe/cos_v5.log"), O_RDONLY | O_NONBLOCK);
	log = open_log(&set);
	memset(text, 'x', sizeof(text));
	for (i = 0; i < 1000; i++)
		log_line(log, LOG_LEVEL_INFO, "%.*s", (int)sizeof(text),
		    text);
	alarm(0);
	CHECK(log->lost > 0, "nobody reads any more");
	log_free(log);
	close(fd);
}

/* A line cut short by a full disk is ended before the next one begins. */
static void
test_torn(void)
{
	struct log_settings set = { .dir = path("torn") };
	struct log *log = open_log(&set);
	const char *text, *second;

	log_line(log, LOG_LEVEL_INFO, "first");
	log->torn = ftruncate(log->fd, 20) == 0;
	log_line(log, LOG_LEVEL_INFO, "second");
	log_line(log, LOG_LEVEL_INFO, "third");
	log_free(log);
	text = slurp(path("torn/cos_v5.log"));
	second = strchr(text, '\n');
	CHECK(second == text + 20, "torn line ended: %s", text);
	CHECK(strstr(text, "\n\n") == NULL, "only once");
}

static void
test_stderr(void)
{
	struct log_settings set = { .dir = "-", .rotate = true };
	struct log *log;
	int fd = dup(2), out = open(path("stderr"), O_CREAT | O_WRONLY, 0600);

	dup2(out, 2);
	log = open_log(&set);
	log_line(log, LOG_LEVEL_INFO, "to stderr");
	log_free(log);
	set.dir = NULL;
	log = open_log(&set);
	log_line(log, LOG_LEVEL_INFO, "here as well");
	log_free(log);
	CHECK(fcntl(2, F_GETFD) >= 0, "stderr stays open");
	dup2(fd, 2);
	close(fd);
	close(out);
	CHECK(strstr(slurp(path("stderr")), " INFO  to stderr\n") != NULL &&
	    strstr(slurp(path("stderr")), " INFO  here as well\n") != NULL,
	    "stderr: %s", slurp(path("stderr")));
	CHECK(access("-", F_OK) < 0, "no directory of that name");
}

/* A reader that stops reading holds up nobody. */
static void
test_stalled_reader(void)
{
	struct log_settings set = { .dir = "-" };
	struct log *log = open_log(&set);
	int fd = dup(2), ends[2], i;
	char text[64 * 1024 + 1];
	ssize_t n;

	if (pipe(ends) < 0 || dup2(ends[1], 2) < 0)
		abort();
	alarm(20);
	for (i = 0; i < 3000; i++)
		log_line(log, LOG_LEVEL_INFO, "line %d of many", i);
	n = read(ends[0], text, sizeof(text) - 1);
	CHECK(log->lost > 0 && log->lost < 3000, "lost %llu",
	    (unsigned long long)log->lost);
	log_line(log, LOG_LEVEL_INFO, "it reads again");
	alarm(0);
	dup2(fd, 2);
	close(fd);
	CHECK(n > 0 && text[n - 1] == '\n', "whole lines");
	n = read(ends[0], text, sizeof(text) - 1);
	text[n < 0 ? 0 : n] = '\0';
	CHECK(strstr(text, "it reads again\n") != NULL && strstr(text,
	    "lines before this one could not be written: Resource "
	    "temporarily unavailable") != NULL, "said: %s", text);
	close(ends[0]);
	close(ends[1]);
	log_free(log);
}

/* ---- rotation ---- */

static time_t
at(const char *zone, const char *text)
{
	struct tm tm = { .tm_isdst = -1 };

	setenv("TZ", zone, 1);
	tzset();
	sscanf(text, "%d-%d-%d %d:%d:%d", &tm.tm_year, &tm.tm_mon,
	    &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec);
	tm.tm_year -= 1900;
	tm.tm_mon--;
	return mktime(&tm);
}

#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"

static void
test_periods(void)
{
	static const struct {
		const char *zone;
		char when;
		int interval;
		const char *now, *start, *end, *name;
	} rows[] = {
		{ "CST-8", 'H', 1, "2026-11-25 10:59:59",
		  "2026-11-25 10:00:00", "2026-11-25 11:00:00",
		  "cos_v5.log.2026-11-25_10" },
		{ "CST-8", 'H', 1, "2026-11-25 11:00:00",
		  "2026-11-25 11:00:00", "2026-11-25 12:00:00",
		  "cos_v5.log.2026-11-25_11" },
		{ "CST-8", 'D', 1, "2026-11-25 00:00:00",
		  "2026-11-25 00:00:00", "2026-11-26 00:00:00",
		  "cos_v5.log.2026-11-25" },
		{ "EST5", 'D', 1, "2026-12-31 23:59:59",
		  "2026-12-31 00:00:00", "2027-01-01 00:00:00",
		  "cos_v5.log.2026-12-31" },
		{ "IST-5:30", 'H', 1, "2026-11-25 10:15:00",
		  "2026-11-25 10:00:00", "2026-11-25 11:00:00",
		  "cos_v5.log.2026-11-25_10" },
		{ "UTC0", 'M', 1, "2026-11-25 10:15:59",
		  "2026-11-25 10:15:00", "2026-11-25 10:16:00",
		  "cos_v5.log.2026-11-25_10-15" },
		{ "UTC0", 'M', 15, "2026-11-25 10:16:59",
		  "2026-11-25 10:15:00", "2026-11-25 10:30:00",
		  "cos_v5.log.2026-11-25_10-15" },
		{ "UTC0", 'S', 1, "2026-11-25 10:15:59",
		  "2026-11-25 10:15:59", "2026-11-25 10:16:00",
		  "cos_v5.log.2026-11-25_10-15-59" },
		/* the days the clocks change have 23 and 25 hours */
		{ BERLIN, 'D', 1, "2026-03-29 12:00:00",
		  "2026-03-29 00:00:00", "2026-03-30 00:00:00",
		  "cos_v5.log.2026-03-29" },
		{ BERLIN, 'D', 1, "2026-10-25 12:00:00",
		  "2026-10-25 00:00:00", "2026-10-26 00:00:00",
		  "cos_v5.log.2026-10-25" },
		{ BERLIN, 'H', 1, "2026-03-29 01:30:00",
		  "2026-03-29 01:00:00", "2026-03-29 03:00:00",
		  "cos_v5.log.2026-03-29_01" },
	};
	struct log_settings set;
	time_t now, start, end;
	char name[64];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		set = (struct log_settings){ .rotate_when = rows[i].when,
		    .rotate_interval = rows[i].interval };
		now = at(rows[i].zone, rows[i].now);
		log_period(&set, now, &start, &end);
		CHECK(start == at(rows[i].zone, rows[i].start) &&
		    end == at(rows[i].zone, rows[i].end),
		    "row %zu: %+lld %+lld", i, (long long)(start - now),
		    (long long)(end - now));
		log_rotated_name(set.rotate_when, start, name, sizeof(name));
		CHECK_STR(name, rows[i].name, "name");
	}
	/* every moment of a year with both changes lies in its period */
	setenv("TZ", BERLIN, 1);
	tzset();
	set.rotate_when = 'H';
	set.rotate_interval = 1;
	for (now = 1767222000; now < 1767222000 + 366 * 86400; now += 613) {
		log_period(&set, now, &start, &end);
		if (start > now || end <= now || end - start > 7200)
			break;
	}
	CHECK(now >= 1767222000 + 366 * 86400, "period at %lld: %+lld %+lld",
	    (long long)now, (long long)(start - now), (long long)(end - now));
}

static void
age(const char *file, time_t t)
{
	struct timespec ts[2] = { { .tv_sec = t }, { .tv_sec = t } };

	utimensat(AT_FDCWD, file, ts, 0);
}

static void
test_rotation(void)
{
	struct log_settings set = { .dir = path("rot"), .rotate = true,
	    .rotate_when = 'H', .rotate_interval = 1, .backup_count = 3 };
	time_t old = at("UTC0", "2026-11-24 09:20:00");
	struct log *log = open_log(&set);
	int i;

	log_line(log, LOG_LEVEL_INFO, "old line");
	CHECK(count_files(path("rot")) == 1, "not before its time");
	log_free(log);
	age(path("rot/cos_v5.log"), old);
	log = open_log(&set);
	log_line(log, LOG_LEVEL_INFO, "new line");
	CHECK(strstr(slurp(path("rot/cos_v5.log.2026-11-24_09")),
	    "old line\n") != NULL, "named after its own hour");
	CHECK(strstr(slurp(path("rot/cos_v5.log")), "old line") == NULL &&
	    strstr(slurp(path("rot/cos_v5.log")), "new line\n") != NULL,
	    "new file");
	/* the same name again: nothing is replaced */
	log->start = old;
	log->end = old + 3600;
	log_line(log, LOG_LEVEL_INFO, "third");
	CHECK(strstr(slurp(path("rot/cos_v5.log.2026-11-24_09")),
	    "old line\n") != NULL &&
	    strstr(slurp(path("rot/cos_v5.log.2026-11-24_09.1")),
	    "new line\n") != NULL, "no file is replaced");
	/* the oldest go; files of other names stay */
	close(open(path("rot/cos_v5.log.gz"), O_CREAT | O_WRONLY, 0600));
	close(open(path("rot/cos_v5.log.2026-11-24_09.gz"),
	    O_CREAT | O_WRONLY, 0600));
	for (i = 1; i <= 4; i++) {
		log->start = old + i * 3600;
		log->end = log->start + 3600;
		log_line(log, LOG_LEVEL_INFO, "line %d", i);
	}
	CHECK(count_files(path("rot")) == 1 + 3 + 2, "backups: %d files",
	    count_files(path("rot")));
	CHECK(access(path("rot/cos_v5.log.2026-11-24_13"), F_OK) == 0 &&
	    access(path("rot/cos_v5.log.2026-11-24_11"), F_OK) == 0 &&
	    access(path("rot/cos_v5.log.2026-11-24_10"), F_OK) < 0,
	    "the newest stay");
	log_free(log);
}

/* It was wrong when the file was written to, and is set back. */
static void
test_clock_set_back(void)
{
	struct log_settings set = { .dir = path("back"), .rotate = true,
	    .rotate_when = 'H', .rotate_interval = 1 };
	struct log *log = open_log(&set);
	time_t now = time(NULL);

	log_line(log, LOG_LEVEL_INFO, "one");
	log_free(log);
	age(path("back/cos_v5.log"), now + 1000L * 86400);
	log = open_log(&set);
	CHECK(log_turn(log) <= 3600 * 1000, "next rotation in %lld ms",
	    (long long)log_turn(log));
	CHECK(count_files(path("back")) == 1 && log->start <= time(NULL),
	    "the file stays, and is of this hour");
	log_free(log);
}

static void
test_rotation_fails(void)
{
	struct log_settings set = { .dir = path("stuck"), .rotate = true,
	    .rotate_when = 'D', .rotate_interval = 1 };
	struct log *log = open_log(&set);
	time_t old = at("UTC0", "2026-11-24 09:20:00");

	log_line(log, LOG_LEVEL_INFO, "one");
	/* moved away behind its back, and another thing put there */
	rename(path("stuck/cos_v5.log"), path("stuck/kept"));
	mkdir(path("stuck/cos_v5.log"), 0755);
	log->start = old;
	log->end = old + 1;
	log_line(log, LOG_LEVEL_INFO, "two");
	log_line(log, LOG_LEVEL_INFO, "three");
	CHECK(strstr(slurp(path("stuck/kept")), "WARNING log not rotated, "
	    "going on with the old file: open a new ") != NULL, "told: %s",
	    slurp(path("stuck/kept")));
	CHECK(strstr(slurp(path("stuck/kept")), "two\n") != NULL &&
	    strstr(slurp(path("stuck/kept")), "three\n") != NULL,
	    "no line is lost");
	CHECK(log->start == old && log->end > time(NULL),
	    "tried again in the next period");
	rmdir(path("stuck/cos_v5.log"));
	log->end = 1;
	log_line(log, LOG_LEVEL_INFO, "four");
	CHECK(strstr(slurp(path("stuck/cos_v5.log")), "four\n") != NULL,
	    "a file that was taken away is made again");
	log_free(log);
}

/* Many processes, a rotation every second: every line is in one file. */
static void
test_processes(void)
{
	enum { WRITERS = 6, LINES = 3000 };
	struct log_settings set = { .dir = path("many"), .rotate = true,
	    .rotate_when = 'S', .rotate_interval = 1 };
	struct log *log = open_log(&set);
	char command[256];
	FILE *f;
	int i, k;

	fflush(stdout);
	for (i = 0; i < WRITERS; i++) {
		if (fork() != 0)
			continue;
		for (k = 0; k < LINES; k++) {
			log_line(log, LOG_LEVEL_INFO, "writer %d line %d end",
			    i, k);
			usleep(700);
		}
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
	log_free(log);
	i = k = 0;
	snprintf(command, sizeof(command), "cat %s/many/* | grep -c '^20.* "
	    "INFO  writer [0-9] line [0-9]* end$'; ls %s/many | wc -l", tmp,
	    tmp);
	f = popen(command, "r");
	CHECK(f != NULL && fscanf(f, "%d %d", &i, &k) == 2, "counted");
	if (f != NULL)
		pclose(f);
	CHECK(i == WRITERS * LINES, "lines of all processes: %d", i);
	CHECK(k >= 3 && k < 20, "files of all processes: %d", k);
}

int
main(void)
{
	char command[80];

	snprintf(tmp, sizeof(tmp), "/tmp/t_log.XXXXXX");
	if (mkdtemp(tmp) == NULL) {
		perror("mkdtemp");
		return 1;
	}
	test_err();
	test_lines();
	test_long();
	test_failures();
	test_pipe();
	test_torn();
	test_stderr();
	test_stalled_reader();
	test_periods();
	test_rotation();
	test_clock_set_back();
	test_rotation_fails();
	test_processes();
	snprintf(command, sizeof(command), "rm -rf %s", tmp);
	if (system(command) != 0)
		printf("%s is left behind\n", tmp);
	return test_end("t_log");
}
