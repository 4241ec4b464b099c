#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --timeout 300
#
# lastused.sh - when a policy was last used is when a packet was held against it
#
# left - gw (ours, with conntrack) = wire = nobody who answers
# shellcheck source=selftests/net/lib.sh disable=SC2154,SC2016
. ./lib.sh
trap finish EXIT

modprobe esplanade || exit 1
host left
host gw
host peer
link "$left" eth0 10.1.0.2/24 "$gw" lan 10.1.0.1/24
link "$gw" wan 192.0.2.1/24 "$peer" eth0 192.0.2.2/24
ip -n "$left" route add default via 10.1.0.1
ip -n "$gw" route add 10.2.0.0/24 via 192.0.2.2
in_ns "$gw" nft -f - <<-'NFT'
	table inet t {
		chain forward { type filter hook forward priority 0; ct state established counter accept; }
	}
NFT
row gcm128

# used - the directions of the policies that have been
used() { in_ns "$gw" setkey -DP | awk '/^\t(in|out|fwd) / {dir = $1} /lastused: [A-Z]/ {print dir}' | xargs; }
send() { in_ns "$left" bash -c "echo x >/dev/udp/10.2.0.2/$1"; }

ours "$gw" tunnel 192.0.2.1 192.0.2.2 10.1.0.0/24 10.2.0.0/24
is 'no packet: none is used' '' "$(used)"
for port in 1001 1002 1003; do send "$port"; done
slowly eval '[ "$(counter "$gw" out_esp)" = 3 ]'
is 'new flows that nobody answers: the policy of the way out is' out "$(used)"
is 'conntrack knows them' 3 "$(in_ns "$gw" grep -c 'dst=10.2.0.2.*UNREPLIED' /proc/net/nf_conntrack)"

# Policies that come are held against the flows that conntrack knows.
ours "$gw" tunnel 192.0.2.1 192.0.2.2 10.1.0.0/24 10.2.0.0/24
is 'policies come, and no packet: none is used' '' "$(used)"
