// SPDX-License-Identifier: GPL-2.0-only
/*
 * ah.c - what of the headers in front of AH the ICV covers, by rows
 *
 * RFC 4302 appendix A, option by option and bit by bit; conformance cases 7, 8
 * and 9.
 */
#include "../../kmod/ah_fmt.c"
#include "unit.h"

static unsigned int unhex(const char *from, u8 *to)
{
	unsigned int len = 0, octet;

	for (; *from; from++)
		if (*from != ' ' && sscanf(from++, "%2x", &octet) == 1)
			to[len++] = octet;
	return len;
}

#define V4	"45 ff 0123 4567 ffff ff 33 ffff 0a000001 0a000002 "
#define V4_BARE	"45 00 0123 4567 0000 00 33 0000 0a000001 "
#define DST	"0a000002 "

/* IPv4: a header's options, and what is left of header and options. */
static const struct {
	const char *name, *options;
	bool sending;
	const char *left;	/* from the destination on; NULL: refused */
} rows4[] = {
	{ "no options", "", true, DST },
	{ "end of the list, and what is behind it", "00ffffff", true, DST "00ffffff" },
	{ "no operation", "01010100", true, DST "01010100" },
	{ "security", "820b1122334455667788ff00", true, DST "820b1122334455667788ff00" },
	{ "extended security", "85041122", true, DST "85041122" },
	{ "commercial security", "86041122", true, DST "86041122" },
	{ "router alert", "94040000", true, DST "94040000" },
	{ "multi-destination delivery", "95041122", true, DST "95041122" },
	{ "record route", "0707040a00000900", true, DST "0000000000000000" },
	{ "timestamp", "440c050011223344 55667788", true, DST "000000000000000000000000" },
	{ "an unknown option", "9e041122", true, DST "00000000" },
	{ "one that is mutable between two that are not", "94040000 9e03ff 01", true,
	  DST "94040000 000000 01" },
	{ "loose route, about to leave", "830b04 0a000003 0a000004 00", true,
	  "0a000004 000000 00000000 00000000 00" },
	{ "strict route, about to leave", "890b08 0a000003 0a000004 00", true,
	  "0a000004 000000 00000000 00000000 00" },
	{ "a route at its end", "830b0c 0a000003 0a000004 00", true,
	  DST "000000 00000000 00000000 00" },
	{ "a route that has arrived", "830b04 0a000003 0a000004 00", false,
	  DST "000000 00000000 00000000 00" },
	{ "length 0", "07000000", true, NULL },
	{ "length 1", "07010000", true, NULL },
	{ "length over the header", "07050000", true, NULL },
	{ "no length", "01010107", true, NULL },
	{ "a route without an address", "83030400", true, DST "00000000" },
};

static void by_rows4(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows4); i++) {
		u8 want[80], *header = malloc(80);
		char text[200];
		unsigned int len, same;

		snprintf(text, sizeof(text), V4 "%s", rows4[i].options);
		len = unhex(text, header);
		header = realloc(header, len);	/* the sanitizer knows its end */
		snprintf(text, sizeof(text), V4_BARE "%s", rows4[i].left ?: "");
		same = unhex(text, want);
		if (espl_ah_mute4(header, len, rows4[i].sending))
			same = rows4[i].left && same == len && !memcmp(header, want, len);
		else
			same = !rows4[i].left;
		check(same, "IPv4: %s", rows4[i].name);
		free(header);
	}
}

#define A(n)	"20010db8 00000000 00000000 000000" #n " "

static const struct {
	const char *name, *from;
	bool sending;
	const char *left;
} rows6[] = {
	{ "no extension", "6fffffff 1234 33 ff" A(01) A(02), true,
	  "60000000 1234 33 00" A(01) A(02) },
	{ "hop-by-hop options",
	  "6fffffff 1234 00 ff" A(01) A(02) "3301 1e02aabb 3e02ccdd 0100 0100 0000", true,
	  "60000000 1234 00 00" A(01) A(02) "3301 1e02aabb 3e020000 0100 0100 0000" },
	{ "destination options, a bit of the type decides",
	  "6fffffff 1234 3c ff" A(01) A(02) "3300 df01aa 2001bb", false,
	  "60000000 1234 3c 00" A(01) A(02) "3300 df01aa 200100" },
	{ "an option over its header", "6fffffff 1234 3c ff" A(01) A(02) "3300 1e05aabbccdd",
	  true, NULL },
	{ "an option without length", "6fffffff 1234 3c ff" A(01) A(02) "3300 00000000001e",
	  true, NULL },
	{ "two routing hops ahead",
	  "6fffffff 1234 2b ff" A(01) A(02) "33040002 00000000" A(03) A(04), true,
	  "60000000 1234 2b 00" A(01) A(04) "33040000 00000000" A(02) A(03) },
	{ "one hop of two ahead",
	  "6fffffff 1234 2b ff" A(01) A(03) "33040001 00000000" A(02) A(04), true,
	  "60000000 1234 2b 00" A(01) A(04) "33040000 00000000" A(02) A(03) },
	{ "routing has arrived",
	  "6fffffff 1234 2b ff" A(01) A(04) "33040000 00000000" A(02) A(03), false,
	  "60000000 1234 2b 00" A(01) A(04) "33040000 00000000" A(02) A(03) },
	{ "received, but with hops ahead",
	  "6fffffff 1234 2b ff" A(01) A(02) "33040002 00000000" A(03) A(04), false, NULL },
	{ "more hops ahead than there are",
	  "6fffffff 1234 2b ff" A(01) A(02) "33040003 00000000" A(03) A(04), true, NULL },
	{ "a routing header of unknown type",
	  "6fffffff 1234 2b ff" A(01) A(02) "33020301 00000000" A(03), true, NULL },
	{ "and of unknown type, at its end",
	  "6fffffff 1234 2b ff" A(01) A(02) "33020300 00000000" A(03), false,
	  "60000000 1234 2b 00" A(01) A(02) "33020300 00000000" A(03) },
	{ "an extension that ends early", "6fffffff 1234 3c ff" A(01) A(02) "3301 010400000000",
	  true, NULL },
	{ "half an extension", "6fffffff 1234 3c ff" A(01) A(02) "33000100", true, NULL },
	{ "a fragment header", "6fffffff 1234 2c ff" A(01) A(02) "33000000 12345678", true, NULL },
};

static void by_rows6(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows6); i++) {
		u8 want[200], *header = malloc(200);
		unsigned int len = unhex(rows6[i].from, header), same;

		header = realloc(header, len);
		same = unhex(rows6[i].left ?: "", want);
		if (espl_ah_mute6(header, len, rows6[i].sending))
			same = rows6[i].left && same == len && !memcmp(header, want, len);
		else
			same = !rows6[i].left;
		check(same, "IPv6: %s", rows6[i].name);
		free(header);
	}
}

static void lengths(void)
{
	unsigned int taken = 0;

	check(espl_ah_len(12, false) == 24 && espl_ah_len(12, true) == 24,
	      "96 bits: 24 octets either way");
	check(espl_ah_len(16, false) == 28 && espl_ah_len(16, true) == 32,
	      "128 bits: 28 octets in IPv4, 32 in IPv6");
	check(espl_ah_len_write(28) == 5, "28 octets are written as 5");
	for (unsigned int field = 0; field < 256; field++)
		taken += espl_ah_len_ok(espl_ah_len_read(field), 16) ? field : 0;
	check(taken == 5 + 6, "of all lengths just 5 and 6 are taken for 128 bits");
}

/* Whatever the octets are: nothing outside of them is touched. */
static void noise(void)
{
	unsigned int taken = 0;

	for (int i = 0; i < 300000; i++) {
		static const u8 kinds[] = { 0, 43, 60, 51 };
		unsigned int len = dice(120);
		u8 *header = malloc(len ?: 1);

		for (unsigned int k = 0; k < len; k++)
			header[k] = dice(3) ? dice(5) : dice(256);
		if (len > 6)
			header[6] = kinds[dice(4)];
		if (len > 40)
			header[40] = kinds[dice(4)];
		taken += dice(2) ? espl_ah_mute6(header, len, dice(2)) :
				   espl_ah_mute4(header, len, dice(2));
		free(header);
	}
	check(taken > 1000, "random headers, %u of them legal", taken);
}

int main(void)
{
	by_rows4();
	by_rows6();
	lengths();
	noise();
	return unit_done();
}
