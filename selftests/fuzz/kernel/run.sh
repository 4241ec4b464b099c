#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# run.sh - fuzz the module in the sanitized kernel, by what KCOV sees of it
#
#   run.sh [-t SECONDS] [-d DIR] [NAME...]   60 seconds each if not said
#   run.sh -u NAME...                        and keep what it found in corpus/
#   run.sh -r JOURNAL NAME                   do once more what broke the kernel
#
# pfkey: requests of all kinds; packet: what is received and sent. DIR keeps, for each,
# which lines of the module were run (selftests/coverage), the log, and what broke it.
set -u
cd "$(dirname "$0")" || exit 1
limit=60 update='' replay='' out=''
while getopts t:d:ur: option; do
	case $option in
	t) limit=$OPTARG ;;
	d) out=$OPTARG ;;
	u) update=1 ;;
	r) replay=$(realpath "$OPTARG") ;;
	*) sed -n '5,7s/^# *//p' "$0" >&2; exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || set -- pfkey packet
[ -n "$out" ] || out=$(mktemp -d "${TMPDIR:-/tmp}/esplanade-fuzz-kernel.XXXXXX")
echo "# what is found is in $out"

declare -A also=([packet]=seal.c)

# The program is not instrumented: what counts is what the kernel does.
compile() {
	local name=$1 file objects=()

	for file in guest.c "$name.c" ${also[$name]:-}; do
		objects+=("$work/$name-${file%.c}.o")
		clang -std=gnu11 -O2 -g -Wall -Wno-unused-function -I ../../../uapi -c \
			-o "${objects[-1]}" "$file" || return 1
	done
	clang -fsanitize=fuzzer -static-libstdc++ -static-libgcc -o "$work/fuzz-$name" \
		"${objects[@]}" -l:libcrypto.a
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
declare -A pid=()
for name; do
	[ ! -e "$out/$name" ] || { echo "run.sh: $out/$name is there" >&2; exit 2; }
	compile "$name" || { echo "not ok - $name compiles"; exit 1; }
	mkdir -p "$work/$name" "$out/$name" "corpus/$name"
	cp -r "corpus/$name" "$work/$name/corpus"
	printf '%s\n' "name=$name" "limit=$limit" "update=$update" >"$work/$name/fuzz.conf"
	[ -z "$replay" ] || cp "$replay" "$work/$name/journal"
	../../../tools/vm/run --kernel sanitized --coverage "$out/$name" \
		--timeout $((limit + 600)) guest.sh fuzz-device.sh "$work/fuzz-$name" \
		"$work/$name"/* >"$out/$name/vm.log" 2>&1 &
	pid[$name]=$!
done

tests=0 failed=0
for name; do
	wait "${pid[$name]}"
	status=$?
	tests=$((tests + 1))
	sed -n "s/^\(ok\|not ok\) 1 /\1 $tests /p" "$out/$name/vm.log"
	if [ "$status" -ne 0 ]; then
		failed=1
		grep -q '^not ok' "$out/$name/vm.log" ||
			echo "not ok $tests - $name: the kernel is dead (status $status)"
		echo "    # to do it once more: run.sh -r $out/$name/journal $name"
		sed 's/^/    # /' "$out/$name/vm.log" | tail -n 150
	fi
	if [ -n "$update" ] && [ -n "$(ls "$out/$name/least" 2>/dev/null)" ]; then
		rm -rf "corpus/$name"
		cp -r "$out/$name/least" "corpus/$name"
	fi
done
echo "1..$tests"
exit "$failed"
