/*
 * cos/part.c - the bytes of one part, in chunks, with their CRC.  They are
 * sent from where they were received and held until COS has confirmed them,
 * so that a part can be sent again without asking the client.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cos_int.h"

struct cos_part *
cos_part_new(int number, size_t target, int64_t reserved)
{
	size_t chunks = (target + COS_CHUNK - 1) / COS_CHUNK;
	struct cos_part *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->iov = chunks > 0 ? calloc(chunks, sizeof(*p->iov)) : NULL;
	if (chunks > 0 && p->iov == NULL) {
		free(p);
		return NULL;
	}
	p->number = number;
	snprintf(p->number_text, sizeof(p->number_text), "%d", number);
	p->target = target;
	p->reserved = reserved;
	return p;
}

void *
cos_part_room(struct cos_part *p, struct cos_budget *b, size_t *room)
{
	size_t used = p->len % COS_CHUNK;
	void *chunk;

	*room = 0;
	if (p->len >= p->target)
		return NULL;
	if (p->len == p->niov * COS_CHUNK) {
		chunk = cos_chunk_new(b);
		if (chunk == NULL)
			return NULL;
		p->iov[p->niov++] = (struct iovec){ .iov_base = chunk };
	}
	*room = COS_CHUNK - used;
	if (*room > p->target - p->len)
		*room = p->target - p->len;
	return (char *)p->iov[p->niov - 1].iov_base + used;
}

void
cos_part_wrote(struct cos_part *p, size_t n)
{
	struct iovec *v = &p->iov[p->niov - 1];

	p->crc = cos_crc64(p->crc, (char *)v->iov_base + v->iov_len, n);
	p->has_crc = true;
	v->iov_len += n;
	p->len += n;
}

void
cos_part_free(struct cos_part *p, struct cos_budget *b)
{
	size_t i;

	if (p == NULL)
		return;
	cos_request_free(p->request);
	for (i = 0; i < p->niov; i++)
		cos_chunk_free(b, p->iov[i].iov_base);
	cos_budget_give(b, p->reserved);
	free(p->source);
	free(p->iov);
	free(p);
}
