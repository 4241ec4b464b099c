// SPDX-License-Identifier: GPL-2.0-only
/*
 * pfkey_change.c - requests that change the SAD or the SPD, alone or together
 *
 * Owns the table of those requests, and transactions: several of them in one write,
 * of which either all take effect or none, and no packet sees a part. RFC 2367 has
 * one message in a write, and nothing else there, so a write with more is free to
 * mean this. pfkey.c brings transactions, pfkey_msg.c single requests.
 */
#include "pfkey_build.h"
#include "pfkey_msg.h"
#include "pfkey_tell.h"

#include <linux/mm.h>
#include <linux/slab.h>

#include "net.h"

/**
 * struct change - a kind of request
 * @make: does it, under espl_net.lock
 * @alone: not in a transaction
 */
struct change {
	int (*make)(struct espl_net *en, struct espl_pfkey_msg *msg,
		    struct espl_pfkey_about *about);
	bool alone;
};

static const struct change changes[SADB_MAX + 1] = {
	[SADB_UPDATE] = { espl_pfkey_update, .alone = true },
	[SADB_ADD] = { espl_pfkey_add },
	[SADB_DELETE] = { espl_pfkey_delete },
	[SADB_FLUSH] = { espl_pfkey_flush },
	[SADB_X_SPDUPDATE] = { espl_pfkey_spdadd },
	[SADB_X_SPDADD] = { espl_pfkey_spdadd },
	[SADB_X_SPDDELETE] = { espl_pfkey_spddelete },
	[SADB_X_SPDDELETE2] = { espl_pfkey_spddelete },
	[SADB_X_SPDFLUSH] = { espl_pfkey_spdflush },
};

static void put_about(const struct espl_pfkey_about *about)
{
	if (about->sa)
		espl_sa_put(about->sa);
	if (about->policy)
		espl_policy_put(about->policy);
}

/**
 * espl_pfkey_change() - do what one request asks, and answer it
 * @ps: the asker's socket
 * @msg: the request, of a kind that changes something
 *
 * Context: Process, may sleep.
 * Return: As espl_pfkey_handle().
 */
int espl_pfkey_change(struct espl_pfkey_sock *ps, struct espl_pfkey_msg *msg)
{
	struct espl_pfkey_about about = {};
	int err;

	mutex_lock(&ps->en->lock);
	err = changes[msg->type].make(ps->en, msg, &about);
	if (!err)
		espl_pfkey_answer_about(ps, msg, &about, ESPL_ALL);
	mutex_unlock(&ps->en->lock);
	put_about(&about);
	return err;
}

/**
 * struct batch - a transaction
 * @data: what was written
 * @len: octets of it
 * @n: messages in it, or of them those whose effect is in @about
 * @about: what each is about
 */
struct batch {
	const u8 *data;
	size_t len;
	unsigned int n;
	struct espl_pfkey_about *about;
};

/* The message at @at; its length, or 0 where none is left. */
static size_t message_at(const struct batch *batch, size_t at)
{
	const struct sadb_msg *base = (const void *)(batch->data + at);

	if (batch->len - at < sizeof(*base))
		return 0;
	return min_t(size_t, base->sadb_msg_len * 8, batch->len - at);
}

/* Are they messages at all, as far as their headers tell, and how many. */
static int count(struct batch *batch, struct espl_pfkey_msg *msg)
{
	size_t len;
	int err;

	for (size_t at = 0; at < batch->len; at += len) {
		len = message_at(batch, at);
		if (len > ESPL_PFKEY_REQUEST_MAX)
			return -EMSGSIZE;
		err = espl_pfkey_parse_base(batch->data + at, len, msg);
		if (err)
			return err;
		batch->n++;
	}
	return 0;
}

static int make(struct espl_net *en, const void *data, size_t len,
		struct espl_pfkey_msg *msg, struct espl_pfkey_about *about)
{
	int err;

	/* Its header was found good. */
	espl_pfkey_parse_base(data, len, msg);
	err = espl_pfkey_parse(data, len, msg);
	if (err)
		return err;
	if (!changes[msg->type].make || changes[msg->type].alone) {
		msg->why = "not a request for a transaction";
		return -EOPNOTSUPP;
	}
	return changes[msg->type].make(en, msg, about);
}

/**
 * espl_pfkey_end_changes() - the end of several changes that are one
 * @en: the namespace, staging
 * @err: of the first that failed, or 0: they take effect
 *
 * Context: Process, may sleep, espl_net.lock held.
 * Return: @err.
 */
int espl_pfkey_end_changes(struct espl_net *en, int err)
{
	en->staging = false;
	if (err) {
		espl_spd_abort(en);
		espl_sad_abort(en);
		return err;
	}
	/* SAs first and last: policies never ask for what is not there. */
	espl_sad_commit_new(en);
	espl_spd_commit(en);
	espl_sad_commit_old(en);
	return 0;
}

/* All or nothing; in @msg is the request that was refused, or the last. */
static int make_all(struct espl_net *en, struct batch *batch,
		    struct espl_pfkey_msg *msg)
{
	size_t at = 0, len;
	int err = 0;

	en->staging = true;
	for (batch->n = 0; !err && at < batch->len; at += len) {
		len = message_at(batch, at);
		err = make(en, batch->data + at, len, msg, &batch->about[batch->n++]);
		cond_resched();
	}
	return espl_pfkey_end_changes(en, err);
}

/* Others hear of each change, as if it had come by itself. */
static void tell_all(struct espl_pfkey_sock *ps, const struct batch *batch,
		     struct espl_pfkey_msg *msg)
{
	size_t at = 0, len;

	for (unsigned int i = 0; i < batch->n; i++, at += len) {
		len = message_at(batch, at);
		espl_pfkey_parse_base(batch->data + at, len, msg);
		espl_pfkey_tell_about(ps, msg, &batch->about[i], ESPL_ALL);
	}
}

static void answer_all(struct espl_pfkey_sock *ps, const struct espl_pfkey_msg *msg)
{
	struct espl_pfkey_head head = espl_pfkey_head_of(msg);

	espl_put_head(ps->en->build, &head);
	espl_pfkey_answer(ps, ps->en->build);
}

/**
 * espl_pfkey_change_all() - do what several requests ask, or none of it
 * @ps: the asker's socket
 * @data: the requests, one behind the other
 * @len: octets of all
 *
 * Answered by one header: that of the last request; or that of the first which was
 * refused, with its errno.
 *
 * Context: Process, may sleep.
 * Return: 0 where it was answered; -EMSGSIZE or -EINVAL where what was written is
 *	   not messages, or -ENOMEM; then nothing was done.
 */
int espl_pfkey_change_all(struct espl_pfkey_sock *ps, const void *data, size_t len)
{
	struct espl_pfkey_msg *msg = kmalloc(sizeof(*msg), GFP_KERNEL);
	struct batch batch = { .data = data, .len = len };
	int err, refused;

	if (!msg)
		return -ENOMEM;
	err = count(&batch, msg);
	if (err)
		goto out;
	batch.about = kvcalloc(batch.n, sizeof(*batch.about), GFP_KERNEL);
	if (!batch.about) {
		err = -ENOMEM;
		goto out;
	}
	mutex_lock(&ps->en->lock);
	refused = make_all(ps->en, &batch, msg);
	if (!refused) {
		tell_all(ps, &batch, msg);
		answer_all(ps, msg);
	}
	mutex_unlock(&ps->en->lock);
	if (refused)
		espl_pfkey_refuse(ps, msg, refused);
	while (batch.n)
		put_about(&batch.about[--batch.n]);
	kvfree(batch.about);
out:
	kfree_sensitive(msg);
	return err;
}
