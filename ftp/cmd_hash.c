/*
 * ftp/cmd_hash.c - HASH (draft-bryan-ftpext-hash-02) and XMD5.
 *
 * Answered from a HEAD: nothing is read to be hashed, so only what COS itself
 * knows is there.  That is CRC-64 of every object (but those older than its
 * checksums), and the MD5 of those that say how it is proved (cos/object.c);
 * SHA-1, which the draft wants, COS does not know.  A value that is not
 * certain is refused in words, never guessed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "session_int.h"

enum { ALGO_CRC64, ALGO_MD5, ALGOS };	/* session: hash; 0 by default */
static const char *const names[ALGOS] = { "CRC-64", "MD5" };

enum { ASK_AS_SENT, ASK_UNQUOTED, ASK_DIRECTORY };

void
ftp_hash_feat(char *out, size_t size, unsigned selected)
{
	snprintf(out, size, "%s%s;%s%s", names[0], selected == 0 ? "*" : "",
	    names[1], selected == 1 ? "*" : "");
}

void
ftp_opts_hash(struct ftp_session *s, const char *name)	/* 3.2 */
{
	unsigned i;

	for (i = 0; i < ALGOS && *name != '\0'; i++) {
		if (strcasecmp(names[i], name) == 0) {
			s->hash = i;
			break;
		}
	}
	if (i == ALGOS)
		ftp_reply(s, 501, "Algorithms are CRC-64 and MD5; the "
		    "selection is not changed.");
	else
		ftp_reply(s, 200, "%s", names[s->hash]);
}

/* false: COS does not know it */
static bool
value_of(const struct cos_object *o, unsigned algo, char out[40])
{
	if (algo == ALGO_MD5)
		snprintf(out, 40, "%s", o->md5);
	else if (o->has_crc || o->size == 0)
		snprintf(out, 40, "%016" PRIx64, o->crc);
	else
		out[0] = '\0';
	return out[0] != '\0';
}

static void
unknown(struct ftp_session *s, unsigned algo, const struct cos_object *o)
{
	ftp_reply(s, 551, "The store does not know the %s of this file%s.",
	    names[algo], algo == ALGO_MD5 && o->has_crc ?
	    "; OPTS HASH CRC-64 selects what it knows" : "");
}

/* Names in quotes come from clients whose usual server takes them so; the
 * file that is called so with its quotes goes first. */
static bool
ask_unquoted(struct ftp_session *s, struct ftp_query *q)
{
	size_t n = strlen(s->arg);
	char name[FTP_LINE_MAX + 1];
	bool dir;

	if (n < 3 || s->arg[0] != '"' || s->arg[n - 1] != '"')
		return false;
	snprintf(name, sizeof(name), "%.*s", (int)n - 2, s->arg + 1);
	if (ftp_session_join(s, q->path, name, &dir) != FTP_PATH_OK || dir)
		return false;
	q->stage = ASK_UNQUOTED;
	ftp_query_head(s, q, ftp_path_key(q->path));
	return true;
}

/* "name 0 1023": XMD5 of other servers takes offsets */
static bool
has_offset(const char *arg)
{
	const char *p = strrchr(arg, ' ');

	return p != NULL && p[1] != '\0' &&
	    p[1 + strspn(p + 1, "0123456789")] == '\0';
}

/* true: there is an object; else asks on, or has replied */
static bool
found(struct ftp_session *s, struct ftp_query *q, int directory)
{
	if (q->fault != NULL) {
		ftp_query_end(s, q);
		return false;
	}
	if (q->stage == ASK_DIRECTORY) {
		if (q->found)
			ftp_reply(s, directory, "It is a directory.");
		else
			ftp_reply(s, 550, "No such file.");
		ftp_job_end(s);
		return false;
	}
	if (q->found)
		return true;
	if (q->stage == ASK_AS_SENT && ask_unquoted(s, q))
		return false;
	q->stage = ASK_DIRECTORY;
	ftp_query_below(s, q, q->path, 1);
	return false;
}

/* 3: "213 NAME FROM-TO HEX PATH"; TO is the last byte's number, and not below
 * FROM for an empty file either. */
static void
hash_next(struct ftp_session *s, struct ftp_query *q)
{
	const struct cos_object *o;
	char hex[40];

	if (!found(s, q, 553))
		return;
	o = cos_op_object(q->op);
	if (!value_of(o, s->hash, hex))
		unknown(s, s->hash, o);
	else
		ftp_reply(s, 213, "%s 0-%" PRId64 " %s %s", names[s->hash],
		    o->size > 0 ? o->size - 1 : 0, hex, q->path);
	ftp_job_end(s);
}

static void
xmd5_next(struct ftp_session *s, struct ftp_query *q)
{
	const struct cos_object *o;
	char hex[40];

	if (q->fault == NULL && !q->found && has_offset(s->arg)) {
		ftp_reply(s, 504, "XMD5 is that of whole files only.");
	} else {
		if (!found(s, q, 550))
			return;
		o = cos_op_object(q->op);
		if (!value_of(o, ALGO_MD5, hex))
			unknown(s, ALGO_MD5, o);
		else
			ftp_reply(s, 250, "%s", hex);
	}
	ftp_job_end(s);
}

static void
ask(struct ftp_session *s, void (*next)(struct ftp_session *,
    struct ftp_query *), int directory)
{
	struct ftp_query *q;

	if (s->path[1] == '\0' || s->arg_dir)
		ftp_reply(s, directory, "A directory has no hash.");
	else if ((q = ftp_query_new(s, next)) != NULL)
		ftp_query_head(s, q, ftp_path_key(s->path));
}

void
ftp_cmd_hash(struct ftp_session *s)
{
	ask(s, hash_next, 553);			/* 3.5 */
}

void
ftp_cmd_xmd5(struct ftp_session *s)
{
	ask(s, xmd5_next, 550);
}
