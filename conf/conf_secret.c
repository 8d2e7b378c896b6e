/*
 * conf/conf_secret.c - secrets that are kept elsewhere: file:PATH or env:NAME
 * in the place of one.
 *
 * Complaints name the place, never what was found there.  Files that all may
 * read are fine: containers mount secrets so.
 */
#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf_int.h"

static bool
in_file(const char *value)
{
	return strncmp(value, "file:", 5) == 0;
}

bool
conf_secret_is(const char *value)
{
	return in_file(value) || strncmp(value, "env:", 4) == 0;
}

/* What is no place may be a secret after all. */
const char *
conf_secret_place(const char *value)
{
	const char *name = strchr(value, ':') + 1, *p = name;

	if (in_file(value))
		return *name == '/' ? value : NULL;
	while (*p == '_' || isalnum((unsigned char)*p))
		p++;
	return p > name && *p == '\0' && !isdigit((unsigned char)*name) ?
	    value : NULL;
}

/* 1: a warning in *why. */
static int
check_file(int fd, struct err *why)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(why, "cannot be read");
	if (!S_ISREG(st.st_mode))
		return err_set(why, "not a file");
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) == 0)
		return 0;
	err_set(why, "others than its owner may change it (mode %04o): "
	    "chmod go-w", (unsigned)(st.st_mode & 07777));
	return 1;
}

static int
from_file(const char *path, char *text, size_t size, struct err *why)
{
	/* NONBLOCK: no waiting for the other end of a FIFO */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc;
	ssize_t n;

	if (fd < 0)
		return err_sys(why, "cannot be read");
	rc = check_file(fd, why);
	n = rc < 0 ? 0 : conf_read_all(fd, text, size - 1);
	if (n < 0)
		rc = err_sys(why, "cannot be read");
	else if (rc >= 0 && strlen(text) != (size_t)n)
		rc = err_set(why, "not a text");
	close(fd);
	return rc;
}

static int
from_environment(const char *name, char *text, size_t size, struct err *why)
{
	const char *value = getenv(name);

	if (value == NULL)
		return err_set(why, "not set");
	snprintf(text, size, "%s", value);
	return 0;
}

/* Takes off one line end. */
static int
check_line(char *text, struct err *why)
{
	size_t n = strlen(text), i;

	if (n > 0 && text[n - 1] == '\n')
		text[--n] = '\0';
	if (n > 0 && text[n - 1] == '\r')
		text[--n] = '\0';
	if (n == 0)
		return err_set(why, "empty");
	for (i = 0; i < n; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return err_set(why, "more than one line, or control "
			    "characters");
	return 0;
}

/* The length is left to the key's own check: one byte too many is kept. */
int
conf_secret_get(const char *value, size_t max, char **text, struct err *why)
{
	const char *name = strchr(value, ':') + 1;
	size_t size = max + 4;		/* a line end, one too many, NUL */
	int rc;

	*text = NULL;
	if (conf_secret_place(value) == NULL)
		return err_set(why, "not a place, allowed: file:/PATH or "
		    "env:NAME (in quotes where the secret begins so)");
	*text = calloc(1, size);
	if (*text == NULL)
		return err_set(why, "out of memory");
	rc = in_file(value) ? from_file(name, *text, size, why) :
	    from_environment(name, *text, size, why);
	return rc >= 0 && check_line(*text, why) < 0 ? -1 : rc;
}

void
conf_secret_free(char *text)
{
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
}
