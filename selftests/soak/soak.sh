#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --timeout 900
#
# soak.sh - full rate, a bad path, new keys each second, and a forger
#
# a and b are ours. m bridges between them, loses, delays, reorders and duplicates
# packets by netem, and has a forger. Eight flows: IPv4 and IPv6, transport and tunnel,
# AES-GCM and AES-CBC with HMAC; by each go datagrams and TCP both ways, known to the
# octet (flows.c). Each second each flow gets new SAs as IKE daemons make them: in, then
# out, and the old ones go some seconds later (keyer.c).
#
# Then everything adds up, across hosts: what we say was sent and received, what nft
# and netem have counted, and what the forger says (forger.c).
#
# For 60 seconds; as long as soak.conf says (soak/run.sh).
# shellcheck disable=SC2154,SC2016

# Whoever makes the keys goes before those who make the load.
[ "$(nice)" -ne 0 ] || exec nice -n -5 "$0"
# shellcheck source=selftests/net/lib.sh
. ./lib.sh
trap finish EXIT

seconds=60
# shellcheck source=/dev/null
[ ! -e soak.conf ] || . ./soak.conf

modprobe esplanade || exit 1
modprobe -a bridge sch_netem nf_tables || exit 1
# One processor has a queue for all devices: what is lost there has no counter here.
sysctl -qw net.core.netdev_max_backlog=100000

host a
host b
host m
in_ns "$m" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
ip -n "$m" link add bridge0 type bridge mcast_snooping 0
link "$a" eth0 '' "$m" left ''
link "$b" eth0 '' "$m" right ''
for device in left right; do ip -n "$m" link set "$device" master bridge0; done
ip -n "$m" link set bridge0 up

# The flows: mode, algorithm, ends, and the addresses that packets go by. To each
# combination addresses of its own.
flows=()
for family in 4 6; do
	k=0
	for mode in transport tunnel; do
		for cipher in gcm cbc; do
			case $family-$mode in
			4-transport) net="10.1.$k.1 10.1.$k.2" ;;
			4-tunnel) net="10.10.$k.1 10.11.$k.1" ;;
			6-transport) net="fd01:$k::1 fd01:$k::2" ;;
			6-tunnel) net="fd10:$k::1 fd11:$k::1" ;;
			esac
			case $family in
			4) flows+=("$mode $cipher 10.1.$k.1 10.1.$k.2 $net") ;;
			6) flows+=("$mode $cipher fd01:$k::1 fd01:$k::2 $net") ;;
			esac
			k=$((k + 1))
		done
	done
done

# reach HOST OUR_END THEIR_END THEIR_MAC OUR_ADDRESS THEIR_ADDRESS
reach() {
	local bits=24 all=32

	case $2 in *:*) bits=64 all=128 ;; esac
	address "$1" eth0 "$2/$bits"
	# Neighbours are not asked for: else that would be on the wire, too.
	ip -n "$1" neigh replace "$3" lladdr "$4" nud permanent dev eth0
	[ "$2" != "$5" ] || return 0
	address "$1" lo "$5/$all"
	ip -n "$1" route add "$6/$all" via "$3" src "$5"
}

# What nft sees: at each end before netem, and in the middle behind it. What links
# need is not needed here, and would be in netem's counters. To ESP that has no SA the
# kernel answers that it knows no such protocol, to whom no policy is.
count_at() { # HOST CHAIN HOOK DEVICE
	cat <<-NFT
		table netdev $2 {
			counter sealed { }
			counter unknown { }
			counter clear { }
			chain $2 {
				type filter hook $3 device $4 priority 0;
				icmpv6 type { 130-137, 143 } drop
				ip protocol esp counter name sealed accept
				ip6 nexthdr esp counter name sealed accept
				icmp type destination-unreachable icmp code prot-unreachable counter name unknown accept
				icmpv6 type parameter-problem icmpv6 code 1 counter name unknown accept
				counter name clear
			}
		}
	NFT
}
in_ns "$a" nft -f - < <(count_at "$a" out egress eth0) &&
	in_ns "$b" nft -f - < <(count_at "$b" out egress eth0) &&
	in_ns "$m" nft -f - < <(count_at "$m" left ingress left; count_at "$m" right ingress right) ||
	exit 1

# seen HOST CHAIN COUNTER
seen() {
	in_ns "$1" nft list counter netdev "$2" "$3" | awk '$1 == "packets" {print $2}'
}

to_a=$(mac "$a") to_b=$(mac "$b")
policies=
for flow in "${flows[@]}"; do
	read -r mode cipher end1 end2 net1 net2 <<<"$flow"
	reach "$a" "$end1" "$end2" "$to_b" "$net1" "$net2"
	reach "$b" "$end2" "$end1" "$to_a" "$net2" "$net1"
	echo "$net1 $net2" >>/tmp/flows.txt
	echo "$mode $cipher $end1 $end2" >>/tmp/keyed.txt
	out=esp/transport//require in=$out
	if [ "$mode" = tunnel ]; then
		out=esp/tunnel/$end1-$end2/require
		in=esp/tunnel/$end2-$end1/require
	fi
	policies+="spdadd $net1 $net2 any -P DIR1 ipsec $out;"
	policies+="spdadd $net2 $net1 any -P DIR2 ipsec $in;"
done
put "$a" <<<"$(sed 's/DIR1/out/g; s/DIR2/in/g' <<<"$policies")"
put "$b" <<<"$(sed 's/DIR1/in/g; s/DIR2/out/g' <<<"$policies")"

# Loss at the ends, the rest in the middle, so that each has counters of its own.
for host in "$a" "$b"; do
	in_ns "$host" tc qdisc add dev eth0 root netem limit 100000 loss 5% || exit 1
done
for device in left right; do
	in_ns "$m" tc qdisc add dev "$device" root netem limit 100000 delay 5ms 2ms \
		reorder 20% 50% duplicate 3% || exit 1
done

# netem HOST DEVICE - packets sent, dropped, and still in it
netem() {
	in_ns "$1" tc -s qdisc show dev "$2" | awk '
		/ Sent / {sent = $4; sub(/,/, "", $7); lost = $7}
		/ backlog / {sub(/p/, "", $3); print sent, lost, $3}'
}

arrived() { in_ns "$1" awk '$1 == "eth0:" {print $3}' /proc/net/dev; }

# Who holds an AEAD: SAs do, each the same number of times, until they are freed.
cipher_users() {
	awk 'BEGIN {RS = ""} /name *: (rfc4106|authenc)\(/ && match($0, /refcnt *: [0-9]+/) {
		n = substr($0, RSTART, RLENGTH); sub(/.*: /, "", n); sum += n - 1}
		END {print sum + 0}' /proc/crypto
}

# meminfo NAME - in kB
meminfo() { awk -v n="$1:" '$1 == n {print $2}' /proc/meminfo; }

uptime() { local up; read -r up _ </proc/uptime; echo $((10#${up/./})); }

# What there is of memory and SAs, between two rounds: all that is to go has gone.
sample() {
	local n

	n=$(rounds)
	[ "$n" -ge 10 ] || return
	slowly eval "[ \$(rounds) -gt $n ]" && sleep 0.3
	samples+=("$(meminfo MemAvailable) $(meminfo SUnreclaim) $(cipher_users)")
}

progress() {
	printf '# %d s: %d packets, %d rekeys, %d forged or copied, MemAvailable %d kB, %s\n' \
		"$1" $(($(counter "$a" out_esp) + $(counter "$b" out_esp))) "$(rounds)" \
		"$(($(counter "$a" in_icv) + $(counter "$a" in_length) + $(counter "$a" in_replay) +
			$(counter "$b" in_icv) + $(counter "$b" in_length) + $(counter "$b" in_replay)))" \
		"$(meminfo MemAvailable)" "SUnreclaim $(meminfo SUnreclaim) kB"
}

# Packets that have no SA, or wait for one: setkey counts as a keyer while it runs.
lacking() { { counters "$a"; counters "$b"; } | grep -E '^out_(no_sa|held) '; }

# What slabs keep for the next who asks is not in use; 7.2 keeps more.
give_back() { for cache in /sys/kernel/slab/*/shrink; do echo 1 >"$cache"; done 2>/dev/null; }
give_back
users_before=$(cipher_users) slab_before=$(meminfo SUnreclaim)
arrived_a=$(arrived "$a") arrived_b=$(arrived "$b")

lines=$(dmesg | wc -l)

# Before there are keys nothing leaves, however much is sent.
nice -n 10 ip netns exec "$b" ./flows b /tmp/flows.txt >/tmp/flows.b &
flows_b=$!
nice -n 10 ip netns exec "$a" ./flows a /tmp/flows.txt >/tmp/flows.a &
flows_a=$!
for end in a b; do slowly grep -q ready /tmp/flows.$end || fail "flows $end is ready"; done
try 'before there are keys packets are dropped by name' \
	slowly eval "[ \$(counter $a out_no_sa) -gt 1000 ] && [ \$(counter $b out_no_sa) -gt 1000 ]"
is 'and none leaves in clear, or else' '0 0 0 0' \
	"$(seen "$a" out sealed) $(seen "$a" out clear) $(seen "$b" out sealed) $(seen "$b" out clear)"

ip netns exec "$m" ./forger path left right >/tmp/forger &
forger=$!
slowly grep -q ready /tmp/forger || fail 'the forger is ready'

stop_load() {
	[ -n "$forger" ] || return
	kill "$flows_a" "$flows_b" "$forger"
	wait "$forger"
	forger=
	timely=$(($(rounds) - first)) ran=$((($(uptime) - began) / 100))
}

ip netns exec "$m" ./keyer "$a" "$b" /tmp/keyed.txt >/tmp/keyer &
keyer=$!
rounds() { awk '$1 == "round" {n = $2} END {print n + 0}' /tmp/keyer; }
slowly grep -q '^round 1$' /tmp/keyer || fail 'the first keys come'
without=$(lacking)

began=$(uptime) first=$(rounds) told=0 sampled=0 timely=0
samples=()
every=$((seconds / 12 > 5 ? seconds / 12 : 5))
while kill -0 "$flows_a" 2>/dev/null || kill -0 "$flows_b" 2>/dev/null; do
	sleep 0.5
	now=$((($(uptime) - began) / 100))
	[ $now -lt "$seconds" ] || stop_load
	[ $now -lt $((sampled + every)) ] || { sampled=$now; sample; }
	[ $now -lt $((told + 30)) ] || { told=$now; progress "$now"; }
done
stop_load
progress "$now"
kill "$keyer"
wait "$keyer"
is 'every SA is taken, and goes' 0 $?
try_unexamined "new keys every second ($timely in $ran s)" [ $((timely * 10)) -ge $((ran * 9)) ]

# TCP ends by itself; then nothing is under way.
ended() { ! in_ns "$1" ss -Htan state connected exclude time-wait | grep -q .; }
all_ended() { ended "$a" && ended "$b"; }
slowly all_ended || fail 'all connections have ended'
everything() {
	counters "$a"; counters "$b"; arrived "$a"; arrived "$b"; netem "$m" left; netem "$m" right
}
still() {
	local before

	before=$(everything)
	sleep 1
	[ "$before" = "$(everything)" ]
}
slowly still || fail 'the wire falls silent'

# What the flows say: a's line and b's for each.
is 'flows: every octet that arrived was sent' '' "$(grep -hE '^wrong|^late' /tmp/flows.[ab])"
sum() { # NUMBER_OF_FIELD FILE... - over all flows
	local n=$1

	shift
	awk -v n="$n" '$1 == "flow" {sum += $n} END {print sum + 0}' "$@"
}
is 'flows: wrong datagrams or octets' 0 "$(sum 10 /tmp/flows.[ab])"
is 'flows: datagrams that came twice' 0 "$(sum 12 /tmp/flows.[ab])"
is 'flows: what TCP has sent has arrived, all of it' '' "$(
	paste -d ' ' <(grep ^flow /tmp/flows.a) <(grep ^flow /tmp/flows.b) | awk '
		!$7 || !$21 || $7 != $22 || $21 != $8')"
is 'flows: each has got datagrams, most of those sent' '' "$(
	paste -d ' ' <(grep ^flow /tmp/flows.a) <(grep ^flow /tmp/flows.b) | awk '
		$5 < $18 * 0.5 || $19 < $4 * 0.5')"
is 'flows: there are eight' 16 "$(grep -c ^flow /tmp/flows.a /tmp/flows.b | awk -F: '{n += $2} END {print n}')"
try_unexamined 'netem has reordered datagrams' [ "$(sum 14 /tmp/flows.[ab])" -gt "$seconds" ]
in_ns "$a" nstat -asz >/tmp/nstat.a
in_ns "$b" nstat -asz >/tmp/nstat.b
is 'no checksum of IP, TCP, UDP or ICMP was wrong' 0 "$(awk '
	/CsumErrors|InHdrErrors/ {sum += $2} END {print sum + 0}' /tmp/nstat.[ab])"

# made WAY REGEX - what the forger has sent from that device
made() {
	awk -v from="$1" -v what="$2" '$1 == "from" && $2 == from && $0 ~ what {sum += $3}
		END {print sum + 0}' /tmp/forger
}

# adds_up LABEL FROM TO PORT_IN PORT_OUT ARRIVED_BEFORE
adds_up() {
	local label=$1 from=$2 to=$3 in=$4 out=$5 esp sent lost inside passed gone
	local icv same length replay forged icvs

	esp=$(counter "$from" out_esp)
	is "$label: what we say was sent was on the wire" "$esp" "$(seen "$from" out sealed)"
	is "$label: and nothing in clear" '0 0' "$(seen "$from" out clear) $(seen "$m" "$in" clear)"
	is "$label: nor any answer to ESP without an SA" 0 "$(seen "$from" out unknown)"
	read -r sent lost inside < <(netem "$from" eth0)
	is "$label: netem had all of it, and has lost some" "$esp 0" "$((sent + lost)) $inside"
	try "$label: 5 % ($lost of $esp)" \
		eval "[ $((lost * 100)) -gt $((esp * 4)) ] && [ $((lost * 100)) -lt $((esp * 6)) ]"
	is "$label: the rest was seen in the middle" "$sent" "$(seen "$m" "$in" sealed)"
	read -r passed gone inside < <(netem "$m" "$out")
	is "$label: there nothing was lost" '0 0' "$gone $inside"
	try "$label: and some was duplicated ($((passed - sent)) of $sent)" \
		[ $(((passed - sent) * 100 / sent)) -ge 1 ]
	icv=$(made "$in" ': in_icv$') same=$(made "$in" 'in_icv[|]in_replay$')
	length=$(made "$in" ': in_length$') replay=$(made "$in" ': in_replay$')
	forged=$((icv + same + length + replay))
	try "$label: one in ten was forged ($forged of $sent)" \
		[ $((forged * 100)) -ge $((sent * 7)) ]
	is "$label: each kind of forgery" 0 "$(awk -v from="$in" '
		$1 == "from" && $2 == from && !$3' /tmp/forger | wc -l)"
	is "$label: all that was let go has arrived" $((passed + forged)) \
		$(($(arrived "$to") - $6))
	is "$label: each packet once" "$sent" "$(counter "$to" in_esp)"
	icvs=$(counter "$to" in_icv)
	is "$label: duplicates, copies and forgeries, by name" \
		"in_length=$length in_replay+in_icv=$((passed - sent + replay + icv + same))" \
		"in_length=$(counter "$to" in_length) in_replay+in_icv=$(($(counter "$to" in_replay) + icvs))"
	try "$label: forgeries count as forgeries ($icvs of $icv to $((icv + same)))" \
		eval "[ $icvs -ge $icv ] && [ $icvs -le $((icv + same)) ]"
}
adds_up 'a to b' "$a" "$b" left right "$arrived_b"
adds_up 'b to a' "$b" "$a" right left "$arrived_a"
for host in "$a" "$b"; do
	is "no other counter has moved (${host%-*})" '' "$(counters "$host" | awk '$2 &&
		$1 !~ /^(out_esp|in_esp|in_icv|in_replay|in_length|out_no_sa|out_held|out_hold_.*)$/')"
done
is 'with keys no packet lacked an SA' "$without" "$(lacking)"
# On a busy host the guest's own timer is late, and says so.
is 'the log is silent' '' \
	"$(dmesg | tail -n +$((lines + 1)) | grep -v 'hrtimer: interrupt took')"

# Memory. Ten rounds of SAs are there at any time, and nothing else grows.
printf '# MemAvailable, SUnreclaim (kB), cipher users: %s\n' "${samples[@]}"
is 'SAs: ten rounds of 16 at each end' '160 160' \
	"$(in_ns "$a" setkey -D | grep -c 'spi=') $(in_ns "$b" setkey -D | grep -c 'spi=')"
# What is deleted is freed behind a grace period, which on a busy machine takes a while.
try 'each of these holds a cipher, and nobody else does' \
	slowly eval "[ \$(cipher_users) = $((users_before + 320)) ]"
is 'at no time there were twice as many' '' \
	"$(printf '%s\n' "${samples[@]}" | awk -v n=$((users_before + 640)) '$3 > n')"
read -r available unreclaimable _ <<<"${samples[0]}"
grown_slab=0 shrunk=0
for one in "${samples[@]}"; do
	read -r now_available now_unreclaimable _ <<<"$one"
	[ $((now_unreclaimable - unreclaimable)) -le $grown_slab ] || grown_slab=$((now_unreclaimable - unreclaimable))
	[ $((available - now_available)) -le $shrunk ] || shrunk=$((available - now_available))
done
try_unexamined "memory: SUnreclaim grows by no more than 8 MB ($grown_slab kB)" [ $grown_slab -le 8192 ]
try_unexamined "memory: MemAvailable shrinks by no more than 16 MB ($shrunk kB)" [ $shrunk -le 16384 ]
for host in "$a" "$b"; do in_ns "$host" setkey -F; done
try 'without SAs nobody holds a cipher' slowly eval "[ \$(cipher_users) = $users_before ]"
give_back
left=$(($(meminfo SUnreclaim) - slab_before))
try_unexamined "memory: of SUnreclaim no more than 2 MB are left ($left kB)" [ $left -le 2048 ]
for host in "${hosts[@]}"; do ip netns del "$host"; done
hosts=()
try 'the module goes' slowly rmmod esplanade
