// SPDX-License-Identifier: GPL-2.0-only
/*
 * icmp.c - ICMP errors: about ESP and AH of ours, and about what is inside
 *
 * Owns what follows from the packet that an ICMP error quotes, which quote.c reads:
 *
 * An error about a packet that we sent protected comes in clear from anyone on
 * the way, and is believed only so far as it can be (RFC 4301 sections 6.1.1 and
 * 8.2.1): that the path is narrower, if it quotes a sequence number that a
 * stranger to the path would have to guess. check.c calls for it.
 *
 * An error about a packet inside belongs to that packet's flow: where no policy
 * covers the error by its own addresses, the policy that covers what it quotes,
 * reversed, does (section 6.2). tx.c and check.c call for that.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/inetdevice.h>
#include <linux/netfilter.h>
#include <net/addrconf.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/route.h>

#include "compat/compat.h"
#include "icmp.h"
#include "natt.h"
#include "quote.h"
#include "sad.h"
#include "xform.h"

#define RECENT		0x10000	/* packets: older ones are not believed about */

/* No path is narrower, whatever it says of itself. */
#define FLOOR4		576
#define FLOOR6		IPV6_MIN_MTU

/* The MTU that an error names, 0 where it is about something else. */
static u32 named_mtu(const struct sk_buff *skb, u8 family, unsigned int offset)
{
	const struct icmphdr *icmp = (const void *)(skb->data + offset);
	const struct icmp6hdr *icmp6 = (const void *)icmp;

	if (family == AF_INET6)
		return icmp6->icmp6_type == ICMPV6_PKT_TOOBIG ?
		       ntohl(icmp6->icmp6_mtu) : 0;
	return icmp->type == ICMP_DEST_UNREACH &&
	       icmp->code == ICMP_FRAG_NEEDED ? ntohs(icmp->un.frag.mtu) : 0;
}

/* Has this SA sent that number, and lately. */
static bool is_recent(const struct espl_sa *sa, u32 seq)
{
	u64 sent;
	u32 age;

	/* One that is not to be used yet may still get another's window. */
	if (!espl_sa_usable(sa))
		return false;
	sent = atomic64_read(&sa->window->sent);
	age = (u32)sent - seq;
	return age < RECENT && age < sent;
}

/* The SA of the quoted packet, which the network header shows, if we sent it. */
static const struct espl_sa *sent_by(struct espl_net *en,
				     const struct sk_buff *skb,
				     const struct espl_upper *upper,
				     const struct espl_flow *flow)
{
	bool in_udp = upper->proto == IPPROTO_UDP;
	u8 proto = in_udp ? IPPROTO_ESP : upper->proto;
	unsigned int at = skb_network_offset(skb) + upper->offset;
	const struct espl_sa *sa;
	const __be32 *spi;
	__be32 copy[2];	/* SPI and sequence number */

	if (upper->later)
		return NULL;
	at += in_udp ? ESPL_UDP : espl_xform_of(proto)->spi_offset;
	spi = skb_header_pointer(skb, at, sizeof(copy), copy);
	if (!spi)
		return NULL;
	sa = espl_sad_lookup(en, flow->family, proto, &flow->daddr, spi[0]);
	return sa && !sa->encaplen == !in_udp &&
	       espl_addr_equal(&sa->conf.saddr, &flow->saddr, flow->family) &&
	       is_recent(sa, ntohl(spi[1])) ? sa : NULL;
}

/* The kernel's own functions want the quoted packet at the packet's data. */
static void narrow(struct espl_net *en, struct sk_buff *skb, u8 family, u8 proto,
		   u32 mtu)
{
	int quote = skb_network_offset(skb);

	__skb_pull(skb, quote);
	if (family == AF_INET)
		ipv4_update_pmtu(skb, en->net, max_t(u32, mtu, FLOOR4), 0, proto);
	else
		ip6_update_pmtu(skb, en->net, htonl(max_t(u32, mtu, FLOOR6)), 0, 0,
				sock_net_uid(en->net, NULL));
	__skb_push(skb, quote);
}

/* The quoted packet is what the network header shows. */
static void judge(struct espl_net *en, struct sk_buff *skb, u8 family, u32 mtu)
{
	struct espl_upper upper;
	struct espl_flow flow;

	if (!espl_upper_find(skb, family, &upper) ||
	    (!espl_xform_of(upper.proto) && upper.proto != IPPROTO_UDP) ||
	    !espl_flow_read(skb, family, &flow))
		return;
	if (mtu && sent_by(en, skb, &upper, &flow)) {
		espl_stat_inc(en, ESPL_IN_PMTU);
		narrow(en, skb, family, upper.proto, mtu);
	} else if (upper.proto != IPPROTO_UDP) {
		/* About UDP it is for its socket, if for anybody. */
		espl_stat_note(en, skb, ESPL_IN_ICMP);
	}
}

/**
 * espl_icmp_input() - learn from an ICMP error about a packet of ours, if it is
 * @en: the namespace
 * @skb: a packet for this host, whole, data and network header at the IP header
 * @family: of it
 * @upper: where its upper-layer header is
 *
 * What becomes of the packet is not decided here.
 *
 * Context: BH off, RCU read side, in LOCAL_IN.
 */
void espl_icmp_input(struct espl_net *en, struct sk_buff *skb, u8 family,
		     const struct espl_upper *upper)
{
	struct espl_flow flow;
	int network;
	u32 mtu;

	if (upper->proto != IPPROTO_ICMP && upper->proto != IPPROTO_ICMPV6)
		return;
	if (!espl_flow_read(skb, family, &flow) || !espl_quote_is_error(&flow) ||
	    !pskb_may_pull(skb, upper->offset + ESPL_ICMP_HEADER) ||
	    nf_checksum(skb, NF_INET_LOCAL_IN, upper->offset, upper->proto, family))
		return;
	mtu = named_mtu(skb, family, upper->offset);
	network = espl_quote_begin(skb, family, upper->offset);
	if (network < 0)
		return;
	judge(en, skb, family, mtu);
	skb_set_network_header(skb, network);
}

static bool find4(const struct net_device *dev, const struct espl_sel *sel,
		  union nf_inet_addr *addr)
{
	const struct in_device *in_dev = __in_dev_get_rcu(dev);
	const struct in_ifaddr *ifa;

	if (!in_dev)
		return false;
	in_dev_for_each_ifa_rcu(ifa, in_dev) {
		addr->ip = ifa->ifa_local;
		if (espl_addr_in(addr, &sel->saddr, sel->splen))
			return true;
	}
	return false;
}

static bool find6(const struct net_device *dev, const struct espl_sel *sel,
		  union nf_inet_addr *addr)
{
	const struct inet6_dev *in6_dev = __in6_dev_get(dev);
	const struct inet6_ifaddr *ifa;

	if (!in6_dev)
		return false;
	list_for_each_entry_rcu(ifa, &in6_dev->addr_list, if_list) {
		addr->in6 = ifa->addr;
		if (!(ifa->flags & IFA_F_TENTATIVE) &&
		    espl_addr_in(addr, &sel->saddr, sel->splen))
			return true;
	}
	return false;
}

/* An address of this host that a selector's source covers. */
static bool find_address(struct net *net, const struct espl_sel *sel,
			 union nf_inet_addr *addr)
{
	struct net_device *dev;

	for_each_netdev_rcu(net, dev)
		if ((dev->flags & IFF_UP) &&
		    (sel->family == AF_INET ? find4(dev, sel, addr) :
					      find6(dev, sel, addr)))
			return true;
	return false;
}

/**
 * espl_icmp_source() - let an ICMP error of this host's come from the right side
 * @en: the namespace
 * @skb: the error, its network header set; still in clear
 * @sel: of the policy that covers what it quotes
 *
 * The stack has given it the address towards the peer, which the peer's policy
 * does not know. Where this host has an address on the protected side, the error
 * gets that. What others made keeps its source.
 *
 * Context: BH off, RCU read side.
 */
void espl_icmp_source(struct espl_net *en, struct sk_buff *skb,
		      const struct espl_sel *sel)
{
	unsigned int len = sel->family == AF_INET ? sizeof(struct iphdr) :
						    sizeof(struct ipv6hdr);
	union nf_inet_addr addr = {};
	struct espl_upper upper;
	struct icmp6hdr *icmp6;

	if (skb->skb_iif || !find_address(en->net, sel, &addr) ||
	    !espl_upper_find(skb, sel->family, &upper))
		return;
	if (sel->family == AF_INET6)
		len = upper.offset + ESPL_ICMP_HEADER;
	if (skb_ensure_writable(skb, skb_network_offset(skb) + len))
		return;
	if (sel->family == AF_INET) {
		ip_hdr(skb)->saddr = addr.ip;
		ip_send_check(ip_hdr(skb));
		return;
	}
	icmp6 = (struct icmp6hdr *)(skb_network_header(skb) + upper.offset);
	inet_proto_csum_replace16(&icmp6->icmp6_cksum, skb,
				  ipv6_hdr(skb)->saddr.s6_addr32,
				  addr.in6.s6_addr32, true);
	ipv6_hdr(skb)->saddr = addr.in6;
}
