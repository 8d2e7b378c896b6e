/*
 * ftp/path.c - FTP names and COS keys.
 *
 * An FTP path is absolute and normal, "/" or "/a/b"; a key is the same without
 * its first slash, and a directory's key ends in a slash.  Which of the two a
 * path means is the command's business.  Nothing here asks the bucket.
 */
#include <stdio.h>
#include <string.h>

#include "ftp_int.h"

static const char *const status_text[] = {
	[FTP_PATH_OK] = "Fine",
	[FTP_PATH_UTF8] = "Name is not valid UTF-8",
	[FTP_PATH_BAD] = "Name holds control characters or begins with \\",
	[FTP_PATH_LONG] = "Name is too long: a key of COS has 850 bytes",
	[FTP_PATH_ABOVE] = "Path leads above the root directory",
};
_Static_assert(COS_KEY_MAX == 850, "the limit is named in status_text");

/* Overlong forms, surrogates and everything above U+10FFFF are not UTF-8
 * (RFC 3629 3 and 4). */
size_t
ftp_utf8_char(const unsigned char *p, size_t n, uint32_t *c)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len, i;

	if (p[0] < 0x80) {
		*c = p[0];
		return 1;
	}
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (len > n)
		return 0;
	*c = p[0] & (0x7fu >> len);
	for (i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (p[i] & 0x3fu);
	}
	if (*c < least[len] || *c > 0x10ffff || (*c >= 0xd800 && *c <= 0xdfff))
		return 0;
	return len;
}

/*
 * Characters no name may hold, although COS forbids only 0x18 to 0x1b: XML 1.0
 * cannot express the controls below the blank, U+FFFE and U+FFFF, not even as
 * references, so such keys can be deleted one by one but in no batch; CR and
 * LF would forge lines of replies, listings and logs.  TAB does neither and
 * stays.  So do U+0080 to U+009F: a name encoded to UTF-8 twice is full of
 * them, and its owner needs to rename it.
 */
static bool
forbidden(uint32_t c)
{
	return (c < 0x20 && c != '\t') || c == 0x7f || c == 0xfffe ||
	    c == 0xffff;
}

static enum ftp_path_status
check_text(const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s;
	enum ftp_path_status status = FTP_PATH_OK;
	size_t len;
	uint32_t c;

	for (; n > 0; p += len, n -= len) {
		len = ftp_utf8_char(p, n, &c);
		if (len == 0)
			return FTP_PATH_UTF8;
		if (forbidden(c))
			status = FTP_PATH_BAD;
	}
	return status;
}

bool
ftp_utf8_valid(const char *s, size_t n)
{
	return check_text(s, n) != FTP_PATH_UTF8;
}

static bool
is_dots(const char *s, size_t n, size_t dots)
{
	return n == dots && memcmp(s, "..", dots) == 0;
}

/* Goes on from path[0..*len) by one segment; the root has length 0. */
static enum ftp_path_status
add_segment(char path[FTP_PATH_MAX], size_t *len, const char *seg, size_t n,
    bool *dir)
{
	*dir = n == 0 || is_dots(seg, n, 1) || is_dots(seg, n, 2);
	if (is_dots(seg, n, 2)) {
		if (*len == 0)
			return FTP_PATH_ABOVE;
		while (path[--*len] != '/')
			;
	}
	if (*dir)
		return FTP_PATH_OK;
	if (*len + 1 + n > FTP_PATH_MAX - 1)
		return FTP_PATH_LONG;
	path[(*len)++] = '/';
	memcpy(path + *len, seg, n);
	*len += n;
	return FTP_PATH_OK;
}

/* out is written on success only, so it may be the cwd itself. */
enum ftp_path_status
ftp_path_join(char out[FTP_PATH_MAX], const char *cwd, const char *arg,
    bool *dir)
{
	char path[FTP_PATH_MAX];
	enum ftp_path_status status;
	size_t len = 0, n;

	status = check_text(arg, strlen(arg));
	if (status != FTP_PATH_OK)
		return status;
	if (arg[0] != '/' && strcmp(cwd, "/") != 0) {
		len = strlen(cwd);
		if (len > FTP_PATH_MAX - 1)
			return FTP_PATH_LONG;
		memcpy(path, cwd, len);
	}
	for (;; arg += n + 1) {
		n = strcspn(arg, "/");
		status = add_segment(path, &len, arg, n, dir);
		if (status != FTP_PATH_OK)
			return status;
		if (arg[n] == '\0')
			break;
	}
	/* the slash at the end of a directory's key counts, ours does not */
	if (*dir && len > COS_KEY_MAX)
		return FTP_PATH_LONG;
	/* COS refuses keys that begin so; within a key it is a letter */
	if (len > 1 && path[1] == '\\')
		return FTP_PATH_BAD;
	if (len == 0)
		path[len++] = '/';
	memcpy(out, path, len);
	out[len] = '\0';
	return FTP_PATH_OK;
}

const char *
ftp_path_text(enum ftp_path_status status)
{
	return status_text[status];
}

const char *
ftp_path_key(const char *path)
{
	return path[0] == '/' ? path + 1 : path;
}

void
ftp_path_prefix(char out[FTP_PATH_MAX], const char *path)
{
	const char *key = ftp_path_key(path);

	snprintf(out, FTP_PATH_MAX, "%s%s", key, key[0] != '\0' ? "/" : "");
}

const char *
ftp_path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

void
ftp_path_quote(char *out, size_t size, const char *path)
{
	size_t n = 0, need;

	if (size == 0)
		return;
	for (; *path != '\0'; path++) {
		need = *path == '"' ? 2 : 1;
		if (need >= size - n)
			break;
		if (*path == '"')
			out[n++] = '"';
		out[n++] = *path;
	}
	out[n] = '\0';
}

/* Nothing is reachable that ftp_path_join would refuse or change: what a
 * listing shows can be asked for.  One slash may end it, a directory's. */
bool
ftp_name_reachable(const char *s, size_t n)
{
	const char *slash;
	size_t len;

	if (n == 0 || check_text(s, n) != FTP_PATH_OK)
		return false;
	while (n > 0) {
		slash = memchr(s, '/', n);
		len = slash != NULL ? (size_t)(slash - s) : n;
		if (len == 0 || is_dots(s, len, 1) || is_dots(s, len, 2))
			return false;
		if (slash == NULL)
			break;
		s += len + 1;
		n -= len + 1;
	}
	return true;
}
