// SPDX-License-Identifier: GPL-2.0-only
/*
 * alg.c - the algorithms, one row each
 *
 * To add one is to add a row. The ids are PF_KEY's, the names setkey's, the
 * numbers those of the RFC named beside the row. Called by esp.c, which makes
 * crypto transforms of rows, and by the PF_KEY room.
 */
#include "alg.h"
#include "../uapi/linux/pfkeyv2.h"

static const struct espl_alg table[] = {
	{	/* RFC 4106 */
		.name = "aes-gcm-16", .crypto = "rfc4106(gcm(aes))",
		.kind = ESPL_ALG_AEAD, .id = SADB_X_EALG_AES_GCM_ICV16,
		.ivlen = 8, .icvlen = 16, .align = 4, .saltlen = 4,
		.minbits = 160, .maxbits = 288, .stepbits = 64,
	},
	{	/* RFC 3602 */
		.name = "aes-cbc", .crypto = "cbc(aes)",
		.kind = ESPL_ALG_ENC, .id = SADB_X_EALG_AESCBC,
		.ivlen = 16, .align = 16, .random_iv = true,
		.minbits = 128, .maxbits = 256, .stepbits = 64,
	},
	{	/* RFC 2410 */
		.name = "null", .crypto = "ecb(cipher_null)",
		.kind = ESPL_ALG_ENC, .id = SADB_EALG_NULL,
		.align = 4,
	},
	{	/* RFC 2404 */
		.name = "hmac-sha1", .crypto = "hmac(sha1)",
		.kind = ESPL_ALG_AUTH, .id = SADB_AALG_SHA1HMAC,
		.icvlen = 12, .minbits = 160, .maxbits = 160,
	},
	{	/* RFC 4868, 128 bits on the wire (not af_key's 96) */
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
};

static const struct espl_alg *find(bool auth, u8 id)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(table); i++) {
		bool is_auth = table[i].kind == ESPL_ALG_AUTH;

		if (is_auth == auth && table[i].id == id)
			return &table[i];
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
	return find(false, id);
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
	return find(true, id);
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
