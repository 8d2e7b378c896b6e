/*
 * ftp/health.c - does a server run with this configuration?  (--health)
 *
 * A client of its own process that may wait, but not for long.
 */
#include <poll.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "ftp_int.h"

enum { SEND_S = 1, TOTAL_S = 4 };

/* One line; what is not of interest is dropped. */
static int
read_line(int fd, time_t end, char *line, size_t size, struct err *e)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t n = 0;
	ssize_t got = 0;
	time_t now;

	while (n < size - 1 && (n == 0 || line[n - 1] != '\n')) {
		now = time(NULL);
		if (poll(&p, 1, now < end ? (int)(end - now) * 1000 : 0) == 0)
			return err_set(e, "no answer in time");
		got = read(fd, line + n, 1);
		if (got <= 0)
			break;
		n++;
	}
	line[n] = '\0';
	if (n > 0 && line[n - 1] == '\n')
		return 0;
	return got < 0 ? err_sys(e, "read") : err_set(e, "no whole reply");
}

/* Too many connections is a sign of life, too. */
static int
talk(int fd, bool header, struct err *e)
{
	static const char unknown[] = "PROXY UNKNOWN\r\n", quit[] = "QUIT\r\n";
	time_t end = time(NULL) + TOTAL_S;
	char line[512];

	if (header && write(fd, unknown, sizeof(unknown) - 1) < 0)
		return err_sys(e, "write");
	if (read_line(fd, end, line, sizeof(line), e) < 0)
		return -1;
	if (strncmp(line, "421", 3) == 0)
		return 0;
	if (strncmp(line, "220", 3) != 0)
		return err_set(e, "the greeting is %s", line);
	if (write(fd, quit, sizeof(quit) - 1) < 0)
		return err_sys(e, "write");
	if (read_line(fd, end, line, sizeof(line), e) < 0)
		return -1;
	return strncmp(line, "221", 3) == 0 ? 0 :
	    err_set(e, "QUIT is answered with %s", line);
}

int
ftp_health(const struct conf *c, struct err *e)
{
	const struct timeval limit = { .tv_sec = SEND_S };
	const char *ip = c->listen_address;
	struct net_addr a;
	int fd, rc;

	if (ip == NULL || strcmp(ip, "0.0.0.0") == 0)
		ip = "127.0.0.1";
	else if (strcmp(ip, "::") == 0)
		ip = "::1";
	if (net_addr_parse(&a, ip, c->listen_port) < 0)
		return err_set(e, "listen_address = %s is not an address", ip);
	fd = socket(a.ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(e, "socket");
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit,
	    sizeof(limit)) < 0 ||
	    connect(fd, (struct sockaddr *)&a.ss, a.len) < 0)
		rc = err_sys(e, "connect to %s port %u", ip, c->listen_port);
	else
		rc = talk(fd, ftp_proxied(c, &a), e);
	close(fd);
	return rc;
}
