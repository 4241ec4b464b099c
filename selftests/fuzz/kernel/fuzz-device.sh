#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# fuzz-device.sh - addresses and routes of a fuzzer's namespace, by its device
set -e
ip -batch - <<'TEXT'
link set lo up
link set fuzz up mtu 1400
addr add 10.1.0.1/24 dev fuzz
addr add fd01::1/64 dev fuzz nodad
addr add 10.8.0.1/16 dev lo
addr add fd08::1/64 dev lo
route add default via 10.1.0.2
route add default via fd01::2
TEXT
for name in ipv4/ip_forward ipv6/conf/all/forwarding ipv4/conf/all/accept_source_route \
	ipv6/conf/all/seg6_enabled; do
	[ ! -e "/proc/sys/net/$name" ] || echo 1 >"/proc/sys/net/$name"
done
for name in all fuzz; do echo 0 >"/proc/sys/net/ipv4/conf/$name/rp_filter"; done
echo 1 >/proc/sys/net/ipv6/conf/fuzz/accept_source_route
