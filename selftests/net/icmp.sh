#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --python --timeout 600
#
# icmp.sh - ICMP errors: about our packets, and about what is inside them
#
# left - gw1 (ours) = router = gw2 (ours, or xfrm) - right
# shellcheck source=selftests/net/lib.sh disable=SC2154
. ./lib.sh
trap finish EXIT

modprobe -a esplanade esp4 esp6 xfrm_user || exit 1
host left
host gw1
host router
host gw2
host right
link "$left" eth0 '10.1.0.2/24 fd01::2/64' "$gw1" lan '10.1.0.1/24 fd01::1/64'
link "$gw1" wan '192.0.2.1/24 fd00:a::1/64' "$router" west '192.0.2.9/24 fd00:a::9/64'
link "$router" east '198.51.100.9/24 fd00:b::9/64' "$gw2" wan '198.51.100.2/24 fd00:b::2/64'
link "$gw2" lan '10.2.0.1/24 fd02::1/64' "$right" eth0 '10.2.0.2/24 fd02::2/64'
ip -n "$left" route add default via 10.1.0.1
ip -n "$left" route add default via fd01::1
ip -n "$right" route add default via 10.2.0.1
ip -n "$right" route add default via fd02::1
ip -n "$gw1" route add default via 192.0.2.9
ip -n "$gw1" route add default via fd00:a::9
ip -n "$gw2" route add default via 198.51.100.9
ip -n "$gw2" route add default via fd00:b::9

declare -A wan=([4]='192.0.2.1 198.51.100.2' [6]='fd00:a::1 fd00:b::2')
declare -A nets=([4]='10.1.0.0/24 10.2.0.0/24' [6]='fd01::/64 fd02::/64')
declare -A address=([4]=10.2.0.2 [6]=fd02::2)
declare -A header=([4]=20 [6]=40)
row gcm128
# The file that goes over TCP: smaller than elsewhere.

# narrow_to MTU - the far half of the way, after nobody knows of any MTU
narrow_to() {
	local host device=$1 lock=()

	# A device of 576 octets would lose its IPv6: the IPv4 route has it alone.
	[ "$1" -ge 1280 ] || device=1500 lock=(mtu lock "$1")
	ip -n "$router" link set east mtu "$device"
	ip -n "$gw2" link set wan mtu "$device"
	# A cable carries as much at one end as at the other.
	ip -n "$router" route replace 198.51.100.2/32 dev east "${lock[@]}"
	ip -n "$gw2" route replace default via 198.51.100.9 "${lock[@]}"
	for host in "$left" "$gw1" "$router" "$gw2" "$right"; do
		ip -n "$host" route flush cache
		ip -n "$host" -6 route flush cache
	done
}

# between INNER OUTER - both gateways' rules
between() {
	local end1 end2 net1 net2

	read -r end1 end2 <<<"${wan[$2]}"
	read -r net1 net2 <<<"${nets[$1]}"
	ours "$gw1" tunnel "$end1" "$end2" "$net1" "$net2"
	ours_too "$gw2" tunnel "$end1" "$end2" "$net1" "$net2"
}

# A router on the way has a smaller MTU, says so in clear, and is believed. The
# packet that it says it about is lost; nothing is after that.
for case in '4 4 1280' '6 6 1280' '4 6 1280' '6 4 1280' '4 4 576' '6 4 576'; do
	read -r in out mtu <<<"$case"
	label="IPv$in in IPv$out, a path of $mtu"
	between "$in" "$out"
	narrow_to "$mtu"
	before=$(counters "$gw1")
	record "$gw2" wan
	try "$label: a file gets through" transfer "$left" "$right" "${address[$in]}" 2
	stop_recording
	only_esp "$label: by ESP and nothing else"
	forget_recording
	after=$(counters "$gw1")
	is "$label: the router was believed, and nothing else lost" in_pmtu \
		"$(grown "$before" "$after" | sed 's/out_too_big[^ ]* *//; s/+.*//')"
	# GCM: 8 + 8 + 16, whole words, less 2; an IPv6 sender hears 1280 or more.
	room=$((mtu - header[$out] - 32))
	fits=$((room - room % 4 - 2))
	[ "$in" = 4 ] || fits=$((fits < 1280 ? 1280 : fits))
	ip -n "$left" route flush cache
	ip -n "$left" -6 route flush cache
	told=$(in_ns "$left" ping -n -c 1 -W 1 -M "do" -s 1400 "${address[$in]}" 2>&1 |
		sed -n 's/.*mtu *[=:] *\([0-9]*\).*/\1/p' | head -n 1)
	is "$label: the sender hears the exact inner MTU" "$fits" "$told"
	try "$label: a packet of just that size comes through" in_ns "$left" \
		ping -n -c 1 -W 5 -M "do" -s $((fits - header[$in] - 8)) "${address[$in]}"
done

# The same for a host's own transport mode.
for out in 4 6; do
	read -r end1 end2 <<<"${wan[$out]}"
	ours "$gw1" transport "$end1" "$end2" "$end1" "$end2"
	ours_too "$gw2" transport "$end1" "$end2" "$end1" "$end2"
	narrow_to 1280
	before=$(counters "$gw1")
	try "IPv$out, transport, a path of 1280: a file gets through" \
		transfer "$gw1" "$gw2" "$end2" 2
	is "IPv$out, transport: the router was believed, and nothing else lost" in_pmtu \
		"$(grown "$before" "$(counters "$gw1")" | sed 's/+.*//')"
done

# Who has not seen our packets cannot tell us anything.
narrow_to 1500
mac=$(ip -n "$gw1" -br link show wan | awk '{print $3}')
for out in 4 6; do
	between "$out" "$out"
	pings "$left" "${address[$out]}" 10 10 10 >/dev/null || fail "IPv$out: pings"
	in_ns "$router" python3 icmp.py forge "$gw1" "$mac" "$tests" "$out" 0x1001 \
		3 | tee /tmp/sent
	tally /tmp/sent
	grep -q '^sent all$' /tmp/sent || fail 'icmp.py came to its end'
	narrow_to 1500
done

# Every hop answers a traceroute, the far gateway with its protected side.
# hop NAME FROM TTL TO WANTED
hop() {
	local from

	from=$(in_ns "$2" ping -n -c 1 -W 5 -t "$3" "$4" 2>/dev/null |
		sed -n 's/^From \([^ ]*\) .*exceeded.*/\1/p; s/.*bytes from \([^ ]*\): .*/\1/p')
	is "$1: hop $3" "$5" "$from"
}

hops() {
	record "$gw1" wan
	hop "$1, IPv4" "$left" 1 10.2.0.2 10.1.0.1
	hop "$1, IPv4" "$left" 2 10.2.0.2 10.2.0.1
	hop "$1, IPv4" "$left" 3 10.2.0.2 10.2.0.2
	hop "$1, IPv6" "$left" 1 fd02::2 fd01::1
	hop "$1, IPv6" "$left" 2 fd02::2 fd02::1
	hop "$1, IPv6" "$left" 3 fd02::2 fd02::2
	stop_recording
	only_esp "$1: all of it by ESP"
	forget_recording
}

# both PROTOCOL - rules for both families at once, over IPv4, for one protocol
both() {
	local proto=$1 host end1 end2 one

	for host in "$gw1" "$gw2"; do
		{
			echo "add 192.0.2.1 198.51.100.2 esp 0x1001 -m tunnel -r 64 $(ours_algs);"
			echo "add 198.51.100.2 192.0.2.1 esp 0x1002 -m tunnel -r 64 $(ours_algs);"
			for one in '10.1.0.0/24 10.2.0.0/24' 'fd01::/64 fd02::/64'; do
				read -r end1 end2 <<<"$one"
				[ "$host" = "$gw1" ] && one=out || one=in
				echo "spdadd $end1 $end2 $proto -P $one ipsec esp/tunnel/192.0.2.1-198.51.100.2/require;"
				[ "$host" = "$gw1" ] && one=in || one=out
				echo "spdadd $end2 $end1 $proto -P $one ipsec esp/tunnel/198.51.100.2-192.0.2.1/require;"
			done
		} | put "$host"
	done
}
both any
hops 'both ours'

# An error from behind the far gateway, which no policy covers by itself, belongs
# to the flow that it is about.
# unreachable ADDRESS - the sender hears that nobody listens
unreachable() {
	in_ns "$left" python3 - "$1" <<-'PY'
		import socket, sys
		sock = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
		sock.settimeout(5)
		sock.connect((sys.argv[1], 9))
		sock.send(b"PLAINTEXT-MARKER")
		try:
		    sock.recv(1)
		except ConnectionRefusedError:
		    sys.exit(0)
		sys.exit(1)
	PY
}
both udp
before=$(counters "$gw1")
record "$gw1" wan
try 'a policy for UDP alone: port unreachable comes back, IPv4' unreachable 10.2.0.2
try 'a policy for UDP alone: port unreachable comes back, IPv6' unreachable fd02::2
stop_recording
only_esp 'and comes by ESP'
forget_recording
is 'nothing was dropped on the way' '' "$(grown "$before" "$(counters "$gw1")")"
dropped 'such errors in clear are not of that flow: in_clear' "$gw1" in_clear 2 \
	in_ns "$router" python3 icmp.py inside west "$mac"

# The other way round: our gateway's errors are such as xfrm admits.
between 4 4
theirs "$gw1" tunnel 192.0.2.1 198.51.100.2 10.1.0.0/24 10.2.0.0/24 0x1002 0x1001
in_ns "$gw1" setkey -c <<<'flush; spdflush;'
# xfrm shows what it has opened to its own device: look at ours.
record "$gw2" wan
hop 'xfrm asks, we answer' "$left" 2 10.2.0.2 10.2.0.1
hop 'xfrm asks, we answer' "$left" 3 10.2.0.2 10.2.0.2
stop_recording
only_esp 'xfrm asks, we answer: by ESP'
forget_recording
