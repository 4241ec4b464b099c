// SPDX-License-Identifier: GPL-2.0-only
/*
 * encap.c - the IP headers around ESP and AH (RFC 4301 section 5.1.2)
 *
 * Owns how a packet is laid out before it is sealed: transport mode slips ESP
 * between a packet's own IP header and its payload, tunnel mode puts an outer IP
 * header before it all. Called by tx.c; decap.c undoes it.
 */
#include <net/dsfield.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "cb.h"
#include "compat/compat.h"
#include "encap.h"
#include "flow.h"
#include "natt.h"
#include "xform.h"

/* Module parameter: enum espl_df. */
unsigned int espl_encap_dfbit = ESPL_DF_COPY;

/**
 * espl_encap_df() - what the outer header of a tunnel says of DF
 * @sa: the SA
 *
 * Context: Any.
 * Return: What the SA says, or else the module parameter.
 */
enum espl_df espl_encap_df(const struct espl_sa *sa)
{
	unsigned int df = READ_ONCE(espl_encap_dfbit);

	if (sa->conf.flags & SADB_SAFLAGS_NOPMTUDISC)
		return ESPL_DF_CLEAR;
	return df < ESPL_DF_COPY ? df : ESPL_DF_COPY;
}

/**
 * espl_encap_max() - how long an IP packet can be
 * @family: AF_INET or AF_INET6, without jumbograms
 *
 * Context: Any.
 * Return: Octets.
 */
unsigned int espl_encap_max(u8 family)
{
	return family == AF_INET ? IP_MAX_MTU :
				   sizeof(struct ipv6hdr) + IPV6_MAXPLEN;
}

/**
 * espl_encap_header() - how much of a packet stays in front in transport mode
 * @skb: the packet, its IP header with options or extension headers linear
 * @family: AF_INET or AF_INET6
 *
 * IPv6: what every hop reads; the rest is the end host's (RFC 4303 section
 * 3.1.1).
 *
 * Context: Any.
 * Return: Octets, or -EINVAL for broken headers.
 */
int espl_encap_header(const struct sk_buff *skb, u8 family)
{
	u8 *nexthdr;

	if (family == AF_INET)
		return ip_hdrlen(skb);
	return ip6_find_1stfragopt((struct sk_buff *)skb, &nexthdr);
}

/* What the outer header takes from the inner one: read before it is sealed. */
struct inner {
	u8 proto;	/* how it is announced */
	u8 dsfield;	/* DSCP and ECN (RFC 6040 section 4.1: copied) */
	__be16 df;
};

static bool wants_df(enum espl_df df, bool inner)
{
	return df == ESPL_DF_SET || (df == ESPL_DF_COPY && inner);
}

static struct inner read_inner(const struct sk_buff *skb, u8 family,
			       enum espl_df df)
{
	if (family == AF_UNSPEC)
		return (struct inner){ .proto = IPPROTO_NONE };
	if (family == AF_INET)
		return (struct inner){
			.proto = IPPROTO_IPIP,
			.dsfield = ipv4_get_dsfield(ip_hdr(skb)),
			.df = wants_df(df, ip_hdr(skb)->frag_off & htons(IP_DF)) ?
			      htons(IP_DF) : 0,
		};
	/* IPv6 is not to be fragmented, but nobody may be told less than 1280. */
	return (struct inner){
		.proto = IPPROTO_IPV6,
		.dsfield = ipv6_get_dsfield(ipv6_hdr(skb)),
		.df = skb->len > IPV6_MIN_MTU && wants_df(df, !skb->ignore_df) ?
		      htons(IP_DF) : 0,
	};
}

/* What the IP header in front announces. */
static u8 announced(const struct espl_sa *sa)
{
	return sa->encaplen ? IPPROTO_UDP : sa->conf.proto;
}

static noinline __be32 moved_to(const struct espl_sa *sa)
{
	return espl_natt_remote(sa).addr.ip;
}

/* As ip4_dst_hoplimit(), which asks the route for the namespace: 20 instructions less. */
static u8 hop_limit(const struct sk_buff *skb, const struct espl_sa *sa)
{
	return dst_metric_raw(skb_dst(skb), RTAX_HOPLIMIT) ?:
	       READ_ONCE(sa->en->net->ipv4.sysctl_ip_default_ttl);
}

static void fill4(struct sk_buff *skb, const struct espl_sa *sa,
		  struct inner inner)
{
	struct iphdr *iph = ip_hdr(skb);

	*iph = (struct iphdr){
		.version = 4,
		.ihl = 5,
		.tos = inner.dsfield,
		.tot_len = htons(skb->len),
		.frag_off = inner.df,
		.ttl = hop_limit(skb, sa),
		.protocol = announced(sa),
		.saddr = sa->conf.saddr.ip,
		.daddr = sa->encaplen ? moved_to(sa) : sa->conf.daddr.ip,
	};
	/* What nobody will cut needs no number (RFC 6864): 140 instructions less. */
	if (!inner.df || !espl_cb(skb)->fits)
		ip_select_ident(sa->en->net, skb, NULL);
	/* Of the outermost header IP computes the checksum, whatever is there. */
	if (espl_cb(skb)->next + 1 < espl_cb(skb)->n)
		ip_send_check(iph);
	skb->protocol = htons(ETH_P_IP);
}

static noinline void fill6(struct sk_buff *skb, const struct espl_sa *sa,
			   struct inner inner)
{
	struct ipv6hdr *ip6h = ipv6_hdr(skb);

	*ip6h = (struct ipv6hdr){
		.nexthdr = announced(sa),
		.payload_len = htons(skb->len - sizeof(*ip6h)),
		.hop_limit = ip6_dst_hoplimit(skb_dst(skb)),
		.saddr = sa->conf.saddr.in6,
		.daddr = espl_natt_remote(sa).addr.in6,
	};
	ip6_flow_hdr(ip6h, inner.dsfield, 0);
	skb->protocol = htons(ETH_P_IPV6);
}

static bool push_tunnel(struct sk_buff *skb, const struct espl_sa *sa, u8 family,
			unsigned int pad)
{
	enum espl_df df = espl_encap_df(sa);
	struct inner inner = read_inner(skb, family, df);

	if (pad)
		skb_put_zero(skb, pad);
	__skb_push(skb, sa->headlen);
	skb_reset_network_header(skb);
	skb_set_transport_header(skb, sa->headlen - sa->hdrlen);
	sa->xform->wrap(skb, sa, inner.proto);
	if (skb->len > espl_encap_max(sa->conf.family))
		return false;
	if (sa->conf.family == AF_INET)
		fill4(skb, sa, inner);
	else
		fill6(skb, sa, inner);
	/*
	 * The IP layer below cuts what may be cut: where DF says so, where the
	 * sender may although it says not, and in IPv6, where it always may. DF
	 * that we set is for routers: pmtu.c has seen to what could be helped.
	 */
	if (sa->conf.family == AF_INET6 || !inner.df || df == ESPL_DF_SET)
		skb->ignore_df = 1;
	return true;
}

/* Transport mode is for whole datagrams (RFC 4303 section 3.3.4). */
static bool is_fragment(const struct sk_buff *skb, u8 family)
{
	struct espl_upper upper;

	return !espl_upper_find(skb, family, &upper) || upper.fragment;
}

static noinline bool push_transport(struct sk_buff *skb, const struct espl_sa *sa, u8 family)
{
	int header = espl_encap_header(skb, family);
	u8 *announces, next_header;

	if (header < 0 || header > skb->len)
		return false;
	if (is_fragment(skb, family))
		return false;
	if (family == AF_INET)
		announces = &ip_hdr(skb)->protocol;
	else
		ip6_find_1stfragopt(skb, &announces);
	next_header = *announces;
	*announces = announced(sa);
	__skb_push(skb, sa->encaplen + sa->hdrlen);
	memmove(skb->data, skb->data + sa->encaplen + sa->hdrlen, header);
	skb_reset_network_header(skb);
	skb_set_transport_header(skb, header + sa->encaplen);
	sa->xform->wrap(skb, sa, next_header);
	if (skb->len > espl_encap_max(family))
		return false;
	if (family == AF_INET) {
		ip_hdr(skb)->tot_len = htons(skb->len);
		ip_send_check(ip_hdr(skb));
		if (!(ip_hdr(skb)->frag_off & htons(IP_DF)))
			skb->ignore_df = 1;
	} else {
		ipv6_hdr(skb)->payload_len = htons(skb->len -
						   sizeof(struct ipv6hdr));
		skb->ignore_df = 1;
	}
	return true;
}

/**
 * espl_encap_push() - lay a packet out around ESP or AH, ready to be sealed
 * @skb: the packet, linear and ours alone, its data at the IP header, with
 *	 headroom for the outer and the transform's header, and tailroom
 *	 for its trailer; its dst the one that the result leaves by
 * @sa: the SA
 * @family: of the packet's IP header; AF_UNSPEC in tunnel mode: it has none, and
 *	    is announced as nothing (RFC 4303 section 2.6)
 * @pad: octets of traffic flow confidentiality padding, for which there is
 *	 tailroom, too; 0 in transport mode
 *
 * Afterwards the network header is the outermost IP header, complete, and the
 * transport header is where ESP or AH begins.
 *
 * Context: BH off.
 * Return: False where the headers are broken or the result would be longer than
 *	   an IP packet can be.
 */
bool espl_encap_push(struct sk_buff *skb, struct espl_sa *sa, u8 family,
		     unsigned int pad)
{
	bool ok = sa->conf.mode == IPSEC_MODE_TUNNEL ?
		  push_tunnel(skb, sa, family, pad) :
		  push_transport(skb, sa, family);

	if (ok && sa->encaplen)
		espl_natt_fill(skb, sa);
	return ok;
}
