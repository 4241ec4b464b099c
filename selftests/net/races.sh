#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --smp 2 --python --timeout 600
#
# races.sh - packets on one processor, and a keyer on the other
#
# Both need two processors: the tables change while packets look into them.
# shellcheck source=selftests/net/lib.sh disable=SC2016,SC2154
. ./lib.sh
trap finish EXIT
[ "$(nproc)" -ge 2 ] || { try_unexamined 'there is a second processor' false; exit; }

modprobe esplanade || exit 1
host a
host b
link "$a" eth0 10.1.0.1/24 "$b" eth0 10.1.0.2/24
in_ns "$a" setkey -c <<<'spdadd 10.1.0.1 10.1.0.2 udp -P out ipsec esp/transport//require;'
ip netns exec "$a" taskset 1 python3 races.py flood 10.1.0.2 &
slowly eval '[ "$(counter "$a" out_no_sa)" -gt 100 ]'
keys() { ip netns exec "$a" taskset 2 python3 races.py "$@"; }

# A packet may be at a larval SA that is tried with one SPI after the other.
is 'GETSPI in a range that is full, 2,000 times' 2000 "$(keys full 2000)"
before=$(counter "$a" out_no_sa)
try 'and packets look for SAs all the while' slowly eval '[ "$(counter "$a" out_no_sa)" -gt '"$before"' ]'
in_ns "$a" setkey -F

# A packet uses an SA just as its clock is set.
for round in 1 2 3; do
	read -r used unused <<<"$(keys brief 4000)"
	is "round $round: of 4,000 SAs for a second from their first use, as many live longer" 0 "$used"
	try "round $round: and some were used ($((4000 - unused)))" [ $((4000 - unused)) -gt 50 ]
	in_ns "$a" setkey -F
done
