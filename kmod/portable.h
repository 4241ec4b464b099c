/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * portable.h - the few types that the pure rooms need, in the kernel and out
 *
 * Rooms that are arithmetic only (replay, sel, alg, esp_fmt, pfkey_parse)
 * include this and nothing else, so that the same file is compiled into the
 * module, the unit tests, the fuzzers and the proofs.
 */
#ifndef ESPL_PORTABLE_H
#define ESPL_PORTABLE_H

#ifdef __KERNEL__
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/socket.h>
#include <linux/string.h>
#include <linux/types.h>
#else
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <linux/types.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define DIV_ROUND_UP(n, d)	(((n) + (d) - 1) / (d))
#define READ_ONCE(x)		(*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v)	(*(volatile __typeof__(x) *)&(x) = (v))
#define min_t(t, a, b)		((t)(a) < (t)(b) ? (t)(a) : (t)(b))
#endif

#include <linux/netfilter.h>	/* union nf_inet_addr, the same in both worlds */

#endif
