#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --python
#
# quoted.sh - ICMP errors in clear, about what may come in by an SA only
#
# a is ours; b sends it what quoted.py makes, and lies.
# shellcheck source=selftests/net/lib.sh disable=SC2154
. ./lib.sh
trap finish EXIT

modprobe esplanade || exit 1
host a
host b
link "$a" eth0 '10.1.0.1/24 10.1.0.9/24 fd01::1/64 fd01::9/64' "$b" eth0 '10.1.0.2/24 fd01::2/64'
in_ns "$a" setkey -f - <<-'RULES'
	spdadd 10.1.0.2[7777] 10.1.0.1 udp -P in ipsec esp/transport//require;
	spdadd fd01::2[7777] fd01::1 udp -P in ipsec esp/transport//require;
	spdadd 10.1.0.2[7778] 10.1.0.9 udp -P in ipsec esp/transport//require;
RULES
# To port 7778 a speaks as another, and b does not answer.
in_ns "$a" nft -f - <<-'RULES' || fail 'a translates'
	table ip nat {
		chain post { type nat hook postrouting priority 100
			udp dport 7778 snat to 10.1.0.9; }
	}
RULES
in_ns "$b" nft -f - <<-'RULES' || fail 'b is silent'
	table ip quiet {
		chain in { type filter hook input priority 0
			udp dport 7778 drop; }
	}
RULES
ip netns exec "$a" python3 quoted.py listen >/tmp/heard 2>&1 &
slowly grep -q ready /tmp/heard || fail 'somebody listens'
in_ns "$b" python3 quoted.py "$a" "$(mac "$a")" "$tests" | tee /tmp/sent
tally /tmp/sent
grep -q '^sent all$' /tmp/sent || fail 'quoted.py came to its end'
slowly grep -q 7776 /tmp/heard
is 'who speaks in clear hears it, and nobody else' 'ready 7776 ' "$(tr '\n' ' ' </tmp/heard)"
