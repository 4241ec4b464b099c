// SPDX-License-Identifier: GPL-2.0-only
/*
 * pfkey_parse.c - the PF_KEY parser: never outside the message, whatever is in it
 *
 * In three parts, for all at once are more than a solver can hold: what is done with
 * one extension; the walk from one to the next; what a message must be like as a
 * whole. Where one part calls the next, the latter's contract stands for it, a
 * function called any_*(): it asserts what the callee may count on, and returns
 * anything that the callee may. That the callee keeps to it is a proof of its own,
 * which supposes the one and asserts the other, by the same sound() and sound_request().
 * What is composed so is not proved by a machine: it is that a part of a part of a
 * message lies within the message.
 */
#define OCTETS
#include "prove.h"

#include "../../kmod/alg.c"
#include "../../kmod/replay.h"
#include "../../kmod/pfkey_parse.c"

static bool has(const struct espl_pfkey_msg *msg, unsigned int type)
{
	return msg->exts & ESPL_EXT(type);
}

static bool is_family(u8 family)
{
	return family == AF_INET || family == AF_INET6;
}

static bool sound_addr(const struct espl_pfkey_addr *addr)
{
	return is_family(addr->family) &&
	       addr->plen <= (addr->family == AF_INET ? 32 : 128);
}

static bool sound_range(struct espl_range range)
{
	return range.first <= range.last;
}

static bool sound_request(const struct espl_pfkey_request *request)
{
	return (request->mode == IPSEC_MODE_TRANSPORT ||
		request->mode == IPSEC_MODE_TUNNEL) &&
	       request->level <= IPSEC_LEVEL_UNIQUE &&
	       (is_family(request->family) ||
		(!request->family && request->mode == IPSEC_MODE_TRANSPORT));
}

static unsigned int most_requests(const struct espl_pfkey_msg *msg)
{
	return msg->type == SADB_X_MIGRATE ? 8 : 4;
}

static bool sound_policy(const struct espl_pfkey_msg *msg)
{
	const struct espl_pfkey_policy *policy = &msg->policy;

	/* Where nothing came to yet, there is none of the message before. */
	for (unsigned int i = 0; i < ARRAY_SIZE(policy->request); i++)
		if (i < policy->requests ? !sound_request(&policy->request[i]) :
					   policy->request[i].family)
			return false;
	return policy->requests <= most_requests(msg) &&
	       (has(msg, SADB_X_EXT_POLICY) || !policy->requests);
}

/* What holds of a request between any two extensions: nothing is left to check. */
static bool sound(const struct espl_pfkey_msg *msg)
{
	return (!has(msg, SADB_EXT_ADDRESS_SRC) || sound_addr(&msg->src)) &&
	       (!has(msg, SADB_EXT_ADDRESS_DST) || sound_addr(&msg->dst)) &&
	       (!has(msg, SADB_X_EXT_NEW_ADDRESS_SRC) || sound_addr(&msg->new_src)) &&
	       (!has(msg, SADB_X_EXT_NEW_ADDRESS_DST) || sound_addr(&msg->new_dst)) &&
	       (!has(msg, SADB_X_EXT_NAT_T_OA) || sound_addr(&msg->encap_original)) &&
	       (!has(msg, SADB_X_EXT_KMADDRESS) || is_family(msg->km.family)) &&
	       (!has(msg, SADB_X_EXT_PORTS) ||
		(sound_range(msg->sport) && sound_range(msg->dport))) &&
	       msg->authkey.bits % 8 == 0 && msg->enckey.bits % 8 == 0 &&
	       msg->replay <= ESPL_REPLAY_MAX && sound_policy(msg) &&
	       (msg->mode == IPSEC_MODE_TRANSPORT || msg->mode == IPSEC_MODE_TUNNEL);
}

static struct espl_pfkey_msg any_sound(void)
{
	struct espl_pfkey_msg msg;	/* of any contents */

	suppose(msg.type && msg.type <= SADB_MAX && sound(&msg));
	return msg;
}

static int any_refusal(struct espl_pfkey_msg *msg)
{
	static const int errs[] = { -EINVAL, -EOPNOTSUPP, -EPROTONOSUPPORT, -ENOSYS };

	return refuse(msg, errs[any_below(ARRAY_SIZE(errs))], "some reason");
}

/* What became of an errno: none, or one with its reason. */
static void refused_in_words(int err, const struct espl_pfkey_msg *msg)
{
	certain(err <= 0, "an errno or none");
	certain(!err || msg->why, "what is refused is refused in words");
}

/* One extension of a type, of any length that 16 bits can say, any octets, on top of
 * a request: read within memory of just its size, and decoded whole.
 */
static const u8 *extension_of(unsigned int type, struct espl_pfkey_msg *msg, size_t *len)
{
	struct espl_pfkey_msg was = *msg;
	const u8 *ext;
	int err;

	*len = any_u16() * WORD;
	suppose(*len);
	ext = any_octets(*len);
	msg->why = NULL;
	err = take_ext(msg, any_u64(), type, ext, *len);
	refused_in_words(err, msg);
	if (err)
		return NULL;
	certain(!has(&was, type) && msg->exts == (was.exts | ESPL_EXT(type)),
		"it is there now, and was not before");
	certain(sound(msg), "nothing is left to check");
	certain(msg->type == was.type && msg->satype == was.satype &&
		msg->seq == was.seq && msg->pid == was.pid,
		"the header stays what it was");
	certain(msg->enc == was.enc && msg->auth == was.auth, "no algorithm is looked up");
	return ext;
}

/* The same on top of any request. */
static const u8 *extension(unsigned int type, struct espl_pfkey_msg *msg, size_t *len)
{
	*msg = any_sound();
	return extension_of(type, msg, len);
}

static void is_within(const struct espl_pfkey_key *key, const u8 *ext, size_t len)
{
	certain(key->data >= ext && key->data + key->bits / 8 <= ext + len,
		"a key's octets lie within its extension");
}

void prove_extension_addresses(void)	/* --unwind 30 */
{
	struct espl_pfkey_msg msg;
	size_t len;

	extension(SADB_EXT_ADDRESS_SRC, &msg, &len);
	extension(SADB_EXT_ADDRESS_DST, &msg, &len);
	extension(SADB_X_EXT_NAT_T_OA, &msg, &len);
	extension(SADB_X_EXT_NEW_ADDRESS_SRC, &msg, &len);
	extension(SADB_X_EXT_NEW_ADDRESS_DST, &msg, &len);
	extension(SADB_X_EXT_KMADDRESS, &msg, &len);
}

void prove_extension_keys(void)	/* --unwind 30 */
{
	struct espl_pfkey_msg msg;
	const u8 *ext;
	size_t len;

	ext = extension(SADB_EXT_KEY_AUTH, &msg, &len);
	if (ext)
		is_within(&msg.authkey, ext, len);
	ext = extension(SADB_EXT_KEY_ENCRYPT, &msg, &len);
	if (ext)
		is_within(&msg.enckey, ext, len);
}

void prove_extension_short(void)	/* --unwind 30 */
{
	struct espl_pfkey_msg msg;
	size_t len;

	extension(SADB_EXT_SA, &msg, &len);
	extension(SADB_EXT_LIFETIME_HARD, &msg, &len);
	extension(SADB_EXT_LIFETIME_SOFT, &msg, &len);
	extension(SADB_EXT_SPIRANGE, &msg, &len);
	extension(SADB_X_EXT_SA2, &msg, &len);
	extension(SADB_X_EXT_NAT_T_TYPE, &msg, &len);
	extension(SADB_X_EXT_NAT_T_SPORT, &msg, &len);
	extension(SADB_X_EXT_NAT_T_DPORT, &msg, &len);
	extension(SADB_X_EXT_SA_REPLAY, &msg, &len);
	extension(SADB_X_EXT_PORTS, &msg, &len);
}

/* All that are not read but for their length: their octets need not even be there. */
void prove_extension_unread(void)	/* --unwind 34 */
{
	struct espl_pfkey_msg was = any_sound(), msg;
	int err;

	for (unsigned int type = 1; type < ARRAY_SIZE(ext_rules); type++) {
		if (ext_rules[type].decode)
			continue;
		msg = was;
		msg.why = NULL;
		err = take_ext(&msg, any_u64(), type, NULL, any_u16() * WORD);
		refused_in_words(err, &msg);
		certain(err || msg.exts == (was.exts | ESPL_EXT(type)), "it is there now");
		certain(sound(&msg), "nothing is left to check");
	}
}

/* One transform, in any number of octets that a policy's 16 bits leave. */
void prove_transform(void)	/* --unwind 30 */
{
	struct espl_pfkey_msg msg = any_sound();
	struct espl_pfkey_request request;
	size_t left = any_below(65536 * WORD), taken = any_u32();
	int err;

	request.family = 0;
	msg.why = NULL;
	err = decode_request(&msg, &request, any_octets(left), left, &taken);
	refused_in_words(err, &msg);
	if (err)
		return;
	certain(taken && taken <= left, "something is taken, and not more than there is");
	certain(sound_request(&request), "nothing is left to check");
}

int any_request(struct espl_pfkey_msg *msg, struct espl_pfkey_request *request,
		const u8 *from, size_t left, size_t *taken)
{
	struct espl_pfkey_request any;	/* of any contents */

	certain(__CPROVER_r_ok(from, left), "what is left lies within the extension");
	certain(__CPROVER_w_ok(request, sizeof(*request)) && !request->family,
		"and has a place to go to, where nothing is yet");
	*taken = any_u32();
	suppose(*taken && *taken <= left && sound_request(&any));
	*request = any;
	return any_bool() ? 0 : any_refusal(msg);
}

/*
 * Policies of any length that 16 bits can say, of as many transforms as may be: the
 * first of a request, for a second is refused whatever it is.
 */
static void extension_policy(u8 message)
{
	struct espl_pfkey_msg msg = any_sound();
	size_t len;

	suppose(!has(&msg, SADB_X_EXT_POLICY));
	msg.type = message;
	msg.policy = (struct espl_pfkey_policy){};
	extension_of(SADB_X_EXT_POLICY, &msg, &len);
}

void prove_extension_policy(void)	/* --unwind 10 replace decode_request:any_request */
{
	extension_policy(SADB_X_SPDADD);
}

void prove_extension_migration(void)	/* --unwind 10 replace decode_request:any_request */
{
	extension_policy(SADB_X_MIGRATE);
}

int any_extension(struct espl_pfkey_msg *msg, u64 legal, unsigned int type,
		  const u8 *from, size_t len)
{
	certain(len && len % WORD == 0, "an extension has whole words");
	certain(type && type < ARRAY_SIZE(ext_rules), "and a rule");
	certain(__CPROVER_r_ok(from, len), "and lies within the message");
	if (any_bool() || has(msg, type) || !(legal & ESPL_EXT(type)))
		return any_refusal(msg);
	msg->exts |= ESPL_EXT(type);
	return 0;
}

#define MESSAGE	96	/* octets behind the header */

/* Any octets behind a header, up to 96 of them: 12 extensions, or fewer. */
void prove_walk(void)	/* --unwind 14 replace take_ext:any_extension */
{
	unsigned int len = any_below(MESSAGE / WORD + 1) * WORD;
	const u8 *octets = any_octets_at_end(MESSAGE, len);
	struct espl_pfkey_msg msg = {};
	u64 legal = any_u64();
	int err = walk(&msg, legal, octets, len);

	refused_in_words(err, &msg);
	certain(!(msg.exts & ~legal), "nothing is there that does not belong there");
}

int any_walk(struct espl_pfkey_msg *msg, u64 legal, const u8 *from, size_t left)
{
	struct espl_pfkey_msg any = any_sound();

	certain(left % WORD == 0 && __CPROVER_r_ok(from, left),
		"the walk goes over the message");
	any.type = msg->type;
	any.satype = msg->satype;
	any.error = msg->error;
	any.enc = NULL;
	any.auth = NULL;
	*msg = any;
	suppose(sound(msg) && !(msg->exts & ~legal));
	return any_bool() ? 0 : any_refusal(msg);
}

/* What a request for an SA says of it, once it is taken. */
static void fit_for_sa(const struct espl_pfkey_msg *msg)
{
	certain(msg->src.family == msg->dst.family && is_family(msg->dst.family),
		"an SA has two addresses of one family");
	if (msg->type == SADB_GETSPI)
		certain(msg->spi_min >= 256 && msg->spi_min <= msg->spi_max,
			"SPIs to choose from, none reserved");
	if (msg->type != SADB_ADD)
		return;
	certain(ntohl(msg->spi) >= 256, "an SPI that is not reserved");
	certain(msg->enc || msg->auth, "an algorithm");
	certain(!msg->enc || espl_alg_key_ok(msg->enc, msg->enckey.bits),
		"a key that its cipher takes");
	certain(!msg->auth || espl_alg_key_ok(msg->auth, msg->authkey.bits),
		"a key that its MAC takes");
	certain(msg->auth || msg->enc->kind == ESPL_ALG_AEAD, "integrity, always");
}

static void fit_for_policy(const struct espl_pfkey_msg *msg)
{
	certain(msg->src.family == msg->dst.family && is_family(msg->dst.family),
		"a policy has two addresses of one family");
	for (unsigned int i = 0; i < ARRAY_SIZE(msg->policy.request); i++)
		certain(i >= msg->policy.requests ||
			msg->policy.request[i].proto == IPPROTO_ESP ||
			msg->policy.request[i].proto == IPPROTO_AH,
			"transforms that there are");
}

/* Any message of any length: what is taken is whole, and fit for use. */
void prove_message(void)	/* --unwind 30 replace walk:any_walk */
{
	size_t len = any_below(65536 * WORD);
	const u8 *octets = any_octets(len);
	struct espl_pfkey_msg msg;
	int err;

	espl_alg_weak = any_bool();
	espl_alg_sha256_96 = any_bool();
	if (espl_pfkey_parse_base(octets, len, &msg))
		return;
	certain(len >= sizeof(struct sadb_msg) && len % WORD == 0,
		"a header, and whole words behind it");
	certain(msg.type && msg.type <= SADB_MAX, "of a type that there is");
	err = espl_pfkey_parse(octets, len, &msg);
	refused_in_words(err, &msg);
	if (err)
		return;
	certain(sound(&msg), "nothing is left to check");
	if (msg.type == SADB_ADD || msg.type == SADB_GETSPI || msg.type == SADB_UPDATE)
		fit_for_sa(&msg);
	if (msg.type == SADB_X_SPDADD || msg.type == SADB_X_SPDUPDATE ||
	    msg.type == SADB_X_MIGRATE)
		fit_for_policy(&msg);
}
