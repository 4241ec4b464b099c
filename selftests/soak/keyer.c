// SPDX-License-Identifier: GPL-2.0-only
/*
 * keyer - new SAs every second, as IKE daemons make them
 *
 *   keyer NAMESPACE NAMESPACE FILE
 *
 * FILE has a line for each flow: transport or tunnel, gcm or cbc, the address of end a,
 * that of end b. One process for both ends, with a PF_KEY socket in each, as starting
 * setkey takes an emulated processor longer than all the rest. Each second every flow
 * gets new SAs, one each way: first where they come in, then where they go out, and
 * those of ten rounds ago are deleted: on a busy host a packet may wait for seconds.
 * So ten rounds live at any time. Each request is waited for. "round N" after each.
 * Until SIGTERM, or until something is refused.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ipsec.h>
#include <linux/pfkeyv2.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FLOWS_MAX	16
#define FIRST_SPI	0x1000
#define WINDOW		1024	/* packets: netem may delay as many */
#define KEY_MAX		32
#define ROUNDS		10	/* that live */
#define PAUSE		0.8	/* seconds between rounds, at least */

struct sa {
	bool gcm, tunnel;
	char from[64], to[64];
	uint8_t enc[KEY_MAX], auth[KEY_MAX];
};

struct message {
	union {
		struct sadb_msg hdr;
		uint64_t words[512];
	};
	size_t len;	/* octets */
};

static struct sa sas[2 * FLOWS_MAX];	/* of a flow, from a to b, then back */
static unsigned int n_sas;
static int sockets[2];
static volatile sig_atomic_t stop;

static void on_term(int sig)
{
	(void)sig;
	stop = 1;
}

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static int open_in(const char *name)
{
	char path[128];
	int ns, fd;

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	ns = open(path, O_RDONLY);
	if (ns < 0 || setns(ns, CLONE_NEWNET))
		die(path);
	fd = socket(PF_KEY, SOCK_RAW, PF_KEY_V2);
	if (fd < 0)
		die("PF_KEY");
	close(ns);
	return fd;
}

static void begin(struct message *msg, uint8_t type)
{
	static uint32_t seq;

	memset(msg, 0, sizeof(*msg));
	msg->len = sizeof(msg->hdr);
	msg->hdr.sadb_msg_version = PF_KEY_V2;
	msg->hdr.sadb_msg_type = type;
	msg->hdr.sadb_msg_satype = SADB_SATYPE_ESP;
	msg->hdr.sadb_msg_seq = ++seq;
	msg->hdr.sadb_msg_pid = getpid();
}

/* Room for an extension, padded; its head is filled. */
static void *extend(struct message *msg, uint16_t type, size_t size)
{
	struct sadb_ext *ext = (void *)((uint8_t *)msg + msg->len);

	size = (size + 7) / 8 * 8;
	ext->sadb_ext_len = size / 8;
	ext->sadb_ext_type = type;
	msg->len += size;
	return ext;
}

static void put_address(struct message *msg, uint16_t type, const char *text)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in in = { .sin_family = AF_INET };
	bool six = inet_pton(AF_INET6, text, &in6.sin6_addr) == 1;
	size_t size = six ? sizeof(in6) : sizeof(in);
	struct sadb_address *address = extend(msg, type, sizeof(*address) + size);

	if (!six && inet_pton(AF_INET, text, &in.sin_addr) != 1)
		die(text);
	address->sadb_address_prefixlen = six ? 128 : 32;
	memcpy(address + 1, six ? (void *)&in6 : (void *)&in, size);
}

static void put_key(struct message *msg, uint16_t type, const uint8_t *key, size_t octets)
{
	struct sadb_key *ext = extend(msg, type, sizeof(*ext) + octets);

	ext->sadb_key_bits = octets * 8;
	memcpy(ext + 1, key, octets);
}

static struct sadb_sa *put_name(struct message *msg, const struct sa *sa, uint32_t spi)
{
	struct sadb_sa *ext = extend(msg, SADB_EXT_SA, sizeof(*ext));

	ext->sadb_sa_spi = htonl(spi);
	put_address(msg, SADB_EXT_ADDRESS_SRC, sa->from);
	put_address(msg, SADB_EXT_ADDRESS_DST, sa->to);
	return ext;
}

/* Send it, and read until the answer. */
static bool call(int fd, struct message *msg)
{
	struct message got;

	msg->hdr.sadb_msg_len = msg->len / 8;
	if (write(fd, msg, msg->len) != (ssize_t)msg->len)
		die("write");
	do {
		if (read(fd, got.words, sizeof(got.words)) < (ssize_t)sizeof(got.hdr))
			die("read");
	} while (got.hdr.sadb_msg_pid != msg->hdr.sadb_msg_pid ||
		 got.hdr.sadb_msg_seq != msg->hdr.sadb_msg_seq);
	if (got.hdr.sadb_msg_errno)
		printf("refused: %d: %s\n", msg->hdr.sadb_msg_type,
		       strerror(got.hdr.sadb_msg_errno));
	return !got.hdr.sadb_msg_errno;
}

static bool add(int fd, const struct sa *sa, uint32_t spi)
{
	struct sadb_x_sa_replay *replay;
	struct sadb_x_sa2 *sa2;
	struct message msg;
	struct sadb_sa *ext;

	begin(&msg, SADB_ADD);
	ext = put_name(&msg, sa, spi);
	ext->sadb_sa_state = SADB_SASTATE_MATURE;
	if (sa->gcm) {
		ext->sadb_sa_encrypt = SADB_X_EALG_AES_GCM_ICV16;
		put_key(&msg, SADB_EXT_KEY_ENCRYPT, sa->enc, 20);
	} else {
		ext->sadb_sa_encrypt = SADB_X_EALG_AESCBC;
		ext->sadb_sa_auth = SADB_X_AALG_SHA2_256HMAC;
		put_key(&msg, SADB_EXT_KEY_AUTH, sa->auth, 32);
		put_key(&msg, SADB_EXT_KEY_ENCRYPT, sa->enc, 16);
	}
	sa2 = extend(&msg, SADB_X_EXT_SA2, sizeof(*sa2));
	sa2->sadb_x_sa2_mode = sa->tunnel ? IPSEC_MODE_TUNNEL : IPSEC_MODE_TRANSPORT;
	replay = extend(&msg, SADB_X_EXT_SA_REPLAY, sizeof(*replay));
	replay->sadb_x_sa_replay_replay = WINDOW;
	return call(fd, &msg);
}

static bool delete(int fd, const struct sa *sa, uint32_t spi)
{
	struct message msg;

	begin(&msg, SADB_DELETE);
	put_name(&msg, sa, spi);
	return call(fd, &msg);
}

/* SA number i is one that end a sends by, if i is even. */
static bool round_of(uint32_t number)
{
	uint32_t spi = FIRST_SPI + number * n_sas;
	bool ok = true;

	for (unsigned int i = 0; i < n_sas; i++) {
		if (getrandom(sas[i].enc, KEY_MAX, 0) != KEY_MAX ||
		    getrandom(sas[i].auth, KEY_MAX, 0) != KEY_MAX)
			die("getrandom");
		ok &= add(sockets[!(i % 2)], &sas[i], spi + i);
	}
	for (unsigned int i = 0; i < n_sas; i++)
		ok &= add(sockets[i % 2], &sas[i], spi + i);
	for (unsigned int i = 0; number >= ROUNDS && i < n_sas; i++)
		for (int end = 0; end < 2; end++)
			ok &= delete(sockets[end], &sas[i], spi + i - ROUNDS * n_sas);
	return ok;
}

static void read_flows(const char *path)
{
	char mode[16], cipher[16];
	FILE *file = fopen(path, "r");
	struct sa sa;

	if (!file)
		die(path);
	while (n_sas < 2 * FLOWS_MAX &&
	       fscanf(file, "%15s %15s %63s %63s", mode, cipher, sa.from, sa.to) == 4) {
		sa.tunnel = !strcmp(mode, "tunnel");
		sa.gcm = !strcmp(cipher, "gcm");
		sas[n_sas++] = sa;
		sas[n_sas] = sa;
		memcpy(sas[n_sas].from, sa.to, sizeof(sa.to));
		memcpy(sas[n_sas++].to, sa.from, sizeof(sa.from));
	}
	fclose(file);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* A second after the beginning; but no round hurries after one that was late. */
static void wait_for_next(double began)
{
	double left = began + 1 - now();

	usleep((left > PAUSE ? left : PAUSE) * 1e6);
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: keyer NAMESPACE NAMESPACE FILE\n");
		return 2;
	}
	signal(SIGTERM, on_term);
	read_flows(argv[3]);
	for (int end = 0; end < 2; end++)
		sockets[end] = open_in(argv[1 + end]);
	for (uint32_t number = 0; !stop; number++) {
		double began = now();

		if (!round_of(number))
			return 1;
		printf("round %u\n", number + 1);
		fflush(stdout);
		wait_for_next(began);
	}
	return 0;
}
