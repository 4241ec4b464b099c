/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * quote.h - the packet that an ICMP error quotes
 */
#ifndef ESPL_QUOTE_H
#define ESPL_QUOTE_H

#include "flow.h"

#define ESPL_ICMP_HEADER	8	/* octets, in both families */

bool espl_quote_is_error(const struct espl_flow *flow);
int espl_quote_begin(struct sk_buff *skb, u8 family, unsigned int offset);
bool espl_quote_read(struct sk_buff *skb, const struct espl_flow *flow,
		     struct espl_flow *about, union nf_inet_addr *hop);
bool espl_quote_flow(struct sk_buff *skb, const struct espl_flow *flow,
		     struct espl_flow *about);

#endif
