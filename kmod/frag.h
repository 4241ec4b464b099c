/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * frag.h - fragments put together, and datagrams cut
 */
#ifndef ESPL_FRAG_H
#define ESPL_FRAG_H

#include "net.h"
#include "sel.h"

/*
 * Whose fragments: those of one user are never mixed with another's. What came
 * out of an SA has bit 31, and the SA's serial in it (rx.c).
 */
enum espl_frag_user {
	ESPL_FRAG_IN = 0x4553504c,	/* for this host */
	ESPL_FRAG_FORWARD,
	ESPL_FRAG_OUT,
};

int espl_frag_gather(struct net *net, struct sk_buff *skb, u8 family, u32 user);
unsigned int espl_frag_settle(struct espl_net *en, struct sk_buff *skb,
			      struct espl_flow *flow, unsigned int dirs,
			      u32 user);
struct sk_buff *espl_frag_cut(struct net *net, struct sk_buff *skb, u8 family,
			      unsigned int mtu);

#endif
