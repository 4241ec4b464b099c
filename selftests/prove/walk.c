// SPDX-License-Identifier: GPL-2.0-only
/*
 * walk.c - the walk over IPv6 extension headers and IPv4 options
 *
 * A packet is in two allocations of just its size: what is read beyond either is a
 * failure.
 */
#include "prove.h"

#include "../fuzz/packet.h"
#include "../../kmod/sel.c"
#include "../../kmod/flow.c"

static struct sk_buff any_packet(unsigned int least, unsigned int most)
{
	struct sk_buff skb = { .len = any_below(most + 1), .linear = any_below(most + 1) };

	/* The IP layer has seen to it that this much is there. */
	suppose(skb.len >= least && skb.linear >= least && skb.linear <= skb.len);
	skb.data = malloc(skb.linear);
	skb.rest = malloc(skb.len - skb.linear);
	suppose(skb.data && skb.rest);
	return skb;
}

/* Any packet of IPv6, up to 40 octets behind its header. */
void prove_walk6(void)	/* --unwind 17 */
{
	struct sk_buff skb = any_packet(40, 80);
	struct espl_upper upper;

	if (!espl_upper_find(&skb, AF_INET6, &upper))
		return;
	certain(upper.nhoff < skb.len, "what announces it lies within the packet");
	certain(upper.later || upper.offset <= skb.len, "and so does where it begins");
	certain(!upper.later || upper.fragment, "only a fragment's may be elsewhere");
	certain(!upper.route || upper.route + 8 <= skb.len, "a route that is told is there");
}

/* Any packet of IPv4, up to 60 octets. */
void prove_walk4(void)	/* --unwind 42 */
{
	struct sk_buff skb = any_packet(20, 60);
	struct espl_flow flow;
	struct espl_upper upper;

	if (!espl_flow_read(&skb, AF_INET, &flow))
		return;
	certain(espl_upper_find(&skb, AF_INET, &upper), "what has a flow has a header");
	certain(upper.offset >= 20 && upper.offset <= 60, "behind the IP header");
	certain(flow.proto == upper.proto, "of the same protocol");
	certain(!upper.later || !flow.ports_known, "later fragments have no ports");
}
