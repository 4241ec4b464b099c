// SPDX-License-Identifier: GPL-2.0-only
/*
 * pfkey_build.c - writing PF_KEY messages (RFC 2367 section 2)
 *
 * Owns every octet that goes to a keyer. A message is written into a zeroed
 * buffer and its size is what was written, so sizes cannot be estimated wrong
 * and nothing uninitialised can leave. Called by pfkey_msg.c.
 */
#include "pfkey_build.h"

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/skbuff.h>

static void *put(struct espl_pfkey_build *build, unsigned int size)
{
	void *at = build->data + build->len;

	size = ALIGN(size, 8);
	/* A message that does not fit is a bug of ours; it is not sent. */
	if (build->len + size > sizeof(build->data)) {
		build->len = 0;
		return build->data;
	}
	build->len += size;
	return at;
}

static void *put_ext(struct espl_pfkey_build *build, u16 type, unsigned int size)
{
	struct sadb_ext *ext = put(build, size);

	ext->sadb_ext_len = ALIGN(size, 8) / 8;
	ext->sadb_ext_type = type;
	return ext;
}

/**
 * espl_put_head() - begin a message
 * @build: what was in it before is forgotten
 * @head: what its header says
 *
 * Context: Any.
 */
void espl_put_head(struct espl_pfkey_build *build,
		   const struct espl_pfkey_head *head)
{
	struct sadb_msg *msg;

	memset(build, 0, sizeof(*build));
	msg = put(build, sizeof(*msg));
	msg->sadb_msg_version = PF_KEY_V2;
	msg->sadb_msg_type = head->type;
	msg->sadb_msg_errno = head->error;
	msg->sadb_msg_satype = head->satype;
	msg->sadb_msg_reserved = head->reserved;
	msg->sadb_msg_seq = head->seq;
	msg->sadb_msg_pid = head->pid;
}

static unsigned int sockaddr_len(u8 family)
{
	return family == AF_INET ? sizeof(struct sockaddr_in) :
				   sizeof(struct sockaddr_in6);
}

static void fill_sockaddr(void *to, u8 family, const union nf_inet_addr *addr,
			  __be16 port)
{
	struct sockaddr_in6 *sin6 = to;
	struct sockaddr_in *sin = to;

	if (family == AF_INET) {
		sin->sin_family = AF_INET;
		sin->sin_port = port;
		sin->sin_addr = addr->in;
	} else {
		sin6->sin6_family = AF_INET6;
		sin6->sin6_port = port;
		sin6->sin6_addr = addr->in6;
	}
}

static void put_address(struct espl_pfkey_build *build, u16 type, u8 family,
			const union nf_inet_addr *addr, u8 plen, u8 proto,
			__be16 port)
{
	struct sadb_address *ext;

	ext = put_ext(build, type, sizeof(*ext) + sockaddr_len(family));
	ext->sadb_address_proto = proto;
	ext->sadb_address_prefixlen = plen;
	fill_sockaddr(ext + 1, family, addr, port);
}

static void put_lifetime(struct espl_pfkey_build *build, u16 type,
			 const struct espl_lifetime *life)
{
	struct sadb_lifetime *ext = put_ext(build, type, sizeof(*ext));

	ext->sadb_lifetime_allocations = life->packets;
	ext->sadb_lifetime_bytes = life->bytes;
	ext->sadb_lifetime_addtime = life->addtime;
	ext->sadb_lifetime_usetime = life->usetime;
}

static void put_key(struct espl_pfkey_build *build, u16 type,
		    const struct espl_key *key)
{
	struct sadb_key *ext;

	if (!key->bits)
		return;
	ext = put_ext(build, type, sizeof(*ext) + key->bits / 8);
	ext->sadb_key_bits = key->bits;
	memcpy(ext + 1, key->data, key->bits / 8);
}

/* Before an extension that not every socket knows. */
static void put_modern(struct espl_pfkey_build *build)
{
	if (!build->plain)
		build->plain = build->len;
}

static void put_window(struct espl_pfkey_build *build, const struct espl_sa *sa)
{
	struct sadb_x_sa_replay *ext;

	put_modern(build);
	ext = put_ext(build, SADB_X_EXT_SA_REPLAY, sizeof(*ext));
	ext->sadb_x_sa_replay_replay = sa->conf.replay;
}

static void put_port(struct espl_pfkey_build *build, u16 type, __be16 port)
{
	struct sadb_x_nat_t_port *ext = put_ext(build, type, sizeof(*ext));

	ext->sadb_x_nat_t_port_port = port;
}

static void put_encap(struct espl_pfkey_build *build,
		      const struct espl_sa_conf *conf)
{
	struct sadb_x_nat_t_type *type;

	type = put_ext(build, SADB_X_EXT_NAT_T_TYPE, sizeof(*type));
	type->sadb_x_nat_t_type_type = conf->encap;
	put_port(build, SADB_X_EXT_NAT_T_SPORT, conf->encap_sport);
	put_port(build, SADB_X_EXT_NAT_T_DPORT, conf->encap_dport);
	if (conf->encap_oa)
		put_address(build, SADB_X_EXT_NAT_T_OA, conf->family,
			    &conf->encap_original, espl_addr_bits(conf->family),
			    0, 0);
}

static void put_names(struct espl_pfkey_build *build, const struct espl_sa *sa)
{
	const struct espl_sa_conf *conf = &sa->conf;
	struct sadb_sa *ext = put_ext(build, SADB_EXT_SA, sizeof(*ext));
	struct sadb_x_sa2 *sa2;

	ext->sadb_sa_spi = conf->spi;
	ext->sadb_sa_replay = min_t(u32, conf->replay, 255);
	ext->sadb_sa_state = READ_ONCE(sa->state);
	ext->sadb_sa_auth = conf->auth ? conf->auth->id : SADB_AALG_NONE;
	ext->sadb_sa_encrypt = conf->enc ? conf->enc->id : SADB_EALG_NONE;
	ext->sadb_sa_flags = conf->flags;
	sa2 = put_ext(build, SADB_X_EXT_SA2, sizeof(*sa2));
	sa2->sadb_x_sa2_mode = conf->mode;
	sa2->sadb_x_sa2_reqid = conf->reqid;
}

/**
 * espl_put_sa() - all that there is to say of an SA
 * @build: a message begun
 * @sa: the SA
 * @what: ESPL_PUT_*
 *
 * Context: Any.
 */
void espl_put_sa(struct espl_pfkey_build *build, const struct espl_sa *sa,
		 unsigned int what)
{
	const struct espl_sa_conf *conf = &sa->conf;
	u8 bits = espl_addr_bits(conf->family);
	struct espl_lifetime used;

	put_names(build, sa);
	espl_sa_current(sa, &used);
	put_lifetime(build, SADB_EXT_LIFETIME_CURRENT, &used);
	if (what & ESPL_PUT_HARD)
		put_lifetime(build, SADB_EXT_LIFETIME_HARD, &conf->hard);
	if (what & ESPL_PUT_SOFT)
		put_lifetime(build, SADB_EXT_LIFETIME_SOFT, &conf->soft);
	put_address(build, SADB_EXT_ADDRESS_SRC, conf->family, &conf->saddr,
		    bits, 0, 0);
	put_address(build, SADB_EXT_ADDRESS_DST, conf->family, &conf->daddr,
		    bits, 0, 0);
	if (what & ESPL_PUT_KEYS) {
		put_key(build, SADB_EXT_KEY_AUTH, &conf->authkey);
		put_key(build, SADB_EXT_KEY_ENCRYPT, &conf->enckey);
	}
	if (conf->encap)
		put_encap(build, conf);
	if (conf->replay > 255)
		put_window(build, sa);
}

/**
 * espl_put_mapping() - that a peer's packets come from elsewhere
 * @build: a message begun
 * @sa: the inbound SA
 * @from: where they came from
 * @to: where they come from now
 *
 * As af_key writes it: source is the old address, destination the new one.
 *
 * Context: Any.
 */
void espl_put_mapping(struct espl_pfkey_build *build, const struct espl_sa *sa,
		      const struct espl_mapping *from,
		      const struct espl_mapping *to)
{
	u8 family = sa->conf.family;
	u8 bits = espl_addr_bits(family);

	put_names(build, sa);
	put_address(build, SADB_EXT_ADDRESS_SRC, family, &from->addr, bits, 0, 0);
	put_port(build, SADB_X_EXT_NAT_T_SPORT, from->port);
	put_address(build, SADB_EXT_ADDRESS_DST, family, &to->addr, bits, 0, 0);
	put_port(build, SADB_X_EXT_NAT_T_DPORT, to->port);
}

static unsigned int tmpl_len(const struct espl_tmpl *tmpl)
{
	unsigned int len = sizeof(struct sadb_x_ipsecrequest);

	if (tmpl->mode == IPSEC_MODE_TUNNEL)
		len += 2 * sockaddr_len(tmpl->family);
	return ALIGN(len, 8);
}

static void fill_tmpl(void *to, const struct espl_tmpl *tmpl)
{
	struct sadb_x_ipsecrequest *request = to;
	u8 *addr = (u8 *)(request + 1);

	request->sadb_x_ipsecrequest_len = tmpl_len(tmpl);
	request->sadb_x_ipsecrequest_proto = tmpl->proto;
	request->sadb_x_ipsecrequest_mode = tmpl->mode;
	request->sadb_x_ipsecrequest_level = tmpl->level;
	request->sadb_x_ipsecrequest_reqid = tmpl->reqid;
	if (tmpl->mode != IPSEC_MODE_TUNNEL)
		return;
	fill_sockaddr(addr, tmpl->family, &tmpl->saddr, 0);
	fill_sockaddr(addr + sockaddr_len(tmpl->family), tmpl->family,
		      &tmpl->daddr, 0);
}

static void fill_policy(struct sadb_x_policy *ext, const struct espl_policy *policy)
{
	ext->sadb_x_policy_type = policy->action;
	ext->sadb_x_policy_dir = policy->dir + 1;
	ext->sadb_x_policy_id = policy->id;
	ext->sadb_x_policy_priority = policy->priority;
}

static void put_transforms(struct espl_pfkey_build *build,
			   const struct espl_policy *policy)
{
	unsigned int len = sizeof(struct sadb_x_policy);
	struct sadb_x_policy *ext;
	u8 *to;

	for (unsigned int i = 0; i < policy->tmpls; i++)
		len += tmpl_len(&policy->tmpl[i]);
	ext = put_ext(build, SADB_X_EXT_POLICY, len);
	fill_policy(ext, policy);
	to = (u8 *)(ext + 1);
	for (unsigned int i = 0; i < policy->tmpls; i++) {
		fill_tmpl(to, &policy->tmpl[i]);
		to += tmpl_len(&policy->tmpl[i]);
	}
}

static void put_ports(struct espl_pfkey_build *build, struct espl_range sport,
		      struct espl_range dport)
{
	struct sadb_x_ports *ext;

	put_modern(build);
	ext = put_ext(build, SADB_X_EXT_PORTS, sizeof(*ext));
	ext->sadb_x_ports_src_first = htons(sport.first);
	ext->sadb_x_ports_src_last = htons(sport.last);
	ext->sadb_x_ports_dst_first = htons(dport.first);
	ext->sadb_x_ports_dst_last = htons(dport.last);
}

/**
 * espl_put_policy() - all that there is to say of a policy
 * @build: a message begun
 * @policy: the policy
 *
 * Context: Any.
 */
void espl_put_policy(struct espl_pfkey_build *build,
		     const struct espl_policy *policy)
{
	const struct espl_sel *sel = &policy->sel;
	u8 proto = sel->proto ?: IPSEC_PROTO_ANY;
	struct espl_lifetime none = {};
	struct espl_lifetime used = {
		.addtime = espl_wall_seconds(policy->created),
		.usetime = espl_wall_seconds(READ_ONCE(policy->last_used)),
	};

	put_transforms(build, policy);
	put_address(build, SADB_EXT_ADDRESS_SRC, sel->family, &sel->saddr,
		    sel->splen, proto, htons(sel->sport.first));
	put_address(build, SADB_EXT_ADDRESS_DST, sel->family, &sel->daddr,
		    sel->dplen, proto, htons(sel->dport.first));
	put_lifetime(build, SADB_EXT_LIFETIME_CURRENT, &used);
	put_lifetime(build, SADB_EXT_LIFETIME_HARD, &policy->hard);
	put_lifetime(build, SADB_EXT_LIFETIME_SOFT, &none);
	/* The addresses have the first of each, where 0 stands for any, too. */
	if (!espl_range_is_any(sel->sport) || !espl_range_is_any(sel->dport))
		put_ports(build, sel->sport, sel->dport);
}

static void put_given(struct espl_pfkey_build *build, u16 type,
		      const struct espl_pfkey_addr *addr)
{
	put_address(build, type, addr->family, &addr->addr, addr->plen, addr->proto,
		    addr->port);
}

static unsigned int pair_len(const struct espl_pfkey_request *pair)
{
	return 2 * sockaddr_len(pair->family);
}

static void fill_pair(void *to, const struct espl_pfkey_request *pair)
{
	fill_sockaddr(to, pair->family, &pair->saddr, 0);
	fill_sockaddr(to + sockaddr_len(pair->family), pair->family, &pair->daddr, 0);
}

static void put_pairs(struct espl_pfkey_build *build,
		      const struct espl_pfkey_policy *policy)
{
	struct sadb_x_policy *ext = put_ext(build, SADB_X_EXT_POLICY, sizeof(*ext));

	ext->sadb_x_policy_type = IPSEC_POLICY_IPSEC;
	ext->sadb_x_policy_dir = policy->dir;
	for (unsigned int i = 0; i < policy->requests; i++) {
		const struct espl_pfkey_request *from = &policy->request[i];
		struct sadb_x_ipsecrequest *to;
		unsigned int len = ALIGN(sizeof(*to) + pair_len(from), 8);

		to = put(build, len);
		to->sadb_x_ipsecrequest_len = len;
		to->sadb_x_ipsecrequest_proto = from->proto;
		to->sadb_x_ipsecrequest_mode = from->mode;
		to->sadb_x_ipsecrequest_level = from->level;
		to->sadb_x_ipsecrequest_reqid = from->reqid;
		fill_pair(to + 1, from);
		ext->sadb_x_policy_len += len / 8;
	}
}

/**
 * espl_put_migrate() - that SAs and their policy have other addresses now
 * @build: a message begun
 * @msg: what was asked for, and done
 *
 * Context: Any.
 */
void espl_put_migrate(struct espl_pfkey_build *build,
		      const struct espl_pfkey_msg *msg)
{
	struct sadb_x_kmaddress *km;

	if (msg->km.family) {
		km = put_ext(build, SADB_X_EXT_KMADDRESS,
			     sizeof(*km) + pair_len(&msg->km));
		fill_pair(km + 1, &msg->km);
	}
	put_given(build, SADB_EXT_ADDRESS_SRC, &msg->src);
	put_given(build, SADB_EXT_ADDRESS_DST, &msg->dst);
	put_pairs(build, &msg->policy);
	if (msg->exts & ESPL_EXT(SADB_X_EXT_PORTS))
		put_ports(build, msg->sport, msg->dport);
}

/* What a keyer may propose; of the algorithms that everybody has, the best. */
static const struct sadb_comb combs[] = {
	{
		.sadb_comb_encrypt = SADB_X_EALG_AES_GCM_ICV16,
		.sadb_comb_encrypt_minbits = 160, .sadb_comb_encrypt_maxbits = 288,
	}, {
		.sadb_comb_encrypt = SADB_X_EALG_AESCBC,
		.sadb_comb_encrypt_minbits = 128, .sadb_comb_encrypt_maxbits = 256,
		.sadb_comb_auth = SADB_X_AALG_SHA2_256HMAC,
		.sadb_comb_auth_minbits = 256, .sadb_comb_auth_maxbits = 256,
	}, {
		.sadb_comb_auth = SADB_X_AALG_SHA2_256HMAC,
		.sadb_comb_auth_minbits = 256, .sadb_comb_auth_maxbits = 256,
	},
};

static void put_proposal(struct espl_pfkey_build *build, u8 proto)
{
	struct sadb_prop *ext = put_ext(build, SADB_EXT_PROPOSAL, sizeof(*ext));
	bool ah = proto == IPPROTO_AH;

	ext->sadb_prop_replay = 64;
	for (unsigned int i = 0; i < ARRAY_SIZE(combs); i++) {
		bool encrypts = combs[i].sadb_comb_encrypt;

		if (encrypts == ah)
			continue;
		memcpy(put(build, sizeof(combs[i])), &combs[i], sizeof(combs[i]));
		ext->sadb_prop_len += sizeof(combs[i]) / 8;
	}
}

/**
 * espl_put_acquire() - that an SA is wanted (RFC 2367 section 3.1.6)
 * @build: a message begun
 * @acquire: which
 * @policy: who wants it
 *
 * Context: Any.
 */
void espl_put_acquire(struct espl_pfkey_build *build,
		      const struct espl_acquire *acquire,
		      const struct espl_policy *policy)
{
	const struct espl_tmpl *want = &acquire->want;
	u8 bits = espl_addr_bits(want->family);
	struct sadb_x_policy *ext;

	put_address(build, SADB_EXT_ADDRESS_SRC, want->family, &want->saddr, bits,
		    0, 0);
	put_address(build, SADB_EXT_ADDRESS_DST, want->family, &want->daddr, bits,
		    0, 0);
	ext = put_ext(build, SADB_X_EXT_POLICY, sizeof(*ext));
	fill_policy(ext, policy);
	put_proposal(build, want->proto);
}

/**
 * espl_put_trigger() - the packet that an SA is wanted for
 * @build: an ACQUIRE, otherwise done
 * @flow: the packet's
 *
 * Context: Any.
 */
void espl_put_trigger(struct espl_pfkey_build *build, const struct espl_flow *flow)
{
	u8 bits = espl_addr_bits(flow->family);

	put_modern(build);
	put_address(build, SADB_X_EXT_TRIGGER_SRC, flow->family, &flow->saddr, bits,
		    flow->proto, flow->sport);
	put_address(build, SADB_X_EXT_TRIGGER_DST, flow->family, &flow->daddr, bits,
		    flow->proto, flow->dport);
}

static void fill_alg(struct sadb_alg *to, const struct espl_alg *alg)
{
	to->sadb_alg_id = alg->id;
	to->sadb_alg_ivlen = alg->ivlen;
	to->sadb_alg_minbits = alg->minbits;
	to->sadb_alg_maxbits = alg->maxbits;
}

static void put_algs(struct espl_pfkey_build *build, u16 type, bool auth,
		     u64 available)
{
	struct sadb_supported *ext = put_ext(build, type, sizeof(*ext));
	const struct espl_alg *alg;

	for (unsigned int i = 0; (alg = espl_alg_row(i)); i++) {
		bool is_auth = alg->kind == ESPL_ALG_AUTH;

		if (is_auth != auth || !(available & BIT_ULL(i)))
			continue;
		fill_alg(put(build, sizeof(struct sadb_alg)), alg);
		ext->sadb_supported_len++;
	}
}

/**
 * espl_put_supported() - the algorithms that there are
 * @build: a message begun
 * @available: a bit for each row of the table that the kernel's crypto has
 *
 * Context: Any.
 */
void espl_put_supported(struct espl_pfkey_build *build, u64 available)
{
	put_algs(build, SADB_EXT_SUPPORTED_AUTH, true, available);
	put_algs(build, SADB_EXT_SUPPORTED_ENCRYPT, false, available);
}

/**
 * espl_pfkey_finish() - the message as a packet
 * @build: the message
 * @modern: who gets it knows extensions above Linux's numbers
 * @room: an empty packet of ESPL_PFKEY_MSG_MAX octets for it, consumed; NULL: a new one
 *
 * Context: Process.
 * Return: The packet, or NULL without memory.
 */
struct sk_buff *espl_pfkey_finish(const struct espl_pfkey_build *build, bool modern,
				  struct sk_buff *room)
{
	unsigned int len = modern || !build->plain ? build->len : build->plain;
	struct sk_buff *skb = room ?: alloc_skb(len, GFP_KERNEL);
	struct sadb_msg *msg;

	if (!skb)
		return NULL;
	if (len < sizeof(*msg)) {
		kfree_skb(skb);
		return NULL;
	}
	msg = skb_put_data(skb, build->data, len);
	msg->sadb_msg_len = len / 8;
	return skb;
}

/**
 * espl_pfkey_forget() - free a message, and leave no key of it behind
 * @skb: the message, held by nobody else; or NULL
 *
 * Context: Any.
 */
void espl_pfkey_forget(struct sk_buff *skb)
{
	if (!skb)
		return;
	/* All of it: a filter on the socket may have made it shorter. */
	memzero_explicit(skb->head, skb_end_offset(skb));
	kfree_skb(skb);
}
