/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * spd_index.h - finding policies among many
 */
#ifndef ESPL_SPD_INDEX_H
#define ESPL_SPD_INDEX_H

#include "spd.h"

int espl_index_add(struct espl_net *en, struct espl_policy *policy);
void espl_index_del(struct espl_net *en, struct espl_policy *policy);
void espl_index_changed(struct espl_net *en);

int espl_index_init(struct espl_net *en);
void espl_index_fini(struct espl_net *en);
int espl_index_init_cache(void);
void espl_index_fini_cache(void);

#endif
