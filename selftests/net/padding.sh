#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --python --poison --timeout 600
#
# padding.sh - each octet that leaves was written: padding, reserved fields, errors
#
# a is ours, in a kernel that fills memory with a pattern; b looks at what comes.
# shellcheck source=selftests/net/lib.sh disable=SC2154
. ./lib.sh
trap finish EXIT

modprobe -a esplanade tun || exit 1
host a
host b
link "$a" eth0 '10.1.0.1/24 fd01::1/64' \
	"$b" eth0 '10.1.0.2/24 10.1.0.3/24 10.1.0.4/24 10.1.0.5/24 10.1.0.6/24 10.1.0.7/24 10.1.0.8/24
		fd01::2/64 fd01::3/64 fd01::5/64'
ip -n "$a" route add 10.9.0.0/24 via 10.1.0.6
ip -n "$a" route add 10.8.0.0/16 via 10.1.0.2
# Whatever the MTU of the other end becomes.
ip -n "$b" link set eth0 mtu 9000
in_ns "$b" sysctl -qw net.ipv4.ip_forward=0

gcm='-E aes-gcm-16 0x0102030405060708090a0b0c0d0e0f1011121314'
cbc='-E aes-cbc 0x0102030405060708090a0b0c0d0e0f10'
mac='-A hmac-sha2-256 0x0102030405060708090a0b0c0d0e0f100102030405060708090a0b0c0d0e0f10'
{
	for case in '10.1.0.1 10.1.0.' 'fd01::1 fd01::'; do
		read -r src net <<<"$case"
		cat <<-RULES
			add $src ${net}2 esp 0x2002 -m transport $gcm;
			add $src ${net}3 esp 0x2003 -m transport $cbc $mac;
			add $src ${net}5 ah 0x2005 -m transport $mac;
			spdadd $src ${net}2 udp -P out ipsec esp/transport//require;
			spdadd $src ${net}3 udp -P out ipsec esp/transport//require;
			spdadd $src ${net}5 udp -P out ipsec ah/transport//require;
		RULES
	done
	cat <<-RULES
		add 10.1.0.1 10.1.0.4 esp 0x2004 -m tunnel -f tfc $gcm;
		add 10.1.0.1 10.1.0.6 esp 0x2006 -m tunnel -f dummy $gcm;
		spdadd 10.1.0.1 10.1.0.4 udp -P out ipsec esp/tunnel/10.1.0.1-10.1.0.4/require;
		add 10.1.0.1 10.1.0.7 esp 0x2007 -m tunnel $gcm;
		add 10.1.0.1 10.1.0.8 esp 0x2008 -m tunnel $cbc $mac;
		spdadd 10.7.0.2 10.8.7.1 any -P out ipsec esp/tunnel/10.1.0.1-10.1.0.7/require;
		spdadd 10.7.0.2 10.8.8.1 any -P out ipsec esp/tunnel/10.1.0.1-10.1.0.8/require;
		spdadd 10.1.0.0/24 10.9.0.0/24 any -P out ipsec esp/tunnel/10.1.0.1-10.1.0.6/require;
	RULES
} | in_ns "$a" setkey -f - || fail 'the rules are taken'
# The proof that a look for the pattern can find it.
try 'memory that nobody wrote to holds a pattern' grep -qE '(slub_debug=P|page_poison=on)' /proc/cmdline
mac=$(ip -n "$a" -br link show eth0 | awk '{print $3}')
in_ns "$b" python3 padding.py "$a" "$mac" "$tests" | tee /tmp/padding
tally /tmp/padding
grep -q '^padding all$' /tmp/padding || fail 'padding.py came to its end'
is '/proc/net/esplanade: names and numbers, and nothing else' 0 \
	"$(in_ns "$a" grep -cvE '^[a-z_]+ +[0-9]+$' /proc/net/esplanade)"
