/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * send.h - the last step of a protected packet
 */
#ifndef ESPL_SEND_H
#define ESPL_SEND_H

#include <linux/skbuff.h>

void espl_send(struct sk_buff *skb);
bool espl_is_sending(void);

#endif
