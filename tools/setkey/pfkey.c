// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PF_KEY socket: ask, and await the answer among whatever else arrives.
 *
 * Requests carry sequence number 0, so the answer to one, and the last message
 * of a dump, is the one of our pid and type with sequence 0 (or an errno).
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "setkey.h"

#define RCVBUF		(8 << 20)	/* bytes; others' events queue here too */
#define PATIENCE	5000		/* ms of silence, then give up */
#define PROMISC_ON	1		/* in the satype of SADB_X_PROMISC */

static int sock = -1;
static bool answered = true;	/* the latest request, to the end */

/* sadb_msg_len has 16 bits: no message is longer than this. */
static union {
	struct sadb_msg hdr;
	uint64_t words[UINT16_MAX + 1];
} in;

void pfkey_open(void)
{
	int size = RCVBUF;

	sock = socket(PF_KEY, SOCK_RAW | SOCK_CLOEXEC, PF_KEY_V2);
	if (sock < 0) {
		fprintf(stderr, "setkey: socket(PF_KEY): %s%s\n",
			strerror(errno),
			errno == EPERM || errno == EACCES ?
			": needs root (CAP_NET_ADMIN)" :
			errno == EAFNOSUPPORT ?
			": no PF_KEY in this kernel: modprobe esplanade" : "");
		exit(1);
	}
	if (setsockopt(sock, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(sock, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * (int64_t)1000 + t.tv_nsec / 1000000;
}

/* Length of the message now in @in, or -errno. */
static ssize_t receive_now(void)
{
	ssize_t len = recv(sock, &in, sizeof(in), MSG_DONTWAIT);

	return len < 0 ? -errno : len;
}

/* The same, and waits until @deadline: mostly the answer is there already. */
static ssize_t receive(int64_t deadline)
{
	struct pollfd fd = { .fd = sock, .events = POLLIN };
	int64_t left = deadline - now_ms();
	ssize_t len;

	if (left <= 0)
		return -ETIMEDOUT;
	len = receive_now();
	if (len != -EAGAIN)
		return len;
	return poll(&fd, 1, left) ? receive_now() : -ETIMEDOUT;
}

/* Answers that came too late for an earlier request must not serve this one. */
static void drain(void)
{
	if (answered)
		return;
	while (recv(sock, &in, sizeof(in), MSG_DONTWAIT) >= 0 ||
	       errno == ENOBUFS || errno == EINTR)
		;
}

static bool is_answer(const struct sadb_msg *req, ssize_t len)
{
	return len >= (ssize_t)sizeof(in.hdr) &&
	       in.hdr.sadb_msg_version == PF_KEY_V2 &&
	       in.hdr.sadb_msg_type == req->sadb_msg_type &&
	       in.hdr.sadb_msg_pid == req->sadb_msg_pid;
}

/* One message of the answer; returns its errno. */
static int answer(ssize_t len, reply_fn *fn, void *arg)
{
	const char *wrong;
	struct exts x;

	if (opt.verbose)
		show_message(&in.hdr, len);
	if (in.hdr.sadb_msg_errno)
		return in.hdr.sadb_msg_errno;
	wrong = msg_index(&in.hdr, len, &x);
	if (wrong) {
		warn_at("a message from the kernel is malformed: %s", wrong);
		return EBADMSG;
	}
	if (fn)
		fn(&in.hdr, &x, arg);
	return 0;
}

/*
 * ENOBUFS says that some message was lost, not that ours was: go on, and
 * remember, since what was lost may have been a part of our dump.
 */
static int await(const struct sadb_msg *req, reply_fn *fn, void *arg)
{
	int64_t deadline = now_ms() + PATIENCE;
	int lost = 0;

	for (;;) {
		ssize_t len = receive(deadline);
		int err;

		if (len == -ENOBUFS)
			lost = ENOBUFS;
		else if (len == -ETIMEDOUT && lost)
			return lost;
		else if (len < 0 && len != -EINTR && len != -EAGAIN)
			return -len;
		if (len < 0 || !is_answer(req, len))
			continue;
		err = answer(len, fn, arg);
		if (err || !in.hdr.sadb_msg_seq) {
			answered = err != EBADMSG;
			return err ? err : lost;
		}
		deadline = now_ms() + PATIENCE;
	}
}

/* Sends @m and hands each message of the answer to @fn. Returns an errno. */
int pfkey_call(const struct msg *m, reply_fn *fn, void *arg)
{
	size_t len = msg_len(&m->hdr);

	if (opt.verbose)
		show_message(&m->hdr, len);
	if (opt.parse_only)
		return 0;
	drain();
	answered = false;
	if (send(sock, m, len, 0) != (ssize_t)len)
		return errno;
	return await(&m->hdr, fn, arg);
}

/*
 * Sends several messages in one write. The answer is one header, of the last of them
 * or of the one that was refused: @seq says which. Returns an errno.
 */
int pfkey_call_all(const void *messages, size_t len, uint32_t *seq)
{
	const struct sadb_msg *first = messages;
	int64_t deadline;

	*seq = 0;
	drain();
	answered = false;
	if (send(sock, messages, len, 0) != (ssize_t)len)
		return errno;
	deadline = now_ms() + PATIENCE;	/* the work was done in send() */
	for (;;) {
		ssize_t got = receive(deadline);

		if (got == -ETIMEDOUT)
			return ETIMEDOUT;
		if (got < (ssize_t)sizeof(in.hdr) ||
		    in.hdr.sadb_msg_pid != first->sadb_msg_pid)
			continue;
		if (opt.verbose)
			show_message(&in.hdr, got);
		answered = true;
		*seq = in.hdr.sadb_msg_seq;
		return in.hdr.sadb_msg_errno;
	}
}

/* What SADB_REGISTER told: [0] encryption, [1] authentication, by number. */
static struct sadb_alg supported[2][UINT8_MAX + 1];

static void supported_add(const struct sadb_ext *ext, struct sadb_alg *table)
{
	const struct sadb_supported *s = (const void *)ext;
	const struct sadb_alg *alg = (const void *)(s + 1);
	size_t n;

	if (!s)
		return;
	n = (s->sadb_supported_len * 8 - sizeof(*s)) / sizeof(*alg);
	for (; n--; alg++)
		table[alg->sadb_alg_id] = *alg;
}

static void on_register(const struct sadb_msg *hdr, const struct exts *x,
			void *arg)
{
	(void)hdr;
	(void)arg;
	supported_add(x->ext[SADB_EXT_SUPPORTED_ENCRYPT], supported[0]);
	supported_add(x->ext[SADB_EXT_SUPPORTED_AUTH], supported[1]);
}

/* Narrows the key lengths to what the kernel takes; asks it once. */
bool pfkey_supports(const struct alg *alg, uint16_t *min, uint16_t *max)
{
	static bool asked;
	const struct sadb_alg *s;
	struct msg m;
	int err = 0;

	if (opt.parse_only)
		return true;
	if (!asked) {
		msg_start(&m, SADB_REGISTER, SADB_SATYPE_UNSPEC);
		err = pfkey_call(&m, on_register, NULL);
		asked = true;
	}
	if (err)
		refuse("cannot learn the kernel's algorithms", NULL, "%s",
		       strerror(err));
	s = &supported[alg->ext == SADB_EXT_KEY_AUTH][alg->id];
	if (s->sadb_alg_id != alg->id)
		return false;
	*min = s->sadb_alg_minbits;
	*max = s->sadb_alg_maxbits;
	return true;
}

static void show_time(void)
{
	struct timespec t;
	char text[16] = "";
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &t);
	if (opt.monitor > 1) {
		printf("%lld.%06ld\n", (long long)t.tv_sec, t.tv_nsec / 1000);
		return;
	}
	if (localtime_r(&t.tv_sec, &tm))
		strftime(text, sizeof(text), "%T", &tm);
	printf("%s.%06ld\n", text, t.tv_nsec / 1000);
}

/* A kernel may hand others' messages wrapped in one of type X_PROMISC. */
static void show_wrapped(size_t len)
{
	const struct sadb_msg *hdr = &in.hdr;

	if (hdr->sadb_msg_type == SADB_X_PROMISC && len >= 2 * sizeof(*hdr)) {
		hdr++;
		len -= sizeof(*hdr);
	}
	show_time();
	show_message(hdr, len);
	putchar('\n');
	flush_stdout();
}

void pfkey_monitor(void)
{
	struct msg m;
	ssize_t len;
	int err;

	msg_start(&m, SADB_X_PROMISC, PROMISC_ON);
	err = pfkey_call(&m, NULL, NULL);
	if (err) {
		fprintf(stderr, "setkey: monitor: %s\n", strerror(err));
		exit(1);
	}
	for (;;) {
		len = recv(sock, &in, sizeof(in), 0);
		if (len >= (ssize_t)sizeof(in.hdr))
			show_wrapped(len);
		else if (len < 0 && errno == ENOBUFS)
			fprintf(stderr, "setkey: messages were lost\n");
		else if (len < 0 && errno != EINTR)
			break;
	}
	fprintf(stderr, "setkey: monitor: %s\n", strerror(errno));
	exit(1);
}
