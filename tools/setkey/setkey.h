/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * setkey: reads a script of SA and policy commands and speaks PF_KEY v2.
 *
 * The way of a command: token.l and parse.y collect its words into the one
 * struct command; word.c, algs.c and policy.c give the words their meaning,
 * names.c names; cmd.c turns the command into messages (msg.c), sends them
 * (pfkey.c), prints
 * what comes back (dump.c, json.c, show.c) or says why it was refused (explain.c).
 * Under -t the messages go to batch.c first.
 */
#ifndef SETKEY_H
#define SETKEY_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <linux/pfkeyv2.h>
#include <linux/ipsec.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define PRINTF(f, a)	__attribute__((format(printf, f, a)))
#define NORETURN	__attribute__((noreturn))

/* Beyond IANA and KAME: setkey's own name for "every SA between these two". */
#define CMD_DELETEALL	(SADB_MAX + 1)

#define MAX_ADDRS	16	/* addresses that one host name may stand for */
#define MAX_KEY		256	/* bytes; the longest key of any algorithm is 64 */
#define MAX_RULES	16	/* rules in one policy; no kernel nests deeper */
#define MAX_WORDS	64	/* words behind -P */

/* main.c: the command line, and where in which script we are */

struct options {
	bool parse_only;	/* -n */
	bool verbose;		/* -v */
	bool hex;		/* -H */
	bool ports;		/* -p */
	bool dead;		/* -a */
	bool no_socket_policies;/* -N */
	bool kernel_mode;	/* -k: a policy `in' brings no fwd copy */
	int monitor;		/* -x, -xx */
	const char *script;	/* -f or -c: its name in messages, or NULL */
	bool interactive;	/* -c: results on stdout too */
	bool transaction;	/* -t: the script takes effect as a whole */
	bool gather;		/* what a file adds goes many in a write */
	bool json;		/* -j */
	bool brief;		/* -l */
};

extern struct options opt;
extern int yylineno;

void warn_at(const char *fmt, ...) PRINTF(1, 2);
void fail_at(const char *fmt, ...) PRINTF(1, 2);
void refuse(const char *what, const char *token, const char *fmt, ...)
	PRINTF(3, 4) NORETURN;
void flush_stdout(void);
bool may_be_key(const char *word);

/* names.c: names of the numbers on the wire */

struct name {
	const char *text;
	uint32_t value;
};

struct names {
	const struct name *name;
	size_t n;
};

extern const struct names satype_names, state_names, mode_names, dir_names,
			  policy_names, rule_names, level_names;

const struct name *name_find(const struct names *names, const char *text);
const char *name_of(const struct names *names, uint32_t value);

/* word.c: what a word of the script means */

union addr {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/* Ports, or ICMP types or codes. */
struct range {
	uint16_t first, last;		/* host order; 0 to 65535: any */
};

#define RANGE_ANY	((struct range){ 0, UINT16_MAX })

struct host {
	union addr addr[MAX_ADDRS];	/* ports all zero */
	unsigned int n;
	unsigned int plen;		/* bits; ~0u: all of the address */
	struct range port;
};

uint64_t number(const char *text, uint64_t min, uint64_t max);
struct host host_parse(const char *text, int family, bool numeric);
uint8_t upper_parse(const char *text);
void upper_misc(uint8_t proto, const char *text, struct range *sport,
		struct range *dport);
uint16_t host_port(const struct host *h, const char *text);
bool range_is_any(struct range r);
unsigned int addr_len(const union addr *a);
unsigned int addr_bits(const union addr *a);
void addr_set_port(union addr *a, uint16_t port);
uint16_t addr_port(const union addr *a);

/* algs.c: one row per algorithm */

struct alg {
	const char *name;
	uint8_t ext;		/* SADB_EXT_KEY_*; 0: compression */
	uint8_t id;
	uint16_t min, max, step;/* bits of the key, its salt included */
	uint16_t flags;		/* SA flags the old DES variants stand for */
	bool aead;		/* authenticates by itself: no -A beside it */
	bool bare;		/* encrypts without authenticating */
	bool weak;		/* MUST NOT be used (RFC 8221) */
};

struct key {
	const struct alg *alg;	/* NULL: not given */
	uint16_t bits;
	uint8_t bytes[MAX_KEY];
};

const struct alg *alg_by_name(uint8_t ext, const char *name);
const char *alg_name(uint8_t ext, uint8_t id, char *buf, size_t size);
void key_none(struct key *key, uint8_t ext, const char *alg);
void key_text(struct key *key, uint8_t ext, const char *alg, const char *text);
void key_hex(struct key *key, uint8_t ext, const char *alg, const char *hex);

/* policy.c: the words behind -P */

struct rule {
	uint8_t proto, mode, level;
	uint32_t reqid;
	bool has_addrs;
	union addr src, dst;
};

struct policy {
	uint8_t dir, type;
	uint32_t priority;
	unsigned int nrules;
	struct rule rule[MAX_RULES];
};

#define PRIORITY_LOW	0xc0000000u
#define PRIORITY_DEF	0x80000000u
#define PRIORITY_HIGH	0x40000000u

void policy_parse(struct policy *p, const char *const *word, unsigned int n);
void policy_parse_dir(struct policy *p, const char *const *word,
		      unsigned int n);

/* cmd.c: one command of the script */

struct context {
	bool given;
	uint8_t doi, alg;
	const char *text;
};

struct command {
	int type;			/* SADB_* or CMD_DELETEALL */
	int family;			/* -4, -6; AF_UNSPEC */
	bool numeric;			/* -n: look up no names */
	const char *src, *dst, *proto, *oa, *spi_text, *misc;
	struct context ctx;

	/* SAs */
	uint8_t satype;
	bool udp, old;			/* esp-udp; esp-old, ah-old */
	uint32_t spi, reqid, replay, flags;
	uint8_t mode;
	bool has_mode, has_replay, rawcpi;
	uint64_t hard_time, soft_time, hard_bytes, soft_bytes;
	struct key enc, auth, comp;

	/* Policies */
	const char *word[MAX_WORDS];	/* behind -P, as written */
	unsigned int nwords;
	uint8_t upper;
	struct range sport, dport;
	struct policy policy;
};

extern struct command cmd;

void cmd_flag(const char *text);
void cmd_mode(const char *text);
void cmd_padding(const char *text);
void cmd_proto(const char *text);
void cmd_word(const char *text);
void cmd_run(void);
void cmd_reset(void);
void cmd_simple(int type);

/* msg.c: building and taking apart messages */

#define MSG_MAX		16384		/* bytes of a message that we build */
#define EXT_TOP		SADB_X_EXT_PORTS

struct msg {
	union {
		struct sadb_msg hdr;
		uint64_t align;
		uint8_t bytes[MSG_MAX];
	};
};

struct exts {
	const struct sadb_ext *ext[EXT_TOP + 1];
};

void msg_start(struct msg *m, uint8_t type, uint8_t satype);
void *msg_ext(struct msg *m, uint16_t type, size_t size);
size_t msg_len(const struct sadb_msg *hdr);
void msg_address(struct msg *m, uint16_t type, const union addr *a,
		 unsigned int plen, uint8_t proto, uint16_t port);
void msg_key(struct msg *m, const struct key *key);
void msg_lifetime(struct msg *m, uint16_t type, uint64_t seconds,
		  uint64_t bytes);
void msg_context(struct msg *m, const struct context *ctx);
void msg_policy(struct msg *m, const struct policy *p);
void msg_ports(struct msg *m, struct range src, struct range dst);
void msg_nat_port(struct msg *m, uint16_t type, uint16_t port);
const char *msg_index(const struct sadb_msg *hdr, size_t len, struct exts *x);
const union addr *ext_addr(const struct sadb_ext *ext);
const union addr *addr_at(const void *p, size_t room);
const struct sadb_x_ipsecrequest *
rule_next(const struct sadb_x_policy *p, const struct sadb_x_ipsecrequest *r);

/* pfkey.c: the socket */

typedef void reply_fn(const struct sadb_msg *hdr, const struct exts *x,
		      void *arg);

void pfkey_open(void);
int pfkey_call(const struct msg *m, reply_fn *fn, void *arg);
int pfkey_call_all(const void *messages, size_t len, uint32_t *seq);
void pfkey_monitor(void) NORETURN;
bool pfkey_supports(const struct alg *alg, uint16_t *min, uint16_t *max);

/* batch.c: many messages in one write */

void batch_add(const struct msg *m, const char *note);
void batch_flush(void);
void batch_end(void);

/* json.c: dumps for programs */

void json_begin(void);
void json_sa(const struct sadb_msg *hdr, const struct exts *x);
void json_policy(const struct sadb_msg *hdr, const struct exts *x);
void json_end(void);

/* dump.c, show.c: what people and scripts read */

const char *addr_text(const union addr *a, char *buf, size_t size);
void dump_sa(const struct sadb_msg *hdr, const struct exts *x);
void dump_brief(const struct sadb_msg *hdr, const struct exts *x);
void dump_brief_head(void);
struct sadb_lifetime ext_lifetime(const struct sadb_ext *ext);
uint16_t ext_port(const struct sadb_ext *ext);
uint32_t ext_window(const struct exts *x);
struct range ext_ports(const struct exts *x, uint16_t end);
void dump_policy(const struct sadb_msg *hdr, const struct exts *x);
void show_message(const struct sadb_msg *hdr, size_t len);

/* explain.c: a kernel's refusal in words */

const char *explain_errno(int err);
const char *explain(const struct command *c, int err);

/* token.l, parse.y */

extern FILE *yyin;
int yylex(void);
int yyparse(void);
void token_reset(void);

#endif
