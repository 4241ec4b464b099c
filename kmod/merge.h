/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * merge.h - TCP segments that came out of an SA, put together
 */
#ifndef ESPL_MERGE_H
#define ESPL_MERGE_H

#include "cb.h"
#include "flow.h"

bool espl_merge_next(struct sk_buff *skb);
bool espl_merge_first(struct sk_buff *skb, const struct espl_upper *upper,
		      unsigned long version, bool local);
int espl_merge_init(void);
void espl_merge_fini(void);

/* Is a packet of TCP, right behind its IP header. */
static inline bool espl_merge_is_tcp(const struct sk_buff *skb, u8 family)
{
	return family == AF_INET ? ip_hdr(skb)->protocol == IPPROTO_TCP :
				   ipv6_hdr(skb)->nexthdr == IPPROTO_TCP;
}

#endif
