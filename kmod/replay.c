// SPDX-License-Identifier: GPL-2.0-only
/*
 * replay.c - the anti-replay window (RFC 4303 section 3.4.3, RFC 6479)
 *
 * Pure. Owns what "seen before" and "too old" mean. Called by rx.c.
 */
#include "replay.h"

#define WORD_BITS	64

static u32 word_of(const struct espl_replay *replay, u64 seq)
{
	return (seq / WORD_BITS) & (replay->words - 1);
}

static u64 bit_of(u64 seq)
{
	return 1ull << (seq % WORD_BITS);
}

/**
 * espl_replay_words() - size of the ring
 * @window: the window in packets, at most ESPL_REPLAY_MAX
 *
 * Context: Any.
 * Return: The number of 64-bit words: a power of two, with at least one word
 *	   more than the window fills; 0 for no window.
 */
u32 espl_replay_words(u32 window)
{
	u32 words = 1;

	if (!window)
		return 0;
	while (words < DIV_ROUND_UP(window, WORD_BITS) + 1)
		words *= 2;
	return words;
}

/**
 * espl_replay_size() - octets to allocate for a window
 * @window: the window in packets
 *
 * Context: Any.
 * Return: The size of struct espl_replay with its bitmap.
 */
size_t espl_replay_size(u32 window)
{
	return offsetof(struct espl_replay, bitmap) +
	       espl_replay_words(window) * sizeof(u64);
}

/**
 * espl_replay_init() - an empty window
 * @replay: espl_replay_size(@window) octets
 * @window: the window in packets, at most ESPL_REPLAY_MAX; 0 turns replay
 *	    protection off
 *
 * Context: Any.
 */
void espl_replay_init(struct espl_replay *replay, u32 window)
{
	memset(replay, 0, espl_replay_size(window));
	replay->window = window;
	replay->words = espl_replay_words(window);
}

/**
 * espl_replay_extend() - the 64 bits of a number of which 32 were sent
 * @replay: the window
 * @low: the low half, as sent
 *
 * The one number that ends in @low and is not older than the window, nor 2^32
 * or more ahead of its lower edge: all cases of RFC 4303 appendix A2 are this
 * one. Below the window of the first packets there is nothing. Without a window
 * late packets are looked for half way back. A wrong guess fails the ICV.
 *
 * Context: Any.
 * Return: The sequence number.
 */
u64 espl_replay_extend(const struct espl_replay *replay, u32 low)
{
	u64 top = READ_ONCE(replay->top);
	u64 back = replay->window ? replay->window - 1 : 1u << 31;
	u64 bottom = top > back ? top - back : 0;

	return bottom + (u32)(low - (u32)bottom);
}

/**
 * espl_replay_check() - would this sequence number be accepted
 * @replay: the window
 * @seq: the sequence number; 0 is never legal (RFC 4303 section 3.3.3)
 *
 * Without the lock the answer may be stale: it saves the crypto for hopeless
 * packets, and espl_replay_commit() has the last word.
 *
 * Context: Any.
 * Return: True if @seq is new and not older than the window.
 */
bool espl_replay_check(const struct espl_replay *replay, u64 seq)
{
	u64 top = READ_ONCE(replay->top);

	if (!replay->window)
		return true;
	if (!seq)
		return false;
	if (seq > top)
		return true;
	if (top - seq >= replay->window)
		return false;
	return !(READ_ONCE(replay->bitmap[word_of(replay, seq)]) & bit_of(seq));
}

/**
 * espl_replay_commit() - accept a sequence number whose ICV was good
 * @replay: the window
 * @seq: the sequence number
 *
 * Context: The SA's replay lock held.
 * Return: True if it was accepted and marked; false if it was seen before or
 *	   is too old, and nothing changed.
 */
bool espl_replay_commit(struct espl_replay *replay, u64 seq)
{
	if (seq <= replay->top) {
		if (!espl_replay_check(replay, seq))
			return false;
	} else {
		/* Words skipped over hold bits of a round before: clear them. */
		u64 steps = seq / WORD_BITS - replay->top / WORD_BITS;

		for (u64 i = 1; i <= min_t(u64, steps, replay->words); i++)
			WRITE_ONCE(replay->bitmap[word_of(replay, replay->top +
							  i * WORD_BITS)], 0);
		WRITE_ONCE(replay->top, seq);
	}
	if (replay->window)
		WRITE_ONCE(replay->bitmap[word_of(replay, seq)],
			   replay->bitmap[word_of(replay, seq)] | bit_of(seq));
	return true;
}

/**
 * espl_replay_inherit() - know what another window knows
 * @replay: an empty window, of whatever size
 * @old: the other
 *
 * What @old would not accept any more is not accepted here either.
 *
 * Context: Nobody else has @replay, and @old moves no more.
 */
void espl_replay_inherit(struct espl_replay *replay, const struct espl_replay *old)
{
	u64 seq = old->top > replay->window ? old->top - replay->window : 0;

	if (!old->top)
		return;
	while (++seq < old->top)
		if (!espl_replay_check(old, seq))
			espl_replay_commit(replay, seq);
	espl_replay_commit(replay, old->top);
}
