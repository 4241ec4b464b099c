#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --daemons --timeout 900
#
# iked.sh - OpenIKED drives us, as Debian packages it
#
# a keys us; b is another iked, or strongSwan, which keys xfrm. On Linux iked offers
# neither HMAC-SHA2-256 nor, in this version, AES-GCM; see Documentation/keyers.rst.
# shellcheck source=selftests/net/ike.sh disable=SC2154
. ./ike.sh

SHA1='enc aes-128 auth hmac-sha1'

# The SAs are there, both ways.
keyed() { [ "$(in_ns "$1" setkey -D | grep -c state=mature)" -ge 2 ]; }

# up PEER ADDRESSES MODE CHILDSA [MORE]
up() {
	local end1 end2 net1 net2 suite=aes128-sha1

	read -r end1 end2 net1 net2 <<<"$2"
	[[ $4 != *sha2-512* ]] || suite=aes256-sha512
	iked "$a" active "$end1" "$end2" "$net1" "$net2" "$3" "$4" "${5:-}"
	case $1 in
	iked)
		iked "$b" passive "$end2" "$end1" "$net2" "$net1" "$3" "$4" "${5:-}" ;;
	charon)
		charon "$b" netlink "$end2" "$end1" "$net2" "$net1" "$3" $suite ;;
	esac
	try "$label: the other starts" "start_$1" "$b"
	try "$label: one end starts" start_iked "$a"
	try "$label: SAs come by themselves" slowly keyed "$a"
}

# Only so does it tell its peer.
down() {
	inside "$a" ikectl reset sa
	slowly eval "[ -z \"\$(left_over $a $b)\" ]"
	is "$label: after the end no SA is left" '' "$(left_over "$a" "$b")"
	stop "$a"
	stop "$b"
	is "$label: nor a policy" 'No SPD entries.' "$(in_ns "$a" setkey -DP)"
}

while read -r peer family mode child <&3; do
	label="IPv$family $mode $child, with $peer"
	nets=V$family
	read -r end1 end2 net1 net2 <<<"${!nets}"
	case $family in
	4) far=10.10.2.1 near=10.10.1.1 ;;
	6) far=fd10:2::1 near=fd10:1::1 ;;
	esac
	[ "$mode" = tunnel ] || far=$end2 near=$end1 net1=$end1 net2=$end2
	before=$(counters "$a")
	record "$a" eth0
	up "$peer" "$end1 $end2 $net1 $net2" "$mode" "$child"
	try "$label: pings" pings "$a" "$far" 10 1400 4000
	try "$label: pings from there" pings "$b" "$near" 10 1400 4000
	try "$label: 3 MB" transfer "$a" "$b" "$far" 3
	stop_recording
	clean "$ESP"
	forget_recording
	is "$label: nothing is dropped" '' "$(grown "$before" "$(counters "$a")" |
		tr ' ' '\n' | grep -vE '^(out_held|out_too_big)')"
	down
done 3<<-CASES
	charon 4 tunnel $SHA1
	iked 4 transport enc aes-256 auth hmac-sha2-512
	iked 6 tunnel enc aes-256 auth hmac-sha2-512
CASES

# SAs are gone: traffic brings new ones.
label='by traffic'
up iked "$V4" tunnel "$SHA1"
in_ns "$a" setkey -c <<<'flush;'
in_ns "$b" setkey -c <<<'flush;'
try "$label: the first ping is answered" pings "$a" 10.10.2.1 100
try "$label: and those from there" pings "$b" 10.10.1.1 10 1400
down

label='rekeyed by lifetime'
up iked "$V4" tunnel "$SHA1" 'lifetime 10'
# The one who is asked for it answers before it has loaded the new SA.
lossless 22 2 1
down

# The other side dies and comes back, and knows nothing.
label='after a restart'
up iked "$V4" tunnel "$SHA1"
crash "$b"
iked "$b" active 10.1.0.2 10.1.0.1 10.10.2.0/24 10.10.1.0/24 tunnel "$SHA1"
try "$label: it starts again" start_iked "$b"
try "$label: new SAs" slowly keyed "$b"
try "$label: pings from there" slowly pings "$b" 10.10.1.1 10
try "$label: pings" pings "$a" 10.10.2.1 10 1400
# Which SAs of before a still has is for its timers.
stop "$a"
stop "$b"
for host in "$a" "$b"; do in_ns "$host" setkey -c <<<'flush; spdflush;'; done

label='from behind a translator'
iked "$c" active 10.3.0.1 10.2.0.2 10.10.3.0/24 10.10.2.0/24 tunnel "$SHA1"
iked "$b" passive 10.2.0.2 'any|10.3.0.1' 10.10.2.0/24 10.10.3.0/24 tunnel "$SHA1"
try "$label: the other starts" start_iked "$b"
record "$n" out
try "$label: one end starts" start_iked "$c"
try "$label: SAs come by themselves" slowly keyed "$c"
try "$label: pings" pings "$c" 10.10.2.1 10 1400 4000
try "$label: pings from there" pings "$b" 10.10.3.1 10 1400
try "$label: 3 MB" transfer "$c" "$b" 10.10.2.1 3
stop_recording
clean "$IN_UDP"
forget_recording
inside "$c" ikectl reset sa
slowly eval "[ -z \"\$(left_over $b $c)\" ]"
is "$label: after the end no SA is left" '' "$(left_over "$b" "$c")"
