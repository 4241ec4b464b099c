#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --python
#
# cgroup.sh - what programs of a cgroup forbid its sockets, they cannot do by a tunnel
# either (systemd's IPAddressDeny= is such a program)
# shellcheck source=selftests/net/lib.sh disable=SC2154
. ./lib.sh
trap finish EXIT

modprobe esplanade || exit 1
host a
host b
link "$a" eth0 '10.1.0.1/24 fd01::1/64' "$b" eth0 '10.1.0.2/24 fd01::2/64'
mkdir -p /tmp/cgroup
mount -t cgroup2 none /tmp/cgroup && mkdir /tmp/cgroup/quiet || exit 1
row gcm128

# held COMMAND... - as a process of the cgroup
held() { (echo "$BASHPID" >/tmp/cgroup/quiet/cgroup.procs && "$@"); }
sends() { in_ns "$a" ping -n -q -c 3 -i 0.2 -W 1 -p "$MARKER_HEX" "$1"; }

# quiet NAME WANTED GROWN COMMAND... - the pings are heard or not, in clear never
quiet() {
	local name=$1 wanted=$2 counted=$3 before

	shift 3
	before=$(counters "$a")
	record "$a" eth0
	is "$name" "$wanted received" "$("$@" 2>/dev/null | grep -o '[0-9]* received')"
	stop_recording
	is "$name: ESP" "$wanted" "$(esp_on_wire 0x1001)"
	is "$name: nothing but ESP" 0 "$(on_wire "not $ESP and not $LINK")"
	is "$name: counted" "$counted" "$(grown "$before" "$(counters "$a")")"
	forget_recording
}

if error=$(python3 cgroup.py /tmp/cgroup/quiet 2>&1); then
	for mode in transport tunnel; do
		while read -r ours theirs <&3; do
			ours "$a" "$mode" "$ours" "$theirs" "$ours" "$theirs"
			theirs "$b" "$mode" "$theirs" "$ours" "$theirs" "$ours"
			quiet "$mode, to $theirs: of the cgroup" 0 out_cgroup+3 held sends "$theirs"
			quiet "$mode, to $theirs: of none" 3 '' sends "$theirs"
		done 3<<-ENDS
			10.1.0.1 10.1.0.2
			fd01::1 fd01::2
		ENDS
	done
else
	pass "programs of cgroups # SKIP this kernel has none: $error"
fi
