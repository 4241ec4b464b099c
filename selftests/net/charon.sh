#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --daemons --timeout 1200
#
# charon.sh - strongSwan drives us by its kernel-pfkey, unmodified
#
# a keys us; b is another strongSwan, which keys us too or xfrm.
# shellcheck source=selftests/net/ike.sh disable=SC2154
. ./ike.sh

# up HOST KERNEL HOST KERNEL ADDRESSES MODE PROPOSAL [CHILD [CONNECTION]] - configure
# and start both. ADDRESSES: of the ends and of the nets.
up() {
	local end1 end2 net1 net2

	read -r end1 end2 net1 net2 <<<"$5"
	charon "$1" "$2" "$end1" "$end2" "$net1" "$net2" "$6" "$7" \
		"${8:-}" "${9:-}"
	charon "$3" "$4" "$end2" "$end1" "$net2" "$net1" "$6" "$7" \
		"${8/start_action = trap/}" "${9:-}"
	try "$label: one end starts" start_charon "$1"
	try "$label: the other starts" start_charon "$3"
}

down() {
	inside "$1" swanctl --terminate --ike net >/dev/null 2>&1
	slowly eval "[ -z \"\$(left_over $1 $2)\" ]"
	is "$label: after the end no SA is left" '' "$(left_over "$1" "$2")"
	stop "$1"
	stop "$2"
	is "$label: nor a policy" 'No SPD entries.' "$(in_ns "$1" setkey -DP)"
}

while read -r theirs family mode proposal how <&3; do
	label="IPv$family $mode $proposal, by $how, $theirs"
	nets=V$family
	read -r end1 end2 net1 net2 <<<"${!nets}"
	case $mode in
	tunnel) far=${net2%/*}1 near=${net1%/*}1 ;;
	transport) far=$end2 near=$end1 net1=dynamic net2=dynamic ;;
	esac
	far=${far/.01/.1} near=${near/.01/.1}
	action=
	[ "$how" = command ] || action='start_action = trap'
	before=$(counters "$a")
	record "$a" eth0
	up "$a" pfkey "$b" "$theirs" "$end1 $end2 $net1 $net2" "$mode" "$proposal" "$action"
	case $how in
	command)
		try "$label: up" inside "$a" swanctl --initiate --child net ;;
	traffic)
		is "$label: no SA yet" 'No SAD entries.' "$(in_ns "$a" setkey -D)"
		try "$label: the first ping is answered" pings "$a" "$far" 100 ;;
	esac
	try "$label: pings" pings "$a" "$far" 10 1400 4000
	try "$label: pings from there" pings "$b" "$near" 10 1400 4000
	try "$label: 3 MB" transfer "$a" "$b" "$far" 3
	try "$label: list-sas knows the octets" inside "$a" bash -c \
		'swanctl --list-sas | grep -E " (in|out) .* [1-9][0-9]* bytes, *[1-9]"'
	stop_recording
	clean "$ESP"
	forget_recording
	is "$label: nothing is dropped" '' "$(grown "$before" "$(counters "$a")" |
		tr ' ' '\n' | grep -vE '^(out_held|out_too_big)')"
	down "$a" "$b"
done 3<<-CASES
	netlink 4 tunnel aes128gcm16 command
	netlink 6 tunnel aes256-sha256 traffic
	netlink 4 transport aes256-sha256 traffic
	pfkey 4 tunnel aes128gcm16 traffic
	pfkey 6 transport aes128gcm16 command
CASES

# Recompiled against our header: ESN, and a window that eight bits cannot say.
label='with our header'
up "$a" ours "$b" netlink "$V4" tunnel aes128gcm16-esn 'replay_window = 1024'
try "$label: up" inside "$a" swanctl --initiate --child net
try "$label: pings" pings "$a" 10.10.2.1 10 1400
is "$label: both SAs have ESN, one a window of 1024" '2 1' \
	"$(in_ns "$a" setkey -D | grep -c flags=0x00000400) $(
	in_ns "$a" setkey -D | grep -c replay=1024)"
try "$label: charon reads what we say of it" inside "$a" bash -c \
	'swanctl --list-sas | grep -E " (in|out) .* [1-9][0-9]* bytes, *[1-9]"'
down "$a" "$b"

# No translator is on the way, and the daemons behave as if.
for family in 4 6; do
	label="ESP in UDP without a translator, IPv$family"
	nets=V$family
	read -r end1 end2 net1 net2 <<<"${!nets}"
	case $family in 4) far=10.10.2.1 near=10.10.1.1 ;; 6) far=fd10:2::1 near=fd10:1::1 ;; esac
	before=$(counters "$a")
	record "$a" eth0
	up "$a" pfkey "$b" pfkey "${!nets}" tunnel aes128gcm16 'start_action = trap' 'encap = yes'
	try "$label: the first ping is answered" pings "$a" "$far" 100
	try "$label: pings" pings "$a" "$far" 10 1400 4000
	try "$label: pings from there" pings "$b" "$near" 10 1400 4000
	try "$label: 3 MB" transfer "$a" "$b" "$far" 3
	stop_recording
	# What is in fragments has its port in the first.
	is "$label: in UDP alone" '0 0 yes' "$(on_wire "$ESP") $(grep -c "$MARKER" "$wire") $(
		[ "$(on_wire 'udp port 4500')" -gt 100 ] && echo yes)"
	forget_recording
	is "$label: nothing is dropped" '' "$(grown "$before" "$(counters "$a")" |
		tr ' ' '\n' | grep -vE '^(out_held|out_too_big)')"
	down "$a" "$b"
done

# MOBIKE: a, who began, gets another address. Pings go on.
moved() {
	[ "$(in_ns "$a" setkey -D |
		grep -cE '^(10.1.0.11 10.1.0.2|10.1.0.2 10.1.0.11) ')" -eq 2 ]
}
in_ns "$a" sysctl -qw net.ipv4.conf.all.promote_secondaries=1 \
	net.ipv4.conf.eth0.promote_secondaries=1
# Else a daemon that hears of the old address's end first may go on by IPv6.
ip -n "$a" addr del fd01::1/64 dev eth0
for theirs in netlink ours; do
	label="MOBIKE, $theirs"
	charon "$a" ours '10.1.0.1, 10.1.0.11|10.1.0.1' 10.1.0.2 10.10.1.0/24 10.10.2.0/24 \
		tunnel aes128gcm16
	charon "$b" "$theirs" 10.1.0.2 '%any|10.1.0.1' 10.10.2.0/24 10.10.1.0/24 tunnel \
		aes128gcm16
	try "$label: one end starts" start_charon "$a"
	try "$label: the other starts" start_charon "$b"
	try "$label: up" inside "$a" swanctl --initiate --child net
	try "$label: pings" pings "$a" 10.10.2.1 10 1400
	spis=$(in_ns "$a" setkey -D | grep -o 'spi=[0-9]*' | sort)
	record "$a" eth0
	ip -n "$a" addr add 10.1.0.11/24 dev eth0
	ip -n "$a" addr del 10.1.0.1/24 dev eth0
	try "$label: both SAs move" slowly moved
	is "$label: they are the same SAs" "$spis" \
		"$(in_ns "$a" setkey -D | grep -o 'spi=[0-9]*' | sort)"
	try "$label: pings go on" slowly pings "$a" 10.10.2.1 10 1400
	try "$label: pings from there" pings "$b" 10.10.1.1 10 1400
	stop_recording
	is "$label: from the new address" yes \
		"$([ "$(on_wire 'src 10.1.0.11 and (ip proto 50 or udp port 4500)')" -gt 3 ] && echo yes)"
	is "$label: nothing clear" 0 "$(grep -c "$MARKER" "$wire")"
	forget_recording
	down "$a" "$b"
	ip -n "$a" addr add 10.1.0.1/24 dev eth0
	ip -n "$a" addr del 10.1.0.11/24 dev eth0
	ip -n "$a" route replace 10.10.2.0/24 via 10.1.0.2 src 10.10.1.1
done
ip -n "$a" addr add fd01::1/64 dev eth0 nodad

# Lifetimes: new SAs come by themselves, and no packet is lost.
label='rekeyed by lifetime'
up "$a" pfkey "$b" netlink "$V4" tunnel aes128gcm16 'rekey_time = 5s
	life_time = 20s
	rand_time = 0s'
try "$label: up" inside "$a" swanctl --initiate --child net
lossless 18 3
down "$a" "$b"

# The other side dies and comes back, and knows nothing.
label='after a restart'
up "$a" pfkey "$b" netlink "$V4" tunnel aes128gcm16 'start_action = trap'
try "$label: up by traffic" pings "$a" 10.10.2.1 10
crash "$b"
charon "$b" netlink 10.1.0.2 10.1.0.1 10.10.2.0/24 10.10.1.0/24 tunnel aes128gcm16 \
	'start_action = trap'
try "$label: it starts again" start_charon "$b"
# xfrm holds no packets.
try "$label: and its traffic brings the tunnel up anew" slowly pings "$b" 10.10.1.1 10
try "$label: that way, too" pings "$a" 10.10.2.1 10 1400
down "$a" "$b"

# From behind a router that masquerades.
for theirs in netlink pfkey; do
	label="from behind a translator, $theirs"
	charon "$c" pfkey 10.3.0.1 10.2.0.2 10.10.3.0/24 10.10.2.0/24 tunnel aes128gcm16 \
		'start_action = trap'
	charon "$b" "$theirs" 10.2.0.2 '%any|10.3.0.1' 10.10.2.0/24 10.10.3.0/24 tunnel \
		aes128gcm16
	try "$label: one end starts" start_charon "$c"
	try "$label: the other starts" start_charon "$b"
	# Not at the other end: xfrm shows its device what it has decrypted.
	record "$n" out
	try "$label: the first ping is answered" pings "$c" 10.10.2.1 100
	try "$label: pings" pings "$c" 10.10.2.1 10 1400 4000
	try "$label: pings from there" pings "$b" 10.10.3.1 10 1400
	try "$label: 3 MB" transfer "$c" "$b" 10.10.2.1 3
	stop_recording
	clean "$IN_UDP"
	forget_recording
	down "$c" "$b"
done
