// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of the numbers on the wire, for the parser and the printers alike.
 */
#include <string.h>

#include "setkey.h"

#define NAMES(...) { \
	.name = (const struct name[]){ __VA_ARGS__ }, \
	.n = ARRAY_SIZE(((const struct name[]){ __VA_ARGS__ })), \
}

const struct names satype_names = NAMES(
	{ "ah", SADB_SATYPE_AH },
	{ "esp", SADB_SATYPE_ESP },
	{ "ipcomp", SADB_X_SATYPE_IPCOMP },
	{ "tcp", 11 });		/* TCP-MD5, as BSD numbers it */

const struct names state_names = NAMES(
	{ "larval", SADB_SASTATE_LARVAL },
	{ "mature", SADB_SASTATE_MATURE },
	{ "dying", SADB_SASTATE_DYING },
	{ "dead", SADB_SASTATE_DEAD });

const struct names mode_names = NAMES(
	{ "any", IPSEC_MODE_ANY },
	{ "transport", IPSEC_MODE_TRANSPORT },
	{ "tunnel", IPSEC_MODE_TUNNEL },
	{ "beet", IPSEC_MODE_BEET });

const struct names dir_names = NAMES(
	{ "in", IPSEC_DIR_INBOUND },
	{ "out", IPSEC_DIR_OUTBOUND },
	{ "fwd", IPSEC_DIR_FWD });

const struct names policy_names = NAMES(
	{ "discard", IPSEC_POLICY_DISCARD },
	{ "none", IPSEC_POLICY_NONE },
	{ "ipsec", IPSEC_POLICY_IPSEC },
	{ "entrust", IPSEC_POLICY_ENTRUST },
	{ "bypass", IPSEC_POLICY_BYPASS });

const struct names rule_names = NAMES(
	{ "esp", IPPROTO_ESP },
	{ "ah", IPPROTO_AH },
	{ "ipcomp", IPPROTO_COMP });

const struct names level_names = NAMES(
	{ "default", IPSEC_LEVEL_DEFAULT },
	{ "use", IPSEC_LEVEL_USE },
	{ "require", IPSEC_LEVEL_REQUIRE },
	{ "unique", IPSEC_LEVEL_UNIQUE });

const struct name *name_find(const struct names *names, const char *text)
{
	for (size_t i = 0; i < names->n; i++)
		if (!strcmp(names->name[i].text, text))
			return &names->name[i];
	return NULL;
}

/* "#9" for a number without a name; a few of them may stand in one printf. */
const char *name_of(const struct names *names, uint32_t value)
{
	static char buf[4][16];
	static unsigned int turn;
	char *text;

	for (size_t i = 0; i < names->n; i++)
		if (names->name[i].value == value)
			return names->name[i].text;
	text = buf[turn++ % ARRAY_SIZE(buf)];
	snprintf(text, sizeof(buf[0]), "#%u", value);
	return text;
}
