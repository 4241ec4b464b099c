#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --smp 4 --timeout 600
#
# parallel.sh - one SA used by all processors at once
#
# Each processor sends a flow of its own through the one tunnel from a to b, and what it
# sends b opens on that processor, too: four are in one window at a time. No number is
# used twice, a window of 4096 loses none, each flow stays in order. How far
# packets overtake each other, beyond what smaller windows forgive, is printed.
# shellcheck source=selftests/net/lib.sh disable=SC2154,SC2016
. ./lib.sh
trap finish EXIT

modprobe -a esplanade nf_tables || exit 1
[ "$(nproc)" -ge 2 ] || try_unexamined 'there are processors' false
host a
host b
link "$a" eth0 10.1.0.1/24 "$b" eth0 10.1.0.2/24
# Else the first packets wait for an answer, or are lost, and leave by another processor.
knows "$a" "$b" 10.1.0.2
in_ns "$b" nft -f - <<-'NFT' || exit 1
	table netdev wire {
		counter sealed { }
		counter clear { }
		chain in {
			type filter hook ingress device eth0 priority 0;
			ip protocol esp counter name sealed accept
			ip protocol != esp counter name clear
		}
	}
NFT
seen() { in_ns "$b" nft list counter netdev wire "$1" | awk '$1 == "packets" {print $2}'; }
mkfifo /tmp/sink.in

each=4000

# burst ROW WINDOW - everything at once, with a window of so many; sets replayed
burst() {
	local label="$1, window $2" came late wanted=

	all=$((each * $(nproc)))
	row "$1"
	put "$a" < <(rules tunnel 10.1.0.1 10.1.0.2 10.1.0.1 10.1.0.2 | sed "s/-r 64/-r $2/")
	put "$b" < <(rules tunnel 10.1.0.2 10.1.0.1 10.1.0.2 10.1.0.1 0x1002 0x1001 |
		sed "s/-r 64/-r $2/")
	before_a=$(counters "$a") before_b=$(counters "$b")
	sealed=$(seen sealed)
	: >/tmp/sink
	ip netns exec "$b" ./parallel sink 7000 </tmp/sink.in >/tmp/sink &
	sink=$!
	exec 8>/tmp/sink.in
	slowly grep -q ready /tmp/sink || fail "$label: the sink is ready"
	in_ns "$a" ./parallel send "$each" 10.1.0.2 7000 || fail "$label: all is sent"
	exec 8>&-
	wait "$sink"
	replayed=$(($(counter "$b" in_replay) - $(field in_replay "$before_b")))
	came=$(awk '{n += $4} END {print n + 0}' /tmp/sink)
	late=$(awk '{n += $8} END {print n + 0}' /tmp/sink)
	echo "# $label: $replayed of $all were behind the window"
	is "$label: each packet has a number of its own, and is on the wire as ESP" \
		"$all $all 0" "$(($(counter "$a" out_esp) - $(field out_esp "$before_a"))) $((
		$(seen sealed) - sealed)) $(seen clear)"
	is "$label: a has dropped nothing" '' "$(grown "$before_a" "$(counters "$a")")"
	[ "$replayed" -eq 0 ] || wanted=in_replay+$replayed
	is "$label: b has dropped what the window has left behind, and nothing else" \
		"$wanted" "$(grown "$before_b" "$(counters "$b")")"
	is "$label: the rest has come, once, in the order of each flow" \
		"$((all - replayed)) 0 0" "$came $(awk '{n += $6} END {print n + 0}' /tmp/sink) $late"
}

for window in 32 64 256 1024; do burst gcm128 $window; done
each=16000
burst gcm128 4096
is 'gcm128, window 4096: nothing was behind it' 0 "$replayed"
burst cbc128-sha256-esn 4096
is 'cbc128-sha256-esn, window 4096: nothing was behind it' 0 "$replayed"
for one in "${hosts[@]}"; do ip netns del "$one"; done
hosts=()
try 'the module goes' slowly rmmod esplanade
