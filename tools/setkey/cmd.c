// SPDX-License-Identifier: GPL-2.0-only
/*
 * Running one command: check what can be known without the kernel, build the
 * messages it stands for, send them, report what came back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "setkey.h"

#define NAT_T_PORT		4500
#define UDP_ENCAP_ESPINUDP	2

static const char syntax[] = "syntax error";

struct command cmd;

/* The two ends of the command, each maybe several addresses. */
static struct host src, dst;

void cmd_reset(void)
{
	memset(&cmd, 0, sizeof(cmd));
	cmd.flags = SADB_X_EXT_CYCSEQ;	/* as setkey has always sent */
	token_reset();
}

void cmd_flag(const char *text)
{
	if (strchr(text, '4'))
		cmd.family = AF_INET;
	if (strchr(text, '6'))
		cmd.family = AF_INET6;
	if (strchr(text, 'n'))
		cmd.numeric = true;
}

void cmd_mode(const char *text)
{
	const struct name *mode = name_find(&mode_names, text);

	if (!mode || mode->value > IPSEC_MODE_TUNNEL)
		refuse(syntax, text, "transport, tunnel or any is wanted");
	cmd.mode = mode->value;
	cmd.has_mode = true;
}

void cmd_padding(const char *text)
{
	if (!strcmp(text, "nocyclic-seq"))
		cmd.flags &= ~SADB_X_EXT_CYCSEQ;
	else if (!strcmp(text, "random-pad"))
		cmd.flags |= SADB_X_EXT_PRAND;
	else if (!strcmp(text, "zero-pad"))
		cmd.flags |= SADB_X_EXT_PZERO;
	else if (!strcmp(text, "esn"))
		cmd.flags |= SADB_X_SAFLAGS_ESN;
	else if (!strcmp(text, "follow"))
		cmd.flags |= SADB_X_SAFLAGS_FOLLOW;
	else if (!strcmp(text, "tfc"))
		cmd.flags |= SADB_X_SAFLAGS_TFC;
	else if (!strcmp(text, "dummy"))
		cmd.flags |= SADB_X_SAFLAGS_DUMMY;
	else if (strcmp(text, "seq-pad"))
		refuse(syntax, text,
		       "a flag is random-pad, seq-pad, zero-pad, nocyclic-seq, esn, follow, tfc or dummy");
}

void cmd_proto(const char *text)
{
	static const struct name table[] = {
		{ "esp", SADB_SATYPE_ESP },
		{ "esp-old", SADB_SATYPE_ESP },
		{ "esp-udp", SADB_SATYPE_ESP },
		{ "ah", SADB_SATYPE_AH },
		{ "ah-old", SADB_SATYPE_AH },
		{ "ipcomp", SADB_X_SATYPE_IPCOMP },
	};
	static const struct names protos = { table, ARRAY_SIZE(table) };
	const struct name *proto = name_find(&protos, text);

	if (!strcmp(text, "tcp"))
		refuse("Not supported", text, "Linux keeps no TCP-MD5 keys in PF_KEY");
	if (!proto)
		refuse(syntax, text,
		       "esp, esp-old, esp-udp, ah, ah-old or ipcomp is wanted");
	cmd.proto = text;
	cmd.satype = proto->value;
	cmd.udp = !strcmp(text, "esp-udp");
	cmd.old = strstr(text, "-old");
}

void cmd_word(const char *text)
{
	if (cmd.nwords == MAX_WORDS)
		refuse(syntax, text, "the policy has too many words");
	cmd.word[cmd.nwords++] = text;
}

static void report(int err, const char *note)
{
	const char *what = explain_errno(err), *why;

	if (!err)
		return;
	if (err == ENOENT && (opt.json || opt.brief))
		return;		/* an empty dump is one */
	if (err == ENOENT && cmd.type == SADB_DUMP) {
		puts("No SAD entries.");
		return;
	}
	if (err == ENOENT && cmd.type == SADB_X_SPDDUMP) {
		puts("No SPD entries.");
		return;
	}
	if (opt.interactive)
		printf("%s.\n", what);
	why = explain(&cmd, err);
	fail_at("%s%s%s%s", what, why ? ": " : "", why ? why : "", note);
}

/* A kernel's answer about a range of ports must be seen. */
static bool is_span(struct range r)
{
	return !range_is_any(r) && r.first != r.last;
}

/* What a file adds may wait for more of it. */
static bool is_gathered(void)
{
	return opt.gather && (cmd.type == SADB_ADD || cmd.type == SADB_X_SPDADD) &&
	       !is_span(cmd.sport) && !is_span(cmd.dport);
}

/* Sends it; or keeps it, where the script is to take effect as a whole, or fast. */
static int call(const struct msg *m, const char *note, reply_fn *fn)
{
	if (opt.transaction || is_gathered()) {
		batch_add(m, note);
		return 0;
	}
	batch_flush();
	return pfkey_call(m, fn, NULL);
}

static void on_reply(const struct sadb_msg *hdr, const struct exts *x,
		     void *arg)
{
	const struct sadb_sa *sa = (const void *)x->ext[SADB_EXT_SA];

	(void)arg;
	switch (hdr->sadb_msg_type) {
	case SADB_DUMP:
		(opt.json ? json_sa : opt.brief ? dump_brief : dump_sa)(hdr, x);
		break;
	case SADB_GET:
		dump_sa(hdr, x);
		break;
	case SADB_X_SPDDUMP:
		(opt.json ? json_policy : dump_policy)(hdr, x);
		break;
	case SADB_GETSPI:
		if (sa)
			printf("spi=%u(0x%08x)\n", ntohl(sa->sadb_sa_spi),
			       ntohl(sa->sadb_sa_spi));
		break;
	}
}

/* Linux takes both kinds of lifetime or none; a zero in one sets no limit. */
static void add_lifetimes(struct msg *m)
{
	if (!(cmd.hard_time | cmd.hard_bytes | cmd.soft_time | cmd.soft_bytes))
		return;
	msg_lifetime(m, SADB_EXT_LIFETIME_HARD, cmd.hard_time, cmd.hard_bytes);
	msg_lifetime(m, SADB_EXT_LIFETIME_SOFT, cmd.soft_time, cmd.soft_bytes);
}

static void add_spirange(struct msg *m)
{
	struct sadb_spirange *range;

	if (!cmd.spi)
		return;
	range = msg_ext(m, SADB_EXT_SPIRANGE, sizeof(*range));
	range->sadb_spirange_min = cmd.spi;
	range->sadb_spirange_max = cmd.spi;
}

static uint32_t sa_flags(void)
{
	uint32_t flags = cmd.flags;

	if (cmd.enc.alg)
		flags |= cmd.enc.alg->flags;
	if (cmd.old)
		flags |= SADB_X_EXT_OLD;
	if (cmd.rawcpi)
		flags |= SADB_X_EXT_RAWCPI;
	return flags;
}

static void add_sa(struct msg *m, bool whole)
{
	struct sadb_sa *sa = msg_ext(m, SADB_EXT_SA, sizeof(*sa));
	struct sadb_x_sa2 *sa2;

	sa->sadb_sa_spi = htonl(cmd.spi);
	if (whole) {
		sa->sadb_sa_state = SADB_SASTATE_MATURE;
		sa->sadb_sa_replay = cmd.replay > UINT8_MAX ? UINT8_MAX :
							      cmd.replay;
		sa->sadb_sa_flags = sa_flags();
		if (cmd.auth.alg)
			sa->sadb_sa_auth = cmd.auth.alg->id;
		if (cmd.enc.alg)
			sa->sadb_sa_encrypt = cmd.enc.alg->id;
		if (cmd.comp.alg)
			sa->sadb_sa_encrypt = cmd.comp.alg->id;
	}
	sa2 = msg_ext(m, SADB_X_EXT_SA2, sizeof(*sa2));
	sa2->sadb_x_sa2_mode = cmd.mode;
	sa2->sadb_x_sa2_reqid = cmd.reqid;
}

static void add_natt_type(struct msg *m)
{
	struct sadb_x_nat_t_type *type;
	struct host oa;

	if (!cmd.udp)
		return;
	type = msg_ext(m, SADB_X_EXT_NAT_T_TYPE, sizeof(*type));
	type->sadb_x_nat_t_type_type = UDP_ENCAP_ESPINUDP;
	if (!cmd.oa)
		return;
	oa = host_parse(cmd.oa, AF_UNSPEC, cmd.numeric);
	msg_address(m, SADB_X_EXT_NAT_T_OA, &oa.addr[0], ~0u,
		    IPSEC_ULPROTO_ANY, 0);
}

/* With esp-udp the ports are those of the UDP header, and travel apart. */
static void add_ends(struct msg *m, const union addr *s, const union addr *d)
{
	msg_address(m, SADB_EXT_ADDRESS_SRC, s, ~0u, IPSEC_ULPROTO_ANY,
		    cmd.udp ? 0 : src.port.first);
	msg_address(m, SADB_EXT_ADDRESS_DST, d, ~0u, IPSEC_ULPROTO_ANY,
		    cmd.udp ? 0 : dst.port.first);
}

static void add_natt_ports(struct msg *m)
{
	if (!cmd.udp)
		return;
	msg_nat_port(m, SADB_X_EXT_NAT_T_SPORT, src.port.first ?: NAT_T_PORT);
	msg_nat_port(m, SADB_X_EXT_NAT_T_DPORT, dst.port.first ?: NAT_T_PORT);
}

/* sadb_sa_replay holds what eight bits can; this holds the rest. */
static void add_replay(struct msg *m)
{
	struct sadb_x_sa_replay *replay;

	if (cmd.replay <= UINT8_MAX)
		return;
	replay = msg_ext(m, SADB_X_EXT_SA_REPLAY, sizeof(*replay));
	replay->sadb_x_sa_replay_replay = cmd.replay;
}

static int send_sa(int type, const union addr *s, const union addr *d)
{
	bool whole = type == SADB_ADD || type == SADB_GETSPI;
	struct msg m;

	msg_start(&m, type, cmd.satype);
	if (whole) {
		msg_key(&m, &cmd.enc);
		msg_key(&m, &cmd.auth);
		add_lifetimes(&m);
		msg_context(&m, &cmd.ctx);
	}
	if (type == SADB_GETSPI)
		add_spirange(&m);
	add_sa(&m, whole);
	if (whole)
		add_natt_type(&m);
	add_ends(&m, s, d);
	if (whole) {
		add_natt_ports(&m);
		add_replay(&m);
	}
	return call(&m, "", on_reply);
}

/* A name may stand for several addresses: every pair of one family. */
static void each_pair(void (*fn)(const union addr *s, const union addr *d))
{
	unsigned int pairs = 0;

	for (unsigned int i = 0; i < src.n; i++) {
		for (unsigned int j = 0; j < dst.n; j++) {
			if (src.addr[i].sa.sa_family !=
			    dst.addr[j].sa.sa_family)
				continue;
			fn(&src.addr[i], &dst.addr[j]);
			pairs++;
		}
	}
	if (!pairs)
		refuse(syntax, cmd.dst,
		       "%s and %s are of different address families",
		       cmd.src, cmd.dst);
}

static void parse_ends(void)
{
	src = host_parse(cmd.src, cmd.family, cmd.numeric);
	dst = host_parse(cmd.dst, cmd.family, cmd.numeric);
}

static void parse_sa_ends(void)
{
	parse_ends();
	if (src.plen != ~0u)
		refuse(syntax, cmd.src, "an SA has addresses, not prefixes");
	if (dst.plen != ~0u)
		refuse(syntax, cmd.dst, "an SA has addresses, not prefixes");
	host_port(&src, cmd.src);
	host_port(&dst, cmd.dst);
}

static void check_spi(void)
{
	bool ipcomp = cmd.satype == SADB_X_SATYPE_IPCOMP;
	bool maker = cmd.type == SADB_ADD ||
		     (cmd.type == SADB_GETSPI && cmd.spi);

	if (ipcomp && cmd.spi > UINT16_MAX)
		refuse(syntax, cmd.spi_text, "the CPI of ipcomp has 16 bits");
	if (maker && !ipcomp && cmd.spi < 256)
		refuse(syntax, cmd.spi_text,
		       "SPI %s is reserved: use 256 or above", cmd.spi_text);
}

static void check_algorithms(void)
{
	bool ah = cmd.satype == SADB_SATYPE_AH;
	bool esp = cmd.satype == SADB_SATYPE_ESP;

	if (cmd.type != SADB_ADD && (cmd.enc.alg || cmd.auth.alg || cmd.comp.alg))
		refuse(syntax, cmd.proto, "only add takes algorithms");
	if (cmd.type != SADB_ADD)
		return;
	if (!esp && cmd.enc.alg)
		refuse(syntax, cmd.enc.alg->name, "%s does not encrypt: no -E",
		       cmd.proto);
	if (!esp && !ah && cmd.auth.alg)
		refuse(syntax, cmd.auth.alg->name,
		       "%s does not authenticate: no -A", cmd.proto);
	if ((esp || ah) && (cmd.comp.alg || cmd.rawcpi))
		refuse(syntax, cmd.proto, "only ipcomp takes -C and -R");
	if (esp && !cmd.enc.alg)
		refuse(syntax, cmd.proto, "esp needs -E (-E null encrypts nothing)");
	if (ah && !cmd.auth.alg)
		refuse(syntax, cmd.proto, "ah needs -A");
	if (!esp && !ah && !cmd.comp.alg)
		refuse(syntax, cmd.proto, "ipcomp needs -C");
	if (esp && cmd.enc.alg->aead && cmd.auth.alg)
		refuse(syntax, cmd.auth.alg->name,
		       "%s authenticates by itself: leave out -A",
		       cmd.enc.alg->name);
}

static void pair_send(const union addr *s, const union addr *d)
{
	report(send_sa(cmd.type, s, d), "");
}

static void run_sa(void)
{
	bool whole = cmd.type == SADB_ADD || cmd.type == SADB_GETSPI;

	cmd.spi = number(cmd.spi_text, 0, UINT32_MAX);
	check_spi();
	check_algorithms();
	if (cmd.oa && !cmd.udp)
		refuse(syntax, cmd.oa, "only esp-udp takes an original address");
	if (cmd.old && cmd.has_replay)
		refuse(syntax, cmd.proto, "it has no sequence numbers: no -r");
	if (cmd.has_mode && !whole) {
		warn_at("warning: -m is ignored here");
		cmd.mode = IPSEC_MODE_ANY;
	}
	parse_sa_ends();
	each_pair(pair_send);
}

/* deleteall: the SPIs of a dump that lie between two given addresses. */
struct found {
	const union addr *src, *dst;
	uint32_t *spi;
	size_t n;
};

static bool same_host(const union addr *a, const union addr *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	if (a->sa.sa_family == AF_INET)
		return a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
	return IN6_ARE_ADDR_EQUAL(&a->in6.sin6_addr, &b->in6.sin6_addr);
}

static void on_found(const struct sadb_msg *hdr, const struct exts *x,
		     void *arg)
{
	const struct sadb_ext *s = x->ext[SADB_EXT_ADDRESS_SRC];
	const struct sadb_ext *d = x->ext[SADB_EXT_ADDRESS_DST];
	const struct sadb_sa *sa = (const void *)x->ext[SADB_EXT_SA];
	struct found *found = arg;
	uint32_t *grown;

	if (hdr->sadb_msg_satype != cmd.satype || !sa || !s || !d ||
	    !same_host(ext_addr(s), found->src) ||
	    !same_host(ext_addr(d), found->dst))
		return;
	grown = reallocarray(found->spi, found->n + 1, sizeof(*grown));
	if (!grown)
		abort();
	grown[found->n++] = ntohl(sa->sadb_sa_spi);
	found->spi = grown;
}

/* Deletes after the dump, which it must not disturb. Finding none is well. */
static void pair_deleteall(const union addr *s, const union addr *d)
{
	struct found found = { .src = s, .dst = d };
	struct msg m;
	int err;

	batch_flush();
	msg_start(&m, SADB_DUMP, cmd.satype);
	err = pfkey_call(&m, on_found, &found);
	if (err != ENOENT)
		report(err, "");
	for (size_t i = 0; i < found.n; i++) {
		cmd.spi = found.spi[i];
		err = send_sa(SADB_DELETE, s, d);
		if (err != ESRCH)	/* it may have expired meanwhile */
			report(err, "");
	}
	free(found.spi);
}

static void run_deleteall(void)
{
	parse_sa_ends();
	each_pair(pair_deleteall);
}

/* flush, dump, spdflush, spddump: a header says it all. */
static void run_simple(void)
{
	struct msg m;

	msg_start(&m, cmd.type, cmd.satype);
	report(call(&m, "", on_reply), "");
}

/* Can the port of an address say it, where 0 is any. */
static bool is_plain(struct range r)
{
	return range_is_any(r) || (r.first && r.first == r.last);
}

/* A kernel that took no notice of a range has made another policy. */
static void on_policy(const struct sadb_msg *hdr, const struct exts *x, void *arg)
{
	(void)hdr;
	(void)arg;
	if (!x->ext[SADB_X_EXT_PORTS] &&
	    (is_span(cmd.sport) || is_span(cmd.dport)))
		fail_at("this kernel knows no ranges: the policy is for the first port alone");
}

static void send_policy(const struct policy *p, const char *note)
{
	struct msg m;

	msg_start(&m, cmd.type, SADB_SATYPE_UNSPEC);
	msg_policy(&m, p);
	msg_address(&m, SADB_EXT_ADDRESS_SRC, &src.addr[0], src.plen,
		    cmd.upper, cmd.sport.first);
	msg_address(&m, SADB_EXT_ADDRESS_DST, &dst.addr[0], dst.plen,
		    cmd.upper, cmd.dport.first);
	if (!is_plain(cmd.sport) || !is_plain(cmd.dport))
		msg_ports(&m, cmd.sport, cmd.dport);
	msg_context(&m, &cmd.ctx);
	report(call(&m, note, on_policy), note);
}

/*
 * Linux knows forwarded packets as a direction of their own; RFC 2401 lets
 * `in' cover them. The copy asks for any SA in place of a numbered one in its
 * first rule, as setkey has always done.
 */
static void send_forward_copy(void)
{
	struct policy copy = cmd.policy;
	struct rule *first = &copy.rule[0];

	copy.dir = IPSEC_DIR_FWD;
	if (copy.nrules && first->level == IPSEC_LEVEL_UNIQUE && first->reqid) {
		first->level = IPSEC_LEVEL_REQUIRE;
		first->reqid = 0;
	}
	send_policy(&copy, " (the fwd copy of an `in' policy; -k makes none)");
}

static void check_range(const struct host *h, const char *text)
{
	if (h->n != 1)
		refuse("multiple address specified", text,
		       "a policy wants one address; use -4 or -6, or write it as a number");
}

static void run_policy(void)
{
	parse_ends();
	check_range(&src, cmd.src);
	check_range(&dst, cmd.dst);
	if (src.addr[0].sa.sa_family != dst.addr[0].sa.sa_family)
		refuse(syntax, cmd.dst,
		       "%s and %s are of different address families",
		       cmd.src, cmd.dst);
	cmd.sport = src.port;
	cmd.dport = dst.port;
	if (cmd.misc)
		upper_misc(cmd.upper, cmd.misc, &cmd.sport, &cmd.dport);
	if (cmd.type == SADB_X_SPDDELETE)
		policy_parse_dir(&cmd.policy, cmd.word, cmd.nwords);
	else
		policy_parse(&cmd.policy, cmd.word, cmd.nwords);
	send_policy(&cmd.policy, "");
	if (cmd.policy.dir == IPSEC_DIR_INBOUND && !opt.kernel_mode)
		send_forward_copy();
}

/* Whether a command belongs to what takes effect as a whole. */
static bool is_change(int type)
{
	switch (type) {
	case SADB_ADD:
	case SADB_DELETE:
	case SADB_FLUSH:
	case SADB_X_SPDADD:
	case SADB_X_SPDUPDATE:
	case SADB_X_SPDDELETE:
	case SADB_X_SPDFLUSH:
		return true;
	default:
		return false;
	}
}

void cmd_run(void)
{
	if (opt.transaction && !is_change(cmd.type))
		refuse("not in a transaction", NULL,
		       "-t takes add, delete, flush and what spd* there is but spddump");
	switch (cmd.type) {
	case SADB_ADD:
	case SADB_GET:
	case SADB_GETSPI:
	case SADB_DELETE:
		run_sa();
		break;
	case CMD_DELETEALL:
		run_deleteall();
		break;
	case SADB_X_SPDADD:
	case SADB_X_SPDUPDATE:
	case SADB_X_SPDDELETE:
		run_policy();
		break;
	default:
		run_simple();
	}
	fflush(stdout);
}

/* A command given by an option: -D, -F and their -P forms. */
void cmd_simple(int type)
{
	cmd_reset();
	cmd.type = type;
	if (opt.json)
		json_begin();
	cmd_run();
	if (opt.json)
		json_end();
}
