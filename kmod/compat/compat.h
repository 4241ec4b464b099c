/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat.h - what differs between the kernels we run on, 6.1 to 7.2
 *
 * The only place that tests the kernel's version: the other rooms call these
 * names and never ask.
 */
#ifndef ESPL_COMPAT_H
#define ESPL_COMPAT_H

#include <linux/crypto.h>
#include <linux/skbuff.h>
#include <linux/version.h>
#include <net/inet_dscp.h>
#include <net/ip.h>
#include <net/route.h>

/* 6.5 moved segmentation out of netdevice.h. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
#include <net/gso.h>
#else
#include <linux/netdevice.h>
#endif

/* 6.12 moved unaligned access. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#include <linux/unaligned.h>
#else
#include <asm/unaligned.h>
#endif

/*
 * 6.18 lets real-time kernels leave out what keeps tasks with BH off from taking turns on
 * a CPU. All that is one CPU's here relies on it.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 18, 0) && defined(CONFIG_PREEMPT_RT) && \
	!defined(CONFIG_PREEMPT_RT_NEEDS_BH_LOCK)
#error "Esplanade on a PREEMPT_RT kernel needs CONFIG_PREEMPT_RT_NEEDS_BH_LOCK"
#endif

/* 6.4 moved crypto_memneq(). */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
#include <crypto/utils.h>
#else
#include <crypto/algapi.h>
#endif

/* 6.3 hands the data to a crypto completion, no longer the request. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
typedef void espl_crypto_arg;
#define espl_crypto_data(arg)	(arg)
#else
typedef struct crypto_async_request espl_crypto_arg;
#define espl_crypto_data(arg)	((arg)->data)
#endif

/* 6.13 takes a dscp_t, and returns a drop reason where there was an errno. */
static inline bool espl_route_input(struct sk_buff *skb)
{
	const struct iphdr *iph = ip_hdr(skb);

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
	return !ip_route_input_noref(skb, iph->daddr, iph->saddr,
				     inet_dsfield_to_dscp(iph->tos), skb->dev);
#else
	return !ip_route_input_noref(skb, iph->daddr, iph->saddr, iph->tos,
				     skb->dev);
#endif
}

/* 6.12 has packets whose payload is in a device's memory. */
static inline bool espl_readable(const struct sk_buff *skb)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
	return skb_frags_readable(skb);
#else
	return true;
#endif
}

/* 6.7 counts apart what was to be sent and what was. */
static inline void espl_count_sent(struct net *net, const struct sk_buff *skb)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	IP_INC_STATS(net, IPSTATS_MIB_OUTREQUESTS);
#endif
	IP_UPD_PO_STATS(net, IPSTATS_MIB_OUT, skb->len);
}

#endif
