/*
 * f_path.c - names of FTP to keys of COS: always below the root, normal, and
 * the same when taken once more.  The input: a directory, NUL, an argument.
 */
#include "../../cos/cos_int.h"
#include "../../ftp/ftp_int.h"
#include "fuzz.h"

static void
check_quote(const char *path)
{
	char quoted[2 * FTP_PATH_MAX + 1];
	const char *q, *p = path;

	ftp_path_quote(quoted, sizeof(quoted), path);
	for (q = quoted; *q != '\0'; q++, p++) {
		if (*q == '"')
			MUST(*++q == '"');
		MUST(*q == *p);
	}
	MUST(*p == '\0');
}

static void
check_path(const char *path)
{
	char prefix[FTP_PATH_MAX], padded[FTP_PATH_MAX + 4];
	const char *key = ftp_path_key(path);
	size_t n = strlen(path);

	MUST(path[0] == '/' && n < FTP_PATH_MAX);
	MUST(strlen(key) <= COS_KEY_MAX && key[0] != '/');
	MUST(n == 1 || path[n - 1] != '/');
	MUST(strstr(path, "//") == NULL && ftp_utf8_valid(path, n));
	MUST(strpbrk(path, "\r\n") == NULL);
	snprintf(padded, sizeof(padded), "%s/", path);
	MUST(strstr(padded, "/./") == NULL && strstr(padded, "/../") == NULL);
	MUST(n == 1 || ftp_name_reachable(key, strlen(key)));
	MUST(strchr(ftp_path_base(path), '/') == NULL ||
	    strcmp(ftp_path_base(path), "/") == 0);
	ftp_path_prefix(prefix, path);
	MUST(n == 1 ? prefix[0] == '\0' : strncmp(prefix, key,
	    strlen(key)) == 0 && strcmp(prefix + strlen(key), "/") == 0);
	MUST(cos_mime(key) != NULL);
	check_quote(path);
}

static enum ftp_path_status
join(char out[FTP_PATH_MAX], const char *cwd, const char *arg, bool *dir)
{
	enum ftp_path_status status = ftp_path_join(out, cwd, arg, dir);
	char again[FTP_PATH_MAX];
	bool dir2;

	if (status != FTP_PATH_OK) {
		MUST(ftp_path_text(status)[0] != '\0');
		return status;
	}
	check_path(out);
	MUST(ftp_path_join(again, cwd, out, &dir2) == FTP_PATH_OK);
	MUST(strcmp(again, out) == 0);
	return status;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char cwd[FTP_PATH_MAX], out[FTP_PATH_MAX];
	char *first = text_of(data, n), *second;
	size_t at = strlen(first) + 1;
	bool dir;

	second = text_of(data + (at < n ? at : n), n - (at < n ? at : n));
	if (join(cwd, "/", first, &dir) != FTP_PATH_OK)
		strcpy(cwd, "/");
	join(out, cwd, second, &dir);
	free(first);
	free(second);
	return 0;
}
