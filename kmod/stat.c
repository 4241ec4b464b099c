// SPDX-License-Identifier: GPL-2.0-only
/*
 * stat.c - named counters and /proc/net/esplanade
 *
 * Owns the counters of a namespace. Called by every room that lets a packet go
 * or drops one.
 */
#include <linux/proc_fs.h>
#include <linux/seq_file.h>

#include "net.h"
#include "stat.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static const char * const names[ESPL_STAT_COUNT] = {
#define ESPL_STAT_NAME(id, name) #name,
	ESPL_STATS(ESPL_STAT_NAME)
#undef ESPL_STAT_NAME
};

/**
 * espl_stat_note() - count and trace a packet that is about to be dropped
 * @en: the namespace
 * @skb: the packet; the caller drops it, from a hook by NF_DROP
 * @stat: why
 *
 * Context: Any.
 */
void espl_stat_note(struct espl_net *en, const struct sk_buff *skb,
		    enum espl_stat stat)
{
	espl_stat_inc(en, stat);
	trace_espl_drop(en->net, skb, names[stat]);
}

/**
 * espl_drop() - drop a packet, by name
 * @en: the namespace
 * @skb: the packet; freed
 * @stat: why
 *
 * Context: Any.
 */
void espl_drop(struct espl_net *en, struct sk_buff *skb, enum espl_stat stat)
{
	espl_stat_note(en, skb, stat);
	kfree_skb_reason(skb, SKB_DROP_REASON_XFRM_POLICY);
}

static int show(struct seq_file *seq, void *v)
{
	struct espl_net *en = espl_net(seq_file_single_net(seq));

	for (int i = 0; i < ESPL_STAT_COUNT; i++) {
		u64 sum = 0;
		int cpu;

		for_each_possible_cpu(cpu)
			sum += READ_ONCE(per_cpu_ptr(en->stats, cpu)->count[i]);
		seq_printf(seq, "%-16s %llu\n", names[i], sum);
	}
	return 0;
}

/**
 * espl_stat_init() - counters of a namespace, all 0
 * @en: the namespace
 *
 * Context: Process.
 * Return: 0 or -ENOMEM.
 */
int espl_stat_init(struct espl_net *en)
{
	en->stats = alloc_percpu(struct espl_stats);
	if (!en->stats)
		return -ENOMEM;
	if (!proc_create_net_single("esplanade", 0444, en->net->proc_net, show,
				    NULL)) {
		free_percpu(en->stats);
		return -ENOMEM;
	}
	return 0;
}

/**
 * espl_stat_fini() - undo espl_stat_init()
 * @en: the namespace; nothing counts in it any more
 *
 * Context: Process.
 */
void espl_stat_fini(struct espl_net *en)
{
	remove_proc_entry("esplanade", en->net->proc_net);
	free_percpu(en->stats);
}
