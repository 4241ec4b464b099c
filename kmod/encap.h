/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * encap.h - the IP headers around ESP and AH
 */
#ifndef ESPL_ENCAP_H
#define ESPL_ENCAP_H

#include <linux/ip.h>
#include <linux/ipv6.h>

#include "sad.h"

/* What an outer IPv4 header says about cutting it (RFC 4301 section 8.1). */
enum espl_df {
	ESPL_DF_CLEAR,	/* numbered as KAME's net.inet.ipsec.dfbit */
	ESPL_DF_SET,
	ESPL_DF_COPY,
};

extern unsigned int espl_encap_dfbit;

enum espl_df espl_encap_df(const struct espl_sa *sa);
unsigned int espl_encap_max(u8 family);
int espl_encap_header(const struct sk_buff *skb, u8 family);
bool espl_encap_push(struct sk_buff *skb, struct espl_sa *sa, u8 family,
		     unsigned int pad);

/* What sa->outerlen is to be. */
static inline unsigned int espl_encap_outer(const struct espl_sa *sa)
{
	if (sa->conf.mode != IPSEC_MODE_TUNNEL)
		return 0;
	return sa->conf.family == AF_INET ? sizeof(struct iphdr) :
					    sizeof(struct ipv6hdr);
}

#endif
