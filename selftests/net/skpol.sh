#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --python --timeout 400
#
# skpol.sh - sockets that pass by the SPD, as those of IKE daemons do
#
# a is ours, under a policy for everything; b is a plain Linux.
# shellcheck source=selftests/net/lib.sh disable=SC2154
. ./lib.sh
trap finish EXIT

modprobe esplanade || exit 1
host a
host b
link "$a" eth0 '10.1.0.1/24 fd01::1/64' "$b" eth0 '10.1.0.2/24 fd01::2/64'
put "$a" <<-RULES
	spdadd 0.0.0.0/0 0.0.0.0/0 any -P out ipsec esp/transport//require;
	spdadd 0.0.0.0/0 0.0.0.0/0 any -P in ipsec esp/transport//require;
	spdadd ::/0 ::/0 any -P out ipsec esp/transport//require;
	spdadd ::/0 ::/0 any -P in ipsec esp/transport//require;
RULES

# serve HOST ADDRESS [DIR...]
mkfifo /tmp/in
serve() {
	local host=$1 addr=$2

	shift 2
	: >/tmp/server
	ip netns exec "$host" python3 skpol.py serve "$addr" 500 "$@" </tmp/in >/tmp/server 2>&1 &
	server=$!
	exec 7>/tmp/in
	slowly grep -q ready /tmp/server || fail 'the server begins' "$(cat /tmp/server)"
}

served() {
	exec 7>&-
	wait "$server"
}

ask() { in_ns "$1" python3 skpol.py ask "$2" 500 "${@:3}" 2>&1; }

for ends in '10.1.0.1 10.1.0.2' 'fd01::1 fd01::2'; do
	read -r ours theirs <<<"$ends"
	serve "$b" "$theirs"
	record "$a" eth0
	is "to $theirs: a socket without a policy of its own" nothing "$(ask "$a" "$theirs")"
	is "to $theirs: one that passes by the SPD out" nothing "$(ask "$a" "$theirs" out)"
	is "to $theirs: one that passes by it in" nothing "$(ask "$a" "$theirs" in)"
	is "to $theirs: one that passes by it both ways" PLAINTEXT-MARKER \
		"$(ask "$a" "$theirs" in out)"
	stop_recording
	is "to $theirs: two questions and their answers are on the wire" 4 "$(on_wire "udp port 500")"
	forget_recording
	served
	serve "$a" "$ours"
	is "to $ours: a socket without a policy of its own" nothing "$(ask "$b" "$ours")"
	served
	serve "$a" "$ours" in out
	is "to $ours: one that passes by the SPD" PLAINTEXT-MARKER "$(ask "$b" "$ours")"
	served
	before=$(counters "$a")
	serve "$a" "$ours" out
	is "to $ours: one that does so out only" nothing "$(ask "$b" "$ours")"
	served
	is "to $ours: for its named reason" 'in_clear+1' "$(grown "$before" "$(counters "$a")")"
done

# A mapped address, a socket bound to all, and what is forwarded.
serve "$a" 0.0.0.0 in out
is 'a socket bound to all' PLAINTEXT-MARKER "$(ask "$b" 10.1.0.1)"
served

# set NAME WANTED FAMILY OCTETS
set_() { is "$1" "$2" "$(in_ns "$a" python3 skpol.py set "$3" "$4")"; }
set_ 'bypass, IPv4' fine 4 02001200040001000000000000000000
set_ 'bypass, IPv6' fine 6 02001200040002000000000000000000
set_ 'a policy that wants IPsec' 'Operation not supported' 4 02001200020001000000000000000000
set_ 'no direction' 'Invalid argument' 4 02001200040000000000000000000000
set_ 'forward' 'Invalid argument' 4 02001200040003000000000000000000
set_ 'cut short' 'Invalid argument' 4 0200120004000100000000000000
set_ 'a length beyond the end' 'Invalid argument' 4 03001200040001000000000000000000
set_ 'a length of nothing' 'Invalid argument' 4 00001200040001000000000000000000
