/*
 * ftp/resources.c - can this machine carry it?  (config_check_enable)
 */
#include <inttypes.h>

#include "session_int.h"

/* The session, its job, the two buffers a transfer has (what a download has
 * read ahead, and the listing's text and page), its recent changes; TLS on both
 * connections, and on two to the store. */
enum { BUFFERS = (512 + 68 + 48 + 80) * 1024, WORKER = 4 * 1024 * 1024 };

static int
compare(const char *what, const char *unit, int64_t need, int64_t have,
    struct err *e)
{
	if (have < 0 || need <= have)
		return 0;
	return err_set(e, "%s: needed %" PRId64 " %s, available %" PRId64
	    " (config_check_enable = false starts all the same)", what, need,
	    unit, have);
}

static int64_t
most_sessions(const struct conf *c)
{
	return c->max_connection_num > 0 ? (c->max_connection_num - 1) / 2 : 0;
}

static int64_t
memory_of(const struct ftp_generation *g)
{
	return g->conf->memory_limit + (int64_t)g->workers * WORKER +
	    most_sessions(g->conf) *
	    (int64_t)(sizeof(struct ftp_session) + BUFFERS);
}

int
ftp_check_resources(const struct ftp_generation *g,
    const struct ftp_generation *before, struct err *e)
{
	/* Each session: control and data connection, and those to COS; each
	 * worker: a bell in every process, also for those of reloads. */
	const struct conf *c = g->conf;
	int64_t sessions = most_sessions(c);
	int64_t per = c->upload_thread_num > 0 ? c->upload_thread_num : 4;
	/* What is read ahead is a MiB or more on each connection. */
	int64_t ahead = c->memory_limit / (1024 * 1024);
	int64_t files = 64 + 4 * g->workers + sessions * (2 + per) +
	    (ahead < sessions * 16 ? ahead : sessions * 16);
	int64_t have = net_limit_descriptors(files > 65536 ? files : 65536);

	if (!c->config_check_enable)
		return 0;
	if (compare("max_connection_num", "descriptors", files, have, e) < 0)
		return -1;
	return compare("memory_limit and max_connection_num",
	    "bytes of memory", memory_of(g) -
	    (before != NULL ? memory_of(before) : 0), net_limit_memory(), e);
}
