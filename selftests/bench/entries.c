// SPDX-License-Identifier: GPL-2.0-only
/*
 * entries.c - many policies and SAs, and flows that they cover
 *
 *   entries sas|policies setkey|xfrm out|in N [pair|ports]   what setkey or ip -batch reads
 *   entries delete-sas|delete-policies ...                   the same, to take them away
 *   entries flows N COUNT [pair|ports]                       what traffic.c reads
 *
 * Each policy has a tunnel of its own, from one gateway to N others, and each tunnel an
 * SA; with pair all tunnels are between the same two, and told apart by their reqids;
 * with ports all policies are for the same two prefixes, each for another port. Of ten policies five are for a pair of hosts, three for prefixes (in turn of eight
 * pairs of lengths), two for a port, of hosts or prefixes. out is the one gateway's file,
 * in the same as all the others need it. Nothing is left to chance: entry i is always
 * the same.
 */
#include <err.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GATEWAY		"192.168.0.1"
#define PEERS		0xac100001u	/* 172.16.0.1 and on */
#define SOURCES		0x0a000000u	/* 10.0.0.0/9 */
#define DESTINATIONS	0x0a800000u	/* 10.128.0.0/9 */
#define FIRST_BITS	9
#define FIRST_SPI	0x1000
#define PORT		5001
#define PORTS		16
#define FIRST_PORT	10000
#define SOURCE_PORT	6001
#define SOURCE_PORTS	64
#define SCATTER		0x9e3779b97f4a7c15u
#define STRIDE		7919		/* a prime that divides no N */

struct shape {
	unsigned int splen;
	unsigned int dplen;
};

struct entry {
	struct shape shape;
	uint32_t saddr;
	uint32_t daddr;
	unsigned int port;	/* 0 for any, and any protocol */
};

/* What is to be written. */
static bool setkey, delete, pair, ports;
static const char *dir;

/* What each of ten is, and the how manieth of its kind among them. */
static const struct { char kind; unsigned int nth; } ten[] = {
	{ 'h', 0 }, { 'p', 0 }, { 'h', 1 }, { 't', 0 }, { 'h', 2 },
	{ 'p', 1 }, { 'h', 3 }, { 't', 1 }, { 'h', 4 }, { 'p', 2 },
};

static const struct shape hosts = { 32, 32 };
static const struct shape prefixes[] = {
	{ 24, 24 }, { 24, 16 }, { 32, 24 }, { 16, 24 }, { 28, 28 }, { 24, 32 },
	{ 20, 20 }, { 16, 16 },
};

/* The kth of this shape: an odd factor moves each k to a place of its own. */
static void place(struct entry *e, struct shape shape, uint64_t k)
{
	unsigned int sbits = shape.splen - FIRST_BITS, dbits = shape.dplen - FIRST_BITS;
	uint64_t at = (k + 1) * SCATTER & ((1ull << (sbits + dbits)) - 1);

	e->shape = shape;
	e->saddr = SOURCES | (uint32_t)(at >> dbits) << (32 - shape.splen);
	e->daddr = DESTINATIONS | (uint32_t)(at & ((1ull << dbits) - 1)) << (32 - shape.dplen);
}

static struct entry entry(unsigned int i)
{
	unsigned int nth = ten[i % 10].nth;
	struct entry e = {};

	if (ports) {
		place(&e, prefixes[0], 0);
		e.port = FIRST_PORT + i;
		return e;
	}
	switch (ten[i % 10].kind) {
	case 'h':
		place(&e, hosts, i / 10 * 5 + nth);
		break;
	case 'p':
		nth += i / 10 * 3;
		place(&e, prefixes[nth % 8], nth / 8);
		break;
	default:
		/* Four ports of each pair. */
		place(&e, nth ? hosts : prefixes[0], i / 40 + (1 << 20));
		e.port = PORT + i / 10 % 4;
	}
	return e;
}

static const char *text(uint32_t addr)
{
	static char buffer[4][16];
	static unsigned int turn;
	char *to = buffer[turn++ % 4];

	snprintf(to, sizeof(buffer[0]), "%u.%u.%u.%u", addr >> 24, addr >> 16 & 255,
		 addr >> 8 & 255, addr & 255);
	return to;
}

static const char *peer(unsigned int i)
{
	return text(PEERS + (pair ? 0 : i));
}

static void sa(unsigned int i)
{
	unsigned int spi = FIRST_SPI + i;
	char reqid[32] = "";

	if (pair)
		snprintf(reqid, sizeof(reqid), setkey ? " -u %u" : " reqid %u", i + 1);
	if (setkey && delete)
		printf("delete %s %s esp 0x%x;\n", GATEWAY, peer(i), spi);
	else if (setkey)
		printf("add %s %s esp 0x%x -m tunnel -r 64%s -E aes-gcm-16 0x%040x;\n",
		       GATEWAY, peer(i), spi, reqid, i + 1);
	else if (delete)
		printf("xfrm state delete src %s dst %s proto esp spi 0x%x\n", GATEWAY,
		       peer(i), spi);
	else
		printf("xfrm state add src %s dst %s proto esp spi 0x%x%s mode tunnel "
		       "replay-window 64 aead rfc4106(gcm(aes)) 0x%040x 128\n",
		       GATEWAY, peer(i), spi, reqid, i + 1);
}

static void setkey_policy(unsigned int i)
{
	struct entry e = entry(i);
	char upper[32] = " any", level[32] = "require";

	if (e.port)
		snprintf(upper, sizeof(upper), "[%u] udp", e.port);
	if (pair)
		snprintf(level, sizeof(level), "unique:%u", i + 1);
	printf("%s %s/%u %s/%u%s -P %s", delete ? "spddelete" : "spdadd", text(e.saddr),
	       e.shape.splen, text(e.daddr), e.shape.dplen, upper, dir);
	if (!delete)
		printf(" ipsec esp/tunnel/%s-%s/%s", GATEWAY, peer(i), level);
	puts(";");
}

static void xfrm_policy(unsigned int i)
{
	struct entry e = entry(i);

	printf("xfrm policy %s src %s/%u dst %s/%u", delete ? "delete" : "add", text(e.saddr),
	       e.shape.splen, text(e.daddr), e.shape.dplen);
	if (e.port)
		printf(" proto udp dport %u", e.port);
	printf(" dir %s", dir);
	if (!delete)
		printf(" tmpl src %s dst %s proto esp", GATEWAY, peer(i));
	if (!delete && pair)
		printf(" reqid %u", i + 1);
	puts(delete ? "" : " mode tunnel");
}

/* An address of a prefix, another one for each n. */
static uint32_t within(uint32_t addr, unsigned int plen, unsigned int n)
{
	return addr | ((n * SCATTER >> 32) & ~(~0ull << (32 - plen)));
}

/* No two are the same, and those of a policy are far apart. */
static void flow(unsigned int n, unsigned int j)
{
	struct entry e = entry((uint64_t)j * STRIDE % n);
	unsigned int round = j / n;

	printf("%s %u %s %u\n", text(within(e.saddr, e.shape.splen, j)),
	       SOURCE_PORT + round % SOURCE_PORTS, text(within(e.daddr, e.shape.dplen, ~j)),
	       e.port ? e.port : PORT + round / SOURCE_PORTS % PORTS);
}

static int usage(void)
{
	errx(2, "entries [delete-]sas|policies setkey|xfrm out|in N [pair|ports], or flows N COUNT [pair|ports]");
}

int main(int argc, char *argv[])
{
	bool is_flows = argc > 1 && !strcmp(argv[1], "flows");
	int most = is_flows ? 5 : 6;
	unsigned int n, count;

	if (argc != most && argc != most - 1)
		usage();
	pair = argc == most && !strcmp(argv[most - 1], "pair");
	ports = argc == most && !strcmp(argv[most - 1], "ports");
	n = strtoul(argv[is_flows ? 2 : 4], NULL, 10);
	count = is_flows ? strtoul(argv[3], NULL, 10) : n;
	delete = !strncmp(argv[1], "delete-", 7);
	setkey = !strcmp(argv[2], "setkey");
	dir = argv[3];
	for (unsigned int i = 0; n && i < count; i++) {
		if (is_flows)
			flow(n, i);
		else if (strstr(argv[1], "sas"))
			sa(i);
		else if (setkey)
			setkey_policy(i);
		else
			xfrm_policy(i);
	}
	return 0;
}
