/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * life.h - how SAs and policies age
 */
#ifndef ESPL_LIFE_H
#define ESPL_LIFE_H

#include <linux/types.h>

struct espl_policy;
struct espl_sa;

#define ESPL_LARVAL_SECONDS	30

/**
 * struct espl_lifetime - a limit, or what has been used of it
 * @packets: packets processed (PF_KEY's allocations); 0 for no limit
 * @bytes: octets encrypted, trailer included; 0 for no limit
 * @addtime: seconds since the SA was made; in a current lifetime the wall-clock
 *	     second of that; 0 for no limit
 * @usetime: the same from the first use
 */
struct espl_lifetime {
	u32 packets;
	u64 bytes;
	u64 addtime;
	u64 usetime;
};

void espl_life_init(struct espl_sa *sa);
void espl_life_inherit(struct espl_sa *sa, const struct espl_sa *old);
void espl_life_start(struct espl_sa *sa);
void espl_life_stop(struct espl_sa *sa);
void espl_life_init_policy(struct espl_policy *policy);
void espl_life_start_policy(struct espl_policy *policy);
void espl_life_stop_policy(struct espl_policy *policy);
void espl_life_few_left(struct espl_sa *sa, u64 seq);
bool espl_life_charge(struct espl_sa *sa, unsigned int bytes);

#endif
