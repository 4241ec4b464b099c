# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
#
# matrix.sh - every algorithm and mode against the kernel's own xfrm
#
# Read by interop4.sh and interop6.sh, which take a family each, and by async.sh,
# which has the ciphers answer later.
#
# a is ours, b is xfrm. For each case, in both directions: pings of 10, 1400 and
# 4000 octets, and for some 10 MB over TCP. Three count the packets, and must
# agree: we, xfrm, and the wire.
# shellcheck source=selftests/net/lib.sh
. ./lib.sh
trap finish EXIT

modprobe -a esplanade esp4 esp6 ah4 ah6 xfrm_user || exit 1
host a
host b
link "$a" eth0 '10.1.0.1/24 fd01::1/64' "$b" eth0 '10.1.0.2/24 fd01::2/64'
address "$a" lo '10.10.1.1/32 fd10:1::1/128'
address "$b" lo '10.10.2.1/32 fd10:2::1/128'
ip -n "$a" route add 10.10.2.0/24 via 10.1.0.2 src 10.10.1.1
ip -n "$b" route add 10.10.1.0/24 via 10.1.0.1 src 10.10.2.1
ip -n "$a" route add fd10:2::/64 via fd01::2 src fd10:1::1
ip -n "$b" route add fd10:1::/64 via fd01::1 src fd10:2::1

# the far ends: [family mode]="our end, their end, our net, their net, our
# address, their address"
declare -A ends=(
	[4 transport]='10.1.0.1 10.1.0.2 10.1.0.1/32 10.1.0.2/32 10.1.0.1 10.1.0.2'
	[6 transport]='fd01::1 fd01::2 fd01::1/128 fd01::2/128 fd01::1 fd01::2'
	[4 tunnel]='10.1.0.1 10.1.0.2 10.10.1.0/24 10.10.2.0/24 10.10.1.1 10.10.2.1'
	[6 tunnel]='fd01::1 fd01::2 fd10:1::/64 fd10:2::/64 fd10:1::1 fd10:2::1'
)

one_case() {
	local family=$1 mode=$2 name=$3 end1 end2 net1 net2 addr1 addr2 out in
	local label="IPv$1 $2 $3"

	row "$name" || { fail "$label: no such row"; return; }
	read -r end1 end2 net1 net2 addr1 addr2 <<<"${ends[$family $mode]}"
	if ! ours "$a" "$mode" "$end1" "$end2" "$net1" "$net2" ||
	   ! theirs "$b" "$mode" "$end2" "$end1" "$net2" "$net1"; then
		fail "$label: set up"
		return
	fi
	# AH is computed at once; see kmod/ah.c.
	# The SAs of the case before are freed a little later.
	[ -z "${asynchronous:-}" ] || [ "$proto" = ah ] ||
		try "$label: our SAs and theirs use pcrypt" \
			slowly eval "[ \$((\$(cipher_users) - users)) = 4 ]"
	out=$(counter "$a" "out_$proto")
	in=$(counter "$a" "in_$proto")
	record "$a" eth0
	try "$label: pings, us to xfrm" pings "$a" "$addr2" 10 1400 4000
	try "$label: pings, xfrm to us" pings "$b" "$addr1" 10 1400 4000
	[ -z "${asynchronous:-}" ] || tcp=none
	case $tcp in both | out)
		try "$label: 10 MB, us to xfrm" transfer "$a" "$b" "$addr2" ;;
	esac
	case $tcp in both | in)
		try "$label: 10 MB, xfrm to us" transfer "$b" "$a" "$addr1" ;;
	esac
	stop_recording
	only_esp "$label: nothing but $proto on the wire"
	out=$(($(counter "$a" "out_$proto") - out))
	in=$(($(counter "$a" "in_$proto") - in))
	is "$label: what we count was on the wire" "out $out in $in" \
		"out $(esp_on_wire 0x1001) in $(esp_on_wire 0x1002)"
	is "$label: xfrm counts the same" "out $out in $in" \
		"out $(their_packets "$b" 0x00001001) in $(their_packets "$b" 0x00001002)"
	is "$label: nothing is dropped" '' "$(drops "$a")"
	forget_recording
}

# matrix FAMILY [MODE...]
matrix() {
	local mode name

	for mode in "${@:2}"; do
		# Not by standard input, which the commands would read.
		while read -r name _ <&3; do
			[ -z "$name" ] || one_case "$1" "$mode" "$name"
		done 3<<<"$ALGORITHMS"
	done
}
