#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --python --timeout 600
#
# parked.sh - what goes while packets wait for an SA: routes, devices, keyers, namespaces,
# the module
#
# A keyer is asked and does not answer, four packets wait, and something goes. It does
# not wait for them; they leave protected when the SA comes, or are lost by name.
# Policies and larval SAs that go are in net/acquire.
# shellcheck source=selftests/net/lib.sh disable=SC2154,SC2016
. ./lib.sh
trap finish EXIT

modprobe -a esplanade nf_tables || exit 1
row gcm128
mkfifo /tmp/keyer.in

# parked NAME COMMAND - packets wait, then the command is run
parked() {
	label=$1
	host a
	host b
	link "$a" eth0 '10.1.0.1/24 fd01::1/64' "$b" eth0 '10.1.0.2/24 fd01::2/64'
	# They would leave by another device than the tunnel does.
	ip -n "$a" link add eth1 type veth peer name eth2
	ip -n "$a" link set eth1 up
	ip -n "$a" link set eth2 up
	ip -n "$a" route add 10.9.0.0/16 dev eth1 src 10.1.0.1
	# Else b would answer that it knows no ESP.
	in_ns "$b" nft -f - <<-NFT || fail 'b is silent'
		table ip deaf {
			chain input {
				type filter hook input priority 0;
				ip protocol esp drop
			}
		}
	NFT
	record "$b" eth0
	in_ns "$a" setkey -c <<-RULES
		spdadd 10.1.0.1 10.9.0.0/16 any -P out ipsec esp/tunnel/10.1.0.1-10.1.0.2/require;
	RULES
	: >/tmp/keyer
	ip netns exec "$a" python3 keyer.py watch </tmp/keyer.in >/tmp/keyer 2>&1 &
	keyer=$!
	exec 7>/tmp/keyer.in
	slowly grep -q ready /tmp/keyer || fail 'the keyer begins'
	before=$(counters "$a")
	in_ns "$a" ping -n -q -c 4 -l 4 -W 1 -p "$MARKER_HEX" 10.9.0.1 >/dev/null
	slowly eval '[ "$(grown "$before" "$(counters "$a")")" = out_held+4 ]'
	is "$label: four packets wait" out_held+4 "$(grown "$before" "$(counters "$a")")"
	began=$SECONDS
	# Here, and not in a subshell: the keyer's input is this shell's.
	if eval "$2"; then pass "$label: goes"; else fail "$label: goes" "$2"; fi
	# By themselves they wait for three seconds; a device that is waited for is not
	# let go in less than ten.
	try "$label: does not wait for them" [ $((SECONDS - began)) -lt 10 ]
}

keyer_ends() {
	[ -n "$keyer" ] || return 0
	exec 7>&-
	wait "$keyer"
	keyer=
}

answer() {
	in_ns "$a" setkey -c <<<"add 10.1.0.1 10.1.0.2 esp 0x1001 -m tunnel $(ours_algs);"
}

# lost WHAT - by which counters, besides that they waited
lost() {
	local wanted="out_held+4${1:+ $1}"

	slowly eval '[ "$(grown "$before" "$(counters "$a")")" = "'"$wanted"'" ]'
	is "$label: what is dropped, by name" "$wanted" "$(grown "$before" "$(counters "$a")")"
}

# over ESP - so many packets were on b's side of the wire, and nothing else
over() {
	if ip -n "$b" link show eth0 >/dev/null 2>&1; then
		stop_recording
	else
		kill "$recorder"
		wait "$recorder"
	fi
	is "$label: on the wire" "$1 0 0" \
		"$(on_wire "$ESP") $(on_wire "not $ESP and not $LINK") $(grep -c "$MARKER" "$wire")"
	forget_recording
	keyer_ends
	for one in "${hosts[@]}"; do ip netns del "$one" 2>/dev/null; done
	hosts=()
}

parked 'a route' 'ip -n "$a" route del 10.9.0.0/16'
answer
lost ''
over 4

# It is gone at once, but who deletes it waits a little longer, or the whole of the time
# that packets do.
gone() { ! ip -n "$a" link show "$1"; }
parked 'a device' 'ip -n "$a" link del eth1 & slowly gone eth1'
answer
wait $!
lost ''
over 4

parked 'the only way' 'ip -n "$a" link set eth0 down'
answer
lost out_no_route+4
ip -n "$a" link set eth0 up
over 0

parked 'a keyer' keyer_ends
lost out_hold_late+4
over 0

parked 'a namespace' 'ip netns del "$a"'
over 0

parked 'the module' 'keyer_ends && slowly rmmod esplanade'
over 0
