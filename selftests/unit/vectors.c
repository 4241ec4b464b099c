// SPDX-License-Identifier: GPL-2.0-only
/*
 * vectors.c - the packets that RFCs print, laid out by the module's own code
 *
 * The table of algorithms and the arithmetic of the trailer are ours, the ciphers
 * are libcrypto's: what comes out must be the printed packet, octet for octet, and
 * what goes in must come out. All of them pad with 1, 2, 3, ... and no further than
 * they must, the draft's empty payload too (case 12). RFC 3602's have no ICV.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "../../kmod/alg.c"
#include "../../kmod/esp_fmt.h"
#include "unit.h"

struct packet {
	const char *id;
	u8 enc;
	const char *key, *salt;
	u32 spi, seq;
	int esn;
	u32 seq_hi;
	const char *iv;
	u8 next_header;
	const char *plain, *esp;
};

struct digest {
	const char *id;
	u8 auth;
	const char *key, *data, *icv;
};

/* Not the module's: for the layout of one packet more. */
#define CHACHA20_POLY1305	255

static const struct espl_alg chacha = {	/* RFC 7634 */
	.name = "chacha20-poly1305", .kind = ESPL_ALG_AEAD, .ivlen = 8,
	.icvlen = 16, .align = 4, .saltlen = 4, .minbits = 288, .maxbits = 288,
};

#include "vectors.h"

/* The file has none of them: cases 1, 3 and 5 of RFC 2202, cut as in RFC 2404. */
static const struct digest sha1[] = {
	{ "rfc2202-1", SADB_AALG_SHA1HMAC, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
	  "4869205468657265", "b617318655057264e28bc0b6" },
	{ "rfc2202-3", SADB_AALG_SHA1HMAC, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	  "dddddddddddddddddddddddddddddddddddddddddddddddddd"
	  "dddddddddddddddddddddddddddddddddddddddddddddddddd",
	  "125d7342b9ac11cd91a39af4" },
	{ "rfc2202-5", SADB_AALG_SHA1HMAC, "0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c",
	  "546573742057697468205472756e636174696f6e", "4c1a03424b55e07fe7f27be1" },
};

#define ROOM	512

static unsigned int unhex(const char *from, u8 *to)
{
	unsigned int len = 0, octet;

	for (; sscanf(from, "%2x", &octet) == 1; from += 2)
		to[len++] = octet;
	return len;
}

static const EVP_CIPHER *cipher_of(const struct espl_alg *alg, unsigned int keylen)
{
	if (alg == &chacha)
		return EVP_chacha20_poly1305();
	if (alg->kind == ESPL_ALG_AEAD)
		return keylen == 16 ? EVP_aes_128_gcm() :
		       keylen == 24 ? EVP_aes_192_gcm() : EVP_aes_256_gcm();
	return keylen == 16 ? EVP_aes_128_cbc() :
	       keylen == 24 ? EVP_aes_192_cbc() : EVP_aes_256_cbc();
}

/* One run of the cipher over @len octets; the ICV is at @icv, written or checked. */
static int run(const struct packet *p, const struct espl_alg *alg, int seal,
	       const u8 *from, unsigned int len, u8 *to, u8 *icv)
{
	u8 key[64], nonce[16], aad[12];
	unsigned int keylen = unhex(p->key, key);
	unsigned int saltlen = unhex(p->salt, nonce), aadlen = 0;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	u32 head[3] = { htonl(p->spi), htonl(p->seq_hi), htonl(p->seq) };
	int out, good;

	unhex(p->iv, nonce + saltlen);
	memcpy(aad, head, 4);
	memcpy(aad + 4, p->esn ? &head[1] : &head[2], 4);
	aadlen = p->esn ? 12 : 8;
	memcpy(aad + 8, &head[2], 4);
	good = saltlen == alg->saltlen &&
	       espl_alg_key_ok(alg, (keylen + saltlen) * 8) &&
	       EVP_CipherInit_ex(ctx, cipher_of(alg, keylen), NULL, key, nonce, seal);
	EVP_CIPHER_CTX_set_padding(ctx, 0);
	if (alg->icvlen && !seal)
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, alg->icvlen, icv);
	if (alg->icvlen)
		good = good && EVP_CipherUpdate(ctx, NULL, &out, aad, aadlen);
	good = good && EVP_CipherUpdate(ctx, to, &out, from, len) &&
	       EVP_CipherFinal_ex(ctx, to + out, &out);
	if (alg->icvlen && seal)
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, alg->icvlen, icv);
	EVP_CIPHER_CTX_free(ctx);
	return good;
}

static void seal(const struct packet *p, const struct espl_alg *alg)
{
	u8 plain[ROOM], want[ROOM], got[ROOM];
	unsigned int len = unhex(p->plain, plain), wanted = unhex(p->esp, want);
	unsigned int payload = len - ESPL_ESP_TAIL - plain[len - 2];
	unsigned int padding = espl_esp_padding(payload, alg->align);
	unsigned int at = ESPL_ESP_HDR + alg->ivlen;
	u32 head[2] = { htonl(p->spi), htonl(p->seq) };
	u8 ours[ROOM];
	int good;

	memcpy(ours, plain, payload);
	espl_esp_trailer_write(ours + payload, padding, p->next_header);
	good = payload + padding + ESPL_ESP_TAIL == len && !memcmp(ours, plain, len);
	memcpy(got, head, sizeof(head));
	good = good && unhex(p->iv, got + ESPL_ESP_HDR) == alg->ivlen;
	good = good && run(p, alg, 1, ours, len, got + at, got + at + len);
	check(good && at + len + alg->icvlen == wanted && !memcmp(got, want, wanted),
	      "%s is what we would send", p->id);
}

static void unseal(const struct packet *p, const struct espl_alg *alg)
{
	u8 esp[ROOM], plain[ROOM], want[ROOM], next = 0;
	unsigned int total = unhex(p->esp, esp), wanted = unhex(p->plain, want);
	unsigned int at = ESPL_ESP_HDR + alg->ivlen, len = total - at - alg->icvlen;
	int good, payload;

	good = run(p, alg, 0, esp + at, len, plain, esp + at + len);
	payload = espl_esp_trailer_read(plain, len, &next);
	check(good && next == p->next_header && payload >= 0 &&
	      (unsigned int)payload == wanted - ESPL_ESP_TAIL - want[wanted - 2] &&
	      !memcmp(plain, want, wanted), "%s is read", p->id);
}

static void digest(const struct digest *d)
{
	const struct espl_alg *alg = espl_alg_auth(d->auth);
	u8 key[ROOM], data[ROOM], want[ROOM], got[64];
	unsigned int keylen = unhex(d->key, key), len = unhex(d->data, data);
	unsigned int wanted = unhex(d->icv, want), size = 0;
	char hash[16] = "";	/* as the kernel's name for the HMAC has it */

	sscanf(alg->crypto, "hmac(%15[a-z0-9])", hash);
	HMAC(EVP_get_digestbyname(hash), key, keylen, data, len, got, &size);
	check(alg->icvlen == wanted && size >= wanted && !memcmp(got, want, wanted) &&
	      espl_alg_key_ok(alg, keylen * 8), "%s, %s cut to %u octets", d->id,
	      alg->crypto, alg->icvlen);
}

int main(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(packets); i++) {
		const struct espl_alg *alg = packets[i].enc == CHACHA20_POLY1305 ?
					     &chacha : espl_alg_enc(packets[i].enc);

		seal(&packets[i], alg);
		unseal(&packets[i], alg);
	}
	for (size_t i = 0; i < ARRAY_SIZE(digests); i++)
		digest(&digests[i]);
	for (size_t i = 0; i < ARRAY_SIZE(sha1); i++)
		digest(&sha1[i]);
	printf("# left out, as the module does not have them: %s\n", left_out);
	return unit_done();
}
