/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * shim.h - what spd.c and spd_index.c ask of the kernel, for one thread that never waits
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
#define __force
#define noinline
#define U64_MAX			UINT64_MAX
#define BIT(n)			(1UL << (n))
#define BUILD_BUG_ON(wrong)	_Static_assert(!(wrong), "")
#define min(a, b)		((a) < (b) ? (a) : (b))
#define IS_ENABLED(option)	1
#define typeof			__typeof__
#define GFP_KERNEL		0
#define smp_load_acquire(p)	READ_ONCE(*(p))
#define smp_store_release(p, v)	WRITE_ONCE(*(p), v)
#define synchronize_rcu()		do {} while (0)
#define cond_resched()		do {} while (0)
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
struct nf_hook_state;
struct workqueue_struct;
struct completion {};
struct rhashtable {};
struct hlist_head {};
struct nf_hook_ops {};
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
static unsigned long jiffies;
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
#define container_of		list_entry

/* A CPU, and numbers that only it changes. */
#define this_cpu_ptr(p)		(p)
#define this_cpu_inc(n)		((n)++)
#define alloc_percpu(type)	calloc(1, sizeof(type))
#define free_percpu(p)		free(p)
#define rcu_read_lock()
#define rcu_read_unlock()
typedef long atomic_long_t;
static inline long atomic_long_inc_return(atomic_long_t *n) { return ++*n; }

#define GOLDEN_RATIO_32	0x61C88647

/* The tree is a list in order, as rb_add() in the kernel puts equals behind. */
struct rb_node {
	struct rb_node *next;
};

struct rb_root {
	struct rb_node *rb_node;
};

#define RB_ROOT		((struct rb_root){ NULL })
#define rb_entry	list_entry
#define rb_entry_safe(node, type, member) \
	((node) ? rb_entry(node, type, member) : NULL)
#define rb_first(tree)	((tree)->rb_node)
#define rb_next(node)	((node)->next)

static inline void rb_add(struct rb_node *node, struct rb_root *tree,
			  bool (*less)(struct rb_node *, const struct rb_node *))
{
	struct rb_node **at = &tree->rb_node;

	while (*at && !less(node, *at))
		at = &(*at)->next;
	node->next = *at;
	*at = node;
}

static inline void rb_erase(struct rb_node *node, struct rb_root *tree)
{
	struct rb_node **at = &tree->rb_node;

	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
}

/*
 * All entries in one list. As in the kernel, those are looked at that have the key's
 * hash, however they and the key come by it.
 */
struct rhlist_head {
	struct rhlist_head *next;
	u32 hash;
};

struct rhltable {
	struct rhlist_head *first;
};

struct rhashtable_compare_arg {
	const void *key;
};

struct rhashtable_params {
	size_t key_len, key_offset, head_offset;
	u32 (*hashfn)(const void *key, u32 len, u32 seed);
	u32 (*obj_hashfn)(const void *object, u32 len, u32 seed);
	int (*obj_cmpfn)(struct rhashtable_compare_arg *arg, const void *object);
	bool automatic_shrinking;
};

#define SHIM_SEED	7

static inline u32 jhash2(const u32 *words, u32 n, u32 seed)
{
	while (n--)
		seed = (seed ^ *words++) * GOLDEN_RATIO_32;
	return seed;
}

static inline u32 shim_hash(const void *key, const struct rhashtable_params *params)
{
	return params->hashfn ? params->hashfn(key, params->key_len, SHIM_SEED) :
				jhash2(key, params->key_len / 4, SHIM_SEED);
}

static inline u32 shim_hash_of(const void *object, const struct rhashtable_params *params)
{
	return params->obj_hashfn ? params->obj_hashfn(object, params->key_len, SHIM_SEED) :
				    shim_hash((const char *)object + params->key_offset, params);
}

static unsigned int shim_room = -1;	/* so many more come in */
static void (*shim_look)(void);		/* what others do meanwhile, after each */

static inline int rhltable_insert_key(struct rhltable *table, const void *key,
				      struct rhlist_head *node,
				      struct rhashtable_params params)
{
	(void)key;
	if (!shim_room)
		return -ENOMEM;
	shim_room--;
	node->hash = shim_hash_of((char *)node - params.head_offset, &params);
	node->next = table->first;
	table->first = node;
	if (shim_look)
		shim_look();
	return 0;
}

#define rhltable_insert(table, node, params) \
	rhltable_insert_key(table, (char *)(node) - (params).head_offset + (params).key_offset, \
			    node, params)

/* It has to have the hash that it came with, or the kernel would not find it. */
static inline int rhltable_remove(struct rhltable *table, struct rhlist_head *node,
				  struct rhashtable_params params)
{
	struct rhlist_head **at = &table->first;

	if (node->hash != shim_hash_of((char *)node - params.head_offset, &params))
		abort();
	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	return 0;
}

static inline struct rhlist_head *shim_same(struct rhlist_head *node, const void *key,
					    const struct rhashtable_params *params)
{
	struct rhashtable_compare_arg arg = { key };
	u32 hash = shim_hash(key, params);

	for (; node; node = node->next) {
		const char *object = (char *)node - params->head_offset;

		if (node->hash != hash)
			continue;
		if (params->obj_cmpfn ? !params->obj_cmpfn(&arg, object) :
		    !memcmp(object + params->key_offset, key, params->key_len))
			break;
	}
	return node;
}

/* What was looked up last; one such loop at a time. And how many entries such loops saw. */
static const struct rhashtable_params *shim_params;
static const void *shim_key;
static unsigned int shim_met;

#define rhltable_lookup(table, key, params) \
	(shim_params = &(params), shim_key = (key), \
	 shim_same((table)->first, shim_key, shim_params))
#define rhl_for_each_entry_rcu(entry, pos, list, member) \
	for (pos = list; \
	     pos && (shim_met++, entry = list_entry(pos, typeof(*entry), member)); \
	     pos = shim_same(pos->next, shim_key, shim_params))
static inline int rhltable_init(struct rhltable *table, const struct rhashtable_params *params)
{
	(void)params;
	table->first = NULL;
	return 0;
}
static inline void rhltable_destroy(struct rhltable *table) { (void)table; }

#endif
