#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --python --timeout 900
#
# leak-device.sh - devices that stand between routing and the wire: bridges with
# br_netfilter, VRFs
#
# h1 - sw (ours, a bridge) - h2 (ours);  v (ours, its device in a VRF) = w (ours)
# shellcheck source=selftests/net/lib.sh disable=SC2154
. ./lib.sh
trap finish EXIT

modprobe -a esplanade bridge br_netfilter vrf nft_ct nf_conntrack || exit 1
host h1
host sw
host h2
link "$h1" eth0 '10.5.0.11/24 fd05::11/64' "$sw" p1 ''
link "$h2" eth0 '10.5.0.12/24 fd05::12/64' "$sw" p2 ''
ip -n "$sw" link add br0 type bridge mcast_snooping 0
ip -n "$sw" link set p1 master br0
ip -n "$sw" link set p2 master br0
address "$sw" br0 '10.5.0.1/24 fd05::1/64'
ip -n "$h2" addr add 10.6.0.2/24 dev lo
ip -n "$h2" addr add fd06::2/64 dev lo
ip -n "$sw" route add 10.6.0.0/24 via 10.5.0.12
ip -n "$sw" route add fd06::/64 via fd05::12
ip -n "$h1" route add 10.6.0.0/24 via 10.5.0.1
ip -n "$h1" route add fd06::/64 via fd05::1
for host in "$h1" "$sw" "$h2"; do
	in_ns "$host" sysctl -qw net.ipv4.conf.all.send_redirects=0 \
		net.ipv4.conf.all.accept_redirects=0
done
in_ns "$sw" sysctl -qw net.bridge.bridge-nf-call-iptables=1 \
	net.bridge.bridge-nf-call-ip6tables=1
# Conntrack and a rule that wants it, as on a firewall.
in_ns "$sw" nft -f - <<-'NFT'
	table inet filter {
		chain input { type filter hook input priority 0; policy drop
			ct state established,related accept
			meta l4proto { esp, icmp, icmpv6, udp, tcp } accept; }
		chain forward { type filter hook forward priority 0; policy drop
			ct state invalid drop
			meta l4proto icmpv6 ct state untracked accept
			ct state new,established,related accept; }
	}
NFT

row gcm128
serve() { ip netns exec "$1" timeout 800 python3 leak.py echo "$2" 7 2>/dev/null & }
serves() { in_ns "$1" ss -Hlnt | grep -q "$2[]%a-z0-9]*:7 "; }
serve "$h2" 10.6.0.2
serve "$h2" fd06::2
serve "$h2" 10.5.0.12
slowly serves "$h2" 10.6.0.2
slowly serves "$h2" fd06::2
slowly serves "$h2" 10.5.0.12

talks() { echo 5 | in_ns "$1" python3 leak.py talk "${@:2}" | tail -n 1; }

# Bridged: h1 and h2 are neighbours. Policies of sw for them both are not asked.
in_ns "$sw" setkey -c <<-'RULES'
	spdadd 10.5.0.11 10.5.0.12 any -P out ipsec esp/transport//require;
	spdadd 10.5.0.12 10.5.0.11 any -P in ipsec esp/transport//require;
	spdadd 10.5.0.11 10.5.0.12 any -P in ipsec esp/transport//require;
	spdadd fd05::11 fd05::12 any -P out discard;
	spdadd fd05::11 fd05::12 any -P in discard;
RULES
record "$h2" eth0
try 'bridged, IPv4: passes' pings "$h1" 10.5.0.12 10 1400 4000
try 'bridged, IPv6: passes' pings "$h1" fd05::12 10 1400
is 'bridged: UDP' 5 "$(talks "$h1" udp 10.5.0.12 7)"
stop_recording
try 'bridged: as it is' grep -q "$MARKER" "$wire"
forget_recording
is 'bridged: the policies of the bridge are not asked' '' "$(drops "$sw")"

# To the bridge's own address, and routed from one port of it to the other.
routed() {	# MODE: what each end has
	rules transport 10.5.0.1 10.5.0.12 10.5.0.1 10.5.0.12 0x1001 0x1002
	rules tunnel 10.5.0.1 10.5.0.12 10.5.0.11 10.6.0.0/24 0x1003 0x1004
	rules tunnel fd05::1 fd05::12 fd05::11 fd06::/64 0x1005 0x1006
}

routed_too() {
	rules transport 10.5.0.12 10.5.0.1 10.5.0.12 10.5.0.1 0x1002 0x1001
	rules tunnel 10.5.0.12 10.5.0.1 10.6.0.0/24 10.5.0.11 0x1004 0x1003
	rules tunnel fd05::12 fd05::1 fd06::/64 fd05::11 0x1006 0x1005
}
routed | put "$sw"
routed_too | put "$h2"
record "$h2" eth0
try 'by the bridge: its own pings' pings "$sw" 10.5.0.12 10 1400 4000
try 'by the bridge: pings to it' pings "$h2" 10.5.0.1 10 1400 4000
is 'by the bridge: its own TCP' 5 "$(talks "$sw" tcp 10.5.0.12 7)"
for to in 10.6.0.2 fd06::2; do
	try "from port to port, to $to: pings" pings "$h1" $to 10 1300
	is "from port to port, to $to: UDP" 5 "$(talks "$h1" udp $to 7)"
	is "from port to port, to $to: TCP" 5 "$(talks "$h1" tcp $to 7)"
done
esp 60 'routed by the bridge: nothing but ESP'
is 'routed by the bridge: nothing dropped' '' "$(drops "$sw")"
put "$h2" </dev/null
dropped 'clear to the bridge: in_clear' "$sw" in_clear 1 \
	in_ns "$h2" ping -n -c 1 -W 1 10.5.0.1
ip -n "$h2" route add 10.5.0.11/32 via 10.5.0.1
dropped 'clear to be routed by the bridge: in_clear' "$sw" in_clear 1 \
	in_ns "$h2" ping -n -c 1 -W 1 -I 10.6.0.2 10.5.0.11

# VRF: once without a queue on its device, once with one, by which marks are lost.
host v
host w
link "$v" eth0 '' "$w" eth0 '10.1.0.2/24 fd00::2/64'
ip -n "$v" link add blue type vrf table 10
ip -n "$v" link set blue up
ip -n "$v" link set eth0 master blue
address "$v" eth0 '10.1.0.1/24 fd00::1/64'
ip -n "$v" route add table 10 unreachable default metric 4278198272
{
	rules transport 10.1.0.1 10.1.0.2 10.1.0.1 10.1.0.2
	rules transport fd00::1 fd00::2 fd00::1 fd00::2 0x1003 0x1004
} | put "$v"
{
	rules transport 10.1.0.2 10.1.0.1 10.1.0.2 10.1.0.1 0x1002 0x1001
	rules transport fd00::2 fd00::1 fd00::2 fd00::1 0x1004 0x1003
} | put "$w"
serve "$w" 10.1.0.2
serve "$w" fd00::2
slowly serves "$w" 10.1.0.2
slowly serves "$w" fd00::2

# A server in the VRF, of its own and not of all.
ip netns exec "$v" timeout 800 python3 leak.py echo 10.1.0.1 7 blue 2>/dev/null &
slowly serves "$v" 10.1.0.1

in_vrf() {	# LABEL
	local out

	for to in 10.1.0.2 fd00::2; do
		record "$w" eth0
		out=$(counter "$v" out_esp)
		try "VRF, $1, to $to: pings" in_ns "$v" ping -n -I blue -c 2 -W 10 \
			-p "$(marker_hex)" -s 1000 $to
		is "VRF, $1, to $to: UDP" 5 "$(talks "$v" udp $to 7 '' blue)"
		is "VRF, $1, to $to: TCP" 5 "$(talks "$v" tcp $to 7 '' blue)"
		# The server takes its time to close.
		sleep 0.6
		stop_recording
		out=$(($(counter "$v" out_esp) - out))
		is "VRF, $1, to $to: ESP once, and nothing else" "$out, 0, 0" "$(
			on_wire "$ESP and (src host 10.1.0.1 or src host fd00::1)"), $(
			on_wire "not $ESP and not $LINK"), $(grep -c "$MARKER" "$wire")"
		forget_recording
	done
	record "$w" eth0
	is "VRF, $1: a TCP server in it" 5 "$(talks "$w" tcp 10.1.0.1 7)"
	is "VRF, $1: a reset for a closed port" refused \
		"$(in_ns "$w" python3 leak.py refused 10.1.0.1 81)"
	try "VRF, $1: pinged" pings "$w" 10.1.0.1 10 1300
	esp 10 "VRF, $1: all of it ESP"
}
in_vrf 'no queue'

# From outside by a route to its device: what has been protected comes by once more.
ip -n "$v" route add 10.1.0.2/32 dev blue
out=$(counter "$v" out_esp)
record "$w" eth0
in_ns "$v" python3 leak.py send 10.1.0.2 9
esp 1 'VRF, by a route to it: all of it ESP'
is 'VRF, by a route to it: put on once' 1 "$(($(counter "$v" out_esp) - out))"
ip -n "$v" route del 10.1.0.2/32 dev blue

ip -n "$v" link set blue txqueuelen 1000
in_ns "$v" tc qdisc add dev blue root pfifo
in_vrf 'a queue'
is 'VRF: nothing dropped' '' "$(drops "$v")"
record "$w" eth0
in_ns "$v" setkey -F
in_ns "$v" python3 leak.py send 10.1.0.2 7 device=blue
in_ns "$v" python3 leak.py send fd00::2 7 device=blue
esp 0 'VRF: without SAs nothing leaves' || true
try 'VRF: for want of SAs' [ "$(counter "$v" out_no_sa)" -ge 2 ]
put "$w" </dev/null
dropped 'VRF: clear to it: in_clear' "$v" in_clear 1 \
	in_ns "$w" ping -n -c 1 -W 1 10.1.0.1
