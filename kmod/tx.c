// SPDX-License-Identifier: GPL-2.0-only
/*
 * tx.c - output: POST_ROUTING, match, protect, send (RFC 4301 section 5.1)
 *
 * Owns a packet's way out. At POST_ROUTING whole datagrams and whole GSO
 * super-packets come by, local and forwarded, after SNAT and before they are
 * fragmented. Those that a policy covers are stolen, cut into segments, given
 * to each SA of the policy in turn, innermost first, and sent to where the
 * outermost header says, marked so that this hook lets them out.
 */
#include <linux/bpf-cgroup.h>
#include <linux/netfilter_ipv4.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/route.h>

#include "acquire.h"
#include "cb.h"
#include "compat/compat.h"
#include "ct.h"
#include "encap.h"
#include "flow.h"
#include "frag.h"
#include "icmp.h"
#include "life.h"
#include "natt.h"
#include "own.h"
#include "pmtu.h"
#include "quote.h"
#include "segment.h"
#include "send.h"
#include "skpol.h"
#include "spd_index.h"
#include "tx.h"
#include "xform.h"

static void go_on(struct sk_buff *skb);

static __cold void drop(struct sk_buff *skb, enum espl_stat stat)
{
	struct espl_net *en = espl_cb(skb)->sa[0]->en;

	espl_stat_note(en, skb, stat);
	espl_cb_put(espl_cb(skb));
	kfree_skb_reason(skb, SKB_DROP_REASON_XFRM_POLICY);
}

static noinline void not_sealed(struct sk_buff *skb, int err)
{
	drop(skb, err == -ENOMEM ? ESPL_OUT_NO_MEMORY :
		  err == -EPROTO ? ESPL_OUT_HEADER : ESPL_OUT_CRYPTO);
}

/* Return: false where the packet is gone. */
static bool sealed(struct sk_buff *skb, int err)
{
	struct espl_cb *cb = espl_cb(skb);
	struct espl_sa *sa = cb->sa[cb->next];

	if (err) {
		not_sealed(skb, err);
		return false;
	}
	cb->next++;
	if (sa->encaplen)
		espl_natt_sealed(skb, sa);
	espl_stat_inc(sa->en, sa->xform->stat_out);
	if (sa->conf.mode == IPSEC_MODE_TUNNEL)
		cb->family = sa->conf.family;
	return true;
}

static void sealed_later(struct sk_buff *skb, int err)
{
	if (sealed(skb, err))
		go_on(skb);
}

static struct sk_buff *make_room(struct sk_buff *skb, const struct espl_sa *sa,
				 unsigned int pad)
{
	return espl_own(skb, LL_RESERVED_SPACE(skb_dst(skb)->dev) + sa->headlen,
			sa->taillen + pad);
}

/*
 * Padding that hides how long packets are: all are as long as fits (RFC 4303
 * section 2.7). The outermost SA alone knows what that is.
 */
static unsigned int padding(struct sk_buff *skb, const struct espl_sa *sa)
{
	const struct espl_cb *cb = espl_cb(skb);
	unsigned int outer, mtu, most;

	if (!(sa->conf.flags & SADB_X_SAFLAGS_TFC) ||
	    sa->conf.mode != IPSEC_MODE_TUNNEL ||
	    sa->conf.proto != IPPROTO_ESP || cb->next + 1 < cb->n)
		return 0;
	outer = sa->outerlen + sa->encaplen;
	mtu = dst_mtu(skb_dst(skb));
	most = mtu > outer ? sa->xform->mtu(sa, mtu - outer) : 0;
	return most > skb->len ? most - skb->len : 0;
}

/*
 * Apply the next SA: lay the packet out, charge the SA, seal. Return: the packet, or NULL
 * where it is gone, or is to be gone on with later.
 */
static struct sk_buff *step(struct sk_buff *skb)
{
	struct espl_sa *sa = espl_cb(skb)->sa[espl_cb(skb)->next];
	unsigned int pad = padding(skb, sa);
	struct sk_buff *ours = make_room(skb, sa, pad);
	u64 seq;
	int err;

	if (!ours) {
		drop(skb, ESPL_OUT_NO_MEMORY);
		return NULL;
	}
	if (!espl_encap_push(ours, sa, espl_cb(ours)->family, pad)) {
		drop(ours, ESPL_OUT_HEADER);
		return NULL;
	}
	if (!espl_sa_charge(sa, espl_xform_octets(ours, sa, sa->hdrlen))) {
		drop(ours, ESPL_OUT_LIFETIME);
		return NULL;
	}
	seq = espl_sa_seq(sa);
	if (!seq) {
		drop(ours, ESPL_OUT_SEQ);
		return NULL;
	}
	err = sa->xform->seal(ours, sa, seq, sealed_later);
	return err != -EINPROGRESS && sealed(ours, err) ? ours : NULL;
}

/* The SAs that have not been applied yet, and then off. */
static void go_on(struct sk_buff *skb)
{
	while (espl_cb(skb)->next < espl_cb(skb)->n) {
		skb = step(skb);
		if (!skb)
			return;
	}
	espl_send(skb);
}

/* One packet or segment, not GSO, that fits. */
static void protect(struct sk_buff *skb, const struct espl_plan *plan, u8 family)
{
	struct espl_cb *cb = espl_cb(skb);

	skb->ip_summed = CHECKSUM_NONE;
	skb->encapsulation = 0;
	nf_reset_ct(skb);
	skb_clear_hash(skb);
	cb->n = plan->n;
	cb->next = 0;
	cb->family = family;
	cb->fits = skb->len <= plan->fit.uncut;
	cb->held = false;
	memcpy(cb->sa, plan->sa, sizeof(cb->sa));
	go_on(skb);
}

static noinline struct dst_entry *look_route4(struct espl_sa *sa)
{
	struct espl_mapping to = espl_natt_remote(sa);
	struct flowi4 fl4 = {
		.saddr = sa->conf.saddr.ip,
		.daddr = to.addr.ip,
		.flowi4_proto = sa->encaplen ? IPPROTO_UDP : sa->conf.proto,
		.fl4_sport = sa->conf.encap_sport,
		.fl4_dport = to.port,
	};
	struct rtable *rt = ip_route_output_key(sa->en->net, &fl4);

	if (IS_ERR(rt))
		return NULL;
	dst_cache_set_ip4(&sa->route, &rt->dst, fl4.saddr);
	return &rt->dst;
}

static noinline struct dst_entry *look_route6(struct espl_sa *sa)
{
	struct espl_mapping to = espl_natt_remote(sa);
	struct flowi6 fl6 = {
		.saddr = sa->conf.saddr.in6,
		.daddr = to.addr.in6,
		.flowi6_proto = sa->encaplen ? IPPROTO_UDP : sa->conf.proto,
		.fl6_sport = sa->conf.encap_sport,
		.fl6_dport = to.port,
	};
	struct dst_entry *dst = ip6_route_output(sa->en->net, NULL, &fl6);

	if (dst->error) {
		dst_release(dst);
		return NULL;
	}
	dst_cache_set_ip6(&sa->route, dst, &fl6.saddr);
	return dst;
}

static struct dst_entry *route(struct espl_sa *sa)
{
	struct dst_entry *dst = dst_cache_get(&sa->route);

	if (dst)
		return dst;
	return sa->conf.family == AF_INET ? look_route4(sa) : look_route6(sa);
}

/**
 * espl_tx_dummy() - send a packet that means nothing (RFC 4303 section 2.6)
 * @sa: an SA of ESP, in tunnel mode
 *
 * As long as any other may be: the peer, and nobody else, can tell.
 *
 * Context: BH off, RCU read side.
 */
void espl_tx_dummy(struct espl_sa *sa)
{
	struct dst_entry *dst = route(sa);
	unsigned int outer = sa->outerlen + sa->encaplen;
	unsigned int mtu = dst ? dst_mtu(dst) : 0;
	unsigned int most = mtu > outer ? sa->xform->mtu(sa, mtu - outer) : 0;
	struct sk_buff *skb = alloc_skb(most, GFP_ATOMIC);
	struct espl_cb *cb;

	if (!dst || !skb) {
		dst_release(dst);
		kfree_skb(skb);
		return;
	}
	skb_put_zero(skb, get_random_u32() % (most + 1));
	skb_reset_network_header(skb);
	skb_dst_set(skb, dst);
	skb->dev = dst->dev;
	cb = espl_cb(skb);
	*cb = (struct espl_cb){ .sa[0] = sa, .n = 1, .family = AF_UNSPEC };
	espl_stat_inc(sa->en, ESPL_OUT_DUMMY);
	go_on(skb);
}

/* The outermost tunnel decides the way out; without one the packet's own does. */
static struct dst_entry *resolve_route(const struct espl_plan *plan, struct sk_buff *skb)
{
	if (plan->tunnel)
		return route(plan->sa[plan->tunnel - 1]);
	/* Crypto may outlast the RCU section that the packet's dst lives by. */
	return skb_dst_force(skb) ? dst_clone(skb_dst(skb)) : NULL;
}

/* @dst: given away */
static void go_by(struct sk_buff *skb, struct dst_entry *dst)
{
	skb_dst_drop(skb);
	skb_dst_set(skb, dst);
	skb->dev = dst->dev;
}

static void find_tunnel(struct espl_plan *plan, const struct espl_flow *flow)
{
	const struct espl_sa_conf *conf;

	plan->tunnel = plan->n;
	while (plan->tunnel && plan->sa[plan->tunnel - 1]->conf.mode != IPSEC_MODE_TUNNEL)
		plan->tunnel--;
	plan->fit.same_path = true;
	if (!plan->tunnel)
		return;
	conf = &plan->sa[plan->tunnel - 1]->conf;
	plan->fit.same_path = conf->family == flow->family &&
			      espl_addr_equal(&conf->daddr, &flow->daddr,
					      flow->family);
}

/*
 * An SA for each transform of the policy. Where one is missing, a keyer is asked:
 * with the packet, which may wait for it, or where it leaves without, by its leave.
 */
static unsigned int resolve_sas(struct espl_plan *plan, struct espl_net *en,
				const struct espl_policy *policy,
				const struct espl_flow *flow,
				const struct espl_waiting *packet)
{
	const union nf_inet_addr *saddr = &flow->saddr, *daddr = &flow->daddr;
	u8 family = flow->family;

	for (unsigned int i = 0; i < policy->tmpls; i++) {
		const struct espl_tmpl *tmpl = &policy->tmpl[i];
		struct espl_tmpl want;
		struct espl_sa *sa;

		if (tmpl->mode == IPSEC_MODE_TUNNEL) {
			saddr = &tmpl->saddr;
			daddr = &tmpl->daddr;
			family = tmpl->family;
		}
		sa = espl_sad_lookup_pair(en, family, tmpl->proto, saddr, daddr,
					  tmpl->mode, tmpl->reqid);
		if (sa) {
			plan->sa[plan->n++] = sa;
			continue;
		}
		want = *tmpl;
		want.saddr = *saddr;
		want.daddr = *daddr;
		want.family = family;
		if (tmpl->level == IPSEC_LEVEL_USE)
			espl_acquire(en, policy, &want, flow, NULL);
		else
			return espl_acquire(en, policy, &want, flow, packet) ?
			       NF_STOLEN : NF_DROP;
	}
	plan->family = family;
	find_tunnel(plan, flow);
	return NF_ACCEPT;
}

static bool are_usable(const struct espl_plan *plan)
{
	for (unsigned int i = 0; i < plan->n; i++)
		if (!espl_sa_usable(plan->sa[i]))
			return false;
	return plan->n;
}

static noinline unsigned int make_plan(struct espl_plan *plan, struct espl_net *en,
				       const struct espl_policy *policy,
				       const struct espl_flow *flow, struct sk_buff *skb,
				       const struct nf_hook_state *state)
{
	const struct espl_waiting packet = { .skb = skb, .okfn = state->okfn };
	/* Pairs with espl_sad_changed(). Before the search, or it were too new. */
	unsigned long version = smp_load_acquire(&en->sad_version);
	unsigned int verdict;

	*plan = (struct espl_plan){};
	verdict = resolve_sas(plan, en, policy, flow, &packet);
	/* Where one is missing, a keyer is asked with every packet. */
	if (verdict == NF_ACCEPT && plan->n == policy->tmpls)
		plan->sad_version = version;
	return verdict;
}

/*
 * Does the plan hold by which the flow's last packet went: nothing has changed since.
 * 450 instructions less than to make one.
 */
static bool holds(const struct espl_net *en, const struct espl_plan *plan)
{
	/* Pairs with espl_sad_changed(). */
	return plan->sad_version == smp_load_acquire(&en->sad_version) && are_usable(plan);
}

/* In a tunnel, what fits does not depend on the packet, if that came whole. */
static void measure(struct espl_plan *plan, struct sk_buff *skb, u8 family,
		    unsigned int mtu)
{
	unsigned int dfbit = READ_ONCE(espl_encap_dfbit);
	bool whole = !espl_came_in(skb, family);

	if (plan->mtu == mtu && plan->dfbit == dfbit && whole)
		return;
	espl_pmtu_measure(skb, family, plan->sa, plan->n, mtu, &plan->fit);
	plan->mtu = whole && plan->sa[0]->conf.mode == IPSEC_MODE_TUNNEL ? mtu : 0;
	plan->dfbit = dfbit;
}

static noinline void protect_pieces(struct espl_net *en, struct sk_buff *skb,
				    const struct espl_plan *kept, u8 family)
{
	/* The first that leaves may lead to a lookup, and the next flow has its place. */
	const struct espl_plan plan = *kept;
	struct sk_buff *piece, *next;

	piece = espl_frag_cut(en->net, skb, family, plan.fit.piece);
	if (!piece) {
		espl_drop(en, skb, ESPL_OUT_NO_MEMORY);
		return;
	}
	consume_skb(skb);
	skb_list_walk_safe(piece, skb, next) {
		skb_mark_not_on_list(skb);
		protect(skb, &plan, family);
	}
}

/* A datagram that no outer packet can hold goes in several. */
static void protect_cut(struct espl_net *en, struct sk_buff *skb,
			const struct espl_plan *plan, u8 family)
{
	if (skb->len <= plan->fit.whole)
		protect(skb, plan, family);
	else
		protect_pieces(en, skb, plan, family);
}

/*
 * Does the packet have the checksum that the device was to compute, behind its IP header:
 * a virtual machine whose packets are forwarded may say anything, also that it is in front.
 */
static bool holds_sum(struct sk_buff *skb, u8 family)
{
	int header = family == AF_INET ? ip_hdrlen(skb) : sizeof(struct ipv6hdr);
	int start = skb_checksum_start_offset(skb);

	return start >= header &&
	       pskb_may_pull(skb, start + skb->csum_offset + sizeof(__sum16));
}

/*
 * Compute it. 110 instructions less than by skb_csum_hwoffload_help(), which does it
 * where others have the packet, too.
 */
static bool sum_up(struct sk_buff *skb)
{
	unsigned int start = skb_checksum_start_offset(skb);
	__sum16 *sum;

	/* Not skb_checksum_help(), which would spoil SCTP's. */
	if (skb_csum_is_sctp(skb) || skb_cloned(skb) || skb_is_nonlinear(skb))
		return !skb_csum_hwoffload_help(skb, 0);
	sum = (__sum16 *)(skb->data + start + skb->csum_offset);
	*sum = csum_fold(csum_partial(skb->data + start, skb->len - start, 0)) ?:
	       CSUM_MANGLED_0;
	return true;
}

/* With room for all that is to be put on, in pieces that cost little: see segment.c. */
static struct sk_buff *segment(struct sk_buff *skb, const struct espl_plan *plan,
			       u8 family)
{
	unsigned int head = LL_RESERVED_SPACE(skb->dev), tail = 0;
	struct sk_buff *segs;

	for (unsigned int i = 0; i < plan->n; i++) {
		head += plan->sa[i]->headlen;
		tail += plan->sa[i]->taillen;
	}
	segs = espl_segment(skb, family, ALIGN(head, sizeof(long)), tail);
	/*
	 * No features: linear segments, and their checksums done, but for two kinds: a
	 * tunnel's own UDP, which is left to the device if that says it can, and datagrams
	 * that came in a list, each as it was.
	 */
	return segs ?: skb_gso_segment(skb, 0);
}

static void protect_summed(struct espl_net *en, struct sk_buff *skb,
			   const struct espl_plan *plan, u8 family)
{
	if (skb->ip_summed != CHECKSUM_PARTIAL)
		protect_cut(en, skb, plan, family);
	else if (!holds_sum(skb, family))
		espl_drop(en, skb, ESPL_OUT_HEADER);
	else if (!sum_up(skb))
		espl_drop(en, skb, ESPL_OUT_NO_MEMORY);
	else
		protect_cut(en, skb, plan, family);
}

static noinline void protect_segments(struct espl_net *en, struct sk_buff *skb,
				      const struct espl_plan *kept, u8 family)
{
	/* As in protect_pieces(). */
	const struct espl_plan plan = *kept;
	struct sk_buff *segs, *next;

	/* Once, and not for each segment. */
	nf_reset_ct(skb);
	segs = segment(skb, &plan, family);
	if (IS_ERR_OR_NULL(segs)) {
		espl_drop(en, skb, ESPL_OUT_NO_MEMORY);
		return;
	}
	consume_skb(skb);
	skb_list_walk_safe(segs, skb, next) {
		skb_mark_not_on_list(skb);
		protect_summed(en, skb, &plan, family);
	}
}

/* The packet is ours now. What it is made of is sent, or dropped, by name. */
static void protect_all(struct espl_net *en, struct sk_buff *skb,
			const struct espl_plan *plan, u8 family)
{
	if (!espl_readable(skb))
		espl_drop(en, skb, ESPL_OUT_UNREADABLE);
	else if (skb_is_gso(skb))
		protect_segments(en, skb, plan, family);
	else
		protect_summed(en, skb, plan, family);
}

static unsigned int refuse(struct espl_net *en, struct sk_buff *skb,
			   enum espl_stat stat)
{
	espl_stat_note(en, skb, stat);
	return NF_DROP;
}

/*
 * Do the programs of the sender's cgroup let it go. IP would ask them behind this hook,
 * about a packet that has become ESP.
 */
static bool cgroup_allows(struct sock *sk, struct sk_buff *skb)
{
	int ret = BPF_CGROUP_RUN_PROG_INET_EGRESS(sk, skb);

	return ret == NET_XMIT_SUCCESS || ret == NET_XMIT_CN;
}

static unsigned int apply(struct espl_net *en, struct sk_buff *skb,
			  const struct espl_policy *policy,
			  const struct espl_flow *flow, struct espl_plan *plan,
			  const struct nf_hook_state *state)
{
	unsigned int verdict = NF_ACCEPT;
	struct dst_entry *dst;

	if (skb_nfct(skb))
		espl_ct_bar(skb);
	if (!holds(en, plan))
		verdict = make_plan(plan, en, policy, flow, skb, state);
	if (verdict == NF_STOLEN)
		return NF_STOLEN;
	if (verdict == NF_DROP)
		return refuse(en, skb, ESPL_OUT_NO_SA);
	if (!plan->n)
		return NF_ACCEPT;	/* level use, and nothing to use */
	dst = resolve_route(plan, skb);
	if (!dst)
		return refuse(en, skb, ESPL_OUT_NO_ROUTE);
	/* Before it is measured: helpers make packets longer. */
	if (skb_nfct(skb)) {
		verdict = espl_ct_leave(en, skb, state);
		if (verdict != NF_ACCEPT) {
			dst_release(dst);
			return verdict;
		}
	}
	measure(plan, skb, flow->family, dst_mtu(dst));
	/* Most do: 20 instructions less than to ask. */
	if ((skb_is_gso(skb) || skb->len > plan->fit.mtu) &&
	    !espl_pmtu_fit(skb, flow->family, &plan->fit, state->sk)) {
		dst_release(dst);
		refuse(en, skb, ESPL_OUT_TOO_BIG);
		return NF_DROP_ERR(-EMSGSIZE);
	}
	if (!cgroup_allows(state->sk, skb)) {
		dst_release(dst);
		refuse(en, skb, ESPL_OUT_CGROUP);
		return NF_DROP_ERR(-EPERM);
	}
	go_by(skb, dst);
	protect_all(en, skb, plan, flow->family);
	return NF_STOLEN;
}

static noinline bool has_our_spi(struct espl_net *en, const struct sk_buff *skb,
				 const struct espl_flow *flow)
{
	const struct espl_xform *xform;
	struct espl_upper upper;
	const __be32 *spi;
	__be32 copy;

	if (!espl_upper_find(skb, flow->family, &upper) || upper.later)
		return false;
	if (upper.proto == IPPROTO_UDP && espl_natt_is_port(en, skb, &upper))
		espl_natt_inside(skb, &upper);
	xform = espl_xform_of(upper.proto);
	if (!xform)
		return false;
	spi = skb_header_pointer(skb, skb_network_offset(skb) + upper.offset +
				 xform->spi_offset, sizeof(copy), &copy);
	return spi && espl_sad_lookup(en, flow->family, upper.proto, &flow->daddr,
				      *spi);
}

/*
 * Marks are lost where a route leads to a VRF's own device: what comes here from inside of
 * espl_send(), by an SA of ours, is protected already. Anyone can write an SPI in front
 * of something.
 */
static bool is_ours(struct espl_net *en, const struct sk_buff *skb,
		    const struct espl_flow *flow)
{
	if (!espl_xform_of(flow->proto) &&
	    (flow->proto != IPPROTO_UDP || xa_empty(&en->natt_ports)))
		return false;
	return espl_is_sending() && has_our_spi(en, skb, flow);
}

/* An ICMP error that no policy covers goes the way of what it quotes. */
static noinline enum espl_verdict lookup_quoted(struct espl_net *en, struct sk_buff *skb,
						struct espl_flow *flow,
						struct espl_policy **policy,
						struct espl_plan **plan)
{
	enum espl_verdict verdict;
	struct espl_flow about;

	if (!espl_quote_flow(skb, flow, &about))
		return ESPL_NO_POLICY;
	verdict = espl_index_lookup(en, ESPL_OUT, &about, policy, plan);
	if (verdict == ESPL_UNCLEAR || verdict == ESPL_DISCARD)
		return verdict;
	/* The SAs of transport mode are for their own two hosts. */
	if (verdict != ESPL_PROTECT ||
	    ((*policy)->tmpl[0].mode != IPSEC_MODE_TUNNEL &&
	     !espl_addr_equal(&about.saddr, &flow->saddr, flow->family)))
		return ESPL_NO_POLICY;
	if (!espl_addr_in(&flow->saddr, &(*policy)->sel.saddr,
			  (*policy)->sel.splen))
		espl_icmp_source(en, skb, &(*policy)->sel);
	*flow = about;
	return ESPL_PROTECT;
}

/*
 * IPv4 shows this hook a copy of each group and broadcast packet that its own
 * host is to hear, before the packet itself. The protected packet will be copied
 * so again: to protect the copy too would send all twice. Only a copy has no
 * sender. Should one be taken for a copy wrongly, it is lost, and not sent clear.
 */
static bool is_loop_copy(const struct sk_buff *skb, u8 family,
			 const struct nf_hook_state *state)
{
	return family == AF_INET && !skb->sk && state->sk &&
	       skb_rtable(skb)->rt_flags & (RTCF_MULTICAST | RTCF_BROADCAST);
}

static bool is_free(struct espl_net *en, const struct espl_flow *flow)
{
	enum espl_verdict verdict = espl_spd_lookup(en, ESPL_OUT, flow);

	return verdict == ESPL_NO_POLICY || verdict == ESPL_BYPASS;
}

/*
 * Would a source route get the packet to its next hop in clear, which a policy covers,
 * by naming an end that none does: anyone may ask for one.
 */
static noinline bool leads_past(struct espl_net *en, const struct sk_buff *skb,
				const struct espl_flow *flow)
{
	struct espl_flow hop = *flow;

	hop.daddr = espl_flow_hop(skb, flow->family);
	hop.group = false;
	hop.led = false;
	return is_free(en, flow) && !is_free(en, &hop);
}

static unsigned int judge(struct espl_net *en, struct sk_buff *skb,
			  struct espl_flow *flow,
			  const struct nf_hook_state *state)
{
	enum espl_verdict verdict;
	struct espl_policy *policy;
	struct espl_plan *plan;

	if (flow->fragment) {
		unsigned int settled = espl_frag_settle(en, skb, flow, BIT(ESPL_OUT),
							ESPL_FRAG_OUT);
		if (settled != NF_ACCEPT)
			return settled;
	}
	if (flow->led && leads_past(en, skb, flow))
		return refuse(en, skb, ESPL_OUT_HEADER);
	verdict = espl_index_lookup(en, ESPL_OUT, flow, &policy, &plan);
	if (verdict == ESPL_NO_POLICY)
		verdict = lookup_quoted(en, skb, flow, &policy, &plan);
	switch (verdict) {
	case ESPL_BYPASS:
		espl_stat_inc(en, ESPL_OUT_BYPASS);
		return NF_ACCEPT;
	case ESPL_DISCARD:
		return refuse(en, skb, ESPL_OUT_DISCARD);
	case ESPL_UNCLEAR:
		return refuse(en, skb, ESPL_OUT_FRAGMENT);
	case ESPL_PROTECT:
		if (is_loop_copy(skb, state->pf, state)) {
			consume_skb(skb);
			return NF_STOLEN;
		}
		return is_ours(en, skb, flow) ?
		       NF_ACCEPT : apply(en, skb, policy, flow, plan, state);
	default:
		return NF_ACCEPT;
	}
}

/* Traffic that is not for us: the loopback's, and what xfrm has. */
static bool passes(const struct sk_buff *skb)
{
	const struct dst_entry *dst = skb_dst(skb);

	return !dst || (dst->flags & DST_NOXFRM) || dst_xfrm(dst) ||
	       (dst->dev->flags & IFF_LOOPBACK);
}

static noinline unsigned int leaving(struct espl_net *en, struct sk_buff *skb,
				     const struct nf_hook_state *state)
{
	struct espl_flow flow;

	if (skb_nfct(skb))
		espl_ct_guard(en, skb);
	if (passes(skb))
		return NF_ACCEPT;
	if (!espl_flow_read(skb, state->pf, &flow))
		return refuse(en, skb, ESPL_OUT_HEADER);
	/* Here, and not of packets that have waited: nobody knows then who gave them to IP. */
	if (espl_skpol_sender(skb, state->sk, flow.proto)) {
		espl_stat_inc(en, ESPL_OUT_BYPASS);
		return NF_ACCEPT;
	}
	return judge(en, skb, &flow, state);
}

/*
 * The mark is for one passage: what a device then puts around the packet is another one, and
 * not all of them clear what IP has noted (L2TP and PPTP do not). A VRF shows the packet
 * here before its device does.
 */
static void use_mark(struct sk_buff *skb, const struct nf_hook_state *state)
{
	if (!netif_is_l3_master(state->out))
		*espl_marks(skb, state->pf) &= ~ESPL_SENT;
}

/**
 * espl_tx_hook() - POST_ROUTING
 * @priv: espl_net
 * @skb: a packet on its way out
 * @state: the namespace and the family
 *
 * Context: RCU read side; BH made off.
 * Return: NF_ACCEPT for packets that leave as they are, NF_DROP for those that
 *	   must not, NF_STOLEN for those that leave protected, and for fragments
 *	   that wait for others.
 */
unsigned int espl_tx_hook(void *priv, struct sk_buff *skb,
			  const struct nf_hook_state *state)
{
	unsigned int verdict;

	/* What we send comes by here once more: 110 instructions less for each packet. */
	if (*espl_marks(skb, state->pf) & ESPL_SENT) {
		use_mark(skb, state);
		return NF_ACCEPT;
	}
	local_bh_disable();
	verdict = leaving(priv, skb, state);
	local_bh_enable();
	return verdict;
}

static void finish(struct espl_net *en, struct sk_buff *skb, unsigned int verdict,
		   const struct nf_hook_state *state)
{
	if (verdict == NF_STOLEN)
		return;
	if (verdict == NF_ACCEPT)
		verdict = espl_ct_leave(en, skb, state);
	if (verdict == NF_ACCEPT)
		state->okfn(state->net, state->sk, skb);
	else if (verdict != NF_STOLEN)
		kfree_skb(skb);
}

/**
 * espl_tx_again() - send a packet whose SA has come
 * @en: the namespace
 * @packet: the packet; consumed
 * @family: its IP version
 *
 * As if it came by now: policies may have changed while it waited.
 *
 * Context: Process.
 */
void espl_tx_again(struct espl_net *en, const struct espl_waiting *packet, u8 family)
{
	struct sk_buff *skb = packet->skb;
	struct nf_hook_state state;
	struct espl_flow flow;

	local_bh_disable();
	rcu_read_lock();
	/* Its device may be gone, and the route knows. */
	skb->dev = skb_dst(skb)->dev;
	nf_hook_state_init(&state, NF_INET_POST_ROUTING, family, NULL, skb->dev,
			   skb->sk, en->net, packet->okfn);
	if (!espl_flow_read(skb, family, &flow))
		espl_drop(en, skb, ESPL_OUT_HEADER);
	else
		finish(en, skb, judge(en, skb, &flow, &state), &state);
	rcu_read_unlock();
	local_bh_enable();
}
