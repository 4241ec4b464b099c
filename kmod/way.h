/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * way.h - the routes that IPv4 packets to this host took
 */
#ifndef ESPL_WAY_H
#define ESPL_WAY_H

#include <linux/skbuff.h>
#include <net/route.h>

struct espl_sa;

/**
 * struct espl_way - a packet's route, and the SA by which such packets come
 * @net: the namespace
 * @ends: the packet's addresses
 * @iif: the device that it came in by
 * @mark: its mark
 * @start: how the packet's header begins: version, length, TOS
 * @rt: the route, held; NULL where there is none
 * @until: in jiffies
 * @sa: the SA of the latest packet of ESP, lent while the SAD is the same
 * @sad_version: espl_net.sad_version of when it was looked up; 0 where there is none
 */
struct espl_way {
	const struct net *net;
	u64 ends;
	int iif;
	u32 mark;
	u16 start;
	struct rtable *rt;
	unsigned long until;
	struct espl_sa *sa;
	unsigned long sad_version;
};

struct espl_way *espl_way_find(const struct net *net, const struct sk_buff *skb);
void espl_way_note(const struct net *net, const struct sk_buff *skb);
int espl_way_init(void);
void espl_way_fini(void);

#endif
