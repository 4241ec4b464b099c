// SPDX-License-Identifier: GPL-2.0-only
/*
 * replay.c - the anti-replay window, whatever it holds and whatever comes
 *
 * The window is in any state that a window can be in: its highest number and its bits
 * are arbitrary, but for the bits behind the highest number in its own word, which are
 * clear, and its own, which is set. That each step keeps it so is part of what is
 * proved; so what is shown of one step holds of every sequence of them.
 */
#include "prove.h"

#include "../../kmod/replay.c"

#define WORDS	4

static union {
	struct espl_replay replay;
	u64 room[2 + WORDS];
} any;

static bool can_be(const struct espl_replay *replay)
{
	u64 behind = replay->top % 64 == 63 ? 0 : ~0ull << replay->top % 64 << 1;
	u64 word;

	if (!replay->window)
		return true;
	word = replay->bitmap[word_of(replay, replay->top)];
	return !(word & behind) && (!replay->top || word & bit_of(replay->top));
}

static struct espl_replay *any_window(u32 window)
{
	espl_replay_init(&any.replay, window);
	certain(any.replay.words <= WORDS, "the ring is as large as its size says");
	any.replay.top = any_u64();
	for (int i = 0; i < WORDS; i++)
		any.replay.bitmap[i] = any_u64();
	suppose(can_be(&any.replay));
	return &any.replay;
}

/* One step, for a window of so many packets: what is accepted, and what then. */
static void step(u32 window)
{
	struct espl_replay *replay = any_window(window);
	u64 top = replay->top, seq = any_u64(), other = any_u64();
	bool was_fresh = espl_replay_check(replay, seq);
	bool other_was = espl_replay_check(replay, other);
	bool accepted;

	certain(replay->top == top, "to check moves nothing");
	certain(!seq || seq <= top || was_fresh, "no newer number is refused");
	certain(seq > top || top - seq < window || !was_fresh,
		"none older than the window is accepted");
	certain(seq || !was_fresh, "0 is never legal");
	accepted = espl_replay_commit(replay, seq);
	certain(accepted == was_fresh, "what was fresh is accepted, and nothing else");
	certain(!espl_replay_check(replay, seq), "no number is accepted twice");
	certain(other_was || !espl_replay_check(replay, other),
		"what is refused once is refused for ever");
	certain(other == seq || !other_was ||
		(other <= replay->top && replay->top - other >= window) ||
		espl_replay_check(replay, other),
		"what is fresh, and within the window, stays fresh");
	certain(replay->top == (accepted && seq > top ? seq : top),
		"the window moves to what was accepted, or not at all");
	certain(can_be(replay), "it is a window still");
}

void prove_window_of_1(void) { step(1); }	/* --unwind 6 */
void prove_window_of_64(void) { step(64); }	/* --unwind 6 */
void prove_window_of_65(void) { step(65); }	/* --unwind 6 */
void prove_window_of_128(void) { step(128); }	/* --unwind 6 */
void prove_window_of_192(void) { step(192); }	/* --unwind 6 */

/* A window that takes another's place, of another size or not. */
static void inherit(u32 old_window, u32 window)
{
	static union {
		struct espl_replay replay;
		u64 room[2 + WORDS];
	} heir;
	const struct espl_replay *old = any_window(old_window);
	u64 seq = any_u64();

	espl_replay_init(&heir.replay, window);
	espl_replay_inherit(&heir.replay, old);
	certain(heir.replay.top == old->top && can_be(&heir.replay),
		"it goes on where the other was");
	certain(espl_replay_check(old, seq) || !espl_replay_check(&heir.replay, seq),
		"what the one refused, the other refuses");
	certain(!espl_replay_check(old, seq) || espl_replay_check(&heir.replay, seq) ||
		(seq <= old->top && old->top - seq >= window),
		"what the one would take, the other takes, if it is not too old");
}

void prove_inherit_narrower(void) { inherit(64, 4); }	/* --unwind 6 */
void prove_inherit_wider(void) { inherit(4, 6); }	/* --unwind 8 */

/* Without a window, all pass but the highest number is known. */
void prove_no_window(void)	/* --unwind 6 */
{
	struct espl_replay *replay = any_window(0);
	u64 top = replay->top, seq = any_u64();

	certain(espl_replay_commit(replay, seq), "everything is accepted");
	certain(replay->top == (seq > top ? seq : top), "and the highest is known");
}

/* RFC 4303 appendix A2.2, as it is written there; windows of 1 to 4096. */
static u32 a2_high(u64 top, u32 window, u32 low)
{
	u32 tl = top, th = top >> 32;

	if (tl >= window - 1)				/* case A */
		return low >= tl - window + 1 ? th : th + 1;
	return low >= tl - window + 1 ? th - 1 : th;	/* case B */
}

/* The half that is not sent is guessed as the RFC says; without a window, too. */
void prove_high_half(void)	/* --unwind 40 */
{
	struct espl_replay replay = { .window = any_below(ESPL_REPLAY_MAX + 1) };
	u64 top = any_u64(), guess, seq = any_u64();
	u64 back;
	u32 low = any_u32();

	replay.top = top;
	back = replay.window ? replay.window - 1 : 1u << 31;
	guess = espl_replay_extend(&replay, low);
	certain((u32)guess == low, "what was sent is kept");
	if (replay.window && top >= back)
		certain(guess >> 32 == a2_high(top, replay.window, low),
			"the guess is the RFC's");
	/* At the end of the 64 bits there is no next round. */
	suppose(top <= ~0ull - (1ull << 33));
	if (seq >= (top > back ? top - back : 0) &&
	    seq - (top > back ? top - back : 0) < 1ull << 32)
		certain(espl_replay_extend(&replay, seq) == seq,
			"what is in the window, or less than 2^32 ahead, is found");
}
