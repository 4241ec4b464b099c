/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pfkey_tell.h - who hears what on PF_KEY sockets, for those who answer requests
 */
#ifndef ESPL_PFKEY_TELL_H
#define ESPL_PFKEY_TELL_H

#include "pfkey_build.h"
#include "pfkey_msg.h"

/** enum espl_audience - who besides the asker hears of a message */
enum espl_audience {
	ESPL_ALL,	/* it changed something */
	ESPL_PROMISC,	/* it was a question */
};

/**
 * struct espl_pfkey_about - what a message is about, beyond its header
 * @sa: an SA, or NULL
 * @policy: a policy, or NULL
 */
struct espl_pfkey_about {
	struct espl_sa *sa;
	struct espl_policy *policy;
};

void espl_pfkey_enter(struct espl_pfkey_sock *ps);
void espl_pfkey_leave(struct espl_pfkey_sock *ps);
void espl_pfkey_register(struct espl_pfkey_sock *ps, u8 satype);

u8 espl_pfkey_proto(u8 satype);
u8 espl_pfkey_satype(u8 proto);
struct espl_pfkey_head espl_pfkey_head_of(const struct espl_pfkey_msg *msg);

int espl_pfkey_reserve(struct espl_pfkey_sock *ps);
void espl_pfkey_answer(struct espl_pfkey_sock *ps,
		       const struct espl_pfkey_build *build);
void espl_pfkey_tell_about(struct espl_pfkey_sock *ps,
			   const struct espl_pfkey_msg *msg,
			   const struct espl_pfkey_about *about,
			   enum espl_audience audience);
void espl_pfkey_answer_about(struct espl_pfkey_sock *ps,
			     const struct espl_pfkey_msg *msg,
			     const struct espl_pfkey_about *about,
			     enum espl_audience audience);
void espl_pfkey_answer_head(struct espl_pfkey_sock *ps,
			    const struct espl_pfkey_msg *msg,
			    enum espl_audience audience);
void espl_pfkey_tell_others(struct espl_pfkey_sock *asker,
			    enum espl_audience audience,
			    const struct espl_pfkey_build *build);

#endif
