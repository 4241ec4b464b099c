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
	port.dport = htons(7777);
	port.dport_mask = htons(0xffff);
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

static void equality(void)
{
	struct espl_sel a = policy("10.1.0.0", 24, "10.2.0.0", 16), b = a;

	check(espl_sel_equal(&a, &b), "a selector equals itself");
	b.splen = 25;
	check(!espl_sel_equal(&a, &b), "a longer prefix is another selector");
	b = a;
	b.dport_mask = htons(0xffff);
	check(!espl_sel_equal(&a, &b), "port 0 is not any port");
	b = a;
	b.proto = 6;
	check(!espl_sel_equal(&a, &b), "a protocol is not any protocol");
	b = policy("10.1.0.0", 24, "10.3.0.0", 16);
	check(!espl_sel_equal(&a, &b), "another destination");
}

int main(void)
{
	prefixes(32);
	prefixes(128);
	matches();
	links();
	equality();
	return unit_done();
}
