// SPDX-License-Identifier: GPL-2.0-only
/*
 * sad.c - the security association database (RFC 4301 section 4.4.2)
 *
 * Owns the tables of SAs. The PF_KEY room adds and deletes, rx.c and tx.c look up,
 * life.c ends what has expired.
 *
 * An SA leaves in this order: DEAD, so that the packet path refuses it; out of the
 * tables, so that nobody new finds it; its clock stopped; and once nobody can be left who
 * has found it, the SAD's reference put.
 * One that another takes the place of is not DEAD: its packets that are under way
 * arrive.
 *
 * In a transaction (espl_net.staging) an SA that is added is in the tables at once,
 * but larval, which cannot fail later any more; one that is deleted stays for the
 * packets. Both wait in lists of their own for the end, good or bad. An SA that is
 * deleted and added again is the heir of itself: that is what a file does which
 * begins with flush.
 */
#include <linux/hash.h>
#include <linux/random.h>

#include "acquire.h"
#include "compat/compat.h"
#include "life.h"
#include "natt.h"
#include "net.h"
#include "sad.h"
#include "sad_pair.h"

/*
 * Hashed and compared by long words, for each packet that comes in: 130 instructions less
 * than by jhash() and memcmp(). Who may add SAs has no need to fill one chain of a table.
 */
#define SPI_KEY_WORDS	(sizeof(struct espl_spi_key) / sizeof(u64))

static u32 spi_hash(const void *key, u32 len, u32 seed)
{
	const u64 *word = key;
	u64 hash = seed;

	BUILD_BUG_ON(sizeof(struct espl_spi_key) % sizeof(u64));
	for (unsigned int i = 0; i < SPI_KEY_WORDS; i++)
		hash = (hash ^ get_unaligned(word + i)) * GOLDEN_RATIO_64;
	return hash >> 32;
}

static int spi_differs(struct rhashtable_compare_arg *arg, const void *sa)
{
	const u64 *x = arg->key, *y = (const u64 *)&((const struct espl_sa *)sa)->spi_key;
	u64 bits = 0;

	for (unsigned int i = 0; i < SPI_KEY_WORDS; i++)
		bits |= get_unaligned(x + i) ^ get_unaligned(y + i);
	return bits != 0;
}

static const struct rhashtable_params by_spi = {
	.key_len = sizeof(struct espl_spi_key),
	.key_offset = offsetof(struct espl_sa, spi_key),
	.head_offset = offsetof(struct espl_sa, by_spi),
	.hashfn = spi_hash,
	.obj_cmpfn = spi_differs,
	.automatic_shrinking = true,
};

/* Of all namespaces, so that one's number is never another's. */
static atomic_long_t versions;

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

/**
 * espl_sad_changed() - packets may find other SAs from now on
 * @en: the namespace
 *
 * After an SA has come into the tables, become usable, or left them, and before it is
 * let go of.
 *
 * Context: Process, espl_net.lock held.
 */
void espl_sad_changed(struct espl_net *en)
{
	/* Pairs with those who have kept what they found. */
	smp_store_release(&en->sad_version, atomic_long_inc_return(&versions));
}

/* Into the tables: where packets look, if it is usable. */
static int insert(struct espl_sa *sa, bool under_spi)
{
	struct espl_net *en = sa->en;
	int err;

	err = enter(sa);
	if (err)
		return err;
	sa->serial = ++en->sa_serial;
	err = espl_pair_add(sa);
	if (err)
		goto err_leave;
	if (under_spi)
		err = rhashtable_lookup_insert_fast(&en->sa_by_spi, &sa->by_spi,
						    by_spi);
	if (err)
		goto err_pair;
	espl_sa_get(sa);
	espl_sad_changed(en);
	return 0;

err_pair:
	espl_pair_del(sa);
err_leave:
	leave(sa);
	return err;
}

/* Out of the tables, but for the one by SPI. */
static void unpublish(struct espl_sa *sa)
{
	struct espl_net *en = sa->en;

	sa->stage = ESPL_GONE;
	espl_acquire_ended(sa);
	espl_pair_del(sa);
	list_del(&sa->all);
	espl_sad_changed(en);
	espl_life_stop(sa);
	leave(sa);
	espl_sa_free(sa);
}

static struct espl_sa *at_spi(struct espl_sa *sa)
{
	/* One that stands for a question has no SPI yet. */
	if (!sa->conf.spi)
		return NULL;
	return rhashtable_lookup_fast(&sa->en->sa_by_spi, &sa->spi_key, by_spi);
}

/* It is in the SAD for good. */
static void settle(struct espl_sa *sa)
{
	list_add_tail(&sa->all, &sa->en->sas);
	sa->stage = ESPL_STANDING;
	espl_life_start(sa);
	if (espl_sa_usable(sa))
		espl_acquire_answered(sa);
}

/* It comes when the transaction ends, and takes the place of @old, if not NULL. */
static int stage(struct espl_sa *sa, struct espl_sa *old, bool under_spi)
{
	int err;

	sa->state = SADB_SASTATE_LARVAL;
	err = insert(sa, under_spi);
	if (err)
		return err;
	sa->heir_of = old;
	if (old)
		old->heir = sa;
	sa->stage = ESPL_COMING;
	list_add_tail(&sa->all, &sa->en->sas_coming);
	return 0;
}

static int stage_add(struct espl_sa *sa)
{
	struct espl_sa *old = at_spi(sa);

	if (old && (old->stage != ESPL_LEAVING || old->heir))
		return -EEXIST;
	return stage(sa, old, !old);
}

static void retract(struct espl_sa *sa)
{
	if (at_spi(sa) == sa)
		rhashtable_remove_fast(&sa->en->sa_by_spi, &sa->by_spi, by_spi);
	if (sa->heir_of)
		sa->heir_of->heir = NULL;
	espl_sa_kill(sa);
	unpublish(sa);
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
	int err;

	if (sa->en->staging)
		return stage_add(sa);
	err = insert(sa, sa->conf.spi);
	if (!err)
		settle(sa);
	return err;
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

		sa->conf.spi = htonl(spi);
		sa->spi_key.spi = sa->conf.spi;
		/*
		 * Not by trying to add it: a packet may be at an SA that has been in the
		 * list of its pair, and would be led into the list that it is in next.
		 */
		if (!at_spi(sa))
			return espl_sad_add(sa);
	}
	return -EEXIST;
}

static bool is_moved(const struct espl_sa *old, const struct espl_sa *sa)
{
	return memcmp(&old->spi_key, &sa->spi_key, sizeof(sa->spi_key));
}

/* Packets may use it from here on. */
static void mature(struct espl_sa *sa)
{
	/* Pairs with espl_sa_usable(). */
	smp_store_release(&sa->state, sa->told ? SADB_SASTATE_DYING : sa->conf.state);
	espl_sad_changed(sa->en);
}

/* Packets find the new SA in the place of the old one. */
static void take_over(struct espl_sa *sa, struct espl_sa *old)
{
	struct rhashtable *table = &sa->en->sa_by_spi;

	espl_sa_inherit(sa, old);
	mature(sa);
	if (is_moved(old, sa))
		rhashtable_remove_fast(table, &old->by_spi, by_spi);
	else
		rhashtable_replace_fast(table, &old->by_spi, &sa->by_spi, by_spi);
}

/**
 * espl_sad_replace() - let a new SA take the place of an old one
 * @old: an SA in the SAD
 * @sa: its successor, with the same protocol and SPI
 *
 * What it goes on with is espl_sa_inherit()'s. Not for transactions.
 *
 * Context: Process, espl_net.lock held.
 * Return: 0, -ENOMEM, or -EEXIST where the SPI is taken at another destination;
 *	   and then nothing has changed.
 */
int espl_sad_replace(struct espl_sa *old, struct espl_sa *sa)
{
	int err;

	sa->state = SADB_SASTATE_LARVAL;
	err = insert(sa, is_moved(old, sa));
	if (err)
		return err;
	take_over(sa, old);
	unpublish(old);
	settle(sa);
	return 0;
}

/**
 * espl_sad_stage_move() - the same in a transaction
 * @old: an SA in the SAD
 * @sa: its successor, with the same protocol and SPI
 *
 * Context: Process, espl_net.lock held, staging.
 * Return: 0, -ENOMEM, or -EEXIST where the SPI is taken at another destination.
 */
int espl_sad_stage_move(struct espl_sa *old, struct espl_sa *sa)
{
	int err = stage(sa, old, is_moved(old, sa));

	if (!err)
		espl_sad_del(old);
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
	if (sa->stage == ESPL_COMING) {
		retract(sa);
	} else if (sa->en->staging) {
		sa->stage = ESPL_LEAVING;
		list_move(&sa->all, &sa->en->sas_leaving);
	} else {
		espl_sa_kill(sa);
		if (sa->conf.spi)
			rhashtable_remove_fast(&sa->en->sa_by_spi, &sa->by_spi,
					       by_spi);
		unpublish(sa);
	}
}

/* The newest first: in a transaction each goes in front of those that leave. */
static unsigned int flush(struct list_head *list, u8 proto)
{
	struct espl_sa *sa, *older;
	unsigned int n = 0;

	list_for_each_entry_safe_reverse(sa, older, list, all) {
		if (proto && sa->conf.proto != proto)
			continue;
		espl_sad_del(sa);
		n++;
		cond_resched();
	}
	return n;
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
	return flush(&en->sas_coming, proto) + flush(&en->sas, proto);
}

/**
 * espl_sad_commit_new() - a transaction ends well: its SAs come
 * @en: the namespace, staging no more
 *
 * Context: Process, espl_net.lock held.
 */
void espl_sad_commit_new(struct espl_net *en)
{
	struct espl_sa *sa;

	list_for_each_entry(sa, &en->sas_coming, all) {
		if (sa->heir_of)
			take_over(sa, sa->heir_of);
		else
			mature(sa);
		sa->heir_of = NULL;
	}
}

/**
 * espl_sad_commit_old() - and those that it deletes go
 * @en: the namespace, its policies those of after the transaction
 *
 * Packets that waited for what has come leave by the new policies. An answer ends
 * larval SAs, and they may be of those that go: always the last is taken, the newest.
 *
 * Context: Process, espl_net.lock held.
 */
void espl_sad_commit_old(struct espl_net *en)
{
	struct espl_sa *sa;

	while ((sa = list_first_entry_or_null(&en->sas_coming, struct espl_sa, all))) {
		list_del(&sa->all);
		settle(sa);
	}
	while (!list_empty(&en->sas_leaving)) {
		sa = list_last_entry(&en->sas_leaving, struct espl_sa, all);
		if (sa->heir)
			unpublish(sa);
		else
			espl_sad_del(sa);
		cond_resched();
	}
}

/**
 * espl_sad_abort() - a transaction has failed: the SAD is as it was
 * @en: the namespace, staging no more
 *
 * Context: Process, espl_net.lock held.
 */
void espl_sad_abort(struct espl_net *en)
{
	struct espl_sa *sa;

	flush(&en->sas_coming, 0);
	list_for_each_entry(sa, &en->sas_leaving, all)
		sa->stage = ESPL_STANDING;
	/* In front, where they came from if it was a flush. */
	list_splice_init(&en->sas_leaving, &en->sas);
}

/**
 * espl_sad_lookup() - the SA of an inbound packet (RFC 4301 section 4.1)
 * @en: the namespace
 * @family: of @daddr
 * @proto: IPPROTO_ESP or IPPROTO_AH
 * @daddr: the packet's destination
 * @spi: its SPI, network order
 *
 * Context: RCU read side.
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
 * espl_sad_find() - the SA with a name, for requests about it
 * @en: the namespace
 * @family: of @daddr
 * @proto: IPPROTO_ESP or IPPROTO_AH
 * @daddr: its destination
 * @spi: its SPI, network order
 *
 * Unlike packets, a transaction's requests see what those before them did.
 *
 * Context: Process, espl_net.lock held.
 * Return: The SA in whatever state, lent, or NULL.
 */
struct espl_sa *espl_sad_find(struct espl_net *en, u8 family, u8 proto,
			      const union nf_inet_addr *daddr, __be32 spi)
{
	struct espl_sa *sa;

	rcu_read_lock();
	sa = espl_sad_lookup(en, family, proto, daddr, spi);
	rcu_read_unlock();
	return sa && sa->stage == ESPL_LEAVING ? sa->heir : sa;
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
	INIT_LIST_HEAD(&en->sas_coming);
	INIT_LIST_HEAD(&en->sas_leaving);
	espl_sad_changed(en);
	xa_init(&en->natt_ports);
	refcount_set(&en->sa_refs, 1);
	init_completion(&en->sa_gone);
	err = rhashtable_init(&en->sa_by_spi, &by_spi);
	if (err)
		return err;
	err = espl_pair_init(en);
	if (err)
		rhashtable_destroy(&en->sa_by_spi);
	return err;
}

/**
 * espl_sad_end() - empty the SAD and wait for its last SA
 * @en: the namespace
 *
 * Packets in the hands of asynchronous crypto hold their SA, so when this
 * returns none of them is left either.
 *
 * Context: Process, may sleep.
 */
void espl_sad_end(struct espl_net *en)
{
	mutex_lock(&en->lock);
	espl_sad_flush(en, 0);
	mutex_unlock(&en->lock);
	if (!refcount_dec_and_test(&en->sa_refs))
		wait_for_completion(&en->sa_gone);
}

/**
 * espl_sad_fini() - let go of an empty SAD's memory
 * @en: the namespace
 *
 * Context: Process, no packet looks there any more.
 */
void espl_sad_fini(struct espl_net *en)
{
	espl_pair_fini(en);
	rhashtable_destroy(&en->sa_by_spi);
	xa_destroy(&en->natt_ports);
}
