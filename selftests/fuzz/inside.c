// SPDX-License-Identifier: GPL-2.0-only
/*
 * inside.c - fuzz UDP around ESP, and what is inside ESP and AH once they are open
 *
 * Of an input, the first octet says which family, which mode, what is inside, and how
 * many octets of ESP there are; the rest is the outer packet with what is inside in
 * clear. As in rx.c, whose steps these are, it is linear.
 */
#include "packet.h"

#include "../../kmod/sel.c"
#include "../../kmod/flow.c"
#include "../../kmod/decap.c"
#include "../../kmod/natt_fmt.c"

#define SIX		1	/* the outer packet is IPv6 */
#define TUNNEL		2
#define SIX_INSIDE	4
#define SUM_INSIDE	8	/* IPv4 inside gets a right checksum: few have their own */
#define HEADER(octet)	(((octet) >> 4) * 4)	/* octets of ESP or AH, but for 8 */

static void must(bool is)
{
	if (!is)
		abort();
}

/* It is as long as it says, and no longer. */
static void whole(const struct sk_buff *skb, u8 family)
{
	struct espl_flow flow;

	if (family == AF_INET) {
		must(ntohs(ip_hdr(skb)->tot_len) == skb->len);
		must(!ip_fast_csum(ip_hdr(skb), ip_hdr(skb)->ihl));
	} else {
		must(ntohs(ipv6_hdr(skb)->payload_len) + sizeof(struct ipv6hdr) == skb->len);
	}
	espl_flow_read(skb, family, &flow);
}

/* A checksum that was made anew is right, and making it once more changes nothing. */
static void mended(struct sk_buff *skb, u8 family)
{
	struct espl_upper upper;
	unsigned int len = skb->len;
	u8 *before;

	espl_natt_checksum(skb, family);
	before = malloc(len);
	memcpy(before, skb->data, len);
	espl_natt_checksum(skb, family);
	must(!memcmp(before, skb->data, len));
	free(before);
	if (espl_upper_find(skb, family, &upper) && !upper.fragment &&
	    upper.proto == IPPROTO_TCP && skb->len >= upper.offset + sizeof(struct tcphdr))
		must(!fold(skb, family, upper.offset, IPPROTO_TCP));
}

static void transport(struct sk_buff *skb, u8 family, const struct espl_upper *upper,
		      unsigned int encap, unsigned int header, u8 proto)
{
	unsigned int len = skb->len;

	espl_decap_transport(skb, family, upper->offset - encap, upper->nhoff,
			     header + encap, proto);
	must(skb->len == len - header - encap);
	if (family == AF_INET6 && skb->len - sizeof(struct ipv6hdr) > 0xffff)
		return;
	whole(skb, family);
	mended(skb, family);
}

static void right_sum(const struct sk_buff *skb, unsigned int at)
{
	struct iphdr *iph = (struct iphdr *)(skb->data + at);

	if (iph->ihl >= 5 && at + iph->ihl * 4 <= skb->len)
		ip_send_check(iph);
}

static void tunnel(struct sk_buff *skb, u8 family, unsigned int strip, u8 how)
{
	u8 inside = how & SIX_INSIDE ? AF_INET6 : AF_INET;
	unsigned int need = inside == AF_INET ? sizeof(struct iphdr) :
						sizeof(struct ipv6hdr);

	if (skb->len < strip + need)
		return;
	if (inside == AF_INET && (how & SUM_INSIDE))
		right_sum(skb, strip);
	if (!espl_decap_tunnel(skb, family, strip,
			       inside == AF_INET ? IPPROTO_IPIP : IPPROTO_IPV6))
		whole(skb, inside);
}

/* What rx.c does with a packet that was opened. */
static void open(struct sk_buff *skb, u8 family, u8 how, u8 proto)
{
	unsigned int header = ESPL_UDP + HEADER(how), encap = 0;
	struct espl_upper upper;

	/* The IP layer has seen to that. */
	if (espl_decap_tunnel(skb, family, 0, family == AF_INET ? IPPROTO_IPIP : IPPROTO_IPV6))
		return;
	if (!espl_upper_find(skb, family, &upper) || upper.fragment)
		return;
	if (upper.proto == IPPROTO_UDP) {
		must(!espl_natt_is_keepalive(skb, &upper) ||
		     skb->len >= upper.offset + ESPL_UDP + 1);
		if (!espl_natt_inside(skb, &upper))
			return;
		encap = ESPL_UDP;
		must(upper.offset + ESPL_UDP < skb->len);
	}
	if (skb->len < upper.offset + header)
		return;
	if (how & TUNNEL)
		tunnel(skb, family, upper.offset + header, how);
	else
		transport(skb, family, &upper, encap, header, proto);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct sk_buff skb;
	u8 family;

	if (size < 2 || size > 4096)
		return 0;
	family = data[0] & SIX ? AF_INET6 : AF_INET;
	if (size - 2 < (family == AF_INET ? sizeof(struct iphdr) : sizeof(struct ipv6hdr)))
		return 0;
	skb = packet_make(data + 2, size - 2, size - 2);
	if (family == AF_INET)
		right_sum(&skb, 0);
	open(&skb, family, data[0], data[1]);
	packet_free(&skb);
	return 0;
}
