// SPDX-License-Identifier: GPL-2.0-only
/*
 * spd.c - which policy comes first, and what is said where ports are hidden
 *
 * The order against a model that keeps no order and searches for the smallest;
 * hidden ports against every port that there could have been. Case 22 of the
 * conformance list: priority first, then insertion.
 */
#include "shim.h"

#include "../../kmod/sel.c"
#include "../../kmod/spd.c"
#include "../../kmod/spd_index.c"
#include "unit.h"

static struct espl_net en;
static bool hooks_fail;

int espl_hooks_get(struct espl_net *net)
{
	if (hooks_fail)
		return -ENOMEM;
	net->hook_users++;
	return 0;
}

void espl_hooks_put(struct espl_net *net)
{
	net->hook_users--;
}

static unsigned int reviews;

void espl_ct_review(struct espl_net *net, const struct espl_policy *policy)
{
	(void)net;
	(void)policy;
	reviews++;
}

void espl_ct_init(struct espl_net *net) { (void)net; }
void espl_ct_fini(struct espl_net *net) { (void)net; }

struct workqueue_struct *espl_wq;

void espl_life_init_policy(struct espl_policy *policy) { (void)policy; }
static int late_clocks;	/* started when the policy had gone */
void espl_life_start_policy(struct espl_policy *policy) { late_clocks += policy->dead; }
void espl_life_stop_policy(struct espl_policy *policy) { (void)policy; }

void espl_acquire_forget(struct espl_net *net, u32 policy)
{
	(void)net;
	(void)policy;
}

#define NET	0x0a020000	/* 10.2.0.0 */

static struct espl_sel to(u32 addr, u8 plen, u16 port)
{
	struct espl_sel sel = { .family = AF_INET, .dplen = plen };

	sel.daddr.ip = htonl(addr);
	espl_addr_mask(&sel.daddr, plen);
	sel.sport = (struct espl_range){ 0, 0xffff };
	sel.dport = (struct espl_range){ port, port ? port : 0xffff };
	return sel;
}

static int add(enum espl_dir dir, struct espl_sel sel, u8 action, u32 priority,
	       bool replace)
{
	struct espl_policy *policy = espl_policy_alloc();
	int err;

	policy->dir = dir;
	policy->sel = sel;
	policy->action = action;
	policy->priority = priority;
	err = espl_spd_add(&en, policy, replace);
	espl_policy_put(policy);
	return err;
}

#define HIDDEN	0

static enum espl_verdict lookup(enum espl_dir dir, const struct espl_flow *flow,
				struct espl_policy **policy)
{
	struct espl_plan *plan;

	return espl_index_lookup(&en, dir, flow, policy, &plan);
}

static enum espl_verdict says(enum espl_dir dir, u32 addr, u16 port, u32 *id)
{
	struct espl_flow flow = {
		.family = AF_INET, .proto = IPPROTO_UDP, .daddr.ip = htonl(addr),
		.dport = htons(port), .ports_known = port != HIDDEN,
	};
	struct espl_policy *policy;
	enum espl_verdict verdict = lookup(dir, &flow, &policy);

	*id = policy ? policy->id : 0;
	return verdict;
}

/* The order of matching, as numbers of policies. */
static const char *order(enum espl_dir dir)
{
	static char text[256];
	struct espl_policy *policy;
	int at = 0;

	text[0] = 0;
	for (policy = espl_spd_first(&en, dir); policy; policy = espl_spd_next(policy))
		at += sprintf(text + at, " %u", policy->id);
	return text;
}

static void is_order(enum espl_dir dir, const char *want, const char *name)
{
	check(!strcmp(order(dir), want), "%s:%s, wanted%s", name, order(dir), want);
}

static void changes(void)
{
	struct espl_sel a = to(NET, 24, 0), b = to(NET, 16, 0), c = to(NET, 8, 0);
	const u8 ipsec = IPSEC_POLICY_IPSEC, none = IPSEC_POLICY_NONE;
	struct espl_policy *policy;
	u32 id;

	en.policy_serial = 0;
	add(ESPL_OUT, a, ipsec, 5, false);
	add(ESPL_OUT, b, none, 5, false);
	add(ESPL_OUT, c, none, 1, false);
	is_order(ESPL_OUT, " 25 9 17", "priority first, then age");
	check(add(ESPL_OUT, a, none, 9, false) == -EEXIST, "the same selector again is EEXIST");
	is_order(ESPL_OUT, " 25 9 17", "which changes nothing");
	check(!add(ESPL_IN, a, none, 5, false), "the other direction is another policy");
	is_order(ESPL_IN, " 32", "whose number says the direction");
	check(!add(ESPL_OUT, a, none, 5, true), "what is there is replaced");
	is_order(ESPL_OUT, " 25 9 17", "with its number and its place");
	policy = espl_spd_lookup_sel(&en, ESPL_OUT, &a);
	check(policy->action == none && policy->refs == 1, "by the new one, held once");
	check(espl_spd_lookup_id(&en, 9) == policy, "and found by number");
	add(ESPL_OUT, c, none, 5, true);
	is_order(ESPL_OUT, " 9 17 25", "replaced with another priority it goes behind its equals");
	check(!add(ESPL_OUT, to(NET, 12, 0), none, 5, true), "nothing to replace: it is added");
	is_order(ESPL_OUT, " 9 17 25 41", "as the youngest");
	check(en.hook_users == 5, "the hooks are held once for each, %u", en.hook_users);

	hooks_fail = true;
	check(add(ESPL_OUT, to(NET, 30, 0), none, 0, false) == -ENOMEM &&
	      add(ESPL_OUT, a, none, 0, true) == -ENOMEM, "without hooks nothing is added");
	hooks_fail = false;
	shim_room = 0;
	check(add(ESPL_OUT, to(NET, 30, 0), none, 0, false) == -ENOMEM &&
	      add(ESPL_OUT, a, none, 0, true) == -ENOMEM, "nor without a place in the tables");
	shim_room = -1;
	is_order(ESPL_OUT, " 9 17 25 41", "or replaced");
	check(en.hook_users == 5, "and no hook is held");
	add(ESPL_FWD, a, none, 0, false);
	is_order(ESPL_FWD, " 50", "nor a number used up");

	check(!espl_spd_lookup_id(&en, 0) && !espl_spd_lookup_id(&en, 7) &&
	      !espl_spd_lookup_id(&en, 10), "numbers that are nobody's");
	espl_spd_del(&en, espl_spd_lookup_id(&en, 9));
	says(ESPL_OUT, NET, 1, &id);
	check(id == 17, "deleted: the next decides at once");
	add(ESPL_OUT, a, ipsec, 0, false);
	check(says(ESPL_OUT, NET, 1, &id) == ESPL_PROTECT && id == 57, "and back, as a new one");

	policy = espl_policy_get(espl_spd_lookup_id(&en, 57));
	shim_seconds = 100;
	jiffies++;
	says(ESPL_OUT, NET, 1, &id);
	check(policy->last_used == 101, "a match is remembered");
	espl_spd_del(&en, policy);
	check(policy->refs == 1 && policy->action == ipsec, "who holds a policy keeps it");
	espl_policy_put(policy);
	espl_spd_flush(&en);
	check(!en.hook_users, "flushed, hooks and all");
}

/* Has that been the first review of flows since the last time. */
static bool reviewed(void)
{
	unsigned int n = reviews;

	reviews = 0;
	return n == 1;
}

/* After what a flow may have to leave a flowtable, and after nothing else. */
static void flows_reviewed(void)
{
	struct espl_sel a = to(NET, 24, 0), b = to(NET, 16, 0);

	reviews = 0;
	add(ESPL_OUT, a, IPSEC_POLICY_IPSEC, 5, false);
	check(reviewed(), "a policy that protects: flows are reviewed");
	add(ESPL_OUT, b, IPSEC_POLICY_DISCARD, 5, false);
	check(reviewed(), "one that discards: so they are");
	add(ESPL_OUT, to(NET, 8, 0), IPSEC_POLICY_NONE, 5, false);
	check(!reviews, "one that does neither: they are not");
	add(ESPL_OUT, a, IPSEC_POLICY_NONE, 5, true);
	check(reviewed(), "one replaced, which others were behind: they are");
	espl_spd_del(&en, espl_spd_lookup_sel(&en, ESPL_OUT, &a));
	check(reviewed(), "one that does neither goes: they are");
	espl_spd_del(&en, espl_spd_lookup_sel(&en, ESPL_OUT, &b));
	check(!reviews, "another goes: they are not, for its flows stay barred");
	espl_spd_flush(&en);
	check(!reviews, "nor when all do");
}

static bool no_shapes(enum espl_dir dir)
{
	return en.shapes[dir].next == &en.shapes[dir];
}

/* What is kept of a flow in one direction does not push out what is kept in another. */
static void directions(void)
{
	struct espl_flow flow = { .family = AF_INET, .proto = IPPROTO_UDP };
	struct espl_plan *plan[ESPL_DIRS];
	struct espl_policy *policy;
	int shared = 0;

	for (int i = 0; i < 1000; i++) {
		flow.daddr.ip = htonl(NET + i);
		flow.sport = htons(i * 40503);
		for (int dir = 0; dir < ESPL_DIRS; dir++)
			espl_index_lookup(&en, dir, &flow, &policy, &plan[dir]);
		for (int dir = 0; dir < ESPL_DIRS; dir++)
			shared += plan[dir] == plan[(dir + 1) % ESPL_DIRS];
	}
	check(!shared, "a flow has a place for each direction, of 1,000 %d do not", shared);
}

/* Prefixes of the source, the other direction, the other family: other policies. */
static void keys(void)
{
	struct espl_sel sel = to(NET, 16, 0), six = { .family = AF_INET6 };
	struct espl_flow flow = { .family = AF_INET, .daddr.ip = htonl(NET + 1) };
	struct espl_policy *policy;

	sel.saddr.ip = htonl(0xc0a80000);
	sel.splen = 16;
	six.sport = sel.sport;
	six.dport = sel.dport;
	add(ESPL_OUT, sel, IPSEC_POLICY_IPSEC, 0, false);
	add(ESPL_OUT, six, IPSEC_POLICY_DISCARD, 0, false);
	flow.ports_known = true;
	flow.saddr.ip = htonl(0xc0a80102);
	check(lookup(ESPL_OUT, &flow, &policy) == ESPL_PROTECT, "a source that is covered");
	check(lookup(ESPL_IN, &flow, &policy) == ESPL_NO_POLICY, "the other way it is not");
	check(lookup(ESPL_OUT, &flow, &policy) == ESPL_PROTECT, "and this way it still is");
	flow.saddr.ip = htonl(0xc0a90102);
	check(lookup(ESPL_OUT, &flow, &policy) == ESPL_NO_POLICY, "one that is not");
	flow.family = AF_INET6;
	check(lookup(ESPL_OUT, &flow, &policy) == ESPL_DISCARD, "nor is it of the other family");
	espl_spd_flush(&en);
	for (int dir = 0; dir < ESPL_DIRS; dir++)
		check(no_shapes(dir), "flushed, no shape is left");
}

static bool seen;	/* a policy, by a packet whose port is seen, or hidden */

static void look(void)
{
	u32 id;

	espl_index_changed(&en);	/* nothing is remembered */
	seen |= says(ESPL_OUT, NET, 7, &id) != ESPL_NO_POLICY || id;
	seen |= says(ESPL_OUT, NET, HIDDEN, &id) != ESPL_NO_POLICY || id;
}

/* A policy that asks for a port has three places: by number, for all flows, for hidden ones. */
static void places_of_one(void)
{
	struct espl_sel sel = to(NET, 16, 7);

	shim_look = look;
	for (unsigned int room = 0; room <= 3; room++) {
		int err;

		seen = false;
		shim_room = room;
		err = add(ESPL_OUT, sel, IPSEC_POLICY_IPSEC, 0, false);
		check(err == (room < 3 ? -ENOMEM : 0) && !seen,
		      "room for %u places: %d, and no packet sees it before it is there", room, err);
		look();
		check(seen == (room == 3) && no_shapes(ESPL_OUT) != seen,
		      room < 3 ? "nor after, and nothing is left" : "now both find it");
	}
	shim_look = NULL;
	shim_room = -1;
	espl_spd_flush(&en);
}

/* How many policies a packet is held against. */
static unsigned int met(struct espl_flow flow)
{
	struct espl_policy *policy;

	espl_index_changed(&en);
	shim_met = 0;
	lookup(ESPL_OUT, &flow, &policy);
	return shim_met;
}

/* The nth of those that differ in one thing; and a flow that it covers. */
static struct espl_sel nth_sel(char what, u8 of, unsigned int n)
{
	struct espl_sel sel = to(NET, 24, 0);

	sel.splen = 24;
	if (of == AF_INET6)
		sel = (struct espl_sel){ .family = of, .splen = 64, .dplen = 128,
					 .sport = sel.sport, .dport = sel.dport };
	if (what == 's')
		sel.sport = (struct espl_range){ n, n };
	if (what == 'd')
		sel.dport = (struct espl_range){ n, n };
	if (what == 'p')
		sel.proto = n + 1;
	if (what == 'f')
		sel.saddr.ip6[of == AF_INET6 ? 1 : 0] |= htonl(n << 8);
	if (what == 't')
		sel.daddr.ip6[of == AF_INET6 ? 3 : 0] |= htonl(n << 8);
	return sel;
}

static struct espl_flow flow_of(struct espl_sel sel)
{
	return (struct espl_flow){
		.saddr = sel.saddr, .daddr = sel.daddr, .sport = htons(sel.sport.first),
		.dport = htons(sel.dport.first), .family = sel.family,
		.proto = sel.proto ?: 17, .ports_known = true,
	};
}

/* A packet is held against those that it may be for, however many others there are. */
static void how_many(char what, u8 of, unsigned int want_hidden, const char *name)
{
	const unsigned int n = 100;
	unsigned int most = 0, added = 0;
	struct espl_flow hidden = flow_of(nth_sel(what, of, 0));

	for (unsigned int i = 0; i < n; i++) {
		shim_met = 0;
		add(ESPL_OUT, nth_sel(what, of, i), IPSEC_POLICY_IPSEC, 0, false);
		added += shim_met;
	}
	for (unsigned int i = 0; i < n; i++)
		most = met(flow_of(nth_sel(what, of, i))) > most ? shim_met : most;
	hidden.ports_known = false;
	hidden.proto_hidden = of == AF_INET6;
	met(hidden);
	check(most == 1 && !added && shim_met == want_hidden,
	      "IPv%c, 100 that differ in %s: %u met, %u at all additions, %u if that is hidden",
	      of == AF_INET ? '4' : '6', name, most, added, shim_met);
	espl_spd_flush(&en);
}

/*
 * Two policies in order, an action and a port each (- for any), and what is said
 * of a packet to port 7, of one to port 8, and of one whose port is hidden.
 */
static const struct {
	const char *policies;
	enum espl_verdict seven, eight, hidden;
} rows[] = {
	{ "none 7",		ESPL_BYPASS, ESPL_NO_POLICY, ESPL_NO_POLICY },
	{ "none 7, none -",	ESPL_BYPASS, ESPL_BYPASS, ESPL_BYPASS },
	{ "none -, ipsec 7",	ESPL_BYPASS, ESPL_BYPASS, ESPL_BYPASS },
	{ "none 7, ipsec -",	ESPL_BYPASS, ESPL_PROTECT, ESPL_UNCLEAR },
	{ "none 7, discard -",	ESPL_BYPASS, ESPL_DISCARD, ESPL_UNCLEAR },
	{ "none 7, ipsec 8",	ESPL_BYPASS, ESPL_PROTECT, ESPL_UNCLEAR },
	{ "ipsec 7",		ESPL_PROTECT, ESPL_NO_POLICY, ESPL_UNCLEAR },
	{ "ipsec 7, none -",	ESPL_PROTECT, ESPL_BYPASS, ESPL_UNCLEAR },
	{ "ipsec 7, ipsec -",	ESPL_PROTECT, ESPL_PROTECT, ESPL_UNCLEAR },
	{ "ipsec -, none 7",	ESPL_PROTECT, ESPL_PROTECT, ESPL_PROTECT },
	{ "discard 7",		ESPL_DISCARD, ESPL_NO_POLICY, ESPL_UNCLEAR },
	{ "discard -, none 7",	ESPL_DISCARD, ESPL_DISCARD, ESPL_DISCARD },
};

static u8 action_of(const char *word)
{
	return word[0] == 'n' ? IPSEC_POLICY_NONE :
	       word[0] == 'i' ? IPSEC_POLICY_IPSEC : IPSEC_POLICY_DISCARD;
}

static void hidden_ports(void)
{
	u32 id;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		u8 plen = 16;	/* two selectors, or the second would be EEXIST */

		for (const char *at = rows[i].policies; at; at = strchr(at, ',')) {
			at += strspn(at, ", ");
			add(ESPL_OUT, to(NET, plen--, atoi(strchr(at, ' '))),
			    action_of(at), 0, false);
		}
		check(says(ESPL_OUT, NET, 7, &id) == rows[i].seven &&
		      says(ESPL_OUT, NET, 8, &id) == rows[i].eight &&
		      says(ESPL_OUT, NET, HIDDEN, &id) == rows[i].hidden,
		      "%s: port 7, port 8, and none to be seen", rows[i].policies);
		espl_spd_flush(&en);
	}
}

static bool clear(enum espl_verdict verdict)
{
	return verdict == ESPL_NO_POLICY || verdict == ESPL_BYPASS;
}

#define POOL	24	/* selectors in a round: few, so that they come again */
#define VALUES	4	/* of ports, or of ICMP's types and codes: 0..3 */
#define FROM	0x0a010000	/* 10.1.0.0 */

static const u8 protos[] = { IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_GRE };

static struct model {
	bool there;
	struct espl_sel sel;
	u32 priority, age, id;
	u8 action;
} model[POOL];

/* Of the rounds: in IPv6 the last word of an address is what is in IPv4 the only one. */
static u8 family = AF_INET;

static __be32 *word_of(union nf_inet_addr *addr)
{
	return &addr->ip6[family == AF_INET ? 0 : 3];
}

static bool covers(union nf_inet_addr prefix, u8 plen, union nf_inet_addr addr)
{
	u32 differs = ntohl(*word_of(&prefix)) ^ ntohl(*word_of(&addr));
	unsigned int bits = plen - (family == AF_INET ? 0 : 96);

	return !plen || !(differs >> (32 - bits));
}

static bool has(struct espl_range range, __be16 port)
{
	return range.first <= ntohs(port) && ntohs(port) <= range.last;
}

static bool is_any(struct espl_range range)
{
	return range.first == 0 && range.last == 65535;
}

static enum espl_match model_match(const struct model *m, const struct espl_flow *flow)
{
	const struct espl_sel *sel = &m->sel;
	bool ports = !is_any(sel->sport) || !is_any(sel->dport);

	if (!m->there || !covers(sel->saddr, sel->splen, flow->saddr) ||
	    !covers(sel->daddr, sel->dplen, flow->daddr))
		return ESPL_MISS;
	if (!flow->proto_hidden && sel->proto && sel->proto != flow->proto)
		return ESPL_MISS;
	if (flow->ports_known && !(has(sel->sport, flow->sport) && has(sel->dport, flow->dport)))
		return ESPL_MISS;
	return (flow->proto_hidden && sel->proto) || (!flow->ports_known && ports) ?
	       ESPL_MAYBE : ESPL_HIT;
}

static enum espl_verdict verdict(const struct model *m)
{
	static const enum espl_verdict verdicts[] = {
		[IPSEC_POLICY_DISCARD] = ESPL_DISCARD,
		[IPSEC_POLICY_NONE] = ESPL_BYPASS,
		[IPSEC_POLICY_IPSEC] = ESPL_PROTECT,
	};

	return m ? verdicts[m->action] : ESPL_NO_POLICY;
}

static bool precede(const struct model *a, const struct model *b)
{
	return !b || a->priority < b->priority ||
	       (a->priority == b->priority && a->age < b->age);
}

static enum espl_verdict model_says(const struct espl_flow *flow, u32 *id)
{
	const struct model *first = NULL;

	for (const struct model *m = model; m < model + POOL; m++)
		if (model_match(m, flow) == ESPL_HIT && precede(m, first))
			first = m;
	*id = first ? first->id : 0;
	for (const struct model *m = model; m < model + POOL; m++)
		if (model_match(m, flow) == ESPL_MAYBE && precede(m, first) &&
		    !(clear(verdict(m)) && clear(verdict(first))))
			return ESPL_UNCLEAR;
	return verdict(first);
}

/* Add, replace or delete one of the pool in both; the number wrong. */
static int step(u32 now)
{
	struct model *m = &model[dice(POOL)];
	u8 action = dice(3);	/* discard, none, ipsec */
	u32 priority = dice(3);
	bool replace = dice(2);
	struct espl_policy *policy;
	int err;

	if (m->there && !dice(3)) {
		espl_spd_del(&en, espl_spd_lookup_id(&en, m->id));
		m->there = false;
		return 0;
	}
	err = add(ESPL_OUT, m->sel, action, priority, replace);
	if (m->there && !replace)
		return err != -EEXIST;
	if (err)
		return 1;
	policy = espl_spd_lookup_sel(&en, ESPL_OUT, &m->sel);
	err = m->there && policy->id != m->id;
	if (!m->there || m->priority != priority)
		m->age = now;
	*m = (struct model){ true, m->sel, priority, m->age, policy->id, action };
	return err;
}

static enum espl_verdict spd_says(const struct espl_flow *flow, u32 *id)
{
	struct espl_policy *policy;
	enum espl_verdict said = lookup(ESPL_OUT, flow, &policy);

	*id = policy ? policy->id : 0;
	return said;
}

static bool same_as_model(const struct espl_flow *flow)
{
	u32 id, want;

	return spd_says(flow, &id) == model_says(flow, &want) && id == want;
}

/*
 * What is said where something is hidden must be right for every packet that there
 * could have been: clear where all are clear, else the same policy for all.
 */
static int leaks_of(struct espl_flow flow)
{
	u32 hidden_id, id;
	enum espl_verdict want, hidden = spd_says(&flow, &hidden_id);
	unsigned int n = flow.proto_hidden ? ARRAY_SIZE(protos) : 1;
	int leaks = 0;

	if (hidden == ESPL_UNCLEAR)
		return 0;
	flow.ports_known = true;
	for (unsigned int i = 0; i < n * VALUES * VALUES; i++) {
		flow.sport = htons(i % VALUES);
		flow.dport = htons(i / VALUES % VALUES);
		if (flow.proto_hidden)
			flow.proto = protos[i / VALUES / VALUES];
		struct espl_flow seen = flow;

		seen.proto_hidden = false;
		want = model_says(&seen, &id);
		leaks += clear(hidden) ? !clear(want) : hidden_id != id;
	}
	return leaks;
}

/* A flow, once with all that there is to see, once without ports, once without protocol. */
static void compare(int *wrong, int *leaks, int *unclear)
{
	struct espl_flow flow = { .family = family, .ports_known = true };
	u32 id;

	*word_of(&flow.saddr) = htonl(FROM + dice(1024));
	*word_of(&flow.daddr) = htonl(NET + dice(1024));
	flow.proto = protos[dice(ARRAY_SIZE(protos))];
	if (flow.proto != IPPROTO_GRE) {
		flow.sport = htons(dice(VALUES));
		flow.dport = htons(dice(VALUES));
	}
	*wrong += !same_as_model(&flow);
	flow.sport = 0;
	flow.dport = 0;
	flow.ports_known = false;
	for (int i = 0; i < 2; i++) {
		flow.proto_hidden = i;
		*wrong += !same_as_model(&flow);
		*leaks += leaks_of(flow);
		*unclear += spd_says(&flow, &id) == ESPL_UNCLEAR;
	}
}

/* Any, one, or from one to the next. */
static struct espl_range some_range(void)
{
	u16 first = dice(VALUES - 1);

	switch (dice(4)) {
	case 0:
		return (struct espl_range){ first, first + 1 };
	case 1:
		return (struct espl_range){ first, first };
	default:
		return (struct espl_range){ 0, 0xffff };
	}
}

/* Of few prefixes, which are the same or overlap. */
static struct espl_sel some_sel(void)
{
	struct espl_sel sel = { .family = family, .sport = some_range(), .dport = some_range() };
	u8 more = family == AF_INET ? 0 : 96;

	*word_of(&sel.saddr) = htonl(FROM + dice(2) * 512);
	*word_of(&sel.daddr) = htonl(NET + dice(1024));
	sel.splen = dice(2) ? 23 + more : 0;
	sel.dplen = (dice(2) ? 23 : 22 + dice(8)) + more;
	sel.proto = dice(2) ? protos[dice(ARRAY_SIZE(protos))] : 0;
	espl_addr_mask(&sel.saddr, sel.splen);
	espl_addr_mask(&sel.daddr, sel.dplen);
	return sel;
}

/* None that is in the pool already. */
static struct espl_sel new_sel(int pool)
{
	struct espl_sel sel;
	int i;

	do {
		sel = some_sel();
		for (i = 0; i < pool && !espl_sel_equal(&model[i].sel, &sel); i++)
			;
	} while (i < pool);
	return sel;
}

static void by_model(void)
{
	int wrong = 0, leaks = 0, unclear = 0, rounds = 200, steps = 100;

	for (int round = 0; round < rounds; round++) {
		family = round % 2 ? AF_INET6 : AF_INET;
		for (int i = 0; i < POOL; i++)
			model[i] = (struct model){ .sel = new_sel(i) };
		for (int i = 0; i < steps; i++) {
			wrong += step(i);
			for (int k = 0; k < 4; k++)
				compare(&wrong, &leaks, &unclear);
		}
		espl_spd_flush(&en);
	}
	check(!wrong, "random policies match as in the model, %d times not", wrong);
	check(!leaks, "no port is hidden that would have decided otherwise, %d were", leaks);
	check(unclear > 1000, "and hidden ports did decide, %d times", unclear);
	check(!en.hook_users && no_shapes(ESPL_OUT), "nothing is left");
}

static void compare_some(const struct model *those, int *wrong, int *leaks)
{
	struct model now[POOL];
	int unclear = 0;

	memcpy(now, model, sizeof(model));
	memcpy(model, those, sizeof(model));
	for (int k = 0; k < 4; k++)
		compare(wrong, leaks, &unclear);
	memcpy(model, now, sizeof(model));
}

/* While a transaction is made packets see what was before it; then all of it, or none. */
static void transactions(void)
{
	int wrong = 0, seen = 0, leaks = 0, age = 0;
	struct model before[POOL];

	for (int i = 0; i < POOL; i++)
		model[i] = (struct model){ .sel = new_sel(i) };
	for (int round = 0; round < 3000; round++) {
		memcpy(before, model, sizeof(model));
		en.staging = true;
		for (int steps = dice(12); steps; steps--) {
			if (!dice(10)) {
				espl_spd_flush(&en);
				for (int i = 0; i < POOL; i++)
					model[i].there = false;
			}
			wrong += step(age++);
			compare_some(before, &seen, &leaks);
		}
		en.staging = false;
		if (dice(2)) {
			espl_spd_commit(&en);
		} else {
			espl_spd_abort(&en);
			memcpy(model, before, sizeof(model));
		}
		compare_some(model, &wrong, &leaks);
	}
	check(!seen, "while a transaction is made packets see nothing of it, %d times not", seen);
	check(!wrong, "then they see all or nothing, %d times not", wrong);
	check(!leaks, "and no port is hidden that would have decided otherwise, %d were", leaks);
	espl_spd_flush(&en);
	check(!late_clocks, "no clock is started of what came and went, %d were", late_clocks);
	check(!en.hook_users, "nothing is left of transactions");
}

int main(void)
{
	espl_spd_init(&en);
	check(!espl_index_init(&en) && !espl_index_init_cache(), "tables");
	changes();
	flows_reviewed();
	directions();
	keys();
	places_of_one();
	for (unsigned int i = 0; i < 2; i++) {
		u8 of = i ? AF_INET6 : AF_INET;

		how_many('s', of, 100, "source ports");
		how_many('d', of, 100, "destination ports");
		how_many('p', of, 100, "protocols");
		how_many('f', of, 1, "sources");
		how_many('t', of, 1, "destinations");
	}
	hidden_ports();
	by_model();
	transactions();
	espl_spd_fini(&en);
	espl_index_fini(&en);
	espl_index_fini_cache();
	return unit_done();
}
