/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * own.h - making a packet's bytes ours alone
 */
#ifndef ESPL_OWN_H
#define ESPL_OWN_H

#include <linux/skbuff.h>

struct sk_buff *espl_own_move(struct sk_buff *skb, unsigned int head,
			      unsigned int tail);
void espl_own_share(struct sk_buff *segs, struct sk_buff *skb);

/* Are a packet's bytes ours alone as they are. */
static inline bool espl_is_own(const struct sk_buff *skb)
{
	return !skb_cloned(skb) && !skb_is_nonlinear(skb);
}

/**
 * espl_own() - make a packet linear, not shared, with room around it
 * @skb: the packet; consumed where it had to be copied
 * @head: octets of headroom wanted
 * @tail: octets of tailroom wanted
 *
 * Context: BH off.
 * Return: The packet or a copy of it, or NULL without memory, and then @skb is
 *	   left as it was.
 */
static inline struct sk_buff *espl_own(struct sk_buff *skb, unsigned int head,
				       unsigned int tail)
{
	if (espl_is_own(skb) && skb_headroom(skb) >= head && skb_tailroom(skb) >= tail)
		return skb;
	return espl_own_move(skb, head, tail);
}

#endif
