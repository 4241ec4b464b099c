/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * skpol.h - policies of single sockets
 */
#ifndef ESPL_SKPOL_H
#define ESPL_SKPOL_H

#include <linux/skbuff.h>
#include <net/sock.h>
#include <net/xfrm.h>

void espl_skpol_init(void);
void espl_skpol_fini(void);

bool espl_skpol_receiver(struct sk_buff *skb, u8 family);

/**
 * espl_skpol_is_bypass() - may what a socket sends or receives pass by the SPD
 * @sk: the socket, or NULL
 * @dir: XFRM_POLICY_IN or XFRM_POLICY_OUT
 *
 * Context: RCU read side.
 * Return: Whether it has asked for that.
 */
static inline bool espl_skpol_is_bypass(const struct sock *sk, int dir)
{
	const struct xfrm_policy *policy;

	if (!sk || !sk_fullsock(sk))
		return false;
	policy = rcu_dereference(sk->sk_policy[dir]);
	return policy && policy->action == XFRM_POLICY_ALLOW && !policy->xfrm_nr;
}

/**
 * espl_skpol_sender() - may a packet leave past the SPD
 * @skb: a packet in POST_ROUTING
 * @by: the socket that IP was given it by, or NULL
 * @proto: its upper-layer protocol
 *
 * What a tunnel's device has put around a socket's packet has that socket still, and is
 * sent by the tunnel's, or by none. So is what a VRF's device has sent on as it was.
 *
 * Context: RCU read side.
 * Return: Whether the socket that made it has asked for that.
 */
static inline bool espl_skpol_sender(const struct sk_buff *skb, struct sock *by, u8 proto)
{
	const struct sock *sk = skb_to_full_sk(skb);

	return espl_skpol_is_bypass(sk, XFRM_POLICY_OUT) &&
	       (by ? sk_to_full_sk(by) == sk : sk->sk_protocol == proto);
}

#endif
