/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rx.h - input, as check.c hands packets to it
 */
#ifndef ESPL_RX_H
#define ESPL_RX_H

#include <linux/skbuff.h>

struct espl_net;
struct espl_upper;
struct espl_way;
struct rtable;

void espl_rx_deliver(struct sk_buff *skb, struct rtable *rt);
bool espl_rx(struct espl_net *en, struct sk_buff *skb, u8 family,
	     const struct espl_upper *upper, u8 encap, struct espl_way *way);

#endif
