/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tx.h - output, as main.c hooks it
 */
#ifndef ESPL_TX_H
#define ESPL_TX_H

#include <linux/netfilter.h>

struct espl_net;
struct espl_sa;
struct espl_waiting;

unsigned int espl_tx_hook(void *priv, struct sk_buff *skb,
			  const struct nf_hook_state *state);
void espl_tx_again(struct espl_net *en, const struct espl_waiting *packet,
		   u8 family);
void espl_tx_dummy(struct espl_sa *sa);

#endif
