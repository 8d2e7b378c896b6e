/*
 * tests/t_xml.c - cos/xml.c and cos/xml_entity.c: the answers of COS and bad
 * documents; whole, byte by byte, split anywhere and cut anywhere, always
 * against an unreadable page.
 *
 * Events are written down as text: "+name" opens, "-name=text" closes, "."
 * is the end of the root, "!reason" a refusal.
 */
#include "../cos/cos_int.h"
#include "guard.h"
#include "test.h"

static const struct {
	const char *in, *want;
} good[] = {
	/* forms */
	{ "<a/>", "+a-a=." },
	{ "<a></a>", "+a-a=." },
	{ "<a ></a \n>", "+a-a=." },
	{ "<a />\r\n\t ", "+a-a=." },
	{ "<a>text</a>", "+a-a=text." },
	{ "<a> t  u\n</a>", "+a-a= t  u\n." },
	{ "<a><b>1</b><b/><c>2</c></a>", "+a+b-b=1+b-b=+c-c=2-a=." },
	{ "<a>\n\t<b>1</b>\r\n  <b>2</b>\n</a>", "+a+b-b=1+b-b=2-a=." },
	{ "<a-b.c_9><_x/></a-b.c_9>", "+a-b.c_9+_x-_x=-a-b.c_9=." },
	{ "<\xe4\xb8\xad>x</\xe4\xb8\xad>", "+\xe4\xb8\xad-\xe4\xb8\xad=x." },
	{ "<n:a><m:b>1</m:b></n:a>", "+a+b-b=1-a=." },

	/* before and between */
	{ "<?xml version='1.0'?><a/>", "+a-a=." },
	{ "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n<a/>", "+a-a=." },
	{ "<?xml version = '1.0' standalone='yes'?><a/>", "+a-a=." },
	{ " \r\n\t  <?xml version=\"1.0\"?>   \n <a/>", "+a-a=." },
	{ "<?xml ?><a/>", "+a-a=." },
	{ "<!-- c --><a/>", "+a-a=." },
	{ "<!----><a>x<!-- <b>&no; - -> -->y</a>", "+a-a=xy." },
	{ "<a><!-- c --><b/><!-- d --></a>", "+a+b-b=-a=." },

	/* attributes are skipped */
	{ "<a b='c'/>", "+a-a=." },
	{ "<a b=\"'>'/>\" c = '\">'>x</a>", "+a-a=x." },
	{ "<a xmlns='http://x' xmlns:i=\"y\"><b i:type='z'/></a>", "+a+b-b=-a=." },
	{ "<a b='&amp;&#65;'>&lt;</a>", "+a-a=<." },

	/* entities */
	{ "<a>&amp;&lt;&gt;&quot;&apos;</a>", "+a-a=&<>\"'." },
	{ "<a>&amp;lt;</a>", "+a-a=&lt;." },
	{ "<a>x&#65;&#x42;&#x4e2D;&#20013;y</a>", "+a-a=xAB\xe4\xb8\xad\xe4\xb8\xady." },
	{ "<a>&#x7f;&#x80;&#x7ff;&#x800;&#xffff;&#x10000;&#x10FFFF;</a>",
	  "+a-a=\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf." },
	{ "<a>&#1;&#13;</a>", "+a-a=\x01\r." },
	{ "<a>&#32;<b/>&#10;</a>", "+a+b-b=-a=." },

	/* CDATA; control bytes of a raw key */
	{ "<a><![CDATA[<b>&amp;]]></a>", "+a-a=<b>&amp;." },
	{ "<a>x<![CDATA[]]>y<![CDATA[z]]></a>", "+a-a=xyz." },
	{ "<a><![CDATA[]]]]]></a>", "+a-a=]]]." },
	{ "<a><![CDATA[]>]]x]] >]]></a>", "+a-a=]>]]x]] >." },
	{ "<a>\x01\x1f\x7f]]&gt;\xff</a>", "+a-a=\x01\x1f\x7f]]>\xff." },
};

static const char *const bad[] = {
	/* not XML */
	"x", "\xef\xbb\xbfx", "  x", "{\"a\":1}", "a<a/>", "&amp;<a/>", ">",
	"<a/>x", "<a/><b/>", "<a/><!-- c -->", "<a/>\n&", "<a></a></a>", "</a>",
	"< a/>", "<1/>", "<-a/>", "<.a/>", "<:a/>", "<a:/>", "<a:1/>", "<a:b:c/>",
	"<>", "<a/ >", "<a//>", "<a/b>", "<a\x01/>", "<a<", "<a'x'/>",
	/* end tags */
	"<a></b>", "<a></A>", "<a></ab>", "<a><b></a></b>", "<a></>", "<a></ a>",
	"<a></a b>", "<a></a/>", "<n:a></a>", "<n:a></m:a>", "<a></n:a>",
	"<ab></a>",
	/* attributes */
	"<a b/>", "<a b>", "<a b=/>", "<a b=c/>", "<a b='<'/>", "<a b='c'c='d'/>",
	"<a 'b'='c'/>", "<a =''/>", "<a b c=''/>", "<a b='&x;'/>", "<a b='&'/>",
	"<a 1=''/>",
	/* processing instructions, declarations */
	"<?php ?><a/>", "<?xm l?><a/>", "<?xmlx version='1.0'?><a/>", "<?XML ?>",
	"<?xml?><a/>", "<?xml version='1.0'><a/>", "<?xml version='1.0'/><a/>",
	"<?xml version='1.0' ? ><a/>", "<?xml version='1.0'?><?xml version='1.0'?>",
	"<a><?xml version='1.0'?></a>", "<!-- c --><?xml version='1.0'?><a/>",
	"<a/><?xml version='1.0'?>", "<a><?b?></a>", "<?xml <",
	"<!DOCTYPE html><html/>", "<!doctype html>", "<!ENTITY a 'b'>", "<!a>",
	"<a><!ELEMENT b></a>", "<!>", "<!-x-->", "<![CDATA[x]]><a/>",
	"<a><![cdata[x]]></a>", "<a><![CDATA x]]></a>",
	"<!-- a -- b --><a/>", "<!-- a ---><a/>",
	"<!DOCTYPE a [<!ENTITY b 'bb'><!ENTITY c '&b;&b;&b;&b;'>]><a>&c;</a>",
	/* entities */
	"<a>&</a>", "<a>&;</a>", "<a>& </a>", "<a>&x;</a>", "<a>&AMP;</a>",
	"<a>&amp</a>", "<a>&amp ;</a>", "<a>&nbsp;</a>", "<a>&#;</a>",
	"<a>&#x;</a>", "<a>&#xg;</a>", "<a>&#X41;</a>", "<a>&#-1;</a>",
	"<a>&#+1;</a>", "<a>&#0;</a>", "<a>&#x0;</a>", "<a>&#4a;</a>",
	"<a>&#xd800;</a>", "<a>&#xDFFF;</a>", "<a>&#x110000;</a>",
	"<a>&#9999999;</a>", "<a>&#00000065;</a>", "<a>&amp;&toolongname;</a>",
	"<a>&amp;amp&</a>",
	/* text beside elements: somebody's HTML */
	"<a>x<b/></a>", "<a><b/>x</a>", "<a>&amp;<b/></a>", "<a><b/>&amp;</a>",
	"<a><![CDATA[x]]><b/></a>", "<a><b/><![CDATA[x]]></a>",
	"<html><body>502 <b>Bad</b></body></html>",
};

/* ---- events as text ---- */

enum { LOG_MAX = 64 * 1024 };

struct record {
	struct cos_xml x;
	char text[LOG_MAX];
	size_t len;
};

static void
note(struct record *r, const char *s, size_t n)
{
	if (n >= LOG_MAX - r->len)
		abort();
	memcpy(r->text + r->len, s, n);
	r->len += n;
	r->text[r->len] = '\0';
}

static void
start(struct record *r)
{
	cos_xml_init(&r->x);
	r->len = 0;
	r->text[0] = '\0';
}

static void
feed(struct record *r, const char *in, size_t n)
{
	const char *p = guard(in, n), *name;
	enum cos_xml_event ev;

	while ((ev = cos_xml_next(&r->x, &p, &n)) != XML_MORE) {
		if (ev == XML_BAD) {
			note(r, "!", 1);
			return;
		}
		name = ev == XML_END ? "" : cos_xml_name(&r->x);
		note(r, ev == XML_OPEN ? "+" : ev == XML_CLOSE ? "-" : ".", 1);
		note(r, name, strlen(name));
		if (ev == XML_CLOSE) {
			note(r, "=", 1);
			note(r, r->x.text, r->x.text_len);
			if (r->x.text[r->x.text_len] != '\0')
				CHECK(false, "text without its NUL");
		}
	}
	if (n > 0)
		CHECK(false, "input left over");
}

static struct record rec;

static void
test_good(void)
{
	size_t i, k, n, all;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		n = strlen(good[i].in);
		start(&rec);
		feed(&rec, good[i].in, n);
		CHECK_STR(rec.text, good[i].want, good[i].in);
		CHECK(rec.x.depth == 0, "%s: nothing open", good[i].in);
		for (k = 0; k <= n; k++) {	/* in two pieces */
			start(&rec);
			feed(&rec, good[i].in, k);
			all = rec.len;
			CHECK(strncmp(rec.text, good[i].want, all) == 0,
			    "%s: prefix %zu: %s", good[i].in, k, rec.text);
			feed(&rec, good[i].in + k, n - k);
			CHECK_STR(rec.text, good[i].want, good[i].in);
		}
		start(&rec);			/* byte by byte */
		for (k = 0; k < n; k++)
			feed(&rec, good[i].in + k, 1);
		CHECK_STR(rec.text, good[i].want, good[i].in);
	}
}

/* Refused wherever the pieces are cut, and for ever. */
static void
test_bad(void)
{
	size_t i, k, n;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		n = strlen(bad[i]);
		for (k = 0; k <= n; k++) {
			start(&rec);
			feed(&rec, bad[i], k);
			if (strchr(rec.text, '!') == NULL)
				feed(&rec, bad[i] + k, n - k);
			CHECK(strchr(rec.text, '!') != NULL,
			    "accepted: %s in pieces of %zu", bad[i], k);
		}
		CHECK(rec.x.reason != NULL && rec.x.reason[0] != '\0',
		    "says why: %s", bad[i]);
		start(&rec);
		feed(&rec, bad[i], n);
		feed(&rec, "<a/>", 4);
		CHECK(rec.len >= 2 && rec.text[rec.len - 1] == '!',
		    "stays bad: %s", bad[i]);
	}
}

/* ---- bounds ---- */

/* n times piece between head and tail */
static void
repeat(const char *head, const char *piece, size_t n, const char *tail)
{
	start(&rec);
	feed(&rec, head, strlen(head));
	for (; n > 0 && strchr(rec.text, '!') == NULL; n--)
		feed(&rec, piece, strlen(piece));
	if (strchr(rec.text, '!') == NULL)
		feed(&rec, tail, strlen(tail));
}

static const struct {
	const char *head, *piece;
	size_t fits;			/* that many do, one more does not */
	const char *tail;
} bounds[] = {
	{ "", "<a>", XML_DEPTH, "" },
	{ "<", "n", XML_NAME - 1, "/>" },
	{ "<a ", "n", XML_NAME - 1, "=''/>" },
	{ "<a>", "x", XML_TEXT - 1, "</a>" },
	{ "<a>", " ", XML_TEXT - 1, "</a>" },
	{ "<a>", "&amp;", XML_TEXT - 1, "</a>" },
	{ "<a>", "&#x10000;", (XML_TEXT - 1) / 4, "</a>" },
	{ "<a><![CDATA[", "x", XML_TEXT - 1, "]]></a>" },
	{ "<a><![CDATA[", "]", XML_TEXT + 1, "></a>" },
	{ "<a b='", "x", 8192 - 8, "'/>" },
	{ "<a", " ", 8192 - 3, "/>" },
	{ "<!--", "x", 8192 - 6, "--><a/>" },
	{ "<?xml ", " ", 8192 - 7, "?><a/>" },
};

/* no end of these is no harm: nothing is stored */
static const struct {
	const char *head, *piece, *tail;
} endless[] = {
	{ "", " ", "<a/>" },
	{ "<?xml version='1.0'?>", "\n", "<a/>" },
	{ "<a/>", "\t", "" },
	{ "<a>", "<!-- comment -->", "</a>" },
	{ "<a><b/>", " ", "</a>" },
	{ "<a><b/>", "&#32;", "</a>" },
};

static void
test_bounds(void)
{
	size_t i, n;

	for (i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		n = bounds[i].fits;
		repeat(bounds[i].head, bounds[i].piece, n, bounds[i].tail);
		CHECK(strchr(rec.text, '!') == NULL, "%s%s.. %zu: %s",
		    bounds[i].head, bounds[i].piece, n,
		    rec.x.reason ? rec.x.reason : "");
		repeat(bounds[i].head, bounds[i].piece, n + 1, bounds[i].tail);
		CHECK(strchr(rec.text, '!') != NULL, "%s%s.. %zu", bounds[i].head,
		    bounds[i].piece, n + 1);
	}
	for (i = 0; i < sizeof(endless) / sizeof(endless[0]); i++) {
		repeat(endless[i].head, endless[i].piece, 100000,
		    endless[i].tail);
		CHECK(rec.len > 0 && rec.text[rec.len - 1] == '.',
		    "%s%s.. 100000: %s", endless[i].head, endless[i].piece,
		    rec.x.reason ? rec.x.reason : "");
	}
}

/* ---- answers of COS ---- */

static const struct {
	const char *in, *want;
} answers[] = {
	{ "<?xml version='1.0' encoding='utf-8' ?>\n<Error>\n\t<Code>NoSuchKey"
	  "</Code>\n\t<Message>The specified key does not exist.</Message>\n"
	  "\t<Resource>b-1250000000.cos.ap-beijing.myqcloud.com/a&amp;b"
	  "</Resource>\n\t<RequestId>NjQ=</RequestId>\n\t<TraceId>OGV=</TraceId>"
	  "\n</Error>\n",
	  "+Error+Code-Code=NoSuchKey+Message-Message=The specified key does "
	  "not exist.+Resource-Resource=b-1250000000.cos.ap-beijing.myqcloud.com"
	  "/a&b+RequestId-RequestId=NjQ=+TraceId-TraceId=OGV=-Error=." },
	{ "<CopyObjectResult>\n<ETag>&quot;ba82b57cfdfda8bd17ad4e5879ebb4fe&quot;"
	  "</ETag>\n<CRC64>123</CRC64><LastModified>2020-12-11T10:33:47Z"
	  "</LastModified><VersionId>MTg0</VersionId></CopyObjectResult>",
	  "+CopyObjectResult+ETag-ETag=\"ba82b57cfdfda8bd17ad4e5879ebb4fe\""
	  "+CRC64-CRC64=123+LastModified-LastModified=2020-12-11T10:33:47Z"
	  "+VersionId-VersionId=MTg0-CopyObjectResult=." },
	{ "<InitiateMultipartUploadResult>\n    <Bucket>b-1250000000</Bucket>\n"
	  "    <Key>k</Key>\n    <UploadId>1585130821cbb7df</UploadId>\n"
	  "</InitiateMultipartUploadResult>",
	  "+InitiateMultipartUploadResult+Bucket-Bucket=b-1250000000+Key-Key=k"
	  "+UploadId-UploadId=1585130821cbb7df-InitiateMultipartUploadResult=." },
	/* Complete: blanks while it merges, and a raw key */
	{ "      \n   <?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	  "<CompleteMultipartUploadResult xmlns=\"http://www.qcloud.com/document"
	  "/product/436/7751\"><Location>http://b/k</Location><Bucket>b</Bucket>"
	  "<Key>a\x02" "b</Key><ETag>&quot;3a0f1fd698c235af9cf098cb74aa25bc-2"
	  "&quot;</ETag></CompleteMultipartUploadResult>",
	  "+CompleteMultipartUploadResult+Location-Location=http://b/k+Bucket"
	  "-Bucket=b+Key-Key=a\x02" "b+ETag-ETag=\"3a0f1fd698c235af9cf098cb74aa25"
	  "bc-2\"-CompleteMultipartUploadResult=." },
	{ "<?xml version='1.0' encoding='utf-8' ?>\n<ListBucketResult>\n"
	  "\t<Name>b-125</Name>\n\t<EncodingType>url</EncodingType>\n"
	  "\t<Prefix/>\n\t<Marker/>\n\t<MaxKeys>1000</MaxKeys>\n"
	  "\t<Delimiter>/</Delimiter>\n\t<IsTruncated>true</IsTruncated>\n"
	  "\t<NextMarker>d%2F</NextMarker>\n\t<CommonPrefixes>\n\t\t<Prefix>d/"
	  "</Prefix>\n\t</CommonPrefixes>\n\t<Contents>\n\t\t<Key>a%20b</Key>\n"
	  "\t\t<LastModified>2020-12-10T03:37:30.000Z</LastModified>\n"
	  "\t\t<ETag>&quot;9e&quot;</ETag>\n\t\t<Size>5</Size>\n\t\t<Owner>\n"
	  "\t\t\t<ID>1250000000</ID>\n\t\t\t<DisplayName>1250000000"
	  "</DisplayName>\n\t\t</Owner>\n\t\t<StorageClass>STANDARD"
	  "</StorageClass>\n\t</Contents>\n</ListBucketResult>\n",
	  "+ListBucketResult+Name-Name=b-125+EncodingType-EncodingType=url"
	  "+Prefix-Prefix=+Marker-Marker=+MaxKeys-MaxKeys=1000+Delimiter"
	  "-Delimiter=/+IsTruncated-IsTruncated=true+NextMarker-NextMarker=d%2F"
	  "+CommonPrefixes+Prefix-Prefix=d/-CommonPrefixes=+Contents+Key"
	  "-Key=a%20b+LastModified-LastModified=2020-12-10T03:37:30.000Z"
	  "+ETag-ETag=\"9e\"+Size-Size=5+Owner+ID-ID=1250000000+DisplayName"
	  "-DisplayName=1250000000-Owner=+StorageClass-StorageClass=STANDARD"
	  "-Contents=-ListBucketResult=." },
	{ "<DeleteResult><Deleted><Key>a</Key></Deleted><Error><Key>b</Key>"
	  "<Code>AccessDenied</Code><Message>Access Denied.</Message></Error>"
	  "</DeleteResult>",
	  "+DeleteResult+Deleted+Key-Key=a-Deleted=+Error+Key-Key=b+Code"
	  "-Code=AccessDenied+Message-Message=Access Denied.-Error="
	  "-DeleteResult=." },
	{ "<ListMultipartUploadsResult><Bucket>b</Bucket><Encoding-Type/>"
	  "<IsTruncated>FALSE</IsTruncated><Upload><Key>k</Key><UploadId>14"
	  "</UploadId><StorageClass>Standard</StorageClass><Initiator><UIN>1"
	  "</UIN></Initiator><Initiated>Wed Jan 18 16:04:17 2017</Initiated>"
	  "</Upload></ListMultipartUploadsResult>",
	  "+ListMultipartUploadsResult+Bucket-Bucket=b+Encoding-Type"
	  "-Encoding-Type=+IsTruncated-IsTruncated=FALSE+Upload+Key-Key=k"
	  "+UploadId-UploadId=14+StorageClass-StorageClass=Standard+Initiator"
	  "+UIN-UIN=1-Initiator=+Initiated-Initiated=Wed Jan 18 16:04:17 2017"
	  "-Upload=-ListMultipartUploadsResult=." },
};

static void
test_answers(void)
{
	size_t i, k, n;

	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		n = strlen(answers[i].in);
		for (k = 0; k <= n; k++) {
			start(&rec);
			feed(&rec, answers[i].in, k);
			CHECK(strncmp(rec.text, answers[i].want, rec.len) == 0,
			    "answer %zu, prefix %zu: %s", i, k, rec.text);
			feed(&rec, answers[i].in + k, n - k);
			CHECK_STR(rec.text, answers[i].want, "answer");
		}
	}
}

static void
test_names(void)
{
	static const char in[] = "<x:A><y:B>1</y:B></x:A>";
	const char *p = in;
	size_t n = sizeof(in) - 1;
	static struct cos_xml x;

	cos_xml_init(&x);
	CHECK_STR(cos_xml_name(&x), "", "no element yet");
	CHECK(cos_xml_next(&x, &p, &n) == XML_OPEN && x.depth == 1, "A opens");
	CHECK_STR(cos_xml_parent(&x), "", "parent of the root");
	CHECK(cos_xml_next(&x, &p, &n) == XML_OPEN && x.depth == 2, "B opens");
	CHECK_STR(cos_xml_name(&x), "B", "name");
	CHECK_STR(cos_xml_parent(&x), "A", "parent");
	CHECK(cos_xml_next(&x, &p, &n) == XML_CLOSE && x.depth == 2, "closes");
	CHECK_STR(cos_xml_parent(&x), "A", "parent, closing");
	CHECK(cos_xml_next(&x, &p, &n) == XML_CLOSE && x.depth == 1 &&
	    n == 0, "A closes");
	CHECK(cos_xml_next(&x, &p, &n) == XML_END && x.depth == 0, "the end");
	CHECK(cos_xml_next(&x, &p, &n) == XML_MORE, "and no more");
}

static void
test_nul(void)
{
	start(&rec);
	feed(&rec, "<a>x\0y</a>", 10);
	CHECK(rec.len == 9 && memcmp(rec.text, "+a-a=x\0y.", 9) == 0,
	    "a NUL byte in text");
	start(&rec);
	feed(&rec, "<a\0/>", 5);
	CHECK_STR(rec.text, "!", "a NUL byte in a name");
	start(&rec);
	feed(&rec, "<a>&\0;</a>", 10);
	CHECK_STR(rec.text, "+a!", "a NUL byte in an entity");
	start(&rec);
	feed(&rec, "<a>&amp\0;</a>", 13);
	CHECK_STR(rec.text, "+a!", "a NUL byte after an entity");
	start(&rec);
	feed(&rec, "\0<a/>", 5);
	CHECK_STR(rec.text, "!", "a NUL byte outside");
}

int
main(void)
{
	test_good();
	test_bad();
	test_bounds();
	test_answers();
	test_names();
	test_nul();
	return test_end("t_xml");
}
