// SPDX-License-Identifier: GPL-2.0-only
/*
 * pfkey_sa.c - requests about SAs (RFC 2367 section 3)
 *
 * Owns the handlers of GETSPI, ADD, UPDATE, DELETE, GET, FLUSH and of a keyer's
 * ACQUIRE. pfkey_msg.c and pfkey_change.c call them by their tables.
 */
#include "pfkey_build.h"
#include "pfkey_msg.h"
#include "pfkey_tell.h"

#include <linux/slab.h>

#include "net.h"

static void take_key(struct espl_key *to, const struct espl_pfkey_key *from)
{
	to->bits = from->bits;
	if (from->bits)
		memcpy(to->data, from->data, from->bits / 8);
}

/**
 * espl_pfkey_take_life() - a lifetime as a message has it
 * @from: the message's
 *
 * Context: Any.
 * Return: The same as SAs and policies have it.
 */
struct espl_lifetime espl_pfkey_take_life(const struct espl_pfkey_life *from)
{
	return (struct espl_lifetime){
		.packets = from->packets, .bytes = from->bytes,
		.addtime = from->addtime, .usetime = from->usetime,
	};
}

/* UPDATE without keys: what the SA does stays, where it goes may not. */
static void keep(struct espl_sa_conf *conf, const struct espl_pfkey_msg *msg,
		 const struct espl_sa_conf *old)
{
	conf->mode = old->mode;
	conf->reqid = old->reqid;
	conf->flags = old->flags;
	conf->replay = old->replay;
	conf->enc = old->enc;
	conf->auth = old->auth;
	conf->enckey = old->enckey;
	conf->authkey = old->authkey;
	if (!(msg->exts & ESPL_EXT(SADB_EXT_LIFETIME_HARD)))
		conf->hard = old->hard;
	if (!(msg->exts & ESPL_EXT(SADB_EXT_LIFETIME_SOFT)))
		conf->soft = old->soft;
}

static struct espl_sa *alloc_sa(struct espl_net *en,
				const struct espl_pfkey_msg *msg, u8 state,
				const struct espl_sa *old)
{
	struct espl_sa_conf *conf = kzalloc(sizeof(*conf), GFP_KERNEL);
	struct espl_sa *sa;

	if (!conf)
		return ERR_PTR(-ENOMEM);
	conf->saddr = msg->src.addr;
	conf->daddr = msg->dst.addr;
	conf->family = msg->dst.family;
	conf->proto = espl_pfkey_proto(msg->satype);
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
	conf->hard = espl_pfkey_take_life(&msg->hard);
	conf->soft = espl_pfkey_take_life(&msg->soft);
	if (old) {
		conf->saddr = msg->new_src.addr;
		conf->daddr = msg->new_dst.addr;
		conf->family = msg->new_dst.family;
		if (!(msg->exts & ESPL_EXT_KEYS))
			keep(conf, msg, &old->conf);
	}
	sa = espl_sa_alloc(en, conf);
	kfree_sensitive(conf);
	return sa;
}

static struct espl_sa *find_sa(struct espl_net *en, const struct espl_pfkey_msg *msg)
{
	return espl_sad_find(en, msg->dst.family, espl_pfkey_proto(msg->satype),
			     &msg->dst.addr, msg->spi);
}

static void answer(struct espl_pfkey_sock *ps, const struct espl_pfkey_msg *msg,
		   struct espl_sa *sa)
{
	const struct espl_pfkey_about about = { .sa = sa };

	espl_pfkey_answer_about(ps, msg, &about, ESPL_PROMISC);
}

/**
 * espl_pfkey_getspi() - reserve an SPI by a larval SA
 * @ps: the asker's socket
 * @msg: the request
 *
 * Context: Process, may sleep.
 * Return: As espl_pfkey_handle().
 */
int espl_pfkey_getspi(struct espl_pfkey_sock *ps, struct espl_pfkey_msg *msg)
{
	struct espl_sa *sa = alloc_sa(ps->en, msg, SADB_SASTATE_LARVAL, NULL);
	int err;

	if (IS_ERR(sa))
		return PTR_ERR(sa);
	mutex_lock(&ps->en->lock);
	err = espl_sad_getspi(sa, msg->spi_min, msg->spi_max);
	if (err == -EEXIST)
		msg->why = "no SPI of the range is free";
	if (!err)
		answer(ps, msg, sa);
	mutex_unlock(&ps->en->lock);
	espl_sa_put(sa);
	return err;
}

/**
 * espl_pfkey_add() - make an SA
 * @en: the asker's namespace
 * @msg: the request
 * @about: set to what has come, held
 *
 * Context: Process, may sleep, espl_net.lock held.
 * Return: As espl_pfkey_handle().
 */
int espl_pfkey_add(struct espl_net *en, struct espl_pfkey_msg *msg,
		   struct espl_pfkey_about *about)
{
	struct espl_sa *sa = alloc_sa(en, msg, SADB_SASTATE_MATURE, NULL);

	if (IS_ERR(sa))
		return PTR_ERR(sa);
	about->sa = sa;
	return espl_sad_add(sa);
}

/**
 * espl_pfkey_update() - replace an SA, or make a larval one mature
 * @en: the asker's namespace
 * @msg: the request
 * @about: set to what has come, held
 *
 * Context: Process, may sleep, espl_net.lock held.
 * Return: As espl_pfkey_handle().
 */
int espl_pfkey_update(struct espl_net *en, struct espl_pfkey_msg *msg,
		      struct espl_pfkey_about *about)
{
	struct espl_sa *old = find_sa(en, msg), *sa;

	if (!old)
		return -ESRCH;
	if (!(msg->exts & ESPL_EXT_KEYS) && !old->conf.enc && !old->conf.auth) {
		msg->why = "no keys, and the SA has none yet";
		return -EINVAL;
	}
	sa = alloc_sa(en, msg, SADB_SASTATE_MATURE, old);
	if (IS_ERR(sa))
		return PTR_ERR(sa);
	about->sa = sa;
	return espl_sad_replace(old, sa);
}

/**
 * espl_pfkey_delete() - delete an SA
 * @en: the asker's namespace
 * @msg: the request
 * @about: set to what has gone, held
 *
 * Context: Process, may sleep, espl_net.lock held.
 * Return: As espl_pfkey_handle().
 */
int espl_pfkey_delete(struct espl_net *en, struct espl_pfkey_msg *msg,
		      struct espl_pfkey_about *about)
{
	struct espl_sa *sa = find_sa(en, msg);

	if (!sa)
		return -ESRCH;
	about->sa = espl_sa_get(sa);
	espl_sad_del(sa);
	return 0;
}

/**
 * espl_pfkey_get() - show an SA, keys included
 * @ps: the asker's socket
 * @msg: the request
 *
 * Context: Process, may sleep.
 * Return: As espl_pfkey_handle().
 */
int espl_pfkey_get(struct espl_pfkey_sock *ps, struct espl_pfkey_msg *msg)
{
	struct espl_sa *sa;

	mutex_lock(&ps->en->lock);
	sa = find_sa(ps->en, msg);
	if (sa)
		answer(ps, msg, sa);
	mutex_unlock(&ps->en->lock);
	return sa ? 0 : -ESRCH;
}

/**
 * espl_pfkey_give_up() - a keyer could not make the SA that it was asked for
 * @ps: the asker's socket
 * @msg: the request
 *
 * Context: Process, may sleep.
 * Return: As espl_pfkey_handle().
 */
int espl_pfkey_give_up(struct espl_pfkey_sock *ps, struct espl_pfkey_msg *msg)
{
	bool any;

	mutex_lock(&ps->en->lock);
	any = espl_acquire_failed(ps->en, msg->seq);
	if (any)
		espl_pfkey_answer_head(ps, msg, ESPL_ALL);
	mutex_unlock(&ps->en->lock);
	return any ? 0 : -ESRCH;
}

/**
 * espl_pfkey_flush() - delete all SAs of a type
 * @en: the asker's namespace
 * @msg: the request
 * @about: left alone: the header says it all
 *
 * Context: Process, may sleep, espl_net.lock held.
 * Return: 0.
 */
int espl_pfkey_flush(struct espl_net *en, struct espl_pfkey_msg *msg,
		     struct espl_pfkey_about *about)
{
	espl_sad_flush(en, espl_pfkey_proto(msg->satype));
	return 0;
}
