/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * trace.h - one tracepoint for every drop: perf trace -e esplanade:espl_drop
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM esplanade

#if !defined(ESPL_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define ESPL_TRACE_H

#include <linux/skbuff.h>
#include <linux/tracepoint.h>
#include <net/net_namespace.h>

TRACE_EVENT(espl_drop,
	TP_PROTO(const struct net *net, const struct sk_buff *skb,
		 const char *reason),
	TP_ARGS(net, skb, reason),
	TP_STRUCT__entry(
		__field(unsigned int, netns)
		__field(const void *, skb)
		__field(const char *, reason)
	),
	TP_fast_assign(
		__entry->netns = net->ns.inum;
		__entry->skb = skb;
		__entry->reason = reason;
	),
	TP_printk("netns=%u skb=%p reason=%s", __entry->netns, __entry->skb,
		  __entry->reason)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
