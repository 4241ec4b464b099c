// SPDX-License-Identifier: GPL-2.0-only
/*
 * walk.c - the walks over IP headers, and over the packet that an ICMP error quotes
 *
 * For most proofs a packet is a length, and memory that answers anything: whoever asks
 * for octets within the packet gets any octets, in memory of just the size that was
 * asked for, and whoever asks for what is outside gets none, as in the kernel. So what
 * is shown holds of packets of any contents, and of such as change between two looks.
 * That what is found is what the headers say is shown of real packets, which are short.
 */
#define OCTETS
#include "prove.h"

#include "../fuzz/packet.h"
#include "../../kmod/sel.c"
#include "../../kmod/flow.c"
#include "../../kmod/quote.c"

#define LONG	1500	/* octets of a packet */
#define PORTS_TOO	(sizeof(struct iphdr) + 4)
#define AT_ONCE	20	/* octets that are looked at in one go: of options, too */

void *any_header_pointer(const struct sk_buff *skb, int offset, int len, void *buffer)
{
	if (offset < 0 || len < 0 || (unsigned int)offset + len > skb->len)
		return NULL;
	certain(__CPROVER_w_ok(buffer, len), "the copy has room for what is asked for");
	suppose(len <= AT_ONCE);
	return any_octets_at_end(AT_ONCE, len);
}

struct iphdr *any_ip_hdr(const struct sk_buff *skb)
{
	unsigned int linear = skb->linear - skb->network;

	certain(skb->network >= 0 && skb->network + sizeof(struct iphdr) <= skb->linear,
		"an IP header that is looked at in place is linear");
	/* As much of what is behind it as is looked at. */
	return (struct iphdr *)any_octets(linear < PORTS_TOO ? linear : PORTS_TOO);
}

struct ipv6hdr *any_ipv6_hdr(const struct sk_buff *skb)
{
	certain(skb->network >= 0 && skb->network + sizeof(struct ipv6hdr) <= skb->linear,
		"an IPv6 header that is looked at in place is linear");
	return (struct ipv6hdr *)any_octets(sizeof(struct ipv6hdr));
}

bool any_pull(struct sk_buff *skb, unsigned int len)
{
	if (len > skb->len || any_bool())
		return false;
	skb->linear = skb->linear < len ? len : skb->linear;
	skb->data = any_octets(skb->linear);
	return true;
}

/* Any packet of up to so many octets, its IP header anywhere within, and linear. */
static struct sk_buff any_packet(u8 family, unsigned int most)
{
	unsigned int header = family == AF_INET ? sizeof(struct iphdr) :
						  sizeof(struct ipv6hdr);
	struct sk_buff skb = {
		.len = any_below(most + 1),
		.linear = any_below(most + 1),
		.network = any_below(most + 1),
	};

	suppose(skb.network + header <= skb.linear && skb.linear <= skb.len);
	skb.data = any_octets(skb.linear);
	return skb;
}

static void found(u8 family, unsigned int most)
{
	struct sk_buff skb = any_packet(family, most);
	unsigned int len = skb.len - skb.network;
	struct espl_upper upper;

	if (!espl_upper_find(&skb, family, &upper))
		return;
	certain(upper.nhoff < len, "what announces it lies within the packet");
	certain(upper.later || upper.offset <= len + (family == AF_INET ? 60 : 0),
		"and so does where it begins");
	certain(!upper.later || upper.fragment, "only a fragment's may be elsewhere");
	certain(!upper.route || upper.route + 8 <= len, "a route that is told is there");
	certain(family == AF_INET ? upper.offset >= 20 && upper.offset <= 60 :
				    upper.offset >= 40 && upper.offset % 8 == 0,
		"headers have whole units");
}

void prove_find4(void)	/* --unwind 8 replace skb_header_pointer:any_header_pointer */
{
	found(AF_INET, LONG);
}

#define EXTENDED	168	/* IPv6 with 128 octets of extension headers: 16 of them */

/* As many extension headers as there is room for. */
void prove_find6(void)	/* --unwind 18 replace skb_header_pointer:any_header_pointer replace ipv6_hdr:any_ipv6_hdr */
{
	found(AF_INET6, EXTENDED);
}

static void flow(u8 family, unsigned int most)
{
	struct sk_buff skb = any_packet(family, most);
	struct espl_flow flow;

	if (!espl_flow_read(&skb, family, &flow))
		return;
	certain(flow.family == family, "a flow is of its packet's family");
	certain(!flow.proto_hidden || (!flow.ports_known && flow.fragment),
		"what is hidden is a fragment's");
}

/* Up to 20 octets of options, any source route among them. */
void prove_flow4(void)	/* --unwind 22 replace skb_header_pointer:any_header_pointer replace ip_hdr:any_ip_hdr */
{
	flow(AF_INET, LONG);
}

void prove_flow6(void)	/* --unwind 22 replace skb_header_pointer:any_header_pointer replace ipv6_hdr:any_ipv6_hdr */
{
	flow(AF_INET6, EXTENDED);
}

/* What is found in the packet that is quoted is a contract's: it was proved above. */
bool any_flow_read(const struct sk_buff *skb, u8 family, struct espl_flow *flow)
{
	struct espl_flow any;	/* of any contents */

	certain(skb->network >= 0 && skb->network + (family == AF_INET ?
		sizeof(struct iphdr) : sizeof(struct ipv6hdr)) <= skb->linear,
		"the header of the quoted packet is linear");
	any.family = family;
	*flow = any;
	return any_bool();
}

bool any_upper_find(const struct sk_buff *skb, u8 family, struct espl_upper *upper)
{
	struct espl_upper any;	/* of any contents */

	suppose(any.later || any.offset <= skb->len - skb->network +
		(family == AF_INET ? 60 : 0));
	suppose(any.offset <= 65535 + 60);
	*upper = any;
	return any_bool();
}

static void quoted(u8 family)
{
	struct sk_buff skb = any_packet(family, LONG);
	int network = skb.network;
	struct espl_flow flow, about;	/* of any contents */

	flow.family = family;
	if (espl_quote_flow(&skb, &flow, &about)) {
		certain(about.family == family, "of one family with the error");
		certain(about.proto != IPPROTO_ESP && about.proto != IPPROTO_AH,
			"not ESP or AH");
		certain(espl_addr_equal(&about.daddr, &flow.daddr, family),
			"the error goes to whom sent what it quotes");
	}
	certain(skb.network == network, "the network header is where it was");
}

void prove_quote4(void)	/* --unwind 42 replace pskb_may_pull:any_pull replace espl_flow_read:any_flow_read replace espl_upper_find:any_upper_find */
{
	quoted(AF_INET);
}

void prove_quote6(void)	/* --unwind 42 replace pskb_may_pull:any_pull replace espl_flow_read:any_flow_read replace espl_upper_find:any_upper_find */
{
	quoted(AF_INET6);
}

#define SHORT	72	/* an IPv6 header, and 32 octets behind it */

/* RFC 8200 section 4, octet by octet. False: the headers end early. */
static bool follow_headers(const u8 *p, unsigned int len, struct espl_upper *upper)
{
	unsigned int at = 40, size;
	u8 next = p[6];

	upper->nhoff = 6;
	upper->later = upper->fragment = false;
	while ((next == 0 || next == 43 || next == 44 || next == 60) && !upper->later) {
		if (at + 8 > len)
			return false;
		size = next == 44 ? 8 : (p[at + 1] + 1) * 8;
		if (next == 44) {
			upper->fragment = true;
			upper->later = p[at + 2] || p[at + 3] & 0xf8;
		}
		upper->nhoff = at;
		next = p[at];
		at += size;
		if (at > len)
			return false;
	}
	upper->offset = at;
	upper->proto = next;
	return true;
}

/* What is found is what the headers say: any packet, up to 72 octets, in one piece. */
void prove_find6_as_written(void)	/* --unwind 34 */
{
	unsigned int len = any_below(SHORT + 1);
	struct sk_buff skb = { .len = len, .linear = len };
	struct espl_upper upper, rfc;
	bool whole;

	suppose(len >= 40);
	skb.data = any_octets_at_end(SHORT, len);
	whole = follow_headers(skb.data, len, &rfc);
	if (!espl_upper_find(&skb, AF_INET6, &upper)) {
		certain(!whole && !rfc.fragment, "no header is missed");
		return;
	}
	if (!whole) {
		certain(rfc.fragment && upper.fragment && upper.later,
			"of headers that end early only a fragment's are told");
		return;
	}
	certain(upper.offset == rfc.offset && upper.proto == rfc.proto &&
		upper.nhoff == rfc.nhoff, "the header, and who announces it");
	certain(upper.fragment == rfc.fragment && upper.later == rfc.later,
		"and what fragment it is");
}
