/*
 * t_conf_hash.c - hashes of passwords as passlib writes them, and the users
 * behind run_as.
 */
#include "../conf/conf_int.h"
#include "test.h"

/* 32 bytes */
#define ZERO "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static void
test_good(void)
{
	/* by passlib 1.7.4's own example: hash("toomanysecrets") */
	static const char text[] = "$pbkdf2-sha256$29000$N2YMIWQsBWBMae09x1jrPQ"
	    "$1t8iyB2A.WF/Z5JZv.lfCIhXXN33N23OSgQYThBYRfk";
	static const unsigned char salt[] = { 0x37, 0x66, 0x0c, 0x21, 0x64,
	    0x2c, 0x05, 0x60, 0x4c, 0x69, 0xed, 0x3d, 0xc7, 0x58, 0xeb, 0x3d };
	struct conf_hash h;

	CHECK(conf_is_hash(text), "is a hash");
	CHECK(conf_hash_parse(text, &h), "and a good one");
	CHECK(h.iterations == 29000, "iterations: %u", h.iterations);
	CHECK(h.salt_len == 16 && memcmp(h.salt, salt, 16) == 0, "salt");
	CHECK(h.digest[0] == 0xd6 && h.digest[31] == 0xf9, "%x .. %x",
	    h.digest[0], h.digest[31]);
	CHECK(conf_check_password(text) == NULL, "is taken");
}

static void
test_rows(void)
{
	static const struct {
		const char *text;
		bool hash, good;
	} rows[] = {
		{ "$pbkdf2-sha256$1000$AA$" ZERO, true, true },
		{ "$pbkdf2-sha256$10000000$AA$" ZERO, true, true },
		{ "$pbkdf2-sha256$1000$A./9$" ZERO, true, true },
		{ "$pbkdf2-sha256$999$AA$" ZERO, true, false },
		{ "$pbkdf2-sha256$10000001$AA$" ZERO, true, false },
		{ "$pbkdf2-sha256$4294968296$AA$" ZERO, true, false },
		{ "$pbkdf2-sha256$01000$AA$" ZERO, true, false },
		{ "$pbkdf2-sha256$-1000$AA$" ZERO, true, false },
		{ "$pbkdf2-sha256$ 1000$AA$" ZERO, true, false },
		{ "$pbkdf2-sha256$1000x$AA$" ZERO, true, false },
		{ "$pbkdf2-sha256$$AA$" ZERO, true, false },
		{ "$pbkdf2-sha256$1000$$" ZERO, true, false },
		{ "$pbkdf2-sha256$1000$A$" ZERO, true, false },
		{ "$pbkdf2-sha256$1000$A+$" ZERO, true, false },
		{ "$pbkdf2-sha256$1000$AA" ZERO, true, false },
		{ "$pbkdf2-sha256$1000$AA$" ZERO "=", true, false },
		{ "$pbkdf2-sha256$1000$AA$" ZERO "AA", true, false },
		{ "$pbkdf2-sha256$1000$AA$A" , true, false },
		{ "$pbkdf2-sha256$1000$AA$", true, false },
		{ "$pbkdf2-sha256$1000$AA", true, false },
		{ "$pbkdf2-sha256$1000$" ZERO ZERO "$" ZERO, true, true },
		{ "$pbkdf2-sha256$1000$" ZERO ZERO "A$" ZERO, true, false },
		{ "$pbkdf2-sha256$", true, false },
		{ "$pbkdf2-sha512$1000$AA$" ZERO, true, false },
		{ "$pbkdf2$1000$AA$" ZERO, true, false },
		{ "$pbkdf", false, false },
		{ "$2b$12$abc", false, false },
		{ "x$pbkdf2-sha256$1000$AA$" ZERO, false, false },
		{ "", false, false },
	};
	struct conf_hash h;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK(conf_is_hash(rows[i].text) == rows[i].hash, "%s: a hash?",
		    rows[i].text);
		CHECK(conf_hash_parse(rows[i].text, &h) == rows[i].good,
		    "%s: good?", rows[i].text);
		CHECK((conf_check_password(rows[i].text) == NULL) ==
		    (!rows[i].hash || rows[i].good), "%s: taken?",
		    rows[i].text);
	}
}

static void
test_users(void)
{
	static const struct {
		const char *text;
		bool found;
		long uid, gid;		/* -1: whatever */
	} rows[] = {
		{ "root", true, 0, 0 },
		{ "0", true, 0, 0 },
		{ "root:0", true, 0, 0 },
		{ "root:root", true, 0, 0 },
		{ "0:77", true, 0, 77 },
		{ "2000000000", true, 2000000000, 2000000000 },
		{ "2000000000:5", true, 2000000000, 5 },
		{ "2147483648", false, 0, 0 },
		{ "4294967296", false, 0, 0 },
		{ "-1", false, 0, 0 },
		{ "no such", false, 0, 0 },
		{ "no-such:0", false, 0, 0 },
		{ "root:no-such", false, 0, 0 },
		{ "root:", false, 0, 0 },
		{ ":0", false, 0, 0 },
		{ "", false, 0, 0 },
		{ "root:x", false, 0, 0 },
	};
	uid_t uid;
	gid_t gid;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool found = conf_find_user(rows[i].text, &uid, &gid);

		CHECK(found == rows[i].found, "%s: found?", rows[i].text);
		CHECK(!found || ((long)uid == rows[i].uid &&
		    (long)gid == rows[i].gid), "%s: %ld:%ld", rows[i].text,
		    (long)uid, (long)gid);
	}
}

int
main(void)
{
	test_good();
	test_rows();
	test_users();
	return test_end("t_conf_hash");
}
