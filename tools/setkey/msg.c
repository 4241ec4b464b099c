// SPDX-License-Identifier: GPL-2.0-only
/*
 * Building PF_KEY messages, and taking apart those that came. Only this file
 * sees lengths: whoever builds gets zeroed room, whoever reads gets extensions
 * already known to be whole.
 */
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>

#include "setkey.h"

#define PAD8(n)		(((n) + 7) & ~(size_t)7)

size_t msg_len(const struct sadb_msg *hdr)
{
	return hdr->sadb_msg_len * 8;
}

void msg_start(struct msg *m, uint8_t type, uint8_t satype)
{
	/* The header alone: all that there is room for is half a megabyte. */
	memset(&m->hdr, 0, sizeof(m->hdr));
	m->hdr.sadb_msg_version = PF_KEY_V2;
	m->hdr.sadb_msg_type = type;
	m->hdr.sadb_msg_satype = satype;
	m->hdr.sadb_msg_len = sizeof(m->hdr) / 8;
	m->hdr.sadb_msg_pid = getpid();
	/* Says that we know more extensions than af_key, which ignores it. */
	if (type == SADB_DUMP || type == SADB_GET || type == SADB_REGISTER ||
	    type == SADB_X_SPDDUMP)
		msg_ext(m, SADB_X_EXT_SA_REPLAY, sizeof(struct sadb_x_sa_replay));
}

/* Appends an extension of @size bytes: header filled, all the rest zero. */
void *msg_ext(struct msg *m, uint16_t type, size_t size)
{
	struct sadb_ext *ext = (void *)(m->bytes + msg_len(&m->hdr));

	if (msg_len(&m->hdr) + PAD8(size) > sizeof(*m))
		refuse("syntax error", NULL, "the command makes too long a message");
	memset(ext, 0, PAD8(size));
	ext->sadb_ext_len = PAD8(size) / 8;
	ext->sadb_ext_type = type;
	m->hdr.sadb_msg_len += ext->sadb_ext_len;
	return ext;
}

void msg_address(struct msg *m, uint16_t type, const union addr *a,
		 unsigned int plen, uint8_t proto, uint16_t port)
{
	unsigned int len = addr_len(a);
	struct sadb_address *ext = msg_ext(m, type, sizeof(*ext) + len);
	union addr copy = *a;

	ext->sadb_address_proto = proto;
	ext->sadb_address_prefixlen = plen == ~0u ? addr_bits(a) : plen;
	addr_set_port(&copy, port);
	memcpy(ext + 1, &copy, len);
}

/* Linux takes no ESP SA without this extension, so null has one of no bits. */
void msg_key(struct msg *m, const struct key *key)
{
	struct sadb_key *ext;

	if (!key->alg || (!key->bits && key->alg->ext != SADB_EXT_KEY_ENCRYPT))
		return;
	ext = msg_ext(m, key->alg->ext, sizeof(*ext) + key->bits / 8);
	ext->sadb_key_bits = key->bits;
	memcpy(ext + 1, key->bytes, key->bits / 8);
}

void msg_lifetime(struct msg *m, uint16_t type, uint64_t seconds,
		  uint64_t bytes)
{
	struct sadb_lifetime *ext = msg_ext(m, type, sizeof(*ext));

	ext->sadb_lifetime_addtime = seconds;
	ext->sadb_lifetime_bytes = bytes;
}

void msg_context(struct msg *m, const struct context *ctx)
{
	struct sadb_x_sec_ctx *ext;
	size_t len;

	if (!ctx->given)
		return;
	len = strlen(ctx->text) + 1;
	ext = msg_ext(m, SADB_X_EXT_SEC_CTX, sizeof(*ext) + len);
	ext->sadb_x_ctx_doi = ctx->doi;
	ext->sadb_x_ctx_alg = ctx->alg;
	ext->sadb_x_ctx_len = len;
	memcpy(ext + 1, ctx->text, len);
}

void msg_ports(struct msg *m, struct range src, struct range dst)
{
	struct sadb_x_ports *ext = msg_ext(m, SADB_X_EXT_PORTS, sizeof(*ext));

	ext->sadb_x_ports_src_first = htons(src.first);
	ext->sadb_x_ports_src_last = htons(src.last);
	ext->sadb_x_ports_dst_first = htons(dst.first);
	ext->sadb_x_ports_dst_last = htons(dst.last);
}

void msg_nat_port(struct msg *m, uint16_t type, uint16_t port)
{
	struct sadb_x_nat_t_port *ext = msg_ext(m, type, sizeof(*ext));

	ext->sadb_x_nat_t_port_port = htons(port);
}

static size_t rule_len(const struct rule *r)
{
	size_t len = sizeof(struct sadb_x_ipsecrequest);

	return r->has_addrs ? len + addr_len(&r->src) + addr_len(&r->dst) : len;
}

static uint8_t *rule_write(uint8_t *at, const struct rule *r)
{
	struct sadb_x_ipsecrequest *req = (void *)at;

	req->sadb_x_ipsecrequest_len = rule_len(r);
	req->sadb_x_ipsecrequest_proto = r->proto;
	req->sadb_x_ipsecrequest_mode = r->mode;
	req->sadb_x_ipsecrequest_level = r->level;
	req->sadb_x_ipsecrequest_reqid = r->reqid;
	if (r->has_addrs) {
		memcpy(req + 1, &r->src, addr_len(&r->src));
		memcpy((uint8_t *)(req + 1) + addr_len(&r->src), &r->dst,
		       addr_len(&r->dst));
	}
	return at + rule_len(r);
}

void msg_policy(struct msg *m, const struct policy *p)
{
	struct sadb_x_policy *ext;
	size_t len = sizeof(*ext);
	uint8_t *at;

	for (unsigned int i = 0; i < p->nrules; i++)
		len += rule_len(&p->rule[i]);
	ext = msg_ext(m, SADB_X_EXT_POLICY, len);
	ext->sadb_x_policy_type = p->type;
	ext->sadb_x_policy_dir = p->dir;
	ext->sadb_x_policy_priority = p->priority;
	at = (uint8_t *)(ext + 1);
	for (unsigned int i = 0; i < p->nrules; i++)
		at = rule_write(at, &p->rule[i]);
}

/* The sockaddr at @p, if all of it lies within @room bytes. */
const union addr *addr_at(const void *p, size_t room)
{
	const union addr *a = p;

	if (room < sizeof(a->in))
		return NULL;
	if (a->sa.sa_family == AF_INET)
		return a;
	if (a->sa.sa_family == AF_INET6 && room >= sizeof(a->in6))
		return a;
	return NULL;
}

/* For an indexed address extension: never NULL then. */
const union addr *ext_addr(const struct sadb_ext *ext)
{
	const struct sadb_address *a = (const void *)ext;

	return addr_at(a + 1, a->sadb_address_len * 8 - sizeof(*a));
}

/* The rule behind @r in @p, or the first of all; NULL behind the last. */
const struct sadb_x_ipsecrequest *
rule_next(const struct sadb_x_policy *p, const struct sadb_x_ipsecrequest *r)
{
	const uint8_t *end = (const uint8_t *)p + p->sadb_x_policy_len * 8;
	const uint8_t *at = (const uint8_t *)(p + 1);

	if (r)
		at = (const uint8_t *)r + r->sadb_x_ipsecrequest_len;
	r = (const void *)at;
	if ((size_t)(end - at) < sizeof(*r) ||
	    r->sadb_x_ipsecrequest_len < sizeof(*r) ||
	    r->sadb_x_ipsecrequest_len > end - at ||
	    r->sadb_x_ipsecrequest_len % 4)
		return NULL;
	return r;
}

/* Bytes that must be there before a reader may look; 0: nobody reads it. */
static const uint8_t ext_min[EXT_TOP + 1] = {
	[SADB_EXT_SA] = sizeof(struct sadb_sa),
	[SADB_EXT_LIFETIME_CURRENT] = sizeof(struct sadb_lifetime),
	[SADB_EXT_LIFETIME_HARD] = sizeof(struct sadb_lifetime),
	[SADB_EXT_LIFETIME_SOFT] = sizeof(struct sadb_lifetime),
	[SADB_EXT_ADDRESS_SRC] = sizeof(struct sadb_address),
	[SADB_EXT_ADDRESS_DST] = sizeof(struct sadb_address),
	[SADB_EXT_ADDRESS_PROXY] = sizeof(struct sadb_address),
	[SADB_EXT_KEY_AUTH] = sizeof(struct sadb_key),
	[SADB_EXT_KEY_ENCRYPT] = sizeof(struct sadb_key),
	[SADB_EXT_PROPOSAL] = sizeof(struct sadb_prop),
	[SADB_EXT_SUPPORTED_AUTH] = sizeof(struct sadb_supported),
	[SADB_EXT_SUPPORTED_ENCRYPT] = sizeof(struct sadb_supported),
	[SADB_EXT_SPIRANGE] = sizeof(struct sadb_spirange),
	[SADB_X_EXT_POLICY] = sizeof(struct sadb_x_policy),
	[SADB_X_EXT_SA2] = sizeof(struct sadb_x_sa2),
	[SADB_X_EXT_NAT_T_TYPE] = sizeof(struct sadb_x_nat_t_type),
	[SADB_X_EXT_NAT_T_SPORT] = sizeof(struct sadb_x_nat_t_port),
	[SADB_X_EXT_NAT_T_DPORT] = sizeof(struct sadb_x_nat_t_port),
	[SADB_X_EXT_NAT_T_OA] = sizeof(struct sadb_address),
	[SADB_X_EXT_SEC_CTX] = sizeof(struct sadb_x_sec_ctx),
	[SADB_X_EXT_SA_REPLAY] = sizeof(struct sadb_x_sa_replay),
	[SADB_X_EXT_NEW_ADDRESS_SRC] = sizeof(struct sadb_address),
	[SADB_X_EXT_NEW_ADDRESS_DST] = sizeof(struct sadb_address),
	[SADB_X_EXT_TRIGGER_SRC] = sizeof(struct sadb_address),
	[SADB_X_EXT_TRIGGER_DST] = sizeof(struct sadb_address),
	[SADB_X_EXT_PORTS] = sizeof(struct sadb_x_ports),
};

/* Beyond its fixed part: does what the extension says fit into it? */
static bool ext_whole(const struct sadb_ext *ext, size_t len)
{
	switch (ext->sadb_ext_type) {
	case SADB_EXT_ADDRESS_SRC:
	case SADB_EXT_ADDRESS_DST:
	case SADB_EXT_ADDRESS_PROXY:
	case SADB_X_EXT_NAT_T_OA:
	case SADB_X_EXT_NEW_ADDRESS_SRC:
	case SADB_X_EXT_NEW_ADDRESS_DST:
	case SADB_X_EXT_TRIGGER_SRC:
	case SADB_X_EXT_TRIGGER_DST:
		return ext_addr(ext);
	case SADB_EXT_KEY_AUTH:
	case SADB_EXT_KEY_ENCRYPT:
		return (((const struct sadb_key *)ext)->sadb_key_bits + 7u) / 8
			<= len - sizeof(struct sadb_key);
	case SADB_X_EXT_SEC_CTX:
		return ((const struct sadb_x_sec_ctx *)ext)->sadb_x_ctx_len
			<= len - sizeof(struct sadb_x_sec_ctx);
	default:
		return true;
	}
}

/*
 * Files the extensions of a received message of @len bytes by type, the first
 * of each. Types from a newer kernel are stepped over. NULL, or what is wrong.
 */
const char *msg_index(const struct sadb_msg *hdr, size_t len, struct exts *x)
{
	const uint8_t *at = (const uint8_t *)(hdr + 1);

	memset(x, 0, sizeof(*x));
	if (len < sizeof(*hdr) || msg_len(hdr) != len)
		return "its length is not what its header says";
	len -= sizeof(*hdr);
	while (len) {
		const struct sadb_ext *ext = (const void *)at;
		size_t ext_len = ext->sadb_ext_len * 8;
		uint16_t type = ext->sadb_ext_type;

		if (!ext_len || ext_len > len)
			return "an extension reaches beyond it";
		if (type <= EXT_TOP) {
			if (ext_len < ext_min[type] || !ext_whole(ext, ext_len))
				return "an extension is cut short";
			if (!x->ext[type])
				x->ext[type] = ext;
		}
		at += ext_len;
		len -= ext_len;
	}
	return NULL;
}
