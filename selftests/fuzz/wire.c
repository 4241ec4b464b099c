// SPDX-License-Identifier: GPL-2.0-only
/*
 * wire.c - fuzz what is read of ESP and AH themselves: trailers, AH's length, and what
 * of the IP headers in front of AH its ICV does not cover
 */
#include <stdlib.h>

#include "../../kmod/ah_fmt.c"
#include "../../kmod/esp_fmt.h"

static void must(bool is)
{
	if (!is)
		abort();
}

static void trailer(const u8 *plain, unsigned int len)
{
	u8 next, again[ESPL_ESP_TAIL + 255];
	int payload = espl_esp_trailer_read(plain, len, &next);
	unsigned int padding;

	if (payload < 0)
		return;
	must((unsigned int)payload + ESPL_ESP_TAIL <= len);
	padding = len - ESPL_ESP_TAIL - payload;
	must(padding <= 255);
	/* Such a trailer is what we would have written. */
	espl_esp_trailer_write(again, padding, next);
	must(!memcmp(again, plain + payload, padding + ESPL_ESP_TAIL));
}

/* An AH header that is taken has room for its ICV, and its length can be written. */
static void ah_header(const u8 *ah, unsigned int len)
{
	static const u8 icvlens[] = { 12, 16, 24, 32 };

	for (unsigned int i = 0; i < ARRAY_SIZE(icvlens); i++) {
		unsigned int strip = espl_ah_len_read(ah[1]);

		if (!espl_ah_len_ok(strip, icvlens[i]) || len < strip)
			continue;
		must(strip >= ESPL_AH_FIXED + icvlens[i]);
		must(strip < ESPL_AH_FIXED + icvlens[i] + 8);
		must(espl_ah_len_write(strip) == ah[1]);
	}
}

/* Muting is done once: a second time changes nothing. */
static void mute(u8 *header, unsigned int len, bool six, bool sending)
{
	bool (*fn)(u8 *header, unsigned int len, bool sending) =
		six ? espl_ah_mute6 : espl_ah_mute4;
	u8 *copy;

	if (!fn(header, len, sending))
		return;
	copy = malloc(len);
	memcpy(copy, header, len);
	if (!sending && fn(header, len, false))
		must(!memcmp(copy, header, len));
	free(copy);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	unsigned int least;
	u8 *copy;

	if (!size || size > 2048)
		return 0;
	copy = malloc(size - 1);
	memcpy(copy, data + 1, size - 1);
	least = data[0] & 1 ? 40 : 20;
	if (data[0] & 8 && size > 2)
		ah_header(copy, size - 1);
	else if (data[0] & 4)
		trailer(copy, size - 1);
	else if (size - 1 >= least)
		mute(copy, size - 1, data[0] & 1, data[0] & 2);
	free(copy);
	return 0;
}
