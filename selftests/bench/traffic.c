// SPDX-License-Identifier: GPL-2.0-only
/*
 * traffic.c - what a packet costs from one socket to the other, in instructions
 *
 *   traffic FROM TO ADDRESS COUNT KIND...
 *   traffic encap NAMESPACE...
 *
 * One process with a socket in each of two network namespaces sends from FROM to
 * ADDRESS, which is in TO, and receives there: so that all that happens on the way,
 * in whatever host, is between two readings of the time stamp counter, which in a
 * virtual machine with --icount counts instructions. For each KIND it prints the
 * kind and the instructions per packet, of COUNT packets after as many that nobody
 * counts; and after 1000 segments at least, which is how long a stream's beginning is.
 *
 *   udp-SIZE    datagrams, each received before the next is sent
 *   batch-SIZE  32 are sent, then 32 received
 *   tcp         a stream; per 1400 octets, of which each segment has as many. Buffers
 *               are of a fixed size: while they grow, the receiver answers more often,
 *               more or less so as it happens, and figures are not the same twice
 *   new         four streams, one after the other, each from its first octet on, COUNT
 *               segments long, with buffers that grow
 *   flows-SIZE=FILE    datagrams, each of the next flow of FILE (in IPv4: source, its port,
 *               destination, its port, one a line), and again from the first; by a
 *               connected socket where there is but one
 *   changed-SIZE=FILE  the same, and before those that are counted $CHANGE is run; ten times
 *
 * Nothing is to idle, for the counter goes on then: what waits does so while others
 * compute. A child of the lowest rank takes what is left all the same, and its time
 * is not counted.
 *
 * encap holds sockets that give ESP in UDP to xfrm, until it is killed.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#define PORT		5001
#define BATCH		32
#define TCP_PAYLOAD	1400	/* octets in a segment */
#define TCP_OPTIONS	12	/* timestamps, which count for the MSS */
#define TCP_BUFFER	(1 << 20)
#define TCP_BEGINNING	1000
#define NEW_STREAMS	4
#define CHANGES		10
#define UDP_ENCAP	100
#define ESPINUDP	2
#define ENCAP_PORT	4500

/* For the profiler, which looks for the instruction; see profile.c. */
#define MARK(n) __asm__ volatile("movl %0, %%eax" : : "i"(n) : "eax")
#define MARK_BEGIN	0x45535042
#define MARK_END	0x45535045

struct address {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	};
	socklen_t len;
};

/* The two sockets. */
struct ends {
	int out;
	int in;
};

/* From where to where, in network order but for the ports. */
struct flow {
	struct in_addr saddr;
	struct in_addr daddr;
	uint16_t sport;
	uint16_t dport;
};

static struct flow *flows;
static size_t flows_n;
static struct ends by_port[65536];	/* 0 for none yet */

static char buffer[65536];

static void enter(const char *namespace)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", namespace);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		err(2, "%s", path);
	close(fd);
}

static int opened(int family, int type)
{
	int fd = socket(family, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		err(2, "socket");
	return fd;
}

static void set(int fd, int level, int option, int value)
{
	if (setsockopt(fd, level, option, &value, sizeof(value)))
		err(2, "setsockopt");
}

static void give_up_after(int fd, int seconds)
{
	struct timeval limit = { .tv_sec = seconds };

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)))
		err(2, "SO_RCVTIMEO");
}

static struct address parse(const char *text)
{
	struct address a = {};

	if (inet_pton(AF_INET, text, &a.in.sin_addr) == 1) {
		a.in.sin_family = AF_INET;
		a.in.sin_port = htons(PORT);
		a.len = sizeof(a.in);
	} else if (inet_pton(AF_INET6, text, &a.in6.sin6_addr) == 1) {
		a.in6.sin6_family = AF_INET6;
		a.in6.sin6_port = htons(PORT);
		a.len = sizeof(a.in6);
	} else {
		errx(2, "%s is no address", text);
	}
	return a;
}

static struct ends udp_open(char *const *argv, const struct address *to)
{
	struct ends e;

	enter(argv[1]);
	e.in = opened(to->sa.sa_family, SOCK_DGRAM);
	give_up_after(e.in, 5);
	if (bind(e.in, &to->sa, to->len))
		err(2, "bind");
	enter(argv[0]);
	e.out = opened(to->sa.sa_family, SOCK_DGRAM);
	if (connect(e.out, &to->sa, to->len))
		err(2, "connect");
	return e;
}

static void udp_send(struct ends e, size_t size)
{
	if (send(e.out, buffer, size, 0) != (ssize_t)size)
		err(1, "send");
}

static void udp_receive(struct ends e, size_t size)
{
	if (recv(e.in, buffer, sizeof(buffer), 0) != (ssize_t)size)
		err(1, "a datagram is missing");
}

static void udp_run(struct ends e, size_t size, unsigned int batch, unsigned int count)
{
	for (unsigned int done = 0; done < count; done += batch) {
		for (unsigned int i = 0; i < batch; i++)
			udp_send(e, size);
		for (unsigned int i = 0; i < batch; i++)
			udp_receive(e, size);
	}
}

static int bound(const char *namespace, uint16_t port)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd;

	enter(namespace);
	fd = opened(AF_INET, SOCK_DGRAM);
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)))
		err(2, "port %u", port);
	give_up_after(fd, 5);
	return fd;
}

static void flow_connect(const struct flow *flow)
{
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr = flow->saddr,
				    .sin_port = htons(flow->sport) };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = flow->daddr,
				  .sin_port = htons(flow->dport) };
	int fd = opened(AF_INET, SOCK_DGRAM);

	if (bind(fd, (struct sockaddr *)&from, sizeof(from)) ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)))
		err(2, "a flow");
	by_port[flow->sport].out = fd;
}

static void flows_open(char *const *argv, const char *path)
{
	char saddr[16], daddr[16];
	FILE *file = fopen(path, "re");
	struct flow f;

	if (!file)
		err(2, "%s", path);
	flows_n = 0;
	memset(by_port, 0, sizeof(by_port));
	while (fscanf(file, "%15s %hu %15s %hu", saddr, &f.sport, daddr, &f.dport) == 4) {
		if (!inet_aton(saddr, &f.saddr) || !inet_aton(daddr, &f.daddr))
			errx(2, "%s: no addresses", path);
		flows = reallocarray(flows, flows_n + 1, sizeof(*flows));
		if (!flows)
			err(2, "flows");
		flows[flows_n++] = f;
		if (!by_port[f.dport].in)
			by_port[f.dport].in = bound(argv[1], f.dport);
	}
	fclose(file);
	if (!flows_n)
		errx(2, "%s: no flows", path);
	enter(argv[0]);
	if (flows_n == 1)
		flow_connect(flows);
	for (size_t i = 0; i < flows_n; i++)
		if (!by_port[flows[i].sport].out)
			by_port[flows[i].sport].out = bound(argv[0], flows[i].sport);
}

static void flows_close(void)
{
	for (size_t i = 0; i < 65536; i++) {
		if (by_port[i].out)
			close(by_port[i].out);
		if (by_port[i].in)
			close(by_port[i].in);
	}
}

static void flow_send(const struct flow *flow, size_t size)
{
	union {
		struct cmsghdr hdr;
		char room[CMSG_SPACE(sizeof(struct in_pktinfo))];
	} control = { .hdr = { .cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo)),
			       .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO } };
	const struct in_pktinfo info = { .ipi_spec_dst = flow->saddr };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = flow->daddr,
				  .sin_port = htons(flow->dport) };
	struct iovec data = { buffer, size };
	const struct msghdr msg = {
		.msg_name = &to, .msg_namelen = sizeof(to),
		.msg_iov = &data, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};

	memcpy(CMSG_DATA(&control.hdr), &info, sizeof(info));
	if (sendmsg(by_port[flow->sport].out, &msg, 0) != (ssize_t)size)
		err(1, "send");
}

static void flows_run(size_t size, unsigned int count)
{
	static size_t next;

	for (unsigned int i = 0; i < count; i++) {
		const struct flow *flow = &flows[next++ % flows_n];
		struct ends e = { by_port[flow->sport].out, by_port[flow->dport].in };

		if (flows_n == 1)
			udp_send(e, size);
		else
			flow_send(flow, size);
		udp_receive(e, size);
	}
}

static struct ends tcp_open(char *const *argv, const struct address *to, bool grow)
{
	int listener;
	struct ends e;

	enter(argv[1]);
	listener = opened(to->sa.sa_family, SOCK_STREAM);
	set(listener, SOL_SOCKET, SO_REUSEADDR, 1);
	if (!grow)
		set(listener, SOL_SOCKET, SO_RCVBUFFORCE, TCP_BUFFER);
	set(listener, IPPROTO_TCP, TCP_MAXSEG, TCP_PAYLOAD + TCP_OPTIONS);
	if (bind(listener, &to->sa, to->len) || listen(listener, 1))
		err(2, "listen");
	enter(argv[0]);
	e.out = opened(to->sa.sa_family, SOCK_STREAM);
	if (!grow)
		set(e.out, SOL_SOCKET, SO_SNDBUFFORCE, TCP_BUFFER);
	set(e.out, IPPROTO_TCP, TCP_MAXSEG, TCP_PAYLOAD + TCP_OPTIONS);
	if (connect(e.out, &to->sa, to->len))
		err(1, "connect");
	e.in = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (e.in < 0)
		err(1, "accept");
	close(listener);
	return e;
}

/* Return: how much was moved; 0 where there was no room, or nothing. */
static size_t moved(ssize_t n)
{
	if (n == 0)
		errx(1, "the stream has ended");
	if (n < 0 && errno != EAGAIN)
		err(1, "the stream is broken");
	return n < 0 ? 0 : n;
}

static size_t tcp_send(struct ends e, size_t most)
{
	if (most > sizeof(buffer))
		most = sizeof(buffer);
	return most ? moved(send(e.out, buffer, most, MSG_DONTWAIT)) : 0;
}

static void tcp_wait(struct ends e, bool more)
{
	struct pollfd fds[] = {
		{ .fd = e.in, .events = POLLIN },
		{ .fd = e.out, .events = more ? POLLOUT : 0 },
	};

	if (poll(fds, 2, 5000) <= 0)
		errx(1, "the stream stands still");
}

static void tcp_run(struct ends e, unsigned int count)
{
	size_t total = (size_t)count * TCP_PAYLOAD, sent = 0, received = 0;

	while (received < total) {
		size_t out = tcp_send(e, total - sent), in;

		sent += out;
		do {
			in = moved(recv(e.in, buffer, sizeof(buffer), MSG_DONTWAIT));
			received += in;
			out += in;
		} while (in);
		if (!out)
			tcp_wait(e, sent < total);
	}
}

/* Its time is what would have been idle. */
static pid_t idler_start(void)
{
	const struct sched_param param = {};
	pid_t pid = fork();

	if (pid < 0)
		err(2, "fork");
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (sched_setscheduler(0, SCHED_IDLE, &param))
		err(2, "SCHED_IDLE");
	for (;;)
		sched_yield();
}

static uint64_t idled(pid_t pid)
{
	struct timespec t;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t))
		errx(2, "no clock of the idler");
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* What explains a figure that is not like others. */
static void remark(const char *name, int tcp, uint64_t all, uint64_t idle)
{
	struct tcp_info info = {};
	socklen_t len = sizeof(info);

	printf("# %s: %.1f %% idle", name, 100.0 * idle / all);
	if (!getsockopt(tcp, IPPROTO_TCP, TCP_INFO, &info, &len))
		printf(", %u segments sent, %u of them again, %u received",
		       info.tcpi_data_segs_out, info.tcpi_total_retrans,
		       info.tcpi_segs_in);
	putchar('\n');
}

/* What is to be sent; of a stream there is no size. */
struct kind {
	const char *name;
	unsigned int size;
	unsigned int batch;
	bool fresh;
	const char *flows;
	bool changed;
};

static struct kind kind_read(const char *name)
{
	struct kind kind = { .name = name, .batch = 1, .fresh = !strcmp(name, "new") };

	if (!strncmp(name, "batch-", 6))
		kind.batch = BATCH;
	kind.changed = !strncmp(name, "changed-", 8);
	if (kind.changed || !strncmp(name, "flows-", 6)) {
		kind.flows = strchr(name, '=');
		if (!kind.flows++)
			errx(2, "%s of no file", name);
	}
	if (kind.batch == BATCH || kind.flows || !strncmp(name, "udp-", 4))
		kind.size = strtoul(strchr(name, '-') + 1, NULL, 10);
	else if (!kind.fresh && strcmp(name, "tcp"))
		errx(2, "no kind %s", name);
	if (kind.size > sizeof(buffer))
		errx(2, "%u is too much", kind.size);
	return kind;
}

static void run(struct ends e, const struct kind *kind, unsigned int count)
{
	if (kind->flows)
		flows_run(kind->size, count);
	else if (kind->size)
		udp_run(e, kind->size, kind->batch, count);
	else
		tcp_run(e, count);
}

/* Return: ticks. One of the counter is one instruction is one nanosecond. */
static uint64_t timed(struct ends e, const struct kind *kind, unsigned int count)
{
	uint64_t began;

	MARK(MARK_BEGIN);
	began = __rdtsc();
	run(e, kind, count);
	began = __rdtsc() - began;
	MARK(MARK_END);
	return began;
}

static struct ends kind_open(char *const *argv, const struct address *to,
			     const struct kind *kind)
{
	if (!kind->flows)
		return kind->size ? udp_open(argv, to) : tcp_open(argv, to, kind->fresh);
	flows_open(argv, kind->flows);
	return (struct ends){ -1, -1 };
}

static void change(void)
{
	const char *command = getenv("CHANGE");

	if (!command || system(command))
		errx(2, "nothing was changed");
}

static void measure(char *const *argv, const struct address *to, unsigned int count,
		    const char *name, pid_t idler)
{
	struct kind kind = kind_read(name);
	unsigned int rounds = kind.fresh ? NEW_STREAMS : kind.changed ? CHANGES : 1;
	unsigned int uncounted;
	uint64_t all = 0, idle = 0;
	struct ends e;

	count = (count + kind.batch - 1) / kind.batch * kind.batch;
	uncounted = kind.size || count > TCP_BEGINNING ? count : TCP_BEGINNING;
	for (unsigned int i = 0; i < rounds; i++) {
		e = kind_open(argv, to, &kind);
		if (!kind.fresh)
			run(e, &kind, uncounted);
		if (kind.changed)
			change();
		idle -= idled(idler);
		all += timed(e, &kind, count);
		idle += idled(idler);
		if (i + 1 == rounds) {
			printf("%s %.1f\n", name, (double)(all - idle) / count / rounds);
			remark(name, e.out, all, idle);
		}
		if (kind.flows) {
			flows_close();
			continue;
		}
		close(e.out);
		close(e.in);
	}
	fflush(stdout);
}

static void encap(int family)
{
	int fd = opened(family, SOCK_DGRAM);
	struct address any = {};

	if (family == AF_INET6) {
		set(fd, IPPROTO_IPV6, 26 /* IPV6_V6ONLY */, 1);
		any.in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6,
						 .sin6_port = htons(ENCAP_PORT) };
		any.len = sizeof(any.in6);
	} else {
		any.in = (struct sockaddr_in){ .sin_family = AF_INET,
					       .sin_port = htons(ENCAP_PORT) };
		any.len = sizeof(any.in);
	}
	if (bind(fd, &any.sa, any.len))
		err(2, "bind");
	set(fd, IPPROTO_UDP, UDP_ENCAP, ESPINUDP);
}

int main(int argc, char *argv[])
{
	struct address to;
	pid_t idler;

	if (argc > 2 && !strcmp(argv[1], "encap")) {
		for (int i = 2; i < argc; i++) {
			enter(argv[i]);
			encap(AF_INET);
			encap(AF_INET6);
		}
		puts("ready");
		fflush(stdout);
		pause();
		return 0;
	}
	if (argc < 6)
		errx(2, "traffic FROM TO ADDRESS COUNT KIND...");
	to = parse(argv[3]);
	idler = idler_start();
	for (int i = 5; i < argc; i++)
		measure(argv + 1, &to, strtoul(argv[4], NULL, 10), argv[i], idler);
	kill(idler, SIGKILL);
	return 0;
}
