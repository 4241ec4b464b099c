/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * segment.h - cutting TCP super-packets
 */
#ifndef ESPL_SEGMENT_H
#define ESPL_SEGMENT_H

#include <linux/skbuff.h>

struct sk_buff *espl_segment(struct sk_buff *skb, u8 family, unsigned int head,
			     unsigned int tail);
void espl_segment_fini(void);

#endif
