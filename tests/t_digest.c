/*
 * t_digest.c - digests against the published vectors, text forms, and the
 * incremental hash over every way to cut its input.
 */
#include "../tls/tls.h"
#include "test.h"

static char hex[2 * TLS_SHA256_LEN + 1];

static char *
fill(char *buf, int byte, size_t n)
{
	memset(buf, byte, n);
	buf[n] = '\0';
	return buf;
}

static void
check_sha1(const char *in, size_t n, const char *want)
{
	unsigned char out[TLS_SHA1_LEN];

	tls_sha1(in, n, out);
	tls_hex(hex, out, sizeof(out));
	CHECK_STR(hex, want, "sha1");
}

static void
test_sha1(void)
{
	static const struct {
		const char *in, *want;
	} rows[] = {	/* RFC 3174 7.3, FIPS 180 */
		{ "", "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
		{ "abc", "a9993e364706816aba3e25717850c26c9cd0d89d" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "84983e441c3bd26ebaae4aa1f95129e5e54670f1" },
	};
	static char big[1000001], text[641];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_sha1(rows[i].in, strlen(rows[i].in), rows[i].want);
	check_sha1(fill(big, 'a', 1000000), 1000000,
	    "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
	for (i = 0; i < 640; i++)
		text[i] = (char)('0' + i % 8);
	check_sha1(text, 640, "dea356a2cddd90c7a7ecedc5ebb563934f460452");
}

static void
test_hmac(void)
{
	static char aa[81], dd[51];
	static const unsigned char key4[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
	    11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25 };
	static char cd[51], key1[21], key5[21];
	const struct {
		const void *key;
		size_t keylen;
		const char *in;
		const char *want;
	} rows[] = {	/* RFC 2202 3 */
		{ fill(key1, 0x0b, 20), 20, "Hi There",
		  "b617318655057264e28bc0b6fb378c8ef146be00" },
		{ "Jefe", 4, "what do ya want for nothing?",
		  "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79" },
		{ fill(aa, 0xaa, 80), 20, fill(dd, 0xdd, 50),
		  "125d7342b9ac11cd91a39af48aa17b4f63f175d3" },
		{ key4, 25, fill(cd, 0xcd, 50),
		  "4c9007f4026250c6bc8414f9bf50c86c2d7235da" },
		{ fill(key5, 0x0c, 20), 20, "Test With Truncation",
		  "4c1a03424b55e07fe7f27be1d58bb9324a9a5a04" },
		{ aa, 80, "Test Using Larger Than Block-Size Key - Hash Key "
		  "First", "aa4ae5e15272d00e95705637ce8a3b55ed402112" },
		{ aa, 80, "Test Using Larger Than Block-Size Key and Larger "
		  "Than One Block-Size Data",
		  "e8e99d0f45237d786d6bbaa7965c7808bbff1a91" },
	};
	unsigned char out[TLS_SHA1_LEN];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		tls_hmac_sha1(rows[i].key, rows[i].keylen, rows[i].in,
		    strlen(rows[i].in), out);
		tls_hex(hex, out, sizeof(out));
		CHECK_STR(hex, rows[i].want, "hmac-sha1");
	}
}

static void
test_pbkdf2(void)
{
	static const struct {
		const char *password, *salt;
		size_t n;		/* of the salt */
		uint32_t iterations;
		const char *want;
	} rows[] = {	/* RFC 7914 11, as far as it goes; RFC 6070's inputs,
			 * the answers by Python's hashlib */
		{ "passwd", "salt", 4, 1, "55ac046e56e3089fec1691c22544b605"
		  "f94185216dde0465e68b9d57c20dacbc" },
		{ "Password", "NaCl", 4, 80000,
		  "4ddcd8f60b98be21830cee5ef22701f9"
		  "641a4418d04c0414aeff08876b34ab56" },
		{ "password", "salt", 4, 2, "ae4d0c95af6b46d32d0adff928f06dd0"
		  "2a303f8ef3c251dfd6e2d85a95474c43" },
		{ "password", "salt", 4, 4096,
		  "c5e478d59288c841aa530db6845c4c8d"
		  "962893a001ce4e11a4963873aa98134a" },
		{ "passwordPASSWORDpassword",
		  "saltSALTsaltSALTsaltSALTsaltSALTsalt", 36, 4096,
		  "348c89dbcbd32b2f32d814b8116e84cf"
		  "2b17347ebc1800181c4e2a1fb8dd53e1" },
		{ "pass", "sa\0lt", 5, 1, "3162d8dda5b82e91b39eb54358d688c5"
		  "fe8d0d4758d0c3b05ca5226218e20f23" },
	};
	unsigned char out[TLS_SHA256_LEN];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		tls_pbkdf2(rows[i].password, strlen(rows[i].password),
		    rows[i].salt, rows[i].n, rows[i].iterations, out);
		tls_hex(hex, out, sizeof(out));
		CHECK_STR(hex, rows[i].want, "pbkdf2");
	}
}

static void
test_sha256(void)
{
	static const struct {
		const char *in, *want;
	} rows[] = {	/* FIPS 180-2 B */
		{ "", "e3b0c44298fc1c149afbf4c8996fb924"
		  "27ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223"
		  "b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039"
		  "a33ce45964ff2167f6ecedd419db06c1" },
	};
	unsigned char out[TLS_SHA256_LEN];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		tls_sha256(rows[i].in, strlen(rows[i].in), out);
		tls_hex(hex, out, sizeof(out));
		CHECK_STR(hex, rows[i].want, "sha256");
	}
}

/* Each row in two pieces, cut at every place, and byte by byte. */
static void
test_md5(void)
{
	static const struct {
		const char *in, *want;
	} rows[] = {	/* RFC 1321 A.5 */
		{ "", "d41d8cd98f00b204e9800998ecf8427e" },
		{ "a", "0cc175b9c0f1b6a831c399e269772661" },
		{ "abc", "900150983cd24fb0d6963f7d28e17f72" },
		{ "message digest", "f96b697d7cb7938d525a2f31aaf161d0" },
		{ "abcdefghijklmnopqrstuvwxyz",
		  "c3fcd3d76192e4007dfb496cca67e13b" },
		{ "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz01234"
		  "56789", "d174ab98d277d9f5a5611c2c9f419d9f" },
		{ "1234567890123456789012345678901234567890123456789012345678"
		  "9012345678901234567890", "57edf4a22be3c955ac49da2e2107b67a" },
	};
	unsigned char out[TLS_MD5_LEN];
	struct tls_md5 m;
	size_t i, j, n;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		n = strlen(rows[i].in);
		for (j = 0; j <= n; j++) {
			tls_md5_init(&m);
			tls_md5_update(&m, rows[i].in, j);
			tls_md5_final(&m, out);		/* changes nothing */
			tls_md5_update(&m, rows[i].in + j, n - j);
			tls_md5_final(&m, out);
			tls_hex(hex, out, sizeof(out));
			CHECK_STR(hex, rows[i].want, "md5 in two pieces");
		}
		tls_md5_init(&m);
		for (j = 0; j < n; j++)
			tls_md5_update(&m, rows[i].in + j, 1);
		tls_md5_final(&m, out);
		tls_hex(hex, out, sizeof(out));
		CHECK_STR(hex, rows[i].want, "md5 by bytes");
	}
}

static void
test_base64(void)
{
	static const struct {
		const char *in, *want;
	} rows[] = {	/* RFC 4648 10, and the last two digits */
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
		{ "\xfb\xff\xbf", "+/+/" },
		{ "\xff\xff\xff", "////" },
	};
	char out[16];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(out, 'x', sizeof(out));
		tls_base64(out, rows[i].in, strlen(rows[i].in));
		CHECK_STR(out, rows[i].want, rows[i].in);
	}
}

static void
test_hex(void)
{
	char out[16];

	tls_hex(out, "\x00\x7f\x80\xff\x0a", 5);
	CHECK_STR(out, "007f80ff0a", "hex");
	tls_hex(out, "", 0);
	CHECK_STR(out, "", "hex of nothing");
}

static void
test_secrets(void)
{
	unsigned char a[64], b[64];
	size_t i;

	tls_random(a, sizeof(a));
	tls_random(b, sizeof(b));
	CHECK(memcmp(a, b, sizeof(a)) != 0, "two random strings differ");
	memcpy(b, a, sizeof(b));
	CHECK(tls_equal(a, b, sizeof(a)), "equal");
	CHECK(tls_equal(a, b, 0), "nothing is equal to nothing");
	for (i = 0; i < sizeof(b); i++) {
		b[i] ^= 1;
		CHECK(!tls_equal(a, b, sizeof(a)), "differs at %zu", i);
		CHECK(tls_equal(a, b, i), "equal up to %zu", i);
		b[i] ^= 1;
	}
	tls_wipe(a, sizeof(a));
	memset(b, 0, sizeof(b));
	CHECK(memcmp(a, b, sizeof(a)) == 0, "wiped");
	tls_wipe(NULL, 0);
}

int
main(void)
{
	test_sha1();
	test_hmac();
	test_pbkdf2();
	test_sha256();
	test_md5();
	test_base64();
	test_hex();
	test_secrets();
	return test_end("t_digest");
}
