/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * icmp.h - ICMP errors: about ESP and AH of ours, and about what is inside
 */
#ifndef ESPL_ICMP_H
#define ESPL_ICMP_H

#include "flow.h"
#include "net.h"

struct espl_policy;

void espl_icmp_input(struct espl_net *en, struct sk_buff *skb, u8 family,
		     const struct espl_upper *upper);
void espl_icmp_source(struct espl_net *en, struct sk_buff *skb,
		      const struct espl_sel *sel);

#endif
