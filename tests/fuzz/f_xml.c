/*
 * f_xml.c - the scanner of the store's documents: the same events however a
 * document arrives, names that are names, elements that are closed in order.
 * What is made of the events is f_store's subject.
 */
#include "../../cos/cos_int.h"
#include "fuzz.h"

struct scan {
	struct cos_xml x;
	struct story s;
	int open;
	bool bad, ended;
};

static void
event(struct scan *c, enum cos_xml_event ev)
{
	const char *name;

	MUST(!c->bad || ev == XML_BAD);
	MUST(c->x.depth >= 0 && c->x.depth <= XML_DEPTH);
	tellf(&c->s, "[%d %d]", ev, c->x.depth);
	if (ev == XML_OPEN || ev == XML_CLOSE) {
		name = cos_xml_name(&c->x);
		MUST(!c->ended && name[0] != '\0');
		MUST(strlen(name) < XML_NAME);
		MUST(strpbrk(name, " \t\r\n<>&'\"=/:") == NULL);
		MUST(c->x.depth > 1 || cos_xml_parent(&c->x)[0] == '\0');
		c->open += ev == XML_OPEN ? 1 : -1;
		MUST(c->open == c->x.depth - (ev == XML_CLOSE));
		tell(&c->s, name, strlen(name));
	}
	if (ev == XML_CLOSE) {
		MUST(c->x.text_len < XML_TEXT);
		MUST(c->x.text[c->x.text_len] == '\0');
		tell(&c->s, c->x.text, c->x.text_len);
	}
	if (ev == XML_BAD) {
		c->bad = true;
		tell(&c->s, c->x.reason, strlen(c->x.reason));
	}
	if (ev == XML_END) {
		MUST(c->open == 0);
		c->ended = true;
	}
}

static void
feed(struct scan *c, const char *p, size_t n)
{
	enum cos_xml_event ev;

	do {
		ev = cos_xml_next(&c->x, &p, &n);
		if (ev != XML_MORE && !(ev == XML_BAD && c->bad))
			event(c, ev);
		MUST(ev != XML_MORE || n == 0);
	} while (ev != XML_MORE && ev != XML_BAD);
}

static void
begin(struct scan *c)
{
	cos_xml_init(&c->x);
	c->s.n = 0;
	c->open = 0;
	c->bad = c->ended = false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct scan whole, cut;
	struct pieces s;
	const char *p;
	size_t len;

	if (n == 0)
		return 0;
	begin(&whole);
	begin(&cut);
	feed(&whole, (const char *)data + 1, n - 1);
	pieces_begin(&s, data + 1, n - 1, data[0]);
	while ((p = pieces_next(&s, &len)) != NULL)
		feed(&cut, p, len);
	MUST(same_story(&whole.s, &cut.s));
	return 0;
}
