# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
#
# matrix.sh - every algorithm and mode against the kernel's own xfrm
#
# Read by interop4.sh and interop6.sh, which take a family each, and by async.sh,
# which has the ciphers answer later.
#
# a is ours, b is xfrm. For each case, in both directions: pings of 10, 1400 and
# 4000 octets, and for some 3 or 10 MB over TCP; 1 MB where sanitizers look at each
# octet, for half an hour otherwise. Three count the packets, and must agree: we, xfrm,
# and the wire.
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

spi=0x1000
cases=()

one_case() {
	local family=$1 mode=$2 name=$3 end1 end2 net1 net2 addr1 addr2 out in
	local label="IPv$1 $2 $3" after size=10 spis

	row "$name" || { fail "$label: no such row"; return; }
	read -r end1 end2 net1 net2 addr1 addr2 <<<"${ends[$family $mode]}"
	# Each case has SPIs of its own, by which the recording of all is told apart.
	spi=$((spi + 2))
	if ! ours "$a" "$mode" "$end1" "$end2" "$net1" "$net2" $spi $((spi + 1)) ||
	   ! theirs "$b" "$mode" "$end2" "$end1" "$net2" "$net1" $spi $((spi + 1)); then
		fail "$label: set up"
		return
	fi
	# AH is computed at once; see kmod/ah.c.
	# The SAs of the case before are freed a little later.
	[ -z "${asynchronous:-}" ] || [ "$proto" = ah ] ||
		try "$label: our SAs and theirs use $asynchronous" \
			slowly eval "[ \$((\$(cipher_users) - users)) = 4 ]"
	try "$label: pings, us to xfrm" pings "$a" "$addr2" 10 1400 4000
	try "$label: pings, xfrm to us" pings "$b" "$addr1" 10 1400 4000
	[ -z "${asynchronous:-}" ] || tcp=none
	[ "$tcp" = both ] || size=3
	[[ $(uname -r) != *-sanitized ]] || size=1
	case $tcp in both | out)
		try "$label: $size MB, us to xfrm" transfer "$a" "$b" "$addr2" $size ;;
	esac
	case $tcp in both | in)
		try "$label: $size MB, xfrm to us" transfer "$b" "$a" "$addr1" $size ;;
	esac
	after=$(counters "$a")
	out=$(($(field "out_$proto" "$after") - $(field "out_$proto" "$before")))
	in=$(($(field "in_$proto" "$after") - $(field "in_$proto" "$before")))
	printf -v spis '0x%08x 0x%08x' $spi $((spi + 1))
	# shellcheck disable=SC2086 # two words
	is "$label: xfrm counts the same" "$out $in" "$(their_packets "$b" $spis)"
	is "$label: nothing is dropped" '' "$(grown "$before" "$after")"
	before=$after
	cases+=("$spi $out $in $label")
}

# settle - the recording ends: was on it what the cases have counted, of the
# protocol of each, and nothing else
settle() {
	local one spi out in label seen proto either

	stop_recording
	speak ah
	either=$ESP
	speak esp
	ESP="($ESP or $either)"
	only_esp "$1: nothing but ESP and AH on the wire"
	seen=$(tcpdump -nr "$wire" 2>/dev/null | awk '
		match($0, /(ESP|AH)\(spi=0x[0-9a-f]+/) {n[substr($0, RSTART, RLENGTH)]++}
		END {for (one in n) print one, n[one]}')
	for one in "${cases[@]}"; do
		read -r spi out in label <<<"$one"
		proto=ESP
		[[ $label != *' ah-'* ]] || proto=AH
		is "$label: what we count was on the wire" "out $out in $in" \
			"out $(on_record $proto "$spi") in $(on_record $proto $((spi + 1)))"
	done
	cases=()
	forget_recording
}

# on_record PROTOCOL SPI
on_record() {
	local name

	printf -v name '%s(spi=0x%08x' "$1" "$2"
	[[ $seen =~ "$name "([0-9]+) ]] && echo "${BASH_REMATCH[1]}"
}

# matrix FAMILY [MODE...]
#
# Those that encrypt and those that do not are recorded apart: what never is on the
# wire with the ones must be seen with the others.
matrix() {
	local mode name secret before

	for mode in "${@:2}"; do
		for secret in yes no; do
			before=$(counters "$a")
			record "$a" eth0
			# Not by standard input, which the commands would read.
			while read -r name <&3; do
				one_case "$1" "$mode" "$name"
			done 3< <(awk -v secret=$secret '
				$2 {open = $2 == "-" || $2 ~ "^(null|aes-gmac)/"
				if (open == (secret == "no")) print $1}' <<<"$ALGORITHMS")
			settle "IPv$1 $mode, secret: $secret"
		done
	done
}
