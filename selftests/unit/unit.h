/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * unit.h - results of the tests that run on the host
 */
#ifndef ESPL_UNIT_H
#define ESPL_UNIT_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static int unit_tests, unit_failed;

/* One line for each thing proved; the rest of the arguments say what it was. */
__attribute__((format(printf, 2, 3)))
static inline void check(int good, const char *format, ...)
{
	va_list args;

	printf("%sok %d - ", good ? "" : "not ", ++unit_tests);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);	/* a sanitizer may end us any moment */
	unit_failed += !good;
}

static inline int unit_done(void)
{
	return unit_failed || !unit_tests;
}

/* The same numbers in every run. */
static inline unsigned int dice(unsigned int sides)
{
	static unsigned long long state = 88172645463325252ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % sides;
}

#endif
