#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --python --timeout 600
#
# headers.sh - IPv4 options and IPv6 extension headers, in every legal place
#
# Conformance cases 6, 7 and 8. a is ours, b is xfrm, r between them forwards:
# it counts TTL and hop limit down, writes its name into options, and sends on
# along source routes. Each exchange goes both ways and is judged by xfrm's ICV.
# shellcheck source=selftests/net/lib.sh disable=SC2154
. ./lib.sh
trap finish EXIT

modprobe -a esplanade esp4 esp6 ah4 ah6 xfrm_user || exit 1
host a
host r
host b
link "$a" eth0 '10.1.0.1/24 fd01::1/64' "$r" eth0 '10.1.0.254/24 fd01::254/64'
link "$b" eth0 '10.2.0.1/24 fd02::1/64' "$r" eth1 '10.2.0.254/24 fd02::254/64'
ip -n "$a" route add default via 10.1.0.254
ip -n "$a" route add default via fd01::254
ip -n "$b" route add default via 10.2.0.254
ip -n "$b" route add default via fd02::254
for host in "$a" "$r" "$b"; do
	in_ns "$host" sysctl -qw net.ipv4.conf.all.accept_source_route=1 \
		net.ipv4.conf.default.accept_source_route=1 net.ipv6.conf.all.seg6_enabled=1
	for device in "$host"/eth0 "$host"/eth1; do
		in_ns "$host" sysctl -qw "net.ipv4.conf.${device#*/}.accept_source_route=1" \
			"net.ipv6.conf.${device#*/}.seg6_enabled=1" 2>/dev/null
	done
done
end1='10.1.0.1 fd01::1' end2='10.2.0.1 fd02::1'

# exchange LABEL FAMILY HEADERS - b answers with the same headers, but straight
exchange() {
	local label=$1 ours theirs lost from to via=10.1.0.254

	read -r from from6 <<<"$end1"
	read -r to to6 <<<"$end2"
	[ "$2" = 4 ] || { from=$from6 to=$to6 via=fd01::254; }
	ours=${3//THEM/$(hex "$to")}
	# xfrm goes by the first hop of a route, not by its end: it would answer clear.
	theirs=$(sed -E 's/(route|before)=[^ ]*//g' <<<"$3")
	ours=${ours//VIA/$(hex "$via")}
	before=$(counters "$a")
	record "$a" eth0
	: >/tmp/ready
	# shellcheck disable=SC2086 # words
	ip netns exec "$b" python3 talk.py answer "$to" 7777 $theirs >/tmp/ready 2>&1 &
	local answering=$!
	slowly grep -q ready /tmp/ready || fail "$label: b answers" "$(cat /tmp/ready)"
	# shellcheck disable=SC2086
	try "$label" in_ns "$a" python3 talk.py ask "$to" 7777 $ours
	kill "$answering"
	wait "$answering" 2>/dev/null
	stop_recording
	lost=$(grown "$before" "$(counters "$a")")
	is "$label: nothing is dropped" '' "$lost"
	# xfrm cuts what is inside a tunnel, so it may send more than three.
	is "$label: what left and came is all $proto" \
		"3 $(their_packets "$b" 0x00001002) 0" \
		"$(($(counter "$a" "out_$proto") - $(awk -v n="out_$proto" '$1 == n {print $2}' <<<"$before"))) $(($(
			counter "$a" "in_$proto") - $(awk -v n="in_$proto" '$1 == n {print $2}' <<<"$before"))) $(clear_on_wire)"
	forget_recording
}

# What is neither the row's protocol, wherever its header is, nor a fragment's rest.
clear_on_wire() {
	local number=50

	[ "$proto" = esp ] || number=51
	on_wire "not (ip proto $number or ip6 protochain $number) and not $LINK"
}

hex() {
	python3 -c 'import socket, sys; a = sys.argv[1]
print(socket.inet_pton(socket.AF_INET6 if ":" in a else socket.AF_INET, a).hex())' "$1"
}

# NAME FAMILY HEADERS. Options 1e and 3e are of the kind to be skipped where they
# are not known; the bit 20 says that 3e may change on the way.
# Nothing is put in front of segments: that makes Linux 6.1 panic as a router.
while read -r name family headers <&3; do
	for mode in transport tunnel; do
		for algorithms in ah-sha256 gcm128 cbc128-sha256; do
			# A tunnel is the same whatever is inside.
			[ "$mode" = transport ] || [ "$algorithms" != cbc128-sha256 ] || continue
			row "$algorithms"
			read -r one one6 <<<"$end1"
			read -r two two6 <<<"$end2"
			[ "$family" = 4 ] || { one=$one6 two=$two6; }
			# AH knows where routes of types 0 and 2 end, not of 4; and
			# a tunnel takes a packet past the route that it asks for.
			[[ $name != segments* || $proto-$mode = esp-transport ]] || continue
			ours "$a" "$mode" "$one" "$two" "$one" "$two"
			theirs "$b" "$mode" "$two" "$one" "$two" "$one"
			exchange "IPv$family $mode $algorithms: $name" "$family" "$headers"
		done
	done
done 3<<-CASES
	record-route 4 ip=0707040000000000
	timestamp 4 ip=440c0500000000000000000000000000
	router-alert 4 ip=94040000
	several 4 ip=0707040000000000010101019404000000000000
	hop-by-hop 6 hop=003e0411223344
	destination 6 dst=001e0411223344
	both 6 hop=003e0411223344 dst=013e04112233441e0655667788990a
	segments 6 route=04040101000000THEMVIA
	segments-and-options 6 route=04040101000000THEMVIA dst=001e0411223344
CASES

# A source route: the header's destination is r, and the policy is for b. Linux
# gets the checksum of UDP wrong here, so these are pings; xfrm answers in clear.
for algorithms in ah-sha256 gcm128; do
	label="IPv4 transport $algorithms: loose source route"
	row "$algorithms"
	ours "$a" transport 10.1.0.1 10.2.0.1 10.1.0.1 10.2.0.1
	theirs "$b" transport 10.2.0.1 10.1.0.1 10.2.0.1 10.1.0.1
	before=$(counters "$a")
	record "$a" eth0
	in_ns "$a" python3 talk.py ping 10.2.0.1 3 ip=8307040a0100fe00
	slowly eval "[ \"\$(their_packets $b 0x00001001)\" = 3 ]"
	stop_recording
	is "$label: b has all three" 3 "$(their_packets "$b" 0x00001001)"
	is "$label: nothing left in clear" 0 \
		"$(on_wire "src 10.1.0.1 and not ip proto 50 and not ip proto 51")"
	is "$label: its clear answers are dropped" in_clear+3 \
		"$(grown "$before" "$(counters "$a")")"
	forget_recording
done
