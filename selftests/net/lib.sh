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

# try_unexamined NAME COMMAND... - try, but not in a kernel that looks for bugs: it is
# too slow for what the name says, and keeps for a while what was freed
try_unexamined() {
	if [ -e /sys/kernel/debug/kmemleak ]; then
		pass "$1 # SKIP in a kernel that looks for bugs"
	else
		try "$@"
	fi
}

# tally FILE - count what a program has judged by itself
tally() {
	tests=$((tests + $(grep -c '^\(not \)\?ok ' "$1")))
	failed=$((failed + $(grep -c '^not ok ' "$1")))
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

# Emulated, a process costs more than most of what it could do: what is done often is
# done by the shell itself.

# What begins in the background and says so in a file: the file is emptied before, or what
# was there from the last time would do.

# slowly COMMAND... - try for a minute, and two hundred times: the machine that emulates
# us may be busy, or stand still
exec {never}<> <(:) # nobody writes to it
slowly() {
	local tries=200 end=$((SECONDS + 60))

	until "$@" >/dev/null 2>&1; do
		[ $((tries -= 1)) -gt 0 ] || [ "$SECONDS" -lt "$end" ] || return 1
		read -r -t 0.05 -u "$never" || :
	done
}

finish() {
	local host

	# shellcheck disable=SC2046 # a list
	kill $(jobs -p) 2>/dev/null
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

# ip netns exec would mount /sys anew, and take twice as long.
in_ns() { nsenter "--net=/run/netns/$1" "${@:2}"; }

# flood FROM TO - packets as fast as they are answered, until it is killed by $!.
# What runs in the background is not called by in_ns: $! would be a shell, and
# kill would leave its child alone.
flood() { ip netns exec "$1" timeout 800 ping -n -q -i 0.01 "$2" >/dev/null 2>&1 & }

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

# mac HOST - of its eth0
mac() { ip -n "$1" -br link show eth0 | awk '{print $3}'; }

# knows HOST OTHER ADDRESS... - HOST need not ask where OTHER is
knows() {
	local host=$1 other one

	other=$(mac "$2")
	shift 2
	for one; do ip -n "$host" neigh replace "$one" lladdr "$other" dev eth0 nud permanent ||
		fail "$host knows $one"; done
}

# counters HOST - all of them; counter HOST NAME - one
counters() { in_ns "$1" cat /proc/net/esplanade; }
counter() { field "$2" "$(counters "$1")"; }

# field NAME TEXT - a counter, of what counters has said
field() { [[ $2 =~ (^|$'\n')"$1 "\ *([0-9]+) ]] && echo "${BASH_REMATCH[2]}"; }

# Counters that say how many packets passed, not that one was dropped.
PASSED='out_esp|out_ah|in_esp|in_ah|out_bypass|out_dummy|in_dummy'

# drops HOST - the counters of lost packets that are not 0
drops() {
	local i all

	read -r -d '' -a all <<<"$(counters "$1")"
	for ((i = 0; i < ${#all[@]}; i += 2)); do
		[ "${all[i + 1]}" -eq 0 ] || [[ ${all[i]} =~ ^($PASSED)$ ]] ||
			printf '%s=%s ' "${all[@]:i:2}"
	done
}

# grown BEFORE AFTER - which counters of lost packets have grown, and by how much
grown() {
	local i names=() old new

	[ "$1" != "$2" ] || return 0
	read -r -d '' -a old <<<"$1"
	read -r -d '' -a new <<<"$2"
	for ((i = 0; i < ${#new[@]}; i += 2)); do
		[ "${new[i + 1]}" = "${old[i + 1]}" ] || [[ ${new[i]} =~ ^($PASSED)$ ]] ||
			names+=("${new[i]}+$((new[i + 1] - old[i + 1]))")
	done
	echo "${names[*]}"
}

# dropped NAME HOST COUNTER N COMMAND... - the command makes COUNTER grow by N,
# and nothing else that counts drops
dropped() {
	local name=$1 host=$2 counter=$3 n=$4 before

	shift 4
	before=$(counters "$host")
	"$@" >/dev/null 2>&1
	slowly eval '[ "$(grown "$before" "$(counters "$host")")" = "$counter+$n" ]'
	is "$name" "$counter+$n" "$(grown "$before" "$(counters "$host")")"
}

# The wire. One recording both ways, at our end of a cable, shows what either
# end sends; and a decrypted packet, should it pass our device once more.

# record HOST DEVICE [TCPDUMP OPTION...] - begin to write down all that passes
record() {
	recorded=("$1" "$2")
	shift 2
	wire=/tmp/wire-$((recordings += 1))
	ip netns exec "${recorded[0]}" tcpdump -i "${recorded[1]}" --immediate-mode \
		-s 192 -B 8192 \
		-U -w "$wire" "$@" 2>"$wire.err" &
	recorder=$!
	slowly eval '[[ $(<"$wire.err") = *"listening on"* ]]' || fail "tcpdump starts"
}

# A mark is sent along the wire and waited for, so that all before it is written.
stop_recording() {
	in_ns "${recorded[0]}" bash -c \
		"echo LAST-PACKET >'/dev/udp/ff02::1%${recorded[1]}/9'"
	slowly eval 'tail -c 1000 "$wire" | grep -q LAST-PACKET' ||
		fail 'the recording comes to its end'
	kill "$recorder"
	wait "$recorder"
	[[ $(<"$wire.err") = *$'\n0 packets dropped by kernel'* ]] ||
		fail 'nothing is missing in the recording' "$(cat "$wire.err")"
}

forget_recording() {
	rm -f "$wire" "$wire.err"
	wire=
}

# on_wire FILTER - how many packets of the recording are so
on_wire() {
	local count

	count=$(tcpdump --count -nr "$wire" "$*" 2>/dev/null)
	echo "${count%% *}"
}

# speak PROTOCOL - tell the names below whether esp or ah is to be on the wire
speak() {
	local number=50

	proto=$1 spi_at=0
	[ "$1" = esp ] || { number=51 spi_at=4; }
	ESP="(ip proto $number or ip6[6] == $number or (ip6[6] == 44 and ip6[40] == $number))"
	# Whole, and the first of those in fragments: IPv4, IPv6, with and without.
	FIRST="(ip proto $number and ip[6:2] & 0x1fff == 0 and ip[$((20 + spi_at)):4] == SPI) or"
	FIRST+=" (ip6[6] == $number and ip6[$((40 + spi_at)):4] == SPI) or (ip6[6] == 44 and"
	FIRST+=" ip6[40] == $number and ip6[42:2] & 0xfff8 == 0 and ip6[$((48 + spi_at)):4] == SPI)"
}
speak esp
# How links work: ARP, Neighbour Discovery, multicast listeners.
LINK='(arp or (icmp6 and ip6[40] >= 133 and ip6[40] <= 137) or ip6 multicast)'

# esp_on_wire SPI - packets by that SA; of those in fragments, the first
esp_on_wire() { on_wire "${FIRST//SPI/$1}"; }

# only_esp NAME [N] - ESP was on the wire, N packets (or one) at least, nothing else was, and no
# plaintext; but where the row does not encrypt it was, and that is how we know we would see it
only_esp() {
	local esp other plain secret=1

	case ${enc%/*} in null | aes-gmac | -) secret=0 ;; esac
	esp=$(on_wire "$ESP")
	other=$(on_wire "not $ESP and not $LINK")
	plain=$(grep -c "$MARKER" "$wire")
	if [ "$esp" -ge "${2:-1}" ] && [ "$other" -eq 0 ] && [ $((plain == 0)) -eq $secret ]; then
		pass "$1"
	else
		fail "$1" "$proto $esp, other $other, plaintext $plain" \
			"$(tcpdump -nr "$wire" "not $ESP and not $LINK" 2>/dev/null | head -n 5)"
	fi
}

# esp N NAME - the recording ends, and had only ESP: N packets at least
esp() {
	stop_recording
	only_esp "$2" "$1"
	forget_recording
}

# The marker as ping -p wants it: 16 octets.
MARKER_HEX=$(printf %s "$MARKER" | head -c 16 | xxd -p)
marker_hex() { echo "$MARKER_HEX"; }

# pings FROM TO SIZE... - one ping of each size is answered
pings() {
	local from=$1 to=$2 size

	shift 2
	for size; do
		in_ns "$from" ping -n -c 1 -W 10 -s "$size" -p "$MARKER_HEX" "$to" ||
			return 1
	done
}

# A file that cannot be mistaken: some megabytes, the marker in every packet.
big_file() {
	[ -e "/tmp/big$1" ] ||
		yes "$MARKER $(seq -s ' ' 1 20)" | head -c "${1}000000" >"/tmp/big$1"
	echo "/tmp/big$1"
}

# transfer FROM TO ADDRESS [MEGABYTES] - a file arrives whole over TCP
transfer() {
	local from=$1 to=$2 address=$3 file got status

	file=$(big_file "${4:-10}")
	got=/tmp/got-$BASHPID
	in_ns "$to" timeout 120 nc -n -v -l "$address" 5001 >"$got" 2>"$got.err" &
	local listener=$!
	slowly eval '[[ $(<"$got.err") = Listening* ]]' || return 1
	in_ns "$from" timeout 120 nc -N "$address" 5001 <"$file"
	status=$?
	wait "$listener"
	cmp "$file" "$got" || status=1
	rm -f "$got" "$got.err"
	return "$status"
}

listens() { in_ns "$1" ss -Hltn 'sport = :5001' | grep -q LISTEN; }

# Security associations, ours by setkey, the peer's by ip xfrm, from one row:
#
#   name   setkey's algorithms with key bits   ip xfrm's with ICV bits   TCP   ESN
#
# No encryption algorithm: AH. TCP says what the matrix sends over it: 10 MB both
# ways, 3 MB out or in, or none.
# Keys are the octets 1, 2, 3, ...: hex_key BITS [FIRST OCTET]
printf -v OCTETS '%02x' {0..255} {0..255}
hex_key() { echo "0x${OCTETS:${2:-1} * 2:$1 / 4}"; }

ALGORITHMS='
gcm128          aes-gcm-16/160  -                 rfc4106(gcm(aes))/128    -                 both
gcm192          aes-gcm-16/224  -                 rfc4106(gcm(aes))/128    -                 none
gcm256          aes-gcm-16/288  -                 rfc4106(gcm(aes))/128    -                 none
cbc128-sha1     aes-cbc/128     hmac-sha1/160     cbc(aes)                 hmac(sha1)/96     out
cbc192-sha1     aes-cbc/192     hmac-sha1/160     cbc(aes)                 hmac(sha1)/96     none
cbc256-sha1     aes-cbc/256     hmac-sha1/160     cbc(aes)                 hmac(sha1)/96     none
cbc128-sha256   aes-cbc/128     hmac-sha2-256/256 cbc(aes)                 hmac(sha256)/128  both
cbc192-sha256   aes-cbc/192     hmac-sha2-256/256 cbc(aes)                 hmac(sha256)/128  none
cbc256-sha256   aes-cbc/256     hmac-sha2-256/256 cbc(aes)                 hmac(sha256)/128  none
cbc128-sha384   aes-cbc/128     hmac-sha2-384/384 cbc(aes)                 hmac(sha384)/192  none
cbc192-sha384   aes-cbc/192     hmac-sha2-384/384 cbc(aes)                 hmac(sha384)/192  none
cbc256-sha384   aes-cbc/256     hmac-sha2-384/384 cbc(aes)                 hmac(sha384)/192  in
cbc128-sha512   aes-cbc/128     hmac-sha2-512/512 cbc(aes)                 hmac(sha512)/256  none
cbc192-sha512   aes-cbc/192     hmac-sha2-512/512 cbc(aes)                 hmac(sha512)/256  none
cbc256-sha512   aes-cbc/256     hmac-sha2-512/512 cbc(aes)                 hmac(sha512)/256  out
null-sha1       null/0          hmac-sha1/160     ecb(cipher_null)         hmac(sha1)/96     in
null-sha256     null/0          hmac-sha2-256/256 ecb(cipher_null)         hmac(sha256)/128  out
null-sha384     null/0          hmac-sha2-384/384 ecb(cipher_null)         hmac(sha384)/192  none
null-sha512     null/0          hmac-sha2-512/512 ecb(cipher_null)         hmac(sha512)/256  none
gcm128-12       aes-gcm-12/160  -                 rfc4106(gcm(aes))/96     -                 none
gcm256-12       aes-gcm-12/288  -                 rfc4106(gcm(aes))/96     -                 none
gcm128-8        aes-gcm-8/160   -                 rfc4106(gcm(aes))/64     -                 none
gcm192-8        aes-gcm-8/224   -                 rfc4106(gcm(aes))/64     -                 none
ccm128          aes-ccm-16/152  -                 rfc4309(ccm(aes))/128    -                 out
ccm192-12       aes-ccm-12/216  -                 rfc4309(ccm(aes))/96     -                 none
ccm256-8        aes-ccm-8/280   -                 rfc4309(ccm(aes))/64     -                 none
chacha          chacha20-poly1305/288 -           rfc7539esp(chacha20,poly1305)/128 -        both
gmac128         aes-gmac/160    -                 rfc4543(gcm(aes))/128    -                 in
gmac192         aes-gmac/224    -                 rfc4543(gcm(aes))/128    -                 none
gmac256         aes-gmac/288    -                 rfc4543(gcm(aes))/128    -                 none
ctr128-sha1     aes-ctr/160     hmac-sha1/160     rfc3686(ctr(aes))        hmac(sha1)/96     out
ctr192-sha256   aes-ctr/224     hmac-sha2-256/256 rfc3686(ctr(aes))        hmac(sha256)/128  none
ctr256-sha512   aes-ctr/288     hmac-sha2-512/512 rfc3686(ctr(aes))        hmac(sha512)/256  none
camellia128     camellia-cbc/128 hmac-sha2-256/256 cbc(camellia)           hmac(sha256)/128  in
camellia192     camellia-cbc/192 hmac-sha2-256/256 cbc(camellia)           hmac(sha256)/128  none
camellia256     camellia-cbc/256 hmac-sha2-256/256 cbc(camellia)           hmac(sha256)/128  none
3des-sha1       3des-cbc/192    hmac-sha1/160     cbc(des3_ede)            hmac(sha1)/96     none
cbc128-xcbc     aes-cbc/128     aes-xcbc-mac/128  cbc(aes)                 xcbc(aes)/96      none
cbc128-cmac     aes-cbc/128     aes-cmac/128      cbc(aes)                 cmac(aes)/96      none
ah-sha1         -               hmac-sha1/160     -                        hmac(sha1)/96     both
ah-sha256       -               hmac-sha2-256/256 -                        hmac(sha256)/128  out
ah-sha384       -               hmac-sha2-384/384 -                        hmac(sha384)/192  none
ah-sha512       -               hmac-sha2-512/512 -                        hmac(sha512)/256  in
ah-xcbc         -               aes-xcbc-mac/128  -                        xcbc(aes)/96      none
ah-cmac         -               aes-cmac/128      -                        cmac(aes)/96      none
gcm128-esn      aes-gcm-16/160  -                 rfc4106(gcm(aes))/128    -                 both  esn
ccm128-esn      aes-ccm-16/152  -                 rfc4309(ccm(aes))/128    -                 none  esn
chacha-esn      chacha20-poly1305/288 -           rfc7539esp(chacha20,poly1305)/128 -        none  esn
gmac128-esn     aes-gmac/160    -                 rfc4543(gcm(aes))/128    -                 none  esn
cbc128-sha256-esn aes-cbc/128   hmac-sha2-256/256 cbc(aes)                 hmac(sha256)/128  in    esn
ctr128-sha1-esn aes-ctr/160     hmac-sha1/160     rfc3686(ctr(aes))        hmac(sha1)/96     none  esn
null-sha512-esn null/0          hmac-sha2-512/512 ecb(cipher_null)         hmac(sha512)/256  none  esn
ah-sha256-esn   -               hmac-sha2-256/256 -                        hmac(sha256)/128  out   esn
'

# row NAME - set enc, auth (setkey's), xenc, xauth (ip xfrm's), tcp, esn and proto
row() {
	[[ $ALGORITHMS =~ $'\n'"$1 "([^$'\n']*) ]] || return
	# shellcheck disable=SC2034 # tcp is for matrix.sh
	read -r enc auth xenc xauth tcp esn <<<"${BASH_REMATCH[1]}"
	if [ "$enc" = - ]; then speak ah; else speak esp; fi
}

# ours_algs - the row as setkey wants it
ours_algs() {
	local algs=${esn:+-f esn}

	case $enc in
	-) ;;
	*/0) algs+=" -E ${enc%/*}" ;;
	*) algs+=" -E ${enc%/*} $(hex_key "${enc#*/}")" ;;
	esac
	[ "$auth" = - ] || algs+=" -A ${auth%/*} $(hex_key "${auth#*/}" 100)"
	echo "$algs"
}

# xfrm_algs - the row as ip xfrm wants it, in the array xfrm
xfrm_algs() {
	case $xenc in
	*/*)
		xfrm=(aead "${xenc%/*}" "$(hex_key "${enc#*/}")" "${xenc#*/}")
		return ;;
	-) xfrm=() ;;
	'ecb(cipher_null)') xfrm=(enc "$xenc" '') ;;
	*) xfrm=(enc "$xenc" "$(hex_key "${enc#*/}")") ;;
	esac
	xfrm+=(auth-trunc "${xauth%/*}" "$(hex_key "${auth#*/}" 100)" "${xauth#*/}")
}

# rules MODE OUR_END THEIR_END OUR_NET THEIR_NET [SPI_OUT SPI_IN]
# What setkey reads: SAs of the row and policies, as our end has them.
rules() {
	local mode=$1 a=$2 b=$3 local=$4 remote=$5 out in algs

	algs=$(ours_algs)
	out=$proto/transport//require
	in=$out
	if [ "$mode" = tunnel ]; then
		out=$proto/tunnel/$a-$b/require
		in=$proto/tunnel/$b-$a/require
	fi
	printf '%s;\n' "add $a $b $proto ${6:-0x1001} -m $mode -r 64 $algs" \
		"add $b $a $proto ${7:-0x1002} -m $mode -r 64 $algs" \
		"spdadd $local $remote any -P out ipsec $out" \
		"spdadd $remote $local any -P in ipsec $in"
}

# put HOST - the rules on standard input in place of all there are
put() { in_ns "$1" setkey -f - <<<"flush; spdflush;"$'\n'"$(</dev/fd/0)"; }

# ours HOST ... - just these rules
ours() {
	local host=$1

	shift
	put "$host" <<<"$(rules "$@")"
}

# ours_too HOST ... - the other end of those rules, with the same arguments
ours_too() { ours "$1" "$2" "$4" "$3" "$6" "$5" 0x1002 0x1001; }

# theirs HOST MODE THEIR_END OUR_END THEIR_NET OUR_NET [SPI_IN SPI_OUT]
# xfrm as the other end. Where their_seq is set it begins to send behind that; what
# their_encap holds is said of both SAs.
theirs() {
	local host=$1 mode=$2 b=$3 a=$4 local=$5 remote=$6 dir src dst tmpl
	local spi_in=${7:-0x1001} spi_out=${8:-0x1002} flags=$esn

	xfrm_algs
	# Or the state holds packets of its own family only.
	[ "$mode" = transport ] || flags+=' af-unspec'
	# Or it pads AH as only IPv6 should.
	[ "$proto" = esp ] || flags+=' align4'
	# shellcheck disable=SC2206 # words
	[ -z "$flags" ] || xfrm+=(flag $flags)
	# shellcheck disable=SC2206 # words
	xfrm+=(${their_encap:-})
	# One process for all: they are what the time goes into.
	{
		echo xfrm state flush
		echo xfrm policy flush
		echo xfrm state add src "$a" dst "$b" proto "$proto" spi "$spi_in" \
			mode "$mode" replay-window 64 "${xfrm[@]@Q}"
		echo xfrm state add src "$b" dst "$a" proto "$proto" spi "$spi_out" \
			mode "$mode" replay-window 64 \
			${their_seq:+replay-oseq "$their_seq"} "${xfrm[@]@Q}"
		for dir in out in fwd; do
			if [ "$dir" = out ]; then
				src=$local dst=$remote tmpl="src $b dst $a"
			else
				src=$remote dst=$local tmpl="src $a dst $b"
			fi
			[ "$mode" = tunnel ] || tmpl=
			echo xfrm policy add src "$src" dst "$dst" dir "$dir" \
				tmpl "$tmpl" proto "$proto" mode "$mode"
		done
	} | ip -n "$host" -batch -
}

# their_packets HOST SPI... - how many packets xfrm has seen on each of these SAs
their_packets() {
	local all spi one packets=()

	all=$(ip -n "$1" -s xfrm state)
	for spi in "${@:2}"; do
		one=${all#*"spi $spi"}
		[ "$one" != "$all" ] || one=
		[[ ${one#*lifetime current} =~ ,\ *([0-9]+)\(packets\) ]] &&
			packets+=("${BASH_REMATCH[1]}") || packets+=(none)
	done
	echo "${packets[*]}"
}
