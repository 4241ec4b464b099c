/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * shim.h - what the kernel is to rooms that are not pure, where only lengths count
 *
 * Stands for these headers, of which run.sh makes empty ones, and is included ahead of
 * what a proof names by "with":
 * <asm/unaligned.h>
 * <crypto/aead.h>
 * <crypto/authenc.h>
 * <crypto/hash.h>
 * <linux/completion.h>
 * <linux/mutex.h>
 * <linux/random.h>
 * <linux/rbtree.h>
 * <linux/refcount.h>
 * <linux/rhashtable.h>
 * <linux/scatterlist.h>
 * <linux/skbuff.h>
 * <linux/slab.h>
 * <linux/spinlock.h>
 * <linux/timekeeping.h>
 * <linux/workqueue.h>
 * <linux/xarray.h>
 * <net/dsfield.h>
 * <net/dst_cache.h>
 * <net/icmp.h>
 * <net/inet_ecn.h>
 * <net/ip.h>
 * <net/ipv6.h>
 * <net/ndisc.h>
 * <net/net_namespace.h>
 * <net/tcp.h>
 *
 * A packet's payload is not there, only how long it is. Functions without a body may
 * return anything, which CBMC knows.
 */
#ifndef PROVE_SHIM_H
#define PROVE_SHIM_H

#define ESPL_COMPAT_H	/* of compat/compat.h nothing is needed but what is here */
#define OCTETS

#include "prove.h"

#include <limits.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/rtnetlink.h>
#include <linux/tcp.h>

#include "../unit/shim.h"

#define __aligned(n)		__attribute__((aligned(n)))
#define __rcu
#define noinline
#define ALIGN(x, a)		(((x) + (a) - 1) & ~((__typeof__(x))(a) - 1))
#define BIT_ULL(n)		(1ULL << (n))
#define max_t(t, a, b)		((t)(a) > (t)(b) ? (t)(a) : (t)(b))
#define GFP_ATOMIC		0
#define IS_ERR(p)		(!(p))
#define PTR_ERR(p)		((void)(p), -ENOENT)
#define ERR_PTR(err)		((void)(err), NULL)
#define kmalloc(size, flags)	malloc(size)
#define kfree(object)		free(object)
#define kfree_sensitive(object)	free(object)
#define cpu_to_be32(x)		htonl(x)
#define local_bh_disable()
#define local_bh_enable()

/* One CPU. */
#define DEFINE_PER_CPU(type, name)	__typeof__(type) name
#define __this_cpu_read(name)		(name)
#define __this_cpu_write(name, value)	((name) = (value))
#define per_cpu(name, cpu)		((void)(cpu), (name))
#define for_each_possible_cpu(cpu)	for (cpu = 0; cpu < 1; cpu++)

typedef struct { long counter; } atomic64_t;
struct rhash_head {};
struct dst_cache {};
struct rcu_work {};
struct dst_entry;
struct sock {
	bool sk_gso_disabled;
};

/* Crypto: it is there, or it is not. */
#define CRYPTO_MAX_ALG_NAME	128
#define snprintf(name, size, ...)	((void)(name))
#define CRYPTO_AUTHENC_KEYA_PARAM	1
#define HASH_MAX_DIGESTSIZE	64
typedef void espl_crypto_arg;
#define espl_crypto_data(arg)	(arg)
struct crypto_aead;
struct crypto_shash;
struct scatterlist { int any; };
struct aead_request { unsigned int cryptlen; };
struct shash_desc { struct crypto_shash *tfm; };
struct crypto_authenc_key_param { __be32 enckeylen; };
#define SHASH_DESC_ON_STACK(desc, shash)	struct shash_desc desc##_, *desc = &desc##_
struct crypto_aead *crypto_alloc_aead(const char *name, u32 type, u32 mask);
struct crypto_shash *crypto_alloc_shash(const char *name, u32 type, u32 mask);
void crypto_free_aead(struct crypto_aead *aead);
void crypto_free_shash(struct crypto_shash *shash);
int crypto_aead_setauthsize(struct crypto_aead *aead, unsigned int size);
int crypto_aead_setkey(struct crypto_aead *aead, const u8 *key, unsigned int len);
int crypto_shash_setkey(struct crypto_shash *shash, const u8 *key, unsigned int len);
unsigned int crypto_aead_reqsize(struct crypto_aead *aead);
int crypto_aead_encrypt(struct aead_request *req);
int crypto_aead_decrypt(struct aead_request *req);
void aead_request_set_tfm(struct aead_request *req, struct crypto_aead *aead);
void aead_request_set_callback(struct aead_request *req, u32 flags,
			       void (*done)(void *arg, int err), void *arg);
void aead_request_set_crypt(struct aead_request *req, struct scatterlist *src,
			    struct scatterlist *dst, unsigned int len, u8 *iv);
void aead_request_set_ad(struct aead_request *req, unsigned int len);
void sg_init_table(struct scatterlist *sg, unsigned int entries);
void sg_set_buf(struct scatterlist *sg, const void *at, unsigned int len);
int crypto_shash_init(struct shash_desc *desc);
int crypto_shash_update(struct shash_desc *desc, const u8 *at, unsigned int len);
int crypto_shash_final(struct shash_desc *desc, u8 *digest);
void shash_desc_zero(struct shash_desc *desc);
int crypto_memneq(const void *a, const void *b, size_t len);
void get_random_bytes(void *to, size_t len);
void put_unaligned_be32(u32 value, void *to);
void put_unaligned_be64(u64 value, void *to);
#define put_unaligned(value, to)	memcpy(to, &(__be32){ value }, 4)
void *kmemdup(const void *from, size_t len, int flags);

/* Packets. */
#define IP_DF			0x4000
#define IP_MAX_MTU		0xffffu
#define IPV6_MAXPLEN		65535
#define IPV6_MIN_MTU		1280
#define CHECKSUM_PARTIAL	3
#define SKB_GSO_TCPV4		1
#define SKB_GSO_TCPV6		2
#define TCP_MIN_MSS		88u
#define ETH_P_IP		0x0800
#define ETH_P_IPV6		0x86dd

/**
 * struct sk_buff - a packet
 * @head: where its memory begins
 * @data: its headers, in memory that has room in front of them; what is behind the
 *	  headers has none
 * @len: how long it is, all of it
 * @network: the IP header
 * @transport: that of ESP or AH
 * @header: octets of it that stay in front in transport mode
 * @frag_max_size: the largest fragment that it came in
 */
struct sk_buff {
	u8 *head;
	u8 *data;
	unsigned int len;
	u8 *network;
	u8 *transport;
	unsigned int header;
	u16 frag_max_size;
	__be16 protocol;
	bool ignore_df;
	bool encapsulation;
	u8 ip_summed;
	u16 csum_offset;
	int skb_iif;
	struct net_device *dev;
	struct sock *sk;
	char cb[48];
	u16 flags;		/* of IPCB */
};

struct net {
	struct {
		u8 sysctl_ip_default_ttl;
	} ipv4;
};

struct skb_shared_info {
	unsigned int gso_type;
	u16 gso_size;
	u16 gso_segs;
};

#define RTAX_HOPLIMIT		10
#define IPCB(skb)		(skb)
#define IP6CB(skb)		(skb)
struct sk_buff *alloc_skb(unsigned int len, int flags);
void kfree_skb(struct sk_buff *skb);
unsigned int skb_end_offset(const struct sk_buff *skb);
void memzero_explicit(void *at, size_t len);
void *skb_header_pointer(const struct sk_buff *skb, int offset, int len, void *copy);
void *skb_put_data(struct sk_buff *skb, const void *from, unsigned int len);
struct skb_shared_info *skb_shinfo(const struct sk_buff *skb);
bool skb_is_gso(const struct sk_buff *skb);
bool skb_gso_validate_network_len(const struct sk_buff *skb, unsigned int mtu);
void skb_dst_update_pmtu_no_confirm(struct sk_buff *skb, u32 mtu);
struct dst_entry *skb_dst(const struct sk_buff *skb);
bool sk_fullsock(const struct sock *sk);
bool sk_is_tcp(const struct sock *sk);
struct sock *sk_to_full_sk(struct sock *sk);
struct sock *skb_to_full_sk(const struct sk_buff *skb);
const struct tcphdr *tcp_hdr(const struct sk_buff *skb);
unsigned int tcp_hdrlen(const struct sk_buff *skb);
void icmp_send(struct sk_buff *skb, int type, int code, __be32 info);
void icmpv6_send(struct sk_buff *skb, u8 type, u8 code, u32 info);
u32 dst_metric_raw(const struct dst_entry *dst, int metric);
u8 ip6_dst_hoplimit(struct dst_entry *dst);
void ip_select_ident(struct net *net, struct sk_buff *skb, struct sock *sk);
void ip_send_check(struct iphdr *iph);
u8 ipv4_get_dsfield(const struct iphdr *iph);
u8 ipv6_get_dsfield(const struct ipv6hdr *ip6h);
void ip6_flow_hdr(struct ipv6hdr *ip6h, unsigned int tclass, __be32 label);
u16 ip_fast_csum(const void *iph, unsigned int ihl);
int INET_ECN_decapsulate(struct sk_buff *skb, u8 outer, u8 inner);
void __skb_pull(struct sk_buff *skb, unsigned int len);
void skb_trim(struct sk_buff *skb, unsigned int len);

static inline struct iphdr *ip_hdr(const struct sk_buff *skb)
{
	return (struct iphdr *)skb->network;
}

static inline struct ipv6hdr *ipv6_hdr(const struct sk_buff *skb)
{
	return (struct ipv6hdr *)skb->network;
}

static inline unsigned int ip_hdrlen(const struct sk_buff *skb)
{
	return skb->header;
}

static inline int ip6_find_1stfragopt(struct sk_buff *skb, u8 **nexthdr)
{
	*nexthdr = &ipv6_hdr(skb)->nexthdr;
	return skb->header;
}

static inline u8 *skb_network_header(const struct sk_buff *skb) { return skb->network; }
static inline u8 *skb_transport_header(const struct sk_buff *skb) { return skb->transport; }
static inline int skb_network_offset(const struct sk_buff *skb)
{
	return skb->network - skb->data;
}

static inline int skb_transport_offset(const struct sk_buff *skb)
{
	return skb->transport - skb->data;
}

static inline unsigned int skb_network_header_len(const struct sk_buff *skb)
{
	return skb->transport - skb->network;
}

static inline void skb_reset_network_header(struct sk_buff *skb)
{
	skb->network = skb->data;
}

static inline void skb_set_transport_header(struct sk_buff *skb, int offset)
{
	skb->transport = skb->data + offset;
}

static inline void *__skb_push(struct sk_buff *skb, unsigned int len)
{
	skb->data -= len;
	skb->len += len;
	return skb->data;
}

/* What is put behind a packet is in memory of just its size. */
static inline void *__skb_put(struct sk_buff *skb, unsigned int len)
{
	skb->len += len;
	return any_octets(len);
}

static inline void skb_put_zero(struct sk_buff *skb, unsigned int len)
{
	skb->len += len;
}

/* What is moved is not looked at: it is enough that there is room. */
static inline void octets_move(void *to, const void *from, size_t len)
{
	certain(__CPROVER_r_ok(from, len) && __CPROVER_w_ok(to, len),
		"headers are moved within their room");
}
#define memmove(to, from, len)	octets_move(to, from, len)

#endif
