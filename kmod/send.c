// SPDX-License-Identifier: GPL-2.0-only
/*
 * send.c - the last step of a protected packet
 *
 * Owns how what tx.c has sealed gets to the device: through IP, as what this host
 * sends does, or past what IP would only ask, where the answers are known.
 */
#include <net/arp.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/neighbour.h>
#include <net/route.h>

#include "cb.h"
#include "check.h"
#include "compat/compat.h"
#include "net.h"
#include "send.h"

/* Devices may hand a packet back to IP, and that to an SA: one is inside of another. */
static DEFINE_PER_CPU(unsigned int, sending);

/*
 * Would IP hand the packet to the neighbour as it is, once POST_ROUTING has seen it:
 * nobody waits for it before, it fits, and its route is like most.
 */
static bool is_plain(const struct espl_net *en, struct sk_buff *skb)
{
	const struct rtable *rt = skb_rtable(skb);
	const struct net_device *dev = rt->dst.dev;

	return espl_cb(skb)->fits && espl_cb(skb)->family == AF_INET &&
	       rt->dst.output == ip_output && !rt->dst.lwtstate &&
	       rt->rt_type == RTN_UNICAST && rt->rt_gw_family != AF_INET6 &&
	       !netif_is_l3_slave(dev) && !netif_is_l3_master(dev) &&
	       skb_headroom(skb) >= LL_RESERVED_SPACE(dev) &&
	       espl_hooks_alone(en, AF_INET, NF_INET_LOCAL_OUT);
}

/*
 * Behind POST_ROUTING. Who may change the route there, as NAT does, has a hook at
 * LOCAL_OUT, too.
 */
static int to_neighbour(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	struct rtable *rt = skb_rtable(skb);
	struct neighbour *neigh = ip_neigh_gw4(rt->dst.dev,
					       rt_nexthop(rt, ip_hdr(skb)->daddr));

	if (IS_ERR(neigh)) {
		espl_drop(espl_net(net), skb, ESPL_OUT_NO_ROUTE);
		return PTR_ERR(neigh);
	}
	espl_count_sent(net, skb);
	sock_confirm_neigh(skb, neigh);
	return neigh_output(neigh, skb, false);
}

static void send_plain(struct net *net, struct sk_buff *skb)
{
	struct iphdr *iph = ip_hdr(skb);

	iph->check = 0;
	iph->check = ip_fast_csum(iph, iph->ihl);
	NF_HOOK(NFPROTO_IPV4, NF_INET_POST_ROUTING, net, NULL, skb, NULL, skb->dev,
		to_neighbour);
}

/* A VRF with a queue would lose the mark, but for what has been transformed. */
static noinline void send_by_ip(struct net *net, struct sk_buff *skb, u8 family)
{
	__this_cpu_inc(sending);
	if (family == AF_INET) {
		IPCB(skb)->flags |= IPSKB_XFRM_TRANSFORMED;
		ip_local_out(net, NULL, skb);
	} else {
		IP6CB(skb)->flags |= IP6SKB_XFRM_TRANSFORMED;
		ip6_local_out(net, NULL, skb);
	}
	__this_cpu_dec(sending);
}

/**
 * espl_send() - send a packet that all its SAs have been applied to
 * @skb: the packet, its dst and device set; in its cb the SAs, which are put
 *
 * Past what IP would only ask: 250 instructions less for each packet.
 *
 * Context: BH off, RCU read side.
 */
void espl_send(struct sk_buff *skb)
{
	const struct espl_net *en = espl_cb(skb)->sa[0]->en;
	struct net *net = en->net;
	u8 family = espl_cb(skb)->family;
	bool plain = is_plain(en, skb);

	espl_cb_put(espl_cb(skb));
	espl_cb_clear(skb);
	*espl_marks(skb, family) = ESPL_SENT;
	/* The device may have gone while the cipher took its time: the route knows. */
	skb->dev = skb_dst(skb)->dev;
	if (plain)
		send_plain(net, skb);
	else
		send_by_ip(net, skb, family);
}

/**
 * espl_is_sending() - is this called from inside of espl_send(), where IP is asked
 *
 * Context: BH off.
 * Return: Whether it is: what is on its way out has come from there.
 */
bool espl_is_sending(void)
{
	return __this_cpu_read(sending);
}
