// SPDX-License-Identifier: GPL-2.0-only
/*
 * ah.c - the AH transform (RFC 4302): sealing, opening
 *
 * Fills in struct espl_xform for tx.c and rx.c. The ICV covers the IP header,
 * too, but for what changes on the way: ah_fmt.c knows what that is. The kernel's
 * MACs run at once; nothing here is ever asynchronous.
 */
#include <crypto/hash.h>
#include <linux/slab.h>

#include "ah_fmt.h"
#include "compat/compat.h"
#include "xform.h"

#define ICV_MAX	32

static int init(struct espl_sa *sa)
{
	const struct espl_sa_conf *conf = &sa->conf;
	struct crypto_shash *shash = crypto_alloc_shash(conf->auth->crypto, 0, 0);

	if (IS_ERR(shash))
		return PTR_ERR(shash);
	sa->shash = shash;
	sa->align = 1;
	sa->icvlen = conf->auth->icvlen;
	sa->least = ESPL_AH_FIXED + sa->icvlen;
	sa->hdrlen = espl_ah_len(sa->icvlen, conf->family == AF_INET6);
	return crypto_shash_setkey(shash, conf->authkey.data,
				   conf->authkey.bits / 8);
}

static void fini(struct espl_sa *sa)
{
	if (sa->shash)
		crypto_free_shash(sa->shash);
}

static unsigned int mtu(const struct espl_sa *sa, unsigned int room)
{
	return room > sa->hdrlen ? room - sa->hdrlen : 0;
}

static void wrap(struct sk_buff *skb, const struct espl_sa *sa, u8 next_header)
{
	u8 *ah = skb_transport_header(skb);

	memset(ah, 0, sa->hdrlen);
	ah[0] = next_header;
	ah[1] = espl_ah_len_write(sa->hdrlen);
}

/* The headers in front of AH as the ICV sees them: a copy to be freed, or NULL. */
static u8 *mute_headers(const struct sk_buff *skb, const struct espl_sa *sa,
			bool sending)
{
	unsigned int len = skb_network_header_len(skb);
	u8 *copy = kmemdup(skb_network_header(skb), len, GFP_ATOMIC);
	bool ok;

	if (!copy)
		return ERR_PTR(-ENOMEM);
	ok = sa->conf.family == AF_INET ? espl_ah_mute4(copy, len, sending) :
					  espl_ah_mute6(copy, len, sending);
	if (ok)
		return copy;
	kfree(copy);
	return ERR_PTR(-EPROTO);
}

/* RFC 4302 section 3.3.3: headers, AH with its ICV zero, payload, high half. */
static int mac(const struct sk_buff *skb, const struct espl_sa *sa,
	       const u8 *headers, u64 seq, u8 *digest)
{
	static const u8 zero[ICV_MAX];
	const u8 *ah = skb_transport_header(skb);
	unsigned int before = ESPL_AH_FIXED + sa->icvlen;
	__be32 high = cpu_to_be32(seq >> 32);
	SHASH_DESC_ON_STACK(desc, sa->shash);
	int err;

	desc->tfm = sa->shash;
	err = crypto_shash_init(desc) ?:
	      crypto_shash_update(desc, headers, skb_network_header_len(skb)) ?:
	      crypto_shash_update(desc, ah, ESPL_AH_FIXED) ?:
	      crypto_shash_update(desc, zero, sa->icvlen) ?:
	      crypto_shash_update(desc, ah + before,
				  espl_xform_len(skb) - before);
	if (!err && sa->esn)
		err = crypto_shash_update(desc, (u8 *)&high, sizeof(high));
	err = err ?: crypto_shash_final(desc, digest);
	shash_desc_zero(desc);
	return err;
}

static int compute(const struct sk_buff *skb, const struct espl_sa *sa, u64 seq,
		   bool sending, u8 *digest)
{
	u8 *headers = mute_headers(skb, sa, sending);
	int err;

	if (IS_ERR(headers))
		return PTR_ERR(headers);
	err = mac(skb, sa, headers, seq, digest);
	kfree(headers);
	return err;
}

static int seal(struct sk_buff *skb, struct espl_sa *sa, u64 seq,
		espl_xform_done done)
{
	u8 *ah = skb_transport_header(skb);
	u8 digest[HASH_MAX_DIGESTSIZE];
	int err;

	put_unaligned(sa->conf.spi, (__be32 *)(ah + 4));
	put_unaligned_be32(seq, ah + 8);
	err = compute(skb, sa, seq, true, digest);
	if (!err)
		memcpy(ah + ESPL_AH_FIXED, digest, sa->icvlen);
	return err;
}

/* The sender's padding may be another than ours. */
static unsigned int header_of(const struct sk_buff *skb)
{
	return espl_ah_len_read(skb_transport_header(skb)[1]);
}

static bool header_ok(const struct sk_buff *skb, const struct espl_sa *sa)
{
	return espl_ah_len_ok(header_of(skb), sa->icvlen) &&
	       espl_xform_len(skb) >= header_of(skb);
}

static int open(struct sk_buff *skb, struct espl_sa *sa, u64 seq,
		espl_xform_done done)
{
	const u8 *icv = skb_transport_header(skb) + ESPL_AH_FIXED;
	u8 digest[HASH_MAX_DIGESTSIZE];
	int err = compute(skb, sa, seq, false, digest);

	if (!err && crypto_memneq(icv, digest, sa->icvlen))
		err = -EBADMSG;
	return err;
}

static struct espl_payload unwrap(const struct sk_buff *skb, const struct espl_sa *sa)
{
	return (struct espl_payload){
		.len = espl_xform_octets(skb, sa, header_of(skb)),
		.header = header_of(skb),
		.proto = skb_transport_header(skb)[0],
	};
}

const struct espl_xform espl_ah = {
	.proto = IPPROTO_AH,
	.spi_offset = 4,
	.stat_out = ESPL_OUT_AH,
	.stat_in = ESPL_IN_AH,
	.init = init,
	.fini = fini,
	.mtu = mtu,
	.wrap = wrap,
	.seal = seal,
	.header_ok = header_ok,
	.open = open,
	.unwrap = unwrap,
};
