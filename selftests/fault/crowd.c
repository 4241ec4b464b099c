// SPDX-License-Identifier: GPL-2.0-only
/*
 * crowd.c - many threads that change the SAD at once, for crowd.sh
 *
 *   crowd THREADS ROUNDS SRC DST
 *
 * Each thread has a PF_KEY socket of its own and SPIs of its own; in each round it
 * registers, adds an SA from SRC to DST, sees it in a dump of all, and deletes it. It
 * hears what all others do, too, so its socket may be full and an answer lost: then it
 * goes on after a while, and the loss is counted. Ends with a line of counts; status 1
 * where an answer was wrong.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../../uapi/linux/pfkeyv2.h"

#define WAIT_S		30
#define KEY_BITS	160	/* AES-GCM, 128 bits and a salt */

static struct in_addr src, dst;
static int rounds;
static atomic_int registered, added, dumped, entries, deleted, lost, wrong;

struct keyer {
	int sock;
	unsigned int pid;
	unsigned int seq;
	size_t len;
	unsigned char out[512];
	unsigned char in[65536];
};

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static void *put(struct keyer *k, int type, size_t len)
{
	struct sadb_ext *ext = (void *)(k->out + k->len);

	len = (len + 7) / 8 * 8;
	memset(ext, 0, len);
	ext->sadb_ext_len = len / 8;
	ext->sadb_ext_type = type;
	k->len += len;
	return ext;
}

static void put_address(struct keyer *k, int type, struct in_addr addr)
{
	struct sadb_address *ext = put(k, type, sizeof(*ext) + sizeof(struct sockaddr_in));
	struct sockaddr_in *sin = (void *)(ext + 1);

	ext->sadb_address_prefixlen = 32;
	sin->sin_family = AF_INET;
	sin->sin_addr = addr;
}

static void begin(struct keyer *k, int type)
{
	memset(k->out, 0, sizeof(struct sadb_msg));
	k->out[1] = type;
	k->len = sizeof(struct sadb_msg);
}

static void put_name(struct keyer *k, unsigned int spi)
{
	struct sadb_sa *sa = put(k, SADB_EXT_SA, sizeof(*sa));

	sa->sadb_sa_spi = htonl(spi);
	sa->sadb_sa_replay = 64;
	sa->sadb_sa_state = SADB_SASTATE_MATURE;
	sa->sadb_sa_encrypt = SADB_X_EALG_AES_GCM_ICV16;
	put_address(k, SADB_EXT_ADDRESS_SRC, src);
	put_address(k, SADB_EXT_ADDRESS_DST, dst);
}

static void put_key(struct keyer *k)
{
	struct sadb_key *key = put(k, SADB_EXT_KEY_ENCRYPT, sizeof(*key) + KEY_BITS / 8);

	key->sadb_key_bits = KEY_BITS;
	for (int i = 0; i < KEY_BITS / 8; i++)
		((unsigned char *)(key + 1))[i] = i + 1;
}

static void ask(struct keyer *k)
{
	struct sadb_msg *msg = (void *)k->out;

	msg->sadb_msg_version = PF_KEY_V2;
	msg->sadb_msg_satype = SADB_SATYPE_ESP;
	msg->sadb_msg_len = k->len / 8;
	msg->sadb_msg_seq = ++k->seq;
	msg->sadb_msg_pid = k->pid;
	if (send(k->sock, k->out, k->len, 0) != (ssize_t)k->len)
		die("send");
}

/* Are the lengths of a message such that it can be read. */
static int is_sound(const unsigned char *data, ssize_t len)
{
	const struct sadb_msg *msg = (const void *)data;

	if (len < (ssize_t)sizeof(*msg) || msg->sadb_msg_len * 8 != len)
		return 0;
	for (ssize_t at = sizeof(*msg); at < len;) {
		const struct sadb_ext *ext = (const void *)(data + at);

		if (!ext->sadb_ext_len || at + ext->sadb_ext_len * 8 > len)
			return 0;
		at += ext->sadb_ext_len * 8;
	}
	return 1;
}

/* What waits for an SA is asked for every few seconds, so others' messages never end. */
static int left_ms(const struct timespec *end)
{
	struct timespec now;
	long ms;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (end->tv_sec - now.tv_sec) * 1000 + (end->tv_nsec - now.tv_nsec) / 1000000;
	return ms > 0 ? ms : 0;
}

/* The next message that answers us; NULL: none came in time. */
static struct sadb_msg *answer(struct keyer *k)
{
	struct sadb_msg *msg = (void *)k->in;
	const struct sadb_msg *asked = (const void *)k->out;
	struct timespec end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += WAIT_S;
	for (;;) {
		struct pollfd ready = { .fd = k->sock, .events = POLLIN };
		ssize_t len;

		if (poll(&ready, 1, left_ms(&end)) <= 0) {
			fprintf(stderr, "message %d was not answered\n",
				asked->sadb_msg_type);
			atomic_fetch_add(&lost, 1);
			return NULL;
		}
		len = recv(k->sock, k->in, sizeof(k->in), 0);
		if (len < 0)
			die("recv");
		if (!is_sound(k->in, len)) {
			atomic_fetch_add(&wrong, 1);
			continue;
		}
		if (msg->sadb_msg_pid == k->pid &&
		    msg->sadb_msg_type == asked->sadb_msg_type)
			return msg;
	}
}

/* Ask for something that is to be done; where an answer was lost before, it may be. */
static void change(struct keyer *k, atomic_int *done, int may_be)
{
	struct sadb_msg *msg;

	ask(k);
	msg = answer(k);
	if (!msg)
		return;
	if (!msg->sadb_msg_errno) {
		atomic_fetch_add(done, 1);
	} else if (msg->sadb_msg_errno != may_be) {
		fprintf(stderr, "message %d: %s\n", msg->sadb_msg_type,
			strerror(msg->sadb_msg_errno));
		atomic_fetch_add(&wrong, 1);
	}
}

/* All entries, counting down to 0; where ours is not among them, that is wrong. */
static void dump(struct keyer *k, unsigned int spi)
{
	struct sadb_msg *msg;
	int found = 0;

	begin(k, SADB_DUMP);
	ask(k);
	do {
		const struct sadb_sa *sa = (const void *)(k->in + sizeof(*msg));

		msg = answer(k);
		if (!msg)
			return;
		if (msg->sadb_msg_errno) {
			atomic_fetch_add(&wrong, 1);
			return;
		}
		found |= sa->sadb_sa_spi == htonl(spi);
		atomic_fetch_add(&entries, 1);
	} while (msg->sadb_msg_seq);
	atomic_fetch_add(&dumped, 1);
	if (!found)
		atomic_fetch_add(&wrong, 1);
}

static void *live(void *arg)
{
	struct keyer *k = calloc(1, sizeof(*k));
	unsigned int first = 0x100000 * (1 + (unsigned int)(size_t)arg);
	int size = 1 << 20;

	if (!k)
		die("calloc");
	k->pid = getpid() * 100 + (unsigned int)(size_t)arg;
	k->sock = socket(PF_KEY, SOCK_RAW, PF_KEY_V2);
	if (k->sock < 0)
		die("socket");
	setsockopt(k->sock, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	for (int i = 0; i < rounds; i++) {
		unsigned int spi = first + i;
		int before = atomic_load(&lost);

		begin(k, SADB_REGISTER);
		change(k, &registered, 0);
		begin(k, SADB_ADD);
		put_name(k, spi);
		put_key(k);
		change(k, &added, 0);
		if (atomic_load(&lost) == before)
			dump(k, spi);
		begin(k, SADB_DELETE);
		put_name(k, spi);
		change(k, &deleted, atomic_load(&lost) == before ? 0 : ESRCH);
	}
	close(k->sock);
	free(k);
	return NULL;
}

int main(int argc, char **argv)
{
	int threads = argc == 5 ? atoi(argv[1]) : 0;
	pthread_t *thread = calloc(threads + 1, sizeof(*thread));

	if (threads <= 0 || !thread || !inet_aton(argv[3], &src) || !inet_aton(argv[4], &dst)) {
		fprintf(stderr, "usage: crowd THREADS ROUNDS SRC DST\n");
		return 2;
	}
	rounds = atoi(argv[2]);
	for (int i = 0; i < threads; i++)
		if (pthread_create(&thread[i], NULL, live, (void *)(size_t)i))
			die("pthread_create");
	for (int i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	printf("registered %d added %d dumped %d entries %d deleted %d lost %d wrong %d\n",
	       registered, added, dumped, entries, deleted, lost, wrong);
	return wrong > 0;
}
