/*
 * f_session.c - a whole worker: clients' bytes and the store's answers from
 * the input, in the world of world.h, until the worker has stopped.
 */
#include "../../ftp/session_int.h"
#include "world.h"

#define ACCOUNT(n, user, password)					\
	"[COS_ACCOUNT_" n "]\ncos_secretid=AKIDexample\n"		\
	"cos_secretkey=" WORLD_SECRET "\ncos_bucket=b-1250000000\n"	\
	"cos_endpoint=localhost:80\ncos_protocol=http\n"		\
	"home_dir=/" n "\nftp_login_user_name=" user "\n"		\
	"ftp_login_user_password=" password "\n"

static const char settings[] =
    ACCOUNT("0", "u", "p")
    ACCOUNT("1", "g", "p") "overwrite_enable=false\n"
    ACCOUNT("2", "r", "p") "authority=R\n"
    ACCOUNT("3", "other", WORLD_PASSWORD)
    "[OPTIONAL]\nlog_level=DEBUG\nlog_dir=-\nworker_num=1\n"
    "min_part_size=1M\nsingle_file_max_size=8M\nmemory_limit=16M\n"
    "max_list_file=100\nmax_connection_num=9\nlogin_delay=1\n";

static struct conf *
load(void)
{
	struct conf_notes notes;
	struct conf *c = conf_load(file_of(settings, strlen(settings)),
	    &notes);
	size_t i;

	for (i = 0; i < notes.n && c == NULL; i++)
		fprintf(stderr, "%s\n", notes.note[i].text);
	conf_notes_free(&notes);
	MUST(c != NULL);
	return c;
}

/* A new key, and always the same: the world's dice are. */
static struct tls_identity *
identity(void)
{
	char dir[] = "/tmp/fuzz.XXXXXX", cert[64], key[64];
	struct tls_identity *id = NULL;
	FILE *null = fopen("/dev/null", "w");
	struct err e;

	MUST(null != NULL && mkdtemp(dir) != NULL);
	snprintf(cert, sizeof(cert), "%s/cert.pem", dir);
	snprintf(key, sizeof(key), "%s/key.pem", dir);
	world_begin((const uint8_t *)"", 0);
	if (tls_make_cert(dir, NULL, 0, null, &e) == 0)
		id = tls_identity_load(cert, key, &e);
	fclose(null);
	MUST(id != NULL && unlink(cert) == 0 && unlink(key) == 0 &&
	    rmdir(dir) == 0);
	return id;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct tls_identity *id;
	static struct conf *c;
	struct ftp_worker_settings set = { .conf = NULL };
	struct ftp_listeners listeners = { .plain = -1, .implicit = -1 };
	struct ftp_xferlog none = { .fd = -1 };
	struct ftp_worker *w;
	struct err e;
	int stop;

	if (n == 0)
		return 0;
	if (c == NULL)
		c = load();
	if (id == NULL)
		id = identity();
	c->interrupted_upload = data[0] & 1 ? CONF_DISCARD : CONF_COMPLETE;
	c->tls_mode = CONF_TLS_ALLOW;
	/* GBK costs a table in each worker */
	c->accounts[1].client_encoding = data[0] & 8 ? CONF_GBK : CONF_UTF8;
	c->upload_thread_num = data[0] >> 1 & 3;
	world_begin(data + 1, n - 1);
	listeners.plain = world_listener();
	stop = world_stop();
	set.conf = c;
	set.log = log_open(&c->log, &e);
	set.listeners = &listeners;
	set.identity = id;
	set.xferlog = &none;
	set.cos_share = cos_share_new(1, 1, &e);
	set.ftp_share = ftp_share_new(1, 8, &e);
	set.limits = ftp_limits_new(&e);
	MUST(set.log != NULL && set.cos_share != NULL &&
	    set.ftp_share != NULL && set.limits != NULL);
	w = ftp_worker_new(&set, 0, world_helper(), &e);
	MUST(w != NULL);
	MUST(ftp_worker_serve(w, stop, &e) == 0);
	ftp_worker_free(w);
	MUST(ftp_share_sessions(set.ftp_share) == 0);
	ftp_share_free(set.ftp_share);
	cos_share_free(set.cos_share);
	ftp_limits_free(set.limits);
	ftp_listeners_close(&listeners);
	log_free(set.log);
	close(stop);
	world_end();
	return 0;
}
