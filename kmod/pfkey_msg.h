/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pfkey_msg.h - what PF_KEY messages do, as the sockets see it
 */
#ifndef ESPL_PFKEY_MSG_H
#define ESPL_PFKEY_MSG_H

#include "pfkey_parse.h"

#include <net/sock.h>

#include "life.h"

struct espl_net;
struct espl_pfkey_build;

/**
 * struct espl_pfkey_dump - a dump under way: what there was when it was asked for
 * @type: SADB_DUMP or SADB_X_SPDDUMP
 * @pid: the asker
 * @n: entries; messages count down from here, the last has sequence number 0
 * @next: index of the next to send
 * @build: where messages are written
 * @entry: SAs or policies, held
 */
struct espl_pfkey_dump {
	u8 type;
	u32 pid;
	u32 n;
	u32 next;
	struct espl_pfkey_build *build;
	void *entry[];
};

/**
 * struct espl_pfkey_sock - a PF_KEY socket
 * @sk: first, as the kernel wants it
 * @en: its namespace [I]
 * @registered: bit for each SADB_SATYPE_* it has registered [M]
 * @promisc: it wants to see all messages [M]
 * @modern: it has said that it knows extensions above Linux's numbers
 * @dump: under way, or NULL; under the socket's lock
 * @room: for the answer to a request when memory has run out meanwhile [A]
 */
struct espl_pfkey_sock {
	struct sock sk;
	struct espl_net *en;
	u32 registered;
	bool promisc;
	bool modern;
	struct espl_pfkey_dump *dump;
	struct sk_buff *room;
};

int espl_pfkey_handle(struct espl_pfkey_sock *ps, struct espl_pfkey_msg *msg);
void espl_pfkey_refuse(struct espl_pfkey_sock *ps,
		       const struct espl_pfkey_msg *msg, int err);

/* No request is longer than this by far: sixteen times an SA with all it has. */
#define ESPL_PFKEY_REQUEST_MAX	16384

struct espl_pfkey_about;

int espl_pfkey_change(struct espl_pfkey_sock *ps, struct espl_pfkey_msg *msg);
int espl_pfkey_change_all(struct espl_pfkey_sock *ps, const void *data, size_t len);
int espl_pfkey_end_changes(struct espl_net *en, int err);

/* The handlers, by name of their message: those that change something, */
int espl_pfkey_update(struct espl_net *en, struct espl_pfkey_msg *msg,
		      struct espl_pfkey_about *about);
int espl_pfkey_add(struct espl_net *en, struct espl_pfkey_msg *msg,
		   struct espl_pfkey_about *about);
int espl_pfkey_delete(struct espl_net *en, struct espl_pfkey_msg *msg,
		      struct espl_pfkey_about *about);
int espl_pfkey_flush(struct espl_net *en, struct espl_pfkey_msg *msg,
		     struct espl_pfkey_about *about);
int espl_pfkey_spdadd(struct espl_net *en, struct espl_pfkey_msg *msg,
		      struct espl_pfkey_about *about);
int espl_pfkey_spddelete(struct espl_net *en, struct espl_pfkey_msg *msg,
			 struct espl_pfkey_about *about);
int espl_pfkey_spdflush(struct espl_net *en, struct espl_pfkey_msg *msg,
			struct espl_pfkey_about *about);

/* and the others, which answer for themselves. */
int espl_pfkey_getspi(struct espl_pfkey_sock *ps, struct espl_pfkey_msg *msg);
int espl_pfkey_get(struct espl_pfkey_sock *ps, struct espl_pfkey_msg *msg);
int espl_pfkey_give_up(struct espl_pfkey_sock *ps, struct espl_pfkey_msg *msg);
int espl_pfkey_spdget(struct espl_pfkey_sock *ps, struct espl_pfkey_msg *msg);
int espl_pfkey_migrate(struct espl_pfkey_sock *ps, struct espl_pfkey_msg *msg);
int espl_pfkey_dump(struct espl_pfkey_sock *ps, struct espl_pfkey_msg *msg);

struct espl_lifetime espl_pfkey_take_life(const struct espl_pfkey_life *from);
void espl_pfkey_dump_go_on(struct espl_pfkey_sock *ps);
void espl_pfkey_dump_end(struct espl_pfkey_sock *ps);

#endif
