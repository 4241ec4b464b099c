// SPDX-License-Identifier: GPL-2.0-only
/*
 * The algorithms that a script can name: one row each, no special cases
 * elsewhere. The kernel has the last word on which of them it offers
 * (SADB_REGISTER); the key lengths here say which are sensible within its
 * minimum and maximum, and stand alone under -n.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "setkey.h"

#define ENC	SADB_EXT_KEY_ENCRYPT
#define AUTH	SADB_EXT_KEY_AUTH
#define COMP	0

/* KAME's private numbers, which no Linux header has. */
#define AALG_KEYED_MD5	249
#define AALG_KEYED_SHA1	250

#define CIPHER(n, i, lo, hi, st, ...) \
	{ .name = n, .ext = ENC, .id = SADB_##i, .min = lo, .max = hi, \
	  .step = st, .bare = true, ##__VA_ARGS__ }
#define AEAD(n, i, lo, hi, st) \
	{ .name = n, .ext = ENC, .id = SADB_X_EALG_##i, .min = lo, .max = hi, \
	  .step = st, .aead = true }
#define MAC(n, i, bits, ...) \
	{ .name = n, .ext = AUTH, .id = i, .min = bits, .max = bits, \
	  ##__VA_ARGS__ }
#define SQUEEZE(n, i) \
	{ .name = n, .ext = COMP, .id = SADB_X_CALG_##i }

/* Bits of the key: least, most, step. The first row of an id names dumps. */
static const struct alg algs[] = {
	CIPHER("des-cbc", EALG_DESCBC, 64, 64, 0, .weak = true),
	CIPHER("des-deriv", EALG_DESCBC, 64, 64, 0,
	       .flags = SADB_X_EXT_DERIV, .weak = true),
	CIPHER("des-32iv", EALG_DESCBC, 64, 64, 0, .flags = SADB_X_EXT_IV4B,
	       .weak = true),
	CIPHER("3des-cbc", EALG_3DESCBC, 192, 192, 0),
	CIPHER("cast128-cbc", X_EALG_CASTCBC, 40, 128, 8, .weak = true),
	CIPHER("blowfish-cbc", X_EALG_BLOWFISHCBC, 40, 448, 8, .weak = true),
	CIPHER("null", EALG_NULL, 0, 0, 0),
	CIPHER("simple", EALG_NULL, 0, 0, 0),
	CIPHER("aes-cbc", X_EALG_AESCBC, 128, 256, 64),
	CIPHER("rijndael-cbc", X_EALG_AESCBC, 128, 256, 64),
	CIPHER("aes-ctr", X_EALG_AESCTR, 160, 288, 64),
	CIPHER("camellia-cbc", X_EALG_CAMELLIACBC, 128, 256, 64),
	CIPHER("twofish-cbc", X_EALG_TWOFISHCBC, 128, 256, 64),

	AEAD("aes-ccm-8", AES_CCM_ICV8, 152, 280, 64),
	AEAD("aes-ccm-12", AES_CCM_ICV12, 152, 280, 64),
	AEAD("aes-ccm-16", AES_CCM_ICV16, 152, 280, 64),
	AEAD("aes-gcm-8", AES_GCM_ICV8, 160, 288, 64),
	AEAD("aes-gcm-12", AES_GCM_ICV12, 160, 288, 64),
	AEAD("aes-gcm-16", AES_GCM_ICV16, 160, 288, 64),
	AEAD("aes-gmac", NULL_AES_GMAC, 160, 288, 64),
	AEAD("chacha20-poly1305", CHACHA20POLY1305, 288, 288, 0),

	MAC("hmac-md5", SADB_AALG_MD5HMAC, 128, .weak = true),
	MAC("hmac-sha1", SADB_AALG_SHA1HMAC, 160),
	MAC("keyed-md5", AALG_KEYED_MD5, 128, .weak = true),
	MAC("keyed-sha1", AALG_KEYED_SHA1, 160),
	MAC("hmac-sha256", SADB_X_AALG_SHA2_256HMAC, 256),
	MAC("hmac-sha2-256", SADB_X_AALG_SHA2_256HMAC, 256),
	MAC("hmac-sha384", SADB_X_AALG_SHA2_384HMAC, 384),
	MAC("hmac-sha2-384", SADB_X_AALG_SHA2_384HMAC, 384),
	MAC("hmac-sha512", SADB_X_AALG_SHA2_512HMAC, 512),
	MAC("hmac-sha2-512", SADB_X_AALG_SHA2_512HMAC, 512),
	MAC("hmac-ripemd160", SADB_X_AALG_RIPEMD160HMAC, 160),
	MAC("aes-xcbc-mac", SADB_X_AALG_AES_XCBC_MAC, 128),
	MAC("aes-cmac", SADB_X_AALG_AES_CMAC, 128),
	MAC("null", SADB_X_AALG_NULL, 0),

	SQUEEZE("oui", OUI),
	SQUEEZE("deflate", DEFLATE),
	SQUEEZE("lzs", LZS),
};

const struct alg *alg_by_name(uint8_t ext, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(algs); i++)
		if (algs[i].ext == ext && !strcmp(algs[i].name, name))
			return &algs[i];
	return NULL;
}

const char *alg_name(uint8_t ext, uint8_t id, char *buf, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(algs); i++)
		if (algs[i].ext == ext && algs[i].id == id)
			return algs[i].name;
	snprintf(buf, size, "#%u", id);
	return buf;
}

static bool length_ok(const struct alg *a, unsigned int bits, uint16_t min,
		      uint16_t max)
{
	if (bits < a->min || bits > a->max || bits < min || bits > max)
		return false;
	return !a->step || (bits - a->min) % a->step == 0;
}

/* "128, 192 or 256 bits"; a range where a list would be a long one. */
static void lengths_text(const struct alg *a, uint16_t min, uint16_t max,
			 char *buf, size_t size)
{
	unsigned int found[4], n = 0;
	size_t at = 0;

	for (unsigned int bits = a->min; bits <= a->max;
	     bits += a->step ? a->step : 1)
		if (length_ok(a, bits, min, max) && n++ < ARRAY_SIZE(found))
			found[n - 1] = bits;
	if (!n || n > ARRAY_SIZE(found)) {
		snprintf(buf, size, "%u to %u bits", a->min, a->max);
		return;
	}
	for (unsigned int i = 0; i < n; i++)
		at += snprintf(buf + at, size - at, "%s%u",
			       !i ? "" : i + 1 < n ? ", " : " or ", found[i]);
	snprintf(buf + at, size - at, " bits");
}

static void alg_start(struct key *key, uint8_t ext, const char *name)
{
	if (key->alg)
		refuse("syntax error", name, "one algorithm of a kind is enough");
	key->alg = alg_by_name(ext, name);
	if (!key->alg)
		refuse("syntax error", name, "no such %s algorithm",
		       ext == ENC ? "encryption" : ext == AUTH ?
		       "authentication" : "compression");
	if (ext == ENC && !strcmp(name, "simple"))
		warn_at("warning: simple is an old name of null");
}

/* The token shown is the algorithm's name: a key belongs in no message. */
static void key_check(const struct key *key, unsigned int bits)
{
	const struct alg *a = key->alg;
	uint16_t min = a->min, max = a->max;
	char lengths[64];

	if (a->ext != COMP && !pfkey_supports(a, &min, &max))
		refuse("Not supported", a->name, a->weak ?
		       "it MUST NOT be used (RFC 8221): offered only with allow_weak=1" :
		       "the kernel's PF_KEY does not offer this algorithm");
	if (length_ok(a, bits, min, max))
		return;
	if (!a->max)
		refuse("Invalid key length", a->name, "it takes no key");
	lengths_text(a, min, max, lengths, sizeof(lengths));
	if (!bits)
		refuse("Invalid key length", a->name, "it wants a key of %s",
		       lengths);
	refuse("Invalid key length", a->name, "%u bits given, %s wanted", bits,
	       lengths);
}

void key_none(struct key *key, uint8_t ext, const char *alg)
{
	alg_start(key, ext, alg);
	key_check(key, 0);
}

void key_text(struct key *key, uint8_t ext, const char *alg, const char *text)
{
	size_t len = strlen(text);

	alg_start(key, ext, alg);
	key_check(key, len * 8);
	memcpy(key->bytes, text, len);
	key->bits = len * 8;
}

static uint8_t nibble(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* An odd digit count leaves the first digit a byte of its own. */
void key_hex(struct key *key, uint8_t ext, const char *alg, const char *hex)
{
	size_t digits, at = 0;

	alg_start(key, ext, alg);
	if (strncasecmp(hex, "0x", 2))
		refuse("syntax error", alg,
		       "its key is \"quoted text\" or 0xHEX digits");
	hex += 2;
	digits = strlen(hex);
	if (strspn(hex, "0123456789abcdefABCDEF") != digits)
		refuse("syntax error", alg,
		       "its key has other characters than hexadecimal digits");
	key_check(key, (digits + 1) / 2 * 8);
	if (digits % 2)
		key->bytes[at++] = nibble(*hex++);
	for (; *hex; hex += 2)
		key->bytes[at++] = nibble(hex[0]) << 4 | nibble(hex[1]);
	key->bits = at * 8;
}
