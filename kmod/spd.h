/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * spd.h - the security policy database (RFC 4301 section 4.4.1)
 */
#ifndef ESPL_SPD_H
#define ESPL_SPD_H

#include "../uapi/linux/pfkeyv2.h"	/* first: the kernel's own has its guard */

#include <linux/ipsec.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/rhashtable.h>

#include "life.h"
#include "net.h"
#include "sel.h"

#define ESPL_DEPTH	4	/* transforms in one policy, at most */

/**
 * struct espl_tmpl - one transform that a policy asks for
 * @saddr: tunnel source; zero in transport mode
 * @daddr: tunnel destination; zero in transport mode
 * @family: of the tunnel's addresses; 0 in transport mode
 * @proto: IPPROTO_ESP or IPPROTO_AH
 * @mode: IPSEC_MODE_TRANSPORT or IPSEC_MODE_TUNNEL
 * @level: IPSEC_LEVEL_*, as given; only USE lets clear packets pass
 * @reqid: 0 for any SA, else just SAs with this reqid
 */
struct espl_tmpl {
	union nf_inet_addr saddr;
	union nf_inet_addr daddr;
	u8 family;
	u8 proto;
	u8 mode;
	u8 level;
	u32 reqid;
};

/**
 * struct espl_policy_place - where packets find a policy
 * @node: in espl_net.policy_places [R]
 * @shape: of the flows that find it here (spd_index.c); NULL while in no table [I]
 */
struct espl_policy_place {
	struct rhlist_head node;
	struct espl_shape *shape;
};

/**
 * struct espl_policy - a policy
 * @node: in espl_net.policies, by @rank [M]
 * @place: for all flows; for those with hidden ports, where it asks for some [R]
 * @by_id: in espl_net.policy_by_id [M]
 * @rank: its place in the order, the first is the lowest: priority, then age [I]
 * @sel: the traffic it is about [I]
 * @dir: enum espl_dir [I]
 * @action: IPSEC_POLICY_DISCARD, IPSEC_POLICY_NONE (bypass) or
 *	    IPSEC_POLICY_IPSEC [I]
 * @priority: lower is matched earlier; 0 is first [I]
 * @id: its number, @dir in the last three bits as setkey expects [I]
 * @tmpls: number of transforms, 0 unless IPSEC_POLICY_IPSEC [I]
 * @tmpl: innermost first [I]
 * @hard: how long it lives: addtime from birth, usetime unused, in seconds [I]
 * @created: espl_now() of birth [I]
 * @last_used: espl_now() of the latest match, 0 before the first
 * @life: ends it, where it has a lifetime (life.c)
 * @en: the namespace, once it is in the SPD [I]
 * @born: the generation it holds from, 0 where it did not come by a transaction [R]
 * @gone: the generation it does not hold from, 0 for never [R]
 * @staged: the one before it that comes or goes with the transaction [M]
 * @dead: it has left the SPD [M]
 * @holds: the module, which is not to go before it [M]
 * @refs: holders; the SPD is one
 * @rcu: frees
 */
struct espl_policy {
	struct rb_node node;
	struct espl_policy_place place[2];
	struct rhlist_head by_id;
	u64 rank;
	struct espl_sel sel;
	u8 dir;
	u8 action;
	u32 priority;
	u32 id;
	u8 tmpls;
	struct espl_tmpl tmpl[ESPL_DEPTH];
	struct espl_lifetime hard;
	time64_t created;
	time64_t last_used;
	struct delayed_work life;
	struct espl_net *en;
	unsigned long born;
	unsigned long gone;
	struct espl_policy *staged;
	bool dead;
	bool holds;
	refcount_t refs;
	struct rcu_head rcu;
};

/**
 * enum espl_verdict - what the SPD says of a flow
 */
enum espl_verdict {
	ESPL_NO_POLICY,		/* nothing covers it */
	ESPL_BYPASS,
	ESPL_DISCARD,
	ESPL_PROTECT,
	ESPL_UNCLEAR,		/* hidden ports would decide: fail closed */
};

void espl_spd_init(struct espl_net *en);
void espl_spd_fini(struct espl_net *en);

struct espl_policy *espl_policy_alloc(void);
struct espl_policy *espl_policy_get(struct espl_policy *policy);
void espl_policy_put(struct espl_policy *policy);

int espl_spd_add(struct espl_net *en, struct espl_policy *policy, bool replace);
void espl_spd_del(struct espl_net *en, struct espl_policy *policy);
void espl_spd_flush(struct espl_net *en);
void espl_spd_commit(struct espl_net *en);
void espl_spd_abort(struct espl_net *en);

struct espl_policy *espl_spd_first(struct espl_net *en, enum espl_dir dir);
struct espl_policy *espl_spd_next(struct espl_policy *policy);
struct espl_policy *espl_spd_lookup_id(struct espl_net *en, u32 id);
struct espl_policy *espl_spd_lookup_sel(struct espl_net *en, enum espl_dir dir,
					const struct espl_sel *sel);
enum espl_verdict espl_spd_lookup(struct espl_net *en, enum espl_dir dir,
				  const struct espl_flow *flow);

#endif
