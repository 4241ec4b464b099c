/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cb.h - what a packet carries while it is in our hands, and the two marks
 *	  that it carries while it is in the stack's
 */
#ifndef ESPL_CB_H
#define ESPL_CB_H

#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <net/ip.h>

#include "sad.h"
#include "spd.h"

/**
 * struct espl_cb - a packet between our hook and its next one, in skb->cb
 * @sa: the SAs of the packet: in output innermost first, in input in the order in
 *	which they were taken off
 * @n: how many
 * @next: output: index in @sa of the next to apply
 * @family: of the IP header that is now the outermost
 * @encap: input: octets of UDP header in front of ESP
 * @offset: input: where the ESP or AH header begins, octets from the IP header
 * @nhoff: input: where the octet that announces it is
 * @fits: output: protected, it fits the path
 * @held: the SAs are held, for the packet waits, or has waited, for a cipher or for others;
 *	  else they are lent, as those that are looked up are
 * @frag_max: input: largest fragment of a reassembled inner packet, else 0
 * @seq_high: input: the half of the sequence number that is not in the packet
 */
struct espl_cb {
	struct espl_sa *sa[ESPL_DEPTH];
	u8 n;
	u8 next;
	u8 family;
	u8 encap;
	u16 offset;
	u16 nhoff;
	u16 frag_max;
	bool fits;
	bool held;
	u32 seq_high;
};

static inline struct espl_cb *espl_cb(struct sk_buff *skb)
{
	BUILD_BUG_ON(sizeof(struct espl_cb) > sizeof(skb->cb));
	return (struct espl_cb *)skb->cb;
}

/* Before a packet waits: who gets to it next has not the RCU read side of now. */
static inline void espl_cb_hold(struct espl_cb *cb)
{
	if (cb->held)
		return;
	for (unsigned int i = 0; i < cb->n; i++)
		espl_sa_get(cb->sa[i]);
	cb->held = true;
}

static inline void espl_cb_put(struct espl_cb *cb)
{
	if (!cb->held)
		return;
	while (cb->n)
		espl_sa_put(cb->sa[--cb->n]);
}

/* The packet is IP's again: as much as IP clears, 20 instructions less than all of cb. */
static inline void espl_cb_clear(struct sk_buff *skb)
{
	memset(skb->cb, 0, max(sizeof(*IPCB(skb)), sizeof(*IP6CB(skb))));
}

/*
 * Two bits of IPCB(skb)->flags and IP6CB(skb)->flags that the kernel leaves
 * free. The IP layer clears them on every packet from outside, so nobody but
 * us can set them; what loses a bit is checked or protected once more, or
 * dropped: it fails closed.
 */
#define ESPL_SENT	BIT(14)	/* our own output: let it out as it is */
#define ESPL_CHECKED	BIT(15)	/* decapsulated and allowed by the SPD */

static inline u16 *espl_marks(struct sk_buff *skb, u8 family)
{
	BUILD_BUG_ON(sizeof(IPCB(skb)->flags) != sizeof(u16));
	BUILD_BUG_ON(sizeof(IP6CB(skb)->flags) != sizeof(u16));
	return family == AF_INET ? &IPCB(skb)->flags : &IP6CB(skb)->flags;
}

/* The largest fragment that a datagram came in, in octets; 0 where it came whole. */
static inline unsigned int espl_came_in(struct sk_buff *skb, u8 family)
{
	return family == AF_INET ? IPCB(skb)->frag_max_size :
				   IP6CB(skb)->frag_max_size;
}

#endif
