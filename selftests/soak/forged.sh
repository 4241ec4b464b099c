#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --timeout 900
#
# forged.sh - forged packets of every kind change nothing, however many
#
# a is ours, and so is b, who has 80 packets answered by each of four SAs: ESP by IPv4
# and, with extended numbers, by IPv6; ESP in UDP that follows a translator; AH. Three
# of each are lost on the way: number 16, which the window of 64 is just past, 17, the
# oldest in it, and 30. Then b's wire brings forgeries (forger.c), and a counts each
# by name, ages no SA, moves no window, follows nobody, answers nothing, says nothing.
# At last the lost packets arrive: two are as good as they were.
#
# 20,000 of them, or as many as soak.conf says (soak/run.sh).
# shellcheck source=selftests/net/lib.sh disable=SC2154,SC2016
. ./lib.sh
trap finish EXIT

forgeries=20000
# shellcheck source=/dev/null
[ ! -e soak.conf ] || . ./soak.conf

modprobe esplanade || exit 1
modprobe nf_tables
host a
host b
link "$a" eth0 '10.1.0.1/24 10.1.1.1/24 10.1.2.1/24 fd01::1/64' \
	"$b" eth0 '10.1.0.2/24 10.1.1.2/24 10.1.2.2/24 fd01::2/64'
# Neighbours are not asked for.
mac() { ip -n "$1" -br link show eth0 | awk '{print $3}'; }
mac_a=$(mac "$a") mac_b=$(mac "$b")
for end in 10.1.0. 10.1.1. 10.1.2. fd01::; do
	ip -n "$a" neigh replace "${end}2" lladdr "$mac_b" nud permanent dev eth0
	ip -n "$b" neigh replace "${end}1" lladdr "$mac_a" nud permanent dev eth0
done

# sas SPI_OF_B PROTOCOL A B PORT OPTION... - both ways, and policies for all between
sas() {
	local spi=$1 proto=$2 end1=$3 end2=$4 port=$5 policy=${2%-udp}/transport//require

	shift 5
	cat <<-RULES
		add $end2$port $end1$port $proto $spi -m transport -r 64 $*;
		add $end1$port $end2$port $proto $((spi + 1)) -m transport -r 64 $*;
		spdadd $end1 $end2 any -P DIR1 ipsec $policy;
		spdadd $end2 $end1 any -P DIR2 ipsec $policy;
	RULES
}
gcm="-E aes-gcm-16 $(hex_key 160)" mac="-A hmac-sha2-256 $(hex_key 256)"
rules=$(
	sas 0x3001 esp 10.1.0.1 10.1.0.2 '' "$gcm"
	sas 0x3011 esp-udp 10.1.1.1 10.1.1.2 '[4500]' -f follow "$gcm"
	sas 0x3021 ah 10.1.2.1 10.1.2.2 '' "$mac"
	sas 0x3031 esp fd01::1 fd01::2 '' -f esn -E aes-cbc "$(hex_key 128)" "$mac"
)
put "$a" <<<"$(sed 's/DIR1/out/; s/DIR2/in/' <<<"$rules")"
put "$b" <<<"$(sed 's/DIR1/in/; s/DIR2/out/' <<<"$rules")"

in_ns "$a" nft -f - <<-'NFT'
	table netdev wire {
		counter sent { }
		chain lose {
			type filter hook ingress device eth0 priority 0;
			esp sequence { 16, 17, 30 } drop
			ah sequence { 16, 17, 30 } drop
			udp dport 4500 @th,96,32 { 16, 17, 30 } drop
		}
		chain sent {
			type filter hook egress device eth0 priority 0;
			icmpv6 type { 130-137, 143 } drop
			counter name sent
		}
	}
NFT
sent() { in_ns "$a" nft list counter netdev wire sent | awk '$1 == "packets" {print $2}'; }

record "$b" eth0 -Q out
for end in 10.1.0.1 10.1.1.1 10.1.2.1 fd01::1; do
	is "77 of 80 packets to $end are answered" 77 "$(
		in_ns "$b" ping -n -q -i 0.02 -c 80 -W 1 $end | awk '/received/ {print $4}')"
done
stop_recording
in_ns "$a" nft flush chain netdev wire lose
# Octets and packets, and all that does not change by itself; a time of day may be
# rounded to another second each time that it is shown.
ages() { in_ns "$1" setkey -D | grep -vE '^[[:space:]]*(created:|diff:|last:|sadb_seq=)'; }
ages_a=$(ages "$a")
is 'what a has received, and answered, has aged its SAs' 8 "$(grep -c 'allocated: 77' <<<"$ages_a")"

ip netns exec "$a" setkey -x >/tmp/heard 2>&1 &
listeners() { awk '$1 == "esplanade" {print $3}' /proc/modules; }
slowly eval '[ "$(listeners)" -gt 0 ]' || fail 'somebody listens'
lines=$(dmesg | wc -l) heard=$(wc -l </tmp/heard)
before=$(counters "$a") sent=$(sent)
slab=$(awk '$1 == "SUnreclaim:" {print $2}' /proc/meminfo)
began=$SECONDS
try "$forgeries forged packets are sent" \
	eval "ip netns exec $b ./forger flood eth0 $wire $forgeries >/tmp/flood"
took=$((SECONDS - began))
grep '^#' /tmp/flood
is 'as many as were asked for' "$forgeries" "$(awk '$1 == "kind" {sum += $2} END {print sum + 0}' /tmp/flood)"
is 'of 53 kinds' 53 "$(awk '$1 == "kind" && $2' /tmp/flood | wc -l)"

# What each counter must have grown by, in the order in which they are.
expected=$(awk '
	$1 == "kind" {
		n = $2
		sub(/.*; /, "")
		for (i = 1; i <= NF; i++)
			sum[$i] += n
	}
	FILENAME == "-" && sum[$1] {printf "%s%s+%d", sep, $1, sum[$1]; sep = " "}
' /tmp/flood - <<<"$before")
slowly eval '[ "$(grown "$before" "$(counters "$a")")" = "$expected" ]'
is 'each is counted by name, and nothing else is' "$expected" "$(grown "$before" "$(counters "$a")")"
passed() { grep -E "^($PASSED) " <<<"$1"; }
is 'none has passed' "$(passed "$before")" "$(passed "$(counters "$a")")"
is 'none is answered' "$sent" "$(sent)"
is 'no SA has aged' "$ages_a" "$(ages "$a")"
# On a busy host the guest's own timer is late, and says so.
is 'the log is silent' '' \
	"$(dmesg | tail -n +$((lines + 1)) | grep -v 'hrtimer: interrupt took')"
is 'keyers hear of nothing' "$heard" "$(wc -l </tmp/heard)"
grew=$(($(awk '$1 == "SUnreclaim:" {print $2}' /proc/meminfo) - slab))
try_unexamined "memory: SUnreclaim grows by no more than 256 kB ($grew kB)" [ $grew -le 256 ]
echo "# $forgeries in $took s"

# The windows are where they were. With extended numbers what is below the window is
# taken for one of the next round.
moved() { # NAME BASE SEQUENCE COUNTER+N...
	local before after want=${*:4}

	before=$(counters "$a")
	in_ns "$b" ./forger inject eth0 "$wire" "$2" "$3"
	got() {
		after=$(counters "$a")
		paste -d ' ' <(echo "$before") <(echo "$after") |
			awk '$1 ~ /^in_/ && $4 != $2 {printf "%s%s+%d", sep, $1, $4 - $2; sep = " "}'
	}
	slowly eval '[ "$(got)" = "$want" ]'
	is "$1" "$want" "$(got)"
}
for base in esp udp ah esp6; do
	passes=in_esp+1 late=in_replay+1
	[ $base != ah ] || passes=in_ah+1
	[ $base != esp6 ] || late=in_icv+1
	moved "$base: the one that the window is past does not pass" $base 16 $late
	moved "$base: the oldest in the window passes" $base 17 $passes
	moved "$base: and once only" $base 17 in_replay+1
	moved "$base: one amid the window passes" $base 30 $passes
	moved "$base: and once only" $base 30 in_replay+1
done
is 'by them, and by the answers, the SAs have aged' 8 "$(ages "$a" | grep -c 'allocated: 79')"

# Where a sends its ESP in UDP is where it did.
in_udp=$(counter "$b" in_esp)
try 'the mapping is as before: pings, us to b' pings "$a" 10.1.1.2 10
is 'in UDP, from the port and to it' $((in_udp + 1)) "$(counter "$b" in_esp)"
for end in 10.1.0.1 10.1.1.1 10.1.2.1 fd01::1; do
	try "pings, b to $end" pings "$b" $end 10 1000
done
is 'and still keyers have heard of nothing' "$heard" "$(wc -l </tmp/heard)"
is 'the other end has dropped nothing' '' "$(drops "$b")"
forget_recording
