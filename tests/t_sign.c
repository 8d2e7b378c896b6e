/*
 * tests/t_sign.c - cos/sign.c and cos/escape.c against known vectors.
 */
#include <inttypes.h>

#include "../cos/cos_int.h"
#include "sign_vectors.h"
#include "test.h"

enum { NPAIRS = 8, HEX = 2 * TLS_SHA1_LEN + 1 };

static size_t
count(const struct cos_pair *p)
{
	size_t n = 0;

	while (n < NPAIRS && p[n].name != NULL)
		n++;
	return n;
}

static void
hmac_hex(const char *key, const char *text, char out[HEX])
{
	unsigned char mac[TLS_SHA1_LEN];

	tls_hmac_sha1(key, strlen(key), text, strlen(text), mac);
	tls_hex(out, mac, sizeof(mac));
}

/* The path and the query as the SDKs send them (the official page leaves
 * parentheses as they are). */
static void
check_target(const struct sign_vector *v)
{
	struct net_buf b = { .max = 4096 };
	size_t i, n = count(v->param);

	cos_escape(&b, v->path, strlen(v->path), true);
	for (i = 0; i < n; i++) {
		net_buf_put(&b, i == 0 ? "?" : "&", 1);
		cos_escape(&b, v->param[i].name, strlen(v->param[i].name),
		    false);
		net_buf_put(&b, "=", 1);
		cos_escape(&b, v->param[i].value, strlen(v->param[i].value),
		    false);
	}
	CHECK(!b.failed, "%s: target fits", v->id);
	CHECK_STR(b.data, v->target, v->id);
	net_buf_free(&b);
}

/*
 * The signature is made from the vector's own hash; for the two official
 * examples with our secret in place of the one that is not published.
 */
static void
check_vector(const struct sign_vector *v)
{
	struct cos_sign_request r = { .method = v->method, .path = v->path,
	    .param = v->param, .nparams = count(v->param),
	    .header = v->header, .nheaders = count(v->header),
	    .secret_id = SIGN_ID, .secret_key = SIGN_SECRET,
	    .start = v->start, .end = v->end };
	struct net_buf got = { .max = 8192 }, want = { .max = 8192 };
	char key_time[64], text[256], key[HEX], sig[HEX];

	snprintf(key_time, sizeof(key_time), "%" PRId64 ";%" PRId64, v->start,
	    v->end);
	snprintf(text, sizeof(text), "sha1\n%s\n%s\n", key_time, v->hash);
	hmac_hex(v->sign_key, text, sig);
	CHECK_STR(sig, v->signature, v->id);
	hmac_hex(SIGN_SECRET, key_time, key);
	if (v->official)
		hmac_hex(key, text, sig);
	else
		CHECK_STR(key, v->sign_key, v->id);
	net_buf_printf(&want, "before q-sign-algorithm=sha1&q-ak=%s"
	    "&q-sign-time=%s&q-key-time=%s&q-header-list=%s"
	    "&q-url-param-list=%s&q-signature=%s", SIGN_ID, key_time, key_time,
	    v->header_list, v->param_list, sig);
	net_buf_put(&got, "before ", 7);
	cos_sign(&got, &r);
	CHECK(!got.failed, "%s: fits", v->id);
	CHECK_STR(got.data, want.data, v->id);
	net_buf_free(&got);
	net_buf_free(&want);
}

static void
test_sign_limits(void)
{
	static char big[80 * 1024];
	struct cos_pair many[65], one = { "prefix", big };
	struct cos_sign_request r = { .method = "GET", .path = "/",
	    .param = many, .nparams = 64, .secret_id = SIGN_ID,
	    .secret_key = SIGN_SECRET, .start = 1, .end = 2 };
	struct net_buf b = { .max = 8192 };
	size_t i;

	for (i = 0; i < 65; i++)
		many[i] = (struct cos_pair){ "name", "value" };
	cos_sign(&b, &r);
	CHECK(!b.failed, "64 parameters");
	r.nparams = 65;
	cos_sign(&b, &r);
	CHECK(b.failed, "65 parameters");
	net_buf_free(&b);

	memset(big, 'x', sizeof(big) - 1);
	r.param = &one;
	r.nparams = 1;
	cos_sign(&b, &r);
	CHECK(b.failed, "no signature of a text that was cut");
	net_buf_free(&b);

	b.max = 100;
	r.nparams = 0;
	cos_sign(&b, &r);
	CHECK(b.failed, "no room for the result");
	net_buf_free(&b);
}

static const struct {
	const char *in, *all, *path;	/* path: slashes kept */
} escapes[] = {
	{ "", "", "" },
	{ "azAZ09-_.~", "azAZ09-_.~", "azAZ09-_.~" },
	{ "a/b//c", "a%2Fb%2F%2Fc", "a/b//c" },
	{ "a b+c%d", "a%20b%2Bc%25d", "a%20b%2Bc%25d" },
	{ "*!'()", "%2A%21%27%28%29", "%2A%21%27%28%29" },
	{ "\t\n\r\x7f", "%09%0A%0D%7F", "%09%0A%0D%7F" },
	{ "\xe4\xb8\xad", "%E4%B8%AD", "%E4%B8%AD" },
	{ "\xff\x80", "%FF%80", "%FF%80" },
};

static const struct {
	const char *in, *out;		/* NULL: refused */
} unescapes[] = {
	{ "", "" },
	{ "plain", "plain" },
	{ "a%20b%2Bc+d", "a b+c+d" },	/* '+' stays */
	{ "%e4%B8%aD", "\xe4\xb8\xad" },
	{ "%2520", "%20" },		/* once only */
	{ "%", NULL },
	{ "%2", NULL },
	{ "a%2", NULL },
	{ "%%20", NULL },
	{ "%g0", NULL },
	{ "%0g", NULL },
	{ "%-1", NULL },
	{ "% 1", NULL },
	{ "%0x", NULL },
};

static void
test_escape(void)
{
	struct net_buf b = { .max = 256 };
	size_t i;
	ssize_t n;
	char s[64];

	for (i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
		cos_escape(&b, escapes[i].in, strlen(escapes[i].in), false);
		CHECK_STR(b.len > 0 ? b.data : "", escapes[i].all, "escape");
		net_buf_free(&b);
		cos_escape(&b, escapes[i].in, strlen(escapes[i].in), true);
		CHECK_STR(b.len > 0 ? b.data : "", escapes[i].path, "path");
		net_buf_free(&b);
	}
	cos_escape(&b, "a\0b", 3, false);
	CHECK_STR(b.data, "a%00b", "a NUL byte");
	net_buf_free(&b);
	for (i = 0; i < sizeof(unescapes) / sizeof(unescapes[0]); i++) {
		snprintf(s, sizeof(s), "%s", unescapes[i].in);
		n = cos_unescape(s, strlen(s));
		if (unescapes[i].out == NULL)
			CHECK(n == -1, "\"%s\" is refused", unescapes[i].in);
		else
			CHECK(n == (ssize_t)strlen(unescapes[i].out) &&
			    memcmp(s, unescapes[i].out, (size_t)n) == 0,
			    "unescape \"%s\"", unescapes[i].in);
	}
	memcpy(s, "a%00b", 6);
	CHECK(cos_unescape(s, 5) == 3 && memcmp(s, "a\0b", 3) == 0,
	    "an escaped NUL byte");
}

static void
test_round_trip(void)
{
	struct net_buf b = { .max = 4096 };
	char all[256];
	size_t i;
	ssize_t n;

	for (i = 0; i < sizeof(all); i++)
		all[i] = (char)i;
	cos_escape(&b, all, sizeof(all), false);
	n = cos_unescape(b.data, b.len);
	CHECK(n == 256 && memcmp(b.data, all, 256) == 0, "all bytes");
	net_buf_free(&b);
}

int
main(void)
{
	size_t i;

	for (i = 0; i < sizeof(sign_vectors) / sizeof(sign_vectors[0]); i++) {
		if (!sign_vectors[i].official)
			check_target(&sign_vectors[i]);
		check_vector(&sign_vectors[i]);
	}
	test_sign_limits();
	test_escape();
	test_round_trip();
	return test_end("t_sign");
}
