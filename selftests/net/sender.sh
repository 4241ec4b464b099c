#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --python --modules --timeout 600
#
# sender.sh - what leaves is encrypted in memory of its own: whoever has it in clear
# as well, has it in clear afterwards
#
# a is ours, b xfrm; d is behind a. A file and a program's memory that are sent, what
# TCP may have to send again, a packet that is sent twice, and one that a packet
# socket holds while it is forwarded. What only a device could read is not sent at all.
# shellcheck source=selftests/net/lib.sh disable=SC2154,SC2016
. ./lib.sh
trap finish EXIT

modprobe -a esplanade esp4 esp6 xfrm_user nft_dup_ipv4 nft_numgen || exit 1
host a
host b
host d
link "$a" eth0 '10.1.0.1/24 fd01::1/64' "$b" eth0 '10.1.0.2/24 fd01::2/64'
link "$a" eth1 10.4.0.1/24 "$d" eth0 10.4.0.2/24
ip -n "$d" route add default via 10.4.0.1
ip -n "$b" route add 10.4.0.0/24 via 10.1.0.1

for case in 'gcm128 4 10.1.0.1 10.1.0.2' 'cbc128-sha256 6 fd01::1 fd01::2'; do
	read -r name _ us peer <<<"$case"
	row "$name"
	ours "$a" transport "$us" "$peer" "$us" "$peer"
	theirs "$b" transport "$peer" "$us" "$peer" "$us"
	in_ns "$a" python3 sender.py "$us" "$peer" "$tests" "$name" | tee /tmp/sender
	tally /tmp/sender
	grep -q '^sender all$' /tmp/sender || fail "$name: sender.py came to its end"
	is "$name: and xfrm has opened all of it" 0 \
		"$(in_ns "$b" awk '/XfrmInStateProtoError/ {print $2}' /proc/net/xfrm_stat)"
done

# Every seventh packet is lost on the way, and sent again from TCP's queue.
row gcm128
ours "$a" transport 10.1.0.1 10.1.0.2 10.1.0.1 10.1.0.2
theirs "$b" transport 10.1.0.2 10.1.0.1 10.1.0.2 10.1.0.1
in_ns "$b" nft -f - <<-'NFT'
	table ip lossy {
		chain in { type filter hook prerouting priority -300;
			ip protocol esp numgen inc mod 7 == 0 counter drop; }
	}
NFT
again() { in_ns "$a" awk '/^Tcp: [0-9]/ {print $13}' /proc/net/snmp; }
before=$(again)
record "$a" eth0
try 'TCP: what is lost is sent again, and arrives as it was' transfer "$a" "$b" 10.1.0.2 2
stop_recording
only_esp 'TCP: nothing but ESP on the wire'
forget_recording
try 'TCP: much was sent again' [ $(($(again) - before)) -gt 50 ]
in_ns "$b" nft flush ruleset

# Memory that segments are in is used again, but not while the reader takes its time.
file=$(big_file 2)
in_ns "$b" sysctl -qw net.ipv4.tcp_rmem='4096 8388608 8388608'
ip netns exec "$b" timeout 120 python3 -c '
import array, fcntl, socket, sys, termios, time
with socket.create_server(("10.1.0.2", 5001)) as server, open(sys.argv[1], "rb") as file:
    sock, _ = server.accept()
    sent, waiting = file.read(), array.array("i", [0])
    deadline = time.monotonic() + 60
    while waiting[0] < len(sent) and time.monotonic() < deadline:
        fcntl.ioctl(sock, termios.FIONREAD, waiting)
    print(waiting[0], sock.recv(len(sent), socket.MSG_WAITALL) == sent)' "$file" >/tmp/held 2>&1 &
reader=$!
slowly listens "$b"
record "$a" eth0
in_ns "$a" timeout 120 nc -N 10.1.0.2 5001 <"$file"
wait "$reader"
stop_recording
is 'TCP: what waits to be read stays as it was' "$(stat -c %s "$file") True" "$(cat /tmp/held)"
only_esp 'TCP, not read yet: nothing but ESP on the wire'
forget_recording

# A packet that leaves twice: each is encrypted for itself.
in_ns "$a" nft -f - <<-'NFT'
	table ip twice {
		chain out { type filter hook output priority 0;
			udp dport 9 dup to 10.1.0.2 device "eth0"; }
	}
NFT
before=$(their_packets "$b" 0x00001001)
ip netns exec "$b" timeout 60 nc -kul 10.1.0.2 9 >/tmp/twice &
slowly eval "in_ns '$b' ss -Hlnu | grep -q ':9 '"
in_ns "$a" python3 -c '
import os, socket
with open("/tmp/page", "wb+") as file, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
    file.write(b"PLAINTEXT-MARKER" * 60)
    file.flush()
    sock.connect(("10.1.0.2", 9))
    os.sendfile(sock.fileno(), file.fileno(), 0, 960)'
slowly eval '[ "$(grep -o "$MARKER" /tmp/twice | wc -l)" -ge 120 ]'
is 'sent twice: it arrives twice, as it was' '2 120' \
	"$(($(their_packets "$b" 0x00001001) - before)) $(grep -o "$MARKER" /tmp/twice | wc -l)"
is 'sent twice: the file is as it was' 60 "$(grep -o "$MARKER" /tmp/page | wc -l)"
in_ns "$a" nft flush ruleset

# Forwarded, while a packet socket holds it: d's pings leave a in a tunnel.
ours "$a" tunnel 10.1.0.1 10.1.0.2 10.4.0.0/24 10.1.0.2
theirs "$b" tunnel 10.1.0.2 10.1.0.1 10.1.0.2 10.4.0.0/24
in_ns "$a" python3 -c '
import socket, subprocess, sys
tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
tap.bind(("eth1", 3))
subprocess.run(["ip", "netns", "exec", sys.argv[1], "ping", "-n", "-q", "-c", "3", "-i", "0.1", "-W", "5",
                "-p", sys.argv[2], "10.1.0.2"], check=True, stdout=subprocess.DEVNULL)
tap.setblocking(False)
marked = 0
try:
    while True:
        marked += b"PLAINTEXT-MARKER" in tap.recv(65536)
except BlockingIOError:
    print(marked)' "$d" "$MARKER_HEX" >/tmp/tap 2>&1
is 'forwarded: a packet socket has three pings and their answers in clear' 6 "$(cat /tmp/tap)"
is 'forwarded: by ESP' 3 "$(their_packets "$b" 0x00001001)"

# What is in a device's memory cannot be encrypted: it is dropped, and not sent as it is,
# nor as what memory held before. A datagram, and one that was to be segmented.
ours "$a" transport 10.1.0.1 10.1.0.2 10.1.0.1 10.1.0.2
theirs "$b" transport 10.1.0.2 10.1.0.1 10.1.0.2 10.1.0.1
send_page() {
	in_ns "$a" python3 -c '
import os, socket, sys
with open("/tmp/page", "rb") as file, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
    sock.connect(("10.1.0.2", 9))
    sock.setsockopt(socket.SOL_UDP, 103, int(sys.argv[1]))  # UDP_SEGMENT
    os.sendfile(sock.fileno(), file.fileno(), 0, 960)' "$1"
}
if error=$(modprobe espl_unreadable 2>&1); then
	for case in '0 one datagram' '400 three, segmented'; do
		read -r size name <<<"$case"
		record "$a" eth0
		dropped "unreadable, $name: dropped, and counted" "$a" out_unreadable 1 send_page "$size"
		stop_recording
		is "unreadable, $name: nothing on the wire" 0 "$(on_wire "not $LINK")"
		forget_recording
	done
	rmmod espl_unreadable
	record "$a" eth0
	try 'readable again: it leaves' send_page 0
	stop_recording
	only_esp 'readable again: by ESP'
	forget_recording
else
	pass "packets that only a device can read # SKIP this kernel has none: $error"
fi
