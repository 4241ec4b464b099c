// SPDX-License-Identifier: GPL-2.0-only
/*
 * esp.c - the ESP transform (RFC 4303): transforms of an SA, sealing, opening
 *
 * Fills in struct espl_xform for tx.c and rx.c; here no IP header is known.
 * Sealed and opened in place, in one linear buffer that is ours alone, by one
 * AEAD: what the table lists as cipher and HMAC is put together by the kernel's
 * authenc().
 */
#include <crypto/aead.h>
#include <crypto/authenc.h>
#include <linux/random.h>
#include <linux/rtnetlink.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include "cb.h"
#include "compat/compat.h"
#include "esp_fmt.h"
#include "xform.h"

#define IV_MAX		16
#define SEQ_HIGH	4	/* octets of an extended sequence number not sent */

enum { ESPL_OP_MET, ESPL_OP_ODD };

/**
 * struct espl_esp_op - one run of the cipher
 * @skb: the packet; its transport header is the ESP header
 * @done: what follows, where the run ends later
 * @met: ESPL_OP_MET: of those who began the run and who end it, one is through;
 *	 ESPL_OP_ODD: larger than what is kept
 * @err: how it ended
 * @esn: @ip_end waits to be put back
 * @ip_end: what was in front of the ESP header
 * @sg: the packet from ESP header to ICV
 * @iv: the IV as the cipher wants it
 * @req: the request, with the cipher's own space behind it
 */
struct espl_esp_op {
	struct sk_buff *skb;
	espl_xform_done done;
	unsigned long met;
	int err;
	bool esn;
	u8 ip_end[SEQ_HIGH];
	struct scatterlist sg;
	u8 iv[IV_MAX];
	struct aead_request req;
};

/*
 * Most runs end before the next one begins: each CPU keeps the op of one for the next,
 * of a size that serves every cipher but odd ones.
 */
#define SPARE		1024
static DEFINE_PER_CPU(struct espl_esp_op *, spare);

/* One that has waited is not kept: what it waited for may have written to the request. */
static inline void op_put(struct espl_esp_op *op)
{
	if (op->met || __this_cpu_read(spare))
		kfree(op);
	else
		__this_cpu_write(spare, op);
}

/**
 * espl_esp_fini() - let go of what was kept
 *
 * Context: Process, no SA is left.
 */
void espl_esp_fini(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		kfree_sensitive(per_cpu(spare, cpu));
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
	snprintf(name, sizeof(name), "%s(%s,%s)",
		 conf->flags & SADB_X_SAFLAGS_ESN ? "authencesn" : "authenc",
		 conf->auth->crypto, conf->enc->crypto);
	return crypto_alloc_aead(name, 0, 0);
}

static int init(struct espl_sa *sa)
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
	sa->endlen = sa->icvlen;
	sa->hdrlen = ESPL_ESP_HDR + sa->ivlen;
	sa->least = sa->hdrlen + sa->align + sa->icvlen;
	sa->taillen = sa->align - 1 + ESPL_ESP_TAIL + sa->icvlen;
	err = crypto_aead_setauthsize(aead, sa->icvlen);
	return err ?: set_key(aead, conf);
}

static void fini(struct espl_sa *sa)
{
	if (sa->aead)
		crypto_free_aead(sa->aead);
}

static unsigned int mtu(const struct espl_sa *sa, unsigned int room)
{
	unsigned int fixed = sa->hdrlen + sa->icvlen;

	return room > fixed ? espl_esp_payload_max(room - fixed, sa->align) : 0;
}

/* Payload and trailer: what the cipher works on. */
static unsigned int octets(const struct sk_buff *skb, const struct espl_sa *sa)
{
	return espl_xform_octets(skb, sa, sa->hdrlen);
}

/* Padding, its length and the next header, then room for the ICV. */
static void wrap(struct sk_buff *skb, const struct espl_sa *sa, u8 next_header)
{
	unsigned int payload = espl_xform_len(skb) - sa->hdrlen;
	unsigned int padding = espl_esp_padding(payload, sa->align);
	u8 *tail = __skb_put(skb, padding + ESPL_ESP_TAIL + sa->icvlen);

	espl_esp_trailer_write(tail, padding, next_header);
}

/*
 * With extended sequence numbers the cipher wants to see SPI, high word, low
 * word, IV in a row. The high word is not sent: the SPI moves into the last
 * four octets of the IP header, which wait in the request (RFC 4303 2.2.1).
 */
static void show_high(struct espl_esp_op *op, u8 *esp, u32 high)
{
	memcpy(op->ip_end, esp - SEQ_HIGH, SEQ_HIGH);
	memcpy(esp - SEQ_HIGH, esp, SEQ_HIGH);
	put_unaligned_be32(high, esp);
}

static void hide_high(struct espl_esp_op *op, u8 *esp)
{
	memcpy(esp, esp - SEQ_HIGH, SEQ_HIGH);
	memcpy(esp - SEQ_HIGH, op->ip_end, SEQ_HIGH);
}

static inline void finish(struct espl_esp_op *op)
{
	if (op->esn)
		hide_high(op, skb_transport_header(op->skb));
	op_put(op);
}

/*
 * What the cipher said when it was given the packet. If that is to be ready later, the
 * packet's SAs and its device are held from then on, and not before: most never are. It
 * may be ready by then; who is second goes on.
 */
static inline int run(struct espl_esp_op *op, int err)
{
	struct net_device *dev = op->skb->dev;

	if (err == -EINPROGRESS) {
		dev_hold(dev);
		espl_cb_hold(espl_cb(op->skb));
		if (!test_and_set_bit(ESPL_OP_MET, &op->met))
			return -EINPROGRESS;
		dev_put(dev);
		err = op->err;
	}
	finish(op);
	return err;
}

static void complete_async(espl_crypto_arg *arg, int err)
{
	struct espl_esp_op *op = espl_crypto_data(arg);
	struct sk_buff *skb = op->skb;
	struct net_device *dev = skb->dev;
	espl_xform_done done = op->done;

	if (err == -EINPROGRESS)
		return;
	op->err = err;
	if (!test_and_set_bit(ESPL_OP_MET, &op->met))
		return;
	local_bh_disable();
	rcu_read_lock();
	finish(op);
	done(skb, err);
	dev_put(dev);
	rcu_read_unlock();
	local_bh_enable();
}

static unsigned int op_size(struct crypto_aead *aead)
{
	return sizeof(struct espl_esp_op) + crypto_aead_reqsize(aead);
}

/* What is the same for all runs is said once: 80 instructions less each. */
static noinline struct espl_esp_op *op_new(struct crypto_aead *aead)
{
	unsigned int size = op_size(aead);
	struct espl_esp_op *op;

	op = kmalloc(max_t(unsigned int, size, SPARE), GFP_ATOMIC);
	if (!op)
		return NULL;
	op->met = size > SPARE ? BIT(ESPL_OP_ODD) : 0;
	sg_init_table(&op->sg, 1);
	aead_request_set_callback(&op->req, 0, complete_async, op);
	aead_request_set_crypt(&op->req, &op->sg, &op->sg, 0, op->iv);
	return op;
}

static inline struct espl_esp_op *op_get(struct crypto_aead *aead)
{
	struct espl_esp_op *op = __this_cpu_read(spare);

	if (!op || op_size(aead) > SPARE)
		return op_new(aead);
	__this_cpu_write(spare, NULL);
	return op;
}

/* @icvlen: octets of ICV that the cipher works on, too */
static __always_inline struct espl_esp_op *op_alloc(struct sk_buff *skb,
						    struct espl_sa *sa, u64 seq,
						    unsigned int icvlen,
						    espl_xform_done done)
{
	unsigned int high = sa->esn ? SEQ_HIGH : 0, hdrlen = sa->hdrlen;
	unsigned int len = espl_xform_len(skb);
	u8 *esp = skb_transport_header(skb);
	struct espl_esp_op *op;

	op = op_get(sa->aead);
	if (!op)
		return NULL;
	op->skb = skb;
	op->done = done;
	op->esn = high;
	/* Of a length that the compiler knows it takes 20 instructions less. */
	if (sa->ivlen == sizeof(u64))
		memcpy(op->iv, esp + ESPL_ESP_HDR, sizeof(u64));
	else
		memcpy(op->iv, esp + ESPL_ESP_HDR, sa->ivlen);
	if (high)
		show_high(op, esp, seq >> 32);
	sg_set_buf(&op->sg, esp - high, len + high);
	aead_request_set_tfm(&op->req, sa->aead);
	op->req.cryptlen = len - hdrlen - sa->endlen + icvlen;
	aead_request_set_ad(&op->req, hdrlen + high);
	return op;
}

/* Eight octets at a time of what the kernel has ready: 1,000 instructions less for 16. */
static void write_random(u8 *to, unsigned int len)
{
	for (unsigned int i = 0; i < len; i += sizeof(u64))
		put_unaligned(get_random_u64(), (u64 *)(to + i));
}

static void write_iv(const struct espl_sa *sa, u8 *iv, u64 seq)
{
	if (sa->conf.enc->random_iv)
		write_random(iv, sa->ivlen);
	else if (sa->ivlen)
		put_unaligned_be64(sa->iv_base + seq, iv);
}

static int seal(struct sk_buff *skb, struct espl_sa *sa, u64 seq,
		espl_xform_done done)
{
	u8 *esp = skb_transport_header(skb);
	struct espl_esp_op *op;

	put_unaligned(sa->conf.spi, (__be32 *)esp);
	put_unaligned_be32(seq, esp + 4);
	write_iv(sa, esp + ESPL_ESP_HDR, seq);
	op = op_alloc(skb, sa, seq, 0, done);
	if (!op)
		return -ENOMEM;
	return run(op, crypto_aead_encrypt(&op->req));
}

static int open(struct sk_buff *skb, struct espl_sa *sa, u64 seq,
		espl_xform_done done)
{
	struct espl_esp_op *op;

	op = op_alloc(skb, sa, seq, sa->icvlen, done);
	if (!op)
		return -ENOMEM;
	return run(op, crypto_aead_decrypt(&op->req));
}

static struct espl_payload unwrap(const struct sk_buff *skb, const struct espl_sa *sa)
{
	u8 proto = IPPROTO_NONE;
	int len = espl_esp_trailer_read(skb_transport_header(skb) + sa->hdrlen,
					octets(skb, sa), &proto);

	return (struct espl_payload){ .len = len, .header = sa->hdrlen, .proto = proto };
}

const struct espl_xform espl_esp = {
	.proto = IPPROTO_ESP,
	.spi_offset = 0,
	.stat_out = ESPL_OUT_ESP,
	.stat_in = ESPL_IN_ESP,
	.init = init,
	.fini = fini,
	.mtu = mtu,
	.wrap = wrap,
	.seal = seal,
	.open = open,
	.unwrap = unwrap,
};
