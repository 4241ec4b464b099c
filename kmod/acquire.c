// SPDX-License-Identifier: GPL-2.0-only
/*
 * acquire.c - SAs that packets ask for, and the packets that wait for them
 *
 * Owns what happens when a policy wants an SA that is not there. tx.c asks here; a
 * keyer is told once (SADB_ACQUIRE, RFC 2367 section 3.1.6), and not again while
 * the larval SA that stands for the question lives. The packets wait for a few
 * seconds and leave when the SA comes, so that the first ping of a cold tunnel is
 * answered. sad.c says when SAs come, and when larval ones end.
 *
 * Packets ask from softirq, where nobody may sleep: they leave a note, and the work
 * makes the larval SA and tells the keyers.
 */
#include <linux/module.h>
#include <linux/slab.h>

#include "acquire.h"
#include "pfkey.h"
#include "sad.h"
#include "stat.h"
#include "tx.h"

#define ACQUIRES	256	/* SAs asked for at a time, per namespace */
#define PER_FLOW	4	/* packets of one flow that wait */
#define PER_NET		256	/* packets of a namespace that wait */
#define PATIENCE	(3 * HZ)
#define PAUSE		(HZ / 10)	/* a keyer may load the SA of the way back last */

static bool hold_packets = true;
module_param(hold_packets, bool, 0644);
MODULE_PARM_DESC(hold_packets,
		 "let packets wait up to 3 seconds for the SA that they need (default on)");

/**
 * struct held - a packet that waits
 * @node: in espl_net.held or espl_net.released [H]
 * @acquire: what for, NULL when released [H]
 * @flow: whose packet it is [I]
 * @packet: the packet [I]
 * @until: in jiffies; then it is lost [I]
 */
struct held {
	struct list_head node;
	struct espl_acquire *acquire;
	struct espl_flow flow;
	struct espl_waiting packet;
	unsigned long until;
};

static bool same_want(const struct espl_tmpl *a, const struct espl_tmpl *b)
{
	return a->proto == b->proto && a->mode == b->mode &&
	       a->reqid == b->reqid && a->family == b->family &&
	       espl_addr_equal(&a->saddr, &b->saddr, a->family) &&
	       espl_addr_equal(&a->daddr, &b->daddr, a->family);
}

static bool same_flow(const struct espl_flow *a, const struct espl_flow *b)
{
	return a->proto == b->proto && a->family == b->family &&
	       a->sport == b->sport && a->dport == b->dport &&
	       espl_addr_equal(&a->saddr, &b->saddr, a->family) &&
	       espl_addr_equal(&a->daddr, &b->daddr, a->family);
}

static struct espl_acquire *find(struct espl_net *en, u32 policy,
				 const struct espl_tmpl *want)
{
	struct espl_acquire *acquire;

	list_for_each_entry(acquire, &en->acquires, node)
		if (acquire->policy == policy && same_want(&acquire->want, want))
			return acquire;
	return NULL;
}

static struct espl_acquire *begin(struct espl_net *en, u32 policy,
				  const struct espl_tmpl *want,
				  const struct espl_flow *flow)
{
	struct espl_acquire *acquire;

	if (en->acquires_n >= ACQUIRES)
		return NULL;
	acquire = kzalloc(sizeof(*acquire), GFP_ATOMIC);
	if (!acquire)
		return NULL;
	acquire->policy = policy;
	acquire->want = *want;
	acquire->flow = *flow;
	acquire->seq = ++en->acquire_seq ?: ++en->acquire_seq;
	list_add_tail(&acquire->node, &en->acquires);
	en->acquires_n++;
	queue_work(espl_wq, &en->acquire_work);
	return acquire;
}

/* The packet is no longer ours, nor is its place. */
static void lose(struct espl_net *en, struct held *held, enum espl_stat stat)
{
	list_del(&held->node);
	en->held_n--;
	espl_drop(en, held->packet.skb, stat);
	kfree(held);
}

/*
 * Where a flow or the namespace has too many, the oldest makes way. False where
 * there is none: those that are about to leave do not.
 */
static bool make_way(struct espl_net *en, const struct espl_flow *flow)
{
	struct held *held, *oldest = NULL;
	unsigned int n = 0;

	list_for_each_entry(held, &en->held, node)
		if (same_flow(&held->flow, flow)) {
			oldest = oldest ?: held;
			n++;
		}
	if (n < PER_FLOW && en->held_n < PER_NET)
		return true;
	if (n < PER_FLOW)
		oldest = list_first_entry_or_null(&en->held, struct held, node);
	if (oldest)
		lose(en, oldest, ESPL_OUT_HOLD_FULL);
	return oldest;
}

static bool hold(struct espl_net *en, struct espl_acquire *acquire,
		 const struct espl_flow *flow, const struct espl_waiting *packet)
{
	struct held *held;

	/* It may outlast the RCU section that its dst lives by. */
	if (!READ_ONCE(hold_packets) || !skb_dst_force(packet->skb))
		return false;
	held = kzalloc(sizeof(*held), GFP_ATOMIC);
	if (!held)
		return false;
	if (!make_way(en, flow)) {
		kfree(held);
		return false;
	}
	held->acquire = acquire;
	held->flow = *flow;
	held->packet = *packet;
	held->until = jiffies + PATIENCE;
	list_add_tail(&held->node, &en->held);
	en->held_n++;
	espl_stat_inc(en, ESPL_OUT_HELD);
	queue_delayed_work(espl_wq, &en->hold_work, PATIENCE);
	return true;
}

/**
 * espl_acquire() - a policy wants an SA that is not there
 * @en: the namespace
 * @policy: the policy
 * @want: which SA: the transform, with its addresses in either mode
 * @flow: the packet's flow
 * @packet: the packet; NULL where it leaves without
 *
 * Nothing is asked where no keyer has registered: with keys set by hand a missing
 * SA is missing.
 *
 * Context: BH off, RCU read side.
 * Return: Whether the packet waits, and is the caller's no more.
 */
bool espl_acquire(struct espl_net *en, const struct espl_policy *policy,
		  const struct espl_tmpl *want, const struct espl_flow *flow,
		  const struct espl_waiting *packet)
{
	struct espl_acquire *acquire;
	bool waits = false;

	if (!espl_pfkey_has_keyer(en, want->proto))
		return false;
	spin_lock(&en->hold_lock);
	acquire = find(en, policy->id, want);
	if (!acquire && !en->hold_closed)
		acquire = begin(en, policy->id, want, flow);
	if (acquire && packet)
		waits = hold(en, acquire, flow, packet);
	spin_unlock(&en->hold_lock);
	return waits;
}

/*
 * A question is over. With an answer its packets are released, else they are lost.
 * Called with the lock held.
 */
static void end(struct espl_net *en, struct espl_acquire *acquire, bool answered)
{
	bool idle = list_empty(&en->released);
	struct held *held, *next;

	list_for_each_entry_safe(held, next, &en->held, node) {
		if (held->acquire != acquire)
			continue;
		if (!answered) {
			lose(en, held, ESPL_OUT_NO_SA);
			continue;
		}
		held->acquire = NULL;
		list_move_tail(&held->node, &en->released);
	}
	/* Once: those who are to leave already do not wait for the next ones. */
	if (idle && !list_empty(&en->released))
		mod_delayed_work(espl_wq, &en->hold_work, PAUSE);
	list_del(&acquire->node);
	en->acquires_n--;
	kfree(acquire);
}

/*
 * End the questions that match, and their larval SAs. Holding espl_net.lock.
 * Returns whether there was one.
 */
static bool end_those(struct espl_net *en,
		      bool (*match)(const struct espl_acquire *acquire,
				    const void *what),
		      const void *what, bool answered)
{
	struct espl_acquire *acquire, *next;
	struct espl_sa *larval;
	bool any = false;

again:
	spin_lock_bh(&en->hold_lock);
	list_for_each_entry_safe(acquire, next, &en->acquires, node) {
		if (!match(acquire, what))
			continue;
		any = true;
		larval = acquire->sa;
		end(en, acquire, answered);
		/* It may be what is about to go. */
		if (!larval || larval->stage == ESPL_GONE)
			continue;
		spin_unlock_bh(&en->hold_lock);
		espl_sad_del(larval);
		goto again;
	}
	spin_unlock_bh(&en->hold_lock);
	return any;
}

static bool is_answered(const struct espl_acquire *acquire, const void *sa)
{
	const struct espl_sa_conf *conf = &((const struct espl_sa *)sa)->conf;
	const struct espl_tmpl *want = &acquire->want;

	return conf->proto == want->proto && conf->mode == want->mode &&
	       conf->family == want->family &&
	       (!want->reqid || conf->reqid == want->reqid) &&
	       espl_addr_equal(&conf->saddr, &want->saddr, conf->family) &&
	       espl_addr_equal(&conf->daddr, &want->daddr, conf->family);
}

/**
 * espl_acquire_answered() - an SA has come that packets may use
 * @sa: the SA
 *
 * Context: Process, espl_net.lock held.
 */
void espl_acquire_answered(const struct espl_sa *sa)
{
	end_those(sa->en, is_answered, sa, true);
}

static bool has_larval(const struct espl_acquire *acquire, const void *larval)
{
	return acquire->sa == larval;
}

/**
 * espl_acquire_ended() - an SA leaves the SAD, and the question that it stood for
 * @sa: the SA, dead
 *
 * Context: Process, espl_net.lock held.
 */
void espl_acquire_ended(const struct espl_sa *sa)
{
	if (!sa->conf.spi)
		end_those(sa->en, has_larval, sa, false);
}

static bool has_seq(const struct espl_acquire *acquire, const void *seq)
{
	return acquire->seq == *(const u32 *)seq;
}

/**
 * espl_acquire_failed() - a keyer has found out that there will be no SA
 * @en: the namespace
 * @seq: the question's number
 *
 * The next packet asks again.
 *
 * Context: Process, espl_net.lock held.
 * Return: Whether there was such a question.
 */
bool espl_acquire_failed(struct espl_net *en, u32 seq)
{
	return end_those(en, has_seq, &seq, false);
}

static bool has_policy(const struct espl_acquire *acquire, const void *policy)
{
	return acquire->policy == *(const u32 *)policy;
}

/**
 * espl_acquire_forget() - a policy has gone, and what it wanted with it
 * @en: the namespace
 * @policy: its number
 *
 * Packets that wait for it are lost: they were to leave protected.
 *
 * Context: Process, espl_net.lock held.
 */
void espl_acquire_forget(struct espl_net *en, u32 policy)
{
	end_those(en, has_policy, &policy, false);
}

/* A larval SA without an SPI, for as long as the answer is waited for. */
static struct espl_sa *conceive(struct espl_net *en, const struct espl_tmpl *want)
{
	struct espl_sa_conf conf = {
		.saddr = want->saddr, .daddr = want->daddr, .family = want->family,
		.proto = want->proto, .mode = want->mode, .reqid = want->reqid,
		.state = SADB_SASTATE_LARVAL,
	};
	struct espl_sa *sa = espl_sa_alloc(en, &conf);
	int err;

	if (IS_ERR(sa))
		return NULL;
	err = espl_sad_add(sa);
	espl_sa_put(sa);	/* the SAD holds it, where it took it */
	return err ? NULL : sa;
}

static struct espl_acquire *unasked(struct espl_net *en)
{
	struct espl_acquire *acquire;

	list_for_each_entry(acquire, &en->acquires, node)
		if (!acquire->sa)
			return acquire;
	return NULL;
}

/*
 * The work: ask the keyers what has not been asked. Only holders of the mutex end
 * questions, so one stays while it is looked at.
 */
static void ask(struct work_struct *work)
{
	struct espl_net *en = container_of(work, struct espl_net, acquire_work);
	const struct espl_policy *policy;
	struct espl_acquire *acquire;
	struct espl_sa *sa;

	mutex_lock(&en->lock);
	for (;;) {
		spin_lock_bh(&en->hold_lock);
		acquire = unasked(en);
		spin_unlock_bh(&en->hold_lock);
		if (!acquire)
			break;
		policy = espl_spd_lookup_id(en, acquire->policy);
		sa = policy ? conceive(en, &acquire->want) : NULL;
		if (sa) {
			acquire->sa = sa;
			/* What nobody has heard is no question: the next packet asks again. */
			if (!espl_pfkey_acquire(acquire, policy))
				espl_sad_del(sa);
			continue;
		}
		spin_lock_bh(&en->hold_lock);
		end(en, acquire, false);
		spin_unlock_bh(&en->hold_lock);
	}
	mutex_unlock(&en->lock);
}

static void send_released(struct espl_net *en)
{
	struct held *held;

	for (;;) {
		spin_lock_bh(&en->hold_lock);
		held = list_first_entry_or_null(&en->released, struct held, node);
		if (held) {
			list_del(&held->node);
			en->held_n--;
		}
		spin_unlock_bh(&en->hold_lock);
		if (!held)
			return;
		espl_tx_again(en, &held->packet, held->flow.family);
		kfree(held);
	}
}

/* The clock of packets that wait: release, or lose, and look at the next. */
static void look_after(struct work_struct *work)
{
	struct espl_net *en = container_of(to_delayed_work(work), struct espl_net,
					   hold_work);
	struct held *held, *next;

	send_released(en);
	spin_lock_bh(&en->hold_lock);
	list_for_each_entry_safe(held, next, &en->held, node) {
		if (time_after(held->until, jiffies)) {
			queue_delayed_work(espl_wq, &en->hold_work,
					   held->until - jiffies);
			break;
		}
		lose(en, held, ESPL_OUT_HOLD_LATE);
	}
	spin_unlock_bh(&en->hold_lock);
}

/**
 * espl_acquire_init() - nothing is asked for yet
 * @en: the namespace
 *
 * Context: Process.
 */
void espl_acquire_init(struct espl_net *en)
{
	spin_lock_init(&en->hold_lock);
	INIT_LIST_HEAD(&en->acquires);
	INIT_LIST_HEAD(&en->held);
	INIT_LIST_HEAD(&en->released);
	INIT_WORK(&en->acquire_work, ask);
	INIT_DELAYED_WORK(&en->hold_work, look_after);
}

/**
 * espl_acquire_fini() - end all questions, and ask no more
 * @en: the namespace, its SPD empty, its SAD still there
 *
 * Context: Process, may sleep.
 */
void espl_acquire_fini(struct espl_net *en)
{
	struct held *held, *next;

	spin_lock_bh(&en->hold_lock);
	en->hold_closed = true;
	spin_unlock_bh(&en->hold_lock);
	/* There are no policies, so the work ends all that is left to ask. */
	queue_work(espl_wq, &en->acquire_work);
	flush_work(&en->acquire_work);
	cancel_delayed_work_sync(&en->hold_work);
	spin_lock_bh(&en->hold_lock);
	list_for_each_entry_safe(held, next, &en->released, node)
		lose(en, held, ESPL_OUT_NO_SA);
	spin_unlock_bh(&en->hold_lock);
}
