// SPDX-License-Identifier: GPL-2.0-only
/*
 * pmtu.c - how big a packet may be so that it still fits once protected
 *
 * Owns the inner MTU (RFC 4301 section 8.2): the arithmetic, cutting local TCP
 * to size, and telling senders. Called by tx.c before a packet is protected.
 */
#include <linux/icmpv6.h>
#include <net/icmp.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/tcp.h>

#include "cb.h"
#include "compat/compat.h"
#include "encap.h"
#include "pmtu.h"
#include "xform.h"

/* The size up to which a packet as it is now fits, in octets. */
static unsigned int inner(const struct sk_buff *skb, u8 family,
			  struct espl_sa *const *sa, unsigned int n,
			  unsigned int mtu)
{
	while (n--) {
		unsigned int outer = sa[n]->outerlen;
		int stays = 0;

		if (!outer)	/* transport: some header stays in front */
			stays = n && sa[n - 1]->conf.mode == IPSEC_MODE_TUNNEL ?
				sa[n - 1]->outerlen :
				espl_encap_header(skb, family);
		if (stays < 0 || mtu <= outer + stays + sa[n]->encaplen)
			return 0;
		mtu = stays + sa[n]->xform->mtu(sa[n], mtu - outer - stays -
						sa[n]->encaplen);
	}
	return mtu;
}

static const struct espl_sa *outermost_tunnel(struct espl_sa *const *sa,
					      unsigned int n)
{
	while (n--)
		if (sa[n]->conf.mode == IPSEC_MODE_TUNNEL)
			return sa[n];
	return NULL;
}

/**
 * espl_pmtu_measure() - which sizes fit
 * @skb: the packet, its network header set
 * @family: of its IP header
 * @sa: what will be applied to it, innermost first
 * @n: how many, 1 or more
 * @mtu: of the path that the outermost packet takes
 * @fit: filled, except for same_path
 *
 * Context: Any.
 */
void espl_pmtu_measure(struct sk_buff *skb, u8 family,
		       struct espl_sa *const *sa, unsigned int n,
		       unsigned int mtu, struct espl_fit *fit)
{
	const struct espl_sa *tunnel = outermost_tunnel(sa, n);
	u8 outer = tunnel ? tunnel->conf.family : family;
	enum espl_df df = tunnel && outer == AF_INET ? espl_encap_df(tunnel) :
						       ESPL_DF_COPY;

	fit->uncut = inner(skb, family, sa, n, mtu);
	fit->mtu = fit->uncut;
	/* IPv6 has no smaller MTU than this: the outer packet is cut instead. */
	if (family == AF_INET6 && fit->mtu < IPV6_MIN_MTU)
		fit->mtu = IPV6_MIN_MTU;
	fit->most = inner(skb, family, sa, n, espl_encap_max(outer));
	fit->loose = df == ESPL_DF_CLEAR;
	fit->piece = fit->mtu;
	/* In transport mode there is no header to put around a part. */
	if (sa[0]->conf.mode != IPSEC_MODE_TUNNEL) {
		fit->whole = UINT_MAX;
		return;
	}
	fit->whole = df == ESPL_DF_SET ? fit->mtu : fit->most;
	/* What was put together here was cut by its sender, and so it goes on. */
	if (espl_came_in(skb, family)) {
		fit->whole = min(fit->whole, espl_came_in(skb, family));
		fit->piece = min(fit->piece, espl_came_in(skb, family));
	}
}

/* IPv6 does not set its own mark on unicast: go by where the packet came in. */
static bool is_forwarded(const struct sk_buff *skb)
{
	return skb->skb_iif;
}

static bool may_be_fragmented(const struct sk_buff *skb, u8 family)
{
	if (skb->ignore_df)
		return true;
	return family == AF_INET && !(ip_hdr(skb)->frag_off & htons(IP_DF));
}

/*
 * A TCP segment of our own that is too big is simply made two: nothing is lost
 * while the socket learns. What is written here, TCP sets anew each time it
 * sends, so a clone on its queue does not mind.
 */
static bool cut_tcp(struct sk_buff *skb, u8 family, unsigned int mtu)
{
	struct skb_shared_info *shinfo = skb_shinfo(skb);
	unsigned int headers;

	/*
	 * A tunnel's device has put its headers around it, and its socket is still there;
	 * what is to be summed up then may be the tunnel's own UDP.
	 */
	if (!skb->sk || !sk_fullsock(skb->sk) || !sk_is_tcp(skb->sk) || skb->encapsulation ||
	    skb->ip_summed != CHECKSUM_PARTIAL ||
	    skb->csum_offset != offsetof(struct tcphdr, check))
		return false;
	headers = skb_transport_offset(skb) - skb_network_offset(skb) +
		  tcp_hdrlen(skb);
	if (mtu < headers + TCP_MIN_MSS)
		return false;
	/*
	 * A signature (MD5, AO) is of the segment as it is, and a second SYN is another: what
	 * is put around such a segment is cut.
	 */
	if (skb->sk->sk_gso_disabled || tcp_hdr(skb)->syn) {
		skb->ignore_df = 1;
		return true;
	}
	if (!skb_is_gso(skb))
		shinfo->gso_type = family == AF_INET ? SKB_GSO_TCPV4 :
						       SKB_GSO_TCPV6;
	shinfo->gso_size = mtu - headers;
	shinfo->gso_segs = DIV_ROUND_UP(skb->len - headers, mtu - headers);
	return true;
}

static void tell(struct sk_buff *skb, u8 family, unsigned int mtu)
{
	/* A sender of our own is told by what its call returns. */
	if (!is_forwarded(skb))
		return;
	if (family == AF_INET)
		icmp_send(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, htonl(mtu));
	else
		icmpv6_send(skb, ICMPV6_PKT_TOOBIG, 0, mtu);
}

/*
 * Does anyone hear of what is too big: not the device of a tunnel, which gives to IP what
 * has another's socket or none, unless the route can tell it.
 */
static bool is_heard(struct sk_buff *skb, const struct espl_fit *fit, struct sock *by)
{
	return is_forwarded(skb) || !fit->same_path ||
	       (by && sk_to_full_sk(by) == skb_to_full_sk(skb));
}

/**
 * espl_pmtu_fit() - see to it that a packet fits, or that its sender hears of it
 * @skb: the packet, not yet protected; may be made GSO, or GSO of smaller pieces
 * @family: of its IP header
 * @fit: as espl_pmtu_measure() found
 * @by: the socket that IP was given it by, or NULL
 *
 * Context: BH off, RCU read side.
 * Return: False where it is too big and may not be fragmented: drop it with
 *	   -EMSGSIZE.
 */
bool espl_pmtu_fit(struct sk_buff *skb, u8 family, const struct espl_fit *fit,
		   struct sock *by)
{
	unsigned int mtu = fit->mtu;

	if (skb_is_gso(skb) ? skb_gso_validate_network_len(skb, mtu) :
			      skb->len <= mtu)
		return true;
	if (!fit->loose && !fit->same_path && !is_forwarded(skb))
		skb_dst_update_pmtu_no_confirm(skb, mtu);
	if (cut_tcp(skb, family, mtu))
		return true;
	if (!skb_is_gso(skb) && fit->whole == UINT_MAX && skb->len > fit->most) {
		mtu = fit->most;
	} else if (fit->loose || may_be_fragmented(skb, family)) {
		return true;
	} else if (!is_heard(skb, fit, by)) {
		skb->ignore_df = 1;
		return true;
	}
	tell(skb, family, mtu);
	return false;
}
