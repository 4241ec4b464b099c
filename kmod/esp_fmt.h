/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * esp_fmt.h - the arithmetic of an ESP packet (RFC 4303 section 2)
 *
 * Pure. esp.c, tx.c and pmtu.c compute lengths and trailers with it, so do the
 * unit tests with the packets of the RFCs.
 *
 *	| SPI 4 | sequence 4 | IV | payload | padding | length 1 | next 1 | ICV |
 *	                          |<---- a multiple of align ---->|
 */
#ifndef ESPL_ESP_FMT_H
#define ESPL_ESP_FMT_H

#include "portable.h"

#define ESPL_ESP_HDR	8	/* SPI and sequence number */
#define ESPL_ESP_TAIL	2	/* pad length and next header */

/* Octets of padding before the two of the tail. @align: a power of two. */
static inline unsigned int espl_esp_padding(unsigned int payload,
					    unsigned int align)
{
	return -(payload + ESPL_ESP_TAIL) & (align - 1);
}

/* The largest payload of which @room octets of padded ciphertext can be made. */
static inline unsigned int espl_esp_payload_max(unsigned int room,
						unsigned int align)
{
	room &= ~(align - 1);
	return room > ESPL_ESP_TAIL ? room - ESPL_ESP_TAIL : 0;
}

/* Padding 1, 2, 3, ... (RFC 4303 section 2.4), its length, the next header. */
static inline void espl_esp_trailer_write(u8 *tail, unsigned int padding,
					  u8 next_header)
{
	for (unsigned int i = 0; i < padding; i++)
		tail[i] = i + 1;
	tail[padding] = padding;
	tail[padding + 1] = next_header;
}

/**
 * espl_esp_trailer_read() - the payload's length and what it is
 * @plain: decrypted payload with its trailer, without ICV
 * @len: octets of it
 * @next_header: set
 *
 * Return: Octets of payload, or -1 where the padding is longer than the packet
 *	   or is not the sequence 1, 2, 3, ... (RFC 4303 section 2.4).
 */
static inline int espl_esp_trailer_read(const u8 *plain, unsigned int len,
					u8 *next_header)
{
	unsigned int padding, payload;

	if (len < ESPL_ESP_TAIL)
		return -1;
	padding = plain[len - 2];
	if (padding > len - ESPL_ESP_TAIL)
		return -1;
	payload = len - ESPL_ESP_TAIL - padding;
	for (unsigned int i = 0; i < padding; i++)
		if (plain[payload + i] != i + 1)
			return -1;
	*next_header = plain[len - 1];
	return payload;
}

#endif
