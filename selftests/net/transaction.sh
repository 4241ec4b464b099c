#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --smp 2 --python --timeout 900
#
# transaction.sh - several requests in one write: all take effect, or none
#
# a is ours, b xfrm. Files are loaded while packets pass: none sees half of one.
# shellcheck source=selftests/net/lib.sh disable=SC2154,SC2016
. ./lib.sh
trap finish EXIT

modprobe -a esplanade esp4 esp6 xfrm_user || exit 1
host a
host b
link "$a" eth0 '10.1.0.1/24 fd01::1/64' "$b" eth0 '10.1.0.2/24 fd01::2/64'
row gcm128
ends='tunnel 10.1.0.1 10.1.0.2 10.1.0.1 10.1.0.2'

all() { in_ns "$a" setkey -D; in_ns "$a" setkey -DP; }
stable() { all | grep -vE 'current:|created:|lastused|diff:|pid=|last:|allocated'; }
# file - what a's file says; it begins as all such files do
file() {
	echo 'flush; spdflush;'
	# shellcheck disable=SC2086 # words
	rules $ends
}
load() { in_ns "$a" setkey -t -f "$1"; }

# All of it.
file >/tmp/rules
try 'a file takes effect as a whole' load /tmp/rules
is 'two SAs and three policies' '2 3' \
	"$(in_ns "$a" setkey -D | grep -c state=mature) $(in_ns "$a" setkey -DP | grep -c spid=)"
# shellcheck disable=SC2086 # words
theirs "$b" tunnel 10.1.0.2 10.1.0.1 10.1.0.2 10.1.0.1
record "$a" eth0
try 'packets pass by it' pings "$a" 10.1.0.2 10 1400
stop_recording
only_esp 'nothing but ESP on the wire'
forget_recording

# Nothing of it: one command in a file is refused, at any place.
before=$(stable)
sum=$(counters "$a")
key=$(hex_key 160)
nothing() {
	local name=$1 line=$2 words=$3 out status

	cat >/tmp/bad
	out=$(load /tmp/bad 2>&1)
	status=$?
	if [ "$status" -eq 1 ] && grep -q "^setkey: /tmp/bad,$line: .*$words" <<<"$out" &&
	   grep -q 'nothing of this script has taken effect' <<<"$out" &&
	   [ "$(stable)" = "$before" ]; then
		pass "nothing of it: $name"
	else
		fail "nothing of it: $name" "status $status" "$out" \
			"$(diff <(echo "$before") <(stable))"
	fi
}
nothing 'an SA that is there' 2 'File exists' <<-RULES
	spdadd 10.9.0.1 10.9.0.2 any -P out discard;
	add 10.1.0.1 10.1.0.2 esp 0x1001 -E aes-gcm-16 $key;
RULES
nothing 'a policy twice, after all was flushed' 6 'File exists' <<-RULES
	flush;
	spdflush;
	add 10.1.0.1 10.1.0.2 esp 0x1001 -m tunnel -E aes-gcm-16 $key;
	spdadd 10.9.0.1 10.9.0.2 any -P out discard;
	spdadd 10.9.0.1 10.9.0.3 any -P out discard;
	spdadd 10.9.0.1 10.9.0.2 any -P out none;
RULES
nothing 'an SA twice, after all was flushed' 3 'File exists' <<-RULES
	flush;
	add 10.1.0.1 10.1.0.2 esp 0x1001 -m tunnel -E aes-gcm-16 $key;
	add 10.1.0.1 10.1.0.2 esp 0x1001 -m tunnel -E aes-gcm-16 $key;
RULES
nothing 'an SA that was deleted before' 2 'No such process' <<-RULES
	delete 10.1.0.1 10.1.0.2 esp 0x1001;
	delete 10.1.0.1 10.1.0.2 esp 0x1001;
RULES
nothing 'a policy that is not there' 3 'No entry' <<-RULES
	spdflush;
	spdadd 10.9.0.1 10.9.0.2 any -P out discard;
	spddelete 10.1.0.1 10.1.0.2 any -P out;
RULES
nothing 'what the kernel does not take' 2 'optional on the way out' <<-RULES
	spdflush;
	spdadd 10.9.0.1 10.9.0.2 any -P out ipsec esp/tunnel/10.1.0.1-10.1.0.2/use;
RULES
try 'the tunnel goes on' pings "$a" 10.1.0.2 10 1400
is 'and no packet was lost' '' "$(grown "$sum" "$(counters "$a")")"

# Within a file, commands see what those before them did.
try 'added, replaced, deleted, added again' load - <<-RULES
	spdadd 10.9.0.1 10.9.0.2 any -P out discard;
	spdupdate 10.9.0.1 10.9.0.2 any -P out none;
	spddelete 10.9.0.1 10.9.0.2 any -P out;
	spdadd 10.9.0.1 10.9.0.2 any -P out none;
	add 10.9.0.1 10.9.0.2 esp 0x5001 -E aes-gcm-16 $key;
	delete 10.9.0.1 10.9.0.2 esp 0x5001;
	add 10.9.0.1 10.9.0.2 esp 0x5001 -E aes-gcm-16 $key;
	delete 10.1.0.1 10.1.0.2 esp 0x1001;
	add 10.1.0.1 10.1.0.2 esp 0x1001 -m tunnel -r 64 -E aes-gcm-16 $key;
	delete 10.1.0.1 10.1.0.2 esp 0x1001;
	add 10.1.0.1 10.1.0.2 esp 0x1001 -m tunnel -r 64 -E aes-gcm-16 $key;
RULES
is 'all is as the last of them said' '1 1 1 1' "$(all | grep -c '^10.9.0.1\[any\] 10.9.0.2\[any\]') \
$(all | grep -c 'out prio def none') $(all | grep -c 0x00005001) $(all | grep -c 0x00001001)"
try 'the peer takes the numbers of the SA that went and came' pings "$a" 10.1.0.2 10 1400
try 'and all of it goes' load - <<-'RULES'
	delete 10.9.0.1 10.9.0.2 esp 0x5001;
	spddelete 10.9.0.1 10.9.0.2 any -P out;
RULES
is 'as if it had not been' "$(sort <<<"$before")" "$(stable | sort)"

# Loaded again and again while packets pass: none leaves in clear, none is lost. The
# peer's window sees numbers that go on.
before=$(counters "$a")
record "$a" eth0
ip netns exec "$a" timeout 300 ping -n -q -i 0.005 -p "$MARKER_HEX" 10.1.0.2 >/tmp/flood 2>&1 &
flood=$!
for _ in {1..20}; do load /tmp/rules || fail 'loaded under a flood'; done
kill -INT "$flood"
wait "$flood"
stop_recording
only_esp '20 times under a flood: nothing but ESP on the wire'
is 'no ping is lost' '0%' "$(grep -o '[0-9.]*% packet loss' /tmp/flood | cut -d ' ' -f 1)"
is 'and no packet' '' "$(grown "$before" "$(counters "$a")")"
is "nor by the peer's window" 0 "$(in_ns "$b" awk '/StateSeq|InStateProtoError/ {n += $2} END {print n}' /proc/net/xfrm_stat)"

# The proof that this would show: line by line, packets leave in clear.
record "$a" eth0
ip netns exec "$a" timeout 300 ping -n -q -i 0.001 -s 100 -p "$MARKER_HEX" 10.1.0.2 >/tmp/flood 2>&1 &
flood=$!
clear=0
for _ in {1..100}; do
	in_ns "$a" setkey -f /tmp/rules
	clear=$(grep -c "$MARKER" "$wire")
	[ "$clear" -eq 0 ] || break
done
kill -INT "$flood"
wait "$flood"
stop_recording
is 'loaded line by line, packets leave in clear' 1 "$((clear > 0))"
forget_recording

# What has been received is not received again, whatever was loaded since.
load /tmp/rules
ip -n "$b" xfrm state flush
ip -n "$b" xfrm policy flush
theirs "$b" tunnel 10.1.0.2 10.1.0.1 10.1.0.2 10.1.0.1
ours "$a" tunnel 10.1.0.1 10.1.0.2 10.1.0.1 10.1.0.2
record "$b" eth0
in_ns "$b" ping -n -q -c 20 -i 0.01 10.1.0.1 >/dev/null
stop_recording
replay() {
	ip netns exec "$b" python3 -c '
import socket, struct, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("eth0", 0))
data, at = open(sys.argv[1], "rb").read(), 24
while at < len(data):
    size = struct.unpack_from("=I", data, at + 8)[0]
    frame = data[at + 16:at + 16 + size]
    if frame[12:14] == b"\x08\x00" and frame[23] == 50 and frame[29] == 2:
        s.send(frame)
    at += 16 + size
' "$wire"
}
dropped 'what was received is not received again' "$a" in_replay 20 replay
load /tmp/rules
dropped 'nor when the file was loaded again' "$a" in_replay 20 replay
sed 's/-r 64/-r 200/' /tmp/rules >/tmp/wider
load /tmp/wider
dropped 'nor by a wider window' "$a" in_replay 20 replay
sed 's/-r 64/-r 32/' /tmp/rules >/tmp/narrower
load /tmp/narrower
dropped 'nor by a narrower one' "$a" in_replay 20 replay
try 'but what is new is' pings "$b" 10.1.0.1 10 1400
forget_recording

# Numbers go on: none comes twice, for with the key it makes the nonce; and none is left
# out. So it is with other keys: they may differ in one half only.
sed "s/$(hex_key 160)/$(hex_key 160 9)/" /tmp/rules >/tmp/rekeyed
load /tmp/rules
record "$a" eth0
sends() { in_ns "$a" ping -n -q -c "$1" -i 0.01 -W 1 10.1.0.2 >/dev/null; }
sends 3
load /tmp/rules && sends 1
in_ns "$a" python3 keyer.py bare 0x1001 10.1.0.1 10.1.0.2 && sends 1
load /tmp/wider && sends 1
load /tmp/narrower && sends 1
load /tmp/rekeyed && sends 1
stop_recording
numbers() {
	tcpdump -nr "$wire" "$ESP and src host 10.1.0.1" 2>/dev/null |
		sed -n 's/.*seq=\(0x[0-9a-f]*\).*/\1/p'
}
# Of the last before each change, and of the first behind it.
mapfile -t seq < <(numbers)
n=2
for name in 'the same file' 'UPDATE' 'a wider window' 'a narrower window' 'other keys'; do
	is "numbers go on: $name" $((seq[n] + 1)) $((seq[n += 1]))
done
forget_recording

# Nor does one come twice while the small segments of a large TCP packet get theirs.
ip -n "$b" route change 10.1.0.0/24 dev eth0 src 10.1.0.2 advmss 88
load /tmp/rules
record "$a" eth0
transfer "$a" "$b" 10.1.0.2 1 &
transfer=$!
loads=0
while kill -0 "$transfer" 2>/dev/null; do load /tmp/rules && loads=$((loads + 1)); done
wait "$transfer"
is 'loaded again and again while a file passes: it arrives' '0 1' "$? $((loads > 3))"
stop_recording
ip -n "$b" route change 10.1.0.0/24 dev eth0 src 10.1.0.2
is 'in small segments' 1 $(($(numbers | wc -l) > 10000))
is 'and no number comes twice' '' "$(numbers | sort | uniq -d | head -n 3 | xargs)"
forget_recording

# Others hear of each change, in order; of what failed, nothing.
mkfifo /tmp/keyer.in
ip netns exec "$a" python3 keyer.py watch </tmp/keyer.in >/tmp/keyer 2>&1 &
keyer=$!
exec 7>/tmp/keyer.in
slowly grep -q ready /tmp/keyer || fail 'the keyer begins'
load /tmp/rules
load /tmp/bad 2>/dev/null
exec 7>&-
wait "$keyer"
is 'others hear of each change, and of no more' \
	'ready FLUSH SPDFLUSH ADD ADD SPDADD SPDADD SPDADD ' \
	"$(awk '{printf "%s ", $1}' /tmp/keyer)"

# A packet that waits leaves by what the transaction brings. It has three seconds: all
# else is there before.
in_ns "$a" setkey -c <<<'flush;'
sed -n '/^add/,/;/p' /tmp/rules >/tmp/sas
ip -n "$b" xfrm state flush
ip -n "$b" xfrm policy flush
theirs "$b" tunnel 10.1.0.2 10.1.0.1 10.1.0.2 10.1.0.1
: >/tmp/keyer
ip netns exec "$a" python3 keyer.py watch </tmp/keyer.in >/tmp/keyer 2>&1 &
keyer=$!
exec 7>/tmp/keyer.in
slowly grep -q ready /tmp/keyer || fail 'the keyer begins'
ip netns exec "$a" ping -n -c 1 -W 5 10.1.0.2 >/tmp/ping &
ping=$!
slowly grep -q ACQUIRE /tmp/keyer || fail 'the keyer is asked'
load /tmp/sas
wait "$ping"
is 'a packet that waited is answered' 0 $?
exec 7>&-
wait "$keyer"

# Raw writes. request NAME HEX... - of the messages as they are, their answer
request() { in_ns "$a" python3 keyer.py ask "$1" 2>&1 | tail -n 1; }
flush=0209000302000000010000004d000000
dump=020a000302000000020000004d000000
is 'a request that changes nothing is refused' 'DUMP errno=95 satype=3' "$(request "$flush$dump")"
is 'so is what stands alone' 'GETSPI errno=22 satype=3' \
	"$(request "${flush}0201000302000000020000004d000000")"
is 'the answer is the header of the last' 'FLUSH errno=0 satype=2' \
	"$(request "${flush}0209000202000000020000004d000000")"
is 'a write of nothing' 'OSError: [Errno 90] Message too long' "$(request '')"
is 'half a header' 'OSError: [Errno 90] Message too long' "$(request "${flush:0:16}")"
is 'half a header behind a whole one' 'OSError: [Errno 90] Message too long' \
	"$(request "$flush${flush:0:16}")"
is 'a length of 0 behind a whole one' 'OSError: [Errno 90] Message too long' \
	"$(request "${flush}02090003000000000200000000000000")"
is 'a length beyond the end' 'OSError: [Errno 90] Message too long' \
	"$(request "${flush}02090003030000000200000000000000")"
is 'another version' 'OSError: [Errno 22] Invalid argument' \
	"$(request "${flush}03090003020000000200000000000000")"

# Many.
awk 'BEGIN {
	print "spdflush; flush;"
	for (i = 0; i < 10000; i++)
		printf "spdadd 10.%d.%d.0/24 10.200.0.0/16 any -P out discard;\n", 50 + i / 250, i % 250
}' >/tmp/many
try '10,000 policies' load /tmp/many
is 'are there' 10000 "$(in_ns "$a" setkey -DP | grep -c spid=)"
# dumped TYPE - messages of a whole dump, by a socket with the default buffer, read late
dumped() {
	in_ns "$a" python3 -c '
import socket, struct, sys, time
s = socket.socket(15, socket.SOCK_RAW, 2)
s.send(struct.pack("=BBBBHHII", 2, int(sys.argv[1]), 0, 0, 2, 0, 0, 77))
time.sleep(1)
wanted, n = None, 0
while True:
    head = struct.unpack_from("=BBBBHHII", s.recv(65536))
    assert not head[2] and wanted in (None, head[6]), (head, wanted)
    wanted, n = head[6] - 1, n + 1
    if not head[6]:
        break
print(n)
' "$1"
}
is 'are dumped to a default buffer, counted down' 10000 "$(dumped 18)"
echo 'spdadd 10.50.0.0/24 10.200.0.0/16 any -P out none;' >>/tmp/many
refuse 'and one of them twice' load /tmp/many
is 'they are there still' 10000 "$(in_ns "$a" setkey -DP | grep -c 'out prio def discard')"
try 'and go' load - <<<'spdflush;'
is 'to the last' 'No SPD entries.' "$(in_ns "$a" setkey -DP)"
awk -v key="$(hex_key 160)" 'BEGIN {
	for (i = 0; i < 10000; i++)
		printf "add 10.1.0.1 10.1.0.2 esp %d -E aes-gcm-16 %s;\n", 65536 + i, key
}' >/tmp/many
try '10,000 SAs' load /tmp/many
is 'are dumped to a default buffer, too' 10000 "$(dumped 10)"
try 'and go' load - <<<'flush;'
is 'an SPI is reserved, and told' 'spi=4660(0x00001234)' \
	"$(in_ns "$a" setkey -c <<<'getspi 10.1.0.1 10.1.0.2 esp 0x1234;')"
is 'JSON of it' 'larval 4660' "$(in_ns "$a" setkey -jD |
	python3 -c 'import json, sys; sa, = json.load(sys.stdin); print(sa["state"], sa["spi"])')"
is 'JSON of no policies' '[]' "$(in_ns "$a" setkey -jDP)"
refuse 'more than the kernel takes at once' load <(awk 'BEGIN {
	for (i = 0; i < 400000; i++)
		print "spdadd fd01::1 fd01::2 any -P out discard;"
}')
is 'changes nothing' 'No SPD entries.' "$(in_ns "$a" setkey -DP)"

# What a file adds goes many in a write, each with its number in it; and yet each line has
# its own answer, and those that are good take effect.
in_ns "$a" setkey -c <<<'flush;'
awk 'BEGIN {
	for (i = 1; i <= 2500; i++)
		printf "spdadd 10.%d.%d.0/24 10.200.0.0/16 any -P out %s;\n",
		       i / 200, i == 700 ? 3 : i % 200,
		       i == 1500 ? "ipsec esp/tunnel/10.1.0.1-10.1.0.2/use" : "discard"
	print "spdadd 10.1.0.1;"
}' | sed '700s,10\.3,10.0,' >/tmp/lines
ip netns exec "$a" stdbuf -oL setkey -x >>/tmp/monitor 2>/dev/null &
monitor=$!
slowly eval 'in_ns "$a" setkey -c <<<"spdflush;"; grep -q spdflush /tmp/monitor'
in_ns "$a" setkey -f /tmp/lines 2>/tmp/err
is 'a file of 2,500 lines: its status' 1 $?
is 'each bad line is told, in order, by its number' \
	'700:File 1500:Invalid 2501:syntax 2501:parse ' \
	"$(sed -n 's,^setkey: /tmp/lines\,\([0-9]*\): \([^ ]*\).*,\1:\2,p' /tmp/err | tr '\n' ' ')"
is 'why the kernel does not take it, too' 1 "$(grep -c ',1500: .*optional on the way out' /tmp/err)"
is 'and all others are there' 2498 "$(in_ns "$a" setkey -DP | grep -c 'out prio def discard')"
slowly eval '[ "$(grep -c "^spdadd " /tmp/monitor)" = 2498 ]'
is 'others heard of each' 2498 "$(grep -c '^spdadd ' /tmp/monitor)"
is 'those of a write without a bad line were in one' 1 \
	"$(($(grep -c '^spdadd .* seq=[1-9]' /tmp/monitor) > 400))"
in_ns "$a" setkey -c <<<'spdflush;'
: >/tmp/monitor
head -n 5 /tmp/lines | in_ns "$a" setkey -f -
slowly eval '[ "$(grep -c "^spdadd " /tmp/monitor)" = 5 ]'
is 'what comes through a pipe takes effect line by line' '5 0' \
	"$(grep -c '^spdadd ' /tmp/monitor) $(grep -c '^spdadd .* seq=[1-9]' /tmp/monitor)"
kill "$monitor"
wait "$monitor"
for _ in 1 2; do echo 'spdadd 10.9.0.1 10.9.0.2 any -P out discard;'; done >/tmp/twice
is 'by -c a refusal is on standard output, from a file too' 'File exists.' \
	"$(in_ns "$a" setkey -c </tmp/twice 2>/dev/null)"
