/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * skpol.h - policies of single sockets
 */
#ifndef ESPL_SKPOL_H
#define ESPL_SKPOL_H

#include <linux/skbuff.h>

void espl_skpol_init(void);
void espl_skpol_fini(void);

bool espl_skpol_sender(const struct sk_buff *skb);
bool espl_skpol_receiver(struct sk_buff *skb, u8 family);

#endif
