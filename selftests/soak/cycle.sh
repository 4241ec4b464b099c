#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --smp 2 --timeout 900
#
# cycle.sh - namespaces and the module come and go under traffic, and nothing is left
#
# Ten times each; as often as soak.conf says (soak/run.sh).
# shellcheck source=selftests/net/lib.sh disable=SC2154,SC2016
. ./lib.sh
trap finish EXIT

cycles=10
# shellcheck source=/dev/null
[ ! -e soak.conf ] || . ./soak.conf

loaded() { grep -q '^esplanade ' /proc/modules; }

# used - octets of the kernel's that nobody can take back: slabs, and per CPU
used() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	awk '/^(SUnreclaim|Percpu|VmallocUsed|KernelStack):/ {n += $2} END {print n}' \
		/proc/meminfo
}

# bounded NAME BEFORE - a leak in each round would show
bounded() {
	local now

	slowly eval "[ \$(used) -le $(($2 + 1024)) ]"
	now=$(used)
	echo "# $1: $2 kB before, $now kB after"
	try "$1: no more memory is used" eval "[ $now -le $(($2 + 1024)) ]"
}

# The hub sends to each guest for as long as it lives, and a little longer.
modprobe esplanade || exit 1
host hub
row gcm128
put "$hub" <<-RULES
	add 10.5.0.1 10.5.0.2 esp 0x1001 -m transport $(ours_algs);
	add 10.5.0.2 10.5.0.1 esp 0x1002 -m transport -r 0 $(ours_algs);
	spdadd 10.5.0.1 10.5.0.2 any -P out ipsec esp/transport//require;
	spdadd 10.5.0.2 10.5.0.1 any -P in ipsec esp/transport//require;
RULES
guest_rules="add 10.5.0.1 10.5.0.2 esp 0x1001 -m transport -r 64 $(ours_algs);
	add 10.5.0.2 10.5.0.1 esp 0x1002 -m transport $(ours_algs);
	spdadd 10.5.0.2 10.5.0.1 any -P out ipsec esp/transport//require;
	spdadd 10.5.0.1 10.5.0.2 any -P in ipsec esp/transport//require;"
ip netns exec "$hub" bash -c 'while :; do
	ping -n -q -i 0.02 -W 1 -w 5 10.5.0.2; done >/dev/null 2>&1' &
hub_flood=$!

# guest N - a namespace comes, hears, answers and goes
guest() {
	local name=guest-$1 tries=400

	# The last one's cable goes behind its namespace.
	slowly eval '! ip -n "$hub" link show eth0' || return
	# Without SAs it would answer that it knows no ESP.
	ip netns add "$name" && ip netns exec "$name" setkey -c <<<"$guest_rules" &&
		ip -n "$hub" -batch - <<-BATCH &&
		link add eth0 type veth peer name eth0 netns $name
		addr add 10.5.0.1/24 dev eth0
		link set eth0 up
	BATCH
	ip -n "$name" -batch - <<-BATCH || return
		addr add 10.5.0.2/24 dev eth0
		link set eth0 up
	BATCH
	until ip netns exec "$name" awk '/^(in|out)_esp / && $2 > 1 {n++} END {exit n < 2}' \
		/proc/net/esplanade; do
		[ $((tries -= 1)) -gt 0 ] || return
		sleep 0.02
	done
	ip netns del "$name"
}

guests() {
	local n=0

	while [ "$n" -lt "$1" ] && guest "$n"; do n=$((n + 1)); done
	echo "$n"
}
guests 5 >/dev/null
before=$(used)
began=$SECONDS
is "$cycles namespaces come and go under traffic" "$cycles" "$(guests "$cycles")"
echo "# $((SECONDS - began)) s"
kill "$hub_flood"
bounded 'namespaces' "$before"
is 'the hub: nothing was dropped but what came late' '' \
	"$(drops "$hub" | sed 's/in_icv=[0-9]* //; s/in_no_sa=[0-9]* //')"
ip netns del "$hub"
hosts=()
try 'then the module goes' slowly rmmod esplanade

# Load, unload; each fourth time with SAs and policies, and packets that use them.
host a
host b
link "$a" eth0 10.1.0.1/24 "$b" eth0 10.1.0.2/24
flood "$a" 10.1.0.2
flood "$b" 10.1.0.1
tunnel() {
	ours "$a" tunnel 10.1.0.1 10.1.0.2 10.1.0.1 10.1.0.2 &&
		ours_too "$b" tunnel 10.1.0.1 10.1.0.2 10.1.0.1 10.1.0.2
}

loads() {
	local n used

	for ((n = 0; n < $1; n++)); do
		modprobe esplanade || break
		if [ $((n % 4)) = 0 ]; then
			tunnel || break
			slowly eval '[ "$(counter "$a" in_esp)" -gt 1 ]' || break
		fi
		used=$(awk '$1 == "esplanade" {print $3}' /proc/modules)
		[ "$used" = 0 ] || break
		rmmod esplanade || break
		! loaded || break
	done
	echo "$n"
}
loads 8 >/dev/null
before=$(used)
began=$SECONDS
is "$cycles times loaded and unloaded under traffic" "$cycles" "$(loads "$cycles")"
echo "# $((SECONDS - began)) s"
bounded 'the module' "$before"
for one in "${hosts[@]}"; do ip netns del "$one"; done
hosts=()
try 'no device is waited for' eval '! dmesg | grep -q "waiting for .* to become free"'
