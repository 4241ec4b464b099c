// SPDX-License-Identifier: GPL-2.0-only
/*
 * ah.c - AH's length, and the walk over the headers in front of it
 */
#define OCTETS
#include "prove.h"

#include "../../kmod/ah_fmt.c"

/* Any ICV that there is, up to 64 octets in whole words. */
void prove_length(void)	/* --unwind 2 */
{
	unsigned int icvlen = any_below(17) * 4;
	bool six = any_bool();
	unsigned int len = espl_ah_len(icvlen, six);

	certain(len >= ESPL_AH_FIXED + icvlen && len < ESPL_AH_FIXED + icvlen + 8,
		"the header holds the ICV, and little more");
	certain(len % (six ? 8 : 4) == 0, "in whole units");
	certain(espl_ah_len_read(espl_ah_len_write(len)) == len,
		"the field says what it is");
	certain(espl_ah_len_ok(len, icvlen), "and it is taken");
}

/* Any field is some length that cannot overflow. */
void prove_length_read(void)	/* --unwind 2 */
{
	unsigned int len = espl_ah_len_read(any_u8());

	certain(len >= 8 && len <= 1028, "a length of 8 bits");
}

/* Any IPv4 header with so many octets of options, in memory of just its size. */
static void mute4(unsigned int options)
{
	unsigned int len = 20 + options;
	u8 *header = malloc(len);
	u8 first = any_u8();

	suppose(header);
	header[0] = first;
	espl_ah_mute4(header, len, any_bool());
	certain(header[0] == first, "version and length are covered");
	certain(!header[1] && !header[8], "what routers change is not");
}

void prove_mute4_no_options(void) { mute4(0); }	/* --unwind 22 */
void prove_mute4_4_octets(void) { mute4(4); }	/* --unwind 22 */
void prove_mute4_12_octets(void) { mute4(12); }	/* --unwind 22 */

/* Any IPv6 header without extensions, in memory of just its size. */
void prove_mute6_no_extension(void)	/* --unwind 20 */
{
	unsigned int len = 40;
	u8 *header = malloc(len);

	suppose(header);
	if (espl_ah_mute6(header, len, any_bool()))
		certain(header[0] == 0x60 && !header[7], "what routers change is not covered");
}
