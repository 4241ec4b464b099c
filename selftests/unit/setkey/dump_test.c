// SPDX-License-Identifier: GPL-2.0-only
/*
 * The printers of setkey, fed with PF_KEY messages written as hexadecimal.
 *
 * dump_test [-ajlpN] [-z ROUNDS] < FILE.hex: prints what -D or -DP would, at a
 * fixed time of day. With -z, damages each message ROUNDS times and prints
 * it, for a sanitizer to watch: a kernel may be newer, or broken, but a
 * printer must not read what is not there.
 */
#include <err.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "setkey.h"

#define NOW	1700000100	/* Nov 14 22:15:00 2023 UTC */

struct options opt;
int yylineno;

/* The dump shows the present: take it from here, not from libc. */
time_t time(time_t *t)
{
	if (t)
		*t = NOW;
	return NOW;
}

static void say(const char *fmt, va_list args)
{
	fputs("dump_test: ", stdout);
	vprintf(fmt, args);
	putchar('\n');
}

void warn_at(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(fmt, args);
	va_end(args);
}

void fail_at(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(fmt, args);
	va_end(args);
}

void refuse(const char *what, const char *token, const char *fmt, ...)
{
	(void)fmt;
	errx(1, "%s at %s", what, token ? token : "nothing");
}

bool pfkey_supports(const struct alg *alg, uint16_t *min, uint16_t *max)
{
	(void)alg;
	(void)min;
	(void)max;
	return true;
}

/* Hexadecimal words up to a `#' or the end of the line. */
static size_t read_hex(uint8_t *buf, size_t size)
{
	char line[512];
	size_t n = 0;

	while (fgets(line, sizeof(line), stdin)) {
		char *p = line;

		line[strcspn(line, "#\n")] = '\0';
		while (p += strspn(p, " \t"), *p) {
			if (n == size || sscanf(p, "%2hhx", &buf[n++]) != 1)
				errx(1, "bad line: %s", line);
			p += 2;
		}
	}
	return n;
}

static void print(const struct sadb_msg *hdr, size_t len)
{
	const char *wrong;
	struct exts x;

	wrong = msg_index(hdr, len, &x);
	if (wrong)
		printf("malformed: %s\n", wrong);
	else if (hdr->sadb_msg_type == SADB_X_SPDDUMP)
		(opt.json ? json_policy : dump_policy)(hdr, &x);
	else
		(opt.json ? json_sa : opt.brief ? dump_brief : dump_sa)(hdr, &x);
}

/* The copy is as large as the damaged message, so that ASan sees its end. */
static void damage(const struct sadb_msg *hdr, size_t len)
{
	size_t cut = random() % 4 ? len : 16 + random() % (len - 15);
	uint8_t *copy = malloc(cut);
	struct sadb_msg *msg = (void *)copy;

	if (!copy)
		err(1, "malloc");
	memcpy(copy, hdr, cut);
	for (long n = random() % 8; n >= 0; n--)
		copy[random() % cut] = random() % 2 ? random() : random() % 9;
	if (random() % 8)
		msg->sadb_msg_len = cut / 8;
	show_message(msg, cut);
	print(msg, cut);
	free(copy);
}

int main(int argc, char **argv)
{
	static _Alignas(8) uint8_t buf[1 << 16];
	size_t at = 0, end;
	long rounds = 0;
	int c;

	while ((c = getopt(argc, argv, "ajlpNz:")) != -1) {
		opt.dead |= c == 'a';
		opt.json |= c == 'j';
		opt.brief |= c == 'l';
		opt.ports |= c == 'p';
		opt.no_socket_policies |= c == 'N';
		if (c == 'z')
			rounds = atol(optarg);
	}
	end = read_hex(buf, sizeof(buf));
	if (opt.json)
		json_begin();
	if (opt.brief)
		dump_brief_head();
	while (end - at >= sizeof(struct sadb_msg)) {
		const struct sadb_msg *hdr = (const void *)(buf + at);
		size_t len = msg_len(hdr);

		if (len < sizeof(*hdr) || len > end - at)
			errx(1, "message at byte %zu is cut short", at);
		if (!rounds)
			print(hdr, len);
		for (long i = 0; i < rounds; i++)
			damage(hdr, len);
		at += len;
	}
	if (opt.json)
		json_end();
	return at != end;
}
