#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --python
#
# behind.sh - what is behind IPv6 extension headers is what we have judged
#
# a is ours; b sends it what behind.py makes.
# shellcheck source=selftests/net/lib.sh disable=SC2154
. ./lib.sh
trap finish EXIT

modprobe esplanade || exit 1
host a
host b
link "$a" eth0 'fd01::1/64' "$b" eth0 'fd01::2/64'
# Its second octet is AH's length, where the place of AH would wrap to.
ip -n "$b" link set eth0 address 02:05:00:00:00:01

mac='-A hmac-sha2-256 0x0102030405060708090a0b0c0d0e0f100102030405060708090a0b0c0d0e0f10'
gcm='-E aes-gcm-16 0x0102030405060708090a0b0c0d0e0f1011121314'
in_ns "$a" setkey -f - <<-RULES
	add fd01::2 fd01::1 ah 0x2006 -m transport -r 64 $mac;
	add fd01::2 fd01::1 esp 0x2008 -m transport -r 64 -f esn $gcm;
	spdadd ::/0 fd01::1[7777] udp -P in ipsec esp/transport//require;
RULES
for port in 7692 7777; do
	ip netns exec "$a" python3 behind.py listen $port >/tmp/heard-$port 2>&1 &
	slowly grep -q ready /tmp/heard-$port || fail "somebody listens to $port"
done
for with in alone conntrack; do
	[ $with = alone ] || in_ns "$a" nft -f - <<-'RULES' || fail 'conntrack is there'
		table ip6 track {
			chain in { type filter hook input priority 0
				ct state invalid counter; }
		}
	RULES
	in_ns "$b" python3 behind.py "$a" "$(mac "$a")" "$tests" $with | tee /tmp/behind
	tally /tmp/behind
	grep -q '^behind all$' /tmp/behind || fail 'behind.py came to its end'
	slowly grep -q "$with last" /tmp/heard-7692
	is "$with: what options in front of a fragment header hide is not heard" 0 \
		"$(grep -c "$with" /tmp/heard-7777)"
	is "$with: the datagram that shows it is" 3 "$(grep -c "$with" /tmp/heard-7692)"
done
