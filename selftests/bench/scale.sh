# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2086,SC2034
#
# scale.sh - many policies and SAs, for guest.sh's lines
#
#   scale STACK N COUNT [pair|ports|conntrack]
#
# STACK is esplanade or xfrm. One gateway, a, with N policies, each for a tunnel to
# another address of b, which has the other ends. With pair all tunnels are between the
# same two, each with an SA of its own; with ports all policies are for the same prefixes;
# with conntrack a knows flows, and policies alone are loaded. What is printed of it:
#
#   scale STACK[-pair|-ports|-conntrack] N NAME VALUE
#
# where a NAME with -s is in seconds of the guest's clock, in which one instruction takes
# a nanosecond, and waiting counts; -cpu is the same of the process alone. -octets are of
# memory, per entry; all else is in instructions per packet.

# The packets of a warm flow; and of some, few enough for the cache of both ends.
SOME=16
# For one file of xfrm's, in seconds of the guest's clock: a time that grows with the square
# of N is not waited for.
PATIENCE=12

# seconds NAME COMMAND... - and how long it took. It must succeed.
seconds() {
	local name=$1 began=$EPOCHREALTIME ended cpu TIMEFORMAT='%3U %3S'

	shift
	if ! cpu=$({ time "$@" >/tmp/dump 2>/tmp/err; } 2>&1); then
		echo "# $scale $name: $(head -n 3 /tmp/err)"
		return 1
	fi
	ended=$EPOCHREALTIME
	awk -v label="scale $scale $name" -v began="$began" -v ended="$ended" -v cpu="$cpu" '
		BEGIN {
			split(cpu, part)
			printf "%s-s %.6f\n", label, ended - began
			printf "%s-cpu %.3f\n", label, part[1] + part[2]
		}'
}

memory() {
	awk '/^(Slab|Percpu|VmallocUsed):/ {n += $2} END {print n}' /proc/meminfo
}

# What is freed after a grace period, or by others, is gone when nothing changes any more.
quiet() {
	local now last=

	until now=$(memory) && [ "$now" = "$last" ]; do
		last=$now
		sleep 1
	done
}

# octets NAME BEFORE - what each of n entries takes of memory since then
octets() {
	quiet
	echo "scale $scale $1-octets $((($(memory) - $2) * 1024 / n))"
}

setkey_at() { in_ns "$1" setkey "${@:2}"; }
ip_at() { ip -n "$1" "${@:2}"; }

# load_esplanade HOST FILE, and so on: what both stacks can do
load_esplanade() { setkey_at "$1" -k -f "$2"; }
load_xfrm() { timeout "$PATIENCE" ip -n "$1" -batch "$2"; }
flush_esplanade() {
	if [ "$2" = sas ]; then setkey_at "$1" -F; else setkey_at "$1" -FP; fi
}
flush_xfrm() {
	if [ "$2" = sas ]; then ip_at "$1" xfrm state flush; else ip_at "$1" xfrm policy flush; fi
}
dump_esplanade() {
	if [ "$2" = sas ]; then setkey_at "$1" -D; else setkey_at "$1" -DP; fi
}
dump_xfrm() {
	if [ "$2" = sas ]; then ip_at "$1" xfrm state; else ip_at "$1" xfrm policy; fi
}

# dumped STACK sas|policies - are all of them in what was dumped
dumped() {
	local of

	case $1-$2 in
	esplanade-sas) of='state=mature' ;;
	esplanade-policies) of='spid=' ;;
	xfrm-sas) of='proto esp spi' ;;
	xfrm-policies) of='dir out' ;;
	esac
	of=$(grep -c -- "$of" /tmp/dump)
	[ "$of" -eq "$n" ] || { echo "# $of of $n $2 in the dump"; return 1; }
}

# load_all STACK - a's file, one after the other, with what each takes of memory
load_all() {
	local what before

	for what in sas policies; do
		quiet
		before=$(memory)
		seconds "load-$what" "load_$1" "$a" "/tmp/out-$what" || return
		octets "$what" "$before"
	done
}

# transactions - the same by setkey -t
transactions() {
	local what

	for what in sas policies; do
		seconds "load-t-$what" setkey_at "$a" -t -f "/tmp/out-$what" || return
	done
}

# flush_all STACK HOST
flush_all() {
	local what

	for what in policies sas; do
		seconds "flush-$what" "flush_$1" "$2" "$what" || return
	done
	quiet
}

# delete_all STACK - one by one, the oldest first
delete_all() {
	local what

	for what in policies sas; do
		./entries "delete-$what" "$(language "$1")" out "$n" $variant >/tmp/delete || return
		seconds "delete-$what" "load_$1" "$a" /tmp/delete || return
	done
}

dump_all() {
	local what

	for what in sas policies; do
		seconds "dump-$what" "dump_$1" "$a" "$what" && dumped "$1" "$what" || return
	done
}

# one_more STACK - a command that adds one more policy to a, or takes it away again
one_more() {
	local ends='10.127.255.254 10.255.255.254' add delete

	if [ "$1" = xfrm ]; then
		ends="src ${ends/ / dst } dir out"
		add="ip -n $a xfrm policy add $ends action block"
		delete="ip -n $a xfrm policy delete $ends"
	else
		add="echo 'spdadd $ends any -P out discard;'"
		delete="echo 'spddelete $ends any -P out;'"
		add+=" | nsenter --net=/run/netns/$a setkey -f -"
		delete+=" | nsenter --net=/run/netns/$a setkey -f -"
	fi
	echo "{ $add || $delete; } 2>/dev/null"
}

# packets NAME KIND COUNT FLOWS - instructions for each
packets() {
	./traffic "$a" "$b" 0.0.0.0 "$3" "$2-64=$4" >/tmp/figures || return
	awk -v label="$scale $1" '
		$1 == "#" {print; next}
		{print "scale", label, $2}' /tmp/figures
}

traffic_all() {
	local CHANGE

	CHANGE=$(one_more "$1")
	export CHANGE
	ulimit -n 8192
	./entries flows "$n" $((2 * count)) $variant >/tmp/flows
	head -n 1 /tmp/flows >/tmp/flow
	head -n $SOME /tmp/flows >/tmp/some
	packets warm flows "$count" /tmp/flow && packets cold flows "$count" /tmp/flows &&
		packets some flows "$count" /tmp/some && packets changed changed $SOME /tmp/some
}

# scale_hosts - the two, and what is behind them at home in each
scale_hosts() {
	hosts=()
	host a
	host b
	link "$a" eth0 192.168.0.1/24 "$b" eth0 192.168.0.2/24
	ip -n "$a" -batch - <<-'ROUTES' || return
		route add local 10.0.0.0/9 dev lo
		route add 10.128.0.0/9 via 192.168.0.2
		route add 172.16.0.0/12 via 192.168.0.2
	ROUTES
	ip -n "$b" -batch - <<-'ROUTES'
		route add local 10.128.0.0/9 dev lo
		route add local 172.16.0.0/12 dev lo
		route add 10.0.0.0/9 via 192.168.0.1
	ROUTES
}

language() { if [ "$1" = xfrm ]; then echo xfrm; else echo setkey; fi; }

# scale_files STACK - what a and b are to have, /tmp/out-sas and so on
scale_files() {
	local end what

	for end in out in; do
		for what in sas policies; do
			./entries $what "$(language "$1")" $end "$n" $variant >/tmp/$end-$what ||
				return
		done
	done
}

# is_protected - the same packets once more: only ESP is on the wire
is_protected() {
	local esp other

	record "$a" eth0
	./traffic "$a" "$b" 0.0.0.0 $SOME flows-64=/tmp/some >/dev/null || return
	stop_recording
	esp=$(on_wire "$ESP")
	other=$(on_wire "not $ESP and not $LINK")
	forget_recording
	[ "$esp $other" = "$((2 * SOME)) 0" ] ||
		{ echo "not protected: $scale: ESP $esp, other $other"; return 1; }
}

# Algorithms are loaded with the first SA that wants them: not with one that counts.
warm_up() {
	local n=1

	"load_$1" "$a" <(./entries sas "$(language "$1")" out 1) && "flush_$1" "$a" sas >/dev/null
}

everything() {
	local stack=$1

	if [ "$stack" = esplanade ]; then
		transactions && flush_all "$stack" "$a" || return
	fi
	if ! load_all "$stack"; then
		[ "$stack" = xfrm ] && [ "$n" -gt 10000 ]
		return
	fi
	dump_all "$stack" && "load_$stack" "$b" /tmp/in-sas &&
		"load_$stack" "$b" /tmp/in-policies && traffic_all "$stack" &&
		is_protected && delete_all "$stack" && flush_all "$stack" "$b"
}

# with_conntrack STACK - policies, while conntrack has some flows
with_conntrack() {
	modprobe nft_ct
	in_ns "$a" nft -f - <<-'NFT' || return
		table inet tracked {
			chain out { type filter hook output priority 0; ct state new counter; }
		}
	NFT
	./entries flows 1000 $SOME >/tmp/some
	./traffic "$a" "$b" 0.0.0.0 $SOME flows-64=/tmp/some >/dev/null &&
		seconds load-policies "load_$1" "$a" /tmp/out-policies &&
		flush_all "$1" "$a"
}

scale() {
	local stack=$1 n=$2 count=$3 variant=${4:-} scale="$1${4:+-$4} $2" encap=''

	load "$stack" && scale_hosts && scale_files "$stack" && warm_up "$stack" || return
	if [ "$variant" = conntrack ]; then
		with_conntrack "$stack"
	else
		everything "$stack"
	fi && take_down
}
