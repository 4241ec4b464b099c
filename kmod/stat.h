/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stat.h - named counters, and the one way to drop a packet
 *
 * Every packet that we touch ends in one counter here; no packet is dropped
 * without a name. /proc/net/esplanade shows them, per network namespace, and
 * Documentation/counters.rst explains each to an admin.
 */
#ifndef ESPL_STAT_H
#define ESPL_STAT_H

#include <linux/skbuff.h>

struct espl_net;

/* Keep the order: output, input, PF_KEY. The comment is the reason in words. */
#define ESPL_STATS(_)							\
	_(OUT_ESP,		out_esp)	/* layers of ESP put on */	\
	_(OUT_AH,		out_ah)		/* layers of AH put on */	\
	_(OUT_DUMMY,		out_dummy)	/* sent to mean nothing */ \
	_(OUT_BYPASS,		out_bypass)	/* a policy says none */ \
	_(OUT_DISCARD,		out_discard)	/* a policy says discard */ \
	_(OUT_NO_SA,		out_no_sa)	/* policy, but no usable SA */ \
	_(OUT_HELD,		out_held)	/* waits for an SA */ \
	_(OUT_HOLD_FULL,	out_hold_full)	/* made way for a newer one */ \
	_(OUT_HOLD_LATE,	out_hold_late)	/* no SA came in time */ \
	_(OUT_FRAGMENT,		out_fragment)	/* ports hidden in a fragment */ \
	_(OUT_TOO_BIG,		out_too_big)	/* DF and over the inner MTU */ \
	_(OUT_SEQ,		out_seq)	/* sequence numbers used up */ \
	_(OUT_LIFETIME,		out_lifetime)	/* hard lifetime reached */ \
	_(OUT_HEADER,		out_header)	/* a header we cannot protect */ \
	_(OUT_NO_ROUTE,		out_no_route)	/* no route for the outer packet */ \
	_(OUT_CONNTRACK,	out_conntrack)	/* conntrack refused the flow */ \
	_(OUT_CGROUP,		out_cgroup)	/* the sender's cgroup forbids it */ \
	_(OUT_UNREADABLE,	out_unreadable)	/* in a device's memory */ \
	_(OUT_NO_MEMORY,	out_no_memory)					\
	_(OUT_CRYPTO,		out_crypto)	/* the cipher failed */	\
	_(IN_ESP,		in_esp)		/* layers of ESP taken off */ \
	_(IN_AH,		in_ah)		/* layers of AH taken off */ \
	_(IN_DUMMY,		in_dummy)	/* next header 59: eaten */ \
	_(IN_PMTU,		in_pmtu)	/* a path is narrower, says ICMP */ \
	_(IN_ICMP,		in_icmp)	/* ICMP about ESP, not believed */ \
	_(IN_NO_SA,		in_no_sa)	/* SPI not ours: left to others */ \
	_(IN_SA_STATE,		in_sa_state)	/* SA larval or dead */	\
	_(IN_KEEPALIVE,		in_keepalive)	/* one octet for a NAT: eaten */ \
	_(IN_ENCAP,		in_encap)	/* UDP where the SA has none, or not */ \
	_(IN_LENGTH,		in_length)	/* too short, or not whole blocks */ \
	_(IN_REPLAY,		in_replay)	/* seen before, or too old */ \
	_(IN_ICV,		in_icv)		/* authentication failed */ \
	_(IN_CRYPTO,		in_crypto)	/* the cipher failed */	\
	_(IN_PADDING,		in_padding)	/* trailer under a good ICV is bad */ \
	_(IN_LIFETIME,		in_lifetime)	/* hard lifetime reached */ \
	_(IN_PEER,		in_peer)	/* outer source is not the SA's */ \
	_(IN_ECN,		in_ecn)		/* CE outside, Not-ECT inside */ \
	_(IN_HEADER,		in_header)	/* inner IP header is bad */ \
	_(IN_POLICY,		in_policy)	/* came by an SA no policy asks for */ \
	_(IN_CLEAR,		in_clear)	/* clear, where policy wants IPsec */ \
	_(IN_DISCARD,		in_discard)	/* a policy says discard */ \
	_(IN_FRAGMENT,		in_fragment)	/* ports hidden in a fragment */ \
	_(IN_DEPTH,		in_depth)	/* too many layers of ESP */ \
	_(IN_ROUTE,		in_route)	/* inner packet has no route */	\
	_(IN_NO_MEMORY,		in_no_memory)					\
	_(PFKEY_LOST,		pfkey_lost)	/* a PF_KEY socket was full */

/** enum espl_stat - the counters; see ESPL_STATS for what each means */
enum espl_stat {
#define ESPL_STAT_ENUM(id, name) ESPL_##id,
	ESPL_STATS(ESPL_STAT_ENUM)
#undef ESPL_STAT_ENUM
	ESPL_STAT_COUNT
};

/** struct espl_stats - one CPU's counters */
struct espl_stats {
	u64 count[ESPL_STAT_COUNT];
};

int espl_stat_init(struct espl_net *en);
void espl_stat_fini(struct espl_net *en);
void espl_stat_note(struct espl_net *en, const struct sk_buff *skb,
		    enum espl_stat stat);
void espl_drop(struct espl_net *en, struct sk_buff *skb, enum espl_stat stat);

#endif
