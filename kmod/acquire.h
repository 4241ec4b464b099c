/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * acquire.h - SAs that packets ask for, and the packets that wait for them
 */
#ifndef ESPL_ACQUIRE_H
#define ESPL_ACQUIRE_H

#include "sel.h"
#include "spd.h"

struct espl_sa;
struct net;
struct sk_buff;
struct sock;

/**
 * struct espl_acquire - an SA that was asked for
 * @node: in espl_net.acquires [H]
 * @policy: the number of the policy that wants it [I]
 * @seq: the number that the keyers' answers bear [I]
 * @want: the transform, with the addresses that the SA is to have [I]
 * @flow: the packet that it was first wanted for [I]
 * @sa: the larval SA that stands for it in dumps; not held, it ends first [M]
 */
struct espl_acquire {
	struct list_head node;
	u32 policy;
	u32 seq;
	struct espl_tmpl want;
	struct espl_flow flow;
	struct espl_sa *sa;
};

/**
 * struct espl_waiting - a packet that an SA is asked for, out of POST_ROUTING
 * @skb: the packet
 * @okfn: what is behind the hook
 */
struct espl_waiting {
	struct sk_buff *skb;
	int (*okfn)(struct net *net, struct sock *sk, struct sk_buff *skb);
};

void espl_acquire_init(struct espl_net *en);
void espl_acquire_fini(struct espl_net *en);

bool espl_acquire(struct espl_net *en, const struct espl_policy *policy,
		  const struct espl_tmpl *want, const struct espl_flow *flow,
		  const struct espl_waiting *packet);
void espl_acquire_answered(const struct espl_sa *sa);
void espl_acquire_ended(const struct espl_sa *sa);
bool espl_acquire_failed(struct espl_net *en, u32 seq);
void espl_acquire_forget(struct espl_net *en, u32 policy);

#endif
