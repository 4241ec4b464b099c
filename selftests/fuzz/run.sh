#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# run.sh - what strangers and clients send, made up: fuzzers for the pure rooms
#
#   run.sh [-t SECONDS | -r EXECUTIONS] [NAME...]   fuzz; 60 seconds each if not said
#   run.sh -u NAME...                               and keep what it found in corpus/
#
# Built with libFuzzer, ASan and UBSan. What breaks one is kept, and named.
set -u
cd "$(dirname "$0")" || exit 1
export UBSAN_OPTIONS=print_stacktrace=1 ASAN_OPTIONS=detect_leaks=1
limit=(-max_total_time=60) least=100000 update=
while getopts t:r:u option; do
	case $option in
	t) limit=("-max_total_time=$OPTARG") least=1 ;;
	r) limit=("-runs=$OPTARG") least=$OPTARG ;;
	u) update=1 ;;
	*) sed -n '5,6s/^# *//p' "$0" >&2; exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || set -- pfkey packet wire inside

build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
tests=0 failed=0

# The kernel's headers that flow.c and its like include: packet.h stands for them.
mkdir -p "$build"/{linux,net}
touch "$build/linux/skbuff.h" \
	"$build"/net/{dsfield,inet_ecn,ip,ip6_checksum,ipv6,ndisc}.h
declare -A also=([pfkey]='../../kmod/pfkey_parse.c ../../kmod/alg.c')

compile() {
	# shellcheck disable=SC2086 # a list
	clang -std=gnu11 -O1 -g -Wall -Wno-unused-function \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		-I "$build" -I ../../uapi -o "$build/$1" "$1.c" ${also[$1]:-}
}

# executions, seconds and features, as libFuzzer's last lines have them
verdict() {
	local name=$1 status=$2 log=$build/$1.log done_ kept took features

	tests=$((tests + 1))
	done_=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
	took=$(sed -n 's/^Done .* runs in \([0-9]*\) second.*/\1/p' "$log")
	features=$(sed -n 's/^#.*DONE.* ft: \([0-9]*\) .*/\1/p' "$log")
	kept=$(sed -n 's/.*Test unit written to //p' "$log" | head -n 1)
	if [ "$status" -eq 0 ] && [ "${done_:-0}" -ge "$least" ]; then
		printf 'ok %d - %s: %s executions in %s s, %s features, and nothing broke\n' \
			$tests "$name" "$done_" "$took" "$features"
	else
		printf 'not ok %d - %s: status %s, %s executions%s\n' $tests "$name" \
			"$status" "${done_:-no}" "${kept:+; what broke it is in $kept}"
		grep -vE '^#|^INFO' "$log" | head -n 60 | sed 's/^/    # /'
		failed=1
	fi
}

crashes=$(mktemp -d "${TMPDIR:-/tmp}/esplanade-fuzz.XXXXXX")
declare -A pid=()
for name; do
	compile "$name" || { echo "not ok - $name compiles"; failed=1; continue; }
	mkdir -p "$build/new-$name"
	"$build/$name" "${limit[@]}" -max_len=1024 -timeout=10 -print_final_stats=1 \
		-artifact_prefix="$crashes/$name-" "$build/new-$name" "corpus/$name" \
		>"$build/$name.log" 2>&1 &
	pid[$name]=$!
done
for name; do
	[ -n "${pid[$name]:-}" ] || continue
	wait "${pid[$name]}"
	verdict "$name" $?
	if [ -n "$update" ]; then
		mkdir "$build/least-$name"
		"$build/$name" -merge=1 "$build/least-$name" "corpus/$name" \
			"$build/new-$name" 2>/dev/null
		rm -rf "corpus/$name"
		mv "$build/least-$name" "corpus/$name"
	fi
done
rmdir "$crashes" 2>/dev/null
echo "1..$tests"
exit "$failed"
