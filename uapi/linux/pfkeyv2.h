/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * PF_KEY v2: the wire contract between key managers and the kernel.
 *
 * Base: RFC 2367. SPD messages: KAME. Numbers and layouts: Linux's, so a
 * program built against this header also runs on af_key, and the other way
 * round. It takes the place of <linux/pfkeyv2.h> (same guard; -Iuapi).
 *
 * SADB_MAX and SADB_EXT_MAX stay at Linux's values on purpose: clients size
 * arrays by them and refuse to build, or drop whole messages, beyond them.
 * What this project adds lies above and is marked "Esplanade"; the kernel
 * never sends it to a socket that has not used it first.
 *
 * Every sadb_*_len counts 64-bit words and includes its own header, save
 * sadb_x_ipsecrequest_len, which counts bytes. Integers are in host order
 * unless the type says otherwise.
 */
#ifndef _LINUX_PFKEY2_H
#define _LINUX_PFKEY2_H

#include <linux/types.h>
#ifndef __KERNEL__
#include <stdint.h>
#endif

#define PF_KEY_V2		2
#define PFKEYV2_REVISION	199806L

/* Message types: sadb_msg_type */

#define SADB_RESERVED			0
#define SADB_GETSPI			1
#define SADB_UPDATE			2
#define SADB_ADD			3
#define SADB_DELETE			4
#define SADB_GET			5
#define SADB_ACQUIRE			6
#define SADB_REGISTER			7
#define SADB_EXPIRE			8
#define SADB_FLUSH			9
#define SADB_DUMP			10
#define SADB_X_PROMISC			11
#define SADB_X_PCHANGE			12
#define SADB_X_SPDUPDATE		13
#define SADB_X_SPDADD			14
#define SADB_X_SPDDELETE		15	/* by selector */
#define SADB_X_SPDGET			16	/* by id */
#define SADB_X_SPDACQUIRE		17
#define SADB_X_SPDDUMP			18
#define SADB_X_SPDFLUSH			19
#define SADB_X_SPDSETIDX		20
#define SADB_X_SPDEXPIRE		21
#define SADB_X_SPDDELETE2		22	/* by id */
#define SADB_X_NAT_T_NEW_MAPPING	23
#define SADB_X_MIGRATE			24
#define SADB_MAX			24

/* Extension types: sadb_ext_type */

#define SADB_EXT_RESERVED		0
#define SADB_EXT_SA			1
#define SADB_EXT_LIFETIME_CURRENT	2
#define SADB_EXT_LIFETIME_HARD		3
#define SADB_EXT_LIFETIME_SOFT		4
#define SADB_EXT_ADDRESS_SRC		5
#define SADB_EXT_ADDRESS_DST		6
#define SADB_EXT_ADDRESS_PROXY		7
#define SADB_EXT_KEY_AUTH		8
#define SADB_EXT_KEY_ENCRYPT		9
#define SADB_EXT_IDENTITY_SRC		10
#define SADB_EXT_IDENTITY_DST		11
#define SADB_EXT_SENSITIVITY		12
#define SADB_EXT_PROPOSAL		13
#define SADB_EXT_SUPPORTED_AUTH		14
#define SADB_EXT_SUPPORTED_ENCRYPT	15
#define SADB_EXT_SPIRANGE		16
#define SADB_X_EXT_KMPRIVATE		17
#define SADB_X_EXT_POLICY		18
#define SADB_X_EXT_SA2			19
#define SADB_X_EXT_NAT_T_TYPE		20
#define SADB_X_EXT_NAT_T_SPORT		21
#define SADB_X_EXT_NAT_T_DPORT		22
#define SADB_X_EXT_NAT_T_OA		23
#define SADB_X_EXT_SEC_CTX		24
#define SADB_X_EXT_KMADDRESS		25
#define SADB_X_EXT_FILTER		26
#define SADB_EXT_MAX			26

/* Esplanade: names as on FreeBSD, so programs that test for them use them */
#define SADB_X_EXT_SA_REPLAY		27	/* struct sadb_x_sa_replay */
#define SADB_X_EXT_NEW_ADDRESS_SRC	28	/* struct sadb_address */
#define SADB_X_EXT_NEW_ADDRESS_DST	29	/* struct sadb_address */
/* Esplanade: in ACQUIRE, the packet that an SA is wanted for: struct sadb_address */
#define SADB_X_EXT_TRIGGER_SRC		30
#define SADB_X_EXT_TRIGGER_DST		31
/* Esplanade: of a policy, what the ports in its addresses cannot say */
#define SADB_X_EXT_PORTS		32	/* struct sadb_x_ports */

/* SA types: sadb_msg_satype */

#define SADB_SATYPE_UNSPEC	0
#define SADB_SATYPE_AH		2
#define SADB_SATYPE_ESP		3
#define SADB_SATYPE_RSVP	5
#define SADB_SATYPE_OSPFV2	6
#define SADB_SATYPE_RIPV2	7
#define SADB_SATYPE_MIP		8
#define SADB_X_SATYPE_IPCOMP	9
#define SADB_SATYPE_MAX		9

/* SA states: sadb_sa_state */

#define SADB_SASTATE_LARVAL	0
#define SADB_SASTATE_MATURE	1
#define SADB_SASTATE_DYING	2
#define SADB_SASTATE_DEAD	3
#define SADB_SASTATE_MAX	3

/* SA flags: sadb_sa_flags */

#define SADB_SAFLAGS_PFS	1
#define SADB_SAFLAGS_NOPMTUDISC	0x20000000
#define SADB_SAFLAGS_DECAP_DSCP	0x40000000
#define SADB_SAFLAGS_NOECN	0x80000000

/*
 * KAME's flags. setkey and racoon send them on every system; PRAND and PZERO
 * name the ESP padding, both clear is the sequence RFC 4303 asks for.
 */
#define SADB_X_EXT_OLD		0x0001	/* RFC 1826/1827; the bit is PFS too */
#define SADB_X_EXT_IV4B		0x0010
#define SADB_X_EXT_DERIV	0x0020
#define SADB_X_EXT_CYCSEQ	0x0040	/* sequence numbers may wrap */
#define SADB_X_EXT_RAWCPI	0x0080	/* IPComp: the SPI is the CPI, as is */
#define SADB_X_EXT_PRAND	0x0100
#define SADB_X_EXT_PZERO	0x0200

/* Esplanade: OpenBSD's value, clear of KAME's and Linux's bits */
#define SADB_X_SAFLAGS_ESN	0x400

/* Esplanade: NAT-T: send to where the peer's packets come from, if that changes */
#define SADB_X_SAFLAGS_FOLLOW	0x800

/* Esplanade: tunnel packets are padded to the size of the path */
#define SADB_X_SAFLAGS_TFC	0x1000

/* Esplanade: dummy packets are sent at random moments, in tunnel mode */
#define SADB_X_SAFLAGS_DUMMY	0x2000

/* Authentication algorithms: sadb_sa_auth, sadb_alg_id */

#define SADB_AALG_NONE			0
#define SADB_AALG_MD5HMAC		2
#define SADB_AALG_SHA1HMAC		3
#define SADB_X_AALG_SHA2_256HMAC	5
#define SADB_X_AALG_SHA2_384HMAC	6
#define SADB_X_AALG_SHA2_512HMAC	7
#define SADB_X_AALG_RIPEMD160HMAC	8
#define SADB_X_AALG_AES_XCBC_MAC	9
#define SADB_X_AALG_SM3_256HMAC		10
#define SADB_X_AALG_NULL		251
#define SADB_AALG_MAX			251

/*
 * Esplanade: the IPsec DOI registry never gave AES-CMAC a number, and is
 * closed (RFC 9395) with 14-248 unassigned. 248 is used by no PF_KEY system
 * and still lies below SADB_AALG_MAX.
 */
#define SADB_X_AALG_AES_CMAC		248

/* Encryption algorithms: sadb_sa_encrypt, sadb_alg_id */

#define SADB_EALG_NONE			0
#define SADB_EALG_DESCBC		2
#define SADB_EALG_3DESCBC		3
#define SADB_X_EALG_CASTCBC		6
#define SADB_X_EALG_BLOWFISHCBC		7
#define SADB_EALG_NULL			11
#define SADB_X_EALG_AESCBC		12
#define SADB_X_EALG_AESCTR		13
#define SADB_X_EALG_AES_CCM_ICV8	14
#define SADB_X_EALG_AES_CCM_ICV12	15
#define SADB_X_EALG_AES_CCM_ICV16	16
#define SADB_X_EALG_AES_GCM_ICV8	18
#define SADB_X_EALG_AES_GCM_ICV12	19
#define SADB_X_EALG_AES_GCM_ICV16	20
#define SADB_X_EALG_CAMELLIACBC		22
#define SADB_X_EALG_NULL_AES_GMAC	23
#define SADB_X_EALG_SM4CBC		24
#define SADB_X_EALG_SERPENTCBC		252
#define SADB_X_EALG_TWOFISHCBC		253
#define SADB_EALG_MAX			253

/* Esplanade: keys of AEADs and of CTR end in their salt, counted in the bits */
#define SADB_X_EALG_CHACHA20POLY1305	25

/* Compression algorithms: sadb_sa_encrypt of an IPComp SA */

#define SADB_X_CALG_NONE		0
#define SADB_X_CALG_OUI			1
#define SADB_X_CALG_DEFLATE		2
#define SADB_X_CALG_LZS			3
#define SADB_X_CALG_LZJH		4
#define SADB_X_CALG_MAX			4

/* Identity types: sadb_ident_type */

#define SADB_IDENTTYPE_RESERVED		0
#define SADB_IDENTTYPE_PREFIX		1
#define SADB_IDENTTYPE_FQDN		2
#define SADB_IDENTTYPE_USERFQDN		3
#define SADB_IDENTTYPE_MAX		3

/*
 * Layouts. Packed because clients place them at any 4- or 8-byte offset of a
 * receive buffer; no member is out of its natural place within its struct.
 */

#if defined(__cplusplus) && __cplusplus < 201103L
#define SADB_ASSERT_SIZE_(type, bytes)
#elif defined(__cplusplus)
#define SADB_ASSERT_SIZE_(type, bytes) \
	static_assert(sizeof(struct type) == (bytes), "size of " #type)
#else
#define SADB_ASSERT_SIZE_(type, bytes) \
	_Static_assert(sizeof(struct type) == (bytes), "size of " #type)
#endif

struct sadb_msg {
	uint8_t		sadb_msg_version;
	uint8_t		sadb_msg_type;
	uint8_t		sadb_msg_errno;
	uint8_t		sadb_msg_satype;
	uint16_t	sadb_msg_len;
	uint16_t	sadb_msg_reserved;	/* SPD dumps: reference count */
	uint32_t	sadb_msg_seq;
	uint32_t	sadb_msg_pid;
} __attribute__((packed));
SADB_ASSERT_SIZE_(sadb_msg, 16);

struct sadb_ext {
	uint16_t	sadb_ext_len;
	uint16_t	sadb_ext_type;
} __attribute__((packed));
SADB_ASSERT_SIZE_(sadb_ext, 4);

struct sadb_sa {
	uint16_t	sadb_sa_len;
	uint16_t	sadb_sa_exttype;
	__be32		sadb_sa_spi;
	uint8_t		sadb_sa_replay;		/* packets, as on Linux */
	uint8_t		sadb_sa_state;
	uint8_t		sadb_sa_auth;
	uint8_t		sadb_sa_encrypt;
	uint32_t	sadb_sa_flags;
} __attribute__((packed));
SADB_ASSERT_SIZE_(sadb_sa, 16);

struct sadb_lifetime {
	uint16_t	sadb_lifetime_len;
	uint16_t	sadb_lifetime_exttype;
	uint32_t	sadb_lifetime_allocations;	/* packets, on Linux */
	uint64_t	sadb_lifetime_bytes;
	uint64_t	sadb_lifetime_addtime;		/* seconds */
	uint64_t	sadb_lifetime_usetime;		/* seconds */
} __attribute__((packed));
SADB_ASSERT_SIZE_(sadb_lifetime, 32);

struct sadb_address {	/* then a sockaddr, padded to 64 bits */
	uint16_t	sadb_address_len;
	uint16_t	sadb_address_exttype;
	uint8_t		sadb_address_proto;
	uint8_t		sadb_address_prefixlen;
	uint16_t	sadb_address_reserved;
} __attribute__((packed));
SADB_ASSERT_SIZE_(sadb_address, 8);

struct sadb_key {	/* then the key, padded to 64 bits */
	uint16_t	sadb_key_len;
	uint16_t	sadb_key_exttype;
	uint16_t	sadb_key_bits;
	uint16_t	sadb_key_reserved;
} __attribute__((packed));
SADB_ASSERT_SIZE_(sadb_key, 8);

struct sadb_ident {	/* then a C string, padded to 64 bits */
	uint16_t	sadb_ident_len;
	uint16_t	sadb_ident_exttype;
	uint16_t	sadb_ident_type;
	uint16_t	sadb_ident_reserved;
	uint64_t	sadb_ident_id;
} __attribute__((packed));
SADB_ASSERT_SIZE_(sadb_ident, 16);

struct sadb_sens {	/* then both bitmaps, in 64-bit words */
	uint16_t	sadb_sens_len;
	uint16_t	sadb_sens_exttype;
	uint32_t	sadb_sens_dpd;
	uint8_t		sadb_sens_sens_level;
	uint8_t		sadb_sens_sens_len;
	uint8_t		sadb_sens_integ_level;
	uint8_t		sadb_sens_integ_len;
	uint32_t	sadb_sens_reserved;
} __attribute__((packed));
SADB_ASSERT_SIZE_(sadb_sens, 16);

struct sadb_prop {	/* then struct sadb_comb, any number */
	uint16_t	sadb_prop_len;
	uint16_t	sadb_prop_exttype;
	uint8_t		sadb_prop_replay;
	uint8_t		sadb_prop_reserved[3];
} __attribute__((packed));
SADB_ASSERT_SIZE_(sadb_prop, 8);

struct sadb_comb {
	uint8_t		sadb_comb_auth;
	uint8_t		sadb_comb_encrypt;
	uint16_t	sadb_comb_flags;
	uint16_t	sadb_comb_auth_minbits;
	uint16_t	sadb_comb_auth_maxbits;
	uint16_t	sadb_comb_encrypt_minbits;
	uint16_t	sadb_comb_encrypt_maxbits;
	uint32_t	sadb_comb_reserved;
	uint32_t	sadb_comb_soft_allocations;
	uint32_t	sadb_comb_hard_allocations;
	uint64_t	sadb_comb_soft_bytes;
	uint64_t	sadb_comb_hard_bytes;
	uint64_t	sadb_comb_soft_addtime;
	uint64_t	sadb_comb_hard_addtime;
	uint64_t	sadb_comb_soft_usetime;
	uint64_t	sadb_comb_hard_usetime;
} __attribute__((packed));
SADB_ASSERT_SIZE_(sadb_comb, 72);

struct sadb_supported {	/* then struct sadb_alg, any number */
	uint16_t	sadb_supported_len;
	uint16_t	sadb_supported_exttype;
	uint32_t	sadb_supported_reserved;
} __attribute__((packed));
SADB_ASSERT_SIZE_(sadb_supported, 8);

struct sadb_alg {
	uint8_t		sadb_alg_id;
	uint8_t		sadb_alg_ivlen;		/* bytes on Linux */
	uint16_t	sadb_alg_minbits;
	uint16_t	sadb_alg_maxbits;
	uint16_t	sadb_alg_reserved;
} __attribute__((packed));
SADB_ASSERT_SIZE_(sadb_alg, 8);

struct sadb_spirange {
	uint16_t	sadb_spirange_len;
	uint16_t	sadb_spirange_exttype;
	uint32_t	sadb_spirange_min;	/* host order, unlike sa_spi */
	uint32_t	sadb_spirange_max;
	uint32_t	sadb_spirange_reserved;
} __attribute__((packed));
SADB_ASSERT_SIZE_(sadb_spirange, 16);

struct sadb_x_kmprivate {
	uint16_t	sadb_x_kmprivate_len;
	uint16_t	sadb_x_kmprivate_exttype;
	uint32_t	sadb_x_kmprivate_reserved;
} __attribute__((packed));
SADB_ASSERT_SIZE_(sadb_x_kmprivate, 8);

struct sadb_x_sa2 {
	uint16_t	sadb_x_sa2_len;
	uint16_t	sadb_x_sa2_exttype;
	uint8_t		sadb_x_sa2_mode;	/* IPSEC_MODE_* */
	uint8_t		sadb_x_sa2_reserved1;
	uint16_t	sadb_x_sa2_reserved2;
	uint32_t	sadb_x_sa2_sequence;
	uint32_t	sadb_x_sa2_reqid;
} __attribute__((packed));
SADB_ASSERT_SIZE_(sadb_x_sa2, 16);

struct sadb_x_policy {	/* then struct sadb_x_ipsecrequest, any number */
	uint16_t	sadb_x_policy_len;
	uint16_t	sadb_x_policy_exttype;
	uint16_t	sadb_x_policy_type;	/* IPSEC_POLICY_* */
	uint8_t		sadb_x_policy_dir;	/* IPSEC_DIR_* */
	uint8_t		sadb_x_policy_reserved;
	uint32_t	sadb_x_policy_id;	/* chosen by the kernel */
	uint32_t	sadb_x_policy_priority;	/* lower goes first */
} __attribute__((packed));
SADB_ASSERT_SIZE_(sadb_x_policy, 16);

struct sadb_x_ipsecrequest {	/* tunnel: then two sockaddrs, not padded */
	uint16_t	sadb_x_ipsecrequest_len;	/* in bytes */
	uint16_t	sadb_x_ipsecrequest_proto;	/* IPPROTO_* */
	uint8_t		sadb_x_ipsecrequest_mode;	/* IPSEC_MODE_* */
	uint8_t		sadb_x_ipsecrequest_level;	/* IPSEC_LEVEL_* */
	uint16_t	sadb_x_ipsecrequest_reserved1;
	uint32_t	sadb_x_ipsecrequest_reqid;
	uint32_t	sadb_x_ipsecrequest_reserved2;
} __attribute__((packed));
SADB_ASSERT_SIZE_(sadb_x_ipsecrequest, 16);

struct sadb_x_nat_t_type {
	uint16_t	sadb_x_nat_t_type_len;
	uint16_t	sadb_x_nat_t_type_exttype;
	uint8_t		sadb_x_nat_t_type_type;	/* UDP_ENCAP_ESPINUDP */
	uint8_t		sadb_x_nat_t_type_reserved[3];
} __attribute__((packed));
SADB_ASSERT_SIZE_(sadb_x_nat_t_type, 8);

struct sadb_x_nat_t_port {
	uint16_t	sadb_x_nat_t_port_len;
	uint16_t	sadb_x_nat_t_port_exttype;
	__be16		sadb_x_nat_t_port_port;
	uint16_t	sadb_x_nat_t_port_reserved;
} __attribute__((packed));
SADB_ASSERT_SIZE_(sadb_x_nat_t_port, 8);

struct sadb_x_sec_ctx {	/* then ctx_len bytes, padded to 64 bits */
	uint16_t	sadb_x_sec_len;
	uint16_t	sadb_x_sec_exttype;
	uint8_t		sadb_x_ctx_alg;
	uint8_t		sadb_x_ctx_doi;
	uint16_t	sadb_x_ctx_len;
} __attribute__((packed));
SADB_ASSERT_SIZE_(sadb_x_sec_ctx, 8);

struct sadb_x_kmaddress {	/* then two sockaddrs, local and remote */
	uint16_t	sadb_x_kmaddress_len;
	uint16_t	sadb_x_kmaddress_exttype;
	uint32_t	sadb_x_kmaddress_reserved;
} __attribute__((packed));
SADB_ASSERT_SIZE_(sadb_x_kmaddress, 8);

struct sadb_x_filter {
	uint16_t	sadb_x_filter_len;
	uint16_t	sadb_x_filter_exttype;
	uint32_t	sadb_x_filter_saddr[4];
	uint32_t	sadb_x_filter_daddr[4];
	uint16_t	sadb_x_filter_family;
	uint8_t		sadb_x_filter_splen;
	uint8_t		sadb_x_filter_dplen;
} __attribute__((packed));
SADB_ASSERT_SIZE_(sadb_x_filter, 40);

/* Esplanade: a replay window that sadb_sa_replay's eight bits cannot say */
struct sadb_x_sa_replay {
	uint16_t	sadb_x_sa_replay_len;
	uint16_t	sadb_x_sa_replay_exttype;
	uint32_t	sadb_x_sa_replay_replay;	/* packets */
} __attribute__((packed));
SADB_ASSERT_SIZE_(sadb_x_sa_replay, 8);

/*
 * Esplanade: ranges of ports, or of ICMP types (src) and codes (dst), in network
 * order; 0 to 65535 is any. It replaces the ports in the addresses, where 0 is any
 * and there is no range.
 */
struct sadb_x_ports {
	uint16_t	sadb_x_ports_len;
	uint16_t	sadb_x_ports_exttype;
	__be16		sadb_x_ports_src_first;
	__be16		sadb_x_ports_src_last;
	__be16		sadb_x_ports_dst_first;
	__be16		sadb_x_ports_dst_last;
	uint32_t	sadb_x_ports_reserved;
} __attribute__((packed));
SADB_ASSERT_SIZE_(sadb_x_ports, 16);

#undef SADB_ASSERT_SIZE_

#endif /* _LINUX_PFKEY2_H */
