// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - loading, unloading, network namespaces, hooks
 *
 * Owns the order in which the rooms come to life and end, for the module and
 * for each network namespace, and the table of netfilter hooks.
 */
#include <linux/module.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <net/netns/generic.h>

#include "acquire.h"
#include "alg.h"
#include "check.h"
#include "ct.h"
#include "encap.h"
#include "merge.h"
#include "net.h"
#include "pfkey.h"
#include "sad.h"
#include "segment.h"
#include "skpol.h"
#include "spd_index.h"
#include "stat.h"
#include "tx.h"
#include "way.h"
#include "xform.h"

module_param_named(allow_weak, espl_alg_weak, bool, 0644);
MODULE_PARM_DESC(allow_weak,
		 "admit algorithms that MUST NOT be used (RFC 8221): DES, MD5, Blowfish, CAST");
module_param_named(sha256_96, espl_alg_sha256_96, bool, 0644);
MODULE_PARM_DESC(sha256_96,
		 "cut HMAC-SHA2-256 to 96 bits, as af_key did, not to 128 (RFC 4868)");

module_param_named(dfbit, espl_encap_dfbit, uint, 0644);
MODULE_PARM_DESC(dfbit,
		 "DF of the outer header of tunnels: 0 clear, 1 set, 2 copy the inner one's (default)");

struct workqueue_struct *espl_wq;

static unsigned int net_id __ro_after_init;

/*
 * Behind the admin's rules and SNAT, and before conntrack's confirmation, which
 * is last: packets that the rules dropped or rewrote come here as they are.
 */
#define HOOK(family, point, function) {					\
	.hook = function,						\
	.pf = NFPROTO_##family,						\
	.hooknum = NF_INET_##point,					\
	.priority = INT_MAX - 1,					\
}

static const struct nf_hook_ops hooks[] = {
	HOOK(IPV4, PRE_ROUTING, espl_check_early),
	HOOK(IPV4, LOCAL_IN, espl_check_local),
	HOOK(IPV6, LOCAL_IN, espl_check_local),
	HOOK(IPV4, FORWARD, espl_check_forward),
	HOOK(IPV6, FORWARD, espl_check_forward),
	HOOK(IPV4, POST_ROUTING, espl_tx_hook),
	HOOK(IPV6, POST_ROUTING, espl_tx_hook),
};

/**
 * espl_net() - our state in a network namespace
 * @net: the namespace
 *
 * Context: Any, while the namespace lives.
 * Return: The state.
 */
struct espl_net *espl_net(const struct net *net)
{
	return net_generic(net, net_id);
}

/**
 * espl_hooks_get() - an SA or a policy comes into being
 * @en: the namespace
 *
 * The hooks are there only while one is: an idle module costs packets nothing.
 *
 * Context: Process, espl_net.lock held.
 * Return: 0, or -ENOMEM where the hooks could not be registered.
 */
int espl_hooks_get(struct espl_net *en)
{
	int err = 0;

	if (!en->hook_users)
		err = nf_register_net_hooks(en->net, en->hooks, ESPL_HOOKS);
	if (!err)
		en->hook_users++;
	return err;
}

/**
 * espl_hooks_put() - undo espl_hooks_get()
 * @en: the namespace
 *
 * Context: Process, espl_net.lock held.
 */
void espl_hooks_put(struct espl_net *en)
{
	if (!--en->hook_users)
		nf_unregister_net_hooks(en->net, en->hooks, ESPL_HOOKS);
}

static int __net_init net_init(struct net *net)
{
	struct espl_net *en = espl_net(net);
	int err;

	en->net = net;
	BUILD_BUG_ON(ARRAY_SIZE(hooks) != ESPL_HOOKS);
	for (unsigned int i = 0; i < ESPL_HOOKS; i++) {
		en->hooks[i] = hooks[i];
		en->hooks[i].priv = en;
	}
	mutex_init(&en->lock);
	espl_spd_init(en);
	espl_acquire_init(en);
	err = espl_index_init(en);
	if (err)
		return err;
	err = espl_pfkey_init_net(en);
	if (err)
		goto err_index;
	err = espl_sad_init(en);
	if (err)
		goto err_pfkey;
	err = espl_stat_init(en);
	if (err)
		goto err_sad;
	return 0;

err_sad:
	espl_sad_fini(en);
err_pfkey:
	espl_pfkey_fini_net(en);
err_index:
	espl_index_fini(en);
	return err;
}

/* SAs late: packets in flight hold them, look policies up, and count. */
static void stop(struct espl_net *en)
{
	espl_spd_fini(en);
	espl_acquire_fini(en);
	espl_sad_end(en);
}

static void release(struct espl_net *en)
{
	espl_sad_fini(en);
	espl_index_fini(en);
	espl_stat_fini(en);
	espl_pfkey_fini_net(en);
}

static void __net_exit net_exit(struct list_head *nets)
{
	struct net *net;

	list_for_each_entry(net, nets, exit_list)
		stop(espl_net(net));
	/* Packets may be in hooks that are no longer there. */
	synchronize_rcu();
	list_for_each_entry(net, nets, exit_list)
		release(espl_net(net));
}

static struct pernet_operations net_ops = {
	.init = net_init,
	.exit_batch = net_exit,
	.id = &net_id,
	.size = sizeof(struct espl_net),
};

static int __init espl_init(void)
{
	int err;

	espl_wq = alloc_workqueue("esplanade", WQ_UNBOUND, 0);
	if (!espl_wq)
		return -ENOMEM;
	err = espl_index_init_cache();
	if (err)
		goto err_wq;
	err = espl_merge_init();
	if (err)
		goto err_cache;
	err = espl_way_init();
	if (err)
		goto err_merge;
	err = register_pernet_subsys(&net_ops);
	if (err)
		goto err_way;
	espl_skpol_init();
	espl_ct_watch();
	/* Last: from here on keyers can come in. */
	err = espl_pfkey_init();
	if (err)
		goto err_skpol;
	return 0;

err_skpol:
	espl_ct_unwatch();
	espl_skpol_fini();
	unregister_pernet_subsys(&net_ops);
err_way:
	espl_way_fini();
err_merge:
	espl_merge_fini();
err_cache:
	espl_index_fini_cache();
err_wq:
	destroy_workqueue(espl_wq);
	return err;
}

static void __exit espl_exit(void)
{
	espl_pfkey_fini();
	espl_ct_unwatch();
	espl_skpol_fini();
	unregister_pernet_subsys(&net_ops);
	rcu_barrier();
	espl_way_fini();
	espl_merge_fini();
	espl_segment_fini();
	espl_esp_fini();
	espl_index_fini_cache();
	destroy_workqueue(espl_wq);
}

module_init(espl_init);
module_exit(espl_exit);

MODULE_DESCRIPTION("IPsec with a PF_KEY socket of its own");
MODULE_AUTHOR("The Esplanade authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(ESPL_VERSION);
