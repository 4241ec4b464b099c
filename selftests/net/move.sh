#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --python --timeout 400
#
# move.sh - SAs and policies whose peer has moved: UPDATE and MIGRATE
#
# a is ours; b is xfrm, at one address and then at another, with the same keys.
# shellcheck source=selftests/net/lib.sh disable=SC2154
. ./lib.sh
trap finish EXIT

modprobe -a esplanade esp4 xfrm_user || exit 1
host a
host b
link "$a" eth0 10.1.0.1/24 "$b" eth0 '10.1.0.2/24 10.1.0.3/24'
address "$a" lo 10.10.1.1/32
address "$b" lo 10.10.2.1/32
ip -n "$a" route add 10.10.2.0/24 via 10.1.0.2 src 10.10.1.1
ip -n "$b" route add 10.10.1.0/24 via 10.1.0.1 src 10.10.2.1
nets='10.10.1.0/24 10.10.2.0/24'
row gcm128

# ask NAME WANTED ARGUMENT... - what the keyer asks and is told
ask() { is "$1" "$2" "$(in_ns "$a" python3 keyer.py "${@:3}" 2>&1)"; }

# shellcheck disable=SC2086 # two words
at_first() {
	ours "$a" tunnel 10.1.0.1 10.1.0.2 $nets
	their_seq='' theirs "$b" tunnel 10.1.0.2 10.1.0.1 10.10.2.0/24 10.10.1.0/24
	try "$label: before" pings "$a" 10.10.2.1 10 1400
}

they_move() {
	their_seq=5000 theirs "$b" tunnel 10.1.0.3 10.1.0.1 10.10.2.0/24 10.10.1.0/24
	refuse "$label: when they have moved, nothing goes through" \
		in_ns "$a" ping -n -c 1 -W 1 10.10.2.1
}

afterwards() {
	before=$(counters "$a")
	record "$a" eth0
	try "$label: afterwards" pings "$a" 10.10.2.1 10 1400
	try "$label: that way, too" pings "$b" 10.10.1.1 10 1400
	stop_recording
	only_esp "$label: nothing but ESP on the wire"
	is "$label: to where they are now, and from there" '4 4' \
		"$(on_wire 'ip proto 50 and dst host 10.1.0.3') $(on_wire 'ip proto 50 and src host 10.1.0.3')"
	forget_recording
	is "$label: nothing is dropped" '' "$(grown "$before" "$(counters "$a")")"
	is "$label: numbers go on, none comes twice" 1 \
		"$(in_ns "$a" setkey -D | grep -c 'spi=4097')"
}

label=UPDATE
at_first
they_move
ask "$label: of an SA that is not there" 'UPDATE errno=3 satype=3' \
	bare 0x1009 10.1.0.3 10.1.0.1
ask "$label: the way out, to another address" 'UPDATE errno=0 satype=3' \
	move 0x1001 10.1.0.1 10.1.0.2 10.1.0.1 10.1.0.3
ask "$label: the way in, without keys" 'UPDATE errno=0 satype=3' bare 0x1002 10.1.0.3 10.1.0.1
is "$label: keys, mode and window are as before" 2 "$(in_ns "$a" setkey -D |
	tr -d '\n' | grep -oE 'mode=tunnel[^=]*=[^=]*=[^=]*E: aes-gcm-16  01020304 05060708 090a0b0c 0d0e0f10 11121314[^=]*seq=[^=]*=64' | wc -l)"
in_ns "$a" setkey -c <<-'RULES'
	spdupdate 10.10.1.0/24 10.10.2.0/24 any -P out ipsec esp/tunnel/10.1.0.1-10.1.0.3/require;
	spdupdate 10.10.2.0/24 10.10.1.0/24 any -P in ipsec esp/tunnel/10.1.0.3-10.1.0.1/require;
RULES
afterwards

label=MIGRATE
at_first
they_move
ask "$label: of a policy that is not there" 'MIGRATE errno=2 satype=0' \
	migrate 10.1.0.1-10.1.0.2 10.1.0.1-10.1.0.3 2 10.77.1.0/24 10.10.2.0/24
mkfifo /tmp/in
ip netns exec "$a" python3 keyer.py watch </tmp/in >/tmp/keyer 2>&1 &
exec 7>/tmp/in
slowly grep -q ready /tmp/keyer
ask "$label: the way out" 'MIGRATE errno=0 satype=0' \
	migrate 10.1.0.1-10.1.0.2 10.1.0.1-10.1.0.3 2 10.10.1.0/24 10.10.2.0/24
ask "$label: the way in" 'MIGRATE errno=0 satype=0' \
	migrate 10.1.0.2-10.1.0.1 10.1.0.3-10.1.0.1 1 10.10.2.0/24 10.10.1.0/24
ask "$label: and that of forwarded packets" 'MIGRATE errno=0 satype=0' \
	migrate 10.1.0.2-10.1.0.1 10.1.0.3-10.1.0.1 3 10.10.2.0/24 10.10.1.0/24
exec 7>&-
wait
is "$label: other keyers hear of it" 3 "$(grep -c '^MIGRATE errno=0' /tmp/keyer)"
is "$label: the policies have moved" 'esp/tunnel/10.1.0.1-10.1.0.3/require
esp/tunnel/10.1.0.3-10.1.0.1/require
esp/tunnel/10.1.0.3-10.1.0.1/require' "$(in_ns "$a" setkey -DP | grep -o 'esp/tunnel.*' | sort)"
afterwards
