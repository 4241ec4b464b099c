#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --smp 2 --python --timeout 600
#
# getspi.sh - GETSPI finds no SPI, again and again, while packets look for SAs
#
# What it tries it does beside them: on another processor a packet may be at the larval SA.
# shellcheck source=selftests/net/lib.sh disable=SC2016,SC2154
. ./lib.sh
trap finish EXIT
[ "$(nproc)" -ge 2 ] || { try_unexamined "there is a second processor" false; exit; }

modprobe esplanade || exit 1
host a
host b
link "$a" eth0 10.1.0.1/24 "$b" eth0 10.1.0.2/24
in_ns "$a" setkey -c <<<'spdadd 10.1.0.1 10.1.0.2 udp -P out ipsec esp/transport//require;'
ip netns exec "$a" taskset 1 python3 getspi.py flood 10.1.0.2 &
slowly eval '[ "$(counter "$a" out_no_sa)" -gt 100 ]'
is 'a range that is full, asked 2,000 times' 2000 \
	"$(ip netns exec "$a" taskset 2 python3 getspi.py full 2000)"
before=$(counter "$a" out_no_sa)
try 'and packets look for SAs all the while' slowly eval '[ "$(counter "$a" out_no_sa)" -gt '"$before"' ]'
