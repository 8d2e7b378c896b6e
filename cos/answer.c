/*
 * cos/answer.c - the small document of an answer: what was asked for, or an
 * <Error>; white space may come long before it (Complete).
 */
#include <stdio.h>
#include <string.h>

#include "request_int.h"

enum { DOCUMENT_MAX = 64 * 1024 };

static void
take_field(char *out, size_t size, const struct cos_xml *x)
{
	snprintf(out, size, "%.*s", (int)size - 1, x->text);
}

static void
take_element(struct cos_request *r)
{
	const struct cos_xml *x = r->xml;
	const char *name = cos_xml_name(x);

	/* DeleteResult has its errors one level deeper; the first counts */
	if (x->depth != 2 && (x->depth != 3 || r->code[0] != '\0' ||
	    strcmp(cos_xml_parent(x), "Error") != 0))
		return;
	if (strcmp(name, "Code") == 0)
		take_field(r->code, sizeof(r->code), x);
	else if (strcmp(name, "Message") == 0)
		take_field(r->message, sizeof(r->message), x);
	else if (strcmp(name, "RequestId") == 0 && r->request_id[0] == '\0')
		take_field(r->request_id, sizeof(r->request_id), x);
	else if (strcmp(name, "ETag") == 0)
		take_field(r->answer.etag, sizeof(r->answer.etag), x);
	else if (strcmp(name, "UploadId") == 0)
		take_field(r->answer.upload_id, sizeof(r->answer.upload_id),
		    x);
	else if (strcmp(name, "CRC64") == 0 && !r->answer.has_crc)
		r->answer.has_crc = cos_crc_text(x->text, &r->answer.crc);
}

/* false: the document is malformed (of no interest when the status says
 * failure: a proxy's page is judged by its status) */
static bool
scan(struct cos_request *r, const char *p, size_t n)
{
	enum cos_xml_event ev;

	while ((ev = cos_xml_next(r->xml, &p, &n)) != XML_MORE) {
		if (ev == XML_BAD)
			return false;
		if (ev == XML_OPEN && r->xml->depth == 1)
			snprintf(r->root, sizeof(r->root), "%s",
			    cos_xml_name(r->xml));
		else if (ev == XML_CLOSE)
			take_element(r);
		else if (ev == XML_END)
			r->ended = true;
	}
	return true;
}

void
cos_request_malformed(struct cos_request *r, const char *why)
{
	r->unanswered = true;
	cos_fault_set(&r->fault, COS_MALFORMED, "malformed answer: %s "
	    "(request-id %s)", why, r->request_id);
	cos_request_failed(r, true);
}

void
cos_request_read(struct cos_request *r)
{
	bool success = net_http_head(r->http)->status / 100 == 2;
	const char *p;
	size_t n;

	while (p = net_http_peek(r->http, &n), n > 0) {
		r->document += n;
		if (r->document > DOCUMENT_MAX && (success || r->code[0])) {
			cos_request_malformed(r, "document too large");
			return;
		}
		if (r->xml->reason == NULL && !scan(r, p, n) && success) {
			cos_request_malformed(r, r->xml->reason);
			return;
		}
		net_http_drop(r->http, n);
		if (r->document > DOCUMENT_MAX) {
			cos_request_judge(r);	/* a long page: the status says it */
			return;
		}
	}
	if (net_http_state(r->http) == HTTP_DONE) {
		if (success && r->root[0] != '\0' && !r->ended)
			cos_request_malformed(r, "document cut short");
		else
			cos_request_judge(r);
	} else if (net_http_state(r->http) == HTTP_FAILED) {
		cos_request_transport_failed(r);
	}
}
