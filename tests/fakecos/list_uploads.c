/*
 * list_uploads.c - List Parts and List Multipart Uploads.
 *
 * Spelled as the real service does: "Encoding-type", and truth in capitals.
 */
#include "ops.h"

#include <inttypes.h>
#include <string.h>

static const char owner[] =
    "\t<Initiator>\n\t\t<ID>1250000000</ID>\n\t\t<DisplayName>1250000000"
    "</DisplayName>\n\t</Initiator>\n\t<Owner>\n\t\t<ID>1250000000</ID>\n"
    "\t\t<DisplayName>1250000000</DisplayName>\n\t</Owner>\n";

static void
send_xml(struct conn *c, struct req *r, struct text *t)
{
	resp_begin(c, r, 200);
	resp_text(c, r, "application/xml", t);
	text_free(t);
}

/* Parts behind the marker; the lock is held. */
static void
parts(struct text *t, const struct upload *u, int64_t marker, int64_t max)
{
	char date[DATE_MAX];
	int64_t last = marker;
	size_t i;

	for (i = (size_t)marker; i < u->room; i++) {
		const struct part *p = &u->parts[i];

		if (!p->there)
			continue;
		if (max-- == 0)
			break;
		last = (int64_t)i + 1;
		date_iso(date, p->mtime);
		text_fmt(t, "\t<Part>\n\t\t<PartNumber>%" PRId64
		    "</PartNumber>\n\t\t<LastModified>%s</LastModified>\n"
		    "\t\t<ETag>&quot;%s&quot;</ETag>\n\t\t<Size>%" PRId64
		    "</Size>\n\t</Part>\n", last, date, p->body.etag,
		    p->body.size);
	}
	if (i < u->room)
		text_fmt(t, "\t<NextPartNumberMarker>%" PRId64
		    "</NextPartNumberMarker>\n", last);
	text_fmt(t, "\t<IsTruncated>%s</IsTruncated>\n",
	    i < u->room ? "true" : "false");
}

void
op_list_parts(struct conn *c, struct req *r)
{
	const char *marker_text = http_value(r, "part-number-marker");
	struct text t = { 0 };
	struct upload *u;
	struct page p;
	int64_t marker = 0;

	if (!page_parse(c, r, &p, "", "max-parts"))
		return;
	if (*marker_text && !number_parse(marker_text, &marker)) {
		resp_error(c, r, 400, "InvalidArgument", "part-number-marker");
		return;
	}
	text_fmt(&t, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<ListPartsResult>\n\t<Bucket>%s</Bucket>\n", r->bucket->name);
	if (p.url)
		text_str(&t, "\t<Encoding-type>url</Encoding-type>\n");
	page_name(&t, &p, "Key", r->key, r->key_len);
	text_str(&t, owner);
	text_fmt(&t, "\t<PartNumberMarker>%" PRId64 "</PartNumberMarker>\n"
	    "\t<MaxParts>%" PRId64 "</MaxParts>\n", marker, p.max);
	pthread_mutex_lock(&c->f->lock);
	u = upload_find(r->bucket, r->key, r->key_len,
	    http_value(r, "uploadId"));
	if (u) {
		text_fmt(&t, "\t<UploadId>%s</UploadId>\n\t<StorageClass>%s"
		    "</StorageClass>\n", u->id, u->class);
		parts(&t, u, marker, p.max);
	}
	pthread_mutex_unlock(&c->f->lock);
	text_str(&t, "</ListPartsResult>\n");
	if (u) {
		send_xml(c, r, &t);
		return;
	}
	text_free(&t);
	resp_error(c, r, 404, "NoSuchUpload", "The specified multipart upload "
	    "does not exist.");
}

static void
upload(struct text *t, const struct page *p, const struct upload *u)
{
	char date[DATE_MAX];

	date_iso(date, u->initiated);
	text_str(t, "<Upload>\n");
	page_name(t, p, "Key", u->key, u->key_len);
	text_fmt(t, "\t<UploadId>%s</UploadId>\n", u->id);
	text_str(t, owner);
	text_fmt(t, "\t<StorageClass>%s</StorageClass>\n"
	    "\t<Initiated>%s</Initiated>\n</Upload>\n", u->class, date);
}

static bool
past_marker(const struct page *p, const char *id_marker,
    const struct upload *u)
{
	int d;

	if (p->marker.value_len == 0)
		return true;
	d = key_compare(u->key, u->key_len, p->marker.value,
	    p->marker.value_len);
	return d > 0 || (d == 0 && *id_marker && strcmp(u->id, id_marker) > 0);
}

/* The lock is held. */
static void
uploads(struct text *t, struct bucket *b, const struct page *p,
    const char *id_marker)
{
	const struct upload *u, *last = NULL;
	size_t n, common = 0;
	int64_t left = p->max;

	for (u = b->uploads; u; u = u->next) {
		if (u->key_len < p->prefix.value_len || memcmp(u->key,
		    p->prefix.value, p->prefix.value_len) != 0 ||
		    !past_marker(p, id_marker, u))
			continue;
		n = page_common(p, u->key, u->key_len);
		if (n && last && n == common && memcmp(last->key, u->key,
		    n) == 0)
			continue;
		if (left-- == 0)
			break;
		last = u;
		common = n;
		if (n) {
			text_str(t, "<CommonPrefixes>\n");
			page_name(t, p, "Prefix", u->key, n);
			text_str(t, "</CommonPrefixes>\n");
		} else
			upload(t, p, u);
	}
	if (u && last) {
		page_name(t, p, "NextKeyMarker", last->key, last->key_len);
		text_fmt(t, "\t<NextUploadIdMarker>%s</NextUploadIdMarker>\n",
		    last->id);
	}
	text_fmt(t, "\t<IsTruncated>%s</IsTruncated>\n", u ? "TRUE" : "FALSE");
}

void
op_list_uploads(struct conn *c, struct req *r)
{
	struct text t = { 0 };
	struct page p;

	if (!page_parse(c, r, &p, "key-marker", "max-uploads"))
		return;
	text_fmt(&t, "<?xml version='1.0' encoding='utf-8' ?>\n"
	    "<ListMultipartUploadsResult xmlns=\"http://www.qcloud.com/"
	    "document/product/436/7751\">\n\t<Bucket>%s</Bucket>\n",
	    r->bucket->name);
	if (p.url)
		text_str(&t, "\t<Encoding-Type>url</Encoding-Type>\n");
	page_name(&t, &p, "Prefix", p.prefix.value, p.prefix.value_len);
	page_name(&t, &p, "KeyMarker", p.marker.value, p.marker.value_len);
	text_fmt(&t, "\t<MaxUploads>%" PRId64 "</MaxUploads>\n", p.max);
	pthread_mutex_lock(&c->f->lock);
	uploads(&t, r->bucket, &p, http_value(r, "upload-id-marker"));
	pthread_mutex_unlock(&c->f->lock);
	text_str(&t, "</ListMultipartUploadsResult>\n");
	send_xml(c, r, &t);
}
