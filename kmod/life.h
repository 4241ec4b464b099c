/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * life.h - how SAs age
 */
#ifndef ESPL_LIFE_H
#define ESPL_LIFE_H

#include "sad.h"

#define ESPL_LARVAL_SECONDS	30

void espl_life_init(struct espl_sa *sa);
void espl_life_start(struct espl_sa *sa);
void espl_life_stop(struct espl_sa *sa);
u64 espl_life_seq(struct espl_sa *sa);
bool espl_life_charge(struct espl_sa *sa, unsigned int bytes);

#endif
