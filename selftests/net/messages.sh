#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --python --poison --timeout 900
#
# messages.sh - every PF_KEY request, spoiled in every way; no octet that nobody wrote
# shellcheck source=selftests/net/lib.sh disable=SC2154
. ./lib.sh
trap finish EXIT

modprobe esplanade || exit 1
host a
host b
link "$a" eth0 '10.1.0.1/24 fd01::1/64' "$b" eth0 '10.1.0.2/24 fd01::2/64'
ip -n "$a" route add 10.2.0.0/16 via 10.1.0.2
# The proof that a look for the pattern can find it.
try 'memory that nobody wrote to holds a pattern' grep -qE '(slub_debug=P|page_poison=on)' /proc/cmdline
dmesg -C
in_ns "$a" python3 messages.py "$tests" | tee /tmp/messages
tally /tmp/messages
grep -q '^messages all$' /tmp/messages || fail 'messages.py came to its end'
is 'the log says why, and not too often' 1 "$(($(dmesg | grep -c 'esplanade:') < 200))"
