/*
 * tests/t_conf.c - conf/conf_*.c: the samples load, defaults, limits, and
 * every complaint, each a row of what is written and what is said.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "../conf/conf_int.h"
#include "conf_samples.h"
#include "test.h"

#define KEYS "cos_secretid=AKIDexample\ncos_secretkey=keyexample\n"
#define BUCKET "cos_bucket=examplebucket-1250000000\n"
#define REGION "cos_region=ap-guangzhou\n"
#define USER "ftp_login_user_name=u\nftp_login_user_password=p\n"
#define ACCOUNT "[COS_ACCOUNT_0]\n" KEYS BUCKET REGION USER	/* 7 lines */

static char file[] = "/tmp/t_conf.XXXXXX";
static struct conf_notes notes;

static void
put_file(const char *text, size_t len)
{
	FILE *f = fopen(file, "w");

	if (f == NULL || fwrite(text, 1, len, f) != len || fclose(f) != 0) {
		perror(file);
		exit(1);
	}
}

static struct conf *
load(const char *text)
{
	conf_notes_free(&notes);
	put_file(text, strlen(text));
	return conf_load(file, &notes);
}

/* Every note as "!LINE: text" or "?LINE: text" (a warning), with line ends. */
static const char *
all_notes(void)
{
	static char buf[20000];
	size_t i, n = 0, skip = strlen(file);

	buf[0] = '\0';
	for (i = 0; i < notes.n && n < sizeof(buf) - 1000; i++) {
		CHECK(strncmp(notes.note[i].text, file, skip) == 0,
		    "begins with the file: %s", notes.note[i].text);
		n += (size_t)snprintf(buf + n, sizeof(buf) - n, "%c%s\n",
		    notes.note[i].error ? '!' : '?',
		    notes.note[i].text + skip + 1);
	}
	return buf;
}

static const char *
printed(const struct conf *c)
{
	static char buf[20000];
	FILE *f = fmemopen(buf, sizeof(buf) - 1, "w");

	memset(buf, 0, sizeof(buf));
	if (f != NULL) {
		conf_print(c, f);
		fclose(f);
	}
	return buf;
}

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
	    c->listen_address == NULL && c->masquerade_address == NULL &&
	    c->ca_file == NULL, "network");
	CHECK(c->interrupted_upload == CONF_COMPLETE &&
	    c->idle_timeout == 300 && c->data_timeout == 120 && c->login_delay == 2 &&
	    c->drain_timeout == 4, "times");
	CHECK(!c->log.rotate && c->log.rotate_when == 'H' &&
	    c->log.rotate_interval == 1 && c->log.backup_count == 100,
	    "rotation");
	CHECK_STR(c->file, file, "file");
	conf_free(c);
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

static const struct {
	const char *text;		/* behind a whole account */
	const char *shown;		/* a line of conf_print() */
} good[] = {
	{ "cos_endpoint = cos.ap-guangzhou.tencentcos.cn",
	    "# COS: https://examplebucket-1250000000.cos.ap-guangzhou."
	    "tencentcos.cn" },
	{ "cos_endpoint = localhost:9000\ncos_protocol = HTTP",
	    "# COS: http://examplebucket-1250000000.localhost:9000" },
	{ "cos_endpoint =", "# COS: https://examplebucket-1250000000."
	    "cos-internal.ap-guangzhou.tencentcos.cn (from cos_region)" },
	{ "home_dir = /home/a/", "home_dir = /home/a" },
	{ "home_dir = /", "home_dir = /" },
	{ "home_dir = \"a # b\"", "home_dir = \"a # b\"" },
	{ "home_dir = \"a \\\" \\\\\"", "home_dir = \"a \\\" \\\\\"" },
	{ "home_dir = \"default\"", "home_dir = \"default\"" },
	{ "authority = R", "authority = R" },
	{ "authority = W", "authority = W" },
	{ "delete_enable = No", "delete_enable = false" },
	{ "overwrite_enable = off", "overwrite_enable = false" },
	{ "delete_enable = 1", "delete_enable = true" },
	{ "content_type = off", "content_type = off" },
	{ "[Network]\nlisten_port = 65535", "listen_port = 65535" },
	{ "[NETWORK]\npassive_port = 1,65535", "passive_port = 1,65535" },
	{ "[NETWORK]\npassive_port = 50000 , 50010",
	    "passive_port = 50000,50010" },
	{ "[NETWORK]\npassive_port = 50000-50000",
	    "passive_port = 50000,50000" },
	{ "[NETWORK]\nmasquerade_address =", "#masquerade_address =\t# the "
	    "address or name shown to clients in PASV replies" },
	{ "[NETWORK]\nmasquerade_address = ftp-1.example.com",
	    "masquerade_address = ftp-1.example.com" },
	{ "[NETWORK]\nlisten_address = ::1", "listen_address = ::1" },
	{ "[NETWORK]\nlisten_address = 0.0.0.0", "listen_address = 0.0.0.0" },
	{ "[NETWORK]\nactive_enable = n", "active_enable = false" },
	{ "[NETWORK]\nbanner = \"a; b\"", "banner = \"a; b\"" },
	{ "[NETWORK]\nmax_per_ip = 8", "max_per_ip = 8" },
	{ "[TLS]\nca_file = /dev/null", "ca_file = /dev/null" },
	{ "[FILE_OPTION]\nsingle_file_max_size = 53687091200000",
	    "single_file_max_size = 50000G" },
	{ "[FILE_OPTION]\nsingle_file_max_size = 1",
	    "single_file_max_size = 1" },
	{ "[FILE_OPTION]\nsingle_file_max_size = 48t",
	    "single_file_max_size = 48T" },
	{ "[OPTIONAL]\nconfig_check_enable = FALSE",
	    "config_check_enable = false" },
	{ "[OPTIONAL]\nmin_part_size = 5G", "min_part_size = 5G" },
	{ "[OPTIONAL]\nmin_part_size = 1048577", "min_part_size = 1048577" },
	{ "[OPTIONAL]\nmin_part_size = 1025K", "min_part_size = 1025K" },
	{ "[OPTIONAL]\nupload_thread_num = 0", "upload_thread_num = 0" },
	{ "[OPTIONAL]\nmax_connection_num = 0", "max_connection_num = 0" },
	{ "[OPTIONAL]\nmax_connection_num = 3", "max_connection_num = 3" },
	{ "[OPTIONAL]\nmemory_limit = 1T", "memory_limit = 1T" },
	{ "[OPTIONAL]\ninterrupted_upload = discard",
	    "interrupted_upload = discard" },
	{ "[OPTIONAL]\nlogin_delay = 0", "login_delay = 0" },
	{ "[OPTIONAL]\ndrain_timeout = 60", "drain_timeout = 60" },
	{ "[OPTIONAL]\nlog_level = debug", "log_level = DEBUG" },
	{ "[OPTIONAL]\nlog_level = warn", "log_level = WARNING" },
	{ "[OPTIONAL]\nlog_level = CRITICAL", "log_level = ERROR" },
	{ "[OPTIONAL]\nlog_dir = -", "log_dir = -" },
	{ "[OPTIONAL]\nlog_dir = /var/Log", "log_dir = /var/Log" },
	{ "[OPTIONAL]\nlog_rotate_enabled = y", "log_rotate_enabled = true" },
	{ "[OPTIONAL]\nlog_rotate_when = d", "log_rotate_when = D" },
	{ "[OPTIONAL]\nlog_backup_count = 0", "log_backup_count = 0" },
};

/* Line of the notes below counts from the line behind the account. */
static const struct {
	const char *text, *notes;
} bad[] = {
	{ "cos_bucket = a-1", "!8: [COS_ACCOUNT_0] cos_bucket: already set in "
	    "line 4\n" },
	{ "cos_protocol = ftp", "!8: [COS_ACCOUNT_0] cos_protocol = ftp: not a "
	    "protocol, allowed: https, http\n" },
	{ "authority = rw", "!8: [COS_ACCOUNT_0] authority = rw: not a set of "
	    "rights, allowed: R, W or RW\n" },
	{ "authority = RWX", "!8: [COS_ACCOUNT_0] authority = RWX: not a set "
	    "of "
	    "rights, allowed: R, W or RW\n" },
	{ "delete_enable =", "!8: [COS_ACCOUNT_0] delete_enable: no value\n" },
	{ "delete_enable = maybe", "!8: [COS_ACCOUNT_0] delete_enable = maybe: "
	    "not a boolean, allowed: true, false, yes, no, on, off, 1, 0, y, "
	    "n\n" },
	{ "cos_endpoint = http://localhost", "!8: [COS_ACCOUNT_0] cos_endpoint "
	    "= http://localhost: not an endpoint, allowed: HOST or HOST:PORT "
	    "(http or https goes into cos_protocol)\n" },
	{ "cos_endpoint = localhost/", "!8: [COS_ACCOUNT_0] cos_endpoint = "
	    "localhost/: not an endpoint, allowed: HOST or HOST:PORT, without "
	    "a slash\n" },
	{ "cos_endpoint = 10.0.0.1:80", "!8: [COS_ACCOUNT_0] cos_endpoint = "
	    "10.0.0.1:80: not an endpoint, allowed: HOST or HOST:PORT (the "
	    "bucket's name goes in front, so HOST cannot be an address)\n" },
	{ "cos_endpoint = a:65536", "!8: [COS_ACCOUNT_0] cos_endpoint = "
	    "a:65536: not an endpoint, allowed: HOST or HOST:PORT\n" },
	{ "cos_endpoint = a..b", "!8: [COS_ACCOUNT_0] cos_endpoint = a..b: not "
	    "an endpoint, allowed: HOST or HOST:PORT\n" },
	{ "cos_endpoint = examplebucket-1250000000.cos.ap-x.tencentcos.cn",
	    "!8: [COS_ACCOUNT_0] cos_endpoint = examplebucket-1250000000.cos."
	    "ap-x.tencentcos.cn: begins with the bucket, allowed: cos.ap-x."
	    "tencentcos.cn (cos_bucket is put in front)\n" },
	{ "cos_endpoint = cos.ap-xxx.tencentcos.cn", "!8: [COS_ACCOUNT_0] "
	    "cos_endpoint = cos.ap-xxx.tencentcos.cn: still the text of the "
	    "sample, put your own\n" },
	{ "cos_endpoint = cos.ap-beijing.tecentcos.cn", "?8: [COS_ACCOUNT_0] "
	    "cos_endpoint = cos.ap-beijing.tecentcos.cn: did you mean "
	    "tencentcos.cn?\n" },
	{ "cos_secret_key = verysecret", "?8: [COS_ACCOUNT_0] cos_secret_key: "
	    "unknown key, ignored; did you mean cos_secretkey in "
	    "[COS_ACCOUNT_x]?\n" },
	{ "ftp_login_user_password = verysecret", "!8: [COS_ACCOUNT_0] "
	    "ftp_login_user_password: already set in line 7\n" },
	{ "home_dir = \"x", "!8: [COS_ACCOUNT_0] home_dir: quote not closed (a "
	    "value that begins with a quote is written \"\\\"...\")\n" },
	{ "verysecret", "!8: [COS_ACCOUNT_0] neither [section] nor key = "
	    "value\n" },
	{ " home_dir = x", "!8: [COS_ACCOUNT_0] line begins with white space "
	    "(which would continue the line above; not supported): remove "
	    "it\n" },
	{ "listen_port = 1", "?8: [COS_ACCOUNT_0] listen_port: unknown key, "
	    "ignored; it belongs to [NETWORK]\n" },
	{ "[NETWORK]\nlisten_port = 0", "!9: [NETWORK] listen_port = 0: out of "
	    "range, allowed: 1 to 65535\n" },
	{ "[NETWORK]\nlisten_port = 21x", "!9: [NETWORK] listen_port = 21x: "
	    "not "
	    "a port, allowed: 1 to 65535\n" },
	{ "[NETWORK]\nlisten_port = 99999999999999999999", "!9: [NETWORK] "
	    "listen_port = 99999999999999999999: out of range, allowed: 1 to "
	    "65535\n" },
	{ "[NETWORK]\nlisten_port = 1\nLISTEN_PORT = 2", "!10: [NETWORK] "
	    "listen_port: already set in line 9\n" },
	{ "[NETWORK]\n[OPTIONAL]\n[network]\nlisten_port = 1", "!10: "
	    "[network]: "
	    "already begun in line 8\n" },
	{ "[NETWORK]\npassive_port = 9x", "!9: [NETWORK] passive_port = 9x: "
	    "not "
	    "a range of ports, allowed: MIN,MAX, each 1 to 65535\n" },
	{ "[NETWORK]\npassive_port = 1,2,3", "!9: [NETWORK] passive_port = "
	    "1,2,3: not a range of ports, allowed: MIN,MAX, each 1 to "
	    "65535\n" },
	{ "[NETWORK]\npassive_port = 5,4", "!9: [NETWORK] passive_port = 5,4: "
	    "out of range, allowed: MIN,MAX with 1 <= MIN <= MAX <= 65535\n" },
	{ "[NETWORK]\npassive_port = 60000", "?9: [NETWORK] passive_port = "
	    "60000: one port is taken as the first of 60000,65535; write "
	    "60000,60000 for this port only\n" },
	{ "[NETWORK]\nmasquerade_address = XXX.XXX.XXX.XXX", "!9: [NETWORK] "
	    "masquerade_address = XXX.XXX.XXX.XXX: still the text of the "
	    "sample, put the address or name that clients connect to, or "
	    "remove the line\n" },
	{ "[NETWORK]\nmasquerade_address = 1.2.3.400", "!9: [NETWORK] "
	    "masquerade_address = 1.2.3.400: not an address, allowed: an IPv4 "
	    "address or a domain name\n" },
	{ "[NETWORK]\nmasquerade_address = ::1", "!9: [NETWORK] "
	    "masquerade_address = ::1: an IPv6 address, allowed: an IPv4 "
	    "address or a domain name (EPSV, used with IPv6, needs none)\n" },
	{ "[NETWORK]\nmasquerade_address = a b", "!9: [NETWORK] "
	    "masquerade_address = a b: not an address, allowed: an IPv4 "
	    "address or a domain name\n" },
	{ "[NETWORK]\nlisten_address = eth0", "!9: [NETWORK] listen_address = "
	    "eth0: not an address, allowed: an IPv4 or IPv6 address of this "
	    "machine\n" },
	{ "[NETWORK]\npasv_min_port = 5", "?9: [NETWORK] pasv_min_port: "
	    "unknown "
	    "key, ignored; an option of vsftpd, here: passive_port = MIN,MAX "
	    "in [NETWORK]\n" },
	{ "[NETWORK]\nlisten_pot = 5", "?9: [NETWORK] listen_pot: unknown key, "
	    "ignored; did you mean listen_port in [NETWORK]?\n" },
	{ "[NETWORK]\nzzz = 5", "?9: [NETWORK] zzz: unknown key, ignored\n" },
	{ "[NETWORK]\nmax_list_file = 5", "?9: [NETWORK] max_list_file: "
	    "unknown "
	    "key, ignored; it belongs to [OPTIONAL]\n" },
	{ "[NETWROK]\nlisten_port = 5", "?8: [NETWROK]: unknown section, "
	    "ignored; did you mean [NETWORK]?\n" },
	{ "[cos_acount_1]\nx = 5", "?8: [cos_acount_1]: unknown section, "
	    "ignored; did you mean [COS_ACCOUNT_x]?\n" },
	{ "[something]\n[something]", "?8: [something]: unknown section, "
	    "ignored\n?9: [something]: unknown section, ignored\n" },
	{ "[NETWORK\nlisten_port = x", "!8: [section] not closed: ']' "
	    "missing\n" },
	{ "[TLS]\nca_file = /nonexistent", "!9: [TLS] ca_file = /nonexistent: "
	    "no such file\n" },
	{ "[FILE_OPTION]\nsingle_file_max_size = 0", "!9: [FILE_OPTION] "
	    "single_file_max_size = 0: out of range, allowed: 1 to 50000G "
	    "(bytes, or with K, M, G or T)\n" },
	{ "[FILE_OPTION]\nsingle_file_max_size = 49T", "!9: [FILE_OPTION] "
	    "single_file_max_size = 49T: out of range, allowed: 1 to 50000G "
	    "(bytes, or with K, M, G or T)\n" },
	{ "[FILE_OPTION]\nsingle_file_max_size = 9999999999T", "!9: "
	    "[FILE_OPTION] single_file_max_size = 9999999999T: out of range, "
	    "allowed: 1 to 50000G (bytes, or with K, M, G or T)\n" },
	{ "[FILE_OPTION]\nsingle_file_max_size = 1.5G", "!9: [FILE_OPTION] "
	    "single_file_max_size = 1.5G: not a size, allowed: 1 to 50000G "
	    "(bytes, or with K, M, G or T)\n" },
	{ "[OPTIONAL]\nmin_part_size = 1000", "?9: [OPTIONAL] min_part_size = "
	    "1000: out of range, allowed: 1M to 5G (bytes, or with K, M, G or "
	    "T); 1M is used\n" },
	{ "[OPTIONAL]\nmin_part_size = 6G", "?9: [OPTIONAL] min_part_size = "
	    "6G: "
	    "out of range, allowed: 1M to 5G (bytes, or with K, M, G or T); "
	    "5G is used\n" },
	{ "[OPTIONAL]\nmin_part_size = -5", "?9: [OPTIONAL] min_part_size = "
	    "-5: "
	    "out of range, allowed: 1M to 5G (bytes, or with K, M, G or T); "
	    "1M is used\n" },
	{ "[OPTIONAL]\nmin_part_size = big", "!9: [OPTIONAL] min_part_size = "
	    "big: not a size, allowed: 1M to 5G (bytes, or with K, M, G or "
	    "T)\n" },
	{ "[OPTIONAL]\nupload_thread_num = 1000", "?9: [OPTIONAL] "
	    "upload_thread_num = 1000: out of range, allowed: 0, or 1 to 128; "
	    "128 is used\n" },
	{ "[OPTIONAL]\nupload_thread_num = -1", "?9: [OPTIONAL] "
	    "upload_thread_num = -1: out of range, allowed: 0, or 1 to 128; "
	    "1 is used\n" },
	{ "[OPTIONAL]\nmax_connection_num = 2", "!9: [OPTIONAL] "
	    "max_connection_num = 2: out of range, allowed: 0, or 3 to "
	    "1000000\n" },
	{ "[OPTIONAL]\nmax_connection_num = \"\"", "!9: [OPTIONAL] "
	    "max_connection_num: no value\n" },
	{ "[OPTIONAL]\nlog_level = loud", "!9: [OPTIONAL] log_level = loud: "
	    "not "
	    "a level, allowed: DEBUG, INFO, WARNING, ERROR, WARN, CRITICAL, "
	    "FATAL\n" },
	{ "[OPTIONAL]\nlog_rotate_when = W0", "!9: [OPTIONAL] log_rotate_when "
	    "= "
	    "W0: not a unit of time, allowed: S, M, H, D\n" },
	{ "[OPTIONAL]\ninterrupted_upload = keep", "!9: [OPTIONAL] "
	    "interrupted_upload = keep: not a policy, allowed: complete, "
	    "discard\n" },
	{ "[OPTIONAL]\nlog_level = 一二三四五六七八九十一二三四五六七八九十一", "!9: "
	    "[OPTIONAL] log_level = 一二三四五六七八九十一二三四五六七八九十...: not a "
	    "level, allowed: DEBUG, INFO, WARNING, ERROR, WARN, CRITICAL, "
	    "FATAL\n" },
};

static void
test_values(void)
{
	char text[1000], line[300];
	struct conf *c;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(text, sizeof(text), ACCOUNT "%s", good[i].text);
		c = load(text);
		CHECK(c != NULL && notes.n == 0, "%s: %s", good[i].text,
		    all_notes());
		if (c == NULL)
			continue;
		snprintf(line, sizeof(line), "\n%s\n", good[i].shown);
		CHECK(strstr(printed(c), line) != NULL, "%s shows %s",
		    good[i].text, printed(c));
		conf_free(c);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), ACCOUNT "%s", bad[i].text);
		c = load(text);
		CHECK_STR(all_notes(), bad[i].notes, bad[i].text);
		CHECK((c == NULL) == (strchr(bad[i].notes, '!') != NULL),
		    "%s: a warning is no error", bad[i].text);
		conf_free(c);
	}
}

static const struct {
	const char *text, *notes;
} accounts[] = {
	{ "", "! no account: at least one section [COS_ACCOUNT_x] is "
	    "needed\n" },
	{ "[NETWORK]\n", "! no account: at least one section [COS_ACCOUNT_x] "
	    "is "
	    "needed\n" },
	{ "[COS_ACCOUNT]\n",
	    "!1: [COS_ACCOUNT] cos_secretid: missing (the SecretId of the key "
	    "that signs requests)\n"
	    "!1: [COS_ACCOUNT] cos_secretkey: missing (the SecretKey that "
	    "belongs to it)\n"
	    "!1: [COS_ACCOUNT] cos_bucket: missing (the bucket, NAME-APPID)\n"
	    "!1: [COS_ACCOUNT] ftp_login_user_name: missing (the FTP user)\n"
	    "!1: [COS_ACCOUNT] ftp_login_user_password: missing (the FTP "
	    "user's password)\n"
	    "!1: [COS_ACCOUNT] cos_region: missing, and so is cos_endpoint; "
	    "one of them is needed\n" },
	{ "[COS_ACCOUNT_0]\ncos_secretid = COS_SECRETID\ncos_secretkey = "
	    "XXXXX\n"
	    "cos_bucket={bucket name}-123\ncos_region = region\n"
	    "ftp_login_user_name = default\nftp_login_user_password =\n",
	    "!2: [COS_ACCOUNT_0] cos_secretid = ***: still the text of the "
	    "sample, put your own\n"
	    "!3: [COS_ACCOUNT_0] cos_secretkey = ***: still the text of the "
	    "sample, put your own\n"
	    "!4: [COS_ACCOUNT_0] cos_bucket = {bucket name}-123: not a bucket "
	    "name, allowed: NAME-APPID as in examplebucket-1250000000, with "
	    "lower-case letters, digits and hyphens, APPID in digits\n"
	    "!5: [COS_ACCOUNT_0] cos_region = region: still the text of the "
	    "sample, put your own\n"
	    "!6: [COS_ACCOUNT_0] ftp_login_user_name = default: there is none "
	    "(write it in quotes if it is meant)\n"
	    "!7: [COS_ACCOUNT_0] ftp_login_user_password: no value\n" },
	{ "[COS_ACCOUNT_0]\n" KEYS BUCKET USER "cos_region = cos.ap-guangzhou."
	    "myqcloud.com\n", "!7: [COS_ACCOUNT_0] cos_region = cos.ap-"
	    "guangzhou.myqcloud.com: not a region, allowed: a name as in "
	    "ap-guangzhou (a host name goes into cos_endpoint)\n" },
	{ "[COS_ACCOUNT_0]\n" KEYS REGION USER
	    "cos_bucket=a-rather-long-name-for-a-bucket-1250000000\n",
	    "?7: [COS_ACCOUNT_0] cos_bucket = a-rather-long-name-for-a-bucket-"
	    "1250000000: COS has no bucket with so long a name in ap-guangzhou "
	    "(30 characters at most)\n" },
	/* equal names, whatever the order */
	{ ACCOUNT "home_dir = /h/\n[COS_ACCOUNT_1]\n" KEYS BUCKET REGION
	    "home_dir=/h\n" USER,
	    "!14: [COS_ACCOUNT_1] home_dir = /h: the same as in "
	    "[COS_ACCOUNT_0], line 8; each account needs its own\n"
	    "!15: [COS_ACCOUNT_1] ftp_login_user_name = u: the same as in "
	    "[COS_ACCOUNT_0], line 6; each account needs its own\n" },
	{ ACCOUNT "[cos_account_0]\n" KEYS BUCKET REGION
	    "ftp_login_user_name=v\nftp_login_user_password=p\n",
	    "!8: [cos_account_0]: already begun in line 1\n" },
	/* errors before the first section, and everything in one run */
	{ "listen_port = 1\nxyz\n" ACCOUNT "[NETWORK]\nlisten_port = 0\n"
	    "[OPTIONAL]\nidle_timeout = 0\nbogus = 1\n",
	    "!1: listen_port: before the first [section]; it belongs to "
	    "[NETWORK]\n"
	    "!2: neither [section] nor key = value\n"
	    "!11: [NETWORK] listen_port = 0: out of range, allowed: 1 to "
	    "65535\n"
	    "!13: [OPTIONAL] idle_timeout = 0: out of range, allowed: 1 to "
	    "86400\n"
	    "?14: [OPTIONAL] bogus: unknown key, ignored\n" },
};

static void
test_accounts(void)
{
	struct conf *c;
	size_t i;

	for (i = 0; i < sizeof(accounts) / sizeof(accounts[0]); i++) {
		c = load(accounts[i].text);
		CHECK_STR(all_notes(), accounts[i].notes, "accounts");
		CHECK((c == NULL) == (strchr(accounts[i].notes, '!') != NULL),
		    "accounts %zu", i);
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
	int fd = mkstemp(file);

	if (fd < 0) {
		perror(file);
		return 1;
	}
	close(fd);
	test_samples();
	test_defaults();
	test_default_word();
	test_values();
	test_accounts();
	test_regions();
	test_buckets();
	test_print();
	test_files();
	test_prefixes();
	test_many();
	test_manual();
	test_example();
	conf_notes_free(&notes);
	unlink(file);
	return test_end("t_conf");
}
