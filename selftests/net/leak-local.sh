#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --python --timeout 1200
#
# leak-local.sh - what a host itself must send protected does not leave it in
# clear, whatever makes it send, and what must come protected is not heard
#
# a (ours) = wire = b (ours); the policies between them are for everything
# shellcheck source=selftests/net/lib.sh disable=SC2154
. ./lib.sh
trap finish EXIT

modprobe -a esplanade || exit 1
modprobe -aq ipip ip_gre sit ip6_tunnel vxlan nft_chain_nat nft_nat
host a
host b
link "$a" eth0 '10.1.0.1/24 fd00::1/64' "$b" eth0 '10.1.0.2/24 fd00::2/64'

row gcm128
# Options may be in front of it.
ESP='(ip proto 50 or ip6 protochain 50)'
declare -A us=([4]=10.1.0.1 [6]=fd00::1) peer=([4]=10.1.0.2 [6]=fd00::2)

policies() {
	rules transport 10.1.0.1 10.1.0.2 10.1.0.1 10.1.0.2
	rules transport fd00::1 fd00::2 fd00::1 fd00::2 0x1003 0x1004
}

policies_too() {
	rules transport 10.1.0.2 10.1.0.1 10.1.0.2 10.1.0.1 0x1002 0x1001
	rules transport fd00::2 fd00::1 fd00::2 fd00::1 0x1004 0x1003
}

protect() { policies | put "$a" && policies_too | put "$b"; }

py() { in_ns "$1" timeout 60 python3 leak.py "${@:2}"; }
serve() { ip netns exec "$1" timeout 800 python3 leak.py echo "$2" 7 2>/dev/null & }
serves() { in_ns "$1" ss -Hlnt | grep -q "$2[]]*:7 "; }
for family in 4 6; do
	serve "$a" "${us[$family]}"
	serve "$b" "${peer[$family]}"
	slowly serves "$a" "${us[$family]}"
	slowly serves "$b" "${peer[$family]}"
done

# way N NAME WANTED COMMAND... - the command says what is wanted, by ESP alone
way() {
	local n=$1 name=$2 wanted=$3

	shift 3
	record "$b" eth0
	is "$name" "$wanted" "$("$@" 2>&1 | tail -n 1)"
	esp "$n" "$name: nothing but ESP"
}

# Without policies everything is seen: else nothing below would prove anything.
record "$b" eth0
py "$a" segment 10.1.0.2 7 >/dev/null
stop_recording
try 'without policies the plaintext is seen' grep -q "$MARKER" "$wire"
forget_recording
protect

# What sockets send, and what the kernel sends by itself.
for family in 4 6; do
	ip=IPv$family
	to=${peer[$family]}
	from=${us[$family]}
	way 20 "$ip: UDP_SEGMENT" 10 py "$a" segment "$to" 7
	way 40 "$ip: MSG_ZEROCOPY" same py "$a" zerocopy "$to" 7
	way 20 "$ip: sendfile" same py "$a" sendfile "$to" 7
	way 1 "$ip: MSG_PROBE and MSG_MORE" '' py "$a" probe "$to" 7
	way 2 "$ip: large datagrams" '' py "$a" send "$to" 9 size=60000
	way 1 "$ip: a raw socket that writes the IP header" '' py "$a" raw "$from" "$to" 7
	way 2 "$ip: a reset for a closed port" refused py "$b" refused "$from" 81
	way 2 "$ip: an ICMP error for a closed port" told py "$b" unreachable "$from" 81
	way 2 "$ip: an echo reply" 1 eval "in_ns $b ping -n -c 1 -W 5 -p $(marker_hex) $from |
		sed -n 's/.* \([0-9]*\) received.*/\1/p'"
	# The server closes later than we do: its FIN is answered from TIME_WAIT.
	way 8 "$ip: an ACK from TIME_WAIT" 'was there' eval "echo 1 |
		py $a talk tcp $to 7 >/dev/null; sleep 0.6
		in_ns $a ss -Hnt state time-wait | grep -q '$to' && echo was there"
	in_ns "$a" sysctl -qw net.ipv4.tcp_syncookies=2
	way 6 "$ip: SYN cookies" 1 eval "echo 1 | py $b talk tcp $from 7 | tail -n 1"
	in_ns "$a" sysctl -qw net.ipv4.tcp_syncookies=1
done
way 4 'IPv6: options before the ports' '' eval "py $a send fd00::2 7 dstopts
	py $a send fd00::2 7 hopopts; sleep 0.5"
is 'in all that nothing was dropped' '' "$(drops "$a")"

# Another way to the same host.
ip -n "$a" route add 10.1.0.2 dev eth0 table 7
ip -n "$a" rule add fwmark 7 table 7
way 1 'SO_MARK and a rule of its own' '' py "$a" send 10.1.0.2 7 mark=7
in_ns "$a" nft -f - <<-'NFT'
	table ip leak {
		chain reroute { type route hook output priority mangle
			udp dport 77 meta mark set 7; }
		chain out { type nat hook output priority -100
			ip daddr 10.9.9.9 dnat to 10.1.0.2; }
		chain post { type nat hook postrouting priority 100
			ip saddr 10.8.8.8 snat to 10.1.0.1; }
	}
NFT
ip -n "$a" addr add 10.8.8.8/32 dev lo
ip -n "$a" route add 10.9.9.9 via 10.1.0.2
way 1 'a ruleset that reroutes' '' py "$a" send 10.1.0.2 77
way 1 'DNAT on the way out' '' py "$a" send 10.9.9.9 7
way 2 'SNAT on the way out' 1 eval "echo 1 | py $a talk udp 10.1.0.2 7 10.8.8.8 | tail -n 1"
in_ns "$a" nft flush ruleset
ip -n "$a" rule del fwmark 7 table 7
ip -n "$a" route add 10.9.0.0/24 dev lo
record "$b" eth0
py "$a" send 10.9.0.1 7
stop_recording
is 'a route to lo: nothing leaves' 0 "$(on_wire "not $LINK")"
forget_recording

# Tunnels of the kernel's own between the two: what they make is protected.
device() {	# NAME TYPE FAMILY ARGUMENT...
	local f=$3 args=("${@:4}")

	ip -n "$a" link add "$1" type "$2" local "${us[$f]}" remote "${peer[$f]}" "${args[@]}" &&
		ip -n "$b" link add "$1" type "$2" local "${peer[$f]}" remote "${us[$f]}" "${args[@]}" &&
		ip -n "$a" addr add 10.77.0.1/24 dev "$1" &&
		ip -n "$b" addr add 10.77.0.2/24 dev "$1" &&
		ip -n "$a" link set "$1" up && ip -n "$b" link set "$1" up || return
	record "$b" eth0
	try "$2 over IPv$f: pings" pings "$a" 10.77.0.2 10 1300
	esp 4 "$2 over IPv$f: nothing but ESP"
	ip -n "$a" link del "$1"
	ip -n "$b" link del "$1"
}
device tun0 ipip 4
device tun1 gre 4
device tun2 gre 4 key 7
device tun3 vxlan 4 id 7 dstport 4789 dev eth0
device tun4 vxlan 6 id 7 dstport 4789 dev eth0
device tun5 ip6tnl 6 mode any

# Groups: not meant by a policy for all, and protected where one names them.
in_ns "$a" setkey -c <<-'RULES'
	spdadd 0.0.0.0/0 0.0.0.0/0 any -P out prio low ipsec esp/transport//require;
	spdadd ::/0 ::/0 any -P out prio low ipsec esp/transport//require;
RULES
record "$b" eth0
py "$a" send 239.1.1.1 9 group=eth0
py "$a" send ff15::1 9 group=eth0
stop_recording
is 'a policy for everything does not mean groups' '1 1' \
	"$(on_wire dst host 239.1.1.1 and udp) $(on_wire dst host ff15::1)"
forget_recording
for host in "$a" "$b"; do
	in_ns "$host" setkey -c <<-RULES
		add 10.1.0.1 239.1.1.1 esp 0x1005 -m transport $(ours_algs);
		add fd00::1 ff15::1 esp 0x1006 -m transport $(ours_algs);
	RULES
done
in_ns "$a" setkey -c <<-'RULES'
	spdadd 10.1.0.1 239.0.0.0/8 any -P out ipsec esp/transport//require;
	spdadd ::/0 ff15::/16 any -P out ipsec esp/transport//require;
RULES
in_ns "$b" setkey -c <<-'RULES'
	spdadd 10.1.0.1 239.0.0.0/8 any -P in ipsec esp/transport//require;
	spdadd ::/0 ff15::/16 any -P in ipsec esp/transport//require;
RULES

# hear HOST FILE GROUP SECONDS - count there what comes to a group
hear() {
	: >"$2"
	ip netns exec "$1" python3 leak.py join "$3" 9 eth0 "$4" >"$2" &
	hearers+=($!)
	slowly grep -q ready "$2"
}

for group in 239.1.1.1 ff15::1; do
	hearers=()
	out=$(counter "$a" out_esp)
	record "$b" eth0
	hear "$a" /tmp/own $group 4
	hear "$b" /tmp/theirs $group 4
	py "$a" send $group 9 group=eth0
	wait "${hearers[@]}"
	stop_recording
	is "$group, protected: heard there" 1 "$(tail -n 1 /tmp/theirs)"
	is "$group, protected: heard here too" 1 "$(tail -n 1 /tmp/own)"
	is "$group, protected: once" "1 1" "$(on_wire "dst host $group and $ESP") $((
		$(counter "$a" out_esp) - out))"
	is "$group, protected: never clear" 0 "$(on_wire "dst host $group and udp")"
	is "$group, protected: its reports are" 1 "$([ \
		"$(on_wire 'igmp or (ip6[6] == 0 and ip6[40] == 58)' )" -gt 0 ] && echo 1)"
	forget_recording
	hear "$b" /tmp/theirs $group 2
	in_ns "$a" setkey -c <<<'spdflush;'
	dropped "$group: clear where it must be protected" "$b" in_clear 1 \
		py "$a" send $group 9 group=eth0
	wait "${hearers[@]}"
	is "$group: is not heard" 0 "$(tail -n 1 /tmp/theirs)"
	in_ns "$a" setkey -c <<-'RULES'
		spdadd ::/0 ff15::/16 any -P out ipsec esp/transport//require;
	RULES
done

# held NAME HOST ARGUMENT... - what leak.py sends there is protected or dropped by a name
# once a has the rules on standard input; with their SAs alone it is seen
held() {
	local rules before after

	rules=$(</dev/fd/0)
	put "$a" <<<"$(grep -v ^spdadd <<<"$rules")"
	record "$b" eth0
	py "${@:2}"
	stop_recording
	try "$1: the plaintext is seen without a policy" grep -q "$MARKER" "$wire"
	forget_recording
	put "$a" <<<"$rules"
	before=$(counters "$a")
	record "$b" eth0
	py "${@:2}" 2>/dev/null
	esp 0 "$1: nothing clear"
	after=$(counters "$a")
	try "$1: protected, or dropped by a name" [ "$(grown "$before" "$after")$(
		field out_esp "$after")" != "$(field out_esp "$before")" ]
}

# A source route: a packet goes to its first hop, which is what must be looked up, and
# not its end alone, which its sender may choose: a group, or where no policy leads.
everything() {
	printf 'spdadd %s %s any -P out ipsec esp/transport//require;\n' \
		0.0.0.0/0 0.0.0.0/0 ::/0 ::/0
}
neighbours() { policies; }
# IPv4's option is refused without CAP_NET_RAW, IPv6's header is not.
declare -A who=([4]=root [6]=nobody)

while read -r rules family end <&3; do
	held "${who[$family]}'s route by ${peer[$family]} to $end, policies for $rules" "$a" \
		send "$end" 9 "${who[$family]}" "route=${peer[$family]}" < <("$rules")
done 3<<-'CASES'
	everything 4 239.1.1.1
	everything 6 ff0e::1
	neighbours 4 239.1.1.1
	neighbours 6 ff0e::1
	neighbours 4 10.99.0.1
	neighbours 6 fd99::1
CASES

# What names an SA of ours is not what comes from it: anyone can write an SPI.
in_udp() { sed -E 's/^add (\S+) (\S+) esp /add \1[4500] \2[4500] esp-udp /'; }

plain_esp=$ESP
ESP='(udp and src port 4500)'
policies_too | in_udp | put "$b"
while read -r to spi from; do
	held "nobody's SPI in UDP to $to${from:+ $from}" "$a" send "$to" 4500 nobody \
		"spi=$spi" ${from:+"$from"} < <(policies | in_udp)
done <<-'CASES'
	10.1.0.2 0x1001
	10.1.0.2 0x1001 from=4500
	fd00::2 0x1003
	fd00::2 0x1003 from=4500
CASES

# From a host behind a.
host d
link "$a" eth1 10.3.0.1/24 "$d" eth0 10.3.0.2/24
ip -n "$d" route add default via 10.3.0.1
try 'a host behind us' slowly in_ns "$d" ping -n -c 1 -W 1 10.3.0.1
behind() { rules tunnel 10.1.0.1 10.1.0.2 10.3.0.0/24 10.1.0.2; }
behind_too() { rules tunnel 10.1.0.2 10.1.0.1 10.1.0.2 10.3.0.0/24 0x1002 0x1001; }
behind_too | in_udp | put "$b"
held 'forwarded, an SPI in UDP' "$d" send 10.1.0.2 4500 spi=0x1001 from=4500 < <(behind | in_udp)
ESP=$plain_esp
behind_too | put "$b"
held 'forwarded, an SPI in what says it is ESP' "$d" esp 10.1.0.2 0x1001 < <(behind)
ip -n "$a" link del eth1
protect

# Under a warm flow. talk stays, and sends so many for each line.
start() {
	coproc flow { ip netns exec "$a" python3 leak.py talk "$@" 2>&1; }
	read -r -t 60 said <&"${flow[0]}"
}

say() {
	echo "$*" >&"${flow[1]}"
	read -r -t 60 said <&"${flow[0]}"
}

for kind in udp tcp; do
	record "$b" eth0
	start $kind 10.1.0.2 7
	say 5 3
	is "$kind: a warm flow" 5 "$said"
	in_ns "$a" setkey -c <<<'delete 10.1.0.1 10.1.0.2 esp 0x1001;'
	say 3 0.2
	is "$kind: its SA goes, it stops" 0 "$said"
	try "$kind: out_no_sa" [ "$(counter "$a" out_no_sa)" -gt 0 ]
	policies | put "$a"
	esp 10 "$kind: nothing but ESP until then"
	record "$b" eth0
	in_ns "$a" setkey -c <<<'spdupdate 10.1.0.1 10.1.0.2 any -P out discard;'
	say 3 0.2
	is "$kind: its policy becomes discard, it stops" 0 "$said"
	try "$kind: out_discard" [ "$(counter "$a" out_discard)" -gt 0 ]
	esp 0 "$kind: nothing clear by then"
	record "$b" eth0
	in_ns "$a" setkey -c <<-'RULES'
		spddelete 10.1.0.1 10.1.0.2 any -P out;
		spddelete 10.1.0.2 10.1.0.1 any -P in;
	RULES
	put "$b" </dev/null
	say 3 10
	is "$kind: its policy is deleted: it goes on" 3 "$said"
	stop_recording
	try "$kind: in clear, as is right" grep -q "$MARKER" "$wire"
	forget_recording
	eval "exec ${flow[1]}>&-"
	wait "$flow_PID" 2>/dev/null
	protect
done

# The device goes down and comes back, and leaves for another namespace.
record "$b" eth0
ip -n "$a" link set eth0 down
py "$a" send 10.1.0.2 7 2>/dev/null
ip -n "$a" link set eth0 up
ip -n "$a" addr add fd00::1/64 dev eth0 nodad 2>/dev/null
slowly in_ns "$a" ping -n -c 1 -W 1 10.1.0.2
try 'down and up: pings' pings "$a" 10.1.0.2 10 1400
esp 4 'down and up: nothing but ESP'
host c
record "$b" eth0
ip -n "$a" link set eth0 netns "$c"
py "$a" send 10.1.0.2 7 2>/dev/null
ip -n "$c" link set eth0 netns "$a"
address "$a" eth0 '10.1.0.1/24 fd00::1/64'
slowly in_ns "$a" ping -n -c 1 -W 1 10.1.0.2
try 'away and back: pings' pings "$a" 10.1.0.2 10 1400
esp 4 'away and back: nothing but ESP'

# xfrm beside us, for another address: its policies stay its own.
modprobe -a esp4 xfrm_user
ip -n "$a" addr add 10.1.0.11/24 dev eth0
ip -n "$b" addr add 10.1.0.12/24 dev eth0
theirs "$a" transport 10.1.0.11 10.1.0.12 10.1.0.11/32 10.1.0.12/32 0x1102 0x1101
theirs "$b" transport 10.1.0.12 10.1.0.11 10.1.0.12/32 10.1.0.11/32 0x1101 0x1102
record "$b" eth0
try 'beside xfrm: ours' pings "$a" 10.1.0.2 10 1400
try "beside xfrm: xfrm's" in_ns "$a" ping -n -c 1 -W 5 -I 10.1.0.11 10.1.0.12
esp 4 'beside xfrm: nothing but ESP'

# Clear, where b would have to protect: nothing is heard, nothing is answered.
put "$b" </dev/null
before=$(counter "$a" in_clear)
record "$b" eth0
ip netns exec "$a" python3 leak.py listen 10.1.0.1 9 3 >/tmp/heard &
hearer=$!
slowly grep -q ready /tmp/heard
py "$b" send 10.1.0.1 9
py "$b" raw 10.1.0.2 10.1.0.1 9
py "$b" fragments 10.1.0.2 10.1.0.1 9
in_ns "$b" ping -n -c 1 -W 0.2 10.1.0.1 >/dev/null
py "$b" send 10.1.0.1 81
in_ns "$b" timeout 0.5 nc -w 1 10.1.0.1 7 </dev/null
in_ns "$b" ping -n -c 1 -W 0.2 fd00::1 >/dev/null
py "$b" send fd00::1 81
py "$b" fragments fd00::2 fd00::1 81
wait "$hearer"
is 'what comes clear is not heard' 0 "$(tail -n 1 /tmp/heard)"
stop_recording
is 'nor answered' 0 "$(on_wire "not $LINK and (src host 10.1.0.1 or src host fd00::1)")"
forget_recording
# Six datagrams of fragments each way, whole by then; five and two others.
try 'in_clear counts it' [ $(($(counter "$a" in_clear) - before)) -ge 19 ]
