// SPDX-License-Identifier: GPL-2.0-only
/*
 * merge.c - TCP segments that came out of an SA, put together
 *
 * Owns segments that wait for those behind them, so that the stack is run through once
 * for up to 64 KB, and one ACK is sent for it, as with a device that merges (GRO). The
 * kernel's own GRO is asked of the device, which has seen nothing but ESP. What is for
 * other hosts is put together where the device would. Called by rx.c when a packet may
 * come in; gives it back to rx.c.
 *
 * What waits does so until a segment ends it (PSH, or one that does not fit), or the
 * softirq that brought it is done with all packets: then a tasklet has its turn. It
 * holds its SAs, and so the namespace, and its device.
 */
#include <linux/hash.h>
#include <linux/interrupt.h>
#include <linux/percpu.h>
#include <net/ip6_checksum.h>
#include <net/ip.h>
#include <net/tcp.h>

#include "check.h"
#include "compat/compat.h"
#include "merge.h"
#include "rx.h"

/**
 * struct slot - a stream
 * @head: its first segment, which holds the others; NULL where nothing waits
 * @last: the latest of those, NULL where there is none
 * @seq: what the next one begins with
 * @version: espl_net.spd_version that @head was judged by
 * @sure: they stay on this host
 */
struct slot {
	struct sk_buff *head;
	struct sk_buff *last;
	u32 seq;
	unsigned long version;
	bool sure;
};

#define SLOTS_LOG	3

/**
 * struct merge - one CPU's
 * @slot: streams, each in a place that its addresses and ports name [C]
 * @flush: delivers what waits
 */
struct merge {
	struct slot slot[1 << SLOTS_LOG];
	struct tasklet_struct flush;
};

static struct merge __percpu *merges;

static struct tcphdr *tcp_of(const struct sk_buff *skb, unsigned int offset)
{
	return (struct tcphdr *)(skb_network_header(skb) + offset);
}

/* Octets from the IP header to TCP's, where there is nothing between. */
static unsigned int ip_len(u8 family)
{
	return family == AF_INET ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
}

static struct slot *slot_of(struct merge *merge, const struct sk_buff *skb, u8 family,
			    unsigned int offset)
{
	const __be32 *ports = (const __be32 *)tcp_of(skb, offset);
	u32 hash = (__force u32)*ports;

	if (family == AF_INET)
		hash ^= (__force u32)(ip_hdr(skb)->saddr ^ ip_hdr(skb)->daddr);
	else
		hash ^= (__force u32)(ipv6_hdr(skb)->saddr.s6_addr32[3] ^
				      ipv6_hdr(skb)->daddr.s6_addr32[3]);
	return &merge->slot[hash_32(hash, SLOTS_LOG)];
}

/* To the stack a packet of several segments is what a device that segments is given. */
static void become_one(struct sk_buff *skb)
{
	u8 family = espl_cb(skb)->family;
	unsigned int offset = ip_len(family), len = skb->len - offset;
	struct tcphdr *th = tcp_of(skb, offset);

	if (family == AF_INET) {
		struct iphdr *iph = ip_hdr(skb);

		iph->tot_len = htons(skb->len);
		ip_send_check(iph);
		th->check = ~tcp_v4_check(len, iph->saddr, iph->daddr, 0);
		skb_shinfo(skb)->gso_type = SKB_GSO_TCPV4;
	} else {
		struct ipv6hdr *ip6h = ipv6_hdr(skb);

		ip6h->payload_len = htons(len);
		th->check = ~tcp_v6_check(len, &ip6h->saddr, &ip6h->daddr, 0);
		skb_shinfo(skb)->gso_type = SKB_GSO_TCPV6;
	}
	skb->csum_start = skb_network_header(skb) + offset - skb->head;
	skb->csum_offset = offsetof(struct tcphdr, check);
	skb->ip_summed = CHECKSUM_PARTIAL;
}

static void deliver(struct slot *slot)
{
	struct sk_buff *skb = slot->head;
	struct net_device *dev;

	if (!skb)
		return;
	slot->head = NULL;
	if (slot->last)
		become_one(skb);
	else
		skb_shinfo(skb)->gso_size = 0;
	dev = skb->dev;
	espl_rx_deliver(skb, NULL);
	dev_put(dev);
}

static void flush(struct tasklet_struct *tasklet)
{
	struct merge *merge = container_of(tasklet, struct merge, flush);

	rcu_read_lock();
	for (unsigned int i = 0; i < ARRAY_SIZE(merge->slot); i++)
		deliver(&merge->slot[i]);
	rcu_read_unlock();
}

/* Data, and nothing that TCP would want to hear of at once, under a plain header. */
static bool is_plain(struct sk_buff *skb)
{
	u8 family = espl_cb(skb)->family;
	unsigned int offset = ip_len(family);
	const struct tcphdr *th = tcp_of(skb, offset);
	__be32 flags = tcp_flag_word(th) & (TCP_FLAG_CWR | TCP_FLAG_ECE | TCP_FLAG_URG |
					    TCP_FLAG_ACK | TCP_FLAG_RST | TCP_FLAG_SYN |
					    TCP_FLAG_FIN);

	if (flags != TCP_FLAG_ACK || th->doff < sizeof(*th) / 4 ||
	    skb->len <= offset + th->doff * 4 || espl_cb(skb)->frag_max)
		return false;
	/* An identification without DF would mean something (RFC 6864). */
	return family == AF_INET6 ||
	       (ip_hdr(skb)->ihl == 5 && ip_hdr(skb)->frag_off == htons(IP_DF));
}

/* By the same SAs, on the same device. */
static bool came_alike(struct sk_buff *a, struct sk_buff *b)
{
	const struct espl_cb *x = espl_cb(a), *y = espl_cb(b);

	if (a->dev != b->dev || a->mark != b->mark || x->family != y->family ||
	    x->n != y->n || x->sa[0] != y->sa[0])
		return false;
	for (unsigned int i = 1; i < x->n; i++)
		if (x->sa[i] != y->sa[i])
			return false;
	return true;
}

/* Eight octets of two headers. @mask: those that are to be the same, the first one highest */
static u64 differ(const void *a, const void *b, unsigned int offset, u64 mask)
{
	return (get_unaligned((const u64 *)(a + offset)) ^
		get_unaligned((const u64 *)(b + offset))) & (__force u64)cpu_to_be64(mask);
}

/* All but length, identification and checksum. */
static bool same_ip4(const struct iphdr *a, const struct iphdr *b)
{
	return !(differ(a, b, 0, 0xffff00000000ffff) | differ(a, b, 8, 0xffff0000ffffffff) |
		 (__force u32)(a->daddr ^ b->daddr));
}

/* All but the length. */
static bool same_ip6(const struct ipv6hdr *a, const struct ipv6hdr *b)
{
	return ipv6_addr_equal(&a->saddr, &b->saddr) &&
	       ipv6_addr_equal(&a->daddr, &b->daddr) &&
	       !differ(a, b, 0, 0xffffffff0000ffff);
}

/* All but the sequence number, PSH and the checksum is the same, options too. */
static bool same_tcp(const struct tcphdr *a, const struct tcphdr *b)
{
	const u32 *x = (const u32 *)a, *y = (const u32 *)b;
	u64 any = differ(a, b, 0, 0xffffffff00000000) | differ(a, b, 8, 0xfffffffffff7ffff);

	for (unsigned int i = sizeof(*a) / 4; i < a->doff; i++)
		any |= x[i] ^ y[i];
	return !any;
}

/*
 * Octets of payload, if it is as plain as the first, which is_plain() has seen, and what
 * follows it; else 0.
 */
static unsigned int fits(const struct slot *slot, struct sk_buff *skb,
			 unsigned int offset)
{
	struct sk_buff *head = slot->head;
	const struct tcphdr *th = tcp_of(skb, offset), *first = tcp_of(head, offset);
	int payload = skb->len - offset - first->doff * 4;

	if (!came_alike(head, skb) || th->doff != first->doff ||
	    ntohl(th->seq) != slot->seq || payload <= 0 ||
	    payload > skb_shinfo(head)->gso_size || head->len + payload > IP_MAX_MTU ||
	    espl_cb(skb)->frag_max || !same_tcp(first, th))
		return 0;
	if (offset == sizeof(struct iphdr) ? !same_ip4(ip_hdr(head), ip_hdr(skb)) :
					     !same_ip6(ipv6_hdr(head), ipv6_hdr(skb)))
		return 0;
	return payload;
}

static void append(struct slot *slot, struct sk_buff *skb, unsigned int payload)
{
	struct sk_buff *head = slot->head;

	espl_cb_put(espl_cb(skb));
	__skb_pull(skb, skb->len - payload);
	if (slot->last)
		slot->last->next = skb;
	else
		skb_shinfo(head)->frag_list = skb;
	slot->last = skb;
	slot->seq += payload;
	head->len += payload;
	head->data_len += payload;
	head->truesize += skb->truesize;
	skb_shinfo(head)->gso_segs++;
}

static bool stays_here(const struct espl_net *en, u8 family)
{
	return espl_hooks_alone(en, family, NF_INET_PRE_ROUTING) &&
	       espl_hooks_alone(en, family, NF_INET_LOCAL_IN);
}

/*
 * Where others may have another destination in mind for the packet, it would leave with
 * a checksum of our making: only one that was right may be replaced so.
 */
static bool is_right(struct sk_buff *skb)
{
	unsigned int offset = ip_len(espl_cb(skb)->family), len = skb->len - offset;
	__wsum sum = skb_checksum(skb, offset, len, 0);

	return espl_cb(skb)->family == AF_INET ?
	       !tcp_v4_check(len, ip_hdr(skb)->saddr, ip_hdr(skb)->daddr, sum) :
	       !tcp_v6_check(len, &ipv6_hdr(skb)->saddr, &ipv6_hdr(skb)->daddr, sum);
}

static bool holds_tcp(struct sk_buff *skb, unsigned int offset)
{
	return skb_headlen(skb) >= offset + sizeof(struct tcphdr);
}

/* Octets of payload. */
static unsigned int payload_of(struct sk_buff *skb)
{
	unsigned int offset = ip_len(espl_cb(skb)->family);

	return skb->len - offset - tcp_of(skb, offset)->doff * 4;
}

/**
 * espl_merge_next() - put a segment behind the one that waits for it
 * @skb: a packet of TCP that came out of SAs, not judged yet, linear and ours alone, its
 *	 data and network header at the IP header; the SAs are in its cb
 *
 * Its flow, SAs and device are those of the first, which may come in: and so may it.
 *
 * Context: BH off, RCU read side.
 * Return: True if the packet is taken.
 */
bool espl_merge_next(struct sk_buff *skb)
{
	const struct espl_net *en = espl_cb(skb)->sa[0]->en;
	u8 family = espl_cb(skb)->family;
	unsigned int offset = ip_len(family), payload;
	struct slot *slot;
	bool last;

	if (!holds_tcp(skb, offset))
		return false;
	slot = slot_of(this_cpu_ptr(merges), skb, family, offset);
	if (!slot->head)
		return false;
	/* Pairs with the SPD's change: what follows an older judgement is judged anew. */
	if (slot->version != smp_load_acquire(&en->spd_version))
		return false;
	payload = fits(slot, skb, offset);
	if (!payload || !(slot->sure || is_right(skb)))
		return false;
	last = payload < skb_shinfo(slot->head)->gso_size;
	if (tcp_of(skb, offset)->psh) {
		tcp_of(slot->head, offset)->psh = 1;
		last = true;
	}
	append(slot, skb, payload);
	if (last)
		deliver(slot);
	return true;
}

/**
 * espl_merge_first() - let a TCP segment wait for those behind it
 * @skb: a whole packet of TCP that may come in; else as above
 * @upper: where TCP is
 * @version: espl_net.spd_version that it was judged by, or an earlier one
 * @local: whether it is for this host
 *
 * Segments of a stream stay in order: what waits is sent ahead.
 *
 * Context: BH off, RCU read side.
 * Return: True if the packet is taken; false if it is to be delivered now.
 */
bool espl_merge_first(struct sk_buff *skb, const struct espl_upper *upper,
		      unsigned long version, bool local)
{
	struct merge *merge = this_cpu_ptr(merges);
	struct slot *slot;
	bool sure;

	if (!holds_tcp(skb, upper->offset))
		return false;
	slot = slot_of(merge, skb, espl_cb(skb)->family, upper->offset);
	deliver(slot);
	if (!espl_merge_is_tcp(skb, espl_cb(skb)->family) || skb_is_nonlinear(skb) ||
	    !is_plain(skb) || tcp_of(skb, upper->offset)->psh ||
	    !(local || (skb->dev->features & NETIF_F_GRO)))
		return false;
	sure = local && stays_here(espl_cb(skb)->sa[0]->en, espl_cb(skb)->family);
	if (!sure && !is_right(skb))
		return false;
	dev_hold(skb->dev);
	espl_cb_hold(espl_cb(skb));
	skb_shinfo(skb)->gso_size = payload_of(skb);
	skb_shinfo(skb)->gso_segs = 1;
	*slot = (struct slot){
		.head = skb, .version = version, .sure = sure,
		.seq = ntohl(tcp_of(skb, upper->offset)->seq) + payload_of(skb),
	};
	tasklet_schedule(&merge->flush);
	return true;
}

/**
 * espl_merge_init() - room for what waits
 *
 * Context: Process.
 * Return: 0 or -ENOMEM.
 */
int espl_merge_init(void)
{
	int cpu;

	merges = alloc_percpu(struct merge);
	if (!merges)
		return -ENOMEM;
	for_each_possible_cpu(cpu)
		tasklet_setup(&per_cpu_ptr(merges, cpu)->flush, flush);
	return 0;
}

/**
 * espl_merge_fini() - undo that
 *
 * Context: Process; no SA is left, and so nothing waits.
 */
void espl_merge_fini(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		tasklet_kill(&per_cpu_ptr(merges, cpu)->flush);
	free_percpu(merges);
}
