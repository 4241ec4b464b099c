#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --python --timeout 300
#
# algs.sh - what REGISTER says, what is refused, and the packets of the RFCs
#
# a is ours, b is xfrm.
# shellcheck source=selftests/net/lib.sh disable=SC2154
. ./lib.sh
trap finish EXIT

modprobe -a esplanade esp4 xfrm_user || exit 1
host a
host b
link "$a" eth0 10.1.0.1/24 "$b" eth0 10.1.0.2/24
parameter() { echo "$2" >"/sys/module/esplanade/parameters/$1"; }

offered() { in_ns "$a" python3 registered.py; }
is 'REGISTER: ids, octets of IV, least and most bits of the key' \
	"$(sort <<-ALGS
		auth 3 0 160 160
		auth 5 0 256 256
		auth 6 0 384 384
		auth 7 0 512 512
		auth 9 0 128 128
		auth 248 0 128 128
		enc 3 8 192 192
		enc 11 0 0 0
		enc 12 16 128 256
		enc 13 8 160 288
		enc 14 8 152 280
		enc 15 8 152 280
		enc 16 8 152 280
		enc 18 8 160 288
		enc 19 8 160 288
		enc 20 8 160 288
		enc 22 16 128 256
		enc 23 8 160 288
		enc 25 8 288 288
	ALGS
	)" "$(offered | sort)"

# What MUST NOT be used any more.
weak() { in_ns "$a" setkey -c <<<"add 10.1.0.1 10.1.0.2 esp 0x3001 $1;" 2>&1; }
for algs in "-E des-cbc 0x0123456789abcdef -A hmac-sha1 $(hex_key 160)" \
	"-E blowfish-cbc $(hex_key 128) -A hmac-sha1 $(hex_key 160)" \
	"-E cast128-cbc $(hex_key 128) -A hmac-sha1 $(hex_key 160)" \
	"-E aes-cbc $(hex_key 128) -A hmac-md5 $(hex_key 128)"; do
	name=$(grep -oE 'des-cbc|blowfish-cbc|cast128-cbc|hmac-md5' <<<"$algs")
	is "$name is refused, and setkey says why" yes "$(weak "$algs" |
		grep -q "$name.*MUST NOT be used (RFC 8221).*allow_weak=1" && echo yes)"
done
is 'nothing of it came into the SAD' 'No SAD entries.' "$(in_ns "$a" setkey -D)"
in_ns "$a" python3 registered.py des
try 'the kernel says why, too' eval \
	'dmesg | grep -q "SADB_ADD refused: .*MUST NOT be used (RFC 8221)"'
parameter allow_weak 1
is 'allow_weak=1: REGISTER has four more' \
	'auth 2 0 128 128,enc 2 8 64 64,enc 6 8 40 128,enc 7 8 40 448,' \
	"$(offered | grep -E '^(auth 2|enc [267]) ' | sort | tr '\n' ,)"
ALGORITHMS+='
des-md5         des-cbc/64      hmac-md5/128      cbc(des)                 hmac(md5)/96      out
sha256-96       aes-cbc/128     hmac-sha2-256/256 cbc(aes)                 hmac(sha256)/96   out
'
# with_xfrm ROW
with_xfrm() {
	row "$1"
	ours "$a" transport 10.1.0.1 10.1.0.2 10.1.0.1 10.1.0.2
	theirs "$b" transport 10.1.0.2 10.1.0.1 10.1.0.2 10.1.0.1
	record "$a" eth0
	try "$1 with xfrm: pings" pings "$a" 10.1.0.2 10 1400 4000
	stop_recording
	only_esp "$1 with xfrm: nothing but ESP on the wire"
	forget_recording
}
with_xfrm des-md5
parameter allow_weak 0
try 'an SA that is there goes on' pings "$a" 10.1.0.2 10

# HMAC-SHA2-256 as af_key had it.
row sha256-96
theirs "$b" transport 10.1.0.2 10.1.0.1 10.1.0.2 10.1.0.1
ours "$a" transport 10.1.0.1 10.1.0.2 10.1.0.1 10.1.0.2
short() { ip netns exec "$b" ping -n -c 1 -W 1 10.1.0.1; }
# Its octets are 4 short of whole blocks.
dropped '96 bits are not 128' "$a" in_length 1 short
parameter sha256_96 1
with_xfrm sha256-96
is 'and REGISTER has it once' 1 "$(offered | grep -c '^auth 5 ')"
parameter sha256_96 0

# The packets that RFCs print, each by its SA: taken, and one octet off: not.
in_ns "$a" setkey -c <<<'flush; spdflush;'
ip -n "$b" xfrm policy flush
while read -r name spi algs <&3; do
	in_ns "$a" setkey -c <<<"flush; add 10.1.0.2 10.1.0.1 esp $spi -m transport $algs;"
	before=$(counters "$a")
	in_ns "$b" python3 rfc.py send "$name" bad </dev/null
	slowly eval "[ \"\$(counters $a)\" != \"\$before\" ]"
	is "$name, one bit off" in_icv+1 "$(grown "$before" "$(counters "$a")")"
	before=$(counter "$a" in_esp)
	in_ns "$b" python3 rfc.py send "$name" </dev/null
	slowly eval "[ \"\$(counter $a in_esp)\" != $before ]"
	is "$name" 1 $(($(counter "$a" in_esp) - before))
done 3< <(python3 rfc.py list)
