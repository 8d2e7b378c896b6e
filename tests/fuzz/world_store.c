/*
 * world_store.c - the store: answers of the script, or what fits the request;
 * and requests are looked at.
 */
#include "../../cos/cos_int.h"
#include "world_int.h"

enum { ANSWERS = 32, PARTS = 16 };

#define MD5_HELLO	"\"5d41402abc4b2a76b9719d911017c592\""

static struct {
	struct {
		char letter;
		const uint8_t *p;
		size_t n;
	} answer[ANSWERS], later;
	int nanswers, next;
	struct story said;		/* but for the script's answers */
	struct {
		uint64_t crc;
		int64_t n;
	} part[PARTS];		/* of the upload under way */
} v;

void
world_store_begin(void)
{
	struct story said = v.said;

	memset(&v, 0, sizeof(v));
	v.said = said;
	v.said.n = 0;
}

void
world_answer(char letter, const uint8_t *p, size_t n)
{
	if (v.nanswers == ANSWERS)
		return;
	v.answer[v.nanswers].letter = letter;
	v.answer[v.nanswers].p = p;
	v.answer[v.nanswers++].n = n;
}

bool
world_said(const char *number)
{
	return v.said.n > 0 && memmem(v.said.text, v.said.n, number,
	    strlen(number)) != NULL;
}

void
world_later(char letter, const uint8_t *p, size_t n)
{
	v.later.letter = letter;
	v.later.p = p;
	v.later.n = n;
}

bool
world_play_later(bool (*again)(char, const uint8_t *, size_t))
{
	char letter = v.later.letter;

	v.later.letter = '\0';
	return letter != '\0' && again(letter, v.later.p, v.later.n);
}

/* ---- what fits ---- */

/* The value of a parameter, still escaped. */
static void
param(const char *head, const char *name, char *out, size_t size)
{
	const char *end = strstr(head, " HTTP/1.1"), *p;
	size_t n;

	out[0] = '\0';
	for (p = strchr(head, '?'); p != NULL && p < end;
	    p = strchr(p + 1, '&')) {
		if (strncmp(p + 1, name, strlen(name)) != 0 ||
		    p[1 + strlen(name)] != '=')
			continue;
		p += strlen(name) + 2;
		n = strcspn(p, "& ");
		snprintf(out, size, "%.*s", (int)n, p);
		return;
	}
}

static void
reply(struct world_peer *p, const char *status, const char *fields,
    const char *body, bool no_body)
{
	char head[1024];
	int n = snprintf(head, sizeof(head), "HTTP/1.1 %s\r\n"
	    "Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n"
	    "Last-Modified: Tue, 14 Nov 2023 22:00:00 GMT\r\n"
	    "Content-Length: %zu\r\n%s\r\n", status, strlen(body), fields);

	tell(&v.said, head, (size_t)n);
	tell(&v.said, body, strlen(body));
	world_send(p, head, (size_t)n);
	if (!no_body)
		world_send(p, body, strlen(body));
}

static void
list(struct world_peer *p, const char *head)
{
	char prefix[3 * COS_KEY_MAX], body[8 * COS_KEY_MAX];

	param(head, "prefix", prefix, sizeof(prefix));
	snprintf(body, sizeof(body), "<ListBucketResult><IsTruncated>false"
	    "</IsTruncated><Contents><Key>%sa.txt</Key><Size>5</Size>"
	    "<LastModified>2023-11-14T22:00:00.000Z</LastModified>"
	    "<ETag>" MD5_HELLO "</ETag></Contents><CommonPrefixes><Prefix>"
	    "%sd/</Prefix></CommonPrefixes></ListBucketResult>", prefix,
	    prefix);
	reply(p, "200 OK", "", body, false);
}

static void
object(struct world_peer *p, const char *head)
{
	static const char hello[] = "hello";
	char fields[256];
	const char *range = strstr(head, "Range: bytes=");
	int from = range != NULL ? atoi(range + 13) : 0;

	if (from < 0 || from > 4)
		from = 0;
	snprintf(fields, sizeof(fields), "ETag: " MD5_HELLO "\r\n"
	    "x-cos-hash-crc64ecma: %llu\r\n",
	    (unsigned long long)cos_crc64(0, "hello", 5));
	if (range != NULL)
		snprintf(fields + strlen(fields), 64,
		    "Content-Range: bytes %d-4/5\r\n", from);
	reply(p, range != NULL ? "206 Partial Content" : "200 OK", fields,
	    &hello[from], head[0] == 'H');
}

static uint64_t
whole_crc(void)
{
	uint64_t crc = 0;
	int i;

	for (i = 0; i < PARTS; i++)
		crc = cos_crc64_combine(crc, v.part[i].crc, v.part[i].n);
	return crc;
}

static void
put(struct world_peer *p, const char *head)
{
	char text[512];
	int part;

	if (strstr(head, "x-cos-copy-source:") != NULL) {
		snprintf(text, sizeof(text), "<CopyObjectResult><ETag>"
		    MD5_HELLO "</ETag><CRC64>%llu</CRC64></CopyObjectResult>",
		    (unsigned long long)cos_crc64(0, "hello", 5));
		reply(p, "200 OK", "", text, false);
		return;
	}
	param(head, "partNumber", text, sizeof(text));
	part = atoi(text);
	if (part >= 1 && part <= PARTS) {
		v.part[part - 1].crc = p->crc;
		v.part[part - 1].n = p->length;
	}
	snprintf(text, sizeof(text), "ETag: " MD5_HELLO "\r\n"
	    "x-cos-hash-crc64ecma: %llu\r\n", (unsigned long long)p->crc);
	reply(p, "200 OK", text, "", false);
}

static void
post(struct world_peer *p, const char *head)
{
	char text[512];

	if (strncmp(head, "POST /?delete", 13) == 0)
		snprintf(text, sizeof(text), "<DeleteResult></DeleteResult>");
	else if (strstr(head, "?uploads") != NULL)
		snprintf(text, sizeof(text), "<InitiateMultipartUploadResult>"
		    "<UploadId>u1</UploadId></InitiateMultipartUploadResult>");
	else
		snprintf(text, sizeof(text), "<CompleteMultipartUploadResult>"
		    "<ETag>" MD5_HELLO "</ETag><CRC64>%llu</CRC64>"
		    "</CompleteMultipartUploadResult>",
		    (unsigned long long)whole_crc());
	reply(p, "200 OK", "", text, false);
}

static void
fitting(struct world_peer *p, const char *head)
{
	if (strncmp(head, "GET /?uploads", 13) == 0)
		reply(p, "200 OK", "", "<ListMultipartUploadsResult>"
		    "<IsTruncated>false</IsTruncated><Upload><Key>a</Key>"
		    "<UploadId>u1</UploadId><Initiated>2023-11-14T00:00:00Z"
		    "</Initiated></Upload></ListMultipartUploadsResult>",
		    false);
	else if (strncmp(head, "GET /?", 6) == 0)
		list(p, head);
	else if (strncmp(head, "DELETE ", 7) == 0)
		world_send(p, "HTTP/1.1 204 No Content\r\n\r\n", 27);
	else if (strncmp(head, "PUT ", 4) == 0)
		put(p, head);
	else if (strncmp(head, "POST ", 5) == 0)
		post(p, head);
	else
		object(p, head);
}

/* ---- a request ---- */

/* RFC 9112 3: nothing of a name or a file may end a line of it. */
static void
check_head(const char *head, size_t n)
{
	const char *line = head, *lf;
	size_t len;

	MUST(memchr(head, '\0', n) == NULL);
	world_no_secret(head, n);
	for (; line < head + n; line = lf + 1) {
		lf = memchr(line, '\n', (size_t)(head + n - line));
		MUST(lf != NULL && lf > head && lf[-1] == '\r');
		len = (size_t)(lf - line) - 1;
		MUST(memchr(line, '\r', len) == NULL);
		if (line == head)
			MUST(len > 10 && memcmp(lf - 10, " HTTP/1.1\r", 10) == 0
			    && strcspn(strchr(head, ' ') + 1, " ") ==
			    (size_t)(lf - 10 - strchr(head, ' ') - 1));
		else
			MUST(len == 0 || memchr(line, ':', len) != NULL);
	}
	MUST(strstr(head, "\r\nHost: b-1250000000.localhost") != NULL);
	MUST(strstr(head, "\r\nAuthorization: q-sign-algorithm=sha1&") !=
	    NULL);
}

/* COS compares what it has received with Content-MD5: a success says the
 * checksum of these bytes, too. */
static void
sums(const struct world_peer *p)
{
	static const char meta[] = "\r\nx-cos-meta-crc64: ";
	const char *said = strstr(p->head.text, meta);

	if (p->body > 0 || strstr(p->head.text, "\r\nContent-MD5: ") == NULL)
		return;
	tellf(&v.said, "%llu\n", (unsigned long long)p->crc);
	if (said != NULL && strncmp(p->head.text, "PUT ", 4) == 0)
		MUST(strtoull(said + sizeof(meta) - 1, NULL, 10) == p->crc);
}

/* What comes next in the script may be an answer to what is asked now. */
static bool
scripted(void)
{
	if (v.next == v.nanswers)
		world_play_answer();
	return v.next < v.nanswers;
}

static void
answer(struct world_peer *p)
{
	int i = v.next;

	sums(p);
	p->answered = true;
	if (scripted()) {
		v.next++;
		world_send(p, v.answer[i].p, v.answer[i].n);
		if (v.answer[i].letter == 's')
			world_hang_up(p);
	} else {
		fitting(p, p->head.text);
	}
}

static bool
early(void)
{
	return scripted() && v.answer[v.next].letter == 'E';
}

/* The head, with a NUL behind it, when it is whole. */
static void
begin_body(struct world_peer *p)
{
	const char *length;

	tell(&p->head, "", 1);
	p->head.n--;
	check_head(p->head.text, p->head.n);
	length = strstr(p->head.text, "\r\nContent-Length: ");
	p->body = length != NULL ? atoll(length + 18) : 0;
	MUST(p->body >= 0 && p->body <= (64 << 20));
	p->length = p->body;
	p->crc = 0;
	p->in_body = true;
	p->answered = false;
}

void
world_request(struct world_peer *p, const char *buf, size_t n)
{
	size_t take;

	while (n > 0 && p->fd >= 0) {
		if (p->in_body) {
			take = p->body < (int64_t)n ? (size_t)p->body : n;
			p->crc = cos_crc64(p->crc, buf, take);
			p->body -= (int64_t)take;
		} else {
			take = 1;
			tell(&p->head, buf, 1);
			MUST(p->head.n < 32 * 1024);
			if (p->head.n > 4 && memcmp(p->head.text + p->head.n -
			    4, "\r\n\r\n", 4) == 0)
				begin_body(p);
		}
		buf += take;
		n -= take;
		if (!p->in_body)
			continue;
		if (!p->answered && (p->body == 0 || early()))
			answer(p);
		if (p->body == 0) {
			p->in_body = false;
			p->head.n = 0;
		}
	}
}
