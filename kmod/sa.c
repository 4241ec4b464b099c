// SPDX-License-Identifier: GPL-2.0-only
/*
 * sa.c - one security association: its making, its references, its end
 *
 * Owns SAs, in the SAD or not, and their windows. sad.c has them in tables. Packets do
 * not count as holders, but where they wait: readers of RCU they are, and those are waited
 * for before the SAD's reference is put. What frees an SA frees its crypto, which may sleep.
 */
#include <linux/module.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "compat/compat.h"
#include "encap.h"
#include "life.h"
#include "natt.h"
#include "net.h"
#include "sad.h"
#include "xform.h"

static unsigned long long first_seq = 1;
module_param(first_seq, ullong, 0644);
MODULE_PARM_DESC(first_seq,
		 "sequence number that new SAs begin with, to test where they end");

static struct espl_window *window_alloc(u32 packets)
{
	struct espl_window *window;

	/* A lock that is watched is larger. */
	BUILD_BUG_ON(!IS_ENABLED(CONFIG_DEBUG_SPINLOCK) && !IS_ENABLED(CONFIG_LOCKDEP) &&
		     offsetof(struct espl_window, replay.bitmap) > SMP_CACHE_BYTES);
	/* So that it begins with a line, as what is of such sizes does. */
	window = kmalloc(ALIGN(offsetof(struct espl_window, replay) +
			       espl_replay_size(packets), SMP_CACHE_BYTES), GFP_KERNEL);
	if (!window)
		return NULL;
	spin_lock_init(&window->lock);
	refcount_set(&window->refs, 1);
	atomic64_set(&window->sent, first_seq - 1);
	atomic64_set(&window->packets, 0);
	atomic64_set(&window->bytes, 0);
	espl_replay_init(&window->replay, packets);
	return window;
}

static void window_put(struct espl_window *window)
{
	if (window && refcount_dec_and_test(&window->refs))
		kfree(window);
}

static void free_work(struct work_struct *work)
{
	struct espl_sa *sa = container_of(to_rcu_work(work), struct espl_sa, free);
	struct espl_net *en = sa->en;

	/*
	 * The SAD's reference, if it is still there. A packet's last one leads here again, a
	 * grace period later: who put it goes on with the namespace.
	 */
	if (refcount_read(&sa->refs) && !refcount_dec_and_test(&sa->refs))
		return;
	sa->xform->fini(sa);
	espl_natt_fini_sa(sa);
	dst_cache_destroy(&sa->route);
	window_put(sa->window);
	kfree_sensitive(sa);
	if (refcount_dec_and_test(&en->sa_refs))
		complete(&en->sa_gone);
}

static int alloc_parts(struct espl_sa *sa)
{
	int err = dst_cache_init(&sa->route, GFP_KERNEL);

	if (err)
		return err;
	sa->window = window_alloc(sa->conf.replay);
	if (!sa->window)
		return -ENOMEM;
	if (sa->conf.state == SADB_SASTATE_LARVAL)
		return 0;
	err = sa->xform->init(sa);
	sa->headlen = sa->outerlen + sa->encaplen + sa->hdrlen;
	return err;
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
	sa->outerlen = espl_encap_outer(sa);
	sa->spi_key = (struct espl_spi_key){
		.daddr = conf->daddr, .spi = conf->spi,
		.family = conf->family, .proto = conf->proto,
	};
	sa->esn = conf->flags & SADB_X_SAFLAGS_ESN;
	sa->seq_max = sa->esn ? U64_MAX : U32_MAX;
	sa->seq_soft = sa->seq_max / 8 * 7;
	sa->created = espl_now();
	sa->iv_base = get_random_u64();
	refcount_set(&sa->refs, 1);
	refcount_inc(&en->sa_refs);
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
 * espl_sa_free() - after a grace period, free an SA
 * @sa: the SA: the SAD has it no more, or nobody holds it
 *
 * Those it is lent to may hold it until then, and it is freed when they let go.
 *
 * Context: Any.
 */
void espl_sa_free(struct espl_sa *sa)
{
	queue_rcu_work(espl_wq, &sa->free);
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
		.packets = atomic64_read(&sa->window->packets),
		.bytes = atomic64_read(&sa->window->bytes),
		.addtime = espl_wall_seconds(sa->created),
		.usetime = espl_wall_seconds(READ_ONCE(sa->first_used)),
	};
}

/**
 * espl_sa_kill() - let no more packets use an SA
 * @sa: the SA
 *
 * Context: Process.
 */
void espl_sa_kill(struct espl_sa *sa)
{
	/* Under the window's lock: after this, no packet is accepted by it. */
	spin_lock_bh(&sa->window->lock);
	WRITE_ONCE(sa->state, SADB_SASTATE_DEAD);
	spin_unlock_bh(&sa->window->lock);
}

static void inherit_sent(struct espl_sa *sa, const struct espl_sa *old)
{
	atomic64_set(&sa->window->sent, atomic64_read(&old->window->sent));
}

static bool same_keys(const struct espl_sa_conf *a, const struct espl_sa_conf *b)
{
	return a->enc == b->enc && a->auth == b->auth &&
	       !crypto_memneq(&a->enckey, &b->enckey, sizeof(a->enckey)) &&
	       !crypto_memneq(&a->authkey, &b->authkey, sizeof(a->authkey));
}

/*
 * The same window where it can be: the old SA's packets that are still under way count
 * in it, too, and no number is sent twice with a key. Into one of another size goes what
 * the old one knows, once none of its packets is accepted any more, and none gets a
 * number.
 */
static void inherit_window(struct espl_sa *sa, struct espl_sa *old)
{
	if (sa->conf.replay == old->conf.replay) {
		window_put(sa->window);
		sa->window = old->window;
		refcount_inc(&sa->window->refs);
		return;
	}
	espl_sa_kill(old);
	WRITE_ONCE(old->seq_max, 0);
	/* Pairs with espl_sa_seq(): who does not see that has had its number. */
	smp_mb();
	espl_replay_inherit(&sa->window->replay, &old->window->replay);
	inherit_sent(sa, old);
	atomic64_set(&sa->window->packets, atomic64_read(&old->window->packets));
	atomic64_set(&sa->window->bytes, atomic64_read(&old->window->bytes));
}

/**
 * espl_sa_inherit() - go on where an SA that is replaced has stopped
 * @sa: the new SA, used by no packet yet
 * @old: what it replaces
 *
 * Sequence numbers go on; where the keys are the same, so do IVs, lifetimes and the
 * replay window.
 *
 * Context: Process, espl_net.lock held.
 */
void espl_sa_inherit(struct espl_sa *sa, struct espl_sa *old)
{
	if (!same_keys(&sa->conf, &old->conf)) {
		inherit_sent(sa, old);
		return;
	}
	sa->iv_base = old->iv_base;
	inherit_window(sa, old);
	espl_life_inherit(sa, old);
}
