// SPDX-License-Identifier: GPL-2.0-only
/*
 * skpol.c - policies of single sockets: IP_IPSEC_POLICY and IPV6_IPSEC_POLICY
 *
 * Owns the answer to "does this socket's traffic pass by the SPD". IKE daemons ask
 * for that, and do not start where the option fails. The option is the core's: it
 * hands what the daemon says to whoever registered as a manager of xfrm, and keeps
 * the policy that it gets back in the socket. So we register, for that alone, and
 * tx.c and check.c look at what is in the socket.
 *
 * A socket can pass by the SPD, and no more: the core says nothing when a socket's
 * policy goes, so what a policy of our own would need could not be kept right.
 */
#include "../uapi/linux/pfkeyv2.h"	/* first: the kernel's own has its guard */

#include <linux/ipsec.h>
#include <net/inet_sock.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/udp.h>
#include <net/xfrm.h>

#include "flow.h"
#include "skpol.h"

/* Is it the PF_KEY form of "bypass". iked gives it another extension's number. */
static int read_direction(const void *data, int len)
{
	const struct sadb_x_policy *ext = data;

	if (len < (int)sizeof(*ext) || ext->sadb_x_policy_len * 8 > len ||
	    ext->sadb_x_policy_len * 8 < (int)sizeof(*ext))
		return -EINVAL;
	if (ext->sadb_x_policy_type != IPSEC_POLICY_BYPASS &&
	    ext->sadb_x_policy_type != IPSEC_POLICY_NONE)
		return -EOPNOTSUPP;
	switch (ext->sadb_x_policy_dir) {
	case IPSEC_DIR_INBOUND:
		return XFRM_POLICY_IN;
	case IPSEC_DIR_OUTBOUND:
		return XFRM_POLICY_OUT;
	default:
		return -EINVAL;
	}
}

/* RCU read side. What @dir is set to is the direction, or why not. */
static struct xfrm_policy *compile_policy(struct sock *sk, int opt, u8 *data,
					  int len, int *dir)
{
	bool four = opt == IP_IPSEC_POLICY && sk->sk_family == AF_INET;
	bool six = opt == IPV6_IPSEC_POLICY && sk->sk_family == AF_INET6;
	struct xfrm_policy *policy;

	*dir = four || six ? read_direction(data, len) : -EOPNOTSUPP;
	if (*dir < 0)
		return NULL;
	policy = xfrm_policy_alloc(sock_net(sk), GFP_ATOMIC);
	if (!policy) {
		*dir = -ENOBUFS;
		return NULL;
	}
	policy->action = XFRM_POLICY_ALLOW;
	policy->family = sk->sk_family;
	policy->lft.soft_byte_limit = XFRM_INF;
	policy->lft.hard_byte_limit = XFRM_INF;
	policy->lft.soft_packet_limit = XFRM_INF;
	policy->lft.hard_packet_limit = XFRM_INF;
	return policy;
}

/* What xfrm's own policies want is not for us to make. */
static int acquire(struct xfrm_state *x, struct xfrm_tmpl *tmpl,
		   struct xfrm_policy *policy)
{
	return -ESRCH;
}

static struct xfrm_mgr manager = {
	.acquire = acquire,
	.compile_policy = compile_policy,
};

static struct sock *udp_receiver(struct sk_buff *skb, u8 family,
				 const struct udphdr *uh)
{
	struct net *net = dev_net(skb->dev);

	if (family == AF_INET)
		return udp4_lib_lookup(net, ip_hdr(skb)->saddr, uh->source,
				       ip_hdr(skb)->daddr, uh->dest, inet_iif(skb));
	return udp6_lib_lookup(net, &ipv6_hdr(skb)->saddr, uh->source,
			       &ipv6_hdr(skb)->daddr, uh->dest, inet6_iif(skb));
}

/**
 * espl_skpol_receiver() - may a packet come in past the SPD
 * @skb: a packet in LOCAL_IN
 * @family: its IP version
 *
 * The socket is looked for among those of UDP, which IKE speaks, unless the IP layer
 * has found it already.
 *
 * Context: BH off, RCU read side.
 * Return: Whether the socket that it is for has asked for that.
 */
bool espl_skpol_receiver(struct sk_buff *skb, u8 family)
{
	struct espl_upper upper;
	struct udphdr *uh, copy;
	struct sock *sk;
	bool bypass;

	if (skb->sk)
		return espl_skpol_is_bypass(skb_to_full_sk(skb), XFRM_POLICY_IN);
	if (!espl_upper_find(skb, family, &upper) || upper.later ||
	    upper.proto != IPPROTO_UDP)
		return false;
	uh = skb_header_pointer(skb, skb_network_offset(skb) + upper.offset,
				sizeof(copy), &copy);
	sk = uh ? udp_receiver(skb, family, uh) : NULL;
	if (!sk)
		return false;
	bypass = espl_skpol_is_bypass(sk, XFRM_POLICY_IN);
	sock_put(sk);
	return bypass;
}

/**
 * espl_skpol_init() - have sockets' policies brought to us
 *
 * Context: Process.
 */
void espl_skpol_init(void)
{
	xfrm_register_km(&manager);
}

/**
 * espl_skpol_fini() - undo that; sockets keep theirs
 *
 * Context: Process, may sleep.
 */
void espl_skpol_fini(void)
{
	xfrm_unregister_km(&manager);
}
