#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --smp 2 --python --timeout 600
#
# merge.sh - TCP segments that come out of a tunnel for somebody else: put together where
# the device would do that, and cut again on the way, they are what they were
#
# left - gw1 (ours) = wire = gw2 (ours) - right. The wire delays, so that segments come in
# one go. Then near (ours) - far: what policies say of each segment, whatever it is put
# behind, and when they change in between.
# shellcheck source=selftests/net/lib.sh disable=SC2154
. ./lib.sh
trap finish EXIT

modprobe -a esplanade nf_tables sch_netem || exit 1
host left
host gw1
host gw2
host right
link "$left" eth0 '10.1.0.2/24 fd01::2/64' "$gw1" lan '10.1.0.1/24 fd01::1/64'
link "$gw1" wan '192.0.2.1/24 fd00::1/64' "$gw2" wan '192.0.2.2/24 fd00::2/64'
link "$gw2" lan '10.2.0.1/24 fd02::1/64' "$right" eth0 '10.2.0.2/24 fd02::2/64'
for host in "$gw1" "$gw2"; do
	in_ns "$host" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
done
ip -n "$gw1" route add 10.2.0.0/24 via 192.0.2.2
ip -n "$gw1" route add fd02::/64 via fd00::2
# One segment after the other, with checksums, and nobody answers.
in_ns "$gw2" ethtool -K lan tx off tso off gso off >/dev/null 2>&1
in_ns "$right" nft -f - <<-'NFT'
	table inet quiet { chain out { type filter hook output priority 0; tcp flags rst drop; }; }
NFT
in_ns "$gw2" nft -f - <<-'NFT'
	table inet forwarded {
		counter segments { }
		chain one { type filter hook forward priority 0; meta l4proto tcp counter name segments; }
	}
NFT
in_ns "$gw1" tc qdisc add dev wan root netem delay 50ms || exit 1
mac=$(ip -n "$gw1" -br link show lan | awk '{print $3}')
row gcm128

# forwarded - packets of TCP that gw2 has forwarded
forwarded() {
	in_ns "$gw2" nft list counter inet forwarded segments | awk '$1 == "packets" {print $2}'
}

# pass_on SPOILT - ten segments on their way; what has come is in $heard, as how many in $came
pass_on() {
	local before

	before=$(forwarded)
	: >/tmp/heard
	in_ns "$right" python3 merge.py hear 10 >/tmp/heard &
	slowly grep -q hearing /tmp/heard
	in_ns "$left" python3 merge.py send "$mac" "$source" "$destination" 10 "$1"
	wait $!
	heard=$(grep -v hearing /tmp/heard)
	came=$(($(forwarded) - before))
}

# wanted SPOILT - what is to be heard
wanted() {
	for n in {0..9}; do
		echo "$n 1000 $([ "$n" = "$1" ] && echo wrong || echo right) right"
	done
}

while read -r source destination end1 end2; do
	args=(tunnel "$end1" "$end2" "$source" "$destination")
	ours "$gw1" "${args[@]}"
	ours_too "$gw2" "${args[@]}"
	for host in "$left" "$right"; do
		in_ns "$host" ping -n -c 1 -W 5 "${source%2}1" >/dev/null 2>&1
	done
	in_ns "$gw2" ping -n -c 1 -W 5 "$destination" >/dev/null
	record "$gw1" wan
	for gro in off on; do
		in_ns "$gw2" ethtool -K wan gro $gro >/dev/null
		label="$source to $destination, GRO $gro"
		pass_on -1
		is "$label: all segments come as they left" "$(wanted -1)" "$heard"
		if [ $gro = on ]; then
			try "$label: put together (10 in $came)" [ $((came > 0 && came < 10)) = 1 ]
		else
			is "$label: one by one" 10 "$came"
		fi
		pass_on 4
		is "$label: a wrong checksum stays wrong" "$(wanted 4)" "$(sort -n <<<"$heard")"
	done
	stop_recording
	is "$source to $destination: nothing but ESP on the wire" 0 \
		"$(on_wire "not $ESP and not $LINK")"
	is "$source to $destination: each in a packet of its own" 40 "$(on_wire "$ESP and greater 1000")"
	forget_recording
done <<-CASES
	10.1.0.2 10.2.0.2 192.0.2.1 192.0.2.2
	fd01::2 fd02::2 fd00::1 fd00::2
CASES
for host in "${hosts[@]}"; do ip netns del "$host"; done

# What waits for the slot's end comes in one go, however long it takes to open.
hosts=()
host near
host far
link "$near" eth0 '10.9.0.1/24' "$far" eth0 '10.9.0.2/24'
address "$near" lo '10.5.0.1/32 fd05::1/128'
ip -n "$near" addr add fd09::1/64 dev eth0 nodad
ip -n "$near" route add 10.5.0.2 via 10.9.0.2
ip -n "$near" route add fd05::2 via fd09::2
for host in "$near" "$far"; do ip -n "$host" link set eth0 mtu 9000; done
in_ns "$near" nft -f - <<-'NFT'
	table inet quiet { chain out { type filter hook output priority 0; meta l4proto { tcp, icmp } drop; }; }
NFT
in_ns "$far" tc qdisc add dev eth0 root netem slot 300ms limit 1000 || exit 1
in_ns "$far" python3 merge.py judged "$near" "$(mac "$near")" "$tests" >/tmp/judged 2>&1
grep -E '^(ok|not ok) |^    # ' /tmp/judged
tally /tmp/judged
grep -q '^judged all$' /tmp/judged || fail 'merge.py judged: comes to its end' "$(tail -n 8 /tmp/judged)"
for host in "${hosts[@]}"; do ip netns del "$host"; done
hosts=()
try 'the module goes' slowly rmmod esplanade
