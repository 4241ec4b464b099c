/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * way.h - the routes that IPv4 packets to this host took
 */
#ifndef ESPL_WAY_H
#define ESPL_WAY_H

#include <linux/skbuff.h>
#include <net/route.h>

struct rtable *espl_way_find(const struct net *net, const struct sk_buff *skb);
void espl_way_note(const struct net *net, const struct sk_buff *skb);
int espl_way_init(void);
void espl_way_fini(void);

#endif
