/*
 * tls/tls.h - digests and TLS; the only room that knows BearSSL.
 *
 * A TLS connection is a pump with four ports and no descriptor: cipher bytes
 * in and out, plain bytes in and out.  Each port gives a buffer and its size
 * (NULL and 0 when the port is shut just now); the *_done call says how many
 * bytes were taken from it or put into it.  net/stream.c does the moving.
 *
 * Nothing here logs; reasons are texts an administrator understands.
 */
#ifndef COSFTPD_TLS_H
#define COSFTPD_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../conf/log.h"

/* ---- digests (RFC 3174, 2104, 1321, 6234) ---- */
enum { TLS_SHA1_LEN = 20, TLS_MD5_LEN = 16, TLS_SHA256_LEN = 32 };

void tls_sha1(const void *, size_t, unsigned char out[TLS_SHA1_LEN]);
void tls_hmac_sha1(const void *key, size_t keylen, const void *, size_t,
    unsigned char out[TLS_SHA1_LEN]);
void tls_sha256(const void *, size_t, unsigned char out[TLS_SHA256_LEN]);

/* RFC 8018 5.2 with HMAC-SHA-256, one block; takes as long as it is told */
void tls_pbkdf2(const void *key, size_t keylen, const void *salt, size_t,
    uint32_t iterations, unsigned char out[TLS_SHA256_LEN]);

/* Incremental, over several slices; the state is plain data. */
struct tls_md5 {
	uint64_t opaque[16];
};
void tls_md5_init(struct tls_md5 *);
void tls_md5_update(struct tls_md5 *, const void *, size_t);
void tls_md5_final(const struct tls_md5 *, unsigned char out[TLS_MD5_LEN]);

/* lower-case hex, NUL-terminated: out has 2 * n + 1 bytes */
void tls_hex(char *out, const void *, size_t n);
/* base64 with padding, NUL-terminated: out has 4 * ((n + 2) / 3) + 1 bytes */
void tls_base64(char *out, const void *, size_t n);

void tls_random(void *, size_t);	/* getrandom(2); aborts if it fails */
bool tls_equal(const void *, const void *, size_t);	/* constant time */
void tls_wipe(void *, size_t);		/* never optimised away */

/* ---- certificates ---- */
struct tls_trust;	/* a set of trust anchors */
struct tls_identity;	/* our own chain and key (servers) */

/* file NULL: SSL_CERT_FILE, then the places of Debian, RHEL, Alpine, SUSE.
 * NULL and *e filled when nothing can be read or no certificate is found. */
struct tls_trust *tls_trust_load(const char *file, struct err *e);
void tls_trust_free(struct tls_trust *);

struct tls_identity *tls_identity_load(const char *cert_file,
    const char *key_file, struct err *e);
void tls_identity_free(struct tls_identity *);
unsigned tls_identity_rsa_bits(const struct tls_identity *);	/* 0: EC */
/* Why clients will refuse its certificate, as in "has expired"; else NULL. */
const char *tls_identity_fault(const struct tls_identity *);

/* A new P-256 key and a self-signed certificate for it, good for ten years, in
 * dir/key.pem and dir/cert.pem, which must not exist; for these host names and
 * addresses, this machine's name and localhost.  Says on out what it made. */
int tls_make_cert(const char *dir, char *const *names, size_t n, FILE *out,
    struct err *e);

/* ---- connections ---- */
struct tls_session;	/* client: what is needed to resume with one host */
struct tls_cache;	/* server: sessions for resumption */
struct tls_conn;

struct tls_session *tls_session_new(void);
void tls_session_free(struct tls_session *);
struct tls_cache *tls_cache_new(size_t bytes);
void tls_cache_free(struct tls_cache *);

/* TLS 1.2, ECDHE, AEAD only.  name is verified and sent as SNI.  session may
 * be NULL; it and trust must outlive the connection. */
struct tls_conn *tls_client_new(const struct tls_trust *, const char *name,
    struct tls_session *session, struct err *e);
/* small: control connections, 1 KB each way, and 16 KB while a larger record
 * is read; else full-size buffers. */
struct tls_conn *tls_server_new(const struct tls_identity *,
    struct tls_cache *, bool small, struct err *e);
void tls_free(struct tls_conn *);
/* Gives the buffers (33 KB, small: 2.5 KB) back while nothing is in them; the
 * next call that needs them takes them again, or fails for want of memory. */
void tls_rest(struct tls_conn *);
bool tls_resting(const struct tls_conn *);
size_t tls_bytes(const struct tls_conn *);	/* memory it holds now */
size_t tls_bytes_max(void);		/* and what one can hold at most */

enum tls_state {
	TLS_HANDSHAKE,
	TLS_OPEN,
	TLS_CLOSED,	/* close_notify went both ways, or ours after theirs */
	TLS_FAILED	/* see tls_reason */
};
enum tls_state tls_state(const struct tls_conn *);
const char *tls_reason(const struct tls_conn *);
bool tls_resumed(const struct tls_conn *);
/* "TLS 1.2, ECDHE-RSA-AES128-GCM-SHA256"; of an open connection. */
const char *tls_suite(const struct tls_conn *);
/* Has one of the two resumed the other's session, or both the same? */
bool tls_same_session(const struct tls_conn *, const struct tls_conn *);
/* The peer has sent close_notify: the plain bytes before it are all there. */
bool tls_peer_closed(const struct tls_conn *);

const unsigned char *tls_cipher_out(struct tls_conn *, size_t *n);
void tls_cipher_out_done(struct tls_conn *, size_t n);
unsigned char *tls_cipher_in(struct tls_conn *, size_t *room);
void tls_cipher_in_done(struct tls_conn *, size_t n);
const unsigned char *tls_plain_out(struct tls_conn *, size_t *n);
void tls_plain_out_done(struct tls_conn *, size_t n);
unsigned char *tls_plain_in(struct tls_conn *, size_t *room);
void tls_plain_in_done(struct tls_conn *, size_t n);

void tls_flush(struct tls_conn *);	/* make a record of what was put in */
/* Starts close_notify.  Plain bytes received but not taken are dropped. */
void tls_close(struct tls_conn *);

#endif
