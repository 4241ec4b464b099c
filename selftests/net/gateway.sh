#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --timeout 900
#
# gateway.sh - a tunnel between two gateways, for the hosts behind them
#
# left - gw1 (ours) = wire = gw2 (xfrm, then ours) - right
# shellcheck source=selftests/net/lib.sh disable=SC2154
. ./lib.sh
trap finish EXIT

modprobe -a esplanade esp4 esp6 xfrm_user || exit 1
host left
host gw1
host gw2
host right
link "$left" eth0 '10.1.0.2/24 fd01::2/64' "$gw1" lan '10.1.0.1/24 fd01::1/64'
link "$gw1" wan '192.0.2.1/24 fd00::1/64' "$gw2" wan '192.0.2.2/24 fd00::2/64'
link "$gw2" lan '10.2.0.1/24 fd02::1/64' "$right" eth0 '10.2.0.2/24 fd02::2/64'
ip -n "$left" route add default via 10.1.0.1
ip -n "$left" route add default via fd01::1
ip -n "$right" route add default via 10.2.0.1
ip -n "$right" route add default via fd02::1
ip -n "$gw1" route add 10.2.0.0/24 via 192.0.2.2
ip -n "$gw2" route add 10.1.0.0/24 via 192.0.2.1
ip -n "$gw1" route add fd02::/64 via fd00::2
ip -n "$gw2" route add fd01::/64 via fd00::1

offloads() {	# on|off
	local host device

	for host in "$left eth0" "$right eth0" "$gw1 lan" "$gw2 lan" "$gw1 wan" "$gw2 wan"; do
		read -r host device <<<"$host"
		in_ns "$host" ethtool -K "$device" tso "$1" gso "$1" gro "$1" tx "$1" \
			rx "$1" >/dev/null 2>&1
	done
}

# through LABEL LEFT'S ADDRESS RIGHT'S ADDRESS
through() {
	record "$gw1" wan
	try "$1: pings to the right" pings "$left" "$3" 10 1300 4000
	try "$1: pings to the left" pings "$right" "$2" 10 1300 4000
	try "$1: 10 MB to the right" transfer "$left" "$right" "$3"
	try "$1: 10 MB to the left" transfer "$right" "$left" "$2"
	stop_recording
	only_esp "$1: nothing but ESP on the wire"
	# Senders are told of packets that do not fit; nothing else may be lost.
	is "$1: nothing dropped" '' "$(drops "$gw1" | sed 's/out_too_big=[0-9]* //')"
}

# inner families and outer families, with xfrm as the other gateway
declare -A wan=([4]='192.0.2.1 192.0.2.2' [6]='fd00::1 fd00::2')
declare -A nets=([4]='10.1.0.0/24 10.2.0.0/24' [6]='fd01::/64 fd02::/64')
declare -A ends=([4]='10.1.0.2 10.2.0.2' [6]='fd01::2 fd02::2')
row gcm128
for pair in '4 4' '6 6' '4 6' '6 4'; do
	read -r in out <<<"$pair"
	read -r end1 end2 <<<"${wan[$out]}"
	read -r net1 net2 <<<"${nets[$in]}"
	read -r addr1 addr2 <<<"${ends[$in]}"
	ours "$gw1" tunnel "$end1" "$end2" "$net1" "$net2"
	theirs "$gw2" tunnel "$end2" "$end1" "$net2" "$net1"
	# One packet too big each way, for the senders to hear of the tunnel's MTU.
	in_ns "$left" ping -n -c 2 -W 1 -M want -s 1440 "$addr2" >/dev/null 2>&1
	in_ns "$right" ping -n -c 2 -W 1 -M want -s 1440 "$addr1" >/dev/null 2>&1
	through "IPv$in in IPv$out, xfrm" "$addr1" "$addr2"
done
ip -n "$gw2" xfrm state flush
ip -n "$gw2" xfrm policy flush

# Both gateways ours; with offloads and without, conntrack and without.
read -r net1 net2 <<<"${nets[4]}"
row cbc128-sha1
ours "$gw1" tunnel 192.0.2.1 192.0.2.2 "$net1" "$net2"
in_ns "$gw2" setkey -f - <<-RULES
	add 192.0.2.1 192.0.2.2 esp 0x1001 -m tunnel -r 64 $(ours_algs);
	add 192.0.2.2 192.0.2.1 esp 0x1002 -m tunnel -r 64 $(ours_algs);
	spdadd $net2 $net1 any -P out ipsec esp/tunnel/192.0.2.2-192.0.2.1/require;
	spdadd $net1 $net2 any -P in ipsec esp/tunnel/192.0.2.1-192.0.2.2/require;
RULES
offloads off
through 'both ours, no offloads' 10.1.0.2 10.2.0.2
offloads on
in_ns "$gw1" nft -f - <<-'NFT'
	table inet t {
		chain forward { type filter hook forward priority 0; ct state established counter accept; }
	}
NFT
through 'both ours, conntrack' 10.1.0.2 10.2.0.2
flows=$(in_ns "$gw1" grep -c 'dst=10.2.0.2.*ASSURED' /proc/net/nf_conntrack)
try 'conntrack knows the inner flows' [ "$flows" -gt 0 ]
in_ns "$gw1" nft flush ruleset

# What a gateway tells a sender whose packet does not fit: 1500 less 20 outer,
# 8 ESP, 16 IV, 12 ICV is 1444, of which whole blocks are 1440, less 2.
# To an address that nobody has learned an MTU for.
ip -n "$right" addr add 10.2.0.3/24 dev eth0
mtu=$(in_ns "$left" ping -n -c 1 -W 2 -M "do" -s 1472 10.2.0.3 2>&1 |
	sed -n 's/.*mtu *= *\([0-9]*\).*/\1/p' | head -n 1)
is 'too big: the sender hears the exact inner MTU' 1438 "$mtu"
try 'a packet of just that size fits' in_ns "$left" ping -n -c 1 -W 5 -M "do" \
	-s $((1438 - 28)) 10.2.0.3

# Clear packets where the policy wants ESP, forwarded.
ip -n "$gw2" route add 10.1.0.66 dev lo 2>/dev/null
in_ns "$gw2" ip addr add 10.1.0.66/32 dev lo
in_ns "$gw2" setkey -c <<<'spdflush;'
ip -n "$gw2" route add 10.1.0.2/32 via 192.0.2.1 2>/dev/null
dropped 'a clear packet to be forwarded: in_clear' "$gw1" in_clear 1 \
	in_ns "$right" ping -n -c 1 -W 1 10.1.0.2
