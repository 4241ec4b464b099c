#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# article.sh - two hosts, four spdadd lines, and nothing but ESP on the wire
#
# Runs inside the virtual machine and prints a transcript. The keys are OpenIKED's, as
# they were racoon's in the article. Exits with 1 if a packet other than ESP and IKE was
# seen between the two hosts, or a step failed.
set -u

failed=0

say() { printf '\n== %s\n' "$*"; }

fail() { printf '\n!!! %s\n' "$*"; failed=1; }

# on HOST COMMAND... - show it as typed there, and run it
on() {
	local host=$1
	shift
	printf '%s# %s\n' "$host" "$*"
	quietly "$host" "$@" || fail "on $host: $* (status $?)"
}

quietly() {
	local host=$1
	shift
	ip netns exec "$host" "$@"
}

# until COMMAND... - try for ten seconds
until_true() {
	local tries=100

	until "$@" >/dev/null 2>&1; do
		[ $((tries -= 1)) -gt 0 ] || return 1
		sleep 0.1
	done
}

make_hosts() {
	local host

	printf '%s\n' '127.0.0.1 localhost' '10.0.0.2 mason' \
		'10.0.0.77 gluon' '192.168.1.80 web' >/etc/hosts
	for host in mason gluon web; do
		ip netns add "$host"
		# The article is of 2001: no IPv6 chatter on its wire.
		quietly "$host" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 \
			net.ipv6.conf.default.disable_ipv6=1
		ip -n "$host" link set lo up
		mkdir -p "/etc/netns/$host"
	done
	ip link add wi0 netns gluon type veth peer name wi0 netns mason
	ip link add xl0 netns mason type veth peer name xl0 netns web
	ip -n gluon addr add 10.0.0.77/24 dev wi0
	ip -n mason addr add 10.0.0.2/24 dev wi0
	ip -n mason addr add 192.168.1.1/24 dev xl0
	ip -n web addr add 192.168.1.80/24 dev xl0
	ip -n gluon link set wi0 up
	ip -n mason link set wi0 up
	ip -n mason link set xl0 up
	ip -n web link set xl0 up
	ip -n gluon route add default via 10.0.0.2
	ip -n web route add default via 192.168.1.1
	quietly mason sysctl -qw net.ipv4.ip_forward=1
}

# Each host has an /etc/ipsec.rules and an /etc/iked.conf of its own, as ip netns
# exec shows them.
place_rules() {
	local host

	touch /etc/ipsec.rules /etc/iked.conf
	for host in mason gluon; do
		cp "$host.rules" "/etc/netns/$host/ipsec.rules"
		install -m 600 "$host.conf" "/etc/netns/$host/iked.conf"
	done
}

# Even for pre-shared keys it wants a key of its own.
make_iked_key() {
	mkdir -p /etc/iked/{ca,certs,crls,private,pubkeys/{fqdn,ipv4,ipv6,ufqdn}}
	openssl ecparam -name prime256v1 -genkey -noout -out /etc/iked/private/local.key
	openssl ec -in /etc/iked/private/local.key -pubout -out /etc/iked/local.pub \
		2>/dev/null || fail "no key for iked"
}

# Each with a /run of its own, where its control socket is.
start_iked() {
	printf '%s# iked\n' "$1"
	ip netns exec "$1" unshare --mount bash -c \
		'mount -t tmpfs run /run; mkdir /run/iked; exec iked -d -v' \
		>"/tmp/iked.$1" 2>&1 &
	pids+=($!)
	until_true nsenter -t $! -m -n ikectl show sa ||
		fail "iked did not start on $1: $(cat "/tmp/iked.$1")"
}
pids=()

start_web() {
	mkdir -p /tmp/www
	cat >/tmp/www/index.html <<-'PAGE'
	<html><title>web</title>
	<p>Hello, gluon. I am behind mason, and you came by tunnel.
	</html>
	PAGE
	quietly web busybox httpd -p 80 -h /tmp/www
}

capture=/tmp/wi0.pcap

start_tcpdump() {
	ip netns exec gluon tcpdump -i wi0 -U -w "$capture" 2>/tmp/tcpdump.err &
	tcpdump_pid=$!
	until_true grep -q 'listening on' /tmp/tcpdump.err ||
		fail "tcpdump did not start: $(cat /tmp/tcpdump.err)"
}

# tcpdump writes a packet some time after it was on the wire: wait for the last.
stop_tcpdump() {
	local sent

	# shellcheck disable=SC2016 # awk's
	sent=$(quietly gluon awk '/^(out_esp|in_esp) /{n += $2} END {print n}' \
		/proc/net/esplanade)
	until_true eval "[ \$(seen esp) -ge $sent ]"
	kill "$tcpdump_pid"
	wait "$tcpdump_pid" 2>/dev/null
}

seen() { tcpdump -nr "$capture" "$@" 2>/dev/null | wc -l; }

say "Three hosts: gluon (10.0.0.77) -- mason (10.0.0.2) -- web (192.168.1.80)"
make_hosts
place_rules
start_web
printf 'Linux %s\n' "$(uname -r)"

say "The module is loaded, once for all of them"
printf '# modprobe esplanade\n'
modprobe esplanade || exit 1

say "Two lines of policy on each host, as in the article"
on mason cat /etc/ipsec.rules
on mason setkey -f /etc/ipsec.rules
on gluon cat /etc/ipsec.rules
on gluon setkey -f /etc/ipsec.rules

say "No keys yet: what must be protected does not leave"
echo 'gluon# ping -c 1 -W 1 mason'
quietly gluon ping -c 1 -W 1 mason && fail "a ping was answered without keys"

say "An IKE daemon on each host, to make the keys"
make_iked_key
on gluon cat /etc/iked.conf
start_iked mason
start_iked gluon
on gluon setkey -D

say "gluon pings mason: a slight pause, then you'll start to see successful pings"
start_tcpdump
on gluon ping -c 6 mason

say "and fetches a page from the web host behind it"
on gluon curl -sS --max-time 20 http://web/ | tee /tmp/page
grep -q 'came by tunnel' /tmp/page || fail "the page did not arrive"

stop_tcpdump
say "What tcpdump saw on gluon's own interface meanwhile"
echo 'gluon# tcpdump -i wi0'
tcpdump -tr "$capture" 2>/dev/null

say "The security associations afterwards"
on gluon setkey -D

esp=$(seen esp)
ike=$(seen udp port 500)
arp=$(seen arp)
other=$(seen not esp and not udp port 500 and not arp)
say "ESP packets: $esp.  IKE: $ike.  Others: $other.  (ARP, below IP: $arp.)"
[ "$esp" -gt 0 ] || fail "no ESP was seen at all"
[ "$ike" -gt 0 ] || fail "no IKE was seen: where are the keys from?"
[ "$other" -eq 0 ] || fail "if you see any non-ESP traffic, something is awry"
kill "${pids[@]}"
if [ "$failed" -eq 0 ]; then
	printf 'Nothing but ESP between gluon and mason, and the IKE that made its keys.\n'
fi
exit "$failed"
