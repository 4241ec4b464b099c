// SPDX-License-Identifier: GPL-2.0-only
/*
 * sel.c - selectors against flows, bit by bit
 */
#include "../../kmod/sel.c"
#include "unit.h"

static int naive_in(const u8 *addr, const u8 *prefix, unsigned int plen)
{
	for (unsigned int bit = 0; bit < plen; bit++)
		if ((addr[bit / 8] ^ prefix[bit / 8]) & (0x80 >> bit % 8))
			return 0;
	return 1;
}

/* Addresses that differ in one bit, for each prefix length and each bit. */
static void prefixes(unsigned int bits)
{
	int wrong = 0;

	for (unsigned int plen = 0; plen <= bits; plen++) {
		for (unsigned int bit = 0; bit < bits; bit++) {
			union nf_inet_addr a, b;

			for (unsigned int i = 0; i < 16; i++)
				((u8 *)&a)[i] = dice(256);
			b = a;
			((u8 *)&b)[bit / 8] ^= 0x80 >> bit % 8;
			wrong += espl_addr_in(&a, &b, plen) !=
				 naive_in((u8 *)&a, (u8 *)&b, plen);
			espl_addr_mask(&b, plen);
			for (unsigned int k = plen; k < 128; k++)
				wrong += !!(((u8 *)&b)[k / 8] & (0x80 >> k % 8));
		}
	}
	check(!wrong, "prefixes of %u bits: match and mask, %d wrong", bits, wrong);
}

static struct espl_sel policy(const char *from, u8 splen, const char *to, u8 dplen)
{
	struct espl_sel sel = { .splen = splen, .dplen = dplen };

	sel.family = strchr(to, ':') ? AF_INET6 : AF_INET;
	inet_pton(sel.family, from, &sel.saddr);
	inet_pton(sel.family, to, &sel.daddr);
	sel.sport.last = 0xffff;
	sel.dport.last = 0xffff;
	return sel;
}

static struct espl_flow packet(const char *from, const char *to, u8 proto,
			       u16 sport, u16 dport)
{
	struct espl_flow flow = { .proto = proto, .ports_known = true };

	flow.family = strchr(to, ':') ? AF_INET6 : AF_INET;
	inet_pton(flow.family, from, &flow.saddr);
	inet_pton(flow.family, to, &flow.daddr);
	flow.sport = htons(sport);
	flow.dport = htons(dport);
	flow.group = espl_addr_is_multicast(&flow.daddr, flow.family);
	return flow;
}

static void matches(void)
{
	struct espl_sel net = policy("10.1.0.0", 24, "10.2.0.0", 16);
	struct espl_sel port = net;
	struct espl_sel all4 = policy("0.0.0.0", 0, "0.0.0.0", 0);
	struct espl_sel all6 = policy("::", 0, "::", 0);
	struct espl_flow udp = packet("10.1.0.9", "10.2.3.4", IPPROTO_UDP, 5, 7777);
	struct espl_flow later = udp;

	port.proto = IPPROTO_UDP;
	port.dport = (struct espl_range){ 7777, 7777 };
	later.ports_known = false;
	later.sport = 0;
	later.dport = 0;
	check(espl_sel_match(&net, &udp) == ESPL_HIT, "a flow within both prefixes");
	check(espl_sel_match(&port, &udp) == ESPL_HIT, "and with the port");
	check(espl_sel_match(&net, &later) == ESPL_HIT, "a later fragment, no ports asked for");
	check(espl_sel_match(&port, &later) == ESPL_MAYBE, "a later fragment, a port asked for");
	later.proto = IPPROTO_TCP;
	check(espl_sel_match(&port, &later) == ESPL_MISS, "a later fragment of another protocol");
	udp.dport = htons(7778);
	check(espl_sel_match(&port, &udp) == ESPL_MISS, "another port");
	udp = packet("10.1.1.9", "10.2.3.4", IPPROTO_UDP, 5, 7777);
	check(espl_sel_match(&net, &udp) == ESPL_MISS, "a source outside");
	udp = packet("10.1.0.9", "10.3.3.4", IPPROTO_UDP, 5, 7777);
	check(espl_sel_match(&net, &udp) == ESPL_MISS, "a destination outside");
	check(espl_sel_match(&all4, &udp) == ESPL_HIT, "everything means this");
	check(espl_sel_match(&all6, &udp) == ESPL_MISS, "but not of the other family");
}

static void links(void)
{
	struct espl_sel all4 = policy("0.0.0.0", 0, "0.0.0.0", 0);
	struct espl_sel all6 = policy("::", 0, "::", 0);
	struct espl_sel group4 = policy("0.0.0.0", 0, "224.0.0.0", 4);
	struct espl_sel icmp6 = all6;
	struct espl_flow flow;

	icmp6.proto = IPPROTO_ICMPV6;
	flow = packet("10.0.0.1", "224.0.0.5", 89, 0, 0);
	check(espl_sel_match(&all4, &flow) == ESPL_MISS, "everything does not mean multicast");
	check(espl_sel_match(&group4, &flow) == ESPL_HIT, "unless it is named");
	flow = packet("10.0.0.1", "255.255.255.255", IPPROTO_UDP, 68, 67);
	check(espl_sel_match(&all4, &flow) == ESPL_MISS, "nor limited broadcast");
	flow = packet("fe80::1", "ff02::1", IPPROTO_ICMPV6, 134, 0);
	check(espl_sel_match(&all6, &flow) == ESPL_MISS, "nor IPv6 multicast");
	flow = packet("fd00::1", "fd00::2", IPPROTO_ICMPV6, 136, 0);
	flow.neighbour = true;
	check(espl_sel_match(&all6, &flow) == ESPL_MISS, "nor Neighbour Discovery");
	check(espl_sel_match(&icmp6, &flow) == ESPL_HIT, "unless ICMPv6 is named");
	flow.neighbour = false;
	check(espl_sel_match(&all6, &flow) == ESPL_HIT, "what only looks like it is not spared");
}

static void groups(void)
{
	static const struct {
		const char *addr;
		int group;
	} want[] = {
		{ "223.255.255.255", 0 }, { "224.0.0.0", 1 }, { "239.255.255.255", 1 },
		{ "240.0.0.0", 0 }, { "255.255.255.254", 0 }, { "255.255.255.255", 1 },
		{ "feff::1", 0 }, { "ff00::", 1 }, { "ff02::1", 1 }, { "e000::", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(want); i++)
		check(packet("::", want[i].addr, 0, 0, 0).group == want[i].group,
		      "%s is %s", want[i].addr, want[i].group ? "a group" : "no group");
}

/* A selector and a flow that are alike but for a bit here and there. */
static u16 roll_port(void)
{
	static const u16 ports[] = { 0, 1, 79, 80, 81, 256, 65534, 65535 };

	return ports[dice(8)];
}

static struct espl_range roll_range(void)
{
	u16 a = roll_port(), b = dice(2) ? a : roll_port();

	if (dice(3))
		return (struct espl_range){ 0, 65535 };
	return (struct espl_range){ a < b ? a : b, a < b ? b : a };
}

static void roll(struct espl_sel *sel, struct espl_flow *flow)
{
	static const u8 protos[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMPV6 };
	u8 bits;

	*sel = (struct espl_sel){ .family = dice(2) ? AF_INET : AF_INET6 };
	*flow = (struct espl_flow){ .family = dice(20) ? sel->family : AF_INET };
	bits = espl_addr_bits(sel->family);
	sel->daddr.ip = htonl(dice(3) ? 0x0a020304 : sel->family == AF_INET ?
			      0xe0000001 : 0xff020000);
	flow->saddr = sel->saddr;
	flow->daddr = sel->daddr;
	if (dice(2))
		((u8 *)&flow->saddr)[dice(bits / 8)] ^= 1 << dice(8);
	if (dice(2))
		((u8 *)&flow->daddr)[dice(bits / 8)] ^= 1 << dice(8);
	sel->splen = dice(bits + 1);
	sel->dplen = dice(4) ? dice(bits + 1) : 0;
	espl_addr_mask(&sel->saddr, sel->splen);
	espl_addr_mask(&sel->daddr, sel->dplen);
	sel->proto = dice(2) ? protos[dice(3)] : 0;
	flow->proto = protos[dice(3)];
	sel->sport = roll_range();
	sel->dport = roll_range();
	flow->ports_known = dice(3);
	flow->sport = htons(flow->ports_known ? roll_port() : 0);
	flow->dport = htons(flow->ports_known ? roll_port() : 0);
	flow->neighbour = flow->proto == IPPROTO_ICMPV6 && dice(2);
	flow->group = espl_addr_is_multicast(&flow->daddr, flow->family);
}

static int naive_any(struct espl_range range)
{
	return range.last - range.first == 65535;
}

/* By octets, so that an order that is forgotten shows. */
static int naive_range(struct espl_range range, __be16 port)
{
	const u8 *octet = (const u8 *)&port;
	int value = octet[0] * 256 + octet[1];

	return value >= range.first && value <= range.last;
}

static enum espl_match naive(const struct espl_sel *sel, const struct espl_flow *flow)
{
	int sport = naive_range(sel->sport, flow->sport);
	int dport = naive_range(sel->dport, flow->dport);

	if (sel->family != flow->family)
		return ESPL_MISS;
	if (sel->proto != 0 && sel->proto != flow->proto)
		return ESPL_MISS;
	if (!naive_in((u8 *)&flow->saddr, (u8 *)&sel->saddr, sel->splen) ||
	    !naive_in((u8 *)&flow->daddr, (u8 *)&sel->daddr, sel->dplen))
		return ESPL_MISS;
	if (flow->group && !espl_addr_is_multicast(&sel->daddr, sel->family))
		return ESPL_MISS;
	if (flow->neighbour && sel->proto != IPPROTO_ICMPV6)
		return ESPL_MISS;
	if (flow->ports_known || (naive_any(sel->sport) && naive_any(sel->dport)))
		return sport && dport ? ESPL_HIT : ESPL_MISS;
	return ESPL_MAYBE;
}

static void by_model(void)
{
	int wrong = 0, seen[3] = { 0 };

	for (int i = 0; i < 1000000; i++) {
		struct espl_sel sel;
		struct espl_flow flow;
		enum espl_match match;

		roll(&sel, &flow);
		match = espl_sel_match(&sel, &flow);
		wrong += match != naive(&sel, &flow);
		seen[match]++;
	}
	check(!wrong, "random flows match as the naive model says, %d times not", wrong);
	check(seen[ESPL_MISS] > 10000 && seen[ESPL_HIT] > 10000 && seen[ESPL_MAYBE] > 10000,
	      "with %d misses, %d hits and %d that ports would decide", seen[ESPL_MISS],
	      seen[ESPL_HIT], seen[ESPL_MAYBE]);
}

static void equality(void)
{
	struct espl_sel a = policy("10.1.0.0", 24, "10.2.0.0", 16), b = a;

	check(espl_sel_equal(&a, &b), "a selector equals itself");
#define DIFFERS(field) do {						\
		b = a;							\
		b.field ^= 0x0101;				\
		check(!espl_sel_equal(&a, &b), "another " #field);	\
	} while (0)
	DIFFERS(family);
	DIFFERS(proto);
	DIFFERS(splen);
	DIFFERS(dplen);
	DIFFERS(sport.first);
	DIFFERS(sport.last);
	DIFFERS(dport.first);
	DIFFERS(dport.last);
	DIFFERS(saddr.ip);
	DIFFERS(daddr.ip);
#undef DIFFERS
	b = a;
	b.dport = (struct espl_range){ 0, 0 };
	check(!espl_sel_equal(&a, &b), "port 0 is not any port");
}

int main(void)
{
	prefixes(32);
	prefixes(128);
	matches();
	links();
	groups();
	equality();
	by_model();
	return unit_done();
}
