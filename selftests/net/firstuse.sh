#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --smp 2 --python --timeout 600
#
# firstuse.sh - SAs that live for a second from their first use, which is at once
#
# On another processor a packet uses each just as its clock is set.
# shellcheck source=selftests/net/lib.sh disable=SC2016,SC2154
. ./lib.sh
trap finish EXIT
[ "$(nproc)" -ge 2 ] || { try_unexamined "there is a second processor" false; exit; }

modprobe esplanade || exit 1
host a
host b
link "$a" eth0 10.1.0.1/24 "$b" eth0 10.1.0.2/24
in_ns "$a" setkey -c <<<'spdadd 10.1.0.1 10.1.0.2 udp -P out ipsec esp/transport//require;'
ip netns exec "$a" taskset 1 python3 getspi.py flood 10.1.0.2 &
slowly eval '[ "$(counter "$a" out_no_sa)" -gt 100 ]'
before=$(counter "$a" out_esp)
for round in 1 2 3; do
	is "round $round: of 4,000 SAs that were used, as many live longer" 0 \
		"$(ip netns exec "$a" taskset 2 python3 firstuse.py 4000)"
	in_ns "$a" setkey -F
done
try 'they were used' eval '[ "$(counter "$a" out_esp)" -gt '"$((before + 3000))"' ]'
