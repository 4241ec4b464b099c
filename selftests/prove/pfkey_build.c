// SPDX-License-Identifier: GPL-2.0-only
/*
 * pfkey_build.c - the PF_KEY builder: sizes are what is written, and all was zeroed
 *
 * Two parts. What asks for room in a message, put(), is proved to give so many octets
 * that are zero, behind all that were given before, and a message leaves whole. For the
 * functions that fill messages, any_room() stands for it: there each piece has memory
 * of its own, zeroed, of just the size that was asked for, so that what is written
 * outside its size is a failure; the pieces' sizes together are at most what a message
 * can be; and each extension says the length that its pieces have, so that who reads
 * the message by its lengths finds the next where it was put.
 */
#include "shim.h"

#include "../../kmod/alg.c"
#include "../../kmod/pfkey_build.c"

void espl_sa_current(const struct espl_sa *sa, struct espl_lifetime *used)
{
	struct espl_lifetime any;	/* of any contents */

	(void)sa;
	*used = any;
}

/* A message in the making: any octets, and zero from its length on. */
static struct espl_pfkey_build *any_build(unsigned int k)
{
	static struct espl_pfkey_build build;

	__CPROVER_havoc_object(&build);
	build.len = any_below(ESPL_PFKEY_MSG_MAX / 8 + 1) * 8;
	suppose(k < build.len || !build.data[k]);
	return &build;
}

/* Any octet k of a message stands for all of them. */
void prove_begin(void)	/* --unwind 1034 */
{
	unsigned int k = any_below(ESPL_PFKEY_MSG_MAX);
	struct espl_pfkey_build *build = any_build(k);
	struct espl_pfkey_head head;	/* of any contents */

	espl_put_head(build, &head);
	certain(build->len == sizeof(struct sadb_msg) && !build->plain, "a header, and no more");
	certain(k < build->len || !build->data[k], "all behind it is zero");
}

void prove_room(void)	/* --unwind 2 */
{
	unsigned int k = any_below(ESPL_PFKEY_MSG_MAX), size = any_u16();
	struct espl_pfkey_build *build = any_build(k);
	unsigned int was = build->len;
	u8 *at = put(build, size);

	if (was + size > ESPL_PFKEY_MSG_MAX) {
		certain(!build->len, "what does not fit is not sent");
		return;
	}
	certain(at == build->data + was && build->len - was >= size &&
		build->len - was < size + 8 && build->len % 8 == 0,
		"room behind all that is there, in whole words");
	certain(k < was || !build->data[k], "which is zero, as is what is behind it");
}

/* An extension is begun in such room, and says how long it is. */
void prove_extension(void)	/* --unwind 2 */
{
	unsigned int size = any_below(ESPL_PFKEY_MSG_MAX);
	struct espl_pfkey_build *build = any_build(0);
	unsigned int was = build->len;
	struct sadb_ext *ext;
	u16 type = any_u16();

	suppose(size >= sizeof(*ext) && was + size <= ESPL_PFKEY_MSG_MAX);
	ext = put_ext(build, type, size);
	certain((u8 *)ext == build->data + was && ext->sadb_ext_type == type &&
		ext->sadb_ext_len * 8 == build->len - was, "its length is what it took");
}

static u8 sent[ESPL_PFKEY_MSG_MAX];
static struct sk_buff packet;
static unsigned int room;	/* in it */
static unsigned int watched;	/* the octet that stands for all of them */
static bool freed;

struct sk_buff *alloc_skb(unsigned int len, int flags)
{
	(void)flags;
	room = len;
	return any_bool() ? &packet : NULL;
}

void kfree_skb(struct sk_buff *skb)
{
	certain(skb == &packet, "what is not sent is freed");
	freed = true;
}

void *skb_put_data(struct sk_buff *skb, const void *from, unsigned int len)
{
	(void)skb;
	certain(len <= room && len <= sizeof(sent), "there is room for what is sent");
	certain(__CPROVER_r_ok(from, len), "and it is there");
	__CPROVER_havoc_object(sent);
	suppose(watched >= len || sent[watched] == ((const u8 *)from)[watched]);
	return sent;
}

/* In a packet that is given, or a new one. */
void prove_finish(void)	/* --unwind 2 */
{
	unsigned int k = any_below(ESPL_PFKEY_MSG_MAX);
	struct espl_pfkey_build *build = any_build(k);
	bool modern = any_bool(), given = any_bool();
	unsigned int len;

	room = ESPL_PFKEY_MSG_MAX;
	watched = k;
	build->plain = any_below(build->len / 8 + 1) * 8;
	len = modern || !build->plain ? build->len : build->plain;
	if (!espl_pfkey_finish(build, modern, given ? &packet : NULL)) {
		certain(!given || freed, "a packet that was given is used or freed");
		return;
	}
	certain(len >= sizeof(struct sadb_msg) && !freed, "a message");
	certain(((struct sadb_msg *)sent)->sadb_msg_len * 8 == len, "says how long it is");
	certain(k >= len || k / 2 == 2 || sent[k] == build->data[k],
		"each octet as it was written");
}

/* The extension that was begun last, and the octets that it has so far. */
static struct sadb_ext *last;
static unsigned int last_len;

static void ends(void)
{
	certain(!last || last->sadb_ext_len * 8 == last_len,
		"an extension is as long as it says");
}

void *any_room(struct espl_pfkey_build *build, unsigned int size)
{
	u8 *at = calloc(1, ALIGN(size, 8));

	suppose(at);
	certain(build->len + ALIGN(size, 8) <= ESPL_PFKEY_MSG_MAX,
		"no message is larger than a message can be");
	build->len += ALIGN(size, 8);
	last_len += ALIGN(size, 8);
	return at;
}

void *any_extension(struct espl_pfkey_build *build, u16 type, unsigned int size)
{
	struct sadb_ext *ext;

	ends();
	last_len = 0;
	ext = any_room(build, size);
	ext->sadb_ext_len = ALIGN(size, 8) / 8;
	ext->sadb_ext_type = type;
	last = ext;
	return ext;
}

static struct espl_pfkey_build *begin(void)
{
	static struct espl_pfkey_build build;

	last = NULL;
	build.len = sizeof(struct sadb_msg);
	build.plain = 0;
	return &build;
}

static u8 any_family(void)
{
	return any_bool() ? AF_INET : AF_INET6;
}

static struct espl_sa *any_sa(void)
{
	static struct espl_sa sa;

	__CPROVER_havoc_object(&sa);
	sa.conf.family = any_family();
	sa.conf.encap_oa = any_bool();
	suppose(sa.conf.authkey.bits <= ESPL_KEY_MAX * 8);
	suppose(sa.conf.enckey.bits <= ESPL_KEY_MAX * 8);
	sa.conf.auth = any_bool() ? NULL : espl_alg_row(0);
	sa.conf.enc = any_bool() ? NULL : espl_alg_row(0);
	return &sa;
}

/* Any SA, with keys of any length that SAs have. */
void prove_sa(void)	/* --unwind 66 replace put:any_room replace put_ext:any_extension */
{
	struct espl_pfkey_build *build = begin();

	espl_put_sa(build, any_sa(), any_u32());
	ends();
}

void prove_mapping(void)	/* --unwind 42 replace put:any_room replace put_ext:any_extension */
{
	struct espl_pfkey_build *build = begin();
	struct espl_mapping from, to;	/* of any contents */

	espl_put_mapping(build, any_sa(), &from, &to);
	ends();
}

static struct espl_policy *any_policy(void)
{
	static struct espl_policy policy;

	__CPROVER_havoc_object(&policy);
	suppose(policy.tmpls <= ESPL_DEPTH);
	policy.created = any_u32();	/* seconds since boot */
	policy.last_used = any_u32();
	policy.sel.family = any_family();
	for (unsigned int i = 0; i < ESPL_DEPTH; i++)
		policy.tmpl[i].family = any_family();
	return &policy;
}

/* A transform, of either mode and family: within the size that is said of it. */
void prove_transform(void)	/* --unwind 42 */
{
	struct espl_tmpl tmpl;	/* of any contents */
	struct sadb_x_ipsecrequest *request;
	unsigned int len;

	tmpl.family = any_family();
	len = tmpl_len(&tmpl);
	request = (void *)any_octets(len);
	fill_tmpl(request, &tmpl);
	certain(len % 8 == 0 && request->sadb_x_ipsecrequest_len == len,
		"it says how long it is");
}

void any_transform(void *to, const struct espl_tmpl *tmpl)
{
	certain(__CPROVER_w_ok(to, tmpl_len(tmpl)), "a transform lies within its extension");
}

/* Any policy, with as many transforms as there can be, of any modes and families. */
void prove_policy(void)	/* --unwind 42 replace put:any_room replace put_ext:any_extension replace fill_tmpl:any_transform */
{
	struct espl_pfkey_build *build = begin();

	espl_put_policy(build, any_policy());
	ends();
}

/* Any answer to MIGRATE, with as many pairs as the parser takes. */
void prove_migrate(void)	/* --unwind 42 replace put:any_room replace put_ext:any_extension */
{
	static struct espl_pfkey_msg msg;
	struct espl_pfkey_build *build = begin();

	__CPROVER_havoc_object(&msg);
	suppose(msg.policy.requests <= 2 * ESPL_PFKEY_REQUESTS);
	espl_put_migrate(build, &msg);
	ends();
}

void prove_acquire(void)	/* --unwind 74 replace put:any_room replace put_ext:any_extension */
{
	static struct espl_acquire acquire;
	struct espl_pfkey_build *build = begin();
	struct espl_flow flow;	/* of any contents */

	__CPROVER_havoc_object(&acquire);
	espl_put_acquire(build, &acquire, any_policy());
	if (any_bool())
		espl_put_trigger(build, &flow);
	ends();
}

/* Whatever of the algorithms the kernel has. */
void prove_supported(void)	/* --unwind 42 replace put:any_room replace put_ext:any_extension */
{
	struct espl_pfkey_build *build = begin();

	espl_put_supported(build, any_u64());
	ends();
}
