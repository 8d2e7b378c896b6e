/*
 * tests/conf_load.h - for tests of conf/: the least of a configuration, and
 * loading a text as a file.
 */
#ifndef COSFTPD_CONF_LOAD_H
#define COSFTPD_CONF_LOAD_H

#include <unistd.h>

#include "../conf/conf_int.h"
#include "test.h"

#define KEYS "cos_secretid=AKIDexample\ncos_secretkey=keyexample\n"
#define BUCKET "cos_bucket=examplebucket-1250000000\n"
#define REGION "cos_region=ap-guangzhou\n"
#define USER "ftp_login_user_name=u\nftp_login_user_password=p\n"
#define ACCOUNT "[COS_ACCOUNT_0]\n" KEYS BUCKET REGION USER	/* 7 lines */

static char file[] = "/tmp/t_conf.XXXXXX";
static struct conf_notes notes;

static inline void
put_file(const char *text, size_t len)
{
	FILE *f = fopen(file, "w");

	if (f == NULL || fwrite(text, 1, len, f) != len || fclose(f) != 0) {
		perror(file);
		exit(1);
	}
}

static inline struct conf *
load(const char *text)
{
	conf_notes_free(&notes);
	put_file(text, strlen(text));
	return conf_load(file, &notes);
}

/* Every note as "!LINE: text" or "?LINE: text" (a warning), with line ends. */
static inline const char *
all_notes(void)
{
	static char buf[20000];
	size_t i, n = 0, skip = strlen(file);

	buf[0] = '\0';
	for (i = 0; i < notes.n && n < sizeof(buf) - 1000; i++) {
		CHECK(strncmp(notes.note[i].text, file, skip) == 0,
		    "begins with the file: %s", notes.note[i].text);
		n += (size_t)snprintf(buf + n, sizeof(buf) - n, "%c%s\n",
		    notes.note[i].error ? '!' : '?',
		    notes.note[i].text + skip + 1);
	}
	return buf;
}

static inline const char *
printed(const struct conf *c)
{
	static char buf[20000];
	FILE *f = fmemopen(buf, sizeof(buf) - 1, "w");

	memset(buf, 0, sizeof(buf));
	if (f != NULL) {
		conf_print(c, f);
		fclose(f);
	}
	return buf;
}

static inline void
begin_file(void)
{
	int fd = mkstemp(file);

	if (fd < 0) {
		perror(file);
		exit(1);
	}
	close(fd);
}

static inline void
end_file(void)
{
	conf_notes_free(&notes);
	unlink(file);
}

#endif
