// SPDX-License-Identifier: GPL-2.0-only
/*
 * pfkey.c - the PF_KEY parser: never outside the message, whatever is in it
 */
#include "prove.h"

#include "../../kmod/alg.c"
#include "../../kmod/replay.h"
#include "../../kmod/pfkey_parse.c"

static const u8 *any_message(unsigned int most, size_t *len)
{
	u8 *data;

	*len = any_below(most + 1);
	data = malloc(*len);
	suppose(data);
	return data;
}

/* Any octets, up to 64 of them: a header and extensions. */
void prove_parse(void)	/* --unwind 66 --object-bits 10 */
{
	static struct espl_pfkey_msg msg;
	size_t len;
	const u8 *data = any_message(64, &len);
	int err;

	err = espl_pfkey_parse_base(data, len, &msg);
	if (err)
		return;
	certain(len >= sizeof(struct sadb_msg) && len % 8 == 0, "a whole header, whole words");
	certain(msg.type && msg.type <= SADB_MAX, "of a type that there is");
	err = espl_pfkey_parse(data, len, &msg);
	certain(err <= 0, "an errno or none");
	certain(!err || msg.why, "what is refused is refused in words");
}
