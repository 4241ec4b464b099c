/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * natt.h - ESP in UDP (RFC 3948)
 */
#ifndef ESPL_NATT_H
#define ESPL_NATT_H

#include "natt_fmt.h"
#include "sad.h"

int espl_natt_get(struct espl_sa *sa);
void espl_natt_put(struct espl_sa *sa);
void espl_natt_init_sa(struct espl_sa *sa);
void espl_natt_fini_sa(struct espl_sa *sa);

bool espl_natt_is_port(const struct espl_net *en, const struct sk_buff *skb,
		       const struct espl_upper *upper);

struct espl_mapping espl_natt_remote(const struct espl_sa *sa);
void espl_natt_fill(struct sk_buff *skb, const struct espl_sa *sa);
void espl_natt_sealed(struct sk_buff *skb, const struct espl_sa *sa);
void espl_natt_opened(struct sk_buff *skb, struct espl_sa *sa,
		      unsigned int offset);

#endif
