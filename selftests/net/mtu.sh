#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --python --timeout 600
#
# mtu.sh - how large a packet may be, to the octet
#
# a and b are ours; the sizes are worked out from the RFCs' numbers.
# shellcheck source=selftests/net/lib.sh disable=SC2154
. ./lib.sh
trap finish EXIT

modprobe -a esplanade vxlan || exit 1
host a
host b
link "$a" eth0 '10.1.0.1/24 fd01::1/64' "$b" eth0 '10.1.0.2/24 fd01::2/64'
address "$a" lo '10.10.1.1/32 fd10:1::1/128'
address "$b" lo '10.10.2.1/32 fd10:2::1/128'
ip -n "$a" route add 10.10.0.0/16 via 10.1.0.2 src 10.10.1.1
ip -n "$b" route add 10.10.1.0/24 via 10.1.0.1 src 10.10.2.1
ip -n "$a" route add fd10::/16 via fd01::2 src fd10:1::1
ip -n "$b" route add fd10:1::/64 via fd01::1 src fd10:2::1

declare -A ends=([4]='10.1.0.1 10.1.0.2' [6]='fd01::1 fd01::2')
declare -A nets=([4]='10.10.1.0/24 10.10.2.0/24' [6]='fd10:1::/64 fd10:2::/64')
declare -A address=([4]=10.10.2.1 [6]=fd10:2::1)
declare -A header=([4]=20 [6]=40)

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

# The inner MTU: what is told is just what fits. From the RFCs, not from us: octets
# of IV and ICV, and what payload and trailer are padded to.
SIZES='
aes-gcm-16/160        -                     8  16  4
aes-gcm-12/160        -                     8  12  4
aes-gcm-8/160         -                     8   8  4
aes-ccm-16/152        -                     8  16  4
aes-ccm-12/152        -                     8  12  4
aes-ccm-8/152         -                     8   8  4
aes-gmac/160          -                     8  16  4
chacha20-poly1305/288 -                     8  16  4
aes-ctr/160           hmac-sha2-256/256     8  16  4
aes-cbc/128           hmac-sha1/160        16  12 16
aes-cbc/256           hmac-sha2-256/256    16  16 16
aes-cbc/128           hmac-sha2-384/384    16  24 16
aes-cbc/192           hmac-sha2-512/512    16  32 16
aes-cbc/128           aes-xcbc-mac/128     16  12 16
aes-cbc/128           aes-cmac/128         16  12 16
camellia-cbc/128      hmac-sha2-256/256    16  16 16
3des-cbc/192          hmac-sha1/160         8  12  8
null/0                hmac-sha2-512/512     0  32  4
'

# told TO SIZE - the MTU that a sender of so many octets hears of
told() {
	in_ns "$a" ping -n -c 2 -i 0.2 -W 0.1 -M "do" -s "$2" "$1" 2>&1 |
		sed -n 's/.*mtu *[=:] *\([0-9]*\).*/\1/p' | tail -n 1
}

# Transport mode: the route knows the outer MTU only, so nobody hears of the inner.
one_size() {
	local mode=$1 in=$2 out=$3 iv=$4 icv=$5 align=$6 room fits label before heard
	local headers=$((header[$in] + 8))

	label="IPv$in in IPv$out, $mode, $enc $auth"
	between "$mode" "$in" "$out" || { fail "$label: set up"; return; }
	room=$((1500 - header[$out] - 8 - iv - icv))
	fits=$((room - room % align - 2))
	heard=$fits
	[ "$mode" = tunnel ] || fits=$((fits + header[$in])) heard=''
	ip -n "$a" route flush cache
	ip -n "$a" -6 route flush cache
	before=$(counters "$a")
	is "$label: one octet too many: the sender hears ${heard:-of no MTU}" \
		"$heard" "$(told "$to" $((fits + 1 - headers)))"
	try "$label: $fits octets fit" in_ns "$a" ping -n -c 1 -W 5 -M "do" \
		-s $((fits - headers)) "$to"
	# The second time the route knows, in a tunnel's case.
	is "$label: refused by name" "out_too_big+$((2 - (heard > 0)))" \
		"$(grown "$before" "$(counters "$a")")"
}

# sizes FIRST LAST CASE... - for those rows of SIZES
sizes() {
	local first=$1 last=$2 case mode in out iv icv align n

	shift 2
	record "$a" eth0
	while read -r enc auth iv icv align <&3; do
		for case; do
			read -r mode in out <<<"$case"
			one_size "$mode" "$in" "$out" "$iv" "$icv" "$align"
		done
	done 3< <(sed '/^$/d' <<<"$SIZES" | sed -n "$first,${last}p")
	stop_recording
	n=$(((last - first + 1) * $#))
	is 'each size that fits went out and came back whole, the others did not' \
		"$n $n 0" "$(on_wire "$ESP and (src host 10.1.0.1 or src host fd01::1)") \
$(on_wire "$ESP and (dst host 10.1.0.1 or dst host fd01::1)") \
$(on_wire 'ip[6:2] & 0x3fff != 0 or ip6[6] == 44')"
	forget_recording
}
sizes 1 18 'tunnel 4 4'
sizes 10 10 'tunnel 6 6' 'tunnel 4 6' 'tunnel 6 4' 'transport 4 4' 'transport 6 6'

# The largest ping there is. In a tunnel the inner packet is cut first; ESP of
# transport mode is for whole datagrams, and the whole is longer than IP allows.
row gcm128
for pair in '4 4' '6 6' '4 6' '6 4'; do
	read -r in out <<<"$pair"
	between tunnel "$in" "$out"
	record "$a" eth0
	try "IPv$in in IPv$out, tunnel: a ping of 65,507 octets" pings "$a" "$to" 65507
	stop_recording
	only_esp "IPv$in in IPv$out, tunnel: it went by ESP"
	is "IPv$in in IPv$out, tunnel: no outer packet was cut" 0 \
		"$(on_wire 'ip[6:2] & 0x3fff != 0 or ip6[6] == 44')"
	forget_recording
done

# udp_error ADDRESS SIZE - what sending so many octets ends in
udp_error() {
	in_ns "$a" python3 - "$@" <<-'PY'
		import errno, socket, sys
		try:
		    family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
		    socket.socket(family, socket.SOCK_DGRAM).sendto(bytes(int(sys.argv[2])), (sys.argv[1], 9))
		except OSError as error:
		    print(errno.errorcode[error.errno])
	PY
}

# 65,535 octets behind the IP header, or with it in IPv4, less SPI, sequence number,
# IV and ICV: whole words of that, less trailer and ICMP header.
for pair in '4 65470' '6 65490'; do
	read -r in most <<<"$pair"
	between transport "$in" "$in"
	record "$a" eth0
	try "IPv$in, transport: a ping of $most octets" pings "$a" "$to" "$most"
	is "IPv$in, transport: one octet more: the sender hears EMSGSIZE" \
		EMSGSIZE "$(udp_error "$to" $((most + 1)))"
	dropped "IPv$in, transport: 65,507 octets: out_too_big" "$a" out_too_big 1 \
		in_ns "$a" ping -n -c 1 -W 0.1 -s 65507 "$to"
	stop_recording
	is "IPv$in, transport: nothing else was on the wire" 0 \
		"$(on_wire "not $LINK and not ip proto 50 and not ip6[6] == 50 and not ip6[40] == 50")"
	forget_recording
done

# A tunnel of the kernel's own has TCP in it, and its packets are the socket's; but they
# are UDP, and not to be cut as TCP would be. Too big, and without DF, they go in fragments.
# Without offloads each segment comes by itself.
between transport 4 4
for case in "$a 1 2" "$b 2 1"; do
	read -r host here there <<<"$case"
	ip -n "$host" link add vx0 type vxlan id 7 dstport 4789 dev eth0 \
		local "10.1.0.$here" remote "10.1.0.$there"
	in_ns "$host" ethtool -K vx0 tso off gso off
	address "$host" vx0 "10.77.0.$here/24"
done
is 'VXLAN: as large as the cable takes' 1450 \
	"$(ip -n "$a" link show vx0 | sed -n 's/.* mtu \([0-9]*\) .*/\1/p')"
before=$(counters "$a")
record "$a" eth0
try 'VXLAN, transport: pings' pings "$a" 10.77.0.2 10 1400
try 'VXLAN, transport: 1 MB over TCP, a segment at a time' transfer "$a" "$b" 10.77.0.2 1
stop_recording
is 'VXLAN, transport: nothing is dropped' '' "$(grown "$before" "$(counters "$a")")"
only_esp 'VXLAN, transport: by ESP and nothing else'
forget_recording
