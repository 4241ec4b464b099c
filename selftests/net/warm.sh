#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --timeout 600
#
# warm.sh - what is kept about a flow for its next packet is given up in time: routes,
# SAs, sizes; and rules have their say. Each test begins with a flow that is warm.
#
# a (ours) - b (ours)
# shellcheck source=selftests/net/lib.sh disable=SC2154
. ./lib.sh
trap finish EXIT

modprobe -a esplanade nft_ct nf_conntrack nft_chain_nat dummy || exit 1
host a
host b
link "$a" eth0 10.1.0.1/24 "$b" eth0 10.1.0.2/24
address "$a" lo 10.10.1.1/32
address "$b" lo 10.10.2.1/32
ip -n "$a" route add 10.10.2.0/24 via 10.1.0.2 src 10.10.1.1
ip -n "$b" route add 10.10.1.0/24 via 10.1.0.1 src 10.10.2.1
row gcm128
args=(tunnel 10.1.0.1 10.1.0.2 10.10.1.0/24 10.10.2.0/24)
ours "$a" "${args[@]}"
ours_too "$b" "${args[@]}"

# The same flow each time: an echo request has no ports.
once() { in_ns "$a" ping -n -c 1 -W "${1:-5}" 10.10.2.1; }
warm() { once && once; }
lost() { ! once 1; }
again() { try "$1" slowly once; }

try 'a flow' warm
# rule HOOK EXPRESSION [HOST] - at b, or at that host
rule() {
	in_ns "${3:-$b}" nft -f - <<-NFT
		table ip warm {
			chain one { type filter hook $1 priority 0; $2; }
		}
	NFT
}

# What comes in is taken early, and what leaves goes past IP, where nobody waits for it:
# not past those who do. A packet counts where it is opened.
while read -r host hook <&3; do
	warm
	before=$(counter "$b" in_esp)
	rule "$hook" 'meta l4proto esp counter drop' "${!host}"
	try "a rule against ESP in $hook, and the flow is cut" lost
	is 'none was opened' "$before" "$(counter "$b" in_esp)"
	seen=$(in_ns "${!host}" nft list table ip warm)
	refuse 'the rule has seen it' grep 'packets 0 ' <<<"$seen"
	in_ns "${!host}" nft delete table ip warm
	again 'without the rule it goes on'
done 3<<-HOOKS
	b prerouting
	b input
	a output
	a postrouting
HOOKS
for hook in prerouting input; do
	warm
	rule $hook 'ip protocol icmp drop'
	try "a rule against what is inside in $hook" lost
	in_ns "$b" nft delete table ip warm
	again 'without the rule it goes on'
done

# ip_counters - of IP itself, at a; counted COMMAND... - by what they grow
# shellcheck disable=SC2016 # awk expands them
ip_counters() {
	in_ns "$a" awk '/^Ip(Ext)?:/ && !($1 in names) { names[$1] = $0; next }
		/^Ip(Ext)?:/ { n = split(names[$1], name); for (i = 2; i <= n; i++) print name[i], $i }' \
		/proc/net/snmp /proc/net/netstat
}
counted() {
	local before

	before=$(ip_counters)
	"$@" >/dev/null
	awk 'NR == FNR { was[$1] = $2; next } $2 != was[$1] { print $1 "+" $2 - was[$1] }' \
		<(echo "$before") <(ip_counters)
}
warm
straight=$(counted once)
rule output 'meta l4proto esp accept' "$a"
is 'IP counts alike what goes past it and what does not' "$(counted once)" "$straight"
try 'and it does count' grep -q '^OutRequests+2$' <<<"$straight"
in_ns "$a" nft delete table ip warm

warm
in_ns "$b" nft -f - <<-NFT
	table ip warm {
		chain one { type nat hook prerouting priority dstnat; ip protocol icmp dnat to 10.10.2.9; }
	}
NFT
try 'inside, a translation to where nobody is' lost
in_ns "$b" nft delete table ip warm
again 'without it the flow goes on'

warm
ip -n "$b" addr del 10.10.2.1/32 dev lo
try 'the inner address goes' lost
address "$b" lo 10.10.2.1/32
ip -n "$b" route replace 10.10.1.0/24 via 10.1.0.1 src 10.10.2.1
again 'the inner address comes back'
warm
before=$(counter "$b" in_esp)
ip -n "$b" addr del 10.1.0.2/24 dev eth0
try 'the outer address goes' lost
is 'no ESP was taken without it' "$before" "$(counter "$b" in_esp)"
address "$b" eth0 10.1.0.2/24
ip -n "$b" route replace 10.10.1.0/24 via 10.1.0.1 src 10.10.2.1
again 'the outer address comes back'

# The way back leads elsewhere, which is let pass, and then is not.
# Without ARP, which is asked by rp_filter, too.
[[ $(ip -n "$b" -o link show eth0) =~ link/ether\ ([0-9a-f:]+) ]]
ip -n "$a" neigh replace 10.1.0.2 lladdr "${BASH_REMATCH[1]}" nud permanent dev eth0
ip -n "$b" link add d0 type dummy
ip -n "$b" link set d0 up
ip -n "$b" route add 10.1.0.1/32 dev d0
in_ns "$b" sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth0.rp_filter=0
# opened - does ESP that comes now get in
opened() {
	local before

	before=$(counter "$b" in_esp)
	once 1
	[ "$(counter "$b" in_esp)" -gt "$before" ]
}
shut() { ! opened; }
try 'ESP from where no way leads back, without rp_filter' opened
try 'and once more' opened
in_ns "$b" sysctl -qw net.ipv4.conf.eth0.rp_filter=1
try 'with rp_filter there is none, soon' slowly shut
in_ns "$b" sysctl -qw net.ipv4.conf.eth0.rp_filter=0
ip -n "$b" link del d0
again 'the way back is there again'

# by SPI NAME - all that a sends now goes by that SA
by() {
	record "$a" eth0
	once >/dev/null 2>&1
	stop_recording
	is "$2" 1 "$(esp_on_wire "$1")"
	only_esp "$2, and nothing else"
	forget_recording
}
alg=$(ours_algs)
add() { in_ns "$1" setkey -f - <<<"add 10.1.0.1 10.1.0.2 esp $2 -m tunnel -r 64 $alg;"; }
del() { in_ns "$1" setkey -f - <<<"delete 10.1.0.1 10.1.0.2 esp $2;"; }
warm
add "$b" 0x1003
by 0x1001 'the SA that there is'
add "$a" 0x1003
by 0x1003 'a newer SA'
warm
del "$a" 0x1003
by 0x1001 'it goes, and the older one is there'
warm
del "$a" 0x1001
dropped 'both are gone' "$a" out_no_sa 1 lost
del "$b" 0x1003
add "$b" 0x1003
add "$a" 0x1003
again 'one comes'
# Of what the packets came by, not even the memory is there any more after the first few.
warm
before=$(counter "$b" in_no_sa)
del "$b" 0x1003
refuse 'the SA that they come by goes' in_ns "$a" ping -n -q -c 8 -i 0.1 -W 1 10.10.2.1
is 'and none is taken' $((before + 8)) "$(counter "$b" in_no_sa)"
add "$b" 0x1003
again 'it is there again'
warm
in_ns "$a" setkey -f - <<<'spddelete 10.10.1.0/24 10.10.2.0/24 any -P out;'
dropped 'the policy goes: in clear, which is not let in' "$b" in_clear 1 lost
in_ns "$a" setkey -f - <<<'spdadd 10.10.1.0/24 10.10.2.0/24 any -P out ipsec esp/tunnel/10.1.0.1-10.1.0.2/require;'
again 'it comes back'

big() { in_ns "$a" ping -n -c 1 -W "${1:-5}" -M "do" -s 1240 10.10.2.1; }
try 'a large one' big
try 'a large one that is warm' big
ip -n "$a" link set eth0 mtu 1300
dropped 'the MTU gets smaller' "$a" out_too_big 1 big 1
ip -n "$a" link set eth0 mtu 1500
ip -n "$a" route flush cache	# or what was learned stays for ten minutes
try 'and large again' slowly big

# TCP: what is merged and what is cut arrives as it was.
stream() {
	local sent answered

	sent=$(counter "$b" in_esp)
	answered=$(counter "$a" in_esp)
	try "$1: 10 MB arrive" transfer "$a" "$b" 10.10.2.1 10
	sent=$(($(counter "$b" in_esp) - sent))
	answered=$(($(counter "$a" in_esp) - answered))
	if [ "$sent" -gt 7000 ] && [ "$answered" -lt $((sent / 4)) ]; then
		pass "$1: an answer is for many"
	else
		fail "$1: an answer is for many" "$sent sent, $answered answers"
	fi
}
stream 'TCP'
rule input 'ct state invalid drop'
stream 'TCP and connection tracking'
in_ns "$b" nft delete table ip warm
is 'nothing else was lost' '' "$(drops "$b" | sed -e 's/in_clear=1 //; s/in_no_sa=8 //')"
