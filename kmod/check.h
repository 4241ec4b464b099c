/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check.h - the inbound policy check
 */
#ifndef ESPL_CHECK_H
#define ESPL_CHECK_H

#include <linux/netfilter.h>

#include "cb.h"

bool espl_check_chain(struct espl_net *en, struct sk_buff *skb,
		      struct espl_flow *flow, bool local, enum espl_stat *why);
unsigned int espl_check_early(void *priv, struct sk_buff *skb,
			      const struct nf_hook_state *state);
unsigned int espl_check_local(void *priv, struct sk_buff *skb,
			      const struct nf_hook_state *state);
unsigned int espl_check_forward(void *priv, struct sk_buff *skb,
				const struct nf_hook_state *state);

/**
 * espl_hooks_alone() - is nobody but us registered at a hook
 * @en: the namespace
 * @family: AF_INET or AF_INET6
 * @point: NF_INET_*
 *
 * Then no rule can see a packet there, change it or have a say.
 *
 * Context: RCU read side.
 * Return: Whether it is so.
 */
static inline bool espl_hooks_alone(const struct espl_net *en, u8 family,
				    unsigned int point)
{
	const struct nf_hook_entries *all = family == AF_INET ?
		rcu_dereference(en->net->nf.hooks_ipv4[point]) :
		rcu_dereference(en->net->nf.hooks_ipv6[point]);

	return !all || !all->num_hook_entries ||
	       (all->num_hook_entries == 1 && all->hooks[0].priv == en);
}

#endif
