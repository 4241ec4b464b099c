// SPDX-License-Identifier: GPL-2.0-only
/*
 * pfkey_parse.c - from the octets of a PF_KEY request to what it asks for
 *
 * The only code that sees lengths as clients wrote them. Two tables say what
 * is legal: one row per extension, one row per message. Nothing here touches
 * state, so a message is judged whole before anything is done about it. Pure:
 * also compiled into the unit tests and the fuzzers. RFC 2367 sections 2 and
 * 3; SPD messages and their transforms are KAME's.
 *
 * Reserved fields are not looked at: clients leave stack contents in them.
 */
#include "pfkey_parse.h"
#include "replay.h"

#define UDP_ENCAP_ESPINUDP	2	/* <linux/udp.h> */

#define WORD	8	/* octets that one unit of a length field stands for */

static int refuse(struct espl_pfkey_msg *msg, int err, const char *why)
{
	msg->why = why;
	return err;
}

static size_t padded(size_t len)
{
	return DIV_ROUND_UP(len, WORD) * WORD;
}

static bool is_any(const struct espl_pfkey_addr *addr)
{
	static const union nf_inet_addr any;

	return !memcmp(&addr->addr, &any, sizeof(any));
}

/* Extensions: how each is decoded, to a place within the message. */

/* Returns how many octets were taken, 0 if they are no whole address. */
static size_t take_sockaddr(const u8 *from, size_t room, u8 *family,
			    union nf_inet_addr *addr, __be16 *port)
{
	struct sockaddr_in6 six;
	struct sockaddr_in four;
	u16 af;

	if (room < sizeof(four))
		return 0;
	memcpy(&af, from, sizeof(af));
	memset(addr, 0, sizeof(*addr));
	*family = af;
	if (af == AF_INET) {
		memcpy(&four, from, sizeof(four));
		addr->in = four.sin_addr;
		*port = four.sin_port;
		return sizeof(four);
	}
	if (af != AF_INET6 || room < sizeof(six))
		return 0;
	memcpy(&six, from, sizeof(six));
	addr->in6 = six.sin6_addr;
	*port = six.sin6_port;
	return sizeof(six);
}

static int decode_address(struct espl_pfkey_msg *msg, void *to,
			  const void *from, size_t len)
{
	const struct sadb_address *ext = from;
	struct espl_pfkey_addr *addr = to;
	size_t head = sizeof(*ext), taken;

	taken = take_sockaddr((const u8 *)from + head, len - head,
			      &addr->family, &addr->addr, &addr->port);
	if (!taken || padded(head + taken) != len)
		return refuse(msg, -EINVAL, "bad address family or length");
	if (ext->sadb_address_prefixlen > (addr->family == AF_INET ? 32 : 128))
		return refuse(msg, -EINVAL, "prefix longer than the address");
	addr->proto = ext->sadb_address_proto;
	addr->plen = ext->sadb_address_prefixlen;
	return 0;
}

static int decode_sa(struct espl_pfkey_msg *msg, void *to,
		     const void *from, size_t len)
{
	const struct sadb_sa *ext = from;

	/*
	 * sadb_sa_state is not looked at: libipsec sends 0 whatever it means,
	 * strongSwan sends back what it got.
	 */
	msg->spi = ext->sadb_sa_spi;
	msg->flags = ext->sadb_sa_flags;
	msg->enc_id = ext->sadb_sa_encrypt;
	msg->auth_id = ext->sadb_sa_auth;
	if (!(msg->exts & ESPL_EXT(SADB_X_EXT_SA_REPLAY)))
		msg->replay = ext->sadb_sa_replay;
	return 0;
}

static int decode_replay(struct espl_pfkey_msg *msg, void *to,
			 const void *from, size_t len)
{
	const struct sadb_x_sa_replay *ext = from;

	if (ext->sadb_x_sa_replay_replay > ESPL_REPLAY_MAX)
		return refuse(msg, -EINVAL, "replay window over 4096 packets");
	msg->replay = ext->sadb_x_sa_replay_replay;
	return 0;
}

static int decode_lifetime(struct espl_pfkey_msg *msg, void *to,
			   const void *from, size_t len)
{
	const struct sadb_lifetime *ext = from;
	struct espl_pfkey_life *life = to;

	life->packets = ext->sadb_lifetime_allocations;
	life->bytes = ext->sadb_lifetime_bytes;
	life->addtime = ext->sadb_lifetime_addtime;
	life->usetime = ext->sadb_lifetime_usetime;
	return 0;
}

static int decode_key(struct espl_pfkey_msg *msg, void *to,
		      const void *from, size_t len)
{
	const struct sadb_key *ext = from;
	struct espl_pfkey_key *key = to;
	u16 bits = ext->sadb_key_bits;

	/* No bits at all are a key, too: that of the null cipher. */
	if (bits % 8 || padded(sizeof(*ext) + bits / 8) != len)
		return refuse(msg, -EINVAL, "key bits and key length disagree");
	key->bits = bits;
	key->data = (const u8 *)(ext + 1);
	return 0;
}

static int decode_spirange(struct espl_pfkey_msg *msg, void *to,
			   const void *from, size_t len)
{
	const struct sadb_spirange *ext = from;

	msg->spi_min = ext->sadb_spirange_min;
	msg->spi_max = ext->sadb_spirange_max;
	return 0;
}

/* Any stands for transport, as in policies. */
static bool decode_mode(u8 from, u8 *mode)
{
	*mode = from == IPSEC_MODE_ANY ? IPSEC_MODE_TRANSPORT : from;
	return *mode == IPSEC_MODE_TRANSPORT || *mode == IPSEC_MODE_TUNNEL;
}

static int decode_sa2(struct espl_pfkey_msg *msg, void *to,
		      const void *from, size_t len)
{
	const struct sadb_x_sa2 *ext = from;

	if (!decode_mode(ext->sadb_x_sa2_mode, &msg->mode))
		return refuse(msg, -EINVAL, "neither transport nor tunnel mode");
	msg->reqid = ext->sadb_x_sa2_reqid;
	return 0;
}

static int decode_encap(struct espl_pfkey_msg *msg, void *to,
			const void *from, size_t len)
{
	const struct sadb_x_nat_t_type *ext = from;

	msg->encap = ext->sadb_x_nat_t_type_type;
	return 0;
}

static int decode_port(struct espl_pfkey_msg *msg, void *to,
		       const void *from, size_t len)
{
	const struct sadb_x_nat_t_port *ext = from;

	*(__be16 *)to = ext->sadb_x_nat_t_port_port;
	return 0;
}

/* A tunnel's two endpoints, which fill @len exactly; not padded, of one family. */
static int decode_tunnel(struct espl_pfkey_msg *msg,
			 struct espl_pfkey_request *request,
			 const u8 *from, size_t len)
{
	size_t src, dst;
	__be16 port;
	u8 family;

	src = take_sockaddr(from, len, &request->family, &request->saddr, &port);
	if (!src)
		return refuse(msg, -EINVAL, "bad tunnel source");
	dst = take_sockaddr(from + src, len - src, &family, &request->daddr,
			    &port);
	if (!dst || src + dst != len)
		return refuse(msg, -EINVAL, "bad tunnel destination");
	if (family != request->family)
		return refuse(msg, -EINVAL, "tunnel endpoints of two families");
	return 0;
}

static int decode_ports(struct espl_pfkey_msg *msg, void *to,
			const void *from, size_t len)
{
	const struct sadb_x_ports *ext = from;

	msg->sport.first = ntohs(ext->sadb_x_ports_src_first);
	msg->sport.last = ntohs(ext->sadb_x_ports_src_last);
	msg->dport.first = ntohs(ext->sadb_x_ports_dst_first);
	msg->dport.last = ntohs(ext->sadb_x_ports_dst_last);
	if (msg->sport.first > msg->sport.last || msg->dport.first > msg->dport.last)
		return refuse(msg, -EINVAL, "a range of ports is upside down");
	return 0;
}

static int decode_kmaddress(struct espl_pfkey_msg *msg, void *to,
			    const void *from, size_t len)
{
	size_t head = sizeof(struct sadb_x_kmaddress);

	return decode_tunnel(msg, to, (const u8 *)from + head, len - head);
}

/* Decodes the transform at @from, and says in @taken how long it was. */
static int decode_request(struct espl_pfkey_msg *msg,
			  struct espl_pfkey_request *request,
			  const u8 *from, size_t left, size_t *taken)
{
	const struct sadb_x_ipsecrequest *ext = (const void *)from;
	size_t len;
	int err = 0;

	if (left < sizeof(*ext))
		return refuse(msg, -EINVAL, "truncated transform");
	len = ext->sadb_x_ipsecrequest_len;
	if (len < sizeof(*ext) || len > left)
		return refuse(msg, -EINVAL, "bad length of a transform");
	if (!decode_mode(ext->sadb_x_ipsecrequest_mode, &request->mode))
		return refuse(msg, -EINVAL, "neither transport nor tunnel mode");
	if (ext->sadb_x_ipsecrequest_level > IPSEC_LEVEL_UNIQUE)
		return refuse(msg, -EINVAL, "unknown level of a transform");

	/* libipsec may name endpoints in transport mode: checked, not kept. */
	if (len > sizeof(*ext) || request->mode == IPSEC_MODE_TUNNEL)
		err = decode_tunnel(msg, request, from + sizeof(*ext),
				    len - sizeof(*ext));
	if (request->mode == IPSEC_MODE_TRANSPORT && msg->type != SADB_X_MIGRATE) {
		memset(&request->saddr, 0, sizeof(request->saddr));
		memset(&request->daddr, 0, sizeof(request->daddr));
		request->family = 0;
	}
	request->proto = ext->sadb_x_ipsecrequest_proto;
	request->level = ext->sadb_x_ipsecrequest_level;
	request->reqid = ext->sadb_x_ipsecrequest_reqid;
	*taken = len;
	return err;
}

static int decode_policy(struct espl_pfkey_msg *msg, void *to,
			 const void *from, size_t len)
{
	const struct sadb_x_policy *ext = from;
	struct espl_pfkey_policy *policy = to;
	const u8 *next = (const u8 *)(ext + 1);
	unsigned int most = msg->type == SADB_X_MIGRATE ? 2 * ESPL_PFKEY_REQUESTS :
							  ESPL_PFKEY_REQUESTS;
	size_t left = len - sizeof(*ext), taken;
	int err;

	policy->type = ext->sadb_x_policy_type;
	policy->dir = ext->sadb_x_policy_dir;
	policy->id = ext->sadb_x_policy_id;
	policy->priority = ext->sadb_x_policy_priority;
	for (; left; next += taken, left -= taken) {
		if (policy->requests == most)
			return refuse(msg, -EINVAL, "more than 4 transforms");
		err = decode_request(msg, &policy->request[policy->requests],
				     next, left, &taken);
		if (err)
			return err;
		policy->requests++;
	}
	return 0;
}

/**
 * struct ext_rule - what an extension must look like
 * @size: its length in octets, header included; the least, unless @exact
 * @exact: no other length will do
 * @to: where its contents go within the message
 * @decode: checks and takes the contents; NULL: they are not used
 */
struct ext_rule {
	size_t size;
	bool exact;
	size_t to;
	int (*decode)(struct espl_pfkey_msg *msg, void *to,
		      const void *from, size_t len);
};

#define EXACT(type)	.size = sizeof(struct type), .exact = true
#define LEAST(type)	.size = sizeof(struct type)
#define TO(field)	.to = offsetof(struct espl_pfkey_msg, field)

static const struct ext_rule ext_rules[] = {
	[SADB_EXT_SA] = { EXACT(sadb_sa), .decode = decode_sa },
	[SADB_EXT_LIFETIME_CURRENT] = { EXACT(sadb_lifetime) },
	[SADB_EXT_LIFETIME_HARD] = {
		EXACT(sadb_lifetime), TO(hard), .decode = decode_lifetime,
	},
	[SADB_EXT_LIFETIME_SOFT] = {
		EXACT(sadb_lifetime), TO(soft), .decode = decode_lifetime,
	},
	[SADB_EXT_ADDRESS_SRC] = {
		LEAST(sadb_address), TO(src), .decode = decode_address,
	},
	[SADB_EXT_ADDRESS_DST] = {
		LEAST(sadb_address), TO(dst), .decode = decode_address,
	},
	[SADB_EXT_ADDRESS_PROXY] = { LEAST(sadb_address) },
	[SADB_EXT_KEY_AUTH] = {
		LEAST(sadb_key), TO(authkey), .decode = decode_key,
	},
	[SADB_EXT_KEY_ENCRYPT] = {
		LEAST(sadb_key), TO(enckey), .decode = decode_key,
	},
	[SADB_EXT_IDENTITY_SRC] = { LEAST(sadb_ident) },
	[SADB_EXT_IDENTITY_DST] = { LEAST(sadb_ident) },
	[SADB_EXT_SENSITIVITY] = { LEAST(sadb_sens) },
	[SADB_EXT_PROPOSAL] = { LEAST(sadb_prop) },
	[SADB_EXT_SUPPORTED_AUTH] = { LEAST(sadb_supported) },
	[SADB_EXT_SUPPORTED_ENCRYPT] = { LEAST(sadb_supported) },
	[SADB_EXT_SPIRANGE] = {
		EXACT(sadb_spirange), .decode = decode_spirange,
	},
	[SADB_X_EXT_KMPRIVATE] = { LEAST(sadb_x_kmprivate) },
	[SADB_X_EXT_POLICY] = {
		LEAST(sadb_x_policy), TO(policy), .decode = decode_policy,
	},
	[SADB_X_EXT_SA2] = { EXACT(sadb_x_sa2), .decode = decode_sa2 },
	[SADB_X_EXT_NAT_T_TYPE] = {
		EXACT(sadb_x_nat_t_type), .decode = decode_encap,
	},
	[SADB_X_EXT_NAT_T_SPORT] = {
		EXACT(sadb_x_nat_t_port), TO(encap_sport), .decode = decode_port,
	},
	[SADB_X_EXT_NAT_T_DPORT] = {
		EXACT(sadb_x_nat_t_port), TO(encap_dport), .decode = decode_port,
	},
	[SADB_X_EXT_NAT_T_OA] = {
		LEAST(sadb_address), TO(encap_original), .decode = decode_address,
	},
	[SADB_X_EXT_SEC_CTX] = { LEAST(sadb_x_sec_ctx) },
	[SADB_X_EXT_KMADDRESS] = {
		LEAST(sadb_x_kmaddress), TO(km), .decode = decode_kmaddress,
	},
	[SADB_X_EXT_FILTER] = { EXACT(sadb_x_filter) },
	[SADB_X_EXT_SA_REPLAY] = {
		EXACT(sadb_x_sa_replay), .decode = decode_replay,
	},
	[SADB_X_EXT_NEW_ADDRESS_SRC] = {
		LEAST(sadb_address), TO(new_src), .decode = decode_address,
	},
	[SADB_X_EXT_NEW_ADDRESS_DST] = {
		LEAST(sadb_address), TO(new_dst), .decode = decode_address,
	},
	[SADB_X_EXT_TRIGGER_SRC] = { LEAST(sadb_address) },
	[SADB_X_EXT_TRIGGER_DST] = { LEAST(sadb_address) },
	[SADB_X_EXT_PORTS] = { EXACT(sadb_x_ports), .decode = decode_ports },
};

/* Messages: rules between extensions, still without a look at any state. */

static int check_satype(struct espl_pfkey_msg *msg)
{
	switch (msg->satype) {
	case SADB_SATYPE_UNSPEC:
	case SADB_SATYPE_AH:
	case SADB_SATYPE_ESP:
	case SADB_X_SATYPE_IPCOMP:
		return 0;
	default:
		return refuse(msg, -EINVAL, "unknown SA type");
	}
}

static int check_esp_or_ah(struct espl_pfkey_msg *msg)
{
	int err = check_satype(msg);

	if (err || msg->satype == SADB_SATYPE_ESP || msg->satype == SADB_SATYPE_AH)
		return err;
	if (msg->satype == SADB_SATYPE_UNSPEC)
		return refuse(msg, -EINVAL, "no SA type given");
	return refuse(msg, -EPROTONOSUPPORT, "IPComp is not supported");
}

static int check_pair(struct espl_pfkey_msg *msg)
{
	if (msg->src.family != msg->dst.family)
		return refuse(msg, -EINVAL, "addresses of two families");
	if (msg->src.proto != msg->dst.proto)
		return refuse(msg, -EINVAL, "addresses of two protocols");
	return 0;
}

static int check_sa_name(struct espl_pfkey_msg *msg)
{
	int err = check_esp_or_ah(msg);

	return err ?: check_pair(msg);
}

static int check_encap(struct espl_pfkey_msg *msg)
{
	if (msg->encap != UDP_ENCAP_ESPINUDP)
		return refuse(msg, -EOPNOTSUPP,
			      "encapsulation other than ESP in UDP (RFC 3948)");
	if (msg->satype != SADB_SATYPE_ESP)
		return refuse(msg, -EINVAL, "only ESP goes in UDP");
	if (!msg->encap_sport || !msg->encap_dport)
		return refuse(msg, -EINVAL, "ESP in UDP, but no ports");
	return 0;
}

/* What GETSPI, ADD and UPDATE have in common: an SA that could exist. */
static int check_sa_new(struct espl_pfkey_msg *msg)
{
	int err = check_sa_name(msg);

	if (err)
		return err;
	if (is_any(&msg->dst))
		return refuse(msg, -EINVAL, "no destination address");
	if (msg->exts & ESPL_EXT(SADB_X_EXT_SEC_CTX))
		return refuse(msg, -EOPNOTSUPP, "security labels unsupported");
	return msg->encap ? check_encap(msg) : 0;
}

static int check_getspi(struct espl_pfkey_msg *msg)
{
	int err = check_sa_new(msg);

	if (err)
		return err;
	if (!(msg->exts & ESPL_EXT(SADB_EXT_SPIRANGE))) {
		msg->spi_min = ESPL_PFKEY_SPI_MIN;
		msg->spi_max = ESPL_PFKEY_SPI_MAX;
	}
	if (msg->spi_min < ESPL_PFKEY_SPI_MIN)
		return refuse(msg, -EINVAL, "SPIs 0 to 255 are reserved");
	if (msg->spi_min > msg->spi_max)
		return refuse(msg, -EINVAL, "the SPI range is upside down");
	return 0;
}

#define FORBIDDEN	"an algorithm that MUST NOT be used (RFC 8221), unless the module has allow_weak=1"

/* ENOSYS is what af_key answers, and keyers then propose something else. */
static int refuse_algorithm(struct espl_pfkey_msg *msg, const char *why)
{
	return refuse(msg, -ENOSYS, why);
}

static int check_encryption(struct espl_pfkey_msg *msg)
{
	if (msg->enc_id == SADB_EALG_NONE)
		return refuse(msg, -EINVAL, "no encryption algorithm");
	msg->enc = espl_alg_enc(msg->enc_id);
	if (!msg->enc)
		return refuse_algorithm(msg, espl_alg_forbidden(false, msg->enc_id) ?
					FORBIDDEN : "encryption algorithm not known");
	if (espl_alg_key_ok(msg->enc, msg->enckey.bits))
		return 0;
	if (!msg->enckey.bits)
		return refuse(msg, -EINVAL, "no encryption key");
	return refuse(msg, -EINVAL, "encryption key of a wrong length");
}

static int check_integrity(struct espl_pfkey_msg *msg)
{
	if (msg->auth_id == SADB_AALG_NONE || msg->auth_id == SADB_X_AALG_NULL)
		return refuse(msg, -EINVAL,
			      "an SA without integrity (RFC 8221 section 4)");
	msg->auth = espl_alg_auth(msg->auth_id);
	if (!msg->auth)
		return refuse_algorithm(msg, espl_alg_forbidden(true, msg->auth_id) ?
					FORBIDDEN : "integrity algorithm not known");
	if (espl_alg_key_ok(msg->auth, msg->authkey.bits))
		return 0;
	if (!msg->authkey.bits)
		return refuse(msg, -EINVAL, "no integrity key");
	return refuse(msg, -EINVAL, "integrity key of a wrong length");
}

static int check_esp_algs(struct espl_pfkey_msg *msg)
{
	int err = check_encryption(msg);

	if (err)
		return err;
	if (msg->enc->kind != ESPL_ALG_AEAD)
		return check_integrity(msg);
	if (msg->auth_id || msg->authkey.bits)
		return refuse(msg, -EINVAL,
			      "a combined algorithm has integrity of its own");
	return 0;
}

static int check_ah_algs(struct espl_pfkey_msg *msg)
{
	if (msg->enc_id || msg->enckey.bits)
		return refuse(msg, -EINVAL, "AH does not encrypt");
	return check_integrity(msg);
}

static int check_add(struct espl_pfkey_msg *msg)
{
	int err = check_sa_new(msg);

	if (err)
		return err;
	if (ntohl(msg->spi) < ESPL_PFKEY_SPI_MIN)
		return refuse(msg, -EINVAL, "SPIs 0 to 255 are reserved");
	return msg->satype == SADB_SATYPE_AH ? check_ah_algs(msg) :
					       check_esp_algs(msg);
}

/* Where an SA moves to; nowhere, if the message does not say. */
static int check_new_addresses(struct espl_pfkey_msg *msg)
{
	if (!(msg->exts & ESPL_EXT(SADB_X_EXT_NEW_ADDRESS_SRC)))
		msg->new_src = msg->src;
	if (!(msg->exts & ESPL_EXT(SADB_X_EXT_NEW_ADDRESS_DST)))
		msg->new_dst = msg->dst;
	if (msg->new_src.family != msg->new_dst.family)
		return refuse(msg, -EINVAL, "new addresses of two families");
	if (is_any(&msg->new_dst))
		return refuse(msg, -EINVAL, "no new destination address");
	return 0;
}

/* Without keys, an SA keeps those that it has, and all that is about them. */
static int check_update(struct espl_pfkey_msg *msg)
{
	int err = check_new_addresses(msg);

	if (err || (msg->exts & ESPL_EXT_KEYS))
		return err ?: check_add(msg);
	return check_sa_new(msg);
}

/* From a keyer, it says that there will be no SA. It is we who ask for one. */
static int check_acquire(struct espl_pfkey_msg *msg)
{
	if (!msg->error)
		return refuse(msg, -EINVAL, "an ACQUIRE that reports no error");
	return check_satype(msg);
}

/* PROMISC has its switch where others have the SA type (RFC 2367 3.1.11). */
static int check_promisc(struct espl_pfkey_msg *msg)
{
	if (msg->satype > 1)
		return refuse(msg, -EINVAL, "neither on nor off");
	return 0;
}

static int check_spd_name(struct espl_pfkey_msg *msg)
{
	switch (msg->policy.dir) {
	case IPSEC_DIR_INBOUND:
	case IPSEC_DIR_OUTBOUND:
	case IPSEC_DIR_FWD:
		break;
	default:
		return refuse(msg, -EINVAL, "direction not in, out or fwd");
	}
	if (msg->exts & ESPL_EXT(SADB_X_EXT_SEC_CTX))
		return refuse(msg, -EOPNOTSUPP, "security labels unsupported");
	return check_pair(msg);
}

static int check_transform(struct espl_pfkey_msg *msg,
			   const struct espl_pfkey_request *request)
{
	if (request->proto != IPPROTO_ESP && request->proto != IPPROTO_AH)
		return refuse(msg, -EPROTONOSUPPORT,
			      "no transform but ESP and AH is supported");
	/* A tunnel that may be left out would change the packet's addresses. */
	if (request->mode == IPSEC_MODE_TUNNEL &&
	    request->level == IPSEC_LEVEL_USE &&
	    msg->policy.dir == IPSEC_DIR_OUTBOUND)
		return refuse(msg, -EINVAL, "an outbound tunnel of level use");
	return 0;
}

static int check_spdadd(struct espl_pfkey_msg *msg)
{
	const struct espl_pfkey_policy *policy = &msg->policy;
	int err = check_spd_name(msg);

	if (err)
		return err;
	switch (policy->type) {
	case IPSEC_POLICY_IPSEC:
		if (!policy->requests)
			return refuse(msg, -EINVAL, "ipsec, but no transform");
		break;
	case IPSEC_POLICY_DISCARD:
	case IPSEC_POLICY_NONE:
		if (policy->requests)
			return refuse(msg, -EINVAL,
				      "transforms, but not of type ipsec");
		break;
	default:
		return refuse(msg, -EINVAL, "type not discard, none or ipsec");
	}
	for (unsigned int i = 0; !err && i < policy->requests; i++)
		err = check_transform(msg, &policy->request[i]);
	return err;
}

/* Pairs of transforms that differ in their addresses. */
static int check_migrate(struct espl_pfkey_msg *msg)
{
	const struct espl_pfkey_policy *policy = &msg->policy;
	int err = check_spd_name(msg);

	if (err)
		return err;
	if (!policy->requests || policy->requests % 2)
		return refuse(msg, -EINVAL, "not pairs of old and new transforms");
	for (unsigned int i = 0; i < policy->requests; i += 2) {
		const struct espl_pfkey_request *old = &policy->request[i];
		const struct espl_pfkey_request *new = old + 1;

		if (!old->family || !new->family)
			return refuse(msg, -EINVAL, "a transform without addresses");
		if (old->proto != new->proto || old->mode != new->mode ||
		    old->reqid != new->reqid)
			return refuse(msg, -EINVAL,
				      "old and new differ in more than addresses");
		if (old->family == new->family &&
		    !memcmp(&old->saddr, &new->saddr, sizeof(old->saddr)) &&
		    !memcmp(&old->daddr, &new->daddr, sizeof(old->daddr)))
			return refuse(msg, -EINVAL, "old and new are the same");
		err = check_transform(msg, new);
		if (err)
			return err;
	}
	return 0;
}

/**
 * struct msg_rule - what a message must look like
 * @name: for the log; NULL where we do not answer this type
 * @needs: extensions that must be there
 * @takes: extensions that may be there too
 * @check: what else must hold; NULL if nothing
 */
struct msg_rule {
	const char *name;
	u64 needs;
	u64 takes;
	int (*check)(struct espl_pfkey_msg *msg);
};

#define PAIR	(ESPL_EXT(SADB_EXT_ADDRESS_SRC) |			\
		 ESPL_EXT(SADB_EXT_ADDRESS_DST))
#define NAME	(ESPL_EXT(SADB_EXT_SA) | PAIR)
#define LIVES	(ESPL_EXT(SADB_EXT_LIFETIME_CURRENT) |			\
		 ESPL_EXT(SADB_EXT_LIFETIME_HARD) |			\
		 ESPL_EXT(SADB_EXT_LIFETIME_SOFT))
/* setkey and libipsec send all they know of an SA in every message about it. */
#define ABOUT	(ESPL_EXT(SADB_EXT_SA) | LIVES | ESPL_EXT_KEYS |	\
		 ESPL_EXT(SADB_EXT_ADDRESS_PROXY) |			\
		 ESPL_EXT(SADB_EXT_IDENTITY_SRC) |			\
		 ESPL_EXT(SADB_EXT_IDENTITY_DST) |			\
		 ESPL_EXT(SADB_EXT_SPIRANGE) |				\
		 ESPL_EXT(SADB_X_EXT_SA2) |				\
		 ESPL_EXT(SADB_X_EXT_NAT_T_TYPE) |			\
		 ESPL_EXT(SADB_X_EXT_NAT_T_SPORT) |			\
		 ESPL_EXT(SADB_X_EXT_NAT_T_DPORT) |			\
		 ESPL_EXT(SADB_X_EXT_NAT_T_OA) |			\
		 ESPL_EXT(SADB_X_EXT_SEC_CTX) |				\
		 ESPL_EXT(SADB_X_EXT_SA_REPLAY))
#define POLICY	ESPL_EXT(SADB_X_EXT_POLICY)
/* Where nothing else is said: this socket knows the newer extensions. */
#define OPTIN	ESPL_EXT(SADB_X_EXT_SA_REPLAY)
#define BESIDE	(LIVES | ESPL_EXT(SADB_EXT_ADDRESS_PROXY) |		\
		 ESPL_EXT(SADB_X_EXT_SA2) | ESPL_EXT(SADB_X_EXT_SEC_CTX) |	\
		 ESPL_EXT(SADB_X_EXT_PORTS) | OPTIN)

static const struct msg_rule msg_rules[SADB_MAX + 1] = {
	[SADB_GETSPI] = { "SADB_GETSPI", PAIR, ABOUT, check_getspi },
	[SADB_UPDATE] = {
		"SADB_UPDATE", NAME,
		ABOUT | ESPL_EXT(SADB_X_EXT_NEW_ADDRESS_SRC) |
		ESPL_EXT(SADB_X_EXT_NEW_ADDRESS_DST), check_update,
	},
	[SADB_ADD] = { "SADB_ADD", NAME, ABOUT, check_add },
	[SADB_DELETE] = { "SADB_DELETE", NAME, ABOUT, check_sa_name },
	[SADB_GET] = { "SADB_GET", NAME, ABOUT, check_sa_name },
	[SADB_ACQUIRE] = { "SADB_ACQUIRE", 0, 0, check_acquire },
	[SADB_REGISTER] = { "SADB_REGISTER", 0, OPTIN, check_satype },
	[SADB_FLUSH] = { "SADB_FLUSH", 0, 0, check_satype },
	[SADB_DUMP] = { "SADB_DUMP", 0, OPTIN, check_satype },
	[SADB_X_PROMISC] = { "SADB_X_PROMISC", 0, 0, check_promisc },
	[SADB_X_SPDUPDATE] = {
		"SADB_X_SPDUPDATE", PAIR | POLICY, BESIDE, check_spdadd,
	},
	[SADB_X_SPDADD] = {
		"SADB_X_SPDADD", PAIR | POLICY, BESIDE, check_spdadd,
	},
	[SADB_X_SPDDELETE] = {
		"SADB_X_SPDDELETE", PAIR | POLICY, BESIDE, check_spd_name,
	},
	[SADB_X_SPDGET] = { "SADB_X_SPDGET", POLICY, PAIR | BESIDE },
	[SADB_X_SPDDELETE2] = { "SADB_X_SPDDELETE2", POLICY, PAIR | BESIDE },
	[SADB_X_MIGRATE] = {
		"SADB_X_MIGRATE", PAIR | POLICY,
		ESPL_EXT(SADB_X_EXT_KMADDRESS) | ESPL_EXT(SADB_X_EXT_PORTS),
		check_migrate,
	},
	[SADB_X_SPDDUMP] = { "SADB_X_SPDDUMP", 0, OPTIN },
	[SADB_X_SPDFLUSH] = { "SADB_X_SPDFLUSH" },
};

/* The walk. */

static int take_ext(struct espl_pfkey_msg *msg, u64 legal, unsigned int type,
		    const u8 *from, size_t len)
{
	const struct ext_rule *rule = &ext_rules[type];
	u64 bit = ESPL_EXT(type);
	int err = 0;

	if (msg->exts & bit)
		return refuse(msg, -EINVAL, "an extension comes twice");
	if (!(legal & bit))
		return refuse(msg, -EINVAL,
			      "an extension that does not belong here");
	if (rule->exact ? len != rule->size : len < rule->size)
		return refuse(msg, -EINVAL, "bad length of an extension");
	if (rule->decode)
		err = rule->decode(msg, (u8 *)msg + rule->to, from, len);
	msg->exts |= bit;
	return err;
}

/* @left is a multiple of WORD throughout, so a header is never cut. */
static int walk(struct espl_pfkey_msg *msg, u64 legal, const u8 *from,
		size_t left)
{
	const struct sadb_ext *ext;
	unsigned int type;
	size_t len;
	int err;

	for (; left; from += len, left -= len) {
		ext = (const void *)from;
		len = ext->sadb_ext_len * WORD;
		type = ext->sadb_ext_type;
		if (!len)
			return refuse(msg, -EINVAL, "extension of length 0");
		if (len > left)
			return refuse(msg, -EINVAL, "truncated extension");
		if (type == SADB_EXT_RESERVED)
			return refuse(msg, -EINVAL, "extension of type 0");
		if (type >= ARRAY_SIZE(ext_rules))
			continue;	/* from the future (RFC 2367 2.2) */
		err = take_ext(msg, legal, type, from, len);
		if (err)
			return err;
	}
	return 0;
}

/**
 * espl_pfkey_parse_base() - decode and check the base header (RFC 2367 2.1)
 * @data: the datagram
 * @len: its length in octets
 * @msg: cleared; then what the header says
 *
 * A datagram refused here is not fit to be answered by a message.
 *
 * Context: Any.
 * Return: 0; -EMSGSIZE when shorter than a header or of another length than
 *	   its header says; -EINVAL for another version or an unknown type.
 */
int espl_pfkey_parse_base(const void *data, size_t len,
			  struct espl_pfkey_msg *msg)
{
	const struct sadb_msg *base = data;

	memset(msg, 0, sizeof(*msg));
	if (len < sizeof(*base))
		return -EMSGSIZE;
	if (base->sadb_msg_version != PF_KEY_V2 ||
	    base->sadb_msg_type == SADB_RESERVED ||
	    base->sadb_msg_type > SADB_MAX)
		return -EINVAL;
	if ((size_t)base->sadb_msg_len * WORD != len)
		return -EMSGSIZE;
	msg->type = base->sadb_msg_type;
	msg->satype = base->sadb_msg_satype;
	if (msg->type == SADB_ACQUIRE)
		msg->error = base->sadb_msg_errno;
	msg->seq = base->sadb_msg_seq;
	msg->pid = base->sadb_msg_pid;
	return 0;
}

/**
 * espl_pfkey_parse() - decode and check all that follows the base header
 * @data: the datagram, which must outlive @msg: keys are left in it
 * @len: its length in octets
 * @msg: as espl_pfkey_parse_base() left it; then the whole request
 *
 * Context: Any.
 * Return: 0; else, with @msg->why in words: -EINVAL for what is malformed or
 *	   makes no sense, -EOPNOTSUPP for messages and features that we do not
 *	   have, -EPROTONOSUPPORT for IPComp, -ENOSYS for algorithms
 *	   that we do not have.
 */
int espl_pfkey_parse(const void *data, size_t len, struct espl_pfkey_msg *msg)
{
	const struct msg_rule *rule = &msg_rules[msg->type];
	size_t head = sizeof(struct sadb_msg);
	int err;

	if (!rule->name)
		return refuse(msg, -EOPNOTSUPP, "not a request we answer");
	msg->mode = IPSEC_MODE_TRANSPORT;
	err = walk(msg, rule->needs | rule->takes, (const u8 *)data + head,
		   len - head);
	if (err)
		return err;
	if (rule->needs & ~msg->exts)
		return refuse(msg, -EINVAL, "an extension is missing");
	return rule->check ? rule->check(msg) : 0;
}

/**
 * espl_pfkey_name() - a message type's name
 * @type: SADB_*, at most SADB_MAX
 *
 * Context: Any.
 * Return: The name, or a word for it where we do not answer the type.
 */
const char *espl_pfkey_name(u8 type)
{
	return msg_rules[type].name ?: "PF_KEY message";
}
