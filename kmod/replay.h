/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * replay.h - the anti-replay window (RFC 4303 section 3.4.3, RFC 6479)
 *
 * Pure. One window per inbound SA; rx.c checks before the crypto without a
 * lock and commits after it under the SA's replay lock.
 */
#ifndef ESPL_REPLAY_H
#define ESPL_REPLAY_H

#include "portable.h"

#define ESPL_REPLAY_MAX	4096	/* packets */

/**
 * struct espl_replay - a sliding window over sequence numbers
 * @top: highest sequence number accepted so far, 0 before the first
 * @window: how far below @top a late packet is still taken, in packets; 0: off
 * @words: number of 64-bit words in @bitmap, a power of two
 * @bitmap: one bit per sequence number, a ring indexed by the number itself
 *
 * The ring is one word larger than the window, so that moving ahead clears
 * whole words and never shifts (RFC 6479).
 */
struct espl_replay {
	u64 top;
	u32 window;
	u32 words;
	u64 bitmap[];
};

u32 espl_replay_words(u32 window);
size_t espl_replay_size(u32 window);
void espl_replay_init(struct espl_replay *replay, u32 window);
u64 espl_replay_extend(const struct espl_replay *replay, u32 low);
bool espl_replay_check(const struct espl_replay *replay, u64 seq);
void espl_replay_inherit(struct espl_replay *replay,
			 const struct espl_replay *old);
bool espl_replay_commit(struct espl_replay *replay, u64 seq);

#endif
