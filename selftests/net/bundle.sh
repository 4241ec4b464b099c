#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --timeout 600
#
# bundle.sh - several transforms in one policy, and what comes with too few
#
# Conformance cases 20 and 21. a is ours, b is xfrm.
# shellcheck source=selftests/net/lib.sh disable=SC2154
. ./lib.sh
trap finish EXIT

modprobe -a esplanade esp4 esp6 ah4 ah6 xfrm_user || exit 1
host a
host b
link "$a" eth0 '10.1.0.1/24 fd01::1/64' "$b" eth0 '10.1.0.2/24 fd01::2/64'
row gcm128

# A bundle is a list of transforms, innermost first: PROTOCOL/MODE/FAMILY, where
# the family is that of a tunnel's ends. Each has its own SAs, found by reqid.
declare -A end1=([4]=10.1.0.1 [6]=fd01::1) end2=([4]=10.1.0.2 [6]=fd01::2)

# each BUNDLE COMMAND... - the command for every transform, with i, protocol, mode,
# and the addresses of the SA: src, dst
each() {
	local family=$family i=0 one protocol mode src dst

	for one in $1; do
		IFS=/ read -r protocol mode tunnel <<<"$one"
		family=${tunnel:-$family}
		i=$((i + 1)) src=${end1[$family]} dst=${end2[$family]}
		"${@:2}"
	done
}

our_sa() {
	local algs

	algs="-E aes-gcm-16 $(hex_key 160)"
	[ "$protocol" = esp ] || algs="-A hmac-sha2-256 $(hex_key 256)"
	echo "add $src $dst $protocol 0x100$i -m $mode -u $i -r 64 $algs;"
	echo "add $dst $src $protocol 0x200$i -m $mode -u $i -r 64 $algs;"
}

# our_transform out|in
our_transform() {
	local ends=

	[ "$mode" = transport ] || ends=$src-$dst
	[ "$1" = out ] || [ "$mode" = transport ] || ends=$dst-$src
	echo -n " $protocol/$mode/$ends/unique:$i"
}

our_bundle() {
	put "$a" <<-RULES
		$(each "$1" our_sa)
		spdadd ${end1[$family]} ${end2[$family]} any -P out ipsec $(each "$1" our_transform out);
		spdadd ${end2[$family]} ${end1[$family]} any -P in ipsec $(each "$1" our_transform in);
	RULES
}

their_sa() {
	local algs=(aead 'rfc4106(gcm(aes))' "$(hex_key 160)" 128) flags=

	if [ "$protocol" = ah ]; then
		algs=(auth-trunc 'hmac(sha256)' "$(hex_key 256)" 128)
		flags=align4
	fi
	[ "$mode" = transport ] || flags+=' af-unspec'
	# shellcheck disable=SC2206 # words
	[ -z "$flags" ] || algs+=(flag $flags)
	ip -n "$b" xfrm state add src "$src" dst "$dst" proto "$protocol" spi "0x100$i" \
		reqid "$i" mode "$mode" replay-window 64 "${algs[@]}"
	ip -n "$b" xfrm state add src "$dst" dst "$src" proto "$protocol" spi "0x200$i" \
		reqid "$i" mode "$mode" replay-window 64 "${algs[@]}"
}

their_template() {
	# Also in transport mode: they say which family this layer's SAs are of.
	[ "$1" = in ] || echo -n " tmpl src $dst dst $src"
	[ "$1" = out ] || echo -n " tmpl src $src dst $dst"
	echo -n " proto $protocol mode $mode reqid $i"
}

# AH within ESP, both in transport mode, is not here: xfrm takes such packets
# apart without putting the protocol back that the ICV of AH covers. Nor is a
# transport mode outside that is not of the packet's own family: xfrm has no SAs
# for that.

# their_bundle SAS OUT - what they send need not be all that they know
their_bundle() {
	ip -n "$b" xfrm state flush
	ip -n "$b" xfrm policy flush
	each "$1" their_sa
	# shellcheck disable=SC2046 # words
	ip -n "$b" xfrm policy add src "${end2[$family]}" dst "${end1[$family]}" \
		dir out $(each "$2" their_template out)
	# shellcheck disable=SC2046
	ip -n "$b" xfrm policy add src "${end1[$family]}" dst "${end2[$family]}" \
		dir in $(each "$1" their_template in)
}

# their_layers PROTOCOL 1|2 - how many they have of us (1), have sent to us (2)
their_layers() {
	ip -n "$b" -s xfrm state | awk -v proto="proto $1" -v spi="spi 0x0000$2" '
		/proto/ {mine = index($0, proto) && index($0, spi)}
		mine && /lifetime current/ {getline; sub(/\(packets\).*/, ""); sum += $NF}
		END {print sum + 0}'
}

layers() { echo "$(counter "$a" "$1_esp") $(counter "$a" "$1_ah")"; }

while read -r family outermost bundle <&3; do
	label="IPv$family: $bundle"
	our_bundle "$bundle"
	their_bundle "$bundle" "$bundle"
	speak "${outermost%/*}"
	record "$a" eth0
	before="$(layers out) $(layers in)"
	try "$label: pings, us to xfrm" pings "$a" "${end2[$family]}" 10 1400 4000
	try "$label: pings, xfrm to us" pings "$b" "${end1[$family]}" 10 1400 4000
	after="$(layers out) $(layers in)"
	stop_recording
	only_esp "$label: nothing but ${outermost%/*} on the wire"
	is "$label: every layer is counted, as xfrm counts them" \
		"$(their_layers esp 1) $(their_layers ah 1) $(their_layers esp 2) $(their_layers ah 2)" \
		"$(paste -d ' ' <(tr ' ' '\n' <<<"$before") <(tr ' ' '\n' <<<"$after") |
			awk '{printf "%s%d", sep, $2 - $1; sep = " "}')"
	try "$label: 10 MB, us to xfrm" transfer "$a" "$b" "${end2[$family]}"
	is "$label: nothing is dropped" '' "$(drops "$a")"
	forget_recording
done 3<<-CASES
	4 ah/51 esp/transport ah/transport
	6 ah/51 esp/transport ah/transport
	4 ah/51 esp/tunnel/4 ah/transport
	6 ah/51 esp/tunnel/6 ah/transport
	4 esp/50 esp/tunnel/4 esp/tunnel/4
	4 esp/50 esp/tunnel/6 esp/tunnel/4
	6 ah/51 esp/tunnel/4 ah/tunnel/6
	4 ah/51 ah/transport esp/tunnel/6 esp/tunnel/4 ah/transport
CASES

# Too little, or in another order: each dropped, and only by the policy check.
family=4 both='esp/transport ah/transport'
our_bundle "$both"
short() { timeout 2 ip netns exec "$b" ping -n -c 1 -W 1 10.1.0.1; }
their_bundle "$both" "$both"
try 'all layers pass' pings "$b" 10.1.0.1 10
clear_out() { ip -n "$b" xfrm policy del src 10.1.0.2 dst 10.1.0.1 dir out; }
only() {
	clear_out
	[ $# -eq 0 ] || ip -n "$b" xfrm policy add src 10.1.0.2 dst 10.1.0.1 dir out "$@"
}
only tmpl proto esp mode transport reqid 1
dropped 'ESP without the AH that the policy asks for' "$a" in_policy 1 short
only tmpl proto ah mode transport reqid 2
dropped 'AH without the ESP' "$a" in_policy 1 short
only tmpl proto ah mode transport reqid 2 tmpl proto esp mode transport reqid 1
dropped 'AH and then ESP, where it is to be the other way round' "$a" in_policy 1 short
only
dropped 'neither' "$a" in_clear 1 short
only tmpl proto esp mode transport reqid 1 tmpl proto ah mode transport reqid 2
try 'all layers pass again' pings "$b" 10.1.0.1 10

# A tunnel whose own ends its policy covers: one layer, not a loop.
row gcm128
ours "$a" tunnel 10.1.0.1 10.1.0.2 10.1.0.0/24 10.1.0.0/24
theirs "$b" tunnel 10.1.0.2 10.1.0.1 10.1.0.0/24 10.1.0.0/24
before=$(counter "$a" out_esp)
try 'a policy that covers the ends of its tunnel' pings "$a" 10.1.0.2 10 100 1000
is 'protects each packet once' 3 $(($(counter "$a" out_esp) - before))

# More than there is room for is refused, not forgotten.
refuse 'five transforms' in_ns "$a" setkey -c <<-RULES
	spdadd 10.9.0.1 10.9.0.2 any -P out ipsec esp/transport//require esp/transport//require
		esp/transport//require esp/transport//require esp/transport//require;
RULES
