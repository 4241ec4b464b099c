#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Compile the PF_KEY parser for this machine and put it to the test.
# Arguments: how many mutations (default 300000).

set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../.." && pwd)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

${CC:-gcc} -std=gnu11 -Wall -Wextra -Wno-unused-parameter \
	-Wno-missing-field-initializers -g -O1 \
	-fsanitize=address,undefined -fno-sanitize-recover=all \
	-I"$top/kmod" -o "$out/parse_test" \
	"$here/parse_test.c" "$top/kmod/pfkey_parse.c" "$top/kmod/alg.c"
"$out/parse_test" "$@"
