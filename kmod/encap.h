/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * encap.h - the IP headers around ESP and AH
 */
#ifndef ESPL_ENCAP_H
#define ESPL_ENCAP_H

#include "sad.h"

unsigned int espl_encap_outer(const struct espl_sa *sa);
int espl_encap_header(const struct sk_buff *skb, u8 family);
bool espl_encap_push(struct sk_buff *skb, struct espl_sa *sa, u8 family);

void espl_decap_transport(struct sk_buff *skb, u8 family, unsigned int offset,
			  unsigned int nhoff, unsigned int strip, u8 proto);
bool espl_decap_tunnel(struct sk_buff *skb, u8 outer_family,
		       unsigned int strip, u8 proto);
bool espl_inner_ok(struct sk_buff *skb, u8 family);

#endif
