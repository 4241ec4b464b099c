#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --python --timeout 600
#
# copies.sh - what shares its octets with a packet that is opened stays ciphertext
#
# b sends to a, and to c, which has the same address and the same SAs and gets a copy:
# a clone by tc's mirred, or by nft's dup one with a head of its own whose pages are
# shared. Each opens its own. Packet sockets at both ends hold clones meanwhile.
# shellcheck source=selftests/net/lib.sh disable=SC2154
. ./lib.sh
trap finish EXIT

modprobe -a esplanade cls_matchall act_mirred sch_ingress nft_dup_ipv4 || exit 1
host a
host b
host c
link "$a" eth0 10.1.0.1/24 "$b" eth0 10.1.0.2/24
link "$c" eth0 '10.1.0.1/32 10.3.0.1/24' "$b" eth1 10.3.0.2/24
mac=$(ip -n "$a" -br link show eth0 | awk '{print $3}')
ip -n "$c" link set eth0 address "$mac"
for host in "$a" "$c"; do
	# The answer to a copy would come from the wrong side.
	in_ns "$host" sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth0.rp_filter=0
	in_ns "$host" setkey -f - <<-'RULES'
		add 10.1.0.2[4500] 10.1.0.1[4500] esp-udp 0x2001 -m transport -r 64
			-E aes-gcm-16 0x0102030405060708090a0b0c0d0e0f1011121314;
		add 10.1.0.2[4500] 10.1.0.1[4500] esp-udp 0x2003 -m transport -r 64
			-E aes-cbc 0x0102030405060708090a0b0c0d0e0f10
			-A hmac-sha2-256 0x0102030405060708090a0b0c0d0e0f100102030405060708090a0b0c0d0e0f10;
	RULES
done
slowly in_ns "$b" ping -n -c 1 -W 1 10.3.0.1

# copies HOW - each of what copies.py sends is opened twice, or refused twice
copies() {
	in_ns "$b" python3 copies.py "$a" "$mac" "$tests" "$c" "$1" | tee /tmp/copies
	tally /tmp/copies
	grep -q '^copies all$' /tmp/copies || fail "$1: copies.py came to its end"
}
in_ns "$b" tc qdisc add dev eth0 clsact
in_ns "$b" tc filter add dev eth0 egress matchall action mirred egress mirror dev eth1
copies mirred
in_ns "$b" tc qdisc del dev eth0 clsact
in_ns "$b" nft -f - <<-'NFT'
	table ip copies {
		chain out { type filter hook output priority 0;
			udp dport 4500 dup to 10.3.0.1 device "eth1"; }
	}
NFT
copies dup
