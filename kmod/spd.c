// SPDX-License-Identifier: GPL-2.0-only
/*
 * spd.c - the security policy database (RFC 4301 section 4.4.1)
 *
 * Owns policies and their order: priority first, then age. The PF_KEY room
 * changes it, tx.c and check.c ask it.
 *
 * In a transaction (espl_net.staging) all is in the lists at once, and holds from the
 * next generation on, or up to there. Then the generation's number changes.
 */
#include <linux/module.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#include "acquire.h"
#include "ct.h"
#include "life.h"
#include "spd.h"

static bool fail_closed;
module_param(fail_closed, bool, 0644);
MODULE_PARM_DESC(fail_closed,
		 "refuse to be unloaded while there are policies that protect or discard (default off)");

/**
 * espl_policy_alloc() - an empty policy, in no table yet
 *
 * Context: Process, may sleep.
 * Return: The policy with one reference for the caller, or NULL.
 */
struct espl_policy *espl_policy_alloc(void)
{
	struct espl_policy *policy = kzalloc(sizeof(*policy), GFP_KERNEL);

	if (!policy)
		return NULL;
	policy->created = espl_now();
	espl_life_init_policy(policy);
	refcount_set(&policy->refs, 1);
	return policy;
}

/**
 * espl_policy_get() - hold a policy
 * @policy: a policy that the caller holds, or has looked up under the mutex
 *
 * Context: Any.
 * Return: @policy.
 */
struct espl_policy *espl_policy_get(struct espl_policy *policy)
{
	refcount_inc(&policy->refs);
	return policy;
}

/**
 * espl_policy_put() - let go of a policy
 * @policy: the policy
 *
 * Context: Any.
 */
void espl_policy_put(struct espl_policy *policy)
{
	if (refcount_dec_and_test(&policy->refs))
		kfree_rcu(policy, rcu);
}

static void insert(struct list_head *list, struct espl_policy *policy)
{
	struct espl_policy *pos;

	list_for_each_entry(pos, list, node)
		if (pos->priority > policy->priority)
			break;
	list_add_tail_rcu(&policy->node, &pos->node);
}

/*
 * What lets nothing pass in clear holds the module, if the admin wants that: without
 * the module all would.
 */
static void hold_module(struct espl_policy *policy)
{
	policy->holds = READ_ONCE(fail_closed) && policy->action != IPSEC_POLICY_NONE;
	if (policy->holds)
		__module_get(THIS_MODULE);
}

static void take_out(struct espl_net *en, struct espl_policy *policy)
{
	list_del_rcu(&policy->node);
	if (policy->holds)
		module_put(THIS_MODULE);
	policy->dead = true;
	espl_life_stop_policy(policy);
	espl_hooks_put(en);
	espl_policy_put(policy);
}

/* It holds from now on. */
static void settle(struct espl_net *en, struct espl_policy *policy)
{
	espl_life_start_policy(policy);
	espl_ct_review(en, policy);
}

/* It holds no more, and nor does what it asked for. */
static void end(struct espl_net *en, struct espl_policy *policy)
{
	espl_policy_get(policy);
	take_out(en, policy);
	espl_acquire_forget(en, policy->id);
	espl_ct_review(en, policy);
	espl_policy_put(policy);
}

/* In a transaction: what came with it was never seen, all else goes in turn. */
static void retire(struct espl_net *en, struct espl_policy *policy)
{
	if (policy->born)
		take_out(en, policy);
	else
		WRITE_ONCE(policy->gone, en->generation + 1);
}

/**
 * espl_spd_add() - put a policy into the SPD
 * @en: the namespace
 * @policy: the policy; the SPD takes a reference of its own, and numbers it
 * @replace: whether it may replace the policy with its direction and selector;
 *	     the number stays then, and the place in the order where the priority
 *	     is the same
 *
 * Context: Process, espl_net.lock held.
 * Return: 0, -EEXIST where there is such a policy and @replace is false, or
 *	   -ENOMEM.
 */
int espl_spd_add(struct espl_net *en, struct espl_policy *policy, bool replace)
{
	struct espl_policy *old = espl_spd_lookup_sel(en, policy->dir, &policy->sel);
	struct list_head *list = &en->policies[policy->dir];
	int err;

	if (old && !replace)
		return -EEXIST;
	err = espl_hooks_get(en);
	if (err)
		return err;
	espl_policy_get(policy);
	hold_module(policy);
	policy->en = en;
	policy->id = old ? old->id : ++en->policy_serial * 8 + policy->dir;
	policy->born = en->staging ? en->generation + 1 : 0;
	/* The new one first: at no moment is there none. */
	if (old && old->priority == policy->priority)
		list_add_tail_rcu(&policy->node, &old->node);
	else
		insert(list, policy);
	if (en->staging) {
		if (old)
			retire(en, old);
		return 0;
	}
	if (old)
		take_out(en, old);
	settle(en, policy);
	return 0;
}

/**
 * espl_spd_del() - take a policy out of the SPD
 * @en: the namespace
 * @policy: a policy in the SPD
 *
 * Context: Process, espl_net.lock held.
 */
void espl_spd_del(struct espl_net *en, struct espl_policy *policy)
{
	if (en->staging)
		retire(en, policy);
	else
		end(en, policy);
}

/**
 * espl_spd_flush() - empty the SPD
 * @en: the namespace
 *
 * Context: Process, espl_net.lock held.
 */
void espl_spd_flush(struct espl_net *en)
{
	struct espl_policy *policy, *next;

	for (int dir = 0; dir < ESPL_DIRS; dir++) {
		list_for_each_entry_safe(policy, next, &en->policies[dir], node) {
			if (en->staging) {
				retire(en, policy);
				continue;
			}
			espl_acquire_forget(en, policy->id);
			take_out(en, policy);
		}
	}
}

/**
 * espl_spd_commit() - a transaction ends well: its policies hold
 * @en: the namespace, staging no more
 *
 * All at once: a packet is held against those of one generation.
 *
 * Context: Process, may sleep, espl_net.lock held.
 */
void espl_spd_commit(struct espl_net *en)
{
	struct espl_policy *policy, *next;

	/* Pairs with espl_spd_lookup(): who sees the number sees the policies. */
	smp_store_release(&en->generation, en->generation + 1);
	/* Who has seen the one before may be on its way through the old ones. */
	synchronize_rcu();
	for (int dir = 0; dir < ESPL_DIRS; dir++) {
		list_for_each_entry_safe(policy, next, &en->policies[dir], node) {
			if (policy->born) {
				WRITE_ONCE(policy->born, 0);
				settle(en, policy);
			} else if (policy->gone) {
				end(en, policy);
			}
		}
	}
}

/**
 * espl_spd_abort() - a transaction has failed: the SPD is as it was
 * @en: the namespace, staging no more
 *
 * Context: Process, espl_net.lock held.
 */
void espl_spd_abort(struct espl_net *en)
{
	struct espl_policy *policy, *next;

	for (int dir = 0; dir < ESPL_DIRS; dir++) {
		list_for_each_entry_safe(policy, next, &en->policies[dir], node) {
			if (policy->born)
				take_out(en, policy);
			else
				WRITE_ONCE(policy->gone, 0);
		}
	}
}

/**
 * espl_spd_lookup_id() - the policy with a number
 * @en: the namespace
 * @id: as espl_spd_add() gave it
 *
 * Context: Process, espl_net.lock held.
 * Return: The policy, lent, or NULL.
 */
struct espl_policy *espl_spd_lookup_id(struct espl_net *en, u32 id)
{
	struct espl_policy *policy;
	u32 dir = id % 8;

	if (dir >= ESPL_DIRS)
		return NULL;
	list_for_each_entry(policy, &en->policies[dir], node)
		if (policy->id == id && !policy->gone)
			return policy;
	return NULL;
}

/**
 * espl_spd_lookup_sel() - the policy with a selector
 * @en: the namespace
 * @dir: its direction
 * @sel: its selector
 *
 * Context: Process, espl_net.lock held.
 * Return: The policy, lent, or NULL.
 */
struct espl_policy *espl_spd_lookup_sel(struct espl_net *en, enum espl_dir dir,
					const struct espl_sel *sel)
{
	struct espl_policy *policy;

	list_for_each_entry(policy, &en->policies[dir], node)
		if (!policy->gone && espl_sel_equal(&policy->sel, sel))
			return policy;
	return NULL;
}

static enum espl_verdict verdict_of(const struct espl_policy *policy)
{
	switch (policy->action) {
	case IPSEC_POLICY_IPSEC:
		return ESPL_PROTECT;
	case IPSEC_POLICY_NONE:
		return ESPL_BYPASS;
	default:
		return ESPL_DISCARD;
	}
}

static bool lets_clear(enum espl_verdict verdict)
{
	return verdict == ESPL_NO_POLICY || verdict == ESPL_BYPASS;
}

static bool holds(const struct espl_policy *policy, unsigned long generation)
{
	unsigned long gone = READ_ONCE(policy->gone);

	return generation >= READ_ONCE(policy->born) &&
	       (!gone || generation < gone);
}

/**
 * espl_spd_lookup() - what the SPD says of a flow
 * @en: the namespace
 * @dir: which way the flow goes
 * @flow: the flow
 * @policy: set to the first policy that covers it, lent, where there is one
 *
 * Where hidden ports decide between clear and not clear, or between two ways
 * to protect, the answer is ESPL_UNCLEAR.
 *
 * Context: RCU read side.
 * Return: The verdict.
 */
enum espl_verdict espl_spd_lookup(struct espl_net *en, enum espl_dir dir,
				  const struct espl_flow *flow,
				  struct espl_policy **policy)
{
	/* Pairs with espl_spd_commit(). */
	unsigned long generation = smp_load_acquire(&en->generation);
	enum espl_verdict verdict = ESPL_NO_POLICY;
	bool maybe_clear = false, maybe_not = false;
	struct espl_policy *pos;

	*policy = NULL;
	list_for_each_entry_rcu(pos, &en->policies[dir], node) {
		enum espl_match match = espl_sel_match(&pos->sel, flow);

		if (match == ESPL_MISS || !holds(pos, generation))
			continue;
		if (match == ESPL_HIT) {
			*policy = pos;
			verdict = verdict_of(pos);
			break;
		}
		if (lets_clear(verdict_of(pos)))
			maybe_clear = true;
		else
			maybe_not = true;
	}
	if (maybe_not || (maybe_clear && !lets_clear(verdict)))
		return ESPL_UNCLEAR;
	if (*policy && READ_ONCE((*policy)->last_used) != espl_now())
		WRITE_ONCE((*policy)->last_used, espl_now());
	return verdict;
}

/**
 * espl_spd_init() - an empty SPD
 * @en: the namespace
 *
 * Context: Process.
 */
void espl_spd_init(struct espl_net *en)
{
	en->generation = 1;
	for (int dir = 0; dir < ESPL_DIRS; dir++)
		INIT_LIST_HEAD(&en->policies[dir]);
}

/**
 * espl_spd_fini() - empty the SPD for good
 * @en: the namespace
 *
 * Context: Process.
 */
void espl_spd_fini(struct espl_net *en)
{
	mutex_lock(&en->lock);
	espl_spd_flush(en);
	mutex_unlock(&en->lock);
	/* A clock that has just struck is about to look at the namespace. */
	flush_workqueue(espl_wq);
}
