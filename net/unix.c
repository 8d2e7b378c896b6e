/*
 * net/unix.c - a Unix socket of our own: made, found again, removed.
 *
 * The file of a server that was killed stays; nobody listens behind it, so it
 * is replaced.  Only the process that made a socket removes it, and only while
 * the name is still that socket's.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "net_int.h"

enum { BACKLOG = 16 };

static int
local(const char *path, int flags, struct sockaddr_un *a, struct err *e)
{
	int fd;

	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(a->sun_path))
		return err_set(e, "%s: too long for a socket", path);
	memcpy(a->sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	return fd >= 0 ? fd : err_sys(e, "socket");
}

int
net_unix_connect(const char *path, int seconds, struct err *e)
{
	const struct timeval limit = { .tv_sec = seconds };
	struct sockaddr_un a;
	int fd = local(path, 0, &a, e);

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit,
	    sizeof(limit)) == 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO,
	    &limit, sizeof(limit)) == 0 &&
	    connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	err_sys(e, "connect to %s", path);
	close(fd);
	return -1;
}

/* Left by a server that has gone. */
static bool
stale(const char *path)
{
	struct stat st;
	int fd;

	if (lstat(path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return false;
	fd = net_unix_connect(path, 1, NULL);
	if (fd < 0)
		return errno == ECONNREFUSED;
	close(fd);
	return false;
}

int
net_unix_listen(struct net_unix *u, const char *path, struct err *e)
{
	struct sockaddr_un a;
	struct stat st;
	mode_t old = umask(0177);
	int rc = -1;

	u->fd = local(path, SOCK_NONBLOCK, &a, e);
	if (u->fd >= 0) {
		if (stale(path))
			unlink(path);
		rc = bind(u->fd, (struct sockaddr *)&a, sizeof(a));
		if (rc == 0)
			rc = listen(u->fd, BACKLOG);
		if (rc < 0)
			err_sys(e, "listen on %s", path);
		else if ((rc = lstat(path, &st)) < 0)
			err_sys(e, "stat %s", path);
	}
	umask(old);
	if (rc == 0) {
		memcpy(u->path, a.sun_path, sizeof(u->path));
		u->maker = getpid();
		u->dev = st.st_dev;
		u->ino = st.st_ino;
	} else if (u->fd >= 0) {
		close(u->fd);
		u->fd = -1;
	}
	return rc;
}

void
net_unix_close(struct net_unix *u)
{
	struct stat st;

	if (u->fd < 0)
		return;
	close(u->fd);
	u->fd = -1;
	if (u->maker == getpid() && lstat(u->path, &st) == 0 &&
	    st.st_dev == u->dev && st.st_ino == u->ino)
		unlink(u->path);
}
