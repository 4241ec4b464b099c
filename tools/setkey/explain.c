// SPDX-License-Identifier: GPL-2.0-only
/*
 * A refusal in words: what the errno says in general (which scripts match),
 * then what it means for the command that met it.
 */
#include <errno.h>
#include <string.h>

#include "setkey.h"

#define BIT(type)	(1u << (type))
#define SA_NAMED	(BIT(SADB_DELETE) | BIT(SADB_GET))
#define SA_MADE		(BIT(SADB_ADD) | BIT(SADB_GETSPI))
#define POLICY_MADE	(BIT(SADB_X_SPDADD) | BIT(SADB_X_SPDUPDATE))
#define ANY		(~0u)

static const struct {
	int err;
	uint32_t types;
	const char *why;
} reasons[] = {
	{ EEXIST, BIT(SADB_ADD),
	  "an SA with this destination, protocol and SPI is there already" },
	{ EEXIST, BIT(SADB_GETSPI), "this SPI is taken" },
	{ EEXIST, POLICY_MADE,
	  "a policy with this selector and direction is there already; spdupdate replaces it" },
	{ ESRCH, SA_NAMED, "no SA has this destination, protocol and SPI" },
	{ ENOENT, SA_NAMED, "no SA has this destination, protocol and SPI" },
	{ ENOENT, BIT(SADB_ADD),
	  "the kernel has no such algorithm, or cannot load it" },
	{ ENOENT, BIT(SADB_GETSPI), "no SPI of the wanted range is free" },
	{ ENOENT, BIT(SADB_X_SPDDELETE),
	  "no policy has this selector and direction" },
	{ ENOSYS, SA_MADE,
	  "the kernel has no such algorithm, or cannot load it" },
	{ EPROTONOSUPPORT, SA_MADE,
	  "the kernel has no such protocol, or cannot load it" },
	{ EOPNOTSUPP, SA_MADE | POLICY_MADE | BIT(SADB_X_SPDDELETE),
	  "the kernel's PF_KEY takes no security labels (-ctx)" },
	{ ETIMEDOUT, ANY, "the kernel did not answer" },
	{ ENOBUFS, ANY,
	  "messages from the kernel were lost; what is shown may be incomplete" },
	{ EPERM, ANY, "needs root (CAP_NET_ADMIN)" },
	{ EACCES, ANY, "needs root (CAP_NET_ADMIN)" },
};

/* PF_KEY's ENOENT is about an entry; "file or directory" would mislead. */
const char *explain_errno(int err)
{
	return err == ENOENT ? "No entry" : strerror(err);
}

static const char *invalid_sa(const struct command *c)
{
	if (c->enc.alg && c->enc.alg->bare && !c->auth.alg)
		return "encryption without authentication: the kernel wants -A beside this -E";
	if (c->enc.alg && c->auth.alg && !c->enc.alg->max && !c->auth.alg->max)
		return "null encryption with null authentication protects nothing";
	if (c->satype == SADB_SATYPE_AH && c->auth.alg && !c->auth.alg->max)
		return "ah with null authentication protects nothing";
	if (c->old)
		return "the kernel does not know the protocols of RFC 1826 and 1827";
	return "the kernel does not take this combination of options";
}

static const char *invalid_policy(const struct command *c)
{
	const struct policy *p = &c->policy;

	if (p->type == IPSEC_POLICY_ENTRUST || p->type == IPSEC_POLICY_BYPASS)
		return "entrust and bypass are for a socket's own policy; use none";
	for (unsigned int i = 0; i < p->nrules; i++) {
		const struct rule *r = &p->rule[i];

		if (r->mode != IPSEC_MODE_TUNNEL)
			continue;
		if (!r->has_addrs)
			return "the kernel wants the two ends of the tunnel";
		if (p->dir == IPSEC_DIR_OUTBOUND && r->level == IPSEC_LEVEL_USE)
			return "a tunnel cannot be optional on the way out: require instead of use";
	}
	return "the kernel does not take this policy";
}

const char *explain(const struct command *c, int err)
{
	uint32_t type = c->type == CMD_DELETEALL ? SADB_DELETE : c->type;

	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (reasons[i].err == err && (reasons[i].types & BIT(type)))
			return reasons[i].why;
	if (err != EINVAL)
		return NULL;
	if (SA_MADE & BIT(type))
		return invalid_sa(c);
	if (POLICY_MADE & BIT(type))
		return invalid_policy(c);
	return NULL;
}
