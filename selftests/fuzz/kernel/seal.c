// SPDX-License-Identifier: GPL-2.0-only
/*
 * seal.c - the peer: ESP and AH made with the keys that the kernel's SAs have
 *
 * What the fuzzer made up would not get past an ICV. Sealed, it does.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "../../../kmod/ah_fmt.c"
#include "../../../kmod/esp_fmt.h"
#include "seal.h"

#define IV	8
#define ICV	16

static void put32(u8 *to, u32 value)
{
	value = htonl(value);
	memcpy(to, &value, sizeof(value));
}

static const u8 *octets_from(u8 first, unsigned int len)
{
	static u8 key[64];

	for (unsigned int i = 0; i < len; i++)
		key[i] = first + i;
	return key;
}

/* What is covered but not sent goes behind: the high half of the number. */
static void hmac(const u8 *octets, unsigned int len, const struct seal *seal, u64 seq,
		 u8 *icv)
{
	u8 whole[PACKET_MAX + 4], digest[EVP_MAX_MD_SIZE];

	memcpy(whole, octets, len);
	put32(whole + len, seq >> 32);
	HMAC(EVP_sha256(), octets_from(SEAL_AUTH_FIRST, 32), 32, whole,
	     len + (seal->esn ? 4 : 0), digest, NULL);
	memcpy(icv, digest, ICV);
}

/* @plain octets become cipher, @more of them are covered only. */
static void gcm(u8 *esp, unsigned int len, const struct seal *seal, u64 seq, u8 *icv)
{
	bool hidden = seal->alg == SEAL_GCM;
	const u8 *key = octets_from(SEAL_KEY_FIRST, 20);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	u8 nonce[12], head[12], *text = esp + ESPL_ESP_HDR + IV;
	int n;

	memcpy(nonce, key + 16, 4);
	memcpy(nonce + 4, esp + ESPL_ESP_HDR, IV);
	memcpy(head, esp, 4);
	put32(head + 4, seq >> 32);
	memcpy(head + (seal->esn ? 8 : 4), esp + 4, 4);
	EVP_EncryptInit_ex(ctx, EVP_aes_128_gcm(), NULL, key, nonce);
	EVP_EncryptUpdate(ctx, NULL, &n, head, seal->esn ? 12 : 8);
	if (hidden)
		EVP_EncryptUpdate(ctx, text, &n, text, len - ESPL_ESP_HDR - IV);
	else
		EVP_EncryptUpdate(ctx, NULL, &n, esp + ESPL_ESP_HDR, len - ESPL_ESP_HDR);
	EVP_EncryptFinal_ex(ctx, head, &n);
	EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, ICV, icv);
	EVP_CIPHER_CTX_free(ctx);
}

/* Room behind: the packet moves forward. */
static bool append(struct packet *packet, unsigned int len)
{
	unsigned int was = packet_len(packet);

	if (!packet_push(packet, len))
		return false;
	memmove(packet_data(packet), packet_data(packet) + len, was);
	memset(packet->octets + PACKET_MAX - len, 0, len);
	return true;
}

void seal_esp(struct packet *packet, const struct seal *seal, u64 seq, unsigned int pad,
	      u8 twist)
{
	unsigned int iv = seal->alg == SEAL_NULL ? 0 : IV, len = packet_len(packet);
	unsigned int padding = espl_esp_padding(len, 4) + pad / 4 * 4;
	u8 *esp;

	if (padding > 255)
		padding -= 4;
	if (!append(packet, padding + ESPL_ESP_TAIL + ICV))
		return;
	espl_esp_trailer_write(packet_data(packet) + len, padding, packet->proto);
	packet_data(packet)[len + padding] ^= twist;
	esp = packet_push(packet, ESPL_ESP_HDR + iv);
	if (!esp)
		return;
	put32(esp, seal->spi);
	put32(esp + 4, seq);
	if (iv)
		put32(esp + 12, seq);
	len = packet_len(packet) - ICV;
	if (seal->alg == SEAL_NULL)
		hmac(esp, len, seal, seq, esp + len);
	else
		gcm(esp, len, seal, seq, esp + len);
	packet->proto = IPPROTO_ESP;
	packet->ah = 0;
	packet->icmp6 = 0;
}

void seal_ah(struct packet *packet, const struct seal *seal, u64 seq)
{
	unsigned int len = espl_ah_len(ICV, seal->family == AF_INET6);
	u8 *ah = packet_push(packet, len);

	if (!ah)
		return;
	ah[0] = packet->proto;
	ah[1] = espl_ah_len_write(len);
	put32(ah + 4, seal->spi);
	put32(ah + 8, seq);
	packet->proto = IPPROTO_AH;
	packet->ah = packet_len(packet);
	packet->ah_seal = seal;
	packet->ah_seq = seq;
	packet->icmp6 = 0;
}

/* The octets from the IP header on, less what changes on the way; ICV zero already. */
static void finish_ah(struct packet *packet, u8 family, unsigned int header)
{
	unsigned int len = packet_len(packet);
	u8 *ah = packet->octets + PACKET_MAX - packet->ah;
	u8 whole[PACKET_MAX];

	if (header > len)
		return;
	memcpy(whole, packet_data(packet), len);
	if (family == AF_INET)
		espl_ah_mute4(whole, header, false);
	else
		espl_ah_mute6(whole, header, false);
	hmac(whole, len, packet->ah_seal, packet->ah_seq, ah + ESPL_AH_FIXED);
}

u16 seal_sum(const u8 *octets, unsigned int len, u32 sum)
{
	for (unsigned int i = 0; i < len; i++)
		sum += i % 2 ? octets[i] : octets[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void finish_icmp6(struct packet *packet)
{
	u8 *icmp = packet->octets + PACKET_MAX - packet->icmp6;
	u16 sum;

	memset(icmp + 2, 0, 2);
	sum = seal_sum(packet_data(packet) + 8, 32, packet->icmp6 + IPPROTO_ICMPV6);
	sum = htons(~seal_sum(icmp, packet->icmp6, sum));
	memcpy(icmp + 2, &sum, sizeof(sum));
}

void seal_finish(struct packet *packet, u8 family, unsigned int header)
{
	if (packet->icmp6 && family == AF_INET6)
		finish_icmp6(packet);
	if (packet->ah)
		finish_ah(packet, family, header);
	packet->ah = 0;
	packet->icmp6 = 0;
}
