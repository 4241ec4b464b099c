// SPDX-License-Identifier: GPL-2.0-only
/*
 * mtu.c - how large a packet may be: the inverse of what the way out does to it
 *
 * Each proof measures first, by pmtu.c, and then has encap.c, esp.c and ah.c lay a
 * packet of that size out, and one of an octet more. Any algorithms that there are,
 * either family, with and without UDP; paths of any MTU up to 65,535 octets.
 */
#include "shim.h"

#include "../../kmod/pmtu.h"
#include "../../kmod/encap.h"
#include "../../kmod/natt.h"
#include "../../kmod/xform.h"

#define MTU_MOST	65535

/* What transport mode is asked for is not a fragment. */
bool espl_upper_find(const struct sk_buff *skb, u8 family, struct espl_upper *upper)
{
	(void)skb;
	(void)family;
	upper->fragment = false;
	return true;
}

static u8 any_family(void)
{
	return any_bool() ? AF_INET : AF_INET6;
}

static const struct espl_alg *any_alg(void)
{
	const struct espl_alg *alg = espl_alg_row(any_below(32));

	suppose(alg);
	return alg;
}

/* Any SA that there can be of a transform and a mode: any algorithms, any family. */
static void any_sa(struct espl_sa *sa, const struct espl_xform *xform, u8 mode)
{
	static struct net net;
	static struct espl_net en = { .net = &net };
	struct espl_sa_conf *conf = &sa->conf;

	sa->en = &en;
	conf->family = any_family();
	conf->mode = mode;
	conf->auth = any_alg();
	conf->enc = any_alg();
	conf->flags = any_u32();
	suppose(conf->auth->kind == ESPL_ALG_AUTH && conf->enc->kind != ESPL_ALG_AUTH);
	if (xform == &espl_esp && conf->enc->kind == ESPL_ALG_AEAD)
		conf->auth = NULL;
	sa->xform = xform;
	suppose(!xform->init(sa));
	sa->encaplen = xform == &espl_esp && any_bool() ? ESPL_UDP : 0;
	sa->outerlen = espl_encap_outer(sa);
	sa->headlen = sa->outerlen + sa->encaplen + sa->hdrlen;
}

#define ROOM	256	/* for headers */

static struct espl_sa sa[1];
static struct espl_sa *chain[1] = { &sa[0] };

/* Any IP packet of such a length, its headers in memory. */
static void any_packet(struct sk_buff *skb, unsigned int header, unsigned int len)
{
	u8 *room = any_octets(ROOM);

	skb->data = room + ROOM - header;
	skb->network = skb->data;
	skb->len = len;
	skb->header = header;
	skb->ignore_df = any_bool();
}

/* How long a packet is once it is protected; 0: it is refused. */
static unsigned int outer(unsigned int n, u8 family, unsigned int header, unsigned int len)
{
	struct sk_buff skb;	/* of any contents */

	any_packet(&skb, header, len);
	for (unsigned int i = 0; i < n; i++) {
		len = skb.len + espl_encap_outer(&sa[i]) + sa[i].encaplen + sa[i].hdrlen +
		      sa[i].taillen;
		if (!espl_encap_push(&skb, &sa[i], family, 0))
			return 0;
		certain(skb.len <= len, "there is room for what is added");
		if (sa[i].conf.mode != IPSEC_MODE_TUNNEL)
			continue;
		family = sa[i].conf.family;
		skb.header = espl_encap_outer(&sa[i]);
	}
	return skb.len;
}

/*
 * A packet of IPv4 with any options, of IPv6 with up to 40 octets of extensions; in
 * transport mode it is of the SA's own family.
 */
static void measured(unsigned int n, u8 family)
{
	unsigned int least = family == AF_INET ? 20 : 40;
	unsigned int header = least + any_below(11) * 4;
	unsigned int mtu = any_below(MTU_MOST + 1), len, out;
	struct espl_fit fit;
	struct sk_buff skb;	/* of any contents */

	espl_encap_dfbit = any_u32();
	any_packet(&skb, header, any_u16());
	espl_pmtu_measure(&skb, family, chain, n, mtu, &fit);
	certain(fit.mtu <= MTU_MOST && fit.most <= espl_encap_max(AF_INET6),
		"nothing overflows");
	/* IPv6 has no smaller MTU: what does not fit is cut outside. */
	if (family == AF_INET6 && fit.mtu == IPV6_MIN_MTU)
		return;
	/* Nothing at all fits where there would be no more than the header. */
	len = fit.mtu > header ? fit.mtu : header;
	out = outer(n, family, header, len);
	certain(len == header || (out && out <= mtu), "the largest packet fits");
	out = outer(n, family, header, len + 1);
	certain(!out || out > mtu, "and none that is larger");
}

static void one(const struct espl_xform *xform, u8 mode)
{
	any_sa(&sa[0], xform, mode);
	measured(1, mode == IPSEC_MODE_TRANSPORT ? sa[0].conf.family : any_family());
}

void prove_esp_transport(void)	/* --unwind 50 with esp.c with ah.c with alg.c with encap.c with pmtu.c */
{
	one(&espl_esp, IPSEC_MODE_TRANSPORT);
}

void prove_esp_tunnel(void)	/* --unwind 50 with esp.c with ah.c with alg.c with encap.c with pmtu.c */
{
	one(&espl_esp, IPSEC_MODE_TUNNEL);
}

void prove_ah_transport(void)	/* --unwind 50 with esp.c with ah.c with alg.c with encap.c with pmtu.c */
{
	one(&espl_ah, IPSEC_MODE_TRANSPORT);
}

void prove_ah_tunnel(void)	/* --unwind 50 with esp.c with ah.c with alg.c with encap.c with pmtu.c */
{
	one(&espl_ah, IPSEC_MODE_TUNNEL);
}

/* What is said to be an IP packet still is one, and what is larger is refused. */
void prove_most(void)	/* --unwind 50 with esp.c with ah.c with alg.c with encap.c with pmtu.c */
{
	struct espl_fit fit;
	struct sk_buff skb;	/* of any contents */

	any_sa(&sa[0], &espl_esp, IPSEC_MODE_TUNNEL);
	any_packet(&skb, 20, any_u16());
	espl_pmtu_measure(&skb, AF_INET, chain, 1, 1500, &fit);
	certain(outer(1, AF_INET, 20, fit.most), "the largest is a packet");
	certain(!outer(1, AF_INET, 20, fit.most + 1), "and none that is larger");
}
