// SPDX-License-Identifier: GPL-2.0-only
/*
 * own.c - making a packet's bytes ours alone
 *
 * A cipher in place writes to every byte. Bytes may belong to others too: a
 * clone on TCP's retransmit queue or at a packet tap, a page of a file. No
 * marker in the skb tells reliably, so only what is linear and not cloned is
 * taken as it is, and all else is copied. Called by tx.c and rx.c.
 */
#include <net/sock.h>
#include <net/tcp.h>

#include "own.h"

/* Is the skb's memory charged to its socket as sent, by truesize? */
static bool charges_sender(const struct sk_buff *skb)
{
	struct sock *sk = skb->sk;

	if (!sk || !sk_fullsock(sk) || skb->destructor == sock_efree)
		return false;
#ifdef CONFIG_INET
	if (skb->destructor == sock_edemux)
		return false;
#endif
	return skb->destructor == sock_wfree || sk_is_tcp(sk);
}

/*
 * The copy takes the original's place with its sender, so that TCP goes on
 * limiting what is queued below it.
 */
static void move_sender(struct sk_buff *to, struct sk_buff *from)
{
	int more = to->truesize - from->truesize;

	if (!charges_sender(from))
		return;
	to->sk = from->sk;
	to->destructor = from->destructor;
	from->sk = NULL;
	from->destructor = NULL;
	if (more > 0)
		refcount_add(more, &to->sk->sk_wmem_alloc);
	else	/* it goes on paying for what the original was */
		to->truesize = from->truesize;
}

/**
 * espl_own_share() - the segments of a packet take its place with its sender
 * @segs: the segments, linked by next
 * @skb: the packet
 *
 * Context: BH off.
 */
void espl_own_share(struct sk_buff *segs, struct sk_buff *skb)
{
	struct sk_buff *first = segs;
	struct sock *sk = skb->sk;
	int more = -skb->truesize;

	if (!charges_sender(skb))
		return;
	for (; segs; segs = segs->next) {
		segs->sk = sk;
		segs->destructor = skb->destructor;
		more += segs->truesize;
	}
	skb->sk = NULL;
	skb->destructor = NULL;
	if (more > 0)
		refcount_add(more, &sk->sk_wmem_alloc);
	else	/* the first goes on paying for what they are less */
		first->truesize -= more;
}

/*
 * A datagram of our own has little room in front, and what malloc() rounded up behind:
 * to move it costs less than to copy it.
 */
static bool shift(struct sk_buff *skb, unsigned int head, unsigned int tail)
{
	unsigned int by = head > skb_headroom(skb) ? head - skb_headroom(skb) : 0;

	by = ALIGN(by, sizeof(long));
	if (skb_tailroom(skb) < by + tail)
		return false;
	memmove(skb->data + by, skb->data, skb->len);
	skb->data += by;
	skb->tail += by;
	skb->network_header += by;
	skb->transport_header += by;
	/* There is no frame around it any more. */
	skb_unset_mac_header(skb);
	return true;
}

/**
 * espl_own_move() - espl_own() where the packet cannot stay as it is
 * @skb: as there
 * @head: as there
 * @tail: as there
 *
 * Context: BH off.
 * Return: As there.
 */
struct sk_buff *espl_own_move(struct sk_buff *skb, unsigned int head,
			      unsigned int tail)
{
	struct sk_buff *copy;

	if (espl_is_own(skb) && shift(skb, head, tail))
		return skb;
	copy = skb_copy_expand(skb, max(head, skb_headroom(skb)), tail, GFP_ATOMIC);
	if (!copy)
		return NULL;
	move_sender(copy, skb);
	consume_skb(skb);
	return copy;
}
