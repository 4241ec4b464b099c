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
 *   [L] espl_window.lock, the replay lock, the only one in the packet path
 *   [H] espl_net.hold_lock, for packets without an SA; within [M]
 */
#ifndef ESPL_NET_H
#define ESPL_NET_H

#include <linux/completion.h>
#include <linux/mutex.h>
#include <linux/netfilter.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/rhashtable.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <net/net_namespace.h>

#include "stat.h"

struct espl_pfkey_build;

#define ESPL_HOOKS	7	/* see main.c */

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
 * @sa_by_pair: outbound lookup: (source, destination, protocol, reqid) to SAs [R]
 * @sas: all SAs in order of birth [M]
 * @sas_coming: those that a transaction adds [M]
 * @sas_leaving: those that it deletes [M]
 * @staging: a transaction is under way: changes wait for its end [M]
 * @sa_refs: SAs in existence, also those waiting to be freed, and one for the
 *	     namespace itself [A]
 * @sa_gone: completed when @sa_refs falls to 0
 * @sa_serial: the serial of the newest SA [M]
 * @sad_version: another one after each change of what SAs packets find [R]
 * @natt_ports: UDP ports that ESP comes in by, each with the number of its SAs [R]
 * @policies: per direction, in the order in which they are matched [M]
 * @policy_places: lookup: what a shape leaves of a flow to policies [R]
 * @policy_by_id: their numbers [M]
 * @shapes: per direction, what there is to be looked up for a flow [R]
 * @policy_serial: the serial of the newest policy [M]
 * @policy_age: how many came to a place of their own in the order [M]
 * @spd_version: another one after each change of what holds, and nobody else's [R]
 * @generation: which policies hold, of those that have come in turn [R]
 * @staged: policies that come or go with the transaction, held, the latest first [M]
 * @review_due: policies have changed since conntrack's flows were held against them [M]
 * @review_next: when that may be done again, in ns [M]
 * @review_work: does it
 * @hooks: the table of hooks, each with this struct as its priv: 45 instructions less
 *	   for each packet and hook than by espl_net() [I]
 * @hook_users: SAs and policies there are; our netfilter hooks are registered
 *		while there is one [M]
 * @stats: counters [C]
 * @pfkey_socks: open PF_KEY sockets [R]
 * @build: where messages to them are written, one at a time [M]
 * @keyers: bit for each SADB_SATYPE_* that a socket has registered [R]
 * @hold_lock: of the packets that wait for SAs, and of what they wait for
 * @hold_closed: the namespace ends: ask for no more SAs [H]
 * @acquires: SAs that are asked for [H]
 * @acquires_n: how many [H]
 * @acquire_seq: the number of the latest [H]
 * @acquire_work: tells the keyers
 * @held: packets that wait, the oldest first [H]
 * @released: those that need not any more [H]
 * @held_n: how many of both [H]
 * @hold_work: sends the ones, and loses those of the others that are too old
 */
struct espl_net {
	struct net *net;
	struct mutex lock;	/* of all writers */

	struct rhashtable sa_by_spi;
	struct rhashtable sa_by_pair;
	struct list_head sas;
	struct list_head sas_coming;
	struct list_head sas_leaving;
	bool staging;
	refcount_t sa_refs;
	struct completion sa_gone;
	u64 sa_serial;
	unsigned long sad_version;
	struct xarray natt_ports;

	struct rb_root policies[ESPL_DIRS];
	struct rhltable policy_places;
	struct rhltable policy_by_id;
	struct list_head shapes[ESPL_DIRS];
	u32 policy_serial;
	u32 policy_age;
	unsigned long spd_version;
	unsigned long generation;
	struct espl_policy *staged;
	bool review_due;
	u64 review_next;
	struct delayed_work review_work;

	struct nf_hook_ops hooks[ESPL_HOOKS];
	unsigned int hook_users;
	struct espl_stats __percpu *stats;
	struct hlist_head pfkey_socks;
	struct espl_pfkey_build *build;
	u32 keyers;

	spinlock_t hold_lock;	/* of what follows */
	bool hold_closed;
	struct list_head acquires;
	unsigned int acquires_n;
	u32 acquire_seq;
	struct work_struct acquire_work;
	struct list_head held;
	struct list_head released;
	unsigned int held_n;
	struct delayed_work hold_work;
};

struct espl_net *espl_net(const struct net *net);
int espl_hooks_get(struct espl_net *en);
void espl_hooks_put(struct espl_net *en);

/* Count an event. */
static inline void espl_stat_inc(struct espl_net *en, enum espl_stat stat)
{
	this_cpu_inc(en->stats->count[stat]);
}

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
