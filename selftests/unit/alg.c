// SPDX-License-Identifier: GPL-2.0-only
/*
 * alg.c - the table of algorithms, and the arithmetic of ESP with it
 */
#include "../../kmod/alg.c"
#include "../../kmod/esp_fmt.h"
#include "unit.h"

static void table_is_sane(void)
{
	const struct espl_alg *alg, *other;

	for (unsigned int i = 0; (alg = espl_alg_row(i)); i++) {
		int good = alg->name && alg->crypto && alg->minbits <= alg->maxbits &&
			   alg->maxbits <= ESPL_KEY_MAX * 8 && alg->minbits % 8 == 0;

		if (alg->kind == ESPL_ALG_AUTH) {
			good = good && alg->icvlen >= 12 && alg->icvlen <= 32;
		} else {
			good = good && alg->align >= 4;
			good = good && (alg->align & (alg->align - 1)) == 0;
			good = good && !!alg->icvlen == (alg->kind == ESPL_ALG_AEAD);
		}
		for (unsigned int k = 0; k < i; k++) {
			other = espl_alg_row(k);
			good = good && (strcmp(alg->name, other->name) ||
					alg->only_if != other->only_if);
		}
		good = good && (espl_alg_enabled(alg) || alg->only_if);
		check(good, "row %u, %s, is whole", i, alg->name);
	}
}

static unsigned int enabled_rows(void)
{
	const struct espl_alg *alg;
	unsigned int n = 0;

	for (unsigned int i = 0; (alg = espl_alg_row(i)); i++)
		n += espl_alg_enabled(alg);
	return n;
}

/* What the kernel calls it, and which key lengths of 0 to 600 bits it takes. */
static void names_and_keys(void)
{
	static const struct {
		int auth;
		u8 id;
		const char *crypto, *legal;
	} want[] = {
		{ 0, SADB_X_EALG_AES_GCM_ICV16, "rfc4106(gcm(aes))", " 160 224 288" },
		{ 0, SADB_X_EALG_AES_GCM_ICV12, "rfc4106(gcm(aes))", " 160 224 288" },
		{ 0, SADB_X_EALG_AES_GCM_ICV8, "rfc4106(gcm(aes))", " 160 224 288" },
		{ 0, SADB_X_EALG_CHACHA20POLY1305, "rfc7539esp(chacha20,poly1305)", " 288" },
		{ 0, SADB_X_EALG_AES_CCM_ICV16, "rfc4309(ccm(aes))", " 152 216 280" },
		{ 0, SADB_X_EALG_AES_CCM_ICV12, "rfc4309(ccm(aes))", " 152 216 280" },
		{ 0, SADB_X_EALG_AES_CCM_ICV8, "rfc4309(ccm(aes))", " 152 216 280" },
		{ 0, SADB_X_EALG_NULL_AES_GMAC, "rfc4543(gcm(aes))", " 160 224 288" },
		{ 0, SADB_X_EALG_AESCBC, "cbc(aes)", " 128 192 256" },
		{ 0, SADB_X_EALG_AESCTR, "rfc3686(ctr(aes))", " 160 224 288" },
		{ 0, SADB_X_EALG_CAMELLIACBC, "cbc(camellia)", " 128 192 256" },
		{ 0, SADB_EALG_3DESCBC, "cbc(des3_ede)", " 192" },
		{ 0, SADB_EALG_NULL, "ecb(cipher_null)", " 0" },
		{ 1, SADB_AALG_SHA1HMAC, "hmac(sha1)", " 160" },
		{ 1, SADB_X_AALG_SHA2_256HMAC, "hmac(sha256)", " 256" },
		{ 1, SADB_X_AALG_SHA2_384HMAC, "hmac(sha384)", " 384" },
		{ 1, SADB_X_AALG_SHA2_512HMAC, "hmac(sha512)", " 512" },
		{ 1, SADB_X_AALG_AES_XCBC_MAC, "xcbc(aes)", " 128" },
		{ 1, SADB_X_AALG_AES_CMAC, "cmac(aes)", " 128" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		const struct espl_alg *alg = want[i].auth ? espl_alg_auth(want[i].id) :
							    espl_alg_enc(want[i].id);
		char legal[256] = "";
		int at = 0;

		for (unsigned int bits = 0; alg && bits <= 600; bits++)
			if (espl_alg_key_ok(alg, bits))
				at += sprintf(legal + at, " %u", bits);
		check(alg && !strcmp(alg->crypto, want[i].crypto) &&
		      !strcmp(legal, want[i].legal), "key bits of %s:%s",
		      want[i].crypto, legal);
	}
	check(enabled_rows() == ARRAY_SIZE(want), "there is no other row");
}

/* What must not be used, and an ICV of another length: by parameter only. */
static void parameters(void)
{
	static const struct {
		bool auth;
		u8 id;
	} weak[] = {
		{ false, SADB_EALG_DESCBC }, { false, SADB_X_EALG_BLOWFISHCBC },
		{ false, SADB_X_EALG_CASTCBC }, { true, SADB_AALG_MD5HMAC },
	};
	unsigned int refused = 0, admitted = 0, rows = enabled_rows();

	for (size_t i = 0; i < ARRAY_SIZE(weak); i++) {
		refused += espl_alg_forbidden(weak[i].auth, weak[i].id);
		espl_alg_weak = true;
		admitted += !!find(weak[i].auth, weak[i].id, true) &&
			    !espl_alg_forbidden(weak[i].auth, weak[i].id);
		espl_alg_weak = false;
	}
	check(refused == ARRAY_SIZE(weak), "DES, Blowfish, CAST, MD5 are refused");
	check(admitted == ARRAY_SIZE(weak), "and admitted where the admin insists");
	check(!espl_alg_forbidden(false, 99) && !espl_alg_forbidden(true, 5),
	      "what is unknown or allowed is not forbidden");
	check(espl_alg_auth(5)->icvlen == 16, "HMAC-SHA2-256 has 128 bits");
	espl_alg_sha256_96 = true;
	check(espl_alg_auth(5)->icvlen == 12, "or 96 where the admin insists");
	check(enabled_rows() == rows, "and is there only once");
	espl_alg_sha256_96 = false;
}

/* The largest payload for a room is just the largest whose padding fits it. */
static void padding(unsigned int align)
{
	int wrong = 0;

	for (unsigned int room = 0; room < align; room++)
		wrong += espl_esp_payload_max(room, align) != 0;
	for (unsigned int payload = 0; payload <= 3000; payload++) {
		unsigned int pad = espl_esp_padding(payload, align);
		unsigned int room = payload + pad + ESPL_ESP_TAIL;

		wrong += room % align != 0 || pad >= align;
		wrong += espl_esp_payload_max(room, align) < payload;
		for (unsigned int more = 0; more < align; more++)
			wrong += espl_esp_payload_max(room + more, align) !=
				 room - ESPL_ESP_TAIL;
	}
	check(!wrong, "padding to %u and back, %d wrong", align, wrong);
}

static void trailers(void)
{
	int wrong = 0;
	u8 next;

	for (unsigned int len = 0; len <= 40; len++) {
		for (unsigned int pad = 0; pad < 256; pad++) {
			/* Exactly as long as it says, for the sanitizer to watch. */
			u8 *plain = malloc(len ? len : 1);
			int want = -1, got;

			for (unsigned int i = 0; i < len; i++)
				plain[i] = i;
			if (len >= 2 && pad + 2 <= len) {
				espl_esp_trailer_write(plain + len - 2 - pad, pad, 50);
				want = len - 2 - pad;
			} else if (len >= 2) {
				plain[len - 2] = pad;
			}
			got = espl_esp_trailer_read(plain, len, &next);
			wrong += got != want || (got >= 0 && next != 50);
			if (want >= 0 && pad) {
				plain[want] ^= 0x40;
				wrong += espl_esp_trailer_read(plain, len, &next) >= 0;
			}
			free(plain);
		}
	}
	check(!wrong, "trailers of every length and padding, %d wrong", wrong);
}

int main(void)
{
	table_is_sane();
	names_and_keys();
	parameters();
	padding(4);
	padding(16);
	trailers();
	return unit_done();
}
