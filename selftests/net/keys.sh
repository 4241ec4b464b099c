#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --python --timeout 900
#
# keys.sh - keys are in no memory that was freed, in no log, and in no dump to others
#
# keys.py makes SAs in every way, and searches all of the machine's memory for their
# keys: while the SAs live it finds them, afterwards it must not.
# shellcheck source=selftests/net/lib.sh disable=SC2154
. ./lib.sh
trap finish EXIT

modprobe esplanade || exit 1
[ -e /proc/kcore ] || { pass 'keys in memory # SKIP without /proc/kcore (User-Mode-Linux)'; exit; }
host a
host b
link "$a" eth0 10.1.0.1/24 "$b" eth0 10.1.0.2/24
# All that the module could say, said: its messages, its tracepoints.
control=/sys/kernel/debug/dynamic_debug/control
[ ! -w "$control" ] || echo 'module esplanade +p' >"$control"
echo 1 >/sys/kernel/tracing/events/esplanade/enable
echo 1 >/sys/kernel/tracing/tracing_on
dmesg -C
in_ns "$a" setkey -c <<<'spdadd 10.1.0.1 10.1.0.2 udp -P out ipsec esp/transport//require;'
ip -n "$a" neigh replace 10.1.0.2 lladdr "$(ip -n "$b" -br link show eth0 | awk '{print $3}')" dev eth0

# in_hex - lines in which the keys' first octets stand as hexadecimal numbers, however
in_hex() { tr 'A-F' 'a-f' | sed 's/0x//g; s/[^0-9a-f]//g' | grep -c "$tag"; }

mkfifo /tmp/go
ip netns exec "$a" python3 keys.py "$tests" "$b" </tmp/go > >(tee /tmp/keys) 2>&1 &
keys=$!
exec 7>/tmp/go
# asked WORD - until keys.py has said it: its searches take a while
asked() {
	until grep -q "^$1" /tmp/keys; do
		kill -0 "$keys" 2>/dev/null || { fail "keys.py asks for $1" "$(tail /tmp/keys)"; exit 1; }
		sleep 0.2
	done
}
asked namespace
ip netns del "$b"
unset 'hosts[1]'
echo gone >&7
asked module
tag=$(sed -n 's/^tag //p' /tmp/keys)
slowly rmmod esplanade
echo gone >&7
exec 7>&-
wait "$keys"
tally /tmp/keys
grep -q '^keys all$' /tmp/keys || fail 'keys.py came to its end' "$(tail /tmp/keys)"
try 'the module is gone' eval '! grep -q ^esplanade /proc/modules'

dmesg >/tmp/log
cat /sys/kernel/tracing/trace >>/tmp/log
try 'the log says something of all that' grep -q 'esplanade: ' /tmp/log
is 'the log has no key' 0 "$(in_hex </tmp/log)"
# The proof that this would show.
fold -w 2 <<<"$tag" | paste -sd ' ' >/dev/kmsg
is 'a key in the log would be seen' 1 "$(dmesg | in_hex)"
