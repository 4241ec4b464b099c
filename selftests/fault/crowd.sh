#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --smp 2 --timeout 900
#
# crowd.sh - 16 threads register, add, dump and delete, against traffic
#
# Their SAs are for another address of b's than the flow that must not suffer; packets
# to that other one leave by whichever SA is the newest, or are dropped by name.
# shellcheck source=selftests/net/lib.sh disable=SC2154,SC2016
. ./lib.sh
trap finish EXIT

modprobe esplanade || exit 1
host a
host b
link "$a" eth0 10.1.0.1/24 "$b" eth0 '10.1.0.2/24 10.1.0.3/24'
row gcm128
ours "$a" transport 10.1.0.1 10.1.0.2 10.1.0.1 10.1.0.2
ours_too "$b" transport 10.1.0.1 10.1.0.2 10.1.0.1 10.1.0.2
in_ns "$a" setkey -c <<<'spdadd 10.1.0.1 10.1.0.3 any -P out ipsec esp/transport//require;'
sas() { in_ns "$a" setkey -D | grep -c 'esp mode'; }
is 'before: the SAs of the flow' 2 "$(sas)"

rounds=60
ip netns exec "$a" ping -n -q -i 0.02 10.1.0.2 >/tmp/flow 2>&1 &
flow=$!
flood "$a" 10.1.0.3
other=$!
# A ping that has not begun yet does not hear that it is to end.
try 'before: packets of both leave, or have no SA' slowly eval \
	'[ "$(counter "$a" out_esp)" -gt 1 ] && [ "$(counter "$a" out_no_sa)" -gt 1 ]'
crowd=$(in_ns "$a" ./crowd 16 "$rounds" 10.1.0.1 10.1.0.3 2>&1)
status=$?
kill -INT "$flow"
kill "$other"
wait
all=$((16 * rounds))
entries=${crowd#*entries } entries=${entries%% *}
is "16 threads, $rounds rounds each: all was answered, and right" \
	"0 registered $all added $all dumped $all deleted $all lost 0 wrong 0" \
	"$status ${crowd/ entries "$entries"/}"
try 'dumps showed the SAs of others, too' eval \
	"[ $entries -gt $((2 * all)) ]"
is 'the flow beside them has lost nothing' '0%' \
	"$(grep -oE '[0-9.]+% packet loss' /tmp/flow | cut -d' ' -f1)"
# A thread that has registered is a keyer, which packets wait for; of packets by a thread's
# SA the other end, that has none, says that it knows no ESP.
is 'what was dropped is what had no SA' '' \
	"$(drops "$a" | sed -E 's/(out_no_sa|out_held|out_hold_(full|late)|in_icmp)=[0-9]* //g')"
try 'packets left by SAs of the threads' eval '[ "$(counter "$b" in_no_sa)" -gt 0 ]'
# One that a keyer was asked for last, and never made, waits for it for half a minute.
slowly eval '[ "$(sas)" -eq 2 ]'
is 'after: the SAs of the flow' 2 "$(sas)"
for one in "${hosts[@]}"; do ip netns del "$one"; done
hosts=()
try 'the module goes' slowly rmmod esplanade
