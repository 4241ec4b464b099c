/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pmtu.h - how big a packet may be so that it still fits once protected
 */
#ifndef ESPL_PMTU_H
#define ESPL_PMTU_H

#include <linux/skbuff.h>

struct espl_sa;

/**
 * struct espl_fit - which sizes fit, in octets of the packet before protection
 * @mtu: protected, it fits the path, or is IPv6 that may not be told so little
 * @uncut: protected, it fits the path
 * @most: protected, it is an IP packet at all
 * @whole: up to here it goes as one
 * @piece: what is longer is cut into such pieces first
 * @loose: what does not fit the path is cut outside, whatever its sender says
 * @same_path: the protected packet goes to the packet's own destination. What
 *	       the route then knows is the outer MTU, and to write the inner one
 *	       there would shrink it again with every packet.
 */
struct espl_fit {
	unsigned int mtu;
	unsigned int uncut;
	unsigned int most;
	unsigned int whole;
	unsigned int piece;
	bool loose;
	bool same_path;
};

void espl_pmtu_measure(struct sk_buff *skb, u8 family,
		       struct espl_sa *const *sa, unsigned int n,
		       unsigned int mtu, struct espl_fit *fit);
bool espl_pmtu_fit(struct sk_buff *skb, u8 family, const struct espl_fit *fit,
		   struct sock *by);

#endif
