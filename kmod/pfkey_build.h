/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pfkey_build.h - writing PF_KEY messages
 */
#ifndef ESPL_PFKEY_BUILD_H
#define ESPL_PFKEY_BUILD_H

#include "acquire.h"
#include "pfkey_parse.h"
#include "sad.h"
#include "spd.h"

/* The largest message there is: a policy with ESPL_DEPTH IPv6 tunnels. */
#define ESPL_PFKEY_MSG_MAX	1024

/**
 * struct espl_pfkey_build - a message in the making
 * @len: octets so far, a multiple of 8
 * @plain: octets ahead of the first extension above Linux's numbers; 0: there is
 *	   none. They come last, for most sockets do not get them
 * @data: zero from @len on, so that nothing unwritten ever leaves
 */
struct espl_pfkey_build {
	unsigned int len;
	unsigned int plain;
	u8 data[ESPL_PFKEY_MSG_MAX] __aligned(8);
};

/**
 * struct espl_pfkey_head - what a message's header says
 * @type: SADB_*
 * @satype: SADB_SATYPE_*
 * @error: positive errno, or 0
 * @reserved: of a policy: how many hold it
 * @seq: of the request that it answers
 * @pid: of the asker, 0 where nobody asked
 */
struct espl_pfkey_head {
	u8 type;
	u8 satype;
	u8 error;
	u16 reserved;
	u32 seq;
	u32 pid;
};

/* What goes into a message about an SA, beyond its name. */
#define ESPL_PUT_KEYS	BIT(0)	/* only to who asked for them */
#define ESPL_PUT_HARD	BIT(1)
#define ESPL_PUT_SOFT	BIT(2)

void espl_put_head(struct espl_pfkey_build *build,
		   const struct espl_pfkey_head *head);
void espl_put_sa(struct espl_pfkey_build *build, const struct espl_sa *sa,
		 unsigned int what);
void espl_put_mapping(struct espl_pfkey_build *build, const struct espl_sa *sa,
		      const struct espl_mapping *from,
		      const struct espl_mapping *to);
void espl_put_policy(struct espl_pfkey_build *build,
		     const struct espl_policy *policy);
void espl_put_migrate(struct espl_pfkey_build *build,
		      const struct espl_pfkey_msg *msg);
void espl_put_acquire(struct espl_pfkey_build *build,
		      const struct espl_acquire *acquire,
		      const struct espl_policy *policy);
void espl_put_trigger(struct espl_pfkey_build *build,
		      const struct espl_flow *flow);
void espl_put_supported(struct espl_pfkey_build *build, u64 available);
struct sk_buff *espl_pfkey_finish(const struct espl_pfkey_build *build, bool modern,
				  struct sk_buff *room);
void espl_pfkey_forget(struct sk_buff *skb);

#endif
