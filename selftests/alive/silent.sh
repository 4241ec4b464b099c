#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# silent.sh - where there is no bug nothing is said; and what helps to look for bugs:
# faults on demand, coverage
# shellcheck source=selftests/net/lib.sh
. ./lib.sh
trap finish EXIT

# A fault is told with a call trace, which is what a complaint looks like.
for kind in failslab fail_page_alloc fail_usercopy; do
	echo 0 >/sys/kernel/debug/$kind/verbose
done
echo N >/sys/kernel/debug/failslab/ignore-gfp-wait
echo N >/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait
echo 0 >/sys/kernel/debug/fail_page_alloc/min-order

modprobe -a esplanade espl_bug || exit 1
faults=" $(python3 probe.py faults) "
for row in 'EXFULL memory' 'EUSERS a page' 'EFAULT a copy from userspace'; do
	try "fail-nth: ${row#* }, when its turn comes" \
		eval "[[ '$faults' == *' ${row%% *} '* ]]"
done
try 'KCOV: a module that is instrumented tells where it has been' python3 probe.py kcov
try 'GCOV: and how often' eval \
	'find /sys/kernel/debug/gcov -name "espl_bug.gcda" | grep -q .'
is 'lockdep is on' 'debug_locks: 1' \
	"$(awk '/debug_locks/ {print $1, $2}' /proc/lockdep_stats)"
