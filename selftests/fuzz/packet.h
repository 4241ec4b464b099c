/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * packet.h - packets for flow.c and quote.c outside the kernel
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

struct sk_buff {
	u8 *data;		/* the linear part */
	unsigned int linear;	/* octets of it */
	u8 *rest;
	unsigned int len;	/* of both */
	int network;
};

static inline struct sk_buff packet_make(const u8 *octets, unsigned int len,
					 unsigned int linear)
{
	struct sk_buff skb = { .len = len, .linear = linear < len ? linear : len };

	skb.data = malloc(skb.linear);
	skb.rest = malloc(len - skb.linear);
	memcpy(skb.data, octets, skb.linear);
	memcpy(skb.rest, octets + skb.linear, len - skb.linear);
	return skb;
}

static inline void packet_free(struct sk_buff *skb)
{
	free(skb->data);
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

#endif
