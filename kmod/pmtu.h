/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pmtu.h - how big a packet may be so that it still fits once protected
 */
#ifndef ESPL_PMTU_H
#define ESPL_PMTU_H

#include "sad.h"

unsigned int espl_pmtu_inner(const struct sk_buff *skb, u8 family,
			     struct espl_sa *const *sa, unsigned int n,
			     unsigned int mtu);
bool espl_pmtu_fit(struct sk_buff *skb, u8 family, unsigned int mtu,
		   bool same_path);

#endif
