/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * guest.h - what the fuzzers in the sanitized kernel have in common
 *
 * An input is a program: each octet that is read says what comes next, and any octets
 * are a program. So libFuzzer's mutations all mean something.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <arpa/inet.h>
#include <netinet/in.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

struct input {
	const u8 *at;
	size_t left;
};

/* Behind its end an input goes on with zeroes. */
static inline u8 octet(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->at++;
}

static inline u16 pair(struct input *in)
{
	u16 high = octet(in);

	return high << 8 | octet(in);
}

/* A new network namespace has been entered: what each fuzzer makes there. */
void fuzz_setup(void);
/* And undoes, so that the namespace can go. */
void fuzz_clear(void);
/* One input; what the kernel does in this task meanwhile is seen. */
void fuzz_run(struct input *in);
/* What is not worth to be seen. */
void fuzz_tidy(void);

/* How many inputs share a namespace. */
extern const unsigned int fuzz_share;

void must(bool is, const char *what);
/* Make the device that packets come by, and give it addresses. Returns its file. */
int guest_device(void);
void guest_drain(int fd);

#endif
