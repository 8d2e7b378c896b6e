/*
 * cos/fault.c - what the store said, sorted by what it means for us.
 *
 * The code decides, where one came and is known; else the status: answers to
 * HEAD have no body, and a proxy's page has no code.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cos_int.h"

/* Only codes that mean more than their status does.  A row with a message
 * comes before the row without. */
static const struct known {
	const char *code;
	const char *message;		/* part of it; NULL: any */
	enum cos_cause cause;
	bool retry;
} codes[] = {
	{ "AccessDenied", "Request has expired", COS_CLOCK, false },
	{ "AccessDenied", "RequestTimeTooSkewed", COS_CLOCK, false },
	{ "AccessDenied", NULL, COS_DENIED, false },
	{ "RequestTimeTooSkewed", NULL, COS_CLOCK, false },
	{ "InvalidAccessKeyId", NULL, COS_DENIED, false },
	{ "SignatureDoesNotMatch", NULL, COS_DENIED, false },
	{ "ExpiredToken", NULL, COS_DENIED, false },
	{ "InvalidObjectState", NULL, COS_ARCHIVED, false },
	{ "DownloadForbidden", NULL, COS_FORBIDDEN_TYPE, false },
	{ "PathStyleDomainForbidden", NULL, COS_REFUSED, false },

	{ "NoSuchKey", NULL, COS_NOT_FOUND, false },
	{ "NoSuchVersion", NULL, COS_NOT_FOUND, false },
	{ "NoSuchCopySource", NULL, COS_NOT_FOUND, false },
	{ "NoSuchBucket", NULL, COS_NO_BUCKET, false },
	{ "NoSuchUpload", NULL, COS_REFUSED, false },
	{ "NoSuchTagSet", NULL, COS_REFUSED, false },

	{ "PathConflict", NULL, COS_UNAVAILABLE, true },
	{ "UploadConflict", NULL, COS_UNAVAILABLE, true },
	{ "FileAlreadyExists", NULL, COS_EXISTS, false },
	{ "AppendPositionErr", NULL, COS_CHANGED, false },
	{ "PreconditionFailed", NULL, COS_CHANGED, false },
	{ "InvalidRange", NULL, COS_RANGE, false },

	{ "BadDigest", NULL, COS_CORRUPT, true },
	{ "InvalidDigest", NULL, COS_CORRUPT, false },
	{ "InvalidSHA1Digest", NULL, COS_CORRUPT, false },
	{ "IncompleteBody", NULL, COS_UNAVAILABLE, true },
	{ "EntitySizeNotMatch", NULL, COS_UNAVAILABLE, true },
	{ "RequestTimeout", NULL, COS_UNAVAILABLE, true },
	{ "UserNetworkTooSlow", NULL, COS_UNAVAILABLE, true },

	{ "EntityTooLarge", NULL, COS_TOO_LARGE, false },
	{ "KeyTooLong", NULL, COS_BAD_NAME, false },
	{ "InvalidObjectName", NULL, COS_BAD_NAME, false },
	{ "InvalidURI", NULL, COS_BAD_NAME, false },

	/* these also come in the body of a 200 */
	{ "InternalError", NULL, COS_UNAVAILABLE, true },
	{ "KmsInternalException", NULL, COS_UNAVAILABLE, true },
	{ "ServiceUnavailable", NULL, COS_UNAVAILABLE, true },
	{ "SlowDown", NULL, COS_UNAVAILABLE, true },
	{ "KmsFreqControl", NULL, COS_UNAVAILABLE, true },
	{ "NotImplemented", NULL, COS_REFUSED, false },
};

static const struct {
	int status;
	enum cos_cause cause;
} statuses[] = {
	{ 401, COS_DENIED },
	{ 403, COS_DENIED },
	{ 404, COS_NOT_FOUND },
	{ 408, COS_UNAVAILABLE },
	{ 412, COS_CHANGED },
	{ 413, COS_TOO_LARGE },
	{ 414, COS_BAD_NAME },
	{ 416, COS_RANGE },
	{ 429, COS_UNAVAILABLE },
	{ 501, COS_REFUSED },
	{ 505, COS_REFUSED },
};

static const struct known *
find_code(const char *code, const char *message)
{
	size_t i;

	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strcmp(codes[i].code, code) == 0 &&
		    (codes[i].message == NULL ||
		    strstr(message, codes[i].message) != NULL))
			return &codes[i];
	return NULL;
}

static enum cos_cause
cause_of_status(int status, bool has_code)
{
	size_t i;

	for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (statuses[i].status == status)
			return statuses[i].cause;
	if (status == 0 || (status >= 500 && status <= 599))
		return COS_UNAVAILABLE;
	if (status >= 200 && status <= 299 && !has_code)
		return COS_MALFORMED;
	return COS_REFUSED;	/* redirects too: they are not followed */
}

/* Control bytes would forge a line of the log. */
static void
clean(char *s)
{
	char *out = s;

	for (; *s != '\0'; s++)
		if ((unsigned char)*s >= 0x20 && *s != 0x7f)
			*out++ = *s;
	*out = '\0';
}

void
cos_fault_from(struct cos_fault *f, int status, const char *code,
    const char *message, const char *request_id)
{
	const struct known *k;
	bool id = request_id != NULL && request_id[0] != '\0';
	bool said;

	if (message == NULL)
		message = "";
	memset(f, 0, sizeof(*f));
	f->status = status;
	snprintf(f->code, sizeof(f->code), "%s", code != NULL ? code : "");
	clean(f->code);
	k = find_code(f->code, message);
	f->cause = k != NULL ? k->cause :
	    cause_of_status(status, f->code[0] != '\0');

	if (status == 0) {
		snprintf(f->text, sizeof(f->text), "%s",
		    message[0] != '\0' ? message : "no answer");
	} else {
		said = message[0] != '\0' && strcmp(message, f->code) != 0;
		snprintf(f->text, sizeof(f->text), "%d%s%s%s%.64s%s%s%s",
		    status, f->code[0] != '\0' ? " " : "", f->code,
		    id ? " (request-id " : "", id ? request_id : "",
		    id ? ")" : "", said ? ": " : "", said ? message : "");
	}
	clean(f->text);
}

bool
cos_fault_retry(const struct cos_fault *f)
{
	const struct known *k = find_code(f->code, "");

	if (k != NULL)
		return k->retry;
	switch (f->cause) {
	case COS_UNAVAILABLE:
	case COS_NAME_LOOKUP:
	case COS_CORRUPT:		/* our own comparison failed */
	case COS_MALFORMED:
		return true;
	default:
		return false;
	}
}

void
cos_fault_set(struct cos_fault *f, enum cos_cause cause, const char *fmt, ...)
{
	va_list ap;

	memset(f, 0, sizeof(*f));
	f->cause = cause;
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
}
