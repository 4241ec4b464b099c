/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * merge.h - TCP segments that came out of an SA, put together
 */
#ifndef ESPL_MERGE_H
#define ESPL_MERGE_H

#include "cb.h"
#include "flow.h"

bool espl_merge_next(struct sk_buff *skb, unsigned long version);
bool espl_merge_first(struct sk_buff *skb, const struct espl_upper *upper,
		      unsigned long version, bool local);
int espl_merge_init(void);
void espl_merge_fini(void);

#endif
