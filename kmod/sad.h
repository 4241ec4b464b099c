/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sad.h - the security association database (RFC 4301 section 4.4.2)
 *
 * Two ways to name an SA here: espl_sad_lookup*() lend a pointer for as long
 * as the caller is under RCU or the namespace's mutex; espl_sa_get() and
 * espl_sa_put() hold one for longer.
 */
#ifndef ESPL_SAD_H
#define ESPL_SAD_H

#include "../uapi/linux/pfkeyv2.h"	/* first: the kernel's own has its guard */

#include <crypto/aead.h>
#include <crypto/hash.h>
#include <linux/ipsec.h>
#include <linux/netfilter.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <net/dst_cache.h>

#include "alg.h"
#include "life.h"
#include "net.h"
#include "replay.h"

struct espl_pair;
struct espl_xform;

/**
 * struct espl_key - a key as it came over PF_KEY
 * @bits: its length in bits, 0 for none
 * @data: the octets
 */
struct espl_key {
	u16 bits;
	u8 data[ESPL_KEY_MAX];
};

/**
 * struct espl_sa_conf - an SA as its maker describes it
 * @saddr: source; all zero for any, inbound
 * @daddr: destination
 * @spi: network order, 256 or above (0 only in a larval SA made by ACQUIRE)
 * @family: AF_INET or AF_INET6, of both addresses
 * @proto: IPPROTO_ESP or IPPROTO_AH
 * @mode: IPSEC_MODE_TRANSPORT or IPSEC_MODE_TUNNEL
 * @state: SADB_SASTATE_LARVAL or SADB_SASTATE_MATURE
 * @flags: SADB_SAFLAGS_*, as given
 * @reqid: 0, or what a policy of level unique asks for
 * @replay: the window in packets, 0..ESPL_REPLAY_MAX
 * @enc: encryption or combined algorithm; NULL in a larval SA
 * @auth: integrity algorithm; NULL with a combined one
 * @enckey: its key
 * @authkey: its key
 * @encap: 0, or UDP_ENCAP_ESPINUDP: its packets are in UDP (RFC 3948)
 * @encap_sport: source port of those, network order
 * @encap_dport: destination port
 * @encap_oa: whether @encap_original was given
 * @encap_original: the peer's own address, behind a translator; only shown
 * @hard: when the SA dies
 * @soft: when the keyer is told
 */
struct espl_sa_conf {
	union nf_inet_addr saddr;
	union nf_inet_addr daddr;
	__be32 spi;
	u8 family;
	u8 proto;
	u8 mode;
	u8 state;
	u32 flags;
	u32 reqid;
	u32 replay;
	const struct espl_alg *enc;
	const struct espl_alg *auth;
	struct espl_key enckey;
	struct espl_key authkey;
	u8 encap;
	bool encap_oa;
	__be16 encap_sport;
	__be16 encap_dport;
	union nf_inet_addr encap_original;
	struct espl_lifetime hard;
	struct espl_lifetime soft;
};

/**
 * struct espl_mapping - one end of a UDP path, as the other sees it
 * @addr: address
 * @port: network order
 */
struct espl_mapping {
	union nf_inet_addr addr;
	__be16 port;
};

/**
 * struct espl_moved - where an SA's packets go since the peer's mapping changed
 * @to: the mapping
 * @rcu: frees
 */
struct espl_moved {
	struct espl_mapping to;
	struct rcu_head rcu;
};

/**
 * struct espl_window - what was used of an SA, and of what replaces it
 * @lock: serialises @replay, and what else of the SAs is marked [L]
 * @refs: SAs that have it
 * @sent: last sequence number sent [A]
 * @packets: packets processed [A]
 * @bytes: octets encrypted [A]
 * @replay: the anti-replay window [L]
 *
 * What each packet writes is here, next to the number that it takes or that is checked off:
 * CPUs that use an SA together share one line of their caches for it, and no other.
 */
struct espl_window {
	spinlock_t lock;	/* of the window */
	refcount_t refs;
	atomic64_t sent;
	atomic64_t packets;
	atomic64_t bytes;
	struct espl_replay replay;	/* last: it is as long as it is wide */
};

/** enum espl_stage - whether an SA is in the SAD */
enum espl_stage {
	ESPL_NOT_YET,
	ESPL_COMING,	/* when the transaction ends */
	ESPL_STANDING,
	ESPL_LEAVING,	/* when the transaction ends */
	ESPL_GONE,
};

/* Key of espl_net.sa_by_spi; hashed as bytes, so without holes. */
struct espl_spi_key {
	union nf_inet_addr daddr;
	__be32 spi;
	u8 family;
	u8 proto;
	u16 zero;
};

/**
 * struct espl_sa_place - an SA's place in one of the lists of sad_pair.c
 * @node: in espl_pair.places, while @pair is not NULL [R]
 * @pair: whose list that is [M]
 * @sa: the SA [I]
 */
struct espl_sa_place {
	struct list_head node;
	struct espl_pair *pair;
	struct espl_sa *sa;
};

/**
 * struct espl_sa - a security association
 * @by_spi: in espl_net.sa_by_spi [R]
 * @of_pair: among all SAs between its addresses [R]
 * @of_reqid: among those with its reqid, where it has one [R]
 * @all: in espl_net.sas, sas_coming or sas_leaving, by @stage [M]
 * @spi_key: hash key [I]
 * @en: the namespace [I]
 * @conf: as given, keys included [I]
 * @serial: order of birth; the newest of several SAs is used to send [I]
 * @refs: holders; the SAD is one
 * @state: SADB_SASTATE_*; written under [M], read by the packet path
 * @stage: enum espl_stage [M]
 * @heir: takes its place when the transaction ends; it is ESPL_LEAVING [M]
 * @heir_of: whose place it takes then; it is ESPL_COMING [M]
 * @told: soft expiry has been announced [M]
 * @esn: extended sequence numbers, 64 bits of which 32 are sent [I]
 * @xform: the protocol: ESP or AH [I]
 * @aead: the crypto of ESP; NULL while larval [I]
 * @shash: the crypto of AH; NULL while larval [I]
 * @outerlen: octets of the IP header that it puts in front, 0 in transport mode [I]
 * @hdrlen: octets of the transform's header, IV included [I]
 * @headlen: octets put in front of a payload: that, UDP, and in tunnel mode IP [I]
 * @taillen: octets put behind a payload, at most [I]
 * @align: what payload plus trailer is padded to, octets [I]
 * @least: octets from the transform's header to the packet's end, at least [I]
 * @ivlen: octets of IV on the wire [I]
 * @icvlen: octets of ICV on the wire [I]
 * @endlen: as many of them as are at the packet's end: all, or in AH none [I]
 * @iv_base: where the counter of a counter IV starts: random, so that a key
 *	     loaded twice by hand does not repeat its IVs from 0 [I]
 * @seq_max: the last there is: none may come twice; 0 once another has its numbers
 * @seq_soft: where the keyer is told, while there is time to make an SA [I]
 * @created: espl_now() of birth [I]
 * @first_used: espl_now() of the first packet, 0 before it
 * @last_used: espl_now() of the latest packet, 0 before the first
 * @touched: when that was written, in jiffies
 * @counted: there is a limit of packets or octets [I]
 * @window: what is used of it; another one only before packets come [I]
 * @route: cached outer route (BH off) [C]
 * @encaplen: octets of UDP header in front of ESP [I]
 * @follow: SAs of the way back follow a change of mapping [I]
 * @mapping: where its latest packet came from [L]
 * @mapping_told: what the keyer knows of that [M]
 * @mapping_work: tells
 * @moved: not to its destination: to here; NULL: to there [R]
 * @life: ends larval SAs and announces lifetimes (life.c)
 * @free: frees after a grace period, in process context, for crypto sleeps
 */
struct espl_sa {
	struct rhash_head by_spi;
	struct espl_sa_place of_pair;
	struct espl_sa_place of_reqid;
	struct list_head all;
	struct espl_spi_key spi_key;
	struct espl_net *en;
	struct espl_sa_conf conf;
	u64 serial;
	refcount_t refs;
	u8 state;
	u8 stage;
	struct espl_sa *heir;
	struct espl_sa *heir_of;
	bool told;
	bool esn;

	const struct espl_xform *xform;
	struct crypto_aead *aead;
	struct crypto_shash *shash;
	u8 outerlen;
	u8 hdrlen;
	u8 headlen;
	u8 taillen;
	u8 align;
	u8 least;
	u8 ivlen;
	u8 icvlen;
	u8 endlen;
	u64 iv_base;

	u64 seq_max;
	u64 seq_soft;
	time64_t created;
	time64_t first_used;
	time64_t last_used;
	unsigned long touched;
	bool counted;

	struct espl_window *window;

	struct dst_cache route;

	u8 encaplen;
	bool follow;
	struct espl_mapping mapping;
	struct espl_mapping mapping_told;
	struct work_struct mapping_work;
	struct espl_moved __rcu *moved;

	struct delayed_work life;
	struct rcu_work free;
};

/* May packets use this SA: is it mature or dying. */
static inline bool espl_sa_usable(const struct espl_sa *sa)
{
	/* Pairs with sad.c's mature(): what it has inherited comes before. */
	u8 state = smp_load_acquire(&sa->state);

	return state == SADB_SASTATE_MATURE || state == SADB_SASTATE_DYING;
}

static inline void espl_sa_count(struct espl_sa *sa, unsigned int bytes)
{
	atomic64_inc(&sa->window->packets);
	atomic64_add(bytes, &sa->window->bytes);
}

/* The clock is read once in a jiffy: 25 instructions less for all other packets. */
static inline bool espl_sa_touched(const struct espl_sa *sa)
{
	unsigned long jiffy = jiffies;

	return READ_ONCE(sa->touched) == jiffy && READ_ONCE(sa->first_used);
}

/**
 * espl_sa_charge() - account one packet to an SA
 * @sa: the SA
 * @bytes: octets, espl_xform_octets()
 *
 * Called for authentic packets only, so forgeries age nothing.
 *
 * Context: BH off.
 * Return: False if a hard limit was reached before this packet.
 */
static inline bool espl_sa_charge(struct espl_sa *sa, unsigned int bytes)
{
	if (sa->counted || !espl_sa_touched(sa))
		return espl_life_charge(sa, bytes);
	espl_sa_count(sa, bytes);
	return true;
}

/**
 * espl_sa_seq() - the sequence number of the next packet
 * @sa: an SA to send by
 *
 * Context: BH off.
 * Return: The number, never the same twice, or 0 where there is none left.
 */
static inline u64 espl_sa_seq(struct espl_sa *sa)
{
	/* 64 bits wide, so that it cannot wrap to a number already used. */
	u64 seq = atomic64_inc_return(&sa->window->sent);

	if (seq >= sa->seq_soft)
		espl_life_few_left(sa, seq);
	/* Read last: pairs with sa.c's inherit_window(). */
	return seq <= READ_ONCE(sa->seq_max) ? seq : 0;
}

int espl_sad_init(struct espl_net *en);
void espl_sad_end(struct espl_net *en);
void espl_sad_fini(struct espl_net *en);

struct espl_sa *espl_sa_alloc(struct espl_net *en,
			      const struct espl_sa_conf *conf);
void espl_sa_free(struct espl_sa *sa);
void espl_sa_current(const struct espl_sa *sa, struct espl_lifetime *current_);
void espl_sa_kill(struct espl_sa *sa);
void espl_sa_inherit(struct espl_sa *sa, struct espl_sa *old);

/* Hold an SA that was lent: while it is, the SAD holds it, or did until just now. */
static inline struct espl_sa *espl_sa_get(struct espl_sa *sa)
{
	refcount_inc(&sa->refs);
	return sa;
}

static inline void espl_sa_put(struct espl_sa *sa)
{
	if (refcount_dec_and_test(&sa->refs))
		espl_sa_free(sa);
}

void espl_sad_changed(struct espl_net *en);
int espl_sad_add(struct espl_sa *sa);
int espl_sad_getspi(struct espl_sa *sa, u32 min, u32 max);
int espl_sad_replace(struct espl_sa *old, struct espl_sa *sa);
int espl_sad_stage_move(struct espl_sa *old, struct espl_sa *sa);
void espl_sad_del(struct espl_sa *sa);
unsigned int espl_sad_flush(struct espl_net *en, u8 proto);
void espl_sad_commit_new(struct espl_net *en);
void espl_sad_commit_old(struct espl_net *en);
void espl_sad_abort(struct espl_net *en);

struct espl_sa *espl_sad_lookup(struct espl_net *en, u8 family, u8 proto,
				const union nf_inet_addr *daddr, __be32 spi);
struct espl_sa *espl_sad_find(struct espl_net *en, u8 family, u8 proto,
			      const union nf_inet_addr *daddr, __be32 spi);
struct espl_sa *espl_sad_lookup_pair(struct espl_net *en, u8 family, u8 proto,
				     const union nf_inet_addr *saddr,
				     const union nf_inet_addr *daddr,
				     u8 mode, u32 reqid);

#endif
