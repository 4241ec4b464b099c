// SPDX-License-Identifier: GPL-2.0-only
/*
 * pfkey.c - fuzz the PF_KEY parser
 *
 * The header's length is made right for most inputs, so that what follows it is seen.
 */
#include <stdlib.h>

#include "../../kmod/pfkey_parse.h"

static void must(bool is)
{
	if (!is)
		abort();
}

static void check_addr(const struct espl_pfkey_addr *addr)
{
	must(!addr->family || addr->family == AF_INET || addr->family == AF_INET6);
	must(addr->plen <= (addr->family == AF_INET6 ? 128 : 32));
}

static void check_key(const struct espl_pfkey_key *key, const u8 *data, size_t len)
{
	if (!key->bits)
		return;
	must(key->data >= data && key->data + key->bits / 8 <= data + len);
}

/* Whatever was taken may be used without another look at a length. */
static void check(const struct espl_pfkey_msg *msg, const u8 *data, size_t len)
{
	const struct espl_pfkey_policy *policy = &msg->policy;

	check_addr(&msg->src);
	check_addr(&msg->dst);
	check_addr(&msg->new_src);
	check_addr(&msg->new_dst);
	check_addr(&msg->encap_original);
	check_key(&msg->enckey, data, len);
	check_key(&msg->authkey, data, len);
	must(msg->replay <= 4096);
	must(msg->sport.first <= msg->sport.last && msg->dport.first <= msg->dport.last);
	must(msg->mode == IPSEC_MODE_TRANSPORT || msg->mode == IPSEC_MODE_TUNNEL);
	must(policy->requests <= (msg->type == SADB_X_MIGRATE ? 8 : 4));
	for (unsigned int i = 0; i < policy->requests; i++) {
		const struct espl_pfkey_request *request = &policy->request[i];

		must(request->mode == IPSEC_MODE_TRANSPORT ||
		     request->mode == IPSEC_MODE_TUNNEL);
		must(request->mode == IPSEC_MODE_TRANSPORT || request->family);
		must(request->level <= IPSEC_LEVEL_UNIQUE);
	}
	if (msg->type == SADB_ADD || msg->type == SADB_GETSPI)
		must(msg->dst.family == msg->src.family && msg->dst.family);
	if (msg->type == SADB_ADD) {
		must(ntohl(msg->spi) >= 256 && (msg->enc || msg->auth));
		must(!msg->enc || espl_alg_key_ok(msg->enc, msg->enckey.bits));
		must(!msg->auth || espl_alg_key_ok(msg->auth, msg->authkey.bits));
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct espl_pfkey_msg msg;
	struct sadb_msg *base;
	u8 *copy;

	if (size > 4096)
		return 0;
	copy = malloc(size);	/* of just this size, for the sanitizer */
	memcpy(copy, data, size);
	base = (struct sadb_msg *)copy;
	if (size >= sizeof(*base) && base->sadb_msg_version) {
		base->sadb_msg_version = PF_KEY_V2;
		base->sadb_msg_len = size / 8;
	}
	if (!espl_pfkey_parse_base(copy, size, &msg)) {
		int err = espl_pfkey_parse(copy, size, &msg);

		must(err <= 0 && (!err || msg.why) && espl_pfkey_name(msg.type));
		if (!err)
			check(&msg, copy, size);
	}
	free(copy);
	return 0;
}
