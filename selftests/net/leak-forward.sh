#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --python --timeout 1200
#
# leak-forward.sh - what a gateway must protect does not leave it in clear, nor
# come in: flowtables, policies that change under warm flows, NAT, fragments
#
# left - gw1 (ours) = wire = gw2 (ours) - right, which echoes
# shellcheck source=selftests/net/lib.sh disable=SC2154
. ./lib.sh
trap finish EXIT

modprobe -a esplanade tun nft_nat nft_masq nft_ct || exit 1
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
serve() { ip netns exec "$1" timeout 800 python3 leak.py echo "$2" "$3" 2>/dev/null & }
serve "$right" 10.2.0.2 7
serve "$right" fd02::2 7
serve "$left" 10.1.0.2 7
slowly in_ns "$right" bash -c 'ss -Hlnt | grep -q 10.2.0.2:7 && ss -Hlnt | grep -q fd02::2'
slowly in_ns "$left" bash -c 'ss -Hlnt | grep -q 10.1.0.2:7'

# start HOST udp|tcp ADDRESS PORT [SOURCE] - a flow that stays; say N [SECONDS] -
# send that many messages by it, and put how many were answered in $said; stop it
start() {
	local host=$1

	shift
	coproc flow { ip netns exec "$host" python3 leak.py talk "$@" 2>&1; }
	read -r -t 60 said <&"${flow[0]}"
}

say() {
	echo "$*" >&"${flow[1]}"
	read -r -t 60 said <&"${flow[0]}"
}

stop() {
	local pid=$flow_PID

	eval "exec ${flow[1]}>&-"
	wait "$pid" 2>/dev/null
}

# hears NAME N SECONDS - of N messages by the flow all are answered; deaf: none is
hears() {
	say "$2" 3
	is "$1" "$2" "$said"
}

deaf() {
	say "$2" 0.2
	is "$1" 0 "$said"
}

# clear FILTER - packets of the recording that are so, and are neither ESP nor the link's own
clear() { on_wire "($*) and not $ESP and not $LINK"; }
FLOWS='(udp or tcp)'

# nothing_clear NAME [FILTER] - the recording ends: none so, and no plaintext
nothing_clear() {
	stop_recording
	is "$1" '0 packets, 0 markers' "$(clear "${2:-$FLOWS}") packets, $(
		tcpdump -nr "$wire" -w - "${2:-$FLOWS}" 2>/dev/null | grep -c "$MARKER") markers"
	forget_recording
}

offloaded() { in_ns "$gw1" conntrack -L 2>/dev/null | grep -c OFFLOAD; }

flowtable_on() {
	in_ns "$gw1" nft -f - <<-'NFT'
		table inet fast {
			flowtable ft { hook ingress priority 0; devices = { lan, wan }; }
			chain forward {
				type filter hook forward priority 0
				meta l4proto { tcp, udp } flow add @ft
			}
		}
	NFT
}

# The two gateways' rules: RULES gw1 has, and what they are for gw2.
tunnels() {
	rules tunnel 192.0.2.1 192.0.2.2 10.1.0.0/24 10.2.0.0/24
	rules tunnel fd00::1 fd00::2 fd01::/64 fd02::/64 0x1003 0x1004
}

tunnels_too() {
	rules tunnel 192.0.2.2 192.0.2.1 10.2.0.0/24 10.1.0.0/24 0x1002 0x1001
	rules tunnel fd00::2 fd00::1 fd02::/64 fd01::/64 0x1004 0x1003
}

protect() { tunnels | put "$gw1" && tunnels_too | put "$gw2"; }
expose() { put "$gw1" </dev/null && put "$gw2" </dev/null; }

# Before there are flowtables, policies come right after one for which conntrack's large
# table was gone through: no flowtable that is made afterwards takes their flow.
is 'no flowtables yet' 0 "$(grep -c '^nf_flow_table ' /proc/modules)"
in_ns "$gw1" nft -f - <<-'NFT'
	table inet tracked { chain forward { type filter hook forward priority 0; ct state new accept; }; }
NFT
sysctl -qw net.netfilter.nf_conntrack_buckets=262144 || exit 1
start "$left" udp 10.2.0.2 7
hears 'a flow that no policy covers' 5
{
	tunnels | grep -v spdadd
	echo 'spdadd 10.9.0.1 10.9.1.0 any -P out discard;'
	tunnels | grep spdadd
} | put "$gw1"
tunnels_too | put "$gw2"
modprobe -a nft_flow_offload nf_flow_table nf_flow_table_inet || exit 1
try 'policies, and then a flowtable' flowtable_on
record "$gw2" wan
hears 'the same flow goes on' 10
is 'it is not offloaded' 0 "$(offloaded)"
nothing_clear 'and none of it is clear'
stop
expose
in_ns "$gw1" nft flush ruleset

# Where there are flowtables a policy has its effect before it is answered, right after
# another, too.
sysctl -qw net.netfilter.nf_conntrack_buckets=1048576 || exit 1
try 'flowtable: set up, and a large table' flowtable_on
start "$left" udp 10.2.0.2 7
hears 'a flow that no policy covers' 5
try 'is offloaded' [ "$(offloaded)" -gt 0 ]
in_ns "$gw1" python3 keyer.py discard 10.9.0.1/32-10.9.1.0/32 10.1.0.0/24-10.2.0.0/24 -- \
	conntrack -L >/tmp/flows 2>/tmp/errors
try 'conntrack knows it' grep -q 'udp.* src=10.1.0.2 dst=10.2.0.2 .*dport=7' /tmp/flows
is 'and when a second policy is answered it is not offloaded any more' 0 \
	"$(grep -c OFFLOAD /tmp/flows)"
stop
expose
in_ns "$gw1" nft flush ruleset
sysctl -qw net.netfilter.nf_conntrack_buckets=262144

# Flowtables. First that there is something to see: without policies flows are
# offloaded, and a capture shows them.
try 'flowtable: set up' flowtable_on
flowtables() {	# LABEL KIND ADDRESS
	record "$gw2" wan
	start "$left" "$2" "$3" 7
	hears "$1: a flow that no policy covers" 5
	try "$1: is offloaded" [ "$(offloaded)" -gt 0 ]
	stop_recording
	try "$1: and seen in clear" grep -q "$MARKER" "$wire"
	forget_recording
	# The policies come while it is under way.
	record "$gw2" wan
	protect
	hears "$1: the same flow, once policies have come" 10
	is "$1: is not offloaded any more" 0 "$(offloaded)"
	nothing_clear "$1: and none of it is clear" "$FLOWS"
	stop
	record "$gw2" wan
	start "$left" "$2" "$3" 7
	hears "$1: a new flow" 10
	is "$1: is not offloaded" 0 "$(offloaded)"
	nothing_clear "$1: and none of it is clear"
	# The SAs go, the policies stay.
	record "$gw2" wan
	in_ns "$gw1" setkey -F
	deaf "$1: without SAs it stops" 3
	try "$1: for want of SAs" [ "$(counter "$gw1" out_no_sa)" -gt 0 ]
	nothing_clear "$1: and none of it is clear"
	stop
	expose
}
flowtables 'UDP, IPv4' udp 10.2.0.2
flowtables 'UDP, IPv6' udp fd02::2
flowtables 'TCP, IPv4' tcp 10.2.0.2
flowtables 'TCP, IPv6' tcp fd02::2

# A flow begun by the right: only its answers are what a policy covers.
rules tunnel 192.0.2.1 192.0.2.2 10.1.0.0/24 10.2.0.0/24 | grep -v 'P in' | put "$gw1"
rules tunnel 192.0.2.2 192.0.2.1 10.2.0.0/24 10.1.0.0/24 0x1002 0x1001 |
	grep -v 'P out' | put "$gw2"
record "$gw2" wan
start "$right" udp 10.1.0.2 7
hears 'a flow of which only the answers are protected' 10
is 'is not offloaded' 0 "$(offloaded)"
stop_recording
is 'its answers are never clear' 0 "$(clear "src host 10.1.0.2")"
is 'the rest is' 10 "$(clear "dst host 10.1.0.2")"
forget_recording
stop
# The same, but the flow is there before the policy is.
expose
start "$right" udp 10.1.0.2 7
hears 'the same flow before there is a policy' 5
rules tunnel 192.0.2.1 192.0.2.2 10.1.0.0/24 10.2.0.0/24 | grep -v 'P in' | put "$gw1"
rules tunnel 192.0.2.2 192.0.2.1 10.2.0.0/24 10.1.0.0/24 0x1002 0x1001 |
	grep -v 'P out' | put "$gw2"
record "$gw2" wan
hears 'and when it has come' 10
stop_recording
is 'its answers are not clear from then on' 0 "$(clear "src host 10.1.0.2")"
forget_recording
stop

# A policy that is replaced; one that hid another and goes.
protect
in_ns "$gw1" setkey -c <<-RULES
	spdadd 10.1.0.0/24[any] 10.2.0.2[7] udp -P out prio def + 1 none;
	spdadd 10.2.0.2[7] 10.1.0.0/24[any] udp -P in prio def + 1 none;
RULES
in_ns "$gw2" setkey -c <<-RULES
	spdadd 10.1.0.0/24[any] 10.2.0.2[7] udp -P in prio def + 1 none;
	spdadd 10.2.0.2[7] 10.1.0.0/24[any] udp -P out prio def + 1 none;
RULES
start "$left" udp 10.2.0.2 7
hears 'a flow that is to be clear' 5
try 'is offloaded' [ "$(offloaded)" -gt 0 ]
record "$gw2" wan
protect
hears 'when that policy has gone' 10
nothing_clear 'it is not clear any more'
record "$gw2" wan
in_ns "$gw1" setkey -c <<-RULES
	spdupdate 10.1.0.0/24 10.2.0.0/24 any -P out discard;
RULES
deaf 'the policy becomes discard: the flow stops' 3
is 'and is counted' 3 "$(counter "$gw1" out_discard)"
nothing_clear 'and none of it is clear'
stop

# What must not come in clear does not by a flowtable either.
expose
start "$left" udp 10.2.0.2 7
hears 'a clear flow' 5
in_ns "$gw1" setkey -c <<-RULES
	spdadd 10.2.0.0/24 10.1.0.0/24 any -P in ipsec esp/tunnel/192.0.2.2-192.0.2.1/require;
RULES
before=$(counter "$gw1" in_clear)
deaf 'whose answers must be protected, now: they do not come' 5
is 'in_clear counts them' $((before + 5)) "$(counter "$gw1" in_clear)"
stop

# NAT. Policies are about the wire: the source as masquerading makes it.
in_ns "$gw1" nft -f - <<-'NFT'
	table ip nat {
		chain post { type nat hook postrouting priority srcnat
			oifname wan ip daddr 10.2.0.0/24 masquerade; }
		chain pre { type nat hook prerouting priority dstnat
			iifname wan udp dport 8007 dnat to 10.1.0.2:7; }
	}
NFT
expose
start "$left" udp 10.2.0.2 7
hears 'NAT: a clear flow' 5
record "$gw2" wan
rules tunnel 192.0.2.1 192.0.2.2 192.0.2.1 10.2.0.0/24 | put "$gw1"
rules tunnel 192.0.2.2 192.0.2.1 10.2.0.0/24 192.0.2.1 0x1002 0x1001 | put "$gw2"
hears 'NAT: protected, by the addresses it has on the wire' 10
is 'NAT: it is not offloaded' 0 "$(offloaded)"
stop
start "$left" tcp 10.2.0.2 7
hears 'NAT: a new flow' 10
stop
nothing_clear 'NAT: none of them is clear'
put "$gw2" </dev/null
in_ns "$gw1" setkey -c <<<'spddelete 192.0.2.1 10.2.0.0/24 any -P out;'
start "$left" udp 10.2.0.2 7
dropped 'NAT: clear answers do not come in' "$gw1" in_clear 3 say 3 0.3
is 'NAT: none of them' 0 "$said"
stop
dropped 'NAT: nor do errors' "$gw1" in_clear 1 \
	in_ns "$left" python3 leak.py send 10.2.0.2 1234
dropped 'NAT: nor what a rule sends on to a host inside' "$gw1" in_clear 1 \
	in_ns "$right" python3 leak.py send 192.0.2.1 8007
dropped 'NAT: nor echo replies' "$gw1" in_clear 1 \
	in_ns "$left" ping -n -c 1 -W 1 10.2.0.2
in_ns "$gw1" nft flush ruleset

# Fragments of datagrams to a protected port; others to that host are clear. There
# is no way by which a fragment of them gets out as it came.
{
	rules tunnel 192.0.2.1 192.0.2.2 10.1.0.0/24 '10.2.0.0/24[7777]' | sed 's/ any -P/ udp -P/'
	rules tunnel fd00::1 fd00::2 fd01::/64 'fd02::/64[7777]' 0x1003 0x1004 | sed 's/ any -P/ udp -P/'
} | put "$gw1"
put "$gw2" </dev/null
record "$gw2" wan
for kind in plain options lying tiny; do
	in_ns "$left" python3 leak.py fragments 10.1.0.2 10.2.0.2 7777 "$kind"
	in_ns "$left" python3 leak.py fragments fd01::2 fd02::2 7777 "$kind"
done
in_ns "$left" python3 leak.py send 10.2.0.2 7777
in_ns "$left" python3 leak.py send fd02::2 7777 dstopts
in_ns "$left" python3 leak.py send fd02::2 7777 hopopts
in_ns "$left" python3 leak.py send 10.2.0.2 7778
nothing_clear 'a protected port: neither fragments nor whole datagrams are clear' \
	"ip6 host fd02::2 or (host 10.2.0.2 and not port 7778 and not icmp)"

# A virtual machine's packets come with a checksum that is not computed yet, and it says
# where that is.
mac=$(ip -n "$gw1" -br link show lan | awk '{print $3}')
unsummed() { in_ns "$left" python3 leak.py unsummed "$mac" 10.1.0.2 10.2.0.2 7777 "$@"; }
before=$(counter "$gw1" out_esp)
more_esp() { [ "$(counter "$gw1" out_esp)" -gt "$before" ]; }
unsummed 34 6
slowly more_esp
is 'a checksum that is to be computed: the packet is protected' $((before + 1)) \
	"$(counter "$gw1" out_esp)"
for at in '20 10' '33 2'; do
	# shellcheck disable=SC2086 # two numbers
	dropped "a checksum from $at on, within the IP header: the packet is lost" \
		"$gw1" out_header 1 unsummed $at
done
# A tap takes it as it comes, and the kernel believes it even in front of the IP header,
# until some time before 6.12.
before=$(counter "$gw1" out_header)
said=$(in_ns "$gw1" python3 leak.py tapped 02:00:00:00:00:02 10.1.0.2 10.2.0.2 7777 2 4)
is 'a checksum in front of the IP header: the packet is lost, or refused by the kernel' yes \
	"$([ "$said" = 'Invalid argument' ] || [ "$(counter "$gw1" out_header)" = $((before + 1)) ] &&
		echo yes)"
