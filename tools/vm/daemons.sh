# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2034
#
# daemons.sh - IKE daemons for the guest, as one folder to lay over its userland
#
# OpenIKED comes as Debian's package. strongSwan's packages lack kernel-pfkey, so it
# is built from Debian's source package: as it is, and its plugin a second time
# with our header in place of the one that it brings, in $with_ours.

daemon_packages=(openiked openssl libssl3)
strongswan_packages=(gcc make libc6-dev libssl-dev pkg-config dpkg-dev patch perl
	xz-utils bzip2 gzip tar bash dash coreutils findutils diffutils sed grep gawk
	mawk file binutils)
strongswan_options=(--disable-defaults --enable-charon --enable-ikev1 --enable-ikev2
	--enable-kernel-pfkey --enable-kernel-netlink --enable-socket-default
	--enable-openssl --enable-nonce --enable-random --enable-hmac --enable-kdf
	--enable-pem --enable-pkcs1 --enable-x509 --enable-pubkey --enable-swanctl
	--enable-vici --enable-updown)
with_ours=/usr/lib/ipsec-esplanade

# in_root ROOT COMMAND... - as if it were the whole machine; mounts end with it
in_root() {
	# shellcheck disable=SC2016 # expanded inside
	unshare --map-root-user --mount sh -ec '
		root=$1
		shift
		mount --rbind /proc "$root/proc"
		mount --rbind /dev "$root/dev"
		PATH=/usr/sbin:/usr/bin exec chroot "$root" "$@"
	' sh "$@"
}

build_strongswan() {
	cat <<-SCRIPT
		set -e
		cd /src
		dpkg-source --no-check -x *.dsc tree >/dev/null
		cd tree
		./configure --quiet --prefix=/usr --sysconfdir=/etc --libexecdir=/usr/lib \\
			--with-piddir=/run ${strongswan_options[*]}
		make -s -j2
		make -s install DESTDIR=/out
		# Its list of extensions' names ends where Linux's ended long ago.
		sed 's/^\(#define SADB_EXT_MAX\).*/\1 25/' /pfkeyv2.h >src/include/linux/pfkeyv2.h
		cd src/libcharon/plugins/kernel_pfkey
		make -s clean
		make -s
		make -s install DESTDIR=/ours
		mkdir -p /out$with_ours
		cp /ours/usr/lib/ipsec/plugins/libstrongswan-kernel-pfkey.so /out$with_ours/
		find /out -name '*.la' -delete
		find /out -type f -name '*.so*' -exec strip --strip-unneeded {} +
	SCRIPT
}

# unpack_strongswan OUT - what "make install" would put there
unpack_strongswan() {
	local out=$1 root=$1.root

	rm -rf "$root"
	unpack_debian bookworm "${strongswan_packages[@]}" "$root" || return 1
	mkdir -p "$root/src" "$root/out"
	(cd "$root/src" && apt_for bookworm apt-get -qq source --download-only strongswan) ||
		return 1
	cp "$top/uapi/linux/pfkeyv2.h" "$root/"
	build_strongswan >"$root/build.sh"
	if ! in_root "$root" sh /build.sh >"$out.log" 2>&1; then
		tail -n 30 "$out.log" >&2
		return 1
	fi
	mv "$root/out" "$out"
	rm -rf "$root" "$out.log"
}

# daemons_fetch - sets strongswan
daemons_fetch() {
	local name

	name=strongswan-$(cat "$here/daemons.sh" "$top/uapi/linux/pfkeyv2.h" |
		sha256sum | cut -c1-12)
	[ -e "$cache/$name" ] ||
		step "building strongSwan, some minutes" once "$name" unpack_strongswan
	strongswan=$cache/$name
}
