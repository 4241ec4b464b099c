#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --python --timeout 900
#
# leak-tunnel.sh - what goes into tunnel devices: ESP of ours, packets of sockets that pass
# by the SPD, super-packets; and what a hub says of packets that came by one tunnel of ours
# and leave by another
#
# a (ours) - b (ours) - right;  left - s1 (ours), hub (ours), s2 (ours) on one bridge
# shellcheck source=selftests/net/lib.sh disable=SC2016,SC2154
. ./lib.sh
trap finish EXIT

modprobe -a esplanade l2tp_eth l2tp_netlink ip_gre vxlan bridge nft_chain_nat \
	nft_nat nft_ct nf_conntrack_ftp nf_nat_ftp || exit 1
host a
host b
link "$a" eth0 10.1.0.1/24 "$b" eth0 10.1.0.2/24
row gcm128

# devices HOST OURS THEIRS NUMBER - l2, gre1 and vx1, with addresses that end in NUMBER
devices() {
	ip -n "$1" l2tp add tunnel tunnel_id 1 peer_tunnel_id 1 encap udp local "$2" \
		remote "$3" udp_sport 1701 udp_dport 1701 udp_csum on
	ip -n "$1" l2tp add session name l2 tunnel_id 1 session_id 1 peer_session_id 1
	ip -n "$1" link add gre1 type gre local "$2" remote "$3" ttl 64
	ip -n "$1" link add vx1 type vxlan id 7 local "$2" remote "$3" dstport 4789 \
		dev eth0 udpcsum
	address "$1" l2 "10.7.0.$4/24"
	address "$1" gre1 "10.8.0.$4/24"
	address "$1" vx1 "10.9.0.$4/24"
}
devices "$a" 10.1.0.1 10.1.0.2 1
devices "$b" 10.1.0.2 10.1.0.1 2
for to in 10.7.0.2 10.8.0.2 10.9.0.2; do
	try "in clear, to $to" pings "$a" $to 10
	ip netns exec "$b" timeout 800 python3 leak.py echo $to 7 2>/dev/null &
	slowly eval 'in_ns "$b" ss -Hlnt | grep -q "$to:7 "'
done

# Protected within, and once more without: what marks the one must not spare the other.
outside() { rules transport 10.1.0.1 10.1.0.2 10.1.0.1 10.1.0.2; }
outside_too() { rules transport 10.1.0.2 10.1.0.1 10.1.0.2 10.1.0.1 0x1002 0x1001; }
# within OURS THEIRS OUT IN - the same in each tunnel; the ends of addresses, and of SPIs
within() {
	local net

	for net in 7 8 9; do
		rules transport "10.$net.0.$1" "10.$net.0.$2" "10.$net.0.$1" "10.$net.0.$2" \
			0x$(($3 + 10 * net)) 0x$(($4 + 10 * net))
	done
}
{ outside; within 1 2 1001 1002; } | put "$a"
{ outside_too; within 2 1 1002 1001; } | put "$b"
for to in 10.7.0.2 10.8.0.2 10.9.0.2; do
	record "$b" eth0
	try "ESP in a tunnel, to $to: pings" pings "$a" $to 10 1000
	esp 4 "ESP in a tunnel, to $to: in ESP"
done

# A socket passes by the SPD with what it sends; the tunnel around that does not.
outside | put "$a"
outside_too | put "$b"
for to in 10.7.0.2 10.8.0.2 10.9.0.2; do
	record "$b" eth0
	is "a socket that passes by the SPD, to $to" PLAINTEXT-MARKER \
		"$(in_ns "$a" python3 skpol.py ask $to 7 in out 2>&1)"
	esp 2 "a socket that passes by the SPD, to $to: in ESP"
done

# Larger than fits, by a socket of TCP: it is the tunnel's packet that is to be cut.
for to in 10.7.0.2 10.8.0.2 10.9.0.2; do
	record "$b" eth0
	try "TCP in a tunnel, to $to: a file" timeout 60 bash -c \
		". ./lib.sh; transfer '$a' '$b' $to 1"
	esp 500 "TCP in a tunnel, to $to: in ESP"
done

# A signed segment is not to be cut, and goes whole.
is 'TCP with signatures, as large as fits: 100 kB' 100000 \
	"$(timeout 60 python3 leak-tunnel.py "$a" "$b" 10.1.0.2)"

# Whom the peer forwards it to looks at checksums again. The port is none that tcpdump knows,
# which looks at those of others only.
host right
link "$b" lan 10.2.0.1/24 "$right" eth0 10.2.0.2/24
ip -n "$right" route add default via 10.2.0.1
ip -n "$a" route add 10.2.0.0/24 via 10.1.0.2
ip -n "$a" link add vx2 type vxlan id 8 local 10.1.0.1 remote 10.2.0.2 dstport 7777 dev eth0 \
	udpcsum
ip -n "$right" link add vx2 type vxlan id 8 local 10.2.0.2 remote 10.1.0.1 dstport 7777 \
	dev eth0 udpcsum
address "$a" vx2 10.19.0.1/24
address "$right" vx2 10.19.0.2/24
ours "$a" tunnel 10.1.0.1 10.1.0.2 10.1.0.1 10.2.0.0/24
ours_too "$b" tunnel 10.1.0.1 10.1.0.2 10.1.0.1 10.2.0.0/24
record "$right" eth0 -s 1600
try 'super-packets of a tunnel, to be forwarded: a file' timeout 60 bash -c \
	". ./lib.sh; transfer '$a' '$right' 10.19.0.2 1"
stop_recording
is 'super-packets of a tunnel, to be forwarded: their checksums are right' 'large, 0 bad' "$(
	[ "$(on_wire 'src host 10.1.0.1 and greater 1300')" -gt 500 ] && echo large,) $(
	tcpdump -vvnr "$wire" src host 10.1.0.1 2>/dev/null | grep -c 'bad udp cksum') bad"
forget_recording

# A hub: packets that leave by the device that they came by, and whose sender is a neighbour,
# have IP tell the sender of a better way, with a copy of them.
host sw
host hub
host s1
host s2
host left
ip -n "$sw" link add br0 type bridge mcast_snooping 0
ip -n "$sw" link set br0 up
n=0
for one in "$hub 10.5.0.1 fd05::1" "$s1 10.5.0.2 fd05::2" "$s2 10.5.0.3 fd05::3"; do
	read -r name four six <<<"$one"
	link "$name" eth0 "$four/24 $six/64" "$sw" p$((n += 1)) ''
	ip -n "$sw" link set p$n master br0
done
address "$s2" lo '10.6.0.1/32 fd06::1/128'
link "$left" eth0 10.4.0.2/24 "$s1" lan 10.4.0.1/24
ip -n "$left" route add default via 10.4.0.1
ip -n "$s1" route add 10.6.0.0/24 via 10.5.0.1
ip -n "$s1" route add fd06::/64 via fd05::1
ip -n "$hub" route add 10.6.0.0/24 via 10.5.0.3
ip -n "$hub" route add fd06::/64 via \
	"$(ip -n "$s2" -6 -br addr show dev eth0 scope link | awk '{sub("/.*", "", $3); print $3}')" \
	dev eth0
{
	rules tunnel 10.5.0.2 10.5.0.1 10.5.0.2 10.6.0.0/24 0x2001 0x2002
	rules tunnel fd05::2 fd05::1 fd05::2 fd06::/64 0x2005 0x2006
} | put "$s1"
{
	rules tunnel 10.5.0.1 10.5.0.2 10.6.0.0/24 10.5.0.2 0x2002 0x2001
	rules tunnel 10.5.0.1 10.5.0.3 10.5.0.2 10.6.0.0/24 0x2003 0x2004
	rules tunnel fd05::1 fd05::2 fd06::/64 fd05::2 0x2006 0x2005
	rules tunnel fd05::1 fd05::3 fd05::2 fd06::/64 0x2007 0x2008
} | put "$hub"
{
	rules tunnel 10.5.0.3 10.5.0.1 10.6.0.0/24 10.5.0.2 0x2004 0x2003
	rules tunnel fd05::3 fd05::1 fd06::/64 fd05::2 0x2008 0x2007
} | put "$s2"
for to in 10.6.0.1 fd06::1; do
	record "$hub" eth0 -s 1600
	try "by a hub, to $to: pings" pings "$s1" $to 10 1000 1000
	esp 12 "by a hub, to $to: no redirect, nothing but ESP"
done

# An error goes as what it quotes would: where that is discarded, it is.
in_ns "$hub" setkey -c <<-'RULES'
	spddelete 10.6.0.0/24 10.5.0.2 any -P out;
	spdadd 10.6.0.0/24 10.5.0.2 any -P out discard;
RULES
record "$hub" eth0 -s 1600
dropped 'by a hub: an error that quotes what is discarded: out_discard' "$hub" out_discard 1 \
	in_ns "$s1" ping -n -c 1 -W 1 -t 1 -p "$(marker_hex)" 10.6.0.1
esp 1 'by a hub: and nothing of it is seen'
in_ns "$hub" setkey -c <<-'RULES'
	spddelete 10.6.0.0/24 10.5.0.2 any -P out;
	spdadd 10.6.0.0/24 10.5.0.2 any -P out ipsec esp/tunnel/10.5.0.1-10.5.0.2/require;
RULES

# Whoever sends the first packet of a flow hears that it is too big; and where a helper reads
# and writes what is inside, it does so in what leaves protected.
in_ns "$s1" nft -f - <<-'NFT'
	table ip nat {
		ct helper ftp { type "ftp" protocol tcp; }
		chain pre { type filter hook prerouting priority 0
			tcp dport 21 ct helper set "ftp"; }
		chain post { type nat hook postrouting priority srcnat
			oifname "eth0" snat to 10.5.0.2; }
	}
NFT
is 'behind SNAT: the sender of a first packet hears the MTU' 1446 "$(in_ns "$left" \
	ping -n -c 1 -W 2 -M "do" -s 1460 10.6.0.1 2>&1 |
	sed -n 's/.*mtu *[=:] *\([0-9]*\).*/\1/p' | head -n 1)"
in_ns "$s2" timeout 60 nc -n -l 10.6.0.1 21 >/tmp/ftp &
slowly eval 'in_ns "$s2" ss -Hlnt | grep -q "10.6.0.1:21 "'
# The helper begins with what follows the first line.
in_ns "$left" timeout 20 bash -c 'n=0; exec 3<>/dev/tcp/10.6.0.1/21
	for line in "USER me" "PORT 10,4,0,2,20,0" "PORT 10,4,0,2,20,1"; do
		printf "%s\r\n" "$line" >&3
		until [ "$(wc -l </tmp/ftp)" -gt $n ]; do sleep 0.1; done
		n=$((n + 1))
	done'
is 'behind SNAT: a helper sees what leaves protected' \
	'USER me PORT 10,5,0,2,20,0 PORT 10,5,0,2,20,1' "$(tr -d '\r' </tmp/ftp | xargs)"
