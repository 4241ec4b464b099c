#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --python --timeout 600
#
# badinput.sh - what is broken, in every length: dropped by name, and in silence
#
# a is ours; b sends it what badinput.py makes. No policy is for ports, so that
# what passes the SAs passes on to the stack.
# shellcheck source=selftests/net/lib.sh disable=SC2154
. ./lib.sh
trap finish EXIT

modprobe esplanade || exit 1
host a
host b
link "$a" eth0 '10.1.0.1/24 fd01::1/64' "$b" eth0 '10.1.0.2/24 fd01::2/64'

gcm='-E aes-gcm-16 0x0102030405060708090a0b0c0d0e0f1011121314'
cbc='-E aes-cbc 0x0102030405060708090a0b0c0d0e0f10'
mac='-A hmac-sha2-256 0x0102030405060708090a0b0c0d0e0f100102030405060708090a0b0c0d0e0f10'
for case in '4 10.1.0.2 10.1.0.1' '6 fd01::2 fd01::1'; do
	read -r family src dst <<<"$case"
	cat <<-RULES
		add $src $dst esp 0x2001 -m transport -r 4096 $gcm;
		add $src $dst esp 0x2002 -m tunnel -r 4096 $gcm;
		add $src $dst esp 0x2003 -m transport -r 4096 $cbc $mac;
		add $src $dst ah 0x2006 -m transport -r 4096 $mac;
		add ${src}[4500] ${dst}[4500] esp-udp 0x2007 -m transport -r 4096 $gcm;
		spdadd 10.9.$family.0/24 10.1.0.1 any -P in ipsec esp/tunnel/$src-$dst/require;
		spdadd fd09:$family::/64 fd01::1 any -P in ipsec esp/tunnel/$src-$dst/require;
	RULES
done | in_ns "$a" setkey -f - || fail 'the rules are taken'
address=$(ip -n "$a" -br link show eth0 | awk '{print $3}')
ip netns exec "$a" python3 natt.py listen 4600 >/tmp/heard 2>&1 &
slowly grep -q ready /tmp/heard || fail 'somebody listens'
dmesg -C
in_ns "$b" python3 badinput.py "$a" "$address" "$tests" | tee /tmp/badinput
tally /tmp/badinput
grep -q '^badinput all$' /tmp/badinput || fail 'badinput.py came to its end'
# What is good is sent last, by either family.
good() { [ "$(grep -c "$(printf good | xxd -p)" /tmp/heard)" -eq 2 ]; }
slowly good
is 'from addresses that none may have nothing is heard' 'good good ' \
	"$(grep -v ready /tmp/heard | while read -r hex; do xxd -r -p <<<"$hex"; echo -n ' '; done)"
is 'the log is silent' '' "$(dmesg | grep -v 'promiscuous mode')"
