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
void espl_life_start_policy(struct espl_policy *policy) { (void)policy; }
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

static enum espl_verdict says(enum espl_dir dir, u32 addr, u16 port, u32 *id)
{
	struct espl_flow flow = {
		.family = AF_INET, .proto = IPPROTO_UDP, .daddr.ip = htonl(addr),
		.dport = htons(port), .ports_known = port != HIDDEN,
	};
	struct espl_policy *policy;
	enum espl_verdict verdict = espl_spd_lookup(&en, dir, &flow, &policy);

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
	shim_table_full = true;
	check(add(ESPL_OUT, to(NET, 30, 0), none, 0, false) == -ENOMEM &&
	      add(ESPL_OUT, a, none, 0, true) == -ENOMEM, "nor without a place in the tables");
	shim_table_full = false;
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
	check(espl_spd_lookup(&en, ESPL_OUT, &flow, &policy) == ESPL_PROTECT, "a source that is covered");
	check(espl_spd_lookup(&en, ESPL_IN, &flow, &policy) == ESPL_NO_POLICY, "the other way it is not");
	check(espl_spd_lookup(&en, ESPL_OUT, &flow, &policy) == ESPL_PROTECT, "and this way it still is");
	flow.saddr.ip = htonl(0xc0a90102);
	check(espl_spd_lookup(&en, ESPL_OUT, &flow, &policy) == ESPL_NO_POLICY, "one that is not");
	flow.family = AF_INET6;
	check(espl_spd_lookup(&en, ESPL_OUT, &flow, &policy) == ESPL_DISCARD, "nor is it of the other family");
	espl_spd_flush(&en);
	for (int dir = 0; dir < ESPL_DIRS; dir++)
		check(en.shapes[dir].next == &en.shapes[dir], "flushed, no shape is left");
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
#define PORTS	4	/* 1..3 are asked for, 4 never is */

static struct model {
	bool there;
	struct espl_sel sel;
	u32 priority, age, id;
	u8 action;
} model[POOL];

static const struct model *model_says(u32 addr, u16 port)
{
	const struct model *first = NULL;

	for (int i = 0; i < POOL; i++) {
		const struct model *m = &model[i];
		u32 differs = ntohl(m->sel.daddr.ip) ^ addr;

		if (!m->there || differs >> (32 - m->sel.dplen) ||
		    port < m->sel.dport.first || port > m->sel.dport.last)
			continue;
		if (!first || m->priority < first->priority ||
		    (m->priority == first->priority && m->age < first->age))
			first = m;
	}
	return first;
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

/*
 * Seen, a port decides just as in the model. Hidden, the answer must be right
 * for every port there could have been: clear where all are clear, or the same
 * policy for all; everything else is to be UNCLEAR.
 */
static void compare(u32 addr, int *wrong, int *leaks, int *unclear)
{
	static const enum espl_verdict verdicts[] = {
		[IPSEC_POLICY_DISCARD] = ESPL_DISCARD,
		[IPSEC_POLICY_NONE] = ESPL_BYPASS,
		[IPSEC_POLICY_IPSEC] = ESPL_PROTECT,
	};
	u32 hidden_id, id;
	enum espl_verdict hidden = says(ESPL_OUT, addr, HIDDEN, &hidden_id);

	*unclear += hidden == ESPL_UNCLEAR;
	for (u16 port = 1; port <= PORTS; port++) {
		const struct model *m = model_says(addr, port);
		enum espl_verdict want = m ? verdicts[m->action] : ESPL_NO_POLICY;
		u32 want_id = m ? m->id : 0;

		*wrong += says(ESPL_OUT, addr, port, &id) != want || id != want_id;
		if (hidden != ESPL_UNCLEAR)
			*leaks += clear(hidden) ? !clear(want) : hidden_id != want_id;
	}
}

/* Overlapping prefixes, some with a port; none that is in the pool already. */
static struct espl_sel new_sel(int pool)
{
	struct espl_sel sel;
	int i;

	do {
		sel = to(NET + dice(1024), 23 + dice(7), dice(2) ? 0 : 1 + dice(PORTS - 1));
		for (i = 0; i < pool && !espl_sel_equal(&model[i].sel, &sel); i++)
			;
	} while (i < pool);
	return sel;
}

static void by_model(void)
{
	int wrong = 0, leaks = 0, unclear = 0, rounds = 200, steps = 100;

	for (int round = 0; round < rounds; round++) {
		for (int i = 0; i < POOL; i++)
			model[i] = (struct model){ .sel = new_sel(i) };
		for (int i = 0; i < steps; i++) {
			wrong += step(i);
			for (int k = 0; k < 8; k++)
				compare(NET + dice(1024), &wrong, &leaks, &unclear);
		}
		espl_spd_flush(&en);
	}
	check(!wrong, "random policies match as in the model, %d times not", wrong);
	check(!leaks, "no port is hidden that would have decided otherwise, %d were", leaks);
	check(unclear > 1000, "and hidden ports did decide, %d times", unclear);
	check(!en.hook_users, "nothing is left");
}

static void compare_some(const struct model *those, int *wrong, int *leaks)
{
	struct model now[POOL];
	int unclear = 0;

	memcpy(now, model, sizeof(model));
	memcpy(model, those, sizeof(model));
	for (int k = 0; k < 8; k++)
		compare(NET + dice(1024), wrong, leaks, &unclear);
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
		if (!dice(4)) {
			espl_spd_flush(&en);
			for (int i = 0; i < POOL; i++)
				model[i].there = false;
		}
		for (int steps = dice(12); steps; steps--) {
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
	check(!en.hook_users, "nothing is left of transactions");
}

int main(void)
{
	espl_spd_init(&en);
	check(!espl_index_init(&en) && !espl_index_init_cache(), "tables");
	changes();
	flows_reviewed();
	keys();
	hidden_ports();
	by_model();
	transactions();
	espl_spd_fini(&en);
	espl_index_fini(&en);
	espl_index_fini_cache();
	return unit_done();
}
