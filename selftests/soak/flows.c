// SPDX-License-Identifier: GPL-2.0-only
/*
 * flows - packets whose every octet is known, as many as the machine can make
 *
 *   flows END FILE
 *
 * FILE has a line for each flow: the address of end a, that of end b. END is a or b.
 * By each flow go UDP datagrams both ways, which say who they are and what is in
 * them, and one TCP connection, both ways. What arrives is held against what must
 * have been sent, to the octet. From SIGTERM on no more is sent; what is under way is
 * waited for. A line a flow at the end, and one every ten seconds:
 *
 *   flow N udp SENT GOT tcp SENT GOT wrong N twice N late N
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FLOWS_MAX	16
#define UDP_PORT	7000
#define TCP_PORT	8000
#define HEAD		40	/* octets of a datagram's head: who, number, length, answer */
#define BODY_MAX	1250	/* so that it fits in any tunnel's MTU */
#define UNDER_WAY	16	/* datagrams of a flow; or a slow machine queues seconds of them */
#define PATIENCE	2	/* seconds: then all of those are taken for lost */
#define RECENT		65536	/* datagrams that are remembered */
#define CHUNK		8192
#define LINGER		120	/* seconds for what is under way */
#define QUIET		2	/* seconds without a datagram: there is none */

union address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

struct flow {
	int id;
	int udp, tcp, listener;
	union address there;		/* where a connects to */
	uint64_t sent, got;		/* datagrams */
	uint64_t answered;		/* the highest number that the other end has seen */
	uint64_t told;			/* what it was told last to have been seen here */
	double sent_at;
	uint64_t written, read;		/* octets of TCP */
	uint64_t wrong, twice, late;
	uint64_t top;			/* the highest number that came */
	uint8_t seen[RECENT / 8];
	bool shut, eof;
};

static struct flow flows[FLOWS_MAX];
static int n_flows;
static int end;			/* 0: a, 1: b */
static volatile sig_atomic_t stop;
static bool sending = true;
static double last_datagram;

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* splitmix64's: another word for each number. */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

/* Words of a stream from word @at on: what both ends know of it. */
static void words(uint64_t *to, uint64_t stream, uint64_t at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = mix(stream << 48 ^ (at + i));
}

static uint64_t stream_of(const struct flow *flow, int sender, bool tcp)
{
	return flow->id * 4 + sender * 2 + tcp + 1;
}

/*
 * Datagram number @seq of an end, and how long it is. @answer is the highest number
 * that it has seen: given twice, the second time so that it cannot be mistaken.
 */
static size_t datagram(uint64_t *to, const struct flow *flow, int sender, uint64_t seq,
		       uint64_t answer)
{
	uint64_t stream = stream_of(flow, sender, false);
	size_t len = HEAD + mix(stream ^ seq << 8) % (BODY_MAX + 1);

	to[0] = stream;
	to[1] = seq;
	to[2] = len;
	to[3] = answer;
	to[4] = mix(answer ^ stream << 48 ^ seq << 16);
	words(to + HEAD / 8, stream ^ 0x5555, seq * 256, (len - HEAD + 7) / 8);
	return len;
}

static void complain(struct flow *flow, const char *what, uint64_t where)
{
	if (!flow->wrong++)
		printf("wrong: flow %d, end %c: %s %llu\n", flow->id, 'a' + end, what,
		       (unsigned long long)where);
}

static void note_number(struct flow *flow, uint64_t seq)
{
	uint64_t at = seq % RECENT;

	flow->late += seq < flow->top;
	for (; flow->top < seq; flow->top++)
		flow->seen[(flow->top + 1) % RECENT / 8] &= ~(1 << (flow->top + 1) % 8);
	if (flow->top - seq >= RECENT || flow->seen[at / 8] & 1 << at % 8)
		flow->twice++;
	flow->seen[at / 8] |= 1 << at % 8;
}

static void check_datagram(struct flow *flow, const uint64_t *got, ssize_t len)
{
	static uint64_t want[(HEAD + BODY_MAX) / 8 + 2];

	flow->got++;
	last_datagram = now();
	/* A number far off would be believed nowhere else either. */
	if (len < HEAD || got[1] > flow->top + 100000000 ||
	    datagram(want, flow, !end, got[1], got[3]) != (size_t)len ||
	    memcmp(want, got, len) || got[3] > flow->sent) {
		complain(flow, "datagram", len < HEAD ? 0 : got[1]);
		return;
	}
	note_number(flow, got[1]);
	if (got[3] > flow->answered)
		flow->answered = got[3];
}

static bool receive_udp(struct flow *flow)
{
	static uint64_t buf[8192];
	bool any = false;

	for (int i = 0; i < 32; i++) {
		ssize_t len = recv(flow->udp, buf, sizeof(buf), 0);

		if (len < 0)
			break;
		check_datagram(flow, buf, len);
		any = true;
	}
	return any;
}

/* There is room on the way; or the other end waits to hear that there is. */
static bool may_send(const struct flow *flow)
{
	return flow->sent < flow->answered + UNDER_WAY ||
	       flow->top >= flow->told + UNDER_WAY / 2 ||
	       now() >= flow->sent_at + PATIENCE;
}

static bool send_udp(struct flow *flow)
{
	static uint64_t buf[(HEAD + BODY_MAX) / 8 + 2];
	size_t len;

	if (!may_send(flow))
		return false;
	len = datagram(buf, flow, end, flow->sent + 1, flow->top);
	if (send(flow->udp, buf, len, 0) < 0)
		return false;
	flow->sent++;
	flow->told = flow->top;
	flow->sent_at = now();
	return true;
}

/* The octets of a TCP stream from @at on. */
static const uint8_t *octets(struct flow *flow, int sender, uint64_t at, size_t len)
{
	static uint64_t buf[CHUNK / 8 + 2];

	words(buf, stream_of(flow, sender, true), at / 8, (len + 7) / 8 + 1);
	return (uint8_t *)buf + at % 8;
}

static bool read_tcp(struct flow *flow)
{
	static uint8_t buf[CHUNK];
	ssize_t len = read(flow->tcp, buf, sizeof(buf));

	if (len < 0) {
		if (errno != EAGAIN) {
			complain(flow, strerror(errno), flow->read);
			flow->eof = true;
		}
		return false;
	}
	flow->eof = !len;
	if (memcmp(octets(flow, !end, flow->read, len), buf, len))
		complain(flow, "octets from", flow->read);
	flow->read += len;
	return len;
}

static bool write_tcp(struct flow *flow)
{
	ssize_t len;

	if (!sending) {
		shutdown(flow->tcp, SHUT_WR);
		flow->shut = true;
		return true;
	}
	len = write(flow->tcp, octets(flow, end, flow->written, CHUNK), CHUNK);
	if (len > 0)
		flow->written += len;
	return len > 0;
}

static void nonblocking(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static int open_socket(int type, int family)
{
	int fd = socket(family, type, 0);

	if (fd < 0)
		die("socket");
	return fd;
}

/* Once there are keys: a SYN that is dropped is sent again too late. */
static void connect_tcp(struct flow *flow)
{
	flow->tcp = open_socket(SOCK_STREAM, flow->there.sa.sa_family);
	nonblocking(flow->tcp);
	if (connect(flow->tcp, &flow->there.sa, sizeof(flow->there)) &&
	    errno != EINPROGRESS)
		die("connect");
}

static void accept_tcp(struct flow *flow)
{
	flow->tcp = accept(flow->listener, NULL, NULL);
	if (flow->tcp >= 0)
		nonblocking(flow->tcp);
}

static bool serve(struct flow *flow)
{
	bool busy = receive_udp(flow);

	if (sending)
		busy |= send_udp(flow);
	if (flow->tcp < 0 && end)
		accept_tcp(flow);
	else if (flow->tcp < 0 && flow->sent)
		connect_tcp(flow);
	if (flow->tcp >= 0 && !flow->eof)
		busy |= read_tcp(flow);
	if (flow->tcp >= 0 && !flow->shut)
		busy |= write_tcp(flow);
	return busy;
}

static union address at_port(const char *text, int port)
{
	union address to = {};

	if (inet_pton(AF_INET, text, &to.in.sin_addr) == 1) {
		to.in.sin_family = AF_INET;
		to.in.sin_port = htons(port);
	} else if (inet_pton(AF_INET6, text, &to.in6.sin6_addr) == 1) {
		to.in6.sin6_family = AF_INET6;
		to.in6.sin6_port = htons(port);
	} else {
		fprintf(stderr, "no address: %s\n", text);
		exit(2);
	}
	return to;
}

/* Every other flow has no UDP checksum: what is wrong is then seen here. */
static void no_checksum(int fd, int family)
{
	int on = 1;

	if (family == AF_INET) {
		setsockopt(fd, SOL_SOCKET, SO_NO_CHECK, &on, sizeof(on));
		return;
	}
	setsockopt(fd, IPPROTO_UDP, UDP_NO_CHECK6_TX, &on, sizeof(on));
	setsockopt(fd, IPPROTO_UDP, UDP_NO_CHECK6_RX, &on, sizeof(on));
}

static void open_flow(struct flow *flow, const char *ours, const char *theirs)
{
	union address here, there;
	int on = 1, room = 4 << 20;

	flow->id = n_flows++;
	here = at_port(ours, UDP_PORT + flow->id);
	there = at_port(theirs, UDP_PORT + flow->id);
	flow->tcp = flow->listener = -1;
	flow->udp = open_socket(SOCK_DGRAM, here.sa.sa_family);
	setsockopt(flow->udp, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	if (flow->id % 2)
		no_checksum(flow->udp, here.sa.sa_family);
	if (bind(flow->udp, &here.sa, sizeof(here)) ||
	    connect(flow->udp, &there.sa, sizeof(there)))
		die("UDP");
	nonblocking(flow->udp);
	if (end) {
		here = at_port(ours, TCP_PORT + flow->id);
		flow->listener = open_socket(SOCK_STREAM, here.sa.sa_family);
		setsockopt(flow->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (bind(flow->listener, &here.sa, sizeof(here)) ||
		    listen(flow->listener, 1))
			die("listen");
		nonblocking(flow->listener);
		return;
	}
	flow->there = at_port(theirs, TCP_PORT + flow->id);
}

static void open_flows(const char *path)
{
	FILE *file = fopen(path, "r");
	char address[2][64];

	if (!file)
		die(path);
	while (n_flows < FLOWS_MAX && fscanf(file, "%63s %63s", address[0], address[1]) == 2)
		open_flow(&flows[n_flows], address[end], address[!end]);
	fclose(file);
}

static bool is_open(void)
{
	for (int i = 0; i < n_flows; i++)
		if (!flows[i].eof || !flows[i].shut)
			return true;
	return now() < last_datagram + QUIET;
}

static void report(const char *what)
{
	for (int i = 0; i < n_flows; i++)
		printf("%s %d udp %llu %llu tcp %llu %llu wrong %llu twice %llu late %llu\n",
		       what, i,
		       (unsigned long long)flows[i].sent, (unsigned long long)flows[i].got,
		       (unsigned long long)flows[i].written,
		       (unsigned long long)flows[i].read,
		       (unsigned long long)flows[i].wrong,
		       (unsigned long long)flows[i].twice,
		       (unsigned long long)flows[i].late);
	fflush(stdout);
}

static void rest(void)
{
	struct pollfd fds[2 * FLOWS_MAX];

	for (int i = 0; i < n_flows; i++) {
		int tcp = flows[i].tcp < 0 ? flows[i].listener : flows[i].tcp;

		fds[2 * i] = (struct pollfd){ .fd = flows[i].udp, .events = POLLIN };
		fds[2 * i + 1] = (struct pollfd){ .fd = flows[i].eof ? -1 : tcp,
						  .events = POLLIN };
	}
	poll(fds, 2 * n_flows, 10);
}

static void on_term(int sig)
{
	(void)sig;
	stop = 1;
}

int main(int argc, char **argv)
{
	double told, stopped = 0;

	if (argc != 3 || (strcmp(argv[1], "a") && strcmp(argv[1], "b"))) {
		fprintf(stderr, "usage: flows a|b FILE\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, on_term);
	end = argv[1][0] == 'b';
	open_flows(argv[2]);
	puts("ready");
	fflush(stdout);
	told = now();
	last_datagram = told;
	while (sending || is_open()) {
		bool busy = false;

		for (int i = 0; i < n_flows; i++)
			busy |= serve(&flows[i]);
		if (!busy)
			rest();
		if (stop && sending) {
			sending = false;
			stopped = now();
		}
		if (now() >= told + 10) {
			told += 10;
			report("now");
		}
		if (!sending && now() > stopped + LINGER) {
			printf("late\n");
			break;
		}
	}
	report("flow");
	return 0;
}
