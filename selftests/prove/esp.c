// SPDX-License-Identifier: GPL-2.0-only
/*
 * esp.c - the arithmetic of ESP: padding, the trailer, what fits into a packet
 */
#include "prove.h"

#include "../../kmod/esp_fmt.h"

static unsigned int any_align(void)
{
	unsigned int align = 1u << any_below(9);	/* 1 to 256 */

	suppose(align >= 4);
	return align;
}

/* Any payload of IP, any unit of a cipher. */
void prove_padding(void)	/* --unwind 2 */
{
	unsigned int payload = any_u16(), align = any_align();
	unsigned int padding = espl_esp_padding(payload, align);

	certain(padding < align, "no more than a unit is padded");
	certain((payload + padding + ESPL_ESP_TAIL) % align == 0, "and it is a whole unit");
}

/* What is said to fit fits, and no octet more does: any room, any unit. */
void prove_payload_max(void)	/* --unwind 2 */
{
	unsigned int room = any_u16(), align = any_align();
	unsigned int most = espl_esp_payload_max(room, align);
	unsigned int more = most + 1;

	suppose(room >= align);
	certain(most + espl_esp_padding(most, align) + ESPL_ESP_TAIL <= room,
		"the largest payload fits");
	certain(more + espl_esp_padding(more, align) + ESPL_ESP_TAIL > room,
		"and none that is larger");
}

#define LEN	40

/* Any octets, up to 40 of them: the padding's length has 8 bits and may say 255. */
void prove_trailer_read(void)	/* --unwind 42 */
{
	unsigned int len = any_below(LEN + 1);
	u8 *plain = any_octets_at_end(LEN, len), next = 0;
	int payload;

	payload = espl_esp_trailer_read(plain, len, &next);
	certain(payload >= -1 && payload + ESPL_ESP_TAIL <= (int)(len ? len : 2),
		"the payload lies within the packet");
	if (payload < 0)
		return;
	certain(plain[len - 2] == len - ESPL_ESP_TAIL - payload, "the padding is what it says");
	certain(next == plain[len - 1], "and so is the next header");
}

/* What is written is read: any padding, behind any payload that 40 octets hold. */
void prove_trailer_inverse(void)	/* --unwind 42 */
{
	u8 packet[LEN + 1], next, wrote = any_u8(), fence = any_u8();
	unsigned int payload = any_below(LEN - 1), padding = any_u8();

	suppose(payload + padding + ESPL_ESP_TAIL <= LEN);
	packet[payload + padding + ESPL_ESP_TAIL] = fence;
	espl_esp_trailer_write(packet + payload, padding, wrote);
	certain(espl_esp_trailer_read(packet, payload + padding + ESPL_ESP_TAIL, &next) ==
		(int)payload, "the payload that was written is read");
	certain(next == wrote, "with its next header");
	certain(packet[payload + padding + ESPL_ESP_TAIL] == fence,
		"and nothing is written behind it");
}
