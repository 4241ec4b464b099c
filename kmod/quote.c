// SPDX-License-Identifier: GPL-2.0-only
/*
 * quote.c - the packet that an ICMP error quotes
 *
 * Owns the reading of it. Anyone can send such errors, and what they quote has a
 * header that nobody has checked. Called by icmp.c, and by tx.c and check.c for errors
 * about what is inside (RFC 4301 section 6.2).
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include "quote.h"

/**
 * espl_quote_is_error() - does this flow's packet quote another
 * @flow: the flow
 *
 * Context: Any.
 * Return: Whether it is an ICMP error.
 */
bool espl_quote_is_error(const struct espl_flow *flow)
{
	u16 type = ntohs(flow->sport);

	if (!flow->ports_known)
		return false;
	if (flow->family == AF_INET6)
		return flow->proto == IPPROTO_ICMPV6 &&
		       !(type & ICMPV6_INFOMSG_MASK);
	return flow->proto == IPPROTO_ICMP &&
	       (type == ICMP_DEST_UNREACH || type == ICMP_TIME_EXCEEDED ||
		type == ICMP_PARAMETERPROB);
}

/**
 * espl_quote_begin() - make the quoted packet the one that the network header shows
 * @skb: an ICMP error, its network header set, at or behind its data
 * @family: of both packets
 * @offset: octets from the IP header to that of ICMP
 *
 * Undone by skb_set_network_header() to what this returns.
 *
 * Context: Any; @skb may be pulled.
 * Return: Where the network header was; negative where there is not that much of a
 *	   packet, and then nothing was done.
 */
int espl_quote_begin(struct sk_buff *skb, u8 family, unsigned int offset)
{
	int network = skb_network_offset(skb);
	unsigned int quote = network + offset + ESPL_ICMP_HEADER;
	unsigned int len = family == AF_INET ? sizeof(struct iphdr) :
					       sizeof(struct ipv6hdr);

	/* IP does not look at the version there, and goes by what it finds. */
	if (network < 0 || !pskb_may_pull(skb, quote + len))
		return -1;
	skb_set_network_header(skb, quote);
	return network;
}

static void reverse(struct espl_flow *flow)
{
	swap(flow->saddr, flow->daddr);
	/* In ICMP these are type and code, which have no other way round. */
	if (flow->proto != IPPROTO_ICMP && flow->proto != IPPROTO_ICMPV6)
		swap(flow->sport, flow->dport);
}

/**
 * espl_quote_read() - the flow that an ICMP error is about, the error's way
 * @skb: a packet, its network header set, at or behind its data
 * @flow: its flow
 * @about: the flow of the quoted packet, reversed
 * @hop: where that was to go next
 *
 * Context: Any; @skb may be pulled.
 * Return: Whether it is an ICMP error and quotes that much of a packet.
 */
bool espl_quote_read(struct sk_buff *skb, const struct espl_flow *flow,
		     struct espl_flow *about, union nf_inet_addr *hop)
{
	struct espl_upper upper;
	int network;
	bool found;

	if (!espl_quote_is_error(flow) || !espl_upper_find(skb, flow->family, &upper))
		return false;
	network = espl_quote_begin(skb, flow->family, upper.offset);
	if (network < 0)
		return false;
	*hop = espl_flow_hop(skb, flow->family);
	found = espl_flow_read(skb, flow->family, about);
	skb_set_network_header(skb, network);
	if (found)
		reverse(about);
	return found;
}

/**
 * espl_quote_flow() - the same, where the error may go the way of what it is about
 * @skb: a packet, its network header set, at or behind its data
 * @flow: its flow
 * @about: the flow of the quoted packet, reversed
 *
 * The error must go to whom sent what it quotes.
 *
 * Context: Any; @skb may be pulled.
 * Return: Whether it is an ICMP error and quotes that much of a packet that is
 *	   not ESP or AH.
 */
bool espl_quote_flow(struct sk_buff *skb, const struct espl_flow *flow,
		     struct espl_flow *about)
{
	union nf_inet_addr hop;

	if (!espl_quote_read(skb, flow, about, &hop))
		return false;
	/* What quotes ESP or AH is about the way, not about what is inside. */
	if (about->proto == IPPROTO_ESP || about->proto == IPPROTO_AH)
		return false;
	return espl_addr_equal(&about->daddr, &flow->daddr, flow->family);
}
