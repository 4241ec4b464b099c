// SPDX-License-Identifier: GPL-2.0-only
/*
 * ah.c - AH's length, and the walk over the headers in front of it
 *
 * The walk over IPv6 extension headers is in three parts: what is done with one, the
 * walk from one to the next, and what calls the one by its type. Where one part calls
 * another, a function called any_*() stands for it: it asserts what the other may count
 * on. That the other needs no more is its own proof.
 */
#define OCTETS
#include "prove.h"

#include "../../kmod/ah_fmt.c"

/* Any ICV that there is, up to 64 octets in whole words. */
void prove_length(void)	/* --unwind 2 */
{
	unsigned int icvlen = any_below(17) * 4;
	bool six = any_bool();
	unsigned int len = espl_ah_len(icvlen, six);

	certain(len >= ESPL_AH_FIXED + icvlen && len < ESPL_AH_FIXED + icvlen + 8,
		"the header holds the ICV, and little more");
	certain(len % (six ? 8 : 4) == 0, "in whole units");
	certain(espl_ah_len_read(espl_ah_len_write(len)) == len,
		"the field says what it is");
	certain(espl_ah_len_ok(len, icvlen), "and it is taken");
}

/* Any field is some length that cannot overflow. */
void prove_length_read(void)	/* --unwind 2 */
{
	unsigned int len = espl_ah_len_read(any_u8());

	certain(len >= 8 && len <= 1028, "a length of 8 bits");
}

/* Any IPv4 header with so many octets of options, in memory of just its size. */
static void mute4(unsigned int options)
{
	u8 *header = any_octets(20 + options), first = header[0];

	espl_ah_mute4(header, 20 + options, any_bool());
	certain(header[0] == first, "version and length are covered");
	certain(!header[1] && !header[8], "what routers change is not");
}

void prove_mute4_no_options(void) { mute4(0); }	/* --unwind 6 */
void prove_mute4_12_octets(void) { mute4(12); }	/* --unwind 14 */

/* Any IPv6 header without extensions, in memory of just its size. */
void prove_mute6_no_extension(void)	/* --unwind 20 */
{
	unsigned int len = 40;
	u8 *header = malloc(len);

	suppose(header);
	if (espl_ah_mute6(header, len, any_bool()))
		certain(header[0] == 0x60 && !header[7], "what routers change is not covered");
}

/* RFC 4302 A2: is the octet in the data of an option that may change on the way. */
static bool may_change(const u8 *options, unsigned int len, unsigned int octet)
{
	unsigned int size;

	for (unsigned int at = 0; at < len && at <= octet; at += size) {
		size = options[at] ? options[at + 1] + 2 : 1;
		if (octet >= at + 2 && octet < at + size)
			return options[at] & 0x20;
	}
	return false;
}

#define OPTIONS	10

/* Any options of IPv6, up to 10 octets, an option of any length among them. */
void prove_mute6_options(void)	/* --unwind 12 */
{
	unsigned int len = any_below(OPTIONS + 1), k = any_below(OPTIONS);
	u8 *options = any_octets_at_end(OPTIONS, len), was[OPTIONS + 1];

	suppose(k < len);
	for (unsigned int i = 0; i < OPTIONS; i++)
		was[i] = i < len ? options[i] : 0;
	if (!mute_options6(options, len))
		return;
	certain(options[k] == (may_change(was, len, k) ? 0 : was[k]),
		"what may change on the way is not covered, all else is");
}

#define HOPS	2

/* RFC 8200 section 4.4: what each hop does to its routing header, up to the last. */
static void travel(u8 *destination, u8 *routing)
{
	for (unsigned int hop = 0; hop < HOPS && routing[3]; hop++) {
		u8 *next = routing + 8 + (routing[1] / 2 - routing[3]) * IP6_ADDR;

		for (unsigned int i = 0; i < IP6_ADDR; i++) {
			u8 was = destination[i];

			destination[i] = next[i];
			next[i] = was;
		}
		routing[3]--;
	}
}

/* Any routing header with up to 2 addresses: as it will be when it arrives. */
void prove_mute6_routing(void)	/* --unwind 42 */
{
	unsigned int size = 8 + any_below(HOPS * 2 + 1) * 8;
	unsigned int k = any_below(8 + HOPS * IP6_ADDR);
	u8 *header = any_octets(IP6_HEADER);
	u8 *routing = any_octets_at_end(8 + HOPS * IP6_ADDR, size);
	u8 end[IP6_ADDR], route[8 + HOPS * IP6_ADDR];
	u8 source = header[8 + k % IP6_ADDR];
	bool done;

	suppose(routing[1] == size / 8 - 1);
	for (unsigned int i = 0; i < sizeof(route); i++)
		route[i] = i < size ? routing[i] : 0;
	memcpy(end, header + 24, IP6_ADDR);
	done = arrive(header, routing);
	certain(routing[0] == route[0] && routing[1] == route[1],
		"the walk goes on as it would have");
	certain(header[8 + k % IP6_ADDR] == source, "the source stays");
	if (!done)
		return;
	travel(end, route);
	certain(header[24 + k % IP6_ADDR] == end[k % IP6_ADDR],
		"the destination is the last hop");
	certain(k >= size || routing[k] == route[k], "the route is as it will be");
}

bool any_options(u8 *options, unsigned int len)
{
	certain(__CPROVER_w_ok(options, len), "options lie within their header");
	return any_bool();
}

bool any_arrival(u8 *header, u8 *routing)
{
	certain(__CPROVER_w_ok(header, IP6_HEADER), "an IPv6 header");
	certain(__CPROVER_w_ok(routing, (routing[1] + 1) * 8), "a whole routing header");
	return any_bool();
}

/* One extension header of any type and length. */
void prove_mute6_extension(void)	/* --unwind 18 replace mute_options6:any_options replace arrive:any_arrival */
{
	unsigned int size = (any_u8() + 1) * 8;
	u8 *ext = any_octets(size);
	u8 type = any_u8();

	suppose(ext[1] == size / 8 - 1);
	if (mute_extension(any_octets(IP6_HEADER), ext, type, size, any_bool()))
		certain(type == IPPROTO_HOPOPTS || type == IPPROTO_DSTOPTS ||
			type == IPPROTO_ROUTING, "what is not known is not covered");
}

bool any_extension(u8 *header, u8 *ext, u8 type, unsigned int size, bool sending)
{
	(void)type;
	(void)sending;
	certain(__CPROVER_w_ok(header, IP6_HEADER), "an IPv6 header");
	certain(size >= 8 && size == (ext[1] + 1) * 8u, "an extension header is whole");
	certain(__CPROVER_w_ok(ext, size), "and lies within the headers");
	return any_bool();
}

#define EXTENSIONS	128

/* Any IPv6 header with any extension headers, up to 128 octets of them: 16. */
void prove_mute6_walk(void)	/* --unwind 18 replace mute_extension:any_extension */
{
	unsigned int len = any_below(IP6_HEADER + EXTENSIONS + 1);
	u8 *header = any_octets_at_end(IP6_HEADER + EXTENSIONS, len);

	if (!espl_ah_mute6(header, len, any_bool()))
		return;
	certain(len >= IP6_HEADER && len % 8 == 0, "whole headers");
	certain(header[0] == 0x60 && !header[1] && !header[2] && !header[3] && !header[7],
		"what routers change is not covered");
}
