/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pfkey_parse.h - a PF_KEY request, decoded
 *
 * Pure. What comes out has no lengths left to check: addresses are whole,
 * keys fit their algorithm, a policy's transforms are counted.
 */
#ifndef ESPL_PFKEY_PARSE_H
#define ESPL_PFKEY_PARSE_H

#include "../uapi/linux/pfkeyv2.h"	/* ahead of <linux/ipsec.h>: same guard */
#include <linux/ipsec.h>

#include "alg.h"
#include "portable.h"
#include "sel.h"

#define ESPL_PFKEY_REQUESTS	4	/* transforms in a policy; ESPL_DEPTH */
#define ESPL_PFKEY_SPI_MIN	256	/* below: reserved (RFC 4303 2.1) */
#define ESPL_PFKEY_SPI_MAX	0x0fffffff	/* of GETSPI without a range */

/* Sets of extensions, by number. */
#define ESPL_EXT(number)	(1ULL << (number))

#define ESPL_EXT_KEYS		(ESPL_EXT(SADB_EXT_KEY_AUTH) |		\
				 ESPL_EXT(SADB_EXT_KEY_ENCRYPT))

/**
 * struct espl_pfkey_addr - an address extension
 * @addr: the address, octets beyond its family's zero
 * @port: network order, 0 for any
 * @family: AF_INET or AF_INET6
 * @proto: as given: 0 and 255 both mean any
 * @plen: prefix length in bits, not above the family's
 */
struct espl_pfkey_addr {
	union nf_inet_addr addr;
	__be16 port;
	u8 family;
	u8 proto;
	u8 plen;
};

/**
 * struct espl_pfkey_key - a key extension
 * @bits: length, a multiple of 8; 0 where the message has no such key
 * @data: the octets, within the message
 */
struct espl_pfkey_key {
	u16 bits;
	const u8 *data;
};

/**
 * struct espl_pfkey_life - a lifetime extension
 * @packets: 0 for no limit, as in the rest
 * @bytes: octets
 * @addtime: seconds from birth
 * @usetime: seconds from the first use
 */
struct espl_pfkey_life {
	u32 packets;
	u64 bytes;
	u64 addtime;
	u64 usetime;
};

/**
 * struct espl_pfkey_request - one transform of a policy
 * @saddr: tunnel source; zero in transport mode, save in MIGRATE
 * @daddr: tunnel destination; zero in transport mode, save in MIGRATE
 * @family: of both; 0 in transport mode, save in MIGRATE
 * @proto: IPPROTO_*, not judged yet
 * @mode: IPSEC_MODE_TRANSPORT or IPSEC_MODE_TUNNEL
 * @level: IPSEC_LEVEL_*
 * @reqid: as given
 */
struct espl_pfkey_request {
	union nf_inet_addr saddr;
	union nf_inet_addr daddr;
	u8 family;
	u16 proto;
	u8 mode;
	u8 level;
	u32 reqid;
};

/**
 * struct espl_pfkey_policy - a policy extension
 * @type: IPSEC_POLICY_*
 * @dir: IPSEC_DIR_*
 * @id: the kernel's number for it
 * @priority: lower goes first
 * @requests: how many there are
 * @request: the transforms, innermost first; in MIGRATE pairs, each what was and
 *	     what is to be
 */
struct espl_pfkey_policy {
	u16 type;
	u8 dir;
	u32 id;
	u32 priority;
	unsigned int requests;
	struct espl_pfkey_request request[2 * ESPL_PFKEY_REQUESTS];
};

/**
 * struct espl_pfkey_msg - a request
 * @type: SADB_*, the message's
 * @satype: SADB_SATYPE_*; SADB_X_PROMISC's switch
 * @error: ACQUIRE: what the keyer has met, a positive errno
 * @seq: the asker's number for it
 * @pid: the asker's number for himself
 * @exts: the set of extensions that came, ESPL_EXT()
 * @why: where it was refused: the reason in words
 * @spi: network order
 * @replay: window in packets
 * @flags: SADB_SAFLAGS_*
 * @enc_id: SADB_EALG_*
 * @auth_id: SADB_AALG_*
 * @enc: encryption or combined algorithm (ADD, UPDATE)
 * @auth: integrity algorithm, NULL beside a combined one (ADD, UPDATE)
 * @enckey: key of @enc
 * @authkey: key of @auth
 * @mode: IPSEC_MODE_TRANSPORT or IPSEC_MODE_TUNNEL
 * @reqid: 0 for none
 * @hard: hard lifetime
 * @soft: soft lifetime
 * @src: source
 * @dst: destination
 * @spi_min: lowest SPI for GETSPI, host order
 * @spi_max: highest
 * @encap: UDP_ENCAP_ESPINUDP: the SA's packets are in UDP (RFC 3948); 0: not
 * @encap_sport: source port of those, network order
 * @encap_dport: destination port
 * @encap_original: the peer's own address, behind a translator
 * @new_src: UPDATE: where the SA moves to; as @src where it does not
 * @new_dst: the same of the destination
 * @sport: ports or ICMP types of a policy's source, if @exts has SADB_X_EXT_PORTS
 * @dport: ports or ICMP codes of its destination
 * @km: MIGRATE: the keyers' own addresses, local and remote
 * @policy: policy
 */
struct espl_pfkey_msg {
	u8 type;
	u8 satype;
	u8 error;
	u32 seq;
	u32 pid;
	u64 exts;
	const char *why;

	__be32 spi;
	u32 replay;
	u32 flags;
	u8 enc_id;
	u8 auth_id;
	const struct espl_alg *enc;
	const struct espl_alg *auth;
	struct espl_pfkey_key enckey;
	struct espl_pfkey_key authkey;
	u8 mode;
	u32 reqid;
	struct espl_pfkey_life hard;
	struct espl_pfkey_life soft;
	struct espl_pfkey_addr src;
	struct espl_pfkey_addr dst;
	u32 spi_min;
	u32 spi_max;
	u8 encap;
	__be16 encap_sport;
	__be16 encap_dport;
	struct espl_pfkey_addr encap_original;
	struct espl_pfkey_addr new_src;
	struct espl_pfkey_addr new_dst;
	struct espl_range sport;
	struct espl_range dport;
	struct espl_pfkey_request km;
	struct espl_pfkey_policy policy;
};

int espl_pfkey_parse_base(const void *data, size_t len,
			  struct espl_pfkey_msg *msg);
int espl_pfkey_parse(const void *data, size_t len, struct espl_pfkey_msg *msg);
const char *espl_pfkey_name(u8 type);

#endif
