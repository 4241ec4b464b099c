// SPDX-License-Identifier: GPL-2.0-only
/*
 * packet.c - fuzz the walks over IP headers, and the packets that ICMP errors quote
 *
 * Of an input, the first octet says the family, and how much of the packet is in its
 * linear part; the rest is the packet.
 */
#include "packet.h"

#include "../../kmod/sel.c"
#include "../../kmod/flow.c"
#include "../../kmod/quote.c"

static void must(bool is)
{
	if (!is)
		abort();
}

/* What is told of a packet lies within it. */
static void look(struct sk_buff *skb, u8 family)
{
	struct espl_flow flow, again, about;
	struct espl_upper upper;
	int network = skb->network;

	if (!espl_upper_find(skb, family, &upper)) {
		must(!espl_flow_read(skb, family, &flow));
		return;
	}
	must(upper.later || upper.offset <= skb->len + (family == AF_INET ? 60 : 0));
	must(upper.nhoff < skb->len);
	must(!upper.later || upper.fragment);
	must(espl_flow_read(skb, family, &flow));
	must(flow.family == family && flow.proto == upper.proto);
	must(!upper.later || !flow.ports_known);
	if (espl_quote_flow(skb, &flow, &about)) {
		must(about.family == family && about.proto != IPPROTO_ESP);
		must(espl_addr_equal(&about.daddr, &flow.daddr, family));
	}
	must(skb->network == network);
	/* To look at it has not changed it. */
	must(espl_flow_read(skb, family, &again) && !memcmp(&flow, &again, sizeof(flow)));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct sk_buff skb;
	unsigned int least;
	u8 family;

	if (!size)
		return 0;
	family = data[0] & 1 ? AF_INET6 : AF_INET;
	least = family == AF_INET ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	/* The IP layer has seen to it that this much is there. */
	if (size - 1 < least)
		return 0;
	skb = packet_make(data + 1, size - 1, least + (data[0] >> 1) * 2);
	look(&skb, family);
	packet_free(&skb);
	return 0;
}
