/*
 * cos/meta.c - what an object carries besides its bytes and must be sent
 * again when it is rebuilt from parts (a plain copy keeps most of it).
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cos_int.h"

static const char *const kept[] = {
	"cache-control",
	"content-disposition",
	"content-encoding",
	"content-type",
	"expires",
	COS_SSE,
	COS_SSE_KEY,
	COS_CLASS,
};

static bool
is_named(const struct http_field *f, const char *name)
{
	return f->name_len == strlen(name) &&
	    strncasecmp(f->name, name, f->name_len) == 0;
}

static bool
is_meta(const struct http_field *f)
{
	static const char meta[] = "x-cos-meta-";

	return f->name_len > sizeof(meta) - 1 &&
	    strncasecmp(f->name, meta, sizeof(meta) - 1) == 0;
}

static bool
is_kept(const struct http_field *f, bool same)
{
	size_t i;

	if (is_meta(f))
		return same || (!is_named(f, COS_META_MD5) &&
		    !is_named(f, COS_META_CRC));
	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (is_named(f, kept[i]))
			return true;
	return false;
}

bool
cos_meta_from_head(struct cos_meta *m, const struct http_head *h, bool same)
{
	size_t i, size = 0;
	char *p;

	cos_meta_free(m);
	for (i = 0; i < h->nfields; i++)
		if (is_kept(&h->field[i], same))
			size += h->field[i].name_len +
			    h->field[i].value_len + 2;
	p = m->text = malloc(size + 1);
	if (p == NULL)
		return false;
	for (i = 0; i < h->nfields; i++) {
		const struct http_field *f = &h->field[i];

		if (!is_kept(f, same) || f->value_len == 0)
			continue;
		if (is_meta(f))
			m->bytes += f->name_len + f->value_len;
		if (m->n == COS_META_MAX)
			return false;	/* never dropped in silence */
		m->pair[m->n].name = p;
		memcpy(p, f->name, f->name_len);
		p += f->name_len;
		*p++ = '\0';
		m->pair[m->n++].value = p;
		memcpy(p, f->value, f->value_len);
		p += f->value_len;
		*p++ = '\0';
	}
	return true;
}

void
cos_meta_put(const struct cos_meta *m, struct cos_call *c)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		cos_call_header(c, m->pair[i].name, m->pair[i].value);
}

void
cos_meta_free(struct cos_meta *m)
{
	free(m->text);
	*m = (struct cos_meta){ .n = 0 };
}
