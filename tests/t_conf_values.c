/*
 * tests/t_conf_values.c - conf/conf_*.c: every kind of value, good and bad,
 * each a row of what is written and what is shown or said.
 */
#include "conf_load.h"

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
	{ "cos_token = hush", "cos_token = ***" },
	{ "cos_token =", "#cos_token =\t# the token of a temporary key" },
	{ "cos_role =", "#cos_role =\t# the CVM role whose temporary keys "
	    "sign" },
	{ "cos_role = default", "cos_role_endpoint = metadata.tencentyun."
	    "com" },
	{ "cos_role_endpoint = 169.254.0.23:8080", "cos_role_endpoint = "
	    "169.254.0.23:8080" },
	{ "cos_prefix = default", "#cos_prefix =\t# the directory it never "
	    "leaves" },
	{ "cos_prefix = a", "cos_prefix = a/" },
	{ "cos_prefix = a/", "cos_prefix = a/" },
	{ "cos_prefix = /a", "cos_prefix = a/" },
	{ "cos_prefix = /teams/a.b/", "cos_prefix = teams/a.b/" },
	{ "cos_prefix = ...", "cos_prefix = .../" },
	{ "cos_prefix = .a/..b", "cos_prefix = .a/..b/" },
	{ "cos_prefix = \"a b/\xe4\xb8\xad\"",
	    "cos_prefix = \"a b/\xe4\xb8\xad/\"" },
	{ "cos_prefix = \"default\"", "cos_prefix = default/" },
	{ "cos_storage_class = STANDARD", "cos_storage_class = STANDARD" },
	{ "cos_storage_class = STANDARD_IA",
	    "cos_storage_class = STANDARD_IA" },
	{ "cos_storage_class = DEEP_ARCHIVE",
	    "cos_storage_class = DEEP_ARCHIVE" },
	{ "cos_storage_class = MAZ_INTELLIGENT_TIERING",
	    "cos_storage_class = MAZ_INTELLIGENT_TIERING" },
	{ "cos_storage_class =", "#cos_storage_class =\t# the storage class of "
	    "new files" },
	{ "cos_server_side_encryption = AES256",
	    "cos_server_side_encryption = AES256" },
	{ "cos_server_side_encryption = cos/kms",
	    "cos_server_side_encryption = cos/kms" },
	{ "cos_server_side_encryption = default",
	    "#cos_server_side_encryption =\t# how COS encrypts what is "
	    "stored" },
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
	{ "client_encoding = GBK", "client_encoding = gbk" },
	{ "client_encoding = cp936", "client_encoding = gbk" },
	{ "client_encoding = utf8", "client_encoding = utf-8" },
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
	{ "[NETWORK]\nproxy_protocol = 10.0.0.5, 2001:db8::/32",
	    "proxy_protocol = \"10.0.0.5, 2001:db8::/32\"" },
	{ "[TLS]\nca_file = /dev/null", "ca_file = /dev/null" },
	{ "[TLS]\ncert_file = /dev/null", "cert_file = /dev/null" },
	{ "[TLS]\ncert_file = /dev/null", "mode = allow" },
	{ "[TLS]\nmode = default\ncert_file = /dev/null", "mode = allow" },
	{ "[TLS]\ncert_file = default", "mode = off" },
	{ "[TLS]\nmode = off\ncert_file = /dev/null", "mode = off" },
	{ "[TLS]\nmode = Require-Login\ncert_file = /dev/null",
	    "mode = require-login" },
	{ "[TLS]\nmode = require-all\ncert_file = /dev/null",
	    "mode = require-all" },
	{ "[TLS]\ncert_file = /dev/null\nkey_file = /dev/zero",
	    "key_file = /dev/zero" },
	{ "[TLS]\ncert_file = /dev/null\nimplicit_port = 990",
	    "implicit_port = 990" },
	{ "[TLS]\nimplicit_port = 0\nmode = off", "implicit_port = 0" },
	{ "[TLS]\ncert_file = /dev/null\nrequire_session_reuse = yes",
	    "require_session_reuse = true" },
	{ "[TLS]\nrequire_session_reuse = no", "require_session_reuse = false" },
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

#define BAD_PREFIX(text) { "cos_prefix = " text, "!8: [COS_ACCOUNT_0] " \
	"cos_prefix = " text ": not a prefix, allowed: names in UTF-8 with " \
	"one / between them as in teams/a/, none of them . or .., without " \
	"control characters\n" }

#define BAD_CLASS(text) { "cos_storage_class = " text, "!8: [COS_ACCOUNT_0] " \
	"cos_storage_class = " text ": not a storage class, allowed: " \
	"STANDARD, STANDARD_IA, INTELLIGENT_TIERING, ARCHIVE, DEEP_ARCHIVE, " \
	"MAZ_STANDARD, MAZ_STANDARD_IA, MAZ_INTELLIGENT_TIERING\n" }
#define BAD_SSE(text) { "cos_server_side_encryption = " text, \
	"!8: [COS_ACCOUNT_0] cos_server_side_encryption = " text ": not an " \
	"encryption, allowed: AES256, cos/kms\n" }

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
	{ "cos_prefix =", "!8: [COS_ACCOUNT_0] cos_prefix: no value\n" },
	{ "cos_prefix = \"\"", "!8: [COS_ACCOUNT_0] cos_prefix: no value\n" },
	BAD_PREFIX("/"),
	BAD_PREFIX("//"),
	BAD_PREFIX("//a"),
	BAD_PREFIX("a//"),
	BAD_PREFIX("a//b"),
	BAD_PREFIX("."),
	BAD_PREFIX(".."),
	BAD_PREFIX("/./"),
	BAD_PREFIX("../a"),
	BAD_PREFIX("a/../b"),
	BAD_PREFIX("a/./b/"),
	BAD_PREFIX("a/.."),
	BAD_PREFIX("/\\a"),
	BAD_PREFIX("a\tb"),
	BAD_PREFIX("\xd6\xd0"),		/* GBK */
	BAD_PREFIX("a\xe4\xb8"),
	BAD_PREFIX("a\xff"),
	BAD_CLASS("standard"),
	BAD_CLASS("STANDARD_"),
	BAD_CLASS("STANDARD,"),
	BAD_CLASS("allowed"),
	BAD_CLASS("GLACIER"),
	BAD_SSE("aes256"),
	BAD_SSE("AES"),
	BAD_SSE("AES256, cos/kms"),
	BAD_SSE("encryption"),
	{ "cos_server_side_encryption =", "!8: [COS_ACCOUNT_0] "
	    "cos_server_side_encryption: no value\n" },
	{ "cos_endpoint = http://localhost", "!8: [COS_ACCOUNT_0] cos_endpoint "
	    "= http://localhost: not an endpoint, allowed: HOST or HOST:PORT "
	    "(http or https goes into cos_protocol)\n" },
	{ "cos_endpoint = localhost/", "!8: [COS_ACCOUNT_0] cos_endpoint = "
	    "localhost/: not an endpoint, allowed: HOST or HOST:PORT, without "
	    "a slash\n" },
	{ "cos_endpoint = 10.0.0.1:80", "!8: [COS_ACCOUNT_0] cos_endpoint = "
	    "10.0.0.1:80: not an endpoint, allowed: HOST or HOST:PORT (the "
	    "bucket's name goes in front, so HOST cannot be an address)\n" },
	{ "cos_role = a/b", "!8: [COS_ACCOUNT_0] cos_role = a/b: not the name "
	    "of a role\n" },
	{ "cos_role_endpoint = http://a", "!8: [COS_ACCOUNT_0] "
	    "cos_role_endpoint = http://a: not an endpoint, allowed: HOST or "
	    "HOST:PORT\n" },
	{ "cos_role_endpoint = a:0", "!8: [COS_ACCOUNT_0] cos_role_endpoint = "
	    "a:0: not an endpoint, allowed: HOST or HOST:PORT\n" },
	{ "cos_role = r\ncos_token = t", "!2: [COS_ACCOUNT_0] cos_secretid: "
	    "cos_role in line 8 brings its own\n"
	    "!3: [COS_ACCOUNT_0] cos_secretkey: cos_role in line 8 brings its "
	    "own\n"
	    "!9: [COS_ACCOUNT_0] cos_token: cos_role in line 8 brings its "
	    "own\n" },
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
	{ "[NETWORK]\nmasquerade_address = XXX.XXX.XXX.XXX", "?9: [NETWORK] "
	    "masquerade_address = XXX.XXX.XXX.XXX: still the text of the "
	    "sample, ignored: put the address or name that clients connect "
	    "to, or remove the line\n" },
	{ "[NETWORK]\nmasquerade_address = 1.2.3.400", "!9: [NETWORK] "
	    "masquerade_address = 1.2.3.400: not an address, allowed: an IPv4 "
	    "address or a domain name\n" },
	{ "[NETWORK]\nmasquerade_address = ::1", "!9: [NETWORK] "
	    "masquerade_address = ::1: an IPv6 address, allowed: an IPv4 "
	    "address or a domain name (EPSV, used with IPv6, needs none)\n" },
	{ "[NETWORK]\nmasquerade_address = a b", "!9: [NETWORK] "
	    "masquerade_address = a b: not an address, allowed: an IPv4 "
	    "address or a domain name\n" },
	{ "[NETWORK]\nproxy_protocol = lb.example.com", "!9: [NETWORK] "
	    "proxy_protocol = lb.example.com: not a list of addresses, "
	    "allowed: ADDRESS or ADDRESS/BITS, separated by commas\n" },
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
	{ "[TLS]\nmode = strict", "!9: [TLS] mode = strict: not a mode, "
	    "allowed: off, allow, require-login, require-all\n" },
	{ "[TLS]\nmode = require-all", "!9: [TLS] mode = require-all: needs "
	    "a certificate, and cert_file is not set\n" },
	{ "[TLS]\ncert_file =\nmode = allow\nkey_file = /dev/zero\n"
	    "implicit_port = 990\nrequire_session_reuse = yes",
	    "!10: [TLS] mode = allow: needs a certificate, and cert_file is "
	    "not set\n!11: [TLS] key_file = /dev/zero: needs a certificate, "
	    "and cert_file is not set\n!12: [TLS] implicit_port = 990: needs "
	    "a certificate, and cert_file is not set\n!13: [TLS] "
	    "require_session_reuse = true: needs a certificate, and cert_file "
	    "is not set\n" },
	{ "[TLS]\ncert_file = /nonexistent\nmode = allow", "!9: [TLS] "
	    "cert_file = /nonexistent: no such file\n" },
	{ "[TLS]\ncert_file = /dev/null\nimplicit_port = 990\nmode = off",
	    "!10: [TLS] implicit_port = 990: mode = off in line 11, allowed: "
	    "0\n" },
	{ "[TLS]\ncert_file = /dev/null\nimplicit_port = 2121", "!10: [TLS] "
	    "implicit_port = 2121: is the listen_port, allowed: another "
	    "port\n" },
	{ "[TLS]\nimplicit_port = 65536", "!9: [TLS] implicit_port = 65536: "
	    "out of range, allowed: 0, or 1 to 65535\n" },
	{ "[NETWORK]\nssl_enable = YES", "?9: [NETWORK] ssl_enable: unknown "
	    "key, ignored; an option of vsftpd, here: cert_file in [TLS]\n" },
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
	{ "[OPTIONAL]\nclient_encoding = gb18030", "!9: [OPTIONAL] "
	    "client_encoding = gb18030: not an encoding, allowed: utf-8, gbk, "
	    "utf8, cp936\n" },
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
	/* a role needs no keys, and its name is no key */
	{ "[COS_ACCOUNT_0]\ncos_role = CVM-role_1.x,+=@\n" BUCKET REGION USER,
	    "" },
	{ "[COS_ACCOUNT_0]\ncos_role = a b\n" KEYS BUCKET REGION USER,
	    "!2: [COS_ACCOUNT_0] cos_role = a b: not the name of a role\n" },
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

int
main(void)
{
	begin_file();
	test_values();
	test_accounts();
	end_file();
	return test_end("t_conf_values");
}
