/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * seal.h - the peer: ESP and AH made with the keys that the kernel's SAs have
 */
#ifndef SEAL_H
#define SEAL_H

#include "guest.h"

#define PACKET_MAX	6144

/* A packet under construction: headers go in front, so it lies at the end. */
struct packet {
	u8 octets[PACKET_MAX];
	unsigned int at;	/* where it begins; it ends where octets does */
	u8 proto;		/* what it is, to a header in front of it */
	/* What waits for the IP header: an ICV of AH, an ICMPv6 checksum; octets from
	 * the packet's end, 0 if nothing does
	 */
	unsigned int ah, icmp6;
	const struct seal *ah_seal;
	u64 ah_seq;
};

static inline u8 *packet_data(struct packet *packet)
{
	return packet->octets + packet->at;
}

static inline unsigned int packet_len(const struct packet *packet)
{
	return PACKET_MAX - packet->at;
}

/* Room in front for a header, zeroed; NULL where there is none. */
static inline u8 *packet_push(struct packet *packet, unsigned int len)
{
	if (len > packet->at || packet_len(packet) + len > 4096)
		return NULL;
	packet->at -= len;
	return memset(packet_data(packet), 0, len);
}

enum seal_alg {
	SEAL_NULL,	/* NULL and HMAC-SHA2-256 */
	SEAL_GCM,
	SEAL_GMAC,
	SEAL_AH,	/* HMAC-SHA2-256 */
};

/* An SA, as the peer sends by it. */
struct seal {
	u32 spi;
	enum seal_alg alg;
	u8 family;
	u8 mode;
	bool esn;
	bool encap;
	u64 seq;
};

#define SEAL_KEY_FIRST	1	/* keys are the octets 1, 2, 3, ... */
#define SEAL_AUTH_FIRST	100	/* and 100, 101, ... */

/* ESP around the packet; @pad more octets of padding; its length is wrong by @twist. */
void seal_esp(struct packet *packet, const struct seal *seal, u64 seq, unsigned int pad,
	      u8 twist);
/* AH in front of it: its ICV waits for the IP header. */
void seal_ah(struct packet *packet, const struct seal *seal, u64 seq);
/* The IP header is there: do what waited for it. */
void seal_finish(struct packet *packet, u8 family, unsigned int header);

u16 seal_sum(const u8 *octets, unsigned int len, u32 sum);

#endif
