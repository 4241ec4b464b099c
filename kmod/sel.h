/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sel.h - selectors and flows: what a policy asks for, what a packet is
 *
 * Pure. spd.c matches with it; the PF_KEY room fills selectors; flow.c fills
 * flows from packets. RFC 4301 section 4.4.1.1.
 */
#ifndef ESPL_SEL_H
#define ESPL_SEL_H

#include "portable.h"

/**
 * struct espl_range - ports, or ICMP types or codes
 * @first: the lowest, host order
 * @last: the highest; 0xffff with @first 0 is any, also where none is known
 */
struct espl_range {
	u16 first;
	u16 last;
};

/**
 * struct espl_sel - the traffic a policy is about
 * @saddr: source prefix, bits beyond @splen zero
 * @daddr: destination prefix, bits beyond @dplen zero
 * @sport: source ports, or ICMP types
 * @dport: destination ports, or ICMP codes
 * @family: AF_INET or AF_INET6
 * @splen: source prefix length in bits
 * @dplen: destination prefix length in bits
 * @proto: upper-layer protocol, 0 for any
 */
struct espl_sel {
	union nf_inet_addr saddr;
	union nf_inet_addr daddr;
	struct espl_range sport;
	struct espl_range dport;
	u8 family;
	u8 splen;
	u8 dplen;
	u8 proto;
};

/**
 * struct espl_flow - what a packet is
 * @saddr: source
 * @daddr: destination
 * @sport: source port or ICMP type, 0 where the protocol has none
 * @dport: destination port or ICMP code
 * @family: AF_INET or AF_INET6
 * @proto: upper-layer protocol
 * @group: it goes to multicast or limited broadcast, and ends there
 * @neighbour: Neighbour Discovery (RFC 4861) or group membership (IGMP, MLD),
 *	       which carry the link itself
 * @fragment: a part of a datagram, with ports or without
 * @ports_known: false where the ports are out of sight: a later fragment, or a
 *		 packet that ends before them
 * @proto_hidden: so is the protocol: a later fragment of IPv6
 * @led: by a source route, of which @daddr is the end, and the header has the next hop;
 *	 the last member, and there are no holes: it is hashed and compared
 */
struct espl_flow {
	union nf_inet_addr saddr;
	union nf_inet_addr daddr;
	__be16 sport;
	__be16 dport;
	u8 family;
	u8 proto;
	bool group;
	bool neighbour;
	bool fragment;
	bool ports_known;
	bool proto_hidden;
	bool led;
};

/** enum espl_match - does a selector cover a flow */
enum espl_match {
	ESPL_MISS,
	ESPL_HIT,
	ESPL_MAYBE,	/* all but the ports fit, and the ports are not known */
};

enum espl_match espl_sel_match(const struct espl_sel *sel,
			       const struct espl_flow *flow);
bool espl_sel_equal(const struct espl_sel *a, const struct espl_sel *b);
bool espl_addr_in(const union nf_inet_addr *addr,
		  const union nf_inet_addr *prefix, u8 plen);
bool espl_addr_equal(const union nf_inet_addr *a, const union nf_inet_addr *b,
		     u8 family);
void espl_addr_mask(union nf_inet_addr *addr, u8 plen);

static inline bool espl_range_is_any(struct espl_range range)
{
	return !range.first && range.last == 0xffff;
}

/* A group, or IPv4's limited broadcast. */
static inline bool espl_addr_is_multicast(const union nf_inet_addr *addr, u8 family)
{
	u32 first = ntohl(addr->ip);

	if (family == AF_INET)
		return first >> 28 == 0xe || first == ~0u;
	return first >> 24 == 0xff;
}

/* Prefix length of a whole address. */
static inline u8 espl_addr_bits(u8 family)
{
	return family == AF_INET ? 32 : 128;
}

#endif
