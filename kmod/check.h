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

#endif
