#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --python --timeout 600
#
# pages.sh - a file's pages, and a program's memory, are not decrypted in place
#
# a is ours; b sends. CVEs of that class changed files that one may only read.
# shellcheck source=selftests/net/lib.sh disable=SC2154
. ./lib.sh
trap finish EXIT

modprobe esplanade || exit 1
host a
host b
link "$a" eth0 '10.1.0.1/24 fd01::1/64' "$b" eth0 '10.1.0.2/24 fd01::2/64'
for ends in '10.1.0.2[4500] 10.1.0.1[4500]' 'fd01::2[4500] fd01::1[4500]'; do
	cat <<-RULES
		add $ends esp-udp 0x2001 -m transport -r 64
			-E aes-gcm-16 0x0102030405060708090a0b0c0d0e0f1011121314;
		add $ends esp-udp 0x2003 -m transport -r 64
			-E aes-cbc 0x0102030405060708090a0b0c0d0e0f10
			-A hmac-sha2-256 0x0102030405060708090a0b0c0d0e0f100102030405060708090a0b0c0d0e0f10;
	RULES
done | in_ns "$a" setkey -f - || fail 'the rules are taken'
# What arrives is heard, and read, by somebody.
ip netns exec "$a" timeout 500 nc -kul 10.1.0.1 9 >/tmp/heard &
mac=$(ip -n "$a" -br link show eth0 | awk '{print $3}')
in_ns "$b" python3 pages.py "$a" "$mac" "$tests" | tee /tmp/pages
tally /tmp/pages
grep -q '^pages all$' /tmp/pages || fail 'pages.py came to its end'
slowly grep -q PLAINTEXT-MARKER /tmp/heard
try 'what was sent has been heard in clear' grep -q PLAINTEXT-MARKER /tmp/heard
