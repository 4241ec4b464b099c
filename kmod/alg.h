/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * alg.h - the table of algorithms: one row each, and the questions about it
 *
 * Pure: no crypto is touched here. esp.c and ah.c make transforms from the rows,
 * the PF_KEY room reads them to check keys and to answer REGISTER.
 */
#ifndef ESPL_ALG_H
#define ESPL_ALG_H

#include "portable.h"

/** enum espl_alg_kind - what an algorithm can be used for */
enum espl_alg_kind {
	ESPL_ALG_ENC,	/* confidentiality only: needs an ESPL_ALG_AUTH beside it */
	ESPL_ALG_AUTH,	/* integrity only */
	ESPL_ALG_AEAD,	/* both; numbered among the encryption algorithms */
};

/**
 * struct espl_alg - one algorithm
 * @name: as setkey spells it
 * @crypto: the kernel crypto API's name for it
 * @kind: what it protects
 * @id: SADB_EALG_* (ENC, AEAD) or SADB_AALG_* (AUTH) number
 * @ivlen: octets of IV on the wire
 * @icvlen: octets of ICV on the wire, after truncation
 * @align: what ciphertext plus trailer must be a multiple of, octets, at least 4
 * @saltlen: octets at the key's end that are nonce salt, counted in the bits
 * @minbits: shortest key in bits, as PF_KEY counts it (salt included)
 * @maxbits: longest key
 * @stepbits: distance between legal lengths; 0 where only one is
 * @random_iv: the IV must be unpredictable (CBC); else unique (a counter)
 * @only_if: the row counts only while this is set; NULL: always
 */
struct espl_alg {
	const char *name;
	const char *crypto;
	enum espl_alg_kind kind;
	u8 id;
	u8 ivlen;
	u8 icvlen;
	u8 align;
	u8 saltlen;
	u16 minbits;
	u16 maxbits;
	u16 stepbits;
	bool random_iv;
	const bool *only_if;
};

/* The longest key in octets, of any row: HMAC-SHA2-512. */
#define ESPL_KEY_MAX	64

extern bool espl_alg_weak, espl_alg_sha256_96;

const struct espl_alg *espl_alg_enc(u8 id);
const struct espl_alg *espl_alg_auth(u8 id);
const struct espl_alg *espl_alg_row(unsigned int i);
bool espl_alg_enabled(const struct espl_alg *alg);
bool espl_alg_forbidden(bool auth, u8 id);
bool espl_alg_key_ok(const struct espl_alg *alg, unsigned int bits);

#endif
