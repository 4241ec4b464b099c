#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --python --timeout 900
#
# esn.sh - sequence numbers: past 2^32, in and out of windows, and to their end
#
# Conformance cases 14, 15 and 16. a is ours, b is xfrm, c forges.
# shellcheck source=selftests/net/lib.sh disable=SC2154
. ./lib.sh
trap finish EXIT

modprobe -a esplanade esp4 esp6 ah4 ah6 xfrm_user || exit 1
host a
host b
link "$a" eth0 '10.1.0.1/24 fd01::1/64' "$b" eth0 '10.1.0.2/24 fd01::2/64'

begin_at() { echo "$1" >/sys/module/esplanade/parameters/first_seq; }

# sequence SPI - the numbers of that SA on the wire, in order, as tcpdump has them
sequence() {
	tcpdump -nr "$wire" "${FIRST//SPI/$1}" 2>/dev/null |
		sed -n 's/.*seq=0x\([0-9a-f]*\).*/\1/p'
}

# runs_on SPI FIRST - each number is the one before and one, modulo 2^32
runs_on() {
	sequence "$1" | python3 -c '
import sys
seqs = [int(line, 16) for line in sys.stdin]
first = int(sys.argv[1])
good = [(first + i) % 2**32 for i in range(len(seqs))]
print(len(seqs), "numbers, the last", hex(seqs[-1]) if seqs else "none")
sys.exit(seqs != good or len(seqs) <= 2**32 - first)' "$2"
}

# 3 MB each way straddle 2^32, ours in super-packets of many segments.
start=$((2**32 - 1000))
begin_at "$start"
their_seq=$((start - 1))
while read -r name mode end1 end2 <&3; do
	label="$name $mode over 2^32"
	row "$name"
	ours "$a" "$mode" "$end1" "$end2" "$end1" "$end2"
	theirs "$b" "$mode" "$end2" "$end1" "$end2" "$end1"
	record "$a" eth0
	try "$label: 3 MB, us to xfrm" transfer "$a" "$b" "$end2" 3
	try "$label: 3 MB, xfrm to us" transfer "$b" "$a" "$end1" 3
	stop_recording
	only_esp "$label: nothing but $proto on the wire"
	try "$label: our numbers go on" runs_on 0x1001 "$start"
	try "$label: so do theirs" runs_on 0x1002 "$start"
	is "$label: nothing is dropped" '' "$(drops "$a")"
	forget_recording
done 3<<-CASES
	gcm128-esn tunnel 10.1.0.1 10.1.0.2
	chacha-esn transport fd01::1 fd01::2
	ccm128-esn tunnel fd01::1 fd01::2
	gmac128-esn transport 10.1.0.1 10.1.0.2
	cbc128-sha256-esn tunnel fd01::1 fd01::2
	ctr128-sha1-esn transport 10.1.0.1 10.1.0.2
	null-sha512-esn tunnel 10.1.0.1 10.1.0.2
	ah-sha256-esn transport fd01::1 fd01::2
	ah-sha256-esn tunnel 10.1.0.1 10.1.0.2
CASES
begin_at 1
their_seq=

# Numbers out of order, by hand.
host c
link "$a" eth1 10.2.0.1/24 "$c" eth0 10.2.0.2/24
setkey_window() {
	put "$a" <<-RULES
		add 10.2.0.2 10.2.0.1 esp 0x2001 -m transport -r $1 ${2:+-f $2}
			-E null -A hmac-sha2-256 $(hex_key 256);
		add 10.2.0.2 10.2.0.1 ah 0x2001 -m transport -r $1 ${2:+-f $2}
			-A hmac-sha2-256 $(hex_key 256);
	RULES
}
windows() {
	local name=$1 result

	setkey_window "$2" "$3"
	for kind in esp ah; do
		# shellcheck disable=SC2086 # words
		result=$(ip netns exec "$c" python3 windows.py "$kind" "${3:-short}" "$a" ${4//,/ } 2>&1)
		is "$kind, $name" "${4//,/ }" "$result"
	done
}
windows 'a window of 64' 64 '' \
	0:replay,1:yes,1:replay,100:yes,37:yes,37:replay,36:replay,100:replay,101:yes
windows 'a window of 4096' 4096 '' \
	5000:yes,905:yes,904:replay,905:replay,9095:yes,5000:replay,4999:replay,5001:yes
windows 'a window of 1' 1 '' 5:yes,4:replay,5:replay,6:yes
windows 'no window' 0 '' 5:yes,5:yes,1:yes,0:yes
windows 'the last number of 32 bits, then the first' 64 '' \
	0xfffffff0:yes,0xffffffff:yes,0xffffffff:replay,0x100000000:replay,0x100000001:replay
windows 'ESN over 2^32 and back' 64 esn \
	1:yes,0x7fffffff:yes,0xfffffff0:yes,0x100000005:yes,0xfffffffd:yes,0xfffffffd:replay,0x100000005:replay,0x200000999:icv,0x100000999:yes,0xfffffffe:icv,0x100000999:replay
windows 'ESN, a window of 4096 over 2^32' 4096 esn \
	0x7fffffff:yes,0xfffffffe:yes,0x100000800:yes,0xfffff801:yes,0xfffff800:icv,0xfffff801:replay

# The end of the numbers: the last is used, none comes twice, the keyer is told.
start=$((2**32 - 6))
while read -r name end1 end2 <&3; do
	begin_at "$start"
	row "$name"
	ours "$a" transport "$end1" "$end2" "$end1" "$end2"
	theirs "$b" transport "$end2" "$end1" "$end2" "$end1"
	begin_at 1
	before=$(counters "$a")
	ip netns exec "$a" stdbuf -oL setkey -x >/tmp/monitor 2>&1 &
	monitor=$!
	slowly eval "[ \"\$(awk '/^esplanade /{print \$3}' /proc/modules)\" -gt 0 ]"
	record "$a" eth0
	in_ns "$a" ping -n -q -c 20 -l 20 -W 1 "$end2" >/dev/null
	slowly grep -q -i expire /tmp/monitor
	stop_recording
	is "$name: six packets leave, the last the last" \
		"$(printf '%x\n' $(seq "$start" $((2**32 - 1))))" "$(sequence 0x1001)"
	is "$name: nothing leaves but $proto" 0 "$(on_wire "not $ESP and not $LINK")"
	lost=$(grown "$before" "$(counters "$a")")
	is "$name: the others are lost for want of numbers, or then of the SA" 14 \
		"$(grep -oE 'out_(seq|no_sa)\+[0-9]+' <<<"$lost" | awk -F+ '{n += $2} END {print n}')"
	is "$name: it is gone" 0 "$(in_ns "$a" setkey -D | grep -c 'spi=4097')"
	try "$name: and the keyer has heard of it" grep -qi expire /tmp/monitor
	kill "$monitor"
	forget_recording
done 3<<-CASES
	gcm128 10.1.0.1 10.1.0.2
	ah-sha1 fd01::1 fd01::2
CASES

# A super-packet has more segments than there are numbers left.
begin_at "$start"
row gcm128
ours "$a" transport 10.1.0.1 10.1.0.2 10.1.0.1 10.1.0.2
theirs "$b" transport 10.1.0.2 10.1.0.1 10.1.0.2 10.1.0.1
before=$(counter "$a" out_seq)
record "$a" eth0
ip netns exec "$b" timeout 5 nc -l 10.1.0.2 5001 >/dev/null &
slowly listens "$b"
# Whoever it belonged to, TCP goes on sending at both ends, and a namespace stays as long.
for ns in "$a" "$b"; do in_ns "$ns" sysctl -q -w net.ipv4.tcp_orphan_retries=1; done
timeout 3 ip netns exec "$a" nc -N 10.1.0.2 5001 <"$(big_file 3)"
stop_recording
try 'a super-packet at the end of the numbers: some segments lack one' \
	[ "$(counter "$a" out_seq)" -gt "$before" ]
is 'and the others have those that there were' \
	"$(printf '%x\n' $(seq "$start" $((2**32 - 1))))" "$(sequence 0x1001)"
is 'and nothing leaves but ESP' 0 "$(on_wire "not $ESP and not $LINK")"
