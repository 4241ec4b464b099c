/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xform.h - a transform, ESP or AH, as the rooms on the packet's way see it
 *
 * tx.c lays a packet out and has it sealed, rx.c has one opened and unwrapped;
 * neither knows which transform it is. esp.c and ah.c each fill in one of these.
 */
#ifndef ESPL_XFORM_H
#define ESPL_XFORM_H

#include "sad.h"

/*
 * What follows a run of the crypto that was not done at once: called once, BH off and
 * under RCU, the packet's SAs and device held. @err is 0, -EBADMSG for a bad ICV, -EPROTO
 * for headers that it cannot cover, -ENOMEM, or another error of the crypto.
 */
typedef void (*espl_xform_done)(struct sk_buff *skb, int err);

/**
 * struct espl_payload - what is inside of a packet that has been opened
 * @len: octets, or -1 for a bad trailer
 * @header: octets of the transform's header in front
 * @proto: IPPROTO_*
 */
struct espl_payload {
	int len;
	u16 header;
	u8 proto;
};

/**
 * struct espl_xform - one protocol
 * @proto: IPPROTO_ESP or IPPROTO_AH
 * @spi_offset: where the SPI is in the header; the sequence number is behind it
 * @stat_out: counts what was sealed
 * @stat_in: counts what was opened
 * @init: make the crypto of an SA that is to be mature, and all its lengths; sleeps.
 *	  0, -ENOENT where the kernel lacks the algorithm, -EINVAL where it
 *	  refuses the key, or -ENOMEM
 * @fini: undo that, or what there is of it; sleeps
 * @mtu: the largest payload that fits into so many octets without IP header;
 *	 exact, and the inverse of what @wrap and the header add
 * @wrap: put behind the payload what belongs there, and say what it is. The
 *	  transport header is the transform's; all is linear, with tailroom
 * @seal: write SPI and sequence number, never used before on this SA, and run
 *	  the crypto. The IP header in front is complete. BH off, RCU read side.
 *	  What @done would be told, or -EINPROGRESS, and then it will be
 * @header_ok: can the header of a packet, with the least octets that there must be, have
 *	       the length that it says; NULL where it says none
 * @open: check the ICV and decrypt; all else as of @seal
 * @unwrap: after that: what is inside
 *
 * Packets are linear and ours alone wherever the crypto runs.
 */
struct espl_xform {
	u8 proto;
	u8 spi_offset;
	enum espl_stat stat_out;
	enum espl_stat stat_in;
	int (*init)(struct espl_sa *sa);
	void (*fini)(struct espl_sa *sa);
	unsigned int (*mtu)(const struct espl_sa *sa, unsigned int room);
	void (*wrap)(struct sk_buff *skb, const struct espl_sa *sa,
		     u8 next_header);
	int (*seal)(struct sk_buff *skb, struct espl_sa *sa, u64 seq,
		    espl_xform_done done);
	bool (*header_ok)(const struct sk_buff *skb, const struct espl_sa *sa);
	int (*open)(struct sk_buff *skb, struct espl_sa *sa, u64 seq,
		    espl_xform_done done);
	struct espl_payload (*unwrap)(const struct sk_buff *skb, const struct espl_sa *sa);
};

extern const struct espl_xform espl_esp, espl_ah;

void espl_esp_fini(void);

/**
 * espl_xform_of() - the transform of a protocol
 * @proto: IPPROTO_*
 *
 * Context: Any.
 * Return: The transform, or NULL where it is none.
 */
static inline const struct espl_xform *espl_xform_of(u8 proto)
{
	return proto == IPPROTO_ESP ? &espl_esp :
	       proto == IPPROTO_AH ? &espl_ah : NULL;
}

/* Octets from the transform's header to the packet's end. */
static inline unsigned int espl_xform_len(const struct sk_buff *skb)
{
	return skb->len - skb_transport_offset(skb);
}

/* What lifetimes count of a packet, sealed or open: what is between header and ICV. */
static inline unsigned int espl_xform_octets(const struct sk_buff *skb,
					     const struct espl_sa *sa, unsigned int header)
{
	return espl_xform_len(skb) - header - sa->endlen;
}

#endif
