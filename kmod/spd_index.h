/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * spd_index.h - finding policies among many
 */
#ifndef ESPL_SPD_INDEX_H
#define ESPL_SPD_INDEX_H

#include "pmtu.h"
#include "spd.h"

/**
 * struct espl_plan - by which SAs the packets of a flow go, or come
 * @sad_version: espl_net.sad_version of when they were looked up; while that has not
 *		 changed they live. 0 where there is no plan
 * @sa: the SAs, lent, innermost first
 * @n: how many
 * @family: output: of the outermost IP header
 * @tunnel: output: how many of them there are up to the outermost tunnel; 0 without
 * @mtu: output: of the path that @fit was measured for; 0 where it was not
 * @dfbit: output: what espl_encap_dfbit was then
 * @fit: output: which sizes fit
 */
struct espl_plan {
	unsigned long sad_version;
	struct espl_sa *sa[ESPL_DEPTH];
	u8 n;
	u8 family;
	u8 tunnel;
	unsigned int mtu;
	unsigned int dfbit;
	struct espl_fit fit;
};

int espl_index_add(struct espl_net *en, struct espl_policy *policy);
void espl_index_del(struct espl_net *en, struct espl_policy *policy);
void espl_index_changed(struct espl_net *en);
enum espl_verdict espl_index_lookup(struct espl_net *en, enum espl_dir dir,
				    const struct espl_flow *flow,
				    struct espl_policy **policy,
				    struct espl_plan **plan);

int espl_index_init(struct espl_net *en);
void espl_index_fini(struct espl_net *en);
int espl_index_init_cache(void);
void espl_index_fini_cache(void);

#endif
