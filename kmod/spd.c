// SPDX-License-Identifier: GPL-2.0-only
/*
 * spd.c - the security policy database (RFC 4301 section 4.4.1)
 *
 * Owns policies and their order: priority first, then age. The PF_KEY room
 * changes it; spd_index.c has them in tables, where packets find them.
 *
 * In a transaction (espl_net.staging) all is in the tables at once, and holds from the
 * next generation on, or up to there. Then the generation's number changes.
 */
#include <linux/module.h>
#include <linux/rbtree.h>
#include <linux/slab.h>

#include "acquire.h"
#include "ct.h"
#include "life.h"
#include "spd_index.h"

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

static bool precedes(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct espl_policy, node)->rank <
	       rb_entry(b, struct espl_policy, node)->rank;
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
	rb_erase(&policy->node, &en->policies[policy->dir]);
	espl_index_del(en, policy);
	espl_index_changed(en);
	if (policy->holds)
		module_put(THIS_MODULE);
	policy->dead = true;
	espl_life_stop_policy(policy);
	espl_hooks_put(en);
	espl_policy_put(policy);
}

/* It holds no more, and nor does what it asked for. */
static void end(struct espl_net *en, struct espl_policy *policy)
{
	espl_acquire_forget(en, policy->id);
	take_out(en, policy);
}

/* Did it come with the transaction, which has not ended. */
static bool is_coming(const struct espl_net *en, const struct espl_policy *policy)
{
	return policy->born > en->generation;
}

/* It is to be looked at when the transaction ends, well or not. */
static void stage(struct espl_net *en, struct espl_policy *policy)
{
	espl_policy_get(policy);
	policy->staged = en->staged;
	en->staged = policy;
}

/* In a transaction: what came with it was never seen, all else goes when that ends. */
static void retire(struct espl_net *en, struct espl_policy *policy)
{
	if (is_coming(en, policy)) {
		take_out(en, policy);
	} else if (!policy->gone) {
		stage(en, policy);
		WRITE_ONCE(policy->gone, en->generation + 1);
	}
}

/* The latest of what the transaction has brought, which the caller puts; or NULL. */
static struct espl_policy *unstage(struct espl_net *en)
{
	struct espl_policy *policy = en->staged;

	if (policy)
		en->staged = policy->staged;
	return policy;
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
	int err;

	if (old && !replace)
		return -EEXIST;
	err = espl_hooks_get(en);
	if (err)
		return err;
	policy->id = old ? old->id : (en->policy_serial + 1) * 8 + policy->dir;
	policy->rank = old && old->priority == policy->priority ? old->rank :
		       (u64)policy->priority << 32 | ++en->policy_age;
	/* In all tables before it holds. The new one first: at no moment is there none. */
	policy->born = en->generation + 1;
	err = espl_index_add(en, policy);
	if (err) {
		espl_hooks_put(en);
		return err;
	}
	espl_policy_get(policy);
	hold_module(policy);
	policy->en = en;
	rb_add(&policy->node, &en->policies[policy->dir], precedes);
	if (!old)
		en->policy_serial++;
	if (en->staging) {
		stage(en, policy);
		if (old)
			retire(en, old);
		return 0;
	}
	WRITE_ONCE(policy->born, 0);
	espl_index_changed(en);
	if (old)
		take_out(en, old);
	espl_life_start_policy(policy);
	/* One that lets pass in clear, and takes nobody's place, asks for no flow. */
	if (old || policy->action != IPSEC_POLICY_NONE)
		espl_ct_review(en, policy);
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
	if (en->staging) {
		retire(en, policy);
		return;
	}
	espl_policy_get(policy);
	end(en, policy);
	/* What any other asked for is kept out of flowtables already, and stays so. */
	if (policy->action == IPSEC_POLICY_NONE)
		espl_ct_review(en, policy);
	espl_policy_put(policy);
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
		for (policy = espl_spd_first(en, dir); policy; policy = next) {
			next = espl_spd_next(policy);
			if (en->staging)
				retire(en, policy);
			else
				end(en, policy);
			cond_resched();
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
	struct espl_policy *policy;
	bool some_go = false;

	/* Pairs with spd_index.c's find(): who sees the number sees the policies. */
	smp_store_release(&en->generation, en->generation + 1);
	espl_index_changed(en);
	for (policy = en->staged; policy; policy = policy->staged)
		some_go |= policy->gone;
	/* Who has seen the number before may be on its way to one of those. */
	if (some_go)
		synchronize_rcu();
	while ((policy = unstage(en))) {
		if (policy->gone)
			end(en, policy);
		else if (!policy->dead)
			espl_life_start_policy(policy);
		espl_policy_put(policy);
		cond_resched();
	}
	espl_ct_review(en, NULL);
}

/**
 * espl_spd_abort() - a transaction has failed: the SPD is as it was
 * @en: the namespace, staging no more
 *
 * Context: Process, espl_net.lock held.
 */
void espl_spd_abort(struct espl_net *en)
{
	struct espl_policy *policy;

	while ((policy = unstage(en))) {
		if (policy->gone)
			WRITE_ONCE(policy->gone, 0);
		else if (!policy->dead)
			take_out(en, policy);
		espl_policy_put(policy);
		cond_resched();
	}
}

/**
 * espl_spd_first() - the policy that is matched first
 * @en: the namespace
 * @dir: of this direction
 *
 * Context: Process, espl_net.lock held.
 * Return: The policy, lent, or NULL.
 */
struct espl_policy *espl_spd_first(struct espl_net *en, enum espl_dir dir)
{
	return rb_entry_safe(rb_first(&en->policies[dir]), struct espl_policy, node);
}

/**
 * espl_spd_next() - the policy that is matched next
 * @policy: a policy in the SPD
 *
 * Context: Process, espl_net.lock held.
 * Return: The policy, lent, or NULL.
 */
struct espl_policy *espl_spd_next(struct espl_policy *policy)
{
	return rb_entry_safe(rb_next(&policy->node), struct espl_policy, node);
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
	espl_ct_init(en);
	for (int dir = 0; dir < ESPL_DIRS; dir++)
		en->policies[dir] = RB_ROOT;
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
	espl_ct_fini(en);
	/* A clock that has just struck is about to look at the namespace. */
	flush_workqueue(espl_wq);
}
