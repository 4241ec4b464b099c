// SPDX-License-Identifier: GPL-2.0-only
/*
 * pfkey_msg.c - what each PF_KEY message does (RFC 2367 section 3, KAME)
 *
 * Owns the table of handlers, those that are about the socket itself, and refusals.
 * pfkey.c calls it with parsed requests.
 */
#include "pfkey_build.h"
#include "pfkey_msg.h"
#include "pfkey_tell.h"

#include <linux/slab.h>

#include "net.h"

/* Sleeps and may load modules, so it is asked without the mutex. */
static u64 available_algs(void)
{
	const struct espl_alg *alg;
	u64 available = 0;

	for (unsigned int i = 0; (alg = espl_alg_row(i)); i++)
		if (espl_alg_enabled(alg) && crypto_has_alg(alg->crypto, 0, 0))
			available |= BIT_ULL(i);
	return available;
}

static int register_sock(struct espl_pfkey_sock *ps, struct espl_pfkey_msg *msg)
{
	struct espl_pfkey_head head = espl_pfkey_head_of(msg);
	struct espl_pfkey_build *build = ps->en->build;
	u64 available = available_algs();

	mutex_lock(&ps->en->lock);
	espl_put_head(build, &head);
	espl_put_supported(build, available);
	espl_pfkey_register(ps, msg->satype);
	espl_pfkey_answer(ps, build);
	mutex_unlock(&ps->en->lock);
	return 0;
}

static int promisc(struct espl_pfkey_sock *ps, struct espl_pfkey_msg *msg)
{
	mutex_lock(&ps->en->lock);
	ps->promisc = msg->satype;
	espl_pfkey_answer_head(ps, msg, ESPL_PROMISC);
	mutex_unlock(&ps->en->lock);
	return 0;
}

static int (*const handlers[SADB_MAX + 1])(struct espl_pfkey_sock *ps,
					   struct espl_pfkey_msg *msg) = {
	[SADB_GETSPI] = espl_pfkey_getspi,
	[SADB_UPDATE] = espl_pfkey_change,
	[SADB_ADD] = espl_pfkey_change,
	[SADB_DELETE] = espl_pfkey_change,
	[SADB_GET] = espl_pfkey_get,
	[SADB_ACQUIRE] = espl_pfkey_give_up,
	[SADB_REGISTER] = register_sock,
	[SADB_FLUSH] = espl_pfkey_change,
	[SADB_DUMP] = espl_pfkey_dump,
	[SADB_X_PROMISC] = promisc,
	[SADB_X_SPDUPDATE] = espl_pfkey_change,
	[SADB_X_SPDADD] = espl_pfkey_change,
	[SADB_X_SPDDELETE] = espl_pfkey_change,
	[SADB_X_SPDGET] = espl_pfkey_spdget,
	[SADB_X_SPDDUMP] = espl_pfkey_dump,
	[SADB_X_SPDFLUSH] = espl_pfkey_change,
	[SADB_X_SPDDELETE2] = espl_pfkey_change,
	[SADB_X_MIGRATE] = espl_pfkey_migrate,
};

/*
 * Has the asker shown that it knows extensions above Linux's numbers. In ADD and
 * UPDATE it may send a window, and know no answer that has one.
 */
static bool is_modern(const struct espl_pfkey_msg *msg)
{
	if (msg->exts & ESPL_EXT(SADB_X_EXT_PORTS))
		return true;
	return (msg->exts & ESPL_EXT(SADB_X_EXT_SA_REPLAY)) &&
	       msg->type != SADB_ADD && msg->type != SADB_UPDATE;
}

/**
 * espl_pfkey_handle() - do what a request asks, and answer it
 * @ps: the asker's socket
 * @msg: the request, as espl_pfkey_parse() took it; @msg->why may be set
 *
 * Context: Process, may sleep.
 * Return: 0 if it was done, and answered if the socket had room; else what is
 *	   to be answered: -EEXIST, -ESRCH (no such SA), -ENOENT (no such policy,
 *	   nothing to dump), -EBUSY (dump), -EOPNOTSUPP, -ENOMEM, or of the
 *	   crypto; then nothing has changed.
 */
int espl_pfkey_handle(struct espl_pfkey_sock *ps, struct espl_pfkey_msg *msg)
{
	ps->modern |= is_modern(msg);
	if (!handlers[msg->type])
		return -EOPNOTSUPP;
	return handlers[msg->type](ps, msg);
}

/**
 * espl_pfkey_refuse() - answer a request that was not done, to its asker alone
 * @ps: the asker's socket
 * @msg: the request; its header at least
 * @err: why, negative
 *
 * Context: Process.
 */
void espl_pfkey_refuse(struct espl_pfkey_sock *ps,
		       const struct espl_pfkey_msg *msg, int err)
{
	struct espl_pfkey_head head = espl_pfkey_head_of(msg);
	struct espl_net *en = ps->en;

	if (msg->why)
		net_info_ratelimited("esplanade: %s refused: %s\n",
				     espl_pfkey_name(msg->type), msg->why);
	head.error = -err;
	mutex_lock(&en->lock);
	espl_put_head(en->build, &head);
	espl_pfkey_answer(ps, en->build);
	mutex_unlock(&en->lock);
}
