// SPDX-License-Identifier: GPL-2.0-only
/*
 * way.c - the routes that IPv4 packets to this host took
 *
 * Owns, on each CPU, the routes of packets that came lately and were for this host:
 * an ESP packet's and that of what was in it. To look a route up costs more than all
 * else that IP does with a packet: 650 instructions, and it would be done three times
 * for each, once to learn whether what came out is for this host. Beside an ESP packet's
 * route rx.c keeps its SA.
 *
 * A route is that of a packet with the same addresses, TOS, mark and device. It is
 * asked whether it still holds, as sockets ask theirs; and what a route does not hear
 * of, rp_filter for instance, has its effect after a second, when a route is looked up
 * anew. Where rules of policy routing are, which may look at more, nothing is found
 * here. A route that is kept keeps no device: the kernel takes it out of its routes.
 */
#include <linux/hash.h>
#include <linux/percpu.h>
#include <net/ip.h>

#include "compat/compat.h"
#include "way.h"

#define WAYS_LOG	7	/* 128 on each CPU, 8 KB */

struct ways {
	struct espl_way way[1 << WAYS_LOG];
};

static struct ways __percpu *ways;

/* Both addresses. */
static u64 ends_of(const struct iphdr *iph)
{
	return get_unaligned((const u64 *)&iph->saddr);
}

static u16 start_of(const struct iphdr *iph)
{
	return get_unaligned((const u16 *)iph);
}

static struct espl_way *slot(const struct sk_buff *skb)
{
	return &this_cpu_ptr(ways)->way[hash_64(ends_of(ip_hdr(skb)), WAYS_LOG)];
}

/* Rules may ask for ports, and their answers cannot be foreseen. */
static bool has_rules(const struct net *net)
{
#ifdef CONFIG_IP_MULTIPLE_TABLES
	return net->ipv4.fib_has_custom_rules;
#else
	return false;
#endif
}

/* As dst_check() would ask, which takes 35 instructions more. */
static bool is_valid(const struct net *net, const struct rtable *rt)
{
	return READ_ONCE(rt->dst.obsolete) == DST_OBSOLETE_FORCE_CHK &&
	       rt->rt_genid == rt_genid_ipv4(net);
}

/**
 * espl_way_find() - the route of a packet that is for this host, if it is known
 * @net: the namespace
 * @skb: the packet, of IPv4, its network header set
 *
 * Context: BH off, RCU read side.
 * Return: Where it is, for as long as the context lasts, or NULL.
 */
struct espl_way *espl_way_find(const struct net *net, const struct sk_buff *skb)
{
	const struct iphdr *iph = ip_hdr(skb);
	struct espl_way *way = slot(skb);

	if (!way->rt || way->ends != ends_of(iph) || way->start != start_of(iph) ||
	    way->net != net || way->iif != skb->dev->ifindex ||
	    way->mark != skb->mark || time_after(jiffies, way->until) || has_rules(net))
		return NULL;
	return is_valid(net, way->rt) ? way : NULL;
}

/**
 * espl_way_note() - keep a packet's route
 * @net: the namespace
 * @skb: the packet, of IPv4, routed
 *
 * Nothing is kept of packets that are not for this host alone.
 *
 * Context: BH off, RCU read side.
 */
void espl_way_note(const struct net *net, const struct sk_buff *skb)
{
	const struct iphdr *iph = ip_hdr(skb);
	struct dst_entry *dst = skb_dst(skb);
	struct espl_way *way = slot(skb);

	if (((struct rtable *)dst)->rt_type != RTN_LOCAL || iph->ihl != 5 ||
	    skb->pkt_type != PACKET_HOST || has_rules(net) || !dst_hold_safe(dst))
		return;
	dst_release(&way->rt->dst);
	*way = (struct espl_way){
		.net = net, .ends = ends_of(iph), .start = start_of(iph),
		.iif = skb->dev->ifindex, .mark = skb->mark,
		.rt = (struct rtable *)dst, .until = jiffies + HZ,
	};
}

/**
 * espl_way_init() - room for routes
 *
 * Context: Process.
 * Return: 0 or -ENOMEM.
 */
int espl_way_init(void)
{
	ways = alloc_percpu(struct ways);
	return ways ? 0 : -ENOMEM;
}

/**
 * espl_way_fini() - let go of them
 *
 * Context: Process, no packet is under way.
 */
void espl_way_fini(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		for (unsigned int i = 0; i < ARRAY_SIZE(ways->way); i++)
			dst_release(&per_cpu_ptr(ways, cpu)->way[i].rt->dst);
	free_percpu(ways);
}
