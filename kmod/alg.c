// SPDX-License-Identifier: GPL-2.0-only
/*
 * alg.c - the algorithms, one row each
 *
 * To add one is to add a row. The ids are PF_KEY's, the names setkey's, the
 * numbers those of the RFC named beside the row. Called by esp.c and ah.c, which
 * make crypto transforms of rows, and by the PF_KEY room.
 */
#include "alg.h"
#include "../uapi/linux/pfkeyv2.h"

/* Module parameters. */
bool espl_alg_weak;		/* algorithms that MUST NOT be used (RFC 8221) */
bool espl_alg_sha256_96;	/* HMAC-SHA2-256 cut to 96 bits, as af_key did */

/* A combined mode on a 128-bit block cipher, by the length of its ICV. */
#define AEAD(name_, crypto_, id_, icvlen_, saltlen_, minbits_)		\
	{								\
		.name = name_, .crypto = crypto_,			\
		.kind = ESPL_ALG_AEAD, .id = id_,			\
		.ivlen = 8, .icvlen = icvlen_, .align = 4,		\
		.saltlen = saltlen_, .minbits = minbits_,		\
		.maxbits = minbits_ + 128, .stepbits = 64,		\
	}
#define GCM(bits, id)	AEAD("aes-gcm-" #bits, "rfc4106(gcm(aes))", id, bits, 4, 160)
#define CCM(bits, id)	AEAD("aes-ccm-" #bits, "rfc4309(ccm(aes))", id, bits, 3, 152)

static const struct espl_alg table[] = {
	/* RFC 4106 */
	GCM(16, SADB_X_EALG_AES_GCM_ICV16),
	GCM(12, SADB_X_EALG_AES_GCM_ICV12),
	GCM(8, SADB_X_EALG_AES_GCM_ICV8),
	{	/* RFC 7634 */
		.name = "chacha20-poly1305", .crypto = "rfc7539esp(chacha20,poly1305)",
		.kind = ESPL_ALG_AEAD, .id = SADB_X_EALG_CHACHA20POLY1305,
		.ivlen = 8, .icvlen = 16, .align = 4, .saltlen = 4,
		.minbits = 288, .maxbits = 288,
	},
	/* RFC 4309 */
	CCM(16, SADB_X_EALG_AES_CCM_ICV16),
	CCM(12, SADB_X_EALG_AES_CCM_ICV12),
	CCM(8, SADB_X_EALG_AES_CCM_ICV8),
	/* RFC 4543: integrity only, and still numbered as encryption */
	AEAD("aes-gmac", "rfc4543(gcm(aes))", SADB_X_EALG_NULL_AES_GMAC, 16, 4, 160),
	{	/* RFC 3602 */
		.name = "aes-cbc", .crypto = "cbc(aes)",
		.kind = ESPL_ALG_ENC, .id = SADB_X_EALG_AESCBC,
		.ivlen = 16, .align = 16, .random_iv = true,
		.minbits = 128, .maxbits = 256, .stepbits = 64,
	},
	{	/* RFC 3686 */
		.name = "aes-ctr", .crypto = "rfc3686(ctr(aes))",
		.kind = ESPL_ALG_ENC, .id = SADB_X_EALG_AESCTR,
		.ivlen = 8, .align = 4, .saltlen = 4,
		.minbits = 160, .maxbits = 288, .stepbits = 64,
	},
	{	/* RFC 4312 */
		.name = "camellia-cbc", .crypto = "cbc(camellia)",
		.kind = ESPL_ALG_ENC, .id = SADB_X_EALG_CAMELLIACBC,
		.ivlen = 16, .align = 16, .random_iv = true,
		.minbits = 128, .maxbits = 256, .stepbits = 64,
	},
	{	/* RFC 2451; SHOULD NOT (RFC 8221) */
		.name = "3des-cbc", .crypto = "cbc(des3_ede)",
		.kind = ESPL_ALG_ENC, .id = SADB_EALG_3DESCBC,
		.ivlen = 8, .align = 8, .random_iv = true,
		.minbits = 192, .maxbits = 192,
	},
	{	/* RFC 2410 */
		.name = "null", .crypto = "ecb(cipher_null)",
		.kind = ESPL_ALG_ENC, .id = SADB_EALG_NULL,
		.align = 4,
	},
	{	/* RFC 2405; MUST NOT (RFC 8221) */
		.name = "des-cbc", .crypto = "cbc(des)",
		.kind = ESPL_ALG_ENC, .id = SADB_EALG_DESCBC,
		.ivlen = 8, .align = 8, .random_iv = true,
		.minbits = 64, .maxbits = 64, .only_if = &espl_alg_weak,
	},
	{	/* RFC 2451; MUST NOT (RFC 8221) */
		.name = "blowfish-cbc", .crypto = "cbc(blowfish)",
		.kind = ESPL_ALG_ENC, .id = SADB_X_EALG_BLOWFISHCBC,
		.ivlen = 8, .align = 8, .random_iv = true,
		.minbits = 40, .maxbits = 448, .stepbits = 8,
		.only_if = &espl_alg_weak,
	},
	{	/* RFC 2451; MUST NOT (RFC 8221) */
		.name = "cast128-cbc", .crypto = "cbc(cast5)",
		.kind = ESPL_ALG_ENC, .id = SADB_X_EALG_CASTCBC,
		.ivlen = 8, .align = 8, .random_iv = true,
		.minbits = 40, .maxbits = 128, .stepbits = 8,
		.only_if = &espl_alg_weak,
	},
	{	/* RFC 2404 */
		.name = "hmac-sha1", .crypto = "hmac(sha1)",
		.kind = ESPL_ALG_AUTH, .id = SADB_AALG_SHA1HMAC,
		.icvlen = 12, .minbits = 160, .maxbits = 160,
	},
	{	/* a draft that af_key followed; ahead of the row that it replaces */
		.name = "hmac-sha2-256", .crypto = "hmac(sha256)",
		.kind = ESPL_ALG_AUTH, .id = SADB_X_AALG_SHA2_256HMAC,
		.icvlen = 12, .minbits = 256, .maxbits = 256,
		.only_if = &espl_alg_sha256_96,
	},
	{	/* RFC 4868, 128 bits on the wire */
		.name = "hmac-sha2-256", .crypto = "hmac(sha256)",
		.kind = ESPL_ALG_AUTH, .id = SADB_X_AALG_SHA2_256HMAC,
		.icvlen = 16, .minbits = 256, .maxbits = 256,
	},
	{	/* RFC 4868 */
		.name = "hmac-sha2-384", .crypto = "hmac(sha384)",
		.kind = ESPL_ALG_AUTH, .id = SADB_X_AALG_SHA2_384HMAC,
		.icvlen = 24, .minbits = 384, .maxbits = 384,
	},
	{	/* RFC 4868 */
		.name = "hmac-sha2-512", .crypto = "hmac(sha512)",
		.kind = ESPL_ALG_AUTH, .id = SADB_X_AALG_SHA2_512HMAC,
		.icvlen = 32, .minbits = 512, .maxbits = 512,
	},
	{	/* RFC 3566 */
		.name = "aes-xcbc-mac", .crypto = "xcbc(aes)",
		.kind = ESPL_ALG_AUTH, .id = SADB_X_AALG_AES_XCBC_MAC,
		.icvlen = 12, .minbits = 128, .maxbits = 128,
	},
	{	/* RFC 4494 */
		.name = "aes-cmac", .crypto = "cmac(aes)",
		.kind = ESPL_ALG_AUTH, .id = SADB_X_AALG_AES_CMAC,
		.icvlen = 12, .minbits = 128, .maxbits = 128,
	},
	{	/* RFC 2403; MUST NOT (RFC 8221) */
		.name = "hmac-md5", .crypto = "hmac(md5)",
		.kind = ESPL_ALG_AUTH, .id = SADB_AALG_MD5HMAC,
		.icvlen = 12, .minbits = 128, .maxbits = 128,
		.only_if = &espl_alg_weak,
	},
};

static const struct espl_alg *find(bool auth, u8 id, bool enabled)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(table); i++) {
		const struct espl_alg *alg = &table[i];
		bool is_auth = alg->kind == ESPL_ALG_AUTH;

		if (is_auth == auth && alg->id == id &&
		    (!alg->only_if || *alg->only_if) == enabled)
			return alg;
	}
	return NULL;
}

/**
 * espl_alg_enc() - the encryption or combined-mode algorithm with a number
 * @id: SADB_EALG_*
 *
 * Context: Any.
 * Return: The row, or NULL where we have none.
 */
const struct espl_alg *espl_alg_enc(u8 id)
{
	return find(false, id, true);
}

/**
 * espl_alg_auth() - the integrity algorithm with a number
 * @id: SADB_AALG_*
 *
 * Context: Any.
 * Return: The row, or NULL where we have none.
 */
const struct espl_alg *espl_alg_auth(u8 id)
{
	return find(true, id, true);
}

/**
 * espl_alg_row() - walk the table
 * @i: 0, 1, ...
 *
 * Context: Any.
 * Return: The row, or NULL past the last.
 */
const struct espl_alg *espl_alg_row(unsigned int i)
{
	return i < ARRAY_SIZE(table) ? &table[i] : NULL;
}

/**
 * espl_alg_enabled() - is a row the one that counts for its number
 * @alg: the row
 *
 * Context: Any.
 * Return: Whether it is.
 */
bool espl_alg_enabled(const struct espl_alg *alg)
{
	return find(alg->kind == ESPL_ALG_AUTH, alg->id, true) == alg;
}

/**
 * espl_alg_forbidden() - do we have an algorithm, but it must not be used
 * @auth: among the integrity algorithms
 * @id: its number
 *
 * Context: Any.
 * Return: Whether that is why espl_alg_enc() or espl_alg_auth() found none.
 */
bool espl_alg_forbidden(bool auth, u8 id)
{
	return !find(auth, id, true) && find(auth, id, false);
}

/**
 * espl_alg_key_ok() - is this a legal key length
 * @alg: the algorithm
 * @bits: the key's length in bits, salt included
 *
 * Context: Any.
 * Return: Whether it is.
 */
bool espl_alg_key_ok(const struct espl_alg *alg, unsigned int bits)
{
	if (bits < alg->minbits || bits > alg->maxbits)
		return false;
	return !alg->stepbits || (bits - alg->minbits) % alg->stepbits == 0;
}
