/*
 * f_gbk.c - code page 936: both directions undo each other, give what is
 * UTF-8, and keep to the room they have.
 */
#include "../../ftp/ftp_int.h"
#include "fuzz.h"

static void
from_gbk(const struct ftp_gbk *g, const char *in, size_t n)
{
	size_t size = 3 * n, len, back;
	char *out = malloc(size + 1), *small;

	MUST(out != NULL);
	len = ftp_gbk_to_utf8(g, in, n, out, size);
	MUST(len != FTP_GBK_LONG);
	if (len != FTP_GBK_NONE) {
		MUST(len <= size && ftp_utf8_valid(out, len));
		small = malloc(len > 0 ? len - 1 : 0);
		MUST(len == 0 || ftp_gbk_to_utf8(g, in, n, small, len - 1) ==
		    FTP_GBK_LONG);
		free(small);
		back = ftp_gbk_from_utf8(g, out, len, out);
		MUST(back == n && memcmp(out, in, n) == 0);
	}
	free(out);
}

static void
to_gbk(const struct ftp_gbk *g, const char *in, size_t n)
{
	char *out = malloc(n > 0 ? n : 1), *back;
	size_t len = ftp_gbk_from_utf8(g, in, n, out);

	if (len != FTP_GBK_NONE) {
		MUST(len <= n && ftp_utf8_valid(in, n));
		back = malloc(n > 0 ? n : 1);
		MUST(ftp_gbk_to_utf8(g, out, len, back, n) == n);
		MUST(memcmp(back, in, n) == 0);
		free(back);
	}
	free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct ftp_gbk *g;
	char *in = malloc(n > 0 ? n : 1);

	if (g == NULL)
		g = ftp_gbk_new();
	MUST(g != NULL && in != NULL);
	if (n > 0)
		memcpy(in, data, n);
	from_gbk(g, in, n);
	to_gbk(g, in, n);
	free(in);
	return 0;
}
