/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * shim.h - what spd.c asks of the kernel, for one thread that never waits
 *
 * Stands for all the headers it includes, which run.sh makes empty. An object is
 * freed at once, not after a grace period: the address sanitizer sees who still
 * looks at it.
 */
#ifndef ESPL_SHIM_H
#define ESPL_SHIM_H

#include <stdlib.h>

#include "../../kmod/portable.h"

#define __percpu
#define IS_ENABLED(option)	1
#define typeof			__typeof__
#define GFP_KERNEL		0
#define smp_load_acquire(p)	READ_ONCE(*(p))
#define smp_store_release(p, v)	WRITE_ONCE(*(p), v)
#define synchronize_rcu()
#define THIS_MODULE
#define __module_get(module)	do {} while (0)
#define module_put(module)		do {} while (0)
#define module_param(name, type, mode)	_Static_assert(1, "")
#define MODULE_PARM_DESC(name, text)	_Static_assert(1, "")
#define kzalloc(size, flags)	calloc(1, size)
#define kfree_rcu(object, head)	free(object)

typedef int64_t time64_t;
struct net;
struct sk_buff;
struct workqueue_struct;
struct completion {};
struct rhashtable {};
struct rhltable {};
struct hlist_head {};
struct rcu_head {};
struct mutex {};
struct xarray {};
struct work_struct {};
struct delayed_work {};
typedef struct {} spinlock_t;
static inline void flush_workqueue(struct workqueue_struct *wq) { (void)wq; }
static inline void mutex_lock(struct mutex *lock) { (void)lock; }
static inline void mutex_unlock(struct mutex *lock) { (void)lock; }

static time64_t shim_seconds;	/* since boot */
static inline time64_t ktime_get_boottime_seconds(void) { return shim_seconds; }
static inline time64_t ktime_get_real_seconds(void) { return shim_seconds; }

typedef unsigned int refcount_t;
static inline void refcount_set(refcount_t *refs, unsigned int n) { *refs = n; }
static inline void refcount_inc(refcount_t *refs) { ++*refs; }
static inline bool refcount_dec_and_test(refcount_t *refs) { return !--*refs; }

struct list_head {
	struct list_head *next, *prev;
};

static inline void INIT_LIST_HEAD(struct list_head *list)
{
	*list = (struct list_head){ list, list };
}

static inline void list_add_tail_rcu(struct list_head *entry, struct list_head *next)
{
	*entry = (struct list_head){ next, next->prev };
	next->prev->next = entry;
	next->prev = entry;
}

/* As in the kernel, the way back is poisoned: to take it out twice is caught. */
static inline void list_del_rcu(struct list_head *entry)
{
	entry->prev->next = entry->next;
	entry->next->prev = entry->prev;
	entry->prev = NULL;
}

#define list_entry(node, type, member) \
	((type *)((char *)(node) - offsetof(type, member)))
#define list_for_each_entry(pos, list, member) \
	for (pos = list_entry((list)->next, typeof(*pos), member); \
	     &pos->member != (list); \
	     pos = list_entry(pos->member.next, typeof(*pos), member))
#define list_for_each_entry_rcu	list_for_each_entry
#define list_for_each_entry_safe(pos, following, list, member) \
	for (pos = list_entry((list)->next, typeof(*pos), member); \
	     following = list_entry(pos->member.next, typeof(*pos), member), \
	     &pos->member != (list); pos = following)

#endif
