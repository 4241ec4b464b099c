#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --smp 2 --python --timeout 600
#
# acquire.sh - SAs that packets ask for, packets that wait, policies that expire
#
# a is ours, b xfrm with its SAs there already; a's keyer makes its own when asked.
# shellcheck source=selftests/net/lib.sh disable=SC2154,SC2016
. ./lib.sh
trap finish EXIT

modprobe -a esplanade esp4 esp6 xfrm_user || exit 1
host a
host b
link "$a" eth0 '10.1.0.1/24 fd01::1/64' "$b" eth0 '10.1.0.2/24 fd01::2/64'
row gcm128

# keyer HOST ARGUMENT... - begin; what it says is in /tmp/keyer
keyer() {
	local host=$1

	shift
	mkfifo /tmp/keyer.in 2>/dev/null
	: >/tmp/keyer
	ip netns exec "$host" python3 keyer.py "$@" </tmp/keyer.in >/tmp/keyer 2>&1 &
	keyer=$!
	exec 7>/tmp/keyer.in
	slowly grep -q ready /tmp/keyer || fail 'the keyer begins'
}

keyer_ends() {
	exec 7>&-
	wait "$keyer" || fail 'the keyer ends well' "$(cat /tmp/keyer)"
}

# policies MODE A B - just a's policies
policies() {
	rules "$1" "$2" "$3" "$2" "$3" | grep ^spdadd | put "$a"
}

heard() { grep -c "^$1" /tmp/keyer; }

cold() {
	local mode=$1 a1=$2 b1=$3 label="$1, $2"

	policies "$mode" "$a1" "$b1"
	theirs "$b" "$mode" "$b1" "$a1" "$b1" "$a1"
	before=$(counters "$a")
	record "$a" eth0
	keyer "$a" answer 0.5 modern "$mode"
	try "$label: the first ping of a cold tunnel is answered" \
		in_ns "$a" ping -n -c 1 -W 5 -s 100 -p "$(marker_hex)" "$b1"
	try "$label: so are those behind it" pings "$a" "$b1" 10 1400 4000
	keyer_ends
	stop_recording
	only_esp "$label: nothing but ESP on the wire"
	forget_recording
	is "$label: the keyer is asked once" 1 "$(heard ACQUIRE)"
	is "$label: with what it needs" \
		"ACQUIRE errno=0 satype=3 $a1-$b1 dir=2 policy=1 priority=2147483648 combs=2 pid=0" \
		"$(sed -n 's/\(^ACQUIRE.*\) for .*/\1/p' /tmp/keyer)"
	is "$label: and what the packet was" "for ${a1}[$4]-${b1}[0]/$5" \
		"$(grep -o 'for .*' /tmp/keyer)"
	is "$label: nothing is lost" 'out_held+1' "$(grown "$before" "$(counters "$a")")"
	is "$label: no larval SA is left" '' "$(in_ns "$a" setkey -D | grep larval)"
}
cold tunnel 10.1.0.1 10.1.0.2 8 1
cold tunnel fd01::1 fd01::2 128 58
cold transport 10.1.0.1 10.1.0.2 8 1

# No keyer: nothing waits, and nobody is asked.
policies tunnel 10.1.0.1 10.1.0.2
dropped 'no keyer: the packet is lost at once' "$a" out_no_sa 1 \
	in_ns "$a" ping -n -c 1 -W 1 10.1.0.2

# Nor is it a keyer who only asks which algorithms there are: REGISTER, of no type of SA. So
# does setkey, and it may stay open.
mkfifo /tmp/keyer.in 2>/dev/null
ip netns exec "$a" setkey -c </tmp/keyer.in >/tmp/asked 2>&1 &
asker=$!
exec 7>/tmp/keyer.in
echo "add 10.1.0.8 10.1.0.9 esp 0x1001 -E aes-gcm-16 $(hex_key 160);" >&7
slowly eval 'in_ns "$a" setkey -D | grep -q 0x00001001' || fail 'setkey adds an SA'
before=$(counters "$a")
in_ns "$a" ping -n -q -c 1 -W 1 10.1.0.2 >/dev/null
is 'who asks for the algorithms is no keyer: nothing waits' 'out_no_sa+1' \
	"$(grown "$before" "$(counters "$a")")"
is 'and there is no larval SA' 0 "$(in_ns "$a" setkey -D | grep -c larval)"
exec 7>&-
wait "$asker"
policies tunnel 10.1.0.1 10.1.0.2

# A keyer that does not answer: one question; packets wait for three seconds.
before=$(counters "$a")
record "$a" eth0
keyer "$a" watch
in_ns "$a" ping -n -q -c 3 -i 0.2 -W 1 10.1.0.2 >/dev/null
is 'the larval SA is shown' "$(printf '10.1.0.1 10.1.0.2 \n\tesp mode=tunnel spi=0(0x00000000) reqid=0(0x00000000)')" \
	"$(in_ns "$a" setkey -D | head -n 2)"
slowly eval '[ "$(counter "$a" out_hold_late)" -ge 3 ]'
is 'packets wait for three seconds, and are lost' 'out_held+3 out_hold_late+3' \
	"$(grown "$before" "$(counters "$a")")"
is 'the keyer is asked once' 1 "$(heard ACQUIRE)"
is 'and not told what only newer keyers know' '' "$(grep -o 'for .*' /tmp/keyer)"
before=$(counters "$a")
in_ns "$a" ping -n -q -c 6 -l 6 -W 1 10.1.0.2 >/dev/null
is 'four of a flow wait, the oldest make way' 'out_held+6 out_hold_full+2' \
	"$(grown "$before" "$(counters "$a")")"
before=$(counters "$a")
in_ns "$a" setkey -c <<<'spdflush;'
is 'when the policy goes, those that wait are lost' 'out_no_sa+4' \
	"$(grown "$before" "$(counters "$a")")"
is 'and the larval SA with them' 'No SAD entries.' "$(in_ns "$a" setkey -D)"
keyer_ends
stop_recording
is 'nothing of this was on the wire' 0 "$(on_wire "not $LINK")"
forget_recording

# What others ask for is heard by all, without the keys.
keyer "$a" hear
in_ns "$a" setkey -c >/tmp/asked <<-RULES
	add 10.1.0.1 10.1.0.2 esp 0x1001 -E aes-gcm-16 $(hex_key 160);
	get 10.1.0.1 10.1.0.2 esp 0x1001;
	delete 10.1.0.1 10.1.0.2 esp 0x1001;
RULES
slowly grep -q DELETE /tmp/keyer
is 'a listener hears what others do, and no keys' 'ADD errno=0 satype=3
GET errno=0 satype=3
DELETE errno=0 satype=3' "$(grep -E '^(ADD|GET|DELETE)' /tmp/keyer)"
try 'who asks for an SA gets its key' grep -q 'E: aes-gcm-16' /tmp/asked
keyer_ends

# A policy for a whole network, in transport mode: each pair has its own SAs.
put "$a" <<<'spdadd 10.1.0.0/24 10.1.0.0/24 any -P out ipsec esp/transport//require;'
keyer "$a" watch
for n in 7 8 9; do in_ns "$a" arp -s 10.1.0.$n 02:00:00:00:00:0$n 2>/dev/null ||
	ip -n "$a" neigh add 10.1.0.$n lladdr 02:00:00:00:00:0$n dev eth0; done
for n in 7 8 9 7 8 9; do in_ns "$a" ping -n -c 1 -W 1 10.1.0.$n >/dev/null; done
is 'one question for each pair of hosts' '10.1.0.1-10.1.0.7 10.1.0.1-10.1.0.8 10.1.0.1-10.1.0.9' \
	"$(grep -oE '10.1.0.1-10.1.0.[0-9]+' /tmp/keyer | sort | xargs)"
keyer_ends

# A keyer that fails: packets are lost, and the next one asks again.
policies tunnel 10.1.0.1 10.1.0.2
keyer "$a" fail
before=$(counters "$a")
in_ns "$a" ping -n -q -c 2 -i 1 -W 1 10.1.0.2 >/dev/null
slowly eval '[ "$(heard "ACQUIRE errno=0")" = 2 ]'
is 'a keyer that gives up is asked by the next packet' 2 "$(heard 'ACQUIRE errno=0')"
slowly eval '[ "$(grown "$before" "$(counters "$a")")" = "out_no_sa+2 out_held+2" ]'
is 'and the packets are lost' 'out_no_sa+2 out_held+2' "$(grown "$before" "$(counters "$a")")"
keyer_ends
is 'an error about nothing asked is refused' 'ACQUIRE errno=3 satype=3' \
	"$(in_ns "$a" python3 keyer.py ask 02060e03020000006300000001000000)"

# A keyer whose socket is full has not heard the question: the next packet asks again.
policies tunnel 10.1.0.1 10.1.0.2
keyer "$a" watch
kill -STOP "$keyer"
for n in {1..800}; do echo "spdadd 10.9.0.1 10.9.0.2[$n] udp -P out none;"; done |
	in_ns "$a" setkey -f - >/dev/null
before=$(counter "$a" pfkey_lost)
in_ns "$a" ping -n -q -c 1 -W 1 10.1.0.2 >/dev/null
slowly eval '[ "$(counter "$a" pfkey_lost)" -gt '"$before"' ]'
is 'a keyer that is full does not hear' 1 "$(($(counter "$a" pfkey_lost) - before))"
is 'and nothing stands for the question' 0 "$(in_ns "$a" setkey -D | grep -c larval)"
kill -CONT "$keyer"
slowly eval '[ "$(heard SPDADD)" -gt 100 ]'
in_ns "$a" ping -n -q -c 1 -W 1 10.1.0.2 >/dev/null
slowly eval '[ "$(heard ACQUIRE)" = 1 ]'
is 'when it has read, it hears the next packet ask' 1 "$(heard ACQUIRE)"
keyer_ends

# hold_packets=0: asked for, not waited for.
echo 0 >/sys/module/esplanade/parameters/hold_packets
put "$a" </dev/null
policies tunnel 10.1.0.1 10.1.0.2
theirs "$b" tunnel 10.1.0.2 10.1.0.1 10.1.0.2 10.1.0.1
keyer "$a" answer 0
before=$(counters "$a")
in_ns "$a" ping -n -q -c 1 -W 1 10.1.0.2 >/dev/null
is 'hold_packets=0: the first packet is lost' 'out_no_sa+1' \
	"$(grown "$before" "$(counters "$a")")"
try 'hold_packets=0: the next is answered' pings "$a" 10.1.0.2 10
keyer_ends
echo 1 >/sys/module/esplanade/parameters/hold_packets

# As many wait as may, and are about to leave, when one comes that none makes way for.
put "$a" <<-'RULES'
	spdadd 10.1.0.1 10.1.0.2 any -P out ipsec esp/tunnel/10.1.0.1-10.1.0.2/require;
	spdadd fd01::1 fd01::2 any -P out ipsec esp/tunnel/fd01::1-fd01::2/require;
RULES
ip -n "$b" xfrm state flush
keyer "$a" answer 1.5 tunnel poke fd01::2
before=$(counters "$a")
in_ns "$a" bash -c 'for port in {1000..1299}; do echo x >/dev/udp/10.1.0.2/$port; done'
slowly eval '[ "$(counter "$a" out_esp)" -gt 100 ]'
is '256 wait, 44 made way, and the one that comes then is lost' \
	'out_no_sa+1 out_held+300 out_hold_full+44' "$(grown "$before" "$(counters "$a")")"
keyer_ends

# Rekey under a flood: new SAs come, old ones go, and no packet is lost.
policies tunnel 10.1.0.1 10.1.0.2
row gcm128
rekey() {
	local n=$1 spi

	spi=$((0x2000 + 2 * n))
	# As keyers do it: ready to receive before anybody sends.
	in_ns "$a" setkey -c <<-RULES || return
		add 10.1.0.2 10.1.0.1 esp $((spi + 1)) -m tunnel -r 64 -E aes-gcm-16 $(hex_key 160);
	RULES
	{
		echo xfrm state add src 10.1.0.1 dst 10.1.0.2 proto esp spi $spi mode tunnel \
			flag af-unspec replay-window 64 aead "'rfc4106(gcm(aes))'" "$(hex_key 160)" 128
		echo xfrm state add src 10.1.0.2 dst 10.1.0.1 proto esp spi $((spi + 1)) mode tunnel \
			flag af-unspec replay-window 64 aead "'rfc4106(gcm(aes))'" "$(hex_key 160)" 128
	} | ip -n "$b" -batch - || return
	in_ns "$a" setkey -c <<-RULES || return
		add 10.1.0.1 10.1.0.2 esp $spi -m tunnel -r 64 -E aes-gcm-16 $(hex_key 160);
	RULES
	[ "$n" -gt 0 ] || return 0
	# The other end sends by the newest of the same second, or by another; as keyers
	# do, it is told which. The old ones stay until what is on its way has come.
	ip -n "$b" xfrm state delete src 10.1.0.2 dst 10.1.0.1 proto esp spi $((spi - 1))
	sleep 0.2
	in_ns "$a" setkey -c <<-RULES || return
		delete 10.1.0.1 10.1.0.2 esp $((spi - 2));
		delete 10.1.0.2 10.1.0.1 esp $((spi - 1));
	RULES
}
ip -n "$b" xfrm state flush
rekey 0
before=$(counters "$a")
record "$a" eth0
ip netns exec "$a" ping -n -q -i 0.01 10.1.0.2 >/tmp/flood 2>&1 &
flood=$!
n=0
while [ $((n += 1)) -le 20 ] && rekey $n; do :; done
is '20 rekeys under a flood' 21 "$n"
kill -INT "$flood"
wait "$flood"
is 'no ping is lost' '0%' "$(grep -oE '[0-9.]+% packet loss' /tmp/flood | cut -d' ' -f1)"
stop_recording
is 'each new SA was used' 21 "$(tcpdump -nr "$wire" 2>/dev/null |
	grep -oE '> 10.1.0.2: ESP\(spi=0x[0-9a-f]+' | sort -u | wc -l)"
is 'nothing but ESP' 0 "$(on_wire "not $ESP and not $LINK")"
is 'nothing is dropped' '' "$(grown "$before" "$(counters "$a")")"
forget_recording

# Policies with a lifetime: an hour's stays, that of two seconds goes, and it is said.
policy() {	# SECONDS IDLE [SOURCE] - the message of a policy from a /24, 10.9.0.0 if not said
	python3 - "$1" "$2" "${3:-10.9.0.0}" <<-'PYTHON'
	import struct, sys
	*life, source = sys.argv[1:]
	sys.argv, life = ["keyer.py", "none"], [int(word) for word in life]
	from keyer import *
	exts = ext(POLICY, struct.pack("=HBBII", 0, 2, 0, 0, 0))
	exts += address(SRC, source, 255, 24) + address(DST, "10.1.0.2", 255)
	exts += ext(HARD, struct.pack("=IQQQ", 0, 0, life[0], life[1]))
	print((struct.pack("=BBBBHHII", 2, NUMBERS["SPDADD"], 0, 0, 2 + len(exts) // 8, 0, 1, 1) + exts).hex())
	PYTHON
}
for life in '2 0' '0 2' '3600 0'; do
	put "$a" </dev/null
	keyer "$a" watch
	# shellcheck disable=SC2086 # two words
	in_ns "$a" python3 keyer.py ask "$(policy $life)" >/dev/null
	is "a policy that lives for $life seconds" "lifetime: ${life% *}(s) validtime: ${life#* }(s)" \
		"$(in_ns "$a" setkey -DP | grep -o 'lifetime:.*')"
	if [ "$life" = '3600 0' ]; then
		in_ns "$a" python3 keyer.py ask "$(policy 2 0 10.8.0.0)" >/dev/null
		slowly grep -q SPDEXPIRE /tmp/keyer || fail 'a shorter one goes'
		is 'is still there' 1 "$(in_ns "$a" setkey -DP | grep -c lifetime)"
	else
		slowly grep -q SPDEXPIRE /tmp/keyer
		is 'goes, and keyers hear of it' 'SPDEXPIRE errno=0 satype=0 No SPD entries.' \
			"$(grep SPDEXPIRE /tmp/keyer) $(in_ns "$a" setkey -DP)"
	fi
	keyer_ends
done

# All goes while packets wait: policies with a clock, the namespace, the module.
put "$a" </dev/null
in_ns "$a" python3 keyer.py ask "$(policy 3600 0)" >/dev/null
in_ns "$a" setkey -c <<<'spdadd 10.1.0.1 10.1.0.2 any -P out ipsec esp/tunnel/10.1.0.1-10.1.0.2/require;'
keyer "$a" watch
before=$(counter "$a" out_held)
in_ns "$a" ping -n -q -c 4 -l 4 -W 1 10.1.0.2 >/dev/null &
slowly eval '[ "$(counter "$a" out_held)" = $((before + 4)) ]'
is 'packets wait' $((before + 4)) "$(counter "$a" out_held)"
keyer_ends
ip netns del "$a"
wait
try 'then the namespace goes, and the module' slowly rmmod esplanade
