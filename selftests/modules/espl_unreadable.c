// SPDX-License-Identifier: GPL-2.0-only
/*
 * espl_unreadable.c - packets of this host that only a device can read, for tests
 *
 * A program may send what is in a device's memory (devmem TCP), and the kernel marks
 * such packets. While this module is loaded each packet that has fragments is marked
 * so, in all namespaces: they are in ordinary memory, which nobody may look at.
 */
#include <linux/module.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/skbuff.h>
#include <linux/version.h>
#include <net/net_namespace.h>

/* A TCP packet is a clone: the one that would be sent again is not marked. */
static unsigned int mark(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
	if (skb_is_nonlinear(skb))
		skb->unreadable = 1;
#endif
	return NF_ACCEPT;
}

static const struct nf_hook_ops hooks[] = {
	{ .hook = mark, .pf = NFPROTO_IPV4, .hooknum = NF_INET_LOCAL_OUT },
	{ .hook = mark, .pf = NFPROTO_IPV6, .hooknum = NF_INET_LOCAL_OUT },
};

static int __net_init begin(struct net *net)
{
	return nf_register_net_hooks(net, hooks, ARRAY_SIZE(hooks));
}

static void __net_exit end(struct net *net)
{
	nf_unregister_net_hooks(net, hooks, ARRAY_SIZE(hooks));
}

static struct pernet_operations ops = { .init = begin, .exit = end };

static int __init espl_unreadable_init(void)
{
	if (LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0))
		return -EOPNOTSUPP;
	return register_pernet_subsys(&ops);
}

static void __exit espl_unreadable_exit(void)
{
	unregister_pernet_subsys(&ops);
}

module_init(espl_unreadable_init);
module_exit(espl_unreadable_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("packets that only a device can read, for tests of esplanade");
