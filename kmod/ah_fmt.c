// SPDX-License-Identifier: GPL-2.0-only
/*
 * ah_fmt.c - which parts of the headers in front of AH the ICV covers
 *
 * Pure. What routers change on the way is made zero, what they change in a way
 * that is known beforehand is made what it will be (RFC 4302 section 3.3.3.1 and
 * appendix A). Called by ah.c, with a copy of the headers.
 */
#include "ah_fmt.h"

#define IP4_HEADER	20
#define IP6_HEADER	40
#define IP6_ADDR	16

/* Options that stay as they are; all others are made zero whole (A1). */
static bool is_fixed4(u8 type)
{
	switch (type) {
	case 130:	/* security */
	case 133:	/* extended security */
	case 134:	/* commercial security */
	case 148:	/* router alert */
	case 149:	/* sender directed multi-destination delivery */
		return true;
	default:
		return false;
	}
}

/* On its way the packet visits what a source route lists; its end is the last. */
static bool is_route_ahead(const u8 *option)
{
	const u8 loose = 131, strict = 137;

	return (option[0] == loose || option[0] == strict) &&
	       option[1] >= 7 && option[2] < option[1];
}

static bool mute_options4(u8 *header, unsigned int len, bool sending)
{
	unsigned int size;

	for (unsigned int at = IP4_HEADER; at < len; at += size) {
		u8 *option = header + at;

		size = 1;
		if (option[0] == 0)	/* end of the list */
			break;
		if (option[0] == 1)	/* no operation */
			continue;
		if (len - at < 2 || option[1] < 2 || option[1] > len - at)
			return false;
		size = option[1];
		if (is_fixed4(option[0]))
			continue;
		if (sending && is_route_ahead(option))
			memcpy(header + 16, option + size - 4, 4);
		memset(option, 0, size);
	}
	return true;
}

/**
 * espl_ah_mute4() - keep of an IPv4 header what the ICV covers
 * @header: a copy of the header with its options; changed
 * @len: its octets
 * @sending: it is about to leave: the destination becomes the final one
 *
 * Context: Any.
 * Return: False for broken options.
 */
bool espl_ah_mute4(u8 *header, unsigned int len, bool sending)
{
	if (len < IP4_HEADER)
		return false;
	header[1] = 0;			/* type of service */
	memset(header + 6, 0, 2);	/* flags and fragment offset */
	header[8] = 0;			/* time to live */
	memset(header + 10, 0, 2);	/* checksum */
	return mute_options4(header, len, sending);
}

/* The third bit of an option's type says that its data may change (A2). */
static bool mute_options6(u8 *options, unsigned int len)
{
	unsigned int size;

	for (unsigned int at = 0; at < len; at += size) {
		size = 1;
		if (options[at] == 0)	/* one octet of padding */
			continue;
		if (len - at < 2 || options[at + 1] + 2u > len - at)
			return false;
		size = options[at + 1] + 2;
		if (options[at] & 0x20)
			memset(options + at + 2, 0, size - 2);
	}
	return true;
}

/* Types 0 and 2: what the routing header is going to be like in the end. */
static bool arrive(u8 *header, u8 *routing)
{
	unsigned int hops = routing[1] / 2, left = routing[3];
	u8 *next;

	if (!left)
		return true;
	if ((routing[2] != 0 && routing[2] != 2) || routing[1] % 2 || left > hops)
		return false;
	next = routing + 8 + (hops - left) * IP6_ADDR;
	routing[3] = 0;
	/* Each address of those ahead makes way for the one before it. */
	for (; left; left--, next += IP6_ADDR) {
		u8 swap[IP6_ADDR];

		memcpy(swap, next, IP6_ADDR);
		memcpy(next, header + 24, IP6_ADDR);
		memcpy(header + 24, swap, IP6_ADDR);
	}
	return true;
}

static bool mute_extension(u8 *header, u8 *ext, u8 type, unsigned int size,
			   bool sending)
{
	switch (type) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_DSTOPTS:
		return mute_options6(ext + 2, size - 2);
	case IPPROTO_ROUTING:
		return (sending || !ext[3]) && arrive(header, ext);
	default:
		return false;
	}
}

/**
 * espl_ah_mute6() - keep of IPv6 headers what the ICV covers
 * @header: a copy of the IPv6 header and all headers in front of AH; changed
 * @len: their octets
 * @sending: they are about to leave: a routing header is made what it will be
 *
 * Context: Any.
 * Return: False for broken headers, and for those whose end is not known.
 */
bool espl_ah_mute6(u8 *header, unsigned int len, bool sending)
{
	unsigned int size;
	u8 type;

	if (len < IP6_HEADER)
		return false;
	header[0] = 0x60;		/* version; no traffic class, */
	memset(header + 1, 0, 3);	/* no flow label, */
	header[7] = 0;			/* no hop limit */
	type = header[6];
	for (unsigned int at = IP6_HEADER; at < len; at += size) {
		u8 *ext = header + at;

		if (len - at < 8 || (ext[1] + 1) * 8u > len - at)
			return false;
		size = (ext[1] + 1) * 8;
		if (!mute_extension(header, ext, type, size, sending))
			return false;
		type = ext[0];
	}
	return true;
}
