#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --smp 2 --python --timeout 600
#
# closed.sh - when something fails, what must be protected does not leave in clear
#
# a is ours, b has no IPsec and answers all that comes in clear.
# shellcheck source=selftests/net/lib.sh disable=SC2154,SC2016
. ./lib.sh
trap finish EXIT

loaded() { grep -q '^esplanade ' /proc/modules; }
refers() { awk '$1 == "esplanade" {print $3}' /proc/modules; }

modprobe esplanade || exit 1
host a
host b
link "$a" eth0 10.1.0.1/24 "$b" eth0 10.1.0.2/24
row gcm128
policies() { rules transport 10.1.0.1 10.1.0.2 10.1.0.1 10.1.0.2 | grep ^spdadd; }
send() { in_ns "$a" ping -n -q -c "$1" -i 0.05 -W 1 -p "$MARKER_HEX" 10.1.0.2 >/dev/null; }
# silent NAME - of all that was sent nothing was on the wire in clear
silent() {
	stop_recording
	is "$1: nothing in clear" 0 "$(on_wire "src 10.1.0.1 and not $ESP and not $LINK")"
	forget_recording
}

# The proof that this would show.
record "$a" eth0
send 2
stop_recording
is 'without a policy it is in clear' 2 "$(on_wire "src 10.1.0.1 and not $ESP and not $LINK")"
forget_recording

# The keyer dies: with a question open, and without.
policies | put "$a"
mkfifo /tmp/keyer.in
ip netns exec "$a" python3 keyer.py watch </tmp/keyer.in >/tmp/keyer 2>&1 &
keyer=$!
exec 7>/tmp/keyer.in
slowly grep -q ready /tmp/keyer || fail 'the keyer begins'
record "$a" eth0
send 2
slowly grep -q ACQUIRE /tmp/keyer || fail 'the keyer is asked'
kill -9 "$keyer"
wait "$keyer" 2>/dev/null
exec 7>&-
send 5
slowly eval '[ "$(counter "$a" out_hold_late)" -ge 2 ]' # what waited is given up
silent 'the keyer dies'
is 'the keyer dies: all is lost by name' 'out_no_sa=5 out_held=2 out_hold_late=2 ' "$(drops "$a")"

# An SA ends while packets leave by it.
record "$a" eth0
in_ns "$a" python3 keyer.py limited 0x1001 10.1.0.1 10.1.0.2 addtime=1 addtime=2 >/dev/null
send 80
silent 'an SA ends'
is 'an SA ends: packets left by it, and then none' yes \
	"$([ "$(counter "$a" out_esp)" -gt 5 ] && [ "$(counter "$a" out_no_sa)" -gt 15 ] && echo yes)"

# Packets that wait when their policy, or all there is, goes.
in_ns "$a" setkey -c <<<'spdadd 10.1.0.1 10.1.0.2 icmp -P out prio high discard;'
record "$a" eth0
send 3
silent 'a policy that discards'

# The module: held by what must not be without it.
in_ns "$a" setkey -FP
try 'without policies the module goes' slowly rmmod esplanade
modprobe esplanade fail_closed=1
try 'fail_closed: without policies it goes, too' slowly rmmod esplanade
modprobe esplanade fail_closed=1
in_ns "$a" setkey -c <<<'spdadd 10.1.0.1 10.1.0.9 any -P out none;'
is 'fail_closed: a policy that lets pass holds nothing' 0 "$(refers)"
policies | put "$a"
is 'fail_closed: three that protect hold it' 3 "$(refers)"
record "$a" eth0
refuse 'fail_closed: rmmod is refused' rmmod esplanade
send 3
silent 'fail_closed'
in_ns "$a" setkey -t -f - <<<"spdflush; spdflush; $(policies)"
is 'fail_closed: a transaction holds what it leaves' 3 "$(refers)"
refuse 'a transaction that fails' in_ns "$a" setkey -t -f - <<<"spdflush; $(policies) $(policies)"
is 'fail_closed: and one that fails, what there was' 3 "$(refers)"
in_ns "$a" setkey -FP
is 'fail_closed: deleted, they hold nothing' 0 "$(refers)"
policies | put "$a"
ip netns del "$a"
unset 'hosts[0]'
try 'fail_closed: nor does a namespace that has gone' slowly rmmod esplanade
try 'nothing is left' eval '! loaded'
