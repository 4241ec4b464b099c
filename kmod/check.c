// SPDX-License-Identifier: GPL-2.0-only
/*
 * check.c - the inbound policy check (RFC 4301 section 5.2)
 *
 * Owns the answer to "may this packet come in the way it came". rx.c asks when
 * it has taken a packet out of its SAs, where the real chain is known, and
 * marks what may pass. The hooks here, at LOCAL_IN and FORWARD after the
 * admin's own rules, hand ESP and AH to rx.c, let marked packets by, and hold every
 * other packet, which has come in clear, against the SPD.
 */
#include <linux/netfilter_bridge.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "check.h"
#include "compat/compat.h"
#include "ct.h"
#include "flow.h"
#include "frag.h"
#include "icmp.h"
#include "natt.h"
#include "quote.h"
#include "rx.h"
#include "skpol.h"
#include "spd_index.h"
#include "way.h"
#include "xform.h"

/*
 * A policy for input covers forwarded packets too, as KAME has it; but where a
 * forward policy covers one, that policy decides.
 */
static enum espl_verdict lookup(struct espl_net *en,
				const struct espl_flow *flow, bool local,
				struct espl_policy **policy,
				struct espl_plan **kept)
{
	enum espl_verdict verdict = ESPL_NO_POLICY;

	if (!local)
		verdict = espl_index_lookup(en, ESPL_FWD, flow, policy, kept);
	if (verdict == ESPL_NO_POLICY)
		verdict = espl_index_lookup(en, ESPL_IN, flow, policy, kept);
	return verdict;
}

/*
 * An ICMP error that no policy covers comes as what it quotes would have come
 * (RFC 4301 section 6.2).
 */
static noinline enum espl_verdict lookup_quoted(struct espl_net *en, struct sk_buff *skb,
						const struct espl_flow *flow, bool local,
						struct espl_policy **policy,
						struct espl_plan **kept)
{
	struct espl_flow about;

	if (!espl_quote_flow(skb, flow, &about))
		return ESPL_NO_POLICY;
	return lookup(en, &about, local, policy, kept);
}

/*
 * In clear it does not come where that would not. IP looks for whom it is by what it
 * quotes, and by nothing else: so it need not go to whom that is from; of a source route
 * it takes the end or the next hop; what translators did is undone for both; and IPv6 looks
 * behind AH. Of what is in ESP nobody is told anything.
 */
static noinline enum espl_verdict lookup_quoted_clear(struct espl_net *en, struct sk_buff *skb,
						      const struct espl_flow *flow,
						      bool local,
						      struct espl_policy **policy,
						      struct espl_plan **kept)
{
	enum espl_verdict verdict;
	struct espl_flow about;
	union nf_inet_addr hop;

	if (!espl_quote_read(skb, flow, &about, &hop) || about.proto == IPPROTO_ESP ||
	    (about.proto == IPPROTO_AH && about.family == AF_INET))
		return ESPL_NO_POLICY;
	if (about.proto == IPPROTO_AH) {
		about.proto_hidden = true;
		about.ports_known = false;
	}
	espl_ct_undo_nat(skb, &about);
	verdict = lookup(en, &about, local, policy, kept);
	if (!about.led || (verdict != ESPL_NO_POLICY && verdict != ESPL_BYPASS))
		return verdict;
	about.saddr = hop;
	return lookup(en, &about, local, policy, kept);
}

static bool fits(const struct espl_tmpl *tmpl, const struct espl_sa_conf *conf)
{
	if (tmpl->proto != conf->proto || tmpl->mode != conf->mode ||
	    (tmpl->reqid && tmpl->reqid != conf->reqid))
		return false;
	return tmpl->mode != IPSEC_MODE_TUNNEL ||
	       (tmpl->family == conf->family &&
		espl_addr_equal(&tmpl->saddr, &conf->saddr, conf->family) &&
		espl_addr_equal(&tmpl->daddr, &conf->daddr, conf->family));
}

/*
 * Hold a chain of SAs against what a policy asks for, both innermost first.
 * More protection than asked for is welcome in transport mode; a tunnel says
 * who may send such packets, and must have been asked for.
 */
static bool satisfies(const struct espl_cb *cb, const struct espl_tmpl *tmpl,
		      unsigned int tmpls)
{
	unsigned int n = cb->n;	/* SAs not yet accounted for */

	for (; tmpls; tmpls--, tmpl++) {
		unsigned int pos = n;

		while (pos && !fits(tmpl, &cb->sa[pos - 1]->conf) &&
		       cb->sa[pos - 1]->conf.mode != IPSEC_MODE_TUNNEL)
			pos--;
		if (pos && fits(tmpl, &cb->sa[pos - 1]->conf))
			n = pos - 1;
		else if (tmpl->level != IPSEC_LEVEL_USE)
			return false;
	}
	while (n && cb->sa[n - 1]->conf.mode != IPSEC_MODE_TUNNEL)
		n--;
	return !n;
}

/*
 * The same SAs as of the flow's last packet, by the same policy, and nothing has
 * changed since: 120 instructions less than to ask again.
 */
static bool came_before(const struct espl_cb *cb, const struct espl_plan *kept,
			unsigned long version)
{
	if (kept->sad_version != version || kept->n != cb->n)
		return false;
	for (unsigned int i = 0; i < cb->n; i++)
		if (kept->sa[i] != cb->sa[i])
			return false;
	return true;
}

static bool suits(const struct espl_net *en, const struct espl_cb *cb,
		  const struct espl_policy *policy, struct espl_plan *kept)
{
	/* Pairs with espl_sad_changed(). */
	unsigned long version = smp_load_acquire(&en->sad_version);

	if (came_before(cb, kept, version))
		return true;
	if (!satisfies(cb, policy->tmpl, policy->tmpls))
		return false;
	kept->sad_version = version;
	kept->n = cb->n;
	memcpy(kept->sa, cb->sa, sizeof(kept->sa));
	return true;
}

/**
 * espl_check_chain() - may a decapsulated packet pass
 * @en: the namespace
 * @skb: the packet; in its cb the SAs it came out of, outermost first
 * @flow: the packet's flow; what would spare it is taken out
 * @local: whether it is for this host
 * @why: set to the reason where it may not
 *
 * A transport SA needs no policy; a tunnel must be asked for by one that covers
 * the inner packet.
 *
 * Context: BH off, RCU read side.
 * Return: Whether it may.
 */
bool espl_check_chain(struct espl_net *en, struct sk_buff *skb,
		      struct espl_flow *flow, bool local, enum espl_stat *why)
{
	const struct espl_cb *cb = espl_cb(skb);
	struct espl_policy *policy = NULL;
	enum espl_verdict verdict;
	struct espl_plan *kept;

	/* What is spared is spared to come in clear. This did not. */
	flow->group = false;
	flow->neighbour = false;
	*why = ESPL_IN_POLICY;
	verdict = lookup(en, flow, local, &policy, &kept);
	if (verdict == ESPL_NO_POLICY)
		verdict = lookup_quoted(en, skb, flow, local, &policy, &kept);
	switch (verdict) {
	case ESPL_NO_POLICY:
	case ESPL_BYPASS:
		return satisfies(cb, NULL, 0);
	case ESPL_PROTECT:
		return suits(en, cb, policy, kept);
	case ESPL_UNCLEAR:
		*why = ESPL_IN_FRAGMENT;
		return false;
	default:
		*why = ESPL_IN_DISCARD;
		return false;
	}
}

/* Does a policy let packets come in clear as well: all its levels are use. */
static bool is_optional(const struct espl_policy *policy)
{
	for (unsigned int i = 0; i < policy->tmpls; i++)
		if (policy->tmpl[i].level != IPSEC_LEVEL_USE)
			return false;
	return true;
}

static unsigned int refuse(struct espl_net *en, struct sk_buff *skb,
			   enum espl_stat stat)
{
	espl_stat_note(en, skb, stat);
	return NF_DROP;
}

/* A packet for a socket that passes by the SPD is for that to judge. */
static unsigned int refuse_unless_spared(struct espl_net *en, struct sk_buff *skb,
					 u8 family, bool local, enum espl_stat stat)
{
	if (local && espl_skpol_receiver(skb, family))
		return NF_ACCEPT;
	return refuse(en, skb, stat);
}

/* Is it from a device with disable_policy: IPv4 notes that in the packet, IPv6 in its route. */
static bool is_exempt(struct sk_buff *skb, u8 family)
{
	if (family == AF_INET)
		return IPCB(skb)->flags & IPSKB_NOPOLICY;
	return skb_dst(skb) && (skb_dst(skb)->flags & DST_NOPOLICY);
}

/* Forwarded, a packet will be held against all of them. */
#define ALL_DIRS	(BIT(ESPL_IN) | BIT(ESPL_FWD) | BIT(ESPL_OUT))

static unsigned int check_clear(struct espl_net *en, struct sk_buff *skb,
				u8 family, bool local)
{
	struct espl_policy *policy = NULL;
	enum espl_verdict verdict;
	struct espl_plan *kept;
	struct espl_flow flow;

	if (is_exempt(skb, family))
		return NF_ACCEPT;
	if (!espl_flow_read(skb, family, &flow))
		return NF_ACCEPT;	/* the IP layer drops it */
	if (!local && flow.fragment) {
		unsigned int settled = espl_frag_settle(en, skb, &flow, ALL_DIRS,
							ESPL_FRAG_FORWARD);
		if (settled != NF_ACCEPT)
			return settled;
	}
	espl_ct_undo_nat(skb, &flow);
	verdict = lookup(en, &flow, local, &policy, &kept);
	if (verdict == ESPL_NO_POLICY)
		verdict = lookup_quoted_clear(en, skb, &flow, local, &policy, &kept);
	switch (verdict) {
	case ESPL_PROTECT:
		if (is_optional(policy))
			return NF_ACCEPT;
		return refuse_unless_spared(en, skb, family, local, ESPL_IN_CLEAR);
	case ESPL_DISCARD:
		return refuse_unless_spared(en, skb, family, local, ESPL_IN_DISCARD);
	case ESPL_UNCLEAR:
		return refuse(en, skb, ESPL_IN_FRAGMENT);
	default:
		return NF_ACCEPT;
	}
}

/*
 * Marked as checked, or of a kind that policies do not reach. Frames that are
 * bridged and shown to IP's hooks all the same (br_netfilter) have a false route.
 */
static bool passes(struct sk_buff *skb, u8 family)
{
	return (*espl_marks(skb, family) & ESPL_CHECKED) ||
	       (skb->dev->flags & IFF_LOOPBACK) ||
	       (skb_dst(skb) && (skb_dst(skb)->flags & DST_FAKE_RTABLE));
}

static unsigned int local_in(struct espl_net *en, struct sk_buff *skb,
			     const struct nf_hook_state *state);

/* Datagrams that came in one: some may be ESP, and others the daemon's. */
static unsigned int each_segment(struct espl_net *en, struct sk_buff *skb,
				 const struct nf_hook_state *state)
{
	struct sk_buff *segs, *next;

	if (!espl_ct_confirm(skb))
		return NF_DROP;
	segs = skb_gso_segment(skb, 0);
	if (IS_ERR_OR_NULL(segs))
		return refuse(en, skb, ESPL_IN_NO_MEMORY);
	consume_skb(skb);
	skb_list_walk_safe(segs, skb, next) {
		unsigned int verdict;

		skb_mark_not_on_list(skb);
		verdict = local_in(en, skb, state);
		if (verdict == NF_ACCEPT)
			state->okfn(state->net, state->sk, skb);
		else if (verdict == NF_DROP)
			kfree_skb(skb);
	}
	return NF_STOLEN;
}

static unsigned int eat(struct espl_net *en, struct sk_buff *skb)
{
	espl_stat_inc(en, ESPL_IN_KEEPALIVE);
	consume_skb(skb);
	return NF_STOLEN;
}

/*
 * IP goes on at the transport header, and takes it for what @nhoff announces. Behind a
 * fragment header that nf_ct_frag6_gather() has taken out, for us or for conntrack, these
 * are not the same where options were in front of it, and IP would find another packet
 * than was judged.
 */
static void go_on_at_nhoff(struct sk_buff *skb)
{
	unsigned int nhoff = IP6CB(skb)->nhoff, next = sizeof(struct ipv6hdr);
	const struct ipv6_opt_hdr *hdr;
	struct ipv6_opt_hdr copy;

	if (nhoff >= next) {
		hdr = skb_header_pointer(skb, nhoff, sizeof(copy), &copy);
		if (!hdr)
			return;
		next = nhoff + ipv6_optlen(hdr);
	}
	skb_set_transport_header(skb, next);
}

static unsigned int local_in(struct espl_net *en, struct sk_buff *skb,
			     const struct nf_hook_state *state)
{
	u8 family = state->pf;
	struct espl_upper upper;

	if (!espl_upper_find(skb, family, &upper))
		return NF_ACCEPT;	/* the IP layer drops it */
	if (family == AF_INET6 && upper.fragment) {
		/* LOCAL_IN is before reassembly here, after it in IPv4. */
		if (espl_frag_gather(en->net, skb, family, ESPL_FRAG_IN))
			return NF_STOLEN;
		if (!espl_upper_find(skb, family, &upper) || upper.fragment)
			return refuse(en, skb, ESPL_IN_FRAGMENT);
	}
	if (family == AF_INET6 && (IP6CB(skb)->flags & IP6SKB_FRAGMENTED))
		go_on_at_nhoff(skb);
	if (espl_xform_of(upper.proto)) {
		if (espl_rx(en, skb, family, &upper, 0, NULL))
			return NF_STOLEN;
		espl_stat_inc(en, ESPL_IN_NO_SA);
	}
	if (upper.proto == IPPROTO_UDP && espl_natt_is_port(en, skb, &upper)) {
		if (skb_is_gso(skb))
			return each_segment(en, skb, state);
		if (espl_natt_is_keepalive(skb, &upper))
			return eat(en, skb);
		if (espl_natt_inside(skb, &upper) &&
		    espl_rx(en, skb, family, &upper, ESPL_UDP, NULL))
			return NF_STOLEN;
	}
	espl_icmp_input(en, skb, family, &upper);
	return check_clear(en, skb, family, true);
}

/*
 * Will LOCAL_IN, if it comes there, be the same to it as PRE_ROUTING. One with options has
 * no way.
 */
static bool is_early(const struct espl_net *en, struct sk_buff *skb)
{
	return !ip_is_fragment(ip_hdr(skb)) &&
	       skb->pkt_type == PACKET_HOST && !skb_dst(skb) &&
	       !nf_bridge_info_exists(skb) && !passes(skb, AF_INET) &&
	       espl_hooks_alone(en, AF_INET, NF_INET_LOCAL_IN);
}

/**
 * espl_check_early() - PRE_ROUTING, IPv4
 * @priv: espl_net
 * @skb: a packet that came in
 * @state: the namespace
 *
 * ESP of ours that a known route leads to LOCAL_IN is taken here, if no rule of the
 * admin's waits for it there: with way.c, 1,500 instructions less for each packet.
 *
 * Context: BH off, as what comes in always is; RCU read side.
 * Return: NF_ACCEPT, or NF_STOLEN.
 */
unsigned int espl_check_early(void *priv, struct sk_buff *skb,
			      const struct nf_hook_state *state)
{
	static const struct espl_upper upper = {
		.offset = sizeof(struct iphdr),
		.nhoff = offsetof(struct iphdr, protocol),
		.proto = IPPROTO_ESP,
	};
	struct espl_way *way;

	if (ip_hdr(skb)->protocol != IPPROTO_ESP || !is_early(priv, skb))
		return NF_ACCEPT;
	way = espl_way_find(state->net, skb);
	return way && espl_rx(priv, skb, AF_INET, &upper, 0, way) ? NF_STOLEN : NF_ACCEPT;
}

/**
 * espl_check_local() - LOCAL_IN
 * @priv: espl_net
 * @skb: a packet for this host
 * @state: the namespace and the family
 *
 * Context: RCU read side; BH made off.
 * Return: NF_ACCEPT, NF_DROP, or NF_STOLEN for ESP and AH of ours.
 */
unsigned int espl_check_local(void *priv, struct sk_buff *skb,
			      const struct nf_hook_state *state)
{
	unsigned int verdict;

	if (passes(skb, state->pf))
		return NF_ACCEPT;
	local_bh_disable();
	verdict = local_in(priv, skb, state);
	local_bh_enable();
	return verdict;
}

/**
 * espl_check_forward() - FORWARD
 * @priv: espl_net
 * @skb: a packet to be forwarded
 * @state: the namespace and the family
 *
 * Context: RCU read side; BH made off.
 * Return: NF_ACCEPT, NF_DROP, or NF_STOLEN for fragments that wait for others.
 */
unsigned int espl_check_forward(void *priv, struct sk_buff *skb,
				const struct nf_hook_state *state)
{
	unsigned int verdict;

	if (passes(skb, state->pf))
		return NF_ACCEPT;
	local_bh_disable();
	verdict = check_clear(priv, skb, state->pf, false);
	local_bh_enable();
	return verdict;
}
