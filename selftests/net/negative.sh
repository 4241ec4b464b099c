#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --python --timeout 600
#
# negative.sh - what must not pass, dropped for its named reason
#
# a is ours; b sends it what forge.py makes.
# shellcheck source=selftests/net/lib.sh disable=SC2154
. ./lib.sh
trap finish EXIT

modprobe esplanade || exit 1
host a
host b
link "$a" eth0 '10.1.0.1/24 fd01::1/64' "$b" eth0 '10.1.0.2/24 fd01::2/64'

# What leaves: policies without keys, and discard.
in_ns "$a" setkey -f - <<-'RULES'
	spdadd 10.1.0.1 10.1.0.2 udp -P out ipsec esp/transport//require;
	spdadd 10.1.0.1 10.1.0.2 icmp -P out discard;
	spdadd fd01::1 fd01::2 udp -P out ipsec esp/transport//require;
RULES
udp() { in_ns "$a" bash -c "echo $MARKER >/dev/udp/$1/7"; }
record "$a" eth0
dropped 'a policy without an SA: out_no_sa' "$a" out_no_sa 1 udp 10.1.0.2
dropped 'the same in IPv6: out_no_sa' "$a" out_no_sa 1 udp fd01::2
dropped 'a policy that says discard: out_discard' "$a" out_discard 1 \
	in_ns "$a" ping -n -c 1 -W 1 10.1.0.2
stop_recording
is 'none of it was on the wire' 0 "$(on_wire "not ($LINK)")"
is 'nor its plaintext' 0 "$(grep -c "$MARKER" "$wire")"
wire=

in_ns "$a" setkey -f - <<-'RULES'
	spdflush;
	# 0x2001 transport, no policy; 0x2002 tunnel, with one; 0x2003 CBC
	add 10.1.0.2 10.1.0.1 esp 0x2001 -m transport -r 64
		-E aes-gcm-16 0x0102030405060708090a0b0c0d0e0f1011121314;
	add 10.1.0.2 10.1.0.1 esp 0x2002 -m tunnel -r 64
		-E aes-gcm-16 0x0102030405060708090a0b0c0d0e0f1011121314;
	add 10.1.0.2 10.1.0.1 esp 0x2003 -m transport -r 64
		-E aes-cbc 0x0102030405060708090a0b0c0d0e0f10
		-A hmac-sha2-256 0x0102030405060708090a0b0c0d0e0f100102030405060708090a0b0c0d0e0f10;
	add 10.1.0.2 10.1.0.1 esp 0x2004 -m transport -r 4096
		-E aes-gcm-16 0x0102030405060708090a0b0c0d0e0f1011121314;
	add 10.1.0.2 10.1.0.1 esp 0x2005 -m transport
		-E aes-gcm-16 0x0102030405060708090a0b0c0d0e0f1011121314;
	spdadd 10.9.0.0/24 10.1.0.1 any -P in ipsec esp/tunnel/10.1.0.2-10.1.0.1/require;
	spdadd 10.1.0.2 10.1.0.1[7777] udp -P in ipsec esp/transport//require;
	spdadd 10.1.0.2 10.1.0.1[8888] udp -P in ipsec esp/transport//use;
	spdadd 10.1.0.2 10.1.0.1[9999] udp -P in discard;
RULES
mac=$(ip -n "$a" -br link show eth0 | awk '{print $3}')
in_ns "$b" python3 forge.py "$a" "$mac" "$tests" | tee /tmp/forged
tally /tmp/forged
grep -q '^forged all$' /tmp/forged || fail 'forge.py came to its end'
