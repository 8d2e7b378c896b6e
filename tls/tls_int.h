/*
 * tls/tls_int.h - what the files of tls/ share: PEM blocks, the insides of
 * trust sets, identities and sessions, the profile, and error texts.
 */
#ifndef COSFTPD_TLS_INT_H
#define COSFTPD_TLS_INT_H

/* Inline functions in BearSSL's headers narrow integers silently. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#include <bearssl.h>
#pragma GCC diagnostic pop

#include <time.h>

#include "tls.h"

/* ---- pem.c ---- */

/* One decoded block; the list keeps the order of the file. */
struct tls_pem {
	struct tls_pem *next;
	char name[48];		/* "CERTIFICATE", in capitals */
	size_t len;
	unsigned char der[];
};

/* NULL with *e filled when the file cannot be read, a block is damaged, or
 * there is none.  tls_pem_free wipes: some blocks are keys. */
struct tls_pem *tls_pem_load(const char *file, struct err *e);
void tls_pem_free(struct tls_pem *);
bool tls_pem_is_cert(const struct tls_pem *);

/* ---- der.c: what is in a certificate or a key ---- */

struct tls_slice {
	const unsigned char *p;
	size_t n;
};

struct tls_der_cert {		/* all points into the certificate */
	struct tls_slice issuer, subject;	/* n is 0: not reached */
	struct tls_slice validity;
	bool ca;			/* RFC 5280 4.2.1.9 */
	br_x509_pkey key;
};
/* 0, or the BearSSL error that says it best; the names are there all the same
 * when only the key is of a kind we cannot use. */
int tls_der_cert(const void *der, size_t n, struct tls_der_cert *);
/* What is wrong with its validity just now; NULL: nothing */
const char *tls_der_dated(struct tls_slice validity, time_t now);
/* Does this private key fit BearSSL's decoder? */
bool tls_der_key_fits(const struct tls_pem *);

/* ---- trust.c, identity.c ---- */

struct tls_trust {
	br_x509_trust_anchor *anchor;	/* owned; dn.data is all of one */
	size_t n;
};

struct tls_identity {
	struct tls_pem *certs;		/* owns the bytes of chain */
	br_x509_certificate *chain;
	size_t chain_len;
	br_skey_decoder_context key;	/* holds the key's numbers */
};

/* ---- session.c ---- */

struct tls_cache {
	br_ssl_session_cache_lru lru;
	unsigned char *store;
	size_t size;
};

/* One server connection's view of the cache: it notices a full handshake. */
struct tls_cache_port {
	const br_ssl_session_cache_class *vtable;	/* first: BearSSL's */
	struct tls_cache *cache;
	bool saved;
};
void tls_cache_port_init(struct tls_cache_port *, struct tls_cache *);

struct tls_session_id {
	unsigned char id[32];
	size_t len;			/* 0: none */
};

/* Puts the session into the engine if there is one for this name, and its id
 * into *id: other connections may replace the session meanwhile. */
bool tls_session_offer(const struct tls_session *, br_ssl_engine_context *,
    const char *name, struct tls_session_id *id);
/* Is the session of the finished handshake the one offered? */
bool tls_session_same(const br_ssl_engine_context *,
    const struct tls_session_id *);
void tls_session_keep(struct tls_session *, const br_ssl_engine_context *,
    const char *name);
void tls_session_forget(struct tls_session *);

/* ---- input.c ---- */

struct tls_input {			/* zero it */
	unsigned char *large;		/* owned; NULL: the small one is used */
	unsigned char *small;
	size_t small_len;
};
/* Before n bytes are handed to the engine, which has them in its buffer. */
void tls_input_grow(struct tls_input *, br_ssl_engine_context *, size_t n);
void tls_input_shrink(struct tls_input *, br_ssl_engine_context *);
void tls_input_end(struct tls_input *);	/* with the engine */
/* ---- conn_open.c, conn.c ---- */

struct tls_conn {
	union {
		br_ssl_engine_context eng;	/* both begin with it */
		br_ssl_client_context client;
		br_ssl_server_context server;
	} u;
	enum tls_state state;
	bool is_client, closing, resumed;
	br_x509_minimal_context *x509;	/* owned; during the handshake */
	struct tls_session *session;
	struct tls_session_id offered;
	struct tls_cache_port port;
	struct tls_input input;
	unsigned char head[5];		/* the first bytes received */
	size_t head_len;
	char reason[160];
	size_t in, out;			/* sizes of the engine's buffers, */
	unsigned char *buf;		/* owned, one after the other; NULL
					 * while it rests */
};

bool tls_conn_buffers_new(struct tls_conn *);
void tls_conn_buffers_free(struct tls_conn *);	/* wipes them */
void tls_conn_verified(struct tls_conn *);	/* frees x509 */

/* ---- profile.c ---- */

void tls_profile_engine(br_ssl_engine_context *);
void tls_profile_client(br_ssl_client_context *, br_x509_minimal_context *,
    const struct tls_trust *);
void tls_profile_server(br_ssl_server_context *, const struct tls_identity *);

/* A cipher suite's name behind that of the version. */
const char *tls_profile_suite(unsigned suite);

/* ---- reason.c ---- */

/* The words for a BearSSL error number, alerts included. */
const char *tls_words(int error);

#endif
