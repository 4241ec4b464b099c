// SPDX-License-Identifier: GPL-2.0-only
/*
 * esp.c - the ESP transform (RFC 4303): transforms of an SA, sealing, opening
 *
 * Owns the kernel crypto. tx.c lays a packet out and has it sealed, rx.c has
 * one opened and reads it; here no IP header is known. Sealed and opened in
 * place, in one linear buffer that is ours alone, by one AEAD: what the table
 * lists as cipher and HMAC is put together by the kernel's authenc().
 */
#include <crypto/aead.h>
#include <crypto/authenc.h>
#include <linux/random.h>
#include <linux/rtnetlink.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include "compat/compat.h"
#include "esp.h"
#include "esp_fmt.h"

#define IV_MAX	16

/**
 * struct espl_esp_op - one run of the cipher
 * @skb: the packet; its transport header is the ESP header
 * @done: what follows
 * @sg: the packet from ESP header to ICV
 * @iv: the IV as the cipher wants it
 * @req: the request, with the cipher's own space behind it
 */
struct espl_esp_op {
	struct sk_buff *skb;
	espl_esp_done done;
	struct scatterlist sg;
	u8 iv[IV_MAX];
	struct aead_request req;
};

/**
 * espl_esp_available() - has this kernel's crypto an algorithm
 * @alg: the algorithm
 *
 * Context: Process, may sleep and load modules.
 * Return: Whether it has.
 */
bool espl_esp_available(const struct espl_alg *alg)
{
	return crypto_has_alg(alg->crypto, 0, 0);
}

static int set_key_pair(struct crypto_aead *aead, const struct espl_sa_conf *conf)
{
	struct crypto_authenc_key_param *param;
	unsigned int auth = conf->authkey.bits / 8, enc = conf->enckey.bits / 8;
	unsigned int len = RTA_SPACE(sizeof(*param)) + auth + enc;
	struct rtattr *rta = kzalloc(len, GFP_KERNEL);
	u8 *key = (u8 *)rta;
	int err;

	if (!rta)
		return -ENOMEM;
	rta->rta_type = CRYPTO_AUTHENC_KEYA_PARAM;
	rta->rta_len = RTA_LENGTH(sizeof(*param));
	param = RTA_DATA(rta);
	param->enckeylen = cpu_to_be32(enc);
	memcpy(key + RTA_SPACE(sizeof(*param)), conf->authkey.data, auth);
	memcpy(key + RTA_SPACE(sizeof(*param)) + auth, conf->enckey.data, enc);
	err = crypto_aead_setkey(aead, key, len);
	kfree_sensitive(rta);
	return err;
}

static int set_key(struct crypto_aead *aead, const struct espl_sa_conf *conf)
{
	if (conf->auth)
		return set_key_pair(aead, conf);
	return crypto_aead_setkey(aead, conf->enckey.data, conf->enckey.bits / 8);
}

static struct crypto_aead *alloc_aead(const struct espl_sa_conf *conf)
{
	char name[CRYPTO_MAX_ALG_NAME];

	if (!conf->auth)
		return crypto_alloc_aead(conf->enc->crypto, 0, 0);
	snprintf(name, sizeof(name), "authenc(%s,%s)", conf->auth->crypto,
		 conf->enc->crypto);
	return crypto_alloc_aead(name, 0, 0);
}

/**
 * espl_esp_init_sa() - make the transform of an SA that is to be mature
 * @sa: the SA, its conf complete
 *
 * Context: Process, may sleep and load modules.
 * Return: 0, -ENOENT where the kernel lacks the algorithm, -EINVAL where it
 *	   refuses the key, or -ENOMEM.
 */
int espl_esp_init_sa(struct espl_sa *sa)
{
	const struct espl_sa_conf *conf = &sa->conf;
	struct crypto_aead *aead = alloc_aead(conf);
	int err;

	if (IS_ERR(aead))
		return PTR_ERR(aead);
	sa->aead = aead;
	sa->align = conf->enc->align;
	sa->ivlen = conf->enc->ivlen;
	sa->icvlen = conf->auth ? conf->auth->icvlen : conf->enc->icvlen;
	err = crypto_aead_setauthsize(aead, sa->icvlen);
	return err ?: set_key(aead, conf);
}

/**
 * espl_esp_fini_sa() - undo espl_esp_init_sa(), or what there is of it
 * @sa: the SA
 *
 * Context: Process, may sleep.
 */
void espl_esp_fini_sa(struct espl_sa *sa)
{
	if (sa->aead)
		crypto_free_aead(sa->aead);
}

/**
 * espl_esp_overhead() - what ESP adds to a payload
 * @sa: the SA
 * @payload: octets
 *
 * Context: Any.
 * Return: Octets before and behind it, IP headers not counted.
 */
unsigned int espl_esp_overhead(const struct espl_sa *sa, unsigned int payload)
{
	return ESPL_ESP_HDR + sa->ivlen + espl_esp_padding(payload, sa->align) +
	       ESPL_ESP_TAIL + sa->icvlen;
}

/**
 * espl_esp_mtu() - the largest payload that fits
 * @sa: the SA
 * @room: octets there are for the whole ESP packet, without IP header
 *
 * Context: Any.
 * Return: Octets of payload; exact, and the inverse of espl_esp_overhead().
 */
unsigned int espl_esp_mtu(const struct espl_sa *sa, unsigned int room)
{
	unsigned int fixed = ESPL_ESP_HDR + sa->ivlen + sa->icvlen;

	return room > fixed ? espl_esp_payload_max(room - fixed, sa->align) : 0;
}

/**
 * espl_esp_plain() - what the cipher works on
 * @skb: the packet, linear, its transport header at ESP, its end the ICV's
 * @sa: the SA
 *
 * Context: Any.
 * Return: Octets of payload and trailer, sealed or open.
 */
unsigned int espl_esp_plain(const struct sk_buff *skb,
			    const struct espl_sa *sa)
{
	return skb_tail_pointer(skb) - skb_transport_header(skb) -
	       ESPL_ESP_HDR - sa->ivlen - sa->icvlen;
}

static void finish(struct espl_esp_op *op, int err)
{
	struct sk_buff *skb = op->skb;
	espl_esp_done done = op->done;

	kfree(op);
	done(skb, err);
}

static void complete_async(espl_crypto_arg *arg, int err)
{
	if (err == -EINPROGRESS)
		return;
	local_bh_disable();
	rcu_read_lock();
	finish(espl_crypto_data(arg), err);
	rcu_read_unlock();
	local_bh_enable();
}

static struct espl_esp_op *op_alloc(struct sk_buff *skb, struct espl_sa *sa,
				    unsigned int crypt, espl_esp_done done)
{
	unsigned int assoc = ESPL_ESP_HDR + sa->ivlen;
	u8 *esp = skb_transport_header(skb);
	struct espl_esp_op *op;

	op = kmalloc(sizeof(*op) + crypto_aead_reqsize(sa->aead), GFP_ATOMIC);
	if (!op)
		return NULL;
	op->skb = skb;
	op->done = done;
	memcpy(op->iv, esp + ESPL_ESP_HDR, sa->ivlen);
	sg_init_one(&op->sg, esp, skb_tail_pointer(skb) - esp);
	aead_request_set_tfm(&op->req, sa->aead);
	aead_request_set_callback(&op->req, 0, complete_async, op);
	aead_request_set_crypt(&op->req, &op->sg, &op->sg, crypt, op->iv);
	aead_request_set_ad(&op->req, assoc);
	return op;
}

static void write_iv(const struct espl_sa *sa, u8 *iv, u32 seq)
{
	if (sa->conf.enc->random_iv)
		get_random_bytes(iv, sa->ivlen);
	else if (sa->ivlen)
		put_unaligned_be64(sa->iv_base + seq, iv);
}

/**
 * espl_esp_seal() - write SPI, sequence number and IV, encrypt, write the ICV
 * @skb: linear and ours alone; from its transport header on there is room for
 *	 SPI, sequence number and IV, then payload and trailer as they are, then
 *	 room for the ICV
 * @sa: a mature SA, held until @done is called
 * @seq: the sequence number, never used before on this SA
 * @done: what follows
 *
 * Context: BH off, RCU read side.
 */
void espl_esp_seal(struct sk_buff *skb, struct espl_sa *sa, u32 seq,
		   espl_esp_done done)
{
	u8 *esp = skb_transport_header(skb);
	struct espl_esp_op *op;
	int err;

	put_unaligned(sa->conf.spi, (__be32 *)esp);
	put_unaligned_be32(seq, esp + 4);
	write_iv(sa, esp + ESPL_ESP_HDR, seq);
	op = op_alloc(skb, sa, espl_esp_plain(skb, sa), done);
	if (!op) {
		done(skb, -ENOMEM);
		return;
	}
	err = crypto_aead_encrypt(&op->req);
	if (err != -EINPROGRESS)
		finish(op, err);
}

/**
 * espl_esp_length_ok() - can this be an ESP packet of an SA
 * @sa: the SA
 * @len: octets from the ESP header to the packet's end
 *
 * Context: Any.
 * Return: Whether it holds header, IV, at least one aligned unit of ciphertext,
 *	   nothing but whole units, and ICV.
 */
bool espl_esp_length_ok(const struct espl_sa *sa, unsigned int len)
{
	unsigned int fixed = ESPL_ESP_HDR + sa->ivlen + sa->icvlen;

	return len >= fixed + sa->align && !((len - fixed) & (sa->align - 1));
}

/**
 * espl_esp_open() - check the ICV and decrypt
 * @skb: linear and ours alone, espl_esp_length_ok(); its transport header is
 *	 the ESP header
 * @sa: the SA, held until @done is called
 * @done: what follows
 *
 * Context: BH off, RCU read side.
 */
void espl_esp_open(struct sk_buff *skb, struct espl_sa *sa, espl_esp_done done)
{
	struct espl_esp_op *op;
	int err;

	op = op_alloc(skb, sa, espl_esp_plain(skb, sa) + sa->icvlen, done);
	if (!op) {
		done(skb, -ENOMEM);
		return;
	}
	err = crypto_aead_decrypt(&op->req);
	if (err != -EINPROGRESS)
		finish(op, err);
}
