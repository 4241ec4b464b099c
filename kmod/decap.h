/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * decap.h - the IP headers around ESP and AH taken off
 */
#ifndef ESPL_DECAP_H
#define ESPL_DECAP_H

#include <linux/skbuff.h>

#include "portable.h"

void espl_decap_transport(struct sk_buff *skb, u8 family, unsigned int offset,
			  unsigned int nhoff, unsigned int strip, u8 proto);
int espl_decap_tunnel(struct sk_buff *skb, u8 outer_family,
		      unsigned int strip, u8 proto);

#endif
