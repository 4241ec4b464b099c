// SPDX-License-Identifier: GPL-2.0-only
/*
 * The words behind -P: direction, priority, what to do, and the rules
 * PROTO/MODE/[SRC-DST]/LEVEL of a policy that asks for IPsec.
 */
#include <string.h>

#include "setkey.h"

static const char syntax[] = "syntax error";

static const struct name bases[] = {
	{ "low", PRIORITY_LOW },
	{ "def", PRIORITY_DEF },
	{ "high", PRIORITY_HIGH },
};

/* The words still unread. */
struct words {
	const char *const *word;
	unsigned int left;
};

static const char *next(struct words *w, const char *wanted)
{
	if (!w->left)
		refuse(syntax, ";", "%s is wanted before it", wanted);
	w->left--;
	return *w->word++;
}

static uint32_t named(const struct names *names, const char *text,
		      const char *wanted)
{
	const struct name *name = name_find(names, text);

	if (!name)
		refuse(syntax, text, "%s is wanted", wanted);
	return name->value;
}

/*
 * On the wire a lower number goes first; in a script a higher one does. Hence
 * the crossed signs. An offset never reaches the next base but for plain
 * numbers, which may span all of them.
 */
static uint32_t offset(uint32_t base, char sign, const char *digits,
		       uint32_t max)
{
	uint32_t n = number(digits, 0, max);

	return sign == '-' ? base + n : base - n;
}

/* NUMBER, -NUMBER, or a base with or without a signed offset, blanks or not. */
static uint32_t priority_parse(struct words *w)
{
	const char *text = next(w, "a priority");
	size_t len = strcspn(text, "+-");
	const struct name *base = NULL;
	char sign;

	for (size_t i = 0; i < ARRAY_SIZE(bases); i++)
		if (len && !strncmp(bases[i].text, text, len) &&
		    !bases[i].text[len])
			base = &bases[i];
	if (!base) {
		sign = *text == '-' ? '-' : '+';
		return offset(PRIORITY_DEF, sign, text + (sign == '-'),
			      PRIORITY_DEF - 1);
	}
	text += len;
	if (!*text && w->left && strchr("+-", w->word[0][0]))
		text = next(w, "an offset");
	if (!*text)
		return base->value;
	sign = *text++;
	if (!*text)
		text = next(w, "an offset");
	return offset(base->value, sign, text, PRIORITY_HIGH - 1);
}

static union addr end_parse(const char *rule, const char *text)
{
	struct host h = host_parse(text, AF_UNSPEC, true);

	if (h.plen != ~0u)
		refuse(syntax, rule, "a tunnel ends at an address, not a prefix");
	addr_set_port(&h.addr[0], host_port(&h, rule));
	return h.addr[0];
}

static void ends_parse(struct rule *r, uint8_t dir, const char *rule,
		       char *ends)
{
	char *dst = strchr(ends, '-');
	bool out = dir == IPSEC_DIR_OUTBOUND;

	if (!strcmp(ends, out ? "me-any" : "any-me"))
		return;		/* the kernel picks both */
	if (!strcmp(ends, out ? "any-me" : "me-any"))
		refuse(syntax, rule, "me-any is for out, any-me for in and fwd");
	if (!dst)
		refuse(syntax, rule, "the two ends are written SRC-DST");
	*dst++ = '\0';
	r->src = end_parse(rule, ends);
	r->dst = end_parse(rule, dst);
	if (r->src.sa.sa_family != r->dst.sa.sa_family)
		refuse(syntax, rule, "one end is IPv4, the other IPv6");
	r->has_addrs = true;
}

static void level_parse(struct rule *r, const char *text)
{
	r->level = IPSEC_LEVEL_DEFAULT;
	if (!*text)
		return;
	if (!strncmp(text, "unique:", 7)) {
		r->level = IPSEC_LEVEL_UNIQUE;
		r->reqid = number(text + 7, 1, IPSEC_MANUAL_REQID_MAX);
		return;
	}
	r->level = named(&level_names, text,
			 "a level (default, use, require, unique)");
}

static void rule_parse(struct rule *r, uint8_t dir, const char *text)
{
	char copy[256], *rest = copy, *proto, *mode, *ends, *level;

	if (strlen(text) >= sizeof(copy))
		refuse(syntax, text, "no rule is that long");
	strcpy(copy, text);
	proto = strsep(&rest, "/");
	mode = strsep(&rest, "/");
	ends = strsep(&rest, "/");
	level = strsep(&rest, "/");
	if (!mode || rest)
		refuse(syntax, text, "a rule is PROTO/MODE/[SRC-DST]/LEVEL");
	r->proto = named(&rule_names, proto, "esp, ah or ipcomp");
	r->mode = named(&mode_names, mode, "transport or tunnel");
	if (r->mode != IPSEC_MODE_TRANSPORT && r->mode != IPSEC_MODE_TUNNEL)
		refuse(syntax, text, "transport or tunnel is wanted");
	if (ends && *ends)
		ends_parse(r, dir, text, ends);
	else if (r->mode == IPSEC_MODE_TUNNEL)
		refuse(syntax, text, "tunnel mode needs its two ends, SRC-DST");
	level_parse(r, level ? level : "");
}

static void dir_parse(struct policy *p, struct words *w)
{
	p->dir = named(&dir_names, next(w, "a direction"), "in, out or fwd");
	p->priority = PRIORITY_DEF;
}

/* To delete, the direction is enough; the words that added it will do. */
void policy_parse_dir(struct policy *p, const char *const *word,
		      unsigned int n)
{
	struct words w = { word, n };

	if (n > 1)
		policy_parse(p, word, n);
	else
		dir_parse(p, &w);
}

void policy_parse(struct policy *p, const char *const *word, unsigned int n)
{
	struct words w = { word, n };
	const char *text;

	dir_parse(p, &w);
	text = next(&w, "what to do");
	if (!strcmp(text, "prio") || !strcmp(text, "priority")) {
		p->priority = priority_parse(&w);
		text = next(&w, "what to do");
	}
	p->type = named(&policy_names, text,
			"discard, none, ipsec, bypass or entrust");
	if (p->type != IPSEC_POLICY_IPSEC && w.left)
		refuse(syntax, *w.word, "only ipsec takes rules");
	if (p->type == IPSEC_POLICY_IPSEC && !w.left)
		refuse(syntax, ";", "ipsec without a rule protects nothing");
	while (w.left) {
		text = next(&w, "a rule");
		if (p->nrules == MAX_RULES)
			refuse(syntax, text, "more than %u rules", MAX_RULES);
		rule_parse(&p->rule[p->nrules++], p->dir, text);
	}
}
