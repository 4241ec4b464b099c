// SPDX-License-Identifier: GPL-2.0-only
/*
 * replay.c - the anti-replay window: its edges by rows, the rest against a model
 */
#include "../../kmod/replay.c"
#include "unit.h"

static struct espl_replay *window(u32 size)
{
	struct espl_replay *replay = malloc(espl_replay_size(size));

	espl_replay_init(replay, size);
	return replay;
}

/* Numbers in the order they come, and whether each is accepted. */
static const struct row {
	const char *name;
	u32 window;
	struct {
		u64 seq;
		int taken;
	} packet[8];
} rows[] = {
	{ "the first number is 1, 0 is never one", 32, {{ 0, 0 }, { 1, 1 }, { 1, 0 }, { 0, 0 }} },
	{ "a window of 1 takes what is newer", 1, {{ 5, 1 }, { 4, 0 }, { 5, 0 }, { 6, 1 }} },
	{ "32: the oldest in, the next out", 32, {{ 100, 1 }, { 69, 1 }, { 68, 0 }, { 69, 0 }} },
	{ "64: the oldest in, the next out", 64, {{ 200, 1 }, { 137, 1 }, { 136, 0 }, { 137, 0 }} },
	{ "65: a word and a bit", 65, {{ 200, 1 }, { 136, 1 }, { 135, 0 }, { 136, 0 }} },
	{ "4096: the oldest in, the next out", 4096, {{ 9000, 1 }, { 4905, 1 }, { 4904, 0 }} },
	{ "a jump over the whole ring forgets it", 64, {{ 1, 1 }, { 1025, 1 }, { 1024, 1 }, { 1, 0 }, { 962, 1 }} },
	{ "a jump of exactly the ring's size", 64, {{ 10, 1 }, { 138, 1 }, { 137, 1 }, { 138, 0 }, { 75, 1 }} },
	{ "up to the last number of 32 bits", 64, {{ 0xffffffff, 1 }, { 0xffffffff, 0 }, { 0xffffffc0, 1 }, { 0xffffffbf, 0 }} },
	{ "no window takes everything", 0, {{ 7, 1 }, { 7, 1 }, { 1, 1 }} },
};

static void by_rows(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct espl_replay *replay = window(rows[i].window);
		int good = 1;

		for (size_t k = 0; k < ARRAY_SIZE(rows[i].packet); k++) {
			u64 seq = rows[i].packet[k].seq;
			int taken = rows[i].packet[k].taken;

			if (k && !seq && !taken && rows[i].window != 32)
				break;
			if (rows[i].window && espl_replay_check(replay, seq) != taken)
				good = 0;
			if (espl_replay_commit(replay, seq) != taken)
				good = 0;
			if (!rows[i].window && k == 2)
				break;
		}
		check(good, "%s", rows[i].name);
		free(replay);
	}
}

#define SPAN	20000

/* Every number ever accepted is remembered; the rest is arithmetic. */
static void by_model(u32 size)
{
	static unsigned char seen[SPAN];
	struct espl_replay *replay = window(size);
	u64 top = 0;
	int wrong = 0;

	memset(seen, 0, sizeof(seen));
	for (int i = 0; i < 200000; i++) {
		u32 back = dice(2 * size + 10), ahead = dice(40) ? 2 : 3 * size;
		u64 seq = dice(3) ? top + dice(ahead) : top - (back < top ? back : top);
		int want = seq && !seen[seq % SPAN] && (seq > top || top - seq < size);

		if (seq >= SPAN) {	/* begin again */
			espl_replay_init(replay, size);
			memset(seen, 0, sizeof(seen));
			top = 0;
			continue;
		}
		wrong += espl_replay_check(replay, seq) != want;
		wrong += espl_replay_commit(replay, seq) != want;
		if (want) {
			seen[seq] = 1;
			top = seq > top ? seq : top;
		}
		wrong += replay->top != top;
	}
	check(!wrong, "window %u agrees with a plain set, %d times not", size, wrong);
	free(replay);
}

int main(void)
{
	static const u32 sizes[] = { 1, 2, 31, 32, 63, 64, 65, 128, 1000, 1024, 4096 };

	by_rows();
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		by_model(sizes[i]);
	return unit_done();
}
