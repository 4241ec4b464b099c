// SPDX-License-Identifier: GPL-2.0-only
/*
 * pfkey_dump.c - dumps of the SAD and of the SPD
 *
 * Owns dumps under way. What there is when the question comes is held and sent as
 * the asker reads, so any number of entries passes through any receive buffer.
 * pfkey_msg.c begins one, pfkey.c goes on when something was read.
 */
#include "pfkey_build.h"
#include "pfkey_msg.h"
#include "pfkey_tell.h"

#include <linux/mm.h>
#include <linux/slab.h>

#include "net.h"

static unsigned int collect_sas(struct espl_net *en, u8 proto, void **entry)
{
	unsigned int n = 0;
	struct espl_sa *sa;

	list_for_each_entry(sa, &en->sas, all) {
		if (proto && sa->conf.proto != proto)
			continue;
		if (entry)
			entry[n] = espl_sa_get(sa);
		n++;
	}
	return n;
}

static unsigned int collect_policies(struct espl_net *en, void **entry)
{
	struct espl_policy *policy;
	unsigned int n = 0;

	for (int dir = 0; dir < ESPL_DIRS; dir++) {
		for (policy = espl_spd_first(en, dir); policy;
		     policy = espl_spd_next(policy)) {
			if (entry)
				entry[n] = espl_policy_get(policy);
			n++;
		}
	}
	return n;
}

static unsigned int collect(struct espl_net *en, const struct espl_pfkey_msg *msg,
			    void **entry)
{
	if (msg->type == SADB_DUMP)
		return collect_sas(en, espl_pfkey_proto(msg->satype), entry);
	return collect_policies(en, entry);
}

static void put_entry(const struct espl_pfkey_dump *dump, void *entry)
{
	if (dump->type == SADB_DUMP)
		espl_sa_put(entry);
	else
		espl_policy_put(entry);
}

static struct espl_pfkey_dump *alloc_dump(unsigned int n)
{
	struct espl_pfkey_dump *dump;

	dump = kvzalloc(struct_size(dump, entry, n), GFP_KERNEL);
	if (!dump)
		return NULL;
	dump->build = kmalloc(sizeof(*dump->build), GFP_KERNEL);
	if (dump->build)
		return dump;
	kvfree(dump);
	return NULL;
}

static struct espl_pfkey_dump *snapshot(struct espl_net *en,
					const struct espl_pfkey_msg *msg)
{
	struct espl_pfkey_dump *dump;
	unsigned int n;

	mutex_lock(&en->lock);
	n = collect(en, msg, NULL);
	if (n) {
		dump = alloc_dump(n);
		if (dump)
			dump->n = collect(en, msg, dump->entry);
		else
			dump = ERR_PTR(-ENOMEM);
	} else {
		dump = ERR_PTR(-ENOENT);
	}
	mutex_unlock(&en->lock);
	return dump;
}

/**
 * espl_pfkey_dump() - begin to show all SAs or policies
 * @ps: the asker's socket
 * @msg: the request
 *
 * Context: Process, may sleep.
 * Return: As espl_pfkey_handle().
 */
int espl_pfkey_dump(struct espl_pfkey_sock *ps, struct espl_pfkey_msg *msg)
{
	struct espl_pfkey_dump *dump;
	int err = 0;

	lock_sock(&ps->sk);
	if (ps->dump) {
		msg->why = "a dump to this socket is under way";
		err = -EBUSY;
		goto out;
	}
	dump = snapshot(ps->en, msg);
	if (IS_ERR(dump)) {
		err = PTR_ERR(dump);
		goto out;
	}
	dump->type = msg->type;
	dump->pid = msg->pid;
	ps->dump = dump;
	espl_pfkey_dump_go_on(ps);
out:
	release_sock(&ps->sk);
	return err;
}

static void put_dumped(struct espl_pfkey_dump *dump)
{
	struct espl_pfkey_build *build = dump->build;
	struct espl_pfkey_head head = {
		.type = dump->type,
		.seq = dump->n - 1 - dump->next,
		.pid = dump->pid,
	};
	struct espl_policy *policy;

	if (dump->type == SADB_DUMP) {
		const struct espl_sa *sa = dump->entry[dump->next];

		head.satype = espl_pfkey_satype(sa->conf.proto);
		espl_put_head(build, &head);
		espl_put_sa(build, sa,
			    ESPL_PUT_HARD | ESPL_PUT_SOFT | ESPL_PUT_KEYS);
		return;
	}
	policy = dump->entry[dump->next];
	/* The dump's own hold is not one that people ask about. */
	head.reserved = min_t(u32, refcount_read(&policy->refs) - 1, U16_MAX);
	espl_put_head(build, &head);
	espl_put_policy(build, policy);
}

static bool has_room(const struct sock *sk)
{
	return atomic_read(&sk->sk_rmem_alloc) < READ_ONCE(sk->sk_rcvbuf) / 2;
}

/*
 * Without memory it is tried again when the next message is read. Where there is none
 * to read the dump ends, and recv() says why: who reads must not wait for ever.
 */
static void break_off(struct espl_pfkey_sock *ps)
{
	if (!skb_queue_empty_lockless(&ps->sk.sk_receive_queue))
		return;
	espl_pfkey_dump_end(ps);
	WRITE_ONCE(ps->sk.sk_err, ENOMEM);
	sk_error_report(&ps->sk);
}

/**
 * espl_pfkey_dump_go_on() - send more of a dump, as much as there is room for
 * @ps: the socket
 *
 * Context: Process, lock_sock() held.
 */
void espl_pfkey_dump_go_on(struct espl_pfkey_sock *ps)
{
	struct espl_pfkey_dump *dump = ps->dump;

	if (!dump)
		return;
	while (dump->next < dump->n && has_room(&ps->sk)) {
		struct sk_buff *skb;

		put_dumped(dump);
		skb = espl_pfkey_finish(dump->build, ps->modern, NULL);
		if (!skb || sock_queue_rcv_skb(&ps->sk, skb)) {
			espl_pfkey_forget(skb);
			break_off(ps);
			return;
		}
		put_entry(dump, dump->entry[dump->next++]);
	}
	if (dump->next == dump->n)
		espl_pfkey_dump_end(ps);
}

/**
 * espl_pfkey_dump_end() - forget a dump, sent or not
 * @ps: the socket
 *
 * Context: Process, lock_sock() held, or nobody else has the socket.
 */
void espl_pfkey_dump_end(struct espl_pfkey_sock *ps)
{
	struct espl_pfkey_dump *dump = ps->dump;

	if (!dump)
		return;
	while (dump->next < dump->n)
		put_entry(dump, dump->entry[dump->next++]);
	ps->dump = NULL;
	kfree_sensitive(dump->build);
	kvfree(dump);
}

