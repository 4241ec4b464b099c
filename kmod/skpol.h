/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * skpol.h - policies of single sockets
 */
#ifndef ESPL_SKPOL_H
#define ESPL_SKPOL_H

#include <linux/skbuff.h>
#include <net/sock.h>

void espl_skpol_init(void);
void espl_skpol_fini(void);

bool espl_skpol_is_bypass(const struct sock *sk, int dir);
bool espl_skpol_receiver(struct sk_buff *skb, u8 family);

/**
 * espl_skpol_sender() - may a packet leave past the SPD
 * @skb: a packet in POST_ROUTING
 *
 * Few sockets have a policy: 15 instructions less than to ask each.
 *
 * Context: RCU read side.
 * Return: Whether its socket has asked for that.
 */
static inline bool espl_skpol_sender(const struct sk_buff *skb)
{
	const struct sock *sk = skb_to_full_sk(skb);

	return sk && sk_fullsock(sk) && rcu_access_pointer(sk->sk_policy[XFRM_POLICY_OUT]) &&
	       espl_skpol_is_bypass(sk, XFRM_POLICY_OUT);
}

#endif
