/*
 * tests/t_conf.c - conf/conf_*.c: the samples load, defaults, printing, odd
 * files, and what the manual and the example say.
 */
#include <sys/stat.h>

#include "conf_load.h"
#include "conf_samples.h"

static void
check_globals(const struct conf *c)
{
	CHECK(c->listen_port == 2121 && c->passive_min == 60000 &&
	    c->passive_max == 65535, "ports");
	CHECK(c->min_part_size == 1048576 && c->upload_thread_num == 0 &&
	    c->max_connection_num == 512 && c->max_list_file == 10000,
	    "numbers");
	CHECK(c->config_check_enable && c->log.level == LOG_LEVEL_INFO,
	    "check and level");
	CHECK_STR(c->log.dir, "log", "log_dir");
}

static void
test_samples(void)
{
	struct conf *c = load(sample_korean);
	struct conf_account *a;

	CHECK(c != NULL && notes.n == 0, "Korean sample: %s", all_notes());
	if (c != NULL && c->naccounts == 2) {
		a = &c->accounts[0];
		CHECK_STR(a->section, "COS_ACCOUNT_0", "section");
		CHECK_STR(a->secret_id, "AKIDexample", "id");
		CHECK_STR(a->secret_key, "keyexample", "key");
		CHECK_STR(a->bucket, "examplebucket-1250000000", "bucket");
		CHECK_STR(a->region, "ap-seoul", "region");
		CHECK_STR(a->endpoint, "cos-internal.ap-seoul.tencentcos.cn",
		    "endpoint");
		CHECK_STR(a->home_dir, "/home/user0", "home_dir");
		CHECK_STR(a->user, "user1", "user");
		CHECK_STR(a->password, "pass1", "password");
		CHECK(a->https && !a->endpoint_given && a->can_read &&
		    a->can_write && a->delete_enable && a->overwrite_enable &&
		    a->content_type, "flags");
		CHECK(!a[1].delete_enable, "delete_enable=false");
		CHECK_STR(c->masquerade_address, "203.0.113.7", "address");
		CHECK(c->single_file_max_size == 21474836480, "file size");
		check_globals(c);
	}
	conf_free(c);

	c = load(sample_chinese);
	CHECK(c != NULL && notes.n == 0, "Chinese sample: %s", all_notes());
	if (c != NULL && c->naccounts == 2) {
		a = &c->accounts[1];
		CHECK_STR(a->bucket, "bucketname2-123456789", "bucket");
		CHECK_STR(a->endpoint,
		    "cos-internal.ap-guangzhou.tencentcos.cn", "endpoint");
		CHECK_STR(a->password, "pass1", "password");
		CHECK(!a->delete_enable && a[-1].delete_enable, "delete");
		CHECK_STR(c->masquerade_address, "ftp.example.com", "name");
		check_globals(c);
	}
	conf_free(c);

	c = load(sample_vsftpd);
	CHECK(c == NULL && notes.nerrors == notes.n && notes.n == 17,
	    "sample of vsftpd: %s", all_notes());
	CHECK(strstr(all_notes(), "pasv_max_port: before the first [section]; "
	    "an option of vsftpd, here: passive_port = MIN,MAX in [NETWORK]\n")
	    != NULL && strstr(all_notes(), "listen_port: before the first "
	    "[section]; it belongs to [NETWORK]\n") != NULL, "hints: %s",
	    all_notes());
}

static void
test_defaults(void)
{
	struct conf *c = load(ACCOUNT);

	CHECK(c != NULL && notes.n == 0, "the least: %s", all_notes());
	if (c == NULL)
		return;
	check_globals(c);
	CHECK(c->naccounts == 1 && c->accounts[0].https &&
	    c->accounts[0].delete_enable && c->accounts[0].overwrite_enable &&
	    c->accounts[0].can_read && c->accounts[0].can_write &&
	    c->accounts[0].content_type &&
	    c->accounts[0].home_dir == NULL, "account");
	CHECK(c->single_file_max_size == 214748364800 &&
	    c->memory_limit == 67108864, "sizes");
	CHECK(c->active_enable && c->max_per_ip == 0 && c->banner == NULL &&
	    c->proxy_protocol == NULL &&
	    c->listen_address == NULL && c->masquerade_address == NULL &&
	    c->ca_file == NULL, "network");
	CHECK(c->cert_file == NULL && c->key_file == NULL &&
	    c->tls_mode == CONF_TLS_OFF && c->implicit_port == 0 &&
	    !c->require_session_reuse, "FTPS");
	CHECK(c->interrupted_upload == CONF_COMPLETE &&
	    c->idle_timeout == 300 && c->data_timeout == 120 &&
	    c->login_delay == 2 && c->drain_timeout == 4, "times");
	CHECK(!c->log.rotate && c->log.rotate_when == 'H' &&
	    c->log.rotate_interval == 1 && c->log.backup_count == 100,
	    "rotation");
	CHECK_STR(c->file, file, "file");
	conf_free(c);
}

/* What an account does not say it has from the section [OPTIONAL], wherever
 * that stands. */
static void
test_inherited(void)
{
	static const struct {
		const char *text;
		enum conf_encoding account, server;
	} rows[] = {
		{ "", CONF_UTF8, CONF_UTF8 },
		{ "client_encoding = gbk\n", CONF_GBK, CONF_UTF8 },
		{ "[OPTIONAL]\nclient_encoding = gbk\n", CONF_GBK, CONF_GBK },
		{ "client_encoding = default\n[OPTIONAL]\n"
		    "client_encoding = gbk\n", CONF_GBK, CONF_GBK },
		{ "client_encoding = utf-8\n[OPTIONAL]\n"
		    "client_encoding = gbk\n", CONF_UTF8, CONF_GBK },
	};
	char text[600];
	struct conf *c;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text), "%s%s", ACCOUNT, rows[i].text);
		c = load(text);
		CHECK(c != NULL && notes.n == 0 &&
		    c->accounts[0].client_encoding == rows[i].account &&
		    c->client_encoding == rows[i].server, "row %zu: %s", i,
		    all_notes());
		conf_free(c);
	}
}

/* Every key takes "default" but those that have none. */
static void
test_default_word(void)
{
	char text[600];
	struct conf *c;
	size_t i;

	for (i = 0; i < conf_nkeys; i++) {
		snprintf(text, sizeof(text), ACCOUNT "%s%s%s%s = %s\n",
		    conf_keys[i].section == CONF_ACCOUNT ? "" : "[",
		    conf_keys[i].section == CONF_ACCOUNT ? "" :
		    conf_section_name[conf_keys[i].section],
		    conf_keys[i].section == CONF_ACCOUNT ? "" : "]\n",
		    conf_keys[i].name, i % 2 ? "default" : "DEFAULT # c");
		if ((conf_keys[i].flags & CONF_NEEDED) ||
		    strcmp(conf_keys[i].name, "cos_region") == 0)
			continue;	/* they are in ACCOUNT */
		c = load(text);
		CHECK(c != NULL && notes.n == 0, "%s: %s", conf_keys[i].name,
		    all_notes());
		conf_free(c);
	}
}

static void
test_regions(void)
{
	static const struct {
		const char *region, *endpoint;
	} rows[] = {
		{ "ap-beijing-1", "cos-internal.ap-beijing-1.tencentcos.cn" },
		{ "ap-shanghai-fsi",
		  "cos-internal.ap-shanghai-fsi.tencentcos.cn" },
		{ "cos.ap-beijing", "cos.ap-beijing.tencentcos.cn" },
		{ "cos-internal.ap-beijing",
		  "cos-internal.ap-beijing.tencentcos.cn" },
		{ "accelerate", "cos-internal.accelerate.tencentcos.cn" },
		{ "cossh", "cos-internal.ap-shanghai.tencentcos.cn" },
		{ "cosger", "cos-internal.eu-frankfurt.tencentcos.cn" },
		{ "cn-north", "cn-north.myqcloud.com" },
		{ "sg", "sg.myqcloud.com" },
	};
	char *got;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK(conf_check_region(rows[i].region) == NULL, "%s",
		    rows[i].region);
		got = conf_region_endpoint(rows[i].region);
		CHECK_STR(got, rows[i].endpoint, rows[i].region);
		free(got);
	}
}

static void
test_buckets(void)
{
	static const struct {
		const char *bucket;
		bool good;
	} rows[] = {
		{ "a-1", true },
		{ "a-b-c-1250000000", true },
		{ "1-1", true },
		{ "a--1", true },
		{ "a", false },
		{ "a-", false },
		{ "-1", false },
		{ "-a-1", false },
		{ "a-1x", false },
		{ "A-1", false },
		{ "a_b-1", false },
		{ "a.b-1", false },
		{ "a-1.2", false },
		{ "a-1 ", false },
		{ "", false },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CHECK((conf_check_bucket(rows[i].bucket) == NULL) ==
		    rows[i].good, "bucket %s", rows[i].bucket);
}

/* What is printed is a file that gives the same settings, but for secrets. */
static void
test_print(void)
{
	char text[20000];
	struct conf *c = load("[COS_ACCOUNT_a b]\n"
	    "cos_secretid = AKIDverysecret\ncos_secretkey = verysecret\n"
	    BUCKET REGION "ftp_login_user_name = \"a \\\"b\\\" # c\"\n"
	    "ftp_login_user_password = verysecret\nhome_dir = \xe4\xb8\x89\n"
	    "[NETWORK]\nbanner = \"\\\\o/ ; hi\"\n");

	CHECK(c != NULL, "loaded: %s", all_notes());
	if (c == NULL)
		return;
	snprintf(text, sizeof(text), "%s", printed(c));
	CHECK(strstr(text, "verysecret") == NULL, "secrets: %s", text);
	conf_free(c);
	c = load(text);
	CHECK(c != NULL && notes.n == 0, "loaded again: %s", all_notes());
	if (c == NULL)
		return;
	CHECK_STR(printed(c), text, "printed again");
	CHECK_STR(c->accounts[0].user, "a \"b\" # c", "user");
	CHECK_STR(c->banner, "\\o/ ; hi", "banner");
	conf_free(c);
}

static void
test_files(void)
{
	char *big = malloc(2000000);
	struct conf *c;
	size_t i;

	conf_notes_free(&notes);
	CHECK(conf_load("/nonexistent/x", &notes) == NULL && notes.n == 1 &&
	    notes.nerrors == 1, "no file");
	CHECK_STR(notes.note[0].text, "/nonexistent/x: cannot open: No such "
	    "file or directory", "no file");
	conf_notes_free(&notes);
	CHECK(conf_load("/tmp", &notes) == NULL && notes.nerrors == 1,
	    "directory");
	CHECK_STR(notes.note[0].text, "/tmp: cannot read: Is a directory",
	    "directory");
	chmod(file, 0644);
	c = load(ACCOUNT);
	CHECK(c != NULL, "readable by others is no error");
	CHECK_STR(all_notes(), "? holds secrets and every user of this machine "
	    "may read it (mode 0644): chmod o-r\n", "mode");
	conf_free(c);
	chmod(file, 0620);
	c = load(ACCOUNT);
	CHECK(c != NULL, "changed by others is no error");
	CHECK_STR(all_notes(), "? names the keys and where files go, and "
	    "others than its owner may change it (mode 0620): chmod go-w\n",
	    "mode");
	conf_free(c);
	chmod(file, 0640);
	c = load(ACCOUNT);
	CHECK(c != NULL && notes.n == 0, "a group that reads is fine");
	conf_free(c);
	chmod(file, 0600);
	if (big == NULL)
		return;
	memset(big, '\n', 2000000);
	big[1048577] = '\0';
	CHECK(load(big) == NULL, "too large");
	CHECK_STR(all_notes(), "! larger than 1048576 bytes\n", "too large");
	for (i = 0; i < 1048576; i += 2)
		big[i] = 'x';
	big[1048576] = '\0';
	CHECK(load(big) == NULL && notes.n == 101 && notes.nerrors == 524289,
	    "too many complaints: %zu %zu", notes.n, notes.nerrors);
	free(big);
}

/* Any part of a file is loaded or refused, and nothing is lost on the way. */
static void
test_prefixes(void)
{
	size_t n, len = strlen(sample_chinese), loaded = 0;
	struct conf *c;

	for (n = 0; n < len; n++) {
		conf_notes_free(&notes);
		put_file(sample_chinese, n);
		c = conf_load(file, &notes);
		CHECK((c == NULL) == (notes.nerrors > 0), "prefix %zu", n);
		loaded += c != NULL;
		conf_free(c);
	}
	CHECK(loaded > 100 && loaded < len, "loaded %zu of %zu", loaded, len);
}

/* Thousands of accounts take no time worth mentioning. */
static void
test_many(void)
{
	enum { ACCOUNTS = 5000 };
	size_t n = 0, size = ACCOUNTS * 250;
	char *text = malloc(size);
	struct conf *c;
	int i;

	if (text == NULL)
		return;
	for (i = 0; i < ACCOUNTS; i++)
		n += (size_t)snprintf(text + n, size - n, "[COS_ACCOUNT_%d]\n"
		    KEYS BUCKET REGION "home_dir=/%d\nftp_login_user_name=u%d\n"
		    "ftp_login_user_password=p\n", i, i, i);
	c = load(text);
	CHECK(c != NULL && c->naccounts == ACCOUNTS, "many: %s", all_notes());
	conf_free(c);
	free(text);
}

/* A document of the tree, NULL when not run from its top. */
static char *
read_document(const char *name)
{
	static char text[100000];
	FILE *f = fopen(name, "r");
	size_t n;

	if (f == NULL)
		return NULL;
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	return text;
}

/* Each key is described, and the hints on options of vsftpd are listed. */
static void
test_manual(void)
{
	char *text = read_document("cosftpd.conf.5"), *line, *end, hint[200];
	size_t k, rows = 0;

	if (text == NULL)
		return;
	for (k = 0; k < conf_nkeys; k++)
		CHECK(strstr(text, conf_keys[k].name) != NULL,
		    "%s is not in the manual", conf_keys[k].name);
	for (line = strtok(text, "\n"); line != NULL;
	    line = strtok(NULL, "\n")) {
		end = strstr(line, " Ta ");
		if (strncmp(line, ".It ", 4) != 0 || end == NULL ||
		    strncmp(line, ".It Sy", 6) == 0)
			continue;
		*end = '\0';
		conf_hint_key(line + 4, hint, sizeof(hint));
		CHECK(strstr(hint, "vsftpd") != NULL ||
		    strstr(hint, "belongs") != NULL, "no hint on %s",
		    line + 4);
		rows++;
	}
	CHECK(rows >= 25, "rows of the table: %zu", rows);
}

/* The example says what the defaults are: with its comments taken off it
 * gives the same settings. */
static void
test_example(void)
{
	char *text = read_document("conf/vsftpd.conf.example"), *p;
	static char bare[20000], all[20000], shown[20000];
	size_t nb = 0, na = 0, k;
	struct conf *c;

	if (text == NULL)
		return;
	for (k = 0; k < conf_nkeys; k++)
		CHECK(strstr(text, conf_keys[k].name) != NULL,
		    "%s is not in the example", conf_keys[k].name);
	c = load(text);
	CHECK(c == NULL && notes.n == notes.nerrors && notes.n == 4,
	    "only its placeholders are wrong: %s", all_notes());
	while ((p = strstr(text, "= COS_SECRET")) != NULL)
		memcpy(p, "= 123       ", 12);
	while ((p = strstr(text, "= XXXX")) != NULL)
		memcpy(p, "= 1234", 6);
	p = strstr(text, "= region\n");
	CHECK(p != NULL, "region");
	if (p != NULL)
		memcpy(p, "= ap-abc", 8);
	for (p = strtok(text, "\n"); p != NULL; p = strtok(NULL, "\n")) {
		nb += (size_t)sprintf(bare + nb, "%s\n", p);
		if (p[0] == '#' && p[1] >= 'a' && p[1] <= 'z' &&
		    strncmp(p, "#home_dir", 9) != 0)
			p++;
		na += (size_t)sprintf(all + na, "%s\n", p);
	}
	c = load(bare);
	CHECK(c != NULL && notes.n == 0, "filled in: %s", all_notes());
	if (c == NULL)
		return;
	snprintf(shown, sizeof(shown), "%s", printed(c));
	conf_free(c);
	c = load(all);
	CHECK(c != NULL && notes.n == 0, "comments off: %s", all_notes());
	if (c != NULL)
		CHECK_STR(printed(c), shown, "the same settings");
	conf_free(c);
}

int
main(void)
{
	begin_file();
	test_samples();
	test_defaults();
	test_inherited();
	test_default_word();
	test_regions();
	test_buckets();
	test_print();
	test_files();
	test_prefixes();
	test_many();
	test_manual();
	test_example();
	end_file();
	return test_end("t_conf");
}
