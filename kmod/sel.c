// SPDX-License-Identifier: GPL-2.0-only
/*
 * sel.c - selector against flow
 *
 * Pure. Called for every policy a packet is held against (spd.c), so it is
 * ordered by what fails soonest. RFC 4301 section 4.4.1.1.
 */
#include "sel.h"

/**
 * espl_addr_in() - does a prefix cover an address
 * @addr: the address
 * @prefix: the prefix
 * @plen: its length in bits, 0..128
 *
 * Context: Any.
 * Return: Whether it does.
 */
bool espl_addr_in(const union nf_inet_addr *addr,
		  const union nf_inet_addr *prefix, u8 plen)
{
	unsigned int word = 0;

	for (; plen >= 32; plen -= 32, word++)
		if (addr->ip6[word] != prefix->ip6[word])
			return false;
	if (!plen)
		return true;
	return !((addr->ip6[word] ^ prefix->ip6[word]) &
		 htonl(~0u << (32 - plen)));
}

/**
 * espl_addr_equal() - are two addresses the same
 * @a: one
 * @b: the other
 * @family: of both
 *
 * Context: Any.
 * Return: Whether they are.
 */
bool espl_addr_equal(const union nf_inet_addr *a, const union nf_inet_addr *b,
		     u8 family)
{
	return espl_addr_in(a, b, espl_addr_bits(family));
}

/**
 * espl_addr_mask() - clear all bits beyond a prefix
 * @addr: the address, changed in place
 * @plen: bits to keep, 0..128
 *
 * Context: Any.
 */
void espl_addr_mask(union nf_inet_addr *addr, u8 plen)
{
	for (unsigned int word = 0; word < 4; word++) {
		if (plen >= 32) {
			plen -= 32;
			continue;
		}
		addr->ip6[word] &= plen ? htonl(~0u << (32 - plen)) : 0;
		plen = 0;
	}
}

static bool within(__be16 port, struct espl_range range)
{
	return ntohs(port) >= range.first && ntohs(port) <= range.last;
}

static bool same_range(struct espl_range a, struct espl_range b)
{
	return a.first == b.first && a.last == b.last;
}

/*
 * Multicast, Neighbour Discovery and group membership are how a link works at
 * all: a policy for everything does not mean them, only one that names them does.
 */
static bool spares(const struct espl_sel *sel, const struct espl_flow *flow)
{
	return (flow->group && !espl_addr_is_multicast(&sel->daddr, sel->family)) ||
	       (flow->neighbour && sel->proto != flow->proto);
}

/**
 * espl_sel_match() - does a selector cover a flow
 * @sel: the selector
 * @flow: the packet's flow
 *
 * Context: Any.
 * Return: ESPL_HIT, ESPL_MISS, or ESPL_MAYBE where only what cannot be seen
 *	   would decide.
 */
enum espl_match espl_sel_match(const struct espl_sel *sel,
			       const struct espl_flow *flow)
{
	if (sel->family != flow->family ||
	    (sel->proto && sel->proto != flow->proto && !flow->proto_hidden) ||
	    !espl_addr_in(&flow->daddr, &sel->daddr, sel->dplen) ||
	    !espl_addr_in(&flow->saddr, &sel->saddr, sel->splen) ||
	    spares(sel, flow))
		return ESPL_MISS;
	if (sel->proto && flow->proto_hidden)
		return ESPL_MAYBE;
	if (espl_range_is_any(sel->sport) && espl_range_is_any(sel->dport))
		return ESPL_HIT;
	if (!flow->ports_known)
		return ESPL_MAYBE;
	return within(flow->sport, sel->sport) &&
	       within(flow->dport, sel->dport) ? ESPL_HIT : ESPL_MISS;
}

/**
 * espl_sel_equal() - do two selectors say the same
 * @a: one
 * @b: the other
 *
 * Context: Any.
 * Return: Whether they are equal field by field; duplicates in the SPD are
 *	   defined by it.
 */
bool espl_sel_equal(const struct espl_sel *a, const struct espl_sel *b)
{
	return a->family == b->family && a->proto == b->proto &&
	       a->splen == b->splen && a->dplen == b->dplen &&
	       same_range(a->sport, b->sport) && same_range(a->dport, b->dport) &&
	       espl_addr_in(&a->saddr, &b->saddr, a->splen) &&
	       espl_addr_in(&a->daddr, &b->daddr, a->dplen);
}
