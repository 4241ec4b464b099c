#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --python --timeout 900
#
# natt.sh - ESP in UDP: with xfrm, through a translator, and beside IKE
#
# Conformance case 12. a is ours and reachable, b is xfrm; p is ours or xfrm
# behind n, which masquerades by nftables.
# shellcheck source=selftests/net/lib.sh disable=SC2154
. ./lib.sh
trap finish EXIT

modprobe -a esplanade esp4 esp6 xfrm_user nf_nat nft_masq nft_chain_nat || exit 1
host a
host b
link "$a" eth0 '10.1.0.1/24 fd01::1/64' "$b" eth0 '10.1.0.2/24 fd01::2/64'

# How it looks on the wire, for lib.sh: SPI behind 8 octets of UDP.
in_udp() {
	ESP='(udp and (ip or ip6))'
	FIRST='(ip proto 17 and ip[6:2] & 0x1fff == 0 and ip[28:4] == SPI) or'
	FIRST+=' (ip6[6] == 17 and ip6[48:4] == SPI) or (ip6[6] == 44 and'
	FIRST+=' ip6[40] == 17 and ip6[42:2] & 0xfff8 == 0 and ip6[56:4] == SPI)'
}

# our_udp MODE OUR_END THEIR_END OUR_NET THEIR_NET OUR_PORT THEIR_PORT [FLAGS]
our_udp() {
	rules "$1" "$2" "$3" "$4" "$5" | sed -e "s/ esp 0x/ esp-udp 0x/" \
		-e "s/^add $2 $3/add $2[$6] $3[$7]/" -e "s/^add $3 $2/add $3[$7] $2[$6]/" \
		-e "/^add/s/ -E/ ${8:-} -E/" | put "$a"
}

# their_udp HOST ...THEIRS THEIR_PORT OUR_PORT - and a socket to take it in by
their_udp() {
	local host=$1 mode=$2 end=$3 far=$4 port=$7 far_port=$8 way src dst spi sport dport

	theirs "${@:1:6}" || return
	for way in "$end $far 0x1002 $port $far_port" "$far $end 0x1001 $far_port $port"; do
		read -r src dst spi sport dport <<<"$way"
		ip -n "$host" xfrm state del src "$src" dst "$dst" proto esp spi "$spi"
		ip -n "$host" xfrm state add src "$src" dst "$dst" proto esp spi "$spi" \
			mode "$mode" replay-window 64 "${xfrm[@]}" \
			encap espinudp "$sport" "$dport" 0.0.0.0 || return
	done
	[ -z "${socket:-}" ] || { kill "$socket"; wait "$socket"; } 2>/dev/null
	: >/tmp/socket
	ip netns exec "$host" python3 natt.py encap "$port" >/tmp/socket 2>&1 &
	socket=$!
	slowly grep -q ready /tmp/socket
}

# With xfrm, no translator: modes, families, ports.
while read -r name mode end1 end2 net1 net2 port1 port2 <&3; do
	label="$mode $name $net1 in $end1, ports $port1 and $port2"
	row "$name"
	in_udp
	our_udp "$mode" "$end1" "$end2" "$net1" "$net2" "$port1" "$port2"
	# Not by try: the socket is to be known here.
	their_udp "$b" "$mode" "$end2" "$end1" "$net2" "$net1" "$port2" "$port1" ||
		fail "$label: xfrm is set up"
	for pair in "$a $net1" "$b $net2"; do
		read -r host net <<<"$pair"
		case $net in 10.10.* | fd10:*) address "$host" lo "$net" 2>/dev/null ;; esac
	done
	case $net1 in
	10.10.*) ip -n "$a" route replace "$net2" via 10.1.0.2 src "$net1"
		ip -n "$b" route replace "$net1" via 10.1.0.1 src "$net2" ;;
	fd10:*) ip -n "$a" route replace "$net2" via fd01::2 src "$net1"
		ip -n "$b" route replace "$net1" via fd01::1 src "$net2" ;;
	esac
	out=$(counter "$a" out_esp) in=$(counter "$a" in_esp)
	record "$a" eth0
	try "$label: pings, us to xfrm" pings "$a" "$net2" 10 1400 4000
	try "$label: pings, xfrm to us" pings "$b" "$net1" 10 1400 4000
	try "$label: 3 MB, us to xfrm" transfer "$a" "$b" "$net2" 3
	try "$label: 3 MB, xfrm to us" transfer "$b" "$a" "$net1" 3
	stop_recording
	is "$label: nothing but UDP by these ports" 0 "$(on_wire "not (udp and port $port1 and port $port2)
		and not (ip[6:2] & 0x1fff != 0) and not ip6[6] == 44 and not $LINK")"
	is "$label: no plaintext" 0 "$(grep -c "$MARKER" "$wire")"
	out=$(($(counter "$a" out_esp) - out)) in=$(($(counter "$a" in_esp) - in))
	is "$label: what we count was on the wire" "out $out in $in" \
		"out $(esp_on_wire 0x1001) in $(esp_on_wire 0x1002)"
	is "$label: xfrm counts the same" "out $out in $in" \
		"out $(their_packets "$b" 0x00001001) in $(their_packets "$b" 0x00001002)"
	is "$label: nothing is dropped" '' "$(drops "$a")"
	forget_recording
done 3<<-CASES
	gcm128 tunnel 10.1.0.1 10.1.0.2 10.10.1.1 10.10.2.1 4500 4500
	cbc128-sha256 transport 10.1.0.1 10.1.0.2 10.1.0.1 10.1.0.2 4500 4500
	gcm128 tunnel fd01::1 fd01::2 fd10:1::1 fd10:2::1 4500 4500
	chacha transport fd01::1 fd01::2 fd01::1 fd01::2 4500 61234
	gcm128 tunnel 10.1.0.1 10.1.0.2 fd10:1::1 fd10:2::1 1024 4501
	gcm128-esn tunnel fd01::1 fd01::2 10.10.1.1 10.10.2.1 4500 4500
CASES

# Beside IKE: what is not ESP of ours reaches the socket, as it was.
row gcm128
in_udp
our_udp transport 10.1.0.1 10.1.0.2 10.1.0.1 10.1.0.2 4500 4500
in_ns "$a" setkey -c <<<'spdflush;'
ip -n "$b" xfrm policy flush
ip -n "$b" xfrm state flush
kill "$socket"
wait "$socket" 2>/dev/null
ip netns exec "$a" python3 natt.py listen 4500 >/tmp/heard 2>&1 &
listener=$!
slowly grep -q ready /tmp/heard
before=$(counters "$a")
in_ns "$b" python3 natt.py foreign 10.1.0.1 4500 4500
slowly grep -q last /tmp/heard
is 'IKE and all that is foreign reaches the socket' "$(python3 natt.py expect)" \
	"$(grep -v ready /tmp/heard)"
is 'and keepalives do not' in_keepalive+2 "$(grown "$before" "$(counters "$a")")"
# Every length: up to 8 octets nothing is ESP; 36 octets and every fourth more can be.
before=$(counters "$a")
in_ns "$b" python3 natt.py lengths 10.1.0.1 4500 4500
slowly eval "[ \"\$(wc -l </tmp/heard)\" -ge 20 ]"
is 'ESP in UDP of every length from 0 to 80 octets' 'in_length+60 in_icv+12' \
	"$(grown "$before" "$(counters "$a")")"
before=$(counters "$a")
in_ns "$b" python3 natt.py esp 10.1.0.1
slowly eval "[ -n \"\$(grown \"\$before\" \"\$(counters $a)\")\" ]"
is 'ESP without UDP for an SA with it' in_encap+1 "$(grown "$before" "$(counters "$a")")"
kill "$listener"

# Transport mode: the outer source is whose packet it is. An SA of b's is good for no
# other address, or b could speak for the one that a policy names; but for any port, as a
# translator may change that.
ip netns exec "$a" python3 natt.py mappings >/tmp/mappings 2>&1 &
monitor=$!
slowly grep -q ready /tmp/mappings
mappings() { grep -v ready /tmp/mappings; }
while read -r end1 end2 other <&3; do
	our_udp transport "$end1" "$end2" "$end1" "$end2" 4500 4500
	in_ns "$a" setkey -c <<<"spdflush; spdadd $other $end1 any -P in ipsec esp/transport//require;"
	: >/tmp/heard
	ip netns exec "$a" python3 natt.py listen 9 >/tmp/heard 2>&1 &
	listener=$!
	slowly grep -q ready /tmp/heard
	dropped "an SA of $end2, and $other outside: in_peer" "$a" in_peer 1 \
		in_ns "$b" python3 natt.py sealed "$other" "$end1" 4500 0x1002 1 other
	before=$(counters "$a")
	in_ns "$b" python3 natt.py sealed "$end2" "$end1" 20000 0x1002 2 peer
	slowly grep -q "$(printf peer | xxd -p)" /tmp/heard
	slowly grep -q "$end2 20000$" /tmp/mappings
	is "another port of $end2 is heard, $other is not" "$(printf peer | xxd -p)" \
		"$(grep -v ready /tmp/heard)"
	is "by another port of $end2 nothing is dropped" '' "$(grown "$before" "$(counters "$a")")"
	is "the port of $end2 is told, $other is not" "4098 $end2 4500 $end2 20000" \
		"$(mappings | grep -F "$end2")"
	kill "$listener"
	wait "$listener" 2>/dev/null	# or its port may be taken still
done 3<<-CASES
	10.1.0.1 10.1.0.2 10.1.0.3
	fd01::1 fd01::2 fd01::3
CASES
kill "$monitor"
wait "$monitor" 2>/dev/null

# Through a translator: p is ours, behind n. From a it looks like n, at a port of
# n's choice, which is told once it is known by a good ICV.
host n
host p
link "$p" eth0 192.168.1.2/24 "$n" eth0 192.168.1.1/24
link "$n" eth1 10.2.0.254/24 "$a" eth1 10.2.0.1/24
ip -n "$p" route add default via 192.168.1.1
in_ns "$n" nft -f - <<-NFT
	table ip nat {
		chain post {
			type nat hook postrouting priority srcnat;
			oifname eth1 udp sport 4500 masquerade to :20000-20000
			oifname eth1 masquerade
		}
	}
NFT
address "$p" lo 10.30.0.2/32
address "$a" lo 10.30.0.1/32
ip -n "$p" route add 10.30.0.1 via 192.168.1.1 src 10.30.0.2
ip -n "$a" route add 10.30.0.2 via 10.2.0.254 src 10.30.0.1

# nat_side_a MODE SRC DST [FLAGS] - a knows n's address, and port 4500 of p
nat_side_a() {
	local out="esp/$1//require" in="esp/$1//require"

	[ "$1" = transport ] || {
		out=esp/tunnel/10.2.0.1-10.2.0.254/require
		in=esp/tunnel/10.2.0.254-10.2.0.1/require
	}
	put "$a" <<-RULES
		add 10.2.0.254[4500] 10.2.0.1[4500] esp-udp 0x5001 -m $1 -r 64 ${4:-} $(ours_algs);
		add 10.2.0.1[4500] 10.2.0.254[4500] esp-udp 0x5002 -m $1 -r 64 $(ours_algs);
		spdadd $2 $3 any -P out ipsec $out;
		spdadd $3 $2 any -P in ipsec $in;
	RULES
}
nat_side_p() {
	local out="esp/$1//require" in="esp/$1//require"

	[ "$1" = transport ] || {
		out=esp/tunnel/192.168.1.2-10.2.0.1/require
		in=esp/tunnel/10.2.0.1-192.168.1.2/require
	}
	put "$p" <<-RULES
		add 192.168.1.2[4500] 10.2.0.1[4500] esp-udp 0x5001 -m $1 -r 64 $(ours_algs);
		add 10.2.0.1[4500] 192.168.1.2[4500] esp-udp 0x5002 -m $1 -r 64 $(ours_algs);
		spdadd $2 $3 any -P out ipsec $out;
		spdadd $3 $2 any -P in ipsec $in;
	RULES
}
: >/tmp/mappings
ip netns exec "$a" python3 natt.py mappings >/tmp/mappings 2>&1 &
monitor=$!
slowly grep -q ready /tmp/mappings

row cbc128-sha256
in_udp
nat_side_a tunnel 10.30.0.1 10.30.0.2 '-f follow'
nat_side_p tunnel 10.30.0.2 10.30.0.1
record "$a" eth1
begun=$(counters "$a")
# The first answer goes to the port that was: how long that lasts is not ours.
slowly pings "$p" 10.30.0.1 1
try 'tunnel from behind a translator: pings' pings "$p" 10.30.0.1 10 1400 4000
is 'the port is told once' '20481 10.2.0.254 4500 10.2.0.254 20000' "$(mappings)"
try 'and followed: pings back' pings "$a" 10.30.0.2 10 1400 4000
try '3 MB out of it' transfer "$p" "$a" 10.30.0.1 3
try '3 MB into it' transfer "$a" "$p" 10.30.0.2 3
# A forgery from another port, and a replay of what was true: nothing is moved.
before=$(counters "$a")
in_ns "$n" python3 natt.py forge 10.2.0.1 4500 31000 0x5001
slowly eval "[ -n \"\$(grown \"\$before\" \"\$(counters $a)\")\" ]"
is 'a forgery from another port is dropped' in_icv+1 "$(grown "$before" "$(counters "$a")")"
try 'and moves nothing' pings "$a" 10.30.0.2 10
is 'nor is it told' 1 "$(mappings | wc -l)"
# The translator forgets, and takes another port.
in_ns "$n" nft flush chain ip nat post
in_ns "$n" nft add rule ip nat post oifname eth1 udp sport 4500 masquerade to :20001-20001
in_ns "$n" nft add rule ip nat post oifname eth1 masquerade
in_ns "$n" conntrack -F 2>/dev/null || { ip -n "$n" link set eth1 down; ip -n "$n" link set eth1 up; }
slowly pings "$p" 10.30.0.1 10
slowly eval "[ \"\$(grep -c 20001 /tmp/mappings)\" -gt 0 ]"
is 'another port is told once' \
	"$(printf '%s\n' '20481 10.2.0.254 4500 10.2.0.254 20000' '20481 10.2.0.254 20000 10.2.0.254 20001')" \
	"$(mappings)"
try 'and followed' pings "$a" 10.30.0.2 10
stop_recording
# n, too, says that a port is no more: type 3.
is 'all of it in UDP' 0 "$(on_wire "not udp and not (ip[6:2] & 0x1fff != 0) and not $LINK
	and not (icmp[0] == 3 and src 10.2.0.254)")"
is 'no plaintext' 0 "$(grep -c "$MARKER" "$wire")"
is 'nothing dropped but the forgery' in_icv+1 "$(grown "$begun" "$(counters "$a")")"
forget_recording

# Transport mode: checksums were made for addresses that are no more.
row gcm128
in_udp
nat_side_a transport 10.2.0.1 10.2.0.254 '-f follow'
nat_side_p transport 192.168.1.2 10.2.0.1
slowly pings "$p" 10.2.0.1 1
try 'transport from behind a translator: ping' pings "$p" 10.2.0.1 10 1400
try 'pings back' pings "$a" 10.2.0.254 10 1400
try '3 MB over TCP: its checksums are mended' transfer "$p" "$a" 10.2.0.1 3
kill "$monitor"
