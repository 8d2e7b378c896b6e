/*
 * xml.h - reads the small XML documents clients send, strictly.
 */
#ifndef FAKECOS_XML_H
#define FAKECOS_XML_H

#include "text.h"

enum xml_kind { XML_OPEN, XML_CLOSE, XML_TEXT, XML_END, XML_BAD };

struct xml {
	const char *p, *end;
	char stack[8][64];
	int depth;
	bool declared;		/* <?xml may not come any more */
	bool leaf;		/* an element has just been opened */
	bool done;		/* the root has been closed */
	struct text text;	/* of XML_TEXT, entities replaced */
	char name[64];		/* of XML_OPEN and XML_CLOSE */
};

void xml_init(struct xml *, const char *, size_t);
enum xml_kind xml_next(struct xml *);	/* white space alone is no text */
void xml_free(struct xml *);

#endif
