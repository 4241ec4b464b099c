// SPDX-License-Identifier: GPL-2.0-only
/*
 * decap.c - the IP headers around ESP and AH taken off (RFC 4301 section 5.2)
 *
 * Owns how a packet is taken apart once it is open. Whoever has the key wrote what
 * is inside, and nobody has looked at it yet. Reads only the packet, so that the
 * fuzzers have it, too. Called by rx.c.
 */
#include <net/dsfield.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "decap.h"

/**
 * espl_decap_transport() - close the gap where ESP or AH was
 * @skb: the packet, ours alone, trimmed to its payload
 * @family: of its IP header
 * @offset: where the transform's header begins, octets from the IP header
 * @nhoff: where the octet that announces it is
 * @strip: octets of it, and of UDP in front
 * @proto: what the payload is
 *
 * Context: BH off.
 */
void espl_decap_transport(struct sk_buff *skb, u8 family, unsigned int offset,
			  unsigned int nhoff, unsigned int strip, u8 proto)
{
	skb->data[nhoff] = proto;
	memmove(skb->data + strip, skb->data, offset);
	__skb_pull(skb, strip);
	skb_reset_network_header(skb);
	if (family == AF_INET) {
		ip_hdr(skb)->tot_len = htons(skb->len);
		ip_send_check(ip_hdr(skb));
	} else {
		ipv6_hdr(skb)->payload_len = htons(skb->len -
						   sizeof(struct ipv6hdr));
	}
}

static bool inner4_ok(struct sk_buff *skb)
{
	const struct iphdr *iph = ip_hdr(skb);
	unsigned int len;

	if (skb->len < sizeof(*iph) || iph->version != 4 || iph->ihl < 5)
		return false;
	len = ntohs(iph->tot_len);
	if (len > skb->len || len < iph->ihl * 4 || ip_fast_csum(iph, iph->ihl))
		return false;
	if (len < skb->len)
		skb_trim(skb, len);
	return true;
}

/*
 * What ip6_rcv_core() refuses of a device, and the packet does not pass it again: where a
 * policy is for all addresses, a peer is still not this host, nor a group.
 */
static bool ends6_ok(const struct sk_buff *skb)
{
	const struct in6_addr *saddr = &ipv6_hdr(skb)->saddr;
	const struct in6_addr *daddr = &ipv6_hdr(skb)->daddr;

	if (ipv6_addr_is_multicast(daddr) &&
	    IPV6_ADDR_MC_SCOPE(daddr) <= IPV6_ADDR_SCOPE_NODELOCAL)
		return false;
	return !ipv6_addr_is_multicast(saddr) && !ipv6_addr_loopback(saddr) &&
	       !ipv6_addr_loopback(daddr);
}

static bool inner6_ok(struct sk_buff *skb)
{
	const struct ipv6hdr *ip6h = ipv6_hdr(skb);
	unsigned int len;

	if (skb->len < sizeof(*ip6h) || ip6h->version != 6 || !ends6_ok(skb))
		return false;
	len = sizeof(*ip6h) + ntohs(ip6h->payload_len);
	if (len > skb->len)
		return false;
	skb_trim(skb, len);
	return true;
}

/**
 * espl_decap_tunnel() - take the outer headers off
 * @skb: the packet, linear and ours alone, trimmed to its payload
 * @outer_family: of its outer IP header
 * @strip: octets from the outer IP header to the inner packet
 * @proto: what the payload is
 *
 * Congestion experienced on the way goes inside (RFC 6040 section 4.2). Octets behind the
 * inner packet's own length are traffic flow confidentiality padding (RFC 4303 section
 * 2.7), and are cut off.
 *
 * Context: BH off.
 * Return: 0, -EPROTO where there is no whole IP packet inside, or -EPERM where that could
 *	   not have been marked so: drop it.
 */
int espl_decap_tunnel(struct sk_buff *skb, u8 outer_family,
		      unsigned int strip, u8 proto)
{
	u8 outer = outer_family == AF_INET ? ipv4_get_dsfield(ip_hdr(skb)) :
					     ipv6_get_dsfield(ipv6_hdr(skb));
	u8 inner;

	__skb_pull(skb, strip);
	skb_reset_network_header(skb);
	if (proto == IPPROTO_IPIP) {
		if (!inner4_ok(skb))
			return -EPROTO;
		skb->protocol = htons(ETH_P_IP);
		inner = ipv4_get_dsfield(ip_hdr(skb));
	} else {
		if (proto != IPPROTO_IPV6 || !inner6_ok(skb))
			return -EPROTO;
		skb->protocol = htons(ETH_P_IPV6);
		inner = ipv6_get_dsfield(ipv6_hdr(skb));
	}
	return INET_ECN_decapsulate(skb, outer, inner) <= 1 ? 0 : -EPERM;
}
