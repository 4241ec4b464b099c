#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --timeout 600
#
# pfkey.sh - what setkey asks wrongly is refused in words, and changes nothing
# shellcheck source=selftests/net/lib.sh disable=SC2154
. ./lib.sh
trap finish EXIT

modprobe esplanade || exit 1
host a

state() { in_ns "$a" setkey -D; in_ns "$a" setkey -DP; }
stable() { state | grep -vE 'current:|lastused|diff:|pid=|last:'; }

row gcm128
ours "$a" tunnel 10.1.0.1 10.1.0.2 10.1.0.0/24 10.2.0.0/24
before=$(stable)
key=$(hex_key 160)
cbc="-E aes-cbc $(hex_key 128)"
sha="-A hmac-sha1 $(hex_key 160)"

# refused NAME WORDS COMMAND - status not 0, file and line, the reason, no change
refused() {
	local out status

	printf '# a comment\n%s\n' "$3" >/tmp/rules
	out=$(in_ns "$a" setkey -f /tmp/rules 2>&1)
	status=$?
	if [ "$status" -ne 0 ] && grep -q '^setkey: /tmp/rules,[23]: ' <<<"$out" &&
	   grep -qi -e "$2" <<<"$out" && [ "$(stable)" = "$before" ]; then
		pass "refused: $1"
	else
		fail "refused: $1" "status $status, wanted words: $2" "$out" \
			"$(diff <(echo "$before") <(stable))"
	fi
}

refused 'an SA that is there' 'File exists' "add 10.1.0.1 10.1.0.2 esp 0x1001 -m tunnel -E aes-gcm-16 $key;"
refused 'a key too short' 'key length' "add 10.1.0.1 10.1.0.2 esp 0x3000 -E aes-gcm-16 0x0102;"
refused 'a key too long' 'key length' "add 10.1.0.1 10.1.0.2 esp 0x3000 -E aes-gcm-16 $(hex_key 512);"
refused 'an integrity key too short' 'key length' "add 10.1.0.1 10.1.0.2 esp 0x3000 $cbc -A hmac-sha1 0x0102;"
refused 'an algorithm nobody knows' 'rot13' "add 10.1.0.1 10.1.0.2 esp 0x3000 -E rot13 0x01;"
refused 'an algorithm we do not have' 'not supported' "add 10.1.0.1 10.1.0.2 esp 0x3000 -E des-cbc 0x0102030405060708 $sha;"
refused 'encryption without integrity' 'Invalid argument' "add 10.1.0.1 10.1.0.2 esp 0x3000 $cbc;"
refused 'a combined algorithm and another' 'by itself' "add 10.1.0.1 10.1.0.2 esp 0x3000 -E aes-gcm-16 $key $sha;"
refused 'SPI 0' 'reserved' "add 10.1.0.1 10.1.0.2 esp 0 -E aes-gcm-16 $key;"
refused 'SPI 255' 'reserved' "add 10.1.0.1 10.1.0.2 esp 255 -E aes-gcm-16 $key;"
refused 'AH that encrypts' 'does not encrypt' "add 10.1.0.1 10.1.0.2 ah 0x3000 $cbc $sha;"
refused 'addresses of two families' 'different address families' "add 10.1.0.1 fd00::1 esp 0x3000 -E aes-gcm-16 $key;"
refused 'an SA that is not there' 'No such process\|No entry' 'delete 10.1.0.1 10.1.0.2 esp 0x3000;'
refused 'a prefix longer than the address' 'prefix' 'spdadd 10.1.0.0/33 10.2.0.0/24 any -P out discard;'
refused 'an IPv6 prefix longer than the address' 'prefix' 'spdadd fd00::/129 fd01::/64 any -P out discard;'
refused 'a policy that is there' 'File exists' 'spdadd 10.1.0.0/24 10.2.0.0/24 any -P out discard;'
refused 'a policy that is not there' 'No such file\|No entry' 'spddelete 10.7.0.0/24 10.2.0.0/24 any -P out;'
refused 'an outbound tunnel of level use' 'Invalid argument' 'spdadd 10.7.0.0/24 10.2.0.0/24 any -P out ipsec esp/tunnel/10.1.0.1-10.1.0.2/use;'
refused 'a tunnel without ends' 'two ends' 'spdadd 10.7.0.0/24 10.2.0.0/24 any -P out ipsec esp/tunnel//require;'
refused 'ends that the kernel would choose' 'two ends' 'spdadd 10.7.0.0/24 10.2.0.0/24 any -P out ipsec esp/tunnel/me-any/require;'
refused 'a labelled SA' 'no security labels' "add 10.1.0.1 10.1.0.2 esp 0x3000 -ctx 1 1 \"label\" -E aes-gcm-16 $key;"
refused 'a labelled policy' 'no security labels' 'spdadd 10.7.0.0/24 10.2.0.0/24 any -ctx 1 1 "label" -P out discard;'
refused 'a direction nobody knows' 'in, out or fwd' 'spdadd 10.7.0.0/24 10.2.0.0/24 any -P sideways discard;'
refused 'a line that stops in the middle' 'middle of a command' 'spdadd 10.7.0.0/24'

# As the article's second paragraph does it.
in_ns "$a" setkey -c <<<'flush; spdflush;'
is 'flushed: no SAs' 'No SAD entries.' "$(in_ns "$a" setkey -D)"
is 'flushed: no policies' 'No SPD entries.' "$(in_ns "$a" setkey -DP)"

line='192.0.2.0/24 198.51.100.0/24 tcp -P in ipsec esp/tunnel/10.1.0.2-10.1.0.1/unique:7;'
try 'a policy goes by the words that it came by' \
	in_ns "$a" setkey -c <<<"spdadd $line spddelete $line"
is 'and it is gone' 'No SPD entries.' "$(in_ns "$a" setkey -DP)"

# Every field of an SA comes back as it went in.
in_ns "$a" setkey -c <<-RULES
	add 10.1.0.1 10.1.0.2 esp 0x1001 -m tunnel -r 32 -u 7 -lh 3600 -ls 3000 -bh 1000000 -bs 800000 -E aes-cbc 0x000102030405060708090a0b0c0d0e0f -A hmac-sha1 0x3031323334353637383930313233343536373839;
RULES
is 'an SA is dumped as it was given' "$(printf '%s\n' '10.1.0.1 10.1.0.2 ' \
	$'\tesp mode=tunnel spi=4097(0x00001001) reqid=7(0x00000007)' \
	$'\tE: aes-cbc  00010203 04050607 08090a0b 0c0d0e0f' \
	$'\tA: hmac-sha1  30313233 34353637 38393031 32333435 36373839' \
	$'\tseq=0x00000000 replay=32 flags=0x00000040 state=mature ' \
	$'\tcurrent: 0(bytes)\thard: 1000000(bytes)\tsoft: 800000(bytes)')" \
	"$(in_ns "$a" setkey -D | grep -E '^10|esp|E:|A:|seq=0x|bytes')"
try 'deleteall takes it away' in_ns "$a" setkey -c <<<'deleteall 10.1.0.1 10.1.0.2 esp;'
is 'and it is gone' 'No SAD entries.' "$(in_ns "$a" setkey -D)"

# Limits that no clock will see.
forever=18446744073709551615
in_ns "$a" setkey -c <<<"add 10.1.0.1 10.1.0.2 esp 0x1001 -lh $forever -ls $forever -bh $forever -bs $forever -E aes-gcm-16 $key;"
is 'an SA may live for 2^64 - 1 seconds' 1 "$(in_ns "$a" setkey -D | grep -c "state=mature")"
is 'and its limits are dumped as they were given' 1 \
	"$(in_ns "$a" setkey -D | grep -c "diff: .*hard: $forever(s).soft: $forever(s)")"
in_ns "$a" setkey -F

ip netns exec "$a" setkey -x >/dev/full 2>/dev/null &
try 'a monitor that nobody can hear ends' \
	slowly eval "in_ns $a setkey -F; ! kill -0 $!"

# Larval SAs and what lives for a second only go by themselves.
in_ns "$a" setkey -c <<<"add 10.1.0.1 10.1.0.2 esp 0x1001 -lh 1 -ls 1 -E aes-gcm-16 $key;"
try 'a hard lifetime of one second ends the SA' \
	slowly eval "in_ns $a setkey -D | grep -q '^No SAD'"

# 20,000 SAs through a default receive buffer.
for ((i = 0; i < 20000; i++)); do
	echo "add 10.1.0.1 10.1.0.2 esp $((4096 + i)) -m tunnel -E aes-gcm-16 $key;"
done >/tmp/many
ticks() { local up; read -r up _ </proc/uptime; echo $((10#${up/./})); }
began=$(ticks)
try '20,000 SAs are added' in_ns "$a" setkey -f /tmp/many
adding=$(($(ticks) - began))
is 'and dumped, every one' 20000 "$(in_ns "$a" setkey -D | grep -c 'spi=')"
began=$(ticks)
try 'and flushed' in_ns "$a" setkey -F
flushing=$(($(ticks) - began))
# All are of one pair: a fifth of that time, and twenty times it where each is looked for
# among its like.
try "in less time ($flushing of $adding)" [ $flushing -lt $adding ]
is 'to the last' 'No SAD entries.' "$(in_ns "$a" setkey -D)"
