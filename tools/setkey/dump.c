// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dumps of -D and -DP. Scripts have parsed these for twenty years: every
 * blank, tab and missing newline below is on purpose, and held in place by
 * the golden files of selftests/unit/setkey.
 */
#include <netdb.h>
#include <string.h>
#include <time.h>
#include <arpa/inet.h>

#include "setkey.h"

#define DATE_BLANKS	"                    "	/* the width of a date */

/* Linux packs direction and kind of a policy into its id, modulo this. */
#define ID_MODULUS	8
#define ID_SOCKET_IN	3
#define ID_SOCKET_OUT	4

const char *addr_text(const union addr *a, char *buf, size_t size)
{
	/* The short way for IPv4, which has no names of devices behind it. */
	if (a->sa.sa_family == AF_INET ?
	    !inet_ntop(AF_INET, &a->in.sin_addr, buf, size) :
	    getnameinfo(&a->sa, addr_len(a), buf, size, NULL, 0, NI_NUMERICHOST))
		snprintf(buf, size, "?");
	return buf;
}

/* The C locale's "Nov 23 07:47:10 2026"; blanks for never. */
static const char *date(uint64_t when, char *buf, size_t size)
{
	time_t t = when;
	struct tm tm;

	if (!when || !localtime_r(&t, &tm) ||
	    !strftime(buf, size, "%b %e %T %Y", &tm))
		return DATE_BLANKS;
	return buf;
}

/* Words of four bytes, eight to a line. */
static void print_hex(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (i && i % 32 == 0)
			putchar('\n');
		if (i % 4 == 0)
			putchar(' ');
		printf("%02x", p[i]);
	}
}

static void print_key(const char *letter, const struct sadb_ext *ext,
		      uint8_t id)
{
	const struct sadb_key *key = (const void *)ext;
	char buf[8];

	if (!key)
		return;
	printf("\t%s: %s ", letter,
	       alg_name(ext->sadb_ext_type, id, buf, sizeof(buf)));
	print_hex((const uint8_t *)(key + 1), (key->sadb_key_bits + 7u) / 8);
	putchar('\n');
}

static void print_sa_keys(const struct sadb_msg *hdr, const struct exts *x,
			  const struct sadb_sa *sa)
{
	char buf[8];

	if (hdr->sadb_msg_satype == SADB_X_SATYPE_IPCOMP)
		printf("\tC: %s ",
		       alg_name(0, sa->sadb_sa_encrypt, buf, sizeof(buf)));
	else
		print_key("E", x->ext[SADB_EXT_KEY_ENCRYPT],
			  sa->sadb_sa_encrypt);
	print_key("A", x->ext[SADB_EXT_KEY_AUTH], sa->sadb_sa_auth);
}

struct sadb_lifetime ext_lifetime(const struct sadb_ext *ext)
{
	struct sadb_lifetime none = { 0 };

	return ext ? *(const struct sadb_lifetime *)ext : none;
}

static void print_counts(const char *name, uint64_t now, uint64_t hard,
			 uint64_t soft, const char *unit)
{
	printf("\t%s: %llu%s\thard: %llu%s\tsoft: %llu%s\n", name,
	       (unsigned long long)now, unit, (unsigned long long)hard, unit,
	       (unsigned long long)soft, unit);
}

/* In seconds. The clock may have been put back since. */
static uint64_t age(uint64_t made, uint64_t today)
{
	return made && made < today ? today - made : 0;
}

static void print_lifetimes(const struct exts *x)
{
	struct sadb_lifetime now, hard, soft;
	uint64_t today = time(NULL);
	char a[32], b[32];

	if (!x->ext[SADB_EXT_LIFETIME_CURRENT])
		return;
	now = ext_lifetime(x->ext[SADB_EXT_LIFETIME_CURRENT]);
	hard = ext_lifetime(x->ext[SADB_EXT_LIFETIME_HARD]);
	soft = ext_lifetime(x->ext[SADB_EXT_LIFETIME_SOFT]);
	printf("\tcreated: %s\tcurrent: %s\n",
	       date(now.sadb_lifetime_addtime, a, sizeof(a)),
	       date(today, b, sizeof(b)));
	print_counts("diff", age(now.sadb_lifetime_addtime, today),
		     hard.sadb_lifetime_addtime, soft.sadb_lifetime_addtime,
		     "(s)");
	printf("\tlast: %s\thard: %llu(s)\tsoft: %llu(s)\n",
	       date(now.sadb_lifetime_usetime, a, sizeof(a)),
	       (unsigned long long)hard.sadb_lifetime_usetime,
	       (unsigned long long)soft.sadb_lifetime_usetime);
	print_counts("current", now.sadb_lifetime_bytes,
		     hard.sadb_lifetime_bytes, soft.sadb_lifetime_bytes,
		     "(bytes)");
	print_counts("allocated", now.sadb_lifetime_allocations,
		     hard.sadb_lifetime_allocations,
		     soft.sadb_lifetime_allocations, "");
}

static void print_context(const struct sadb_ext *ext)
{
	const struct sadb_x_sec_ctx *ctx = (const void *)ext;

	if (!ctx)
		return;
	printf("\tsecurity context doi: %u\n", ctx->sadb_x_ctx_doi);
	printf("\tsecurity context algorithm: %u\n", ctx->sadb_x_ctx_alg);
	printf("\tsecurity context length: %u\n", ctx->sadb_x_ctx_len);
	printf("\tsecurity context: %.*s\n", ctx->sadb_x_ctx_len,
	       (const char *)(ctx + 1));
}

uint16_t ext_port(const struct sadb_ext *ext)
{
	const struct sadb_x_nat_t_port *port = (const void *)ext;

	return port ? ntohs(port->sadb_x_nat_t_port_port) : 0;
}

/* "10.0.0.1 ", with its port for esp-udp and under -p. */
static void print_end(const union addr *a, bool udp,
		      const struct sadb_ext *natt_port)
{
	char buf[NI_MAXHOST];

	printf("%s", addr_text(a, buf, sizeof(buf)));
	if (udp)
		printf("[%u]", ext_port(natt_port));
	else if (opt.ports)
		printf("[%u]", addr_port(a));
	putchar(' ');
}

uint32_t ext_window(const struct exts *x)
{
	const struct sadb_sa *sa = (const void *)x->ext[SADB_EXT_SA];
	const struct sadb_x_sa_replay *r =
		(const void *)x->ext[SADB_X_EXT_SA_REPLAY];

	return r ? r->sadb_x_sa_replay_replay : sa->sadb_sa_replay;
}

static void print_head(const struct sadb_msg *hdr, const struct exts *x,
		       const struct sadb_sa *sa)
{
	const struct sadb_x_sa2 *sa2 = (const void *)x->ext[SADB_X_EXT_SA2];
	const struct sadb_x_nat_t_type *type =
		(const void *)x->ext[SADB_X_EXT_NAT_T_TYPE];
	const struct sadb_ext *oa = x->ext[SADB_X_EXT_NAT_T_OA];
	bool udp = type && type->sadb_x_nat_t_type_type;
	uint32_t reqid = sa2 ? sa2->sadb_x_sa2_reqid : 0;
	char buf[NI_MAXHOST];

	print_end(ext_addr(x->ext[SADB_EXT_ADDRESS_SRC]), udp,
		  x->ext[SADB_X_EXT_NAT_T_SPORT]);
	print_end(ext_addr(x->ext[SADB_EXT_ADDRESS_DST]), udp,
		  x->ext[SADB_X_EXT_NAT_T_DPORT]);
	printf("\n\t%s mode=%s spi=%u(0x%08x) reqid=%u(0x%08x)\n",
	       udp ? "esp-udp" : name_of(&satype_names, hdr->sadb_msg_satype),
	       name_of(&mode_names,
		       sa2 ? sa2->sadb_x_sa2_mode : IPSEC_MODE_ANY),
	       ntohl(sa->sadb_sa_spi), ntohl(sa->sadb_sa_spi), reqid, reqid);
	if (udp && oa)
		printf("\tNAT OA=%s\n",
		       addr_text(ext_addr(oa), buf, sizeof(buf)));
}

void dump_brief_head(void)
{
	printf("%-4s %-3s %-1s %-8s %-7s %s -> %s\n", "time", "p", "s", "spi",
	       "ltime", "src", "dst");
}

/* A line: minute and second, protocol, state, SPI, age and hard limit, ends. */
void dump_brief(const struct sadb_msg *hdr, const struct exts *x)
{
	const struct sadb_sa *sa = (const void *)x->ext[SADB_EXT_SA];
	struct sadb_lifetime now, hard;
	char src[NI_MAXHOST], dst[NI_MAXHOST];
	time_t today = time(NULL);
	struct tm tm = { 0 };

	if (!sa || !x->ext[SADB_EXT_ADDRESS_SRC] || !x->ext[SADB_EXT_ADDRESS_DST])
		return;
	now = ext_lifetime(x->ext[SADB_EXT_LIFETIME_CURRENT]);
	hard = ext_lifetime(x->ext[SADB_EXT_LIFETIME_HARD]);
	localtime_r(&today, &tm);
	printf("%02d%02d %-3s %c %08x %3llu/%-3llu %s -> %s\n", tm.tm_min, tm.tm_sec,
	       name_of(&satype_names, hdr->sadb_msg_satype),
	       sa->sadb_sa_state < 4 ? "LMDd"[sa->sadb_sa_state] : '?',
	       ntohl(sa->sadb_sa_spi),
	       (unsigned long long)age(now.sadb_lifetime_addtime, today),
	       (unsigned long long)hard.sadb_lifetime_addtime,
	       addr_text(ext_addr(x->ext[SADB_EXT_ADDRESS_SRC]), src, sizeof(src)),
	       addr_text(ext_addr(x->ext[SADB_EXT_ADDRESS_DST]), dst, sizeof(dst)));
}

void dump_sa(const struct sadb_msg *hdr, const struct exts *x)
{
	const struct sadb_sa *sa = (const void *)x->ext[SADB_EXT_SA];
	const struct sadb_x_sa2 *sa2 = (const void *)x->ext[SADB_X_EXT_SA2];

	if (!sa || !x->ext[SADB_EXT_ADDRESS_SRC] ||
	    !x->ext[SADB_EXT_ADDRESS_DST]) {
		fail_at("the kernel showed an SA without SPI or addresses");
		return;
	}
	if (sa->sadb_sa_state == SADB_SASTATE_DEAD && !opt.dead)
		return;
	print_head(hdr, x, sa);
	print_sa_keys(hdr, x, sa);
	printf("\tseq=0x%08x replay=%u flags=0x%08x state=%s \n",
	       sa2 ? sa2->sadb_x_sa2_sequence : 0,
	       ext_window(x), sa->sadb_sa_flags,
	       name_of(&state_names, sa->sadb_sa_state));
	print_lifetimes(x);
	print_context(x->ext[SADB_X_EXT_SEC_CTX]);
	printf("\tsadb_seq=%u pid=%u refcnt=%u\n", hdr->sadb_msg_seq,
	       hdr->sadb_msg_pid, hdr->sadb_msg_reserved);
}

/* Does this protocol keep other things in the port fields than ports? */
static bool has_ports(uint8_t proto)
{
	return proto != IPPROTO_ICMP && proto != IPPROTO_ICMPV6 &&
	       proto != IPPROTO_MH && proto != IPPROTO_GRE;
}

/* Of a selector's two ends: as the kernel says, or as the address has it. */
struct range ext_ports(const struct exts *x, uint16_t end)
{
	const struct sadb_x_ports *p = (const void *)x->ext[SADB_X_EXT_PORTS];
	uint16_t port = addr_port(ext_addr(x->ext[end]));

	if (!p)
		return port ? (struct range){ port, port } : RANGE_ANY;
	if (end == SADB_EXT_ADDRESS_SRC)
		return (struct range){ ntohs(p->sadb_x_ports_src_first),
				       ntohs(p->sadb_x_ports_src_last) };
	return (struct range){ ntohs(p->sadb_x_ports_dst_first),
			       ntohs(p->sadb_x_ports_dst_last) };
}

static void print_ports(struct range r)
{
	if (range_is_any(r))
		printf("any");
	else if (r.first == r.last)
		printf("%u", r.first);
	else
		printf("%u-%u", r.first, r.last);
}

static void print_range(const struct exts *x, uint16_t end)
{
	const struct sadb_address *address = (const void *)x->ext[end];
	const union addr *a = ext_addr(x->ext[end]);
	char buf[NI_MAXHOST];

	printf("%s", addr_text(a, buf, sizeof(buf)));
	if (address->sadb_address_prefixlen != addr_bits(a))
		printf("/%u", address->sadb_address_prefixlen);
	if (has_ports(address->sadb_address_proto)) {
		putchar('[');
		print_ports(ext_ports(x, end));
		putchar(']');
	}
	putchar(' ');
}

/* NULL where it has none. A dump has few protocols, and asking opens a file. */
static const char *proto_name(uint8_t proto)
{
	static const char *names[UINT8_MAX + 1];
	static bool asked[UINT8_MAX + 1];
	const struct protoent *p;

	if (!asked[proto]) {
		asked[proto] = true;
		p = getprotobynumber(proto);
		names[proto] = p ? strdup(p->p_name) : NULL;
	}
	return names[proto];
}

static void print_upper(const struct exts *x)
{
	struct range src = ext_ports(x, SADB_EXT_ADDRESS_SRC);
	struct range dst = ext_ports(x, SADB_EXT_ADDRESS_DST);
	const struct sadb_address *address =
		(const void *)x->ext[SADB_EXT_ADDRESS_SRC];
	uint8_t proto = address->sadb_address_proto;
	const char *name = proto_name(proto);

	if (name)
		printf("%s", name);
	else
		printf("%u", proto);
	if (has_ports(proto) || (range_is_any(src) && range_is_any(dst)))
		return;
	putchar(' ');
	if (proto == IPPROTO_GRE) {
		printf("%u", (uint32_t)src.first << 16 | dst.first);
	} else if (x->ext[SADB_X_EXT_PORTS]) {
		print_ports(src);
		putchar(',');
		print_ports(dst);
	} else {
		/* From a kernel that has but one word for 0 and for any. */
		printf("%u,%u", src.first, dst.first);
	}
}

static void print_selector(const struct exts *x, uint32_t id)
{
	const struct sadb_ext *s = x->ext[SADB_EXT_ADDRESS_SRC];
	const struct sadb_ext *d = x->ext[SADB_EXT_ADDRESS_DST];

	if (id % ID_MODULUS >= ID_SOCKET_IN || !s || !d) {
		printf("(per-socket policy) \n");
		return;
	}
	print_range(x, SADB_EXT_ADDRESS_SRC);
	print_range(x, SADB_EXT_ADDRESS_DST);
	print_upper(x);
	putchar('\n');
}

static const char *dir_text(const struct sadb_x_policy *p)
{
	switch (p->sadb_x_policy_id % ID_MODULUS) {
	case ID_SOCKET_IN:
		return "in(socket)";
	case ID_SOCKET_OUT:
		return "out(socket)";
	default:
		return name_of(&dir_names, p->sadb_x_policy_dir);
	}
}

/* Told from the nearest base; a higher number is a lower priority. */
static void print_priority(uint32_t priority)
{
	uint32_t base = PRIORITY_DEF;
	const char *name = "def";

	if (!priority)
		return;
	if (priority < PRIORITY_DEF - PRIORITY_HIGH / 2) {
		base = PRIORITY_HIGH;
		name = "high";
	} else if (priority >= PRIORITY_DEF + PRIORITY_HIGH / 2) {
		base = PRIORITY_LOW;
		name = "low";
	}
	printf("prio %s ", name);
	if (priority > base)
		printf("- %u ", priority - base);
	else if (priority < base)
		printf("+ %u ", base - priority);
}

static void print_rule_end(const union addr *a)
{
	char buf[NI_MAXHOST];

	printf("%s", addr_text(a, buf, sizeof(buf)));
	if (addr_port(a))
		printf("[%u]", addr_port(a));
}

/* Prints the two ends in the @len bytes behind a rule, if they are whole. */
static void print_rule_ends(const void *p, size_t len)
{
	const union addr *s = addr_at(p, len), *d;

	if (!s)
		return;
	d = addr_at((const uint8_t *)p + addr_len(s), len - addr_len(s));
	if (!d)
		return;
	print_rule_end(s);
	putchar('-');
	print_rule_end(d);
}

static void print_rule(const struct sadb_x_ipsecrequest *r)
{
	uint32_t reqid = r->sadb_x_ipsecrequest_reqid;

	printf("\t%s/%s/", name_of(&rule_names, r->sadb_x_ipsecrequest_proto),
	       name_of(&mode_names, r->sadb_x_ipsecrequest_mode));
	print_rule_ends(r + 1, r->sadb_x_ipsecrequest_len - sizeof(*r));
	printf("/%s", name_of(&level_names, r->sadb_x_ipsecrequest_level));
	if (r->sadb_x_ipsecrequest_level == IPSEC_LEVEL_UNIQUE && reqid)
		printf("%c%u", reqid > IPSEC_MANUAL_REQID_MAX ? '#' : ':',
		       reqid);
	putchar('\n');
}

static void print_policy(const struct sadb_x_policy *p)
{
	const struct sadb_x_ipsecrequest *r = NULL;

	printf("\t%s ", dir_text(p));
	print_priority(p->sadb_x_policy_priority);
	printf("%s\n", name_of(&policy_names, p->sadb_x_policy_type));
	while ((r = rule_next(p, r)))
		print_rule(r);
}

static void print_policy_times(const struct exts *x)
{
	struct sadb_lifetime now, hard;
	char a[32], b[32];

	if (!x->ext[SADB_EXT_LIFETIME_CURRENT])
		return;
	now = ext_lifetime(x->ext[SADB_EXT_LIFETIME_CURRENT]);
	hard = ext_lifetime(x->ext[SADB_EXT_LIFETIME_HARD]);
	printf("\tcreated: %s  lastused: %s\n",
	       date(now.sadb_lifetime_addtime, a, sizeof(a)),
	       date(now.sadb_lifetime_usetime, b, sizeof(b)));
	printf("\tlifetime: %llu(s) validtime: %llu(s)\n",
	       (unsigned long long)hard.sadb_lifetime_addtime,
	       (unsigned long long)hard.sadb_lifetime_usetime);
}

void dump_policy(const struct sadb_msg *hdr, const struct exts *x)
{
	const struct sadb_x_policy *p = (const void *)x->ext[SADB_X_EXT_POLICY];

	if (!p) {
		fail_at("the kernel showed a policy without its policy");
		return;
	}
	if (p->sadb_x_policy_id % ID_MODULUS >= ID_SOCKET_IN &&
	    opt.no_socket_policies)
		return;
	print_selector(x, p->sadb_x_policy_id);
	print_policy(p);
	print_policy_times(x);
	print_context(x->ext[SADB_X_EXT_SEC_CTX]);
	printf("\tspid=%u seq=%u pid=%u\n\trefcnt=%u\n", p->sadb_x_policy_id,
	       hdr->sadb_msg_seq, hdr->sadb_msg_pid, hdr->sadb_msg_reserved);
}
