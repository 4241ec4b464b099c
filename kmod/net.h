/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * net.h - what one network namespace has of us
 *
 * main.c makes and unmakes it. Locks, once for all rooms; every field says by
 * letter what guards it:
 *
 *   [I] immutable after creation
 *   [M] espl_net.lock, the mutex of all writers
 *   [R] read under RCU, written under [M]
 *   [A] atomic
 *   [C] per CPU
 *   [L] espl_sa.lock, the replay lock, the only one in the packet path
 */
#ifndef ESPL_NET_H
#define ESPL_NET_H

#include <linux/completion.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/rhashtable.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <net/net_namespace.h>

#include "stat.h"

/* SPD directions, in Linux's PF_KEY numbering less one: policy ids end in it. */
enum espl_dir {
	ESPL_IN,
	ESPL_OUT,
	ESPL_FWD,
	ESPL_DIRS
};

/**
 * struct espl_net - one network namespace
 * @net: the namespace [I]
 * @lock: taken by everything that changes SAD or SPD, or walks them at leisure
 * @sa_by_spi: inbound lookup: (destination, protocol, SPI) to SA [R]
 * @sa_by_pair: outbound lookup: (source, destination, protocol) to SAs [R]
 * @sas: all SAs in order of birth [M]
 * @sa_refs: SAs in existence, also those waiting to be freed, and one for the
 *	     namespace itself [A]
 * @sa_gone: completed when @sa_refs falls to 0
 * @sa_serial: the serial of the newest SA [M]
 * @natt_ports: UDP ports that ESP comes in by, each with the number of its SAs [R]
 * @policies: per direction, by priority and then age [R]
 * @policy_serial: the serial of the newest policy [M]
 * @hook_users: SAs and policies there are; our netfilter hooks are registered
 *		while there is one [M]
 * @stats: counters [C]
 * @pfkey_socks: open PF_KEY sockets [R]
 */
struct espl_net {
	struct net *net;
	struct mutex lock;	/* of all writers */

	struct rhashtable sa_by_spi;
	struct rhltable sa_by_pair;
	struct list_head sas;
	refcount_t sa_refs;
	struct completion sa_gone;
	u64 sa_serial;
	struct xarray natt_ports;

	struct list_head policies[ESPL_DIRS];
	u32 policy_serial;

	unsigned int hook_users;
	struct espl_stats __percpu *stats;
	struct hlist_head pfkey_socks;
};

struct espl_net *espl_net(const struct net *net);
int espl_hooks_get(struct espl_net *en);
void espl_hooks_put(struct espl_net *en);

/* Process context work of all namespaces; made before them, destroyed after. */
extern struct workqueue_struct *espl_wq;

/*
 * Ages are kept in seconds since boot, so that a router whose clock is set
 * late does not expire its SAs; people are shown the wall clock.
 */
static inline time64_t espl_now(void)
{
	return ktime_get_boottime_seconds() + 1;	/* 0 stands for never */
}

static inline time64_t espl_wall_seconds(time64_t when)
{
	return when ? ktime_get_real_seconds() - espl_now() + when : 0;
}

#endif
