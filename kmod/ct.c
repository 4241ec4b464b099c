// SPDX-License-Identifier: GPL-2.0-only
/*
 * ct.c - connection tracking: flows, NAT and flowtables
 *
 * Owns all dealings with conntrack. Called by tx.c and check.c for packets, by
 * spd.c when policies change. The module does not depend on nf_conntrack: what is
 * not in its headers is looked up by name when it is wanted, and nothing is there
 * to be done where it is not loaded.
 *
 * A flowtable (nft's "flow add") carries an established flow from one device to
 * the other, past FORWARD and POST_ROUTING, where policies are. So the entry of a
 * flow that a policy protects or discards, whichever way, is marked so that "flow
 * add" refuses it. The mark is IPS_NAT_CLASH: "flow add" has honoured it in every
 * kernel from 6.1 on, it may be set at any time in a flow's life (an empty helper
 * extension, which is refused too, only at its birth), and all that it does
 * otherwise is that a UDP flow's entry may be dropped early when the table is full.
 */
#include <linux/module.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_extend.h>
#include <net/netfilter/nf_flow_table.h>

#include "ct.h"

#define REVIEW_PAUSES	4	/* for each time that a review took */

/**
 * espl_ct_confirm() - have a new flow known
 * @skb: a packet that is about to be stolen
 *
 * Conntrack confirms a new flow in the hook behind ours, which a stolen packet
 * does not reach: without this the flow would never be known.
 *
 * Context: BH off, RCU read side, in LOCAL_IN or POST_ROUTING.
 * Return: False where conntrack does not want the packet.
 */
bool espl_ct_confirm(struct sk_buff *skb)
{
	enum ip_conntrack_info info;
	struct nf_conn *ct = nf_ct_get(skb, &info);
	const struct nf_ct_hook *hook = rcu_dereference(nf_ct_hook);

	if (ct && hook && !nf_ct_is_confirmed(ct))
		return hook->confirm(skb) == NF_ACCEPT;
	return true;
}

/* Has a helper a say in its packets, or have their sequence numbers been shifted. */
static bool is_watched(const struct nf_conn *ct)
{
	return nf_ct_ext_exist(ct, NF_CT_EXT_HELPER) ||
	       test_bit(IPS_SEQ_ADJUST_BIT, &ct->status);
}

/* The hooks behind ours, as netfilter would ask them. */
static noinline unsigned int ask_behind(const struct espl_net *en, struct sk_buff *skb,
					const struct nf_hook_state *state)
{
	const struct nf_hook_entries *all = state->pf == NFPROTO_IPV4 ?
		rcu_dereference(en->net->nf.hooks_ipv4[NF_INET_POST_ROUTING]) :
		rcu_dereference(en->net->nf.hooks_ipv6[NF_INET_POST_ROUTING]);
	unsigned int verdict = NF_ACCEPT, n = all ? all->num_hook_entries : 0, i = 0;

	while (i < n && all->hooks[i].priv != en)
		i++;
	while (verdict == NF_ACCEPT && ++i < n)
		verdict = all->hooks[i].hook(all->hooks[i].priv, skb, state);
	return verdict;
}

/**
 * espl_ct_leave() - conntrack's part of a packet's way out
 * @en: the namespace
 * @skb: a packet that is about to be stolen
 * @state: the hook's, POST_ROUTING
 *
 * Helpers read and write there, too, for NAT of FTP and the like, and the sequence numbers
 * of what they have made longer or shorter are set right.
 *
 * Context: BH off, RCU read side.
 * Return: NF_ACCEPT to go on, else what the hook answers.
 */
unsigned int espl_ct_leave(struct espl_net *en, struct sk_buff *skb,
			   const struct nf_hook_state *state)
{
	enum ip_conntrack_info info;
	const struct nf_conn *ct = nf_ct_get(skb, &info);
	unsigned int verdict = NF_ACCEPT;

	if (ct && is_watched(ct))
		verdict = ask_behind(en, skb, state);
	/* In a VRF conntrack would wait for the device behind it. */
	if (verdict == NF_ACCEPT && !espl_ct_confirm(skb))
		verdict = NF_DROP;
	if (verdict == NF_ACCEPT || verdict == NF_STOLEN)
		return verdict;
	espl_stat_note(en, skb, ESPL_OUT_CONNTRACK);
	return NF_DROP;
}

static bool is_error(u8 proto, enum ip_conntrack_info info)
{
	return (proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6) &&
	       (info == IP_CT_RELATED || info == IP_CT_RELATED_REPLY);
}

static bool has_ports(u8 proto)
{
	switch (proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		return true;
	default:
		return false;
	}
}

/**
 * espl_ct_undo_nat() - a received packet's flow as it was on the wire
 * @skb: the packet, in LOCAL_IN or FORWARD
 * @flow: its flow; the addresses and ports that NAT has changed since the packet
 *	  came in are changed back
 *
 * Policies are about the wire: output is matched after SNAT, input before DNAT.
 *
 * Context: RCU read side.
 */
void espl_ct_undo_nat(const struct sk_buff *skb, struct espl_flow *flow)
{
	enum ip_conntrack_info info;
	const struct nf_conn *ct = nf_ct_get(skb, &info);
	const struct nf_conntrack_tuple *tuple;

	if (!ct || !(READ_ONCE(ct->status) & IPS_NAT_MASK))
		return;
	tuple = &ct->tuplehash[CTINFO2DIR(info)].tuple;
	flow->daddr = tuple->dst.u3;
	flow->group = espl_addr_is_multicast(&flow->daddr, flow->family);
	/* An error comes from anywhere on the way; the tuple is not its own. */
	if (is_error(flow->proto, info))
		return;
	flow->saddr = tuple->src.u3;
	if (flow->ports_known && has_ports(flow->proto)) {
		flow->sport = tuple->src.u.all;
		flow->dport = tuple->dst.u.all;
	}
}

/*
 * A tuple is what one direction's packets are as they come in; turned round it is
 * what those of the other direction are when they leave.
 */
static struct espl_flow flow_of(const struct nf_conntrack_tuple *tuple, bool turned)
{
	struct espl_flow flow = {
		.family = tuple->src.l3num,
		.proto = tuple->dst.protonum,
		.saddr = turned ? tuple->dst.u3 : tuple->src.u3,
		.daddr = turned ? tuple->src.u3 : tuple->dst.u3,
		.ports_known = true,
	};

	if (has_ports(flow.proto)) {
		flow.sport = turned ? tuple->dst.u.all : tuple->src.u.all;
		flow.dport = turned ? tuple->src.u.all : tuple->dst.u.all;
	}
	return flow;
}

static bool is_asked(struct espl_net *en, enum espl_dir dir,
		     const struct nf_conntrack_tuple *tuple)
{
	struct espl_flow flow = flow_of(tuple, dir == ESPL_OUT);

	switch (espl_spd_lookup(en, dir, &flow)) {
	case ESPL_NO_POLICY:
	case ESPL_BYPASS:
		return false;
	default:
		return true;
	}
}

/* Does a policy, whichever way, want to see the packets of a flow. */
static bool is_covered(struct espl_net *en, const struct nf_conn *ct)
{
	for (int dir = 0; dir < IP_CT_DIR_MAX; dir++)
		for (int way = 0; way < ESPL_DIRS; way++)
			if (is_asked(en, way, &ct->tuplehash[dir].tuple))
				return true;
	return false;
}

static void bar(struct nf_conn *ct)
{
	if (!test_bit(IPS_NAT_CLASH_BIT, &ct->status))
		set_bit(IPS_NAT_CLASH_BIT, &ct->status);
}

/**
 * espl_ct_bar() - keep a packet's flow out of flowtables
 * @skb: a packet that a policy covers
 *
 * Context: RCU read side.
 */
void espl_ct_bar(struct sk_buff *skb)
{
	enum ip_conntrack_info info;
	struct nf_conn *ct = nf_ct_get(skb, &info);

	if (ct)
		bar(ct);
}

/**
 * espl_ct_guard() - keep a new flow out of flowtables, if a policy covers it
 * @en: the namespace
 * @skb: a packet in POST_ROUTING
 *
 * A flow's first packet is held against the policies of both directions; after
 * SNAT, so that all its addresses are known, and before it is confirmed, which it
 * must be before "flow add" takes it.
 *
 * Context: BH off, RCU read side.
 */
void espl_ct_guard(struct espl_net *en, struct sk_buff *skb)
{
	enum ip_conntrack_info info;
	struct nf_conn *ct = nf_ct_get(skb, &info);

	/* What did not come in by a device is not forwarded. */
	if (ct && skb->skb_iif && !nf_ct_is_confirmed(ct) && is_covered(en, ct))
		bar(ct);
}

/**
 * struct review - flows held against policies that have come or gone
 * @en: the namespace
 * @policy: the policy, NULL for several
 * @barred: whether there was one that may be in a flowtable
 */
struct review {
	struct espl_net *en;
	const struct espl_policy *policy;
	bool barred;
};

static bool concerns(const struct espl_policy *policy, const struct nf_conn *ct)
{
	if (!policy)
		return true;
	for (int dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		struct espl_flow flow = flow_of(&ct->tuplehash[dir].tuple,
						policy->dir == ESPL_OUT);

		if (espl_sel_match(&policy->sel, &flow) != ESPL_MISS)
			return true;
	}
	return false;
}

/* Return: 0, always: the entry stays. */
static int review_one(struct nf_conn *ct, void *data)
{
	struct review *review = data;

	local_bh_disable();
	rcu_read_lock();
	if (concerns(review->policy, ct) && !test_bit(IPS_NAT_CLASH_BIT, &ct->status) &&
	    is_covered(review->en, ct)) {
		bar(ct);
		review->barred = true;
	}
	rcu_read_unlock();
	local_bh_enable();
	return 0;
}

/* All namespaces' flows: those that no policy covers come back with a packet. */
static void empty_flowtables(void)
{
	typeof(nf_flow_table_cleanup) *cleanup = symbol_get(nf_flow_table_cleanup);

	if (!cleanup)
		return;
	synchronize_net();	/* a "flow add" may not have seen the mark yet */
	cleanup(NULL);
	symbol_put(nf_flow_table_cleanup);
}

/* All of a namespace's flows, of which there may be none. */
static void review_all(struct espl_net *en, const struct espl_policy *policy)
{
	struct review review = { .en = en, .policy = policy };
	const struct nf_ct_iter_data data = { .net = en->net, .data = &review };
	typeof(nf_ct_iterate_cleanup_net) *iterate;

	/* To ask each module for a name takes 3,500 instructions. */
	if (!rcu_access_pointer(nf_ct_hook))
		return;
	iterate = symbol_get(nf_ct_iterate_cleanup_net);
	if (!iterate)
		return;
	iterate(review_one, &data);
	symbol_put(nf_ct_iterate_cleanup_net);
	if (review.barred)
		empty_flowtables();
}

/* Has nf_flow_table been there since we are. */
static bool seen_flowtables;

static bool find_flowtables(void)
{
	bool there = symbol_get(nf_flow_table_cleanup);

	if (there)
		symbol_put(nf_flow_table_cleanup);
	return there;
}

static bool are_there_flowtables(void)
{
	/* To ask each module for a name, for each policy, takes 14,000 instructions. */
	return READ_ONCE(seen_flowtables) && find_flowtables();
}

/* A module is on its way in, before there can be a table of it, or there, or goes. */
static int see_module(struct notifier_block *block, unsigned long event, void *data)
{
	const struct module *module = data;

	if (!strcmp(module->name, "nf_flow_table"))
		WRITE_ONCE(seen_flowtables, true);
	return NOTIFY_DONE;
}

static struct notifier_block modules = {
	.notifier_call = see_module,
};

/**
 * espl_ct_watch() - from now on see whether there are flowtables
 *
 * Context: Process.
 */
void espl_ct_watch(void)
{
	register_module_notifier(&modules);
	/* It may have been there before us, or be no module. */
	if (find_flowtables())
		WRITE_ONCE(seen_flowtables, true);
}

/**
 * espl_ct_unwatch() - undo that
 *
 * Context: Process.
 */
void espl_ct_unwatch(void)
{
	unregister_module_notifier(&modules);
}

static void review_now(struct espl_net *en, const struct espl_policy *policy)
{
	u64 began = ktime_get_ns(), ended;

	en->review_due = false;
	review_all(en, policy);
	ended = ktime_get_ns();
	en->review_next = ended + REVIEW_PAUSES * (ended - began);
}

static void review_work(struct work_struct *work)
{
	espl_ct_review_due(container_of(to_delayed_work(work), struct espl_net,
					review_work));
}

/**
 * espl_ct_review() - policies have come or gone: take flows out of flowtables
 * @en: the namespace
 * @policy: the policy, NULL for several
 *
 * Where one went, another may cover what it covered.
 *
 * A review walks all of conntrack's table, which takes milliseconds where that is large:
 * ten thousand policies, one by one, would take minutes. Where there are flowtables that
 * is how it is, for what is in one must be out before the keyer is answered. Where there
 * is none there is a pause after each, of some times what it took, and what comes in
 * that time has one review when it ends, or when the socket that it came by is closed.
 * A flowtable that is made in those milliseconds is emptied by it.
 *
 * Context: Process, may sleep, espl_net.lock held.
 */
void espl_ct_review(struct espl_net *en, const struct espl_policy *policy)
{
	u64 now = ktime_get_ns();

	if (now >= en->review_next || are_there_flowtables()) {
		review_now(en, en->review_due ? NULL : policy);
	} else if (!en->review_due) {
		en->review_due = true;
		queue_delayed_work(espl_wq, &en->review_work,
				   nsecs_to_jiffies(en->review_next - now) + 1);
	}
}

/**
 * espl_ct_review_due() - have no review outstanding
 * @en: the namespace
 *
 * Context: Process, may sleep.
 */
void espl_ct_review_due(struct espl_net *en)
{
	mutex_lock(&en->lock);
	if (en->review_due)
		review_now(en, NULL);
	mutex_unlock(&en->lock);
}

/**
 * espl_ct_init() - nothing is to be reviewed
 * @en: the namespace
 *
 * Context: Process.
 */
void espl_ct_init(struct espl_net *en)
{
	INIT_DELAYED_WORK(&en->review_work, review_work);
}

/**
 * espl_ct_fini() - nor will it be
 * @en: the namespace, of which no policy changes any more
 *
 * Context: Process, may sleep.
 */
void espl_ct_fini(struct espl_net *en)
{
	cancel_delayed_work_sync(&en->review_work);
}
