// SPDX-License-Identifier: GPL-2.0-only
/*
 * pfkey_tell.c - who hears what on PF_KEY sockets
 *
 * Owns the list of sockets: answers to one, copies to the others, and what the
 * kernel announces by itself: SAs that are wanted, have expired, or whose peer has
 * moved (RFC 2367 sections 3.1.6 and 3.1.8). Called by the rooms that answer
 * requests, and by life.c, acquire.c and natt.c. All is said under espl_net.lock, so
 * that all sockets hear of changes in the order in which they took effect.
 */
#include "pfkey_build.h"
#include "pfkey_msg.h"
#include "pfkey_tell.h"

#include <linux/slab.h>

#include "ct.h"
#include "net.h"
#include "pfkey.h"

static struct espl_pfkey_sock *to_ps(struct sock *sk)
{
	return container_of(sk, struct espl_pfkey_sock, sk);
}

/* Queue a message at a socket. One that has no room loses it, and that counts. */
static bool queue(struct espl_pfkey_sock *ps, struct sk_buff *skb)
{
	if (skb && !sock_queue_rcv_skb(&ps->sk, skb))
		return true;
	espl_pfkey_forget(skb);
	espl_stat_inc(ps->en, ESPL_PFKEY_LOST);
	return false;
}

static bool tell(struct espl_pfkey_sock *ps, const struct espl_pfkey_build *build)
{
	return queue(ps, espl_pfkey_finish(build, ps->modern, NULL));
}

/**
 * espl_pfkey_reserve() - make sure that a request can be answered
 * @ps: the asker's socket
 *
 * Before anything is done: then nobody is told that there was no memory after all has
 * been done.
 *
 * Context: Process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int espl_pfkey_reserve(struct espl_pfkey_sock *ps)
{
	struct sk_buff *room;

	if (READ_ONCE(ps->room))
		return 0;
	room = alloc_skb(ESPL_PFKEY_MSG_MAX, GFP_KERNEL);
	if (!room)
		return -ENOMEM;
	if (cmpxchg(&ps->room, NULL, room))
		kfree_skb(room);	/* another thread was faster */
	return 0;
}

/**
 * espl_pfkey_answer() - answer a request
 * @ps: the asker's socket
 * @build: the message
 *
 * Context: Process.
 */
void espl_pfkey_answer(struct espl_pfkey_sock *ps,
		       const struct espl_pfkey_build *build)
{
	struct sk_buff *skb = espl_pfkey_finish(build, ps->modern, NULL);

	if (!skb)
		skb = espl_pfkey_finish(build, ps->modern, xchg(&ps->room, NULL));
	queue(ps, skb);
}

/**
 * espl_pfkey_tell_others() - let other sockets hear of an answer
 * @asker: whose answer it is
 * @audience: who is to hear of it
 * @build: the message, without keys
 *
 * Context: Process, espl_net.lock held.
 */
void espl_pfkey_tell_others(struct espl_pfkey_sock *asker,
			    enum espl_audience audience,
			    const struct espl_pfkey_build *build)
{
	struct sock *sk;

	sk_for_each(sk, &asker->en->pfkey_socks)
		if (to_ps(sk) != asker && (audience == ESPL_ALL || to_ps(sk)->promisc))
			tell(to_ps(sk), build);
}

/**
 * espl_pfkey_head_of() - the header of an answer
 * @msg: the request
 *
 * Context: Any.
 * Return: The header.
 */
struct espl_pfkey_head espl_pfkey_head_of(const struct espl_pfkey_msg *msg)
{
	return (struct espl_pfkey_head){
		.type = msg->type, .satype = msg->satype, .error = msg->error,
		.seq = msg->seq, .pid = msg->pid,
	};
}

/**
 * espl_pfkey_proto() - the protocol of an SA type
 * @satype: SADB_SATYPE_*
 *
 * Context: Any.
 * Return: IPPROTO_*, 0 for SADB_SATYPE_UNSPEC.
 */
u8 espl_pfkey_proto(u8 satype)
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

/**
 * espl_pfkey_satype() - what PF_KEY calls a protocol
 * @proto: IPPROTO_ESP or IPPROTO_AH
 *
 * Context: Any.
 * Return: SADB_SATYPE_*.
 */
u8 espl_pfkey_satype(u8 proto)
{
	return proto == IPPROTO_AH ? SADB_SATYPE_AH : SADB_SATYPE_ESP;
}

static void write_about(struct espl_pfkey_build *build,
			const struct espl_pfkey_msg *msg,
			const struct espl_pfkey_about *about, unsigned int what)
{
	struct espl_pfkey_head head = espl_pfkey_head_of(msg);

	if (about->policy)
		head.reserved = min_t(u32, refcount_read(&about->policy->refs), U16_MAX);
	espl_put_head(build, &head);
	if (about->sa)
		espl_put_sa(build, about->sa, what);
	if (about->policy)
		espl_put_policy(build, about->policy);
}

/**
 * espl_pfkey_tell_about() - let other sockets hear of a request and its effect
 * @ps: the asker's socket
 * @msg: the request
 * @about: what it is about
 * @audience: who is to hear of it
 *
 * Context: Process, espl_net.lock held.
 */
void espl_pfkey_tell_about(struct espl_pfkey_sock *ps,
			   const struct espl_pfkey_msg *msg,
			   const struct espl_pfkey_about *about,
			   enum espl_audience audience)
{
	struct espl_pfkey_build *build = ps->en->build;

	write_about(build, msg, about, ESPL_PUT_HARD | ESPL_PUT_SOFT);
	espl_pfkey_tell_others(ps, audience, build);
}

/**
 * espl_pfkey_answer_about() - answer a request, and let others hear of it
 * @ps: the asker's socket
 * @msg: the request
 * @about: what it is about
 * @audience: who else is to hear of it
 *
 * Keys are in the answer to a GET, and in nothing else.
 *
 * Context: Process, espl_net.lock held.
 */
void espl_pfkey_answer_about(struct espl_pfkey_sock *ps,
			     const struct espl_pfkey_msg *msg,
			     const struct espl_pfkey_about *about,
			     enum espl_audience audience)
{
	unsigned int what = ESPL_PUT_HARD | ESPL_PUT_SOFT;
	struct espl_pfkey_build *build = ps->en->build;

	espl_pfkey_tell_about(ps, msg, about, audience);
	if (msg->type == SADB_GET)
		what |= ESPL_PUT_KEYS;
	write_about(build, msg, about, what);
	espl_pfkey_answer(ps, build);
	if (what & ESPL_PUT_KEYS)
		memzero_explicit(build, sizeof(*build));
}

/**
 * espl_pfkey_answer_head() - an answer that is a header alone
 * @ps: the asker's socket
 * @msg: the request
 * @audience: who else is to hear of it
 *
 * Context: Process, espl_net.lock held.
 */
void espl_pfkey_answer_head(struct espl_pfkey_sock *ps,
			    const struct espl_pfkey_msg *msg,
			    enum espl_audience audience)
{
	const struct espl_pfkey_about nothing = {};

	espl_pfkey_answer_about(ps, msg, &nothing, audience);
}

static void count_keyers(struct espl_net *en)
{
	struct sock *sk;
	u32 keyers = 0;

	sk_for_each(sk, &en->pfkey_socks)
		keyers |= to_ps(sk)->registered;
	WRITE_ONCE(en->keyers, keyers);
}

/**
 * espl_pfkey_init_net() - nobody is there yet to hear anything
 * @en: the namespace
 *
 * Context: Process.
 * Return: 0 or -ENOMEM.
 */
int espl_pfkey_init_net(struct espl_net *en)
{
	INIT_HLIST_HEAD(&en->pfkey_socks);
	en->build = kmalloc(sizeof(*en->build), GFP_KERNEL);
	return en->build ? 0 : -ENOMEM;
}

/**
 * espl_pfkey_fini_net() - undo that
 * @en: the namespace
 *
 * Context: Process.
 */
void espl_pfkey_fini_net(struct espl_net *en)
{
	kfree(en->build);
}

/**
 * espl_pfkey_enter() - a socket is there to hear messages
 * @ps: the socket
 *
 * Context: Process.
 */
void espl_pfkey_enter(struct espl_pfkey_sock *ps)
{
	mutex_lock(&ps->en->lock);
	sk_add_node(&ps->sk, &ps->en->pfkey_socks);
	mutex_unlock(&ps->en->lock);
}

/**
 * espl_pfkey_register() - a socket wants to hear of SAs of a type
 * @ps: the socket
 * @satype: SADB_SATYPE_*; SADB_SATYPE_UNSPEC for none: it asks for algorithms only
 *
 * Context: Process, espl_net.lock held.
 */
void espl_pfkey_register(struct espl_pfkey_sock *ps, u8 satype)
{
	if (satype != SADB_SATYPE_UNSPEC)
		ps->registered |= BIT(satype);
	count_keyers(ps->en);
}

/**
 * espl_pfkey_leave() - a socket hears no more
 * @ps: the socket
 *
 * What was asked for by it holds for all flows when this returns.
 *
 * Context: Process.
 */
void espl_pfkey_leave(struct espl_pfkey_sock *ps)
{
	mutex_lock(&ps->en->lock);
	sk_del_node_init(&ps->sk);
	count_keyers(ps->en);
	mutex_unlock(&ps->en->lock);
	espl_ct_review_due(ps->en);
}

/**
 * espl_pfkey_has_keyer() - would anybody hear of an SA that is wanted
 * @en: the namespace
 * @proto: IPPROTO_ESP or IPPROTO_AH
 *
 * Context: Any.
 * Return: Whether a socket has registered for the protocol.
 */
bool espl_pfkey_has_keyer(const struct espl_net *en, u8 proto)
{
	return READ_ONCE(en->keyers) & BIT(espl_pfkey_satype(proto));
}

/*
 * Those who registered for a protocol, and those who hear everything. Returns whether one
 * of the former has heard.
 */
static bool tell_keyers(struct espl_net *en, u8 satype,
			const struct espl_pfkey_build *build)
{
	bool heard = false;
	struct sock *sk;

	sk_for_each(sk, &en->pfkey_socks) {
		bool is_keyer = to_ps(sk)->registered & BIT(satype);

		if (is_keyer || to_ps(sk)->promisc)
			heard |= tell(to_ps(sk), build) && is_keyer;
	}
	return heard;
}

/* A message of our own, begun. */
static struct espl_pfkey_build *announce(struct espl_net *en,
					 const struct espl_pfkey_head *head)
{
	espl_put_head(en->build, head);
	return en->build;
}

/**
 * espl_pfkey_acquire() - ask the keyers for an SA (RFC 2367 section 3.1.6)
 * @acquire: which, with its larval SA
 * @policy: who wants it
 *
 * Those who know more than Linux's extensions hear which packet it is for.
 *
 * Context: Process, espl_net.lock held.
 * Return: Whether any keyer has heard; its socket may be full.
 */
bool espl_pfkey_acquire(const struct espl_acquire *acquire,
			const struct espl_policy *policy)
{
	const struct espl_pfkey_head head = {
		.type = SADB_ACQUIRE, .satype = espl_pfkey_satype(acquire->want.proto),
		.seq = acquire->seq,
	};
	struct espl_net *en = acquire->sa->en;
	struct espl_pfkey_build *build = announce(en, &head);

	espl_put_acquire(build, acquire, policy);
	espl_put_trigger(build, &acquire->flow);
	return tell_keyers(en, head.satype, build);
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
	const struct espl_pfkey_head head = {
		.type = SADB_X_NAT_T_NEW_MAPPING, .satype = SADB_SATYPE_ESP,
	};
	struct espl_pfkey_build *build = announce(sa->en, &head);

	espl_put_mapping(build, sa, from, to);
	tell_keyers(sa->en, head.satype, build);
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
	const struct espl_pfkey_head head = {
		.type = SADB_EXPIRE, .satype = espl_pfkey_satype(sa->conf.proto),
	};
	struct espl_pfkey_build *build = announce(sa->en, &head);

	espl_put_sa(build, sa, hard ? ESPL_PUT_HARD : ESPL_PUT_SOFT);
	tell_keyers(sa->en, head.satype, build);
}

/**
 * espl_pfkey_policy_expire() - announce that a policy's time is over
 * @en: the namespace
 * @policy: the policy: it is about to go
 *
 * Context: Process, espl_net.lock held.
 */
void espl_pfkey_policy_expire(struct espl_net *en,
			      const struct espl_policy *policy)
{
	const struct espl_pfkey_head head = { .type = SADB_X_SPDEXPIRE };
	struct espl_pfkey_build *build = announce(en, &head);
	struct sock *sk;

	espl_put_policy(build, policy);
	sk_for_each(sk, &en->pfkey_socks)
		if (to_ps(sk)->promisc || to_ps(sk)->registered)
			tell(to_ps(sk), build);
}
