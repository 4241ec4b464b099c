// SPDX-License-Identifier: GPL-2.0-only
/*
 * packet.c - fuzz what the kernel receives and sends, with SAs and policies of all kinds
 *
 * An input builds packets from the inside out: octets, then headers in front, sealed by
 * the peer's keys where it says so. They come by a tun device, whose write() is in this
 * task all the way through the module, so that KCOV sees it; what the kernel sends back
 * can be quoted, or sent once more. And local sockets send.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#include <linux/if.h>
#include <linux/virtio_net.h>
#include <netinet/icmp6.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "message.h"
#include "seal.h"

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4	/* since Linux 6.2 */
#define VIRTIO_NET_HDR_GSO_UDP_L4	5
#endif

const unsigned int fuzz_share = 4096;

#define SEALS	64

static int device, keyer, raw4, raw6, udp[4];
static struct seal seals[SEALS];
static struct packet packet;
static bool injected;
static u8 captured[2048];
static size_t captured_len;

static const struct place ours4 = { AF_INET, "10.1.0.1" };
static const struct place ours6 = { AF_INET6, "fd01::1" };
static const struct place peer4 = { AF_INET, "10.1.0.2" };
static const struct place peer6 = { AF_INET6, "fd01::2" };

/* Of our own, the peer's, behind us, behind the peer, and others. */
static const char *const addresses4[] = {
	"10.1.0.1", "10.1.0.2", "10.8.0.1", "10.9.0.1", "10.8.0.2", "10.9.1.1", "10.1.0.3",
	"224.0.0.1", "255.255.255.255", "127.0.0.1", "10.1.0.255", "0.0.0.0", "192.0.2.1",
};
static const char *const addresses6[] = {
	"fd01::1", "fd01::2", "fd08::1", "fd09::1", "fd08::2", "fd09::2", "fd01::3",
	"ff02::1", "fe80::1", "::1", "ff02::1:ff00:1", "::", "2001:db8::1",
};

static u8 mode_of(unsigned int i)
{
	return i & 2 ? IPSEC_MODE_TUNNEL : IPSEC_MODE_TRANSPORT;
}

static void add_sa(int fd, const struct seal *seal, bool in, u32 spi, u32 flags)
{
	static const u8 encs[] = {
		SADB_EALG_NULL, SADB_X_EALG_AES_GCM_ICV16, SADB_X_EALG_NULL_AES_GMAC, 0,
	};
	bool hmac = seal->alg == SEAL_NULL || seal->alg == SEAL_AH, four = seal->family == AF_INET;
	const struct place *ours = four ? &ours4 : &ours6, *peer = four ? &peer4 : &peer6;
	struct message msg;

	message_begin(&msg, SADB_ADD, seal->alg == SEAL_AH ? SADB_SATYPE_AH : SADB_SATYPE_ESP);
	put_sa(&msg, spi, 64, hmac ? SADB_X_AALG_SHA2_256HMAC : 0, encs[seal->alg],
	       flags | (seal->esn ? SADB_X_SAFLAGS_ESN : 0));
	put_sa2(&msg, seal->mode, 0);
	put_address(&msg, SADB_EXT_ADDRESS_SRC, in ? peer : ours, four ? 32 : 128, 0, 0);
	put_address(&msg, SADB_EXT_ADDRESS_DST, in ? ours : peer, four ? 32 : 128, 0, 0);
	if (hmac)
		put_key(&msg, SADB_EXT_KEY_AUTH, 256, SEAL_AUTH_FIRST);
	else
		put_key(&msg, SADB_EXT_KEY_ENCRYPT, 160, SEAL_KEY_FIRST);
	if (seal->encap)
		put_encap(&msg, 2, 4500, 4500);
	message_end(&msg);
	must(!pfkey_ask(fd, &msg), "SADB_ADD");
}

/* All that there can be: six bits, less AH in UDP. */
static void add_sas(int fd)
{
	for (unsigned int i = 0; i < SEALS; i++) {
		struct seal *seal = &seals[i];

		*seal = (struct seal){
			.spi = 0x2000 + i, .family = i & 1 ? AF_INET6 : AF_INET,
			.mode = mode_of(i), .alg = i >> 2 & 3, .esn = i & 16,
			.encap = i & 32 && (i >> 2 & 3) != SEAL_AH, .seq = 1,
		};
		add_sa(fd, seal, true, seal->spi, i & 4 ? SADB_X_SAFLAGS_FOLLOW : 0);
	}
	/*
	 * Outward, one of each that a policy may want; transport in UDP, tunnels with
	 * padding and dummies.
	 */
	for (unsigned int i = 0; i < 16; i++)
		if (i >> 2 == SEAL_AH)
			add_sa(fd, &seals[i], false, 0x3000 + i, 0);
		else if (i >> 2 == SEAL_GCM && !(i & 2))
			add_sa(fd, &seals[i + 32], false, 0x3000 + i, 0);
		else if (i >> 2 == SEAL_GCM)
			add_sa(fd, &seals[i], false, 0x3000 + i,
			       SADB_X_SAFLAGS_TFC | SADB_X_SAFLAGS_DUMMY);
}

/* Where an SA is missing, one is asked for. */
static void register_keyer(int fd)
{
	static const u8 satypes[] = { SADB_SATYPE_ESP, SADB_SATYPE_AH };
	struct message msg;

	for (unsigned int i = 0; i < COUNT(satypes); i++) {
		message_begin(&msg, SADB_REGISTER, satypes[i]);
		message_end(&msg);
		must(!pfkey_ask(fd, &msg), "SADB_REGISTER");
	}
}

struct rule {
	u8 dir, proto;
	u16 port;
	const char *src, *dst;
	u8 splen, dplen;
	u16 type;
	u8 level;
	u8 transforms[3];	/* 1 + (AH) + 2 * (tunnel) + 4 * (IPv6 outside); 0: no more */
};

#define IN	IPSEC_DIR_INBOUND
#define OUT	IPSEC_DIR_OUTBOUND
#define FWD	IPSEC_DIR_FWD
#define IPSEC	IPSEC_POLICY_IPSEC
#define REQUIRE	IPSEC_LEVEL_REQUIRE
#define USE	IPSEC_LEVEL_USE
#define AH	1
#define TUNNEL	2
#define SIX	4

static const struct rule rules[] = {
	/* tunnels, each family in each */
	{ OUT, 255, 0, "10.8.0.0", "10.9.0.0", 16, 24, IPSEC, REQUIRE, { 1 + TUNNEL } },
	{ IN, 255, 0, "10.9.0.0", "10.8.0.0", 24, 16, IPSEC, REQUIRE, { 1 + TUNNEL } },
	{ FWD, 255, 0, "10.9.0.0", "10.8.0.0", 24, 24, IPSEC, REQUIRE, { 1 + TUNNEL } },
	{ OUT, 255, 0, "10.8.0.0", "10.9.1.0", 16, 24, IPSEC, REQUIRE, { 1 + TUNNEL + SIX } },
	{ IN, 255, 0, "10.9.1.0", "10.8.0.0", 24, 16, IPSEC, REQUIRE, { 1 + TUNNEL + SIX } },
	{ OUT, 255, 0, "fd08::", "fd09::1", 64, 128, IPSEC, REQUIRE, { 1 + TUNNEL } },
	{ IN, 255, 0, "fd09::1", "fd08::", 128, 64, IPSEC, REQUIRE, { 1 + TUNNEL } },
	{ OUT, 255, 0, "fd08::", "fd09::2", 64, 128, IPSEC, REQUIRE,
	  { 1 + TUNNEL + SIX, 1 + AH + SIX } },
	{ IN, 255, 0, "fd09::2", "fd08::", 128, 64, IPSEC, REQUIRE,
	  { 1 + TUNNEL + SIX, 1 + AH + SIX } },
	/* transport between the ends, by port */
	{ OUT, 17, 1000, "10.1.0.1", "10.1.0.2", 32, 32, IPSEC, REQUIRE, { 1 } },
	{ IN, 17, 1000, "10.1.0.2", "10.1.0.1", 32, 32, IPSEC, REQUIRE, { 1 } },
	{ OUT, 17, 1001, "10.1.0.1", "10.1.0.2", 32, 32, IPSEC, REQUIRE, { 1, 1 + AH } },
	{ IN, 17, 1001, "10.1.0.2", "10.1.0.1", 32, 32, IPSEC, USE, { 1, 1 + AH } },
	{ OUT, 17, 1000, "fd01::1", "fd01::2", 128, 128, IPSEC, REQUIRE, { 1 + SIX } },
	{ IN, 17, 1000, "fd01::2", "fd01::1", 128, 128, IPSEC, REQUIRE, { 1 + SIX } },
	{ OUT, 17, 1001, "fd01::1", "fd01::2", 128, 128, IPSEC, USE, { 1 + AH + SIX } },
	/* forwarded, by port: its fragments wait for each other */
	{ OUT, 17, 1000, "10.9.0.0", "10.9.0.0", 16, 16, IPSEC, REQUIRE, { 1 + TUNNEL } },
	/* nothing to protect it by */
	{ OUT, 17, 1002, "10.1.0.1", "10.1.0.3", 32, 32, IPSEC, REQUIRE, { 1 } },
	{ OUT, 255, 0, "0.0.0.0", "192.0.2.0", 0, 24, IPSEC_POLICY_DISCARD, 0, {} },
	{ IN, 255, 0, "192.0.2.0", "0.0.0.0", 24, 0, IPSEC_POLICY_DISCARD, 0, {} },
	{ IN, 17, 1003, "0.0.0.0", "0.0.0.0", 0, 0, IPSEC_POLICY_NONE, 0, {} },
};

static void add_policy(int fd, const struct rule *rule)
{
	u8 family = strchr(rule->src, ':') ? AF_INET6 : AF_INET, octets[3 * 72];
	const struct place src = { family, rule->src }, dst = { family, rule->dst };
	struct message msg;
	size_t len = 0;

	for (unsigned int i = 0; i < COUNT(rule->transforms) && rule->transforms[i]; i++) {
		u8 kind = rule->transforms[i] - 1;
		const struct place *ours = kind & SIX ? &ours6 : &ours4;
		const struct place *peer = kind & SIX ? &peer6 : &peer4;

		len += put_transform(octets + len, kind & AH ? IPPROTO_AH : IPPROTO_ESP,
				     kind & TUNNEL ? IPSEC_MODE_TUNNEL : IPSEC_MODE_TRANSPORT,
				     rule->level, 0, !(kind & TUNNEL) ? NULL :
				     rule->dir == OUT ? ours : peer,
				     rule->dir == OUT ? peer : ours);
	}
	message_begin(&msg, SADB_X_SPDADD, 0);
	put_policy(&msg, rule->type, rule->dir, 0, 0, octets, len);
	put_address(&msg, SADB_EXT_ADDRESS_SRC, &src, rule->splen, rule->proto, 0);
	put_address(&msg, SADB_EXT_ADDRESS_DST, &dst, rule->dplen, rule->proto, rule->port);
	message_end(&msg);
	must(!pfkey_ask(fd, &msg), "SADB_X_SPDADD");
}

static void open_udp(unsigned int i)
{
	static const u16 ports[] = { 4500, 1000 };
	u8 family = i & 1 ? AF_INET6 : AF_INET, addr[sizeof(struct sockaddr_in6)];
	const struct place any = { family, family == AF_INET ? "0.0.0.0" : "::" };
	size_t len = put_sockaddr(addr, &any, ports[i / 2]);
	int yes = 1;

	udp[i] = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	must(udp[i] >= 0, "a UDP socket");
	if (family == AF_INET6)
		setsockopt(udp[i], IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes));
	setsockopt(udp[i], SOL_SOCKET, SO_BROADCAST, &yes, sizeof(yes));
	must(!bind(udp[i], (void *)addr, len), "bind");
}

void fuzz_clear(void)
{
	for (unsigned int i = 0; i < COUNT(udp); i++)
		close(udp[i]);
	close(raw4);
	close(raw6);
	close(keyer);
	close(device);
}

void fuzz_tidy(void)
{
	u8 octets[64];

	guest_drain(device);
	while (recv(keyer, octets, sizeof(octets), 0) >= 0)
		;
	for (unsigned int i = 0; i < COUNT(udp); i++)
		while (recv(udp[i], octets, sizeof(octets), 0) >= 0)
			;
}

/* Building. */

static void empty(void)
{
	packet.at = PACKET_MAX;
	packet.proto = IPPROTO_NONE;
	packet.ah = 0;
	packet.icmp6 = 0;
}

static void put_octets(struct input *in, unsigned int len)
{
	u8 *to = packet_push(&packet, len);

	for (unsigned int i = 0; to && i < len; i++)
		to[i] = octet(in);
}

static void put_udp(struct input *in)
{
	static const u16 ports[] = { 4500, 1000, 1001, 1002, 1003, 500, 53, 9 };
	u8 which = octet(in);
	u16 head[4] = { htons(ports[which & 7]), htons(ports[which >> 3 & 7]),
			htons(packet_len(&packet) + 8), 0 };
	u8 *to = packet_push(&packet, sizeof(head));

	if (which & 0x80)
		head[2] = pair(in);
	if (which & 0x40)
		head[3] = pair(in);
	if (to)
		memcpy(to, head, sizeof(head));
	packet.proto = IPPROTO_UDP;
}

static void put_tcp(struct input *in)
{
	u8 *to = packet_push(&packet, 20);

	if (!to)
		return;
	to[1] = 80;
	to[3] = octet(in);
	to[12] = octet(in) ? 5 << 4 : octet(in);
	to[13] = octet(in);
	packet.proto = IPPROTO_TCP;
}

static void put_icmp4(struct input *in)
{
	static const u8 types[] = { 3, 11, 12, 8, 5, 0, 4 };
	u8 *to = packet_push(&packet, 8);
	u16 sum, mtu;

	if (!to)
		return;
	to[0] = types[octet(in) % COUNT(types)];
	to[1] = octet(in) % 8;
	mtu = htons(pair(in));
	memcpy(to + 6, &mtu, sizeof(mtu));
	sum = htons(~seal_sum(to, packet_len(&packet), 0));
	memcpy(to + 2, &sum, sizeof(sum));
	packet.proto = IPPROTO_ICMP;
}

static void put_icmp6(struct input *in)
{
	static const u8 types[] = { 2, 1, 3, 4, 128, 135, 136, 131, 143, 129 };
	u8 *to = packet_push(&packet, 8);
	u16 mtu;

	if (!to)
		return;
	to[0] = types[octet(in) % COUNT(types)];
	to[1] = octet(in) % 8;
	mtu = htons(pair(in));
	memcpy(to + 6, &mtu, sizeof(mtu));
	packet.proto = IPPROTO_ICMPV6;
	packet.icmp6 = packet_len(&packet);
}

static void sum4(u8 *to)
{
	unsigned int header = (to[0] & 15) * 4;
	u16 sum;

	if (header > packet_len(&packet))
		return;
	memset(to + 10, 0, 2);
	sum = htons(~seal_sum(to, header, 0));
	memcpy(to + 10, &sum, sizeof(sum));
}

static void put_ip4(struct input *in)
{
	u8 which = octet(in), options = which & 0x80 ? 4 * (octet(in) % 11) : 0, *to;
	u16 len, cut = which & 0x40 ? htons(pair(in)) : 0;

	if (options)
		put_octets(in, options);
	to = packet_push(&packet, 20);
	if (!to)
		return;
	to[0] = 0x40 | (5 + options / 4);
	to[1] = which & 0x20 ? octet(in) : 0;
	len = htons(packet_len(&packet));
	memcpy(to + 2, &len, sizeof(len));
	memcpy(to + 6, &cut, sizeof(cut));
	to[8] = which & 0x10 ? octet(in) : 64;
	to[9] = packet.proto;
	inet_pton(AF_INET, addresses4[octet(in) % COUNT(addresses4)], to + 12);
	inet_pton(AF_INET, addresses4[octet(in) % COUNT(addresses4)], to + 16);
	sum4(to);
	seal_finish(&packet, AF_INET, 20 + options);
	packet.proto = IPPROTO_IPIP;
}

/* Where what is in front of AH ends: AH is told where it begins. */
static unsigned int before_ah(void)
{
	return packet.ah ? packet_len(&packet) - packet.ah : 0;
}

static void put_ip6(struct input *in)
{
	u8 which = octet(in), *to = packet_push(&packet, 40);
	u16 len;

	if (!to)
		return;
	to[0] = 0x60 | (which & 0x20 ? octet(in) & 15 : 0);
	to[1] = which & 0x20 ? octet(in) : 0;
	len = htons(packet_len(&packet) - 40);
	memcpy(to + 4, &len, sizeof(len));
	to[6] = packet.proto;
	to[7] = which & 0x10 ? octet(in) : which & 8 ? 255 : 64;
	inet_pton(AF_INET6, addresses6[octet(in) % COUNT(addresses6)], to + 8);
	inet_pton(AF_INET6, addresses6[octet(in) % COUNT(addresses6)], to + 24);
	seal_finish(&packet, AF_INET6, before_ah());
	packet.proto = IPPROTO_IPV6;
}

static void put_extension(struct input *in)
{
	static const u8 types[] = { 0, 43, 44, 60 };
	u8 which = octet(in), type = types[which & 3], len = type == 44 ? 0 : which >> 2 & 7;
	u8 *to;

	put_octets(in, 6 + 8 * len);
	to = packet_push(&packet, 2);
	if (!to)
		return;
	to[0] = packet.proto;
	to[1] = which & 0x80 ? octet(in) : type == 44 ? 0 : len;
	packet.proto = type;
}

static void drop_tail(unsigned int n)
{
	packet.at += n;
	memmove(packet_data(&packet), packet_data(&packet) - n, packet_len(&packet));
}

static void seal(struct input *in)
{
	u8 which = octet(in), how = octet(in);
	struct seal *seal = &seals[which % SEALS];
	u64 seq = seal->seq;

	if (how & 0x80)
		seq += (u64)octet(in) << octet(in) % 40;
	else if (how & 0x40)
		seq -= octet(in);
	if (seq >= seal->seq)
		seal->seq = seq + 1;
	if (seal->alg == SEAL_AH) {
		seal_ah(&packet, seal, seq);
		return;
	}
	seal_esp(&packet, seal, seq, how & 0x3f, which & 0x80 ? octet(in) : 0);
	if (which & 0x40)	/* it ends anywhere, in its header as well */
		drop_tail(packet_len(&packet) - octet(in) % (packet_len(&packet) + 1));
	if (seal->encap) {
		u16 head[4] = { htons(how & 1 ? 4500 : 4501), htons(4500),
				htons(packet_len(&packet) + 8), 0 };
		u8 *to = packet_push(&packet, sizeof(head));

		if (to)
			memcpy(to, head, sizeof(head));
		packet.proto = IPPROTO_UDP;
	}
}

/* All that a packet needs that is to arrive: sealed, from the peer to us. */
static void put_outer(struct input *in)
{
	u8 which = octet(in);
	struct input ends = { (const u8 *)"\0\1\0", 3 };
	struct input how = { (const u8[]){ which, octet(in), which & 0xc0 ? octet(in) : 0,
					     which & 0xc0 ? octet(in) : 0 }, 4 };

	seal(&how);
	if (seals[which % SEALS].family == AF_INET)
		put_ip4(&ends);
	else
		put_ip6(&ends);
}

/* Sending. */

static void inject(const u8 *octets, unsigned int len, const struct virtio_net_hdr *gso)
{
	static const struct virtio_net_hdr plain;
	struct iovec iov[2] = {
		{ (void *)(gso ?: &plain), sizeof(plain) }, { (void *)octets, len },
	};

	injected = true;
	/* What the kernel refuses to take is no news. */
	if (writev(device, iov, 2) < 0 && errno != EINVAL && errno != EIO &&
	    errno != ENOMEM && errno != EFBIG)
		must(false, "the device takes a packet");
}

static void inject_gso(struct input *in)
{
	static const u8 types[] = {
		VIRTIO_NET_HDR_GSO_NONE, VIRTIO_NET_HDR_GSO_TCPV4, VIRTIO_NET_HDR_GSO_UDP_L4,
		VIRTIO_NET_HDR_GSO_TCPV6, VIRTIO_NET_HDR_GSO_UDP,
	};
	bool six = packet_data(&packet)[0] >> 4 == 6;
	u8 which = octet(in);
	struct virtio_net_hdr gso = {
		.flags = which & 0x80 ? 0 : VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = types[which % COUNT(types)],
		.hdr_len = which & 0x40 ? octet(in) : (six ? 40 : 20) + 8,
		.gso_size = which & 0x20 ? pair(in) : 8 * (1 + octet(in)),
		.csum_start = six ? 40 : 20,
		.csum_offset = which & 0x10 ? 16 : 6,
	};

	inject(packet_data(&packet), packet_len(&packet), &gso);
}

/* In two fragments, the second first if it is so. */
static void inject_fragments(struct input *in)
{
	u8 which = octet(in), *data = packet_data(&packet), pieces[2][PACKET_MAX];
	unsigned int header = data[0] >> 4 == 6 ? 40 : (data[0] & 15) * 4;
	unsigned int len = packet_len(&packet), cut = 8 * (1 + octet(in)), lens[2];
	unsigned int extra = data[0] >> 4 == 6 ? 8 : 0;
	static u32 id;

	if (len < header + cut || len < 20)
		return;
	id++;
	for (unsigned int i = 0; i < 2; i++) {
		unsigned int from = i ? header + cut : header;
		unsigned int n = i ? len - from : cut;
		u16 offset = i ? cut / 8 : 0, field;
		u8 *piece = pieces[i];

		if (i && which & 2)
			offset -= 1;	/* they overlap */
		memcpy(piece, data, header);
		memcpy(piece + header + extra, data + from, n);
		lens[i] = header + extra + n;
		if (extra) {
			piece[header] = piece[6];
			piece[header + 1] = 0;
			field = htons(offset << 3 | !i);
			memcpy(piece + header + 2, &field, sizeof(field));
			memcpy(piece + header + 4, &id, sizeof(id));
			piece[6] = 44;
			field = htons(lens[i] - 40);
			memcpy(piece + 4, &field, sizeof(field));
		} else {
			field = htons(lens[i]);
			memcpy(piece + 2, &field, sizeof(field));
			memcpy(piece + 4, &id, 2);
			field = htons(offset | (i ? 0 : 0x2000));
			memcpy(piece + 6, &field, sizeof(field));
			memset(piece + 10, 0, 2);
			field = htons(~seal_sum(piece, header, 0));
			memcpy(piece + 10, &field, sizeof(field));
		}
	}
	inject(pieces[which & 1], lens[which & 1], NULL);
	inject(pieces[!(which & 1)], lens[!(which & 1)], NULL);
}

/* What the kernel has sent last becomes the packet. */
static void capture(struct input *in)
{
	u8 octets[sizeof(struct virtio_net_hdr) + sizeof(captured)];
	ssize_t len;
	u8 *to;

	while ((len = read(device, octets, sizeof(octets))) > 0) {
		captured_len = len - sizeof(struct virtio_net_hdr);
		memcpy(captured, octets + sizeof(struct virtio_net_hdr), captured_len);
	}
	empty();
	to = captured_len ? packet_push(&packet, captured_len) : NULL;
	if (!to)
		return;
	memcpy(to, captured, captured_len);
	packet.proto = to[0] >> 4 == 6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
}

static void swap_ends(struct input *in)
{
	unsigned int at, len, most = packet_len(&packet);
	u8 *data = packet_data(&packet), keep[16];

	if (most < 40)
		return;
	at = data[0] >> 4 == 6 ? 8 : 12;
	len = data[0] >> 4 == 6 ? 16 : 4;
	memcpy(keep, data + at, len);
	memcpy(data + at, data + at + len, len);
	memcpy(data + at + len, keep, len);
}

static void spoil(struct input *in)
{
	unsigned int at = pair(in);

	if (packet_len(&packet))
		packet_data(&packet)[at % packet_len(&packet)] ^= octet(in);
}

static void cut(struct input *in)
{
	u8 which = octet(in), n = which & 0x7f;

	if (packet_len(&packet) <= n)
		return;
	if (which & 0x80)	/* in front */
		packet.at += n;
	else
		drop_tail(n);
}

static void send_local(struct input *in)
{
	u8 which = octet(in), addr[sizeof(struct sockaddr_in6)];
	static const u16 ports[] = { 1000, 1001, 1002, 4500, 9 };
	struct place to = { AF_INET, addresses4[octet(in) % COUNT(addresses4)] };
	int yes = which >> 3 & 3;
	size_t len;

	if (which & 1)
		to = (struct place){ AF_INET6, addresses6[octet(in) % COUNT(addresses6)] };
	len = put_sockaddr(addr, &to, ports[octet(in) % COUNT(ports)]);
	if (which & 4)
		setsockopt(udp[which & 3], which & 1 ? IPPROTO_IPV6 : IPPROTO_IP,
			   which & 1 ? 23 : 10, &yes, sizeof(yes));	/* MTU_DISCOVER */
	sendto(udp[which & 3], packet_data(&packet), packet_len(&packet), 0, (void *)addr, len);
}

static void send_raw(struct input *in)
{
	u8 *data = packet_data(&packet), addr[sizeof(struct sockaddr_in6)] = {};

	if (packet_len(&packet) < 40)
		return;
	if (data[0] >> 4 == 6) {
		*(u16 *)addr = AF_INET6;
		memcpy(addr + 8, data + 24, 16);
		sendto(raw6, data, packet_len(&packet), 0, (void *)addr, 28);
		return;
	}
	*(u16 *)addr = AF_INET;
	memcpy(addr + 4, data + 16, 4);
	sendto(raw4, data, packet_len(&packet), 0, (void *)addr, 16);
}

static void fill(struct input *in)
{
	unsigned int len = octet(in) * 8;
	u8 *to = packet_push(&packet, len);

	if (to)
		memset(to, 'f', len);
}

static void put_some_octets(struct input *in)
{
	put_octets(in, 1 + octet(in) % 64);
}

static void put_proto(struct input *in)
{
	packet.proto = octet(in);
}

static void inject_it(struct input *in)
{
	inject(packet_data(&packet), packet_len(&packet), NULL);
}

static void begin_anew(struct input *in)
{
	empty();
}

/* By their numbers in the corpus. */
static void (*const steps[])(struct input *in) = {
	put_some_octets, fill, put_proto, put_udp, put_tcp, put_icmp4, put_icmp6, put_ip4,
	put_ip6, put_extension, seal, put_outer, spoil, cut, inject_it, inject_it, inject_it,
	begin_anew, inject_gso, inject_fragments, capture, swap_ends, send_local, send_raw,
};

void fuzz_run(struct input *in)
{
	empty();
	injected = false;
	for (unsigned int n = 0; in->left && n < 64; n++)
		steps[octet(in) % COUNT(steps)](in);
	if (!injected && packet_len(&packet))
		inject(packet_data(&packet), packet_len(&packet), NULL);
}

/* How many packets had a good ICV. */
static unsigned long opened(void)
{
	FILE *file = fopen("/proc/net/esplanade", "r");
	unsigned long sum = 0, n;
	char name[64];

	must(file, "/proc/net/esplanade");
	while (fscanf(file, "%63s %lu", name, &n) == 2)
		if (!strcmp(name, "in_esp") || !strcmp(name, "in_ah"))
			sum += n;
	fclose(file);
	return sum;
}

/* By each SA a packet gets in: if not, nothing behind an ICV is fuzzed. */
static void prove_seals(void)
{
	for (unsigned int i = 0; i < SEALS; i++) {
		/* 16 octets, UDP around them, then sealed */
		const u8 program[] = { 1, 2, 3, 0x09, 11, i, 0 };
		struct input in = { program, sizeof(program) };

		fuzz_run(&in);
		must(opened() == i + 1, "the kernel opens what is sealed");
	}
}

void fuzz_setup(void)
{
	int yes = 1;

	device = guest_device();
	keyer = pfkey_open();
	add_sas(keyer);
	for (unsigned int i = 0; i < COUNT(rules); i++)
		add_policy(keyer, &rules[i]);
	register_keyer(keyer);
	for (unsigned int i = 0; i < COUNT(udp); i++)
		open_udp(i);
	raw4 = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_RAW);
	raw6 = socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_RAW);
	must(raw4 >= 0 && raw6 >= 0, "raw sockets");
	setsockopt(raw6, IPPROTO_IPV6, 36, &yes, sizeof(yes));	/* IPV6_HDRINCL */
	captured_len = 0;
	prove_seals();
}
