// SPDX-License-Identifier: GPL-2.0-only
/*
 * pfkey_msg.c - what each PF_KEY message does (RFC 2367 section 3, KAME)
 *
 * Owns the handlers, who hears of what, and dumps. pfkey.c calls it with parsed
 * requests; life.c has it announce the end of SAs. Everything that changes or
 * announces a state does so under espl_net.lock, so that all sockets hear of
 * changes in the order in which they took effect.
 */
#include "pfkey_build.h"
#include "pfkey_msg.h"

#include <linux/mm.h>
#include <linux/slab.h>

#include "net.h"
#include "pfkey.h"

static struct espl_pfkey_sock *to_ps(struct sock *sk)
{
	return container_of(sk, struct espl_pfkey_sock, sk);
}

/* Queue a message at a socket. One that has no room loses it, and that counts. */
static int queue(struct espl_pfkey_sock *ps, struct sk_buff *skb)
{
	if (skb && !sock_queue_rcv_skb(&ps->sk, skb))
		return 0;
	kfree_skb(skb);
	espl_stat_inc(ps->en, ESPL_PFKEY_LOST);
	return -ENOBUFS;
}

static int answer(struct espl_pfkey_sock *ps, const struct espl_pfkey_build *build)
{
	return queue(ps, espl_pfkey_finish(build));
}

/* Who besides the asker hears of a message. */
enum audience {
	ALL,		/* it changed something */
	PROMISC,	/* it was a question */
};

static void tell_others(struct espl_pfkey_sock *asker, enum audience audience,
			const struct espl_pfkey_build *build)
{
	struct sock *sk;

	sk_for_each(sk, &asker->en->pfkey_socks)
		if (to_ps(sk) != asker && (audience == ALL || to_ps(sk)->promisc))
			answer(to_ps(sk), build);
}

static struct espl_pfkey_head head_of(const struct espl_pfkey_msg *msg)
{
	return (struct espl_pfkey_head){
		.type = msg->type, .satype = msg->satype,
		.seq = msg->seq, .pid = msg->pid,
	};
}

/* An answer about an SA: with keys to a GET, to the others always without. */
static int answer_sa(struct espl_pfkey_sock *ps, const struct espl_pfkey_msg *msg,
		     const struct espl_sa *sa, enum audience audience)
{
	unsigned int what = ESPL_PUT_HARD | ESPL_PUT_SOFT;
	struct espl_pfkey_head head = head_of(msg);
	struct espl_pfkey_build *build;
	int err;

	build = kmalloc(sizeof(*build), GFP_KERNEL);
	if (!build)
		return -ENOMEM;
	espl_put_head(build, &head);
	espl_put_sa(build, sa, what);
	tell_others(ps, audience, build);
	if (msg->type == SADB_GET)
		what |= ESPL_PUT_KEYS;
	if (ps->modern)
		what |= ESPL_PUT_WINDOW;
	espl_put_head(build, &head);
	espl_put_sa(build, sa, what);
	err = answer(ps, build);
	kfree_sensitive(build);
	return err;
}

static int answer_policy(struct espl_pfkey_sock *ps,
			 const struct espl_pfkey_msg *msg,
			 const struct espl_policy *policy, enum audience audience)
{
	struct espl_pfkey_head head = head_of(msg);
	struct espl_pfkey_build *build;
	int err;

	build = kmalloc(sizeof(*build), GFP_KERNEL);
	if (!build)
		return -ENOMEM;
	head.reserved = min_t(u32, refcount_read(&policy->refs), U16_MAX);
	espl_put_head(build, &head);
	espl_put_policy(build, policy);
	tell_others(ps, audience, build);
	err = answer(ps, build);
	kfree(build);
	return err;
}

/* An answer that is a header alone. */
static int answer_head(struct espl_pfkey_sock *ps,
		       const struct espl_pfkey_msg *msg, enum audience audience)
{
	struct espl_pfkey_head head = head_of(msg);
	struct espl_pfkey_build *build;
	int err;

	build = kmalloc(sizeof(*build), GFP_KERNEL);
	if (!build)
		return -ENOMEM;
	espl_put_head(build, &head);
	tell_others(ps, audience, build);
	err = answer(ps, build);
	kfree(build);
	return err;
}

static void take_key(struct espl_key *to, const struct espl_pfkey_key *from)
{
	to->bits = from->bits;
	if (from->bits)
		memcpy(to->data, from->data, from->bits / 8);
}

static struct espl_lifetime take_life(const struct espl_pfkey_life *from)
{
	return (struct espl_lifetime){
		.packets = from->packets, .bytes = from->bytes,
		.addtime = from->addtime, .usetime = from->usetime,
	};
}

static u8 proto_of(u8 satype)
{
	switch (satype) {
	case SADB_SATYPE_UNSPEC:
		return 0;
	case SADB_SATYPE_AH:
		return IPPROTO_AH;
	case SADB_SATYPE_ESP:
		return IPPROTO_ESP;
	default:
		return IPPROTO_COMP;	/* none of these exist here */
	}
}

static u8 satype_of(const struct espl_sa *sa)
{
	return sa->conf.proto == IPPROTO_AH ? SADB_SATYPE_AH : SADB_SATYPE_ESP;
}

static struct espl_sa *alloc_sa(struct espl_pfkey_sock *ps,
				const struct espl_pfkey_msg *msg, u8 state)
{
	struct espl_sa_conf *conf = kzalloc(sizeof(*conf), GFP_KERNEL);
	struct espl_sa *sa;

	if (!conf)
		return ERR_PTR(-ENOMEM);
	conf->saddr = msg->src.addr;
	conf->daddr = msg->dst.addr;
	conf->family = msg->dst.family;
	conf->proto = proto_of(msg->satype);
	conf->mode = msg->mode;
	conf->reqid = msg->reqid;
	conf->state = state;
	if (state == SADB_SASTATE_MATURE) {
		conf->spi = msg->spi;
		conf->flags = msg->flags;
		conf->replay = msg->replay;
		conf->enc = msg->enc;
		conf->auth = msg->auth;
		take_key(&conf->enckey, &msg->enckey);
		take_key(&conf->authkey, &msg->authkey);
	}
	if (msg->encap) {
		conf->encap = msg->encap;
		conf->encap_sport = msg->encap_sport;
		conf->encap_dport = msg->encap_dport;
		conf->encap_oa = msg->exts & ESPL_EXT(SADB_X_EXT_NAT_T_OA) &&
				 msg->encap_original.family == conf->family;
		conf->encap_original = msg->encap_original.addr;
	}
	conf->hard = take_life(&msg->hard);
	conf->soft = take_life(&msg->soft);
	sa = espl_sa_alloc(ps->en, conf);
	kfree_sensitive(conf);
	return sa;
}

static struct espl_sa *lookup_sa(struct espl_pfkey_sock *ps,
				 const struct espl_pfkey_msg *msg)
{
	return espl_sad_lookup(ps->en, msg->dst.family, proto_of(msg->satype),
			       &msg->dst.addr, msg->spi);
}

static int getspi(struct espl_pfkey_sock *ps, struct espl_pfkey_msg *msg)
{
	struct espl_sa *sa = alloc_sa(ps, msg, SADB_SASTATE_LARVAL);
	int err;

	if (IS_ERR(sa))
		return PTR_ERR(sa);
	mutex_lock(&ps->en->lock);
	err = espl_sad_getspi(sa, msg->spi_min, msg->spi_max);
	if (err == -EEXIST)
		msg->why = "no SPI of the range is free";
	if (!err)
		err = answer_sa(ps, msg, sa, PROMISC);
	mutex_unlock(&ps->en->lock);
	espl_sa_put(sa);
	return err;
}

static int add(struct espl_pfkey_sock *ps, struct espl_pfkey_msg *msg)
{
	struct espl_sa *sa = alloc_sa(ps, msg, SADB_SASTATE_MATURE);
	int err;

	if (IS_ERR(sa))
		return PTR_ERR(sa);
	mutex_lock(&ps->en->lock);
	err = espl_sad_add(sa);
	if (!err)
		err = answer_sa(ps, msg, sa, ALL);
	mutex_unlock(&ps->en->lock);
	espl_sa_put(sa);
	return err;
}

static int update(struct espl_pfkey_sock *ps, struct espl_pfkey_msg *msg)
{
	struct espl_sa *sa = alloc_sa(ps, msg, SADB_SASTATE_MATURE);
	struct espl_sa *old;
	int err = -ESRCH;

	if (IS_ERR(sa))
		return PTR_ERR(sa);
	mutex_lock(&ps->en->lock);
	old = lookup_sa(ps, msg);
	if (old)
		err = espl_sad_replace(old, sa);
	if (!err)
		err = answer_sa(ps, msg, sa, ALL);
	mutex_unlock(&ps->en->lock);
	espl_sa_put(sa);
	return err;
}

static int delete_sa(struct espl_pfkey_sock *ps, struct espl_pfkey_msg *msg)
{
	struct espl_sa *sa;
	int err = -ESRCH;

	mutex_lock(&ps->en->lock);
	sa = lookup_sa(ps, msg);
	if (sa) {
		espl_sa_get(sa);
		espl_sad_del(sa);
		err = answer_sa(ps, msg, sa, ALL);
		espl_sa_put(sa);
	}
	mutex_unlock(&ps->en->lock);
	return err;
}

static int get_sa(struct espl_pfkey_sock *ps, struct espl_pfkey_msg *msg)
{
	struct espl_sa *sa;
	int err = -ESRCH;

	mutex_lock(&ps->en->lock);
	sa = lookup_sa(ps, msg);
	if (sa)
		err = answer_sa(ps, msg, sa, PROMISC);
	mutex_unlock(&ps->en->lock);
	return err;
}

/* Sleeps and may load modules, so it is asked without the mutex. */
static u64 available_algs(void)
{
	const struct espl_alg *alg;
	u64 available = 0;

	for (unsigned int i = 0; (alg = espl_alg_row(i)); i++)
		if (espl_alg_enabled(alg) && crypto_has_alg(alg->crypto, 0, 0))
			available |= BIT_ULL(i);
	return available;
}

static int register_sock(struct espl_pfkey_sock *ps, struct espl_pfkey_msg *msg)
{
	struct espl_pfkey_head head = head_of(msg);
	struct espl_pfkey_build *build;
	u64 available = available_algs();
	int err;

	build = kmalloc(sizeof(*build), GFP_KERNEL);
	if (!build)
		return -ENOMEM;
	espl_put_head(build, &head);
	espl_put_supported(build, available);
	mutex_lock(&ps->en->lock);
	ps->registered |= BIT(msg->satype);
	err = answer(ps, build);
	mutex_unlock(&ps->en->lock);
	kfree(build);
	return err;
}

static int flush(struct espl_pfkey_sock *ps, struct espl_pfkey_msg *msg)
{
	int err;

	mutex_lock(&ps->en->lock);
	espl_sad_flush(ps->en, proto_of(msg->satype));
	err = answer_head(ps, msg, ALL);
	mutex_unlock(&ps->en->lock);
	return err;
}

static int promisc(struct espl_pfkey_sock *ps, struct espl_pfkey_msg *msg)
{
	int err;

	mutex_lock(&ps->en->lock);
	ps->promisc = msg->satype;
	err = answer_head(ps, msg, PROMISC);
	mutex_unlock(&ps->en->lock);
	return err;
}

static struct espl_sel take_sel(const struct espl_pfkey_msg *msg)
{
	struct espl_sel sel = {
		.saddr = msg->src.addr,
		.daddr = msg->dst.addr,
		.sport = msg->src.port,
		.sport_mask = msg->src.port ? htons(0xffff) : 0,
		.dport = msg->dst.port,
		.dport_mask = msg->dst.port ? htons(0xffff) : 0,
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

static int spdadd(struct espl_pfkey_sock *ps, struct espl_pfkey_msg *msg)
{
	struct espl_policy *policy;
	int err;

	if (msg->hard.addtime || msg->hard.usetime) {
		msg->why = "policies do not expire yet";
		return -EOPNOTSUPP;
	}
	policy = espl_policy_alloc();
	if (!policy)
		return -ENOMEM;
	policy->sel = take_sel(msg);
	policy->dir = msg->policy.dir - 1;
	policy->action = msg->policy.type;
	policy->priority = msg->policy.priority;
	take_tmpls(policy, &msg->policy);
	mutex_lock(&ps->en->lock);
	err = espl_spd_add(ps->en, policy, msg->type == SADB_X_SPDUPDATE);
	if (!err)
		err = answer_policy(ps, msg, policy, ALL);
	mutex_unlock(&ps->en->lock);
	espl_policy_put(policy);
	return err;
}

static struct espl_policy *lookup_policy(struct espl_pfkey_sock *ps,
					 const struct espl_pfkey_msg *msg)
{
	struct espl_sel sel;

	if (msg->type != SADB_X_SPDDELETE)
		return espl_spd_lookup_id(ps->en, msg->policy.id);
	sel = take_sel(msg);
	return espl_spd_lookup_sel(ps->en, msg->policy.dir - 1, &sel);
}

static int spddelete(struct espl_pfkey_sock *ps, struct espl_pfkey_msg *msg)
{
	struct espl_policy *policy;
	int err = -ENOENT;

	mutex_lock(&ps->en->lock);
	policy = lookup_policy(ps, msg);
	if (policy) {
		espl_policy_get(policy);
		espl_spd_del(ps->en, policy);
		err = answer_policy(ps, msg, policy, ALL);
		espl_policy_put(policy);
	}
	mutex_unlock(&ps->en->lock);
	return err;
}

static int spdget(struct espl_pfkey_sock *ps, struct espl_pfkey_msg *msg)
{
	struct espl_policy *policy;
	int err = -ENOENT;

	mutex_lock(&ps->en->lock);
	policy = lookup_policy(ps, msg);
	if (policy)
		err = answer_policy(ps, msg, policy, PROMISC);
	mutex_unlock(&ps->en->lock);
	return err;
}

static int spdflush(struct espl_pfkey_sock *ps, struct espl_pfkey_msg *msg)
{
	int err;

	mutex_lock(&ps->en->lock);
	espl_spd_flush(ps->en);
	err = answer_head(ps, msg, ALL);
	mutex_unlock(&ps->en->lock);
	return err;
}

/*
 * Dumps. What there is when the question comes is held and sent as the asker
 * reads, so any number of entries passes through any receive buffer.
 */

static unsigned int collect_sas(struct espl_net *en, u8 proto, void **entry)
{
	unsigned int n = 0;
	struct espl_sa *sa;

	list_for_each_entry(sa, &en->sas, all) {
		if (proto && sa->conf.proto != proto)
			continue;
		if (entry)
			entry[n] = espl_sa_get(sa);
		n++;
	}
	return n;
}

static unsigned int collect_policies(struct espl_net *en, void **entry)
{
	struct espl_policy *policy;
	unsigned int n = 0;

	for (int dir = 0; dir < ESPL_DIRS; dir++) {
		list_for_each_entry(policy, &en->policies[dir], node) {
			if (entry)
				entry[n] = espl_policy_get(policy);
			n++;
		}
	}
	return n;
}

static unsigned int collect(struct espl_net *en, const struct espl_pfkey_msg *msg,
			    void **entry)
{
	if (msg->type == SADB_DUMP)
		return collect_sas(en, proto_of(msg->satype), entry);
	return collect_policies(en, entry);
}

static void put_entry(const struct espl_pfkey_dump *dump, void *entry)
{
	if (dump->type == SADB_DUMP)
		espl_sa_put(entry);
	else
		espl_policy_put(entry);
}

static struct espl_pfkey_dump *snapshot(struct espl_net *en,
					const struct espl_pfkey_msg *msg)
{
	struct espl_pfkey_dump *dump;
	unsigned int n;

	mutex_lock(&en->lock);
	n = collect(en, msg, NULL);
	if (n) {
		dump = kvzalloc(struct_size(dump, entry, n), GFP_KERNEL);
		if (dump)
			dump->n = collect(en, msg, dump->entry);
		else
			dump = ERR_PTR(-ENOMEM);
	} else {
		dump = ERR_PTR(-ENOENT);
	}
	mutex_unlock(&en->lock);
	return dump;
}

static int begin_dump(struct espl_pfkey_sock *ps, struct espl_pfkey_msg *msg)
{
	struct espl_pfkey_dump *dump;
	int err = 0;

	lock_sock(&ps->sk);
	if (ps->dump) {
		msg->why = "a dump to this socket is under way";
		err = -EBUSY;
		goto out;
	}
	dump = snapshot(ps->en, msg);
	if (IS_ERR(dump)) {
		err = PTR_ERR(dump);
		goto out;
	}
	dump->type = msg->type;
	dump->pid = msg->pid;
	ps->dump = dump;
	espl_pfkey_dump_go_on(ps);
out:
	release_sock(&ps->sk);
	return err;
}

static void put_dumped(struct espl_pfkey_sock *ps, struct espl_pfkey_build *build)
{
	struct espl_pfkey_dump *dump = ps->dump;
	struct espl_pfkey_head head = {
		.type = dump->type,
		.seq = dump->n - 1 - dump->next,
		.pid = dump->pid,
	};
	unsigned int what = ESPL_PUT_HARD | ESPL_PUT_SOFT | ESPL_PUT_KEYS;
	struct espl_policy *policy;

	if (dump->type == SADB_DUMP) {
		head.satype = satype_of(dump->entry[dump->next]);
		espl_put_head(build, &head);
		espl_put_sa(build, dump->entry[dump->next],
			    ps->modern ? what | ESPL_PUT_WINDOW : what);
		return;
	}
	policy = dump->entry[dump->next];
	/* The dump's own hold is not one that people ask about. */
	head.reserved = min_t(u32, refcount_read(&policy->refs) - 1, U16_MAX);
	espl_put_head(build, &head);
	espl_put_policy(build, policy);
}

static bool has_room(const struct sock *sk)
{
	return atomic_read(&sk->sk_rmem_alloc) < READ_ONCE(sk->sk_rcvbuf) / 2;
}

/**
 * espl_pfkey_dump_go_on() - send more of a dump, as much as there is room for
 * @ps: the socket
 *
 * Context: Process, lock_sock() held.
 */
void espl_pfkey_dump_go_on(struct espl_pfkey_sock *ps)
{
	struct espl_pfkey_dump *dump = ps->dump;
	struct espl_pfkey_build *build;

	if (!dump || !has_room(&ps->sk))
		return;
	build = kmalloc(sizeof(*build), GFP_KERNEL);
	if (!build)
		return;		/* tried again when the next message is read */
	while (dump->next < dump->n && has_room(&ps->sk)) {
		struct sk_buff *skb;

		put_dumped(ps, build);
		skb = espl_pfkey_finish(build);
		if (!skb || sock_queue_rcv_skb(&ps->sk, skb)) {
			kfree_skb(skb);
			break;
		}
		put_entry(dump, dump->entry[dump->next++]);
	}
	kfree_sensitive(build);
	if (dump->next == dump->n)
		espl_pfkey_dump_end(ps);
}

/**
 * espl_pfkey_dump_end() - forget a dump, sent or not
 * @ps: the socket
 *
 * Context: Process, lock_sock() held, or nobody else has the socket.
 */
void espl_pfkey_dump_end(struct espl_pfkey_sock *ps)
{
	struct espl_pfkey_dump *dump = ps->dump;

	if (!dump)
		return;
	while (dump->next < dump->n)
		put_entry(dump, dump->entry[dump->next++]);
	ps->dump = NULL;
	kvfree(dump);
}

static int (*const handlers[SADB_MAX + 1])(struct espl_pfkey_sock *ps,
					   struct espl_pfkey_msg *msg) = {
	[SADB_GETSPI] = getspi,
	[SADB_UPDATE] = update,
	[SADB_ADD] = add,
	[SADB_DELETE] = delete_sa,
	[SADB_GET] = get_sa,
	[SADB_REGISTER] = register_sock,
	[SADB_FLUSH] = flush,
	[SADB_DUMP] = begin_dump,
	[SADB_X_PROMISC] = promisc,
	[SADB_X_SPDUPDATE] = spdadd,
	[SADB_X_SPDADD] = spdadd,
	[SADB_X_SPDDELETE] = spddelete,
	[SADB_X_SPDGET] = spdget,
	[SADB_X_SPDDUMP] = begin_dump,
	[SADB_X_SPDFLUSH] = spdflush,
	[SADB_X_SPDDELETE2] = spddelete,
};

/**
 * espl_pfkey_handle() - do what a request asks, and answer it
 * @ps: the asker's socket
 * @msg: the request, as espl_pfkey_parse() took it; @msg->why may be set
 *
 * Context: Process, may sleep.
 * Return: 0 if it was done and answered; else what is to be answered: -EEXIST,
 *	   -ESRCH (no such SA), -ENOENT (no such policy, nothing to dump),
 *	   -EBUSY (dump), -EOPNOTSUPP, -ENOMEM, -ENOBUFS, or of the crypto.
 */
int espl_pfkey_handle(struct espl_pfkey_sock *ps, struct espl_pfkey_msg *msg)
{
	if (msg->exts & ESPL_EXT_MODERN)
		ps->modern = true;
	if (!handlers[msg->type])
		return -EOPNOTSUPP;
	return handlers[msg->type](ps, msg);
}

/**
 * espl_pfkey_refuse() - answer a request that was not done, to its asker alone
 * @ps: the asker's socket
 * @msg: the request; its header at least
 * @err: why, negative
 *
 * Context: Process.
 */
void espl_pfkey_refuse(struct espl_pfkey_sock *ps,
		       const struct espl_pfkey_msg *msg, int err)
{
	struct espl_pfkey_head head = head_of(msg);
	struct espl_pfkey_build *build;

	if (msg->why)
		net_info_ratelimited("esplanade: %s refused: %s\n",
				     espl_pfkey_name(msg->type), msg->why);
	build = kmalloc(sizeof(*build), GFP_KERNEL);
	if (!build)
		return;
	head.error = -err;
	espl_put_head(build, &head);
	answer(ps, build);
	kfree(build);
}

/* To those who registered for the SA's protocol, and those who hear everything. */
static void tell_keyers(const struct espl_sa *sa,
			const struct espl_pfkey_build *build)
{
	unsigned int mine = BIT(satype_of(sa)) | BIT(SADB_SATYPE_UNSPEC);
	struct sock *sk;

	sk_for_each(sk, &sa->en->pfkey_socks)
		if (to_ps(sk)->promisc || (to_ps(sk)->registered & mine))
			answer(to_ps(sk), build);
}

/**
 * espl_pfkey_new_mapping() - announce that a peer's packets come from elsewhere
 * @sa: the inbound SA
 * @from: where they came from before
 * @to: where they come from now
 *
 * Context: Process, espl_net.lock held.
 */
void espl_pfkey_new_mapping(struct espl_sa *sa, const struct espl_mapping *from,
			    const struct espl_mapping *to)
{
	struct espl_pfkey_head head = {
		.type = SADB_X_NAT_T_NEW_MAPPING, .satype = SADB_SATYPE_ESP,
	};
	struct espl_pfkey_build *build = kmalloc(sizeof(*build), GFP_KERNEL);

	if (!build) {
		espl_stat_inc(sa->en, ESPL_PFKEY_LOST);
		return;
	}
	espl_put_head(build, &head);
	espl_put_mapping(build, sa, from, to);
	tell_keyers(sa, build);
	kfree(build);
}

/**
 * espl_pfkey_expire() - announce that an SA has reached a limit (RFC 2367 3.1.8)
 * @sa: the SA
 * @hard: the hard one: it is about to go; else the soft one
 *
 * Context: Process, espl_net.lock held.
 */
void espl_pfkey_expire(struct espl_sa *sa, bool hard)
{
	struct espl_pfkey_head head = {
		.type = SADB_EXPIRE, .satype = satype_of(sa),
	};
	struct espl_pfkey_build *build;

	build = kmalloc(sizeof(*build), GFP_KERNEL);
	if (!build) {
		espl_stat_inc(sa->en, ESPL_PFKEY_LOST);
		return;
	}
	espl_put_head(build, &head);
	espl_put_sa(build, sa, hard ? ESPL_PUT_HARD : ESPL_PUT_SOFT);
	tell_keyers(sa, build);
	kfree(build);
}
