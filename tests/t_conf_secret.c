/*
 * tests/t_conf_secret.c - conf/conf_secret.c: secrets in files and in the
 * environment, each a row of what is there and what is taken or said.
 */
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "conf_load.h"

#define LONG "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define LONG256 LONG LONG LONG LONG

static const struct {
	const char *bytes;
	size_t n;		/* 0: up to the NUL */
	const char *taken;	/* NULL: an error */
	const char *said;
} contents[] = {
	{ "hush", 0, "hush", "" },
	{ "hush\n", 0, "hush", "" },
	{ "hush\r\n", 0, "hush", "" },
	{ " hu sh # \"x\" ; ", 0, " hu sh # \"x\" ; ", "" },
	{ "default", 0, "default", "" },
	{ "file:/x", 0, "file:/x", "" },
	{ "\xe5\xaf\x86\n", 0, "\xe5\xaf\x86", "" },
	{ LONG256 "\r\n", 0, LONG256, "" },
	{ LONG256 "x", 0, NULL, "longer than 256 bytes" },
	{ LONG256 "xxxx", 0, NULL, "longer than 256 bytes" },
	{ LONG256 LONG256, 0, NULL, "longer than 256 bytes" },
	{ "", 0, NULL, "empty" },
	{ "\n", 0, NULL, "empty" },
	{ "\r\n", 0, NULL, "empty" },
	{ "hush\n\n", 0, NULL, "more than one line, or control characters" },
	{ "hush\nhush", 0, NULL, "more than one line, or control characters" },
	{ "hu\tsh", 0, NULL, "more than one line, or control characters" },
	{ "hush\x7f", 0, NULL, "more than one line, or control characters" },
	{ "\nhush", 0, NULL, "more than one line, or control characters" },
	{ "hush\0hush", 9, NULL, "not a text" },
	{ "hush\0", 5, NULL, "not a text" },
	{ "\0", 1, NULL, "not a text" },
	{ "COS_SECRETKEY\n", 0, NULL, "still the text of the sample, put your "
	    "own" },
};

static char secret[] = "/tmp/t_secret.XXXXXX";

static void
put_secret(const char *bytes, size_t n, mode_t mode)
{
	int fd = open(secret, O_WRONLY | O_TRUNC);

	if (fd < 0 || write(fd, bytes, n) != (ssize_t)n || close(fd) < 0 ||
	    chmod(secret, mode) < 0) {
		perror(secret);
		exit(1);
	}
}

static struct conf *
load_key(const char *value)
{
	char text[PATH_MAX + 600];

	snprintf(text, sizeof(text), "[COS_ACCOUNT_0]\ncos_secretid = AKIDx\n"
	    "cos_secretkey = %s\n" BUCKET REGION USER, value);
	return load(text);
}

/* That value gives this key, or is complained of as said in line 3. */
static void
expect(const char *value, const char *place, const char *taken,
    const char *said)
{
	struct conf *c = load_key(value);
	char want[PATH_MAX + 600] = "";

	if (said[0] != '\0')
		snprintf(want, sizeof(want), "%c3: [COS_ACCOUNT_0] "
		    "cos_secretkey = %s: %s\n", taken != NULL ? '?' : '!',
		    place, said);
	CHECK_STR(all_notes(), want, value);
	CHECK((c != NULL) == (taken != NULL), "%s: loaded", value);
	if (c != NULL && taken != NULL) {
		CHECK_STR(c->accounts[0].secret_key, taken, value);
		CHECK(strstr(printed(c), "cos_secretkey = ***\n") != NULL,
		    "%s: printed: %s", value, printed(c));
	}
	conf_free(c);
}

static void
test_contents(void)
{
	char value[64];
	size_t i, n;

	snprintf(value, sizeof(value), "file:%s", secret);
	for (i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
		n = contents[i].n > 0 ? contents[i].n :
		    strlen(contents[i].bytes);
		put_secret(contents[i].bytes, n, 0400);
		expect(value, value, contents[i].taken, contents[i].said);
		if (contents[i].n > 0)
			continue;
		setenv("T_SECRET", contents[i].bytes, 1);
		expect("env:T_SECRET", "env:T_SECRET", contents[i].taken,
		    contents[i].said);
	}
}

static void
test_files(void)
{
	static const struct {
		mode_t mode;
		const char *said;
	} modes[] = {
		{ 0400, "" }, { 0444, "" }, { 0644, "" },
		{ 0664, "others than its owner may change it (mode 0664): "
		    "chmod go-w" },
		{ 0602, "others than its owner may change it (mode 0602): "
		    "chmod go-w" },
	};
	char value[80], fifo[80];
	size_t i;

	snprintf(value, sizeof(value), "file:%s", secret);
	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		put_secret("hush\n", 5, modes[i].mode);
		expect(value, value, "hush", modes[i].said);
	}
	expect("file:/nonexistent/x", "file:/nonexistent/x", NULL,
	    "cannot be read: No such file or directory");
	expect("file:/tmp", "file:/tmp", NULL, "not a file");
	expect("file:/dev/zero", "file:/dev/zero", NULL, "not a file");
	snprintf(fifo, sizeof(fifo), "file:%s.fifo", secret);
	if (mkfifo(fifo + 5, 0600) == 0) {
		expect(fifo, fifo, NULL, "not a file");
		unlink(fifo + 5);
	}
}

#define NO_PLACE "not a place, allowed: file:/PATH or env:NAME (in quotes " \
    "where the secret begins so)"

static void
test_places(void)
{
	unsetenv("T_NOTHING");
	expect("env:T_NOTHING", "env:T_NOTHING", NULL, "not set");
	/* maybe a secret: not shown */
	expect("file:", "***", NULL, NO_PLACE);
	expect("file:run/x", "***", NULL, NO_PLACE);
	expect("file: /run/x", "***", NULL, NO_PLACE);
	expect("env:", "***", NULL, NO_PLACE);
	expect("env:1A", "***", NULL, NO_PLACE);
	expect("env:A B", "***", NULL, NO_PLACE);
	expect("env:${A}", "***", NULL, NO_PLACE);
	/* no places at all */
	expect("\"file:/x\"", "", "file:/x", "");
	expect("\"env:T_NOTHING\"", "", "env:T_NOTHING", "");
	expect("File:/x", "", "File:/x", "");
	expect("fil", "", "fil", "");
}

/* All secrets, and nothing else. */
static void
test_keys(void)
{
	struct conf *c;

	setenv("T_SECRET", "hush", 1);
	c = load("[COS_ACCOUNT_0]\ncos_secretid = env:T_SECRET\ncos_secretkey "
	    "= env:T_SECRET\n" BUCKET REGION "ftp_login_user_name = env:U\n"
	    "ftp_login_user_password = env:T_SECRET\n"
	    "home_dir = file:/x\n");
	CHECK(c != NULL && notes.n == 0, "all secrets: %s", all_notes());
	if (c == NULL)
		return;
	CHECK_STR(c->accounts[0].secret_id, "hush", "id");
	CHECK_STR(c->accounts[0].secret_key, "hush", "key");
	CHECK_STR(c->accounts[0].password, "hush", "password");
	CHECK_STR(c->accounts[0].user, "env:U", "user");
	CHECK_STR(c->accounts[0].home_dir, "file:/x", "home_dir");
	conf_free(c);
}

int
main(void)
{
	int fd = mkstemp(secret);

	if (fd < 0 || close(fd) < 0) {
		perror(secret);
		return 1;
	}
	begin_file();
	test_contents();
	test_files();
	test_places();
	test_keys();
	end_file();
	unlink(secret);
	return test_end("t_conf_secret");
}
