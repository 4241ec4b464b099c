/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * packet.h - packets for flow.c, quote.c, decap.c and natt_fmt.c outside the kernel
 *
 * As in the kernel a packet has a linear part, and the rest is elsewhere. Each has an
 * allocation of just its size, so that the sanitizer sees whoever reads beyond.
 */
#ifndef PACKET_H
#define PACKET_H

#include <stdlib.h>

#include "../../kmod/portable.h"

#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#define IP_MF			0x2000
#define IP_OFFSET		0x1fff
#define IP6_OFFSET		0xfff8
#define MAX_IPOPTLEN		40
#define NEXTHDR_HOP		0
#define NEXTHDR_ROUTING		43
#define NEXTHDR_FRAGMENT	44
#define NEXTHDR_DEST		60
#define IPV6_SRCRT_TYPE_4	4
#define NDISC_ROUTER_SOLICITATION	133
#define NDISC_REDIRECT			137
#define swap(a, b)	do { __typeof__(a) swapped = (a); (a) = (b); (b) = swapped; } while (0)

struct frag_hdr {
	__u8 nexthdr;
	__u8 reserved;
	__be16 frag_off;
	__be32 identification;
};

#define IPV6_ADDR_SCOPE_NODELOCAL	1
#define IPV6_ADDR_MC_SCOPE(addr)	((addr)->s6_addr[1] & 0x0f)

static inline bool ipv6_addr_is_multicast(const struct in6_addr *addr)
{
	return addr->s6_addr[0] == 0xff;
}

static inline bool ipv6_addr_loopback(const struct in6_addr *addr)
{
	static const struct in6_addr loopback = { .s6_addr = { [15] = 1 } };

	return !memcmp(addr, &loopback, sizeof(loopback));
}

#define CSUM_MANGLED_0		((__sum16)0xffff)
#define ETH_P_IP		0x0800
#define ETH_P_IPV6		0x86dd

struct sk_buff {
	u8 *head;		/* what data was before anything was pulled */
	u8 *data;		/* the linear part */
	unsigned int linear;	/* octets of it */
	u8 *rest;
	unsigned int len;	/* of both */
	int network;		/* octets from data */
	__be16 protocol;
};

static inline struct sk_buff packet_make(const u8 *octets, unsigned int len,
					 unsigned int linear)
{
	struct sk_buff skb = { .len = len, .linear = linear < len ? linear : len };

	skb.head = malloc(skb.linear);
	skb.data = skb.head;
	skb.rest = malloc(len - skb.linear);
	memcpy(skb.data, octets, skb.linear);
	memcpy(skb.rest, octets + skb.linear, len - skb.linear);
	return skb;
}

static inline void packet_free(struct sk_buff *skb)
{
	free(skb->head);
	free(skb->rest);
}

static inline int skb_network_offset(const struct sk_buff *skb)
{
	return skb->network;
}

static inline void skb_set_network_header(struct sk_buff *skb, int offset)
{
	skb->network = offset;
}

static inline struct iphdr *ip_hdr(const struct sk_buff *skb)
{
	return (struct iphdr *)(skb->data + skb->network);
}

static inline struct ipv6hdr *ipv6_hdr(const struct sk_buff *skb)
{
	return (struct ipv6hdr *)(skb->data + skb->network);
}

static inline unsigned int skb_headlen(const struct sk_buff *skb)
{
	return skb->linear;
}

static inline bool ip_is_fragment(const struct iphdr *iph)
{
	return iph->frag_off & htons(0x3fff);
}

static inline unsigned int ipv6_optlen(const struct ipv6_opt_hdr *hdr)
{
	return (hdr->hdrlen + 1) << 3;
}

static inline void *skb_header_pointer(const struct sk_buff *skb, int offset, int len,
				       void *buffer)
{
	if (offset < 0 || len < 0 || (unsigned int)offset + len > skb->len)
		return NULL;
	if ((unsigned int)offset + len <= skb->linear)
		return skb->data + offset;
	for (int i = 0; i < len; i++) {
		unsigned int at = offset + i;

		((u8 *)buffer)[i] = at < skb->linear ? skb->data[at] :
						       skb->rest[at - skb->linear];
	}
	return buffer;
}

static inline bool pskb_may_pull(struct sk_buff *skb, unsigned int len)
{
	struct sk_buff pulled;
	u8 *whole;

	if (len > skb->len)
		return false;
	if (len <= skb->linear)
		return true;
	whole = malloc(skb->len);
	memcpy(whole, skb->data, skb->linear);
	memcpy(whole + skb->linear, skb->rest, skb->len - skb->linear);
	pulled = packet_make(whole, skb->len, len);
	pulled.network = skb->network;
	free(whole);
	packet_free(skb);
	*skb = pulled;
	return true;
}

/* What follows is for packets that are linear. */

static inline void __skb_pull(struct sk_buff *skb, unsigned int len)
{
	if (len > skb->len)
		abort();	/* the kernel would do nothing, and nobody asks */
	skb->data += len;
	skb->len -= len;
	skb->linear -= len;
	skb->network -= len;
}

/* To another allocation: what is cut off is out of bounds. */
static inline void skb_trim(struct sk_buff *skb, unsigned int len)
{
	struct sk_buff cut;

	if (len >= skb->len)
		return;
	cut = packet_make(skb->data, len, len);
	cut.network = skb->network;
	cut.protocol = skb->protocol;
	packet_free(skb);
	*skb = cut;
}

static inline void skb_reset_network_header(struct sk_buff *skb)
{
	skb->network = 0;
}

static inline u8 ipv4_get_dsfield(const struct iphdr *iph)
{
	return iph->tos;
}

static inline u8 ipv6_get_dsfield(const struct ipv6hdr *ip6h)
{
	return ntohs(*(const __be16 *)ip6h) >> 4;
}

/* The sum of 16 bit words, in the order of the wire. */
static inline u32 packet_sum(const u8 *octets, unsigned int len, u32 sum)
{
	for (unsigned int i = 0; i < len; i++)
		sum += i % 2 ? octets[i] : octets[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static inline __sum16 ip_fast_csum(const void *iph, unsigned int words)
{
	return htons(~packet_sum(iph, words * 4, 0));
}

static inline void ip_send_check(struct iphdr *iph)
{
	iph->check = 0;
	iph->check = ip_fast_csum(iph, iph->ihl);
}

static inline u32 skb_checksum(const struct sk_buff *skb, int offset, int len, u32 sum)
{
	return packet_sum(skb->data + offset, len, sum);
}

static inline __sum16 csum_tcpudp_magic(__be32 saddr, __be32 daddr, u32 len, u8 proto,
					u32 sum)
{
	sum = packet_sum((u8 *)&saddr, 4, sum);
	sum = packet_sum((u8 *)&daddr, 4, sum);
	return htons(~packet_sum(NULL, 0, sum + len + proto));
}

static inline __sum16 csum_ipv6_magic(const struct in6_addr *saddr,
				      const struct in6_addr *daddr, u32 len, u8 proto,
				      u32 sum)
{
	sum = packet_sum((const u8 *)saddr, 16, sum);
	sum = packet_sum((const u8 *)daddr, 16, sum);
	return htons(~packet_sum(NULL, 0, sum + len + proto));
}

/* RFC 6040 section 4.2: 2 where congestion was met by who cannot be told. */
static inline int INET_ECN_decapsulate(struct sk_buff *skb, u8 outer, u8 inner)
{
	if ((outer & 3) != 3 || (inner & 3) == 3)
		return 0;
	if (!(inner & 3))
		return 2;
	if (skb->protocol == htons(ETH_P_IP)) {
		u32 more = 3 & ~inner;
		u16 sum = ntohs(ip_hdr(skb)->check);

		/* Only what is known to be there is read. */
		ip_hdr(skb)->tos |= 3;
		ip_hdr(skb)->check = htons(~packet_sum(NULL, 0, (u16)~sum + more));
	} else {
		((u8 *)ipv6_hdr(skb))[1] |= 3 << 4;
	}
	return 0;
}

#endif
