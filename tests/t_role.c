/*
 * tests/t_role.c - cos/role.c: answers of the metadata service as rows.
 */
#include "../cos/cos_int.h"
#include "guard.h"
#include "test.h"

#define ID "\"TmpSecretId\": \"AKIDx\""
#define KEY "\"TmpSecretKey\": \"secret/+=\""
#define END "\"ExpiredTime\": 1615590047"
#define TOKEN "\"Token\": \"tok\""
#define CODE "\"Code\": \"Success\""
#define ALL ID ", " KEY ", " END ", " TOKEN ", " CODE
#define X64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define X256 X64 X64 X64 X64
#define X4096 X256 X256 X256 X256 X256 X256 X256 X256 X256 X256 X256 X256 \
    X256 X256 X256 X256
#define SENSE "its answer makes no sense at byte "

static const struct {
	const char *text;
	const char *wrong;	/* NULL: these keys; SENSE "": anywhere */
} rows[] = {
	/* as documented */
	{ "{" ID ",\n  " KEY ",\n  " END ",\n  \"Expiration\": "
	    "\"2021-03-12T23:00:47Z\",\n  " TOKEN ",\n  " CODE "\n}\n", NULL },
	{ "{" ALL "}", NULL },
	{ " \t\r\n{" CODE "," TOKEN "," END "," KEY "," ID " } ", NULL },
	{ "{\"TmpSecretId\" :\"AKIDx\" ,\"TmpSecretKey\"\n:\n\"secret/+=\","
	    TOKEN "," CODE "," END "}", NULL },
	/* members that are not ours */
	{ "{\"a\": null, \"b\": true, \"c\": false, \"d\": -1.5e+3, \"e\": "
	    "\"\", \"token\": \"x\", " ALL "}", NULL },
	{ "{\"a\": \"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u4e2d\\uD83d\", " ALL "}",
	    NULL },
	{ "{\"a\": \"" X4096 "\", " ALL "}", NULL },
	{ "{\"a\": \"\xe4\xb8\xad\", " ALL "}", NULL },
	/* escapes in ours */
	{ "{\"Tmp\\u0053ecretId\": \"\\u0041KIDx\", \"TmpSecretKey\": "
	    "\"secret\\/\\u002b\\u003D\", " END ", " TOKEN ", " CODE "}", NULL },
	/* what it says */
	{ "{" CODE ", " ID ", " KEY ", " END "}", "its answer has no Token" },
	{ "{" CODE ", " TOKEN ", " KEY ", " END "}",
	    "its answer has no TmpSecretId" },
	{ "{" CODE ", " TOKEN ", " ID ", " END "}",
	    "its answer has no TmpSecretKey" },
	{ "{" CODE ", " TOKEN ", " ID ", " KEY "}",
	    "its answer has no ExpiredTime" },
	{ "{" ID ", " KEY ", " END ", " TOKEN "}", "its answer has no Code" },
	{ "{\"Code\": \"InternalError\"}", "it says Code InternalError" },
	{ "{\"Code\": \"success\", " ID ", " KEY ", " END ", " TOKEN "}",
	    "it says Code success" },
	/* not such an object */
	{ "", SENSE "0" },
	{ " ", SENSE "1" },
	{ "<html>404</html>", SENSE "0" },
	{ "role-a\n", SENSE "0" },
	{ "{}", SENSE "1" },
	{ "[]", SENSE "0" },
	{ "[{" ALL "}]", SENSE "0" },
	{ "{" ALL "", SENSE },
	{ "{" ALL ",}", SENSE },
	{ "{," ALL "}", SENSE "1" },
	{ "{" ALL "}}", SENSE },
	{ "{" ALL "} x", SENSE },
	{ "{" ALL "},", SENSE },
	{ "{" ID " " KEY ", " END ", " TOKEN ", " CODE "}", SENSE },
	{ "{" ALL ", " TOKEN "}", SENSE },
	{ "{\"a\": {}, " ALL "}", SENSE "6" },
	{ "{\"a\": [], " ALL "}", SENSE "6" },
	{ "{\"a\": , " ALL "}", SENSE "6" },
	{ "{\"a\" " ALL "}", SENSE },
	{ "{a: 1, " ALL "}", SENSE "1" },
	{ "{'a': 1, " ALL "}", SENSE "1" },
	{ "{\"a\": \"" X4096 "x\", " ALL "}", SENSE },
	{ "{\"" X64 "\": 1, " ALL "}", SENSE },
	{ "{\"a\": \"\\x\", " ALL "}", SENSE },
	{ "{\"a\": \"\\u12g4\", " ALL "}", SENSE },
	{ "{\"a\": \"\n\", " ALL "}", SENSE },
	{ "{\"a\": \"\\u00", SENSE },
	{ "{\"a\": \"\\", SENSE },
	/* our members, with values that cannot be */
	{ "{" ID ", " KEY ", \"ExpiredTime\": \"1\", " TOKEN ", " CODE "}",
	    SENSE },
	{ "{" ID ", " KEY ", \"ExpiredTime\": -1, " TOKEN ", " CODE "}",
	    SENSE },
	{ "{" ID ", " KEY ", \"ExpiredTime\": 1.5, " TOKEN ", " CODE "}",
	    SENSE },
	{ "{" ID ", " KEY ", \"ExpiredTime\": 1000000000000000000, " TOKEN ", "
	    CODE "}", SENSE },
	{ "{" ID ", " KEY ", \"ExpiredTime\": , " TOKEN ", " CODE "}", SENSE },
	{ "{" ID ", " KEY ", " END ", \"Token\": 1, " CODE "}", SENSE },
	{ "{" ID ", " KEY ", " END ", \"Token\": null, " CODE "}", SENSE },
	{ "{" ID ", " KEY ", " END ", \"Token\": \"\", " CODE "}", SENSE },
	{ "{" ID ", " KEY ", " END ", \"Token\": \"a b\", " CODE "}", SENSE },
	{ "{" ID ", " KEY ", " END ", \"Token\": \"a\\r\\nX: b\", " CODE "}",
	    SENSE },
	{ "{" ID ", " KEY ", " END ", \"Token\": \"a\\u0000\", " CODE "}",
	    SENSE },
	{ "{" ID ", " KEY ", " END ", \"Token\": \"\xe4\xb8\xad\", " CODE "}",
	    SENSE },
	{ "{" ID ", " KEY ", " END ", \"Token\": \"\\u4e2d\", " CODE "}",
	    SENSE },
	{ "{" ID ", " KEY ", " END ", \"Token\": \"" X4096 "x\", " CODE "}",
	    SENSE },
	{ "{\"TmpSecretId\": \"" X256 "x\", " KEY ", " END ", " TOKEN ", " CODE
	    "}", SENSE },
};

static void
check_row(const char *text, size_t n, const char *wrong)
{
	struct cos_role_keys k;
	struct err e = { "" };
	int rc = cos_role_parse(&k, guard(text, n), n, &e);

	CHECK(rc == (wrong != NULL ? -1 : 0), "%.60s: %d %s", text, rc,
	    e.text);
	if (wrong != NULL) {
		CHECK(strcmp(wrong, SENSE) == 0 ?
		    strncmp(e.text, SENSE, sizeof(SENSE) - 1) == 0 :
		    strcmp(e.text, wrong) == 0, "%.60s: %s, want %s", text,
		    e.text, wrong);
	} else if (rc == 0) {
		CHECK_STR(k.id, "AKIDx", "id");
		CHECK_STR(k.key, "secret/+=", "key");
		CHECK_STR(k.token, "tok", "token");
		CHECK(k.expires == 1615590047, "expires");
	}
}

static void
test_rows(void)
{
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(rows[i].text, strlen(rows[i].text), rows[i].wrong);
}

/* Nothing but the whole is taken, and no byte behind it is read. */
static void
test_prefixes(void)
{
	const char *text = rows[0].text;
	size_t n, object = strlen(text) - 1;

	for (n = 0; n < object; n++)
		check_row(text, n, SENSE);
	check_row(text, object, NULL);
}

/* A byte that is NUL, or anything else, is never more than an error. */
static void
test_changed_bytes(void)
{
	char text[512];
	size_t n = strlen(rows[0].text), i;
	struct cos_role_keys k;
	struct err e;
	int c;

	for (i = 0; i < n; i++)
		for (c = 0; c < 256; c++) {
			memcpy(text, rows[0].text, n);
			text[i] = (char)c;
			if (cos_role_parse(&k, guard(text, n), n, &e) < 0)
				continue;
			CHECK(strlen(k.id) == 5 && strlen(k.key) >= 8 &&
			    strlen(k.token) == 3, "byte %zu is %d", i, c);
		}
	memcpy(text, rows[0].text, n);
	text[n - 2] = '\0';
	check_row(text, n, SENSE);
}

static void
test_lengths(void)
{
	static char text[6000];
	struct cos_role_keys k;
	struct err e = { "" };
	int n = snprintf(text, sizeof(text), "{\"TmpSecretId\": \"%s\", "
	    "\"TmpSecretKey\": \"%s\", \"Token\": \"%s\", "
	    "\"ExpiredTime\": 999999999999999999, " CODE "}", X256, X256,
	    X4096);

	CHECK(cos_role_parse(&k, guard(text, (size_t)n), (size_t)n, &e) == 0 &&
	    strlen(k.id) == 256 && strlen(k.key) == 256 &&
	    strlen(k.token) == 4096 && k.expires == 999999999999999999,
	    "the longest: %s", e.text);
}

int
main(void)
{
	test_rows();
	test_prefixes();
	test_changed_bytes();
	test_lengths();
	return test_end("t_role");
}
