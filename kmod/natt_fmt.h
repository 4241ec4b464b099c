/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * natt_fmt.h - UDP around ESP, and the checksums inside
 */
#ifndef ESPL_NATT_FMT_H
#define ESPL_NATT_FMT_H

#include <linux/udp.h>

#include "flow.h"

#define ESPL_UDP	8	/* octets of a UDP header */

/* The UDP header of a packet, NULL where it ends before that. */
static inline const struct udphdr *espl_natt_udp(const struct sk_buff *skb,
						 const struct espl_upper *upper,
						 struct udphdr *copy)
{
	return skb_header_pointer(skb, skb_network_offset(skb) + upper->offset,
				  sizeof(*copy), copy);
}

bool espl_natt_is_keepalive(const struct sk_buff *skb,
			    const struct espl_upper *upper);
bool espl_natt_inside(const struct sk_buff *skb, struct espl_upper *upper);
void espl_natt_checksum(struct sk_buff *skb, u8 family);

#endif
