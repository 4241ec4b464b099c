// SPDX-License-Identifier: GPL-2.0-only
/*
 * life.c - how SAs and policies age: larval, soft and hard limits
 *
 * Owns the clock of each SA (RFC 4301 section 4.4.2.1): one delayed work, armed for
 * its next deadline, that holds a reference while it is pending. The packet path
 * charges SAs here and wakes the work when a limit of packets or octets is reached.
 * Policies with a lifetime have such a clock, too. sad.c and spd.c start and stop
 * clocks.
 */
#include "life.h"
#include "net.h"
#include "pfkey.h"
#include "sad.h"
#include "spd.h"
#include "tx.h"

/* Have the work look now. */
static void wake(struct espl_sa *sa)
{
	espl_sa_get(sa);
	if (mod_delayed_work(espl_wq, &sa->life, 0))
		espl_sa_put(sa);	/* it was pending and holds one already */
}

/* Or later; but no later than it is to look already, for a packet may just have woken it. */
static void wake_after(struct espl_sa *sa, unsigned long delay)
{
	espl_sa_get(sa);
	if (!queue_delayed_work(espl_wq, &sa->life, delay))
		espl_sa_put(sa);
}

static bool used_up(const struct espl_sa *sa, const struct espl_lifetime *limit)
{
	return (limit->packets && atomic64_read(&sa->window->packets) >= limit->packets) ||
	       (limit->bytes && atomic64_read(&sa->window->bytes) >= limit->bytes);
}

/* So many seconds after something, of which keyers may name more than there are; 0: never. */
static u64 after(u64 when, u64 seconds)
{
	return when && seconds ? when + min(seconds, U64_MAX - when) : 0;
}

/* When a limit of time is due, in seconds since boot; 0: never. */
static u64 due(const struct espl_sa *sa, const struct espl_lifetime *limit)
{
	u64 add = after(sa->created, limit->addtime);
	u64 use = after(READ_ONCE(sa->first_used), limit->usetime);

	if (sa->conf.state == SADB_SASTATE_LARVAL)
		return sa->created + ESPL_LARVAL_SECONDS;
	if (!add || !use)
		return add + use;
	return min(add, use);
}

static bool reached(const struct espl_sa *sa, const struct espl_lifetime *limit,
		    u64 seq)
{
	u64 when = due(sa, limit);

	return used_up(sa, limit) || (when && espl_now() >= when) ||
	       (u64)atomic64_read(&sa->window->sent) >= seq;
}

/* Once it has been used to send: this may be the SA of the way in. */
static bool sends_dummies(const struct espl_sa *sa)
{
	return (sa->conf.flags & SADB_X_SAFLAGS_DUMMY) &&
	       sa->conf.proto == IPPROTO_ESP &&
	       sa->conf.mode == IPSEC_MODE_TUNNEL && espl_sa_usable(sa);
}

static void send_dummy(struct espl_sa *sa)
{
	if (!atomic64_read(&sa->window->sent))
		return;
	local_bh_disable();
	rcu_read_lock();
	espl_tx_dummy(sa);
	rcu_read_unlock();
	local_bh_enable();
}

static void arm(struct espl_sa *sa)
{
	u64 hard = due(sa, &sa->conf.hard);
	u64 soft = sa->told ? 0 : due(sa, &sa->conf.soft);
	u64 next = hard && soft ? min(hard, soft) : hard + soft;
	u64 now = espl_now();
	/* Far deadlines are cut short: the work looks again and rearms. */
	unsigned long delay = min_t(u64, next > now ? next - now : 0, 86400) * HZ;
	/* At random, and one a second (RFC 4303 section 2.6). */
	unsigned long dummy = HZ / 2 + get_random_u32() % HZ;

	if (sends_dummies(sa))
		wake_after(sa, next ? min(delay, dummy) : dummy);
	else if (next)
		wake_after(sa, delay);
}

static void work(struct work_struct *w)
{
	struct espl_sa *sa = container_of(to_delayed_work(w), struct espl_sa, life);

	mutex_lock(&sa->en->lock);
	if (sa->stage == ESPL_GONE)
		goto out;
	/*
	 * The clock may have been set while this work waited for the lock, by who knew of no
	 * first use. What wakes it from here on is let be.
	 */
	espl_life_stop(sa);
	/* The soft limit first: a burst may have reached both. */
	if (!sa->told && sa->state != SADB_SASTATE_LARVAL &&
	    reached(sa, &sa->conf.soft, sa->seq_soft)) {
		sa->told = true;
		WRITE_ONCE(sa->state, SADB_SASTATE_DYING);
		espl_pfkey_expire(sa, false);
	}
	if (reached(sa, &sa->conf.hard, sa->seq_max)) {
		if (sa->state != SADB_SASTATE_LARVAL)
			espl_pfkey_expire(sa, true);
		espl_sad_del(sa);
		goto out;
	}
	if (sends_dummies(sa))
		send_dummy(sa);
	arm(sa);
out:
	mutex_unlock(&sa->en->lock);
	espl_sa_put(sa);
}

/**
 * espl_life_init() - prepare a new SA's clock
 * @sa: the SA
 *
 * Context: Process.
 */
void espl_life_init(struct espl_sa *sa)
{
	const struct espl_lifetime *hard = &sa->conf.hard, *soft = &sa->conf.soft;

	INIT_DELAYED_WORK(&sa->life, work);
	sa->counted = hard->packets || hard->bytes || soft->packets || soft->bytes;
}

/**
 * espl_life_inherit() - go on with the age of an SA that is replaced
 * @sa: the new SA, its sequence numbers and limits known
 * @old: what it replaces
 *
 * The keyer has been told of the soft limit, unless there is a new one, still ahead.
 *
 * Context: Process, espl_net.lock held.
 */
void espl_life_inherit(struct espl_sa *sa, const struct espl_sa *old)
{
	sa->created = old->created;
	sa->first_used = old->first_used;
	sa->last_used = old->last_used;
	sa->told = old->told && reached(sa, &sa->conf.soft, sa->seq_soft);
}

/**
 * espl_life_start() - start the clock of an SA that entered the SAD
 * @sa: the SA
 *
 * Context: Process, espl_net.lock held.
 */
void espl_life_start(struct espl_sa *sa)
{
	/* It may have inherited more than its limits are. */
	if (used_up(sa, &sa->conf.hard) || (!sa->told && used_up(sa, &sa->conf.soft)))
		wake(sa);
	else
		arm(sa);
}

/**
 * espl_life_stop() - stop the clock of an SA
 * @sa: the SA; if it leaves the SAD already ESPL_GONE, so that a work under way ends
 *
 * Context: Process, espl_net.lock held.
 */
void espl_life_stop(struct espl_sa *sa)
{
	if (cancel_delayed_work(&sa->life))
		espl_sa_put(sa);
}

static void touch(struct espl_sa *sa)
{
	const struct espl_sa_conf *conf = &sa->conf;

	WRITE_ONCE(sa->touched, jiffies);
	WRITE_ONCE(sa->last_used, espl_now());
	if (READ_ONCE(sa->first_used))
		return;
	WRITE_ONCE(sa->first_used, espl_now());
	if (conf->hard.usetime || conf->soft.usetime)
		wake(sa);
}

/**
 * espl_life_charge() - espl_sa_charge() of an SA with such limits, or once in a jiffy
 * @sa: as there
 * @bytes: as there
 *
 * The packet that crosses a limit still passes; the ones behind it do not.
 *
 * Context: BH off.
 * Return: As there.
 */
bool espl_life_charge(struct espl_sa *sa, unsigned int bytes)
{
	const struct espl_sa_conf *conf = &sa->conf;

	if (sa->counted && used_up(sa, &conf->hard))
		return false;
	espl_sa_count(sa, bytes);
	if (!espl_sa_touched(sa))
		touch(sa);
	if (sa->counted && (used_up(sa, &conf->hard) ||
			    (READ_ONCE(sa->state) == SADB_SASTATE_MATURE &&
			     used_up(sa, &conf->soft))))
		wake(sa);
	return true;
}

/**
 * espl_life_few_left() - an SA is about to run out of sequence numbers
 * @sa: the SA
 * @seq: one that has been taken
 *
 * An SA without numbers left has reached its end like one out of time, and its
 * keyer hears of it the same way (RFC 4303 section 3.3.3).
 *
 * Context: BH off.
 */
void espl_life_few_left(struct espl_sa *sa, u64 seq)
{
	if (seq >= sa->seq_max || READ_ONCE(sa->state) == SADB_SASTATE_MATURE)
		wake(sa);
}

/* When a policy is due, in seconds since boot; 0: never. */
static u64 policy_due(const struct espl_policy *policy)
{
	const struct espl_lifetime *hard = &policy->hard;
	u64 used = READ_ONCE(policy->last_used) ?: policy->created;
	u64 add = after(policy->created, hard->addtime);
	u64 idle = after(used, hard->usetime);

	return add && idle ? min(add, idle) : add + idle;
}

static void arm_policy(struct espl_policy *policy)
{
	u64 next = policy_due(policy), now = espl_now();
	unsigned long delay = min_t(u64, next > now ? next - now : 0, 86400) * HZ;

	if (!next)
		return;
	espl_policy_get(policy);
	if (mod_delayed_work(espl_wq, &policy->life, delay))
		espl_policy_put(policy);
}

static void policy_work(struct work_struct *w)
{
	struct espl_policy *policy = container_of(to_delayed_work(w),
						  struct espl_policy, life);
	struct espl_net *en = policy->en;

	mutex_lock(&en->lock);
	if (policy->dead) {
		/* It was taken out meanwhile. */
	} else if (espl_now() < policy_due(policy)) {
		arm_policy(policy);
	} else {
		espl_pfkey_policy_expire(en, policy);
		espl_spd_del(en, policy);
	}
	mutex_unlock(&en->lock);
	espl_policy_put(policy);
}

/**
 * espl_life_init_policy() - prepare a new policy's clock
 * @policy: the policy
 *
 * Context: Process.
 */
void espl_life_init_policy(struct espl_policy *policy)
{
	INIT_DELAYED_WORK(&policy->life, policy_work);
}

/**
 * espl_life_start_policy() - start the clock of a policy that entered the SPD
 * @policy: the policy
 *
 * Context: Process, espl_net.lock held.
 */
void espl_life_start_policy(struct espl_policy *policy)
{
	arm_policy(policy);
}

/**
 * espl_life_stop_policy() - stop the clock of a policy that left the SPD
 * @policy: the policy, already dead, so that a work under way ends
 *
 * Context: Process, espl_net.lock held.
 */
void espl_life_stop_policy(struct espl_policy *policy)
{
	if (cancel_delayed_work(&policy->life))
		espl_policy_put(policy);
}
