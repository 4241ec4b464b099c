# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2016,SC2034
#
# ike.sh - hosts that are keyed by IKE daemons, for charon.sh and iked.sh
#
# a and b are joined by a cable; c reaches b through n, which masquerades. Each daemon
# has a mount namespace of its own, and the folder /tmp/HOST.
# shellcheck source=selftests/net/lib.sh
. ./lib.sh
trap 'stop_all; finish' EXIT

modprobe -a esplanade esp4 esp6 xfrm_user || exit 1
host a
host b
host n
host c
link "$a" eth0 '10.1.0.1/24 fd01::1/64' "$b" eth0 '10.1.0.2/24 fd01::2/64'
address "$a" lo '10.10.1.1/32 fd10:1::1/128'
address "$b" lo '10.10.2.1/32 fd10:2::1/128'
ip -n "$a" route add 10.10.2.0/24 via 10.1.0.2 src 10.10.1.1
ip -n "$b" route add 10.10.1.0/24 via 10.1.0.1 src 10.10.2.1
ip -n "$a" route add fd10:2::/64 via fd01::2 src fd10:1::1
ip -n "$b" route add fd10:1::/64 via fd01::1 src fd10:2::1

link "$n" out 10.2.0.1/24 "$b" eth1 10.2.0.2/24
link "$c" eth0 10.3.0.1/24 "$n" in 10.3.0.254/24
ip -n "$c" route add default via 10.3.0.254
address "$c" lo 10.10.3.1/32
ip -n "$c" route add 10.10.2.0/24 via 10.3.0.254 src 10.10.3.1
ip -n "$b" route add 10.10.3.0/24 via 10.2.0.1 src 10.10.2.1
in_ns "$n" nft -f - <<-'RULES'
	table ip nat {
		chain post {
			type nat hook postrouting priority srcnat;
			oifname out masquerade random
		}
	}
RULES

V4='10.1.0.1 10.1.0.2 10.10.1.0/24 10.10.2.0/24'
V6='fd01::1 fd01::2 fd10:1::/64 fd10:2::/64'
SECRET='a secret that is told to nobody'

# inside HOST COMMAND... - where its daemon is
inside() {
	local host=$1

	shift
	nsenter -t "$(cat "/tmp/$host.pid")" -m -n "$@"
}

# run HOST SHELL-COMMANDS - the daemon, in mounts of its own
run() {
	# Even for pre-shared keys iked wants a key of its own.
	ip netns exec "$1" unshare --mount bash -c "mount -t tmpfs run /run; $2" \
		>"/tmp/$1.log" 2>&1 &
	echo $! >"/tmp/$1.pid"
}

# It is not our child, but of the subshell that try is.
stop() {
	local pid

	pid=$(cat "/tmp/$1.pid" 2>/dev/null) || return
	rm "/tmp/$1.pid"
	kill "$pid" 2>/dev/null
	slowly eval '! kill -0 "$pid"'
}

stop_all() { for host in "${hosts[@]}"; do stop "$host"; done; }

# What a machine that has lost its power knows when it is back: nothing.
crash() {
	kill -9 "$(cat "/tmp/$1.pid")"
	ip -n "$1" xfrm state flush
	ip -n "$1" xfrm policy flush
	in_ns "$1" setkey -c <<<'flush; spdflush;' >/dev/null
}

# charon HOST KERNEL LOCAL REMOTE NET THEIR_NET MODE PROPOSAL [CHILD [CONNECTION]]
# Configure strongSwan; KERNEL is pfkey, ours (pfkey, with our header), or netlink. An
# end may be ADDRESSES|IDENTITY.
charon() {
	local dir=/tmp/$1 other=kernel-netlink plugin=

	rm -rf "$dir"
	mkdir -p "$dir/swanctl"
	[ "$2" != netlink ] || plugin='plugins { kernel-pfkey { load = no } }'
	[ "$2" != ours ] || touch "$dir/ours"
	cat >"$dir/strongswan.conf" <<-CONF
		charon {
			filelog { stderr { default = 1 } }
			retransmit_timeout = 1
			$plugin
		}
	CONF
	cat >"$dir/swanctl/swanctl.conf" <<-CONF
		connections {
			net {
				version = 2
				local_addrs = ${3%|*}
				remote_addrs = ${4%|*}
				proposals = aes128-sha256-ecp256
				local {
					auth = psk
					id = ${3#*|}
				}
				remote {
					auth = psk
					id = ${4#*|}
				}
				children {
					net {
						local_ts = $5
						remote_ts = $6
						mode = $7
						esp_proposals = $8
						${9:-}
					}
				}
				${10:-}
			}
		}
		secrets {
			ike {
				secret = "$SECRET"
			}
		}
	CONF
}

start_charon() {
	local dir=/tmp/$1

	run "$1" "
		mount --bind $dir/swanctl /etc/swanctl
		[ ! -e $dir/ours ] || mount --bind \
			/usr/lib/ipsec{-esplanade,/plugins}/libstrongswan-kernel-pfkey.so
		STRONGSWAN_CONF=$dir/strongswan.conf exec /usr/lib/ipsec/charon"
	slowly inside "$1" test -S /run/charon.vici || return
	inside "$1" swanctl --load-all | grep '^loaded connection'
}

# iked HOST HOW LOCAL REMOTE NET THEIR_NET MODE CHILDSA [MORE]
# Configure OpenIKED; HOW is active or passive.
iked() {
	cat >"/tmp/$1.conf" <<-CONF
		ikev2 "net" $2 $7 esp from $5 to $6 local $3 peer ${4%|*} \
			ikesa enc aes-128 auth hmac-sha2-256 prf hmac-sha2-256 group ecp256 \
			childsa $8 srcid $3 dstid ${4#*|} ${9:-} psk "$SECRET"
	CONF
	chmod 600 "/tmp/$1.conf"
}

# Even for pre-shared keys it wants a key of its own.
start_iked() {
	local keys=/tmp/iked-keys

	[ -e $keys ] || {
		mkdir -p $keys/{ca,certs,crls,private,pubkeys/{fqdn,ipv4,ipv6,ufqdn}}
		openssl ecparam -name prime256v1 -genkey -noout -out $keys/private/local.key
		openssl ec -in $keys/private/local.key -pubout -out $keys/local.pub
	} 2>/dev/null
	run "$1" "
		mkdir -p /run/iked
		mount --bind $keys /etc/iked
		exec iked -d -v -f /tmp/$1.conf"
	slowly inside "$1" ikectl show sa
}

# Of ESP in UDP, fragments too.
IKE='(udp port 500 or udp port 4500 or (ip proto 17 and ip[6:2] & 0x1fff != 0))'
IN_UDP='udp port 4500 and udp[8:4] != 0'

# clean FILTER - on the wire was what the filter says, IKE, and nothing else
clean() {
	local esp other plain

	esp=$(on_wire "$1")
	other=$(on_wire "not $ESP and not $IKE and not $LINK")
	plain=$(grep -c "$MARKER" "$wire")
	is "$label: ESP and IKE on the wire, and nothing clear" 'yes 0 0' \
		"$( ((esp > 0)) && echo yes || echo no) $other $plain"
}

# lossless SECONDS SPIS [LOST] - pings all along, and SAs one after the other; LOST of
# each SA's packets may be, for there are daemons that load it too late
lossless() {
	local spis lost

	record "$a" eth0
	ip netns exec "$a" ping -n -q -i 0.02 -c $(($1 * 50)) -p "$MARKER_HEX" 10.10.2.1 >/tmp/flood 2>&1
	stop_recording
	spis=$(tcpdump -nr "$wire" 2>/dev/null | grep -oE '> 10.1.0.2: ESP\(spi=0x[0-9a-f]+' |
		sort -u | wc -l)
	lost=$(awk '/packets transmitted/ {print $1 - $4}' /tmp/flood)
	try "$label: $((${3:-0} * spis)) pings are lost, or fewer" \
		[ "$lost" -le $((${3:-0} * spis)) ]
	try "$label: $2 SAs and more one after the other" [ "$spis" -ge "$2" ]
	clean "$ESP"
	forget_recording
}

# What the two hosts still have of SAs.
left_over() {
	local host

	for host in "$1" "$2"; do
		in_ns "$host" setkey -D | grep -v '^No SAD'
		ip -n "$host" xfrm state
	done
}
