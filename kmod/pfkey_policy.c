// SPDX-License-Identifier: GPL-2.0-only
/*
 * pfkey_policy.c - requests about policies (KAME), and MIGRATE
 *
 * Owns the handlers of the SADB_X_SPD messages and of SADB_X_MIGRATE, which moves a
 * policy and its SAs to other addresses. pfkey_msg.c and pfkey_change.c
 * call them by their tables.
 */
#include "pfkey_build.h"
#include "pfkey_msg.h"
#include "pfkey_tell.h"

#include <linux/slab.h>

#include "net.h"
#include "sad.h"

static struct espl_range take_port(__be16 port)
{
	u16 first = ntohs(port);

	return (struct espl_range){ first, first ?: 0xffff };
}

static struct espl_sel take_sel(const struct espl_pfkey_msg *msg)
{
	bool ranges = msg->exts & ESPL_EXT(SADB_X_EXT_PORTS);
	struct espl_sel sel = {
		.saddr = msg->src.addr,
		.daddr = msg->dst.addr,
		.sport = ranges ? msg->sport : take_port(msg->src.port),
		.dport = ranges ? msg->dport : take_port(msg->dst.port),
		.family = msg->src.family,
		.splen = msg->src.plen,
		.dplen = msg->dst.plen,
		.proto = msg->src.proto == IPSEC_PROTO_ANY ? 0 : msg->src.proto,
	};

	espl_addr_mask(&sel.saddr, sel.splen);
	espl_addr_mask(&sel.daddr, sel.dplen);
	return sel;
}

/* Level unique without a number gets one above what people give by hand. */
static u32 take_reqid(const struct espl_pfkey_request *request)
{
	static atomic_t next = ATOMIC_INIT(IPSEC_MANUAL_REQID_MAX);

	if (request->level != IPSEC_LEVEL_UNIQUE || request->reqid)
		return request->reqid;
	return atomic_inc_return(&next);
}

static void take_tmpls(struct espl_policy *policy,
		       const struct espl_pfkey_policy *from)
{
	policy->tmpls = from->requests;
	for (unsigned int i = 0; i < from->requests; i++)
		policy->tmpl[i] = (struct espl_tmpl){
			.saddr = from->request[i].saddr,
			.daddr = from->request[i].daddr,
			.family = from->request[i].family,
			.proto = from->request[i].proto,
			.mode = from->request[i].mode,
			.level = from->request[i].level,
			.reqid = take_reqid(&from->request[i]),
		};
}

/**
 * espl_pfkey_spdadd() - add a policy, or replace one
 * @en: the asker's namespace
 * @msg: the request
 * @about: set to what has come, held
 *
 * Context: Process, may sleep, espl_net.lock held.
 * Return: As espl_pfkey_handle().
 */
int espl_pfkey_spdadd(struct espl_net *en, struct espl_pfkey_msg *msg,
		      struct espl_pfkey_about *about)
{
	struct espl_policy *policy = espl_policy_alloc();

	if (!policy)
		return -ENOMEM;
	about->policy = policy;
	policy->sel = take_sel(msg);
	policy->dir = msg->policy.dir - 1;
	policy->action = msg->policy.type;
	policy->priority = msg->policy.priority;
	policy->hard = espl_pfkey_take_life(&msg->hard);
	take_tmpls(policy, &msg->policy);
	return espl_spd_add(en, policy, msg->type == SADB_X_SPDUPDATE);
}

static bool is_at(const struct espl_pfkey_request *where, u8 family,
		  const union nf_inet_addr *saddr, const union nf_inet_addr *daddr)
{
	return where->family == family &&
	       espl_addr_equal(&where->saddr, saddr, family) &&
	       espl_addr_equal(&where->daddr, daddr, family);
}

/* The policy with the new ends of its tunnels; it takes the old one's place. */
static int migrate_policy(struct espl_pfkey_sock *ps, const struct espl_pfkey_msg *msg,
			  const struct espl_policy *old)
{
	struct espl_policy *policy = espl_policy_alloc();
	int err;

	if (!policy)
		return -ENOMEM;
	policy->sel = old->sel;
	policy->dir = old->dir;
	policy->action = old->action;
	policy->priority = old->priority;
	policy->hard = old->hard;
	policy->created = old->created;
	policy->last_used = old->last_used;
	policy->tmpls = old->tmpls;
	memcpy(policy->tmpl, old->tmpl, sizeof(policy->tmpl));
	for (unsigned int i = 0; i < policy->tmpls; i++) {
		struct espl_tmpl *tmpl = &policy->tmpl[i];

		for (unsigned int j = 0; j < msg->policy.requests; j += 2) {
			const struct espl_pfkey_request *pair = &msg->policy.request[j];

			if (tmpl->mode != IPSEC_MODE_TUNNEL ||
			    tmpl->proto != pair->proto || tmpl->mode != pair->mode ||
			    !is_at(pair, tmpl->family, &tmpl->saddr, &tmpl->daddr))
				continue;
			tmpl->saddr = pair[1].saddr;
			tmpl->daddr = pair[1].daddr;
			tmpl->family = pair[1].family;
			break;
		}
	}
	err = espl_spd_add(ps->en, policy, true);
	espl_policy_put(policy);
	return err;
}

/* The SA at its new place; it takes the old one's when all are there. */
static int migrate_sa(struct espl_sa *old, const struct espl_pfkey_request *to)
{
	struct espl_sa_conf *conf = kmemdup(&old->conf, sizeof(*conf), GFP_KERNEL);
	struct espl_sa *sa;
	int err;

	if (!conf)
		return -ENOMEM;
	conf->saddr = to->saddr;
	conf->daddr = to->daddr;
	conf->family = to->family;
	sa = espl_sa_alloc(old->en, conf);
	kfree_sensitive(conf);
	if (IS_ERR(sa))
		return PTR_ERR(sa);
	err = espl_sad_stage_move(old, sa);
	espl_sa_put(sa);
	return err;
}

static bool is_meant(const struct espl_sa *sa, const struct espl_pfkey_request *at)
{
	const struct espl_sa_conf *conf = &sa->conf;

	return espl_sa_usable(sa) && conf->proto == at->proto && conf->mode == at->mode &&
	       (!at->reqid || at->reqid == conf->reqid) &&
	       is_at(at, conf->family, &conf->saddr, &conf->daddr);
}

static int migrate_sas(struct espl_pfkey_sock *ps, const struct espl_pfkey_request *pair)
{
	struct espl_sa *sa, *next;
	int err;

	/* Those that move leave this list. */
	list_for_each_entry_safe(sa, next, &ps->en->sas, all) {
		err = is_meant(sa, pair) ? migrate_sa(sa, &pair[1]) : 0;
		if (err)
			return err;
	}
	return 0;
}

/* Others hear of it from nobody: that is how keyers know what they must act on. */
static void answer_migrate(struct espl_pfkey_sock *ps, const struct espl_pfkey_msg *msg)
{
	struct espl_pfkey_head head = espl_pfkey_head_of(msg), theirs = { .type = msg->type };
	struct espl_pfkey_build *build = ps->en->build;

	espl_put_head(build, &theirs);
	espl_put_migrate(build, msg);
	espl_pfkey_tell_others(ps, ESPL_ALL, build);
	espl_put_head(build, &head);
	espl_put_migrate(build, msg);
	espl_pfkey_answer(ps, build);
}

/**
 * espl_pfkey_migrate() - move a policy and its SAs to other addresses
 * @ps: the asker's socket
 * @msg: the request
 *
 * All move at once, or none does.
 *
 * Context: Process, may sleep.
 * Return: As espl_pfkey_handle().
 */
int espl_pfkey_migrate(struct espl_pfkey_sock *ps, struct espl_pfkey_msg *msg)
{
	struct espl_sel sel = take_sel(msg);
	struct espl_net *en = ps->en;
	struct espl_policy *policy;
	int err = -ENOENT;

	mutex_lock(&en->lock);
	en->staging = true;
	policy = espl_spd_lookup_sel(en, msg->policy.dir - 1, &sel);
	if (policy)
		err = migrate_policy(ps, msg, policy);
	for (unsigned int i = 0; !err && i < msg->policy.requests; i += 2)
		err = migrate_sas(ps, &msg->policy.request[i]);
	err = espl_pfkey_end_changes(en, err);
	if (!err)
		answer_migrate(ps, msg);
	mutex_unlock(&en->lock);
	return err;
}

static struct espl_policy *find_policy(struct espl_net *en,
				       const struct espl_pfkey_msg *msg)
{
	struct espl_sel sel;

	if (msg->type != SADB_X_SPDDELETE)
		return espl_spd_lookup_id(en, msg->policy.id);
	sel = take_sel(msg);
	return espl_spd_lookup_sel(en, msg->policy.dir - 1, &sel);
}

/**
 * espl_pfkey_spddelete() - delete a policy
 * @en: the asker's namespace
 * @msg: the request
 * @about: set to what has gone, held
 *
 * Context: Process, may sleep, espl_net.lock held.
 * Return: As espl_pfkey_handle().
 */
int espl_pfkey_spddelete(struct espl_net *en, struct espl_pfkey_msg *msg,
			 struct espl_pfkey_about *about)
{
	struct espl_policy *policy = find_policy(en, msg);

	if (!policy)
		return -ENOENT;
	about->policy = espl_policy_get(policy);
	espl_spd_del(en, policy);
	return 0;
}

/**
 * espl_pfkey_spdget() - show a policy
 * @ps: the asker's socket
 * @msg: the request
 *
 * Context: Process, may sleep.
 * Return: As espl_pfkey_handle().
 */
int espl_pfkey_spdget(struct espl_pfkey_sock *ps, struct espl_pfkey_msg *msg)
{
	struct espl_pfkey_about about = {};

	mutex_lock(&ps->en->lock);
	about.policy = find_policy(ps->en, msg);
	if (about.policy)
		espl_pfkey_answer_about(ps, msg, &about, ESPL_PROMISC);
	mutex_unlock(&ps->en->lock);
	return about.policy ? 0 : -ENOENT;
}

/**
 * espl_pfkey_spdflush() - delete all policies
 * @en: the asker's namespace
 * @msg: the request
 * @about: left alone: the header says it all
 *
 * Context: Process, may sleep, espl_net.lock held.
 * Return: 0.
 */
int espl_pfkey_spdflush(struct espl_net *en, struct espl_pfkey_msg *msg,
			struct espl_pfkey_about *about)
{
	espl_spd_flush(en);
	return 0;
}
