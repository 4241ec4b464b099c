#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --modules --timeout 600
#
# slow.sh - ciphers that answer late, out of order, with errors; and what goes meanwhile
#
# a is ours, and its ciphers are espl_slow's, with one processor as with many. b is xfrm,
# with ciphers of before that. hold keeps all answers back, so that what waits can be
# counted, and what goes meanwhile goes under packets that are with the cipher.
# shellcheck source=selftests/net/lib.sh disable=SC2154,SC2016
. ./lib.sh
trap finish EXIT

modprobe -a esplanade esp4 esp6 xfrm_user || exit 1
knobs=/sys/module/espl_slow/parameters

# turn KNOB VALUE [KNOB VALUE...], knob KNOB
turn() {
	while [ $# -gt 0 ]; do
		echo "$2" >"$knobs/$1"
		shift 2
	done
}
knob() { cat "$knobs/$1"; }

hosts_ab() {
	host a
	host b
	link "$a" eth0 '10.1.0.1/24 fd01::1/64' "$b" eth0 '10.1.0.2/24 fd01::2/64'
	# xfrm's answers to neighbours are protected, too: they would count.
	knows "$a" "$b" 10.1.0.2 fd01::2
	knows "$b" "$a" 10.1.0.1 fd01::1
}

# begin ROW MODE OUR_END THEIR_END - a slow, b not; sets label, addr1, addr2
begin() {
	label="$1 $2" mode=$2 addr1=$3 addr2=$4
	row "$1"
	put "$a" </dev/null
	slowly eval '! grep -q ^espl_slow /proc/modules || rmmod espl_slow'
	theirs "$b" "$mode" "$addr2" "$addr1" "$addr2" "$addr1"
	modprobe espl_slow
	xfrm_algs
	case $xenc in
	*/*) turn wrap "${xenc%/*}" ;;
	*) turn wrap "authenc${esn:+esn}(${xauth%/*},$xenc)" ;;
	esac
	ours "$a" "$mode" "$addr1" "$addr2" "$addr1" "$addr2"
}

# listen HOST ADDRESS - what datagrams say that come to it, in $heard
listen() {
	local kind=UDP4

	[[ $2 != *:* ]] || kind=UDP6
	heard=$(mktemp)
	ip netns exec "$1" socat -u "$kind-RECV:7000" "OPEN:$heard,append" 2>/dev/null &
	listener=$!
	slowly eval "in_ns '$1' ss -Hlun 'sport = :7000' | grep -q 7000"
}
deaf() { kill "$listener"; wait "$listener" 2>/dev/null; rm -f "$heard"; }

# say FROM ADDRESS N - datagrams 1 to N, one after the other
say() {
	in_ns "$1" bash -c 'for ((i = 1; i <= $2; i++)); do
		echo "$i $3" >"/dev/udp/$1/7000"; done' bash "$2" "$3" "$MARKER"
}

# said N.. - these datagrams, whole, in this order
said() { [ $# -eq 0 ] || printf "%d $MARKER\n" "$@"; }

# wait_for NAME N - so many wait with the cipher
wait_for() {
	slowly eval "[ \"\$(knob waiting)\" = $2 ]"
	is "$1: wait with the cipher" "$2" "$(knob waiting)"
}

# grows NAME WHAT - those counters have grown since $before, and no other, not even of
# those that count what passed
grows() {
	wanted=$2
	slowly eval '[ "$(all_grown)" = "$wanted" ]'
	is "$1" "$2" "$(all_grown)"
}
all_grown() {
	paste -d ' ' <(echo "$before") <(counters "$a") |
		awk '$4 != $2 {printf "%s%s+%d", sep, $1, $4 - $2; sep = " "}'
}

# hears NAME N.. - this and nothing else has come, in this order
hears() {
	local name=$1

	shift
	wanted=$(said "$@")
	slowly eval '[ "$(cat "$heard")" = "$wanted" ]'
	is "$name" "$*" "$(sed "s/ $MARKER\$//" "$heard" | xargs)"
}

# xfrm's own word on what it would not take
xfrm_errors() { in_ns "$b" awk '$2 {printf "%s=%s ", $1, $2}' /proc/net/xfrm_stat; }

late() {
	local asked

	before=$(counters "$a") asked=$(knob asked)
	turn delay 3
	try "$label: pings, us to xfrm" pings "$a" "$addr2" 10 1400 4000
	try "$label: pings, xfrm to us" pings "$b" "$addr1" 10 1400 4000
	try "$label: a file, us to xfrm" transfer "$a" "$b" "$addr2" 1
	try "$label: a file, xfrm to us" transfer "$b" "$a" "$addr1" 1
	turn delay 0
	is "$label: late: nothing is dropped" '' "$(grown "$before" "$(counters "$a")")"
	is "$label: late: the cipher is asked once for each packet" \
		"$(($(counter "$a" out_esp) + $(counter "$a" in_esp) - \
		$(awk '/^(out|in)_esp/ {n += $2} END {print n}' <<<"$before")))" \
		$(($(knob asked) - asked))
}

reordered() {
	local errors

	before=$(counters "$a") errors=$(xfrm_errors)
	listen "$b" "$addr2"
	turn hold 1 reorder 8
	say "$a" "$addr2" 8
	wait_for "$label: out, reordered" 8
	grows "$label: out: what waits is not counted yet" ''
	turn hold 0
	hears "$label: out: all come, the last first" 8 7 6 5 4 3 2 1
	grows "$label: out: each is counted once" out_esp+8
	is "$label: out: xfrm takes them all" "$errors" "$(xfrm_errors)"
	deaf

	# b's cable gives all twice: both wait, one of the two is good.
	before=$(counters "$a")
	listen "$a" "$addr1"
	ip netns exec "$b" tc qdisc add dev eth0 root netem duplicate 100%
	turn hold 1 reorder 16
	say "$b" "$addr1" 8
	wait_for "$label: in, reordered, twice" 16
	turn hold 0
	hears "$label: in: each comes once, the last first" 8 7 6 5 4 3 2 1
	grows "$label: in: and its double is a replay" 'in_esp+8 in_replay+8'
	ip netns exec "$b" tc qdisc del dev eth0 root

	before=$(counters "$a")
	: >"$heard"
	turn hold 1 reorder 80
	say "$b" "$addr1" 80
	wait_for "$label: in, 80, the last first" 80
	turn hold 0
	# shellcheck disable=SC2046 # numbers
	hears "$label: in: those within the window" $(seq 80 -1 17)
	grows "$label: in: those behind it are dropped" 'in_esp+64 in_replay+16'
	turn reorder 1
	deaf
}

# failing NAME KNOBS OUT_COUNTER IN_COUNTER - each third fails
failing() {
	local name=$1 by=$2 out=$3 in=$4

	# shellcheck disable=SC2086 # words
	turn $by
	before=$(counters "$a")
	listen "$b" "$addr2"
	say "$a" "$addr2" 9
	slowly eval '[ "$(knob waiting)" = 0 ]'
	grows "$label: out: each third fails $name, by name" "out_esp+6 $out+3"
	slowly eval '[ "$(wc -l <"$heard")" = 6 ]'
	is "$label: out: the others come, and are right" '6 0' \
		"$(wc -l <"$heard") $(grep -vcE "^[1-9] $MARKER\$" "$heard")"
	deaf
	before=$(counters "$a")
	listen "$a" "$addr1"
	say "$b" "$addr1" 9
	grows "$label: in: each third fails $name, by name" "in_esp+6 $in+3"
	slowly eval '[ "$(wc -l <"$heard")" = 6 ]'
	is "$label: in: the others come, and are right" '6 0' \
		"$(wc -l <"$heard") $(grep -vcE "^[1-9] $MARKER\$" "$heard")"
	deaf
	turn fail_nth 0 refuse_nth 0
}

failed() {
	failing 'later, EIO' 'fail_nth 3 fail_err 5' out_crypto in_crypto
	failing 'later, EBADMSG' 'fail_nth 3 fail_err 74' out_crypto in_icv
	failing 'later, ENOMEM' 'fail_nth 3 fail_err 12' out_no_memory in_no_memory
	failing 'at once, EBUSY' 'refuse_nth 3 refuse_err 16' out_crypto in_crypto
	failing 'at once, ENOMEM' 'refuse_nth 3 refuse_err 12' out_no_memory in_no_memory
}

# twice - of each packet the first copy fails
twice() {
	listen "$a" "$addr1"
	# One more question where that makes the number odd: the next is an even one.
	if [ $(($(knob asked) % 2)) = 0 ]; then
		say "$b" "$addr1" 1
		slowly [ -s "$heard" ]
		: >"$heard"
	fi
	is "$label: an odd number of questions so far" 1 $(($(knob asked) % 2))
	before=$(counters "$a")
	ip netns exec "$b" tc qdisc add dev eth0 root netem duplicate 100%
	turn hold 1 fail_nth 2 fail_err 5
	say "$b" "$addr1" 9
	wait_for "$label: in, twice" 18
	turn hold 0
	hears "$label: what failed has not been received: its double is" 1 2 3 4 5 6 7 8 9
	grows "$label: and all is counted" 'in_esp+9 in_crypto+9'
	turn fail_nth 0
	ip netns exec "$b" tc qdisc del dev eth0 root
	deaf
}

# under NAME OUT_IN COMMAND... - with 4 packets each way at the cipher the command
# is run; then they are answered
under() {
	local name=$1 wanted=$2

	shift 2
	before=$(counters "$a")
	turn hold 1
	say "$a" "$addr2" 4
	say "$b" "$addr1" 4
	wait_for "$label: $name" 8
	"$@" || fail "$label: $name" "$*"
	turn hold 0
	grows "$label: $name: what was at the cipher" "$wanted"
}

replace_all() { rules "$mode" "$addr1" "$addr2" "$addr1" "$addr2" |
	{ echo 'flush; spdflush;'; cat; } | in_ns "$a" setkey -t -f -; }

removed() {
	local sink

	# What comes to b is heard there, or ICMP errors would come back.
	listen "$b" "$addr2"
	sink=$listener
	listen "$a" "$addr1"
	under 'SAs replaced' 'out_esp+4 in_esp+4' replace_all
	hears "$label: SAs replaced: all come" 1 2 3 4
	: >"$heard"
	under 'SAs deleted' 'out_esp+4 in_sa_state+4' in_ns "$a" setkey -F
	hears "$label: SAs deleted: none comes"
	ours "$a" "$mode" "$addr1" "$addr2" "$addr1" "$addr2"
	: >"$heard"
	# A tunnel must have been asked for; transport mode is welcome.
	if [ "$mode" = tunnel ]; then
		under 'policies deleted' 'out_esp+4 in_esp+4 in_policy+4' in_ns "$a" setkey -FP
		hears "$label: policies deleted: none comes"
	else
		under 'policies deleted' 'out_esp+4 in_esp+4' in_ns "$a" setkey -FP
		hears "$label: policies deleted: all come" 1 2 3 4
	fi
	: >"$heard"
	in_ns "$a" setkey -c <<<"spdadd $addr2 $addr1 any -P in discard;
		spdadd $addr1 $addr2 any -P out ipsec esp/$mode/$(
		[ "$mode" = transport ] || echo "$addr1-$addr2")/require;"
	under 'policies that want none of it' 'out_esp+4 in_esp+4 in_discard+4' true
	hears "$label: policies that want none of it: none comes"
	ours "$a" "$mode" "$addr1" "$addr2" "$addr1" "$addr2"
	deaf
	kill "$sink"
}

hosts_ab
begin gcm128 tunnel 10.1.0.1 10.1.0.2
late
reordered
failed
twice
removed
begin cbc128-sha256-esn transport fd01::1 fd01::2
reordered
twice
removed
begin chacha tunnel fd01::1 fd01::2
late

# pending COMMAND... - start it while packets are at the cipher; it waits for them
pending() {
	in_ns "$b" ss -Hlun | grep -q :7000 ||
		ip netns exec "$b" socat -u UDP6-RECV:7000 /dev/null 2>/dev/null &
	slowly eval 'in_ns "$b" ss -Hlun | grep -q :7000'
	turn hold 1
	say "$a" "$addr2" 4
	say "$b" "$addr1" 4
	wait_for "$1 $2" 8
	"$@" &
	waits=$!
}

# returns NAME - what was started returns when the cipher answers, and not before
returns() {
	sleep 0.5	# it has had the time to go wrong
	try "$1: waits for the cipher" kill -0 "$waits"
	turn hold 0
	try "$1: returns" slowly eval "! kill -0 $waits"
	try "$1: well" wait "$waits"
	is "$1: all is answered" 0 "$(knob waiting)"
}

# The device that packets came by, and that others are to leave by.
begin gcm128 tunnel 10.1.0.1 10.1.0.2
before=$(counters "$a")
pending ip -n "$a" link del eth0
returns 'a device'
grows 'a device: what was at the cipher is counted' 'out_esp+4 in_esp+4 in_route+4'
finish_hosts() { local one; for one in "${hosts[@]}"; do ip netns del "$one"; done; hosts=(); }
put "$a" </dev/null
finish_hosts

# The namespace; the module waits for it.
hosts_ab
begin gcm128 tunnel 10.1.0.1 10.1.0.2
pending ip netns del "$a"
wait "$waits"
hosts=("$b")
rmmod esplanade &
waits=$!
returns 'a namespace, and the module'
finish_hosts

# The module.
modprobe esplanade
hosts_ab
begin cbc128-sha256 tunnel fd01::1 fd01::2
pending rmmod esplanade
returns 'the module'
modprobe esplanade
begin gcm128 tunnel 10.1.0.1 10.1.0.2
try 'the module is back, and works' pings "$a" 10.1.0.2 10 1400
finish_hosts
try 'the module goes' slowly rmmod esplanade
try 'and the slow ciphers, which nobody has any more' slowly rmmod espl_slow
