// SPDX-License-Identifier: GPL-2.0-only
/*
 * forger - ESP and AH that nobody with a key has sent, and how many of each kind
 *
 *   forger path DEVICE DEVICE
 *   forger flood DEVICE PCAP PACKETS
 *   forger inject DEVICE PCAP PROTOCOL SEQUENCE...
 *
 * path sits between two hosts. Of the ESP that comes by either device it takes one in
 * ten, at random, and sends one forged packet after it by the other: SPI and addresses
 * are those of a living SA. Until SIGTERM; then it says what it has sent.
 *
 * flood makes packets of all kinds of those that tcpdump has recorded, and sends them
 * as fast as it can. inject sends recorded ones as they were: of esp, udp (ESP in UDP)
 * or ah, by IPv4 or of esp6.
 *
 * All are handed to the device, past queues, so that netem's counters are about what
 * the hosts have sent. Each kind ends in a counter of the receiver's, which is known
 * before: "kind N NAME COUNTER...".
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define FRAME_MAX	2048
#define IP		14	/* octets of an Ethernet header */
#define UDP		8
#define BATCH		64

/* A frame, and where in it are IP's payload and ESP or AH. */
struct frame {
	size_t len;
	uint8_t proto;		/* IP's */
	bool six;
	size_t payload;		/* behind the IP header */
	size_t spi, seq;
	double time;
	uint8_t data[FRAME_MAX];
};

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static uint32_t dice(void)
{
	static uint64_t state = 88172645463325252;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state >> 16;
}

static void duplicate(struct frame *to, const struct frame *from)
{
	memcpy(to, from, offsetof(struct frame, data) + from->len);
}

static uint32_t get32(const struct frame *frame, size_t at)
{
	uint32_t word;

	memcpy(&word, frame->data + at, 4);
	return ntohl(word);
}

static void put32(struct frame *frame, size_t at, uint32_t value)
{
	value = htonl(value);
	memcpy(frame->data + at, &value, 4);
}

static void put16(struct frame *frame, size_t at, uint16_t value)
{
	frame->data[at] = value >> 8;
	frame->data[at + 1] = value;
}

/* Say where everything is, if it is ESP, AH, or something in UDP. */
static bool parse(struct frame *frame)
{
	const uint8_t *d = frame->data;

	frame->six = d[12] == 0x86 && d[13] == 0xdd;
	if (!frame->six && (d[12] != 8 || d[13] != 0))
		return false;
	frame->proto = d[IP + (frame->six ? 6 : 9)];
	frame->payload = IP + (frame->six ? 40 : (d[IP] & 15) * 4);
	frame->spi = frame->payload;
	if (frame->proto == IPPROTO_AH)
		frame->spi += 4;
	else if (frame->proto == IPPROTO_UDP)
		frame->spi += UDP;
	else if (frame->proto != IPPROTO_ESP)
		return false;
	frame->seq = frame->spi + 4;
	return frame->len >= frame->seq + 4;
}

/* The lengths and checksums of the headers are right: they are not the point. */
static void mend(struct frame *frame)
{
	uint32_t sum = 0;

	if (frame->proto == IPPROTO_UDP && frame->len >= frame->payload + UDP)
		put16(frame, frame->payload + 4, frame->len - frame->payload);
	if (frame->six) {
		put16(frame, IP + 4, frame->len - frame->payload);
		return;
	}
	put16(frame, IP + 2, frame->len - IP);
	put16(frame, IP + 10, 0);
	for (size_t i = IP; i < frame->payload; i += 2)
		sum += frame->data[i] << 8 | frame->data[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	put16(frame, IP + 10, ~(sum + (sum >> 16)));
}

static void cut(struct frame *frame, size_t octets)
{
	frame->len = frame->payload + octets;
	mend(frame);
}

static void spoil_icv(struct frame *frame)
{
	frame->data[frame->len - 1 - dice() % 8] ^= 1 << dice() % 8;
}

static void spoil_body(struct frame *frame)
{
	size_t body = frame->seq + 4;

	frame->data[body + dice() % (frame->len - body)] ^= 1 << dice() % 8;
}

static int packet_socket(const char *device, int protocol)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET, .sll_protocol = htons(protocol),
		.sll_ifindex = if_nametoindex(device),
	};
	int fd = socket(AF_PACKET, SOCK_RAW, 0), on = 1, room = 4 << 20;

	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)))
		die("packet socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	if (bind(fd, (struct sockaddr *)&to, sizeof(to)))
		die(device);
	return fd;
}

/* Out of ten packets of others that come in, one, at random. */
static void take_a_tenth(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_PKTTYPE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 4, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_RANDOM),
		BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 10),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, FRAME_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(*code), .filter = code };

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)))
		die("filter");
}

/*
 * path
 *
 * A copy of what was captured is sent again when it is older than netem delays
 * anything, and younger than the overlap of two SAs. What waited for too long to be
 * read is not used at all: its SA may be gone.
 */
#define REPLAY_AGE_MIN	0.5	/* seconds */
#define REPLAY_AGE_MAX	1.5
#define STALE		1.0
#define RING		256

enum path_kind { ICV_SAME, ICV_AHEAD, ICV_FAR, BODY, CUT, REPLAY, PATH_KINDS };

static const char * const path_kinds[PATH_KINDS] = {
	[ICV_SAME]	= "its own number, ICV spoiled: in_icv|in_replay",
	[ICV_AHEAD]	= "a number ahead, ICV spoiled: in_icv",
	[ICV_FAR]	= "a number at the end of all, ICV spoiled: in_icv",
	[BODY]		= "a number ahead, body spoiled: in_icv",
	[CUT]		= "cut short: in_length",
	[REPLAY]	= "a copy of an older one: in_replay",
};

struct way {
	int from, to;
	struct frame ring[RING];
	unsigned int last;	/* where the newest is */
	unsigned int turn;
	unsigned long sent[PATH_KINDS], stale, failed;
};

static struct way ways[2];
static volatile sig_atomic_t stop;

static void on_term(int sig)
{
	(void)sig;
	stop = 1;
}

static double now(void)
{
	struct timeval tv;

	gettimeofday(&tv, NULL);
	return tv.tv_sec + tv.tv_usec / 1e6;
}

/* One that netem has let go by already, and whose SA still lives. */
static bool pick_old(const struct way *way, struct frame *frame)
{
	for (unsigned int i = 0; i < RING; i++) {
		const struct frame *old = &way->ring[(way->last + RING - i) % RING];
		double age = now() - old->time;

		if (!old->len || age > REPLAY_AGE_MAX)
			return false;
		if (age < REPLAY_AGE_MIN)
			continue;
		duplicate(frame, old);
		return true;
	}
	return false;
}

static bool forge(struct way *way, enum path_kind kind, struct frame *frame)
{
	switch (kind) {
	case ICV_SAME:
		spoil_icv(frame);
		return true;
	case ICV_AHEAD:
		put32(frame, frame->seq, get32(frame, frame->seq) + 100000 + dice() % 100000);
		spoil_icv(frame);
		return true;
	case ICV_FAR:
		put32(frame, frame->seq, 0xffffffff - dice() % 1000);
		spoil_icv(frame);
		return true;
	case BODY:
		put32(frame, frame->seq, get32(frame, frame->seq) + 100000 + dice() % 100000);
		spoil_body(frame);
		return true;
	case CUT:
		cut(frame, 8 + dice() % 28);
		return true;
	default:
		return pick_old(way, frame);
	}
}

static void answer(struct way *way)
{
	struct frame frame;
	ssize_t len = recv(way->from, frame.data, FRAME_MAX, 0);
	struct timeval tv = {};
	enum path_kind kind;

	if (len <= 0)
		return;
	ioctl(way->from, SIOCGSTAMP, &tv);
	frame.len = len;
	frame.time = tv.tv_sec + tv.tv_usec / 1e6;
	if (!parse(&frame) || frame.proto != IPPROTO_ESP)
		return;
	if (now() - frame.time > STALE) {
		way->stale++;
		return;
	}
	way->last = (way->last + 1) % RING;
	duplicate(&way->ring[way->last], &frame);
	kind = way->turn++ % PATH_KINDS;
	if (!forge(way, kind, &frame))
		return;
	if (send(way->to, frame.data, frame.len, 0) == (ssize_t)frame.len)
		way->sent[kind]++;
	else
		way->failed++;
}

static int path(char **device)
{
	struct pollfd fds[2];

	signal(SIGTERM, on_term);
	for (int i = 0; i < 2; i++) {
		ways[i].from = packet_socket(device[i], ETH_P_ALL);
		ways[i].to = packet_socket(device[!i], 0);
		take_a_tenth(ways[i].from);
		fds[i] = (struct pollfd){ .fd = ways[i].from, .events = POLLIN };
	}
	puts("ready");
	fflush(stdout);
	while (!stop) {
		if (poll(fds, 2, 1000) <= 0)
			continue;
		for (int i = 0; i < 2; i++)
			if (fds[i].revents)
				answer(&ways[i]);
	}
	for (int i = 0; i < 2; i++) {
		for (int k = 0; k < PATH_KINDS; k++)
			printf("from %s %lu %s\n", device[i], ways[i].sent[k], path_kinds[k]);
		printf("from %s stale %lu failed %lu\n", device[i], ways[i].stale,
		       ways[i].failed);
	}
	return 0;
}

/*
 * flood
 *
 * forged.sh has had 80 packets sent by each SA, of which numbers 16, 17 and 30 were
 * lost on the way: the window of 64 begins at 17.
 */
#define TOP	80
#define HELD	30
#define BELOW	(1 + dice() % 15)
#define AHEAD	(TOP + 1 + dice() % 0x7fffff00)
#define SEEN	(TOP - dice() % 40)

enum base { ESP4, ESP6, IN_UDP, AH4, BASES };

static const char * const base_names[BASES] = { "esp", "esp6", "udp", "ah" };

/* By what they are, and their numbers. */
static struct frame recorded[BASES][TOP + 1];

static enum base base_of(const struct frame *frame)
{
	return frame->proto == IPPROTO_AH ? AH4 : frame->proto == IPPROTO_UDP ? IN_UDP :
	       frame->six ? ESP6 : ESP4;
}

static void read_pcap(const char *path)
{
	struct { uint32_t sec, usec, len, orig; } head;
	FILE *file = fopen(path, "r");
	struct frame frame;

	if (!file || fseek(file, 24, SEEK_SET))
		die(path);
	while (fread(&head, sizeof(head), 1, file) == 1 && head.len <= FRAME_MAX) {
		frame.len = head.len;
		if (fread(frame.data, head.len, 1, file) != 1)
			break;
		if (parse(&frame) && get32(&frame, frame.seq) <= TOP)
			duplicate(&recorded[base_of(&frame)][get32(&frame, frame.seq)], &frame);
	}
	fclose(file);
}

static const struct frame *find(enum base base, uint32_t seq)
{
	if (seq <= TOP && recorded[base][seq].len)
		return &recorded[base][seq];
	fprintf(stderr, "%s %u was not recorded\n", base_names[base], seq);
	exit(2);
}

static void number(struct frame *frame, uint32_t seq)
{
	put32(frame, frame->seq, seq);
	spoil_icv(frame);
}

static void held(struct frame *f) { number(f, HELD); }
static void edge(struct frame *f) { number(f, 17); }
static void ahead(struct frame *f) { number(f, AHEAD); }
static void far(struct frame *f) { number(f, 0xffffffff - dice() % 1000); }
static void below(struct frame *f) { number(f, BELOW); }
static void zero(struct frame *f) { number(f, 0); }
static void copy(struct frame *f) { duplicate(f, find(base_of(f), SEEN)); }
static void body(struct frame *f) { put32(f, f->seq, AHEAD); spoil_body(f); }
static void spi(struct frame *f) { put32(f, f->spi, 0x70000000 + dice() % 0x1000000); }
static void reserved(struct frame *f) { put32(f, f->spi, 1 + dice() % 255); }
static void cut_off(struct frame *f) { cut(f, f->spi - f->payload + 8 + dice() % 24); }
/* Not even an SPI and a number. */
static void stump(struct frame *f) { cut(f, dice() % (f->seq + 4 - f->payload)); }
static void odd(struct frame *f) { cut(f, f->len - f->payload - 1 - dice() % 3); }

static void other_host(struct frame *f)
{
	f->data[f->six ? IP + 23 : IP + 15] = 200;
	held(f);
	mend(f);
}

static void as_protocol(struct frame *f, uint8_t proto)
{
	f->data[IP + (f->six ? 6 : 9)] = proto;
	mend(f);
}

static void as_ah(struct frame *f) { as_protocol(f, IPPROTO_AH); }
static void as_esp(struct frame *f) { as_protocol(f, IPPROTO_ESP); }

static void into_udp(struct frame *f)
{
	memmove(f->data + f->payload + UDP, f->data + f->payload, f->len - f->payload);
	f->len += UDP;
	put16(f, f->payload, 4500);
	put16(f, f->payload + 2, 4500);
	put16(f, f->payload + 6, 0);
	f->proto = IPPROTO_UDP;
	as_protocol(f, IPPROTO_UDP);
}

static void out_of_udp(struct frame *f)
{
	memmove(f->data + f->payload, f->data + f->payload + UDP, f->len - f->payload - UDP);
	f->len -= UDP;
	f->proto = IPPROTO_ESP;
	as_protocol(f, IPPROTO_ESP);
}

static void other_port(struct frame *f)
{
	put16(f, f->payload, 1024 + dice() % 60000);
	held(f);
}

static void other_mapping(struct frame *f)
{
	other_port(f);
	other_host(f);
}

static void keepalive(struct frame *f)
{
	f->data[f->spi] = 0xff;
	cut(f, UDP + 1);
}

static void ike(struct frame *f) { put32(f, f->spi, 0); }
static void no_room(struct frame *f) { cut(f, UDP + 2 + dice() % 7); }
static void udp_cut(struct frame *f) { cut(f, UDP + 9 + dice() % 27); }
static void ah_len(struct frame *f) { f->data[f->payload + 1] ^= 1 << dice() % 8; }
static void ah_cut(struct frame *f) { cut(f, 12 + dice() % 8); }
static void ah_stump(struct frame *f) { cut(f, dice() % 12); }

static const struct kind {
	enum base base;
	const char *name;
	void (*make)(struct frame *frame);
	const char *counters;
} kinds[] = {
	{ ESP4, "a free number in the window", held, "in_icv" },
	{ ESP4, "the oldest of the window", edge, "in_icv" },
	{ ESP4, "ahead of the window", ahead, "in_icv" },
	{ ESP4, "at the end of all numbers", far, "in_icv" },
	{ ESP4, "ahead, its body spoiled", body, "in_icv" },
	{ ESP4, "from another host", other_host, "in_icv" },
	{ ESP4, "below the window", below, "in_replay" },
	{ ESP4, "number 0", zero, "in_replay" },
	{ ESP4, "a copy", copy, "in_replay" },
	{ ESP4, "an SPI that nobody has", spi, "in_no_sa in_clear" },
	{ ESP4, "a reserved SPI", reserved, "in_no_sa in_clear" },
	{ ESP4, "cut off", cut_off, "in_length" },
	{ ESP4, "no whole units", odd, "in_length" },
	{ ESP4, "a stump", stump, "in_no_sa in_clear" },
	{ ESP4, "as AH", as_ah, "in_no_sa in_clear" },
	{ ESP4, "in UDP, by an SA without", into_udp, "in_encap" },
	{ ESP6, "a free number in the window", held, "in_icv" },
	{ ESP6, "the oldest of the window", edge, "in_icv" },
	{ ESP6, "ahead of the window", ahead, "in_icv" },
	{ ESP6, "below, so of the next round", below, "in_icv" },
	{ ESP6, "ahead, its body spoiled", body, "in_icv" },
	{ ESP6, "from another host", other_host, "in_icv" },
	{ ESP6, "a copy", copy, "in_replay" },
	{ ESP6, "an SPI that nobody has", spi, "in_no_sa in_clear" },
	{ ESP6, "cut off", cut_off, "in_length" },
	{ ESP6, "no whole units", odd, "in_length" },
	{ ESP6, "a stump", stump, "in_no_sa in_clear" },
	{ ESP6, "as AH", as_ah, "in_no_sa in_clear" },
	{ IN_UDP, "a free number in the window", held, "in_icv" },
	{ IN_UDP, "from another port", other_port, "in_icv" },
	{ IN_UDP, "from another host", other_host, "in_icv" },
	{ IN_UDP, "from another host and port", other_mapping, "in_icv" },
	{ IN_UDP, "ahead of the window", ahead, "in_icv" },
	{ IN_UDP, "below the window", below, "in_replay" },
	{ IN_UDP, "a copy", copy, "in_replay" },
	{ IN_UDP, "an SPI that nobody has", spi, "in_clear" },
	{ IN_UDP, "as IKE", ike, "in_clear" },
	{ IN_UDP, "no room for ESP", no_room, "in_clear" },
	{ IN_UDP, "cut off", udp_cut, "in_length" },
	{ IN_UDP, "without its UDP", out_of_udp, "in_encap" },
	{ IN_UDP, "a keepalive", keepalive, "in_keepalive" },
	{ AH4, "a free number in the window", held, "in_icv" },
	{ AH4, "the oldest of the window", edge, "in_icv" },
	{ AH4, "ahead of the window", ahead, "in_icv" },
	{ AH4, "ahead, its body spoiled", body, "in_icv" },
	{ AH4, "from another host", other_host, "in_icv" },
	{ AH4, "below the window", below, "in_replay" },
	{ AH4, "a copy", copy, "in_replay" },
	{ AH4, "an SPI that nobody has", spi, "in_no_sa in_clear" },
	{ AH4, "its length is wrong", ah_len, "in_length" },
	{ AH4, "cut off", ah_cut, "in_length" },
	{ AH4, "a stump", ah_stump, "in_no_sa in_clear" },
	{ AH4, "as ESP", as_esp, "in_no_sa in_clear" },
};

#define KINDS	(sizeof(kinds) / sizeof(*kinds))

static void make(struct frame *frame, const struct kind *kind)
{
	duplicate(frame, find(kind->base, TOP));
	kind->make(frame);
}

/* All of them leave, however often the device has no room. */
static void send_all(int fd, struct mmsghdr *msgs, unsigned int n)
{
	while (n) {
		int sent = sendmmsg(fd, msgs, n, 0);

		if (sent < 0 && errno != ENOBUFS && errno != EAGAIN)
			die("sendmmsg");
		if (sent > 0) {
			msgs += sent;
			n -= sent;
		}
	}
}

static int flood(const char *device, unsigned long packets)
{
	static struct frame frames[BATCH];
	struct mmsghdr msgs[BATCH] = {};
	struct iovec iov[BATCH];
	unsigned long sent[KINDS] = {};
	int fd = packet_socket(device, 0);
	double began = now(), told = began;

	for (unsigned long i = 0; i < packets;) {
		unsigned int n = 0;

		for (; n < BATCH && i < packets; n++, i++) {
			make(&frames[n], &kinds[i % KINDS]);
			sent[i % KINDS]++;
			iov[n] = (struct iovec){ frames[n].data, frames[n].len };
			msgs[n].msg_hdr = (struct msghdr){ .msg_iov = &iov[n], .msg_iovlen = 1 };
		}
		send_all(fd, msgs, n);
		if (now() >= told + 30) {
			told += 30;
			printf("# %.0f s: %lu forged\n", now() - began, i);
			fflush(stdout);
		}
	}
	for (unsigned int k = 0; k < KINDS; k++)
		printf("kind %lu %s: %s; %s\n", sent[k], base_names[kinds[k].base],
		       kinds[k].name, kinds[k].counters);
	return 0;
}

static int inject(const char *device, const char *name, char **numbers)
{
	int fd = packet_socket(device, 0);
	enum base base = 0;

	while (strcmp(base_names[base], name))
		if (++base == BASES)
			return 2;
	for (; *numbers; numbers++) {
		const struct frame *frame = find(base, atoi(*numbers));

		if (send(fd, frame->data, frame->len, 0) < 0)
			die("send");
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";

	if (argc == 4 && !strcmp(command, "path"))
		return path(argv + 2);
	if (argc == 5 && !strcmp(command, "flood")) {
		read_pcap(argv[3]);
		return flood(argv[2], strtoul(argv[4], NULL, 10));
	}
	if (argc > 5 && !strcmp(command, "inject")) {
		read_pcap(argv[3]);
		return inject(argv[2], argv[4], argv + 5);
	}
	fprintf(stderr, "usage: forger path|flood|inject ...\n");
	return 2;
}
