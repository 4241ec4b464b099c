// SPDX-License-Identifier: GPL-2.0-only
/*
 * sad_pair.c - SAs by the addresses that they are between, to send by
 *
 * Owns the table of pairs. sad.c adds SAs and takes them out, tx.c looks up.
 *
 * Keyers that number their SAs (reqid) may have thousands between two gateways. So an
 * SA is in two lists, both with the newest in front: of all between two addresses, for
 * policies that ask for any, and of those with its number. Who looks up takes the first
 * that is usable; who deletes need not look for the one in front of it.
 */
#include <linux/rculist.h>
#include <linux/slab.h>

#include "net.h"
#include "sad.h"
#include "sad_pair.h"

/* Hashed as bytes, so without holes. */
struct pair_key {
	union nf_inet_addr saddr;
	union nf_inet_addr daddr;
	u8 family;
	u8 proto;
	u16 zero;
	u32 reqid;
};

/**
 * struct espl_pair - SAs between two addresses
 * @node: in espl_net.sa_by_pair [R]
 * @key: hash key; its reqid is 0 where it is of all SAs [I]
 * @places: of the SAs, the newest first; never empty [R]
 * @rcu: frees
 */
struct espl_pair {
	struct rhash_head node;
	struct pair_key key;
	struct list_head places;
	struct rcu_head rcu;
};

static const struct rhashtable_params pairs = {
	.key_len = sizeof(struct pair_key),
	.key_offset = offsetof(struct espl_pair, key),
	.head_offset = offsetof(struct espl_pair, node),
	.automatic_shrinking = true,
};

static struct espl_pair *make(struct espl_net *en, const struct pair_key *key)
{
	struct espl_pair *pair = kzalloc(sizeof(*pair), GFP_KERNEL);

	if (!pair)
		return NULL;
	pair->key = *key;
	INIT_LIST_HEAD(&pair->places);
	if (!rhashtable_insert_fast(&en->sa_by_pair, &pair->node, pairs))
		return pair;
	kfree(pair);
	return NULL;
}

static int take(struct espl_sa *sa, struct espl_sa_place *place, u32 reqid)
{
	const struct pair_key key = {
		.saddr = sa->conf.saddr, .daddr = sa->conf.daddr,
		.family = sa->conf.family, .proto = sa->conf.proto, .reqid = reqid,
	};
	struct espl_net *en = sa->en;
	struct espl_pair *pair = rhashtable_lookup_fast(&en->sa_by_pair, &key, pairs);

	pair = pair ?: make(en, &key);
	if (!pair)
		return -ENOMEM;
	place->sa = sa;
	place->pair = pair;
	list_add_rcu(&place->node, &pair->places);
	return 0;
}

static void leave(struct espl_net *en, struct espl_sa_place *place)
{
	struct espl_pair *pair = place->pair;

	if (!pair)
		return;
	list_del_rcu(&place->node);
	if (!list_empty(&pair->places))
		return;
	rhashtable_remove_fast(&en->sa_by_pair, &pair->node, pairs);
	kfree_rcu(pair, rcu);
}

/**
 * espl_pair_add() - let an SA be found to send by, once it is usable
 * @sa: the SA, newer than all that are there
 *
 * Context: Process, espl_net.lock held.
 * Return: 0 or -ENOMEM.
 */
int espl_pair_add(struct espl_sa *sa)
{
	int err = take(sa, &sa->of_pair, 0);

	if (err || !sa->conf.reqid)
		return err;
	err = take(sa, &sa->of_reqid, sa->conf.reqid);
	if (err)
		leave(sa->en, &sa->of_pair);
	return err;
}

/**
 * espl_pair_del() - let it be found no more
 * @sa: the SA, which stays for a grace period
 *
 * Context: Process, espl_net.lock held.
 */
void espl_pair_del(struct espl_sa *sa)
{
	leave(sa->en, &sa->of_reqid);
	leave(sa->en, &sa->of_pair);
}

/**
 * espl_sad_lookup_pair() - the SA to send by
 * @en: the namespace
 * @family: of the addresses
 * @proto: IPPROTO_ESP or IPPROTO_AH
 * @saddr: the SA's source
 * @daddr: the SA's destination
 * @mode: IPSEC_MODE_TRANSPORT or IPSEC_MODE_TUNNEL
 * @reqid: 0 for any
 *
 * Context: RCU read side.
 * Return: The newest usable SA, lent, or NULL.
 */
struct espl_sa *espl_sad_lookup_pair(struct espl_net *en, u8 family, u8 proto,
				     const union nf_inet_addr *saddr,
				     const union nf_inet_addr *daddr,
				     u8 mode, u32 reqid)
{
	const struct pair_key key = {
		.saddr = *saddr, .daddr = *daddr,
		.family = family, .proto = proto, .reqid = reqid,
	};
	const struct espl_pair *pair = rhashtable_lookup(&en->sa_by_pair, &key, pairs);
	const struct espl_sa_place *place;

	if (!pair)
		return NULL;
	list_for_each_entry_rcu(place, &pair->places, node)
		if (place->sa->conf.mode == mode && espl_sa_usable(place->sa))
			return place->sa;
	return NULL;
}

/**
 * espl_pair_init() - a table of pairs, empty
 * @en: the namespace
 *
 * Context: Process.
 * Return: 0 or -ENOMEM.
 */
int espl_pair_init(struct espl_net *en)
{
	return rhashtable_init(&en->sa_by_pair, &pairs);
}

/**
 * espl_pair_fini() - undo that
 * @en: the namespace, its SAD empty
 *
 * Context: Process.
 */
void espl_pair_fini(struct espl_net *en)
{
	rhashtable_destroy(&en->sa_by_pair);
}
