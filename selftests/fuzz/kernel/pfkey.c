// SPDX-License-Identifier: GPL-2.0-only
/*
 * pfkey.c - fuzz PF_KEY in the kernel: requests of all kinds, on several sockets
 *
 * Most requests are such as a client might send, about a few SAs and policies, so
 * that they find each other's. Some octets of some of them are spoiled. In between
 * sockets are read, closed and opened, packets ask for SAs, and sockets get policies.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "message.h"

#define SOCKETS		3
#define BATCH		8192
#define SPIS		8

const unsigned int fuzz_share = 2048;

/* Opened when they are first used by an input: -1 until then. */
static int sockets[SOCKETS], udp4, udp6;
static int admin, device;
static u8 batch[BATCH];
static size_t batched;
static u32 got_spi, policy_id;	/* what was heard last */

static const struct place places[] = {
	{ AF_INET, "10.1.0.1" }, { AF_INET, "10.1.0.2" }, { AF_INET, "10.1.0.3" },
	{ AF_INET, "0.0.0.0" }, { AF_INET, "224.0.0.5" }, { AF_INET, "10.9.0.1" },
	{ AF_INET6, "fd01::1" }, { AF_INET6, "fd01::2" }, { AF_INET6, "fd01::3" },
	{ AF_INET6, "::" }, { AF_INET6, "ff02::5" }, { AF_INET6, "fd09::1" },
};

static int pfkey_socket(unsigned int i)
{
	if (sockets[i] < 0)
		sockets[i] = pfkey_open();
	return sockets[i];
}

static int udp_socket(u8 family)
{
	int *fd = family == AF_INET ? &udp4 : &udp6;

	if (*fd < 0)
		*fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	must(*fd >= 0, "a UDP socket");
	return *fd;
}

static void close_all(void)
{
	int *all[] = { &sockets[0], &sockets[1], &sockets[2], &udp4, &udp6 };

	for (unsigned int i = 0; i < COUNT(all); i++) {
		if (*all[i] >= 0)
			close(*all[i]);
		*all[i] = -1;
	}
}

static const struct place *place(struct input *in)
{
	return &places[octet(in) % COUNT(places)];
}

static const struct place *like(struct input *in, const struct place *other)
{
	unsigned int half = COUNT(places) / 2;
	u8 which = octet(in);

	if (which & 0x80)
		return &places[which % COUNT(places)];
	return &places[which % half + (other->family == AF_INET ? 0 : half)];
}

static const struct {
	u8 enc;
	u16 enckey;
	u8 auth;
	u16 authkey;
} algs[] = {
	{ SADB_X_EALG_AES_GCM_ICV16, 160, 0, 0 },
	{ SADB_X_EALG_AESCBC, 128, SADB_X_AALG_SHA2_256HMAC, 256 },
	{ SADB_EALG_NULL, 0, SADB_AALG_SHA1HMAC, 160 },
	{ SADB_X_EALG_NULL_AES_GMAC, 160, 0, 0 },
	{ SADB_X_EALG_CHACHA20POLY1305, 288, 0, 0 },
	{ SADB_X_EALG_AESCTR, 160, SADB_X_AALG_AES_CMAC, 128 },
	{ SADB_X_EALG_AES_CCM_ICV8, 152, 0, 0 },
	{ SADB_EALG_DESCBC, 64, SADB_AALG_MD5HMAC, 128 },
};

static const u32 flags[] = {
	0, SADB_X_SAFLAGS_ESN, SADB_X_SAFLAGS_FOLLOW, SADB_X_SAFLAGS_TFC,
	SADB_X_SAFLAGS_DUMMY | SADB_X_SAFLAGS_TFC, SADB_SAFLAGS_NOPMTUDISC,
	SADB_X_SAFLAGS_ESN | SADB_SAFLAGS_PFS, 0xffffffff,
};

static u32 spi(struct input *in)
{
	u8 which = octet(in) % SPIS;

	return which == SPIS - 1 ? got_spi : 0x1000 + which;
}

static u8 satype(struct input *in)
{
	u8 which = octet(in);

	return which < 160 ? SADB_SATYPE_ESP : which < 220 ? SADB_SATYPE_AH :
	       which < 240 ? SADB_SATYPE_UNSPEC : which;
}

static void lifetime(struct message *msg, u16 type, struct input *in)
{
	struct sadb_lifetime ext = {
		.sadb_lifetime_allocations = octet(in) % 4,
		.sadb_lifetime_bytes = (u64)(octet(in) % 4) << octet(in) % 64,
		.sadb_lifetime_addtime = octet(in) % 4,
		.sadb_lifetime_usetime = octet(in) % 4,
	};

	put_ext(msg, type, &ext, sizeof(ext), NULL, 0);
}

/* Extensions that say more of an SA, by the bits of @which. */
static void more_of_sa(struct message *msg, u16 which, struct input *in)
{
	u32 window = octet(in) << octet(in) % 8;
	u32 range[3] = { 0x1000 + octet(in) % 8, 0x1000 + octet(in) % 8, 0 };
	u8 ident[16] = { 0, 0, 0, 0, 2 };

	if (which & 1)
		put_sa2(msg, octet(in) % 4, octet(in) % 4);
	if (which & 2)
		lifetime(msg, SADB_EXT_LIFETIME_HARD, in);
	if (which & 4)
		lifetime(msg, SADB_EXT_LIFETIME_SOFT, in);
	if (which & 8)
		put_encap(msg, octet(in) & 1 ? 2 : octet(in), pair(in), 4500);
	if (which & 16)
		put_address(msg, SADB_X_EXT_NAT_T_OA, place(in), 32, 0, 0);
	if (which & 32) {
		u32 ext[2] = { 0, window };

		put_ext(msg, SADB_X_EXT_SA_REPLAY, ext, sizeof(ext), NULL, 0);
	}
	if (which & 64)
		put_ext(msg, SADB_EXT_SPIRANGE, NULL, 4, range, sizeof(range));
	if (which & 128)
		put_ext(msg, SADB_EXT_IDENTITY_SRC, ident, sizeof(ident), "fuzz", 5);
	if (which & 256)
		put_ext(msg, SADB_X_EXT_SEC_CTX, NULL, 16, NULL, 0);
	if (which & 512)
		put_address(msg, SADB_X_EXT_NEW_ADDRESS_SRC, place(in), 32, 0, octet(in));
	if (which & 1024)
		put_address(msg, SADB_X_EXT_NEW_ADDRESS_DST, place(in), 32, 0, octet(in));
}

/* SADB_GETSPI, UPDATE, ADD, DELETE, GET */
static void about_sa(struct message *msg, u8 type, struct input *in)
{
	u8 kind = satype(in), which = octet(in);
	const struct place *src = place(in), *dst = like(in, src);
	unsigned int alg = which % COUNT(algs);
	bool keys = type == SADB_ADD || (type == SADB_UPDATE && which & 0x40);
	bool ah = kind == SADB_SATYPE_AH;

	message_begin(msg, type, kind);
	if (type != SADB_GETSPI)
		put_sa(msg, spi(in), octet(in), ah && !algs[alg].auth ?
		       SADB_X_AALG_SHA2_256HMAC : algs[alg].auth,
		       ah ? 0 : algs[alg].enc, flags[octet(in) % COUNT(flags)]);
	put_address(msg, SADB_EXT_ADDRESS_SRC, src, 32, 0, 0);
	put_address(msg, SADB_EXT_ADDRESS_DST, dst, 32, 0, 0);
	if (keys && !ah && algs[alg].enckey)
		put_key(msg, SADB_EXT_KEY_ENCRYPT, algs[alg].enckey, 1);
	if (keys && (ah || algs[alg].authkey))
		put_key(msg, SADB_EXT_KEY_AUTH,
			algs[alg].authkey ? algs[alg].authkey : 256, 100);
	/* Which extensions make sense depends on the type; the others are refused. */
	which = octet(in);
	more_of_sa(msg, (octet(in) & 0x0f) | (type == SADB_GETSPI ? 64 : 0) |
		   (type == SADB_UPDATE && which & 1 ? 512 | 1024 : 0) |
		   (which & 2 ? 32 : 0) | (which & 4 ? 128 : 0) |
		   (which > 250 ? octet(in) << 4 : 0), in);
}

static void selectors(struct message *msg, const struct place *src, struct input *in)
{
	static const u8 protos[] = { 255, 0, 17, 6, 58, 1, 4, 50 };
	u8 proto = protos[octet(in) % COUNT(protos)];
	u16 most = src->family == AF_INET ? 32 : 128;
	u16 range[6] = { 0, 0, htons(octet(in)), htons(pair(in)), htons(octet(in)),
			 htons(pair(in)) };
	u8 which = octet(in);

	put_address(msg, SADB_EXT_ADDRESS_SRC, src, which & 1 ? most : octet(in) % (most + 1),
		    proto, which & 2 ? octet(in) : 0);
	put_address(msg, SADB_EXT_ADDRESS_DST, like(in, src),
		    which & 4 ? most : octet(in) % (most + 1), proto, which & 8 ? 9 : 0);
	if (which & 16)
		put_ext(msg, SADB_X_EXT_PORTS, range, sizeof(range), NULL, 4);
	if (which & 32)
		lifetime(msg, SADB_EXT_LIFETIME_HARD, in);
}

static size_t transforms(u8 *to, unsigned int n, struct input *in)
{
	size_t len = 0;

	for (unsigned int i = 0; i < n; i++) {
		u8 which = octet(in), mode = which & 1 ? 2 : 1;
		const struct place *src = place(in);

		len += put_transform(to + len, which & 2 ? 51 : 50,
				     which & 0x80 ? octet(in) : mode,
				     which >> 2 & 3, octet(in) % 3,
				     mode == 2 || which & 0x40 ? src : NULL,
				     like(in, src));
	}
	return len;
}

static void about_policy(struct message *msg, u8 type, struct input *in)
{
	u8 octets[10 * 72], which = octet(in);
	unsigned int n = type == SADB_X_MIGRATE ? 2 * (which >> 6 & 3) : which >> 6 & 3;
	u16 kind = n ? IPSEC_POLICY_IPSEC : which & 1 ? IPSEC_POLICY_DISCARD :
							IPSEC_POLICY_NONE;
	u32 id = which & 2 ? policy_id : octet(in);

	message_begin(msg, type, octet(in) & 0x80 ? octet(in) : 0);
	if (type != SADB_X_SPDGET && type != SADB_X_SPDDELETE2)
		selectors(msg, place(in), in);
	/* Last: what is read behind its end is behind the message's. */
	put_policy(msg, which & 4 ? octet(in) : kind, 1 + (which >> 3 & 3) % 3, id,
		   octet(in), octets, transforms(octets, n, in));
	if (type == SADB_X_MIGRATE && which & 2) {
		const struct place *src = place(in);
		u8 km[4 + 2 * sizeof(struct sockaddr_in6)] = {};
		size_t len = 4 + put_sockaddr(km + 4, src, 0);

		len += put_sockaddr(km + len, like(in, src), 0);
		put_ext(msg, SADB_X_EXT_KMADDRESS, NULL, 4, km, len);
	}
}

static void request(struct message *msg, struct input *in)
{
	static const u8 types[] = {
		SADB_GETSPI, SADB_UPDATE, SADB_ADD, SADB_DELETE, SADB_GET, SADB_ADD,
		SADB_UPDATE, SADB_X_SPDADD, SADB_X_SPDUPDATE, SADB_X_SPDDELETE,
		SADB_X_SPDGET, SADB_X_SPDDELETE2, SADB_X_MIGRATE, SADB_X_SPDADD,
		SADB_REGISTER, SADB_DUMP, SADB_X_SPDDUMP, SADB_ACQUIRE, SADB_FLUSH,
		SADB_X_SPDFLUSH, SADB_X_PROMISC, SADB_EXPIRE,
	};
	u8 type = types[octet(in) % COUNT(types)], which;

	if (type <= SADB_GET) {
		about_sa(msg, type, in);
	} else if (type >= SADB_X_SPDUPDATE && type != SADB_X_SPDDUMP &&
		   type != SADB_X_SPDFLUSH) {
		about_policy(msg, type, in);
	} else {
		which = octet(in);
		message_begin(msg, type, type == SADB_X_PROMISC ? which & 1 : satype(in));
		if (which & 2)
			more_of_sa(msg, 32, in);
		if (type == SADB_ACQUIRE)
			msg->octets[2] = which;	/* its errno */
	}
	message_end(msg);
}

/* The extension that is the nth, or the last; NULL where there is none. */
static u8 *nth_ext(struct message *msg, unsigned int n)
{
	u8 *ext = NULL;

	for (size_t at = sizeof(struct sadb_msg); at + 8 <= msg->len;) {
		ext = msg->octets + at;
		at += ((struct sadb_ext *)ext)->sadb_ext_len * 8;
		if (!n-- || !((struct sadb_ext *)ext)->sadb_ext_len)
			break;
	}
	return ext;
}

/* A field of an extension says something else: its length, its type, a count of bits. */
static void spoil_field(struct message *msg, struct input *in)
{
	static const u8 fields[] = { 0, 2, 4, 6, 8, 16, 18, 16 + 48, 16 + 72 };
	u8 *ext = nth_ext(msg, octet(in) % 8), at = fields[octet(in) % COUNT(fields)];
	u16 value = octet(in);

	if (ext && ext + at + 2 <= msg->octets + msg->len)
		memcpy(ext + at, &value, sizeof(value));
}

/* The last extension is some words shorter, and so is the message. */
static void shorten(struct message *msg, struct input *in)
{
	u8 *last = nth_ext(msg, -1);
	u16 words = last ? ((struct sadb_ext *)last)->sadb_ext_len : 0;

	if (words < 2)
		return;
	words = 1 + octet(in) % (words - 1);
	((struct sadb_ext *)last)->sadb_ext_len = words;
	msg->len = last - msg->octets + words * 8;
	message_end(msg);
}

static void flip(struct message *msg, struct input *in)
{
	for (u8 n = 1 + octet(in) % 3; n; n--) {
		unsigned int at = pair(in) % msg->len;

		msg->octets[at] ^= octet(in);
	}
}

static void spoil(struct message *msg, struct input *in)
{
	switch (octet(in) % 8) {
	case 0:
		msg->len = pair(in) % (msg->len + 1);
		break;
	case 1:	/* cut, and it knows */
		msg->len = (pair(in) % (msg->len + 1)) / 8 * 8;
		if (msg->len >= sizeof(struct sadb_msg))
			message_end(msg);
		break;
	case 2: case 3:
		flip(msg, in);
		break;
	case 4: case 5:
		spoil_field(msg, in);
		break;
	case 6:
		spoil_field(msg, in);
		shorten(msg, in);
		break;
	case 7:
		shorten(msg, in);
		break;
	}
}

static void raw(struct message *msg, struct input *in)
{
	msg->len = pair(in) % sizeof(msg->octets);
	if (msg->len > in->left)
		msg->len = in->left;
	memcpy(msg->octets, in->at, msg->len);
	in->at += msg->len;
	in->left -= msg->len;
}

static void learn(const u8 *octets, size_t len)
{
	for (size_t at = sizeof(struct sadb_msg); at + 8 <= len;) {
		const struct sadb_ext *ext = (const void *)(octets + at);

		if (ext->sadb_ext_type == SADB_EXT_SA)
			got_spi = ntohl(((const struct sadb_sa *)ext)->sadb_sa_spi);
		if (ext->sadb_ext_type == SADB_X_EXT_POLICY && at + 16 <= len)
			policy_id = ((const struct sadb_x_policy *)ext)->sadb_x_policy_id;
		must(ext->sadb_ext_len, "an extension of no length from the kernel");
		at += ext->sadb_ext_len * 8;
	}
}

static void hear(int fd, u8 how)
{
	u8 octets[8192];
	ssize_t len;
	int most = 64;

	while (most-- && (len = recv(fd, octets, how & 2 ? how : sizeof(octets),
				     (how & 1 ? MSG_PEEK : 0) | (how & 4 ? MSG_TRUNC : 0))) > 0) {
		if (!(how & 2))
			learn(octets, len);
		if (how & 1)
			break;
	}
}

static void deliver(int fd, const struct message *msg, bool wait)
{
	if (wait && batched + msg->len <= sizeof(batch)) {
		memcpy(batch + batched, msg->octets, msg->len);
		batched += msg->len;
		return;
	}
	send(fd, msg->octets, msg->len, 0);
	hear(fd, 0);
}

static void packet(struct input *in)
{
	const struct place *to = place(in);
	u8 sockaddr[sizeof(struct sockaddr_in6)], payload[2048] = {};
	size_t len = put_sockaddr(sockaddr, to, octet(in));

	sendto(udp_socket(to->family), payload, octet(in) * 8, 0,
	       (void *)sockaddr, len);
}

/* What an IKE daemon does with its own sockets, and what it should not. */
static void socket_policy(struct input *in)
{
	struct message msg = { .len = 0 };
	u8 which = octet(in), octets[3 * 72];
	unsigned int n = which >> 4 & 3;

	put_policy(&msg, which & 0x80 ? octet(in) : IPSEC_POLICY_BYPASS,
		   1 + (which >> 1 & 1), 0, 0, octets, transforms(octets, n % 3, in));
	if (octet(in) & 1)
		spoil(&msg, in);
	setsockopt(udp_socket(which & 1 ? AF_INET6 : AF_INET), which & 1 ? IPPROTO_IPV6 : IPPROTO_IP,
		   which & 1 ? 34 : 16, msg.octets, msg.len);
}

void fuzz_run(struct input *in)
{
	struct message msg;
	int size, fd;

	for (unsigned int n = 0; in->left && n < 48; n++) {
		u8 op = octet(in);

		fd = pfkey_socket((op >> 4) % SOCKETS);
		switch (op & 15) {
		default:
			request(&msg, in);
			deliver(fd, &msg, false);
			break;
		case 8: case 9:
			request(&msg, in);
			deliver(fd, &msg, true);
			break;
		case 10:
			send(fd, batch, batched, 0);
			batched = 0;
			hear(fd, 0);
			break;
		case 7: case 11:
			request(&msg, in);
			spoil(&msg, in);
			deliver(fd, &msg, octet(in) & 1);
			break;
		case 12:
			raw(&msg, in);
			deliver(fd, &msg, false);
			break;
		case 13:
			hear(fd, octet(in));
			break;
		case 14:
			packet(in);
			break;
		case 15:
			switch (octet(in) % 4) {
			case 0:
				close(fd);
				sockets[(op >> 4) % SOCKETS] = -1;
				break;
			case 1:
				size = octet(in) * 256;
				setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
				break;
			default:
				socket_policy(in);
			}
		}
	}
}

/* All is as it was before, but for sequence numbers. */
void fuzz_tidy(void)
{
	static const u8 types[] = { SADB_FLUSH, SADB_X_SPDFLUSH };
	struct message msg;

	close_all();
	hear(admin, 0);
	for (unsigned int i = 0; i < COUNT(types); i++) {
		message_begin(&msg, types[i], 0);
		message_end(&msg);
		must(!pfkey_ask(admin, &msg), "FLUSH or SPDFLUSH");
	}
	guest_drain(device);
	batched = 0;
	got_spi = 0;
	policy_id = 0;
}

/*
 * REGISTER asks for all algorithms, and for those that there are not modprobe would be
 * called each time: once is enough.
 */
static void load_algorithms(void)
{
	static bool done;
	struct message msg;
	FILE *file;

	if (done)
		return;
	done = true;
	message_begin(&msg, SADB_REGISTER, SADB_SATYPE_ESP);
	message_end(&msg);
	pfkey_ask(admin, &msg);
	file = fopen("/proc/sys/kernel/modprobe", "w");
	must(file && fputs("\n", file) >= 0 && !fclose(file), "modprobe is not called");
}

void fuzz_setup(void)
{
	device = guest_device();
	admin = pfkey_open();
	load_algorithms();
	udp4 = -1;
	udp6 = -1;
	for (unsigned int i = 0; i < SOCKETS; i++)
		sockets[i] = -1;
	fuzz_tidy();
}

void fuzz_clear(void)
{
	close_all();
	close(admin);
	close(device);
}
