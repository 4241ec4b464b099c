#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --smp 2 --python --timeout 600
#
# ports.sh - policies for ranges of ports, and for ICMP types of which 0 is one
#
# a and b are ours, with an SA each way. What a range covers leaves as ESP, what is
# beside it in clear; the same of what comes in.
# shellcheck source=selftests/net/lib.sh disable=SC2154,SC2016
. ./lib.sh
trap finish EXIT

modprobe esplanade || exit 1
host a
host b
link "$a" eth0 '10.1.0.1/24 fd01::1/64' "$b" eth0 '10.1.0.2/24 fd01::2/64'
row gcm128

setkey_all() {
	local rules

	rules=$(cat)
	in_ns "$a" setkey -c <<<"$rules" && in_ns "$b" setkey -k -c <<<"$rules"
}

sas() {
	setkey_all <<-RULES
		add $1 $2 esp 0x1001 -m transport $(ours_algs);
		add $2 $1 esp 0x1002 -m transport $(ours_algs);
	RULES
}
sas 10.1.0.1 10.1.0.2
sas fd01::1 fd01::2
# That nobody listens is not told: it would quote the datagram, in clear.
in_ns "$b" setkey -c <<-'RULES'
	spdadd 10.1.0.2 10.1.0.1 icmp 3,any -P out discard;
	spdadd fd01::2 fd01::1 icmp6 1,any -P out discard;
RULES

# send FROM SOURCE-PORT ADDRESS PORT [OCTETS] - a datagram; answers nobody waits for
send() {
	ip netns exec "$1" python3 -c '
import socket, sys
source, to, port, size = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
s = socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", source))
s.sendto((b"PLAINTEXT-MARKER" * 250)[:size], (to, port))
' "$2" "$3" "$4" "${5:-32}"
}

# split NAME POLICY-ENDS FILTER SOURCE-PORT:PORT... - of these datagrams, those whose
# pair begins with + leave as ESP, those with - in clear
split() {
	local name=$1 ends=$2 to=$3 pair wanted='' got=''

	shift 3
	in_ns "$a" setkey -c <<<"spdflush; spdadd $ends udp -P out ipsec esp/transport//require;"
	for pair; do
		wanted+="${pair:0:1}"
		record "$a" eth0
		send "$a" "${pair:1:5}" "$to" "${pair#*:}"
		stop_recording
		if [ "$(on_wire "$ESP")" = 1 ] && ! grep -q "$MARKER" "$wire"; then
			got+=+
		elif [ "$(on_wire "$ESP")" = 0 ] && grep -q "$MARKER" "$wire"; then
			got+=-
		else
			got+='?'
		fi
		forget_recording
	done
	is "$name" "$wanted" "$got"
}

split 'destination ports 1000 to 2000' '10.1.0.1 10.1.0.2[1000-2000]' 10.1.0.2 \
	-40000:999 +40000:1000 +40000:1500 +40000:2000 -40000:2001
split 'source ports 40000 to 40255' '10.1.0.1[40000-40255] 10.1.0.2' 10.1.0.2 \
	-39999:9 +40000:9 +40255:9 -40256:9
split 'both' '10.1.0.1[40000-40001] 10.1.0.2[9-10]' 10.1.0.2 \
	+40000:9 +40001:10 -40000:11 -40002:9
split 'up to the last port' '10.1.0.1 10.1.0.2[65000-65535]' 10.1.0.2 \
	-40000:64999 +40000:65000 +40000:65535
split 'IPv6: destination ports 1000 to 2000' 'fd01::1 fd01::2[1000-2000]' fd01::2 \
	-40000:999 +40000:1000 +40000:2000 -40000:2001

# What is in fragments goes by its ports, too: it comes whole to the policy.
in_ns "$a" setkey -c <<<'spdflush; spdadd 10.1.0.1 10.1.0.2[1000-2000] udp -P out ipsec esp/transport//require;'
record "$a" eth0
send "$a" 40000 10.1.0.2 1999 4000
stop_recording
only_esp 'a datagram in fragments, within the range: ESP alone'
forget_recording
record "$a" eth0
send "$a" 40000 10.1.0.2 2001 4000
stop_recording
is 'beside it: no ESP' '0 3' "$(on_wire "$ESP") $(on_wire 'ip proto 17')"
forget_recording

# In: clear packets that the range covers are refused.
in_ns "$a" setkey -kc <<<'spdflush; spdadd 10.1.0.2 10.1.0.1[1000-2000] udp -P in ipsec esp/transport//require;'
for port in 1000 2000; do
	dropped "in clear to port $port: dropped" "$a" in_clear 1 send "$b" 40000 10.1.0.1 "$port"
done
before=$(counters "$a")
for port in 999 2001; do send "$b" 40000 10.1.0.1 "$port"; done
in_ns "$b" ping -n -c 1 -W 5 10.1.0.1 >/dev/null
is 'to 999 and to 2001: let in' '' "$(grown "$before" "$(counters "$a")")"

# ICMP: type 0 is the echo reply, and no other.
in_ns "$a" setkey -kc <<<'spdflush; spdadd 10.1.0.1 10.1.0.2 icmp 0,0 -P out discard;'
try 'type 0 discarded: requests go out and are answered' \
	in_ns "$a" ping -n -c 1 -W 5 10.1.0.2
dropped 'and replies do not' "$a" out_discard 1 in_ns "$b" ping -n -c 1 -W 1 10.1.0.1
in_ns "$a" setkey -kc <<<'spdflush; spdadd 10.1.0.1 10.1.0.2 icmp 8-13,any -P out discard;'
dropped 'types 8 to 13 discarded: requests do not go out' "$a" out_discard 1 \
	in_ns "$a" ping -n -c 1 -W 1 10.1.0.2
try 'replies do' in_ns "$b" ping -n -c 1 -W 5 10.1.0.1
in_ns "$a" setkey -kc <<<'spdflush; spdadd fd01::1 fd01::2 icmp6 129,any -P out discard;'
dropped 'IPv6: replies discarded' "$a" out_discard 1 in_ns "$b" ping -n -c 1 -W 1 fd01::1
try 'IPv6: requests are not' in_ns "$a" ping -n -c 1 -W 5 fd01::2

# What the kernel shows is what was said, and what is said again names the policy.
in_ns "$a" setkey -kc <<-'RULES'
	spdflush;
	spdadd 10.1.0.1[40000-40255] 10.1.0.2[80] tcp -P out none;
	spdadd 10.1.0.1[any] 10.1.0.2[0-1023] udp -P out none;
	spdadd 10.1.0.1 10.1.0.2 icmp 0,0 -P out none;
	spdadd 10.1.0.1 10.1.0.2 icmp 3,any -P out none;
	spdadd 10.1.0.1 10.1.0.2 icmp -P out none;
RULES
is 'the dump shows the ranges' '10.1.0.1 10.1.0.2 icmp
10.1.0.1 10.1.0.2 icmp 0,0
10.1.0.1 10.1.0.2 icmp 3,any
10.1.0.1[40000-40255] 10.1.0.2[80] tcp
10.1.0.1[any] 10.1.0.2[0-1023] udp' "$(in_ns "$a" setkey -DP | grep '^10' | sort)"
refuse 'the same range twice' in_ns "$a" setkey -f - \
	<<<'spdadd 10.1.0.1[any] 10.1.0.2[0-1023] udp -P out none; exit;'
is 'is refused as known' 'setkey: stdin,1: File exists' \
	"$(in_ns "$a" setkey -f - 2>&1 <<<'spdadd 10.1.0.1[any] 10.1.0.2[0-1023] udp -P out none;' | cut -d : -f 1-3 | cut -c 1-30)"
is 'a range beside it is not there' 1 "$(in_ns "$a" setkey -f - 2>&1 \
	<<<'spddelete 10.1.0.1[any] 10.1.0.2[0-1024] udp -P out;' | grep -c 'No entry')"
is 'each is deleted by its range' 'No SPD entries.' "$(in_ns "$a" setkey -kc <<-'RULES'
	spddelete 10.1.0.1[40000-40255] 10.1.0.2[80] tcp -P out;
	spddelete 10.1.0.1[any] 10.1.0.2[0-1023] udp -P out;
	spddelete 10.1.0.1 10.1.0.2 icmp 0,0 -P out;
	spddelete 10.1.0.1 10.1.0.2 icmp 3,any -P out;
	spddelete 10.1.0.1 10.1.0.2 icmp -P out;
	spddump;
RULES
)"

# Who has not said that he knows them does not get them.
in_ns "$a" setkey -kc <<<'spdadd 10.1.0.1 10.1.0.2[1000-2000] udp -P out none;'
is 'a dump for those who know no more than Linux has' 'SPDDUMP errno=0 satype=0' \
	"$(in_ns "$a" python3 keyer.py ask 02120000020000000000000000000000)"
is 'and for those who do' 'SPDDUMP errno=0 satype=0 exts=32' \
	"$(in_ns "$a" python3 keyer.py ask 0212000003000000000000000000000001001b0000000000)"
is 'nothing was lost but what is counted above' 'out_discard=3 in_clear=2 ' "$(drops "$a")"
