/*
 * tls/reason.c - BearSSL's error numbers in words an administrator can act on.
 *
 * "the peer" is the server for a client and the client for a server.  What
 * needs the connection at hand (the name, the clock) is added in conn.c.
 */
#include "tls_int.h"

#define BROKEN "the peer broke the TLS protocol"

static const char *const error_words[] = {
	[BR_ERR_BAD_PARAM] = BROKEN " (malformed handshake message)",
	[BR_ERR_BAD_STATE] = "TLS was used in the wrong state (internal)",
	[BR_ERR_UNSUPPORTED_VERSION] =
	    "the peer wants a version of TLS older than 1.2",
	[BR_ERR_BAD_VERSION] = "the peer changed its TLS version on the way",
	[BR_ERR_BAD_LENGTH] = BROKEN " (bad record length)",
	[BR_ERR_TOO_LARGE] =
	    "the peer sent a record too large for this connection",
	[BR_ERR_BAD_MAC] = "data was damaged or altered on the way (bad MAC)",
	[BR_ERR_NO_RANDOM] = "no random numbers available (internal)",
	[BR_ERR_UNKNOWN_TYPE] = BROKEN " (unknown record type)",
	[BR_ERR_UNEXPECTED] = BROKEN " (unexpected message)",
	[BR_ERR_BAD_CCS] = BROKEN " (bad change of keys)",
	[BR_ERR_BAD_ALERT] = BROKEN " (bad alert)",
	[BR_ERR_BAD_HANDSHAKE] = BROKEN " (bad handshake)",
	[BR_ERR_OVERSIZED_ID] = BROKEN " (session id too long)",
	[BR_ERR_BAD_CIPHER_SUITE] =
	    "the peer chose a cipher that was not offered",
	[BR_ERR_BAD_COMPRESSION] = "the peer wants compression",
	[BR_ERR_BAD_FRAGLEN] = BROKEN " (fragment length)",
	[BR_ERR_BAD_SECRENEG] = BROKEN " (renegotiation info)",
	[BR_ERR_EXTRA_EXTENSION] = BROKEN " (extension not asked for)",
	[BR_ERR_BAD_SNI] = BROKEN " (server name)",
	[BR_ERR_BAD_HELLO_DONE] = BROKEN " (end of hello)",
	[BR_ERR_LIMIT_EXCEEDED] = "the peer's public key is too large: "
	    "RSA up to 4096 bits is supported",
	[BR_ERR_BAD_FINISHED] =
	    "the handshake was altered on the way (finished message)",
	[BR_ERR_RESUME_MISMATCH] =
	    "the peer resumed a session with other parameters",
	[BR_ERR_INVALID_ALGORITHM] =
	    "no signature algorithm or curve in common with the peer",
	[BR_ERR_BAD_SIGNATURE] =
	    "the peer's handshake signature is not valid",
	[BR_ERR_WRONG_KEY_USAGE] =
	    "the peer's key may not be used for this cipher",
	[BR_ERR_NO_CLIENT_AUTH] = "the client sent no certificate",
	[BR_ERR_IO] = "input/output error",

	[BR_ERR_X509_INVALID_VALUE] = "the certificate is damaged",
	[BR_ERR_X509_TRUNCATED] = "the certificate is cut short",
	[BR_ERR_X509_EMPTY_CHAIN] = "the peer sent no certificate",
	[BR_ERR_X509_INNER_TRUNC] = "the certificate is damaged",
	[BR_ERR_X509_BAD_TAG_CLASS] = "the certificate is damaged",
	[BR_ERR_X509_BAD_TAG_VALUE] = "the certificate is damaged",
	[BR_ERR_X509_INDEFINITE_LENGTH] = "the certificate is damaged",
	[BR_ERR_X509_EXTRA_ELEMENT] = "the certificate is damaged",
	[BR_ERR_X509_UNEXPECTED] = "the certificate is damaged",
	[BR_ERR_X509_NOT_CONSTRUCTED] = "the certificate is damaged",
	[BR_ERR_X509_NOT_PRIMITIVE] = "the certificate is damaged",
	[BR_ERR_X509_PARTIAL_BYTE] = "the certificate is damaged",
	[BR_ERR_X509_BAD_BOOLEAN] = "the certificate is damaged",
	[BR_ERR_X509_OVERFLOW] = "the certificate is damaged",
	[BR_ERR_X509_BAD_DN] = "the certificate has a malformed name",
	[BR_ERR_X509_BAD_TIME] = "the certificate has a malformed date",
	[BR_ERR_X509_UNSUPPORTED] = "the certificate uses an unsupported kind "
	    "of key or signature (RSA-PSS, Ed25519 or SHA-1)",
	[BR_ERR_X509_LIMIT_EXCEEDED] = "the certificate's key is too large: "
	    "RSA up to 4096 bits is supported",
	[BR_ERR_X509_WRONG_KEY_TYPE] =
	    "the certificate's signature does not fit its issuer's key",
	[BR_ERR_X509_BAD_SIGNATURE] =
	    "the certificate's signature is not valid",
	[BR_ERR_X509_TIME_UNKNOWN] = "the time is not known (internal)",
	[BR_ERR_X509_EXPIRED] = "the certificate has expired or is not yet "
	    "valid",
	[BR_ERR_X509_DN_MISMATCH] = "the peer sends its certificate chain in "
	    "the wrong order or with foreign certificates in it",
	[BR_ERR_X509_BAD_SERVER_NAME] =
	    "the certificate is not for this host name",
	[BR_ERR_X509_CRITICAL_EXTENSION] = "the certificate has a critical "
	    "extension that is not supported (name constraints)",
	[BR_ERR_X509_NOT_CA] =
	    "the certificate was issued by one that is no CA",
	[BR_ERR_X509_FORBIDDEN_KEY_USAGE] =
	    "the certificate's key usage forbids this use",
	[BR_ERR_X509_WEAK_PUBLIC_KEY] =
	    "the certificate's key is too weak: RSA of 2048 bits is needed",
	[BR_ERR_X509_NOT_TRUSTED] = "the certificate is not trusted: its "
	    "issuer is not among the trusted CA certificates",
};

struct alert_words {
	int alert;		/* RFC 5246 7.2 and its extensions */
	const char *words;
};

static const struct alert_words received[] = {
	{ 10, "the peer reports an unexpected message" },
	{ 20, "the peer reports damaged data (bad record MAC)" },
	{ 22, "the peer reports a record too large" },
	{ 40, "the peer refused the handshake: nothing in common with TLS 1.2, "
	    "ECDHE and AEAD ciphers, or it demands a client certificate" },
	{ 42, "the peer refused the certificate" },
	{ 43, "the peer does not support this kind of certificate" },
	{ 44, "the peer says that the certificate is revoked" },
	{ 45, "the peer says that the certificate has expired" },
	{ 46, "the peer refused the certificate" },
	{ 47, "the peer reports an illegal parameter" },
	{ 48, "the peer does not trust the issuer of the certificate" },
	{ 49, "the peer denied access" },
	{ 50, "the peer could not decode a message" },
	{ 51, "the peer reports a failed signature or decryption" },
	{ 70, "the peer refused TLS 1.2 (it may speak TLS 1.3 only)" },
	{ 71, "the peer demands stronger ciphers" },
	{ 80, "the peer reports an internal error" },
	{ 86, "the peer refused a fall-back to TLS 1.2" },
	{ 90, "the peer cancelled the handshake" },
	{ 100, "the peer refused a renegotiation" },
	{ 109, "the peer misses an extension" },
	{ 112, "the peer does not know this host name" },
	{ 116, "the peer demands a client certificate" },
	{ 120, "the peer refused the application protocol" },
};

static const struct alert_words sent[] = {
	{ 40, "no cipher, curve or signature in common with the peer (TLS "
	    "1.2 with ECDHE and AEAD is needed)" },
	{ 70, "the peer does not speak TLS 1.2" },
	{ 86, "the peer fell back to an older TLS version" },
	{ 120, "no application protocol in common with the peer" },
};

static const char *
alert_find(const struct alert_words *a, size_t n, int alert,
    const char *otherwise)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (a[i].alert == alert)
			return a[i].words;
	}
	return otherwise;
}

const char *
tls_words(int error)
{
	const char *words = NULL;

	if (error >= BR_ERR_SEND_FATAL_ALERT)
		return alert_find(sent, sizeof(sent) / sizeof(sent[0]),
		    error - BR_ERR_SEND_FATAL_ALERT,
		    "the handshake with the peer was given up");
	if (error >= BR_ERR_RECV_FATAL_ALERT)
		return alert_find(received,
		    sizeof(received) / sizeof(received[0]),
		    error - BR_ERR_RECV_FATAL_ALERT,
		    "the peer reports a TLS error");
	if (error > 0 && (size_t)error <
	    sizeof(error_words) / sizeof(error_words[0]))
		words = error_words[error];
	return words != NULL ? words : "unknown TLS error";
}
