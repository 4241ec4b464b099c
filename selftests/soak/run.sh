#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# run.sh - load, for long: what make soak calls
#
#   run.sh [--kernel VERSION] [--seconds N] [--packets N] [--cycles N] [soak] [forged] [cycle]
#
# soak.sh for --seconds (1200), forged.sh with --packets (1,000,000), and cycle.sh with
# --cycles (1000) namespaces and loads; each in a virtual machine. What they print is
# printed, once a minute at least. All are in selftests/run net as well, for a minute.
set -u
cd "$(dirname "$0")/../.." || exit 1
kernel=6.1 seconds=1200 packets=1000000 cycles=1000 tests=()
while [ $# -gt 0 ]; do
	case $1 in
	--kernel | --seconds | --packets | --cycles)
		[ $# -gt 1 ] || { echo "$1 wants a value" >&2; exit 2; }
		printf -v "${1#--}" %s "$2"
		shift ;;
	soak | forged | cycle) tests+=("$1") ;;
	*) sed -n '/^#   run/p' "$0" >&2; exit 2 ;;
	esac
	shift
done
[ ${#tests[@]} -gt 0 ] || tests=(soak forged cycle)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo "seconds=$seconds forgeries=$packets cycles=$cycles" >"$work/soak.conf"
mapfile -t programs < <(selftests/soak/build "$work")
passed=0 failed=0 skipped=0
for name in "${tests[@]}"; do
	echo "# $name: $(date -u +%F), Linux $kernel, commit $(git describe --always --dirty 2>/dev/null)"
	options=$(sed -n 's/^# vm: *//p' "selftests/soak/$name.sh")
	# shellcheck disable=SC2086 # options are words
	tools/vm/run --kernel "$kernel" $options \
		--timeout $((seconds + packets / 200 + cycles * 3 + 900)) \
		"selftests/soak/$name.sh" selftests/net/{lib.sh,matrix.sh} "${programs[@]}" \
		"$work/soak.conf" </dev/null 2>&1 | tee "$work/log"
	status=${PIPESTATUS[0]}
	ok=$(grep -c '^ok ' "$work/log") not=$(grep -c '^not ok ' "$work/log")
	if [ "$status" -ne 0 ] && [ "$not" -eq 0 ] || [ $((ok + not)) -eq 0 ]; then
		echo "not ok - $name ended with status $status"
		not=1
	fi
	passed=$((passed + ok)) failed=$((failed + not))
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
