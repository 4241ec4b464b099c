// SPDX-License-Identifier: GPL-2.0-only
/*
 * natt.c - ESP in UDP (RFC 3948)
 *
 * Owns the UDP header around ESP, the ports that it comes in by, and what
 * address translators on the way do to the peer's address and port. IKE's packets
 * and all else that comes by those ports is left to the sockets there. Called by
 * check.c, rx.c, tx.c and encap.c, and by sad.c as SAs come and go.
 */
#include <linux/udp.h>
#include <linux/xarray.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>

#include "compat/compat.h"
#include "natt.h"
#include "net.h"
#include "pfkey.h"
#include "xform.h"

/* Which end of an SA we are is not asked: packets decide that by their SPI. */
static unsigned long port_of(const struct espl_sa *sa)
{
	return ntohs(sa->conf.encap_dport);
}

/**
 * espl_natt_get() - an SA comes whose packets are in UDP
 * @sa: the SA, or one without UDP
 *
 * Context: Process, espl_net.lock held.
 * Return: 0 or -ENOMEM.
 */
int espl_natt_get(struct espl_sa *sa)
{
	struct xarray *ports = &sa->en->natt_ports;
	unsigned long users;

	if (!sa->encaplen)
		return 0;
	users = xa_to_value(xa_load(ports, port_of(sa)) ?: xa_mk_value(0));
	return xa_err(xa_store(ports, port_of(sa), xa_mk_value(users + 1),
			       GFP_KERNEL));
}

/**
 * espl_natt_put() - it goes
 * @sa: the SA
 *
 * Context: Process, espl_net.lock held.
 */
void espl_natt_put(struct espl_sa *sa)
{
	struct xarray *ports = &sa->en->natt_ports;
	unsigned long users;

	if (!sa->encaplen)
		return;
	users = xa_to_value(xa_load(ports, port_of(sa)));
	if (users == 1)
		xa_erase(ports, port_of(sa));
	else	/* the slot is there: nothing is allocated */
		xa_store(ports, port_of(sa), xa_mk_value(users - 1), GFP_KERNEL);
}

/**
 * espl_natt_is_port() - does a packet go to a port that ESP comes in by
 * @en: the namespace
 * @skb: the packet
 * @upper: its upper-layer header, UDP
 *
 * Context: RCU read side.
 * Return: Whether it does.
 */
bool espl_natt_is_port(const struct espl_net *en, const struct sk_buff *skb,
		       const struct espl_upper *upper)
{
	struct udphdr copy;
	const struct udphdr *udp = espl_natt_udp(skb, upper, &copy);

	return udp && xa_load((struct xarray *)&en->natt_ports, ntohs(udp->dest));
}

/**
 * espl_natt_remote() - where an SA's packets are sent to
 * @sa: the SA
 *
 * Context: RCU read side.
 * Return: Its destination and port, or what has become of them on the way.
 */
struct espl_mapping espl_natt_remote(const struct espl_sa *sa)
{
	const struct espl_moved *moved = rcu_dereference(sa->moved);

	if (moved)
		return moved->to;
	return (struct espl_mapping){
		.addr = sa->conf.daddr, .port = sa->conf.encap_dport,
	};
}

/**
 * espl_natt_fill() - write the UDP header in front of ESP
 * @skb: the packet, laid out; its transport header is that of ESP
 * @sa: the SA
 *
 * Context: RCU read side.
 */
void espl_natt_fill(struct sk_buff *skb, const struct espl_sa *sa)
{
	struct udphdr *udp = (void *)(skb_transport_header(skb) - ESPL_UDP);

	*udp = (struct udphdr){
		.source = sa->conf.encap_sport,
		.dest = espl_natt_remote(sa).port,
		.len = htons(espl_xform_len(skb) + ESPL_UDP),
	};
}

/**
 * espl_natt_sealed() - the UDP checksum: none in IPv4, a real one in IPv6
 * @skb: the packet, sealed
 * @sa: the SA
 *
 * RFC 3948 section 2.1 wants it zero. In IPv6 a receiver that knows nothing of
 * ESP in UDP would throw such packets away (RFC 8200 section 8.1).
 *
 * Context: Any.
 */
void espl_natt_sealed(struct sk_buff *skb, const struct espl_sa *sa)
{
	unsigned int offset = skb_transport_offset(skb) - ESPL_UDP;
	struct udphdr *udp = (void *)(skb->data + offset);
	const struct ipv6hdr *ip6h = ipv6_hdr(skb);
	unsigned int len = skb->len - offset;

	if (sa->conf.family == AF_INET)
		return;
	udp->check = csum_ipv6_magic(&ip6h->saddr, &ip6h->daddr, len, IPPROTO_UDP,
				     skb_checksum(skb, offset, len, 0)) ?:
		     CSUM_MANGLED_0;
}

static struct espl_mapping read_mapping(const struct sk_buff *skb,
					const struct espl_sa *sa,
					unsigned int offset)
{
	const struct udphdr *udp = (void *)(skb->data + offset - ESPL_UDP);
	struct espl_mapping mapping = { .port = udp->source };

	if (sa->conf.family == AF_INET)
		mapping.addr.ip = ip_hdr(skb)->saddr;
	else
		mapping.addr.in6 = ipv6_hdr(skb)->saddr;
	return mapping;
}

static bool is_same(const struct espl_mapping *a, const struct espl_mapping *b)
{
	return a->port == b->port && !memcmp(&a->addr, &b->addr, sizeof(a->addr));
}

/**
 * espl_natt_opened() - note where an authentic packet came from
 * @skb: the packet, its data at the IP header
 * @sa: the SA, in UDP
 * @offset: where ESP is
 *
 * Context: BH off; after the ICV was found good, and the packet fresh.
 */
void espl_natt_opened(struct sk_buff *skb, struct espl_sa *sa,
		      unsigned int offset)
{
	struct espl_mapping now = read_mapping(skb, sa, offset);
	bool moved;

	spin_lock(&sa->window->lock);
	moved = !is_same(&now, &sa->mapping);
	if (moved)
		sa->mapping = now;
	spin_unlock(&sa->window->lock);
	if (!moved)
		return;
	espl_sa_get(sa);
	if (!queue_work(espl_wq, &sa->mapping_work))
		espl_sa_put(sa);	/* it was queued and holds one already */
}

static bool is_way_back(const struct espl_sa *sa, const struct espl_sa *in)
{
	return sa->encaplen && sa->conf.family == in->conf.family &&
	       sa->conf.encap_dport == in->conf.encap_sport &&
	       espl_addr_equal(&sa->conf.daddr, &in->conf.saddr, in->conf.family) &&
	       espl_addr_equal(&sa->conf.saddr, &in->conf.daddr, in->conf.family);
}

static void move(struct espl_sa *sa, const struct espl_mapping *to)
{
	struct espl_moved *moved = kmalloc(sizeof(*moved), GFP_KERNEL), *old;

	if (!moved)
		return;		/* until the next change it goes on as it is */
	moved->to = *to;
	old = rcu_replace_pointer(sa->moved, moved,
				  lockdep_is_held(&sa->en->lock));
	dst_cache_reset(&sa->route);
	kfree_rcu(old, rcu);
}

/* Tell the keyer, and let the SAs of the way back follow if this one says so. */
static void mapping_work(struct work_struct *work)
{
	struct espl_sa *in = container_of(work, struct espl_sa, mapping_work);
	struct espl_net *en = in->en;
	struct espl_mapping now;
	struct espl_sa *sa;

	mutex_lock(&en->lock);
	spin_lock_bh(&in->window->lock);
	now = in->mapping;
	spin_unlock_bh(&in->window->lock);
	if (in->stage == ESPL_GONE ||
	    is_same(&now, &in->mapping_told))
		goto out;
	espl_pfkey_new_mapping(in, &in->mapping_told, &now);
	in->mapping_told = now;
	if (in->follow)
		list_for_each_entry(sa, &en->sas, all)
			if (is_way_back(sa, in))
				move(sa, &now);
out:
	mutex_unlock(&en->lock);
	espl_sa_put(in);
}

/**
 * espl_natt_init_sa() - an SA's part of this room
 * @sa: the SA, its conf complete
 *
 * Context: Process.
 */
void espl_natt_init_sa(struct espl_sa *sa)
{
	sa->encaplen = sa->conf.encap ? ESPL_UDP : 0;
	sa->mapping = (struct espl_mapping){
		.addr = sa->conf.saddr, .port = sa->conf.encap_sport,
	};
	sa->mapping_told = sa->mapping;
	INIT_WORK(&sa->mapping_work, mapping_work);
}

/**
 * espl_natt_fini_sa() - undo that
 * @sa: the SA, unseen by readers
 *
 * Context: Process.
 */
void espl_natt_fini_sa(struct espl_sa *sa)
{
	kfree(rcu_dereference_protected(sa->moved, true));
}
