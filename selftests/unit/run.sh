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
	-fno-sanitize-recover=all -I ../../uapi -I "$build")
# Not the status of a test that failed and said so.
export ASAN_OPTIONS=exitcode=99 UBSAN_OPTIONS=exitcode=99

# try NAME COMMAND... - a broken off test is a failure by name
try() {
	local name=$1 status

	shift
	echo "# $name"
	"$@"
	status=$?
	[ "$status" -le 1 ] || echo "not ok - $name ended with status $status"
	[ "$status" -eq 0 ] || failed=1
}

./vectors.py vectors/rfc-vectors.json >"$build/vectors.h" || failed=1
# The kernel's headers that spd.c includes: shim.h stands for all of them.
mkdir "$build"/{linux,net}
touch "$build"/linux/{atomic,completion,hash,jhash,jiffies,module,mutex,percpu}.h \
	"$build"/linux/{rbtree,rculist,refcount,rhashtable,skbuff,slab,spinlock}.h \
	"$build"/linux/{timekeeping,workqueue,xarray}.h "$build/net/net_namespace.h"

for test in *.c; do
	name=${test%.c}
	libs=()
	[ "$name" != vectors ] || libs=(-lcrypto)
	if gcc "${flags[@]}" -o "$build/$name" "$test" "${libs[@]}"; then
		try "$name" "$build/$name"
	else
		echo "not ok - $name compiles"
		failed=1
	fi
done
for suite in */run.sh; do
	try "${suite%/run.sh}" "./$suite"
done
exit "$failed"
