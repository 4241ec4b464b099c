/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pfkey.h - the PF_KEY family, as other rooms see it
 */
#ifndef ESPL_PFKEY_H
#define ESPL_PFKEY_H

#include <linux/types.h>

struct espl_acquire;
struct espl_net;
struct espl_mapping;
struct espl_policy;
struct espl_sa;

int espl_pfkey_init(void);
void espl_pfkey_fini(void);
int espl_pfkey_init_net(struct espl_net *en);
void espl_pfkey_fini_net(struct espl_net *en);
void espl_pfkey_new_mapping(struct espl_sa *sa, const struct espl_mapping *from,
			    const struct espl_mapping *to);
bool espl_pfkey_has_keyer(const struct espl_net *en, u8 proto);
bool espl_pfkey_acquire(const struct espl_acquire *acquire,
			const struct espl_policy *policy);
void espl_pfkey_policy_expire(struct espl_net *en,
			      const struct espl_policy *policy);
void espl_pfkey_expire(struct espl_sa *sa, bool hard);

#endif
