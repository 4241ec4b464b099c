#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --smp 2 --python --timeout 600
#
# walk.sh - the SAD against a model: SAs come, change and go in every order
#
# Which table an SA is in is told by nothing that may change. Packets pass meanwhile.
# shellcheck source=selftests/net/lib.sh disable=SC2154,SC2016
. ./lib.sh
trap finish EXIT

modprobe esplanade || exit 1
host a
host b
link "$a" eth0 '10.1.0.1/24' "$b" eth0 '10.1.0.2/24 10.1.0.3/24'
in_ns "$a" setkey -c <<-'RULES'
	spdadd 10.1.0.1 10.1.0.2 icmp -P out ipsec esp/transport//require;
	spdadd 10.1.0.1 10.1.0.3 icmp -P out ipsec ah/transport//require;
RULES
flood "$a" 10.1.0.2
flood "$a" 10.1.0.3
for seed in 1 2 3; do
	in_ns "$a" python3 walk.py "$tests" "$seed" 1000 | tee /tmp/walk
	tally /tmp/walk
	grep -q '^walk all$' /tmp/walk || fail "seed $seed: walk.py came to its end"
done
# shellcheck disable=SC2046 # a list
kill $(jobs -p)
try 'the module goes: nothing holds it' slowly rmmod esplanade
try 'and comes again' modprobe esplanade
