/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sad_pair.h - SAs by the addresses that they are between, to send by
 */
#ifndef ESPL_SAD_PAIR_H
#define ESPL_SAD_PAIR_H

struct espl_net;
struct espl_sa;

int espl_pair_add(struct espl_sa *sa);
void espl_pair_del(struct espl_sa *sa);
int espl_pair_init(struct espl_net *en);
void espl_pair_fini(struct espl_net *en);

#endif
