/*
 * f_head.c - the head of an HTTP answer: what is refused stays refused, what
 * is whole is whole whatever follows, and nothing is whole before.
 */
#include "../../net/net_int.h"
#include "fuzz.h"

static void
check_field(const struct http_head *h, const struct http_field *f,
    const char *buf)
{
	char name[HTTP_HEAD_MAX + 1], value[HTTP_HEAD_MAX + 1];
	const struct http_field *first;

	MUST(f->name >= buf && f->name + f->name_len <= buf + h->size);
	MUST(f->value_len == 0 || (f->value >= buf &&
	    f->value + f->value_len <= buf + h->size));
	MUST(f->name_len > 0);
	MUST(all_of(f->name, f->name_len, "!#$%&'*+-.^_`|~"));
	MUST(memchr(f->value, '\r', f->value_len) == NULL);
	MUST(memchr(f->value, '\n', f->value_len) == NULL);
	MUST(memchr(f->value, '\0', f->value_len) == NULL);
	memcpy(name, f->name, f->name_len);
	name[f->name_len] = '\0';
	first = http_field(h, name);
	MUST(first != NULL && first <= f);
	MUST(http_value(h, name, value, sizeof(value)));
	MUST(strlen(value) == first->value_len);
}

static void
check_head(const struct http_head *h, const char *buf, size_t n)
{
	size_t i;

	MUST(h->size <= n && h->size <= HTTP_HEAD_MAX);
	MUST(memcmp(buf + h->size - 4, "\r\n\r\n", 4) == 0);
	MUST(h->status >= 100 && h->status <= 599);
	MUST(h->content_length >= -1);
	MUST(!h->chunked || h->content_length < 0);
	MUST(h->nfields <= 64);
	for (i = 0; i < h->nfields; i++)
		check_field(h, &h->field[i], buf);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct http_head h, part;
	struct err e;
	struct pieces s;
	size_t len, have = 0;
	char *copy;
	size_t whole;
	int rc, all;

	if (n == 0)
		return 0;
	all = http_head_parse((const char *)data + 1, n - 1, &h, &e);
	whole = all > 0 ? h.size : n;
	if (all > 0)
		check_head(&h, (const char *)data + 1, n - 1);
	pieces_begin(&s, data + 1, n - 1, data[0] | 1);
	while (pieces_next(&s, &len) != NULL) {
		have += len;
		copy = malloc(have);
		MUST(copy != NULL);
		memcpy(copy, data + 1, have);
		rc = http_head_parse(copy, have, &part, &e);
		if (all > 0)
			MUST(rc == (have < whole ? 0 : 1));
		else
			MUST(rc == 0 || (rc == -1 && all == -1));
		free(copy);
		if (rc == -1)
			break;
	}
	pieces_end(&s);
	return 0;
}
