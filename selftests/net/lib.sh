# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# shellcheck disable=SC2016 # awk's dollars
#
# lib.sh - what the network tests share: results, hosts, keys, counters, the wire
#
# A test proves four things: ESP was on the wire, the plaintext was not, the
# counters are exact, and what must not pass was dropped for its named reason.

MARKER=PLAINTEXT-MARKER
tests=0
failed=0

# pass NAME, fail NAME [DETAIL...]
pass() { printf 'ok %d - %s\n' $((tests += 1)) "$1"; }

fail() {
	printf 'not ok %d - %s\n' $((tests += 1)) "$1"
	shift
	[ $# -eq 0 ] || printf '%s\n' "$@" | sed 's/^/    # /'
	failed=$((failed + 1))
	evidence | sed 's/^/    # /'
}

# is NAME WANTED GOT
is() {
	if [ "$2" = "$3" ]; then pass "$1"; else fail "$1" "wanted: $2" "got:    $3"; fi
}

# try NAME COMMAND... - passes where the command succeeds; refuse: where it fails
try() {
	local name=$1 out

	shift
	if out=$("$@" 2>&1); then pass "$name"; else fail "$name" "$*" "$out"; fi
}

refuse() {
	local name=$1 out

	shift
	if out=$("$@" 2>&1); then fail "$name" "succeeded: $*" "$out"; else pass "$name"; fi
}

# What a failed test shows: each host's counters that are not 0, and the wire.
evidence() {
	local host

	for host in "${hosts[@]}"; do
		in_ns "$host" awk -v h="$host" '$2 {print h ": " $0}' \
			/proc/net/esplanade 2>/dev/null
	done
	for host in "${hosts[@]}"; do
		in_ns "$host" awk -v h="$host" '$2 {print h ": " $0}' \
			/proc/net/xfrm_stat 2>/dev/null
	done
	[ -z "${wire:-}" ] || tcpdump -nr "$wire" 2>/dev/null | tail -n 12
}

# slowly COMMAND... - try for ten seconds
slowly() {
	local tries=200

	until "$@" >/dev/null 2>&1; do
		[ $((tries -= 1)) -gt 0 ] || return 1
		sleep 0.05
	done
}

finish() {
	for host in "${hosts[@]}"; do ip netns del "$host" 2>/dev/null; done
	[ "$tests" -gt 0 ] || exit 1
	exit $((failed > 0))
}

# Hosts. Names are random, so that nothing left over is mistaken for ours.
hosts=()

# host VARIABLE - make a host and put its name there
host() {
	local -n name=$1

	name=$1-$RANDOM
	hosts+=("$name")
	ip netns add "$name"
	ip -n "$name" link set lo up
	in_ns "$name" sysctl -qw net.ipv4.ip_forward=1 \
		net.ipv6.conf.all.forwarding=1 net.ipv6.conf.all.accept_dad=0 \
		net.ipv6.conf.default.accept_dad=0
}

in_ns() { ip netns exec "$@"; }

# link HOST DEVICE ADDRESSES HOST DEVICE ADDRESSES - a cable between two hosts
link() {
	ip link add "$2" netns "$1" type veth peer name "$5" netns "$4"
	address "$1" "$2" "$3"
	address "$4" "$5" "$6"
}

# address HOST DEVICE ADDRESSES
address() {
	local one

	for one in $3; do ip -n "$1" addr add "$one" dev "$2" nodad 2>/dev/null ||
		ip -n "$1" addr add "$one" dev "$2"; done
	ip -n "$1" link set "$2" up
}

# counter HOST NAME
counter() { in_ns "$1" awk -v n="$2" '$1 == n {print $2}' /proc/net/esplanade; }

# drops HOST - the names of counters that are not 0 and say that a packet was lost
drops() {
	in_ns "$1" awk '$2 && $1 !~ /^(out_esp|in_esp|out_bypass|in_dummy)$/ {
		printf "%s=%s ", $1, $2}' /proc/net/esplanade
}

# dropped NAME HOST COUNTER N COMMAND... - the command makes COUNTER grow by N,
# and nothing else that counts drops
dropped() {
	local name=$1 host=$2 counter=$3 n=$4 before after

	shift 4
	before=$(in_ns "$host" cat /proc/net/esplanade)
	"$@" >/dev/null 2>&1
	slowly eval "[ \$(counter $host $counter) -ge \$(awk '/^$counter /{print \$2}' <<<'$before') ]"
	after=$(in_ns "$host" cat /proc/net/esplanade)
	is "$name" "$counter+$n" "$(paste -d ' ' <(echo "$before") <(echo "$after") |
		awk '$1 !~ /^(out_esp|in_esp|out_bypass)$/ && $4 != $2 {
			printf "%s%s+%d", sep, $1, $4 - $2; sep = " "}')"
}

# The wire.
# record HOST DEVICE [TCPDUMP OPTION...] - begin to write down all that passes
record() {
	local host=$1 device=$2

	shift 2
	wire=$(mktemp)
	# Not by in_ns: what is to be killed must be tcpdump, not a shell above it.
	ip netns exec "$host" tcpdump -i "$device" -s 192 -B 8192 -U -w "$wire" \
		"$@" 2>"$wire.err" &
	recorder=$!
	slowly grep -q 'listening on' "$wire.err" || fail "tcpdump starts"
}

# A mark is sent along the wire and waited for, so that all before it is written.
stop_recording() {
	local size=-1

	while [ "$size" != "$(stat -c %s "$wire")" ]; do
		size=$(stat -c %s "$wire")
		sleep 0.1
	done
	kill "$recorder" 2>/dev/null
	wait "$recorder" 2>/dev/null
}

# on_wire FILTER - how many packets of the recording are so
on_wire() { tcpdump -nr "$wire" "$@" 2>/dev/null | wc -l; }

ESP='esp or (ip proto 50) or (ip6[6] == 44 and ip6[40] == 50)'
# How links work: ARP, Neighbour Discovery, multicast listeners.
LINK='arp or (icmp6 and ip6[40] >= 133 and ip6[40] <= 137) or ip6 multicast'

# only_esp NAME - ESP was on the wire, nothing else was, and no plaintext
only_esp() {
	local esp other plain

	esp=$(on_wire "$ESP")
	other=$(on_wire "not ($ESP) and not ($LINK)")
	plain=$(grep -c "$MARKER" "$wire")
	# The null cipher hides nothing: there the marker proves that it would show.
	case ${enc:-} in null/*) plain=$((plain == 0)) ;; esac
	if [ "$esp" -gt 0 ] && [ "$other" -eq 0 ] && [ "$plain" -eq 0 ]; then
		pass "$1"
	else
		fail "$1" "ESP $esp, other $other, plaintext $plain" \
			"$(tcpdump -nr "$wire" "not ($ESP) and not ($LINK)" 2>/dev/null | head -n 5)"
	fi
	rm -f "$wire" "$wire.err"
	wire=
}

# The marker as ping -p wants it: 16 octets.
marker_hex() { printf %s "$MARKER" | head -c 16 | xxd -p; }

# pings FROM TO SIZE... - one ping of each size is answered
pings() {
	local from=$1 to=$2 size

	shift 2
	for size; do
		in_ns "$from" ping -n -c 1 -W 10 -s "$size" -p "$(marker_hex)" "$to" ||
			return 1
	done
}

# A file that cannot be mistaken: 10 MB, the marker in every packet.
big_file() {
	[ -e /tmp/big ] || yes "$MARKER $(seq -s ' ' 1 20)" | head -c 10000000 >/tmp/big
	echo /tmp/big
}

# transfer FROM TO ADDRESS - the file arrives whole over TCP
transfer() {
	local from=$1 to=$2 address=$3 file got status

	file=$(big_file)
	got=$(mktemp)
	in_ns "$to" timeout 120 nc -l "$address" 5001 >"$got" &
	local listener=$!
	slowly listens "$to" || return 1
	in_ns "$from" timeout 120 nc -N "$address" 5001 <"$file"
	status=$?
	wait "$listener"
	[ "$(sha256sum <"$file")" = "$(sha256sum <"$got")" ] || status=1
	rm -f "$got"
	return "$status"
}

listens() { in_ns "$1" ss -Hltn 'sport = :5001' | grep -q LISTEN; }

# Security associations, ours by setkey, the peer's by ip xfrm, from one row:
#
#   name         setkey's algorithms with key bits   ip xfrm's
#
# Keys are the octets 1, 2, 3, ...: hex_key BITS [FIRST OCTET]
hex_key() {
	local i key=0x

	for ((i = 0; i < $1 / 8; i++)); do
		printf -v key '%s%02x' "$key" $(((i + ${2:-1}) % 256))
	done
	echo "$key"
}

ALGORITHMS='
gcm128          aes-gcm-16/160  -                 rfc4106(gcm(aes))/128    -
gcm192          aes-gcm-16/224  -                 rfc4106(gcm(aes))/128    -
gcm256          aes-gcm-16/288  -                 rfc4106(gcm(aes))/128    -
cbc128-sha1     aes-cbc/128     hmac-sha1/160     cbc(aes)                 hmac(sha1)/96
cbc192-sha256   aes-cbc/192     hmac-sha2-256/256 cbc(aes)                 hmac(sha256)/128
cbc256-sha256   aes-cbc/256     hmac-sha2-256/256 cbc(aes)                 hmac(sha256)/128
cbc128-sha384   aes-cbc/128     hmac-sha2-384/384 cbc(aes)                 hmac(sha384)/192
cbc256-sha512   aes-cbc/256     hmac-sha2-512/512 cbc(aes)                 hmac(sha512)/256
null-sha1       null/0          hmac-sha1/160     ecb(cipher_null)         hmac(sha1)/96
null-sha256     null/0          hmac-sha2-256/256 ecb(cipher_null)         hmac(sha256)/128
null-sha384     null/0          hmac-sha2-384/384 ecb(cipher_null)         hmac(sha384)/192
null-sha512     null/0          hmac-sha2-512/512 ecb(cipher_null)         hmac(sha512)/256
'

# row NAME - set enc, auth (setkey's), xenc, xauth (ip xfrm's)
row() {
	read -r _ enc auth xenc xauth <<<"$(awk -v n="$1" '$1 == n' <<<"$ALGORITHMS")"
	[ -n "$enc" ]
}

# ours_algs - the row as setkey wants it
ours_algs() {
	local algs="-E ${enc%/*}"

	[ "${enc#*/}" = 0 ] || algs+=" $(hex_key "${enc#*/}")"
	[ "$auth" = - ] || algs+=" -A ${auth%/*} $(hex_key "${auth#*/}" 100)"
	echo "$algs"
}

# xfrm_algs - the row as ip xfrm wants it, in the array xfrm
xfrm_algs() {
	if [ "$xauth" = - ]; then
		xfrm=(aead "${xenc%/*}" "$(hex_key "${enc#*/}")" "${xenc#*/}")
		return
	fi
	xfrm=(enc "$xenc")
	if [ "${enc#*/}" = 0 ]; then xfrm+=(''); else xfrm+=("$(hex_key "${enc#*/}")"); fi
	xfrm+=(auth-trunc "${xauth%/*}" "$(hex_key "${auth#*/}" 100)" "${xauth#*/}")
}

# ours HOST MODE OUR_END THEIR_END OUR_NET THEIR_NET [LEVEL]
# Policies and SAs of the row on our side; SPIs 0x1001 out, 0x1002 in.
ours() {
	local host=$1 mode=$2 a=$3 b=$4 local=$5 remote=$6 level=${7:-require} out in

	out=esp/transport//$level
	in=$out
	if [ "$mode" = tunnel ]; then
		out=esp/tunnel/$a-$b/$level
		in=esp/tunnel/$b-$a/$level
	fi
	in_ns "$host" setkey -f - <<-RULES
		flush; spdflush;
		add $a $b esp 0x1001 -m $mode -r 64 $(ours_algs);
		add $b $a esp 0x1002 -m $mode -r 64 $(ours_algs);
		spdadd $local $remote any -P out ipsec $out;
		spdadd $remote $local any -P in ipsec $in;
	RULES
}

# theirs HOST MODE THEIR_END OUR_END THEIR_NET OUR_NET - xfrm as the other end
theirs() {
	local host=$1 mode=$2 b=$3 a=$4 local=$5 remote=$6 dir src dst tmpl any=()

	xfrm_algs
	ip -n "$host" xfrm state flush
	ip -n "$host" xfrm policy flush
	[ "$mode" = transport ] || any=(flag af-unspec)
	ip -n "$host" xfrm state add src "$a" dst "$b" proto esp spi 0x1001 \
		mode "$mode" replay-window 64 "${any[@]}" "${xfrm[@]}" || return
	ip -n "$host" xfrm state add src "$b" dst "$a" proto esp spi 0x1002 \
		mode "$mode" replay-window 64 "${any[@]}" "${xfrm[@]}" || return
	for dir in out in fwd; do
		if [ "$dir" = out ]; then
			src=$local dst=$remote tmpl="src $b dst $a"
		else
			src=$remote dst=$local tmpl="src $a dst $b"
		fi
		[ "$mode" = tunnel ] || tmpl=
		# shellcheck disable=SC2086 # words
		ip -n "$host" xfrm policy add src "$src" dst "$dst" dir "$dir" \
			tmpl $tmpl proto esp mode "$mode" || return
	done
}

# their_packets HOST SPI - how many packets xfrm has seen on an SA
their_packets() {
	ip -n "$1" -s xfrm state | awk -v spi="spi $2" '
		/proto esp/ {mine = index($0, spi)}
		mine && /lifetime current/ {getline; sub(/\(packets\).*/, ""); print $NF}'
}
