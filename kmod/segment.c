// SPDX-License-Identifier: GPL-2.0-only
/*
 * segment.c - cutting TCP super-packets for a cipher
 *
 * Owns the making of segments that are linear, ours alone, and have the room around them
 * that ESP wants, with their checksums computed as they are copied: the payload is
 * touched once before the cipher. The kernel's skb_gso_segment() knows more kinds, and
 * nothing of that room. Called by tx.c.
 */
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/tcp.h>

#include "own.h"
#include "segment.h"

/**
 * struct cutter - a super-packet on its way to be cut
 * @skb: it, with a dst, a socket and all that its segments are to have
 * @family: of its IP header
 * @tcp: octets from there to TCP's header
 * @headers: octets of both
 * @head: room wanted in front
 * @tail: room wanted behind
 * @from: the next octet of its payload, where that is in a fragment
 * @left: octets of the fragment from there on, or 0
 * @ip_sum: of what is in all segments' IP headers, in IPv4
 * @tcp_sum: of what is in all segments' TCP headers and pseudo headers
 */
struct cutter {
	struct sk_buff *skb;
	u8 family;
	unsigned int tcp;
	unsigned int headers;
	unsigned int head;
	unsigned int tail;
	const u8 *from;
	unsigned int left;
	__wsum ip_sum;
	__wsum tcp_sum;
};

/* Plain headers, all in the linear part, and nothing that segments would differ in. */
static bool is_usual(const struct sk_buff *skb, u8 family)
{
	unsigned int kinds = SKB_GSO_TCPV4 | SKB_GSO_TCPV6 | SKB_GSO_TCP_ECN;
	unsigned int ip = family == AF_INET ? sizeof(struct iphdr) :
					      sizeof(struct ipv6hdr);

	return !(skb_shinfo(skb)->gso_type & ~kinds) && !skb->encapsulation &&
	       !(skb_shinfo(skb)->tx_flags & SKBTX_ANY_TSTAMP) &&
	       skb->ip_summed == CHECKSUM_PARTIAL && skb->data == skb_network_header(skb) &&
	       skb_transport_offset(skb) == ip &&
	       skb_headlen(skb) >= ip + sizeof(struct tcphdr) &&
	       tcp_hdrlen(skb) >= sizeof(struct tcphdr) &&
	       skb_headlen(skb) >= ip + tcp_hdrlen(skb) &&
	       skb->len > ip + tcp_hdrlen(skb);
}

/* What segments do not differ in is summed up once: 60 instructions less for each. */
static void sum_ip(struct cutter *cut)
{
	const struct iphdr *iph = ip_hdr(cut->skb);
	__wsum sum = csum_partial(iph, sizeof(*iph), 0);

	sum = csum_sub(sum, (__force __wsum)iph->tot_len);
	sum = csum_sub(sum, (__force __wsum)iph->id);
	cut->ip_sum = csum_sub(sum, (__force __wsum)iph->check);
}

static void sum_tcp(struct cutter *cut)
{
	const struct tcphdr *th = tcp_hdr(cut->skb);
	__wsum sum = csum_partial(th, cut->headers - cut->tcp,
				  (__force __wsum)htonl(IPPROTO_TCP));

	if (cut->family == AF_INET)
		sum = csum_partial(&ip_hdr(cut->skb)->saddr, 2 * sizeof(struct in_addr), sum);
	else
		sum = csum_partial(&ipv6_hdr(cut->skb)->saddr, 2 * sizeof(struct in6_addr), sum);
	sum = csum_sub(sum, (__force __wsum)th->seq);
	sum = csum_sub(sum, (__force __wsum)tcp_flag_word(th));
	cut->tcp_sum = csum_sub(sum, (__force __wsum)th->check);
}

static void number(const struct cutter *cut, struct sk_buff *seg, unsigned int i)
{
	if (cut->family == AF_INET) {
		struct iphdr *iph = ip_hdr(seg);
		__wsum sum;

		iph->tot_len = htons(seg->len);
		iph->id = htons(ntohs(iph->id) + i);
		sum = csum_add(cut->ip_sum, (__force __wsum)iph->tot_len);
		iph->check = csum_fold(csum_add(sum, (__force __wsum)iph->id));
	} else {
		ipv6_hdr(seg)->payload_len = htons(seg->len - cut->tcp);
	}
}

/* @sum: of the payload */
static void check(const struct cutter *cut, struct sk_buff *seg, __wsum sum)
{
	struct tcphdr *th = tcp_hdr(seg);

	sum = csum_add(sum, cut->tcp_sum);
	sum = csum_add(sum, (__force __wsum)th->seq);
	sum = csum_add(sum, (__force __wsum)tcp_flag_word(th));
	th->check = csum_fold(csum_add(sum, (__force __wsum)htonl(seg->len - cut->tcp)));
}

#define PIECE		2048
#define RING		16	/* half a megabyte on each CPU that cuts */

/**
 * struct pieces - memory that segments are in, one CPU's
 * @ring: what pieces are taken from, in turn
 * @at: the one that is now
 * @next: the next piece there
 * @left: how many there are from it on
 */
struct pieces {
	struct page_frag ring[RING];
	unsigned int at;
	u8 *next;
	unsigned int left;
};

static DEFINE_PER_CPU(struct pieces, pieces);

/*
 * Once round the ring all pieces of a page have been sent, mostly, and it is used again:
 * what the kernel would give instead it clears first, 430 instructions for each segment.
 * None is from the kernel's last reserves: what lies in such a page is dropped by most
 * sockets, for as long as the page is used.
 */
static noinline bool refill(struct pieces *mine)
{
	struct page_frag *frag;

	mine->at = (mine->at + 1) % RING;
	frag = &mine->ring[mine->at];
	if (!skb_page_frag_refill(PIECE, frag, GFP_ATOMIC | __GFP_NOMEMALLOC)) {
		frag->size = 0;	/* it has no page to take one of */
		return false;
	}
	mine->next = page_address(frag->page) + frag->offset;
	mine->left = (frag->size - frag->offset) / PIECE;
	frag->offset = frag->size;
	return true;
}

static void *take_piece(void)
{
	struct pieces *mine = this_cpu_ptr(&pieces);
	u8 *piece;

	if (!mine->left && !refill(mine))
		return NULL;
	piece = mine->next;
	mine->next += PIECE;
	mine->left--;
	page_ref_inc(mine->ring[mine->at].page);
	return piece;
}

/*
 * Room for a packet of the usual size in half a page: that is what a cipher likes, for it
 * goes page by page. 700 instructions less than by alloc_skb().
 */
static struct sk_buff *alloc(unsigned int size)
{
	struct sk_buff *skb;
	void *piece = NULL;

	if (SKB_DATA_ALIGN(size) <= SKB_WITH_OVERHEAD(PIECE) && size >= PIECE / 4)
		piece = take_piece();
	if (!piece)
		return alloc_skb(size, GFP_ATOMIC);
	skb = napi_build_skb(piece, PIECE);
	if (!skb)
		skb_free_frag(piece);
	return skb;
}

/**
 * espl_segment_fini() - let go of what was kept
 *
 * Context: Process, no packet is under way.
 */
void espl_segment_fini(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		for (unsigned int i = 0; i < RING; i++)
			if (per_cpu(pieces, cpu).ring[i].page)
				put_page(per_cpu(pieces, cpu).ring[i].page);
}

/* Which fragment has the octet at @offset, if one has. */
static void find(struct cutter *cut, unsigned int offset)
{
	const struct skb_shared_info *shinfo = skb_shinfo(cut->skb);
	unsigned int begins = skb_headlen(cut->skb), i = 0;

	cut->left = 0;
	while (i < shinfo->nr_frags && offset >= begins + skb_frag_size(&shinfo->frags[i]))
		begins += skb_frag_size(&shinfo->frags[i++]);
	if (i == shinfo->nr_frags || offset < begins)
		return;
	cut->from = skb_frag_address_safe(&shinfo->frags[i]);
	if (!cut->from)
		return;
	cut->from += offset - begins;
	cut->left = begins + skb_frag_size(&shinfo->frags[i]) - offset;
}

/*
 * Payload and its sum. Most segments are in one fragment, behind the one before: 110
 * instructions less than to look for each from the beginning.
 */
static __wsum copy(struct cutter *cut, unsigned int offset, void *to, unsigned int len)
{
	const u8 *from;

	if (len > cut->left)
		find(cut, offset);
	if (len > cut->left) {
		cut->left = 0;
		return skb_copy_and_csum_bits(cut->skb, offset, to, len);
	}
	from = cut->from;
	cut->from += len;
	cut->left -= len;
	return csum_partial_copy_nocheck(from, to, len);
}

/* Segment @i, the payload of which begins @done octets behind the first's. */
static struct sk_buff *segment(struct cutter *cut, unsigned int i,
			       unsigned int done, unsigned int len)
{
	bool last = cut->headers + done + len == cut->skb->len;
	struct skb_shared_info *shinfo;
	struct sk_buff *seg;
	struct tcphdr *th;
	__wsum sum;
	u8 *to;

	seg = alloc(cut->head + cut->headers + len + cut->tail);
	if (!seg)
		return NULL;
	skb_copy_header(seg, cut->skb);
	shinfo = skb_shinfo(seg);
	shinfo->gso_size = 0;
	shinfo->gso_segs = 0;
	shinfo->gso_type = 0;
	skb_reserve(seg, cut->head);
	skb_reset_network_header(seg);
	skb_set_transport_header(seg, cut->tcp);
	skb_unset_mac_header(seg);
	to = __skb_put(seg, cut->headers + len);
	memcpy(to, cut->skb->data, cut->headers);
	sum = copy(cut, cut->headers + done, to + cut->headers, len);
	number(cut, seg, i);
	th = tcp_hdr(seg);
	th->seq = htonl(ntohl(th->seq) + done);
	if (i)
		th->cwr = 0;
	if (!last) {
		th->fin = 0;
		th->psh = 0;
	}
	check(cut, seg, sum);
	seg->ip_summed = CHECKSUM_NONE;
	return seg;
}

/**
 * espl_segment() - cut a TCP super-packet
 * @skb: it, its data and network header at the IP header; left as it is, but for its
 *	 socket, which its segments have then
 * @family: of its IP header
 * @head: octets of headroom wanted
 * @tail: octets of tailroom wanted
 *
 * Context: BH off.
 * Return: Its segments, linked by next; NULL for what is better left to
 *	   skb_gso_segment(), or an ERR_PTR without memory.
 */
struct sk_buff *espl_segment(struct sk_buff *skb, u8 family, unsigned int head,
			     unsigned int tail)
{
	struct cutter cut = {
		.skb = skb, .family = family, .head = head, .tail = tail,
	};
	unsigned int payload, len, i = 0;
	struct sk_buff *list = NULL, **end = &list;

	if (!is_usual(skb, family))
		return NULL;
	cut.tcp = skb_transport_offset(skb);
	cut.headers = cut.tcp + tcp_hdrlen(skb);
	if (family == AF_INET)
		sum_ip(&cut);
	sum_tcp(&cut);
	payload = skb->len - cut.headers;
	for (unsigned int done = 0; done < payload; done += len) {
		len = min_t(unsigned int, skb_shinfo(skb)->gso_size, payload - done);
		*end = segment(&cut, i++, done, len);
		if (!*end) {
			kfree_skb_list(list);
			return ERR_PTR(-ENOMEM);
		}
		end = &(*end)->next;
	}
	espl_own_share(list, skb);
	return list;
}
