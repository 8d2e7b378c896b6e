/*
 * cos/keys.c - a list of keys that grows: one after the other, each ended by
 * a NUL, as a batch of deletes takes them; beside them the objects' sizes.
 */
#include <stdlib.h>
#include <string.h>

#include "cos_int.h"

enum { BATCH = 1000 };		/* keys of one request */

static bool
grow(void **p, size_t *cap, size_t need)
{
	size_t more = need + need / 2 + 4096;
	void *q;

	if (need <= *cap)
		return true;
	q = realloc(*p, more);
	if (q == NULL)
		return false;
	*p = q;
	*cap = more;
	return true;
}

bool
cos_keys_add(struct cos_keys *k, const char *key, int64_t size)
{
	size_t n = strlen(key) + 1;
	void *text = k->text, *sizes = k->size;
	bool ok = grow(&text, &k->text_cap, k->len + n) &&
	    grow(&sizes, &k->size_cap, (k->n + 1) * sizeof(*k->size));

	if (text != NULL)
		k->text = text;
	if (sizes != NULL)
		k->size = sizes;
	if (!ok)
		return false;
	/* NOLINTBEGIN(clang-analyzer-core.*): both have room, so they are */
	memcpy(k->text + k->len, key, n);
	k->len += n;
	k->size[k->n++] = size;
	/* NOLINTEND(clang-analyzer-core.*) */
	return true;
}

size_t
cos_keys_batch(const struct cos_keys *k, size_t at, size_t *bytes)
{
	const char *p = k->text + at, *end = k->text + k->len, *q = p;
	size_t n = 0;

	while (q < end && n < BATCH && cos_key_fits_xml(q)) {
		q += strlen(q) + 1;
		n++;
	}
	if (n == 0 && q < end) {
		q += strlen(q) + 1;
		n = 1;
	}
	*bytes = (size_t)(q - p);
	return n;
}

void
cos_keys_free(struct cos_keys *k)
{
	free(k->text);
	free(k->size);
	*k = (struct cos_keys){ .text = NULL };
}
