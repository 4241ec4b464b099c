// SPDX-License-Identifier: GPL-2.0-only
/*
 * parse_test.c - good and bad PF_KEY requests, and mutations of the good ones
 *
 * Each row starts from one of the requests that clients send (conformance
 * cases 13, 23 and 24), spoils one thing, and names the error and its reason:
 * the number alone would not tell one check from the next. The parser
 * must also leave every octet outside of the message alone: each message is
 * parsed from a heap block of exactly its size, under ASan and UBSan.
 */
#include <stdio.h>
#include <stdlib.h>

#include "pfkey_parse.h"

#define FORBIDDEN	"an algorithm that MUST NOT be used (RFC 8221), unless the module has allow_weak=1"

static unsigned char buf[4096];
static size_t used;
static unsigned int count, failed;

static void report(bool good, const char *name)
{
	printf("%s %u %s\n", good ? "ok" : "not ok", ++count, name);
	failed += !good;
}

/* A writer of messages, right or wrong. */

static void begin(unsigned int type, unsigned int satype)
{
	struct sadb_msg base = {
		.sadb_msg_version = PF_KEY_V2, .sadb_msg_type = type,
		.sadb_msg_satype = satype, .sadb_msg_seq = 7,
		.sadb_msg_pid = 4711,
	};

	memset(buf, 0xa5, sizeof(buf));		/* what padding holds */
	memcpy(buf, &base, sizeof(base));
	used = sizeof(base);
}

static void end(void)
{
	((struct sadb_msg *)buf)->sadb_msg_len = used / 8;
}

/* Header of @len octets, tail of @more; the first word is filled in here. */
static void put(unsigned int type, void *ext, size_t len, const void *tail,
		size_t more)
{
	struct sadb_ext *head = ext;

	head->sadb_ext_type = type;
	head->sadb_ext_len = (len + more + 7) / 8;
	memcpy(buf + used, ext, len);
	if (more)
		memcpy(buf + used + len, tail, more);
	used += head->sadb_ext_len * 8;
}

static size_t sockaddr(void *to, int family, unsigned int host)
{
	struct sockaddr_in four = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(host),
	};
	struct sockaddr_in6 six = {
		.sin6_family = AF_INET6, .sin6_addr.s6_addr = { 0x20, 1 },
	};

	six.sin6_addr.s6_addr[15] = host;
	if (family == AF_INET) {
		memcpy(to, &four, sizeof(four));
		return sizeof(four);
	}
	memcpy(to, &six, sizeof(six));
	return sizeof(six);
}

static void put_addr(unsigned int type, int family, unsigned int host,
		     unsigned int plen, unsigned int proto)
{
	struct sadb_address ext = {
		.sadb_address_proto = proto, .sadb_address_prefixlen = plen,
		.sadb_address_reserved = 0xdead,
	};
	unsigned char sa[32];

	put(type, &ext, sizeof(ext), sa, sockaddr(sa, family, host));
}

static void put_pair(int family)
{
	put_addr(SADB_EXT_ADDRESS_SRC, family, 0x0a000001, 32, 255);
	put_addr(SADB_EXT_ADDRESS_DST, family, 0x0a000002, 32, 255);
}

static void put_sa(unsigned int spi, unsigned int enc, unsigned int auth)
{
	struct sadb_sa ext = {
		.sadb_sa_spi = htonl(spi), .sadb_sa_replay = 32,
		.sadb_sa_state = 77, .sadb_sa_encrypt = enc,
		.sadb_sa_auth = auth, .sadb_sa_flags = SADB_X_EXT_CYCSEQ,
	};

	put(SADB_EXT_SA, &ext, sizeof(ext), NULL, 0);
}

static void put_sa2(unsigned int mode)
{
	struct sadb_x_sa2 ext = {
		.sadb_x_sa2_mode = mode, .sadb_x_sa2_reqid = 5,
		.sadb_x_sa2_reserved1 = 1, .sadb_x_sa2_reserved2 = 2,
	};

	put(SADB_X_EXT_SA2, &ext, sizeof(ext), NULL, 0);
}

static void put_key(unsigned int type, unsigned int bits)
{
	struct sadb_key ext = { .sadb_key_bits = bits };
	unsigned char key[256] = { 1, 2, 3 };

	put(type, &ext, sizeof(ext), key, (bits + 7) / 8);
}

static void put_life(unsigned int type)
{
	struct sadb_lifetime ext = {
		.sadb_lifetime_allocations = 1, .sadb_lifetime_bytes = 2,
		.sadb_lifetime_addtime = 3, .sadb_lifetime_usetime = 4,
	};

	put(type, &ext, sizeof(ext), NULL, 0);
}

static void put_range(unsigned int from, unsigned int to)
{
	struct sadb_spirange ext = {
		.sadb_spirange_min = from, .sadb_spirange_max = to,
	};

	put(SADB_EXT_SPIRANGE, &ext, sizeof(ext), NULL, 0);
}

static void put_replay(unsigned int packets)
{
	struct sadb_x_sa_replay ext = { .sadb_x_sa_replay_replay = packets };

	put(SADB_X_EXT_SA_REPLAY, &ext, sizeof(ext), NULL, 0);
}

static void put_port(unsigned int type, unsigned int port)
{
	struct sadb_x_nat_t_port ext = { .sadb_x_nat_t_port_port = htons(port) };

	put(type, &ext, sizeof(ext), NULL, 0);
}

static void put_encap(unsigned int type)
{
	struct sadb_x_nat_t_type ext = { .sadb_x_nat_t_type_type = type };

	put(SADB_X_EXT_NAT_T_TYPE, &ext, sizeof(ext), NULL, 0);
}

static void put_ports(unsigned int first, unsigned int last)
{
	struct sadb_x_ports ext = {
		.sadb_x_ports_src_first = htons(first),
		.sadb_x_ports_src_last = htons(last),
		.sadb_x_ports_dst_last = htons(65535),
		.sadb_x_ports_reserved = 1,
	};

	put(SADB_X_EXT_PORTS, &ext, sizeof(ext), NULL, 0);
}

static void put_empty(unsigned int type)
{
	unsigned char ext[8] = { 0 };

	put(type, ext, sizeof(ext), NULL, 0);
}

/* A transform; @src 0 for none. Returns its length. */
static size_t request(void *to, unsigned int mode, unsigned int level, int src,
		      int dst)
{
	struct sadb_x_ipsecrequest ext = {
		.sadb_x_ipsecrequest_proto = IPPROTO_ESP,
		.sadb_x_ipsecrequest_mode = mode,
		.sadb_x_ipsecrequest_level = level,
		.sadb_x_ipsecrequest_reqid = 9,
		.sadb_x_ipsecrequest_reserved1 = 1,
		.sadb_x_ipsecrequest_reserved2 = 2,
	};
	size_t len = sizeof(ext);

	if (src) {
		len += sockaddr((char *)to + len, src, 0xc0000201);
		len += sockaddr((char *)to + len, dst, 0xc0000202);
	}
	ext.sadb_x_ipsecrequest_len = len;
	memcpy(to, &ext, sizeof(ext));
	return len;
}

static struct sadb_x_policy *put_policy(unsigned int type, unsigned int dir,
					const void *requests, size_t len)
{
	struct sadb_x_policy ext = {
		.sadb_x_policy_type = type, .sadb_x_policy_dir = dir,
		.sadb_x_policy_reserved = 3, .sadb_x_policy_id = 65,
		.sadb_x_policy_priority = 0x80000000,
	};
	void *at = buf + used;

	put(SADB_X_EXT_POLICY, &ext, sizeof(ext), requests, len);
	return at;
}

static void put_tunnels(unsigned int dir, unsigned int level, int family,
			unsigned int n)
{
	unsigned char all[8 * 80];
	size_t len = 0;

	while (n--)
		len += request(all + len, IPSEC_MODE_TUNNEL, level, family,
			       family);
	put_policy(IPSEC_POLICY_IPSEC, dir, all, len);
}

/* The requests to start from. */

static void add_sa(unsigned int enc, unsigned int encbits, unsigned int auth,
		   unsigned int authbits)
{
	begin(SADB_ADD, SADB_SATYPE_ESP);
	put_sa(0x1001, enc, auth);
	put_sa2(IPSEC_MODE_TUNNEL);
	put_pair(AF_INET);
	put_life(SADB_EXT_LIFETIME_SOFT);
	put_life(SADB_EXT_LIFETIME_HARD);
	if (encbits)
		put_key(SADB_EXT_KEY_ENCRYPT, encbits);
	if (authbits)
		put_key(SADB_EXT_KEY_AUTH, authbits);
}

static void gcm(void)
{
	add_sa(SADB_X_EALG_AES_GCM_ICV16, 160, 0, 0);
}

static void cbc(void)
{
	add_sa(SADB_X_EALG_AESCBC, 128, SADB_X_AALG_SHA2_256HMAC, 256);
}

static void getspi(void)
{
	begin(SADB_GETSPI, SADB_SATYPE_ESP);
	put_range(0x100, 0xffffffff);
	put_addr(SADB_EXT_ADDRESS_SRC, AF_INET6, 1, 0, 0);
	put_addr(SADB_EXT_ADDRESS_DST, AF_INET6, 2, 0, 0);
}

static void spdadd(void)
{
	begin(SADB_X_SPDADD, 0);
	put_tunnels(IPSEC_DIR_OUTBOUND, IPSEC_LEVEL_REQUIRE, AF_INET6, 2);
	put_pair(AF_INET);
}

/* Good ones. */

static void good_cbc(void) { cbc(); }
static void good_gcm(void) { gcm(); }
static void good_getspi(void) { getspi(); }
static void good_spdadd(void) { spdadd(); }

static void good_getspi_any(void)
{
	begin(SADB_GETSPI, SADB_SATYPE_ESP);
	put_sa2(IPSEC_MODE_ANY);
	put_pair(AF_INET);
}

static void good_null(void)
{
	add_sa(SADB_EALG_NULL, 0, SADB_AALG_SHA1HMAC, 160);
}

static void good_replay(void)
{
	gcm();
	put_replay(4096);
}

static void good_future(void)
{
	gcm();
	put_empty(SADB_X_EXT_PORTS + 1);
	put_empty(SADB_X_EXT_PORTS + 1);
	put_empty(65535);
}

static void good_no_encap(void)
{
	gcm();
	put_encap(0);
}

static void good_delete(void)
{
	begin(SADB_DELETE, SADB_SATYPE_ESP);
	put_sa(1, 0, 0);
	put_pair(AF_INET6);
}

static void good_register_ah(void)
{
	begin(SADB_REGISTER, SADB_SATYPE_AH);
}

static void good_flush(void) { begin(SADB_FLUSH, 0); }
static void good_dump(void) { begin(SADB_DUMP, SADB_X_SATYPE_IPCOMP); }
static void good_promisc(void) { begin(SADB_X_PROMISC, 1); }
static void good_spddump(void) { begin(SADB_X_SPDDUMP, 0); }

static void good_spdadd_none(void)
{
	begin(SADB_X_SPDADD, 0);
	put_policy(IPSEC_POLICY_NONE, IPSEC_DIR_FWD, NULL, 0);
	put_pair(AF_INET6);
	put_life(SADB_EXT_LIFETIME_HARD);
}

static void good_transport_addrs(void)
{
	unsigned char rq[80];

	begin(SADB_X_SPDADD, 0);
	put_policy(IPSEC_POLICY_IPSEC, IPSEC_DIR_INBOUND, rq,
		   request(rq, IPSEC_MODE_ANY, IPSEC_LEVEL_USE, AF_INET,
			   AF_INET));
	put_pair(AF_INET);
}

static void good_four(void)
{
	begin(SADB_X_SPDADD, 0);
	put_tunnels(IPSEC_DIR_OUTBOUND, IPSEC_LEVEL_UNIQUE, AF_INET, 4);
	put_pair(AF_INET);
}

static void good_use_in(void)
{
	begin(SADB_X_SPDADD, 0);
	put_tunnels(IPSEC_DIR_INBOUND, IPSEC_LEVEL_USE, AF_INET, 1);
	put_pair(AF_INET);
}

static void good_ports(void) { spdadd(); put_ports(256, 511); }
static void good_port_0(void) { spdadd(); put_ports(0, 0); }
static void bad_ports(void) { spdadd(); put_ports(511, 256); }
static void bad_ports_in_add(void) { gcm(); put_ports(1, 2); }
static void bad_ports_short(void) { spdadd(); put_empty(SADB_X_EXT_PORTS); }

static void good_spddelete(void)
{
	begin(SADB_X_SPDDELETE, 0);
	put_policy(IPSEC_POLICY_IPSEC, IPSEC_DIR_OUTBOUND, NULL, 0);
	put_pair(AF_INET);
}

static void good_spdget(void)
{
	begin(SADB_X_SPDGET, 0);
	put_policy(0, 0, NULL, 0);
}

/* Bad ones: SAs. */

static void bad_twice(void) { gcm(); put_sa2(IPSEC_MODE_TUNNEL); }
static void bad_foreign(void) { gcm(); put_tunnels(1, 2, AF_INET, 1); }
static void bad_filter(void) { gcm(); put_empty(SADB_X_EXT_FILTER); }
static void bad_type_0(void) { gcm(); put_empty(0); }
static void bad_replay(void) { gcm(); put_replay(4097); }
static void bad_encap(void) { gcm(); put_encap(2); }
static void bad_encap_1(void) { gcm(); put_encap(1); }
static void good_encap(void)
{
	gcm();
	put_encap(2);
	put_port(SADB_X_EXT_NAT_T_SPORT, 4500);
	put_port(SADB_X_EXT_NAT_T_DPORT, 40000);
}

static void bad_encap_port(void)
{
	gcm();
	put_encap(2);
	put_port(SADB_X_EXT_NAT_T_SPORT, 4500);
	put_port(SADB_X_EXT_NAT_T_DPORT, 0);
}

static void bad_label(void) { gcm(); put_empty(SADB_X_EXT_SEC_CTX); }
static void bad_aead_auth(void) { add_sa(20, 160, 5, 0); }
static void bad_aead_key(void) { add_sa(20, 160, 0, 256); }
static void bad_no_auth(void) { add_sa(12, 128, 0, 0); }
static void bad_null_auth(void) { add_sa(12, 128, SADB_X_AALG_NULL, 0); }
static void bad_null_null(void) { add_sa(SADB_EALG_NULL, 0, 0, 0); }
static void bad_no_enc(void) { add_sa(0, 0, 5, 256); }
static void bad_enc_alg(void) { add_sa(SADB_EALG_DESCBC, 64, 5, 256); }
static void bad_auth_alg(void) { add_sa(12, 128, SADB_AALG_MD5HMAC, 128); }
static void bad_no_enc_key(void) { add_sa(12, 0, 5, 256); }
static void bad_no_auth_key(void) { add_sa(12, 128, 5, 0); }
static void bad_enc_136(void) { add_sa(12, 136, 5, 256); }
static void bad_enc_120(void) { add_sa(12, 120, 5, 256); }
static void bad_enc_320(void) { add_sa(12, 320, 5, 256); }
static void bad_auth_248(void) { add_sa(12, 128, 5, 248); }
static void bad_auth_264(void) { add_sa(12, 128, 5, 264); }
static void bad_gcm_saltless(void) { add_sa(20, 128, 0, 0); }
static void bad_null_key(void) { add_sa(SADB_EALG_NULL, 64, 5, 256); }
static void bad_satype_0(void) { gcm(); buf[3] = 0; }
static void bad_ah_enc(void) { gcm(); buf[3] = SADB_SATYPE_AH; }
static void good_ah(void) { add_sa(0, 0, 5, 256); buf[3] = SADB_SATYPE_AH; }
static void bad_encap_ah(void) { good_ah(); put_encap(2); }
static void bad_ah_none(void) { add_sa(0, 0, 0, 0); buf[3] = SADB_SATYPE_AH; }
static void bad_ah_weak(void) { add_sa(0, 0, 2, 128); buf[3] = SADB_SATYPE_AH; }
static void good_chacha(void) { add_sa(25, 288, 0, 0); }
static void bad_chacha(void) { add_sa(25, 256, 0, 0); }
static void good_cmac(void) { add_sa(13, 160, 248, 128); }
static void bad_satype_ipcomp(void) { gcm(); buf[3] = SADB_X_SATYPE_IPCOMP; }
static void bad_satype_4(void) { gcm(); buf[3] = 4; }
static void bad_satype_10(void) { begin(SADB_DUMP, 10); }
static void bad_promisc(void) { begin(SADB_X_PROMISC, 2); }
static void bad_acquire(void) { begin(SADB_ACQUIRE, SADB_SATYPE_ESP); }
static void good_acquire(void) { bad_acquire(); buf[2] = EINVAL; }
static void bad_acquire_pair(void) { good_acquire(); put_pair(AF_INET); }

/* What iked sends when a peer has moved: no keys. */
static void update_bare(void)
{
	begin(SADB_UPDATE, SADB_SATYPE_ESP);
	put_sa(0x1000, 0, 0);
	put_pair(AF_INET);
}

static void good_update_bare(void) { update_bare(); }

static void good_update_moved(void)
{
	gcm();
	buf[1] = SADB_UPDATE;
	put_addr(SADB_X_EXT_NEW_ADDRESS_SRC, AF_INET6, 3, 128, 0);
	put_addr(SADB_X_EXT_NEW_ADDRESS_DST, AF_INET6, 4, 128, 0);
}

static void bad_update_families(void)
{
	update_bare();
	put_addr(SADB_X_EXT_NEW_ADDRESS_DST, AF_INET6, 4, 128, 0);
}

static void bad_update_any(void)
{
	update_bare();
	put_addr(SADB_X_EXT_NEW_ADDRESS_DST, AF_INET, 0, 32, 0);
}

static void bad_update_cut(void)
{
	update_bare();
	put_addr(SADB_X_EXT_NEW_ADDRESS_DST, AF_INET, 4, 32, 0);
	buf[used - 16] = AF_INET6;
}

static void bad_add_moved(void)
{
	gcm();
	put_addr(SADB_X_EXT_NEW_ADDRESS_DST, AF_INET, 4, 32, 0);
}

/* Pairs of tunnels; the second of each pair with another end. */
static struct sadb_x_ipsecrequest *migrate(unsigned int n)
{
	struct sadb_x_ipsecrequest *second;

	begin(SADB_X_MIGRATE, 0);
	put_pair(AF_INET);
	put_tunnels(IPSEC_DIR_OUTBOUND, IPSEC_LEVEL_REQUIRE, AF_INET, n);
	second = (void *)(buf + used - (n - 1) * 48);
	for (unsigned int i = 1; i < n; i += 2)
		buf[used - (n - i) * 48 + 16 + 7] ^= 0x55;
	return second;
}

static void good_migrate(void) { migrate(2); }
static void good_migrate_four(void) { migrate(8); }
static void bad_migrate_five(void) { migrate(10); }
static void bad_migrate_one(void) { migrate(1); }
static void bad_migrate_mode(void) { migrate(2)->sadb_x_ipsecrequest_mode = 1; }
static void bad_migrate_same(void) { migrate(2); buf[used - 48 + 16 + 7] ^= 0x55; }

static void bad_migrate_bare(void)
{
	migrate(2);
	/* The first in transport mode, and without its ends. */
	used -= 2 * 48;
	((struct sadb_x_policy *)(buf + used - 16))->sadb_x_policy_len = 2 + 2 + 2;
	for (int i = 0; i < 2; i++) {
		struct sadb_x_ipsecrequest request = {
			.sadb_x_ipsecrequest_len = 16, .sadb_x_ipsecrequest_mode = 1,
			.sadb_x_ipsecrequest_proto = IPPROTO_ESP,
		};

		memcpy(buf + used, &request, sizeof(request));
		used += sizeof(request);
	}
}

static void good_esn(void)
{
	gcm();
	((struct sadb_sa *)(buf + 16))->sadb_sa_flags = SADB_X_SAFLAGS_ESN;
}

static void bad_key_bits(void)
{
	gcm();
	((struct sadb_key *)(buf + used - 32))->sadb_key_bits = 224;
}

static void bad_key_bits_odd(void)
{
	gcm();
	((struct sadb_key *)(buf + used - 32))->sadb_key_bits = 159;
}

static void bad_key_bits_0(void)
{
	gcm();
	((struct sadb_key *)(buf + used - 32))->sadb_key_bits = 0;
}

static void bad_key_bits_max(void)
{
	gcm();
	((struct sadb_key *)(buf + used - 32))->sadb_key_bits = 0xffff;
}

static void spi(unsigned int value)
{
	gcm();
	((struct sadb_sa *)(buf + 16))->sadb_sa_spi = htonl(value);
}

static void bad_spi_0(void) { spi(0); }
static void bad_spi_255(void) { spi(255); }
static void good_spi_256(void) { spi(256); }
static void good_spi_max(void) { spi(0xffffffff); }

static void mode(unsigned int value)
{
	begin(SADB_GETSPI, SADB_SATYPE_ESP);
	put_pair(AF_INET);
	put_sa2(value);
}

static void bad_mode_3(void) { mode(3); }
static void bad_mode_255(void) { mode(255); }

static void range(unsigned int from, unsigned int to)
{
	begin(SADB_GETSPI, SADB_SATYPE_ESP);
	put_pair(AF_INET);
	put_range(from, to);
}

static void bad_range_0(void) { range(0, 0xffffffff); }
static void bad_range_255(void) { range(255, 255); }
static void bad_range_inverted(void) { range(0x2000, 0x1fff); }
static void good_range_one(void) { range(0x2000, 0x2000); }

/* Bad ones: addresses. */

static void pair(int src, unsigned int splen, unsigned int sproto, int dst,
		 unsigned int dplen, unsigned int dproto)
{
	begin(SADB_GETSPI, SADB_SATYPE_ESP);
	put_addr(SADB_EXT_ADDRESS_SRC, src, 1, splen, sproto);
	put_addr(SADB_EXT_ADDRESS_DST, dst, 2, dplen, dproto);
}

static void bad_families(void) { pair(AF_INET, 0, 0, AF_INET6, 0, 0); }
static void bad_protos(void) { pair(AF_INET, 0, 6, AF_INET, 0, 17); }

static void bad_family(void)
{
	getspi();
	buf[used - 32] = 99;
}

static void bad_family_short(void)
{
	pair(AF_INET, 0, 0, AF_INET, 0, 0);
	buf[used - 16] = AF_INET6;
}

static void bad_family_long(void)
{
	getspi();
	buf[used - 32] = AF_INET;
}

static void bad_no_dst(void)
{
	begin(SADB_GETSPI, SADB_SATYPE_ESP);
	put_addr(SADB_EXT_ADDRESS_SRC, AF_INET, 1, 0, 0);
}

static void bad_dst_any(void)
{
	begin(SADB_GETSPI, SADB_SATYPE_ESP);
	put_addr(SADB_EXT_ADDRESS_SRC, AF_INET, 1, 0, 0);
	put_addr(SADB_EXT_ADDRESS_DST, AF_INET, 0, 0, 0);
}

/* Bad ones: policies. */

static void policy(unsigned int type, unsigned int dir, unsigned int level,
		   unsigned int n)
{
	begin(SADB_X_SPDADD, 0);
	put_tunnels(dir, level, AF_INET, n);
	((struct sadb_x_policy *)(buf + 16))->sadb_x_policy_type = type;
	put_pair(AF_INET);
}

static void bad_dir_0(void) { policy(2, 0, 2, 1); }
static void bad_dir_4(void) { policy(2, 4, 2, 1); }
static void bad_use_out(void) { policy(2, 2, 1, 1); }
static void bad_level_4(void) { policy(2, 2, 4, 1); }
static void bad_five(void) { policy(2, 2, 2, 5); }
static void bad_none_at_all(void) { policy(2, 2, 2, 0); }
static void bad_discard_with(void) { policy(0, 2, 2, 1); }
static void bad_none_with(void) { policy(1, 2, 2, 1); }
static void bad_entrust(void) { policy(3, 2, 2, 0); }
static void bad_bypass(void) { policy(4, 2, 2, 0); }
static void bad_policy_type(void) { policy(0x102, 2, 2, 1); }

/* The transform's field at @offset set to @value. */
static void spoil(size_t offset, unsigned int value)
{
	policy(2, 2, 2, 1);
	buf[32 + offset] = value;
}

static void bad_rq_len_0(void) { spoil(0, 0); }
static void bad_rq_len_15(void) { spoil(0, 15); }
static void bad_rq_len_16(void) { spoil(0, 16); }
static void bad_rq_len_17(void) { spoil(0, 17); }
static void bad_rq_len_32(void) { spoil(0, 32); }
static void bad_rq_len_47(void) { spoil(0, 47); }
static void bad_rq_len_49(void) { spoil(0, 49); }
static void bad_rq_len_big(void) { spoil(1, 255); }
static void good_rq_proto_ah(void) { spoil(2, IPPROTO_AH); }
static void bad_rq_proto_high(void) { spoil(3, 1); }
static void bad_rq_mode(void) { spoil(4, 3); }
static void bad_rq_src(void) { spoil(16, 99); }
static void bad_rq_src6(void) { spoil(16, AF_INET6); }
static void bad_rq_dst(void) { spoil(32, 99); }
static void bad_rq_dst6(void) { spoil(32, AF_INET6); }

static void bad_rq_families(void)
{
	unsigned char rq[80];
	size_t len = request(rq, IPSEC_MODE_TUNNEL, 2, AF_INET, AF_INET6);

	begin(SADB_X_SPDADD, 0);
	put_policy(IPSEC_POLICY_IPSEC, IPSEC_DIR_INBOUND, rq, len);
	put_pair(AF_INET);
}

/* Bytes after the last transform, too few to be one. */
static void bad_rq_tail(void)
{
	unsigned char rq[80] = { 0 };
	size_t len = request(rq, IPSEC_MODE_TRANSPORT, 2, 0, 0);

	begin(SADB_X_SPDADD, 0);
	put_policy(IPSEC_POLICY_IPSEC, IPSEC_DIR_INBOUND, rq, len + 8);
	put_pair(AF_INET);
}

static void bad_spd_families(void)
{
	begin(SADB_X_SPDADD, 0);
	put_tunnels(IPSEC_DIR_OUTBOUND, IPSEC_LEVEL_REQUIRE, AF_INET, 1);
	put_addr(SADB_EXT_ADDRESS_SRC, AF_INET, 1, 24, 0);
	put_addr(SADB_EXT_ADDRESS_DST, AF_INET6, 1, 24, 0);
}

static void bad_spd_label(void) { spdadd(); put_empty(SADB_X_EXT_SEC_CTX); }
static void bad_spd_key(void) { spdadd(); put_key(SADB_EXT_KEY_AUTH, 160); }
static void bad_flush_ext(void) { begin(SADB_FLUSH, 0); put_pair(AF_INET); }

static const struct {
	const char *name;
	void (*make)(void);
	int err;
	const char *why;
} rows[] = {
	{ "ADD aes-cbc hmac-sha2-256", good_cbc },
	{ "ADD aes-gcm-16", good_gcm },
	{ "ADD null hmac-sha1", good_null },
	{ "ADD chacha20-poly1305", good_chacha },
	{ "ADD aes-ctr aes-cmac", good_cmac },
	{ "ADD with ESN", good_esn },
	{ "ADD AH hmac-sha2-256", good_ah },
	{ "SPDADD AH", good_rq_proto_ah },
	{ "ADD with the widest window", good_replay },
	{ "ADD with extensions from the future, twice", good_future },
	{ "ADD with NAT_T_TYPE 0", good_no_encap },
	{ "ADD ESP in UDP", good_encap },
	{ "ADD SPI 256", good_spi_256 },
	{ "ADD SPI ffffffff", good_spi_max },
	{ "GETSPI IPv6", good_getspi },
	{ "GETSPI without a range, any mode", good_getspi_any },
	{ "GETSPI range of one", good_range_one },
	{ "DELETE of a reserved SPI is only not found", good_delete },
	{ "REGISTER AH", good_register_ah },
	{ "FLUSH all", good_flush },
	{ "DUMP IPComp", good_dump },
	{ "PROMISC on", good_promisc },
	{ "SPDDUMP", good_spddump },
	{ "SPDADD two IPv6 tunnels, IPv4 inside", good_spdadd },
	{ "SPDADD none, with a lifetime", good_spdadd_none },
	{ "SPDADD transport with addresses", good_transport_addrs },
	{ "SPDADD four transforms", good_four },
	{ "SPDADD inbound tunnel of level use", good_use_in },
	{ "SPDDELETE without transforms", good_spddelete },
	{ "SPDGET by id alone", good_spdget },
	{ "SPDADD with a range of ports", good_ports },
	{ "SPDADD of port 0, which is not any", good_port_0 },
	{ "ACQUIRE that reports an error", good_acquire },
	{ "UPDATE without keys", good_update_bare },
	{ "UPDATE to new addresses, of the other family", good_update_moved },
	{ "MIGRATE", good_migrate },
	{ "MIGRATE of four transforms", good_migrate_four },

	{ "a range of ports upside down", bad_ports, -EINVAL,
	  "a range of ports is upside down" },
	{ "a range of ports, cut short", bad_ports_short, -EINVAL,
	  "bad length of an extension" },
	{ "a range of ports in an ADD", bad_ports_in_add, -EINVAL,
	  "an extension that does not belong here" },
	{ "an extension twice", bad_twice, -EINVAL,
	  "an extension comes twice" },
	{ "a policy in an ADD", bad_foreign, -EINVAL,
	  "an extension that does not belong here" },
	{ "a filter in an ADD", bad_filter, -EINVAL,
	  "an extension that does not belong here" },
	{ "an extension of type 0", bad_type_0, -EINVAL,
	  "extension of type 0" },
	{ "window of 4097", bad_replay, -EINVAL,
	  "replay window over 4096 packets" },
	{ "ESP in UDP without ports", bad_encap, -EINVAL,
	  "ESP in UDP, but no ports" },
	{ "ESP in UDP with a port 0", bad_encap_port, -EINVAL,
	  "ESP in UDP, but no ports" },
	{ "the UDP encapsulation of the drafts", bad_encap_1, -EOPNOTSUPP,
	  "encapsulation other than ESP in UDP (RFC 3948)" },
	{ "AH in UDP", bad_encap_ah, -EINVAL,
	  "only ESP goes in UDP" },
	{ "security label", bad_label, -EOPNOTSUPP,
	  "security labels unsupported" },
	{ "AEAD with an integrity algorithm", bad_aead_auth, -EINVAL,
	  "a combined algorithm has integrity of its own" },
	{ "AEAD with an integrity key", bad_aead_key, -EINVAL,
	  "a combined algorithm has integrity of its own" },
	{ "no integrity", bad_no_auth, -EINVAL,
	  "an SA without integrity (RFC 8221 section 4)" },
	{ "null integrity", bad_null_auth, -EINVAL,
	  "an SA without integrity (RFC 8221 section 4)" },
	{ "null encryption and no integrity", bad_null_null, -EINVAL,
	  "an SA without integrity (RFC 8221 section 4)" },
	{ "no encryption algorithm", bad_no_enc, -EINVAL,
	  "no encryption algorithm" },
	{ "DES", bad_enc_alg, -ENOSYS, FORBIDDEN },
	{ "HMAC-MD5", bad_auth_alg, -ENOSYS, FORBIDDEN },
	{ "AH with HMAC-MD5", bad_ah_weak, -ENOSYS, FORBIDDEN },
	{ "AH without an algorithm", bad_ah_none, -EINVAL,
	  "an SA without integrity (RFC 8221 section 4)" },
	{ "ChaCha20-Poly1305 key without salt", bad_chacha, -EINVAL,
	  "encryption key of a wrong length" },
	{ "no encryption key", bad_no_enc_key, -EINVAL,
	  "no encryption key" },
	{ "no integrity key", bad_no_auth_key, -EINVAL,
	  "no integrity key" },
	{ "encryption key 8 bits over", bad_enc_136, -EINVAL,
	  "encryption key of a wrong length" },
	{ "encryption key 8 bits under", bad_enc_120, -EINVAL,
	  "encryption key of a wrong length" },
	{ "encryption key one step over", bad_enc_320, -EINVAL,
	  "encryption key of a wrong length" },
	{ "integrity key 8 bits under", bad_auth_248, -EINVAL,
	  "integrity key of a wrong length" },
	{ "integrity key 8 bits over", bad_auth_264, -EINVAL,
	  "integrity key of a wrong length" },
	{ "GCM key without salt", bad_gcm_saltless, -EINVAL,
	  "encryption key of a wrong length" },
	{ "null encryption with a key", bad_null_key, -EINVAL,
	  "encryption key of a wrong length" },
	{ "key bits past the extension", bad_key_bits, -EINVAL,
	  "key bits and key length disagree" },
	{ "key bits of no whole octet", bad_key_bits_odd, -EINVAL,
	  "key bits and key length disagree" },
	{ "key bits 0", bad_key_bits_0, -EINVAL,
	  "key bits and key length disagree" },
	{ "key bits 65535", bad_key_bits_max, -EINVAL,
	  "key bits and key length disagree" },
	{ "ADD SPI 0", bad_spi_0, -EINVAL,
	  "SPIs 0 to 255 are reserved" },
	{ "ADD SPI 255", bad_spi_255, -EINVAL,
	  "SPIs 0 to 255 are reserved" },
	{ "SA type 0", bad_satype_0, -EINVAL,
	  "no SA type given" },
	{ "AH with a cipher", bad_ah_enc, -EINVAL,
	  "AH does not encrypt" },
	{ "SA type IPComp", bad_satype_ipcomp, -EPROTONOSUPPORT,
	  "IPComp is not supported" },
	{ "SA type 4", bad_satype_4, -EINVAL,
	  "unknown SA type" },
	{ "SA type 10", bad_satype_10, -EINVAL,
	  "unknown SA type" },
	{ "PROMISC 2", bad_promisc, -EINVAL,
	  "neither on nor off" },
	{ "ACQUIRE", bad_acquire, -EINVAL,
	  "an ACQUIRE that reports no error" },
	{ "ACQUIRE with addresses", bad_acquire_pair, -EINVAL,
	  "an extension that does not belong here" },
	{ "a new destination of another family", bad_update_families, -EINVAL,
	  "new addresses of two families" },
	{ "no new destination", bad_update_any, -EINVAL,
	  "no new destination address" },
	{ "a new address in too little room", bad_update_cut, -EINVAL,
	  "bad address family or length" },
	{ "a new address in an ADD", bad_add_moved, -EINVAL,
	  "an extension that does not belong here" },
	{ "MIGRATE of half a pair", bad_migrate_one, -EINVAL,
	  "not pairs of old and new transforms" },
	{ "MIGRATE of five transforms", bad_migrate_five, -EINVAL,
	  "more than 4 transforms" },
	{ "MIGRATE to another mode", bad_migrate_mode, -EINVAL,
	  "old and new differ in more than addresses" },
	{ "MIGRATE to where it is", bad_migrate_same, -EINVAL,
	  "old and new are the same" },
	{ "MIGRATE without addresses", bad_migrate_bare, -EINVAL,
	  "a transform without addresses" },
	{ "BEET mode", bad_mode_3, -EINVAL,
	  "neither transport nor tunnel mode" },
	{ "mode 255", bad_mode_255, -EINVAL,
	  "neither transport nor tunnel mode" },
	{ "SPI range from 0", bad_range_0, -EINVAL,
	  "SPIs 0 to 255 are reserved" },
	{ "SPI range 255", bad_range_255, -EINVAL,
	  "SPIs 0 to 255 are reserved" },
	{ "SPI range upside down", bad_range_inverted, -EINVAL,
	  "the SPI range is upside down" },
	{ "addresses of two families", bad_families, -EINVAL,
	  "addresses of two families" },
	{ "addresses of two protocols", bad_protos, -EINVAL,
	  "addresses of two protocols" },
	{ "unknown family", bad_family, -EINVAL,
	  "bad address family or length" },
	{ "IPv6 in an IPv4 address's room", bad_family_short, -EINVAL,
	  "bad address family or length" },
	{ "IPv4 in an IPv6 address's room", bad_family_long, -EINVAL,
	  "bad address family or length" },
	{ "no destination extension", bad_no_dst, -EINVAL,
	  "an extension is missing" },
	{ "no destination address", bad_dst_any, -EINVAL,
	  "no destination address" },
	{ "direction 0", bad_dir_0, -EINVAL,
	  "direction not in, out or fwd" },
	{ "direction 4", bad_dir_4, -EINVAL,
	  "direction not in, out or fwd" },
	{ "outbound tunnel of level use", bad_use_out, -EINVAL,
	  "an outbound tunnel of level use" },
	{ "level 4", bad_level_4, -EINVAL,
	  "unknown level of a transform" },
	{ "five transforms", bad_five, -EINVAL,
	  "more than 4 transforms" },
	{ "ipsec without transforms", bad_none_at_all, -EINVAL,
	  "ipsec, but no transform" },
	{ "discard with a transform", bad_discard_with, -EINVAL,
	  "transforms, but not of type ipsec" },
	{ "none with a transform", bad_none_with, -EINVAL,
	  "transforms, but not of type ipsec" },
	{ "entrust", bad_entrust, -EINVAL,
	  "type not discard, none or ipsec" },
	{ "bypass", bad_bypass, -EINVAL,
	  "type not discard, none or ipsec" },
	{ "policy type 0x102", bad_policy_type, -EINVAL,
	  "type not discard, none or ipsec" },
	{ "transform of length 0", bad_rq_len_0, -EINVAL,
	  "bad length of a transform" },
	{ "transform of length 15", bad_rq_len_15, -EINVAL,
	  "bad length of a transform" },
	{ "tunnel transform of length 16", bad_rq_len_16, -EINVAL,
	  "bad tunnel source" },
	{ "tunnel transform of length 17", bad_rq_len_17, -EINVAL,
	  "bad tunnel source" },
	{ "tunnel transform of length 32", bad_rq_len_32, -EINVAL,
	  "bad tunnel destination" },
	{ "tunnel transform of length 47", bad_rq_len_47, -EINVAL,
	  "bad tunnel destination" },
	{ "tunnel transform of length 49", bad_rq_len_49, -EINVAL,
	  "bad length of a transform" },
	{ "tunnel transform of length 65280", bad_rq_len_big, -EINVAL,
	  "bad length of a transform" },
	{ "transform protocol 306", bad_rq_proto_high, -EPROTONOSUPPORT,
	  "no transform but ESP and AH is supported" },
	{ "transform of mode 3", bad_rq_mode, -EINVAL,
	  "neither transport nor tunnel mode" },
	{ "tunnel source of family 99", bad_rq_src, -EINVAL,
	  "bad tunnel source" },
	{ "IPv6 source in IPv4's room", bad_rq_src6, -EINVAL,
	  "bad tunnel destination" },
	{ "tunnel destination of family 99", bad_rq_dst, -EINVAL,
	  "bad tunnel destination" },
	{ "IPv6 destination in IPv4's room", bad_rq_dst6, -EINVAL,
	  "bad tunnel destination" },
	{ "tunnel endpoints of two families", bad_rq_families, -EINVAL,
	  "tunnel endpoints of two families" },
	{ "octets after the last transform", bad_rq_tail, -EINVAL,
	  "truncated transform" },
	{ "SPDADD of two families", bad_spd_families, -EINVAL,
	  "addresses of two families" },
	{ "SPDADD with a label", bad_spd_label, -EOPNOTSUPP,
	  "security labels unsupported" },
	{ "SPDADD with a key", bad_spd_key, -EINVAL,
	  "an extension that does not belong here" },
	{ "FLUSH with addresses", bad_flush_ext, -EINVAL,
	  "an extension that does not belong here" },
};

/* Parses @len octets of buf from a block of just that size. */
static int parse(size_t len, struct espl_pfkey_msg *msg)
{
	void *copy = malloc(len);
	int err;

	memcpy(copy, buf, len);
	err = espl_pfkey_parse_base(copy, len, msg);
	if (!err) {
		err = espl_pfkey_parse(copy, len, msg);
		if (err && !msg->why)
			err = -9999;	/* a refusal without words */
	}
	free(copy);
	return err;
}

static void test_rows(void)
{
	struct espl_pfkey_msg msg;
	bool good;
	int err;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		rows[i].make();
		end();
		err = parse(used, &msg);
		good = err == rows[i].err &&
		       !strcmp(msg.why ?: "", rows[i].why ?: "");
		if (!good)
			printf("# error %d, %s\n", err, msg.why);
		report(good, rows[i].name);
	}
}

/* The base header is checked apart: its errors are sendmsg()'s. */
static void test_base(void)
{
	struct espl_pfkey_msg msg;
	bool good = true;

	begin(SADB_FLUSH, 0);
	end();
	for (size_t len = 0; len < 16; len++)
		good &= parse(len, &msg) == -EMSGSIZE;
	good &= parse(24, &msg) == -EMSGSIZE;
	good &= parse(17, &msg) == -EMSGSIZE;
	report(good, "base header: length");

	buf[0] = 1;
	good = parse(16, &msg) == -EINVAL;
	buf[0] = PF_KEY_V2;
	buf[1] = 0;
	good &= parse(16, &msg) == -EINVAL;
	buf[1] = SADB_MAX + 1;
	good &= parse(16, &msg) == -EINVAL;
	report(good, "base header: version and type");

	for (unsigned int type = 1; type <= SADB_MAX; type++)
		good &= espl_pfkey_name(type)[0] != 0;
	report(good, "every type has a name");
}

/* Each extension of each good row: cut off, shortened, lengthened, zeroed. */
static void test_lengths(void)
{
	struct espl_pfkey_msg msg;
	unsigned char keep[sizeof(buf)];
	bool cut = true, zero = true, shorter = true, longer = true;
	struct sadb_ext *ext;
	size_t at, len;

	for (size_t i = 0; i < ARRAY_SIZE(rows) && !rows[i].err; i++) {
		rows[i].make();
		end();
		for (at = 16; at < used; at += len) {
			ext = (void *)(buf + at);
			len = ext->sadb_ext_len * 8;
			memcpy(keep, buf, sizeof(buf));

			((struct sadb_msg *)buf)->sadb_msg_len = at / 8 + 1;
			if (len > 8)
				cut &= parse(at + 8, &msg) == -EINVAL;
			end();
			ext->sadb_ext_len = 0;
			zero &= parse(used, &msg) == -EINVAL;
			ext->sadb_ext_len = len / 8 - 1;
			shorter &= parse(used, &msg) == -EINVAL;
			ext->sadb_ext_len = 0xffff;
			longer &= parse(used, &msg) == -EINVAL;
			ext->sadb_ext_len = (used - at) / 8 + 1;
			longer &= parse(used, &msg) == -EINVAL;
			memcpy(buf, keep, sizeof(buf));
		}
	}
	report(cut, "every extension cut off after its first word");
	report(zero, "every extension with length 0");
	report(shorter, "every extension one word short");
	report(longer, "every extension reaching past the end");
}

/* Each extension of each good row, doubled; those from the future are exempt. */
static void test_doubled(void)
{
	struct espl_pfkey_msg msg;
	struct sadb_ext *ext;
	bool good = true;
	size_t at, len;

	for (size_t i = 0; i < ARRAY_SIZE(rows) && !rows[i].err; i++) {
		rows[i].make();
		for (at = 16; at < used; at += len) {
			ext = (void *)(buf + at);
			len = ext->sadb_ext_len * 8;
			if (ext->sadb_ext_type > SADB_X_EXT_NEW_ADDRESS_DST)
				continue;
			memcpy(buf + used, ext, len);
			used += len;
			end();
			good &= parse(used, &msg) == -EINVAL;
			used -= len;
		}
	}
	report(good, "every extension doubled");
}

static void test_prefixes(void)
{
	struct espl_pfkey_msg msg;
	bool good = true;

	for (unsigned int plen = 0; plen < 256; plen++) {
		pair(AF_INET, plen, 0, AF_INET, 0, 0);
		end();
		good &= parse(used, &msg) == (plen > 32 ? -EINVAL : 0);
		pair(AF_INET6, 0, 0, AF_INET6, plen, 0);
		end();
		good &= parse(used, &msg) == (plen > 128 ? -EINVAL : 0);
	}
	report(good, "prefix lengths 0 to 255");
}

/* What the fields come out as. */
static void test_fields(void)
{
	struct espl_pfkey_msg msg;
	bool good;

	cbc();
	end();
	good = !parse(used, &msg);
	good &= msg.type == SADB_ADD && msg.satype == 3 && msg.seq == 7 &&
		msg.pid == 4711 && msg.spi == htonl(0x1001) &&
		msg.replay == 32 && msg.flags == SADB_X_EXT_CYCSEQ &&
		msg.mode == IPSEC_MODE_TUNNEL && msg.reqid == 5 &&
		msg.enc == espl_alg_enc(12) && msg.auth == espl_alg_auth(5) &&
		msg.enckey.bits == 128 && msg.authkey.bits == 256 &&
		msg.hard.packets == 1 && msg.soft.bytes == 2 &&
		msg.hard.addtime == 3 && msg.soft.usetime == 4 &&
		msg.src.addr.ip == htonl(0x0a000001) &&
		msg.dst.addr.ip == htonl(0x0a000002) &&
		msg.dst.family == AF_INET && msg.dst.plen == 32;
	report(good, "fields of an ADD");

	good_replay();
	end();
	report(!parse(used, &msg) && msg.replay == 4096,
	       "the wide window goes before the narrow one");

	getspi();
	end();
	good = !parse(used, &msg) && msg.spi_min == 256 &&
	       msg.spi_max == 0xffffffff && msg.mode == IPSEC_MODE_TRANSPORT;
	good_getspi_any();
	end();
	good &= !parse(used, &msg) && msg.spi_min == 256 &&
		msg.spi_max == ESPL_PFKEY_SPI_MAX &&
		msg.mode == IPSEC_MODE_TRANSPORT;
	report(good, "fields of a GETSPI");

	spdadd();
	end();
	good = !parse(used, &msg) && msg.policy.requests == 2 &&
	       msg.policy.type == IPSEC_POLICY_IPSEC && msg.policy.dir == 2 &&
	       msg.policy.id == 65 && msg.policy.priority == 0x80000000 &&
	       msg.policy.request[1].family == AF_INET6 &&
	       msg.policy.request[1].saddr.in6.s6_addr[15] == 1 &&
	       msg.policy.request[1].daddr.in6.s6_addr[15] == 2 &&
	       msg.policy.request[1].proto == IPPROTO_ESP &&
	       msg.policy.request[1].level == IPSEC_LEVEL_REQUIRE &&
	       msg.policy.request[1].reqid == 9;
	good_transport_addrs();
	end();
	good &= !parse(used, &msg) && !msg.policy.request[0].family &&
		!msg.policy.request[0].saddr.ip &&
		msg.policy.request[0].mode == IPSEC_MODE_TRANSPORT;
	report(good, "fields of an SPDADD");
}

/* What no accepted message may be, whatever was sent. */
static bool sane_algs(const struct espl_pfkey_msg *msg)
{
	if (msg->auth && !espl_alg_key_ok(msg->auth, msg->authkey.bits))
		return false;
	if (msg->satype == SADB_SATYPE_AH)
		return !msg->enc && msg->auth;
	return msg->enc && espl_alg_key_ok(msg->enc, msg->enckey.bits) &&
	       (msg->enc->kind == ESPL_ALG_AEAD) == !msg->auth;
}

static bool sane(const struct espl_pfkey_msg *msg)
{
	bool adds = msg->type == SADB_ADD ||
		    (msg->type == SADB_UPDATE && (msg->exts & ESPL_EXT_KEYS));
	unsigned int most = ESPL_PFKEY_REQUESTS;

	if (msg->type == SADB_X_MIGRATE)
		most *= 2;
	if (adds && (ntohl(msg->spi) < 256 || msg->replay > 4096 || !sane_algs(msg)))
		return false;
	if (msg->type == SADB_GETSPI &&
	    (msg->spi_min < 256 || msg->spi_min > msg->spi_max))
		return false;
	return msg->policy.requests <= most &&
	       msg->src.plen <= (msg->src.family == AF_INET ? 32 : 128);
}

/* A few octets of a row changed: nothing but a verdict may come of it. */
static void test_mutations(unsigned int rounds)
{
	struct espl_pfkey_msg msg;
	unsigned int taken = 0;
	bool good = true;
	char text[100];

	srand(42);
	while (rounds--) {
		rows[rand() % ARRAY_SIZE(rows)].make();
		end();
		for (int n = rand() % 4; n >= 0; n--)
			buf[rand() % used] = rand() % 3 ? rand() : rand() % 9;
		if (rand() % 4 == 0)
			used = rand() % (used + 1) & ~7u;
		if (rand() % 8)
			end();
		if (!parse(used, &msg)) {
			taken++;
			good &= sane(&msg);
		}
	}
	snprintf(text, sizeof(text), "mutations (%u of them legal)", taken);
	report(good && taken, text);
}

int main(int argc, char **argv)
{
	test_base();
	test_rows();
	test_lengths();
	test_doubled();
	test_prefixes();
	test_fields();
	test_mutations(argc > 1 ? atoi(argv[1]) : 300000);
	printf("1..%u\n", count);
	return failed != 0;
}
