/*
 * ftp/status_socket.c - the status on a Unix socket (status_socket), and who
 * asks there (--status).
 *
 * One line asks: "text" or "metrics", or a GET of HTTP/1.x for /metrics or /,
 * which is answered with a head.  It is served by the supervisor, which has
 * little else to do; all its clients together are bounded, as is their time.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "super_int.h"

enum {
	CLIENTS = 8,		/* at once; more wait in the backlog */
	ASK_MS = 5 * 1000,
	ANSWER_MS = 10 * 1000,	/* to read it */
	PAUSE_MS = 200,		/* after running out of descriptors */
	HEAD_MAX = 4096
};

enum state {
	C_FREE,
	C_ASKING,
	C_ANSWERING
};

struct client {
	struct net_task task;	/* its deadline, its stream */
	struct ftp_status *status;
	enum state state;
	struct net_stream *stream;
	struct net_buf answer;
	size_t sent;
};

struct ftp_status {
	struct net_task task;	/* the listener */
	const struct ftp_program *program;
	struct client client[CLIENTS];
};

static const struct question {
	const char *line;
	bool http;		/* how it begins; else: all of it */
	void (*put)(const struct ftp_program *, int64_t now, struct net_buf *);
} questions[] = {
	{ "text", false, ftp_status_text },
	{ "metrics", false, ftp_status_metrics },
	{ "GET / HTTP/1.", true, ftp_status_text },
	{ "GET /metrics HTTP/1.", true, ftp_status_metrics },
};

static void
hang_up(struct client *c)
{
	net_stream_free(c->stream);
	c->stream = NULL;
	net_buf_free(&c->answer);
	net_task_end(&c->task);
	c->state = C_FREE;
	ftp_status_watch(c->status);
}

static void
answer(struct client *c, const char *p, size_t n)
{
	static const char fields[] = "Content-Type: text/plain; "
	    "version=0.0.4; charset=utf-8\r\n";
	const struct question *q = questions;
	const struct question *end = q + sizeof(questions) / sizeof(*q);
	char line[128], head[256];
	bool http;

	snprintf(line, sizeof(line), "%.*s", (int)n, p);
	line[strcspn(line, "\r\n")] = '\0';
	http = strstr(line, " HTTP/1.") != NULL;
	while (q < end && (q->http ? strncmp(line, q->line, strlen(q->line)) :
	    strcmp(line, q->line)) != 0)
		q++;
	c->answer = (struct net_buf){ .max = FTP_STATUS_MAX };
	if (q < end)
		q->put(c->status->program, net_now(c->task.loop), &c->answer);
	else
		net_buf_printf(&c->answer, "Ask for: text, metrics, or GET "
		    "/metrics HTTP/1.0\n");
	snprintf(head, sizeof(head), "HTTP/1.0 %s\r\n%sContent-Length: %zu"
	    "\r\n\r\n", q < end ? "200 OK" : "404 Not Found", fields,
	    c->answer.len);
	if (http)
		net_stream_put(c->stream, head, strlen(head));
	c->sent = 0;
	c->state = C_ANSWERING;
	net_task_deadline(&c->task, ANSWER_MS);
}

/* Is the line there, and of HTTP the whole head?  What is not read would turn
 * our end into a reset. */
static bool
asked(const char *p, size_t n)
{
	if (n >= 4 && memcmp(p, "GET ", 4) == 0)
		return memcmp(p + n - 4, "\r\n\r\n", 4) == 0;
	return memchr(p, '\n', n) != NULL;
}

/* true: answered */
static bool
ask_step(struct client *c)
{
	size_t n = 0, had;
	const char *p;

	do {
		had = n;
		p = net_stream_peek(c->stream, HEAD_MAX, true, &n);
	} while (n > had && n < HEAD_MAX);
	if (asked(p, n)) {
		answer(c, p, n);
		return true;
	}
	if (n == HEAD_MAX || net_stream_ended(c->stream))
		hang_up(c);
	return false;
}

static void
client_step(struct net_task *t, unsigned why)
{
	struct client *c = (struct client *)t;

	if (why & NET_TIMEOUT) {
		hang_up(c);
		return;
	}
	if (c->state == C_ASKING && !ask_step(c))
		return;
	c->sent += net_stream_write(c->stream, c->answer.data + c->sent,
	    c->answer.len - c->sent);
	if (c->sent == c->answer.len)
		net_stream_shutdown(c->stream);
	if (c->answer.failed || net_stream_state(c->stream) == NET_FAILED ||
	    (c->sent == c->answer.len && net_stream_shut(c->stream)))
		hang_up(c);
}

static void
listener_step(struct net_task *t, unsigned why)
{
	struct ftp_status *st = (struct ftp_status *)t;
	struct client *c = st->client;
	struct net_addr peer;
	int fd;

	if (why & NET_TIMEOUT)
		ftp_status_watch(st);
	for (; c < st->client + CLIENTS; c++) {
		if (c->state != C_FREE)
			continue;
		fd = net_accept(t->fd, &peer);
		if (fd < 0 && (errno == EAGAIN || errno == ECONNABORTED))
			return;
		if (fd < 0)
			break;
		net_task_init(&c->task, t->loop, client_step);
		c->status = st;
		c->stream = net_stream_new(t->loop, fd, &c->task);
		c->state = C_ASKING;
		net_task_deadline(&c->task, ASK_MS);
		net_task_wake(&c->task);
		if (c->stream == NULL)
			hang_up(c);
	}
	net_task_watch(t, t->fd, 0);	/* until one has gone */
	net_task_deadline(t, c < st->client + CLIENTS ? PAUSE_MS : -1);
}

void
ftp_status_watch(struct ftp_status *st)
{
	int fd = st->program->now->status.fd;

	net_task_watch(&st->task, fd, fd >= 0 ? NET_READ : 0);
}

struct ftp_status *
ftp_status_new(const struct ftp_program *p, struct net_loop *l, struct err *e)
{
	struct ftp_status *st = calloc(1, sizeof(*st));

	if (st == NULL) {
		err_set(e, "out of memory");
		return NULL;
	}
	st->program = p;
	net_task_init(&st->task, l, listener_step);
	ftp_status_watch(st);
	return st;
}

void
ftp_status_free(struct ftp_status *st)
{
	struct client *c;

	if (st == NULL)
		return;
	for (c = st->client; c < st->client + CLIENTS; c++)
		if (c->state != C_FREE)
			hang_up(c);
	net_task_end(&st->task);
	free(st);
}

/* ---- --status ---- */

/* The head of HTTP, which says how long the answer is; -1: there is none. */
static long
read_head(FILE *in)
{
	static const char name[] = "Content-Length: ";
	char line[256];
	long len = -1;

	if (fgets(line, sizeof(line), in) == NULL ||
	    strncmp(line, "HTTP/1.0 200 ", 13) != 0)
		return -1;
	while (fgets(line, sizeof(line), in) != NULL && line[0] != '\r')
		if (strncmp(line, name, sizeof(name) - 1) == 0)
			len = strtol(line + sizeof(name) - 1, NULL, 10);
	return len;
}

/* What is cut, by a time-out, say, is none. */
static int
take_answer(FILE *in, const char *path, FILE *out, struct err *e)
{
	long left = read_head(in);
	int c = 0;

	if (left < 0)
		return err_set(e, "%s: no answer", path);
	while (left > 0 && (c = getc(in)) != EOF && putc(c, out) != EOF)
		left--;
	return left == 0 ? 0 : err_set(e, "%s: the answer is cut", path);
}

int
ftp_status_ask(const struct conf *c, const char *what, FILE *out,
    struct err *e)
{
	FILE *in;
	int fd, rc;

	if (c->status_socket == NULL)
		return err_set(e, "status_socket is not set in %s", c->file);
	fd = net_unix_connect(c->status_socket, ASK_MS / 1000, e);
	if (fd < 0)
		return -1;
	in = fdopen(fd, "r");
	if (in == NULL) {
		close(fd);
		return err_set(e, "out of memory");
	}
	rc = dprintf(fd, "GET /%s HTTP/1.0\r\n\r\n", strcmp(what, "text") ==
	    0 ? "" : what) < 0 ? err_sys(e, "%s", c->status_socket) :
	    take_answer(in, c->status_socket, out, e);
	fclose(in);
	return rc;
}
