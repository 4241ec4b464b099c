// SPDX-License-Identifier: GPL-2.0-only
/*
 * replay.c - the anti-replay window: its edges by rows, the rest against a model
 *
 * Case 14 of the conformance list. Every number is asked of check and of commit:
 * they agree, check changes nothing, nor does a commit that refuses.
 */
#include "../../kmod/replay.c"
#include "unit.h"

static struct espl_replay *window(u32 size)
{
	struct espl_replay *replay = malloc(espl_replay_size(size));

	espl_replay_init(replay, size);
	return replay;
}

enum answer { END, YES, NO };

/* Numbers in the order they come, and whether each is taken. */
static const struct row {
	const char *name;
	u32 window;
	struct {
		u64 seq;
		enum answer taken;
	} packet[8];
} rows[] = {
	{ "0 is never a number, the first is 1", 32, {{ 0, NO }, { 1, YES }, { 1, NO }, { 0, NO }, { 2, YES }} },
	{ "the first need not be 1", 32, {{ 33, YES }, { 2, YES }, { 1, NO }, { 34, YES }, { 2, NO }} },
	{ "no window takes everything, again and again", 0, {{ 7, YES }, { 7, YES }, { 1, YES }, { 0, YES }} },
	{ "1: only what is newer", 1, {{ 5, YES }, { 5, NO }, { 4, NO }, { 6, YES }, { 5, NO }} },
	{ "32: the oldest in, the next out", 32, {{ 100, YES }, { 69, YES }, { 69, NO }, { 68, NO }} },
	{ "64: the oldest in, the next out", 64, {{ 200, YES }, { 137, YES }, { 137, NO }, { 136, NO }} },
	{ "65: a word and a bit", 65, {{ 200, YES }, { 136, YES }, { 136, NO }, { 135, NO }} },
	{ "1024: the oldest in, the next out", 1024, {{ 2000, YES }, { 977, YES }, { 977, NO }, { 976, NO }} },
	{ "4096: the oldest in, the next out", 4096, {{ 9000, YES }, { 4905, YES }, { 4905, NO }, { 4904, NO }} },
	{ "eight copies are one packet", 64, {{ 9, YES }, { 9, NO }, { 9, NO }, { 9, NO }, { 9, NO }, { 9, NO }, { 9, NO }, { 9, NO }} },
	{ "a window moves by one", 64, {{ 64, YES }, { 1, YES }, { 65, YES }, { 1, NO }, { 2, YES }} },
	{ "what is within the window stays known", 64, {{ 100, YES }, { 130, YES }, { 100, NO }, { 67, YES }, { 66, NO }} },
	/* The ring of 64 has 128 bits: 10 and 138 share one. */
	{ "a jump by the ring's size", 64, {{ 10, YES }, { 138, YES }, { 138, NO }, { 137, YES }, { 75, YES }, { 74, NO }} },
	{ "a jump by a bit less", 64, {{ 10, YES }, { 137, YES }, { 136, YES }, { 74, YES }, { 73, NO }} },
	{ "a jump over many rings", 64, {{ 1, YES }, { 1025, YES }, { 1024, YES }, { 1, NO }, { 962, YES }, { 961, NO }} },
	{ "a jump over 32 bits", 64, {{ 1, YES }, { 1ull << 40, YES }, { (1ull << 40) - 63, YES }, { 1, NO }} },
	{ "the last number of 32 bits", 64, {{ 0xffffffff, YES }, { 0xffffffff, NO }, { 0xffffffc0, YES }, { 0xffffffbf, NO }} },
	{ "across the edge of 32 bits", 64, {{ 0x100000005, YES }, { 0xfffffffd, YES }, { 0xfffffffd, NO }, { 0xffffffc5, NO }} },
	{ "the last number of all", 64, {{ ~0ull, YES }, { ~0ull, NO }, { ~0ull - 63, YES }, { ~0ull - 64, NO }} },
};

/* What check and commit say, if they agree and change nothing but by taking it. */
static enum answer offer(struct espl_replay *replay, u64 seq)
{
	size_t size = espl_replay_size(replay->window);
	struct espl_replay *before = malloc(size);
	bool would, taken, same;

	memcpy(before, replay, size);
	would = espl_replay_check(replay, seq);
	same = !memcmp(before, replay, size);
	taken = espl_replay_commit(replay, seq);
	same = same && (taken || !memcmp(before, replay, size));
	free(before);
	return same && would == taken ? taken ? YES : NO : END;
}

static void by_rows(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		struct espl_replay *replay = window(row->window);
		size_t k, packets = 0;

		while (packets < ARRAY_SIZE(row->packet) && row->packet[packets].taken)
			packets++;
		for (k = 0; k < packets; k++)
			if (offer(replay, row->packet[k].seq) != row->packet[k].taken)
				break;
		check(k == packets, "%s: %zu of %zu", row->name, k, packets);
		free(replay);
	}
}

/* A forger's number is checked, but its ICV is bad: it is never committed. */
static void forged(void)
{
	struct espl_replay *replay = window(64);
	int wrong = 0;

	for (u64 seq = 1; seq <= 233; seq++)
		wrong += offer(replay, seq) != YES;
	for (u64 far = 1; far; far *= 2)
		espl_replay_check(replay, 233 + far);
	wrong += replay->top != 233 || offer(replay, 234) != YES || offer(replay, 200) != NO;
	check(!wrong, "forgeries far ahead do not move the window");
	free(replay);
}

/* RFC 4303 appendix A2.2, its cases and the edges of the number space. */
static const struct {
	const char *name;
	u32 window;
	u64 top;
	u32 low;
	u64 is;
} guesses[] = {
	{ "the first packet", 64, 0, 1, 1 },
	{ "before the first, nothing", 64, 0, 0xffffffff, 0xffffffff },
	{ "near the start, nothing below", 64, 5, 0xffffffff, 0xffffffff },
	{ "A: newer", 64, 0x100001000, 0x1001, 0x100001001 },
	{ "A: the oldest in the window", 64, 0x100001000, 0xfc1, 0x100000fc1 },
	{ "A: older is a round ahead", 64, 0x100001000, 0xfc0, 0x200000fc0 },
	{ "A: the window begins with the round", 64, 0x10000003f, 0, 0x100000000 },
	{ "A: and before that is a round ahead", 64, 0x10000003f, 0xffffffff, 0x1ffffffff },
	{ "B: of the round before", 64, 0x100000005, 0xfffffffd, 0xfffffffd },
	{ "B: the oldest of it", 64, 0x100000005, 0xffffffc6, 0xffffffc6 },
	{ "B: older than that is far ahead", 64, 0x100000005, 0xffffffc5, 0x1ffffffc5 },
	{ "B: of this round", 64, 0x100000005, 3, 0x100000003 },
	{ "B: newer", 64, 0x100000005, 0x999, 0x100000999 },
	{ "over the edge", 64, 0xffffffff, 0, 0x100000000 },
	{ "far over the edge", 64, 0xfffffff0, 0x7fffffff, 0x17fffffff },
	{ "4096 over the edge", 4096, 0x300000001, 0xfffff002, 0x2fffff002 },
	{ "no window: late ones are known", 0, 0x100000005, 0xfffffffd, 0xfffffffd },
	{ "the last round: it does not begin anew", 64, ~0ull - 1, 0xffffffff, ~0ull },
};

static void extend(void)
{
	int wrong = 0;

	for (size_t i = 0; i < ARRAY_SIZE(guesses); i++) {
		struct espl_replay *replay = window(guesses[i].window);
		u64 got;

		replay->top = guesses[i].top;
		got = espl_replay_extend(replay, guesses[i].low);
		check(got == guesses[i].is, "64 bits of 32: %s: %#llx", guesses[i].name,
		      (unsigned long long)got);
		free(replay);
	}
	/* Whatever is in the window, or less than 2^32 ahead of it, is found. */
	for (int i = 0; i < 1000000; i++) {
		u64 top = ((u64)dice(4) << 32) + (dice(2) ? dice(200) : -dice(200));
		struct { struct espl_replay replay; u64 bitmap[2]; } r;
		u64 seq;

		espl_replay_init(&r.replay, 64);
		r.replay.top = top;
		seq = dice(2) ? top + dice(1u << 31) : top > 63 ? top - dice(64) : top;
		wrong += espl_replay_extend(&r.replay, seq) != seq;
	}
	check(!wrong, "64 bits of 32: %d guesses were wrong", wrong);
}

#define SPAN	20000

/* Every number ever accepted is remembered; the rest is arithmetic. */
static void by_model(u32 size, u64 base)
{
	static unsigned char seen[SPAN];
	struct espl_replay *replay = NULL;
	u64 top = base;
	int wrong = 0;

	for (int i = 0; i < 100000; i++) {
		u32 back = dice(2 * size + 10), ahead = dice(40) ? 2 : 3 * size;
		u64 seq = dice(3) ? top + dice(ahead) :
				    top - (back < top - base ? back : top - base);
		bool want;

		if (!replay || seq - base >= SPAN) {	/* begin (again) */
			free(replay);
			replay = window(size);
			memset(seen, 0, sizeof(seen));
			top = base;
			espl_replay_commit(replay, base);
			seen[0] = base != 0;
			continue;
		}
		want = seq && !seen[seq - base] && (seq > top || top - seq < size);
		wrong += espl_replay_check(replay, seq) != want;
		wrong += espl_replay_commit(replay, seq) != want;
		if (want) {
			seen[seq - base] = 1;
			top = seq > top ? seq : top;
		}
		wrong += replay->top != top;
	}
	check(!wrong, "window %u from %#llx agrees with a plain set, %d times not",
	      size, (unsigned long long)base, wrong);
	free(replay);
}

/* A window of another size knows of each number what this one knew. */
static void inherited(u32 size, u32 new_size)
{
	int wrong = 0;

	for (int round = 0; round < 300; round++) {
		struct espl_replay *old = window(size), *replay = window(new_size);
		u64 seq = dice(2) ? 1 : (1ull << 32) - dice(2000);

		for (int i = 0; i < 200; i++) {
			espl_replay_commit(old, seq - dice(seq < size ? seq : size));
			seq += dice(3);
		}
		espl_replay_inherit(replay, old);
		wrong += replay->top != old->top;
		for (u64 i = old->top > 5000 ? old->top - 5000 : 0; i < old->top + 5000; i++) {
			bool within = i > old->top || old->top - i < new_size;

			wrong += espl_replay_check(replay, i) !=
				 (within && espl_replay_check(old, i));
		}
		free(old);
		free(replay);
	}
	check(!wrong, "a window of %u that follows one of %u knows the same, %d times not",
	      new_size, size, wrong);
}

int main(void)
{
	static const u32 sizes[] = { 1, 2, 31, 32, 63, 64, 65, 128, 1000, 1024, 4096 };

	by_rows();
	forged();
	extend();
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		by_model(sizes[i], 0);
		by_model(sizes[i], (1ull << 32) - SPAN / 2);
	}
	inherited(64, 32);
	inherited(64, 4096);
	inherited(200, 65);
	inherited(1, 128);
	return unit_done();
}
