#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --python
#
# noipv6.sh - IPv6 in a tunnel over IPv4, by a device that has no IPv6
#
# a is ours; b sends it what noipv6.py makes.
# shellcheck source=selftests/net/lib.sh disable=SC2154
. ./lib.sh
trap finish EXIT

modprobe esplanade || exit 1
host a
host b
link "$a" eth0 10.1.0.1/24 "$b" eth0 10.1.0.2/24
ip -n "$a" addr add fd01::1/128 dev lo
in_ns "$a" setkey -f - <<-'RULES'
	add 10.1.0.2 10.1.0.1 esp 0x2002 -m tunnel -r 64
		-E aes-gcm-16 0x0102030405060708090a0b0c0d0e0f1011121314;
	spdadd fd01::2 fd01::1 any -P in ipsec esp/tunnel/10.1.0.2-10.1.0.1/require;
RULES
number=0
say() {
	in_ns "$b" python3 noipv6.py "$a" "$(mac "$a")" "$tests" "$@" $number | tee /tmp/sent
	number=$((number + 2))
	tally /tmp/sent
	grep -q '^sent all$' /tmp/sent || fail 'noipv6.py came to its end'
}
say 'it has' in_esp=2
in_ns "$a" sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1
say 'it is turned off' in_esp=2 in_header=2
# A device of less than 1280 octets loses its IPv6.
ip -n "$a" link set eth0 mtu 1200
say 'its packets are too small' in_esp=2 in_header=2
