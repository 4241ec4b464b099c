// SPDX-License-Identifier: GPL-2.0-only
/*
 * rx.c - input: open, check, deliver (RFC 4303 section 3.4, RFC 4302 section 3.4)
 *
 * Owns an ESP or AH packet's way in. check.c hands over packets for this host; those
 * of a known SA are stolen, opened, taken apart, held against the SPD and given
 * to the stack as if they had just arrived, from PRE_ROUTING on. They do not
 * pass the device again, so a capture there shows ESP and nothing else.
 *
 * Until the ICV is known to be good a packet changes nothing: no window, no
 * lifetime, no memory that others can see.
 */
#include <linux/inetdevice.h>
#include <linux/jhash.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <net/addrconf.h>
#include <net/dst_metadata.h>
#include <net/ip.h>
#include <net/ip6_route.h>

#include "check.h"
#include "compat/compat.h"
#include "decap.h"
#include "flow.h"
#include "frag.h"
#include "life.h"
#include "merge.h"
#include "natt.h"
#include "own.h"
#include "rx.h"
#include "way.h"
#include "xform.h"

#define SPI_SEQ	(2 * sizeof(__be32))	/* what both ESP and AH have */

static void go_on(struct sk_buff *skb, int err);

static __cold void drop(struct sk_buff *skb, enum espl_stat stat)
{
	espl_stat_note(espl_cb(skb)->sa[0]->en, skb, stat);
	espl_cb_put(espl_cb(skb));
	kfree_skb_reason(skb, SKB_DROP_REASON_XFRM_POLICY);
}

static struct espl_sa *newest(struct sk_buff *skb)
{
	return espl_cb(skb)->sa[espl_cb(skb)->n - 1];
}

/* The low half of the sequence number is in the packet, the other in its cb. */
static u64 sequence(struct sk_buff *skb, const struct espl_sa *sa)
{
	const u8 *spi = skb_transport_header(skb) + sa->xform->spi_offset;

	return (u64)espl_cb(skb)->seq_high << 32 | get_unaligned_be32(spi + 4);
}

static void extend_sequence(struct sk_buff *skb, const struct espl_sa *sa)
{
	espl_cb(skb)->seq_high = 0;
	if (sa->esn)
		espl_cb(skb)->seq_high = espl_replay_extend(&sa->window->replay,
							    sequence(skb, sa)) >> 32;
}

/* Header, at least one unit of payload in ESP, nothing but whole units, ICV. */
static bool length_ok(const struct sk_buff *skb, const struct espl_sa *sa)
{
	unsigned int len = espl_xform_len(skb);

	return len >= sa->least && !((len - sa->least) & (sa->align - 1));
}

/* @sa: the last in the packet's cb */
static void open_layer(struct sk_buff *skb, struct espl_sa *sa)
{
	struct sk_buff *ours = skb;
	u64 seq;
	int err;

	if (!espl_sa_usable(sa)) {
		drop(skb, ESPL_IN_SA_STATE);
		return;
	}
	if (espl_cb(skb)->encap != sa->encaplen) {
		drop(skb, ESPL_IN_ENCAP);
		return;
	}
	skb_set_transport_header(skb, espl_cb(skb)->offset);
	if (!length_ok(skb, sa) ||
	    (sa->xform->header_ok && !sa->xform->header_ok(skb, sa))) {
		drop(skb, ESPL_IN_LENGTH);
		return;
	}
	if (!espl_is_own(skb))
		ours = espl_own(skb, 0, 0);
	if (!ours) {
		drop(skb, ESPL_IN_NO_MEMORY);
		return;
	}
	skb = ours;
	extend_sequence(skb, sa);
	seq = sequence(skb, sa);
	/* Hopeless packets are not worth the cipher. */
	if (!espl_replay_check(&sa->window->replay, seq)) {
		drop(skb, ESPL_IN_REPLAY);
		return;
	}
	err = sa->xform->open(skb, sa, seq, go_on);
	if (err != -EINPROGRESS)
		go_on(skb, err);
}

static bool is_local(const struct espl_net *en, const struct espl_flow *flow,
		     const struct net_device *dev)
{
	if (flow->family == AF_INET)
		return inet_addr_type_dev_table(en->net, dev, flow->daddr.ip) !=
		       RTN_UNICAST;
	return flow->group || ipv6_chk_addr(en->net, &flow->daddr.in6, NULL, 0);
}

static bool route4(struct net *net, struct sk_buff *skb)
{
	const struct espl_way *way = espl_way_find(net, skb);

	if (way) {
		skb_dst_set_noref(skb, &way->rt->dst);
		return true;
	}
	if (!espl_route_input(skb))
		return false;
	espl_way_note(net, skb);
	return true;
}

static int routed4(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	if (!skb_valid_dst(skb) && !route4(net, skb)) {
		espl_drop(espl_net(net), skb, ESPL_IN_ROUTE);
		return NET_RX_DROP;
	}
	if (IPCB(skb)->opt.srr && ip_options_rcv_srr(skb, skb->dev)) {
		espl_drop(espl_net(net), skb, ESPL_IN_HEADER);
		return NET_RX_DROP;
	}
	/*
	 * A redirect has a copy of what it is about, and no policy for that covers it: it
	 * would show in clear what has come protected. And who sends by a tunnel has no
	 * use for another way than the tunnel's end.
	 */
	IPCB(skb)->flags &= ~IPSKB_DOREDIRECT;
	return dst_input(skb);
}

/* The kernel keeps ip6_route_input() to itself. */
static void route6(struct net *net, struct sk_buff *skb)
{
	const struct ipv6hdr *ip6h = ipv6_hdr(skb);
	struct flowi6 fl6 = {
		.flowi6_iif = skb->dev->ifindex,
		.daddr = ip6h->daddr,
		.saddr = ip6h->saddr,
		.flowlabel = ip6_flowinfo(ip6h),
		.flowi6_mark = skb->mark,
		.flowi6_proto = ip6h->nexthdr,
	};

	skb_dst_drop(skb);
	skb_dst_set(skb, ip6_route_input_lookup(net, skb->dev, &fl6, skb,
						RT6_LOOKUP_F_HAS_SADDR));
}

/*
 * No redirects, as in IPv4. IPv6 knows of no mark for that but a source route's, which
 * it sends none for either; those who listen here would take it for one.
 */
static void forbid_redirect6(struct sk_buff *skb)
{
	const struct rt6_info *rt = (const struct rt6_info *)skb_dst(skb);

	if (!(rt->rt6i_flags & (RTF_LOCAL | RTF_ANYCAST)) &&
	    !ipv6_addr_is_multicast(&ipv6_hdr(skb)->daddr))
		IP6CB(skb)->srcrt = sizeof(struct ipv6hdr);
}

static int routed6(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	if (!skb_valid_dst(skb))
		route6(net, skb);
	forbid_redirect6(skb);
	return dst_input(skb);
}

/* What the IP layer would have found out about a packet from outside. */
static bool prepare4(struct net *net, struct sk_buff *skb)
{
	const struct iphdr *iph = ip_hdr(skb);
	struct in_device *in_dev;

	IPCB(skb)->iif = skb->skb_iif;
	if (netif_is_l3_master(skb->dev))
		IPCB(skb)->flags |= IPSKB_L3SLAVE;
	skb_set_transport_header(skb, iph->ihl * 4);
	if (iph->ihl == 5)
		return true;
	in_dev = __in_dev_get_rcu(skb->dev);
	IPCB(skb)->opt.optlen = iph->ihl * 4 - sizeof(*iph);
	if (ip_options_compile(net, &IPCB(skb)->opt, skb))
		return false;
	return !IPCB(skb)->opt.srr || (in_dev && IN_DEV_SOURCE_ROUTE(in_dev));
}

static bool prepare6(struct sk_buff *skb)
{
	const struct inet6_dev *idev = __in6_dev_get(skb->dev);
	const u8 *hop = (const u8 *)(ipv6_hdr(skb) + 1);
	unsigned int offset = sizeof(struct ipv6hdr);
	unsigned int nhoff = offsetof(struct ipv6hdr, nexthdr);

	/* It may have come in IPv4. What is behind IP's door relies on that. */
	if (!idev || READ_ONCE(idev->cnf.disable_ipv6))
		return false;
	/* Hop-by-hop options are not looked at (RFC 8200 section 4.3). */
	if (ipv6_hdr(skb)->nexthdr == NEXTHDR_HOP) {
		if (skb->len < offset + 8 || skb->len < offset + (hop[1] + 1) * 8)
			return false;
		nhoff = offset;
		offset += (hop[1] + 1) * 8;
	}
	IP6CB(skb)->iif = skb->skb_iif;
	if (netif_is_l3_master(skb->dev))
		IP6CB(skb)->flags |= IP6SKB_L3SLAVE;
	IP6CB(skb)->nhoff = nhoff;
	skb_set_transport_header(skb, offset);
	return true;
}

static noinline void ask_hooks4(struct net *net, struct sk_buff *skb)
{
	NF_HOOK(NFPROTO_IPV4, NF_INET_PRE_ROUTING, net, NULL, skb, skb->dev, NULL, routed4);
}

static noinline void ask_hooks6(struct net *net, struct sk_buff *skb)
{
	NF_HOOK(NFPROTO_IPV6, NF_INET_PRE_ROUTING, net, NULL, skb, skb->dev, NULL, routed6);
}

/**
 * espl_rx_deliver() - give a packet to the stack, checked and marked so
 * @skb: the packet, which may come in; in its cb the SAs it came out of
 * @rt: its route to this host, where that is known already; else NULL
 *
 * Context: BH off, RCU read side.
 */
void espl_rx_deliver(struct sk_buff *skb, struct rtable *rt)
{
	struct espl_net *en = espl_cb(skb)->sa[0]->en;
	u16 frag_max = espl_cb(skb)->frag_max;
	u8 family = espl_cb(skb)->family;

	espl_cb_put(espl_cb(skb));
	espl_cb_clear(skb);
	if (family == AF_INET ? !prepare4(en->net, skb) : !prepare6(skb)) {
		espl_drop(en, skb, ESPL_IN_HEADER);
		return;
	}
	*espl_marks(skb, family) |= ESPL_CHECKED;
	/* An ICV says more than all the checksums inside it. */
	if (skb->ip_summed != CHECKSUM_PARTIAL) {
		skb->ip_summed = CHECKSUM_UNNECESSARY;
		skb->csum_level = SKB_MAX_CSUM_LEVEL;
	}
	if (family == AF_INET6) {
		IP6CB(skb)->frag_max_size = frag_max;
		ask_hooks6(en->net, skb);
		return;
	}
	IPCB(skb)->frag_max_size = frag_max;
	if (!espl_hooks_alone(en, AF_INET, NF_INET_PRE_ROUTING)) {
		ask_hooks4(en->net, skb);
		return;
	}
	/* 70 instructions less than to ask ourselves, and no rule can reroute it. */
	if (rt && !skb_dst(skb)) {
		skb_dst_set_noref(skb, &rt->dst);
		dst_input(skb);
	} else {
		routed4(en->net, NULL, skb);
	}
}

/*
 * Fragments that came by the same SAs, and by no others, are put together
 * before anyone vouches for them: a checked head must not vouch for clear tails.
 */
static u32 defrag_user(const struct espl_cb *cb)
{
	u64 serial[ESPL_DEPTH] = {};

	for (unsigned int i = 0; i < cb->n; i++)
		serial[i] = cb->sa[i]->serial;
	return jhash2((const u32 *)serial, sizeof(serial) / (sizeof(u32)), 0) |
	       BIT(31);
}

/* Return: false where the packet is not whole yet, and then it is gone. */
static bool defragment(struct espl_net *en, struct sk_buff *skb)
{
	struct espl_cb cb = *espl_cb(skb);
	u32 user = defrag_user(&cb);

	/* The queue keeps its own notes in the packet, so ours wait here. */
	espl_cb_clear(skb);
	skb_dst_drop(skb);
	if (!espl_frag_gather(en->net, skb, cb.family, user)) {
		cb.frag_max = cb.family == AF_INET ? IPCB(skb)->frag_max_size :
						     IP6CB(skb)->frag_max_size;
		*espl_cb(skb) = cb;
		return true;
	}
	espl_cb_put(&cb);
	return false;
}

/*
 * Headers are found by 16 bits of offset into the buffer. In IPv6 as much may be in front
 * of ESP, and the offset would wrap: half of it leaves room for what is behind.
 */
#define FARTHEST	S16_MAX

/* The SA of a packet, lent, if it is one of ours and has room for its header. */
static struct espl_sa *find_sa(struct espl_net *en, struct sk_buff *skb, u8 family,
			       const struct espl_upper *upper,
			       const union nf_inet_addr *daddr)
{
	const struct espl_xform *xform = espl_xform_of(upper->proto);
	unsigned int spi = upper->offset;

	if (!xform || skb_headroom(skb) + upper->offset > FARTHEST)
		return NULL;
	spi += xform->spi_offset;
	if (!pskb_may_pull(skb, spi + SPI_SEQ))
		return NULL;
	return espl_sad_lookup(en, family, upper->proto, daddr,
			       get_unaligned((__be32 *)(skb->data + spi)));
}

static void note_layer(struct espl_cb *cb, struct espl_sa *sa,
		       const struct espl_upper *upper, u8 encap)
{
	cb->sa[cb->n++] = sa;
	cb->encap = encap;
	cb->offset = upper->offset;
	cb->nhoff = upper->nhoff;
}

/* Is there one more layer of ours. */
static bool find_next(struct espl_net *en, struct sk_buff *skb,
		      const struct espl_upper *upper,
		      const union nf_inet_addr *daddr)
{
	struct espl_cb *cb = espl_cb(skb);
	struct espl_sa *sa = find_sa(en, skb, cb->family, upper, daddr);

	if (!sa)
		return false;
	note_layer(cb, cb->held ? espl_sa_get(sa) : sa, upper, 0);
	return true;
}

/* What is inside. Return: false where that is not whole, or broken: then it is gone. */
static bool read_inner(struct espl_net *en, struct sk_buff *skb, u8 family,
		       struct espl_upper *upper, struct espl_flow *flow)
{
	if (espl_flow_usual(skb, family, upper, flow))
		return true;
	if (!espl_upper_find(skb, family, upper))
		goto broken;
	if (upper->fragment) {
		if (!defragment(en, skb))
			return false;
		if (!espl_upper_find(skb, family, upper) || upper->fragment)
			goto broken;
	}
	espl_flow_fill(skb, family, upper, flow);
	return true;

broken:
	drop(skb, ESPL_IN_HEADER);
	return false;
}

/* A packet has come out of its SA: the next layer, or the policy and delivery. */
static noinline void taken_off(struct sk_buff *skb)
{
	struct espl_net *en = espl_cb(skb)->sa[0]->en;
	u8 family = espl_cb(skb)->family;
	struct espl_upper upper;
	/* Before it is judged, or it were too new. */
	unsigned long version = smp_load_acquire(&en->spd_version);
	const struct espl_way *way;
	struct rtable *rt = NULL;
	struct espl_flow flow;
	enum espl_stat why;
	bool local;

	if (!read_inner(en, skb, family, &upper, &flow))
		return;
	if (family == AF_INET) {
		/* Another packet may have its place before this one is delivered. */
		way = espl_way_find(en->net, skb);
		rt = way ? way->rt : NULL;
	}
	local = rt || is_local(en, &flow, skb->dev);
	if (local && espl_xform_of(upper.proto)) {
		if (espl_cb(skb)->n == ESPL_DEPTH) {
			drop(skb, ESPL_IN_DEPTH);
			return;
		}
		if (find_next(en, skb, &upper, &flow.daddr)) {
			open_layer(skb, newest(skb));
			return;
		}
	}
	if (!espl_check_chain(en, skb, &flow, local, &why)) {
		drop(skb, why);
		return;
	}
	if (upper.proto == IPPROTO_TCP && espl_merge_first(skb, &upper, version, local))
		return;
	espl_rx_deliver(skb, rt);
}

/* Does the packet come from where the SA says; an SA may leave that open. */
static inline bool is_peer(const struct sk_buff *skb, const struct espl_sa *sa)
{
	const struct espl_sa_conf *conf = &sa->conf;

	if (conf->family == AF_INET)
		return !conf->saddr.ip || ip_hdr(skb)->saddr == conf->saddr.ip;
	return ipv6_addr_any(&conf->saddr.in6) ||
	       ipv6_addr_equal(&ipv6_hdr(skb)->saddr, &conf->saddr.in6);
}

/*
 * May its peer come from anywhere: in UDP it may have moved, or the translator in front
 * of it. In transport mode the address says who it is, and is what policies go by.
 */
static bool may_move(const struct espl_sa *sa)
{
	return sa->encaplen && sa->conf.mode == IPSEC_MODE_TUNNEL;
}

/* Out of the tunnel. Return: false where the packet is gone. */
static bool leave_tunnel(struct sk_buff *skb, unsigned int strip, u8 proto)
{
	struct espl_cb *cb = espl_cb(skb);
	int err = espl_decap_tunnel(skb, cb->family, strip, proto);

	if (err) {
		drop(skb, err == -EPROTO ? ESPL_IN_HEADER : ESPL_IN_ECN);
		return false;
	}
	cb->family = proto == IPPROTO_IPIP ? AF_INET : AF_INET6;
	return true;
}

static void leave_transport(struct sk_buff *skb, const struct espl_sa *sa,
			    unsigned int strip, u8 proto)
{
	struct espl_cb *cb = espl_cb(skb);

	espl_decap_transport(skb, cb->family, cb->offset - sa->encaplen,
			     cb->nhoff, strip + sa->encaplen, proto);
	if (sa->encaplen)
		espl_natt_checksum(skb, cb->family);
}

/* The ICV was good: from here on the packet may change things. */
static bool commit(struct sk_buff *skb, struct espl_sa *sa)
{
	bool usable, fresh;

	spin_lock(&sa->window->lock);
	usable = espl_sa_usable(sa);
	fresh = usable && espl_replay_commit(&sa->window->replay, sequence(skb, sa));
	spin_unlock(&sa->window->lock);
	if (!fresh)
		drop(skb, usable ? ESPL_IN_REPLAY : ESPL_IN_SA_STATE);
	return fresh;
}

static void go_on(struct sk_buff *skb, int err)
{
	struct espl_sa *sa = newest(skb);
	unsigned int offset = espl_cb(skb)->offset;
	struct espl_payload inner;

	if (err) {
		drop(skb, err == -EBADMSG ? ESPL_IN_ICV :
			  err == -EPROTO ? ESPL_IN_HEADER :
			  err == -ENOMEM ? ESPL_IN_NO_MEMORY : ESPL_IN_CRYPTO);
		return;
	}
	if (!commit(skb, sa))
		return;
	inner = sa->xform->unwrap(skb, sa);
	if (inner.len < 0) {
		drop(skb, ESPL_IN_PADDING);
		return;
	}
	if (!espl_sa_charge(sa, espl_xform_octets(skb, sa, inner.header))) {
		drop(skb, ESPL_IN_LIFETIME);
		return;
	}
	if (!is_peer(skb, sa) && !may_move(sa)) {
		drop(skb, ESPL_IN_PEER);
		return;
	}
	if (sa->encaplen)
		espl_natt_opened(skb, sa, offset);
	espl_stat_inc(sa->en, sa->xform->stat_in);
	if (inner.proto == IPPROTO_NONE) {	/* a dummy packet (RFC 4303 section 2.6) */
		espl_stat_inc(sa->en, ESPL_IN_DUMMY);
		espl_cb_put(espl_cb(skb));
		consume_skb(skb);
		return;
	}
	__skb_trim(skb, offset + inner.header + inner.len);
	if (sa->conf.mode != IPSEC_MODE_TUNNEL)
		leave_transport(skb, sa, inner.header, inner.proto);
	else if (!leave_tunnel(skb, offset + inner.header, inner.proto))
		return;
	/* 480 instructions less for each segment of a stream but the first. */
	if (espl_merge_is_tcp(skb, espl_cb(skb)->family) && espl_merge_next(skb))
		return;
	taken_off(skb);
}

/* What the outer packet's receipt left behind does not describe the inner one. */
static void forget_outer(struct sk_buff *skb)
{
	skb_orphan(skb);
	/* What this host has sent to a group comes back with its route. */
	if (skb->pkt_type != PACKET_LOOPBACK)
		skb_dst_drop(skb);
	/* Else br_netfilter would keep it from the hooks of PRE_ROUTING. */
	skb_ext_reset(skb);
	nf_reset_ct(skb);
	skb_clear_hash(skb);
	skb->ip_summed = CHECKSUM_NONE;
}

static noinline struct espl_sa *find_outer_sa(struct espl_net *en, struct sk_buff *skb,
					      u8 family, const struct espl_upper *upper)
{
	union nf_inet_addr daddr = espl_flow_daddr(skb, family, upper);

	return find_sa(en, skb, family, upper, &daddr);
}

/* That of the last packet, if nothing has changed since: 170 instructions less. */
static struct espl_sa *find_sa_by_way(struct espl_net *en, struct sk_buff *skb,
				      const struct espl_upper *upper,
				      struct espl_way *way)
{
	/* Pairs with espl_sad_changed(). Before the search, or it were too new. */
	unsigned long version = smp_load_acquire(&en->sad_version);
	const __be32 *spi = (const __be32 *)(skb->data + upper->offset);
	struct espl_sa *sa;

	if (way->sad_version == version &&
	    skb_headlen(skb) >= upper->offset + SPI_SEQ &&
	    way->sa->conf.spi == *spi)
		return way->sa;
	sa = find_outer_sa(en, skb, AF_INET, upper);
	if (sa) {
		way->sa = sa;
		way->sad_version = version;
	}
	return sa;
}

/**
 * espl_rx() - take an ESP or AH packet for this host
 * @en: the namespace
 * @skb: the packet, whole, data and network header at the IP header
 * @family: of it
 * @upper: where ESP or AH is
 * @encap: octets of UDP header in front of it
 * @way: the way that it came, where it is of ESP in IPv4 and not routed yet; else NULL
 *
 * Context: BH off, RCU read side, in LOCAL_IN or PRE_ROUTING.
 * Return: True if the packet was ours, and then it is gone; false if its SPI is
 *	   not in the SAD, and others may know it.
 */
bool espl_rx(struct espl_net *en, struct sk_buff *skb, u8 family,
	     const struct espl_upper *upper, u8 encap, struct espl_way *way)
{
	struct espl_sa *sa;

	if (skb_is_gso(skb))
		return false;
	sa = way ? find_sa_by_way(en, skb, upper, way) :
		   find_outer_sa(en, skb, family, upper);
	if (!sa)
		return false;
	espl_cb(skb)->n = 0;
	espl_cb(skb)->held = false;
	espl_cb(skb)->family = family;
	espl_cb(skb)->frag_max = 0;
	note_layer(espl_cb(skb), sa, upper, encap);
	if (!way && family == AF_INET && skb_dst(skb) && is_peer(skb, sa))
		espl_way_note(en->net, skb);
	forget_outer(skb);
	open_layer(skb, sa);
	return true;
}
