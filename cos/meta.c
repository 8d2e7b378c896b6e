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
	"x-cos-server-side-encryption",
	"x-cos-server-side-encryption-cos-kms-key-id",
	"x-cos-storage-class",
};

static bool
is_kept(const struct http_field *f)
{
	static const char meta[] = "x-cos-meta-";
	size_t i;

	if (f->name_len > sizeof(meta) - 1 &&
	    strncasecmp(f->name, meta, sizeof(meta) - 1) == 0)
		return true;
	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (f->name_len == strlen(kept[i]) &&
		    strncasecmp(f->name, kept[i], f->name_len) == 0)
			return true;
	return false;
}

bool
cos_meta_from_head(struct cos_meta *m, const struct http_head *h)
{
	size_t i, size = 0;
	char *p;

	cos_meta_free(m);
	for (i = 0; i < h->nfields; i++)
		if (is_kept(&h->field[i]))
			size += h->field[i].name_len +
			    h->field[i].value_len + 2;
	p = m->text = malloc(size + 1);
	if (p == NULL)
		return false;
	for (i = 0; i < h->nfields; i++) {
		const struct http_field *f = &h->field[i];

		if (!is_kept(f) || f->value_len == 0)
			continue;
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
