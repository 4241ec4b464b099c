// SPDX-License-Identifier: GPL-2.0-only
/*
 * frag.c - fragments put together, and datagrams cut (RFC 4301 section 7)
 *
 * Owns what is done about fragments that show no ports where a policy asks for
 * ports: they wait until their datagram is whole, and are judged as one. And the
 * cutting of datagrams that are too long for a tunnel as they are. Called by
 * tx.c, rx.c and check.c.
 */
#include <linux/netfilter.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/netfilter/ipv6/nf_defrag_ipv6.h>

#include "flow.h"
#include "frag.h"
#include "spd.h"

/**
 * espl_frag_gather() - put a fragment to its like
 * @net: the namespace
 * @skb: the fragment, data and network header at the IP header
 * @family: AF_INET or AF_INET6
 * @user: whose it is
 *
 * What a packet's IPCB says then is that of its first fragment.
 *
 * Context: BH off.
 * Return: 0 where @skb is now the whole datagram, which may be cut again when it
 *	   leaves, or as it was, where it is none that could ever become whole; else
 *	   an error, and @skb is not the caller's any more.
 */
int espl_frag_gather(struct net *net, struct sk_buff *skb, u8 family, u32 user)
{
	int err;

	if (family == AF_INET) {
		err = ip_defrag(net, skb, user);
	} else {
		err = nf_ct_frag6_gather(net, skb, user);
		if (err && err != -EINPROGRESS)
			kfree_skb(skb);
	}
	if (!err)
		skb->ignore_df = 1;
	else if (err != -EINPROGRESS)
		espl_stat_inc(espl_net(net), user == ESPL_FRAG_OUT ?
			      ESPL_OUT_FRAGMENT : ESPL_IN_FRAGMENT);
	return err;
}

/* Might the ports matter, that some fragment of the datagram does not show? */
static bool ports_decide(struct espl_net *en, const struct espl_flow *flow,
			 unsigned int dirs)
{
	struct espl_flow later = *flow;

	later.ports_known = false;
	later.proto_hidden = flow->family == AF_INET6;
	for (unsigned int dir = 0; dir < ESPL_DIRS; dir++)
		if ((dirs & BIT(dir)) &&
		    espl_spd_lookup(en, dir, &later) == ESPL_UNCLEAR)
			return true;
	return false;
}

/**
 * espl_frag_settle() - hold back fragments that a policy cannot judge
 * @en: the namespace
 * @skb: a fragment, data and network header at the IP header
 * @flow: its flow; read anew where the packet has become whole
 * @dirs: a bit for each direction in which it will be held against the SPD
 * @user: whose fragments these are
 *
 * The first fragment does show its ports, but must not go ahead of the others.
 *
 * Context: BH off, RCU read side, in a netfilter hook.
 * Return: NF_ACCEPT to go on with @skb and @flow, else what the hook answers.
 */
unsigned int espl_frag_settle(struct espl_net *en, struct sk_buff *skb,
			      struct espl_flow *flow, unsigned int dirs,
			      u32 user)
{
	if (!ports_decide(en, flow, dirs))
		return NF_ACCEPT;
	if (espl_frag_gather(en->net, skb, flow->family, user))
		return NF_STOLEN;
	if (espl_flow_read(skb, flow->family, flow))
		return NF_ACCEPT;
	espl_stat_note(en, skb, user == ESPL_FRAG_OUT ? ESPL_OUT_HEADER : ESPL_IN_HEADER);
	return NF_DROP;
}

static void list_add_piece(struct sk_buff ***tail, struct sk_buff *piece)
{
	**tail = piece;
	*tail = &piece->next;
}

static struct sk_buff *cut4(struct sk_buff *skb, unsigned int mtu)
{
	unsigned int hlen = ip_hdrlen(skb);
	struct sk_buff *list = NULL, **tail = &list, *piece;
	struct ip_frag_state state;

	if (mtu < hlen + 8)
		return NULL;
	ip_frag_init(skb, hlen, LL_RESERVED_SPACE(skb_dst(skb)->dev), mtu - hlen,
		     false, &state);
	while (state.left) {
		piece = ip_frag_next(skb, &state);
		if (IS_ERR(piece))
			goto err;
		list_add_piece(&tail, piece);
	}
	return list;

err:
	kfree_skb_list(list);
	return NULL;
}

static struct sk_buff *cut6(struct net *net, struct sk_buff *skb, unsigned int mtu)
{
	struct sk_buff *list = NULL, **tail = &list, *piece;
	struct ip6_frag_state state;
	u8 *announces;
	int hlen = ip6_find_1stfragopt(skb, &announces);

	if (hlen < 0 || mtu < hlen + sizeof(struct frag_hdr) + 8)
		return NULL;
	ip6_frag_init(skb, hlen, mtu - hlen - sizeof(struct frag_hdr), 0,
		      LL_RESERVED_SPACE(skb_dst(skb)->dev), announces, *announces,
		      ipv6_select_ident(net, &ipv6_hdr(skb)->daddr,
					&ipv6_hdr(skb)->saddr), &state);
	while (state.left) {
		piece = ip6_frag_next(skb, &state);
		if (IS_ERR(piece))
			goto err;
		list_add_piece(&tail, piece);
	}
	return list;

err:
	kfree_skb_list(list);
	return NULL;
}

/**
 * espl_frag_cut() - cut a datagram into fragments
 * @net: the namespace
 * @skb: the datagram, its checksum done, its headers linear; left as it is
 * @family: AF_INET or AF_INET6
 * @mtu: octets of a fragment at most
 *
 * Context: BH off.
 * Return: The fragments, linked by next, or NULL without memory or where @mtu
 *	   has no room for the headers.
 */
struct sk_buff *espl_frag_cut(struct net *net, struct sk_buff *skb, u8 family,
			      unsigned int mtu)
{
	return family == AF_INET ? cut4(skb, mtu) : cut6(net, skb, mtu);
}
