#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --python --timeout 600
#
# iplayer.sh - IP around and inside ESP: traffic class, fragments, DF
#
# a and b are ours; what comes in by the tunnels 0x3004 and 0x3006 is scapy's.
# shellcheck source=selftests/net/lib.sh disable=SC2154
. ./lib.sh
trap finish EXIT

modprobe esplanade || exit 1
host a
host b
link "$a" eth0 '10.1.0.1/24 fd01::1/64' "$b" eth0 '10.1.0.2/24 fd01::2/64'
address "$a" lo '10.10.1.1/32 fd10:1::1/128'
address "$b" lo '10.10.2.1/32 fd10:2::1/128'
ip -n "$a" route add 10.10.0.0/16 via 10.1.0.2 src 10.10.1.1
ip -n "$b" route add 10.10.1.0/24 via 10.1.0.1 src 10.10.2.1
ip -n "$a" route add fd10::/16 via fd01::2 src fd10:1::1
ip -n "$b" route add fd10:1::/64 via fd01::1 src fd10:2::1

# What comes in.
in_ns "$a" setkey -f - <<-'RULES'
	add 10.1.0.2 10.1.0.1 esp 0x3004 -m tunnel -r 64
		-E aes-gcm-16 0x0102030405060708090a0b0c0d0e0f1011121314;
	add fd01::2 fd01::1 esp 0x3006 -m tunnel -r 64
		-E aes-gcm-16 0x0102030405060708090a0b0c0d0e0f1011121314;
	spdadd 10.10.4.0/24 10.10.1.0/24 any -P in ipsec esp/tunnel/10.1.0.2-10.1.0.1/require;
	spdadd 10.10.6.0/24 10.10.1.0/24 any -P in ipsec esp/tunnel/fd01::2-fd01::1/require;
	spdadd fd10:4::/64 fd10:1::/64 any -P in ipsec esp/tunnel/10.1.0.2-10.1.0.1/require;
	spdadd fd10:6::/64 fd10:1::/64 any -P in ipsec esp/tunnel/fd01::2-fd01::1/require;
RULES
mac=$(ip -n "$a" -br link show eth0 | awk '{print $3}')
in_ns "$b" python3 iplayer.py "$a" "$mac" "$tests" | tee /tmp/sent
tally /tmp/sent
grep -q '^sent all$' /tmp/sent || fail 'iplayer.py came to its end'

declare -A ends=([4]='10.1.0.1 10.1.0.2' [6]='fd01::1 fd01::2')
declare -A nets=([4]='10.10.1.0/24 10.10.2.0/24' [6]='fd10:1::/64 fd10:2::/64')
declare -A address=([4]=10.10.2.1 [6]=fd10:2::1)

# between MODE INNER OUTER - both hosts' rules; sets to, an address behind them
between() {
	local mode=$1 in=$2 out=$3 end1 end2 net1 net2

	read -r end1 end2 <<<"${ends[$out]}"
	read -r net1 net2 <<<"${nets[$in]}"
	to=${address[$in]}
	[ "$mode" = tunnel ] || net1=$end1 net2=$end2 to=$end2
	ours "$a" "$mode" "$end1" "$end2" "$net1" "$net2" &&
		ours_too "$b" "$mode" "$end1" "$end2" "$net1" "$net2"
}

# The outer traffic class is the inner one, DSCP and ECN (RFC 6040 section 4.1).
row gcm128
for pair in '4 4' '6 6' '4 6' '6 4'; do
	read -r in out <<<"$pair"
	between tunnel "$in" "$out"
	record "$a" eth0
	for class in 0 1 2 3 184 185 186 187 255; do
		in_ns "$a" ping -n -q -c 1 -W 5 -Q "$class" "$to" >/dev/null ||
			fail "IPv$in in IPv$out: a ping of class $class"
	done
	stop_recording
	seen=
	for class in 0 1 2 3 184 185 186 187 255; do
		seen+=" $class:$(on_wire "(ip proto 50 and src host 10.1.0.1 and ip[1] == $class) or" \
			"(ip6[6] == 50 and src host fd01::1 and ip6[0:2] & 0xff0 == $((class << 4)))")"
	done
	is "IPv$in in IPv$out: the traffic class is copied" \
		' 0:1 1:1 2:1 3:1 184:1 185:1 186:1 187:1 255:1' "$seen"
	only_esp "IPv$in in IPv$out: by ESP and nothing else"
	forget_recording
done

# DF of a tunnel's outer header: copied, set, cleared.
dfbit() { echo "$1" >/sys/module/esplanade/parameters/dfbit; }

# df_seen PING OPTIONS... - the DF bit of the one ESP packet that a sends; several:
# how many fragments there are
df_seen() {
	local packets

	# What the route has learned would keep ping from sending.
	ip -n "$a" route flush cache
	record "$a" eth0
	in_ns "$a" ping -n -c 1 -W 5 "$@" "$to" >/dev/null 2>&1 || echo -n 'lost '
	stop_recording
	packets=$(on_wire "$ESP and src host 10.1.0.1")
	if [ "$packets" -eq 1 ]; then
		echo "DF $(on_wire "ip proto 50 and src host 10.1.0.1 and ip[6] & 0x40 != 0")"
	else
		echo "$packets packets, $(on_wire "ip proto 50 and src host 10.1.0.1 and ip[6] & 0x40 != 0") with DF," \
			"$(on_wire "ip proto 50 and src host 10.1.0.1 and ip[6:2] & 0x3fff != 0") fragments"
	fi
	forget_recording
}
between tunnel 4 4
is 'DF copied: an inner packet with it' 'DF 1' "$(df_seen -M "do" -s 100)"
is 'DF copied: one without' 'DF 0' "$(df_seen -M dont -s 100)"
is 'DF copied: a large one without it is cut outside' '2 packets, 0 with DF, 2 fragments' \
	"$(df_seen -M dont -s 1472)"
dfbit 1
is 'DF set: an inner packet with it' 'DF 1' "$(df_seen -M "do" -s 100)"
is 'DF set: one without' 'DF 1' "$(df_seen -M dont -s 100)"
is 'DF set: a large one without it is cut inside' '2 packets, 2 with DF, 0 fragments' \
	"$(df_seen -M dont -s 1472)"
dfbit 0
is 'DF clear: an inner packet with it' 'DF 0' "$(df_seen -M "do" -s 100)"
is 'DF clear: a large one with it is cut outside, and nobody hears' \
	'2 packets, 0 with DF, 2 fragments' "$(df_seen -M "do" -s 1472)"
between tunnel 6 4
dfbit 2
is 'DF copied: IPv6 has it' 'DF 1' "$(df_seen -M "do" -s 1300)"
is 'DF copied: but up to 1280 octets must get through' 'DF 0' "$(df_seen -s 1000)"

# Padding that hides lengths (RFC 4303 section 2.7), with xfrm as the other end.
# GCM: 1500 octets outside are 20 + 8 + 8 + 1446 + 2 + 16.
modprobe -a esp4 esp6 xfrm_user
row gcm128
in_ns "$b" setkey -c <<<'flush; spdflush;'
for pair in '4 4 1500' '6 4 1500' '4 6 1500'; do
	read -r in out total <<<"$pair"
	read -r end1 end2 <<<"${ends[$out]}"
	read -r net1 net2 <<<"${nets[$in]}"
	rules tunnel "$end1" "$end2" "$net1" "$net2" | sed "/^add $end1 /s/ -E / -f tfc -E /" |
		put "$a"
	theirs "$b" tunnel "$end2" "$end1" "$net2" "$net1"
	record "$a" eth0
	try "IPv$in in IPv$out, padded: xfrm answers" pings "$a" "${address[$in]}" 10 500 1300
	stop_recording
	length=$([ "$out" = 4 ] && echo 'ip[2:2]' || echo '40 + ip6[4:2]')
	is "IPv$in in IPv$out, padded: all packets are as long as fits" 3 \
		"$(on_wire "$ESP and src host $end1 and $length == $total")"
	only_esp "IPv$in in IPv$out, padded: by ESP and nothing else"
	is "IPv$in in IPv$out, padded: xfrm opened each" 3 "$(their_packets "$b" 0x00001001)"
	forget_recording
done

# And xfrm's padding is taken off.
ours "$a" tunnel 10.1.0.1 10.1.0.2 10.10.1.0/24 10.10.2.0/24
theirs "$b" tunnel 10.1.0.2 10.1.0.1 10.10.2.0/24 10.10.1.0/24
ip -n "$b" xfrm state del src 10.1.0.2 dst 10.1.0.1 proto esp spi 0x1002
ip -n "$b" xfrm state add src 10.1.0.2 dst 10.1.0.1 proto esp spi 0x1002 mode tunnel \
	tfcpad 1200 "${xfrm[@]}"
record "$a" eth0
before=$(counters "$a")
try 'xfrm pads: its pings come through' pings "$b" 10.10.1.1 10 500 1000
stop_recording
is 'xfrm pads: they were all as long' '3 1' "$(on_wire "$ESP and src host 10.1.0.2") \
$(tcpdump -nr "$wire" "$ESP and src host 10.1.0.2" 2>/dev/null | sed 's/.*length //' | sort -u | wc -l)"
is 'xfrm pads: nothing is dropped' '' "$(grown "$before" "$(counters "$a")")"

# Dummies (RFC 4303 section 2.6): none before the SA is used, then one a second or
# so. xfrm finds each authentic, and then a protocol that it does not go on with.
refused() { in_ns "$b" grep XfrmInStateProtoError /proc/net/xfrm_stat | tr -dc 0-9; }
age() { in_ns "$a" setkey -D | sed -n 's/.*diff: \([0-9]*\)(s).*/\1/p' | sort -n | head -n 1; }
are_old() { [ "$(age)" -ge 3 ]; }
for out in 4 6; do
	read -r end1 end2 <<<"${ends[$out]}"
	theirs "$b" tunnel "$end2" "$end1" 10.10.2.0/24 10.10.1.0/24
	record "$a" eth0
	before=$(refused) begun=$(counter "$a" out_dummy)
	{
		echo 'flush; spdflush;'
		rules tunnel "$end1" "$end2" 10.10.1.0/24 10.10.2.0/24
	} | sed '/^add/s/ -E / -f dummy -E /' >/tmp/dummies
	in_ns "$a" setkey -f /tmp/dummies
	# What goes on from an SA that was not used has not been used either.
	in_ns "$a" setkey -t -f /tmp/dummies
	slowly are_old || fail "IPv$out, dummies: SAs of three seconds"
	is "IPv$out, dummies: none before the SA is used" "$begun" "$(counter "$a" out_dummy)"
	try "IPv$out, dummies: a ping" pings "$a" 10.10.2.1 100
	slowly eval "[ \"\$(counter '$a' out_dummy)\" -ge $((begun + 5)) ]"
	in_ns "$a" setkey -c <<<'flush;'
	stop_recording
	sent=$(($(counter "$a" out_dummy) - begun))
	try "IPv$out, dummies: five and more in ten seconds, and not too many" \
		[ $((sent >= 5 && sent <= 15)) -eq 1 ]
	is "IPv$out, dummies: all on the wire, like any other" "$((sent + 1))" \
		"$(on_wire "$ESP and (src host 10.1.0.1 or src host fd01::1)")"
	only_esp "IPv$out, dummies: and nothing else"
	is "IPv$out, dummies: xfrm knows them for that" "$sent" $(($(refused) - before))
	is "IPv$out, dummies: and finds them authentic" 0 \
		"$(ip -n "$b" -s xfrm state | grep -c 'failed [1-9]')"
	forget_recording
done
ours "$b" tunnel 10.1.0.2 10.1.0.1 10.10.2.0/24 10.10.1.0/24 0x1002 0x1001
ip -n "$b" xfrm state flush
ip -n "$b" xfrm policy flush
rules tunnel 10.1.0.1 10.1.0.2 10.10.1.0/24 10.10.2.0/24 |
	sed '/^add/s/ -E / -f dummy -E /' | put "$a"
before=$(counter "$b" in_dummy)
try 'dummies to ours: a ping' pings "$a" 10.10.2.1 100
try 'dummies to ours: eaten, and counted' \
	slowly eval "[ \"\$(counter '$b' in_dummy)\" -ge $((before + 3)) ]"

# The admin's switch for a device whose packets are not held against policies: those that
# come in clear pass, and those that come by ESP are opened as ever.
for family in 4 6; do
	read -r end1 end2 <<<"${ends[$family]}"
	disable_policy() { in_ns "$a" sysctl -qw "net.ipv$family.conf.eth0.disable_policy=$1"; }
	ours "$a" transport "$end1" "$end2" "$end1" "$end2"
	in_ns "$a" setkey -c <<<"spddelete $end1 $end2 any -P out;"
	put "$b" </dev/null
	dropped "IPv$family, disable_policy 0: clear is dropped" "$a" in_clear 1 \
		in_ns "$b" ping -n -c 1 -W 0.2 "$end1"
	disable_policy 1
	before=$(counters "$a")
	try "IPv$family, disable_policy 1: clear passes" pings "$b" "$end1" 10
	is "IPv$family, disable_policy 1: nothing is dropped" '' "$(grown "$before" "$(counters "$a")")"
	ours "$a" transport "$end1" "$end2" "$end1" "$end2"
	ours_too "$b" transport "$end1" "$end2" "$end1" "$end2"
	try "IPv$family, disable_policy 1: ESP is opened" pings "$b" "$end1" 10
	disable_policy 0
	put "$b" </dev/null
	dropped "IPv$family, disable_policy 0 again: clear is dropped" "$a" in_clear 1 \
		in_ns "$b" ping -n -c 1 -W 0.2 "$end1"
done
