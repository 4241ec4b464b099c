// SPDX-License-Identifier: GPL-2.0-only
/*
 * natt_fmt.c - UDP around ESP, and the checksums inside
 *
 * Owns the reading of what comes to a port of ESP's, which anyone can send, and the
 * checksums that a translator has made wrong. Knows no SA; the fuzzers have it, too.
 * Called by natt.c, check.c, rx.c and tx.c.
 */
#include <linux/icmpv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>

#include "natt_fmt.h"

/**
 * espl_natt_is_keepalive() - one octet of ones (RFC 3948 section 2.3)
 * @skb: a packet to such a port
 * @upper: its upper-layer header
 *
 * Context: Any.
 * Return: Whether it is.
 */
bool espl_natt_is_keepalive(const struct sk_buff *skb,
			    const struct espl_upper *upper)
{
	int at = skb_network_offset(skb) + upper->offset;
	const struct udphdr *udp;
	struct udphdr copy;
	const u8 *octet;
	u8 one;

	udp = espl_natt_udp(skb, upper, &copy);
	octet = skb_header_pointer(skb, at + ESPL_UDP, 1, &one);
	return udp && ntohs(udp->len) == ESPL_UDP + 1 && octet && *octet == 0xff;
}

/**
 * espl_natt_inside() - where ESP would be in a packet to such a port
 * @skb: the packet; cut to the length that the UDP header says
 * @upper: its upper-layer header; becomes that of ESP inside
 *
 * The checksum is not looked at: the ICV says more (RFC 3948 section 2.1).
 *
 * Context: BH off.
 * Return: False where the lengths leave no room for it.
 */
bool espl_natt_inside(const struct sk_buff *skb, struct espl_upper *upper)
{
	struct udphdr copy;
	const struct udphdr *udp = espl_natt_udp(skb, upper, &copy);
	unsigned int len = udp ? ntohs(udp->len) : 0;

	if (len <= 2 * ESPL_UDP || upper->offset + len != skb->len)
		return false;
	upper->offset += ESPL_UDP;
	upper->proto = IPPROTO_ESP;
	return true;
}

static __sum16 fold(const struct sk_buff *skb, u8 family, unsigned int offset,
		    u8 proto)
{
	unsigned int len = skb->len - offset;
	__wsum sum = skb_checksum(skb, offset, len, 0);

	if (family == AF_INET)
		return csum_tcpudp_magic(ip_hdr(skb)->saddr, ip_hdr(skb)->daddr,
					 len, proto, sum);
	return csum_ipv6_magic(&ipv6_hdr(skb)->saddr, &ipv6_hdr(skb)->daddr, len,
			       proto, sum);
}

/* Where a header has its checksum over the addresses; -1: it has none. */
static int checksum_at(u8 family, u8 proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return offsetof(struct tcphdr, check);
	case IPPROTO_UDP:
		return offsetof(struct udphdr, check);
	case IPPROTO_ICMPV6:
		return family == AF_INET6 ?
		       offsetof(struct icmp6hdr, icmp6_cksum) : -1;
	default:
		return -1;
	}
}

/**
 * espl_natt_checksum() - make a checksum right that covers addresses of before
 * @skb: a packet out of transport mode, linear and ours alone
 * @family: of its IP header
 *
 * The peer computed it with addresses that a translator has changed since; the
 * ICV has shown that the rest is as it was sent (RFC 3948 section 3.1.2).
 *
 * Context: BH off.
 */
void espl_natt_checksum(struct sk_buff *skb, u8 family)
{
	struct espl_upper upper;
	__sum16 *check;
	int at;

	if (!espl_upper_find(skb, family, &upper) || upper.fragment)
		return;
	at = checksum_at(family, upper.proto);
	if (at < 0 || upper.offset + at + sizeof(*check) > skb->len)
		return;
	check = (__sum16 *)(skb->data + upper.offset + at);
	if (upper.proto == IPPROTO_UDP && !*check)
		return;		/* none was sent */
	*check = 0;
	*check = fold(skb, family, upper.offset, upper.proto);
	if (upper.proto == IPPROTO_UDP && !*check)
		*check = CSUM_MANGLED_0;
}
