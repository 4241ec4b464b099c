/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * prove.h - what proofs are written with
 *
 * A variable that any_*() fills stands for every value of its type; suppose() leaves
 * out those it is false of.
 */
#ifndef PROVE_H
#define PROVE_H

#include <stdlib.h>

#include "../../kmod/portable.h"

#define suppose(condition)	__CPROVER_assume(condition)
#define certain(condition, why)	__CPROVER_assert(condition, why)

/* By their names CBMC knows that these return anything. */
#define ANY(type)						\
	type nondet_##type(void);				\
	static inline type any_##type(void) { return nondet_##type(); }
ANY(u8)
ANY(u16)
ANY(u32)
ANY(u64)
ANY(bool)

static inline unsigned int any_below(unsigned int bound)
{
	unsigned int value = any_u32();

	suppose(value < bound);
	return value;
}

/* Any octets, so many of them, in memory of just that size. */
static inline u8 *any_octets(size_t len)
{
	u8 *octets = malloc(len);

	suppose(octets);
	return octets;
}

/*
 * The same where many places are looked at: at one end or the other of memory whose
 * size is known beforehand, which is so much less for the solver. What is read or
 * written on one side of them is outside in the one case, on the other in the other.
 */
static inline u8 *any_octets_at_end(size_t most, size_t len)
{
	return any_octets(most) + (any_bool() ? most - len : 0);
}

/*
 * As loops over octets. CBMC's own, for lengths that are not known, are arrays of all
 * that memory could be, which no machine holds.
 */
static inline void *octets_set(void *to, int value, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((u8 *)to)[i] = value;
	return to;
}

static inline void *octets_copy(void *to, const void *from, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((u8 *)to)[i] = ((const u8 *)from)[i];
	return to;
}

#ifdef OCTETS
#define memset(to, value, len)					\
	(__builtin_constant_p(len) ? (memset)(to, value, len) :	\
				     octets_set(to, value, len))
#define memcpy(to, from, len)	octets_copy(to, from, len)
#endif

#endif
