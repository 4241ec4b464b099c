#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --smp 2 --timeout 900
#
# life.sh - loading, unloading, beside xfrm, against af_key, under traffic
# shellcheck source=selftests/net/lib.sh disable=SC2154
. ./lib.sh
trap finish EXIT

loaded() { grep -q '^esplanade ' /proc/modules; }

# af_key has the family: we do not load, and say what to do; and the reverse.
modprobe af_key
refuse 'with af_key in place the module does not load' modprobe esplanade
try 'and says what to do' grep -q 'rmmod af_key' <(dmesg)
try 'nothing of it stays' eval '! loaded && [ ! -e /proc/net/esplanade ]'
try 'af_key goes' rmmod af_key
try 'then it loads' modprobe esplanade
# af_key's own answer to a held family is to fail, too.
modprobe af_key
try 'and af_key cannot come in its place' eval '! grep -q ^af_key /proc/modules'
setkey -x >/dev/null 2>&1 &
monitor=$!
slowly eval "[ \"\$(awk '/^esplanade /{print \$3}' /proc/modules)\" -gt 0 ]"
refuse 'an open PF_KEY socket holds the module' rmmod esplanade
kill "$monitor"
wait "$monitor" 2>/dev/null

# Hosts: a and b ours, c and d xfrm all along.
modprobe -a esp4 xfrm_user
host a
host b
host c
host d
link "$a" eth0 10.1.0.1/24 "$b" eth0 10.1.0.2/24
link "$c" eth0 10.3.0.1/24 "$d" eth0 10.3.0.2/24
row gcm128
theirs "$c" transport 10.3.0.1 10.3.0.2 10.3.0.1/32 10.3.0.2/32 0x1002 0x1001
theirs "$d" transport 10.3.0.2 10.3.0.1 10.3.0.2/32 10.3.0.1/32

configure() {
	local ends='tunnel 10.1.0.1 10.1.0.2 10.1.0.1 10.1.0.2'

	# shellcheck disable=SC2086 # words
	ours "$a" $ends && ours_too "$b" $ends
}

configure
try 'xfrm is up in other namespaces' pings "$c" 10.3.0.2 10 1400
try 'the tunnel is up' pings "$a" 10.1.0.2 10 1400
flood "$a" 10.1.0.2
flood "$b" 10.1.0.1
flood "$c" 10.3.0.2
floods=$(jobs -p)
rounds=0
for _ in {1..20}; do
	before=$(counter "$a" in_esp)
	slowly eval "[ \"\$(counter $a in_esp)\" -gt $((before + 20)) ]" || break
	rmmod esplanade || break
	loaded && break
	[ ! -e "/proc/net/esplanade" ] || break
	modprobe esplanade || break
	configure || break
	rounds=$((rounds + 1))
done
is 'unloaded and loaded 20 times under traffic' 20 "$rounds"
# shellcheck disable=SC2086 # a list
kill $floods 2>/dev/null
wait
try 'the tunnel is up as before' pings "$a" 10.1.0.2 10 1400
try 'xfrm in other namespaces has not noticed' pings "$c" 10.3.0.2 10 1400

# Namespaces go while packets are under way in them.
gone=0
for _ in {1..20}; do
	host e
	host f
	link "$e" eth0 10.5.0.1/24 "$f" eth0 10.5.0.2/24
	in_ns "$e" setkey -c <<-RULES
		add 10.5.0.1 10.5.0.2 esp 0x1001 -m transport $(ours_algs);
		add 10.5.0.2 10.5.0.1 esp 0x1002 -m transport $(ours_algs);
		spdadd 10.5.0.1 10.5.0.2 any -P out ipsec esp/transport//require;
	RULES
	flood "$e" 10.5.0.2
	slowly eval "[ \"\$(counter $e out_esp)\" -gt 5 ]"
	kill $! 2>/dev/null
	ip netns del "$e" && ip netns del "$f" && gone=$((gone + 1))
	unset 'hosts[-1]' 'hosts[-1]'
done
wait
is '20 namespaces deleted under traffic' 20 "$gone"

for one in "${hosts[@]}"; do ip netns del "$one"; done
hosts=()
try 'the last rmmod' slowly rmmod esplanade
try 'nothing is left' eval '! loaded && [ ! -e /proc/net/esplanade ]'
# A leaked reference to a device shows as a namespace that cannot go.
try 'no device is waited for' eval '! dmesg | grep -q "waiting for .* to become free"'
