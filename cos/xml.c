/*
 * cos/xml.c - an incremental scanner for the answers of COS.
 *
 * Bytes go in, events come out: an element opens, an element closes (with its
 * text if it is a leaf).  Nothing is allocated; depth, names, text and each
 * piece of markup are bounded.  Strict: what an answer of COS never holds
 * (document types, other processing instructions, text beside elements) is
 * refused, so an error page of some proxy is not taken for an answer.
 *
 * One exception: control bytes in text are let through, because Complete
 * sends the key as it is.
 *
 * There is one function for each state, which takes one byte.
 */
#include <string.h>

#include "cos_int.h"

enum { MARKUP_MAX = 8192 };		/* a tag, a comment, a declaration */

enum state {
	TEXT, ENTITY, LT,
	TAG_NAME, TAG, ATTR_NAME, ATTR_EQ, ATTR_QUOTE, ATTR_VALUE, ATTR_END,
	TAG_EMPTY, DECL_NAME, DECL_END,
	CLOSE_NAME, CLOSE_END,
	BANG, COMMENT, CDATA,
	END, BAD
};

static enum cos_xml_event
bad(struct cos_xml *x, const char *reason)
{
	x->state = BAD;
	x->reason = reason;
	return XML_BAD;
}

static enum cos_xml_event
enter(struct cos_xml *x, enum state state)
{
	x->state = (int)state;
	return XML_MORE;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool
is_name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    c == '_' || (unsigned char)c >= 0x80;
}

static bool
is_name(char c)
{
	return is_name_start(c) || (c >= '0' && c <= '9') || c == '-' ||
	    c == '.' || c == ':';
}

static enum cos_xml_event
token_put(struct cos_xml *x, char c)
{
	if (x->token_len == XML_NAME - 1)
		return bad(x, "name too long");
	x->token[x->token_len++] = c;
	x->token[x->token_len] = '\0';
	return XML_MORE;
}

static enum cos_xml_event
token_start(struct cos_xml *x, char c, enum state state)
{
	x->token_len = 0;
	x->state = (int)state;
	return token_put(x, c);
}

/* ---- text ---- */

static bool
all_space(const char *s, size_t n)
{
	while (n > 0 && is_space(s[n - 1]))
		n--;
	return n == 0;
}

static enum cos_xml_event
text_put(struct cos_xml *x, const char *s, size_t n)
{
	if (!x->leaf)
		return all_space(s, n) ? XML_MORE :
		    bad(x, "text beside elements");
	if (n >= XML_TEXT - x->text_len)
		return bad(x, "text too long");
	memcpy(x->text + x->text_len, s, n);
	x->text_len += n;
	return XML_MORE;
}

static enum cos_xml_event
at_text(struct cos_xml *x, char c)
{
	if (c == '<')
		return enter(x, LT);
	if (x->depth == 0)
		return is_space(c) ? XML_MORE :
		    bad(x, "text outside of the root element");
	if (c == '&') {
		x->token_len = 0;
		x->back = TEXT;
		return enter(x, ENTITY);
	}
	return text_put(x, &c, 1);
}

/* A whole run of ordinary text at once: lists are mostly that. */
static enum cos_xml_event
text_run(struct cos_xml *x, const char **p, size_t *n)
{
	const char *s = *p;
	size_t run = 0;

	while (run < *n && s[run] != '<' && s[run] != '&')
		run++;
	*p += run;
	*n -= run;
	return text_put(x, s, run);
}

static enum cos_xml_event
at_entity(struct cos_xml *x, char c)
{
	char out[4];
	size_t n;

	if (c != ';' && (is_name(c) || c == '#') && x->token_len < XML_ENTITY)
		return token_put(x, c);
	n = c == ';' ? cos_xml_entity(x->token, x->token_len, out) : 0;
	if (n == 0)
		return bad(x, "unknown entity");
	x->state = x->back;
	return x->back == TEXT ? text_put(x, out, n) : XML_MORE;
}

/* ---- tags ---- */

static enum cos_xml_event
at_lt(struct cos_xml *x, char c)
{
	bool first = !x->started;

	x->started = true;
	if (c == '?' && first) {
		x->token_len = 0;
		return enter(x, DECL_NAME);
	}
	if (c == '/' && x->depth > 0) {
		x->token_len = 0;
		return enter(x, CLOSE_NAME);
	}
	if (c == '!') {
		x->token_len = 0;
		return enter(x, BANG);
	}
	if (c == '?')
		return bad(x, "processing instruction");
	if (!is_name_start(c))
		return bad(x, "malformed tag");
	if (x->depth == XML_DEPTH)
		return bad(x, "elements nested too deep");
	if (x->leaf && !all_space(x->text, x->text_len))
		return bad(x, "text beside elements");
	return token_start(x, c, TAG_NAME);
}

static enum cos_xml_event
opened(struct cos_xml *x, bool self_closed)
{
	x->depth++;
	x->leaf = true;
	x->text_len = 0;
	x->text[0] = '\0';
	x->self_closed = self_closed;
	x->state = TEXT;
	return XML_OPEN;
}

static enum cos_xml_event
closed(struct cos_xml *x)
{
	if (!x->leaf)
		x->text_len = 0;
	x->text[x->text_len] = '\0';
	x->leaf = false;		/* of its parent */
	x->pop = true;
	x->state = TEXT;
	return XML_CLOSE;
}

/* Inside a tag, between attributes. */
static enum cos_xml_event
at_tag(struct cos_xml *x, char c)
{
	if (is_space(c))
		return enter(x, TAG);
	if (x->decl && c == '?')
		return enter(x, DECL_END);
	if (!x->decl && c == '>')
		return opened(x, false);
	if (!x->decl && c == '/')
		return enter(x, TAG_EMPTY);
	if (x->state == TAG && is_name_start(c))
		return token_start(x, c, ATTR_NAME);
	return bad(x, "malformed tag");
}

static enum cos_xml_event
at_tag_name(struct cos_xml *x, char c)
{
	const char *colon;

	if (is_name(c))
		return token_put(x, c);
	colon = strchr(x->token, ':');
	if (colon != NULL && (!is_name_start(colon[1]) ||
	    strchr(colon + 1, ':') != NULL))
		return bad(x, "malformed name");
	memcpy(x->name[x->depth], x->token, x->token_len + 1);
	return at_tag(x, c);		/* not yet TAG: no attribute here */
}

static enum cos_xml_event
at_attr_eq(struct cos_xml *x, char c)
{
	if (c == '=')
		return enter(x, ATTR_QUOTE);
	return is_space(c) ? enter(x, ATTR_EQ) : bad(x, "malformed attribute");
}

static enum cos_xml_event
at_attr_name(struct cos_xml *x, char c)
{
	return is_name(c) ? token_put(x, c) : at_attr_eq(x, c);
}

static enum cos_xml_event
at_attr_quote(struct cos_xml *x, char c)
{
	if (is_space(c))
		return XML_MORE;
	if (c != '"' && c != '\'')
		return bad(x, "attribute without quotes");
	x->quote = c;
	return enter(x, ATTR_VALUE);
}

static enum cos_xml_event
at_attr_value(struct cos_xml *x, char c)
{
	if (c == x->quote)
		return enter(x, ATTR_END);
	if (c == '<')
		return bad(x, "malformed attribute");
	if (c == '&') {
		x->token_len = 0;
		x->back = ATTR_VALUE;
		return enter(x, ENTITY);
	}
	return XML_MORE;
}

static enum cos_xml_event
at_tag_empty(struct cos_xml *x, char c)
{
	return c == '>' ? opened(x, true) : bad(x, "malformed tag");
}

static enum cos_xml_event
at_close_end(struct cos_xml *x, char c)
{
	if (is_space(c))
		return enter(x, CLOSE_END);
	if (c != '>')
		return bad(x, "malformed end tag");
	x->token[x->token_len] = '\0';
	if (strcmp(x->token, x->name[x->depth - 1]) != 0)
		return bad(x, "end tag does not match");
	return closed(x);
}

static enum cos_xml_event
at_close_name(struct cos_xml *x, char c)
{
	return is_name(c) ? token_put(x, c) : at_close_end(x, c);
}

/* ---- declaration, comments, CDATA ---- */

static enum cos_xml_event
at_decl_name(struct cos_xml *x, char c)
{
	if (x->token_len < 3)
		return c == "xml"[x->token_len] ? token_put(x, c) :
		    bad(x, "processing instruction");
	if (!is_space(c))
		return bad(x, "processing instruction");
	x->decl = true;
	return enter(x, TAG);
}

static enum cos_xml_event
at_decl_end(struct cos_xml *x, char c)
{
	x->decl = false;
	return c == '>' ? enter(x, TEXT) : bad(x, "malformed declaration");
}

static enum cos_xml_event
at_bang(struct cos_xml *x, char c)
{
	token_put(x, c);
	x->run = 0;
	if (strcmp(x->token, "--") == 0)
		return enter(x, COMMENT);
	if (strcmp(x->token, "[CDATA[") == 0 && x->depth > 0)
		return enter(x, CDATA);
	if (strncmp(x->token, "--", x->token_len) != 0 &&
	    strncmp(x->token, "[CDATA[", x->token_len) != 0)
		return bad(x, "document type or other declaration");
	return x->token_len < 7 ? XML_MORE :
	    bad(x, "text outside of the root element");
}

static enum cos_xml_event
at_comment(struct cos_xml *x, char c)
{
	if (x->run == 2)
		return c == '>' ? enter(x, TEXT) :
		    bad(x, "\"--\" inside a comment");
	x->run = c == '-' ? x->run + 1 : 0;
	return XML_MORE;
}

static enum cos_xml_event
at_cdata(struct cos_xml *x, char c)
{
	int held = x->run;

	if (c == ']' && held < 2) {
		x->run++;
		return XML_MORE;
	}
	if (c == ']')			/* the first of three is text */
		return text_put(x, "]", 1);
	x->run = 0;
	if (c == '>' && held == 2)
		return enter(x, TEXT);
	if (text_put(x, "]]", (size_t)held) == XML_BAD)
		return XML_BAD;
	return text_put(x, &c, 1);
}

static enum cos_xml_event
at_end(struct cos_xml *x, char c)
{
	return is_space(c) ? XML_MORE : bad(x, "data after the root element");
}

/* ---- the scanner ---- */

static enum cos_xml_event (*const at[])(struct cos_xml *, char) = {
	[TEXT] = at_text,
	[ENTITY] = at_entity,
	[LT] = at_lt,
	[TAG_NAME] = at_tag_name,
	[TAG] = at_tag,
	[ATTR_NAME] = at_attr_name,
	[ATTR_EQ] = at_attr_eq,
	[ATTR_QUOTE] = at_attr_quote,
	[ATTR_VALUE] = at_attr_value,
	[ATTR_END] = at_tag,
	[TAG_EMPTY] = at_tag_empty,
	[DECL_NAME] = at_decl_name,
	[DECL_END] = at_decl_end,
	[CLOSE_NAME] = at_close_name,
	[CLOSE_END] = at_close_end,
	[BANG] = at_bang,
	[COMMENT] = at_comment,
	[CDATA] = at_cdata,
	[END] = at_end,
};

void
cos_xml_init(struct cos_xml *x)
{
	memset(x, 0, sizeof(*x));	/* TEXT, depth 0 */
}

/* What the last event left to be done. */
static enum cos_xml_event
settle(struct cos_xml *x)
{
	if (x->self_closed) {
		x->self_closed = false;
		return closed(x);
	}
	if (!x->pop)
		return XML_MORE;
	x->pop = false;
	x->depth--;
	x->text_len = 0;
	x->text[0] = '\0';
	if (x->depth > 0)
		return XML_MORE;
	x->state = END;
	return XML_END;
}

enum cos_xml_event
cos_xml_next(struct cos_xml *x, const char **p, size_t *n)
{
	enum cos_xml_event event = x->state == BAD ? XML_BAD : settle(x);
	char c;

	while (event == XML_MORE && *n > 0) {
		if (x->state == TEXT && x->leaf && **p != '<' && **p != '&') {
			event = text_run(x, p, n);
			continue;
		}
		c = **p;
		++*p;
		--*n;
		if (x->state == TEXT || x->state == CDATA || x->state == END)
			x->markup = 0;
		else if (++x->markup > MARKUP_MAX)
			return bad(x, "markup too long");
		event = at[x->state](x, c);
	}
	return event;
}

static const char *
local_name(const char *name)
{
	const char *colon = strchr(name, ':');

	return colon != NULL ? colon + 1 : name;
}

const char *
cos_xml_name(const struct cos_xml *x)
{
	return x->depth > 0 ? local_name(x->name[x->depth - 1]) : "";
}

const char *
cos_xml_parent(const struct cos_xml *x)
{
	return x->depth > 1 ? local_name(x->name[x->depth - 2]) : "";
}
