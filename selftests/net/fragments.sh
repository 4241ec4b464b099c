#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --python --timeout 600
#
# fragments.sh - fragments, and policies for a port, on a gateway
#
# left - gw1 (ours) = gw2 (ours) - right. What goes to UDP port 7777, or comes
# from it, goes by ESP; all else in clear.
# shellcheck source=selftests/net/lib.sh disable=SC2154
. ./lib.sh
trap finish EXIT

modprobe esplanade || exit 1
host left
host gw1
host gw2
host right
link "$left" eth0 '10.1.0.2/24 fd01::2/64' "$gw1" lan '10.1.0.1/24 fd01::1/64'
link "$gw1" wan '192.0.2.1/24 fd00::1/64' "$gw2" wan '192.0.2.2/24 fd00::2/64'
link "$gw2" lan '10.2.0.1/24 fd02::1/64' "$right" eth0 '10.2.0.2/24 fd02::2/64'
ip -n "$left" route add default via 10.1.0.1
ip -n "$left" route add default via fd01::1
ip -n "$right" route add default via 10.2.0.1
ip -n "$right" route add default via fd02::1
ip -n "$gw1" route add 10.2.0.0/24 via 192.0.2.2
ip -n "$gw2" route add 10.1.0.0/24 via 192.0.2.1
ip -n "$gw1" route add fd02::/64 via fd00::2
ip -n "$gw2" route add fd01::/64 via fd00::1
row gcm128

# gateway HOST OUT IN - its rules, for the nets of the left and the right
gateway() {
	local one l r ours theirs

	{
		echo "add 192.0.2.1 192.0.2.2 esp 0x1001 -m tunnel -r 64 $(ours_algs);"
		echo "add 192.0.2.2 192.0.2.1 esp 0x1002 -m tunnel -r 64 $(ours_algs);"
		for one in '10.1.0.0/24 10.2.0.0/24' 'fd01::/64 fd02::/64'; do
			read -r l r <<<"$one"
			ours=esp/tunnel/192.0.2.1-192.0.2.2/require
			theirs=esp/tunnel/192.0.2.2-192.0.2.1/require
			echo "spdadd $l ${r}[7777] udp -P $2 ipsec $ours;"
			echo "spdadd ${r}[7777] $l udp -P $3 ipsec $theirs;"
		done
	} | put "$1"
}
gateway "$gw1" out in
gateway "$gw2" in out

mac=$(ip -n "$gw1" -br link show lan | awk '{print $3}')

arrives() {
	local status

	in_ns "$right" timeout 60 python3 fragments.py listen "$1" "$2" &
	local listener=$!
	slowly eval "ip netns exec '$right' ss -Hlun 'sport = :$2' | grep -q ."
	in_ns "$left" python3 fragments.py send "$mac" "$@"
	wait "$listener"
	status=$?
	return $status
}

for case in '10.2.0.2 order' '10.2.0.2 backwards' '10.2.0.2 twice' 'fd02::2 order' \
	'fd02::2 backwards' 'fd02::2 twice'; do
	read -r to how <<<"$case"
	before=$(counters "$gw1")
	record "$gw1" wan
	try "$to $how: a datagram to the port arrives" arrives "$to" 7777 "$how"
	stop_recording
	only_esp "$to $how: by ESP and nothing else"
	forget_recording
	record "$gw1" wan
	try "$to $how: one to another port arrives" arrives "$to" 8888 "$how"
	stop_recording
	is "$to $how: in clear" 0 "$(on_wire "$ESP")"
	forget_recording
	# IPv4 says of a fragment that came twice that it is in error; IPv6 says nothing.
	[ "$to $how" = '10.2.0.2 twice' ] && spare=in_fragment+2 || spare=
	is "$to $how: nothing else is dropped" "$spare" "$(grown "$before" "$(counters "$gw1")")"
done

# Half a datagram is not sent on, neither way.
record "$gw1" wan
for to in 10.2.0.2 fd02::2; do
	for how in nofirst nolast; do
		in_ns "$left" python3 fragments.py send "$mac" "$to" 7777 "$how"
		in_ns "$left" python3 fragments.py send "$mac" "$to" 8888 "$how"
	done
done
# A first fragment that ends before the ports: nobody would put that together (RFC
# 8200 section 4.5), so that the policy cannot be asked.
for port in 7777 8888; do
	dropped "ports behind the first fragment, $port: out_fragment" "$gw1" out_fragment 1 \
		in_ns "$left" python3 fragments.py send "$mac" fd02::2 $port hidden
done
try 'a ping gets by them' in_ns "$left" ping -n -c 1 -W 5 10.2.0.2
stop_recording
is 'what never gets whole does not leave' 2 "$(on_wire "not $LINK")"
forget_recording

# And what comes in clear to a port of a policy is found out, too.
for to in 10.1.0.2 fd01::2; do
	in_ns "$gw2" setkey -c <<<'spdflush;'
	theirs=$(ip -n "$gw2" -br link show lan | awk '{print $3}')
	dropped "$to: clear fragments from the port: in_clear" "$gw1" in_clear 1 \
		in_ns "$right" python3 fragments.py send "$theirs" "$to" 8888 order 7777
done
