# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2034
#
# userland.sh - what the guest runs: Debian packages, as one squashfs
#
# The image is named by this file and the list, so that a change of either makes
# a new one. Sets userland.

base_packages=(bash dash coreutils sed grep mawk gawk findutils diffutils procps
	util-linux mount kmod hostname iproute2 iputils-ping tcpdump iperf3 nftables
	ethtool wireguard-tools curl socat netcat-openbsd busybox netbase libc-bin
	iptables conntrack bsdextrautils xxd debianutils libjansson4)
python_packages=(python3 python3-scapy python3-cryptography)

unpack_userland() {
	local out=${*: -1} root=${*: -1}.root name

	rm -rf "$root"
	unpack_debian bookworm "${@:1:$#-1}" "$root" || return 1
	mkdir -p "$root/test"
	[ -z "$strongswan" ] || cp -a "$strongswan/." "$root/" || return 1
	for name in iptables ip6tables; do
		ln -sf xtables-nft-multi "$root/usr/sbin/$name"
	done
	ln -sf which.debianutils "$root/usr/bin/which"
	ln -sf nc.openbsd "$root/usr/bin/nc"
	# Of busybox only what nothing else has: its ip is not iproute2.
	ln -sf busybox "$root/usr/bin/httpd"
	printf '%s\n' root:x:0:0:root:/root:/bin/bash \
		tcpdump:x:100:100::/:/usr/sbin/nologin \
		_iked:x:101:101::/run/iked:/usr/sbin/nologin \
		nobody:x:65534:65534::/:/usr/sbin/nologin >"$root/etc/passwd"
	printf '%s\n' root:x:0: tcpdump:x:100: _iked:x:101: nogroup:x:65534: \
		>"$root/etc/group"
	echo 'hosts: files' >"$root/etc/nsswitch.conf"
	ln -sf /run/hosts "$root/etc/hosts"
	# Emulated, compiling scapy takes longer than most tests.
	[ ! -e "$root/usr/bin/python3" ] ||
		unshare --map-root-user chroot "$root" python3 -m compileall -q \
			/usr/lib/python3 /usr/lib/python3.11 || return 1
	squash "$root" "$out"
	rm -rf "$root"
}

# userland_fetch PYTHON DAEMONS - 0 or 1; 0, iked or all
userland_fetch() {
	local list=("${base_packages[@]}") what='a userland' name

	strongswan=
	[ "$1" = 0 ] || list+=("${python_packages[@]}") what+=' with python'
	if [ "$2" != 0 ]; then
		list+=("${daemon_packages[@]}") what+=' with IKE daemons'
		[ "$2" = iked ] || daemons_fetch
	fi
	name=userland-$(printf '%s\n' "${list[@]}" ${strongswan:+"${strongswan##*/}"} |
		cat - "$here/userland.sh" | sha256sum | cut -c1-12)
	[ -e "$cache/$name" ] ||
		step "unpacking $what" once "$name" unpack_userland "${list[@]}"
	userland=$cache/$name
}
