/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * flow.h - reading a packet's flow from its headers
 */
#ifndef ESPL_FLOW_H
#define ESPL_FLOW_H

#include <linux/skbuff.h>

#include "sel.h"

/**
 * struct espl_upper - where a packet's upper-layer header is
 * @offset: octets from the IP header to it
 * @nhoff: octets from the IP header to the octet that announces @proto
 * @proto: what it is
 * @route: octets from the IP header to an IPv6 routing header with hops ahead
 * @later: a fragment that does not hold the header: a later one than the first, or
 *	   in IPv6 one that ends before it
 * @fragment: there is an IPv6 fragment header, or IPv4 offset or MF
 */
struct espl_upper {
	unsigned int offset;
	unsigned int nhoff;
	unsigned int route;
	u8 proto;
	bool later;
	bool fragment;
};

bool espl_upper_find(const struct sk_buff *skb, u8 family,
		     struct espl_upper *upper);
union nf_inet_addr espl_flow_hop(const struct sk_buff *skb, u8 family);
union nf_inet_addr espl_flow_daddr(const struct sk_buff *skb, u8 family,
				   const struct espl_upper *upper);
bool espl_flow_usual(const struct sk_buff *skb, u8 family, struct espl_upper *upper,
		     struct espl_flow *flow);
void espl_flow_fill(const struct sk_buff *skb, u8 family,
		    const struct espl_upper *upper, struct espl_flow *flow);
bool espl_flow_walk(const struct sk_buff *skb, u8 family, struct espl_upper *upper,
		    struct espl_flow *flow);

/**
 * espl_flow_read() - what flow a packet belongs to
 * @skb: the packet, its network header set and that much in the linear part
 * @family: AF_INET or AF_INET6
 * @flow: filled
 *
 * Context: Any.
 * Return: False where the headers end early.
 */
static inline bool espl_flow_read(const struct sk_buff *skb, u8 family,
				  struct espl_flow *flow)
{
	struct espl_upper upper;

	return espl_flow_usual(skb, family, &upper, flow) ||
	       espl_flow_walk(skb, family, &upper, flow);
}

#endif
