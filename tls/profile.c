/*
 * tls/profile.c - what we speak: TLS 1.2 with ephemeral keys and AEAD
 * ciphers, certificates with SHA-2 signatures.  BearSSL's ready-made profiles
 * also allow TLS 1.0, 3DES, CBC and the RSA key exchange, so none is used.
 */
#include "tls_int.h"

enum {
	MIN_RSA_BYTES = 256,		/* 2048 bits */
	DAYS_TO_1970 = 719528,		/* BearSSL counts from the year 0 */
	DAY_S = 86400
};

static const struct {
	const br_hash_class *hash;
	int id;
} hashes[] = {
	{ &br_sha224_vtable, br_sha224_ID },
	{ &br_sha256_vtable, br_sha256_ID },
	{ &br_sha384_vtable, br_sha384_ID },
	{ &br_sha512_vtable, br_sha512_ID },
};

static const uint16_t aes_first[] = {
	BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
};

/* Without AES instructions ChaCha20 is three times as fast. */
static const uint16_t chacha_first[] = {
	BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
};

enum {
	NHASHES = sizeof(hashes) / sizeof(hashes[0]),
	NSUITES = sizeof(aes_first) / sizeof(aes_first[0])
};

const char *
tls_profile_suite(unsigned suite)
{
	switch (suite) {
	case BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256:
		return "TLS 1.2, ECDHE-ECDSA-AES128-GCM-SHA256";
	case BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256:
		return "TLS 1.2, ECDHE-RSA-AES128-GCM-SHA256";
	case BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384:
		return "TLS 1.2, ECDHE-ECDSA-AES256-GCM-SHA384";
	case BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384:
		return "TLS 1.2, ECDHE-RSA-AES256-GCM-SHA384";
	case BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256:
		return "TLS 1.2, ECDHE-ECDSA-CHACHA20-POLY1305";
	case BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256:
		return "TLS 1.2, ECDHE-RSA-CHACHA20-POLY1305";
	}
	return "TLS 1.2";
}

/*
 * BearSSL seeds itself from an instruction or a device file; the latter does
 * not exist in a chroot and is not allowed in a sandbox.  We hand it 32 bytes
 * of getrandom(2) instead and mark its own attempt as made.
 */
static void
seed(br_ssl_engine_context *eng)
{
	unsigned char entropy[32];

	tls_random(entropy, sizeof(entropy));
	br_ssl_engine_inject_entropy(eng, entropy, sizeof(entropy));
	tls_wipe(entropy, sizeof(entropy));
	eng->rng_os_rand_done = 1;
}

void
tls_profile_engine(br_ssl_engine_context *eng)
{
	size_t i;

	br_ssl_engine_set_versions(eng, BR_TLS12, BR_TLS12);
	br_ssl_engine_set_suites(eng, br_aes_x86ni_ctr_get_vtable() != NULL ?
	    aes_first : chacha_first, NSUITES);
	br_ssl_engine_set_default_aes_gcm(eng);
	br_ssl_engine_set_default_chapol(eng);
	br_ssl_engine_set_default_ecdsa(eng);	/* and the curves */
	br_ssl_engine_set_default_rsavrfy(eng);
	for (i = 0; i < NHASHES; i++)
		br_ssl_engine_set_hash(eng, hashes[i].id, hashes[i].hash);
	br_ssl_engine_set_prf_sha256(eng, &br_tls12_sha256_prf);
	br_ssl_engine_set_prf_sha384(eng, &br_tls12_sha384_prf);
	br_ssl_engine_add_flags(eng, BR_OPT_NO_RENEGOTIATION |
	    BR_OPT_ENFORCE_SERVER_PREFERENCES);
	seed(eng);
}

/* The clock is passed in: BearSSL knows time(2) only on systems it has been
 * told about when it was compiled. */
void
tls_profile_client(br_ssl_client_context *cc, br_x509_minimal_context *x509,
    const struct tls_trust *trust)
{
	time_t now = time(NULL);
	size_t i;

	br_x509_minimal_init(x509, &br_sha256_vtable, trust->anchor, trust->n);
	for (i = 0; i < NHASHES; i++)
		br_x509_minimal_set_hash(x509, hashes[i].id, hashes[i].hash);
	br_x509_minimal_set_rsa(x509, br_rsa_pkcs1_vrfy_get_default());
	br_x509_minimal_set_ecdsa(x509, br_ec_get_default(),
	    br_ecdsa_vrfy_asn1_get_default());
	br_x509_minimal_set_minrsa(x509, MIN_RSA_BYTES);
	br_x509_minimal_set_time(x509, (uint32_t)(now / DAY_S + DAYS_TO_1970),
	    (uint32_t)(now % DAY_S));
	br_ssl_engine_set_x509(&cc->eng, &x509->vtable);
}

void
tls_profile_server(br_ssl_server_context *sc, const struct tls_identity *id)
{
	const br_rsa_private_key *rsa = br_skey_decoder_get_rsa(&id->key);
	const br_ec_private_key *ec = br_skey_decoder_get_ec(&id->key);

	if (rsa != NULL)
		br_ssl_server_set_single_rsa(sc, id->chain, id->chain_len,
		    rsa, BR_KEYTYPE_SIGN, br_rsa_private_get_default(),
		    br_rsa_pkcs1_sign_get_default());
	else
		br_ssl_server_set_single_ec(sc, id->chain, id->chain_len, ec,
		    BR_KEYTYPE_SIGN, BR_KEYTYPE_EC, br_ec_get_default(),
		    br_ecdsa_sign_asn1_get_default());
}
