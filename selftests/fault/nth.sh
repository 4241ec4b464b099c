#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --kernel sanitized --python --modules --timeout 3000
#
# nth.sh - memory runs out at each allocation in turn: requests, packets, namespaces, us
#
# The work is nth.py's; stock kernels have no fault injection.
# shellcheck source=selftests/net/lib.sh disable=SC2154
. ./lib.sh
trap finish EXIT

modprobe -a esplanade tun || exit 1
[ -e /proc/self/fail-nth ] || { fail 'the kernel can be made to fail'; exit 1; }
# Allocations that may sleep are to fail, too; and each is not told of in the log.
for what in failslab fail_page_alloc; do
	echo N >/sys/kernel/debug/$what/ignore-gfp-wait
done
for what in failslab fail_page_alloc fail_usercopy fail_skb_realloc; do
	echo 0 >/sys/kernel/debug/$what/verbose
done

# nth HOST ARGUMENT... - what nth.py has found, in $found, too
found=$(mktemp)
nth() {
	local host=$1 out

	shift
	out=$(mktemp)
	if [ "$host" = - ]; then
		python3 nth.py "$tests" "$@"
	else
		in_ns "$host" python3 nth.py "$tests" "$@"
	fi >"$out" 2>&1
	grep -E '^(ok|not ok) |^    # ' "$out" | tee -a "$found"
	tally "$out"
	grep -q '^nth all$' "$out" || fail "nth.py $*: comes to its end" "$(tail -n 8 "$out")"
	rm -f "$out"
}

# twice LABEL SRC DST OPTION... - what leaves a and enters b: what fails in one call, then
# what of ours fails in softirqs and work
twice() {
	local label=$1

	shift
	nth "$a" packets "$label" "$a" "$1" "$2" "$b" "${@:3}"
	nth "$a" packets "$label, late" "$a" "$1" "$2" "$b" "${@:3}" late
}

# packets ROW MODE OUR_END THEIR_END OPTION... - by SAs of the row; slow: whose ciphers
# answer from work
packets() {
	local name=$1 mode=$2 end1=$3 end2=$4

	shift 4
	row "$name"
	ours "$a" "$mode" "$end1" "$end2" "$end1" "$end2"
	ours_too "$b" "$mode" "$end1" "$end2" "$end1" "$end2"
	if [ "${1:-}" = slow ]; then
		nth "$a" packets "$name $mode $end1 $*, late" "$a" "$end1" "$end2" "$b" "$@" late
	else
		twice "$name $mode $end1${*:+ $*}" "$end1" "$end2" "$@"
	fi
}

host a
host b
nth "$a" pfkey
in_ns "$a" setkey -c <<<'flush; spdflush;'

packets gcm128 tunnel 10.1.0.1 10.1.0.2
packets gcm128 transport 10.1.0.1 10.1.0.2
packets cbc128-sha256-esn tunnel fd01::1 fd01::2
packets cbc128-sha256 transport fd01::1 fd01::2
packets ah-sha256 tunnel 10.1.0.1 10.1.0.2 clear
packets ah-sha256 transport fd01::1 fd01::2 clear
packets gcm128 tunnel 10.1.0.1 10.1.0.2 size=4000
packets gcm128 transport fd01::1 fd01::2 size=4000
packets gcm128 tunnel 10.1.0.1 10.1.0.2 size=3000 gso=1000
packets gcm128 transport fd01::1 fd01::2 size=3000 gso=1000

# Two layers.
for host in "$a" "$b"; do
	put "$host" <<-RULES
		add 10.1.0.1 10.1.0.2 esp 0x1001 -m transport -r 64 $(row gcm128; ours_algs);
		add 10.1.0.1 10.1.0.2 ah 0x1003 -m transport -r 64 $(row ah-sha256; ours_algs);
		$([ "$host" = "$b" ] || echo 'spdadd 10.1.0.1 10.1.0.2 any -P out ipsec
			esp/transport//require ah/transport//require;')
		$([ "$host" = "$a" ] || echo 'spdadd 10.1.0.1 10.1.0.2 any -P in ipsec
			esp/transport//require ah/transport//require;')
	RULES
done
twice 'ESP in AH' 10.1.0.1 10.1.0.2 layers=2

# In UDP.
row gcm128
for host in "$a" "$b"; do
	put "$host" <<-RULES
		add 10.1.0.1[4500] 10.1.0.2[4500] esp-udp 0x1001 -m tunnel -r 64 $(ours_algs);
		$([ "$host" = "$b" ] || echo 'spdadd 10.1.0.1 10.1.0.2 any -P out ipsec
			esp/tunnel/10.1.0.1-10.1.0.2/require;')
		$([ "$host" = "$a" ] || echo 'spdadd 10.1.0.1 10.1.0.2 any -P in ipsec
			esp/tunnel/10.1.0.1-10.1.0.2/require;')
	RULES
done
twice 'ESP in UDP' 10.1.0.1 10.1.0.2 udp

# From one gateway's network to the other's.
for host in "$a" "$b"; do
	in_ns "$host" sysctl -q -w net.ipv4.ip_forward=1
	put "$host" <<-RULES
		add 10.1.0.1 10.1.0.2 esp 0x1001 -m tunnel -r 64 $(ours_algs);
		$([ "$host" = "$b" ] || echo 'spdadd 10.3.0.0/24 10.4.0.0/24 any -P out ipsec
			esp/tunnel/10.1.0.1-10.1.0.2/require;')
		$([ "$host" = "$a" ] || echo 'spdadd 10.3.0.0/24 10.4.0.0/24 any -P in ipsec
			esp/tunnel/10.1.0.1-10.1.0.2/require;')
	RULES
done
twice forwarded 10.1.0.1 10.1.0.2 forwarded
twice 'forwarded, of TCP' 10.1.0.1 10.1.0.2 forwarded size=3000 gso=1000

# A stream, by devices that carry one.
link "$a" eth0 10.5.0.1/24 "$b" eth0 10.5.0.2/24
row gcm128
ours "$a" tunnel 10.5.0.1 10.5.0.2 10.5.0.1 10.5.0.2
ours_too "$b" tunnel 10.5.0.1 10.5.0.2 10.5.0.1 10.5.0.2
nth "$a" scarce 'no pages for TCP' "$a" 10.5.0.1 10.5.0.2 "$b"

# Ciphers that answer from work.
put "$a" </dev/null
put "$b" </dev/null
modprobe espl_slow
for what in 'rfc4106(gcm(aes))' 'authencesn(hmac(sha256),cbc(aes))'; do
	echo "$what" >/sys/module/espl_slow/parameters/wrap
done
packets gcm128 tunnel 10.1.0.1 10.1.0.2 slow
packets gcm128 tunnel 10.1.0.1 10.1.0.2 slow size=4000
packets cbc128-sha256-esn transport fd01::1 fd01::2 slow
is 'they have answered later' 0 $(($(cat /sys/module/espl_slow/parameters/asked) == 0))
for way in out in; do
	try "late, $way: some had what could fail" grep -qE "late: $way: [1-9]" "$found"
done
put "$a" </dev/null
put "$b" </dev/null

nth "$a" hold "$a" 10.1.0.1 10.1.0.2
nth "$a" late "$a" 10.1.0.1 10.1.0.2
nth - namespace
for host in "${hosts[@]}"; do ip netns del "$host"; done
hosts=()
try 'the module goes' slowly rmmod esplanade
# The kernel's own loader warns of memory that it does not get; whatever else is wrong
# is in the log, too.
dmesg -C
dmesg -n 1
nth - module "$(modinfo -n esplanade)"
dmesg -n debug
# The same of its trace events, which warn of what they could not undo.
is 'loading without memory leaves no complaint about us' '' "$(dmesg |
	grep -E 'BUG:|WARNING:|KASAN:|UBSAN:|refcount_t:|ODEBUG:|list_(add|del) corruption' |
	grep -v 'WARNING: kernel/trace/trace_events.c')"
