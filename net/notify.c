/*
 * net/notify.c - a word to the service manager (sd_notify(3)): one datagram.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "net_int.h"
#include "process.h"

int
net_notify(const char *text, struct err *e)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t len = path != NULL ? strlen(path) : 0;
	ssize_t n;
	int fd;

	if (len == 0)
		return 0;
	if (len >= sizeof(to.sun_path) || (path[0] != '/' && path[0] != '@'))
		return err_set(e, "NOTIFY_SOCKET=%s is no path", path);
	memcpy(to.sun_path, path, len);
	if (path[0] == '@')
		to.sun_path[0] = '\0';	/* an abstract name */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(e, "socket for NOTIFY_SOCKET");
	len += offsetof(struct sockaddr_un, sun_path);
	n = connect(fd, (struct sockaddr *)&to, (socklen_t)len);
	if (n == 0)
		n = write(fd, text, strlen(text));
	if (n < 0)
		err_sys(e, "NOTIFY_SOCKET=%s", path);
	close(fd);
	return n < 0 ? -1 : 0;
}

int64_t
net_notify_every(void)
{
	const char *usec = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");

	if (usec == NULL || (pid != NULL && atol(pid) != (long)getpid()))
		return 0;
	return (int64_t)atoll(usec) / 2000;
}
