/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ah_fmt.h - the layout of AH, and what of the headers before it is immutable
 *
 *	| next 1 | length 1 | reserved 2 | SPI 4 | sequence 4 | ICV | padding |
 */
#ifndef ESPL_AH_FMT_H
#define ESPL_AH_FMT_H

#include "portable.h"

#define ESPL_AH_FIXED	12	/* octets before the ICV */

/*
 * Octets of a header with an ICV of so many: whole words in IPv4, pairs of them
 * in IPv6 (RFC 4302 section 2.6).
 */
static inline unsigned int espl_ah_len(unsigned int icvlen, bool ipv6)
{
	unsigned int unit = ipv6 ? 8 : 4;

	return DIV_ROUND_UP(ESPL_AH_FIXED + icvlen, unit) * unit;
}

/* The length field counts words less two (RFC 4302 section 2.2). */
static inline u8 espl_ah_len_write(unsigned int len)
{
	return len / 4 - 2;
}

static inline unsigned int espl_ah_len_read(u8 field)
{
	return (field + 2) * 4;
}

/* Linux pads to pairs of words in IPv4, too: both are taken. */
static inline bool espl_ah_len_ok(unsigned int len, unsigned int icvlen)
{
	return len == espl_ah_len(icvlen, false) || len == espl_ah_len(icvlen, true);
}

bool espl_ah_mute4(u8 *header, unsigned int len, bool sending);
bool espl_ah_mute6(u8 *header, unsigned int len, bool sending);

#endif
