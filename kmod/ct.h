/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ct.h - what we ask of conntrack, and what we keep it from
 */
#ifndef ESPL_CT_H
#define ESPL_CT_H

#include <linux/skbuff.h>

#include "sel.h"
#include "spd.h"

#if IS_ENABLED(CONFIG_NF_CONNTRACK)

bool espl_ct_confirm(struct sk_buff *skb);
unsigned int espl_ct_leave(struct espl_net *en, struct sk_buff *skb,
			   const struct nf_hook_state *state);
void espl_ct_undo_nat(const struct sk_buff *skb, struct espl_flow *flow);
void espl_ct_guard(struct espl_net *en, struct sk_buff *skb);
void espl_ct_bar(struct sk_buff *skb);
void espl_ct_review(struct espl_net *en, const struct espl_policy *policy);
void espl_ct_review_due(struct espl_net *en);
void espl_ct_init(struct espl_net *en);
void espl_ct_fini(struct espl_net *en);
void espl_ct_watch(void);
void espl_ct_unwatch(void);

#else

static inline bool espl_ct_confirm(struct sk_buff *skb)
{
	return true;
}

static inline unsigned int espl_ct_leave(struct espl_net *en, struct sk_buff *skb,
					 const struct nf_hook_state *state)
{
	return NF_ACCEPT;
}

static inline void espl_ct_undo_nat(const struct sk_buff *skb,
				    struct espl_flow *flow) {}
static inline void espl_ct_guard(struct espl_net *en, struct sk_buff *skb) {}
static inline void espl_ct_bar(struct sk_buff *skb) {}
static inline void espl_ct_review(struct espl_net *en,
				  const struct espl_policy *policy) {}
static inline void espl_ct_review_due(struct espl_net *en) {}
static inline void espl_ct_init(struct espl_net *en) {}
static inline void espl_ct_fini(struct espl_net *en) {}
static inline void espl_ct_watch(void) {}
static inline void espl_ct_unwatch(void) {}

#endif
#endif
