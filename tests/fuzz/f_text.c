/*
 * f_text.c - small texts to and from the store: percent-encoding, dates,
 * checksums as numbers, entities, and errors as one line for the log.
 */
#include <time.h>

#include "../../cos/cos_int.h"
#include "../../ftp/ftp_int.h"
#include "fuzz.h"

static void
escapes(const char *in, size_t n)
{
	struct net_buf b = { .max = 3 * n + 1 };
	char *copy = malloc(n > 0 ? n : 1);
	ssize_t len;
	int slash;

	for (slash = 0; slash <= 1; slash++) {
		b.len = 0;
		cos_escape(&b, in, n, slash);
		MUST(!b.failed);
		if (n == 0)
			continue;
		MUST(all_of(b.data, b.len, slash ? "-_.~%/" : "-_.~%"));
		len = cos_unescape(b.data, b.len);
		MUST(len == (ssize_t)n && memcmp(b.data, in, n) == 0);
	}
	net_buf_free(&b);
	if (n > 0)
		memcpy(copy, in, n);
	len = cos_unescape(copy, n);
	MUST(len >= -1 && len <= (ssize_t)n);
	MUST(len < 0 || memchr(in, '%', n) != NULL || len == (ssize_t)n);
	free(copy);
}

static void
dates(const char *text)
{
	int64_t t = cos_date(text);
	time_t at = (time_t)t;
	char iso[64], ftp[16];
	struct tm tm;

	MUST(t >= -1);
	if (t < 0)
		return;
	MUST(gmtime_r(&at, &tm) != NULL && tm.tm_year < 10000 - 1900 + 1);
	strftime(iso, sizeof(iso), "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (tm.tm_year < 10000 - 1900)
		MUST(cos_date(iso) == t);
	ftp_time_text(ftp, t);
	MUST(strlen(ftp) == 14 && all_of(ftp, 14, ""));
}

static void
numbers(const char *text)
{
	char again[32];
	uint64_t crc;

	if (!cos_crc_text(text, &crc))
		return;
	snprintf(again, sizeof(again), "%llu", (unsigned long long)crc);
	while (text[0] == '0' && text[1] != '\0')
		text++;
	MUST(strcmp(again, text) == 0);
}

static void
entities(const char *text, size_t n)
{
	char out[4];
	size_t len = cos_xml_entity(text, n, out);

	MUST(len <= 4 && ftp_utf8_valid(out, len));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct cos_fault f;
	char *text;

	if (n == 0)
		return 0;
	text = text_of(data + 1, n - 1);
	escapes((const char *)data + 1, n - 1);
	dates(text);
	numbers(text);
	if (n - 1 <= XML_ENTITY)
		entities((const char *)data + 1, n - 1);
	cos_fault_from(&f, 100 + 4 * data[0], text, text, text);
	MUST(strpbrk(f.text, "\r\n") == NULL);
	MUST(f.cause != COS_OK && strlen(f.code) < sizeof(f.code));
	cos_fault_retry(&f);
	free(text);
	return 0;
}
