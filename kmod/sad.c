// SPDX-License-Identifier: GPL-2.0-only
/*
 * sad.c - the security association database (RFC 4301 section 4.4.2)
 *
 * Owns SAs: their tables, their references and their end. The PF_KEY room
 * adds and deletes, rx.c and tx.c look up, life.c ends what has expired.
 *
 * An SA leaves in this order: DEAD, so that the packet path refuses it; out of
 * the tables, so that nobody new finds it; its clock stopped; the SAD's
 * reference put. The last reference queues espl_sa.free, which waits for
 * readers and then frees the crypto, which may sleep.
 */
#include <linux/module.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "acquire.h"
#include "life.h"
#include "natt.h"
#include "net.h"
#include "sad.h"
#include "xform.h"

static unsigned long long first_seq = 1;
module_param(first_seq, ullong, 0644);
MODULE_PARM_DESC(first_seq,
		 "sequence number that new SAs begin with, to test where they end");

static const struct rhashtable_params by_spi = {
	.key_len = sizeof(struct espl_spi_key),
	.key_offset = offsetof(struct espl_sa, spi_key),
	.head_offset = offsetof(struct espl_sa, by_spi),
	.automatic_shrinking = true,
};

static const struct rhashtable_params by_pair = {
	.key_len = sizeof(struct espl_pair_key),
	.key_offset = offsetof(struct espl_sa, pair_key),
	.head_offset = offsetof(struct espl_sa, by_pair),
	.automatic_shrinking = true,
};

static void free_work(struct work_struct *work)
{
	struct espl_sa *sa = container_of(to_rcu_work(work), struct espl_sa, free);
	struct espl_net *en = sa->en;

	sa->xform->fini(sa);
	espl_natt_fini_sa(sa);
	dst_cache_destroy(&sa->route);
	kfree(sa->replay);
	kfree_sensitive(sa);
	if (refcount_dec_and_test(&en->sa_refs))
		complete(&en->sa_gone);
}

static int alloc_parts(struct espl_sa *sa)
{
	int err = dst_cache_init(&sa->route, GFP_KERNEL);

	if (err)
		return err;
	sa->replay = kmalloc(espl_replay_size(sa->conf.replay), GFP_KERNEL);
	if (!sa->replay)
		return -ENOMEM;
	espl_replay_init(sa->replay, sa->conf.replay);
	return sa->conf.state == SADB_SASTATE_LARVAL ? 0 : sa->xform->init(sa);
}

/**
 * espl_sa_alloc() - make an SA, in no table yet
 * @en: its namespace
 * @conf: what it is to be, checked by the caller; copied
 *
 * Context: Process, may sleep.
 * Return: The SA with one reference for the caller, or -ENOMEM, -ENOENT where
 *	   the kernel's crypto lacks the algorithm, -EINVAL where it refuses the
 *	   key.
 */
struct espl_sa *espl_sa_alloc(struct espl_net *en,
			      const struct espl_sa_conf *conf)
{
	struct espl_sa *sa = kzalloc(sizeof(*sa), GFP_KERNEL);
	int err;

	if (!sa)
		return ERR_PTR(-ENOMEM);
	sa->en = en;
	sa->conf = *conf;
	sa->state = conf->state;
	sa->xform = espl_xform_of(conf->proto);
	sa->spi_key = (struct espl_spi_key){
		.daddr = conf->daddr, .spi = conf->spi,
		.family = conf->family, .proto = conf->proto,
	};
	sa->pair_key = (struct espl_pair_key){
		.saddr = conf->saddr, .daddr = conf->daddr,
		.family = conf->family, .proto = conf->proto,
	};
	sa->esn = conf->flags & SADB_X_SAFLAGS_ESN;
	sa->seq_max = sa->esn ? U64_MAX : U32_MAX;
	atomic64_set(&sa->seq, first_seq - 1);
	sa->created = espl_now();
	sa->iv_base = get_random_u64();
	refcount_set(&sa->refs, 1);
	refcount_inc(&en->sa_refs);
	spin_lock_init(&sa->lock);
	INIT_RCU_WORK(&sa->free, free_work);
	espl_life_init(sa);
	sa->follow = conf->flags & SADB_X_SAFLAGS_FOLLOW;
	espl_natt_init_sa(sa);

	err = alloc_parts(sa);
	if (err) {
		espl_sa_put(sa);
		return ERR_PTR(err);
	}
	return sa;
}

/**
 * espl_sa_get() - hold an SA
 * @sa: an SA that the caller holds, or has looked up under RCU or the mutex
 *
 * Context: Any.
 * Return: @sa, or NULL where its last holder has just let go.
 */
struct espl_sa *espl_sa_get(struct espl_sa *sa)
{
	return refcount_inc_not_zero(&sa->refs) ? sa : NULL;
}

/**
 * espl_sa_put() - let go of an SA
 * @sa: the SA
 *
 * Context: Any.
 */
void espl_sa_put(struct espl_sa *sa)
{
	if (refcount_dec_and_test(&sa->refs))
		queue_rcu_work(espl_wq, &sa->free);
}

/**
 * espl_sa_usable() - may packets use this SA
 * @sa: the SA
 *
 * Context: Any.
 * Return: Whether it is mature or dying.
 */
bool espl_sa_usable(const struct espl_sa *sa)
{
	u8 state = READ_ONCE(sa->state);

	return state == SADB_SASTATE_MATURE || state == SADB_SASTATE_DYING;
}

/**
 * espl_sa_current() - what an SA has been used for
 * @sa: the SA
 * @now: filled; times are wall-clock seconds, 0 for never
 *
 * Context: Any.
 */
void espl_sa_current(const struct espl_sa *sa, struct espl_lifetime *now)
{
	*now = (struct espl_lifetime){
		.packets = atomic64_read(&sa->packets),
		.bytes = atomic64_read(&sa->bytes),
		.addtime = espl_wall_seconds(sa->created),
		.usetime = espl_wall_seconds(READ_ONCE(sa->first_used)),
	};
}

/* What an SA in the SAD needs of others. */
static int enter(struct espl_sa *sa)
{
	int err = espl_hooks_get(sa->en);

	if (err)
		return err;
	err = espl_natt_get(sa);
	if (err)
		espl_hooks_put(sa->en);
	return err;
}

static void leave(struct espl_sa *sa)
{
	espl_natt_put(sa);
	espl_hooks_put(sa->en);
}

/* The caller has seen to it that no other SA has this key. */
static int publish(struct espl_sa *sa)
{
	struct espl_net *en = sa->en;
	int err;

	err = enter(sa);
	if (err)
		return err;
	sa->serial = ++en->sa_serial;
	err = rhltable_insert(&en->sa_by_pair, &sa->by_pair, by_pair);
	if (err)
		goto err_leave;
	/* One that stands for a question has no SPI yet. */
	if (sa->conf.spi)
		err = rhashtable_lookup_insert_fast(&en->sa_by_spi, &sa->by_spi,
						    by_spi);
	if (err)
		goto err_pair;
	espl_sa_get(sa);
	list_add_tail(&sa->all, &en->sas);
	espl_life_start(sa);
	if (espl_sa_usable(sa))
		espl_acquire_answered(sa);
	return 0;

err_pair:
	rhltable_remove(&en->sa_by_pair, &sa->by_pair, by_pair);
err_leave:
	leave(sa);
	return err;
}

/**
 * espl_sad_add() - put an SA into the SAD
 * @sa: the SA; the SAD takes a reference of its own
 *
 * Context: Process, espl_net.lock held.
 * Return: 0, -EEXIST where another has its destination, protocol and SPI, or
 *	   -ENOMEM.
 */
int espl_sad_add(struct espl_sa *sa)
{
	return publish(sa);
}

/**
 * espl_sad_getspi() - put a larval SA into the SAD under a free SPI
 * @sa: a larval SA, its SPI not yet chosen
 * @min: lowest SPI allowed, host order, 256 or above
 * @max: highest SPI allowed, host order
 *
 * Context: Process, espl_net.lock held.
 * Return: 0 with @sa->conf.spi set, -EINVAL for a range that is empty or
 *	   reaches into the reserved SPIs (RFC 4303 section 2.1), -EEXIST where
 *	   no free SPI was found (RFC 2367 section 3.1.1), or -ENOMEM.
 */
int espl_sad_getspi(struct espl_sa *sa, u32 min, u32 max)
{
	u64 range = (u64)max - min + 1;
	/* Enough random tries for a sparse range, and all of a small one. */
	u64 tries = min_t(u64, range, 4096);
	u32 start;

	if (min > max || min < 256)
		return -EINVAL;
	start = get_random_u32();
	for (u64 i = 0; i < tries; i++) {
		u32 spi = min + (u32)(((u64)start + i) % range);
		int err;

		sa->conf.spi = htonl(spi);
		sa->spi_key.spi = sa->conf.spi;
		err = publish(sa);
		if (err != -EEXIST)
			return err;
	}
	return -EEXIST;
}

/* A sequence number must not come twice, so what may be in flight is skipped. */
#define SEQ_GAP	1024

static bool same_keys(const struct espl_sa_conf *a, const struct espl_sa_conf *b)
{
	return a->enc == b->enc && a->auth == b->auth &&
	       !memcmp(&a->enckey, &b->enckey, sizeof(a->enckey)) &&
	       !memcmp(&a->authkey, &b->authkey, sizeof(a->authkey));
}

static void inherit(struct espl_sa *sa, struct espl_sa *old)
{
	if (old->conf.state != SADB_SASTATE_LARVAL)
		atomic64_set(&sa->seq, atomic64_read(&old->seq) + SEQ_GAP);
	if (!same_keys(&sa->conf, &old->conf))
		return;
	sa->created = old->created;
	sa->first_used = old->first_used;
	sa->last_used = old->last_used;
	sa->told = old->told;
	sa->iv_base = old->iv_base;
	atomic64_set(&sa->packets, atomic64_read(&old->packets));
	atomic64_set(&sa->bytes, atomic64_read(&old->bytes));
	if (sa->replay->window == old->replay->window)
		memcpy(sa->replay, old->replay,
		       espl_replay_size(old->replay->window));
	else
		sa->replay->top = old->replay->top;
}

static void unpublish(struct espl_sa *sa)
{
	struct espl_net *en = sa->en;

	espl_acquire_ended(sa);
	rhltable_remove(&en->sa_by_pair, &sa->by_pair, by_pair);
	list_del(&sa->all);
	espl_life_stop(sa);
	leave(sa);
	espl_sa_put(sa);
}

static void kill(struct espl_sa *sa)
{
	/* Under the replay lock: after this, no packet is accepted by it. */
	spin_lock_bh(&sa->lock);
	WRITE_ONCE(sa->state, SADB_SASTATE_DEAD);
	spin_unlock_bh(&sa->lock);
}

static bool is_moved(const struct espl_sa *old, const struct espl_sa *sa)
{
	return memcmp(&old->spi_key, &sa->spi_key, sizeof(sa->spi_key));
}

/**
 * espl_sad_replace() - let a new SA take the place of an old one
 * @old: an SA in the SAD
 * @sa: its successor, with the same protocol and SPI
 *
 * Sequence numbers go on from the old one's; where the keys are the same, so do
 * lifetimes and the replay window.
 *
 * Context: Process, espl_net.lock held.
 * Return: 0, -ENOMEM, or -EEXIST where the SPI is taken at another destination;
 *	   and then nothing has changed.
 */
int espl_sad_replace(struct espl_sa *old, struct espl_sa *sa)
{
	struct espl_net *en = sa->en;
	int err;

	err = enter(sa);
	if (err)
		return err;
	sa->serial = ++en->sa_serial;
	err = rhltable_insert(&en->sa_by_pair, &sa->by_pair, by_pair);
	if (err)
		goto err_leave;
	if (is_moved(old, sa)) {
		err = rhashtable_lookup_insert_fast(&en->sa_by_spi, &sa->by_spi,
						    by_spi);
		if (err)
			goto err_pair;
	}
	kill(old);
	inherit(sa, old);
	espl_sa_get(sa);
	list_add_tail(&sa->all, &en->sas);
	if (is_moved(old, sa))
		rhashtable_remove_fast(&en->sa_by_spi, &old->by_spi, by_spi);
	else
		rhashtable_replace_fast(&en->sa_by_spi, &old->by_spi, &sa->by_spi,
					by_spi);
	unpublish(old);
	espl_life_start(sa);
	espl_acquire_answered(sa);
	return 0;

err_pair:
	rhltable_remove(&en->sa_by_pair, &sa->by_pair, by_pair);
err_leave:
	leave(sa);
	return err;
}

/**
 * espl_sad_del() - take an SA out of the SAD
 * @sa: an SA in the SAD; freed once the last holder lets go
 *
 * Context: Process, espl_net.lock held.
 */
void espl_sad_del(struct espl_sa *sa)
{
	kill(sa);
	if (sa->conf.spi)
		rhashtable_remove_fast(&sa->en->sa_by_spi, &sa->by_spi, by_spi);
	unpublish(sa);
}

/**
 * espl_sad_flush() - take many SAs out of the SAD
 * @en: the namespace
 * @proto: only those of this protocol, 0 for all
 *
 * Context: Process, espl_net.lock held.
 * Return: How many there were.
 */
unsigned int espl_sad_flush(struct espl_net *en, u8 proto)
{
	struct espl_sa *sa, *next;
	unsigned int n = 0;

	list_for_each_entry_safe(sa, next, &en->sas, all) {
		if (proto && sa->conf.proto != proto)
			continue;
		espl_sad_del(sa);
		n++;
	}
	return n;
}

/**
 * espl_sad_lookup() - the SA of an inbound packet (RFC 4301 section 4.1)
 * @en: the namespace
 * @family: of @daddr
 * @proto: IPPROTO_ESP or IPPROTO_AH
 * @daddr: the packet's destination
 * @spi: its SPI, network order
 *
 * Context: RCU read side, or espl_net.lock held.
 * Return: The SA in whatever state, lent for as long as the context lasts, or
 *	   NULL.
 */
struct espl_sa *espl_sad_lookup(struct espl_net *en, u8 family, u8 proto,
				const union nf_inet_addr *daddr, __be32 spi)
{
	struct espl_spi_key key = {
		.daddr = *daddr, .spi = spi, .family = family, .proto = proto,
	};

	return rhashtable_lookup(&en->sa_by_spi, &key, by_spi);
}

/**
 * espl_sad_lookup_pair() - the SA to send by
 * @en: the namespace
 * @family: of the addresses
 * @proto: IPPROTO_ESP or IPPROTO_AH
 * @saddr: the SA's source
 * @daddr: the SA's destination
 * @mode: IPSEC_MODE_TRANSPORT or IPSEC_MODE_TUNNEL
 * @reqid: 0 for any
 *
 * Context: RCU read side.
 * Return: The newest usable SA, lent, or NULL.
 */
struct espl_sa *espl_sad_lookup_pair(struct espl_net *en, u8 family, u8 proto,
				     const union nf_inet_addr *saddr,
				     const union nf_inet_addr *daddr,
				     u8 mode, u32 reqid)
{
	struct espl_pair_key key = {
		.saddr = *saddr, .daddr = *daddr,
		.family = family, .proto = proto,
	};
	struct espl_sa *sa, *newest = NULL;
	struct rhlist_head *list, *pos;

	list = rhltable_lookup(&en->sa_by_pair, &key, by_pair);
	rhl_for_each_entry_rcu(sa, pos, list, by_pair) {
		if (sa->conf.mode != mode || !espl_sa_usable(sa) ||
		    (reqid && sa->conf.reqid != reqid))
			continue;
		if (!newest || sa->serial > newest->serial)
			newest = sa;
	}
	return newest;
}

/**
 * espl_sad_init() - an empty SAD
 * @en: the namespace
 *
 * Context: Process.
 * Return: 0 or -ENOMEM.
 */
int espl_sad_init(struct espl_net *en)
{
	int err;

	INIT_LIST_HEAD(&en->sas);
	xa_init(&en->natt_ports);
	refcount_set(&en->sa_refs, 1);
	init_completion(&en->sa_gone);
	err = rhashtable_init(&en->sa_by_spi, &by_spi);
	if (err)
		return err;
	err = rhltable_init(&en->sa_by_pair, &by_pair);
	if (err)
		rhashtable_destroy(&en->sa_by_spi);
	return err;
}

/**
 * espl_sad_fini() - empty the SAD and wait for its last SA
 * @en: the namespace
 *
 * Packets in the hands of asynchronous crypto hold their SA, so when this
 * returns none of them is left either.
 *
 * Context: Process, may sleep.
 */
void espl_sad_fini(struct espl_net *en)
{
	mutex_lock(&en->lock);
	espl_sad_flush(en, 0);
	mutex_unlock(&en->lock);
	if (!refcount_dec_and_test(&en->sa_refs))
		wait_for_completion(&en->sa_gone);
	rhltable_destroy(&en->sa_by_pair);
	rhashtable_destroy(&en->sa_by_spi);
	xa_destroy(&en->natt_ports);
}
