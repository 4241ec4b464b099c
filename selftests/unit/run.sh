#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# run.sh - the tests that need no kernel: the pure rooms, compiled with sanitizers
set -u
cd "$(dirname "$0")" || exit 1
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
failed=0

# shellcheck disable=SC2054 # a sanitizer's commas
flags=(-std=gnu11 -O1 -g -Wall -Wextra -Werror -fsanitize=address,undefined
	-fno-sanitize-recover=all -I ../../uapi)
for test in *.c; do
	name=${test%.c}
	libs=()
	[ "$name" != vectors ] || libs=(-lcrypto)
	[ "$name" != vectors ] || ./vectors.py vectors/rfc-vectors.json >"$build/vectors.h"
	echo "# $name"
	if gcc "${flags[@]}" -I "$build" -o "$build/$name" "$test" "${libs[@]}"; then
		"$build/$name" || failed=1
	else
		echo "not ok - $name compiles"
		failed=1
	fi
done
for suite in */run.sh; do
	echo "# ${suite%/run.sh}"
	"./$suite" || failed=1
done
exit "$failed"
