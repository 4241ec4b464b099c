// SPDX-License-Identifier: GPL-2.0-only
/*
 * What single words mean: numbers, addresses, upper-layer protocols.
 *
 * Everything here ends in a value or in refuse(), which does not return: a
 * script with an error in it stops there, so no caller has an error path.
 */
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>

#include "setkey.h"

static const char syntax[] = "syntax error";

/* Decimal or 0x: strtoull alone would take signs, blanks and octal. */
static bool to_number(const char *text, uint64_t *value)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? text + 2 : text;
	const char *set = hex ? "0123456789abcdefABCDEF" : "0123456789";

	if (!*digits || digits[strspn(digits, set)])
		return false;
	errno = 0;
	*value = strtoull(digits, NULL, hex ? 16 : 10);
	return !errno;
}

uint64_t number(const char *text, uint64_t min, uint64_t max)
{
	uint64_t value;

	if (!to_number(text, &value) || value < min || value > max)
		refuse(syntax, text, "a number from %llu to %llu is wanted",
		       (unsigned long long)min, (unsigned long long)max);
	return value;
}

unsigned int addr_len(const union addr *a)
{
	return a->sa.sa_family == AF_INET6 ? sizeof(a->in6) : sizeof(a->in);
}

unsigned int addr_bits(const union addr *a)
{
	return a->sa.sa_family == AF_INET6 ? 128 : 32;
}

uint16_t addr_port(const union addr *a)
{
	return ntohs(a->sa.sa_family == AF_INET6 ? a->in6.sin6_port :
						   a->in.sin_port);
}

void addr_set_port(union addr *a, uint16_t port)
{
	if (a->sa.sa_family == AF_INET6)
		a->in6.sin6_port = htons(port);
	else
		a->in.sin_port = htons(port);
}

/* The short way for most, as getaddrinfo() would say: a thousand instructions less. */
static bool dotted_quad(struct host *h, const char *name, int family)
{
	union addr *a = &h->addr[0];

	if (family == AF_INET6 || inet_pton(AF_INET, name, &a->in.sin_addr) != 1)
		return false;
	a->sa.sa_family = AF_INET;
	h->n = 1;
	return true;
}

static void host_resolve(struct host *h, const char *text, const char *name,
			 int family, bool numeric)
{
	struct addrinfo hints = {
		.ai_family = family,
		.ai_socktype = SOCK_DGRAM,	/* one answer per address */
		.ai_flags = numeric ? AI_NUMERICHOST : 0,
	};
	struct addrinfo *list, *ai;
	int err;

	if (dotted_quad(h, name, family))
		return;
	err = getaddrinfo(name, NULL, &hints, &list);
	if (err)
		refuse(syntax, text, "%s: %s", name, gai_strerror(err));
	for (ai = list; ai; ai = ai->ai_next) {
		union addr *a = &h->addr[h->n];

		if (ai->ai_addrlen > sizeof(*a) || h->n == MAX_ADDRS)
			continue;
		memcpy(a, ai->ai_addr, ai->ai_addrlen);
		h->n++;
	}
	freeaddrinfo(list);
}

bool range_is_any(struct range r)
{
	return !r.first && r.last == UINT16_MAX;
}

static bool to_range(const char *text, uint16_t max, struct range *r)
{
	char copy[32];
	const char *last = copy;
	char *dash;
	uint64_t a, b;

	if (strlen(text) >= sizeof(copy))
		return false;
	strcpy(copy, text);
	dash = strchr(copy, '-');
	if (dash) {
		*dash = '\0';
		last = dash + 1;
	}
	if (!to_number(copy, &a) || !to_number(last, &b) || b > max)
		return false;
	if (a > b)
		refuse(syntax, text, "a range goes from the lower to the higher");
	*r = (struct range){ a, b };
	return true;
}

/* Port 0 has always stood for any. */
static struct range port_parse(const char *text)
{
	const struct servent *service;
	struct range r;

	if (!strcmp(text, "any"))
		return RANGE_ANY;
	if (to_range(text, UINT16_MAX, &r))
		return r.last ? r : RANGE_ANY;
	service = getservbyname(text, NULL);
	if (!service)
		refuse(syntax, text,
		       "a port is any, a number to 65535, a range such as 1024-2047 or a name in /etc/services");
	r.first = ntohs(service->s_port);
	r.last = r.first;
	return r;
}

/* For what takes one port or none, but no range: 0 for none. */
uint16_t host_port(const struct host *h, const char *text)
{
	if (!range_is_any(h->port) && h->port.first != h->port.last)
		refuse(syntax, text, "only a policy takes a range of ports");
	return h->port.first;
}

static unsigned int plen_parse(const char *text, const char *plen,
			       const union addr *a)
{
	unsigned int bits = addr_bits(a);
	uint64_t value;

	if (!to_number(plen, &value))
		refuse(syntax, text, "a prefix length is a number");
	if (value > bits)
		refuse(syntax, text, "prefix length %s is longer than an %s address (%u bits)",
		       plen, bits == 32 ? "IPv4" : "IPv6", bits);
	return value;
}

/* ADDR[/PLEN][[PORT]]: taken apart from its end. */
struct host host_parse(const char *text, int family, bool numeric)
{
	struct host h = { .plen = ~0u, .port = RANGE_ANY };
	char name[NI_MAXHOST], *port, *plen;
	size_t len = strlen(text);

	if (len >= sizeof(name))
		refuse(syntax, text, "no address is that long");
	memcpy(name, text, len + 1);
	port = strchr(name, '[');
	if (port) {
		if (name[len - 1] != ']')
			refuse(syntax, text, "a port is written [PORT], at the end");
		name[len - 1] = '\0';
		*port++ = '\0';
		h.port = port_parse(port);
	}
	plen = strchr(name, '/');
	if (plen)
		*plen++ = '\0';
	host_resolve(&h, text, name, family, numeric);
	if (plen)
		h.plen = plen_parse(text, plen, &h.addr[0]);
	return h;
}

/* The names scripts use must not depend on a host's having /etc/protocols. */
static const struct name upper_table[] = {
	{ "any", IPSEC_ULPROTO_ANY },
	{ "icmp", IPPROTO_ICMP },
	{ "ip4", IPPROTO_IPIP },
	{ "tcp", IPPROTO_TCP },
	{ "udp", IPPROTO_UDP },
	{ "gre", IPPROTO_GRE },
	{ "icmp6", IPPROTO_ICMPV6 },
	{ "sctp", IPPROTO_SCTP },
	{ "mh", IPPROTO_MH },
};

static const struct names uppers = { upper_table, ARRAY_SIZE(upper_table) };

uint8_t upper_parse(const char *text)
{
	const struct name *name = name_find(&uppers, text);
	const struct protoent *proto;
	uint64_t value;

	if (name)
		return name->value;
	if (to_number(text, &value) && value <= UINT8_MAX)
		return value;
	proto = getprotobyname(text);
	if (!proto)
		refuse(syntax, text,
		       "an upper-layer protocol is any, a number to 255 or a name in /etc/protocols");
	return proto->p_proto;
}

static struct range misc_range(const char *text)
{
	struct range r;

	if (!strcmp(text, "any"))
		return RANGE_ANY;
	if (!to_range(text, UINT8_MAX, &r))
		refuse(syntax, text, "any, a number from 0 to 255 or a range is wanted");
	return r;
}

static void misc_type_code(const char *text, struct range *type,
			   struct range *code)
{
	char copy[32];
	char *comma;

	strncpy(copy, text, sizeof(copy) - 1);
	copy[sizeof(copy) - 1] = '\0';
	comma = strchr(copy, ',');
	if (!comma)
		refuse(syntax, text, "type,code is wanted, such as 8,0 or 3,any");
	*comma++ = '\0';
	*type = misc_range(copy);
	*code = misc_range(comma);
}

static struct range one_or_any(uint16_t port)
{
	return port ? (struct range){ port, port } : RANGE_ANY;
}

/* A GRE key fills both port fields, its upper half the source's. */
static void misc_gre_key(const char *text, struct range *high, struct range *low)
{
	struct in_addr dotted;
	uint32_t key;

	if (strchr(text, '.') && inet_pton(AF_INET, text, &dotted) == 1)
		key = ntohl(dotted.s_addr);
	else
		key = number(text, 0, UINT32_MAX);
	*high = one_or_any(key >> 16);
	*low = one_or_any(key & 0xffff);
}

void upper_misc(uint8_t proto, const char *text, struct range *sport,
		struct range *dport)
{
	switch (proto) {
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
	case IPPROTO_MH:
		misc_type_code(text, sport, dport);
		break;
	case IPPROTO_GRE:
		misc_gre_key(text, sport, dport);
		break;
	default:
		refuse(syntax, text,
		       "only icmp, icmp6, mh (type,code) and gre (key) take a word here");
	}
}
