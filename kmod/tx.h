/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tx.h - output, as main.c hooks it
 */
#ifndef ESPL_TX_H
#define ESPL_TX_H

#include <linux/netfilter.h>

struct espl_sa;

unsigned int espl_tx_hook(void *priv, struct sk_buff *skb,
			  const struct nf_hook_state *state);
void espl_tx_dummy(struct espl_sa *sa);

#endif
