/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pfkey.h - the PF_KEY family, as other rooms see it
 */
#ifndef ESPL_PFKEY_H
#define ESPL_PFKEY_H

#include <linux/types.h>

struct espl_net;
struct espl_mapping;
struct espl_sa;

int espl_pfkey_init(void);
void espl_pfkey_fini(void);
void espl_pfkey_new_mapping(struct espl_sa *sa, const struct espl_mapping *from,
			    const struct espl_mapping *to);
void espl_pfkey_expire(struct espl_sa *sa, bool hard);

#endif
