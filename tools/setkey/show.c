// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any PF_KEY message, one line for each extension: what -v and -x print. It
 * must survive what it is shown, so it trusts nothing but msg_index().
 */
#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <arpa/inet.h>

#include "setkey.h"

static const char *const message_names[] = {
	"reserved", "getspi", "update", "add", "delete", "get", "acquire",
	"register", "expire", "flush", "dump", "promisc", "pchange",
	"spdupdate", "spdadd", "spddelete", "spdget", "spdacquire", "spddump",
	"spdflush", "spdsetidx", "spdexpire", "spddelete2",
	"nat_t_new_mapping", "migrate",
};

static const char *const ext_names[EXT_TOP + 1] = {
	"reserved", "sa", "lifetime_current", "lifetime_hard",
	"lifetime_soft", "address_src", "address_dst", "address_proxy",
	"key_auth", "key_encrypt", "identity_src", "identity_dst",
	"sensitivity", "proposal", "supported_auth", "supported_encrypt",
	"spirange", "kmprivate", "policy", "sa2", "nat_t_type", "nat_t_sport",
	"nat_t_dport", "nat_t_oa", "sec_ctx", "kmaddress", "filter",
	"sa_replay", "new_address_src", "new_address_dst", "trigger_src",
	"trigger_dst", "ports",
};

static void show_addr(const union addr *a)
{
	char buf[NI_MAXHOST];

	printf(" %s[%u]", addr_text(a, buf, sizeof(buf)), addr_port(a));
}

static void show_hex(const void *p, size_t len)
{
	const uint8_t *byte = p;

	for (size_t i = 0; i < len; i++)
		printf("%s%02x", i % 4 ? "" : " ", byte[i]);
}

static void show_sa(const struct sadb_ext *ext)
{
	const struct sadb_sa *sa = (const void *)ext;

	printf(" spi=0x%08x replay=%u state=%s auth=%u encrypt=%u flags=0x%08x",
	       ntohl(sa->sadb_sa_spi), sa->sadb_sa_replay,
	       name_of(&state_names, sa->sadb_sa_state), sa->sadb_sa_auth,
	       sa->sadb_sa_encrypt, sa->sadb_sa_flags);
}

static void show_lifetime(const struct sadb_ext *ext)
{
	const struct sadb_lifetime *l = (const void *)ext;

	printf(" allocations=%u bytes=%llu addtime=%llu usetime=%llu",
	       l->sadb_lifetime_allocations,
	       (unsigned long long)l->sadb_lifetime_bytes,
	       (unsigned long long)l->sadb_lifetime_addtime,
	       (unsigned long long)l->sadb_lifetime_usetime);
}

static void show_address(const struct sadb_ext *ext)
{
	const struct sadb_address *a = (const void *)ext;

	show_addr(ext_addr(ext));
	printf(" prefixlen=%u proto=%u", a->sadb_address_prefixlen,
	       a->sadb_address_proto);
}

static void show_key(const struct sadb_ext *ext)
{
	const struct sadb_key *key = (const void *)ext;

	printf(" bits=%u", key->sadb_key_bits);
	show_hex(key + 1, (key->sadb_key_bits + 7u) / 8);
}

static void show_supported(const struct sadb_ext *ext)
{
	const struct sadb_supported *s = (const void *)ext;
	const struct sadb_alg *alg = (const void *)(s + 1);
	size_t n = (s->sadb_supported_len * 8 - sizeof(*s)) / sizeof(*alg);
	uint8_t type = s->sadb_supported_exttype == SADB_EXT_SUPPORTED_AUTH ?
		       SADB_EXT_KEY_AUTH : SADB_EXT_KEY_ENCRYPT;
	char buf[8];

	for (; n--; alg++)
		printf("\n    %s id=%u ivlen=%u minbits=%u maxbits=%u",
		       alg_name(type, alg->sadb_alg_id, buf, sizeof(buf)),
		       alg->sadb_alg_id, alg->sadb_alg_ivlen,
		       alg->sadb_alg_minbits, alg->sadb_alg_maxbits);
}

static void show_spirange(const struct sadb_ext *ext)
{
	const struct sadb_spirange *r = (const void *)ext;

	printf(" min=0x%08x max=0x%08x", r->sadb_spirange_min,
	       r->sadb_spirange_max);
}

static void show_sa2(const struct sadb_ext *ext)
{
	const struct sadb_x_sa2 *sa2 = (const void *)ext;

	printf(" mode=%s sequence=%u reqid=%u",
	       name_of(&mode_names, sa2->sadb_x_sa2_mode),
	       sa2->sadb_x_sa2_sequence, sa2->sadb_x_sa2_reqid);
}

/* The two addresses behind a rule: only as far as they are whole. */
static void show_rule_ends(const void *p, size_t len)
{
	const union addr *a;

	while (len && (a = addr_at(p, len))) {
		show_addr(a);
		p = (const uint8_t *)p + addr_len(a);
		len -= addr_len(a);
	}
}

static void show_rule(const struct sadb_x_ipsecrequest *r)
{
	printf("\n    request len=%u proto=%u mode=%s level=%s reqid=%u",
	       r->sadb_x_ipsecrequest_len, r->sadb_x_ipsecrequest_proto,
	       name_of(&mode_names, r->sadb_x_ipsecrequest_mode),
	       name_of(&level_names, r->sadb_x_ipsecrequest_level),
	       r->sadb_x_ipsecrequest_reqid);
	show_rule_ends(r + 1, r->sadb_x_ipsecrequest_len - sizeof(*r));
}

static void show_policy(const struct sadb_ext *ext)
{
	const struct sadb_x_policy *p = (const void *)ext;
	const struct sadb_x_ipsecrequest *r = NULL;

	printf(" type=%s dir=%s id=%u priority=0x%08x",
	       name_of(&policy_names, p->sadb_x_policy_type),
	       name_of(&dir_names, p->sadb_x_policy_dir), p->sadb_x_policy_id,
	       p->sadb_x_policy_priority);
	while ((r = rule_next(p, r)))
		show_rule(r);
}

static void show_nat_type(const struct sadb_ext *ext)
{
	const struct sadb_x_nat_t_type *t = (const void *)ext;

	printf(" type=%u", t->sadb_x_nat_t_type_type);
}

static void show_nat_port(const struct sadb_ext *ext)
{
	const struct sadb_x_nat_t_port *p = (const void *)ext;

	printf(" port=%u", ntohs(p->sadb_x_nat_t_port_port));
}

static void show_context(const struct sadb_ext *ext)
{
	const struct sadb_x_sec_ctx *c = (const void *)ext;

	printf(" doi=%u alg=%u %.*s", c->sadb_x_ctx_doi, c->sadb_x_ctx_alg,
	       c->sadb_x_ctx_len, (const char *)(c + 1));
}

static void show_replay(const struct sadb_ext *ext)
{
	const struct sadb_x_sa_replay *r = (const void *)ext;

	printf(" replay=%u", r->sadb_x_sa_replay_replay);
}

static void show_ports(const struct sadb_ext *ext)
{
	const struct sadb_x_ports *p = (const void *)ext;

	printf(" src=%u-%u dst=%u-%u", ntohs(p->sadb_x_ports_src_first),
	       ntohs(p->sadb_x_ports_src_last), ntohs(p->sadb_x_ports_dst_first),
	       ntohs(p->sadb_x_ports_dst_last));
}

static void (*const show_ext[EXT_TOP + 1])(const struct sadb_ext *ext) = {
	[SADB_EXT_SA] = show_sa,
	[SADB_EXT_LIFETIME_CURRENT] = show_lifetime,
	[SADB_EXT_LIFETIME_HARD] = show_lifetime,
	[SADB_EXT_LIFETIME_SOFT] = show_lifetime,
	[SADB_EXT_ADDRESS_SRC] = show_address,
	[SADB_EXT_ADDRESS_DST] = show_address,
	[SADB_EXT_ADDRESS_PROXY] = show_address,
	[SADB_EXT_KEY_AUTH] = show_key,
	[SADB_EXT_KEY_ENCRYPT] = show_key,
	[SADB_EXT_SUPPORTED_AUTH] = show_supported,
	[SADB_EXT_SUPPORTED_ENCRYPT] = show_supported,
	[SADB_EXT_SPIRANGE] = show_spirange,
	[SADB_X_EXT_POLICY] = show_policy,
	[SADB_X_EXT_SA2] = show_sa2,
	[SADB_X_EXT_NAT_T_TYPE] = show_nat_type,
	[SADB_X_EXT_NAT_T_SPORT] = show_nat_port,
	[SADB_X_EXT_NAT_T_DPORT] = show_nat_port,
	[SADB_X_EXT_NAT_T_OA] = show_address,
	[SADB_X_EXT_SEC_CTX] = show_context,
	[SADB_X_EXT_SA_REPLAY] = show_replay,
	[SADB_X_EXT_NEW_ADDRESS_SRC] = show_address,
	[SADB_X_EXT_NEW_ADDRESS_DST] = show_address,
	[SADB_X_EXT_TRIGGER_SRC] = show_address,
	[SADB_X_EXT_TRIGGER_DST] = show_address,
	[SADB_X_EXT_PORTS] = show_ports,
};

static void show_header(const struct sadb_msg *hdr)
{
	uint8_t type = hdr->sadb_msg_type;

	if (type < ARRAY_SIZE(message_names))
		printf("%s", message_names[type]);
	else
		printf("message %u", type);
	printf(" satype=%s seq=%u pid=%u len=%zu",
	       hdr->sadb_msg_satype ?
	       name_of(&satype_names, hdr->sadb_msg_satype) : "any",
	       hdr->sadb_msg_seq, hdr->sadb_msg_pid, msg_len(hdr));
	if (hdr->sadb_msg_errno)
		printf(" errno=%u (%s)", hdr->sadb_msg_errno,
		       explain_errno(hdr->sadb_msg_errno));
	putchar('\n');
}

/* In the order of the message, each once; unknown ones as bytes. */
static void show_exts(const struct sadb_msg *hdr, const struct exts *x)
{
	const uint8_t *at = (const uint8_t *)(hdr + 1);
	const uint8_t *end = (const uint8_t *)hdr + msg_len(hdr);

	while (at < end) {
		const struct sadb_ext *ext = (const void *)at;
		uint16_t type = ext->sadb_ext_type;
		size_t len = ext->sadb_ext_len * 8;

		if (type <= EXT_TOP)
			printf("  %s len=%zu", ext_names[type], len);
		else
			printf("  extension %u len=%zu", type, len);
		if (type <= EXT_TOP && show_ext[type] && x->ext[type])
			show_ext[type](ext);
		else
			show_hex(ext + 1, len - sizeof(*ext));
		putchar('\n');
		at += len;
	}
}

static void show_bytes(const void *p, size_t len)
{
	const uint8_t *byte = p;

	for (size_t i = 0; i < len; i += 16) {
		printf("  %04zx:", i);
		show_hex(byte + i, len - i < 16 ? len - i : 16);
		putchar('\n');
	}
}

void show_message(const struct sadb_msg *hdr, size_t len)
{
	const char *wrong;
	struct exts x;

	show_header(hdr);
	wrong = msg_index(hdr, len, &x);
	if (wrong)
		printf("  malformed: %s\n", wrong);
	else
		show_exts(hdr, &x);
	if (opt.hex)
		show_bytes(hdr, len);
}
