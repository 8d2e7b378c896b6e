/*
 * tests/t_fault.c - cos/fault.c: causes, retries, and the line for the log.
 */
#include "../cos/cos_int.h"
#include "test.h"

static const struct {
	int status;
	const char *code, *message;
	enum cos_cause cause;
	bool retry;
} rows[] = {
	{ 403, "AccessDenied", "Access Denied.", COS_DENIED, false },
	{ 403, "AccessDenied", NULL, COS_DENIED, false },
	{ 403, "AccessDenied", "Request has expired", COS_CLOCK, false },
	{ 403, "AccessDenied", "The Request has expired.", COS_CLOCK, false },
	{ 403, "AccessDenied", "RequestTimeTooSkewed", COS_CLOCK, false },
	{ 403, "RequestTimeTooSkewed", "", COS_CLOCK, false },
	{ 403, "RequestTimeTooSkewed", "Request has expired", COS_CLOCK, false },
	{ 403, "InvalidAccessKeyId", "", COS_DENIED, false },
	{ 403, "SignatureDoesNotMatch", "Request has expired", COS_DENIED, false },
	{ 400, "ExpiredToken", "", COS_DENIED, false },
	{ 403, "InvalidObjectState", "", COS_ARCHIVED, false },
	{ 403, "DownloadForbidden", "", COS_FORBIDDEN_TYPE, false },
	{ 400, "DownloadForbidden", "", COS_FORBIDDEN_TYPE, false },
	{ 403, "PathStyleDomainForbidden", "", COS_REFUSED, false },
	{ 404, "NoSuchKey", "", COS_NOT_FOUND, false },
	{ 404, "NoSuchBucket", "", COS_NO_BUCKET, false },
	{ 404, "NoSuchUpload", "", COS_REFUSED, false },
	{ 404, "NoSuchVersion", "", COS_NOT_FOUND, false },
	{ 405, "MethodNotAllowed", "", COS_REFUSED, false },
	{ 409, "PathConflict", "", COS_UNAVAILABLE, true },
	{ 409, "UploadConflict", "", COS_UNAVAILABLE, true },
	{ 409, "FileAlreadyExists", "", COS_EXISTS, false },
	{ 409, "AppendPositionErr", "", COS_CHANGED, false },
	{ 409, "ObjectNotAppendable", "", COS_REFUSED, false },
	{ 409, "ObjectLocked", "", COS_REFUSED, false },
	{ 411, "MissingContentLength", "", COS_REFUSED, false },
	{ 412, "PreconditionFailed", "", COS_CHANGED, false },
	{ 416, "InvalidRange", "", COS_RANGE, false },
	{ 400, "BadDigest", "", COS_CORRUPT, true },
	{ 400, "InvalidDigest", "", COS_CORRUPT, false },
	{ 400, "IncompleteBody", "", COS_UNAVAILABLE, true },
	{ 400, "EntitySizeNotMatch", "", COS_UNAVAILABLE, true },
	{ 400, "RequestTimeout", "", COS_UNAVAILABLE, true },
	{ 400, "UserNetworkTooSlow", "", COS_UNAVAILABLE, true },
	{ 400, "EntityTooLarge", "", COS_TOO_LARGE, false },
	{ 400, "EntityTooSmall", "", COS_REFUSED, false },
	{ 400, "InvalidPart", "", COS_REFUSED, false },
	{ 400, "MalformedXML", "", COS_REFUSED, false },
	{ 400, "KeyTooLong", "", COS_BAD_NAME, false },
	{ 400, "InvalidObjectName", "", COS_BAD_NAME, false },
	{ 400, "InvalidURI", "", COS_BAD_NAME, false },
	{ 400, "InvalidArgument", "", COS_REFUSED, false },
	{ 402, "PaymentRequired", "", COS_REFUSED, false },
	{ 451, "UnavailableForLegalReasons", "", COS_REFUSED, false },
	{ 500, "InternalError", "", COS_UNAVAILABLE, true },
	{ 500, "KmsInternalException", "", COS_UNAVAILABLE, true },
	{ 501, "NotImplemented", "", COS_REFUSED, false },
	{ 503, "ServiceUnavailable", "", COS_UNAVAILABLE, true },
	{ 503, "SlowDown", "", COS_UNAVAILABLE, true },
	{ 503, "SomethingNew", "", COS_UNAVAILABLE, true },
	{ 400, "SomethingNew", "", COS_REFUSED, false },

	/* 200 with an <Error>: copy and Complete */
	{ 200, "InternalError", "", COS_UNAVAILABLE, true },
	{ 200, "SlowDown", "", COS_UNAVAILABLE, true },
	{ 200, "InvalidPart", "", COS_REFUSED, false },
	{ 200, "AccessDenied", "", COS_DENIED, false },
	{ 200, "", "", COS_MALFORMED, true },

	/* without a code: HEAD, proxies */
	{ 301, "", "", COS_REFUSED, false },
	{ 304, NULL, NULL, COS_REFUSED, false },
	{ 307, "", "", COS_REFUSED, false },
	{ 400, "", "", COS_REFUSED, false },
	{ 401, "", "", COS_DENIED, false },
	{ 403, "", "", COS_DENIED, false },
	{ 404, NULL, NULL, COS_NOT_FOUND, false },
	{ 408, "", "", COS_UNAVAILABLE, true },
	{ 409, "", "", COS_REFUSED, false },
	{ 412, "", "", COS_CHANGED, false },
	{ 413, "", "", COS_TOO_LARGE, false },
	{ 414, "", "", COS_BAD_NAME, false },
	{ 416, "", "", COS_RANGE, false },
	{ 429, "", "", COS_UNAVAILABLE, true },
	{ 451, "", "", COS_REFUSED, false },
	{ 500, "", "", COS_UNAVAILABLE, true },
	{ 501, "", "", COS_REFUSED, false },
	{ 502, "", "", COS_UNAVAILABLE, true },
	{ 504, "", "", COS_UNAVAILABLE, true },
	{ 0, NULL, NULL, COS_UNAVAILABLE, true },
};

static const struct {
	int status;
	const char *code, *message, *id, *text;
} texts[] = {
	{ 403, "AccessDenied", "Access Denied.", "NWQ=", "403 AccessDenied (request-id NWQ=): Access Denied." },
	{ 403, "AccessDenied", "AccessDenied", "", "403 AccessDenied" },
	{ 404, "NoSuchKey", "", "x", "404 NoSuchKey (request-id x)" },
	{ 404, NULL, NULL, "x", "404 (request-id x)" },
	{ 502, "", "", "", "502" },
	{ 502, NULL, "bad gateway", NULL, "502: bad gateway" },
	{ 0, NULL, "connect: connection refused", NULL, "connect: connection refused" },
	{ 0, NULL, NULL, NULL, "no answer" },
	{ 400, "A\r\n226\tok", "b\nc\x7f\x1b[2J\xe4", "i\rd", "400 A226ok (request-id id): bc[2J\xe4" },
};

static void
test_bounds(void)
{
	static char big[2000];
	struct cos_fault f;

	memset(big, 'x', sizeof(big) - 1);
	cos_fault_from(&f, 400, big, big, big);
	CHECK(strlen(f.code) == sizeof(f.code) - 1, "code is cut");
	CHECK(strlen(f.text) == sizeof(f.text) - 1, "text is cut");
	CHECK(f.cause == COS_REFUSED && f.skew == 0, "and sorted by status");
	memset(big, '\n', sizeof(big) - 1);
	cos_fault_from(&f, 400, big, big, big);
	CHECK_STR(f.code, "", "nothing is left of it");
}

/* Causes that others set. */
static void
test_retry(void)
{
	static const struct {
		enum cos_cause cause;
		bool retry;
	} causes[] = {
		{ COS_UNAVAILABLE, true }, { COS_NAME_LOOKUP, true },
		{ COS_MALFORMED, true }, { COS_CORRUPT, true },
		{ COS_TLS, false }, { COS_CLOCK, false }, { COS_OK, false },
		{ COS_NOT_FOUND, false }, { COS_EXISTS, false },
	};
	struct cos_fault f = { 0 };
	size_t i;

	for (i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
		f.cause = causes[i].cause;
		CHECK(cos_fault_retry(&f) == causes[i].retry, "cause %d",
		    (int)f.cause);
	}
}

int
main(void)
{
	struct cos_fault f;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cos_fault_from(&f, rows[i].status, rows[i].code,
		    rows[i].message, NULL);
		CHECK(f.cause == rows[i].cause &&
		    cos_fault_retry(&f) == rows[i].retry &&
		    f.status == rows[i].status, "%d %s: cause %d, retry %d",
		    rows[i].status, f.code, (int)f.cause, cos_fault_retry(&f));
	}
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		cos_fault_from(&f, texts[i].status, texts[i].code,
		    texts[i].message, texts[i].id);
		CHECK_STR(f.text, texts[i].text, "text");
	}
	test_bounds();
	test_retry();
	return test_end("t_fault");
}
