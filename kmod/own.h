/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * own.h - making a packet's bytes ours alone
 */
#ifndef ESPL_OWN_H
#define ESPL_OWN_H

#include <linux/skbuff.h>

struct sk_buff *espl_own(struct sk_buff *skb, unsigned int head,
			 unsigned int tail);
void espl_own_share(struct sk_buff *segs, struct sk_buff *skb);

/* Are a packet's bytes ours alone as they are. */
static inline bool espl_is_own(const struct sk_buff *skb)
{
	return !skb_cloned(skb) && !skb_is_nonlinear(skb);
}

#endif
