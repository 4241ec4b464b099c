/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * message.h - PF_KEY messages, built extension by extension
 */
#ifndef MESSAGE_H
#define MESSAGE_H

#include <stdio.h>
#include <unistd.h>
#include <sys/socket.h>
#include <linux/ipsec.h>
#include <linux/pfkeyv2.h>

#include "guest.h"

#define MESSAGE_MAX	3072

struct message {
	u8 octets[MESSAGE_MAX];
	size_t len;
};

/* An address as policies and SAs have it: family, octets, port. */
struct place {
	u8 family;
	const char *text;
};

static inline void message_begin(struct message *msg, u8 type, u8 satype)
{
	struct sadb_msg head = {
		.sadb_msg_version = PF_KEY_V2, .sadb_msg_type = type,
		.sadb_msg_satype = satype, .sadb_msg_seq = 1, .sadb_msg_pid = getpid(),
	};

	memcpy(msg->octets, &head, sizeof(head));
	msg->len = sizeof(head);
}

/* Its header says how long it is. */
static inline void message_end(struct message *msg)
{
	((struct sadb_msg *)msg->octets)->sadb_msg_len = msg->len / 8;
}

/* An extension of @len octets and then @more, both of which may be NULL: zeroes. */
static inline void put_ext(struct message *msg, u16 type, const void *body, size_t len,
			   const void *more, size_t more_len)
{
	size_t whole = (len + more_len + 7) / 8 * 8;
	u8 *to = msg->octets + msg->len;

	if (msg->len + whole > sizeof(msg->octets))
		return;
	memset(to, 0, whole);
	if (body)
		memcpy(to, body, len);
	if (more)
		memcpy(to + len, more, more_len);
	((struct sadb_ext *)to)->sadb_ext_len = whole / 8;
	((struct sadb_ext *)to)->sadb_ext_type = type;
	msg->len += whole;
}

static inline size_t put_sockaddr(u8 *to, const struct place *place, u16 port)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port) };

	if (place->family == AF_INET) {
		inet_pton(AF_INET, place->text, &four.sin_addr);
		memcpy(to, &four, sizeof(four));
		return sizeof(four);
	}
	inet_pton(AF_INET6, place->text, &six.sin6_addr);
	memcpy(to, &six, sizeof(six));
	return sizeof(six);
}

static inline void put_address(struct message *msg, u16 type, const struct place *place,
			       u8 plen, u8 proto, u16 port)
{
	struct sadb_address ext = {
		.sadb_address_prefixlen = plen, .sadb_address_proto = proto,
	};
	u8 sockaddr[sizeof(struct sockaddr_in6)];
	size_t len = put_sockaddr(sockaddr, place, port);

	put_ext(msg, type, &ext, sizeof(ext), sockaddr, len);
}

static inline void put_sa(struct message *msg, u32 spi, u8 replay, u8 auth, u8 enc,
			  u32 flags)
{
	struct sadb_sa ext = {
		.sadb_sa_spi = htonl(spi), .sadb_sa_replay = replay, .sadb_sa_state = 1,
		.sadb_sa_auth = auth, .sadb_sa_encrypt = enc, .sadb_sa_flags = flags,
	};

	put_ext(msg, SADB_EXT_SA, &ext, sizeof(ext), NULL, 0);
}

static inline void put_sa2(struct message *msg, u8 mode, u32 reqid)
{
	struct sadb_x_sa2 ext = { .sadb_x_sa2_mode = mode, .sadb_x_sa2_reqid = reqid };

	put_ext(msg, SADB_X_EXT_SA2, &ext, sizeof(ext), NULL, 0);
}

/* The octets first, first + 1, ... */
static inline void put_key(struct message *msg, u16 type, u16 bits, u8 first)
{
	struct sadb_key ext = { .sadb_key_bits = bits };
	u8 key[256];

	for (unsigned int i = 0; i < sizeof(key); i++)
		key[i] = first + i;
	put_ext(msg, type, &ext, sizeof(ext), key, bits / 8 < sizeof(key) ? bits / 8 : 0);
}

static inline void put_encap(struct message *msg, u8 type, u16 sport, u16 dport)
{
	struct sadb_x_nat_t_type kind = { .sadb_x_nat_t_type_type = type };
	struct sadb_x_nat_t_port port = { .sadb_x_nat_t_port_port = htons(sport) };

	put_ext(msg, SADB_X_EXT_NAT_T_TYPE, &kind, sizeof(kind), NULL, 0);
	put_ext(msg, SADB_X_EXT_NAT_T_SPORT, &port, sizeof(port), NULL, 0);
	port.sadb_x_nat_t_port_port = htons(dport);
	put_ext(msg, SADB_X_EXT_NAT_T_DPORT, &port, sizeof(port), NULL, 0);
}

/* A transform of a policy. @src NULL: without endpoints. Returns its octets. */
static inline size_t put_transform(u8 *to, u8 proto, u8 mode, u8 level, u32 reqid,
				   const struct place *src, const struct place *dst)
{
	struct sadb_x_ipsecrequest ext = {
		.sadb_x_ipsecrequest_proto = proto, .sadb_x_ipsecrequest_mode = mode,
		.sadb_x_ipsecrequest_level = level, .sadb_x_ipsecrequest_reqid = reqid,
	};
	size_t len = sizeof(ext);

	if (src) {
		len += put_sockaddr(to + len, src, 0);
		len += put_sockaddr(to + len, dst, 0);
	}
	ext.sadb_x_ipsecrequest_len = len;
	memcpy(to, &ext, sizeof(ext));
	return len;
}

static inline void put_policy(struct message *msg, u16 type, u8 dir, u32 id,
			      u32 priority, const u8 *transforms, size_t len)
{
	struct sadb_x_policy ext = {
		.sadb_x_policy_type = type, .sadb_x_policy_dir = dir,
		.sadb_x_policy_id = id, .sadb_x_policy_priority = priority,
	};

	put_ext(msg, SADB_X_EXT_POLICY, &ext, sizeof(ext), transforms, len);
}

static inline int pfkey_open(void)
{
	int fd = socket(PF_KEY, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, PF_KEY_V2);

	must(fd >= 0, "a PF_KEY socket");
	return fd;
}

/* The errno of the answer; what others did may be heard before it. */
static inline int pfkey_ask(int fd, const struct message *msg)
{
	u8 answer[8192];
	ssize_t len;

	if (send(fd, msg->octets, msg->len, 0) < 0)
		return -1;
	while ((len = recv(fd, answer, sizeof(answer), 0)) > 0)
		if (answer[1] == msg->octets[1])
			return answer[2];
	return -1;
}

#endif
