/*
 * world.c - the connections, the clock and the script; world_store.c answers.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>

#include "world_int.h"

enum {
	PEERS = 256,
	STEPS = 20000,		/* of the loop; more is a loop without end */
	BIG = 64 * 1024,
	BIG_MAX = 48		/* of those in one input */
};

int world_accept4(int, struct sockaddr *, socklen_t *, int);
int world_bind(int, const struct sockaddr *, socklen_t);
int world_clock_gettime(clockid_t, struct timespec *);
int world_connect(int, const struct sockaddr *, socklen_t);
ssize_t world_getrandom(void *, size_t, unsigned);
int world_getsockname(int, struct sockaddr *, socklen_t *);
int __wrap_net_helper_fork(int (*)(void *), void *, void *);
int world_listen(int, int);
int world_poll(struct pollfd *, nfds_t, int);
int world_socket(int, int, int);
time_t world_time(time_t *);
ssize_t world_write(int, const void *, size_t);

static struct {
	const uint8_t *p, *end;		/* of the script */
	const uint8_t *all;
	size_t n;
	struct world_peer peer[PEERS];
	int npeers;
	struct world_peer *control, *stop, *door;
	int64_t now;			/* ms */
	uint32_t dice;
	int steps, big;
	bool over;
} w;

/* ---- the kernel ---- */

static struct world_peer *
pair(enum world_kind kind)
{
	struct world_peer *p = &w.peer[w.npeers];
	int sv[2];

	if (w.npeers == PEERS || socketpair(AF_UNIX, SOCK_STREAM |
	    SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sv) < 0)
		return NULL;
	w.npeers++;
	*p = (struct world_peer){ .kind = kind, .fd = sv[1], .theirs = sv[0],
	    .head = p->head };
	return p;
}

static struct world_peer *
peer_of(int theirs)
{
	int i;

	for (i = w.npeers - 1; i >= 0; i--)
		if (w.peer[i].theirs == theirs)
			return &w.peer[i];
	return NULL;
}

int
world_socket(int family, int type, int protocol)
{
	struct world_peer *p = pair(WORLD_NEW);

	(void)family;
	(void)type;
	(void)protocol;
	if (p == NULL)
		errno = EMFILE;
	return p != NULL ? p->theirs : -1;
}

int
world_bind(int fd, const struct sockaddr *a, socklen_t n)
{
	(void)fd;
	(void)a;
	(void)n;
	return 0;
}

int
world_listen(int fd, int backlog)
{
	(void)backlog;
	peer_of(fd)->kind = WORLD_DOOR;
	return 0;
}

int
world_connect(int fd, const struct sockaddr *a, socklen_t n)
{
	const struct sockaddr_in *in = (const void *)a;

	(void)n;
	peer_of(fd)->kind = in->sin_port == htons(80) ? WORLD_STORE :
	    WORLD_DATA;
	return 0;
}

static void
address(struct sockaddr *a, socklen_t *n, uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	memcpy(a, &in, sizeof(in));
	*n = sizeof(in);
}

int
world_getsockname(int fd, struct sockaddr *a, socklen_t *n)
{
	(void)fd;
	address(a, n, 21);
	return 0;
}

/* Who comes to a door writes one byte. */
int
world_accept4(int fd, struct sockaddr *a, socklen_t *n, int flags)
{
	struct world_peer *p;
	char kind;

	(void)flags;
	if (recv(fd, &kind, 1, 0) != 1) {
		errno = EAGAIN;
		return -1;
	}
	p = pair(kind == 'C' ? WORLD_CONTROL : WORLD_DATA);
	if (p == NULL) {
		errno = EMFILE;
		return -1;
	}
	if (kind == 'C')
		w.control = p;
	address(a, n, 4000);
	return p->theirs;
}

int
world_clock_gettime(clockid_t id, struct timespec *t)
{
	int64_t base = id == CLOCK_REALTIME ? 1700000000 : 1000;

	t->tv_sec = base + w.now / 1000;
	t->tv_nsec = w.now % 1000 * 1000000;
	return 0;
}

time_t
world_time(time_t *t)
{
	time_t now = 1700000000 + w.now / 1000;

	if (t != NULL)
		*t = now;
	return now;
}

ssize_t
world_getrandom(void *p, size_t n, unsigned flags)
{
	unsigned char *c = p;
	size_t i;

	(void)flags;
	for (i = 0; i < n; i++) {
		w.dice = w.dice * 1103515245 + 12345;
		c[i] = (unsigned char)(w.dice >> 16);
	}
	return (ssize_t)n;
}

/* ---- what must not be seen ---- */

/* The fuzzer learns what is compared, and writes it itself, in pieces and
 * escaped, too: its letters are in the input then, in their order. */
static bool
spelt(const char *word)
{
	const uint8_t *p;

	for (p = w.all; p < w.all + w.n && *word != '\0'; p++)
		word += *p == (uint8_t)*word;
	return *word == '\0';
}

void
world_no_secret(const void *p, size_t n)
{
	static const char *const secret[] = { WORLD_SECRET, WORLD_PASSWORD };
	size_t i;

	for (i = 0; i < 2; i++)
		if (memmem(p, n, secret[i], strlen(secret[i])) != NULL)
			MUST(spelt(secret[i]));
}

/* The log; WORLD_TRACE in the environment shows it. */
ssize_t
world_write(int fd, const void *p, size_t n)
{
	MUST(fd == 2);
	MUST(n > 0 && ((const char *)p)[n - 1] == '\n');
	MUST(memchr(p, '\n', n - 1) == NULL && memchr(p, '\r', n) == NULL);
	if (getenv("WORLD_TRACE") != NULL)
		fwrite(p, 1, n, stderr);
	world_no_secret(p, n);
	if (!spelt("q-sign"))
		MUST(memmem(p, n, "q-sign", 6) == NULL);
	return (ssize_t)n;
}

/* ---- replies ---- */

/* No success without proof: the checksum of a 226 was said by the store. */
static void
check_proof(const char *p, size_t n)
{
	static const char what[] = "CRC-64 ";
	const char *at = memmem(p, n, what, sizeof(what) - 1);
	char text[32], hex[17];

	if (at == NULL || memcmp(p, "226", 3) != 0)
		return;
	MUST((size_t)(p + n - at) >= sizeof(what) + 15);
	snprintf(hex, sizeof(hex), "%.16s", at + sizeof(what) - 1);
	snprintf(text, sizeof(text), "%llu", strtoull(hex, NULL, 16));
	MUST(world_said(text) || memmem(w.all, w.n, text, strlen(text)) !=
	    NULL);
}

/* RFC 959 4.2: "NNN text", or "NNN-text" up to the line "NNN text". */
static void
reply_line(struct world_peer *c, const char *p, size_t n)
{
	bool coded = n >= 6 && p[0] >= '1' && p[0] <= '5' &&
	    p[1] >= '0' && p[1] <= '9' && p[2] >= '0' && p[2] <= '9';

	MUST(n >= 2 && p[n - 2] == '\r');
	MUST(memchr(p, '\r', n - 2) == NULL && memchr(p, '\0', n) == NULL);
	world_no_secret(p, n);
	if (c->code[0] == '\0') {
		MUST(coded && (p[3] == ' ' || p[3] == '-'));
		if (p[3] == '-')
			memcpy(c->code, p, 3);
	} else if (coded && p[3] == ' ' && memcmp(p, c->code, 3) == 0) {
		c->code[0] = '\0';
	}
	if (c->code[0] == '\0' && p[0] != '1')
		c->finals++;
	c->tls = memcmp(p, "234", 3) == 0;
	check_proof(p, n);
	/* a greeting, one for each line, and 421 at the end */
	MUST(c->finals <= c->lines + 2);
}

static void
replies(struct world_peer *c, const char *p, size_t n)
{
	const char *lf;
	size_t at = 0;

	if (c->tls)
		return;
	tell(&c->head, p, n);
	while ((lf = memchr(c->head.text + at, '\n', c->head.n - at)) != NULL) {
		reply_line(c, c->head.text + at,
		    (size_t)(lf - c->head.text) + 1 - at);
		at = (size_t)(lf - c->head.text) + 1;
	}
	memmove(c->head.text, c->head.text + at, c->head.n - at);
	c->head.n -= at;
}

/* ---- the peers ---- */

void
world_hang_up(struct world_peer *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

void
world_send(struct world_peer *p, const void *text, size_t n)
{
	/* a peer that is gone, or does not read so much: its business */
	if (p->fd >= 0 && n > 0 &&
	    send(p->fd, text, n, MSG_NOSIGNAL) < 0)
		errno = 0;
}

/* Reads what was sent to p; false: nothing. */
static bool
hear(struct world_peer *p)
{
	static char buf[64 * 1024];
	ssize_t n;

	if (p->fd < 0 || p->kind == WORLD_DOOR || p->kind == WORLD_NEW)
		return false;
	n = recv(p->fd, buf, sizeof(buf), 0);
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0) {
		world_hang_up(p);
		return true;
	}
	if (p->kind == WORLD_CONTROL)
		replies(p, buf, (size_t)n);
	else if (p->kind == WORLD_STORE)
		world_request(p, buf, (size_t)n);
	return true;
}

/* Data that did not fit into the connection at first. */
static bool
pay(struct world_peer *p)
{
	static const char zeros[BIG];
	ssize_t n;

	if (p->fd < 0 || p->owed == 0)
		return false;
	n = send(p->fd, zeros, p->owed < BIG ? p->owed : BIG, MSG_NOSIGNAL);
	if (n > 0)
		p->owed -= (size_t)n;
	return n > 0;
}

static bool
hear_all(void)
{
	bool some = false;
	int i;

	for (i = 0; i < w.npeers; i++)
		some |= hear(&w.peer[i]) || pay(&w.peer[i]);
	return some;
}

/* ---- the script ---- */

static void
knock(struct world_peer *door, char kind)
{
	if (door != NULL)
		world_send(door, &kind, 1);
}

static void
say(const uint8_t *p, size_t n)
{
	size_t i;

	if (w.control == NULL)
		return;
	for (i = 0; i < n; i++)
		w.control->lines += p[i] == '\n';
	world_send(w.control, p, n);
}

/* The data connection last asked for; a passive one is opened by us. */
static struct world_peer *
data_peer(void)
{
	struct pollfd f = { .events = POLLIN };
	int i;

	for (i = w.npeers - 1; i >= 0; i--) {
		if (w.peer[i].fd < 0)
			continue;
		if (w.peer[i].kind == WORLD_DATA)
			return &w.peer[i];
		if (w.peer[i].kind != WORLD_DOOR || &w.peer[i] == w.door)
			continue;
		f.fd = w.peer[i].theirs;
		if (poll(&f, 1, 0) == 0)
			knock(&w.peer[i], 'D');
		return NULL;
	}
	return NULL;
}

/* false: not yet */
static bool
data(char letter, const uint8_t *p, size_t n)
{
	struct world_peer *d = data_peer();
	int i;

	if (d == NULL)
		return false;
	if (letter == 'B') {
		for (i = n > 0 ? p[0] & 31 : 0; i > 0 && w.big < BIG_MAX; i--) {
			d->owed += BIG;
			w.big++;
		}
		return true;
	}
	world_send(d, p, n);
	if (letter == 'D')
		shutdown(d->fd, SHUT_WR);
	else if (letter == 'R')
		world_hang_up(d);
	return true;
}

static void
record(char letter, const uint8_t *p, size_t n)
{
	switch (letter) {
	case 'C':
		say(p, n);
		break;
	case 'N':
		if (w.npeers < PEERS / 2)
			knock(w.door, 'C');
		break;
	case 'X':
		if (w.control != NULL)
			world_hang_up(w.control);
		break;
	case 'D': case 'd': case 'B': case 'R':
		/* A door is knocked at first; the bytes follow when it was
		 * opened, or nobody is there to read them. */
		if (!data(letter, p, n) && w.npeers < PEERS / 2)
			world_later(letter, p, n);
		break;
	case 'S': case 's': case 'E':
		world_answer(letter, p, n);
		break;
	case 'Q':
		if (w.stop != NULL)
			world_hang_up(w.stop);
		break;
	default:
		break;
	}
}

/* Takes the next record off the script; its letter. */
static char
take(const uint8_t **p, size_t *n)
{
	bool named = w.p[0] == 0x1e && w.end - w.p > 1;
	const uint8_t *end;
	char letter = named ? (char)w.p[1] : 'C';

	*p = w.p + (w.p[0] == 0x1e ? 1 : 0) + (named ? 1 : 0);
	end = memchr(*p, 0x1e, (size_t)(w.end - *p));
	w.p = end != NULL ? end : w.end;
	*n = (size_t)(w.p - *p);
	return letter;
}

/* The next record; false: there is none.  *wait: time shall pass. */
static bool
play(bool *wait)
{
	const uint8_t *p;
	size_t n;
	char letter;

	if (world_play_later(data))
		return true;
	if (w.p >= w.end)
		return false;
	letter = take(&p, &n);
	*wait = letter == 'W';
	record(letter, p, n);
	return true;
}

void
world_play_answer(void)
{
	const uint8_t *p;
	size_t n;
	char letter;

	if (w.end - w.p < 2 || w.p[0] != 0x1e || w.p[1] == '\0' ||
	    strchr("SsE", w.p[1]) == NULL)
		return;
	letter = take(&p, &n);
	world_answer(letter, p, n);
}

/* When it is over, all that is left is time. */
static void
finish(void)
{
	int i;

	if (w.over)
		return;
	w.over = true;
	for (i = 0; i < w.npeers; i++)
		if (w.peer[i].kind == WORLD_CONTROL ||
		    w.peer[i].kind == WORLD_DATA)
			world_hang_up(&w.peer[i]);
	if (w.stop != NULL)
		world_hang_up(w.stop);
}

int
world_poll(struct pollfd *f, nfds_t n, int timeout)
{
	bool wait = false;
	int ready;

	MUST(++w.steps < STEPS);
	for (;;) {
		while (hear_all())
			;
		ready = poll(f, n, 0);
		if (ready != 0 || timeout == 0)
			return ready;
		if (!play(&wait)) {
			if (!w.over)
				finish();
			else
				wait = true;
			if (wait && poll(f, n, 0) == 0)
				MUST(timeout >= 0);	/* nothing to wait for */
		}
		if (wait) {
			w.now += timeout > 0 ? timeout : 0;
			return poll(f, n, 0);
		}
	}
}

/* ---- begin and end ---- */

int
world_listener(void)
{
	w.door = pair(WORLD_DOOR);
	MUST(w.door != NULL);
	knock(w.door, 'C');
	return w.door->theirs;
}

int
world_stop(void)
{
	w.stop = pair(WORLD_NEW);
	MUST(w.stop != NULL);
	return w.stop->theirs;
}

int
world_helper(void)
{
	struct world_peer *p = pair(WORLD_NEW);

	MUST(p != NULL);
	return p->theirs;
}

int
__wrap_net_helper_fork(int (*first)(void *), void *ctx, void *e)
{
	(void)first;
	(void)ctx;
	(void)e;
	return world_helper();
}

void
world_begin(const uint8_t *script, size_t n)
{
	w.p = w.all = script;
	w.end = script + n;
	w.n = n;
	w.npeers = 0;
	w.control = w.stop = w.door = NULL;
	w.now = 0;
	w.dice = 1;
	w.steps = w.big = 0;
	w.over = false;
	world_store_begin();
}

void
world_end(void)
{
	int i;

	for (i = 0; i < w.npeers; i++)
		world_hang_up(&w.peer[i]);
	for (i = 0; i < w.npeers; i++) {
		MUST(fcntl(w.peer[i].theirs, F_GETFD) < 0);
		w.peer[i].head.n = 0;
	}
}
