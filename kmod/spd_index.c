// SPDX-License-Identifier: GPL-2.0-only
/*
 * spd_index.c - finding policies among many: by number, by selector, by flow
 *
 * Owns the tables of policies. spd.c adds to them and takes out, tx.c and check.c ask
 * for a packet's policy.
 *
 * A shape is what a policy asks for, without the values: two prefix lengths, and which of
 * protocol and ports it names. Policies are in a hash table, under their shape and these
 * values; only those that differ in ranges of ports are in one chain. How many shapes there
 * are, and not how many policies, is how often a packet looks there: once for each.
 *
 * A packet whose ports are hidden has to meet all policies for its addresses. So those that
 * name a protocol or a port are in the table once more, by their prefixes alone, in a shape
 * for such packets.
 *
 * What was found is kept for the flow's next packet, on each CPU, until the SPD changes.
 */
#include <linux/atomic.h>
#include <linux/hash.h>
#include <linux/jhash.h>
#include <linux/jiffies.h>
#include <linux/percpu.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#include "spd_index.h"

static const struct rhashtable_params by_id = {
	.key_len = sizeof(u32),
	.key_offset = offsetof(struct espl_policy, id),
	.head_offset = offsetof(struct espl_policy, by_id),
	.automatic_shrinking = true,
};

#define NAMES_PROTO	BIT(0)
#define NAMES_SPORT	BIT(1)	/* one port, or type: a range counts as any here */
#define NAMES_DPORT	BIT(2)
#define NAMES_HIDDEN	BIT(3)	/* some of these, for flows with hidden ports; alone */

/* Words of a flow that policies ask for: addresses, ports, protocol. */
#define FLOW_WORDS	(offsetof(struct espl_flow, fragment) / sizeof(u32))

/**
 * struct espl_shape - what policies ask for, without the values
 * @node: in espl_net.shapes [R]
 * @family: of both prefixes [I]
 * @splen: of the source, in bits [I]
 * @dplen: of the destination [I]
 * @names: NAMES_* [I]
 * @words: how many words of a flow have to be the policy's, or parts of them [I]
 * @word: which [I]
 * @mask: and which bits of each [I]
 * @users: policies of this shape [M]
 * @rcu: frees
 */
struct espl_shape {
	struct list_head node;
	u8 family;
	u8 splen;
	u8 dplen;
	u8 names;
	u8 words;
	u8 word[FLOW_WORDS];
	u32 mask[FLOW_WORDS];
	unsigned int users;
	struct rcu_head rcu;
};

/* What a shape leaves of a flow, without holes. */
struct place_key {
	const struct espl_shape *shape;
	u32 flow[FLOW_WORDS];
};

/**
 * struct cached - what was found for a flow
 * @flow: the flow
 * @dir: which way
 * @verdict: enum espl_verdict
 * @version: espl_net.spd_version of then; while that has not changed, @policy lives
 * @policy: which decided
 * @touched: when @policy was said to be used, in jiffies
 */
struct cached {
	struct espl_flow flow;
	u8 dir;
	u8 verdict;
	unsigned long version;
	struct espl_policy *policy;
	unsigned long touched;
};

#define CACHED_FLOWS_LOG	8	/* 256 on each CPU, 20 KB, and 20 KB */

struct cache {
	struct cached flow[1 << CACHED_FLOWS_LOG];
};

/* What those who asked have made of it; apart, for 32 KB is what a CPU can be given. */
struct plans {
	struct espl_plan plan[1 << CACHED_FLOWS_LOG];
};

static struct cache __percpu *cache;
static struct plans __percpu *plans;

/* Of all namespaces, so that one's number is never another's. */
static atomic_long_t versions;

static struct place_key flow_key(const struct espl_shape *shape, const struct espl_flow *flow)
{
	struct place_key key = { .shape = shape };

	for (unsigned int i = 0; i < shape->words; i++)
		key.flow[i] = ((const u32 *)flow)[shape->word[i]] & shape->mask[i];
	return key;
}

/* A policy has the key of all flows that it covers: of this, for one. */
static struct place_key sel_key(const struct espl_shape *shape, const struct espl_sel *sel)
{
	const struct espl_flow flow = {
		.saddr = sel->saddr, .daddr = sel->daddr, .proto = sel->proto,
		.sport = htons(sel->sport.first), .dport = htons(sel->dport.first),
	};

	return flow_key(shape, &flow);
}

static struct espl_policy *policy_of(const struct espl_policy_place *place)
{
	bool hidden = place->shape->names == NAMES_HIDDEN;

	return container_of(place, struct espl_policy, place[hidden]);
}

static struct place_key own_key(const struct espl_policy_place *place)
{
	return sel_key(place->shape, &policy_of(place)->sel);
}

static u32 hash_key(const void *object, u32 len, u32 seed)
{
	const struct place_key *key = object;

	len -= (FLOW_WORDS - key->shape->words) * sizeof(u32);
	return jhash2(object, len / sizeof(u32), seed);
}

static u32 hash_place(const void *place, u32 len, u32 seed)
{
	const struct place_key key = own_key(place);

	return hash_key(&key, len, seed);
}

static int differs(struct rhashtable_compare_arg *arg, const void *object)
{
	const struct espl_policy_place *place = object;
	const struct place_key *key = arg->key;
	struct place_key own;

	if (place->shape != key->shape)
		return 1;
	own = own_key(place);
	return memcmp(&own, key, sizeof(own));
}

static const struct rhashtable_params places = {
	.key_len = sizeof(struct place_key),
	.head_offset = offsetof(struct espl_policy_place, node),
	.hashfn = hash_key,
	.obj_hashfn = hash_place,
	.obj_cmpfn = differs,
	.automatic_shrinking = true,
};

static u8 names_of(const struct espl_sel *sel)
{
	return (sel->proto ? NAMES_PROTO : 0) |
	       (sel->sport.first == sel->sport.last ? NAMES_SPORT : 0) |
	       (sel->dport.first == sel->dport.last ? NAMES_DPORT : 0);
}

static struct espl_shape *find_shape(struct espl_net *en, enum espl_dir dir,
				     const struct espl_sel *sel, u8 names)
{
	struct espl_shape *shape;

	list_for_each_entry(shape, &en->shapes[dir], node)
		if (shape->family == sel->family && shape->splen == sel->splen &&
		    shape->dplen == sel->dplen && shape->names == names)
			return shape;
	return NULL;
}

static struct espl_shape *make_shape(const struct espl_sel *sel, u8 names)
{
	struct espl_shape *shape = kzalloc(sizeof(*shape), GFP_KERNEL);
	struct espl_flow mask = {
		.sport = names & NAMES_SPORT ? htons(0xffff) : 0,
		.dport = names & NAMES_DPORT ? htons(0xffff) : 0,
		.proto = names & NAMES_PROTO ? 0xff : 0,
	};

	if (!shape)
		return NULL;
	shape->family = sel->family;
	shape->splen = sel->splen;
	shape->dplen = sel->dplen;
	shape->names = names;
	memset(&mask.saddr, 0xff, sizeof(mask.saddr));
	memset(&mask.daddr, 0xff, sizeof(mask.daddr));
	espl_addr_mask(&mask.saddr, sel->splen);
	espl_addr_mask(&mask.daddr, sel->dplen);
	for (unsigned int i = 0; i < FLOW_WORDS; i++) {
		u32 bits = ((const u32 *)&mask)[i];

		if (!bits)
			continue;
		shape->word[shape->words] = i;
		shape->mask[shape->words++] = bits;
	}
	return shape;
}

static void drop_shape(struct espl_shape *shape)
{
	if (--shape->users)
		return;
	list_del_rcu(&shape->node);
	kfree_rcu(shape, rcu);
}

static int take(struct espl_net *en, struct espl_policy *policy, u8 names)
{
	struct espl_policy_place *place = &policy->place[names == NAMES_HIDDEN];
	struct espl_shape *shape = find_shape(en, policy->dir, &policy->sel, names);
	struct place_key key;

	if (!shape) {
		shape = make_shape(&policy->sel, names);
		if (!shape)
			return -ENOMEM;
		list_add_tail_rcu(&shape->node, &en->shapes[policy->dir]);
	}
	shape->users++;
	place->shape = shape;
	key = own_key(place);
	if (!rhltable_insert_key(&en->policy_places, &key, &place->node, places))
		return 0;
	place->shape = NULL;
	drop_shape(shape);
	return -ENOMEM;
}

static void leave(struct espl_net *en, struct espl_policy_place *place)
{
	if (!place->shape)
		return;
	rhltable_remove(&en->policy_places, &place->node, places);
	drop_shape(place->shape);
}

/**
 * espl_index_add() - let a policy be found
 * @en: the namespace
 * @policy: the policy, complete; to hold (@born) no sooner than after this
 *
 * Context: Process, espl_net.lock held.
 * Return: 0 or -ENOMEM.
 */
int espl_index_add(struct espl_net *en, struct espl_policy *policy)
{
	u8 names = names_of(&policy->sel);

	if (rhltable_insert(&en->policy_by_id, &policy->by_id, by_id))
		return -ENOMEM;
	if (!take(en, policy, names) && (!names || !take(en, policy, NAMES_HIDDEN)))
		return 0;
	espl_index_del(en, policy);
	return -ENOMEM;
}

/**
 * espl_index_del() - let a policy be found no more
 * @en: the namespace
 * @policy: the policy; freed after espl_index_changed() and a grace period
 *
 * Context: Process, espl_net.lock held.
 */
void espl_index_del(struct espl_net *en, struct espl_policy *policy)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(policy->place); i++)
		leave(en, &policy->place[i]);
	rhltable_remove(&en->policy_by_id, &policy->by_id, by_id);
}

/**
 * espl_index_changed() - other policies hold from now on: forget what was found
 * @en: the namespace
 *
 * Context: Process, espl_net.lock held.
 */
void espl_index_changed(struct espl_net *en)
{
	/* Pairs with recall(): who sees the number sees the change. */
	smp_store_release(&en->spd_version, atomic_long_inc_return(&versions));
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
	struct espl_policy *policy, *found = NULL;
	struct rhlist_head *list, *pos;

	rcu_read_lock();
	list = rhltable_lookup(&en->policy_by_id, &id, by_id);
	rhl_for_each_entry_rcu(policy, pos, list, by_id)
		if (!policy->gone)
			found = policy;
	rcu_read_unlock();
	return found;
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
	const struct espl_shape *shape = find_shape(en, dir, sel, names_of(sel));
	struct espl_policy *found = NULL;
	struct espl_policy_place *place;
	struct rhlist_head *list, *pos;
	struct place_key key;

	if (!shape)
		return NULL;
	key = sel_key(shape, sel);
	rcu_read_lock();
	list = rhltable_lookup(&en->policy_places, &key, places);
	rhl_for_each_entry_rcu(place, pos, list, node)
		if (!policy_of(place)->gone && espl_sel_equal(&policy_of(place)->sel, sel))
			found = policy_of(place);
	rcu_read_unlock();
	return found;
}

/**
 * struct search - a flow on its way through the policies that may cover it
 * @flow: the flow
 * @generation: the policies of which hold
 * @hit: the first that covers it, so far
 * @clear: the rank of the first that would let it pass in clear, if its ports are
 *	   what they may be; U64_MAX for none
 * @shut: the same of those that would not
 */
struct search {
	const struct espl_flow *flow;
	unsigned long generation;
	struct espl_policy *hit;
	u64 clear;
	u64 shut;
};

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

static void consider(struct search *search, struct espl_policy *policy)
{
	enum espl_match match = espl_sel_match(&policy->sel, search->flow);

	if (match == ESPL_MISS || !holds(policy, search->generation))
		return;
	if (match == ESPL_HIT) {
		if (!search->hit || policy->rank < search->hit->rank)
			search->hit = policy;
	} else if (lets_clear(verdict_of(policy))) {
		search->clear = min(search->clear, policy->rank);
	} else {
		search->shut = min(search->shut, policy->rank);
	}
}

static void search_shape(struct espl_net *en, const struct espl_shape *shape,
			 struct search *search)
{
	const struct place_key key = flow_key(shape, search->flow);
	struct espl_policy_place *place;
	struct rhlist_head *list, *pos;

	list = rhltable_lookup(&en->policy_places, &key, places);
	rhl_for_each_entry_rcu(place, pos, list, node)
		consider(search, policy_of(place));
}

/* For either kind of flow each policy is in one shape. */
static bool is_for(const struct espl_shape *shape, const struct espl_flow *flow)
{
	if (shape->family != flow->family)
		return false;
	if (flow->ports_known)
		return shape->names != NAMES_HIDDEN;
	return !shape->names || shape->names == NAMES_HIDDEN;
}

/* Where hidden ports decide it is only those of policies in front of the hit. */
static enum espl_verdict judge(const struct search *search)
{
	u64 rank = search->hit ? search->hit->rank : U64_MAX;
	enum espl_verdict verdict = search->hit ? verdict_of(search->hit) :
						  ESPL_NO_POLICY;

	if (search->shut < rank || (search->clear < rank && !lets_clear(verdict)))
		return ESPL_UNCLEAR;
	return verdict;
}

/* Not in line: 20 instructions less for those who need not search. */
static noinline enum espl_verdict find(struct espl_net *en, enum espl_dir dir,
				       const struct espl_flow *flow,
				       struct espl_policy **policy)
{
	struct search search = {
		.flow = flow, .clear = U64_MAX, .shut = U64_MAX,
		/* Pairs with espl_spd_commit(). */
		.generation = smp_load_acquire(&en->generation),
	};
	const struct espl_shape *shape;

	list_for_each_entry_rcu(shape, &en->shapes[dir], node)
		if (is_for(shape, flow))
			search_shape(en, shape, &search);
	*policy = search.hit;
	return judge(&search);
}

/* IPv4 has four words of a flow that are not zero: 80 instructions less than all. */
static bool is_short(const struct espl_flow *flow)
{
	return flow->family == AF_INET;
}

static u32 mix(u32 hash, u32 word)
{
	return (hash ^ word) * GOLDEN_RATIO_32;
}

/* Ports, and all that is behind them. */
static const u32 *rest(const struct espl_flow *flow)
{
	BUILD_BUG_ON(sizeof(*flow) - offsetof(struct espl_flow, sport) != 3 * sizeof(u32));
	return (const u32 *)&flow->sport;
}

/*
 * Good enough for a cache: who finds flows that share a place gains nothing by it. One
 * that is asked for in several directions, as forwarded ones are, has a place in each.
 */
static unsigned int slot(enum espl_dir dir, const struct espl_flow *flow)
{
	u32 hash = mix(rest(flow)[0], (__force u32)flow->saddr.ip);

	hash = mix(hash, (__force u32)flow->daddr.ip);
	for (unsigned int i = 1; i < 4 && !is_short(flow); i++) {
		hash = mix(hash, (__force u32)flow->saddr.ip6[i]);
		hash = mix(hash, (__force u32)flow->daddr.ip6[i]);
	}
	return hash >> (32 - CACHED_FLOWS_LOG) ^ dir;
}

/* memcmp() looks for the first difference; here there is none, most of the time. */
static bool same_flow(const struct espl_flow *a, const struct espl_flow *b)
{
	const u32 *x = rest(a), *y = rest(b);
	u32 differ = (x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) |
		     (__force u32)((a->saddr.ip ^ b->saddr.ip) |
				   (a->daddr.ip ^ b->daddr.ip));

	for (unsigned int i = 1; i < 4 && !is_short(a); i++)
		differ |= (__force u32)((a->saddr.ip6[i] ^ b->saddr.ip6[i]) |
					(a->daddr.ip6[i] ^ b->daddr.ip6[i]));
	return !differ;
}

/* What was found for a flow, now or before. */
static __always_inline struct cached *recall(struct espl_net *en, enum espl_dir dir,
					     const struct espl_flow *flow,
					     struct espl_plan **plan)
{
	/* Pairs with espl_index_changed(). Before the search, or it were too new. */
	unsigned long version = smp_load_acquire(&en->spd_version);
	unsigned int i = slot(dir, flow);
	struct cached *cached = &this_cpu_ptr(cache)->flow[i];

	*plan = &this_cpu_ptr(plans)->plan[i];
	if (cached->version != version || cached->dir != dir ||
	    !same_flow(&cached->flow, flow)) {
		cached->version = version;
		cached->dir = dir;
		cached->flow = *flow;
		(*plan)->sad_version = 0;
		cached->verdict = find(en, dir, flow, &cached->policy);
		cached->touched = jiffies - 1;
	}
	return cached;
}

/**
 * espl_index_lookup() - what the SPD says of a packet, and what was made of it
 * @en: the namespace
 * @dir: which way the packet goes
 * @flow: its flow
 * @policy: set to the first policy that covers it, lent, where there is one
 * @plan: set to what the caller has kept for the flow, or may keep: its own until the
 *	  next lookup on this CPU
 *
 * Where hidden ports decide between clear and not clear, or between two ways
 * to protect, the answer is ESPL_UNCLEAR. The policy has been used.
 *
 * Context: BH off, RCU read side.
 * Return: The verdict.
 */
enum espl_verdict espl_index_lookup(struct espl_net *en, enum espl_dir dir,
				    const struct espl_flow *flow,
				    struct espl_policy **policy,
				    struct espl_plan **plan)
{
	struct cached *cached = recall(en, dir, flow, plan);
	unsigned long jiffy = jiffies;

	*policy = cached->policy;
	if (*policy && cached->touched != jiffy) {
		cached->touched = jiffy;
		WRITE_ONCE((*policy)->last_used, espl_now());
	}
	return cached->verdict;
}

/**
 * espl_spd_lookup() - what the SPD would say of a flow
 * @en: the namespace
 * @dir: which way the flow goes
 * @flow: the flow
 *
 * For who has no packet of it: no policy is used by the question, or those of a peer
 * that is silent would seem to be.
 *
 * Context: BH off, RCU read side.
 * Return: The verdict.
 */
enum espl_verdict espl_spd_lookup(struct espl_net *en, enum espl_dir dir,
				  const struct espl_flow *flow)
{
	struct espl_plan *plan;

	return recall(en, dir, flow, &plan)->verdict;
}

/**
 * espl_index_init() - tables of a namespace, empty
 * @en: the namespace
 *
 * Context: Process.
 * Return: 0 or -ENOMEM.
 */
int espl_index_init(struct espl_net *en)
{
	int err;

	for (int dir = 0; dir < ESPL_DIRS; dir++)
		INIT_LIST_HEAD(&en->shapes[dir]);
	err = rhltable_init(&en->policy_places, &places);
	if (err)
		return err;
	err = rhltable_init(&en->policy_by_id, &by_id);
	if (err)
		rhltable_destroy(&en->policy_places);
	else
		espl_index_changed(en);
	return err;
}

/**
 * espl_index_fini() - undo that
 * @en: the namespace, its SPD empty
 *
 * Context: Process.
 */
void espl_index_fini(struct espl_net *en)
{
	rhltable_destroy(&en->policy_by_id);
	rhltable_destroy(&en->policy_places);
}

/**
 * espl_index_init_cache() - a memory for flows, of all namespaces
 *
 * Context: Process.
 * Return: 0 or -ENOMEM.
 */
int espl_index_init_cache(void)
{
	cache = alloc_percpu(struct cache);
	plans = alloc_percpu(struct plans);
	if (cache && plans)
		return 0;
	espl_index_fini_cache();
	return -ENOMEM;
}

/**
 * espl_index_fini_cache() - undo that
 *
 * Context: Process, no packet looks up any more.
 */
void espl_index_fini_cache(void)
{
	free_percpu(plans);
	free_percpu(cache);
}
