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

struct stream {
	const char *id, *key, *salt, *iv, *plain, *cipher;
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

#define ROOM	1024

static unsigned int unhex(const char *from, u8 *to)
{
	unsigned int len = 0, octet;

	for (; sscanf(from, "%2x", &octet) == 1; from += 2)
		to[len++] = octet;
	return len;
}

/* By the kernel's name and the length of the key without salt. */
static const EVP_CIPHER *cipher_of(const struct espl_alg *alg, unsigned int keylen)
{
	char name[32];

	if (strstr(alg->crypto, "chacha20"))
		return EVP_chacha20_poly1305();
	snprintf(name, sizeof(name), "AES-%u-%s", keylen * 8,
		 strstr(alg->crypto, "gcm(") ? "GCM" :
		 strstr(alg->crypto, "ctr(") ? "CTR" : "CBC");
	return EVP_get_cipherbyname(name);
}

static bool is_gmac(const struct espl_alg *alg)
{
	return alg->id == SADB_X_EALG_NULL_AES_GMAC;
}

/* What the ICV covers in front of the cipher text: SPI and sequence number. */
static unsigned int make_aad(const struct packet *p, u8 *aad)
{
	u32 head[3] = { htonl(p->spi), htonl(p->seq_hi), htonl(p->seq) };

	memcpy(aad, head, 4);
	memcpy(aad + 4, p->esn ? &head[1] : &head[2], 4);
	memcpy(aad + 8, &head[2], 4);
	return p->esn ? 12 : 8;
}

/* One run of the cipher over @len octets; the ICV is at @icv, written or checked. */
static int run(const struct packet *p, const struct espl_alg *alg, int seal,
	       const u8 *from, unsigned int len, u8 *to, u8 *icv)
{
	u8 key[64], nonce[16], aad[ROOM];
	unsigned int keylen = unhex(p->key, key);
	unsigned int saltlen = unhex(p->salt, nonce);
	unsigned int aadlen = make_aad(p, aad);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int out, good;

	unhex(p->iv, nonce + saltlen);
	good = saltlen == alg->saltlen &&
	       espl_alg_key_ok(alg, (keylen + saltlen) * 8) &&
	       EVP_CipherInit_ex(ctx, cipher_of(alg, keylen), NULL, key, nonce, seal);
	EVP_CIPHER_CTX_set_padding(ctx, 0);
	if (is_gmac(alg)) {	/* all of it is only covered (RFC 4543) */
		aadlen += unhex(p->iv, aad + aadlen);
		memcpy(aad + aadlen, from, len);
		memcpy(to, from, len);
		aadlen += len;
		len = 0;
	}
	if (alg->icvlen && !seal)
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, alg->icvlen, icv);
	if (alg->icvlen)
		good = good && EVP_CipherUpdate(ctx, NULL, &out, aad, aadlen);
	out = 0;
	good = good && (!len || EVP_CipherUpdate(ctx, to, &out, from, len)) &&
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

/* One block of AES. */
static void block(const u8 *key, const u8 *from, u8 *to)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int out;

	EVP_EncryptInit_ex(ctx, EVP_aes_128_ecb(), NULL, key, NULL);
	EVP_EncryptUpdate(ctx, to, &out, from, 16);
	EVP_CIPHER_CTX_free(ctx);
}

/* RFC 3566 section 4, which libcrypto does not have. */
static void xcbc(const u8 *key, const u8 *data, unsigned int len, u8 *mac)
{
	u8 k[3][16], last[16] = {};
	unsigned int whole = len ? (len - 1) / 16 * 16 : 0, rest = len - whole;

	for (int i = 0; i < 3; i++) {
		memset(k[i], i + 1, 16);
		block(key, k[i], k[i]);
	}
	memset(mac, 0, 16);
	for (unsigned int at = 0; at < whole; at += 16) {
		for (int i = 0; i < 16; i++)
			mac[i] ^= data[at + i];
		block(k[0], mac, mac);
	}
	memcpy(last, data + whole, rest);
	if (rest < 16)
		last[rest] = 0x80;
	for (int i = 0; i < 16; i++)
		mac[i] ^= last[i] ^ k[rest < 16 ? 2 : 1][i];
	block(k[0], mac, mac);
}

static void mac_of(const struct espl_alg *alg, const u8 *key, unsigned int keylen,
		   const u8 *data, unsigned int len, u8 *mac)
{
	char hash[16] = "";	/* as the kernel's name for the HMAC has it */
	size_t size;

	if (!strcmp(alg->crypto, "xcbc(aes)"))
		xcbc(key, data, len, mac);
	else if (sscanf(alg->crypto, "hmac(%15[a-z0-9])", hash) == 1)
		EVP_Q_mac(NULL, "HMAC", NULL, hash, NULL, key, keylen, data, len,
			  mac, 64, &size);
	else
		EVP_Q_mac(NULL, "CMAC", NULL, "AES-128-CBC", NULL, key, keylen, data,
			  len, mac, 64, &size);
}

static void digest(const struct digest *d)
{
	const struct espl_alg *alg = espl_alg_auth(d->auth);
	u8 key[ROOM], data[ROOM], want[ROOM], got[64] = {};
	unsigned int keylen = unhex(d->key, key), len = unhex(d->data, data);
	unsigned int wanted = unhex(d->icv, want);

	mac_of(alg, key, keylen, data, len, got);
	check(alg->icvlen == wanted && !memcmp(got, want, wanted) &&
	      espl_alg_key_ok(alg, keylen * 8), "%s, %s cut to %u octets", d->id,
	      alg->crypto, alg->icvlen);
}

/* RFC 3686: the counter block is nonce, IV, and a count from 1. */
static void stream(const struct stream *s)
{
	const struct espl_alg *alg = espl_alg_enc(SADB_X_EALG_AESCTR);
	u8 key[ROOM], counter[16] = {}, from[ROOM], want[ROOM], got[ROOM];
	unsigned int keylen = unhex(s->key, key), len = unhex(s->plain, from);
	unsigned int saltlen = unhex(s->salt, counter);
	unsigned int ivlen = unhex(s->iv, counter + saltlen);
	unsigned int wanted = unhex(s->cipher, want);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int out, good;

	counter[15] = 1;
	good = EVP_EncryptInit_ex(ctx, cipher_of(alg, keylen), NULL, key, counter) &&
	       EVP_EncryptUpdate(ctx, got, &out, from, len);
	EVP_CIPHER_CTX_free(ctx);
	check(good && wanted == len && !memcmp(got, want, len) &&
	      alg->saltlen == saltlen && alg->ivlen == ivlen &&
	      espl_alg_key_ok(alg, (keylen + saltlen) * 8), "%s", s->id);
}

int main(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(packets); i++) {
		const struct espl_alg *alg = espl_alg_enc(packets[i].enc);

		seal(&packets[i], alg);
		unseal(&packets[i], alg);
	}
	for (size_t i = 0; i < ARRAY_SIZE(digests); i++)
		digest(&digests[i]);
	for (size_t i = 0; i < ARRAY_SIZE(sha1); i++)
		digest(&sha1[i]);
	for (size_t i = 0; i < ARRAY_SIZE(streams); i++)
		stream(&streams[i]);
	return unit_done();
}
