/*
 * uploads.c - multipart uploads that are neither complete nor aborted.
 */
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct upload *
upload_add(struct fakecos *f, struct bucket *b, const char *key, size_t n)
{
	struct upload *u = xalloc(sizeof(*u)), **at = &b->uploads;
	unsigned char random[32];
	int d = -1;

	u->key = xcopy(key, n);
	u->key_len = n;
	u->initiated = clock_ms(f);
	snprintf(u->id, sizeof(u->id), "%010llx",
	    (unsigned long long)f->serial++ & 0xffffffffff);
	tls_random(random, sizeof(random));
	tls_hex(u->id + 10, random, sizeof(random));
	for (; *at; at = &(*at)->next) {
		d = key_compare((*at)->key, (*at)->key_len, key, n);
		if (d > 0 || (d == 0 && strcmp((*at)->id, u->id) > 0))
			break;
	}
	u->next = *at;
	*at = u;
	return u;
}

struct upload *
upload_find(struct bucket *b, const char *key, size_t n, const char *id)
{
	struct upload *u;

	for (u = b->uploads; u; u = u->next)
		if (strcmp(u->id, id) == 0 &&
		    key_compare(u->key, u->key_len, key, n) == 0)
			break;
	return u;
}

void
upload_take(struct bucket *b, struct upload *u)
{
	struct upload **at = &b->uploads;

	while (*at != u)
		at = &(*at)->next;
	*at = u->next;
}

/* The body moves into the part; the same number again replaces. */
void
upload_put(struct upload *u, int64_t number, struct body *body, int64_t mtime)
{
	size_t i = (size_t)number - 1, room = u->room ? u->room : 16;
	struct part *p;

	if (i >= u->room) {
		while (i >= room)
			room *= 2;
		u->parts = realloc(u->parts, room * sizeof(*u->parts));
		if (u->parts == NULL)
			abort();
		memset(u->parts + u->room, 0,
		    (room - u->room) * sizeof(*u->parts));
		u->room = room;
	}
	p = &u->parts[i];
	if (p->there)
		body_free(&p->body);
	else
		u->count++;
	p->there = true;
	p->mtime = mtime;
	p->body = *body;
	*body = (struct body){ 0 };
}

void
upload_free(struct upload *u)
{
	size_t i;

	for (i = 0; i < u->room; i++)
		body_free(&u->parts[i].body);
	free(u->parts);
	free(u->headers);
	free(u->key);
	free(u);
}
