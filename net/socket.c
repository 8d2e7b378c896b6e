/*
 * net/socket.c - addresses, listening and accepting.
 *
 * IPv4 peers of a dual-stack listener appear as v4-mapped IPv6 addresses;
 * every comparison and text here treats them as the IPv4 they are.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "net_int.h"

static struct sockaddr_in *
in4(const struct net_addr *a)
{
	return (struct sockaddr_in *)(uintptr_t)&a->ss;
}

static struct sockaddr_in6 *
in6(const struct net_addr *a)
{
	return (struct sockaddr_in6 *)(uintptr_t)&a->ss;
}

bool
net_addr_is4(const struct net_addr *a)
{
	return a->ss.ss_family == AF_INET ||
	    (a->ss.ss_family == AF_INET6 &&
	    IN6_IS_ADDR_V4MAPPED(&in6(a)->sin6_addr));
}

void
net_addr_v4(const struct net_addr *a, unsigned char out[4])
{
	if (a->ss.ss_family == AF_INET)
		memcpy(out, &in4(a)->sin_addr, 4);
	else
		memcpy(out, in6(a)->sin6_addr.s6_addr + 12, 4);
}

const char *
net_addr_text(const struct net_addr *a, char buf[NET_ADDR_TEXT])
{
	unsigned char v4[4];

	if (net_addr_is4(a)) {
		net_addr_v4(a, v4);
		snprintf(buf, NET_ADDR_TEXT, "%u.%u.%u.%u", v4[0], v4[1],
		    v4[2], v4[3]);
	} else if (a->ss.ss_family != AF_INET6 || inet_ntop(AF_INET6,
	    &in6(a)->sin6_addr, buf, NET_ADDR_TEXT) == NULL) {
		snprintf(buf, NET_ADDR_TEXT, "?");
	}
	return buf;
}

int
net_addr_parse(struct net_addr *a, const char *ip, uint16_t port)
{
	memset(a, 0, sizeof(*a));
	if (inet_pton(AF_INET, ip, &in4(a)->sin_addr) == 1) {
		a->ss.ss_family = AF_INET;
		a->len = sizeof(struct sockaddr_in);
	} else if (inet_pton(AF_INET6, ip, &in6(a)->sin6_addr) == 1) {
		a->ss.ss_family = AF_INET6;
		a->len = sizeof(struct sockaddr_in6);
	} else {
		return -1;
	}
	net_addr_set_port(a, port);
	return 0;
}

void
net_addr_set(struct net_addr *a, const unsigned char *ip, size_t size,
    uint16_t port)
{
	net_addr_parse(a, size == 4 ? "0.0.0.0" : "::", port);
	if (size == 4)
		memcpy(&in4(a)->sin_addr, ip, 4);
	else
		memcpy(&in6(a)->sin6_addr, ip, 16);
}

uint16_t
net_addr_port(const struct net_addr *a)
{
	return ntohs(a->ss.ss_family == AF_INET ? in4(a)->sin_port
	    : in6(a)->sin6_port);
}

void
net_addr_set_port(struct net_addr *a, uint16_t port)
{
	if (a->ss.ss_family == AF_INET)
		in4(a)->sin_port = htons(port);
	else
		in6(a)->sin6_port = htons(port);
}

void
net_addr_unmap(struct net_addr *a)
{
	uint16_t port = net_addr_port(a);
	unsigned char ip[4];

	if (a->ss.ss_family != AF_INET6 || !net_addr_is4(a))
		return;
	net_addr_v4(a, ip);
	net_addr_set(a, ip, sizeof(ip), port);
}

void
net_addr_bytes(const struct net_addr *a, unsigned char out[16])
{
	memset(out, 0, 10);
	memset(out + 10, 0xff, 2);
	if (net_addr_is4(a))
		net_addr_v4(a, out + 12);
	else
		memcpy(out, &in6(a)->sin6_addr, 16);
}

bool
net_addr_same_host(const struct net_addr *a, const struct net_addr *b)
{
	unsigned char x[16], y[16];

	net_addr_bytes(a, x);
	net_addr_bytes(b, y);
	return memcmp(x, y, sizeof(x)) == 0;
}

bool
net_addr_private(const struct net_addr *a)
{
	unsigned char v[4];
	const unsigned char *six = in6(a)->sin6_addr.s6_addr;

	if (!net_addr_is4(a))
		return (six[0] & 0xfe) == 0xfc ||		/* RFC 4193 */
		    (six[0] == 0xfe && (six[1] & 0xc0) == 0x80) ||
		    IN6_IS_ADDR_LOOPBACK(&in6(a)->sin6_addr);
	net_addr_v4(a, v);
	return v[0] == 10 || v[0] == 127 ||
	    (v[0] == 172 && (v[1] & 0xf0) == 16) ||
	    (v[0] == 192 && v[1] == 168) ||
	    (v[0] == 169 && v[1] == 254) ||
	    (v[0] == 100 && (v[1] & 0xc0) == 64);		/* RFC 6598 */
}

int
net_listen(const struct net_addr *a, int backlog, struct err *e)
{
	char text[NET_ADDR_TEXT];
	int fd, on = 1, off = 0;

	fd = socket(a->ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	if (fd < 0)
		return err_sys(e, "socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (a->ss.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, (const struct sockaddr *)&a->ss, a->len) < 0 ||
	    listen(fd, backlog) < 0) {
		int saved = errno;

		close(fd);
		errno = saved;
		return err_sys(e, "listen on %s port %u",
		    net_addr_text(a, text), net_addr_port(a));
	}
	return fd;
}

int
net_listen_any(uint16_t port, int backlog, struct err *e)
{
	struct net_addr a;
	int fd;

	net_addr_parse(&a, "::", port);
	fd = net_listen(&a, backlog, e);
	if (fd >= 0 || errno == EADDRINUSE || errno == EACCES)
		return fd;
	net_addr_parse(&a, "0.0.0.0", port);	/* a host without IPv6 */
	return net_listen(&a, backlog, e);
}

int
net_accept(int listener, struct net_addr *peer)
{
	int fd, on = 1;

	peer->len = sizeof(peer->ss);
	fd = accept4(listener, (struct sockaddr *)&peer->ss, &peer->len,
	    SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

int
net_local(int fd, struct net_addr *a)
{
	a->len = sizeof(a->ss);
	return getsockname(fd, (struct sockaddr *)&a->ss, &a->len);
}

uint64_t
net_acked(int fd)
{
	/* the kernel's struct tcp_info; glibc's ends with the words */
	struct {
		uint32_t words[26];
		uint64_t pacing[2], acked;
	} info = { 0 };
	socklen_t len = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 ?
	    info.acked : 0;
}
