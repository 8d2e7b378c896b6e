/*
 * ftp/status.c - what the server does just now, as text and as numbers.
 *
 * All of it is in shared memory: sessions show there what they do, workers
 * count.  So nobody is asked, a worker that hangs is seen as well, and a
 * transfer pays two additions for each read or write.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "session_int.h"

/* ---- a session, for others ---- */

void
ftp_session_count(struct ftp_session *s, int what, int64_t n)
{
	ftp_share_count(s->server->share, s->server->slot, what, n);
}

static const char *
tail(const char *text, size_t max)
{
	size_t n = strlen(text);

	for (text += n > max ? n - max : 0; (*text & 0xc0) == 0x80; text++)
		;
	return text;
}

void
ftp_session_show(struct ftp_session *s)
{
	const struct ftp_transfer *t = s->job != NULL && s->job->transfer ?
	    (struct ftp_transfer *)s->job : NULL;
	struct ftp_doing d = {
		.id = s->id,
		.port = net_addr_port(&s->peer),
		.tls = s->tls,
		.busy = s->job != NULL,
		.kind = t != NULL ? (int)t->kind : FTP_KINDS,
		.since = t != NULL ? t->started : net_now(s->server->loop),
		.bytes = t != NULL ? t->bytes : 0,
		.total = t != NULL ? t->total : -1,
	};

	if (s->seat == NULL)		/* refused, and soon gone */
		return;
	net_addr_bytes(&s->peer, d.peer);
	snprintf(d.user, sizeof(d.user), "%s", s->account != NULL ?
	    s->account->user : "-");
	memcpy(d.verb, s->verb, sizeof(d.verb));
	snprintf(d.path, sizeof(d.path), "%s", tail(s->path,
	    sizeof(d.path) - 1));
	ftp_seat_show(s->seat, &d);
}

/* ---- numbers ---- */

enum value {			/* after those of ftp_count */
	V_COS = FTP_COUNTS,
	V_LIMIT = V_COS + COS_TOTALS,
	V_SESSIONS,
	V_NOW,			/* transfers of each kind */
	V_WORKERS = V_NOW + FTP_KINDS,
	V_DEATHS,
	V_START,		/* Unix seconds */
	VALUES
};

static void
measure(const struct ftp_program *p, int64_t v[VALUES])
{
	struct ftp_doing d;
	size_t at = 0;

	memset(v, 0, VALUES * sizeof(v[0]));
	ftp_share_totals(p->ftp_share, v);
	cos_share_totals(p->cos_share, v + V_COS);
	v[V_LIMIT] = p->now->conf->memory_limit;
	v[V_SESSIONS] = (int64_t)ftp_share_sessions(p->ftp_share);
	while (ftp_share_look(p->ftp_share, &at, &d))
		if (d.kind < FTP_KINDS)
			v[V_NOW + d.kind]++;
	v[V_WORKERS] = p->workers != NULL ?
	    (int64_t)net_workers_alive(p->workers) : 1;
	v[V_DEATHS] = p->deaths;
	v[V_START] = p->start_time;
}

/* "_total" is a counter. */
static const struct metric {
	const char *name, *help;
	int value;
	bool kinds;		/* one of each kind of transfer, from value on */
} metrics[] = {
	{ "sessions", "Control connections now.", V_SESSIONS, false },
	{ "connections_total", "Control connections accepted.",
	    FTP_CONNECTIONS, false },
	{ "login_failures_total", "Failed logins.", FTP_LOGIN_FAILURES, false },
	{ "transfers", "Transfers now.", V_NOW, true },
	{ "transfers_begun_total", "Transfers begun.", FTP_BEGUN, true },
	{ "transfers_failed_total", "Of these, cut or failed.", FTP_BROKEN,
	    true },
	{ "bytes_total", "Bytes on data connections.", FTP_BYTES, true },
	{ "cos_requests_total", "Requests to COS, each retry is one.",
	    V_COS + COS_REQUESTS, false },
	{ "cos_retries_total", "Requests to COS that were repeated.",
	    V_COS + COS_RETRIES, false },
	{ "cos_failures_total", "Requests to COS that were given up.",
	    V_COS + COS_FAILURES, false },
	{ "memory_bytes", "Transfer buffers in use.", V_COS + COS_MEMORY,
	    false },
	{ "memory_limit_bytes", "The setting memory_limit.", V_LIMIT, false },
	{ "workers", "Processes that serve.", V_WORKERS, false },
	{ "worker_deaths_total", "Workers that crashed.", V_DEATHS, false },
	{ "start_time_seconds", "Unix time of the start.", V_START, false },
};

static const char *const kind[FTP_KINDS] = {
	[FTP_LISTING] = "listing", [FTP_DOWNLOAD] = "download",
	[FTP_UPLOAD] = "upload" };

static void
put_text(struct net_buf *b, const struct metric *m, const int64_t *v)
{
	int k;

	if (!m->kinds)
		net_buf_printf(b, "%s: %" PRId64 "\n", m->name, v[0]);
	for (k = 0; m->kinds && k < FTP_KINDS; k++)
		net_buf_printf(b, "%s, %s: %" PRId64 "\n", m->name, kind[k],
		    v[k]);
}

static void
put_metric(struct net_buf *b, const struct metric *m, const int64_t *v)
{
	int k;

	net_buf_printf(b, "# HELP cosftpd_%s %s\n# TYPE cosftpd_%s %s\n",
	    m->name, m->help, m->name, strstr(m->name, "_total") != NULL ?
	    "counter" : "gauge");
	if (!m->kinds)
		net_buf_printf(b, "cosftpd_%s %" PRId64 "\n", m->name, v[0]);
	for (k = 0; m->kinds && k < FTP_KINDS; k++)
		net_buf_printf(b, "cosftpd_%s{direction=\"%s\"} %" PRId64
		    "\n", m->name, kind[k], v[k]);
}

static void
put_all(const struct ftp_program *p, struct net_buf *b,
    void (*put)(struct net_buf *, const struct metric *, const int64_t *))
{
	const size_t n = sizeof(metrics) / sizeof(metrics[0]);
	const struct metric *m;
	int64_t v[VALUES];

	measure(p, v);
	for (m = metrics; m < metrics + n; m++)
		put(b, m, v + m->value);
}

void
ftp_status_metrics(const struct ftp_program *p, int64_t now,
    struct net_buf *b)
{
	(void)now;
	put_all(p, b, put_metric);
	net_buf_printf(b, "# HELP cosftpd_build_info The version.\n"
	    "# TYPE cosftpd_build_info gauge\n"
	    "cosftpd_build_info{version=\"" COSFTPD_VERSION "\"} 1\n");
}

/* ---- text ---- */

static void
put_transfer(struct net_buf *b, const struct ftp_doing *d, int64_t ms)
{
	net_buf_printf(b, ", %" PRId64, d->bytes);
	if (d->total >= 0)
		net_buf_printf(b, " of %" PRId64, d->total);
	net_buf_printf(b, " bytes, %.2f MB/s", ms > 0 ?
	    (double)d->bytes / 1000.0 / (double)ms : 0.0);
}

/* As the log has it. */
static void
put_path(struct net_buf *b, const char *path)
{
	int escape = 0;

	for (; *path != '\0'; path++, escape -= escape > 0) {
		if (escape == 0)
			escape = log_unfit(path);
		net_buf_printf(b, escape > 0 ? "\\x%02x" : "%c",
		    (unsigned char)*path);
	}
}

/* A line. */
static void
put_session(struct net_buf *b, const struct ftp_doing *d, int64_t now)
{
	int64_t ms = now > d->since ? now - d->since : 0;
	char text[NET_ADDR_TEXT];
	struct net_addr peer;

	net_addr_set(&peer, d->peer, sizeof(d->peer), d->port);
	net_buf_printf(b, "#%u %s from %s port %u %s: ", d->id, d->user,
	    net_addr_text(&peer, text), d->port, d->tls ? "over TLS" :
	    "in clear");
	net_buf_printf(b, "%s", d->busy ? d->verb : "idle");
	if (d->busy) {
		net_buf_put(b, " ", 1);
		put_path(b, d->path);
	}
	if (d->kind < FTP_KINDS)
		put_transfer(b, d, ms);
	net_buf_printf(b, ", %" PRId64 " s\n", ms / 1000);
}

static void
put_sessions(const struct ftp_program *p, int64_t now, struct net_buf *b)
{
	struct ftp_doing d;
	size_t at = 0, more = 0;

	while (ftp_share_look(p->ftp_share, &at, &d)) {
		if (b->len < FTP_STATUS_MAX - 2048)
			put_session(b, &d, now);
		else
			more++;
	}
	if (more > 0)
		net_buf_printf(b, "and %zu sessions more\n", more);
}

/* The sums last: they are what stays on a screen. */
void
ftp_status_text(const struct ftp_program *p, int64_t now, struct net_buf *b)
{
	put_sessions(p, now, b);
	net_buf_printf(b, "cosftpd " COSFTPD_VERSION ": up %" PRId64 " s\n",
	    (now - p->started) / 1000);
	put_all(p, b, put_text);
}

void
ftp_status_log(const struct ftp_program *p, int64_t now)
{
	struct net_buf b = { .max = FTP_STATUS_MAX };
	char *line, *next;

	ftp_status_text(p, now, &b);
	for (line = b.data; line != NULL && !b.failed; line = next) {
		next = strchr(line, '\n');
		if (next == NULL)
			break;
		*next++ = '\0';
		log_line(p->now->worker.log, LOG_LEVEL_ASKED, "status: %s",
		    line);
	}
	net_buf_free(&b);
}
