#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --smp 2 --python --timeout 600
#
# expire.sh - EXPIRE, once soft and once hard, by each kind of limit; policy levels
#
# a is ours, b xfrm. A limit of packets or octets is met by the packet that reaches
# it, which still passes; those behind it do not.
# shellcheck source=selftests/net/lib.sh disable=SC2154,SC2016
. ./lib.sh
trap finish EXIT

modprobe -a esplanade esp4 xfrm_user || exit 1
host a
host b
link "$a" eth0 10.1.0.1/24 "$b" eth0 10.1.0.2/24
row gcm128
mkfifo /tmp/keyer.in

listen() {
	: >/tmp/keyer
	ip netns exec "$a" python3 keyer.py watch </tmp/keyer.in >/tmp/keyer 2>&1 &
	keyer=$!
	exec 7>/tmp/keyer.in
	slowly grep -q ready /tmp/keyer || fail 'the keyer begins'
}
# deaf - it ends; what it heard of SAs that expire, sorted, is in $told
deaf() {
	exec 7>&-
	wait "$keyer"
	told=$(sed -n 's/^EXPIRE errno=0 satype=3 //p' /tmp/keyer | sort -k2,2 -k1,1r | tr '\n' ' ')
}
limited() { in_ns "$a" python3 keyer.py limited "$@" >/dev/null; }
# An ACQUIRE has a larval SA, which has no limits.
state() { in_ns "$a" setkey -D | sed -n "/($1)/,/state=/s/.*state=\([a-z]*\).*/\1/p"; }

# The peer, and a's policies without SAs.
fresh() {
	theirs "$b" transport 10.1.0.2 10.1.0.1 10.1.0.2 10.1.0.1
	rules transport 10.1.0.1 10.1.0.2 10.1.0.1 10.1.0.2 | grep ^spdadd | put "$a"
}
# burst HOST N ADDRESS - datagrams, all at once: no clock can strike between them
burst() { in_ns "$1" ping -n -q -c "$2" -l "$2" -W 1 -s 56 "$3" >/dev/null; }

# Packets out: 5 and 10. Pings of 56 octets are ESP of 66 encrypted: 64, padded, and
# the trailer.
for case in 'packets=5 packets=10' 'bytes=340 bytes=680'; do
	read -r soft hard <<<"$case"
	label="out, ${soft%=*}"
	fresh
	limited 0x1001 10.1.0.1 10.1.0.2 "$soft" "$hard"
	limited 0x1002 10.1.0.2 10.1.0.1 "$soft" "${hard%=*}=0"
	listen
	before=$(counters "$a")
	burst "$a" 4 10.1.0.2
	is "$label: below the soft limit it is mature" mature "$(state 0x00001001)"
	burst "$a" 2 10.1.0.2
	slowly eval '[ "$(state 0x00001001)" = dying ]'
	is "$label: above it, dying, and used still" dying "$(state 0x00001001)"
	burst "$a" 9 10.1.0.2
	slowly eval '[ -z "$(state 0x00001001)" ]'
	is "$label: at the hard one it ends" '' "$(state 0x00001001)"
	is "$label: 10 packets have left, and 5 not" '10 5' \
		"$(paste -d ' ' <(echo "$before") <(counters "$a") |
			awk '/^out_esp / {left = $4 - $2}
			     /^out_(held|lifetime) / {lost += $4 - $2} END {print left, lost}')"
	deaf
	is "$label: the keyer is told once of each" 'soft 0x1001 hard 0x1001 soft 0x1002 ' "$told"
done

# In: the same, by what the peer sends.
for case in 'packets=3 packets=6' 'bytes=204 bytes=408'; do
	read -r soft hard <<<"$case"
	label="in, ${soft%=*}"
	fresh
	limited 0x1001 10.1.0.1 10.1.0.2 packets=0 packets=0
	limited 0x1002 10.1.0.2 10.1.0.1 "$soft" "$hard"
	listen
	before=$(counters "$a")
	burst "$b" 12 10.1.0.1
	slowly eval '[ -z "$(state 0x00001002)" ]'
	is "$label: 6 packets came in" 6 "$(($(counter "$a" in_esp) - $(awk '$1 == "in_esp" {print $2}' <<<"$before")))"
	deaf
	is "$label: the keyer is told once of each" 'soft 0x1002 hard 0x1002 ' "$told"
done

# An SA that is replaced by one with the same keys goes on with what has been used. It has
# the new one's limits: each that was reached before is reached at once, and told of only if
# the keyer has not heard of it.
# instead WAY SOFT HARD - the way out is replaced
instead() {
	case $1 in
	UPDATE) in_ns "$a" python3 keyer.py renewed 0x1001 10.1.0.1 10.1.0.2 "$2" "$3" >/dev/null ;;
	reload) in_ns "$a" setkey -t -f - <<-RULES ;;
		flush;
		add 10.1.0.1 10.1.0.2 esp 0x1001 -m transport -r 64 -bs ${2#bytes=} -bh ${3#bytes=} $(ours_algs);
	RULES
	esac
}
for case in 'UPDATE packets 1' 'reload bytes 68'; do
	read -r way unit each <<<"$case"
	limit() { echo "$unit=$(($1 * each))"; } # of so many pings
	fresh
	limited 0x1001 10.1.0.1 10.1.0.2 "$(limit 3)" "$(limit 0)"
	listen
	burst "$a" 4 10.1.0.2
	slowly eval '[ "$(state 0x00001001)" = dying ]'
	instead "$way" "$(limit 3)" "$(limit 0)"
	slowly eval '[ "$(state 0x00001001)" = dying ]'
	is "$way, the soft limit as before: dying as before" dying "$(state 0x00001001)"
	before=$(counter "$a" out_esp)
	burst "$a" 1 10.1.0.2
	is "$way, the soft limit as before: it sends still" $((before + 1)) "$(counter "$a" out_esp)"
	deaf
	is "$way, the soft limit as before: the keyer is not told again" 'soft 0x1001 ' "$told"
	listen
	instead "$way" "$(limit 7)" "$(limit 0)"
	is "$way, a later soft limit: mature until then" mature "$(state 0x00001001)"
	burst "$a" 3 10.1.0.2
	slowly eval '[ "$(state 0x00001001)" = dying ]'
	deaf
	is "$way, a later soft limit: the keyer is told when it is reached" 'soft 0x1001 ' "$told"
	listen
	instead "$way" "$(limit 0)" "$(limit 6)"
	slowly eval '[ -z "$(state 0x00001001)" ]'
	is "$way, a hard limit that was reached: it ends" '' "$(state 0x00001001)"
	burst "$a" 1 10.1.0.2
	deaf
	is "$way, a hard limit that was reached: the keyer is told" 'hard 0x1001 ' "$told"
	is "$way, a hard limit that was reached: the next packet asks" 1 "$(grep -c '^ACQUIRE' /tmp/keyer)"
done

# Forgeries age nothing: the peer has another key.
fresh
limited 0x1001 10.1.0.1 10.1.0.2 packets=0 packets=0
limited 0x1002 10.1.0.2 10.1.0.1 packets=3 packets=6
ip -n "$b" xfrm state flush
ip -n "$b" xfrm state add src 10.1.0.2 dst 10.1.0.1 proto esp spi 0x1002 mode transport \
	aead 'rfc4106(gcm(aes))' "$(hex_key 160 9)" 128
listen
dropped 'forgeries: each is dropped' "$a" in_icv 12 burst "$b" 12 10.1.0.1
is 'the SA has not aged' mature "$(state 0x00001002)"
deaf
is 'and the keyer is told nothing' '' "$told"

# Time, from birth and from the first use.
fresh
listen
limited 0x1001 10.1.0.1 10.1.0.2 addtime=2 addtime=6
limited 0x2001 10.1.0.1 10.1.0.9 usetime=2 usetime=4
limited 0x1002 10.1.0.2 10.1.0.1 usetime=2 usetime=4
slowly eval '[ "$(state 0x00001001)" = dying ]'
is 'addtime: dying' dying "$(state 0x00001001)"
burst "$b" 1 10.1.0.1
slowly eval '[ -z "$(state 0x00001001)" ]'
is 'addtime: gone' '' "$(state 0x00001001)"
slowly eval '[ -z "$(state 0x00001002)" ]'
is 'usetime: gone, the one that was used' '' "$(state 0x00001002)"
is 'usetime: not the one that was not' mature "$(state 0x00002001)"
deaf
is 'time: the keyer is told once of each' 'soft 0x1001 hard 0x1001 soft 0x1002 hard 0x1002 ' "$told"

# Levels. Without SAs: use leaves in clear, default and require do not leave.
theirs "$b" transport 10.1.0.2 10.1.0.1 10.1.0.2 10.1.0.1
ip -n "$b" xfrm policy flush
for level in use default require unique unique:7; do
	in_ns "$a" setkey -c <<<"flush; spdflush; spdadd 10.1.0.1 10.1.0.2 any -P out ipsec esp/transport//$level;"
	record "$a" eth0
	in_ns "$a" ping -n -c 1 -W 1 -s 100 -p "$MARKER_HEX" 10.1.0.2 >/dev/null
	stop_recording
	is "level $level, no SA: in clear or not at all" \
		"$([ $level = use ] && echo 1 || echo 0)" "$(on_wire 'icmp[icmptype] == 8')"
	forget_recording
	# Two SAs; unique:7 takes the one with that number, the others the newest.
	in_ns "$a" setkey -c <<-RULES
		add 10.1.0.1 10.1.0.2 esp 0x5007 -u 7 $(ours_algs);
		add 10.1.0.1 10.1.0.2 esp 0x5008 -u 8 $(ours_algs);
	RULES
	case $level in
	unique:7) wanted='1 0' ;;
	unique) wanted='0 0' ;; # a number of its own, which no SA has
	*) wanted='0 1' ;;
	esac
	record "$a" eth0
	in_ns "$a" ping -n -c 1 -W 1 -s 100 -p "$MARKER_HEX" 10.1.0.2 >/dev/null
	stop_recording
	is "level $level: by which SA" "$wanted" "$(esp_on_wire 0x5007) $(esp_on_wire 0x5008)"
	is "level $level: not in clear" 0 "$(grep -c "$MARKER" "$wire")"
	forget_recording
done
