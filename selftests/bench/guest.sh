#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# guest.sh - measure each line of the file cells; runs in the virtual machine
#
#   raw ALG PAYLOAD                                     the cipher alone
#   STACK MODE ALG WHERE FAMILY COUNT KIND[,KIND...]    what traffic.c sends
#   scale STACK N COUNT                                 see scale.sh
#
# STACK is plain, loaded (plain, beside an esplanade that has nothing to do), esplanade,
# xfrm, offload (xfrm with esp4_offload) or wireguard; in this order, for other modules than
# esplanade stay.
# MODE is tunnel, transport or encap (a tunnel in UDP), ALG a row of lib.sh, WHERE
# local (socket to socket) or forwarded (between two gateways). A tcp or new KIND may end
# in -tso (the sender's device does not segment), +gro (all devices merge), or both.
#
# Each line has hosts of its own:  a --- b, or  ha --- a --- b --- hb. All links have
# an MTU that fits 1400 octets in anything: fragments are not what is measured.
# shellcheck source=selftests/net/lib.sh disable=SC2154,SC2016
. ./lib.sh
trap finish EXIT

MTU=1600
KEYS=/tmp/wireguard
WG_PORT=51820

wireguard_keys() {
	local end

	[ ! -e "$KEYS.a" ] || return 0
	for end in a b; do
		(umask 077 && wg genkey >"$KEYS.$end") && wg pubkey <"$KEYS.$end" >"$KEYS.$end.pub" || return
	done
}

# The kernel tests ciphers before it uses them, and one that does nothing fails.
load_bench() {
	echo 1 >/sys/module/cryptomgr/parameters/notests && modprobe espl_bench
}

load() {
	case $1 in
	plain) modprobe -qr esplanade || : ;;
	loaded | esplanade) modprobe esplanade ;;
	raw) load_bench ;;
	xfrm) modprobe -a esp4 esp6 xfrm_user ;;
	offload) modprobe -a esp4 esp6 xfrm_user esp4_offload esp6_offload ;;
	wireguard) modprobe wireguard && wireguard_keys ;;
	*) false ;;
	esac
}

# addresses FAMILY - ends of the tunnel, the networks behind them, who sends and receives
addresses() {
	if [ "$1" = 4 ]; then
		len=24 all=32 end_a=10.1.0.1 end_b=10.1.0.2 net_a=10.10.1. net_b=10.10.2. zero=0
	else
		len=64 all=128 end_a=fd01::1 end_b=fd01::2 net_a=fd10:1:: net_b=fd10:2:: zero=
	fi
}

# devices HOST - its devices, of which at least one is a cable's end
devices() {
	local all

	all=$(in_ns "$1" awk -F: 'NR > 2 {print $1}' /proc/net/dev)
	[[ $all = *eth* ]] && echo "$all"
}

# route HOST NETWORK VIA... - and the MTU of all cables
route() {
	local host=$1 device all

	shift
	all=$(devices "$host") || return
	{
		echo "route add $*"
		for device in $all; do
			[[ $device != eth* ]] || echo "link set $device mtu $MTU"
		done
	} | ip -n "$host" -batch -
}

# build WHERE - the hosts, their links and routes; sets from, to and target
build() {
	hosts=()
	host a
	host b
	link "$a" eth0 "$end_a/$len" "$b" eth0 "$end_b/$len"
	if [ "$1" = local ]; then
		address "$a" lo "${net_a}1/$all"
		address "$b" lo "${net_b}1/$all"
		from=$a to=$b target=${net_b}1
	else
		host ha
		host hb
		link "$ha" eth0 "${net_a}2/$len" "$a" eth1 "${net_a}1/$len"
		link "$hb" eth0 "${net_b}2/$len" "$b" eth1 "${net_b}1/$len"
		route "$ha" default via "${net_a}1" || return
		route "$hb" default via "${net_b}1" || return
		from=$ha to=$hb target=${net_b}2
	fi
	route "$a" "$net_b$zero/$len" via "$end_b" src "${net_a}1" &&
		route "$b" "$net_a$zero/$len" via "$end_a" src "${net_b}1"
}

# in_udp - what rules prints, as ESP in UDP
in_udp() {
	sed -E -e 's/ esp 0x/ esp-udp 0x/' -e 's/^add ([^ ]+) ([^ ]+)/add \1[4500] \2[4500]/'
}

# What the policies are for: the networks, or in transport mode the two hosts.
selectors() {
	sel_a=$net_a$zero/$len sel_b=$net_b$zero/$len sa_a=$end_a sa_b=$end_b
	[ "$1" != transport ] || sel_a=${net_a}1 sel_b=${net_b}1 sa_a=$sel_a sa_b=$sel_b
}

set_esplanade() {
	local mode=${1/encap/tunnel} filter=cat

	[ "$1" != encap ] || filter=in_udp
	selectors "$mode"
	rules "$mode" "$sa_a" "$sa_b" "$sel_a" "$sel_b" | $filter | put "$a" &&
		rules "$mode" "$sa_b" "$sa_a" "$sel_b" "$sel_a" 0x1002 0x1001 |
		$filter | put "$b"
}

set_xfrm() {
	local mode=${1/encap/tunnel} their_encap=

	if [ "$1" = encap ]; then
		their_encap='encap espinudp 4500 4500 0.0.0.0'
		: >/tmp/encap
		ip netns exec "$a" ./traffic encap "$a" "$b" >/tmp/encap &
		encap=$!
		slowly grep -q ready /tmp/encap || return
	fi
	selectors "$mode"
	theirs "$a" "$mode" "$sa_a" "$sa_b" "$sel_a" "$sel_b" 0x1002 0x1001 &&
		theirs "$b" "$mode" "$sa_b" "$sa_a" "$sel_b" "$sel_a"
}

set_offload() { set_xfrm "$1"; }

# set_wireguard_end HOST KEY PEER NETWORK ENDPOINT SOURCE
set_wireguard_end() {
	case $5 in *:*) set -- "${@:1:4}" "[$5]" "$6" ;; esac
	ip -n "$1" link add wg0 mtu $((MTU - 80)) type wireguard &&
		in_ns "$1" wg set wg0 private-key "$KEYS.$2" listen-port $WG_PORT \
			peer "$(<"$KEYS.$3.pub")" allowed-ips "$4" endpoint "$5:$WG_PORT" &&
		ip -n "$1" link set wg0 up &&
		ip -n "$1" route replace "$4" dev wg0 src "$6"
}

set_wireguard() {
	set_wireguard_end "$a" a b "$net_b$zero/$len" "$end_b" "${net_a}1" &&
		set_wireguard_end "$b" b a "$net_a$zero/$len" "$end_a" "${net_b}1"
}

set_plain() { :; }
set_loaded() { :; }

# protected STACK - how many packets came through it at the far end
protected() {
	case $1 in
	esplanade) counter "$b" in_esp ;;
	xfrm | offload) their_packets "$b" 0x00001001 ;;
	wireguard) in_ns "$b" wg show wg0 transfer | awk '{print int($2 / 64)}' ;;
	*) echo 1000000 ;;
	esac
}

# switch FEATURE HOST on|off - of all devices but the loopback; WireGuard's may refuse
switch() {
	local device all

	all=$(devices "$2") || return
	for device in $all; do
		case $device in
		eth*) in_ns "$2" ethtool -K "$device" "$1" "$3" || return ;;
		wg*) in_ns "$2" ethtool -K "$device" "$1" "$3" >/dev/null 2>&1 || : ;;
		esac
	done
}

# tune SUFFIX - the devices as the kinds with it want them
tune() {
	local host gro=off tso=on

	[[ $1 != *+gro ]] || gro=on
	[[ $1 != -tso* ]] || tso=off
	for host in "${hosts[@]}"; do switch gro "$host" $gro || return; done
	switch tso "$from" $tso && switch gso "$from" $tso
}

# measure LABEL COUNT KINDS
measure() {
	local suffix wanted kind list

	for suffix in '' -tso -tso+gro +gro; do
		list=()
		for kind in ${3//,/ }; do
			case $kind in
			tcp*) wanted=${kind#tcp} ;;
			new*) wanted=${kind#new} ;;
			*) wanted='' ;;
			esac
			[ "$wanted" != "$suffix" ] || list+=("${kind%"$suffix"}")
		done
		[ ${#list[@]} -gt 0 ] || continue
		[ -z "$suffix" ] || tune "$suffix" || return
		./traffic "$from" "$to" "$target" "$2" "${list[@]}" >/tmp/figures || return
		awk -v label="$1" -v suffix="$suffix" '
			$1 == "#" {sub(":", suffix ":", $2); print; next}
			{print "cell", label, $1 suffix, $2}' /tmp/figures
	done
}

# The namespaces' ends take a while, and are not to be counted with what is next.
# Nothing else says when all is done; idle time is nothing here.
take_down() {
	local one

	[ -z "$encap" ] || { kill "$encap"; wait "$encap"; } 2>/dev/null
	for one in "${hosts[@]}"; do ip netns del "$one"; done
	hosts=()
	sleep 1
}

cell() {
	local stack=$1 mode=$2 alg=$3 where=$4 family=$5 count=$6 kinds=$7
	local label="$stack $mode $alg $where $family" encap='' seen

	[ "$alg" = - ] || row "$alg" || return
	[ "$alg" != gmac128 ] || load raw || return
	load "$stack" && addresses "$family" && build "$where" || return
	"set_$stack" "$mode" && measure "$label" "$count" "$kinds" || return
	seen=$(protected "$stack")
	if [ "${seen:-0}" -lt "$count" ]; then
		echo "not protected: $label: ${seen:-0} packets"
		return 1
	fi
	[ ! -e profile ] || symbols
	take_down
}

# What is where, for the profiler.
symbols() {
	echo "symbols begin"
	awk '$2 ~ /[tTwW]/ {print $1, $3, $4}' /proc/kallsyms | busybox gzip | base64
	echo "symbols end"
}

# raw ALG PAYLOAD
raw() {
	local file=/sys/module/espl_bench/parameters/measure name=$xenc key=$((${enc#*/} / 8))
	local authkey=0 iv=8 icv=16

	if [ "$auth" != - ]; then
		name="authenc(${xauth%/*},$xenc)" authkey=$((${auth#*/} / 8)) iv=16
		icv=$((${xauth#*/} / 8))
	fi
	echo "${name%/*} $key $authkey $icv $iv $2" >$file && echo "raw $1 $2 $(<$file)"
}

# 7.2 samples the use of memory, every five milliseconds: that is nobody's packet.
damon=/sys/module/damon_stat/parameters/enabled
[ ! -e "$damon" ] || echo N >"$damon"

echo "release $(uname -r)"
while read -r -a line <&3; do
	case ${line[0]} in
	raw) load raw && row "${line[1]}" && raw "${line[@]:1}" ;;
	scale) . ./scale.sh && scale "${line[@]:1}" ;;
	*) cell "${line[@]}" ;;
	esac || {
		echo "failed: ${line[*]}"
		evidence | sed 's/^/# /'
		failed=1
		take_down
	}
done 3<cells
tests=1
echo "done"
