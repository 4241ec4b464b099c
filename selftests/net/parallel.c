// SPDX-License-Identifier: GPL-2.0-only
/*
 * parallel.c - flows from all processors at once, for parallel.sh
 *
 *   parallel send PACKETS ADDRESS PORT   a thread for each processor, bound to it, sends
 *                                        so many numbered datagrams from a socket of its own
 *   parallel sink PORT                   says "ready", counts until standard input ends,
 *                                        and prints for each sender: flow, how many came,
 *                                        how many twice or out of bounds, how many behind
 *                                        a later one
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST_FLOWS	64
#define MOST_PACKETS	1000000
#define LENGTH		200
#define STEP		256	/* datagrams until all wait for each other */

static struct sockaddr_in to;
static unsigned int packets;
static pthread_barrier_t step;

struct datagram {
	uint32_t flow;
	uint32_t number;
	char text[LENGTH];
};

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static void *sender(void *arg)
{
	struct datagram d = { .flow = (uintptr_t)arg, .text = "PLAINTEXT-MARKER" };
	int sock = socket(AF_INET, SOCK_DGRAM, 0);
	cpu_set_t mine;

	CPU_ZERO(&mine);
	CPU_SET(d.flow, &mine);
	if (sock < 0 || sched_setaffinity(0, sizeof(mine), &mine))
		die("sender");
	for (d.number = 0; d.number < packets; d.number++) {
		/* A processor that is emulated may stand still while others go on. */
		if (!(d.number % STEP))
			pthread_barrier_wait(&step);
		if (sendto(sock, &d, sizeof(d), 0, (void *)&to, sizeof(to)) != sizeof(d))
			die("sendto");
	}
	close(sock);
	return NULL;
}

static int send_all(void)
{
	long flows = sysconf(_SC_NPROCESSORS_ONLN);
	pthread_t thread[MOST_FLOWS];

	if (flows > MOST_FLOWS || pthread_barrier_init(&step, NULL, flows))
		die("start");
	for (long i = 0; i < flows; i++)
		if (pthread_create(&thread[i], NULL, sender, (void *)i))
			die("pthread_create");
	for (long i = 0; i < flows; i++)
		pthread_join(thread[i], NULL);
	return 0;
}

static unsigned char seen[MOST_FLOWS][MOST_PACKETS];
static struct {
	unsigned int came, wrong, late, newest;
} flow[MOST_FLOWS];

static void note(const struct datagram *d, ssize_t len)
{
	if (len != sizeof(*d) || d->flow >= MOST_FLOWS || d->number >= MOST_PACKETS) {
		flow[0].wrong++;
		return;
	}
	flow[d->flow].came++;
	flow[d->flow].wrong += seen[d->flow][d->number]++;
	if (d->number < flow[d->flow].newest)
		flow[d->flow].late++;
	else
		flow[d->flow].newest = d->number;
}

static int count(void)
{
	int sock = socket(AF_INET, SOCK_DGRAM, 0), size = 64 << 20;
	struct pollfd ready[2] = { { .fd = sock, .events = POLLIN }, { .events = POLLIN } };

	to.sin_addr.s_addr = INADDR_ANY;
	if (sock < 0 || bind(sock, (void *)&to, sizeof(to)) ||
	    setsockopt(sock, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		die("sink");
	puts("ready");
	fflush(stdout);
	while (poll(ready, 2, -1) > 0) {
		struct datagram d;

		if (ready[0].revents)
			note(&d, recv(sock, &d, sizeof(d), 0));
		else if (ready[1].revents)
			break;
	}
	for (int i = 0; i < MOST_FLOWS; i++)
		if (flow[i].came || flow[i].wrong)
			printf("flow %d came %u wrong %u late %u\n", i, flow[i].came,
			       flow[i].wrong, flow[i].late);
	return 0;
}

int main(int argc, char **argv)
{
	to.sin_family = AF_INET;
	if (argc == 5 && !strcmp(argv[1], "send") && inet_aton(argv[3], &to.sin_addr)) {
		packets = atoi(argv[2]);
		to.sin_port = htons(atoi(argv[4]));
		return send_all();
	}
	if (argc == 3 && !strcmp(argv[1], "sink")) {
		to.sin_port = htons(atoi(argv[2]));
		return count();
	}
	fprintf(stderr, "usage: parallel send PACKETS ADDRESS PORT | parallel sink PORT\n");
	return 2;
}
