// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dumps of -jD and -jDP: an array of objects, for programs. Times are seconds
 * since 1970, or null for never; of limits, those that are not set are left out.
 */
#include <jansson.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "setkey.h"

static json_t *all;

/* json_pack() fails for want of memory only: its formats are right. */
static json_t *whole(json_t *value)
{
	if (!value)
		abort();
	return value;
}

static json_t *address(const union addr *a)
{
	char buf[NI_MAXHOST];

	return whole(json_string(addr_text(a, buf, sizeof(buf))));
}

/* Its integers end at 2^63 - 1, which is as good as any number above. */
static json_t *integer(uint64_t value)
{
	return whole(json_integer(value > INT64_MAX ? INT64_MAX : value));
}

static json_t *when(uint64_t seconds)
{
	return seconds ? integer(seconds) : json_null();
}

static json_t *flag(bool is)
{
	return json_boolean(is);
}

static void add(json_t *object, const char *name, json_t *value)
{
	json_object_set_new(object, name, value);
}

static void add_number(json_t *object, const char *name, uint64_t value)
{
	add(object, name, integer(value));
}

static void add_limits(json_t *object, const char *name, const struct sadb_ext *ext)
{
	struct sadb_lifetime l = ext_lifetime(ext);
	json_t *limits = whole(json_object());

	if (l.sadb_lifetime_addtime)
		add_number(limits, "addtime", l.sadb_lifetime_addtime);
	if (l.sadb_lifetime_usetime)
		add_number(limits, "usetime", l.sadb_lifetime_usetime);
	if (l.sadb_lifetime_bytes)
		add_number(limits, "bytes", l.sadb_lifetime_bytes);
	if (l.sadb_lifetime_allocations)
		add_number(limits, "packets", l.sadb_lifetime_allocations);
	add(object, name, limits);
}

static void add_alg(json_t *object, const char *name, uint16_t type, uint8_t id,
		    const struct exts *x)
{
	const struct sadb_key *key = (const void *)x->ext[type];
	const uint8_t *byte = (const void *)(key + 1);
	char hex[2 * MAX_KEY + 3] = "0x", buf[8];
	size_t len = key ? (key->sadb_key_bits + 7u) / 8 : 0;
	json_t *alg;

	if (!id)
		return;
	alg = whole(json_object());
	add(alg, "algorithm", whole(json_string(alg_name(type, id, buf, sizeof(buf)))));
	for (size_t i = 0; i < len && i < MAX_KEY; i++)
		sprintf(hex + 2 + 2 * i, "%02x", byte[i]);
	if (len)
		add(alg, "key", whole(json_string(hex)));
	add(object, name, alg);
}

static void add_encap(json_t *object, const struct exts *x)
{
	const struct sadb_x_nat_t_type *type =
		(const void *)x->ext[SADB_X_EXT_NAT_T_TYPE];
	const struct sadb_ext *oa = x->ext[SADB_X_EXT_NAT_T_OA];
	json_t *encap;

	if (!type || !type->sadb_x_nat_t_type_type)
		return;
	encap = whole(json_object());
	add_number(encap, "sport", ext_port(x->ext[SADB_X_EXT_NAT_T_SPORT]));
	add_number(encap, "dport", ext_port(x->ext[SADB_X_EXT_NAT_T_DPORT]));
	if (oa)
		add(encap, "original", address(ext_addr(oa)));
	add(object, "encap", encap);
}

static json_t *name(const struct names *names, uint32_t value)
{
	return whole(json_string(name_of(names, value)));
}

void json_begin(void)
{
	all = whole(json_array());
}

void json_sa(const struct sadb_msg *hdr, const struct exts *x)
{
	const struct sadb_sa *sa = (const void *)x->ext[SADB_EXT_SA];
	const struct sadb_x_sa2 *sa2 = (const void *)x->ext[SADB_X_EXT_SA2];
	struct sadb_lifetime now = ext_lifetime(x->ext[SADB_EXT_LIFETIME_CURRENT]);
	json_t *o;

	if (!sa || !x->ext[SADB_EXT_ADDRESS_SRC] || !x->ext[SADB_EXT_ADDRESS_DST])
		return;
	o = whole(json_object());
	add(o, "src", address(ext_addr(x->ext[SADB_EXT_ADDRESS_SRC])));
	add(o, "dst", address(ext_addr(x->ext[SADB_EXT_ADDRESS_DST])));
	add(o, "protocol", name(&satype_names, hdr->sadb_msg_satype));
	add(o, "mode", name(&mode_names, sa2 ? sa2->sadb_x_sa2_mode : IPSEC_MODE_ANY));
	add_number(o, "spi", ntohl(sa->sadb_sa_spi));
	add_number(o, "reqid", sa2 ? sa2->sadb_x_sa2_reqid : 0);
	add(o, "state", name(&state_names, sa->sadb_sa_state));
	add_number(o, "replay", ext_window(x));
	add_number(o, "flags", sa->sadb_sa_flags);
	add(o, "esn", flag(sa->sadb_sa_flags & SADB_X_SAFLAGS_ESN));
	if (hdr->sadb_msg_satype == SADB_X_SATYPE_IPCOMP)
		add_alg(o, "compression", 0, sa->sadb_sa_encrypt, x);
	else
		add_alg(o, "encryption", SADB_EXT_KEY_ENCRYPT, sa->sadb_sa_encrypt, x);
	add_alg(o, "authentication", SADB_EXT_KEY_AUTH, sa->sadb_sa_auth, x);
	add_encap(o, x);
	add(o, "created", when(now.sadb_lifetime_addtime));
	add(o, "used", when(now.sadb_lifetime_usetime));
	add_number(o, "bytes", now.sadb_lifetime_bytes);
	add_number(o, "packets", now.sadb_lifetime_allocations);
	add_limits(o, "hard", x->ext[SADB_EXT_LIFETIME_HARD]);
	add_limits(o, "soft", x->ext[SADB_EXT_LIFETIME_SOFT]);
	json_array_append_new(all, o);
}

static json_t *prefix(const struct sadb_ext *ext)
{
	const struct sadb_address *a = (const void *)ext;
	char buf[NI_MAXHOST], text[NI_MAXHOST + 8];

	snprintf(text, sizeof(text), "%s/%u", addr_text(ext_addr(ext), buf, sizeof(buf)),
		 a->sadb_address_prefixlen);
	return whole(json_string(text));
}

/* Null for any. */
static json_t *ports(const struct exts *x, uint16_t end)
{
	struct range r = ext_ports(x, end);

	if (range_is_any(r))
		return json_null();
	return whole(json_pack("{s:i, s:i}", "first", r.first, "last", r.last));
}

static json_t *rule(const struct sadb_x_ipsecrequest *r)
{
	size_t len = r->sadb_x_ipsecrequest_len - sizeof(*r);
	const union addr *s = addr_at(r + 1, len), *d = NULL;
	json_t *o = whole(json_object());

	if (s)
		d = addr_at((const uint8_t *)(r + 1) + addr_len(s), len - addr_len(s));
	add(o, "protocol", name(&rule_names, r->sadb_x_ipsecrequest_proto));
	add(o, "mode", name(&mode_names, r->sadb_x_ipsecrequest_mode));
	if (s && d) {
		add(o, "src", address(s));
		add(o, "dst", address(d));
	}
	add(o, "level", name(&level_names, r->sadb_x_ipsecrequest_level));
	if (r->sadb_x_ipsecrequest_reqid)
		add_number(o, "reqid", r->sadb_x_ipsecrequest_reqid);
	return o;
}

void json_policy(const struct sadb_msg *hdr, const struct exts *x)
{
	const struct sadb_x_policy *p = (const void *)x->ext[SADB_X_EXT_POLICY];
	const struct sadb_address *a = (const void *)x->ext[SADB_EXT_ADDRESS_SRC];
	struct sadb_lifetime now = ext_lifetime(x->ext[SADB_EXT_LIFETIME_CURRENT]);
	const struct sadb_x_ipsecrequest *r = NULL;
	json_t *o, *rules;

	(void)hdr;
	if (!p || !a || !x->ext[SADB_EXT_ADDRESS_DST])
		return;
	o = whole(json_object());
	add(o, "src", prefix(x->ext[SADB_EXT_ADDRESS_SRC]));
	add(o, "sport", ports(x, SADB_EXT_ADDRESS_SRC));
	add(o, "dst", prefix(x->ext[SADB_EXT_ADDRESS_DST]));
	add(o, "dport", ports(x, SADB_EXT_ADDRESS_DST));
	add(o, "upper", a->sadb_address_proto == IPSEC_ULPROTO_ANY ?
	    json_null() : whole(json_integer(a->sadb_address_proto)));
	add(o, "direction", name(&dir_names, p->sadb_x_policy_dir));
	add(o, "action", name(&policy_names, p->sadb_x_policy_type));
	add_number(o, "priority", p->sadb_x_policy_priority);
	add_number(o, "id", p->sadb_x_policy_id);
	rules = whole(json_array());
	while ((r = rule_next(p, r)))
		json_array_append_new(rules, rule(r));
	add(o, "rules", rules);
	add(o, "created", when(now.sadb_lifetime_addtime));
	add(o, "used", when(now.sadb_lifetime_usetime));
	add_limits(o, "hard", x->ext[SADB_EXT_LIFETIME_HARD]);
	json_array_append_new(all, o);
}

void json_end(void)
{
	if (json_dumpf(all, stdout, JSON_INDENT(2)))
		fail_at("the dump cannot be written");
	putchar('\n');
	json_decref(all);
}
